from __future__ import annotations

import logging
import subprocess
import sys
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairaudit.cube.counts import Counts
from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.evidence.wanted import PARAMS
from fairaudit.metrics.agreement import disagrees
from fairaudit.metrics.catalogue import CATALOGUE, Shape
from fairaudit.metrics.engines import NAMES
from fairaudit.metrics.engines import engine as engine_called
from fairaudit.metrics.engines.interface import Engine, Kind, Quantity
from fairaudit.types import Floats
from tests.builders import counts_from, counts_of_rows, slice_called
from tests.vectors import vector

A, B, NOBODY = Slice([("group", "a")]), Slice([("group", "b")]), Slice([("group", "nobody")])


def asked(engine: Engine, metric: str, counts: Counts, group: Slice, reference: Slice | None = None, kind: Kind = Kind.VALUE, **params: float) -> float | None:
    """The engine's answer for one group, NaN where undefined; None if it does not answer."""
    references = () if reference is None else (counts.index(reference),)
    quantity = Quantity(metric=metric, kind=kind, params=tuple(params.items()), groups=(counts.index(group),), references=references)
    if metric not in engine.metrics or not engine.answers(quantity, counts).all():
        return None
    (values,) = engine.measure([quantity], counts)
    return float(values[0])


# --- Published numbers


def counts_of(published: Any) -> Counts:
    if "tables" in published:
        return counts_from({slice_called(name): tuple(table) for name, table in published["tables"].items()})
    rows = published["rows"]
    decision = rows.get("decision") or [int(score > published.get("threshold", 0.5)) for score in rows["score"]]
    return counts_of_rows(label=rows["label"], decision=decision, score=rows.get("score"))


@pytest.mark.parametrize(
    ("name", "witnesses"),
    [
        ("compas-propublica-two-years", {"tfma": 24, "aif360": 22}),
        ("compas-aequitas-race", {"tfma": 60, "aif360": 60}),
        ("tfma-ten-rows", {"tfma": 22, "aif360": 15}),
        ("tfma-undefined-one-negative", {"tfma": 7, "aif360": 4}),
        ("tfma-calibration-unweighted", {"tfma": 3, "aif360": 1}),
        ("aif360-entropy-ten-rows", {"tfma": 0, "aif360": 2}),
        ("aif360-adult-test-before", {"tfma": 3, "aif360": 5}),
        ("aif360-adult-valid-before", {"tfma": 3, "aif360": 5}),
        ("fairlearn-three-groups", {"tfma": 12, "aif360": 12}),
        ("sklearn-small-scores", {"tfma": 2, "aif360": 0}),
        ("sklearn-small-correlation", {"tfma": 1, "aif360": 0}),
        ("sklearn-small-decisions", {"tfma": 1, "aif360": 0}),
        ("sklearn-small-brier", {"tfma": 1, "aif360": 0}),
        ("sklearn-small-log-loss", {"tfma": 1, "aif360": 0}),
        ("torchmetrics-ece-binary", {"tfma": 0, "aif360": 0}),
    ],
)
def test_an_engine_reaches_the_published_digits(engine: Engine, name: str, witnesses: dict[str, int]) -> None:
    published = vector(name)
    counts = counts_of(published)
    answers = 0
    for one in published["expected"]:
        reference = slice_called(one["reference"]) if "reference" in one else None
        value = asked(engine, one["metric"], counts, slice_called(one["slice"]), reference, Kind(one.get("kind", "value")), **one.get("params", {}))
        if value is None:
            continue
        answers += 1
        if one["value"] is None:
            assert np.isnan(value), one
        else:
            assert value == pytest.approx(one["value"], abs=0.5 * 10 ** -one["digits"] + 1e-12), one
            assert value == pytest.approx(one["full"], abs=1e-9), one
    assert answers == ({"native": len(published["expected"])} | witnesses)[engine.name]


