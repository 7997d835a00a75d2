"""The audited rows by their ids, with what each was given, as a file: so that another audit of the same rows can be set beside it."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from fairaudit.cube.cube import Plan
from fairaudit.data.written import RowGroups
from fairaudit.errors import ConfigError, ContentError

VALUE_OF = "slice:"  # what the column of an attribute's values begins with
_SCHEMA, _VERSION = b"fairaudit.schema", b"fairaudit/scores/1"
_TOGETHER = 131_072  # rows that are read at once


def save(connection: duckdb.DuckDBPyConnection, relation: str, plan: Plan, to: Path) -> None:
    """Write the rows of a relation: what `Plan` says that it has, and `id`.

    Of the data themselves there is nothing but ids, labels and the values that slices are made of; the control's are not.
    """
    sliced = plan.attributes[: len(plan.attributes) - len(plan.control)]
    taken = ["id", *(["score"] if plan.grid else []), "decision", *(["label"] if plan.has_labels else [])]
    taken += [f'a{place} AS "{VALUE_OF}{place}"' for place in range(len(sliced))]
    taken += [name for name, has in (("weight", plan.has_weights), ("copies", plan.has_copies), ("cluster", plan.has_clusters)) if has]
    batches: Any = connection.sql(f"SELECT {', '.join(taken)} FROM ({relation})").to_arrow_reader(_TOGETHER)
    named = {f"{VALUE_OF}{place}": f"{VALUE_OF}{attribute}" for place, attribute in enumerate(sliced)}
    write_rows(batches, batches.schema, to, names=[named.get(name, name) for name in batches.schema.names])


def write_rows(batches: Iterable[pa.RecordBatch], schema: pa.Schema, to: Path, names: Sequence[str] = ()) -> None:
    """Write rows, under other names where some are given."""
    renamed = pa.schema([field.with_name(name) for field, name in zip(schema, names or schema.names, strict=True)], {_SCHEMA: _VERSION})
    with _told(to), RowGroups(to, renamed, dictionaries=[name for name in renamed.names if name.startswith(VALUE_OF)]) as writer:
        for batch in batches:
            writer.write(pa.RecordBatch.from_arrays(batch.columns, schema=renamed))


@contextmanager
def _told(to: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise ContentError(f"no disk space is left for the scores of the rows ({to.parent}); nothing was written; free some and run again.") from error


def are_scores(path: Path) -> bool:
    """Whether a file is one of saved rows."""
    try:
        return bool(columns_of(path))
    except ConfigError:
        return False


def columns_of(path: Path) -> tuple[str, ...]:
    """What a file of saved rows holds.

    Raises:
        ConfigError: there is no such file, or it is another.
    """
    try:
        schema = pq.read_schema(path)
    except (OSError, pa.ArrowException) as error:
        raise ConfigError(f"{path} is not the file of scores that an audit wrote ({str(error).splitlines()[0]}); audit again with --save-scores --id COL.") from error
    if (schema.metadata or {}).get(_SCHEMA) != _VERSION:
        raise ConfigError(f"{path} is not a file of scores that this version reads; audit again with --save-scores --id COL.")
    return tuple(schema.names)
