"""The metric catalogue: one id, one formula, one meaning. Data; the engines compute.

A rate is written as two sets of confusion cells, so its counts, and with them its interval and its test, follow from the table.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from fairaudit.cube.counts import NEGATIVE, POSITIVE, REJECTED, SELECTED, UNLABELLED
from fairaudit.errors import UnknownName
from fairaudit.types import Bools, Floats


class Shape(StrEnum):
    """What a metric is made of."""

    RATE = "rate"  # one set of confusion cells over another
    COUNT = "count"
    COMPOSITE = "composite"  # a function of several rates
    SCORE = "score"
    DISTRIBUTION = "distribution"  # many numbers a slice, so it has no single value
    PAIR = "pair"  # compares two groups by nature
    INEQUALITY = "inequality"
    ACROSS = "across"  # one number over all groups of a slicing
    CONDITIONAL = "conditional"  # within the values of a control
    INDIVIDUAL = "individual"  # each row against those most like it
    POPULATION = "population"  # the rows against whom they should be of


class Better(StrEnum):
    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"  # neither good nor bad by itself: a selection rate follows the audit's effect


TP, FP, FN, TN = (POSITIVE, SELECTED), (NEGATIVE, SELECTED), (POSITIVE, REJECTED), (NEGATIVE, REJECTED)
SELECTED_UNLABELLED, REJECTED_UNLABELLED = (UNLABELLED, SELECTED), (UNLABELLED, REJECTED)
Cell = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One entry of the catalogue."""

    id: str
    title: str
    formula: str
    meaning: str  # one plain sentence for a reader of the report
    shape: Shape
    better: Better
    ideal: float | None
    bounds: tuple[float, float]  # range of the value
    undefined: str  # the reason to give when a value is undefined
    infinite: str = ""  # the reason to give when it is infinite, if it can be
    source: str
    numerator: tuple[Cell, ...] = ()  # of a rate or count
    denominator: tuple[Cell, ...] = ()  # of a rate
    needs_label: bool = True
    needs_score: bool = False
    needs_probability: bool = False
    compared: bool = True  # its differences and ratios are reported
    of_part: bool = False  # it sets a slice against everyone else, so everyone has none
    is_share: bool = False  # of rows: a percentage, and compared by its ratio as rates are
    difference_title: str = ""  # the classic name of its difference, if it has one
    ratio_title: str = ""
    aliases: tuple[str, ...] = field(default=())

    @property
    def of_slice(self) -> bool:
        """Whether a slice has a value by itself; else two groups have, or all of a slicing together, or a slice within a control, or single rows; a distribution has many."""
        return self.shape not in (Shape.DISTRIBUTION, Shape.PAIR, Shape.ACROSS, Shape.CONDITIONAL, Shape.INDIVIDUAL, Shape.POPULATION)


def mask(cells: tuple[Cell, ...]) -> Bools:
    """Which of the (label, decision) cells are meant, shape (3, 2)."""
    chosen = np.zeros((3, 2), dtype=bool)
    for cell in cells:
        chosen[cell] = True
    return chosen


def total(sums: Floats, cells: tuple[Cell, ...]) -> Floats:
    """Sum of a (slices, 3, 2) array over some of its cells, shape (slices,)."""
    out: Floats = sums[:, mask(cells)].sum(axis=1)
    return out


_ALL = (TP, FP, FN, TN)
_EVERYONE = (*_ALL, SELECTED_UNLABELLED, REJECTED_UNLABELLED)
_UNIT = (0.0, 1.0)
_ANY = (0.0, float("inf"))
_SIGNED = (-1.0, 1.0)
_LIKELIHOOD = "Powers 2011, J. Mach. Learn. Technol. 2:37"
_PLEISS = "Pleiss 2017, NeurIPS"
_NO_BENEFIT = "every row is a false negative, or there are no labelled rows"
_FAWCETT = "Fawcett 2006, Pattern Recognit. Lett. 27:861"


def _rate(id: str, title: str, numerator: tuple[Cell, ...], denominator: tuple[Cell, ...], formula: str, meaning: str, **more: object) -> Metric:
    reasons = {_EVERYONE: "no rows", _ALL: "no labelled rows", (TP, FN): "no positives", (FP, TN): "no negatives", (TP, FP): "nobody was selected", (TN, FN): "nobody was rejected"}
    given: dict[str, object] = {"better": Better.NEITHER, "ideal": None, "source": _FAWCETT} | more
    return Metric(
        id=id, title=title, formula=formula, meaning=meaning, shape=Shape.RATE, bounds=_UNIT, undefined=reasons[denominator],
        numerator=numerator, denominator=denominator, needs_label=denominator != _EVERYONE, **given,  # type: ignore[arg-type]
    )  # fmt: skip


