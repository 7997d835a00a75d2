"""Who answers for which violation, where nothing is ruled: what `explain`, `compare` and `table` say of waivers. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal

import msgspec

from fairaudit.gate.policy import can_be_waived
from fairaudit.gate.waiver import Waiver, matches
from fairaudit.gate.waivers import is_worse, not_in_force
from fairaudit.rules.finding import Finding

Became = Literal["waived", "worse than waived", "not in force"]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The entry that is for a violation, and whether it applies to it on a day."""

    waiver: Waiver
    became: Became
    why: str = ""  # it is not in force

    @property
    def applies(self) -> bool:
        return self.became == "waived"


def answers(findings: Sequence[Finding], waivers: Sequence[Waiver], *, as_of: date) -> tuple[Answer | None, ...]:
    """Of each finding, the entry that is for it, as the gate would take it; None where it is no violation, or no entry is for it.

    Args:
        waivers: sound ones, no two of which match one finding.
        as_of: the day on which they are judged.
    """
    return tuple(_answer(one, next((waiver for waiver in waivers if can_be_waived(one) and matches(waiver, one)), None), as_of) for one in findings)


def _answer(finding: Finding, waiver: Waiver | None, as_of: date) -> Answer | None:
    if waiver is None:
        return None
    if why := not_in_force(waiver, as_of):
        return Answer(waiver=waiver, became="not in force", why=why)
    return Answer(waiver=waiver, became="worse than waived" if is_worse(finding, waiver.holds_to) else "waived")
