"""Confidence intervals of proportions and of what is made of independent proportions; all slices at once.

Every `level` is two-sided. A one-sided 95 % bound is the end of the interval at level 0.90: `one_sided(0.95)` is that level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from fairaudit.types import Floats

Bounds = tuple[Floats, Floats]  # lower, upper


@dataclass(frozen=True, slots=True)
class Estimate:
    """Values with their intervals, three arrays of one shape; NaN where undefined."""

    value: Floats
    lower: Floats
    upper: Floats

    def at(self, index: Any) -> Estimate:
        """Some of the slices, by anything that indexes an array; `np.s_[:, None]` makes pairs by broadcasting."""
        return Estimate(self.value[index], self.lower[index], self.upper[index])


def one_sided(confidence: float) -> float:
    """The two-sided level at which each end of an interval is a one-sided bound of this confidence."""
    return 2 * confidence - 1


def effective_size(weight: Floats, weight_sq: Floats) -> Floats:
    """Rows of weight 1 that would say as much as the weighted rows: (Σw)²/Σw²; 0 where there are none.

    Args:
        weight, weight_sq: Σw and Σw² over the rows of the denominator, of one shape.

    Source: Kish (1965), Survey Sampling, section 8.2.
    """
    return np.divide(weight**2, weight_sq, out=np.zeros(np.shape(weight)), where=np.asarray(weight_sq) > 0)


def wilson(successes: Floats, trials: Floats, *, level: float) -> Bounds:
    """Score interval of a proportion: every p that a z-test at `level` would not reject.

    Args:
        successes: shape (slices,), 0 ≤ successes ≤ trials; with weights, rate × effective size.
        trials: shape (slices,): rows; with weights, the effective size (Σw)²/Σw².
        level: two-sided confidence, between 0 and 1.

    Returns:
        Lower and upper bound, each of shape (slices,), within [0, 1]; NaN where `trials` is 0.

    Source: Wilson (1927), JASA 22:209. Printed examples: Newcombe (1998), Stat. Med. 17:857, table I.
    """
    z = NormalDist().inv_cdf((1 + level) / 2)
    n = np.where(trials > 0, trials, np.nan)
    p, q = successes / n, (trials - successes) / n
    spread = z * np.sqrt(p * q / n + z**2 / (4 * n**2))
    # From the product of the quadratic's roots: the textbook difference cancels near 0 and never reaches it.
    lower = p**2 / (p + z**2 / (2 * n) + spread)
    upper = 1 - q**2 / (q + z**2 / (2 * n) + spread)
    return lower, upper


def proportion(successes: Floats, trials: Floats, *, level: float) -> Estimate:
    """Rates with their Wilson intervals, shape (slices,); NaN where `trials` is 0."""
    lower, upper = wilson(successes, trials, level=level)
    return Estimate(successes / np.where(trials > 0, trials, np.nan), lower, upper)


def mover(parts: Sequence[tuple[float, Estimate]]) -> Bounds:
    """Interval of a sum Σ cᵢθᵢ of independent estimates, from the parts' own intervals (method of variance estimates recovery).

    Args:
        parts: coefficients with their estimates; shapes broadcast.

    Returns:
        Lower and upper bound; NaN where any part is undefined.

    Source: Zou & Donner (2008), Stat. Med. 27:1693, eq. 2 and 3, and their section on linear functions.
    """
    centre = sum((c * part.value for c, part in parts), np.zeros(()))
    below = sum(((c * (part.value - (part.lower if c > 0 else part.upper))) ** 2 for c, part in parts), np.zeros(()))
    above = sum(((c * (part.value - (part.upper if c > 0 else part.lower))) ** 2 for c, part in parts), np.zeros(()))
    return centre - np.sqrt(below), centre + np.sqrt(above)


def newcombe(group: Estimate, reference: Estimate) -> Bounds:
    """Interval of group − reference for independent rates with Wilson intervals; shapes broadcast; NaN where either is undefined.

    Source: Newcombe (1998), Stat. Med. 17:873, method 10.
    """
    return mover(((1.0, group), (-1.0, reference)))


def mover_mean(first: Estimate, second: Estimate) -> Bounds:
    """Interval of (first + second) / 2 for independent rates: balanced accuracy from the TPR and the TNR.

    Source: Zou & Donner (2008).
    """
    return mover(((0.5, first), (0.5, second)))


def mover_r(group: Estimate, reference: Estimate) -> Bounds:
    """Interval of group / reference for independent rates with Wilson intervals; shapes broadcast.

    Returns:
        Lower and upper bound; the lower is 0 where the group's rate is 0; NaN where the reference's rate is 0 or either is undefined.

    Source: Donner & Zou (2012), Stat. Methods Med. Res. 21:347; Fagerland & Newcombe (2013), Stat. Med. 32:2786. Written with the
    other root's denominator for the lower bound, since the usual form is 0/0 where the reference's upper bound is twice its rate.
    """
    p1, l1, u1 = group.value, group.lower, group.upper
    p2, l2, u2 = reference.value, reference.lower, reference.upper
    product = np.where(p2 > 0, p1 * p2, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        inner = l1 * (2 * p1 - l1)
        below = product + np.sqrt(np.maximum(product**2 - inner * u2 * (2 * p2 - u2), 0.0))
        lower = np.where(p1 > 0, inner / below, np.where(np.isnan(product), np.nan, 0.0))
        base = l2 * (2 * p2 - l2)
        upper = (product + np.sqrt(np.maximum(product**2 - u1 * base * (2 * p1 - u1), 0.0))) / base
    return lower, np.where(np.isnan(product), np.nan, upper)
