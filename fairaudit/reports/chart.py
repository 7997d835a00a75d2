"""Where dots, whiskers and marks lie: coordinates for the drawings beside the numbers. Every row of a column shares one axis."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fairaudit.evidence.measurement import Interval
from fairaudit.reports.numbers import Writer

WIDTH, HEIGHT, MARGIN = 180, 22, 8  # of a drawing, in its own units
_FARTHEST = 1e300  # where an axis ends at most, so that its length is a number too
_MOST_RATIO = 8.0  # a ratio's axis ends here and at 1/8, whatever one group's interval says


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    x: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """Words within a drawing, in its units."""

    x: str
    y: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A column's scale, and the marks that every row repeats. Positions are in units of the drawing."""

    low: float
    high: float
    is_log: bool
    ticks: tuple[Tick, ...]
    words: str  # "0% to 40%", where the axis itself is not in sight
    reference: str  # x of the reference, or ""
    limits: tuple[str, ...]  # x of the limits

    def x(self, value: float) -> float:
        place = (_log(value) - _log(self.low)) / (_log(self.high) - _log(self.low)) if self.is_log else (value - self.low) / (self.high - self.low)
        return MARGIN + min(max(place, 0.0), 1.0) * (WIDTH - 2 * MARGIN)

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Whisker:
    """One value and its interval on an axis, with the words for those who cannot see it."""

    words: str
    dot: str
    left: str  # "" where there is no interval
    right: str
    leaves_left: bool  # the interval goes on beyond the axis
    leaves_right: bool
    is_reference: bool
    axis: Axis


def whisker(axis: Axis, value: float | None, interval: Interval | None, *, words: str, is_reference: bool = False) -> Whisker | None:
    """The drawing of one value; None where there is no value to draw."""
    if value is None:
        return None
    lower, upper = interval if interval else (value, value)
    drawn = interval is not None
    return Whisker(
        words=words,
        dot=written(axis.x(value)) if axis.holds(value) else "",
        left=written(axis.x(lower)) if drawn else "",
        right=written(axis.x(upper)) if drawn else "",
        leaves_left=drawn and lower < axis.low,
        leaves_right=drawn and upper > axis.high,
        is_reference=is_reference,
        axis=axis,
    )


def rate_axis(values: Iterable[float], write: Writer, *, reference: float | None = None) -> Axis:
    """From 0 to a round number that holds all the values, at most 1."""
    top = min(1.0, _round_up(max(values, default=1.0) or 1.0))
    return _axis(0.0, top, (0.0, top / 2, top), write, reference=reference)


def difference_axis(values: Iterable[float], write: Writer, *, limits: Sequence[float] = ()) -> Axis:
    """Around 0, as far to either side as the values and limits go."""
    far = _round_up(max((abs(value) for value in (*values, *limits)), default=0.1) or 0.1)
    return _axis(-far, far, (-far, 0.0, far), write, reference=0.0, limits=limits)


def value_axis(values: Iterable[float], write: Writer, *, limits: Sequence[float] = ()) -> Axis:
    """From 0 to a round number that holds values and limits; as far to the other side where some are below 0."""
    drawn = [*values, *limits]
    far = _round_up(max(map(abs, drawn), default=1.0) or 1.0)
    low = -far if min(drawn, default=0.0) < 0 else 0.0
    return _axis(low, far, (low, (low + far) / 2, far), write, reference=None, limits=limits)


def ratio_axis(values: Iterable[float], write: Writer, *, limits: Sequence[float] = ()) -> Axis:
    """Around 1, in equal steps for equal factors: half as often is as far to the left as twice as often is to the right."""
    factors = [max(value, 1 / value) for value in (*values, *limits) if 0 < value < math.inf]
    far = next(step for step in (1.5, 2.0, 4.0, _MOST_RATIO) if step >= min(max(factors, default=2.0), _MOST_RATIO))
    return _axis(1 / far, far, (1 / far, 1.0, far), write, reference=1.0, limits=limits, is_log=True)


def _axis(
    low: float, high: float, ticks: Sequence[float], write: Writer, *, reference: float | None, limits: Sequence[float] = (), is_log: bool = False
) -> Axis:  # fmt: skip
    bare = Axis(low=low, high=high, is_log=is_log, ticks=(), words="", reference="", limits=())
    return Axis(
        low=low,
        high=high,
        is_log=is_log,
        ticks=tuple(Tick(x=written(bare.x(value)), text=write(value)) for value in ticks),
        words=f"{write(low)} to {write(high)}",
        reference=written(bare.x(reference)) if reference is not None and bare.holds(reference) else "",
        limits=tuple(written(bare.x(limit)) for limit in limits if bare.holds(limit)),
    )


def _round_up(value: float) -> float:
    """The next of 1, 2, 4, 5, 6, 8 times a power of ten: axes end at numbers that halve well."""
    value = min(max(value, 1e-4), _FARTHEST)
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 5, 6, 8, 10) if step * power >= value * (1 - 1e-9))


def _log(value: float) -> float:
    return math.log(max(value, 1e-9))


def written(x: float) -> str:
    """A position, to a tenth of a unit."""
    return f"{x:.1f}".removesuffix(".0")
