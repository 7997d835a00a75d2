"""Rows come out as they stand in the files; what cannot be read is told by file and line."""

from __future__ import annotations

import gzip
from pathlib import Path

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from fairaudit.data.files import files_of
from fairaudit.data.source import Source, require, told
from fairaudit.errors import ContentError


def _rows(path: Path, *columns: str) -> list[tuple[object, ...]]:
    source = Source(files=files_of([str(path)]))
    with told(source):
        return [row[:-1] for row in duckdb.connect().execute(source.relation(columns)).fetchall()]


def test_csv_values_stay_text_and_keep_their_zeros_and_spaces(tmp_path: Path) -> None:
    path = tmp_path / "a[1].csv"
    path.write_text('\ufeffname,code\n"Smith, ""J""",01234\n x ,\n')
    assert _rows(path, "code", "name") == [("01234", 'Smith, "J"'), (None, " x ")]


def test_parquet_and_csv_files_of_a_folder_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name, value in (("b", 2), ("a", 1)):
        pq.write_table(pa.table({"x": [value]}), tmp_path / f"{name}.parquet")
    assert _rows(tmp_path, "x") == [(1,), (2,)]


def test_columns_are_found_by_name_whatever_their_order_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    (tmp_path / "b.csv").write_text("y,x\n4,3\n")
    assert _rows(tmp_path, "x", "y") == [("1", "2"), ("3", "4")]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("x,y\n1,2\n3\n", "a.csv, line 3: the header has 2 columns and this line has 1; mend or quote it."),
        ("x,y\n1,2,5\n3,4\n", "a.csv, line 2: the header has 2 columns and this line has 3; mend or quote it."),
        ('x,y\n"1,2\n3,4\n', "a.csv, line 2: a quote is opened and never closed; mend the line."),
    ],
)
def test_a_line_that_is_no_row_is_told_by_its_number(tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(ContentError) as raised:
        _rows(tmp_path, "x")
    assert str(raised.value) == sentence


def test_a_gzip_that_is_cut_off_after_its_header_is_told(tmp_path: Path) -> None:
    whole = gzip.compress(("x,y\n" + "".join(f"{n},{n * 7919 % 104729}\n" for n in range(50_000))).encode())
    (tmp_path / "a.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ContentError, match=r"gzip stream is broken or cut off\."):
        _rows(tmp_path / "a.csv.gz", "x")


def test_a_column_that_is_not_there_is_told_with_its_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("gender,y\n")
    (mistake,) = require(Source(files=files_of([str(tmp_path / "a.csv")])), {"gendr": "--protected", "y": "--label"})
    assert str(mistake) == "a.csv has no column 'gendr', which --protected needs; did you mean 'gender'?"


@pytest.mark.parametrize("error", [duckdb.InterruptException("INTERRUPT Error: Interrupted!"), RuntimeError("Query interrupted")])
def test_a_query_that_the_user_stops_is_an_interrupt(error: Exception) -> None:
    with pytest.raises(KeyboardInterrupt), told(Source()):
        raise error
