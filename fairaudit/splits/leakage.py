"""Rows of one part of the data that stand in another too: alike, or of the same id or cluster."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import duckdb
import msgspec
import numpy as np

from fairaudit.cube.cube import plain
from fairaudit.data.columns import Column, missing_in
from fairaudit.data.rows import Wanted
from fairaudit.data.source import Source, place_in, require, told
from fairaudit.data.written import mistaken_columns
from fairaudit.errors import ConfigError, raise_all
from fairaudit.interrupts import stoppable
from fairaudit.splits.hashes import as_text, as_text_beside, row_hash
from fairaudit.splits.units import Hashes
from fairaudit.types import Bools, Ints

Kind = Literal["alike", "alike_but_label", "id", "cluster"]
_KINDS: tuple[Kind, ...] = ("alike", "id", "cluster")
_NONE = 0  # instead of a hash, where an id or a cluster is missing; a hash is 0 once in 10^19
_PLACES = 5  # that are named; all are counted


class Leak(msgspec.Struct, frozen=True, kw_only=True):
    """What two parts have in common."""

    kind: Kind
    parts: tuple[str, str]
    values: int  # different rows, ids or clusters that are in both
    rows: tuple[int, int]  # of each part
    places: tuple[tuple[str, str], ...]  # the first of the second part's rows, each with the first of the first part's


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """What two sources have in common."""

    by: Literal["id", "content"]  # how rows are known
    columns: tuple[str, ...]  # by which they are compared
    rows: tuple[int, int]  # of each that are in the other
    places: tuple[tuple[str, str], ...]  # the first of the second's rows, each with the first of the first's

    def __bool__(self) -> bool:
        return any(self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Both:
    """Which of two sides' rows have a hash that is on the other side too."""

    one: Bools
    other: Bools
    values: int
    first: tuple[tuple[int, int], ...]  # the other side's first rows, each after the one side's first

    @property
    def rows(self) -> tuple[int, int]:
        return int(self.one.sum()), int(self.other.sum())


def overlap(one: Source, other: Source, *, id: str | None = None, ignore: Collection[str] = ()) -> Overlap:
    """The rows that stand in both sources; whatever their formats, a half is a half.

    Args:
        id: a column of both that tells rows apart: then rows of the same id are the same; else those that are alike in every column that both have.
        ignore: columns in which rows may differ and be the same all the same, as the label.

    Raises:
        ConfigError: the id is not in both, or no column is.
        ContentError: the data cannot be read.
    """
    for source in (one, other):
        raise_all((*require(source, {} if id is None else {id: "--id"}), *mistaken_columns(source)))
    columns = (id,) if id is not None else tuple(name for name in one.columns if name in other.columns and name not in ignore)
    if not columns:
        raise ConfigError(f"{one.name} and {other.name} have no column in common, so nobody can say whether they have rows in common; give data with the same columns.")
    sides = [_hashed(source, _texts(source, columns, beside=other_one)) for source, other_one in ((one, other), (other, one))]
    both = _in_both(*(hashes for hashes, _ in sides))
    places = tuple(tuple(place_in(source.names, starts, row) for source, (_, starts), row in zip((one, other), sides, pair, strict=True)) for pair in both.first)
    return Overlap(by="content" if id is None else "id", columns=columns, rows=both.rows, places=places)  # type: ignore[arg-type]


def leaks(connection: duckdb.DuckDBPyConnection, source: Source, part_of_file: Sequence[int], names: Sequence[str], wanted: Wanted, *, ignore: Collection[str] = ()) -> Iterator[Leak]:
    """What any two parts have in common, kind by kind.

    Args:
        part_of_file: the part of each of the source's files.
        names: of the parts.
        wanted: names the label, the id and the cluster, where there are some, and what is missing.
        ignore: columns in which rows may differ and be alike all the same.
    """
    read = _read(connection, source, wanted, ignore)
    starts = np.concatenate(([0], np.cumsum(np.bincount(read["file"], minlength=len(part_of_file)))))
    part = np.array(part_of_file)[read["file"]]
    rows = [np.flatnonzero(part == place) for place in range(len(names))]
    for one, other in combinations(range(len(names)), 2):
        sides = {kind: (hashes[rows[one]], hashes[rows[other]]) for kind, hashes in read.items()}
        found: dict[Kind, _Both] = {kind: _in_both(*sides[kind]) for kind in _KINDS if kind in sides}
        if "but_label" in sides:
            found["alike_but_label"] = _in_both(*sides["but_label"], aside=(found["alike"].one, found["alike"].other))
        for kind, both in found.items():
            if both.values:
                at = ((int(rows[one][mine]), int(rows[other][theirs])) for mine, theirs in both.first)
                places = tuple((place_in(source.names, starts, mine), place_in(source.names, starts, theirs)) for mine, theirs in at)
                yield Leak(kind=kind, parts=(names[one], names[other]), values=both.values, rows=both.rows, places=places)


