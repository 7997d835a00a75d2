"""The middle steps of an explanation: the limit and whose it is, the interval with its formula, and whether a serious violation is excluded."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from fairaudit.evidence.significance import studentized_range_quantile
from fairaudit.reports import explained_strata
from fairaudit.reports.explained_change import newcombe, paired_of
from fairaudit.reports.explained_counts import Side, opposite_side, own_side, rest_side
from fairaudit.reports.sentences import limit_words
from fairaudit.reports.sources import origin
from fairaudit.reports.steps import LONG, Seen, Step, factor, number, plain, quantity, yes, z_of
from fairaudit.rules.facts import SHOWN_LEVEL, against_others, against_yardsticks, is_against_all, serious_bounds
from fairaudit.rules.family import Family
from fairaudit.rules.limits import Line, line, serious_magnitude
from fairaudit.rules.rule import Comparing
from fairaudit.rules.sides import AGAINST_EVERYONE
from fairaudit.rules.tally import Tally
from fairaudit.rules.whole import bounds_of_whole

Pair = tuple[float, float]
Three = tuple[float, float, float]
_NOT_SHOWN = "The formula is not shown here."


def limit(seen: Seen) -> Step:
    """What the rule allows, and whose number that is."""
    rule, found = seen.rule, seen.finding
    told = origin(rule)
    lines = [f"The rule {rule.id} allows {limit_words(found.kind, found.limit)}.", told.sentence, *(f"Source: {one}" for one in told.sources)]
    if seen.case.fact is not None:
        lines.append(
            f"{number(seen.fact.value)} is past it: {yes(seen.fact.is_past)}" if not math.isnan(seen.fact.value) else "There is no value to hold against it."
        )
    return Step(id="limit", title="The limit", lines=tuple(lines), numbers={"low": found.limit[0], "high": found.limit[1], "origin": found.limit_origin})


def interval(seen: Seen) -> Step:
    """The 95 % interval that is shown beside the value."""
    fact, family = seen.fact, seen.family
    ends = (fact.lower, fact.upper)
    if fact.is_reference:
        lines = ["It is the reference itself: between a group and itself there is nothing to be unsure of."]
    elif any(map(math.isnan, (*ends, fact.value))):
        lines = ["There is none, since there is no value." if math.isnan(fact.value) else "There is none of such a value."]
    elif family is None:
        lines = [f"{_between(ends)}, for all pairs of groups at once. {_NOT_SHOWN}"]
    else:
        lines = [*_interval(family, fact.candidate, ends)]
    return Step(id="interval", title="Its 95 % interval", lines=tuple(lines), numbers=_numbers(seen))


def _numbers(seen: Seen) -> dict[str, Any]:
    lower, upper = (math.nan, math.nan) if seen.fact.is_reference else (seen.fact.lower, seen.fact.upper)
    return {"lower": plain(lower), "upper": plain(upper), "level": SHOWN_LEVEL}


def serious(seen: Seen) -> Step:
    """Whether the data exclude a violation so large that nothing short of that passes."""
    family, fact = seen.family, seen.fact
    lines: tuple[str, ...]
    if family is None:
        better = seen.rule.better_of(seen.metric.id, seen.context.effect)
        one_sided = bounds_of_whole(fact, seen.metric, seen.rule.confidence)
        ends = line(seen.rule, seen.metric, better, serious_magnitude(seen.rule, seen.metric, better))
        lines = (_called(ends), f"One-sided {seen.rule.confidence:g} bounds: {_between(one_sided)}. {_NOT_SHOWN}")
        numbers: dict[str, Any] = {"lower": plain(one_sided[0]), "upper": plain(one_sided[1])}
    else:
        lines, numbers = _serious(seen, family)
    lines = (
        *lines,
        f"So a violation as large as serious is excluded: {yes(fact.excludes_serious)}. The whole of the bounds is within the limit itself: {yes(fact.is_within)}.",
    )
    return Step(
        id="serious",
        title="Is a serious violation excluded?",
        lines=lines,
        numbers=numbers | {"excluded": fact.excludes_serious, "within": fact.is_within, "confidence": seen.rule.confidence},
    )


def _serious(seen: Seen, family: Family) -> tuple[tuple[str, ...], dict[str, Any]]:
    confidence, candidate, ends = seen.rule.confidence, seen.fact.candidate, family.serious_line
    shown, end = family.asked_serious, f"one-sided {seen.rule.confidence:g} bounds, z = {number(z_of(seen.rule.confidence), 7)}"
    told = _called(shown)
    if family.asked.comparison.is_extreme:
        least = _least(family, family.yardsticks.tolist())
        how = "less the other, a gap with its sign turned" if family.asked.comparison is Comparing.GAP else "over the other"
        return (told, f"Of every pair, one {how}: by {end}, the least bound of all is {number(least)}; it must be at least {number(ends.low)}."), {
            "least": plain(least)
        }
    bounds = _at(serious_bounds(family), candidate)
    whom = "" if family.against_nobody else f" against {_serious_side(family, candidate).name}"
    lines = [told, f"By its {end}{whom}: {_between(bounds)}"]
    if family.against_nobody:
        lines += _limits_of(own_side(family, candidate), confidence=confidence)
    elif paired := paired_of(family):
        lines += newcombe(paired.at([candidate]), confidence=confidence)
    elif family.within:
        lines += explained_strata.interval(family, family.within, candidate, confidence=confidence, ends=bounds, mover=_made_of)
    elif family.rule.reference == "overall":
        lines.append("They are made as the interval of step 5; the formula is not shown again here.")
    else:
        lines += _formula(family, own_side(family, candidate), _serious_side(family, candidate), confidence=confidence, ends=bounds)
    numbers: dict[str, Any] = {"lower": plain(bounds[0]), "upper": plain(bounds[1]), "serious": list(shown.open_ends)}
    if is_against_all(family):
        least, most = _least(family, [candidate]), _most(family, candidate)
        lines.append(
            f"Within the limit is who is so against every group that may serve as reference: the least of these bounds is {number(least)}, and the largest {number(most)}"
        )
        numbers |= {"least": plain(least), "most": plain(most)}
    elif not family.against_nobody:
        lines.append("The same bounds decide what is within the limit.")
    return tuple(lines), numbers


def _serious_side(family: Family, candidate: int) -> Side:
    opposite = opposite_side(family, candidate)
    return rest_side(family, candidate) if family.rule.reference == "best" or opposite is None else opposite


def _least(family: Family, candidates: list[int]) -> float:
    lower = [against_yardsticks(family, np.array([one]))[0][0][family.yardsticks != one] for one in candidates]
    every = np.concatenate(lower)
    return float(np.min(every)) if every.size else math.nan  # an undefined bound makes all of it undefined


def _most(family: Family, candidate: int) -> float:
    upper = against_yardsticks(family, np.array([candidate]))[1][0][family.yardsticks != candidate]
    return float(np.max(upper)) if upper.size else math.nan


def _interval(family: Family, candidate: int, ends: Pair) -> Iterator[str]:
    if family.asked.comparison.is_extreme:
        critical = studentized_range_quantile(1 - SHOWN_LEVEL, family.yardsticks.size) / math.sqrt(2)
        yield f"{_between(ends)}, which holds for all pairs of {family.yardsticks.size} groups at once: each group's own interval at z = q / √2 = {number(critical, 7)}, and the widest of their pairs."
        yield f"q is the 95 % point of the studentized range of {family.yardsticks.size} groups. {_NOT_SHOWN}"
        return
    own, opposite = own_side(family, candidate), opposite_side(family, candidate)
    if family.against_nobody:
        yield from _limits_of(own, confidence=(1 + SHOWN_LEVEL) / 2)
        if not isinstance(own.basis, Tally):
            yield _NOT_SHOWN
    elif paired := paired_of(family):
        yield from newcombe(paired.at([candidate]), confidence=(1 + SHOWN_LEVEL) / 2)
    elif family.within:
        yield from explained_strata.interval(family, family.within, candidate, confidence=(1 + SHOWN_LEVEL) / 2, ends=ends, mover=_made_of)
    elif opposite is None:
        yield f"{_between(ends)}. {_NOT_SHOWN}"
    elif family.rule.reference == "overall" and family.metric.id not in AGAINST_EVERYONE:
        yield from _to_everyone(family, candidate, ends)
    else:
        yield from _formula(family, own, opposite, confidence=(1 + SHOWN_LEVEL) / 2, ends=ends)


def _to_everyone(family: Family, candidate: int, ends: Pair) -> Iterator[str]:
    """Everyone holds the group, so the two are not independent: the interval against the others, rescaled."""
    own, rest = own_side(family, candidate), rest_side(family, candidate)
    yield "The group is part of everyone, so the interval is that against everyone else, rescaled by the group's share f of the rows."
    if not (isinstance(own.basis, Tally) and isinstance(rest.basis, Tally)):
        yield f"{_between(ends)}: each arm is shortened to 1 − f. {_NOT_SHOWN}"
        return
    yield from _formula(family, own, rest, confidence=(1 + SHOWN_LEVEL) / 2, ends=_at(against_others(family, level=SHOWN_LEVEL), candidate))
    n, m = float(own.basis.weight[0]), float(rest.basis.weight[0])
    form = "r / (f·r + 1 − f)" if family.rule.comparison is Comparing.RATIO else "(1 − f)·d"
    yield f"f = {factor(quantity(n))} / ({quantity(n)} + {quantity(m)}) = {number(n / (n + m), LONG)}; each end becomes {form}: {_between(ends)}"


def _formula(family: Family, own: Side, other: Side, *, confidence: float, ends: Pair) -> Iterator[str]:
    """Both sides' own limits, and what is made of them."""
    (p1, l1, u1), (p2, l2, u2) = (_three(side, confidence) for side in (own, other))
    if any(map(math.isnan, (p1, p2, l1, l2))):
        yield "There are no limits of both sides to make it of."
        return
    for side in (own, other):
        yield from _limits_of(side, confidence=confidence)
    yield from _made_of((p1, l1, u1), (p2, l2, u2), ends, is_ratio=family.rule.comparison is Comparing.RATIO)


