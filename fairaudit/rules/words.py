"""Why a finding is what it is, in plain sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence

from fairaudit.metrics.catalogue import Metric
from fairaudit.rules.facts import Fact
from fairaudit.rules.family import Family
from fairaudit.rules.finding import Outcome, RowsNeeded, Verdict
from fairaudit.rules.limits import line
from fairaudit.rules.rule import Comparing, Deciding

_BEYOND = {
    Deciding.SIGNIFICANT: "past the limit, and more than chance would explain",
    Deciding.INTERVAL: "its whole interval is past the limit",
    Deciding.POINT: "past the limit",
}


def reason(family: Family, fact: Fact, needed: RowsNeeded | None) -> str:
    """Why this outcome and this verdict."""
    match fact.outcome:
        case Outcome.WITHIN if fact.is_reference:
            return f"the reference itself: the {_chosen(family)}"
        case Outcome.WITHIN:
            return "within the limit, with the confidence that the rule asks for"
        case Outcome.BEYOND:
            return _BEYOND[family.rule.decide_on] + ("; the reference's rate is 0, so the ratio is infinite" if math.isinf(fact.value) else "")
        case Outcome.UNDEFINED:
            return _undefined(family, fact)
    if fact.verdict is Verdict.PASS:
        return f"not proven within the limit; {_excluded(family)}"
    size = "neither a violation nor its absence can be shown" if fact.enough else f"{_too_small(family, fact)} to be judged alone"
    return f"{size}{_more(needed)}"


def too_few(family: Family, needed: Sequence[RowsNeeded], *, gates: bool) -> str:
    """Why a slicing as a whole stays undecided.

    Args:
        needed: what each of the groups that come nearest lacks.
    """
    able, (all_rows,), (all_events,) = family.yardsticks.size, family.everyone.rows, family.everyone.events
    if all_rows and all_events in (0, all_rows):
        return f"too few groups: the {family.metric.title.lower()} is {'0' if all_events == 0 else '1'} in every group, so there is nothing to compare"
    found = {0: "no group has", 1: f"only {family.slices[int(family.yardsticks[0])]} has" if able else ""}[able]
    thin = "" if gates or len(family.slicing) < 2 else "too thin: "
    return f"{thin}too few groups: {found} enough {_unit(family)} to be judged alone, and a comparison takes two{_enough(needed)}"


def notes(fact: Fact) -> tuple[str, ...]:
    """What else a reader should know: practical and statistical significance are two things, and both are said."""
    if fact.is_reference or fact.outcome is Outcome.UNDEFINED:
        return ()
    told = []
    if fact.is_past and not fact.is_real:
        told.append("could be chance")
    if fact.is_real and not fact.is_past:
        told.append("real but smaller than the limit")
    if fact.is_real and fact.is_past and not fact.is_beyond:
        told.append("real, but perhaps smaller than the limit")
    if not fact.enough and fact.verdict is Verdict.INCONCLUSIVE:
        told.append("tested all the same; in so small a group most true disparities stay unseen")
    return tuple(told)


def _excluded(family: Family) -> str:
    """The violation that the rule calls serious, and against whom it is excluded: a best-off group was chosen for its rate, and tests nothing."""
    ends = line(family.rule, family.better, family.rule.serious_limit)
    size = f"{ends.high if math.isinf(ends.low) else ends.low:g} times" if family.rule.comparison is Comparing.RATIO else f"{family.rule.serious_limit:g}"
    whom = "the reference" if family.has_fixed_reference else "everyone else"
    return f"a violation as large as {size} the rate of {whom} is excluded" if size.endswith("times") else f"a difference from {whom} as large as {size} is excluded"


def _chosen(family: Family) -> str:
    if family.rule.reference == "best" and family.yardsticks.size:
        return "best-off group with enough evidence"
    return "largest group" if family.rule.reference in ("best", "largest") else "one that the rule names"


def _undefined(family: Family, fact: Fact) -> str:
    if fact.rows == 0:
        return family.metric.undefined
    if family.reference is None and not family.against_others:
        return "there is no group to compare with"
    opposite = family.opposite
    if opposite.rows[fact.candidate] == 0:
        return f"the reference: {family.metric.undefined}"
    return "the reference's rate is 0, so there is no ratio" if family.rule.comparison is Comparing.RATIO else family.metric.undefined


def _too_small(family: Family, fact: Fact) -> str:
    return f"{fact.rows} {_unit(family)} are too few"


def _unit(family: Family) -> str:
    return unit(family.metric)


def unit(metric: Metric) -> str:
    """What a rate's denominator counts, in words: its reason for being undefined names it."""
    return _UNITS.get(metric.undefined, "rows")


_UNITS = {"no positives": "positives", "no negatives": "negatives", "nobody was selected": "selected", "nobody was rejected": "rejected"}


def _enough(needed: Sequence[RowsNeeded]) -> str:
    """What would make groups that can be judged; whether they then pass is another matter."""
    if not needed:
        return _more(None)
    return f"; about {' and '.join(f'{one.rows} more rows of {one.group}' for one in needed)} would be enough to compare"


def _more(needed: RowsNeeded | None) -> str:
    if needed is None:
        return "; no number of rows would decide it at these rates"
    return f"; about {needed.rows} more rows of {needed.group} would decide it"
