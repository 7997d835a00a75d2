from __future__ import annotations

import json
import subprocess
from pathlib import Path

import jsonschema
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from msgspec.structs import replace

import fairaudit
from fairaudit.cli import _run
from fairaudit.gate.policy import State
from fairaudit.gate.result import json_schema, to_json
from tests.reports.formats.builders import EVERYTHING, NOTHING, STATES, WORSE, Ruled, rulings

SCHEMA = json.loads((Path(fairaudit.__file__).parent / "gate.schema.json").read_text())


def test_the_published_schema_is_the_programs() -> None:
    """To publish a change: python -m fairaudit.gate.result > fairaudit/gate.schema.json"""
    assert json.loads(json.dumps(json_schema())) == SCHEMA


@pytest.mark.parametrize(
    ("state", "verdict", "code"),
    [
        (State.PASS, "pass", 0), (State.NOTED, "pass", 0), (State.WAIVED, "pass", 0), (State.WARN, "pass", 0),
        (State.INCONCLUSIVE, "inconclusive", 3), (State.FAIL, "fail", 1), (State.ERROR, "error", 4),
    ],
)  # fmt: skip
def test_the_result_has_the_verdict_its_code_and_every_standing(state: State, verdict: str, code: int) -> None:
    told = json.loads(to_json(STATES[state].ruling))
    assert (told["schema"], told["verdict"], told["exit_code"], told["as_of"]) == ("fairaudit/gate/1", verdict, code, "2026-11-26")
    assert state.value in [one["state"] for one in told["standings"]] and told["policy"] == {"inconclusive": "fail", "fail_on": "fail", "unused_waivers": "warn"}


def test_a_waived_finding_keeps_its_numbers_and_names_its_waiver() -> None:
    (waived,) = [one for one in json.loads(to_json(EVERYTHING.ruling))["standings"] if one["state"] == "waived"]
    assert waived["finding"]["value"] == 0.61 and waived["finding"]["interval"] == [0.55, 0.67]
    assert (waived["waiver"]["owner"], waived["waiver"]["expires"]) == ("ada", "2026-11-26")


def test_what_is_worse_than_waived_names_the_waiver_that_does_not_hold() -> None:
    (one,) = [one for one in json.loads(to_json(WORSE.ruling))["standings"] if one["state"] == "fail"]
    assert one["exceeded"]["holds_to"] == 0.5 and "waiver" not in {name for name, value in one.items() if value is not None}


def test_that_nothing_was_judged_is_said() -> None:
    told = json.loads(to_json(NOTHING.ruling))
    assert (told["verdict"], told["exit_code"], [one["id"] for one in told["remarks"]]) == ("unjudged", 2, ["nothing-judged"])


def _sha256(path: str) -> str:
    """By the system's own tool."""
    return subprocess.run(["sha256sum", path], check=True, capture_output=True, text=True).stdout.split()[0]


def test_the_result_names_the_bytes_of_what_was_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a gate's result is of this audit, and was ruled by this baseline and these waivers, can be checked by anybody."""
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text("sex,y,s\n" + "f,1,0.9\nm,1,0.9\nf,0,0.1\nm,0,0.1\n" * 50)
    Path("w.yaml").write_text("schema: fairaudit/waivers/1\nwaivers: []\n")
    flags = ("--data", "a.csv", "--label", "y", "--score-column", "s", "--protected", "sex", "--engine", "native", "--rule", "four-fifths", "--quiet", "--out")
    audit = ["audit", *flags, "new", "--gate", "--baseline", "old", "--waivers", "w.yaml", "--write", "json=by_audit.json"]
    gate = ["gate", "new", "--baseline", "old", "--waivers", "w.yaml", "--quiet", "--write", "json=by_gate.json"]
    assert _run(["audit", *flags, "old"]) == _run(audit) == _run(gate) == 0
    assert Path("by_audit.json").read_bytes() == Path("by_gate.json").read_bytes()
    told = json.loads(Path("by_gate.json").read_text())["sources"]
    assert told == {"audit": _sha256("new/audit.json"), "baseline": _sha256("old/audit.json"), "waivers": _sha256("w.yaml")}
    other = json.loads(Path("new/audit.json").read_text())  # the same audit, written in another way
    Path("new/audit.json").write_text(json.dumps(other))
    assert _run(["gate", "new", "--rule", "statistical-parity", "--quiet", "--write", "json=g.json"]) == 0
    assert json.loads(Path("g.json").read_text())["sources"] == {"audit": _sha256("new/audit.json"), "baseline": None, "waivers": None}
    assert fairaudit.read_gate("g.json").sources.audit == _sha256("new/audit.json")


def test_a_result_of_python_names_what_to_json_gives_and_the_baseline_that_change_was_judged_against(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = pa.table({"sex": ["f", "m"] * 100, "y": [1, 1, 0, 0] * 50, "s": [0.9, 0.9, 0.1, 0.1] * 50})
    config = fairaudit.AuditConfig(score_column="s", label="y", protected=("sex",), engines=("native",))
    Path("old.json").write_bytes(fairaudit.to_json(fairaudit.audit(config, data=data)))
    found = fairaudit.audit(replace(config, rules=("no-worse-than-baseline",), baseline="old.json"), data=data)
    ruling = fairaudit.ruling(found, waivers=[])
    assert fairaudit.write_gate(found, ruling, {"json": "g.json"}) == (Path("g.json"),)
    Path("new.json").write_bytes(fairaudit.to_json(found))
    assert json.loads(Path("g.json").read_text())["sources"] == {"audit": _sha256("new.json"), "baseline": _sha256("old.json"), "waivers": None}
    assert fairaudit.ruling(found, baseline=fairaudit.read_audit("old.json")).sources.baseline == _sha256("old.json")
    former = json.loads(Path("g.json").read_text())
    del former["sources"]  # as of an earlier version
    Path("g.json").write_text(json.dumps(former))
    assert fairaudit.read_gate("g.json").sources.audit is None


@settings(max_examples=60, deadline=None)
@given(rulings())
def test_any_ruling_fits_the_published_schema_and_is_the_same_bytes_again(one: Ruled) -> None:
    text = to_json(one.ruling)
    jsonschema.validate(json.loads(text), SCHEMA)
    assert text == to_json(one.ruling) and len(json.loads(text)["standings"]) == len(one.ruling.standings)
