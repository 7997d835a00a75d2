"""What the gate made of an audit on a day, in words: its verdict, what is waived, and what it has to say besides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fairaudit.errors import NOT_ENOUGH_EVIDENCE, PASSED, VIOLATED
from fairaudit.gate.policy import Remark, Ruling, Standing, State
from fairaudit.gate.waiver import Waiver, whom
from fairaudit.reports.badges import FAIL, INCONCLUSIVE, NO_VERDICT, NOTED, PASS, UNDECIDED, UNRELIABLE, WAIVED, WARNING, Badge, badge
from fairaudit.reports.lookup import Lookup
from fairaudit.reports.numbers import apart, counted
from fairaudit.reports.sentences import ended, limit_words
from fairaudit.reports.told import sentence_of
from fairaudit.reports.verdicts import quoted, undecided_sentence, verdict_of
from fairaudit.rules.finding import Verdict

_BADGES = {State.FAIL: FAIL, State.WAIVED: WAIVED, State.WARN: WARNING, State.INCONCLUSIVE: INCONCLUSIVE, State.ERROR: UNRELIABLE}
_OTHERS = {
    State.FAIL: ("remark that fails the gate", "remarks that fail the gate"),
    State.INCONCLUSIVE: ("remark that keeps it from passing", "remarks that keep it from passing"),
}  # fmt: skip
_REMARKS = {  # of those that block, by what they are about
    "waiver-expired": ("waiver that is not in force", "waivers that are not in force"),
    "waiver-unused": ("waiver that is not used", "waivers that are not used"),
    "worse-than-waived": ("violation that is worse than waived", "violations that are worse than waived"),
    "missing-metric": ("metric that a rule judges no more since the baseline", "metrics that rules judge no more since the baseline"),
    "missing-slice": ("slice that has vanished since the baseline", "slices that have vanished since the baseline"),
    "missing-slices": ("slicing or rule that has vanished since the baseline", "slicings or rules that have vanished since the baseline"),
    "softened-rule": ("rule that was softened since the baseline", "rules that were softened since the baseline"),
}
_VERDICTS = {PASSED: PASS, VIOLATED: FAIL, NOT_ENOUGH_EVIDENCE: INCONCLUSIVE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Remarked:
    """What the gate says besides."""

    badge: Badge
    id: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaivedView:
    """A violation that is tolerated."""

    badge: Badge
    rule: str
    sentence: str
    terms: str  # up to what value, until when
    reason: str  # who answers for it, and why


@dataclass(frozen=True, slots=True, kw_only=True)
class GateView:
    badge: Badge
    day: str
    sentence: str
    waived: tuple[WaivedView, ...]
    remarks: tuple[Remarked, ...]


def gate_of(known: Lookup, ruling: Ruling) -> GateView:
    badge_, sentence = gate_verdict(known, ruling)
    waived = (_waived(known, one, one.waiver) for one in ruling.standings if one.waiver is not None)
    return GateView(badge=badge_, day=str(ruling.as_of), sentence=ended(sentence), waived=tuple(waived), remarks=remarks_of(ruling.remarks))


def gate_verdict(known: Lookup, ruling: Ruling) -> tuple[Badge, str]:
    """The gate's word, and its sentence with what is waived and warned of counted."""
    told, tally = verdict_of(known), _tally(ruling)
    word = _VERDICTS.get(ruling.exit_code, told.badge)
    if told.badge in (UNRELIABLE, NO_VERDICT):
        return told.badge, told.sentence
    sentence = _sentence(known, ruling, word) or told.sentence.removesuffix(".")
    counts = tally if any(one.state is State.WAIVED for one in ruling.standings) or ruling.remarks or told.badge is not word else ""
    return word, f"{sentence}{'; ' if ':' in sentence or word is FAIL else ': '}{counts}" if counts else sentence


def badge_in(standing: Standing) -> Badge:
    """What a finding does to the build, as a reader sees it."""
    if standing.state in _BADGES:
        return _BADGES[standing.state]
    plain = badge(standing.finding)
    return UNDECIDED if plain is INCONCLUSIVE else NOTED if plain in (FAIL, WARNING) else plain


def remarks_of(remarks: Sequence[Remark]) -> tuple[Remarked, ...]:
    """The gravest first."""
    order = (FAIL, INCONCLUSIVE, WARNING)
    shown = [Remarked(badge=_BADGES.get(one.state, NOTED), id=one.id, sentence=one.sentence if one.sentence.endswith("?") else ended(one.sentence)) for one in remarks]
    return tuple(sorted(shown, key=lambda one: order.index(one.badge) if one.badge in order else len(order)))


def terms_of(standing: Standing, waiver: Waiver) -> str:
    """Up to what value a violation is tolerated, and until when."""
    return f"waived to {apart(standing.finding.kind, waiver.holds_to, standing.finding.limit)} until {waiver.expires}"


def reason_of(waiver: Waiver) -> str:
    ticket = f" ({waiver.ticket})" if waiver.ticket else ""
    return f"{waiver.owner}: {waiver.reason}{ticket}"


def _waived(known: Lookup, standing: Standing, waiver: Waiver) -> WaivedView:
    one = standing.finding
    terms = f"The rule allows {limit_words(one.kind, one.limit)}; {terms_of(standing, waiver)}."
    return WaivedView(badge=WAIVED, rule=f"{one.rule}: {whom(one)}", sentence=sentence_of(known, one), terms=terms, reason=ended(reason_of(waiver)))


def _sentence(known: Lookup, ruling: Ruling, word: Badge) -> str:
    """What decides; nothing where it is what the audit itself says."""
    deciding = [one.finding for one in ruling.standings if badge_in(one) is word]
    if word is FAIL:
        rules = [one for one in dict.fromkeys(one.rule for one in deciding) if one in known.rules]
        return f"The audited decisions violate {quoted(known, rules)}" if rules else "No violation fails the gate, but something else does"
    if word is INCONCLUSIVE:
        return undecided_sentence(len(deciding)) if deciding else "No comparison keeps the gate from passing, but something else does"
    violated = any(one.state is State.WAIVED for one in ruling.standings)
    return "" if known.audit.verdict is Verdict.PASS and not violated else "Nothing fails the gate"


def _tally(ruling: Ruling) -> str:
    """2 violations waived, 1 warning."""
    return ", ".join(_counts(ruling))


def _about(remark: Remark) -> str:
    return "missing-slices" if remark.id == "missing-slice" and remark.slice is None else remark.id


def _counts(ruling: Ruling) -> Iterator[str]:
    waived = sum(one.state is State.WAIVED for one in ruling.standings)
    if waived:
        yield counted(waived, "violation waived", "violations waived")
    for state in (State.FAIL, State.INCONCLUSIVE):
        for about, number in Counter(_about(remark) for remark in ruling.remarks if remark.state is state).items():
            yield counted(number, *_REMARKS.get(about, _OTHERS[state]))
    let_pass = sum(one.state is State.NOTED and badge(one.finding) is INCONCLUSIVE for one in ruling.standings)
    if let_pass:
        yield counted(let_pass, "comparison is let pass undecided", "comparisons are let pass undecided")
    warnings = ruling.states.count(State.WARN)
    if warnings:
        yield counted(warnings, "warning")
