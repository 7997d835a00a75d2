"""Reliability pictures: where dots, whiskers and bars lie, what is said for those who cannot see them, and when they are folded."""

from __future__ import annotations

from typing import Any

import pytest

from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.evidence.measurement import BinnedRows, Histogram
from fairaudit.reports.html import render
from fairaudit.reports.lookup import lookup
from fairaudit.reports.reliability import BARS_BOTTOM, BARS_TOP, BOTTOM, LEFT, MOST, RIGHT, TOP, ReliabilityView, reliability_of
from fairaudit.result import Audit
from tests.reports.builders import BLACK, OTHER, WHITE, audit, many
from tests.reports.test_html import Parsed, page_text


def _rows(*rows: int) -> BinnedRows:
    return BinnedRows(rows=rows, weight=tuple(map(float, rows)), mean_score=tuple(0.5 if one else None for one in rows))


def _histogram(cut: Slice, **changes: Any) -> Histogram:
    """Three bins: 80 rows of which a fifth are positive, 40 of which three quarters are, and 10 without a label."""
    given: dict[str, Any] = {
        "edges": (0.0, 0.4, 0.8, 1.0), "negative": _rows(64, 10, 0), "positive": _rows(16, 30, 0), "unlabelled": _rows(0, 0, 10), "mean_score": (0.2, 0.6, None),
        "share_positive": (0.2, 0.75, None), "lower": (0.13, 0.62, None), "upper": (0.3, 1.0, None),
    }  # fmt: skip
    return Histogram(slice=cut, **(given | changes))


def _view(found: Audit, *cuts: Slice) -> ReliabilityView:
    view = reliability_of(lookup(found), cuts, WHITE, "by race")
    assert view is not None
    return view


def _with(*cuts: Slice, **changes: Any) -> Audit:
    return audit(histograms=tuple(_histogram(cut, **changes) for cut in cuts))


def test_a_dot_stands_at_its_mean_score_and_share_and_its_whisker_at_the_intervals_ends() -> None:
    first, second = _view(_with(WHITE), WHITE).pictures[0].dots
    wide, high = RIGHT - LEFT, BOTTOM - TOP
    assert [float(text) for text in (first.x, first.y, first.low, first.high)] == pytest.approx([LEFT + 0.2 * wide, BOTTOM - 0.2 * high, BOTTOM - 0.13 * high, BOTTOM - 0.3 * high], abs=0.06)
    assert float(second.x) - LEFT == pytest.approx(0.6 * wide, abs=0.06) and float(second.high) == TOP
    assert wide == high  # so that the diagonal is where the share is the score


def test_a_bar_is_as_high_as_its_bins_rows_and_its_dark_part_as_those_that_are_positive() -> None:
    picture = _view(_with(WHITE), WHITE).pictures[0]
    tall = BARS_BOTTOM - BARS_TOP
    assert [float(one.height) for one in picture.bars] == pytest.approx([tall, tall / 2, tall / 8], abs=0.06)
    assert [float(one.height) for one in picture.positives] == pytest.approx([tall * 16 / 80, tall * 30 / 80], abs=0.06)
    assert all(float(one.y) + float(one.height) == pytest.approx(BARS_BOTTOM, abs=0.11) for one in (*picture.bars, *picture.positives))


def test_rare_events_fill_the_picture_and_all_slices_share_the_axes() -> None:
    rare = _with(WHITE, BLACK, edges=(0.0, 0.01, 0.02, 1.0), mean_score=(0.004, 0.015, None), share_positive=(0.005, 0.02, None), lower=(0.001, 0.01, None), upper=(0.01, 0.038, None))
    view = _view(rare, WHITE, BLACK)
    assert [one.labels[3].text for one in view.pictures] == ["4%", "4%"] and view.pictures[0].labels[1].text == "0.04"
    assert all(float(bar.x) >= LEFT and float(bar.x) + float(bar.width) <= RIGHT for one in view.pictures for bar in one.bars)


def test_what_is_seen_is_said() -> None:
    assert _view(_with(WHITE), WHITE).pictures[0].words == "Share positive by mean score of White: 20.0% at 0.2, 75.0% at 0.6; of 2 intervals 1 lie above the mean score and 0 below it"
    assert "of 2 intervals" not in _view(_with(WHITE, lower=(None,) * 3, upper=(None,) * 3), WHITE).pictures[0].words


def test_a_dot_without_an_interval_has_no_whisker() -> None:
    found = _view(_with(WHITE, lower=(None, 0.62, None), upper=(None, 0.9, None)), WHITE)
    assert [bool(one.low) for one in found.pictures[0].dots] == [False, True]
    assert found.numbers.rows[0].cells[0].note == "mean score 0.2, 80 labelled rows" and found.numbers.rows[0].cells[2].note == "10 rows without a label"


def test_the_page_has_a_picture_of_everyone_and_of_each_slice_with_the_numbers_behind_it() -> None:
    page = render(_with(EVERYONE, WHITE, BLACK))
    told = [value for tag, name, value in Parsed(page).attributes if tag == "svg" and name == "aria-label" and "Share positive by mean score" in value]
    assert [one.split(":")[0].removeprefix("Share positive by mean score of ") for one in told] == ["White", "Black", "everyone"]
    text = page_text(page)
    assert text.count("What scores mean") == 2 and "62.0% to 100.0%" in text and "pictures: what share" not in text
    assert 'id="def-score_histogram"' in page


def test_many_pictures_are_folded_away_and_the_largest_slices_are_drawn() -> None:
    found = many(MOST + 5)
    cuts = [one.slice for one in found.measurements if one.metric == "selection_rate" and one.slice.values]
    view = _view(audit(measurements=found.measurements, slicings=found.slicings, references=found.references, histograms=tuple(map(_histogram, cuts))), *cuts)
    few = [_view(_with(*cuts), *cuts).folded for cuts in ((WHITE, BLACK, OTHER), (WHITE, BLACK, OTHER, Slice([("race", "Asian")])))]
    assert few == ["", "4 pictures: what share of each score's rows is in truth positive"]
    assert len(view.pictures) == MOST and view.folded and f"The {MOST} slices with the most rows, of {MOST + 5}." in view.note


def test_without_labels_without_histograms_and_of_crosses_there_is_no_picture() -> None:
    nothing = (None, None, None)
    assert reliability_of(lookup(_with(WHITE, mean_score=nothing, share_positive=nothing, lower=nothing, upper=nothing)), (WHITE,), None, "by race") is None
    assert reliability_of(lookup(audit()), (WHITE,), None, "by race") is None and "What scores mean" not in page_text(render(audit()))
    cross = Slice([("race", "White"), ("sex", "f")])
    assert reliability_of(lookup(_with(cross)), (cross,), None, "by race × sex") is None
