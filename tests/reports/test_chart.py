from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairaudit.reports.chart import MARGIN, WIDTH, difference_axis, rate_axis, ratio_axis, whisker
from fairaudit.reports.numbers import share, significant

RATES = st.lists(st.floats(0, 1), max_size=5)
LEFT, MIDDLE, RIGHT = MARGIN, WIDTH / 2, WIDTH - MARGIN


def test_half_as_often_is_as_far_from_level_as_twice_as_often() -> None:
    axis = ratio_axis([0.5, 1.9], significant, limits=[0.8])
    assert (axis.x(0.5), axis.x(1.0), axis.x(2.0)) == pytest.approx((LEFT, MIDDLE, RIGHT))
    assert axis.reference == "90" and len(axis.limits) == 1


def test_a_difference_of_none_is_in_the_middle() -> None:
    axis = difference_axis([-0.07, 0.02], significant, limits=[-0.1])
    assert (axis.x(-0.1), axis.x(0.0), axis.x(0.1)) == pytest.approx((LEFT, MIDDLE, RIGHT))
    assert axis.words == "−0.1 to 0.1"


def test_an_axis_of_rates_begins_at_zero_and_ends_at_a_round_number() -> None:
    axis = rate_axis([0.13, 0.253], share, reference=0.2)
    assert (axis.low, axis.high) == pytest.approx((0.0, 0.4)) and axis.words == "0% to 40%"
    assert [tick.text for tick in axis.ticks] == ["0%", "20%", "40%"]


def test_an_interval_that_leaves_the_axis_says_so() -> None:
    axis = ratio_axis([0.9, 100.0], significant)
    drawn = whisker(axis, 0.9, (0.01, 100.0), words="wide")
    assert drawn and drawn.leaves_left and drawn.leaves_right and (drawn.left, drawn.right) == (str(LEFT), str(RIGHT))


def test_nothing_is_drawn_where_nothing_is_known() -> None:
    assert whisker(rate_axis([], share), None, None, words="undefined") is None


@given(RATES, st.floats(0, 1))
def test_every_rate_lies_on_its_axis(values: list[float], value: float) -> None:
    axis = rate_axis([*values, value], share)
    assert axis.holds(value) and LEFT <= axis.x(value) <= RIGHT


@given(st.lists(st.floats(-1, 1), max_size=5))
def test_every_difference_lies_on_its_axis(values: list[float]) -> None:
    axis = difference_axis(values, significant)
    assert all(axis.holds(value) for value in values) and axis.low == -axis.high


@given(st.lists(st.floats(0, math.inf), max_size=5))
def test_any_ratio_has_a_place_in_the_drawing(values: list[float]) -> None:
    axis = ratio_axis(values, significant)
    assert all(LEFT <= axis.x(value) <= RIGHT for value in values)
