"""Rows that belong together, one person's or one household's: sums by cluster, of which every slice's evidence is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fairaudit.cube.slices import Slicing
from fairaudit.types import Floats, Ints

DECIDED = 6  # of the sums: Σw by label and decision; then Σws, Σws² and the loss, each by label
SUMS = DECIDED + 3 * 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """Sums over the rows that are alike in everything that is counted and in their cluster; arrays of shape (entries,), sorted by cluster. At most one entry a row."""

    cluster: Ints  # from 0
    values: Ints  # which combination of the attributes' values
    label: Ints  # 2 where unlabelled
    decision: Ints
    order: Ints  # of the score cell
    rows: Ints
    weight: Floats
    score: Floats  # Σw·s
    score_sq: Floats  # Σw·s²
    loss: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cut:
    """One slicing: a part is a cluster's rows in one slice."""

    slicing: Slicing
    places: Ints  # which slice an entry is in, shape (entries,)
    part: Ints  # which part it is of, shape (entries,)
    slice: Ints  # the slice of each part, shape (parts,), not sorted
    shared: int  # clusters with rows in several slices


@dataclass(frozen=True, kw_only=True)
class Clusters:
    """What the clusters of every slice say; made for one `Counts`, whose slices it follows.

    `products` are Σ over clusters of t tᵀ, where t are a cluster's sums in the slice: of a rate, of means, and of whatever else is a function of sums,
    the variance between clusters is a quadratic form in them.
    """

    number: Ints  # of clusters with rows in the slice, shape (slices,)
    products: Floats  # shape (slices, `SUMS`, `SUMS`); (slices, `DECIDED`, `DECIDED`) of what an audit file holds, and where there are no scores
    beside: Floats | None = None  # Σ over clusters of their sums in the slice times their sums in everyone, shape (slices, `DECIDED`, `DECIDED`)
    largest: int = 0  # rows of the largest cluster
    entries: Entries | None = None  # None where they were read from an audit file
    cuts: tuple[_Cut, ...] = ()

    @cached_property
    def shared(self) -> dict[Slicing, int]:
        """Slicing → how many clusters have rows in several of its slices, where some have."""
        return {one.slicing: one.shared for one in self.cuts if one.shared}

    def squared_sums(self, influence: Callable[[Entries, Ints], Floats]) -> Floats:
        """Σ over clusters of (Σ of their entries' influence)², shape (slices,).

        Args:
            influence: of each entry, its weight included, in the slice it is given; shape (entries,).
        """
        found = np.zeros(self.number.size)
        if self.entries is None:
            return np.full(self.number.size, np.nan)
        for cut in self.cuts:
            sums = np.bincount(cut.part, influence(self.entries, cut.places), cut.slice.size)
            found += np.bincount(cut.slice, sums**2, found.size)
        return found

    def at_or_below(self, slices: Ints, orders: Ints) -> tuple[Floats, Floats, Floats, Floats]:
        """Σa, and over clusters Σa², Σab and Σb², where b is a cluster's weight in a slice and a what of it is in score cells up to an order.

        Args:
            slices, orders: which sums are wanted, of one shape; a slice may be asked of several orders.
        """
        found = np.zeros((4, slices.size))
        if self.entries is None:
            return (np.full(slices.size, np.nan),) * 4
        width = int(max(self.entries.order.max(initial=0), orders.max(initial=0))) + 2
        for cut in self.cuts:
            by_part = np.lexsort((self.entries.order, cut.part))
            part, weight, order = cut.part[by_part], self.entries.weight[by_part], self.entries.order[by_part]
            whole, added = np.bincount(part, weight, cut.slice.size), np.cumsum(weight)
            below = added - weight - (np.cumsum(whole) - whole)[part]  # of the entry's cluster
            key = cut.slice[part] * width + order
            by_slice = np.argsort(key, kind="stable")
            first, last = np.searchsorted(key[by_slice], slices * width), np.searchsorted(key[by_slice], slices * width + orders, side="right")
            for place, grown in enumerate((weight, weight * (2 * below + weight), weight * whole[part])):
                reached = np.r_[0.0, np.cumsum(grown[by_slice])]
                found[place] += reached[last] - reached[first]
            found[3] += np.bincount(cut.slice, whole**2, self.number.size)[slices]
        return found[0], found[1], found[2], found[3]

    def products_by_bin(self, one: Floats, other: Floats, place: Ints, bins: int) -> Floats:
        """Σ over clusters of Σ of their entries' `one` in a bin times Σ of their `other` there, shape (slices, bins).

        Args:
            one, other, place: of each entry, the last its bin; shape (entries,).
        """
        found = np.zeros(self.number.size * bins)
        for cut in self.cuts:
            held, at = np.unique(cut.part * bins + place, return_inverse=True)
            product = np.bincount(at.reshape(-1), one, held.size) * np.bincount(at.reshape(-1), other, held.size)
            found += np.bincount(cut.slice[held // bins] * bins + held % bins, product, found.size)
        return found.reshape(-1, bins)


def clusters_of(entries: Entries, members: Sequence[tuple[Slicing, Ints]], slices: int, *, has_scores: bool, everyone: int | None) -> Clusters:
    """The sums of every slice.

    Args:
        members: for each slicing, the slice of each combination of values.
        slices: how many there are.
        everyone: the index of the slice of all rows.
    """
    cuts = tuple(_cut(slicing, entries, of_values) for slicing, of_values in members)
    width = SUMS if has_scores else DECIDED
    number, products = np.zeros(slices, dtype=np.int64), np.zeros((slices, width, width))
    beside = np.zeros((slices, DECIDED, DECIDED)) if everyone is not None else None
    whole = _sums(entries, entries.cluster, DECIDED) if everyone is not None else None
    for cut in cuts:
        by_slice = np.argsort(cut.slice, kind="stable")
        present, starts = np.unique(cut.slice[by_slice], return_index=True)
        sums = _sums(entries, cut.part, width)[by_slice]
        number[present] = np.diff(np.r_[starts, by_slice.size])
        for one in range(width):
            products[present, one, one:] = np.add.reduceat(sums[:, one:] * sums[:, [one]], starts, axis=0)
            products[present, one:, one] = products[present, one, one:]
        if beside is not None and whole is not None:
            owner = np.zeros(cut.slice.size, dtype=np.int64)
            owner[cut.part] = entries.cluster
            others = whole[owner[by_slice]]
            for one in range(DECIDED):
                beside[present, one] = np.add.reduceat(others * sums[:, [one]], starts, axis=0)
    largest = int(np.bincount(entries.cluster, entries.rows).max()) if entries.cluster.size else 0
    return Clusters(number=number, products=products, beside=beside, largest=largest, entries=entries, cuts=cuts)


def _cut(slicing: Slicing, entries: Entries, of_values: Ints) -> _Cut:
    places = of_values[entries.values]
    key = entries.cluster * (int(places.max(initial=0)) + 1) + places
    found, first, part = np.unique(key, return_index=True, return_inverse=True)
    owners = entries.cluster[first]
    shared = int(np.count_nonzero(np.bincount(owners) > 1)) if found.size else 0
    return _Cut(slicing=slicing, places=places, part=part.reshape(-1), slice=places[first], shared=shared)


def _sums(entries: Entries, part: Ints, width: int) -> Floats:
    """Each part's sums, shape (parts, width)."""
    parts = int(part.max(initial=-1)) + 1
    decided: Floats = np.bincount((part * 3 + entries.label) * 2 + entries.decision, entries.weight, parts * DECIDED).astype(np.float64).reshape(parts, DECIDED)
    if width == DECIDED:
        return decided
    by_label = part * 3 + entries.label
    moments = [np.bincount(by_label, values, parts * 3).reshape(parts, 3) for values in (entries.score, entries.score_sq, entries.loss)]
    return np.concatenate([decided, *moments], axis=1)
