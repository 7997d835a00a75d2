"""A threshold for each group: the most accurate decisions, or the cheapest, that meet the rules on the rows they are fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from fairaudit.metrics.catalogue import CATALOGUE, FN, FP, TN, TP, Shape
from fairaudit.mitigations.cells import Cells
from fairaudit.mitigations.constraints import SLACK, Constraint, holds_at, stretched
from fairaudit.mitigations.objective import Objective
from fairaudit.mitigations.policy import threshold_at
from fairaudit.mitigations.problem import Found, nearest, problem_of, told_apart
from fairaudit.mitigations.search import MOST_BOXES, Chosen, Points, search
from fairaudit.mitigations.solved import Solved, Unreachable
from fairaudit.types import Floats

_STRETCHES = tuple(1 + step / 10 for step in range(11))  # of the room between the largest and the smallest rate, where groups are compared with everybody else


def solve(cells: Cells, constraints: Sequence[Constraint], objective: Objective, *, threshold: float, most: int = MOST_BOXES) -> Solved:
    """The thresholds with the largest objective among those that meet the constraints.

    A cut may lie between any two score cells, so this is the best of all thresholds where every cell holds a single score, and the best of some thousands otherwise.

    Args:
        threshold: the score above which all groups were selected so far; of equally good thresholds the nearest to it is taken.
        most: how long is searched before the best so far is given with its gap.

    Raises:
        ContentError: there are no rows of one label, or no two groups to be compared.
        Unreachable: nothing meets the constraints; says what comes nearest.
    """
    problem = problem_of(cells, constraints, objective, threshold=threshold)
    taken, own, tp, fp, start = problem.taken, problem.constraints, problem.tp, problem.fp, problem.start
    positives, negatives = problem.positives[taken], problem.negatives[taken]
    places = [told_apart(tp[group], fp[group], start) for group in taken]
    points = [Points(gain=problem.gains[group][at], distance=np.abs(at - start).astype(np.float64), rates=problem.rates[:, group][:, at]) for group, at in zip(taken, places, strict=True)]

    def held(chosen: Chosen) -> bool:
        at = [places[group][point] for group, point in enumerate(chosen.points)]
        return all(meets(one, tp[taken, at], fp[taken, at], positives=positives, negatives=negatives) for one in own)

    def loosely(loose: Sequence[Constraint]) -> Found | None:
        chosen = search(points, loose, slack=SLACK)
        return None if chosen is None else Found(rates=[np.array([group.rates[place][point] for group, point in zip(points, chosen.points, strict=True)]) for place in range(len(own))], gain=chosen.gain)

    found = [one for by in (_STRETCHES if any(one.others for one in own) else (1.0,)) for slack in (SLACK, -SLACK) if (one := search(points, [stretched(each, by) for each in own], slack=slack, most=most))]
    chosen = max((one for one in found if held(one)), key=lambda one: one.gain, default=None)  # with slack, rounding may let by what counts do not
    if chosen is None:
        raise Unreachable(nearest(problem, "no thresholds meet", loosely))
    place = np.full(len(cells.groups), start)
    place[taken] = [at[point] for at, point in zip(places, chosen.points, strict=True)]
    every = np.arange(place.size)
    free = _without_others(points, own, most) if any(one.others for one in own) else None
    gap = chosen.gap if free is None else max(0.0, free.gain + free.gap - chosen.gain)
    return problem.solved(cells, [threshold_at(float(problem.cuts[at])) for at in place], tp[every, place], fp[every, place], gap=gap)


def meets(constraint: Constraint, tp: Floats, fp: Floats, *, positives: Floats, negatives: Floats) -> bool:
    """Whether groups with these counts meet a constraint: by whole counts exactly, as rules are judged."""
    entry, of = CATALOGUE[constraint.metric], {TP: tp, FP: fp, FN: positives - tp, TN: negatives - fp}
    whole = entry.shape is Shape.RATE and all((values == np.floor(values)).all() for values in of.values())
    if not whole:
        return bool(holds_at(constraint, tp, fp, positives=positives, negatives=negatives))
    sums = [tuple(sum(int(of[cell][group]) for cell in cells if cell in of) for cells in (entry.numerator, entry.denominator)) for group in range(tp.size)]
    if any(below == 0 for _, below in sums):
        return False
    rates = [Fraction(above, below) for above, below in sums]
    low, high = (None if np.isinf(end) else _exact(end) for end in (constraint.line.low, constraint.line.high))
    if not constraint.has_pivot:
        return all((low is None or one >= low) and (high is None or one <= high) for one in rates)
    if constraint.others:
        return _meets_others(constraint, rates, sums)
    pivot = min(rates) if constraint.of_extremes else rates[constraint.reference or 0]
    if constraint.is_ratio and pivot == 0:
        return False
    held = [one / pivot if constraint.is_ratio else one - pivot for one in rates]
    return all((low is None or one >= low) and (high is None or one <= high) for one in held)


def _meets_others(constraint: Constraint, rates: Sequence[Fraction], sums: Sequence[tuple[int, ...]]) -> bool:
    """The same where each group is compared with everybody else, or with everybody, who have a rate of their own."""
    above, below = (sum(one[part] for one in sums) for part in (0, 1))
    for rate, own in zip(rates, sums, strict=True):
        ours = own if constraint.others == "rest" else (0, 0)
        if below == ours[1] or constraint.drawn is None:
            return False
        other = Fraction(above - ours[0], below - ours[1])
        if constraint.is_ratio and other == 0:
            return False
        held = rate / other if constraint.is_ratio else rate - other
        if not (np.isinf(constraint.drawn.low) or held >= _exact(constraint.drawn.low)) or not (np.isinf(constraint.drawn.high) or held <= _exact(constraint.drawn.high)):
            return False
    return True


def _without_others(points: Sequence[Points], constraints: Sequence[Constraint], most: int) -> Chosen | None:
    """The best that could be if nothing were compared with everybody else: nothing better can be."""
    kept = [place for place, one in enumerate(constraints) if one.others is None]
    return search([replace(one, rates=one.rates[kept]) for one in points], [constraints[place] for place in kept], slack=SLACK, most=most)


def _exact(end: float) -> Fraction:
    """A limit as it was written: 0.8 is four fifths, and 1 / 0.8 five fourths."""
    written = Fraction(repr(end))
    turned = Fraction(repr(float(1 / end))) if end else written
    return 1 / turned if end and turned.denominator < written.denominator else written
