"""The last step of an explanation: the table of outcomes, the verdict, and what would change it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from fairaudit.errors import listed
from fairaudit.reports.badges import badge
from fairaudit.reports.numbers import counted
from fairaudit.reports.sentences import at_start, ended
from fairaudit.reports.steps import Seen, Step, number, yes
from fairaudit.rules.decide import needed_groups
from fairaudit.rules.finding import Outcome, Severity, Verdict
from fairaudit.rules.rule import Deciding

_VIOLATED = {Severity.FAIL: "It fails the audit.", Severity.WARN: "The rule only warns: it does not fail the audit.", Severity.INFO: "The rule only informs: it does not fail the audit."}
_EVIDENCE = {Deciding.SIGNIFICANT: "and more than chance", Deciding.INTERVAL: "by its whole widened interval", Deciding.POINT: "as observed"}


def decided(seen: Seen) -> Step:
    """The first outcome that holds, and what is made of it."""
    fact = seen.fact
    lines = (
        "The outcome is the first of these that holds:",
        f"beyond: past the limit, {_EVIDENCE[seen.rule.decide_on]}: {yes(fact.is_beyond)}",
        f"undefined: there is no finite value: {yes(not math.isfinite(fact.value))}",
        f"within: its one-sided bounds meet the limit ({yes(fact.is_within)}), or it is the reference itself ({yes(fact.is_reference)})",
        "undecided: otherwise",
        f"So it is {fact.outcome}. {_MADE[fact.outcome]}",
        *([f"Large enough: {yes(fact.enough)}; serious excluded: {yes(fact.excludes_serious)}"] if fact.outcome is Outcome.UNDECIDED else []),
        f"The verdict: {_shown(seen)}: {ended(seen.finding.reason)} {_means(seen)}".rstrip(),
        *(f"{at_start(ended(one))}" for one in seen.finding.notes),
        *_changes(seen),
    )
    return Step(id="verdict", title="The verdict", lines=lines, numbers=_numbers(seen))


_MADE = {
    Outcome.BEYOND: "Beyond fails.", Outcome.WITHIN: "Within passes.", Outcome.UNDEFINED: "Undefined is inconclusive: without a number nothing is shown.",
    Outcome.UNDECIDED: "Undecided passes where the group is large enough to be judged alone and a serious violation is excluded, and is inconclusive otherwise.",
}  # fmt: skip


def too_few(seen: Seen) -> Step:
    """A slicing in which too few groups can be judged."""
    family = seen.family
    if family is None:
        raise ValueError("a number over all groups has a fact")
    able = [str(family.group(place)) for place in family.yardsticks.tolist()]
    lines = (
        f"A verdict takes {counted(needed_groups(family), 'group')} that can be judged alone; missing values and the small groups together do not count. Here: {listed(able)}.",
        ended(at_start(seen.finding.reason)),
        f"The verdict: {_shown(seen)}. {_means(seen)}",
        "Each group is tested all the same, and may fail: its own finding says so.",
        *_changes(seen),
    )
    return Step(id="verdict", title="The verdict", lines=lines, numbers=_numbers(seen) | {"able": able})


def _shown(seen: Seen) -> str:
    """The verdict, and by what word reports show it, where that is another."""
    word, verdict = badge(seen.finding).word.lower(), seen.finding.verdict.value
    return verdict if word == verdict else f"{verdict}, shown as {word}"


def _means(seen: Seen) -> str:
    found = seen.finding
    match found.verdict:
        case Verdict.FAIL:
            return _VIOLATED[found.severity]
        case Verdict.INCONCLUSIVE:
            return "It keeps the audit from passing." if found.needed_for_pass and found.severity is Severity.FAIL else "It keeps nothing from passing, and vouches for nothing."
    return ""


def _changes(seen: Seen) -> Iterator[str]:
    """What would change the verdict."""
    found, fact = seen.finding, seen.case.fact
    if found.rows_needed is not None:
        end = "would decide it with four chances in five" if fact is not None else "would be enough to compare, if no other group lacks more"
        yield f"What would change it: about {found.rows_needed.rows:,} more rows of {found.rows_needed.group} {end}. The formula is not shown here."
    elif found.verdict is Verdict.INCONCLUSIVE:
        yield "What would change it: no number of rows can be named that would decide it."
    elif found.verdict is Verdict.FAIL:
        yield f"What would change it: a value that is not past the limit{'' if seen.rule.decide_on is Deciding.POINT else ', or one that chance would explain'}."
    elif fact is not None and not fact.is_reference:
        yield "What would change it: a value past the limit, with the evidence that the rule asks for."
    if found.detectable is not None:
        yield f"In as many rows as there are, a true value of {number(found.detectable)} would be found in four of five data sets. The formula is not shown here."
    if found.shrunken is not None:
        yield f"Its rate pulled towards the other groups', the better guess in so small a group: {number(found.shrunken)}. The formula is not shown here."


def _numbers(seen: Seen) -> dict[str, object]:
    found = seen.finding
    needed = None if found.rows_needed is None else {"group": str(found.rows_needed.group), "rows": found.rows_needed.rows}
    return {"outcome": found.outcome.value, "verdict": found.verdict.value, "blocks": found.needed_for_pass and found.verdict is Verdict.INCONCLUSIVE, "rows_needed": needed, "detectable": found.detectable}
