from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings

import fairaudit
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


@settings(max_examples=60, deadline=None)
@given(rulings())
def test_any_ruling_fits_the_published_schema_and_is_the_same_bytes_again(one: Ruled) -> None:
    text = to_json(one.ruling)
    jsonschema.validate(json.loads(text), SCHEMA)
    assert text == to_json(one.ruling) and len(json.loads(text)["standings"]) == len(one.ruling.standings)
