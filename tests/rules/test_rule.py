from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fairaudit.errors import ConfigError, FairauditError, Several
from fairaudit.metrics.catalogue import Better, metric
from fairaudit.resources import resource
from fairaudit.rules.checks import LATER
from fairaudit.rules.finding import Severity
from fairaudit.rules.library import load_rule, load_rules, shipped_rules
from fairaudit.rules.limits import line, serious_magnitude
from fairaudit.rules.rule import Deciding, Method, SmallGroups
from tests.rules.selections import rule

LEAST = """
schema: fairaudit/rule/1
id: least
title: The least that a rule says
principle: Everyone is treated alike.
source: [{cite: nobody, kind: convention, says_number: false, as_of: 2026-01-01}]
limit_origin: ours
metric: tpr
comparison: difference
limit: 0.1
"""


@pytest.mark.parametrize("id", shipped_rules())
def test_a_shipped_rule_is_sound_and_its_file_has_its_name(id: str) -> None:
    shipped = load_rule(id)
    assert shipped.id == id and shipped.not_for and shipped.rationale


def test_the_two_shipped_rules_say_what_the_catalogue_of_rules_says() -> None:
    four_fifths, opportunity = load_rules(["four-fifths", "equal-opportunity"])
    assert (four_fifths.metrics, four_fifths.limit, four_fifths.serious, four_fifths.limit_origin.value) == (("selection_rate",), 0.8, 0.5, "guidance")
    assert (opportunity.metrics, opportunity.limit, opportunity.serious, opportunity.limit_origin.value) == (("true_positive_rate",), 0.1, 0.2, "ours")
    assert {four_fifths.severity, opportunity.severity} == {Severity.FAIL}


def test_defaults_are_the_cautious_ones(tmp_path: Path) -> None:
    (tmp_path / "least.yaml").write_text(LEAST)
    (least,) = load_rules([str(tmp_path / "least.yaml")])
    assert (least.reference, least.decide_on, least.confidence, least.multiplicity.method) == ("best", Deciding.SIGNIFICANT, 0.95, Method.TWO_LOOK)
    assert (least.minimum.rows, least.minimum.events, least.minimum.non_events) == (1, 30, 10)
    assert (least.small_groups, least.severity, least.slices, least.multiplicity.family) == (SmallGroups.POOL, Severity.FAIL, "all", "run")
    assert least.serious is None
    assert least.metrics == ("true_positive_rate",) and least.needs_label


@pytest.mark.parametrize(
    ("changes", "serious", "allowed"),
    [
        ({"limit": 0.8}, 0.5, (0.8, None)),
        ({"comparison": "difference", "limit": 0.1}, 0.2, (-0.1, None)),
        ({"comparison": "gap", "limit": 0.1}, 0.2, (None, 0.1)),
        ({"comparison": "min_max_ratio", "limit": 0.8}, 0.5, (0.8, None)),
        ({"comparison": "value", "metric": "accuracy", "limit": 0.8}, 0.5, (0.8, None)),  # at least
        ({"comparison": "value", "metric": "fpr", "limit": 0.05}, 0.1, (None, 0.05)),  # at most
        ({"comparison": "value", "metric": "calibration_in_the_large", "limit": 0.05}, 0.1, (-0.05, 0.05)),  # either way from 0
        ({"comparison": "value", "metric": "calibration_ratio", "limit": 0.8}, 0.5, (0.8, 1.25)),  # and from 1
        ({"comparison": "value", "metric": "differential_fairness", "limit": 0.223}, 0.446, (None, 0.223)),
    ],
)  # fmt: skip
def test_the_line_and_what_is_serious_follow_from_what_is_compared(changes: dict[str, Any], serious: float, allowed: tuple[float | None, float | None]) -> None:
    """0.625 times a limit that values must reach, twice one that they must not pass (RULES.md A)."""
    one = rule(serious="null", **changes)
    entry = metric(one.metrics[0])
    better = one.better_of(entry.id, "helps")
    assert serious_magnitude(one, entry, better) == pytest.approx(serious)
    assert line(one, entry, better, one.limit).open_ends == allowed


