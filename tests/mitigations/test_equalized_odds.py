"""Equalized odds: AIF360's own linear program, run live, has the same objective and rates; more groups are equal too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fairaudit.errors import ContentError
from fairaudit.metrics.engines.quiet import quietly
from fairaudit.mitigations.equalized_odds import equalized_odds
from fairaudit.mitigations.policy import Treatment, threshold_at
from fairaudit.mitigations.solved import Unreachable
from tests.mitigations.builders import Rows, rows_of, tables
from tests.mitigations.expected import expected


def theirs(rows: Rows, threshold: float) -> Any:
    """AIF360's solution: chances in the order privileged kept, privileged turned, unprivileged kept, unprivileged turned."""
    with quietly():
        from aif360.algorithms.postprocessing import EqOddsPostprocessing  # type: ignore[import-untyped]

        fitted = EqOddsPostprocessing(**rows.roles).fit(*rows.datasets(threshold))
    return fitted.model_params


def chances(treatment: Treatment) -> tuple[float, float]:
    return treatment.chances[1], treatment.chances[0]


def informed(rows: Rows, threshold: float) -> bool:
    """Whether no group's true positive rate equals its false positive rate; if one does, AIF360 may give any solution."""
    cells = rows.cells()
    tp, fp = expected(cells, [threshold_at(threshold)] * len(cells.groups))
    return bool((np.abs(tp / cells.positive.sum(axis=1) - fp / cells.negative.sum(axis=1)) > 1e-9).all())


@given(rows=tables(), threshold=st.sampled_from([0.0, 0.25, 0.5, 0.625]))
def test_aif360_reaches_the_same_objective_and_rates_with_the_same_chances_where_they_are_unique(rows, threshold):
    rows = rows.repeated
    found = theirs(rows, threshold)
    assert found.status == 0
    try:
        solved = equalized_odds(rows.cells(), threshold=threshold)
    except Unreachable:
        assert found.fun == pytest.approx(0, abs=1e-9)  # it is content with any decisions that say nothing
        return
    assert solved.objective == pytest.approx(-found.fun, abs=1e-9)
    if informed(rows, threshold):
        assert [*chances(solved.treatments[1]), *chances(solved.treatments[0])] == pytest.approx(found.x, abs=1e-7)


def test_a_weight_stands_for_so_many_rows_which_aif360s_equations_leave_out():
    rows = rows_of([[2, 8], [4, 6]], [[8, 2], [6, 4]], [0.25, 0.75])
    ours = equalized_odds(rows.cells(), threshold=0.5).treatments
    assert ours == equalized_odds(rows.repeated.cells(), threshold=0.5).treatments
    kept, turned, kept_there, turned_there = theirs(rows, 0.5).x
    made = [Treatment(cuts=(0.5,), chances=(turned_there, kept_there)), Treatment(cuts=(0.5,), chances=(turned, kept))]
    tp, _ = expected(rows.cells(), made)
    assert abs(tp[0] - tp[1]) / 10 > 0.1  # so far are their true positive rates from equal


@given(rows=tables(most=6, weights=st.floats(0.1, 9)), threshold=st.sampled_from([0.25, 0.5, 0.625]))
def test_every_group_has_the_same_rates_however_many_there_are(rows, threshold):
    cells = rows.cells()
    try:
        solved = equalized_odds(cells, threshold=threshold)
    except Unreachable:
        assert not informed(rows, threshold)
        return
    tp, fp = expected(cells, solved.treatments)
    reached = tp / cells.positive.sum(axis=1), fp / cells.negative.sum(axis=1)
    for told, rates in zip(solved.rates, reached, strict=True):
        assert rates == pytest.approx(rates[0], abs=1e-9) and told == pytest.approx(rates, abs=1e-9)
    assert solved.objective == pytest.approx((reached[0] - reached[1]).sum(), abs=1e-9)
    assert solved.metrics == ("true_positive_rate", "false_positive_rate") and solved.gap == 0


