"""What is computed from score cells, against scikit-learn, published numbers and counting pair by pair."""

from __future__ import annotations

import warnings
from itertools import pairwise

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, log_loss  # type: ignore[import-untyped]

from fairaudit.cube.counts import Counts
from fairaudit.cube.cube import Cube, Grid, Plan, count, counts
from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.metrics.engines import engine
from fairaudit.metrics.engines.cells import average_precision, interpolated_precision, kolmogorov_smirnov
from fairaudit.metrics.engines.interface import Quantity
from fairaudit.metrics.engines.native import value_of
from tests.builders import connected, counts_of_rows
from tests.vectors import vector

A, B = Slice([("group", "a")]), Slice([("group", "b")])
ROWS = st.lists(st.tuples(st.booleans(), st.integers(0, 2), st.integers(0, 20), st.sampled_from([0.5, 1.0, 3.0])), min_size=2, max_size=40)
Row = tuple[bool, int, int, float]  # in group a; label, 2 where unlabelled; twentieths of a score; weight


def _counts(rows: list[Row]) -> Counts:
    of_a, label, score, weight = (np.array(column) for column in zip(*rows, strict=True))
    return counts_of_rows({A: of_a, B: ~of_a}, label=label.tolist(), decision=(score > 10).astype(int).tolist(), score=(score / 20).tolist(), weight=weight.tolist())


def _arrays(rows: list[Row]) -> tuple[np.ndarray, ...]:  # type: ignore[type-arg]
    of_a, label, score, weight = (np.array(column) for column in zip(*rows, strict=True))
    return of_a, label, score / 20, weight


@given(ROWS)
def test_average_precision_is_scikit_learns(rows: list[Row]) -> None:
    _, label, score, weight = _arrays(rows)
    seen = label < 2
    found = value_of("pr_auc", _counts(rows))[0]
    if not (label == 1).any():
        assert np.isnan(found)
    else:
        assert found == pytest.approx(average_precision_score(label[seen], score[seen], sample_weight=weight[seen]), abs=1e-12)


@given(ROWS)
def test_log_loss_is_scikit_learns_where_no_sure_score_is_wrong(rows: list[Row]) -> None:
    _, label, score, weight = _arrays(rows)
    seen, found = label < 2, value_of("log_loss", _counts(rows))[0]
    tfma = engine("tfma").measure([Quantity(metric="log_loss", groups=(0,))], _counts(rows))[0][0]
    assert tfma == pytest.approx(found, rel=1e-9, nan_ok=True)
    if not seen.any():
        assert np.isnan(found)
    elif (score[seen] == 1 - label[seen]).any():
        assert found == np.inf
    else:
        assert found == pytest.approx(log_loss(label[seen], score[seen], sample_weight=weight[seen], labels=[0, 1]), abs=1e-12)


def _furthest(one: np.ndarray, other: np.ndarray) -> float:  # type: ignore[type-arg]
    return max(abs(float((one <= score).mean() - (other <= score).mean())) for score in np.r_[one, other])


@given(ROWS)
def test_kolmogorov_smirnov_is_the_furthest_that_shares_below_a_score_differ(rows: list[Row]) -> None:
    of_a, label, score, _ = _arrays([(a, y, s, 1.0) for a, y, s, _ in rows])
    plain = _counts([(a, y, s, 1.0) for a, y, s, _ in rows])
    known = kolmogorov_smirnov(plain, np.array([1]), np.array([2]))
    (distance,), (rarity,) = known.value, known.rarity
    if of_a.all() or not of_a.any():
        assert np.isnan(distance)
    else:
        assert distance == pytest.approx(_furthest(score[of_a], score[~of_a]), abs=1e-12)
        assert rarity == pytest.approx(1 / of_a.sum() + 1 / (~of_a).sum())
    classes = [score[label == one] for one in (0, 1)]
    apart = value_of("ks_separation", plain)[0]
    assert np.isnan(apart) if not all(map(len, classes)) else apart == pytest.approx(_furthest(*classes), abs=1e-12)


@given(ROWS)
def test_a_slice_against_everyone_else_is_counted_pair_by_pair(rows: list[Row]) -> None:
    of_a, label, score, weight = _arrays(rows)
    found = _counts(rows)
    for metric, own in (("bpsn_auc", 0), ("bnsp_auc", 1)):
        inside, outside = of_a & (label == own), ~of_a & (label == 1 - own)
        positive, negative = (outside, inside) if own == 0 else (inside, outside)
        pairs = weight[positive][:, None] * weight[negative]
        won = (score[positive][:, None] > score[negative]) + 0.5 * (score[positive][:, None] == score[negative])
        expected = (pairs * won).sum() / pairs.sum() if pairs.size else np.nan
        assert value_of(metric, found)[1] == pytest.approx(expected, abs=1e-12, nan_ok=True)
        assert np.isnan(value_of(metric, found)[0])  # there is nobody besides everyone