@pytest.mark.parametrize("expected", vector("fairlearn-three-groups")["to_everyone"], ids=lambda one: str(one["metric"]))
def test_fairlearns_largest_difference_from_everyone_is_reached(engine: Engine, expected: dict[str, Any]) -> None:
    tables = {slice_called(name): tuple(table) for name, table in vector("fairlearn-three-groups")["tables"].items()}
    counts = counts_from(tables)
    apart = [abs(value) for one in tables if (value := asked(engine, expected["metric"], counts, one, EVERYONE, Kind.DIFFERENCE)) is not None]
    assert len(apart) == 4 and max(apart) == pytest.approx(expected["full"], abs=1e-9)


# --- Worked by hand: group a selects 4 of 10, group b 2 of 4, with tables (tp, fp, fn, tn)

TABLES = {A: (3.0, 1.0, 2.0, 4.0), B: (1.0, 1.0, 1.0, 1.0)}
BY_HAND = {
    "selection_rate": (4 / 10, 2 / 4),
    "negative_rate": (6 / 10, 2 / 4),
    "true_positive_rate": (3 / 5, 1 / 2),
    "false_positive_rate": (1 / 5, 1 / 2),
    "true_negative_rate": (4 / 5, 1 / 2),
    "false_negative_rate": (2 / 5, 1 / 2),
    "positive_predictive_value": (3 / 4, 1 / 2),
    "false_discovery_rate": (1 / 4, 1 / 2),
    "negative_predictive_value": (4 / 6, 1 / 2),
    "false_omission_rate": (2 / 6, 1 / 2),
    "accuracy": (7 / 10, 2 / 4),
    "error_rate": (3 / 10, 2 / 4),
    "base_rate": (5 / 10, 2 / 4),
    "balanced_accuracy": (7 / 10, 1 / 2),
    "f1": (6 / 9, 2 / 4),
    "informedness": (3 / 5 - 1 / 5, 0),
    "positive_likelihood_ratio": ((3 / 5) / (1 / 5), 1),
    "negative_likelihood_ratio": ((2 / 5) / (4 / 5), 1),
    "matthews_correlation": (10 / np.sqrt(4 * 5 * 5 * 6), 0),
    "true_positives": (3, 1),
    "false_positives": (1, 1),
    "true_negatives": (4, 1),
    "false_negatives": (2, 1),
}


@pytest.mark.parametrize(("metric", "values"), BY_HAND.items())
def test_rates_counts_differences_and_ratios_are_those_worked_by_hand(engine: Engine, metric: str, values: tuple[float, float]) -> None:
    counts, (a, b) = counts_from(TABLES), values
    assert asked(engine, metric, counts, A) in (None, pytest.approx(a))
    assert asked(engine, metric, counts, A, B, Kind.DIFFERENCE) in (None, pytest.approx(a - b))
    if b:
        assert asked(engine, metric, counts, A, B, Kind.RATIO) in (None, pytest.approx(a / b))


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("average_odds_difference", ((1 / 5 - 1 / 2) + (3 / 5 - 1 / 2)) / 2),
        ("average_absolute_odds_difference", (3 / 10 + 1 / 10) / 2),
        ("equalized_odds_difference", 3 / 10),
        ("average_predictive_value_difference", ((3 / 4 - 1 / 2) + (2 / 6 - 1 / 2)) / 2),
    ],
)
def test_composite_odds_are_those_worked_by_hand(engine: Engine, metric: str, value: float) -> None:
    assert asked(engine, metric, counts_from(TABLES), A, B) in (None, pytest.approx(value))


NATIVE_ALONE = {
    *("pr_auc", "bpsn_auc", "bnsp_auc", "ks_separation", "scoring_rate", "kolmogorov_smirnov_distance", "demographic_disparity"),
    *(f"{kind}_calibration_error" for kind in ("expected", "maximum", "root_mean_square")), "calibration_error_by_chance",
    "equalized_odds_gap", "equalized_odds_ratio", "within_group_generalized_entropy_index",
    *(NO_ENGINES := {one.id for one in CATALOGUE.values() if one.shape in (Shape.CONDITIONAL, Shape.INDIVIDUAL, Shape.POPULATION)}),
}  # fmt: skip


