"""A witness: AIF360's own `ClassificationMetric`, its instances the cube's cells, their instance weights the cells' weights.

AIF360 compares two groups, unprivileged against privileged: here the group against its reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from fairaudit.cube.counts import NEGATIVE, POSITIVE, UNLABELLED, Counts
from fairaudit.cube.slices import EVERYONE, Slicing
from fairaudit.metrics.catalogue import FN, FP, TN, TP, Cell, total
from fairaudit.metrics.engines.interface import Kind, Quantity
from fairaudit.metrics.engines.over_groups import known_groups, over_groups
from fairaudit.metrics.engines.quiet import quietly
from fairaudit.metrics.engines.sample import answered, checked
from fairaudit.types import Bools, Floats

with quietly():
    from aif360.datasets import BinaryLabelDataset  # type: ignore[import-untyped]
    from aif360.metrics import BinaryLabelDatasetMetric, ClassificationMetric  # type: ignore[import-untyped]
    from aif360.sklearn.metrics import conditional_demographic_disparity  # type: ignore[import-untyped]

_EXPANDED_AT_MOST = 200_000  # rows of a slice, 0.13 s
_GROUPS_AT_MOST = 100  # of a slicing: its loops over pairs are Python's
_ROOT_TOLD_FROM_ZERO = 1e-5  # of a square root, below which the rounding under it shows
_DIGITS_KEPT = 1e-6  # of 1 − accuracy this small ten digits are left

Params = dict[str, float]
Instances = Floats  # shape (instances, 3 or 4): label, decision, weight, and score where it is needed
Read = Callable[[Counts, int], Instances]
Ask = Callable[..., Any]  # of which instances, group, reference → ClassificationMetric; or of all groups of a slicing


class Aif360Engine:
    name = "aif360"

    def __init__(self, *, seed: int = 0) -> None:
        self._seed = seed
        self.metrics = frozenset((*_THEIRS, *_OVER_GROUPS))

    def answers(self, quantity: Quantity, counts: Counts) -> Bools:
        if quantity.slicings:
            return _able_over_groups(quantity, counts)
        theirs = _THEIRS[quantity.metric]
        able = checked(counts.slices, seed=self._seed)
        if quantity.kind is not Kind.VALUE and not theirs.of_one_group:
            able = np.zeros_like(able)
        if quantity.metric == "error_rate" and quantity.kind is Kind.RATIO:
            able = able & _told_from_zero(counts)
        if theirs.read is _rows:
            able = able & _expandable(counts, dict(quantity.params))
        return answered(quantity, able)

    def measure(self, wanted: Sequence[Quantity], counts: Counts) -> tuple[Floats, ...]:
        made: list[Any] = []

        @cache
        def asked(read: Read, *groups: int | None) -> Any:
            made.append(_classification_metric(*(read(counts, index) for index in groups if index is not None)))
            return made[-1]

        with quietly():
            measured = tuple(_measure_over_groups(quantity, counts, asked) if quantity.slicings else _measure(quantity, counts, asked) for quantity in wanted)
        for metric in made:
            vars(metric).clear()  # AIF360 remembers answers by metric object and so keeps every object for ever; at least not its data
        return measured


def _measure(quantity: Quantity, counts: Counts, asked: Ask) -> Floats:
    theirs = _THEIRS[quantity.metric]
    references = quantity.references or (None,) * len(quantity.groups)
    metrics = (asked(theirs.read, group, reference) for group, reference in zip(quantity.groups, references, strict=True))
    values = np.array([_answer(metric, theirs, quantity) for metric in metrics], dtype=np.float64)
    return np.where(_is_defined(quantity, theirs, counts) & np.isfinite(values), values, np.nan)


def _answer(metric: Any, theirs: Theirs, quantity: Quantity) -> float:
    """What AIF360 says; infinite or NaN where it divides by 0, unless `theirs.undefined` tells otherwise."""
    method = getattr(metric, theirs.value)
    match quantity.kind:
        case Kind.DIFFERENCE:
            return float(getattr(metric, theirs.difference)() if theirs.difference else metric.difference(method))
        case Kind.RATIO:
            return float(getattr(metric, theirs.ratio)() if theirs.ratio else metric.ratio(method))
        case _:
            return float(method(privileged=False) if theirs.of_one_group else method(**dict(quantity.params)))


def _is_defined(quantity: Quantity, theirs: Theirs, counts: Counts) -> Bools:
    """Whether what AIF360 divides by has weight, in the group and in the reference, shape (groups,)."""
    able = np.ones(len(counts.slices), dtype=bool)
    for cells in theirs.undefined:
        able &= total(counts.weight, cells) > 0
    return answered(quantity, able)


def _classification_metric(*sides: Instances) -> Any:
    """A fresh metric object whose groups are the sides: the group is unprivileged, and its reference, if there is one, privileged; or any number of groups."""
    label, decision, weight, *score = np.concatenate(sides).T
    privileged = np.repeat(np.arange(len(sides)), [len(side) for side in sides])
    truth = BinaryLabelDataset(
        df=pd.DataFrame({"label": label, "privileged": privileged, "weight": weight}),
        label_names=["label"], protected_attribute_names=["privileged"], instance_weights_name="weight",
        unprivileged_protected_attributes=[np.array([0.0])], privileged_protected_attributes=[np.arange(1.0, len(sides))],
    )  # fmt: skip
    decided = truth.copy()
    decided.labels = decision[:, np.newaxis]
    if score:
        decided.scores = score[0][:, np.newaxis]
    return ClassificationMetric(truth, decided, unprivileged_groups=[{"privileged": 0}], privileged_groups=[{"privileged": 1}])


def _labelled(counts: Counts, index: int) -> Instances:
    return _cells(counts.weight[index, :UNLABELLED])


def _scored(counts: Counts, index: int) -> Instances:
    """With the cells' mean scores, which is exact for what is linear in the score; none where they are no probabilities."""
    if counts.score is None or not counts.has_probabilities:
        return np.zeros((0, 4))
    weight = counts.weight[index, :UNLABELLED]
    mean = np.divide(counts.score[index, :UNLABELLED], weight, out=np.zeros_like(weight), where=weight > 0)
    return np.column_stack([_cells(weight), mean.ravel()])


