"""Reject option: AIF360's own search, run live, and the numbers that its notebook prints; more groups are each held against the reference."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from fairaudit.errors import ConfigError, ContentError
from fairaudit.metrics.engines.quiet import quietly
from fairaudit.mitigations.cells import Cells
from fairaudit.mitigations.policy import Treatment, threshold_at
from fairaudit.mitigations.reject_option import METRICS, Grid, points, reject_option, settings, treated
from fairaudit.mitigations.solved import Solved, Unreachable
from tests.mitigations.builders import Rows, rows_of, tables
from tests.mitigations.expected import expected
from tests.vectors import vector

THEIR_NAMES = {
    "statistical_parity_difference": "Statistical parity difference",
    "average_odds_difference": "Average odds difference",
    "equal_opportunity_difference": "Equal opportunity difference",
}
SMALL = Grid(thresholds=9, margins=5, low=0.1, high=0.9)  # with the scores of the tables in 40ths, many lie just at an end of the band
ROUNDING = 1e-12


def theirs(rows: Rows, metric: str, grid: Grid, bounds: tuple[float, float]) -> tuple[Any, bool]:
    """AIF360's search, and whether it found anything: its bounds that much wider as ours let rounding be."""
    with quietly():
        from aif360.algorithms.postprocessing import RejectOptionClassification  # type: ignore[import-untyped]
    true, said = rows.datasets(0.5)
    made = RejectOptionClassification(
        **rows.roles, low_class_thresh=grid.low, high_class_thresh=grid.high, num_class_thresh=grid.thresholds, num_ROC_margin=grid.margins, metric_name=THEIR_NAMES[metric],
        metric_lb=bounds[0] - ROUNDING, metric_ub=bounds[1] + ROUNDING,
    )  # fmt: skip
    with warnings.catch_warnings(record=True) as told, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        made.fit(true, said)
    return made, not any("Unable" in str(one.message) for one in told)


def measured(rows: Rows, fitted: Any, metric: str) -> tuple[float, float]:
    """AIF360's own balanced accuracy and difference of what it predicts."""
    with quietly():
        from aif360.metrics import BinaryLabelDatasetMetric, ClassificationMetric  # type: ignore[import-untyped]

        true, said = rows.datasets(0.5)
        after = fitted.predict(said)
        of = ClassificationMetric(true, after, **rows.roles)
        difference = {
            "statistical_parity_difference": BinaryLabelDatasetMetric(after, **rows.roles).mean_difference,
            "average_odds_difference": of.average_odds_difference,
            "equal_opportunity_difference": of.equal_opportunity_difference,
        }[metric]()
        return (of.true_positive_rate() + of.true_negative_rate()) / 2, difference


def fitted_by_hand(rows: Rows, threshold: float, margin: float) -> Any:
    with quietly():
        from aif360.algorithms.postprocessing import RejectOptionClassification  # type: ignore[import-untyped]
    made = RejectOptionClassification(**rows.roles)
    made.classification_threshold, made.ROC_margin = threshold, margin
    return made


def by_definition(cells: Cells, treatments: tuple[Treatment, ...], metric: str, reference: int) -> tuple[float, list[float]]:
    tp, fp = expected(cells, treatments)
    p, n = cells.positive.sum(axis=1), cells.negative.sum(axis=1)
    value = {
        "statistical_parity_difference": (tp + fp) / (p + n), "equal_opportunity_difference": tp / p, "average_odds_difference": (tp / p + fp / n) / 2,
    }[metric]  # fmt: skip
    return (tp.sum() / p.sum() + 1 - fp.sum() / n.sum()) / 2, (value - value[reference]).tolist()


def chosen(solved: Solved) -> tuple[float, float]:
    parameters = dict(solved.parameters)
    return parameters["threshold"], parameters["margin"]


