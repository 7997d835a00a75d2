"""Bad input gets one clear sentence and the documented exit code; no traceback, and nothing is left behind."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from fairaudit.cli import _run
from fairaudit.data.source import Source
from tests.models.conftest import built

__all__ = ["built"]  # the fixture

GOOD = "sex,y,s\n" + "f,1,0.9\nm,0,0.2\n" * 20
FLAGS = ("--label", "y", "--score-column", "s", "--protected", "sex", "--engine", "native")
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("good.csv").write_text(GOOD)


def _told(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit code of an audit into `out`, and what it said on standard error; nothing may be in `out`."""
    code = _run(["audit", *(() if "--out" in arguments else ("--out", "out")), *arguments])
    said = capfd.readouterr()
    assert not Path("out").exists() and "Traceback" not in said.err + said.out
    return code, said.err


CSV = {
    "empty file": ("", 4, "a.csv is empty; it needs a header line and rows."),
    "header only": ("sex,y,s\n", 4, "a.csv has a header and no rows; give data with rows."),
    "three labels": ("sex,y,s\nf,1,0.5\nm,0,0.1\nf,2,0.1\n", 4, "a.csv: the column 'y' must hold two values and holds 3: '0', '1', '2'; name another column, mend the data, or say with --missing 'y=TEXT' what means a missing value."),
    "NaN scores": ("sex,y,s\nf,1,nan\nm,0,0.2\n", 4, "a.csv, row 1: the score column 's' is NaN or infinite (nan), as in 1 row in all; mend or leave out these rows, or if it means a missing value, add --missing 's=nan'."),
    "a text for a score": ("sex,y,s\nf,1,high\nm,0,0.2\n", 4, "a.csv, row 1: the score column 's' holds 'high', which is no number, as in 1 row in all; mend it, or if it means a missing value, add --missing 's=high'."),
    "ragged": ("sex,y,s\nf,1,0.5\nm,0\n", 4, "a.csv, line 3: the header has 3 columns and this line has 2; mend or quote it."),
    "a quote left open": ('sex,y,s\nf,1,0.5\n"m,0,0.1\n', 4, "a.csv, line 3: a quote is opened and never closed; mend the line."),
    "duplicate columns": ("sex,y,s,y\nf,1,0.5,1\n", 2, "a.csv has more than one column 'y'; rename all but one."),
    "mixed line ends": (
        "sex,y,s\nf,1,0.5\nm,0,0.5\r\n", 4, "a.csv is not CSV: its lines end now in one way and now in another (Windows, Unix), or a quote stands where none may; save it anew.",
    ),
    "a label that Python alone takes for 1": (
        "sex,y,s\nf,0_1,0.5\nm,0,0.5\n", 2, "a.csv: the column 'y' holds '0', '0_1'; say which is positive with --positive VALUE.",
    ),
    "semicolons": ("sex;y;s\nf;1;0.5\n", 2, "a.csv, line 1: its columns seem to be separated by ';'; save it with commas."),
    "no such column": ("gender,y,s\nf,1,0.5\n", 2, "a.csv has no column 'sex', which --protected needs; its columns are gender, y, s."),
    "a column nearly named": ("sexx,y,s\nf,1,0.5\n", 2, "a.csv has no column 'sex', which --protected needs; did you mean 'sexx'?"),
}


@pytest.mark.parametrize("case", CSV, ids=str)
def test_a_csv_that_cannot_be_audited(case: str, capfd: pytest.CaptureFixture[str]) -> None:
    content, code, sentence = CSV[case]
    Path("a.csv").write_text(content, newline="")
    assert _told(capfd, "--data", "a.csv", *FLAGS) == (code, f"fairaudit: {sentence}\n")


