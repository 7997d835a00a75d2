"""Which part each unit goes to, so that every stratum's rows are shared out as asked.

Units of one kind, that is of the same strata, lie in a line in the order of their keys, which is a random one; the line is closed to a circle and cut into arcs as long as the parts' shares, and a unit goes to the arc that its middle lies in. An arc
holds its length to within half a unit at each end, so a part has its rows to within one unit, wherever the circle begins; it begins where everyone, the labels, the groups and the strata come nearest to their shares, by what the
kinds before have left. Units of several strata come first, the largest first; a stratum's own units then fill what these have left of its shares. All in whole numbers: the same data and seed give the same parts on any machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fairaudit.splits.shares import Part, denominator
from fairaudit.splits.units import Units
from fairaudit.types import Ints

_BEGINNINGS = 8  # that are tried for each part


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entries:
    """How many rows a unit has in a stratum; sorted by unit, then stratum."""

    unit: Ints
    stratum: Ints
    rows: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class _Circle:
    """Units of the same strata in their order."""

    rows: Ints  # (units, strata of the kind)
    middle: Ints  # (units,): twice its place, so that it is whole


def allocated(units: Units, stratum: Ints, margins: Ints, parts: Sequence[Part]) -> Ints:
    """The place of each unit's part, shape (units,).

    Args:
        stratum: of each row.
        margins: shape (strata, any): what else the rows of a stratum count towards, by number: everyone, a label, a group.
    """
    entries = _entries(units, stratum)
    strata = int(margins.shape[0])
    sizes = np.bincount(entries.stratum, entries.rows, strata).astype(np.int64)
    whole = denominator(parts)
    shares = np.array([int(part.share * whole) for part in parts], dtype=np.int64)
    # What each stratum, and each margin, has in each part beyond its share; in rows times `whole`.
    towards = np.column_stack([margins, np.arange(strata) + int(margins.max(initial=-1)) + 1])
    beyond = np.zeros((int(towards.max(initial=-1)) + 1, len(parts)), dtype=np.int64)
    found = np.full(units.number, -1, dtype=np.int64)
    mixed, own = _kinds(entries, units.number, strata)
    for members in mixed:
        touched = np.unique(entries.stratum[_at(entries, members[:1])])
        circle = _circle(entries, members, touched)
        found[members] = _cut(circle, shares * int(circle.rows.sum()), shares, whole, beyond, towards[touched])
    for one, members in own:
        circle = _circle(entries, members, np.array([one]))
        lengths = _filling(shares * int(sizes[one]) - (shares * int(sizes[one] - circle.rows.sum()) + beyond[towards[one, -1]]), int(circle.rows.sum()) * whole)
        found[members] = _cut(circle, lengths, shares, whole, beyond, towards[[one]])
    return found


def _entries(units: Units, stratum: Ints) -> _Entries:
    strata = int(stratum.max(initial=-1)) + 1
    both, rows = np.unique(units.of_row * strata + stratum, return_counts=True)
    return _Entries(unit=both // max(strata, 1), stratum=both % max(strata, 1), rows=rows.astype(np.int64))


def _kinds(entries: _Entries, units: int, strata: int) -> tuple[list[Ints], list[tuple[int, Ints]]]:
    """Units of several strata, by which these are, the largest unit first; and each stratum's own units, the largest stratum first."""
    number = np.bincount(entries.unit, minlength=units)
    several = number[entries.unit] > 1
    # Sums of random numbers tell sets of strata apart, but for one chance in 10^19.
    names = np.random.default_rng(0).integers(0, 2**63, strata, dtype=np.uint64)
    kind = np.zeros(units, dtype=np.uint64)
    np.add.at(kind, entries.unit[several], names[entries.stratum[several]])
    size = np.bincount(entries.unit, entries.rows, units).astype(np.int64)
    mixed = _grouped(np.flatnonzero(number > 1), kind[number > 1])
    mixed.sort(key=lambda members: (-int(size[members].max()), int(members[0])))
    single = ~several
    own = _grouped(entries.unit[single], entries.stratum[single])
    by_stratum = [(int(entries.stratum[np.searchsorted(entries.unit, members[0])]), members) for members in own]
    by_stratum.sort(key=lambda one: (-int(size[one[1]].sum()), one[0]))
    return mixed, by_stratum


