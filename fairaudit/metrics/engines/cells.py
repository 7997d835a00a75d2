"""What is computed from score cells: how scores rank, how far they are from the labels, how two groups' scores differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from fairaudit.cube.counts import NEGATIVE, POSITIVE, Counts, ScoreCells
from fairaudit.cube.slices import EVERYONE
from fairaudit.types import Bools, Floats, Ints

T = TypeVar("T")


def remembered(work: Callable[..., T]) -> Callable[..., T]:
    """A function of counts that keeps its answers for the counts it was last asked of: values, intervals and comparisons all need them."""
    held: tuple[Any, dict[Any, T]] = (None, {})

    @wraps(work)
    def again(counts: Any, *rest: Any) -> T:
        nonlocal held
        mine = held
        if mine[0] is not counts:
            held = mine = (counts, {})
        if rest not in mine[1]:
            mine[1][rest] = work(counts, *rest)
        return mine[1][rest]

    return again


def divided(top: Floats, bottom: Floats) -> Floats:
    """top / bottom; NaN, which means undefined, where bottom is 0."""
    return np.divide(top, bottom, out=np.full(np.broadcast(top, bottom).shape, np.nan), where=bottom != 0)


def _summed(owner: Ints, values: Floats, n: int) -> Floats:
    """The sum of each slice's values, shape (n,)."""
    out: Floats = np.bincount(owner, values, n).astype(np.float64)
    return out


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranges:
    """The score ranges of every slice, from the lowest up; arrays of shape (ranges,), a pair by label: negative, positive."""

    slice: Ints  # index into `Counts.slices`
    order: Ints
    weight: tuple[Floats, Floats]
    weight_sq: tuple[Floats, Floats]
    exact: Bools  # whether a range holds one score


