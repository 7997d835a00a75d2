"""A finding from its counts to its verdict, step by step: every number is one that the judging code computed, and every formula has its numbers put in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import msgspec

from fairaudit.errors import ConfigError
from fairaudit.gate.judged import context_of
from fairaudit.gate.waiver import whom
from fairaudit.metrics.catalogue import Shape
from fairaudit.reports import explained_change
from fairaudit.reports.explained_change import paired_of
from fairaudit.reports.explained_counts import compared, counted, rates
from fairaudit.reports.explained_evidence import interval, limit, serious
from fairaudit.reports.explained_representation import representation
from fairaudit.reports.explained_tests import tested
from fairaudit.reports.explained_verdict import decided, too_few
from fairaudit.reports.explained_waiver import answered
from fairaudit.reports.lookup import lookup
from fairaudit.reports.sentences import at_start, ended
from fairaudit.reports.steps import Explanation, Seen, Step
from fairaudit.reports.told import sentence_of
from fairaudit.result import Audit, counts_read, encoded
from fairaudit.rules.finding import DISAGREEMENT, Finding
from fairaudit.rules.judge import Case, cases
from fairaudit.rules.plan import plan, sharing

_OF_GROUP: tuple[Callable[[Seen], Step], ...] = (counted, rates, compared, limit, interval, tested, serious, decided)
_OF_PAIRED: tuple[Callable[[Seen], Step], ...] = (
    explained_change.turned,
    explained_change.rates,
    explained_change.compared,
    limit,
    interval,
    tested,
    serious,
    decided,
)
_OF_ALL: tuple[Callable[[Seen], Step], ...] = (counted, limit, too_few)  # too few groups can be judged, so nothing is compared
_SAME = 1e-9  # two machines may differ in the last digits
_HELD = (
    "outcome",
    "verdict",
    "value",
    "interval",
    "limit",
    "serious",
    "p_adjusted",
    "alpha",
    "rows",
    "events",
    "needed_for_pass",
    "severity",
    "group",
    "reference",
    "rows_needed",
)


def explained(audit: Audit) -> tuple[Explanation, ...]:
    """Everything that the audit's rules say, judged again from its counts; what engines disagreed on comes last.

    Raises:
        ConfigError: the audit was made without rules.
    """
    if not audit.rules and not audit.findings:
        raise ConfigError("this audit was made without rules, so nothing was judged; audit again with --rule ID, as four-fifths.")
    counts, context = counts_read(audit), context_of(audit)
    planned = plan(audit.rules, counts, context) if audit.rules else ()
    found = cases(audit.rules, counts, context) if audit.rules else ()
    families = {(one.rule.id, one.slicing): one for one in planned}
    stored = {_key(one): one for one in audit.findings}
    known = lookup(audit)

    def explanation(case: Case) -> Explanation:
        own = families[case.rule.id, case.finding.slicing]
        seen = Seen(case=case, planned=own, sharing=sharing(own, planned), counts=counts, context=context)
        return Explanation(
            finding=case.finding, sentence=sentence_of(known, case.finding), differs=_differs(stored.get(_key(case.finding)), case.finding),
            steps=partial(_steps, seen),
        )  # fmt: skip

    of_itself = (
        Explanation(finding=one, sentence=sentence_of(known, one), differs=(), steps=partial(_disagreement, one))
        for one in audit.findings
        if one.rule == DISAGREEMENT
    )
    return (*map(explanation, found), *of_itself)


def gone(audit: Audit, found: Iterable[Explanation]) -> tuple[str, ...]:
    """Findings that the file holds and its counts do not give."""
    known = {_key(one.finding) for one in found}
    return tuple(f"{one.rule} on {whom(one)}" for one in audit.findings if _key(one) not in known)


def as_text(one: Explanation, *, file: str) -> str:
    """The whole explanation as lines of text."""
    lines = [f"{one.finding.by} on {one.whom} ({one.finding.metric}): {one.badge.word.lower()}", one.sentence, _stored(one, file)]
    for number, step in enumerate(one.steps(), 1):
        lines += ["", f"{number}. {step.title}", *(f"   {line}" for line in step.lines)]
    return "\n".join(lines)


def as_data(one: Explanation) -> dict[str, Any]:
    """The same as data: numbers in full, those that are undefined or infinite as null."""
    steps = [{"step": step.id, "title": step.title, "text": list(step.lines), "numbers": step.numbers} for step in one.steps()]
    found = {
        "rule": one.finding.rule,
        "whom": one.whom,
        "metric": one.finding.metric,
        "sentence": one.sentence,
        "differs_from_file": list(one.differs),
        "finding": one.finding,
        **answered(one),
        "steps": steps,
    }
    data: dict[str, Any] = msgspec.to_builtins(found, enc_hook=encoded)
    return data


def _stored(one: Explanation, file: str) -> str:
    if one.finding.rule == DISAGREEMENT:
        return f"As {file} holds it; no rule judges this."
    if not one.differs:
        return f"Judged again from the counts in {file}; the finding stored there says the same."
    return (
        f"Judged again from the counts in {file}, AND THE FINDING STORED THERE SAYS OTHERWISE: {'; '.join(one.differs)}. What follows is what the counts give."
    )


def _steps(seen: Seen) -> tuple[Step, ...]:
    if seen.metric.shape is Shape.POPULATION:
        return representation(seen)
    if seen.case.fact is None:
        return tuple(step(seen) for step in _OF_ALL)
    return tuple(step(seen) for step in (_OF_PAIRED if paired_of(seen.family) else _OF_GROUP))


def _disagreement(one: Finding) -> tuple[Step, ...]:
    told = (ended(at_start(one.reason)), "Two engines that compute the same number must agree; where they do not, no number of the audit can be relied on.")
    return (Step(id="verdict", title="The verdict", lines=told, numbers={}),)


def _key(one: Finding) -> tuple[str, str, str, str]:
    """What a finding is about; of two groups that are furthest apart, whoever they are."""
    return one.rule, one.metric, whom(one), str(one.group) if one.group is None or one.rule == DISAGREEMENT else ""


def _differs(stored: Finding | None, found: Finding) -> tuple[str, ...]:
    if stored is None:
        return ("there is no such finding",)
    return tuple(
        f"{name.replace('_', ' ')} {_shown(getattr(stored, name))}, and the counts give {_shown(getattr(found, name))}"
        for name in _HELD
        if not _alike(getattr(stored, name), getattr(found, name))
    )


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= _SAME * max(abs(one), abs(other))
    return bool(one == other)


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return " to ".join("open" if end is None else f"{end:g}" for end in value)
    rows = getattr(value, "rows", None)
    return f"{rows} more rows of {value.group}" if rows is not None else "none" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
