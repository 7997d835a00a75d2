"""Tables as the page has them: headings, rows and cells of finished text, some with a drawing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fairaudit.evidence.measurement import Comparison, Measurement, Status
from fairaudit.metrics.catalogue import CATALOGUE, Shape
from fairaudit.reports.chart import Axis, Whisker, difference_axis, rate_axis, ratio_axis, whisker
from fairaudit.reports.lookup import Column
from fairaudit.reports.numbers import compared, interval_between, interval_of, measured, probability, share, significant
from fairaudit.reports.sentences import title_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    title: str
    note: str  # the classic name of a difference, parameters
    metric: str  # whose definition it leads to
    axis: Axis | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    title: str  # of its column, for narrow pages where the heading is out of sight
    text: str
    note: str  # its interval, or why it is undefined
    extra: str = ""  # a p-value, or a shrunken rate
    is_undefined: bool
    picture: Whisker | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    label: str
    rows: str
    is_reference: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    caption: str
    headings: tuple[Heading, ...]
    rows: tuple[Row, ...]


ABSENT = Cell(title="", text="not computed", note="", is_undefined=True)


def column_heading(column: Column, axis: Axis | None = None) -> Heading:
    name, params = column
    return Heading(title=title_of(name), note=_params(params), metric=name, axis=axis)


def pair_heading(column: Column, kind: str, axis: Axis | None = None) -> Heading:
    """Of a comparison: the metric, what is done with it, and the name by which some know it."""
    name, params = column
    entry = CATALOGUE.get(name)
    classic = {"difference": entry.difference_title, "ratio": entry.ratio_title}.get(kind, "") if entry else ""
    title = title_of(name) if kind == "value" else f"{title_of(name)}: {kind.replace('_', ' ')}"
    return Heading(title=title, note=", ".join(filter(None, (classic, _params(params)))), metric=name, axis=axis)


def measured_cell(one: Measurement | None, axis: Axis | None, *, label: str, is_reference: bool) -> Cell:
    if one is None:
        return ABSENT
    title = title_of(one.metric)
    if one.value is None:
        return _without_value(title, one.status, one.reason)
    text, told = measured(one.metric, one.value), interval_of(one.metric, one.interval) if one.interval else ""
    note = _with_error(told, one.error)
    extra = "" if one.shrunken is None else f"shrunken {measured(one.metric, one.shrunken)}"
    picture = whisker(axis, one.value, one.interval, words=_spoken(title, label, text, told), is_reference=is_reference) if axis else None
    return Cell(title=title, text=text, note=note, extra=extra, is_undefined=False, picture=picture)


def compared_cell(one: Comparison | None, axis: Axis | None, *, label: str) -> Cell:
    if one is None:
        return ABSENT
    title = pair_heading((one.metric, ()), one.kind).title
    if one.value is None:
        return _without_value(title, one.status, one.reason)
    if one.kind == "value":
        text, told = measured(one.metric, one.value), interval_of(one.metric, one.interval) if one.interval else ""
    else:
        text, told = compared(one.kind, one.value), interval_between(one.kind, one.interval) if one.interval else ""
    p = f"p {probability(one.p_value)}" if one.p_value is not None else ""
    picture = whisker(axis, one.value, one.interval, words=_spoken(title, label, text, told)) if axis else None
    return Cell(title=title, text=text, note=_with_error(told, one.error) or p, extra=p if told or one.error else "", is_undefined=False, picture=picture)


def _with_error(interval: str, error: float | None) -> str:
    return " ".join(filter(None, (interval, f"(±{significant(error)} at most)" if error else "")))


def axis_of_rates(values: Sequence[Measurement | None], reference: Measurement | None) -> Axis | None:
    """The axis of a column of rates; none for other metrics, whose ranges differ."""
    known = [one for one in values if one]
    entry = CATALOGUE.get(known[0].metric) if known else None
    if entry is None or entry.shape is not Shape.RATE:
        return None
    return rate_axis(_ends(known), share, reference=reference.value if reference else None)


def axis_of_pairs(pairs: Sequence[Comparison | None]) -> Axis | None:
    known = [one for one in pairs if one]
    if not known or known[0].kind not in ("ratio", "difference"):
        return None
    return ratio_axis(_ends(known), significant) if known[0].kind == "ratio" else difference_axis(_ends(known), significant)


def _ends(known: Sequence[Measurement] | Sequence[Comparison]) -> list[float]:
    return [end for one in known if one.value is not None for end in (one.value, *(one.interval or ()))]


def _without_value(title: str, status: Status, reason: str) -> Cell:
    return Cell(title=title, text="infinite" if status is Status.INFINITE else "undefined", note=reason, is_undefined=True)


def _spoken(title: str, label: str, text: str, interval: str) -> str:
    return f"{title} of {label}: {text}" + (f", 95% interval {interval}" if interval else "")


def _params(params: Iterable[tuple[str, float]]) -> str:
    return ", ".join("of equal weight" if name == "mass" else f"{name} {significant(value)}" for name, value in params)
