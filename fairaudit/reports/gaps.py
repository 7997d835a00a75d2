"""What is said of all groups of a slicing at once, as tables: a row a metric."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fairaudit.evidence.measurement import Comparison, Group
from fairaudit.metrics.catalogue import CATALOGUE
from fairaudit.reports.numbers import interval_between, interval_of, measured, significant
from fairaudit.reports.sentences import title_of
from fairaudit.reports.tables import ABSENT, Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class GapRow:
    metric: str
    title: str
    smallest: str  # the group
    largest: str
    gap: Cell
    ratio: Cell


def gaps_of(found: Iterable[Comparison]) -> tuple[GapRow, ...]:
    """One row a metric of a slicing's gaps, in the order of the audit."""
    by_metric: dict[str, dict[str, Comparison]] = {}
    for one in found:
        by_metric.setdefault(one.metric, {})[one.kind] = one
    return tuple(_row(metric, kinds) for metric, kinds in by_metric.items())


def _row(metric: str, kinds: dict[str, Comparison]) -> GapRow:
    gap, ratio = kinds.get("gap"), kinds.get("min_max_ratio")
    named = next(one for one in (gap, ratio) if one is not None)
    is_known = named.value is not None
    return GapRow(
        metric=metric if metric in CATALOGUE else "", title=title_of(metric),
        smallest=_label(named.group) if is_known else "", largest=_label(named.reference) if is_known else "",
        gap=_cell(gap), ratio=_cell(ratio),
    )  # fmt: skip


def _label(group: Group | None) -> str:
    return group.slice.label if group else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TogetherRow:
    metric: str
    title: str
    value: Cell
    lowest: str  # of the two groups that are furthest apart, where the metric looks for them
    highest: str


def together_of(found: Iterable[Comparison]) -> tuple[TogetherRow, ...]:
    """One row a metric that takes all groups of a slicing together."""
    return tuple(
        TogetherRow(metric=one.metric, title=title_of(one.metric), value=_whole(one), lowest=_label(one.group), highest=_label(one.reference)) for one in found
    )


def _whole(one: Comparison) -> Cell:
    if one.value is None:
        return Cell(title="", text=one.status.value, note=one.reason, is_undefined=True)
    told = "" if one.interval is None else interval_of(one.metric, one.interval)
    return Cell(title="", text=measured(one.metric, one.value), note=told, extra=one.reason, is_undefined=False)


def _cell(one: Comparison | None) -> Cell:
    if one is None:
        return ABSENT
    if one.value is None:
        return Cell(title="", text="undefined", note=one.reason, is_undefined=True)
    is_gap = one.kind == "gap"
    told = "" if one.interval is None else interval_of(one.metric, one.interval) if is_gap else interval_between(one.kind, one.interval)
    return Cell(title="", text=measured(one.metric, one.value) if is_gap else significant(one.value), note=told, extra=one.reason, is_undefined=False)
