"""The cube: rows counted once, by slice, label, decision and score cell. Its sums are integers, so it is the same to the bit however it was made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from fairaudit.cube.counts import Counts, ScoreCells
from fairaudit.cube.slices import Slice, Slicing
from fairaudit.errors import ContentError
from fairaudit.types import Floats, Ints

WEIGHT_UNIT, MOMENT_UNIT = 2.0**80, 2.0**60  # fixed point: exact for weights of at least 2^-28, totals up to 2^46
CELLS = 4096
_SUMS = ("rows", "weight", "weight_sq", "score", "score_sq")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Score cells of equal width over [lowest, highest]; fixed before counting, so that cubes can be merged."""

    lowest: float
    highest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is counted. The rows are a relation with columns a0, a1 … (text), label (1, 0, null), decision (boolean), weight, score (double)."""

    attributes: tuple[str, ...]
    slicings: tuple[Slicing, ...]
    grid: Grid | None  # None: no scores
    has_labels: bool
    has_weights: bool
    has_probabilities: bool
    bands: tuple[tuple[str, ...], ...] = ()  # for each attribute, values that have an order of their own


@dataclass(frozen=True, slots=True, kw_only=True)
class Cube:
    """Counted cells; a row a (slicing, values, label, decision, score cell), in one canonical order."""

    plan: Plan
    table: pa.Table

    def merge(self, other: Cube) -> Cube:
        """The cube of both parts' rows together; exact addition.

        Raises:
            ValueError: the two were counted by different plans, a different grid included.
        """
        if self.plan != other.plan:
            raise ValueError("cubes that were counted by different plans cannot be merged")
        both = pa.concat_tables([self.table, other.table])
        keys = ", ".join(("slicing", *_names(self.plan), "label", "decision", "cell"))
        sums = ", ".join(f"CAST(sum({name}) AS {'BIGINT' if name == 'rows' else 'DECIMAL(38, 0)'}) AS {name}" for name in _SUMS)
        with duckdb.connect() as connection:
            connection.register("both_parts", both)
            sql = f"SELECT {keys}, {sums}, min(lowest) AS lowest, max(highest) AS highest FROM both_parts GROUP BY ALL ORDER BY {keys}"
            return Cube(plan=self.plan, table=connection.sql(sql).to_arrow_table())


def count(connection: duckdb.DuckDBPyConnection, relation: str, plan: Plan) -> Cube:
    """Count the rows of a relation (SQL) into a cube, in one pass.

    Raises:
        ContentError: weights or scores are too large to be summed exactly.
    """
    names = _names(plan)
    places = dict(zip(plan.attributes, names, strict=True))
    sets = ", ".join(f"({', '.join((*(places[one] for one in slicing), 'label', 'decision', 'cell'))})" for slicing in ((), *plan.slicings))
    mask = f"GROUPING({', '.join(names)})" if names else "0"
    keys = ", ".join(("slicing", *names, "label", "decision", "cell"))
    sql = f"""
        SELECT {mask}::BIGINT AS slicing, {"".join(f"{name}, " for name in names)}label, decision, cell, {_sums(plan)}
        FROM (SELECT *, {_cell(plan.grid)} AS cell FROM ({relation}))
        GROUP BY GROUPING SETS ({sets}) ORDER BY {keys}
    """
    try:
        return Cube(plan=plan, table=connection.sql(sql).to_arrow_table())
    except (duckdb.OutOfRangeException, duckdb.ConversionException) as error:
        raise ContentError("the weights or scores are too large to be summed exactly; scale them down so that their total stays below 2^46.") from error


def counts(cube: Cube) -> Counts:
    """The cube's sums at the operating point, as arrays; slices in the order of slicings and values, a missing value last."""
    table = cube.table.to_pydict()
    keys = list(zip(*(table[name] for name in ("slicing", *_names(cube.plan))), strict=True))
    masks = {_mask(cube.plan, slicing): place for place, slicing in enumerate(((), *cube.plan.slicings))}
    bands = cube.plan.bands or ((),) * len(cube.plan.attributes)
    order = sorted(set(keys), key=lambda key: (masks[key[0]], tuple(_rank(value, band) for value, band in zip(key[1:], bands, strict=True))))
    place = {key: at for at, key in enumerate(order)}
    at = (np.array([place[key] for key in keys], dtype=int), np.array([2 if one is None else one for one in table["label"]], dtype=int), np.array(table["decision"], dtype=int))
    has_scores = cube.plan.grid is not None
    rows = np.zeros((len(order), 3, 2), dtype=np.int64)
    np.add.at(rows, at, np.array(table["rows"], dtype=np.int64))
    return Counts(
        slices=tuple(_slice(cube.plan, key, masks) for key in order),
        rows=rows,
        weight=_total(table["weight"], at, rows.shape, WEIGHT_UNIT),
        weight_sq=_total(table["weight_sq"], at, rows.shape, MOMENT_UNIT),
        score=_total(table["score"], at, rows.shape, MOMENT_UNIT) if has_scores else None,
        score_sq=_total(table["score_sq"], at, rows.shape, MOMENT_UNIT) if has_scores else None,
        has_labels=cube.plan.has_labels,
        has_weights=cube.plan.has_weights,
        has_probabilities=cube.plan.has_probabilities,
        score_cells=_score_cells(table, at[0]) if has_scores else None,
    )


