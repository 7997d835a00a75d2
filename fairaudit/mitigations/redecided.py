"""Counts as they would be if a policy had decided: what a candidate comes to on rows that were scored once, without scoring them again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fairaudit.cube.clusters import DECIDED, Clusters, Entries, clusters_of
from fairaudit.cube.counts import REJECTED, SELECTED, UNLABELLED, Counts, ScoreCells
from fairaudit.cube.matched import CELLS, Account, Matched, MatchedClusters
from fairaudit.cube.slices import EVERYONE, Slicing
from fairaudit.mitigations.policy import Policy, Treatment
from fairaudit.types import Bools, Floats, Ints

_LABELS = UNLABELLED + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Redecided:
    """What a policy makes of counted rows.

    Where it draws, counts are what is expected of the draws, rounded to whole rows where rows carry no weights.
    """

    counts: Counts  # of decisions alone; scores, which a policy may replace, are left out
    matched: Matched  # the same rows by what the other policy decided, before, and this one, now


def redecided(counts: Counts, slicing: Slicing, policy: Policy, other: Policy) -> Redecided:
    """The counts of every slice with the policy's decisions.

    Args:
        counts: with score cells that no cut of a policy lies within.
        slicing: the full cross of the attributes that groups are told by, one of those that were counted.
        other: what the decisions are held beside: the model as it is, whose decisions are not drawn.

    Raises:
        ValueError: a cut lies within a cell, the rows have no scores, or the other policy draws.
    """
    if other.is_random:
        raise ValueError("decisions are held beside those of a policy that draws none")
    finest = np.array(counts.of_slicing(slicing), dtype=np.int64)
    cells = _labelled_and_not(counts)
    place = _places(finest, len(counts.slices))[cells.slice]
    cells, place = cells.at(place >= 0), place[place >= 0]
    chance, was = (_chances(cells, [one.of(counts.slices[index]) for index in finest], place) for one in (policy, other))
    turned, turned_sq, turned_rows = (_turned(values, chance, was, place, cells.label, finest.size) for values in (cells.weight, cells.weight_sq, cells.rows.astype(np.float64)))
    rows = _rounded(turned_rows)
    if not counts.has_weights:
        turned = turned_sq = rows.astype(np.float64)
    holds = _holds(counts, finest)
    rows = np.tensordot(holds, rows, axes=1)
    turned, turned_sq = (np.tensordot(holds, one, axes=1) for one in (turned, turned_sq))
    chances = None if counts.clusters is None else tuple(_chances_of_entries(counts, counts.clusters, cells, finest, slicing, one) for one in (policy, other))
    return Redecided(
        counts=replace(
            counts, rows=rows.sum(axis=3), weight=turned.sum(axis=3), weight_sq=turned_sq.sum(axis=3), score=None, score_sq=None, score_cells=None, unlabelled_cells=None, has_probabilities=False,
            clusters=None if counts.clusters is None or chances is None else _clusters(counts, counts.clusters, chances[0]),
        ),
        matched=Matched(
            slices=counts.slices, rows=rows.swapaxes(2, 3), weight=turned.swapaxes(2, 3), weight_sq=turned_sq.swapaxes(2, 3), moved=np.zeros(len(counts.slices), dtype=np.int64), has_weights=counts.has_weights,
            clusters=None if counts.clusters is None or chances is None else _matched_clusters(counts, counts.clusters, *chances),
            account=Account(matched=int(cells.rows.sum()), relabelled=0, only_now=0, only_before=0),
        ),
    )  # fmt: skip


def _labelled_and_not(counts: Counts) -> ScoreCells:
    both = [one for one in (counts.score_cells, counts.unlabelled_cells) if one is not None]
    if not both:
        raise ValueError("decisions can be made anew of scores alone")
    columns: dict[str, Any] = {name: np.concatenate([getattr(one, name) for one in both]) for name in ScoreCells.__dataclass_fields__}
    return ScoreCells(**columns)


def _places(finest: Ints, slices: int) -> Ints:
    """Each slice's place among the finest; −1 of any other."""
    out = np.full(slices, -1, dtype=np.int64)
    out[finest] = np.arange(finest.size)
    return out


def _chances(cells: ScoreCells, treatments: Sequence[Treatment], place: Ints) -> Floats:
    """Each cell's chance of a positive decision by the treatment of its slice."""
    out = np.zeros(place.size)
    for index, one in enumerate(treatments):
        own = place == index
        out[own] = one.chance(cells.highest[own])
        for cut in one.cuts:
            if ((cells.lowest[own] <= cut) & (cut < cells.highest[own])).any():
                raise ValueError(f"{cut!r} lies within a score cell; it must be an edge of the cube")
    return out


def _turned(values: Floats, chance: Floats, was: Floats, place: Ints, label: Ints, finest: int) -> Floats:
    """Sums by finest slice, label, decision and former decision."""
    before = (was > 0.5).astype(np.int64)
    out = np.zeros((finest, _LABELS, 2, 2))
    for decision, share in ((REJECTED, 1 - chance), (SELECTED, chance)):
        np.add.at(out, (place, label, np.full(place.size, decision), before), values * share)
    return out


