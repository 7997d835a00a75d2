"""Histograms of scores against counting rows by hand, statsmodels' intervals and TFMA's calibration plot."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
import statsmodels.api as sm  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student  # type: ignore[import-untyped]
from statsmodels.stats.proportion import proportion_confint  # type: ignore[import-untyped]

from fairaudit import Audit, AuditConfig, audit, render
from fairaudit.cli import _run
from fairaudit.cube.counts import Counts
from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.errors import FairauditError
from fairaudit.evidence.histograms import WITH_CROSSES, histograms
from fairaudit.evidence.wanted import of_bins
from fairaudit.metrics.engines import engine, native
from fairaudit.resources import resource
from fairaudit.result import from_json, to_json
from tests.builders import counts_in_clusters, counts_of_rows

A = Slice([("group", "a")])
TEN = {"bins": 10.0}
Row = tuple[bool, int, int, float]  # in group a; label, 2 where unlabelled; twentieths of a score; weight
ROWS = st.lists(st.tuples(st.booleans(), st.integers(0, 2), st.integers(0, 20), st.sampled_from([0.5, 1.0, 3.0])), min_size=1, max_size=60)
Array = Any


def _columns(rows: list[Row]) -> tuple[Array, ...]:
    return tuple(np.array(column) for column in zip(*rows, strict=True))


def _counts(rows: list[Row]) -> Counts:
    of_a, label, twentieths, weight = _columns(rows)
    return counts_of_rows({A: of_a}, label=label.tolist(), decision=[0] * len(rows), score=(twentieths / 20).tolist(), weight=weight.tolist())


@given(ROWS, st.sampled_from([TEN, {"bins": 4.0}, {"bins": 5.0, "mass": 1.0}]))
def test_every_bin_is_what_its_rows_say_when_they_are_counted_by_hand(rows: list[Row], params: dict[str, float]) -> None:
    of_a, label, twentieths, weight = _columns(rows)
    for found, mine in zip(histograms(_counts(rows), params), (np.ones(len(rows), dtype=bool), of_a), strict=True):
        place = np.searchsorted(np.round(np.array(found.edges[1:-1]) * 20).astype(int), twentieths, side="right")  # edges are twentieths too
        for one in range(len(found.edges) - 1):
            inside = mine & (place == one)
            for of, rows_of in ((0, found.negative), (1, found.positive), (2, found.unlabelled)):
                chosen = inside & (label == of)
                assert (rows_of.rows[one], rows_of.weight[one]) == (chosen.sum(), weight[chosen].sum())
                assert rows_of.mean_score[one] == (pytest.approx(np.average(twentieths[chosen] / 20, weights=weight[chosen])) if chosen.any() else None)
            seen = inside & (label < 2)
            if not seen.any():
                assert found.mean_score[one] is found.share_positive[one] is found.lower[one] is found.upper[one] is None
                continue
            share = np.average(label[seen], weights=weight[seen])
            assert (found.mean_score[one], found.share_positive[one]) == (pytest.approx(np.average(twentieths[seen] / 20, weights=weight[seen])), pytest.approx(share))
            effective = weight[seen].sum() ** 2 / (weight[seen] ** 2).sum()
            assert (found.lower[one], found.upper[one]) == pytest.approx(proportion_confint(share * effective, effective, method="wilson"), abs=1e-9)
    assert sum(sum(part.rows) for part in (found.negative, found.positive, found.unlabelled)) == of_a.sum()


OWNER = np.repeat(np.arange(300), 4)


@pytest.mark.parametrize("weighted", [False, True])
def test_of_rows_in_clusters_an_interval_has_the_cluster_robust_error_of_statsmodels(weighted: bool) -> None:
    rng = np.random.default_rng(5)
    common = rng.normal(size=300)[OWNER]
    score = np.round(1 / (1 + np.exp(-common - 0.3 * rng.normal(size=OWNER.size))), 3)
    label = np.where(rng.random(OWNER.size) < 0.1, 2, (0.5 * common + rng.normal(size=300)[OWNER] + rng.normal(size=OWNER.size) > 0).astype(int))  # people differ beyond their scores
    weight = rng.integers(1, 4, OWNER.size).astype(float) if weighted else np.ones(OWNER.size)
    (found, *_) = histograms(counts_in_clusters(cluster=OWNER, label=label, score=score, weight=weight), {"bins": 5.0})
    wider = 0
    for one in range(5):
        inside = (label < 2) & (np.minimum((score * 5).astype(int), 4) == one)
        y, w, owner = label[inside].astype(float), weight[inside], OWNER[inside]
        share = np.average(y, weights=w)
        fitted = sm.WLS(y, np.ones(y.size), weights=w).fit(cov_type="cluster", cov_kwds={"groups": owner, "use_correction": False})
        of_cluster = np.bincount(owner, w)
        clusters = of_cluster.sum() ** 2 / (of_cluster**2).sum()
        ratio = float(fitted.bse[0]) ** 2 / (share * (1 - share) * (w**2).sum() / w.sum() ** 2) * clusters / (clusters - 1)
        effect = max(ratio, 1.0) * (student.ppf(0.975, clusters - 1) / student.ppf(0.975, np.inf)) ** 2
        effective = w.sum() ** 2 / (w**2).sum() / effect
        assert (found.lower[one], found.upper[one]) == pytest.approx(proportion_confint(share * effective, effective, method="wilson"), abs=1e-7)
        wider += effect > 1.2
    assert wider >= 3


def test_a_bin_whose_rows_are_of_one_cluster_has_no_interval() -> None:
    (found, *_) = histograms(counts_in_clusters(cluster=["x", "x", "x", "y", "z"], label=[0, 1, 1, 0, 1], score=[0.05, 0.05, 0.05, 0.95, 0.95]), TEN)
    assert found.share_positive[0] == pytest.approx(2 / 3) and found.lower[0] is None and found.upper[0] is None
    assert found.share_positive[9] == 0.5 and found.lower[9] is not None


def _plotted(rows: list[Row], number: int) -> Array:
    """What TFMA's own CalibrationPlot says of the rows, one by one: weight, weighted labels and predictions of each bin."""
    from tensorflow_model_analysis import metrics as tfma  # type: ignore[import-untyped]

    _, label, twentieths, weight = _columns(rows)
    histogram, plot = tfma.CalibrationPlot(num_buckets=number).computations(example_weighted=True)
    sums = histogram.combiner.create_accumulator()
    for one in np.flatnonzero(label < 2):
        given = tfma.StandardMetricInputs(labels=label[[one]].astype(float), predictions=twentieths[[one]] / 20, example_weights=weight[[one]])
        sums = histogram.combiner.add_input(sums, given)
    (buckets,) = plot.result(histogram.combiner.extract_output(sums)).values()
    lines = np.array([(one.num_weighted_examples.value, one.total_weighted_label.value, one.total_weighted_refined_prediction.value) for one in buckets.buckets])
    return np.concatenate([lines[1:number], [lines[number : number + 2].sum(axis=0)]])  # the first holds what is below 0, the last scores of exactly 1


