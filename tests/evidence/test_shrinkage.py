"""Rates of small groups, shrunken: the textbook's numbers, and that they are nearer to the truth."""

from __future__ import annotations

import numpy as np
import pytest

from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.evidence.assembled import measurements
from fairaudit.evidence.shrinkage import prior
from fairaudit.evidence.wanted import values
from fairaudit.metrics.answers import gathered, replies
from fairaudit.metrics.engines import engine
from tests.builders import counts_from
from tests.vectors import vector


def test_the_rats_of_the_textbook() -> None:
    published = vector("gelman-rat-tumours")
    expected = {one["metric"]: one for one in published["expected"]}
    history = np.array(published["events"][:70], dtype=float), np.array(published["trials"][:70], dtype=float)  # the last experiment is the one in question
    found = prior(*history, "raw_moments")
    assert found is not None
    got = {
        "mean_of_rates": found.mean, "beta_prior_a": found.mean * found.strength, "beta_prior_b": (1 - found.mean) * found.strength,
        "shrunken_rate": float(found.shrunken(np.array(4.0), np.array(14.0))),
    }  # fmt: skip
    for name, value in got.items():
        assert value == pytest.approx(expected[name]["full"], rel=1e-9) and round(value, expected[name]["digits"]) == expected[name]["value"]


def test_groups_no_further_apart_than_chance_are_pooled_in_full() -> None:
    found = prior(np.array([3.0, 6.0, 31.0, 2.0]), np.array([10.0, 20.0, 100.0, 7.0]))
    assert found is not None and np.isinf(found.strength) and found.mean == pytest.approx(42 / 137)
    assert found.shrunken(np.array([3.0]), np.array([10.0])).tolist() == [found.mean]


def test_groups_that_are_far_apart_keep_their_rates() -> None:
    found = prior(np.array([1000.0, 9000.0, 5000.0]), np.array([10000.0] * 3))
    assert found is not None and found.strength < 10
    assert found.shrunken(np.array([1000.0]), np.array([10000.0]))[0] == pytest.approx(0.1, abs=0.001)


@pytest.mark.parametrize(("events", "trials"), [([1.0, 2.0], [5.0, 5.0]), ([0.0] * 4, [5.0] * 4), ([5.0] * 4, [5.0] * 4), ([1.0, 2.0, 0.0], [5.0, 5.0, 0.0])])
def test_where_nothing_can_be_learnt_there_is_no_prior(events: list[float], trials: list[float]) -> None:
    assert prior(np.array(events), np.array(trials)) is None


def test_of_small_groups_it_is_nearer_to_the_truth_than_their_own_rate_and_the_textbooks_variant() -> None:
    rng, errors = np.random.default_rng(2), np.zeros(3)
    for _ in range(300):
        trials = rng.integers(5, 40, 20).astype(float)
        true = rng.beta(12, 28, 20)
        events = rng.binomial(trials.astype(int), true).astype(float)
        ours, raw = prior(events, trials), prior(events, trials, "raw_moments")
        assert ours is not None and raw is not None
        errors += [float(((guess - true) ** 2).sum()) for guess in (ours.shrunken(events, trials), raw.shrunken(events, trials), events / trials)]
    assert errors[0] < 0.9 * errors[1] and errors[0] < 0.5 * errors[2]


def test_only_small_slices_have_one_and_the_raw_rate_stays() -> None:
    tables = {"a": (300.0, 0.0, 700.0, 0.0), "b": (200.0, 0.0, 800.0, 0.0), "c": (2.0, 0.0, 10.0, 0.0), None: (1.0, 0.0, 4.0, 0.0)}
    counts = counts_from({EVERYONE: (503.0, 0.0, 1514.0, 0.0)} | {Slice([("g", name)]): table for name, table in tables.items()})
    asked = [one for one in values(counts) if one.metric == "selection_rate"]
    made = measurements(gathered(asked, replies(engine("native"), asked, counts)), counts, threshold=0.5)
    found = {str(one.slice): one for one in made}
    assert [name for name, one in found.items() if one.shrunken is not None] == ["g=c"]
    assert found["g=c"].value == pytest.approx(1 / 6) and 1 / 6 < (found["g=c"].shrunken or 0) < 502 / 2012
