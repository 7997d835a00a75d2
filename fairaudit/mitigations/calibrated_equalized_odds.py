"""Calibrated equalized odds: some rows of the groups with the smaller cost get their group's base rate as their score, so that every group has the same cost and scores still mean what they say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fairaudit.errors import UnknownName
from fairaudit.mitigations.cells import Cells
from fairaudit.mitigations.constraints import SLACK
from fairaudit.mitigations.fittable import BOTH, Label, need_probabilities, weights_by_label
from fairaudit.mitigations.policy import Treatment, threshold_at
from fairaudit.mitigations.solved import Solved, Unreachable
from fairaudit.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cost:
    metric: str
    every_group: tuple[Label, ...]  # labels that it is of
    of: Callable[[Floats, Floats, Floats], Floats]  # false positive rate and false negative rate of the scores, base rate; each of shape (groups,)


_COSTS = {
    "fnr": _Cost(metric="generalized_false_negative_rate", every_group=("positive",), of=lambda fpr, fnr, base: fnr),
    "fpr": _Cost(metric="generalized_false_positive_rate", every_group=("negative",), of=lambda fpr, fnr, base: fpr),
    "weighted": _Cost(metric="weighted_cost", every_group=BOTH, of=lambda fpr, fnr, base: (fpr * (1 - base) + fnr * base) / 2),
}
COSTS = tuple(_COSTS)


def labels_of(cost: str) -> tuple[Label, ...]:
    """The labels of which every group must have rows."""
    return _COSTS[cost].every_group


def calibrated_equalized_odds(cells: Cells, *, threshold: float, cost: str = "weighted") -> Solved:
    """For each group the share of rows that are scored by the group's base rate, by which all groups have the largest cost that one of them had.

    The costs are of scores and not of decisions: `fpr` is the mean score of the negatives, `fnr` one less the mean score of the positives, and `weighted` half the sum of both, each times its label's
    share. Replacing a share of rows moves a group's cost that share of the way to the cost of its base rate, so the shares follow at once, for any number of groups: all are raised to the
    costliest, whose scores stay. The objective is the mean cost over all rows, which is the smallest that equal costs allow while scores stay calibrated. Decisions are made of the scores, so where a
    base rate is above the threshold all rows that are replaced are selected, and else none.

    Args:
        threshold: the score above which all groups are selected; it must not lie within a cell.
        cost: one of COSTS.

    Raises:
        ConfigError: there is no such cost.
        ContentError: a group lacks rows of the label that the cost is of, or scores are no probabilities.
        Unreachable: some group's base rate costs less than the costliest group's scores; says how near it comes.

    Source: Pleiss, Raghavan, Wu, Kleinberg & Weinberger (2017), NeurIPS, algorithm 1; the costs are those of AIF360's CalibratedEqOddsPostprocessing.
    """
    if cost not in _COSTS:
        raise UnknownName("cost", cost, COSTS)
    chosen = _COSTS[cost]
    positives, negatives = weights_by_label(cells, every_group=chosen.every_group)
    need_probabilities(cells, "calibrated equalized odds")
    cells.place(threshold)  # refuses one that no cut decides as
    rows = positives + negatives
    base = positives / rows
    with np.errstate(divide="ignore", invalid="ignore"):  # the rate of a label that the cost is not of
        costs = chosen.of(cells.negative_score.sum(axis=1) / negatives, 1.0 - cells.positive_score.sum(axis=1) / positives, base)
    trivial = chosen.of(base, 1.0 - base, base)
    short = costs.max() - costs
    behind = short > SLACK
    if (behind & (trivial < costs.max() - SLACK)).any():
        raise Unreachable(_nearest(cells, cost, costs, trivial))
    shares = np.where(behind, np.minimum(short / np.where(behind, trivial - costs, 1.0), 1.0), 0.0)
    reached = (1 - shares) * costs + shares * trivial
    return Solved(
        treatments=tuple(_treatment(threshold, float(share), float(rate)) for share, rate in zip(shares, base, strict=True)),
        objective=float(reached @ rows / rows.sum()),
        gap=0.0,
        before=float(costs @ rows / rows.sum()),
        metrics=(chosen.metric,),
        rates=(reached,),
    )


def _treatment(threshold: float, share: float, base_rate: float) -> Treatment:
    decided = threshold_at(threshold)
    return decided if share == 0 else Treatment(cuts=decided.cuts, chances=decided.chances, replaced=share, constant=base_rate)


def _nearest(cells: Cells, cost: str, costs: Floats, trivial: Floats) -> str:
    """What the error says: the group that stays furthest behind, whatever is replaced."""
    near = np.maximum(costs, np.minimum(trivial, costs.max()))
    last, costliest = int(np.argmin(near)), int(np.argmax(costs))
    return (
        f"no share of replaced rows gives {cells.groups[last]} the {_COSTS[cost].metric} of {cells.groups[costliest]}, {costs[costliest]:.4f}; the nearest is {near[last]:.4f}, where its own scores have "
        f"{costs[last]:.4f} and its base rate for everybody {trivial[last]:.4f}: choose the cost {' or '.join(one for one in COSTS if one != cost)}, or a model that errs less in {cells.groups[costliest]}."
    )
