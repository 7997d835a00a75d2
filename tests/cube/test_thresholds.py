"""A threshold cuts where it was asked to, in every type of score, for everyone and for groups, and no score cell straddles it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fairaudit.config import AuditConfig
from fairaudit.cube.at_thresholds import counts_at
from fairaudit.cube.counts import Counts
from fairaudit.cube.cube import Cube, Grid, Plan, count, counts
from fairaudit.cube.thresholds import Thresholds
from fairaudit.metrics.engines.cells import Distances, auc_and_error, average_precision, kolmogorov_smirnov, separation
from fairaudit.metrics.engines.native import value_of
from fairaudit.mitigations.reject_option import Grid as RejectGrid
from fairaudit.mitigations.reject_option import points
from fairaudit.types import Floats
from tests.builders import connected
from tests.vectors import vector

Side = Literal["negative", "positive"]
Row = tuple[str | None, int | None, float, float]  # sex, label, score, weight
SCORES = st.one_of(st.sampled_from([0.0, 0.3, 0.5, 0.8, 1.0, float(np.float32(0.3))]), st.floats(0, 1))
ROWS = st.lists(st.tuples(st.sampled_from(["f", "m", None]), st.sampled_from([0, 1, None]), SCORES, st.sampled_from([0.25, 1.0, 3.7])), min_size=1, max_size=40)
SIDES = st.sampled_from(["negative", "positive"])


def asked(described: Sequence[float] = (0.3, 0.5, 0.8), *, of_groups: dict[str, float] | None = None, **more: Any) -> Thresholds:
    given: dict[str, Any] = {"operating": 0.5, "attribute": "sex" if of_groups else None, "at_threshold": "negative", "score_type": "double"}
    return Thresholds(described=tuple(described), of_groups=of_groups or {}, **(given | more))


def counted(rows: Sequence[Row], thresholds: Thresholds) -> Counts:
    sex, label, score, weight = zip(*rows, strict=True)
    plan = Plan(
        attributes=("sex",), slicings=(("sex",),), grid=Grid(lowest=0.0, highest=1.0), has_labels=True, has_weights=True, has_probabilities=True, edges=thresholds.edges
    )
    table = pa.table({"a0": pa.array(sex, pa.string()), "label": pa.array(label, pa.int8()), "score": pa.array(score, pa.float64()), "weight": pa.array(weight, pa.float64())})
    with connected() as connection:
        connection.register("rows", table)
        return counts(count(connection, f"SELECT *, {thresholds.decision(('sex',))} AS decision FROM rows", plan))


@settings(max_examples=30, deadline=None)
@given(rows=ROWS, side=SIDES)
@example(rows=[("f", 1, 0.0, 1.0), ("f", 0, 5e-324, 1.0)], side="positive")
def test_the_counts_at_every_threshold_are_those_of_deciding_there(rows: list[Row], side: Side) -> None:
    described = (0.0, 0.3, 0.5, 0.8)
    swept = asked(described, at_threshold=side)
    found = counted(rows, swept)
    at = counts_at(found, [swept.edge(one) for one in described])
    for place, one in enumerate(described):
        alone = counted(rows, asked((), operating=one, at_threshold=side))
        mine = slice(place, None, len(described))
        assert at.slices[mine] == alone.slices
        assert (at.rows[mine] == alone.rows).all()
        np.testing.assert_allclose(at.weight[mine], alone.weight, rtol=1e-14)
        np.testing.assert_allclose(at.weight_sq[mine], alone.weight_sq, rtol=1e-14)


@settings(max_examples=30, deadline=None)
@given(rows=ROWS, edges=st.lists(st.floats(0, 1), max_size=30, unique=True))
def test_no_cell_straddles_an_edge(rows: list[Row], edges: list[float]) -> None:
    found = counted(rows, asked(edges))
    for cells in (found.score_cells, found.unlabelled_cells):
        assert cells is not None
        for edge in edges:
            assert ((cells.lowest > edge) == (cells.highest > edge)).all()


def cube_of(scores: Floats, edges: Sequence[float]) -> Cube:
    """The cube of rows with these scores."""
    table = pa.table({"label": np.ones(scores.size, np.int8), "decision": np.ones(scores.size, bool), "weight": np.ones(scores.size), "score": scores})
    plan = Plan(attributes=(), slicings=(), grid=Grid(lowest=0.0, highest=1.0), has_labels=True, has_weights=False, has_probabilities=True, edges=tuple(edges))
    with connected() as connection:
        connection.register("rows", table)
        return count(connection, "rows", plan)


def around(edges: Floats) -> Floats:
    """Each edge and its neighbours."""
    out: Floats = np.unique(np.r_[0.0, 5e-324, edges, np.nextafter(edges, 0), np.nextafter(edges, 1), 1.0].clip(0, 1))
    return out


def test_many_edges_are_looked_up_as_few_are_compared() -> None:
    few = np.sort(np.random.default_rng(4).random(256))  # as many as are compared; one more, above which there is nothing, and all are looked up
    assert cube_of(around(few), few.tolist()).table.equals(cube_of(around(few), [*few.tolist(), 1.0]).table)


def test_no_cell_straddles_one_of_the_thousands_of_points_of_reject_option() -> None:
    edges = np.array(points(RejectGrid()))
    cells = counts(cube_of(around(edges), edges.tolist())).score_cells
    assert cells is not None and len(edges) > 9_000
    assert (np.searchsorted(edges, cells.lowest) == np.searchsorted(edges, cells.highest)).all()


@settings(max_examples=30, deadline=None)
@given(rows=ROWS, side=SIDES)
def test_thresholds_of_groups_decide_row_by_row_and_leave_what_scores_say_alone(rows: list[Row], side: Side) -> None:
    own = {"f": 0.3, "nobody's": 0.8}
    found, alike = (counted(rows, asked(of_groups=groups, at_threshold=side)) for groups in (own, None))
    for index, one in enumerate(found.slices):
        mine = [row for row in rows if not one.values or row[0] == one.values[0][1]]
        limits = [0.3 if sex == "f" else 0.5 for sex, *_ in mine]
        decided = [row[2] >= limit if side == "positive" else row[2] > limit for row, limit in zip(mine, limits, strict=True)]
        for label in (0, 1, None):
            for decision in (False, True):
                expected = sum(row[1] == label and made == decision for row, made in zip(mine, decided, strict=True))
                assert found.rows[index, 2 if label is None else label, int(decision)] == expected
    everyone, first = np.zeros(len(found.slices) - 1, dtype=int), np.arange(1, len(found.slices))
    def apart(one: Distances) -> tuple[Floats, ...]:
        return one.value, one.rarity, one.error

    for taken in (auc_and_error, lambda counts: apart(separation(counts)), lambda counts: apart(kolmogorov_smirnov(counts, first, everyone))):
        for mixed, plain in zip(taken(found), taken(alike), strict=True):
            np.testing.assert_allclose(mixed, plain, rtol=1e-12, atol=1e-15)
    for mixed, plain in zip(*((one.value, one.error, one.variance) for one in map(average_precision, (found, alike))), strict=True):
        np.testing.assert_allclose(mixed, plain, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(value_of("log_loss", found), value_of("log_loss", alike), rtol=1e-12)


def test_tfmas_published_counts_of_scores_exactly_at_thresholds() -> None:
    published = vector("tfma-strict-thresholds")
    thresholds = asked(published["thresholds"])
    rows = [(None, label, score, 1.0) for label, score in zip(published["rows"]["label"], published["rows"]["score"], strict=True)]
    at = counts_at(counted(rows, thresholds), [thresholds.edge(one) for one in thresholds.described])
    for place, expected in enumerate(published["expected"]):
        assert [float(cell[place]) for cell in (at.tp, at.fp, at.fn, at.tn)] == expected["table"]


@pytest.mark.parametrize("kind", ["float", "float32"])
def test_a_threshold_is_rounded_as_single_precision_scores_are(kind: str) -> None:
    score = float(np.float32(0.3))
    assert score > 0.3
    for side, selected in (("negative", 0.0), ("positive", 1.0)):
        thresholds = asked(at_threshold=side, score_type=kind)
        at = counts_at(counted([("f", 1, score, 1.0)], thresholds), [thresholds.edge(0.3)])
        assert thresholds.used(0.3) == score and at.tp[0] == selected


def test_a_sweep_steps_through_the_decimals_as_they_are_written() -> None:
    steps = AuditConfig(threshold_sweep=0.05).described
    assert steps == (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
    assert AuditConfig(threshold=0.42, other_thresholds=(0.9, 7.0), threshold_sweep=0.3).described == (0.3, 0.42, 0.6, 0.9, 7.0)
    assert AuditConfig(threshold=0.42).described == ()
    assert len(AuditConfig(threshold_sweep=0.01).described) == 99
