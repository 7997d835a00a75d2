"""Intervals of calibration errors, which are too high on few rows: every true error that a test would not reject.

In each bin the observed gap, mean score − share positive, is known but for the labels' chance. So the distribution of the observed error is known whatever the true gaps are: of a
sum over bins by its first three cumulants, of the largest as a product over bins. A true error is rejected where the observed one lies in one of two tails of it, which are 5 %
together. Far from 0 they are 2.5 % each. At 0 nothing can be too small, and the upper one has all 5 %; in between they change into each other, so that near 0 an interval holds the
truth as often as elsewhere (Feldman & Cousins 1998, Phys. Rev. D 57:3873; unequal tails: Pratt 1961, JASA 56:549).

What an error does not tell, how it is spread over the bins, is taken from the observed gaps on the cautious side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincc, ndtr, ndtri, xlogy  # type: ignore[import-untyped]

from fairaudit.cube.counts import Counts
from fairaudit.evidence.intervals import Bounds
from fairaudit.evidence.rates import LEVEL, Z
from fairaudit.metrics.engines.cells import Bins, bins_of, divided
from fairaudit.types import Bools, Floats

_TAILS = 1 - LEVEL  # both together
_APART = 0.5  # standard errors from no error at all, from which on both tails are alike
_HALVINGS = 16  # so that ends are known to four or five digits
_SLACK = 0.75  # standard errors by which a gap may be larger, or smaller, than it looks, where another is the largest
_TIE = 1 / 8  # of a row: what is as large as the observed counts a little more than half, its mid-P (Lancaster 1961, JASA 56:223)
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

    @property
    def rows(self) -> Floats:
        """Effective ones; 1 in an empty bin."""
        return np.where(self.there, np.maximum(1 / np.where(self.there, self.rarity, 1.0), 1.0), 1.0)

    def rate(self, size: Floats) -> Floats:
        """The true share positive, if gaps are of this size."""
        return np.clip(np.where(self.below, self.score + size, self.score - size), 0.0, 1.0)

    def variance(self, size: Floats) -> Floats:
        """Of the observed gaps, if the true ones are of this size: the labels' chance at the rates that these gaps mean."""
        rate = self.rate(size)
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
    """Of Σ share · gap²: noncentral χ² of one degree of freedom each, and the chance by which rows fall into bins.

    A share positive of few rows has a square that varies more or less than a normal one's, by its third and fourth cumulants; the skewness is left as it is.
    """
    rate, chance, part = gaps.rate(size), gaps.share * gaps.variance(size), gaps.share * size**2
    true, one = part.sum(axis=1), np.where(gaps.there, rate * (1 - rate), 0.0)
    normal, sign = 2 * chance**2 + 4 * chance * part, np.where(gaps.below, 1.0, -1.0)
    binomial = gaps.share**2 * gaps.rarity**2 * one * (gaps.rarity * (1 - 6 * one) + 4 * size * sign * (1 - 2 * rate))
    varies, as_normal = np.maximum(normal + binomial, 0.0).sum(axis=1), np.maximum(normal.sum(axis=1), _TINY)
    shares = np.maximum((gaps.share * size**4).sum(axis=1) - true**2, 0.0) * gaps.of_slice
    return true, (part + chance).sum(axis=1), varies + shares, (8 * chance**3 + 24 * chance**2 * part).sum(axis=1) * (varies / as_normal) ** 1.5


def _at_least(observed: Floats, mean: Floats, variance: Floats, third: Floats) -> Floats:
    """How likely an error as large as the observed one is, by Pearson's third type of curve (Pearson 1959, Biometrika 46:364; Imhof 1961, Biometrika 48:419)."""
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
    """As above, but up to 1 the gaps that chance explains least come first, each growing over three standard errors."""
    apart = gaps.size / gaps.unit
    cut = (apart.max(axis=1) + 3) * (1 - place) - 3
    grown: Floats = gaps.size * np.clip((apart - cut[:, None]) / 3, 0.0, 1.0)
    return grown


def _shrunk(gaps: _Gaps, place: Floats) -> Floats:
    """As above, but up to 1 all gaps are smaller by the same number of standard errors, and none where that is more than they are."""
    apart = gaps.size / gaps.unit
    left = np.maximum(apart - (apart.max(axis=1) * (1 - place))[:, None], 0.0)
    shrunk: Floats = gaps.size * left / np.where(apart > 0, apart, 1.0)
    return shrunk


