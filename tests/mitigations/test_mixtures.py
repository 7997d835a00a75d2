"""Decisions drawn between cuts: the best chances that meet the rules, against a program of chances cell by cell, thresholds, and Fairlearn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy.optimize import linprog  # type: ignore[import-untyped]
from sklearn.base import BaseEstimator  # type: ignore[import-untyped]

from fairaudit.errors import ConfigError, ContentError
from fairaudit.mitigations.cells import Cells
from fairaudit.mitigations.common import solve_common
from fairaudit.mitigations.constraints import Constraint, constraints_of
from fairaudit.mitigations.linear import check_linear
from fairaudit.mitigations.mixtures import solve_drawn
from fairaudit.mitigations.objective import objective_of
from fairaudit.mitigations.policy import threshold_at
from fairaudit.mitigations.solved import Solved, Unreachable
from fairaudit.mitigations.thresholds import solve
from fairaudit.rules.library import load_rules
from fairaudit.rules.rule import Comparing, Direction, Rule
from tests.mitigations.test_thresholds import ASKED, RULES, allowed, changed, counts_at, fully_defined, places_of, table, tables

PRECISE = changed("predictive-parity", id="precise", comparison=Comparing.VALUE, reference="none", limit=0.6, better="higher")
BALANCED = changed("equal-opportunity", id="balanced", metric="balanced_accuracy", reference="rest", direction=Direction.EITHER)
MAJORITY = changed("four-fifths", id="majority", reference="overall")
LINEAR: dict[str, Rule] = {name: one for name, one in ASKED.items() if name != "predictive-parity"} | {"precise": PRECISE, "balanced": BALANCED, "majority": MAJORITY}
GAINS = {"accuracy": (1.0, -1.0), "fp=1,fn=3": (3.0, -1.0)}  # of a positive that is selected, and of a negative


def constraints(cells: Cells, rules: list[Rule]) -> tuple[Constraint, ...]:
    return constraints_of(rules, cells.groups, cells.rows.sum(axis=1).tolist(), "helps")


def chances(cells: Cells, solved: Solved) -> Any:
    """Each group's chance in each cell, read from the bands."""
    score = cells.highest
    return np.array([[one.chances[sum(score[cell] > cut for cut in one.cuts)] for cell in range(score.size)] for one in solved.treatments])


RATES: dict[str, Any] = {
    "selection_rate": lambda tp, fp, p, n: (tp + fp) / (p + n), "true_positive_rate": lambda tp, fp, p, n: tp / p, "false_positive_rate": lambda tp, fp, p, n: fp / n,
    "balanced_accuracy": lambda tp, fp, p, n: (tp / p + 1 - fp / n) / 2,
}  # fmt: skip


def asked(rule: Rule, cells: Cells) -> list[Any]:
    """What a rule asks, read from its file, of true and false positives by group: functions that must be 0 or less."""
    return [one for metric in rule.metrics for one in of_metric(rule, metric, cells)]


def of_metric(rule: Rule, metric: str, cells: Cells) -> Iterator[Any]:
    p, n = cells.positive.sum(axis=1), cells.negative.sum(axis=1)
    limit, groups = rule.limit, range(len(p))

    def rate(tp: Any, fp: Any, who: list[int]) -> Any:
        return RATES[metric](tp[who].sum(), fp[who].sum(), p[who].sum(), n[who].sum())

    for g in groups:
        if metric == "positive_predictive_value":
            yield lambda tp, fp, g=g: limit * (tp[g] + fp[g]) - tp[g]
            continue
        if rule.comparison is Comparing.VALUE:
            yield lambda tp, fp, g=g: limit - rate(tp, fp, [g])
            continue
        rest = [h for h in groups if h != g]
        against = {"best": [[h] for h in rest], "largest": [[int(np.argmax(p + n))]], "rest": [rest], "overall": [list(groups)]}
        for other in [[int(rule.reference["g"])]] if isinstance(rule.reference, dict) else against[rule.reference]:
            if rule.comparison is Comparing.RATIO:
                yield lambda tp, fp, g=g, other=other: limit * rate(tp, fp, other) - rate(tp, fp, [g])
                continue
            yield lambda tp, fp, g=g, other=other: rate(tp, fp, other) - rate(tp, fp, [g]) - limit  # against the best-off each of two must be near the other
            if rule.direction is Direction.EITHER:
                yield lambda tp, fp, g=g, other=other: rate(tp, fp, [g]) - rate(tp, fp, other) - limit


