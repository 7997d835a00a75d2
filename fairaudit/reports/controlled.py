"""Slices compared among people alike in a control: beside what they are without it, and stratum by stratum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fairaudit.cube.slices import Slice, Slicing
from fairaudit.evidence.measurement import Comparison
from fairaudit.evidence.significance import holm
from fairaudit.reports.lookup import Lookup
from fairaudit.reports.numbers import counted, percent, probability
from fairaudit.reports.tables import ABSENT, Cell, Heading, Row, Table, compared_cell, pair_heading
from fairaudit.result import SliceCounts

_DIFFERENT = 0.05  # a p-value below which odds ratios are said to differ by stratum, corrected for the slicing's slices
_MOST_STRATA = 100  # rows of the table of strata
_SHOWN = (
    ("selection_rate", "conditional_difference"), ("mantel_haenszel_risk_ratio", "value"), ("mantel_haenszel_odds_ratio", "value"),
    ("cochran_mantel_haenszel_statistic", "value"), ("standardized_selection_rate", "value"), ("conditional_demographic_disparity", "value"),
)  # fmt: skip
_HOMOGENEITY = ("breslow_day_statistic", "value")
_UNCONTROLLED = ("selection_rate", "difference")
Key = tuple[str, str]  # metric, kind


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlledView:
    """A slicing within the control."""

    control: str
    pooled: Table
    warnings: tuple[str, ...]  # what was left out, and slices whose odds ratios differ by stratum
    every: Table  # every number
    strata: Table | None  # selection rates stratum by stratum
    strata_note: str


def controlled_of(known: Lookup, slicing: Slicing, cuts: Sequence[Slice]) -> ControlledView | None:
    """What an audit says of a slicing among people alike in its control; None where it had none."""
    found: dict[Slice, dict[Key, Comparison]] = {}
    for one in known.controlled.get(slicing, ()):
        if one.group is not None:
            found.setdefault(one.group.slice, {})[one.metric, one.kind] = one
    if not found:
        return None
    control = next(one.control for one in known.controlled[slicing])
    words = " and ".join(control)
    raw = {cut: {(pair.metric, pair.kind): pair for pair in known.by_group.get((slicing, cut), ())} for cut in cuts}
    beside = {cut: {_UNCONTROLLED: pairs[_UNCONTROLLED]} if _UNCONTROLLED in (pairs := raw[cut]) else {} for cut in cuts}
    keys = dict.fromkeys(key for own in found.values() for key in own)
    strata = _strata(known, slicing, control)
    shown = strata[:_MOST_STRATA]
    return ControlledView(
        control=words,
        pooled=_table(
            known, slicing, cuts, {cut: beside[cut] | found.get(cut, {}) for cut in cuts}, (_UNCONTROLLED, *_SHOWN), f"Slices among people alike in {words}"
        ),
        warnings=(*_left_out(found), *_differing(found, words)),
        every=_table(known, slicing, cuts, found, tuple(keys), f"Every number among people alike in {words}"),
        strata=_by_stratum(cuts, shown, f"Selection rates by {words}") if strata else None,
        strata_note=f"The {_MOST_STRATA} with the most rows, of {len(strata):,}." if len(strata) > _MOST_STRATA else "",
    )


def _table(known: Lookup, slicing: Slicing, cuts: Sequence[Slice], found: Mapping[Slice, Mapping[Key, Comparison]], keys: Sequence[Key], caption: str) -> Table:
    reference = known.references.get(slicing)
    return Table(
        caption=caption,
        headings=tuple(pair_heading((metric, ()), kind) for metric, kind in keys),
        rows=tuple(
            Row(
                label=cut.label, rows=f"{known.rows.get(cut, 0):,}", is_reference=cut == reference,
                cells=tuple(_cell(found.get(cut, {}).get(key), is_reference=cut == reference) for key in keys),
            )
            for cut in cuts
        ),
    )  # fmt: skip


def _cell(one: Comparison | None, *, is_reference: bool) -> Cell:
    if one is None:
        return replace(ABSENT, text="", is_undefined=False) if is_reference else ABSENT
    return compared_cell(one, None, label="")


def _left_out(found: Mapping[Slice, Mapping[Key, Comparison]]) -> Iterator[str]:
    """Which values of the control say nothing of a slice's selection rate; other rates may lack more, which audit.json tells."""
    for cut, own in found.items():
        one = own.get(("selection_rate", "conditional_difference"))
        if one and one.reason:
            yield f"{cut.label}: {one.reason}."


def _differing(found: Mapping[Slice, Mapping[Key, Comparison]], control: str) -> Iterator[str]:
    """Slices whose odds ratios seem to differ by stratum; by Holm, since one in twenty of many slices would by chance."""
    tests = {cut: test.p_value for cut, own in found.items() if (test := own.get(_HOMOGENEITY)) and test.p_value is not None}
    for cut, p in zip(tests, holm(np.array(list(tests.values()), dtype=np.float64)), strict=True):
        if p < _DIFFERENT:
            among = f", corrected for {len(tests)} slices" if len(tests) > 1 else ""
            unlike = f"{cut.label}: the odds ratio seems not to be the same for all of {control} (Breslow–Day p {probability(float(p))}{among})"
            yield f"{unlike}, so one number for all may hide something; see the rates below."


def _strata(known: Lookup, slicing: Slicing, control: Slicing) -> list[tuple[Slice, dict[Slice, SliceCounts]]]:
    """The control's values with the slices in them, the most rows first."""
    by: dict[Slice, dict[Slice, SliceCounts]] = {}
    for one in known.audit.strata:
        if one.slice.attributes == (*slicing, *control):
            by.setdefault(Slice(one.slice.values[len(slicing) :]), {})[Slice(one.slice.values[: len(slicing)])] = one
    return sorted(by.items(), key=lambda item: -sum(map(_rows, item[1].values())))


def _rows(one: SliceCounts) -> int:
    return sum(cell.rows for cell in one.cells)


def _by_stratum(cuts: Sequence[Slice], strata: Sequence[tuple[Slice, dict[Slice, SliceCounts]]], caption: str) -> Table:
    return Table(
        caption=caption,
        headings=tuple(Heading(title=cut.label, note="", metric="selection_rate") for cut in cuts),
        rows=tuple(
            Row(label=stratum.label, rows=f"{sum(map(_rows, own.values())):,}", is_reference=False, cells=tuple(_rate(own.get(cut)) for cut in cuts))
            for stratum, own in strata
        ),
    )


def _rate(one: SliceCounts | None) -> Cell:
    weight = sum(cell.weight for cell in one.cells) if one else 0.0
    if one is None or weight <= 0:
        return Cell(title="", text="nobody", note="", is_undefined=True)
    selected = sum(cell.weight for cell in one.cells if cell.decision == 1)
    return Cell(title="", text=percent(selected / weight), note=f"of {counted(_rows(one), 'row')}", is_undefined=False)
