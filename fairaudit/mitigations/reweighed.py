"""Reweighed training data as files, with the card that says what was done, on what, and why, and what it does to base rates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from fairaudit.cube.counts import POSITIVE, Counts
from fairaudit.cube.slices import EVERYONE, Slice, Slicing
from fairaudit.data.files import Format, files_of, fingerprint
from fairaudit.data.rows import prepare
from fairaudit.data.source import Source, told
from fairaudit.data.written import SUFFIXES, Target, write_numbers, write_rows
from fairaudit.errors import listed
from fairaudit.manifest import data_files
from fairaudit.mitigations.reweighing import Cell, Reweighing, by_label, counted
from fairaudit.result import DataFile, Exclusion
from fairaudit.types import Floats, Ints
from fairaudit.version import VERSION

SCHEMA: Literal["fairaudit/mitigation/1"] = "fairaudit/mitigation/1"
CARD, PARITY = "card.json", "parity.md"
_NAMED = 4  # groups in a sentence
_HEAVY = 10  # times its weight: from here on it is said
_WHAT = "Every labelled row has a weight, its own times P(group) × P(label) / P(group, label), by which label and group are independent."
_WHY = "A model that is trained with these weights sees the same base rate in every group, so the group alone tells it nothing about the label. Whether its decisions are fair then is not said by this: audit it once it is trained."
SOURCE = "Kamiran & Calders (2012), Data preprocessing techniques for classification without discrimination, Knowledge and Information Systems 33:1–33."


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """A slice's base rate against everyone else's."""

    base_rate: float
    others: float | None  # None: there is nobody else
    difference: float | None
    ratio: float | None  # None where the others' rate is 0, too


class Parity(msgspec.Struct, frozen=True, kw_only=True):
    slice: Slice
    rows: int
    before: Rates
    after: Rates  # counted anew in the file that was written


class HowReweighed(msgspec.Struct, frozen=True, kw_only=True):
    """What the weights follow from, besides the data."""

    label: str
    positive: str | None
    protected: Slicing
    bands: dict[str, tuple[float, ...]]  # attribute → edges
    merged: dict[str, tuple[str, ...]]  # attribute → rare values that are one
    weight: str | None  # the rows' own
    count: str | None
    id: str | None
    missing: tuple[str, ...]
    weight_column: str


class ReweighedRows(msgspec.Struct, frozen=True, kw_only=True):
    """The account of the rows: `read` is what was reweighed, what has no label and what is excluded, together."""

    read: int
    reweighed: int
    unlabelled: int  # they keep their own weight
    excluded: tuple[Exclusion, ...]


class ReweighingCard(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, on what, and why: `card.json`."""

    schema: Literal["fairaudit/mitigation/1"] = SCHEMA
    method: Literal["reweigh"] = "reweigh"
    version: str
    what: str
    why: str
    source: str
    settings: HowReweighed
    data: tuple[DataFile, ...]
    rows: ReweighedRows
    cells: tuple[Cell, ...]
    parity: tuple[Parity, ...]
    files: tuple[DataFile, ...]
    notes: tuple[str, ...]


def names_of(format: Format) -> tuple[str, ...]:
    """The files that `write_reweighing` makes, the card last; `parity.md` comes from elsewhere."""
    return (f"reweighed{SUFFIXES[format]}", f"weights{SUFFIXES[format]}", CARD)


def write_reweighing(made: Reweighing, folder: Path, format: Format) -> ReweighingCard:
    """All rows with their weights, the weights alone, and what it does to base rates, counted anew in the file of all rows.

    Raises:
        ConfigError: CSV has no form for a column.
        ContentError: the data cannot be read, or changed since they were weighed.
    """
    reweighed, weights, _ = names_of(format)
    write_weighted(made, folder / reweighed, folder / weights, format)
    return _card(made, _again(made, folder / reweighed), [folder / reweighed, folder / weights])


def write_weighted(made: Reweighing, data: Path, alone: Path, format: Format, *, without: Sequence[str] = ()) -> None:
    """All rows with their weights, and the weights alone, by the row's place and by its id where one is named.

    Args:
        without: columns of the data that are left out.

    Raises:
        ConfigError, ContentError: as `write_reweighing` does.
    """
    rows, source = made.rows, made.rows.source
    write_rows(source, [Target(path=data)], format, {made.weight_column: made.weights}, columns=[one for one in source.columns if one not in without])
    place = "row" if rows.wanted.id is None or rows.wanted.id.casefold() != "row" else "fairaudit_row"
    numbers: dict[str, Floats | Ints] = {place: np.arange(1, made.weights.size + 1, dtype=np.int64), made.weight_column: made.weights}
    if rows.wanted.id is None:
        write_numbers(alone, numbers, format)
    else:
        write_rows(source, [Target(path=alone)], format, numbers, columns=(rows.wanted.id,))


