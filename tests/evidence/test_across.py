"""Gaps over all groups: their values by hand, their intervals by simulation and against the interval of a pair."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import studentized_range  # type: ignore[import-untyped]

from fairaudit.cube.counts import Counts
from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.evidence.across import across
from fairaudit.evidence.intervals import newcombe
from fairaudit.evidence.measurement import Comparison, Status
from fairaudit.evidence.rates import rate
from fairaudit.metrics.catalogue import CATALOGUE
from tests.builders import counts_from, counts_of_rows, slice_called
from tests.vectors import vector

Selected = tuple[float, float]  # selected, rejected


def _counts(groups: dict[str | None, Selected]) -> Counts:
    """Groups by selected and rejected; half of each are in truth positive."""
    tables = {Slice([("group", name)]): (yes / 2, yes / 2, no / 2, no / 2) for name, (yes, no) in groups.items()}
    everyone = tuple(sum(table[cell] for table in tables.values()) for cell in range(4))
    return counts_from({EVERYONE: everyone, **tables})  # type: ignore[dict-item, arg-type]


def _gap(counts: Counts, metric: str = "selection_rate", kind: str = "gap") -> Comparison:
    return next(one for one in across(counts, (("group",),), threshold=0.5) if (one.metric, one.kind) == (metric, kind))


def test_a_gap_is_the_largest_less_the_smallest_and_names_both() -> None:
    found = _gap(_counts({"a": (30, 70), "b": (50, 50), "c": (20, 80)}))
    assert found.value == pytest.approx(0.3)
    assert (found.group.slice.label, found.reference.slice.label, found.status, found.reason) == ("c", "b", Status.OK, "")


@pytest.mark.parametrize("expected", vector("fairlearn-three-groups")["gaps"], ids=lambda one: f"{one['metric']} {one['kind']}")
def test_fairlearns_printed_gaps_are_reached(expected: dict[str, Any]) -> None:
    tables = {slice_called(name): tuple(table) for name, table in vector("fairlearn-three-groups")["tables"].items()}
    assert _gap(counts_from(tables), expected["metric"], expected["kind"]).value == pytest.approx(expected["value"], abs=0.5 * 10 ** -expected["digits"])


def test_a_min_max_ratio_is_the_smallest_over_the_largest() -> None:
    assert _gap(_counts({"a": (30, 70), "b": (50, 50), "c": (20, 80)}), kind="min_max_ratio").value == pytest.approx(0.4)


def test_a_group_of_a_missing_value_is_left_out() -> None:
    assert _gap(_counts({"a": (30, 70), "b": (50, 50), None: (0, 100)})).value == pytest.approx(0.2)


def test_a_group_without_a_value_makes_the_gap_partial() -> None:
    found = _gap(_counts({"a": (30, 70), "b": (50, 50), "c": (0, 100)}), "positive_predictive_value")
    assert (found.value, found.reason) == (0.0, "partial: without c, where it has no value")


def test_a_group_whose_value_is_infinite_has_the_largest() -> None:
    """A log loss is infinite where a sure score was wrong, as of c; d has no rows with a label."""
    group = np.array(list("aabbccdd"))
    rows = {Slice([("group", name)]): group == name for name in "abcd"}
    found = _gap(counts_of_rows(rows, label=[0, 1, 0, 1, 0, 1, 2, 2], decision=[0] * 8, score=[0.2, 0.9, 0.4, 0.5, 1.0, 0.9, 0.3, 0.3]), "log_loss")
    assert (found.value, found.interval, found.status, found.group.slice.label, found.reference.slice.label) == (None, None, Status.INFINITE, "a", "c")
    assert found.reason == f"{CATALOGUE['log_loss'].infinite} in c; partial: without d, where it has no value"


def test_a_gap_of_one_value_is_undefined() -> None:
    found = _gap(_counts({"a": (30, 70), "b": (0, 50)}), "positive_predictive_value")
    assert (found.value, found.interval, found.status) == (None, None, Status.UNDEFINED)
    assert "nobody was selected" in found.reason


def test_nobody_selected_anywhere_has_no_min_max_ratio() -> None:
    found = _gap(_counts({"a": (0, 70), "b": (0, 50)}), kind="min_max_ratio")
    assert (found.value, found.reason) == (None, "the largest value is 0")


def test_a_slicing_of_one_group_has_no_gap() -> None:
    assert not across(_counts({"a": (30, 70), None: (10, 5)}), (("group",),), threshold=0.5)


def test_of_two_groups_the_interval_is_newcombes() -> None:
    counts = _counts({"a": (30, 70), "b": (50, 50)})
    found = rate(CATALOGUE["selection_rate"], counts)
    lower, upper = newcombe(found.at(2), found.at(1))
    assert _gap(counts).interval == pytest.approx((float(lower), float(upper)), abs=1e-9)


def test_of_equal_groups_the_upper_end_is_at_tukeys_honest_difference() -> None:
    rows, groups = 20_000, 5
    found = _gap(_counts({name: (rows / 2, rows / 2) for name in "abcde"}))
    assert found.interval is not None
    assert found.interval == pytest.approx((0.0, studentized_range.ppf(0.95, groups, np.inf) * 0.5 / np.sqrt(rows)), rel=1e-3)


def _held(rates: list[float], sizes: list[int], kind: str, truth: float, *, replicates: int = 400) -> float:
    rng, held = np.random.default_rng(7), 0
    for _ in range(replicates):
        drawn = rng.binomial(sizes, rates)
        interval = _gap(_counts({str(place): (float(yes), float(n - yes)) for place, (yes, n) in enumerate(zip(drawn, sizes, strict=True))}), kind=kind).interval
        held += interval is not None and interval[0] - 1e-12 <= truth <= interval[1] + 1e-12
    return held / replicates


@pytest.mark.no_cover
@pytest.mark.parametrize(("kind", "truth"), [("gap", 0.0), ("min_max_ratio", 1.0)])
def test_on_fair_data_the_interval_holds_the_truth(kind: str, truth: float) -> None:
    assert 0.93 <= _held([0.3] * 6, [1000, 500, 250, 150, 70, 30], kind, truth) <= 0.99


@pytest.mark.no_cover
def test_a_real_gap_is_held_too() -> None:
    assert _held([0.3] * 5 + [0.18], [500] * 6, "gap", 0.12) >= 0.93


def test_many_groups_are_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = _counts({str(place): (10.0 + place, 90.0 - place) for place in range(30)})
    whole = [one.interval for one in across(counts, (("group",),), threshold=0.5)]
    monkeypatch.setattr("fairaudit.evidence.across._AT_ONCE", 7)
    assert [one.interval for one in across(counts, (("group",),), threshold=0.5)] == whole