@pytest.mark.parametrize(
    ("engine_name", "not_supported"),
    [
        ("native", NO_ENGINES),  # which rest on other counts, or on rows
        (
            "tfma",
            {"error_rate", "average_odds_difference", "average_absolute_odds_difference", "equalized_odds_difference"}
            | {"generalized_entropy_index", "theil_index", "mean_log_deviation", "coefficient_of_variation", "average_predictive_value_difference"}
            | {"calibration_in_the_large", "generalized_true_positive_rate", "generalized_false_positive_rate"}
            | {"between_group_generalized_entropy_index", "between_group_theil_index", "between_group_coefficient_of_variation"}
            | {"differential_fairness", "differential_fairness_amplification", "mean_demographic_disparity"}
            | NATIVE_ALONE,
        ),
        (
            "aif360",
            {"score_histogram", "negative_rate", "balanced_accuracy", "roc_auc", "pr_auc_interpolated", "mean_score", "calibration_ratio", "mean_log_deviation", "f1", "matthews_correlation"}
            | {"informedness", "positive_likelihood_ratio", "negative_likelihood_ratio"}
            | {"calibration_in_the_large", "brier_score", "coefficient_of_discrimination", "log_loss"}
            | NATIVE_ALONE,
        ),
    ],
)
def test_what_an_engine_does_not_support_is_known(engine_name: str, not_supported: set[str]) -> None:
    assert engine_called(engine_name).metrics == set(CATALOGUE) - not_supported


def test_ratios_are_none_of_tfmas() -> None:
    assert asked(engine_called("tfma"), "selection_rate", counts_from(TABLES), A, B, Kind.RATIO) is None


# --- What is undefined

_OF_BOTH_CLASSES = ("matthews_correlation", "informedness", "positive_likelihood_ratio", "negative_likelihood_ratio")
_OF_REJECTED = ("negative_predictive_value", "false_omission_rate", "accuracy", "error_rate", "base_rate", "true_positives", "false_positives", "true_negatives", "false_negatives")


@pytest.mark.parametrize(
    ("table", "undefined"),
    [
        ((0.0, 3.0, 0.0, 4.0), {"true_positive_rate", "false_negative_rate", "balanced_accuracy", *_OF_BOTH_CLASSES}),
        ((3.0, 0.0, 4.0, 0.0), {"false_positive_rate", "true_negative_rate", "balanced_accuracy", *_OF_BOTH_CLASSES}),
        ((0.0, 0.0, 4.0, 2.0), {"positive_predictive_value", "false_discovery_rate", "matthews_correlation", "positive_likelihood_ratio"}),
        ((4.0, 2.0, 0.0, 0.0), {"negative_predictive_value", "false_omission_rate", "matthews_correlation", "negative_likelihood_ratio"}),
        ((0.0, 0.0, 0.0, 2.0), set(BY_HAND) - {"selection_rate", "negative_rate", "false_positive_rate", "true_negative_rate", *_OF_REJECTED}),
        ((0.0, 0.0, 0.0, 0.0), set(BY_HAND) - {"true_positives", "false_positives", "true_negatives", "false_negatives"}),
    ],
)
def test_a_rate_over_nothing_is_undefined_and_so_is_what_compares_it(engine: Engine, table: tuple[float, float, float, float], undefined: set[str]) -> None:
    counts = counts_from({A: table, B: (3.0, 1.0, 2.0, 4.0)})
    for metric in BY_HAND:
        value = asked(engine, metric, counts, A)
        if value is not None:
            assert np.isnan(value) == (metric in undefined), metric
        if metric in undefined:
            for kind in (Kind.DIFFERENCE, Kind.RATIO):
                assert asked(engine, metric, counts, A, B, kind) in (None, pytest.approx(np.nan, nan_ok=True)), (metric, kind)