def _grouped(members: Ints, by: npt.NDArray[np.generic]) -> list[Ints]:
    """Members that have the same name, each group in its order."""
    if not members.size:
        return []
    order = np.argsort(by, kind="stable")
    starts = np.flatnonzero(np.diff(by[order])) + 1
    return list(np.split(members[order], starts))


def _at(entries: _Entries, members: Ints) -> Ints:
    """The entries of some units, in their order."""
    first, last = (np.searchsorted(entries.unit, members, side=side) for side in ("left", "right"))
    many = last - first
    found: Ints = np.repeat(first - np.concatenate(([0], np.cumsum(many)[:-1])), many) + np.arange(int(many.sum()))
    return found


def _circle(entries: _Entries, members: Ints, touched: Ints) -> _Circle:
    rows = entries.rows[_at(entries, members)].reshape(members.size, touched.size)
    ends = np.cumsum(rows.sum(axis=1))
    return _Circle(rows=rows, middle=2 * ends - rows.sum(axis=1))


def _filling(left: Ints, length: int) -> Ints:
    """Lengths of arcs, in all `length`: what is left of each part's share; where a part has more than its share already, nothing, and the others less by as much."""
    positive = np.maximum(left, 0)
    total = int(positive.sum())
    if total == length:
        return positive
    exact = [int(one) * length for one in positive]
    floors = np.array([one // total for one in exact], dtype=np.int64)
    rest = sorted(range(len(exact)), key=lambda place: (-(exact[place] % total), place))[: length - int(floors.sum())]
    floors[rest] += 1
    return floors


def _cut(circle: _Circle, lengths: Ints, shares: Ints, whole: int, beyond: Ints, towards: Ints) -> Ints:
    """The part of each unit of a circle; `beyond` learns of it.

    Args:
        lengths: of the arcs, in rows times `whole`.
        towards: shape (strata of the circle, margins): where their rows count.
    """
    arcs, around = 2 * lengths, 2 * int(lengths.sum())
    middle = circle.middle * whole
    starts = np.concatenate(([0], np.cumsum(arcs)))
    held = np.concatenate((np.zeros((1, circle.rows.shape[1]), dtype=np.int64), np.cumsum(circle.rows, axis=0)))
    step = max(around // middle.size // _BEGINNINGS, 1)
    turns = ((starts[:-1] + arcs // 2)[arcs > 0, None] - middle[0] + step * np.arange(_BEGINNINGS)).ravel() % around
    cuts = np.searchsorted(middle, (starts[None, :] - turns[:, None]) % around, side="left")  # (beginnings, parts + 1): the first unit of each arc
    full = arcs == around
    first, last = cuts[:, :-1], cuts[:, 1:]
    begins, ends = ((starts[None, side] - turns[:, None]) % around for side in (slice(None, -1), slice(1, None)))
    wraps = ((ends < begins) & (arcs > 0)[None, :]) | full[None, :]
    rows = held[last] - held[first] + np.where(wraps[:, :, None], held[-1], 0)  # (beginnings, parts, strata)
    change = rows.transpose(0, 2, 1) * whole - circle.rows.sum(axis=0)[None, :, None] * shares[None, None, :]  # (beginnings, strata, parts)
    margins, place = np.unique(towards, return_inverse=True)
    by_margin = np.zeros((turns.size, margins.size, arcs.size), dtype=np.int64)
    for one in range(towards.shape[0]):
        for margin in place.reshape(towards.shape)[one]:
            by_margin[:, margin] += change[:, one]
    after = beyond[margins][None] + by_margin
    best = int(np.argmin(_badness(after, whole)))
    beyond[margins] = after[best]
    return _parts(first[best], last[best], wraps[best], middle.size)


def _badness(after: Ints, whole: int) -> Ints:
    """The sum of squared rows beyond the shares, in 64ths, so that it is whole and the order of adding does not matter."""
    rows = np.minimum(np.abs(after / whole), 1e7)
    badness: Ints = np.rint(rows * rows * 64).astype(np.int64).sum(axis=(1, 2))
    return badness


def _parts(first: Ints, last: Ints, wraps: npt.NDArray[np.bool_], units: int) -> Ints:
    found: Ints = np.full(units, -1, dtype=np.int64)
    for part, (begin, end, wrapped) in enumerate(zip(first.tolist(), last.tolist(), wraps.tolist(), strict=True)):
        if wrapped:
            found[begin:] = part
            found[:end] = part
        else:
            found[begin:end] = part
    return found
