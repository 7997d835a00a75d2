"""Files of waivers: every mistake in its place, and what is added disturbs nothing."""

from __future__ import annotations

import json
import math
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairaudit.errors import ConfigError, FairauditError
from fairaudit.gate.waiver import Waiver
from fairaudit.gate.waiver_file import _checked, load_waivers, new_text, parse_waivers, with_entries, with_holds_to
from tests.gate.builders import waiver

HEAD = "schema: fairaudit/waivers/1\nwaivers:\n"
ENTRY = "  - {rule: four-fifths, slice: {race: Black}, owner: ada, reason: data, created: 2026-11-01, expires: 2026-12-31, holds_to: 0.55}\n"


def mistakes(text: str) -> list[str]:
    with pytest.raises(FairauditError) as caught:
        parse_waivers(text, file="w.yaml")
    return str(caught.value).split("\n")


def entry(**changes: str | None) -> str:
    fields = {"rule": "four-fifths", "slice": "{race: Black}", "owner": "ada", "reason": "data", "created": "2026-11-01", "expires": "2026-12-31", "holds_to": "0.55"} | changes
    return "  - " + "    ".join(f"{name}: {value}\n" for name, value in fields.items() if value is not None)


def test_a_file_becomes_the_waivers_it_describes() -> None:
    text = "schema: fairaudit/waivers/1\nmax_days: 90\nwaivers:\n"
    held = parse_waivers(text + entry(ticket="T-1", metric="tpr") + entry(slice=None, small_groups="[race]") + entry(slice=None, all_groups="[sex, race]") + entry(slice="{zip: 01234, race: null}"))
    assert held.max_days == 90 and [one.whom for one in held.waivers] == ["race=Black", "the small groups of race", "all groups of sex*race", "zip=01234, race=(missing)"]
    assert held.waivers[0] == Waiver(
        rule="four-fifths", slice={"race": "Black"}, metric="tpr", owner="ada", reason="data", created=date(2026, 11, 1), expires=date(2026, 12, 31), holds_to=0.55, ticket="T-1"
    )  # fmt: skip


def test_every_mistake_is_told_at_once_in_its_place() -> None:
    text = "shema: 1\n" + HEAD + entry(ownr="x", owner=None) + entry(holds_to=".nan", created="soon", reason="' '") + "max_day: 3\n"
    assert mistakes(text) == [
        "w.yaml:1:1: the file of waivers has no field 'shema'; did you mean 'schema'?",
        "w.yaml:4:5: 'waivers[1]' lacks the field 'owner'.",
        "w.yaml:10:5: 'waivers[1]' has no field 'ownr'; did you mean 'owner'?",
        "w.yaml:14:13: 'waivers[2].reason' must not be empty.",
        "w.yaml:15:14: 'waivers[2].created' must be a date such as 2026-07-05, and is 'soon'.",
        "w.yaml:17:15: 'waivers[2].holds_to' must be a finite number, and is .nan.",
        "w.yaml:18:1: the file of waivers has no field 'max_day'; did you mean 'max_days'?",
    ]


def test_an_entry_that_cannot_be_read_hides_no_mistake_of_the_others() -> None:
    assert mistakes(HEAD + entry(owner=None) + entry(expires="2026-10-31", metric="selection_rat") + entry() + entry(rule="x", slice="4")) == [
        "w.yaml:3:5: 'waivers[1]' lacks the field 'owner'.",
        "w.yaml:14:14: 'expires' is 2026-10-31, before 2026-11-01, when it was created.",
        "w.yaml:16:13: there is no metric 'selection_rat'; did you mean 'selection_rate'?",
        "w.yaml:17:11: this entry and entry 2 both match four-fifths on race=Black; keep one, whatever their dates.",
        "w.yaml:25:12: 'waivers[4].slice' must be a mapping (name: value), and is 4.",
    ]
    text = HEAD.replace("waivers:", "max_days: many\nwaivers:")
    assert mistakes(text + entry(expires="2036-12-31")) == [  # of how many days there may be nothing is known, but never so many
        "w.yaml:2:11: 'max_days' must be a whole number, and is 'many'.",
        "w.yaml:9:14: 'expires' is 3713 days after 'created', and max_days is 3650; the last day can be 2036-10-29.",
    ]


