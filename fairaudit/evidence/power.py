"""How many rows a group needs before a disparity of a given size would be found."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

_NORMAL = NormalDist()
_MOST = 2**40  # rows; beyond this, never
POWER = 0.8


def power(group_rows: float, other_rows: float, *, group_rate: float, other_rate: float, alpha: float) -> float:
    """Chance that a one-sided test at `alpha` tells the two rates apart: normal approximation, pooled rate under equality.

    Args:
        group_rows, other_rows: above 0; effective sizes where weighted; `other_rows` may be infinite.

    Source: Fleiss, Levin & Paik (2003), ch. 4; for equal sizes and `alpha` halved, R's `power.prop.test`.
    """
    null, true = _errors(group_rows, other_rows, group_rate, other_rate)
    margin = abs(group_rate - other_rate) - _critical(alpha) * null
    if true == 0:
        return float(margin > 0)
    return _NORMAL.cdf(margin / true)


def _errors(group_rows: float, other_rows: float, group_rate: float, other_rate: float) -> tuple[float, float]:
    """The standard error of the difference if there were none, and if it is what it is."""
    share = 0.0 if math.isinf(other_rows) else group_rows / (group_rows + other_rows)
    pooled = share * group_rate + (1 - share) * other_rate
    each = pooled * (1 - pooled) * (1 / group_rows + 1 / other_rows)
    return math.sqrt(each), math.sqrt(group_rate * (1 - group_rate) / group_rows + other_rate * (1 - other_rate) / other_rows)


@lru_cache(maxsize=64)  # of a run there are as many as families, and each is asked for by every group and step
def _critical(alpha: float) -> float:
    return _NORMAL.inv_cdf(1 - alpha)


def detectable_towards(furthest: float, group_rows: float, other_rows: float, *, other_rate: float, alpha: float, aim: float = POWER) -> float | None:
    """The smallest difference, group − other, that a one-sided test at `alpha` finds with power `aim`; None where none is so large.

    Args:
        furthest: 0 or 1, the rate that is furthest away on the side in question.
        group_rows, other_rows: above 0; effective sizes where weighted.

    Source: as `power`, solved for the group's rate.
    """

    def beyond(share: float) -> float:
        """By how many rates the difference is more than is found; as `power`, without its tail."""
        rate = other_rate + share * (furthest - other_rate)
        null, true = _errors(group_rows, other_rows, rate, other_rate)
        return abs(rate - other_rate) - _critical(alpha) * null - _critical(1 - aim) * true

    if furthest == other_rate or beyond(1.0) < 0:
        return None
    low, high = 0.0, 1.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (low, middle) if beyond(middle) >= 0 else (middle, high)
    return high * (furthest - other_rate)


def rows_for_power(*, group_rate: float, other_rate: float, alpha: float, other_rows: float = math.inf, grows: float = 0.0, aim: float = POWER) -> int | None:
    """The smallest group, in rows of the denominator, in which the disparity is found with power `aim`.

    Args:
        other_rows: how many rows the group is tested against.
        grows: if above 0, the others are this many times the group instead, however large it gets.

    Returns:
        Rows in all, not in addition; None where no number of them suffices (equal rates, or too few others).
    """

    def enough(rows: int) -> bool:
        others = grows * rows if grows else other_rows
        return power(rows, others, group_rate=group_rate, other_rate=other_rate, alpha=alpha) >= aim

    if group_rate == other_rate or not enough(_MOST):
        return None
    low, high = 0, 1
    while not enough(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
