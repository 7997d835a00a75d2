from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, binomtest  # type: ignore[import-untyped]

from benchmarks.calibration_errors import WORLDS, coverages
from fairaudit.cube.counts import Counts
from fairaudit.evidence.calibration import _at_most
from fairaudit.evidence.estimates import estimate, method_of
from fairaudit.evidence.intervals import Estimate
from fairaudit.metrics.catalogue import CATALOGUE
from fairaudit.metrics.engines.native import value_of
from tests.builders import counts_of_rows

NAMES = ("expected_calibration_error", "maximum_calibration_error", "root_mean_square_calibration_error")


def _rows(score: list[float], positive: list[int], rows: int, weight: float | None = None) -> Counts:
    """`rows` rows at each score, of which so many are positive."""
    label = [int(place < one) for one in positive for place in range(rows)]
    scores = [one for one in score for _ in range(rows)]
    return counts_of_rows(label=label, decision=[0] * len(label), score=scores, weight=None if weight is None else [weight] * len(label))


def _interval(name: str, counts: Counts, **params: float) -> Estimate:
    found = estimate(CATALOGUE[name], counts, params)
    assert found is not None
    return found


@pytest.mark.parametrize("positive", [260, 150, 40])
def test_of_one_bin_it_is_wilsons_interval_less_the_score(positive: int) -> None:
    """A score test of the one rate: scipy's Wilson, where the gap is too large to be folded. Of squares the upper end is a little more cautious, the largest is nearer Clopper and Pearson's."""
    wilson = binomtest(positive, 400).proportion_ci(method="wilson")
    ends = sorted(abs(0.5 - one) for one in (wilson.low, wilson.high))
    for name, tolerance in zip(NAMES, (6e-4, 1.5e-3, 7e-3), strict=True):
        found = _interval(name, _rows([0.5], [positive], 400))
        assert (found.lower[0], found.upper[0]) == (pytest.approx(ends[0], abs=tolerance), pytest.approx(ends[1], abs=tolerance)), name


def test_a_largest_error_of_a_few_rows_says_little_beside_one_of_many() -> None:
    """Three of three rows positive at 0.4 happen in one of 16 samples, and are the largest gap; the 400 rows at 0.55 are wrong by 0.2, whatever those are."""
    scores, rows, positive = (0.4, 0.55), (3, 400), (3, 140)
    label = [int(place < yes) for size, yes in zip(rows, positive, strict=True) for place in range(size)]
    counts = counts_of_rows(label=label, decision=[0] * 403, score=[one for one, size in zip(scores, rows, strict=True) for _ in range(size)])
    found, alone = _interval("maximum_calibration_error", counts), binomtest(140, 400).proportion_ci(method="wilson")
    assert found.value[0] == pytest.approx(0.6)
    assert found.lower[0] == pytest.approx(0.55 - alone.high, abs=0.02) and found.upper[0] == pytest.approx(0.6)


@pytest.mark.parametrize("rows", [5, 30, 400])
def test_the_curve_through_the_binomials_steps_is_at_their_middles(rows: int) -> None:
    positive = np.arange(rows)
    for rate in (0.02, 0.2, 0.5, 0.9):
        assert _at_most(positive + 0.5, np.full(rows, float(rows)), np.full(rows, rate)) == pytest.approx(binom.cdf(positive, rows, rate), abs=3e-3 if rows * min(rate, 1 - rate) >= 2 else 0.014)


def test_it_reaches_exactly_0_where_chance_may_explain_the_value_and_not_where_it_cannot() -> None:
    near, far = _rows([0.15, 0.55, 0.85], [8, 27, 40], 50), _rows([0.15, 0.55, 0.85], [25, 27, 40], 50)
    for name in NAMES:
        assert _interval(name, near).lower[0] == 0.0 < _interval(name, far).lower[0], name


def test_scores_that_were_never_wrong_leave_room_for_an_error_that_so_many_rows_may_miss() -> None:
    """All scores 0 and no positive among n rows: 3 / n is the rate that would show in 19 of 20 samples, and 4 / n what Wilson's interval leaves."""
    for rows in (50, 1000):
        for name in ("expected_calibration_error", "maximum_calibration_error"):
            found = _interval(name, _rows([0.0], [0], rows))
            assert (found.value[0], found.lower[0]) == (0.0, 0.0) and 2.9 / rows < found.upper[0] < 4.5 / rows, name


@pytest.mark.parametrize("name", NAMES)
def test_ten_times_the_rows_narrow_the_interval_and_a_weight_of_all_changes_nothing(name: str) -> None:
    few, many = (_rows([0.15, 0.55, 0.85], [25 * n, 27 * n, 40 * n], 50 * n) for n in (1, 10))
    widths = [one.upper[0] - one.lower[0] for one in (_interval(name, few), _interval(name, many))]
    assert widths[1] < 0.45 * widths[0]
    weighted = _interval(name, _rows([0.15, 0.55, 0.85], [25, 27, 40], 50, weight=0.25))
    assert (weighted.lower[0], weighted.upper[0]) == (pytest.approx(_interval(name, few).lower[0], abs=1e-9), pytest.approx(_interval(name, few).upper[0], abs=1e-9))


@pytest.mark.no_cover
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("world", WORLDS, ids=[one.name for one in WORLDS])
def test_an_interval_holds_the_true_error_of_scores_that_are_right_or_wrong(world: object, weighted: bool) -> None:
    """Simulated, 600 data sets of 200 rows: 93 % less three standard errors."""
    found = coverages(world, 200, 600, np.random.default_rng(5), weighted=weighted)  # type: ignore[arg-type]
    assert min(found.values()) > 0.93 - 3 * np.sqrt(0.05 * 0.95 / 600), found


@pytest.mark.no_cover
@pytest.mark.parametrize(("world", "size", "names"), [("right, uniform", 300, NAMES), ("right, Beta(20, 20)", 300, NAMES), ("one bin of ten wrong by 0.2", 1000, NAMES[1:2])])
def test_an_interval_holds_the_truth_no_more_often_than_it_says(world: str, size: int, names: tuple[str, ...]) -> None:
    """Simulated, 3,000 data sets: between 93 and 97 %. With one tail of 2.5 % near 0, and bounds for all bins at once, these were 97.4 to 99.1 %."""
    found = coverages(next(one for one in WORLDS if one.name == world), size, 3000, np.random.default_rng(6), weighted=False)
    assert all(0.93 < found[name] < 0.97 for name in names), found


def test_scores_that_nobody_labelled_or_that_are_no_probabilities_have_no_interval() -> None:
    for counts in (counts_of_rows(label=[2], decision=[0], score=[0.5]), counts_of_rows(label=[0, 1], decision=[0, 1], score=[0.5, 7.0])):
        for name in NAMES:
            found = _interval(name, counts)
            assert np.isnan([found.value[0], found.lower[0], found.upper[0]]).all(), name


def test_what_is_said_of_the_interval_points_to_chance() -> None:
    assert "calibration_error_by_chance" in method_of(CATALOGUE["expected_calibration_error"])
    assert value_of("calibration_error_by_chance", _rows([0.5], [200], 400))[0] == pytest.approx(np.sqrt(2 / np.pi) * 0.025)
