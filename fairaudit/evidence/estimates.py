"""Every metric of every slice with its interval: which method goes with which metric, and what is no proportion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import NormalDist

import numpy as np
from scipy.special import stdtrit, xlogy  # type: ignore[import-untyped]

from fairaudit.cube.counts import NEGATIVE, POSITIVE, UNLABELLED, Counts
from fairaudit.cube.slices import EVERYONE
from fairaudit.evidence.intervals import Bounds, Estimate, effective_size, mover, mover_mean, mover_r, newcombe, proportion, wilson
from fairaudit.metrics.catalogue import CATALOGUE, FN, FP, TN, TP, Cell, Metric, Shape, total
from fairaudit.metrics.engines import cells as of_cells
from fairaudit.metrics.engines.cells import divided, placements, remembered
from fairaudit.metrics.engines.interface import Kind
from fairaudit.metrics.engines.native import value_of
from fairaudit.types import Floats, Ints

LEVEL = 0.95
_Z = NormalDist().inv_cdf((1 + LEVEL) / 2)
_STEP = 1e-6  # of the slice's weight, in a difference quotient


def estimate(metric: Metric, counts: Counts, params: dict[str, float] | None = None) -> Estimate | None:
    """A metric of every slice with its 95 % interval, shape (slices,); NaN where undefined.

    Returns:
        None for counts, which are no estimates, for what compares two groups by nature, and for the mean log deviation, which has no upper end, and calibration errors,
        which are too high on few rows.
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


def rate(metric: Metric, counts: Counts, *, level: float = LEVEL) -> Estimate:
    """A rate of every slice with its Wilson interval, on effective sizes where rows carry weights; shape (slices,)."""
    return _share(counts, metric.numerator, metric.denominator, level=level)


def pair_bounds(metric: Metric, kind: Kind, counts: Counts, groups: Ints, references: Ints) -> Bounds | None:
    """The 95 % interval of each group against its reference; slices are independent. Shape (groups,)."""
    if metric.shape is Shape.PAIR:
        return _PAIRS[metric.id](counts, groups, references)
    found = estimate(metric, counts)
    if found is None:
        return None
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return (mover_r if kind is Kind.RATIO else newcombe)(found.at(groups), found.at(references))


def _share(counts: Counts, numerator: tuple[Cell, ...], denominator: tuple[Cell, ...], *, level: float = LEVEL) -> Estimate:
    weight, weight_sq = total(counts.weight, denominator), total(counts.weight_sq, denominator)
    size = effective_size(weight, weight_sq) if counts.has_weights else weight
    share = divided(total(counts.weight, numerator), weight)
    return proportion(np.where(np.isnan(share), 0.0, share) * size, size, level=level)


def _rate_of(counts: Counts, name: str, *, level: float = LEVEL) -> Estimate:
    return rate(CATALOGUE[name], counts, level=level)


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
    """On Fisher's scale, artanh, as other correlations; the error by a table with half a row more in each cell, since of an empty cell none could be had."""
    unit = divided(_sum(counts.weight_sq, _LABELLED), _sum(counts.weight, _LABELLED))[:, None, None]  # a row's weight
    fuller = replace(counts, weight=counts.weight + unit / 2, weight_sq=counts.weight_sq + unit**2 / 2)
    reach = _Z * _standard_error("matthews_correlation", fuller, params) / (1 - value_of("matthews_correlation", fuller) ** 2)
    certain = np.abs(value) >= 1
    return np.where(certain, np.nan, np.tanh(np.arctanh(value) - reach)), np.where(certain, np.nan, np.tanh(np.arctanh(value) + reach))


