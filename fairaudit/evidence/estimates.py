"""Every metric of every slice with its interval: which method goes with which metric, and what is no proportion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from statistics import NormalDist

import numpy as np
from scipy.special import stdtrit  # type: ignore[import-untyped]

from fairaudit.cube.counts import NEGATIVE, POSITIVE, UNLABELLED, Counts
from fairaudit.evidence.intervals import Bounds, Estimate, effective_size, mover, mover_mean, mover_r, newcombe, proportion, wilson
from fairaudit.metrics.catalogue import CATALOGUE, FN, FP, TN, TP, Cell, Metric, Shape, total
from fairaudit.metrics.engines.interface import Kind
from fairaudit.metrics.engines.native import divided, placements, value_of
from fairaudit.types import Floats, Ints

LEVEL = 0.95
_Z = NormalDist().inv_cdf((1 + LEVEL) / 2)
_STEP = 1e-6  # of the slice's weight, in a difference quotient


def estimate(metric: Metric, counts: Counts, params: dict[str, float] | None = None) -> Estimate | None:
    """A metric of every slice with its 95 % interval, shape (slices,); NaN where undefined.

    Returns:
        None for counts, which are no estimates, and for what compares two groups by nature.
    """
    if metric.shape is Shape.RATE:
        return rate(metric, counts)
    method = _METHODS.get(metric.id)
    if method is None:
        return None
    value = value_of(metric.id, counts, params)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ends = (np.where(np.isfinite(value), end, np.nan) for end in method(counts, value, params or {}))
    return Estimate(value, *(np.clip(end, *metric.bounds) for end in ends))


def rate(metric: Metric, counts: Counts) -> Estimate:
    """A rate of every slice with its Wilson interval, on effective sizes where rows carry weights; shape (slices,)."""
    return _share(counts, metric.numerator, metric.denominator)


def pair_bounds(metric: Metric, kind: Kind, counts: Counts, groups: Ints, references: Ints) -> Bounds | None:
    """The 95 % interval of each group against its reference; slices are independent. Shape (groups,)."""
    if metric.shape is Shape.PAIR:
        return _PAIRS[metric.id](counts, groups, references)
    found = estimate(metric, counts)
    if found is None:
        return None
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return (mover_r if kind is Kind.RATIO else newcombe)(found.at(groups), found.at(references))


def _share(counts: Counts, numerator: tuple[Cell, ...], denominator: tuple[Cell, ...]) -> Estimate:
    weight, weight_sq = total(counts.weight, denominator), total(counts.weight_sq, denominator)
    size = effective_size(weight, weight_sq) if counts.has_weights else weight
    share = divided(total(counts.weight, numerator), weight)
    return proportion(np.where(np.isnan(share), 0.0, share) * size, size, level=LEVEL)


def _rate_of(counts: Counts, name: str) -> Estimate:
    return rate(CATALOGUE[name], counts)


# --- What is made of rates


def _balanced_accuracy(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    return mover_mean(_rate_of(counts, "true_positive_rate"), _rate_of(counts, "true_negative_rate"))


def _informedness(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    return newcombe(_rate_of(counts, "true_positive_rate"), _rate_of(counts, "false_positive_rate"))


def _positive_likelihood_ratio(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    return mover_r(_rate_of(counts, "true_positive_rate"), _rate_of(counts, "false_positive_rate"))


def _negative_likelihood_ratio(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    return mover_r(_rate_of(counts, "false_negative_rate"), _rate_of(counts, "true_negative_rate"))


def _f1(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    """F1 = 2J / (1 + J), and J = tp / (tp + fp + fn) is a proportion."""
    overlap = _share(counts, (TP,), (TP, FP, FN))
    return 2 * overlap.lower / (1 + overlap.lower), 2 * overlap.upper / (1 + overlap.upper)


# --- Functions of the four counts, by the delta method


def _standard_error(metric: str, counts: Counts, params: dict[str, float]) -> Floats:
    """Of a function of the confusion cells that does not change when all of them are doubled, shape (slices,).

    A row in cell i moves such a function by w ∂f/∂wᵢ, and Σ wᵢ ∂f/∂wᵢ = 0, so its variance is Σᵢ (∂f/∂wᵢ)² Σw² of the cell.
    """
    value = value_of(metric, counts, params)
    step = _STEP * counts.weight[:, :UNLABELLED].sum(axis=(1, 2))
    variance = np.zeros(len(counts.slices))
    for cell in (TP, FP, FN, TN):
        moved = counts.weight.copy()
        moved[:, *cell] += step
        slope = (value_of(metric, replace(counts, weight=moved), params) - value) / step
        held = counts.weight_sq[:, *cell]
        variance += np.where(held > 0, slope**2 * held, 0.0)  # of an empty cell nothing is known and nothing needed
    error: Floats = np.sqrt(variance)
    return error


def _matthews(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    """On Fisher's scale, artanh, as other correlations."""
    reach = _Z * _standard_error("matthews_correlation", counts, params) / (1 - value**2)
    certain = np.abs(value) >= 1
    return np.where(certain, np.nan, np.tanh(np.arctanh(value) - reach)), np.where(certain, np.nan, np.tanh(np.arctanh(value) + reach))


