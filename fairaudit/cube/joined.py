"""Slices put together, and what is left of one without another: the counts that they have, score cells included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from fairaudit.cube.clusters import DECIDED, Clusters, clusters_of
from fairaudit.cube.counts import Counts, ScoreCells
from fairaudit.cube.slices import EVERYONE, Slice
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

    Raises:
        ValueError: rows are in clusters, and what is left of their slicing without a part is no part.
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
        clusters=_clusters(counts, parts, signs),
    )  # fmt: skip


def _clusters(counts: Counts, parts: Sequence[Part], signs: Floats) -> Clusters | None:
    """The clusters of parts that come with what is left of them; None where rows are in none.

    Of what an audit file holds, sums of several slices are added up: exact where no cluster has rows both in a part and outside, else too large where
    rows of a cluster are alike.
    """
    if counts.clusters is None or not parts:
        return None
    if counts.clusters.entries is None:
        own, beside = (sums[:, :DECIDED, :DECIDED] for sums in (counts.clusters.products, counts.clusters.products if counts.clusters.beside is None else counts.clusters.beside))
        added = np.tensordot(signs, (beside + beside.transpose(0, 2, 1)) / 2, axes=1)
        single = np.array([len(part.plus) == 1 and not part.minus for part in parts])
        added[single] = own[[part.plus[0] for part in parts if len(part.plus) == 1 and not part.minus]]
        return Clusters(number=np.rint(signs @ counts.clusters.number).astype(np.int64), products=np.maximum(added, 0.0))
    holds = signs > 0
    entries, slicing = counts.clusters.entries, counts.slices[parts[0].plus[0]].attributes
    cut = next(one for one in counts.clusters.cuts if one.slicing == slicing)
    of_values = np.zeros(int(entries.values.max(initial=-1)) + 1, dtype=np.int64)
    of_values[entries.values] = cut.places
    mine = np.array([one.attributes == slicing for one in counts.slices])
    waiting: dict[tuple[int, ...], list[int]] = {}
    for place, one in enumerate(holds):
        waiting.setdefault(tuple(np.flatnonzero(one).tolist()), []).append(place)
    members = []
    for place, one in enumerate(holds):
        same, rest = (tuple(np.flatnonzero(side).tolist()) for side in (one, mine & ~one))
        if place not in waiting[same]:
            continue  # it is what was left of another
        waiting[same].remove(place)
        if rest and not waiting.get(rest):
            raise ValueError(f"{parts[place].slice} comes without what is left of {' and '.join(slicing)}")
        members.append(((str(place),), np.where(one[of_values], place, waiting[rest].pop(0) if rest else place)))
    everyone = next((place for place, one in enumerate(parts) if one.slice == EVERYONE), None)
    return clusters_of(entries, members, len(parts), has_scores=counts.score is not None, everyone=everyone)


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