def _made_of(one: Three, other: Three, ends: Pair, *, is_ratio: bool) -> Iterator[str]:
    """What is made of two values and their limits."""
    (p1, l1, u1), (p2, l2, u2) = one, other
    lower, upper = (f" = {number(one)}" for one in ends)
    p, lo, hi, q, lo2, hi2 = (factor(number(one, LONG)) for one in (p1, l1, u1, p2, l2, u2))
    if not is_ratio:
        yield "Newcombe's interval of the difference d = p₁ − p₂: d − √((p₁ − l₁)² + (u₂ − p₂)²) to d + √((u₁ − p₁)² + (p₂ − l₂)²)"
        yield f"lower: {p} − {q} − √(({p} − {lo})² + ({hi2} − {q})²){lower}"
        yield f"upper: {p} − {q} + √(({hi} − {p})² + ({q} − {lo2})²){upper}"
    elif p2 > 0:
        yield "MOVER-R, the interval of the ratio p₁/p₂: l₁(2p₁ − l₁) / [p₁p₂ + √((p₁p₂)² − l₁(2p₁ − l₁)·u₂(2p₂ − u₂))] to [p₁p₂ + √((p₁p₂)² − u₁(2p₁ − u₁)·l₂(2p₂ − l₂))] / [l₂(2p₂ − l₂)]"
        below, above = f"{lo}·(2·{p} − {lo})", f"{lo2}·(2·{q} − {lo2})"
        lowest = f"{below} / ({p}·{q} + √(({p}·{q})² − {below}·{hi2}·(2·{q} − {hi2})))" if p1 > 0 else "0, as p₁ is"
        yield f"lower: {lowest}{lower}"
        yield f"upper: ({p}·{q} + √(({p}·{q})² − {hi}·(2·{p} − {hi})·{above})) / ({above}){upper}"
        yield "(under a root what is below 0 counts as 0)"
    else:
        yield "The reference's rate is 0, so the ratio has no interval."


