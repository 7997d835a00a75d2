"""Rates of small groups, pulled towards those of the other groups: empirical Bayes with a beta prior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from fairaudit.types import Floats

Variant = Literal["between_groups", "raw_moments"]


@dataclass(frozen=True, slots=True)
class Prior:
    """A beta distribution of the groups' true rates: its mean, and as how many rows it counts; infinite where the groups are no further apart than chance."""

    mean: float
    strength: float

    def shrunken(self, events: Floats, trials: Floats) -> Floats:
        """The posterior mean of each rate, (a + x) / (a + b + n)."""
        if np.isinf(self.strength):
            return np.full(np.shape(trials), self.mean)
        out: Floats = (self.strength * self.mean + events) / (self.strength + trials)
        return out


def prior(events: Floats, trials: Floats, variant: Variant = "between_groups") -> Prior | None:
    """The prior by moments over groups; None for fewer than three groups with rows, or where all rates are 0 or all are 1.

    Args:
        events, trials: shape (groups,); groups without rows say nothing.
        variant: `raw_moments` takes the plain mean and variance of the rates, as textbooks do, and so takes chance for difference where groups are small;
            `between_groups` weighs by rows and takes the variance that chance gives off.

    Source: Kleinman (1973), JASA 68:46; raw moments: Gelman et al., Bayesian Data Analysis, section 5.1.
    """
    held = trials > 0
    x, n = events[held], trials[held]
    if n.size < _GROUPS or x.sum() <= 0 or x.sum() >= n.sum():
        return None
    rate = x / n
    if variant == "raw_moments":
        mean, spread = float(rate.mean()), float(rate.var(ddof=1))
        return Prior(mean, mean * (1 - mean) / spread - 1 if spread > 0 else np.inf)
    mean, total = float(x.sum() / n.sum()), float(n.sum())
    squares = float((n * (rate - mean) ** 2).sum()) / (mean * (1 - mean))
    room = total - float((n**2).sum()) / total - (n.size - 1)
    alike = (squares - (n.size - 1)) / room if room > 0 else 0.0  # the correlation of two rows of one group
    return Prior(mean, np.inf if alike <= 0 else max((1 - alike) / alike, 0.0))


_GROUPS = 3  # of two, the spread is hardly known