def best_by_cells(cells: Cells, rules: list[Rule], objective: str, *, is_common: bool, told: Sequence[Cells] = ()) -> float | None:
    """The best objective over chances of each cell that rise with the score: another program, in which every comparison stands by itself, solved by interior points. None where there is none.

    Args:
        told: whose rows have one chance together, by the groups that they are of; none: the groups themselves.

    All that is asked is linear in the chances, so its coefficients are what it says of one cell at a time.
    """
    groups, width = cells.positive.shape
    size = width if is_common else groups * width
    unit = np.eye(size)
    of_cell = [np.tile(one, (groups, 1)) if is_common else one.reshape(groups, width) for one in unit]

    def counts(chance: Any) -> tuple[Any, Any]:
        if told:
            return sum((one.positive * own).sum(axis=1) for one, own in zip(told, chance, strict=True)), sum((one.negative * own).sum(axis=1) for one, own in zip(told, chance, strict=True))
        return (cells.positive * chance).sum(axis=1), (cells.negative * chance).sum(axis=1)

    above, most = [], []
    nobody = counts(np.zeros((groups, width)))
    for rule in rules:
        for one in asked(rule, cells):
            start = one(*nobody)
            above.append([one(*counts(chance)) - start for chance in of_cell])
            most.append(-start)
    for group in range(1 if is_common else groups):
        for cell in range(width - 1):
            above.append(unit[group * width + cell] - unit[group * width + cell + 1])
            most.append(0.0)
    p, n = cells.positive.sum(), cells.negative.sum()
    if objective == "balanced_accuracy":
        gain, fixed = (lambda tp, fp: tp.sum() / p / 2 - fp.sum() / n / 2), 0.5
    else:
        of_true, of_false = GAINS[objective]
        gain, fixed = (lambda tp, fp: (of_true * tp.sum() + of_false * fp.sum()) / (p + n)), (n / (p + n) if objective == "accuracy" else -3.0 * p / (p + n))
    found = linprog([-gain(*counts(chance)) for chance in of_cell], A_ub=np.array(above), b_ub=np.array(most), bounds=(0, 1), method="highs-ipm")
    return float(fixed - found.fun) if found.status == 0 else None


@given(cells=tables(), name=st.sampled_from(sorted(LINEAR)), objective=st.sampled_from(["accuracy", "balanced_accuracy", "fp=1,fn=3"]), is_common=st.booleans())
@example(cells=table([[0, 5], [0, 4]], [[5, 0], [16, 0]]), name="statistical-parity", objective="accuracy", is_common=False)
def test_no_chances_that_rise_with_the_score_are_better_and_meet_the_rule(cells: Cells, name: str, objective: str, is_common: bool) -> None:
    assume(fully_defined(cells))
    rule = LINEAR[name]
    best = best_by_cells(cells, [rule], objective, is_common=is_common)
    try:
        solved = solve_drawn(cells, constraints(cells, [rule]), objective_of(objective), threshold=0.5, is_common=is_common)
    except Unreachable:
        assert best is None or name in ("precise", "four-fifths", "largest", "majority")  # selecting nobody meets what is written here, and has no rate
        return
    assert best is not None
    chance = chances(cells, solved)
    counts = (cells.positive * chance).sum(axis=1), (cells.negative * chance).sum(axis=1)
    assert all(one(*counts) <= 1e-8 for one in asked(rule, cells))
    assert solved.objective <= best + 1e-8 and best <= solved.objective + solved.gap + 1e-8
    assert (np.diff(chance, axis=1) >= 0).all() and all(len(one.cuts) <= (5 if is_common else 3) for one in solved.treatments)
    if is_common:
        assert len(set(solved.treatments)) == 1


@given(cells=tables(), names=st.lists(st.sampled_from(["four-fifths", "equal-opportunity", "equalized-odds", "floor", "named", "overall"]), min_size=1, max_size=2, unique=True), is_common=st.booleans())
def test_to_draw_is_never_worse_than_not_to(cells: Cells, names: list[str], is_common: bool) -> None:
    assume(fully_defined(cells))
    held = constraints(cells, [LINEAR[name] for name in names])
    try:
        without = (solve_common if is_common else solve)(cells, held, objective_of("accuracy"), threshold=0.5)
    except Unreachable:
        return
    drawn = solve_drawn(cells, held, objective_of("accuracy"), threshold=0.5, is_common=is_common)
    assert drawn.objective >= without.objective - 1e-9


