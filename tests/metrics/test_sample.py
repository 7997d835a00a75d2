from __future__ import annotations

import numpy as np

from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.metrics.engines.interface import Kind, Quantity
from fairaudit.metrics.engines.sample import ALL_UP_TO, CROSSED_AT_LEAST, answered, checked


def simple(many: int) -> tuple[Slice, ...]:
    return tuple(Slice([("city", str(i))]) for i in range(many))


def crossed(many: int) -> tuple[Slice, ...]:
    return tuple(Slice([("city", str(i)), ("sex", "F")]) for i in range(many))


def test_a_few_hundred_slices_are_all_checked() -> None:
    assert checked((EVERYONE, *simple(99), *crossed(ALL_UP_TO - 100)), seed=0).all()


def test_beyond_that_everyone_and_single_attributes_are_checked_and_a_sample_of_the_crosses() -> None:
    slices = (EVERYONE, *simple(100), *crossed(1_000))
    able = checked(slices, seed=0)
    assert able[:101].all()
    assert able.sum() == ALL_UP_TO
    assert able[101:600].any() and able[600:].any()


def test_some_crosses_are_checked_however_many_single_attribute_slices_there_are() -> None:
    able = checked((*simple(2_000), *crossed(400)), seed=0)
    assert able[:2_000].all()
    assert able[2_000:].sum() == CROSSED_AT_LEAST


def test_the_sample_is_the_same_every_time() -> None:
    slices = (*simple(10), *crossed(1_000))
    assert (checked(slices, seed=0) == checked(slices, seed=0)).all()


def test_a_comparison_is_answered_when_both_its_slices_are() -> None:
    able = np.array([True, False, True])
    assert answered(Quantity(metric="accuracy", groups=(0, 1, 2)), able).tolist() == [True, False, True]
    assert answered(Quantity(metric="accuracy", kind=Kind.DIFFERENCE, groups=(0, 1, 2, 0), references=(2, 2, 1, 0)), able).tolist() == [
        True,
        False,
        False,
        True,
    ]
