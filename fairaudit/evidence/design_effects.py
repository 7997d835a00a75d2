"""How much less rows in clusters say than as many independent ones: the design effect of every metric in every slice.

It is the variance of a metric between clusters, by its influence function, over the variance that the metric's usual interval takes; effective sizes are divided
by it. As few clusters know their own spread badly, it grows with Student's point for their number, as far as the interval does not take one itself: the effective
number, (Σb)²/Σb², where b is a cluster's weight in the denominator. It is at least 1, and NaN where all rows are of one cluster, of which nothing can be said.

Source: Kish (1965), Survey Sampling, section 8.2; Korn & Graubard (1998), Survey Methodology 24:193, for effective sizes and Student's point.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from statistics import NormalDist

import numpy as np
from scipy.special import stdtrit  # type: ignore[import-untyped]

from fairaudit.cube.clusters import DECIDED, Clusters, Entries
from fairaudit.cube.counts import NEGATIVE, POSITIVE, REJECTED, SELECTED, UNLABELLED, Counts
from fairaudit.cube.slices import EVERYONE
from fairaudit.metrics.catalogue import FN, FP, TN, TP, Cell, Metric, Shape, mask, total
from fairaudit.metrics.engines import cells as of_cells
from fairaudit.metrics.engines.cells import divided
from fairaudit.metrics.engines.median import above_median
from fairaudit.metrics.engines.native import value_of
from fairaudit.types import Bools, Floats, Ints

_TAIL = 0.975
_NORMAL = NormalDist().inv_cdf(_TAIL)
_POSITIVES, _NEGATIVES, _LABELLED = (TP, FN), (FP, TN), (TP, FP, FN, TN)
_EVERYBODY = (*_LABELLED, (UNLABELLED, SELECTED), (UNLABELLED, REJECTED))
_HUGE = 1e6  # a point of Student's, by which an interval says nothing: of hardly more than one cluster it has no end
_ONE = 1 + 1e-9  # cluster, but for rounding
_STEP = 1e-6  # of the slice's weight, in a difference quotient
_NOTHING = 1e-12  # of a row's variance, below which there is none
_SCORE, _SCORE_SQ, _LOSS = DECIDED, DECIDED + 3, DECIDED + 6  # where the sums by label begin
Params = dict[str, float]


def as_independent(counts: Counts, effect: Floats) -> Counts:
    """The same counts as of independent rows that say as little: every Σw² times the design effect of its slice, 1 where that is not known."""
    times = np.where(np.isnan(effect), 1.0, effect)
    cells = (None if one is None else replace(one, weight_sq=one.weight_sq * times[one.slice]) for one in (counts.score_cells, counts.unlabelled_cells))
    labelled, unlabelled = cells
    return replace(counts, weight_sq=counts.weight_sq * times[:, None, None], score_cells=labelled, unlabelled_cells=unlabelled, has_weights=True, clusters=None)


def smaller(size: Floats, effect: Floats) -> Floats:
    """An effective size over a design effect; 0 where that is not known."""
    out: Floats = np.divide(size, effect, out=np.zeros(np.broadcast(size, effect).shape), where=np.isfinite(effect))
    return out


def effect_of(between: Floats, independent: Floats, clusters: Floats, most: Floats, *, students: Floats | None = None) -> Floats:
    """A design effect.

    Args:
        between: the variance between clusters.
        independent: the same as if rows were independent; 0 where all rows are alike in what is measured.
        clusters: the effective number of them.
        most: what stands in where `independent` is 0: the effect if all rows of a cluster were always alike.
        students: the effective rows of which the usual interval takes Student's point itself, so that it is taken once; None where it takes the normal one.
    """
    known = clusters > _ONE
    freedom = np.where(known, clusters - 1, 1.0)
    ratio = np.where(independent > 0, np.divide(between, independent, out=np.zeros_like(between), where=independent > 0) * (freedom + 1) / freedom, most)
    usual = np.asarray(_NORMAL) if students is None else stdtrit(np.maximum(students / np.maximum(ratio, 1.0), freedom), _TAIL)
    effect = ratio * (np.minimum(stdtrit(freedom, _TAIL), _HUGE) / np.minimum(usual, _HUGE)) ** 2
    if students is not None:
        effect = students * effect / (students + effect)  # it also divides by n − 1: where all rows of a cluster are alike, n is then the number of clusters
    # No interval is narrower than that of independent rows; a variance below theirs is first made safe by Student's point, and needs no more.
    return np.where(known, np.maximum(effect, 1.0), np.nan)


def effect_of_rate(hits: Floats, weight: Floats, weight_sq: Floats, hits_by_cluster: Floats, both_by_cluster: Floats, weight_by_cluster: Floats) -> Floats:
    """Of hits / weight; NaN where there are no rows.

    Args:
        hits, weight, weight_sq: Σw of the numerator, Σw and Σw² of the denominator.
        hits_by_cluster, both_by_cluster, weight_by_cluster: Σa², Σab and Σb² over clusters, where a is a cluster's weight in the numerator and b in the denominator.
    """
    rate = divided(hits, weight)
    spread = rate * (1 - rate)
    between = np.maximum(hits_by_cluster - 2 * rate * both_by_cluster + rate**2 * weight_by_cluster, 0.0)
    return effect_of(between, np.where(spread > _NOTHING, spread * weight_sq, 0.0), divided(weight**2, weight_by_cluster), divided(weight_by_cluster, weight_sq))


def of_share(counts: Counts, numerator: Sequence[Cell], denominator: Sequence[Cell]) -> Floats:
    """Of one set of confusion cells over another, shape (slices,)."""
    hits, weight = (total(counts.weight, tuple(cells)) for cells in (numerator, denominator))
    sums = (_product(counts, one, other) for one, other in ((numerator, numerator), (numerator, denominator), (denominator, denominator)))
    return effect_of_rate(hits, weight, total(counts.weight_sq, tuple(denominator)), *sums)


def of_metric(metric: Metric, counts: Counts, params: Params | None = None) -> Floats:
    """Of any metric of a slice that has an interval, shape (slices,); NaN where it is not known."""
    if metric.shape is Shape.RATE:
        return of_share(counts, metric.numerator, metric.denominator)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return _EFFECTS[metric.id](counts, params or {})


def of_pair(metric: str, counts: Counts, groups: Ints, references: Ints) -> Floats | None:
    """Of a metric that compares two groups by nature, of each slice's part in it, shape (slices,); None where it is made of rates that have their own."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return _PAIRS[metric](counts, groups, references) if metric in _PAIRS else None


