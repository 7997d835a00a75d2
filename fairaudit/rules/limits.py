"""Where a rule draws its line, which values are past it, and which bounds meet it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from fairaudit.evidence.intervals import Bounds, mover_r, newcombe
from fairaudit.metrics.catalogue import Better, Metric
from fairaudit.rules.basis import Basis
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

    @property
    def end(self) -> float:
        """The end on the bad side; the lower of two."""
        return self.high if math.isinf(self.low) else self.low

    def nearest(self, value: float) -> float:
        """The end that a value is nearer to, of two."""
        if math.isinf(self.low) or math.isinf(self.high):
            return self.end
        is_above = value > math.sqrt(self.low * self.high) if self.low > 0 else value - self.low > self.high - value  # 0.8 and 1.25 are as far from 1
        return self.high if is_above else self.low

    def met_by(self, bounds: Bounds) -> Bools:
        """Where a whole interval is allowed; an undefined bound never is."""
        lower, upper = bounds
        low_enough = np.True_ if math.isinf(self.high) else upper <= self.high
        return np.asarray((np.True_ if math.isinf(self.low) else lower >= self.low) & low_enough)

    def passed_by(self, value: Floats) -> Bools:
        """Which values are past one end, further than rounding puts them."""
        ties = [_TIE * max(1.0, abs(end)) for end in (self.low, self.high)]
        return np.asarray((value < self.low - (0.0 if math.isinf(self.low) else ties[0])) | (value > self.high + (0.0 if math.isinf(self.high) else ties[1])))

    def missed_by(self, bounds: Bounds) -> Bools:
        """Where a whole interval is past one end."""
        lower, upper = bounds
        return np.asarray((upper < self.low) | (lower > self.high))


def line(rule: Rule, metric: Metric, better: Better, magnitude: float) -> Line:
    """The line that a limit, a magnitude on the bad side, draws for a metric of which `better` is good."""
    match rule.comparison:
        case Comparing.GAP:
            return Line(-math.inf, magnitude)
        case Comparing.MIN_MAX_RATIO:
            return Line(magnitude, math.inf)
        case Comparing.VALUE if metric.ideal == 0 and metric.bounds[0] < 0:
            return Line(-magnitude, magnitude)
        case Comparing.VALUE if is_around_one(metric):
            return Line(min(magnitude, 1 / magnitude), max(magnitude, 1 / magnitude))
        case Comparing.VALUE:
            return Line(magnitude, math.inf) if better is Better.HIGHER else Line(-math.inf, magnitude)
        case Comparing.RATIO:
            ends = Line(magnitude, 1 / magnitude)
        case Comparing.DIFFERENCE | Comparing.CHANGE:
            ends = Line(-magnitude, magnitude)
    if rule.direction is Direction.EITHER:
        return ends
    return Line(ends.low, math.inf) if better is Better.HIGHER else Line(-math.inf, ends.high)


def is_around_one(metric: Metric) -> bool:
    """Whether a value is good near 1, whichever side it is on; a limit of 0.8 is one of 1.25 too."""
    return metric.ideal == 1 and metric.better is Better.NEITHER


def is_minimum(rule: Rule, metric: Metric, better: Better) -> bool:
    """Whether the limit is one that values must reach: then a smaller one is the more serious."""
    by_nature = metric.ideal == 0 and metric.bounds[0] < 0
    of_value = rule.comparison is Comparing.VALUE and not by_nature and (better is Better.HIGHER or is_around_one(metric))
    return rule.comparison in (Comparing.RATIO, Comparing.MIN_MAX_RATIO) or of_value


def serious_magnitude(rule: Rule, metric: Metric, better: Better) -> float:
    """A violation so large that the data must be able to exclude it; a magnitude like `limit`."""
    limit, serious = rule.limit, rule.serious
    if rule.comparison is Comparing.VALUE and is_around_one(metric):
        limit, serious = min(limit, 1 / limit), None if serious is None else min(serious, 1 / serious)
    if serious is not None:
        return serious
    return limit * (0.625 if is_minimum(rule, metric, better) else 2.0)


def compared(rule: Rule, group: Basis, reference: Basis) -> Floats:
    """group / reference or group − reference; NaN where undefined, infinite where only the reference's value is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):  # infinite − infinite is undefined
        return group.value - reference.value if rule.comparison is Comparing.DIFFERENCE else group.value / reference.value


