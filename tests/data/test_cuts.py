"""Quantiles of the rows, bands that divide them, and rare categories: by NumPy, by their definitions, by hand."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairaudit.bands import Bands, band_names, parsed
from fairaudit.data.cuts import Rare, listed, quantile_edges, rare_values, told_of_rare
from fairaudit.data.rows import Wanted, prepare
from fairaudit.data.source import Source
from tests.builders import connected

NUMBERS = st.one_of(st.integers(-5, 5).map(float), st.floats(-1e300, 1e300, allow_subnormal=False))
LINES = st.lists(st.tuples(st.one_of(NUMBERS, st.none()), st.integers(0, 7)), min_size=1, max_size=40)
Lines = list[tuple[float | None, int]]


def edges_of(lines: Lines, *parts: int) -> tuple[tuple[float, ...], ...]:
    """The edges that each number of parts has, all of the same values."""
    names = [f"v{place}" for place in range(len(parts))]
    values, copies = pa.array([value for value, _ in lines], pa.float64()), pa.array([rows for _, rows in lines], pa.int64())
    with connected() as connection:
        connection.register("lines", pa.table({**dict.fromkeys(names, values), "copies": copies}))
        return quantile_edges(connection, "SELECT * FROM lines", parts)


def rows_of(lines: Lines) -> list[float]:
    """The values of all rows that have one, each line repeated as often as it counts."""
    return sorted(value for value, copies in lines for _ in range(copies) if value is not None)


def merged(quantiles: list[float], rows: list[float]) -> tuple[float, ...]:
    """The next larger number after each quantile, which is the last of its band; equal ones are one, and after the highest number there is none."""
    return tuple(min(one for one in rows if one > edge) for edge in dict.fromkeys(quantiles) if edge < rows[-1])


@settings(max_examples=60)
@given(lines=LINES, parts=st.sampled_from([2, 4, 8, 64]))
def test_edges_are_numpys_quantiles_by_the_inverted_distribution_function(lines: Lines, parts: int) -> None:
    rows = rows_of(lines)
    shares = [part / parts for part in range(1, parts)]  # exact in floating point, where NumPy's are; other numbers of parts are checked below
    theirs = [float(edge) for edge in np.quantile(rows, shares, method="inverted_cdf")] if rows else []
    assert edges_of(lines, parts) == (merged(theirs, rows),)


@settings(max_examples=60)
@given(lines=LINES, parts=st.integers(2, 100))
def test_a_band_ends_with_the_smallest_number_that_so_large_a_share_of_the_rows_does_not_exceed(lines: Lines, parts: int) -> None:
    rows = rows_of(lines)
    mine = [next(one for place, one in enumerate(rows, 1) if Fraction(place, len(rows)) >= Fraction(part, parts)) for part in range(1, parts)] if rows else []
    assert edges_of(lines, parts, 2, parts)[::2] == (merged(mine, rows),) * 2


@pytest.mark.parametrize(("rows", "parts"), [([1, 2, 3, 4] * 25, 4), ([0, 1] * 50, 2), (range(1, 9), 4), (range(1, 6), 2), (range(100), 4), (range(100), 10)])
def test_bands_are_pandas_qcuts_where_it_interpolates_within_no_gap_of_the_data(rows: list[float], parts: int) -> None:
    theirs = pd.qcut(pd.Series(rows), parts, duplicates="drop").value_counts(sort=False).tolist()
    (edges,) = edges_of([(float(one), 1) for one in rows], parts)
    assert np.bincount(np.searchsorted(edges, list(rows), side="right")).tolist() == theirs


def test_quantiles_of_more_rows_than_a_machine_word_counts_are_exact() -> None:
    many = 2**61  # a hundred parts of them are beyond 64 bits
    assert edges_of([(1.0, many), (2.0, many - 1), (3.0, 1)], 2, 100) == ((2.0,), (2.0, 3.0))
    assert edges_of([(1.0, many - 1), (2.0, many), (3.0, 1)], 2) == ((3.0,),)


@settings(max_examples=60)
@given(
    values=st.lists(st.one_of(NUMBERS, st.none(), st.just(math.nan)), min_size=1, max_size=40),
    cut=st.one_of(
        st.integers(2, 9).map("quantiles:{}".format),
        st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=6, unique=True).map(lambda edges: tuple(sorted(edges))),
    ),
    whole=st.booleans(),
)
def test_every_row_is_in_the_one_band_whose_edges_enclose_it_and_a_missing_value_in_none(
    values: list[float | None], cut: str | tuple[float, ...], whole: bool
) -> None:
    values = [round(value) % 9 if whole and value is not None and not math.isnan(value) else value for value in values]
    table = pa.table({"x": pa.array(values, pa.float64()), "d": pa.array([1] * len(values), pa.int8())})
    source = Source(table=table)
    with source.connect() as connection:
        found = prepare(connection, source, Wanted(attributes=("x",), bins={"x": parsed(cut)}, decision="d"))
        bands = found.reading.bands["x"]
        held = connection.execute(f"SELECT a0 FROM ({found.relation()}) WHERE excluded IS NULL").fetchall()
    assert len(set(bands.names)) == len(bands.edges) + 1
    places = np.searchsorted(bands.edges, [math.nan if value is None else value for value in values], side="right")
    assert [name for (name,) in held] == [
        None if value is None or math.isnan(value) else bands.names[place] for value, place in zip(values, places, strict=True)
    ]


def test_edges_that_differ_in_their_last_digits_alone_give_bands_of_different_names() -> None:
    edges = (0.1, math.nextafter(0.1, 1), math.nextafter(math.nextafter(0.1, 1), 1), 0.2)
    assert len(set(band_names(edges, whole=False))) == 5


def test_names_of_ones_own_stay_where_the_edges_are_whole_numbers() -> None:
    assert Bands(edges=(25.0,), names=("young", "old")).at((25.0,), whole=True) == Bands(edges=(25.0,), names=("young", "old"))


def test_a_value_with_exactly_as_many_rows_as_asked_is_not_rare() -> None:
    assert rare_values({"a": 6, "c": 4, "b": 5, "d": 1}, 5) == Rare(values=("c", "d"), kept=("a", "b"), rows=5, name="other")


@pytest.mark.parametrize(
    ("kept", "name"),
    [(("other",), "other (merged)"), (("Other",), "other (merged)"), (("OTHER", "other (merged)"), "other (merged) (merged)"), (("another",), "other")],
)
def test_what_is_merged_never_takes_the_name_of_a_slice_that_is_kept(kept: tuple[str, ...], name: str) -> None:
    assert rare_values(dict.fromkeys(kept, 9) | {"a": 1, "b": 1}, 5).name == name


def test_an_other_of_the_data_that_is_rare_itself_joins() -> None:
    assert rare_values({"a": 9, "Other": 1, "b": 1}, 5) == Rare(values=("Other", "b"), kept=("a",), rows=2, name="other")


def test_a_note_tells_what_was_merged_what_kept_its_name_and_that_nothing_was() -> None:
    rare = {"race": Rare(values=("c", "d"), kept=(), rows=3, name="other (merged)"), "sex": Rare(values=("x",), kept=(), rows=1_000, name="other")}
    assert list(told_of_rare(rare, 2_000)) == [
        "2 values of race with fewer than 2,000 rows are one slice, 'other (merged)' (3 rows): c, d. The data have a value 'other' of their own, which is a slice apart.",
        "sex=x has fewer than 2,000 rows (1,000) and is the only such value of sex, so it keeps its name.",
    ]
    assert list(told_of_rare({}, 5)) == ["--other-below 5 merges nothing: no value of a protected attribute has fewer rows."]


def test_a_long_list_of_merged_values_is_shortened() -> None:
    assert listed([str(place) for place in range(10)]) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert listed([str(place) for place in range(1_234)]) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 1,224 more"
