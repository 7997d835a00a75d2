"""From findings to an exit code: one pure table."""

from __future__ import annotations

from collections.abc import Sequence

from fairaudit.errors import CONTENT_FAILED, MISCONFIGURED, NOT_ENOUGH_EVIDENCE, PASSED, VIOLATED
from fairaudit.rules.finding import DISAGREEMENT, Finding, Verdict
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
