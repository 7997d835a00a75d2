"""The cube: rows counted once, by slice, label, decision and score cell. Its sums are integers, so it is the same to the bit however it was made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from fairaudit.bands import SCORE_CELLS, Bands
from fairaudit.cube.clusters import Clusters, Entries, clusters_of
from fairaudit.cube.counts import UNLABELLED, Counts, ScoreCells
from fairaudit.cube.slices import EVERYONE, Slice, Slicing
from fairaudit.errors import ConfigError, ContentError
from fairaudit.interrupts import stoppable
from fairaudit.types import Floats, Ints

WEIGHT_UNIT, MOMENT_UNIT = 2.0**80, 2.0**60  # fixed point: exact for weights of at least 2^-28, totals up to 2^46
CELLS = SCORE_CELLS
# Probabilities of rare events crowd near 0, and their like near 1: within the first and the last 96th, whose edges are cells' too, each halving of the distance to the end is cut into 64, in equal ratios.
_TAIL, _PER_HALVING, _OF_TAIL = 96, 64, 40 * 64  # cells of a tail; the first is all that is nearer to the end
MOST_SLICES = 5_000
MOST_STRATA = 50_000  # slices within the values of a control
_COMPARED = 256  # edges that SQL still finds quickest by comparisons; ten thousand would take it minutes a million rows
_TABLE = ("rows", "weight", "weight_sq", "score", "score_sq")  # what is summed by label and decision
_SUMS = (*_TABLE, "loss")
# What is infinite is left out: a cell's lowest and highest score tell of it.
_LOSS = "(CASE WHEN label = 1 AND score > 0 THEN -ln(score) WHEN label = 0 AND score < 1 THEN -ln(1 - score) ELSE 0 END)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Score cells of equal width over [lowest, highest], but finer near the ends of [0, 1]; fixed before counting, so that cubes can be merged."""

    lowest: float
    highest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is counted. The rows are a relation with columns a0, a1 … (text), label (1, 0, null), decision (boolean), weight, score (double), copies (whole); and cluster (text) where there are some."""

    attributes: tuple[str, ...]
    slicings: tuple[Slicing, ...]
    grid: Grid | None  # None: no scores
    has_labels: bool
    has_weights: bool
    has_probabilities: bool
    has_copies: bool = False  # whether a line may stand for several rows, by `copies`
    bands: tuple[Bands | None, ...] = ()  # for each attribute, how its numbers were cut
    merged: tuple[tuple[str, ...], ...] = ()  # for each attribute, the rare values that are one
    edges: tuple[float, ...] = ()  # rising; no score cell holds scores on both sides of one, and a score equal to it is below
    has_clusters: bool = False  # whether rows belong together, by `cluster`
    control: tuple[str, ...] = ()  # the last of the attributes: slicings are counted within their values too, without score cells


@dataclass(frozen=True, slots=True, kw_only=True)
class ByCluster:
    """The sums by cluster, whatever the slicing."""

    entries: Entries
    values: tuple[tuple[str | None, ...], ...]  # of the attributes: what `Entries.values` counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Cube:
    """Counted cells; a row a (slicing, values, label, decision, score cell), in one canonical order."""

    plan: Plan
    table: pa.Table
    by_cluster: ByCluster | None = None  # beside the cells and never in its file: whose rows they are is nobody else's business

    def merge(self, other: Cube) -> Cube:
        """The cube of both parts' rows together; exact addition.

        Raises:
            ValueError: the two were counted by different plans, a different grid included; or their rows are in clusters, which a cube's file does not hold.
        """
        if self.plan.has_clusters or other.plan.has_clusters:
            raise ValueError("cubes of rows in clusters cannot be merged, since a cluster may have rows in both; audit all the data at once")
        if self.plan != other.plan:
            raise ValueError("cubes that were counted by different plans cannot be merged")
        both = pa.concat_tables([self.table, other.table])
        keys = ", ".join(("slicing", *_names(self.plan), "label", "decision", "cell"))
        with duckdb.connect() as connection:
            connection.register("both_parts", both)
            sql = f"SELECT {keys}, {_added()} FROM both_parts GROUP BY ALL ORDER BY {keys}"
            return Cube(plan=self.plan, table=connection.sql(sql).to_arrow_table())


def count(connection: duckdb.DuckDBPyConnection, relation: str, plan: Plan) -> Cube:
    """Count the rows of a relation (SQL) into a cube, in one pass.

    Rows are first counted by everything at once; what the slicings need is then added up from that, which is far smaller.

    Raises:
        ContentError: weights or scores are too large to be summed exactly.
    """
    names = _names(plan)
    places = dict(zip(plan.attributes, names, strict=True))
    sets = ", ".join(f"({', '.join((*(places[one] for one in slicing), 'label', 'decision', 'cell'))})" for slicing in ((), *plan.slicings))
    sets += "".join(f", ({', '.join((*(places[one] for one in slicing), 'label', 'decision'))})" for slicing in controlled(plan))
    mask = f"GROUPING({', '.join(names)})" if names else "0"
    keys = ", ".join((*names, "label", "decision", "cell"))
    counted = f"SELECT {keys}{', cluster' if plan.has_clusters else ''}, {_sums(plan)} FROM (SELECT *, {_cell(plan)} AS cell FROM ({relation})) GROUP BY ALL"
    finest = f"SELECT {keys}, {_added()} FROM by_cluster GROUP BY ALL" if plan.has_clusters else counted
    sql = f"""
        WITH finest AS ({finest})
        SELECT {mask}::BIGINT AS slicing, {keys}, {_added()} FROM finest GROUP BY GROUPING SETS ({sets}) ORDER BY slicing, {keys}
    """
    with _summed(), _searched(connection, plan):
        if plan.has_clusters:
            stoppable(connection, lambda: connection.execute(f"CREATE OR REPLACE TEMP TABLE by_cluster AS {counted}"))
        table = stoppable(connection, lambda: connection.sql(sql).to_arrow_table())
        cube = Cube(plan=plan, table=table, by_cluster=_by_cluster(connection, plan) if plan.has_clusters else None)
    if cube.table.num_rows > MOST_SLICES:
        _check_size(cube)
    return cube


def _by_cluster(connection: duckdb.DuckDBPyConnection, plan: Plan) -> ByCluster:
    """The table of sums by cluster, which is dropped; clusters and combinations of values are numbered in their own order."""
    names = _names(plan)
    same = " AND ".join(f"one.{name} IS NOT DISTINCT FROM two.{name}" for name in names)
    moments = ", ".join(f"coalesce(CAST(one.{name} AS DOUBLE), 0) / {MOMENT_UNIT!r} AS {name}" for name in ("score", "score_sq", "loss"))
    numbered = "SELECT DISTINCT {0} FROM by_cluster"
    taken = stoppable(connection, lambda: connection.sql(f"""
        WITH named AS (SELECT cluster, row_number() OVER (ORDER BY cluster) - 1 AS number FROM ({numbered.format("cluster")})),
            combined AS (SELECT {", ".join(names)}, row_number() OVER (ORDER BY {", ".join(names)}) - 1 AS number FROM ({numbered.format(", ".join(names))}))
        SELECT named.number::BIGINT AS cluster, two.number::BIGINT AS "values", coalesce(one.label, {UNLABELLED})::BIGINT AS label, one.decision::BIGINT AS decision,
            one.cell::BIGINT AS "order", one.rows, CAST(one.weight AS DOUBLE) / {WEIGHT_UNIT!r} AS weight, {moments}
        FROM by_cluster one JOIN named USING (cluster) JOIN combined two ON {same}
        ORDER BY 1, 2, 3, 4, 5
    """).to_arrow_table())
    values = connection.execute(f"{numbered.format(', '.join(names))} ORDER BY {', '.join(names)}").fetchall()
    connection.execute("DROP TABLE by_cluster")
    return ByCluster(entries=Entries(**{name: plain(taken.column(name)) for name in taken.schema.names}), values=tuple(values))


def _clusters(cube: Cube, slicings: Sequence[Slicing], slices: Sequence[Slice], *, has_scores: bool) -> Clusters:
    """The clusters of these slices.

    Raises:
        ValueError: the cube was read from its file, which does not hold them.
    """
    if cube.by_cluster is None:
        raise ValueError("this cube's rows are in clusters, which its file does not hold; audit the data again")
    places, held = {one: place for place, one in enumerate(slices)}, cube.by_cluster.values
    members = []
    for slicing in slicings:
        at = [cube.plan.attributes.index(attribute) for attribute in slicing]
        members.append((slicing, np.array([places[Slice(zip(slicing, (values[one] for one in at), strict=True))] for values in held], dtype=np.int64)))
    return clusters_of(cube.by_cluster.entries, members, len(slices), has_scores=has_scores, everyone=places.get(EVERYONE))


def controlled(plan: Plan) -> tuple[Slicing, ...]:
    """Each slicing crossed with the control; none where there is no control."""
    return tuple((*slicing, *plan.control) for slicing in plan.slicings) if plan.control else ()


def counts(cube: Cube) -> Counts:
    """The cube's sums at the operating point, as arrays; slices in the order of slicings and values, a missing value last."""
    return _counts(cube, ((), *cube.plan.slicings), has_scores=cube.plan.grid is not None, has_clusters=cube.plan.has_clusters)


