"""Rows are written as they were read: values, types, order; in CSV and in Parquet."""

from __future__ import annotations

import datetime
import decimal
from pathlib import Path

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fairaudit.data.files import Format, files_of
from fairaudit.data.source import Source, told
from fairaudit.data.written import Target, format_of, write_numbers, write_rows
from fairaudit.errors import ConfigError, ContentError, Several

TYPED = pa.table({
    "text": pa.array([" a ", None, ""]), "large": pa.array(["x", "y", "z"], pa.large_string()), "category": pa.array(["b", "a", "b"]).dictionary_encode(), "small": pa.array([1, None, 255], pa.uint8()),
    "half": pa.array(np.array([1.5, 2.5, 3.5], dtype=np.float16)), "float": pa.array([0.1, None, float("nan")], pa.float32()), "money": pa.array([decimal.Decimal("1.10"), None, decimal.Decimal("3.00")]),
    "day": pa.array([datetime.date(2026, 1, 2)] * 3), "moment": pa.array([1, 2, None], pa.timestamp("ns", tz="Europe/Berlin")), "yes": pa.array([True, None, False]), "bytes": pa.array([b"k", b"\xff", None]),
    "list": pa.array([[1], [], None]), "nothing": pa.nulls(3),
}, metadata={"kept": "as well"})  # fmt: skip
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)


def _source(*paths: Path) -> Source:
    return Source(files=files_of(list(map(str, paths))))


def _values(path: Path) -> list[tuple[object, ...]]:
    source = _source(path)
    with told(source), source.connect() as connection:
        return [row[:-1] for row in connection.execute(source.relation(source.columns)).fetchall()]


def test_parquet_keeps_every_type_value_and_note(tmp_path: Path) -> None:
    pq.write_table(TYPED, tmp_path / "a.parquet", row_group_size=2)
    write_rows(_source(tmp_path / "a.parquet"), [Target(path=tmp_path / "b.parquet")], "parquet")
    before, after = pq.read_table(tmp_path / "a.parquet"), pq.read_table(tmp_path / "b.parquet")
    assert after.schema.equals(before.schema, check_metadata=True)
    assert str(after.to_pylist()) == str(before.to_pylist())  # as text, since NaN is not itself


def test_a_data_frame_is_written_with_its_types(tmp_path: Path) -> None:
    source = Source(table=TYPED.drop_columns(["half"]))
    assert format_of(source) == "parquet"
    write_rows(source, [Target(path=tmp_path / "b.parquet")], "parquet")
    assert pq.read_schema(tmp_path / "b.parquet").equals(TYPED.drop_columns(["half"]).schema)


