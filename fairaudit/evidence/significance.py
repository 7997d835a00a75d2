"""Tests of "no disparity at all", and what many of them are worth together. Exact where there are counts; no chance anywhere.

scipy.stats takes over a second to import, so what a gate needs of it stands here, over scipy.special alone.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy.special import betainc, ndtr  # type: ignore[import-untyped]

from fairaudit.types import Bools, Floats, Ints

_FAR = 40.0  # standard deviations, and rows, from the mean
_EXACT = 2**31  # up to this many rows the products of counts are whole numbers in 64 bits


def fisher_lower(events: Ints, trials: Ints, all_events: Ints, all_trials: Ints) -> Floats:
    """One-sided exact test that a group has too few events: the hypergeometric P(X ≤ events) given the margins.

    Args:
        events, trials: of the group, shape (slices,), 0 ≤ events ≤ trials.
        all_events, all_trials: of the group and those it is tested against, together; shape (slices,).

    Returns:
        Tail probabilities, shape (slices,); NaN where one of the two sides has no rows.

    Source: Fisher (1935); the probability at `events` by Loader (2000), the tail by the ratio of neighbours, away from the mode.
    """
    x, n, r, total = (np.atleast_1d(np.asarray(part, dtype=np.int64)) for part in np.broadcast_arrays(events, trials, all_events, all_trials))
    # Above the mean the other tail is the small one: count the trials without an event instead.
    flipped = (x + 1.0) * total > r * (n + 1.0)
    low = np.where(flipped, n - x - 1, x)
    tail = _tail(low, n, np.where(flipped, total - r, r), total)
    p = np.where(flipped, 1 - tail, tail)
    return np.where((n > 0) & (n < total), np.clip(p, 0.0, 1.0), np.nan)


def fisher_upper(events: Ints, trials: Ints, all_events: Ints, all_trials: Ints) -> Floats:
    """One-sided exact test that a group has too many events: P(X ≥ events). As `fisher_lower`."""
    return fisher_lower(trials - events, trials, all_trials - all_events, all_trials)


def _tail(x: Ints, n: Ints, r: Ints, total: Ints) -> Floats:
    """P(X ≤ x) for x at or below the mode, shape (slices,)."""
    left = total - n - r + x  # the cell that is neither in the group nor an event
    possible = (x >= 0) & (left >= 0)
    sums = np.where(possible, 1.0, 0.0)
    open_, carry = np.flatnonzero(possible), np.ones(x.size)
    done, width = 0, 64
    while open_.size:
        step = done + np.arange(width, dtype=np.float64)
        i = open_[:, None]
        ratio = (x[i] - step) * (left[i] - step) / ((r[i] - x[i] + step + 1) * (n[i] - x[i] + step + 1))
        terms = carry[i] * np.cumprod(np.maximum(ratio, 0.0), axis=1)
        sums[open_] += terms.sum(axis=1)
        carry[open_] = terms[:, -1]
        open_ = open_[terms[:, -1] > 1e-17 * sums[open_]]
        done, width = done + width, min(2 * width, 4096)
    return np.where(possible, sums * np.exp(_log_probability(np.where(possible, x, 0), n, r, total, possible)), 0.0)


def hypergeometric(trials: int, all_events: int, all_trials: int, *, likely: bool = False) -> tuple[int, Floats]:
    """The least count of a group's events that the margins allow, and the probability of each from there on; of trials drawn from all, of which some are events.

    Args:
        likely: leave out counts that are less than 1e-30 times as likely as the likeliest: of millions of rows nearly all are.
    """
    least, most = max(0, trials + all_events - all_trials), min(trials, all_events)
    if likely:
        mean, share = trials * all_events / all_trials, all_events / all_trials
        reach = _FAR * (1 + math.sqrt(trials * share * (1 - share) * (all_trials - trials) / max(all_trials - 1, 1)))
        least, most = max(least, math.floor(mean - reach)), min(most, math.ceil(mean + reach))
    counts = np.arange(least, most + 1)
    n, r, total = (np.full(counts.size, one, dtype=np.int64) for one in (trials, all_events, all_trials))
    return int(counts[0]), np.exp(_log_probability(counts, n, r, total, np.ones(counts.size, dtype=bool)))


def _log_probability(x: Ints, n: Ints, r: Ints, total: Ints, possible: Bools) -> Floats:
    """ln of the hypergeometric probability of x, to some 1e-15 × its size, where logarithms of factorials would cancel.

    All four cells are off their expectation by the same δ; each part is that deviation's, not a difference of large numbers.

    Source: Loader (2000), Fast and Accurate Computation of Binomial Probabilities, in the form symmetric in the table's cells.
    """
    whole = total.astype(np.float64)
    cells = np.stack((x, r - x, n - x, total - r - n + x))
    rows, columns = np.stack((r, r, total - r, total - r)), np.stack((n, total - n, n, total - n))
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.where(total < _EXACT, (x * total - r * n) / whole, x - r * (n / whole))
        parts = _stirling(np.concatenate((rows[[0, 2]], columns[:2], cells, total[None])))
        log = parts[:4].sum(axis=0) - parts[4:].sum(axis=0)
        log = log - _deviance(cells.astype(np.float64), rows * (columns / whole), np.stack((off, -off, -off, off))).sum(axis=0)
    return np.where(possible, log, -np.inf)


def _stirling(count: Ints) -> Floats:
    """ln n! − (n ln n − n), the part that Stirling's leading terms lack; 0 for n = 0."""
    n = np.maximum(count, 1).astype(np.float64)
    square = n * n
    series = (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / 1188 / square) / square) / square) / square) / n
    return np.where(count < _SMALL.size, _SMALL[np.clip(count, 0, _SMALL.size - 1)], series + 0.5 * np.log(2 * np.pi * n))


