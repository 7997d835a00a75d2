"""Units are the connected components of rows that are alike or of one cluster."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fairaudit.splits.units import units_of

ROWS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=40)


def _components(rows: list[tuple[int, int]]) -> set[frozenset[int]]:
    """By joining sets as long as two have something in common."""
    sets = [{place, ("content", content), ("cluster", cluster)} for place, (content, cluster) in enumerate(rows)]
    joined = True
    while joined:
        joined = False
        for one in range(len(sets)):
            for other in range(one + 1, len(sets)):
                if sets[one] & sets[other]:
                    sets[one] |= sets.pop(other)
                    joined = True
                    break
            if joined:
                break
    return {frozenset(item for item in one if isinstance(item, int)) for one in sets}


def _members(of_row: list[int]) -> set[frozenset[int]]:
    return {frozenset(row for row, unit in enumerate(of_row) if unit == one) for one in set(of_row)}


@given(ROWS)
def test_units_are_what_joining_sets_gives(rows: list[tuple[int, int]]) -> None:
    content, cluster = (np.array(side, dtype=np.uint64) for side in zip(*rows, strict=True))
    found = units_of(content * np.uint64(7919) % np.uint64(101), content, cluster)
    assert _members(found.of_row.tolist()) == _components(rows)
    assert set(found.of_row.tolist()) == set(range(found.number)) and sorted(found.key.tolist()) == found.key.tolist()


@given(ROWS)
def test_rows_that_share_something_are_counted(rows: list[tuple[int, int]]) -> None:
    content, cluster = (np.array(side, dtype=np.uint64) for side in zip(*rows, strict=True))
    found = units_of(content, content, cluster)
    contents, clusters = zip(*rows, strict=True)
    assert found.alike == sum(contents.count(one) > 1 for one in contents)
    assert found.clustered == sum(clusters.count(one) > 1 for one in clusters)


def test_without_clusters_and_with_rows_that_may_part_every_row_is_a_unit() -> None:
    hashes = np.array([5, 3, 5, 1], dtype=np.uint64)
    assert units_of(hashes, None, None).of_row.tolist() == [2, 1, 3, 0]
    assert units_of(hashes, hashes, None).of_row.tolist() == [2, 1, 2, 0]
