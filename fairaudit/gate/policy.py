"""From findings to an exit code: one pure table, and the line that says it."""

from __future__ import annotations

from collections.abc import Sequence

from fairaudit.errors import CONTENT_FAILED, MISCONFIGURED, NOT_ENOUGH_EVIDENCE, PASSED, VIOLATED
from fairaudit.evidence.measurement import GroupKind
from fairaudit.rules.finding import DISAGREEMENT, Finding, Severity, Verdict
from fairaudit.rules.judge import overall_verdict

_BY_VERDICT = {Verdict.FAIL: VIOLATED, Verdict.INCONCLUSIVE: NOT_ENOUGH_EVIDENCE, Verdict.PASS: PASSED}


def exit_code(findings: Sequence[Finding]) -> int:
    """What the gate answers: the first that holds of 2 (nothing was judged), 4 (engines disagree), 1 (violated), 3 (not enough evidence), 0.

    Args:
        findings: of rules, and of engines that disagree.
    """
    judged = [one for one in findings if one.rule != DISAGREEMENT]
    if len(judged) < len(findings):
        return CONTENT_FAILED
    return _BY_VERDICT[overall_verdict(judged)] if judged else MISCONFIGURED


def verdict_line(findings: Sequence[Finding]) -> str:
    """The gate's answer in one line, with the small groups that it could not judge."""
    disagreeing = sum(one.rule == DISAGREEMENT for one in findings)
    if disagreeing:
        return f"no verdict: the engines disagree on {_counted(disagreeing, 'number')}"
    verdict = overall_verdict(findings)
    match verdict:
        case Verdict.FAIL:
            told = _counted(sum(_violates(one) for one in findings), "violation")
        case Verdict.INCONCLUSIVE:
            told = _counted(sum(_blocks(one) for one in findings), "comparison") + " without enough evidence"
        case Verdict.PASS:
            told = ""
    return ": ".join(filter(None, (verdict.value, told))) + _unjudged(findings)


def _violates(finding: Finding) -> bool:
    return finding.severity is Severity.FAIL and finding.verdict is Verdict.FAIL


def _blocks(finding: Finding) -> bool:
    return finding.severity is Severity.FAIL and finding.verdict is Verdict.INCONCLUSIVE and finding.needed_for_pass


def _unjudged(findings: Sequence[Finding]) -> str:
    """The groups that neither passed nor failed and do not block: a pass says nothing of them."""
    small = {
        (one.slicing, str(one.group)): one.rows
        for one in findings
        if one.group is not None
        and one.group.kind is GroupKind.SLICE
        and one.severity is Severity.FAIL
        and one.verdict is Verdict.INCONCLUSIVE
        and not one.needed_for_pass
    }
    if not small:
        return ""
    named = ", ".join(f"{group} with {rows} rows" for (_, group), rows in list(small.items())[:5])
    more = f" and {len(small) - 5} more" if len(small) > 5 else ""
    return f" ({_counted(len(small), 'group')} too small to judge alone: {named}{more}; a disparity there would mostly stay unseen)"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
