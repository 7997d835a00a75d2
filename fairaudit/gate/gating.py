"""A judged audit and what was asked of the gate → its ruling: the one path of `fairaudit gate`, `audit --gate` and Python."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from fairaudit.baselines import former
from fairaudit.errors import ConfigError
from fairaudit.gate.policy import Policy, Ruling, Sources, ruled
from fairaudit.gate.vanished import vanished
from fairaudit.gate.waiver import Held, Waiver, Waivers
from fairaudit.gate.waiver_file import held_waivers
from fairaudit.gate.waivers import applied
from fairaudit.given import of_kind
from fairaudit.result import Audit, sha256_of


def ruling(
    audit: Audit, policy: Policy | None = None, *, waivers: Path | str | Waivers | Sequence[Waiver] | Held = (), as_of: date | None = None, baseline: Path | str | Audit | None = None
) -> Ruling:
    """What the gate makes of an audit's findings.

    Args:
        policy: what missing evidence and warnings do. [default: missing evidence blocks, warnings do not]
        waivers: a file of waivers, or entries. [default: none]
        as_of: the day on which waivers are judged. [default: today, UTC]
        baseline: a former audit, or its file: what was judged there and is not here is said. Rules on change were judged with the audit. [default: none]

    Raises:
        ConfigError: the day is none, the waivers have mistakes, or the baseline is none, or another than the audit's rules on change were judged against.
    """
    of_kind(audit, Audit, "audit")
    asked, day = Policy() if policy is None else of_kind(policy, Policy, "policy"), today() if as_of is None else as_of
    if type(day) is not date:  # a time of day, or a text, is in no order with the dates of waivers
        raise ConfigError(f"as_of is {day!r}, which is no day; give a datetime.date, as date(2026, 7, 5).")
    held = held_waivers(waivers)
    found = applied(audit.findings, held.waivers, asked, as_of=day)
    before, its_sha256 = _before(audit, baseline)
    gone = () if before is None else vanished(audit, before)
    sources = Sources(baseline=its_sha256, waivers=held.sha256)
    return ruled(audit.findings, asked, as_of=day, waived=found.waived, exceeded=found.exceeded, remarks=(*found.remarks, *gone), sources=sources)


def _before(audit: Audit, baseline: Path | str | Audit | None) -> tuple[Audit | None, str | None]:
    """The former audit that is asked of, and the hash of its file; where none is, of that which rules on change were judged against."""
    if isinstance(baseline, Audit):
        return baseline, sha256_of(baseline)
    judged_against = audit.baseline.sha256 if audit.baseline is not None and any(rule.needs_baseline for rule in audit.rules) else None
    if baseline is None:
        return None, judged_against
    found = former(baseline)
    if judged_against not in (None, found.sha256):
        raise ConfigError(f"{baseline} is not the baseline that this audit's rules on change were judged against; audit again, or judge it by `fairaudit gate --baseline {baseline}`, in Python `fairaudit.judged(audit, baseline=…)`.")
    return found.audit, found.sha256


def today() -> date:
    """The day in UTC, so that a build ends alike wherever it runs."""
    return datetime.now(UTC).date()