@pytest.mark.parametrize("metric", ["average_odds_difference", "average_absolute_odds_difference", "equalized_odds_difference"])
@pytest.mark.parametrize("table", [(0.0, 3.0, 0.0, 4.0), (3.0, 0.0, 4.0, 0.0), (0.0, 0.0, 0.0, 0.0)])
def test_composite_odds_are_undefined_when_a_part_is(engine: Engine, metric: str, table: tuple[float, float, float, float]) -> None:
    counts = counts_from({A: table, B: (3.0, 1.0, 2.0, 4.0)})
    for group, reference in ((A, B), (B, A)):
        assert asked(engine, metric, counts, group, reference) in (None, pytest.approx(np.nan, nan_ok=True))


def test_a_ratio_to_zero_is_undefined_even_where_the_library_says_infinite(engine: Engine) -> None:
    counts = counts_from({A: (3.0, 1.0, 2.0, 4.0), B: (0.0, 0.0, 2.0, 4.0)})
    for group in (A, B):
        assert asked(engine, "selection_rate", counts, group, B, Kind.RATIO) in (None, pytest.approx(np.nan, nan_ok=True))
    assert asked(engine, "selection_rate", counts, B, A, Kind.RATIO) in (None, 0.0)


def test_inequality_is_that_worked_by_hand(engine: Engine) -> None:
    """Benefits 0, 0, 1 × 7, 2 have the mean 0.9."""
    counts = counts_from(TABLES)
    squares = (2 * 0.9**2 + 7 * 0.1**2 + 1.1**2) / 10
    assert asked(engine, "coefficient_of_variation", counts, A) in (None, pytest.approx(np.sqrt(squares) / 0.9))
    assert asked(engine, "mean_log_deviation", counts, A) in (None, np.inf)
    none_missed = counts_from({A: (3.0, 1.0, 0.0, 4.0)})  # 1 × 7 and 2, mean 9/8
    assert asked(engine, "mean_log_deviation", none_missed, A) in (None, pytest.approx(np.log(9 / 8) - np.log(2) / 8))


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("calibration_in_the_large", (0.75 + 0.25 + 0.25 + 0.25) / 3 - 0.5),
        ("brier_score", (1 * 0.25**2 + 1 * 0.25**2 + 0.5 * 0.5**2 + 0.5 * 0.5**2) / 3),
        ("coefficient_of_discrimination", 1 / 3),
        ("generalized_true_positive_rate", 2 / 3),
        ("generalized_false_positive_rate", 1 / 3),
    ],
)
def test_what_scores_promise_is_that_worked_by_hand(engine: Engine, metric: str, value: float) -> None:
    """Weights 1, 1, 0.5, 0.5: positives at 0.75 and 0.5, negatives at 0.25 and 0.5."""
    counts = counts_of_rows(label=[1, 0, 1, 0, 2], decision=[1, 0, 0, 0, 1], score=[0.75, 0.25, 0.5, 0.5, 1.0], weight=[1.0, 1.0, 0.5, 0.5, 4.0])
    assert asked(engine, metric, counts, EVERYONE) in (None, pytest.approx(value))


@pytest.mark.parametrize("metric", ["generalized_entropy_index", "theil_index", "mean_log_deviation", "coefficient_of_variation"])
@pytest.mark.parametrize("table", [(0.0, 0.0, 5.0, 0.0), (0.0, 0.0, 0.0, 0.0)])
def test_inequality_of_no_benefit_at_all_is_undefined(engine: Engine, metric: str, table: tuple[float, float, float, float]) -> None:
    assert asked(engine, metric, counts_from({A: table}), A) in (None, pytest.approx(np.nan, nan_ok=True))


def test_a_slice_compared_with_itself_differs_by_nothing(engine: Engine) -> None:
    assert asked(engine, "selection_rate", counts_from(TABLES), A, A, Kind.DIFFERENCE) == 0.0
    assert asked(engine, "equalized_odds_difference", counts_from(TABLES), A, A) in (None, 0.0)


# --- Rows without a label, weights, scores


def test_rows_without_a_label_count_for_the_decision_alone(engine: Engine) -> None:
    counts = counts_from(TABLES, unlabelled={A: (1.0, 9.0)})
    assert asked(engine, "selection_rate", counts, A) == pytest.approx(13 / 20)
    assert asked(engine, "negative_rate", counts, A) in (None, pytest.approx(7 / 20))
    assert asked(engine, "true_positive_rate", counts, A) == pytest.approx(3 / 5)
    assert asked(engine, "base_rate", counts, A) == pytest.approx(5 / 10)


