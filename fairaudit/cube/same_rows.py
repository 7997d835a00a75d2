"""Two audits of the same rows, joined on their ids."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from fairaudit.cube.counts import UNLABELLED
from fairaudit.cube.cube import WEIGHT_UNIT, plain
from fairaudit.cube.matched import CELLS, Account, Matched, MatchedClusters
from fairaudit.cube.saved import VALUE_OF, columns_of
from fairaudit.cube.slices import Slice, Slicing
from fairaudit.data.source import literal, parquet, quoted
from fairaudit.types import Floats, Ints


def match(now: Path, before: Path, slices: Sequence[Slice]) -> Matched:
    """The rows that two files of saved rows share, in the slices of the first.

    Raises:
        ConfigError: one of them is no such file.
    """
    new, old = columns_of(now), columns_of(before)
    attributes = [name.removeprefix(VALUE_OF) for name in new if name.startswith(VALUE_OF)]
    with duckdb.connect() as connection:
        connection.execute(f"SET temp_directory = {literal(tempfile.gettempdir())}")
        found, combinations = _joined(connection, now, before, attributes, new, old)
        lines = [connection.execute(f"SELECT count(*) FROM {parquet(path)}").fetchall()[0][0] for path in (now, before)]
    agrees, number = found["agrees"].astype(bool), found["lines"].astype(np.int64)
    account = Account(
        matched=int(number[agrees].sum()), relabelled=int(number[~agrees].sum()), only_now=lines[0] - int(number.sum()), only_before=lines[1] - int(number.sum())
    )
    same = {name: column[agrees] for name, column in found.items()}
    return _cut(same, combinations, attributes, slices, account, has_weights="weight" in new, has_clusters="cluster" in new)


def _joined(
    connection: duckdb.DuckDBPyConnection, now: Path, before: Path, attributes: Sequence[str], new: Sequence[str], old: Sequence[str]
) -> tuple[dict[str, Any], list[tuple[str | None, ...]]]:
    """The rows in both by everything that matters, as columns; and the combinations of attributes' values that `combination` counts."""
    values = {f"a{place}": f"n.{quoted(VALUE_OF + attribute)}" for place, attribute in enumerate(attributes)}
    moved = {
        f"moved{place}": f"n.{quoted(VALUE_OF + attribute)} IS DISTINCT FROM o.{quoted(VALUE_OF + attribute)}" if VALUE_OF + attribute in old else "false"
        for place, attribute in enumerate(attributes)
    }
    columns = values | moved | {
        "label": "coalesce(n.label, 2)" if "label" in new else "2",
        "agrees": "n.label IS NOT DISTINCT FROM o.label" if "label" in new and "label" in old else "true",
        "before": "o.decision", "now": "n.decision", "cluster": "n.cluster" if "cluster" in new else "''",
    }  # fmt: skip
    copies, weight = ("n.copies" if "copies" in new else "1"), ("n.weight" if "weight" in new else "1.0::DOUBLE")
    # In fixed point, as the cube's: sums are the same in whatever order they are made.
    sums = f"count(*) AS lines, sum({copies})::BIGINT AS rows" + "".join(
        f", CAST(sum((({one}) * {WEIGHT_UNIT!r})::HUGEINT * {copies}) AS DOUBLE) / {WEIGHT_UNIT!r} AS {name}" for name, one in (("weight", weight), ("weight_sq", f"{weight} * {weight}"))
    )
    taken = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
    connection.execute(f"""
        CREATE TEMP TABLE joined AS SELECT {taken}, {sums}
        FROM {parquet(now)} n JOIN {parquet(before)} o ON n.id = o.id GROUP BY ALL
    """)
    keys = ", ".join(values)
    codes = f"dense_rank() OVER (ORDER BY {keys}) - 1 AS combination, dense_rank() OVER (ORDER BY cluster) - 1 AS part"
    wanted = ("combination", "part", *moved, "label", "agrees", "before", "now", "lines", "rows", "weight", "weight_sq")
    numbers = ", ".join(f"{name}::{'DOUBLE' if name.startswith('weight') else 'BIGINT'} AS {name}" for name in wanted)
    table: Any = connection.sql(f"SELECT {numbers} FROM (SELECT *, {codes} FROM joined) ORDER BY {', '.join(wanted)}").to_arrow_table()
    combinations = connection.execute(f"SELECT DISTINCT {keys} FROM joined ORDER BY {keys}").fetchall()
    return {name: plain(table.column(name)) for name in wanted}, combinations


def _cut(
    rows: dict[str, Any], combinations: Sequence[tuple[str | None, ...]], attributes: Sequence[str], slices: Sequence[Slice], account: Account, *, has_weights: bool, has_clusters: bool
) -> Matched:
    index = {one: place for place, one in enumerate(slices)}
    shape = (len(slices), UNLABELLED + 1, 2, 2)
    sums: dict[str, Any] = {"rows": np.zeros(shape, dtype=np.int64), "weight": np.zeros(shape), "weight_sq": np.zeros(shape)}
    moved = np.zeros(len(slices), dtype=np.int64)
    number, products = np.zeros(len(slices), dtype=np.int64), np.zeros((len(slices), CELLS, CELLS))
    for slicing in dict.fromkeys(one.attributes for one in slices):
        places = places_of_slices(slicing, combinations, attributes, index)[rows["combination"]]
        for name, total in sums.items():
            np.add.at(total, (places, rows["label"], rows["before"], rows["now"]), rows[name])
        left = np.logical_or.reduce([rows[f"moved{attributes.index(one)}"] > 0 for one in slicing]) if slicing else np.zeros(places.size, dtype=bool)
        np.add.at(moved, places[left], rows["rows"][left])
        if has_clusters:
            for place, of_clusters in _by_cluster(places, rows):
                number[place], products[place] = of_clusters.shape[0], of_clusters.T @ of_clusters
    clusters = MatchedClusters(number=number, products=products) if has_clusters else None
    return Matched(slices=tuple(slices), **sums, moved=moved, has_weights=has_weights, clusters=clusters, account=account)


def places_of_slices(slicing: Slicing, combinations: Sequence[tuple[str | None, ...]], attributes: Sequence[str], index: dict[Slice, int]) -> Ints:
    """The slice of each combination of values."""
    at = [attributes.index(one) for one in slicing]
    return np.array([index[Slice(zip(slicing, (values[place] for place in at), strict=True))] for values in combinations], dtype=np.int64)


def _by_cluster(places: Ints, rows: dict[str, Any]) -> list[tuple[int, Floats]]:
    """Each slice with its clusters' weights by cell, shape (clusters, `CELLS`)."""
    if not places.size:
        return []
    width = int(places.max()) + 1
    parts, part = np.unique(rows["part"] * width + places, return_inverse=True)
    cell = (rows["label"] * 2 + rows["before"]) * 2 + rows["now"]
    weights = np.bincount(part.reshape(-1) * CELLS + cell, rows["weight"], parts.size * CELLS).reshape(-1, CELLS)
    of_slice = parts % width
    order = np.argsort(of_slice, kind="stable")
    present, starts = np.unique(of_slice[order], return_index=True)
    return list(zip(present.tolist(), np.split(weights[order], starts[1:]), strict=True))