def counts_within(cube: Cube) -> Counts | None:
    """The same of each slicing crossed with the control, without scores and without clusters, which whole slices have; None where there is no control."""
    return _counts(cube, controlled(cube.plan), has_scores=False, has_clusters=False) if cube.plan.control else None


def _counts(cube: Cube, slicings: Sequence[Slicing], *, has_scores: bool, has_clusters: bool) -> Counts:
    plan, keys = cube.plan, ("slicing", *_names(cube.plan))
    with duckdb.connect() as connection:
        _register(connection, cube, slicings)
        with _summed():
            found = connection.execute(
                f"SELECT {', '.join(keys)}, label, decision, {_added()}, {_ranked(keys)} FROM cells GROUP BY {', '.join(keys)}, label, decision"
            ).fetchall()
        masks = {_mask(plan, slicing): place for place, slicing in enumerate(slicings)}
        order = sorted({row[: len(keys)] for row in found}, key=lambda key: (masks[key[0]], *map(_rank, key[1:], plan.bands or (None,) * len(plan.attributes))))
        place = {key: at for at, key in enumerate(order)}
        places = np.array([at for _, at in sorted({(row[-1], place[row[: len(keys)]]) for row in found})], dtype=np.int64)
        cells = _score_cells(connection, keys, places) if has_scores else None
    sums: dict[str, Any] = {name: np.zeros((len(order), 3, 2), dtype=object) for name in _TABLE}
    for row in found:
        label, decision, *values = row[len(keys) : -1]
        for name, value in zip(_TABLE, values, strict=False):
            sums[name][place[row[: len(keys)]], 2 if label is None else label, int(decision)] = int(value or 0)
    slices = tuple(_slice(plan, key, slicings[masks[int(str(key[0]))]]) for key in order)
    return Counts(
        slices=slices,
        rows=sums["rows"].astype(np.int64),
        weight=_scaled(sums["weight"], WEIGHT_UNIT),
        weight_sq=_scaled(sums["weight_sq"], MOMENT_UNIT),
        score=_scaled(sums["score"], MOMENT_UNIT) if has_scores else None,
        score_sq=_scaled(sums["score_sq"], MOMENT_UNIT) if has_scores else None,
        has_labels=plan.has_labels,
        has_weights=plan.has_weights,
        has_probabilities=plan.has_probabilities,
        score_cells=None if cells is None else cells.at(cells.label != UNLABELLED),
        unlabelled_cells=None if cells is None else cells.at(cells.label == UNLABELLED),
        clusters=_clusters(cube, slicings, slices, has_scores=has_scores) if has_clusters else None,
    )