def _of_inequality(metric: str) -> Callable[[Counts, Floats, dict[str, float]], Bounds]:
    """On the logarithm's scale, since an index is above 0; none where every benefit is alike."""

    def bounds(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
        reach = np.exp(_Z * _standard_error(metric, counts, params) / value)
        return np.where(value > 0, value / reach, np.nan), np.where(value > 0, value * reach, np.nan)

    return bounds


# --- Means of scores, from their moments



def _mean_bounds(value: Floats, square: Floats, size: Floats) -> Bounds:
    """Student's interval of a mean.

    Args:
        square: the mean of x².
        size: effective rows.
    """
    reach = _t(size) * np.sqrt(np.maximum(square - value**2, 0.0) / (size - 1))
    return value - reach, value + reach


def _t(size: Floats) -> Floats:
    """Student's 97.5 % point; NaN below two rows, or what weighs as much."""
    quantile: Floats = stdtrit(np.where(size >= 2, size - 1, np.nan), (1 + LEVEL) / 2)
    return quantile


def _size(counts: Counts, labels: tuple[int, ...]) -> Floats:
    return effective_size(counts.weight[:, labels].sum(axis=(1, 2)), counts.weight_sq[:, labels].sum(axis=(1, 2)))


def _sum(sums: Floats | None, labels: tuple[int, ...]) -> Floats:
    if sums is None:
        raise ValueError("a metric of scores was asked of counts without scores")
    added: Floats = sums[:, labels].sum(axis=(1, 2))
    return added


_LABELLED, _EVERYONE = (NEGATIVE, POSITIVE), (NEGATIVE, POSITIVE, UNLABELLED)


def _mean_score(labels: tuple[int, ...]) -> Callable[[Counts, Floats, dict[str, float]], Bounds]:
    def bounds(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
        return _mean_bounds(value, _sum(counts.score_sq, labels) / _sum(counts.weight, labels), _size(counts, labels))

    return bounds


def _calibration_in_the_large(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    return _mean_bounds(value, _squared_errors(counts) / _sum(counts.weight, _LABELLED), _size(counts, _LABELLED))


def _squared_errors(counts: Counts, ratio: Floats | float = 1.0) -> Floats:
    """Σw(s − ratio·y)² of the labelled."""
    squares: Floats = _sum(counts.score_sq, _LABELLED) - 2 * ratio * _sum(counts.score, (POSITIVE,)) + ratio**2 * _sum(counts.weight, (POSITIVE,))
    return squares


def _calibration_ratio(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    """Of a ratio of means on the logarithm's scale: its error is the mean of s − ratio·y over the mean of y."""
    size = _size(counts, _LABELLED)
    residual = _squared_errors(counts, value) / _sum(counts.weight, _LABELLED)
    base = _sum(counts.weight, (POSITIVE,)) / _sum(counts.weight, _LABELLED)
    reach = np.exp(_t(size) * np.sqrt(np.maximum(residual, 0.0) / (size - 1)) / (base * value))
    return value / reach, value * reach


def _discrimination(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    positive, negative = (estimate(CATALOGUE[f"generalized_{side}_positive_rate"], counts) for side in ("true", "false"))
    if positive is None or negative is None:
        raise ValueError("the generalized rates have intervals")
    return mover(((1.0, positive), (-1.0, negative)))


# --- What needs the cells of the scores


def _brier_score(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    """The spread of (s − y)² from the score cells, each taken at its middle."""
    cells = counts.score_cells
    if cells is None:
        return np.full_like(value, np.nan), np.full_like(value, np.nan)
    fourth = cells.weight * ((cells.lowest + cells.highest) / 2 - cells.label) ** 4
    square = np.bincount(cells.slice, fourth, len(counts.slices)) / _sum(counts.weight, _LABELLED)
    return _mean_bounds(value, square, _size(counts, _LABELLED))


def _roc_auc(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    """DeLong's standard error on the logit scale; where every positive is above every negative, Wilson's for the smaller class.

    Source: DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44:837; the scale: Pepe (2003), section 5.2.
    """
    cells = placements(counts)
    sizes, variance = [], np.zeros(len(counts.slices))
    for label in (POSITIVE, NEGATIVE):
        size = _size(counts, (label,))
        spread = np.bincount(cells.slice, cells.weight[label] * (cells.placement[label] - value[cells.slice]) ** 2, len(counts.slices))
        variance += spread / _sum(counts.weight, (label,)) / (size - 1)
        sizes.append(size)
    reach = _Z * np.sqrt(variance) / (value * (1 - value))
    logit = np.log(value / (1 - value))
    least = np.minimum(*sizes)
    flat = wilson(value * least, least, level=LEVEL)
    certain = (value <= 0) | (value >= 1)
    return np.where(certain, flat[0], 1 / (1 + np.exp(reach - logit))), np.where(certain, flat[1], 1 / (1 + np.exp(-reach - logit)))


# --- Two groups by nature


def _average_odds(counts: Counts, groups: Ints, references: Ints) -> Bounds:
    return _average("false_positive_rate", "true_positive_rate", counts, groups, references)


def _average_predictive_value(counts: Counts, groups: Ints, references: Ints) -> Bounds:
    return _average("positive_predictive_value", "false_omission_rate", counts, groups, references)


def _average(one: str, other: str, counts: Counts, groups: Ints, references: Ints) -> Bounds:
    """Of ½ [(a_g − a_r) + (b_g − b_r)]: four independent rates, since each has rows of its own."""
    parts = [(sign / 2, _rate_of(counts, name).at(places)) for name in (one, other) for sign, places in ((1, groups), (-1, references))]
    return mover(parts)


def _sizes(counts: Counts, groups: Ints, references: Ints) -> tuple[Estimate, Estimate]:
    """The sizes of the differences of the true and of the false positive rate: Newcombe's intervals, folded at 0."""
    folded = []
    for name in ("true_positive_rate", "false_positive_rate"):
        found = _rate_of(counts, name)
        group, reference = found.at(groups), found.at(references)
        lower, upper = newcombe(group, reference)
        folded.append(Estimate(np.abs(group.value - reference.value), np.maximum(np.maximum(lower, -upper), 0.0), np.maximum(-lower, upper)))
    return folded[0], folded[1]


def _average_absolute_odds(counts: Counts, groups: Ints, references: Ints) -> Bounds:
    return mover_mean(*_sizes(counts, groups, references))


def _equalized_odds(counts: Counts, groups: Ints, references: Ints) -> Bounds:
    tpr, fpr = _sizes(counts, groups, references)
    return np.maximum(tpr.lower, fpr.lower), np.maximum(tpr.upper, fpr.upper)


_METHODS: dict[str, Callable[[Counts, Floats, dict[str, float]], Bounds]] = {
    "balanced_accuracy": _balanced_accuracy,
    "f1": _f1,
    "matthews_correlation": _matthews,
    "informedness": _informedness,
    "positive_likelihood_ratio": _positive_likelihood_ratio,
    "negative_likelihood_ratio": _negative_likelihood_ratio,
    "roc_auc": _roc_auc,
    "mean_score": _mean_score(_EVERYONE),
    "calibration_ratio": _calibration_ratio,
    "calibration_in_the_large": _calibration_in_the_large,
    "brier_score": _brier_score,
    "coefficient_of_discrimination": _discrimination,
    "generalized_true_positive_rate": _mean_score((POSITIVE,)),
    "generalized_false_positive_rate": _mean_score((NEGATIVE,)),
    **{name: _of_inequality(name) for name in ("generalized_entropy_index", "theil_index", "mean_log_deviation", "coefficient_of_variation")},
}
_PAIRS: dict[str, Callable[[Counts, Ints, Ints], Bounds]] = {
    "average_odds_difference": _average_odds,
    "average_absolute_odds_difference": _average_absolute_odds,
    "equalized_odds_difference": _equalized_odds,
    "average_predictive_value_difference": _average_predictive_value,
}


_DELTA = "delta method over the four counts, on the logarithm's scale"
_SAID = {
    "balanced_accuracy": "MOVER, from the Wilson intervals of both rates (Zou & Donner 2008)",
    "informedness": "Newcombe's hybrid score on TPR and FPR (Newcombe 1998)",
    "positive_likelihood_ratio": "MOVER-R (Donner & Zou 2012)",
    "negative_likelihood_ratio": "MOVER-R (Donner & Zou 2012)",
    "f1": "Wilson's of tp / (tp + fp + fn), transformed",
    "matthews_correlation": "delta method over the four counts, on Fisher's scale",
    "roc_auc": "DeLong's error on the logit scale (DeLong 1988; Pepe 2003)",
    "calibration_ratio": "Student's, of a ratio of means on the logarithm's scale",
    "coefficient_of_discrimination": "MOVER, from the Student intervals of both means",
    **{name: _DELTA for name in ("generalized_entropy_index", "theil_index", "mean_log_deviation", "coefficient_of_variation")},
    "average_odds_difference": "MOVER over four Wilson intervals",
    "average_predictive_value_difference": "MOVER over four Wilson intervals",
    "average_absolute_odds_difference": "MOVER over two Newcombe intervals, folded at 0",
    "equalized_odds_difference": "the larger ends of two Newcombe intervals, folded at 0",
}


def method_of(metric: Metric) -> str:
    """How a metric's 95 % interval is made, in words; by effective rows where there are weights."""
    if metric.shape is Shape.COUNT:
        return "none: a count is no estimate"
    if metric.shape is Shape.RATE:
        return "Wilson's score (Wilson 1927); a difference has Newcombe's, a ratio MOVER-R"
    return _SAID.get(metric.id, "Student's, from the moments of the scores")
