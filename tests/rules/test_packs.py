"""Packs: `--rule pack:hiring` is several shipped rules, some with another severity, and what must be looked at."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from fairaudit.cli import _run
from fairaudit.config import AuditConfig
from fairaudit.errors import ConfigError, FairauditError
from fairaudit.gate.judged import rejudged
from fairaudit.rules.finding import Severity
from fairaudit.rules.library import left_out_of_packs, load_rule, load_rules, shipped_rules, warnings_of
from fairaudit.rules.pack import load_pack, parse_pack, shipped_packs
from fairaudit.run import audit

# RULES.md B.
AGREED = {
    "hiring": {"four-fifths": "fail", "nyc-ll144-selection": "info", "nyc-ll144-scoring": "info", "equal-opportunity": "fail", "no-worse-than-baseline": "fail", "representation": "warn"},
    "lending": {
        "four-fifths": "warn", "conditional-parity": "fail", "equalized-odds": "warn", "predictive-parity": "fail", "calibration-within-groups": "fail", "no-worse-than-baseline": "fail",
    },
    "triage": {"equal-opportunity": "fail", "false-omission-parity": "fail", "calibration-within-groups": "fail", "worst-group": "fail", "no-worse-than-baseline": "fail", "representation": "warn"},
    "moderation": {"predictive-equality": "fail", "equal-opportunity": "fail", "ranking-parity": "warn", "worst-group": "fail", "no-worse-than-baseline": "fail"},
    "toxicity": {"ranking-parity": "warn", "predictive-equality": "fail", "worst-group": "fail"},
    "justice": {"predictive-equality": "fail", "calibration-within-groups": "fail", "predictive-parity": "warn"},
}  # fmt: skip
ONLY_WITH = {"no-worse-than-baseline": "baseline", "conditional-parity": "control", "nyc-ll144-scoring": "score", "representation": "population"}
PACK = """
schema: fairaudit/pack/1
id: ours
title: Ours
about: Nothing.
rules:
  - rule: four-fifths
