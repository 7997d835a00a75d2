"""Score cells that hold several scores: how fine they are, and how far from scikit-learn's and SciPy's numbers the audit's can be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp  # type: ignore[import-untyped]
from sklearn.metrics import average_precision_score, roc_auc_score  # type: ignore[import-untyped]

from fairaudit.config import AuditConfig
from fairaudit.cube.cube import Grid, Plan, _cell
from fairaudit.data.rows import grid_range
from fairaudit.evidence.cell_errors import UNBOUNDED
from fairaudit.evidence.measurement import Comparison, Measurement, Status
from fairaudit.result import Audit
from fairaudit.run import audit
from tests.builders import connected


def cells(scores: Any, grid: Grid) -> Any:
    """The place of each score's cell."""
    plan = Plan(attributes=(), slicings=(), grid=grid, has_labels=True, has_weights=False, has_probabilities=True)
    with connected() as connection:
        connection.register("scores", pa.table({"place": np.arange(len(scores)), "score": scores}))
        return connection.sql(f"SELECT {_cell(plan)} AS cell FROM scores ORDER BY place").to_arrow_table().column("cell").to_numpy()


def edges() -> Any:
    """Numbers beside every edge that the cells of probabilities have, or a reader may expect."""
    tail = 2.0 ** (-np.arange(64 * 41) / 64) / 96
    some = np.r_[0, 1, tail, 1 - tail, np.arange(3841) / 3840]
    for _ in range(2):
        some = np.unique(np.r_[some, np.nextafter(some, 0), np.nextafter(some, 1)].clip(0, 1))
    return some


def test_cells_rise_with_the_score() -> None:
    scores = np.unique(np.r_[edges(), 10.0 ** -np.random.default_rng(0).uniform(0, 20, 20_000), 1 - 10.0 ** -np.random.default_rng(1).uniform(0, 16, 20_000), 5e-324])
    assert (np.diff(cells(scores, Grid(lowest=0.0, highest=1.0))) >= 0).all()


@pytest.mark.parametrize("bins", [10, 15, 16, 60, 64, 80, 96])
def test_bins_of_probabilities_are_whole_cells(bins: int) -> None:
    inner = np.arange(1, bins) / bins  # which are rounded: a score equal to one may be below it
    below, at = (cells(inner * (1 + off), Grid(lowest=0.0, highest=1.0)) for off in (-1e-15, 1e-15))
    assert (below < at).all()


def test_a_cell_is_a_3840th_wide_and_near_the_ends_a_ninetieth_of_the_distance_to_them() -> None:
    scores = edges()
    place = cells(scores, Grid(lowest=0.0, highest=1.0))
    first = np.flatnonzero(np.diff(place, prepend=-1))
    low, high = np.minimum.reduceat(scores, first), np.maximum.reduceat(scores, first)
    assert (high - low).max() <= 1 / 3840
    near = np.minimum(low, 1 - high)
    tails = (near > 1e-9) & (near < 1 / 96)
    assert np.count_nonzero(tails) > 2000 and ((high - low)[tails] / near[tails]).max() <= 1 / 90


@pytest.mark.parametrize(
    ("scores", "expected"),
    [((0.0, 2e-4), (0, 1)), ((0.0, 1.0), (0, 1)), ((1.0, 10.0), (1, 10)), ((300.0, 850.0), (300, 850)), ((-0.00102, 0.00098), (-0.0011, 0.001)), ((-3.27, 1.02), (-3.3, 1.1)), ((4.0, 4.0), (4, 4))],
)
def test_cells_divide_the_range_of_the_scores(scores: tuple[float, float], expected: tuple[float, float]) -> None:
    assert grid_range(scores) == pytest.approx(expected)
    assert (grid_range(scores) == (0.0, 1.0)) == (scores[0] >= 0 and scores[1] <= 1)


def made(score: Any, label: Any, group: Any) -> Audit:
    table = pa.table({"g": np.asarray(group).astype(str), "y": np.asarray(label, dtype=int), "s": np.asarray(score, dtype=float)})
    return audit(AuditConfig(score_column="s", label="y", protected=("g",), reference={"g": "b"}, engines=("native",)), data=table)


