"""From findings, waivers and a policy to what each finding does to the build and the exit code: one pure table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Literal

import msgspec

from fairaudit.cube.slices import Slice
from fairaudit.errors import CONTENT_FAILED, MISCONFIGURED, NOT_ENOUGH_EVIDENCE, PASSED, VIOLATED, UnknownName
from fairaudit.gate.waiver import Waiver
from fairaudit.rules.finding import DISAGREEMENT, Finding, Outcome, Severity, Verdict

Word = Literal["pass", "fail", "inconclusive", "error", "unjudged"]
WORDS: dict[int, Word] = {PASSED: "pass", VIOLATED: "fail", NOT_ENOUGH_EVIDENCE: "inconclusive", CONTENT_FAILED: "error", MISCONFIGURED: "unjudged"}


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate makes of findings."""

    inconclusive: Literal["fail", "warn", "pass"] = "fail"  # what it does that evidence is missing where it is needed; what is undefined there always blocks
    fail_on: Literal["fail", "warn"] = "fail"  # `warn`: a violated rule of severity warn fails the build too
    unused_waivers: Literal["warn", "fail"] = "warn"  # a stale waiver hides the next violation

    def __post_init__(self) -> None:
        for name, known in (("inconclusive", ("fail", "warn", "pass")), ("fail_on", ("fail", "warn")), ("unused_waivers", ("warn", "fail"))):
            if getattr(self, name) not in known:
                raise UnknownName(f"policy of {name}", str(getattr(self, name)), known)


class State(StrEnum):
    """What a finding, or a remark, does to the build."""

    PASS = "pass"
    NOTED = "noted"  # a rule that only informs is violated; or what is inconclusive need not be decided
    WAIVED = "waived"
    WARN = "warn"
    INCONCLUSIVE = "inconclusive"
    FAIL = "fail"
    ERROR = "error"  # engines disagree


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    finding: Finding
    state: State
    waiver: Waiver | None = None  # that it is waived by
    exceeded: Waiver | None = None  # that is for it, and tolerates nothing so bad


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate has to say besides: of a waiver that does not apply, of what vanished since the baseline."""

    id: str  # waiver-expired, waiver-unused, missing-slice, …
    state: State
    sentence: str
    rule: str = ""  # that it is about
    slice: Slice | None = None


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """By what it was ruled, each by the SHA-256 of its file."""

    baseline: str | None = None  # of its audit.json; None: there is none
    waivers: str | None = None  # None: there are none, or they stand in no file


NO_SOURCES = Sources()


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate decided. It depends on the day, as waivers do, so it is no part of the audit."""

    policy: Policy
    as_of: date
    standings: tuple[Standing, ...]
    remarks: tuple[Remark, ...] = ()
    sources: Sources = NO_SOURCES

    @property
    def states(self) -> tuple[State, ...]:
        return (*(one.state for one in self.standings), *(one.state for one in self.remarks))

    @property
    def exit_code(self) -> int:
        """The first that holds of 2 (nothing was judged), 4 (engines disagree), 1 (violated), 3 (not enough evidence), 0."""
        if all(one.state is State.ERROR for one in self.standings):  # or there are none
            return CONTENT_FAILED if self.standings else MISCONFIGURED
        states = frozenset(self.states)
        return next((code for state, code in ((State.ERROR, CONTENT_FAILED), (State.FAIL, VIOLATED), (State.INCONCLUSIVE, NOT_ENOUGH_EVIDENCE)) if state in states), PASSED)

    @property
    def verdict(self) -> Word:
        """The exit code in a word."""
        return WORDS[self.exit_code]


def ruled(
    findings: Sequence[Finding], policy: Policy, *, as_of: date, waived: Mapping[int, Waiver] | None = None, exceeded: Mapping[int, Waiver] | None = None, remarks: Sequence[Remark] = (),
    sources: Sources = NO_SOURCES,
) -> Ruling:
    """The findings as this policy takes them.

    Args:
        as_of: the day on which it is asked.
        waived: the waivers that apply, by the place of the finding.
        exceeded: likewise, those that the finding is worse than.
        remarks: of waivers and of a baseline.
        sources: by which files it was ruled.
    """
    applied, broken = waived or {}, exceeded or {}
    standings = (
        Standing(finding=one, state=state_of(one, policy, waived=place in applied), waiver=applied.get(place) if can_be_waived(one) else None, exceeded=broken.get(place) if can_be_waived(one) else None)
        for place, one in enumerate(findings)
    )
    return Ruling(policy=policy, as_of=as_of, standings=tuple(standings), remarks=tuple(remarks), sources=sources)


def can_be_waived(finding: Finding) -> bool:
    """Only a violation can; what is undefined or not decided was not seen, so nobody can answer for it."""
    return finding.verdict is Verdict.FAIL and finding.rule != DISAGREEMENT


def state_of(finding: Finding, policy: Policy, *, waived: bool = False) -> State:
    """In this order: engines disagree; undefined; waived; how severe the rule is; the policy."""
    if finding.rule == DISAGREEMENT:
        return State.ERROR
    match finding.verdict:
        case Verdict.PASS:
            return State.PASS
        case Verdict.INCONCLUSIVE if not finding.needed_for_pass or finding.severity is not Severity.FAIL:
            return State.NOTED
        case Verdict.INCONCLUSIVE if finding.outcome is Outcome.UNDEFINED:
            return State.INCONCLUSIVE
        case Verdict.INCONCLUSIVE:
            return {"fail": State.INCONCLUSIVE, "warn": State.WARN, "pass": State.NOTED}[policy.inconclusive]
        case Verdict.FAIL if waived:
            return State.WAIVED
        case Verdict.FAIL:
            return {Severity.FAIL: State.FAIL, Severity.WARN: State.FAIL if policy.fail_on == "warn" else State.WARN, Severity.INFO: State.NOTED}[finding.severity]