def _everyone(counts: Counts, index: int) -> Instances:
    """The unlabelled are given as negatives: for what looks at the decision alone."""
    weight = counts.weight[index]
    return _cells(np.array([weight[NEGATIVE] + weight[UNLABELLED], weight[POSITIVE]]))


def _cells(weight: Floats) -> Instances:
    label, decision = np.indices(weight.shape)
    return np.stack([label.ravel(), decision.ravel(), weight.ravel()], axis=1)


def _rows(counts: Counts, index: int) -> Instances:
    """The labelled rows one by one: AIF360's entropy indices ignore weights."""
    rows: Instances = np.repeat(_labelled(counts, index), counts.rows[index, :UNLABELLED].ravel(), axis=0)
    rows[:, 2] = 1.0
    return rows


def _decided(counts: Counts, index: int) -> Instances:
    """With the decision as label too, for what AIF360 computes of a dataset's labels."""
    cells = _everyone(counts, index)
    return cells[:, [1, 1, 2]]


def _told_from_zero(counts: Counts) -> Bools:
    """Where AIF360's error rate, which is 1 − accuracy, keeps enough digits for a ratio of two, shape (slices,)."""
    wrong, everyone = total(counts.weight, (FP, FN)), total(counts.weight, _ALL)
    enough: Bools = (wrong == 0) | (wrong > _DIGITS_KEPT * everyone)
    return enough


def _expandable(counts: Counts, params: dict[str, float]) -> Bools:
    """Which slices AIF360 can be asked for an entropy index, shape (slices,). At α = 0 it divides by the mean once too often."""
    few: Bools = counts.rows[:, :UNLABELLED].sum(axis=(1, 2)) <= _EXPANDED_AT_MOST
    return few if not counts.has_weights and params.get("alpha") != 0 else np.zeros_like(few)


@dataclass(frozen=True, slots=True)
class Theirs:
    """A metric of ours in AIF360's words."""

    value: str  # its method
    difference: str = ""  # its own name for group − reference, if it has one
    ratio: str = ""
    undefined: tuple[tuple[Cell, ...], ...] = ()  # where any of these cells weigh nothing, AIF360 answers a number although there is none
    read: Read = _labelled
    of_one_group: bool = True  # else of both, or of all rows


_SELECTED, _REJECTED, _POSITIVES, _NEGATIVES, _ALL = (TP, FP), (TN, FN), (TP, FN), (TN, FP), (TP, FP, FN, TN)