def _limits_of(side: Side, *, confidence: float) -> Iterator[str]:
    """Wilson's limits with the numbers put in; others' as they are."""
    p, low, high = _three(side, confidence)
    z, basis = number(z_of(confidence), 7), side.basis
    ends = f"{number(low, LONG)} to {number(high, LONG)}"
    if not isinstance(basis, Tally):
        yield f"{side.name}: {ends} at z = {z}; how its own limits come from the rows is not shown here"
    elif basis.trials[0] > 0:
        r, n = factor(number(p, LONG)), factor(quantity(basis.trials[0]))
        yield f"{side.name}, Wilson's limits: ({r} + {z}²/(2·{n}) ± {z}·√({r}·(1 − {r})/{n} + {z}²/(4·{n}²))) / (1 + {z}²/{n}) = {ends}"


def _three(side: Side, confidence: float) -> tuple[float, float, float]:
    found = side.basis.estimate(2 * confidence - 1)
    return float(found.value[0]), float(found.lower[0]), float(found.upper[0])


def _called(ends: Line) -> str:
    """What is serious, and what excludes it."""
    low, high = ends.open_ends
    told = [f"below {number(low)}" if low is not None else "", f"above {number(high)}" if high is not None else ""]
    takes = [f"the lower is at least {number(low)}" if low is not None else "", f"the upper is at most {number(high)}" if high is not None else ""]
    return f"A value {' or '.join(filter(None, told))} would be a serious violation. Bounds exclude it where {' and '.join(filter(None, takes))}."


def _at(bounds: Any, candidate: int) -> Pair:
    lower, upper = bounds
    return float(lower[candidate]), float(upper[candidate])


def _between(ends: Pair) -> str:
    return f"{number(ends[0])} to {number(ends[1])}"
