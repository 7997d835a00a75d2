"""Rows in clusters: by hand where clusters are copies, by statsmodels' cluster-robust errors, by deleting one cluster at a time, and by simulation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm  # type: ignore[import-untyped]
from scipy.stats import ks_2samp  # type: ignore[import-untyped]
from scipy.stats import t as student

from benchmarks.clusters import _mean, drawn, selected
from benchmarks.coverage import lines, truth
from benchmarks.false_alarms import CONTEXT, SIX
from fairaudit.cube.counts import Counts
from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.evidence.design_effects import _support, of_metric, of_pair, of_share
from fairaudit.evidence.estimates import estimate, pair_bounds
from fairaudit.evidence.intervals import wilson
from fairaudit.evidence.wanted import computable
from fairaudit.metrics.catalogue import CATALOGUE, FN, FP, TN, TP, Shape
from fairaudit.metrics.engines.interface import Kind
from fairaudit.metrics.engines.native import value_of
from fairaudit.rules.finding import Verdict
from fairaudit.rules.judge import judge, overall_verdict
from fairaudit.rules.library import load_rule
from tests.builders import counts_in_clusters, counts_of_rows

RNG = np.random.default_rng(4)
CLUSTERS, SIZE = 120, 4
OWNER = np.repeat(np.arange(CLUSTERS), SIZE)
COMMON = RNG.normal(size=CLUSTERS)[OWNER]
LABEL = (RNG.random(OWNER.size) < 1 / (1 + np.exp(0.4 - 1.2 * COMMON))).astype(int)
SCORE = np.round(1 / (1 + np.exp(-(COMMON + 0.8 * LABEL - 0.5 + RNG.normal(size=OWNER.size)))) * 25) / 26 + 0.01
WEIGHT = RNG.integers(1, 5, OWNER.size).astype(float)
GROUP = np.array(["a", "b", "c"])[OWNER % 3]
CRITICAL = 1.959963984540054
OF_SLICE = [one.id for one in CATALOGUE.values() if one.of_slice and one.shape is not Shape.COUNT and estimate(one, counts_of_rows(label=[0, 1], decision=[1, 0], score=[0.6, 0.4]))]


def student_factor(clusters: float) -> float:
    return float((student.ppf(0.975, clusters - 1) / CRITICAL) ** 2) * clusters / (clusters - 1)


def interval(metric: str, counts: Counts) -> tuple[float, float]:
    found = estimate(CATALOGUE[metric], counts)
    assert found is not None
    return float(found.lower[0]), float(found.upper[0])


def test_two_rows_of_each_person_say_what_one_of_each_would() -> None:
    """13 of 40 people, each with two rows alike: Wilson's interval of 13 of 40, widened by Student's point for 40 people and 40/39."""
    label, owner = np.repeat(np.arange(40) < 13, 2).astype(int), np.repeat(np.arange(40), 2)
    counts = counts_in_clusters(cluster=owner, label=label, score=np.where(label, 0.9, 0.1))
    size = 40 / student_factor(40)
    expected = wilson(np.array([13 / 40 * size]), np.array([size]), level=0.95)
    assert interval("base_rate", counts) == pytest.approx((expected[0][0], expected[1][0]), rel=1e-12)


@pytest.mark.parametrize("metric", OF_SLICE)
def test_each_persons_rows_twice_change_nothing(metric: str) -> None:
    once = counts_in_clusters(cluster=OWNER, label=LABEL, score=SCORE, group=GROUP)
    twice = counts_in_clusters(cluster=np.tile(OWNER, 2), label=np.tile(LABEL, 2), score=np.tile(SCORE, 2), group=np.tile(GROUP, 2))
    one, other = (estimate(CATALOGUE[metric], counts) for counts in (once, twice))
    assert one is not None and other is not None
    # Where rows of a cluster are less alike than chance they say no more than as many independent ones, of which there are then twice as many.
    are_alike = of_metric(CATALOGUE[metric], once) > student_factor(CLUSTERS / 3 / 2) * 1.1
    # Where half a row is added to each cell of a table, half a row of twice as many is less.
    np.testing.assert_allclose(other.lower[are_alike], one.lower[are_alike], atol=2e-3, rtol=1e-3)
    np.testing.assert_allclose(other.upper[are_alike], one.upper[are_alike], atol=2e-3, rtol=1e-3)
    assert are_alike.any() or metric not in ("selection_rate", "base_rate", "mean_score", "true_positive_rate", "bpsn_auc", "pr_auc", "f1")


@pytest.mark.parametrize("metric", OF_SLICE)
def test_rows_that_are_each_somebody_else_are_independent(metric: str) -> None:
    """But for Student's point and n/(n − 1), which say that their spread is an estimate too."""
    counts = counts_in_clusters(cluster=np.arange(OWNER.size), label=LABEL, score=SCORE)
    effect, fewest = of_metric(CATALOGUE[metric], counts)[0], min(LABEL.sum(), (1 - LABEL).sum())
    if not CATALOGUE[metric].of_part and metric not in ("bpsn_auc", "bnsp_auc"):
        assert 1.0 <= effect <= student_factor(fewest / 2) * 1.02


