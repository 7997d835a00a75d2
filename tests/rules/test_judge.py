from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fairaudit.cube.counts import Counts
from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.errors import ConfigError, UnknownName
from fairaudit.evidence.intervals import mover_r, proportion
from fairaudit.evidence.measurement import Group, GroupKind
from fairaudit.evidence.significance import fisher_lower, studentized_range_sf
from fairaudit.rules.finding import Finding, Outcome, Verdict
from fairaudit.rules.judge import judge, overall_verdict, wanted_pairs
from fairaudit.rules.library import load_rules
from fairaudit.rules.plan import Context, cautions
from tests.builders import counts_from
from tests.rules.selections import CONTEXT, Table, by_group, judged, qualified, rule, selections, slice_of

SIX: Table = {"a": (300, 1000), "b": (150, 500), "c": (75, 250), "d": (45, 150), "e": (21, 70), "f": (9, 30)}


# The statistics, each against its own definition.


def test_the_adjusted_p_is_the_smaller_of_two_looks_at_double_price() -> None:
    groups: Table = {"a": (160, 500), "b": (150, 500), "c": (110, 500)}
    found = judged(groups)
    tail = fisher_lower(np.array([110]), np.array([500]), np.array([420]), np.array([1500]))[0]
    z = (0.32 - 0.22) / np.sqrt(0.28 * 0.72 * 2 / 500)
    assert found["c"].p_adjusted == pytest.approx(2 * min(3 * tail, float(studentized_range_sf(np.array(z * np.sqrt(2)), 3))))


def test_the_second_look_convicts_where_the_rest_is_diluted_by_other_harmed_groups() -> None:
    """Three of six at 0.71 of the rate: each against the rest hides what each against the best shows."""
    groups: Table = {name: (150 if name in "abc" else 107, 500) for name in "abcdef"}
    assert judged(groups)["f"].verdict is Verdict.FAIL
    assert judged(groups, multiplicity="{method: holm}")["f"].verdict is not Verdict.FAIL  # although it spends all of α on that one look


def test_a_group_of_thirty_of_whom_none_was_hired_can_fail() -> None:
    found = judged(SIX | {"f": (0, 30)})
    assert found["f"].verdict is Verdict.FAIL and not found["f"].needed_for_pass


def test_within_means_against_every_group_with_enough_evidence_and_not_only_the_best() -> None:
    """c is the best-off and large; against d, nearly as good but small, b's bound cannot meet the limit."""
    groups: Table = {"b": (3000, 10_000), "c": (3100, 10_000), "d": (31, 101)}
    assert judged(groups)["b"].outcome is Outcome.UNDECIDED
    assert judged(groups | {"d": (30_500, 100_000)})["b"].outcome is Outcome.WITHIN


def test_the_bounds_of_within_and_serious_are_one_sided_and_uncorrected() -> None:
    """b's own bound against a is where it goes from within to undecided, whatever the number of groups."""
    a = proportion(np.array([3000.0]), np.array([10_000.0]), level=0.9)
    b = proportion(np.array([250.0]), np.array([1000.0]), level=0.9)
    bound = round(float(mover_r(b, a)[0][0]), 6)
    for limit, outcome in ((bound - 1e-5, Outcome.WITHIN), (bound + 1e-5, Outcome.UNDECIDED)):
        assert judged({"a": (3000, 10_000), "b": (250, 1000)}, limit=limit)["b"].outcome is outcome


def test_a_slice_of_missing_values_is_a_group_and_never_the_yardstick() -> None:
    found = judged({"a": (300, 1000), "b": (290, 1000), None: (600, 1000)})
    assert {str(one.reference) for one in found.values()} == {"group=a"}
    assert found["(missing)"].verdict is Verdict.PASS and found["b"].verdict is Verdict.PASS
    assert judged({"a": (300, 1000), "b": (290, 1000), None: (100, 1000)})["(missing)"].verdict is Verdict.FAIL


