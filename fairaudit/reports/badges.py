"""A verdict as a reader sees it: a word, a sign and a colour that say the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from fairaudit.rules.finding import Finding, Severity, Verdict


class Tone(StrEnum):
    """The style sheet has a colour for each; never the only sign."""

    BAD = "bad"
    GOOD = "good"
    UNSURE = "unsure"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    word: str
    sign: str
    tone: Tone


FAIL = Badge(word="Fail", sign="✕", tone=Tone.BAD)
PASS = Badge(word="Pass", sign="✓", tone=Tone.GOOD)
INCONCLUSIVE = Badge(word="Inconclusive", sign="?", tone=Tone.UNSURE)
WARNING = Badge(word="Warning", sign="!", tone=Tone.UNSURE)
WAIVED = Badge(word="Waived", sign="~", tone=Tone.PLAIN)
NOTED = Badge(word="Noted", sign="i", tone=Tone.PLAIN)
UNDECIDED = Badge(word="Undecided", sign="–", tone=Tone.PLAIN)
NO_VERDICT = Badge(word="No verdict", sign="–", tone=Tone.PLAIN)
UNRELIABLE = Badge(word="No verdict", sign="!", tone=Tone.UNSURE)
REFERENCE = Badge(word="Reference", sign="◇", tone=Tone.PLAIN)

GRAVEST_FIRST = (FAIL, INCONCLUSIVE, WARNING, NOTED, PASS, UNDECIDED)

_VIOLATED = {Severity.FAIL: FAIL, Severity.WARN: WARNING, Severity.INFO: NOTED}


def badge(finding: Finding) -> Badge:
    """What a finding means for the verdict: only what can block is called inconclusive."""
    match finding.verdict:
        case Verdict.FAIL:
            return _VIOLATED[finding.severity]
        case Verdict.INCONCLUSIVE:
            return INCONCLUSIVE if finding.needed_for_pass else UNDECIDED
        case Verdict.PASS:
            return REFERENCE if is_reference(finding) else PASS


def badge_of_all(findings: Sequence[Finding]) -> Badge:
    """The gravest of a rule's findings; a rule of which nothing could be judged passes nothing."""
    found = [badge(one) for one in findings]
    return next((one for one in GRAVEST_FIRST if one in found), UNDECIDED)


def is_reference(finding: Finding) -> bool:
    """Whether the group is its own reference, with which it is level by nature."""
    return finding.group is not None and finding.group == finding.reference