def clustered_error(values: np.ndarray, weight: np.ndarray) -> float:
    fitted = sm.WLS(values, np.ones(values.size), weights=weight).fit(cov_type="cluster", cov_kwds={"groups": OWNER, "use_correction": False})
    return float(fitted.bse[0])


@pytest.mark.parametrize("weight", [np.ones(OWNER.size), WEIGHT], ids=["unweighted", "weighted"])
@pytest.mark.parametrize(("metric", "values"), [("base_rate", LABEL), ("selection_rate", SCORE > 0.5), ("mean_score", SCORE), ("brier_score", (SCORE - LABEL) ** 2), ("calibration_in_the_large", SCORE - LABEL)])
def test_the_error_of_a_mean_is_statsmodels_cluster_robust_one(metric: str, values: np.ndarray, weight: np.ndarray) -> None:
    counts = counts_in_clusters(cluster=OWNER, label=LABEL, score=SCORE, weight=weight)
    values = values.astype(float)
    mean = np.average(values, weights=weight)
    independent = np.average((values - mean) ** 2, weights=weight) * (weight**2).sum() / weight.sum() ** 2
    of_cluster = np.bincount(OWNER, weight)
    clusters = of_cluster.sum() ** 2 / (of_cluster**2).sum()
    ratio = clustered_error(values, weight) ** 2 / independent * clusters / (clusters - 1)
    rows = weight.sum() ** 2 / (weight**2).sum()
    effect, point = of_metric(CATALOGUE[metric], counts)[0], student.ppf(0.975, clusters - 1)
    if metric in ("base_rate", "selection_rate"):
        assert effect == pytest.approx(ratio * (point / CRITICAL) ** 2, rel=1e-6)
    elif effect > 1:  # a mean's interval takes Student's point itself, of as many rows as there then are, and divides by one less
        left = rows / effect - 1
        assert student.ppf(0.975, left) ** 2 / left == pytest.approx(point**2 * ratio / rows, rel=2e-3)
    else:
        assert ratio < 1
    assert effect > 1.05 or metric in ("brier_score", "calibration_in_the_large")


@pytest.mark.parametrize(("metric", "values"), [("mean_score", SCORE), ("generalized_true_positive_rate", SCORE)])
def test_a_mean_of_few_clusters_takes_students_point_once(metric: str, values: np.ndarray) -> None:
    """That of the clusters, of which there are eight of four rows; that of the rows is not taken besides, which made the interval 37 % too wide."""
    owner, score = np.repeat(np.arange(8), 4), values[:32]
    error = sm.OLS(score, np.ones(32)).fit(cov_type="cluster", cov_kwds={"groups": owner, "use_correction": False}).bse[0]
    reach = student.ppf(0.975, 7) * error * np.sqrt(8 / 7)
    lower, upper = interval(metric, counts_in_clusters(cluster=owner, label=[1] * 32, score=score))
    assert 1.0 <= (upper - lower) / (2 * reach) < 1.02


def test_rows_that_differ_within_their_clusters_say_no_less_than_independent_ones() -> None:
    """A pair of each person's, one positive and one negative: whatever Student's point is, nothing times it is nothing."""
    counts = counts_in_clusters(cluster=np.repeat(np.arange(10), 2), label=[0, 1] * 10, score=[0.3, 0.7] * 10)
    assert of_metric(CATALOGUE["base_rate"], counts)[0] == 1.0
    assert interval("base_rate", counts) == pytest.approx(interval("base_rate", replace(counts, clusters=None)))