def test_missing_values_alone_are_nobody_to_compare_with() -> None:
    found = judged({None: (300, 1000)})
    assert found["(missing)"].outcome is Outcome.UNDEFINED and overall_verdict(found.values()) is Verdict.INCONCLUSIVE


def test_weights_count_by_their_effective_size() -> None:
    """Every row twice as weight 2 says no more than once; weights that differ say less."""
    plain = selections({"a": (300, 1000), "b": (190, 1000)})
    doubled = _weighted(plain, weight=2.0, weight_sq=4.0)
    spread = _weighted(plain, weight=2.0, weight_sq=40.0)
    first, second, third = (by_group(judge([rule()], counts, CONTEXT))["b"] for counts in (plain, doubled, spread))
    assert first.value == pytest.approx(second.value) and first.interval == pytest.approx(second.interval)
    assert first.verdict is second.verdict is Verdict.FAIL and np.log(first.p_adjusted) == pytest.approx(np.log(second.p_adjusted), abs=1.2)
    assert third.value == first.value and third.verdict is not Verdict.FAIL
    assert second.events == pytest.approx(190) and third.events == pytest.approx(19) and third.rows == 1000


def _weighted(counts: Counts, *, weight: float, weight_sq: float) -> Counts:
    return Counts(slices=counts.slices, rows=counts.rows, weight=counts.weight * weight, weight_sq=counts.weight * weight_sq, score=None, score_sq=None,
                  has_labels=False, has_weights=True, has_probabilities=False)  # fmt: skip


@given(st.integers(1, 60), st.integers(1, 60), st.sampled_from([0.8, 0.75, 0.9, 0.35]), st.integers(2, 9))
def test_exactly_at_the_limit_is_not_past_it(group: int, scale: int, limit: float, times: int) -> None:
    """Counts whose ratio is the limit as a fraction, where floating point may miss it; one fewer selected is past it."""
    exact = Fraction(str(limit))
    a = (float(exact.denominator * scale), float(exact.denominator * scale * times))
    b = (float(exact.numerator * scale * group), float(exact.denominator * scale * times * group))
    way: dict[str, Any] = {"decide_on": "point", "severity": "warn", "limit": limit, "serious": limit / 2, "reference": "{group: a}"}
    at, past = judged({"a": a, "b": b}, **way)["b"], judged({"a": a, "b": (b[0] - 1, b[1])}, **way)["b"]
    assert at.value == pytest.approx(limit) and at.outcome is not Outcome.BEYOND and past.outcome is Outcome.BEYOND


def test_a_difference_is_compared_exactly_too() -> None:
    at = by_group(judge([rule("equal-opportunity", decide_on="point")], qualified({"a": (80, 100), "b": (70, 100)}), CONTEXT))
    past = by_group(judge([rule("equal-opportunity", decide_on="point")], qualified({"a": (80, 100), "b": (69, 100)}), CONTEXT))
    assert (at["b"].outcome, past["b"].outcome) == (Outcome.UNDECIDED, Outcome.BEYOND)


# Shapes of rules.


def test_where_a_decision_harms_the_group_with_more_of_them_is_worse_off() -> None:
    groups: Table = {"a": (300, 1000), "b": (190, 1000)}
    helped, harmed = judged(groups), judged(groups, Context(slicings=(("group",),), effect="harms"))
    assert (helped["b"].verdict, helped["b"].limit) == (Verdict.FAIL, (0.8, None))
    assert (harmed["a"].verdict, harmed["a"].limit) == (Verdict.FAIL, (None, 1.25))
    assert harmed["a"].value == pytest.approx(300 / 190) and harmed["a"].serious == 2.0


def test_equal_opportunity_looks_at_the_qualified_only() -> None:
    (opportunity,) = load_rules(["equal-opportunity"])
    found = by_group(judge([opportunity], qualified({"a": (400, 500), "b": (300, 500), "c": (395, 500)}), CONTEXT))
    assert found["b"].value == pytest.approx(-0.2) and found["b"].verdict is Verdict.FAIL and found["b"].rows == 500
    assert found["b"].limit == (-0.1, None) and found["b"].serious == -0.2 and found["c"].verdict is Verdict.PASS


