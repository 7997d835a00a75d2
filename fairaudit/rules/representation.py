"""Rules on who the rows are: each group's share of them against its share of a population, and whether it has rows enough to be judged by any other rule."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from statistics import NormalDist

import numpy as np
from scipy.special import betainc  # type: ignore[import-untyped]

from fairaudit.cube.clusters import DECIDED
from fairaudit.cube.counts import NEGATIVE, POSITIVE, Counts
from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.evidence.design_effects import effect_of_rate, smaller
from fairaudit.evidence.intervals import effective_size, one_sided, proportion
from fairaudit.evidence.measurement import Group, GroupKind
from fairaudit.evidence.power import POWER
from fairaudit.evidence.rates import LEVEL
from fairaudit.evidence.significance import holm
from fairaudit.metrics.catalogue import Better, Metric
from fairaudit.rules.facts import Fact
from fairaudit.rules.finding import Finding, Outcome, RowsNeeded, Severity, Verdict
from fairaudit.rules.limits import line, serious_magnitude
from fairaudit.rules.plan import Context, Planned, population_of
from fairaudit.rules.rule import Deciding, Minimum, Rule
from fairaudit.types import Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Represented:
    """The groups of a population, and behind them those that only the rows have. Arrays of shape (groups,)."""

    groups: tuple[Slice, ...]
    share: Floats  # of the population; NaN where it has no such group
    rows: Ints
    positives: Ints
    negatives: Ints
    labelled: bool
    weighted: bool
    weight: Floats
    everyone: float  # weight of the rows whose value is known
    trials: Floats  # how many independent rows a group's share rests on: all of them, effective ones where there are weights or clusters

    @property
    def value(self) -> Floats:
        """Share of the rows over share of the population; NaN where undefined."""
        return self.weight / self.everyone / self.share if self.everyone > 0 else np.full(self.share.size, np.nan)

    def bounds(self, level: float) -> tuple[Floats, Floats]:
        """Wilson's interval of the share of rows, over the population's."""
        found = proportion(self.weight / self.everyone * self.trials if self.everyone > 0 else self.trials * np.nan, self.trials, level=level)
        return found.lower / self.share, found.upper / self.share


def represented(planned: Planned, indices: Ints, counts: Counts, context: Context) -> Represented:
    """Who the rows of a slicing by one attribute are; rows whose value is missing are left out.

    Args:
        indices: the slicing's slices in `counts`.
    """
    (attribute,) = planned.slicing
    shares = population_of(planned.rule, context)[attribute]
    known = {counts.slices[index]: int(index) for index in indices if not counts.slices[index].has_missing}
    groups = (*(Slice([(attribute, value)]) for value in shares), *(one for one in known if dict(one.values)[attribute] not in shares))
    every = list(known.values())
    everyone = float(counts.weight[every].sum())

    def of(sums: Floats | Ints) -> Floats:
        return np.array([sums[known[one]].sum() if one in known else 0 for one in groups])

    weight, weight_sq = of(counts.weight).astype(np.float64), float(counts.weight_sq[every].sum())
    size = float(effective_size(np.array([everyone]), np.array([weight_sq]))[0]) if everyone > 0 else 0.0
    trials = np.full(len(groups), size if counts.has_weights else everyone)
    if counts.clusters is not None and counts.clusters.beside is not None:
        everybody = counts.slices.index(EVERYONE)
        own, beside = (of(part[:, :DECIDED, :DECIDED]) for part in (counts.clusters.products, counts.clusters.beside))
        whole = float(counts.clusters.products[everybody, :DECIDED, :DECIDED].sum())
        ones = np.ones(len(groups))
        trials = smaller(trials, effect_of_rate(weight, everyone * ones, weight_sq * ones, own, beside, whole * ones))
    return Represented(
        groups=groups, share=np.array([shares.get(str(dict(one.values)[attribute]), np.nan) for one in groups]), rows=of(counts.rows).astype(np.int64),
        positives=of(counts.rows[:, POSITIVE]).astype(np.int64), negatives=of(counts.rows[:, NEGATIVE]).astype(np.int64), labelled=counts.has_labels, weighted=counts.has_weights,
        weight=weight, everyone=everyone, trials=trials,
    )  # fmt: skip


def decide_representation(planned: Planned, metric: Metric, indices: Ints, counts: Counts, context: Context) -> Iterator[tuple[Fact, Finding]]:
    """A finding for each group of the population, and for each that it has not.

    A group is past the limit where its share of the rows is too small a part of its share of the population, and chance would not put it there: by the binomial tail at the limit, with Holm's
    correction for the number of groups. It is past it too where it has fewer positives, negatives or rows than the rule's `minimum`, which is a fact about the data and takes no test.
    """
    rule = planned.rule
    found = represented(planned, indices, counts, context)
    limit, serious = (line(rule, metric, Better.HIGHER, magnitude) for magnitude in (rule.limit, serious_magnitude(rule, metric, Better.HIGHER)))
    value, (lower, upper), (least, _) = found.value, found.bounds(LEVEL), found.bounds(one_sided(rule.confidence))
    alpha = planned.alpha / len(rule.metrics)
    p = holm(chance_below(found, limit.low))
    tests = max(1, int(np.count_nonzero(~np.isnan(p))))
    for place, group in enumerate(found.groups):
        lacking = _lacking(rule.minimum, found, place) if math.isfinite(value[place]) else ""
        is_past = bool(value[place] < limit.low) and _is_below(found, place, rule)
        is_real = bool(p[place] <= alpha)
        fact = Fact(
            candidate=place, rows=int(found.rows[place]), events=float(found.positives[place]) if found.labelled else math.nan, value=float(value[place]),
            lower=float(lower[place]), upper=float(upper[place]), is_reference=False, enough=bool(found.trials[place] > 0), is_past=is_past, is_real=is_real,
            is_beyond=bool(lacking) or (is_past and (is_real or rule.decide_on is Deciding.POINT)), is_within=bool(least[place] >= limit.low),
            excludes_serious=bool(least[place] >= serious.low), p_adjusted=float(p[place]), look_alpha=alpha / tests,
        )  # fmt: skip
        needed = _needed(fact, found, limit.low, serious.low, rule.confidence) if fact.verdict is Verdict.INCONCLUSIVE and math.isfinite(fact.value) else None
        yield fact, Finding(
            rule=rule.id, extends=rule.extends, metric=metric.id, kind=rule.comparison.value, slicing=planned.slicing, group=Group(slice=group), reference=None,
            threshold=None, value=fact.value if math.isfinite(fact.value) else None, interval=(fact.lower, fact.upper) if math.isfinite(fact.lower) else None, limit=limit.open_ends,
            limit_origin=rule.limit_origin.value, serious=serious.low, outcome=fact.outcome, verdict=fact.verdict, needed_for_pass=rule.severity is Severity.FAIL, severity=rule.severity,
            p_adjusted=None if math.isnan(fact.p_adjusted) else fact.p_adjusted, alpha=alpha, family=f"{rule.id} on {planned.slicing[0]}", rows=fact.rows,
            events=None if math.isnan(fact.events) else fact.events, rows_needed=needed, reason=_reason(fact, metric.undefined if found.everyone else f"no row has a known {planned.slicing[0]}", lacking, serious.low, needed), notes=_notes(found, place),
        )  # fmt: skip


def chance_below(found: Represented, limit: float) -> Floats:
    """How easily chance alone would leave each group so few rows if its share of them were the limit times its share of the population; NaN where nothing is known.

    Source: the binomial tail; effective counts need not be whole, Abramowitz & Stegun (1964), 26.5.24.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        x = found.weight / found.everyone * found.trials
        chance = np.minimum(limit * found.share, 1.0)
        tail = np.where(found.trials - x > 0, betainc(np.maximum(found.trials - x, np.finfo(float).tiny), x + 1, 1 - chance), 1.0)
    return np.where(np.isfinite(found.share) & (found.trials > 0), tail, np.nan)


