"""`exclude_below`, `missing: count` and `params`: groups of which a rule says nothing, and metrics by other parameters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from fairaudit.cli import _run
from fairaudit.config import AuditConfig
from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.errors import ConfigError
from fairaudit.gate.judged import rejudged
from fairaudit.reports.html import render
from fairaudit.result import Audit, from_json, to_json
from fairaudit.rules.finding import Verdict
from fairaudit.rules.judge import judge, not_judged, overall_verdict
from fairaudit.rules.plan import Context
from fairaudit.run import audit
from tests.builders import counts_from
from tests.rules.selections import CONTEXT, Table, by_group, rule, selections, slice_of
from tests.rules.test_kinds import Rows
from tests.rules.test_rule import refused

GROUPS: Table = {"a": (300, 1000), "b": (290, 980), "c": (2, 20), None: (10, 100)}


def found(**changes: Any) -> dict[str, Any]:
    return by_group(judge([rule(**changes)], selections(GROUPS), CONTEXT))


def test_a_group_with_less_than_its_share_gets_no_verdict_and_the_reason_with_its_rows() -> None:
    """20 of 2100 rows are 0.95 %: below 0.01, and not below 0.009. Exactly the share is not less than it."""
    assert found(exclude_below=0.01).keys() == {"a", "b", "(missing)"}
    assert "c" in found(exclude_below=0.009)
    (gone,) = not_judged([rule(exclude_below=0.01)], selections(GROUPS), CONTEXT)
    assert (gone.slice, gone.rows, gone.share) == (slice_of("c"), 20, 20 / 2100)
    assert gone.reason == "it has 0.95% of the rows, and the rule leaves out groups below 1%"
    exact: Table = {"a": (300, 980), "c": (2, 20)}
    assert by_group(judge([rule(exclude_below=0.02)], selections(exact), CONTEXT)).keys() >= {"a", "c"}


def test_missing_values_that_are_only_counted_are_in_no_group_no_rest_and_no_total() -> None:
    """Everything is as if the rows were not there, and the share of a small group is of the others' rows."""
    without = {key: own for key, own in GROUPS.items() if key is not None}
    for changes in ({}, {"reference": "rest"}, {"reference": "overall"}, {"comparison": "gap", "reference": "none", "limit": 0.1, "serious": "null"}):
        assert found(missing="count", **changes) == by_group(judge([rule(**changes)], selections(without), CONTEXT))
    (gone,) = not_judged([rule(missing="count")], selections(GROUPS), CONTEXT)
    assert (gone.slice, gone.rows, gone.share, gone.reason) == (slice_of(None), 100, 100 / 2100, "missing values are only counted, outside the groups")
    shares = {one.slice: one.share for one in not_judged([rule(missing="count", exclude_below=0.02)], selections(GROUPS), CONTEXT)}
    assert shares == {slice_of("c"): 20 / 2000, slice_of(None): 100 / 2100}


def test_a_reference_that_the_rule_names_stays_however_small() -> None:
    named = found(exclude_below=0.02, reference="{group: c}")
    assert {str(one.reference) for one in named.values()} == {"group=c"}