@given(rows=tables(most=4), threshold=st.sampled_from([0.25, 0.5]), steps=st.integers(2, 9))
def test_no_equal_rates_on_a_fine_net_are_better(rows, threshold, steps):
    """Equal rates can be had in a group if they lie in the parallelogram of selecting nobody, everybody, as the threshold does, and the other way round."""
    assume(informed(rows, threshold))
    cells = rows.cells()
    solved = equalized_odds(cells, threshold=threshold)
    tp, fp = expected(cells, [threshold_at(threshold)] * len(cells.groups))
    tpr, fpr = tp / cells.positive.sum(axis=1), fp / cells.negative.sum(axis=1)
    apart = tpr - fpr
    for true in np.linspace(0, 1, steps):
        for false in np.linspace(0, 1, steps):
            kept = ((1 - fpr) * true - (1 - tpr) * false) / apart
            turned = (tpr * false - fpr * true) / apart
            if ((kept >= 0) & (kept <= 1) & (turned >= 0) & (turned <= 1)).all():
                assert len(cells.groups) * (true - false) <= solved.objective + 1e-9


def test_two_groups_worked_by_hand():
    """A is decided right for 8 of 10 positives and wrong for 2 of 10 negatives, B for 6 and 4, so B's rates lie 0.2 apart and A's 0.6. What is common to both and lies furthest apart is B's own
    decisions; A keeps 2/3 of those selected and selects 1/3 of the others: 0.8 · 2/3 + 0.2 · 1/3 = 0.6, and 0.2 · 2/3 + 0.8 · 1/3 = 0.4."""
    cells = rows_of([[2, 8], [4, 6]], [[8, 2], [6, 4]], [0.25, 0.75]).cells()
    solved = equalized_odds(cells, threshold=0.5)
    assert solved.treatments[0].cuts == (0.5,) and solved.treatments[0].chances == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert solved.treatments[1] == threshold_at(0.5)
    assert [rates.tolist() for rates in solved.rates] == [[pytest.approx(0.6)] * 2, [pytest.approx(0.4)] * 2]
    assert solved.objective == pytest.approx(0.4) and solved.before == pytest.approx(0.8)


@given(rows=tables(least=1, most=1), groups=st.integers(2, 5), times=st.lists(st.integers(1, 5), min_size=5, max_size=5))
def test_groups_that_are_already_equal_are_left_alone(rows, groups, times):
    one = rows.cells()
    fair = rows_of([(one.positive[0] * times[place]).tolist() for place in range(groups)], [(one.negative[0] * times[place]).tolist() for place in range(groups)], one.lowest.tolist())
    cells = fair.cells()
    tp, fp = expected(one, [threshold_at(0.5)])
    assume((tp / one.positive.sum() >= fp / one.negative.sum()).all())
    solved = equalized_odds(cells, threshold=0.5)
    assert solved.treatments == (threshold_at(0.5),) * groups
    assert solved.objective == pytest.approx(solved.before)


def test_where_one_group_is_decided_by_chance_the_error_names_it_and_aif360_gives_nobody_a_decision_that_says_anything():
    rows = rows_of([[0, 10], [5, 5]], [[10, 0], [5, 5]], [0.25, 0.75])
    assert theirs(rows.repeated, 0.5).fun == pytest.approx(0, abs=1e-9)
    with pytest.raises(Unreachable, match=r"above it are 0\.5000 of the positives and 0\.5000 of the negatives of g=1") as raised:
        equalized_odds(rows.cells(), threshold=0.5)
    assert raised.value.exit_code == 1


def test_where_no_decisions_say_anything_the_fewest_rows_change():
    """A selects half of its 20 rows and B all of its 40, whatever their labels: it costs the least to select A's others too."""
    solved = equalized_odds(rows_of([[5, 5], [0, 20]], [[5, 5], [0, 20]], [0.25, 0.75]).cells(), threshold=0.5)
    assert solved.treatments == (Treatment(cuts=(0.5,), chances=(1.0, 1.0)), threshold_at(0.5))


def test_decisions_that_are_worse_than_chance_are_turned_round():
    solved = equalized_odds(rows_of([[0, 10], [10, 0]], [[10, 0], [0, 10]], [0.25, 0.75]).cells(), threshold=0.5)
    assert solved.treatments == (threshold_at(0.5), Treatment(cuts=(0.5,), chances=(1.0, 0.0)))


@pytest.mark.parametrize(
    ("positive", "negative", "why"),
    [([[1, 1], [0, 0]], [[1, 1], [1, 1]], "none of the rows to fit on has a positive label in g=1"), ([[1, 1], [1, 1]], [[0, 0], [1, 1]], "negative label in g=0"), ([[1, 1]], [[1, 1]], "have only g=0")],
)
def test_rows_that_nothing_can_be_told_from_are_refused(positive, negative, why):
    with pytest.raises(ContentError, match=why):
        equalized_odds(rows_of(positive, negative, [0.25, 0.75]).cells(), threshold=0.5)
