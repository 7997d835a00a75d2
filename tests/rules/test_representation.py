"""Who the rows are, against a population's shares: RULES.md B, rule 18."""

from fractions import Fraction

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint

from fairaudit.config import AuditConfig
from fairaudit.cube.counts import Counts
from fairaudit.cube.slices import Slice
from fairaudit.errors import ConfigError, Several
from fairaudit.evidence.significance import holm
from fairaudit.gate.judged import rejudged
from fairaudit.reports.explained import as_text, explained
from fairaudit.reports.html import render
from fairaudit.rules.finding import Finding, Outcome, Verdict
from fairaudit.rules.judge import judge
from fairaudit.rules.library import load_rule, load_rules, parse_rule
from fairaudit.rules.plan import Context
from fairaudit.run import audit
from tests.builders import counts_of_rows

RULE = load_rule("representation")


def people(groups: list[str | None], labels: list[int]) -> Counts:
    return counts_of_rows({Slice([("group", value)]): [one == value for one in groups] for value in dict.fromkeys(groups)}, label=labels, decision=[0] * len(labels))


def said(sizes: dict[str | None, tuple[int, int]], shares: dict[str, float], **changes: object) -> dict[str, Finding]:
    """What the rule says of groups with so many positives and negatives."""
    rows = [(value, label) for value, (positive, negative) in sizes.items() for label, number in ((1, positive), (0, negative)) for _ in range(number)]
    counts = people([value for value, _ in rows], [label for _, label in rows])
    rule = msgspec.structs.replace(RULE, **changes)
    found = judge([rule], counts, Context(slicings=(("group",),), population={"group": shares}))
    return {one.group.slice.label: one for one in found if one.group}


def test_a_share_of_the_rows_over_the_share_of_the_population_worked_by_hand() -> None:
    """300 of 1,000 rows where half the people are A: 0.3 / 0.5 = 0.6; 700 where half are B: 1.4."""
    found = said({"A": (100, 200), "B": (300, 400)}, {"A": 0.5, "B": 0.5})
    assert (found["A"].value, found["B"].value) == (pytest.approx(0.6), pytest.approx(1.4))
    assert (found["A"].verdict, found["B"].verdict) == (Verdict.FAIL, Verdict.PASS)
    assert found["A"].notes == ("30.00% of the rows and 50.00% of the population",)
    assert found["A"].interval == pytest.approx([end / 0.5 for end in proportion_confint(300, 1000, method="wilson")])
    assert found["A"].p_adjusted == pytest.approx(holm(np.array([binom.cdf(300, 1000, 0.4), binom.cdf(700, 1000, 0.4)]))[0])


def test_data_that_are_as_the_population_pass_with_a_ratio_of_one() -> None:
    found = said({"A": (400, 600), "B": (400, 600)}, {"A": 0.5, "B": 0.5})
    assert all(one.value == pytest.approx(1) and one.outcome is Outcome.WITHIN for one in found.values())


def test_a_group_that_the_data_lack_is_the_plainest_violation() -> None:
    found = said({"A": (400, 600), "B": (400, 600)}, {"A": 0.5, "B": 0.45, "C": 0.05})["C"]
    assert (found.value, found.rows, found.verdict) == (0, 0, Verdict.FAIL)
    assert "it has 0 rows" in found.reason


def test_a_group_that_the_population_has_not_is_undefined_and_never_passes() -> None:
    found = said({"A": (400, 600), "B": (400, 600), "D": (40, 60)}, {"A": 0.5, "B": 0.5})["D"]
    assert (found.value, found.outcome, found.verdict) == (None, Outcome.UNDEFINED, Verdict.INCONCLUSIVE)


def test_too_few_positives_are_told_whatever_the_share() -> None:
    """As large a share as among the people, and 29 positives where the rule asks for 30: no other rule could judge the group."""
    found = said({"A": (29, 471), "B": (250, 250)}, {"A": 0.5, "B": 0.5})
    assert found["A"].value == pytest.approx(1) and found["A"].verdict is Verdict.FAIL
    assert found["A"].reason == "it has 29 positives, where the rule asks for 30"
    assert said({"A": (30, 470), "B": (250, 250)}, {"A": 0.5, "B": 0.5})["A"].verdict is Verdict.PASS


def test_missing_values_are_nobody_in_particular() -> None:
    found = said({"A": (100, 200), "B": (300, 400), None: (500, 500)}, {"A": 0.5, "B": 0.5})
    assert found.keys() == {"A", "B"} and found["A"].value == pytest.approx(0.6)


