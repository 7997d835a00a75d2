"""The best choice of one point for each group under constraints that tie the groups together: branch and bound over the constraints' pivots.

A box holds, for each constraint with a pivot, a range of candidate values of it. Within a box every group is chosen by itself, from bounds wide enough for all of the box, which can only be too good:
an upper bound. A box of single values is exact. The pivot of a solution is the rate of some group at some point, so the candidates are finite and the search ends with the proven best.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fairaudit.mitigations.constraints import Constraint
from fairaudit.types import Bools, Floats, Ints

_TOGETHER = 128  # boxes looked at in one pass
MOST_BOXES = 400_000  # then the best so far, if there is one, is given with how far from the best possible it may be


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """What a group may be given: each point's gain, its distance from what is now, and its rates by constraint."""

    gain: Floats  # (points,)
    distance: Floats  # of equal gains the nearer is taken
    rates: Floats  # (constraints, points); NaN where undefined, which no constraint takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A point for each group, and how much more than their gain the best choice could have."""

    points: tuple[int, ...]
    gain: float
    gap: float  # 0: it is the best


def search(groups: Sequence[Points], constraints: Sequence[Constraint], *, slack: float, most: int = MOST_BOXES) -> Chosen | None:
    """The choice with the largest sum of gains that meets every constraint; None where none does.

    Args:
        slack: by which a rate may be past a bound; negative to keep clear of it.
        most: boxes that are looked at before a solution is given that is not proven the best.
    """
    ranked = [_Ranked.of(points, place) for place, points in enumerate(groups)]
    pivots = [place for place, one in enumerate(constraints) if one.has_pivot]
    candidates = [_candidates(groups, constraints[place], place) for place in pivots]
    if any(one.size == 0 for one in candidates):
        return None
    best: Chosen | None = None
    queue: list[tuple[float, int, tuple[tuple[int, int], ...]]] = [(-np.inf, 0, tuple((0, one.size - 1) for one in candidates))]
    looked = made = 0
    while queue and (best is None or looked < most):  # that nothing meets the constraints is said only once every box was looked at
        boxes: list[tuple[tuple[int, int], ...]] = []
        while queue and len(boxes) < _TOGETHER:
            bound, _, box = heapq.heappop(queue)
            if best is None or -bound > best.gain + 1e-15:
                boxes.append(box)
        if not boxes:
            break
        looked += len(boxes)
        gains, choices = _look(ranked, constraints, pivots, candidates, boxes, slack)
        exact = np.array([all(low == high for low, high in box) for box in boxes])
        meets = _meets(groups, constraints, choices, slack) & (choices >= 0).all(axis=1)
        for at in np.argsort(-gains, kind="stable"):
            if not np.isfinite(gains[at]) or (best is not None and gains[at] <= best.gain + 1e-15):
                continue
            if meets[at]:  # the bound is reached, so nothing better is in this box
                best = Chosen(points=tuple(choices[at].tolist()), gain=float(gains[at]), gap=0.0)
            elif not exact[at]:
                for half in _halves(boxes[at]):
                    made += 1
                    heapq.heappush(queue, (-float(gains[at]), made, half))
        if best is None or looked == len(boxes):
            best = _better(best, _corners(ranked, groups, constraints, pivots, candidates, boxes, slack))
    if best is None:
        return None
    left = max((-bound for bound, _, _ in queue), default=best.gain)
    return Chosen(points=best.points, gain=best.gain, gap=max(0.0, left - best.gain))


def _better(one: Chosen | None, other: Chosen | None) -> Chosen | None:
    return other if one is None or (other is not None and other.gain > one.gain) else one


def _candidates(groups: Sequence[Points], constraint: Constraint, place: int) -> Floats:
    """What the pivot may be, rising."""
    of = groups if constraint.reference is None else [groups[constraint.reference]]
    rates = np.concatenate([points.rates[place] for points in of])
    taken = rates[np.isfinite(rates) & ((rates > 0) if constraint.is_ratio else True)]
    out: Floats = np.unique(taken)
    return out


def _halves(box: tuple[tuple[int, int], ...]) -> tuple[tuple[tuple[int, int], ...], ...]:
    widest = max(range(len(box)), key=lambda place: box[place][1] - box[place][0])
    low, high = box[widest]
    middle = (low + high) // 2
    return tuple((*box[:widest], part, *box[widest + 1 :]) for part in ((low, middle), (middle + 1, high)))


def _ends(box: Sequence[tuple[tuple[int, int], ...]], place: int, candidates: Floats) -> tuple[Floats, Floats]:
    return candidates[[one[place][0] for one in box]], candidates[[one[place][1] for one in box]]