def refused(**changes: Any) -> str:
    with pytest.raises(FairauditError) as caught:
        rule(**changes)
    assert caught.value.exit_code == 2 and "rule:" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"schema": "fairaudit/rule/2"}, "'schema' must be fairaudit/rule/1"),
        ({"id": "Four Fifths"}, "lower-case words joined by hyphens"),
        ({"title": "''"}, "'title' must not be empty"),
        ({"source": "[]"}, "'source' must have at least 1"),
        ({"limit": 0}, "must be above 0"),
        ({"limit": -0.8}, "must be above 0"),
        ({"limit": ".nan"}, "must be a finite number"),
        ({"limit": ".inf"}, "must be a finite number"),
        ({"limit": 1.25}, "the limit of a ratio is at most 1"),
        ({"serious": 0.8}, "must be a worse ratio than the limit 0.8, and is 0.8"),
        ({"serious": 0.9}, "must be a worse ratio"),
        ({"comparison": "difference", "limit": 1}, "the limit of a difference of rates is below 1"),
        ({"comparison": "difference", "limit": 0.2, "serious": 0.1}, "must be a larger difference"),
        ({"comparison": "difference", "limit": 0.6, "serious": "null"}, "which selection_rate cannot have; give one below 1"),
        ({"limit_origin": "law", "source": "[{cite: x, kind: law, says_number: false, as_of: 2026-01-01}]"}, "needs a source that prints it"),
        ({"confidence": 1}, "must be below 1"),
        ({"confidence": 0.5}, "must be above 0.5"),
        ({"multiplicity": "{method: none}"}, "must pay for its number of groups"),
        ({"multiplicity": "{method: bh}"}, "must pay for its number of groups"),
        ({"multiplicity": "{method: by}"}, "must be one of two-look, holm, bh, none"),
        ({"comparison": "gaps"}, "must be one of ratio, difference, gap, min_max_ratio, value"),
        ({"reference": "bets"}, "did you mean 'best'?"),
        ({"reference": "none"}, "a rule on a ratio needs a reference"),
        ({"reference": "{}"}, "names no attribute"),
        ({"metric": "selection_rat"}, "did you mean 'selection_rate'?"),
        ({"metric": "[tpr, fpr, recall]"}, "the metric 'recall' is named twice"),
        ({"comparison": "gap", "reference": "largest", "limit": 0.1, "serious": "null"}, "a rule on a gap has no reference"),
        ({"metric": "auc"}, "is not compared by its ratio; judge its difference, or `comparison: value`"),
        ({"metric": "true_positives"}, "has no interval of a slice"),
        ({"metric": "mean_log_deviation"}, "has no interval of a slice"),
        ({"metric": "equalized_odds_difference"}, "compares two groups by itself"),
        ({"metric": "differential_fairness"}, "is one number over all groups"),
        ({"metric": "bpsn_auc", "comparison": "difference", "limit": 0.05, "serious": "null"}, "or `difference` with `reference: overall`"),
        ({"metric": "demographic_disparity", "comparison": "gap", "limit": 0.05, "serious": "null"}, "sets a group against everyone else by itself"),
        ({"metric": "theil_index", "comparison": "difference", "limit": 0.05, "serious": "null"}, "is not compared by its difference"),
        ({"metric": "mean_score", "comparison": "difference", "limit": 0.05, "serious": "null"}, "say which by `better: higher`"),
        ({"metric": "accuracy", "comparison": "value", "limit": 1, "serious": "null"}, "the limit of the value of accuracy is below 1"),
        ({"comparison": "value", "limit": 0.2, "serious": 0.1}, "'selection_rate' is neither good nor bad by itself; say which by `better: higher`"),
        ({"metric": "calibration_ratio", "comparison": "value", "limit": 1, "serious": "null"}, "a limit of 1 allows nothing else"),
        ({"metric": "accuracy", "comparison": "value", "limit": 0.8, "serious": 0.9}, "must be a worse value than the limit 0.8"),
        ({"metric": "[]"}, "at least 1"),
        ({"metric": "base_rate"}, "say which by `better: higher`"),
        ({"applies_to": "{task: [regression]}"}, "the rule's task must name binary"),
        ({"applies_to": "{task: [binery]}"}, "did you mean 'binary'?"),
        ({"slices": "[[sex, sex]]"}, "names an attribute twice"),
        ({"slices": "{intersection: 2}"}, "did you mean 'intersections'?"),
        ({"minimum": "{rows: 0}"}, "must be at least 1"),
        ({"minimum": "{event: 3}"}, "did you mean 'events'?"),
        ({"limits": 0.8}, "did you mean 'limit'?"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_at_load(changes: dict[str, Any], sentence: str) -> None:
    assert sentence in refused(**changes)


@pytest.mark.parametrize("field", LATER)
def test_fields_of_later_work_are_refused_by_name(field: str) -> None:
    assert f"a rule cannot have {field!r} in this version" in refused(**{field: "x"})


def test_several_mistakes_are_told_together_in_the_order_of_the_file() -> None:
    with pytest.raises(Several) as caught:
        rule(metric="selection_rat", limit=1.8, serious=2)
    assert [error.line for error in caught.value.errors] == sorted(error.line for error in caught.value.errors)  # type: ignore[attr-defined]
    assert len(caught.value.errors) == 2


def test_a_rule_that_is_nowhere_is_told_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="there is no rule 'four-fifth'; did you mean 'four-fifths'?"):
        load_rules(["four-fifth"])
    with pytest.raises(ConfigError, match="there is no file"):
        load_rules(["nowhere/our-rule.yaml"])


def test_all_rules_that_cannot_be_loaded_are_told_at_once() -> None:
    with pytest.raises(Several) as caught:
        load_rules(["four-fifth", "equal-opportunity", "x.yaml"])
    assert len(caught.value.errors) == 2


def test_two_rules_may_not_share_an_id_but_one_may_be_named_twice(tmp_path: Path) -> None:
    text = resource("rules", "four-fifths.yaml").read_text("utf-8")
    same, other = tmp_path / "same.yaml", tmp_path / "other.yaml"
    same.write_text(text)
    other.write_text(text.replace("limit: 0.8", "limit: 0.9"))
    assert len(load_rules(["four-fifths", str(same), "four-fifths"])) == 1
    with pytest.raises(ConfigError, match="another rule with the id 'four-fifths'"):
        load_rules(["four-fifths", str(other)])


def test_which_side_is_better_follows_from_what_a_decision_does() -> None:
    sides = [rule().better_of(metric, effect) for metric in ("selection_rate", "negative_rate") for effect in ("helps", "harms")]
    assert sides == [Better.HIGHER, Better.LOWER, Better.LOWER, Better.HIGHER]
    assert rule(better="lower").better_of("selection_rate", "helps") is Better.LOWER
    assert rule("equal-opportunity").better_of("true_positive_rate", "harms") is Better.HIGHER
