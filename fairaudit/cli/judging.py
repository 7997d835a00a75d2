"""How rules can judge a metric: asked of the checks that every rule file passes, so that nothing can be said which they would refuse."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from fairaudit.metrics.catalogue import Metric, Shape
from fairaudit.rules.checks import mistakes
from fairaudit.rules.rule import Comparing, LimitOrigin, Rule, Source, SourceKind

_ANYWHERE = Source(cite="nobody", kind=SourceKind.CONVENTION, says_number=False, as_of=date(2026, 1, 1))


def how_judged(metric: Metric) -> str:
    """By which comparisons, and where `better` must be said; or that there is none, and why."""
    ways = list(_ways(metric))
    if ways:
        return f"by a rule's comparison: {'; '.join(ways)}"
    if metric.shape in (Shape.CONDITIONAL, Shape.INDIVIDUAL):
        return "by no rule in this version"
    return f"by no rule: it {_refused(metric, Comparing.VALUE).removeprefix(f'the metric {metric.id!r} ').rstrip('.')}"


def _ways(metric: Metric) -> Iterator[str]:
    for comparison in Comparing:
        if not _refused(metric, comparison):
            yield comparison.value + (" (with `better`)" if _refused(metric, comparison, better=None) else "")
        elif comparison is Comparing.DIFFERENCE and not _refused(metric, comparison, reference="overall"):
            yield f"{comparison.value} (with `reference: overall`)"


def _refused(metric: Metric, comparison: Comparing, *, reference: str = "best", better: str | None = "higher") -> str:
    """What a rule on it is refused by, as far as the metric goes; nothing where it is sound."""
    rule = Rule(
        schema="fairaudit/rule/1", id="trial", title="Trial", principle="Trial", source=(_ANYWHERE,), limit_origin=LimitOrigin.OURS, limit=0.5,
        metric=metric.id, comparison=comparison, reference=reference, better=better,  # type: ignore[arg-type]
    )  # fmt: skip
    return next((sentence for place, sentence in mistakes(rule) if place[0] == "metric"), "")
