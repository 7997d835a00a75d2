"""What a rule file can have wrong although each of its fields is sound by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fairaudit.documents import Mistake
from fairaudit.errors import UnknownName
from fairaudit.metrics.catalogue import Better, Metric, Shape, metric
from fairaudit.rules.finding import Severity
from fairaudit.rules.rule import Comparing, LimitOrigin, Method, Rule

LATER = {
    field: f"a rule cannot have {field!r} in this version; {instead}"
    for field, instead in {
        "extends": "write the rule out in full.",
        "control": "rules within strata of a control are not judged yet.",
        "population": "rules against population figures are not judged yet.",
        "params": "metrics with parameters are not judged yet.",
        "exclude_below": "every group is judged; small groups by `minimum` and `small_groups`.",
        "missing": "missing values are always a group, and never a reference.",
        "threshold": "the audit's own threshold is judged.",
    }.items()
}


def mistakes(rule: Rule) -> Iterator[Mistake]:
    """What is wrong between fields that are each sound."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.id):
        yield Mistake(("id",), f"the id {rule.id!r} must be lower-case words joined by hyphens, such as four-fifths.")
    if "binary" not in rule.applies_to.task:
        yield Mistake(("applies_to", "task"), "this version judges binary decisions; the rule's task must name binary.")
    if rule.limit_origin is LimitOrigin.LAW and not any(source.says_number for source in rule.source):
        yield Mistake(("limit_origin",), "a limit whose origin is law needs a source that prints it (says_number: true).")
    if rule.multiplicity.method in (Method.NONE, Method.BH) and rule.severity is Severity.FAIL:
        yield Mistake(("multiplicity", "method"), "a rule that can fail a build must pay for its number of groups: two-look or holm, or severity warn or info.")
    if isinstance(rule.slices, tuple) and any(len(set(slicing)) < len(slicing) for slicing in rule.slices):
        yield Mistake(("slices",), "a slicing names an attribute twice.")
    if isinstance(rule.reference, dict) and not rule.reference:
        yield Mistake(("reference",), "'reference' names no attribute; write {attribute: value}.")
    yield from _metric_mistakes(rule)
    yield from _limit_mistakes(rule)


def _metric_mistakes(rule: Rule) -> Iterator[Mistake]:
    seen: set[str] = set()
    for place, name in enumerate(rule.metric_names):
        at = ("metric",) if isinstance(rule.metric, str) else ("metric", place)
        try:
            entry = metric(name)
        except UnknownName as error:
            yield Mistake(at, str(error))
            continue
        if entry.id in seen:
            yield Mistake(at, f"the metric {name!r} is named twice.")
        seen.add(entry.id)
        if entry.shape is not Shape.RATE:
            yield Mistake(at, f"the metric {name!r} cannot be judged yet: this version judges rates such as selection_rate or true_positive_rate.")
        elif _lacks_a_side(rule, entry):
            yield Mistake(at, f"{name!r} is neither good nor bad by itself; say which by `better: higher` or `better: lower`.")


def _lacks_a_side(rule: Rule, entry: Metric) -> bool:
    follows_effect = entry.id in ("selection_rate", "negative_rate")
    return entry.better is Better.NEITHER and not follows_effect and rule.better is None


def _limit_mistakes(rule: Rule) -> Iterator[Mistake]:
    if rule.comparison is Comparing.RATIO:
        if rule.limit > 1:
            yield Mistake(("limit",), f"the limit of a ratio is at most 1 (0.8 also stands for 1.25 where low is good), and is {rule.limit:g}.")
        elif rule.serious_limit >= rule.limit:
            yield Mistake(("serious",), f"'serious' must be a worse ratio than the limit {rule.limit:g}, and is {rule.serious_limit:g}.")
    elif rule.limit >= 1:
        yield Mistake(("limit",), f"the limit of a difference of rates is below 1 (0.1 is ten points), and is {rule.limit:g}.")
    elif rule.serious_limit <= rule.limit:
        yield Mistake(("serious",), f"'serious' must be a larger difference than the limit {rule.limit:g}, and is {rule.serious_limit:g}.")
    elif rule.serious_limit >= 1:
        yield Mistake(("serious",), f"'serious' would be {rule.serious_limit:g}, a difference that no rates can have; give one below 1.")
