"""A configuration as a file that people read: what is audited, by which rules, why each is there, and what was traded away."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import msgspec

from fairaudit.config import AuditConfig
from fairaudit.reports.choice_words import DOES, answer_words
from fairaudit.rules.choosing import Choice, Chosen, id_of, needs_of, title_of
from fairaudit.rules.library import load_rule

_WRITTEN_ELSEWHERE = ("rules", "control", "effect", "out")
_LACKING = {
    "data": 'data: ["people.csv"]  # CSV or Parquet: files, folders, globs', "label": "label: outcome  # what turned out to be true",
    "protected": "protected: [sex, race]", "score_column": "score_column: score  # or decision_column, or model: a SavedModel's folder",
}  # fmt: skip
_SHARES = "population: {sex: {Female: 0.51, Male: 0.49}}  # each group's share of the people whom the data should stand for"


def config_text(config: AuditConfig, choice: Choice, *, name: str, rules: Mapping[str, str]) -> str:
    """The text of the configuration.

    Args:
        config: what is audited; its rules are not looked at.
        name: the file's own, for its head.
        rules: of each chosen rule, what `rules` must say: its id, or the path of a file that extends it.
    """
    usual = AuditConfig()
    fields = [one for one in msgspec.structs.fields(AuditConfig) if one.name not in _WRITTEN_ELSEWHERE and getattr(config, one.name) != getattr(usual, one.name)]
    lines = [
        *_comment(f"What is audited, as `fairaudit rules choose` led to it: `fairaudit check {name}` looks whether all is well, `fairaudit audit --config {name}` audits."),
        "#",
        "# Answers:",
        *(line for id, said, how in answer_words(choice) for line in _comment(f"- {id}: {said}{f' ({how})' if how else ''}")),
        "#",
        "# Traded away:",
        *(line for one in choice.traded for line in _comment(f"- {one}")),
        *([] if not choice.not_had else ["#", "# Cannot be had:"]),
        *(line for one in choice.not_had for line in _comment(f"- {f'{one.rule}: ' if one.rule else ''}{one.why}")),
        "",
        *(f"# {line}" for name, line in _LACKING.items() if _is_lacking(config, name)),
        *([f"# {_SHARES}"] if not config.population and any(load_rule(one.rule).needs_population for one in choice.rules) else []),
        *(f"{one.name}: {_written(getattr(config, one.name))}" for one in fields),
        f"effect: {config.effect}  # what a positive decision does to a person{'; it may do both, and rules that need one side take this one' if choice.answers.the('effect') == 'both' else ''}",
        *_control(config, choice),
        "rules:",
        *(line for one in choice.rules for line in _rule(one, rules[one.rule])),
        f"out: {_written(config.out or 'fairness')}",
    ]
    return "\n".join(lines) + "\n"


def extending_text(chosen: Chosen) -> str:
    """The file of a rule with another severity than it is shipped with."""
    base = load_rule(chosen.rule)
    severity = chosen.severity.value if chosen.severity else base.severity.value
    return "\n".join((
        *_comment(f"{chosen.rule}, which {DOES[severity]} here and {DOES[base.severity.value]} by itself: {' '.join(chosen.why)}"),
        "schema: fairaudit/rule/1", f"extends: {chosen.rule}", f"id: {id_of(chosen)}", f"title: {json.dumps(title_of(chosen), ensure_ascii=False)}",
        f"limit_origin: {base.limit_origin.value}", f"severity: {severity}", "",
    ))  # fmt: skip


def _is_lacking(config: AuditConfig, name: str) -> bool:
    if name == "score_column":
        return not (config.model or config.score_column or config.decision_column)
    return not (config.attributes if name == "protected" else getattr(config, name))


def _control(config: AuditConfig, choice: Choice) -> Iterator[str]:
    if config.control:
        yield from _comment(f"may fairly explain a difference: {choice.answers.justification}")
        yield f"control: {_written(config.control)}"


def _rule(one: Chosen, written: str) -> Iterator[str]:
    yield from _comment(f"{DOES[one.severity.value] if one.severity else ''}: {' '.join(one.why)}", indent="  ")
    if needs := needs_of(one.rule):
        yield from _comment(f"needs {needs}", indent="  ")
    for warning in one.not_for:
        yield from _comment(f"not for {warning}", indent="  ")
    yield f"  - {written if written == one.rule else _written(written)}"


def _comment(text: str, *, indent: str = "") -> Iterator[str]:
    """A comment of one line: what would end it or could not be read again is a space."""
    plain = "".join(one if one.isprintable() else " " for one in text)
    yield f"{indent}# {' '.join(plain.split())}"


def _written(value: object) -> str:
    """A value as YAML has it, which takes JSON."""
    plain = json.dumps(msgspec.to_builtins(value), ensure_ascii=False)
    return plain if plain.isprintable() else json.dumps(msgspec.to_builtins(value))