_THEIRS = {
    "selection_rate": Theirs("selection_rate", "statistical_parity_difference", "disparate_impact", read=_everyone),
    "true_positive_rate": Theirs("true_positive_rate", "equal_opportunity_difference"),
    "false_positive_rate": Theirs("false_positive_rate", "false_positive_rate_difference", "false_positive_rate_ratio"),
    "true_negative_rate": Theirs("true_negative_rate"),
    "false_negative_rate": Theirs("false_negative_rate", "false_negative_rate_difference", "false_negative_rate_ratio"),
    # It answers 0 to both when nobody is selected, although the two add up to 1; likewise when nobody is rejected.
    "positive_predictive_value": Theirs("positive_predictive_value", undefined=(_SELECTED,)),
    "false_discovery_rate": Theirs("false_discovery_rate", "false_discovery_rate_difference", "false_discovery_rate_ratio", undefined=(_SELECTED,)),
    "negative_predictive_value": Theirs("negative_predictive_value", undefined=(_REJECTED,)),
    "false_omission_rate": Theirs("false_omission_rate", "false_omission_rate_difference", "false_omission_rate_ratio", undefined=(_REJECTED,)),
    # Of nobody it says that accuracy is 0 and the error rate 1.
    "accuracy": Theirs("accuracy", undefined=(_ALL,)),
    "error_rate": Theirs("error_rate", "error_rate_difference", "error_rate_ratio", undefined=(_ALL,)),
    # Its `mean_difference` is of labels in the parent class and of decisions here, so the base rate's difference has no name.
    "base_rate": Theirs("base_rate"),
    "true_positives": Theirs("num_true_positives"),
    "false_positives": Theirs("num_false_positives"),
    "true_negatives": Theirs("num_true_negatives"),
    "false_negatives": Theirs("num_false_negatives"),
    "average_odds_difference": Theirs("average_odds_difference", of_one_group=False),
    "average_absolute_odds_difference": Theirs("average_abs_odds_difference", of_one_group=False),
    # Python's max() loses a NaN, so it answers with the other rate's difference, or 0.
    "equalized_odds_difference": Theirs("equalized_odds_difference", undefined=(_POSITIVES, _NEGATIVES), of_one_group=False),
    "average_predictive_value_difference": Theirs("average_predictive_value_difference", undefined=(_SELECTED, _REJECTED), of_one_group=False),
    "generalized_true_positive_rate": Theirs("generalized_true_positive_rate", read=_scored),
    "generalized_false_positive_rate": Theirs("generalized_false_positive_rate", read=_scored),
    "coefficient_of_variation": Theirs("coefficient_of_variation", read=_rows, of_one_group=False),
    "generalized_entropy_index": Theirs("generalized_entropy_index", read=_rows, of_one_group=False),
    "theil_index": Theirs("theil_index", read=_rows, of_one_group=False),
}


@dataclass(frozen=True, slots=True)
class OverGroups:
    """A metric of ours over all groups of a slicing in AIF360's words."""

    ask: Callable[[Any, Params], float]  # of a ClassificationMetric whose protected attribute is the group's number
    read: Read
    groups: Callable[[Counts, Slicing], Iterable[int]] = Counts.of_slicing


def _mean_disparity(metric: Any, params: Params) -> float:
    """Their function takes series that are indexed by the protected attribute."""
    group = pd.Index(metric.dataset.protected_attributes.ravel(), name="group")
    decided = pd.Series(metric.classified_dataset.labels.ravel(), index=group)
    return float(conditional_demographic_disparity(decided, prot_attr="group", sample_weight=metric.dataset.instance_weights))


_OVER_GROUPS = {
    "between_group_generalized_entropy_index": OverGroups(lambda metric, params: metric.between_all_groups_generalized_entropy_index(**params), _rows),
    "between_group_theil_index": OverGroups(lambda metric, _: metric.between_all_groups_theil_index(), _rows),
    "between_group_coefficient_of_variation": OverGroups(lambda metric, _: metric.between_all_groups_coefficient_of_variation(), _rows),
    "mean_demographic_disparity": OverGroups(_mean_disparity, _decided),
    "differential_fairness": OverGroups(lambda metric, params: metric.smoothed_empirical_differential_fairness(**params), _decided, known_groups),
    "differential_fairness_amplification": OverGroups(
        lambda metric, params: metric.differential_fairness_bias_amplification(**params), _labelled, known_groups
    ),
}


def _asked_of(quantity: Quantity, counts: Counts, slicing: Slicing) -> tuple[int, ...]:
    """The groups that have instances: to AIF360 one without them has a rate of 0 by 0."""
    theirs = _OVER_GROUPS[quantity.metric]
    return tuple(int(index) for index in theirs.groups(counts, slicing) if theirs.read(counts, int(index))[:, 2].sum() > 0)


def _able_over_groups(quantity: Quantity, counts: Counts) -> Bools:
    """Which slicings AIF360 is asked of, shape (slicings,)."""
    able = np.array([2 <= len(_asked_of(quantity, counts, slicing)) <= _GROUPS_AT_MOST for slicing in quantity.slicings], dtype=bool)
    if _OVER_GROUPS[quantity.metric].read is _rows:
        able &= _expandable(counts, dict(quantity.params))[counts.index(EVERYONE)]
    if quantity.metric == "between_group_coefficient_of_variation":
        able &= over_groups(quantity.metric, counts, quantity.slicings, {}) > _ROOT_TOLD_FROM_ZERO
    return able


def _measure_over_groups(quantity: Quantity, counts: Counts, asked: Ask) -> Floats:
    theirs = _OVER_GROUPS[quantity.metric]
    values = [theirs.ask(asked(theirs.read, *_asked_of(quantity, counts, slicing)), dict(quantity.params)) for slicing in quantity.slicings]
    return np.where(np.isfinite(values), values, np.nan)


def consistency(features: Floats, decision: Bools, *, neighbors: int) -> float:
    """AIF360's consistency of decisions over features, shape (rows, features); it takes protected columns for features, so the first is said to be one."""
    names = [f"n{place}" for place in range(features.shape[1])]
    frame = pd.DataFrame(features, columns=names).assign(decision=decision.astype(np.float64))
    with quietly():
        decided = BinaryLabelDataset(df=frame, label_names=["decision"], protected_attribute_names=names[:1])
        return float(BinaryLabelDatasetMetric(decided).consistency(n_neighbors=neighbors)[0])
