"""Every stratum is shared out as asked, to within one unit, and no unit comes apart."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairaudit.splits.allocation import allocated
from fairaudit.splits.shares import Part, parts_of
from fairaudit.splits.units import Units
from fairaudit.types import Ints

SHARES = st.sampled_from(["a=0.5,b=0.5", "a=0.6,b=0.2,c=0.2", "a=1/3,b=1/3,c=1/3", "a=0.9,b=0.1", "a=0.97,b=0.02,c=0.01", "a=0.1,b=0.2,c=0.3,d=0.4"]).map(lambda one: parts_of([one]))


def _units(of_row: list[int]) -> Units:
    number = max(of_row) + 1
    return Units(of_row=np.array(of_row), key=np.arange(number, dtype=np.uint64), alike=0, clustered=0)


def _rows_of(units: Units, stratum: Ints, part_of_unit: Ints, strata: int, parts: int) -> Ints:
    found = np.zeros((strata, parts), dtype=np.int64)
    np.add.at(found, (stratum, part_of_unit[units.of_row]), 1)
    return found


def _margins(strata: int) -> Ints:
    """Everyone, and two groups of strata."""
    return np.array([[0, 1 + one % 2] for one in range(strata)])


@given(sizes=st.lists(st.integers(0, 40), min_size=1, max_size=12).filter(any), parts=SHARES)
def test_rows_that_are_units_of_their_own_are_shared_out_to_the_whole_number_below_or_above(sizes: list[int], parts: tuple[Part, ...]) -> None:
    stratum = np.repeat(np.arange(len(sizes)), sizes)
    units = _units(list(range(stratum.size)))
    found = _rows_of(units, stratum, allocated(units, stratum, _margins(len(sizes)), parts), len(sizes), len(parts))
    for size, row in zip(sizes, found.tolist(), strict=True):
        assert all(math.floor(size * part.share) <= rows <= math.ceil(size * part.share) for part, rows in zip(parts, row, strict=True))


@given(units=st.lists(st.tuples(st.integers(0, 4), st.integers(1, 9)), min_size=1, max_size=60), parts=SHARES)
def test_units_of_one_stratum_are_shared_out_to_within_the_largest(units: list[tuple[int, int]], parts: tuple[Part, ...]) -> None:
    of_row = [place for place, (_, size) in enumerate(units) for _ in range(size)]
    stratum = np.array([one for one, size in units for _ in range(size)])
    found = _rows_of(_units(of_row), stratum, allocated(_units(of_row), stratum, _margins(5), parts), 5, len(parts))
    for one in range(5):
        largest = max((size for its, size in units if its == one), default=0)
        assert all(abs(rows - found[one].sum() * part.share) <= largest for part, rows in zip(parts, found[one].tolist(), strict=True))


@given(rows=st.lists(st.tuples(st.integers(0, 15), st.integers(0, 5)), min_size=1, max_size=80), parts=SHARES)
def test_every_unit_goes_to_one_part_and_always_to_the_same(rows: list[tuple[int, int]], parts: tuple[Part, ...]) -> None:
    named = sorted({unit for unit, _ in rows})
    units, stratum = _units([named.index(unit) for unit, _ in rows]), np.array([one for _, one in rows])
    found = allocated(units, stratum, _margins(6), parts)
    assert found.shape == (units.number,) and found.min() >= 0 and found.max() < len(parts)
    order = np.random.default_rng(len(rows)).permutation(len(rows))
    turned = Units(of_row=units.of_row[order], key=units.key, alike=0, clustered=0)
    assert allocated(turned, stratum[order], _margins(6), parts).tolist() == found.tolist()


@pytest.mark.parametrize("seed", range(5))
def test_a_stratums_own_units_make_up_for_those_of_several(seed: int) -> None:
    """Clusters of up to eight rows of any strata beside as many rows of their own: every stratum has its shares to within a row."""
    rng = np.random.default_rng(seed)
    clusters = [rng.integers(0, 4, size).tolist() for size in rng.integers(2, 9, 60)]
    singles = rng.integers(0, 4, 300).tolist()
    members = [*clusters, *([one] for one in singles)]
    rng.shuffle(members)  # type: ignore[arg-type]
    of_row, stratum = [place for place, one in enumerate(members) for _ in one], np.array([its for one in members for its in one])
    parts = parts_of(["train=0.6,fit=0.2,test=0.2"])
    found = _rows_of(_units(of_row), stratum, allocated(_units(of_row), stratum, _margins(4), parts), 4, 3)
    wanted = found.sum(axis=1, keepdims=True) * np.array([float(part.share) for part in parts])
    assert np.abs(found - wanted).max() < 1


def test_many_strata_of_one_row_each_do_not_all_go_to_the_largest_part() -> None:
    stratum = np.arange(100)
    units = _units(list(range(100)))
    found = np.bincount(allocated(units, stratum, _margins(100), parts_of(["train=0.6,fit=0.2,test=0.2"])), minlength=3)
    assert found.tolist() == [60, 20, 20]


def test_units_of_all_strata_at_once_are_shared_out_by_rows() -> None:
    """Twenty hospitals of two rows in each of three strata."""
    of_row, stratum = [unit for unit in range(20) for _ in range(6)], np.tile([0, 0, 1, 1, 2, 2], 20)
    found = allocated(_units(of_row), stratum, _margins(3), parts_of(["a=0.5,b=0.5"]))
    assert np.bincount(found).tolist() == [10, 10]
