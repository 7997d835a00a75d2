"""The JSON Schema of rule files, by which editors complete and explain them; the program itself reads files by the types, and says more of what is wrong."""

from __future__ import annotations

from typing import Any

import msgspec

from fairaudit.evidence.asked import OTHER_TASKS
from fairaudit.metrics.catalogue import known_names
from fairaudit.rules.extending import RESTATED, Extension
from fairaudit.rules.rule import Rule


def rule_schema() -> dict[str, Any]:
    """A mapping of all fields; of those that a rule must have, a file that extends another must have few."""
    (whole, extending), parts = msgspec.json.schema_components([Rule, Extension], ref_template="#/$defs/{name}")
    rule, extension = (parts.pop(one["$ref"].rsplit("/", 1)[1]) for one in (whole, extending))
    names = sorted((*known_names(), *OTHER_TASKS))
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",  # which editors know best
        "title": "A rule of fairaudit",
        "type": "object",
        "properties": rule["properties"] | {"extends": extension["properties"]["extends"], "metric": _one_or_more(rule["properties"]["metric"], names)},
        "additionalProperties": False,
        "required": [name for name in RESTATED if name in rule["required"]],
        "if": {"required": ["extends"]},
        "then": {},
        "else": {"required": rule["required"]},
        "$defs": parts,
    }


def _one_or_more(metric: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """The field `metric` with every name it may have, so that an editor offers them."""
    one = {"enum": names}
    return metric | {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}


if __name__ == "__main__":
    import json

    print(json.dumps(rule_schema(), indent=1, ensure_ascii=False))
