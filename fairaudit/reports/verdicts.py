"""The verdict in one sentence with its reason, and what a reader must know beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fairaudit.evidence.measurement import GroupKind
from fairaudit.metrics.catalogue import metric
from fairaudit.reports.badges import FAIL, INCONCLUSIVE, NO_VERDICT, PASS, UNRELIABLE, WARNING, Badge, badge, is_reference
from fairaudit.reports.lookup import Lookup
from fairaudit.reports.numbers import counted
from fairaudit.reports.sentences import ended, limit_words
from fairaudit.reports.told import sentence_of
from fairaudit.rules.finding import Finding, Outcome, Severity, Verdict
from fairaudit.rules.words import unit

_MOST_NAMED = 5
_TESTED = "Tested all the same: such a group can fail, but hardly ever pass, and most true disparities in it stay unseen."
_UNTESTED = "What is no rate is not tested in groups so small; the verdict says nothing of them."
_Key = tuple[object, ...]  # slicing, group


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictView:
    badge: Badge
    sentence: str
    because: str  # the finding that decides, in words
    points: tuple[str, ...]  # what else must be known: engines that disagree, what is unjudged, warnings, small groups


def verdict_of(known: Lookup) -> VerdictView:
    """The audit's verdict. Where engines disagree there is none to rely on, whatever the rules say."""
    badge_, sentence, because = _DECIDED[known.audit.verdict](known)
    if known.of_itself:
        differing = counted(len(known.of_itself), "number")
        badge_, sentence, because = UNRELIABLE, f"The engines that computed this audit disagree on {differing}, so no verdict can be relied on.", ""
    return VerdictView(badge=badge_, sentence=sentence, because=because, points=tuple(_points(known)))


def strength(one: Finding) -> tuple[bool, float]:
    """To sort findings by: the strongest evidence first, what is said of a whole slicing last."""
    return one.group is None, 1.0 if one.p_adjusted is None else one.p_adjusted


def small_groups(findings: Sequence[Finding]) -> str:
    """The groups that a pass says nothing of: "2 groups too small to judge alone: race=Black (70 rows); race=Other (30 rows)".

    Empty where there are none.
    """
    sizes: dict[_Key, tuple[int, str, str]] = {}
    for one in findings:
        if _is_small(one):
            sizes[_key(one)] = max(sizes.get(_key(one), (0, "", "")), (one.rows, unit(metric(one.metric)), str(one.group)))
    if not sizes:
        return ""
    largest = sorted(sizes.values(), reverse=True)[:_MOST_NAMED]
    shown = [f"{group} ({number:,} {name.removesuffix('s') if number == 1 else name})" for number, name, group in largest]
    more = f"; and {len(sizes) - _MOST_NAMED} more with fewer" if len(sizes) > _MOST_NAMED else ""
    return f"{counted(len(sizes), 'group')} too small to judge alone: {'; '.join(shown)}{more}"


def groups_without_value(findings: Sequence[Finding]) -> str:
    """The groups that no number of rows of their kind would help: "1 group cannot be judged: race=Other (true positive rate: no positives)".

    Empty where there are none.
    """
    small = {_key(one) for one in findings if _is_small(one)}
    lacking: dict[_Key, str] = {}
    for one in findings:
        if _is_open(one) and _key(one) not in small:
            lacking.setdefault(_key(one), f"{one.group} ({metric(one.metric).title.lower()}: {one.reason})")
    if not lacking:
        return ""
    more = f"; and {len(lacking) - _MOST_NAMED} more" if len(lacking) > _MOST_NAMED else ""
    return f"{counted(len(lacking), 'group')} cannot be judged: {'; '.join(tuple(lacking.values())[:_MOST_NAMED])}{more}"


def _key(one: Finding) -> _Key:
    return one.slicing, one.group


def _is_small(one: Finding) -> bool:
    """Whether more rows like its own would have it judged; where it has no value it lacks something else."""
    return _is_open(one) and one.outcome is not Outcome.UNDEFINED


def _is_open(one: Finding) -> bool:
    is_undecided = one.verdict is Verdict.INCONCLUSIVE and not one.needed_for_pass
    return is_undecided and one.severity is Severity.FAIL and one.group is not None and one.group.kind is GroupKind.SLICE


def _listed(words: Sequence[str]) -> str:
    return " and ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else ", ".join(words)


def _failed(known: Lookup) -> tuple[Badge, str, str]:
    violated = [one for one in known.judged if badge(one) is FAIL]
    rules = dict.fromkeys(one.rule for one in violated)
    return FAIL, f"The audited decisions violate {quoted(known, rules) or 'a rule'}.", _worst(known, violated)