_SMALL = np.array([0.0, *(math.lgamma(n + 1) - (n * math.log(n) - n) for n in range(1, 20))])


def _deviance(x: Floats, mean: Floats, off: Floats) -> Floats:
    """x ln(x / mean) − (x − mean), given off = x − mean exactly; `mean` where x is 0."""
    v = off / (x + mean)
    square = v * v
    odd = np.zeros_like(v)
    for k in range(10, 0, -1):
        odd = (odd + 1 / (2 * k + 1)) * square
    near = off * v + 2 * x * v * odd
    far = np.where(x > 0, x * np.log(np.where(x > 0, x, 1.0) / mean), 0.0) - off
    return np.where(mean <= 0, 0.0, np.where(np.abs(v) < 0.1, near, far))


def effective_lower(events: Floats, trials: Floats, other_events: Floats, other_trials: Floats) -> Floats:
    """One-sided test that a group has too few events, where counts are effective and not whole: rows carry weights, or come in clusters.

    Given the margins the group's events are about hypergeometric, with the variance n p̄ q̄ m / (n + m). A binomial of n (n + m) / m trials at the pooled rate p̄ has the same mean and variance as a
    rate, and like it a longer tail on the side of the rarer outcome; its tail is taken where events need not be whole. A z-test there says 0.001 five to ten times too often. It is taken of
    the smaller side, on which chance rests: that a large group has too few is that the few others have too many.

    Args:
        events, trials: of the group, effective ones; shape (groups,).
        other_events, other_trials: of those it is tested against.

    Returns:
        Tail probabilities; 1 where nothing varies; NaN where a side has no rows.

    Source: the tail of a binomial as an incomplete beta function, Abramowitz & Stegun (1964), 26.5.24; simulated by `python -m benchmarks.runs`.
    """
    x, n, y, m = (np.asarray(part, dtype=np.float64) for part in np.broadcast_arrays(events, trials, other_events, other_trials))
    return np.where(n <= m, _too_few(x, n, y, m), _too_few(m - y, m, n - x, n))