def _rounded(rows: Floats) -> Ints:
    """Whole rows, as many as there are of each label and former decision."""
    whole = np.rint(rows.sum(axis=2)).astype(np.int64)
    selected = np.rint(rows[:, :, SELECTED]).astype(np.int64)
    return np.stack([whole - selected, selected], axis=2)


def _holds(counts: Counts, finest: Ints) -> Ints:
    """Which of the finest slices each slice is made of, shape (slices, finest)."""
    values = [dict(counts.slices[index].values) for index in finest]
    return np.array([[all(own[name] == value for name, value in one.values) for own in values] for one in counts.slices], dtype=np.int64).reshape(len(counts.slices), finest.size)


def _chances_of_entries(counts: Counts, clusters: Clusters, cells: ScoreCells, finest: Ints, slicing: Slicing, policy: Policy) -> Floats:
    """Each entry's chance of a positive decision.

    Raises:
        ValueError: the clusters were read from an audit file.
    """
    held = clusters.entries
    if held is None:
        raise ValueError("decisions of rows in clusters can be made anew of their scores alone")
    orders = np.unique(cells.order)
    highest = np.maximum.reduceat(cells.highest[np.argsort(cells.order, kind="stable")], np.searchsorted(np.sort(cells.order), orders))
    by_order = np.stack([policy.of(counts.slices[index]).chance(highest) for index in finest])
    full = next(cut for cut in clusters.cuts if cut.slicing == slicing)
    chance: Floats = by_order[_places(finest, len(counts.slices))[full.places], np.searchsorted(orders, held.order)]
    return chance


def _matched_clusters(counts: Counts, clusters: Clusters, chance: Floats, was: Floats) -> MatchedClusters:
    """What the clusters say of who was turned."""
    held = clusters.entries
    assert held is not None
    products = np.zeros((len(counts.slices), CELLS, CELLS))
    first = (held.label * 2 + (was > 0.5)) * 2
    for cut in clusters.cuts:
        rejected, selected = (np.bincount(cut.part * CELLS + first + now, held.weight * share, cut.slice.size * CELLS) for now, share in ((REJECTED, 1 - chance), (SELECTED, chance)))
        sums = (rejected + selected).reshape(-1, CELLS)
        by_slice = np.argsort(cut.slice, kind="stable")
        present, starts = np.unique(cut.slice[by_slice], return_index=True)
        for place, some in zip(present.tolist(), np.split(sums[by_slice], starts[1:]), strict=True):
            products[place] = some.T @ some
    return MatchedClusters(number=clusters.number, products=products)


def _clusters(counts: Counts, clusters: Clusters, chance: Floats) -> Clusters:
    """The clusters with the decisions of the policy. Of what is drawn the sums are expected ones, and their products those that draws have in the mean."""
    held = clusters.entries
    assert held is not None
    of_values = [np.zeros(int(held.values.max(initial=-1)) + 1, dtype=np.int64) for _ in clusters.cuts]
    for own, cut in zip(of_values, clusters.cuts, strict=True):
        own[held.values] = cut.places
    entries = _split(held, chance)
    everyone = counts.slices.index(EVERYONE) if EVERYONE in counts.slices else None
    made = clusters_of(entries, [(cut.slicing, own) for cut, own in zip(clusters.cuts, of_values, strict=True)], len(counts.slices), has_scores=False, everyone=everyone)
    drawn = (chance > 0) & (chance < 1)
    if not drawn.any():
        return made
    products, beside = made.products.copy(), None if made.beside is None else made.beside.copy()
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.where(held.rows > 0, held.weight**2 / held.rows, 0.0) * chance * (1 - chance)
    for own in of_values:
        at, label = own[held.values], held.label
        for one, other, sign in ((0, 0, 1), (1, 1, 1), (0, 1, -1), (1, 0, -1)):
            for sums in (products, *(() if beside is None else (beside,))):
                np.add.at(sums[:, :DECIDED, :DECIDED], (at, 2 * label + one, 2 * label + other), sign * variance)
    return replace(made, products=products, beside=beside)


def _split(held: Entries, chance: Floats) -> Entries:
    """Each entry's share that is selected and its share that is not."""
    parts: list[tuple[Bools, int, Floats]] = [(chance < 1, REJECTED, 1 - chance), (chance > 0, SELECTED, chance)]
    order = np.argsort(np.concatenate([held.cluster[taken] for taken, _, _ in parts]), kind="stable")

    def both(name: str, *, shared: bool) -> Any:
        return np.concatenate([getattr(held, name)[taken] * (share[taken] if shared else 1) for taken, _, share in parts])[order]

    return Entries(
        cluster=both("cluster", shared=False), values=both("values", shared=False), label=both("label", shared=False), order=both("order", shared=False),
        decision=np.concatenate([np.full(int(taken.sum()), decision, dtype=np.int64) for taken, decision, _ in parts])[order],
        rows=np.rint(both("rows", shared=True)).astype(np.int64), weight=both("weight", shared=True), score=both("score", shared=True), score_sq=both("score_sq", shared=True), loss=both("loss", shared=True),
    )  # fmt: skip
