"""What a rule on a gap, or on the smallest value over the largest, says of the two groups that are furthest apart."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from fairaudit.evidence.across import widest_ends
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
    if held.size < 2 or family.reference is None:
        return None
    lowest, highest = (int(held[pick(family.candidates.value[held])]) for pick in (np.argmin, np.argmax))
    low, high = float(family.candidates.value[lowest]), float(family.candidates.value[highest])
    is_gap = family.asked.comparison is Comparing.GAP
    value = high - low if is_gap else low / high if high > 0 else math.nan
    whole = held.size == places.size and (family.asked.small_groups is not SmallGroups.GATE or bool(family.enough[family.candidates.rows > 0].all()))
    pairs = look_two(family, family.alpha)
    is_past = bool(past(family.rule, family.line, family.candidates.at([lowest]), family.candidates.at([highest]))[0])
    lower, upper = _simultaneous(family, 1 - SHOWN_LEVEL)
    near, far = _simultaneous(family, family.alpha)
    beyond = {
        Deciding.SIGNIFICANT: bool(pairs.is_beyond[places].any()),
        Deciding.INTERVAL: bool(family.asked_line.missed_by((np.array(near), np.array(far)))),
        Deciding.POINT: is_past,
    }[family.asked.decide_on]
    return Fact(
        candidate=lowest, rows=int(family.candidates.rows[lowest]), events=float(events_of(family)[lowest]), value=value, lower=lower, upper=upper,
        is_reference=False, enough=whole, is_past=is_past, is_real=bool(pairs.is_real[places].any()), is_beyond=beyond and not math.isnan(value),
        is_within=whole and bool(meets_against_all(family, family.line)[places].all()),
        excludes_serious=whole and bool(meets_against_all(family, family.serious_line)[places].all()),
        p_adjusted=float(np.fmin.reduce(pairs.p[places])), look_alpha=family.alpha,
    )  # fmt: skip


def _simultaneous(family: Family, alpha: float) -> Interval:
    """The interval that holds for all pairs at once."""
    critical = studentized_range_quantile(alpha, family.yardsticks.size) / math.sqrt(2)
    found = family.candidates.estimate(2 * NormalDist().cdf(critical) - 1).at(family.yardsticks)
    return widest_ends(Kind(family.asked.comparison.value), found)
