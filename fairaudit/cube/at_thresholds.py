"""The counts as they would be if decisions were made at other thresholds: exact, since every threshold asked for is an edge of the score cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fairaudit.cube.counts import UNLABELLED, Counts
from fairaudit.types import Floats, Ints


def counts_at(counts: Counts, edges: Sequence[float]) -> Counts:
    """Every slice at every edge: slice by slice, and within a slice edge by edge. Without scores, which no metric of decisions needs.

    Args:
        counts: with score cells.
        edges: rising; a score above one is selected there. None lies inside a score cell.
    """
    held = [one for one in (counts.score_cells, counts.unlabelled_cells) if one is not None]
    n, ends = len(counts.slices), len(edges) + 1
    # How many edges lie below a cell: that many of the decisions on it are positive.
    place = np.concatenate([(one.slice * (UNLABELLED + 1) + one.label) * ends + np.searchsorted(edges, one.lowest, side="left") for one in held])

    def at_edges(name: str) -> Floats:
        """Shape (slices × edges, labels, decisions)."""
        sums = np.bincount(place, np.concatenate([getattr(one, name) for one in held]), n * (UNLABELLED + 1) * ends).reshape(n, UNLABELLED + 1, ends)
        rejected = np.cumsum(sums, axis=2)[..., :-1]
        selected = np.cumsum(sums[..., ::-1], axis=2)[..., -2::-1]
        both: Floats = np.stack([rejected, selected], axis=-1).transpose(0, 2, 1, 3).reshape(n * len(edges), UNLABELLED + 1, 2)
        return both

    rows: Ints = at_edges("rows").astype(np.int64)
    return Counts(
        slices=tuple(one for one in counts.slices for _ in edges), rows=rows, weight=at_edges("weight"), weight_sq=at_edges("weight_sq"),
        score=None, score_sq=None,
        has_labels=counts.has_labels, has_weights=counts.has_weights, has_probabilities=counts.has_probabilities,
    )  # fmt: skip
