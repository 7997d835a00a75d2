"""Do two engines give the same number?"""

from __future__ import annotations

import numpy as np

from fairaudit.types import Bools, Floats

TOLERANCE = 1e-9


def disagrees(one: Floats, other: Floats) -> Bools:
    """Where two engines' answers to one quantity differ, shape (groups,).

    They differ where one is undefined and the other is not, or by more than 1e-9 · max(1, |one|, |other|).

    Args:
        one: shape (groups,); NaN is undefined.
        other: likewise, for the same groups; both of them answered, so NaN does not mean "not asked".
    """
    both = ~np.isnan(one) & ~np.isnan(other)
    scale = np.maximum(1.0, np.maximum(np.abs(one), np.abs(other)))
    # Written so that an infinity on one side only, whose scale is infinite too, differs.
    with np.errstate(invalid="ignore"):
        near = (one == other) | (np.isfinite(scale) & (np.abs(one - other) <= TOLERANCE * scale))
    return np.where(both, ~near, np.isnan(one) != np.isnan(other))