def _inconclusive(known: Lookup) -> tuple[Badge, str, str]:
    open_ones = [one for one in known.judged if badge(one) is INCONCLUSIVE]
    return INCONCLUSIVE, f"{undecided_sentence(len(open_ones))}.", _worst(known, open_ones)


def undecided_sentence(number: int) -> str:
    needs = counted(number, "comparison that must be decided is not", "comparisons that must be decided are not")
    return f"The data can neither show nor rule out a violation: {needs}"


def _passed(known: Lookup) -> tuple[Badge, str, str]:
    compared = [one for one in known.judged if badge(one) is PASS and not is_reference(one)]
    proven = sum(one.outcome is Outcome.WITHIN for one in compared)
    because = "; ".join(filter(None, (_proven(proven), _excluded(len(compared) - proven, after=proven))))
    return PASS, _none_found(known), ended(because or "nothing could be compared")


def _none_found(known: Lookup) -> str:
    """Which rules a pass is of. One that only warns or informs may be violated all the same, and then the sentence says that."""
    violated = dict.fromkeys(one.rule for one in known.judged if one.verdict is Verdict.FAIL)
    kept = [rule for rule in known.rules if rule not in violated]
    found = f"No violation of {_rules(known, kept)} was found" if kept else "No rule that can fail the audit was asked for"
    if not violated:
        return f"{found}."
    is_, does = ("is", "does") if len(violated) == 1 else ("are", "do")
    return f"{found}; {_rules(known, list(violated))} {is_} violated, but {does} not fail an audit."


def _rules(known: Lookup, ids: Sequence[str]) -> str:
    return quoted(known, ids) if len(ids) <= _MOST_NAMED else f"the {len(ids)} rules"


def _proven(number: int) -> str:
    return counted(number, "comparison lies within its limit", "comparisons lie within their limits") if number else ""


def _excluded(number: int, *, after: int) -> str:
    """What passes without being proven: said apart, since the two are not the same."""
    if not number:
        return ""
    one = f"{'more is not proven to' if after else 'comparison is not proven to lie within its limit'}, but excludes a violation that its rule calls serious"
    several = "more are not proven to" if after else "comparisons are not proven to lie within their limits"
    more = f"{several}, but exclude violations that their rules call serious"
    return counted(number, one, more)


def _unjudged(known: Lookup) -> tuple[Badge, str, str]:
    return NO_VERDICT, "No rules were asked for, so there is no verdict; the numbers below are given as they are.", ""


_DECIDED = {Verdict.FAIL: _failed, Verdict.INCONCLUSIVE: _inconclusive, Verdict.PASS: _passed, None: _unjudged}


def quoted(known: Lookup, ids: Iterable[str]) -> str:
    return _listed([known.title_of_rule(one, "“{}”") for one in ids])


def _worst(known: Lookup, findings: Sequence[Finding]) -> str:
    """The finding with the strongest evidence, against what is asked; how many more there are."""
    if not findings:
        return ""
    worst = min(findings, key=strength)
    asked = f" The rule allows {limit_words(worst.kind, worst.limit)}." if worst.group is not None else ""
    more = f" {counted(len(findings) - 1, 'more such finding is', 'more such findings are')} listed below." if len(findings) > 1 else ""
    return f"{sentence_of(known, worst)}{asked}{more}"


def _points(known: Lookup) -> Iterable[str]:
    for one in known.of_itself[:_MOST_NAMED]:
        yield ended(f"Engines disagree: {one.reason}")
    yield from known.cautions
    warnings = sum(one.verdict is Verdict.FAIL and badge(one) is WARNING for one in known.judged)
    if warnings:
        yield f"{counted(warnings, 'warning')} from rules that do not fail an audit."
    undecided = sum(one.verdict is Verdict.INCONCLUSIVE and badge(one) is INCONCLUSIVE for one in known.judged)
    if undecided and known.audit.verdict is Verdict.FAIL:
        yield f"{counted(undecided, 'comparison that must be decided is not', 'comparisons that must be decided are not')}: more rows are needed."
    small = small_groups(known.judged)
    if small:
        tested = any(_is_small(one) and one.p_adjusted is not None for one in known.judged)
        yield f"{small}. {_TESTED if tested else _UNTESTED}"
    lacking = groups_without_value(known.judged)
    if lacking:
        yield f"{lacking}; the verdict says nothing of that."