def test_parity_worked_by_hand() -> None:
    """Of A five of ten are positive, of B four of twenty, and the score tells them apart. Alike in their selection, A's must fall to a fifth, which wrongs three, or B's rise to a half, which wrongs
    six. So two of A's five are selected, by a chance of 0.4; without draws, nobody is, or everybody."""
    cells = table([[0, 5], [0, 4]], [[5, 0], [16, 0]])
    held = constraints(cells, [changed("statistical-parity", limit=0.0)])
    drawn = solve_drawn(cells, held, objective_of("accuracy"), threshold=0.5)
    assert drawn.treatments[0].cuts == (0.5,) and drawn.treatments[0].chances == (0.0, pytest.approx(0.4)) and drawn.treatments[1] == threshold_at(0.5)
    assert drawn.objective == pytest.approx(27 / 30) and drawn.before == 1.0 and drawn.gap == 0 and drawn.rates[0].tolist() == pytest.approx([0.2, 0.2])
    assert solve(cells, held, objective_of("accuracy"), threshold=0.5).objective == pytest.approx(21 / 30)


def test_of_equally_good_chances_those_change_the_fewest_decisions() -> None:
    """A cell of as many positives as negatives may be decided either way: the model's own way is kept."""
    cells = table([[0, 2, 5], [0, 2, 5]], [[5, 2, 0], [5, 2, 0]])
    held = constraints(cells, [RULES["equal-opportunity"]])
    for threshold in (0.3, 0.7):
        for is_common in (False, True):
            assert solve_drawn(cells, held, objective_of("accuracy"), threshold=threshold, is_common=is_common).treatments == (threshold_at(threshold),) * 2


def test_a_group_without_the_rows_that_a_rate_is_of_keeps_its_threshold_unless_all_have_one_treatment() -> None:
    cells = table([[0, 3], [0, 4], [0, 0]], [[3, 1], [2, 1], [2, 2]])
    held = constraints(cells, [RULES["equal-opportunity"]])
    apart = solve_drawn(cells, held, objective_of("accuracy"), threshold=0.5)
    assert apart.unfitted == (cells.groups[2],) and apart.treatments[2] == threshold_at(0.5)
    together = solve_drawn(cells, held, objective_of("accuracy"), threshold=0.5, is_common=True)
    assert together.unfitted == (cells.groups[2],) and len(set(together.treatments)) == 1


FAIRLEARN = {"demographic_parity": "statistical-parity", "equalized_odds": "equalized-odds"}


@pytest.mark.parametrize("constraint", FAIRLEARN)
@pytest.mark.parametrize("seed", range(3))
def test_without_any_room_the_objective_is_that_of_fairlearn(constraint: str, seed: int) -> None:
    """Fairlearn looks at a grid of rates. Its selection rates are multiples of 1/1,000, on which lie all corners of groups of 100, 125 and 250; equal odds have corners of their own, which a grid of 1/100,000 comes near."""
    postprocessing = pytest.importorskip("fairlearn.postprocessing")
    rng = np.random.default_rng(seed)
    sizes = (100, 125, 250)
    group = np.repeat(np.arange(3), sizes)
    score = rng.integers(1, 20, group.size) / 20
    label = (rng.random(group.size) < np.clip(score + 0.15 * (group - 1), 0, 1)).astype(int)
    scores = np.unique(score)
    rows = [[[int(((group == g) & (score == one) & (label == y)).sum()) for one in scores] for g in range(3)] for y in (1, 0)]
    cells = replace(table(*rows), lowest=scores, highest=scores)
    ours = solve_drawn(cells, constraints(cells, [changed(FAIRLEARN[constraint], limit=0.0)]), objective_of("accuracy"), threshold=0.5)

    made = postprocessing.ThresholdOptimizer(estimator=Given(), constraints=constraint, objective="accuracy_score", prefit=True, predict_method="predict", grid_size=1_000 if constraint == "demographic_parity" else 100_000)
    made.fit(score[:, None], label, sensitive_features=group)
    chance = made._pmf_predict(score[:, None], sensitive_features=group)[:, 1]
    theirs = float(np.where(label == 1, chance, 1 - chance).mean())
    assert ours.objective >= theirs - 1e-9
    assert ours.objective == pytest.approx(theirs, abs=1e-9 if constraint == "demographic_parity" else 1e-4)


