"""`fairaudit rules` does what its help says, and tells every mistake in its place."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from fairaudit.cli import _run
from fairaudit.reports.html import render
from fairaudit.resources import resource
from fairaudit.result import read_audit
from fairaudit.rules.library import load_file, load_rule, shipped_rules
from fairaudit.rules.pack import shipped_packs
from fairaudit.rules.rule import Source, SourceKind
from fairaudit.rules.schema import rule_schema
from tests.rules.test_schema import mistakes

Said = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_list_names_every_rule_and_pack_with_its_limit_and_whose_it_is(capsys: Said) -> None:
    assert _run(["rules", "list"]) == 0
    told = capsys.readouterr().out
    for id in shipped_rules():
        (line,) = [one for one in told.splitlines() if one.split()[:1] == [id]]
        rule = load_rule(id)
        assert f"{rule.limit:g} ({rule.limit_origin.value})" in line and rule.title in line and rule.severity.value in line
        assert all(domain in line for domain in rule.applies_to.domains)
    assert all(f"pack:{id} " in told for id in shipped_packs())
    assert _run(["rules", "list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["id"] for one in found["rules"]] == list(shipped_rules()) and [one["id"] for one in found["packs"]] == list(shipped_packs())
    assert next(one for one in found["rules"] if one["id"] == "four-fifths") == {
        "id": "four-fifths", "title": "Four-fifths rule (adverse impact)", "severity": "fail", "metric": ["selection_rate"], "comparison": "ratio", "limit": 0.8, "limit_origin": "guidance",
        "task": ["binary"], "domains": ["hiring", "lending"], "principle": "A selection procedure should not shut any group out much more often than the group it treats best.",
    }  # fmt: skip


@pytest.mark.parametrize("id", shipped_rules())
def test_show_tells_everything_of_a_rule(id: str, capsys: Said) -> None:
    assert _run(["rules", "show", id, "--as-of", "2026-08-01"]) == 0
    told, rule = " ".join(capsys.readouterr().out.split()), load_rule(id)
    assert all(" ".join(text.split()) in told for text in (rule.title, rule.principle, rule.rationale.strip(), *rule.not_for, *(one.cite for one in rule.source), *(one.status for one in rule.source)))
    assert all(one.as_of.isoformat() in told for one in rule.source) and "over a year ago" not in told
    assert all(name in told for name in rule.metric_names)


def test_show_says_how_a_rule_judges(capsys: Said) -> None:
    _run(["rules", "show", "four-fifths"])
    told = " ".join(capsys.readouterr().out.split())
    assert "at least 0.8 times; at most 1.25 times where a positive decision harms. The limit 0.8 comes from official guidance, which is not law." in told
    assert "of each group divided by that of the best-off group of those that can be judged alone" in told and "fails the audit" in told and "decisions alone" in told
    _run(["rules", "show", "nyc-ll144-scoring", "calibration-within-groups"])
    told = " ".join(capsys.readouterr().out.split())
    assert "groups with less than 2% of the rows; missing values, which are only counted" in told and "is a remark" in told and " needs scores made for" in told
    assert "from −0.05 to 0.05" in told and "labels, scores that are probabilities" in told
    _run(["rules", "show", "pack:justice", "pack:lending"])
    told = " ".join(capsys.readouterr().out.split())
    assert "predictive-parity, which is a warning here: where base rates differ" in told and "contend where base rates differ" in told and "21 July 2026" in told


@pytest.mark.parametrize("columns", [40, 72, 100, 500])
def test_what_is_shown_is_no_wider_than_the_terminal_and_a_pack_is_told_from_a_rule(columns: int, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert _run(["rules", "show", *shipped_rules(), *(f"pack:{id}" for id in shipped_packs())]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines if line.startswith(" ")) <= min(max(columns, 58), 120)  # 40 letters of text beside the longest name
    assert sum(line.startswith("  not for") for line in lines) == len([one for one in shipped_rules() if load_rule(one).not_for])
    for asked in (["rules", "show", "hiring"], ["rules", "show", "four-fifths", "hiring", "--json"]):
        assert _run(asked) == 2 and capsys.readouterr().err == "fairaudit: there is no rule 'hiring', but a pack; name it pack:hiring.\n"


def test_a_file_that_is_something_else_of_ours_is_one_sentence(capsys: Said) -> None:
    Path("pack.yaml").write_text("schema: fairaudit/pack/1\nid: mine\ntitle: Mine\nabout: mine\nrules: [{rule: four-fifths}]\n")
    Path("waivers.yaml").write_text("schema: fairaudit/waivers/1\nwaivers: []\n")
    Path("later.yaml").write_text("schema: fairaudit/rule/2\nextends: four-fifths\nid: x\ntitle: X\nlimit_origin: ours\n")
    assert _run(["rules", "new", "ours"]) == 0
    capsys.readouterr()
    for asked, told in (
        (["rules", "validate", "pack.yaml"], "pack.yaml:1:9: this says of itself that it is fairaudit/pack/1, and a rule (schema: fairaudit/rule/1) is expected."),
        (["rules", "validate", "waivers.yaml"], "waivers.yaml:1:9: this says of itself that it is fairaudit/waivers/1, and a rule (schema: fairaudit/rule/1) is expected."),
        (["check", "ours.yaml"], "ours.yaml:4:9: this says of itself that it is fairaudit/rule/1, and a configuration is expected."),
        (["audit", "--config", "ours.yaml", "--out", "out"], "ours.yaml:4:9: this says of itself that it is fairaudit/rule/1, and a configuration is expected."),
        (["rules", "validate", "later.yaml"], "later.yaml:1:9: 'schema' must be fairaudit/rule/1, and is 'fairaudit/rule/2'; did you mean 'fairaudit/rule/1'?"),
    ):
        assert _run(asked) == 2 and capsys.readouterr().err == f"fairaudit: {told}\n"


def test_a_source_that_somebody_looked_at_over_a_year_before_is_old_unless_it_is_a_paper() -> None:
    law = Source(cite="a law", kind=SourceKind.LAW, says_number=True, as_of=date(2024, 2, 29))
    assert [law.is_old(on) for on in (date(2024, 3, 1), date(2025, 2, 28), date(2025, 3, 1), date(2026, 1, 1))] == [False, False, True, True]
    assert not Source(cite="a paper", kind=SourceKind.PAPER, says_number=False, as_of=date(1971, 1, 1)).is_old(date(2026, 1, 1))


def test_show_says_which_sources_are_old_on_a_day(capsys: Said) -> None:
    for day, old in (("2027-07-05", 0), ("2027-07-06", 2)):
        _run(["rules", "show", "four-fifths", "--as-of", day])
        assert " ".join(capsys.readouterr().out.split()).count("as of 2026-07-05, which is over a year ago: look whether it still holds") == old
    assert _run(["rules", "show", "four-fifths", "--as-of", "soon"]) == 2
    assert capsys.readouterr().err == "fairaudit: --as-of 'soon' is no date; write it as 2026-07-05.\n"


def test_the_report_says_it_too(capsys: Said) -> None:
    Path("a.csv").write_text("sex,y,s\n" + "f,1,0.9\nm,0,0.2\nf,0,0.2\nm,1,0.8\n" * 40)
    assert _run(["audit", "--data", "a.csv", "--score-column", "s", "--protected", "sex", "--engine", "native", "--rule", "four-fifths", "--out", "out", "--quiet"]) == 0
    for day, old in (("2027-07-05", 0), ("2027-07-06", 2)):
        assert _run(["report", "out", "--as-of", day]) == 0
        assert Path("out/report.html").read_text(encoding="utf-8").count("which is over a year ago: look whether it still holds") == old
    found = read_audit("out")
    assert "over a year ago" not in render(found) and render(found, as_of=date(2027, 7, 6)) == Path("out/report.html").read_text(encoding="utf-8")


def test_show_as_json_and_as_yaml(capsys: Said) -> None:
    assert _run(["rules", "show", "four-fifths", "--yaml"]) == 0
    assert capsys.readouterr().out == resource("rules", "four-fifths.yaml").read_text("utf-8")
    assert _run(["rules", "show", "four-fifths", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["id"], found["missing"], found["extends"], found["source"][0]["as_of"]) == ("four-fifths", "group", None, "2026-07-05")
    assert _run(["rules", "show", "four-fifths", "pack:triage", "--json"]) == 0
    assert [one["id"] for one in json.loads(capsys.readouterr().out)] == ["four-fifths", "triage"]
    assert _run(["rules", "show", "four-fifths", "--json", "--yaml"]) == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["show", "four-fith"], "there is no rule 'four-fith'; did you mean 'four-fifths'?"),
        (["show", "pack:hirng"], "there is no pack 'hirng'; did you mean 'hiring'?"),
        (["show", "nowhere.yaml"], "there is no file 'nowhere.yaml'"),
        (["validate", "nowhere.yaml"], "there is no file 'nowhere.yaml'"),
        (["validate", "."], ". holds no file that ends in .yaml or .yml"),
        (["validate"], "Missing argument"),
        (["new", "Our Rule"], "the id 'Our Rule' must be lower-case words joined by hyphens"),
        (["new", "four-fifths"], "'four-fifths' is a rule that comes with fairaudit; give yours an id of its own, as our-four-fifths."),
        (["new", "ours", "--extends", "four-fith"], "did you mean 'four-fifths'?"),
        (["new", "ours", "--out", "."], "is a folder; name a file in it."),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_sentence(arguments: list[str], sentence: str, capsys: Said) -> None:
    assert _run(["rules", *arguments]) == 2
    told = capsys.readouterr()
    assert sentence in told.err and told.err.count("\n") == 1 and not list(Path().iterdir())


def test_validate_tells_every_mistake_of_every_file_at_once(capsys: Said) -> None:
    folder = Path("ours")
    folder.mkdir()
    text = resource("rules", "four-fifths.yaml").read_text("utf-8")
    (folder / "a.yaml").write_text(text.replace("limit: 0.8", "limit: .nan").replace("severity: fail", "severity: loud"))
    (folder / "b.yml").write_text(text.replace("id: four-fifths", "id: our-fifths"))
    (folder / "c.yaml").write_text("schema: fairaudit/rule/1\nextends: b.yml\nid: our-fifths\ntitle: Ours\nlimit_origin: ours\n")
    (folder / "d.yaml").write_text("schema: fairaudit/rule/1\nextends: b.yml\nid: our-others\ntitle: Ours\nlimit_origin: ours\nsevrity: warn\n")
    (folder / "readme.txt").write_text("no rule")
    assert _run(["rules", "validate", "ours", "nowhere.yaml"]) == 2
    told = capsys.readouterr()
    assert told.out == "ours/b.yml: our-fifths is sound.\n"
    lines = told.err.splitlines()
    assert len(lines) == 5 and [one.split(": ")[1].split(":")[0] for one in lines[:4]] == ["ours/a.yaml", "ours/a.yaml", "ours/c.yaml", "ours/d.yaml"]
    assert "must be a finite number" in lines[0] and "'severity' must be one of" in lines[1] and "the id 'our-fifths' is that of the rule it extends" in lines[2]
    assert "did you mean 'severity'?" in lines[3] and "there is no file 'nowhere.yaml'" in lines[4]


def test_validate_finds_nothing_wrong_with_what_is_sound_and_two_of_one_id(capsys: Said) -> None:
    text = resource("rules", "four-fifths.yaml").read_text("utf-8")
    Path("a.yaml").write_text(text)
    assert _run(["rules", "validate", "a.yaml"]) == 0 and _run(["rules", "validate", "."]) == 0
    Path("b.yaml").write_text(text)
    assert _run(["rules", "validate", "."]) == 2
    assert "b.yaml: its id 'four-fifths' is that of a.yaml too" in capsys.readouterr().err


def test_new_begins_a_rule_that_is_sound_and_judges(capsys: Said) -> None:
    assert _run(["rules", "new", "our-selection"]) == 0 and _run(["rules", "validate", "our-selection.yaml"]) == 0
    text, made = Path("our-selection.yaml").read_text(encoding="utf-8"), load_file(Path("our-selection.yaml"))
    assert (made.id, made.title, made.source[0].as_of) == ("our-selection", "Our selection", date.today()) and mistakes(text) == []
    commented = [line.removeprefix("# ").split(":")[0] for line in text.splitlines() if line.startswith("# ") and ": " in line.removeprefix("# ").split("  #")[0]]
    uncommented = text
    for name in ("direction", "decide_on", "confidence", "multiplicity", "minimum", "small_groups", "missing", "exclude_below", "slices", "serious"):
        assert name in commented
        uncommented = uncommented.replace(f"# {name}:", f"{name}:")
    Path("all.yaml").write_text(uncommented, encoding="utf-8")
    assert load_file(Path("all.yaml")).exclude_below == 0.02
    assert _run(["rules", "new", "our-selection"]) == 2 and "is there already" in capsys.readouterr().err
    assert Path("our-selection.yaml").read_text(encoding="utf-8") == text


@pytest.mark.parametrize("id", shipped_rules())
def test_new_extends_any_shipped_rule(id: str) -> None:
    assert _run(["rules", "new", "ours", "--extends", id, "--out", "deep/er/ours.yaml"]) == 0
    text = Path("deep/er/ours.yaml").read_text(encoding="utf-8")
    made, base = load_file(Path("deep/er/ours.yaml")), load_rule(id)
    assert (made.extends, made.limit, made.metric_names, made.limit_origin.value) == (id, base.limit, base.metric_names, "ours") and mistakes(text) == []


def test_new_extends_a_file_by_its_path_from_the_new_one(capsys: Said) -> None:
    _run(["rules", "new", "house-rule"])
    for out in ("beside.yaml", "sub/below.yaml"):
        assert _run(["rules", "new", "ours", "--extends", "house-rule.yaml", "--out", out]) == 0
        assert load_file(Path(out)).extends == "house-rule"
    assert _run(["rules", "new", "theirs", "--extends", "beside.yaml"]) == 2
    assert "'ours' itself extends 'house-rule'" in capsys.readouterr().err


def test_schema_prints_the_packaged_one(capsys: Said) -> None:
    assert _run(["rules", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(rule_schema()))
