"""Two decisions on the same rows: by how much a rate changed, and whether chance would turn as many rows that way.

Of the rows of a rate, `both` count in it by either decision, `gained` by the new one alone, `lost` by the former one alone, and `neither` by none; a rate
changes by (gained − lost) / all.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from scipy.special import betainc  # type: ignore[import-untyped]

from fairaudit.evidence.intervals import Bounds, proportion
from fairaudit.types import Floats


def mcnemar_upper(gained: Floats, lost: Floats) -> Floats:
    """One-sided exact test that a rate rose: P(X ≥ gained), where each row that turned did so either way with chance ½.

    Args:
        gained, lost: rows, of one shape; effective ones need not be whole.

    Returns:
        Tail probabilities; 1 where no row was gained.

    Source: McNemar (1947), Psychometrika 12:153, given the rows that turned; the binomial's tail by Abramowitz & Stegun (1964), 26.5.24.
    """
    x, y = np.broadcast_arrays(np.asarray(gained, dtype=np.float64), np.asarray(lost, dtype=np.float64))
    return np.where(x > 0, betainc(np.maximum(x, np.finfo(float).tiny), y + 1, 0.5), 1.0)


def mcnemar_lower(gained: Floats, lost: Floats) -> Floats:
    """One-sided exact test that a rate fell: P(X ≤ gained). As `mcnemar_upper`."""
    return mcnemar_upper(lost, gained)


def newcombe_paired(both: Floats, gained: Floats, lost: Floats, neither: Floats, *, level: float) -> Bounds:
    """Interval of a rate's change on the same rows: the Wilson intervals of both rates, squared and added with their correlation φ, which is corrected.

    Args:
        both, gained, lost, neither: rows, each of shape (slices,); effective ones need not be whole.
        level: two-sided confidence.

    Returns:
        Lower and upper bound of new − former, within [−1, 1]; NaN where there are no rows.

    Source: Newcombe (1998), Stat. Med. 17:2635, method 10: φ's numerator is less by half the rows where it is above that, and 0 where it is between 0 and that.
    """
    rows = both + gained + lost + neither
    now, former = (proportion(both + one, rows, level=level) for one in (gained, lost))
    phi = correlation(both, gained, lost, neither)

    def arm(one: Floats, other: Floats) -> Floats:
        out: Floats = np.sqrt(np.maximum(one**2 + other**2 - 2 * phi * one * other, 0.0))
        return out

    change = now.value - former.value
    lower, upper = change - arm(now.value - now.lower, former.upper - former.value), change + arm(former.value - former.lower, now.upper - now.value)
    return np.maximum(lower, -1.0), np.minimum(upper, 1.0)


def correlation(both: Floats, gained: Floats, lost: Floats, neither: Floats) -> Floats:
    """φ of two decisions on the same rows, as `newcombe_paired` corrects it; 0 where one of them is the same for all rows."""
    rows = both + gained + lost + neither
    apart = both * neither - gained * lost
    corrected = np.where(apart > rows / 2, apart - rows / 2, np.minimum(apart, 0.0))
    scale = np.sqrt((both + gained) * (lost + neither)) * np.sqrt((both + lost) * (gained + neither))
    return np.divide(corrected, scale, out=np.zeros(np.shape(rows)), where=scale > 0)


def delta(gradient: Floats, weight_sq: Floats, change: Floats, *, level: float) -> Bounds:
    """Interval of the change of a number that follows from counts, as a precision or an F1, on the same rows: by the delta method, of rows that are independent.

    Args:
        gradient: of the change by the weight of each kind of row, shape (slices, kinds). The number does not depend on the unit of the weights, so its mean over the rows is 0.
        weight_sq: Σw² of each kind, of the same shape.
        change: shape (slices,).
        level: two-sided confidence.

    Returns:
        Lower and upper bound; NaN where nothing varies.

    Source: Oehlert (1992), Am. Stat. 46:27; the variance of a function of sums is Σ w²·g² where Σ w·g is 0.
    """
    variance = (weight_sq * gradient**2).sum(axis=1)
    reach = np.where(variance > 0, NormalDist().inv_cdf((1 + level) / 2) * np.sqrt(variance), np.nan)
    return change - reach, change + reach
