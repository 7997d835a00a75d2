"""The shipped rules, held against the catalogue of RULES.md B as it was agreed; and that each judges what it is for."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import numpy as np
import pytest

from fairaudit.errors import ConfigError
from fairaudit.rules.finding import Finding, Verdict
from fairaudit.rules.judge import judge, overall_verdict
from fairaudit.rules.library import load_rule, parse_rule, shipped_rules
from fairaudit.rules.plan import Context
from fairaudit.rules.rule import Intersections, SourceKind
from tests.builders import counts_of_rows
from tests.rules.selections import slice_of

AGREED: dict[str, tuple[Any, ...]] = {
    "conditional-parity": (("selection_rate",), "ratio", "rest", 0.8, "ours", "fail"),  # metrics, comparison, reference, limit, origin, severity
    "four-fifths": (("selection_rate",), "ratio", "best", 0.8, "guidance", "fail"),
    "nyc-ll144-selection": (("selection_rate",), "ratio", "best", 0.8, "convention", "info"),
    "nyc-ll144-scoring": (("scoring_rate",), "ratio", "best", 0.8, "convention", "info"),
    "statistical-parity": (("selection_rate",), "difference", "rest", 0.1, "ours", "warn"),
    "equal-opportunity": (("true_positive_rate",), "difference", "best", 0.1, "ours", "fail"),
    "predictive-equality": (("false_positive_rate",), "difference", "best", 0.05, "ours", "fail"),
    "equalized-odds": (("true_positive_rate", "false_positive_rate"), "difference", "best", 0.1, "ours", "fail"),
    "predictive-parity": (("positive_predictive_value",), "difference", "best", 0.1, "ours", "fail"),
    "false-omission-parity": (("false_omission_rate",), "difference", "best", 0.05, "ours", "fail"),
    "calibration-within-groups": (("calibration_in_the_large",), "value", "best", 0.05, "ours", "fail"),
    "ranking-parity": (("roc_auc", "bpsn_auc", "bnsp_auc"), "difference", "overall", 0.05, "ours", "warn"),
    "accuracy-parity": (("accuracy",), "difference", "best", 0.05, "ours", "warn"),
    "worst-group": (("accuracy",), "difference", "overall", 0.1, "ours", "fail"),
    "differential-fairness": (("differential_fairness",), "value", "best", 0.223, "ours", "warn"),
    "no-worse-than-baseline": (("false_negative_rate", "false_positive_rate"), "change", "best", 0.02, "ours", "fail"),
    "representation": (("representation_ratio",), "value", "best", 0.8, "ours", "warn"),
    "regression-parity": (("relative_mean_error", "relative_mean_absolute_error"), "difference", "rest", 0.1, "ours", "fail"),
}  # fmt: skip
CONTEXT = Context(slicings=(("group",),), threshold=0.5)


def test_all_are_there_and_no_other() -> None:
    assert set(shipped_rules()) == AGREED.keys()


@pytest.mark.parametrize("id", AGREED)
def test_a_rule_judges_what_was_agreed(id: str) -> None:
    rule = load_rule(id)
    assert (rule.metrics if rule.is_binary else rule.metric_names, rule.comparison.value, rule.reference, rule.limit, rule.limit_origin.value, rule.severity.value) == AGREED[id]


def test_what_is_particular_to_some() -> None:
    for id in ("nyc-ll144-selection", "nyc-ll144-scoring"):
        one = load_rule(id)
        assert (one.decide_on.value, one.exclude_below, one.missing, one.minimum.events, one.minimum.non_events) == ("point", 0.02, "count", 0, 0)
    assert load_rule("statistical-parity").direction.value == "either"
    assert load_rule("worst-group").slices == load_rule("nyc-ll144-selection").slices == Intersections(intersections=2)
    assert load_rule("differential-fairness").params == {"outcome": "positive"}
    assert (load_rule("no-worse-than-baseline").serious, load_rule("no-worse-than-baseline").multiplicity.method.value) == (0.04, "holm")
    assert (load_rule("ranking-parity").minimum.events, load_rule("ranking-parity").minimum.non_events) == (30, 30)


@pytest.mark.parametrize("id", AGREED)
def test_every_rule_is_told_in_full_and_in_plain_words(id: str) -> None:
    """One sentence of ethics without a formula, a reason, where not to use it, what it was made for; and no law is said to print what it does not."""
    rule = load_rule(id)
    assert rule.principle.endswith(".") and rule.principle.count(".") == 1 and not re.search(r"[=<>≥≤÷∑]|\d\.\d", rule.principle)
    assert len(rule.rationale) > 100 and len(rule.not_for) >= 2 and rule.applies_to.domains
    assert rule.limit_origin.value != "law"
    assert all(one.as_of <= date(2026, 7, 31) for one in rule.source)
    assert (rule.limit_origin.value == "guidance") <= any(one.says_number and one.kind is SourceKind.GUIDANCE for one in rule.source)
    assert not any(one.says_number for one in rule.source if rule.limit_origin.value == "ours")
    assert all("not in the official text" in one.status for one in rule.source if one.kind is SourceKind.REGULATION)


# Each on rows in which nobody is wronged, and on rows in which b is in the way that it is about.


class People:
    """Three groups of 2000; label, decision and score of each person; b's by chances of its own."""

    def __init__(self, *, tpr: float = 0.7, fpr: float = 0.2, base: float = 0.4, shift: float = 0.0, seed: int = 1) -> None:
        rng = np.random.default_rng(seed)
        self.group = np.repeat(np.array(["a", "b", "c"]), 2000)
        is_b = self.group == "b"
        self.label = (rng.random(6000) < np.where(is_b, base, 0.4)).astype(int)
        chance = np.where(self.label == 1, np.where(is_b, tpr, 0.7), np.where(is_b, fpr, 0.2))
        self.decision = (rng.random(6000) < chance).astype(int)
        # A chance of the label, calibrated in everyone's rows: P(positive | decision) of a and c, moved by `shift` in b.
        self.score = np.clip(np.round(np.where(self.decision == 1, 0.7, 0.2) + np.where(is_b, shift, 0.0), 2), 0, 1)

    def judged(self, id: str) -> tuple[Finding, ...]:
        counts = counts_of_rows({slice_of(name): self.group == name for name in "abc"}, label=self.label.tolist(), decision=self.decision.tolist(), score=self.score.tolist())
        return judge([load_rule(id)], counts, CONTEXT)


