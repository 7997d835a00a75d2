"""The formulas themselves, vectorised over slices; always there, imports no TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fairaudit.cube.counts import NEGATIVE, POSITIVE, Counts
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


def _f1(counts: Counts, _: Params) -> Floats:
    return divided(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn)


def _matthews(counts: Counts, _: Params) -> Floats:
    """As √(PPV·TPR·TNR·NPV) − √(FDR·FNR·FPR·FOR), which cannot overflow."""
    right = ("positive_predictive_value", "true_positive_rate", "true_negative_rate", "negative_predictive_value")
    wrong = ("false_discovery_rate", "false_negative_rate", "false_positive_rate", "false_omission_rate")
    agreeing, opposed = (np.sqrt(np.prod([value_of(one, counts) for one in rates], axis=0)) for rates in (right, wrong))
    correlation: Floats = agreeing - opposed
    return correlation


def _informedness(counts: Counts, _: Params) -> Floats:
    return value_of("true_positive_rate", counts) - value_of("false_positive_rate", counts)


def _positive_likelihood_ratio(counts: Counts, _: Params) -> Floats:
    return divided(value_of("true_positive_rate", counts), value_of("false_positive_rate", counts))


def _negative_likelihood_ratio(counts: Counts, _: Params) -> Floats:
    return divided(value_of("false_negative_rate", counts), value_of("true_negative_rate", counts))


def _mean_score(counts: Counts, _: Params) -> Floats:
    if counts.score is None:
        return np.full(len(counts.slices), np.nan)
    return divided(counts.score.sum(axis=(1, 2)), counts.weight.sum(axis=(1, 2)))


def _calibration_ratio(counts: Counts, _: Params) -> Floats:
    if counts.score is None or not counts.has_probabilities:
        return np.full(len(counts.slices), np.nan)
    return divided(counts.score[:, :2].sum(axis=(1, 2)), counts.weight[:, POSITIVE].sum(axis=1))


def _mean_of(label: int) -> Callable[[Counts, Params], Floats]:
    """The mean score of one label's rows."""

    def mean(counts: Counts, _: Params) -> Floats:
        if counts.score is None or not counts.has_probabilities:
            return np.full(len(counts.slices), np.nan)
        return divided(counts.score[:, label].sum(axis=1), counts.weight[:, label].sum(axis=1))

    return mean


def _discrimination(counts: Counts, params: Params) -> Floats:
    return _mean_of(POSITIVE)(counts, params) - _mean_of(NEGATIVE)(counts, params)


def _calibration_in_the_large(counts: Counts, _: Params) -> Floats:
    if counts.score is None or not counts.has_probabilities:
        return np.full(len(counts.slices), np.nan)
    return divided(counts.score[:, :2].sum(axis=(1, 2)) - counts.weight[:, POSITIVE].sum(axis=1), counts.weight[:, :2].sum(axis=(1, 2)))


def _brier_score(counts: Counts, _: Params) -> Floats:
    """From the moments: (s − y)² is s² of a negative and s² − 2s + 1 of a positive."""
    if counts.score is None or counts.score_sq is None or not counts.has_probabilities:
        return np.full(len(counts.slices), np.nan)
    squares = counts.score_sq[:, :2].sum(axis=(1, 2)) - 2 * counts.score[:, POSITIVE].sum(axis=1) + counts.weight[:, POSITIVE].sum(axis=1)
    return divided(np.maximum(squares, 0.0), counts.weight[:, :2].sum(axis=(1, 2)))


def _roc_auc(counts: Counts, _: Params) -> Floats:
    """Mann–Whitney over score cells: positives above negatives, ties half.

    Source: Hanley & McNeil (1982), Radiology 143:29.
    """
    return auc_and_error(counts)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placements:
    """The score ranges of every slice, from the lowest up; arrays of shape (ranges,), a pair by label: negative, positive."""

    slice: Ints  # index into `Counts.slices`
    weight: tuple[Floats, Floats]
    placement: tuple[Floats, Floats]  # of a row of that label in the range: the share of the other label that it beats, ties half
    exact: Bools  # whether a range holds one score