class Given(BaseEstimator):  # type: ignore[misc]
    """A model whose one feature is its score."""

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, x: Any, y: Any) -> Any:
        return self

    def predict(self, x: Any) -> Any:
        return np.asarray(x)[:, 0]


@given(cells=tables(), name=st.sampled_from(sorted(ASKED)), objective=st.sampled_from(["accuracy", "balanced_accuracy", "fp=1,fn=3"]))
def test_no_other_single_threshold_is_better_and_meets_the_rule(cells: Cells, name: str, objective: str) -> None:
    assume(fully_defined(cells))
    rule = ASKED[name]
    tp, fp = cells.selected()
    of_all = objective_of(objective).of(tp, fp, positives=cells.positive.sum(axis=1), negatives=cells.negative.sum(axis=1)).sum(axis=0)
    valid = [at for at in range(tp.shape[1]) if allowed(rule, counts_at(cells, (at,) * len(cells.groups)))]
    best = max((float(of_all[at]) for at in valid), default=None)
    try:
        solved = solve_common(cells, constraints(cells, [rule]), objective_of(objective), threshold=0.5)
    except Unreachable as none:
        assert best is None and none.exit_code == 1 and "no single threshold for everybody meets" in str(none)
        return
    assert solved.objective == pytest.approx(best, abs=1e-12) and solved.gap == 0 and len(set(solved.treatments)) == 1
    assert allowed(rule, counts_at(cells, places_of(cells, solved)))


def test_where_no_chances_meet_a_rule_the_error_says_what_comes_nearest() -> None:
    cells = table([[3, 1], [1, 1]], [[1, 3], [1, 1]])
    strict = changed("equal-opportunity", id="floor", metric="accuracy", comparison=Comparing.VALUE, reference="none", limit=0.9, better="higher")
    for is_common in (False, True):
        with pytest.raises(Unreachable, match=r"no chances that rise with the score meet floor \(accuracy\) on the rows to fit on; the nearest have accuracy from 0\.5000 to 0\.5000"):
            solve_drawn(cells, constraints(cells, [strict]), objective_of("accuracy"), threshold=0.5, is_common=is_common)


def test_rows_of_one_label_are_refused() -> None:
    cells = table([[0, 0], [0, 0]], [[1, 3], [1, 1]])
    for one in (solve_drawn, solve_common):
        with pytest.raises(ContentError, match="none of the rows to fit on has a positive label"):
            one(cells, constraints(cells, [RULES["four-fifths"]]), objective_of("accuracy"), threshold=0.5)


@pytest.mark.parametrize("rule", [RULES["predictive-parity"], load_rules(("false-omission-parity",))[0], changed("equal-opportunity", id="f", metric="f1")])
def test_rates_that_are_not_linear_are_refused_with_what_can_be_held(rule: Rule) -> None:
    with pytest.raises(ConfigError, match=rf"rule '{rule.id}' judges \w+, and --drawn of mitigate thresholds can hold shares of all, of the positives or of the negatives, as selection_rate or true_positive_rate, in any comparison"):
        check_linear([rule])


def test_rates_that_are_linear_are_not_refused() -> None:
    check_linear([*LINEAR.values(), *load_rules(("accuracy-parity", "worst-group"))])


@given(cells=tables(), name=st.sampled_from(sorted(ASKED)))
def test_the_unit_of_the_weights_changes_nothing(cells: Cells, name: str) -> None:
    """Of whole weights rules are judged by counts, of others by rates: both come to the same."""
    assume(fully_defined(cells))
    scaled = replace(cells, positive=0.3 * cells.positive, negative=0.3 * cells.negative)
    held = constraints(cells, [ASKED[name]])
    ways: list[Any] = [solve, solve_common, *([solve_drawn] if name in LINEAR else [])]
    for way in ways:
        found = []
        for one in (cells, scaled):
            try:
                found.append(way(one, held, objective_of("accuracy"), threshold=0.5).objective)
            except Unreachable:
                found.append(None)
        assert found[0] == pytest.approx(found[1], abs=1e-9)
