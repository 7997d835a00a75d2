"""Files as one relation for DuckDB: rows in file order, each with its place; DuckDB's complaints become our sentences."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]

from fairaudit.data.files import DataFile
from fairaudit.errors import ConfigError, ContentError, FairauditError, NoSuchColumn

_CSV = "auto_detect=false, header=true, delim=',', quote='\"', escape='\"', strict_mode=true, null_padding=false, encoding='utf-8', hive_partitioning=false"


FRAME = "the data frame"
_GIVEN = "given_rows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The rows of some files, or of a table that was given from Python."""

    files: tuple[DataFile, ...] = ()
    table: pa.Table | None = None  # instead of files

    @property
    def schema(self) -> pa.Schema:
        return self.files[0].schema if self.table is None else self.table.schema

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.schema.names)

    @property
    def names(self) -> tuple[str, ...]:
        """What each `file_place` is called."""
        return tuple(file.path.name for file in self.files) if self.table is None else (FRAME,)

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
        connection.execute(f"SET temp_directory = {literal(tempfile.gettempdir())}")
        if self.table is not None:
            connection.register(_GIVEN, self.table)
        return connection

    def relation(self, columns: Sequence[str]) -> str:
        """SQL for a table of these columns under their aliases, all rows, in the order of files and lines; `file_place` says which file a row is of."""
        taken = "".join(f"{quoted(column)} AS {self.alias(column)}, " for column in dict.fromkeys(columns))
        if self.table is not None:
            return f"SELECT {taken}0 AS file_place FROM {_GIVEN}"
        return " UNION ALL ".join(f"SELECT {taken}{place} AS file_place FROM {_reader(file)}" for place, file in enumerate(self.files))


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
        for other in source.files[1:]:
            one, its = (_kind(file.schema.field(column).type) for file in (source.files[0], other))
            if one != its:
                yield ConfigError(f"the column {column!r} is {one} in {source.files[0].path.name} and {its} in {other.path.name}; write both alike.")
                break


def _kind(type: pa.DataType) -> str:
    """A type as far as reading goes: how a text is stored, or how large a whole number may be, makes no difference."""
    held = type.value_type if pa.types.is_dictionary(type) else type
    if pa.types.is_string(held) or pa.types.is_large_string(held) or pa.types.is_string_view(held):
        return "text"
    return "a whole number" if pa.types.is_integer(held) else str(held)


def _reader(file: DataFile) -> str:
    # A file's name is no pattern: brackets and stars in it stand for themselves.
    path = literal(re.sub(r"([\[\]*?])", r"[\1]", str(file.path)))
    if file.format == "parquet":
        return f"read_parquet([{path}], hive_partitioning=false)"
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in file.columns)
    return f"read_csv([{path}], {_CSV}, columns={{{columns}}})"


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


def _translated(source: Source, text: str) -> FairauditError:
    file = next((Path(one).name for one in re.findall(r"file = (.+)", text)), source.name)
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