BETWEEN = {
    "expires before created": (entry(expires="2026-10-31"), "w.yaml:8:14: 'expires' is 2026-10-31, before 2026-11-01, when it was created."),
    "too long": (entry(expires="2027-05-01"), "w.yaml:8:14: 'expires' is 181 days after 'created', and max_days is 180; the last day can be 2027-04-30."),
    "an empty slice": (entry(slice="{}"), "w.yaml:4:12: 'slice' names no attribute; write {attribute: value}. No entry waives a rule for everybody."),
    "nobody": (entry(slice=None), "w.yaml:3:5: the entry says of nobody what is waived; add slice: {attribute: value}, or small_groups or all_groups with [attribute]."),
    "a slice left empty": (entry(slice=""), "w.yaml:3:5: the entry says of nobody what is waived; add slice: {attribute: value}, or small_groups or all_groups with [attribute]."),
    "two at once": (entry(all_groups="[race]"), "w.yaml:10:17: the entry has slice and all_groups; keep one, and write an entry for each."),
    "engines that disagree": (entry(rule="engine-disagreement"), "w.yaml:3:11: that engines disagree cannot be waived: no number of such an audit can be relied on."),
    "no such metric": (entry(metric="true_positive_rte"), "w.yaml:10:13: there is no metric 'true_positive_rte'; did you mean 'true_positive_rate'?"),
    "two that match": (entry() + entry(expires="2026-11-02"), "w.yaml:10:11: this entry and entry 1 both match four-fifths on race=Black; keep one, whatever their dates."),
    "two that match, of a cross": (
        entry(slice="{race: Black, sex: f}") + entry(slice="{sex: f, race: Black}"), "w.yaml:10:11: this entry and entry 1 both match four-fifths on sex=f, race=Black; keep one, whatever their dates.",
    ),
    "one of all metrics and one of one": (entry() + entry(metric="tpr"), "w.yaml:10:11: this entry and entry 1 both match four-fifths on race=Black; keep one, whatever their dates."),
    "a metric and its alias": (
        entry(metric="tpr") + entry(metric="true_positive_rate"), "w.yaml:11:11: this entry and entry 1 both match four-fifths on race=Black; keep one, whatever their dates.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BETWEEN)
def test_what_fields_have_wrong_together(case: str) -> None:
    text, sentence = BETWEEN[case]
    assert mistakes(HEAD + text) == [sentence]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "this file is empty; a file of waivers is expected"),
        ("schema: fairaudit/waivers/1\n", "lacks the field 'waivers'"),
        ("waivers: []\n", "lacks the field 'schema'"),
        ("schema: fairaudit/waivers/2\nwaivers: []\n", "must be fairaudit/waivers/1"),
        (HEAD, "'waivers' must be a list, and is left empty"),
        ("schema: fairaudit/waivers/1\nmax_days: 0\nwaivers: []\n", "'max_days' must be at least 1"),
        (HEAD + entry(holds_to=".inf"), "must be a finite number"),
        (HEAD + entry(holds_to="1e999"), "must be a finite number"),
        (HEAD + entry(small_groups="[]", slice=None), "must have at least 1 of its kind"),
        (HEAD + entry(slice="[Black]"), "must be a mapping"),
        (HEAD + "  - a: &x b\n", "anchors and aliases"),
    ],
)  # fmt: skip
def test_what_is_no_file_of_waivers(text: str, sentence: str) -> None:
    assert sentence in "\n".join(mistakes(text))


def test_two_entries_on_different_metrics_or_groups_do_not_match_one_finding() -> None:
    text = HEAD + entry(metric="tpr") + entry(metric="fpr") + entry(slice="{race: White}", metric=None) + entry(slice=None, small_groups="[race]") + entry(slice=None, all_groups="[race]")
    assert len(parse_waivers(text).waivers) == 5


def test_entries_from_python_are_checked_as_those_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^waiver 1: 'holds_to' must be a finite number, and is nan.$"):
        load_waivers([waiver(holds_to=math.nan)])
    with pytest.raises(ConfigError, match=r"^waiver 2: this entry and entry 1 both match"):
        load_waivers([waiver(), waiver()])
    (tmp_path / "w.yaml").write_text(HEAD + ENTRY)
    assert load_waivers(tmp_path / "w.yaml") == load_waivers(str(tmp_path / "w.yaml"))
    with pytest.raises(ConfigError, match="cannot be read"):
        load_waivers("")


NEW = waiver(slice={"sex": "f"}, reason="a: b # c", ticket="#1")
BEFORE = {
    "plain": HEAD + ENTRY,
    "a comment at the end": HEAD + ENTRY + "\n# the end\n",
    "a comment on the last line": HEAD + ENTRY.rstrip("\n") + "  # why\n",
    "no line end at the end": HEAD + ENTRY.rstrip("\n"),
    "entries over lines": "# ours\n" + HEAD + "  # first\n" + entry() + "\n  # second\n" + entry(rule="b") + "# after\n",
    "not indented": HEAD + "- " + ENTRY.strip().removeprefix("- ") + "\n",
    "indented by four": HEAD + "    " + ENTRY.strip() + "\n",
    "a field behind the list": "schema: fairaudit/waivers/1\nwaivers:\n" + ENTRY + "# of days\nmax_days: 90 # ninety\n",
    "a folded text at the end": HEAD + entry(reason=None) + "    reason: >\n      long\n      text\n\n# after\n",
    "a literal text at the end": HEAD + entry(ticket=None, reason=None) + "    reason: |\n      long\n      text\n",
    "a quoted text over lines": HEAD + entry(reason=None) + '    reason: "long\n      text" # really\n',
    "Windows line ends": (HEAD + entry() + "# after\n").replace("\n", "\r\n"),
    "an empty list": "schema: fairaudit/waivers/1\nwaivers: []  # none yet\nmax_days: 90\n",
    "an empty list at the end": "max_days: 90\nschema: fairaudit/waivers/1\nwaivers: []",
    "an empty list over lines": "schema: fairaudit/waivers/1\nwaivers: [\n  # none\n]\n",
    "a list in brackets": "schema: fairaudit/waivers/1\nwaivers: [" + ENTRY.strip().removeprefix("- ") + "] # few\n",
    "JSON": json.dumps({"schema": "fairaudit/waivers/1", "waivers": []}),
    "JSON over lines": json.dumps({"schema": "fairaudit/waivers/1", "waivers": [{"rule": "a", "slice": {"x": "y"}, "owner": "o", "reason": "r", "created": "2026-11-01", "expires": "2026-11-01", "holds_to": 0.1}]}, indent=1),
    "quoted keys": HEAD.replace("waivers:", '"waivers":') + ENTRY,
    "a marked document": "---\n" + HEAD + ENTRY + "...\n",
}  # fmt: skip


