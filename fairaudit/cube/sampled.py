"""Some of the audited rows with their features: for what compares each row with those most like it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from fairaudit.cube.slices import Slice
from fairaudit.data.rows import Prepared
from fairaudit.data.source import told
from fairaudit.interrupts import stoppable
from fairaudit.types import Bools, Floats, Ints

MOST_SAMPLED = 10_000  # rows: neighbours of more take long, and the mean of so many is known well


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Rows in the order in which they were drawn; arrays of shape (rows,) unless said."""

    attributes: dict[str, tuple[str | None, ...]]
    decision: Bools
    features: Floats  # shape (rows, features)
    drawn_from: int  # audited rows that have every feature
    lacking: int  # audited rows that lack one

    def of(self, one: Slice) -> Bools:
        """Which rows are of a slice."""
        mine = np.ones(self.decision.size, dtype=bool)
        for attribute, value in one.values:
            mine &= np.array([held == value for held in self.attributes[attribute]], dtype=bool)
        return mine


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """The places of the rows that were drawn, from 0, in the order of the draw."""

    places: Ints
    drawn_from: int
    lacking: int


def draw(connection: duckdb.DuckDBPyConnection, rows: Prepared, *, seed: int) -> Drawn:
    """A sample without replacement that does not depend on how rows are read: those whose hash of seed and place is lowest."""
    complete = " AND ".join(f"n{place} IS NOT NULL" for place in range(len(rows.wanted.features)))
    base = f"SELECT row_number() OVER () AS place, excluded, ({complete}) AS complete FROM ({rows.relation()})"
    with told(rows.source):
        whole = stoppable(
            connection,
            lambda: connection.execute(
                f"SELECT count(*) FILTER (WHERE complete), count(*) FILTER (WHERE NOT complete) FROM ({base}) WHERE excluded IS NULL"
            ).fetchall(),
        )[0]
        chosen = (
            f"SELECT place - 1 AS place FROM ({base}) WHERE excluded IS NULL AND complete ORDER BY hash(concat({seed}, ':', place)), place LIMIT {MOST_SAMPLED}"
        )
        places = stoppable(connection, lambda: connection.execute(chosen).fetchnumpy())["place"]
    return Drawn(places=np.asarray(places, dtype=np.int64), drawn_from=whole[0], lacking=whole[1])


def sampled(connection: duckdb.DuckDBPyConnection, relation: str, drawn: Drawn, *, attributes: Sequence[str], features: int) -> Sample:
    """The drawn rows of a relation.

    Args:
        relation: SQL with place (from 0), a0 …, decision, and n0 ….
    """
    connection.register("drawn_rows", pa.table({"place": drawn.places, "turn": np.arange(drawn.places.size)}))
    names = [f"a{place}" for place in range(len(attributes))]
    numbers = [f"n{place}" for place in range(features)]
    sql = f"SELECT {', '.join((*names, 'decision', *numbers))} FROM ({relation}) JOIN drawn_rows USING (place) ORDER BY turn"
    found: Any = stoppable(connection, lambda: connection.sql(sql).to_arrow_table())
    connection.unregister("drawn_rows")
    column: dict[str, Any] = {name: found.column(name).to_pylist() for name in found.schema.names}
    return Sample(
        attributes={attribute: tuple(column[name]) for attribute, name in zip(attributes, names, strict=True)},
        decision=np.array(column["decision"], dtype=bool),
        features=np.array([column[name] for name in numbers], dtype=np.float64).T.reshape(-1, features),
        drawn_from=drawn.drawn_from, lacking=drawn.lacking,
    )  # fmt: skip