def test_a_group_without_positives_is_undefined_inconclusive_and_not_needed() -> None:
    (opportunity,) = load_rules(["equal-opportunity"])
    found = by_group(judge([opportunity], qualified({"a": (400, 500), "b": (390, 500), "c": (0, 0)}), CONTEXT))
    one = found["c"]
    assert (one.outcome, one.verdict, one.value, one.needed_for_pass, one.reason) == (Outcome.UNDEFINED, Verdict.INCONCLUSIVE, None, False, "no positives")
    assert overall_verdict(found.values()) is Verdict.PASS


@pytest.mark.parametrize("tpr", [0.0, 1.0])
def test_a_rate_that_never_varies_is_never_a_pass(tpr: float) -> None:
    (opportunity,) = load_rules(["equal-opportunity"])
    counts = qualified({"a": (500 * tpr, 500), "b": (500 * tpr, 500)})
    assert overall_verdict(judge([opportunity], counts, CONTEXT)) is Verdict.INCONCLUSIVE


def test_nobody_selected_anywhere_is_undefined_and_not_a_pass() -> None:
    found = judged({"a": (0, 1000), "b": (0, 1000)})
    assert {found["a"].outcome, found["b"].outcome} == {Outcome.UNDEFINED} and overall_verdict(found.values()) is Verdict.INCONCLUSIVE


def test_a_reference_that_is_never_wronged_makes_the_ratio_infinite_which_can_only_fail_or_stay_open() -> None:
    fpr: dict[str, Any] = {"metric": "fpr", "limit": 0.8, "serious": 0.5}

    def counts(wronged: int) -> Counts:
        return counts_from({EVERYONE: (0, 0, 0, 0), slice_of("a"): (10, 0, 10, 1000), slice_of("b"): (10, wronged, 10, 1000 - wronged)})

    blatant, slight = (by_group(judge([rule(**fpr)], counts(wronged), CONTEXT))["b"] for wronged in (70, 1))
    assert blatant.verdict is Verdict.FAIL and blatant.value is None and "infinite" in blatant.reason
    assert slight.outcome is Outcome.UNDEFINED and slight.verdict is Verdict.INCONCLUSIVE


def test_a_named_reference_is_everybodys_and_takes_one_look() -> None:
    found = judged(SIX | {"c": (40, 250)}, reference="{group: b}")
    assert all(str(one.reference) == "group=b" for one in found.values())
    tail = fisher_lower(np.array([40]), np.array([250]), np.array([190]), np.array([750]))[0]
    assert found["c"].verdict is Verdict.FAIL and found["c"].p_adjusted == pytest.approx(6 * tail)  # five others and the pool
    assert found["b"].outcome is Outcome.WITHIN and found["b"].p_adjusted is None and found["b"].interval is None


def test_a_named_reference_that_is_not_in_the_data_is_a_mistake_with_the_nearest_name() -> None:
    with pytest.raises(UnknownName, match="there is no slice 'group=A'; did you mean 'group=a'?"):
        judged(SIX, reference="{group: A}")


def test_the_largest_group_as_reference_may_be_the_worst_off() -> None:
    found = judged({"a": (200, 1000), "b": (150, 500)}, reference="largest")
    assert found["b"].reference == Group(slice=slice_of("a")) and found["b"].value == pytest.approx(1.5) and found["b"].verdict is Verdict.PASS
    either = judged({"a": (200, 1000), "b": (150, 500)}, reference="largest", direction="either")
    assert either["b"].verdict is Verdict.FAIL and either["b"].limit == (0.8, 1.25)


def test_against_the_rest_every_group_is_compared_with_everyone_else() -> None:
    found = judged({"a": (300, 1000), "b": (280, 1000), "c": (150, 1000)}, reference="rest")
    assert found["c"].value == pytest.approx(0.15 / 0.29) and found["c"].reference == Group(kind=GroupKind.REST, slice=slice_of("c"))
    assert found["c"].verdict is Verdict.FAIL and found["a"].value == pytest.approx(0.3 / 0.215)


