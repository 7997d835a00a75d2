"""Two groups compared within strata, and what the strata say together; all groups of a slicing at once.

A table is one group against a reference in one stratum: events a of n among the group, c of m among the reference, N = n + m. Arrays have shape
(groups, strata); a stratum in which a side has no rows says nothing, and sums leave it out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np
from scipy.special import chdtrc  # type: ignore[import-untyped]

from fairaudit.evidence.intervals import Bounds, Estimate, mover_r, proportion
from fairaudit.evidence.rates import LEVEL, Z
from fairaudit.metrics.engines.cells import divided
from fairaudit.types import Bools, Floats

_ENOUGH = 2.0  # rows, from which a variance can be had
_LENT = 4.0  # rows, to the shares of those selected in a stratum, who may be few: with none, two strata of ten held the truth in 85 to 90 %
_ROUNDING = 1e-12  # a variance of a logarithm that is 0 but for rounding
_EXPECTED = 5.0  # rows in a cell, from which Breslow and Day's test is taken to hold


@dataclass(frozen=True, slots=True)
class Tables:
    """Events and trials of both sides, four arrays of shape (groups, strata); effective rows where there are weights. How sure one is rests on them.

    Values rest on weights: a stratum counts for what its rows weigh, not for as many as they are worth.
    """

    events: Floats
    trials: Floats
    other_events: Floats
    other_trials: Floats
    weight: Floats | None = None  # of the trials; None where rows have none, and each weighs 1
    other_weight: Floats | None = None

    @property
    def used(self) -> Bools:
        """Where both sides have rows."""
        return np.asarray((self.trials > 0) & (self.other_trials > 0))

    @property
    def total(self) -> Floats:
        """N; 1 where a side is empty, so that it can divide."""
        return np.where(self.used, self.trials + self.other_trials, 1.0)

    @property
    def weights(self) -> tuple[Floats, Floats]:
        """What the trials of both sides weigh."""
        return (self.trials, self.other_trials) if self.weight is None or self.other_weight is None else (self.weight, self.other_weight)

    @property
    def scale(self) -> Floats:
        """How much more a stratum counts by its weights than by its effective rows, nm/N of both; 1 where a side is empty."""
        (one, other), (n, m) = self.weights, (self.trials, self.other_trials)
        return np.where(self.used, divided(one * other * self.total, np.where(self.used, (one + other) * n * m, 1.0)), 1.0)


    def at(self, groups: Any) -> Tables:
        """Some of the groups, by anything that indexes an array and leaves its shape."""
        one, other = (None if part is None else part[groups] for part in (self.weight, self.other_weight))
        return Tables(self.events[groups], self.trials[groups], self.other_events[groups], self.other_trials[groups], weight=one, other_weight=other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """Arrays of shape (groups,); NaN where there is none."""

    value: Floats
    bounds: Bounds | None = None
    p: Floats | None = None


def _sum(tables: Tables, values: Any) -> Floats:
    """Over the strata where both sides have rows."""
    out: Floats = np.where(tables.used, values, 0.0).sum(axis=1)
    return out


def weighted_mean(weights: Floats, used: Bools, *sides: tuple[Floats, Floats], rows: Floats, lent: float = 0.0) -> Pooled:
    """Σ w (group − reference) / Σ w over the used strata, or of the group alone.

    Its interval is MOVER's of both sides' means, and of the weights: other people would have been of other strata.

    Args:
        sides: events and trials of the group, and of the reference if there is one; each of shape (groups, strata).
        rows: how many rows the weights are counted from, shape (groups,).
        lent: rows at the mean that each stratum's rate is drawn by before its variance is taken; 0 where rates may differ much.

    Source: Zou & Donner (2008), Stat. Med. 27:1693, for a difference of independent estimates.
    """
    share = divided(np.where(used, weights, 0.0), np.where(used, weights, 0.0).sum(axis=1, keepdims=True))
    value, below, above = (np.zeros(share.shape[0]) for _ in range(3))
    rates, variances = np.zeros(share.shape), np.zeros(share.shape)
    for sign, (events, trials) in zip((1.0, -1.0), sides, strict=False):
        rate = np.where(used, divided(events, trials), 0.0)
        mean, variance = _mean_rate(share, used, rate, trials, lent)
        arms = [(mean.value - end) ** 2 for end in (mean.lower, mean.upper)]
        value, below, above = value + sign * mean.value, below + arms[sign < 0], above + arms[sign > 0]
        rates, variances = rates + sign * rate, variances + variance
    # The spread of the strata's own values, less what chance alone spreads them.
    spread = np.maximum((share * ((rates - value[:, None]) ** 2 - variances)).sum(axis=1), 0.0)
    otherwise = Z**2 * divided(spread, rows)
    least = -1.0 if len(sides) > 1 else 0.0
    return Pooled(value=value, bounds=(np.clip(value - np.sqrt(below + otherwise), least, 1.0), np.clip(value + np.sqrt(above + otherwise), least, 1.0)))


def _mean_rate(share: Floats, used: Bools, rate: Floats, trials: Floats, lent: float, *, level: float = LEVEL) -> tuple[Estimate, Floats]:
    """Σ share · rate with Wilson's interval, of as many rows as would be as certain of one rate; and each stratum's variance.

    The variance is unbiased where rates are alike, and without `lent` wherever, so that it may be summed over many small strata. That the mean's own square leans as well is the 1, by which
    one stratum has Wilson's interval.
    """
    mean = (share * rate).sum(axis=1)
    binomial, size = mean * (1 - mean), np.maximum(trials, 1.0)
    square = np.where(used, share**2 / size, 0.0)
    of_one_rate = square.sum(axis=1)
    nearer = (rate * size + lent * mean[:, None]) / (size + lent)
    spread = ((size + lent * share) ** 2 / size + lent**2 * (of_one_rate[:, None] - square)) / (size + lent) ** 2  # of `nearer`, as a part of the variance of one row
    # Of one row no variance can be had: it is taken to be as everybody's.
    own = np.where(size + lent >= _ENOUGH, divided(nearer * (1 - nearer), size * (1 - spread)), binomial[:, None] / size)
    variance = np.where(used, own, 0.0)
    of_mean = (share**2 * variance).sum(axis=1)
    worth = np.where(of_mean > 0, 1 + divided(binomial, of_mean), divided(np.ones_like(mean), of_one_rate))
    return proportion(mean * worth, worth, level=level), variance


def conditional_difference(tables: Tables) -> Pooled:
    """The mean of the strata's differences of rates, weighted by both sides' rows, or by what these weigh.

    Source: Kamiran, Žliobaitė & Calders (2013), Knowl. Inf. Syst. 35:613.
    """
    one, other = tables.weights
    return _mean_difference(tables, np.where(tables.used, one + other, 0.0))


def _mean_difference(tables: Tables, weights: Floats) -> Pooled:
    square = _sum(tables, sum(weight**2 / np.where(tables.used, size, 1.0) for weight, size in zip(tables.weights, (tables.trials, tables.other_trials), strict=True)))
    rows = divided(_sum(tables, sum(tables.weights)) ** 2, square)  # of both sides together, effective ones: (Σw)²/Σw²
    return weighted_mean(weights, tables.used, (tables.events, tables.trials), (tables.other_events, tables.other_trials), rows=rows)


def standardized_rate(everybody: Floats, events: Floats, trials: Floats, rows: Floats) -> Pooled:
    """Each group's rate if it were spread over the strata as everybody is; NaN where a stratum lacks the group.

    Args:
        everybody: the weight of everybody in each stratum; this, events and trials of shape (groups, strata).
        rows: everybody's, shape (groups,).
    """
    there = trials > 0
    found = weighted_mean(everybody, there, (events, trials), rows=rows)
    return _only(there.all(axis=1), found)


def demographic_disparity(everybody: Floats, rejected: tuple[Floats, Floats], selected: tuple[Floats, Floats], rows: Floats) -> Pooled:
    """Each group's share of the rejected less its share of the selected within strata, averaged by the strata's rows.

    Args:
        rejected, selected: the group's, and everybody's; as events and trials, of shape (groups, strata). A stratum without both says nothing.

    Source: Wachter, Mittelstadt & Russell (2021), Comput. Law Secur. Rev. 41:105567.
    """
    return weighted_mean(everybody, (rejected[1] > 0) & (selected[1] > 0), rejected, selected, rows=rows, lent=_LENT)


def _only(where: Bools, found: Pooled) -> Pooled:
    lower, upper = found.bounds or (found.value, found.value)
    return Pooled(value=np.where(where, found.value, np.nan), bounds=(np.where(where, lower, np.nan), np.where(where, upper, np.nan)))


def mantel_haenszel_odds_ratio(tables: Tables) -> Pooled:
    """Σ a(m − c)/N ÷ Σ c(n − a)/N, of weights where there are some; the variance is that of effective rows, each stratum as much as it counts.

    Source: Mantel & Haenszel (1959), JNCI 22:719; the variance of its logarithm: Robins, Breslow & Greenland (1986), Biometrics 42:311.
    """
    a, b, c, d = _cells(tables)
    r, s, p, q = a * d / tables.total, b * c / tables.total, (a + d) / tables.total, (b + c) / tables.total
    scale = tables.scale
    top, bottom, square = _sum(tables, scale * r), _sum(tables, scale * s), scale**2
    value = divided(top, bottom)
    variance = (
        divided(_sum(tables, square * p * r), 2 * top**2) + divided(_sum(tables, square * (p * s + q * r)), 2 * top * bottom) + divided(_sum(tables, square * q * s), 2 * bottom**2)
    )
    return Pooled(value=value, bounds=_on_logarithms(value, variance))


def mantel_haenszel_risk_ratio(tables: Tables, *, level: float = LEVEL) -> Pooled:
    """Σ a m/N ÷ Σ c n/N; weights as in `mantel_haenszel_odds_ratio`.

    Both sums are weighted sums of the strata's rates, by n m/N. Where the logarithm has no variance, as where nobody of the group was selected, the interval is MOVER-R's of the two weighted means.

    Source: Greenland & Robins (1985), Biometrics 41:55, with the variance of its logarithm; Donner & Zou (2012), as `intervals.mover_r`.
    """
    top, bottom, variance = risk_ratio_parts(tables)
    value = divided(top, bottom)
    lower, upper = _on_logarithms(value, variance, z=NormalDist().inv_cdf((1 + level) / 2))
    without = np.isnan(lower) & np.isfinite(value)
    if without.any():
        some = tables.at(without)
        group, reference = mean_rates(some, some.scale * some.trials * some.other_trials / some.total, level=level)
        lower[without], upper[without] = mover_r(group, reference)
    return Pooled(value=value, bounds=(lower, upper))


def risk_ratio_parts(tables: Tables) -> tuple[Floats, Floats, Floats]:
    """Σ a m/N, Σ c n/N, and the variance of the logarithm of their ratio; each stratum as much as it counts."""
    a, _, c, _ = _cells(tables)
    n, m, total, scale = tables.trials, tables.other_trials, tables.total, tables.scale
    top, bottom = _sum(tables, scale * a * m / total), _sum(tables, scale * c * n / total)
    return top, bottom, divided(_sum(tables, scale**2 * (n * m * (a + c) - a * c * total) / total**2), top * bottom)


def mean_rates(tables: Tables, weights: Floats, *, level: float) -> tuple[Estimate, Estimate]:
    """Of the group and of the reference, the mean of the strata's rates by the weights, with Wilson's interval of as many rows as would be as certain."""
    share = divided(np.where(tables.used, weights, 0.0), _sum(tables, weights)[:, None])
    sides = ((tables.events, tables.trials), (tables.other_events, tables.other_trials))
    group, reference = (_mean_rate(share, tables.used, np.where(tables.used, divided(events, trials), 0.0), trials, 0.0, level=level)[0] for events, trials in sides)
    return group, reference


def mantel_haenszel_risk_difference(tables: Tables) -> Pooled:
    """Σ (a m − c n)/N ÷ Σ n m/N; weights as in `mantel_haenszel_odds_ratio`.

    Its interval is the wider of two on each side: by Sato's variance, and by MOVER as a weighted mean of differences. Sato's alone is a point where nobody or everybody was selected,
    and held the truth in 80 to 92 % of data sets of two strata of few rows; MOVER's alone is narrower than his where rows are fewer still.

    Source: Greenland & Robins (1985), Biometrics 41:55; the variance, good for few large and many small strata: Sato (1989), Biometrics 45:1323.
    """
    top, whole, variance = risk_difference_parts(tables)
    value = divided(top, whole)
    reach = Z * np.sqrt(np.maximum(variance, 0.0))
    mover = _mean_difference(tables, np.where(tables.used, tables.scale * tables.trials * tables.other_trials / tables.total, 0.0)).bounds
    if mover is None:
        raise ValueError("a mean of rates has an interval")
    return Pooled(value=value, bounds=(np.maximum(np.minimum(value - reach, mover[0]), -1.0), np.minimum(np.maximum(value + reach, mover[1]), 1.0)))


def risk_difference_parts(tables: Tables) -> tuple[Floats, Floats, Floats]:
    """Σ (a m − c n)/N, Σ n m/N, and Sato's variance of their ratio; each stratum as much as it counts."""
    a, b, c, d = _cells(tables)
    n, m, total, scale = tables.trials, tables.other_trials, tables.total, tables.scale
    top, whole = _sum(tables, scale * (a * m - c * n) / total), _sum(tables, scale * n * m / total)
    p = (n**2 * c - m**2 * a + n * m * (m - n) / 2) / total**2
    q = (a * d + c * b) / (2 * total)
    return top, whole, divided(divided(top, whole) * _sum(tables, scale**2 * p) + _sum(tables, scale**2 * q), whole**2)


