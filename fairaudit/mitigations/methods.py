"""The methods that change a model's decisions by group, each as what it solves and how it is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from fairaudit.config import AuditConfig
from fairaudit.errors import ConfigError
from fairaudit.mitigations.calibrated_equalized_odds import calibrated_equalized_odds, labels_of
from fairaudit.mitigations.cells import Cells
from fairaudit.mitigations.common import solve_common
from fairaudit.mitigations.constraints import Constraint, check_able, constraints_of, rates_of
from fairaudit.mitigations.equalized_odds import equalized_odds
from fairaudit.mitigations.fittable import weights_by_label
from fairaudit.mitigations.linear import check_linear
from fairaudit.mitigations.mixtures import solve_drawn, solve_inferred
from fairaudit.mitigations.names import AS_IS, MethodName
from fairaudit.mitigations.objective import ACCURACY, Objective, objective_of
from fairaudit.mitigations.policy import threshold_at
from fairaudit.mitigations.problem import need_rows
from fairaudit.mitigations.reject_option import Grid, labels_of_parity, points, reject_option
from fairaudit.mitigations.search import MOST_BOXES
from fairaudit.mitigations.solved import Solved
from fairaudit.mitigations.thresholds import meets, solve
from fairaudit.rules.library import load_rules
from fairaudit.rules.rule import Rule

UNCHANGED: Final = "Every row is decided as the model itself decides."
_NOISE = 4.0  # standard errors, beyond which the best of thousands is better than what was there by more than chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One way to change decisions by group."""

    name: MethodName
    objective: str  # as the card and the report call it
    what: str
    why: str
    source: str
    settings: dict[str, Any]
    solve: Callable[[Cells, float], Solved]  # from the cells, and the score above which all groups are selected so far
    check: Callable[[Cells], object] = lambda cells: None  # raises what groups and labels alone tell that it cannot be fitted to
    rules: tuple[str, ...] = ()  # that judge where the user names none
    edges: tuple[float, ...] = ()  # scores that must be told apart exactly
    judged: tuple[str, ...] = ()  # rates that the report draws
    needs_attribute: bool = True  # to decide; where it neither does nor infers it, what is solved is the same treatment for every group
    infers_group: bool = False  # the cells must then have `told`, and what is solved is of those who are taken for each group

    @property
    def by_group(self) -> bool:
        """Whether groups, as they are or as they are inferred, may be decided differently."""
        return self.needs_attribute or self.infers_group


def by_thresholds(
    config: AuditConfig, objective: str, rules: Sequence[Rule] | None = None, *, drawn: bool = False, without_attribute: bool = False, infer_group: bool = False,
    settings: Mapping[str, Any] | None = None, most: int = MOST_BOXES
) -> Method:  # fmt: skip
    """A threshold for each group, or one for everybody, the best that the rules allow.

    Args:
        rules: to be met; those that the configuration names where they are not given.
        drawn: some decisions are drawn between thresholds, which meets rules at less cost.
        without_attribute: everybody has the same treatment, so that the model asks for no group.
        infer_group: instead everybody has the treatment of the group that the model takes them for.
        settings: what is told of the rules besides the objective.
        most: how long is searched for a threshold for each group before the best so far is given with its gap.

    Raises:
        ConfigError: there is no such objective, a group is to be inferred where it is asked for or nothing is drawn, or a rule rests on what no threshold changes, or what no linear program can hold.
    """
    if infer_group and not (drawn and without_attribute):
        raise ConfigError("--infer-group is for a model that asks for no group, and holds rules by what is drawn; add --without-attribute and --drawn, or leave it out.")
    aim = objective_of(objective)
    rules = load_rules(config.rules) if rules is None else rules
    check_able(rules)
    if drawn:
        check_linear(rules)

    def asked(cells: Cells) -> tuple[Constraint, ...]:
        return constraints_of(rules, cells.groups, cells.rows.sum(axis=1).tolist(), config.effect)

    def solved(cells: Cells, threshold: float) -> Solved:
        constraints = asked(cells)
        if infer_group:
            best = solve_inferred(cells, cells.told, constraints, aim, threshold=threshold)
        elif drawn:
            best = solve_drawn(cells, constraints, aim, threshold=threshold, is_common=without_attribute)
        else:
            best = solve_common(cells, constraints, aim, threshold=threshold) if without_attribute else solve(cells, constraints, aim, threshold=threshold, most=most)
        return _unless_noise(cells, constraints, aim, threshold, best)

    what, why, source = _INFERRED if infer_group else _OF_THRESHOLDS[drawn, without_attribute]
    return Method(
        name="thresholds", objective=aim.name, solve=solved, check=lambda cells: need_rows(cells, asked(cells)), needs_attribute=not without_attribute, infers_group=infer_group, judged=tuple(dict.fromkeys(name for rule in rules for name in rule.metrics)),
        settings={"objective": objective} | dict(settings or {}) | ({"drawn": True} if drawn else {}) | ({"without_attribute": True} if without_attribute else {}) | ({"infer_group": True} if infer_group else {}), what=what, why=f"{why} {_FOR_OTHERS}", source=source,
    )  # fmt: skip