def _score_cells(connection: duckdb.DuckDBPyConnection, keys: Sequence[str], places: Ints) -> ScoreCells:
    """The cells by slice and score, whatever was decided.

    Args:
        places: the index of each slice, by its rank among the keys.
    """
    taken = connection.sql(f"""
        SELECT slice, cell::BIGINT AS "order", coalesce(label, {UNLABELLED})::BIGINT AS label, rows, CAST(weight AS DOUBLE) / {WEIGHT_UNIT!r} AS weight,
            CAST(weight_sq AS DOUBLE) / {MOMENT_UNIT!r} AS weight_sq, lowest, highest, CAST(score AS DOUBLE) / {MOMENT_UNIT!r} AS score,
            CAST(coalesce(loss, 0) AS DOUBLE) / {MOMENT_UNIT!r} AS loss
        FROM (SELECT *, {_ranked(keys)} AS slice FROM cells)
    """).to_arrow_table()
    columns: dict[str, Any] = {name: plain(taken.column(name)) for name in taken.schema.names}
    columns["slice"] = places[columns["slice"] - 1]
    sorted_by = np.lexsort((columns["label"], columns["order"], columns["slice"]))
    return _whatever_decided(ScoreCells(**{name: values[sorted_by] for name, values in columns.items()}))


def _whatever_decided(cells: ScoreCells) -> ScoreCells:
    """Sorted cells, of which those that differ in the decision alone are one: where groups have thresholds of their own, a score may be selected and rejected."""
    starts = np.logical_or.reduce([np.diff(key, prepend=-1) != 0 for key in (cells.slice, cells.order, cells.label)])
    if starts.all():
        return cells
    first = np.flatnonzero(starts)
    summed = {name: np.add.reduceat(getattr(cells, name), first) for name in ("weight", "weight_sq", "rows", "score", "loss")}
    ends = {"lowest": np.minimum.reduceat(cells.lowest, first), "highest": np.maximum.reduceat(cells.highest, first)}
    return replace(cells.at(first), **summed, **ends)


