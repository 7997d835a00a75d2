"""How many more rows would decide what is undecided: of the group, or, where the others are too few, of everyone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fairaudit.cube.counts import Counts
from fairaudit.evidence.intervals import one_sided
from fairaudit.evidence.measurement import Group, GroupKind
from fairaudit.evidence.power import power, rows_for_power
from fairaudit.rules.facts import Fact
from fairaudit.rules.family import Family
from fairaudit.rules.finding import RowsNeeded
from fairaudit.rules.limits import bounds, line
from fairaudit.rules.rule import Comparing
from fairaudit.rules.tally import Tally

_MOST = 2**40


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sides:
    """A candidate and those it is tested against; sizes are effective rows of the denominator."""

    size: float
    rate: float
    other_size: float
    other_rate: float


def rows_needed(family: Family, fact: Fact, counts: Counts) -> RowsNeeded | None:
    """The rows that would decide it, in addition to those there are: 80 % power against a true value of `serious`.

    A group that has that many already, and was unlucky, needs enough to settle it if its rate stays what it is.
    Rows are all rows of the group, as people are found: for a true positive rate only some of them are positives.

    Returns:
        None where no number of rows would do: nobody has events, or the rates leave no room for `serious`.
    """
    sides = _sides(family, fact.candidate)
    if not (sides.other_size > 0 and 0 < float(family.everyone.rate[0]) < 1):
        return None
    aim = _serious_rate(family, sides.other_rate)
    for grows in (0.0, sides.other_size / sides.size if sides.size else 0.0):
        rows = rows_for_power(group_rate=aim, other_rate=sides.other_rate, alpha=fact.look_alpha, other_rows=sides.other_size, grows=grows)
        if rows is not None and max(rows, minimal_size(family)) <= sides.size:
            rows = _rows_to_settle(family, fact, sides, grows)
        if rows is not None:
            rows = max(rows, minimal_size(family))
            return _scaled(family, fact.candidate, counts, rows - sides.size, sides, of_everyone=grows > 0)
    return None


def minimal_size(family: Family) -> int:
    """Rows of the denominator that reach the rule's minimum, at the pooled rate; the rate must be between 0 and 1."""
    rate, minimum = float(family.everyone.rate[0]), family.rule.minimum
    return math.ceil(max(minimum.rows, minimum.events / rate, minimum.non_events / (1 - rate)) - 1e-9)


def rows_to_minimum(family: Family, candidate: int, counts: Counts) -> RowsNeeded | None:
    """The rows a group lacks to be judged alone; None where the pooled rate is 0, 1 or undefined, or it lacks none."""
    if not 0 < float(family.everyone.rate[0]) < 1:
        return None
    sides = _sides(family, candidate)
    lacking = minimal_size(family) - sides.size
    return _scaled(family, candidate, counts, lacking, sides, of_everyone=False) if lacking > 0 else None


def _sides(family: Family, candidate: int) -> _Sides:
    group = family.tally.at([candidate])
    other = family.tally.at([family.reference]) if family.has_fixed_reference else family.everyone.apart_from(group)
    return _Sides(size=group.trials[0], rate=group.rate[0], other_size=other.trials[0], other_rate=other.rate[0])


def _serious_rate(family: Family, other: float) -> float:
    """The group's rate if the disparity were as large as `serious`, within what a rate can be."""
    ends = line(family.rule, family.better, family.rule.serious_limit)
    far = ends.high if math.isinf(ends.low) else ends.low
    rate = other * far if family.rule.comparison is Comparing.RATIO else other + far
    return min(max(rate, 0.0), 1.0)


def _rows_to_settle(family: Family, fact: Fact, sides: _Sides, grows: float) -> int | None:
    """The smallest size at which, rates staying as they are, `serious` is excluded, or what is past the limit is significant."""
    level, ends = one_sided(family.rule.confidence), line(family.rule, family.better, family.rule.serious_limit)

    def settled(size: float) -> bool:
        others = grows * size if grows else sides.other_size
        if fact.is_past and power(size, others, group_rate=sides.rate, other_rate=sides.other_rate, alpha=fact.look_alpha) >= 0.5:
            return True
        return bool(ends.met_by(bounds(family.rule, _made(sides.rate, size), _made(sides.other_rate, others), level=level))[0])

    low, high = math.floor(sides.size), math.floor(sides.size) + 1
    while not settled(high):
        low, high = high, 2 * high
        if high > _MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if settled(middle) else (middle, high)
    return high


def _made(rate: float, size: float) -> Tally:
    weight = np.array([size])
    return Tally(hits=rate * weight, weight=weight, weight_sq=weight, rows=np.ones(1, dtype=np.int64), weighted=False)


def _scaled(family: Family, candidate: int, counts: Counts, lacking: float, sides: _Sides, *, of_everyone: bool) -> RowsNeeded:
    """From rows of the denominator to rows of people, in the proportion that there is now."""
    members = family.pooled if candidate >= family.groups else (candidate,)
    rows = int(counts.rows[family.indices[list(members)]].sum())
    whole, everyone = int(counts.rows[family.indices].sum()), float(family.everyone.trials[0])
    if of_everyone:
        return RowsNeeded(group=Group(kind=GroupKind.OVERALL), rows=max(1, math.ceil(lacking / sides.size * whole)))
    per_size = rows / sides.size if sides.size else whole / everyone
    return RowsNeeded(group=family.group(candidate), rows=max(1, math.ceil(lacking * per_size - 1e-9)))
