"""Rules and counts → findings. Pure: the same counts give the same verdicts, and no chance enters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from fairaudit.cube.counts import Counts
from fairaudit.cube.slices import Slicing
from fairaudit.metrics.catalogue import CATALOGUE, Metric, Shape
from fairaudit.rules.decide import decide, is_thin
from fairaudit.rules.facts import Fact
from fairaudit.rules.family import Family, family
from fairaudit.rules.finding import Finding, Severity, Verdict
from fairaudit.rules.left_out import LeftOut, kept, left_out
from fairaudit.rules.params import own_params
from fairaudit.rules.plan import Context, Planned, plan
from fairaudit.rules.representation import decide_representation
from fairaudit.rules.rule import Rule, SmallGroups
from fairaudit.rules.sides import Judged, left_out_of, needs_rows, written
from fairaudit.rules.whole import decide_whole, groups_able
from fairaudit.types import Ints


def judge(rules: Sequence[Rule], counts: Counts, context: Context) -> tuple[Finding, ...]:
    """What the rules say of every group of every slicing they judge, in the order of rules, slicings, metrics and groups.

    Raises:
        ConfigError: a rule needs labels, scores, slicings or a reference that the audit lacks.
    """
    return tuple(one.finding for one in cases(rules, counts, context))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A finding with what it was made of."""

    finding: Finding
    rule: Rule
    family: Family | None  # None where the rule judges one number over all groups of a slicing, or who its rows are
    fact: Fact | None  # None where too few groups can be judged


def cases(rules: Sequence[Rule], counts: Counts, context: Context) -> tuple[Case, ...]:
    """What `judge` says, each finding with the family and the fact that it rests on."""
    judged = _judged(rules, counts, context)
    decided = {(one.asked.id, one.metric.id, one.slicing) for one in judged if isinstance(one, Family) and not is_thin(one)}
    return tuple(case for one in judged for case in _cases(one, decided, counts, context))


def wanted_pairs(rules: Sequence[Rule], counts: Counts, context: Context) -> tuple[tuple[str, str, int, int], ...]:
    """The comparisons between two slices that the findings rest on: (metric, kind, group, reference), as indexes into `counts.slices`.

    Comparisons with the rest, with everyone and of the pool are no pairs of slices and are not listed; nor are gaps, which the audit has of itself.
    """
    pairs = (
        (one.metric.id, one.asked.comparison.value, int(index), int(one.indices[one.reference]))
        for one in _judged(rules, counts, context)
        if isinstance(one, Family) and one.reference is not None and not one.within and not one.asked.comparison.is_extreme
        for place, index in enumerate(one.indices)
        if place != one.reference
    )
    return tuple(dict.fromkeys(pairs))


def kept_for_the_gate(rules: Sequence[Rule], counts: Counts, context: Context) -> tuple[Judged, ...]:
    """What rules on metrics that need more than counts were judged by, so that they can be judged again from counts."""
    found: list[Judged] = []
    for one in _judged(rules, counts, context):
        if isinstance(one, Family) and needs_rows(one.metric, counts):
            pooled, own = tuple(one.slices[place] for place in one.pooled), own_params(one.asked, one.metric.id)
            made = written(one.metric, one.slicing, one.sides, pooled, own=own, left_out=left_out_of(counts, one.slicing, one.indices))
            found += [] if made in found else [made]
    return tuple(found)


def not_judged(rules: Sequence[Rule], counts: Counts, context: Context) -> tuple[LeftOut, ...]:
    """The groups that rules leave out, in the order of rules, slicings and groups."""
    indices = _by_slicing(counts, context)
    return tuple(gone for one in plan(rules, counts, context) for gone in left_out(one.rule, one.slicing, indices[one.slicing], counts))


def overall_verdict(findings: Iterable[Finding]) -> Verdict:
    """Fail before inconclusive before pass; only rules of severity `fail` can do other than pass."""
    failing = [one for one in findings if one.severity is Severity.FAIL]
    if any(one.verdict is Verdict.FAIL for one in failing):
        return Verdict.FAIL
    if any(one.verdict is Verdict.INCONCLUSIVE and one.needed_for_pass for one in failing):
        return Verdict.INCONCLUSIVE
    return Verdict.PASS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whole:
    """One rule on a slicing as a whole: on one number over all its groups, or on who its rows are."""

    planned: Planned
    metric: Metric
    indices: Ints


def _judged(rules: Sequence[Rule], counts: Counts, context: Context) -> tuple[Family | _Whole, ...]:
    indices = _by_slicing(counts, context)
    return tuple(
        _Whole(planned=one, metric=CATALOGUE[name], indices=indices[one.slicing])
        if CATALOGUE[name].shape in (Shape.ACROSS, Shape.POPULATION)
        else family(one, name, kept(one.rule, indices[one.slicing], counts), counts, context)
        for one in plan(rules, counts, context)
        for name in one.rule.metrics
    )


def _by_slicing(counts: Counts, context: Context) -> dict[Slicing, Ints]:
    """Each slicing's slices, as indexes into `counts.slices`."""
    cut: dict[Slicing, list[int]] = {}
    for index, one in enumerate(counts.slices):
        cut.setdefault(one.attributes, []).append(index)
    return {slicing: np.array(cut.get(slicing, []), dtype=np.int64) for slicing in context.slicings}


def _cases(one: Family | _Whole, decided: set[tuple[str, str, Slicing]], counts: Counts, context: Context) -> tuple[Case, ...]:
    if isinstance(one, _Whole) and one.metric.shape is Shape.POPULATION:
        return tuple(Case(finding=finding, rule=one.planned.rule, family=None, fact=fact) for fact, finding in decide_representation(one.planned, one.metric, one.indices, counts, context))
    if isinstance(one, _Whole):
        thin = len(one.planned.slicing) > 1 and groups_able(one.planned.rule, one.indices, counts) < 2
        fact, finding = decide_whole(one.planned, one.metric, one.indices, counts, context, gates=one.planned.rule.severity is Severity.FAIL and not thin)
        return (Case(finding=finding, rule=one.planned.rule, family=None, fact=fact),)
    return tuple(Case(finding=finding, rule=one.asked, family=one, fact=fact) for fact, finding in decide(one, counts, context, gates=_gates(one, decided)))


def _gates(one: Family, decided: set[tuple[str, str, Slicing]]) -> bool:
    """Whether what is inconclusive here may block: not where rules only warn, and not in a thin crossing of attributes that were decided alone."""
    if one.asked.severity is not Severity.FAIL:
        return False
    crossing_of_decided = len(one.slicing) > 1 and all((one.asked.id, one.metric.id, (attribute,)) in decided for attribute in one.slicing)
    return not (is_thin(one) and crossing_of_decided) or one.asked.small_groups is SmallGroups.GATE
