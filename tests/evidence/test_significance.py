from __future__ import annotations

import subprocess
import sys
from decimal import Decimal, getcontext
from fractions import Fraction
from math import comb, factorial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from fairaudit.evidence.significance import (
    benjamini_hochberg,
    effective_lower,
    effective_upper,
    fisher_lower,
    fisher_upper,
    holm,
    studentized_range_quantile,
    studentized_range_sf,
)
from tests.vectors import vector


def one(test: object, *numbers: float) -> float:
    return float(test(*(np.array([number]) for number in numbers))[0])  # type: ignore[operator]


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, int, int, int]:
    """events, trials, all events, all trials; both sides have rows."""
    total = draw(st.integers(2, 300))
    trials, events = draw(st.integers(1, total - 1)), draw(st.integers(0, total))
    return draw(st.integers(max(0, trials + events - total), min(trials, events))), trials, events, total


@given(tables())
def test_fisher_is_the_exact_fraction(table: tuple[int, int, int, int]) -> None:
    x, n, events, total = table
    ways = [comb(events, k) * comb(total - events, n - k) for k in range(n + 1)]
    assert one(fisher_lower, *table) == pytest.approx(float(Fraction(sum(ways[: x + 1]), sum(ways))), rel=1e-12, abs=0)
    assert one(fisher_upper, *table) == pytest.approx(float(Fraction(sum(ways[x:]), sum(ways))), rel=1e-12, abs=0)


@pytest.mark.parametrize(
    ("trials", "events", "total", "deviations"),
    [(5 * 10**7, 5 * 10**7, 10**8, -6), (10**6, 3 * 10**7, 10**8, -30), (10**7, 200, 10**8, -2), (10**5, 3 * 10**5, 10**6, -0.01)],
)
def test_fisher_keeps_twelve_digits_in_huge_tables(trials: int, events: int, total: int, deviations: float) -> None:
    mean = trials * events / total
    x = int(mean + deviations * (mean * (1 - events / total) * (1 - trials / total)) ** 0.5)
    expected = _decimal_tail(x, trials, events, total)
    assert float(abs(Decimal(one(fisher_lower, x, trials, events, total)) / expected - 1)) < 1e-12


def _decimal_tail(x: int, n: int, events: int, total: int) -> Decimal:
    """The same tail in 45 digits, by Stirling's series."""
    getcontext().prec = 45
    parts = (events, total - events, n, total - n), (x, events - x, n - x, total - events - n + x, total)
    term = (sum(map(_log_factorial, parts[0]), Decimal(0)) - sum(map(_log_factorial, parts[1]), Decimal(0))).exp()
    tail = Decimal(0)
    while x >= 0 and term > tail * Decimal("1e-20"):
        tail += term
        term *= Decimal(x * (total - events - n + x)) / Decimal((events - x + 1) * (n - x + 1))
        x -= 1
    return tail


def _log_factorial(n: int) -> Decimal:
    if n < 200:
        return Decimal(factorial(n)).ln()
    m, pi = Decimal(n), Decimal("3.14159265358979323846264338327950288419716939937510")
    series = sum((Decimal(a) / b / m**k for a, b, k in ((1, 12, 1), (-1, 360, 3), (1, 1260, 5), (-1, 1680, 7), (1, 1188, 9))), Decimal(0))
    return m * m.ln() - m + (2 * pi * m).ln() / 2 + series


def test_fisher_adds_up_to_the_published_two_sided_value() -> None:
    published = vector("scipy-two-sample-exact-tests")
    (a, b), (c, d) = published["input"]["fisher"]
    upper = one(fisher_upper, a, a + b, a + c, a + b + c + d)
    assert upper == pytest.approx(stats.fisher_exact([[a, b], [c, d]], alternative="greater").pvalue, rel=1e-12)
    rarer = stats.hypergeom.pmf(range(11), 16, 9, 10)
    lower = sum(p for p in rarer[:a] if p <= rarer[a] * (1 + 1e-12))
    assert round(upper + lower, 6) == published["expected"][0]["value"]


def test_fisher_gives_the_values_printed_for_the_eeoc_examples() -> None:
    """RULES.md D1: 12 of 40 against 48 of 80, and 3 of 20 against 16 of 80."""
    assert round(one(fisher_lower, 12, 40, 60, 120), 4) == 0.0017
    assert round(one(fisher_lower, 3, 20, 19, 100), 3) == 0.440


def test_fisher_is_undefined_without_somebody_on_each_side() -> None:
    assert np.isnan(fisher_lower(np.array([0, 3]), np.array([0, 10]), np.array([3, 3]), np.array([10, 10]))).all()


def test_fisher_of_a_certain_outcome_is_1() -> None:
    assert [one(fisher_lower, 0, 5, 0, 10), one(fisher_upper, 0, 5, 0, 10), one(fisher_lower, 5, 5, 10, 10)] == [1.0, 1.0, 1.0]