def of_benefit(counts: Counts) -> Floats:
    """Of the mean of 1 + decision − label of a slice's labelled rows."""
    labelled = total(counts.weight, _LABELLED)
    mean = divided(counts.fp - counts.fn, labelled)
    theta = _theta(counts)
    for cell, benefit in ((FP, 1.0), (FN, -1.0), (TP, 0.0), (TN, 0.0)):
        theta[:, _at(cell)] = benefit - mean
    spread = divided(counts.fp + counts.fn, labelled) - mean**2
    return effect_of(_form(counts, theta), np.where(spread > _NOTHING, spread * total(counts.weight_sq, _LABELLED), 0.0), *_support(counts, _LABELLED))


def forms(counts: Counts, slopes: Floats) -> Floats:
    """Σ over clusters of (Σ of their rows' w × slope)², shape (slices,).

    Args:
        slopes: of each (label, decision), shape (slices, 3, 2).
    """
    theta = _theta(counts)
    theta[:, :DECIDED] = slopes.reshape(-1, DECIDED)
    return _form(counts, theta)


# --- Quadratic forms in the products


def _of(counts: Counts) -> Clusters:
    if counts.clusters is None:
        raise ValueError("the design effect of rows that are in no clusters was asked for")
    return counts.clusters


def _beside(counts: Counts) -> Floats:
    beside = _of(counts).beside
    if beside is None:
        raise ValueError("a slice's share of everyone was asked of counts that do not hold everyone's clusters")
    return beside


def _chosen(cells: Sequence[Cell]) -> Bools:
    chosen: Bools = mask(tuple(cells)).ravel()
    return chosen


def _at(cell: Cell) -> int:
    return cell[0] * 2 + cell[1]


def _product(counts: Counts, one: Sequence[Cell], other: Sequence[Cell]) -> Floats:
    """Σ over clusters of their weight in some cells times that in others, shape (slices,)."""
    decided = _of(counts).products[:, :DECIDED, :DECIDED]
    out: Floats = decided[:, _chosen(one)][:, :, _chosen(other)].sum(axis=(1, 2))
    return out


