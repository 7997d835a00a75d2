"""The formulas themselves, vectorised over slices; always there, imports no TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from fairaudit.cube.counts import NEGATIVE, POSITIVE, REJECTED, SELECTED, Counts
from fairaudit.cube.slices import EVERYONE
from fairaudit.metrics.catalogue import CATALOGUE, FN, FP, TN, TP, Shape, total
from fairaudit.metrics.engines import cells
from fairaudit.metrics.engines.cells import divided
from fairaudit.metrics.engines.interface import Kind, Quantity
from fairaudit.metrics.engines.median import above_median
from fairaudit.metrics.engines.over_groups import over_groups
from fairaudit.types import Bools, Floats, Ints

Params = dict[str, float]


class NativeEngine:
    name = "native"
    metrics = frozenset(one.id for one in CATALOGUE.values() if one.shape not in (Shape.CONDITIONAL, Shape.INDIVIDUAL, Shape.POPULATION))  # which rest on more than counts

    def __init__(self, *, seed: int = 0) -> None:
        """It computes everything, so it draws no sample."""

    def answers(self, quantity: Quantity, counts: Counts) -> Bools:
        return np.ones(quantity.size, dtype=bool)

    def measure(self, wanted: Sequence[Quantity], counts: Counts) -> tuple[Floats, ...]:
        return tuple(_measure(quantity, counts) for quantity in wanted)


def _measure(quantity: Quantity, counts: Counts) -> Floats:
    groups, references = np.array(quantity.groups, dtype=int), np.array(quantity.references, dtype=int)
    if quantity.slicings:
        return over_groups(quantity.metric, counts, quantity.slicings, dict(quantity.params))
    if CATALOGUE[quantity.metric].shape is Shape.PAIR:
        return _PAIRS[quantity.metric](counts, groups, references)
    values = value_of(quantity.metric, counts, dict(quantity.params))
    taken: Floats = values[groups]
    if quantity.kind is Kind.DIFFERENCE:
        with np.errstate(invalid="ignore"):  # infinite − infinite is undefined
            taken = values[groups] - values[references]
    if quantity.kind is Kind.RATIO:
        taken = divided(values[groups], values[references])
    return taken


def of_weights(weight: Floats) -> Counts:
    """Counts of decisions by label that are known for their weights alone, shape (tables, 3 labels, 2 decisions), for numbers that follow from these."""
    return Counts(slices=(), rows=np.zeros(weight.shape, dtype=np.int64), weight=weight, weight_sq=weight, score=None, score_sq=None, has_labels=True, has_weights=True, has_probabilities=False)


def value_of(metric: str, counts: Counts, params: Params | None = None) -> Floats:
    """A metric of every slice, shape (slices,); NaN where undefined."""
    entry = CATALOGUE[metric]
    if entry.shape is Shape.RATE:
        return divided(total(counts.weight, entry.numerator), total(counts.weight, entry.denominator))
    if entry.shape is Shape.COUNT:
        return total(counts.weight, entry.numerator)
    return _VALUES[metric](counts, params or {})


def _score_histogram(counts: Counts, params: Params) -> Floats:
    """One sum over the labelled rows of one bin: of weights, of labels or of scores, weighted."""
    found = cells.bins_of(counts, params)
    if found is None:
        return np.full(len(counts.slices), np.nan)
    return (found.weight, found.positive, found.score)[int(params["sum"])][:, int(params["bin"])]


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


def _log_loss(counts: Counts, _: Params) -> Floats:
    return cells.mean_log_loss(counts)[0]


def _average_precision(counts: Counts, _: Params) -> Floats:
    return cells.average_precision(counts).value


def _interpolated_precision(counts: Counts, _: Params) -> Floats:
    return cells.interpolated_precision(counts).value


def _scoring_rate(counts: Counts, _: Params) -> Floats:
    return above_median(counts).share


def _ks_separation(counts: Counts, _: Params) -> Floats:
    return cells.separation(counts).value


def _background_positive_subgroup_negative(counts: Counts, _: Params) -> Floats:
    return cells.crossed_auc(counts, NEGATIVE).value


def _background_negative_subgroup_positive(counts: Counts, _: Params) -> Floats:
    return cells.crossed_auc(counts, POSITIVE).value


def _miscalibration(counts: Counts, params: Params) -> tuple[Floats, Floats] | None:
    """|mean score − share positive| of each bin and the bin's share of the weight, shape (slices, bins); NaN and 0 in an empty bin."""
    found = cells.bins_of(counts, params)
    if found is None:
        return None
    share = divided(found.weight, found.weight.sum(axis=1, keepdims=True))
    return np.abs(divided(found.score - found.positive, found.weight)), share


