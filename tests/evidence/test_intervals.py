from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from fairaudit.evidence.intervals import (
    Estimate,
    effective_size,
    mover,
    mover_mean,
    mover_r,
    newcombe,
    one_sided,
    proportion,
    wilson,
)
from tests.vectors import vector

counts = st.integers(1, 10**6).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials)))
levels = st.floats(0.5, 0.999)


def rate(successes: float, trials: float, level: float = 0.95) -> Estimate:
    return proportion(np.array([float(successes)]), np.array([float(trials)]), level=level)


def of_method(name: str, method: str) -> list[Any]:
    return [case for case in vector(name)["expected"] if case["method"].startswith(method)]


@pytest.mark.parametrize("case", of_method("newcombe-single-proportion", "Wilson"), ids=lambda case: f"{case['count']}/{case['rows']}")
def test_wilson_gives_the_printed_interval(case: Any) -> None:
    lower, upper = wilson(np.array([case["count"]]), np.array([case["rows"]]), level=0.95)
    assert [round(lower[0], 4), round(upper[0], 4)] == case["interval"]


@pytest.mark.parametrize("case", of_method("newcombe-difference", "Newcombe"), ids=lambda case: f"{case['a']} {case['b']}")
def test_newcombe_gives_the_printed_interval(case: Any) -> None:
    lower, upper = newcombe(rate(*case["a"]), rate(*case["b"]))
    assert [round(lower[0], 4), round(upper[0], 4)] == case["interval"]


def test_newcombe_gives_the_interval_that_fagerland_prints() -> None:
    published = vector("fagerland-difference-and-ratio")
    (case,) = of_method("fagerland-difference-and-ratio", "Newcombe")
    lower, upper = newcombe(rate(*published["input"]["a"]), rate(*published["input"]["b"]))
    assert [lower[0], upper[0]] == pytest.approx(case["full"], rel=1e-12)


@given(counts, counts)
def test_newcombe_agrees_with_statsmodels(a: tuple[int, int], b: tuple[int, int]) -> None:
    theirs = confint_proportions_2indep(*a, *b, method="newcomb", compare="diff")
    lower, upper = newcombe(rate(*a), rate(*b))
    assert (lower[0], upper[0]) == pytest.approx(theirs, abs=1e-9)


@given(counts, levels)
def test_a_wilson_bound_is_where_the_z_test_begins_to_reject(of: tuple[int, int], level: float) -> None:
    successes, trials = of
    for (bound,) in wilson(np.array([successes]), np.array([trials]), level=level):
        if 0 < bound < 1:
            z = abs(successes / trials - bound) / np.sqrt(bound * (1 - bound) / trials)
            assert z == pytest.approx(NormalDist().inv_cdf((1 + level) / 2), rel=1e-6)


@given(counts, levels)
def test_wilson_stays_within_0_and_1_holds_the_rate_and_reaches_the_ends(of: tuple[int, int], level: float) -> None:
    (lower,), (upper,) = wilson(np.array([of[0]]), np.array([of[1]]), level=level)
    assert 0 <= lower <= of[0] / of[1] + 1e-15 and of[0] / of[1] - 1e-15 <= upper <= 1
    assert (lower == 0) == (of[0] == 0) and (upper == 1) == (of[0] == of[1])


@given(counts, counts, levels)
def test_every_interval_holds_its_value(a: tuple[int, int], b: tuple[int, int], level: float) -> None:
    group, reference = rate(*a, level), rate(*b, level)
    lower, upper = newcombe(group, reference)
    assert lower[0] - 1e-12 <= group.value[0] - reference.value[0] <= upper[0] + 1e-12
    if b[0]:
        ratio = group.value[0] / reference.value[0]
        lower, upper = mover_r(group, reference)
        assert 0 <= lower[0] <= ratio * (1 + 1e-9) and upper[0] >= ratio * (1 - 1e-9)


@given(counts.filter(lambda of: of[0] > 0), counts.filter(lambda of: of[0] > 0), levels)
def test_the_bounds_of_a_ratio_turned_over_are_the_bounds_turned_over(a: tuple[int, int], b: tuple[int, int], level: float) -> None:
    lower, upper = mover_r(rate(*a, level), rate(*b, level))
    turned_lower, turned_upper = mover_r(rate(*b, level), rate(*a, level))
    assert (1 / turned_upper[0], 1 / turned_lower[0]) == pytest.approx((lower[0], upper[0]), rel=1e-6)


