"""The worked examples of RULES.md D: published tables, judged by the rules as they ship."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import binom, fisher_exact

from fairaudit.config import AuditConfig
from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.evidence.measurement import GroupKind
from fairaudit.evidence.significance import fisher_lower
from fairaudit.metrics.engines.native import value_of
from fairaudit.rules.finding import Finding, Outcome, Severity, Verdict
from fairaudit.rules.judge import judge, not_judged, overall_verdict
from fairaudit.rules.library import load_rule
from fairaudit.rules.plan import Context
from fairaudit.run import audit
from tests.builders import counts_from, counts_of_rows
from tests.rules.selections import CONTEXT, Key, Table, by_group, selections, slice_of
from tests.rules.selections import rule as changed
from tests.vectors import vector

CROSSED = Context(slicings=(("group", "second"),))


def table_of(published: Any) -> Table:
    return {group: (of["selected"], of["total"]) for group, of in published["input"]["groups"].items()}


def crossed_table(published: Any, of: str = "selected") -> dict[Key, tuple[float, float]]:
    return {(sex, race): (one[of], one["total"]) for sex, races in published["input"]["groups"].items() for race, one in races.items()}


def judged(id: str, table: Any, context: Context = CONTEXT) -> tuple[Finding, ...]:
    """By a shipped rule; New York's judge every cross of the audit's attributes, and a table is one slicing by itself."""
    return judge([msgspec.structs.replace(load_rule(id), slices="all")], selections(table), context)


def ratios(findings: tuple[Finding, ...]) -> dict[Slice, float]:
    return {one.group.slice: one.value for one in findings if one.group and one.group.kind is GroupKind.SLICE and one.value is not None}


def smallest_p(table: Any) -> float:
    """Of each group against everyone else, one-sided, by this program; and by SciPy."""
    x, n = np.array(list(table.values()), dtype=np.int64).T
    own = fisher_lower(x, n, np.full_like(x, x.sum()), np.full_like(n, n.sum()))
    theirs = [fisher_exact([[a, m - a], [x.sum() - a, n.sum() - m - x.sum() + a]], alternative="less").pvalue for a, m in zip(x, n, strict=True)]
    assert own == pytest.approx(theirs)
    return float(own.min())


# D1. Four fifths.


def test_the_four_groups_of_the_questions_and_answers() -> None:
    """Rates 60, 45, 48, 51 %: only American Indians are indicated; exactly four fifths is not less than four fifths."""
    published = vector("eeoc-four-fifths-rates")
    found = by_group(judged("four-fifths", {group: (round(1000 * rate), 1000) for group, rate in published["input"]["selection_rate"].items()}))
    for case in published["expected"]:
        one = found[case["slice"]["group"]]
        assert round(one.value or 0, case["digits"]) == case["value"] and str(one.reference) == "group=White"
        assert (one.outcome is Outcome.BEYOND) == (case["four_fifths"] == "indicated")


def test_the_technical_assistance_of_2023_fails_small_as_it_is() -> None:
    published = vector("eeoc-technical-assistance-2023")
    ratio, tail = published["expected"]
    found = by_group(judged("four-fifths", table_of(published)))
    assert found["Black"].value == ratio["value"] and found["Black"].verdict is Verdict.FAIL
    assert round(smallest_p(table_of(published)), tail["digits"]) == tail["value"]
    assert found["Black"].p_adjusted == pytest.approx(2 * smallest_p(table_of(published)))  # Holm over the two
    assert not found["Black"].needed_for_pass and found["slicing"].verdict is Verdict.INCONCLUSIVE


def test_where_one_more_hire_would_turn_it_round_nothing_fails() -> None:
    published = vector("qa-21-one-more-hire")
    ratio, tail = published["expected"]
    found = by_group(judged("four-fifths", table_of(published)))
    assert found["Black"].value == pytest.approx(ratio["value"]) and round(smallest_p(table_of(published)), tail["digits"]) == tail["value"]
    assert found["Black"].verdict is Verdict.INCONCLUSIVE and "could be chance" in found["Black"].notes
    swapped = by_group(judged("four-fifths", {"White": (15, 80), "Black": (4, 20)}))
    assert swapped["White"].value is not None and (swapped["Black"].value or 0) > 1


def test_a_bottom_line_does_not_cure_a_step() -> None:
    """Connecticut v. Teal: of the examination's candidates, and of those promoted in the end."""
    published = vector("connecticut-v-teal")
    steps = {step: {group: (of["selected"], of["total"]) for group, of in groups.items()} for step, groups in published["input"]["steps"].items()}
    found = {step: by_group(judged("four-fifths", table)) for step, table in steps.items()}
    for case in published["expected"]:
        selected, total = steps[case["step"]][case["slice"]["group"]]
        number = selected / total if case["metric"] == "selection_rate" else found[case["step"]]["Black"].value
        assert round(number, case["digits"]) == case["value"]
    assert found["examination"]["Black"].verdict is Verdict.FAIL
    assert found["promotion"]["Black"].verdict is Verdict.PASS and round(found["promotion"]["Black"].value or 0, 2) == 1.70


