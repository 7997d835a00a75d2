"""Waivers from the command line: asked of the gate, written by `waive`, and no part of the audit."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import shutil
import sys
from codecs import BOM_UTF8
from contextlib import chdir
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest

import fairaudit
from fairaudit.cli import _run
from fairaudit.gate.waiver_file import load_waivers
from tests.cli.test_commands import FLAGS, HEADER, ROOT, _done

UNFAIR = "f,1,0.9\nf,0,0.9\n" * 50 + "f,1,0.1\nf,0,0.1\n" * 150 + "m,1,0.9\nm,0,0.9\n" * 100 + "m,1,0.1\nm,0,0.1\n" * 100  # 0.25 of f are selected, and 0.5 of m
FAIRER = "f,1,0.9\nf,0,0.9\n" * 72 + "f,1,0.1\nf,0,0.1\n" * 128 + "m,1,0.9\nm,0,0.9\n" * 100 + "m,1,0.1\nm,0,0.1\n" * 100  # 0.36 and 0.5
TERMS = ("--owner", "Ada L.", "--reason", "new data: being collected", "--as-of", "2026-11-26")
DAY = ("--as-of", "2026-11-26")
W = "fairness-waivers.yaml"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data and the audit with violations, which no test changes but in a copy."""
    with chdir(folder := tmp_path_factory.mktemp("made")):
        for name, rows in (("unfair", UNFAIR), ("fairer", FAIRER)):
            Path(f"{name}.csv").write_text(HEADER + rows)
        _audited("unfair")
    return folder


@pytest.fixture(autouse=True)
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


def _audited(name: str, *more: str, code: int = 0) -> None:
    assert _run(["audit", "--data", f"{name}.csv", *FLAGS, "--rule", "four-fifths", "--rule", "equal-opportunity", "--out", name, "--quiet", *more]) == code