def test_against_everyone_the_interval_is_that_against_the_rest_rescaled() -> None:
    groups: Table = {"a": (300, 1000), "b": (150, 1000)}
    overall, rest = judged(groups, reference="overall")["b"], judged(groups, reference="rest")["b"]
    assert overall.value == pytest.approx(0.15 / 0.225) and overall.reference == Group(kind=GroupKind.OVERALL)
    assert overall.interval == pytest.approx(tuple(r / (0.5 * r + 0.5) for r in rest.interval or ()))
    assert overall.p_adjusted == rest.p_adjusted
    both = [judge([rule(reference=name, comparison="difference", limit=0.05, serious=0.3)], selections(groups), CONTEXT) for name in ("overall", "rest")]
    assert by_group(both[0])["b"].interval == pytest.approx(tuple(d / 2 for d in by_group(both[1])["b"].interval or ()))


def test_a_list_of_metrics_shares_the_familys_error() -> None:
    odds = rule("equal-opportunity", metric="[tpr, fpr]", id="equalized-odds")
    findings = judge([odds], qualified({"a": (400, 500), "b": (300, 500)}), CONTEXT)
    assert {one.metric for one in findings} == {"true_positive_rate", "false_positive_rate"} and {one.alpha for one in findings} == {0.025}


def test_decided_by_interval_needs_more_than_by_significance_and_that_more_than_the_point() -> None:
    """0.22 against 0.30 with 1000 rows each: real, past the limit, and not surely past it."""
    groups: Table = {"a": (300, 1000), "b": (220, 1000), "c": (295, 1000)}
    verdicts = [judged(groups, decide_on=way)["b"].outcome for way in ("point", "significant", "interval")]
    assert verdicts == [Outcome.BEYOND, Outcome.BEYOND, Outcome.UNDECIDED]
    assert "real, but perhaps smaller than the limit" in judged(groups, decide_on="interval")["b"].notes
    assert judged(groups | {"b": (120, 1000)}, decide_on="interval")["b"].outcome is Outcome.BEYOND


def test_real_but_small_and_large_but_chancy_are_both_said() -> None:
    real = judged({"a": (50_000, 100_000), "b": (48_000, 100_000)})["b"]
    assert real.verdict is Verdict.PASS and real.notes == ("real but smaller than the limit",)
    chancy = judged({"a": (60, 120), "b": (28, 75)})["b"]
    assert (chancy.value or 1) < 0.8 and chancy.verdict is not Verdict.FAIL and "could be chance" in chancy.notes


# Small groups (E4).


def test_small_groups_are_named_and_do_not_gate_but_their_pool_does() -> None:
    found = judged(SIX)
    assert [found[name].needed_for_pass for name in "abcdef"] == [True] * 4 + [False] * 2
    pool = found["small groups together"]
    assert pool.group is not None and pool.group.members == (slice_of("e"), slice_of("f"))
    assert pool.rows == 100 and pool.needed_for_pass and pool.value == pytest.approx(1.0)
    assert overall_verdict(found.values()) is Verdict.PASS


def test_a_pool_below_the_minimum_does_not_gate() -> None:
    assert not judged(SIX | {"e": (18, 60)})["small groups together"].needed_for_pass


def test_small_groups_may_be_made_to_gate_or_only_reported() -> None:
    strict, lax = judged(SIX, small_groups="gate"), judged(SIX, small_groups="report")
    assert strict["f"].needed_for_pass and overall_verdict(strict.values()) is Verdict.INCONCLUSIVE
    assert "small groups together" not in lax and overall_verdict(lax.values()) is Verdict.PASS


def test_a_pool_is_not_everyone_and_not_of_one() -> None:
    assert "small groups together" not in judged({"a": (6, 20), "b": (6, 20)})
    assert "small groups together" not in judged({"a": (300, 1000), "b": (300, 1000), "c": (6, 20)})


