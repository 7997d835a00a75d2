"""The most that a number can be off because a score cell holds more than one score; intervals are widened by it, since they are of the number as it would be without cells."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fairaudit.cube.counts import NEGATIVE, POSITIVE, Counts
from fairaudit.evidence.intervals import Bounds
from fairaudit.metrics.catalogue import Metric
from fairaudit.metrics.engines import cells
from fairaudit.metrics.engines.interface import Kind
from fairaudit.metrics.engines.median import above_median
from fairaudit.metrics.engines.native import value_of
from fairaudit.types import Floats, Ints

_ERRORS: dict[str, Callable[[Counts], Floats]] = {
    "roc_auc": lambda counts: cells.auc_and_error(counts)[1],
    "pr_auc": lambda counts: cells.average_precision(counts).error,
    "pr_auc_interpolated": lambda counts: cells.interpolated_precision(counts).error,
    "bpsn_auc": lambda counts: cells.crossed_auc(counts, NEGATIVE).error,
    "bnsp_auc": lambda counts: cells.crossed_auc(counts, POSITIVE).error,
    "ks_separation": lambda counts: cells.separation(counts).error,
    "scoring_rate": lambda counts: above_median(counts).error,
}
UNBOUNDED = "how far it is off has no bound, since the reference's value may be 0: its score cells hold several scores"


def error_of(metric: Metric, counts: Counts) -> Floats | None:
    """Of every slice, shape (slices,), 0 where all is exact; None for a metric that is always exact."""
    found = _ERRORS.get(metric.id)
    return None if found is None else found(counts)


def pair_error(metric: Metric, kind: Kind, counts: Counts, groups: Ints, references: Ints) -> Floats | None:
    """Of a comparison of each group with its reference, shape (groups,); infinite where a ratio's reference may be 0."""
    if metric.id == "kolmogorov_smirnov_distance":
        return cells.kolmogorov_smirnov(counts, groups, references).error
    error = error_of(metric, counts)
    if error is None:
        return None
    one, other = error[groups], error[references]
    if kind is Kind.DIFFERENCE:
        return one + other
    top, bottom = value_of(metric.id, counts)[groups], value_of(metric.id, counts)[references]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio, least = top / bottom, np.maximum(top - one, 0.0) / (bottom + other)
        most = np.where(bottom > other, (top + one) / (bottom - other), np.inf)
        return np.where(one + other > 0, np.maximum(most - ratio, ratio - least), 0.0)


def gap_error(kind: Kind, value: Floats, error: Floats | None) -> float | None:
    """Of the largest less the smallest value, or of the smallest over the largest, of groups.

    Args:
        value, error: of the groups, shape (groups,).
    """
    if error is None or value.size < 2:
        return None
    low, high = np.maximum(value - error, 0.0), value + error
    lows, highs = (low.min(), high.min()), (low.max(), high.max())  # what the smallest can be, and the largest
    if kind is Kind.GAP:
        gap = value.max() - value.min()
        return float(max(highs[1] - lows[0] - gap, gap - max(highs[0] - lows[1], 0.0)))
    if not error.any():
        return 0.0
    if value.max() <= 0:
        return None
    ratio = value.min() / value.max()
    most = min(lows[1] / highs[0], 1.0) if highs[0] > 0 else 1.0
    return float(max(most - ratio, ratio - lows[0] / highs[1]))


def widened(bounds: Bounds, error: Floats | None) -> Bounds:
    return bounds if error is None else (bounds[0] - error, bounds[1] + error)
