"""Exact two-sided tests that two rates are the same, for who asks for p-values; rules have their own, one-sided (`significance.py`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from fairaudit.evidence.significance import hypergeometric
from fairaudit.types import Floats, Ints

Alternative = Literal["two-sided", "less", "greater"]
_SAME = 1e-7  # tables whose probabilities differ by less, relatively, are equally likely, as in R
MOST_TABLES = 4_000_000  # that Boschloo's test looks at; more take minutes


def fisher_p_value(events: Ints, trials: Ints, other_events: Ints, other_trials: Ints) -> Floats:
    """The hypergeometric chance of all tables no likelier than this one, given the margins; shape (pairs,), NaN where a side has no rows.

    Source: Fisher (1935); the two-sided form of Freeman & Halton (1951), as R and SciPy have it.
    """
    return _each(_fisher, events, trials, other_events, other_trials)


def boschloo_p_value(events: Ints, trials: Ints, other_events: Ints, other_trials: Ints, *, alternative: Alternative = "two-sided") -> Floats:
    """Fisher's p-value as a statistic, its chance at the worst common rate: never less powerful than Fisher's test. Shape (pairs,); NaN where a side has no rows or there are more than
    four million tables.

    Source: Boschloo (1970), Stat. Neerl. 24:1; computed by SciPy.
    """

    def one(x: int, n: int, y: int, m: int) -> float:
        if (n + 1) * (m + 1) > MOST_TABLES:
            return float("nan")
        from scipy.stats import boschloo_exact  # type: ignore[import-untyped]  # here: it takes over a second to import

        return float(boschloo_exact([[x, y], [n - x, m - y]], alternative=alternative).pvalue)

    return _each(one, events, trials, other_events, other_trials)


P_VALUES: dict[str, Callable[[Ints, Ints, Ints, Ints], Floats]] = {"fisher": fisher_p_value, "boschloo": boschloo_p_value}


def _each(test: Callable[[int, int, int, int], float], *sides: Ints) -> Floats:
    found = [test(x, n, y, m) if n and m else float("nan") for x, n, y, m in zip(*(side.tolist() for side in sides), strict=True)]
    return np.array(found, dtype=np.float64)


def _fisher(x: int, n: int, y: int, m: int) -> float:
    least, chance = hypergeometric(n, x + y, n + m)
    return float(min(chance[chance <= chance[x - least] * (1 + _SAME)].sum(), 1.0))
