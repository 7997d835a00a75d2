"""Rules on one number over all groups of a slicing: differential fairness, equalized odds over all pairs, entropy between groups."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from scipy.special import ndtr  # type: ignore[import-untyped]

from fairaudit.cube.counts import Counts
from fairaudit.evidence.intervals import Estimate, one_sided
from fairaudit.evidence.measurement import Comparison, Group, GroupKind, Interval
from fairaudit.evidence.over_groups import over_groups
from fairaudit.evidence.power import POWER
from fairaudit.evidence.rates import Z
from fairaudit.metrics.answers import gathered, replies
from fairaudit.metrics.catalogue import Metric
from fairaudit.metrics.engines.interface import Quantity
from fairaudit.metrics.engines.native import NativeEngine
from fairaudit.rules.basis import Estimates, errors_from
from fairaudit.rules.facts import Fact
from fairaudit.rules.finding import Finding, Outcome, RowsNeeded, Verdict
from fairaudit.rules.limits import line, serious_magnitude
from fairaudit.rules.params import params_of
from fairaudit.rules.plan import Context, Planned
from fairaudit.rules.rule import Deciding, Rule
from fairaudit.types import Ints


def decide_whole(planned: Planned, metric: Metric, indices: Ints, counts: Counts, context: Context, *, gates: bool) -> tuple[Fact, Finding]:
    """What a rule says of a slicing as a whole: its number is held against the limit, by the interval that holds for all pairs at once.

    Args:
        indices: the slicing's slices in `counts`.
        gates: whether an inconclusive here blocks a pass.
    """
    rule, better = planned.rule, planned.rule.better_of(metric.id, context.effect)
    found = _found(planned, metric, counts)
    limit, serious = line(rule, metric, better, rule.limit), line(rule, metric, better, serious_magnitude(rule, metric, better))
    rows = int(counts.rows[indices].sum())
    alpha = planned.alpha / len(rule.metrics)
    fact = _fact(found, metric, planned, limit_ends=(limit.low, limit.high), serious_ends=(serious.low, serious.high), rows=rows, alpha=alpha)
    needed = _needed(fact, limit.nearest(fact.value), serious.nearest(fact.value), rule.confidence) if fact.verdict is Verdict.INCONCLUSIVE and math.isfinite(fact.value) else None
    return fact, Finding(
        rule=rule.id, extends=rule.extends, metric=metric.id, kind=rule.comparison.value, slicing=planned.slicing, group=found.group or Group(kind=GroupKind.OVERALL), reference=found.reference,
        threshold=context.threshold, value=found.value, interval=found.interval, limit=limit.open_ends, limit_origin=rule.limit_origin.value, serious=serious.nearest(fact.value),
        outcome=fact.outcome, verdict=fact.verdict, needed_for_pass=gates, severity=rule.severity, p_adjusted=None if math.isnan(fact.p_adjusted) else fact.p_adjusted,
        alpha=alpha, family=f"{rule.id} on {'*'.join(planned.slicing)}", rows=rows, rows_needed=needed, reason=_reason(fact, found, serious.nearest(fact.value), needed),
        notes=("of positive decisions alone",) if rule.params.get("outcome") == "positive" else (),
    )  # fmt: skip


def groups_able(rule: Rule, indices: Ints, counts: Counts) -> int:
    """How many groups have as many rows as the rule asks of events and non-events together; a crossing of fewer than two is too thin to gate."""
    return int((counts.rows[indices].sum(axis=(1, 2)) >= max(rule.minimum.rows, rule.minimum.events + rule.minimum.non_events)).sum())


def _found(planned: Planned, metric: Metric, counts: Counts) -> Comparison:
    wanted = (Quantity(metric=metric.id, slicings=(planned.slicing,), params=params_of(planned.rule, metric.id, ())),)
    return over_groups(gathered(wanted, replies(NativeEngine(), wanted, counts)), counts, threshold=None)[0]


def _fact(
    found: Comparison, metric: Metric, planned: Planned, *, limit_ends: tuple[float, float], serious_ends: tuple[float, float], rows: int, alpha: float
) -> Fact:
    value = math.nan if found.value is None else found.value
    lower, upper = found.interval or (math.nan, math.nan)
    one = _estimates(value, lower, upper, metric, rows)
    tails = [float(ndtr(-sign * errors_from(one, end))[0]) for end, sign in zip(limit_ends, (-1, 1), strict=True) if math.isfinite(end)]
    p = float(np.fmin.reduce(tails))
    is_past = value < limit_ends[0] or value > limit_ends[1]
    is_real = p <= alpha and (lower > limit_ends[1] or upper < limit_ends[0])  # an interval that holds the limit convicts nobody
    least, most = _one_sided(one, planned.rule.confidence)
    return Fact(
        candidate=0, rows=rows, events=math.nan, value=value, lower=lower, upper=upper, is_reference=False, enough=True, is_past=is_past, is_real=is_real,
        is_beyond=is_past and (is_real or planned.rule.decide_on is Deciding.POINT), is_within=least >= limit_ends[0] and most <= limit_ends[1],
        excludes_serious=least >= serious_ends[0] and most <= serious_ends[1], p_adjusted=p, look_alpha=alpha,
    )  # fmt: skip


def bounds_of_whole(fact: Fact, metric: Metric, confidence: float) -> Interval:
    """The one-sided bounds that a pass rests on."""
    return _one_sided(_estimates(fact.value, fact.lower, fact.upper, metric, fact.rows), confidence)


def _estimates(value: float, lower: float, upper: float, metric: Metric, rows: int) -> Estimates:
    return Estimates(found=Estimate(np.array([value]), np.array([lower]), np.array([upper])), rows=np.array([rows]), trials=np.array([float(rows)]), bounds=metric.bounds)


def _one_sided(one: Estimates, confidence: float) -> Interval:
    surely = one.estimate(one_sided(confidence))
    return float(surely.lower[0]), float(surely.upper[0])


def _needed(fact: Fact, limit: float, serious: float, confidence: float) -> RowsNeeded | None:
    """How many more rows of everyone would find a value of `serious` with 80 % power, or settle it if the value stays what it is."""
    normal, error = NormalDist(), (fact.upper - fact.lower) / (2 * Z)
    if not error > 0:
        return None
    for apart, tail in ((serious - limit, normal.inv_cdf(1 - fact.look_alpha) + normal.inv_cdf(POWER)), (serious - fact.value, normal.inv_cdf(confidence))):
        rows = fact.rows * (tail * error / apart) ** 2 if apart else math.inf
        if math.isfinite(rows) and rows > fact.rows:
            return RowsNeeded(group=Group(kind=GroupKind.OVERALL), rows=math.ceil(rows - fact.rows))
    return None


def _reason(fact: Fact, found: Comparison, serious: float, needed: RowsNeeded | None) -> str:
    match fact.outcome:
        case Outcome.BEYOND:
            return "past the limit, and further than chance would put a value that is at the limit" if fact.is_real else "past the limit"
        case Outcome.WITHIN:
            return "within the limit, with the confidence that the rule asks for"
        case Outcome.UNDEFINED:
            return found.reason or "it has no value"
    if fact.verdict is Verdict.PASS:
        return f"not proven within the limit; a value as far off as {serious:g} is excluded"
    more = f"; about {needed.rows} more rows would decide it" if needed else ""
    return f"neither a violation nor its absence can be shown{more}"
