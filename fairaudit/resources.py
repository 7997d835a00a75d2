"""Where the shipped data lie: the rule library and the report templates, in a checkout and in an installed wheel alike."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

PACKAGED = "_data"  # in a wheel the folders lie in fairaudit/_data/; pyproject.toml puts them there


def folder(kind: str) -> Traversable:
    """The folder of one kind of resource: "rules" or "reports/templates".

    A wheel's own copy comes first: beside an installed package, a folder called `rules` may be anybody's.
    """
    packaged = files("fairaudit").joinpath(PACKAGED, kind)
    return packaged if packaged.is_dir() else Path(__file__).resolve().parent.parent / kind


def resource(kind: str, name: str) -> Traversable:
    """One shipped file, which may not exist: ask `is_file()`."""
    return folder(kind).joinpath(name)


def names(kind: str, suffix: str) -> tuple[str, ...]:
    """The names, without the suffix and sorted, of what is shipped of a kind."""
    here = folder(kind)
    return tuple(sorted(one.name.removesuffix(suffix) for one in here.iterdir() if one.name.endswith(suffix))) if here.is_dir() else ()
