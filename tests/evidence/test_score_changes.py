"""Changes of numbers of scores on the same rows: influences are scikit-learn's slopes, errors DeLong's and Student's, and intervals hold the truth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]
from sklearn import metrics  # type: ignore[import-untyped]

from benchmarks.score_changes import NUMBERS, WORLDS, World, drawn, table
from fairaudit.cube.score_pairs import Pairs, ScorePairs
from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.evidence import score_changes as made
from fairaudit.evidence.score_changes import NAMES, Changed, changed, score_changes


def rows(size: int = 200, *, seed: int = 1, digits: int = 2, world: World = WORLDS[0]) -> Pairs:
    """With ties, of scores and between them."""
    found = drawn(world, size, np.random.default_rng(seed))
    return replace(found, before=np.clip(found.before.round(digits), 0.01, 0.99), now=np.clip(found.now.round(digits), 0.01, 0.99))


OTHERS: dict[str, Any] = {
    "roc_auc": lambda y, s, w: metrics.roc_auc_score(y, s, sample_weight=w),
    "pr_auc": lambda y, s, w: metrics.average_precision_score(y, s, sample_weight=w),
    "brier_score": lambda y, s, w: metrics.brier_score_loss(y, s, sample_weight=w),
    "log_loss": lambda y, s, w: metrics.log_loss(y, s, sample_weight=w),
    "mean_score": lambda y, s, w: np.average(s, weights=w),
    "generalized_true_positive_rate": lambda y, s, w: np.average(s[y == 1], weights=w[y == 1]),
    "generalized_false_positive_rate": lambda y, s, w: np.average(s[y == 0], weights=w[y == 0]),
    "calibration_in_the_large": lambda y, s, w: np.average(s - y, weights=w),
    "ks_separation": lambda y, s, w: max(abs(np.average(s[y == 1] <= one, weights=w[y == 1]) - np.average(s[y == 0] <= one, weights=w[y == 0])) for one in s),
    "calibration_ratio": lambda y, s, w: np.average(s, weights=w) / np.average(y, weights=w),
    "coefficient_of_discrimination": lambda y, s, w: np.average(s[y == 1], weights=w[y == 1]) - np.average(s[y == 0], weights=w[y == 0]),
}


def test_every_number_is_compared_with_another_hand() -> None:
    assert set(OTHERS) == set(NUMBERS) == NAMES - {"bpsn_auc", "bnsp_auc"}


@pytest.mark.parametrize("name", OTHERS)
def test_a_change_is_that_of_the_other_hands_numbers(name: str) -> None:
    pairs = rows(900, world=replace(WORLDS[0], sigma=0.8))
    now, before = (OTHERS[name](pairs.label, scores, pairs.weight) for scores in (pairs.now, pairs.before))
    found = changed(name, pairs)
    assert found.value == pytest.approx(now - before, abs=1e-12) and found.lower < found.value < found.upper


@pytest.mark.parametrize("name", OTHERS)
def test_a_rows_influence_is_the_slope_of_the_number_by_its_weight(name: str) -> None:
    pairs = rows(60, world=replace(WORLDS[0], sigma=0.5))
    number = made._NUMBERS[name]
    some = pairs.at(np.isin(pairs.label, number.labels))
    value, influence = number.of(some.now, some.label, some.weight)
    step = 1e-5 * np.eye(some.weight.size)
    slopes = [(OTHERS[name](some.label, some.now, some.weight + one) - OTHERS[name](some.label, some.now, some.weight - one)) / 2e-5 for one in step]
    assert value == pytest.approx(OTHERS[name](some.label, some.now, some.weight), abs=1e-12) and influence == pytest.approx(np.array(slopes), abs=1e-6)
    assert influence @ some.weight == pytest.approx(0, abs=1e-12)


def delong(pairs: Pairs) -> tuple[float, float]:
    """The difference of two AUCs and its standard error by the formulas of the paper (1988, equations 4 to 8), pair by pair."""
    fields = []
    for scores in (pairs.now, pairs.before):
        positive, negative = scores[pairs.label == 1], scores[pairs.label == 0]
        fields.append((positive[:, None] > negative).astype(float) + 0.5 * (positive[:, None] == negative))
    theta = np.array([one.mean() for one in fields])
    of_positives, of_negatives = np.array([one.mean(axis=1) for one in fields]), np.array([one.mean(axis=0) for one in fields])
    covariance = np.cov(of_positives) / of_positives.shape[1] + np.cov(of_negatives) / of_negatives.shape[1]
    contrast = np.array([1.0, -1.0])
    return float(contrast @ theta), float(np.sqrt(contrast @ covariance @ contrast))


@given(seed=st.integers(0, 10**6), size=st.integers(60, 200), digits=st.integers(1, 6))
def test_the_error_of_two_aucs_is_delongs(seed: int, size: int, digits: int) -> None:
    pairs = rows(size, seed=seed, digits=digits)
    found = changed("roc_auc", pairs)
    value, error = delong(pairs)
    assert found.value == pytest.approx(value, abs=1e-12)
    assert np.isnan(found.error) or found.error == pytest.approx(error, rel=1e-9)


def test_two_aucs_worked_by_hand() -> None:
    """Positives 3 and 1, negatives 2 and 0 before: three of four pairs are right. Now 3 and 2 against 1 and 0: all. The placements of the positives were 1 and ½, those of the negatives ½ and 1."""
    label = np.array([1, 1, 0, 0])
    for scores, value, placements in ((np.array([3.0, 1, 2, 0]), 0.75, [1, 0.5, 0.5, 1]), (np.array([3.0, 2, 1, 0]), 1.0, [1, 1, 1, 1])):
        found, influence = made.auc(scores, label, np.ones(4))
        assert found == value and influence.tolist() == [(one - value) / 2 for one in placements]


def test_average_precision_worked_by_hand() -> None:
    """From above: positive, negative, positive, so (1 + ⅔)/2. One more of the first makes (2·1 + ¾)/3, and the slope there is (1 − 5/6 + 1 + ⅓ − ⅔·⅓ − 1)/2."""
    value, influence = made.average_precision(np.array([0.9, 0.6, 0.3]), np.array([1, 0, 1]), np.ones(3))
    assert value == pytest.approx(5 / 6) and influence[0] == pytest.approx((1 - 5 / 6 + 1 + 1 / 3 - (1 + 2 / 9)) / 2)


@pytest.mark.parametrize("name", ["mean_score", "calibration_in_the_large", "brier_score", "log_loss"])
def test_a_mean_over_all_rows_has_the_error_of_students_paired_test(name: str) -> None:
    pairs = rows(150)
    each = {
        "mean_score": lambda s: s, "calibration_in_the_large": lambda s: s - pairs.label, "brier_score": lambda s: (s - pairs.label) ** 2,
        "log_loss": lambda s: -np.log(np.where(pairs.label, s, 1 - s)),
    }[name]  # fmt: skip
    found, theirs = changed(name, pairs), stats.ttest_rel(each(pairs.now), each(pairs.before))
    low, high = theirs.confidence_interval(0.95)
    assert found.value / found.error == pytest.approx(theirs.statistic, rel=1e-9)
    assert found.lower <= low + 1e-12 and found.upper >= high - 1e-12 and found.upper - found.lower < 1.1 * (high - low)  # no more degrees of freedom than Student has


@pytest.mark.parametrize("name", NUMBERS)
def test_a_line_that_stands_for_copies_is_so_many_rows_and_the_unit_of_weights_says_nothing(name: str) -> None:
    pairs = rows(150)
    copies = np.random.default_rng(3).integers(1, 4, 150)
    repeated, counted = pairs.at(np.repeat(np.arange(150), copies)), replace(pairs, copies=copies)
    one, other, unit = changed(name, repeated), changed(name, counted), changed(name, replace(counted, weight=np.full(150, 7.0)))
    for field in ("rows", "value", "lower", "upper"):
        assert getattr(other, field) == pytest.approx(getattr(one, field), rel=1e-9) == pytest.approx(getattr(unit, field), rel=1e-9)


@pytest.mark.parametrize("name", NUMBERS)
def test_rows_of_a_cluster_that_are_the_same_row_tell_as_much_as_one(name: str) -> None:
    pairs = rows(200)
    twice = replace(pairs.at(np.repeat(np.arange(200), 2)), cluster=np.repeat(np.arange(200), 2))
    one, both, apart = changed(name, pairs), changed(name, twice), changed(name, replace(twice, cluster=None))
    assert both.value == pytest.approx(one.value, abs=1e-12) and both.error == pytest.approx(one.error, rel=0.02) and apart.error < 0.75 * both.error


@pytest.mark.parametrize("name", NUMBERS)
def test_what_did_not_change_or_for_three_people_alone_has_no_interval(name: str) -> None:
    pairs = rows(400)
    same, few = replace(pairs, now=pairs.before), replace(pairs, now=np.where(np.arange(400) < 3, pairs.now, pairs.before))
    for one in (changed(name, same), changed(name, few)):
        assert np.isfinite(one.value) and np.isnan(one.lower) and np.isnan(one.upper)
    assert changed(name, same).value == 0


def test_what_is_undefined_by_one_of_the_scores_has_no_change() -> None:
    pairs = rows(100)
    nothing = Changed(rows=100, value=np.nan, lower=np.nan, upper=np.nan, error=np.nan)
    assert str(changed("log_loss", replace(pairs, now=np.where(np.arange(100) == 0, 1.0 - pairs.label[0], pairs.now)))) == str(nothing)  # surely wrong
    for label, undefined in ((0, {"roc_auc", "pr_auc", "ks_separation", "coefficient_of_discrimination", "calibration_ratio", "generalized_true_positive_rate"}), (1, {"roc_auc", "ks_separation", "coefficient_of_discrimination", "generalized_false_positive_rate"})):
        alike = replace(pairs, label=np.full(100, label))
        assert {name for name in NUMBERS if np.isnan(changed(name, alike).value)} == undefined
    unlabelled = replace(pairs, label=np.full(100, 2))
    assert {name for name in NUMBERS if np.isfinite(changed(name, unlabelled).value)} == {"mean_score"}


def test_errors_of_probabilities_need_rows_of_both_labels() -> None:
    pairs = rows(100)
    rare, few = (replace(pairs, label=(np.arange(100) < number).astype(np.int64)) for number in (4, 9))
    assert np.isfinite(changed("roc_auc", few).lower) and np.isnan(changed("ks_separation", few).lower)  # the largest gap of few positives lies where it does by chance
    assert all(np.isnan(changed(name, rare).lower) for name in ("brier_score", "log_loss", "roc_auc", "pr_auc", "calibration_ratio"))
    assert np.isfinite(changed("mean_score", rare).lower)


@pytest.mark.parametrize(("name", "own"), [("bpsn_auc", 0), ("bnsp_auc", 1)])
def test_a_crossed_auc_is_of_a_slices_one_label_and_everyone_elses_other(name: str, own: int) -> None:
    pairs, place = rows(400), np.arange(400) % 3
    cut = ScorePairs(slices=(EVERYONE, *(Slice([("g", str(one))]) for one in range(3))), rows=pairs, members={(): ((0, np.arange(400)),), ("g",): tuple((one + 1, np.flatnonzero(place == one)) for one in range(3))})
    found = score_changes(name, cut)
    for one in range(3):
        chosen = pairs.at(((place == one) & (pairs.label == own)) | ((place != one) & (pairs.label == 1 - own)))
        assert (found[one + 1].value, found[one + 1].error) == pytest.approx(delong(chosen), rel=1e-9)
    assert np.isnan(found[0].value)


@pytest.mark.parametrize("name", [name for name in NUMBERS if name != "ks_separation"])
def test_a_bootstrap_of_the_rows_finds_the_same_error(name: str) -> None:
    rng, pairs = np.random.default_rng(5), rows(800, world=WORLDS[1])
    drawn_again = [changed(name, pairs.at(rng.integers(0, 800, 800))).value for _ in range(400)]
    assert changed(name, pairs).error == pytest.approx(np.std(drawn_again), rel=0.15)


def test_the_table_of_the_simulation_holds_the_truth() -> None:
    names = ("mean_score", "brier_score", "roc_auc", "pr_auc")
    header, _, line = table(300, 0, worlds=(World(name="one"),), sizes=(300,), names=names, people=200_000)
    assert header.count("|") == 2 + 1 + len(names) and all(92 <= float(one) <= 98 for one in line.strip("| ").split(" | ")[2:])
