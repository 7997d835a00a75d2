"""How strong the evidence is that a group's value is past the limit: one function for each `decide_on`, side by side."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from fairaudit.evidence.intervals import Bounds, one_sided
from fairaudit.evidence.significance import (
    benjamini_hochberg,
    fisher_lower,
    fisher_upper,
    holm,
    studentized_range_quantile,
    studentized_range_sf,
    z_lower,
    z_upper,
)
from fairaudit.metrics.catalogue import Better
from fairaudit.rules.family import Family, blocks
from fairaudit.rules.limits import bounds, bounds_to_everyone, past
from fairaudit.rules.rule import Deciding, Direction, Method
from fairaudit.rules.tally import Tally
from fairaudit.types import Bools, Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the data say of each candidate; arrays of shape (candidates,)."""

    p_adjusted: Floats  # of "no disparity at all", over both looks; NaN where it was not tested
    is_real: Bools  # "no disparity at all" is rejected at the family's level
    is_beyond: Bools  # and the rule's line is crossed, as `decide_on` understands it
    look_alpha: float  # what the first look spends on a single group: α / tests, halved where there is a second


_CORRECTED: dict[Method, Callable[[Floats], Floats]] = {Method.TWO_LOOK: holm, Method.HOLM: holm, Method.BH: benjamini_hochberg, Method.NONE: lambda p: p}


def by_significance(family: Family) -> Evidence:
    """Beyond: the value is past the limit, and no disparity at all is rejected (RULES.md E3, `two-look`).

    Look 1 tests every group however small, and the pool, exactly, with Holm's correction; look 2 tests pairs of groups with
    enough evidence, with Tukey's, so that having picked the best-off group from the data is paid for. Each spends half of α.
    """
    raw = _look_one(family)
    tests = max(1, int(np.count_nonzero(~np.isnan(raw))))
    looks = 2 if _has_pairs(family) else 1
    corrected = _CORRECTED[family.rule.multiplicity.method](raw)
    convicted = corrected <= family.alpha / looks
    beyond = convicted & past(family.rule, family.line, family.tally, family.opposite)
    p = corrected * looks
    if looks == 2:
        pair_p, pair_real, pair_beyond = _look_two(family, family.alpha / 2)
        p = np.fmin(p, 2 * pair_p)
        convicted, beyond = convicted | pair_real, beyond | pair_beyond
    spent = family.alpha / looks / (1 if family.rule.multiplicity.method is Method.NONE else tests)
    return Evidence(p_adjusted=np.minimum(p, 1.0), is_real=convicted, is_beyond=beyond, look_alpha=spent)


def by_interval(family: Family) -> Evidence:
    """Beyond: the whole interval is past the limit, so that the error at the limit is held, and not only at no disparity."""
    evidence = by_significance(family)
    interval = bounds_of(family, level=one_sided(1 - _tail_of_each(family)))
    return Evidence(p_adjusted=evidence.p_adjusted, is_real=evidence.is_real, is_beyond=family.line.missed_by(interval), look_alpha=evidence.look_alpha)


def _tail_of_each(family: Family) -> float:
    """What one interval's end may miss by, so that all of them miss with α.

    Against the best-off group this is Tukey's: dividing α by twenty groups, as for a reference named beforehand, convicted
    somebody in 13 % of runs where ten of them lay exactly at the limit.
    """
    groups = family.tally.rows.size
    if family.rule.multiplicity.method is Method.NONE:
        return family.alpha
    if family.rule.reference == "best" and groups > 1:
        return 1 - NormalDist().cdf(studentized_range_quantile(family.alpha, groups) / math.sqrt(2))
    return family.alpha / groups


def by_point(family: Family) -> Evidence:
    """Beyond: the observed value is past the limit, chance or not."""
    evidence = by_significance(family)
    beyond = past(family.rule, family.line, family.tally, family.opposite)
    return Evidence(p_adjusted=evidence.p_adjusted, is_real=evidence.is_real, is_beyond=beyond, look_alpha=evidence.look_alpha)


DECIDE: dict[Deciding, Callable[[Family], Evidence]] = {
    Deciding.SIGNIFICANT: by_significance,
    Deciding.INTERVAL: by_interval,
    Deciding.POINT: by_point,
}


def bounds_of(family: Family, *, level: float) -> Bounds:
    """Interval of each candidate's value against its reference."""
    if family.rule.reference == "overall":
        return bounds_to_everyone(family.rule, family.tally, family.others, level=level)
    return bounds(family.rule, family.tally, family.opposite, level=level)


def _has_pairs(family: Family) -> bool:
    """Whether there is a second look: the best-off group is chosen from the data, and there are more than two."""
    chosen = family.rule.reference == "best" and family.rule.multiplicity.method is Method.TWO_LOOK
    return chosen and int(np.count_nonzero(family.tally.rows[: family.groups])) > 2


def _look_one(family: Family) -> Floats:
    """One-sided p of every candidate against everyone else, or against the reference where the rule fixes one."""
    opponents = family.opposite if family.has_fixed_reference else family.others
    lower, upper = (z_lower, z_upper) if family.tally.weighted else (fisher_lower, fisher_upper)
    table = _effective(family.tally, opponents) if family.tally.weighted else _counts(family.tally, opponents)
    if family.rule.direction is Direction.EITHER:
        p = np.minimum(2 * np.minimum(lower(*table), upper(*table)), 1.0)
    else:
        p = lower(*table) if family.better is Better.HIGHER else upper(*table)
    if family.has_fixed_reference:
        p[family.reference] = np.nan
    return p


def _counts(group: Tally, other: Tally) -> tuple[Any, ...]:
    """The table as the exact test takes it: the group's counts, and those of both sides."""
    x, n, y, m = (np.rint(part).astype(np.int64) for part in (group.hits, group.weight, other.hits, other.weight))
    return x, n, x + y, n + m


def _effective(group: Tally, other: Tally) -> tuple[Any, ...]:
    """The table as the z-test takes it: both sides' effective counts."""
    return group.events, group.trials, other.events, other.trials


def _look_two(family: Family, alpha: float) -> tuple[Floats, Bools, Bools]:
    """Tukey–Kramer over pairs of groups with enough evidence: each candidate's p, whether a pair rejects, and whether such a pair is past the limit."""
    size = family.tally.rows.size
    p, is_real, is_beyond = np.full(size, np.nan), np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
    judged = np.flatnonzero(family.enough[: family.groups])
    # Where everybody or nobody has the event, no two groups differ.
    if judged.size < 2 or not family.yardsticks.size or not 0 < float(family.everyone.rate.item()) < 1:
        return p, is_real, is_beyond
    better_off, rate = family.tally.at(family.yardsticks), family.everyone.rate
    critical = studentized_range_quantile(alpha, judged.size) / math.sqrt(2)
    for some in blocks(judged, better_off.rows.size):
        groups = family.tally.at(some[:, None])
        gap = (better_off.rate - groups.rate) * (1 if family.better is Better.HIGHER else -1)
        z = gap / np.sqrt(rate * (1 - rate) * (1 / groups.trials + 1 / better_off.trials))
        p[some] = studentized_range_sf(z.max(axis=1) * math.sqrt(2), judged.size)
        is_real[some] = (z > critical).any(axis=1)
        is_beyond[some] = ((z > critical) & past(family.rule, family.line, groups, better_off)).any(axis=1)
    return p, is_real, is_beyond
