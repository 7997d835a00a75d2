"""The commands do what their help says, in a terminal, in a pipe and in CI."""

from __future__ import annotations

import gzip
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.csv  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from fairaudit.cli import _run
from tests.models.conftest import built

__all__ = ["built"]  # the fixture

ROOT = Path(__file__).parent.parent.parent
FLAGS = ("--label", "y", "--score-column", "s", "--protected", "sex", "--engine", "native")
HEADER, ROWS = "sex,y,s\n", "f,1,0.9\nm,0,0.2\nm,1,0.7\nf,0,0.1\n" * 50
UNFAIR = "f,1,0.1\nm,1,0.9\nf,0,0.1\nm,0,0.9\n" * 50


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text(HEADER + ROWS)
    Path("unfair.csv").write_text(HEADER + UNFAIR)


def _audited(*arguments: str) -> Any:
    """What audit.json holds after an audit, which must succeed."""
    assert _run(["audit", *arguments, "--out", "out", "--quiet"]) == 0
    return json.loads(Path("out/audit.json").read_text())


def _done(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A run of the program with its output in pipes."""
    return subprocess.run([sys.executable, "-m", "fairaudit", *arguments], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)} | environment)


def _on_a_terminal(*arguments: str, **environment: str) -> str:
    """All that a run of the program writes to a terminal."""
    process, terminal = pty.fork()
    if process == 0:
        os.environ.pop("CI", None)
        os.environ.update({"PYTHONPATH": str(ROOT), "TERM": "xterm", **environment})
        os.execv(sys.executable, [sys.executable, "-m", "fairaudit", *arguments])
    written = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        written += part
    os.waitpid(process, 0)
    return written.decode()


def test_flags_win_over_the_configuration_and_replace_its_lists() -> None:
    Path("ours.yaml").write_text("data: [a.csv]\nlabel: y\nscore_column: s\nprotected: [sex, y]\nthreshold: 0.3\nengines: [native]\nout: out\n")
    plain = _audited("--config", "ours.yaml")
    assert (plain["manifest"]["config"]["threshold"], plain["slicings"]) == (0.3, [["sex"], ["y"]])
    flagged = _audited("--config", "ours.yaml", "--threshold", "0.6", "--protected", "sex")
    assert (flagged["manifest"]["config"]["threshold"], flagged["slicings"]) == (0.6, [["sex"]])


def test_the_first_threshold_decides_and_the_others_are_described() -> None:
    Path("ours.yaml").write_text("data: [a.csv]\nlabel: y\nscore_column: s\nprotected: [sex]\nother_thresholds: [0.1]\nthreshold_sweep: 0.25\nengines: [native]\nout: out\n")
    plain = _audited("--config", "ours.yaml")
    assert (plain["counts"][0]["threshold"], plain["sweeps"][0]["thresholds"]) == (0.5, [0.1, 0.25, 0.5, 0.75])
    flagged = _audited("--config", "ours.yaml", "--threshold", "0.6", "--threshold", "0.8")
    assert (flagged["counts"][0]["threshold"], flagged["sweeps"][0]["thresholds"]) == (0.6, [0.25, 0.5, 0.6, 0.75, 0.8])


def test_a_sweep_as_a_table_has_a_row_for_each_number(capsys: pytest.CaptureFixture[str]) -> None:
    _audited("--data", "a.csv", *FLAGS, "--threshold-sweep", "0.25")
    capsys.readouterr()
    assert _run(["table", "out", "--of", "sweeps", "--write", "parquet=t.parquet"]) == 0
    rows = pq.read_table("t.parquet").to_pylist()
    rates = {(one["slice"], one["threshold"]): one["value"] for one in rows if one["metric"] == "selection_rate"}
    # a.csv has 0.9 and 0.1 for f, 0.2 and 0.7 for m.
    assert rates == {("everyone", 0.25): 0.5, ("everyone", 0.5): 0.5, ("everyone", 0.75): 0.25} | {
        (f"sex={sex}", step): value for sex, values in (("f", (0.5, 0.5, 0.5)), ("m", (0.5, 0.5, 0.0))) for step, value in zip((0.25, 0.5, 0.75), values, strict=True)
    }
    undefined = [one for one in rows if (one["metric"], one["slice"], one["threshold"]) == ("positive_predictive_value", "sex=m", 0.75)]
    assert [(one["value"], one["lower"], one["status"], one["reason"], one["slice_sex"]) for one in undefined] == [(None, None, "undefined", "nobody was selected", "m")]
    infinite = [one["reason"] for one in rows if one["status"] == "infinite"]
    assert set(infinite) == {"some rows are false negatives, who get no benefit at all"}


def test_groups_may_be_decided_at_thresholds_of_their_own() -> None:
    found = _audited("--data", "a.csv", *FLAGS, "--group-threshold", "sex=f:0.05", "--group-threshold", "sex=m:0.8")
    rates = {tuple(one["slice"].items()): one["value"] for one in found["measurements"] if one["metric"] == "selection_rate"}
    assert rates == {(): 0.5, (("sex", "f"),): 1.0, (("sex", "m"),): 0.0}
    Path("ours.yaml").write_text("data: [a.csv]\nlabel: y\nscore_column: s\nprotected: [sex]\ngroup_thresholds: {sex: {f: 0.05, m: 0.8}}\nengines: [native]\nout: out\n")
    assert _audited("--config", "ours.yaml")["measurements"] == found["measurements"]


@pytest.mark.parametrize(("data", "code"), [("a.csv", 0), ("unfair.csv", 1)])
def test_the_gate_ends_as_the_audit_with_gate_did(data: str, code: int) -> None:
    flags = ("--data", data, *FLAGS, "--rule", "four-fifths", "--out", "out")
    assert _run(["audit", *flags, "--gate"]) == _run(["gate", "out/audit.json"]) == _run(["gate", "out"]) == code
    assert _run(["audit", *flags]) == 0


def test_the_gate_takes_other_rules() -> None:
    _audited("--data", "unfair.csv", *FLAGS)
    assert _run(["gate", "out", "--rule", "four-fifths"]) == 1
    assert _run(["gate", "out", "--rule", "equal-opportunity"]) == 1


def test_a_rule_that_reads_upside_down_where_decisions_harm_is_noted() -> None:
    for effect, noted in (("helps", False), ("harms", True)):
        notes = _audited("--data", "a.csv", *FLAGS, "--rule", "equal-opportunity", "--effect", effect)["notes"]
        assert any("'equal-opportunity' takes a higher true positive rate for better" in note for note in notes) == noted


def test_a_report_that_is_rendered_again_has_the_same_bytes() -> None:
    _audited("--data", "unfair.csv", *FLAGS, "--rule", "four-fifths")
    first = Path("out/report.html").read_bytes()
    assert _run(["report", "out/audit.json", "--out", "again.html"]) == 0
    assert Path("again.html").read_bytes() == first


def test_quiet_is_the_verdict_alone_and_verbose_has_every_finding(capfd: pytest.CaptureFixture[str]) -> None:
    flags = ("audit", "--data", "unfair.csv", *FLAGS, "--rule", "four-fifths", "--out", "out")
    _run([*flags, "--quiet"])
    quiet = capfd.readouterr()
    assert (quiet.out.count("\n"), quiet.err) == (1, "") and quiet.out.startswith("FAIL")
    _run([*flags, "--verbose"])
    shown = capfd.readouterr().out
    assert all(one["reason"] in shown for one in json.loads(Path("out/audit.json").read_text())["findings"])


def test_in_a_pipe_there_is_no_colour_and_nothing_on_standard_error() -> None:
    done = _done("audit", "--data", "a.csv", *FLAGS, "--rule", "four-fifths", "--out", "out")
    assert (done.returncode, done.stderr) == (0, "") and "\x1b" not in done.stdout


def test_a_terminal_gets_colour_unless_the_user_wants_none() -> None:
    flags = ("audit", "--data", "a.csv", *FLAGS, "--rule", "four-fifths", "--out", "out")
    assert "\x1b[3" in _on_a_terminal(*flags)
    assert "\x1b[3" not in _on_a_terminal(*flags, NO_COLOR="1")


def test_a_terminal_gets_progress_unless_it_is_in_ci_or_quiet() -> None:
    duckdb.sql("COPY (SELECT 'abcde'[1 + i % 5] AS sex, i % 2 AS y, random() AS s FROM range(1500000) t(i)) TO 'big.csv'")
    flags = ("audit", "--data", "big.csv", *FLAGS, "--out", "out")
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", _on_a_terminal(*flags))
    assert re.search(r"checking .*%", shown) and re.search(r"counting .* of 1,500,000 rows, [\d,]+ a second", shown)
    assert "counting" not in _on_a_terminal(*flags, CI="true") and "counting" not in _on_a_terminal(*flags, "--quiet")


def test_the_table_holds_the_audits_numbers(capfd: pytest.CaptureFixture[str]) -> None:
    audit = _audited("--data", "a.csv", *FLAGS)
    assert _run(["table", "out", "--write", "csv=t.csv", "--write", "parquet=t.parquet"]) == 0
    for table in (pyarrow.csv.read_csv("t.csv"), pq.read_table("t.parquet")):
        found = {(row["metric"], row["params"] or "", row["slice"]): row["value"] for row in table.to_pylist()}
        assert len(found) == len(audit["measurements"]) == table.num_rows
        (wanted,) = (one["value"] for one in audit["measurements"] if one["metric"] == "true_positive_rate" and one["slice"] == {"sex": "m"})
        assert found["true_positive_rate", "", "sex=m"] == pytest.approx(wanted, abs=1e-15)
    capfd.readouterr()
    assert _run(["table", "out", "--of", "comparisons"]) == 0
    assert len(capfd.readouterr().out.splitlines()) == 1 + len(audit["comparisons"])


def _in_files(kind: str) -> list[str]:
    """The rows of a.csv written in another way; the paths to name."""
    halves = ROWS[: len(ROWS) // 2], ROWS[len(ROWS) // 2 :]
    table = pyarrow.csv.read_csv("a.csv")
    Path("parts").mkdir()
    match kind:
        case "gzip":
            Path("a.csv.gz").write_bytes(gzip.compress((HEADER + ROWS).encode()))
            return ["a.csv.gz"]
        case "byte order mark":
            Path("bom.csv").write_bytes(b"\xef\xbb\xbf" + (HEADER + ROWS).encode())
            return ["bom.csv"]
        case "quoted":
            Path("quoted.csv").write_text("".join(",".join(f'"{one}"' for one in line.split(",")) + "\n" for line in (HEADER + ROWS).splitlines()))
            return ["quoted.csv"]
        case "Windows line ends":
            Path("crlf.csv").write_bytes((HEADER + ROWS).replace("\n", "\r\n").encode())
            return ["crlf.csv"]
        case "two CSV files":
            for place, half in enumerate(halves):
                Path(f"parts/{place}.csv").write_text(HEADER + half)
            return ["parts/0.csv", "parts/1.csv"]
        case "Parquet":
            pq.write_table(table, "a.parquet")
            return ["a.parquet"]
        case _:
            for place in range(2):
                pq.write_table(table.slice(place * 100, 100), f"parts/{place}.parquet")
            return ["parts" if kind == "a folder" else "parts/*.parquet"]


@pytest.mark.parametrize("kind", ["gzip", "byte order mark", "quoted", "Windows line ends", "two CSV files", "Parquet", "a folder", "a glob"])
def test_the_same_rows_give_the_same_numbers_however_they_are_stored(kind: str) -> None:
    plain = _audited("--data", "a.csv", *FLAGS)
    other = _audited(*(part for path in _in_files(kind) for part in ("--data", path)), *FLAGS)
    assert all(plain[part] == other[part] for part in ("rows", "counts", "measurements", "comparisons"))


@pytest.mark.parametrize(
    ("label", "decision", "flags"),
    [
        (("1", "0"), ("1", "0"), ()),
        (("true", "False"), ("TRUE", "false"), ()),
        (("good", "bad"), ("good", "bad"), ("--positive", "good")),
        (("good", "bad"), ("grant", "refuse"), ("--positive", "good", "--positive-decision", "grant")),
        (("1", "0"), ("grant", "refuse"), ("--positive-decision", "grant")),
    ],
)
def test_labels_and_decisions_may_be_numbers_truths_or_words(label: tuple[str, str], decision: tuple[str, str], flags: tuple[str, ...]) -> None:
    rows = [(sex, label[k % 3 == 0], decision[k % 4 == 0]) for sex in "fm" for k in range(60)]
    Path("d.csv").write_text("sex,y,d\n" + "".join(f"{','.join(row)}\n" for row in rows))
    audit = _audited("--data", "d.csv", "--label", "y", "--decision-column", "d", "--protected", "sex", "--engine", "native", *flags)
    values = {one["metric"]: one["value"] for one in audit["measurements"] if one["slice"] == {"sex": "f"} and not one["params"]}
    assert (values["base_rate"], values["selection_rate"], values["true_positive_rate"]) == (40 / 60, 45 / 60, 30 / 40)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_for_the_shell(shell: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["completion", shell]) == 0
    assert f"{shell}_complete" in capfd.readouterr().out


def test_completion_knows_commands_and_flags() -> None:
    done = _done(COMP_WORDS="fairaudit audit --sco", COMP_CWORD="2", _FAIRAUDIT_COMPLETE="bash_complete")
    assert "plain,--score-column" in done.stdout


def test_the_version_names_the_engines(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["--version"]) == 0
    said = capfd.readouterr().out
    assert re.match(r"fairaudit \d+\.\d+", said) and all(re.search(rf"engine {name}: ", said) for name in ("native", "tfma", "aif360"))


def test_a_model_is_audited_without_a_word_from_its_libraries(built: Callable[[str], Path]) -> None:
    rows = "".join(f"{20 + k},{k % 40},{'Female' if k % 2 else 'Male'},{k % 3 == 0},{k % 5 == 0:d}\n" for k in range(60))
    Path("people.csv").write_text("age,hours,sex,is_member,y\n" + rows)
    model = str(built("people"))
    done = _done("audit", "--model", model, "--data", "people.csv", "--label", "y", "--protected", "sex", "--rule", "four-fifths", "--out", "out")
    assert (done.returncode, done.stderr) == (0, "") and "native" in Path("out/audit.json").read_text()
    assert {"native", "tfma", "aif360"} <= set(json.loads(Path("out/audit.json").read_text())["measurements"][0]["engines"])
    seen = _done("inspect", "--model", model, "--data", "people.csv")
    assert (seen.returncode, seen.stderr) == (0, "")
    assert "serving_default" in seen.stdout and re.search(r"age \(float32\): from", seen.stdout) and "not used: y" in seen.stdout


@pytest.mark.parametrize("command", [("report", "out", "--out"), ("table", "out", "--write")])
def test_a_file_never_takes_the_place_of_a_folder_or_of_an_audit(command: tuple[str, ...], capfd: pytest.CaptureFixture[str]) -> None:
    _audited("--data", "a.csv", *FLAGS)
    before = {path.name: path.read_bytes() for path in Path("out").iterdir()}
    write = "csv={}" if command[0] == "table" else "{}"
    capfd.readouterr()
    Path("renamed.json").write_bytes(before["audit.json"])
    for target, told in (
        ("out", "out is a folder; name a file in it."),
        ("out/audit.json", "out/audit.json is an audit; name another file."),
        ("renamed.json", "renamed.json is an audit; name another file."),
        ("out/cube.parquet", "out/cube.parquet is an audit's cube; name another file."),
    ):
        assert _run([*command, write.format(target)]) == 2
        assert capfd.readouterr().err == f"fairaudit: {told}\n"
    assert {path.name: path.read_bytes() for path in Path("out").iterdir()} == before
    assert Path("renamed.json").read_bytes() == before["audit.json"]


def test_a_link_and_a_pipe_stay_what_they_are() -> None:
    _audited("--data", "a.csv", *FLAGS)
    Path("kept.csv").write_text("old")
    os.symlink("kept.csv", "link.csv")
    assert _run(["table", "out", "--write", "csv=link.csv"]) == 0
    assert Path("link.csv").is_symlink() and Path("kept.csv").read_text().startswith('"metric"')
    done = _done("table", "out", "--write", "csv=/dev/stdout")
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith('"metric"') and Path("/dev/stdout").exists()
    closed = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m fairaudit table out --write csv=/dev/stdout | true; exit ${{PIPESTATUS[0]}}"],
        capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (closed.returncode, closed.stderr) == (0, "")


def test_a_folder_named_as_one_of_our_files_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    Path("mine/report.html").mkdir(parents=True)
    Path("mine/report.html/thesis.txt").write_text("kept")
    assert _run(["audit", "--data", "a.csv", *FLAGS, "--out", "mine", "--force"]) == 2
    assert capfd.readouterr().err == "fairaudit: mine/report.html is a folder, where a file must go; move it away.\n"
    assert sorted(os.listdir("mine")) == ["report.html"] and Path("mine/report.html/thesis.txt").read_text() == "kept"


def test_an_empty_path_and_hidden_folders_are_no_data(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["audit", "--data", "", *FLAGS, "--out", "out"]) == 2
    assert capfd.readouterr().err == "fairaudit: --data is an empty text; is a variable unset? Name a CSV or Parquet file, a folder or a glob.\n"
    Path("data/.ipynb_checkpoints").mkdir(parents=True)
    for folder in ("data", "data/.ipynb_checkpoints"):
        Path(folder, "a.csv").write_text(HEADER + ROWS)
    assert _audited("--data", "data", *FLAGS)["rows"]["read"] == 200


@pytest.mark.parametrize(("output", "encoding"), [(">&-", "utf-8"), ("", "ascii"), ("", "cp1252"), ("2>&-", "utf-8"), ("<&- >&- 2>&-", "utf-8")])
def test_the_verdict_is_the_exit_code_whatever_can_be_printed(output: str, encoding: str) -> None:
    _audited("--data", "unfair.csv", *FLAGS, "--rule", "four-fifths")
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m fairaudit gate out {output}"], capture_output=True, env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding}
    )
    assert (done.returncode, done.stderr) == (1, b"")
    assert bool(done.stdout) == (">&-" not in output.split())


def test_python_reads_by_text_and_renders_what_the_command_line_wrote() -> None:
    import fairaudit

    _audited("--data", "unfair.csv", *FLAGS, "--rule", "four-fifths")
    assert fairaudit.render(fairaudit.read_audit("out")) == Path("out/report.html").read_text()


def test_an_audit_works_where_all_standard_streams_are_closed() -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m fairaudit audit --data unfair.csv {' '.join(FLAGS)} --rule four-fifths --gate --out out <&- >&- 2>&-"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 1 and json.loads(Path("out/audit.json").read_text())["verdict"] == "fail"


def test_what_a_stopped_machine_left_in_a_folder_is_nothing_of_somebody_else() -> None:
    Path("out/.fairaudit-left").mkdir(parents=True)
    assert _audited("--data", "a.csv", *FLAGS)["rows"]["read"] == 200


@pytest.mark.parametrize("name", ["findings", "comparisons"])
def test_a_table_without_rows_has_the_columns_it_would_have(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    Path("one.csv").write_text(HEADER + "f,1,0.9\nf,0,0.1\n" * 20)
    headers = []
    for data, rule in (("unfair.csv", ("--rule", "four-fifths")), ("unfair.csv" if name == "findings" else "one.csv", ())):
        _audited("--data", data, *FLAGS, *rule)
        capfd.readouterr()
        assert _run(["table", "out", "--of", name]) == 0
        header, *rows = capfd.readouterr().out.splitlines()
        headers.append([one for one in header.split(",") if "engine_" not in one])
    assert headers[0] == headers[1] and not (rows and name == "findings")


@pytest.mark.parametrize(("name", "flags"), [("findings", ("--rule", "four-fifths")), ("sweeps", ("--threshold-sweep", "0.25"))])
def test_a_table_without_rows_says_which_flag_of_an_audit_adds_some(name: str, flags: tuple[str, ...], capfd: pytest.CaptureFixture[str]) -> None:
    _audited("--data", "a.csv", *FLAGS)
    capfd.readouterr()
    assert _run(["table", "out", "--of", name, "--write", "csv=t.csv"]) == 0
    said = capfd.readouterr()
    assert said.err.startswith(f"fairaudit: out has no {name}; `fairaudit audit {flags[0]} ") and said.out == f"t.csv: 0 {name}\n"
    _audited("--data", "a.csv", *FLAGS, *flags)
    assert _run(["table", "out", "--of", name, "--write", "csv=t.csv"]) == 0 and capfd.readouterr().err == ""


def test_a_name_that_begins_with_a_tilde_is_a_files_name() -> None:
    os.rename("a.csv", "~a.csv")
    assert _audited("--data", "~a.csv", *FLAGS)["rows"]["read"] == 200


def test_a_csv_whose_quoted_values_run_over_many_lines_is_read() -> None:
    rows = 300_000
    Path("notes.csv").write_text("note,sex,y,s\n" + "".join(f'"a note\n{k}\n",{"fm"[k % 2]},{k % 2},0.5\n' for k in range(rows)))
    assert _audited("--data", "notes.csv", *FLAGS)["rows"]["audited"] == rows


def test_a_cube_is_read_back_as_it_was_and_merges_with_anothers() -> None:
    import fairaudit

    halves = ROWS[: len(ROWS) // 2], ROWS[len(ROWS) // 2 :]
    cubes = []
    for part in (*halves, ROWS):
        Path("part.csv").write_text(HEADER + part)
        _audited("--data", "part.csv", *FLAGS)
        cubes.append(fairaudit.read_cube("out/cube.parquet"))
    first, second, whole = cubes
    assert first.merge(second).table.equals(whole.table) and whole.plan.attributes == ("sex",)


def test_a_file_that_is_no_cube_is_told() -> None:
    import fairaudit
    from fairaudit.errors import ConfigError

    pq.write_table(pyarrow.csv.read_csv("a.csv"), "a.parquet")
    for path in ("a.parquet", "a.csv", "none.parquet"):
        with pytest.raises(ConfigError, match="is not a cube that fairaudit can read"):
            fairaudit.read_cube(path)


def test_from_python_the_environment_stays_the_callers(built: Callable[[str], Path]) -> None:
    Path("people.csv").write_text("age,hours,sex,is_member,y\n" + "20,30,Female,true,1\n40,30,Male,true,0\n" * 20)
    code = (
        "import os, fairaudit; before = set(os.environ);"
        f"fairaudit.audit(fairaudit.AuditConfig(model={str(built('people'))!r}, data=('people.csv',), label='y', protected=('sex',), engines=('native',)));"
        "print('TF_USE_LEGACY_KERAS' in os.environ, 'TF_CPP_MIN_LOG_LEVEL' in os.environ)"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_")} | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout.strip()) == (0, "False False")


def test_a_published_table_of_counts_is_audited_as_it_is_printed() -> None:
    """44 FR 11996 (1979) prints the selection rates 60, 45, 48 and 51 %, and impact ratios of 75, 80 and 85 %; here of a hundred applicants each."""
    selected = {"White": 60, "American Indian": 45, "Hispanic": 48, "Black": 51}
    Path("table.csv").write_text("race,hired,number\n" + "".join(f"{race},1,{number}\n{race},0,{100 - number}\n" for race, number in selected.items()))
    audit = _audited("--data", "table.csv", "--decision-column", "hired", "--protected", "race", "--count", "number", "--engine", "native", "--reference", "race=White")
    ratios = {one["group"]["slice"]["race"]: one["value"] for one in audit["comparisons"] if one["metric"] == "selection_rate" and one["kind"] == "ratio"}
    assert ratios == pytest.approx({"American Indian": 0.75, "Hispanic": 0.80, "Black": 0.85})
    assert (audit["rows"]["read"], audit["rows"]["audited"], audit["rows"]["lines"]) == (400, 400, 8)


@pytest.mark.parametrize("arguments", [[], ["metrics"]])
def test_a_command_without_what_it_needs_shows_its_help(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(arguments) == 2
    assert capfd.readouterr().err.startswith(f"Usage: {' '.join(['fairaudit', *arguments])} ")


def test_an_audit_that_fails_leaves_the_one_before_it_and_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    Path("bad.csv").write_text("sex,y,s\nf,1,high\n")
    assert _run(["audit", "--data", "bad.csv", *FLAGS, "--out", "out"]) == 4
    assert "still holds" not in capfd.readouterr().err
    before = _audited("--data", "a.csv", *FLAGS)
    assert _run(["audit", "--data", "bad.csv", *FLAGS, "--out", "out"]) == 4
    assert capfd.readouterr().err.splitlines()[0] == "fairaudit: out still holds the audit that was made before."
    assert json.loads(Path("out/audit.json").read_text()) == before


def test_paths_in_a_configuration_begin_at_the_working_directory_wherever_the_file_lies() -> None:
    Path("settings").mkdir()
    Path("settings/audit.yaml").write_text("data: [a.csv]\nlabel: y\nscore_column: s\nprotected: [sex]\nengines: [native]\nout: made\n")
    assert _run(["audit", "--config", "settings/audit.yaml", "--quiet"]) == 0
    assert Path("made/audit.json").exists()
