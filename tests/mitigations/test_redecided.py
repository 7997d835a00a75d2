"""Counts that are decided anew by score cells are those of rows that were decided anew, one by one."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairaudit.cube.counts import Counts
from fairaudit.cube.cube import Grid, Plan, count, counts
from fairaudit.cube.slices import Slice
from fairaudit.mitigations.points import effects_of
from fairaudit.mitigations.policy import Policy, Treatment, policy_of, threshold_at
from fairaudit.mitigations.redecided import redecided

THRESHOLD, CROSS = 0.5, ("sex", "race")
EDGES = (0.125, 0.25, 0.5, 0.6, 0.75)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["f", "m", None]), st.sampled_from(["x", "y", None]), st.sampled_from([0, 1, None]), st.floats(0.01, 0.99), st.sampled_from([0.25, 1.0, 3.5]), st.sampled_from(["ann", "bob", "cy", "di"]),
    ),
    min_size=1, max_size=60,
)  # fmt: skip
CUTS = st.sets(st.sampled_from(EDGES), max_size=3).map(sorted)
Drawn = st.floats(0, 1)


def frame(rows: list[tuple[Any, ...]], *, weighted: bool) -> pd.DataFrame:
    found = pd.DataFrame(rows, columns=["a0", "a1", "label", "score", "weight", "cluster"]).astype({"a0": object, "a1": object, "label": "Int64"})
    return found if weighted else found.assign(weight=1.0)


def counted(rows: pd.DataFrame, decision: Any, *, weighted: bool, clustered: bool = False) -> Counts:
    """By the cube, with these decisions."""
    plan = Plan(
        attributes=CROSS, slicings=(("sex",), ("race",), CROSS), grid=Grid(lowest=0.0, highest=1.0), has_labels=True, has_weights=weighted, has_probabilities=True, edges=EDGES, has_clusters=clustered
    )
    table = pa.table({
        "a0": pa.array(rows["a0"].where(rows["a0"].notna(), None), pa.string()), "a1": pa.array(rows["a1"].where(rows["a1"].notna(), None), pa.string()), "label": pa.array(rows["label"], pa.int8()),
        "score": rows["score"].to_numpy(), "weight": rows["weight"].to_numpy(), "cluster": pa.array(rows["cluster"]), "decision": np.asarray(decision, dtype=bool),
    })  # fmt: skip
    with duckdb.connect() as connection:
        connection.register("people", table)
        return counts(count(connection, "people", plan))


def treatments(cuts: list[list[float]], chances: list[list[float]]) -> list[Treatment]:
    return [Treatment(cuts=tuple(own), chances=tuple(chance[: len(own) + 1])) for own, chance in zip(cuts, chances, strict=True)]


def policy(found: list[Treatment]) -> Policy:
    groups = [Slice([("sex", sex), ("race", race)]) for sex in "fm" for race in "xy"][: len(found) - 1]
    return policy_of("any", CROSS, dict(zip(groups, found, strict=False)), found[-1])


AS_IT_IS = policy_of("as-is", CROSS, {}, threshold_at(THRESHOLD))


def chance_of(rows: pd.DataFrame, made: Policy) -> np.ndarray:
    """Each row's, looked up one by one."""
    out = []
    for sex, race, score in zip(rows["a0"], rows["a1"], rows["score"], strict=True):
        treatment = next((one.treatment for one in made.groups if dict(one.group.values) == {"sex": sex, "race": race}), made.fallback)
        out.append(treatment.chances[sum(score > cut for cut in treatment.cuts)])
    return np.array(out)