def _too_few(events: Floats, n: Floats, other_events: Floats, m: Floats) -> Floats:
    """Of n trials, beside m others that are as many or more."""
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = np.clip((events + other_events) / (n + m), 0.0, 1.0)
        size = n * (n + m) / m
        missed = size * (1 - events / n)  # without an event
        tail = betainc(np.maximum(missed, np.finfo(float).tiny), size - missed + 1, 1 - pooled)
    varies = (pooled > 0) & (pooled < 1) & (missed > 0)
    return np.where((n > 0) & (m > 0), np.where(varies, tail, 1.0), np.nan)


def effective_upper(events: Floats, trials: Floats, other_events: Floats, other_trials: Floats) -> Floats:
    """One-sided test that a group has too many events. As `effective_lower`."""
    return effective_lower(trials - events, trials, other_trials - other_events, other_trials)


def holm(p: Floats) -> Floats:
    """Adjusted p-values: rejecting those at or below α keeps the chance of any false rejection at α. NaN stays and is not counted.

    Source: Holm (1979), Scand. J. Stat. 6:65.
    """
    adjusted = np.full(p.shape, np.nan)
    order = np.argsort(p, kind="stable")[: np.count_nonzero(~np.isnan(p))]  # NaN sorts last
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * holm_factors(p)[order]), 1.0)
    return adjusted


def holm_factors(p: Floats) -> Floats:
    """What Holm multiplies each p-value by: the number of tests for the smallest, and one less for each that follows; NaN stays."""
    factors = np.full(p.shape, np.nan)
    order = np.argsort(p, kind="stable")[: np.count_nonzero(~np.isnan(p))]
    factors[order] = np.arange(order.size, 0, -1)
    return factors


def benjamini_hochberg(p: Floats) -> Floats:
    """Adjusted p-values: of those at or below α, at most the share α is expected to be false. To rank long lists; a gate has `holm`.

    NaN stays and is not counted.

    Source: Benjamini & Hochberg (1995), J. R. Stat. Soc. B 57:289.
    """
    adjusted = np.full(p.shape, np.nan)
    order = np.argsort(p, kind="stable")[: np.count_nonzero(~np.isnan(p))]
    factors = order.size / np.arange(1, order.size + 1)
    adjusted[order] = np.minimum(np.minimum.accumulate((p[order] * factors)[::-1])[::-1], 1.0)
    return adjusted


_GRID = np.linspace(-10.0, 10.0, 321)


def studentized_range_sf(q: Floats, groups: int) -> Floats:
    """P(Q > q) for the range of `groups` standard normal values: the studentized range at infinite degrees of freedom.

    Args:
        q: any shape; where q ≤ 0 the answer is 1, and NaN stays.
        groups: at least 2.

    Source: Tukey; Miller (1981), Simultaneous Statistical Inference, ch. 2. Trapezoids on a smooth integrand that dies out at both ends.
    """
    shape, flat = np.shape(q), np.maximum(np.ravel(q), 0.0)
    z = flat[:, None] / 2 + _GRID
    highest = ndtr(z)
    with np.errstate(divide="ignore"):
        # 1 − (1 − a)^(k−1), which keeps its digits where a is small.
        missed = -np.expm1((groups - 1) * np.log1p(-np.minimum(ndtr(z - flat[:, None]) / highest, 1.0)))
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) * highest ** (groups - 1)
    tail = groups * (density * missed).sum(axis=1) * (_GRID[1] - _GRID[0])
    out: Floats = np.minimum(np.where(flat > 0, tail, 1.0) + 0 * flat, 1.0)
    return out.reshape(shape)


@lru_cache(maxsize=4096)
def studentized_range_quantile(alpha: float, groups: int) -> float:
    """The q that the range of `groups` standard normal values passes with probability `alpha`, to 1e-12."""
    low, high = 0.0, 80.0
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        if float(studentized_range_sf(np.array(middle), groups)) > alpha:
            low = middle
        else:
            high = middle
    return (low + high) / 2