FLAG = {
    "a model's flag without a model": (("--data", "good.csv", *FLAGS, "--activation", "sigmoid"), 2, "--activation is about a model, and no --model DIR is given; leave it out."),
    "a threshold for decisions": (
        ("--data", "good.csv", "--decision-column", "s", "--protected", "sex", "--at-threshold", "positive"), 2, "--at-threshold is about scores, and --decision-column holds decisions; leave it out.",
    ),
    "crosses of too many": (("--data", "good.csv", *FLAGS, "--intersections", "9"), 2, "--intersections is 9; give a whole number from 1, for no crosses, to 4."),
    "crosses of one": (("--data", "good.csv", *FLAGS, "--intersections", "2"), 2, "--intersections is 2, and only 1 attribute is protected; name more with --protected, or ask for less."),
    "quiet and verbose": (("--data", "good.csv", *FLAGS, "--quiet", "--verbose"), 2, "--quiet and --verbose exclude each other; keep one."),
    "a cross with nothing": (("--data", "good.csv", *FLAGS, "--slice", "sex*"), 2, "--slice 'sex*' is not a cross of different attributes; write it as 'sex*race'."),
    "a cross with no such column": (("--data", "good.csv", *FLAGS, "--slice", "sex*race"), 2, "good.csv has no column 'race', which --slice needs"),
    "no such file": (("--data", "none.csv", *FLAGS), 2, "none.csv: there is no such file; check --data."),
    "no data": (FLAGS, 2, "no data: name a CSV or Parquet file, a folder or a glob with --data PATH."),
    "no such pattern": (("--data", "*.parquet", *FLAGS), 2, "*.parquet: there is no such file for this pattern; check --data."),
    "positive value absent": (("--data", "good.csv", *FLAGS, "--positive", "yes"), 2, "good.csv: the column 'y' has no value 'yes'; its values are '0', '1'; say which is positive with --positive VALUE."),
    "unknown rule": (("--data", "good.csv", *FLAGS, "--rule", "four-fifth"), 2, "there is no rule 'four-fifth'; did you mean 'four-fifths'?"),
    "not a SavedModel": (("--data", "good.csv", "--model", "good.csv", "--protected", "sex"), 2, "good.csv"),
    "two sources of decisions": (("--data", "good.csv", *FLAGS, "--model", "m"), 2, "--model DIR and --score-column COL exclude each other; keep one."),
    "an edge that is no number": (("--data", "good.csv", *FLAGS, "--bins", "s=low"), 2, "--bins 's=low': 'low' is no number; give edges as '25,45,65', named bands as 'young:25,adult:65,old', or 'quantiles:4'."),
    "a reference that is not there": (("--data", "good.csv", *FLAGS, "--reference", "sex=F"), 2, "--reference: there is no value of sex 'F'; did you mean 'f'?"),
    "a reference of no attribute": (("--data", "good.csv", *FLAGS, "--reference", "sax=f"), 2, "--reference: there is no protected attribute 'sax'; did you mean 'sex'?"),
    "a gate with nothing to judge": (("--data", "good.csv", *FLAGS, "--gate"), 2, "--gate has nothing to judge: name a rule with --rule ID, as four-fifths."),
    "a rule without its label": (("--data", "good.csv", "--score-column", "s", "--protected", "sex", "--rule", "equal-opportunity"), 2, "the rule 'equal-opportunity'"),
    "an option nobody knows": (("--data", "good.csv", "--protcted", "sex"), 2, "--protcted"),
    "nothing to audit": (("--data", "good.csv", "--protected", "sex"), 2, "nothing to audit: give --model DIR, --score-column COL or --decision-column COL."),
    "no attribute": (("--data", "good.csv", "--label", "y", "--score-column", "s"), 2, "no protected attribute: name one with --protected COL."),
    "a batch of no rows": (("--data", "good.csv", *FLAGS, "--batch-size", "0"), 2, "the batch size is 0; give a whole number of at least 1."),
    "a seed below 0": (("--data", "good.csv", *FLAGS, "--seed", "-1"), 2, "the seed is -1; give a whole number of at least 0."),
    "a positive label without a label": (("--data", "good.csv", "--score-column", "s", "--protected", "sex", "--positive", "1"), 2, "no --label COL is given"),
    "a positive decision without one": (("--data", "good.csv", *FLAGS, "--positive-decision", "1"), 2, "no --decision-column COL is given"),
    "a cross with itself": (("--data", "good.csv", *FLAGS, "--slice", "sex*sex"), 2, "--slice 'sex*sex' is not a cross of different attributes; write it as 'sex*race'."),
    "edges that fall": (("--data", "good.csv", *FLAGS, "--bins", "sex=2,1"), 2, "--bins 'sex=2,1': the edges must be finite and rise."),
    "a column for two parts": (("--data", "good.csv", *FLAGS, "--weight", "y"), 2, "column 'y' cannot be both the label and the weight."),
    "a score as an attribute": (("--data", "good.csv", *FLAGS, "--bins", "s=0.5"), 2, "column 's' cannot be both the score and a protected attribute."),
    "an engine nobody knows": (("--data", "good.csv", "--engine", "fairlearn"), 2, "fairlearn"),
    "no place to write": (("--data", "good.csv", *FLAGS, "--out", "/proc/out"), 2, "/proc/out cannot be written"),
    "steps for decisions": (
        ("--data", "good.csv", "--decision-column", "s", "--protected", "sex", "--threshold-sweep", "0.1"), 2, "--threshold-sweep is about scores, and --decision-column holds decisions; leave it out.",
    ),
    "thresholds for decisions": (
        ("--data", "good.csv", "--decision-column", "s", "--protected", "sex", "--threshold", "0.5", "--threshold", "0.4"), 2, "--threshold is about scores, and --decision-column holds decisions; leave it out.",
    ),
    "a group's threshold for decisions": (
        ("--data", "good.csv", "--decision-column", "s", "--protected", "sex", "--group-threshold", "sex=f:0.1"), 2, "--group-threshold is about scores, and --decision-column holds decisions; leave it out.",
    ),
    "a group's threshold without a number": (("--data", "good.csv", *FLAGS, "--group-threshold", "sex=f"), 2, "--group-threshold 'sex=f' is not of the form A=VALUE:T, as 'race=Black:0.4'."),
    "a group's threshold that is none": (("--data", "good.csv", *FLAGS, "--group-threshold", "sex=f:low"), 2, "--group-threshold 'sex=f:low': 'low' is no number; the form is A=VALUE:T, as 'race=Black:0.4'."),
    "a group's threshold twice": (("--data", "good.csv", *FLAGS, "--group-threshold", "sex=f:0.1", "--group-threshold", "sex=f:0.2"), 2, "--group-threshold is given twice for sex=f; keep one."),
    "a group's threshold that is everyone's": (("--data", "good.csv", *FLAGS, "--group-threshold", "sex=f:0.5"), 2, "group_thresholds give no group of 'sex' a threshold other than everyone's, 0.5; leave them out."),
    "a step to the threshold itself": (("--data", "good.csv", *FLAGS, "--threshold-sweep", "0.5"), 2, "--threshold-sweep 0.5 describes nothing besides the threshold itself; give a smaller step, as 0.05."),
    "a step of nothing": (("--data", "good.csv", *FLAGS, "--threshold-sweep", "0"), 2, "--threshold-sweep is 0; give a step from 0.01 to 0.5, as 0.05."),
    "a threshold that is none": (("--data", "good.csv", *FLAGS, "--threshold", "nan"), 2, "the threshold is nan; give a finite number."),
}


