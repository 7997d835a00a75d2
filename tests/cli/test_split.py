"""`fairaudit split`: what a user sees, the exit code, and the files left behind."""

from __future__ import annotations

import gzip
import json
import re
import signal
from pathlib import Path

import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from fairaudit.cli import _run
from tests.cli.runs import KILLED_ROWS, files_in, killed_and_run_again
from tests.splits.builders import people

ROOT = Path(__file__).parent.parent.parent
PARTS = ("--parts", "train=0.6,fit=0.2,test=0.2")
SPLIT = ("split", "--data", "people.csv", "--label", "y", "--protected", "sex", *PARTS, "--out", "out")
ROWS = "".join(f"{one},{'fm'[one % 2]},{one % 3 == 0:d},{one * 7 % 11}\n" for one in range(200))
CHECK = ("split", "--check", "out/train.csv", "out/fit.csv", "out/test.csv", "--label", "y", "--protected", "sex", "--id", "person")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("people.csv").write_text("person,sex,y,x\n" + ROWS)


def test_the_parts_are_written_and_shown(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run([*SPLIT]) == 0
    said = capfd.readouterr()
    assert list(files_in()) == ["fit.csv", "split.json", "test.csv", "train.csv"] and said.err == ""
    assert re.search(r"^ +rows +120 +40 +40$", said.out, re.MULTILINE) and re.search(r"^ +share +60\.0% +20\.0% +20\.0%$", said.out, re.MULTILINE)
    assert re.search(r"^base rate\n.*\n +everyone +3[34]\.\d%", said.out, re.MULTILINE) and said.out.rstrip().endswith("Parts: out")
    lines = [line for name in ("train", "fit", "test") for line in Path(f"out/{name}.csv").read_text().splitlines()[1:]]
    assert sorted(lines) == sorted(ROWS.splitlines())


def test_the_same_split_is_the_same_bytes_and_another_seed_is_not() -> None:
    assert _run([*SPLIT]) == 0
    first = files_in()
    assert _run([*SPLIT]) == 0 and files_in() == first
    assert _run([*SPLIT, "--seed", "1"]) == 0 and files_in()["train.csv"] != first["train.csv"]


def test_its_own_parts_do_not_leak_and_a_copied_row_does(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run([*SPLIT, "--id", "person"]) == 0
    assert _run([*CHECK]) == 0
    assert capfd.readouterr().out.count("No leakage was found.") == 1
    with Path("out/test.csv").open("a") as file:
        file.write(Path("out/train.csv").read_text().splitlines()[1] + "\n")
    assert _run([*CHECK]) == 1
    assert re.search(r"^Leakage: .*1 row of test has its like in train \(alike in everything\)", capfd.readouterr().out)
    assert _run([*CHECK, "--json"]) == 1
    told = json.loads(capfd.readouterr().out)
    assert {"alike", "id"} <= {one["kind"] for one in told["leaks"]} and told["schema"] == "fairaudit/split-check/1"


def test_json_is_split_json(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run([*SPLIT, "--json"]) == 0
    assert capfd.readouterr().out.rstrip("\n") == Path("out/split.json").read_text().rstrip("\n")


def test_a_configuration_says_what_it_says_of_an_audits_rows() -> None:
    Path("ours.yaml").write_text("data: [people.csv]\nlabel: y\nprotected: [sex]\nscore_column: x\nseed: 3\nrules: [four-fifths]\n")
    assert _run(["split", "--config", "ours.yaml", *PARTS, "--out", "out"]) == 0
    first = files_in()
    assert _run([*SPLIT, "--seed", "3"]) == 0 and files_in() == first


@pytest.mark.parametrize("stored", ["people.csv.gz", "people.parquet"])
def test_parts_are_of_the_datas_format_unless_another_is_asked(stored: str) -> None:
    if stored.endswith("gz"):
        Path(stored).write_bytes(gzip.compress(Path("people.csv").read_bytes()))
    else:
        pq.write_table(people(200), stored)
    flags = ("split", "--data", stored, "--label", "y", "--protected", "sex", *PARTS, "--out", "out")
    own = ".csv" if stored.endswith("gz") else ".parquet"
    assert _run([*flags]) == 0 and list(files_in()) == [f"fit{own}", "split.json", f"test{own}", f"train{own}"]
    other = {".csv": "parquet", ".parquet": "csv"}[own]
    assert _run([*flags, "--format", other]) == 0 and list(files_in()) == [f"fit.{other}", "split.json", f"test.{other}", f"train.{other}"]  # a former split's are gone


BAD = {
    "no parts": (("split", "--data", "people.csv", "--out", "out"), 2, "into which parts? Name them with their shares, as --parts train=0.6,fit=0.2,test=0.2."),
    "no place": (("split", "--data", "people.csv", *PARTS), 2, "where should the parts go? Name a folder with --out DIR."),
    "no data": (("split", *PARTS, "--out", "out"), 2, "no data: name a CSV or Parquet file, a folder or a glob with --data PATH."),
    "data without a flag": (("split", "people.csv", *PARTS, "--out", "out"), 2, "people.csv is given without a flag; data are named with --data PATH, and given parts are checked with --check."),
    "no such column": ((*SPLIT, "--ignore", "persn"), 2, "people.csv has no column 'persn', which --ignore needs; did you mean 'person'?"),
    "no such label": (("split", "--data", "people.csv", "--label", "z", *PARTS, "--out", "out"), 2, "people.csv has no column 'z', which --label needs; its columns are person, sex, y, x."),
    "a label of many values": (("split", "--data", "people.csv", "--label", "x", *PARTS, "--out", "out"), 4, "the column 'x' must hold two values and holds 11"),
    "a positive value without a label": (("split", "--data", "people.csv", "--positive", "1", *PARTS, "--out", "out"), 2, "no --label COL is given"),
    "an id that tells nobody apart": ((*SPLIT, "--id", "x"), 4, "people.csv: the id '0' stands in more than one row; --id names a column that tells rows apart."),
    "a column of two parts": ((*SPLIT, "--cluster", "y"), 2, "column 'y' cannot be both the label and the cluster."),
    "a seed below 0": ((*SPLIT, "--seed", "-1"), 2, "the seed is -1; give a whole number of at least 0."),
    "shares that do not add up": (("split", "--data", "people.csv", "--parts", "a=0.6,b=0.2", "--out", "out"), 2, "--parts: the shares add up to 0.8, and all rows are to go somewhere; make them add up to 1, as thirds do when written 1/3."),
    "more parts than units": (("split", "--data", "people.csv", "--cluster", "y", *PARTS, "--out", "out"), 4, "people.csv: nothing is left for the part"),
    "a check of one": (("split", "--check", "people.csv"), 2, "--check compares parts of the data with one another; name two or more, as train.csv test.csv."),
    "a check that makes parts": (("split", "--check", "people.csv", "people.csv", *PARTS), 2, "--parts is for making parts, and --check looks at given ones; leave it out."),
    "a check of the same twice": (("split", "--check", "people.csv", "./people.csv"), 2, "people.csv is a part of people.csv and of ./people.csv; give each part files of its own."),
    "a check of other columns": (("split", "--check", "people.csv", "other.csv"), 2, "people.csv and other.csv differ in the columns person, sex, x."),
}


@pytest.mark.parametrize("case", BAD, ids=str)
def test_bad_input_is_one_sentence_and_leaves_nothing_behind(case: str, capfd: pytest.CaptureFixture[str]) -> None:
    Path("other.csv").write_text("y\n1\n")
    arguments, code, sentence = BAD[case]
    assert _run([*arguments]) == code
    said = capfd.readouterr().err
    assert said.startswith("fairaudit: ") and sentence in said and "Traceback" not in said and not Path("out").exists()


def test_a_folder_of_something_else_is_not_written_into_unasked(capfd: pytest.CaptureFixture[str]) -> None:
    Path("out").mkdir()
    Path("out/train.csv").write_text("mine")
    assert _run([*SPLIT]) == 2
    assert capfd.readouterr().err == "fairaudit: --out out holds something other than a split; name another folder, or add --force to write into it.\n"
    assert files_in() == {"train.csv": b"mine"}
    assert _run([*SPLIT, "--force"]) == 0 and files_in()["train.csv"] != b"mine"


def test_data_are_not_written_over(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run([*SPLIT]) == 0
    before = files_in()
    assert _run(["split", "--data", "out/train.csv", "--label", "y", *PARTS, "--out", "out"]) == 2
    assert capfd.readouterr().err == "fairaudit: out/train.csv is read, and would be written over; name another folder with --out.\n" and files_in() == before


def test_a_former_split_stays_where_a_new_one_fails(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run([*SPLIT]) == 0
    before = files_in()
    Path("people.csv").write_text("person,sex,y,x\n1,f\n")
    assert _run([*SPLIT]) == 4 and "people.csv, line 2" in capfd.readouterr().err and files_in() == before


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGKILL])
def test_killing_it_leaves_no_half_written_part_and_a_rerun_completes(signum: int) -> None:
    killed_and_run_again(signum, "split", "--id", "person", *PARTS)
    assert sum(one["rows"] for one in json.loads(Path("out/split.json").read_text())["parts"]) == KILLED_ROWS
