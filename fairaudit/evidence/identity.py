"""What unequal base rates force: with the same predictive value and the same misses, false positive rates cannot be the same."""

from __future__ import annotations

import math

import msgspec
import numpy as np

from fairaudit.cube.counts import NEGATIVE, POSITIVE, Counts
from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.metrics.catalogue import CATALOGUE, FN, FP, TN, TP, total
from fairaudit.metrics.engines.cells import divided
from fairaudit.types import Floats

EXAMPLE = (0.6, 0.35)  # a predictive value and a miss rate, where nothing is decided yet
LEAST = 30  # rows of each label, below which a group's base rate is shown and not compared


class BaseRate(msgspec.Struct, frozen=True, kw_only=True):
    """How often the label is true in a group, and what that forces."""

    slice: Slice
    rows: int  # labelled
    rate: float | None
    forced: float | None  # the false positive rate that it has if it is predicted as well as everyone is; None where that is undefined
    is_compared: bool  # it has `LEAST` rows of each label, and is no missing value


class BaseRates(msgspec.Struct, frozen=True, kw_only=True):
    """The same of every group of the single attributes, with the predictive value and the misses that all are taken to have."""

    groups: tuple[BaseRate, ...]
    predictive_value: float
    miss_rate: float
    is_example: bool  # these two are `EXAMPLE`, since nothing is decided yet, or everyone's are undefined

    @property
    def gap(self) -> float | None:
        """The largest difference of forced rates among groups of one attribute; None where no two can be compared."""
        forced: dict[tuple[str, ...], list[float]] = {}
        for one in self.groups:
            if one.is_compared and one.forced is not None:
                forced.setdefault(one.slice.attributes, []).append(one.forced)
        return max((max(some) - min(some) for some in forced.values() if len(some) > 1), default=None)


def base_rates(found: Counts, *, decided: bool) -> BaseRates | None:
    """How often the label is true in each group of every single attribute, and the false positive rate that this forces; None without labels.

    Args:
        decided: whether decisions are known; else `EXAMPLE` stands for how well everyone is predicted.
    """
    if not found.has_labels:
        return None
    whole = found.index(EVERYONE)
    own = tuple(_rate(found, name, whole) for name in ("positive_predictive_value", "false_negative_rate")) if decided else (math.nan, math.nan)
    is_example = not (own[0] > 0 and math.isfinite(own[1]))
    value, miss = EXAMPLE if is_example else own
    places = [place for place, one in enumerate(found.slices) if len(one.attributes) == 1]
    rates = divided(total(found.weight, (TP, FN))[places], total(found.weight, (TP, FN, FP, TN))[places])
    forced = forced_false_positive_rate(rates, positive_predictive_value=value, false_negative_rate=miss)
    rows = found.rows.sum(axis=2)[places][:, [NEGATIVE, POSITIVE]]
    groups = tuple(
        BaseRate(slice=found.slices[place], rows=int(own.sum()), rate=_known(rate), forced=_known(its), is_compared=bool(own.min() >= LEAST) and not found.slices[place].has_missing)
        for place, own, rate, its in zip(places, rows, rates, forced, strict=True)
    )
    return BaseRates(groups=groups, predictive_value=value, miss_rate=miss, is_example=is_example)


def selected_share(found: Counts) -> float | None:
    """The share of everyone that is decided positively."""
    return _known(_rate(found, "selection_rate", found.index(EVERYONE)))


def _rate(found: Counts, name: str, place: int) -> float:
    entry = CATALOGUE[name]
    return float(divided(total(found.weight, entry.numerator), total(found.weight, entry.denominator))[place])


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def forced_false_positive_rate(base_rate: Floats, *, positive_predictive_value: float, false_negative_rate: float) -> Floats:
    """The false positive rate that follows from the other three: FPR = p / (1 − p) · (1 − PPV) / PPV · (1 − FNR).

    Args:
        base_rate: shape (groups,): how often the label is true, p.

    Returns:
        Shape (groups,). NaN where everybody or nobody is positive, or the predictive value is 0 or undefined. Above 1 where no model can have these values.

    Source: Chouldechova, Big Data 5 (2017) 153-163, equation 2.6.
    """
    if not positive_predictive_value > 0 or np.isnan(false_negative_rate):
        return np.full(base_rate.shape, np.nan)
    p = np.where((base_rate > 0) & (base_rate < 1), base_rate, np.nan)
    forced: Floats = p / (1 - p) * (1 - positive_predictive_value) / positive_predictive_value * (1 - false_negative_rate)
    return forced