# D2. Significance with printed numbers: of one group against a number, by a rule on its own value.


@pytest.mark.parametrize("case", vector("standard-deviations-of-two-cases")["expected"], ids=lambda case: case["case"])
def test_the_standard_deviations_of_two_cases(case: dict[str, Any]) -> None:
    given = vector("standard-deviations-of-two-cases")["input"]["cases"][case["case"]]
    selected, total, share = given["selected"], given["total"], given["availability"]
    expected, deviation = total * share, math.sqrt(total * share * (1 - share))
    assert round(expected) == case["expected"] and round((expected - selected) / deviation, 1) == case["deviations"]
    value = changed(comparison="value", reference="none", better="higher", limit=share, serious=share / 2)
    (found,) = (one for one in judge([value], selections({"a": (selected, total)}), CONTEXT) if one.group)
    assert found.value == selected / total and found.p_adjusted == pytest.approx(float(binom.cdf(selected, total, share)), rel=1e-6, abs=1e-300)
    assert case["deviations"] < 3 or found.verdict is Verdict.FAIL


# D3. New York's rule: each table by its own counts.


@pytest.mark.parametrize(
    ("name", "digits", "smallest"),
    [("nyc-ll144-selection-sex", 3, 0.322), ("nyc-ll144-selection-race", 3, 0.019), ("nyc-ll144-selection-crossed", 3, 0.048)],
)
def test_nobody_fails_four_fifths_in_the_selection_tables(name: str, digits: int, smallest: float) -> None:
    published = vector(name)
    crossed = name.endswith("crossed")
    table: Any = crossed_table(published) if crossed else table_of(published)
    findings = judged("four-fifths", table, CROSSED if crossed else CONTEXT)
    assert overall_verdict(findings) is Verdict.PASS and not any(one.verdict is Verdict.FAIL for one in findings)
    assert round(smallest_p(table), digits) == smallest


@pytest.mark.parametrize("name", ["nyc-ll144-selection-sex", "nyc-ll144-selection-race", "nyc-ll144-selection-crossed"])
def test_new_yorks_rule_gives_the_printed_ratios_and_leaves_out_whom_it_may(name: str) -> None:
    """Everyone with 2 % of the rows has the printed ratio; those with less have a share, as printed, and no verdict. Unknown people change nothing."""
    published = vector(name)
    crossed = name.endswith("crossed")
    table: Any = crossed_table(published) if crossed else table_of(published)
    unknown: Any = {(None, "White") if crossed else None: (100, 250)}
    context, rule = CROSSED if crossed else CONTEXT, msgspec.structs.replace(load_rule("nyc-ll144-selection"), slices="all")
    findings = judge([rule], selections(table | unknown), context)
    left = {one.slice: one.share for one in not_judged([rule], selections(table | unknown), context)}
    rows = sum(total for _, total in table.values())
    small = {slice_of(key): total / rows for key, (_, total) in table.items() if total / rows < 0.02}
    assert left == small | {slice_of(next(iter(unknown))): 250 / (rows + 250)}
    assert findings == judge([rule], selections(table), context)
    found = ratios(findings)
    for case in published["expected"]:
        if case["metric"] == "selection_rate_ratio":
            key = slice_of(tuple(case["slice"].values()) if crossed else next(iter(case["slice"].values())))
            assert key in small or round(found[key], case["digits"]) == case["value"]
    assert not any(one.outcome is Outcome.BEYOND for one in findings)


def test_the_shares_below_two_percent_are_those_printed() -> None:
    rule = msgspec.structs.replace(load_rule("nyc-ll144-selection"), slices="all")
    race = not_judged([rule], selections(table_of(vector("nyc-ll144-selection-race"))), CONTEXT)
    crossed = not_judged([rule], selections(crossed_table(vector("nyc-ll144-selection-crossed"))), CROSSED)
    assert [(str(one.slice), f"{one.share:.2%}") for one in race] == [("group=Native American", "1.59%")]
    assert {str(one.slice): f"{one.share:.2%}" for one in crossed} == {
        "group=Male, second=Native American": "0.93%", "group=Female, second=Native Hawaiian or Pacific Islander": "1.24%", "group=Female, second=Native American": "0.66%",
    }  # fmt: skip


def people() -> pa.Table:
    """The 168 people of the scoring example, 84 above the median, and 15 of whom nothing is known."""
    published = vector("nyc-ll144-scoring")["input"]
    rows = [(sex, race, 0.9 if place < one["above"] else 0.1) for sex, races in published["groups"].items() for race, one in races.items() for place in range(one["total"])]
    rows += [(None, None, 0.1)] * published["unknown"]
    return pa.table({name: list(column) for name, column in zip(("sex", "race", "score"), zip(*rows, strict=True), strict=True)})