def plain(column: pa.ChunkedArray) -> Any:
    """The numbers of a column without nulls; its own `to_numpy` would import pandas first, a quarter of a second."""
    kind = np.dtype(str(column.type).replace("double", "float64"))
    chunks = [np.frombuffer(chunk.buffers()[1], kind, len(chunk), chunk.offset * kind.itemsize) for chunk in column.chunks if len(chunk)]
    return np.concatenate(chunks) if chunks else np.zeros(0, kind)


def _ranked(keys: Sequence[str]) -> str:
    """SQL: which slice a row is of, counted from 1 in the order of the keys."""
    return f"dense_rank() OVER (ORDER BY {', '.join(keys)})"


def _rank(value: str | None, bands: Bands | None) -> tuple[bool, int, str]:
    """Where a value stands among its attribute's: bands from the lowest up, texts by the alphabet, a missing value last."""
    return value is None, bands.names.index(value) if bands and value is not None else 0, value or ""


def _names(plan: Plan) -> tuple[str, ...]:
    return tuple(f"a{place}" for place in range(len(plan.attributes)))


def _mask(plan: Plan, slicing: Slicing) -> int:
    """GROUPING() of a slicing: a bit an attribute, the first the highest, set where it is not grouped by."""
    return sum(1 << bit for bit, attribute in enumerate(reversed(plan.attributes)) if attribute not in slicing)


def _cell(plan: Plan) -> str:
    """SQL: a score's place among the grid's cells and the edges. Both rise with the score, so their sum tells both apart."""
    if plan.grid is None:
        return "0"
    low, width = plan.grid.lowest, plan.grid.highest - plan.grid.lowest
    if (low, width) == (0.0, 1.0):
        return f"{_OF_PROBABILITY} + {_of_edges(plan)}"
    of_grid = f"least({CELLS - 1}, greatest(0, floor((score - {low!r}) / {width!r} * {CELLS})::INTEGER))" if width > 0 else "0"
    return f"{of_grid} + {_of_edges(plan)}"


def _in_tail(distance: str) -> str:
    """SQL: the place of a score among the cells of a tail, counted from its end; one logarithm costs a tenth of finding the halving by comparisons."""
    return f"least({_OF_TAIL - 1}, greatest(0, {_OF_TAIL} + floor({_PER_HALVING} * log2(greatest({distance}, 1e-300::DOUBLE) * {_TAIL}))::INTEGER))"


_FIRST, _LAST = CELLS // _TAIL, CELLS - CELLS // _TAIL - 1  # of the cells of equal width
_OF_PROBABILITY = (
    f"(CASE WHEN score < {1 / _TAIL!r}::DOUBLE THEN {_in_tail('score')} "
    f"WHEN score >= {1 - 1 / _TAIL!r}::DOUBLE THEN {2 * _OF_TAIL + _LAST - _FIRST} - {_in_tail('(1 - score)')} "
    f"ELSE {_OF_TAIL - _FIRST} + least({_LAST}, greatest({_FIRST}, floor(score * {CELLS})::INTEGER)) END)"
)


_SEARCH = "edges_below"


def _of_edges(plan: Plan) -> str:
    """SQL: how many edges a score is above."""
    return f"{_SEARCH}(score)" if len(plan.edges) > _COMPARED else _edges_below(plan.edges, 0, len(plan.edges))


@contextmanager
def _searched(connection: duckdb.DuckDBPyConnection, plan: Plan) -> Iterator[None]:
    """Where there are many edges, let SQL look them up by NumPy: some 10,000 are then counted with at about twice the time of one."""
    if plan.grid is None or len(plan.edges) <= _COMPARED:
        yield
        return
    edges = np.array(plan.edges)

    def below(scores: pa.ChunkedArray) -> pa.Array:
        return pa.array(np.searchsorted(edges, plain(scores), side="left").astype(np.int32))

    connection.create_function(_SEARCH, below, ["DOUBLE"], "INTEGER", type="arrow")  # type: ignore[call-overload]  # the stubs know neither a chunked array nor the kind by its name
    try:
        yield
    finally:
        connection.remove_function(_SEARCH)


