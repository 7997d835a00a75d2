"""docs/rules.md names every field of a rule, all its values and defaults, and how each metric can be judged, as the program has it."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import inspect as shapes

from fairaudit.cli.judging import how_judged
from fairaudit.metrics.catalogue import CATALOGUE, Shape
from fairaudit.rules.checks import LATER
from fairaudit.rules.finding import Severity
from fairaudit.rules.library import load_rule, parse_rule, shipped_rules
from fairaudit.rules.pack import load_pack, shipped_packs
from fairaudit.rules.rule import AppliesTo, Minimum, Multiplicity, Rule, Source

PAGE = (Path(__file__).parent.parent / "docs" / "rules.md").read_text()
FIELDS = {line.split("`")[1]: [part.strip() for part in line.strip("|").split("|")] for line in PAGE.split("## Every field")[1].split("###")[0].splitlines() if line.startswith("| `")}
PARTS: dict[str, type] = {"source": Source, "applies_to": AppliesTo, "multiplicity": Multiplicity, "minimum": Minimum}


def _fields() -> dict[str, shapes.Field]:
    found = {one.name: one for one in msgspec.inspect.type_info(Rule).fields}  # type: ignore[attr-defined]
    for name, part in PARTS.items():
        inner = {f"{name}{'[]' if name == 'source' else ''}.{one.name}": one for one in msgspec.inspect.type_info(part).fields}  # type: ignore[attr-defined]
        found |= inner
    return {name: one for name, one in found.items() if name not in PARTS or name == "source"}


def _words(shape: shapes.Type) -> set[str]:
    """Every value that a field can be chosen from."""
    match shape:
        case shapes.EnumType():
            return {str(one.value) for one in shape.cls}
        case shapes.LiteralType():
            return set(map(str, shape.values))
        case shapes.Metadata():
            return _words(shape.type)
        case shapes.UnionType():
            return set().union(*map(_words, shape.types))
        case shapes.VarTupleType():
            return _words(shape.item_type)
    return set()


def test_every_field_of_a_rule_is_named_and_no_other() -> None:
    assert FIELDS.keys() == _fields().keys()
    assert all(f"`{name}`" in PAGE.split("Not in this version")[1].split("\n")[0] for name in LATER)


@pytest.mark.parametrize("name", _fields())
def test_the_values_and_the_default_of_a_field_are_the_programs(name: str) -> None:
    one, (_, values, default, *_) = _fields()[name], FIELDS[name]
    assert set(re.findall(r"`([^`]+)`", values)) >= _words(one.type)
    if one.required:
        assert default == ""
    else:
        assert default.strip("`[]") == _said(name, one.default)


def _said(name: str, value: Any) -> str:
    if name in ("serious", "better"):
        return FIELDS[name][2].strip("`[]")  # which follow from other fields, and are told in words
    if value is None or value is msgspec.NODEFAULT:  # an empty mapping is made anew each time
        return "none"
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return str(value.value) if isinstance(value, Enum) else f"{value:g}" if isinstance(value, int | float) else str(value) or "none"


@pytest.mark.parametrize("example", re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
def test_the_examples_are_rules_without_mistakes(example: str) -> None:
    assert parse_rule(example).limit_origin.value == "ours"


def test_the_examples_are_on_another_limit_a_score_a_value_and_a_gap() -> None:
    rules = [parse_rule(one) for one in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
    assert rules[0].extends == "four-fifths" and rules[0].limit == 0.9
    assert [(one.metric, one.comparison.value) for one in rules[1:]] == [("roc_auc", "difference"), ("calibration_in_the_large", "value"), ("false_positive_rate", "gap")]


def _row_of(metric: str, shape: Shape) -> set[str]:
    """The comparisons of the row of the table that a metric is in: by its name, or else by what is said of its kind."""
    rows = [line.strip("|").split(" | ") for line in PAGE.split("## Which metrics can be judged")[1].splitlines() if line.startswith("| ") and "---" not in line][1:]
    kinds = {Shape.RATE: "every other rate", Shape.ACROSS: "over all groups", Shape.COUNT: "counts", Shape.PAIR: "counts", Shape.CONDITIONAL: "counts", Shape.INDIVIDUAL: "counts"}
    named = [by for names, by in rows if f"`{metric}`" in names or (metric.endswith("calibration_error") and f"{metric.split('_')[0]}_" in names)]
    (by,) = named or [by for names, by in rows if shape in kinds and kinds[shape] in names]
    return set(re.findall(r"`(\w+)`", by)) - {"roc_auc"}


@pytest.mark.parametrize("metric", CATALOGUE)
def test_a_metric_can_be_judged_as_the_page_and_metrics_show_say(metric: str) -> None:
    said = re.sub(r" \(.*?\)", "", how_judged(CATALOGUE[metric]))
    ways = set(said.removeprefix("by a rule's comparison: ").split("; ")) if said.startswith("by a rule's") else set()
    assert ways == _row_of(metric, CATALOGUE[metric].shape)


@pytest.mark.parametrize("id", shipped_rules())
def test_the_page_lists_a_shipped_rule_with_its_limit_and_whose_it_is(id: str) -> None:
    (row,) = [line for line in PAGE.split("## Packs")[0].splitlines() if line.startswith(f"| `{id}` |")]
    rule, (_, _, limit, violation) = load_rule(id), [cell.strip() for cell in row.strip("|").split("|")]
    assert limit.startswith(f"{rule.limit:g}, ") and rule.limit_origin.value in limit
    assert violation == ({"fail": "fails", "warn": "warns", "info": "is remarked"}[rule.severity.value] if rule.is_binary else "")


def test_the_page_lists_no_rule_that_is_not_there() -> None:
    assert set(re.findall(r"^\| `([a-z0-9-]+)` \|", PAGE.split("## Packs")[0], re.MULTILINE)) == set(shipped_rules())


HAS = {None: "", "score": " (with scores)", "control": " (with a control)", "baseline": " (with a baseline)", "label": " (with labels)", "population": " (with a population)"}


def test_the_page_lists_every_pack_with_its_rules_and_the_severities_it_changes() -> None:
    listed = {row.split("`")[1]: row for row in PAGE.split("## Packs")[1].split("## Rules of your own")[0].splitlines() if row.startswith("| `")}
    assert listed.keys() == set(shipped_packs())
    for id, row in listed.items():
        told = [f"`{one.rule}`{'' if one.severity is None else ' (warns)'}{HAS[one.only_with]}" for one in load_pack(id).rules]
        assert row.strip("| ").split(" | ")[1] == ", ".join(told) and {one.severity for one in load_pack(id).rules} <= {None, Severity.WARN}
