"""What Python is given, where it is not what it should be: a sentence, and no error of whatever came upon it first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from fairaudit.errors import ConfigError

T = TypeVar("T")
_ADVICE = {
    "Audit": "what `fairaudit.audit` or `fairaudit.read_audit` gives", "Ruling": "what `fairaudit.ruling` gives", "Policy": "a `fairaudit.Policy(…)`",
    "date": "a datetime.date, as date(2026, 7, 5)", "int": "a whole number",
}  # fmt: skip


def of_kind(value: object, kind: type[T], name: str) -> T:
    """The value, if it is of that kind.

    Args:
        name: what it was given as.

    Raises:
        ConfigError: it is not.
    """
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise _wrong(value, name, f"no {kind.__name__}", _ADVICE[kind.__name__])
    return value


def of_kind_or_none(value: object, kind: type[T], name: str) -> T | None:
    """The same of what may be left out."""
    return None if value is None else of_kind(value, kind, name)


def path_given(value: object, name: str = "path") -> Path:
    """The path, if it is one.

    Raises:
        ConfigError: it is none, or no file can be called so.
    """
    if not isinstance(value, str | Path):
        raise _wrong(value, name, "no path", "a text or a pathlib.Path")
    if "\0" in str(value):
        raise _wrong(value, name, "no file's name, since it has a null byte", "another")
    return Path(value)


def texts_of(value: object, name: str) -> tuple[str, ...]:
    """Texts or paths, one or several, as texts.

    Raises:
        ConfigError: one of them is neither.
    """
    several = (value,) if isinstance(value, str | Path) else value
    if not isinstance(several, Sequence) or isinstance(several, bytes) or not all(isinstance(one, str | Path) for one in several):
        raise _wrong(value, name, "neither a text or path nor a list of them", "ids or files, as ['four-fifths']")
    return tuple(map(str, several))


def paths_by_name(value: object, name: str) -> dict[str, tuple[Path, ...]]:
    """The path or paths of each name.

    Raises:
        ConfigError: it is no mapping, or one of them is no path.
    """
    if not isinstance(value, Mapping):
        raise _wrong(value, name, "no mapping", "a path for each format, as {'json': 'gate.json'}")
    held: dict[str, tuple[Path, ...]] = {}
    for one, paths in value.items():
        several = paths if isinstance(paths, Sequence) and not isinstance(paths, str | bytes) else (paths,)
        held[of_text(one, f"a format of {name}")] = tuple(path_given(path, f"{name}[{one!r}]") for path in several)
    return held


def of_text(value: object, name: str) -> str:
    """The text, if it is one."""
    if not isinstance(value, str):
        raise _wrong(value, name, "no text", "a name")
    return value


def _wrong(value: object, name: str, what: str, advice: str) -> ConfigError:
    shown = repr(value)
    return ConfigError(f"{name} is {shown if len(shown) <= 60 else f'{shown[:57]}…'}, which is {what}; give {advice}.")
