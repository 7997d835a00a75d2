"""The scoring rate of New York's rule, against NumPy's median and by hand."""

from __future__ import annotations

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairaudit.cube.cube import Grid, Plan, count, counts
from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.evidence.estimates import estimate, pair_bounds
from fairaudit.evidence.intervals import Estimate, mover_r
from fairaudit.metrics.catalogue import CATALOGUE
from fairaudit.metrics.engines.interface import Kind, Quantity
from fairaudit.metrics.engines.median import above_median
from fairaudit.metrics.engines.native import NativeEngine, value_of
from tests.builders import connected, counts_from, counts_of_rows

A, B = Slice([("group", "a")]), Slice([("group", "b")])


def test_the_rules_own_steps_by_hand() -> None:
    """6 RCNY § 5-301(c): the median of the full sample, each category's share above it, over that of the category with the highest."""
    # Sorted: 10 20 30 40 | 50 60 70 80, so the median is 45; a has 50, 60, 70 above it, b has 80.
    a, b = [50, 60, 70, 10], [20, 30, 40, 80]
    found = counts_of_rows({A: [1] * 4 + [0] * 4, B: [0] * 4 + [1] * 4}, label=[2] * 8, decision=[0] * 8, score=[one / 100 for one in a + b])
    assert value_of("scoring_rate", found).tolist() == [0.5, 0.75, 0.25]
    ratio = Quantity(metric="scoring_rate", kind=Kind.RATIO, groups=(2,), references=(1,))
    assert NativeEngine().measure([ratio], found)[0].tolist() == [0.25 / 0.75]
    assert above_median(found).ties == 0


@pytest.mark.parametrize("unit", [1.0, 0.1, 0.3, 0.7, 1e6])
@pytest.mark.parametrize("rows", [20, 22, 94, 118])
def test_the_unit_of_weights_does_not_move_the_median(rows: int, unit: float) -> None:
    # Ten times 0.1 is not 1 in floating point, and half of everyone was missed by it.
    found = above_median(counts_of_rows(label=[2] * rows, decision=[0] * rows, score=(np.arange(rows) / rows).tolist(), weight=[unit] * rows))
    assert found.share[0] == pytest.approx(0.5, abs=1e-12) and found.median is None and found.ties == 0


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 2), st.integers(0, 6), st.integers(1, 3)), min_size=1, max_size=40),
)
def test_it_is_the_share_strictly_above_numpys_median(rows: list[tuple[bool, int, int, int]]) -> None:
    of_a, label, score, weight = (np.array(column) for column in zip(*rows, strict=True))
    found = counts_of_rows({A: of_a}, label=label.tolist(), decision=[0] * len(rows), score=(score / 6).tolist(), weight=weight.tolist())
    middle = np.median(np.repeat(score / 6, weight))
    above = above_median(found)
    for share, mask in zip(above.share, (np.ones(len(rows), dtype=bool), of_a), strict=True):
        assert share == pytest.approx(np.average((score / 6 > middle)[mask], weights=weight[mask]), abs=1e-12) if mask.any() else np.isnan(share)
    assert above.ties == pytest.approx(np.average(score / 6 == middle, weights=weight), abs=1e-12)
    assert not above.error.any()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("fm"), st.integers(0, 60_000)), min_size=1, max_size=60))
def test_the_error_of_coarse_cells_holds_the_truth(rows: list[tuple[str, int]]) -> None:
    # All scores lie within four of the grid's cells, so that many share the median's.
    sex, score = np.array([row[0] for row in rows]), 0.5 + np.array([row[1] for row in rows]) / 60_000 * 4 / 3840
    plan = Plan(attributes=("sex",), slicings=(("sex",),), grid=Grid(lowest=0.0, highest=1.0), has_labels=False, has_weights=False, has_probabilities=True)
    table = pa.table({"a0": sex.tolist(), "label": pa.nulls(len(rows), pa.int8()), "score": score, "weight": [1.0] * len(rows)})
    with connected() as connection:
        connection.register("rows", table)
        found = counts(count(connection, "SELECT *, score > 0.5 AS decision FROM rows", plan))
    above = above_median(found)
    for index, one in enumerate(found.slices):
        mine = score[sex == one.values[0][1]] if one.values else score
        assert abs(above.share[index] - (mine > np.median(score)).mean()) <= above.error[index] + 1e-12
    inside = np.bincount(np.minimum(score * 3840, 3839).astype(int))
    assert (above.error <= 1).all() and above.error[0] <= inside.max() / len(rows)


def test_its_intervals_are_those_of_a_proportion() -> None:
    from statsmodels.stats.proportion import proportion_confint  # type: ignore[import-untyped]

    score = np.arange(60) / 60
    of_a = np.arange(60) % 3 == 0
    found = counts_of_rows({A: of_a, B: ~of_a}, label=[0, 1] * 30, decision=[0] * 60, score=score.tolist())
    known = estimate(CATALOGUE["scoring_rate"], found)
    assert known is not None
    for index, mask in ((1, of_a), (2, ~of_a)):
        above = int((score[mask] > np.median(score)).sum())
        assert (known.lower[index], known.upper[index]) == pytest.approx(proportion_confint(above, mask.sum(), method="wilson"), abs=1e-12)
    ratio = pair_bounds(CATALOGUE["scoring_rate"], Kind.RATIO, found, np.array([1]), np.array([2]))
    parts = [Estimate(*(np.array([end]) for end in (known.value[index], known.lower[index], known.upper[index]))) for index in (1, 2)]
    assert ratio is not None and [float(end[0]) for end in ratio] == pytest.approx([float(end[0]) for end in mover_r(*parts)])


def test_without_scores_there_is_none() -> None:
    assert np.isnan(value_of("scoring_rate", counts_from({EVERYONE: (1, 2, 3, 4)}))).all()
