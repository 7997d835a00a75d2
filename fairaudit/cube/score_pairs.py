"""The scores that two audits gave to the same rows, joined on their ids: what a change of a number of scores is told from, row by row."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from fairaudit.cube.cube import plain
from fairaudit.cube.same_rows import places_of_slices
from fairaudit.cube.saved import VALUE_OF, columns_of
from fairaudit.cube.slices import Slice, Slicing
from fairaudit.data.source import literal, parquet, quoted
from fairaudit.types import Bools, Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Rows with both scores; arrays of shape (lines,), in the order of the ids."""

    before: Floats
    now: Floats
    label: Ints  # 0, 1 or 2, which is none
    weight: Floats  # the new audit's, of one row
    copies: Ints  # rows that a line stands for
    cluster: Ints | None  # None: rows are independent

    def at(self, some: Bools | Ints) -> Pairs:
        """Some of the rows."""
        return Pairs(
            before=self.before[some], now=self.now[some], label=self.label[some], weight=self.weight[some], copies=self.copies[some], cluster=None if self.cluster is None else self.cluster[some]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorePairs:
    """All rows that both audits have with the same label, and which of them are whose."""

    slices: tuple[Slice, ...]
    rows: Pairs
    members: dict[Slicing, tuple[tuple[int, Ints], ...]]  # of each slicing, its slices' places with their lines

    def by_slice(self) -> Iterator[tuple[int, Ints]]:
        for own in self.members.values():
            yield from own


def pair_scores(now: Path, before: Path, slices: Sequence[Slice]) -> ScorePairs | None:
    """The rows that two files of saved rows share, in the slices of the first; None where one of them has no scores.

    Raises:
        ConfigError: one of them is no such file.
    """
    new, old = columns_of(now), columns_of(before)
    if "score" not in new or "score" not in old:
        return None
    attributes = [name.removeprefix(VALUE_OF) for name in new if name.startswith(VALUE_OF)]
    values = [f"n.{quoted(VALUE_OF + attribute)}" for attribute in attributes]
    own = {
        "before": "o.score::DOUBLE", "now": "n.score::DOUBLE", "label": "coalesce(n.label, 2)::BIGINT" if "label" in new else "2::BIGINT",
        "weight": "n.weight::DOUBLE" if "weight" in new else "1.0::DOUBLE", "copies": "n.copies::BIGINT" if "copies" in new else "1::BIGINT",
        "cluster": "dense_rank() OVER (ORDER BY n.cluster)" if "cluster" in new else "0::BIGINT", "combination": f"dense_rank() OVER (ORDER BY {', '.join(values)}) - 1" if values else "0::BIGINT",
    }  # fmt: skip
    agrees = "n.label IS NOT DISTINCT FROM o.label" if "label" in new and "label" in old else "true"
    joined = f"FROM {parquet(now)} n JOIN {parquet(before)} o ON n.id = o.id WHERE {agrees}"
    with duckdb.connect() as connection:
        connection.execute(f"SET temp_directory = {literal(tempfile.gettempdir())}")
        table: Any = connection.sql(f"SELECT {', '.join(f'{sql} AS {name}' for name, sql in own.items())} {joined} ORDER BY n.id").to_arrow_table()
        combinations = connection.execute(f"SELECT DISTINCT {', '.join(values)} {joined} ORDER BY {', '.join(values)}").fetchall() if values else [()]
    found = {name: plain(table.column(name)) for name in own}
    rows = Pairs(**{name: found[name] for name in ("before", "now", "label", "weight", "copies")}, cluster=found["cluster"] if "cluster" in new else None)
    index = {one: place for place, one in enumerate(slices)}
    cut = {slicing: tuple(_members(places_of_slices(slicing, combinations, attributes, index)[found["combination"]])) for slicing in dict.fromkeys(one.attributes for one in slices)} if rows.now.size else {}
    return ScorePairs(slices=tuple(slices), rows=rows, members=cut)


def _members(places: Ints) -> Iterator[tuple[int, Ints]]:
    """Each slice with its lines, in their order."""
    order = np.argsort(places, kind="stable")
    present, starts = np.unique(places[order], return_index=True)
    yield from zip(present.tolist(), np.split(order, starts[1:]), strict=True)