def _is_below(found: Represented, place: int, rule: Rule) -> bool:
    """By whole counts exactly: four fifths of a half is not missed by a rounding."""
    own, every = float(found.weight[place]), found.everyone
    if not (own.is_integer() and every.is_integer()):
        return bool(found.value[place] < rule.limit - 1e-9)
    return Fraction(int(own), int(every)) < Fraction(str(rule.limit)) * Fraction(str(float(found.share[place])))


def _lacking(minimum: Minimum, found: Represented, place: int) -> str:
    """What a group has less of than the rule's `minimum`; nothing where it has enough."""
    rows = int(found.rows[place])
    if not found.labelled:
        least = max(minimum.rows, math.ceil(minimum.events + minimum.non_events))
        return f"{rows:,} rows, where the rule asks for {least:,}" if rows < least else ""
    for number, what, least in (
        (rows, "rows", minimum.rows), (int(found.positives[place]), "positives", math.ceil(minimum.events)), (int(found.negatives[place]), "negatives", math.ceil(minimum.non_events)),
    ):  # fmt: skip
        if number < least:
            return f"{number:,} {what}, where the rule asks for {least:,}"
    return ""


def _notes(found: Represented, place: int) -> tuple[str, ...]:
    if math.isnan(found.share[place]) or not found.everyone:
        return ()
    return (f"{found.weight[place] / found.everyone:.2%} of the {'weight' if found.weighted else 'rows'} and {found.share[place]:.2%} of the population",)


def _needed(fact: Fact, found: Represented, limit: float, serious: float, confidence: float) -> RowsNeeded | None:
    """How many more rows of everyone would find a value of `serious` with 80 % power, or exclude it if the value stays what it is."""
    share, rows, trials = float(found.share[fact.candidate]), int(found.rows.sum()), float(found.trials[fact.candidate])
    normal = NormalDist()
    at_limit, at_serious, now = limit * share, serious * share, fact.value * share

    def deviation(chance: float) -> float:
        return math.sqrt(chance * (1 - chance))

    to_find = (normal.inv_cdf(1 - fact.look_alpha) * deviation(at_limit) + normal.inv_cdf(POWER) * deviation(at_serious)) / (at_limit - at_serious)
    to_exclude = normal.inv_cdf(confidence) * deviation(now) / (now - at_serious) if now > at_serious else math.inf
    for root in (to_find, to_exclude):
        wanted = root**2 * (rows / trials if trials else math.inf)
        if math.isfinite(wanted) and wanted > rows:
            return RowsNeeded(group=Group(kind=GroupKind.OVERALL), rows=math.ceil(wanted - rows))
    return None


def _reason(fact: Fact, undefined: str, lacking: str, serious: float, needed: RowsNeeded | None) -> str:
    match fact.outcome:
        case Outcome.BEYOND:
            past = ["past the limit, and further than chance would put a value that is at the limit" if fact.is_real else "past the limit"] if fact.is_past and (fact.is_real or not lacking) else []
            return "; ".join((*past, *([f"it has {lacking}"] if lacking else [])))
        case Outcome.WITHIN:
            return "within the limit, with the confidence that the rule asks for"
        case Outcome.UNDEFINED:
            return undefined
    if fact.verdict is Verdict.PASS:
        return f"not proven within the limit; a value as far off as {serious:g} is excluded"
    more = f"; about {needed.rows} more rows would decide it" if needed else ""
    return f"neither a violation nor its absence can be shown{more}"