Path = Callable[[_Gaps, Floats], Floats]  # the gaps at places from 0, shape (slices,)


def _below(apart: Floats) -> Floats:
    """What the lower tail has of both, of an error so many standard errors from none."""
    share: Floats = _TAILS / 2 * np.clip(apart / _APART, 0.0, 1.0)
    return share


def _halved(low: Floats, high: Floats, beyond: Callable[[Floats], Bools]) -> Floats:
    """Just past the place between `low` and `high` up to which something is beyond it; `high` itself if all is."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        further = beyond(middle)
        low, high = np.where(further, middle, low), np.where(further, high, middle)
    return high


def _inverted(gaps: _Gaps, observed: Floats, statistic: Statistic, smaller: Path) -> Bounds:
    """The smallest and the largest true error that the observed one does not reject; the latter is never below the observed.

    Args:
        smaller: the gaps of errors below the observed one, at places up to 1; those above it are `_scaled`.
    """
    nowhere = np.zeros_like(observed)
    none = statistic(gaps, np.zeros_like(gaps.share))

    def below(found: Cumulants) -> Floats:
        return _below((found[1] - none[1]) / np.sqrt(np.maximum(none[2], _TINY)))

    def too_small(place: Floats) -> Bools:
        found = statistic(gaps, smaller(gaps, place))
        rejected: Bools = _at_least(observed, *found[1:]) < _TAILS - below(found)
        return rejected

    def not_too_large(place: Floats) -> Bools:
        """By the normal curve, whose tail on this side is the longer one: few rows count in steps, and none may be positive by chance."""
        found = statistic(gaps, _scaled(gaps, place))
        small: Bools = observed >= found[1] + ndtri(below(found)) * np.sqrt(np.maximum(found[2], _TINY))
        return small

    place = np.where(too_small(nowhere), _halved(nowhere, nowhere + 1.0, too_small), 0.0)
    lower = statistic(gaps, smaller(gaps, place))[0]
    place = _halved(nowhere, nowhere + 2.0, not_too_large)
    true, mean, variance, _ = statistic(gaps, _scaled(gaps, place))
    # Where gaps as large as can be are not rejected, what is left is the chance by which scores are drawn.
    upper = true + np.where(place >= 2, np.maximum(observed + Z * np.sqrt(variance) - mean, 0.0), 0.0)
    return np.minimum(lower, observed), np.maximum(upper, observed)


def _none(value: Floats) -> Bounds:
    return np.full_like(value, np.nan), np.full_like(value, np.nan)


def expected_error(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    found = bins_of(counts, params)
    return _inverted(_gaps(found), value, _absolute, _largest_first) if found else _none(value)


def root_mean_square_error(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    found = bins_of(counts, params)
    if found is None:
        return _none(value)
    lower, upper = _inverted(_gaps(found), value**2, _squared, _shrunk)
    return np.sqrt(lower), np.sqrt(upper)


def maximum_error(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    """Of the bins that hold rows: every largest error that a test of the largest excess does not reject; the upper end is never below the observed.

    The excess of a bin is how many standard errors its observed gap is above the error in question, so that one of few rows, which may be large by chance, counts little. Its largest is
    distributed as a product over bins (Chernozhukov, Lee & Rosen 2013, Econometrica 81:667, who call it precision-corrected, and likewise ask which bins may be the worst).
    """
    found = bins_of(counts, params)
    if found is None:
        return _none(value)
    gaps = _gaps(found)
    nothing = np.zeros_like(value)

    def too_small(error: Floats) -> Bools:
        at = _largest(gaps, error, _SLACK)
        # Where other bins may be as bad, the upper end is hardly ever too low, since it would have to be so in all of them: the tail above may then have the rest.
        lowest = np.maximum(ndtri(at.below)[:, None], -error[:, None] / np.where(at.worst, at.spread, np.inf).min(axis=1, keepdims=True))
        others = _inside(gaps, np.maximum(error[:, None] + lowest * at.spread, 0.0), np.minimum(gaps.size, at.most))
        too_low = at.below * np.where(at.worst, 1.0, others).prod(axis=1)
        rejected: Bools = 1 - _inside(gaps, at.limit, at.size, np.where(at.worst, -_TIE, 0.0)).prod(axis=1) < _TAILS - too_low
        return rejected

    def not_too_large(error: Floats) -> Bools:
        at = _largest(gaps, error, -_SLACK)
        kept: Bools = _inside(gaps, at.limit, at.size, np.where(at.worst, _TIE, 0.0)).prod(axis=1) >= at.below
        return kept

    lower = np.where(too_small(nothing), _halved(nothing, value, too_small), 0.0)
    return lower, _halved(value, np.maximum(gaps.room.max(axis=1), value), not_too_large)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Largest:
    """What a largest error means for each bin, arrays of shape (slices, bins) unless otherwise said."""

    most: Floats  # that a true gap can be
    size: Floats  # of the true gaps
    spread: Floats  # the standard error of a gap as large as the error
    worst: Bools  # whose excess is the largest
    limit: Floats  # the observed gap that would exceed as much
    below: Floats  # the lower tail, shape (slices,)


def _largest(gaps: _Gaps, error: Floats, slack: float) -> _Largest:
    """The worst bin has this error, the others have what they seem to have, moved by `slack` standard errors, as far as it is no more."""
    most = np.minimum(error[:, None], gaps.room)
    spread = np.sqrt(np.maximum(gaps.variance(most), _TINY))
    excess = np.where(gaps.there, (gaps.size - error[:, None]) / spread, -np.inf)
    largest = excess.max(axis=1, keepdims=True)
    size = np.where(excess == largest, most, np.clip(gaps.size + slack * gaps.unit, 0.0, most))
    # The largest of so many gaps of chance alone is beyond this number of standard errors in 5 % of samples, a single one beyond 1.645.
    by_chance = ndtri((1 + LEVEL ** (1 / np.maximum(gaps.there.sum(axis=1), 1))) / 2) - ndtri(LEVEL)
    apart = (size / np.sqrt(np.maximum(gaps.variance(np.zeros_like(size)), _TINY))).max(axis=1) - by_chance
    return _Largest(most=most, size=size, spread=spread, worst=excess == largest, limit=np.maximum(error[:, None] + largest * spread, 0.0), below=_below(apart))


def _inside(gaps: _Gaps, limit: Floats, size: Floats, more: Floats | float = 0.0) -> Floats:
    """How likely each bin's observed gap is within its limit, widened by `more` rows, if the true ones are of this size; 1 in an empty bin."""
    rows, rate = gaps.rows, gaps.rate(size)
    likely = _at_most(rows * (gaps.score + limit) + more, rows, rate) - _at_most(rows * (gaps.score - limit) - more, rows, rate)
    found: Floats = np.where(gaps.there, np.maximum(likely, 0.0), 1.0)
    return found


