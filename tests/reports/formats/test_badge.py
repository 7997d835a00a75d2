from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
from hypothesis import given, settings

from fairaudit.gate.policy import State
from fairaudit.reports.formats import rendered
from fairaudit.reports.formats.badge import endpoint, svg
from fairaudit.reports.formats.interface import Gated
from tests.reports.formats.builders import NOTHING, STATES, Ruled, rulings

# The table of shields.io's page "Endpoint Badge": what is required, and what may be there.
SHIELDS = {
    "type": "object",
    "required": ["schemaVersion", "label", "message"],
    "additionalProperties": False,
    "properties": {
        "schemaVersion": {"const": 1}, "label": {"type": "string"}, "message": {"type": "string", "minLength": 1}, "color": {"type": "string"}, "labelColor": {"type": "string"},
        "isError": {"type": "boolean"}, "namedLogo": {"type": "string"}, "logoSvg": {"type": "string"}, "logoColor": {"type": "string"}, "style": {"type": "string"}, "cacheSeconds": {"type": "integer"},
    },
}  # fmt: skip
SVG = "{http://www.w3.org/2000/svg}"
MESSAGES = {State.PASS: "pass", State.NOTED: "pass", State.WAIVED: "pass, 1 waived", State.WARN: "pass", State.INCONCLUSIVE: "inconclusive", State.FAIL: "fail", State.ERROR: "error"}


@pytest.mark.parametrize("state", State)
def test_a_badge_says_the_verdict_and_what_a_pass_owes_to_waivers(state: State) -> None:
    told = json.loads(endpoint(STATES[state].ruling))
    jsonschema.validate(told, SHIELDS)
    assert (told["message"], told["isError"]) == (MESSAGES[state], state is State.ERROR)
    root = ElementTree.fromstring(svg(STATES[state].ruling))
    assert root.get("role") == "img" and root.get("aria-label") == root.findtext(f"{SVG}title") == f"fairness: {MESSAGES[state]}"
    assert [text.text for text in root.iter(f"{SVG}text")] == ["fairness", MESSAGES[state]]


def _luminance(colour: str) -> float:
    """WCAG 2.2's relative luminance."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_white_letters_of_every_badge_can_be_read() -> None:
    drawn = [ElementTree.fromstring(svg(one.ruling)) for one in (*STATES.values(), NOTHING)]
    for colour in {str(box.get("fill")) for root in drawn for box in root.iter(f"{SVG}rect")}:
        assert 1.05 / (_luminance(colour) + 0.05) >= 4.5, colour


def test_a_badge_asks_for_nothing_from_elsewhere() -> None:
    text = svg(STATES[State.FAIL].ruling).decode()
    assert text.count("http") == 1 and "href" not in text and "<script" not in text  # the namespace alone


@pytest.mark.parametrize(("state", "blessed"), [(State.PASS, True), (State.NOTED, True), (State.WAIVED, True), (State.WARN, True), (State.INCONCLUSIVE, False), (State.FAIL, False), (State.ERROR, False)])
def test_only_exit_code_0_is_blessed_and_the_other_file_is_taken_away(state: State, blessed: bool) -> None:
    told = rendered("blessing", Path("pushed"), Gated(known=STATES[state].known, ruling=STATES[state].ruling))
    assert told == {Path("pushed/BLESSED"): b"" if blessed else None, Path("pushed/NOT_BLESSED"): None if blessed else b""}


@settings(max_examples=40, deadline=None)
@given(rulings())
def test_any_ruling_has_a_badge_and_a_blessing_of_exit_code_0_alone(one: Ruled) -> None:
    ElementTree.fromstring(svg(one.ruling))
    jsonschema.validate(json.loads(endpoint(one.ruling)), SHIELDS)
    gated, folder = Gated(known=one.known, ruling=one.ruling), Path("pushed")
    blessed = rendered("blessing", folder, gated)[folder / "BLESSED"] is not None
    assert blessed == (one.ruling.exit_code == 0) and rendered("blessing", folder, gated)[folder / "NOT_BLESSED"] == (None if blessed else b"")