WRONGED: dict[str, dict[str, float]] = {
    "four-fifths": {"tpr": 0.4, "fpr": 0.1}, "statistical-parity": {"tpr": 0.3, "fpr": 0.05}, "equal-opportunity": {"tpr": 0.5}, "predictive-equality": {"fpr": 0.35},
    "equalized-odds": {"fpr": 0.4}, "predictive-parity": {"fpr": 0.5}, "false-omission-parity": {"tpr": 0.3}, "calibration-within-groups": {"shift": 0.15},
    "ranking-parity": {"tpr": 0.4, "fpr": 0.4}, "accuracy-parity": {"tpr": 0.5, "fpr": 0.35}, "worst-group": {"tpr": 0.4, "fpr": 0.5}, "differential-fairness": {"tpr": 0.3, "fpr": 0.05},
    "nyc-ll144-selection": {"tpr": 0.4, "fpr": 0.1}, "nyc-ll144-scoring": {"tpr": 0.4, "fpr": 0.1},
}  # fmt: skip


@pytest.mark.parametrize("id", WRONGED)
def test_a_rule_passes_the_fair_and_finds_who_is_wronged(id: str) -> None:
    fair, unfair = People().judged(id), People(**WRONGED[id]).judged(id)
    assert {one.verdict for one in fair} == {Verdict.PASS}
    failed = [one for one in unfair if one.verdict is Verdict.FAIL]
    assert failed and any("group=b" in (str(one.group), str(one.reference)) for one in failed)
    expected = Verdict.FAIL if load_rule(id).severity.value == "fail" else Verdict.PASS
    assert overall_verdict(unfair) is expected


def test_the_metric_of_the_worst_group_is_ones_own_to_choose() -> None:
    """A group on which the model says yes to nobody has no recall, and its accuracy hides that where positives are few."""
    text = "schema: fairaudit/rule/1\nextends: worst-group\nid: worst-recall\ntitle: Worst recall\nlimit_origin: ours\nmetric: recall\n"
    rule, people = parse_rule(text), People(tpr=0.4, fpr=0.01, base=0.1)
    counts = counts_of_rows({slice_of(name): people.group == name for name in "abc"}, label=people.label.tolist(), decision=people.decision.tolist())
    by_recall, by_accuracy = (judge([one], counts, CONTEXT) for one in (rule, load_rule("worst-group")))
    assert rule.metrics == ("true_positive_rate",) and rule.slices == Intersections(intersections=2)
    assert [str(one.group) for one in by_recall if one.verdict is Verdict.FAIL] == ["group=b"] and overall_verdict(by_accuracy) is Verdict.PASS


def test_every_rule_that_can_be_judged_is_tried_and_the_other_is_refused() -> None:
    assert WRONGED.keys() == AGREED.keys() - {"regression-parity", "conditional-parity", "no-worse-than-baseline", "representation"}  # the last three: tests/rules/test_within.py, test_change.py, test_representation.py
    with pytest.raises(ConfigError, match="the rule 'regression-parity' judges regression, and this audit is of decisions that are yes or no; leave it out."):
        People().judged("regression-parity")