def _count(id: str, title: str, cell: Cell, formula: str, meaning: str) -> Metric:
    return Metric(
        id=id, title=title, formula=formula, meaning=meaning, shape=Shape.COUNT, better=Better.NEITHER, ideal=None, bounds=_ANY,
        undefined="", numerator=(cell,), source=_FAWCETT, compared=False,
    )  # fmt: skip


def _conditional(id: str, title: str, formula: str, meaning: str, *, ideal: float | None, bounds: tuple[float, float], undefined: str, source: str) -> Metric:
    return Metric(
        id=id, title=title, formula=formula, meaning=meaning, shape=Shape.CONDITIONAL, better=Better.NEITHER, ideal=ideal, bounds=bounds, undefined=undefined,
        source=source, needs_label=False, compared=False,
    )  # fmt: skip


_UP: dict[str, object] = {"better": Better.HIGHER, "ideal": 1.0}
_DOWN: dict[str, object] = {"better": Better.LOWER, "ideal": 0.0}

_METRICS = (
    _rate("selection_rate", "Selection rate", (TP, FP, SELECTED_UNLABELLED), _EVERYONE, "(tp + fp) / all",
          "The share of the slice that got a positive decision.",
          difference_title="Statistical parity difference", ratio_title="Disparate impact", aliases=("positive_rate", "predicted_positive_rate")),
    _rate("negative_rate", "Rejection rate", (FN, TN, REJECTED_UNLABELLED), _EVERYONE, "(tn + fn) / all",
          "The share of the slice that got a negative decision."),
    _rate("true_positive_rate", "True positive rate", (TP,), (TP, FN), "tp / (tp + fn)",
          "Of those who are in truth positive, the share that was selected.",
          difference_title="Equal opportunity difference", aliases=("tpr", "recall", "sensitivity"), **_UP),
    _rate("false_positive_rate", "False positive rate", (FP,), (FP, TN), "fp / (fp + tn)",
          "Of those who are in truth negative, the share that was wrongly selected.",
          difference_title="Predictive equality difference", aliases=("fpr", "fall_out"), **_DOWN),
    _rate("true_negative_rate", "True negative rate", (TN,), (FP, TN), "tn / (fp + tn)",
          "Of those who are in truth negative, the share that was rightly not selected.", aliases=("tnr", "specificity"), **_UP),
    _rate("false_negative_rate", "False negative rate", (FN,), (TP, FN), "fn / (tp + fn)",
          "Of those who are in truth positive, the share that was missed.", aliases=("fnr", "miss_rate"), **_DOWN),
    _rate("positive_predictive_value", "Positive predictive value", (TP,), (TP, FP), "tp / (tp + fp)",
          "Of those selected, the share that is in truth positive.",
          difference_title="Predictive parity difference", aliases=("ppv", "precision"), **_UP),
    _rate("false_discovery_rate", "False discovery rate", (FP,), (TP, FP), "fp / (tp + fp)",
          "Of those selected, the share that is in truth negative.", aliases=("fdr",), **_DOWN),
    _rate("negative_predictive_value", "Negative predictive value", (TN,), (TN, FN), "tn / (tn + fn)",
          "Of those rejected, the share that is in truth negative.", aliases=("npv",), **_UP),
    _rate("false_omission_rate", "False omission rate", (FN,), (TN, FN), "fn / (tn + fn)",
          "Of those rejected, the share that is in truth positive.", aliases=("for",), **_DOWN),
    _rate("accuracy", "Accuracy", (TP, TN), _ALL, "(tp + tn) / labelled", "The share of decisions that agree with the label.", **_UP),
    _rate("error_rate", "Error rate", (FP, FN), _ALL, "(fp + fn) / labelled", "The share of decisions that disagree with the label.", **_DOWN),
    _rate("base_rate", "Base rate", (TP, FN), _ALL, "(tp + fn) / labelled", "The share that is in truth positive, whatever was decided.",
          aliases=("prevalence",)),
    Metric(id="demographic_disparity", title="Demographic disparity", formula="share of all rejected − share of all selected", shape=Shape.COMPOSITE,
           meaning="How much larger the group's share of those rejected is than its share of those selected: above 0 it is worse off.",
           better=Better.NEITHER, ideal=0.0, bounds=_SIGNED, undefined="nobody or everybody is selected", needs_label=False, compared=False, of_part=True,
           source="Wachter, Mittelstadt & Russell 2021, Comput. Law Secur. Rev. 41:105567"),
    Metric(id="balanced_accuracy", title="Balanced accuracy", formula="(TPR + TNR) / 2", shape=Shape.COMPOSITE,
           meaning="The mean of the true positive and the true negative rate, so that a rare class counts as much as a common one.",
           better=Better.HIGHER, ideal=1.0, bounds=_UNIT, undefined="no positives or no negatives", source="Brodersen 2010, ICPR"),
    Metric(id="f1", title="F1 score", formula="2tp / (2tp + fp + fn)", shape=Shape.COMPOSITE,
           meaning="The harmonic mean of the positive predictive value and the true positive rate; true negatives do not count.",
           better=Better.HIGHER, ideal=1.0, bounds=_UNIT, undefined="nobody is positive, in truth or by decision",
           source="van Rijsbergen 1979, Information Retrieval, ch. 7", aliases=("f1_score",)),
    Metric(id="matthews_correlation", title="Matthews correlation", formula="(tp·tn − fp·fn) / √((tp+fp)(tp+fn)(tn+fp)(tn+fn))", shape=Shape.COMPOSITE,
           meaning="The correlation of decision and label: 1 is full agreement, 0 chance, −1 full disagreement.",
           better=Better.HIGHER, ideal=1.0, bounds=_SIGNED, undefined="all labels are alike, or all decisions",
           source="Matthews 1975, Biochim. Biophys. Acta 405:442", aliases=("mcc", "matthews_correlation_coefficient")),
    Metric(id="informedness", title="Informedness", formula="TPR + TNR − 1", shape=Shape.COMPOSITE,
           meaning="How much better than a coin the decisions tell positives from negatives: 1 is perfect, 0 is chance.",
           better=Better.HIGHER, ideal=1.0, bounds=_SIGNED, undefined="no positives or no negatives",
           source="Youden 1950, Cancer 3:32", aliases=("youden_j",)),
    Metric(id="positive_likelihood_ratio", title="Positive likelihood ratio", formula="TPR / FPR", shape=Shape.COMPOSITE,
           meaning="How many times as often a positive is selected as a negative.",
           better=Better.HIGHER, ideal=None, bounds=_ANY, undefined="no positives, no negatives, or no false positives", source=_LIKELIHOOD),
    Metric(id="negative_likelihood_ratio", title="Negative likelihood ratio", formula="FNR / TNR", shape=Shape.COMPOSITE,
           meaning="How many times as often a positive is rejected as a negative.",
           better=Better.LOWER, ideal=0.0, bounds=_ANY, undefined="no positives, no negatives, or no true negatives", source=_LIKELIHOOD),
    _count("true_positives", "True positives", TP, "tp", "Selected, and in truth positive."),
    _count("false_positives", "False positives", FP, "fp", "Selected, and in truth negative."),
    _count("true_negatives", "True negatives", TN, "tn", "Rejected, and in truth negative."),
    _count("false_negatives", "False negatives", FN, "fn", "Rejected, and in truth positive."),
    Metric(id="roc_auc", title="AUC", formula="P(s⁺ > s⁻) + ½ P(s⁺ = s⁻)", shape=Shape.SCORE,
           meaning="How often a positive scores above a negative of the same slice: 1 is a perfect order, 0.5 is chance.",
           better=Better.HIGHER, ideal=1.0, bounds=_UNIT, undefined="no positives or no negatives", needs_score=True,
           source="Hanley & McNeil 1982, Radiology 143:29", aliases=("auc",)),
    Metric(id="pr_auc", title="Average precision", formula="Σ (Rₖ − Rₖ₋₁) · PPVₖ over scores from the highest down", shape=Shape.SCORE,
           meaning="The positive predictive value, averaged over the true positive rates that thresholds can give: the base rate is chance, 1 is perfect.",
           better=Better.HIGHER, ideal=1.0, bounds=_UNIT, undefined="no positives", needs_score=True,
           source="scikit-learn's average_precision_score; Saito & Rehmsmeier 2015, PLoS ONE 10:e0118432", aliases=("average_precision",)),
    Metric(id="pr_auc_interpolated", title="Interpolated PR-AUC", formula="∫ PPV dR, true and predicted positives on straight lines between scores", shape=Shape.SCORE,
           meaning="As average precision, by TFMA's way of drawing the curve between two scores; never compare one with the other.",
           better=Better.HIGHER, ideal=1.0, bounds=_UNIT, undefined="no positives", needs_score=True,
           source="Davis & Goadrich 2006, ICML; TFMA's AUCPrecisionRecall", aliases=("auc_precision_recall",)),
    Metric(id="bpsn_auc", title="BPSN AUC", formula="P(s⁺ of everyone else > s⁻ of the slice), ties ½", shape=Shape.SCORE,
           meaning="How often a positive of everyone else scores above a negative of this slice: low where the slice's negatives are scored too high.",
           better=Better.HIGHER, ideal=1.0, bounds=_UNIT, undefined="no negatives here, or no positives among everyone else", needs_score=True, compared=False, of_part=True,
           source="Borkan et al. 2019, WWW"),
    Metric(id="bnsp_auc", title="BNSP AUC", formula="P(s⁺ of the slice > s⁻ of everyone else), ties ½", shape=Shape.SCORE,
           meaning="How often a positive of this slice scores above a negative of everyone else: low where the slice's positives are scored too low.",
           better=Better.HIGHER, ideal=1.0, bounds=_UNIT, undefined="no positives here, or no negatives among everyone else", needs_score=True, compared=False, of_part=True,
           source="Borkan et al. 2019, WWW"),
    Metric(id="ks_separation", title="KS separation", formula="sup |F⁺ − F⁻| of the scores of positives and negatives", shape=Shape.SCORE,
           meaning="How far apart the scores of positives and negatives are: 1 where some threshold tells them all apart, 0 where none tells anything.",
           better=Better.HIGHER, ideal=1.0, bounds=_UNIT, undefined="no positives or no negatives", needs_score=True, compared=False, source="Smirnov 1939"),
    Metric(id="scoring_rate", title="Scoring rate", formula="share of rows whose score > the median score of everyone", shape=Shape.SCORE,
           meaning="The share of the slice that scores above the median of all scores, labelled or not; half of everyone, or less where many have exactly the median score.",
           better=Better.NEITHER, ideal=None, bounds=_UNIT, undefined="no rows", needs_label=False, needs_score=True, is_share=True, ratio_title="Impact ratio of scores",
           source="New York City, 6 RCNY § 5-300 and § 5-301(c)"),
    Metric(id="mean_score", title="Mean score", formula="Σws / Σw", shape=Shape.SCORE, meaning="The average score of the slice.",
           better=Better.NEITHER, ideal=None, bounds=(-float("inf"), float("inf")), undefined="no rows", needs_label=False, needs_score=True,
           source="definition"),
    Metric(id="calibration_ratio", title="Calibration ratio", formula="Σws / Σwy", shape=Shape.SCORE,
           meaning="Positives that the scores promise for each positive that occurred: above 1 the scores are too high, below 1 too low.",
           better=Better.NEITHER, ideal=1.0, bounds=_ANY, undefined="no positives", needs_score=True, needs_probability=True,
           source="TFMA's Calibration"),
    Metric(id="calibration_in_the_large", title="Calibration in the large", formula="Σw(s − y) / Σw", shape=Shape.SCORE,
           meaning="How far the average score of the labelled lies above the share that is in truth positive; below 0 the scores are too low.",
           better=Better.NEITHER, ideal=0.0, bounds=_SIGNED, undefined="no labelled rows", needs_score=True, needs_probability=True,
           source="Cox 1958, Biometrika 45:562"),
    Metric(id="brier_score", title="Brier score", formula="Σw(s − y)² / Σw", shape=Shape.SCORE,
           meaning="The mean squared distance of score and label: 0 is perfect, and 0.25 is what a constant 0.5 gets.",
           better=Better.LOWER, ideal=0.0, bounds=_UNIT, undefined="no labelled rows", needs_score=True, needs_probability=True,
           source="Brier 1950, Mon. Weather Rev. 78:1, of the positive class alone"),
    Metric(id="log_loss", title="Log loss", formula="−Σw [y ln s + (1 − y) ln(1 − s)] / Σw", shape=Shape.SCORE,
           meaning="How surprising the labels are to the scores: 0 is perfect, and 0.693 is what a constant 0.5 gets.",
           better=Better.LOWER, ideal=0.0, bounds=_ANY, undefined="no labelled rows", infinite="a score of 0 or 1 was wrong", needs_score=True, needs_probability=True,
           source="Good 1952, J. R. Stat. Soc. B 14:107", aliases=("binary_cross_entropy",)),
    Metric(id="expected_calibration_error", title="Expected calibration error", formula="Σ share of bin · |mean score − share positive|, over bins", shape=Shape.SCORE,
           meaning="How far the scores are from the share that is in truth positive, averaged over bins. On few rows it is too high, for which the interval allows: it reaches 0 where chance alone may explain it.",
           better=Better.LOWER, ideal=0.0, bounds=_UNIT, undefined="no labelled rows", needs_score=True, needs_probability=True, compared=False,
           source="Naeini, Cooper & Hauskrecht 2015, AAAI; Guo 2017, ICML", aliases=("ece",)),
    Metric(id="maximum_calibration_error", title="Maximum calibration error", formula="max |mean score − share positive| over bins", shape=Shape.SCORE,
           meaning="The same in the worst bin, however few it holds.",
           better=Better.LOWER, ideal=0.0, bounds=_UNIT, undefined="no labelled rows", needs_score=True, needs_probability=True, compared=False,
           source="Naeini, Cooper & Hauskrecht 2015, AAAI", aliases=("mce",)),
    Metric(id="root_mean_square_calibration_error", title="Root mean square calibration error",
           formula="√Σ share of bin · (mean score − share positive)², over bins", shape=Shape.SCORE,
           meaning="As the expected calibration error, with large errors counting more.",
           better=Better.LOWER, ideal=0.0, bounds=_UNIT, undefined="no labelled rows", needs_score=True, needs_probability=True, compared=False,
           source="Kumar, Liang & Ma 2019, NeurIPS"),
    Metric(id="calibration_error_by_chance", title="Calibration error by chance", formula="√(2/π) Σ √(Σw² s(1 − s)) / Σw, over bins", shape=Shape.SCORE,
           meaning="The expected calibration error that perfectly calibrated scores would show on as many rows: what lies near it is no miscalibration.",
           better=Better.NEITHER, ideal=None, bounds=_ANY, undefined="no labelled rows", needs_score=True, needs_probability=True, compared=False,
           source="the mean of a half-normal"),
    Metric(id="coefficient_of_discrimination", title="Coefficient of discrimination", formula="Σwsy / Σwy − Σws(1 − y) / Σw(1 − y)", shape=Shape.SCORE,
           meaning="How far the positives' average score lies above the negatives'.",
           better=Better.HIGHER, ideal=1.0, bounds=_SIGNED, undefined="no positives or no negatives", needs_score=True, needs_probability=True,
           source="Tjur 2009, Am. Stat. 63:366"),
    Metric(id="generalized_true_positive_rate", title="Generalized true positive rate", formula="Σwsy / Σwy", shape=Shape.SCORE,
           meaning="The average score of those who are in truth positive.",
           better=Better.HIGHER, ideal=1.0, bounds=_UNIT, undefined="no positives", needs_score=True, needs_probability=True, source=_PLEISS),
    Metric(id="generalized_false_positive_rate", title="Generalized false positive rate", formula="Σws(1 − y) / Σw(1 − y)", shape=Shape.SCORE,
           meaning="The average score of those who are in truth negative.",
           better=Better.LOWER, ideal=0.0, bounds=_UNIT, undefined="no negatives", needs_score=True, needs_probability=True, source=_PLEISS),
    Metric(id="score_histogram", title="Score histogram", formula="Σw and rows by bin of the score and label; Σws / Σw beside Σwy / Σw of each bin", shape=Shape.DISTRIBUTION,
           meaning="How many of the slice have which scores, and what share of them is in truth positive: where scores mean what they say, that share is their mean.",
           better=Better.NEITHER, ideal=None, bounds=_UNIT, undefined="a bin has no labelled rows", needs_label=False, needs_score=True, needs_probability=True, compared=False,
           source="Murphy & Winkler 1977, Appl. Stat. 26:41"),
    Metric(id="average_odds_difference", title="Average odds difference", formula="½ [(FPR_g − FPR_r) + (TPR_g − TPR_r)]", shape=Shape.PAIR,
           meaning="The mean of the two differences; opposite signs cancel, so read the absolute one beside it.",
           better=Better.NEITHER, ideal=0.0, bounds=_SIGNED, undefined="a true or false positive rate is undefined",
           source="AIF360, Bellamy 2018"),
    Metric(id="average_absolute_odds_difference", title="Average absolute odds difference", formula="½ [|FPR_g − FPR_r| + |TPR_g − TPR_r|]",
           shape=Shape.PAIR, meaning="The mean size of the two differences, whatever their direction.",
           better=Better.LOWER, ideal=0.0, bounds=_UNIT, undefined="a true or false positive rate is undefined", source="AIF360, Bellamy 2018"),
    Metric(id="equalized_odds_difference", title="Equalized odds difference", formula="max(|TPR_g − TPR_r|, |FPR_g − FPR_r|)",
           shape=Shape.PAIR, meaning="The larger of the two differences, whatever its direction.",
           better=Better.LOWER, ideal=0.0, bounds=_UNIT, undefined="a true or false positive rate is undefined",
           source="Hardt, Price & Srebro 2016, NeurIPS"),
    Metric(id="average_predictive_value_difference", title="Average predictive value difference", formula="½ [(PPV_g − PPV_r) + (FOR_g − FOR_r)]",
           shape=Shape.PAIR, meaning="The mean of the two differences; opposite signs cancel.",
           better=Better.NEITHER, ideal=0.0, bounds=_SIGNED, undefined="a positive predictive value or false omission rate is undefined",
           source="AIF360, Bellamy 2018"),
    Metric(id="kolmogorov_smirnov_distance", title="Kolmogorov–Smirnov distance", formula="sup |F_g − F_r| of the scores of two groups", shape=Shape.PAIR,
           meaning="The most that the shares above a threshold can differ between the two groups, whatever the threshold.",
           better=Better.LOWER, ideal=0.0, bounds=_UNIT, undefined="a group has no rows", needs_label=False, needs_score=True, source="Smirnov 1939"),
    Metric(id="generalized_entropy_index", title="Generalized entropy index", formula="Σw[(b/μ)^α − 1] / (W α (α − 1)), b = 1 + decision − label, α = 2",
           shape=Shape.INEQUALITY, meaning="How unequally the benefit of decisions falls on individuals: 0 is perfectly even.",
           better=Better.LOWER, ideal=0.0, bounds=_ANY, undefined=_NO_BENEFIT,
           source="Speicher 2018, KDD; Shorrocks 1980", compared=False),
    Metric(id="theil_index", title="Theil index", formula="Σw (b/μ) ln(b/μ) / W, b = 1 + decision − label", shape=Shape.INEQUALITY,
           meaning="As the generalized entropy index, with α = 1: 0 is perfectly even.",
           better=Better.LOWER, ideal=0.0, bounds=_ANY, undefined=_NO_BENEFIT,
           source="Theil 1967; Speicher 2018, KDD", compared=False),
    Metric(id="mean_log_deviation", title="Mean log deviation", formula="−Σw ln(b/μ) / W, b = 1 + decision − label", shape=Shape.INEQUALITY,
           meaning="As the generalized entropy index, with α = 0: it looks hardest at those who get least.",
           better=Better.LOWER, ideal=0.0, bounds=_ANY, undefined=_NO_BENEFIT,
           infinite="some rows are false negatives, who get no benefit at all", source="Theil 1967; Shorrocks 1980, Econometrica 48:613", compared=False),
    Metric(id="coefficient_of_variation", title="Coefficient of variation", formula="√(2 GE(2))", shape=Shape.INEQUALITY,
           meaning="The standard deviation of the benefit over its mean: 0 is perfectly even.",
           better=Better.LOWER, ideal=0.0, bounds=_ANY, undefined=_NO_BENEFIT,
           source="Speicher 2018, KDD", compared=False),
    Metric(id="equalized_odds_gap", title="Equalized odds gap", formula="max(gap of TPR, gap of FPR) over all groups", compared=False, shape=Shape.ACROSS,
           meaning="The larger of the widest gaps of the true and of the false positive rate, each between any two groups.",
           better=Better.LOWER, ideal=0.0, bounds=_UNIT, undefined="fewer than two groups have a true or a false positive rate",
           source="Hardt, Price & Srebro 2016, NeurIPS; Fairlearn's equalized_odds_difference"),
    Metric(id="equalized_odds_ratio", title="Equalized odds ratio", formula="min(smallest / largest TPR, smallest / largest FPR) over all groups", compared=False, shape=Shape.ACROSS,
           meaning="The smaller of the ratios of the lowest to the highest rate, of the true and of the false positive rate.",
           better=Better.HIGHER, ideal=1.0, bounds=_UNIT, undefined="fewer than two groups have a true or a false positive rate, or the largest is 0",
           source="Fairlearn's equalized_odds_ratio"),
    Metric(id="between_group_generalized_entropy_index", title="Between-group generalized entropy index",
           formula="Σ_g W_g [(μ_g/μ)^α − 1] / (W α (α − 1)), μ_g the group's mean benefit, α = 2", compared=False, shape=Shape.ACROSS,
           meaning="The part of the inequality of benefits that lies between the groups: what is left when everybody has the mean of their group. Small groups hardly move it.",
           better=Better.LOWER, ideal=0.0, bounds=_ANY, undefined=_NO_BENEFIT, source="Speicher 2018, KDD; Shorrocks 1980"),
    Metric(id="within_group_generalized_entropy_index", title="Within-group generalized entropy index", formula="the index of everyone − its part between the groups, α = 2",
           compared=False, shape=Shape.ACROSS, meaning="The part of the inequality of benefits that lies within the groups; with the part between them it makes the whole.",
           better=Better.LOWER, ideal=0.0, bounds=_ANY, undefined=_NO_BENEFIT, source="Speicher 2018, KDD; Shorrocks 1980"),
    Metric(id="between_group_theil_index", title="Between-group Theil index", formula="Σ_g W_g (μ_g/μ) ln(μ_g/μ) / W", compared=False, shape=Shape.ACROSS,
           meaning="As the between-group generalized entropy index, with α = 1.",
           better=Better.LOWER, ideal=0.0, bounds=_ANY, undefined=_NO_BENEFIT, source="Theil 1967; Speicher 2018, KDD"),
    Metric(id="between_group_coefficient_of_variation", title="Between-group coefficient of variation", formula="√(2 between-group GE(2))", compared=False, shape=Shape.ACROSS,
           meaning="The standard deviation of the groups' mean benefits over the mean of all.",
           better=Better.LOWER, ideal=0.0, bounds=_ANY, undefined=_NO_BENEFIT, source="Speicher 2018, KDD"),
    Metric(id="differential_fairness", title="Differential fairness ε", formula="max |ln p_g − ln p_h| over pairs of groups and both outcomes, p = (k + c/2) / (n + c), c = 1",
           compared=False, shape=Shape.ACROSS, meaning="How far apart two groups' chances of an outcome are at most, on the scale of logarithms: e to its power is the worst ratio, 0 is equal chances, and ln 1.25 = 0.223 is four fifths.",
           better=Better.LOWER, ideal=0.0, bounds=_ANY, undefined="fewer than two groups have rows", infinite="all of a group have the same outcome", needs_label=False,
           source="Foulds, Islam, Keya & Pan 2020, ICDE", aliases=("epsilon",)),
    Metric(id="differential_fairness_amplification", title="Differential fairness amplification", formula="ε of the decisions − ε of the labels", compared=False, shape=Shape.ACROSS,
           meaning="How much further apart the decisions set the groups than the labels do: above 0 the decisions make it worse.",
           better=Better.LOWER, ideal=0.0, bounds=(-float("inf"), float("inf")), undefined="fewer than two groups have labelled rows",
           infinite="all of a group have the same outcome", source="Foulds, Islam, Keya & Pan 2020, ICDE"),
    Metric(id="mean_demographic_disparity", title="Mean demographic disparity", formula="Σ_g W_g DD_g / W, DD_g the group's demographic disparity", compared=False, shape=Shape.ACROSS,
           meaning="The demographic disparity of the groups, averaged by their size; above 0 the larger groups are the worse off.",
           better=Better.NEITHER, ideal=0.0, bounds=_SIGNED, undefined="nobody or everybody is selected", needs_label=False,
           source="AIF360's conditional_demographic_disparity; after Wachter, Mittelstadt & Russell 2021, Comput. Law Secur. Rev. 41:105567"),
    _conditional("mantel_haenszel_odds_ratio", "Mantel–Haenszel odds ratio", "Σ a_j (m_j − c_j)/N_j ÷ Σ c_j (n_j − a_j)/N_j over strata: a_j of n_j of the group selected, c_j of m_j of the reference",
                 "The odds of being selected against the reference's, among people alike in the control: 1 is no difference.", ideal=1.0, bounds=_ANY,
                 undefined="in no stratum is somebody of the reference selected and somebody of the slice rejected", source="Mantel & Haenszel 1959, JNCI 22:719"),
    _conditional("mantel_haenszel_risk_ratio", "Mantel–Haenszel rate ratio", "Σ a_j m_j/N_j ÷ Σ c_j n_j/N_j",
                 "The rate of selection against the reference's, among people alike in the control: 1 is no difference.", ideal=1.0, bounds=_ANY,
                 undefined="in no stratum with both is somebody of the reference selected", source="Greenland & Robins 1985, Biometrics 41:55"),
    _conditional("mantel_haenszel_risk_difference", "Mantel–Haenszel rate difference", "Σ (a_j m_j − c_j n_j)/N_j ÷ Σ n_j m_j/N_j",
                 "The rate of selection less the reference's, among people alike in the control.", ideal=0.0, bounds=_SIGNED,
                 undefined="no stratum has rows of both", source="Greenland & Robins 1985, Biometrics 41:55"),
    _conditional("cochran_mantel_haenszel_statistic", "Cochran–Mantel–Haenszel statistic", "(Σ (a_j − E_j))² / Σ V_j, without continuity correction",
                 "A test of no difference among people alike in the control; its p-value stands beside it.", ideal=None, bounds=_ANY,
                 undefined="no stratum has rows of both and different decisions", source="Cochran 1954, Biometrics 10:417; Mantel & Haenszel 1959"),
    _conditional("breslow_day_statistic", "Breslow–Day statistic", "Σ (a_j − A_j)² / Var(A_j), A_j what the common odds ratio expects, without Tarone's correction",
                 "A test whether the odds ratio is the same whatever the control; where it is not, pooled numbers hide that.", ideal=None, bounds=_ANY,
                 undefined="fewer than two strata tell of an odds ratio, or the common one is 0 or undefined", source="Breslow & Day 1980, Statistical Methods in Cancer Research I, 4.4"),
    _conditional("standardized_selection_rate", "Standardized selection rate", "Σ (N_j / N) · rate of the slice in stratum j, with everybody's N_j",
                 "The selection rate that the slice would have if it were spread over the control as everybody is.", ideal=None, bounds=_UNIT,
                 undefined="a stratum has nobody of the slice", source="direct standardization"),
    _conditional("conditional_demographic_disparity", "Conditional demographic disparity", "Σ N_j DD_j / Σ N_j, DD_j the demographic disparity in stratum j",
                 "How much larger the slice's share of those rejected is than its share of those selected, among people alike in the control: above 0 it is worse off.", ideal=0.0, bounds=_SIGNED,
                 undefined="in every stratum all decisions are alike", source="Wachter, Mittelstadt & Russell 2021, Comput. Law Secur. Rev. 41:105567"),
    Metric(id="consistency", title="Consistency", formula="1 − mean |ŷ_i − mean of ŷ over the 5 rows nearest to i|, i itself among them", shape=Shape.INDIVIDUAL,
           meaning="How far people who are alike in the features are decided alike: 1 is always. Features count as they are, so whatever varies most decides who is alike; of more rows the nearest are nearer, so compare samples of one size.",
           better=Better.HIGHER, ideal=1.0, bounds=_UNIT, undefined="no sampled row is of it, or fewer than 5 rows have every feature", needs_label=False, compared=False,
           source="Zemel et al. 2013, ICML; AIF360"),
    Metric(id="representation_ratio", title="Representation ratio", formula="(rows of the slice / rows whose value is known) / the slice's share of the population", shape=Shape.POPULATION,
           meaning="A group's share of the rows over its share of the people whom the rows should stand for: 1 is as large, 0.5 half as large. The population's shares come from a rule or from the configuration.",
           better=Better.HIGHER, ideal=1.0, bounds=_ANY, undefined="the population's figures have no such group", needs_label=False, compared=False,
           source="Regulation (EU) 2024/1689, article 10(3), asks for it without a formula; the ratio is ours"),
)  # fmt: skip

CATALOGUE: dict[str, Metric] = {one.id: one for one in _METRICS}
_ALIASES: dict[str, str] = {alias: one.id for one in _METRICS for alias in one.aliases}


def known_names() -> frozenset[str]:
    """Every id and alias."""
    return frozenset((*CATALOGUE, *_ALIASES))


def metric(name: str, *, where: str = "") -> Metric:
    """The metric called `name`, by id or alias.

    Raises:
        UnknownName: there is none; the nearest known name is told, or where all are.
    """
    found = CATALOGUE.get(_ALIASES.get(name, name))
    if found is None:
        # A word of three letters is like too many others: 'foo' is no 'for'.
        raise UnknownName("metric", name, (*CATALOGUE, *(one for one in _ALIASES if len(one) > 3 or one.casefold() == name.casefold())), where=where, all_in="`fairaudit metrics list`")
    return found
