"""`extends`: a file that says only what it changes of another."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from fairaudit.errors import ConfigError, FairauditError, Several
from fairaudit.reports.html import render
from fairaudit.reports.terminal import summary
from fairaudit.resources import resource
from fairaudit.rules.judge import judge
from fairaudit.rules.library import load_rule, parse_rule, shipped_rules
from fairaudit.rules.rule import Rule
from tests.reports import builders
from tests.rules.selections import CONTEXT, selections

OURS = """
schema: fairaudit/rule/1
extends: four-fifths
id: our-nine-tenths
title: Nine tenths
limit_origin: ours
limit: 0.9
"""


def test_what_the_file_does_not_say_is_the_other_rules() -> None:
    ours, theirs = parse_rule(OURS), load_rule("four-fifths")
    own = {"extends", "id", "title", "limit_origin", "limit", "source"}
    assert (ours.extends, ours.id, ours.title, ours.limit_origin.value, ours.limit) == ("four-fifths", "our-nine-tenths", "Nine tenths", "ours", 0.9)
    assert all(getattr(ours, one.name) == getattr(theirs, one.name) for one in msgspec.structs.fields(Rule) if one.name not in own)


def test_a_field_is_replaced_whole_and_an_empty_one_is_the_default_again() -> None:
    ours = parse_rule(OURS + "minimum: {rows: 50, events: 5}\nserious: null\nnot_for: [nothing]\n")
    assert (ours.minimum.rows, ours.minimum.events, ours.minimum.non_events) == (50, 5, 10)
    assert ours.serious is None and ours.not_for == ("nothing",)


def test_a_source_that_prints_the_others_limit_does_not_print_ours() -> None:
    """29 CFR 1607.4(D) says four fifths; nobody may read under a limit of 0.9 that it says so."""
    assert not any(one.says_number for one in parse_rule(OURS).source)
    assert any(one.says_number for one in parse_rule(OURS.replace("limit: 0.9", "severity: warn")).source)
    own = parse_rule(OURS + "source: [{cite: minutes of the board, kind: convention, says_number: true, as_of: 2026-03-12}]\n")
    assert [one.says_number for one in own.source] == [True]
    with pytest.raises(ConfigError, match="needs a source that prints it"):
        parse_rule(OURS.replace("limit_origin: ours", "limit_origin: law"))


def test_a_finding_names_both_rules() -> None:
    found = judge([parse_rule(OURS)], selections({"a": (300, 1000), "b": (190, 1000)}), CONTEXT)
    assert {(one.rule, one.extends, one.by) for one in found} == {("our-nine-tenths", "four-fifths", "our-nine-tenths (extends four-fifths)")}
    assert {(one.extends, one.by) for one in judge([load_rule("four-fifths")], selections({"a": (300, 1000), "b": (190, 1000)}), CONTEXT)} == {(None, "four-fifths")}


def test_a_file_beside_it_is_named_by_its_path_from_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    (tmp_path / "base.yaml").write_text(resource("rules", "four-fifths.yaml").read_text("utf-8").replace("id: four-fifths", "id: house-rule").replace("events: 30", "events: 40"))
    (tmp_path / "ours.yaml").write_text(OURS.replace("extends: four-fifths", "extends: base.yaml"))
    ours = load_rule(str(tmp_path / "ours.yaml"))
    assert (ours.extends, ours.minimum.events, ours.limit) == ("house-rule", 40, 0.9)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (OURS.replace("id: our-nine-tenths\n", ""), [":2:1: the rule lacks the field 'id'."]),
        (OURS.replace("title: Nine tenths\n", ""), [":2:1: the rule lacks the field 'title'."]),
        (OURS.replace("limit_origin: ours\n", ""), [":2:1: the rule lacks the field 'limit_origin'."]),
        (OURS.replace("id: our-nine-tenths", "id: four-fifths"), [":4:5: the id 'four-fifths' is that of the rule it extends; give it an id of its own."]),
        (OURS.replace("extends: four-fifths", "extends: four-fifth"), [":3:10: there is no rule 'four-fifth'; did you mean 'four-fifths'?"]),
        (OURS.replace("extends: four-fifths", "extends: ''"), [":3:10: there is no rule ''"]),
        (OURS.replace("extends: four-fifths", "extends:"), ["'extends' must be text, and is left empty"]),
        (OURS.replace("limit: 0.9", "limit: .nan"), [":7:8: 'limit' must be a finite number, and is .nan."]),
        (OURS.replace("limit: 0.9", "limit: .inf"), [":7:8: 'limit' must be a finite number, and is .inf."]),
        (OURS.replace("limit: 0.9", "limit: 0"), [":7:8: 'limit' must be above 0, and is 0."]),
        (OURS.replace("limit: 0.9", "limit: -0.9"), [":7:8: 'limit' must be above 0, and is -0.9."]),
        (OURS.replace("limit: 0.9", "limit:"), ["'limit' must be a finite number, and is left empty"]),
        (OURS.replace("limit: 0.9", "limit: 0.4"), [":3:10: 'serious' must be a worse ratio than the limit 0.4, and is 0.5; 'serious' is that of 'four-fifths', so write it here too."]),
        (OURS + "sevrity: warn\nlimit: 1\n", [":8:1: the rule has no field 'sevrity'; did you mean 'severity'?", ":9:1: 'limit' is given twice"]),
        (OURS + "metric: selection_rat\nlimits: 3\n", [":8:9: there is no metric 'selection_rat'; did you mean 'selection_rate'?", ":9:1: the rule has no field 'limits'; did you mean 'limit'?"]),
        (OURS.replace("four-fifths", "four-fifth") + "metric: [tpr, fpx]\nlimits: 3\n", [":3:10: there is no rule 'four-fifth'; did you mean", ":8:15: there is no metric 'fpx'", ":9:1: the rule has no field 'limits'"]),
        (OURS + "metric: selection_rat\n", [":8:9: there is no metric 'selection_rat'; did you mean 'selection_rate'?"]),
        (OURS + "multiplicity: {method: bh}\n", [":8:24: a rule that can fail a build must pay for its number of groups"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_its_place(text: str, sentences: list[str]) -> None:
    with pytest.raises(FairauditError) as caught:
        parse_rule(text, file="ours.yaml")
    told = [str(one) for one in getattr(caught.value, "errors", [caught.value])]
    assert caught.value.exit_code == 2 and len(told) == len(sentences)
    assert all(one.startswith("ours.yaml:") and sentence in one for sentence, one in zip(sentences, told, strict=True))


def test_one_level_deep_so_no_rule_can_lead_back_to_itself(tmp_path: Path) -> None:
    for name, extends in (("a", "b.yaml"), ("b", "a.yaml"), ("self", "self.yaml"), ("c", "d.yaml"), ("d", "four-fifths")):
        (tmp_path / f"{name}.yaml").write_text(OURS.replace("four-fifths", extends).replace("our-nine-tenths", f"rule-{name}"))
    load_rule(str(tmp_path / "d.yaml"))
    for name, extends, further in (("a", "b.yaml", "a.yaml"), ("self", "self.yaml", "self.yaml"), ("c", "d.yaml", "four-fifths")):
        with pytest.raises(ConfigError, match=f"{name}.yaml:3:10: '{extends}' itself extends '{further}'; a rule can only extend one that is written out in full."):
            load_rule(str(tmp_path / f"{name}.yaml"))


def test_mistakes_of_the_other_file_are_told_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(resource("rules", "four-fifths.yaml").read_text("utf-8").replace("limit: 0.8", "limit: 8").replace("severity: fail", "severity: loud"))
    (tmp_path / "ours.yaml").write_text(OURS.replace("extends: four-fifths", "extends: base.yaml"))
    with pytest.raises(ConfigError, match=r"base\.yaml:\d+:\d+: 'severity' must be one of fail, warn, info"):
        load_rule(str(tmp_path / "ours.yaml"))
    (tmp_path / "base.yaml").write_text(resource("rules", "four-fifths.yaml").read_text("utf-8").replace("limit: 0.8", "limit: 8").replace("id: four-fifths", "id: Four"))
    with pytest.raises(Several) as caught:
        load_rule(str(tmp_path / "ours.yaml"))
    assert all("base.yaml:" in str(one) for one in caught.value.errors)
    (tmp_path / "ours.yaml").write_text(OURS.replace("extends: four-fifths", "extends: nowhere.yaml"))
    with pytest.raises(ConfigError, match=r"ours\.yaml:3:10: there is no file '.*nowhere\.yaml'"):
        load_rule(str(tmp_path / "ours.yaml"))


def test_shipped_rules_are_written_out_in_full() -> None:
    assert all(load_rule(one).extends is None for one in shipped_rules())


def test_the_report_and_the_terminal_name_both_rules() -> None:
    found = builders.audit([builders.finding(rule="ours", extends="four-fifths")], rules=[builders.rule(id="ours", extends="four-fifths")])
    assert "The rule ours extends four-fifths: what its own file does not say is that rule&#39;s." in render(found)
    assert "ours (extends four-fifths): race=" in summary(found)
    assert "extends four-fifths" not in render(builders.audit([builders.finding()]))
