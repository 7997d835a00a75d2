"""Rules and counts → findings. Pure: the same counts give the same verdicts, and no chance enters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from fairaudit.cube.counts import Counts
from fairaudit.cube.slices import Slicing
from fairaudit.rules.decide import decide, is_thin
from fairaudit.rules.family import Family, family
from fairaudit.rules.finding import Finding, Severity, Verdict
from fairaudit.rules.plan import Context, plan
from fairaudit.rules.rule import Rule, SmallGroups
from fairaudit.types import Ints


def judge(rules: Sequence[Rule], counts: Counts, context: Context) -> tuple[Finding, ...]:
    """What the rules say of every group of every slicing they judge, in the order of rules, slicings, metrics and groups.

    Raises:
        ConfigError: a rule needs labels, scores, slicings or a reference that the audit lacks.
    """
    families = _families(rules, counts, context)
    decided = {(one.rule.id, one.metric.id, one.slicing) for one in families if not is_thin(one)}
    return tuple(finding for one in families for finding in decide(one, counts, context, gates=_gates(one, decided)))


def wanted_pairs(rules: Sequence[Rule], counts: Counts, context: Context) -> tuple[tuple[str, str, int, int], ...]:
    """The comparisons between two slices that the findings rest on: (metric, kind, group, reference), as indexes into `counts.slices`.

    Comparisons with the rest, with everyone and of the pool are no pairs of slices and are not listed.
    """
    pairs = (
        (one.metric.id, one.rule.comparison.value, int(index), int(one.indices[one.reference]))
        for one in _families(rules, counts, context)
        if one.reference is not None
        for place, index in enumerate(one.indices)
        if place != one.reference
    )
    return tuple(dict.fromkeys(pairs))


def overall_verdict(findings: Iterable[Finding]) -> Verdict:
    """Fail before inconclusive before pass; only rules of severity `fail` can do other than pass."""
    failing = [one for one in findings if one.severity is Severity.FAIL]
    if any(one.verdict is Verdict.FAIL for one in failing):
        return Verdict.FAIL
    if any(one.verdict is Verdict.INCONCLUSIVE and one.needed_for_pass for one in failing):
        return Verdict.INCONCLUSIVE
    return Verdict.PASS


def _families(rules: Sequence[Rule], counts: Counts, context: Context) -> tuple[Family, ...]:
    planned = plan(rules, counts, context)
    cut: dict[Slicing, list[int]] = {}
    for index, one in enumerate(counts.slices):
        cut.setdefault(one.attributes, []).append(index)
    indices: dict[Slicing, Ints] = {slicing: np.array(cut.get(slicing, []), dtype=np.int64) for slicing in context.slicings}
    return tuple(family(one, metric, indices[one.slicing], counts, context) for one in planned for metric in one.rule.metrics)


def _gates(one: Family, decided: set[tuple[str, str, Slicing]]) -> bool:
    """Whether what is inconclusive here may block: not where rules only warn, and not in a thin crossing of attributes that were decided alone."""
    if one.rule.severity is not Severity.FAIL:
        return False
    crossing_of_decided = len(one.slicing) > 1 and all((one.rule.id, one.metric.id, (attribute,)) in decided for attribute in one.slicing)
    return not (is_thin(one) and crossing_of_decided) or one.rule.small_groups is SmallGroups.GATE
