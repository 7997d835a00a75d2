"""The widest gap between any two groups of a slicing, with intervals that hold for all pairs at once.

A gap takes the winners of noise: on fair data the interval of a pair that was named beforehand leaves out 0 far too often once the pair is picked
for its gap. Tukey's critical value pays for the picking.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import NormalDist

import numpy as np

from fairaudit.cube.counts import Counts
from fairaudit.cube.slices import Slicing
from fairaudit.evidence.cell_errors import error_of, gap_error
from fairaudit.evidence.estimates import estimate
from fairaudit.evidence.intervals import Bounds, Estimate, mover_r, newcombe
from fairaudit.evidence.measurement import Comparison, Group, Interval, Status
from fairaudit.evidence.rates import LEVEL, rate
from fairaudit.evidence.significance import studentized_range_quantile
from fairaudit.evidence.wanted import PARAMS, Only, computable, kinds_of
from fairaudit.metrics.catalogue import Metric, Shape
from fairaudit.metrics.engines.interface import Kind
from fairaudit.metrics.engines.native import value_of
from fairaudit.metrics.engines.over_groups import known_groups
from fairaudit.types import Floats, Ints

_AT_ONCE = 500  # groups of which all pairs are held
_OVER_ALL = {Kind.DIFFERENCE: Kind.GAP, Kind.RATIO: Kind.MIN_MAX_RATIO}


def across(counts: Counts, slicings: Sequence[Slicing], *, threshold: float | None, only: Only = None) -> tuple[Comparison, ...]:
    """The gap of each compared metric over all groups of each slicing, and the ratio of its smallest to its largest value.

    The group is the one with the smallest value and the reference the one with the largest. A group of a missing value is left out; so is one
    without a value, and then `reason` says that the number is partial. A group whose value is infinite has the largest, so the gap is infinite. A slicing of fewer than two known groups has none.
    """
    known = [(slicing, groups) for slicing in slicings if (groups := known_groups(counts, slicing)).size > 1]
    by_metric = [list(_compared(metric, counts, known, threshold)) for metric in computable(counts, only) if metric.shape is not Shape.PAIR and kinds_of(metric)] if known else []
    return tuple(one for place in range(len(known)) for of_metric in by_metric for one in of_metric[place])


def _compared(metric: Metric, counts: Counts, known: Sequence[tuple[Slicing, Ints]], threshold: float | None) -> Iterator[list[Comparison]]:
    """For each slicing, what is asked of the metric."""
    params = dict(PARAMS.get(metric.id, ()))
    usual = None if metric.shape is Shape.RATE else estimate(metric, counts, params)
    values, error = value_of(metric.id, counts, params), error_of(metric, counts)
    at = None if metric.needs_score or metric.id == "base_rate" else threshold
    for slicing, groups in known:
        held = ~np.isnan(values[groups])
        able, without = groups[held], groups[~held]
        found = values[able]
        infinite = able[np.isinf(found)]
        off = None if error is None else error[able]
        group, reference = (counts.slices[able[place(found)] if able.size else groups[0]] for place in (_lowest, _highest))
        simultaneous = _simultaneous(metric, counts, able, usual) if able.size > 1 and not infinite.size else None
        yield [
            Comparison(
                metric=metric.id, kind=kind.value, params=params, slicing=slicing, group=Group(slice=group), reference=Group(slice=reference), threshold=at,
                value=value, interval=None if value is None or simultaneous is None else _interval(kind, simultaneous, value, most_off),
                status=_status(kind, value, found), reason=_said(metric, kind, counts, without, infinite, found),
                error=most_off if value is not None and most_off else None, engines={"native": value},
            )
            for kind in map(_OVER_ALL.__getitem__, kinds_of(metric))
            for value in (_value(kind, found),)
            for most_off in (None if infinite.size else gap_error(kind, found, off),)
        ]  # fmt: skip


def _lowest(found: Floats) -> int:
    return int(np.argmin(found))


def _highest(found: Floats) -> int:
    return int(np.argmax(found))


def _value(kind: Kind, found: Floats) -> float | None:
    if found.size < 2 or np.isinf(found).any():
        return None
    if kind is Kind.GAP:
        return float(found.max() - found.min())
    return float(found.min() / found.max()) if found.max() > 0 else None


def _status(kind: Kind, value: float | None, found: Floats) -> Status:
    """A gap to an infinite value is infinite; between two of them, and of a ratio, nothing can be said."""
    if value is not None:
        return Status.OK
    return Status.INFINITE if kind is Kind.GAP and np.isinf(found).any() and np.isfinite(found).any() else Status.UNDEFINED


def _said(metric: Metric, kind: Kind, counts: Counts, without: Ints, infinite: Ints, found: Floats) -> str:
    """Why there is no finite value, or that it is one of some groups only."""
    if infinite.size and found.size > 1:
        return "; ".join(filter(None, (f"{metric.infinite or 'infinite'} in {_listed(counts, infinite)}", without_words(counts, without))))
    if found.size < 2:
        return f"fewer than two groups have a value ({metric.undefined or metric.infinite})"
    if kind is Kind.MIN_MAX_RATIO and found.max() <= 0:
        return "the largest value is 0"
    return without_words(counts, without)


def without_words(counts: Counts, groups: Ints) -> str:
    """That a number over all groups is one of some only; nothing where it is of all."""
    if not groups.size:
        return ""
    return f"partial: without {_listed(counts, groups)}, where it has no value"


def _listed(counts: Counts, groups: Ints) -> str:
    return ", ".join(counts.slices[index].label for index in groups[:3]) + (f" and {groups.size - 3:,} more" if groups.size > 3 else "")


def _interval(kind: Kind, found: Estimate, value: float | None = None, error: float | None = None) -> Interval | None:
    lower, upper = widest_ends(kind, found)
    if value is not None and error is not None:  # the groups' own intervals are widened by theirs, of which a pair's has less than both
        lower, upper = max(min(lower, value - error), 0.0), max(upper, value + error)
        upper = upper if kind is Kind.GAP else min(upper, 1.0)
    return (lower, upper) if math.isfinite(lower) and math.isfinite(upper) else None


def widest_ends(kind: Kind, found: Estimate) -> Interval:
    """The ends of a gap, or of the smallest over the largest, of groups whose intervals are at the level at which all pairs hold together; NaN where undefined."""
    lower, upper = extreme_ends(found, newcombe, np.fmax.reduce) if kind is Kind.GAP else extreme_ends(found, mover_r, np.fmin.reduce)
    return max(lower, 0.0), upper if kind is Kind.GAP else min(upper, 1.0)


def gap_bounds(metric: Metric, kind: Kind, counts: Counts, groups: Ints, *, level: float) -> Interval | None:
    """Of a rate's gap, or ratio of smallest to largest, over those of the groups that have one; None where fewer than two have."""
    able = groups[np.isfinite(value_of(metric.id, counts)[groups])]
    found = _simultaneous(metric, counts, able, None, level=level) if able.size > 1 else None
    return None if found is None else _interval(kind, found)