def test_without_any_label_only_the_decision_can_be_measured(engine: Engine) -> None:
    counts = counts_from({A: (0.0, 0.0, 0.0, 0.0)}, unlabelled={A: (1.0, 3.0)})
    assert asked(engine, "selection_rate", counts, A) == pytest.approx(3 / 4)
    assert asked(engine, "accuracy", counts, A) == pytest.approx(np.nan, nan_ok=True)


def test_the_mean_score_may_lie_anywhere_and_includes_unlabelled_rows(engine: Engine) -> None:
    counts = counts_of_rows(label=[0, 1, 2, 2], decision=[0, 1, 0, 1], score=[-3.0, 2.0, 5.0, 100.0], weight=[1.0, 2.0, 0.5, 0.25])
    assert asked(engine, "mean_score", counts, EVERYONE) in (None, pytest.approx((-3 + 4 + 2.5 + 25) / 3.75))
    assert asked(engine, "calibration_ratio", counts, EVERYONE) in (None, pytest.approx(np.nan, nan_ok=True))  # these are no probabilities


def test_tiny_weights_are_weights(engine: Engine) -> None:
    """TFMA takes a total within 1e-8 of zero for zero."""
    counts = counts_of_rows(label=[1, 0, 1], decision=[1, 0, 0], score=[0.5, 0.25, 1.0], weight=[1e-9, 2e-9, 1e-9])
    assert asked(engine, "mean_score", counts, EVERYONE) in (None, pytest.approx(0.5))
    assert asked(engine, "calibration_ratio", counts, EVERYONE) in (None, pytest.approx(1.0))
    assert asked(engine, "true_positive_rate", counts, EVERYONE) == pytest.approx(0.5)


def test_scores_that_nobody_gave_are_undefined(engine: Engine) -> None:
    for metric in ("roc_auc", "mean_score", "calibration_ratio"):
        assert asked(engine, metric, counts_from(TABLES), A) in (None, pytest.approx(np.nan, nan_ok=True))


@pytest.mark.parametrize("distinct", [1, 2, 3, 98, 99, 100, 101, 998, 999, 1_000, 1_001, 9_998, 9_999])
def test_auc_is_exact_below_ten_thousand_distinct_scores(engine: Engine, distinct: int) -> None:
    """Truth by scikit-learn. The scores are those that TFMA by itself would clamp or throw into one bucket."""
    from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]

    rng = np.random.default_rng(distinct)
    ranks = np.r_[np.arange(distinct), rng.integers(0, distinct, 50)]
    label, weight = rng.integers(0, 2, ranks.size), rng.uniform(0.5, 2.0, ranks.size)
    label[:2] = 0, 1
    counts = _with_scores(ranks, label, weight)
    truth = roc_auc_score(label, 1e-6 * ranks - 3, sample_weight=weight) if distinct > 1 else 0.5
    assert asked(engine, "roc_auc", counts, EVERYONE) in (None, pytest.approx(truth, abs=1e-12))


def test_tfma_is_not_asked_for_an_auc_that_its_buckets_cannot_hold() -> None:
    ranks = np.arange(10_000)
    counts = _with_scores(ranks, ranks % 2, np.ones(10_000))
    assert asked(engine_called("tfma"), "roc_auc", counts, EVERYONE) is None
    assert asked(engine_called("tfma"), "mean_score", counts, EVERYONE) is not None


def _with_scores(ranks: Any, label: Any, weight: Any) -> Counts:
    """One slice, its score cells grouped with NumPy: the plain builder would take minutes."""
    small = counts_of_rows(label=[0, 1], decision=[0, 1], score=[0.0, 1.0])
    assert small.score_cells is not None
    keys, place = np.unique(np.stack([ranks, label]), axis=1, return_inverse=True)
    sums, zeros = np.bincount(place.ravel(), weight).astype(float), np.zeros(keys.shape[1], dtype=np.int64)
    cells = replace(
        small.score_cells, slice=zeros, order=keys[0], label=keys[1], weight=sums, weight_sq=sums, rows=zeros + 1, lowest=keys[0] / 1.0, highest=keys[0] / 1.0
    )
    return replace(small, score_cells=cells)


