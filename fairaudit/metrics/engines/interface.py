"""What an engine is asked and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from fairaudit.cube.counts import Counts
from fairaudit.cube.slices import Slicing
from fairaudit.types import Bools, Floats


class Kind(StrEnum):
    """What is done with a metric: taken by itself, compared between a group and a reference, or over all groups of a slicing."""

    VALUE = "value"
    DIFFERENCE = "difference"
    RATIO = "ratio"
    GAP = "gap"  # the largest value less the smallest
    MIN_MAX_RATIO = "min_max_ratio"  # the smallest over the largest
    CONDITIONAL_DIFFERENCE = "conditional_difference"  # the mean difference within the strata of a control


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """One metric of many slices, of many pairs of slices, or over all groups of many slicings.

    A comparison is group − reference or group / reference. Metrics that compare groups by nature (average odds …) have
    kind `value` and references all the same; those over all groups at once (between-group entropy …) have slicings only.
    """

    metric: str  # catalogue id
    kind: Kind = Kind.VALUE
    params: tuple[tuple[str, float], ...] = ()  # ("alpha", 2.0)
    groups: tuple[int, ...] = ()  # indexes into `Counts.slices`
    references: tuple[int, ...] = ()  # as many as groups, or none
    slicings: tuple[Slicing, ...] = ()  # of a metric over all groups; then there are no groups

    def __post_init__(self) -> None:
        if self.references and len(self.references) != len(self.groups):
            raise ValueError(f"{self.metric}: {len(self.groups)} groups do not go with {len(self.references)} references")
        if self.slicings and self.groups:
            raise ValueError(f"{self.metric}: slicings do not go with groups")

    @property
    def size(self) -> int:
        """How many numbers it is."""
        return len(self.slicings or self.groups)


class Engine(Protocol):
    """A witness. Two engines that support a metric give the same number, or the audit says so.

    An engine answers in the catalogue's names, signs and directions, whatever its library calls them, and writes
    NaN wherever the catalogue calls the metric undefined, whatever its library returns there.
    """

    name: str
    metrics: frozenset[str]  # catalogue ids it computes; it is never asked for others

    def answers(self, quantity: Quantity, counts: Counts) -> Bools:
        """Which of the quantity's numbers this engine computes, shape (size,); it is not asked for the others."""

    def measure(self, wanted: Sequence[Quantity], counts: Counts) -> tuple[Floats, ...]:
        """One array a quantity, each of shape (size,) in the order of its groups or slicings; NaN where undefined."""
