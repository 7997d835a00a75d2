"""Intervals of calibration errors, which are too high on few rows: every true error that a test would not reject.

In each bin the observed gap, mean score − share positive, is about normal around the true one, so the observed error is a sum of folded normals (of squares, where gaps
are squared), whose first three cumulants are known whatever the true gaps are. A true error is rejected where the observed one lies in either 2.5 % tail: the upper one by
Pearson's third type of curve through these cumulants (Pearson 1959, Biometrika 46:364; Imhof 1961, Biometrika 48:419), the lower one by the normal curve. What an error does
not tell, how it is spread over the bins, is taken from the observed gaps on the cautious side: for the lower end the largest gaps alone make it, so that chance explains as
much as it can; for the upper end all shrink alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, gammaincc, ndtr  # type: ignore[import-untyped]

from fairaudit.cube.counts import Counts
from fairaudit.evidence.intervals import Bounds
from fairaudit.evidence.rates import LEVEL, Z
from fairaudit.metrics.engines.cells import Bins, bins_of, divided
from fairaudit.types import Bools, Floats

_TAIL = (1 - LEVEL) / 2
_HALVINGS = 32  # of a stretch of length 2
_TINY = 1e-24  # where all is certain; its powers are still numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gaps:
    """The gap of each bin and what is known of its error, arrays of shape (slices, bins); 0 in an empty bin."""

    share: Floats  # of the weight
    score: Floats  # mean
    positive: Floats  # share positive
    rarity: Floats  # Σw² / (Σw)²: one over its effective rows
    within: Floats  # what scores that differ within the bin take off the variance
    there: Bools
    of_slice: Floats  # Σw² / (Σw)² of the slice, shape (slices,)

    @property
    def size(self) -> Floats:
        size: Floats = np.abs(self.score - self.positive)
        return size

    @property
    def below(self) -> Bools:
        """Whether the scores are too low; where there is no gap, on the side that has more room."""
        low: Bools = (self.score < self.positive) | ((self.score == self.positive) & (self.score < 0.5))
        return low

    @property
    def room(self) -> Floats:
        """How large a gap on that side can be."""
        return np.where(self.there, np.where(self.below, 1 - self.score, self.score), 0.0)

    def variance(self, size: Floats) -> Floats:
        """Of the observed gaps, if the true ones are of this size: the labels' chance at the rates that these gaps mean."""
        rate = np.clip(np.where(self.below, self.score + size, self.score - size), 0.0, 1.0)
        return np.where(self.there, np.maximum(self.rarity * rate * (1 - rate) + self.within, 0.0), 0.0)

    @property
    def unit(self) -> Floats:
        """The scale of a gap's error, never 0: a row, half of it positive, is added to those that the share positive rests on. Infinite in an empty bin."""
        rows = divided(np.ones_like(self.rarity), self.rarity)
        rate = np.where(self.there, (rows * self.positive + 0.5) / (rows + 1), 0.5)
        return np.where(self.there, np.sqrt(self.rarity * rate * (1 - rate)), np.inf)


def _gaps(found: Bins) -> _Gaps:
    there = found.weight > 0
    weight, total = np.where(there, found.weight, 1.0), found.weight.sum(axis=1)
    score, rarity = np.where(there, found.score / weight, 0.0), found.weight_sq / weight**2
    return _Gaps(
        share=found.weight / np.where(total > 0, total, np.nan)[:, None], score=score, positive=np.where(there, found.positive / weight, 0.0), rarity=rarity,
        within=found.noise / weight**2 - rarity * score * (1 - score), there=there, of_slice=divided(found.weight_sq.sum(axis=1), total**2),
    )  # fmt: skip


Cumulants = tuple[Floats, Floats, Floats, Floats]  # the true error, and mean, variance and third cumulant of the observed one; of shape (slices,)
Statistic = Callable[[_Gaps, Floats], Cumulants]


def _absolute(gaps: _Gaps, size: Floats) -> Cumulants:
    """Of Σ share · |gap|: folded normals (Leone, Nelson & Nottingham 1961, Technometrics 3:543), and the chance by which rows fall into bins."""
    deviation = np.sqrt(np.maximum(gaps.variance(size), _TINY))
    ratio = np.minimum(size / deviation, 1e9)
    density, inside = np.sqrt(2 / np.pi) * np.exp(-(ratio**2) / 2), 2 * ndtr(ratio) - 1
    mean = deviation * density + size * inside
    square = size**2 + deviation**2
    cube = (size**2 + 3 * deviation**2) * size * inside + (size**2 + 2 * deviation**2) * deviation * density
    true = (gaps.share * size).sum(axis=1)
    shares = np.maximum((gaps.share * size**2).sum(axis=1) - true**2, 0.0) * gaps.of_slice
    variance = (gaps.share**2 * np.maximum(square - mean**2, 0.0)).sum(axis=1) + shares
    return true, (gaps.share * mean).sum(axis=1), variance, (gaps.share**3 * (cube - 3 * mean * square + 2 * mean**3)).sum(axis=1)


def _squared(gaps: _Gaps, size: Floats) -> Cumulants:
    """Of Σ share · gap²: noncentral χ² of one degree of freedom each, and the chance by which rows fall into bins."""
    chance, part = gaps.share * gaps.variance(size), gaps.share * size**2
    true = part.sum(axis=1)
    shares = np.maximum((gaps.share * size**4).sum(axis=1) - true**2, 0.0) * gaps.of_slice
    return true, (part + chance).sum(axis=1), (2 * chance**2 + 4 * chance * part).sum(axis=1) + shares, (8 * chance**3 + 24 * chance**2 * part).sum(axis=1)


