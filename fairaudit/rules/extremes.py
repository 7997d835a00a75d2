"""What a rule on a gap, or on the smallest value over the largest, says of the two groups that are furthest apart."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from fairaudit.evidence.across import filled, widest_ends
from fairaudit.evidence.measurement import Interval
from fairaudit.evidence.significance import studentized_range_quantile
from fairaudit.metrics.engines.interface import Kind
from fairaudit.rules.evidence import look_two
from fairaudit.rules.facts import SHOWN_LEVEL, Fact, events_of, meets_against_all
from fairaudit.rules.family import Family
from fairaudit.rules.limits import past
from fairaudit.rules.rule import Comparing, Deciding, SmallGroups


def furthest_apart(family: Family) -> Fact | None:
    """The fact of a slicing; None where fewer than two candidates can be judged.

    Only groups with enough evidence are looked at, the small ones together; the smallest of a handful of tiny groups says nothing. All pairs are tested
    by Tukey's critical value at the family's whole share: there is no other look.
    """
    places = family.yardsticks
    values = family.candidates.value[places]
    held = places[np.isfinite(values)]
    if family.reference is None or places.size < 2 or (held.size < 2 and not np.isinf(values).any()):
        return None
    lowest, highest = (int(places[pick(values)]) for pick in (np.nanargmin, np.nanargmax))
    low, high = float(family.candidates.value[lowest]), float(family.candidates.value[highest])
    value = _value(family, low, high)
    partial = held.size < places.size or (family.asked.small_groups is SmallGroups.GATE and not bool(family.enough[family.candidates.rows > 0].all()))
    pairs = look_two(family, family.alpha)
    is_past = math.isinf(value) or bool(past(family.rule, family.line, family.candidates.at([lowest]), family.candidates.at([highest]))[0])
    lower, upper = simultaneous(family, 1 - SHOWN_LEVEL)
    near, far = simultaneous(family, family.alpha)
    beyond = {
        Deciding.SIGNIFICANT: bool(pairs.is_beyond[places].any()),
        Deciding.INTERVAL: bool(family.asked_line.missed_by((np.array(near), np.array(far)))),
        Deciding.POINT: is_past,
    }[family.asked.decide_on]
    return Fact(
        candidate=lowest, rows=int(family.candidates.rows[lowest]), events=float(events_of(family)[lowest]), value=value, lower=lower, upper=upper,
        is_reference=False, enough=True, is_past=is_past, is_real=bool(pairs.is_real[places].any()), is_beyond=beyond and not math.isnan(value),
        is_within=not partial and bool(meets_against_all(family, family.line)[places].all()),
        excludes_serious=not partial and bool(meets_against_all(family, family.serious_line)[places].all()),
        p_adjusted=float(np.fmin.reduce(pairs.p[places])), look_alpha=family.alpha, is_partial=partial,
    )  # fmt: skip


def _value(family: Family, low: float, high: float) -> float:
    """Of the lowest and the highest; a gap to an infinite value is infinite, and there is no ratio to one, nor to 0."""
    if family.asked.comparison is Comparing.GAP:
        return high - low if math.isfinite(low) else math.nan
    return low / high if 0 < high < math.inf else math.nan


def simultaneous(family: Family, alpha: float) -> Interval:
    """The interval that holds for all pairs at once."""
    critical = studentized_range_quantile(alpha, family.yardsticks.size) / math.sqrt(2)
    found = family.candidates.estimate(2 * NormalDist().cdf(critical) - 1).at(family.yardsticks)
    return widest_ends(Kind(family.asked.comparison.value), filled(found, family.metric.bounds))
