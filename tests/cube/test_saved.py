"""Rows kept by their ids: what the file holds, that it is the same each time, and that it comes and goes with its audit."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

import fairaudit
from fairaudit.cli import _run
from fairaudit.config import AuditConfig
from fairaudit.cube.saved import _TOGETHER, are_scores, columns_of, write_rows
from fairaudit.errors import ConfigError

ROWS = "id,sex,age,y,s,w,n,who\n" + "".join(f"{one},{'f' if one % 2 else 'm'},{20 + one % 60},{one % 3 == 0:d},{one % 10 / 10},{1 + one % 4},2,{one // 2}\n" for one in range(60))
FLAGS = ["audit", "--data", "a.csv", "--score-column", "s", "--label", "y", "--protected", "sex", "--engine", "native", "--out", "out", "--quiet"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text(ROWS)


def test_the_file_holds_what_each_row_was_given_and_no_other_column() -> None:
    assert _run([*FLAGS, "--id", "id", "--save-scores", "--bins", "age=40", "--threshold", "0.4", "--weight", "w", "--cluster", "who"]) == 0
    found = pq.read_table("out/scores.parquet").to_pylist()
    assert len(found) == 60
    assert found[7] == {"id": "7", "score": 0.7, "decision": True, "label": 0, "slice:sex": "f", "slice:age": "under 40", "weight": 4.0, "cluster": "3"}
    assert [one["decision"] for one in found] == [one["score"] > 0.4 for one in found]


def test_decisions_counts_and_rows_that_are_left_out(tmp_path: Path) -> None:
    Path("b.csv").write_text("k,g,d,n\na,x,yes,3\nb,,no,2\nc,y,,4\nd,y,no,0\n")
    flags = ["audit", "--data", "b.csv", "--decision-column", "d", "--positive-decision", "yes", "--protected", "g", "--count", "n", "--id", "k", "--engine", "native", "--save-scores", "--out", "out", "--quiet"]
    assert _run(flags) == 0
    assert pq.read_table("out/scores.parquet").to_pylist() == [{"id": "a", "decision": True, "slice:g": "x", "copies": 3}, {"id": "b", "decision": False, "slice:g": None, "copies": 2}]


def test_the_audit_says_that_there_are_scores_and_nothing_else_of_it_changes() -> None:
    assert _run([*FLAGS, "--id", "id", "--out", "plain"]) == 0 and _run([*FLAGS, "--id", "id", "--save-scores"]) == 0
    plain, kept = (json.loads(Path(f"{name}/audit.json").read_text()) for name in ("plain", "out"))
    digest = hashlib.sha256(Path("out/scores.parquet").read_bytes()).hexdigest()
    assert plain.pop("scores") is None and kept.pop("scores") == {"name": "scores.parquet", "sha256": digest}
    assert plain == kept and not Path("plain/scores.parquet").exists()
    assert _run([*FLAGS, "--id", "id", "--save-scores", "--out", "again"]) == 0
    assert Path("again/scores.parquet").read_bytes() == Path("out/scores.parquet").read_bytes()
    assert Path("again/audit.json").read_bytes() == Path("out/audit.json").read_bytes()


def test_scores_go_with_the_audit_that_they_are_of() -> None:
    assert _run([*FLAGS, "--id", "id", "--save-scores"]) == 0 and Path("out/scores.parquet").exists()
    assert _run(FLAGS) == 0 and not Path("out/scores.parquet").exists()
    Path("out/scores.parquet").write_text("somebody's own")
    assert _run(FLAGS) == 0 and Path("out/scores.parquet").read_text() == "somebody's own"


def test_without_an_id_it_is_refused_and_so_is_an_id_that_tells_nobody_apart(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run([*FLAGS, "--save-scores"]) == 2
    assert "without ids nobody could tell which row is which; name the column that tells them apart with --id COL." in capfd.readouterr().err
    assert _run([*FLAGS, "--save-scores", "--id", "who"]) == 4
    assert "stands in more than one row" in capfd.readouterr().err and not Path("out").exists()


def test_from_python_a_file_is_named() -> None:
    config = AuditConfig(data=("a.csv",), score_column="s", label="y", protected=("sex",), engines=("native",), id="id", save_scores=True)
    found = fairaudit.audit(config, scores="kept.parquet")
    assert found.scores is not None and are_scores(Path("kept.parquet")) and columns_of(Path("kept.parquet"))[0] == "id"
    with pytest.raises(ConfigError, match="save_scores keeps rows in a file, and none is named"):
        fairaudit.audit(config)
    with pytest.raises(ConfigError, match="a file for scores is named, and nothing asks for them"):
        fairaudit.audit(AuditConfig(data=("a.csv",), score_column="s", label="y", protected=("sex",)), scores="kept.parquet")


def test_the_same_rows_are_the_same_bytes_whatever_batches_they_come_in(tmp_path: Path) -> None:
    whole = pa.table({"id": [str(one) for one in range(2 * _TOGETHER + 5)]})
    for name, size in (("a", 1000), ("b", 200_000)):
        write_rows(whole.to_batches(max_chunksize=size), whole.schema, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert pq.read_table(tmp_path / "a").column("id").to_pylist() == whole.column("id").to_pylist()


@pytest.mark.parametrize("content", [b"", b"id\n1\n"])
def test_another_file_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ConfigError, match="is not the file of scores that an audit wrote .*; audit again with --save-scores --id COL"):
        columns_of(tmp_path / "x")
    pq.write_table(pa.table({"id": ["1"]}), tmp_path / "y")
    with pytest.raises(ConfigError, match="is not a file of scores that this version reads"):
        columns_of(tmp_path / "y")