_INFERRED = (
    "The model infers everybody's group from the other features, and whoever is taken for a group has that group's chance of selection, which rises with the score, in a step at each threshold: where it is neither 0 nor 1, which rows are selected is drawn.",
    "Of all chances that rise with the score and differ by the inferred group alone, these have the best objective of those with which the rules hold in the mean, for the groups as they are, on the rows that were fitted on.",
    "Hardt, Price & Srebro (2016), NeurIPS, section 4, for thresholds by group that are drawn, here by an inferred one; the chances are the solution of a linear program on the score cells of the groups crossed with what they are taken for.",
)
_FOR_OTHERS = "Whether the rules hold for other people is judged on the rows that were held out."
_BY_GROUP = "Hardt, Price & Srebro (2016), NeurIPS, section 4, for thresholds by group"
_OF_THRESHOLDS = {
    (False, False): (
        "Every group has a threshold of its own: a row is selected if its score is above its group's.",
        "Of all thresholds that meet the rules on the rows that were fitted on, these have the best objective that the search found, and how much better one could be at most is said below.",
        f"{_BY_GROUP}; the search is a branch and bound over the rates that tie the groups together.",
    ),
    (True, False): (
        "Every group has a chance of selection that rises with the score, in a step at each of its thresholds: where it is neither 0 nor 1, which rows are selected is drawn.",
        "Of all chances that rise with the score and meet the rules in the mean on the rows that were fitted on, these have the best objective.",
        f"{_BY_GROUP} that are drawn; the chances are the solution of a linear program on the score cells.",
    ),
    (False, True): (
        "Everybody has the same threshold, whatever the group, so the model asks for no group.",
        "Of all thresholds with which the rules hold on the rows that were fitted on, this has the best objective: every one was tried. Groups were needed to fit it, and are not to use it.",
        "Corbett-Davies, Pierson, Feller, Goel & Huq (2017), KDD, for what a single threshold costs against one for each group; every cut between two score cells is tried.",
    ),
    (True, True): (
        "Everybody has the same chance of selection at the same score, whatever the group, and it rises with the score, in a step at each threshold: where it is neither 0 nor 1, which rows are selected is drawn. The model asks for no group.",
        "Of all chances that rise with the score and with which the rules hold in the mean on the rows that were fitted on, these have the best objective. Groups were needed to fit them, and are not to use them.",
        "Corbett-Davies, Pierson, Feller, Goel & Huq (2017), KDD, for what a single rule costs against one for each group; the chances are the solution of a linear program on the score cells.",
    ),
}  # what, why and source, by whether decisions are drawn and whether no group is asked for


def by_equalized_odds() -> Method:
    """Hardt, Price and Srebro's."""
    return Method(
        name="equalized-odds", objective="sum of the groups' true less false positive rates", solve=lambda cells, threshold: equalized_odds(cells, threshold=threshold), check=weights_by_label, settings={}, rules=("equalized-odds",),
        judged=("true_positive_rate", "false_positive_rate"),
        what="What the model selects stays selected with a chance of its own in each group, and what it rejects becomes selected with another.",
        why="With these chances every group has the same true and the same false positive rate on the rows that were fitted on, and the best that equal rates allow.",
        source="Hardt, Price & Srebro (2016), NeurIPS, section 3, as AIF360's EqOddsPostprocessing.",
    )  # fmt: skip


def by_calibrated_equalized_odds(cost: str) -> Method:
    """Pleiss and others'."""
    sides = {"fnr": ("true_positive_rate",), "fpr": ("false_positive_rate",)}.get(cost, ("true_positive_rate", "false_positive_rate"))
    judged = (*(f"generalized_{one}" for one in sides), *sides)  # what is made equal, of scores, and what becomes of decisions
    rule = {"fnr": "equal-opportunity", "fpr": "predictive-equality"}.get(cost, "equalized-odds")
    return Method(
        name="calibrated-equalized-odds", objective="mean cost of the scores", solve=lambda cells, threshold: calibrated_equalized_odds(cells, threshold=threshold, cost=cost), settings={"cost": cost},
        check=lambda cells: weights_by_label(cells, every_group=labels_of(cost)), rules=(rule,), judged=judged,
        what="In each group but the costliest a share of the rows is scored by the group's base rate instead of the model's score.",
        why="With these shares every group's scores cost the same on the rows that were fitted on, and mean as much as they did. Nobody's scores are made better for it, so it is levelling down. The costs are of scores, so what becomes of decisions is another matter: it is judged on the rows that were held out.",
        source="Pleiss, Raghavan, Wu, Kleinberg & Weinberger (2017), NeurIPS, algorithm 1, as AIF360's CalibratedEqOddsPostprocessing.",
    )  # fmt: skip


_RULE_OF = {"statistical_parity_difference": "statistical-parity", "average_odds_difference": "equalized-odds", "equal_opportunity_difference": "equal-opportunity"}
_RATES_OF = {"statistical_parity_difference": ("selection_rate",), "average_odds_difference": ("true_positive_rate", "false_positive_rate"), "equal_opportunity_difference": ("true_positive_rate",)}


