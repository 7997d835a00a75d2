"""What was judged in a former audit and is not judged in this one: what is not looked at any more must not pass for that."""

from __future__ import annotations

from collections.abc import Iterator

from fairaudit.cube.slices import Slice, Slicing
from fairaudit.errors import listed
from fairaudit.gate.policy import Remark, State
from fairaudit.gate.waiver import target_of
from fairaudit.result import Audit
from fairaudit.rules.finding import DISAGREEMENT, Finding, Severity, Verdict

MISSING_METRIC, MISSING_SLICE, SOFTENED = "missing-metric", "missing-slice", "softened-rule"  # the latter also of a whole slicing, and of a rule: all its slices
Values = frozenset[tuple[str, str | None]]  # of a slice, in whatever order


def vanished(new: Audit, old: Audit) -> tuple[Remark, ...]:
    """A remark on each rule, metric, slicing and slice that was judged there and is not here; inconclusive where it could have kept the former audit from passing."""
    return (*_rules(new, old), *_metrics(new, old), *_slicings(new, old), *_unasked(new, old), *_slices(new, old), *_pools(new, old))


def _rules(new: Audit, old: Audit) -> Iterator[Remark]:
    known = {one.id: one for one in new.rules}
    for rule in old.rules:
        if rule.id in known and rule.severity is Severity.FAIL and known[rule.id].severity is not Severity.FAIL:
            yield Remark(
                id=SOFTENED, state=State.INCONCLUSIVE, rule=rule.id,
                sentence=f"{rule.id} could fail the baseline, and here it can only {known[rule.id].severity.value}; give it `severity: fail` again, or make the next baseline without it.",
            )  # fmt: skip
        if rule.id not in known:
            state = State.INCONCLUSIVE if rule.severity is Severity.FAIL else State.NOTED
            yield Remark(id=MISSING_SLICE, state=state, rule=rule.id, sentence=f"{rule.id} was judged in the baseline and is not judged here; name it with --rule, or make the next baseline without it.")


def _metrics(new: Audit, old: Audit) -> Iterator[Remark]:
    """Of rules that are judged here too, what they do not measure any more."""
    known = {one.id: one.metrics for one in new.rules}
    gone: dict[tuple[str, str], list[Finding]] = {}
    for one in _judged(old):
        if one.rule in known and one.metric not in known[one.rule]:
            gone.setdefault((one.rule, one.metric), []).append(one)
    for (rule, metric), findings in gone.items():
        yield Remark(id=MISSING_METRIC, state=_state(findings), rule=rule, sentence=f"{rule} judged {metric} in the baseline and does not here; give the rule that metric again, or make the next baseline without it.")


def _slicings(new: Audit, old: Audit) -> Iterator[Remark]:
    cut = {frozenset(one) for one in new.slicings}
    gone: dict[Slicing, list[Finding]] = {}
    for one in _judged(old):
        if frozenset(one.slicing) not in cut:
            gone.setdefault(one.slicing, []).append(one)
    for slicing, findings in gone.items():
        flag = f"--protected {slicing[0]}" if len(slicing) == 1 else f"--slice '{'*'.join(slicing)}'"
        yield Remark(id=MISSING_SLICE, state=_state(findings), sentence=f"{_by(findings)} judged slices by {' × '.join(slicing)} in the baseline, and this audit is not cut so; add {flag}, or make the next baseline without it.")


def _unasked(new: Audit, old: Audit) -> Iterator[Remark]:
    """Slicings that this audit has and a rule looks at no more, whether it judged each slice of them or all together."""
    cut, rules, asked = {frozenset(one) for one in new.slicings}, {one.id for one in new.rules}, _asked(new)
    gone: dict[tuple[str, Slicing], list[Finding]] = {}
    for one in _judged(old):
        if one.rule in rules and frozenset(one.slicing) in cut and (one.rule, frozenset(one.slicing)) not in asked:
            gone.setdefault((one.rule, one.slicing), []).append(one)
    for (rule, slicing), findings in gone.items():
        by = " × ".join(slicing)
        yield Remark(id=MISSING_SLICE, state=_state(findings), rule=rule, sentence=f"{rule} judged slices by {by} in the baseline and none of them here, where the audit is cut so; let its `slices` have them, or make the next baseline without it.")