@remembered
def ranges(cells: ScoreCells) -> Ranges:
    """The labels of each score range side by side."""
    if not cells.slice.size:
        nothing = np.zeros(0)
        return Ranges(slice=cells.slice, order=cells.order, weight=(nothing, nothing), weight_sq=(nothing, nothing), exact=np.zeros(0, dtype=bool))
    starts = np.r_[True, (np.diff(cells.slice) != 0) | (np.diff(cells.order) != 0)]
    place, first = np.cumsum(starts) - 1, np.flatnonzero(starts)

    def by_label(weight: Floats) -> tuple[Floats, Floats]:
        negative, positive = (np.bincount(place, weight * (cells.label == label)).astype(np.float64) for label in (NEGATIVE, POSITIVE))
        return negative, positive

    low, high = np.minimum.reduceat(cells.lowest, first), np.maximum.reduceat(cells.highest, first)
    return Ranges(slice=cells.slice[starts], order=cells.order[starts], weight=by_label(cells.weight), weight_sq=by_label(cells.weight_sq), exact=low == high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placements:
    """How the rows of each range stand among those of the other label; arrays of shape (ranges,), a pair by label: negative, positive."""

    ranges: Ranges
    placement: tuple[Floats, Floats]  # of a row of that label in the range: the share of the other label that it beats, ties half


@remembered
def placements(counts: Counts) -> Placements:
    """What AUC and its error are the mean and the spread of.

    Source: DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44:837.
    """
    found, n = _of(counts), len(counts.slices)
    negative, positive = found.weight
    below_negative, below_positive = _below(negative, found.slice), _below(positive, found.slice)
    negatives, positives = (_summed(found.slice, weight, n)[found.slice] for weight in found.weight)
    beaten = divided(below_negative + negative / 2, negatives)
    beats = divided(positives - below_positive - positive / 2, positives)
    return Placements(ranges=found, placement=(beats, beaten))


_NOTHING: dict[str, Any] = {
    **{name: np.zeros(0, dtype=np.int64) for name in ("slice", "order", "label", "rows")},
    **{name: np.zeros(0) for name in ("weight", "weight_sq", "lowest", "highest", "score", "loss")},
}
_NO_CELLS = ScoreCells(**_NOTHING)


def _of(counts: Counts) -> Ranges:
    return ranges(counts.score_cells or _NO_CELLS)


def _below(weight: Floats, owner: Ints) -> Floats:
    """The weight below each range in its slice.

    Slice by slice: one running sum over all of them would cancel where weights differ by orders of magnitude.
    """
    below = np.zeros_like(weight)
    ends = np.flatnonzero(np.diff(owner)) + 1
    for begin, end in zip((0, *ends), (*ends, owner.size), strict=True):
        below[begin + 1 : end] = np.cumsum(weight[begin : end - 1])
    return below


@remembered
def auc_and_error(counts: Counts) -> tuple[Floats, Floats]:
    """AUC of every slice and the most it can be off, as cells hold more than one score; each of shape (slices,).

    Within a cell that holds more than one score the order of positives and negatives is unknown: it counts as a tie, so the value
    is off by at most half that cell's pairs.
    """
    n, found = len(counts.slices), placements(counts)
    owner, (negative, positive) = found.ranges.slice, found.ranges.weight
    negatives, positives = (_summed(owner, weight, n) for weight in found.ranges.weight)
    won = _summed(owner, np.where(positive > 0, positive * found.placement[POSITIVE], 0.0), n)
    unsure = _summed(owner, np.where(found.ranges.exact, 0.0, positive * negative / 2), n)
    return divided(won, np.where(negatives > 0, positives, 0.0)), divided(unsure, positives * negatives)


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """Average or interpolated precision of every slice, shape (slices,)."""

    value: Floats
    error: Floats  # the most it can be off, as cells hold more than one score
    variance: Floats
    ranges: Ranges
    influence: tuple[Floats, Floats]  # of a row of each label in each range, on the mean; shape (ranges,)


@remembered
def average_precision(counts: Counts) -> Precision:
    """Σ (Rₖ − Rₖ₋₁) Precₖ over score ranges from the highest down; a range is one step.

    The variance is that of the influence of a row of each range, by the slopes of precision to where one row less is, which are steeper where rows are few.

    Source: Saito & Rehmsmeier (2015), PLoS ONE 10:e0118432, for the curve; scikit-learn's average_precision_score for the sum.
    """
    n, found = len(counts.slices), _of(counts)
    owner, (negative, positive) = found.slice, found.weight
    negatives, positives = (_summed(owner, weight, n) for weight in found.weight)
    able = (positives > 0) & (negatives + positives > 0)
    true, false = (sums[owner] - _below(weight, owner) for sums, weight in ((positives, positive), (negatives, negative)))
    precision = divided(true, true + false)
    value = np.where(able, divided(_summed(owner, np.where(positive > 0, positive * precision, 0.0), n), positives), np.nan)

    # Within a range of several scores all positives may come first, or last and one by one.
    best = divided(true, true + false - negative)
    start, end = true - positive + false, true + false
    with np.errstate(divide="ignore", invalid="ignore"):
        worst = 1 - np.where(false > 0, false / positive * np.log(end / start), 0.0)
    off = np.where(~found.exact & (positive > 0), positive * np.fmax(best - precision, precision - worst), 0.0)
    error = divided(_summed(owner, off, n), positives)

    of_row = [divided(_summed(owner, square, n), sums) for square, sums in zip(found.weight_sq, (negatives, positives), strict=True)]  # an effective one's weight
    fewer_negatives, fewer_positives = (end - np.minimum(row[owner], sums) for row, sums in zip(of_row, (false, true), strict=True))
    gained, lost = np.nan_to_num(divided(positive * false, end * fewer_positives)), np.nan_to_num(divided(positive * true, end * fewer_negatives))
    of_positive = divided(precision + _below(gained, owner) + gained - value[owner], positives[owner])
    of_negative = -divided(_below(lost, owner) + lost, positives[owner])
    variance = np.zeros(n)
    for square, moved, weight, row, sums in zip(found.weight_sq, (of_negative, of_positive), found.weight, of_row, (negatives, positives), strict=True):
        spread = _summed(owner, np.nan_to_num(square * np.where(weight > 0, moved, 0.0) ** 2), n)
        variance = variance + divided(spread * sums, np.maximum(sums - row, 0.0))  # n / (n − 1) of effective rows
    return Precision(value=value, error=error, variance=variance, ranges=found, influence=(of_negative, of_positive))


@remembered
def interpolated_precision(counts: Counts) -> Precision:
    """∫ precision dR along straight lines from (tp, tp + fp) of each score range to that of the next lower.

    From p predicted positives, t of them truly, a range of a positives and b negatives adds c [a + (t − cp) ln((p + a + b)/p)] / P, c = a/(a + b); the first, from p = 0, c·a / P.
    The variance is that of its influence function: what a row more in a range would change.

    Source: Davis & Goadrich (2006), ICML, section 4; TFMA's AUCPrecisionRecall.
    """
    n, found = len(counts.slices), _of(counts)
    owner, (negative, positive) = found.slice, found.weight
    positives = _summed(owner, positive, n)
    above_true, above_false = (np.maximum(_summed(owner, weight, n)[owner] - _below(weight, owner) - weight, 0.0) for weight in (positive, negative))
    highest = np.r_[np.diff(owner) != 0, True][: owner.size]  # the first range of its slice from above: nothing is left of rounding
    true, before = np.where(highest, 0.0, above_true), np.where(highest, 0.0, above_true + above_false)
    rows = positive + negative
    share = divided(positive, rows)
    starts = before > 0
    grown = np.where(starts, np.log1p(divided(rows, before)), 0.0)
    offset = np.where(starts, true - share * before, 0.0)
    inner = positive + offset * grown
    value = divided(_summed(owner, share * inner, n), positives)

    # Within a range of several scores all positives may come first, or last.
    false = before - true
    best, worst = (positive - np.where(one > 0, one * np.log1p(divided(positive, true + one)), 0.0) for one in (false, false + negative))
    off = np.where(found.exact, 0.0, np.fmax(best - share * inner, share * inner - worst))
    error = divided(_summed(owner, np.maximum(off, 0.0), n), positives)

    of_before = np.where(starts, -offset * divided(rows, before * (before + rows)), 0.0)
    rise = divided(offset, before + rows)
    from_true, from_false = share * ((1 - share) * grown + of_before), share * (-share * grown + of_before)
    own_true = divided(1 - share, rows) * (inner - share * before * grown) + share * (1 + rise)
    own_false = -divided(share, rows) * (inner - share * before * grown) + share * rise
    of_positive = divided(own_true + _below(from_true, owner) - value[owner], positives[owner])
    of_negative = divided(own_false + _below(from_false, owner), positives[owner])
    spread = found.weight_sq[POSITIVE] * np.where(positive > 0, of_positive, 0.0) ** 2 + found.weight_sq[NEGATIVE] * np.where(negative > 0, of_negative, 0.0) ** 2
    return Precision(value=value, error=error, variance=_summed(owner, np.nan_to_num(spread), n), ranges=found, influence=(of_negative, of_positive))


@remembered
def mean_log_loss(counts: Counts) -> tuple[Floats, Floats]:
    """The mean of −ln of the probability that the score gave to the truth, and the mean of its square; each of shape (slices,). Infinite where a score was surely wrong.

    The square is of each cell's mean.
    """
    n, cells = len(counts.slices), counts.score_cells
    if cells is None or not counts.has_probabilities:
        return np.full(n, np.nan), np.full(n, np.nan)
    weight = _summed(cells.slice, cells.weight, n)
    surely_wrong = np.where(cells.label == POSITIVE, cells.lowest <= 0, cells.highest >= 1)
    infinite = _summed(cells.slice, surely_wrong, n) > 0
    loss, square = _summed(cells.slice, cells.loss, n), _summed(cells.slice, divided(cells.loss**2, cells.weight), n)
    mean = divided(loss, weight)
    return np.where(infinite & (weight > 0), np.inf, mean), divided(square, weight)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bins:
    """Labelled rows by bins of the score, arrays of shape (slices, bins)."""

    edges: Floats  # shape (bins + 1,); the lower edge is in its bin, the upper one in the next
    weight: Floats
    weight_sq: Floats
    score: Floats  # Σw·s
    positive: Floats  # Σw·y
    noise: Floats  # Σw²·s(1 − s), what the labels' chance adds to the variance of Σw·(s − y) where scores are right; each cell at its mean


def bins_of(counts: Counts, params: Mapping[str, float]) -> Bins | None:
    """The bins that a calibration error is over: `bins` of them, ten where nothing is said, of equal width over [0, 1] or, where `mass` is 1, of equal weight."""
    return bins(counts, int(params.get("bins", 10)), params.get("mass", 0.0) > 0)


@remembered
def bins(counts: Counts, number: int, of_mass: bool = False) -> Bins | None:
    """Bins that are the same for all slices, and whole score cells; None where there are no probabilities.

    Args:
        of_mass: each holds as much of everyone's weight, as nearly as whole cells can; fewer than `number` where a cell holds more than a bin should.
    """
    cells = counts.score_cells
    if cells is None or not counts.has_probabilities:
        return None
    edges, place = placed(counts, cells, number, of_mass)
    held, mean = edges.size - 1, np.clip(divided(cells.score, cells.weight), 0.0, 1.0)  # sums are rounded

    def summed(values: Floats) -> Floats:
        out: Floats = _summed(cells.slice * held + place, values, len(counts.slices) * held).reshape(-1, held)
        return out

    return Bins(
        edges=edges, weight=summed(cells.weight), weight_sq=summed(cells.weight_sq), score=summed(cells.score), positive=summed(cells.weight * (cells.label == POSITIVE)),
        noise=summed(cells.weight_sq * mean * (1 - mean)),
    )  # fmt: skip


def placed(counts: Counts, cells: ScoreCells, number: int, of_mass: bool) -> tuple[Floats, Ints]:
    """The edges of `bins`, and the bin of each of some cells, labelled or not; shapes (bins + 1,) and (cells,)."""
    if of_mass:
        starts, edges = _of_equal_mass(counts, counts.score_cells or _NO_CELLS, number)
        return edges, np.searchsorted(starts, cells.order, side="right") - 1
    middle = (cells.lowest + cells.highest) / 2  # a cell lies within one bin; its lowest score may be an edge's neighbour
    return np.arange(number + 1) / number, np.clip((middle * number).astype(np.int64), 0, number - 1)


def _of_equal_mass(counts: Counts, cells: ScoreCells, number: int) -> tuple[Ints, Floats]:
    """The order of each bin's first cell, from 0, and the bins' edges: an inner one is the lowest score that anybody has above it.

    A bin ends with the first cell by which everyone's weight below reaches its share, as a quantile that is the smallest such score (Hyndman & Fan 1996, type 1).
    """
    everyone = cells.at(cells.slice == counts.index(EVERYONE)) if EVERYONE in counts.slices else cells.at(np.argsort(cells.order, kind="stable"))
    if not everyone.order.size:
        return np.zeros(1, dtype=np.int64), np.array([0.0, 1.0])
    orders, first = np.unique(everyone.order, return_index=True)
    reached = np.cumsum(np.add.reduceat(everyone.weight, first))
    wanted = np.arange(1, number) / number * reached[-1] * (1 - 1e-12)  # sums of weights are rounded
    begins = np.unique(np.searchsorted(reached, wanted) + 1)
    begins = begins[begins < orders.size]
    lowest = np.minimum.reduceat(everyone.lowest, first)
    return np.r_[0, orders[begins]], np.r_[0.0, lowest[begins], 1.0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Distances:
    """The largest distances between pairs of distribution functions; arrays of shape (pairs,)."""

    value: Floats
    rarity: Floats  # 1/n + 1/m of effective rows
    error: Floats  # how much larger it can be, as cells hold more than one score
    variance: Floats  # of the difference between the two where it is largest, a row below and a row above added to each
    grain: Floats  # how likely a row of one side and one of the other are in one score cell; 1 over the number of scores where all are as frequent, 0 where none comes twice
    peak: Ints  # the order of the score cell at or below which both are counted where they are furthest apart; -1 where there is no distance


def _as_distances(found: list[tuple[float, ...]]) -> Distances:
    value, rarity, error, variance, grain, peak = np.array(found, dtype=np.float64).reshape(-1, 6).T
    return Distances(value=value, rarity=rarity, error=error, variance=variance, grain=grain, peak=peak.astype(np.int64))


def kolmogorov_smirnov(counts: Counts, groups: Ints, references: Ints) -> Distances:
    """Of two slices' scores, labelled or not; shape (groups,).

    Source: Smirnov (1939).
    """
    return _distances(counts, tuple(groups.tolist()), tuple(references.tolist()))


_NO_DISTANCE = (np.nan, np.nan, np.nan, np.nan, np.nan, -1)
_Side = tuple[Ints, Floats, Floats, Floats, Floats]  # of each cell: order, weight, Σw², lowest and highest score


@remembered
def _distances(counts: Counts, groups: tuple[int, ...], references: tuple[int, ...]) -> Distances:
    held = [one for one in (counts.score_cells, counts.unlabelled_cells) if one is not None]
    if not held:
        return _as_distances([_NO_DISTANCE] * len(groups))
    whole = {name: np.concatenate([getattr(one, name) for one in held]) for name in ("slice", "order", "weight", "weight_sq", "lowest", "highest")}
    by_slice = np.argsort(whole["slice"], kind="stable")
    ends = np.searchsorted(whole["slice"][by_slice], np.arange(len(counts.slices) + 1))

    def side(index: int) -> _Side:
        mine = by_slice[ends[index] : ends[index + 1]]
        return whole["order"][mine], whole["weight"][mine], whole["weight_sq"][mine], whole["lowest"][mine], whole["highest"][mine]

    return _as_distances([_distance(side(group), side(reference)) for group, reference in zip(groups, references, strict=True)])


@remembered
def separation(counts: Counts) -> Distances:
    """Of a slice's positives and negatives; shape (slices,)."""
    found = _of(counts)
    ends = np.searchsorted(found.slice, np.arange(len(counts.slices) + 1))
    sides = [slice(begin, end) for begin, end in pairwise(ends)]
    spread = np.where(found.exact, 0.0, 1.0)  # whether a cell's lowest and highest score differ is all that is asked of them
    both = [
        _distance(*((found.order[mine], found.weight[label][mine], found.weight_sq[label][mine], np.zeros_like(spread[mine]), spread[mine]) for label in (POSITIVE, NEGATIVE)))
        for mine in sides
    ]
    return _as_distances(both)


def _distance(one: _Side, other: _Side) -> tuple[float, ...]:
    totals = [float(side[1].sum()) for side in (one, other)]
    if not all(total > 0 for total in totals):
        return _NO_DISTANCE
    orders, place = np.unique(np.concatenate([one[0], other[0]]), return_inverse=True)
    up, down = (np.bincount(at, side[1] / total, orders.size) for at, side, total in zip((place[: one[0].size], place[one[0].size :]), (one, other), totals, strict=True))
    after = np.cumsum(up - down)
    peak = int(np.abs(after).argmax())
    largest = abs(after[peak])
    # Within a cell of several scores all of one side may come before the other: the functions are furthest apart there.
    lowest, highest = np.full(orders.size, np.inf), np.full(orders.size, -np.inf)
    np.minimum.at(lowest, place, np.concatenate([one[3], other[3]]))
    np.maximum.at(highest, place, np.concatenate([one[4], other[4]]))
    before = np.r_[0.0, after[:-1]]
    inside = np.where(lowest < highest, np.maximum(before + up, down - before), 0.0).max()
    rarities = [float(side[2].sum()) / total**2 for side, total in zip((one, other), totals, strict=True)]
    fuller = [(float(np.clip(share[: peak + 1].sum(), 0.0, 1.0)) + rarity) / (1 + 2 * rarity) for share, rarity in zip((up, down), rarities, strict=True)]
    variance = sum(rarity * share * (1 - share) for rarity, share in zip(rarities, fuller, strict=True))
    return float(min(largest, 1.0)), sum(rarities), float(max(min(inside, 1.0) - min(largest, 1.0), 0.0)), variance, float((up * down).sum()), float(orders[peak])


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossed:
    """AUC of one label of a slice against the other label of everyone else; arrays of shape (slices,)."""

    value: Floats
    error: Floats  # the most it can be off, as cells hold more than one score
    parts: tuple[Floats, Floats]  # the variance that the negatives bring, and the positives
    sizes: tuple[Floats, Floats]  # effective rows of both


@remembered
def crossed_auc(counts: Counts, label: int) -> Crossed:
    """How a slice's rows of one label rank among everyone else's of the other.

    Source: Borkan et al. (2019), WWW: BPSN for negatives of the slice, BNSP for its positives; the error is DeLong's.
    """
    n, found = len(counts.slices), _of(counts)
    nothing = np.full(n, np.nan)
    if EVERYONE not in counts.slices or not found.slice.size:
        return Crossed(value=nothing, error=nothing, parts=(nothing, nothing), sizes=(nothing, nothing))
    ends = np.searchsorted(found.slice, np.arange(n + 1))
    whole = slice(*ends[counts.index(EVERYONE) :][:2])
    orders = found.order[whole]
    lines = [_crossed(found.exact[whole], *_against(found, slice(begin, end), whole, orders, label)) for begin, end in pairwise(ends)]
    value, error, of_negatives, of_positives, negatives, positives = np.array(lines, dtype=np.float64).T
    return Crossed(value=value, error=error, parts=(of_negatives, of_positives), sizes=(negatives, positives))


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossedPlacements:
    """How the rows of a slice's one label, and everyone else's of the other, stand among each other; pairs by label: negative, positive."""

    orders: Ints  # of everyone's score ranges, rising; shape (ranges,)
    placement: tuple[Floats, Floats]  # shape (ranges,)
    weight: tuple[float, float]


def crossed_placements(counts: Counts, index: int, label: int) -> CrossedPlacements:
    """What `crossed_auc` of one slice is the mean of; both sides must have rows."""
    found = _of(counts)
    ends = np.searchsorted(found.slice, np.arange(len(counts.slices) + 1))
    whole = slice(*ends[counts.index(EVERYONE) :][:2])
    orders = found.order[whole]
    negative, _, positive, _ = _against(found, slice(*ends[index:][:2]), whole, orders, label)
    return CrossedPlacements(orders=orders, placement=_placed(negative, positive), weight=(float(negative.sum()), float(positive.sum())))


def _placed(negative: Floats, positive: Floats) -> tuple[Floats, Floats]:
    """The share of the other label that a row of each range beats, ties half: of negatives by being below, of positives by being above."""
    return (positive.sum() - np.cumsum(positive) + positive / 2) / positive.sum(), (np.cumsum(negative) - negative / 2) / negative.sum()


def _against(found: Ranges, mine: slice, whole: slice, orders: Ints, label: int) -> Iterator[Floats]:
    """Weight and Σw² of negatives, then of positives, over the orders of everyone: those of `label` are the slice's, the others everyone else's."""
    places = np.searchsorted(orders, found.order[mine])
    for one in (NEGATIVE, POSITIVE):
        for sums in (found.weight[one], found.weight_sq[one]):
            own = np.zeros(orders.size)
            own[places] = sums[mine]
            yield own if one == label else np.maximum(sums[whole] - own, 0.0)


def _crossed(exact: Bools, negative: Floats, negative_sq: Floats, positive: Floats, positive_sq: Floats) -> tuple[float, float, float, float, float, float]:
    negatives, positives = negative.sum(), positive.sum()
    if not (negatives > 0 and positives > 0):
        return (np.nan,) * 6
    beats, beaten = _placed(negative, positive)
    value = float((positive * beaten).sum() / positives)
    sizes = [float(weight.sum() ** 2 / square.sum()) for weight, square in ((negative, negative_sq), (positive, positive_sq))]
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [
            float((weight * (placed - value) ** 2).sum() / weight.sum() / np.float64(size - 1)) for weight, placed, size in zip((negative, positive), (beats, beaten), sizes, strict=True)
        ]
    error = float(np.where(exact, 0.0, negative * positive / 2).sum() / (negatives * positives))  # as in `auc_and_error`
    return value, error, parts[0], parts[1], sizes[0], sizes[1]
