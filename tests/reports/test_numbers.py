from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairaudit.reports import numbers
from fairaudit.reports.numbers import apart, counted, decimal, interval_between, interval_of, measured, percent, probability, share, signed, significant, whole

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.6127, "0.613"), (0.61, "0.61"), (1, "1"), (1.25, "1.25"), (-0.5, "−0.5"), (0, "0"), (-0.0, "0"), (999.9, "1,000"), (12345.6, "12,346"),
     (0.00012345, "0.000123"), (0.0000012, "1.2×10⁻⁶"), (5e-324, "4.94×10⁻³²⁴"), (2e15, "2×10¹⁵")],
)  # fmt: skip
def test_significant_digits(value: float, text: str) -> None:
    assert significant(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.2023, "20.2%"), (0, "0.0%"), (1, "100.0%"), (0.0004, "<0.1%"), (0.0005, "0.1%"), (0.99951, ">99.9%"), (0.9994, "99.9%"), (-0.031, "−3.1%")]
)  # fmt: skip
def test_a_percentage_never_rounds_into_none_or_all(value: float, text: str) -> None:
    assert percent(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.12, "+0.12"), (-0.0708, "−0.071"), (0, "0"), (0.00012, "+0.0001"), (-1.0, "−1")])
def test_a_difference_has_its_sign_and_three_decimals(value: float, text: str) -> None:
    assert signed(value) == text


def test_a_p_value_is_never_zero() -> None:
    assert (probability(0.0), probability(0.0496), probability(1)) == ("below 0.001", "0.050", "1.000")


@pytest.mark.parametrize(
    ("kind", "value", "limits", "text"),
    [
        ("ratio", 0.7998, (0.8, None), "0.7998"),
        ("ratio", 0.79999, (0.8, None), "0.79999"),
        ("ratio", 0.8, (0.8, None), "0.8"),  # exactly at the limit is not past it
        ("ratio", 0.613, (0.8, None), "0.613"),
        ("difference", 0.1004, (0.1, None), "0.1004"),
        ("difference", 0.1234, (0.1, None), "0.123"),
    ],
)
def test_a_value_near_its_limit_is_written_so_that_its_side_shows(kind: str, value: float, limits: tuple[float | None, float | None], text: str) -> None:
    assert apart(kind, value, limits) == text


def test_a_metric_is_written_in_its_own_way() -> None:
    assert measured("true_positive_rate", 0.61) == "61.0%"
    assert measured("false_negatives", 12345.0) == "12,345"
    assert measured("roc_auc", 0.91234) == "0.912"
    assert measured("of a later version", 0.5) == "0.5"
    assert interval_of("accuracy", (0.8, 0.9)) == "80.0% to 90.0%"


def test_an_interval_may_have_no_upper_end() -> None:
    assert interval_between("ratio", (1.5, math.inf)) == "1.5 or more"
    assert interval_between("difference", (-0.1, 0.2)) == "−0.1 to +0.2"


def test_counts_agree_with_their_nouns() -> None:
    assert (counted(1, "row"), counted(2, "row"), counted(1234, "row")) == ("1 row", "2 rows", "1,234 rows")
    assert (whole(3.0), whole(3.25)) == ("3", "3.2")
    assert (share(0.025), share(0.4), share(0)) == ("2.5%", "40%", "0%")


@pytest.mark.parametrize("write", [significant, decimal, signed, percent, probability, whole])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_never_written_as_one(write: numbers.Writer, value: float) -> None:
    with pytest.raises(ValueError, match="no number to show"):
        write(value)


@given(FINITE)
def test_every_finite_number_can_be_written_and_keeps_its_sign(value: float) -> None:
    for write in (significant, decimal, signed, whole):
        text = write(value)
        assert "e" not in text and "nan" not in text and "inf" not in text
        assert not text.startswith("-")  # the minus sign, where there is one, is not a hyphen
    assert significant(value).startswith("−") == (value < 0)