def test_fewer_than_two_gating_groups_leave_a_slicing_undecided_and_say_how_many_rows_lack() -> None:
    found = judged({"a": (300, 1000), "b": (15, 50), "c": (6, 20)})
    one = found["slicing"]
    assert one.group is None and one.verdict is Verdict.INCONCLUSIVE and one.needed_for_pass
    assert one.rows_needed is not None and str(one.rows_needed.group) == "group=b" and one.rows_needed.rows == 50  # 100 at rate 0.3 make 30 events


CROSSED: Table = {("a", "x"): (300, 1000), ("a", "y"): (6, 20), ("b", "x"): (6, 20), ("b", "y"): (3, 10)}
SINGLE: Table = {"a": (306, 1020), "b": (309, 1030)}


def test_a_crossing_too_thin_to_judge_blocks_only_where_its_attributes_alone_were_not_decided() -> None:
    slicings = (("group",), ("second",), ("group", "second"))
    counts = selections(SINGLE, CROSSED)
    second = {Slice([("second", name)]): (714.0, 306.0) for name in "xy"}
    cells = {one: (float(rejected), float(selected)) for one, (rejected, selected) in zip(counts.slices, counts.weight[:, 2], strict=True)} | second
    whole = counts_from(dict.fromkeys(cells, (0.0, 0.0, 0.0, 0.0)), unlabelled=cells)
    decided = judge([rule()], whole, Context(slicings=slicings))
    assert [one.needed_for_pass for one in decided if one.group is None] == [False] and "too thin" in decided[-1].reason
    assert overall_verdict(decided) is Verdict.PASS
    alone = judge([rule()], whole, Context(slicings=slicings[1:]))
    assert [one.needed_for_pass for one in alone if one.group is None] == [True]
    assert overall_verdict(alone) is Verdict.INCONCLUSIVE
    strict = judge([rule(small_groups="gate")], whole, Context(slicings=slicings))
    assert overall_verdict(strict) is Verdict.INCONCLUSIVE


def test_what_is_inconclusive_says_how_many_more_rows_of_whom() -> None:
    """120 rows at 0.3 against a large rest: RULES.md E3 gives 164 for six groups, to find 0.6; to find 0.5 takes fewer."""
    groups: Table = {name: (21, 101) if name == "a" else (3000, 10_000) for name in "abcdef"}
    found = judged(groups, serious=0.6)["a"]
    assert found.verdict is Verdict.INCONCLUSIVE and found.needed_for_pass
    assert found.rows_needed is not None and str(found.rows_needed.group) == "group=a" and found.rows_needed.rows == pytest.approx(164 - 101, abs=2)


@pytest.mark.parametrize("b", [(57, 1000), (26, 420)])
def test_a_group_that_has_the_rows_and_was_unlucky_is_settled_by_so_many_more_at_its_rate(b: tuple[float, float]) -> None:
    """With enough rows to find a ratio of 0.5, the data may still not exclude it; the rows asked for do, or convict, if nothing changes."""
    a = (1000.0, 10_000.0) if b[1] == 1000 else (900.0, 9000.0)
    before = judged({"a": a, "b": b}, limit=0.55, serious=0.5)["b"]
    assert before.verdict is Verdict.INCONCLUSIVE and before.rows_needed is not None and str(before.rows_needed.group) == "group=b"
    rows = b[1] + 1.05 * before.rows_needed.rows
    assert judged({"a": a, "b": (round(rows * b[0] / b[1]), round(rows))}, limit=0.55, serious=0.5)["b"].verdict is not Verdict.INCONCLUSIVE


def test_rows_of_people_are_asked_for_where_the_rate_rests_on_some_of_them() -> None:
    """Half the group is qualified, so it takes twice as many people as positives."""
    (opportunity,) = load_rules(["equal-opportunity"])
    groups: Table = {"a": (400, 500), "b": (395, 500), "c": (20, 30)}
    whole, half = (by_group(judge([opportunity], qualified(groups, rejected=n), CONTEXT))["c"].rows_needed for n in (0, 30))
    assert whole is not None and half is not None and half.rows == pytest.approx(2 * whole.rows, abs=1)


