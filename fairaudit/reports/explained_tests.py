"""The step of an explanation that shows the tests: what they were given, what they gave, and how their number is paid for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from fairaudit.evidence.intervals import one_sided
from fairaudit.evidence.significance import holm_factors
from fairaudit.metrics.catalogue import Better
from fairaudit.reports import explained_strata
from fairaudit.reports.explained_change import mcnemar, paired_of
from fairaudit.reports.explained_counts import own_side
from fairaudit.reports.numbers import counted
from fairaudit.reports.steps import LONG, Seen, Step, factor, number, plain, quantity, yes
from fairaudit.rules.basis import Basis, Estimates, errors_apart
from fairaudit.rules.change import Independent
from fairaudit.rules.evidence import First, Pairs, bounds_of, look_one, look_two, opponents, tail_of_each
from fairaudit.rules.extremes import simultaneous
from fairaudit.rules.family import Family
from fairaudit.rules.plan import error_of
from fairaudit.rules.rule import Deciding, Direction, Method
from fairaudit.rules.tally import Tally

_SHARED = {"run": "shared by all rules of the run that {}", "rule": "shared by the slicings of this rule", "slicing": "not shared"}
_MOST = 12  # families that are named


def tested(seen: Seen) -> Step:
    """Whether it is more than chance would explain."""
    family, fact = seen.family, seen.fact
    lines, numbers = [*share_of_error(seen)], {"error": error_of(seen.rule), "families": seen.planned.sharers, "alpha": seen.finding.alpha}
    if family is None:
        lines.append(
            f"Its standard error, from its interval, says how far from the limit it is: a value at the limit would be put so far past it with chance p = {number(fact.p_adjusted)}. {_NOT_SHOWN}"
        )
        lines.append(f"p is at most {number(fact.look_alpha)}, and the 95 % interval does not hold the limit: {yes(fact.is_real)}")
    elif family.asked.comparison.is_extreme:
        pairs = look_two(family, family.alpha)
        lines += [*_pairs(family, fact.candidate, pairs, halved=False)]
        lines.append(f"The smallest p of any pair of the slicing is {number(fact.p_adjusted)}; some pair is told apart: {yes(fact.is_real)}")
        numbers |= _of_pairs(pairs, fact.candidate)
    else:
        first = look_one(family)
        lines += [*_first(seen, family, first)]
        numbers |= {"p": plain(first.p[fact.candidate]), "tests": first.tests, "looks": first.looks, "corrected": plain(first.corrected[fact.candidate])}
        if first.looks == 2:
            pairs = look_two(family, family.alpha / 2)
            lines += [*_pairs(family, fact.candidate, pairs, halved=True)]
            numbers |= _of_pairs(pairs, fact.candidate)
        if not math.isnan(fact.p_adjusted):
            how = "the smaller of twice each look's p, at most 1" if first.looks == 2 else "the corrected p"
            lines.append(f"The adjusted p that is reported: {how}: {number(fact.p_adjusted)}")
        lines.append(f"More than chance would explain: {yes(fact.is_real)}")
    lines += [*_decides(seen)]
    return Step(
        id="test", title="Is it more than chance?", lines=tuple(lines), numbers=numbers | {"p_adjusted": plain(fact.p_adjusted), "is_real": fact.is_real}
    )


_NOT_SHOWN = "The formula is not shown here."


def share_of_error(seen: Seen) -> Iterator[str]:
    """What this family may spend."""
    rule, families = seen.rule, seen.planned.sharers
    error = error_of(rule)
    shared = _SHARED[rule.multiplicity.family].format("can fail it" if rule.severity.value == "fail" else "only warn or inform")
    names = [f"{one.rule.id} on {'*'.join(one.slicing)}" for one in seen.sharing]
    named = f"{'; '.join(names[:_MOST])}{f'; and {len(names) - _MOST} more' if len(names) > _MOST else ''}"
    metrics = f" / {len(rule.metrics)} metrics" if len(rule.metrics) > 1 else ""
    yield f"The error that may be made, 1 − {rule.confidence:g} = {number(error)}, is {shared}: {counted(families, 'family', 'families')} ({named})."
    yield f"This one may spend {number(error)} / {families}{metrics} = {number(seen.finding.alpha or 0.0)}."


def _first(seen: Seen, family: Family, first: First) -> Iterator[str]:
    """The first look: the group alone."""
    place = seen.fact.candidate
    p = float(first.p[place])
    if first.looks == 2:
        yield "There are two looks, each at half of that: every group against everyone else, and all pairs of groups that can be judged alone."
    if math.isnan(p):
        yield _why_not(family, place)
        return
    yield from _test(family, place, p)
    yield from _corrected(family, first, place)
    spent = f"{number(family.alpha)} / 2 = {number(family.alpha / 2)}" if first.looks == 2 else number(family.alpha)
    yield f"{number(float(first.corrected[place]))} is at most {spent}: {yes(bool(first.corrected[place] <= family.alpha / first.looks))}"


def _why_not(family: Family, place: int) -> str:
    if place == family.reference:
        return "It is the reference that the rule fixes, and is not tested against itself."
    if not isinstance(family.candidates, Tally) and not family.enough[place]:
        return "What is no rate is tested by its standard errors, and only of groups that are large enough: this one was not tested."
    return "It was not tested: one of the two sides has nobody, or nothing is known of its error."


def _test(family: Family, place: int, p: float) -> Iterator[str]:
    own, (against, other) = own_side(family, place), _opponent(family, place)
    few = "few" if family.better is Better.HIGHER else "many"
    if paired := paired_of(family):
        yield from mcnemar(paired.at([place]), tail=_tail(family, few), p=p)
        yield from _either(family)
    elif family.against_nobody:
        yield from _against_limit(family, place, p)
    elif family.within:
        yield from explained_strata.tested(family.within, place, tail=_tail(family, few), p=p)
        yield from _either(family)
    elif isinstance(own.basis, Tally) and isinstance(other, Tally):
        x, n, y, m = own.basis.events[0], own.basis.trials[0], other.events[0], other.trials[0]
        yield f"The table: {own.name}: {quantity(x)} events, {quantity(n - x)} others; {against}: {quantity(y)} events, {quantity(m - y)} others"
        if own.basis.weighted:
            yield (
                f"The counts are effective ones, so the tail is a binomial's, of n(n + m)/m trials at the common rate (x + y)/(n + m) for the smaller side n, in its continuous form, the incomplete beta function: "
                f"the chance of so {_tail(family, few)} events: p = {number(p)}"
            )
        else:
            yield f"Fisher's exact test, one-sided: the chance that of {quantity(x + y)} events spread at random over {quantity(n + m)} rows so {_tail(family, few)} fall to the {quantity(n)} rows of {own.name}: p = {number(p)}"
        yield from _either(family)
    elif isinstance(own.basis, Estimates) and isinstance(other, Estimates):
        z = float(errors_apart(own.basis, other, family.sides.spread)[0])
        yield f"{own.name} {number(float(own.basis.value[0]), LONG)}, {against} {number(float(other.value[0]), LONG)}: {number(z)} standard errors apart, one-sided p = {number(p)} by the normal law"
        yield from _either(family)
        mean = (
            "from everyone's interval, the variance of one row"
            if not math.isnan(family.sides.spread)
            else "from the arms of both intervals that reach towards each other, each divided by 1.959964"
        )
        yield f"The standard error is {mean}; its formula is not shown here."


def _opponent(family: Family, place: int) -> tuple[str, Basis]:
    """Whom the first look tests a candidate against."""
    if isinstance(family.change, Independent):
        return str(family.reference_group(place)), family.change.before.at([place])
    against = str(family.reference_group(place)) if family.has_fixed_reference else f"everyone but {family.group(place)}"
    return against, opponents(family).at([place])


def _tail(family: Family, few: str) -> str:
    return "few or so many" if family.rule.direction is Direction.EITHER else few


def _either(family: Family) -> Iterator[str]:
    if family.rule.direction is Direction.EITHER:
        yield "The rule looks at both sides: p is twice the smaller of the two tails, at most 1."


def _against_limit(family: Family, place: int, p: float) -> Iterator[str]:
    own = own_side(family, place)
    ends = " and ".join(number(end) for end in family.line.open_ends if end is not None)
    if isinstance(own.basis, Tally):
        exact = "The binomial test, in its continuous form of effective counts," if own.basis.weighted else "The exact binomial test"
        far = "fewer" if math.isinf(family.line.high) else "more" if math.isinf(family.line.low) else "as far beyond the nearer end"
        yield f"{exact} against the limit, one-sided: the chance that {quantity(own.basis.trials[0])} rows at a true rate of {ends} have {quantity(own.basis.events[0])} events or {far}: p = {number(p)}"
    else:
        yield f"Against the limit of {ends}, by its own standard error, an arm of its interval divided by 1.959964: one-sided p = {number(p)}. Its error is not shown here. A value whose 95 % interval holds the limit is not convicted."


def _corrected(family: Family, first: First, place: int) -> Iterator[str]:
    """How the number of tests is paid for."""
    p, corrected = float(first.p[place]), float(first.corrected[place])
    method = family.rule.multiplicity.method
    tests = counted(first.tests, "test")
    if method is Method.NONE:
        yield f"There are {tests}, and the rule pays nothing for their number: {number(corrected)}"
    elif method is Method.BH:
        yield f"There are {tests}; by Benjamini and Hochberg's correction: {number(corrected)}. {_NOT_SHOWN}"
    else:
        times = int(holm_factors(first.p)[place])
        product = times * p
        held = ", at most 1" if product > 1 and corrected == 1 else ", raised to what a smaller p became," if corrected > product else ""
        yield f"There are {tests}. Holm multiplies the smallest p by {first.tests}, the next by one less, and so on; this one, number {first.tests - times + 1}: {number(p)} × {times}{held} = {number(corrected)}"


def _pairs(family: Family, place: int, pairs: Pairs, *, halved: bool) -> Iterator[str]:
    """The second look, or the only one of a gap: the pair in which the group is furthest behind."""
    name = "Second look" if halved else "All pairs"
    if pairs.against[place] == place:
        yield f"{name}: of the groups that can be judged alone none is better off, so it is behind nobody."
        return
    if pairs.against[place] < 0:
        yield f"{name}: not tested, since it is no group that can be judged alone, or there is no other, or nobody differs."
        return
    own, other = own_side(family, place), own_side(family, int(pairs.against[place]))
    z = float(pairs.z[place])
    if isinstance(own.basis, Tally):
        rate = factor(number(float(family.everyone.value[0]), LONG))
        high, low = (other, own) if family.better is Better.HIGHER else (own, other)
        yield (
            f"{name}: it is furthest behind {other.name}, by z = ({number(float(high.basis.value[0]), LONG)} − {factor(number(float(low.basis.value[0]), LONG))}) / "
            f"√({rate}·(1 − {rate})·(1/{factor(quantity(own.basis.trials[0]))} + 1/{factor(quantity(other.basis.trials[0]))})) = {number(z)}, at everyone's rate {rate}"
        )
    else:
        yield f"{name}: it is furthest behind {other.name}, by z = {number(z)} standard errors of their difference. {_NOT_SHOWN}"
    spent = f"{number(family.alpha)}{' / 2' if halved else ''}"
    yield f"z must pass q / √2 = {number(pairs.critical)}, q the upper {spent} point of the studentized range of {pairs.groups} groups: {yes(z > pairs.critical)}"
    yield f"The chance that the range of {pairs.groups} standard normal values passes z·√2: p = {number(float(pairs.p[place]))}. {_NOT_SHOWN}"
    yield f"Some pair of it both passes and is past the limit by its own two values: {yes(bool(pairs.is_beyond[place]))}"


def _of_pairs(pairs: Pairs, place: int) -> dict[str, Any]:
    return {"z": plain(pairs.z[place]), "z_to_pass": plain(pairs.critical), "groups_of_range": pairs.groups, "p_of_range": plain(pairs.p[place])}


def _decides(seen: Seen) -> Iterator[str]:
    """What else than significance the rule takes for a violation."""
    family, decides = seen.family, seen.rule.decide_on
    if decides is Deciding.POINT:
        yield "The rule decides on the observed value alone: the test is only told."
    elif decides is Deciding.INTERVAL and family is not None and not family.against_nobody:
        if family.asked.comparison.is_extreme:
            lower, upper = simultaneous(family, family.alpha)
        else:
            found = bounds_of(family, level=one_sided(1 - tail_of_each(family)))
            lower, upper = (float(end[seen.fact.candidate]) for end in found)
        yield f"The rule decides on the whole interval, widened for the number of groups: {number(lower)} to {number(upper)} is past the limit as a whole: {yes(seen.fact.is_beyond)}. {_NOT_SHOWN}"
