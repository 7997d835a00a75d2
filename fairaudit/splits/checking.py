"""Given parts of the data, checked: rows that stand in several of them, and how differently they are made up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from fairaudit.data.files import files_of
from fairaudit.data.rows import Wanted, prepare
from fairaudit.data.source import Source, require, told
from fairaudit.data.written import mistaken_columns
from fairaudit.errors import ConfigError, FairauditError, raise_all
from fairaudit.splits.leakage import Leak, leaks
from fairaudit.splits.skew import ColumnSkew, Shifted, column_skews, shifts
from fairaudit.splits.splitting import telling_apart, told_apart
from fairaudit.version import VERSION

SCHEMA = "fairaudit/split-check/1"


class GivenPart(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    files: tuple[str, ...]
    rows: int


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What was found."""

    schema: str
    version: str
    parts: tuple[GivenPart, ...]
    compared: tuple[str, ...]  # the columns in which rows must be alike to be called so
    together: bool  # whether rows that are alike leak
    leaks: tuple[Leak, ...]
    columns: tuple[ColumnSkew, ...]
    tests: tuple[Shifted, ...]
    notes: tuple[str, ...]

    @property
    def leaking(self) -> tuple[Leak, ...]:
        """Those that are leakage; where rows may be alike by chance, only ids and clusters tell."""
        return tuple(one for one in self.leaks if self.together or one.kind in ("id", "cluster"))


def check_parts(paths: Sequence[str], wanted: Wanted, *, ignore: Collection[str] = (), together: bool = True) -> Checked:
    """Look for what the parts have in common, and for what they differ in.

    Args:
        paths: a file, folder or glob for each part.
        wanted: the label and the attributes, and the columns that say which rows are whose.
        ignore: columns in which rows may differ and be alike all the same.
        together: whether it is leakage that rows of two parts are alike.

    Raises:
        ConfigError, ContentError, Several: what the user has to mend.
    """
    names, source, part_of_file = _opened(paths)
    raise_all((*require(source, wanted.columns | dict.fromkeys(ignore, "--ignore")), *mistaken_columns(source)))
    with source.connect() as connection:
        # An id in two rows, or a row of no cluster, is for this to tell and no mistake.
        rows = prepare(connection, source, replace(wanted, id=None, cluster=None))
        source = rows.source
        with told(source):
            found = tuple(leaks(connection, source, part_of_file, names, wanted, ignore=ignore))
            columns = tuple(column_skews(connection, source, part_of_file, names, wanted, ignore=ignore))
            tests = shifts(connection, rows, part_of_file, names)
            apart = telling_apart(connection, source, wanted, ignore)
    sizes = np.bincount(part_of_file, rows.per_file, len(names)).astype(np.int64).tolist()
    return Checked(
        schema=SCHEMA, version=VERSION,
        parts=tuple(
            GivenPart(name=name, files=tuple(file for file, part in zip(source.names, part_of_file, strict=True) if part == place), rows=size)
            for place, (name, size) in enumerate(zip(names, sizes, strict=True))
        ),
        compared=tuple(name for name in source.columns if name not in {wanted.id, *ignore}), together=together, leaks=found, columns=columns, tests=tests,
        notes=tuple(_notes(found, apart, together)),
    )  # fmt: skip


def _opened(paths: Sequence[str]) -> tuple[tuple[str, ...], Source, tuple[int, ...]]:
    """The parts' names, all their files, and the part of each file."""
    if len(paths) < 2:
        raise ConfigError("--check compares parts of the data with one another; name two or more, as train.csv test.csv.")
    mistakes: list[FairauditError] = []
    part_of: dict[Path, int] = {}
    for place, path in enumerate(paths):
        try:
            for file in files_of([path]):
                if (other := part_of.setdefault(file.path.resolve(), place)) != place:
                    mistakes.append(ConfigError(f"{file.path} is a part of {paths[other]} and of {path}; give each part files of its own."))
        except FairauditError as error:
            mistakes.append(error)
    raise_all(mistakes)
    source = Source(files=files_of(paths))
    return _names(paths), source, tuple(part_of[file.path.resolve()] for file in source.files)


def _names(paths: Sequence[str]) -> tuple[str, ...]:
    """What each part is called: its file's name without its suffix, or where two would be called the same, its path."""
    short = [Path(path).name.split(".")[0] or path for path in paths]
    times = Counter(short)
    return tuple(path if times[name] > 1 or not name.strip("*?[]") else name for path, name in zip(paths, short, strict=True))


def _notes(found: Sequence[Leak], apart: Sequence[str], together: bool) -> Iterator[str]:
    alike = [one for one in found if one.kind in ("alike", "alike_but_label")]
    if alike and not together:
        yield "Rows that are alike are told and not called leakage, as --duplicates apart asks."
    if not alike and apart:
        yield told_apart("No two parts have rows that are alike", apart)