def test_where_the_others_are_too_few_more_of_everyone_is_asked_for() -> None:
    found = judged({"a": (10, 30), "b": (8, 30)})["b"]
    assert found.rows_needed is not None and found.rows_needed.group.kind is GroupKind.OVERALL and found.rows_needed.rows > 60


# Runs of several rules (E5), and what a run needs.


def test_families_of_a_run_share_its_error_and_warnings_share_another() -> None:
    slicings = (("group",), ("second",), ("third",))
    counts = counts_from({Slice([(attribute, name)]): (300, 100, 100, 500) for (attribute,) in slicings for name in "ab"})
    rules = [rule(), rule("equal-opportunity"), rule(id="warned", severity="warn"), rule(id="own", severity="info", multiplicity="{family: slicing}")]
    alphas = {one.rule: one.alpha for one in judge(rules, counts, Context(slicings=slicings))}
    assert alphas == {"four-fifths": pytest.approx(0.05 / 6), "equal-opportunity": pytest.approx(0.05 / 6), "warned": pytest.approx(0.05 / 6), "own": 0.05}
    ruled = judge([rule(multiplicity="{family: rule}"), rule("equal-opportunity")], counts, Context(slicings=slicings))
    assert ruled[0].rule == "four-fifths" and ruled[0].alpha == pytest.approx(0.05 / 3)


def test_a_rule_on_labels_without_labels_is_a_mistake_of_the_configuration() -> None:
    counts = selections(SIX)
    without = Counts(slices=counts.slices, rows=counts.rows, weight=counts.weight, weight_sq=counts.weight_sq, score=None, score_sq=None,
                     has_labels=False, has_weights=False, has_probabilities=False)  # fmt: skip
    with pytest.raises(ConfigError, match="needs labels, which this audit has not; name the label column with --label"):
        judge([rule("equal-opportunity")], without, CONTEXT)


@pytest.mark.parametrize("need", ["score", "threshold"])
def test_other_needs_that_are_not_met_are_mistakes_too(need: str) -> None:
    with pytest.raises(ConfigError, match=need):
        judged(SIX, needs=f"[{need}]")


def test_slices_that_were_not_cut_are_named_with_the_flag_that_cuts_them() -> None:
    with pytest.raises(ConfigError, match=r"audit with --slice 'sex\*race'"):
        judged(SIX, slices="[[sex, race]]")
    with pytest.raises(ConfigError, match=r"audit with --slice 'group\*second'"):
        judged(SIX, Context(slicings=(("group",), ("second",))), slices="{intersections: 2}")
    with pytest.raises(ConfigError, match="no protected attribute"):
        judged(SIX, Context(slicings=()))


def test_a_named_reference_and_slices_that_are_cut_otherwise_contradict_each_other() -> None:
    with pytest.raises(ConfigError, match="slices that are cut otherwise"):
        judged(SIX, reference="{group: a}", slices="[[second]]")


def test_a_named_reference_leaves_other_slicings_to_other_rules() -> None:
    context = Context(slicings=(("group",), ("second",)))
    assert {one.slicing for one in judge([rule(reference="{group: a}")], selections(SIX), context)} == {("group",)}


def test_what_a_named_reference_leaves_unjudged_is_warned_of() -> None:
    named = rule(reference="{group: a}")
    (told,) = cautions([named], Context(slicings=((), ("group",), ("second",), ("group", "second"))))
    assert told == (
        "The rule 'four-fifths' judges only by group, where the reference that it names lies; it judges nothing by second, group × second. "
        "Judge these by another rule, or give this one the reference 'best'."
    )
    assert cautions([named], Context(slicings=((), ("group",)))) == ()


def test_a_slicing_that_nobody_is_in_is_undecided_as_a_whole() -> None:
    (only,) = judge([rule()], selections(SIX), Context(slicings=(("second",),)))
    assert only.group is None and only.verdict is Verdict.INCONCLUSIVE and only.needed_for_pass