"""


def test_the_packs_are_those_agreed_with_the_severities_agreed() -> None:
    assert {id: {one.id: one.severity.value for one in load_rules([f"pack:{id}"])} for id in shipped_packs()} == AGREED
    assert all(load_pack(id).id == id for id in shipped_packs())


@pytest.mark.parametrize("id", AGREED)
def test_a_pack_names_shipped_rules_alone_and_lets_at_most_six_fail(id: str) -> None:
    assert {one.rule for one in load_pack(id).rules} <= set(shipped_rules())
    assert sum(one.severity is Severity.FAIL for one in load_rules([f"pack:{id}"])) <= 6


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (PACK.replace("four-fifths", "parity"), ":7:11: there is no rule 'parity'"),
        (PACK.replace("four-fifths", "four-fifth"), ":7:11: there is no rule 'four-fifth'; did you mean 'four-fifths'?"),
        (PACK + "  - rule: four-fifths\n", ":8:11: the rule 'four-fifths' is named twice."),
        (PACK + "    severity: warn\n", ":7:5: a severity of the pack's own needs a reason"),
        (PACK + "    only_with: labels\n", "must be one of baseline, control, label, population, score"),
        (PACK + "    severity: loud\n", "'rules[1].severity' must be one of fail, warn, info"),
        (PACK + "rule: x\n", "did you mean 'rules'?"),
    ],
)
def test_a_pack_that_cannot_be_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(FairauditError) as caught:
        parse_pack(text, file="ours.yaml")
    assert sentence in str(caught.value)


def test_an_unknown_pack_is_told_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="there is no pack 'hirng'; did you mean 'hiring'?"):
        load_rules(["pack:hirng"])


def test_of_two_severities_the_stricter_holds_whichever_comes_first(tmp_path: Path) -> None:
    for asked in (["pack:lending", "four-fifths"], ["four-fifths", "pack:lending"], ["pack:lending", "pack:hiring"]):
        assert {one.id: one.severity.value for one in load_rules(asked)}["four-fifths"] == "fail"
    assert len(load_rules(["pack:triage", "pack:moderation"])) == 8
    own = tmp_path / "ours.yaml"
    own.write_text("schema: fairaudit/rule/1\nextends: predictive-parity\nid: four-fifths\ntitle: Ours\nlimit_origin: ours\n")
    with pytest.raises(ConfigError, match="there is another rule with the id 'four-fifths'"):
        load_rules(["pack:lending", str(own)])


def test_the_warnings_are_those_of_triage_toxicity_and_justice() -> None:
    assert "need and not cost" in warnings_of(["pack:triage"])[0] and "Obermeyer" in warnings_of(["pack:triage"])[0]
    assert "contend where base rates differ" in warnings_of(["pack:justice"])[0]
    assert warnings_of(["pack:hiring", "four-fifths", "pack:of-a-later-version"]) == ()


def test_a_warning_is_printed_and_is_gone_where_other_rules_judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("sex,y,s\n" + "f,1,0.9\nm,0,0.2\nf,0,0.2\nm,1,0.8\n" * 40)
    assert _run(["audit", "--data", "a.csv", "--label", "y", "--score-column", "s", "--protected", "sex", "--engine", "native", "--rule", "pack:triage", "--out", "out"]) == 0
    assert "Note: Check that the label is need and not cost" in capfd.readouterr().out
    _run(["gate", "out"])
    assert "need and not cost" in capfd.readouterr().out
    _run(["gate", "out", "--rule", "pack:justice"])
    told = capfd.readouterr().out
    assert "need and not cost" not in told and "contend where base rates differ" in told


def test_the_severity_of_the_pack_is_the_findings() -> None:
    table = pa.table({"sex": ["f", "m"] * 400, "y": [0, 1, 1, 0] * 200, "s": [0.2, 0.9, 0.1, 0.8] * 200})
    found = audit(AuditConfig(score_column="s", label="y", protected=("sex",), engines=("native",), rules=("pack:lending",)), data=table)
    severities = {one.rule: one.severity.value for one in found.findings}
    always = {id: severity for id, severity in AGREED["lending"].items() if id not in ONLY_WITH}
    assert severities == always and [one.id for one in found.rules] == list(always)
    told = [note for note in found.notes if note.startswith("The pack lending leaves out ")]
    assert told == [
        "The pack lending leaves out conditional-parity, which compares people who are alike in a control: name one with --control.",
        "The pack lending leaves out no-worse-than-baseline, which judges what changed since a former audit: name its audit.json with --baseline.",
    ]
    assert rejudged(found, ()).findings == found.findings
    assert load_rule("four-fifths").severity is Severity.FAIL


def test_what_an_audit_lacks_leaves_rules_out_and_named_by_themselves_they_are_refused() -> None:
    assert {one.rule: one.only_with for id in shipped_packs() for one in load_pack(id).rules if one.only_with} == ONLY_WITH
    for id, agreed in AGREED.items():
        assert [one.id for one in load_rules([f"pack:{id}"], ())] == [rule for rule in agreed if rule not in ONLY_WITH]
        assert [one.id for one in load_rules([f"pack:{id}"], set(ONLY_WITH.values()))] == list(agreed)
        assert len(left_out_of_packs([f"pack:{id}"], ())) == len(set(agreed) & set(ONLY_WITH)) and left_out_of_packs([f"pack:{id}"], set(ONLY_WITH.values())) == ()
    assert [one.id for one in load_rules(["pack:justice", "conditional-parity"], ())][-1] == "conditional-parity"
    assert left_out_of_packs(["pack:lending", "conditional-parity", "no-worse-than-baseline"], ()) == ()
    table = pa.table({"sex": ["f", "m"] * 400, "y": [0, 1, 1, 0] * 200, "d": [0, 1, 0, 1] * 200})
    config = AuditConfig(decision_column="d", label="y", protected=("sex",), engines=("native",), slices=(), rules=("pack:lending", "no-worse-than-baseline"))
    with pytest.raises(FairauditError, match="the rule 'no-worse-than-baseline' judges what changed since a former audit, and none is named"):
        audit(config, data=table)


def test_by_another_pack_the_notes_are_those_of_that_pack() -> None:
    table = pa.table({"sex": ["f", "m"] * 400, "y": [0, 1, 1, 0] * 200, "s": [0.2, 0.9, 0.1, 0.8] * 200})
    found = audit(AuditConfig(score_column="s", label="y", protected=("sex",), engines=("native",), rules=("pack:lending",)), data=table)
    again = rejudged(found, ("pack:justice",))
    assert not any("leaves out" in note for note in again.notes) and any("leaves out" in note for note in rejudged(found, ()).notes)
    assert sum("The pack lending leaves out" in note for note in rejudged(again, ("pack:lending",)).notes) == 2
