from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from markdown_it import MarkdownIt
from markdown_it.token import Token
from msgspec.structs import replace

from fairaudit.cube.slices import Slice
from fairaudit.evidence.measurement import Group
from fairaudit.gate.policy import State
from fairaudit.gate.result import GRAVEST_FIRST
from fairaudit.reports.characters import visible
from fairaudit.reports.formats.markdown import MOST_ROWS, escaped, markdown
from fairaudit.reports.lookup import lookup
from fairaudit.rules.left_out import LeftOut
from tests.reports.builders import finding, undecided
from tests.reports.formats.builders import EVERYTHING, NASTY, NOTHING, PASSING, STATES, TEXTS, WORSE, Ruled, made, many, rulings

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
WRITTEN = {"heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline", "bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close",
           *(f"{part}_{end}" for part in ("table", "thead", "tbody", "tr", "th", "td") for end in ("open", "close"))}  # fmt: skip
INLINE = {"text", "strong_open", "strong_close", "text_special"}


def words(token: Token) -> str:
    return "".join(child.content for child in token.children or ())


def read(text: str) -> list[list[str]]:
    """The rows of the table, cell by cell; nothing but our own markup may be in the text."""
    tokens = READER.parse(text)
    assert {token.type for token in tokens} <= WRITTEN and {child.type for token in tokens for child in token.children or ()} <= INLINE
    cells = [words(tokens[place + 1]) for place, token in enumerate(tokens) if token.type == "td_open"]
    return [cells[place : place + 5] for place in range(0, len(cells), 5)]


@pytest.mark.parametrize(
    ("state", "line"),
    [
        (State.PASS, "No violation of “Four-fifths rule (adverse impact)” was found."),
        (State.NOTED, "No violation of “Four-fifths rule (adverse impact)” was found."),
        (State.WAIVED, "Nothing fails the gate: 1 violation waived."),
        (State.WARN, "No rule that can fail the audit was asked for; “Four-fifths rule (adverse impact)” is violated, but does not fail an audit."),
        (State.INCONCLUSIVE, "The data can neither show nor rule out a violation: 1 comparison that must be decided is not."),
        (State.FAIL, "The audited decisions violate “Four-fifths rule (adverse impact)”."),
        (State.ERROR, "The engines that computed this audit disagree, so no verdict can be relied on."),
    ],
)
def test_the_verdict_comes_first_and_what_is_not_as_it_should_be_has_its_row(state: State, line: str) -> None:
    text = markdown(STATES[state].known, STATES[state].ruling)
    assert text.splitlines()[2] == f"**{line}**"
    assert [row[0] for row in read(text)] == ([] if state in (State.PASS, State.NOTED) else [state.value])


def test_the_summary_in_full() -> None:
    small = undecided(group=Group(slice=Slice([("race", "Other")])), rows=30, needed_for_pass=False)
    one = made([PASSING, finding(), small], waived=(1,))
    assert markdown(one.known, one.ruling) == """\
## ✓ Fairness gate: pass

**Nothing fails the gate: 1 violation waived.**

1 waived, 1 noted, 1 pass.

| | Rule | Who | What | Why |
| --- | --- | --- | --- | --- |
| **waived** | four-fifths | race=Black | selection\\_rate ratio against race=White | People whose race is Black are selected 0.61 times as often as those whose race is White; 95% interval 0.55 to 0.67. The rule allows at least 0.8 times. Past the limit, and more than chance would explain. Waived by ada until 2026-11-26, as far as 0.5 (FAIR-7): data are being collected. |

Not judged: 1 group too small to judge alone: race=Other (30 rows).

Rows: 110 rows read, 10 excluded (empty score), 100 audited.

One engine computed every number; no other checked it.
"""


def test_what_is_worse_than_waived_says_so() -> None:
    ((state, *_, why),) = read(markdown(WORSE.known, WORSE.ruling))
    assert state == "fail" and why.endswith("Worse than waived: ada answers for it until 2026-11-26 as far as 0.5, and no further.")


def test_the_gravest_come_first_and_remarks_stand_below() -> None:
    text = markdown(EVERYTHING.known, EVERYTHING.ruling)
    assert [row[0] for row in read(text)] == ["error", "fail", "inconclusive", "waived"]
    assert "- **warn** The waiver of race=Other is not used; take it out." in text
    assert "- **error** Nothing was judged" in markdown(NOTHING.known, NOTHING.ruling)


def test_ten_thousand_findings_are_a_table_that_somebody_reads() -> None:
    one = many(10_000)
    text = markdown(one.known, one.ruling)
    assert len(read(text)) == MOST_ROWS and "and 2,300 more such findings; the report and audit.json have all." in text


@pytest.mark.parametrize("room", [1_000_000, 20_000, 3_000, 300])
def test_whatever_the_values_a_summary_is_no_longer_than_it_may_be(room: int) -> None:
    one = made([finding(group=Group(slice=Slice([("race", "𝔵" * 3000 + str(number))]))) for number in range(100)])
    text = markdown(one.known, one.ruling, most_bytes=room)
    assert len(text.encode()) <= room and text.startswith("## ✕ Fairness gate: fail\n")
    read(text)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
@example("\\")
@example("".join(NASTY))
def test_any_value_is_one_cell_that_reads_as_the_value(text: str) -> None:
    (row,) = read(f"|a|b|c|d|e|\n|-|-|-|-|-|\n|x|{escaped(text)}|y|z|w|\n")
    assert row[1] == visible(text).strip(" \u3000\xa0") or row[1].strip() == visible(text).strip()
    assert [row[0], *row[2:]] == ["x", "y", "z", "w"]
    assert "://" not in escaped(text) and "www." not in escaped(text) and "@" not in escaped(text)


@settings(max_examples=100, deadline=None)
@given(rulings())
def test_any_ruling_is_a_table_of_what_is_not_as_it_should_be(one: Ruled) -> None:
    text = markdown(one.known, one.ruling)
    shown = [standing.state for standing in one.ruling.standings if standing.state not in (State.PASS, State.NOTED)]
    assert [row[0] for row in read(text)] == sorted((state.value for state in shown), key=lambda value: GRAVEST_FIRST.index(State(value)))
    assert text.encode()


def test_groups_that_a_rule_leaves_out_and_rules_that_a_pack_leaves_out_are_told() -> None:
    """Seven groups of one row in fifty, at 2 % of the rows each, of a rule that leaves out those below 3 %; and a pack whose rules on change have no baseline."""
    one = STATES[State.PASS]
    gone = tuple(LeftOut(rule="impact-ratio", slicing=("race",), slice=Slice([("race", f"<b>{place}")]), rows=1, share=0.02, reason="below 3 % of the rows") for place in range(7))
    found = replace(one.known.audit, left_out=gone, notes=("The pack hiring leaves out no-worse-than-baseline, which judges what changed.",))
    text = markdown(lookup(found), one.ruling)
    assert read(text) == []
    told = [words(token) for token in READER.parse(text) if token.type == "inline"]
    assert "Left out by impact-ratio: below 3 % of the rows: race=<b>0 (1 row); race=<b>1 (1 row); race=<b>2 (1 row); race=<b>3 (1 row); race=<b>4 (1 row); and 2 more." in told
    assert told[-2:] == ["Notes:", "The pack hiring leaves out no-worse-than-baseline, which judges what changed."]