def _theta(counts: Counts) -> Floats:
    return np.zeros(_of(counts).products.shape[:2])


def _form(counts: Counts, theta: Floats) -> Floats:
    theta = np.nan_to_num(theta, posinf=0.0, neginf=0.0)
    out: Floats = np.maximum(np.einsum("si,sij,sj->s", theta, _of(counts).products, theta), 0.0)
    return out


def _support(counts: Counts, *denominators: Sequence[Cell]) -> tuple[Floats, Floats]:
    """The effective number of clusters behind some denominators that share no rows, and the largest effect that there could be.

    A cluster is expected to bring Σᵢ vᵢ bᵢ / Bᵢ of the variance, where b of the B of a denominator are its own and v, the variance of a mean over it, is taken to
    be 1/n: the number is (Σ of that)²/Σ of its square, which is (Σb)²/Σb² of one denominator, and of two nearly that of the scarcer where it is much scarcer.
    Where all of one denominator is of one cluster there is but one.

    Source: Satterthwaite (1946), Biometrics 2:110, for a sum of squares of unequal expectations.
    """
    weights = [total(counts.weight, tuple(cells)) for cells in denominators]
    brought = [divided(total(counts.weight_sq, tuple(cells)), weight**3) for cells, weight in zip(denominators, weights, strict=True)]
    whole, square = np.zeros(len(counts.slices)), np.zeros(len(counts.slices))
    for one, mine, weight in zip(brought, denominators, weights, strict=True):
        whole = whole + one * weight
        for other, theirs in zip(brought, denominators, strict=True):
            square = square + one * other * _product(counts, mine, theirs)
    held = [_product(counts, cells, cells) for cells in denominators]
    fewest = np.minimum.reduce([divided(weight**2, products) for weight, products in zip(weights, held, strict=True)])
    most = np.maximum.reduce([divided(products, total(counts.weight_sq, tuple(cells))) for cells, products in zip(denominators, held, strict=True)])
    return np.where(fewest > _ONE, divided(whole**2, square), fewest), most


def _worth(counts: Counts, cells: Sequence[Cell]) -> Floats:
    """Effective rows of some cells."""
    return divided(total(counts.weight, tuple(cells)) ** 2, total(counts.weight_sq, tuple(cells)))


def _of_both(one: Floats, other: Floats) -> Floats:
    """The effective rows of which Welch's interval of a difference of two means takes Student's point, if a row of either side says as much."""
    out: Floats = (1 / one + 1 / other) ** 2 / (1 / one**3 + 1 / other**3)
    return out


# --- Functions of the confusion cells


def _of_cells(value: Callable[[Counts], Floats], *denominators: Sequence[Cell]) -> Callable[[Counts, Params], Floats]:
    """Of a function of the confusion cells that does not change when all of them are doubled, by difference quotients at a table with half a row more in each
    cell: where a rate is 0 or 1, its own slope would tell nothing of its rows."""

    def effect(counts: Counts, params: Params) -> Floats:
        weight, weight_sq = (total(sums, _LABELLED) for sums in (counts.weight, counts.weight_sq))
        fuller = counts.weight.copy()
        fuller[:, :UNLABELLED] += divided(weight_sq, weight)[:, None, None] / 2
        plain = replace(counts, weight=fuller, clusters=None)
        base, step = value(plain), _STEP * np.maximum(weight, np.finfo(float).tiny)
        slopes = np.zeros_like(counts.weight)
        for cell in _LABELLED:
            moved = fuller.copy()
            moved[:, *cell] += step
            slopes[:, *cell] = (value(replace(plain, weight=moved)) - base) / step
        slopes = np.nan_to_num(slopes, posinf=0.0, neginf=0.0)
        independent = (slopes**2 * counts.weight_sq).sum(axis=(1, 2))
        return effect_of(forms(counts, slopes), independent, *_support(counts, *denominators))

    return effect


def _of_value(metric: str, *denominators: Sequence[Cell]) -> Callable[[Counts, Params], Floats]:
    return lambda counts, params: _of_cells(partial(_value, metric, params), *denominators)(counts, params)


def _value(metric: str, params: Params, counts: Counts) -> Floats:
    return value_of(metric, counts, params)


