from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairaudit.evidence.power import detectable_towards, power, rows_for_power
from fairaudit.evidence.significance import fisher_lower
from tests.vectors import vector


def test_power_gives_what_r_prints() -> None:
    published = vector("r-power-two-proportions")
    given_, expected = published["input"], published["expected"][0]
    found = power(given_["n"], given_["n"], group_rate=given_["p1"], other_rate=given_["p2"], alpha=given_["alpha"] / 2)
    assert round(found, 3) == expected["value"] and found == pytest.approx(expected["full"], rel=1e-9)


@pytest.mark.parametrize(
    ("groups", "rate", "at_60", "at_70"),
    [
        (6, 0.1, 615, 1125), (6, 0.2, 276, 505), (6, 0.3, 164, 298), (6, 0.5, 73, 132),
        (20, 0.1, 766, 1399), (20, 0.2, 344, 627), (20, 0.3, 203, 369), (20, 0.5, 90, 163),
    ],
)  # fmt: skip
def test_rows_needed_are_those_that_were_worked_out_for_the_rules(groups: int, rate: float, at_60: int, at_70: int) -> None:
    """RULES.md E3: one group against a large rest, 80 % power, half of 5 % over the groups."""
    found = [rows_for_power(group_rate=ratio * rate, other_rate=rate, alpha=0.025 / groups) for ratio in (0.6, 0.7)]
    assert found == [at_60, at_70]


def test_the_promised_power_is_what_the_exact_test_has() -> None:
    """164 rows at 0.18 against a rest of 20,000 at 0.3, by drawing: close to 80 %."""
    rng = np.random.default_rng(1)
    x, y = rng.binomial(164, 0.18, 4000), rng.binomial(20_000, 0.3, 4000)
    found = (fisher_lower(x, np.full(4000, 164), x + y, np.full(4000, 20_164)) <= 0.025 / 6).mean()
    assert found == pytest.approx(0.8, abs=0.04)


rates = st.floats(0.01, 0.99)


@given(rates, rates, st.floats(1e-4, 0.1), st.integers(50, 10**5))
def test_rows_needed_are_the_fewest_that_reach_the_power(group: float, other: float, alpha: float, others: int) -> None:
    rows = rows_for_power(group_rate=group, other_rate=other, alpha=alpha, other_rows=others)
    if rows is not None and rows > 1:
        few, enough = (power(n, others, group_rate=group, other_rate=other, alpha=alpha) for n in (rows - 1, rows))
        assert few < 0.8 <= enough


def test_no_number_of_rows_makes_up_for_too_few_others_or_for_no_disparity() -> None:
    assert rows_for_power(group_rate=0.18, other_rate=0.3, alpha=0.004, other_rows=50) is None
    assert rows_for_power(group_rate=0.3, other_rate=0.3, alpha=0.004) is None
    assert rows_for_power(group_rate=0.18, other_rate=0.3, alpha=0.004, grows=5) is not None


def test_certain_rates_need_little() -> None:
    assert power(3, math.inf, group_rate=0.0, other_rate=1.0, alpha=0.05) == 1.0


def test_the_smallest_difference_that_is_found_is_the_one_for_which_so_many_rows_suffice() -> None:
    """The two functions are each other's inverse; R's example: 50 a side tell 0.50 from 0.75 with power 0.74."""
    below, above = (float(detectable_towards(furthest, *map(np.array, (164.0, 1e9)), other_rate=np.array(0.3), alpha=0.025)) for furthest in (0.0, 1.0))
    assert below < 0 < above
    assert rows_for_power(group_rate=0.3 + below, other_rate=0.3, alpha=0.025, other_rows=1e9) == pytest.approx(164, abs=1)
    r_example = detectable_towards(1.0, np.array(50.0), np.array(50.0), other_rate=np.array(0.5), alpha=0.025, aim=0.7401659)
    assert r_example == pytest.approx(0.25, abs=1e-4)


def test_where_no_difference_is_large_enough_there_is_none() -> None:
    assert [detectable_towards(furthest, np.array(5.0), np.array(1000.0), other_rate=np.array(0.05), alpha=0.01) for furthest in (0.0, 1.0)] == [pytest.approx(math.nan, nan_ok=True), pytest.approx(0.5, abs=0.3)]
