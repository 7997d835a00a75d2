"""A judged audit and what was asked of the gate → its ruling: the one path of `fairaudit gate`, `audit --gate` and Python."""

from __future__ import annotations

from datetime import UTC, date, datetime

from fairaudit.gate.policy import Policy, Ruling, ruled
from fairaudit.result import Audit


def ruling(audit: Audit, policy: Policy | None = None, *, as_of: date | None = None) -> Ruling:
    """What the gate makes of an audit's findings.

    Args:
        policy: what missing evidence and warnings do. [default: missing evidence blocks, warnings do not]
        as_of: the day on which waivers are judged. [default: today, UTC]
    """
    return ruled(audit.findings, policy or Policy(), as_of=as_of or datetime.now(UTC).date())
