"""Intervals of Kolmogorov–Smirnov distances against simulated bridges, Smirnov's test and data sets of known distances."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]

from benchmarks.coverage import World, drawn, lines, truth
from fairaudit.cube.counts import Counts
from fairaudit.cube.slices import Slice
from fairaudit.evidence.distances import _stays_below
from fairaudit.evidence.estimates import estimate, pair_bounds
from fairaudit.metrics.catalogue import CATALOGUE
from fairaudit.metrics.engines.cells import Distances
from fairaudit.metrics.engines.interface import Kind
from fairaudit.types import Floats
from tests.builders import counts_of_rows

SEPARATION = CATALOGUE["ks_separation"]


def _distances(variance: float, rarity: float) -> Distances:
    one = np.ones(1)
    return Distances(value=0.3 * one, rarity=rarity * one, error=0 * one, variance=variance * one, grain=0 * one, peak=one)


@pytest.mark.parametrize(("clock", "height", "slope", "distance"), [(0.5, 0.0, 0.5, 0.9), (0.5, 0.6, 1.0, 1.2), (0.2, 0.6, 0.5, 1.1), (0.3, -0.5, 0.75, 0.6), (0.5, 1.5, 0.5, 1.5)])
def test_how_likely_a_bridge_stays_below_is_how_often_simulated_ones_do(clock: float, height: float, slope: float, distance: float) -> None:
    steps, rarity, rng = 2000, 0.04, np.random.default_rng(0)
    scale, at = np.sqrt(rarity), np.linspace(0, 1, steps + 1)
    roof = height * (1 - slope * np.where(at <= clock, 1 - at / clock, (at - clock) / (1 - clock)))
    below = 0
    for _ in range(10):
        walk = np.c_[np.zeros(500), np.cumsum(rng.normal(0, 1 / np.sqrt(steps), (500, steps)), axis=1)]
        bridge = walk - at * walk[:, -1:]
        # Between its steps a bridge rises higher still (Broadie, Glasserman & Kou 1997).
        below += int(((bridge + roof).max(axis=1) < distance - 0.5826 / np.sqrt(steps)).sum())
    found = _stays_below(np.array([distance * scale]), np.array([height * scale]), _distances(rarity * clock * (1 - clock), rarity), slope)
    assert found[0] == pytest.approx(below / 5000, abs=0.025)


def _of_two(one: Floats, other: Floats) -> Counts:
    label = [1] * one.size + [0] * other.size
    return counts_of_rows(label=label, decision=[0] * len(label), score=[*one.tolist(), *other.tolist()])


def test_it_begins_at_0_exactly_where_smirnovs_test_finds_nothing() -> None:
    rng = np.random.default_rng(3)
    seen = set()
    for shift in np.linspace(0, 0.1, 40):
        one, other = rng.uniform(0, 0.85, 300), rng.uniform(0, 0.85, 500) + shift
        p = stats.ks_2samp(one, other, method="asymp").pvalue
        if abs(p - 0.05) > 0.01:
            found = estimate(SEPARATION, _of_two(one, other))
            assert found is not None and (found.lower[0] == 0) == (p > 0.05), (shift, p)
            seen.add(bool(p > 0.05))
    assert seen == {False, True}


def test_it_holds_the_value_and_does_not_claim_certainty_where_all_are_apart() -> None:
    found = estimate(SEPARATION, _of_two(np.full(30, 0.8), np.full(70, 0.2)))
    assert found is not None and found.value[0] == found.upper[0] == 1
    assert 0.8 < found.lower[0] < 0.97


def test_weights_that_are_all_alike_say_nothing_and_others_widen_it() -> None:
    rng = np.random.default_rng(4)
    counts = drawn(World(rate=np.full(20, 0.3), size=300, weighted=False), rng)
    cells = counts.score_cells
    assert cells is not None
    scaled = replace(counts, weight=counts.weight * 3, weight_sq=counts.weight_sq * 9, score_cells=replace(cells, weight=cells.weight * 3, weight_sq=cells.weight_sq * 9))
    fewer = replace(counts, weight_sq=counts.weight_sq * 2, score_cells=replace(cells, weight_sq=cells.weight_sq * 2))
    plain, same, wider = (estimate(SEPARATION, one) for one in (counts, scaled, fewer))
    assert plain and same and wider
    assert same.lower == pytest.approx(plain.lower, abs=1e-9) and same.upper == pytest.approx(plain.upper, abs=1e-9)
    assert (wider.upper - wider.lower > plain.upper - plain.lower).all()


@pytest.mark.no_cover
@pytest.mark.parametrize(("size", "rate", "weighted"), [(100, 0.4, False), (1000, 0.05, False), (1000, 0.5, True)])
def test_it_holds_the_truth_as_often_as_it_says(size: int, rate: float, weighted: bool) -> None:
    """Of the test's own critical distance on both sides, 99.4 to 99.6 % did."""
    rng = np.random.default_rng(11)
    band = rate * rng.uniform(0.8, 1.2, 1500)
    counts, population = drawn(World(rate=band, size=size, weighted=weighted), rng), truth(band)
    (held,) = (coverage(counts, population) for name, coverage in lines() if name == "ks_separation")
    assert 0.93 <= held <= 0.975


def test_of_two_groups_that_are_alike_it_holds_0_in_95_of_100() -> None:
    rng = np.random.default_rng(12)
    counts = drawn(World(rate=np.full(4000, 0.3), size=200, weighted=False), rng)
    bounds = pair_bounds(CATALOGUE["kolmogorov_smirnov_distance"], Kind.VALUE, counts, np.arange(2000), np.arange(2000, 4000))
    assert bounds is not None
    assert np.mean(bounds[0] == 0) == pytest.approx(0.95, abs=0.015)


@pytest.mark.no_cover
@pytest.mark.parametrize("values", [2, 3, 10])
@pytest.mark.parametrize("apart", [0.0, 0.05, 0.15])
def test_of_scores_that_take_few_values_it_holds_the_truth_too(values: int, apart: float) -> None:
    """As if scores were continuous, two values would be held in 64 % where the groups differ a little."""
    rng, size, pairs = np.random.default_rng(13), 200, 400
    even, half = np.full(values, 1 / values), values // 2
    moved = even + np.where(np.arange(values) < half, apart / half, -apart / (values - half))
    score = [rng.choice(values, size=(pairs, size), p=chance) / values for chance in (even, moved)]
    whole = np.concatenate([np.concatenate(pair) for pair in zip(*score, strict=True)])
    owner = np.repeat(np.arange(2 * pairs), size)
    counts = counts_of_rows({Slice([("group", str(one))]): owner == one for one in range(2 * pairs)}, label=[0] * whole.size, decision=[0] * whole.size, score=whole.tolist())
    bounds = pair_bounds(CATALOGUE["kolmogorov_smirnov_distance"], Kind.VALUE, counts, 1 + 2 * np.arange(pairs), 2 + 2 * np.arange(pairs))
    assert bounds is not None
    assert np.mean((bounds[0] <= apart + 1e-12) & (apart <= bounds[1] + 1e-12)) >= 0.92
