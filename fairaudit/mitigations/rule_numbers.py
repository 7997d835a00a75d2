"""A rule's own number in a finished audit: how far the group that is worst off by it is from its limit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from fairaudit.evidence.measurement import GroupKind
from fairaudit.mitigations.card import RuleNumber, gravest
from fairaudit.rules.finding import Finding, Outcome, Severity, Verdict

_RATIOS = ("ratio", "min_max_ratio")


def furthest(findings: Iterable[Finding]) -> RuleNumber | None:
    """The number that is furthest past the rule's limit, or nearest to it; None where no finding has one.

    A group too small to be judged alone counts only where no other has a number, and neither do the small ones together: their numbers are mostly chance.
    """
    valued = [one for one in findings if one.value is not None and one.group is not None and one.group != one.reference]
    able = list(filter(_is_able, valued))
    worst = max(able or valued, key=_past, default=None)
    if worst is None or worst.value is None:
        return None
    return RuleNumber(metric=worst.metric, kind=worst.kind, group=worst.group, reference=worst.reference, value=worst.value, interval=worst.interval, limit=worst.limit)


def verdict_on(findings: Sequence[Finding]) -> Verdict | None:
    """The gravest of a rule's verdicts; None where they say nothing.

    A rule that only warns blocks nothing, so an audit passes over what stays undecided by it. Whether it is met is asked here all the same: a group with rows enough that is undecided leaves it open.
    """
    found = gravest(findings)
    is_open = any(one.severity is not Severity.FAIL and one.outcome is Outcome.UNDECIDED and one.verdict is Verdict.INCONCLUSIVE and _is_able(one) for one in findings)
    return Verdict.INCONCLUSIVE if is_open and found is not Verdict.FAIL else found


def _is_able(one: Finding) -> bool:
    """Whether it is of a group with rows enough to be judged alone."""
    return one.shrunken is None and (one.group is None or one.group.kind is GroupKind.SLICE)


def past(value: float, limit: tuple[float | None, float | None], kind: str) -> float:
    """How far a number is past its limit, of ratios in logarithms; negative within it."""
    scale = _log if kind in _RATIOS else float
    low, high = limit
    return max(-math.inf, *([] if low is None else [scale(low) - scale(value)]), *([] if high is None else [scale(value) - scale(high)]))


def _past(finding: Finding) -> float:
    return past(finding.value or 0.0, finding.limit, finding.kind)


def _log(value: float) -> float:
    return -math.inf if value <= 0 else math.log(value)