@given(st.integers(1, 400), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_effective_counts_against_very_many_others_are_a_binomial(n: int, share: float, rate: float) -> None:
    x, others = round(share * n), 1e12
    assert one(effective_upper, x, n, rate * others, others) == pytest.approx(stats.binom.sf(x - 1, n, rate), rel=1e-6, abs=1e-12)
    assert one(effective_lower, x, n, rate * others, others) == pytest.approx(stats.binom.cdf(x, n, rate), rel=1e-6, abs=1e-12)


def test_a_large_table_of_halves_has_the_normal_tail() -> None:
    z = (0.3 - 0.29) / np.sqrt(0.295 * 0.705 * 2 / 40_000)
    assert one(effective_lower, 11_600, 40_000, 12_000, 40_000) == pytest.approx(stats.norm.sf(z), rel=0.05)


def test_weighted_tails_of_rare_events_hold_their_level_where_a_z_test_does_not() -> None:
    """60 rows of log-normal weights (σ 0.8) against 940, at a rate of 0.129: what is said of one in 200 data sets."""
    rng, alpha = np.random.default_rng(4), 0.005
    weight = rng.lognormal(0, 0.8, (8000, 1000))
    event = rng.random(weight.shape) < 0.129
    sides = [(weight[:, part], event[:, part]) for part in (np.s_[:60], np.s_[60:])]
    (n, x), (m, y) = ((size := w.sum(axis=1) ** 2 / (w**2).sum(axis=1), size * (w * hit).sum(axis=1) / w.sum(axis=1)) for w, hit in sides)
    pooled = (x + y) / (n + m)
    z = (x / n - y / m) / np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    assert (stats.norm.sf(z) < alpha).mean() > 2 * alpha
    assert (effective_upper(x, n, y, m) < alpha).mean() < 1.3 * alpha


def test_a_large_group_is_as_surely_told_from_few_as_few_from_a_large_group() -> None:
    """2,000 against 50 at a rate of 0.05, every table and how likely it is: what is said of one in 200 comes no more often."""
    x, y = np.meshgrid(np.arange(40, 161.0), np.arange(0, 14.0), indexing="ij")
    chance = stats.binom.pmf(x, 2000, 0.05) * stats.binom.pmf(y, 50, 0.05)
    said = effective_lower(x.ravel(), np.full(x.size, 2000.0), y.ravel(), np.full(x.size, 50.0)).reshape(x.shape)
    assert chance[said <= 0.005].sum() <= 0.005
    assert one(effective_lower, 100, 2000, 6, 50) == pytest.approx(one(effective_upper, 6, 50, 100, 2000))


def test_effective_counts_know_no_disparity_where_nothing_varies_and_nothing_without_rows() -> None:
    assert one(effective_lower, 0, 5, 0, 10) == 1.0 and one(effective_upper, 5, 5, 10, 10) == 1.0
    assert np.isnan(one(effective_lower, 0, 0, 3, 10))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_agrees_with_statsmodels(p: list[float]) -> None:
    assert holm(np.array(p)) == pytest.approx(multipletests(p, method="holm")[1])


@pytest.mark.parametrize("expected", vector("benjamini-hochberg-fifteen")["expected"], ids=lambda one: one["method"])
def test_the_papers_fifteen_p_values(expected: dict[str, Any]) -> None:
    published = vector("benjamini-hochberg-fifteen")
    p = np.array(published["p"])
    adjusted = {"Benjamini–Hochberg": benjamini_hochberg(p), "Holm": holm(p), "Bonferroni": p * p.size}[expected["method"]]
    assert np.count_nonzero(adjusted <= published["alpha"]) == expected["value"]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_benjamini_and_hochberg_agree_with_statsmodels(p: list[float]) -> None:
    assert benjamini_hochberg(np.array(p)) == pytest.approx(multipletests(p, method="fdr_bh")[1])


def test_holm_does_not_count_what_was_not_tested() -> None:
    assert holm(np.array([0.01, np.nan, 0.02])) == pytest.approx([0.02, np.nan, 0.02], nan_ok=True)
    assert holm(np.array([])).size == 0


@settings(max_examples=40, deadline=None)
@given(st.floats(0.05, 12), st.integers(2, 60))
def test_the_studentized_range_agrees_with_scipy(q: float, groups: int) -> None:
    assert float(studentized_range_sf(np.array(q), groups)) == pytest.approx(stats.studentized_range.sf(q, groups, np.inf), abs=1e-11)


@given(st.floats(0, 40))
def test_the_range_of_two_is_a_difference_of_two_normals(q: float) -> None:
    """To the last digits far out, where 1 − cdf has none."""
    assert float(studentized_range_sf(np.array(q), 2)) == pytest.approx(2 * stats.norm.sf(q / np.sqrt(2)), rel=1e-10)


@pytest.mark.parametrize(("groups", "q"), [(2, 2.772), (3, 3.314), (6, 4.030), (10, 4.474), (20, 5.012)])
def test_the_quantile_is_the_tables(groups: int, q: float) -> None:
    """Upper 5 % points at infinite degrees of freedom, as every printed table has them."""
    assert round(studentized_range_quantile(0.05, groups), 3) == pytest.approx(q, abs=0.0011)
    assert studentized_range_quantile(0.025, groups) == pytest.approx(stats.studentized_range.isf(0.025, groups, np.inf), rel=1e-9)


def test_an_undefined_statistic_stays_undefined() -> None:
    assert np.isnan(studentized_range_sf(np.array([np.nan, 1.0]), 3)).tolist() == [True, False]


def test_judging_imports_neither_scipy_stats_nor_a_frame_library() -> None:
    """scipy.stats alone takes over a second, and a gate takes two."""
    code = "import sys, fairaudit.rules.judge, fairaudit.rules.library, fairaudit.gate.policy; print(*sys.modules)"
    imported = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"scipy.stats", "scipy.optimize", "statsmodels", "pandas", "tensorflow"} & set(imported)
