"""The rows of a source as files again: every column and every value as it was, in the same order, with columns added where somebody has them."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from fairaudit.data.files import CorruptFile, Format
from fairaudit.data.source import Source, held, is_bytes, literal, parquet, quoted, told
from fairaudit.errors import ConfigError, ContentError, FairauditError, raise_all
from fairaudit.types import Bools, Floats, Ints

_READ = 16_384  # rows at once
_CELLS = 2**23  # of a row group: 131,072 rows of up to 64 columns
SUFFIXES: dict[Format, str] = {"csv": ".csv", "parquet": ".parquet"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A file and the rows that go into it."""

    path: Path
    taken: Bools | None = None  # which of all rows; None: every one


def format_of(source: Source) -> Format:
    """What the data are written as unless somebody asks otherwise: what they were; a data frame's columns have types, which CSV has not."""
    return source.files[0].format if source.files else "parquet"


def mistaken_columns(source: Source, format: Format = "parquet", columns: Sequence[str] | None = None) -> Iterator[FairauditError]:
    """A mistake for each column that cannot be one: of unlike types in the files; or that cannot be written, of what CSV has no form for."""
    for name in source.columns if columns is None else columns:
        types = [file.schema.field(name).type for file in source.files]
        if len(set(map(str, types))) > 1 and _common(name, types) is None:
            other = next(file for file, its in zip(source.files, types, strict=True) if its != types[0])
            yield ConfigError(f"the column {name!r} is {types[0]} in {source.files[0].path.name} and {other.schema.field(name).type} in {other.path.name}; write both alike.")
        elif pa.types.is_nested(held(source.schema.field(name).type)) and "_view" in str(source.schema.field(name).type):
            yield ConfigError(f"{source.name}: the column {name!r} holds {source.schema.field(name).type}, of which Arrow cannot pick rows; write its texts as plain ones (string, binary).")
        elif format == "csv" and pa.types.is_nested(held(source.schema.field(name).type)):
            yield ConfigError(f"{source.name}: the column {name!r} holds {source.schema.field(name).type}, for which CSV has no form; write Parquet with --format parquet.")


def write_rows(source: Source, targets: Sequence[Target], format: Format, added: Mapping[str, Floats | Ints] | None = None, *, columns: Sequence[str] | None = None) -> None:
    """Write the rows of a source into files, in one pass and bounded memory.

    Args:
        added: columns that come after the others, by the place of the row.
        columns: the source's that are written; None: all.

    Raises:
        ConfigError, Several: a column cannot be written.
        ContentError: the data cannot be read, or changed since they were counted.
    """
    taken = tuple(source.columns if columns is None else columns)
    raise_all(mistaken_columns(source, format, taken))
    schema, more = _schema(source, taken), dict(added or {})
    known = [name for name in taken if name.casefold() in {one.casefold() for one in more}]
    if known:
        raise ConfigError(f"{source.name} has a column {known[0]!r} already; give the new one another name.")
    whole = pa.schema([*schema, *(pa.field(name, pa.from_numpy_dtype(values.dtype)) for name, values in more.items())], schema.metadata)
    rows = next((len(one) for one in (*more.values(), *(target.taken for target in targets)) if one is not None), None)
    asides = [target.path if format == "parquet" else target.path.with_name(f"{target.path.name}.parquet") for target in targets]
    seen = 0
    with ExitStack() as opened:
        writers = [opened.enter_context(RowGroups(path, whole)) for path in asides]
        for batch in _batches(source, schema):
            end = seen + batch.num_rows
            if rows is None or end <= rows:
                full = pa.RecordBatch.from_arrays([*batch.columns, *(pa.array(values[seen:end]) for values in more.values())], schema=whole)
                for writer, target in zip(writers, targets, strict=True):
                    writer.write(full if target.taken is None else _only(full, pa.array(target.taken[seen:end])))
            seen = end
    if rows is not None and seen != rows:
        raise ContentError(f"{source.name} changed while it was read: {rows:,} rows were counted and {seen:,} are to be written; run again when it is at rest.")
    if format == "csv":
        for aside, target in zip(asides, targets, strict=True):
            _as_csv(aside, target.path, whole)
            aside.unlink()


def write_numbers(path: Path, numbers: Mapping[str, Floats | Ints], format: Format) -> None:
    """Write columns of numbers into a file."""
    table = pa.table({name: pa.array(values) for name, values in numbers.items()})
    aside = path if format == "parquet" else path.with_name(f"{path.name}.parquet")
    with RowGroups(aside, table.schema) as writer:
        for batch in table.to_batches(max_chunksize=_READ):
            writer.write(batch)
    if format == "csv":
        _as_csv(aside, path, table.schema)
        aside.unlink()