def _slices(new: Audit, old: Audit) -> Iterator[Remark]:
    there, asked = {frozenset(one.slice.values) for one in new.counts}, _asked(new)
    judged = {(one.rule, _values(one)) for one in _judged(new)}
    gone: dict[Values, list[Finding]] = {}
    for one in _judged(old):
        if target_of(one)[0] == "slice" and (one.rule, frozenset(one.slicing)) in asked and (one.rule, _values(one)) not in judged:
            gone.setdefault(_values(one), []).append(one)
    for values, findings in gone.items():
        slice_ = findings[0].group.slice if findings[0].group else Slice()
        why = "the rule leaves it out now" if values in there else "nobody in this audit is of it, or it is called otherwise"
        yield Remark(
            id=MISSING_SLICE, state=_state(findings), rule=findings[0].rule if len({one.rule for one in findings}) == 1 else "", slice=slice_,
            sentence=f"{slice_} was judged in the baseline by {_by(findings)} and is not judged here: {why}; mend the data, or make the next baseline without it.",
        )  # fmt: skip


def _pools(new: Audit, old: Audit) -> Iterator[Remark]:
    """Small groups that were judged together, where that could block, and of whom some are gone and none that is left can block: each of them comes and goes, but not all at once.

    A pool that is gone because a group of it has become large enough to be judged alone is no loss.
    """
    asked, pools = _asked(new), {(one.rule, frozenset(one.slicing)) for one in _judged(new) if target_of(one)[0] == "small_groups"}
    alone = [one for one in _judged(new) if target_of(one)[0] == "slice"]
    there, blocking = ({(one.rule, _values(one)) for one in alone if one.needed_for_pass or not only} for only in (False, True))
    gone: dict[tuple[str, Slicing], list[Finding]] = {}
    for one in _judged(old):
        if target_of(one)[0] == "small_groups" and one.group is not None and (one.rule, frozenset(one.slicing)) in asked - pools:
            members = {(one.rule, frozenset(member.values)) for member in one.group.members}
            if members - there and not members & blocking:
                gone.setdefault((one.rule, one.slicing), []).append(one)
    for (rule, slicing), findings in gone.items():
        whom = listed([str(one) for one in findings[0].group.members]) if findings[0].group else ""
        yield Remark(
            id=MISSING_SLICE, state=_state(findings), rule=rule,
            sentence=f"the small groups of {' × '.join(slicing)} ({whom}) were judged together in the baseline by {rule}, and are not judged here: too few of them are left; mend the data, or make the next baseline without them.",
        )  # fmt: skip


def _judged(audit: Audit) -> Iterator[Finding]:
    return (one for one in audit.findings if one.rule != DISAGREEMENT)


def _asked(audit: Audit) -> frozenset[tuple[str, frozenset[str]]]:
    """By which rule which slicings are judged, in whatever order."""
    return frozenset((one.rule, frozenset(one.slicing)) for one in _judged(audit))


def _values(finding: Finding) -> Values:
    return frozenset(finding.group.slice.values) if finding.group else frozenset()


def _by(findings: list[Finding]) -> str:
    return listed(list(dict.fromkeys(one.rule for one in findings)), most=4)


def _state(findings: list[Finding]) -> State:
    """A group too small to be judged alone comes and goes, and kept nothing from passing while it was there; all of them together are judged by `_pools`."""
    blocked = any(one.severity is Severity.FAIL and (one.needed_for_pass or one.verdict is Verdict.FAIL) for one in findings)
    return State.INCONCLUSIVE if blocked else State.NOTED
