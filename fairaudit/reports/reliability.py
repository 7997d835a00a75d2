"""Reliability on the page: each bin's share positive against its mean score, with bars of rows below, and the numbers behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from fairaudit.cube.slices import Slice
from fairaudit.evidence.measurement import Histogram
from fairaudit.reports.chart import Label, rate_axis, written
from fairaudit.reports.lookup import Lookup
from fairaudit.reports.numbers import between, counted, percent, share, significant
from fairaudit.reports.tables import Cell, Heading, Row, Table

METRIC = "score_histogram"
MOST, MOST_OPEN = 12, 3  # pictures; more slices are in the audit's file, and more than three are folded away
LEFT, RIGHT, TOP, BOTTOM = 34.0, 174.0, 8.0, 148.0  # of the plot in a drawing of 184 by 204
BARS_TOP, BARS_BOTTOM = 156.0, 184.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A bin that holds labelled rows. Positions are in units of the drawing."""

    x: str
    y: str
    low: str  # y of the interval's ends, or "" where there is none
    high: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """One slice, with the words for those who cannot see it."""

    label: str
    rows: str
    is_reference: bool
    words: str
    dots: tuple[Dot, ...]
    bars: tuple[Bar, ...]  # of all rows
    positives: tuple[Bar, ...]  # the part of them that is positive
    labels: tuple[Label, ...]  # both ends of both axes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityView:
    note: str
    pictures: tuple[Reliability, ...]
    numbers: Table
    folded: str  # what the pictures are folded behind, or ""


def reliability_of(known: Lookup, cuts: Sequence[Slice], reference: Slice | None, words: str) -> ReliabilityView | None:
    """The pictures of some slices on the same axes; None where there are no histograms of them, or no labels, or where slices are crosses."""
    if any(len(cut.attributes) > 1 for cut in cuts):
        return None
    by_slice = {one.slice: one for one in known.audit.histograms}
    found = [by_slice[cut] for cut in cuts if cut in by_slice]
    largest = set(sorted((one.slice for one in found), key=lambda cut: known.rows.get(cut, 0), reverse=True)[:MOST])
    shown = [one for one in found if one.slice in largest]
    ends = [end for one in shown for numbers in (one.mean_score, one.share_positive, one.upper) for end in numbers if end is not None]
    if not ends:
        return None
    top = rate_axis(ends, share).high
    return ReliabilityView(
        note=_note(len(shown), len(found)),
        pictures=tuple(_picture(one, known.rows.get(one.slice), top, is_reference=one.slice == reference) for one in shown),
        numbers=_numbers(known, shown, reference, words),
        folded=f"{len(shown)} pictures: what share of each score's rows is in truth positive" if len(shown) > MOST_OPEN else "",
    )


def _note(shown: int, found: int) -> str:
    some = f" The {shown} slices with the most rows, of {found}." if shown < found else ""
    return (
        "Each dot is a bin of the score: to the right its mean score, upwards the share of its labelled rows that is in truth positive. On the dotted diagonal scores mean "
        "what they say; above it they are too low, below it too high. Lines are 95% intervals, of each bin by itself, so that among many a few miss the diagonal by chance. "
        f"Bars are the rows of each bin, the darker part those that are positive.{some}"
    )


def _picture(one: Histogram, rows: int | None, top: float, *, is_reference: bool) -> Reliability:
    def x(value: float) -> float:
        return LEFT + min(value / top, 1.0) * (RIGHT - LEFT)

    def y(value: float) -> float:
        return BOTTOM - min(value / top, 1.0) * (BOTTOM - TOP)

    held = _held(one)
    tallest = max(held, default=0) or 1

    def bars(heights: Sequence[int]) -> tuple[Bar, ...]:
        return tuple(
            Bar(x=written(x(low)), y=written(BARS_BOTTOM - size), width=written(max(x(high) - x(low) - 1, 0.5)), height=written(size))
            for (low, high), height in zip(pairwise(one.edges), heights, strict=True)
            if height and (size := max(height / tallest * (BARS_BOTTOM - BARS_TOP), 0.5)) and low < top
        )

    return Reliability(
        label=one.slice.label,
        rows=counted(rows, "row") if rows is not None else "",
        is_reference=is_reference,
        words=_words(one),
        dots=tuple(
            Dot(
                x=written(x(score)),
                y=written(y(positive)),
                low="" if lower is None else written(y(lower)),
                high="" if upper is None else written(y(upper)),
            )
            for score, positive, lower, upper in zip(one.mean_score, one.share_positive, one.lower, one.upper, strict=True)
            if score is not None and positive is not None
        ),
        bars=bars(held),
        positives=bars(one.positive.rows),
        labels=(
            Label(x=written(LEFT), y="199", text="0"),
            Label(x=written(RIGHT), y="199", text=significant(top)),
            Label(x=written(LEFT / 2), y=written(BOTTOM), text="0%"),
            Label(x=written(LEFT / 2), y=written(TOP + 4), text=share(top)),
        ),
    )


def _held(one: Histogram) -> list[int]:
    """All rows of each bin."""
    return [sum(rows) for rows in zip(one.negative.rows, one.positive.rows, one.unlabelled.rows, strict=True)]


def _words(one: Histogram) -> str:
    """Every bin that holds labelled rows, and how many of them chance alone does not explain."""
    told = [f"{percent(positive)} at {significant(score)}" for score, positive in zip(one.mean_score, one.share_positive, strict=True) if score is not None and positive is not None]
    if not told:
        return f"Share positive by mean score of {one.slice.label}: no labelled rows"
    sides = [
        (score < lower, score > upper)
        for score, lower, upper in zip(one.mean_score, one.lower, one.upper, strict=True)
        if score is not None and lower is not None and upper is not None
    ]
    low, high = (sum(side[place] for side in sides) for place in (0, 1))
    missed = f"; of {counted(len(sides), 'interval')} {low} lie above the mean score and {high} below it" if sides else ""
    return f"Share positive by mean score of {one.slice.label}: {', '.join(told)}{missed}"


def _numbers(known: Lookup, shown: Sequence[Histogram], reference: Slice | None, words: str) -> Table:
    edges = shown[0].edges
    return Table(
        caption=f"Share positive {words} by bin of the score",
        headings=tuple(Heading(title=f"{significant(low)} to {significant(high)}", note="", metric=METRIC) for low, high in pairwise(edges)),
        rows=tuple(
            Row(
                label=one.slice.label,
                rows=f"{known.rows[one.slice]:,}" if one.slice in known.rows else "",
                is_reference=one.slice == reference,
                cells=tuple(_cell(one, place) for place in range(len(edges) - 1)),
            )
            for one in shown
        ),
    )


def _cell(one: Histogram, place: int) -> Cell:
    positive, score, lower, upper = one.share_positive[place], one.mean_score[place], one.lower[place], one.upper[place]
    labelled = one.negative.rows[place] + one.positive.rows[place]
    if positive is None or score is None:
        without = one.unlabelled.rows[place]
        return Cell(title="", text="undefined", note=f"{counted(without, 'row')} without a label" if without else "no rows", is_undefined=True)
    of = f"mean score {significant(score)}, {counted(labelled, 'labelled row')}"
    interval = between((lower, upper), percent) if lower is not None and upper is not None else ""
    return Cell(title="", text=percent(positive), note=interval or of, extra=of if interval else "", is_undefined=False)
