"""Change on the same rows: McNemar's exact test against other libraries and by hand, Newcombe's interval against a published implementation and by what defines it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from statsmodels.stats.contingency_tables import mcnemar

from fairaudit.evidence.intervals import newcombe, proportion
from fairaudit.evidence.paired import mcnemar_lower, mcnemar_upper, newcombe_paired
from tests.vectors import vector

cells = st.tuples(*[st.integers(0, 2000)] * 4).filter(sum)
levels = st.floats(0.5, 0.999)


def interval(both: float, gained: float, lost: float, neither: float, level: float = 0.95) -> tuple[float, float]:
    lower, upper = newcombe_paired(*(np.array([float(one)]) for one in (both, gained, lost, neither)), level=level)
    return float(lower[0]), float(upper[0])


def test_a_worked_table() -> None:
    """Nine rows turned, seven of them for the worse: (C(9,7) + C(9,8) + C(9,9)) / 2⁹ = 46 / 512."""
    assert mcnemar_upper(np.array([7]), np.array([2]))[0] == pytest.approx(46 / 512)
    assert mcnemar_upper(np.array([0]), np.array([0]))[0] == 1 and mcnemar_upper(np.array([5]), np.array([0]))[0] == pytest.approx(1 / 32)


@given(gained=st.integers(0, 500), lost=st.integers(0, 500))
def test_the_exact_test_is_scipys_and_statsmodels(gained: int, lost: int) -> None:
    upper, lower = (float(test(np.array([gained]), np.array([lost]))[0]) for test in (mcnemar_upper, mcnemar_lower))
    if gained + lost:
        assert upper == pytest.approx(binomtest(gained, gained + lost, 0.5, alternative="greater").pvalue, rel=1e-9, abs=1e-300)
        assert lower == pytest.approx(binomtest(gained, gained + lost, 0.5, alternative="less").pvalue, rel=1e-9, abs=1e-300)
    assert min(1.0, 2 * min(upper, lower)) == pytest.approx(mcnemar([[0, gained], [lost, 0]], exact=True).pvalue, rel=1e-9, abs=1e-300)


def test_a_published_implementations_interval_and_p() -> None:
    case = vector("newcombe-1998-paired")
    table = [case[name] for name in ("both", "gained", "lost", "neither")]
    assert [round(one, 4) for one in interval(*table)] == case["interval"]
    assert round((case["gained"] - case["lost"]) / sum(table), 4) == case["change"]
    assert round(2 * float(mcnemar_lower(np.array([case["gained"]]), np.array([case["lost"]]))[0]), 6) == case["exact_two_sided_p"]


@given(table=cells, level=levels)
def test_the_interval_holds_the_change_within_minus_one_and_one_and_turns_with_the_rows(table: tuple[int, int, int, int], level: float) -> None:
    both, gained, lost, neither = table
    lower, upper = interval(*table, level=level)
    assert -1 <= lower <= (gained - lost) / sum(table) + 1e-12 and (gained - lost) / sum(table) - 1e-12 <= upper <= 1
    assert interval(both, lost, gained, neither, level=level) == pytest.approx((-upper, -lower), abs=1e-12)
    assert interval(neither, lost, gained, both, level=level) == pytest.approx((-upper, -lower), abs=1e-9)  # of those who are not in the rate


@given(table=cells, level=levels)
def test_without_a_correlation_it_is_that_of_independent_rows(table: tuple[int, int, int, int], level: float) -> None:
    both, gained, lost, neither = table
    rows = sum(table)
    independent = newcombe(*(proportion(np.array([float(one)]), np.array([float(rows)]), level=level) for one in (both + gained, both + lost)))
    if 0 <= both * neither - gained * lost <= rows / 2:
        assert interval(*table, level=level) == pytest.approx((float(independent[0][0]), float(independent[1][0])), abs=1e-12)
    elif both * neither > gained * lost:
        assert interval(*table, level=level)[1] - interval(*table, level=level)[0] <= float(independent[1][0] - independent[0][0]) + 1e-12


def test_where_there_are_no_rows_there_is_no_interval() -> None:
    with np.errstate(divide="raise", invalid="raise"):
        assert all(np.isnan(interval(0, 0, 0, 0)))


@pytest.mark.parametrize(("rows", "rate", "turned"), [(500, 0.2, 0.04), (120, 0.2, 0.1), (60, 0.4, 0.2)])
def test_it_holds_the_truth_in_95_of_100(rows: int, rate: float, turned: float) -> None:
    """Half of the rows that turn are gained; the true change is 0."""
    rng, half = np.random.default_rng(3), turned / 2
    drawn = rng.multinomial(rows, [rate - half, half, half, 1 - rate - half], size=4000).T.astype(float)
    lower, upper = newcombe_paired(*drawn, level=0.95)
    assert 0.935 <= np.mean((lower <= 0) & (upper >= 0)) <= 0.985
