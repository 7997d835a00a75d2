"""A threshold for each group: the most accurate decisions, or the cheapest, that meet the rules on the rows they are fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from fairaudit.errors import ContentError
from fairaudit.metrics.catalogue import CATALOGUE, FN, FP, TN, TP, Shape
from fairaudit.mitigations.cells import Cells
from fairaudit.mitigations.constraints import SLACK, Constraint, rates_of, stretched
from fairaudit.mitigations.fittable import need_groups
from fairaudit.mitigations.objective import Objective
from fairaudit.mitigations.policy import threshold_at
from fairaudit.mitigations.search import MOST_BOXES, Chosen, Points, search
from fairaudit.mitigations.solved import Solved, Unreachable
from fairaudit.rules.limits import Line
from fairaudit.types import Floats, Ints

_STRETCHES = tuple(1 + step / 10 for step in range(11))  # of the room between the largest and the smallest rate, where groups are compared with everybody else
_HALVINGS = 30  # of the way from the limit to none, to tell what comes nearest


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
    need_rows(cells, constraints)
    positives, negatives = cells.positive.sum(axis=1), cells.negative.sum(axis=1)
    start = cells.place(threshold)
    tp, fp = cells.selected()
    gains = objective.of(tp, fp, positives=positives, negatives=negatives)
    rates = np.stack([rates_of(one.metric, tp, fp, positives=positives, negatives=negatives) for one in constraints])
    fitted = np.isfinite(rates).any(axis=2).all(axis=0)
    taken = np.flatnonzero(fitted)
    if not taken.size:
        raise ContentError("no group has the rows that the rules' rates are of; give more rows to fit on, or name another rule.")
    if taken.size < 2 and any(one.has_pivot for one in constraints):
        raise ContentError(f"groups are compared, and {cells.groups[taken[0]]} alone has the rows to fit on that the rules' rates are of; give more rows, make small groups one, or name another rule.")
    places = [_told_apart(tp[group], fp[group], start) for group in taken]
    points = [Points(gain=gains[group][at], distance=np.abs(at - start).astype(np.float64), rates=rates[:, group][:, at]) for group, at in zip(taken, places, strict=True)]
    own = [replace(one, reference=_among(one.reference, taken, cells)) for one in constraints]

    def held(chosen: Chosen) -> bool:
        at = [places[group][point] for group, point in enumerate(chosen.points)]
        return all(meets(one, tp[taken, at], fp[taken, at], positives=positives[taken], negatives=negatives[taken]) for one in own)

    found = [one for by in (_STRETCHES if any(one.others for one in own) else (1.0,)) for slack in (SLACK, -SLACK) if (one := search(points, [stretched(each, by) for each in own], slack=slack, most=most))]
    chosen = max((one for one in found if held(one)), key=lambda one: one.gain, default=None)  # with slack, rounding may let by what counts do not
    if chosen is None:
        raise Unreachable(_nearest(points, own, objective))
    place = np.full(len(cells.groups), start)
    place[taken] = [at[point] for at, point in zip(places, chosen.points, strict=True)]
    every = np.arange(place.size)
    cuts = cells.cuts.copy()
    cuts[start] = threshold
    free = _without_others(points, own, most) if any(one.others for one in own) else None
    return Solved(
        treatments=tuple(threshold_at(float(cuts[at])) for at in place),
        objective=float(gains[every, place].sum()),
        gap=chosen.gap if free is None else max(0.0, free.gain + free.gap - chosen.gain),
        before=float(gains[:, start].sum()),
        metrics=tuple(one.metric for one in constraints),
        rates=tuple(one[every, place] for one in rates),
        unfitted=tuple(group for group, is_fitted in zip(cells.groups, fitted, strict=True) if not is_fitted),
    )


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


def meets(constraint: Constraint, tp: Floats, fp: Floats, *, positives: Floats, negatives: Floats) -> bool:
    """Whether groups with these counts meet a constraint: by whole counts exactly, as rules are judged."""
    entry, of = CATALOGUE[constraint.metric], {TP: tp, FP: fp, FN: positives - tp, TN: negatives - fp}
    whole = entry.shape is Shape.RATE and all((values == np.floor(values)).all() for values in of.values())
    if not whole:
        return bool(constraint.holds(rates_of(constraint.metric, tp, fp, positives=positives, negatives=negatives)))
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


def _told_apart(tp: Floats, fp: Floats, start: int) -> Ints:
    """Places of cuts that decide differently in a group: of those that decide alike the one that was there, else the middle one."""
    firsts = np.flatnonzero(np.concatenate(([True], (np.diff(tp) != 0) | (np.diff(fp) != 0))))
    lasts = np.concatenate((firsts[1:] - 1, [tp.size - 1]))
    return np.where((firsts <= start) & (start <= lasts), start, (firsts + lasts) // 2)


def _among(reference: int | None, taken: Ints, cells: Cells) -> int | None:
    """The reference's place among the groups that are fitted."""
    if reference is None:
        return None
    if reference not in taken:
        raise ContentError(f"the rule compares with {cells.groups[reference]}, whose rate is undefined in the rows to fit on; name another reference, or give more rows.")
    return int(np.flatnonzero(taken == reference)[0])


def _nearest(points: Sequence[Points], constraints: Sequence[Constraint], objective: Objective) -> str:
    """What the error says: how far the limits would have to be moved."""
    asked = ", ".join(f"{one.rule} ({one.metric})" for one in constraints)
    low, high, best = 0.0, 1.0, None
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        found = search(points, [_loosened(one, middle) for one in constraints], slack=SLACK)
        low, high, best = (low, middle, found) if found else (middle, high, best)
    said = f"no thresholds meet {asked} on the rows to fit on"
    if best is None:
        return f"{said}, however loose their limits are; name other rules."
    rates = [np.array([group.rates[place][point] for group, point in zip(points, best.points, strict=True)]) for place in range(len(constraints))]
    nearest = "; ".join(f"{one.metric} from {values.min():.4f} to {values.max():.4f}" for one, values in zip(constraints, rates, strict=True))
    return f"{said}; the nearest have {nearest}, with {objective.name} {best.gain:.4f}: loosen a limit, or leave a rule out."


def _loosened(constraint: Constraint, share: float) -> Constraint:
    """The constraint with its limits moved a share of the way to none."""
    at_ease = Line(0.0, 1e9) if constraint.is_ratio else Line(-1.0, 1.0) if constraint.has_pivot else Line(-1.0, 2.0)

    def moved(end: float, to: float) -> float:
        if np.isinf(end):
            return end
        return 1 / ((1 - share) / end + share / to) if constraint.is_ratio and end > 1 else (1 - share) * end + share * to

    return replace(constraint, line=Line(moved(constraint.line.low, at_ease.low), moved(constraint.line.high, at_ease.high)))
