"""Why a finding is what it is, in plain sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence

from fairaudit.errors import listed
from fairaudit.metrics.catalogue import Metric, Shape
from fairaudit.rules.change import Independent, Paired
from fairaudit.rules.facts import Fact
from fairaudit.rules.family import Family
from fairaudit.rules.finding import Outcome, RowsNeeded, Verdict
from fairaudit.rules.rule import Comparing, Deciding
from fairaudit.rules.tally import Tally

_SIGNIFICANT = "past the limit, and more than chance would explain"
_BEYOND = {
    Deciding.SIGNIFICANT: _SIGNIFICANT,
    Deciding.INTERVAL: "its whole interval is past the limit",
    Deciding.POINT: "past the limit",
}


def reason(family: Family, fact: Fact, needed: RowsNeeded | None) -> str:
    """Why this outcome and this verdict."""
    match fact.outcome:
        case Outcome.WITHIN if fact.is_reference:
            return f"the reference itself: the {chosen(family)}"
        case Outcome.WITHIN:
            return "within the limit, with the confidence that the rule asks for"
        case Outcome.BEYOND:
            return _beyond(family, fact)
        case Outcome.UNDEFINED:
            return _partial(family) if fact.is_partial else _undefined(family, fact)
    if fact.verdict is Verdict.PASS:
        return f"not proven within the limit; {_excluded(family, fact)}"
    if fact.is_partial:
        return _partial(family)
    size = "neither a violation nor its absence can be shown" if fact.enough else f"{_too_small(family, fact)} to be judged alone"
    if needed is None and isinstance(family.change, Independent):
        return f"{size}; no number of rows of this audit alone would decide it: keep the rows of both, and they are matched"
    return f"{size}{_more(needed)}"


def _beyond(family: Family, fact: Fact) -> str:
    if family.against_nobody and family.asked.decide_on is not Deciding.POINT:
        return "past the limit, and further than chance would put a value that is at the limit"
    of_ratio = family.rule.comparison is Comparing.RATIO
    infinite = (f"; the reference's {_noun(family)} is 0, so the ratio is infinite" if of_ratio else f"; infinite: {family.metric.infinite}") if math.isinf(fact.value) else ""
    return _BEYOND[family.asked.decide_on] + infinite


def _noun(family: Family) -> str:
    """What a group has that is compared."""
    return "rate" if family.metric.shape is Shape.RATE else "value"


def _partial(family: Family) -> str:
    """Why a gap is not all that the rule asks for: some group has no value, or all must be judged and some are small."""
    values = family.candidates.value
    for why, lacks in ((family.metric.undefined, math.isnan), (family.metric.infinite, math.isinf)):
        lacking = [str(family.group(one)) for one in family.yardsticks.tolist() if lacks(values[one])]
        if lacking:
            return f"it is of some groups only: {why} in {listed(lacking, most=3)}"
    small = [str(one) for one, enough, rows in zip(family.slices, family.enough, family.candidates.rows, strict=False) if rows and not enough]
    return f"it is of some groups only: too few {_unit(family)} in {listed(small, most=3)}"


def too_few(family: Family, needed: Sequence[RowsNeeded], *, gates: bool) -> str:
    """Why a slicing as a whole stays undecided.

    Args:
        needed: what each of the groups that come nearest lacks.
    """
    judged = [family.slices[place] for place in family.yardsticks.tolist() if place < family.groups]
    if isinstance(family.everyone, Tally) and not family.by_itself:
        all_rows, all_events = family.everyone.rows.item(), family.everyone.events.item()
        if all_rows and all_events in (0, all_rows):
            return f"too few groups: the {family.metric.title.lower()} is {'0' if all_events == 0 else '1'} in every group, so there is nothing to compare"
    if family.by_itself:
        return f"too few groups: no group has enough {_unit(family)} to be judged{_enough(needed)}"
    if len(judged) > 1:
        return f"too few groups: fewer than two have a value ({family.metric.undefined})"
    found = f"only {judged[0]} has" if judged else "no group has"
    thin = "" if gates or len(family.slicing) < 2 else "too thin: "
    return f"{thin}too few groups: {found} enough {_unit(family)} to be judged alone, and a comparison takes two{_enough(needed)}"


def left_out_of_strata(family: Family, fact: Fact) -> tuple[str, ...]:
    """How many of a group's rows have nobody to be compared with, where it is judged within a control."""
    outside = float(family.within.outside[fact.candidate]) if family.within else 0.0
    if not outside:
        return ()
    what = "of its weight" if isinstance(family.candidates, Tally) and family.candidates.weighted else "of its rows"
    return (f"{outside:,.6g} {what} left out: nobody else is alike in {' and '.join(family.within.control if family.within else ())}",)


