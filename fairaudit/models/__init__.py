"""Models: rows in, scores out. Importing this imports nothing; a name's home is imported when it is first asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fairaudit.models.interface import Feature, ModelCard, Scorer
    from fairaudit.models.matching import Match, inputs_of, matches
    from fairaudit.models.savedmodel import Description, describe, load, matched

__all__ = ["Description", "Feature", "Match", "ModelCard", "Scorer", "describe", "inputs_of", "load", "matched", "matches"]
_HOMES = {
    "interface": ("Feature", "ModelCard", "Scorer"),
    "matching": ("Match", "inputs_of", "matches"),
    "savedmodel": ("Description", "describe", "load", "matched"),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
