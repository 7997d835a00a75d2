"""The formulas themselves, vectorised over slices; always there, imports no TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from fairaudit.cube.counts import POSITIVE, Counts
from fairaudit.metrics.catalogue import CATALOGUE, FN, FP, TN, TP, Shape, total
from fairaudit.metrics.engines.interface import Kind, Quantity
from fairaudit.types import Bools, Floats, Ints

Params = dict[str, float]


class NativeEngine:
    name = "native"
    metrics = frozenset(CATALOGUE)

    def __init__(self, *, seed: int = 0) -> None:
        """It computes everything, so it draws no sample."""

    def answers(self, quantity: Quantity, counts: Counts) -> Bools:
        return np.ones(len(quantity.groups), dtype=bool)

    def measure(self, wanted: Sequence[Quantity], counts: Counts) -> tuple[Floats, ...]:
        return tuple(_measure(quantity, counts) for quantity in wanted)


def _measure(quantity: Quantity, counts: Counts) -> Floats:
    groups, references = np.array(quantity.groups, dtype=int), np.array(quantity.references, dtype=int)
    if CATALOGUE[quantity.metric].shape is Shape.PAIR:
        return _PAIRS[quantity.metric](counts, groups, references)
    values = value_of(quantity.metric, counts, dict(quantity.params))
    taken: Floats = values[groups]
    if quantity.kind is Kind.DIFFERENCE:
        taken = values[groups] - values[references]
    if quantity.kind is Kind.RATIO:
        taken = divided(values[groups], values[references])
    return taken


def value_of(metric: str, counts: Counts, params: Params | None = None) -> Floats:
    """A metric of every slice, shape (slices,); NaN where undefined."""
    entry = CATALOGUE[metric]
    if entry.shape is Shape.RATE:
        return divided(total(counts.weight, entry.numerator), total(counts.weight, entry.denominator))
    if entry.shape is Shape.COUNT:
        return total(counts.weight, entry.numerator)
    return _VALUES[metric](counts, params or {})


def divided(top: Floats, bottom: Floats) -> Floats:
    """top / bottom; NaN, which means undefined, where bottom is 0."""
    return np.divide(top, bottom, out=np.full(np.broadcast(top, bottom).shape, np.nan), where=bottom != 0)


def _balanced_accuracy(counts: Counts, _: Params) -> Floats:
    return (value_of("true_positive_rate", counts) + value_of("true_negative_rate", counts)) / 2


def _mean_score(counts: Counts, _: Params) -> Floats:
    if counts.score is None:
        return np.full(len(counts.slices), np.nan)
    return divided(counts.score.sum(axis=(1, 2)), counts.weight.sum(axis=(1, 2)))


def _calibration_ratio(counts: Counts, _: Params) -> Floats:
    if counts.score is None or not counts.has_probabilities:
        return np.full(len(counts.slices), np.nan)
    return divided(counts.score[:, :2].sum(axis=(1, 2)), counts.weight[:, POSITIVE].sum(axis=1))


def _roc_auc(counts: Counts, _: Params) -> Floats:
    """Mann–Whitney over score cells: positives above negatives, ties half.

    Source: Hanley & McNeil (1982), Radiology 143:29.
    """
    return auc_and_error(counts)[0]


def auc_and_error(counts: Counts) -> tuple[Floats, Floats]:
    """AUC of every slice and the most it can be off, as cells hold more than one score; each of shape (slices,).

    Within a cell that holds more than one score the order of positives and negatives is unknown: it counts as a tie, so the value
    is off by at most half that cell's pairs.
    """
    n = len(counts.slices)
    cells = counts.score_cells
    if cells is None or not cells.slice.size:
        return np.full(n, np.nan), np.full(n, np.nan)
    starts = np.r_[True, (np.diff(cells.slice) != 0) | (np.diff(cells.order) != 0)]
    place = np.cumsum(starts) - 1
    owner = cells.slice[starts]
    positive = np.bincount(place, cells.weight * (cells.label == 1)).astype(np.float64)
    negative = np.bincount(place, cells.weight * (cells.label == 0)).astype(np.float64)
    low = np.minimum.reduceat(cells.lowest, np.flatnonzero(starts))
    high = np.maximum.reduceat(cells.highest, np.flatnonzero(starts))
    positives, negatives = np.bincount(owner, positive, n), np.bincount(owner, negative, n)
    below = np.zeros_like(negative)
    # Slice by slice: one running sum over all of them would cancel where weights differ by orders of magnitude.
    ends = np.flatnonzero(np.diff(owner)) + 1
    for begin, end in zip((0, *ends), (*ends, owner.size), strict=True):
        below[begin + 1 : end] = np.cumsum(negative[begin : end - 1])
    won = np.bincount(owner, positive * (below + negative / 2), n).astype(np.float64)
    unsure = np.bincount(owner, np.where(low < high, positive * negative / 2, 0.0), n).astype(np.float64)
    pairs = (positives * negatives).astype(np.float64)
    return divided(won, pairs), divided(unsure, pairs)


def _benefits(counts: Counts) -> tuple[tuple[float, Floats], ...]:
    """Each benefit b = 1 + decision − label with its share of the weight, and the mean benefit folded in: (b, share)."""
    everyone = total(counts.weight, (TP, FP, FN, TN))
    parts: tuple[tuple[float, Floats], ...] = ((0.0, counts.fn), (1.0, counts.tp + counts.tn), (2.0, counts.fp))
    return tuple((benefit, divided(weight, everyone)) for benefit, weight in parts)


def _relative(counts: Counts) -> tuple[tuple[Floats, Floats], ...]:
    benefits = _benefits(counts)
    mean = sum((benefit * share for benefit, share in benefits), np.zeros(len(counts.slices)))
    return tuple((divided(np.full_like(mean, benefit), mean), share) for benefit, share in benefits)


def _generalized_entropy(counts: Counts, params: Params) -> Floats:
    """Source: Speicher et al. (2018), KDD, eq. 1; Shorrocks (1980)."""
    alpha = params.get("alpha", 2.0)
    inner = sum((share * (ratio**alpha - 1) for ratio, share in _relative(counts)), np.zeros(len(counts.slices)))
    # Every row alike is 0 by definition; rounding must not make it a hair less.
    return np.maximum(inner / (alpha * (alpha - 1)), 0.0)


def _theil(counts: Counts, _: Params) -> Floats:
    """Source: Theil (1967); 0·ln 0 = 0."""
    parts = (share * ratio * np.log(np.where(ratio > 0, ratio, 1.0)) for ratio, share in _relative(counts))
    return np.maximum(sum(parts, np.zeros(len(counts.slices))), 0.0)


def _odds(counts: Counts, groups: Ints, references: Ints) -> tuple[Floats, Floats]:
    tpr, fpr = value_of("true_positive_rate", counts), value_of("false_positive_rate", counts)
    return tpr[groups] - tpr[references], fpr[groups] - fpr[references]


def _average_odds(counts: Counts, groups: Ints, references: Ints) -> Floats:
    tpr, fpr = _odds(counts, groups, references)
    return (fpr + tpr) / 2


def _average_absolute_odds(counts: Counts, groups: Ints, references: Ints) -> Floats:
    tpr, fpr = _odds(counts, groups, references)
    mean: Floats = (np.abs(fpr) + np.abs(tpr)) / 2
    return mean


def _equalized_odds(counts: Counts, groups: Ints, references: Ints) -> Floats:
    tpr, fpr = _odds(counts, groups, references)
    larger: Floats = np.maximum(np.abs(fpr), np.abs(tpr))
    return larger


_VALUES: dict[str, Callable[[Counts, Params], Floats]] = {
    "balanced_accuracy": _balanced_accuracy,
    "mean_score": _mean_score,
    "calibration_ratio": _calibration_ratio,
    "roc_auc": _roc_auc,
    "generalized_entropy_index": _generalized_entropy,
    "theil_index": _theil,
}
_PAIRS: dict[str, Callable[[Counts, Ints, Ints], Floats]] = {
    "average_odds_difference": _average_odds,
    "average_absolute_odds_difference": _average_absolute_odds,
    "equalized_odds_difference": _equalized_odds,
}
