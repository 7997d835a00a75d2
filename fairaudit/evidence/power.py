"""How many rows a group needs before a disparity of a given size would be found."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from fairaudit.types import Bools, Floats

_NORMAL = NormalDist()
_MOST = 2**40  # rows; beyond this, never
POWER = 0.8
_STEPS = 20  # of bisection: to a millionth of the way


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


def detectable_towards(furthest: float, group_rows: Floats, other_rows: Floats, *, other_rate: Floats, alpha: float, aim: float = POWER) -> Floats:
    """The smallest difference, group − other, that a one-sided test at `alpha` finds with power `aim`; NaN where none is so large. Shapes broadcast.

    Args:
        furthest: 0 or 1, the rate that is furthest away on the side in question.
        group_rows, other_rows: above 0 and finite; effective sizes where weighted.

    Source: as `power`, solved for the group's rate.
    """
    room, share = furthest - other_rate, group_rows / (group_rows + other_rows)

    def is_found(part: Floats) -> Bools:
        """Whether so large a part of the way to the furthest rate is found; as `power`, without its tail."""
        rate = other_rate + part * room
        pooled = share * rate + (1 - share) * other_rate
        null = np.sqrt(pooled * (1 - pooled) * (1 / group_rows + 1 / other_rows))
        true = np.sqrt(rate * (1 - rate) / group_rows + other_rate * (1 - other_rate) / other_rows)
        return np.asarray(np.abs(rate - other_rate) >= _critical(alpha) * null + _critical(1 - aim) * true)

    high = np.ones(np.broadcast(group_rows, other_rows, other_rate).shape)
    low, never = np.zeros(high.shape), ~is_found(high) | (room == 0)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        found = is_found(middle)
        low, high = np.where(found, low, middle), np.where(found, middle, high)
    return np.where(never, np.nan, high * room)


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