def _said(capfd: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    capfd.readouterr()
    assert _run(list(arguments)) == code
    told = capfd.readouterr()
    return told.out if code in (0, 1) else told.err


_ENTRY = "{{rule: four-fifths, slice: {{sex: {sex}}}, owner: Ada L., reason: new data, created: 2026-11-01, expires: {until}, holds_to: 0.4}}"
_HEAD = "schema: fairaudit/waivers/1\nwaivers:\n"


def _file(*until: str, name: str = W) -> None:
    Path(name).write_text(_HEAD + "".join(f"  - {_ENTRY.format(sex=f's{place}', until=day)}\n" for place, day in enumerate(until)))


def test_a_file_is_checked_alone_and_says_what_is_not_in_force_or_soon_will_not_be(capfd: pytest.CaptureFixture[str]) -> None:
    _file("2027-02-01", "2026-11-30", "2026-11-25")
    assert _said(capfd, "waivers", *DAY, code=1).splitlines() == [
        f"{W}: 3 waivers, 1 of them not in force on 2026-11-26.",
        "  The waiver of four-fifths on sex=s1, owned by Ada L., expires on 2026-11-30, in 4 days; after that day it fails the build until it is removed or renewed.",
        "  The waiver of four-fifths on sex=s2, owned by Ada L., has expired on 2026-11-25; it fails the build. Remove it, or renew it by a new `created` and `expires`.",
    ]
    assert "not in force on 2026-10-31" in _said(capfd, "waivers", "--as-of", "2026-10-31", code=1)
    _file("2027-02-01")
    assert _said(capfd, "waivers", *DAY) == f"{W}: 1 waiver, all in force on 2026-11-26.\n"
    Path("none.yaml").write_text("schema: fairaudit/waivers/1\nwaivers: []\n")
    assert _said(capfd, "waivers", "none.yaml", W, W, *DAY).splitlines() == ["none.yaml: no waivers.", f"{W}: 1 waiver, all in force on 2026-11-26."]


def test_a_file_alone_tells_every_mistake_in_its_place(capfd: pytest.CaptureFixture[str]) -> None:
    _file("2027-02-01", "2026-10-01")
    Path("other.yaml").write_text(_HEAD + "  - rule: four-fifths\n    slise: {sex: f}\n    owner: A\n    reason: r\n    created: 2026-11-01\n    expires: 2026-12-01\n    holds_to: .nan\n")
    said = _said(capfd, "waivers", W, "other.yaml", "nowhere.yaml", *DAY, code=2).splitlines()
    assert said[0].startswith(f"fairaudit: {W}:4:") and "'expires' is 2026-10-01, before 2026-11-01" in said[0]
    assert any(one.startswith("fairaudit: other.yaml:4:5:") and "'slise'" in one and "did you mean 'slice'?" in one for one in said)
    assert any(one.startswith("fairaudit: other.yaml:9:15:") and "holds_to" in one for one in said) and "nowhere.yaml" in said[-1]
    assert _run(["waivers", "fairer/audit.json"]) == _run(["waivers", "."]) == _run(["waivers", "--as-of", "now"]) == 2


def test_what_is_violated_is_waived_shown_and_counted(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["gate", "unfair"]) == 1
    said = _said(capfd, "waive", "unfair", *TERMS, "--ticket", "T-1", "--days", "30")
    assert said.splitlines()[-1] == f"Gate:    fairaudit gate unfair --waivers {W}" and "four-fifths on sex=f: selection_rate ratio is 0.5; waived to 0.4" in said
    audit = fairaudit.read_audit("unfair")
    held = load_waivers(W).waivers
    assert [one.holds_to for one in held] == [one.interval[0] for one in audit.findings if one.verdict == "fail" and one.interval]
    lines = _said(capfd, "gate", "unfair", "--waivers", W, *DAY).splitlines()
    assert lines[0] == "PASS  Nothing fails the gate: 2 violations waived."
    assert lines[2].startswith("  WAIVED  four-fifths: sex=f: selection_rate ratio 0.5 against sex=m (allowed: at least 0.8 times); 95% interval 0.41")
    assert "; waived to 0.41" in lines[2] and lines[2].endswith(" until 2026-12-26. Ada L.: new data: being collected (T-1)")
    assert _said(capfd, "gate", "unfair", "--waivers", W, *DAY, "--quiet") == lines[0] + "\n"
    assert "four-fifths · sex=f · selection_rate ratio: beyond, fail, waived: " in _said(capfd, "gate", "unfair", "--waivers", W, *DAY, "--verbose")


def test_the_day_decides_and_the_first_word_is_the_gates(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["waive", "unfair", *TERMS, "--expires", "2026-12-10"]) == 0
    soon = _said(capfd, "gate", "unfair", "--waivers", W, "--as-of", "2026-12-10").splitlines()
    assert soon[0] == "PASS  Nothing fails the gate: 2 violations waived, 2 warnings." and sum("WARNING  waiver-expiring: " in line for line in soon) == 2
    late = _said(capfd, "gate", "unfair", "--waivers", W, "--as-of", "2026-12-11", code=1).splitlines()
    assert late[0].startswith("FAIL  The audited decisions violate “Four-fifths rule (adverse impact)” and “Equal opportunity”; 2 waivers that are not in force")
    assert sum("FAIL  waiver-expired: The waiver of " in line for line in late) == 2
    assert _run(["gate", "unfair", "--waivers", W]) == (1 if datetime.now(UTC).date().isoformat() > "2026-12-10" else 0)  # today, where no day is named


def test_an_expired_waiver_fails_the_build_although_nothing_is_violated(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["waive", "unfair", *TERMS, "--rule", "four-fifths", "--expires", "2026-12-10"]) == 0
    Path("fair.csv").write_text(HEADER + "f,1,0.9\nm,1,0.9\nf,0,0.1\nm,0,0.1\n" * 100)
    assert _run(["audit", "--data", "fair.csv", *FLAGS, "--rule", "four-fifths", "--out", "fair", "--quiet"]) == 0
    late = ("--waivers", W, "--as-of", "2026-12-11")
    lines = _said(capfd, "gate", "fair", *late, code=1).splitlines()
    assert lines[0].startswith("FAIL  No violation fails the gate, but something else does; 1 waiver that is not in force")
    assert any(line.endswith("has expired on 2026-12-10; nothing is violated that it is for. Remove it, or renew it by a new `created` and `expires`.") for line in lines)
    assert _run(["gate", "fair", *late, "--inconclusive", "pass"]) == 1
    assert _run(["gate", "fair", "--waivers", W, "--as-of", "2026-12-10"]) == 0
    Path(W).write_text("schema: fairaudit/waivers/1\nwaivers: []\n")  # it is removed
    assert _run(["gate", "fair", *late]) == 0


def test_an_unused_waiver_warns_or_fails(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["waive", "unfair", *TERMS]) == 0
    Path(W).write_text(Path(W).read_text().replace("rule: four-fifths", "rule: four-fifth"))
    said = _said(capfd, "gate", "unfair", "--waivers", W, *DAY, code=1)
    assert "1 violation waived, 1 warning" in said and "did you mean 'four-fifths'?" in said
    only = ("gate", "unfair", "--rule", "equal-opportunity", "--waivers", W, *DAY)
    assert "PASS  Nothing fails the gate: 1 violation waived, 1 warning." in _said(capfd, *only)
    assert _said(capfd, *only, "--unused-waivers", "fail", code=1).startswith("FAIL  No violation fails the gate, but something else does; 1 violation waived, 1 waiver that is not used.\n")


def test_the_audit_does_not_depend_on_waivers_or_the_day_and_the_report_shows_them() -> None:
    assert _run(["waive", "unfair", *TERMS]) == 0
    plain, page = Path("unfair/audit.json").read_bytes(), Path("unfair/report.html").read_bytes()
    _audited("unfair", "--gate", "--waivers", W, *DAY, "--unused-waivers", "fail")
    shown = Path("unfair/report.html").read_text()
    assert Path("unfair/audit.json").read_bytes() == plain and "The gate on 2026-11-26" in shown and shown.count("~</span> Waived") == 2
    assert "The rule allows at least 0.8 times; waived to 0.41" in shown and "Ada L.: new data: being collected." in shown
    _audited("unfair", "--gate", "--waivers", W, "--as-of", "2027-06-01", code=1)
    assert Path("unfair/audit.json").read_bytes() == plain and "waiver of four-fifths on sex=f, owned by Ada L., has expired" in Path("unfair/report.html").read_text()
    assert _run(["report", "unfair"]) == 0 and Path("unfair/report.html").read_bytes() == page  # who asks for no waivers is shown none
    assert _run(["report", "unfair", "--waivers", W, *DAY]) == 0 and Path("unfair/report.html").read_text() == shown


def test_the_report_says_what_the_gate_made_of_a_baseline_or_of_a_policy() -> None:
    """Or a reader of the page would take the audit's word for the build's."""
    assert _run(["audit", "--data", "unfair.csv", *FLAGS, "--rule", "equal-opportunity", "--out", "new", "--quiet", "--gate", "--baseline", "unfair"]) == 1
    page = Path("new/report.html").read_text()
    assert "1 slicing or rule that has vanished since the baseline" in page and "four-fifths was judged in the baseline and is not judged here" in page and "A violation that is waived" not in page
    assert _run(["report", "new", "--baseline", "unfair"]) == 0 and Path("new/report.html").read_text() == page
    Path("few.csv").write_text(HEADER + "f,1,0.9\nm,1,0.9\nf,0,0.1\nm,0,0.1\n" * 3)
    few = ("audit", "--data", "few.csv", *FLAGS, "--rule", "four-fifths", "--out", "few", "--quiet", "--gate")
    assert _run([*few]) == 3 and "The gate" not in Path("few/report.html").read_text()
    assert _run([*few, "--inconclusive", "warn"]) == 0 and "Nothing fails the gate" in Path("few/report.html").read_text()
    assert _run([*few[:-1]]) == 0 and "The gate" not in Path("few/report.html").read_text()  # no gate was asked


def test_a_configuration_may_name_them() -> None:
    assert _run(["waive", "unfair", *TERMS]) == 0
    Path("ours.yaml").write_text(f"data: [unfair.csv]\nlabel: y\nscore_column: s\nprotected: [sex]\nengines: [native]\nrules: [four-fifths]\nout: out\ngate: true\nwaivers: {W}\nas_of: 2026-11-26\n")
    assert _run(["audit", "--config", "ours.yaml", "--quiet"]) == 0
    assert _run(["audit", "--config", "ours.yaml", "--quiet", "--unused-waivers", "fail"]) == 1  # that of equal-opportunity
    assert _run(["audit", "--config", "ours.yaml", "--quiet", "--as-of", "2027-11-26"]) == 1


def test_a_name_that_is_no_text_is_kept_and_a_pipe_is_written_to(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["waive", "unfair", "--owner", b"Ad\xe4".decode(errors="surrogateescape"), "--reason", "data 😀"]) == 0
    assert load_waivers(W).waivers[0].owner == "Ad\udce4" and "Ad\\udce4: data 😀" in _said(capfd, "gate", "unfair", "--waivers", W)
    done = _done("waive", "unfair", *TERMS, "--to", "/dev/stdout")
    assert done.returncode == 0 and done.stdout.startswith("# Violations that are tolerated"), done.stderr


def test_an_audit_from_python_is_the_same_whatever_is_asked_of_the_gate() -> None:
    from datetime import date

    config = fairaudit.AuditConfig(data=("unfair.csv",), score_column="s", label="y", protected=("sex",), engines=("native",), rules=("four-fifths",))
    asked = msgspec.structs.replace(config, gate=True, waivers="none.yaml", as_of=date(2026, 11, 26), unused_waivers="fail", fail_on="warn", inconclusive="warn")
    assert fairaudit.to_json(fairaudit.audit(asked)) == fairaudit.to_json(fairaudit.audit(config))


def test_python_takes_a_file_or_entries() -> None:
    from datetime import date

    assert _run(["waive", "unfair", *TERMS]) == 0
    audit, day = fairaudit.read_audit("unfair"), date(2026, 11, 26)
    of_file, of_list = (fairaudit.ruling(audit, waivers=one, as_of=day) for one in (W, load_waivers(W).waivers))
    assert (of_file.standings, of_file.remarks) == (of_list.standings, of_list.remarks)
    assert fairaudit.ruling(audit, waivers=Path(W), as_of=day).exit_code == 0 and fairaudit.ruling(audit, as_of=day).exit_code == 1


def test_what_is_waived_stays_and_is_never_loosened_or_renewed(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["waive", "unfair", *TERMS, "--rule", "four-fifths"]) == 0
    ours = "# ours\n" + Path(W).read_text() + "# the end\n"
    Path(W).write_text(ours)
    again = _said(capfd, "waive", "unfair", *TERMS, "--rule", "four-fifths")
    assert again == f"four-fifths on sex=f: waived already, by Ada L. until 2027-02-24.\n{W} is left as it is.\n" and Path(W).read_text() == ours
    assert _run(["waive", "unfair", *TERMS]) == 0  # the other rule's is added
    both = Path(W).read_text()
    assert both.startswith(ours.removesuffix("# the end\n")) and both.endswith("# the end\n") and len(load_waivers(W).waivers) == 2
    Path(W).write_text(both.replace("holds_to: 0.4", "holds_to: 0.6"))
    worse = _said(capfd, "waive", "unfair", *TERMS, code=2)
    assert worse.startswith(f"fairaudit: {W}: four-fifths on sex=f is violated, and the waiver of four-fifths on sex=f, owned by Ada L., holds to 0.6") and "by hand only" in worse
    Path(W).write_text(both)
    assert "has expired on 2027-02-24; what is there is loosened or renewed by hand only" in _said(capfd, "waive", "unfair", *TERMS[:-1], "2027-03-01", code=2)
    assert Path(W).read_text() == both


def test_only_what_has_clearly_improved_is_tightened(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["waive", "unfair", *TERMS]) == 0
    first, text = load_waivers(W).waivers, Path(W).read_text()
    assert _said(capfd, "waive", "unfair", "--tighten") == f"No violation has clearly improved; {W} is left as it is.\n" and Path(W).read_text() == text
    _audited("fairer")
    wanted = {one.rule: one.interval[0] for one in fairaudit.read_audit("fairer").findings if one.verdict == "fail" and one.interval}
    assert wanted["four-fifths"] > first[0].holds_to
    said = _said(capfd, "waive", "fairer", "--tighten")
    assert {one.rule: one.holds_to for one in load_waivers(W).waivers} == {one.rule: one.holds_to for one in first} | wanted and f"holds_to {first[0].holds_to:.6g} → " in said
    assert [msgspec.structs.replace(one, holds_to=0) for one in load_waivers(W).waivers] == [msgspec.structs.replace(one, holds_to=0) for one in first]
    assert "worse-than-waived" in _said(capfd, "gate", "unfair", "--waivers", W, *DAY, code=1)  # and there is no way back
    assert _run(["waive", "unfair", "--tighten"]) == 0 and {one.rule: one.holds_to for one in load_waivers(W).waivers}["four-fifths"] == wanted["four-fifths"]


def test_one_slice_or_rule_may_be_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["waive", "unfair", *TERMS, "--rule", "equal-opportunity", "--slice", "sex=f"]) == 0
    assert [one.rule for one in load_waivers(W).waivers] == ["equal-opportunity"]
    assert "there is no violation on 'sex=g'; did you mean 'sex=f'?" in _said(capfd, "waive", "unfair", *TERMS, "--slice", "sex=g", code=2)
    assert "there is no rule 'four-fifth'; did you mean 'four-fifths'?" in _said(capfd, "waive", "unfair", *TERMS, "--rule", "four-fifth", code=2)