@pytest.mark.parametrize(("positives", "negatives"), [(7, 5), (20, 20), (4, 400)])
def test_what_rests_on_both_labels_rests_on_the_clusters_of_both(positives: int, negatives: int) -> None:
    """Where each row is a cluster: Welch's degrees of freedom where a row of either label varies as much, but for n instead of n - 1."""
    n, m = positives, negatives
    counts = counts_in_clusters(cluster=np.arange(n + m), label=[1] * n + [0] * m, score=[0.5] * (n + m))
    assert _support(counts, (TP, FN), (FP, TN))[0][0] == pytest.approx((1 / n + 1 / m) ** 2 / (1 / n**3 + 1 / m**3))


def test_both_labels_of_the_same_clusters_are_not_twice_as_many() -> None:
    counts = counts_in_clusters(cluster=np.repeat(np.arange(9), 2), label=[0, 1] * 9, score=[0.3, 0.7] * 9)
    assert _support(counts, (TP, FN), (FP, TN))[0][0] == pytest.approx(9)


@pytest.mark.parametrize("metric", ["expected_calibration_error", "root_mean_square_calibration_error"])
def test_a_calibration_error_moves_with_the_bins_that_a_cluster_is_in(metric: str) -> None:
    """Labels are rare and independent and all scores too high, so what clusters have in common is how high: by deleting rows, and clusters, one at a time."""
    rng = np.random.default_rng(2)
    label, score = (rng.random(OWNER.size) < 0.05).astype(int), np.round(np.clip(0.5 + 0.2 * COMMON, 0.02, 0.98) * 25) / 26 + 0.01
    counts, variance = counts_in_clusters(cluster=OWNER, label=label, score=score), []
    for parts in (np.arange(OWNER.size), OWNER):
        masks = {Slice([("without", str(place))]): mask for place, mask in enumerate(deleted(parts))}
        values = value_of(metric, counts_of_rows(masks, label=label.tolist(), decision=(score > 0.5).astype(int).tolist(), score=score.tolist()))[1:]
        variance.append((values.size - 1) / values.size * ((values - values.mean()) ** 2).sum())
    assert variance[1] / variance[0] > 2.2
    assert of_metric(CATALOGUE[metric], counts)[0] == pytest.approx(variance[1] / variance[0] * student_factor(CLUSTERS), rel=0.05)


def deleted(parts: np.ndarray) -> Iterator[np.ndarray]:
    return (parts != one for one in np.unique(parts))



ROWS, PEOPLE = (
    counts_of_rows(
        {Slice([("without", str(place))]): mask for place, mask in enumerate(deleted(parts))}, label=LABEL.tolist(), decision=(SCORE > 0.5).astype(int).tolist(), score=SCORE.tolist()
    )
    for parts in (np.arange(OWNER.size), OWNER)
)


@pytest.mark.parametrize("metric", [one for one in OF_SLICE if one not in ("ks_separation", "bpsn_auc", "bnsp_auc", "demographic_disparity", "scoring_rate")])
def test_the_design_effect_is_what_deleting_people_and_deleting_rows_differ_by(metric: str) -> None:
    variance = []
    for deletions in (ROWS, PEOPLE):
        values = value_of(metric, deletions)[1:]
        variance.append((values.size - 1) / values.size * ((values - values.mean()) ** 2).sum())
    counts = counts_in_clusters(cluster=OWNER, label=LABEL, score=SCORE)
    tails = of_metric(CATALOGUE[metric], counts)[0] / max(variance[1] / variance[0], 1.0)
    # Student's point for as many clusters as there effectively are, some 100 of them, or of those with a label; less what the interval of a mean takes of it itself.
    assert 0.985 <= tails <= 1.085


@pytest.mark.parametrize("metric", ["bpsn_auc", "bnsp_auc", "demographic_disparity", "scoring_rate"])
def test_a_slice_against_everyone_counts_the_clusters_of_both(metric: str) -> None:
    keep = OWNER < 60
    owner, label, score, group = OWNER[keep], LABEL[keep], SCORE[keep], GROUP[keep]

    def variance(parts: np.ndarray) -> float:
        found = []
        for mask in deleted(parts):
            mine = {Slice([("group", "a")]): (group == "a")[mask].tolist()}
            found.append(value_of(metric, counts_of_rows(mine, label=label[mask].tolist(), decision=(score[mask] > 0.5).astype(int).tolist(), score=score[mask].tolist()))[1])
        return float((len(found) - 1) / len(found) * np.square(np.array(found) - np.mean(found)).sum())

    counts = counts_in_clusters(cluster=owner, label=label, score=score, group=group)
    effect = of_metric(CATALOGUE[metric], counts)[counts.index(Slice([("group", "a")]))]
    few = student_factor(20)
    if metric == "scoring_rate":  # its median is taken as it is, and moves where rows are deleted
        assert effect > 1.3
    else:
        assert 0.9 <= effect / (variance(owner) / variance(np.arange(owner.size))) <= few * 1.15


