"""A witness: TFMA's and Fairness Indicators' own metric code, run on the cube's cells.

TFMA computes a metric by `computations()`: combiners, which take examples in, and results derived from what they give. Its Beam
pipeline only carries rows to the combiners, so they are called here directly: a cell is an example and its weight the example weight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from fairaudit.cube.counts import NEGATIVE, POSITIVE, Counts
from fairaudit.metrics.engines.interface import Kind, Quantity
from fairaudit.metrics.engines.quiet import quietly
from fairaudit.metrics.engines.sample import answered, checked
from fairaudit.types import Bools, Floats, Ints

with quietly():
    from fairness_indicators.fairness_indicators_metrics import FairnessIndicators  # type: ignore[import-untyped]
    from tensorflow_model_analysis import metrics as tfma  # type: ignore[import-untyped]
    from tensorflow_model_analysis.metrics.calibration_histogram import calibration_histogram  # type: ignore[import-untyped]

Params = tuple[tuple[str, float], ...]
Readings = dict[str, float]  # TFMA's values of one slice by the names of its metric keys; without a name that was not computed
LABELLED, EVERYONE = slice(0, 2), slice(0, 3)  # of the label axis

HISTOGRAM, _SUMS = "score_histogram", ("weight", "positive", "score")  # of a bin's labelled rows, in the order of the parameter `sum`
_THRESHOLD = 0.5  # a decision is given as a prediction of 0 or 1, and TFMA calls it positive above the threshold
_BUCKETS = (100, 1_000, 10_000)  # TFMA's histogram has 10,000; its loop over thresholds is what an AUC of few scores costs


class TfmaEngine:
    """TFMA has values and their differences across slices; no ratio of ours, no composite odds, no index of inequality (METRICS.md §3, §4)."""

    name = "tfma"

    def __init__(self, *, seed: int = 0) -> None:
        self._seed = seed
        self.metrics = frozenset((*_THEIRS, HISTOGRAM))

    def answers(self, quantity: Quantity, counts: Counts) -> Bools:
        able = checked(counts.slices, seed=self._seed)
        if quantity.kind is Kind.RATIO:
            able = np.zeros_like(able)
        if _theirs(quantity.metric, quantity.params).read is _ranks:
            able = able & (_distinct_scores(counts) < _BUCKETS[-1])
        if "mass" in dict(quantity.params):  # its buckets are of equal width
            able = np.zeros_like(able)
        return answered(quantity, able)

    def measure(self, wanted: Sequence[Quantity], counts: Counts) -> tuple[Floats, ...]:
        @cache
        def readings(read: Read, index: int) -> Readings:
            return read(counts, index)

        def values(metric: str, params: Params, indexes: Iterable[int]) -> Floats:
            theirs = _theirs(metric, params)
            return np.array([readings(theirs.read, index).get(theirs.name, np.nan) for index in indexes], dtype=np.float64)

        return tuple(_measure(quantity, values) for quantity in wanted)


def _measure(quantity: Quantity, values: Callable[[str, Params, Iterable[int]], Floats]) -> Floats:
    groups = values(quantity.metric, quantity.params, quantity.groups)
    if quantity.kind is Kind.VALUE:
        return groups
    # TFMA's cross-slice value is baseline − comparison; ours is group − reference, the baseline being the reference.
    with np.errstate(invalid="ignore"):  # infinite − infinite is undefined
        return -(values(quantity.metric, quantity.params, quantity.references) - groups)


def _decisions_of_labelled(counts: Counts, index: int) -> Readings:
    return _decisions(counts, index, LABELLED)


def _decisions_of_everyone(counts: Counts, index: int) -> Readings:
    """As above with the unlabelled rows, given as negatives: for what looks at the decision alone."""
    return _decisions(counts, index, EVERYONE)


def _decisions(counts: Counts, index: int, labels: slice) -> Readings:
    weight = counts.weight[index, labels]
    label, decision = np.indices(weight.shape)
    return _readings(_of_decisions(), label=label == POSITIVE, prediction=decision, weight=weight)


def _scores_of_everyone(counts: Counts, index: int) -> Readings:
    return _scores(counts, index, EVERYONE)


def _scores_of_labelled(counts: Counts, index: int) -> Readings:
    return _scores(counts, index, LABELLED) if counts.has_probabilities else {}


def _scores(counts: Counts, index: int, labels: slice) -> Readings:
    """Of the cells' mean scores, which is exact for what is linear in the score."""
    if counts.score is None:
        return {}
    weight = counts.weight[index, labels]
    used = weight > 0
    mean = np.divide(counts.score[index, labels], weight, out=np.zeros_like(weight), where=used)
    # TFMA calls a total within 1e-8 of 0 undefined; these metrics don't change with the unit of weight, so no cell need be that small.
    unit = min(1.0, weight[used].min(initial=1.0))
    return _readings(_of_scores(), label=np.indices(weight.shape)[0] == POSITIVE, prediction=mean, weight=weight / unit)


