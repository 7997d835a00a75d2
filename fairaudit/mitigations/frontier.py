"""What a search found: every candidate's objective beside each rule's own number, on rows that nothing was fitted on; `frontier.json`, and its published schema."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import numpy as np

from fairaudit.cube.slices import Slicing
from fairaudit.evidence.measurement import Group, Interval
from fairaudit.mitigations.card import Moved
from fairaudit.mitigations.names import CandidateName
from fairaudit.mitigations.policy import Policy
from fairaudit.result import schema_of
from fairaudit.types import Bools, Floats

SCHEMA = "fairaudit/frontier/1"
FRONTIER = "frontier.json"


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule says of a candidate: its worst number among the groups that have rows enough, in the rule's own terms."""

    rule: str
    metric: str | None  # None: there is no such group
    kind: str | None  # "ratio", "difference" …
    slicing: Slicing
    group: Group | None
    reference: Group | None
    value: float | None  # None: infinite, or there is none
    interval: Interval | None  # 95 %
    limit: tuple[float | None, float | None]  # signed; None is open
    past: float | None  # how far the number is past the limit, negative within it; of ratios the difference of their logarithms; None: infinitely
    verdict: Literal["pass", "fail", "inconclusive"] | None  # the gravest of the rule's findings; None: it said nothing
    meets: bool  # no group that has rows enough is past the limit, and nothing is violated


class Objective(msgspec.Struct, frozen=True, kw_only=True):
    """What is made as large as it can be."""

    value: float | None  # None: it is undefined
    interval: Interval | None  # 95 %


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate, on the rows that the choice is made on."""

    id: str
    method: CandidateName
    settings: dict[str, Any]
    needs_attribute: bool  # when serving: its decisions are told apart by one, or the model takes one
    same_as: str | None  # an earlier candidate that decides alike on all rows; it stands for both
    objective: Objective
    rules: tuple[Number, ...]
    efficient: tuple[str, ...]  # rules beside which no other candidate is better in one of both and no worse in the other
    effects: tuple[Moved, ...]  # compared with the model as it is, on the same rows
    policy: Policy | None  # what is decided of a score; None: the scores are others, of a model that was trained on


class Unmet(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate that could not be fitted, and why."""

    id: str
    method: CandidateName
    settings: dict[str, Any]
    reason: str


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of the data in each part."""

    fitted: int
    chosen_on: int
    proven_on: int


class Frontier(msgspec.Struct, frozen=True, kw_only=True):
    """All that was tried, and what was chosen of it: `frontier.json`."""

    schema: Literal["fairaudit/frontier/1"] = SCHEMA  # type: ignore[assignment]
    version: str
    seed: int
    rows: Rows
    objective: str
    rules: tuple[str, ...]
    criterion: str  # what --choose said
    chosen: str | None  # a point's id; None: nothing meets what the criterion asks for, and so there is no file, but --json shows all the same
    points: tuple[Point, ...]
    unmet: tuple[Unmet, ...]


def efficient(objective: Floats, past: Floats) -> Bools:
    """Which of several are not beaten: no other has as large an objective and is as little past the limit, and is better in one of them.

    Args:
        objective, past: one entry a candidate; NaN where undefined, which is never efficient.
    """
    known = ~np.isnan(objective) & ~np.isnan(past)
    as_good = (objective[:, None] >= objective) & (past[:, None] <= past)
    better = as_good & ((objective[:, None] > objective) | (past[:, None] < past))
    beaten: Bools = (better & known[:, None]).any(axis=0)
    return known & ~beaten


def marked(points: Sequence[Point]) -> tuple[Point, ...]:
    """The points, each with the rules beside which it is efficient."""
    names = [one.rule for one in points[0].rules] if points else []
    found: list[list[str]] = [[] for _ in points]
    objective = np.array([math.nan if one.objective.value is None else one.objective.value for one in points])
    for place, name in enumerate(names):
        past = np.array([_past(one.rules[place]) for one in points])
        for index in np.flatnonzero(efficient(objective, past)):
            found[index].append(name)
    return tuple(msgspec.structs.replace(one, efficient=tuple(own)) for one, own in zip(points, found, strict=True))


def _past(number: Number) -> float:
    """How far a number is past its limit; NaN where there is none."""
    if number.metric is None:
        return math.nan
    return (-math.inf if number.meets else math.inf) if number.past is None else number.past


def json_schema() -> dict[str, Any]:
    """The JSON Schema of frontier.json, as it is published with the package."""
    return schema_of(Frontier)


if __name__ == "__main__":
    import json

    print(json.dumps(json_schema(), indent=1))
