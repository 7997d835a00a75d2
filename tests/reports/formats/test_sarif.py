from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings

from fairaudit.evidence.measurement import Group
from fairaudit.gate.policy import State
from fairaudit.reports.formats.interface import UNKNOWN, Place, Places
from fairaudit.reports.formats.sarif import MOST_RESULTS, MOST_TAGS, sarif
from fairaudit.rules.rule import AppliesTo
from tests.reports.builders import BLACK, WHITE, finding, rule
from tests.reports.formats.builders import EVERYTHING, NOTHING, PASSING, STATES, WORSE, Ruled, made, many, rulings

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "sarif-2.1.0-rtm.5.json").read_text())
VALIDATOR = jsonschema.validators.validator_for(SCHEMA)(SCHEMA)


def run_of(one: Ruled, places: Places = UNKNOWN, *, validated: bool = True) -> dict[str, Any]:
    """The one run of the log, which the standard's schema must take."""
    log = json.loads(sarif(one.known, one.ruling, places))
    if validated:
        VALIDATOR.validate(log)
    (run,) = log["runs"]
    return run


def fingerprints(one: Ruled) -> list[str]:
    return [result["partialFingerprints"]["primaryLocationLineHash"] for result in run_of(one)["results"]]


@pytest.mark.parametrize(
    ("state", "level"),
    [(State.PASS, None), (State.NOTED, "note"), (State.WAIVED, "note"), (State.WARN, "warning"), (State.INCONCLUSIVE, "error"), (State.FAIL, "error"), (State.ERROR, "error")],
)
def test_each_state_has_its_level_and_what_passes_is_no_alert(state: State, level: str | None) -> None:
    results = run_of(STATES[state])["results"]
    assert [(one["level"], one["properties"]["state"]) for one in results] == ([(level, state.value)] if level else [])


def test_only_what_is_waived_is_suppressed_with_its_justification() -> None:
    suppressed = {one["properties"]["state"]: one.get("suppressions") for one in run_of(EVERYTHING)["results"]}
    told = {"kind": "external", "status": "accepted", "justification": "data are being collected. ada, until 2026-11-26 (FAIR-7)"}
    assert suppressed == {"warn": None, "error": None, "fail": None, "inconclusive": None, "waived": [told]}


def test_what_is_worse_than_waived_says_so_and_is_not_suppressed() -> None:
    (one,) = run_of(WORSE)["results"]
    assert (one["level"], one.get("suppressions")) == ("error", None) and one["message"]["text"].endswith("Worse than waived: ada answers for it until 2026-11-26 as far as 0.5, and no further.")


def test_a_rule_tells_what_it_is_what_it_is_not_for_and_who_says_so() -> None:
    (told,) = run_of(STATES[State.FAIL])["tool"]["driver"]["rules"]
    assert (told["id"], told["name"], told["defaultConfiguration"]["level"]) == ("four-fifths", "Four-fifths rule (adverse impact)", "error")
    assert told["fullDescription"]["text"].startswith("A selection procedure should not shut any group out")
    assert "Not for proof that a procedure is lawful" in told["help"]["text"] and "Source: 29 CFR 1607.4(D)" in told["help"]["text"]
    assert told["properties"] == {"tags": ["fairness", "hiring", "lending", "selection_rate"], "problem.severity": "error"}


def test_every_result_names_a_rule_that_is_there() -> None:
    for one in (EVERYTHING, NOTHING):
        run = run_of(one)
        ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
        assert run["results"] and all(ids[result["ruleIndex"]] == result["ruleId"] for result in run["results"])


def test_a_result_points_at_the_line_of_its_rule_or_else_at_the_audit() -> None:
    places = Places(audit=Place(uri="out dir/audit.json"), rules={"four-fifths": Place(uri="fairaudit.yaml", line=9)})
    found = {result["ruleId"]: result["locations"][0]["physicalLocation"] for result in run_of(EVERYTHING, places)["results"]}
    assert found["four-fifths"] == {"artifactLocation": {"uri": "fairaudit.yaml"}, "region": {"startLine": 9, "startColumn": 1, "endLine": 9, "endColumn": 2}}
    assert found["engine-disagreement"]["artifactLocation"]["uri"] == "out%20dir/audit.json" and found["engine-disagreement"]["region"]["startLine"] == 1


def test_a_fingerprint_stays_whatever_the_numbers_and_is_each_results_own() -> None:
    first = fingerprints(made([finding(), finding(group=Group(slice=WHITE))]))
    assert len(set(first)) == 2
    assert fingerprints(made([PASSING, finding(0.3, interval=None, reference=Group(slice=BLACK), reason="other"), finding(group=Group(slice=WHITE))])) == first
    assert [one[-2:] for one in fingerprints(made([finding(), finding()]))] == [":1", ":2"]
    pairs = [fingerprints(made([finding(kind="gap", limit=(None, 0.1), group=Group(slice=one), reference=Group(slice=other))])) for one, other in ((BLACK, WHITE), (WHITE, BLACK))]
    assert pairs[0] == pairs[1]


def test_a_rule_has_at_most_as_many_tags_and_letters_as_code_hosts_take() -> None:
    long = rule(title="t" * 3000, rationale="r" * 3000, applies_to=AppliesTo(domains=tuple(f"domain {number}" for number in range(50))))
    (told,) = run_of(made([finding()], rules=[long]))["tool"]["driver"]["rules"]
    assert len(told["properties"]["tags"]) == MOST_TAGS == 20
    assert (len(told["name"]), len(told["shortDescription"]["text"]), len(told["fullDescription"]["text"])) == (255, 1024, 1024)


def test_ten_thousand_findings_stay_below_the_limits_with_the_gravest_first() -> None:
    results = run_of(many(10_000), validated=False)["results"]
    assert Counter(one["level"] for one in results) == {"error": 2500, "note": 2500}
    assert [one["level"] for one in results] == ["error"] * 2500 + ["note"] * 2500
    assert [one["properties"]["state"] for one in results[:1250]] == ["fail"] * 1250
    assert len({one["partialFingerprints"]["primaryLocationLineHash"] for one in results}) == len(results)


def test_more_results_than_a_run_may_have_leave_out_the_least_grave_and_say_so() -> None:
    run = run_of(many(60_000), validated=False)
    assert len(run["results"]) == MOST_RESULTS == 25_000
    assert Counter(one["level"] for one in run["results"])["error"] == 15_000
    (told,) = run["invocations"][0]["toolExecutionNotifications"]
    assert told["message"]["text"].startswith("5,000 findings are left out")


@settings(max_examples=60, deadline=None)
@given(rulings())
def test_any_ruling_is_a_valid_log_with_errors_where_the_gate_blocks(one: Ruled) -> None:
    run = run_of(one)
    assert any(result["level"] == "error" for result in run["results"]) == (one.ruling.exit_code != 0) and run["invocations"][0]["exitCode"] == one.ruling.exit_code
    for result in run["results"]:
        assert "](" not in result["message"]["text"]
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert re.fullmatch(r"[A-Za-z0-9._~/%-]+", uri)