def test_where_no_rows_value_is_known_nothing_is_said_of_anybody() -> None:
    found = said({None: (50, 50)}, {"A": 0.5, "B": 0.5})
    assert {(one.value, one.outcome, one.verdict, one.reason) for one in found.values()} == {(None, Outcome.UNDEFINED, Verdict.INCONCLUSIVE, "no row has a known group")}


def test_rows_in_clusters_are_still_rows(tmp_path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("g,y,d,c\n" + "".join(f"{g},{place % 2},1,{place // 4}\n" for g in "ab" for place in range(200)))
    found = audit(AuditConfig(data=(str(path),), decision_column="d", label="y", protected=("g",), cluster="c", rules=("representation",), population={"g": {"a": 0.5, "b": 0.5}}, engines=("native",))).findings
    assert {one.notes for one in found} == {("50.00% of the rows and 50.00% of the population",)}


def test_what_chance_explains_is_no_violation_and_says_how_many_rows_would_decide() -> None:
    """7 of 20 rows, 0.7 of what half the people would be: neither past 0.8 beyond chance nor surely above 0.5."""
    found = said({"A": (4, 3), "B": (7, 6)}, {"A": 0.5, "B": 0.5}, minimum=msgspec.structs.replace(RULE.minimum, events=1, non_events=1))["A"]
    assert found.value == pytest.approx(0.7) and found.verdict is Verdict.INCONCLUSIVE
    assert found.rows_needed is not None and found.rows_needed.rows > 0 and "more rows would decide it" in found.reason


def test_a_share_exactly_at_the_limit_is_not_past_it() -> None:
    """0.8 · 0.35 of 100 rows is 28, which binary fractions would miss: by the point, nobody is past."""
    found = said({"A": (14, 14), "B": (36, 36)}, {"A": 0.35, "B": 0.65}, decide_on="point", minimum=msgspec.structs.replace(RULE.minimum, events=1, non_events=1))["A"]
    assert Fraction(28, 100) == Fraction("0.8") * Fraction("0.35") and found.verdict is not Verdict.FAIL


@given(a=st.integers(0, 60), b=st.integers(0, 60), times=st.integers(2, 5))
def test_as_many_times_the_rows_leave_the_ratio_and_narrow_its_interval(a: int, b: int, times: int) -> None:
    if a + b == 0:
        return
    one, more = (said({"A": (a * by, a * by), "B": (b * by, b * by)}, {"A": 0.4, "B": 0.6})["A"] for by in (1, times))
    assert one.value == pytest.approx(more.value)
    assert one.interval and more.interval and more.interval[1] - more.interval[0] < one.interval[1] - one.interval[0]


def test_on_data_drawn_from_the_population_the_rule_is_wrong_in_at_most_one_of_twenty() -> None:
    """At the limit itself: a share of 0.8 times the population's. 400 samples, so that 5 % has a standard error of 1.1 %."""
    rng = np.random.default_rng(0)
    wrong = sum(said({"A": (x // 2, x - x // 2), "B": (200 - x // 2, 200 - x + x // 2)}, {"A": 0.5, "B": 0.5})["A"].verdict is Verdict.FAIL for x in rng.binomial(400, 0.4, 400))
    assert wrong / 400 <= 0.05 + 2 * 0.011


def test_weights_count_and_the_rows_are_worth_fewer(tmp_path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("g,y,d,w\n" + "".join(f"{g},{y},1,{w}\n" for g, w in (("a", 3), ("b", 1)) for y in (0, 1) for _ in range(100)))
    config = AuditConfig(data=(str(path),), decision_column="d", label="y", protected=("g",), weight="w", rules=("representation",), population={"g": {"a": 0.5, "b": 0.5}}, engines=("native",))
    found = {one.group.slice.label: one for one in audit(config).findings}
    assert (found["a"].value, found["b"].value) == (pytest.approx(1.5), pytest.approx(0.5))
    size = 800**2 / 2000  # Kish: (Σw)² / Σw²
    assert found["b"].interval == pytest.approx([end / 0.5 for end in proportion_confint(0.25 * size, size, method="wilson")])


def test_rows_of_one_cluster_are_worth_hardly_more_than_one(tmp_path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("g,y,d,c\n" + "".join(f"{g},{y},1,{g}{y}{place // 25}\n" for g in "ab" for y in (0, 1) for place in range(100)))
    made = dict(data=(str(path),), decision_column="d", label="y", protected=("g",), rules=("representation",), population={"g": {"a": 0.5, "b": 0.5}}, engines=("native",))
    alone, together = (audit(AuditConfig(**made, **more)).findings[0].interval for more in ({}, {"cluster": "c"}))
    assert together[1] - together[0] > 3 * (alone[1] - alone[0])


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    path = tmp_path_factory.mktemp("representation") / "people.csv"
    path.write_text("g,h,y,d\n" + "".join(f"{g},{h},{place % 2},{place % 3 == 0:d}\n" for g, number in (("a", 300), ("b", 700)) for place in range(number) for h in ("x",)))
    return audit(AuditConfig(data=(str(path),), decision_column="d", label="y", protected=("g", "h"), slices=("g*h",), rules=("pack:hiring",), population={"g": {"a": 0.5, "b": 0.5}}, engines=("native",)))


def test_the_gate_judges_it_again_from_the_file(judged) -> None:
    assert rejudged(judged, ()).findings == judged.findings
    assert "representation" in {one.rule for one in judged.findings}


def test_its_explanation_can_be_followed(judged) -> None:
    (one,) = [as_text(each, file="audit.json") for each in explained(judged) if each.finding.rule == "representation" and each.whom == "g=a"]
    assert "300 / 1,000 = 0.3" in one and "0.3 / 0.5 = 0.6" in one and "0.8 × 0.5 = 0.4" in one


def test_the_report_names_the_test_that_was_made(judged) -> None:
    page = " ".join(render(judged).split())
    assert "(an exact binomial test, with Holm" in page.split("Representation ratio by g", 1)[1].split("is not made for")[0]


def test_a_pack_has_it_only_with_a_population() -> None:
    assert "representation" in {one.id for one in load_rules(["pack:hiring"], {"population", "score", "label"})}
    assert "representation" not in {one.id for one in load_rules(["pack:hiring"], {"score", "label"})}


def test_a_rule_of_ones_own_brings_the_shares() -> None:
    own = parse_rule("schema: fairaudit/rule/1\nextends: representation\nid: ours\ntitle: Ours\nlimit_origin: ours\npopulation: {group: {A: 0.5, B: 0.5}}\n")
    counts = people(["A"] * 100 + ["B"] * 100, [0, 1] * 100)
    assert [one.verdict for one in judge([own], counts, Context(slicings=(("group",),)))] == [Verdict.PASS, Verdict.PASS]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("population: {g: {a: 0.6, b: 0.6}}", "add up to 1.2"), ("population: {g: {a: .nan, b: 0.5}}", "must be a finite number"), ("population: {g: {a: 0, b: 0.5}}", "share of 'a' is 0"),
        ("population: {g: {a: 0.5}}", "fewer than two groups"), ("exclude_below: 0.02", "about who is left out"), ("comparison: ratio", "judge it with `comparison: value`"),
        ("needs: [population, control]", "has no control"),
    ],
)  # fmt: skip
def test_rules_that_cannot_be_are_refused(text: str, why: str) -> None:
    with pytest.raises((ConfigError, Several), match=why.replace("`", ".")):
        parse_rule(f"schema: fairaudit/rule/1\nextends: representation\nid: ours\ntitle: Ours\nlimit_origin: ours\n{text}\n")


def test_shares_for_a_rule_that_does_not_look_at_them_are_refused() -> None:
    with pytest.raises(ConfigError, match="for the metric representation_ratio, which this rule does not judge"):
        parse_rule("schema: fairaudit/rule/1\nextends: four-fifths\nid: ours\ntitle: Ours\nlimit_origin: ours\npopulation: {g: {a: 0.5, b: 0.5}}\n")


@pytest.mark.parametrize(
    ("context", "changes", "why"),
    [
        (Context(slicings=(("group",),)), {}, "none are given; write them in the configuration"),
        (Context(slicings=(("other",),), population={"group": {"A": 0.5, "B": 0.5}}), {}, "did not cut"),
        (Context(slicings=(("group",), ("other",)), population={"group": {"A": 0.5, "B": 0.5}}), {"slices": (("other",),)}, "the population's shares are by group"),
    ],
)
def test_an_audit_that_lacks_what_it_needs_is_refused(context: Context, changes: dict[str, object], why: str) -> None:
    counts = people(["A", "B"], [0, 1])
    with pytest.raises((ConfigError, Several), match=why):
        judge([msgspec.structs.replace(RULE, **changes)], counts, context)


def test_the_configuration_refuses_shares_that_cannot_be(tmp_path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("g,d\na,1\nb,0\n")
    with pytest.raises(Several, match="add up to 1.4") as raised:
        audit(AuditConfig(data=(str(path),), decision_column="d", protected=("g",), population={"g": {"a": 0.7, "b": 0.7}, "h": {"x": 0.5, "y": 0.5}}))
    assert "there is no protected attribute 'h'" in str(raised.value)


def test_it_is_no_metric_of_an_audit_by_itself() -> None:
    with pytest.raises((ConfigError, Several), match="a rule that judges it, as --rule representation"):
        audit(AuditConfig(data=("nowhere.csv",), decision_column="d", protected=("g",), metrics=("representation_ratio",)))

