"""Every metric of every slice with its interval: which method goes with which metric."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fairaudit.cube.counts import NEGATIVE, POSITIVE, Counts
from fairaudit.evidence import calibration, distances, rates, scores
from fairaudit.evidence.cell_errors import error_of, pair_error, widened
from fairaudit.evidence.design_effects import as_independent, of_metric, of_pair
from fairaudit.evidence.inequality import of_inequality
from fairaudit.evidence.intervals import Bounds, Estimate, mover_r, newcombe
from fairaudit.evidence.rates import EVERY_LABEL, rate
from fairaudit.metrics.catalogue import Metric, Shape
from fairaudit.metrics.engines.cells import remembered
from fairaudit.metrics.engines.interface import Kind
from fairaudit.metrics.engines.native import value_of
from fairaudit.types import Floats, Ints


def estimate(metric: Metric, counts: Counts, params: dict[str, float] | None = None) -> Estimate | None:
    """A metric of every slice with its 95 % interval, shape (slices,); NaN where undefined.

    Returns:
        None for counts, which are no estimates, for what compares two groups by nature, for the mean log deviation, which has no upper end, and for what describes chance.
    """
    found, error = _estimate(counts, metric, tuple((params or {}).items())), error_of(metric, counts)
    if found is None or error is None:
        return found
    return Estimate(found.value, *(np.clip(end, *metric.bounds) for end in widened((found.lower, found.upper), error)))


def has_interval(metric: Metric) -> bool:
    """Whether `estimate` has one for slices of enough rows."""
    return metric.shape is Shape.RATE or metric.id in _METHODS


@remembered
def _estimate(counts: Counts, metric: Metric, given: tuple[tuple[str, float], ...]) -> Estimate | None:
    if metric.shape is Shape.RATE:
        return rate(metric, counts)
    if metric.id not in _METHODS:
        return None
    return estimate_with(metric, counts, dict(given), None if counts.clusters is None else of_metric(metric, counts, dict(given)))


def estimate_with(metric: Metric, counts: Counts, params: dict[str, float], effect: Floats | None) -> Estimate | None:
    """As `estimate`, where rows say less by this design effect, shape (slices,); where it is NaN there is no interval, and None where rows are independent."""
    known = counts if effect is None else as_independent(counts, effect)
    if metric.shape is Shape.RATE:
        found = rate(metric, known)
        return found if effect is None else Estimate(found.value, *(np.where(np.isnan(effect), np.nan, end) for end in (found.lower, found.upper)))
    method = _METHODS.get(metric.id)
    if method is None:
        return None
    value = value_of(metric.id, counts, params)
    has = np.isfinite(value) if effect is None else np.isfinite(value) & np.isfinite(effect)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        beside = _BESIDE_EVERYONE.get(metric.id)
        bounds = method(known, value, params) if effect is None or beside is None else beside(counts, effect)
        ends = (np.where(has, end, np.nan) for end in bounds)
    return Estimate(value, *(np.clip(end, *metric.bounds) for end in ends))


def pair_bounds(metric: Metric, kind: Kind, counts: Counts, groups: Ints, references: Ints) -> Bounds | None:
    """The 95 % interval of each group against its reference; slices are independent. Shape (groups,)."""
    error = pair_error(metric, kind, counts, groups, references)
    if metric.shape is Shape.PAIR:
        lower, upper = widened(_of_pair(metric, counts, groups, references), error)
        return np.clip(lower, *metric.bounds), np.clip(upper, *metric.bounds)
    found = _estimate(counts, metric, ())
    if found is None:
        return None
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        lower, upper = widened((mover_r if kind is Kind.RATIO else newcombe)(found.at(groups), found.at(references)), error)
        least, most = metric.bounds
        return (np.maximum(lower, 0.0), upper) if kind is Kind.RATIO else (np.maximum(lower, least - most), np.minimum(upper, most - least))


def _of_pair(metric: Metric, counts: Counts, groups: Ints, references: Ints) -> Bounds:
    effect = None if counts.clusters is None else of_pair(metric.id, counts, groups, references)
    if effect is None:
        return _PAIRS[metric.id](counts, groups, references)
    known = np.isfinite(effect[groups]) & np.isfinite(effect[references])
    lower, upper = _PAIRS[metric.id](as_independent(counts, effect), groups, references)
    return np.where(known, lower, np.nan), np.where(known, upper, np.nan)


_METHODS: dict[str, Callable[[Counts, Floats, dict[str, float]], Bounds]] = {
    "balanced_accuracy": rates.balanced_accuracy,
    "f1": rates.f1,
    "matthews_correlation": rates.matthews,
    "informedness": rates.informedness,
    "positive_likelihood_ratio": rates.positive_likelihood_ratio,
    "negative_likelihood_ratio": rates.negative_likelihood_ratio,
    "roc_auc": scores.roc_auc,
    "pr_auc": scores.average_precision,
    "pr_auc_interpolated": scores.interpolated_precision,
    "bpsn_auc": scores.crossed_auc(NEGATIVE),
    "bnsp_auc": scores.crossed_auc(POSITIVE),
    "ks_separation": distances.ks_separation,
    "log_loss": scores.log_loss,
    "scoring_rate": scores.scoring_rate,
    "demographic_disparity": rates.demographic_disparity,
    "mean_score": scores.mean_score(EVERY_LABEL),
    "calibration_ratio": scores.calibration_ratio,
    "expected_calibration_error": calibration.expected_error,
    "maximum_calibration_error": calibration.maximum_error,
    "root_mean_square_calibration_error": calibration.root_mean_square_error,
    "calibration_in_the_large": scores.calibration_in_the_large,
    "brier_score": scores.brier_score,
    "coefficient_of_discrimination": scores.discrimination,
    "generalized_true_positive_rate": scores.mean_score((POSITIVE,)),
    "generalized_false_positive_rate": scores.mean_score((NEGATIVE,)),
    **{name: of_inequality(name) for name in ("generalized_entropy_index", "theil_index", "coefficient_of_variation")},
}
_BESIDE_EVERYONE: dict[str, Callable[[Counts, Floats], Bounds]] = {  # in which a slice's design effect is that of everyone's rows too
    "demographic_disparity": rates.disparity_with,
    "bpsn_auc": scores.crossed_auc_with(NEGATIVE),
    "bnsp_auc": scores.crossed_auc_with(POSITIVE),
}
_PAIRS: dict[str, Callable[[Counts, Ints, Ints], Bounds]] = {
    "average_odds_difference": rates.average_odds,
    "average_absolute_odds_difference": rates.average_absolute_odds,
    "equalized_odds_difference": rates.equalized_odds,
    "average_predictive_value_difference": rates.average_predictive_value,
    "kolmogorov_smirnov_distance": distances.kolmogorov_smirnov,
}


_CHANCE = "calibration_error_by_chance"
_CALIBRATION = f"every true error that a test would not reject, from the bins' normal errors; it begins at 0 where chance may explain the value, whose size {_CHANCE} tells"
_DISTANCE = "every true distance that a test would not reject, by a Brownian bridge on a roof (Siegmund 1986); without a distance the test is Smirnov's (1939)"
_PROFILE = "profile likelihood of the three benefits (Venzon & Moolgavkar 1988)"
_BETWEEN = "analysis of variance: every noncentrality that a test would not reject (Scheffé 1959)"
WITHIN_A_CONTROL = "conditional_difference, group − reference within its values (--control COL); its interval is Newcombe's, of as many rows as the strata's rates together are worth"
"""What an audit with a control has of each rate besides."""
_SAID = {
    "balanced_accuracy": "MOVER, from the Wilson intervals of both rates (Zou & Donner 2008)",
    "informedness": "Newcombe's hybrid score on TPR and FPR (Newcombe 1998)",
    "positive_likelihood_ratio": "MOVER-R (Donner & Zou 2012)",
    "negative_likelihood_ratio": "MOVER-R (Donner & Zou 2012)",
    "f1": "Wilson's of tp / (tp + fp + fn), transformed",
    "matthews_correlation": "delta method over the four counts, half a row added to each, on Fisher's scale",
    **{name: "DeLong's error on the logit scale (DeLong 1988; Pepe 2003)" for name in ("roc_auc", "bpsn_auc", "bnsp_auc")},
    "scoring_rate": "Wilson's score (Wilson 1927), the median taken as it is; a ratio has MOVER-R",
    "pr_auc": "by its influence function, on the logit scale (Boyd, Eng & Page 2013)",
    "pr_auc_interpolated": "by its influence function or average precision's, whichever is wider, on the logit scale (Boyd, Eng & Page 2013)",
    **{name: _DISTANCE for name in ("ks_separation", "kolmogorov_smirnov_distance")},
    **{name: _CALIBRATION for name in ("expected_calibration_error", "root_mean_square_calibration_error")},
    "maximum_calibration_error": "every true error that a test of the largest gap, in standard errors, would not reject (Chernozhukov, Lee & Rosen 2013), over bins that hold rows, by their binomial errors",
    _CHANCE: "none: it describes chance",
    **{name: "Student's, from the moments of the scores; none with fewer than 5 rows of a label" for name in ("brier_score", "calibration_in_the_large", "log_loss")},
    "demographic_disparity": "Newcombe's hybrid score on two shares (Newcombe 1998)",
    "calibration_ratio": "Student's, of a ratio of means on the logarithm's scale; none with fewer than 5 rows of a label",
    "coefficient_of_discrimination": "MOVER, from the Student intervals of both means",
    **{name: _PROFILE for name in ("generalized_entropy_index", "theil_index", "coefficient_of_variation")},
    "equalized_odds_gap": "the larger ends of two gaps' simultaneous intervals (Tukey's level)",
    "equalized_odds_ratio": "the smaller ends of two ratios' simultaneous intervals (Tukey's level)",
    **{name: _BETWEEN for name in ("between_group_generalized_entropy_index", "between_group_theil_index", "between_group_coefficient_of_variation")},
    "within_group_generalized_entropy_index": "by its influence function, on the logarithm's scale",
    "differential_fairness": "the widest ends of all pairs' ratios, MOVER-R at Tukey's level",
    "differential_fairness_amplification": "MOVER, as if decisions and labels were independent: too wide where they go together",
    "mean_demographic_disparity": "delta method over the groups' selected and rejected",
    "score_histogram": "Wilson's score of each bin's share positive (Wilson 1927), each bin by itself",
    "consistency": "Student's, from how far ten parts of the sample differ (Politis & Romano 1994), and ten orders of it where many rows are equally near; none below 200 rows",
    "mantel_haenszel_odds_ratio": "Robins, Breslow & Greenland 1986, of its logarithm",
    "mantel_haenszel_risk_ratio": "Greenland & Robins 1985, of its logarithm",
    "mantel_haenszel_risk_difference": "the wider of Sato's (1989) and MOVER's (Zou & Donner 2008)",
    "standardized_selection_rate": "Wilson's, of as many rows as the strata's rates together are worth, and the strata's shares by MOVER (Zou & Donner 2008)",
    "conditional_demographic_disparity": "MOVER of both shares' Wilson intervals, of as many rows as the strata together are worth, and of the strata's weights (Zou & Donner 2008)",
    "cochran_mantel_haenszel_statistic": "none: it is a test, with its p-value",
    "breslow_day_statistic": "none: it is a test, with its p-value where four fifths of the expected cells are 5 or more",
    "representation_ratio": "Wilson's score of the share of rows (Wilson 1927), over the population's share",
    "mean_log_deviation": "none: a single false negative that was not seen makes it infinite",
    "average_odds_difference": "MOVER over four Wilson intervals",
    "average_predictive_value_difference": "MOVER over four Wilson intervals",
    "average_absolute_odds_difference": "the larger of two contrasts by MOVER, folded at 0",
    "equalized_odds_difference": "the larger ends of two Newcombe intervals, folded at 0",
}


def method_of(metric: Metric) -> str:
    """How a metric's 95 % interval is made, in words; by effective rows where there are weights or clusters."""
    if metric.shape is Shape.COUNT:
        return "none: a count is no estimate"
    if metric.shape is Shape.RATE:
        return "Wilson's score (Wilson 1927); a difference has Newcombe's, a ratio MOVER-R"
    return _SAID.get(metric.id, "Student's, from the moments of the scores")
