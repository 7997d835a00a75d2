"""How unequally benefits fall: profile likelihood intervals of the entropy indices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.special import xlogy  # type: ignore[import-untyped]

from fairaudit.cube.counts import Counts
from fairaudit.evidence.intervals import Bounds
from fairaudit.evidence.rates import LABELLED, Z, size_of
from fairaudit.metrics.catalogue import FN, FP, TN, TP, total
from fairaudit.metrics.engines.cells import remembered
from fairaudit.metrics.engines.native import value_of
from fairaudit.types import Floats


def of_inequality(metric: str) -> Callable[[Counts, Floats, dict[str, float]], Bounds]:
    """All values that the index takes where the likelihood of the three benefits is within 1.92 of its largest: its profile likelihood interval.

    It needs no slope, which is 0 where an index is as large as it can be, and no counts above 0.

    Source: Venzon & Moolgavkar (1988), Applied Statistics 37:87; the likelihood of shares on the effective number of rows.
    """

    def bounds(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
        likely = _likely_benefits(counts)
        taken = value_of(metric, likely, params).reshape(-1, len(counts.slices))
        return np.fmin.reduce(taken), np.fmax.reduce(taken)

    return bounds


_DIRECTIONS, _DEPTHS, _HALVINGS = 32, 4, 30
_LIKELY = Z**2  # of twice the logarithm of the likelihood's ratio


@remembered
def _likely_benefits(counts: Counts) -> Counts:
    """Every slice many times over, with the shares of benefit 0, 1 and 2 that its data make likely: along rays from those observed to the region's edge.

    Along a ray the likelihood only falls, so the edge is found by halving. Arrays have the shape (rays, slices).
    """
    size = np.maximum(size_of(counts, LABELLED), 1.0)
    labelled = np.maximum(total(counts.weight, (TP, FP, FN, TN)), np.finfo(float).tiny)
    none, both = counts.fn / labelled, counts.fp / labelled
    one = np.maximum(1 - none - both, 0.0)

    def spent(no: Floats, two: Floats) -> Floats:
        parts = (xlogy(share, share) - xlogy(share, np.maximum(other, 1e-300)) for share, other in ((none, no), (one, 1 - no - two), (both, two)))
        out: Floats = 2 * size * sum(parts, np.zeros_like(no))
        return out

    angle = (2 * np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS)[:, None]
    steps = [turn(angle) * np.sqrt((share + 1 / size) * (1 - share + 1 / size) / size) for turn, share in ((np.cos, none), (np.sin, both))]
    rooms = [np.where(step < 0, share / np.maximum(-step, 1e-300), np.inf) for share, step in ((none, steps[0]), (both, steps[1]), (one, -steps[0] - steps[1]))]
    outside = np.minimum.reduce(rooms)
    outside = np.where(np.isfinite(outside), outside, 0.0)
    inside = np.zeros_like(outside)
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        is_likely = spent(none + middle * steps[0], both + middle * steps[1]) <= _LIKELY
        inside, outside = np.where(is_likely, middle, inside), np.where(is_likely, outside, middle)
    depths = np.arange(1, _DEPTHS + 1)[:, None, None] / _DEPTHS * inside
    shares = [
        np.concatenate([share[None], np.clip(share + depths * step, 0.0, 1.0).reshape(-1, share.size)]) for share, step in ((none, steps[0]), (both, steps[1]))
    ]
    weight = np.zeros((shares[0].size, 3, 2))
    for cell, share in ((FN, shares[0]), (FP, shares[1]), (TP, np.maximum(1 - shares[0] - shares[1], 0.0))):
        weight[:, *cell] = share.ravel()
    return replace(counts, slices=counts.slices * shares[0].shape[0], weight=weight)