def test_more_than_twelve_families_are_warned_of() -> None:
    slicings = tuple((f"attribute {number}",) for number in range(7))
    assert cautions([rule()], Context(slicings=slicings)) == ()
    assert "14 families" in cautions([rule(), rule("equal-opportunity")], Context(slicings=slicings))[0]
    assert cautions([rule(), rule(severity="warn")], Context(slicings=slicings)) == ()


def test_without_correction_each_group_is_tested_at_the_whole_of_alpha() -> None:
    groups: Table = {"a": (300, 1000), "b": (260, 1000), "c": (225, 1000)}
    tail = fisher_lower(np.array([225]), np.array([1000]), np.array([785]), np.array([3000]))[0]
    bare = judged(groups, multiplicity="{method: none}", severity="info")
    assert bare["c"].p_adjusted == pytest.approx(tail) and not bare["c"].needed_for_pass
    way: dict[str, Any] = {"decide_on": "interval", "severity": "warn"}
    assert judged(groups | {"c": (200, 1000)}, multiplicity="{method: none}", **way)["c"].verdict is Verdict.FAIL
    assert judged(groups | {"c": (200, 1000)}, **way)["c"].verdict is not Verdict.FAIL


def test_a_list_may_be_ranked_by_the_share_of_its_false_alarms() -> None:
    """Two of three groups far below the third: Benjamini and Hochberg's second p-value is doubled less than Holm's is."""
    groups: Table = {"a": (600, 1000), "b": (400, 1000), "c": (410, 1000)}
    found, holms = (judged(groups, multiplicity=f"{{method: {method}}}", severity="info") for method in ("bh", "holm"))
    raw = fisher_lower(np.array([400, 410]), np.array([1000, 1000]), np.array([1410, 1410]), np.array([3000, 3000]))
    assert [found[name].p_adjusted for name in "bc"] == pytest.approx([raw[0] * 3, min(raw[1] * 1.5, 1.0)])
    assert [holms[name].p_adjusted for name in "bc"] == pytest.approx([raw[0] * 3, raw[1] * 2])


def test_a_slicing_is_the_same_whichever_attribute_is_named_first() -> None:
    findings = judge([rule(slices="[[second, group]]")], selections(CROSSED), Context(slicings=(("group", "second"),)))
    assert {one.slicing for one in findings} == {("group", "second")}


def test_wanted_pairs_are_the_slices_that_findings_compare() -> None:
    counts = selections(SIX)
    pairs = wanted_pairs([rule(), rule(id="again")], counts, CONTEXT)
    findings = [one for one in judge([rule()], counts, CONTEXT) if one.group and one.group.kind is GroupKind.SLICE]
    expected = [(one.metric, one.kind, counts.index(one.group.slice), counts.index(one.reference.slice)) for one in findings if one.group and one.reference]
    assert list(pairs) == [pair for pair in expected if pair[2] != pair[3]]
    assert wanted_pairs([rule(reference="rest")], counts, CONTEXT) == ()


# What holds for any data.

groups = st.dictionaries(
    st.sampled_from([*"abcdefgh", None]),
    st.integers(0, 3000).flatmap(lambda rows: st.tuples(st.integers(0, rows).map(float), st.just(float(rows)))),
    min_size=1,
)
ways = st.fixed_dictionaries(
    {
        "reference": st.sampled_from(["best", "largest", "rest", "overall"]),
        "direction": st.sampled_from(["worse", "either"]),
        "decide_on": st.sampled_from(["significant", "interval", "point"]),
        "small_groups": st.sampled_from(["pool", "gate", "report"]),
        "better": st.sampled_from(["higher", "lower"]),
        "comparison": st.sampled_from(["ratio", "difference"]),
    }
)


