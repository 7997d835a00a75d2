"""Rows are counted exactly, and parts of the rows merge to the cube of the whole."""

from __future__ import annotations

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from fairaudit.cube.cube import Cube, Grid, Plan, count, counts
from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.metrics.engines.cells import auc_and_error
from tests.builders import connected

PLAN = Plan(
    attributes=("sex", "race"), slicings=(("sex",), ("sex", "race")), grid=Grid(lowest=0.0, highest=1.0), has_labels=True, has_weights=True, has_probabilities=True
)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["f", "m", None]), st.sampled_from(["x", "y", None]), st.sampled_from([0, 1, None]), st.floats(0, 1), st.sampled_from([0.25, 1.0, 3.7])
    ),
    min_size=1,
    max_size=40,
)
Row = tuple[str | None, str | None, int | None, float, float]


def _counted(rows: list[Row]) -> Cube:
    columns = list(zip(*rows, strict=True))
    table = pa.table({
        "a0": pa.array(columns[0], pa.string()), "a1": pa.array(columns[1], pa.string()), "label": pa.array(columns[2], pa.int8()),
        "score": pa.array(columns[3], pa.float64()), "weight": pa.array(columns[4], pa.float64()),
    })  # fmt: skip
    with connected() as connection:
        connection.register("rows", table)
        return count(connection, "SELECT *, score > 0.5 AS decision FROM rows", PLAN)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, cut=st.integers(0, 40), seed=st.integers(0, 99))
def test_any_split_of_the_rows_in_any_order_merges_to_the_same_bytes(rows: list[Row], cut: int, seed: int) -> None:
    shuffled = [rows[place] for place in np.random.default_rng(seed).permutation(len(rows))]
    parts = [part for part in (shuffled[:cut], shuffled[cut:]) if part]
    merged = _counted(parts[0]) if len(parts) == 1 else _counted(parts[0]).merge(_counted(parts[1]))
    assert merged.table.equals(_counted(rows).table)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_the_counts_are_those_of_counting_by_hand(rows: list[Row]) -> None:
    found = counts(_counted(rows))
    for at, one in enumerate(found.slices):
        mine = [row for row in rows if all(dict(sex=row[0], race=row[1])[attribute] == value for attribute, value in one.values)]
        for label in (0, 1, None):
            for decision in (False, True):
                cell = [row for row in mine if row[2] == label and (row[3] > 0.5) == decision]
                place = (at, 2 if label is None else label, int(decision))
                assert found.rows[place] == len(cell)
                assert np.isclose(found.weight[place], sum(row[4] for row in cell), rtol=1e-14)
                assert found.score is not None and np.isclose(found.score[place], sum(row[3] * row[4] for row in cell), rtol=1e-12, atol=1e-15)
    assert found.slices[0] == EVERYONE
    assert set(found.slices) == {EVERYONE, *(Slice([("sex", row[0])]) for row in rows), *(Slice([("sex", row[0]), ("race", row[1])]) for row in rows)}


@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_auc_from_the_cells_is_the_share_of_pairs_in_order_within_its_stated_error(rows: list[Row]) -> None:
    found = counts(_counted(rows))
    value, error = auc_and_error(found)
    positives, negatives = ([row for row in rows if row[2] == label] for label in (1, 0))
    pairs = [(p[4] * n[4], (p[3] > n[3]) + (p[3] == n[3]) / 2) for p in positives for n in negatives]
    if not pairs:
        assert np.isnan(value[0])
    else:
        expected = sum(weight * won for weight, won in pairs) / sum(weight for weight, _ in pairs)
        assert abs(value[0] - expected) <= error[0] + 1e-12