@settings(deadline=None, max_examples=30)
@given(ROWS)
def test_the_bins_are_those_of_tfmas_calibration_plot(rows: list[Row]) -> None:
    found = histograms(_counts(rows), TEN)[0]
    weight = np.add(found.negative.weight, found.positive.weight)
    scores = [0.0 if mean is None else mean * held for mean, held in zip(found.mean_score, weight, strict=True)]
    np.testing.assert_allclose(np.array([weight, found.positive.weight, scores]).T, _plotted(rows, 10), rtol=1e-9, atol=1e-9)


@settings(deadline=None, max_examples=30)
@given(ROWS, st.sampled_from([4, 10, 15]))
def test_tfma_as_a_witness_finds_the_same_sums_in_every_bin(rows: list[Row], number: int) -> None:
    counts, ours, tfma = _counts(rows), engine("native"), engine("tfma")
    wanted = of_bins(counts, None, (("bins", float(number)),))
    assert len(wanted) == 3 * number and all(tfma.answers(one, counts).all() for one in wanted)
    np.testing.assert_allclose(tfma.measure(wanted, counts), ours.measure(wanted, counts), rtol=1e-9, atol=1e-9)
    of_mass = of_bins(counts, None, (("bins", float(number)), ("mass", 1.0)))
    assert not any(tfma.answers(one, counts).any() for one in of_mass)


@pytest.mark.parametrize("number", [10, 15, 60])
def test_scores_a_step_from_an_edge_are_in_the_same_bin_for_both(number: int) -> None:
    """TFMA counts buckets from 1, and the sum would round the largest number below 0.1 onto the edge."""
    edges = np.arange(1, number) / number
    score = np.concatenate([edges, np.nextafter(edges, 0), np.nextafter(edges, 1), [0.0, 1.0]])
    counts = counts_of_rows(label=[1] * score.size, decision=[0] * score.size, score=score.tolist())
    wanted = of_bins(counts, None, (("bins", float(number)),))
    np.testing.assert_allclose(engine("tfma").measure(wanted, counts), engine("native").measure(wanted, counts), rtol=1e-9, atol=1e-9)


def _table(groups: int = 2, *, highest: float = 1.0) -> pa.Table:
    rng = np.random.default_rng(6)
    score = rng.random(2000)
    return pa.table({"s": score * highest, "d": (score > 0.5).astype(int), "y": (rng.random(2000) < score).astype(int), "sex": rng.choice(["f", "m"], 2000), "town": rng.integers(0, groups, 2000).astype(str)})


