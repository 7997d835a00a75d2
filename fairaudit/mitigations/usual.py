"""What a model's inputs usually hold, for a row that one can ask an exported model with and that is nobody's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from fairaudit.data.rows import Prepared
from fairaudit.data.source import told
from fairaudit.mitigations.withheld import typical
from fairaudit.models.conversion import convert
from fairaudit.models.interface import Feature, target_of

_READ = 16_384  # rows that are looked at


class Usual(msgspec.Struct, frozen=True, kw_only=True):
    """A feature of a model with what many rows have: of numbers the median, of texts and truths the most frequent one."""

    name: str
    dtype: str
    value: str | float | int | bool


def usual_row(rows: Prepared, features: Sequence[Feature]) -> tuple[Usual, ...]:
    """Every feature by itself, of the first rows; together they are nobody's row, and a text that only one row has is in none of it."""
    fit = [one for one in features if not one.unfit]
    with told(rows.source), rows.source.connect() as connection:
        batch = next(iter(connection.sql(f"SELECT * FROM ({rows.relation([one.name for one in fit])}) WHERE excluded IS NULL LIMIT {_READ}").to_arrow_reader(_READ)), None)
    return () if batch is None else tuple(_found(batch, fit, rows.source.name))


def _found(batch: object, features: Sequence[Feature], name: str) -> Iterator[Usual]:
    for place, one in enumerate(features):
        values, _ = convert(batch.column(f"f{place}"), one, lambda _: name)  # type: ignore[attr-defined]
        if target_of(one.dtype) == "string":
            values = np.asarray([own for own in values.tolist() if own], dtype=object)
            each, number = np.unique(values, return_counts=True)
            values = np.repeat(each[number > 1], number[number > 1])
        found = typical(values, attribute=one.name, dtype=one.dtype).value if values.size else None
        if found is not None:
            yield Usual(name=one.name, dtype=one.dtype, value=found)