def _of_inequality(metric: str) -> Callable[[Counts, Floats, dict[str, float]], Bounds]:
    """All values that the index takes where the likelihood of the three benefits is within 1.92 of its largest: its profile likelihood interval.

    It needs no slope, which is 0 where an index is as large as it can be, and no counts above 0.

    Source: Venzon & Moolgavkar (1988), Applied Statistics 37:87; the likelihood of shares on the effective number of rows.
    """

    def bounds(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
        likely = _likely_benefits(counts)
        taken = value_of(metric, likely, params).reshape(-1, len(counts.slices))
        return np.fmin.reduce(taken), np.fmax.reduce(taken)

    return bounds


_DIRECTIONS, _DEPTHS, _HALVINGS = 32, 4, 30
_LIKELY = _Z**2  # of twice the logarithm of the likelihood's ratio


@remembered
def _likely_benefits(counts: Counts) -> Counts:
    """Every slice many times over, with the shares of benefit 0, 1 and 2 that its data make likely: along rays from those observed to the region's edge.

    Along a ray the likelihood only falls, so the edge is found by halving. Arrays have the shape (rays, slices).
    """
    size = np.maximum(_size(counts, _LABELLED), 1.0)
    labelled = np.maximum(total(counts.weight, (TP, FP, FN, TN)), np.finfo(float).tiny)
    none, both = counts.fn / labelled, counts.fp / labelled
    one = np.maximum(1 - none - both, 0.0)

    def spent(no: Floats, two: Floats) -> Floats:
        parts = (xlogy(share, share) - xlogy(share, np.maximum(other, 1e-300)) for share, other in ((none, no), (one, 1 - no - two), (both, two)))
        out: Floats = 2 * size * sum(parts, np.zeros_like(no))
        return out

    angle = (2 * np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS)[:, None]
    steps = [turn(angle) * np.sqrt((share + 1 / size) * (1 - share + 1 / size) / size) for turn, share in ((np.cos, none), (np.sin, both))]
    rooms = [np.where(step < 0, share / np.maximum(-step, 1e-300), np.inf) for share, step in ((none, steps[0]), (both, steps[1]), (one, -steps[0] - steps[1]))]
    outside = np.minimum.reduce(rooms)
    outside = np.where(np.isfinite(outside), outside, 0.0)
    inside = np.zeros_like(outside)
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        is_likely = spent(none + middle * steps[0], both + middle * steps[1]) <= _LIKELY
        inside, outside = np.where(is_likely, middle, inside), np.where(is_likely, outside, middle)
    depths = np.arange(1, _DEPTHS + 1)[:, None, None] / _DEPTHS * inside
    shares = [np.concatenate([share[None], np.clip(share + depths * step, 0.0, 1.0).reshape(-1, share.size)]) for share, step in ((none, steps[0]), (both, steps[1]))]
    weight = np.zeros((shares[0].size, 3, 2))
    for cell, share in ((FN, shares[0]), (FP, shares[1]), (TP, np.maximum(1 - shares[0] - shares[1], 0.0))):
        weight[:, *cell] = share.ravel()
    return replace(counts, slices=counts.slices * shares[0].shape[0], weight=weight)


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

    Source: DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44:837; the scale: Pepe (2003), section 5.2; degrees of freedom: Welch (1947), Biometrika 34:28.
    """
    found = placements(counts)
    owner, sizes, parts = found.ranges.slice, [], []
    for label in (POSITIVE, NEGATIVE):
        size = _size(counts, (label,))
        spread = np.bincount(owner, found.ranges.weight[label] * (found.placement[label] - value[owner]) ** 2, len(counts.slices))
        parts.append(spread / _sum(counts.weight, (label,)) / (size - 1))
        sizes.append(size)
    return _auc_bounds(value, parts, sizes)


def _auc_bounds(value: Floats, parts: Sequence[Floats], sizes: Sequence[Floats]) -> Bounds:
    """On the logit scale, by Student's point with Welch's degrees of freedom: the spread of few positives is itself uncertain."""
    variance = parts[0] + parts[1]
    freedom = variance**2 / sum(part**2 / (size - 1) for part, size in zip(parts, sizes, strict=True))
    reach = _t(freedom + 1) * np.sqrt(variance) / (value * (1 - value))
    logit = np.log(value / (1 - value))
    least = np.minimum(*sizes)
    flat = wilson(value * least, least, level=LEVEL)
    certain = (value <= 0) | (value >= 1)
    return np.where(certain, flat[0], 1 / (1 + np.exp(reach - logit))), np.where(certain, flat[1], 1 / (1 + np.exp(-reach - logit)))


def _crossed_auc(label: int) -> Callable[[Counts, Floats, dict[str, float]], Bounds]:
    def bounds(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
        found = of_cells.crossed_auc(counts, label)
        return _auc_bounds(value, found.parts, found.sizes)

    return bounds


def _average_precision(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    """By its influence function, on the logit scale; where it is 1, Wilson's for the positives.

    Source of the scale: Boyd, Eng & Page (2013), ECML PKDD.
    """
    size = _size(counts, (POSITIVE,))
    reach = _t(size) * np.sqrt(of_cells.average_precision(counts).variance) / (value * (1 - value))
    logit, flat = np.log(value / (1 - value)), wilson(value * size, size, level=LEVEL)
    return np.where(value >= 1, flat[0], 1 / (1 + np.exp(reach - logit))), np.where(value >= 1, flat[1], 1 / (1 + np.exp(-reach - logit)))


def _log_loss(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    return _mean_bounds(value, of_cells.mean_log_loss(counts)[1], _size(counts, _LABELLED))


def _ks_separation(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    return _ks_bounds(value, of_cells.separation(counts)[1])


def _ks_bounds(value: Floats, rarity: Floats) -> Bounds:
    """As far as the test's critical distance reaches: never too narrow, for any distance.

    Source: Smirnov (1939); the asymptotic critical value √(−½ ln(α/2) (1/n + 1/m)).
    """
    reach = np.sqrt(-0.5 * np.log((1 - LEVEL) / 2) * rarity)
    return np.maximum(value - reach, 0.0), np.minimum(value + reach, 1.0)


def _demographic_disparity(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    """A difference of two shares, of those rejected and of those selected, who are different people."""
    if EVERYONE not in counts.slices:
        return np.full_like(value, np.nan), np.full_like(value, np.nan)
    parts, place = [], counts.index(EVERYONE)
    for decision in (0, 1):
        weight, square = (sums[:, :, decision].sum(axis=1) for sums in (counts.weight, counts.weight_sq))
        size = np.full_like(weight, effective_size(weight, square)[place] if counts.has_weights else weight[place])
        parts.append(proportion(divided(weight, np.full_like(weight, weight[place])) * size, size, level=LEVEL))
    return newcombe(*parts)


# --- Two groups by nature


def _kolmogorov_smirnov(counts: Counts, groups: Ints, references: Ints) -> Bounds:
    return _ks_bounds(*of_cells.kolmogorov_smirnov(counts, groups, references))


def _average_odds(counts: Counts, groups: Ints, references: Ints) -> Bounds:
    return _average("false_positive_rate", "true_positive_rate", counts, groups, references)


def _average_predictive_value(counts: Counts, groups: Ints, references: Ints) -> Bounds:
    return _average("positive_predictive_value", "false_omission_rate", counts, groups, references)


def _average(one: str, other: str, counts: Counts, groups: Ints, references: Ints) -> Bounds:
    """Of ½ [(a_g − a_r) + (b_g − b_r)]: four independent rates, since each has rows of its own."""
    parts = [(sign / 2, _rate_of(counts, name).at(places)) for name in (one, other) for sign, places in ((1, groups), (-1, references))]
    return mover(parts)


_OF_TWO = 0.97
"""The level of each of two contrasts of which the larger is taken: both hold 94 % of the time where both are 0, and 97 % where one is far larger."""


def _larger(one: Bounds, other: Bounds) -> Bounds:
    """The larger size of two quantities, whatever their signs."""
    folded = [(np.maximum(np.maximum(lower, -upper), 0.0), np.maximum(-lower, upper)) for lower, upper in (one, other)]
    return np.maximum(folded[0][0], folded[1][0]), np.maximum(folded[0][1], folded[1][1])


def _average_absolute_odds(counts: Counts, groups: Ints, references: Ints) -> Bounds:
    """|a| + |b| is the larger of |a + b| and |a − b|."""
    rates = [_rate_of(counts, name, level=_OF_TWO) for name in ("true_positive_rate", "false_positive_rate")]
    contrasts = [
        mover([(sign * side / 2, found.at(places)) for found, sign in zip(rates, signs, strict=True) for side, places in ((1, groups), (-1, references))])
        for signs in ((1, 1), (1, -1))
    ]
    return _larger(contrasts[0], contrasts[1])


def _equalized_odds(counts: Counts, groups: Ints, references: Ints) -> Bounds:
    found = [_rate_of(counts, name, level=_OF_TWO) for name in ("true_positive_rate", "false_positive_rate")]
    return _larger(*(newcombe(one.at(groups), one.at(references)) for one in found))


_METHODS: dict[str, Callable[[Counts, Floats, dict[str, float]], Bounds]] = {
    "balanced_accuracy": _balanced_accuracy,
    "f1": _f1,
    "matthews_correlation": _matthews,
    "informedness": _informedness,
    "positive_likelihood_ratio": _positive_likelihood_ratio,
    "negative_likelihood_ratio": _negative_likelihood_ratio,
    "roc_auc": _roc_auc,
    "pr_auc": _average_precision,
    "bpsn_auc": _crossed_auc(NEGATIVE),
    "bnsp_auc": _crossed_auc(POSITIVE),
    "ks_separation": _ks_separation,
    "log_loss": _log_loss,
    "demographic_disparity": _demographic_disparity,
    "mean_score": _mean_score(_EVERYONE),
    "calibration_ratio": _calibration_ratio,
    "calibration_in_the_large": _calibration_in_the_large,
    "brier_score": _brier_score,
    "coefficient_of_discrimination": _discrimination,
    "generalized_true_positive_rate": _mean_score((POSITIVE,)),
    "generalized_false_positive_rate": _mean_score((NEGATIVE,)),
    **{name: _of_inequality(name) for name in ("generalized_entropy_index", "theil_index", "coefficient_of_variation")},
}
_PAIRS: dict[str, Callable[[Counts, Ints, Ints], Bounds]] = {
    "average_odds_difference": _average_odds,
    "average_absolute_odds_difference": _average_absolute_odds,
    "equalized_odds_difference": _equalized_odds,
    "average_predictive_value_difference": _average_predictive_value,
    "kolmogorov_smirnov_distance": _kolmogorov_smirnov,
}


_CHANCE = "calibration_error_by_chance"
_PROFILE = "profile likelihood of the three benefits (Venzon & Moolgavkar 1988)"
_SAID = {
    "balanced_accuracy": "MOVER, from the Wilson intervals of both rates (Zou & Donner 2008)",
    "informedness": "Newcombe's hybrid score on TPR and FPR (Newcombe 1998)",
    "positive_likelihood_ratio": "MOVER-R (Donner & Zou 2012)",
    "negative_likelihood_ratio": "MOVER-R (Donner & Zou 2012)",
    "f1": "Wilson's of tp / (tp + fp + fn), transformed",
    "matthews_correlation": "delta method over the four counts, half a row added to each, on Fisher's scale",
    **{name: "DeLong's error on the logit scale (DeLong 1988; Pepe 2003)" for name in ("roc_auc", "bpsn_auc", "bnsp_auc")},
    "pr_auc": "by its influence function, on the logit scale (Boyd, Eng & Page 2013)",
    "ks_separation": "the test's critical distance on both sides (Smirnov 1939): never too narrow",
    "kolmogorov_smirnov_distance": "the test's critical distance on both sides (Smirnov 1939): never too narrow",
    **{name: f"none: it is too high on few rows, whatever its true value; read it against {_CHANCE}" for name in ("expected_calibration_error", "maximum_calibration_error", "root_mean_square_calibration_error")},
    _CHANCE: "none: it describes chance",
    "demographic_disparity": "Newcombe's hybrid score on two shares (Newcombe 1998)",
    "calibration_ratio": "Student's, of a ratio of means on the logarithm's scale",
    "coefficient_of_discrimination": "MOVER, from the Student intervals of both means",
    **{name: _PROFILE for name in ("generalized_entropy_index", "theil_index", "coefficient_of_variation")},
    "mean_log_deviation": "none: a single false negative that was not seen makes it infinite",
    "average_odds_difference": "MOVER over four Wilson intervals",
    "average_predictive_value_difference": "MOVER over four Wilson intervals",
    "average_absolute_odds_difference": "the larger of two contrasts by MOVER, folded at 0",
    "equalized_odds_difference": "the larger ends of two Newcombe intervals, folded at 0",
}


def method_of(metric: Metric) -> str:
    """How a metric's 95 % interval is made, in words; by effective rows where there are weights."""
    if metric.shape is Shape.COUNT:
        return "none: a count is no estimate"
    if metric.shape is Shape.RATE:
        return "Wilson's score (Wilson 1927); a difference has Newcombe's, a ratio MOVER-R"
    return _SAID.get(metric.id, "Student's, from the moments of the scores")
