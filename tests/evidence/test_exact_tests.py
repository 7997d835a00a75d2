from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from fairaudit.evidence.exact_tests import boschloo_p_value, fisher_p_value
from tests.vectors import vector


def columns(table: list[list[int]]) -> list[np.ndarray]:
    """The two columns of a table, each as events and trials."""
    (a, b), (c, d) = table
    return [np.array([number]) for number in (a, a + c, b, b + d)]


def test_the_published_exact_tests() -> None:
    published = vector("scipy-two-sample-exact-tests")
    fisher, boschloo, _ = published["expected"]
    assert round(float(fisher_p_value(*columns(published["input"]["fisher"]))[0]), fisher["digits"]) == fisher["value"]
    found = float(boschloo_p_value(*columns(published["input"]["boschloo"]), alternative=boschloo["alternative"])[0])
    assert found == pytest.approx(boschloo["full"], abs=1e-9) and int(found * 1e4) / 1e4 == boschloo["value"]


@example((7, 42, 45, 10))  # of two tables as likely as each other, one lies where the distribution function is nearly 1
@given(st.tuples(*[st.integers(0, 60)] * 4).filter(lambda table: table[0] + table[2] > 0 and table[1] + table[3] > 0))
def test_fisher_two_sided_is_scipys(table: tuple[int, int, int, int]) -> None:
    a, b, c, d = table
    assert float(fisher_p_value(*columns([[a, b], [c, d]]))[0]) == pytest.approx(stats.fisher_exact([[a, b], [c, d]]).pvalue, rel=1e-6, abs=1e-12)


def test_boschloo_never_says_less_than_fisher() -> None:
    for table in ([[8, 2], [1, 5]], [[3, 9], [10, 4]], [[0, 5], [7, 7]]):
        assert float(boschloo_p_value(*columns(table))[0]) <= float(fisher_p_value(*columns(table))[0]) + 1e-12


def test_there_is_no_test_without_rows_on_both_sides() -> None:
    assert np.isnan(fisher_p_value(*columns([[0, 3], [0, 4]]))[0]) and np.isnan(boschloo_p_value(*columns([[0, 3], [0, 4]]))[0])
