"""The slices of each slicing: what was measured of them, and how they compare with their reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fairaudit.cube.slices import EVERYONE, Slice, Slicing
from fairaudit.evidence.measurement import Comparison
from fairaudit.reports.controlled import ControlledView, controlled_of
from fairaudit.reports.cuts import cut_of
from fairaudit.reports.gaps import GapRow, TogetherRow, gaps_of, together_of
from fairaudit.reports.lookup import Column, Lookup
from fairaudit.reports.reliability import ReliabilityView, reliability_of
from fairaudit.reports.sweeps import SweepView, sweep_of
from fairaudit.reports.tables import Cell, Row, Table, axis_of_pairs, axis_of_rates, column_heading, compared_cell, measured_cell, pair_heading
from fairaudit.reports.told import slicing_words

MOST_SHOWN = 24  # slices in the first table; all of them are in the folded one
MOST_OPEN = 8  # slicings that are not folded away

# What is drawn first; the rest is a click away. Without labels the first that were measured stand in.
_DRAWN = ("selection_rate", "true_positive_rate", "false_positive_rate")
_COMPARED = (("selection_rate", "ratio"), ("true_positive_rate", "difference"), ("false_positive_rate", "difference"))
_SHRUNKEN = (
    "Of small slices a second rate is given: shrunken, that is pulled towards those of the other slices as far as their spread suggests (empirical Bayes). "
    "It is the better guess of what the next rows will show; the first is what these rows do show, and what is judged."
)
_Pair = tuple[Column, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlicingView:
    id: str
    heading: str
    cuts: tuple[str, ...]  # how attributes were cut whose values are not taken as they are
    reference: str
    slices: Table
    slices_note: str  # that only some are shown
    shrunken_note: str  # what a shrunken rate is, where there is one
    all_slices: Table | None  # drawn too, where the first table holds only some
    measurements: Table
    comparisons: Table | None
    all_comparisons: Table | None
    gaps: tuple[GapRow, ...]
    together: tuple[TogetherRow, ...]
    controlled: ControlledView | None
    sweep: SweepView | None
    reliability: ReliabilityView | None
    is_open: bool


def slicings_of(known: Lookup) -> tuple[SlicingView, ...]:
    """Every slicing with its slices, in the order asked for."""
    return tuple(_slicing(known, place, slicing, cuts) for place, (slicing, cuts) in enumerate(known.slices.items()) if cuts)


def columns_of(known: Lookup, cuts: Sequence[Slice]) -> tuple[Column, ...]:
    """Every metric measured on any of the slices, in the order of the audit."""
    return tuple(dict.fromkeys(column for cut in cuts for column in known.by_slice.get(cut, {})))


def _slicing(known: Lookup, place: int, slicing: Slicing, cuts: tuple[Slice, ...]) -> SlicingView:
    columns, pairs = columns_of(known, cuts), _pairs(known, slicing, cuts)
    largest = _largest(known, cuts)
    drawn = tuple(column for column in columns if column[0] in _DRAWN) or columns[: len(_DRAWN)]
    compared = tuple(pair for pair in pairs if (pair[0][0], pair[1]) in _COMPARED) or pairs[: len(_COMPARED)]
    words = slicing_words(slicing)
    return SlicingView(
        id=f"slicing-{place + 1}",
        heading=f"By {words}",
        cuts=tuple(f"{attribute} – {how}." for attribute in slicing if (how := cut_of(known.audit.manifest, attribute))),
        reference=_reference(known, slicing),
        slices=_measured(known, slicing, largest, drawn, f"Slices by {words}", draw=True),
        slices_note=f"The {MOST_SHOWN} slices with the most rows, of {len(cuts)}." if len(largest) < len(cuts) else "",
        shrunken_note=_SHRUNKEN if any(one.shrunken is not None for cut in cuts for one in known.by_slice.get(cut, {}).values()) else "",
        all_slices=_measured(known, slicing, cuts, drawn, f"All slices by {words}", draw=True) if len(largest) < len(cuts) else None,
        measurements=_measured(known, slicing, cuts, columns, f"Every metric of every slice by {words}", draw=False),
        comparisons=_compared(known, slicing, largest, compared, f"Slices by {words} against the reference", draw=True) if pairs else None,
        all_comparisons=_compared(known, slicing, cuts, pairs, f"Every comparison by {words} against the reference", draw=False) if pairs else None,
        gaps=gaps_of(known.gaps.get(slicing, ())),
        together=together_of(known.together.get(slicing, ())),
        controlled=controlled_of(known, slicing, cuts),
        sweep=sweep_of(known, cuts, known.references.get(slicing), f"by {words}"),
        reliability=reliability_of(known, cuts, known.references.get(slicing), f"by {words}"),
        is_open=place < MOST_OPEN,
    )


def _reference(known: Lookup, slicing: Slicing) -> str:
    chosen = next((one for one in known.audit.references if one.slicing == slicing), None)
    if chosen is None:
        return "No reference: none of the slices can serve as one."
    why = "the largest slice" if chosen.chosen == "largest" else "as asked for"
    return f"Compared with {chosen.slice.label}, {why}."


def _largest(known: Lookup, cuts: tuple[Slice, ...]) -> tuple[Slice, ...]:
    if len(cuts) <= MOST_SHOWN:
        return cuts
    chosen = set(sorted(cuts, key=lambda cut: known.rows.get(cut, 0), reverse=True)[:MOST_SHOWN])
    return tuple(cut for cut in cuts if cut in chosen)


def _measured(known: Lookup, slicing: Slicing, cuts: Sequence[Slice], columns: Sequence[Column], caption: str, *, draw: bool) -> Table:
    reference = known.references.get(slicing)
    of_reference = known.by_slice.get(reference or EVERYONE, {})
    found = {column: [known.by_slice.get(cut, {}).get(column) for cut in cuts] for column in columns}
    axes = {column: axis_of_rates(found[column], of_reference.get(column) if reference else None) if draw else None for column in columns}
    return Table(
        caption=caption,
        headings=tuple(column_heading(column, axes[column]) for column in columns),
        rows=tuple(
            _row(known, cut, reference, tuple(measured_cell(found[c][i], axes[c], label=cut.label, is_reference=cut == reference) for c in columns))
            for i, cut in enumerate(cuts)
        ),
    )


def _pairs(known: Lookup, slicing: Slicing, cuts: Sequence[Slice]) -> tuple[_Pair, ...]:
    found = dict.fromkeys(_key(pair) for cut in cuts for pair in known.by_group.get((slicing, cut), ()))
    order = ("ratio", "difference", "value")
    return tuple(sorted(found, key=lambda pair: order.index(pair[1]) if pair[1] in order else len(order)))


def _key(pair: Comparison) -> _Pair:
    return ((pair.metric, tuple(sorted(pair.params.items()))), pair.kind)


def _compared(known: Lookup, slicing: Slicing, cuts: Sequence[Slice], pairs: Sequence[_Pair], caption: str, *, draw: bool) -> Table:
    reference = known.references.get(slicing)
    by_cut = {cut: {_key(pair): pair for pair in known.by_group.get((slicing, cut), ())} for cut in cuts if cut != reference}
    axes = {pair: axis_of_pairs([found.get(pair) for found in by_cut.values()]) if draw else None for pair in pairs}
    return Table(
        caption=caption,
        headings=tuple(pair_heading(*pair, axes[pair]) for pair in pairs),
        rows=tuple(
            _row(known, cut, reference, tuple(compared_cell(found.get(pair), axes[pair], label=cut.label) for pair in pairs))
            for cut, found in by_cut.items()
        ),
    )


def _row(known: Lookup, cut: Slice, reference: Slice | None, cells: tuple[Cell, ...]) -> Row:
    rows = known.rows.get(cut)
    return Row(label=cut.label, rows=f"{rows:,}" if rows is not None else "", is_reference=cut == reference, cells=cells)
