"""Waivers from the command line: asked of the gate, written by `waive`, and no part of the audit."""

from __future__ import annotations

import os
import pty
import sys
from codecs import BOM_UTF8
from datetime import UTC, datetime
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


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, rows in (("unfair", UNFAIR), ("fairer", FAIRER)):
        Path(f"{name}.csv").write_text(HEADER + rows)
    _audited("unfair")


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
    assert fairaudit.ruling(audit, waivers=W, as_of=day) == fairaudit.ruling(audit, waivers=load_waivers(W).waivers, as_of=day)
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
