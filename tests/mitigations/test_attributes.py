"""A row's group, told from a model's inputs: the one that an audit of the same data counts it in."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairaudit.bands import Bands, parsed
from fairaudit.cube.slices import Slice
from fairaudit.data.files import files_of
from fairaudit.data.rows import Prepared, Wanted, prepare
from fairaudit.data.source import Source
from fairaudit.errors import ContentError
from fairaudit.mitigations.attributes import ReadAttribute, keys_of, read_attributes
from fairaudit.mitigations.groups import Groups
from fairaudit.models.conversion import filled
from fairaudit.models.interface import Feature, UnfitModel

tf = pytest.importorskip("tensorflow")

TEXTS = ["Female", " Female ", "female", "Male\t", "?", " ? ", "", "  ", None, "Été", "x" * 300, "a b", "1:m", "other", "m", "Male", "Female"]
NUMBERS = [25.0, 24.999999, 44.0, 45.0, -9.0, 0.0, 7.0, None, 64.5, 65.0, 1e9, -9.0, 25.0]
FRACTIONS = [0.1, 0.30000001, 0.5, None, -9.0, 1e20, 3.0, float("nan"), -0.5, 0.1, 123456.789, 5e-5]
COLUMNS: dict[str, tuple[pa.DataType, Sequence[Any]]] = {
    "text": (pa.string(), TEXTS),
    "bytes": (pa.binary(), [None if one is None else one.encode() for one in TEXTS]),
    "dictionary": (pa.dictionary(pa.int32(), pa.string()), TEXTS),
    "whole": (pa.int32(), [1, 2, 3, None, -9, 0, 2, 7, -1]),
    "unsigned": (pa.uint64(), [1, 2**53, None, 2, 9]),
    "double": (pa.float64(), FRACTIONS),
    "single": (pa.float32(), FRACTIONS),
    "half": (pa.float16(), np.array([0.1, 3.0, -9.0, np.nan, 0.5], np.float16)),
    "truth": (pa.bool_(), [True, False, None, True]),
    "decimal": (pa.decimal128(6, 2), [Decimal("1.50"), Decimal("-9.00"), None, Decimal("2.25")]),
    "date": (pa.date32(), [0, None, 19000, 1]),
}


def prepared(path: Path, **wanted: Any) -> tuple[Prepared, list[str | None]]:
    """The rows of a file with the attribute `a`, and each row's value as an audit has it."""
    source = Source(files=files_of([str(path)]))
    with source.connect() as connection:
        rows = prepare(connection, source, Wanted(attributes=("a",), decision="d", **wanted))
        return rows, [one for (one,) in connection.execute(f"SELECT a0 FROM ({rows.relation()})").fetchall()]


def as_model_takes_it(path: Path, rows: Prepared, dtype: str) -> Any:
    """The column as a scorer gives it to a model."""
    with rows.source.connect() as connection:
        given = connection.sql(f"SELECT f0 FROM ({rows.relation(['a'])})").to_arrow_table().column(0).combine_chunks()
    return tf.constant(filled(given, Feature(name="a", dtype=dtype), lambda row: f"row {row}"))


def agrees(path: Path, dtype: str | None = None, **wanted: Any) -> None:
    rows, values = prepared(path, **wanted)
    (read,) = read_attributes(rows, ("a",))
    known = sorted({one for one in values if one is not None})
    taken = dtype or read.dtype
    groups = Groups([Slice([("a", one)]) for one in known], (read,), {"a": taken})
    found = groups.of({"a": as_model_takes_it(path, rows, taken)}, {}).numpy()
    assert [known[at] if at < len(known) else None for at in found] == values
    # A group that was not fitted is none of those that were.
    fewer = Groups([Slice([("a", one)]) for one in known[1:]], (read,), {"a": taken})
    found = fewer.of({"a": as_model_takes_it(path, rows, taken)}, {}).numpy()
    assert [known[1:][at] if at < len(known) - 1 else None for at in found] == [None if one == known[0] else one for one in values]


