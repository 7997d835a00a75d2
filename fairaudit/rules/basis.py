"""What a verdict on groups rests on: a rate's counts, or any other metric's values with their intervals."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Protocol, Self

import numpy as np

from fairaudit.evidence.intervals import Estimate
from fairaudit.evidence.rates import LEVEL
from fairaudit.types import Floats, Ints

_Z = NormalDist().inv_cdf((1 + LEVEL) / 2)


class Basis(Protocol):
    """Many groups at once; arrays of shape (groups,)."""

    @property
    def value(self) -> Floats:
        """The metric; NaN where undefined."""

    @property
    def rows(self) -> Ints:
        """Real rows that it rests on."""

    @property
    def trials(self) -> Floats:
        """The same, effective ones where rows carry weights or come in clusters."""

    def estimate(self, level: float) -> Estimate:
        """The values with their intervals at a two-sided level."""

    def at(self, index: Any) -> Self:
        """Some groups, by anything that indexes an array; `np.s_[:, None]` makes pairs by broadcasting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """Values of a metric that is no rate, with their 95 % intervals; at other levels each arm is as long as the normal limit has it, unless it was cut."""

    found: Estimate
    rows: Ints
    trials: Floats
    bounds: tuple[float, float]  # what the metric can be

    @property
    def value(self) -> Floats:
        return self.found.value

    def estimate(self, level: float) -> Estimate:
        stretch = NormalDist().inv_cdf((1 + level) / 2) / _Z
        value, (least, most) = self.found.value, self.bounds
        lower, upper = np.maximum(value - stretch * self.below, least), np.minimum(value + stretch * self.above, most)
        # An end that was cut at the end of the range says nothing of where it would be at a lower level.
        return Estimate(value, np.where(self.found.lower <= least, least, lower), np.where(self.found.upper >= most, most, upper))

    @property
    def below(self) -> Floats:
        """How far the interval reaches below the value."""
        with np.errstate(invalid="ignore"):
            return self.found.value - self.found.lower

    @property
    def above(self) -> Floats:
        with np.errstate(invalid="ignore"):
            return self.found.upper - self.found.value

    def at(self, index: Any) -> Estimates:
        return Estimates(found=self.found.at(index), rows=self.rows[index], trials=self.trials[index], bounds=self.bounds)


def errors_apart(group: Estimates, other: Estimates, spread: float) -> Floats:
    """By how many standard errors of their difference a group lies above another, below where negative; shapes broadcast.

    Args:
        spread: the variance of one row where nobody differs, for means; with each group's own, a test of skewed errors spends twice what it may. NaN where the
            metric is no mean: then the error is made of the two arms that reach towards each other (Zou & Donner 2008).

    Returns:
        NaN where either is undefined, or nothing is known of its error.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = group.value - other.value
        if not np.isnan(spread):
            error = np.sqrt(spread * (1 / group.trials + 1 / other.trials))
        else:
            error = np.where(gap < 0, np.hypot(group.above, other.below), np.hypot(group.below, other.above)) / _Z
        return np.where(error > 0, gap / error, np.nan)


def errors_from(group: Estimates, limit: float) -> Floats:
    """By how many of its standard errors a group lies above a fixed value, below where negative."""
    gap = group.value - limit
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where(gap < 0, group.above, group.below) / _Z
        return np.where(error > 0, gap / error, np.nan)


def row_variance(everyone: Estimates) -> float:
    """The variance of one row about the mean of everyone, from that mean's interval."""
    return float(((everyone.found.upper - everyone.found.lower) / (2 * _Z)).item() ** 2 * everyone.trials.item())
