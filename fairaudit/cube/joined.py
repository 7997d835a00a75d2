"""Slices put together, and what is left of one without another: the counts that they have, score cells included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from fairaudit.cube.counts import Counts, ScoreCells
from fairaudit.cube.slices import Slice
from fairaudit.types import Floats, Ints

_SUMMED = ("weight", "weight_sq", "rows", "score", "loss")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The rows of some slices that share none, less those of others, which are among them."""

    slice: Slice  # what it is called; no other part is called so
    plus: tuple[int, ...]  # indexes into `Counts.slices`
    minus: tuple[int, ...] = ()


def joined(counts: Counts, parts: Sequence[Part]) -> Counts:
    """Counts whose slices are these parts.

    Differences of sums of weights may miss 0 by a rounding; where no rows are left, nothing is. A score cell of a difference
    keeps the lowest and highest score of those that it was taken from.
    """
    signs = np.zeros((len(parts), len(counts.slices)))
    for place, part in enumerate(parts):
        signs[place, list(part.plus)] += 1
        signs[place, list(part.minus)] -= 1
    rows: Ints = np.rint(np.tensordot(signs, counts.rows, axes=1)).astype(np.int64)

    def summed(sums: Floats | None) -> Floats | None:
        return None if sums is None else np.where(rows > 0, np.tensordot(signs, sums, axes=1), 0.0)

    weight, weight_sq = summed(counts.weight), summed(counts.weight_sq)
    assert weight is not None and weight_sq is not None  # only scores can be lacking
    return replace(
        counts, slices=tuple(part.slice for part in parts), rows=rows, weight=np.maximum(weight, 0.0), weight_sq=np.maximum(weight_sq, 0.0),
        score=summed(counts.score), score_sq=summed(counts.score_sq),
        score_cells=_cells(counts.score_cells, parts, len(counts.slices)), unlabelled_cells=_cells(counts.unlabelled_cells, parts, len(counts.slices)),
    )  # fmt: skip


def _cells(cells: ScoreCells | None, parts: Sequence[Part], slices: int) -> ScoreCells | None:
    if cells is None:
        return None
    ends = np.searchsorted(cells.slice, np.arange(slices + 1))
    taken = [(place, sign, index) for place, part in enumerate(parts) for sign, side in ((1, part.plus), (-1, part.minus)) for index in side]
    sizes = [ends[index + 1] - ends[index] for _, _, index in taken]
    if not sum(sizes):
        return cells.at(np.zeros(0, dtype=np.int64))
    every = cells.at(np.concatenate([np.arange(ends[index], ends[index + 1]) for _, _, index in taken]))
    owner, sign = (np.repeat([one[column] for one in taken], sizes) for column in (0, 1))
    sorted_by = np.lexsort((every.label, every.order, owner))
    every, owner, sign = every.at(sorted_by), owner[sorted_by], sign[sorted_by]
    first = np.flatnonzero(np.logical_or.reduce([np.diff(key, prepend=-1) != 0 for key in (owner, every.order, every.label)]))
    sums = {name: np.add.reduceat(getattr(every, name) * sign, first) for name in _SUMMED}
    ends_of_scores = {"lowest": np.minimum.reduceat(every.lowest, first), "highest": np.maximum.reduceat(every.highest, first)}
    kept = sums["rows"] > 0
    whole = {"slice": owner[first], "order": every.order[first], "label": every.label[first], **sums, **ends_of_scores}
    return ScoreCells(**{one.name: whole[one.name][kept] for one in fields(ScoreCells)})
