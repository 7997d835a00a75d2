"""Decisions of two groups judged by plain counts: accuracy against a gap, which points are efficient, and whether one lies behind another on the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from benchmarks.people import People
from fairaudit.types import Floats

LEVEL, REPLICATES = 0.95, 2_000
ALIKE = 0.001  # gaps that differ by no more are the same
SELECTION, OPPORTUNITY, ODDS = range(3)  # places among the criteria
CRITERIA = ("selection rate", "true positive rate", "true or false positive rate")  # of the last the larger gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Accuracy and gaps of some deciders on the same rows."""

    accuracy: Floats  # shape (deciders,)
    gaps: Floats  # (criteria, deciders): absolute differences between the groups
    accuracies: Floats  # (replicates, deciders): the same in resampled rows
    gaps_of: Floats  # (replicates, criteria, deciders)


class Standing(Enum):
    """How the one of ours that is as fair on the rows fitted on stands to a peer's on the rows held out."""

    DOMINATES = "ours is as good or better in both"
    WITHIN = "neither is behind beyond its interval"
    TRADES = "ahead beyond its interval in one, behind in the other"
    BEHIND = "behind beyond its interval"


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """Ours less theirs on the rows held out, and the interval of each difference by the paired bootstrap."""

    accuracy: float
    of_accuracy: tuple[float, float]
    gap: float
    of_gap: tuple[float, float]
    standing: Standing


def judged(people: People, chances: Floats, *, rng: np.random.Generator, replicates: int = REPLICATES) -> Judged:
    """Every decider on all rows, and on rows drawn with replacement, the same for all of them.

    Args:
        chances: of being selected, shape (deciders, rows).
    """
    points, gaps = _counted(people, chances, np.ones((1, people.label.size)))
    drawn = [_counted(people, chances, _resampled(people.label.size, min(100, replicates - start), rng)) for start in range(0, replicates, 100)]
    return Judged(accuracy=points[0], gaps=gaps[0], accuracies=np.concatenate([one for one, _ in drawn]), gaps_of=np.concatenate([one for _, one in drawn]))


def _resampled(rows: int, replicates: int, rng: np.random.Generator) -> Floats:
    return rng.multinomial(rows, np.full(rows, 1 / rows), size=replicates).astype(np.float64)


def _counted(people: People, chances: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Accuracy, shape (replicates, deciders), and gaps, (replicates, criteria, deciders), of weighted rows."""
    rows, selected = {}, {}
    for member in (0, 1):
        for label in (0, 1):
            at = (people.member == member) & (people.label == label)
            rows[member, label] = weights[:, at].sum(axis=1, keepdims=True)
            selected[member, label] = weights[:, at] @ chances[:, at].T
    right = sum(selected[member, 1] + rows[member, 0] - selected[member, 0] for member in (0, 1))
    with np.errstate(invalid="ignore"):  # a sample may lack a group's rows of a label: NaN
        rate, of_positives, of_negatives = (
            _apart(*(sum(selected[member, label] for label in labels) / sum(rows[member, label] for label in labels) for member in (0, 1))) for labels in ((0, 1), (1,), (0,))
        )
    return right / weights.sum(axis=1, keepdims=True), np.stack([rate, of_positives, np.maximum(of_positives, of_negatives)], axis=1)


def _apart(one: Floats, other: Floats) -> Floats:
    return np.asarray(np.abs(one - other))


def efficient(accuracy: Floats, gap: Floats) -> tuple[int, ...]:
    """The places that no other beats in one without losing in the other, by rising gap; of equal ones the first."""
    order = sorted(range(accuracy.size), key=lambda at: (gap[at], -accuracy[at], at))
    kept: list[int] = []
    for at in order:
        if not kept or accuracy[at] > accuracy[kept[-1]]:
            kept.append(at)
    return tuple(kept)


def matched(accuracy: Floats, gap: Floats, to: float, among: Sequence[int]) -> int:
    """The most accurate whose gap is `to` at most, or more by what no part of these sizes tells; where none is, the one with the smallest gap."""
    fair = [at for at in among if gap[at] <= to + ALIKE]
    return max(fair, key=lambda at: (accuracy[at], -gap[at])) if fair else min(among, key=lambda at: (gap[at], -accuracy[at]))


def interval(replicates: Floats) -> tuple[float, float]:
    """The bootstrap's percentiles; replicates without rows of a group and label, whose rates are undefined, are left out."""
    low, high = np.nanpercentile(replicates, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return float(low), float(high)


def against(found: Judged, criterion: int, ours: int, theirs: int) -> Against:
    accuracy, gap = float(found.accuracy[ours] - found.accuracy[theirs]), float(found.gaps[criterion, ours] - found.gaps[criterion, theirs])
    of_accuracy = interval(found.accuracies[:, ours] - found.accuracies[:, theirs])
    of_gap = interval(found.gaps_of[:, criterion, ours] - found.gaps_of[:, criterion, theirs])
    return Against(accuracy=accuracy, of_accuracy=of_accuracy, gap=gap, of_gap=of_gap, standing=_standing(accuracy, of_accuracy, gap, of_gap))


def _standing(accuracy: float, of_accuracy: tuple[float, float], gap: float, of_gap: tuple[float, float]) -> Standing:
    if accuracy >= 0 and gap <= 0:
        return Standing.DOMINATES
    loses, gains = of_accuracy[1] < 0 or of_gap[0] > 0, of_accuracy[0] > 0 or of_gap[1] < 0
    if not loses:
        return Standing.WITHIN
    return Standing.TRADES if gains else Standing.BEHIND