def _spread_scores(counts: Counts, index: int) -> Readings:
    """Each cell as two scores, a standard deviation below and above its mean: exact for what is a polynomial of second degree in the score."""
    if counts.score is None or counts.score_sq is None or not counts.has_probabilities:
        return {}
    weight = counts.weight[index, LABELLED]
    used = weight > 0
    mean, square = (np.divide(sums[index, LABELLED], weight, out=np.zeros_like(weight), where=used) for sums in (counts.score, counts.score_sq))
    deviation = np.sqrt(np.maximum(square - mean**2, 0.0))
    label = np.broadcast_to(np.indices(weight.shape)[0] == POSITIVE, (2, *weight.shape))
    unit = min(1.0, weight[used].min(initial=1.0))
    return _readings(
        _of_squares(), label=label, prediction=np.stack([mean - deviation, mean + deviation]), weight=np.stack([weight, weight]) / (2 * unit), singly=True
    )


def _typical_losses(counts: Counts, index: int) -> Readings:
    """The positives as the one score that has their mean loss, and the negatives likewise: exact for a mean of logarithms."""
    cells = counts.score_cells
    if cells is None or not counts.has_probabilities:
        return {}
    mine = cells.at(slice(*np.searchsorted(cells.slice, [index, index + 1])))
    by_label = [mine.at(mine.label == label) for label in (NEGATIVE, POSITIVE)]
    weight, loss = (np.array([float(getattr(one, name).sum()) for one in by_label]) for name in ("weight", "loss"))
    surely_wrong = np.array([(by_label[NEGATIVE].highest >= 1).any(), (by_label[POSITIVE].lowest <= 0).any()])
    # Where every score is sure and right, a hair less: TFMA says NaN of 0 · ln 0.
    right = np.where(surely_wrong, 0.0, np.minimum(np.exp(-np.divide(loss, weight, out=np.zeros(2), where=weight > 0)), np.nextafter(1.0, 0.0)))
    unit = min(1.0, weight[weight > 0].min(initial=1.0))
    return _readings(
        _of_losses(), label=np.array([False, True]), prediction=np.array([1 - right[NEGATIVE], right[POSITIVE]]), weight=weight / unit, singly=True
    )


def _ranks(counts: Counts, index: int) -> Readings:
    """Both AUCs know only the order of scores, so they are given ranks, one bucket of TFMA's histogram each.

    The first bucket stays empty: TFMA reads it and the next as one. With its default of 10,000 thresholds, which are 1/9999 apart while
    buckets are 1/10000, it would also tie two buckets near the top; one more threshold puts both on the same grid.
    """
    cells = counts.score_cells
    if cells is None:
        return {}
    mine = slice(*np.searchsorted(cells.slice, [index, index + 1]))
    label, weight = cells.label[mine], cells.weight[mine]
    holds = [weight[label == one].sum() > 0 for one in (NEGATIVE, POSITIVE)]
    if not holds[POSITIVE]:
        return {}  # TFMA says 0.0
    distinct, rank = np.unique(cells.order[mine], return_inverse=True)
    buckets = next(size for size in _BUCKETS if distinct.size < size)
    found = _readings(_of_ranks(buckets), label=label, prediction=(rank + 1.5) / buckets, weight=weight)
    return {name: value for name, value in found.items() if holds[NEGATIVE] or name != "auc"}  # of which it says 0.0 too


