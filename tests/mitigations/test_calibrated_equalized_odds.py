"""Calibrated equalized odds: AIF360's own shares and base rates, run live; more groups all come to the costliest one's cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fairaudit.errors import ConfigError, ContentError
from fairaudit.metrics.engines.quiet import quietly
from fairaudit.mitigations.calibrated_equalized_odds import COSTS, calibrated_equalized_odds
from fairaudit.mitigations.cells import Cells
from fairaudit.mitigations.policy import threshold_at
from fairaudit.mitigations.solved import Solved, Unreachable
from tests.mitigations.builders import Rows, rows_of, tables
from tests.mitigations.expected import expected

WEIGHTS = st.floats(0.1, 9)


def theirs(rows: Rows, cost: str) -> Any:
    with quietly():
        from aif360.algorithms.postprocessing import CalibratedEqOddsPostprocessing  # type: ignore[import-untyped]

        return CalibratedEqOddsPostprocessing(**rows.roles, cost_constraint=cost).fit(*rows.datasets(0.5))


def costs_of(rows: Rows, cost: str, mixed: tuple[float, float], base: tuple[float, float]) -> list[float]:
    """AIF360's costs of both groups once so large a share of each row is the base rate."""
    with quietly():
        from aif360.algorithms.postprocessing.calibrated_eq_odds_postprocessing import weighted_cost  # type: ignore[import-untyped]
        from aif360.metrics import ClassificationMetric  # type: ignore[import-untyped]

        true, said = rows.datasets(0.5)
        share, rate = np.array(mixed)[rows.group].reshape(-1, 1), np.array(base)[rows.group].reshape(-1, 1)
        said.scores = (1 - share) * said.scores + share * rate  # the costs are linear in the scores, so this is their mean over what is drawn
        metric = ClassificationMetric(true, said, **rows.roles)
        by = {"fnr": metric.generalized_false_negative_rate, "fpr": metric.generalized_false_positive_rate, "weighted": lambda privileged: weighted_cost(1, 1, metric, privileged)}
        return [by[cost](privileged=privileged) for privileged in (False, True)]


def shares(solved: Solved) -> list[float]:
    return [one.replaced for one in solved.treatments]


@given(rows=tables(weights=WEIGHTS), cost=st.sampled_from(COSTS))
def test_aif360_has_the_same_shares_base_rates_and_costs_or_shares_that_cannot_be(rows, cost):
    with np.errstate(all="ignore"):
        found = theirs(rows, cost)
        mixed, base = (float(found.unpriv_mix_rate), float(found.priv_mix_rate)), (float(found.base_rate_unpriv), float(found.base_rate_priv))
    before = costs_of(rows, cost, (0, 0), base)
    try:
        solved = calibrated_equalized_odds(rows.cells(), threshold=0.5, cost=cost)
    except Unreachable:
        assert not all(0 <= share <= 1 + 1e-12 for share in mixed)
        return
    if abs(before[0] - before[1]) < 1e-9:  # AIF360 divides rounding by rounding
        assert max(shares(solved)) < 1e-6 or shares(solved) == pytest.approx(mixed, abs=1e-9)
        return
    assert shares(solved) == pytest.approx(mixed, abs=1e-9)
    assert all(one.constant == pytest.approx(rate, abs=1e-12) for one, rate in zip(solved.treatments, base, strict=True) if one.replaced)
    reached = costs_of(rows, cost, (shares(solved)[0], shares(solved)[1]), base)
    assert solved.rates[0] == pytest.approx(reached, abs=1e-9) and reached[0] == pytest.approx(reached[1], abs=1e-9)


def cost_by_group(cells: Cells, cost: str) -> list[float]:
    """By the definition: the mean score of the negatives, and of what positives lack."""
    out = []
    for p, n, ps, ns in zip(*(one.sum(axis=1) for one in (cells.positive, cells.negative, cells.positive_score, cells.negative_score)), strict=True):
        out.append({"fnr": (p - ps) / p, "fpr": ns / n, "weighted": (ns + p - ps) / (p + n) / 2}[cost])
    return out


@given(rows=tables(most=6, weights=WEIGHTS), cost=st.sampled_from(COSTS))
def test_every_group_comes_to_the_cost_of_the_costliest_whose_scores_stay(rows, cost):
    cells = rows.cells()
    before = cost_by_group(cells, cost)
    try:
        solved = calibrated_equalized_odds(cells, threshold=0.5, cost=cost)
    except Unreachable:
        base = cells.positive.sum(axis=1) / (cells.positive + cells.negative).sum(axis=1)
        trivial = {"fnr": 1 - base, "fpr": base, "weighted": base * (1 - base)}[cost]
        assert any(one < max(before) and whole < max(before) for one, whole in zip(before, trivial, strict=True))
        return
    assert solved.rates[0] == pytest.approx(max(before), abs=1e-9)
    assert solved.treatments[int(np.argmax(before))] == threshold_at(0.5)
    assert solved.objective == pytest.approx(max(before), abs=1e-9) and solved.objective >= solved.before - 1e-12


