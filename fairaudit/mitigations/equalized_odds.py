"""Equalized odds: decisions of one threshold, some of them drawn anew, so that every group has the same true and the same false positive rate."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog  # type: ignore[import-untyped]

from fairaudit.errors import ContentError
from fairaudit.mitigations.cells import Cells
from fairaudit.mitigations.fittable import weights_by_label
from fairaudit.mitigations.policy import Treatment, threshold_at
from fairaudit.mitigations.solved import Solved, Unreachable
from fairaudit.types import Floats

_TOLERANCE = 1e-10  # the tightest that HiGHS takes
_NOTHING = 1e-9  # an objective this small is 0, but for rounding


def equalized_odds(cells: Cells, *, threshold: float) -> Solved:
    """For each group the chance that what is selected stays so, and the chance that what is not becomes so, by which all groups have equal rates.

    The objective is the sum over the groups of the true less the false positive rate, each group counting the same whatever its size: the most that equal rates allow. Any number of groups is
    one linear program, in which every group's two rates equal the first one's. A group that the threshold decides worse than by chance has its decisions turned round. Where no group's decisions say
    anything of its labels, so that the objective can only be 0, the solution that changes the fewest rows is taken; otherwise there is one solution only.

    Args:
        threshold: the score above which all groups are selected so far; it must not lie within a cell.

    Raises:
        ContentError: a group lacks rows of a label.
        Unreachable: a group is decided no better than by chance, so that equal rates leave nothing of the others' decisions either, unless theirs say nothing too.

    Source: Hardt, Price & Srebro (2016), NeurIPS, section 3; the objective is that of AIF360's EqOddsPostprocessing with its sign turned.
    """
    positives, negatives = weights_by_label(cells)
    place = cells.place(threshold)
    tp, fp = (of_all[:, place] for of_all in cells.selected())
    tpr, fpr = tp / positives, fp / negatives
    rates = np.stack([np.stack([tpr, 1 - tpr], axis=1), np.stack([fpr, 1 - fpr], axis=1)])  # (rates, groups, chances): of what was selected, and of what was not
    worth = rates[0] - rates[1]
    chances = _solved(worth, rates)
    if (worth * chances).sum() <= _NOTHING:
        if (np.abs(worth) > _NOTHING).any():
            raise Unreachable(_nearest(cells, threshold, tpr, fpr))
        selected = (tp + fp) / (positives + negatives).sum()
        rejected = (positives + negatives) / (positives + negatives).sum() - selected
        chances = _solved(np.stack([selected, -rejected], axis=1), rates)
    chances = np.where(rates.any(axis=0), chances, [1.0, 0.0])  # what no row is drawn by stays as it would be decided
    return Solved(
        treatments=tuple(_treatment(threshold, keep=float(keep), turn=float(turn)) for keep, turn in chances),
        objective=float((worth * chances).sum()),
        gap=0.0,
        before=float((tpr - fpr).sum()),
        metrics=("true_positive_rate", "false_positive_rate"),
        rates=tuple((of_chance * chances).sum(axis=1) for of_chance in rates),
    )


def _solved(worth: Floats, rates: Floats) -> Floats:
    """The chances of the largest worth that give every group the rates of the first; all but `rates` of shape (groups, 2)."""
    groups = worth.shape[0]
    equal = np.zeros((2 * (groups - 1), groups, 2))
    for other in range(1, groups):
        for rate in range(2):
            row = equal[2 * (other - 1) + rate]
            row[0], row[other] = rates[rate, 0], -rates[rate, other]
    found = linprog(
        -worth.ravel(), A_eq=equal.reshape(-1, 2 * groups), b_eq=np.zeros(equal.shape[0]), bounds=(0, 1), method="highs",
        options={"primal_feasibility_tolerance": _TOLERANCE, "dual_feasibility_tolerance": _TOLERANCE},
    )  # fmt: skip
    if found.status != 0:
        raise ContentError(f"the linear program of equalized odds was not solved, although it has a solution: {found.message} Name fewer groups, or report this.")
    chances: Floats = found.x.reshape(groups, 2)
    return np.where(chances < _TOLERANCE, 0.0, np.where(chances > 1 - _TOLERANCE, 1.0, chances))


def _nearest(cells: Cells, threshold: float, tpr: Floats, fpr: Floats) -> str:
    """What the error says: which group's decisions tell the labels apart least."""
    least = int(np.argmin(np.abs(tpr - fpr)))
    return (
        f"equal true and false positive rates leave nothing of the decisions at {threshold:g}: above it are {tpr[least]:.4f} of the positives and {fpr[least]:.4f} of the negatives of {cells.groups[least]}, and "
        f"the nearest that every group can be given is to be selected by chance alone: choose another threshold, or make small groups one."
    )


def _treatment(threshold: float, *, keep: float, turn: float) -> Treatment:
    return threshold_at(threshold) if (turn, keep) == (0.0, 1.0) else Treatment(cuts=(threshold,), chances=(turn, keep))