def _in_both(one: Hashes, other: Hashes, *, aside: tuple[Bools, Bools] | None = None) -> _Both:
    """
    Args:
        aside: rows of each side that are not asked for.
    """
    present = [side != _NONE for side in (one, other)]
    if aside is not None:
        present = [has & ~left_out for has, left_out in zip(present, aside, strict=True)]
    # A row is in both if its hash is anywhere on the other side, those left aside included.
    held, first = np.unique(one, return_index=True)
    place = np.minimum(np.searchsorted(held, other), max(held.size - 1, 0))
    theirs = present[1] & (held[place] == other if held.size else False)
    mine = present[0] & np.isin(one, other)
    found = np.flatnonzero(theirs)[:_PLACES]
    values = np.union1d(one[mine], other[theirs]).size
    return _Both(one=mine, other=theirs, values=int(values), first=tuple(zip(first[place[found]].tolist(), found.tolist(), strict=True)))


def _hashed(source: Source, texts: Mapping[str, str]) -> tuple[Hashes, Ints]:
    """The hash of each row, and where each file's rows begin."""
    with told(source), source.connect() as connection:
        told_missing = " AND ".join(f"{text} IS NULL" for text in texts.values())
        hashed = f"CASE WHEN {told_missing} THEN {_NONE} ELSE {row_hash(texts)} END" if len(texts) == 1 else row_hash(texts)
        found = _numbers(connection, f"SELECT {hashed}::UBIGINT AS hash, file_place::INTEGER AS file FROM ({source.relation(tuple(texts))})")
    return found["hash"], np.concatenate(([0], np.cumsum(np.bincount(found["file"], minlength=len(source.names)))))


def _texts(source: Source, columns: Sequence[str], *, beside: Source) -> dict[str, str]:
    return {name: as_text_beside(_column(source, name), [source.schema.field(name).type, beside.schema.field(name).type]) for name in columns}


def _read(connection: duckdb.DuckDBPyConnection, source: Source, wanted: Wanted, ignore: Collection[str]) -> dict[str, Any]:
    """Numbers of every row: its file, and its hashes."""
    aside = {wanted.id, *ignore}
    texts = {name: as_text(_column(source, name)) for name in source.columns if name not in aside}
    but_label = {name: text for name, text in texts.items() if name != wanted.label}
    taken = {"file": "file_place::INTEGER"} | ({"alike": row_hash(texts)} if texts else {})
    taken |= {"but_label": row_hash(but_label)} if but_label and len(but_label) < len(texts) else {}
    for kind, name in (("id", wanted.id), ("cluster", wanted.cluster)):
        if name is not None:
            text = _column(source, name, wanted).as_text
            taken[kind] = f"CASE WHEN {text} IS NULL THEN {_NONE} ELSE {row_hash({name: text})} END::UBIGINT"
    return _numbers(connection, f"SELECT {', '.join(f'{value} AS {name}' for name, value in taken.items())} FROM ({source.relation(source.columns)})")


def _numbers(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    table = stoppable(connection, lambda: connection.sql(sql).to_arrow_table())
    return {name: plain(table.column(name)) for name in table.schema.names}


def _column(source: Source, name: str, wanted: Wanted | None = None) -> Column:
    missing = missing_in(name, wanted.missing, source.columns) if wanted is not None else ()
    return Column(name=name, sql=source.alias(name), type=source.schema.field(name).type, missing=missing)
