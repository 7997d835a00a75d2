"""The parts as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from fairaudit.data.files import Format, fingerprint
from fairaudit.data.source import Source
from fairaudit.data.written import SUFFIXES, Target, write_rows
from fairaudit.splits.result import SCHEMA, SplitFile, split_file, to_json
from fairaudit.splits.shares import Part
from fairaudit.splits.splitting import Split

SPLIT = "split.json"
_ROW = "fairaudit_row"


def row_column(source: Source) -> str:
    """What the column of a row's place in the data is called; none of the data's own is."""
    name, taken = _ROW, {one.casefold() for one in source.columns}
    while name in taken:
        name += "_"
    return name


def write_parts(found: Split, folder: Path) -> tuple[Path, ...]:
    """Each part as a Parquet file, in the order of the parts, to be audited as the data themselves would be.

    Columns keep their types, texts their spaces, what is missing stays missing, and a CSV file's columns are all texts, as they are where it is audited itself. One column is added, `row_column`: the row's place in all the
    data, from 1, which may serve as an id.

    Raises:
        ContentError: the data cannot be read, or changed since they were split.
    """
    paths = tuple(folder / f"{part.name}{SUFFIXES['parquet']}" for part in found.parts)
    places = np.arange(1, found.part.size + 1, dtype=np.int64)
    write_rows(found.source, [Target(path=path, taken=found.part == place) for place, path in enumerate(paths)], "parquet", {row_column(found.source): places})
    return paths


def names_of(parts: Sequence[Part], format: Format) -> tuple[str, ...]:
    """The files that `write_split` makes, split.json last."""
    return (*(f"{part.name}{SUFFIXES[format]}" for part in parts), SPLIT)


def former_files(folder: Path) -> tuple[str, ...]:
    """The parts that a former split.json in this folder names; none where there is none."""
    try:
        former = msgspec.json.decode((folder / SPLIT).read_bytes(), type=_Former)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return ()
    return tuple(one.file for one in former.parts if former.schema == SCHEMA and Path(one.file).name == one.file)


class _FormerPart(msgspec.Struct):
    file: str


class _Former(msgspec.Struct):
    """As much of a split.json as tells which files are its own."""

    schema: str
    parts: tuple[_FormerPart, ...]


def write_split(found: Split, folder: Path, format: Format) -> SplitFile:
    """The parts, each with the data's columns and nothing else, and split.json.

    Raises:
        ConfigError: CSV has no form for a column.
        ContentError: the data cannot be read, or changed since they were split.
    """
    *names, last = names_of(found.parts, format)
    write_rows(found.source, [Target(path=folder / name, taken=found.part == place) for place, name in enumerate(names)], format)
    written = split_file(found, [(name, fingerprint(folder / name)) for name in names])
    (folder / last).write_bytes(to_json(written))
    return written