MISTAKES = {
    "no owner and no reason": (("waive", "unfair"), "fairaudit: a waiver needs an owner, who answers for it; say it with --owner NAME.\nfairaudit: a waiver needs a reason, why it is tolerated; say it with --reason TEXT.\n"),
    "a reason of spaces": (("waive", "unfair", "--owner", "a", "--reason", " "), "fairaudit: a waiver needs a reason, why it is tolerated; say it with --reason TEXT.\n"),
    "a day that is none": (("waive", "unfair", *TERMS, "--expires", "soon"), "fairaudit: --expires 'soon' is no date; write it as 2026-07-05.\n"),
    "two ends": (("waive", "unfair", *TERMS, "--expires", "2026-12-01", "--days", "3"), "fairaudit: --expires and --days say the same; keep one.\n"),
    "an end in the past": (("waive", "unfair", *TERMS, "--expires", "2026-11-25"), "fairaudit: --expires 2026-11-25 is not from 2026-11-26 to 2027-05-25, 180 days later, which is the most that the file's max_days allows.\n"),
    "too many days": (("waive", "unfair", *TERMS, "--days", "181"), "fairaudit: --days is 181; give a whole number from 1 to 180, the most that the file's max_days allows.\n"),
    "tighten what is not there": (("waive", "unfair", "--tighten"), f"fairaudit: there is no file '{W}' to tighten; name one with --to FILE.\n"),
    "tighten and an owner": (("waive", "unfair", "--tighten", "--owner", "a"), "fairaudit: --owner is of new waivers, and --tighten writes none; leave it out.\n"),
    "onto an audit": (("waive", "unfair", *TERMS, "--to", "unfair/audit.json"), "fairaudit: unfair/audit.json"),
    "into a folder": (("waive", "unfair", *TERMS, "--to", "unfair"), "fairaudit: unfair is a folder; name a file in it.\n"),
    "an audit is no baseline of itself": (("gate", "unfair", "--baseline", "./unfair/audit.json"), "fairaudit: --baseline ./unfair/audit.json is the audit that is judged, and of itself nothing changes; name the former one.\n"),
    "quiet and verbose": (("gate", "unfair", "--quiet", "--verbose"), "fairaudit: --quiet and --verbose exclude each other; keep one.\n"),
    "no such file of waivers": (("gate", "unfair", "--waivers", "none.yaml"), "fairaudit: there is no file 'none.yaml'.\n"),
    "no file of waivers": (("gate", "unfair", "--waivers", "unfair.csv"), "fairaudit: unfair.csv:1:1: the file of waivers must be a mapping (name: value), and is "),
    "a day of the gate": (("gate", "unfair", "--as-of", "26.11.2026"), "fairaudit: --as-of '26.11.2026' is no date; write it as 2026-07-05.\n"),
    "waivers without a gate": (("audit", "--data", "unfair.csv", *FLAGS, "--out", "new", "--waivers", W), "fairaudit: --waivers is asked of the gate; add --gate, or leave it out.\n"),
    "waivers with mistakes cost no audit": (("audit", "--data", "unfair.csv", *FLAGS, "--rule", "four-fifths", "--out", "new", "--gate", "--waivers", "none.yaml"), "fairaudit: there is no file 'none.yaml'.\n"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_bad_input_is_a_sentence(case: str, capfd: pytest.CaptureFixture[str]) -> None:
    arguments, sentence = MISTAKES[case]
    assert _said(capfd, *arguments, code=2).startswith(sentence)
    assert not Path(W).exists() and not Path("new").exists()


def test_owner_and_reason_are_asked_for_on_a_terminal() -> None:
    process, terminal = pty.fork()
    if process == 0:
        os.environ["PYTHONPATH"] = str(ROOT)
        os.execv(sys.executable, [sys.executable, "-m", "fairaudit", "waive", "unfair"])
    os.write(terminal, b"Ada L.\ndata\n")
    while True:
        try:
            if not os.read(terminal, 65536):
                break
        except OSError:  # the other end is closed
            break
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    assert {(one.owner, one.reason) for one in load_waivers(W).waivers} == {("Ada L.", "data")}


def test_the_gate_that_is_named_judges_by_the_rules_that_were_waived(capfd: pytest.CaptureFixture[str]) -> None:
    Path("our rule.yaml").write_text("schema: fairaudit/rule/1\nextends: four-fifths\nid: ours\ntitle: Ours\nlimit_origin: ours\nlimit: 0.9\n")
    assert _said(capfd, "waive", "unfair", *TERMS, "--rule", "our rule.yaml").splitlines()[-1] == f"Gate:    fairaudit gate unfair --rule 'our rule.yaml' --waivers {W}"
    assert _run(["gate", "unfair", "--rule", "our rule.yaml", "--waivers", W, *DAY]) == 0


def test_nothing_is_waived_where_nothing_is_violated(capfd: pytest.CaptureFixture[str]) -> None:
    Path("fair.csv").write_text(HEADER + "f,1,0.9\nm,1,0.9\nf,0,0.1\nm,0,0.1\n" * 100)
    _audited("fair")
    assert _said(capfd, "waive", "fair", *TERMS) == "Nothing is violated that could be waived.\n" and not Path(W).exists()


def test_a_byte_order_mark_stays() -> None:
    Path("marked.yaml").write_bytes(BOM_UTF8 + b"schema: fairaudit/waivers/1\nwaivers: []\n")
    assert _run(["waive", "unfair", "--owner", "ada", "--reason", "data", "--to", "marked.yaml"]) == 0
    written = Path("marked.yaml").read_bytes()
    assert written.startswith(BOM_UTF8 + b"schema") and written.count(BOM_UTF8) == 1 and b"owner: ada" in written


# Where nothing is judged


def _worse() -> None:
    """A tenth of women fewer than in `unfair` are selected: 0.4 times as often as men, and by 0.3 less."""
    Path("worse.csv").write_text(HEADER + UNFAIR.replace("f,1,0.9\nf,0,0.9\n", "", 10).replace("f,1,0.1\nf,0,0.1\n", "f,1,0.1\nf,0,0.1\n" * 11, 1))
    _audited("worse")


def test_explain_tells_who_answers_for_a_violation_until_when_and_how_far(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["waive", "unfair", *TERMS, "--rule", "four-fifths", "--ticket", "T-1", "--days", "30"]) == 0
    plain = _said(capfd, "explain", "unfair")
    assert plain.splitlines()[0].startswith("fail ") and "waived" not in plain
    listed = _said(capfd, "explain", "unfair", "--waivers", W, *DAY).splitlines()
    assert [one.split()[0] for one in listed] == ["fail", "waived", "reference", "reference"]  # equal opportunity is not waived
    assert listed[1].endswith("selection_rate ratio 0.5; waived: Ada L. answers for it until 2026-12-26, as far as 0.411")
    one = ("explain", "unfair", "four-fifths", "sex=f", "--waivers", W)
    told = _said(capfd, *one, *DAY)
    assert told.splitlines()[0] == "four-fifths on sex=f (selection_rate): waived"
    assert told.splitlines()[-6:] == [
        "9. Is it waived?",
        "   The entry that is for it: four-fifths on sex=f.",
        "   Who answers for it, and why: Ada L.: new data: being collected (T-1).",
        "   It is in force from 2026-11-26 to 2026-12-26, both days included (UTC). On 2026-11-26: yes",
        "   It tolerates no less than 0.411. Is 0.5 worse: no",
        "   So it is waived: the gate lets it pass, and shows and counts it.",
    ]
    late = _said(capfd, *one, "--as-of", "2026-12-27").splitlines()
    assert late[0].endswith(": fail") and late[-2].endswith("On 2026-12-27: no") and "the entry fails the build by itself" in late[-1]
    assert _said(capfd, "explain", "unfair", "equal-opportunity", "sex=f", "--waivers", W, *DAY).splitlines()[-1].strip() == "No entry of the file of waivers is for it."
    assert "Is it waived?" not in _said(capfd, "explain", "unfair", "four-fifths", "sex=m", "--waivers", W, *DAY)  # what is no violation cannot be


def test_explain_as_data_has_the_entry_and_the_gate_takes_it_alike(capfd: pytest.CaptureFixture[str]) -> None:
    _worse()
    assert _run(["waive", "unfair", *TERMS]) == 0
    for name, became in (("unfair", "waived"), ("worse", "worse than waived")):
        data = json.loads(_said(capfd, "explain", name, "four-fifths", "sex=f", "--json", "--waivers", W, *DAY))
        assert (data["waiver"]["became"], data["waiver"]["owner"], data["steps"][-1]["numbers"]["became"]) == (became, "Ada L.", became)
        ruling = fairaudit.ruling(fairaudit.read_audit(name), waivers=W, as_of=date(2026, 11, 26))
        (one,) = (one for one in ruling.standings if one.finding.rule == "four-fifths" and str(one.finding.group) == "sex=f")
        assert (one.state.value, one.waiver is None, one.exceeded is None) == (("waived", False, True) if became == "waived" else ("fail", True, False))
    assert {one["waiver"]["became"] for one in json.loads(_said(capfd, "explain", "worse", "--json", "--waivers", W, *DAY)) if "waiver" in one} == {"worse than waived", "waived"}
    assert "waiver" not in json.loads(_said(capfd, "explain", "unfair", "four-fifths", "sex=f", "--json"))


def test_explain_says_of_entries_that_do_not_apply_what_the_gate_says(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["waive", "unfair", *TERMS, "--expires", "2026-12-10"]) == 0
    Path(W).write_text(Path(W).read_text().replace("rule: four-fifths", "rule: four-fifth"))
    said = _said(capfd, "explain", "unfair", "--waivers", W, "--as-of", "2026-12-09")
    gate = _said(capfd, "gate", "unfair", "--waivers", W, "--as-of", "2026-12-09", code=1)
    for sentence in said.splitlines()[-3:]:
        assert sentence.startswith("The waiver of ") and sentence in gate
    assert "did you mean 'four-fifths'?" in said and "in one day" not in said and "tomorrow" in said


def test_the_table_of_findings_has_who_answers(capfd: pytest.CaptureFixture[str]) -> None:
    _worse()
    assert _run(["waive", "unfair", *TERMS]) == 0
    rows = list(csv.DictReader(io.StringIO(_said(capfd, "table", "worse", "--of", "findings", "--waivers", W, *DAY))))
    told = {(one["rule"], one["slice_sex"]): [one[name] for name in ("verdict", "waived", "waiver", "waiver_owner", "waiver_expires", "waiver_reason")] for one in rows}
    terms = ["Ada L.", "2027-02-24", "new data: being collected"]
    assert told == {
        ("four-fifths", "f"): ["fail", "false", "worse than waived", *terms], ("four-fifths", "m"): ["pass", "", "", "", "", ""],
        ("equal-opportunity", "f"): ["fail", "true", "waived", *terms], ("equal-opportunity", "m"): ["pass", "", "", "", "", ""],
    }  # fmt: skip
    assert {float(one["waiver_holds_to"]) for one in rows if one["waived"]} == {one.holds_to for one in load_waivers(W).waivers}
    assert "waiver" not in _said(capfd, "table", "worse", "--of", "findings").splitlines()[0]
    assert _run(["table", "worse", "--of", "findings", "--waivers", W, "--write", "parquet=f.parquet"]) == 0 and Path("f.parquet").is_file()


def test_compare_tells_what_is_waived_on_both_sides(capfd: pytest.CaptureFixture[str]) -> None:
    _worse()
    assert _run(["waive", "unfair", *TERMS, "--ticket", "T-1"]) == 0
    said = _said(capfd, "compare", "unfair", "worse", "--waivers", W, *DAY, "--out", "x.md")
    assert "Violations: 2 before, of which 2 are waived on 2026-11-26; 2 now, of which 1 is.\n" in said
    assert re.search(r"four-fifths +sex=f +selection_rate ratio +fail, waived \(beyond\) 0\.5 +fail \(beyond\) 0\.4\n", said)
    assert re.search(r"four-fifths +sex=f +selection_rate ratio +waived 0\.5 +worse than waived 0\.4 +0\.411 +2027-02-24 +Ada L\.: new data: being collected \(T-1\)\n", said)
    assert re.search(r"equal-opportunity +sex=f +true_positive_rate difference +waived −0\.25 +waived −0\.3 +−0\.338 ", said)
    assert "## Violations that somebody answers for" in Path("x.md").read_text()
    data = json.loads(_said(capfd, "compare", "unfair", "worse", "--json", "--waivers", W, *DAY))
    assert [(one["rule"], one["before"], one["now"], one["waiver"]["owner"]) for one in data["waived"]["answered"]] == [
        ("four-fifths", "waived", "worse than waived", "Ada L."), ("equal-opportunity", "waived", "waived", "Ada L."),
    ]  # fmt: skip
    assert json.loads(_said(capfd, "compare", "unfair", "worse", "--json"))["waived"] is None and "answers for" not in _said(capfd, "compare", "unfair", "worse")
    late = _said(capfd, "compare", "unfair", "worse", "--waivers", W, "--as-of", "2027-03-01")
    assert "of which none is waived on 2027-03-01; 2 now, of which none is." in late and "not in force 0.5" in late


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("explain", "unfair", "--waivers", "nowhere.yaml"), "there is no file 'nowhere.yaml'"),
        (("compare", "unfair", "unfair", "--as-of", "2026-11-26"), "--as-of is the day on which waivers are judged; name their file with --waivers FILE, or leave it out."),
        (("table", "unfair", "--waivers", W), "--waivers is of findings, and the table is of measurements; add --of findings, or leave it out."),
        (("table", "unfair", "--of", "findings", "--waivers", "unfair.csv"), "unfair.csv"),
        (("explain", "unfair", "--waivers", W, "--as-of", "soon"), "--as-of 'soon' is no date; write it as 2026-07-05."),
    ],
)
def test_waivers_that_cannot_be_are_a_sentence_where_nothing_is_judged_too(arguments: tuple[str, ...], sentence: str, capfd: pytest.CaptureFixture[str]) -> None:
    Path(W).write_text("schema: fairaudit/waivers/1\nwaivers: []\n")
    assert sentence in _said(capfd, *arguments, code=2)