def _combined(one: str, other: str, sign: float) -> Callable[[Counts], Floats]:
    return lambda counts: value_of(one, counts) + sign * value_of(other, counts)


# --- Means of scores


def _mean(labels: Sequence[int], begin: int, square: Callable[[Counts, Floats], Floats], value: Callable[[Counts], Floats]) -> Callable[[Counts, Params], Floats]:
    """Of the mean of something that the cube sums by label.

    Args:
        begin: where its sums are.
        square: the mean of its square.
    """

    def effect(counts: Counts, params: Params) -> Floats:
        mean, theta = value(counts), _theta(counts)
        cells = [(label, decision) for label in labels for decision in (REJECTED, SELECTED)]
        theta[:, [begin + label for label in labels]] = 1.0
        theta[:, [_at(cell) for cell in cells]] = -mean[:, None]
        return _of_mean(counts, theta, square(counts, mean) - mean**2, cells)

    return effect


def _of_mean(counts: Counts, theta: Floats, spread: Floats, cells: Sequence[Cell]) -> Floats:
    """Of a mean over the rows in some cells, of this variance among rows."""
    independent = np.where(spread > _NOTHING, spread * total(counts.weight_sq, tuple(cells)), 0.0)
    return effect_of(_form(counts, theta), independent, *_support(counts, cells), students=_worth(counts, cells))


def _sum(sums: Floats | None, labels: Sequence[int]) -> Floats:
    if sums is None:
        raise ValueError("a metric of scores was asked of counts without scores")
    out: Floats = sums[:, list(labels)].sum(axis=(1, 2))
    return out


def _mean_score(labels: Sequence[int]) -> Callable[[Counts, Params], Floats]:
    def square(counts: Counts, mean: Floats) -> Floats:
        return divided(_sum(counts.score_sq, labels), _sum(counts.weight, labels))

    return _mean(labels, _SCORE, square, lambda counts: divided(_sum(counts.score, labels), _sum(counts.weight, labels)))


def _of_residual(counts: Counts, ratio: Floats, mean: Floats) -> Floats:
    """Of the mean of s − ratio·y, less its mean."""
    theta = _theta(counts)
    for label in (NEGATIVE, POSITIVE):
        theta[:, _SCORE + label] = 1.0
        theta[:, [_at((label, REJECTED)), _at((label, SELECTED))]] = -(mean + ratio * (label == POSITIVE))[:, None]
    labels = (NEGATIVE, POSITIVE)
    squares = _sum(counts.score_sq, labels) - 2 * ratio * _sum(counts.score, (POSITIVE,)) + ratio**2 * _sum(counts.weight, (POSITIVE,))
    return _of_mean(counts, theta, divided(squares, _sum(counts.weight, labels)) - mean**2, _LABELLED)


def _calibration_in_the_large(counts: Counts, params: Params) -> Floats:
    return _of_residual(counts, np.ones(len(counts.slices)), value_of("calibration_in_the_large", counts))


def _calibration_ratio(counts: Counts, params: Params) -> Floats:
    return _of_residual(counts, value_of("calibration_ratio", counts), np.zeros(len(counts.slices)))


def _brier_score(counts: Counts, params: Params) -> Floats:
    """(s − y)² is s² of a negative and s² − 2s + 1 of a positive."""
    mean, theta, cells = value_of("brier_score", counts), _theta(counts), counts.score_cells
    if cells is None:
        return np.full(len(counts.slices), np.nan)
    for label in (NEGATIVE, POSITIVE):
        theta[:, _SCORE_SQ + label] = 1.0
        theta[:, [_at((label, REJECTED)), _at((label, SELECTED))]] = ((label == POSITIVE) - mean)[:, None]
    theta[:, _SCORE + POSITIVE] = -2.0
    fourth: Floats = np.bincount(cells.slice, cells.weight * np.square(np.square((cells.lowest + cells.highest) / 2 - cells.label)), len(counts.slices)).astype(np.float64)
    return _of_mean(counts, theta, divided(fourth, _sum(counts.weight, (NEGATIVE, POSITIVE))) - mean**2, _LABELLED)