@pytest.mark.parametrize("case", FLAG, ids=str)
def test_flags_that_cannot_be_meant(case: str, capfd: pytest.CaptureFixture[str]) -> None:
    arguments, code, sentence = FLAG[case]
    found, said = _told(capfd, *arguments)
    assert (found, said.count("\n")) == (code, 1) and said.startswith("fairaudit: ") and sentence in said


def test_several_mistakes_are_told_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    code, said = _told(capfd, "--data", "good.csv", "--label", "z", "--score-column", "s", "--protected", "sax", "--rule", "fourfifths", "--threshold", "inf")
    assert code == 2 and said.count("fairaudit: ") == 4
    assert all(part in said for part in ("'z'", "'sax'", "'fourfifths'", "threshold is inf"))


def test_an_audit_of_nothing_is_told_all_that_it_lacks_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["audit"]) == 2
    said = capfd.readouterr().err
    assert said.count("fairaudit: ") == 4 and all(flag in said for flag in ("--out DIR", "--data PATH", "--score-column COL", "--protected COL"))


def test_one_word_where_a_list_is_wanted_is_told_with_its_brackets(capfd: pytest.CaptureFixture[str]) -> None:
    Path("x.yaml").write_text("protected: sex\ndata: good.csv\n")
    code, said = _told(capfd, "--score-column", "s", "--config", "x.yaml")
    assert code == 2 and "'protected' must be a list, and is 'sex'; write [sex]." in said and "write [good.csv]." in said


