"""`fairaudit check` finds every mistake at once, each in its place, or tells what an audit would do; it scores nothing and writes nothing."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from fairaudit.cli import _run
from fairaudit.cli.audit import command as audit
from fairaudit.cli.check import command as check
from fairaudit.result import read_audit
from tests.models.conftest import built

__all__ = ["built"]  # the fixture

Said = pytest.CaptureFixture[str]
FLAGS = ("--data", "people.csv", "--label", "y", "--score-column", "s", "--protected", "sex", "--rule", "four-fifths", "--out", "out")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    draw = random.Random(0)
    rows = (f"{draw.choice('fm')},{draw.choices('abc', (60, 37, 3))[0]},{draw.choice(('yes', 'no'))},{draw.random():.3f},{draw.choice('pq')}" for _ in range(600))
    Path("people.csv").write_text("sex,race,y,s,dept\n" + "\n".join(rows) + "\n")


def _told(capsys: Said, *arguments: str) -> tuple[int, list[str]]:
    code = _run(["check", *arguments])
    told = capsys.readouterr()
    assert told.out == "" or code == 0
    return code, told.err.replace("fairaudit: ", "").splitlines()


PLANTED = """\
data: [people.csv]
label: y
positive: yess
score_column: scor
protcted: [sex]
protected: [gendr, race]
slices: [race*sexx]
reference: {race: z}
threshold: high
weight: dept
rules:
  - four-fith
  - ours.yaml
