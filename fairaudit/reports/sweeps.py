"""Rates over thresholds, or what was asked for in their place: a small drawing a slice and metric, and the numbers behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from fairaudit.cube.slices import Slice
from fairaudit.evidence.measurement import Sweep, Swept
from fairaudit.metrics.catalogue import CATALOGUE, Shape
from fairaudit.reports.chart import MARGIN, Label, rate_axis, written
from fairaudit.reports.lookup import Lookup
from fairaudit.reports.numbers import Writer, interval_of, measured, share, significant
from fairaudit.reports.sentences import title_of
from fairaudit.reports.tables import Cell, Heading, Row, Table, column_heading

MOST = 12  # slices; all of them are in the audit's file
DRAWN = ("selection_rate", "true_positive_rate", "false_positive_rate")
LEFT, RIGHT, TOP, BOTTOM = 40.0, 212.0, 6.0, 82.0  # of the plot in a drawing of 220 by 100
Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One metric of one slice over thresholds, with the words for those who cannot see it. Positions are in units of the drawing."""

    title: str
    words: str
    band: str  # path of the intervals
    line: str  # path of the values
    reference: str  # path of the reference's values, or ""
    operating: str  # x of the operating point, or ""
    dot: str  # y of the value there, or ""
    labels: tuple[Label, ...]  # both ends of both axes


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveRow:
    label: str
    rows: str
    is_reference: bool
    curves: tuple[Curve, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepView:
    caption: str
    note: str
    headings: tuple[Heading, ...]
    rows: tuple[CurveRow, ...]
    numbers: tuple[Table, ...]  # one a metric


def sweep_of(known: Lookup, cuts: Sequence[Slice], reference: Slice | None, words: str) -> SweepView | None:
    """The drawings of some slices; None where they were not swept, or by nothing that lies between 0 and 1, which the audit's file has all the same."""
    by_slice = {one.slice: one for one in known.audit.sweeps}
    swept = [by_slice[cut] for cut in cuts if cut in by_slice]
    names = _drawn(swept[0]) if swept else ()
    if not names:
        return None
    largest = set(sorted((one.slice for one in swept), key=lambda cut: known.rows.get(cut, 0), reverse=True)[:MOST])
    shown = [one for one in swept if one.slice in largest]
    operating = None if known.audit.manifest.group_thresholds else known.audit.manifest.config.get("threshold")
    tops = {name: rate_axis(_ends(shown, name), _writer(name)).high for name in names}
    of_reference = by_slice.get(reference) if reference else None
    return SweepView(
        caption=f"{', '.join(map(title_of, names))} {words} over thresholds",
        note=_note(known, len(shown), len(swept), has_reference=of_reference is not None),
        headings=tuple(column_heading((name, ())) for name in names),
        rows=tuple(
            CurveRow(
                label=one.slice.label, rows=_rows(known, one.slice), is_reference=one.slice == reference,
                curves=tuple(_curve(one, name, tops[name], None if one.slice == reference else of_reference, operating) for name in names),
            )
            for one in shown
        ),
        numbers=tuple(_numbers(known, shown, name, reference, operating, words) for name in names),
    )  # fmt: skip


def _drawn(sweep: Sweep) -> tuple[str, ...]:
    """Three rates; where none of them was asked for, the first three that the same axis holds."""
    wanted = tuple(name for name in DRAWN if name in sweep.metrics)
    return wanted or tuple(name for name in sweep.metrics if name in CATALOGUE and CATALOGUE[name].bounds == (0.0, 1.0))[: len(DRAWN)]


def _writer(name: str) -> Writer:
    return share if CATALOGUE[name].shape is Shape.RATE else significant


def _note(known: Lookup, shown: int, swept: int, *, has_reference: bool) -> str:
    groups = known.audit.manifest.group_thresholds
    said = "What these numbers would be if every decision were made at one threshold; this only describes: what is judged is what was decided."
    marked = f" Groups by {' and '.join(groups)} have thresholds of their own, so none is marked." if groups else " The dot marks the operating point."
    dotted = ", the dotted curve is the reference's" if has_reference else ""
    some = f" The {shown} slices with the most rows, of {swept}." if shown < swept else ""
    return f"{said}{marked} The shaded band holds the 95% interval at each threshold by itself{dotted}.{some}"


def _ends(shown: Sequence[Sweep], name: str) -> list[float]:
    return [end for one in shown for end in (*one.metrics[name].values, *one.metrics[name].upper) if end is not None]


def _curve(sweep: Sweep, name: str, top: float, reference: Sweep | None, operating: float | None) -> Curve:
    found, (first, last) = sweep.metrics[name], (sweep.thresholds[0], sweep.thresholds[-1])

    def x(threshold: float) -> float:
        return LEFT + (threshold - first) / (last - first) * (RIGHT - LEFT)

    def y(value: float) -> float:
        return BOTTOM - value / top * (BOTTOM - TOP)

    def points(values: Sequence[float | None]) -> list[Point | None]:
        return [None if value is None else (x(threshold), y(value)) for threshold, value in zip(sweep.thresholds, values, strict=True)]

    at = sweep.thresholds.index(operating) if operating in sweep.thresholds else None
    value = None if at is None else found.values[at]
    return Curve(
        title=title_of(name),
        words=_words(sweep, name, at),
        band=_band(points(found.lower), points(found.upper)),
        line=_line(points(found.values)),
        reference=_line(points(reference.metrics[name].values)) if reference else "",
        operating="" if operating is None or at is None else written(x(operating)),
        dot="" if value is None else written(y(value)),
        labels=(
            Label(x=written(LEFT), y="97", text=significant(first)), Label(x=written(RIGHT), y="97", text=significant(last)),
            Label(x=written(LEFT / 2), y=written(BOTTOM), text=_writer(name)(0.0)),
            Label(x=written(LEFT / 2), y=written(TOP + MARGIN / 2), text=_writer(name)(top)),
        ),
    )  # fmt: skip


def _line(points: Sequence[Point | None]) -> str:
    """Broken where there is no value."""
    return " ".join(f"M{' L'.join(map(_place, run))}" for run in _runs(points))


def _band(lower: Sequence[Point | None], upper: Sequence[Point | None]) -> str:
    both = [None if low is None or high is None else (low, high) for low, high in zip(lower, upper, strict=True)]
    runs = ([pair for pair in run if pair] for known, run in groupby(both, key=lambda pair: pair is not None) if known)
    return " ".join(f"M{' L'.join(map(_place, (*(high for _, high in run), *(low for low, _ in reversed(run)))))} Z" for run in runs)


def _runs(points: Sequence[Point | None]) -> Iterator[list[Point]]:
    for known, run in groupby(points, key=lambda point: point is not None):
        if known:
            yield [point for point in run if point]


def _place(point: Point) -> str:
    return f"{written(point[0])} {written(point[1])}"




def _words(sweep: Sweep, name: str, at: int | None) -> str:
    """The value at both ends, and at the operating point."""
    places = sorted({0, len(sweep.thresholds) - 1, *(() if at is None else (at,))})
    told = ", ".join(
        f"{_told(sweep.metrics[name], name, place)} at {significant(sweep.thresholds[place])}{' (operating point)' if place == at else ''}" for place in places
    )
    return f"{title_of(name)} of {sweep.slice.label} over thresholds: {told}"


def _told(found: Swept, name: str, place: int) -> str:
    value = found.values[place]
    return "undefined" if value is None else measured(name, value)


def _numbers(known: Lookup, shown: Sequence[Sweep], name: str, reference: Slice | None, operating: float | None, words: str) -> Table:
    return Table(
        caption=f"{title_of(name)} {words} at each threshold",
        headings=tuple(Heading(title=significant(one), note="operating point" if one == operating else "", metric=name) for one in shown[0].thresholds),
        rows=tuple(
            Row(
                label=one.slice.label, rows=_rows(known, one.slice), is_reference=one.slice == reference,
                cells=tuple(_cell(one.metrics[name], name, place) for place in range(len(one.thresholds))),
            )
            for one in shown
        ),
    )  # fmt: skip


def _cell(found: Swept, name: str, place: int) -> Cell:
    value, lower, upper = found.values[place], found.lower[place], found.upper[place]
    note = interval_of(name, (lower, upper)) if lower is not None and upper is not None else ""
    return Cell(title=title_of(name), text=_told(found, name, place), note=note, is_undefined=value is None)


def _rows(known: Lookup, cut: Slice) -> str:
    rows = known.rows.get(cut)
    return f"{rows:,}" if rows is not None else ""
