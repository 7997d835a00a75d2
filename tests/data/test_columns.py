"""Values as the audit takes them, asked of DuckDB itself."""

from __future__ import annotations

import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from fairaudit.bands import Bands, band_names
from fairaudit.data.columns import Column, read
from fairaudit.data.source import literal
from tests.builders import connected


def _column(*missing: str) -> Column:
    return Column(name="c d", sql="c0", type=pa.string(), missing=missing)


def _taken(column: Column, expression: str, *values: object) -> list[object]:
    rows = ", ".join(f"({place}, {'NULL' if value is None else literal(str(value))})" for place, value in enumerate(values))
    with connected() as connection:
        relation = read(f"SELECT * FROM (VALUES {rows}) AS t(place, c0)", [column])
        return [row[0] for row in connection.execute(f"SELECT {expression} FROM ({relation}) ORDER BY place").fetchall()]


def test_text_is_trimmed_and_the_empty_one_and_the_named_ones_are_missing() -> None:
    assert _taken(_column("?", "it's"), _column().text, " a b ", "", "  ", "?", " it's", None, "(missing)") == ["a b", None, None, None, None, None, "(missing)"]


def test_a_text_is_trimmed_just_where_python_would() -> None:
    values = [" a", "a ", "\ta", "a\r\n", "a b", "a", "é ", "\n", " \u0301a", "\u00a0a", "\u2003a", f"{'ü' * 1_000} ", "  a\t ", "🏳️‍🌈 "]
    assert _taken(_column(), _column().plain, *values) == [one.strip(" \t\r\n") for one in values]
    assert _taken(_column(), _column().spaced, *values, "", None) == [one != one.strip(" \t\r\n") for one in values] + [False, False]


def test_a_number_is_read_and_what_is_none_is_told_apart_from_what_is_missing() -> None:
    values = ("1.5", " 2 ", "", "abc", None)
    assert _taken(_column(), _column().number, *values) == [1.5, 2.0, None, None, None]
    assert _taken(_column(), _column().unreadable, *values) == [False, False, False, True, False]


def test_a_band_holds_its_lower_edge_and_not_its_upper() -> None:
    assert _taken(_column(), _column().band(Bands(edges=(25, 45, 65), names=band_names((25, 45, 65), whole=True))), "24", "25", "44", "45", "64", "65", "") == [
        "under 25", "25–44", "25–44", "45–64", "45–64", "65 and over", None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("edges", "whole", "names"),
    [
        ([25.0, 45.0], True, ("under 25", "25–44", "45 and over")),
        ([25.0, 45.0], False, ("under 25", "25 to under 45", "45 and over")),
        ([0.5, 1.5], True, ("under 0.5", "0.5 to under 1.5", "1.5 and over")),
        ([1.0, 2.0, 3.0], True, ("under 1", "1", "2", "3 and over")),
        ([18.0], True, ("under 18", "18 and over")),
    ],
)
def test_bands_are_named_as_people_say_them(edges: list[float], whole: bool, names: tuple[str, ...]) -> None:
    assert band_names(edges, whole=whole) == names