def _simultaneous(metric: Metric, counts: Counts, groups: Ints, usual: Estimate | None, *, level: float = LEVEL) -> Estimate | None:
    """Each group's interval at the level at which the differences of all pairs hold together.

    Rates have Wilson's at that level; other intervals are stretched, each arm as the normal limit would have it. Where nothing is known of a group, its
    interval is all that the metric can be.

    Args:
        usual: what is no rate with its 95 % intervals; None where it has none.
    """
    critical = studentized_range_quantile(1 - level, groups.size) / math.sqrt(2)
    if metric.shape is Shape.RATE:
        own = rate(metric, counts, level=2 * NormalDist().cdf(critical) - 1)
        if counts.clusters is None:
            return own.at(groups)
        one, stretch = Estimate(value_of(metric.id, counts), own.lower, own.upper).at(groups), 1.0
    elif usual is None:
        return None
    else:
        one, stretch = usual.at(groups), critical / NormalDist().inv_cdf((1 + LEVEL) / 2)
    lower, upper = one.value - stretch * (one.value - one.lower), one.value + stretch * (one.upper - one.value)
    return filled(Estimate(one.value, lower, upper), metric.bounds)


def filled(found: Estimate, bounds: tuple[float, float]) -> Estimate:
    """The same with ends within what the metric can be, and as far as it can be where nothing is known."""
    (least, most), lower, upper = bounds, found.lower, found.upper
    return Estimate(found.value, np.where(np.isnan(lower), least, np.maximum(lower, least)), np.where(np.isnan(upper), most, np.minimum(upper, most)))


def extreme_ends(found: Estimate, pair: Callable[[Estimate, Estimate], Bounds], taken: Callable[[Floats], Floats]) -> Interval:
    """The most extreme of all ordered pairs' lower ends, and of their upper ends: the largest of a gap, the smallest of a ratio. In blocks of pairs."""
    parts = np.array(list(_by_parts(found, pair, taken)))
    return float(taken(parts[:, 0])), float(taken(parts[:, 1]))


def _by_parts(found: Estimate, pair: Callable[[Estimate, Estimate], Bounds], taken: Callable[[Floats], Floats]) -> Iterator[Interval]:
    places = np.arange(found.value.size)
    for start in range(0, places.size, _AT_ONCE):
        some = places[start : start + _AT_ONCE]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            lower, upper = pair(found.at(some[:, None]), found.at(places[None, :]))
        itself = some[:, None] == places
        yield float(taken(np.where(itself, np.nan, lower).ravel())), float(taken(np.where(itself, np.nan, upper).ravel()))