def _score_cells(table: dict[str, list[Any]], owner: Ints) -> ScoreCells:
    """The labelled cells by slice and score. The threshold is an edge: a grid cell that it cuts is two, by the decision."""
    label = np.array([-1 if one is None else one for one in table["label"]], dtype=np.int64)
    # Decisions rise with the score, so the selected half of a cut cell is the higher one.
    order = np.array(table["cell"], dtype=np.int64) * 2 + np.array(table["decision"], dtype=np.int64)
    kept = np.flatnonzero(label >= 0)
    kept = kept[np.lexsort((label[kept], order[kept], owner[kept]))]

    def taken(name: str, unit: float = 1.0) -> Floats:
        return np.array([float(table[name][place]) / unit for place in kept], dtype=np.float64)

    return ScoreCells(
        slice=owner[kept], order=order[kept], label=label[kept], weight=taken("weight", WEIGHT_UNIT), weight_sq=taken("weight_sq", MOMENT_UNIT),
        rows=taken("rows").astype(np.int64), lowest=taken("lowest"), highest=taken("highest"),
    )  # fmt: skip


def _rank(value: str | None, band: tuple[str, ...]) -> tuple[bool, int, str]:
    """Where a value stands among its attribute's: bands from the lowest up, texts by the alphabet, a missing value last."""
    return value is None, band.index(value) if value in band else len(band), value or ""


def _names(plan: Plan) -> tuple[str, ...]:
    return tuple(f"a{place}" for place in range(len(plan.attributes)))


def _mask(plan: Plan, slicing: Slicing) -> int:
    """GROUPING() of a slicing: a bit an attribute, the first the highest, set where it is not grouped by."""
    return sum(1 << bit for bit, attribute in enumerate(reversed(plan.attributes)) if attribute not in slicing)


def _cell(grid: Grid | None) -> str:
    if grid is None:
        return "0"
    width = grid.highest - grid.lowest
    return f"least({CELLS - 1}, greatest(0, floor((score - {grid.lowest!r}) / {width!r} * {CELLS})::INTEGER))" if width > 0 else "0"


def _sums(plan: Plan) -> str:
    def exact(value: str, unit: float) -> str:
        return f"CAST(sum(({value} * {unit!r})::HUGEINT) AS DECIMAL(38, 0))"

    scores = plan.grid is not None
    return ", ".join((
        "count(*) AS rows",
        f"{exact('weight', WEIGHT_UNIT)} AS weight",
        f"{exact('weight * weight', MOMENT_UNIT)} AS weight_sq",
        f"{exact('weight * score', MOMENT_UNIT) if scores else 'NULL::DECIMAL(38, 0)'} AS score",
        f"{exact('weight * score * score', MOMENT_UNIT) if scores else 'NULL::DECIMAL(38, 0)'} AS score_sq",
        f"{'min(score)' if scores else 'NULL::DOUBLE'} AS lowest",
        f"{'max(score)' if scores else 'NULL::DOUBLE'} AS highest",
    ))  # fmt: skip


def _total(values: Sequence[object], at: tuple[np.ndarray, ...], shape: tuple[int, ...], unit: float) -> Floats:  # type: ignore[type-arg]
    exact = np.zeros(shape, dtype=object)
    np.add.at(exact, at, np.array([int(str(value)) for value in values], dtype=object))
    out: Floats = (exact / int(unit)).astype(np.float64)  # of Python integers: rounded once, correctly
    return out


def _slice(plan: Plan, key: tuple[object, ...], masks: dict[int, int]) -> Slice:
    slicing = ((), *plan.slicings)[masks[int(str(key[0]))]]
    values = dict(zip(plan.attributes, key[1:], strict=True))
    return Slice((attribute, None if values[attribute] is None else str(values[attribute])) for attribute in slicing)