def same(one: Counts, other: Counts) -> None:
    assert one.slices == other.slices
    np.testing.assert_array_equal(one.rows, other.rows)
    np.testing.assert_allclose(one.weight, other.weight, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(one.weight_sq, other.weight_sq, rtol=1e-12, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(rows=ROWS, cuts=st.lists(CUTS, min_size=4, max_size=4), bits=st.lists(st.lists(st.sampled_from([0.0, 1.0]), min_size=4, max_size=4), min_size=4, max_size=4), weighted=st.booleans(), clustered=st.booleans())
def test_counts_decided_anew_are_those_of_rows_that_were(rows: list[tuple[Any, ...]], cuts: list[list[float]], bits: list[list[float]], weighted: bool, clustered: bool) -> None:
    people, made = frame(rows, weighted=weighted), policy(treatments(cuts, bits))
    found = redecided(counted(people, people["score"] > THRESHOLD, weighted=weighted, clustered=clustered), CROSS, made, AS_IT_IS)
    wanted = counted(people, chance_of(people, made) > 0.5, weighted=weighted, clustered=clustered)
    same(found.counts, wanted)
    np.testing.assert_allclose(found.matched.weight.sum(axis=2), found.counts.weight)
    np.testing.assert_array_equal(found.matched.rows.sum(axis=2), found.counts.rows)
    if clustered:
        assert found.counts.clusters is not None and wanted.clusters is not None
        np.testing.assert_array_equal(found.counts.clusters.number, wanted.clusters.number)
        np.testing.assert_allclose(found.counts.clusters.products, wanted.clusters.products[:, :6, :6], atol=1e-9)
        np.testing.assert_allclose(found.counts.clusters.beside, wanted.clusters.beside, atol=1e-9)
        assert found.matched.clusters is not None
        for place, one in enumerate(found.counts.slices):
            np.testing.assert_allclose(found.matched.clusters.products[place], products(within(people, one), made), atol=1e-9)


def within(people: pd.DataFrame, one: Slice) -> pd.DataFrame:
    for name, value in one.values:
        column = {"sex": "a0", "race": "a1"}[name]
        people = people[people[column].isna() if value is None else people[column] == value]
    return people


def products(people: pd.DataFrame, made: Policy) -> np.ndarray:
    """Σ over clusters of t tᵀ, where t are a cluster's weights by label, decision before and decision now."""
    found = np.zeros((12, 12))
    cell = people["label"].fillna(2).to_numpy(int) * 4 + (people["score"] > THRESHOLD).to_numpy(int) * 2 + (chance_of(people, made) > 0.5)
    for cluster in people["cluster"].unique():
        t = np.bincount(cell[people["cluster"] == cluster], people["weight"][people["cluster"] == cluster], 12)
        found += np.outer(t, t)
    return found


@settings(max_examples=40, deadline=None)
@given(rows=ROWS, cuts=st.lists(CUTS, min_size=4, max_size=4), chances=st.lists(st.lists(Drawn, min_size=4, max_size=4), min_size=4, max_size=4))
def test_what_is_drawn_is_counted_as_expected(rows: list[tuple[Any, ...]], cuts: list[list[float]], chances: list[list[float]]) -> None:
    people, made = frame(rows, weighted=True), policy(treatments(cuts, chances))
    found = redecided(counted(people, people["score"] > THRESHOLD, weighted=True), CROSS, made, AS_IT_IS)
    people["chance"], people["was"] = chance_of(people, made), people["score"] > THRESHOLD
    for place, one in enumerate(found.counts.slices):
        own = within(people, one)
        for label, of in ((0, own[own["label"].eq(0).fillna(False)]), (1, own[own["label"].eq(1).fillna(False)]), (2, own[own["label"].isna()])):
            for was in (0, 1):
                taken = of[of["was"] == bool(was)]
                selected = float((taken["weight"] * taken["chance"]).sum())
                assert found.matched.weight[place, label, was] == pytest.approx([float(taken["weight"].sum()) - selected, selected], abs=1e-9)


def test_draws_of_rows_in_clusters_vary_as_draws_do() -> None:
    """Σ over clusters of their sums times each other is, in the mean over many draws, what is written instead."""
    rng = np.random.default_rng(4)
    rows = [("f" if rng.random() < 0.5 else "m", "x", int(rng.random() < 0.5), float(rng.uniform(0.05, 0.95)), 1.0, f"c{rng.integers(0, 12)}") for _ in range(60)]
    people = frame(rows, weighted=False)
    made = policy([Treatment(cuts=(0.25, 0.6), chances=(0.1, 0.7, 0.9)), threshold_at(0.5), Treatment(cuts=(0.5,), chances=(0.2, 1.0)), threshold_at(0.5), threshold_at(0.5)])
    found = redecided(counted(people, people["score"] > THRESHOLD, weighted=False, clustered=True), CROSS, made, AS_IT_IS).counts.clusters
    chance = chance_of(people, made)
    draws = [counted(people, rng.random(len(people)) < chance, weighted=False, clustered=True).clusters for _ in range(400)]
    for name in ("products", "beside"):
        drawn = np.array([getattr(one, name)[:, :6, :6] for one in draws])
        error = drawn.std(axis=0) / np.sqrt(len(draws))
        assert (np.abs(drawn.mean(axis=0) - getattr(found, name)) <= 5 * error + 1e-9).all(), name


def test_a_cut_within_a_cell_is_refused() -> None:
    people = frame([("f", "x", 1, 0.3001, 1.0, "a"), ("f", "x", 1, 0.30012, 1.0, "a")], weighted=False)
    with pytest.raises(ValueError, match="lies within a score cell"):
        redecided(counted(people, people["score"] > THRESHOLD, weighted=False), CROSS, policy_of("any", CROSS, {}, threshold_at(0.30011)), AS_IT_IS)


def test_a_row_that_stands_five_times_in_a_cluster_tells_no_more_of_a_change_than_once() -> None:
    rng = np.random.default_rng(3)
    rows = [(str(rng.choice(["f", "m"])), "a", int(rng.random() < 0.5), round(float(rng.uniform(0.2, 0.8)), 2), 1.0, str(place)) for place in range(300)]
    made = policy_of("thresholds", CROSS, {}, threshold_at(0.6))

    def told(rows: list[tuple[Any, ...]], *, clustered: bool) -> dict[tuple[str, str], Any]:
        people = frame(rows, weighted=False)
        return {(one.metric, str(one.slice)): one for one in effects_of(redecided(counted(people, people["score"] > THRESHOLD, weighted=False, clustered=clustered), CROSS, made, AS_IT_IS), "helps") if one.change}

    once, alike, apart = told(rows, clustered=False), told(rows * 5, clustered=True), told(rows * 5, clustered=False)
    assert once.keys() == alike.keys() == apart.keys() and len(once) > 8
    for key, one in once.items():
        width, of_alike, of_apart = (ends[1] - ends[0] for ends in (one.interval, alike[key].interval, apart[key].interval))
        assert alike[key].change == pytest.approx(one.change) and 0.9 < of_alike / width < 1.25 and of_apart / width < 0.6
