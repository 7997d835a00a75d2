"""A former audit, as far as rules on change look at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from fairaudit.cube.clusters import Clusters
from fairaudit.cube.counts import Counts
from fairaudit.cube.matched import Matched
from fairaudit.cube.slices import Slice, Slicing
from fairaudit.types import Bools, Floats, Ints

Sums = TypeVar("Sums", Ints, Floats)


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What was counted then, and which rows are in both."""

    counts: Counts  # decided as it was then
    slicings: tuple[Slicing, ...]
    matched: Matched | None = None  # None: no rows are known to be the same
    relabelled: int = 0  # rows whose ids are in both, where all of them have another label, so that none is known to be the same
    keeps_rows: bool = False  # both audits keep their rows by ids, so that `matched` follows

    def cuts(self, slicing: Slicing) -> bool:
        """Whether it was cut so, in whatever order."""
        return frozenset(slicing) in {frozenset(one) for one in self.slicings}

    def of(self, slices: Sequence[Slice]) -> tuple[Counts, Bools]:
        """Its counts of these slices, zero of those that it does not have; and which it has."""
        places = {frozenset(one.values): place for place, one in enumerate(self.counts.slices)}
        at = np.array([places.get(frozenset(one.values), -1) for one in slices], dtype=np.int64)
        has = at >= 0
        rows, (weight, weight_sq) = _taken(self.counts.rows, at, has), (_taken(sums, at, has) for sums in (self.counts.weight, self.counts.weight_sq))
        clusters = None if self.counts.clusters is None else _of_clusters(self.counts.clusters, at, has)
        counts = replace(self.counts, slices=tuple(slices), rows=rows, weight=weight, weight_sq=weight_sq, score=None, score_sq=None, score_cells=None, unlabelled_cells=None, clusters=clusters)
        return counts, has


def _taken(sums: Sums, at: Ints, has: Bools) -> Sums:
    out: Sums = np.zeros((at.size, *sums.shape[1:]), dtype=sums.dtype)
    out[has] = sums[at[has]]
    return out


def _of_clusters(clusters: Clusters, at: Ints, has: Bools) -> Clusters:
    beside = None if clusters.beside is None else _taken(clusters.beside, at, has)
    return Clusters(number=_taken(clusters.number, at, has), products=_taken(clusters.products, at, has), beside=beside)
