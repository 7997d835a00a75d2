"""Reweighing: weights by which the label is independent of the group in training data, so that a model that learns from them sees one base rate in all groups.

Source: Kamiran & Calders (2012), Knowl. Inf. Syst. 33:1. Any number of groups, and of attributes at once, whose full cross is reweighed; rows with a missing value of an attribute are a group of their own, as in an audit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import duckdb
import msgspec
import numpy as np

from fairaudit.cube.counts import NEGATIVE, POSITIVE, Counts
from fairaudit.cube.cube import Plan, count, counts, plain
from fairaudit.cube.slices import Slice, Slicing
from fairaudit.data.rows import Prepared, Wanted, prepare
from fairaudit.data.source import Source, require, told
from fairaudit.errors import ConfigError, ContentError, FairauditError, raise_all
from fairaudit.interrupts import stoppable
from fairaudit.splits.strata import places_of, strata_of, stratum_hash
from fairaudit.types import Floats

WEIGHT = "fairness_weight"
_NAMED = 4  # empty cells in a sentence


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of a group and a label, and what their weights are multiplied by."""

    slice: Slice
    label: Annotated[int, msgspec.Meta(ge=0, le=1)]
    rows: int
    weight: float
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reweighing:
    """The weight of every row, and how it came about."""

    rows: Prepared
    counts: Counts
    cells: tuple[Cell, ...]
    own_weights: Floats  # (lines,)
    factors: Floats  # (lines,): of a row's cell; 1 where it has no label, or counts for nothing
    weight_column: str
    strength: float = 1.0  # the power of a factor

    @property
    def weights(self) -> Floats:
        """(lines,): a row's own times its factor."""
        return self.own_weights * self.factors if self.strength == 1 else self.own_weights * self.factors**self.strength


def factors(weight: Floats) -> Floats:
    """P(group) × P(label) / P(group, label), of shape (groups, 2).

    Args:
        weight: of the rows, shape (groups, 2): negatives, positives; all above 0.
    """
    found: Floats = weight.sum(axis=1, keepdims=True) * weight.sum(axis=0, keepdims=True) / (weight.sum() * weight)
    return found


def reweigh(source: Source, wanted: Wanted, *, weight_column: str = WEIGHT) -> Reweighing:
    """Weigh the rows of training data.

    Args:
        wanted: the label, the attributes whose full cross is reweighed, and the rows' own weight where they have one.

    Raises:
        ConfigError, ContentError, Several: what the user has to mend, as a group without positives.
    """
    raise_all((*require(source, wanted.columns), *_mistakes(source, wanted, weight_column)))
    with source.connect() as connection:
        rows = prepare(connection, source, wanted)
        source = rows.source
        with told(source):
            found = counted(connection, rows)
            raise_all(_empty(rows, found))
            cells = _cells(found, wanted.attributes)
            own_weights, factor = _weights(connection, rows, cells)
    if factor.size != rows.lines:
        raise ContentError(f"{source.name} changed while it was read: {rows.lines:,} rows were checked and {factor.size:,} read; run again when it is at rest.")
    return Reweighing(rows=rows, counts=found, cells=cells, own_weights=own_weights, factors=factor, weight_column=weight_column)


def _mistakes(source: Source, wanted: Wanted, weight_column: str) -> Iterator[FairauditError]:
    if wanted.label is None:
        yield ConfigError("reweighing makes labels independent of groups, and no --label COL is given.")
    if not wanted.attributes:
        yield ConfigError("no protected attribute: name one with --protected COL.")
    if not weight_column.strip():
        yield ConfigError("--weight-column is an empty text; name the new column, or leave it out.")
    if known := [name for name in source.columns if name.casefold() == weight_column.casefold()]:
        yield ConfigError(f"{source.name} has a column {known[0]!r} already; name the new one with --weight-column COL.")


def counted(connection: duckdb.DuckDBPyConnection, rows: Prepared) -> Counts:
    """Labelled rows by each attribute and by the full cross of all; what is counted as selected is the label itself."""
    wanted = rows.wanted
    plan = Plan(
        attributes=wanted.attributes, slicings=tuple(dict.fromkeys((*((one,) for one in wanted.attributes), wanted.attributes))), grid=None, has_labels=True, has_weights=wanted.weight is not None,
        has_probabilities=False, has_copies=wanted.count is not None, bands=tuple(map(rows.reading.bands.get, wanted.attributes)),
    )  # fmt: skip
    return counts(count(connection, f"SELECT * EXCLUDE (decision), label = 1 AS decision FROM ({rows.relation()}) WHERE excluded IS NULL AND label IS NOT NULL", plan))


def by_label(values: Floats) -> Floats:
    """Sums of negatives and positives, shape (slices, 2)."""
    found: Floats = values.sum(axis=2)[:, [NEGATIVE, POSITIVE]].astype(np.float64)
    return found


def _empty(rows: Prepared, found: Counts) -> Iterator[FairauditError]:
    """A mistake where a group has no positives or no negatives: no weight could make its base rate everyone's."""
    cross = list(found.of_slicing(rows.wanted.attributes))
    if not cross:
        yield ContentError(f"{rows.source.name}: no row has a label in {rows.wanted.label!r}, so there is nothing to weigh.")
        return
    labelled = by_label(found.rows.astype(np.float64))[cross]
    empty = [(found.slices[at], ("negative", "positive")[label]) for at, sizes in zip(cross, labelled.tolist(), strict=True) for label in (POSITIVE, NEGATIVE) if not sizes[label]]
    if empty:
        named = "; ".join(f"{one} has no {label} row" for one, label in empty[:_NAMED]) + (f"; and {len(empty) - _NAMED:,} more" if len(empty) > _NAMED else "")
        yield ContentError(
            f"{rows.source.name}: {named}: no weight makes the base rate of such a group everyone's; make small groups one with --other-below N or --bins, "
            f"{'name fewer attributes, ' if len(rows.wanted.attributes) > 1 else ''}or leave these rows out."
        )


def _cells(found: Counts, attributes: Slicing) -> tuple[Cell, ...]:
    cross = list(found.of_slicing(attributes))
    rows, weight = by_label(found.rows.astype(np.float64))[cross], by_label(found.weight)[cross]
    by = factors(weight)
    return tuple(
        Cell(slice=found.slices[at], label=label, rows=int(rows[place, label]), weight=float(weight[place, label]), factor=float(by[place, label]))
        for place, at in enumerate(cross)
        for label in (POSITIVE, NEGATIVE)
    )


def _weights(connection: duckdb.DuckDBPyConnection, rows: Prepared, cells: Sequence[Cell]) -> tuple[Floats, Floats]:
    """The own weight of each row and its factor, in the order of the rows: a row without a label, or that counts for nothing, keeps its own."""
    strata, names = strata_of(connection, rows)
    factor_of = {(one.slice, one.label): one.factor for one in cells}
    by_stratum = np.array([1.0 if one.label is None else factor_of.get((one.group, int(one.label)), 1.0) for one in strata])
    sql = f"SELECT {stratum_hash(rows)} AS stratum, weight FROM ({rows.relation()})"
    table = stoppable(connection, lambda: connection.sql(sql).to_arrow_table())
    return plain(table.column("weight")), by_stratum[places_of(plain(table.column("stratum")), names)]
