"""Counts made from what a test has at hand: tables, or rows; the slow and plain way, so that it is a check of the fast one."""

from __future__ import annotations

import atexit
import math
from collections.abc import Mapping, Sequence
from functools import cache

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]

from fairaudit.cube.counts import UNLABELLED, Counts, ScoreCells
from fairaudit.cube.cube import Grid, Plan, count, counts
from fairaudit.cube.slices import EVERYONE, Slice

Table = tuple[float, float, float, float]  # tp, fp, fn, tn


@cache
def _database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


atexit.register(_database.cache_clear)


def connected() -> duckdb.DuckDBPyConnection:
    """A connection of its own to a database that all tests of a process share: to open another takes longer than to count a property's rows."""
    return _database().cursor()


def slice_called(text: str) -> Slice:
    """A slice as the vectors write it: everyone, or group=a."""
    return EVERYONE if text == "everyone" else Slice([tuple(text.split("="))])  # type: ignore[list-item]


def counts_from(tables: Mapping[Slice, Table], *, unlabelled: Mapping[Slice, tuple[float, float]] | None = None, has_weights: bool = False) -> Counts:
    """Counts of decisions without scores: a table a slice, and the unlabelled (rejected, selected) of some. A cell's rows are its weight, rounded up."""
    weight = np.array([[[tn, fp], [fn, tp], (unlabelled or {}).get(one, (0, 0))] for one, (tp, fp, fn, tn) in tables.items()], dtype=float)
    return Counts(
        slices=tuple(tables), rows=np.ceil(weight).astype(np.int64), weight=weight, weight_sq=weight, score=None, score_sq=None,
        has_labels=True, has_weights=has_weights, has_probabilities=False,
    )  # fmt: skip


def counts_of_rows(
    slices: Mapping[Slice, npt.ArrayLike] | None = None,
    *,
    label: Sequence[int],
    decision: Sequence[int],
    score: Sequence[float] | None = None,
    weight: Sequence[float] | None = None,
) -> Counts:
    """Counts of rows: everyone, and each slice given with the mask of its rows. A label is 0, 1 or 2, which is unlabelled.

    Every distinct score is a score cell.
    """
    masks = {EVERYONE: np.ones(len(label), dtype=bool)} | {one: np.array(mask, dtype=bool) for one, mask in (slices or {}).items()}
    y, d = np.array(label, dtype=int), np.array(decision, dtype=int)
    w = np.ones(len(y)) if weight is None else np.array(weight, dtype=float)
    s = np.zeros(len(y)) if score is None else np.array(score, dtype=float)

    def sums(of: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        out = np.zeros((len(masks), 3, 2))
        for i, mask in enumerate(masks.values()):
            np.add.at(out, (i, y[mask], d[mask]), of[mask])
        return out

    return Counts(
        slices=tuple(masks), rows=sums(np.ones(len(y))).astype(np.int64), weight=sums(w), weight_sq=sums(w * w),
        score=None if score is None else sums(w * s), score_sq=None if score is None else sums(w * s * s),
        has_labels=True, has_weights=weight is not None, has_probabilities=score is not None and bool(np.all((s >= 0) & (s <= 1))),
        score_cells=None if score is None else _score_cells(tuple(masks.values()), y, s, w, (0, 1)),
        unlabelled_cells=None if score is None else _score_cells(tuple(masks.values()), y, s, w, (UNLABELLED,)),
    )  # fmt: skip


def _score_cells(masks: Sequence[npt.NDArray[np.bool_]], y: npt.NDArray[np.int64], s: npt.NDArray[np.float64], w: npt.NDArray[np.float64], labels: Sequence[int]) -> ScoreCells:
    distinct, cells = sorted(set(s.tolist())), []
    for i, mask in enumerate(masks):
        own_y, own_s, own_w = y[mask], s[mask], w[mask]  # once, since there may be hundreds of slices
        for order, one in enumerate(distinct):
            of_score = own_s == one
            for label in labels:
                weight = own_w[of_score & (own_y == label)]
                if weight.size:
                    cells.append((i, order, label, weight.sum(), (weight**2).sum(), weight.size, one, one, weight.sum() * one, weight.sum() * _loss(label, one)))
    columns = np.array(cells, dtype=float).reshape(-1, 10).T
    names = ("slice", "order", "label", "weight", "weight_sq", "rows", "lowest", "highest", "score", "loss")
    whole = ("slice", "order", "label", "rows")
    return ScoreCells(**{name: column.astype(np.int64) if name in whole else column for name, column in zip(names, columns, strict=True)})


def _loss(label: int, score: float) -> float:
    right = {0: 1 - score, 1: score}.get(label, 1.0)
    return -math.log(right) if 0 < right <= 1 else 0.0


def counts_in_clusters(
    *, cluster: Sequence[object], label: Sequence[int], score: Sequence[float], group: Sequence[str] | None = None, weight: Sequence[float] | None = None, decision: Sequence[int] | None = None
) -> Counts:
    """Counts of rows in clusters, as an audit counts them: everyone, and each group. A label of 2 is unlabelled; scores above a half are selected unless it is said who is."""
    n = len(label)
    table = pa.table({
        "a0": ["all"] * n if group is None else list(group), "label": pa.array([None if one == 2 else int(one) for one in label], pa.int8()),
        "decision": [bool(one) for one in (np.array(score) > 0.5 if decision is None else decision)], "weight": np.ones(n) if weight is None else np.array(weight, dtype=float),
        "score": np.array(score, dtype=float), "copies": np.ones(n, dtype=np.int64), "cluster": [str(one) for one in cluster],
    })  # fmt: skip
    plan = Plan(
        attributes=("group",), slicings=(("group",),), grid=Grid(lowest=0.0, highest=1.0), has_labels=True, has_weights=weight is not None, has_probabilities=True, has_clusters=True
    )
    with connected() as connection:
        connection.register("given", table)
        return counts(count(connection, "SELECT * FROM given", plan))