def cochran_mantel_haenszel(tables: Tables, *, correction: bool = False) -> Pooled:
    """(|Σ (a − E)| − ½?)² / ΣV, chi-square with one degree of freedom where no stratum has a difference.

    Args:
        correction: take off the half, as R does by default and statsmodels does not.

    Source: Cochran (1954), Biometrics 10:417; Mantel & Haenszel (1959).
    """
    n, m, total = tables.trials, tables.other_trials, tables.total
    events = tables.events + tables.other_events
    spread = _sum(tables, n * m * events * (total - events) / (total**2 * np.maximum(total - 1, 1.0)))
    off: Floats = np.abs(_sum(tables, tables.events - n * events / total))
    value = divided(np.square(np.maximum(off - (0.5 if correction else 0.0), 0.0)), spread)
    return Pooled(value=value, p=chdtrc(1.0, value))


def breslow_day(tables: Tables) -> Pooled:
    """How far the strata's odds ratios are from one common odds ratio, Mantel and Haenszel's: chi-square with one degree of freedom less than there are informative strata.

    Without Tarone's correction, as in statsmodels' `test_equal_odds`. A stratum without events, or without non-events, says nothing of an odds ratio.

    Source: Breslow & Day (1980), Statistical Methods in Cancer Research I, section 4.4.
    """
    common, told, cells = _at_common_odds_ratio(tables)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = 1 / sum(1 / cell for cell in cells)
        parts = np.where(told, (tables.events - cells[0]) ** 2 / variance, 0.0)
    freedom = told.sum(axis=1) - 1
    value = np.where((freedom > 0) & np.isfinite(common) & (common > 0), parts.sum(axis=1), np.nan)
    return Pooled(value=value, p=np.where(np.isnan(value), np.nan, chdtrc(np.maximum(freedom, 1), value)))


