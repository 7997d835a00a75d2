"""`fairaudit rules choose`: asked on a terminal, answered by flags elsewhere, and what it writes audits."""

from __future__ import annotations

import io
import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fairaudit.cli import _run
from fairaudit.cli.choosing import QUESTIONS
from fairaudit.config import AuditConfig
from fairaudit.documents import read_document
from fairaudit.result import read_audit
from fairaudit.rules.library import load_rules
from fairaudit.rules.tree import table

Said = pytest.CaptureFixture[str]
ROOT = Path(__file__).parents[2]
DATA = ("--data", "people.csv", "--label", "hired", "--score-column", "score", "--protected", "sex", "--protected", "race")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder with people: base rates 0.3 of women and 0.5 of men, scores near the label, two departments; standard input is no terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    rows = (
        f"{sex},{'abc'[place % 3]},{'xy'[place % 2]},{int(place % 10 < base)},{0.8 if (place * 7) % 10 < base else 0.2}"
        for sex, base in (("f", 3), ("m", 5)) for place in range(600)
    )  # fmt: skip
    Path("people.csv").write_text("sex,race,dept,hired,score\n" + "\n".join(rows) + "\n")


def test_the_flags_answers_are_the_questions() -> None:
    choices = {names[0].removeprefix("--").split("/")[0]: tuple(settings["type"].choices) for names, settings in QUESTIONS if "type" in settings}
    questions = {one.id: tuple(one.answers) for one in table().questions}
    assert choices == {name: answers for name, answers in questions.items() if name not in ("control", "update")}


