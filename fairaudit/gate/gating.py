"""A judged audit and what was asked of the gate → its ruling: the one path of `fairaudit gate`, `audit --gate` and Python."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from fairaudit.gate.policy import Policy, Ruling, ruled
from fairaudit.gate.waiver import Waiver, Waivers
from fairaudit.gate.waiver_file import load_waivers
from fairaudit.gate.waivers import applied
from fairaudit.result import Audit


def ruling(audit: Audit, policy: Policy | None = None, *, waivers: Path | str | Waivers | Sequence[Waiver] = (), as_of: date | None = None) -> Ruling:
    """What the gate makes of an audit's findings.

    Args:
        policy: what missing evidence and warnings do. [default: missing evidence blocks, warnings do not]
        waivers: a file of waivers, or entries. [default: none]
        as_of: the day on which waivers are judged. [default: today, UTC]

    Raises:
        ConfigError: the waivers have mistakes.
    """
    asked, day = policy or Policy(), as_of or today()
    found = applied(audit.findings, load_waivers(waivers).waivers, asked, as_of=day)
    return ruled(audit.findings, asked, as_of=day, waived=found.waived, remarks=found.remarks)


def today() -> date:
    """The day in UTC, so that a build ends alike wherever it runs."""
    return datetime.now(UTC).date()
