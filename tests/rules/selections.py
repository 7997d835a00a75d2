"""Decisions by group, as the published examples have them: selected, of how many."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fairaudit.cube.counts import Counts
from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.resources import resource
from fairaudit.rules.finding import Finding
from fairaudit.rules.judge import judge
from fairaudit.rules.library import parse_rule
from fairaudit.rules.plan import Context
from fairaudit.rules.rule import Rule
from tests.builders import counts_from

Key = str | None | tuple[str | None, ...]
Table = dict[Key, tuple[float, float]]  # group → (selected, rows)
ATTRIBUTES = ("group", "second", "third")
CONTEXT = Context(slicings=(("group",),))


def slice_of(key: Key) -> Slice:
    return Slice(zip(ATTRIBUTES, key if isinstance(key, tuple) else (key,)))  # noqa: B905


def selections(groups: Mapping[Key, tuple[float, float]], *more: Mapping[Key, tuple[float, float]]) -> Counts:
    """Counts without labels: (selected, rows) a group; further slicings by longer keys."""
    cells = {EVERYONE: (0.0, 0.0)} | {slice_of(key): (rows - selected, selected) for part in (groups, *more) for key, (selected, rows) in part.items()}
    none = dict.fromkeys(cells, (0.0, 0.0, 0.0, 0.0))
    return counts_from(none, unlabelled=cells)


def qualified(groups: Mapping[Key, tuple[float, float]], rejected: float = 100.0) -> Counts:
    """Counts of labelled rows: (selected, rows) of the qualified a group, and so many rightly rejected."""
    return counts_from({EVERYONE: (0, 0, 0, 0)} | {slice_of(key): (tp, 0, positives - tp, rejected) for key, (tp, positives) in groups.items()})


def rule(shipped: str = "four-fifths", **changes: Any) -> Rule:
    """A shipped rule with some fields changed, each as one would write it in YAML."""
    fields = re.split(r"^(?=\w)", resource("rules", f"{shipped}.yaml").read_text("utf-8"), flags=re.MULTILINE)
    kept = [field for field in fields if field.split(":")[0] not in changes]
    return parse_rule("".join((*kept, *(f"{field}: {value}\n" for field, value in changes.items()))))


def judged(groups: Mapping[Key, tuple[float, float]], context: Context = CONTEXT, **changes: Any) -> dict[str, Finding]:
    """What four-fifths, changed, says of each group, by the group's name; `slicing` where it speaks of all."""
    return by_group(judge([rule(**changes)], selections(groups), context))


def by_group(findings: tuple[Finding, ...]) -> dict[str, Finding]:
    return {"slicing" if one.group is None else str(one.group).removeprefix("group="): one for one in findings}