def test_the_scoring_example_of_new_yorks_rule() -> None:
    found = audit(AuditConfig(score_column="score", protected=("sex", "race"), slices=("sex*race",), engines=("native",), rules=("nyc-ll144-scoring",)), data=people())
    own = ratios(found.findings)
    for case in vector("nyc-ll144-scoring")["expected"]:
        assert round(own[Slice(case["slice"].items())], case["digits"]) == case["value"]
    race, crossed = ([one for one in found.findings if one.slicing == slicing and one.outcome is Outcome.BEYOND] for slicing in (("race",), ("sex", "race")))
    assert (len(race), len(crossed)) == (4, 10) and found.verdict is Verdict.PASS  # which a bare 0.8 would flag; here they are remarks
    assert [(str(one.slice), one.rows) for one in found.left_out] == [("sex=(missing)", 15), ("race=(missing)", 15), ("sex=(missing), race=(missing)", 15)]


def test_by_four_fifths_the_scoring_example_is_too_small_except_by_sex() -> None:
    """The same counts taken for choices: sex passes; race and crossings have no two groups that can be judged, and nothing fails."""
    crossed = crossed_table(vector("nyc-ll144-scoring"), "above")
    sex, race = ({key[place]: tuple(sum(part) for part in zip(*(one for other, one in crossed.items() if other[place] == key[place]), strict=True)) for key in crossed} for place in (0, 1))  # type: ignore[index]
    verdicts = [overall_verdict(judged("four-fifths", table, context)) for table, context in ((sex, CONTEXT), (race, CONTEXT), (crossed, CROSSED))]
    assert verdicts == [Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE]
    assert (round(smallest_p(race), 3), round(smallest_p(crossed), 3)) == (0.051, 0.066)


# D4. What cannot hold together.


@given(st.tuples(*[st.integers(1, 5000)] * 4))
def test_false_positive_rates_follow_from_predictive_values_misses_and_base_rates(table: tuple[int, int, int, int]) -> None:
    counts = counts_from({EVERYONE: table})
    fpr, ppv, fnr, base = (float(value_of(name, counts)[0]) for name in ("false_positive_rate", "positive_predictive_value", "false_negative_rate", "base_rate"))
    assert fpr == pytest.approx(base / (1 - base) * (1 - ppv) / ppv * (1 - fnr), rel=1e-12)


def test_equal_predictive_values_and_misses_force_unequal_false_positive_rates() -> None:
    """Groups of 60,000 of whom predictive-parity and the misses say nothing, and predictive-equality must fail."""
    published = vector("chouldechova-identity")
    ppv, fnr = published["input"]["positive_predictive_value"], published["input"]["false_negative_rate"]
    tables = {EVERYONE: (0.0, 0.0, 0.0, 0.0)}
    for case in published["expected"]:
        positives = case["base_rate"] * 60_000
        tp, fp = positives * (1 - fnr), positives * (1 - fnr) * (1 - ppv) / ppv
        tables[slice_of(f"{case['base_rate']}")] = (round(tp), round(fp), round(positives - tp), round(60_000 - positives - fp))
    counts = counts_from(tables)
    for case, value in zip(published["expected"], value_of("false_positive_rate", counts)[1:], strict=True):
        assert round(float(value), case["digits"]) == case["value"]
    verdicts = {one: overall_verdict(judge([msgspec.structs.replace(load_rule(one), severity=Severity.FAIL)], counts, CONTEXT)) for one in ("predictive-parity", "equal-opportunity", "predictive-equality")}
    assert verdicts == {"predictive-parity": Verdict.PASS, "equal-opportunity": Verdict.PASS, "predictive-equality": Verdict.FAIL}


BINS = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 6)).map(lambda pair: (min(pair), pair[1])), min_size=1, max_size=3)


@settings(max_examples=150, deadline=None)
@given(BINS, BINS)
def test_calibrated_scores_do_not_balance_both_classes_unless_base_rates_agree_or_scores_are_certain(first: list[tuple[int, int]], second: list[tuple[int, int]]) -> None:
    """Kleinberg, Mullainathan & Raghavan 2017: of each bin's n people as many are positive as its score says, in each group."""
    groups = [[(positives / n, label, name) for positives, n in bins for label in (1,) * positives + (0,) * (n - positives)] for name, bins in (("a", first), ("b", second))]
    rows = [row for group in groups for row in group]
    base = [sum(label for _, label, _ in group) / len(group) for group in groups]
    assume(all(0 < one < 1 for one in base) and base[0] != base[1] and not all(score in (0, 1) for score, _, _ in rows))
    masks = {slice_of(name): [row[2] == name for row in rows] for name in ("a", "b")}
    counts = counts_of_rows(masks, label=[row[1] for row in rows], decision=[int(row[0] > 0.5) for row in rows], score=[row[0] for row in rows])
    assert value_of("calibration_in_the_large", counts)[1:] == pytest.approx([0.0, 0.0], abs=1e-12)
    apart = [abs(float(np.diff(value_of(f"generalized_{side}_positive_rate", counts)[1:])[0])) for side in ("true", "false")]
    assert max(apart) > 1e-12