def _at_most(limit: Floats, rows: Floats, rate: Floats) -> Floats:
    """How likely at most so many of `rows` rows are positive, a curve through the binomial's steps: at k + ½ it is that of k, at k its mid-P. A step at either end is not cut.

    Source: Peizer & Pratt (1968), JASA 63:1416. The error is below 0.003, and up to 0.014 where less than two positives, or negatives, are expected.
    """
    positive, p = np.clip(limit, 0.5, rows - 0.5), np.clip(rate, 1e-12, 1 - 1e-12)
    bent = 1 + (1 - p) * _bend(positive / (rows * p)) + p * _bend((rows - positive) / (rows * (1 - p)))
    deviate = (positive + 1 / 6 - (rows + 1 / 3) * p) * np.sqrt(np.maximum(bent, 0.0) / ((rows + 1 / 6) * p * (1 - p)))
    return np.where(limit < 0, 0.0, np.where(limit >= rows, 1.0, ndtr(deviate)))


def _bend(ratio: Floats) -> Floats:
    """(1 − x² + 2x ln x) / (1 − x)², which cancels near 1."""
    near = np.abs(ratio - 1) < 1e-3
    x = np.where(near, 2.0, ratio)
    return np.where(near, (1 - ratio) / 3, (1 - x**2 + 2 * xlogy(x, x)) / (1 - x) ** 2)