def _again(made: Reweighing, path: Path) -> Counts:
    """The counts of the file that was written, by its new weights."""
    rows = made.rows
    source = Source(files=files_of([str(path)]), parallel=rows.source.parallel)
    with source.connect() as connection:
        found = prepare(connection, source, replace(rows.wanted, weight=made.weight_column, bins=dict(rows.reading.bands), id=None))
        with told(source):
            return counted(connection, found)


def _card(made: Reweighing, after: Counts, files: Sequence[Path]) -> ReweighingCard:
    rows, wanted, reading = made.rows, made.rows.wanted, made.rows.reading
    settings = HowReweighed(
        label=str(wanted.label), positive=rows.positive, protected=wanted.attributes, bands={name: bands.edges for name, bands in reading.bands.items()},
        merged={name: rare.values for name, rare in reading.merged.items()}, weight=wanted.weight, count=wanted.count, id=wanted.id, missing=wanted.missing, weight_column=made.weight_column,
    )  # fmt: skip
    return ReweighingCard(
        version=VERSION, what=_WHAT, why=_WHY, source=SOURCE, settings=settings, data=tuple(data_files(rows.source, rows)),
        rows=ReweighedRows(
            read=rows.read, reweighed=rows.audited - rows.unlabelled, unlabelled=rows.unlabelled, excluded=tuple(Exclusion(reason=reason, rows=number) for reason, number in rows.excluded)
        ),
        cells=made.cells, parity=parity(made.counts, after), files=tuple(DataFile(name=path.name, sha256=fingerprint(path), rows=rows.lines) for path in files),
        notes=tuple(notes_of(made)),
    )  # fmt: skip


def parity(before: Counts, after: Counts) -> tuple[Parity, ...]:
    """The base rate of every slice against everyone else's, before and after."""
    sides = [by_label(found.weight) for found in (before, after)]
    rows = by_label(before.rows.astype(np.float64)).sum(axis=1)
    everyone = before.index(EVERYONE)
    return tuple(
        Parity(slice=one, rows=int(rows[place]), before=_rates(sides[0][place], sides[0][everyone]), after=_rates(sides[1][after.index(one)], sides[1][after.index(EVERYONE)]))
        for place, one in enumerate(before.slices)
        if one.values
    )


def _rates(weight: Floats, everyone: Floats) -> Rates:
    rest = everyone - weight
    rate, others = float(weight[POSITIVE] / weight.sum()), float(rest[POSITIVE] / rest.sum()) if rest.sum() > 0 else None
    return Rates(base_rate=rate, others=others, difference=None if others is None else rate - others, ratio=rate / others if others else None)


def notes_of(made: Reweighing) -> Iterator[str]:
    """What somebody who uses the weights should know of them."""
    rows, wanted = made.rows, made.rows.wanted
    groups = [one for one in made.cells if one.label == POSITIVE]
    if len(groups) == 1:
        yield f"Every row is of one group, {groups[0].slice}, so all weights are what they were."
    missing = [one.slice for one in groups if one.slice.has_missing]
    if missing:
        yield f"Rows that lack a value of {' or '.join(wanted.attributes)} are groups of their own, and are reweighed as any other: {listed(list(map(str, missing)), most=_NAMED)}."
    if rows.unlabelled:
        yield f"{rows.unlabelled:,} {'row has' if rows.unlabelled == 1 else 'rows have'} no label; {'it keeps its weight and counts' if rows.unlabelled == 1 else 'they keep their weights and count'} nowhere."
    heaviest = max(made.cells, key=lambda one: one.factor)
    if heaviest.factor > _HEAVY:
        label = "positive" if heaviest.label else "negative"
        who = f"The only row of {heaviest.slice} that is {label} weighs" if heaviest.rows == 1 else f"The {heaviest.rows:,} rows of {heaviest.slice} that are {label} weigh"
        yield f"{who} {heaviest.factor:.3g} times what {'it' if heaviest.rows == 1 else 'they'} did: what a model learns of this group rests on {'it' if heaviest.rows == 1 else 'them'}."
    if wanted.bins and any(bands.quantiles for bands in wanted.bins.values()):
        yield "Bands are cut at the quantiles of these data; card.json has their edges."
