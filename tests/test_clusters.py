"""Rows in clusters from the flag to the report: what an audit asks, says and hands to the gate."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from fairaudit import AuditConfig, audit
from fairaudit.cli import _run
from fairaudit.errors import ConfigError, FairauditError
from fairaudit.gate.judged import rejudged
from fairaudit.reports.html import render
from fairaudit.reports.terminal import summary
from fairaudit.result import Audit, counts_read, from_json, to_json
from tests.models.conftest import built

__all__ = ["built"]  # the fixture

RNG = np.random.default_rng(11)
ROWS, PEOPLE = 3000, 600
OWNER = RNG.integers(0, PEOPLE, ROWS)
COMMON = RNG.normal(size=PEOPLE)[OWNER]
SCORE = np.round(1 / (1 + np.exp(-COMMON - RNG.normal(size=ROWS))), 4)
LABEL = [None if lost else int(y) for lost, y in zip(RNG.random(ROWS) < 0.05, RNG.random(ROWS) < SCORE, strict=True)]
TABLE = pa.table({
    "who": [f"p{one}" for one in OWNER], "sex": np.where(OWNER % 3 == 0, "f", "m"), "stage": RNG.choice(["early", "late"], ROWS), "s": SCORE, "y": LABEL,
    "w": RNG.lognormal(0, 0.5, ROWS), "dept": RNG.choice(["x", "y", "z"], ROWS), "race": np.array(["a", "b", "c", "d"])[OWNER % 4],
})  # fmt: skip
ASKED: dict[str, Any] = {"score_column": "s", "label": "y", "protected": ("sex", "stage", "race"), "slices": ("sex*stage",), "engines": ("native",), "rules": ("four-fifths", "equal-opportunity")}


def audited(table: pa.Table = TABLE, **more: Any) -> Audit:
    return audit(AuditConfig(**(ASKED | {"cluster": "who"} | more)), table)


@pytest.fixture(scope="module")
def both() -> tuple[Audit, Audit]:
    more = {"control": ("dept",), "threshold_sweep": 0.25}
    return audited(**more), audited(cluster=None, **more)


def test_no_value_changes_and_no_interval_is_narrower_than_of_independent_rows(both: tuple[Audit, Audit]) -> None:
    clustered, plain = both
    wider = 0
    for one, other in zip((*clustered.measurements, *clustered.comparisons), (*plain.measurements, *plain.comparisons), strict=True):
        assert one.metric == other.metric
        assert one.value == (None if other.value is None else pytest.approx(other.value, rel=1e-12)) or getattr(other, "p_value", None) is not None
        assert (one.interval is None) == (other.interval is None)
        if one.interval and other.interval:
            width, before = (interval[1] - interval[0] for interval in (one.interval, other.interval))
            # The intervals of calibration errors and distances begin at 0 where chance may explain the value, and are the shorter for that.
            assert width > before - 1e-9 or (one.interval[0] <= other.interval[0] + 1e-9 and one.metric.endswith(("calibration_error", "smirnov_distance"))), one
            wider += width > 1.05 * before
    assert wider > 0.5 * len(clustered.measurements)


def test_tests_within_a_control_find_less_where_rows_are_clustered(both: tuple[Audit, Audit]) -> None:
    p = [[one.p_value for one in some.comparisons if one.metric == "cochran_mantel_haenszel_statistic"] for some in both]
    assert all(one is not None and other is not None and one >= other for one, other in zip(*p, strict=True)) and p[0] != p[1]


def test_a_sweep_at_the_operating_point_has_its_intervals(both: tuple[Audit, Audit]) -> None:
    measured = {(one.metric, one.slice): one.interval for one in both[0].measurements}
    for sweep in both[0].sweeps:
        place = sweep.thresholds.index(0.5)
        for metric, swept in sweep.metrics.items():
            ends = measured[metric, sweep.slice]
            assert (swept.lower[place], swept.upper[place]) == (pytest.approx(ends, rel=1e-12, abs=1e-12) if ends else (None, None)), (metric, sweep.slice)


def test_it_is_said_once_how_many_clusters_there_are_and_what_that_does(both: tuple[Audit, Audit]) -> None:
    found = both[0]
    number, largest = np.unique(OWNER).size, np.bincount(OWNER).max()
    (said,) = (one for one in found.notes if one.startswith("Rows alike in 'who'"))
    assert f"{number} clusters of at most {largest} rows" in said and "as sure as that of" in said
    assert any(one.endswith("cautious, where rows of a cluster are alike.") and "rows in several slices of stage," in one for one in found.notes)
    assert not any("slices of sex," in one or "slices of race," in one for one in found.notes)
    assert any("At other thresholds" in one for one in found.notes)
    assert f"3,000 audited in {number} clusters" in summary(found)
    assert f"column who, {number} clusters" in render(found)
    assert "cluster" not in summary(both[1])
    assert found.manifest.config["cluster"] == "who" and both[1].manifest.config["cluster"] is None


@pytest.mark.parametrize("more", [{}, {"weight": "w"}], ids=["", "weighted"])
def test_the_gate_judges_the_file_as_the_audit_judged_its_rows(more: dict[str, str]) -> None:
    found = audited(**more)
    read = from_json(to_json(found), where="audit.json")
    assert (read.counts, read.findings, read.notes) == (found.counts, found.findings, found.notes)
    again = rejudged(read, ())
    assert (again.findings, again.verdict) == (found.findings, found.verdict)
    plain = audited(cluster=None, **more)
    assert {one.p_adjusted for one in plain.findings} != {one.p_adjusted for one in found.findings}
    clusters = counts_read(read).clusters
    assert clusters is not None and clusters.number[0] == np.unique(OWNER).size


def test_without_clusters_the_file_holds_none() -> None:
    written = json.loads(to_json(audited(cluster=None)))
    assert {one["clusters"] for one in written["counts"]} == {None}


def test_lines_that_stand_for_several_rows_and_the_rows_themselves_are_the_same_clusters() -> None:
    some = TABLE.slice(0, 400).append_column("n", pa.array(RNG.integers(1, 4, 400)))
    expanded = some.take(np.repeat(np.arange(400), some.column("n").to_pylist()))
    counted, rows = audited(some, count="n"), audited(expanded)
    assert counted.counts == rows.counts and counted.findings == rows.findings
    for one, other in zip(counted.measurements, rows.measurements, strict=True):
        assert one.interval == (pytest.approx(other.interval, rel=1e-9) if other.interval else None)


def test_decisions_given_as_such_are_clustered_too() -> None:
    decided = TABLE.append_column("d", pa.array((SCORE > 0.5).astype(int)))
    given, scored = audited(decided, score_column=None, decision_column="d"), audited()
    rates = [{one.slice: one.interval for one in some.measurements if one.metric == "true_positive_rate"} for some in (given, scored)]
    assert rates[0] == rates[1]


def test_a_slice_of_one_cluster_has_values_and_no_interval_and_it_is_said() -> None:
    lone = TABLE.set_column(2, "stage", pa.array(np.where(OWNER == 5, "lone", "other")))
    found = audited(lone)
    of_lone = [one for one in found.measurements if str(one.slice) == "stage=lone"]
    assert all(one.interval is None for one in of_lone) and any(one.value is not None for one in of_lone)
    assert any("one cluster only: stage=lone" in one for one in found.notes)
    assert all(one.verdict.value != "fail" for one in found.findings if one.group and str(one.group.slice) == "stage=lone")


def test_a_model_that_streams_rows_sees_the_same_clusters_as_its_scores_in_a_column(built: Callable[[str], Path], tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    age, hours, owner = rng.integers(0, 97, 700), rng.integers(0, 64, 700), rng.integers(0, 150, 700)
    sex, label = np.where(owner % 2 == 0, "Female", "Male"), rng.integers(0, 2, 700)
    score = (age + hours + 64 * (sex == "Female") + 32) / 256
    table = pa.table({"age": age, "hours": hours, "sex": sex, "is_member": ["1"] * 700, "y": label, "who": owner, "s": score})
    pq.write_table(table, tmp_path / "people.parquet")
    asked: dict[str, Any] = {"label": "y", "protected": ("sex",), "cluster": "who", "engines": ("native",), "threshold": 0.4}
    streamed = audit(AuditConfig(model=str(built("people")), data=(str(tmp_path / "people.parquet"),), batch_size=64, **asked))
    given = audit(AuditConfig(score_column="s", **asked), table)
    assert streamed.counts == given.counts and streamed.measurements == given.measurements and streamed.comparisons == given.comparisons


def test_rows_of_csv_and_parquet_are_the_same_clusters(tmp_path: Path) -> None:
    numbers = TABLE.set_column(0, "who", pa.array(OWNER)).slice(0, 300).drop_columns(["w"])
    pq.write_table(numbers, tmp_path / "a.parquet")
    text = "\n".join(",".join("" if value is None else str(value) for value in row.values()) for row in numbers.to_pylist())
    (tmp_path / "a.csv").write_text(",".join(numbers.schema.names) + "\n" + text + "\n")
    one, other = (audit(AuditConfig(**ASKED, cluster="who", data=(str(tmp_path / name),))) for name in ("a.parquet", "a.csv"))
    assert one.measurements == other.measurements and one.counts == other.counts


MISTAKES = {
    "missing": (("--cluster", "who"), 4, "a.csv, row 2: the cluster is missing, as in 1 row in all; say in 'who' whose row it is, or leave out these rows."),
    "no such column": (("--cluster", "whom"), 2, "a.csv has no column 'whom', which --cluster needs; did you mean 'who'?"),
    "the label": (("--cluster", "y"), 2, "column 'y' cannot be both the label and the cluster."),
    "protected": (("--cluster", "sex"), 2, "column 'sex' cannot be both the cluster and a protected attribute."),
    "control": (("--cluster", "who", "--control", "who"), 2, "column 'who' cannot be both the cluster and the control"),
    "consistency": (("--cluster", "n", "--feature", "s"), 2, "--feature compares rows one by one, as if each were somebody else, and --cluster says which are not; leave one out."),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_what_cannot_be_is_told_with_what_to_do(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text("sex,y,d,who,w,n,s\nf,1,1,a,1,1,0.5\nm,0,0,,1,1,0.5\nm,0,0,,0,1,0.5\nf,0,1,a,1,1,0.5\n")
    flags, code, sentence = MISTAKES[case]
    found = _run(["audit", "--data", "a.csv", "--label", "y", "--decision-column", "d", "--protected", "sex", "--weight", "w", "--engine", "native", "--out", "out", *flags])
    said = capfd.readouterr().err
    assert found == code and sentence in said and not Path("out").exists()


def test_a_row_that_is_left_out_need_be_nobodys(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sex,y,d,who,w\nf,1,1,a,1\nm,0,0,b,1\nm,0,0,,0\nm,0,,,1\nf,0,1,a,1\n")
    found = audit(AuditConfig(data=(str(tmp_path / "a.csv"),), label="y", decision_column="d", protected=("sex",), weight="w", cluster="who", engines=("native",)))
    assert found.rows.audited == 3 and found.counts[0].clusters is not None and found.counts[0].clusters.number == 2


def test_a_missing_cluster_is_one_error_whatever_reads_it() -> None:
    with pytest.raises(FairauditError) as raised:
        audited(TABLE.set_column(0, "who", pa.array([None, *TABLE.column("who").to_pylist()[1:]], pa.string())))
    assert not isinstance(raised.value, ConfigError) and "row 1: the cluster is missing" in str(raised.value)


def test_a_rule_that_leaves_groups_out_is_refused_of_what_is_no_rate() -> None:
    data = pa.table({"sex": ["f", "m", None] * 40, "y": [0, 1, 1, 0] * 30, "s": [0.2, 0.4, 0.6, 0.8, 1.0] * 24, "who": [str(one // 3) for one in range(120)]})
    with pytest.raises(ConfigError, match="leaves groups out by sex, and scoring_rate of rows in clusters is judged of all of them"):
        audit(AuditConfig(score_column="s", label="y", protected=("sex",), rules=("nyc-ll144-scoring",), engines=("native",), cluster="who"), data=data)