def _discrimination(counts: Counts, params: Params) -> Floats:
    """A difference of two means, of rows that may share clusters."""
    theta, independent = _theta(counts), np.zeros(len(counts.slices))
    for label, sign in ((POSITIVE, 1.0), (NEGATIVE, -1.0)):
        weight = _sum(counts.weight, (label,))
        mean = divided(_sum(counts.score, (label,)), weight)
        theta[:, _SCORE + label] = divided(np.full_like(weight, sign), weight)
        theta[:, [_at((label, REJECTED)), _at((label, SELECTED))]] = -sign * divided(mean, weight)[:, None]
        spread = np.maximum(divided(_sum(counts.score_sq, (label,)), weight) - mean**2, 0.0)
        independent = independent + spread * divided(_sum(counts.weight_sq, (label,)), weight**2)
    students = np.minimum(_worth(counts, _POSITIVES), _worth(counts, _NEGATIVES))
    return effect_of(_form(counts, theta), np.nan_to_num(independent), *_support(counts, _POSITIVES, _NEGATIVES), students=students)


# --- The order of scores


def _where(entries: Entries, places: Ints, slices: Ints, orders: Ints) -> Ints:
    """Which score range each entry is in, by slice and order; that of an unlabelled entry may be another's."""
    width = int(max(orders.max(initial=0), entries.order.max(initial=0))) + 1
    found: Ints = np.searchsorted(slices * width + orders, places * width + entries.order)
    return np.minimum(found, max(slices.size - 1, 0))


def _influenced(entries: Entries, places: Ints, slices: Ints, orders: Ints, by_label: tuple[Floats, Floats]) -> Floats:
    """Each entry's weight times what a row of its label moves in its score range; 0 of an unlabelled one."""
    at = _where(entries, places, slices, orders)
    moved = np.where(entries.label == POSITIVE, by_label[POSITIVE][at], by_label[NEGATIVE][at])
    return np.where(entries.label == UNLABELLED, 0.0, entries.weight * np.nan_to_num(moved))


def _roc_auc(counts: Counts, params: Params) -> Floats:
    """Of DeLong's placements, summed by cluster.

    Source: Obuchowski (1997), Biometrics 53:567.
    """
    found, value = of_cells.placements(counts), value_of("roc_auc", counts)
    owner, n = found.ranges.slice, len(counts.slices)
    if not owner.size:
        return np.full(n, np.nan)
    moved, independent = [], np.zeros(n)
    for label in (NEGATIVE, POSITIVE):
        weight, weight_sq = (_sum(sums, (label,)) for sums in (counts.weight, counts.weight_sq))
        off = found.placement[label] - value[owner]
        moved.append(divided(off, weight[owner]))
        spread = divided(np.bincount(owner, np.nan_to_num(found.ranges.weight[label] * off**2), n).astype(np.float64), weight)
        independent = independent + np.nan_to_num(spread * divided(weight_sq, weight**2))
    between = _of(counts).squared_sums(lambda entries, places: _influenced(entries, places, owner, found.ranges.order, (moved[0], moved[1])))
    students = _of_both(_worth(counts, _POSITIVES), _worth(counts, _NEGATIVES))
    return effect_of(between, np.where(independent > _NOTHING, independent, 0.0), *_support(counts, _POSITIVES, _NEGATIVES), students=students)


def _precision(of: Callable[[Counts], of_cells.Precision]) -> Callable[[Counts, Params], Floats]:
    return lambda counts, params: _of_precision(counts, of(counts))


def _of_precision(counts: Counts, found: of_cells.Precision) -> Floats:
    if not found.ranges.slice.size:
        return np.full(len(counts.slices), np.nan)
    between = _of(counts).squared_sums(lambda entries, places: _influenced(entries, places, found.ranges.slice, found.ranges.order, found.influence))
    return effect_of(between, np.where(found.value < 1, found.variance, 0.0), *_support(counts, _POSITIVES), students=_worth(counts, _POSITIVES))


def _scoring_rate(counts: Counts, params: Params) -> Floats:
    """The median is taken as it is, as its interval takes it."""
    found = above_median(counts)

    def moved(entries: Entries, places: Ints) -> Floats:
        above: Floats = np.where(entries.order > found.order, 1.0, np.where(entries.order == found.order, found.part, 0.0))
        out: Floats = entries.weight * np.nan_to_num(above - found.share[places])
        return out

    spread = found.share * (1 - found.share)
    independent = np.where(spread > _NOTHING, spread * total(counts.weight_sq, _EVERYBODY), 0.0)
    return effect_of(_of(counts).squared_sums(moved), independent, *_support(counts, _EVERYBODY))


