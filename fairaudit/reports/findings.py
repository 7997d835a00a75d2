"""What the rules found, rule by rule: in sentences where it matters, in a drawn table for the rest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby

from fairaudit.errors import listed
from fairaudit.evidence.measurement import GroupKind
from fairaudit.metrics.catalogue import CATALOGUE, Shape
from fairaudit.reports.badges import GRAVEST_FIRST, REFERENCE, Badge, badge, badge_of_all
from fairaudit.reports.chart import Axis, difference_axis, ratio_axis, value_axis
from fairaudit.reports.footnote import footnote_of
from fairaudit.reports.lookup import Lookup
from fairaudit.reports.numbers import counted, significant
from fairaudit.reports.sentences import in_sentence, limit_words, title_of
from fairaudit.reports.sources import Origin, origin
from fairaudit.reports.told import Told, blocks, is_pair, slicing_words, told, told_of_left_out
from fairaudit.rules.finding import Finding, Severity, Verdict
from fairaudit.rules.rule import Rule
from fairaudit.rules.words import unit

MOST_TOLD = 12  # sentences of one kind; beyond that the table says it
MOST_OPEN = 12  # rows of a table that is not folded away

_VALUE_TITLES = {"ratio": "Ratio", "difference": "Difference", "gap": "Gap", "min_max_ratio": "Lowest ÷ highest", "value": "Value", "change": "Change", "conditional_difference": "Difference"}
_AXES = {"ratio": ratio_axis, "difference": difference_axis, "gap": value_axis, "min_max_ratio": ratio_axis, "value": value_axis, "change": difference_axis, "conditional_difference": difference_axis}

_SEVERITY = {
    Severity.FAIL: "A violation fails the audit.",
    Severity.WARN: "A violation is a warning: it does not fail the audit.",
    Severity.INFO: "This rule informs: it does not fail the audit.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyView:
    """One metric of one slicing under one rule."""

    heading: str
    value_title: str
    unit: str  # what the numbers of a slice count: rows, or the positives among them
    told: tuple[Told, ...]  # violations, and what is inconclusive and blocks
    untold: str  # how many of those the table alone holds
    table: tuple[Told, ...]
    axis: Axis
    summary: str
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleView:
    id: str
    extends: str  # what its file is written upon, or ""
    title: str
    badge: Badge
    principle: str
    rationale: str
    domains: str  # what it was made for
    severity: str
    summary: str
    limits: tuple[str, ...]
    meanings: tuple[str, ...]  # of what is judged
    origin: Origin
    not_for: tuple[str, ...]  # only where something is violated
    families: tuple[FamilyView, ...]
    footnote: str  # of all their tables


def rules_of(known: Lookup, as_of: date | None = None) -> tuple[RuleView, ...]:
    """Every rule that was judged, in the order asked for; with `as_of`, which of their sources are old on that day."""
    rules = tuple(_rule(known, rule_id, tuple(one for one in known.judged if one.rule == rule_id), as_of) for rule_id in known.rules)
    return _with_first_open(rules) if known.audit.verdict is Verdict.PASS else rules


def _with_first_open(rules: tuple[RuleView, ...]) -> tuple[RuleView, ...]:
    """The first table that is not too long, open: a pass is not to be seen without any evidence of it."""
    for i, rule in enumerate(rules):
        for j, family in enumerate(rule.families):
            if family.table and len(family.table) <= MOST_OPEN:
                families = (*rule.families[:j], replace(family, is_open=True), *rule.families[j + 1 :])
                return (*rules[:i], replace(rule, families=families), *rules[i + 1 :])
    return rules


def _rule(known: Lookup, rule_id: str, findings: tuple[Finding, ...], as_of: date | None) -> RuleView:
    rule = known.rules[rule_id]
    violated = any(one.verdict is Verdict.FAIL for one in findings)
    families = groupby(findings, key=lambda one: (one.metric, one.slicing))
    return RuleView(
        id=rule.id,
        extends=f"The rule {rule.id} extends {rule.extends}: what its own file does not say is that rule's." if rule.extends else "",
        title=known.title_of_rule(rule.id),
        badge=badge_of_all(findings),
        principle=rule.principle,
        rationale=rule.rationale.strip(),
        domains=listed(rule.applies_to.domains) if rule.applies_to.domains else "",
        severity=_SEVERITY[rule.severity],
        summary=_summary(findings),
        limits=tuple(dict.fromkeys(_limit(one, rule) for one in findings)),
        meanings=tuple(f"{CATALOGUE[name].title}: {_inside(CATALOGUE[name].meaning)}" for name in dict.fromkeys(one.metric for one in findings) if name in CATALOGUE),
        origin=origin(rule, as_of),
        not_for=rule.not_for if violated else (),
        families=tuple(_family(known, tuple(found)) for _, found in families),
        footnote=footnote_of(known, rule, findings),
    )


def _inside(meaning: str) -> str:
    return meaning[:1].lower() + meaning[1:]


def _limit(finding: Finding, rule: Rule) -> str:
    """What is allowed. A minimum ratio is turned over where low is good, and the reader of the rule is told."""
    what = in_sentence(finding.metric)
    allowed = limit_words(finding.kind, finding.limit)
    if finding.kind == "gap":
        return f"The {what} of any two groups may be {allowed}."
    if finding.kind == "min_max_ratio":
        return f"The lowest {what} of any group must be {allowed} the highest."
    if finding.kind == "value":
        of = "over all groups" if finding.metric in CATALOGUE and CATALOGUE[finding.metric].shape is Shape.ACROSS else "of a group"
        return f"The {what} {of} must be {allowed}."
    if finding.kind == "ratio":
        turned = f", which is 1 / {rule.limit:g}, since low is good here" if finding.limit[0] is None else ""
        return f"The {what} of a group must be {allowed} that of its reference{turned}."
    if finding.kind == "change":
        return f"The {what} of a group may be {allowed} than it was in the baseline."
    return f"The {what} of a group may be {allowed} than that of its reference."


def _family(known: Lookup, findings: tuple[Finding, ...]) -> FamilyView:
    first = findings[0]
    axis = _axis(findings)
    telling = [one for one in findings if blocks(one)]
    gone = [one for one in known.audit.left_out if (one.rule, one.slicing) == (first.rule, first.slicing)]
    table = (*(told(known, one, axis) for one in findings if one.group is not None), *(told_of_left_out(known, one, first.metric) for one in gone))
    return FamilyView(
        heading=f"{title_of(first.metric)} by {slicing_words(first.slicing)}",
        value_title=_VALUE_TITLES[first.kind],
        unit=unit(CATALOGUE[first.metric]).capitalize() if first.metric in CATALOGUE else "Rows",
        told=tuple(told(known, one, axis) for one in telling[:MOST_TOLD]),
        untold=f"{counted(len(telling) - MOST_TOLD, 'more such finding is', 'more such findings are')} in the table." if len(telling) > MOST_TOLD else "",
        table=table,
        axis=axis,
        summary=_table_of(tuple(one for one in findings if one.group)) + (f"; {counted(len(gone), 'slice')} without a verdict" if gone else ""),
        is_open=bool(telling) and len(table) <= MOST_OPEN,
    )


def _table_of(findings: tuple[Finding, ...]) -> str:
    """What the rows of a table are: Table of 10 slices and the small ones together: 1 fail, 10 pass."""
    if findings and is_pair(findings[0]):
        return f"The two slices that are furthest apart: {badge(findings[0]).word.lower()}"
    pooled = sum(one.group is not None and one.group.kind is GroupKind.POOL for one in findings)
    return f"Table of {counted(len(findings) - pooled, 'slice')}{' and the small ones together' if pooled else ''}: {_summary(findings)}"


def _axis(findings: tuple[Finding, ...]) -> Axis:
    values = [end for one in findings if one.value is not None for end in (one.value, *(one.interval or ()))]
    limits = [end for end in findings[0].limit if end is not None]
    return _AXES[findings[0].kind](values, significant, limits=limits)


def _summary(findings: tuple[Finding, ...]) -> str:
    """How many of each: 1 fail, 4 pass, 2 undecided, 1 reference."""
    found = [badge(one) for one in findings]
    return ", ".join(f"{found.count(one)} {one.word.lower()}" for one in (*GRAVEST_FIRST, REFERENCE) if one in found) or "nothing to compare"
