"""Files as one relation for DuckDB: rows in file order, each with its place; DuckDB's complaints become our sentences."""

from __future__ import annotations

import re
import tempfile
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]

from fairaudit.data.files import DataFile
from fairaudit.errors import ConfigError, ContentError, FairauditError, NoSuchColumn
from fairaudit.types import Ints

_CSV = "auto_detect=false, header=true, delim=',', quote='\"', escape='\"', strict_mode=true, null_padding=false, encoding='utf-8', hive_partitioning=false"


FRAME = "the data frame"
_GIVEN = "given_rows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The rows of some files, or of a table that was given from Python."""

    files: tuple[DataFile, ...] = ()
    table: pa.Table | None = None  # instead of files
    unread: tuple[str, ...] = ()  # columns of a data frame that cannot be read, and that nothing names
    called: str | None = None  # by messages, where its one file is ours and nobody knows its name
    parallel: bool = True  # whether one CSV file may be read by several threads

    @property
    def schema(self) -> pa.Schema:
        return self.files[0].schema if self.table is None else self.table.schema

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.schema.names)

    @property
    def names(self) -> tuple[str, ...]:
        """What each `file_place` is called."""
        if self.table is not None:
            return (FRAME,)
        if self.called is not None:
            return (self.called,)
        names = Counter(file.path.name for file in self.files)
        return tuple(file.path.name if names[file.path.name] == 1 else str(file.path) for file in self.files)

    @property
    def name(self) -> str:
        """How messages call it."""
        first, *others = self.names
        return first if not others else f"{first} and {len(others)} more {'file' if len(others) == 1 else 'files'}"

    def alias(self, column: str) -> str:
        """What SQL calls a column: by its place, since SQL takes names that differ in case for one, and ours for its own."""
        return f"c{self.columns.index(column)}"

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A database of its own that sees these rows; what does not fit into memory goes to the system's temporary folder."""
        connection = duckdb.connect()
        # A time is said in UTC, wherever the audit runs.
        connection.execute(f"SET temp_directory = {literal(tempfile.gettempdir())}; SET TimeZone = 'UTC'")
        # Arrow writes a Parquet file's lowest and highest value without regard to NaN, and DuckDB 2.0 believes from them that there is none
        # (duckdb/duckdb#25521).
        connection.execute("SET disabled_optimizers = 'statistics_propagation,filter_pushdown'")
        if self.table is not None:
            connection.register(_GIVEN, self.table)
        return connection

    def relation(self, columns: Sequence[str]) -> str:
        """SQL for a table of these columns under their aliases, all rows, in the order of files and lines; `file_place` says which file a row is of."""
        taken = "".join(f"{quoted(column)} AS {self.alias(column)}, " for column in dict.fromkeys(columns))
        if self.table is not None:
            return f"SELECT {taken}0 AS file_place FROM {_GIVEN}"
        return " UNION ALL ".join(f"SELECT {taken}{place} AS file_place FROM {_reader(file, self.parallel)}" for place, file in enumerate(self.files))


def place_in(names: Sequence[str], starts: Sequence[int] | Ints, row: int) -> str:
    """Where a row stands, as messages say it: "people.csv, row 17"; rows count from 1 after the header.

    Args:
        names: of the files.
        starts: how many rows stand before each file's, and at last how many there are.
        row: its place among all, from 0.
    """
    file = bisect_right(starts, row) - 1
    return f"{names[file]}, row {row - starts[file] + 1}"