def _expected_calibration_error(counts: Counts, params: Params) -> Floats:
    return _over_bins(counts, params, lambda gap, share: np.nansum(share * gap, axis=1))


def _maximum_calibration_error(counts: Counts, params: Params) -> Floats:
    return _over_bins(counts, params, lambda gap, share: np.where(np.isnan(gap), 0.0, gap).max(axis=1))


def _root_mean_square_calibration_error(counts: Counts, params: Params) -> Floats:
    return _over_bins(counts, params, lambda gap, share: np.sqrt(np.nansum(share * gap**2, axis=1)))


def _over_bins(counts: Counts, params: Params, taken: Callable[[Floats, Floats], Floats]) -> Floats:
    found = _miscalibration(counts, params)
    labelled = total(counts.weight, (TP, FP, FN, TN)) > 0
    return np.full(len(counts.slices), np.nan) if found is None else np.where(labelled, taken(*found), np.nan)


def _calibration_error_by_chance(counts: Counts, params: Params) -> Floats:
    """The mean of |x| is √(2/π) of a normal x's standard deviation."""
    found = cells.bins_of(counts, params)
    if found is None:
        return np.full(len(counts.slices), np.nan)
    return divided(np.sqrt(2 * found.noise / np.pi).sum(axis=1), found.weight.sum(axis=1))


def _demographic_disparity(counts: Counts, _: Params) -> Floats:
    """Source: Wachter, Mittelstadt & Russell (2021), Comput. Law Secur. Rev. 41:105567."""
    share, everyone = [counts.weight[:, :, decision].sum(axis=1) for decision in (REJECTED, SELECTED)], _everyone(counts)
    if everyone is None:
        return np.full(len(counts.slices), np.nan)
    of_rejected, of_selected = (divided(one, np.full_like(one, one[everyone])) for one in share)
    return np.where(np.arange(len(counts.slices)) == everyone, np.nan, of_rejected - of_selected)


def _everyone(counts: Counts) -> int | None:
    return counts.index(EVERYONE) if EVERYONE in counts.slices else None


def _roc_auc(counts: Counts, _: Params) -> Floats:
    """Mann–Whitney over score cells: positives above negatives, ties half.

    Source: Hanley & McNeil (1982), Radiology 143:29.
    """
    return cells.auc_and_error(counts)[0]


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
    "pr_auc": _average_precision,
    "pr_auc_interpolated": _interpolated_precision,
    "log_loss": _log_loss,
    "score_histogram": _score_histogram,
    "expected_calibration_error": _expected_calibration_error,
    "maximum_calibration_error": _maximum_calibration_error,
    "root_mean_square_calibration_error": _root_mean_square_calibration_error,
    "calibration_error_by_chance": _calibration_error_by_chance,
    "ks_separation": _ks_separation,
    "scoring_rate": _scoring_rate,
    "bpsn_auc": _background_positive_subgroup_negative,
    "bnsp_auc": _background_negative_subgroup_positive,
    "demographic_disparity": _demographic_disparity,
    "generalized_entropy_index": _generalized_entropy,
    "theil_index": _theil,
    "mean_log_deviation": _mean_log_deviation,
    "coefficient_of_variation": _coefficient_of_variation,
}
def _kolmogorov_smirnov(counts: Counts, groups: Ints, references: Ints) -> Floats:
    return cells.kolmogorov_smirnov(counts, groups, references).value


_PAIRS: dict[str, Callable[[Counts, Ints, Ints], Floats]] = {
    "average_odds_difference": _average_odds,
    "average_absolute_odds_difference": _average_absolute_odds,
    "equalized_odds_difference": _equalized_odds,
    "average_predictive_value_difference": _average_predictive_value,
    "kolmogorov_smirnov_distance": _kolmogorov_smirnov,
}
