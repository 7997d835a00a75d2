"""Where a rule draws its line, which values are past it, and which bounds meet it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from fairaudit.evidence.intervals import Bounds, mover_r, newcombe
from fairaudit.metrics.catalogue import Better
from fairaudit.rules.rule import Comparing, Direction, Rule
from fairaudit.rules.tally import Tally
from fairaudit.types import Bools, Floats

_TIE = 1e-9  # nearer than this to the limit, rounding could decide: counts do


@dataclass(frozen=True, slots=True)
class Line:
    """The values a rule allows: `low` ≤ value ≤ `high`, infinite where it does not bound."""

    low: float
    high: float

    @property
    def open_ends(self) -> tuple[float | None, float | None]:
        return (None if math.isinf(self.low) else self.low, None if math.isinf(self.high) else self.high)

    def met_by(self, bounds: Bounds) -> Bools:
        """Where a whole interval is allowed; an undefined bound never is."""
        lower, upper = bounds
        low_enough = np.True_ if math.isinf(self.high) else upper <= self.high
        return np.asarray((np.True_ if math.isinf(self.low) else lower >= self.low) & low_enough)

    def missed_by(self, bounds: Bounds) -> Bools:
        """Where a whole interval is past one end."""
        lower, upper = bounds
        return np.asarray((upper < self.low) | (lower > self.high))


def line(rule: Rule, better: Better, magnitude: float) -> Line:
    """The line that a limit, a magnitude on the bad side, draws for a metric of which `better` is good."""
    ends = Line(magnitude, 1 / magnitude) if rule.comparison is Comparing.RATIO else Line(-magnitude, magnitude)
    if rule.direction is Direction.EITHER:
        return ends
    return Line(ends.low, math.inf) if better is Better.HIGHER else Line(-math.inf, ends.high)


def compared(rule: Rule, group: Tally, reference: Tally) -> Floats:
    """group / reference or group − reference; NaN where undefined, infinite where only the reference's rate is 0."""
    if rule.comparison is Comparing.DIFFERENCE:
        return group.rate - reference.rate
    with np.errstate(divide="ignore", invalid="ignore"):
        return group.rate / reference.rate


def bounds(rule: Rule, group: Tally, reference: Tally, *, level: float) -> Bounds:
    """Interval of `compared` for independent groups: MOVER-R for ratios, Newcombe for differences."""
    method = mover_r if rule.comparison is Comparing.RATIO else newcombe
    return method(group.estimate(level), reference.estimate(level))


def bounds_to_everyone(rule: Rule, group: Tally, others: Tally, *, level: float) -> Bounds:
    """Interval of `compared` against everyone, of whom the group is part: that against the others, rescaled.

    With the group's share f of the rows, p / p_all = r / (f r + 1 − f) and p − p_all = (1 − f) d: both rise with r and d.
    """
    lower, upper = bounds(rule, group, others, level=level)
    with np.errstate(divide="ignore", invalid="ignore"):  # both are empty, or nobody else is there
        share = group.weight / (group.weight + others.weight)
        if rule.comparison is Comparing.RATIO:
            return lower / (share * lower + 1 - share), upper / (share * upper + 1 - share)
        return (1 - share) * lower, (1 - share) * upper


def past(rule: Rule, ends: Line, group: Tally, reference: Tally) -> Bools:
    """Which groups' values are past the line; exactly at it is not past. Shapes broadcast.

    Without weights the counts decide where floating point could not: (3/5)/(6/8) is 0.8 and not 0.7999….
    """
    value = compared(rule, group, reference)
    out = np.asarray((value < ends.low) | (value > ends.high))
    near = np.zeros(value.shape, dtype=bool)
    for end in ends.open_ends:
        if end is not None:
            near |= np.abs(value - end) <= _TIE * max(1.0, abs(end))
    if near.any():
        parts = np.broadcast_arrays(group.hits, group.weight, reference.hits, reference.weight)
        for place in zip(*np.nonzero(near), strict=True):
            out[place] = not group.weighted and _exactly_past(rule, ends, *(int(part[place]) for part in parts))
    return out


def _exactly_past(rule: Rule, ends: Line, x: int, n: int, reference_x: int, reference_n: int) -> bool:
    limit = Fraction(str(rule.limit))
    if rule.comparison is Comparing.DIFFERENCE:
        value, lowest, highest = Fraction(x, n) - Fraction(reference_x, reference_n), -limit, limit
    else:
        value, lowest, highest = Fraction(x * reference_n, n * reference_x), limit, 1 / limit
    return (value < lowest and not math.isinf(ends.low)) or (value > highest and not math.isinf(ends.high))