@settings(max_examples=300, deadline=None)
@given(groups, ways)
def test_any_table_gets_findings_that_keep_their_word(table: Table, way: dict[str, str]) -> None:
    limits: dict[str, Any] = {"limit": 0.8, "serious": 0.5} if way["comparison"] == "ratio" else {"limit": 0.1, "serious": 0.2}
    found = judge([rule(**way, **limits)], selections(table), CONTEXT)
    singles = [one for one in found if one.group and one.group.kind is GroupKind.SLICE]
    assert len(singles) == len(table)
    for one in found:
        _keeps_its_word(one)


def _keeps_its_word(one: Finding) -> None:
    assert one.reason
    if one.outcome is Outcome.UNDEFINED:
        assert one.value is None and one.verdict is Verdict.INCONCLUSIVE
    if one.verdict is Verdict.PASS:
        assert one.value is not None and one.rows > 0
    if one.verdict is Verdict.FAIL and one.value is not None:
        low, high = one.limit
        assert (low is not None and one.value < low) or (high is not None and one.value > high)
    if one.value is not None and one.interval is not None:
        assert one.interval[0] - 1e-9 <= one.value <= one.interval[1] + 1e-9
    assert one.rows_needed is None or (one.rows_needed.rows >= 1 and one.verdict is Verdict.INCONCLUSIVE)


@settings(max_examples=60, deadline=None)
@given(groups, st.randoms(use_true_random=False))
def test_the_order_of_groups_changes_nothing(table: Table, random: Any) -> None:
    assume(len(set(table.values())) == len(table))  # of two alike, the first is the reference
    shuffled = list(table)
    random.shuffle(shuffled)
    before, after = judged(table), judged({name: table[name] for name in shuffled})
    for name, one in before.items():
        other = after[name]
        assert (one.value, one.outcome, one.verdict, one.reference) == (other.value, other.outcome, other.verdict, other.reference)
        assert one.p_adjusted == pytest.approx(other.p_adjusted)


@settings(max_examples=60, deadline=None)
@given(groups)
def test_rejections_of_a_harmful_decision_are_judged_as_its_acceptances(table: Table) -> None:
    """The rejection rate where selection helps is the selection rate of the mirrored table where selection harms."""
    mirrored: Table = {name: (rows - selected, rows) for name, (selected, rows) in table.items()}
    rejections, selections_ = judged(table, metric="negative_rate"), judged(mirrored, Context(slicings=(("group",),), effect="harms"))
    assert [(one.value, one.verdict) for one in rejections.values()] == [(one.value, one.verdict) for one in selections_.values()]


def test_exactly_the_minimum_is_enough() -> None:
    """A tenth of 100 is ten non-events, although 100 · (1 − 0.9) is 9.999999999999998."""
    assert judged({"a": (90, 100), "b": (90, 100)})["b"].needed_for_pass


def test_a_group_too_small_to_be_judged_alone_has_a_shrunken_rate_beside_its_own() -> None:
    """Between its own rate and that of all, and nearer to all the fewer rows it has."""
    found = judged({"a": (400, 1000), "b": (200, 1000), "c": (300, 1000), "d": (0, 20), "e": (0, 5)})
    own, fewer = found["d"].shrunken, found["e"].shrunken
    assert own is not None and fewer is not None and 0 < own < fewer < 0.3
    assert found["a"].shrunken is None and found["small groups together"].shrunken is None


@pytest.mark.no_cover
def test_what_is_undecided_says_how_large_a_violation_would_have_been_found() -> None:
    """In that many rows, found in four of five data sets."""
    groups: Table = {"a": (300, 1000), "b": (80, 300), "c": (90, 300)}
    one = judged(groups)["b"]
    assert one.outcome is Outcome.UNDECIDED and one.detectable is not None and 0.5 < one.detectable < 0.9
    rng, rate = np.random.default_rng(7), 390 / 1300
    fails = [judged({"a": (rng.binomial(1000, rate), 1000), "b": (rng.binomial(300, one.detectable * rate), 300), "c": (rng.binomial(300, rate), 300)})["b"] for _ in range(200)]
    assert 0.7 <= np.mean([found.p_adjusted is not None and found.p_adjusted <= 0.05 for found in fails]) <= 0.92