def exactly(score: Any, label: Any, group: Any) -> dict[tuple[str, str], float]:
    """By metric and slice or kind, from scikit-learn and SciPy."""
    out = {}
    sides = {one: np.asarray(group) == one for one in "ab"}
    for name, mine in {"everyone": np.ones(len(score), dtype=bool), **{f"g={one}": mask for one, mask in sides.items()}}.items():
        s, y = score[mine], label[mine]
        out["roc_auc", name], out["pr_auc", name] = roc_auc_score(y, s), average_precision_score(y, s)
        out["ks_separation", name] = ks_2samp(s[y == 1], s[y == 0], method="asymp").statistic
        out["scoring_rate", name] = float((s > np.median(score)).mean())
    for one, mine in sides.items():
        for metric, of_slice in (("bpsn_auc", 0), ("bnsp_auc", 1)):
            chosen = (mine & (label == of_slice)) | (~mine & (label != of_slice))
            out[metric, f"g={one}"] = roc_auc_score(label[chosen], score[chosen])
    out["kolmogorov_smirnov_distance", "value"] = ks_2samp(score[sides["a"]], score[sides["b"]], method="asymp").statistic
    for metric in ("roc_auc", "pr_auc", "scoring_rate"):
        pair = [out[metric, "g=a"], out[metric, "g=b"]]
        out[metric, "difference"], out[metric, "gap"] = pair[0] - pair[1], max(pair) - min(pair)
        if metric == "scoring_rate":
            out[metric, "ratio"], out[metric, "min_max_ratio"] = (pair[0] / pair[1], min(pair) / max(pair)) if max(pair) > 0 and pair[1] > 0 else (np.nan, np.nan)
    return out


def told(found: Audit) -> dict[tuple[str, str], Measurement | Comparison]:
    return {**{(one.metric, str(one.slice)): one for one in found.measurements}, **{(one.metric, one.kind): one for one in found.comparisons}}


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.sampled_from([1, 3, 12]), st.integers(12, 60))
def test_the_error_holds_the_exact_number_and_the_interval_the_error(seed: int, number: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    label, group = np.arange(rows) % 2, np.array(list("ab"))[(np.arange(rows) // 2) % 2]
    score = 0.5 + (rng.random(rows) * 0.8 + 0.1 + 0.1 * label) * number / 3840  # within few cells
    expected, known = exactly(score, label, group), told(made(score, label, group))
    for key, value in expected.items():
        one = known[key]
        if one.value is None or np.isnan(value) or one.reason == UNBOUNDED:
            continue
        assert abs(one.value - value) <= (one.error or 0.0) + 1e-9, key
        if one.interval is not None:
            assert one.interval[0] - 1e-9 <= value <= one.interval[1] + 1e-9, key


def test_scores_of_rare_events_are_ranked_as_scikit_learn_ranks_them() -> None:
    """All scores below 2e-4: in cells of equal width, the AUC was 0.661 [0.635, 0.687] and scikit-learn's 0.735."""
    rng = np.random.default_rng(0)
    group = rng.choice(["a", "b"], 2000)
    label = (rng.random(2000) < np.where(group == "a", 0.3, 0.1)).astype(int)
    score = np.where(label == 1, rng.beta(3, 2, 2000), rng.beta(2, 3, 2000)) * 2e-4
    expected, known = exactly(score, label, group), told(made(score, label, group))
    for key, value in expected.items():
        one = known[key]
        assert one.value == pytest.approx(value, abs=0.02 if key[0] == "pr_auc" or "ratio" in key[1] else 0.01), key
        assert abs(one.value - value) <= (one.error or 0.0) + 1e-12 and one.interval is not None and one.interval[0] <= value <= one.interval[1], key


def test_a_ratio_whose_reference_may_be_0_says_that_it_has_no_bound() -> None:
    score = 0.5 + np.arange(8) / 8 / 3840 * 0.9
    ratio = told(made(score, [0, 1] * 4, list("aabbaabb")))["scoring_rate", "ratio"]
    assert (ratio.status, ratio.error, ratio.interval, ratio.reason) == (Status.OK, None, None, UNBOUNDED)