engines: [tfm]
metrics: [acuracy]
waivers: waivers.yaml
gate: true
"""
EXPECTED = [  # line:column and what the sentence must hold
    ("3:11", "the column 'y' has no value 'yess'; did you mean 'yes'?"),
    ("4:15", "has no column 'scor', which --score-column needs; its columns are"),
    ("5:1", "the configuration has no field 'protcted'; did you mean 'protected'?"),
    ("6:13", "has no column 'gendr', which --protected needs"),
    ("7:10", "has no column 'sexx', which --slice needs; did you mean 'sex'?"),
    ("8:19", "there is no value of race 'z'; there are a, b, c."),
    ("9:12", "'threshold' must be a finite number, and is 'high'."),
    ("10:9", "the weight column 'dept' holds "),
    ("12:5", "there is no rule 'four-fith'; did you mean 'four-fifths'?"),
    ("14:11", "there is no engine 'tfm'; did you mean 'tfma'?"),
    ("15:11", "there is no metric 'acuracy'; did you mean 'accuracy'?"),
]


def test_every_planted_mistake_is_found_at_once_in_its_place(capsys: Said) -> None:
    Path("fairaudit.yaml").write_text(PLANTED)
    Path("ours.yaml").write_text("schema: fairaudit/rule/1\nextends: four-fifths\nid: ours\ntitle: Ours\nlimit_origin: ours\nlimit: -1\n")
    Path("waivers.yaml").write_text("schema: fairaudit/waivers/1\nwaivers:\n  - {rule: four-fifths}\n")
    before = {one.name for one in Path().iterdir()}
    code, lines = _told(capsys, "fairaudit.yaml")
    assert code == 2 and {one.name for one in Path().iterdir()} == before
    for (place, sentence), line in zip(EXPECTED, lines, strict=False):
        assert line.startswith(f"fairaudit.yaml:{place}: ") and sentence in line, (place, line)
    rest = lines[len(EXPECTED) :]
    assert any(one.startswith("ours.yaml:6:8: 'limit' must be above 0") for one in rest) and any(one.startswith("waivers.yaml:3:5: ") and "lacks the field" in one for one in rest)
    assert any("Name a folder with --out DIR" in one for one in rest) and len(set(lines)) == len(lines)


def test_the_columns_that_are_there_are_checked_although_others_are_not(capsys: Said) -> None:
    code, lines = _told(capsys, *FLAGS[:2], "--label", "y", "--positive", "maybe", "--score-column", "dept", "--protected", "nowhere", "--bins", "sex=1,2", "--out", "out")
    assert code == 2 and len(lines) == 4, lines
    assert "no column 'nowhere'" in lines[0] and any("no value 'maybe'" in one for one in lines) and any("the score column 'dept' holds" in one for one in lines) and any("--bins needs numbers" in one for one in lines)


def test_what_only_the_content_is_wrong_with_is_4_as_the_audit_would_be(capsys: Said) -> None:
    text = Path("people.csv").read_text().splitlines()
    Path("people.csv").write_text("\n".join([*text, "f,a,yes,oops,p", "f,a,maybe,0.2,p"]) + "\n")
    code, lines = _told(capsys, *FLAGS)
    assert code == 4 and len(lines) == 2 and "row 601: the score column 's' holds 'oops'" in lines[0] + lines[1] and "must hold two values and holds 3" in lines[0] + lines[1]
    assert _run(["audit", *FLAGS, "--engine", "native"]) == 4 and not Path("out").exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("data: [people.csv\n", "this is not YAML"), ("", "this file is empty; a configuration is expected."), ("[a]\n", "must be a mapping"),
    ],
)  # fmt: skip
def test_what_is_no_configuration_is_said(text: str, sentence: str, capsys: Said) -> None:
    Path("fairaudit.yaml").write_text(text)
    code, lines = _told(capsys, "fairaudit.yaml")
    assert code == 2 and lines[0].startswith("fairaudit.yaml") and sentence in lines[0]


def test_what_only_counting_tells_has_a_place_too(capsys: Said) -> None:
    rows = "".join(f"g{place},h{place},yes,0.5,p\n" for place in range(2600))
    Path("people.csv").write_text(f"sex,race,y,s,dept\n{rows}")
    Path("fairaudit.yaml").write_text("data: [people.csv]\nscore_column: s\nprotected: [sex, race]\nout: out\n")
    code, lines = _told(capsys, "fairaudit.yaml")
    assert code == 2 and len(lines) == 1 and "5,201 slices, more than any report can show" in lines[0]


def test_an_engine_that_is_not_installed_is_told_with_the_rest(capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    from fairaudit.metrics import engines

    monkeypatch.setattr(engines, "installed", lambda name: None if name == "tfma" else "1")
    code, lines = _told(capsys, *FLAGS[:-2], "--engine", "tfma", "--rule", "nothing")
    assert code == 2 and len(lines) == 4 and any("--engine tfma: its library is not installed" in one for one in lines), lines


def test_two_configurations_are_one_too_many_and_no_file_is_said(capsys: Said) -> None:
    assert _told(capsys, "a.yaml", "--config", "b.yaml") == (2, ["a.yaml and --config b.yaml are two configurations; keep one."])
    assert _told(capsys, "a.yaml") == (2, ["there is no file 'a.yaml'."])


def test_flags_win_over_the_file_as_in_audit(capsys: Said) -> None:
    Path("fairaudit.yaml").write_text("data: [people.csv]\nlabel: y\npositive: yes\nscore_column: scor\nprotected: [sex]\nout: out\n")
    assert _told(capsys, "fairaudit.yaml")[0] == 2
    assert _told(capsys, "fairaudit.yaml", "--score-column", "s") == (0, [])


def test_whatever_an_audit_can_be_asked_can_be_checked() -> None:
    taken, asked = ({flag for one in command.params for flag in one.opts if flag.startswith("--")} for command in (check, audit))
    assert asked - taken == {"--quiet", "--verbose"}


def test_the_baseline_is_looked_at_with_the_rest(capsys: Said) -> None:
    asked = [*FLAGS, "--positive", "yes", "--rule", "no-worse-than-baseline", "--baseline"]
    assert _run(["audit", *FLAGS[:-1], "old", "--positive", "yes", "--engine", "native", "--quiet"]) == 0
    capsys.readouterr()
    assert _told(capsys, *asked, "old") == (0, [])
    code, lines = _told(capsys, *asked, "nowhere", "--rule", "four-fith")
    assert code == 2 and len(lines) == 2 and "--baseline nowhere: No such file" in lines[0] and "did you mean 'four-fifths'?" in lines[1]
    code, lines = _told(capsys, *asked, "nowhere", "--gate", "--waivers", "none.yaml")
    assert code == 2 and len(lines) == 2 and any("--baseline nowhere: No such file" in one for one in lines) and any("none.yaml" in one for one in lines)


def test_waivers_that_are_not_in_force_or_will_soon_not_be_are_told_before_the_audit(capsys: Said) -> None:
    entries = [("four-fifths", "2026-11-26"), ("equal-opportunity", "2026-12-10"), ("predictive-parity", "2026-12-12")]
    lines = (f"  - {{rule: {rule}, slice: {{sex: f}}, owner: ada, reason: data, created: 2026-11-01, expires: {expires}, holds_to: 0.5}}\n" for rule, expires in entries)
    Path("w.yaml").write_text("schema: fairaudit/waivers/1\nwaivers:\n" + "".join(lines))
    assert _run(["check", *FLAGS, "--positive", "yes", "--gate", "--waivers", "w.yaml", "--as-of", "2026-11-27"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "four-fifths on sex=f, owned by ada, has expired on 2026-11-26; it fails the build. Remove it, or renew it" in told
    assert "equal-opportunity on sex=f, owned by ada, expires on 2026-12-10, in 13 days" in told and told.count("The waiver of") == 2
    assert _run(["check", *FLAGS, "--positive", "yes"]) == 0 and "waiver" not in capsys.readouterr().out


def test_a_pack_that_is_none_has_its_place(capsys: Said) -> None:
    Path("fairaudit.yaml").write_text("data: [people.csv]\nlabel: y\npositive: yes\nscore_column: s\nprotected: [sex]\nrules: [four-fifths, 'pack:hirng']\nout: out\n")
    assert _told(capsys, "fairaudit.yaml") == (2, ["fairaudit.yaml:6:22: there is no pack 'hirng'; did you mean 'hiring'?"])


def test_a_sound_audit_is_told_before_it_is_made(capsys: Said) -> None:
    flags = [*FLAGS, "--positive", "yes", "--protected", "race", "--slice", "sex*race", "--rule", "equal-opportunity", "--rule", "statistical-parity"]
    assert _run(["check", *flags, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert not Path("out").exists() and {one.name for one in Path().iterdir()} == {"people.csv"}
    assert _run(["audit", *flags, "--engine", "native", "--quiet"]) == 0
    made = read_audit("out")
    capsys.readouterr()
    assert found["files"] == [{"name": "people.csv", "format": "csv", "lines": 600, "bytes": Path("people.csv").stat().st_size}]
    assert (found["read"], found["audited"]) == (made.rows.read, made.rows.audited) == (600, 600)
    told = {tuple(sorted(group["slice"].items())): group["rows"] for one in found["slicings"] for group in one["groups"]}
    counted = {tuple(sorted(one.slice.values)): sum(cell.rows for cell in one.cells) for one in made.counts if one.slice.values}
    assert told == counted
    shares = {(one["rule"], tuple(one["slicing"])): one["share"] for one in found["families"]}
    assert shares == {(one.rule, one.slicing): one.alpha for one in made.findings} and len(shares) == 9
    small = {(one["rule"], group["slice"]["race"]) for one in found["sizes"] if one["slicing"] == ["race"] for group in one["groups"] if group["enough"] is False}
    unjudged = {
        (one.rule, dict(one.group.slice.values)["race"])
        for one in made.findings
        if one.slicing == ("race",) and one.group.kind.value == "slice" and not one.needed_for_pass and one.group.slice and one.severity.value == "fail"
    }
    assert {one for one in small if one[0] != "statistical-parity"} == unjudged and ("four-fifths", "c") in small
    assert found["engines"]["native"] == "built in" and found["seconds"] > 0 and found["mebibytes"] > 0 and found["writes"] == ["out/audit.json", "out/report.html", "out/cube.parquet"]


def test_it_is_told_in_words(capsys: Said) -> None:
    assert _run(["check", *FLAGS, "--positive", "yes", "--protected", "race"]) == 0
    told = capsys.readouterr().out
    flat = " ".join(told.split())
    assert told.startswith("these flags: nothing is wrong. An audit would:") and "people.csv: csv, 600 lines" in flat and "600, of which 600 are audited" in flat
    assert "scores in the column 's', above 0.5" in flat and "2 families share the error by which a build fails" in flat
    assert "time about " in flat and "memory about " in flat and "native (built in)" in flat and "· out/audit.json" in flat
    assert any(line.split()[:2] == ["four-fifths", "race"] and "c (" in line for line in told.splitlines())


def test_without_rules_nothing_would_be_judged(capsys: Said) -> None:
    assert _run(["check", "--data", "people.csv", "--decision-column", "y", "--positive-decision", "yes", "--protected", "sex", "--out", "out"]) == 0
    told = capsys.readouterr().out
    assert "Judge nothing: no rule is named" in told and "decisions in the column 'y'" in told and "Rows that the rules need" not in told


def test_a_model_is_matched_to_the_columns_and_never_loaded(built: Callable[[str], Path], capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    from fairaudit.models import savedmodel

    def loaded(place: Path, name: str) -> None:
        raise AssertionError("a check loads no model")

    monkeypatch.setattr(savedmodel, "loaded", loaded)
    model = str(built("people"))
    Path("good.csv").write_text("age,hours,sex,is_member,y\n" + "30,40,Female,1,1\n50,20,Male,0,0\n" * 50)
    flags = ("--label", "y", "--protected", "sex", "--model", model, "--rule", "equal-opportunity", "--rule", "four-fifths", "--out", "out")
    assert _run(["check", "--data", "good.csv", *flags, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    tpr, selection = found["sizes"]
    assert [group["trials"] for group in tpr["groups"]] == [50, 0] and [group["enough"] for group in tpr["groups"]] == [True, False]
    assert tpr["rate"] is None and [one["rate"] for one in selection["needs"]] == [0.1, 0.2, 0.3, 0.5]
    code, lines = _told(capsys, "--data", "people.csv", "--positive", "yess", *flags)
    assert code == 2 and any("has no column for 3 inputs of model" in one for one in lines) and any("has no value 'yess'" in one for one in lines)
    Path("fairaudit.yaml").write_text(f"data: [people.csv]\nlabel: y\npositive: yes\nprotected: [sex]\nmodel: {model}\nout: out\n")
    code, lines = _told(capsys, "fairaudit.yaml")
    assert code == 2 and lines[0].startswith("fairaudit.yaml:5:1: people.csv has no column for 3 inputs")


def test_what_the_gate_would_write_is_told_and_what_it_cannot_is_refused(capsys: Said) -> None:
    flags = [*FLAGS, "--positive", "yes", "--gate", "--write", "junit=junit.xml"]
    assert _run(["check", *flags]) == 0
    assert "· junit.xml (junit)" in " ".join(capsys.readouterr().out.split()) and not Path("junit.xml").exists()
    code, lines = _told(capsys, *flags, "--write", "junt=b.xml")
    assert code == 2 and len(lines) == 1 and "did you mean 'junit'?" in lines[0]