def _look(
    ranked: Sequence[_Ranked], constraints: Sequence[Constraint], pivots: Sequence[int], candidates: Sequence[Floats], boxes: Sequence[tuple[tuple[int, int], ...]], slack: float
) -> tuple[Floats, Ints]:
    """The bound of each box, −∞ where nothing is allowed; and what each group is given there, −1 for nothing; shapes (boxes,) and (boxes, groups)."""
    ends = {place: _ends(boxes, at, candidates[at]) for at, place in enumerate(pivots)}
    none = np.zeros(len(boxes))
    gains, choices = np.zeros(len(boxes)), np.full((len(boxes), len(ranked)), -1, dtype=np.int64)
    for group, one in enumerate(ranked):
        bounds = [constraint.bounds(*ends.get(place, (none, none)), group, slack=slack) for place, constraint in enumerate(constraints)]
        choices[:, group] = one.best(bounds, len(boxes))
        gains += np.where(choices[:, group] >= 0, one.gain[choices[:, group]], -np.inf)
    return gains, choices


def _corners(
    ranked: Sequence[_Ranked], groups: Sequence[Points], constraints: Sequence[Constraint], pivots: Sequence[int], candidates: Sequence[Floats], boxes: Sequence[tuple[tuple[int, int], ...]], slack: float
) -> Chosen | None:
    """The best of what single values of the boxes' pivots give: something to prune by."""
    points = [tuple(((low + high) // 2,) * 2 for low, high in box) for box in boxes]
    gains, choices = _look(ranked, constraints, pivots, candidates, points, slack)
    meets = _meets(groups, constraints, choices, slack) & np.isfinite(gains)
    if not meets.any():
        return None
    at = int(np.argmax(np.where(meets, gains, -np.inf)))
    return Chosen(points=tuple(choices[at].tolist()), gain=float(gains[at]), gap=0.0)


def _meets(groups: Sequence[Points], constraints: Sequence[Constraint], choices: Ints, slack: float) -> Bools:
    held = np.ones(choices.shape[0], dtype=bool)
    for place, constraint in enumerate(constraints):
        rates = np.stack([points.rates[place][choices[:, group]] for group, points in enumerate(groups)])
        held &= constraint.holds(rates, slack=slack)
    return held


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ranked:
    """A group's points, ordered so that every constraint allows a run of them; `table` then has the best of any run in two looks."""

    order: Ints  # points in that order
    gain: Floats
    rising: tuple[Floats, ...]  # each constraint's rates in that order, negated where they fall
    signs: tuple[float, ...]
    table: tuple[Ints, ...]  # at level j: the best of the 2^j points from each place on, as a point
    rank: Ints  # of each point: by gain, and of equal gains by distance
    rates: Floats

    @staticmethod
    def of(points: Points, place: int) -> _Ranked:
        rank = np.empty(points.gain.size, dtype=np.int64)
        rank[np.lexsort((-points.distance, points.gain))] = np.arange(points.gain.size)
        defined = np.isfinite(points.rates).all(axis=0) & np.isfinite(points.gain)
        order = np.flatnonzero(defined)
        if points.rates.shape[0] == 1:
            order = order[np.argsort(points.rates[0][order], kind="stable")]
        signs: list[float] = []
        for rates in points.rates:
            steps = np.diff(rates[order])
            signs.append(1.0 if (steps >= 0).all() else -1.0 if (steps <= 0).all() else 0.0)
        table = [order]
        while (width := 2 ** len(table)) <= order.size:
            last = table[-1]
            left, right = last[: order.size - width + 1], last[width // 2 : width // 2 + order.size - width + 1]
            table.append(np.where(rank[left] >= rank[right], left, right))
        return _Ranked(
            order=order, gain=points.gain, rising=tuple(sign * rates[order] for sign, rates in zip(signs, points.rates, strict=True)), signs=tuple(signs), table=tuple(table), rank=rank, rates=points.rates
        )

    def best(self, bounds: Sequence[tuple[Floats, Floats]], boxes: int) -> Ints:
        """The best point whose rates lie within the bounds of each box; −1 where none does."""
        if 0.0 in self.signs:
            return self._by_looking(bounds, boxes)
        start, stop = np.zeros(boxes, dtype=np.int64), np.full(boxes, self.order.size, dtype=np.int64)
        for rising, sign, (low, high) in zip(self.rising, self.signs, bounds, strict=True):
            least, most = (low, high) if sign > 0 else (-high, -low)
            start, stop = np.maximum(start, np.searchsorted(rising, least, side="left")), np.minimum(stop, np.searchsorted(rising, most, side="right"))
        out: Ints = np.full(boxes, -1, dtype=np.int64)
        some = np.flatnonzero(start < stop)
        level = np.frexp((stop - start)[some])[1] - 1  # the largest power of two that fits
        for one in np.unique(level):
            at = some[level == one]
            left, right = self.table[one][start[at]], self.table[one][stop[at] - 2**one]
            out[at] = np.where(self.rank[left] >= self.rank[right], left, right)
        return out

    def _by_looking(self, bounds: Sequence[tuple[Floats, Floats]], boxes: int) -> Ints:
        """The same where the allowed points are no run, as of a rate that rises and falls with the threshold beside another."""
        out: Ints = np.full(boxes, -1, dtype=np.int64)
        if not self.order.size:
            return out
        for box in range(boxes):
            allowed = np.logical_and.reduce([(rates[self.order] >= low[box]) & (rates[self.order] <= high[box]) for rates, (low, high) in zip(self.rates, bounds, strict=True)])
            if allowed.any():
                held = self.order[allowed]
                out[box] = held[np.argmax(self.rank[held])]
        return out
