"""What the gate writes: `--write FORMAT=PATH`, all in one run, or nothing."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fairaudit import writing
from fairaudit.cli import _run
from fairaudit.errors import ConfigError, ContentError
from fairaudit.resources import resource

FLAGS = ("--label", "y", "--score-column", "s", "--protected", "sex", "--engine", "native")
AUDIT = ("audit", "--data", "unfair.csv", *FLAGS, "--rule", "four-fifths", "--out", "out", "--quiet")
ALL = ("json=w/gate.json", "junit=w/junit.xml", "sarif=w/fairness.sarif", "markdown=w/summary.md", "badge=w/badge.svg", "badge=w/badge.json", "blessing=w/pushed")
WRITTEN = ["badge.json", "badge.svg", "fairness.sarif", "gate.json", "junit.xml", "pushed/NOT_BLESSED", "summary.md"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    Path("fair.csv").write_text("sex,y,s\n" + "f,1,0.9\nm,0,0.2\nm,1,0.7\nf,0,0.1\n" * 50)
    Path("unfair.csv").write_text("sex,y,s\n" + "f,1,0.1\nm,1,0.9\nf,0,0.1\nm,0,0.9\n" * 50)


@pytest.fixture
def audited() -> None:
    assert _run([*AUDIT]) == 0


def flags(*writes: str) -> list[str]:
    return [word for one in writes for word in ("--write", one)]


def files(folder: str) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file())


def contents(folder: str) -> dict[str, bytes]:
    return {name: Path(folder, name).read_bytes() for name in files(folder)}


def test_one_run_writes_every_format_and_the_exit_code_stays_the_verdict(audited: None, capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["gate", "out", *flags(*ALL)]) == 1
    assert files("w") == WRITTEN
    assert json.loads(Path("w/gate.json").read_text())["verdict"] == json.loads(Path("w/badge.json").read_text())["message"] == "fail"
    assert "\njunit: w/junit.xml\n" in capfd.readouterr().out


def test_an_audit_with_gate_writes_what_the_gate_does_on_the_same_day(audited: None) -> None:
    assert _run(["gate", "out", "--quiet", *flags(*ALL)]) == 1
    first = contents("w")
    assert _run([*AUDIT, "--gate", *flags(*ALL)]) == 1
    assert contents("w") == first


def test_the_configuration_names_files_too_and_flags_replace_them() -> None:
    config = "data: [unfair.csv]\nlabel: y\nscore_column: s\nprotected: [sex]\nengines: [native]\nrules: [four-fifths]\nout: out\ngate: true\n"
    Path("ours.yaml").write_text(f"{config}write:\n  junit: w/junit.xml\n  badge: [w/badge.svg, w/badge.json]\n")
    assert _run(["audit", "--config", "ours.yaml", "--quiet"]) == 1 and files("w") == ["badge.json", "badge.svg", "junit.xml"]
    assert "write" not in json.loads(Path("out/audit.json").read_text())["manifest"]["config"]
    assert _run(["audit", "--config", "ours.yaml", "--quiet", *flags("json=v/gate.json")]) == 1 and files("v") == ["gate.json"]


def test_a_blessing_is_given_and_taken_back(audited: None) -> None:
    assert _run(["audit", "--data", "fair.csv", *FLAGS, "--rule", "four-fifths", "--out", "good", "--quiet"]) == 0
    for audit, name, code in (("good", "BLESSED", 0), ("out", "NOT_BLESSED", 1), ("good", "BLESSED", 0)):
        assert _run(["gate", audit, "--quiet", *flags("blessing=pushed")]) == code
        assert contents("pushed") == {name: b""}


def locations(file: str) -> set[tuple[str, int]]:
    (run,) = json.loads(Path(file).read_text())["runs"]
    places = [one["locations"][0]["physicalLocation"] for one in run["results"]]
    return {(place["artifactLocation"]["uri"], place["region"]["startLine"]) for place in places}


def own_rule(name: str = "our rules/fifths.yaml", id: str = "our-fifths") -> str:
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text("# Ours.\n" + resource("rules", "four-fifths.yaml").read_text("utf-8").replace("id: four-fifths", f"id: {id}"))
    return name


def test_a_sarif_result_points_at_the_line_of_its_rule_in_the_configuration_or_in_its_own_file() -> None:
    config = f"data: [unfair.csv]\nlabel: y\nscore_column: s\nprotected: [sex]\nengines: [native]\nrules:\n  - four-fifths\n  - {own_rule()}\nout: out\n"
    Path("ours.yaml").write_text(config)
    assert _run(["audit", "--config", "ours.yaml", "--gate", "--quiet", *flags("sarif=a.sarif")]) == 1
    assert locations("a.sarif") == {("ours.yaml", 7), ("our%20rules/fifths.yaml", 3)}
    # A finished audit has only the last names of its rules' files.
    assert _run(["gate", "out", "--quiet", *flags("sarif=b.sarif")]) == 1
    assert locations("b.sarif") == {("out/audit.json", 1), ("fifths.yaml", 1)}
    assert _run(["gate", "out", "--rule", own_rule(), "--rule", "four-fifths", "--quiet", *flags("sarif=c.sarif")]) == 1
    assert locations("c.sarif") == {("out/audit.json", 1), ("our%20rules/fifths.yaml", 3)}


def test_a_rule_of_a_pack_is_written_where_the_configuration_names_the_pack() -> None:
    Path("ours.yaml").write_text("data: [unfair.csv]\nlabel: y\nscore_column: s\nprotected: [sex]\nengines: [native]\nrules: ['pack:hiring']\nout: out\n")
    assert _run(["audit", "--config", "ours.yaml", "--gate", "--quiet", *flags("sarif=a.sarif")]) == 1
    assert locations("a.sarif") == {("ours.yaml", 6)}


def test_a_sarif_file_names_no_folder_of_this_machine(audited: None, tmp_path: Path) -> None:
    Path("elsewhere").mkdir()
    os.chdir("elsewhere")
    assert _run(["gate", str(tmp_path / "out"), "--quiet", *flags("sarif=a.sarif")]) == 1
    assert locations("a.sarif") == {("audit.json", 1)} and str(tmp_path) not in Path("a.sarif").read_text()


WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "no format": (("junit.xml",), "--write 'junit.xml' is not of the form FORMAT=PATH, as junit=out/junit.xml."),
    "no path": (("junit=",), "--write 'junit=' is not of the form FORMAT=PATH, as junit=out/junit.xml."),
    "a format nobody knows": (("junitt=a.xml",), "--write: there is no format 'junitt'; did you mean 'junit'?"),
    "a format of nothing near": (("pdf=a.pdf",), "--write: there is no format 'pdf'; there are json, junit, sarif, markdown, badge, blessing."),
    "a path twice": (("junit=a.xml", "junit=a.xml"), "--write names a.xml twice; give each format a file of its own."),
    "two formats to one path": (("junit=a.xml", "sarif=./w/../a.xml"), "--write names a.xml twice; give each format a file of its own."),
    "a folder": (("junit=folder",), "--write junit=folder: folder is a folder; name a file in it."),
    "a blessing that is a file": (("blessing=fair.csv",), "--write blessing=fair.csv is a file; name a folder, in which BLESSED or NOT_BLESSED will stand."),
    "a badge of no kind": (("badge=badge.png",), "--write badge=badge.png: a badge is a drawing, as badge.svg, or what shields.io draws, as badge.json; end the name in .svg or .json."),
    "a blessing and a file in one place": (("blessing=b", "json=b/BLESSED"), "--write json=b/BLESSED: something else is written to b/BLESSED; name another."),
    "a file below a file": (("json=a", "junit=a/b.xml"), "--write junit=a/b.xml: a part of this path is another file to be written; name another."),
    "below a file that is there": (("json=fair.csv/gate.json",), "--write json=fair.csv/gate.json: fair.csv/gate.json cannot be written: "),
    "a folder's name that is too long": ((f"blessing={'x' * 300}",), "File name too long"),
    "a blessing below a file": (("blessing=fair.csv/b",), "--write blessing=fair.csv/b: fair.csv/b/BLESSED cannot be written: "),
    "a name that is too long": ((f"json={'x' * 300}",), "File name too long"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_written_is_told_in_a_sentence_before_the_audit_runs(case: str, capfd: pytest.CaptureFixture[str]) -> None:
    writes, sentence = WRONG[case]
    Path("folder").mkdir()
    assert _run([*AUDIT, "--gate", *flags(*writes)]) == 2
    said = capfd.readouterr().err
    assert said.startswith("fairaudit: ") and sentence in said and said.count("\n") == 1
    assert sorted(path.name for path in Path().iterdir()) == ["fair.csv", "folder", "unfair.csv"]


def test_what_nobody_could_foresee_is_a_sentence_too_and_writes_nothing(audited: None, capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["gate", "out", "--quiet", *flags("junit=a.xml", "json=/proc/gate.json")]) == 2
    assert capfd.readouterr().err == "fairaudit: /proc cannot be written: No such file or directory; name another folder.\n" and not Path("a.xml").exists()


def test_the_audits_own_files_are_not_written_over(audited: None, capfd: pytest.CaptureFixture[str]) -> None:
    before = contents("out")
    assert _run(["gate", "out", *flags("json=out/audit.json")]) == 2
    assert "out/audit.json is a file of the audit itself; name another." in capfd.readouterr().err and contents("out") == before
    assert _run(["audit", "--data", "fair.csv", *FLAGS, "--rule", "four-fifths", "--out", "new", "--gate", *flags("markdown=new/report.html")]) == 2
    assert "--write markdown=new/report.html is a file of the audit itself; name another." in capfd.readouterr().err and not Path("new").exists()


def test_every_mistake_is_told_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["audit", "--gate", *flags("pdf=a", "badge=b.png"), "--data", "fair.csv"]) == 2
    said = capfd.readouterr().err
    assert "--write: there is no format 'pdf'" in said and "--out DIR" in said and "name a rule" in said


def test_a_null_byte_in_the_configuration_is_a_sentence(capfd: pytest.CaptureFixture[str]) -> None:
    config = "data: [fair.csv]\nlabel: y\nscore_column: s\nprotected: [sex]\nengines: [native]\nrules: [four-fifths]\nout: out\ngate: true\n"
    Path("ours.yaml").write_text(config + 'write: {junit: "a\\0b"}\n')
    assert _run(["audit", "--config", "ours.yaml"]) == 2
    assert "cannot be written: no file's name has a null byte; name another file." in capfd.readouterr().err


def test_what_is_to_be_written_needs_a_gate(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run([*AUDIT, *flags("junit=a.xml")]) == 2
    assert "--write is asked of the gate; add --gate, or leave it out." in capfd.readouterr().err


_WRITES = "data: [fair.csv]\nlabel: y\nscore_column: s\nprotected: [sex]\nengines: [native]\nrules: [four-fifths]\nout: out\nwrite: {junit: out/junit.xml, blessing: pushed}\n"


def test_a_configuration_that_names_files_of_the_gate_and_asks_none_is_told_so(capfd: pytest.CaptureFixture[str]) -> None:
    Path("ours.yaml").write_text(_WRITES)
    assert _run(["audit", "--config", "ours.yaml", "--quiet"]) == 0 and files("out") == ["audit.json", "cube.parquet", "report.html"] and not Path("pushed").exists()
    told = "the configuration has the gate write out/junit.xml, pushed, and no gate is asked, so none of it is written; add --gate, or `gate: true` to the configuration."
    assert capfd.readouterr().err == f"fairaudit: {told}\n"
    assert _run(["audit", "--config", "ours.yaml", "--quiet", "--gate"]) == 0 and capfd.readouterr().err == ""
    assert _run(["audit", "--config", "ours.yaml", "--quiet"]) == 0
    assert "none of it is written (what is there already is of an earlier run: out/junit.xml, pushed/BLESSED);" in capfd.readouterr().err
    assert _run(["check", "ours.yaml", "--json"]) == 0
    assert any("no gate is asked, so none of it is written" in one for one in json.loads(capfd.readouterr().out)["cautions"])
    Path("ours.yaml").write_text(_WRITES.replace("write: {junit: out/junit.xml, blessing: pushed}", "waivers: fairness-waivers.yaml"))
    assert _run(["audit", "--config", "ours.yaml", "--quiet"]) == 0
    assert capfd.readouterr().err == "fairaudit: the configuration names waivers, and no gate is asked that would heed them; add --gate, or `gate: true` to the configuration.\n"


def test_what_a_gate_said_of_a_former_audit_does_not_stand_beside_a_newer_one(audited: None, capfd: pytest.CaptureFixture[str]) -> None:
    again = ["audit", "--data", "fair.csv", *FLAGS, "--rule", "four-fifths", "--out", "out", "--quiet"]
    assert _run([*again, "--gate", *flags("json=out/by gate.json", "badge=out/badge.json", "blessing=out")]) == 0
    Path("out/notes.json").write_text('{"schema": "ours"}')
    capfd.readouterr()
    assert _run([*AUDIT]) == 0
    assert files("out") == ["audit.json", "badge.json", "cube.parquet", "notes.json", "report.html"]
    said = capfd.readouterr().err.splitlines()
    assert said == [f"fairaudit: out/{name} was the gate's word on the audit that stood there before, and is taken away; `fairaudit gate out --write …` writes this one's." for name in ("BLESSED", "by gate.json")]


def test_an_audit_that_does_not_come_to_be_leaves_what_a_gate_said_of_the_former(audited: None, capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["gate", "out", "--quiet", *flags("json=out/gate.json")]) == 1
    before = contents("out")
    assert _run(["audit", "--data", "fair.csv", *FLAGS, "--missing", "s=0.9", "--threshold", "nan", "--out", "out"]) == 2 and contents("out") == before
    assert _run([*AUDIT, "--gate", *flags("json=out/gate.json")]) == 1 and contents("out") == before
    assert "taken away" not in capfd.readouterr().err


def test_a_failure_half_way_leaves_everything_as_it_was(audited: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _run(["gate", "out", "--quiet", *flags(*ALL)]) == 1
    before = contents("w")
    moved = os.replace
    done: list[object] = []

    def breaks(source: Any, target: Any) -> None:
        done.append(target)
        if len(done) == 9:  # what was there is moved away and the new one put in, four times, and then the disk breaks
            raise OSError(5, "Input/output error")
        moved(source, target)

    monkeypatch.setattr(os, "replace", breaks)
    code = _run(["gate", "out", "--rule", "equal-opportunity", "--quiet", *flags(*ALL, "json=new/folder/gate.json")])
    assert (code, len(done) > 9) == (2, True)
    assert contents("w") == before and not Path("new").exists() and not list(Path().rglob(".fairaudit-*"))


def test_nothing_is_written_where_one_format_cannot_be_rendered(audited: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from fairaudit.reports.formats import badge

    def breaks(ruling: object) -> bytes:
        raise ConfigError("no badge today.")

    monkeypatch.setattr(badge, "svg", breaks)
    assert _run(["gate", "out", "--quiet", *flags(*ALL)]) == 2
    assert not Path("w").exists()


def test_a_pipe_and_standard_output_are_written_to_and_stay(audited: None, capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["gate", "out", "--quiet", *flags("markdown=/dev/stdout", "json=gate.json")]) == 1
    assert "## ✕ Fairness gate: fail" in capfd.readouterr().out and Path("gate.json").is_file()
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_link_is_written_through(audited: None) -> None:
    Path("real").mkdir()
    Path("real/junit.xml").touch()
    Path("link.xml").symlink_to("real/junit.xml")
    assert _run(["gate", "out", "--quiet", *flags("junit=link.xml")]) == 1
    assert Path("link.xml").is_symlink() and Path("real/junit.xml").read_bytes().startswith(b"<?xml")


def test_in_a_step_of_github_the_summary_is_added_to_its_page(audited: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "page.md")
    Path("page.md").write_text("Earlier.\n")
    assert _run(["gate", "out", "--quiet"]) == _run([*AUDIT, "--gate"]) == 1
    assert Path("page.md").read_text().startswith("Earlier.\n\n## ✕ Fairness gate: fail\n") and Path("page.md").read_text().count("## ") == 2
    assert _run([*AUDIT]) == 0 and Path("page.md").read_text().count("## ") == 2  # no gate ran
    assert _run(["gate", "out", "--quiet", *flags("markdown=page.md")]) == 1 and Path("page.md").read_text().count("## ") == 1  # asked for, it is not added once more


@pytest.mark.parametrize(
    ("page", "reason"),
    [(lambda: Path("page").mkdir(), "it cannot be written: Is a directory"), (lambda: Path("page").write_bytes(b"x" * (1024 * 1024 - 10)), "it is full")],
)
def test_a_summary_that_cannot_be_added_changes_no_verdict(page: Callable[[], object], reason: str, audited: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    page()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "page")
    assert _run(["gate", "out", "--quiet"]) == 1
    assert capfd.readouterr().err == f"fairaudit: the gate's summary is not added to GITHUB_STEP_SUMMARY (page): {reason}.\n"


def test_files_in_several_folders_are_written_or_none(tmp_path: Path) -> None:
    Path("a").mkdir()
    Path("a/kept").write_text("kept")
    writing.write_together({Path("a/new"): b"1", Path("b/c/new"): b"2", Path("a/kept"): None, Path("a/never"): None})
    assert (files("a"), files("b")) == (["new"], ["c/new"])
    Path("b/d").mkdir()
    with pytest.raises(ConfigError, match="b/d is a folder"):
        writing.write_together({Path("a/new"): b"3", Path("e/new"): b"4", Path("b/d"): b"5"})
    assert Path("a/new").read_text() == "1" and not Path("e").exists()


def test_what_was_new_goes_again_where_a_later_file_cannot_be_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    moved = os.replace

    def breaks(source: Any, target: Any) -> None:
        if Path(target) == Path("b/second"):
            raise OSError(28, "No space left on device")
        moved(source, target)

    monkeypatch.setattr(os, "replace", breaks)
    Path("a").mkdir()
    with pytest.raises(ContentError, match="no disk space is left for b; nothing was written"):
        writing.write_together({Path("a/first"): b"1", Path("b/second"): b"2"})
    assert files("a") == [] and not Path("b").exists()


def test_a_blessing_does_not_outlive_a_run_that_ends_without_a_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bl").mkdir()
    Path("bl/BLESSED").touch()
    Path("audit.json").write_text("{")
    assert _run(["gate", "audit.json", "--write", "blessing=bl"]) != 0
    assert not Path("bl/BLESSED").exists()
    assert _run(["gate", "audit.json", "--write", "json=report.html"]) == 2  # the audit's own report stays


def test_what_goes_to_standard_output_goes_there_alone(audited: None) -> None:
    done = subprocess.run([sys.executable, "-m", "fairaudit", "gate", "out", *flags("json=/dev/stdout")], capture_output=True, text=True)
    assert json.loads(done.stdout)["schema"] == "fairaudit/gate/1" and "four-fifths" in done.stderr
