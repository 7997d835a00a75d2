"""Calibration errors over other bins: how many, of equal width or of about equal weight."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairaudit import Audit, AuditConfig, audit, render
from fairaudit.bands import SCORE_CELLS, ScoreBins, score_bins
from fairaudit.cube.slices import Slice
from fairaudit.errors import FairauditError
from fairaudit.metrics.engines.cells import bins
from fairaudit.metrics.engines.native import value_of
from tests.builders import counts_of_rows

A = Slice([("group", "a")])
ERRORS = ("expected_calibration_error", "maximum_calibration_error", "root_mean_square_calibration_error", "calibration_error_by_chance")


def test_bins_are_asked_for_by_their_number_or_by_their_mass() -> None:
    assert score_bins("15") == ScoreBins(number=15) and score_bins(" mass: 7 ") == ScoreBins(number=7, of_mass=True)
    assert score_bins("10").params == (("bins", 10.0),) and score_bins("mass:10").params == (("bins", 10.0), ("mass", 1.0))


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("ten", "--calibration-bins 'ten': give a whole number of bins from 2 to 100, as in '10' or 'mass:10'."),
        ("mass:1", "--calibration-bins 'mass:1': give a whole number of bins from 2 to 100, as in '10' or 'mass:10'."),
        ("7", "--calibration-bins '7': scores are counted in 3,840 cells, which 7 bins of equal width would cut through; give 6 or 8, or 'mass:7'."),
    ],
)
def test_bins_that_cannot_be_are_refused_with_what_can(asked: str, sentence: str) -> None:
    with pytest.raises(FairauditError, match=r"--calibration-bins") as caught:
        _audited(asked)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(("more", "sentence"), [({"score_column": None, "decision_column": "y"}, "is about scores, and"), ({"label": None}, "is about scores beside labels")])
def test_bins_that_would_change_nothing_are_refused(more: dict[str, Any], sentence: str) -> None:
    with pytest.raises(FairauditError, match=f"--calibration-bins {sentence}"):
        _audited("15", **more)


ROWS = st.lists(st.tuples(st.booleans(), st.integers(0, 1), st.integers(0, 20), st.integers(1, 3)), min_size=1, max_size=60)


@given(ROWS, st.integers(2, 12))
def test_bins_of_equal_weight_are_cut_at_numpys_quantiles_of_everyone(rows: list[tuple[bool, int, int, int]], number: int) -> None:
    """A weight of 2 is the row twice; the quantile is the smallest score that its share of rows does not exceed."""
    of_a, label, twentieths, weight = (np.array(column) for column in zip(*rows, strict=True))
    found = counts_of_rows({A: of_a}, label=label.tolist(), decision=[0] * len(rows), score=(twentieths / 20).tolist(), weight=weight.astype(float).tolist())
    every = np.repeat(twentieths, weight)
    ends = np.unique(np.quantile(every, np.arange(1, number) / number, method="inverted_cdf"))
    begins = sorted({int(every[every > end].min()) for end in ends if (every > end).any()})
    held = bins(found, number, True)
    assert held is not None and held.edges.tolist() == [0.0, *(one / 20 for one in begins), 1.0]
    for place, mine in enumerate((np.ones(len(rows), dtype=bool), of_a)):
        of_bin = np.searchsorted(begins, twentieths, side="right")
        chosen = [mine & (of_bin == one) for one in range(len(begins) + 1)]
        gaps = np.array([abs(np.average(twentieths[one] / 20 - label[one], weights=weight[one])) for one in chosen if one.any()])
        shares = np.array([weight[one].sum() / weight[mine].sum() for one in chosen if one.any()])
        expected = (shares @ gaps, gaps.max(), np.sqrt(shares @ gaps**2)) if gaps.size else (np.nan,) * 3
        for name, value in zip(ERRORS, expected, strict=False):
            assert value_of(name, found, {"bins": number, "mass": 1.0})[place] == pytest.approx(value, abs=1e-12, nan_ok=True), name


def _rows(scores: list[float]) -> pa.Table:
    rng = np.random.default_rng(4)
    score = rng.choice(scores, 400)
    return pa.table({"s": score, "y": (rng.random(400) < score).astype(int), "sex": rng.choice(["f", "m"], 400)})


def _audited(asked: str, scores: list[float] | None = None, **more: Any) -> Audit:
    given: dict[str, Any] = {"score_column": "s", "label": "y", "protected": ("sex",), "engines": ("native",), "calibration_bins": asked} | more
    return audit(AuditConfig(**given), data=_rows(scores or (np.arange(1, 1000) / 1000).tolist()))


@pytest.mark.parametrize(("asked", "params"), [("15", {"bins": 15.0}), ("mass:15", {"bins": 15.0, "mass": 1.0})])
def test_an_audit_says_over_which_bins_its_calibration_errors_are(asked: str, params: dict[str, float]) -> None:
    found = _audited(asked)
    measured = [one for one in found.measurements if one.metric in ERRORS]
    assert len(measured) == 3 * len(ERRORS) and all(one.params == params for one in measured)
    edges = found.manifest.calibration_edges
    assert len(edges) == 16 and edges[0] == 0 and edges[-1] == 1
    table = _rows((np.arange(1, 1000) / 1000).tolist()).to_pydict()
    place = np.searchsorted(edges[1:-1], table["s"], side="right")  # the lower edge is in its bin
    held = np.bincount(place, minlength=15)
    gaps = np.abs(np.bincount(place, np.array(table["s"]) - np.array(table["y"]), 15))
    expected = next(one for one in measured if one.metric == ERRORS[0] and not one.slice.attributes)
    assert expected.value == pytest.approx(gaps.sum() / 400, abs=1e-12)
    assert expected.interval is not None and expected.interval[0] <= expected.value <= expected.interval[1]
    assert max(held) - min(held) <= 4 or asked == "15"  # a few rows share a score
    page = render(found)
    assert ("15 bins of equal width" in page) == (asked == "15") and ("15 bins of about equal weight" in page) == (asked == "mass:15")


def test_an_audit_of_few_scores_says_that_it_has_fewer_bins() -> None:
    found = _audited("mass:10", [0.2, 0.5, 0.9])
    assert found.manifest.calibration_edges == (0.0, 0.5, 0.9, 1.0)
    assert "Many rows have the same score, so calibration errors are over 3 bins of the 10 of equal weight that were asked for." in found.notes
    assert not any("calibration errors" in note for note in _audited("10", [0.2, 0.5, 0.9]).notes)


def test_an_audit_without_calibration_errors_has_no_edges() -> None:
    assert _audited("10", metrics=("selection_rate",)).manifest.calibration_edges == ()
    assert _audited("10", label=None).manifest.calibration_edges == ()


def test_bins_of_equal_width_are_whole_score_cells() -> None:
    assert all(SCORE_CELLS % one == 0 for one in (10, 15, 16, 20))