def _edges_below(edges: Sequence[float], low: int, high: int) -> str:
    """SQL: how many edges a score is above, found by halving: 19 take half the time of 19 comparisons, 99 a third."""
    if low == high:
        return str(low)
    middle = (low + high) // 2
    return f"(CASE WHEN score > '{edges[middle]!r}'::DOUBLE THEN {_edges_below(edges, middle + 1, high)} ELSE {_edges_below(edges, low, middle)} END)"


def _sums(plan: Plan) -> str:
    rows = "sum(copies)" if plan.has_copies else "count(*)"
    times = " * copies" if plan.has_copies else ""

    def exact(value: str, unit: float) -> str:
        if value in ("weight", "weight * weight") and not plan.has_weights:
            return f"CAST({rows} * {int(unit)}::HUGEINT AS DECIMAL(38, 0))"
        return f"CAST(sum(({value} * {unit!r})::HUGEINT{times}) AS DECIMAL(38, 0))"

    scores = plan.grid is not None
    return ", ".join((
        f"{rows}::BIGINT AS rows",
        f"{exact('weight', WEIGHT_UNIT)} AS weight",
        f"{exact('weight * weight', MOMENT_UNIT)} AS weight_sq",
        f"{exact('weight * score', MOMENT_UNIT) if scores else 'NULL::DECIMAL(38, 0)'} AS score",
        f"{exact('weight * score * score', MOMENT_UNIT) if scores else 'NULL::DECIMAL(38, 0)'} AS score_sq",
        f"{exact(f'weight * {_LOSS}', MOMENT_UNIT) if plan.has_probabilities and plan.has_labels else 'NULL::DECIMAL(38, 0)'} AS loss",
        f"{'min(score)' if scores else 'NULL::DOUBLE'} AS lowest",
        f"{'max(score)' if scores else 'NULL::DOUBLE'} AS highest",
    ))  # fmt: skip


@contextmanager
def _summed() -> Iterator[None]:
    try:
        yield
    except (duckdb.OutOfRangeException, duckdb.ConversionException) as error:
        raise ContentError(
            "the weights or scores are too large to be summed exactly: totals must stay below 7e13 for weights and 1e20 for "
            "weight × weight, weight × score and weight × score × score; divide the weights, or the scores, by the same large number."
        ) from error


def _register(connection: duckdb.DuckDBPyConnection, cube: Cube, slicings: Sequence[Slicing]) -> None:
    """Let SQL see the cells of some of the slicings as `cells`."""
    connection.register("cells" if not cube.plan.control else "all_cells", cube.table)
    if cube.plan.control:
        masks = ", ".join(str(_mask(cube.plan, slicing)) for slicing in slicings)
        connection.execute(f"CREATE TEMP VIEW cells AS SELECT * FROM all_cells WHERE slicing IN ({masks})")


def _check_size(cube: Cube) -> None:
    """Returns if the slices can be shown.

    Raises:
        ConfigError: there are too many, or within the control.
    """
    slices, within = (_slices(cube, slicings) for slicings in (((), *cube.plan.slicings), controlled(cube.plan)))
    if slices > MOST_SLICES:
        raise ConfigError(
            f"the attributes and crosses asked for cut the rows into {slices:,} slices, more than any report can show ({MOST_SLICES:,}); ask for fewer."
        )
    if within > MOST_STRATA:
        named = " and ".join(cube.plan.control)
        raise ConfigError(
            f"--control {named} cuts the slices into {within:,} parts, of which hardly any can hold two groups ({MOST_STRATA:,} are the most); "
            "name a coarser one, or cut it with --bins."
        )


def _slices(cube: Cube, slicings: Sequence[Slicing]) -> int:
    if not slicings:
        return 0
    with duckdb.connect() as connection:
        _register(connection, cube, slicings)
        found = connection.execute(f"SELECT count(*) FROM (SELECT DISTINCT {', '.join(('slicing', *_names(cube.plan)))} FROM cells)").fetchall()
    return int(found[0][0])


def _added() -> str:
    sums = (f"CAST(sum({name}) AS {'BIGINT' if name == 'rows' else 'DECIMAL(38, 0)'}) AS {name}" for name in _SUMS)
    return ", ".join((*sums, "min(lowest) AS lowest", "max(highest) AS highest"))


def _scaled(exact: Any, unit: float) -> Floats:
    """Python integers over the unit: rounded once, correctly."""
    out: Floats = (exact / int(unit)).astype(np.float64)
    return out


def _slice(plan: Plan, key: tuple[object, ...], slicing: Slicing) -> Slice:
    values = dict(zip(plan.attributes, key[1:], strict=True))
    return Slice((attribute, None if values[attribute] is None else str(values[attribute])) for attribute in slicing)
