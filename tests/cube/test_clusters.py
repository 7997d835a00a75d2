"""Sums by cluster are those of adding up by hand, and the cube is the same with them or without."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairaudit.cube.clusters import DECIDED, SUMS
from fairaudit.cube.cube import Cube, Grid, Plan, count, counts
from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.cube.stored import read_cube, write_cube
from tests.builders import connected

PLAN = Plan(
    attributes=("sex", "race"), slicings=(("sex",), ("sex", "race")), grid=Grid(lowest=0.0, highest=1.0), has_labels=True, has_weights=True, has_probabilities=True,
    has_copies=True, has_clusters=True,
)  # fmt: skip
Row = tuple[str | None, str | None, int | None, float, float, int, str]
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["f", "m", None]), st.sampled_from(["x", "y", None]), st.sampled_from([0, 1, None]), st.floats(0.01, 0.99), st.sampled_from([0.25, 1.0, 3.7]),
        st.integers(1, 3), st.sampled_from(["ann", "bob", "cy", "10", "9"]),
    ),
    min_size=1, max_size=40,
)  # fmt: skip


def _counted(rows: list[Row], plan: Plan = PLAN) -> Cube:
    columns = list(zip(*rows, strict=True))
    table = pa.table({
        "a0": pa.array(columns[0], pa.string()), "a1": pa.array(columns[1], pa.string()), "label": pa.array(columns[2], pa.int8()), "score": columns[3],
        "weight": columns[4], "copies": columns[5], "cluster": columns[6],
    })  # fmt: skip
    with connected() as connection:
        connection.register("rows", table)
        return count(connection, "SELECT *, score > 0.5 AS decision FROM rows", plan)


def _by_hand(rows: list[Row], mine: list[bool]) -> dict[str, np.ndarray]:
    """Each cluster's sums: weight by label and decision, then weight × score, weight × score² and the loss by label."""
    sums: dict[str, np.ndarray] = {}
    for (_, _, label, score, weight, copies, cluster), chosen in zip(rows, mine, strict=True):
        if chosen:
            own, place = sums.setdefault(cluster, np.zeros(SUMS)), 2 if label is None else label
            own[place * 2 + (score > 0.5)] += copies * weight
            loss = 0.0 if label is None else -np.log(score if label else 1 - score)
            for begin, value in ((DECIDED, score), (DECIDED + 3, score**2), (DECIDED + 6, loss)):
                own[begin + place] += copies * weight * value
    return sums


@settings(max_examples=30, deadline=None)
@given(rows=ROWS)
def test_what_clusters_hold_up_to_a_score_is_added_up_by_hand(rows: list[Row]) -> None:
    found = counts(_counted(rows))
    assert found.clusters is not None and found.clusters.entries is not None
    orders = np.unique(found.clusters.entries.order)
    asked = [(index, int(order)) for index in range(len(found.slices)) for order in orders]
    sums = found.clusters.at_or_below(*np.array(asked).T)
    cells = [one for one in (found.score_cells, found.unlabelled_cells) if one is not None]
    highest = {int(order): max((one.highest[one.order == order].max(initial=0.0) for one in cells), default=0.0) for order in orders}
    for place, (index, order) in enumerate(asked):
        own: dict[str, np.ndarray] = {}
        for sex, race, _, score, weight, copies, cluster in rows:
            if all(dict(sex=sex, race=race)[name] == value for name, value in found.slices[index].values):
                own.setdefault(cluster, np.zeros(2))
                own[cluster] += copies * weight * np.array([score <= highest[order], 1.0])
        a, b = np.array(list(own.values())).reshape(-1, 2).T
        assert [one[place] for one in sums] == pytest.approx([a.sum(), (a * a).sum(), (a * b).sum(), (b * b).sum()], rel=1e-9, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_products_are_those_of_adding_up_each_cluster_by_hand(rows: list[Row]) -> None:
    found = counts(_counted(rows))
    assert found.clusters is not None and found.clusters.beside is not None
    whole = _by_hand(rows, [True] * len(rows))
    for at, one in enumerate(found.slices):
        mine = _by_hand(rows, [all(dict(sex=row[0], race=row[1])[attribute] == value for attribute, value in one.values) for row in rows])
        assert found.clusters.number[at] == len(mine)
        np.testing.assert_allclose(found.clusters.products[at], sum(np.outer(own, own) for own in mine.values()), rtol=1e-9, atol=1e-12)
        beside = sum(np.outer(own[:DECIDED], whole[cluster][:DECIDED]) for cluster, own in mine.items())
        np.testing.assert_allclose(found.clusters.beside[at], beside, rtol=1e-9, atol=1e-12)
    sizes: dict[str, int] = {}
    for row in rows:
        sizes[row[6]] = sizes.get(row[6], 0) + row[5]
    assert found.clusters.largest == max(sizes.values())
    several = {cluster for cluster in sizes if len({row[0] for row in rows if row[6] == cluster}) > 1}
    assert found.clusters.shared.get(("sex",), 0) == len(several)


@settings(max_examples=30, deadline=None)
@given(rows=ROWS, seed=st.integers(0, 99))
def test_clusters_do_not_depend_on_the_order_of_rows_and_leave_the_cube_as_it_is(rows: list[Row], seed: int) -> None:
    one, other = _counted(rows), _counted([rows[place] for place in np.random.default_rng(seed).permutation(len(rows))])
    assert one.table.equals(other.table) and one.table.equals(_counted(rows, replace(PLAN, has_clusters=False)).table)
    first, second = counts(one).clusters, counts(other).clusters
    assert first is not None and second is not None
    assert np.array_equal(first.products, second.products)


@settings(max_examples=30, deadline=None)
@given(rows=ROWS)
def test_squares_of_what_each_entry_brings_are_summed_by_cluster(rows: list[Row]) -> None:
    clusters = counts(_counted(rows)).clusters
    assert clusters is not None
    np.testing.assert_allclose(clusters.squared_sums(lambda entries, places: entries.weight), clusters.products[:, :DECIDED, :DECIDED].sum(axis=(1, 2)), rtol=1e-9)


def test_cubes_of_clustered_rows_neither_merge_nor_tell_of_clusters(tmp_path: Path) -> None:
    cube = _counted([("f", "x", 1, 0.7, 1.0, 1, "ann"), ("m", "x", 0, 0.2, 1.0, 1, "ann")])
    with pytest.raises(ValueError, match="cannot be merged, since a cluster may have rows in both"):
        cube.merge(cube)
    write_cube(cube, tmp_path / "cube.parquet")
    read = read_cube(tmp_path / "cube.parquet")
    assert read.table.equals(cube.table) and read.by_cluster is None
    with pytest.raises(ValueError, match="which its file does not hold"):
        counts(read)


def test_without_scores_and_within_slices_of_a_missing_value_clusters_are_summed_too() -> None:
    plan = replace(PLAN, grid=None, has_probabilities=False)
    rows: list[Row] = [(None, "x", 1, 0.7, 1.0, 1, "ann"), (None, "x", 1, 0.9, 1.0, 1, "ann"), ("f", "x", 1, 0.9, 1.0, 2, "bob")]
    found = counts(_counted(rows, plan))
    assert found.clusters is not None
    assert found.clusters.products.shape == (len(found.slices), DECIDED, DECIDED)
    missing = found.index(Slice([("sex", None)]))
    assert found.clusters.products[missing, 3, 3] == 4.0 and found.clusters.products[found.index(EVERYONE), 3, 3] == 8.0