def of_change(family: Family, fact: Fact) -> tuple[str, ...]:
    """Which rows a change rests on."""
    match family.change:
        case Independent():
            new = [str(family.slices[place]) for place in family.pooled if not family.change.known[place]] if fact.candidate >= family.groups and fact.outcome is not Outcome.UNDEFINED else []
            return (INDEPENDENT, *([f"without {listed(new, most=3)}, not in the baseline"] if new else []))
        case Paired():
            unmatched, moved = int(family.change.unmatched[fact.candidate]), int(family.change.moved[fact.candidate])
            told = [f"{fact.rows:,} {_unit(family)} matched by id, {unmatched:,} not"] if unmatched else []
            return (*told, *([f"{moved:,} of its matched rows were in another group in the baseline"] if moved else []))
    return ()


INDEPENDENT = "different rows without matched ids: as independent, wide"


def notes(fact: Fact) -> tuple[str, ...]:
    """What else a reader should know: practical and statistical significance are two things, and both are said."""
    if fact.is_reference or fact.outcome is Outcome.UNDEFINED:
        return ()
    told = []
    if fact.is_past and not fact.is_real:
        told.append("could be chance" if not math.isnan(fact.p_adjusted) else "past the limit, but not tested")
    if fact.is_real and not fact.is_past:
        told.append("real but smaller than the limit")
    if fact.is_real and fact.is_past and not fact.is_beyond:
        told.append("real, but perhaps smaller than the limit")
    if not fact.enough and fact.verdict is Verdict.INCONCLUSIVE and not math.isnan(fact.p_adjusted):
        told.append("tested all the same; in so small a group most true disparities stay unseen")
    return tuple(told)


def _excluded(family: Family, fact: Fact) -> str:
    """The violation that the rule calls serious, and against whom it is excluded: a best-off group was chosen for its value, and tests nothing."""
    end = family.asked_serious.nearest(fact.value)
    match family.asked.comparison:
        case Comparing.VALUE:
            return f"a value as far off as {end:g} is excluded"
        case Comparing.GAP:
            return f"a gap as large as {end:g} is excluded"
        case Comparing.MIN_MAX_RATIO:
            return f"a ratio as small as {end:g} is excluded"
        case Comparing.CHANGE:
            return f"a change as large as {abs(end):g} for the worse is excluded"
    whom = "the reference" if family.has_fixed_reference else "everyone" if family.rule.reference == "overall" else "everyone else"
    if family.asked.comparison is Comparing.RATIO:
        return f"a violation as large as {end:g} times the {_noun(family)} of {whom} is excluded"
    return f"a difference from {whom} as large as {abs(end):g} is excluded"


def chosen(family: Family) -> str:
    """Why the reference is the one it is."""
    if family.rule.reference == "best" and family.yardsticks.size:
        return "best-off group with enough evidence"
    return "largest group" if family.rule.reference in ("best", "largest") else "one that the rule names"


def _undefined(family: Family, fact: Fact) -> str:
    if why := _unknown_before(family, fact):
        return why
    if fact.rows == 0 or math.isnan(family.candidates.value[fact.candidate]):
        return family.metric.undefined
    if math.isinf(family.candidates.value[fact.candidate]):
        return f"infinite: {family.metric.infinite}"
    if family.reference is None and not family.against_others:
        return "there is no group to compare with"
    if family.within and not family.within.trials[fact.candidate]:
        return f"nobody else is alike in {' and '.join(family.within.control)}"
    opposite = family.opposite
    if opposite.rows[fact.candidate] == 0 or math.isnan(opposite.value[fact.candidate]):
        return f"the reference: {family.metric.undefined}"
    return f"the reference's {_noun(family)} is 0, so there is no ratio" if family.rule.comparison is Comparing.RATIO else family.metric.undefined


def _unknown_before(family: Family, fact: Fact) -> str:
    """What the baseline lacks of a group."""
    match family.change:
        case Paired() if family.change.unmatched[fact.candidate] and not fact.rows:
            return f"none of its {_unit(family)} is matched by id with the baseline's"
        case Independent() if not family.change.known[fact.candidate]:
            return "the baseline has no such group"
        case Independent() if fact.rows and not family.change.before.rows[fact.candidate]:
            return f"the baseline: {family.metric.undefined}"
    return ""


def _too_small(family: Family, fact: Fact) -> str:
    if family.within:
        return f"{family.within.trials[fact.candidate]:,.6g} of {fact.rows:,} {_unit(family)} can be compared with others alike in {' and '.join(family.within.control)}, too few"
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