@pytest.mark.parametrize("weight", ["-1", ""])
def test_a_weight_that_cannot_be(weight: str, capfd: pytest.CaptureFixture[str]) -> None:
    Path("a.csv").write_text(f"sex,y,s,w\nf,1,0.5,1\nm,0,0.5,{weight}\n")
    code, said = _told(capfd, "--data", "a.csv", *FLAGS, "--weight", "w")
    assert code == 4 and "a.csv, row 2: the weight is " in said


@pytest.mark.parametrize(("count", "told"), [("-1", "the count is no number of rows"), ("1.5", "the count is no number of rows"), ("", "the count is missing"), ("two", "holds 'two', which is no number")])
def test_a_count_that_cannot_be(count: str, told: str, capfd: pytest.CaptureFixture[str]) -> None:
    Path("a.csv").write_text(f"sex,y,s,n\nf,1,0.5,3\nm,0,0.5,{count}\nm,0,0.5,0\n")
    code, said = _told(capfd, "--data", "a.csv", *FLAGS, "--count", "n")
    assert code == 4 and said.startswith("fairaudit: a.csv, row 2: the count") and told in said


def test_a_gzip_that_is_cut_off(capfd: pytest.CaptureFixture[str]) -> None:
    whole = gzip.compress(("sex,y,s\n" + "".join(f"f,{n % 2},0.{n * 7919 % 104729}\n" for n in range(30_000))).encode())
    Path("a.csv.gz").write_bytes(whole[: len(whole) // 2])
    assert _told(capfd, "--data", "a.csv.gz", *FLAGS) == (4, "fairaudit: a.csv.gz cannot be read: its gzip stream is broken or cut off.\n")


@pytest.mark.parametrize("damage", [slice(0, 300), slice(0, -4)])
def test_a_parquet_file_that_is_not_whole(damage: slice, capfd: pytest.CaptureFixture[str]) -> None:
    pq.write_table(pa.table({"sex": ["f", "m"] * 99, "y": [1, 0] * 99, "s": [0.5, 0.1] * 99}), "a.parquet")
    Path("a.parquet").write_bytes(Path("a.parquet").read_bytes()[damage])
    code, said = _told(capfd, "--data", "a.parquet", *FLAGS)
    assert code == 4 and said.startswith("fairaudit: a.parquet cannot be read: it is not a whole Parquet file")


def test_a_parquet_file_with_damaged_pages(capfd: pytest.CaptureFixture[str]) -> None:
    pq.write_table(pa.table({"sex": [str(n) for n in range(5000)], "y": [1, 0] * 2500, "s": [0.5, 0.1] * 2500}), "a.parquet", compression="snappy")
    content = bytearray(Path("a.parquet").read_bytes())
    content[40:4000] = bytes(3960)
    Path("a.parquet").write_bytes(content)
    code, said = _told(capfd, "--data", "a.parquet", *FLAGS)
    assert code == 4 and said.startswith("fairaudit: a.parquet cannot be read") and said.count("\n") == 1


@pytest.mark.parametrize("flag", ["--config", "--rule"])
def test_malformed_yaml_is_told_by_its_line(flag: str, capfd: pytest.CaptureFixture[str]) -> None:
    Path("x.yaml").write_text("label: y\nprotected: [sex\nrules: a: b\n")
    code, said = _told(capfd, "--data", "good.csv", *FLAGS, flag, "x.yaml")
    assert code == 2 and said.startswith("fairaudit: x.yaml:3:6: this is not YAML") and "rules: a: b" in said


def test_a_configurations_mistakes_are_told_by_line_with_the_nearest_name(capfd: pytest.CaptureFixture[str]) -> None:
    Path("x.yaml").write_text("lable: y\nthreshold: half\n")
    code, said = _told(capfd, "--data", "good.csv", *FLAGS, "--config", "x.yaml")
    assert code == 2 and "x.yaml:1:1: " in said and "did you mean 'label'?" in said and "x.yaml:2:12: " in said


def test_an_out_that_is_a_file_or_below_one_is_told_before_the_work(capfd: pytest.CaptureFixture[str]) -> None:
    Path("taken").write_text("mine")
    for out in ("taken", "taken/below"):
        assert _run(["audit", "--data", "good.csv", *FLAGS, "--out", out]) == 2
        assert f"--out {out}" in capfd.readouterr().err
    assert Path("taken").read_text() == "mine"


def test_a_folder_that_holds_something_else_is_left_alone_unless_forced(capfd: pytest.CaptureFixture[str]) -> None:
    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("years of work")
    assert _run(["audit", "--data", "good.csv", *FLAGS, "--out", "mine"]) == 2
    assert "--force" in capfd.readouterr().err and os.listdir("mine") == ["thesis.txt"]
    assert _run(["audit", "--data", "good.csv", *FLAGS, "--out", "mine", "--force"]) == 0
    assert sorted(os.listdir("mine")) == ["audit.json", "cube.parquet", "report.html", "thesis.txt"]


def test_a_full_disk_is_told_and_the_former_audit_stays(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert _run(["audit", "--data", "good.csv", *FLAGS, "--out", "out"]) == 0
    before = {path.name: path.read_bytes() for path in Path("out").iterdir()}
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    capfd.readouterr()
    assert _run(["audit", "--data", "good.csv", *FLAGS, "--threshold", "0.7", "--out", "out"]) == 4
    assert "no disk space is left" in capfd.readouterr().err
    assert {path.name: path.read_bytes() for path in Path("out").iterdir()} == before


INTERRUPTED = {  # what is made to take very long, and says so when it begins
    "ourselves": """
from fairaudit import run
run.counts = lambda cube: (print('now', flush=True), time.sleep(60))
""",
    "DuckDB": """
from fairaudit.cube import scored
count = scored.count
scored.count = lambda connection, rows, plan: (print('now', flush=True), count(connection, f'SELECT one.* FROM ({rows}) one, range(1000000000)', plan))[1]
""",
    "the model": """
from fairaudit.cube import scored
streamed = scored._streamed
scored._streamed = lambda rows, features: (print('now', flush=True), f'SELECT one.* FROM ({streamed(rows, features)}) one, range(1000000000)')[1]
""",
    "the other process": """
from fairaudit.metrics.apart import Apart
ask = Apart.ask
Apart.ask = lambda self, wanted, counts: (print('now', flush=True), ask(self, wanted * 100_000, counts))[1]
""",
}


@pytest.mark.parametrize("what", INTERRUPTED)
def test_an_interrupt_ends_quickly_with_its_code_and_leaves_nothing(what: str, built: Callable[[str], Path]) -> None:
    Path("people.csv").write_text("age,hours,sex,is_member,y,s\n" + "20,30,Female,true,1,0.5\n40,30,Male,true,0,0.5\n" * 200)
    scores = ("--score-column", "s", "--engine", "native") if what in ("ourselves", "DuckDB") else ("--model", str(built("people")), "--engine", "tfma")
    code = f"import fairaudit.cli, time\n{INTERRUPTED[what]}\nfairaudit.cli.main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "audit", "--data", "people.csv", "--label", "y", "--protected", "sex", *scores, "--out", "out"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell that runs these tests in the background lets them ignore it
    )  # fmt: skip
    try:
        assert process.stdout is not None and process.stdout.readline() == "now\n"
        began = time.monotonic()
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()  # a run that never ends would take a core for ever
    assert (process.returncode, said.lstrip()) == (130, "fairaudit: interrupted; no file is half-written.\n")
    assert time.monotonic() - began < 15 and not Path("out").exists()


def test_duckdbs_own_word_for_an_interrupt_is_one_wherever_it_is_raised(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Source) -> None:
        raise duckdb.InterruptException("INTERRUPT Error: Interrupted!")

    monkeypatch.setattr(Source, "connect", interrupted)
    assert _told(capfd, "--data", "good.csv", *FLAGS) == (130, "fairaudit: interrupted; no file is half-written.\n")


def _unreadable(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes a folder one that may not be listed; chmod would not stop root, who may run these tests."""
    scandir = os.scandir

    def refusing(path: Any = ".") -> Any:
        if Path(path).name == folder:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    monkeypatch.setattr(os, "listdir", lambda path=".": [one.name for one in refusing(path)])


def test_a_folder_of_the_data_that_may_not_be_read_is_told(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    Path("data/locked").mkdir(parents=True)
    Path("data/a.csv").write_text(GOOD)
    _unreadable("locked", monkeypatch)
    assert _told(capfd, "--data", "data", *FLAGS) == (2, "fairaudit: data/locked cannot be opened: Permission denied; give only folders that may be read.\n")


def test_a_model_and_an_out_that_may_not_be_read_are_told(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    Path("model").mkdir()
    Path("taken").mkdir()
    for folder, flags, told in (
        ("model", ("--model", "model", "--protected", "sex"), "the model model cannot be read: Permission denied; check --model and who may read it"),
        ("taken", (*FLAGS, "--out", "taken"), "--out taken cannot be a folder of ours: Permission denied; name another."),
    ):
        with monkeypatch.context() as patched:
            _unreadable(folder, patched)
            assert _told(capfd, "--data", "good.csv", *flags) == (2, f"fairaudit: {told}\n")


def test_two_files_of_one_name_are_told_apart(capfd: pytest.CaptureFixture[str]) -> None:
    for folder, score in (("first", "0.5"), ("second", "high")):
        Path(folder).mkdir()
        Path(folder, "a.csv").write_text(f"sex,y,s\nf,1,0.5\nm,0,{score}\n")
    code, said = _told(capfd, "--data", "first", "--data", "second", *FLAGS)
    assert code == 4 and said.startswith("fairaudit: second/a.csv, row 2: the score column 's' holds 'high', which is no number")


@pytest.mark.parametrize(
    ("writes", "sentence"),
    [
        ("xlsx=t.xlsx", "--write: there is no format 'xlsx'; there are csv, parquet."),
        ("t.csv", "--write 't.csv' is not of the form FORMAT=PATH, as csv=table.csv."),
        ("csv=/proc/t.csv", "/proc cannot be written"),
    ],
)
def test_a_table_that_cannot_be_written_is_told(writes: str, sentence: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["audit", "--data", "good.csv", *FLAGS, "--out", "out"]) == 0
    capfd.readouterr()
    assert _run(["table", "out", "--write", writes]) == 2
    said = capfd.readouterr().err
    assert said.startswith("fairaudit: ") and said.count("\n") == 1 and sentence in said


def test_an_audit_file_that_is_none_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    Path("audit.json").write_text('{"schema": "fairaudit/audit/9"}')
    for arguments in (["gate", "audit.json"], ["report", "audit.json"], ["table", "audit.json"]):
        assert _run(arguments) == 2
        said = capfd.readouterr().err
        assert said.startswith("fairaudit: audit.json is not an audit file that fairaudit can read") and said.count("\n") == 1
    assert _run(["gate", "nowhere/audit.json"]) == 2
    assert "nowhere/audit.json" in capfd.readouterr().err


def test_names_too_long_for_any_file_are_told(capfd: pytest.CaptureFixture[str]) -> None:
    long = "a" * 300
    for arguments in (["audit", "--data", long, *FLAGS, "--out", "out"], ["audit", "--data", "good.csv", *FLAGS, "--out", long], ["gate", long]):
        assert _run(arguments) == 2
        said = capfd.readouterr().err
        assert said.startswith("fairaudit: ") and said.count("\n") == 1 and "File name too long" in said


def test_what_cannot_be_moved_into_place_leaves_the_folder_as_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["audit", "--data", "good.csv", *FLAGS, "--out", "out"]) == 0
    os.remove("out/report.html")
    Path("out/report.html").mkdir()
    Path("out/report.html/mine").write_text("kept")
    before = {name: Path("out", name).read_bytes() for name in ("audit.json", "cube.parquet")}
    os.chmod("out", 0o755)
    _run(["audit", "--data", "good.csv", *FLAGS, "--threshold", "0.7", "--out", "out"])
    if Path("out/report.html").is_dir():  # it was not replaced: then nothing else was
        assert {name: Path("out", name).read_bytes() for name in before} == before
    assert not [name for name in os.listdir("out") if name.startswith(".")]


def test_somebody_elses_audit_json_is_left_alone(capfd: pytest.CaptureFixture[str]) -> None:
    Path("out").mkdir()
    Path("out/audit.json").write_text('{"auditReportVersion": 2}')
    assert _run(["audit", "--data", "good.csv", *FLAGS, "--out", "out"]) == 2
    assert "--force" in capfd.readouterr().err and Path("out/audit.json").read_text() == '{"auditReportVersion": 2}'


def test_a_flag_that_is_given_twice_for_one_attribute_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    code, said = _told(capfd, "--data", "good.csv", *FLAGS, "--reference", "sex=f", "--reference", "sex=m")
    assert (code, said) == (2, "fairaudit: --reference is given twice for 'sex'; keep one.\n")


@pytest.mark.parametrize(("rates", "code"), [((0.9, 0.2), 1), ((0.9, 0.9), 0)])
def test_a_pipe_that_is_closed_changes_no_exit_code(rates: tuple[float, float], code: int) -> None:
    rows = "".join(f"{sex},1,{0.9 if k < 200 * rate else 0.1}\n" for sex, rate in zip("fm", rates, strict=True) for k in range(200))
    Path("a.csv").write_text("sex,y,s\n" + rows)
    assert _run(["audit", "--data", "a.csv", *FLAGS, "--rule", "four-fifths", "--out", "out"]) == 0
    command = f"{sys.executable} -m fairaudit gate out/audit.json"
    for piped in (f"{command} | true", f"({command}; echo $? >&2) >/dev/null"):
        done = subprocess.run(["bash", "-c", f"{piped}; exit ${{PIPESTATUS[0]}}"], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
        assert "Traceback" not in done.stderr and "Broken" not in done.stderr
        assert done.returncode == (code if "| true" in piped else 0)


def test_a_standard_output_that_is_full_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["audit", "--data", "good.csv", *FLAGS, "--rule", "four-fifths", "--out", "out"]) == 0
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m fairaudit gate out/audit.json > /dev/full"], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert (done.returncode, done.stderr) == (4, "fairaudit: standard output cannot be written: No space left on device.\n")


def test_what_was_not_foreseen_is_no_violation(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from fairaudit import run

    monkeypatch.setattr(run, "counts", lambda cube: 1 / 0)
    code, said = _told(capfd, "--data", "good.csv", *FLAGS)
    assert code == 4 and said.startswith("fairaudit: this was not foreseen (ZeroDivisionError") and said.count("\n") == 1


def test_what_is_asked_of_a_gate_needs_one(capfd: pytest.CaptureFixture[str]) -> None:
    code, told = _told(capfd, "--data", "some.csv", "--fail-on", "warn", "--out", "out")
    assert code == 2 and "--fail-on is asked of the gate; add --gate, or leave it out." in told