@pytest.mark.parametrize("name", BEFORE)
def test_entries_are_added_and_nothing_else_changes(name: str) -> None:
    before = BEFORE[name]
    after = with_entries(before, [NEW, waiver(slice={"a": None})], file="w.yaml")
    assert parse_waivers(after).waivers == (*parse_waivers(before).waivers, NEW, waiver(slice={"a": None}))
    kept = iter(after.splitlines())
    lines = [one for one in before.splitlines() if "[]" not in one and "{" not in one.replace("{race", "").replace("{rule", "") and not one.strip().startswith("waivers: [")]
    assert all(line in kept for line in lines if name not in ("JSON", "JSON over lines"))  # each, in order
    assert ("\r\n" in before) == ("\r\n" in after) and "\n\n\n" not in after
    assert all(comment in after for comment in ("# ours", "# first", "# second", "# after", "# why", "# of days", "# ninety", "# none", "# few", "# really") if comment in before)


@pytest.mark.parametrize("name", [name for name in BEFORE if "holds_to" in BEFORE[name]])
def test_a_bound_is_moved_and_nothing_else_changes(name: str) -> None:
    before = BEFORE[name]
    after = with_holds_to(before, {0: 0.65}, file="w.yaml")
    assert parse_waivers(after).waivers[0].holds_to == 0.65 and parse_waivers(after).waivers[1:] == parse_waivers(before).waivers[1:]
    assert after.replace("0.65", "0.1" if name == "JSON over lines" else "0.55", 1) == before


def test_an_entry_that_contradicts_one_that_stands_there_is_not_added_and_it_is_said_which() -> None:
    with pytest.raises(ConfigError, match=r"^w.yaml, with what would be added to it: waiver 2: this entry and entry 1 both match four-fifths on race=Black; keep one, whatever their dates.$"):
        with_entries(HEAD + ENTRY, [waiver()], file="w.yaml")


@pytest.mark.parametrize("text", ["waivers: [", HEAD, HEAD + ENTRY + ENTRY.replace("Black", "White")])
def test_a_text_that_would_not_read_as_it_should_is_never_handed_out(text: str) -> None:
    wanted = parse_waivers(HEAD + ENTRY)
    assert _checked(HEAD + ENTRY, wanted, "w.yaml", "it cannot be") == HEAD + ENTRY
    with pytest.raises(ConfigError, match="^w.yaml is written in a way that it cannot be; write it by hand, or a new file with --to.$"):
        _checked(text, wanted, "w.yaml", "it cannot be")


TEXTS = st.one_of(st.text(max_size=12).filter(str.strip), st.sampled_from(["null", "~", "yes", "1.5", "2026-11-01", "- a", "a: b", "a #b", "'", '"', "\\", "*", "&a", "!t", "{", "é", "😀", "a\x85b", "a\u2028b", "\ufeffa", "a\nb", "a\t", "@x", "`", "%"]))
NUMBERS = st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: abs(number) < 2**63)


@settings(max_examples=40)
@given(texts=st.lists(TEXTS, min_size=6, max_size=6), number=NUMBERS, value=st.none() | TEXTS)
def test_whatever_an_entry_says_is_read_back_as_it_was(texts: list[str], number: float, value: str | None) -> None:
    rule, attribute, owner, reason, ticket, other = texts
    one = waiver(rule=rule, slice={attribute: value}, owner=owner, reason=reason, ticket=ticket, holds_to=number)
    try:
        one.reason.encode()
        whole = new_text([one])
    except UnicodeEncodeError:
        return
    if rule == "engine-disagreement":
        return
    assert parse_waivers(whole).waivers == (one,)
    together = waiver(rule="other", all_groups=(other,), holds_to=number)
    assert parse_waivers(with_entries(whole, [together], file="w.yaml")).waivers == (one, together)
    flowing = '{"schema": "fairaudit/waivers/1", "waivers": []}'
    assert parse_waivers(with_entries(flowing, [one, together], file="w.yaml")).waivers == (one, together)