def _crossed_auc(label: int) -> Callable[[Counts, Params], Floats]:
    """Of one label of the slice against the other of everyone else, whose clusters count too."""

    def effect(counts: Counts, params: Params) -> Floats:
        n, clusters = len(counts.slices), _of(counts)
        entries, out = clusters.entries, np.full(n, np.nan)
        if entries is None or EVERYONE not in counts.slices:
            return out
        found = of_cells.crossed_auc(counts, label)
        squares = [total(counts.weight_sq, cells) for cells in (_NEGATIVES, _POSITIVES)]
        everyone, at = counts.index(EVERYONE), np.zeros(0, dtype=np.int64)
        places = {int(one): cut.places for cut in clusters.cuts for one in np.unique(cut.slice)}
        for index in np.flatnonzero(np.isfinite(found.value)):
            ranked = of_cells.crossed_placements(counts, int(index), label)
            if not at.size:  # the score ranges are everyone's, whatever the slice
                at = np.minimum(np.searchsorted(ranked.orders, entries.order), ranked.orders.size - 1)
            inside = places[int(index)] == index
            placed = np.where(entries.label == POSITIVE, ranked.placement[POSITIVE][at], ranked.placement[NEGATIVE][at]) - found.value[index]
            sides = [(inside if one == label else ~inside) & (entries.label == one) for one in (NEGATIVE, POSITIVE)]
            own = [np.bincount(entries.cluster, entries.weight * side) for side in sides]
            held, sizes = [float(np.square(sums).sum()) for sums in own], [np.array(size[index]) for size in found.sizes]
            brought = sum(sums / weight / size for sums, weight, size in zip(own, ranked.weight, sizes, strict=True))  # as in `_support`
            fewest = min(weight**2 / sums for weight, sums in zip(ranked.weight, held, strict=True))
            number = np.square(brought.sum()) / np.square(brought).sum() if fewest > _ONE else fewest
            single = [squares[one][index] if one == label else squares[one][everyone] - squares[one][index] for one in (NEGATIVE, POSITIVE)]
            most = max(sums / float(square) for sums, square in zip(held, single, strict=True))
            moved = sum(side * entries.weight * np.nan_to_num(placed) / weight for side, weight in zip(sides, ranked.weight, strict=True))
            between = np.array(np.square(np.bincount(entries.cluster, moved)).sum())
            independent = sum(part[index] * (size[index] - 1) / size[index] for part, size in zip(found.parts, found.sizes, strict=True))
            out[index] = effect_of(between, np.array(independent if independent > _NOTHING else 0.0), np.array(number), np.array(most), students=_of_both(sizes[0], sizes[1]))
        return out

    return effect


def _as_alike(counts: Counts, *denominators: Sequence[Cell]) -> Floats:
    """As if all rows of a cluster were always alike: no effect is larger where none can be had."""
    number, most = _support(counts, *denominators)
    return effect_of(most, np.zeros_like(most), number, most)


def _separation(counts: Counts, params: Params) -> Floats:
    """Of the difference of the shares of positives and of negatives that score no higher than where these are furthest apart, which is taken as it is."""
    found, clusters, cells = of_cells.separation(counts), _of(counts), counts.score_cells
    alike = _as_alike(counts, _POSITIVES, _NEGATIVES)
    if clusters.entries is None or cells is None:
        return alike
    below, slopes, independent = cells.order <= found.peak[cells.slice], np.zeros((3, len(counts.slices))), np.zeros(len(counts.slices))
    shares = np.zeros_like(slopes)
    for label, sign in ((POSITIVE, 1.0), (NEGATIVE, -1.0)):
        weight = _sum(counts.weight, (label,))
        shares[label] = divided(np.bincount(cells.slice, cells.weight * (below & (cells.label == label)), weight.size).astype(np.float64), weight)
        slopes[label] = divided(np.full_like(weight, sign), weight)
        independent = independent + shares[label] * (1 - shares[label]) * divided(_sum(counts.weight_sq, (label,)), weight**2)

    def moved(entries: Entries, places: Ints) -> Floats:
        out: Floats = np.nan_to_num(entries.weight * slopes[entries.label, places] * ((entries.order <= found.peak[places]) - shares[entries.label, places]))
        return out

    independent = np.where(independent > _NOTHING, independent, 0.0)
    return np.where(found.peak < 0, alike, effect_of(clusters.squared_sums(moved), independent, *_support(counts, _POSITIVES, _NEGATIVES)))


