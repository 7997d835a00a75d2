"""`fairaudit mitigate`: what a user sees, the exit code, and the files left behind."""

from __future__ import annotations

import hashlib
import json
import re
import signal
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from fairaudit.cli import _run
from tests.cli.runs import KILLED_ROWS, files_in, killed_and_run_again

ROOT = Path(__file__).parent.parent.parent
REWEIGH = ("mitigate", "reweigh", "--data", "people.csv", "--label", "y", "--protected", "sex", "--out", "out")
ROWS = "".join(f"p{one},{'fm'[one % 2]},{'yes' if one % 3 == 0 or (one % 2 and one % 5 == 0) else 'no'}, {one}\n" for one in range(120))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("people.csv").write_text("person,sex,y,x\n" + ROWS)


def test_training_data_are_reweighed_and_shown(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run([*REWEIGH, "--positive", "yes", "--id", "person"]) == 0
    said = capfd.readouterr()
    assert list(files_in()) == ["card.json", "parity.md", "reweighed.csv", "weights.csv"] and said.err == ""
    assert re.search(r"^ +sex=f +60 +33\.3% +46\.7% +−0\.133 +0\.714$", said.out, re.MULTILINE) and re.search(r"^ +sex=f +60 +40\.0% +40\.0% +0 +1$", said.out, re.MULTILINE)
    lines = Path("out/reweighed.csv").read_text().splitlines()
    assert [line.rpartition(",")[0] for line in lines] == Path("people.csv").read_text().splitlines() and lines[0].endswith(",fairness_weight")
    assert Path("out/weights.csv").read_text().splitlines()[:2] == ["person,row,fairness_weight", f"p0,1,{lines[1].rpartition(',')[2]}"]
    page = Path("out/parity.md").read_text()
    assert "| sex=f | 60 | 33.3% | 46.7% | −0.133 | 0.714 |" in page and "| sex=f | 60 | 40.0% | 40.0% | 0 | 1 |" in page


def test_the_card_says_what_was_done_on_what_and_why(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run([*REWEIGH, "--positive", "yes", "--json"]) == 0
    card = json.loads(Path("out/card.json").read_text())
    assert json.loads(capfd.readouterr().out) == card and (card["schema"], card["method"]) == ("fairaudit/mitigation/1", "reweigh")
    assert card["settings"]["positive"] == "yes" and card["rows"] == {"read": 120, "reweighed": 120, "unlabelled": 0, "excluded": []}
    assert {(one["slice"]["sex"], one["label"]): (one["rows"], round(one["factor"], 6)) for one in card["cells"]} == {
        ("f", 1): (20, 1.2), ("f", 0): (40, 0.9), ("m", 1): (28, round(60 * 48 / (120 * 28), 6)), ("m", 0): (32, round(60 * 72 / (120 * 32), 6)),
    }  # fmt: skip
    for one in (*card["data"], *card["files"]):
        assert one["sha256"] == hashlib.sha256((Path("out") / one["name"] if one["name"] != "people.csv" else Path("people.csv")).read_bytes()).hexdigest()


def test_what_was_written_has_no_difference_left_in_an_audit() -> None:
    assert _run([*REWEIGH, "--positive", "yes"]) == 0
    flags = ("--decision-column", "y", "--positive-decision", "yes", "--weight", "fairness_weight", "--protected", "sex", "--engine", "native", "--quiet")
    assert _run(["audit", "--data", "out/reweighed.csv", *flags, "--out", "audit"]) == 0
    audit = json.loads(Path("audit/audit.json").read_text())
    (one,) = (one for one in audit["comparisons"] if (one["metric"], one["kind"]) == ("selection_rate", "difference") and one["status"] == "ok")
    assert one["value"] == pytest.approx(0, abs=1e-15)


def test_a_rerun_is_the_same_bytes_and_another_format_takes_their_place() -> None:
    assert _run([*REWEIGH, "--positive", "yes"]) == 0
    first = files_in()
    assert _run([*REWEIGH, "--positive", "yes"]) == 0 and files_in() == first
    assert _run([*REWEIGH, "--positive", "yes", "--format", "parquet"]) == 0 and list(files_in()) == ["card.json", "parity.md", "reweighed.parquet", "weights.parquet"]
    weights = pq.read_table("out/reweighed.parquet").column("fairness_weight").to_pylist()
    assert weights == [float(line.rpartition(",")[2]) for line in first["reweighed.csv"].decode().splitlines()[1:]]


def test_marks_in_names_stay_text_on_the_page() -> None:
    pq.write_table(pa.table({"a|b": ["<i>", "*x*"] * 10, "y": [1, 1, 0, 0] * 5}), "odd.parquet")
    assert _run(["mitigate", "reweigh", "--data", "odd.parquet", "--label", "y", "--protected", "a|b", "--out", "out"]) == 0
    assert "| a\\|b=\\<i\\> | positive | 5 |" in Path("out/parity.md").read_text()


BAD = {
    "no data": (("mitigate", "reweigh", "--label", "y", "--protected", "sex", "--out", "out"), 2, "no data: name a CSV or Parquet file, a folder or a glob with --data PATH."),
    "no place": (REWEIGH[:-2], 2, "where should the weights go? Name a folder with --out DIR."),
    "no label": (("mitigate", "reweigh", "--data", "people.csv", "--protected", "sex", "--out", "out"), 2, "reweighing makes labels independent of groups, and no --label COL is given."),
    "no attribute": (("mitigate", "reweigh", "--data", "people.csv", "--label", "y", "--positive", "yes", "--out", "out"), 2, "no protected attribute: name one with --protected COL."),
    "no positive value": (REWEIGH, 2, "people.csv: the column 'y' holds 'no', 'yes'; say which is positive with --positive VALUE."),
    "a column that is there": ((*REWEIGH, "--positive", "yes", "--weight-column", "X"), 2, "people.csv has a column 'x' already; name the new one with --weight-column COL."),
    "a column without a name": ((*REWEIGH, "--positive", "yes", "--weight-column", ""), 2, "--weight-column is an empty text; name the new column, or leave it out."),
    "an empty cell": ((*REWEIGH, "--positive", "yes", "--protected", "x", "--bins", "x=1"), 4, "people.csv: sex=f, x=under 1 has no negative row: no weight makes the base rate of such a group everyone's; make small groups one with --other-below N or --bins, name fewer attributes, or leave these rows out."),
    "no such method": (("mitigate", "reweight"), 2, "No such command 'reweight'."),
    "a folder of something else": ((*REWEIGH[:-1], "taken"), 2, "--out taken holds something other than a mitigation; name another folder, or add --force to write into it."),
}


@pytest.mark.parametrize("case", BAD, ids=str)
def test_bad_input_is_one_sentence_and_leaves_nothing_behind(case: str, capfd: pytest.CaptureFixture[str]) -> None:
    Path("taken").mkdir()
    Path("taken/thing").write_text("mine")
    arguments, code, sentence = BAD[case]
    assert _run([*arguments]) == code
    said = capfd.readouterr().err
    assert said.startswith("fairaudit: ") and sentence in said and "Traceback" not in said and not Path("out").exists() and [*Path("taken").iterdir()] == [Path("taken/thing")]


def test_training_data_are_not_written_over(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run([*REWEIGH, "--positive", "yes"]) == 0
    before = files_in()
    assert _run(["mitigate", "reweigh", "--data", "out/reweighed.csv", "--label", "y", "--positive", "yes", "--protected", "sex", "--weight-column", "w", "--out", "out"]) == 2
    assert "out/reweighed.csv is read, and would be written over" in capfd.readouterr().err and files_in() == before


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGKILL])
def test_killing_it_leaves_nothing_half_written_and_a_rerun_completes(signum: int) -> None:
    killed_and_run_again(signum, "mitigate", "reweigh")
    assert json.loads(Path("out/card.json").read_text())["rows"]["reweighed"] == KILLED_ROWS