@given(rows=st.lists(st.tuples(TEXTS, TEXTS), max_size=8))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_any_texts_of_a_csv_come_back(tmp_path: Path, rows: list[tuple[str, str]], format: Format) -> None:
    import csv

    with (tmp_path / "a.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([("one", "two, named"), *rows])
    write_rows(_source(tmp_path / "a.csv"), [Target(path=tmp_path / f"b.{format}")], format)
    assert _values(tmp_path / f"b.{format}") == _values(tmp_path / "a.csv") == [(one or None, two or None) for one, two in rows]


def test_a_csv_is_written_as_a_person_would(tmp_path: Path) -> None:
    text = 'id,zip,name\n1, 01234 ,"Smith, ""J"""\n2,,é\n'
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    write_rows(_source(tmp_path / "a.csv"), [Target(path=tmp_path / "b.csv")], "csv")
    assert (tmp_path / "b.csv").read_text(encoding="utf-8") == text
    assert {path.name for path in tmp_path.iterdir()} == {"a.csv", "b.csv"}


def test_numbers_and_times_are_written_so_that_csv_gives_them_back(tmp_path: Path) -> None:
    pq.write_table(TYPED.drop_columns(["list", "bytes"]), tmp_path / "a.parquet")
    write_rows(_source(tmp_path / "a.parquet"), [Target(path=tmp_path / "b.csv")], "csv")
    first, second, third = _values(tmp_path / "b.csv")
    assert first == (" a ", "x", "b", "1", "1.5", "0.1", "1.10", "2026-01-02", "1970-01-01 00:00:00.000000001+00", "true", None)
    assert second[3:7] == (None, "2.5", None, None) and third[5] == "nan"


def test_each_file_has_its_rows_in_order_and_columns_are_added(tmp_path: Path) -> None:
    for place in range(2):
        pq.write_table(pa.table({"x": list(range(place * 50_000, (place + 1) * 50_000))}), tmp_path / f"{place}.parquet")
    source, rows = _source(tmp_path / "0.parquet", tmp_path / "1.parquet"), np.arange(100_000)
    targets = [Target(path=tmp_path / f"of{one}.parquet", taken=rows % 3 == one) for one in range(3)]
    write_rows(source, targets, "parquet", {"twice": rows * 2})
    for one, target in enumerate(targets):
        found = pq.read_table(target.path)
        assert found.column("x").to_pylist() == list(range(one, 100_000, 3)) and found.column("twice").to_pylist() == list(range(2 * one, 200_000, 6))


def test_files_with_other_orders_and_smaller_numbers_become_one(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": pa.array([1], pa.int32()), "y": ["a"]}), tmp_path / "0.parquet")
    pq.write_table(pa.table({"y": pa.array(["b"], pa.large_string()), "x": pa.array([2**40])}), tmp_path / "1.parquet")
    write_rows(_source(tmp_path / "0.parquet", tmp_path / "1.parquet"), [Target(path=tmp_path / "all.parquet")], "parquet")
    assert pq.read_table(tmp_path / "all.parquet").to_pylist() == [{"x": 1, "y": "a"}, {"x": 2**40, "y": "b"}]


def test_columns_that_cannot_be_written_are_told_before_any_work(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [1], "l": [[1]]}), tmp_path / "0.parquet")
    pq.write_table(pa.table({"x": ["a"], "l": [[1]]}), tmp_path / "1.parquet")
    with pytest.raises(Several) as raised:
        write_rows(_source(tmp_path / "0.parquet", tmp_path / "1.parquet"), [Target(path=tmp_path / "all.csv")], "csv")
    assert [str(one) for one in raised.value.errors] == [
        "the column 'x' is int64 in 0.parquet and string in 1.parquet; write both alike.",
        "0.parquet and 1 more file: the column 'l' holds list<element: int64>, for which CSV has no form; write Parquet with --format parquet.",
    ]
    with pytest.raises(ConfigError, match=r"has a column 'x' already"):
        write_rows(_source(tmp_path / "0.parquet"), [Target(path=tmp_path / "one.parquet")], "parquet", {"X": np.array([1])})


def test_data_that_grew_since_they_were_counted_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n1\n2\n3\n")
    with pytest.raises(ContentError, match=r"a\.csv changed while it was read: 2 rows were counted and 3 are to be written"):
        write_rows(_source(tmp_path / "a.csv"), [Target(path=tmp_path / "b.csv", taken=np.ones(2, dtype=bool))], "csv")


def test_a_parquet_file_that_is_broken_inside_is_told(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [f"{n * 7919 % 104729}" for n in range(50_000)]}), tmp_path / "a.parquet")
    whole = bytearray((tmp_path / "a.parquet").read_bytes())
    whole[1000:60_000] = bytes(59_000)
    (tmp_path / "a.parquet").write_bytes(whole)
    with pytest.raises(ContentError, match=r"a\.parquet cannot be read: "):
        write_rows(_source(tmp_path / "a.parquet"), [Target(path=tmp_path / "b.parquet")], "parquet")


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_numbers_alone_come_back_to_the_last_bit(tmp_path: Path, format: Format) -> None:
    numbers = np.random.default_rng(0).random(20_000) * 10.0 ** np.random.default_rng(1).integers(-20, 20, 20_000)
    write_numbers(tmp_path / f"n.{format}", {"row": np.arange(20_000), "weight": numbers}, format)
    assert [float(one) for _, one in _values(tmp_path / f"n.{format}")] == numbers.tolist()  # type: ignore[arg-type]


def test_lists_of_views_are_refused_in_a_sentence(tmp_path: Path) -> None:
    source = Source(table=pa.table({"words": pa.array([["a"], ["b"]], pa.list_(pa.string_view()))}))
    with pytest.raises(ConfigError, match="'words' holds list<item: string_view>, of which Arrow cannot pick rows; write its texts as plain ones"):
        write_rows(source, [Target(path=tmp_path / "a.parquet", taken=np.array([True, False]))], "parquet")


def test_texts_that_are_views_are_picked_and_stay_views(tmp_path: Path) -> None:
    source = Source(table=pa.table({"text": pa.array(["a", None, "c"], pa.string_view()), "bytes": pa.array([b"x", b"y", None], pa.binary_view())}))
    write_rows(source, [Target(path=tmp_path / "a.parquet", taken=np.array([False, True, True]))], "parquet")
    assert pq.read_table(tmp_path / "a.parquet").to_pylist() == [{"text": None, "bytes": b"y"}, {"text": "c", "bytes": None}]