@given(ROWS)
def test_calibration_errors_are_those_of_binning_by_hand(rows: list[Row]) -> None:
    _, label, score, weight = _arrays(rows)
    seen = label < 2
    twentieths = np.array([row[2] for row in rows])
    place = np.minimum(twentieths // 2, 9)
    gaps, shares = [], []
    for one in range(10):
        mine = seen & (place == one)
        if mine.any():
            gaps.append(abs(np.average(score[mine] - label[mine], weights=weight[mine])))
            shares.append(weight[mine].sum() / weight[seen].sum())
    expected = (np.dot(gaps, shares), max(gaps), np.sqrt(np.dot(np.square(gaps), shares))) if gaps else (np.nan,) * 3
    names = ("expected_calibration_error", "maximum_calibration_error", "root_mean_square_calibration_error")
    assert [value_of(name, _counts(rows), {"bins": 10})[0] for name in names] == pytest.approx(list(expected), abs=1e-12, nan_ok=True)


@given(ROWS)
def test_interpolated_precision_is_the_area_under_straight_lines_between_thresholds(rows: list[Row]) -> None:
    """Davis & Goadrich (2006): true and false positives grow in proportion from one threshold to the next; here by the trapezoids of a fine grid."""
    _, label, score, weight = _arrays(rows)
    seen = label < 2
    label, score, weight = label[seen], score[seen], weight[seen]
    points = np.array([(0.0, 0.0), *((weight[(score >= one) & (label == 1)].sum(), weight[(score >= one) & (label == 0)].sum()) for one in sorted(set(score.tolist()), reverse=True))])
    steps = np.linspace(0, 1, 2001)[:, None]
    area = 0.0
    for start, end in pairwise(points):
        true, false = (start + steps * (end - start)).T
        precision = np.divide(true, true + false, out=np.full(true.size, end[0] / end.sum()), where=true + false > 0)
        area += float(((precision[1:] + precision[:-1]) / 2 * np.diff(true)).sum())
    positives = weight[label == 1].sum()
    expected = area / positives if positives > 0 else np.nan
    assert value_of("pr_auc_interpolated", _counts(rows))[0] == pytest.approx(expected, abs=1e-4, nan_ok=True)


@pytest.mark.parametrize("kinds", [20, 10_000])
def test_the_variance_of_an_interpolated_precision_is_what_every_row_would_change(kinds: int) -> None:
    """The infinitesimal jackknife by difference quotients, with ties and hardly any."""
    rng = np.random.default_rng(1)
    label, weight = (rng.random(60) < 0.4).astype(int), rng.uniform(0.5, 2, 60)
    score = np.round(np.clip(rng.normal(0.4 + 0.2 * label, 0.2), 0, 1) * kinds) / kinds

    def at(weights: np.ndarray) -> Counts:  # type: ignore[type-arg]
        return counts_of_rows(label=label.tolist(), decision=[0] * 60, score=score.tolist(), weight=weights.tolist())

    change = [(value_of("pr_auc_interpolated", at(weight + 1e-6 * (np.arange(60) == one)))[0] - value_of("pr_auc_interpolated", at(weight))[0]) / 1e-6 for one in range(60)]
    assert interpolated_precision(at(weight)).variance[0] == pytest.approx((np.square(change) * weight**2).sum(), rel=1e-3)


@pytest.mark.parametrize("kinds", [20, 10_000])
def test_the_variance_of_average_precision_is_what_the_precision_at_every_positive_loses_with_a_row(kinds: int) -> None:
    rng = np.random.default_rng(1)
    label = (rng.random(60) < 0.4).astype(int)
    score = np.round(np.clip(rng.normal(0.4 + 0.2 * label, 0.2), 0, 1) * kinds) / kinds
    positives, value = score[label == 1], average_precision_score(label, score)

    def precision(threshold: float, *, fewer: int | None = None) -> float:
        true, false = ((score >= threshold) & (label == one) for one in (1, 0))
        tp, fp = int(true.sum()) - (fewer == 1), int(false.sum()) - (fewer == 0)
        return tp / (tp + fp) if tp + fp else 1.0

    moved: list[list[float]] = [[], []]
    for own, one in zip(score, label, strict=True):
        lost = sum(precision(at) - precision(at, fewer=one) for at in positives[positives <= own])
        moved[one].append((lost + (precision(own) - value if one else 0.0)) / positives.size)
    expected = sum(np.square(some).sum() * len(some) / (len(some) - 1) for some in moved)
    found = counts_of_rows(label=label.tolist(), decision=[0] * 60, score=score.tolist())
    assert average_precision(found).variance[0] == pytest.approx(expected, rel=1e-9)


def test_a_curve_of_positives_alone_is_1_and_of_negatives_alone_undefined_by_tfma_too() -> None:
    for label, expected in ((1, 1.0), (0, np.nan)):
        found = counts_of_rows(label=[label] * 3, decision=[0] * 3, score=[0.2, 0.5, 0.5])
        for name in ("native", "tfma"):
            assert engine(name).measure([Quantity(metric="pr_auc_interpolated", groups=(0,))], found)[0] == pytest.approx([expected], nan_ok=True)


def test_perfectly_calibrated_scores_show_the_error_that_chance_gives() -> None:
    rng = np.random.default_rng(0)
    score = np.round(rng.random((400, 300)) * 100) / 100
    label = (rng.random(score.shape) < score).astype(int)
    found = [counts_of_rows(label=y.tolist(), decision=[0] * 300, score=s.tolist()) for y, s in zip(label[:60], score[:60], strict=True)]
    shown, chance = (np.mean([value_of(f"{name}", one, {"bins": 10})[0] for one in found]) for name in ("expected_calibration_error", "calibration_error_by_chance"))
    assert shown == pytest.approx(chance, rel=0.05)


def test_scipys_published_distance_of_two_against_three() -> None:
    published = vector("scipy-ks-two-against-three")
    (a, b), (expected,) = published["samples"].values(), published["expected"]
    found = counts_of_rows({A: [1] * len(a) + [0] * len(b), B: [0] * len(a) + [1] * len(b)}, label=[0] * 5, decision=[0] * 5, score=[*a, *b])
    assert kolmogorov_smirnov(found, np.array([1]), np.array([2])).value == pytest.approx([expected["full"]])


@pytest.mark.parametrize("weights", [np.ones(7), np.array([1.0, 2, 3, 4, 3, 2, 1])])
def test_the_mean_of_demographic_disparities_is_aif360s(weights: np.ndarray) -> None:  # type: ignore[type-arg]
    """AIF360's test suite, test_conditional_demographic_disparity, prints 0.015625 for the weighted rows."""
    group, decision = np.array(list("0011222")), np.array([0, 1, 0, 1, 0, 1, 0])
    slices = {Slice([("group", one)]): group == one for one in "012"}
    found = value_of("demographic_disparity", counts_of_rows(slices, label=[2] * 7, decision=decision.tolist(), weight=weights.tolist()))[1:]
    sizes = [weights[mask].sum() for mask in slices.values()]
    if weights[1] == 2:
        assert np.average(found, weights=sizes) == pytest.approx(0.015625)
    share = [weights[(group == "2") & (decision == one)].sum() / weights[decision == one].sum() for one in (0, 1)]
    assert found[2] == pytest.approx(share[0] - share[1])


def _cube(label: list[int], score: list[float], cells: int) -> Cube:
    plan = Plan(attributes=(), slicings=(), grid=Grid(lowest=0.0, highest=1.0), has_labels=True, has_weights=False, has_probabilities=True)
    table = pa.table({"label": pa.array(label, pa.int8()), "score": [one / cells for one in score], "weight": [1.0] * len(label)})
    with connected() as connection:
        connection.register("rows", table)
        return count(connection, "SELECT *, score > 0.5 AS decision FROM rows", plan)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 60_000)), min_size=2, max_size=60))
def test_what_the_cube_keeps_is_enough(rows: list[tuple[int, int]]) -> None:
    label, score = (list(column) for column in zip(*rows, strict=True))
    found = counts(_cube(label, score, 60_000))
    y, s = np.array(label), np.array(score) / 60_000
    with np.errstate(divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        surprise = -np.log(np.where(y == 1, s, 1 - s))
        expected = average_precision_score(y, s) if y.any() else np.nan
    assert value_of("log_loss", found)[0] == pytest.approx(surprise.mean(), rel=1e-12)
    precise = average_precision(found)
    assert np.isnan(expected) or abs(precise.value[0] - expected) <= precise.error[0] + 1e-12
    curve = interpolated_precision(found)
    exact = value_of("pr_auc_interpolated", counts_of_rows(label=label, decision=[0] * len(label), score=s.tolist()))[0]
    assert np.isnan(exact) or abs(curve.value[0] - exact) <= curve.error[0] + 1e-12
    gaps = [abs((s - y)[np.minimum(np.floor(s * 10), 9) == one].sum()) for one in range(10)]
    assert value_of("expected_calibration_error", found, {"bins": 10})[0] == pytest.approx(sum(gaps) / len(y), abs=1e-12)
    assert found.slices[0] == EVERYONE
