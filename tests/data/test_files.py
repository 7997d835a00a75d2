"""What `--data` means, and what is said where it means nothing."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from fairaudit.data.files import files_of, fingerprint
from fairaudit.errors import ConfigError, ContentError, FairauditError


def _written(path: Path, content: str | bytes) -> str:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def test_a_header_with_a_byte_order_mark_and_quotes_names_its_columns(tmp_path: Path) -> None:
    (file,) = files_of([_written(tmp_path / "a.csv", '\ufeffname,"a, ge"\nx,1\n')])
    assert file.columns == ("name", "a, ge")


def test_a_folder_and_a_glob_mean_the_same_files_each_once(tmp_path: Path) -> None:
    for name in ("b.parquet", "a.parquet"):
        pq.write_table(pa.table({"x": [1]}), tmp_path / name)
    both = files_of([str(tmp_path), str(tmp_path / "*.parquet")])
    assert [file.path.name for file in both] == ["a.parquet", "b.parquet"]


def test_the_fingerprint_is_the_sha256_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "abc"
    _written(path, "abc")  # FIPS 180-2, appendix B.1
    assert fingerprint(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_gzip_is_read_through(tmp_path: Path) -> None:
    (file,) = files_of([_written(tmp_path / "a.csv.gz", gzip.compress(b"x,y\n1,2\n"))])
    assert file.columns == ("x", "y")


def test_a_column_without_a_name_as_an_index_that_pandas_writes_is_called_by_its_place(tmp_path: Path) -> None:
    (file,) = files_of([_written(tmp_path / "a.csv", ",Column 3,,z\n0,a,b,c\n")])
    assert file.columns == ("column 1", "Column 3", "column 3_", "z")


@pytest.mark.parametrize(
    ("name", "content", "kind", "sentence"),
    [
        ("empty.csv", "", ContentError, "empty.csv is empty; it needs a header line and rows."),
        ("empty.parquet", "", ContentError, "empty.parquet is empty; it has no Parquet footer and no rows."),
        ("broken.parquet", "PAR1 but no more", ContentError, "broken.parquet cannot be read: it is not a whole Parquet file"),
        ("cut.csv.gz", gzip.compress(b"x,y\n1,2\n", mtime=0)[:12], ContentError, "cut.csv.gz cannot be read: its gzip stream is broken or cut off."),
        ("latin.csv", "größe,y\n".encode("latin-1"), ContentError, "latin.csv cannot be read: it is not UTF-8; save it as UTF-8."),
        ("twice.csv", "x,y,x\n", ConfigError, "twice.csv has more than one column 'x'; rename all but one."),
        ("blank.csv", ",\n", ConfigError, "blank.csv, line 1: no column has a name; give the file a header line."),
        ("table.xlsx", "x", ConfigError, "table.xlsx: its format is not known by its name; data end in .csv, .csv.gz, .parquet, .pq."),
    ],
)
def test_a_file_that_cannot_be_read_gets_one_sentence(tmp_path: Path, name: str, content: str | bytes, kind: type[FairauditError], sentence: str) -> None:
    with pytest.raises(kind) as raised:
        files_of([_written(tmp_path / name, content)])
    assert str(raised.value).startswith(sentence)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(FairauditError) as raised:
        files_of([str(tmp_path / "none.csv"), _written(tmp_path / "twice.csv", "x,x\n")])
    assert "there is no such file" in str(raised.value) and "'x'" in str(raised.value)


def test_files_with_other_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"a\.csv and b\.csv differ in the columns y, z\."):
        files_of([_written(tmp_path / "a.csv", "x,y\n"), _written(tmp_path / "b.csv", "x,z\n")])
