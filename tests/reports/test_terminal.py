from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from rich.cells import cell_len

from fairaudit.cube.slices import Slice
from fairaudit.evidence.measurement import Group
from fairaudit.reports.terminal import summary
from fairaudit.rules.finding import Outcome, Verdict
from tests.reports.builders import BLACK, OTHER, WHITE, adult, audit, finding, many, measurement, rule, undecided
from tests.reports.test_html import AUDITS, DIRECTION, TEXT, infected

WITHIN = finding(0.97, verdict=Verdict.PASS, outcome=Outcome.WITHIN, reason="within the limit")


def test_the_summary_in_full() -> None:
    assert summary(audit([WITHIN, finding(0.61, group=Group(slice=OTHER))])) == """\
FAIL  The audited decisions violate “Four-fifths rule (adverse impact)”.

  FAIL  four-fifths: race=Other: selection_rate ratio 0.61 against race=White (allowed: at least 0.8 times)

  race               rows  selected
  White (reference)   100     73.0%
  Black               100     44.5%

(reference): the slice that the report's tables compare with, the largest. A rule has a reference of its own, which its findings name.

Rows: 110 rows read, 10 excluded (empty score), 100 audited.
One engine computed every number; no other checked it.
"""


def test_small_groups_are_named_in_the_line_of_the_verdict() -> None:
    small = [undecided(group=Group(slice=one), rows=rows, needed_for_pass=False) for one, rows in ((BLACK, 70), (OTHER, 30))]
    assert summary(audit([WITHIN, *small])).splitlines()[:2] == [
        "PASS  No violation of “Four-fifths rule (adverse impact)” was found (2 groups too small to judge alone: race=Black (70 rows); race=Other (30 rows)).",
        "  1 comparison lies within its limit.",
    ]


def test_what_is_inconclusive_says_how_many_rows_would_decide_it() -> None:
    told = summary(audit([undecided()]))
    assert told.startswith("INCONCLUSIVE  ") and "; about 250 more rows of race=Black would decide it" in told


def test_every_violated_rule_shows_its_strongest_finding_before_the_rest_are_counted() -> None:
    of_first = [finding(0.6, group=Group(slice=Slice([("race", f"group {number}")])), p_adjusted=0.01 / (number + 1)) for number in range(12)]
    of_second = [finding(-0.2, rule="equal-opportunity", metric="true_positive_rate", kind="difference", group=Group(slice=OTHER), p_adjusted=p) for p in (0.04, 0.002)]
    lines = [line.strip() for line in summary(audit([*of_first, *of_second])).splitlines() if line.startswith("  FAIL")]
    assert len(lines) == 9 and lines[-1] == "FAIL  and 6 more; --verbose lists every finding"
    assert "four-fifths: race=group 11: " in lines[0] and "group 10: " in lines[1]  # the strongest evidence first
    assert [line.split()[1] for line in lines[:-1]] == ["four-fifths:"] * 7 + ["equal-opportunity:"]


def test_however_many_rules_are_violated_each_is_shown() -> None:
    names = [f"rule-{number}" for number in range(10)]
    told = summary(audit([finding(rule=name) for name in names for _ in range(2)], rules=[rule(id=name) for name in names]))
    assert all(told.count(f"FAIL  {name}: ") == 1 for name in names) and "and 10 more; --verbose" in told


def test_engines_that_disagree_are_named_first() -> None:
    told = summary(audit([WITHIN, finding(rule="engine-disagreement", reason="native says 0.4, tfma 0.5")], rules=[rule()]))
    assert told.startswith("NO VERDICT  ") and "  engines disagree  native says 0.4, tfma 0.5\n" in told


def test_an_undefined_rate_is_called_undefined() -> None:
    told = summary(audit(measurements=(measurement(WHITE, 0.5), measurement(BLACK, None, reason="no rows"))))
    assert re.search(r"Black +100 +undefined$", told, re.MULTILINE)


@pytest.mark.parametrize("name", AUDITS)
def test_every_kind_of_audit_has_a_summary_without_colour_codes(name: str) -> None:
    told = summary(AUDITS[name]())
    assert told.endswith("\n") and "\x1b" not in told and "nan" not in told


def test_colour_is_added_only_where_it_is_wanted() -> None:
    assert "\x1b[31m" in summary(adult(), styled=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", summary(adult(), styled=True)) == summary(adult())


@pytest.mark.parametrize("width", [40, 80, 120])
def test_tables_keep_to_the_width_of_the_terminal(width: int) -> None:
    audit_ = many(30, name="a name of some length, such as surveys have: number {}, 或许是别的文字")
    table = [line for line in summary(audit_, width=width).splitlines() if "%" in line]
    assert len(table) == 12 and all(cell_len(line) <= max(width, 48) for line in table)
    assert len({cell_len(line) for line in table}) == 1


def test_many_slices_are_counted_rather_than_listed() -> None:
    assert "  and 388 smaller slices\n" in summary(many(400))
    assert "and 38 more slicings: attribute 12, " in summary(many(2, attributes=50))


@settings(max_examples=60, deadline=None)
@given(TEXT)
def test_no_text_from_data_can_act_on_the_terminal(text: str) -> None:
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", summary(infected(text)))
    assert len(summary(infected(text)).splitlines()) == len(summary(infected("harmless")).splitlines())


def test_control_characters_are_written_out() -> None:
    assert r"\x1b[2J" in summary(infected(DIRECTION), width=200)
