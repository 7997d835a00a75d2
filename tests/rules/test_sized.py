"""Rows needed before the first audit are those of RULES.md E3's printed table, and groups are too small exactly where the rule says so."""

from __future__ import annotations

import numpy as np
import pytest

from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.metrics.catalogue import Better, metric
from fairaudit.rules.judge import judge
from fairaudit.rules.library import load_rule
from fairaudit.rules.plan import Context, plan
from fairaudit.rules.sized import USUAL_RATES, look_alpha, need, sizes
from tests.builders import counts_from, counts_in_clusters

FOUR_FIFTHS = load_rule("four-fifths")
# RULES.md E3: rows for one group against a large rest, found with 80 % power at a true ratio of 0.6 (0.7), look 1, α/2 = 0.025, at rates 0.1, 0.2, 0.3, 0.5.
PRINTED = {(6, 0.6): (615, 276, 164, 73), (6, 0.7): (1125, 505, 298, 132), (20, 0.6): (766, 344, 203, 90), (20, 0.7): (1399, 627, 369, 163)}


@pytest.mark.parametrize(("groups", "ratio"), PRINTED)
def test_rows_needed_are_the_printed_ones(groups: int, ratio: float) -> None:
    import msgspec

    rule = msgspec.structs.replace(FOUR_FIFTHS, serious=ratio)
    alpha = look_alpha(rule, 0.05, groups)
    assert alpha == pytest.approx(0.025 / groups)
    found = [need(rule, metric("selection_rate"), Better.HIGHER, alpha=alpha, rate=rate) for rate in USUAL_RATES]
    assert tuple(one.serious for one in found) == PRINTED[groups, ratio]
    assert tuple(one.at_true_ratio for one in found) == PRINTED[groups, 0.6]


def test_two_groups_have_no_second_look() -> None:
    assert look_alpha(FOUR_FIFTHS, 0.05, 2) == 0.025 and look_alpha(FOUR_FIFTHS, 0.05, 3) == pytest.approx(0.05 / 6)


def _counts(decided: bool = True):  # type: ignore[no-untyped-def]
    groups = {"a": (300, 100, 100, 500), "b": (60, 20, 20, 100), "c": (4, 6, 3, 7)}  # tp, fp, fn, tn
    if not decided:
        groups = {name: (0, 0, tp + fn, fp + tn) for name, (tp, fp, fn, tn) in groups.items()}
    tables = {Slice([("g", name)]): one for name, one in groups.items()}
    return counts_from({EVERYONE: tuple(np.sum(list(tables.values()), axis=0).tolist()), **tables})


def _sizes(*rules: str, decided: bool = True):  # type: ignore[no-untyped-def]
    counts, context = _counts(decided), Context(slicings=(("g",),))
    return sizes(plan([load_rule(one) for one in rules], counts, context), counts, context, decided=decided)


def test_groups_are_too_small_where_the_gate_says_so() -> None:
    rules = ("four-fifths", "equal-opportunity", "predictive-parity")
    counts, context = _counts(), Context(slicings=(("g",),))
    small = {(one.rule, one.metric): {str(group.slice) for group in one.too_small} for one in _sizes(*rules)}
    found = judge([load_rule(one) for one in rules], counts, context)
    # A finding on a group that needs no evidence for a pass is one on a group that cannot be judged alone.
    told = {key: {str(one.group.slice) for one in found if (one.rule, one.metric) == key and one.group.kind.value == "slice" and not one.needed_for_pass} for key in small}
    assert small == told and small["four-fifths", "selection_rate"] == {"g=c"}


def test_shares_and_minimum_are_the_plans() -> None:
    one, two = _sizes("four-fifths", "equal-opportunity")
    assert (one.share, two.share) == (0.025, 0.025) and one.look_alpha == pytest.approx(0.025 / 6)
    assert one.rate == pytest.approx((400 + 80 + 10) / 1220) and one.minimum == int(np.ceil(30 / one.rate)) and one.rows_are == "rows"
    assert two.rows_are == "positives" and [group.trials for group in two.groups] == [400, 80, 7]


def test_what_only_decisions_tell_is_left_open() -> None:
    selection, tpr, ppv = _sizes("four-fifths", "equal-opportunity", "predictive-parity", decided=False)
    assert selection.rate is None and len(selection.needs) == 4 and selection.minimum == 40 and [one.enough for one in selection.groups] == [True, True, False]
    assert [one.trials for one in tpr.groups] == [400, 80, 7] and [str(one.slice) for one in tpr.too_small] == ["g=c"]
    assert [one.trials for one in ppv.groups] == [None] * 3 and [one.enough for one in ppv.groups] == [None] * 3 and ppv.too_small == ()


def test_a_group_that_is_judged_alone_may_have_too_few_rows_to_find_what_is_serious() -> None:
    (one,) = _sizes("equal-opportunity")
    assert one.needs[0].serious is not None
    assert {str(group.slice) for group in one.may_miss} == {str(group.slice) for group in one.groups if group.enough and group.trials < one.needs[0].serious}


def test_a_rule_that_tests_nothing_needs_no_rows() -> None:
    counts, context = _counts(), Context(slicings=(("g",),))
    (one,) = sizes(plan([load_rule("nyc-ll144-selection")], counts, context), counts, context, decided=True)
    assert one.needs == () and one.minimum == 1 and one.too_small == ()


def test_in_clusters_nothing_is_known_before_decisions_are() -> None:
    counts = counts_in_clusters(cluster=[place // 2 for place in range(400)], label=[0, 1] * 200, score=[0.2] * 400, group=["a", "b", "b", "b"] * 100)
    context = Context(slicings=(("group",),))
    planned = plan([load_rule("equal-opportunity")], counts, context)
    (one,) = sizes(planned, counts, context, decided=False)
    assert [group.enough for group in one.groups] == [None, None] and one.too_small == () and all(group.rows for group in one.groups)
    (one,) = sizes(planned, counts, context, decided=True)
    assert None not in [group.enough for group in one.groups]
