"""docs/gate.md says what the program does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fairaudit.gate.policy import State
from fairaudit.reports.formats import FORMATS
from fairaudit.reports.formats.junit import junit
from fairaudit.reports.formats.sarif import sarif
from tests.reports.formats.builders import STATES

PAGE = (Path(__file__).parent.parent / "docs" / "gate.md").read_text()
ROWS = {cells[1].strip(" `"): cells for cells in (line.split("|") for line in PAGE.splitlines() if line.startswith("| `"))}


@pytest.mark.parametrize("state", State)
def test_the_table_of_states_is_what_the_formats_make_of_them(state: State) -> None:
    one = STATES[state]
    children = [child.tag for case in ElementTree.fromstring(junit(one.known, one.ruling)).iter("testcase") for child in case]
    levels = [result["level"] for result in json.loads(sarif(one.known, one.ruling))["runs"][0]["results"]]
    code, child, level = (cell.strip() for cell in ROWS[state.value][3:6])
    assert (code, child, level) == (str(one.ruling.exit_code), f"`{children[0]}`" if children else "nothing", f"`{levels[0]}`" if levels else "no result")


def test_every_format_is_described_and_in_the_example() -> None:
    assert set(re.findall(r"^\*\*`(\w+)`\*\*", PAGE, re.MULTILINE)) == set(FORMATS) == set(re.findall(r"--write (\w+)=", PAGE))
