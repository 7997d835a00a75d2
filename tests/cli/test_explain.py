"""`fairaudit explain` as a user meets it: the list, one finding, its data, and sentences for what does not fit."""

from __future__ import annotations

import json
import re
import shutil
from contextlib import chdir
from pathlib import Path

import pytest

from fairaudit.cli import _run

ROOT = Path(__file__).parent.parent.parent
EEOC = "race,hired\n" + "White,1\n" * 48 + "White,0\n" * 32 + "Black,1\n" * 12 + "Black,0\n" * 28


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The audit, which no test changes but in a copy."""
    with chdir(folder := tmp_path_factory.mktemp("made")):
        Path("hired.csv").write_text(EEOC)
        assert _run(["audit", "--data", "hired.csv", "--decision-column", "hired", "--protected", "race", "--engine", "native", "--rule", "four-fifths", "--out", "out", "--quiet"]) == 0
    return folder


@pytest.fixture(autouse=True)
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


def _said(capfd: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    capfd.readouterr()
    assert _run(["explain", *arguments]) == code
    out, err = capfd.readouterr()
    assert (err if code == 0 else out) == ""
    return out if code == 0 else err


def test_without_a_finding_all_are_listed_by_the_words_that_name_them(capfd: pytest.CaptureFixture[str]) -> None:
    text = _said(capfd, "out")
    assert [line.split("  ")[0] for line in text.splitlines()] == ["fail", "inconclusive", "reference"]
    assert "four-fifths race=Black " in text and "four-fifths 'all groups of race'" in text
    assert text == _said(capfd, "out/audit.json")
    listed = json.loads(_said(capfd, "out", "--json"))
    assert [one["name"] for one in listed] == ["four-fifths race=Black", "four-fifths race=White", "four-fifths 'all groups of race'"] and listed[0]["verdict"] == "fail"


def test_a_finding_is_told_step_by_step_and_the_same_as_data(capfd: pytest.CaptureFixture[str]) -> None:
    text = _said(capfd, "out", "four-fifths", "race=Black")
    assert re.findall(r"^(\d)\. ", text, re.MULTILINE) == list("12345678")
    data = json.loads(_said(capfd, "out", "race=Black", "--json"))
    assert (data["rule"], data["whom"], data["differs_from_file"], data["finding"]["value"]) == ("four-fifths", "race=Black", [], 0.5)
    assert [step["step"] for step in data["steps"]] == ["counted", "rates", "compared", "limit", "interval", "test", "serious", "verdict"]
    assert all(f"   {line}" in text for step in data["steps"] for line in step["text"])
    assert data["steps"][5]["numbers"]["p"] == pytest.approx(0.0017046, rel=1e-4) and data["steps"][7]["numbers"]["verdict"] == "fail"


def test_the_page_shows_what_the_command_prints(capfd: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "explain.md").read_text()
    shown = page.split("<!-- printed -->\n```\n")[1].split("\n```")[0]
    assert shown == _said(capfd, "out", "four-fifths", "race=Black").rstrip("\n")
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == {"counted", "rates", "compared", "limit", "interval", "test", "serious", "verdict", "waiver"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("out", "four-fifths", "race=Blak"), "there is no finding on 'race=Blak'; did you mean 'race=Black'?"),
        (("out", "four-fith", "race=Black"), "there is no rule, metric or slice 'four-fith'; did you mean 'four-fifths'?"),
        (("out", "four-fifths"), "'four-fifths' names 3 findings; name one of\n  four-fifths race=Black\n  four-fifths race=White\n  four-fifths 'all groups of race'"),
        (("out", "tpr"), "no finding is named 'tpr'"),
        (("out", ""), "there is no"),
        (("nowhere",), "nowhere: No such file or directory; give the audit.json that `fairaudit audit --out DIR` wrote."),
        (("hired.csv",), "hired.csv is not an audit file that fairaudit can read"),
    ],
)
def test_what_does_not_fit_is_a_sentence(arguments: tuple[str, ...], sentence: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert sentence in _said(capfd, *arguments, code=2)


def test_an_audit_without_rules_has_nothing_to_explain(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["audit", "--data", "hired.csv", "--decision-column", "hired", "--protected", "race", "--engine", "native", "--out", "plain", "--quiet"]) == 0
    assert "made without rules, so nothing was judged; audit again with --rule ID" in _said(capfd, "plain", code=2)


def test_a_file_that_was_changed_by_hand_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    path = Path("out/audit.json")
    held = json.loads(path.read_text())
    for one in held["findings"]:
        one["verdict"], one["outcome"] = "pass", "within"
    path.write_text(json.dumps(held))
    text = _said(capfd, "out", "four-fifths", "race=Black")
    assert "AND THE FINDING STORED THERE SAYS OTHERWISE: outcome within, and the counts give beyond; verdict pass, and the counts give fail." in text
