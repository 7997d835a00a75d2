"""Which violations waivers apply to on a day, and what is to be said of those that do not. Pure: findings, waivers, policy and day → answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import msgspec

from fairaudit.cube.slices import MISSING, Slice
from fairaudit.errors import listed, nearest
from fairaudit.gate.policy import Policy, Remark, State, can_be_waived, state_of
from fairaudit.gate.waiver import Waiver, matches, target_of, whom
from fairaudit.metrics.catalogue import metric
from fairaudit.rules.finding import DISAGREEMENT, Finding, Verdict
from fairaudit.rules.limits import Line

SOON = 14  # days before its last one, on which a waiver begins to warn
EXPIRED, EXPIRING, UNUSED, WORSE = "waiver-expired", "waiver-expiring", "waiver-unused", "worse-than-waived"
_ROUNDING = 1e-9  # nearer than this to `holds_to` a value is at it: another machine may round its last digit otherwise


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What a ruling takes of waivers."""

    waived: Mapping[int, Waiver]  # by the place of the finding
    exceeded: Mapping[int, Waiver]  # likewise, those that the finding is worse than
    remarks: tuple[Remark, ...]


def applied(findings: Sequence[Finding], waivers: Sequence[Waiver], policy: Policy, *, as_of: date) -> Applied:
    """The waivers that apply, those that a violation is worse than, and a remark on each that does not apply, or not for long.

    Args:
        waivers: sound ones, no two of which match one finding.
        as_of: the day on which they are judged.
    """
    waived: dict[int, Waiver] = {}
    exceeded: dict[int, Waiver] = {}
    remarks: list[Remark] = []
    for waiver in waivers:
        violated = [place for place, one in enumerate(findings) if can_be_waived(one) and matches(waiver, one)]
        if (why := not_in_force(waiver, as_of)) is not None:
            remarks.append(_expired(waiver, why, "what it is for is violated" if violated else _why_unused(waiver, findings) or "nothing is violated that it is for", as_of))
            continue
        worse = [place for place in violated if is_worse(findings[place], waiver.holds_to)]
        waived |= {place: waiver for place in violated if place not in worse}
        exceeded |= dict.fromkeys(worse, waiver)
        remarks += (_worse(waiver, findings[place], policy) for place in worse)
        remarks += () if violated else (_unused(waiver, findings, policy),)
        remarks += _expiring(waiver, as_of)
    return Applied(waived=waived, exceeded=exceeded, remarks=tuple(remarks))


def is_low(finding: Finding) -> bool:
    """Whether its bad side is below its limit; of two limits, that which its value is past."""
    low, high = finding.limit
    if low is None or high is None or finding.value is None:
        return high is None
    return Line(low, high).nearest(finding.value) == low


def is_worse(finding: Finding, holds_to: float) -> bool:
    """Whether a violation is worse than is tolerated. One without a value is infinitely far off."""
    return finding.value is None or _further(finding.value, holds_to, low=is_low(finding))


def worst_end(finding: Finding) -> float | None:
    """The worse end of a violation's interval, or its value where it has none; None where it is infinitely far off."""
    if finding.value is None:
        return None
    ends: tuple[float, ...] = (finding.value, *(finding.interval or ()))
    return min(ends) if is_low(finding) else max(ends)


def is_better(finding: Finding, holds_to: float) -> bool:
    """Whether a violation has clearly improved: even the worse end of its interval is better than what is tolerated."""
    worst = worst_end(finding)
    return worst is not None and _further(holds_to, worst, low=is_low(finding))


def _further(one: float, other: float, *, low: bool) -> bool:
    slack = _ROUNDING * max(1.0, abs(other))
    return one < other - slack if low else one > other + slack


def not_in_force(waiver: Waiver, as_of: date) -> str | None:
    """Why it does not hold on that day; None where it does."""
    if as_of > waiver.expires:
        return f"{waiver} has expired on {waiver.expires}"
    if as_of < waiver.created:
        return f"{waiver} is created on {waiver.created}, after {as_of}, the day of this ruling (UTC)"
    return None


def foretold(waivers: Sequence[Waiver], *, as_of: date) -> tuple[str, ...]:
    """What will be said of them on a day whatever is violated: which are not in force, and which will soon not be."""
    stale = ((waiver, not_in_force(waiver, as_of)) for waiver in waivers)
    told = (_expired(waiver, why, "it fails the build", as_of) if why else next(_expiring(waiver, as_of), None) for waiver, why in stale)
    return tuple(one.sentence for one in told if one is not None)


def _remark(waiver: Waiver, id: str, state: State, sentence: str) -> Remark:
    told = sentence[:1].upper() + sentence[1:]
    return Remark(id=id, state=state, sentence=told, rule=waiver.rule, slice=None if waiver.slice is None else Slice(waiver.slice.items()))