@pytest.mark.parametrize("label", [0, 1])
def test_auc_of_one_class_is_undefined(engine: Engine, label: int) -> None:
    counts = counts_of_rows(label=[label, label], decision=[0, 1], score=[0.2, 0.7])
    assert asked(engine, "roc_auc", counts, EVERYONE) in (None, pytest.approx(np.nan, nan_ok=True))


def test_aif360_is_not_asked_for_entropy_of_weighted_rows_or_of_very_many() -> None:
    aif360 = engine_called("aif360")
    assert asked(aif360, "theil_index", counts_from(TABLES), A) is not None
    assert asked(aif360, "theil_index", counts_from(TABLES, has_weights=True), A) is None
    assert asked(aif360, "theil_index", counts_from({A: (200_000.0, 1.0, 0.0, 0.0), B: (200_000.0, 0.0, 0.0, 0.0)}), A) is None
    assert asked(aif360, "theil_index", counts_from({A: (200_000.0, 1.0, 0.0, 0.0), B: (200_000.0, 0.0, 0.0, 0.0)}), B) == pytest.approx(0.0)
    assert asked(aif360, "generalized_entropy_index", counts_from(TABLES), A, alpha=0.0) is None


def test_an_engine_remembers_nothing(engine: Engine) -> None:
    """AIF360 memoises by object: the same slice of other counts must give another number."""
    assert asked(engine, "accuracy", counts_from({A: (1.0, 0.0, 0.0, 1.0)}), A) == 1.0
    assert asked(engine, "accuracy", counts_from({A: (0.0, 1.0, 1.0, 0.0)}), A) == 0.0


def test_answers_keep_the_order_of_what_was_wanted_and_may_be_none_at_all(engine: Engine) -> None:
    counts = counts_from(TABLES)
    wanted = [Quantity(metric="accuracy", groups=(1, 0, 1)), Quantity(metric="base_rate", groups=()), Quantity(metric="selection_rate", groups=(0,))]
    assert [array.tolist() for array in engine.measure(wanted, counts)] == [pytest.approx([0.5, 0.7, 0.5]), [], pytest.approx([0.4])]


# --- The three engines, one by another


@st.composite
def some_counts(draw: st.DrawFn) -> Counts:
    """Rows of three labels in overlapping slices, one of them empty; with or without scores and weights."""
    n = draw(st.integers(0, 30))

    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(values, min_size=n, max_size=n))

    labels = draw(st.sampled_from([(0, 1), (0, 1, 2), (0,), (1,), (1, 2), (2,)]))
    decisions = draw(st.sampled_from([(0, 1), (0,), (1,)]))
    scores = draw(st.sampled_from([None, st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), st.floats(0, 1), st.floats(-50, 50)]))
    weights = draw(st.sampled_from([None, st.integers(1, 9), st.floats(1e-3, 1e3)]))
    return counts_of_rows(
        {A: column(st.booleans()), B: column(st.booleans()), NOBODY: [False] * n},
        label=column(st.sampled_from(labels)),
        decision=column(st.sampled_from(decisions)),
        score=None if scores is None else column(scores),
        weight=None if weights is None else column(weights),
    )


