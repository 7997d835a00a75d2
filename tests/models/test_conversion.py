"""What becomes of a column on its way into a model. Expected values are worked by hand from the formats: IEEE 754 and two's complement."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairaudit.errors import ContentError
from fairaudit.models import quick
from fairaudit.models.conversion import ROUTES, convert, filled, route
from fairaudit.models.exact import Misfit, exactly
from fairaudit.models.interface import DTYPES, Feature

KINDS = {
    "text": pa.string(),
    "bytes": pa.binary(),
    "whole": pa.int32(),
    "fraction": pa.float64(),
    "truth": pa.bool_(),
    "decimal": pa.decimal128(9, 2),
    "date": pa.date32(),
}


def place(row: int) -> str:
    return f"people.csv, row {row + 1}"


def given_as(values: list[Any], dtype: str, kind: pa.DataType | None = None) -> Any:
    return filled(pa.array(values, kind), Feature(name="age", dtype=dtype), place)


def sentence(values: list[Any], dtype: str, kind: pa.DataType | None = None) -> str:
    with pytest.raises(ContentError) as told:
        given_as(values, dtype, kind)
    assert told.value.exit_code == 4
    return str(told.value)


@pytest.mark.parametrize(
    ("text", "dtype", "value"),
    [
        ("39", "int64", 39),
        ("39.0", "int64", 39),
        ("39.", "int64", 39),
        ("+39", "int64", 39),
        (" 39\t", "int64", 39),
        ("039", "int64", 39),
        ("1e3", "int64", 1000),
        ("-128", "int8", -128),
        ("255", "uint8", 255),
        ("9223372036854775807", "int64", 2**63 - 1),
        ("9223372036854775807.0", "int64", 2**63 - 1),
        ("18446744073709551615", "uint64", 2**64 - 1),
        ("39", "float32", 39.0),
        (" .5 ", "float32", 0.5),
        ("1E-3", "float64", 0.001),
        ("16777216", "float32", 2.0**24),
        ("16777218", "float32", 2.0**24 + 2),
        ("9007199254740993.5", "float64", 2.0**53 + 2),
        ("inf", "float32", math.inf),
        ("-Infinity", "float64", -math.inf),
        ("2048", "float16", 2048.0),
        ("TRUE", "bool", True),
        ("t", "bool", True),
        ("1", "bool", True),
        (" False", "bool", False),
        ("F", "bool", False),
        ("0", "bool", False),
        (" Ünder  40 ", "string", " Ünder  40 ".encode()),
    ],
)
def test_text_is_read_as_the_value_that_it_writes(text: str, dtype: str, value: Any) -> None:
    read = given_as([text, "1"], dtype)
    assert read[0] == value
    assert read.dtype == (object if dtype == "string" else dtype)


def test_a_fraction_is_rounded_to_the_nearest_float_as_training_rounds_it() -> None:
    # float32(0.1) is 13421773 / 2^27 (IEEE 754).
    assert Fraction(float(given_as(["0.1"], "float32")[0])) == Fraction(13_421_773, 2**27)
    assert Fraction(float(given_as([0.1], "float32")[0])) == Fraction(13_421_773, 2**27)


@pytest.mark.parametrize(
    ("text", "dtype", "why"),
    [
        ("39.5", "int64", "is not a whole number"),
        ("abc", "int64", "is not a number"),
        ("0x10", "int64", "is not a number"),
        ("1_000", "int64", "is not a number"),
        ("1,000", "int64", "is not a number"),
        ("٣", "int64", "is not a number"),
        ("nan", "int64", "is not a whole number"),
        ("300", "int8", "does not fit int8 (-128 to 127)"),
        ("-1", "uint8", "does not fit uint8 (0 to 255)"),
        ("9223372036854775808", "int64", "does not fit int64 (-9223372036854775808 to 9223372036854775807)"),
        ("1e999999999", "int64", "does not fit int64 (-9223372036854775808 to 9223372036854775807)"),
        ("forty", "float32", "is not a number"),
        ("1e40", "float32", "is too large for float32"),
        ("1e400", "float64", "is too large for float64"),
        ("70000", "float16", "is too large for float16"),
        ("16777217", "float32", "float32 cannot hold exactly (it would become 16777216)"),
        ("9007199254740993", "float32", "float32 cannot hold exactly (it would become 9007199254740992)"),
        ("9007199254740993", "float64", "float64 cannot hold exactly (it would become 9007199254740992)"),
        ("yes", "bool", "is neither true nor false (true, false, t, f, 1, 0)"),
        ("2", "bool", "is neither true nor false (true, false, t, f, 1, 0)"),
    ],
)
def test_text_that_would_lose_its_value_is_refused_with_its_place(text: str, dtype: str, why: str) -> None:
    assert sentence(["1", text], dtype) == f"people.csv, row 2: column 'age' holds {text!r}, which {why}; the model takes {dtype}"


def test_a_refusal_counts_the_rows_that_are_like_the_first() -> None:
    told = sentence(["1", "", "x", "2", "y", "x"], "float32")
    assert told == "people.csv, row 3: column 'age' holds 'x', which is not a number; the model takes float32; 3 rows near there are like it"


def test_a_long_value_is_cut_in_the_sentence() -> None:
    told = sentence(["x" * 1000], "int64")
    assert f"holds '{'x' * 56}..., which" in told


def test_a_missing_value_is_nan_among_floats_and_empty_among_strings() -> None:
    floats = given_as(["1.5", None, "", "  "], "float32")
    assert floats[0] == 1.5
    assert np.isnan(floats[1:]).all()
    assert list(given_as(["a", None, "", "  "], "string")) == [b"a", b"", b"", b"  "]
    assert np.isnan(given_as([None, None], "float64", pa.null())).all()
    assert np.isnan(given_as([1.0, math.nan], "float32")[1])


@pytest.mark.parametrize("dtype", ["int64", "bool"])
def test_a_missing_value_has_no_place_among_ints_and_truths(dtype: str) -> None:
    told = sentence(["1", None, ""], dtype)
    assert told == (
        f"people.csv, row 2: column 'age' is empty (2 rows near there are like it); the model takes {dtype}, "
        "which has no missing value, so fill it in or leave the row out"
    )


@pytest.mark.parametrize(
    ("values", "kind", "dtype", "expected"),
    [
        ([1, 2], pa.int8(), "int64", [1, 2]),
        ([39.0, -0.0], pa.float64(), "int32", [39, 0]),
        ([2**24 + 2], pa.int64(), "float32", [2.0**24 + 2]),
        ([2.0**24 + 1], pa.float64(), "float32", [2.0**24]),
        ([True, False], pa.bool_(), "int64", [1, 0]),
        ([True, False], pa.bool_(), "float32", [1.0, 0.0]),
        ([True, False], pa.bool_(), "bool", [True, False]),
        ([1, 0], pa.int64(), "bool", [True, False]),
        ([1.0, 0.0], pa.float32(), "bool", [True, False]),
        ([Decimal("39.00"), Decimal("-1.00")], pa.decimal128(9, 2), "int64", [39, -1]),
        ([Decimal("0.50")], pa.decimal128(9, 2), "float32", [0.5]),
        ([39, 2**63 - 1], pa.int64(), "string", [b"39", b"9223372036854775807"]),
        ([Decimal("39.10")], pa.decimal128(9, 2), "string", [b"39.10"]),
        ([date(1994, 5, 1)], pa.date32(), "string", [b"1994-05-01"]),
        ([date(1994, 5, 1)], pa.date64(), "string", [b"1994-05-01"]),
        ([b"\xff\x00"], pa.binary(), "string", [b"\xff\x00"]),
        (["ä"], pa.large_string(), "string", ["ä".encode()]),
    ],
)
def test_a_typed_column_keeps_its_values(values: list[Any], kind: pa.DataType, dtype: str, expected: list[Any]) -> None:
    assert list(given_as(values, dtype, kind)) == expected


@pytest.mark.parametrize(
    ("values", "kind", "dtype", "why"),
    [
        ([1, 300], pa.int64(), "int8", "300, which does not fit int8 (-128 to 127)"),
        ([1, 2**24 + 1], pa.int32(), "float32", "16777217, which float32 cannot hold exactly (it would become 16777216)"),
        ([1.0, 39.5], pa.float64(), "int64", "39.5, which is not a whole number"),
        ([1.0, math.nan], pa.float64(), "int64", "nan, which is not a whole number"),
        ([1.0, 2.0**63], pa.float64(), "int64", "9.223372036854776e+18, which does not fit int64 (-9223372036854775808 to 9223372036854775807)"),
        ([1.0, 1e40], pa.float64(), "float32", "1e+40, which is too large for float32"),
        ([1, 2], pa.int64(), "bool", "2, which is neither true nor false (true, false, t, f, 1, 0)"),
        ([Decimal("1.00"), Decimal("39.50")], pa.decimal128(9, 2), "int64", "'39.50', which is not a whole number"),
    ],
)
def test_a_typed_value_that_would_be_lost_is_refused(values: list[Any], kind: pa.DataType, dtype: str, why: str) -> None:
    assert sentence(values, dtype, kind) == f"people.csv, row 2: column 'age' holds {why}; the model takes {dtype}"


def test_a_dictionary_column_is_its_values() -> None:
    column = pa.array(["b", "a", None, "b"]).dictionary_encode()
    assert list(filled(column, Feature(name="sex", dtype="string"), place)) == [b"b", b"a", b"", b"b"]
    assert list(filled(pa.array(["7", "8"]).dictionary_encode(), Feature(name="n", dtype="int64"), place)) == [7, 8]


def test_a_slice_of_a_batch_is_read_from_where_it_begins() -> None:
    column = pa.array(["x", "1", None, "3"]).slice(1)
    values, present = convert(column, Feature(name="n", dtype="int64"), place)
    assert (list(values), list(present)) == ([1, 3], [True, False, True])


@pytest.mark.parametrize(
    ("held", "dtype"),
    [
        (pa.float64(), "string"),
        (pa.bool_(), "string"),
        (pa.timestamp("us"), "string"),
        (pa.date32(), "int64"),
        (pa.binary(), "float32"),
        (pa.list_(pa.float32()), "float32"),
        (pa.struct([("a", pa.int64())]), "string"),
        (pa.string(), "complex64"),
    ],
)
def test_types_that_only_guessing_could_turn_into_the_dtype_have_no_route(held: pa.DataType, dtype: str) -> None:
    assert route(held, dtype) is None


@pytest.mark.parametrize(("kind", "target"), ROUTES)
def test_every_route_is_one_that_values_can_go(kind: str, target: str) -> None:
    one = {"text": "1", "bytes": b"1", "whole": 1, "fraction": 1.0, "truth": True, "decimal": Decimal(1), "date": date(2000, 1, 1)}[kind]
    for dtype in (name for name in DTYPES if name.rstrip("0123456789").removeprefix("u") == target):
        assert route(KINDS[kind], dtype) == ROUTES[kind, target]
        converted = given_as([one], dtype, KINDS[kind])
        assert converted.shape == (1,)
        assert target == "string" or converted[0] == 1


whole_texts = st.integers(-(2**65), 2**65).map(str)
number_texts = st.one_of(
    whole_texts,
    st.integers(-300, 300).map(str),
    st.floats().map(repr),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**20), max_value=10**20).map(str),
    st.sampled_from(["+5", " 7 ", "5.", ".5", "1e3", "0x1F", "0X2", "1e40", "-0", "nan", "NAN(1)", "INF", "16777217.0", "abc", "1 2"]),
)
dtypes = st.sampled_from(sorted(set(DTYPES) - {"string", "bool"}))


@given(texts=st.lists(number_texts, min_size=1, max_size=4), dtype=dtypes)
def test_reading_a_column_whole_gives_what_reading_each_value_exactly_gives(texts: list[str], dtype: str) -> None:
    _agree(pa.array(texts), "text", dtype)


@given(numbers=st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-300, 300), min_size=1, max_size=4), dtype=dtypes)
def test_so_it_is_with_ints(numbers: list[int], dtype: str) -> None:
    _agree(pa.array(numbers, pa.int64()), "whole", dtype)


@given(numbers=st.lists(st.floats() | st.integers(-(2**66), 2**66).map(float), min_size=1, max_size=4), dtype=dtypes)
def test_so_it_is_with_floats(numbers: list[float], dtype: str) -> None:
    _agree(pa.array(numbers, pa.float64()), "fraction", dtype)


def _agree(column: pa.Array, kind: str, dtype: str) -> None:
    quickly = quick.READERS[kind, "float" if "float" in dtype else "int"](column, np.dtype(dtype))
    if quickly is None:
        return
    try:
        np.testing.assert_array_equal(quickly, exactly(column, np.dtype(dtype)))
    except Misfit as misfit:
        pytest.fail(f"read {column.to_pylist()} as {quickly}, although {misfit.value} {misfit.why}")


@given(number=st.integers(-(2**70), 2**70), dtype=st.sampled_from(["float16", "float32", "float64"]))
def test_a_whole_number_becomes_a_float_exactly_or_is_refused_because_it_cannot(number: int, dtype: str) -> None:
    with np.errstate(over="ignore"):
        nearest = float(np.dtype(dtype).type(float(number)))
    if math.isinf(nearest):
        assert f"is too large for {dtype}" in sentence([str(number)], dtype)
    elif int(nearest) != number:
        assert f"{dtype} cannot hold exactly (it would become {int(nearest)})" in sentence([str(number)], dtype)
    else:
        assert int(given_as([str(number)], dtype)[0]) == number
