"""What cuts of the scores are chosen from: every cut's decisions in every group, what they are worth, and what the rules ask of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fairaudit.errors import ContentError
from fairaudit.mitigations.cells import Cells
from fairaudit.mitigations.constraints import Constraint, loosened, rates_of
from fairaudit.mitigations.fittable import need_groups
from fairaudit.mitigations.objective import Objective
from fairaudit.mitigations.policy import Treatment
from fairaudit.mitigations.solved import Solved
from fairaudit.types import Bools, Floats, Ints

_HALVINGS = 30  # of the way from the limits to none, to tell what comes nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Cells, rules and objective as arrays over all cuts."""

    cuts: Floats  # rising; the one that was there is as it was given
    start: int  # its place
    tp: Floats  # (groups, cuts), as all others
    fp: Floats
    gains: Floats
    rates: Floats  # (constraints, groups, cuts)
    positives: Floats  # (groups,)
    negatives: Floats
    fitted: Bools  # (groups,): whether every rule's rate is defined for some cut
    constraints: tuple[Constraint, ...]  # whose reference is a place among the groups that are fitted
    objective: Objective

    @property
    def taken(self) -> Ints:
        """Places of the groups that are fitted."""
        return np.flatnonzero(self.fitted)

    @property
    def changed(self) -> Floats:
        """Weight of a group's rows that a cut decides otherwise than the one that was there, of the shape (groups, cuts)."""
        out: Floats = np.abs(self.tp - self.tp[:, [self.start]]) + np.abs(self.fp - self.fp[:, [self.start]])
        return out

    def solved(self, cells: Cells, treatments: Sequence[Treatment], tp: Floats, fp: Floats, *, gap: float) -> Solved:
        """What treatments come to that give these counts, each of shape (groups,)."""
        weights = {"positives": self.positives, "negatives": self.negatives}
        return Solved(
            treatments=tuple(treatments), objective=float(self.objective.of(tp, fp, **weights).sum()), gap=gap, before=float(self.gains[:, self.start].sum()),
            metrics=tuple(one.metric for one in self.constraints), rates=tuple(rates_of(one.metric, tp, fp, **weights) for one in self.constraints),
            unfitted=tuple(group for group, is_fitted in zip(cells.groups, self.fitted, strict=True) if not is_fitted),
        )  # fmt: skip


def problem_of(cells: Cells, constraints: Sequence[Constraint], objective: Objective, *, threshold: float) -> Problem:
    """
    Args:
        threshold: the score above which all groups were selected so far.

    Raises:
        ContentError: there are no rows of one label, no two groups to be compared, or no group has those that the rules' rates are of.
    """
    need_rows(cells, constraints)
    positives, negatives = cells.positive.sum(axis=1), cells.negative.sum(axis=1)
    start = cells.place(threshold)
    cuts = cells.cuts.copy()
    cuts[start] = threshold
    tp, fp = cells.selected()
    rates = np.stack([rates_of(one.metric, tp, fp, positives=positives, negatives=negatives) for one in constraints])
    fitted: Bools = np.isfinite(rates).any(axis=2).all(axis=0)
    if not fitted.any():
        raise ContentError("no group has the rows that the rules' rates are of; give more rows to fit on, or name another rule.")
    if any(one.has_pivot for one in constraints) and fitted.sum() < 2:
        alone = cells.groups[int(np.flatnonzero(fitted)[0])]
        raise ContentError(f"groups are compared, and {alone} alone has the rows to fit on that the rules' rates are of; give more rows, make small groups one, or name another rule.")
    return Problem(
        cuts=cuts, start=start, tp=tp, fp=fp, gains=objective.of(tp, fp, positives=positives, negatives=negatives), rates=rates, positives=positives, negatives=negatives,
        fitted=fitted, constraints=tuple(replace(one, reference=_among(one.reference, fitted, cells)) for one in constraints), objective=objective,
    )  # fmt: skip


def need_rows(cells: Cells, constraints: Sequence[Constraint]) -> None:
    """Returns if there are rows of both labels, and groups to be compared where the constraints compare some.

    Raises:
        ContentError: there are not.
    """
    if not cells.groups or any(one.has_pivot for one in constraints):
        need_groups(cells)
    for weight, name in ((cells.positive, "positive"), (cells.negative, "negative")):
        if weight.sum() == 0:
            raise ContentError(f"none of the rows to fit on has a {name} label, so no threshold can be told from another; give rows of both.")


def told_apart(tp: Floats, fp: Floats, start: int) -> Ints:
    """Places of cuts that decide differently: of those that decide alike the one that was there, else the middle one.

    Args:
        tp, fp: shape (cuts,), or (groups, cuts), of which one that differs is enough.
    """
    differs = ((np.diff(tp) != 0) | (np.diff(fp) != 0)).reshape(-1, tp.shape[-1] - 1).any(axis=0)
    firsts = np.flatnonzero(np.concatenate(([True], differs)))
    lasts = np.concatenate((firsts[1:] - 1, [tp.shape[-1] - 1]))
    return np.where((firsts <= start) & (start <= lasts), start, (firsts + lasts) // 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search comes upon: the rates that it has, of each constraint, and their gain."""

    rates: Sequence[Floats]
    gain: float


def nearest(problem: Problem, said: str, search: Callable[[Sequence[Constraint]], Found | None]) -> str:
    """What the error says where nothing meets the rules: how far their limits would have to be moved.

    Args:
        said: that nothing does, as "no thresholds meet".
    """
    asked = ", ".join(f"{one.rule} ({one.metric})" for one in problem.constraints)
    low, high, best = 0.0, 1.0, None
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        found = search([loosened(one, middle) for one in problem.constraints])
        low, high, best = (low, middle, found) if found else (middle, high, best)
    said = f"{said} {asked} on the rows to fit on"
    if best is None:
        return f"{said}, however loose their limits are; name other rules."
    near = "; ".join(f"{one.metric} from {values.min():.4f} to {values.max():.4f}" for one, values in zip(problem.constraints, best.rates, strict=True))
    return f"{said}; the nearest have {near}, with {problem.objective.name} {best.gain:.4f}: loosen a limit, or leave a rule out."


def _among(reference: int | None, fitted: Bools, cells: Cells) -> int | None:
    """The reference's place among the groups that are fitted."""
    if reference is None:
        return None
    if not fitted[reference]:
        raise ContentError(f"the rule compares with {cells.groups[reference]}, whose rate is undefined in the rows to fit on; name another reference, or give more rows.")
    return int(fitted[:reference].sum())
