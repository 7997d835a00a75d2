"""Intervals of the largest distance between two distribution functions, which is too large on few rows: every true distance that a test would not reject.

The observed distance is that of the true difference, as a function of the score, with chance added: a Brownian bridge, whose clock runs from 0 where nobody scores lower
to 1 where everybody does. The true difference is 0 at both ends and as large as said at its peak. In between it is taken to be a roof over the clock; how likely a
bridge stays below a line that it starts under is known in closed form on either side of the peak (Siegmund 1986, Annals of Statistics 14:361), so how likely it stays below
a distance is an integral over its height at the peak. Without a difference the test is Smirnov's.

Where scores take few values, fewer heights of the bridge are seen and its highest is lower: a distance is then as likely as one that is larger by a part of a step would be if all were seen.
For the upper end that is reckoned with (Broadie, Glasserman & Kou 1997, Math. Finance 7:325); the lower one is cautious there, as Smirnov's test is.
"""

from __future__ import annotations

import numpy as np
from scipy.special import erfcx, ndtr  # type: ignore[import-untyped]

from fairaudit.cube.counts import Counts
from fairaudit.evidence.intervals import Bounds
from fairaudit.evidence.rates import LEVEL
from fairaudit.metrics.engines import cells
from fairaudit.metrics.engines.cells import Distances
from fairaudit.types import Bools, Floats, Ints

_WRONG = 1 - LEVEL
_HALVINGS = 40
# How much of its height a true difference loses from its peak to the ends, for all that the test can see of it: where it is flat, chance finds more room.
_FLAT, _STEEP = 0.5, 0.75  # where an observed distance is too large for it, and too small
_UNSEEN = 0.5826  # of a step's standard deviation: −ζ(½) / √(2π)


def ks_separation(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    return _bounds(cells.separation(counts))


def kolmogorov_smirnov(counts: Counts, groups: Ints, references: Ints) -> Bounds:
    return _bounds(cells.kolmogorov_smirnov(counts, groups, references))


def _bounds(found: Distances) -> Bounds:
    """True distances between which the observed one is not in the 5 % that are least expected.

    2.5 % on each side; less on the lower side for a true distance that chance hardly ever makes smaller, and as much more on the upper one, so that the interval holds the observed distance.
    """
    observed, none = found.value, np.zeros_like(found.value)

    def too_large(true: Floats) -> Bools:
        rejects: Bools = 1 - _smaller(observed, true, found, _FLAT) < _WRONG - _lower_tail(true, found)
        return rejects

    def too_small(true: Floats) -> Bools:
        rejects: Bools = _seen_smaller(observed, true, found) < _lower_tail(true, found)
        return rejects

    low, high = none, observed
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        rejected = too_large(middle)
        low, high = np.where(rejected, middle, low), np.where(rejected, high, middle)
    lower = np.where(too_large(none), high, 0.0)
    low, high = observed, np.ones_like(observed)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        rejected = too_small(middle)
        low, high = np.where(rejected, low, middle), np.where(rejected, middle, high)
    known = np.isfinite(observed)
    return np.where(known, lower, np.nan), np.where(known, low, np.nan)


def _lower_tail(true: Floats, found: Distances) -> Floats:
    """How much of the error goes to observed distances that are too small for this true one."""
    tail: Floats = np.minimum(_WRONG / 2, _seen_smaller(true, true, found))
    return tail


def _seen_smaller(distance: Floats, true: Floats, found: Distances) -> Floats:
    """How likely the observed distance is below one, of as few scores as there are."""
    return _smaller(distance + _UNSEEN * np.sqrt(found.rarity * found.grain), true, found, _STEEP)


def _smaller(distance: Floats, true: Floats, found: Distances, slope: float) -> Floats:
    """How likely the observed distance is below one, if the true one is this; as if its two signs were independent, at most the smaller distances err by that."""
    up, down = _stays_below(distance, np.stack([true, -true]), found, slope)
    below: Floats = up * down
    return below


def _stays_below(distance: Floats, height: Floats, found: Distances, slope: float) -> Floats:
    """How likely a bridge on each of some roofs of this height, shape (roofs, slices), stays below a distance. All at once, since NumPy takes longer to be called than to do it for few slices.

    Given its height at the peak, it crosses neither line with (1 − e^(−2hu/τ)) (1 − e^(−2hu/(1 − τ))), where u is what is left to the distance there, h what is left to it at
    the ends of the roof, and τ the clock at the peak; u is normal.
    """
    deviation = np.sqrt(found.variance)
    clock = 0.5 - np.sqrt(np.maximum(0.25 - found.variance / found.rarity, 0.0))
    left, ends = distance - height, np.maximum(distance - (1 - slope) * height, 0.0)
    one, other = (2 * ends / (part * found.rarity) for part in (clock, 1 - clock))
    of_one, of_other, of_both = _decayed(np.stack([one, other, one + other]), left, deviation)
    stays = ndtr(left / deviation) - of_one - of_other + of_both
    chance: Floats = np.clip(stays, 0.0, 1.0)
    return chance


def _decayed(rate: Floats, mean: Floats, deviation: Floats) -> Floats:
    """The mean of e^(−rate · u) where a normal u is above 0, and of 0 where it is not."""
    far = (rate * deviation - mean / deviation) / np.sqrt(2)
    near = np.exp(np.minimum(-rate * mean + (rate * deviation) ** 2 / 2, 0.0)) * ndtr(-far * np.sqrt(2))
    return np.where(far > 0, np.exp(-((mean / deviation) ** 2) / 2) * erfcx(np.maximum(far, 0.0)) / 2, near)