def quoted(name: str) -> str:
    """A name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"


def require(source: Source, wanted: dict[str, str]) -> Iterator[FairauditError]:
    """A mistake for each column that the source lacks, or has by other types in other files; `wanted` is column → what needs it."""
    for column, use in wanted.items():
        if column not in source.columns:
            yield NoSuchColumn(column, file=source.name, columns=source.columns, use=use)
            continue
        if pa.types.is_nested(held(source.schema.field(column).type)):
            yield ConfigError(
                f"{source.name}: the column {column!r}, which {use} needs, holds {source.schema.field(column).type}; a column of single values is wanted."
            )
            continue
        for other in source.files[1:]:
            one, its = (kind_of(file.schema.field(column).type) for file in (source.files[0], other))
            if one != its:
                yield ConfigError(f"the column {column!r} is {one} in {source.files[0].path.name} and {its} in {other.path.name}; write both alike.")
                break


def held(type: pa.DataType) -> pa.DataType:
    """What a column's values are: a dictionary's are those it stands for."""
    return type.value_type if pa.types.is_dictionary(type) else type


def is_bytes(type: pa.DataType) -> bool:
    """Whether a type is one of bytes, as which a Parquet file without annotations holds its texts."""
    kinds = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    return any(kind(type) for kind in kinds)


def kind_of(type: pa.DataType) -> str:
    """A type as far as reading goes: how a text is stored, or how large a whole number may be, makes no difference."""
    plain = held(type)
    if is_bytes(plain):
        return "bytes"
    if pa.types.is_string(plain) or pa.types.is_large_string(plain) or pa.types.is_string_view(plain):
        return "text"
    return "a whole number" if pa.types.is_integer(plain) else str(plain)


def parquet(path: Path) -> str:
    """SQL for a table of the columns and rows of a Parquet file, whatever its name and its folders' are."""
    return f"read_parquet([{_itself(path)}], hive_partitioning=false)"


def _itself(path: Path) -> str:
    """A file's name as SQL has it. It is no pattern: brackets and stars in it stand for themselves, and so does ~ behind a folder."""
    return literal(re.sub(r"([\[\]*?])", r"[\1]", str(path.absolute())))


def _reader(file: DataFile, parallel: bool) -> str:
    if file.format == "parquet":
        return parquet(file.path)
    path = _itself(file.path)
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in file.columns)
    return f"read_csv([{path}], {_CSV}, parallel={str(parallel).lower()}, columns={{{columns}}})"


@contextmanager
def told(source: Source) -> Iterator[None]:
    """DuckDB's errors as ours: which file, which line, what to do."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise ContentError(f"there is not enough memory or temporary disk space to count {source.name}: {_first_line(error)}.") from error
    except duckdb.InterruptException as error:
        raise KeyboardInterrupt from error
    except RuntimeError as error:
        if "interrupted" in str(error):  # what DuckDB raises where rows are fetched as Arrow
            raise KeyboardInterrupt from error
        raise
    except duckdb.Error as error:
        raise _translated(source, str(error)) from error


class NotInParallel(ContentError):
    """A CSV file that only one thread can read: its quoted values run over many lines."""


def _translated(source: Source, text: str) -> FairauditError:
    called = {str(one.path.absolute()): name for one, name in zip(source.files, source.names, strict=False)}
    file = next((called.get(one.strip(), Path(one).name) for one in re.findall(r"file = (.+)", text)), source.name)
    if "Parallel CSV Reader" in text:
        return NotInParallel(f"{file} cannot be read by several threads.")
    if "invalid state" in text:
        return ContentError(
            f"{file} is not CSV: its lines end now in one way and now in another (Windows, Unix), or a quote stands where none may; save it anew."
        )
    line = re.search(r"CSV Error on Line: (\d+)", text)
    columns = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text)
    if line and columns:
        return ContentError(f"{file}, line {line[1]}: the header has {columns[1]} columns and this line has {columns[2]}; mend or quote it.")
    if line and "unterminated quote" in text:
        return ContentError(f"{file}, line {line[1]}: a quote is opened and never closed; mend the line.")
    if line:
        return ContentError(f"{file}, line {line[1]} is not CSV: {_reason(text)}.")
    if "GZIP" in text or "gzip" in text:
        return ContentError(f"{file} cannot be read: its gzip stream is broken or cut off.")
    if "Failure in decode" in text:
        return ContentError(f"{file}: a column of texts holds bytes that are no UTF-8; write it as text.")
    if "No space left" in text:
        return ContentError(f"no disk space is left while reading {file}; free some and run again.")
    if "Permission denied" in text:
        return ConfigError(f"{file} cannot be opened: permission denied.")
    return ContentError(f"{file} cannot be read: {_first_line(text)}.")


def _first_line(error: object) -> str:
    return str(error).strip().splitlines()[0].rstrip(".")


def _reason(text: str) -> str:
    lines = [line.strip() for line in text.splitlines()]
    return next((line.rstrip(".") for line in lines if line and not line.startswith(("Invalid Input", "Original Line", "CSV Error"))), "unreadable")
