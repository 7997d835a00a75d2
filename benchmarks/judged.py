"""Decisions of two groups judged by plain counts: accuracy against a gap, which points are efficient, and whether one lies behind another over several splits of the same rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from scipy.special import stdtrit  # type: ignore[import-untyped]

from benchmarks.people import People
from fairaudit.types import Floats

LEVEL = 0.95
ALIKE = 0.002  # differences, in accuracy or in a gap, that are none
SELECTION, OPPORTUNITY, ODDS = range(3)  # places among the criteria
CRITERIA = ("selection rate", "true positive rate", "true or false positive rate")  # of the last the larger gap


class Standing(Enum):
    """How the one of ours that is as fair on the rows fitted on stands to a peer's on the rows held out."""

    DOMINATES = "ours is as good or better in both"
    WITHIN = "not behind beyond its interval"
    TRADES = "ahead beyond its interval in one, behind in the other"
    BEHIND = "behind beyond its interval"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """The mean of a number over splits, and its interval."""

    value: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """Ours less theirs on the rows held out."""

    accuracy: Mean
    gap: Mean

    @property
    def standing(self) -> Standing:
        if self.accuracy.value >= -ALIKE and self.gap.value <= ALIKE:
            return Standing.DOMINATES
        loses = (self.accuracy.value < -ALIKE and self.accuracy.interval[1] < 0) or (self.gap.value > ALIKE and self.gap.interval[0] > 0)
        gains = self.accuracy.interval[0] > 0 or self.gap.interval[1] < 0
        return Standing.WITHIN if not loses else Standing.TRADES if gains else Standing.BEHIND


def counted(people: People, chances: Floats) -> tuple[Floats, Floats]:
    """Accuracy, shape (deciders,), and gaps between the groups, (criteria, deciders).

    Args:
        chances: of being selected, shape (deciders, rows).
    """
    rows, selected = {}, {}
    for member in (0, 1):
        for label in (0, 1):
            at = (people.member == member) & (people.label == label)
            rows[member, label] = int(at.sum())
            selected[member, label] = chances[:, at].sum(axis=1)
    right = sum(selected[member, 1] + rows[member, 0] - selected[member, 0] for member in (0, 1))
    rate, of_positives, of_negatives = (
        np.abs(np.subtract(*(sum(selected[member, label] for label in labels) / sum(rows[member, label] for label in labels) for member in (0, 1)))) for labels in ((0, 1), (1,), (0,))
    )
    return np.asarray(right / people.label.size), np.stack([rate, of_positives, np.maximum(of_positives, of_negatives)])


def efficient(accuracy: Floats, gap: Floats) -> tuple[int, ...]:
    """The places that no other beats in one without losing in the other, by rising gap; of equal ones the first. NaN is none."""
    order = sorted(np.flatnonzero(~np.isnan(accuracy)).tolist(), key=lambda at: (gap[at], -accuracy[at], at))
    kept: list[int] = []
    for at in order:
        if not kept or accuracy[at] > accuracy[kept[-1]]:
            kept.append(at)
    return tuple(kept)


def matched(accuracy: Floats, gap: Floats, to: float, among: Sequence[int]) -> int:
    """The most accurate whose gap is `to` at most; where none is, the one with the smallest gap. NaN is none."""
    known = [at for at in among if not math.isnan(accuracy[at])]
    fair = [at for at in known if gap[at] <= to]
    return max(fair, key=lambda at: (accuracy[at], -gap[at])) if fair else min(known, key=lambda at: (gap[at], -accuracy[at]))


def mean(values: Floats, *, ratio: float) -> Mean:
    """The mean over splits with the interval of the corrected resampled t-test: splits of the same rows share them, so their variance by itself says too little.

    Args:
        values: one a split.
        ratio: rows held out to rows fitted on.

    Source: Nadeau & Bengio (2003), Machine Learning 52:239, whose variance of the mean is (1/J + n₂/n₁) times that of the splits.
    """
    value = float(values.mean())
    if values.size < 2:
        return Mean(value=value, interval=(-math.inf, math.inf))
    reach = float(stdtrit(values.size - 1, (1 + LEVEL) / 2)) * math.sqrt((1 / values.size + ratio) * float(values.var(ddof=1)))
    return Mean(value=value, interval=(value - reach, value + reach))