def test_without_a_terminal_the_cautious_answers_are_taken_and_said_to_be_assumed(capsys: Said) -> None:
    assert _run(["rules", "choose"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    for question in table().questions:
        assert f"{question.id} {question.cautious}; assumed, since nobody answered: {question.why} ({question.flag})" in told
    assert "four-fifths fails" in told and "equalized-odds is remarked, where it fails by itself" in told and "Accuracy for single persons" in told
    assert "With --data and --label it is computed on your own base rates." in told
    assert "615 at a rate of 10.0%, 276 at a rate of 20.0%, 164 at a rate of 30.0%, 73 at a rate of 50.0%" in told  # RULES.md E3


def test_what_a_rule_needs_besides_data_is_said_with_it(capsys: Said) -> None:
    assert _run(["rules", "choose", "--update"]) == 0
    sections = {one.splitlines()[0]: one for one in capsys.readouterr().out.split("\n\n")}
    for rule, needs in (("no-worse-than-baseline", "the old model's answers on the same rows"), ("representation", "each group's share of the population")):
        assert f"\n  {rule} " in sections["Rules"] and f"It needs {needs}" in " ".join(sections["Rules"].split())


def test_with_data_the_forced_gap_and_the_rows_are_computed_on_them(capsys: Said) -> None:
    assert _run(["rules", "choose", *DATA, "--labels", "sound", "--effect", "helps", "--worse-error", "missed", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    rates = {next(iter(one["slice"].values())): one for one in found["base_rates"]["groups"]}
    assert (rates["f"]["rate"], rates["m"]["rate"]) == (0.3, 0.5) and not found["base_rates"]["is_example"]
    ppv, miss = found["base_rates"]["predictive_value"], found["base_rates"]["miss_rate"]
    assert found["forced_gap"] == pytest.approx((1 - 3 / 7) * (1 - ppv) / ppv * (1 - miss))
    assert [one["rule"] for one in found["choice"]["rules"]] == ["equal-opportunity", "false-omission-parity", "worst-group"]
    assert {tuple(one["slicing"]) for one in found["sizes"]} == {("sex",), ("race",), ("sex", "race")} and all(one["rate"] for one in found["sizes"])
    assert found["choice"]["answers"]["seen"] == {"gives": "--score-column", "flagged": "the data, where 40.0% are decided positively"}


@pytest.mark.parametrize(("labels", "forced", "sentence"), [("sound", True, ""), ("proxy", True, "if it leans, so do these rates"), ("selective", False, "what they are among the others is not known")])
def test_what_base_rates_force_is_told_as_far_as_the_labels_carry(labels: str, forced: bool, sentence: str, capsys: Said) -> None:
    assert _run(["rules", "choose", *DATA, "--labels", labels]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "sex=f 30.0% of 600; sex=m 50.0% of 600" in told and ("apart, whatever the model" in told) == forced and sentence in told


def test_rules_that_the_data_cannot_serve_are_not_had(capsys: Said) -> None:
    text = Path("people.csv").read_text().replace("0.8", "8").replace("0.2", "2")
    Path("points.csv").write_text(text)
    flags = ["--data", "points.csv", *DATA[2:], "--threshold", "5", "--labels", "sound", "--use", "probability"]
    assert _run(["rules", "choose", *flags, "--write", "fairaudit.yaml"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "Cannot be had calibration-within-groups" in told and "needs probabilities" in told
    assert _run(["audit", "--config", "fairaudit.yaml", "--engine", "native", "--quiet"]) == 0


PATHS = {
    "cautious": (),
    "missed": ("--labels", "sound", "--effect", "helps", "--worse-error", "missed"),
    "read as a probability, with laws and a control": (
        "--labels", "sound", "--use", "probability", "--law", "nyc", "--law", "us-health", "--control", "dept", "--justification", 'They chose it: "freely",\n so # it may.', "--update",
    ),
    "labels selective": ("--labels", "selective", "--effect", "harms"),
    "few flagged": ("--labels", "sound", "--effect", "harms", "--worse-error", "wrongly-flagged", "--flagged", "few"),
    "bands, weights and thresholds": ("--labels", "proxy", "--bins", "score2=0.5", "--threshold", "0.4", "--threshold", "0.6", "--missing", "?", "--reference", "sex=m"),
}  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_what_it_writes_is_sound_and_audits(path: str, capsys: Said) -> None:
    text = Path("people.csv").read_text().splitlines()
    Path("people.csv").write_text("\n".join([f"{text[0]},score2", *(f"{line},{line[-3:]}" for line in text[1:])]) + "\n")
    assert _run(["rules", "choose", *DATA, *PATHS[path], "--write", "conf/fairaudit.yaml", "--out", "here"]) == 0
    assert _run(["check", "conf/fairaudit.yaml"]) == 0, capsys.readouterr().err
    assert _run(["audit", "--config", "conf/fairaudit.yaml", "--engine", "native", "--quiet"]) == 0, capsys.readouterr().err
    config = read_document(Path("conf/fairaudit.yaml"), AuditConfig, kind="configuration")
    assert config.out == "here" and {one.id for one in load_rules(config.rules)} == {one.id for one in read_audit("here").rules}
    written = Path("conf/fairaudit.yaml").read_text(encoding="utf-8")
    assert "# Traded away:" in written and "# - labels: " in written
    if "--control" in PATHS[path]:
        assert '# may fairly explain a difference: They chose it: "freely", so # it may.\ncontrol: ["dept"]' in written


def test_a_severity_of_ones_own_is_a_file_beside_that_extends_the_rule(capsys: Said) -> None:
    assert _run(["rules", "choose", *DATA, "--labels", "proxy", "--write", "fairaudit.yaml"]) == 0
    assert "written, with equalized-odds-as-info.yaml beside it" in capsys.readouterr().out
    assert _run(["rules", "validate", "equalized-odds-as-info.yaml"]) == 0
    text = Path("equalized-odds-as-info.yaml").read_text()
    assert "extends: equalized-odds\n" in text and "severity: info\n" in text and text.startswith("# equalized-odds, which is remarked here and fails by itself: ")


def test_a_file_that_is_there_is_replaced_only_by_force(capsys: Said) -> None:
    Path("fairaudit.yaml").write_text("mine")
    flags = ["rules", "choose", *DATA, "--labels", "proxy", "--write", "fairaudit.yaml"]
    assert _run(flags) == 2 and "fairaudit.yaml is there already" in capsys.readouterr().err and Path("fairaudit.yaml").read_text() == "mine"
    Path("fairaudit.yaml").unlink()
    Path("equalized-odds-as-info.yaml").write_text("mine too")
    assert _run(flags) == 2 and "equalized-odds-as-info.yaml is there already" in capsys.readouterr().err and not Path("fairaudit.yaml").exists()
    assert _run([*flags, "--force"]) == 0 and "extends" in Path("equalized-odds-as-info.yaml").read_text()
    assert _run([*flags, "--force", "--config", "fairaudit.yaml"]) == 0


def test_without_data_it_writes_a_beginning_with_what_is_still_to_be_said(capsys: Said) -> None:
    assert _run(["rules", "choose", "--labels", "sound", "--write", "fairaudit.yaml"]) == 0
    written = Path("fairaudit.yaml").read_text()
    assert "# data: " in written and "# label: " in written and "  - equalized-odds\n" in written
    assert _run(["check", "fairaudit.yaml"]) == 2 and "no data: name a CSV" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--labels", "sounds"], "'sounds' is not one of"),
        (["--use", "probability", "--gives", "decision"], "--use probability says that somebody reads a score, and --gives decision that there is none; change one."),
        (["--data", "people.csv", "--score-column", "score", "--protected", "sex", "--labels", "sound"], "--labels sound says that there are labels, and their column is not named; add --label COL."),
        ([*DATA, "--control", "dept"], "say with --justification, in a sentence, why dept may fairly explain a difference; the configuration keeps it."),
        ([*DATA, "--justification", "because"], "no --control COL is given; name it, or leave the sentence out."),
        (["--data", "people.csv", "--decision-column", "hired", "--protected", "sex", "--gives", "score"], "--decision-column names decisions; name the scores with --score-column COL."),
        (["--gives", "number", "--write", "a.yaml"], "--write has nothing to write: this version audits decisions that are yes or no."),
        ([*DATA[:-1], "rac"], "people.csv has no column 'rac', which --protected needs; did you mean 'race'?"),
        (["--data", "nowhere.csv", *DATA[2:]], "nowhere.csv: there is no such file; check --data."),
        (["--config", "nowhere.yaml"], "there is no file 'nowhere.yaml'."),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_sentence(arguments: list[str], sentence: str, capsys: Said) -> None:
    assert _run(["rules", "choose", *arguments]) == 2
    told = capsys.readouterr()
    assert sentence in told.err and told.err.count("\n") == 1 and {one.name for one in Path().iterdir()} == {"people.csv"}


def _on_a_terminal(arguments: list[str], typed: list[str]) -> tuple[int, str]:
    """A process on a pseudo-terminal, which is typed to when it asks; its exit code and all that it shows."""
    ours, theirs = pty.openpty()
    env = {name: value for name, value in os.environ.items() if name != "CI"} | {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1", "COLUMNS": "100"}
    process = subprocess.Popen([sys.executable, "-m", "fairaudit", *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=env, close_fds=True)
    os.close(theirs)
    shown, left, end = "", list(typed), time.monotonic() + 120
    while time.monotonic() < end:
        if not select.select([ours], [], [], 1.0)[0]:
            continue
        try:
            more = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not more:
            break
        shown += more.decode(errors="replace")
        if left and shown.rstrip(" ").endswith(":") and shown.endswith(": "):
            os.write(ours, left.pop(0).encode() + b"\n")
            shown += "\0"
    code = process.wait(timeout=60)
    os.close(ours)
    return code, shown


def test_on_a_terminal_each_question_is_asked_with_its_explanation_and_default(capsys: Said) -> None:
    # gives is known from the data's flags; law, labels (mistyped once), effect, worse-error, use, control with its sentence, update; flagged is known from the data.
    typed = ["us-employment, nyc", "3x", "sound", "1", "", "yes", "dep", "dept", "They applied there.", "n"]
    code, shown = _on_a_terminal(["rules", "choose", *DATA, "--write", "fairaudit.yaml"], typed)
    assert code == 0, shown
    flat = " ".join(shown.split())
    for question in table().questions:
        assert (question.asks in flat) == (question.id not in ("gives", "flagged"))
    assert "Error: there is no column 'dep'; did you mean 'dept'?" in flat
    assert "Error: '3x' is none of sound, selective, proxy, none." in flat and "both are burdens [default]" in flat and "Traceback" not in flat
    written = Path("fairaudit.yaml").read_text()
    answers = {line.split(": ")[0]: line.split(": ", 1)[1] for line in written.splitlines() if line.startswith("# - ")}
    assert answers["# - law"] == "us-employment, nyc" and answers["# - labels"] == "sound" and answers["# - effect"] == "helps" and answers["# - worse-error"] == "both"
    assert answers["# - control"] == "dept (They applied there.)" and answers["# - update"] == "no" and "assumed" not in "".join(answers.values())
    assert "# may fairly explain a difference: They applied there." in written
    assert _run(["check", "fairaudit.yaml"]) == 0


def test_what_earlier_answers_exclude_is_not_asked() -> None:
    code, shown = _on_a_terminal(["rules", "choose", "--flagged", "many", "--control", "dept", "--justification", "So."], ["decision", "none, nyc", "none", "", "", "", "proba", "1", ""])
    assert code == 0 and "Error: none says that it is none of the others" in shown and "somebody reads it as a probability" not in shown and "Error: 'proba' is none of yes-no, top-k." in shown
    code, shown = _on_a_terminal(["rules", "choose", "--gives", "number"], ["y"])
    assert code == 0 and shown.count(" [default]") == 1 and "no-worse-than-baseline" in shown and "This version audits decisions" in " ".join(shown.split())


def test_flags_skip_questions_and_ctrl_d_ends_without_a_file() -> None:
    code, shown = _on_a_terminal(["rules", "choose", "--gives", "score", "--write", "fairaudit.yaml"], ["\x04"])
    assert code == 130 and "What does the model give?" not in shown and not Path("fairaudit.yaml").exists() and "Traceback" not in shown