def written(folder: Path, kind: str) -> Path:
    held, values = COLUMNS[kind]
    pq.write_table(pa.table({"a": pa.array(values, held), "d": [row % 2 for row in range(len(values))]}), folder / f"{kind}.parquet")
    return folder / f"{kind}.parquet"


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_value_of_any_column_is_told_as_the_audit_tells_it(tmp_path: Path, kind: str) -> None:
    agrees(written(tmp_path, kind))
    agrees(written(tmp_path, kind), missing=("?", "-9", "a= 2.0 ", "inf", "true", "1970-01-01", "1.5"))


@pytest.mark.parametrize("kind", ["text", "whole", "double", "single", "decimal", "dictionary"])
def test_rare_values_are_one_group_and_so_is_whatever_else_comes(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path, kind)
    agrees(path, other_below=2)
    agrees(path, other_below=2, missing=("?", "-9"))
    agrees(path, other_below=20)  # nothing keeps its name
    rows, _ = prepared(path, other_below=2)
    (read,) = read_attributes(rows, ("a",))
    groups = Groups([Slice([("a", read.other)])], (read,), {"a": read.dtype})
    unseen = {"string": ["never seen", ""], "float64": [4711.0, np.nan]}[read.dtype]
    assert groups.of({"a": tf.constant(unseen)}, {}).numpy().tolist() == [0, 1]


@pytest.mark.parametrize("bins", ["25,45,65", "young:25,adult:65,old", "quantiles:3"])
@pytest.mark.parametrize("kind", ["csv", *(one for one in ("int64", "float32", "float64", "decimal128(12, 6)", "string"))])
def test_numbers_lie_in_the_audits_bands(tmp_path: Path, kind: str, bins: str) -> None:
    if kind in ("csv", "string"):
        texts = [*("" if one is None else f" {one!r}" for one in NUMBERS), "+25", ".5", "25.", "1e2", "2.5E+1", "-0"]
        if kind == "csv":
            path = tmp_path / "a.csv"
            path.write_text("a,d\n" + "".join(f'"{one}",{row % 2}\n' for row, one in enumerate(texts)))
        else:
            path = tmp_path / "a.parquet"
            pq.write_table(pa.table({"a": texts, "d": [row % 2 for row in range(len(texts))]}), path)
    else:
        held: Any = pa.decimal128(16, 6) if kind.startswith("decimal") else pa.type_for_alias(kind)
        numbers = [None if one is None else int(one) if kind == "int64" else Decimal(repr(one)) if kind.startswith("decimal") else one for one in NUMBERS]
        path = tmp_path / "a.parquet"
        pq.write_table(pa.table({"a": pa.array(numbers, held), "d": [row % 2 for row in range(len(numbers))]}), path)
    agrees(path, bins={"a": parsed(bins)})
    agrees(path, bins={"a": parsed(bins)}, missing=("-9",) if kind not in ("csv", "string") else ("-9.0",))


def test_what_is_no_number_is_of_no_band() -> None:
    read = ReadAttribute(name="a", type=pa.string(), bands=Bands(edges=(10.0,), names=("low", "high")))
    groups = Groups([Slice([("a", "low")]), Slice([("a", "high")])], (read,), {"a": "string"})
    texts = ["9", "10", "abc", "1_0", "nan", "inf", "-inf", "1e999", "0x1", "", "1 2", "1e", "٣"]
    assert groups.of({"a": tf.constant(texts)}, {}).numpy().tolist() == [0, 1, *[2] * 11]