def placements(counts: Counts) -> Placements:
    """How rows of one label stand among those of the other: what AUC and its error are the mean and the spread of.

    Source: DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44:837.
    """
    n, cells = len(counts.slices), counts.score_cells
    if cells is None or not cells.slice.size:
        nothing = np.zeros(0)
        return Placements(slice=np.zeros(0, dtype=np.int64), weight=(nothing, nothing), placement=(nothing, nothing), exact=np.zeros(0, dtype=bool))
    starts = np.r_[True, (np.diff(cells.slice) != 0) | (np.diff(cells.order) != 0)]
    place = np.cumsum(starts) - 1
    owner = cells.slice[starts]
    negative, positive = (np.bincount(place, cells.weight * (cells.label == label)).astype(np.float64) for label in (NEGATIVE, POSITIVE))
    low = np.minimum.reduceat(cells.lowest, np.flatnonzero(starts))
    high = np.maximum.reduceat(cells.highest, np.flatnonzero(starts))
    below_negative, below_positive = _below(negative, owner), _below(positive, owner)
    negatives, positives = (np.bincount(owner, weight, n).astype(np.float64)[owner] for weight in (negative, positive))
    beaten = divided(below_negative + negative / 2, negatives)
    beats = divided(positives - below_positive - positive / 2, positives)
    return Placements(slice=owner, weight=(negative, positive), placement=(beats, beaten), exact=low == high)


def _below(weight: Floats, owner: Ints) -> Floats:
    """The weight below each range in its slice.

    Slice by slice: one running sum over all of them would cancel where weights differ by orders of magnitude.
    """
    below = np.zeros_like(weight)
    ends = np.flatnonzero(np.diff(owner)) + 1
    for begin, end in zip((0, *ends), (*ends, owner.size), strict=True):
        below[begin + 1 : end] = np.cumsum(weight[begin : end - 1])
    return below


def auc_and_error(counts: Counts) -> tuple[Floats, Floats]:
    """AUC of every slice and the most it can be off, as cells hold more than one score; each of shape (slices,).

    Within a cell that holds more than one score the order of positives and negatives is unknown: it counts as a tie, so the value
    is off by at most half that cell's pairs.
    """
    n, ranges = len(counts.slices), placements(counts)
    negative, positive = ranges.weight
    negatives, positives = (np.bincount(ranges.slice, weight, n).astype(np.float64) for weight in ranges.weight)
    won = np.bincount(ranges.slice, np.where(positive > 0, positive * ranges.placement[POSITIVE], 0.0), n).astype(np.float64)
    unsure = np.bincount(ranges.slice, np.where(ranges.exact, 0.0, positive * negative / 2), n).astype(np.float64)
    return divided(won, np.where(negatives > 0, positives, 0.0)), divided(unsure, positives * negatives)


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


def _mean_log_deviation(counts: Counts, _: Params) -> Floats:
    """Source: Shorrocks (1980); infinite where some benefit is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.where(share > 0, -share * np.log(ratio), 0.0 * ratio) for ratio, share in _relative(counts)]
    return np.maximum(sum(parts, np.zeros(len(counts.slices))), 0.0)


def _coefficient_of_variation(counts: Counts, _: Params) -> Floats:
    root: Floats = np.sqrt(2 * _generalized_entropy(counts, {}))
    return root


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


def _average_predictive_value(counts: Counts, groups: Ints, references: Ints) -> Floats:
    ppv, omitted = value_of("positive_predictive_value", counts), value_of("false_omission_rate", counts)
    mean: Floats = (ppv[groups] - ppv[references] + omitted[groups] - omitted[references]) / 2
    return mean


_VALUES: dict[str, Callable[[Counts, Params], Floats]] = {
    "balanced_accuracy": _balanced_accuracy,
    "f1": _f1,
    "matthews_correlation": _matthews,
    "informedness": _informedness,
    "positive_likelihood_ratio": _positive_likelihood_ratio,
    "negative_likelihood_ratio": _negative_likelihood_ratio,
    "mean_score": _mean_score,
    "calibration_in_the_large": _calibration_in_the_large,
    "brier_score": _brier_score,
    "coefficient_of_discrimination": _discrimination,
    "generalized_true_positive_rate": _mean_of(POSITIVE),
    "generalized_false_positive_rate": _mean_of(NEGATIVE),
    "calibration_ratio": _calibration_ratio,
    "roc_auc": _roc_auc,
    "generalized_entropy_index": _generalized_entropy,
    "theil_index": _theil,
    "mean_log_deviation": _mean_log_deviation,
    "coefficient_of_variation": _coefficient_of_variation,
}
_PAIRS: dict[str, Callable[[Counts, Ints, Ints], Floats]] = {
    "average_odds_difference": _average_odds,
    "average_absolute_odds_difference": _average_absolute_odds,
    "equalized_odds_difference": _equalized_odds,
    "average_predictive_value_difference": _average_predictive_value,
}
