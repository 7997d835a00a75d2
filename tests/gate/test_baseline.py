"""A former audit from the command line and from Python: judged row by row or as samples, alike by the audit and the gate; and what vanished since."""

from __future__ import annotations

import json
import re
import shutil
from contextlib import chdir
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import fairaudit
from fairaudit.baselines import former
from fairaudit.cli import _run
from fairaudit.config import AuditConfig
from fairaudit.errors import ConfigError
from fairaudit.gate.judged import rejudged
from fairaudit.gate.policy import Policy, State, ruled
from fairaudit.gate.vanished import vanished
from fairaudit.result import from_json, to_json
from fairaudit.rules.finding import Verdict

FLAGS = ("--label", "y", "--score-column", "s", "--protected", "sex", "--engine", "native", "--id", "pid", "--quiet")
RULE = ("--rule", "no-worse-than-baseline")


def _write(name: str, *, missed: float = 0.0, rows: range = range(2000), ids: str = "p", positive: str = "1") -> None:
    """Half are positive; the model misses a fifth of them, and of women `missed` more."""
    rng = np.random.default_rng(1)
    sex, label, score, more = np.where(np.arange(2000) % 5 < 2, "f", "m"), np.arange(2000) % 2, rng.random(2000), rng.random(2000)
    score = np.where(label == 1, np.where(score < 0.2, 0.1, 0.9), np.where(score < 0.2, 0.9, 0.1))
    score = np.where((sex == "f") & (label == 1) & (more < missed), 0.1, score)
    lines = [f"{ids}{one},{sex[one]},{positive if label[one] else 0},{score[one]},{one // 7}" for one in rows]
    Path(f"{name}.csv").write_text("\n".join(["pid,sex,y,s,who", *lines]) + "\n")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data and the former audit, which no test changes but in a copy."""
    with chdir(folder := tmp_path_factory.mktemp("made")):
        _write("old")
        _write("new", missed=0.15, rows=range(40, 2000))
        assert _run(["audit", "--data", "old.csv", *FLAGS, "--save-scores", "--out", "old"]) == 0
    return folder


@pytest.fixture(autouse=True)
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


def _audited(*more: str, data: str = "new.csv", out: str = "new", code: int = 0) -> Any:
    assert _run(["audit", "--data", data, *FLAGS, *RULE, "--out", out, *more]) == code
    return fairaudit.read_audit(out) if Path(out).exists() else None


def _of(audit: Any, metric: str = "false_negative_rate", group: str = "sex=f") -> Any:
    return next(one for one in audit.findings if one.metric == metric and str(one.group) == group)


def test_the_same_rows_are_set_beside_each_other_and_the_audit_and_the_gate_agree(capfd: pytest.CaptureFixture[str]) -> None:
    found = _audited("--save-scores", "--baseline", "old", "--gate", code=1)
    one = _of(found)
    assert one.verdict is Verdict.FAIL and one.value == pytest.approx(0.13, abs=0.04) and one.rows == 392 and _of(found, group="sex=m").value == 0
    assert found.baseline.matched.matched == 1960 and found.baseline.matched.only_before == 40 and found.baseline.counts == ()
    assert found.baseline.sha256 == former("old/audit.json").sha256
    assert "Change since the baseline rests on 1,960 rows that both audits have by their ids; 0 are in this one alone and 40 in the baseline alone." in found.notes
    assert rejudged(found, ()).findings == found.findings and rejudged(from_json(to_json(found), where="x"), ()) == found  # without the files
    again = rejudged(found, ("no-worse-than-baseline",), before=former("old"), scores=Path("new/scores.parquet"))
    assert again.findings == found.findings and again.baseline == found.baseline and again.notes == found.notes
    capfd.readouterr()
    assert _run(["gate", "new", "--baseline", "old/audit.json"]) == 1 and _run(["gate", "new"]) == 1
    assert "FAIL  no-worse-than-baseline: sex=f: false_negative_rate change 0.1" in capfd.readouterr().out
    report = Path("new/report.html").read_text()
    assert "higher than in the baseline, which is worse" in report and "McNemar" in report and "at most 0.02 higher than it was in the baseline" in report


def test_without_the_rows_of_both_they_are_independent_and_it_is_said() -> None:
    found = _audited("--baseline", "old")
    one = _of(found)
    assert one.notes == ("different rows without matched ids: as independent, wide",) and one.value == pytest.approx(0.13, abs=0.05) and found.baseline.matched is None and found.baseline.counts
    assert any("since this one kept none (--save-scores --id COL)." in note for note in found.notes)
    assert rejudged(from_json(to_json(found), where="x"), ()) == found
    paired = _of(_audited("--baseline", "old", "--save-scores", out="paired"))
    assert paired.interval[1] - paired.interval[0] < one.interval[1] - one.interval[0]
    _write("strangers", missed=0.15, ids="q")
    told = _audited("--baseline", "old", "--save-scores", data="strangers.csv", out="strangers")
    assert told.baseline.matched is None and any("since no id is in both." in note for note in told.notes) and _of(told).notes == one.notes
    Path("old/scores.parquet").unlink()
    moved = _audited("--baseline", "old", "--save-scores", out="moved")
    assert any("since the baseline's scores.parquet is not beside its audit.json." in note for note in moved.notes)


def test_changing_nothing_changes_nothing_and_passes() -> None:
    found = _audited("--save-scores", "--baseline", "old", "--gate", data="old.csv")
    assert {one.value for one in found.findings} == {0} and {one.verdict for one in found.findings} == {Verdict.PASS}


def test_the_baseline_enters_no_byte_where_nothing_of_it_was_judged() -> None:
    plain, beside = (["audit", "--data", "new.csv", *FLAGS, "--rule", "four-fifths", "--gate", "--out", name, *more] for name, more in (("plain", ()), ("beside", ("--baseline", "old"))))
    assert _run(plain) == _run(beside) == 0
    assert Path("plain/audit.json").read_bytes() == Path("beside/audit.json").read_bytes()
    held = json.loads(Path("plain/audit.json").read_text())
    assert "baseline" not in held["manifest"]["config"] and "save_scores" not in held["manifest"]["config"] and held["baseline"] is None


def test_a_configuration_has_it_too_and_python() -> None:
    Path("f.yaml").write_text("data: [new.csv]\nlabel: y\nscore_column: s\nprotected: [sex]\nengines: [native]\nid: pid\nsave_scores: true\nrules: [no-worse-than-baseline]\nbaseline: old\ngate: true\nout: new\n")
    assert _run(["audit", "--config", "f.yaml", "--quiet"]) == 1
    config = AuditConfig(data=("new.csv",), label="y", score_column="s", protected=("sex",), engines=("native",), id="pid", save_scores=True, rules=("no-worse-than-baseline",), baseline="old")
    assert fairaudit.audit(config, scores="kept.parquet").findings == fairaudit.read_audit("new").findings


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ((), 2, "the rule 'no-worse-than-baseline' judges what changed since a former audit, and none is named; name its audit.json with --baseline OLD-AUDIT.json."),
        (("--baseline", "nowhere"), 2, "--baseline nowhere: No such file or directory; give the audit.json that an earlier `fairaudit audit --out DIR` wrote."),
        (("--baseline", "old.csv"), 2, "--baseline old.csv is not an audit file that fairaudit can read"),
        (("--baseline", "old", "--positive", "0"), 2, "the baseline's positive label is '1' and this audit's '0', so their rates are of other people; give both the same with --positive."),
    ],
)
def test_what_cannot_be_is_one_sentence_and_writes_nothing(arguments: tuple[str, ...], code: int, told: str, capfd: pytest.CaptureFixture[str]) -> None:
    _audited("--save-scores", *arguments, code=code)
    said = capfd.readouterr().err
    assert told in said and said.count("\n") == 1 and not Path("new").exists()


def test_a_baseline_that_nothing_looks_at_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["audit", "--data", "new.csv", *FLAGS, "--rule", "four-fifths", "--baseline", "old", "--out", "new"]) == 2
    assert capfd.readouterr().err.startswith("fairaudit: --baseline is for rules on what changed, and for the gate; name such a rule, as no-worse-than-baseline, add --gate, or leave it out.")


def test_a_folders_name_is_no_pattern() -> None:
    for name in ("month=5", "o[l]d*"):
        Path("old").rename(name)
        assert _audited("--save-scores", "--baseline", name, out=f"{name} new").baseline.matched.matched == 1960
        Path(name).rename("old")


def test_rows_that_were_changed_since_are_told(capfd: pytest.CaptureFixture[str]) -> None:
    Path("old/scores.parquet").write_bytes(Path("old/scores.parquet").read_bytes() + b" ")
    _audited("--save-scores", "--baseline", "old", code=2)
    assert "old/scores.parquet is not what old/audit.json was made with: its sha256 is another; put back the file" in capfd.readouterr().err


def test_what_else_is_not_as_it_was_is_noted() -> None:
    found = _audited("--save-scores", "--baseline", "old", "--threshold", "0.6", "--effect", "harms", "--cluster", "who")
    told = " ".join(found.notes)
    assert "The baseline was decided above 0.5, and this audit above 0.6; what that changed is part of the change." in told
    assert "In the baseline a positive decision helps, and in this audit it harms, which says what is worse." in told
    assert "The baseline's rows are clustered by nothing, and this audit's clustered by 'who'." in told
    assert found.baseline.matched.slices[0].clusters == 281 and rejudged(from_json(to_json(found), where="x"), ()) == found


def test_ids_that_seem_to_be_of_other_rows_are_told() -> None:
    def told(*more: str, data: str) -> str:
        return " ".join(_audited("--save-scores", "--baseline", "old", *more, data=data, out=data.removesuffix(".csv")).notes)

    lines = Path("old.csv").read_text().splitlines()
    ids = [line.split(",", 1)[0] for line in lines[1:]]
    shuffled = [lines[1 + place] for place in np.random.default_rng(2).permutation(len(ids))]
    Path("others.csv").write_text("\n".join([lines[0], *(f"{id},{line.split(',', 1)[1]}" for id, line in zip(ids, shuffled, strict=True))]) + "\n")
    said = told(data="others.csv")  # half are positive and 0.4 are women, so half have another label and 0.48 of these another sex
    assert re.search("(4[6-9]|5[0-4])% of the rows whose id is in both have another label in the baseline; if that is no correction of labels, the ids are not of the same rows", said)
    assert re.search("(4[4-9]|5[0-2])% of the matched rows have another sex in the baseline; if that is no correction, the ids are not of the same rows", said)
    Path("renamed.csv").write_text(Path("new.csv").read_text().replace("pid,", "key,", 1))
    said = told("--id", "key", data="renamed.csv")
    assert "The baseline's ids are the column 'pid' and this audit's 'key'; rows are taken for the same where these are equal." in said and "nothing on change holds" not in said
    assert "nothing on change holds" not in told(data="new.csv")


def test_ids_that_are_in_both_with_another_label_each_are_not_said_to_be_in_one_alone() -> None:
    lines = Path("old.csv").read_text().splitlines()
    turned = [",".join([pid, sex, str(1 - int(label)), *rest]) for pid, sex, label, *rest in (line.split(",") for line in lines[1:])]
    Path("turned.csv").write_text("\n".join([lines[0], *turned]) + "\n")
    found = _audited("--save-scores", "--baseline", "old", data="turned.csv", out="turned")
    (told,) = (note for note in found.notes if note.startswith("Change since the baseline"))
    assert told.endswith(
        "no rows of the two audits are matched, since all 2,000 rows whose ids are in both have another label in the baseline; if that is no correction of labels, the ids are not of the same rows."
    )
    again = rejudged(found, ("no-worse-than-baseline",), before=former("old"), scores=Path("turned/scores.parquet"))
    assert found.baseline.matched is None and again.notes == found.notes and again.findings == found.findings


def test_a_slicing_that_was_not_cut_then_needs_matched_rows(capfd: pytest.CaptureFixture[str]) -> None:
    Path("both.csv").write_text("\n".join(f"{line},{'race' if place == 0 else 'ab'[place % 3 % 2]}" for place, line in enumerate(Path("new.csv").read_text().splitlines())) + "\n")
    _audited("--baseline", "old", "--protected", "race", data="both.csv", code=2)
    assert "and the one named was not cut by race; make it again with the same slices, or keep the rows of both" in capfd.readouterr().err
    found = _audited("--baseline", "old", "--protected", "race", "--save-scores", data="both.csv")
    assert _of(found, group="race=b").rows and not _of(found, group="race=b").notes


# What vanished


def _judged(**more: Any) -> Any:
    config = AuditConfig(data=("three.csv",), label="y", score_column="s", protected=("sex",), engines=("native",), rules=("four-fifths", "equal-opportunity"))
    return fairaudit.audit(msgspec.structs.replace(config, **more))


@pytest.fixture
def three() -> None:
    lines = [f"{'fmx'[place % 3 if place < 1500 else 0]},{place // 3 % 2},0.{1 + 8 * (place // 6 % 2)}" for place in range(1800)]
    Path("three.csv").write_text("\n".join(["sex,y,s", *lines, "z,1,0.9", "z,0,0.1"]) + "\n")
    Path("two.csv").write_text("\n".join(["sex,y,s", *(line for line in lines if not line.startswith("x"))]) + "\n")


@pytest.mark.usefixtures("three")
def test_slices_and_rules_that_vanished_keep_the_gate_from_passing() -> None:
    old, new = _judged(), _judged(data=("two.csv",), rules=("four-fifths",))
    found = vanished(new, old)
    assert [(one.id, one.state, str(one.slice)) for one in found] == [
        ("missing-slice", State.INCONCLUSIVE, "None"), ("missing-slice", State.INCONCLUSIVE, "sex=x"), ("missing-slice", State.NOTED, "sex=z"),
    ]  # fmt: skip
    assert found[0].sentence == "equal-opportunity was judged in the baseline and is not judged here; name it with --rule, or make the next baseline without it."
    assert found[1].sentence == "sex=x was judged in the baseline by four-fifths and is not judged here: nobody in this audit is of it, or it is called otherwise; mend the data, or make the next baseline without it."
    assert ruled(new.findings, Policy(inconclusive="pass"), as_of=date(2026, 11, 26), remarks=found).exit_code == 3
    assert vanished(old, old) == () and vanished(old, new) == ()
    assert fairaudit.ruling(new, baseline=old).remarks == found and fairaudit.ruling(new).remarks == ()


@pytest.mark.usefixtures("three")
def test_a_slicing_that_vanished_is_one_remark_and_rules_that_only_warn_are_noted() -> None:
    table = Path("three.csv").read_text().replace("sex,y,s", "sex,y,s,race").replace("0.1\n", "0.1,a\n").replace("0.9\n", "0.9,b\n")
    Path("three.csv").write_text(table)
    old, new = _judged(protected=("sex", "race"), rules=("four-fifths", "statistical-parity"), slices=("sex*race",)), _judged()
    told = vanished(new, old)
    assert [(one.id, one.state, one.rule) for one in told] == [("missing-slice", State.NOTED, "statistical-parity"), ("missing-slice", State.INCONCLUSIVE, ""), ("missing-slice", State.INCONCLUSIVE, "")]
    assert told[1].sentence == "four-fifths, statistical-parity judged slices by race in the baseline, and this audit is not cut so; add --protected race, or make the next baseline without it."
    assert "add --slice 'sex*race'" in told[2].sentence


def _small(*groups: str, large: str = "") -> None:
    """Two groups of 600, and those that are named: of 20 people each, or of 200. Half of everybody are selected."""
    sizes = {"f": 600, "m": 600} | {group: 200 if group == large else 20 for group in groups}
    lines = [f"{sex},{place % 2},0.{1 + 8 * (place // 2 % 2)}" for sex, rows in sizes.items() for place in range(rows)]
    Path("small.csv").write_text("\n".join(["sex,y,s", *lines]) + "\n")


def _of_small(*groups: str, large: str = "", rule: str = "four-fifths") -> Any:
    _small(*groups, large=large)
    return _judged(data=("small.csv",), rules=(rule,))


def test_small_groups_that_all_vanish_at_once_keep_the_gate_from_passing_where_they_did_together() -> None:
    """Of 80 people in four groups of 20 forty events and forty others are looked for, so that together they can block, and alone none of them."""
    old, new = _of_small(*"abcd"), _of_small()
    assert {(str(one.group), one.needed_for_pass) for one in old.findings} >= {("small groups together", True), ("sex=a", False)}
    *alone, together = vanished(new, old)
    assert [(one.state, str(one.slice)) for one in alone] == [(State.NOTED, f"sex={group}") for group in "abcd"]
    assert (together.id, together.state, together.rule, together.slice) == ("missing-slice", State.INCONCLUSIVE, "four-fifths", None)
    assert together.sentence == (
        "the small groups of sex (sex=a, sex=b, sex=c, sex=d) were judged together in the baseline by four-fifths, and are not judged here: too few of them are left; "
        "mend the data, or make the next baseline without them."
    )
    assert ruled(new.findings, Policy(inconclusive="pass"), as_of=date(2026, 11, 26), remarks=vanished(new, old)).exit_code == 3
    assert vanished(new, new) == vanished(old, old) == vanished(old, new) == ()


def test_small_groups_of_which_one_is_left_are_judged_no_more_and_those_that_grew_or_come_and_go_are() -> None:
    old = _of_small(*"abcd")
    assert [one.state for one in vanished(_of_small("a"), old) if one.slice is None] == [State.INCONCLUSIVE]  # one alone is no pool, and blocks nothing
    assert not [one for one in vanished(_of_small(*"abc"), old) if one.state is not State.NOTED]  # three of four are judged together still
    assert not [one for one in vanished(_of_small("a", large="a"), old) if one.state is not State.NOTED]  # what is left is judged alone
    warns = "schema: fairaudit/rule/1\nextends: four-fifths\nid: ours\ntitle: Ours\nlimit_origin: ours\nseverity: warn\n"
    Path("warns.yaml").write_text(warns)
    lenient = [_of_small(*groups, rule="warns.yaml") for groups in ("abcd", "")]
    assert {one.state for one in vanished(lenient[1], lenient[0])} == {State.NOTED}
    few = [_of_small(*groups) for groups in ("ab", "")]  # 40 people together are too few as well
    assert {one.state for one in vanished(few[1], few[0])} == {State.NOTED}


_OURS = "schema: fairaudit/rule/1\nextends: {of}\nid: ours\ntitle: Ours\nlimit_origin: ours\nseverity: fail\n"


def _by_ours(of: str, more: str, **others: Any) -> Any:
    Path("ours.yaml").write_text(_OURS.format(of=of) + more)
    return _judged(rules=("ours.yaml",), **others)


@pytest.mark.usefixtures("three")
def test_a_metric_that_a_rule_does_not_judge_any_more_keeps_the_gate_from_passing() -> None:
    old, new = _by_ours("equalized-odds", ""), _by_ours("equalized-odds", "metric: [tpr]\n")
    (told,) = vanished(new, old)
    assert (told.id, told.state, told.rule) == ("missing-metric", State.INCONCLUSIVE, "ours")
    assert told.sentence == "ours judged false_positive_rate in the baseline and does not here; give the rule that metric again, or make the next baseline without it."
    assert vanished(old, new) == () and ruled(new.findings, Policy(), as_of=date(2026, 11, 26), remarks=(told,)).exit_code == 3


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("severity", ["warn", "info"])
def test_a_rule_that_can_fail_no_more_keeps_the_gate_from_passing(severity: str) -> None:
    """To loosen what a build must meet takes a new baseline, and not one word in a file."""
    old = _by_ours("four-fifths", "")
    Path("ours.yaml").write_text(_OURS.format(of="four-fifths").replace("severity: fail", f"severity: {severity}"))
    new = _judged(rules=("ours.yaml",))
    (told,) = vanished(new, old)
    assert (told.id, told.state, told.rule) == ("softened-rule", State.INCONCLUSIVE, "ours")
    assert told.sentence == f"ours could fail the baseline, and here it can only {severity}; give it `severity: fail` again, or make the next baseline without it."
    assert vanished(old, new) == () and ruled(new.findings, Policy(), as_of=date(2026, 11, 26), remarks=(told,)).exit_code == 3


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("comparison", ["comparison: gap\nreference: none\ndirection: worse\n", ""])
def test_a_slicing_that_a_rule_leaves_out_keeps_the_gate_from_passing_where_all_its_groups_are_judged_at_once_too(comparison: str) -> None:
    lines = Path("three.csv").read_text().splitlines()
    Path("three.csv").write_text("\n".join([f"{lines[0]},race", *(f"{line},{'ab'[place % 2]}" for place, line in enumerate(lines[1:]))]) + "\n")
    old, new = (_by_ours("statistical-parity", comparison + slices, protected=("sex", "race")) for slices in ("", "slices: [[sex]]\n"))
    (told,) = vanished(new, old)
    assert (told.id, told.state, told.rule, told.slice) == ("missing-slice", State.INCONCLUSIVE, "ours", None)
    assert told.sentence == "ours judged slices by race in the baseline and none of them here, where the audit is cut so; let its `slices` have them, or make the next baseline without it."
    assert vanished(old, new) == ()


def test_a_ruling_by_another_baseline_than_was_judged_against_is_refused() -> None:
    found = _audited("--save-scores", "--baseline", "old")
    assert _run(["audit", "--data", "old.csv", *FLAGS, "--out", "other"]) == 0
    assert fairaudit.ruling(found, baseline="old").exit_code == 1
    with pytest.raises(ConfigError, match="other is not the baseline that this audit's rules on change were judged against; audit again, or judge it by"):
        fairaudit.ruling(found, baseline="other")


def test_a_violation_on_change_is_waived_as_any_other() -> None:
    _audited("--save-scores", "--baseline", "old")
    assert _run(["waive", "new", "--owner", "A", "--reason", "r"]) == 0
    assert _run(["gate", "new", "--baseline", "old", "--waivers", "fairness-waivers.yaml", "--quiet"]) == 0