@pytest.mark.parametrize(
    ("texts", "dtype"),
    [(["1", "2", "30", ""], "float32"), (["1", "2", "30", "2"], "int64"), (["true", "false"], "bool"), (["0.1", "0.25", "7", ""], "float64"), (["1", "0"], "bool")],
)
def test_a_model_that_takes_an_attribute_as_it_likes_still_tells_the_groups(tmp_path: Path, texts: list[str], dtype: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,d\n" + "".join(f'"{one}",{row % 2}\n' for row, one in enumerate(texts)))
    agrees(path, dtype)


@pytest.mark.parametrize(("held", "dtype"), [("int64", "string"), ("int64", "float32"), ("float64", "float32"), ("bool", "int64"), ("bool", "float32")])
def test_a_typed_column_reaches_a_model_of_another_type(tmp_path: Path, held: str, dtype: str) -> None:
    values = {"int64": [1, 2, -9, 2], "float64": [0.1, 0.5, 3.25, 0.1], "bool": [True, False, True, True]}[held]
    pq.write_table(pa.table({"a": pa.array(values, pa.type_for_alias(held)), "d": [0, 1, 0, 1]}), tmp_path / "a.parquet")
    agrees(tmp_path / "a.parquet", dtype)
    agrees(tmp_path / "a.parquet", dtype, missing=("-9", "0.5"))


def test_a_number_at_the_edge_of_a_band_stays_in_it_where_the_model_takes_it_rounded(tmp_path: Path) -> None:
    # The float32 nearest to 0.3 is larger than it, and that nearest to 0.1 + 0.7 is smaller.
    for edge in (0.3, 0.1, 0.7, 0.1 + 0.7):
        pq.write_table(pa.table({"a": [edge, edge - 1e-3, edge + 1e-3], "d": [0, 1, 1]}), tmp_path / "a.parquet")
        agrees(tmp_path / "a.parquet", "float32", bins={"a": parsed([edge])})


def test_a_number_that_comes_wider_than_the_column_is_the_columns(tmp_path: Path) -> None:
    read = ReadAttribute(name="a", type=pa.float32())
    groups = Groups([Slice([("a", "0.1")])], (read,), {"a": read.dtype})
    assert groups.of({"a": tf.constant([0.1, float(np.float32(0.1)), 0.2], tf.float64)}, {}).numpy().tolist() == [0, 0, 1]


def test_groups_that_are_one_number_to_the_model_are_refused() -> None:
    read = ReadAttribute(name="a", type=pa.string())
    with pytest.raises(UnfitModel) as told:
        keys_of([Slice([("a", "1")]), Slice([("a", "1.0")])], (read,), {"a": "float32"})
    assert str(told.value) == "the groups a=1 and a=1.0 are the same to the model, which takes a as float32; write them alike in the data"
    with pytest.raises(ContentError, match="the group a=one: column 'a' holds 'one', which is not a number; the model takes float32"):
        keys_of([Slice([("a", "one")])], (read,), {"a": "float32"})


def test_a_column_that_no_model_can_be_given_is_refused() -> None:
    with pytest.raises(UnfitModel, match=r"the protected attribute 'a' is a column of timestamp\[us\], which no model can be given; write it as text or as a number"):
        _ = ReadAttribute(name="a", type=pa.timestamp("us")).dtype


@given(st.lists(st.tuples(st.text("1:mvob ", max_size=4), st.text("1:mvob ", max_size=4)), min_size=2, max_size=6, unique=True))
def test_crossed_values_never_share_a_key(pairs: list[tuple[str, str]]) -> None:
    reads = (ReadAttribute(name="a", type=pa.string()), ReadAttribute(name="b", type=pa.string()))
    keys = keys_of([Slice([("a", one), ("b", other)]) for one, other in pairs], reads, {"a": "string", "b": "string"})
    assert len(set(keys)) == len(pairs)


def test_crossed_attributes_are_told_together() -> None:
    reads = (ReadAttribute(name="a", type=pa.string()), ReadAttribute(name="b", type=pa.int64(), bands=Bands(edges=(25.0,), names=("young", "old"))))
    pairs = [("f", "young"), ("f", "old"), ("m", "young"), ("f", None)]
    groups = Groups([Slice([("a", one), ("b", other)]) for one, other in pairs], reads, {"a": "string", "b": "float64"})
    given_rows = {"a": tf.constant([" f", "f", "m", "m", "f", ""]), "b": tf.constant([3.0, 30, 1, 99, np.nan, 3], tf.float64)}
    assert groups.of(given_rows, {}).numpy().tolist() == [0, 1, 2, 4, 3, 4]


def test_missing_numbers_are_what_duckdb_takes_for_them() -> None:
    # What `missing_as` says in Python, an audit says in SQL.
    read = ReadAttribute(name="a", type=pa.int64(), missing=("-9.0", "+7", "007", "x", "nan", "1e1"))
    assert read.missing_as("int64") == (-9, 7, 10) and read.missing_as("string") == (b"-9.0", b"-9", b"+7", b"7", b"007", b"x", b"nan", b"1e1", b"10")
    assert duckdb.sql("SELECT -9 = -9::HUGEINT, true = CAST('1.0' AS DOUBLE)").fetchall() == [(True, True)]
