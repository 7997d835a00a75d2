"""The JSON Schema of rule files: what the program takes fits it, and it explains every field."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

import fairaudit
from fairaudit.resources import resource
from fairaudit.rules.library import shipped_rules
from fairaudit.rules.schema import rule_schema
from tests.rules.test_extending import OURS

SCHEMA = json.loads((Path(fairaudit.__file__).parent / "rule.schema.json").read_text(encoding="utf-8"))
PAGE = (Path(__file__).parent.parent.parent / "docs" / "rules.md").read_text(encoding="utf-8")


def as_editors_read(text: str) -> Any:
    """YAML with dates as texts, as the YAML 1.2 core schema has them."""
    return json.loads(json.dumps(YAML(typ="safe", pure=True).load(text), default=lambda one: one.isoformat() if isinstance(one, date) else one))


def mistakes(text: str) -> list[str]:
    return [one.message for one in jsonschema.Draft7Validator(SCHEMA, format_checker=jsonschema.FormatChecker()).iter_errors(as_editors_read(text))]


def test_the_packaged_schema_is_the_programs() -> None:
    """To publish a change: python -m fairaudit.rules.schema > fairaudit/rule.schema.json"""
    assert json.loads(json.dumps(rule_schema())) == SCHEMA
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("id", shipped_rules())
def test_a_shipped_rule_fits_it(id: str) -> None:
    assert mistakes(resource("rules", f"{id}.yaml").read_text("utf-8")) == []


@pytest.mark.parametrize("example", [OURS, *re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)])
def test_files_that_extend_and_the_examples_of_the_page_fit_it(example: str) -> None:
    assert mistakes(example) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (OURS.replace("extends: four-fifths\n", ""), "'principle' is a required property"),
        (OURS.replace("title: Nine tenths\n", ""), "'title' is a required property"),
        (OURS.replace("limit: 0.9", "limit: 0"), "0 is less than or equal to the minimum of 0"),
        (OURS + "sevrity: warn\n", "'sevrity' was unexpected"),
        (OURS + "severity: loud\n", "'loud' is not one of"),
        (OURS + "metric: selection_rat\n", "'selection_rat' is not valid"),
        (OURS + "minimum: {event: 3}\n", "'event' was unexpected"),
        (OURS.replace("our-nine-tenths", "Our Rule"), "'Our Rule' does not match"),
    ],
)
def test_what_the_program_refuses_an_editor_underlines(text: str, message: str) -> None:
    assert any(message in one for one in mistakes(text))


def _fields(schema: dict[str, Any], name: str = "") -> list[tuple[str, dict[str, Any]]]:
    found = [(f"{name}.{key}", one) for key, one in schema.get("properties", {}).items()]
    return [*found, *(inner for key, part in schema.get("$defs", {}).items() for inner in _fields(part, key))]


@pytest.mark.parametrize(("name", "field"), _fields(SCHEMA))
def test_every_field_is_explained_in_a_sentence(name: str, field: dict[str, Any]) -> None:
    assert field.get("description", "").endswith("."), name
