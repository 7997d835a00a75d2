"""The exact test that a group has as many events as everybody else within strata: Fisher's, stratum by stratum, of all strata together."""

from __future__ import annotations

import math

import numpy as np
from scipy.signal import fftconvolve  # type: ignore[import-untyped]
from scipy.special import ndtr  # type: ignore[import-untyped]

from fairaudit.evidence.significance import hypergeometric
from fairaudit.types import Floats, Ints

_NOTHING = 1e-30  # of the likeliest count, below which one is left out at the ends
_ROUNDED = 1e-16  # the same, where many counts were multiplied by Fourier's transform, which is right to so much of the likeliest
_MANY = 2**26  # products of chances; multiplied one by one they take a tenth of a second
_NORMAL = 1e8  # a variance of the sum from which it is normal to five digits: that of some 400 million rows


def stratified_lower(events: Ints, trials: Ints, all_events: Ints, all_trials: Ints) -> Floats:
    """One-sided: P(Σ X ≤ Σ events), where X is hypergeometric in each stratum given its margins; shape (groups,).

    Args:
        events, trials: of the group in each stratum, shape (groups, strata), 0 ≤ events ≤ trials.
        all_events, all_trials: of the group and those it is tested against, together; shape (groups, strata).

    Returns:
        Tail probabilities; NaN where no stratum has rows of both sides.

    Of hundreds of millions of rows it is the normal limit with a correction for continuity.

    Source: the exact form of the Mantel–Haenszel test, Birch (1964), J. R. Stat. Soc. B 26:313; Mehta, Patel & Gray (1985), JASA 80:969.
    """
    parts = (np.asarray(part, dtype=np.int64) for part in (events, trials, all_events, all_trials))
    return np.array([_lower(*(part[used] for part in group)) for group, used in _groups(*parts)], dtype=np.float64)


def stratified_upper(events: Ints, trials: Ints, all_events: Ints, all_trials: Ints) -> Floats:
    """One-sided: P(Σ X ≥ Σ events). As `stratified_lower`."""
    return stratified_lower(trials - events, trials, all_trials - all_events, all_trials)


def _groups(*parts: Ints) -> list[tuple[tuple[Ints, ...], Ints]]:
    """The four counts of each group, and the strata in which both sides have rows."""
    return [(group, np.flatnonzero((group[1] > 0) & (group[1] < group[3]))) for group in zip(*parts, strict=True)]


def _lower(events: Ints, trials: Ints, all_events: Ints, all_trials: Ints) -> float:
    if not events.size:
        return np.nan
    share = all_events / all_trials
    spread = float((trials * share * (1 - share) * (all_trials - trials) / np.maximum(all_trials - 1, 1)).sum())
    if spread > _NORMAL:
        return float(ndtr((events.sum() + 0.5 - (trials * share).sum()) / math.sqrt(spread)))
    least, chances = 0, np.ones(1)
    for n, r, total in zip(trials.tolist(), all_events.tolist(), all_trials.tolist(), strict=True):
        first, own = _distribution(n, r, total)
        before, chances = _likely(*_sum(chances, own))
        least += first + before
    at = int(events.sum()) - least + 1  # how many of the counts are no more than the observed one
    below, above = chances[: max(at, 0)].sum(), chances[max(at, 0) :].sum()
    return float(below if below <= above else 1 - above)  # the smaller of the two keeps its digits


def _distribution(n: int, r: int, total: int) -> tuple[int, Floats]:
    """The hypergeometric distribution of one stratum from its first likely count on."""
    least, chance = hypergeometric(n, r, total, likely=True)
    before, likely = _likely(chance, _NOTHING)
    return least + before, likely


def _sum(one: Floats, other: Floats) -> tuple[Floats, float]:
    """The distribution of two counts together, and what of its likeliest is nothing."""
    if one.size * other.size <= _MANY:
        return np.convolve(one, other), _NOTHING
    return np.maximum(fftconvolve(one, other), 0.0), _ROUNDED


def _likely(chance: Floats, nothing: float) -> tuple[int, Floats]:
    """The counts from the first likely one to the last, and how many are left out before them."""
    likely = np.flatnonzero(chance >= nothing * chance.max())
    return int(likely[0]), chance[likely[0] : likely[-1] + 1]