def _audited(table: pa.Table | None = None, **more: Any) -> Audit:
    given: dict[str, Any] = {"score_column": "s", "label": "y", "protected": ("sex",), "engines": ("native",)} | more
    return audit(AuditConfig(**given), data=_table() if table is None else table)


def test_an_audit_has_them_where_scores_are_probabilities_and_its_file_keeps_them() -> None:
    found = _audited()
    assert [one.slice for one in found.histograms] == [EVERYONE, Slice([("sex", "f")]), Slice([("sex", "m")])]
    assert from_json(to_json(found), where="here").histograms == found.histograms
    assert _audited(metrics=("roc_auc",)).histograms == () == _audited(_table(highest=5.0), threshold=2.0).histograms
    alone = _audited(metrics=("score_histogram",))
    assert alone.histograms == found.histograms and alone.measurements == ()
    unlabelled = _audited(label=None).histograms[0]
    assert sum(unlabelled.unlabelled.rows) == 2000 and set(unlabelled.share_positive) == {None}
    assert _audited(calibration_bins="15").histograms[0].edges == pytest.approx(np.arange(16) / 15)


def test_an_audit_says_which_engines_summed_the_bins_and_a_sum_that_differs_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = _audited(metrics=("score_histogram",), engines=("native", "tfma"))
    assert {one.engines for one in alone.histograms} == {("native", "tfma")} and not alone.findings
    assert "Engines agree: 90 of 90 numbers were computed a second time, independently, by tfma." in render(alone)  # three sums of ten bins of three slices
    assert {one.engines for one in _audited(calibration_bins="mass:10", metrics=("score_histogram",), engines=("native", "tfma")).histograms} == {("native",)}
    monkeypatch.setitem(native._VALUES, "score_histogram", lambda counts, params: np.full(3, -1.0))
    assert {one.metric for one in _audited(metrics=("score_histogram",), engines=("native", "tfma")).findings} == {"score_histogram"}


def test_asked_where_there_are_no_scores_or_no_probabilities_they_are_refused() -> None:
    with pytest.raises(FairauditError, match=r"--metric score_histogram needs scores, and --decision-column holds decisions; audit a model or a --score-column\."):
        _audited(score_column=None, decision_column="d", metrics=("score_histogram",))
    with pytest.raises(FairauditError, match=r"--metric score_histogram needs probabilities, and the scores run from"):
        _audited(_table(highest=5.0), threshold=2.0, metrics=("score_histogram",))


def test_a_rule_cannot_judge_what_has_no_single_value(tmp_path: Path) -> None:
    rule = tmp_path / "ours.yaml"
    rule.write_text(resource("rules", "four-fifths.yaml").read_text(encoding="utf-8").replace("selection_rate", "score_histogram"))
    with pytest.raises(FairauditError, match=r"is many numbers a slice, and a rule judges one; judge a calibration error"):
        _audited(rules=(str(rule),))


def test_crosses_are_left_out_where_they_are_too_many_and_it_is_said() -> None:
    found = _audited(_table(groups=200), protected=("sex", "town"), slices=("sex*town",))
    assert len(found.counts) * 10 > WITH_CROSSES and len(found.histograms) == 203
    assert f"Of {len(found.counts):,} slices the 203 without crosses have a histogram of their scores; fewer bins or fewer crosses would leave room for all." in found.notes
    assert len(_audited(protected=("sex", "town"), slices=("sex*town",)).histograms) == 9


def test_the_table_has_a_row_for_each_bin_and_its_rows_are_those_of_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    table = _table()
    pq.write_table(table, "a.parquet")
    flags = ("--data", "a.parquet", "--label", "y", "--protected", "sex", "--engine", "native", "--out", "out", "--quiet")
    assert _run(["audit", "--score-column", "s", *flags]) == 0
    assert _run(["table", "out", "--of", "histograms", "--write", "parquet=t.parquet"]) == 0
    rows = pq.read_table("t.parquet").to_pylist()
    s, y, sex = (np.array(table[name]) for name in ("s", "y", "sex"))
    expected = {(name, place / 10): int((mine & (np.floor(s * 10) == place) & (y == 1)).sum()) for (name, mine), place in product({"everyone": s >= 0, "sex=f": sex == "f", "sex=m": sex == "m"}.items(), range(10))}
    assert {(one["slice"], one["bin_from"]): one["rows_positive"] for one in rows} == expected
    assert _run(["audit", "--decision-column", "d", *flags]) == 0
    capfd.readouterr()
    assert _run(["table", "out", "--of", "histograms"]) == 0
    said = capfd.readouterr()
    assert said.err == "fairaudit: out has no histograms; `fairaudit audit --metric score_histogram` adds them.\n"
    assert said.out.replace('"', "").strip().split(",") == list(rows[0])