@given(counts.filter(lambda of: of[0] > 0), counts.filter(lambda of: of[0] > 0), st.floats(0.8, 0.99))
def test_a_bound_of_the_ratio_is_where_the_bound_of_a_linear_contrast_is_0(a: tuple[int, int], b: tuple[int, int], level: float) -> None:
    """What defines MOVER-R: the ratio R for which p₁ − R·p₂ is not told from 0."""
    group, reference = rate(*a, level), rate(*b, level)
    lower, upper = mover_r(group, reference)
    for ratio, end in ((lower, 0), (upper, 1)):
        bound = mover(((1.0, group), (-float(ratio[0]), reference)))[end]
        assert bound[0] == pytest.approx(0, abs=1e-6 * max(1.0, ratio[0]))


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((0, 10), (3, 10), (0.0, 1.2048913)),  # nobody selected: the lower end is 0, not undefined
        ((0, 10), (0, 10), (np.nan, np.nan)),  # 0/0
        ((3, 10), (0, 10), (np.nan, np.nan)),  # infinite
        ((0, 0), (3, 10), (np.nan, np.nan)),
        ((3, 10), (0, 0), (np.nan, np.nan)),
    ],
)
def test_a_ratio_at_the_edges(a: tuple[int, int], b: tuple[int, int], expected: tuple[float, float]) -> None:
    lower, upper = mover_r(rate(*a), rate(*b))
    assert (lower[0], upper[0]) == pytest.approx(expected, nan_ok=True)


def test_a_reference_whose_upper_bound_is_twice_its_rate_divides_nothing_by_0() -> None:
    reference = Estimate(np.array([0.2]), np.array([0.1]), np.array([0.4]))
    lower, _ = mover_r(Estimate(np.array([0.1]), np.array([0.05]), np.array([0.2])), reference)
    below, _ = mover_r(Estimate(np.array([0.1]), np.array([0.05]), np.array([0.2])), Estimate(reference.value, reference.lower, np.array([0.4 + 1e-9])))
    assert lower[0] == pytest.approx(below[0], rel=1e-6) and 0 < lower[0] < 0.5


def test_a_slice_without_rows_is_undefined_and_leaves_the_others_alone() -> None:
    both = proportion(np.array([0.0, 3.0]), np.array([0.0, 10.0]), level=0.95)
    assert np.isnan([both.value[0], both.lower[0], both.upper[0]]).all()
    assert both.at([1]).lower[0] == rate(3, 10).lower[0]
    assert np.isnan(newcombe(both, rate(1, 2))[0]).tolist() == [True, False]


def test_pairs_come_of_broadcasting() -> None:
    groups = proportion(np.array([3.0, 4.0]), np.array([10.0, 10.0]), level=0.95)
    lower, _ = mover_r(groups.at(np.s_[:, None]), groups)
    assert lower.shape == (2, 2) and lower[0, 1] == mover_r(rate(3, 10), rate(4, 10))[0][0]


def test_a_one_sided_bound_is_the_end_of_a_wider_error_interval() -> None:
    lower, _ = wilson(np.array([30.0]), np.array([100.0]), level=one_sided(0.95))
    z = (0.3 - lower[0]) / np.sqrt(lower[0] * (1 - lower[0]) / 100)
    assert z == pytest.approx(stats.norm.isf(0.05))


def test_mover_of_a_mean_of_equal_halves_is_narrower_than_either() -> None:
    tpr, tnr = rate(40, 50), rate(30, 50)
    lower, upper = mover_mean(tpr, tnr)
    assert lower[0] == pytest.approx(0.7 - np.hypot(0.8 - tpr.lower[0], 0.6 - tnr.lower[0]) / 2)
    assert upper[0] == pytest.approx(0.7 + np.hypot(tpr.upper[0] - 0.8, tnr.upper[0] - 0.6) / 2)


def test_effective_size_is_rows_for_equal_weights_and_fewer_for_others() -> None:
    assert effective_size(np.array([30.0, 30.0, 0.0]), np.array([90.0, 300.0, 0.0])).tolist() == [10.0, 3.0, 0.0]


@pytest.mark.parametrize("p", [0.1, 0.3, 0.5])
def test_mover_r_covers_what_it_promises(p: float) -> None:
    """RULES.md E3: 0.944–0.963 at 100/1000, over the whole distribution, so without chance."""
    x1, x2 = np.arange(101.0)[:, None], np.arange(1001.0)
    lower, upper = mover_r(proportion(x1, np.array(100.0), level=0.95), proportion(x2, np.array(1000.0), level=0.95))
    held = (lower <= 1) & (upper >= 1)
    assert 0.944 <= (stats.binom.pmf(x1, 100, p) * stats.binom.pmf(x2, 1000, p) * held).sum() <= 0.963
