"""Decisions drawn between cuts: the chances with the best objective that meet the rules, as a linear program."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import OptimizeResult, linprog  # type: ignore[import-untyped]

from fairaudit.errors import ContentError
from fairaudit.mitigations.cells import Cells
from fairaudit.mitigations.constraints import Constraint, rates_of
from fairaudit.mitigations.linear import Bound, Columns, bounds_of, hull, parts_of
from fairaudit.mitigations.objective import Objective
from fairaudit.mitigations.policy import Treatment, threshold_at
from fairaudit.mitigations.problem import Found, Problem, nearest, problem_of, told_apart
from fairaudit.mitigations.solved import Solved, Unreachable
from fairaudit.types import Floats, Ints

_TOLERANCE = 1e-10  # the tightest that HiGHS takes
_NOTHING = 1e-9  # a share, or a marginal, that is 0 but for rounding
_INFEASIBLE = 2
_Ends = tuple[float | None, float | None]


def solve_drawn(cells: Cells, constraints: Sequence[Constraint], objective: Objective, *, threshold: float, is_common: bool = False) -> Solved:
    """The chances of a positive decision, rising with the score, with the largest objective among those that meet the constraints in the mean over what is drawn.

    Chances that rise with the score are thresholds that are drawn, so a group's true and false positives are those of its cuts, mixed. Every mix can be had from the corners of what they span, and
    rules and objective are linear in the shares: this is the best of all chances wherever every cell holds a single score. Of equally good ones those are taken that change the fewest decisions.

    Args:
        constraints: of rules that `check_linear` lets by.
        threshold: the score above which all groups were selected so far.
        is_common: one treatment for all groups, which then asks for no group when it decides.

    Raises:
        ContentError: there are no rows of one label.
        Unreachable: nothing meets the constraints; says what comes nearest.
    """
    problem = problem_of(cells, constraints, objective, threshold=threshold)
    shares, gap = _best(problem, program := _of_all(problem) if is_common else _by_group(problem))
    every = np.zeros(problem.tp.shape)
    every[:, problem.start] = 1.0
    of_group = np.zeros(len(cells.groups), dtype=np.int64) if is_common else np.cumsum(problem.fitted) - 1
    for group in range(len(cells.groups)) if is_common else problem.taken:
        every[group] = program.of(shares, of_group[group], problem.cuts.size)
    treatments = [_treatment(problem.cuts, own) for own in every]
    return problem.solved(cells, treatments, (problem.tp * every).sum(axis=1), (problem.fp * every).sum(axis=1), gap=gap)


def solve_inferred(cells: Cells, told: Sequence[Cells], constraints: Sequence[Constraint], objective: Objective, *, threshold: float) -> Solved:
    """The same where a treatment is of those who are taken for a group, whichever they are of: the rules are held for the groups as they are.

    Args:
        told: of each group, the rows that are taken for it, by the group that they are of; all together are the rows of the cells.

    Returns:
        The treatment of each group in its place, for those who are taken for it.

    Raises:
        ContentError, Unreachable: as `solve_drawn`.
    """
    problem = problem_of(cells, constraints, objective, threshold=threshold)
    shares, gap = _best(problem, program := _by_inferred(problem, told, objective))
    every = [program.of(shares, at, problem.cuts.size) for at in range(len(told))]
    tp, fp = (np.sum([of_cut @ own for of_cut, own in zip(of_cuts, every, strict=True)], axis=0) for of_cuts in zip(*(one.selected() for one in told), strict=True))
    return problem.solved(cells, [_treatment(problem.cuts, own) for own in every], tp, fp, gap=gap)


def _best(problem: Problem, program: _Program) -> tuple[Floats, float]:
    """The shares of the best mix, and how much better one could be at most."""

    def loosely(loose: Sequence[Constraint]) -> Found | None:
        shares = program.solve(loose)
        if shares is None:
            return None
        counts = program.columns.tp @ shares, program.columns.fp @ shares
        weights = {"positives": program.columns.positives, "negatives": program.columns.negatives}
        return Found(rates=[rates_of(one.metric, *counts, **weights) for one in loose], gain=float(program.gains @ shares) + program.settled)

    shares = program.solve(problem.constraints)
    if shares is None:
        raise Unreachable(nearest(problem, "no chances that rise with the score meet", loosely))
    if all(not one.is_ratio and all(part.is_fixed for part in parts_of(one.metric)) for one in problem.constraints):
        return shares, 0.0
    free = program.solve(problem.constraints, open=True)
    gap = 0.0 if free is None else float(program.gains @ (free - shares))
    return shares, gap if gap > _NOTHING else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Program:
    """Shares of columns, each a cut; those that are mixed with each other add up to 1."""

    columns: Columns
    places: Ints  # (columns,): of each one's cut
    mixed: Ints  # (columns,): with which others
    gains: Floats  # (columns,)
    changed: Floats  # (columns,): weight of the rows that are decided otherwise than before
    settled: float  # gain of groups that keep their threshold

    def of(self, shares: Floats, mixed: int, cuts: int) -> Floats:
        """The share of every cut among those that are mixed with each other, of shape (cuts,)."""
        own, out = self.mixed == mixed, np.zeros(cuts)
        out[self.places[own]] = shares[own]
        return out

    def solve(self, constraints: Sequence[Constraint], *, open: bool = False) -> Floats | None:
        """The shares, of shape (columns,); None where nothing meets the constraints.

        Raises:
            ContentError: the program could not be solved.
        """
        bounds = [(place, bound) for place, one in enumerate(constraints) for bound in bounds_of(one, self.columns, open=open)]
        if any(not np.isfinite(bound.row).all() or bound.low == math.inf for _, bound in bounds):
            return None
        above, most = self._rows(bounds, len(constraints))
        size, mixes, pivots = self.gains.size, int(self.mixed.max()) + 1, np.zeros(len(constraints))
        together = np.zeros((mixes, size + pivots.size))
        together[self.mixed, np.arange(size)] = 1.0
        scale = float(np.ptp(self.gains)) or 1.0
        free: list[_Ends] = [*[(0.0, 1.0)] * size, *[(None, None)] * pivots.size]
        found = _minimum(np.concatenate([-self.gains / scale, pivots]), above, most, together, np.ones(mixes), free)
        if found is None:
            return None
        calm = _calmest(found, np.concatenate([self.changed / max(1.0, float(self.changed.max())), pivots]), above, most, together, free)
        best = found if calm is None or float(self.gains @ (calm.x - found.x)[:size]) < -_NOTHING * scale else calm
        shares: Floats = best.x[:size]
        shares = np.where(shares < _NOTHING, 0.0, shares)
        return shares / np.bincount(self.mixed, shares, mixes)[self.mixed]

    def _rows(self, bounds: Sequence[tuple[int, Bound]], pivots: int) -> tuple[Floats, Floats]:
        """Bounds as rows that are to be at most so much."""
        rows, most = [np.zeros((0, self.gains.size + pivots))], []
        for place, bound in bounds:
            row = np.concatenate([bound.row, np.zeros(pivots)])
            row[self.gains.size + place] = bound.pivot
            for sign, end in ((1.0, bound.high), (-1.0, bound.low)):
                if math.isfinite(end):
                    rows.append(sign * row[None])
                    most.append(sign * end)
        return np.concatenate(rows), np.array(most)


def _calmest(found: OptimizeResult, changed: Floats, above: Floats, most: Floats, equal: Floats, ends: Sequence[_Ends]) -> OptimizeResult | None:
    """Of all solutions as good as one, which are those that keep to what has a price in it, the one that changes the least; None where rounding hides it."""
    priced = np.abs(np.asarray(found.ineqlin.marginals)) > _NOTHING
    kept = [(0.0, 0.0) if price > _NOTHING else one for price, one in zip(found.lower.marginals, ends, strict=True)]
    exactly, to = np.vstack([equal, above[priced]]), np.concatenate([np.ones(len(equal)), most[priced]])
    return _minimum(changed, above[~priced], most[~priced], exactly, to, kept, may_fail=True)


def _minimum(cost: Floats, above: Floats, most: Floats, equal: Floats, to: Floats, ends: Sequence[_Ends], *, may_fail: bool = False) -> OptimizeResult | None:
    """The solution at a corner; None where there is none, or where it may fail and does."""
    for method in ("highs-ds", "highs-ipm"):  # the second where rounding defeats the first
        found = linprog(
            cost, A_ub=above, b_ub=most, A_eq=equal, b_eq=to, bounds=ends, method=method,
            options={"primal_feasibility_tolerance": _TOLERANCE, "dual_feasibility_tolerance": _TOLERANCE},
        )  # fmt: skip
        if found.status == 0:
            return found
        if found.status == _INFEASIBLE or may_fail:
            return None
    raise ContentError(f"the linear program of chances was not solved: {found.message} Name fewer groups or rules, or report this.")


def _by_group(problem: Problem) -> _Program:
    """A column for each corner of each fitted group, and for the cut that was there."""
    places, of = [], []
    for at, group in enumerate(problem.taken):
        apart = told_apart(problem.tp[group], problem.fp[group], problem.start)
        own = np.union1d(apart[hull(problem.tp[group, apart], problem.fp[group, apart])], [problem.start])
        places.append(own)
        of.append(np.full(own.size, at))
    place, mixed = np.concatenate(places), np.concatenate(of)
    group = problem.taken[mixed]
    is_of = (mixed == np.arange(problem.taken.size)[:, None]).astype(np.float64)
    tp, fp = problem.tp[group, place], problem.fp[group, place]
    columns = Columns(
        tp=is_of * tp, fp=is_of * fp, fn=is_of * (problem.positives[group] - tp), tn=is_of * (problem.negatives[group] - fp), positives=problem.positives[problem.taken],
        negatives=problem.negatives[problem.taken],
    )  # fmt: skip
    settled = float(problem.gains[~problem.fitted, problem.start].sum())
    return _Program(columns=columns, places=place, mixed=mixed, gains=problem.gains[group, place], changed=problem.changed[group, place], settled=settled)


def _by_inferred(problem: Problem, told: Sequence[Cells], objective: Objective) -> _Program:
    """A column for each cut that is another for anybody, of the rows of whatever group that are taken for one."""
    taken, parts = problem.taken, []
    weights = {"positives": problem.positives, "negatives": problem.negatives}
    nobody = objective.of(np.zeros(problem.positives.size), np.zeros(problem.positives.size), **weights)
    for at, one in enumerate(told):
        of_cut = one.selected()
        places = told_apart(*of_cut, problem.start)
        tp, fp = (each[:, places] for each in of_cut)
        fn, tn = one.positive.sum(axis=1)[:, None] - tp, one.negative.sum(axis=1)[:, None] - fp
        gains = (objective.of(tp, fp, **weights) - nobody[:, None]).sum(axis=0)
        changed = sum(np.abs(each[:, places] - each[:, [problem.start]]).sum(axis=0) for each in of_cut)
        parts.append((places, np.full(places.size, at), gains, changed, tp[taken], fp[taken], fn[taken], tn[taken]))
    places, mixed, gains, changed, tp, fp, fn, tn = (np.concatenate(each, axis=-1) for each in zip(*parts, strict=True))
    columns = Columns(tp=tp, fp=fp, fn=fn, tn=tn, positives=problem.positives[taken], negatives=problem.negatives[taken])
    return _Program(columns=columns, places=places, mixed=mixed, gains=gains, changed=changed, settled=float(nobody.sum()))


def _of_all(problem: Problem) -> _Program:
    """A column for each cut that is another for anybody."""
    places = told_apart(problem.tp, problem.fp, problem.start)
    taken = problem.taken
    tp, fp, positives, negatives = problem.tp[taken][:, places], problem.fp[taken][:, places], problem.positives[taken], problem.negatives[taken]
    columns = Columns(tp=tp, fp=fp, fn=positives[:, None] - tp, tn=negatives[:, None] - fp, positives=positives, negatives=negatives)
    return _Program(
        columns=columns, places=places, mixed=np.zeros(places.size, dtype=np.int64), gains=problem.gains[:, places].sum(axis=0), changed=problem.changed[:, places].sum(axis=0), settled=0.0
    )


def _treatment(cuts: Floats, shares: Floats) -> Treatment:
    """Thresholds that are drawn with these shares, as a chance for each band of scores."""
    drawn = np.flatnonzero(shares)
    if drawn.size == 1:
        return threshold_at(float(cuts[drawn[0]]))
    finite = [place for place in drawn if np.isfinite(cuts[place])]
    chances = [float(shares[0]), *(min(1.0, math.fsum(shares[: place + 1])) for place in finite)]
    if shares[-1] == 0:
        chances[-1] = 1.0
    return Treatment(cuts=tuple(float(cuts[place]) for place in finite), chances=tuple(chances))
