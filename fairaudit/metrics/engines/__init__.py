"""The engines by name; importing this imports none of their libraries."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

from fairaudit.config import ENGINES
from fairaudit.errors import ContentError
from fairaudit.metrics.engines.interface import Engine

_PACKAGES = {"tfma": ("tensorflow-model-analysis", "fairness-indicators"), "aif360": ("aif360",)}
NAMES, WITNESSES = ENGINES, ENGINES[1:]


def engine(name: str, *, seed: int = 0) -> Engine:
    """The engine called `name`, one of `NAMES`; imports its library, which may take seconds.

    Args:
        seed: of the sample of slices that a witness checks where there are too many.
    """
    made: Engine = getattr(import_module(f"{__name__}.{name}"), f"{name.capitalize()}Engine")(seed=seed)
    return made


def loaded(name: str, *, seed: int) -> Engine:
    """As `engine`.

    Raises:
        ContentError: its library is installed and cannot be imported.
    """
    try:
        return engine(name, seed=seed)
    except Exception as broken:  # whatever a half-installed library raises while it is imported
        raise ContentError(f"the {name} engine cannot be loaded ({broken}); mend its installation, or audit with --engine native.") from broken


def installed(name: str) -> str | None:
    """The version of the library behind an engine, or None where it, or a part of it, is not installed."""
    if name == "native":
        return "built in"
    try:
        versions = [version(package) for package in _PACKAGES[name]]
    except PackageNotFoundError:
        return None
    return versions[0]