def _distance(counts: Counts, groups: Ints, references: Ints) -> Floats:
    """Of each slice's share of rows that score no higher than where it is furthest from the other; the largest, where a slice is compared with several."""
    found, clusters = of_cells.kolmogorov_smirnov(counts, groups, references), _of(counts)
    if clusters.entries is None:
        return _as_alike(counts, _EVERYBODY)
    out, (weight, weight_sq) = np.full(len(counts.slices), np.nan), (total(sums, _EVERYBODY) for sums in (counts.weight, counts.weight_sq))
    for side in (groups, references):
        hits, *sums = clusters.at_or_below(side, found.peak)
        np.fmax.at(out, side, effect_of_rate(np.minimum(hits, weight[side]), weight[side], weight_sq[side], *sums))
    return out


def _of_largest(gap: Floats, share: Floats) -> Floats:
    """Of the bin whose gap is largest, as far as its rows go."""
    largest = np.abs(gap) == np.abs(gap).max(axis=1, keepdims=True)
    return np.where(largest & (share > 0), np.sign(gap) / np.where(share > 0, share, 1.0), 0.0)


def _calibration_error(slope: Callable[[Floats, Floats], Floats], level: Callable[[Floats], Floats]) -> Callable[[Counts, Params], Floats]:
    """Of an error over bins: a row moves its bin's gap by what its own differs from it, and the shares of the bins by being in this one.

    Args:
        slope: how the error rises with each bin's gap times its share, from the gaps and shares, shape (slices, bins).
        level: how it rises with each bin's share, from the gaps.
    """

    def effect(counts: Counts, params: Params) -> Floats:
        found, cells = of_cells.bins_of(counts, params), counts.score_cells
        if found is None or cells is None or not cells.slice.size:
            return np.full(len(counts.slices), np.nan)
        gap = np.nan_to_num(divided(found.score - found.positive, found.weight))
        share = np.nan_to_num(divided(found.weight, found.weight.sum(axis=1, keepdims=True)))
        rises, above = slope(gap, share), level(gap) - (share * level(gap)).sum(axis=1, keepdims=True)

        def moved(owner: Ints, label: Ints, weight: Floats, score: Floats) -> Floats:
            """Of a row's weight."""
            mean = np.nan_to_num(divided(score, weight))
            place = np.clip(np.searchsorted(found.edges[1:-1], mean, side="right"), 0, gap.shape[1] - 1)
            return np.where(label == UNLABELLED, 0.0, rises[owner, place] * (mean - (label == POSITIVE) - gap[owner, place]) + above[owner, place])

        own = moved(cells.slice, cells.label, cells.weight, cells.score)
        independent = np.bincount(cells.slice, cells.weight_sq * own**2, len(counts.slices)).astype(np.float64)
        between = _of(counts).squared_sums(lambda entries, places: entries.weight * moved(places, entries.label, entries.weight, entries.score))
        return effect_of(between, np.where(independent > _NOTHING, independent, 0.0), *_support(counts, _LABELLED))

    return effect


def _log_loss(counts: Counts, params: Params) -> Floats:
    mean, square = of_cells.mean_log_loss(counts)
    finite = np.where(np.isfinite(mean), mean, np.nan)
    return _mean((NEGATIVE, POSITIVE), _LOSS, lambda *_: square, lambda _: finite)(counts, params)


