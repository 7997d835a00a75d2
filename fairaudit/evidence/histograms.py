"""A slice's scores by bins: how many rows of each label, and what share of them is in truth positive, with its interval.

This describes: rules judge calibration errors, which are over the same bins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fairaudit.cube.counts import NEGATIVE, POSITIVE, UNLABELLED, Counts, ScoreCells
from fairaudit.evidence.design_effects import effect_of_rate, smaller
from fairaudit.evidence.intervals import effective_size, wilson
from fairaudit.evidence.measurement import BinnedRows, Histogram
from fairaudit.evidence.rates import LEVEL
from fairaudit.evidence.wanted import HISTOGRAM, Only
from fairaudit.metrics.answers import Answer
from fairaudit.metrics.engines.cells import Bins, bins_of, divided, placed
from fairaudit.types import Floats, Ints

WITH_CROSSES = 5_000  # slices × bins, up to which crosses have histograms too


def histograms(counts: Counts, params: Mapping[str, float], only: Only = None, answers: Sequence[Answer] = ()) -> tuple[Histogram, ...]:
    """Of everyone and of each slice by one attribute; of crosses too, where these are not too many. None where scores are no probabilities, or others were asked for.

    Args:
        params: of the bins, as calibration errors have them.
        answers: the engines' to `wanted.of_bins`.
    """
    found = bins_of(counts, params) if only is None or HISTOGRAM in only else None
    if found is None:
        return ()
    negative, positive = (_rows(counts, counts.score_cells, label, params) for label in (NEGATIVE, POSITIVE))
    unlabelled = _rows(counts, counts.unlabelled_cells, UNLABELLED, params)
    lower, upper = intervals(counts, found, params)
    mean_score, share_positive = divided(found.score, found.weight), divided(found.positive, found.weight)
    edges = tuple(found.edges.tolist())
    return tuple(
        Histogram(
            slice=counts.slices[index],
            edges=edges,
            negative=_binned(negative, index),
            positive=_binned(positive, index),
            unlabelled=_binned(unlabelled, index),
            mean_score=_written(mean_score[index]),
            share_positive=_written(share_positive[index]),
            lower=_written(lower[index]),
            upper=_written(upper[index]),
            engines=_engines(answers, index),
        )
        for index in _shown(counts, len(edges) - 1)
    )


def _engines(answers: Sequence[Answer], index: int) -> tuple[str, ...]:
    """Those that answered for every bin of a slice."""
    names = answers[0].answered if answers else ()
    return tuple(name for name in names if all(name in one.answered and one.answered[name][index] for one in answers))


def intervals(counts: Counts, found: Bins, params: Mapping[str, float]) -> tuple[Floats, Floats]:
    """Both ends of each bin's share positive, by effective rows, each of shape (slices, bins); NaN where there are none, or all are of one cluster."""
    rows = effective_size(found.weight, found.weight_sq)
    if counts.clusters is not None:
        rows = smaller(rows, _effects(counts, found, params))
    return wilson(np.nan_to_num(divided(found.positive, found.weight)) * rows, rows, level=LEVEL)


def _effects(counts: Counts, found: Bins, params: Mapping[str, float]) -> Floats:
    """The design effect of each bin's share, as of a rate, shape (slices, bins); NaN where it is not known."""
    clusters, cells = counts.clusters, counts.score_cells
    if clusters is None or clusters.entries is None or cells is None or not cells.order.size:
        return np.full(found.weight.shape, np.nan)
    entries, bins = clusters.entries, found.weight.shape[1]
    orders, first = np.unique(cells.order, return_index=True)
    place = _places(counts, cells, params)[first][np.minimum(np.searchsorted(orders, entries.order), orders.size - 1)]
    weight, hits = entries.weight * (entries.label != UNLABELLED), entries.weight * (entries.label == POSITIVE)
    products = (clusters.products_by_bin(one, other, place, bins) for one, other in ((hits, hits), (hits, weight), (weight, weight)))
    return effect_of_rate(found.positive, found.weight, found.weight_sq, *products)


def _places(counts: Counts, cells: ScoreCells, params: Mapping[str, float]) -> Ints:
    return placed(counts, cells, int(params["bins"]), params.get("mass", 0.0) > 0)[1]


def _rows(counts: Counts, cells: ScoreCells | None, label: int, params: Mapping[str, float]) -> tuple[Floats, Floats, Floats]:
    """Rows, Σw and Σws of one label, each of shape (slices, bins)."""
    found = bins_of(counts, params)
    shape = (len(counts.slices), 0 if found is None else found.edges.size - 1)
    if cells is None:
        return np.zeros(shape), np.zeros(shape), np.zeros(shape)
    mine = cells.at(cells.label == label)
    at = mine.slice * shape[1] + _places(counts, mine, params)
    rows, weight, score = (np.bincount(at, values, shape[0] * shape[1]).astype(np.float64).reshape(shape) for values in (mine.rows, mine.weight, mine.score))
    return rows, weight, score


def _shown(counts: Counts, bins: int) -> tuple[int, ...]:
    everywhere = tuple(range(len(counts.slices)))
    return everywhere if len(everywhere) * bins <= WITH_CROSSES else tuple(index for index in everywhere if len(counts.slices[index].attributes) < 2)


def _binned(sums: tuple[Floats, Floats, Floats], index: int) -> BinnedRows:
    rows, weight, score = (one[index] for one in sums)
    return BinnedRows(rows=tuple(map(int, rows.tolist())), weight=tuple(weight.tolist()), mean_score=_written(divided(score, weight)))


def _written(line: Floats) -> tuple[float | None, ...]:
    return tuple(value if held else None for value, held in zip(line.tolist(), np.isfinite(line).tolist(), strict=True))