@cache
def _in_buckets(number: int) -> Read:
    """The sums of TFMA's calibration histogram, of so many buckets of equal width over [0, 1]: CalibrationPlot would draw them from 10,000, which other numbers do not divide."""

    def read(counts: Counts, index: int) -> Readings:
        cells = counts.score_cells
        if cells is None or not counts.has_probabilities:
            return {}
        mine = cells.at(slice(*np.searchsorted(cells.slice, [index, index + 1])))
        mean = np.clip(np.divide(mine.score, mine.weight, out=np.zeros_like(mine.score), where=mine.weight > 0), mine.lowest, mine.highest)
        # A score one step below an edge would be rounded onto it, since TFMA counts from bucket 1.
        above = np.ceil(mean * number)
        mean = np.where((above > mean * number) & (above - mean * number < 1e-12), (above - 1e-12) / number, mean)
        (buckets,) = _results(_of_buckets(number), label=mine.label, prediction=mean, weight=mine.weight).values()
        found = dict.fromkeys((f"{name}@{place}" for name in _SUMS for place in range(number)), 0.0)
        for one in buckets:
            for name, value in zip(_SUMS, (one.weighted_examples, one.weighted_labels, one.weighted_predictions), strict=True):
                found[f"{name}@{min(max(one.bucket_id - 1, 0), number - 1)}"] += value  # scores of 1 have a bucket of their own
        return found

    return read


def _theirs(metric: str, params: Params) -> Theirs:
    """A metric, or one sum of one bin of the histogram."""
    if metric != HISTOGRAM:
        return _THEIRS[metric]
    given = {name: int(value) for name, value in params}
    return Theirs(f"{_SUMS[given['sum']]}@{given['bin']}", _in_buckets(given["bins"]))


def _distinct_scores(counts: Counts) -> Ints:
    """How many score ranges the cells of a slice have, shape (slices,)."""
    cells = counts.score_cells
    if cells is None:
        return np.zeros(len(counts.slices), dtype=np.int64)
    starts = (np.diff(cells.slice, prepend=-1) != 0) | (np.diff(cells.order, prepend=-1) != 0)
    return np.bincount(cells.slice[starts], minlength=len(counts.slices))


Computations = tuple[Any, ...]  # TFMA's MetricComputation and DerivedMetricComputation, in the order in which one needs another


def _computations(metrics: Iterable[Any]) -> Computations:
    """What these metrics compute, each computation once: metrics that share the confusion matrices come with the same one."""
    return tuple(dict.fromkeys(computation for metric in metrics for computation in metric.computations(example_weighted=True)))


@cache
def _of_decisions() -> Computations:
    at_threshold = (
        tfma.NegativePredictiveValue, tfma.BalancedAccuracy, tfma.Prevalence, tfma.F1Score, tfma.MatthewsCorrelationCoefficient,
        tfma.Informedness, tfma.PositiveLikelihoodRatio, tfma.NegativeLikelihoodRatio,
        tfma.TruePositives, tfma.FalsePositives, tfma.TrueNegatives, tfma.FalseNegatives,
    )  # fmt: skip
    others = (metric(thresholds=_THRESHOLD) for metric in at_threshold)
    return _computations((FairnessIndicators(thresholds=[_THRESHOLD]), tfma.BinaryAccuracy(threshold=_THRESHOLD), *others))


@cache
def _of_scores() -> Computations:
    return _computations((tfma.MeanPrediction(), tfma.Calibration(), tfma.CoefficientOfDiscrimination()))


@cache
def _of_squares() -> Computations:
    return _computations((tfma.MeanSquaredError(),))


@cache
def _of_losses() -> Computations:
    return _computations((tfma.BinaryCrossEntropy(from_logits=False, label_smoothing=0),))


@cache
def _of_ranks(buckets: int) -> Computations:
    return _computations((tfma.AUC(num_thresholds=buckets + 1), tfma.AUCPrecisionRecall(num_thresholds=buckets + 1)))


@cache
def _of_buckets(number: int) -> Computations:
    return tuple(calibration_histogram(num_buckets=number, left=0.0, right=1.0, example_weighted=True))