@pytest.mark.parametrize("owner", [OWNER, RNG.permutation(OWNER)], ids=["alike", "by chance"])
def test_the_effect_of_a_kolmogorov_smirnov_distance_is_that_of_the_shares_where_it_is_found(owner: np.ndarray) -> None:
    """Where it is found by scipy; the error of a difference of two shares by statsmodels, with and without clusters. Clusters of four by chance had an effect of four."""
    counts, independent = counts_in_clusters(cluster=owner, label=LABEL, score=SCORE, group=GROUP), {}
    below = (ks_2samp(SCORE[LABEL == 1], SCORE[LABEL == 0], method="asymp").statistic_location >= SCORE).astype(float)
    fitted = sm.OLS(below, sm.add_constant(LABEL)).fit(cov_type="cluster", cov_kwds={"groups": owner, "use_correction": False})
    independent = sum(below[one == LABEL].var() / (one == LABEL).sum() for one in (0, 1))
    tails = of_metric(CATALOGUE["ks_separation"], counts)[0] / max(fitted.bse[1] ** 2 / independent, 1.0)
    assert 0.99 <= tails <= 1.07

    a, b, c = (counts.index(Slice([("group", one)])) for one in "abc")
    effect = of_pair("kolmogorov_smirnov_distance", counts, np.array([a, c]), np.array([b, b]))
    assert effect is not None
    expected = {place: [] for place in (a, b, c)}
    for place, name in ((a, "a"), (c, "c")):
        where = ks_2samp(SCORE[name == GROUP], SCORE[GROUP == "b"], method="asymp").statistic_location
        for side, mine in ((place, name == GROUP), (b, GROUP == "b")):
            share = (SCORE[mine] <= where).astype(float)
            error = sm.OLS(share, np.ones(share.size)).fit(cov_type="cluster", cov_kwds={"groups": owner[mine], "use_correction": False}).bse[0]
            of_cluster = np.unique(owner[mine], return_counts=True)[1]
            expected[side].append(max(error**2 / (share.var() / share.size) * student_factor(of_cluster.sum() ** 2 / (of_cluster**2).sum()), 1.0))
    assert effect[[a, b, c]] == pytest.approx([max(expected[one]) for one in (a, b, c)], rel=1e-6)  # of b, which is in two pairs, the larger


def test_where_no_distance_is_known_all_rows_of_a_cluster_are_taken_to_be_alike() -> None:
    """As of counts that were read from an audit file, which holds no single scores."""
    counts = counts_in_clusters(cluster=OWNER, label=LABEL, score=SCORE)
    assert counts.clusters is not None
    read = replace(counts, clusters=replace(counts.clusters, entries=None, cuts=()))
    assert of_metric(CATALOGUE["ks_separation"], read)[0] > of_metric(CATALOGUE["ks_separation"], counts)[0]
    effect = of_pair("kolmogorov_smirnov_distance", read, np.array([1]), np.array([0]))
    assert effect is not None and effect[0] == pytest.approx(SIZE * (student.ppf(0.975, CLUSTERS - 1) / CRITICAL) ** 2)


def test_where_a_rate_is_0_the_rows_of_a_cluster_are_taken_to_be_alike() -> None:
    sizes = np.array([1, 2, 3, 6, 8])
    counts = counts_in_clusters(cluster=np.repeat(np.arange(5), sizes), label=[0] * 20, score=[0.1] * 20)
    effective = 400 / (sizes**2).sum()
    assert of_metric(CATALOGUE["selection_rate"], counts)[0] == pytest.approx((sizes**2).sum() / 20 * student.ppf(0.975, effective - 1) ** 2 / CRITICAL**2)