def everything(counts: Counts) -> list[Quantity]:
    """Every metric and comparison that the catalogue allows, of all slices and pairs of slices."""
    slices = tuple(range(len(counts.slices)))
    pairs = [(group, reference) for group in slices for reference in slices]
    groups, references = tuple(group for group, _ in pairs), tuple(reference for _, reference in pairs)
    wanted = []
    for metric, entry in CATALOGUE.items():
        if entry.shape in (Shape.CONDITIONAL, Shape.INDIVIDUAL):
            continue
        if entry.shape is Shape.DISTRIBUTION:
            wanted += [Quantity(metric=metric, groups=slices, params=(("bins", 10.0), ("bin", float(place)), ("sum", float(which)))) for place in (0, 5, 9) for which in range(3)]
            continue
        if entry.shape is Shape.PAIR:
            wanted.append(Quantity(metric=metric, groups=groups, references=references))
            continue
        if entry.shape is Shape.ACROSS:
            wanted.append(Quantity(metric=metric, slicings=(("group",),), params=PARAMS.get(metric, ())))
            continue
        wanted.append(Quantity(metric=metric, groups=slices))
        if entry.shape is not Shape.INEQUALITY:
            wanted += [Quantity(metric=metric, kind=kind, groups=groups, references=references) for kind in (Kind.DIFFERENCE, Kind.RATIO)]
    return wanted


def answerable(engine: Engine, wanted: list[Quantity], counts: Counts) -> list[Quantity]:
    chosen = []
    for quantity in wanted:
        if quantity.metric in engine.metrics:
            able = np.flatnonzero(engine.answers(quantity, counts))
            references = tuple(quantity.references[i] for i in able) if quantity.references else ()
            slicings = tuple(quantity.slicings[i] for i in able) if quantity.slicings else ()
            chosen.append(replace(quantity, groups=tuple(quantity.groups[i] for i in able if quantity.groups), references=references, slicings=slicings))
    return [quantity for quantity in chosen if quantity.size]


@settings(max_examples=25, deadline=None)
@given(counts=some_counts())
def test_a_witness_agrees_with_our_formulas_on_every_number_and_on_what_is_undefined(witness: Engine, counts: Counts) -> None:
    wanted = answerable(witness, everything(counts), counts)
    theirs: tuple[Floats, ...] = witness.measure(wanted, counts)
    for quantity, ours, other in zip(wanted, engine_called("native").measure(wanted, counts), theirs, strict=True):
        assert not disagrees(ours, other).any(), (quantity.metric, quantity.kind, ours, other)


# --- Manners


def test_an_engine_says_nothing_while_it_measures(engine: Engine, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    counts = counts_of_rows({NOBODY: [False]}, label=[0], decision=[0], score=[0.5])
    with warnings.catch_warnings(), caplog.at_level(logging.INFO):
        warnings.simplefilter("error")
        engine.measure(answerable(engine, everything(counts), counts), counts)
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


@pytest.mark.parametrize(
    ("name", "absent"),
    [("native", {"tensorflow", "tensorflow_model_analysis", "aif360", "pandas"}), ("tfma", {"aif360"}), ("aif360", {"tensorflow_model_analysis"})],
)
def test_an_engine_imports_no_other_engines_library_and_leaves_logging_as_it_was(name: str, absent: set[str]) -> None:
    code = (
        f"import logging, sys; from fairaudit.metrics.engines import engine; engine({name!r}); print(sorted({absent!r} & set(sys.modules)));"
        "root = logging.getLogger(); print(root.handlers, root.filters)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n[] []\n" and "inFairness" not in done.stderr


def test_names_are_what_the_front_door_calls_them() -> None:
    assert [engine_called(name).name for name in NAMES] == list(NAMES)


def test_an_error_rate_too_small_for_aif360_is_not_asked_of_it() -> None:
    counts = counts_from({EVERYONE: (8e8, 1, 2, 9e8), A: (5e8, 1, 0, 5e8), B: (3e8, 0, 2, 4e8)})
    native, aif360 = engine_called("native"), engine_called("aif360")
    assert asked(native, "error_rate", counts, A, B, Kind.RATIO) == pytest.approx((1 / (1e9 + 1)) / (2 / (7e8 + 2)), rel=1e-12)
    assert asked(aif360, "error_rate", counts, A, B, Kind.RATIO) is None
    large = counts_from({EVERYONE: (8, 1, 2, 9), A: (5, 1, 0, 5), B: (3, 0, 2, 4)})
    assert asked(aif360, "error_rate", large, A, B, Kind.RATIO) == pytest.approx((1 / 11) / (2 / 9), rel=1e-12)