def test_where_every_group_is_left_out_nothing_is_decided() -> None:
    many: Table = {f"g{place}": (3, 10) for place in range(30)}
    for changes in ({}, {"reference": "rest"}, {"comparison": "gap", "limit": 0.1, "serious": "null"}, {"comparison": "value", "metric": "selection_rate", "better": "higher", "serious": "null"}):
        findings = judge([rule(exclude_below=0.05, **changes)], selections(many), CONTEXT)
        assert overall_verdict(findings) is Verdict.INCONCLUSIVE and all(one.value is None for one in findings)
    rows = Rows((30, 20, 10))
    assert overall_verdict(judge([rule(exclude_below=0.9, metric="roc_auc", comparison="difference", limit=0.05, serious="null")], rows.counts, CONTEXT)) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"exclude_below": 2}, "'exclude_below' must be below 1"),
        ({"exclude_below": 0}, "'exclude_below' must be above 0"),
        ({"exclude_below": ".nan"}, "'exclude_below' must be a finite number"),
        ({"missing": "groups"}, "did you mean 'group'?"),
        ({"missing": "count", "metric": "differential_fairness", "comparison": "value", "limit": 0.2, "serious": "null"}, "'missing' leaves groups out, and 'differential_fairness' is one number over all of them"),
        ({"params": "{bins: 20}"}, "selection_rate take no parameters; leave 'bins' out."),
        ({"params": "[bins]"}, "'params' must be a mapping"),
        ({"params": "{bin: 20}", "metric": "ece", "comparison": "value", "limit": 0.1, "serious": "null"}, "there is no parameter 'bin'; did you mean 'bins'?"),
        ({"params": "{bins: 7}", "metric": "ece", "comparison": "value", "limit": 0.1, "serious": "null"}, "'bins' must be a whole number from 2 to 100 that divides 3,840"),
        ({"params": "{bins: 10.5}", "metric": "ece", "comparison": "value", "limit": 0.1, "serious": "null"}, "'bins' must be a whole number"),
        ({"params": "{bins: 'mass:10'}", "metric": "ece", "comparison": "value", "limit": 0.1, "serious": "null"}, "'bins' must be a whole number"),
        ({"params": "{alpha: 1}", "metric": "generalized_entropy_index", "comparison": "value", "limit": 0.1, "serious": "null"}, "'alpha' must be a number above 0 and at most 10 other than 1"),
        ({"params": "{outcome: positiv}", "metric": "differential_fairness", "comparison": "value", "limit": 0.1, "serious": "null"}, "did you mean 'positive'?"),
        ({"params": "{concentration: -1}", "metric": "differential_fairness", "comparison": "value", "limit": 0.1, "serious": "null"}, "'concentration' must be a number of at least 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_at_load(changes: dict[str, Any], sentence: str) -> None:
    assert sentence in refused(**changes)


def test_differential_fairness_of_the_positive_decision_alone() -> None:
    """Smoothed by half a row: the log of the ratio of selection rates, where that of rejection rates is larger."""
    groups: Table = {"a": (950, 1000), "b": (900, 1000)}
    of = {"metric": "differential_fairness", "comparison": "value", "limit": 0.2, "serious": "null"}
    (both,), (positive,) = (judge([rule(**of, **more)], selections(groups), CONTEXT) for more in ({}, {"params": "{outcome: positive}"}))
    assert both.value == pytest.approx(math.log(100.5 / 50.5)) and positive.value == pytest.approx(math.log(950.5 / 900.5))
    assert positive.interval is not None and positive.interval[0] <= positive.value <= positive.interval[1] < both.value
    assert positive.notes == ("of positive decisions alone",) and positive.verdict is Verdict.PASS and both.verdict is Verdict.FAIL


def test_a_calibration_error_over_the_rules_own_bins() -> None:
    """Over two bins it is that of two means; the audit's own bins do not matter then."""
    rows = Rows((400, 300, 200))
    of = {"metric": "expected_calibration_error", "comparison": "value", "limit": 0.4, "serious": "null"}
    context = Context(slicings=(("group",),), bins=(("bins", 16.0),))
    own, usual = (by_group(judge([rule(**of, **more)], rows.counts, context))["a"].value for more in ({"params": "{bins: 2}"}, {}))
    expected = 0.0
    for high in (False, True):
        mask = rows.of("a") & ((rows.score >= 0.5) == high)
        expected += mask.sum() / rows.of("a").sum() * abs(rows.score[mask].mean() - rows.label[mask].mean())
    assert own == pytest.approx(expected) and usual != pytest.approx(expected)


# In an audit.


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    rng = np.random.default_rng(3)
    sex = ["f"] * 500 + ["m"] * 480 + ["x"] * 9 + [None] * 60
    table = {"sex": sex, "y": rng.integers(0, 2, len(sex)).tolist(), "s": np.round(rng.random(len(sex)), 3).tolist()}
    folder = tmp_path_factory.mktemp("rules")
    for name, changes in (
        ("selected", {"exclude_below": 0.02, "missing": "count"}), ("scored", {"metric": "scoring_rate", "better": "higher", "exclude_below": 0.02, "missing": "count"}),
        ("plain", {"metric": "scoring_rate", "better": "higher"}), ("all", {"metric": "scoring_rate", "better": "higher", "missing": "count"}),
        ("binned", {"metric": "ece", "comparison": "value", "limit": 0.2, "serious": "null", "params": {"bins": 20}}),
        ("usual", {"metric": "ece", "comparison": "value", "limit": 0.2, "serious": "null"}),
    ):  # fmt: skip
        text = f"schema: fairaudit/rule/1\nextends: four-fifths\nid: {name}\ntitle: {name}\nlimit_origin: ours\n"
        (folder / f"{name}.yaml").write_text(text + "".join(f"{field}: {value}\n" for field, value in changes.items()))
    import pyarrow as pa

    rules = tuple(str(folder / f"{name}.yaml") for name in ("selected", "scored", "plain", "all", "binned", "usual"))
    return audit(AuditConfig(score_column="s", label="y", protected=("sex",), engines=("native",), rules=rules), data=pa.table(table))


def test_the_file_holds_who_was_left_out_and_the_gate_says_the_same_again(audited: Audit) -> None:
    again = rejudged(from_json(to_json(audited), where="audit.json"), ())
    assert again.findings == audited.findings and again.left_out == audited.left_out
    assert [(one.rule, one.slice, one.rows) for one in audited.left_out] == [
        ("selected", Slice([("sex", "x")]), 9), ("selected", Slice([("sex", None)]), 60), ("scored", Slice([("sex", "x")]), 9), ("scored", Slice([("sex", None)]), 60),
        ("all", Slice([("sex", None)]), 60),
    ]  # fmt: skip
    own, usual = ([one.value for one in audited.findings if one.rule == name] for name in ("binned", "usual"))
    assert own != usual


def test_the_report_keeps_them_in_the_table_with_their_rate(audited: Audit) -> None:
    page = render(audited)
    rate = next(one.value for one in audited.measurements if one.metric == "selection_rate" and str(one.slice) == "sex=x")
    assert f"Selection rate {rate:.1%}; it has 0.91% of the rows, and the rule leaves out groups below 2%." in page
    assert "missing values are only counted, outside the groups." in page and "2 slices without a verdict" in page


def test_a_rule_of_another_task_loads_and_every_audit_refuses_it() -> None:
    other = rule("equal-opportunity", applies_to="{task: [regression]}", metric="[mean_error, mean_absolute_error]", needs="[]")
    with pytest.raises(ConfigError, match="the rule 'equal-opportunity' judges regression, and this audit is of decisions that are yes or no; leave it out."):
        judge([other], counts_from({EVERYONE: (1, 1, 1, 1)}), CONTEXT)
    assert "is of decisions that are yes or no; the rule's task must name binary" in refused(applies_to="{task: [regression]}")
    assert "there is no metric of regression 'mean_eror'; did you mean 'mean_error'?" in refused(applies_to="{task: [regression]}", metric="mean_eror")
    assert "the metric 'mean_error' is of regression; the rule's task must name that" in refused(metric="mean_error")


def test_verbose_lists_them(tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], audited: Audit) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "audit.json").write_bytes(to_json(audited))
    _run(["gate", "audit.json", "--verbose"])
    assert "  scored · sex=x · no verdict: it has 0.91% of the rows" in capsys.readouterr().out