def _worse(waiver: Waiver, finding: Finding, policy: Policy) -> Remark:
    """It does as much to the build as the violation itself."""
    low, high = finding.limit
    limit = low if is_low(finding) else high
    value = "infinite" if finding.value is None else f"{finding.value:.6g}"
    allows = limit is not None and not _further(waiver.holds_to, limit, low=is_low(finding))
    advice = f" The rule itself allows {waiver.holds_to:g}, its limit being {limit:g}, so this waives nothing; check the sign." if allows else ""
    what = f"worse than waived: {finding.metric} {finding.kind} is {value}, and {waiver} holds to {waiver.holds_to:.6g} only.{advice}"
    return _remark(waiver, WORSE, state_of(finding, policy), what)


def _expired(waiver: Waiver, why: str, now: str, as_of: date) -> Remark:
    """It fails the build whatever became of what it is for: who tolerated it until a day owes a decision on that day, and a file of entries that nobody looks at is none."""
    advice = "Remove it, or renew it by a new `created` and `expires`." if as_of > waiver.expires else "Mend `created`, or remove it until then."
    return _remark(waiver, EXPIRED, State.FAIL, f"{why}; {now if now.endswith(('.', '?')) else f'{now}.'} {advice}")


def _expiring(waiver: Waiver, as_of: date) -> Iterator[Remark]:
    left = (waiver.expires - as_of).days
    if left <= SOON:
        when = "today" if left == 0 else "tomorrow" if left == 1 else f"in {left} days"
        yield _remark(waiver, EXPIRING, State.WARN, f"{waiver} expires on {waiver.expires}, {when}; after that day it fails the build until it is removed or renewed.")


def _unused(waiver: Waiver, findings: Sequence[Finding], policy: Policy) -> Remark:
    state = State.FAIL if policy.unused_waivers == "fail" else State.WARN
    why = _why_unused(waiver, findings) or "this is not violated now; take the entry out, or it hides the next violation."
    return _remark(waiver, UNUSED, state, f"{waiver} waives nothing: {why}")


def _why_unused(waiver: Waiver, all_findings: Sequence[Finding]) -> str:
    """What of it this audit does not have, or that what it is for is open; nothing where that passes."""
    findings = [one for one in all_findings if one.rule != DISAGREEMENT]
    of_rule = [one for one in findings if one.rule == waiver.rule]
    if not of_rule:
        return f"the rule {waiver.rule!r} was not judged; {_known(waiver.rule, [one.rule for one in findings], 'judged were')}"
    if why := _unknown_attribute(waiver, of_rule):
        return why
    slicing = [one for one in of_rule if frozenset(one.slicing) == frozenset(waiver.attributes)]
    if not slicing:
        return f"{waiver.rule} was not judged by {' and '.join(waiver.attributes)} {'together' if len(waiver.attributes) > 1 else 'alone'}; {_known(waiver.whom, [whom(one) for one in of_rule], 'judged were')}"
    if waiver.slice and any(target_of(one)[0] == "slice" for one in slicing) and (why := _unknown_value(waiver, slicing)):
        return why
    about = [one for one in slicing if target_of(one) == waiver.target]
    if not about:
        return f"{waiver.rule} judged nothing of {waiver.whom}; {_known(waiver.whom, [whom(one) for one in slicing], 'judged were')}"
    matching = [one for one in about if matches(waiver, one)]
    if not matching:
        return f"the rule does not judge {waiver.metric!r} there; {_known(metric(str(waiver.metric)).id, [one.metric for one in about], 'it judges')}"
    if any(one.verdict is Verdict.INCONCLUSIVE for one in matching):
        return "it cannot be decided now whether this is violated, and what is not decided cannot be waived."
    return ""


def _unknown_attribute(waiver: Waiver, findings: Sequence[Finding]) -> str:
    known = list(dict.fromkeys(attribute for one in findings for attribute in one.slicing))
    unknown = next((one for one in waiver.attributes if one not in known), None)
    return f"{waiver.rule} judged nothing by {unknown!r}; {_known(unknown, known, 'its attributes are')}" if unknown is not None else ""


def _unknown_value(waiver: Waiver, findings: Sequence[Finding]) -> str:
    slices = [one.group.slice for one in findings if one.group is not None and target_of(one)[0] == "slice"]
    for attribute, value in (waiver.slice or {}).items():
        known = list(dict.fromkeys(MISSING if other is None else other for one in slices for name, other in one.values if name == attribute))
        shown = MISSING if value is None else value
        if value == MISSING and any((attribute, None) in one.values for one in slices):
            return f"{attribute} has no value {value!r}; a missing value is written null."
        if shown not in known:
            return f"{attribute} has no {'missing values' if value is None else f'value {value!r}'} in this audit; {_known(shown, known, 'its values are')}"
    return ""


def _known(word: str, names: Sequence[str], otherwise: str) -> str:
    known = list(dict.fromkeys(names))
    near = nearest(word, known)
    return f"did you mean {near!r}?" if near and near != word else f"{otherwise} {listed(known)}."
