"""A pandas DataFrame or an Arrow table as the rows of an audit."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]

from fairaudit.data.files import mistaken_names
from fairaudit.data.source import FRAME, Source
from fairaudit.errors import ConfigError, FairauditError, raise_all

_REFUSALS = (pa.ArrowException, ValueError, TypeError, AttributeError)


def source_of(data: Any, *, named: Collection[str]) -> Source:
    """The rows of a data frame; columns that cannot be read and that nothing names are left out of it.

    Args:
        named: columns that the audit names, which must be readable.

    Raises:
        ConfigError, Several: it is no data frame, a column that is named cannot be read, or columns cannot be told apart.
    """
    try:
        table = data if isinstance(data, pa.Table) else pa.Table.from_pandas(data, preserve_index=False)
        unread: tuple[str, ...] = ()
    except _REFUSALS as error:
        table, unread = _one_by_one(data, named, error)
    halves = [name for name, kind in zip(table.schema.names, table.schema.types, strict=True) if pa.types.is_float16(kind)]
    raise_all((*mistaken_names(table.schema.names, file=FRAME), *_mistaken_halves(halves, named)))
    return Source(table=table.drop_columns(halves), unread=(*unread, *halves))


def _mistaken_halves(halves: Collection[str], named: Collection[str]) -> Iterator[FairauditError]:
    yield from (ConfigError(f"{FRAME}: the column {name!r} is float16, which cannot be read; give it as float32.") for name in halves if name in named)


def _one_by_one(data: Any, named: Collection[str], error: Exception) -> tuple[pa.Table, tuple[str, ...]]:
    """What Arrow can hold of a frame that it cannot hold as a whole, and the columns that it cannot."""
    if not (hasattr(data, "columns") and hasattr(data, "iloc")):
        raise _refused(error) from error
    arrays, names, unread = [], [], []
    for place, label in enumerate(data.columns):
        try:
            arrays.append(pa.Table.from_pandas(data.iloc[:, [place]], preserve_index=False).column(0))
            names.append(str(label))
        except _REFUSALS as its:
            if str(label) in named:
                raise _refused(its) from its
            unread.append(str(label))
    return pa.table(arrays, names=names), tuple(unread)


def _refused(error: Exception) -> ConfigError:
    return ConfigError(f"the data are no data frame that Arrow can hold ({_said(error)}); give a pandas DataFrame or an Arrow table.")


def _said(error: Exception) -> str:
    """What Arrow says, on one line."""
    return "; ".join(str(part).splitlines()[0] for part in error.args if str(part)) or type(error).__name__
