"""Which slices a witness checks: its cost grows with slices, some 10 to 80 ms each, so beyond a few hundred it takes a sample."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fairaudit.cube.slices import Slice
from fairaudit.metrics.engines.interface import Quantity
from fairaudit.types import Bools

ALL_UP_TO = 300  # slices; so many are all checked
CROSSED_AT_LEAST = 50  # slices of crossed attributes that are checked however many simple ones there are


def checked(slices: Sequence[Slice], *, seed: int) -> Bools:
    """Which slices a witness checks, shape (slices,): everyone and every single-attribute slice always.

    Every witness draws the same sample, and so does every run with the same seed.
Beyond `ALL_UP_TO` slices, those of crossed attributes are a sample without replacement that fills up to `ALL_UP_TO`.
    """
    out = np.ones(len(slices), dtype=bool)
    if len(slices) <= ALL_UP_TO:
        return out
    crossed = np.flatnonzero([len(one.values) > 1 for one in slices])
    size = min(crossed.size, max(ALL_UP_TO - (len(slices) - crossed.size), CROSSED_AT_LEAST))
    out[crossed] = False
    out[np.random.default_rng(seed).choice(crossed, size, replace=False)] = True
    return out


def answered(quantity: Quantity, able: Bools) -> Bools:
    """Which groups of a quantity can be answered, shape (groups,), by what is `able`, shape (slices,): a comparison needs both its slices."""
    out: Bools = able[np.array(quantity.groups, dtype=int)]
    if quantity.references:
        out = out & able[np.array(quantity.references, dtype=int)]
    return out
