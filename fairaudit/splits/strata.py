"""Strata: rows of one label and one group of the full cross of the attributes, and which of them each row is of."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np

from fairaudit.cube.cube import MOST_STRATA
from fairaudit.cube.slices import Slice
from fairaudit.data.rows import Prepared, Wanted
from fairaudit.errors import ConfigError, ContentError
from fairaudit.interrupts import stoppable
from fairaudit.splits.hashes import row_hash
from fairaudit.splits.units import Hashes
from fairaudit.types import Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """Rows of one label and one group of the full cross of the attributes; a missing value is a group and a label of its own."""

    label: bool | None
    group: Slice


def words_of(wanted: Wanted, one: Stratum) -> str:
    """A stratum as a sentence names it."""
    label = [] if wanted.label is None else [f"{wanted.label} {'missing' if one.label is None else 'positive' if one.label else 'negative'}"]
    return ", ".join([*([str(one.group)] if one.group.values or not label else []), *label])


def strata_of(connection: duckdb.DuckDBPyConnection, rows: Prepared) -> tuple[tuple[Stratum, ...], Hashes]:
    """Every stratum that has rows, in order, and the hash of each."""
    attributes = [f"a{place}" for place in range(len(rows.wanted.attributes))]
    order = ", ".join(f"{one} NULLS LAST" for one in ("label DESC", *attributes))
    sql = f"SELECT label, {''.join(f'{one}, ' for one in attributes)}{stratum_hash(rows)} AS hash FROM ({rows.relation()}) GROUP BY ALL ORDER BY {order} LIMIT {MOST_STRATA + 1}"
    found = stoppable(connection, lambda: connection.execute(sql).fetchall())
    if len(found) > MOST_STRATA:
        raise ConfigError(f"{rows.source.name}: the label and the attributes cut the rows into more than {MOST_STRATA:,} strata; name fewer attributes, or cut them coarser, with --bins or --other-below.")
    named = rows.wanted.attributes
    strata = tuple(Stratum(label=None if label is None else bool(label), group=Slice(zip(named, values, strict=True))) for label, *values, _ in found)
    return strata, np.array([one[-1] for one in found], dtype=np.uint64)


def stratum_hash(rows: Prepared) -> str:
    """SQL over `Prepared.relation`: the hash of a row's stratum."""
    return row_hash({"label": "CAST(label AS VARCHAR)"} | {f"a{place}": f"a{place}" for place in range(len(rows.wanted.attributes))})


def places_of(hashes: Hashes, names: Hashes) -> Ints:
    """Which of the names each hash is.

    Raises:
        ContentError: one is none of them, so the data are not what they were.
    """
    order = np.argsort(names)
    found: Ints = order[np.minimum(np.searchsorted(names, hashes, sorter=order), names.size - 1)]
    if not np.array_equal(names[found], hashes):
        raise ContentError("the data changed while they were read; run again when they are at rest.")
    return found