@given(rows=tables(most=4), cost=st.sampled_from(COSTS))
def test_scores_that_mean_what_they_say_still_do(rows, cost):
    """With each distinct score's share of positives as the score, replaced rows have the mean of their group, so in every group the mean score still is the base rate."""
    cells = rows.cells()
    for group in range(len(cells.groups)):
        whole = cells.positive[group] + cells.negative[group]
        calibrated = np.divide(cells.positive[group], whole, out=np.zeros_like(whole), where=whole > 0)
        cells.positive_score[group], cells.negative_score[group] = cells.positive[group] * calibrated, cells.negative[group] * calibrated
    try:
        solved = calibrated_equalized_odds(cells, threshold=0.5, cost=cost)
    except Unreachable:
        assume(False)
        raise
    for group, one in enumerate(solved.treatments):
        rows_of_group = (cells.positive[group] + cells.negative[group]).sum()
        mean = (cells.positive_score[group] + cells.negative_score[group]).sum() / rows_of_group
        assert (1 - one.replaced) * mean + one.replaced * (one.constant or 0) == pytest.approx(cells.positive[group].sum() / rows_of_group)


def test_two_groups_worked_by_hand():
    """Both groups have base rate 0.5. A's negatives have the score 0.2 and B's 0.4. Were all of A's scores the base rate, its false positive rate would be 0.5, and two thirds of the way there is
    0.2 + 2/3 · 0.3 = 0.4."""
    cells = rows_of([[0, 0, 0, 2], [0, 0, 2, 0]], [[2, 0, 0, 0], [0, 2, 0, 0]], [0.2, 0.4, 0.6, 0.8]).cells()
    solved = calibrated_equalized_odds(cells, threshold=0.45, cost="fpr")
    first, second = solved.treatments
    assert (first.cuts, first.chances, first.replaced, first.constant) == ((0.45,), (0.0, 1.0), pytest.approx(2 / 3), 0.5) and second == threshold_at(0.45)
    assert solved.rates[0].tolist() == [pytest.approx(0.4)] * 2 and solved.metrics == ("generalized_false_positive_rate",)
    assert solved.before == pytest.approx(0.3) and solved.objective == pytest.approx(0.4)
    # A base rate above the threshold selects what it replaces: 2/3 of A's two negatives, and all of its positives.
    tp, fp = expected(cells, solved.treatments)
    assert tp.tolist() == [pytest.approx(2), 2] and fp.tolist() == [pytest.approx(4 / 3), 0]


@given(rows=tables(least=1, most=1, weights=WEIGHTS), cost=st.sampled_from(COSTS), groups=st.integers(2, 5), times=st.lists(st.integers(1, 5), min_size=5, max_size=5))
def test_groups_whose_cost_is_equal_are_left_alone(rows, cost, groups, times):
    one = rows.cells()
    fair = rows_of([(one.positive[0] * times[place]).tolist() for place in range(groups)], [(one.negative[0] * times[place]).tolist() for place in range(groups)], one.lowest.tolist())
    solved = calibrated_equalized_odds(fair.cells(), threshold=0.5, cost=cost)
    assert solved.treatments == (threshold_at(0.5),) * groups and solved.objective == pytest.approx(solved.before)


def test_where_the_base_rate_does_not_cost_enough_the_error_says_how_near_it_comes():
    """B's negatives have 0.8 in the mean; A's base rate for everybody would be 0.5, and its own scores 0.2. AIF360 would replace twice of all rows."""
    rows = rows_of([[0, 2], [0, 2]], [[2, 0], [0, 2]], [0.2, 0.8])
    assert theirs(rows, "fpr").unpriv_mix_rate == pytest.approx(2)
    with pytest.raises(Unreachable, match=r"gives g=0 the generalized_false_positive_rate of g=1, 0\.8000; the nearest is 0\.5000, where its own scores have 0\.2000.*choose the cost fnr or weighted") as raised:
        calibrated_equalized_odds(rows.cells(), threshold=0.5, cost="fpr")
    assert raised.value.exit_code == 1


@pytest.mark.parametrize(
    ("cost", "positive", "negative", "scores", "why"),
    [
        ("weighted", [[1, 1], [0, 0]], [[1, 1], [1, 1]], [0.25, 0.75], "none of the rows to fit on has a positive label in g=1"),
        ("fnr", [[1, 1], [0, 0]], [[1, 1], [1, 1]], [0.25, 0.75], "positive label in g=1"),
        ("fpr", [[1, 1], [1, 1]], [[0, 0], [1, 1]], [0.25, 0.75], "negative label in g=0"),
        ("fpr", [[1, 1], [1, 1]], [[1, 1], [1, 1]], [-2, 3], "lie between -2 and 3"),
    ],
)
def test_rows_that_have_no_cost_are_refused(cost, positive, negative, scores, why):
    with pytest.raises(ContentError, match=why):
        calibrated_equalized_odds(rows_of(positive, negative, scores).cells(), threshold=0.5, cost=cost)


def test_a_group_without_the_label_that_the_cost_is_not_of_is_fitted():
    """B has positives only, all at 0.6: its false negative rate is 0.4, and A's 0.2 with base rate 0.5."""
    solved = calibrated_equalized_odds(rows_of([[0, 0, 2], [0, 2, 0]], [[2, 0, 0], [0, 0, 0]], [0.2, 0.6, 0.8]).cells(), threshold=0.5, cost="fnr")
    assert shares(solved) == [pytest.approx(2 / 3), 0]


def test_a_cost_that_is_none_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="there is no cost 'fprr'; did you mean 'fpr'"):
        calibrated_equalized_odds(rows_of([[1, 1]] * 2, [[1, 1]] * 2, [0.25, 0.75]).cells(), threshold=0.5, cost="fprr")