def _at_least(observed: Floats, mean: Floats, variance: Floats, third: Floats) -> Floats:
    """How likely an error as large as the observed one is, by Pearson's type III."""
    deviation = np.sqrt(np.maximum(variance, _TINY))
    skewness = np.maximum(third / deviation**3, 1e-3)
    shape = 4 / skewness**2
    likely: Floats = gammaincc(shape, np.maximum(shape + (observed - mean) / deviation * np.sqrt(shape), 0.0))
    return likely


def _scaled(gaps: _Gaps, place: Floats) -> Floats:
    """Gaps that grow with `place`: from none at 0 by the observed ones at 1 to the largest that can be at 2, past 1 in proportion to their errors."""
    size = gaps.size
    most = ((gaps.room - size) / gaps.unit).max(axis=1)
    beyond = np.where(gaps.there, (most * np.maximum(place - 1, 0.0))[:, None] * gaps.unit, 0.0)
    return np.minimum(size * np.minimum(place, 1.0)[:, None] + beyond, gaps.room)


def _largest_first(gaps: _Gaps, place: Floats) -> Floats:
    """As above, but up to 1 the gaps that chance explains least come first, each growing over one standard error."""
    apart = gaps.size / gaps.unit
    cut = (apart.max(axis=1) + 1) * (1 - np.minimum(place, 1.0)) - 1
    grown = gaps.size * np.clip(apart - cut[:, None], 0.0, 1.0)
    return np.where(place[:, None] <= 1, grown, _scaled(gaps, place))


Path = Callable[[_Gaps, Floats], Floats]  # the gaps at places from 0 to 2, shape (slices,)


def _inverted(gaps: _Gaps, observed: Floats, statistic: Statistic) -> Bounds:
    """The smallest and the largest true error that the observed one does not reject; the latter is never below the observed."""

    def end(path: Path, rejects: Callable[[Cumulants], Bools]) -> tuple[Floats, Floats]:
        """The places on both sides of where a path goes over from what is rejected to what is not, or back."""
        low, high = np.zeros_like(observed), np.full_like(observed, 2.0)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            before = rejects(statistic(gaps, path(gaps, middle)))
            low, high = np.where(before, middle, low), np.where(before, high, middle)
        return low, high

    def too_small(found: Cumulants) -> Bools:
        return _at_least(observed, *found[1:]) < _TAIL

    def not_too_large(found: Cumulants) -> Bools:
        """By the normal curve, whose tail on this side is the longer one: few rows count in steps, and none may be positive by chance."""
        _, mean, variance, _ = found
        small: Bools = observed >= mean - Z * np.sqrt(variance)
        return small

    by_chance = ~too_small(statistic(gaps, np.zeros_like(gaps.share)))
    lower = np.where(by_chance, 0.0, statistic(gaps, _largest_first(gaps, end(_largest_first, too_small)[1]))[0])
    place = end(_scaled, not_too_large)[0]
    true, mean, variance, _ = statistic(gaps, _scaled(gaps, place))
    # Where gaps as large as can be are not rejected, what is left is the chance by which scores are drawn.
    exhausted = place > 2 - 1e-6
    upper = true + np.where(exhausted, np.maximum(observed + Z * np.sqrt(variance) - mean, 0.0), 0.0)
    return np.minimum(lower, observed), np.maximum(upper, observed)


def _none(value: Floats) -> Bounds:
    return np.full_like(value, np.nan), np.full_like(value, np.nan)


def expected_error(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    found = bins_of(counts, params)
    return _inverted(_gaps(found), value, _absolute) if found else _none(value)


def root_mean_square_error(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    found = bins_of(counts, params)
    if found is None:
        return _none(value)
    lower, upper = _inverted(_gaps(found), value**2, _squared)
    return np.sqrt(lower), np.sqrt(upper)


def maximum_error(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    """Of the bins that hold rows, from Clopper and Pearson's limits of the share positive in each.

    The lower end holds for all bins at once (Šidák 1967, JASA 62:626). The upper need not: the largest of all upper ends is missed only where that of the worst bin is.
    """
    found = bins_of(counts, params)
    if found is None:
        return _none(value)
    gaps = _gaps(found)
    bins = np.maximum(gaps.there.sum(axis=1, keepdims=True), 1)
    least, most = _limits(gaps, (1 - (1 - _TAIL) ** (1 / bins)) / 2)
    lower = np.maximum(least - gaps.score, gaps.score - most)
    least, most = _limits(gaps, np.full_like(gaps.score, _TAIL))
    upper = np.maximum(gaps.score - least, most - gaps.score)
    return np.where(gaps.there, np.maximum(lower, 0.0), 0.0).max(axis=1), np.where(gaps.there, upper, 0.0).max(axis=1)


def _limits(gaps: _Gaps, tail: Floats) -> Bounds:
    """Clopper & Pearson 1934, Biometrika 26:404, on effective rows."""
    rows = np.where(gaps.there, 1 / np.where(gaps.there, gaps.rarity, 1.0), 1.0)
    positive, negative = rows * gaps.positive, rows * (1 - gaps.positive)
    lower = np.where(positive > 0, betaincinv(np.maximum(positive, _TINY), negative + 1, tail), 0.0)
    upper = np.where(negative > 0, betaincinv(positive + 1, np.maximum(negative, _TINY), 1 - tail), 1.0)
    return lower, upper
