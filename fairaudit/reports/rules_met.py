"""Whether a mitigation met the rules that it was to meet, and by what numbers: the same words on the terminal, in the report's banner and in its section."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fairaudit.mitigations.card import Judged, RuleNumber
from fairaudit.reports.badges import UNRELIABLE, Badge, Tone
from fairaudit.reports.numbers import apart
from fairaudit.reports.sentences import in_sentence
from fairaudit.reports.verdicts import VerdictView
from fairaudit.rules.finding import Severity

MET = Badge(word="Met", sign="✓", tone=Tone.GOOD)
VIOLATED = Badge(word="Violated", sign="✗", tone=Tone.BAD)
NOT_TOLD = Badge(word="Not told", sign="?", tone=Tone.UNSURE)
_BADGES = {"pass": MET, "fail": VIOLATED}  # of anything else it is not told
_MILD = {Severity.WARN: " (this rule warns; it fails no build)", Severity.INFO: " (this rule informs; it fails no build)"}
_TERMS = {"difference": "largest difference in", "gap": "largest gap in", "min_max_ratio": "smallest over largest", "value": "", "conditional_difference": "largest conditional difference in", "change": "largest change in"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleMet:
    badge: Badge
    words: str  # "statistical-parity is still violated"
    numbers: str  # before and after, or ""


def rules_met(rules: Sequence[Judged]) -> tuple[RuleMet, ...]:
    return tuple(RuleMet(badge=_BADGES.get(one.after or "", NOT_TOLD), words=told(one), numbers=_numbers(one)) for one in rules)


def told(one: Judged) -> str:
    """What became of a rule, as a sentence has it."""
    mild = _MILD.get(one.severity, "")
    if one.after == "pass":
        return f"{one.rule} is met{', as it was before' if one.before == 'pass' else ''}"
    if one.after == "fail":
        return f"{one.rule} is {'still ' if one.before == 'fail' else ''}violated{mild}"
    return f"{one.rule} is not told to be met or violated, with so few rows{', though it was violated before' if one.before == 'fail' else ''}{mild}"


def banner(rules: Sequence[Judged], rows: str, audited: VerdictView) -> VerdictView:
    """What stands above a mitigation's report: whether the rules are met, and not whether a build would fail.

    Args:
        rows: that they were judged on, as a sentence has them.
        audited: what would stand above an audit's; where its engines disagree, nothing can be said of the rules either.
    """
    if audited.badge is UNRELIABLE:
        return audited
    found = rules_met(rules)
    worst = next((badge for badge in (VIOLATED, NOT_TOLD) if any(one.badge is badge for one in found)), MET)
    if len(found) > 1 and worst is not MET and any(one.badge is MET for one in found):
        worst = Badge(word=f"{worst.word}, in part", sign=worst.sign, tone=worst.tone)
    return VerdictView(badge=worst, sentence=f"On {rows} that were not fitted on, {'; '.join(one.words for one in found)}.", because="", points=(*(one.numbers for one in found if one.numbers), *audited.points))


def lines(found: Sequence[RuleMet]) -> Iterator[str]:
    """A line for each rule, as a terminal has it."""
    for one in found:
        yield f"{one.badge.sign} {one.words}"
        if one.numbers:
            yield f"  {one.numbers}"


def _numbers(one: Judged) -> str:
    """Of statistical-parity: "statistical-parity: largest difference in selection rate 0.227 → 0.077 (race=African-American; limit 0.1)"."""
    before, after = one.number_before, one.number_after
    if before is None or after is None:
        return ""
    sided = (before.kind, after.kind) == ("difference", "difference") and all(map(_counts_by_size, (before, after)))
    values = [_value(number, sided=sided) for number in (before, after)]
    limit = f"limit {_limit(after, sided=sided)}"
    if _terms(before) == _terms(after):
        groups = [_whose(number) for number in (before, after)]
        whom = groups[0] if groups[0] == groups[1] else ", then ".join(filter(None, groups))
        return f"{one.rule}: {_terms(after)} {values[0]} → {values[1]} ({'; '.join(filter(None, (whom, limit)))})"
    sides = [f"{_terms(number)} {value}{f' ({_whose(number)})' if _whose(number) else ''}" for number, value in zip((before, after), values, strict=True)]
    return f"{one.rule}: {sides[0]} → {sides[1]} ({limit})"


def _terms(one: RuleNumber) -> str:
    word = ("lowest ratio of" if one.limit[0] is not None else "highest ratio of") if one.kind == "ratio" else _TERMS.get(one.kind, one.kind)
    return f"{word} {in_sentence(one.metric)}".strip()


def _whose(one: RuleNumber) -> str:
    if one.group is None:
        return ""
    if one.kind in ("gap", "min_max_ratio") and one.reference is not None:
        return f"{one.group} and {one.reference}"
    return str(one.group)


def _counts_by_size(one: RuleNumber) -> bool:
    """Whether only the size of a difference matters: the side that it is on has a limit, the same as the other where that has one."""
    low, high = one.limit
    if low is not None and high is not None:
        return -low == high
    return one.value <= 0 if low is not None else one.value >= 0


def _value(one: RuleNumber, *, sided: bool) -> str:
    value, (low, high) = one.value, one.limit
    if sided:
        value, low, high = abs(value), None if low is None else abs(low), None if high is None else abs(high)
    return apart(one.kind, value, (low, high))


def _limit(one: RuleNumber, *, sided: bool) -> str:
    ends = [abs(end) if sided else end for end in one.limit if end is not None]
    return " and ".join(dict.fromkeys(f"{end:g}".replace("-", "−") for end in ends))
