"""What an explanation is made of, and how it writes numbers: with more digits than a report, since somebody checks them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from fairaudit.cube.counts import Counts
from fairaudit.evidence.intervals import one_sided
from fairaudit.gate.answers import Answer
from fairaudit.gate.waiver import whom
from fairaudit.metrics.catalogue import CATALOGUE, Metric
from fairaudit.reports.badges import WAIVED, Badge, badge
from fairaudit.reports.numbers import significant
from fairaudit.rules.facts import Fact
from fairaudit.rules.family import Family
from fairaudit.rules.finding import Finding
from fairaudit.rules.judge import Case
from fairaudit.rules.plan import Context, Planned
from fairaudit.rules.rule import Rule

DIGITS, LONG = 6, 8  # of results, and of what goes into the next formula


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step from the counts to the verdict."""

    id: str
    title: str
    lines: tuple[str, ...]
    numbers: dict[str, Any]  # what the lines round, in full


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A finding that can be explained."""

    finding: Finding
    sentence: str
    differs: tuple[str, ...]  # where the file says otherwise
    steps: Callable[[], tuple[Step, ...]]
    answer: Answer | None = None  # the entry that is for it, where waivers were asked of

    @property
    def whom(self) -> str:
        return whom(self.finding)

    @property
    def badge(self) -> Badge:
        return WAIVED if self.answer is not None and self.answer.applies else badge(self.finding)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A finding with all that it was made of."""

    case: Case
    planned: Planned
    sharing: tuple[Planned, ...]  # families that share its error
    counts: Counts
    context: Context

    @property
    def finding(self) -> Finding:
        return self.case.finding

    @property
    def rule(self) -> Rule:
        return self.case.rule

    @property
    def family(self) -> Family | None:
        return self.case.family

    @property
    def metric(self) -> Metric:
        return CATALOGUE[self.finding.metric]

    @property
    def fact(self) -> Fact:
        if self.case.fact is None:
            raise ValueError("too few groups can be judged, which rests on no fact")
        return self.case.fact


def number(value: float, digits: int = DIGITS) -> str:
    """A result, with its first digits."""
    return significant(value, digits) if math.isfinite(value) else "undefined" if math.isnan(value) else "infinite"


def quantity(value: float) -> str:
    """A count in full; a sum of weights, or rows that are worth so many, to ten digits."""
    if not math.isfinite(value) or not 1000 <= value < 1e10:
        return number(value, 10)
    return f"{value:,.10g}"


def factor(text: str) -> str:
    """A number as it stands in a formula: what has a sign or a power of ten is put in brackets, which may then be squared."""
    return f"({text})" if text.startswith("−") or "×" in text else text


def plain(value: float) -> float | None:
    """As data have it, which know no number that is none."""
    return float(value) if math.isfinite(value) else None


def yes(held: bool) -> str:
    return "yes" if held else "no"


def z_of(confidence: float) -> float:
    """The normal limit of one-sided bounds of a confidence."""
    return NormalDist().inv_cdf((1 + one_sided(confidence)) / 2)