def strata_are_large(tables: Tables) -> Bools:
    """Whether four fifths of the cells that `breslow_day` expects are 5 or more, shape (groups,): below that its p-value is too small, of 400 strata of 5 people nearly always.

    Source: the condition is that of SAS/STAT's PROC FREQ; the 400 strata are benchmarks/among_groups.py's.
    """
    _, told, cells = _at_common_odds_ratio(tables)
    with np.errstate(invalid="ignore"):
        large = sum(np.count_nonzero(told & (cell >= _EXPECTED), axis=1) for cell in cells)
    return np.asarray(large >= 0.8 * 4 * told.sum(axis=1))


def _at_common_odds_ratio(tables: Tables) -> tuple[Floats, Bools, tuple[Floats, ...]]:
    """The common odds ratio, which strata say something of it, and the cells that it expects there."""
    common = mantel_haenszel_odds_ratio(replace(tables, weight=None, other_weight=None)).value  # a test is of effective rows alone
    n, m, total = tables.trials, tables.other_trials, tables.total
    events = tables.events + tables.other_events
    told = tables.used & (events > 0) & (events < total)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = _at_odds_ratio(common[:, None], n, m, events)
    return common, told, (expected, n - expected, events - expected, m - events + expected)


def _at_odds_ratio(ratio: Floats, n: Floats, m: Floats, events: Floats) -> Floats:
    """The group's events at which the table with these margins has the odds ratio: the root of a quadratic that the margins allow."""
    square = 1 - ratio
    linear = m - events + ratio * (n + events)
    constant = -ratio * n * events
    # The form that keeps its digits as the ratio nears 1, where the quadratic becomes a line.
    root: Floats = -2 * constant / (linear + np.sqrt(np.maximum(linear**2 - 4 * square * constant, 0.0)))
    return root


def _cells(tables: Tables) -> tuple[Floats, Floats, Floats, Floats]:
    """Events and non-events of the group, events and non-events of the reference."""
    return tables.events, tables.trials - tables.events, tables.other_events, tables.other_trials - tables.other_events


def _on_logarithms(value: Floats, variance: Floats, *, z: float = Z) -> Bounds:
    """NaN where the variance is 0, as where everybody of both sides is selected: that none was seen is no certainty."""
    has_bounds = (value > 0) & (variance > _ROUNDING)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        reach = np.exp(z * np.sqrt(variance))
        return np.where(has_bounds, value / reach, np.nan), np.where(has_bounds, value * reach, np.nan)
