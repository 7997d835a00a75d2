"""Tallies of clustered rows: groups alone, together and apart."""

from __future__ import annotations

import numpy as np
import pytest

from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.evidence.rates import rate, trials_of
from fairaudit.metrics.catalogue import CATALOGUE
from fairaudit.rules.tally import tally
from tests.builders import counts_in_clusters

RNG = np.random.default_rng(2)
METRICS = [CATALOGUE[name] for name in ("selection_rate", "true_positive_rate", "positive_predictive_value")]


def rows(*, nested: bool) -> dict[str, list[object]]:
    owner = np.repeat(np.arange(90), 5)
    group = np.array(["a", "b", "c"])[owner % 3 if nested else RNG.integers(0, 3, owner.size)]
    common = RNG.normal(size=90)[owner]
    score = 1 / (1 + np.exp(-common - RNG.normal(size=owner.size)))
    return {"cluster": owner.tolist(), "label": (RNG.random(owner.size) < score).astype(int).tolist(), "score": score.tolist(), "group": group.tolist()}


@pytest.mark.parametrize("metric", METRICS, ids=lambda one: one.id)
def test_a_group_alone_has_the_effective_rows_and_the_interval_that_its_measurement_has(metric) -> None:  # type: ignore[no-untyped-def]
    counts = counts_in_clusters(**rows(nested=False))  # type: ignore[arg-type]
    found = tally(counts, metric, np.arange(len(counts.slices)))
    assert found.weighted and found.trials == pytest.approx(trials_of(metric, counts))
    assert found.events == pytest.approx(found.rate * found.trials)
    assert found.estimate(0.95).lower == pytest.approx(rate(metric, counts).lower)


@pytest.mark.parametrize("metric", METRICS, ids=lambda one: one.id)
@pytest.mark.parametrize("nested", [True, False])
def test_all_groups_together_are_everyone_wherever_their_clusters_are(metric, nested: bool) -> None:  # type: ignore[no-untyped-def]
    counts = counts_in_clusters(**rows(nested=nested))  # type: ignore[arg-type]
    groups = np.array(counts.of_slicing(("group",)))
    together = tally(counts, metric, groups).together()
    assert together.trials == pytest.approx(tally(counts, metric, np.array([counts.index(EVERYONE)])).trials)


@pytest.mark.parametrize("metric", METRICS, ids=lambda one: one.id)
@pytest.mark.parametrize("nested", [True, False])
def test_the_rest_is_that_of_the_rows_themselves_or_less_sure_where_clusters_are_on_both_sides(metric, nested: bool) -> None:  # type: ignore[no-untyped-def]
    data = rows(nested=nested)
    counts = counts_in_clusters(**data)  # type: ignore[arg-type]
    groups = tally(counts, metric, np.array(counts.of_slicing(("group",))))
    rest = groups.together().apart_from(groups.at([0]))
    kept = [place for place, one in enumerate(data["group"]) if one != "a"]
    alone = counts_in_clusters(**{name: [values[place] for place in kept] for name, values in data.items()})  # type: ignore[arg-type]
    expected = tally(alone, metric, np.array([alone.index(EVERYONE)]))
    assert (rest.rate, rest.rows, rest.weight) == (pytest.approx(expected.rate), expected.rows, pytest.approx(expected.weight))
    assert rest.trials == pytest.approx(expected.trials) if nested else rest.trials <= expected.trials * 1.001


def test_a_pool_put_beside_its_groups_keeps_what_they_say_by_cluster() -> None:
    counts = counts_in_clusters(**rows(nested=True))  # type: ignore[arg-type]
    groups = tally(counts, METRICS[0], np.array(counts.of_slicing(("group",))))
    both = groups.and_also(groups.at([0, 1]).together())
    assert both.trials[:3] == pytest.approx(groups.trials) and groups.trials[:2].max() < both.trials[3] < groups.rows[:2].sum()
    assert both.at(np.s_[:, None]).trials.shape == (4, 1)


def test_a_group_of_one_cluster_has_no_evidence() -> None:
    counts = counts_in_clusters(cluster=["x"] * 40 + list(range(40)), label=[1] * 80, score=[0.9, 0.1] * 40, group=["lone"] * 40 + ["many"] * 40)
    found = tally(counts, METRICS[0], np.array([counts.index(Slice([("group", name)])) for name in ("lone", "many")]))
    assert found.trials[0] == 0 and found.events[0] == 0 and found.rate[0] == 0.5 and found.trials[1] > 30
    assert np.isnan(found.estimate(0.95).lower[0])