@examples(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(rows=tables(weights=st.floats(0.5, 9)), metric=st.sampled_from(METRICS), bounds=st.sampled_from([(-0.05, 0.05), (-0.2, 0.1), (0.0, 0.3)]), threshold=st.sampled_from([0.3, 0.5]))
def test_aif360_reaches_the_same_accuracy_and_its_best_setting_is_as_good_here(rows, metric, bounds, threshold):
    cells = rows.cells()
    fitted, found = theirs(rows, metric, SMALL, bounds)
    try:
        solved = reject_option(cells, metric, threshold=threshold, reference=1, bounds=bounds, grid=SMALL)
    except Unreachable:
        assert not found
        return
    assert found
    accuracy, difference = measured(rows, fitted, metric)
    assert solved.objective == pytest.approx(accuracy, abs=1e-9)
    theirs_here = treated(2, 1, threshold=fitted.classification_threshold, margin=fitted.ROC_margin)
    assert by_definition(cells, theirs_here, metric, 1) == (pytest.approx(accuracy, abs=1e-9), [pytest.approx(difference, abs=1e-9), 0])
    again, ours = measured(rows, fitted_by_hand(rows, *chosen(solved)), metric)
    assert (again, ours) == (pytest.approx(solved.objective, abs=1e-9), pytest.approx(solved.rates[0][0], abs=1e-9))


@pytest.mark.parametrize("metric", METRICS)
def test_where_one_setting_is_best_it_is_aif360s(metric):
    rng, tried, unique = np.random.default_rng(8), settings(SMALL), 0
    for _ in range(25):
        group, score = rng.integers(0, 2, 80), rng.random(80)
        rows = Rows(group=group, score=score, label=(rng.random(80) < score * (0.6 + 0.4 * group)).astype(int), weight=rng.random(80) + 0.5)
        cells = rows.cells()
        given_by = [by_definition(cells, treated(2, 1, threshold=threshold, margin=margin), metric, 1) for threshold, margin in zip(tried.thresholds, tried.margins, strict=True)]
        allowed = [accuracy for accuracy, differences in given_by if abs(differences[0]) <= 0.1]
        if not allowed or sum(one > max(allowed) - 1e-9 for one in allowed) > 1:
            continue
        unique += 1
        fitted, _ = theirs(rows, metric, SMALL, (-0.1, 0.1))
        solved = reject_option(cells, metric, threshold=0.001, reference=1, bounds=(-0.1, 0.1), grid=SMALL)
        assert chosen(solved) == (fitted.classification_threshold, fitted.ROC_margin)
    assert unique >= 10


def test_the_grid_is_aif360s_to_the_last_digit():
    ours = settings(Grid())
    theirs_at: list[tuple[float, float]] = []
    for threshold in np.linspace(0.01, 0.99, 100):
        theirs_at += [(threshold, margin) for margin in np.linspace(0.0, threshold if threshold <= 0.5 else 1.0 - threshold, 50)]
    assert list(zip(ours.thresholds, ours.margins, strict=True)) == theirs_at
    ends = points(Grid())
    assert set(ends) == {float(end) for threshold, margin in theirs_at for end in (threshold - margin, threshold + margin)} and list(ends) == sorted(ends)


def adult() -> tuple[Rows, Any]:
    """AIF360's validation part of Adult as weighted rows: women are group 0."""
    published = vector("aif360-reject-option-applied-valid")
    sex, label, score, rows = zip(*published["cells"], strict=True)
    return Rows(group=np.array([int(one == "Male") for one in sex]), label=np.array(label), score=np.array(score), weight=np.array(rows, dtype=float)), published


def test_the_notebooks_setting_gives_the_numbers_that_it_prints_on_adult():
    rows, published = adult()
    cells = rows.cells()
    treatments = treated(2, 1, threshold=published["parameters"]["threshold"], margin=published["parameters"]["margin"])
    tp, fp = expected(cells, treatments)
    selected = (tp + fp) / (cells.positive + cells.negative).sum(axis=1)
    found = {metric: by_definition(cells, treatments, metric, 1)[1][0] for metric in METRICS}
    found |= {"balanced_accuracy": by_definition(cells, treatments, METRICS[0], 1)[0], "disparate_impact": selected[0] / selected[1]}
    told = [one for one in published["expected"] if one["metric"] in found]
    assert len(told) == 5
    for one in told:
        assert round(found[one["metric"]], one["digits"]) == one["value"] and found[one["metric"]] == pytest.approx(one["full"], abs=1e-12)


def test_before_any_of_it_the_notebooks_counts_are_had_at_its_threshold():
    (women, men) = (vector("aif360-adult-valid-before")["tables"][name] for name in ("sex=Female", "sex=Male"))
    cells = adult()[0].cells()
    tp, fp = expected(cells, [threshold_at(0.2674)] * 2)
    assert [tp.tolist(), fp.tolist()] == [[women[0], men[0]], [women[1], men[1]]]
    assert (cells.positive.sum(axis=1) - tp).tolist() == [women[2], men[2]]


@pytest.mark.parametrize("metric", METRICS)
def test_on_adult_aif360s_whole_grid_finds_the_same(metric):
    rows, _ = adult()
    fitted, found = theirs(rows, metric, Grid(), (-0.05, 0.05))
    solved = reject_option(rows.cells(), metric, threshold=0.2674)
    accuracy, difference = measured(rows, fitted, metric)
    assert found and solved.reference == 1 and abs(solved.rates[0][0]) <= 0.05
    assert solved.objective == pytest.approx(accuracy, abs=1e-9) and solved.before == pytest.approx(0.7472700636718443, abs=1e-12)
    assert solved.rates[0][0] == pytest.approx(difference, abs=1e-9)


@given(rows=tables(least=3, most=6, weights=st.floats(0.5, 9)), metric=st.sampled_from(METRICS), helps=st.booleans())
def test_every_group_is_held_against_the_reference_and_nothing_on_the_grid_is_better(rows, metric, helps):
    cells = rows.cells()
    groups, tried = len(cells.groups), settings(SMALL)
    reference = groups - 1
    best = -np.inf
    for threshold, margin in zip(tried.thresholds, tried.margins, strict=True):
        accuracy, differences = by_definition(cells, treated(groups, reference, threshold=threshold, margin=margin, helps=helps), metric, reference)
        if all(abs(one) <= 0.15 + ROUNDING for one in differences):
            best = max(best, accuracy)
    try:
        solved = reject_option(cells, metric, threshold=0.5, reference=reference, bounds=(-0.15, 0.15), grid=SMALL, helps=helps)
    except Unreachable:
        assert best == -np.inf
        return
    accuracy, differences = by_definition(cells, solved.treatments, metric, reference)
    assert all(abs(one) <= 0.15 + ROUNDING for one in differences) and solved.rates[0].tolist() == pytest.approx(differences, abs=1e-12)
    assert solved.objective == pytest.approx(accuracy, abs=1e-12) and accuracy == pytest.approx(best, abs=1e-12)


def test_three_groups_worked_by_hand():
    """A is best-off: at 0.5 four of its five are selected, and none of B's and C's, whose best stand at 0.45. Two of each are positive in A, one in B and C, all at the top. Within 0.1 of 0.5 A loses
    those at 0.55 and B and C win theirs at 0.45: 2, 1 and 1 of 5 are selected, and all decisions are right."""
    cells = rows_of([[0, 0, 0, 2], [0, 1, 0, 0], [0, 1, 0, 0]], [[1, 0, 2, 0], [4, 0, 0, 0], [4, 0, 0, 0]], [0.2, 0.45, 0.55, 0.9]).cells()
    solved = reject_option(cells, "statistical_parity_difference", threshold=0.5, bounds=(-0.2, 0.2), grid=Grid(thresholds=3, margins=6, low=0.25, high=0.75))
    assert solved.reference == 0 and solved.parameters == (("threshold", 0.5), ("margin", pytest.approx(0.1)))
    assert solved.treatments == (threshold_at(0.6), threshold_at(0.4), threshold_at(0.4))
    assert solved.rates[0].tolist() == [0, pytest.approx(-0.2), pytest.approx(-0.2)] and solved.objective == 1
    assert solved.before == pytest.approx((2 / 4 + 9 / 11) / 2)


@pytest.mark.parametrize("metric", ["statistical_parity_difference", "average_odds_difference"])
@given(rows=tables(weights=st.floats(0.5, 9)))
@examples(max_examples=10, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_where_a_positive_decision_harms_it_is_aif360s_with_the_labels_turned_round(metric, rows):
    grid = Grid(thresholds=8, margins=5, low=0.111, high=0.889)  # no score of the tables lies at an end of a band, where > and ≥ would differ
    turned = Rows(group=rows.group, label=1 - rows.label, score=1 - rows.score, weight=rows.weight)
    fitted, found = theirs(turned, metric, grid, (-0.15, 0.15))
    try:
        solved = reject_option(rows.cells(), metric, threshold=0.5, reference=1, bounds=(-0.15, 0.15), grid=grid, helps=False)
    except Unreachable:
        assert not found
        return
    assert found and solved.objective == pytest.approx(measured(turned, fitted, metric)[0], abs=1e-9)


def test_the_best_off_group_is_who_is_selected_most_or_where_that_harms_least():
    cells = rows_of([[2, 2], [1, 3], [3, 1]], [[2, 2], [1, 3], [3, 1]], [0.25, 0.75]).cells()
    wide = {"threshold": 0.5, "bounds": (-1.0, 1.0), "grid": SMALL}
    assert reject_option(cells, "statistical_parity_difference", **wide).reference == 1
    assert reject_option(cells, "statistical_parity_difference", **wide, helps=False).reference == 2


@given(rows=tables(least=1, most=1), groups=st.integers(2, 5), times=st.lists(st.integers(1, 5), min_size=5, max_size=5), metric=st.sampled_from(METRICS))
def test_groups_that_are_already_equal_are_all_decided_at_one_threshold_the_models_own_where_it_is_best(rows, groups, times, metric):
    one = rows.cells()
    fair = rows_of([(one.positive[0] * times[place]).tolist() for place in range(groups)], [(one.negative[0] * times[place]).tolist() for place in range(groups)], one.lowest.tolist())
    grid = Grid(thresholds=81, margins=5, low=0.0, high=1.0)  # all ways to cut the scores
    solved = reject_option(fair.cells(), metric, threshold=0.5, bounds=(-0.05, 0.05), grid=grid)
    assert dict(solved.parameters)["margin"] == 0 and len(set(solved.treatments)) == 1
    if solved.objective == pytest.approx(solved.before, abs=1e-12):
        assert solved.treatments == (threshold_at(0.5),) * groups


def test_where_no_setting_keeps_to_the_bounds_the_error_names_the_nearest_and_aif360_takes_the_most_biased():
    """All of A's scores lie above everything tried, and three of B's four are 0: at best the last of B's, at 0.3, is selected, 0.75 less than A's. AIF360 settles for 1 less."""
    rows = rows_of([[1, 1, 0], [0, 0, 2]], [[2, 0, 0], [0, 0, 2]], [0.0, 0.3, 0.995])
    grid, bounds = Grid(thresholds=9, margins=5, low=0.2, high=0.4), (-0.05, 0.05)
    fitted, found = theirs(rows, "statistical_parity_difference", grid, bounds)
    assert not found and measured(rows, fitted, "statistical_parity_difference")[1] == -1
    with pytest.raises(Unreachable, match=r"against g=1 between -0\.05 and 0\.05; the nearest, threshold 0\.2750 with margin 0\.0000, leaves g=0 -0\.7500, with balanced accuracy 0\.6250") as raised:
        reject_option(rows.cells(), "statistical_parity_difference", threshold=0.5, bounds=bounds, grid=grid)
    assert raised.value.exit_code == 1


@pytest.mark.parametrize(
    ("metric", "positive", "negative", "scores", "why"),
    [
        ("equal_opportunity_difference", [[1, 1], [0, 0]], [[1, 1], [1, 1]], [0.25, 0.75], "none of the rows to fit on has a positive label in g=1"),
        ("average_odds_difference", [[1, 1], [1, 1]], [[0, 0], [1, 1]], [0.25, 0.75], "negative label in g=0"),
        ("statistical_parity_difference", [[1, 1], [1, 1]], [[0, 0], [0, 0]], [0.25, 0.75], "negative label in g=0, g=1"),
        ("statistical_parity_difference", [[1, 1], [0, 0]], [[1, 1], [0, 0]], [0.25, 0.75], "none with a label in g=1"),
        ("statistical_parity_difference", [[1, 1]], [[1, 1]], [0.25, 0.75], "have only g=0"),
        ("statistical_parity_difference", [[1, 1], [1, 1]], [[1, 1], [1, 1]], [-2, 3], "lie between -2 and 3"),
    ],
)
def test_rows_that_nothing_can_be_told_from_are_refused(metric, positive, negative, scores, why):
    rows = rows_of(positive, negative, scores)
    cells = rows.cells()
    if len(positive) > len(cells.groups):
        from fairaudit.cube.slices import Slice

        empty = np.zeros((1, cells.lowest.size))
        cells = Cells(
            groups=(*cells.groups, Slice([("g", "1")])), lowest=cells.lowest, highest=cells.highest, rows=np.vstack([cells.rows, [[0, 0]]]),
            **{name: np.vstack([getattr(cells, name), empty]) for name in ("positive", "negative", "positive_score", "negative_score")},
        )  # fmt: skip
    with pytest.raises(ContentError, match=why):
        reject_option(cells, metric, threshold=0.5)


def test_what_cannot_be_asked_is_refused():
    cells = rows_of([[1, 1]] * 2, [[1, 1]] * 2, [0.25, 0.75]).cells()
    with pytest.raises(ConfigError, match="did you mean 'average_odds_difference'"):
        reject_option(cells, "average_odds_diference", threshold=0.5)
    with pytest.raises(ConfigError, match=r"between 0\.1 and -0\.1"):
        reject_option(cells, METRICS[0], threshold=0.5, bounds=(0.1, -0.1))
    with pytest.raises(ConfigError, match="cannot be"):
        Grid(low=0.9, high=0.1)


def test_a_cell_on_both_sides_of_a_point_is_refused():
    cells = rows_of([[1, 1]] * 2, [[1, 1]] * 2, [0.25, 0.75]).cells()
    wide = Cells(**{name: getattr(cells, name) for name in ("groups", "positive", "negative", "positive_score", "negative_score", "rows", "lowest")}, highest=np.array([0.35, 0.75]))
    with pytest.raises(ValueError, match="lies within a score cell"):
        reject_option(wide, METRICS[0], threshold=0.5)