class RowGroups:
    """A Parquet file whose row groups have one size, whatever batches the rows come in, so that the same rows are the same bytes."""

    def __init__(self, path: Path, schema: pa.Schema, *, dictionaries: bool | list[str] = True) -> None:
        """
        Args:
            dictionaries: for which columns values that repeat are written once; True: for all.
        """
        self._schema, self._together = schema, max(_CELLS // max(64, len(schema)), 1024)
        self._file = pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=dictionaries)
        self._held: list[pa.RecordBatch] = []
        self._rows = 0

    def __enter__(self) -> RowGroups:
        return self

    def write(self, batch: pa.RecordBatch) -> None:
        self._held.append(batch)
        self._rows += batch.num_rows
        while self._rows >= self._together:
            self._flush(self._together)

    def _flush(self, rows: int) -> None:
        table = pa.Table.from_batches(self._held, self._schema)
        self._file.write_table(table.slice(0, rows), row_group_size=self._together)
        self._held, self._rows = table.slice(rows).to_batches(), self._rows - rows

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if kind is None and self._rows:
            self._flush(self._rows)
        self._file.close()


def _only(batch: pa.RecordBatch, taken: pa.Array) -> pa.RecordBatch:
    """Some of the rows. Arrow picks none from texts that it holds as views, so these become plain ones, and views again."""
    plain = [_WITHOUT_VIEWS.get(str(column.type)) for column in batch.columns]
    columns = [column.filter(taken) if kind is None else column.cast(kind).filter(taken).cast(column.type) for column, kind in zip(batch.columns, plain, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


_WITHOUT_VIEWS = {"string_view": pa.large_string(), "binary_view": pa.large_binary()}  # by name, which older versions of Arrow have not


def _batches(source: Source, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    if source.table is not None:
        yield from source.table.select(schema.names).to_batches(max_chunksize=_READ)
        return
    if source.files[0].format == "csv":
        with told(source), source.connect() as connection:
            reader: Any = connection.sql(source.relation(schema.names)).to_arrow_reader(_READ)
            for batch in reader:
                yield pa.RecordBatch.from_arrays(batch.columns[: len(schema)], schema=schema)
        return
    for file in source.files:
        try:
            opened = pq.ParquetFile(file.path)
            found = opened.iter_batches(batch_size=_READ, columns=schema.names)
            while (batch := next(found, None)) is not None:
                if batch.schema.equals(schema):
                    yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)
                else:  # in another order of the columns, or with smaller numbers
                    yield from pa.Table.from_batches([batch]).select(schema.names).cast(schema).to_batches()
        except (pa.ArrowException, OSError) as error:
            raise CorruptFile(file.path, str(error).splitlines()[0].rstrip(".")) from error


def _schema(source: Source, columns: Sequence[str]) -> pa.Schema:
    """The columns as they are written; of several files, types that hold every file's values."""
    if len(source.files) < 2:
        return pa.schema([source.schema.field(name) for name in columns], source.schema.metadata)
    return pa.schema([pa.field(name, _common(name, [file.schema.field(name).type for file in source.files])) for name in columns], source.schema.metadata)


def _common(name: str, types: Sequence[pa.DataType]) -> pa.DataType | None:
    """A type that holds the values of all; None where there is none."""
    if all(one == types[0] for one in types):
        return types[0]
    try:
        return pa.unify_schemas([pa.schema([(name, one)]) for one in types], promote_options="permissive").field(0).type
    except (pa.ArrowException, TypeError):
        return None


def _as_csv(path: Path, to: Path, schema: pa.Schema) -> None:
    """A Parquet file as CSV: numbers as short as they can be read back, times in UTC, a missing value as nothing between two commas."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        taken = ", ".join(f"{_as_text(field)} AS {quoted(field.name)}" for field in schema)
        try:
            connection.execute(f"COPY (SELECT {taken} FROM {parquet(path)}) TO {literal(str(to.absolute()))} (FORMAT csv, HEADER true)")
        except duckdb.IOException as error:
            raise OSError(*_errno(str(error))) from error
        except duckdb.Error as error:
            raise ContentError(f"the rows cannot be written as CSV: {str(error).splitlines()[0].rstrip('.')}; write Parquet with --format parquet.") from error


def _as_text(field: pa.Field) -> str:
    """SQL: what CSV says of a column; a Parquet file may hold its texts as bytes."""
    return f"decode({quoted(field.name)})" if is_bytes(held(field.type)) else quoted(field.name)


def _errno(said: str) -> tuple[int, str]:
    return (errno.ENOSPC, "no space left on device") if "space" in said.casefold() else (errno.EIO, said.splitlines()[0])
