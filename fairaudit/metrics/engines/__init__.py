"""The engines by name; importing this imports none of their libraries."""

from __future__ import annotations

from importlib import import_module

from fairaudit.metrics.engines.interface import Engine

_ENGINES = {"native": "NativeEngine", "tfma": "TfmaEngine", "aif360": "Aif360Engine"}
NAMES = tuple(_ENGINES)


def engine(name: str) -> Engine:
    """The engine called `name`, one of `NAMES`; imports its library, which may take seconds."""
    made: Engine = getattr(import_module(f"{__name__}.{name}"), _ENGINES[name])()
    return made
