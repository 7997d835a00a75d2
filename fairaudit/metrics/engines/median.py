"""Who scores above the median of everyone: the scoring rate of New York's rule on automated employment decision tools."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fairaudit.cube.counts import Counts
from fairaudit.cube.slices import EVERYONE
from fairaudit.metrics.engines.cells import divided, remembered
from fairaudit.types import Floats

_SAME = 1e-12  # of everyone's weight: halves that differ by less are alike, since sums of weights such as 0.1 round


@dataclass(frozen=True, slots=True, kw_only=True)
class AboveMedian:
    """Of every slice, labelled or not, shape (slices,); NaN where it has no rows."""

    share: Floats  # of the weight that lies strictly above the median score of everyone
    error: Floats  # the most it can be off, as the cell in which the median lies holds more than one score
    median: float | None  # None where only its cell is known
    order: int  # of the cell in which the median lies
    part: float  # of the weight in that cell that lies above it
    ties: float  # the share of everyone's weight that lies exactly at the median, where that is known


@remembered
def above_median(counts: Counts) -> AboveMedian:
    """Undefined everywhere without scores.

    In a cell of several scores everyone has exactly as much above the median as makes half of everyone; each slice is taken to have the same share of its own rows there above it.

    Source: 6 RCNY § 5-300, "scoring rate".
    """
    n, held = len(counts.slices), [one for one in (counts.score_cells, counts.unlabelled_cells) if one is not None]
    if not held or EVERYONE not in counts.slices:
        return AboveMedian(share=np.full(n, np.nan), error=np.zeros(n), median=None, order=-1, part=0.0, ties=0.0)
    owner, order, weight, lowest, highest = (np.concatenate([getattr(one, name) for one in held]) for name in ("slice", "order", "weight", "lowest", "highest"))
    everyone = counts.index(EVERYONE)
    mine = owner == everyone
    places, ordered = np.unique(order[mine], return_inverse=True)
    reached = np.cumsum(np.bincount(ordered, weight[mine]))
    beyond_half = 2 * reached / reached[-1] - 1
    at = int(np.argmax(beyond_half >= -_SAME))
    middle = order == places[at]
    inside, above = (np.bincount(owner[chosen], weight[chosen], n).astype(np.float64) for chosen in (middle, order > places[at]))
    whole = np.bincount(owner, weight, n).astype(np.float64)
    if beyond_half[at] <= _SAME:  # the median lies between this cell and the next
        return AboveMedian(share=divided(above, whole), error=np.zeros(n), median=None, order=int(places[at]), part=0.0, ties=0.0)
    score = float(lowest[middle].min())
    if score == highest[middle].max():
        return AboveMedian(share=divided(above, whole), error=np.zeros(n), median=score, order=int(places[at]), part=0.0, ties=float(inside[everyone] / whole[everyone]))
    part = float((whole[everyone] / 2 - above[everyone]) / inside[everyone])
    return AboveMedian(share=divided(above + part * inside, whole), error=divided(max(part, 1 - part) * inside, whole), median=None, order=int(places[at]), part=part, ties=0.0)
