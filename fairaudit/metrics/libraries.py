"""What TFMA and AIF360 call each metric, and where the same name means another number. Facts of the versions that the lock names; the engines' own tables compute."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """A metric in the libraries' words; empty where a library has no such thing."""

    tfma: str = ""
    aif360: str = ""
    differs: tuple[str, ...] = ()  # what a user of either must know


_FI = "FairnessIndicators"
_ZERO = "AIF360 answers 0 where nobody is in the denominator, so that its predictive values and their complements do not add up to 1; here that is undefined."
_FROM_ACCURACY = "AIF360 computes 1 − accuracy, so an empty group has an error rate of 1 there; it is not asked for ratios of rates below one in a million."
_OF_TWO = "AIF360's between_group form knows two groups and gives rows of neither a benefit of 0; its between_all_groups form is the one asked."
_UNWEIGHTED = "AIF360 ignores instance weights here: it is asked on rows written out one by one, and not at all where the audit has weights."
_MATRIX_FILLS = "TFMA's proto ConfusionMatrixAtThresholds fills undefined rates with 0 or 1; its metric classes say NaN, which is what is read."

NAMES: dict[str, Names] = {
    "selection_rate": Names(tfma=f"{_FI} positive_rate; PredictedPositiveRate", aif360="ClassificationMetric.selection_rate", differs=(
        "Its difference is AIF360's statistical_parity_difference and its ratio disparate_impact, of ClassificationMetric: on a BinaryLabelDatasetMetric these compare the labels' base rates.",
        "Aequitas' Statistical Parity is the group's share of all who are selected, which depends on the group's size; its Impact Parity is this one.")),
    "negative_rate": Names(tfma=f"{_FI} negative_rate", differs=("AIF360 has no name for it; it is 1 − selection_rate.",)),
    "true_positive_rate": Names(tfma=f"{_FI} true_positive_rate, recall; Recall, TPR", aif360="ClassificationMetric.true_positive_rate, recall, sensitivity", differs=(
        "AIF360's power is the number of true positives, not a rate.", _MATRIX_FILLS, "scikit-learn, and with it Fairlearn, calls the rate of a group without positives 0; here it is undefined.")),
    "false_positive_rate": Names(tfma=f"{_FI} false_positive_rate; FallOut, FPR", aif360="ClassificationMetric.false_positive_rate", differs=(_MATRIX_FILLS,)),
    "true_negative_rate": Names(tfma=f"{_FI} true_negative_rate; Specificity, TNR", aif360="ClassificationMetric.true_negative_rate, specificity"),
    "false_negative_rate": Names(tfma=f"{_FI} false_negative_rate; MissRate, FNR", aif360="ClassificationMetric.false_negative_rate"),
    "positive_predictive_value": Names(tfma=f"{_FI} precision; Precision, PPV", aif360="ClassificationMetric.positive_predictive_value, precision", differs=(_ZERO, _MATRIX_FILLS)),
    "false_discovery_rate": Names(tfma=f"{_FI} false_discovery_rate; FalseDiscoveryRate", aif360="ClassificationMetric.false_discovery_rate", differs=(_ZERO,)),
    "negative_predictive_value": Names(tfma="NegativePredictiveValue, NPV", aif360="ClassificationMetric.negative_predictive_value", differs=(_ZERO, f"{_FI} has none.")),
    "false_omission_rate": Names(tfma=f"{_FI} false_omission_rate; FalseOmissionRate", aif360="ClassificationMetric.false_omission_rate", differs=(_ZERO,)),
    "accuracy": Names(tfma="BinaryAccuracy", aif360="ClassificationMetric.accuracy", differs=("AIF360 calls the accuracy of an empty group 0; here it is undefined.",)),
    "error_rate": Names(aif360="ClassificationMetric.error_rate", differs=(_FROM_ACCURACY,)),
    "base_rate": Names(tfma="Prevalence, MeanLabel", aif360="ClassificationMetric.base_rate", differs=(
        "On a BinaryLabelDatasetMetric of predictions AIF360's base_rate is the selection rate.", "Its mean_difference and disparate_impact of labels are this metric's difference and ratio.")),
    "balanced_accuracy": Names(tfma="BalancedAccuracy", differs=("AIF360 has none; its examples combine two rates by hand.",)),
    "f1": Names(tfma="F1Score", differs=("scikit-learn says 0 where nobody is positive, in truth or by decision; here that is undefined.",)),
    "matthews_correlation": Names(tfma="MatthewsCorrelationCoefficient", differs=("scikit-learn says 0 where all labels or all decisions are alike; here that is undefined.",)),
    "informedness": Names(tfma="Informedness"),
    "positive_likelihood_ratio": Names(tfma="PositiveLikelihoodRatio"),
    "negative_likelihood_ratio": Names(tfma="NegativeLikelihoodRatio"),
    "true_positives": Names(tfma="TruePositives, TP", aif360="ClassificationMetric.num_true_positives", differs=("AIF360's numbers are sums of weights, as here; the rows are told beside them.",)),
    "false_positives": Names(tfma="FalsePositives, FP", aif360="ClassificationMetric.num_false_positives"),
    "true_negatives": Names(tfma="TrueNegatives, TN", aif360="ClassificationMetric.num_true_negatives"),
    "false_negatives": Names(tfma="FalseNegatives, FN", aif360="ClassificationMetric.num_false_negatives"),
    "roc_auc": Names(tfma="AUC", differs=(
        "TFMA puts scores into 10,000 buckets of [0, 1] by default: what lies outside is clamped, and scores in one bucket tie. It is asked on the scores' ranks, a bucket each, which is exact to 9,999 distinct scores.",
        "TFMA says 0 where all labels are alike; here that is undefined.")),
    "pr_auc": Names(differs=(
        "This is scikit-learn's average precision. TFMA's AUCPrecisionRecall interpolates between thresholds (Davis & Goadrich) and gives another number, which is pr_auc_interpolated here: 0.797 for 0.833 of four rows.",
        "TFMA calls the curve of a slice of positives alone 1.0, and so is it here.")),
    "pr_auc_interpolated": Names(tfma="AUCPrecisionRecall", differs=(
        "TFMA is asked on the scores' ranks, as for AUC. scikit-learn's average_precision_score is pr_auc; its auc of the curve, by trapezoids, is neither: 0.792 of the four rows.",
        "TFMA says 0 where nobody is positive; here that is undefined. Where everybody is, both say 1.")),
    "bpsn_auc": Names(differs=("TFMA and AIF360 have none; what TFMA calls AUC of a slice compares within the slice.",)),
    "bnsp_auc": Names(differs=("TFMA and AIF360 have none; what TFMA calls AUC of a slice compares within the slice.",)),
    "ks_separation": Names(),
    "scoring_rate": Names(differs=("No library has it. Scores within one cell, a 3,840th of their range and less near 0 and 1, are not told apart at the median; the most that this can matter stands beside the value.",)),
    "kolmogorov_smirnov_distance": Names(differs=("As scipy's ks_2samp, with weights; scores within one cell, a 3,840th of their range and less near 0 and 1, are not told apart, and the most that this can matter stands beside the value.",)),
    "log_loss": Names(tfma="BinaryCrossEntropy(from_logits=False, label_smoothing=0)", differs=("scikit-learn moves scores of 0 and 1 inside; here, as in TFMA, a sure score that is wrong makes the loss infinite.",)),
    "expected_calibration_error": Names(differs=("TFMA's CalibrationPlot has the bins and no error.", "Ten bins of equal width unless --calibration-bins says otherwise, the same for all slices; the lower edge is in its bin. Bins of equal weight are cut at everyone's quantiles, where scores are told apart.", "Of the positive class' score; for two classes the error of the decided class' confidence (top label) is another number.")),
    "maximum_calibration_error": Names(),
    "root_mean_square_calibration_error": Names(),
    "calibration_error_by_chance": Names(),
    "score_histogram": Names(tfma="CalibrationPlot", differs=(
        "TFMA's CalibrationPlot has the same sums of weights, labels and scores in 1,000 buckets unless told otherwise, of labelled rows, one more for scores of exactly 1, and no intervals; here such a score is in the last bin.",
        "TFMA's ScoreDistributionPlot counts what is above each of its thresholds, and has no bins.")),
    "demographic_disparity": Names(differs=("aif360.sklearn's conditional_demographic_disparity conditions on nothing and averages this over the groups.",)),
    "mean_score": Names(tfma="MeanPrediction"),
    "calibration_ratio": Names(tfma="Calibration", differs=("A ratio of sums, as in TFMA: 1 is right on average, and says nothing of single scores.",)),
    "calibration_in_the_large": Names(),
    "brier_score": Names(tfma="MeanSquaredError", differs=("Brier's own score sums both classes and is twice this one.",)),
    "coefficient_of_discrimination": Names(tfma="CoefficientOfDiscrimination"),
    "generalized_true_positive_rate": Names(aif360="ClassificationMetric.generalized_true_positive_rate", differs=("AIF360 takes the dataset's scores for probabilities of the favourable label, whatever they are.",)),
    "generalized_false_positive_rate": Names(aif360="ClassificationMetric.generalized_false_positive_rate", differs=("AIF360 takes the dataset's scores for probabilities of the favourable label, whatever they are.",)),
    "average_odds_difference": Names(aif360="ClassificationMetric.average_odds_difference"),
    "average_absolute_odds_difference": Names(aif360="ClassificationMetric.average_abs_odds_difference"),
    "equalized_odds_difference": Names(aif360="ClassificationMetric.equalized_odds_difference", differs=(
        "AIF360 answers with the other rate's difference, or 0, where a rate is undefined; here the whole is undefined.",
        "Fairlearn's metric of this name is the larger of two gaps over all groups, perhaps of different pairs; this one is against a reference.")),
    "average_predictive_value_difference": Names(aif360="ClassificationMetric.average_predictive_value_difference", differs=(_ZERO,)),
    "generalized_entropy_index": Names(aif360="ClassificationMetric.generalized_entropy_index(alpha)", differs=(_UNWEIGHTED,)),
    "theil_index": Names(aif360="ClassificationMetric.theil_index", differs=(_UNWEIGHTED,)),
    "mean_log_deviation": Names(differs=("AIF360's generalized_entropy_index(alpha=0) divides by the mean benefit once too often, so it is not asked.",)),
    "coefficient_of_variation": Names(aif360="ClassificationMetric.coefficient_of_variation", differs=(_UNWEIGHTED,)),
    "equalized_odds_gap": Names(differs=("Fairlearn calls it equalized_odds_difference; AIF360's metric of that name compares two groups.",)),
    "equalized_odds_ratio": Names(differs=("Fairlearn's metric of this name; TFMA and AIF360 have none.",)),
    "between_group_generalized_entropy_index": Names(aif360="ClassificationMetric.between_all_groups_generalized_entropy_index(alpha)", differs=(_UNWEIGHTED, _OF_TWO)),
    "within_group_generalized_entropy_index": Names(differs=("AIF360 has none; it is the whole less its part between groups.",)),
    "between_group_theil_index": Names(aif360="ClassificationMetric.between_all_groups_theil_index", differs=(_UNWEIGHTED, _OF_TWO)),
    "between_group_coefficient_of_variation": Names(aif360="ClassificationMetric.between_all_groups_coefficient_of_variation", differs=(_UNWEIGHTED, _OF_TWO)),
    "differential_fairness": Names(aif360="BinaryLabelDatasetMetric.smoothed_empirical_differential_fairness(concentration)", differs=(
        "AIF360's is of the dataset's labels; here it is asked on a copy whose labels are the decisions.",
        "Groups of a missing value are left out here, and groups without rows in both. Published tables differ in concentration, merged categories and dropped rows.")),
    "differential_fairness_amplification": Names(aif360="ClassificationMetric.differential_fairness_bias_amplification(concentration)"),
    "mean_demographic_disparity": Names(aif360="aif360.sklearn.metrics.conditional_demographic_disparity", differs=(
        "AIF360 calls it conditional, yet it conditions on nothing: it is the average over the protected groups.",)),
    **{name: Names() for name in ("mantel_haenszel_odds_ratio", "mantel_haenszel_risk_ratio", "mantel_haenszel_risk_difference", "standardized_selection_rate")},
    "cochran_mantel_haenszel_statistic": Names(differs=("R's mantelhaen.test takes off a half by default; statsmodels does not, nor is it done here.",)),
    "breslow_day_statistic": Names(differs=("As statsmodels' test_equal_odds without adjustment.",)),
    "conditional_demographic_disparity": Names(differs=(
        "aif360.sklearn's function of this name conditions on nothing; it is mean_demographic_disparity here.",)),
    "consistency": Names(aif360="BinaryLabelDatasetMetric.consistency(n_neighbors)", differs=(
        "AIF360's is of a dataset's labels: it is asked on the decisions, of everyone, and takes its protected columns for features too; here the features are those that --feature names.",
        "Both ask scikit-learn's ball tree, so which of rows that are equally near are taken depends on their order; the audit says for how many rows it matters.")),
    "representation_ratio": Names(differs=("No library has it; a population's shares are in none of their data.",)),
}

DIFFERENCE = "A difference is group − reference, as AIF360's unprivileged − privileged; TFMA's cross-slice value is baseline − comparison, the other sign, and its relative change is the ratio − 1."
"""What holds for the comparisons of every metric."""
