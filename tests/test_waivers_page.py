"""docs/waivers.md names every field of a waiver with its default, every remark, and examples without mistakes."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from msgspec import inspect as shapes

from fairaudit.gate import waivers
from fairaudit.gate.waiver import WHOM, Waiver, Waivers
from fairaudit.gate.waiver_file import parse_waivers

PAGE = (Path(__file__).parent.parent / "docs" / "waivers.md").read_text()
FIELDS = {line.split("`")[1]: [part.strip() for part in line.strip("|").split("|")] for line in PAGE.split("## The file")[1].split("## What it does")[0].splitlines() if line.startswith("| `")}
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def _fields() -> dict[str, shapes.Field]:
    held, entry = (msgspec.inspect.type_info(one).fields for one in (Waivers, Waiver))  # type: ignore[attr-defined]
    return {one.name: one for one in held} | {f"waivers[].{one.name}": one for one in entry}


def test_every_field_of_a_file_of_waivers_is_named_and_no_other() -> None:
    assert FIELDS.keys() == _fields().keys()


@pytest.mark.parametrize("name", _fields())
def test_the_default_of_a_field_is_the_programs(name: str) -> None:
    one, default = _fields()[name], FIELDS[name][2]
    assert default == ("" if one.required else str(one.default) if one.default is not None else "all that the rule judges" if name.endswith("metric") else "none")


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_are_files_without_mistakes(example: str) -> None:
    assert parse_waivers(example).waivers


def test_the_examples_name_a_waivers_people_in_every_way() -> None:
    assert {one.target[0] for example in EXAMPLES for one in parse_waivers(example).waivers} == set(WHOM)


def test_every_remark_on_a_waiver_is_in_the_table() -> None:
    said = set(re.findall(r"\| `([a-z-]+)`(?:,| too,)", PAGE))
    assert said == {waivers.EXPIRED, waivers.EXPIRING, waivers.UNUSED, waivers.WORSE}
    assert f"within {waivers.SOON} days" in PAGE
