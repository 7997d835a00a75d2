"""How strong the evidence is that a group's value is past the limit: one function for each `decide_on`, side by side."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from scipy.special import betainc, ndtr  # type: ignore[import-untyped]

from fairaudit.evidence.intervals import Bounds, one_sided
from fairaudit.evidence.rates import LEVEL
from fairaudit.evidence.significance import benjamini_hochberg, holm, studentized_range_quantile, studentized_range_sf
from fairaudit.metrics.catalogue import Better
from fairaudit.rules.basis import Basis, Estimates, errors_apart, errors_from
from fairaudit.rules.family import Family, blocks
from fairaudit.rules.limits import bounds, bounds_to_everyone, past, value_past
from fairaudit.rules.rule import Deciding, Direction, Method
from fairaudit.rules.sides import AGAINST_EVERYONE
from fairaudit.rules.tally import Tally, tails
from fairaudit.types import Bools, Floats, Ints


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
    enough evidence, with Tukey's, so that having picked the best-off group from the data is paid for. Each spends half of α. What is no rate has no exact
    test: there, only groups with enough evidence are tested, by their standard errors.

    Where a rule judges groups' own values, they are tested against the limit itself, with Holm's correction.
    """
    first = look_one(family)
    looks, tests = first.looks, max(1, first.tests)
    convicted = first.corrected <= family.alpha / looks
    if family.against_nobody:
        convicted &= ~_holds_limit(family)
    beyond = convicted & is_past(family)
    p = first.corrected * looks
    if looks == 2:
        pairs = look_two(family, family.alpha / 2)
        p = np.fmin(p, 2 * pairs.p)
        convicted, beyond = convicted | pairs.is_real, beyond | pairs.is_beyond
    spent = family.alpha / looks / (1 if family.rule.multiplicity.method is Method.NONE else tests)
    return Evidence(p_adjusted=np.minimum(p, 1.0), is_real=convicted, is_beyond=beyond, look_alpha=spent)


def by_interval(family: Family) -> Evidence:
    """Beyond: the whole interval is past the limit, so that the error at the limit is held, and not only at no disparity."""
    evidence = by_significance(family)
    if family.against_nobody:  # which has no other test
        return evidence
    interval = bounds_of(family, level=one_sided(1 - tail_of_each(family)))
    return Evidence(p_adjusted=evidence.p_adjusted, is_real=evidence.is_real, is_beyond=family.line.missed_by(interval), look_alpha=evidence.look_alpha)


def tail_of_each(family: Family) -> float:
    """What one interval's end may miss by, so that all of them miss with α.

    Against the best-off group this is Tukey's: dividing α by twenty groups, as for a reference named beforehand, convicted
    somebody in 13 % of runs where ten of them lay exactly at the limit.
    """
    groups = family.candidates.rows.size
    if family.rule.multiplicity.method is Method.NONE:
        return family.alpha
    if family.rule.reference == "best" and groups > 1:
        return 1 - NormalDist().cdf(studentized_range_quantile(family.alpha, groups) / math.sqrt(2))
    return family.alpha / groups


def by_point(family: Family) -> Evidence:
    """Beyond: the observed value is past the limit, chance or not."""
    evidence = by_significance(family)
    return Evidence(p_adjusted=evidence.p_adjusted, is_real=evidence.is_real, is_beyond=is_past(family), look_alpha=evidence.look_alpha)


DECIDE: dict[Deciding, Callable[[Family], Evidence]] = {
    Deciding.SIGNIFICANT: by_significance,
    Deciding.INTERVAL: by_interval,
    Deciding.POINT: by_point,
}


def is_past(family: Family) -> Bools:
    """Whose value is past the limit."""
    if family.against_nobody:
        return value_past(family.rule, family.line, family.candidates)
    if family.apart:
        return family.line.passed_by(family.apart.value(family.rule))
    return past(family.rule, family.line, family.candidates, family.opposite)


def bounds_of(family: Family, *, level: float) -> Bounds:
    """Interval of each candidate's value against its reference, or of its own."""
    if family.against_nobody:
        own = family.candidates.estimate(level)
        return own.lower, own.upper
    if family.apart:
        return family.apart.bounds(family.rule, level=level)
    if family.rule.reference == "overall" and family.metric.id not in AGAINST_EVERYONE:
        return bounds_to_everyone(family.rule, family.candidates, family.others, family.everyone, level=level)
    return bounds(family.rule, family.candidates, family.opposite, level=level)


def _has_pairs(family: Family) -> bool:
    """Whether there is a second look: the best-off group is chosen from the data, and there are more than two."""
    chosen = family.rule.reference == "best" and family.rule.multiplicity.method is Method.TWO_LOOK and not family.against_nobody
    return chosen and int(np.count_nonzero(family.candidates.rows[: family.groups])) > 2


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """What the first look says of each candidate; arrays of shape (candidates,)."""

    p: Floats  # as the test gives it; NaN where it was not tested
    corrected: Floats  # for the number of tests
    looks: int  # 2 where there is a second

    @property
    def tests(self) -> int:
        return int(np.count_nonzero(~np.isnan(self.p)))


def look_one(family: Family) -> First:
    """Every candidate by itself, corrected for their number."""
    p = _look_one(family)
    return First(p=p, corrected=_CORRECTED[family.rule.multiplicity.method](p), looks=2 if _has_pairs(family) else 1)


def opponents(family: Family) -> Basis:
    """Whom the first look tests each candidate against."""
    return family.opposite if family.has_fixed_reference else family.others