def _demographic_disparity(counts: Counts, params: Params) -> Floats:
    """Of the difference of two shares of everyone, of those rejected and those selected."""
    if EVERYONE not in counts.slices:
        return np.full(len(counts.slices), np.nan)
    everyone = counts.index(EVERYONE)
    own, whole, independent = np.zeros((len(counts.slices), 3, 2)), np.zeros((len(counts.slices), 3, 2)), np.zeros(len(counts.slices))
    for decision, sign in ((REJECTED, 1.0), (SELECTED, -1.0)):
        weight, weight_sq = (sums[:, :, decision].sum(axis=1) for sums in (counts.weight, counts.weight_sq))
        share = divided(weight, np.full_like(weight, weight[everyone]))
        own[:, :, decision] = sign / weight[everyone]
        whole[:, :, decision] = -sign * share[:, None] / weight[everyone]
        independent = independent + share * (1 - share) * weight_sq[everyone] / weight[everyone] ** 2
    one, other = (np.nan_to_num(part.reshape(-1, DECIDED), posinf=0.0, neginf=0.0) for part in (own, whole))
    decided = _of(counts).products[:, :DECIDED, :DECIDED]
    between = (
        np.einsum("si,sij,sj->s", one, decided, one) + 2 * np.einsum("si,sij,sj->s", one, _beside(counts), other) + np.einsum("si,ij,sj->s", other, decided[everyone], other)
    )
    own, most = _support(counts, _EVERYBODY)
    weight, products = total(counts.weight, _EVERYBODY), _product(counts, _EVERYBODY, _EVERYBODY)
    part = divided(weight, np.full_like(weight, weight[everyone]))
    # As in `_support`: a row of the slice brings (1 − part)² and one of the others part².
    square = (1 - part) ** 4 * products + part**4 * np.maximum(products[everyone] - products, 0.0)
    number = np.where((own > _ONE) & (part < 1), divided((part * (1 - part) * weight[everyone]) ** 2, square), own)
    return effect_of(np.maximum(between, 0.0), np.nan_to_num(independent), number, most)


_EFFECTS: dict[str, Callable[[Counts, Params], Floats]] = {
    **{name: _of_value(name, _POSITIVES, _NEGATIVES) for name in ("balanced_accuracy", "informedness", "positive_likelihood_ratio", "negative_likelihood_ratio")},
    **{name: _of_value(name, _LABELLED) for name in ("matthews_correlation", "generalized_entropy_index", "theil_index", "coefficient_of_variation")},
    "f1": _of_value("f1", (TP, FP, FN)),
    "demographic_disparity": _demographic_disparity,
    "mean_score": _mean_score((NEGATIVE, POSITIVE, UNLABELLED)),
    "generalized_true_positive_rate": _mean_score((POSITIVE,)),
    "generalized_false_positive_rate": _mean_score((NEGATIVE,)),
    "calibration_in_the_large": _calibration_in_the_large,
    "calibration_ratio": _calibration_ratio,
    "coefficient_of_discrimination": _discrimination,
    "brier_score": _brier_score,
    "log_loss": _log_loss,
    "roc_auc": _roc_auc,
    "pr_auc": _precision(of_cells.average_precision),
    "scoring_rate": _scoring_rate,
    "bpsn_auc": _crossed_auc(NEGATIVE),
    "bnsp_auc": _crossed_auc(POSITIVE),
    "pr_auc_interpolated": _precision(of_cells.interpolated_precision),
    "ks_separation": _separation,
    "expected_calibration_error": _calibration_error(lambda gap, share: np.sign(gap), np.abs),
    "root_mean_square_calibration_error": _calibration_error(lambda gap, share: gap, lambda gap: gap**2 / 2),
    "maximum_calibration_error": _calibration_error(_of_largest, np.zeros_like),
}


def _of_two(one: str, other: str, sign: float, *denominators: Sequence[Cell]) -> Callable[..., Floats]:
    return lambda counts, *_: _of_cells(_combined(one, other, sign), *denominators)(counts, {})


_ODDS = ("true_positive_rate", "false_positive_rate")
_PAIRS: dict[str, Callable[[Counts, Ints, Ints], Floats]] = {
    "average_odds_difference": _of_two(*_ODDS, 1.0, _POSITIVES, _NEGATIVES),
    "average_predictive_value_difference": _of_two("positive_predictive_value", "false_omission_rate", 1.0, (TP, FP), (TN, FN)),
    "average_absolute_odds_difference": lambda counts, *_: np.fmax(*(_of_two(*_ODDS, sign, _POSITIVES, _NEGATIVES)(counts) for sign in (1.0, -1.0))),
    "kolmogorov_smirnov_distance": _distance,
}


def of_selection(counts: Counts) -> Floats:
    """Of the selection rate: what a reader is told of it all."""
    return of_share(counts, [(label, SELECTED) for label in (NEGATIVE, POSITIVE, UNLABELLED)], _EVERYBODY)