def by_reject_option(config: AuditConfig, metric: str, bound: float) -> Method:
    """Kamiran, Karim and Zhang's; the group that is decided against is the one that --reference names, or else the best-off.

    Raises:
        ConfigError: the bound is none.
    """
    if not 0 <= bound <= 1:
        raise ConfigError(f"--bound {bound:g} is no difference of rates; give one between 0 and 1, as 0.05.")

    grid = Grid()

    def solved(cells: Cells, threshold: float) -> Solved:
        reference = next((place for place, group in enumerate(cells.groups) if dict(group.values) == {name: config.reference.get(name) for name in group.attributes}), None)
        return reject_option(cells, metric, threshold=threshold, reference=reference, bounds=(0.0 - bound, bound), grid=grid, helps=config.effect == "helps")

    return Method(
        name="reject-option", objective="balanced accuracy", settings={"metric": metric, "bound": bound}, rules=(_RULE_OF[metric],), edges=points(grid), judged=_RATES_OF[metric],
        solve=solved, check=lambda cells: weights_by_label(cells, every_group=labels_of_parity(metric)),
        what="Near the threshold, where the model is least sure, rows of the best-off group are decided against and those of every other group in favour.",
        why=f"Of {grid.thresholds * grid.margins:,} thresholds and margins these have the best balanced accuracy of those that keep every group's difference to the best-off one within the bound on the rows that were fitted on.",
        source="Kamiran, Karim & Zhang (2012), ICDM, section III, with the grid of AIF360's RejectOptionClassification.",
    )  # fmt: skip


_USUAL: dict[MethodName, Callable[[AuditConfig], Method]] = {
    "thresholds": lambda config: by_thresholds(config, ACCURACY),
    "equalized-odds": lambda config: by_equalized_odds(),
    "calibrated-equalized-odds": lambda config: by_calibrated_equalized_odds("weighted"),
    "reject-option": lambda config: by_reject_option(config, "statistical_parity_difference", 0.05),
}


def usual(name: MethodName, config: AuditConfig) -> Method:
    """A method as it is where nothing but its name is said.

    Raises:
        ConfigError: the configuration asks for what it cannot serve.
    """
    return _USUAL[name](config)


def as_it_is(objective: str) -> Method:
    """The model's own threshold for everybody: what all others are held against."""
    aim = objective_of(objective)

    def solved(cells: Cells, threshold: float) -> Solved:
        tp, fp = (of_all[:, cells.place(threshold)] for of_all in cells.selected())
        value = float(aim.of(tp, fp, positives=cells.positive.sum(axis=1), negatives=cells.negative.sum(axis=1)).sum())
        return Solved(treatments=tuple(threshold_at(threshold) for _ in cells.groups), objective=value, gap=0.0, before=value, metrics=(), rates=())

    return Method(
        name=AS_IS, objective=aim.name, solve=solved, settings={}, needs_attribute=False, what=UNCHANGED,
        why="Nothing that was tried serves what was asked better than to leave the model as it is.", source="",
    )  # fmt: skip


def _unless_noise(cells: Cells, constraints: Sequence[Constraint], aim: Objective, threshold: float, solved: Solved) -> Solved:
    """What was solved; the model's own threshold for all where it meets the rules too and the best is better by no more than noise."""
    tp, fp = cells.selected()
    positives, negatives = cells.positive.sum(axis=1), cells.negative.sum(axis=1)
    start = cells.place(threshold)
    if not all(meets(constraint, tp[:, start], fp[:, start], positives=positives, negatives=negatives) for constraint in constraints):
        return solved
    # Each row that is decided otherwise adds its gain or takes it away, as a coin would fall if the two were equally good.
    nothing, one_row = np.zeros(positives.size), np.ones(positives.size)
    none = aim.of(nothing, nothing, positives=positives, negatives=negatives)
    of_true, of_false = (aim.of(*selected, positives=positives, negatives=negatives) - none for selected in ((one_row, nothing), (nothing, one_row)))
    own = threshold_at(threshold).chance(cells.highest)
    otherwise = np.abs(np.stack([one.chance(cells.highest) for one in solved.treatments]) - own)
    if cells.told:
        turned = tuple(np.sum([(getattr(one, label) * chance).sum(axis=1) for one, chance in zip(cells.told, otherwise, strict=True)], axis=0) for label in ("positive", "negative"))
    else:
        turned = (cells.positive * otherwise).sum(axis=1), (cells.negative * otherwise).sum(axis=1)
    error = float(np.sqrt((of_true**2 * turned[0] + of_false**2 * turned[1]).sum()))
    if solved.objective - solved.before > _NOISE * error:
        return solved
    rates = tuple(rates_of(one.metric, tp[:, start], fp[:, start], positives=positives, negatives=negatives) for one in constraints)
    return replace(solved, treatments=tuple(threshold_at(threshold) for _ in solved.treatments), objective=solved.before, rates=rates, gap=solved.objective + solved.gap - solved.before)