def bounds(rule: Rule, group: Basis, reference: Basis, *, level: float) -> Bounds:
    """Interval of `compared` for independent groups: MOVER-R for ratios, Newcombe (MOVER) for differences."""
    method = mover_r if rule.comparison is Comparing.RATIO else newcombe
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return method(group.estimate(level), reference.estimate(level))


def bounds_to_everyone(rule: Rule, group: Basis, others: Basis, everyone: Basis, *, level: float) -> Bounds:
    """Interval of `compared` against everyone, of whom the group is part: that against the others, rescaled.

    With the group's share f of the rows, p / p_all = r / (f r + 1 − f) and p − p_all = (1 − f) d: both rise with r and d. So it is for rates; of other metrics
    each arm is shortened to 1 − f, which is exact for means, and nearly so where groups are not far apart.
    """
    lower, upper = bounds(rule, group, others, level=level)
    with np.errstate(divide="ignore", invalid="ignore"):  # both are empty, or nobody else is there
        if isinstance(group, Tally) and isinstance(others, Tally):
            share = group.weight / (group.weight + others.weight)
            if rule.comparison is Comparing.RATIO:
                return lower / (share * lower + 1 - share), upper / (share * upper + 1 - share)
            return (1 - share) * lower, (1 - share) * upper
        share = group.trials / (group.trials + others.trials)
        value, apart = compared(rule, group, everyone), compared(rule, group, others)
        return value - (1 - share) * (apart - lower), value + (1 - share) * (upper - apart)


def past(rule: Rule, ends: Line, group: Basis, reference: Basis) -> Bools:
    """Which groups' values are past the line; exactly at it is not past. Shapes broadcast.

    Without weights the counts decide where floating point could not: (3/5)/(6/8) is 0.8 and not 0.7999….
    """
    return _past(compared(rule, group, reference), rule, ends, group, reference)


def value_past(rule: Rule, ends: Line, group: Basis) -> Bools:
    """Which groups' own values are past the line."""
    return _past(group.value, rule, ends, group, None)


def _past(value: Floats, rule: Rule, ends: Line, group: Basis, reference: Basis | None) -> Bools:
    out = np.asarray((value < ends.low) | (value > ends.high))
    near = np.zeros(value.shape, dtype=bool)
    for end in ends.open_ends:
        if end is not None:
            near |= np.abs(value - end) <= _TIE * max(1.0, abs(end))
    if near.any():
        # What is within rounding of the limit is at it, unless whole counts say otherwise.
        out = np.where(near, False, out)
        if isinstance(group, Tally) and not group.weighted:
            sides = [group] if reference is None else [group, reference]
            parts = np.broadcast_arrays(*(part for side in sides if isinstance(side, Tally) for part in (side.hits, side.weight)))
            for place in zip(*np.nonzero(near), strict=True):
                out[place] = _exactly_past(rule, ends, *(int(part[place]) for part in parts))
    return out


def _exactly_past(rule: Rule, ends: Line, x: int, n: int, reference_x: int = 0, reference_n: int = 1) -> bool:
    limit = Fraction(str(rule.limit))
    if rule.comparison is Comparing.RATIO:
        value, lowest, highest = Fraction(x * reference_n, n * reference_x), limit, 1 / limit
    elif rule.comparison is Comparing.DIFFERENCE:
        value, lowest, highest = Fraction(x, n) - Fraction(reference_x, reference_n), -limit, limit
    else:
        value, lowest, highest = Fraction(x, n), limit, limit
    return (value < lowest and not math.isinf(ends.low)) or (value > highest and not math.isinf(ends.high))
