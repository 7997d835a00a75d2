"""Metrics at other thresholds, against scikit-learn and statsmodels threshold by threshold."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef, precision_score, recall_score  # type: ignore[import-untyped]
from statsmodels.stats.proportion import proportion_confint  # type: ignore[import-untyped]

from fairaudit.cube.counts import Counts
from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.cube.thresholds import Thresholds
from fairaudit.errors import ConfigError
from fairaudit.evidence import sweeps
from fairaudit.evidence.estimates import estimate
from fairaudit.evidence.sweeps import swept
from fairaudit.metrics.catalogue import CATALOGUE
from fairaudit.metrics.engines.native import value_of
from tests.builders import counts_of_rows

A, B = Slice([("group", "a")]), Slice([("group", "b")])
RNG = np.random.default_rng(20261124)
SCORE = np.round(RNG.beta(2, 3, 200), 2)
LABEL = (RNG.random(200) < SCORE).astype(int)
OF_A = RNG.random(200) < 0.4
STEPS = tuple(step / 20 for step in range(1, 20))
MASKS = {EVERYONE: np.ones(200, dtype=bool), A: OF_A, B: ~OF_A}


def _thresholds(described: tuple[float, ...] = STEPS) -> Thresholds:
    return Thresholds(operating=0.5, attribute=None, of_groups={}, described=described, at_threshold="negative", score_type="double")


def _counts(threshold: float = 0.5, slices: dict[Slice, np.ndarray] | None = None) -> Counts:  # type: ignore[type-arg]
    return counts_of_rows(slices or {A: OF_A, B: ~OF_A}, label=LABEL.tolist(), decision=(threshold < SCORE).astype(int).tolist(), score=SCORE.tolist())


@pytest.fixture(scope="module", name="by_slice")
def _by_slice() -> dict[Slice, sweeps.Sweep]:
    return {one.slice: one for one in swept(_counts(), _thresholds())}


@pytest.mark.parametrize(
    ("metric", "theirs"),
    [
        ("true_positive_rate", recall_score),
        ("positive_predictive_value", precision_score),
        ("accuracy", accuracy_score),
        ("f1", f1_score),
        ("matthews_correlation", matthews_corrcoef),
    ],
)
def test_every_value_is_scikit_learns_at_that_threshold(by_slice: dict[Slice, sweeps.Sweep], metric: str, theirs: object) -> None:
    compared = 0
    for cut, mask in MASKS.items():
        for threshold, value in zip(STEPS, by_slice[cut].metrics[metric].values, strict=True):
            decided = (SCORE[mask] > threshold).astype(int)
            if value is not None:  # scikit-learn says 0 where a metric is undefined
                assert value == pytest.approx(theirs(LABEL[mask], decided), abs=1e-12)  # type: ignore[operator]
                compared += 1
            else:
                assert not decided.any() or decided.all()
    assert compared > 40


def test_every_interval_of_a_rate_is_wilsons_by_statsmodels(by_slice: dict[Slice, sweeps.Sweep]) -> None:
    for cut, mask in MASKS.items():
        found = by_slice[cut].metrics["selection_rate"]
        for threshold, lower, upper in zip(STEPS, found.lower, found.upper, strict=True):
            expected = proportion_confint((SCORE[mask] > threshold).sum(), mask.sum(), method="wilson")
            assert lower is not None and upper is not None and (lower, upper) == pytest.approx(expected, abs=1e-9)


def test_all_metrics_are_those_of_an_audit_at_that_threshold(by_slice: dict[Slice, sweeps.Sweep]) -> None:
    for place, threshold in enumerate(STEPS):
        alone = _counts(threshold)
        for index, cut in enumerate(alone.slices):
            for metric, found in by_slice[cut].metrics.items():
                value, known = value_of(metric, alone, found.params)[index], estimate(CATALOGUE[metric], alone, found.params)
                assert found.values[place] == (float(value) if np.isfinite(value) else None)
                assert (place in found.infinite) == np.isinf(value)
                ends = [known.lower[index], known.upper[index]] if known is not None and np.isfinite(value) else [np.nan, np.nan]
                assert (found.lower[place], found.upper[place]) == (tuple(ends) if np.isfinite(ends).all() else (None, None))


def test_what_no_threshold_changes_is_not_swept(by_slice: dict[Slice, sweeps.Sweep]) -> None:
    assert {"base_rate", "roc_auc", "true_positives", "average_odds_difference"}.isdisjoint(by_slice[A].metrics)
    assert "demographic_disparity" in by_slice[A].metrics and "demographic_disparity" not in by_slice[EVERYONE].metrics


def test_metrics_that_share_work_are_the_same_in_parts(by_slice: dict[Slice, sweeps.Sweep], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "_AT_ONCE", 7)
    assert {one.slice: one for one in swept(_counts(), _thresholds())} == by_slice


def test_crosses_are_swept_until_they_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    crossed = {A: OF_A, B: ~OF_A, Slice([("group", "a"), ("sex", "f")]): OF_A & (LABEL == 1)}
    counts, few = _counts(slices=crossed), _thresholds((0.3, 0.5))
    assert [one.slice for one in swept(counts, few)] == [EVERYONE, *crossed]
    monkeypatch.setattr(sweeps, "WITH_CROSSES", 7)
    assert [one.slice for one in swept(counts, few)] == [EVERYONE, A, B]
    monkeypatch.setattr(sweeps, "MOST", 5)
    with pytest.raises(ConfigError, match="3 slices at 2 thresholds are more numbers than anybody reads; describe 1 of them at most"):
        swept(counts, few)