def test_of_one_cluster_there_is_no_interval_and_the_value_stays() -> None:
    counts = counts_in_clusters(cluster=["x"] * 6 + list("abcdef"), label=[0, 1] * 6, score=[0.2, 0.9, 0.7, 0.4, 0.8, 0.6] * 2, group=["one"] * 6 + ["many"] * 6)
    lone, many = (counts.index(Slice([("group", name)])) for name in ("one", "many"))
    for metric in OF_SLICE:
        found = estimate(CATALOGUE[metric], counts)
        assert found is not None
        assert np.isnan(found.lower[lone]) and np.isnan(found.upper[lone])
    assert value_of("selection_rate", counts)[lone] == pytest.approx(4 / 6)
    bounds = pair_bounds(CATALOGUE["selection_rate"], Kind.DIFFERENCE, counts, np.array([lone]), np.array([many]))
    assert bounds is not None and np.isnan(bounds[0][0])


def test_a_share_of_everyone_rests_on_the_clusters_of_the_slice() -> None:
    counts = counts_in_clusters(cluster=["x"] * 10 + list(range(90)), label=[1] * 100, score=[0.9, 0.2] * 50, group=["lone"] * 10 + ["rest"] * 90)
    effect = of_metric(CATALOGUE["demographic_disparity"], counts)
    assert np.isnan(effect[counts.index(Slice([("group", "lone")]))])
    assert np.isfinite(of_share(counts, (TP,), (TP, FN))[counts.index(EVERYONE)])


def test_the_disparity_of_all_but_one_cluster_is_as_unsure_as_that_of_the_one() -> None:
    """They are each other's negative; ten rows of one cluster among a hundred, of clusters of one row each."""
    counts = counts_in_clusters(cluster=["x"] * 10 + list(range(90)), label=[1] * 100, score=[0.9, 0.2] * 50, group=["lone"] * 10 + ["rest"] * 90)
    found = estimate(CATALOGUE["demographic_disparity"], counts)
    lone, rest = (counts.index(Slice([("group", name)])) for name in ("lone", "rest"))
    assert found is not None and np.isnan(found.lower[lone])
    assert np.isnan(found.lower[rest]) or found.upper[rest] - found.lower[rest] > 1


def test_no_metric_with_an_interval_is_without_a_design_effect() -> None:
    counts = counts_in_clusters(cluster=OWNER, label=LABEL, score=SCORE, group=GROUP)
    plain = replace(counts, clusters=None)
    for one in computable(counts):
        if one.of_slice:
            with_clusters, without = (estimate(one, some) for some in (counts, plain))
            assert (with_clusters is None) == (without is None)
            if with_clusters is not None and without is not None:
                wider = (with_clusters.upper - with_clusters.lower) - (without.upper - without.lower)
                assert (wider[np.isfinite(wider)] > -1e-9).all(), one.id


@pytest.mark.no_cover
def test_95_percent_intervals_of_clustered_rows_hold_the_truth() -> None:
    """400 rows in 80 clusters; what all hold by 10,000 replicates is in docs/calibration.md."""
    rng = np.random.default_rng(3)
    band = 0.4 * rng.uniform(0.8, 1.2, 1500)
    counts, population = drawn(band, 400, rng), truth(band)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        held = {name: coverage(counts, population) for name, coverage in lines() if not name.startswith(("ks", "kolmogorov", "scoring", "maximum"))}  # of which some are never too narrow
        naive = {name: coverage(replace(counts, clusters=None), population) for name, coverage in lines() if name in ("selection_rate", "base_rate", "mean_score")}
    assert {name: one for name, one in held.items() if not 0.925 <= one <= 0.99} == {}
    assert _mean(list(held.values())) == pytest.approx(0.955, abs=0.01)
    assert max(naive.values()) < 0.87


@pytest.mark.no_cover
def test_four_fifths_stops_few_fair_builds_of_clustered_rows() -> None:
    rng, rule, stopped, naive = np.random.default_rng(8), load_rule("four-fifths"), 0, 0
    for _ in range(300):
        counts = selected(SIX, (0.3,) * 6, rng)
        stopped += overall_verdict(judge([rule], counts, CONTEXT)) is Verdict.FAIL
        naive += overall_verdict(judge([rule], replace(counts, clusters=None), CONTEXT)) is Verdict.FAIL
    assert stopped <= 25 < 60 <= naive  # 5 % of 300, and two standard errors