def _look_one(family: Family) -> Floats:
    """One-sided p of every candidate against everyone else, against the reference where the rule fixes one, or against the limit."""
    if family.against_nobody:
        return _against_limit(family)
    lower, upper = family.apart.tails() if family.apart else _tails(family.candidates, opponents(family), family.sides.spread)
    either = np.minimum(2 * np.minimum(lower, upper), 1.0)
    p = either if family.rule.direction is Direction.EITHER else lower if family.better is Better.HIGHER else upper
    if isinstance(family.candidates, Estimates):
        p = np.where(family.enough, p, np.nan)
    if family.has_fixed_reference:
        p[family.reference] = np.nan
    return p


def _tails(group: Basis, other: Basis, spread: float) -> tuple[Floats, Floats]:
    """How easily chance alone would put each group as far below the other, and as far above."""
    if isinstance(group, Tally) and isinstance(other, Tally):
        return tails(group, other)
    assert isinstance(group, Estimates) and isinstance(other, Estimates)
    z = errors_apart(group, other, spread)
    return ndtr(z), ndtr(-z)


def _against_limit(family: Family) -> Floats:
    """How easily chance alone would put a group, whose true value is at the limit, so far past it; the nearer end where there are two."""
    ends = [(end, sign) for end, sign in ((family.line.low, -1), (family.line.high, 1)) if math.isfinite(end)]
    nearer: Floats = np.fmin.reduce([_beyond_end(family, end, sign) for end, sign in ends])
    return nearer


def _holds_limit(family: Family) -> Bools:
    """Whose 95 % interval, as it is shown, holds the limit; of what is no rate, which may be far from normal or cut at the end of its range, and is not convicted then."""
    if isinstance(family.candidates, Tally):
        return np.zeros(family.candidates.rows.size, dtype=bool)
    shown = family.candidates.estimate(LEVEL)
    return ~family.line.missed_by((shown.lower, shown.upper))


def _beyond_end(family: Family, end: float, sign: int) -> Floats:
    """One-sided p of values above an end, or below it where `sign` is negative: binomial for counts, by standard errors otherwise."""
    group = family.candidates
    if isinstance(group, Tally):
        return np.where(group.trials > 0, _binomial(group.events, group.trials, end, sign), np.nan)
    assert isinstance(group, Estimates)
    out: Floats = np.where(family.enough, ndtr(-sign * errors_from(group, end)), np.nan)
    return out


def _binomial(events: Floats, trials: Floats, chance: float, sign: int) -> Floats:
    """P(X ≥ events), or P(X ≤ events) where `sign` is negative; effective counts need not be whole.

    Source: Abramowitz & Stegun (1964), 26.5.24.
    """
    x, rest, p = (events, trials - events, chance) if sign > 0 else (trials - events, events, 1 - chance)
    return np.where(x > 0, betainc(np.maximum(x, np.finfo(float).tiny), np.maximum(rest, 0.0) + 1, p), 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """What the second look says of each candidate; arrays of shape (candidates,)."""

    p: Floats  # of its furthest pair; NaN where it was not tested
    is_real: Bools  # whether a pair rejects
    is_beyond: Bools  # whether such a pair is past the limit
    z: Floats  # of its furthest pair: by how many standard errors it is worse off; NaN where it was not tested
    against: Ints  # whom that pair is with, a candidate; −1 where it was not tested
    critical: float  # what z must pass: q / √2; NaN where nothing was tested
    groups: int  # of which the range is studentized


def look_two(family: Family, alpha: float) -> Pairs:
    """Tukey–Kramer over pairs of groups with enough evidence."""
    size = family.candidates.rows.size
    judged = family.yardsticks if family.asked.comparison.is_extreme else np.flatnonzero(family.enough[: family.groups])
    critical = studentized_range_quantile(alpha, judged.size) / math.sqrt(2) if judged.size >= 2 else math.nan
    found = Pairs(
        p=np.full(size, np.nan), is_real=np.zeros(size, dtype=bool), is_beyond=np.zeros(size, dtype=bool), z=np.full(size, np.nan),
        against=np.full(size, -1), critical=critical, groups=int(judged.size),
    )  # fmt: skip
    # Where everybody or nobody has the event, no two groups differ.
    if judged.size < 2 or not family.yardsticks.size or (isinstance(family.everyone, Tally) and not 0 < float(family.everyone.rate.item()) < 1):
        return found
    better_off = family.candidates.at(family.yardsticks)
    for some in blocks(judged, better_off.rows.size):
        groups = family.candidates.at(some[:, None])
        z = _errors_below(groups, better_off, family)
        known = np.where(np.isnan(z), -np.inf, z)
        furthest = np.max(known, axis=1)
        found.z[some] = np.where(np.isinf(furthest), np.nan, furthest)
        found.against[some] = np.where(np.isinf(furthest), -1, family.yardsticks[np.argmax(known, axis=1)])
        found.p[some] = np.where(np.isinf(furthest), np.nan, studentized_range_sf(np.maximum(furthest, 0.0) * math.sqrt(2), judged.size))
        rejected = (z > critical).any(axis=1)
        found.is_real[some] = rejected
        found.is_beyond[some[rejected]] = ((z[rejected] > critical) & past(family.rule, family.line, family.candidates.at(some[rejected, None]), better_off)).any(axis=1)
    return found


def _errors_below(groups: Basis, better_off: Basis, family: Family) -> Floats:
    """By how many standard errors groups are worse off than others."""
    sign = 1 if family.better is Better.HIGHER else -1
    if isinstance(groups, Estimates) and isinstance(better_off, Estimates):
        return -sign * errors_apart(groups, better_off, family.sides.spread)
    rate = family.everyone.value
    out: Floats = sign * (better_off.value - groups.value) / np.sqrt(rate * (1 - rate) * (1 / groups.trials + 1 / better_off.trials))
    return out