def _readings(computations: Computations, *, label: Any, prediction: Any, weight: Floats, singly: bool = False) -> Readings:
    """As `_results`, by name."""
    return {key.name: value for key, value in _results(computations, label=label, prediction=prediction, weight=weight, singly=singly).items()}


def _results(computations: Computations, *, label: Any, prediction: Any, weight: Floats, singly: bool = False) -> dict[Any, Any]:
    """TFMA's results over weighted cells; cells of weight 0 are no examples.

    Args:
        singly: give each cell as an input of its own, for metrics that take no more; otherwise all are one input of many values.
    """
    used = weight > 0
    columns = label[used].astype(np.float64), prediction[used].astype(np.float64), weight[used]
    split = list(range(1, int(used.sum()))) if singly else []
    given = [
        tfma.StandardMetricInputs(labels=one, predictions=two, example_weights=three)
        for one, two, three in zip(*(np.split(column, split) for column in columns), strict=True)
    ]
    results: dict[Any, Any] = {}
    with np.errstate(all="ignore"):
        for computation in computations:
            if isinstance(computation, tfma.DerivedMetricComputation):
                results |= computation.result(results)
                continue
            sums = computation.combiner.create_accumulator()
            for cells in given if used.any() else ():
                sums = computation.combiner.add_input(sums, cells)
            results |= computation.combiner.extract_output(sums)
    return results


Read = Callable[[Counts, int], Readings]


@dataclass(frozen=True, slots=True)
class Theirs:
    """A metric of ours in TFMA's words."""

    name: str  # of its metric key
    read: Read  # the examples it is computed from


def _indicator(name: str, read: Read = _decisions_of_labelled) -> Theirs:
    # Fairness Indicators writes the threshold with as many digits as it thinks it has; 0.5 comes out as it is.
    return Theirs(f"fairness_indicators_metrics/{name}@{_THRESHOLD}", read)


_THEIRS = {
    "selection_rate": _indicator("positive_rate", _decisions_of_everyone),
    "negative_rate": _indicator("negative_rate", _decisions_of_everyone),
    "true_positive_rate": _indicator("true_positive_rate"),
    "false_positive_rate": _indicator("false_positive_rate"),
    "true_negative_rate": _indicator("true_negative_rate"),
    "false_negative_rate": _indicator("false_negative_rate"),
    "positive_predictive_value": _indicator("precision"),
    "false_discovery_rate": _indicator("false_discovery_rate"),
    "false_omission_rate": _indicator("false_omission_rate"),
    # Not among Fairness Indicators' ten.
    "negative_predictive_value": Theirs("negative_predictive_value", _decisions_of_labelled),
    "accuracy": Theirs("binary_accuracy", _decisions_of_labelled),
    "balanced_accuracy": Theirs("balanced_accuracy", _decisions_of_labelled),
    "f1": Theirs("f1_score", _decisions_of_labelled),
    "matthews_correlation": Theirs("matthews_correlation_coefficient", _decisions_of_labelled),
    "informedness": Theirs("informedness", _decisions_of_labelled),
    "positive_likelihood_ratio": Theirs("positive_likelihood_ratio", _decisions_of_labelled),
    "negative_likelihood_ratio": Theirs("negative_likelihood_ratio", _decisions_of_labelled),
    "base_rate": Theirs("prevalence", _decisions_of_labelled),
    "true_positives": Theirs("true_positives", _decisions_of_labelled),
    "false_positives": Theirs("false_positives", _decisions_of_labelled),
    "true_negatives": Theirs("true_negatives", _decisions_of_labelled),
    "false_negatives": Theirs("false_negatives", _decisions_of_labelled),
    "mean_score": Theirs("mean_prediction", _scores_of_everyone),
    "calibration_ratio": Theirs("calibration", _scores_of_labelled),
    "coefficient_of_discrimination": Theirs("coefficient_of_discrimination", _scores_of_labelled),
    "roc_auc": Theirs("auc", _ranks),
    "pr_auc_interpolated": Theirs("auc_precision_recall", _ranks),
    "brier_score": Theirs("mean_squared_error", _spread_scores),
    "log_loss": Theirs("binary_crossentropy", _typical_losses),
}
