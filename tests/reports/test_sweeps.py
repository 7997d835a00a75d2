"""Rates over thresholds on the page: where lines run, what is said for those who cannot see them, and what the numbers are."""

from __future__ import annotations

import re
from typing import Any

import pytest

from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.evidence.measurement import Sweep, Swept
from fairaudit.reports.audited import audited
from fairaudit.reports.html import render
from fairaudit.reports.lookup import lookup
from fairaudit.reports.sweeps import BOTTOM, LEFT, MOST, RIGHT, TOP, SweepView, sweep_of
from fairaudit.result import Audit
from tests.reports.builders import BLACK, WHITE, audit, manifest, many
from tests.reports.test_html import Parsed, page_text

STEPS = (0.25, 0.5, 0.75)


def _swept(cut: Slice, values: tuple[float | None, ...]) -> Sweep:
    known = [value for value in values if value is not None]
    rate = Swept(values=values, lower=tuple(None if one is None else one / 2 for one in values), upper=tuple(None if one is None else min(1.0, one + 0.1) for one in values))
    return Sweep(slice=cut, thresholds=STEPS, metrics={"selection_rate": rate, "f1": rate} if known else {"selection_rate": rate})


def swept_audit(**changes: Any) -> Audit:
    given: dict[str, Any] = {"manifest": manifest(thresholds={"0.5": 0.5, "0.25": 0.25, "0.75": 0.75}), "sweeps": (_swept(EVERYONE, (0.8, 0.6, 0.3)), _swept(WHITE, (0.9, 0.73, 0.4)), _swept(BLACK, (0.7, None, 0.2)))}
    return audit(**(given | changes))


def _view(found: Audit, *cuts: Slice) -> SweepView:
    view = sweep_of(lookup(found), cuts, WHITE, "by race")
    assert view is not None
    return view


def _points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML]?(-?[\d.]+) (-?[\d.]+)", path)]


def test_a_line_runs_through_its_values_on_an_axis_that_all_slices_share() -> None:
    view = _view(swept_audit(), WHITE, BLACK)
    (white,), (black,) = (row.curves for row in view.rows)
    # The axis ends at 100 %, since one interval's upper end is 1.
    across, up = zip(*_points(white.line), strict=True)
    assert across == (LEFT, (LEFT + RIGHT) / 2, RIGHT) and up == pytest.approx([BOTTOM - value * (BOTTOM - TOP) for value in (0.9, 0.73, 0.4)], abs=0.06)
    assert white.operating == "126" and white.dot == f"{BOTTOM - 0.73 * (BOTTOM - TOP):.1f}"
    assert [label.text for label in white.labels] == ["0.25", "0.75", "0%", "100%"] == [label.text for label in black.labels]
    assert white.reference == "" and black.reference == white.line


def test_a_line_breaks_where_there_is_no_value() -> None:
    (black,) = _view(swept_audit(), BLACK).rows[0].curves
    assert black.line.count("M") == 2 and len(_points(black.line)) == 2
    assert black.band.count("Z") == 2 and black.dot == ""
    assert black.words == "Selection rate of Black over thresholds: 70.0% at 0.25, undefined at 0.5 (operating point), 20.0% at 0.75"


def test_the_band_runs_along_the_upper_ends_and_back_along_the_lower() -> None:
    (curve,) = _view(swept_audit(), WHITE).rows[0].curves
    ends = [y for _, y in _points(curve.band)]
    assert ends == pytest.approx([BOTTOM - end * (BOTTOM - TOP) for end in (1.0, 0.83, 0.5, 0.2, 0.365, 0.45)], abs=0.06)


def test_the_page_draws_every_slice_and_folds_the_numbers_away() -> None:
    page = render(swept_audit())
    parsed, text = Parsed(page), page_text(page)
    told = [value for tag, name, value in parsed.attributes if tag == "svg" and name == "aria-label" and "over thresholds" in value]
    assert [one.split(" over")[0] for one in told] == [f"Selection rate of {one}" for one in ("White", "Black", "everyone")]
    assert text.count("At other thresholds") == 2 and "the dotted curve is the reference's" in text
    assert "36.5% to 83.0%" in text and text.count("what is judged is what was decided") == 2
    assert "Selection rate by race at each threshold" in text


def test_an_audit_without_a_sweep_has_none_on_its_page() -> None:
    assert sweep_of(lookup(audit()), (WHITE, BLACK), WHITE, "by race") is None
    assert "At other thresholds" not in page_text(render(audit()))


@pytest.mark.parametrize(
    ("asked", "drawn"),
    [
        (("accuracy", "matthews_correlation", "f1"), ["Accuracy", "F1 score"]),
        (("selection_rate", "f1"), ["Selection rate"]),
        (("positive_likelihood_ratio", "informedness"), []),
    ],
)
def test_what_was_asked_for_stands_in_for_the_rates_where_its_axis_ends_at_1(asked: tuple[str, ...], drawn: list[str]) -> None:
    numbers = _swept(WHITE, (0.9, 0.73, 0.4)).metrics["selection_rate"]
    view = sweep_of(lookup(swept_audit(sweeps=(Sweep(slice=WHITE, thresholds=STEPS, metrics=dict.fromkeys(asked, numbers)),))), (WHITE,), None, "by race")
    assert [heading.title for heading in view.headings] == drawn if view else drawn == []
    assert [curve.labels[3].text for curve in view.rows[0].curves] == ["1" if name == "F1 score" else "100%" for name in drawn] if view else True


def test_only_the_largest_slices_are_drawn_and_it_is_said() -> None:
    found = many(MOST + 5)
    slices = [one.slice for one in found.measurements if one.metric == "selection_rate" and one.slice.values]
    swept = tuple(_swept(cut, (0.5, 0.4, 0.3)) for cut in slices)
    view = sweep_of(lookup(swept_audit(**{name: getattr(found, name) for name in ("measurements", "slicings", "references")} | {"sweeps": swept})), slices, slices[0], "by attribute 0")
    assert view is not None and len(view.rows) == MOST and f"The {MOST} slices with the most rows, of {MOST + 5}." in view.note


def test_groups_with_thresholds_of_their_own_have_no_mark_and_are_told() -> None:
    config = manifest().config | {"group_thresholds": {"race": {"Black": 0.3}}}
    own = manifest(config=config, thresholds={"0.5": 0.5, "0.3": 0.30000001192092896, "0.25": 0.25, "0.75": 0.75}, group_thresholds={"race": {"Black": 0.30000001192092896}})
    view = _view(swept_audit(manifest=own), WHITE)
    assert view.rows[0].curves[0].operating == "" and "Groups by race have thresholds of their own, so none is marked." in view.note
    facts = {one.name: one.text for one in audited(swept_audit(manifest=own)).facts}
    asked = "race=Black: 0.3 asked for, 0.30000001192092896 used: the nearest that the scores' own type holds"
    assert facts["Thresholds of groups"] == f"{asked}; everyone else: 0.5; a score exactly at the threshold counts as below it"
    assert facts["Thresholds described"] == "0.25; 0.75" and "Threshold" not in facts
    assert "Groups are decided at different thresholds: race=Black 0.3; everyone else 0.5." in page_text(render(swept_audit(manifest=own)))
    assert "decided at different thresholds" not in page_text(render(swept_audit()))
