"""One threshold for everybody: the best with which the rules hold, found by trying every one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fairaudit.mitigations.cells import Cells
from fairaudit.mitigations.constraints import Constraint, holds_at
from fairaudit.mitigations.objective import Objective
from fairaudit.mitigations.policy import threshold_at
from fairaudit.mitigations.problem import Found, nearest, problem_of, told_apart
from fairaudit.mitigations.solved import Solved, Unreachable
from fairaudit.mitigations.thresholds import meets
from fairaudit.types import Bools

_NEAR = 1e-9  # of a bound, where rounding could decide: counts do


def solve_common(cells: Cells, constraints: Sequence[Constraint], objective: Objective, *, threshold: float) -> Solved:
    """The threshold for all groups with the largest objective among those that meet the constraints; of equally good ones the one that changes the fewest decisions.

    It asks for no group when it decides. Every cut between two score cells is tried.

    Args:
        threshold: the score above which all groups were selected so far.

    Raises:
        ContentError: there are no rows of one label.
        Unreachable: none meets the constraints; says what comes nearest.
    """
    problem = problem_of(cells, constraints, objective, threshold=threshold)
    places, taken = told_apart(problem.tp, problem.fp, problem.start), problem.taken
    tp, fp = problem.tp[taken][:, places], problem.fp[taken][:, places]
    weights = {"positives": problem.positives[taken], "negatives": problem.negatives[taken]}
    gains, changed = problem.gains[:, places].sum(axis=0), problem.changed[:, places].sum(axis=0)
    ranked = np.lexsort((changed, -gains))

    def allowed(by: Sequence[Constraint]) -> Bools:
        return np.asarray(np.logical_and.reduce([holds_at(one, tp, fp, slack=_NEAR, **weights) for one in by]))

    def loosely(loose: Sequence[Constraint]) -> Found | None:
        near = ranked[allowed(loose)[ranked]]
        return Found(rates=[one[taken, places[near[0]]] for one in problem.rates], gain=float(gains[near[0]])) if near.size else None

    near = ranked[allowed(problem.constraints)[ranked]]
    best = next((at for at in near if all(meets(one, tp[:, at], fp[:, at], **weights) for one in problem.constraints)), None)
    if best is None:
        raise Unreachable(nearest(problem, "no single threshold for everybody meets", loosely))
    place = places[best]
    return problem.solved(cells, [threshold_at(float(problem.cuts[place]))] * len(cells.groups), problem.tp[:, place], problem.fp[:, place], gap=0.0)
