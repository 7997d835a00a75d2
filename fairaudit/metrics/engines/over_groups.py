"""Metrics over all groups of a slicing at once: one number a slicing.

What divides rows into parts and adds up (entropy, demographic disparity) counts a missing value as a part like any other. What looks for the two groups
that are furthest apart (odds, differential fairness) leaves it out, since nobody in particular belongs to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from fairaudit.cube.counts import POSITIVE, REJECTED, SELECTED, Counts
from fairaudit.cube.slices import Slicing
from fairaudit.metrics.catalogue import CATALOGUE, FN, FP, TN, TP, total
from fairaudit.metrics.engines.cells import divided
from fairaudit.types import Floats, Ints

Params = dict[str, float]
Outcome = Literal["decision", "label"]
POSITIVE_ONLY = "positive_only"  # the parameter by which differential fairness looks at the positive decision alone
_LABELLED = (TP, FP, FN, TN)


def known_groups(counts: Counts, slicing: Slicing) -> Ints:
    """Indexes of the slices of a slicing that are of no missing value."""
    return np.array([index for index in counts.of_slicing(slicing) if not counts.slices[index].has_missing], dtype=int)


@dataclass(frozen=True, slots=True, kw_only=True)
class Widest:
    """The two groups that are furthest apart, and in what."""

    value: float
    lowest: int  # index into `Counts.slices` of the group with the lower rate
    highest: int
    of: str  # whose rate it is, in words


def over_groups(metric: str, counts: Counts, slicings: Sequence[Slicing], params: Params) -> Floats:
    """A metric of every slicing, shape (slicings,); NaN where undefined, infinite where it is."""
    if metric in _WIDEST:
        pairs = (widest(metric, counts, slicing, params) for slicing in slicings)
        return np.array([np.nan if one is None else one.value for one in pairs], dtype=np.float64)
    return np.array([_SPREAD[metric](counts, np.array(counts.of_slicing(slicing), dtype=int), params) for slicing in slicings], dtype=np.float64)


def widest(metric: str, counts: Counts, slicing: Slicing, params: Params) -> Widest | None:
    """The pair behind a metric that looks for one; None where there is none to be had, or the metric names no pair."""
    found = _WIDEST.get(metric)
    return found(counts, known_groups(counts, slicing), params) if found else None


# --- Inequality of benefits


@dataclass(frozen=True, slots=True, kw_only=True)
class Benefits:
    """Benefit b = 1 + decision − label of a slicing's labelled rows; arrays of shape (groups,), groups without such rows left out."""

    groups: Ints
    weight: Floats
    mean: Floats  # μ_g
    overall: float  # μ


def benefits(counts: Counts, groups: Ints) -> Benefits:
    """The mean benefit of each group and of all of them."""
    some, weight = counts.weight[groups], total(counts.weight[groups], _LABELLED)
    gained = total(some, (TP, TN)) + 2 * total(some, (FP,))
    held = weight > 0
    overall = float(gained.sum() / weight.sum()) if held.any() else 0.0
    return Benefits(groups=groups[held], weight=weight[held], mean=gained[held] / weight[held], overall=overall)


def _between_group_entropy(counts: Counts, groups: Ints, params: Params) -> float:
    found = benefits(counts, groups)
    return _entropy(found.weight, found.mean, params.get("alpha", 2.0)) if found.overall > 0 else np.nan


def _within_group_entropy(counts: Counts, groups: Ints, params: Params) -> float:
    found = benefits(counts, groups)
    if found.overall <= 0:
        return np.nan
    alpha = params.get("alpha", 2.0)
    tables = (total(counts.weight[groups], cells).sum() for cells in ((FN,), (TP, TN), (FP,)))
    return max(_entropy(np.array(list(tables)), np.array([0.0, 1.0, 2.0]), alpha) - _entropy(found.weight, found.mean, alpha), 0.0)


def _between_group_theil(counts: Counts, groups: Ints, params: Params) -> float:
    return _between_group_entropy(counts, groups, {"alpha": 1.0})


def _between_group_variation(counts: Counts, groups: Ints, params: Params) -> float:
    return float(np.sqrt(2 * _between_group_entropy(counts, groups, {"alpha": 2.0})))


def _entropy(weight: Floats, benefit: Floats, alpha: float) -> float:
    """The generalized entropy index of benefits of these weights, α ≠ 0; never below 0, whatever rounding says.

    Source: Shorrocks (1980), Econometrica 48:613.
    """
    share, ratio = weight / weight.sum(), benefit * weight.sum() / (weight * benefit).sum()
    if alpha == 1:
        return max(float((share * np.where(ratio > 0, ratio * np.log(np.where(ratio > 0, ratio, 1.0)), 0.0)).sum()), 0.0)
    return max(float((share * (ratio**alpha - 1)).sum() / (alpha * (alpha - 1))), 0.0)


# --- Demographic disparity


def _mean_demographic_disparity(counts: Counts, groups: Ints, params: Params) -> float:
    rejected, selected = (counts.weight[groups][:, :, decision].sum(axis=1) for decision in (REJECTED, SELECTED))
    if not (rejected.sum() > 0 and selected.sum() > 0):
        return np.nan
    weight = rejected + selected
    return float((weight * (rejected / rejected.sum() - selected / selected.sum())).sum() / weight.sum())


# --- The two groups that are furthest apart


def _equalized_odds_gap(counts: Counts, groups: Ints, params: Params) -> Widest | None:
    parts = _odds(counts, groups, lambda low, high: high - low)
    return max(parts, key=lambda one: one.value) if parts else None


def _equalized_odds_ratio(counts: Counts, groups: Ints, params: Params) -> Widest | None:
    parts = _odds(counts, groups, lambda low, high: low / high if high > 0 else np.nan)
    return min(parts, key=lambda one: one.value) if parts and all(np.isfinite(one.value) for one in parts) else None


def _odds(counts: Counts, groups: Ints, compared: Callable[[float, float], float]) -> list[Widest]:
    """The widest pair of the true and that of the false positive rate; nothing where one of them cannot be had."""
    out = []
    for name in ("true_positive_rate", "false_positive_rate"):
        entry = CATALOGUE[name]
        rates = divided(total(counts.weight[groups], entry.numerator), total(counts.weight[groups], entry.denominator))
        held = groups[np.isfinite(rates)]
        if held.size < 2:
            return []
        rates = rates[np.isfinite(rates)]
        low, high = int(rates.argmin()), int(rates.argmax())
        out.append(Widest(value=compared(float(rates[low]), float(rates[high])), lowest=int(held[low]), highest=int(held[high]), of=f"the {entry.title.lower()}"))
    return out


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoothed:
    """Chances of the positive outcome p = (k + c/2) / (n + c), arrays of shape (groups,)."""

    groups: Ints
    chance: Floats
    weight: Floats  # n
    weight_sq: Floats


def smoothed(counts: Counts, groups: Ints, concentration: float, *, of: Outcome = "decision", labelled: bool = False) -> Smoothed:
    """What differential fairness compares: how often an outcome is positive. Groups without rows are not smoothed into existence.

    Args:
        of: whose positives are counted.
        labelled: of the labelled rows only; labels always are.
    """
    labels = slice(0, POSITIVE + 1) if labelled or of == "label" else slice(None)
    weight, weight_sq = counts.weight[groups][:, labels], counts.weight_sq[groups][:, labels]
    hits = weight[:, POSITIVE].sum(axis=1) if of == "label" else weight[:, :, SELECTED].sum(axis=1)
    rows, squares = weight.sum(axis=(1, 2)), weight_sq.sum(axis=(1, 2))
    held = rows > 0
    chance = (hits[held] + concentration / 2) / (rows[held] + concentration)
    return Smoothed(groups=groups[held], chance=chance, weight=rows[held], weight_sq=squares[held])


def _differential_fairness(counts: Counts, groups: Ints, params: Params) -> Widest | None:
    return _epsilon(smoothed(counts, groups, params.get("concentration", 1.0)), ("selected",) if params.get(POSITIVE_ONLY) else ("selected", "rejected"))


def _amplification(counts: Counts, groups: Ints, params: Params) -> Widest | None:
    """Of the labelled rows, so that both are of the same people."""
    concentration = params.get("concentration", 1.0)
    decided = _epsilon(smoothed(counts, groups, concentration, labelled=True), ("selected", "rejected"))
    given = _epsilon(smoothed(counts, groups, concentration, of="label"), ("in truth positive", "in truth negative"))
    if decided is None or given is None:
        return None
    with np.errstate(invalid="ignore"):  # infinite − infinite is undefined
        return replace(decided, value=float(np.subtract(decided.value, given.value)))


def _epsilon(found: Smoothed, outcomes: tuple[str, ...]) -> Widest | None:
    """The widest pair over both outcomes, or the first alone: of each it is that of the lowest and the highest chance."""
    if found.groups.size < 2:
        return None
    low, high = int(found.chance.argmin()), int(found.chance.argmax())
    with np.errstate(divide="ignore"):
        logs = [np.log(chance) for chance in (found.chance, 1 - found.chance)[: len(outcomes)]]
    apart = [0.0 if found.chance[low] == found.chance[high] else float(np.abs(log[high] - log[low])) for log in logs]
    place = int(np.argmax(apart))
    ends = (low, high) if place == 0 else (high, low)
    return Widest(value=apart[place], lowest=int(found.groups[ends[0]]), highest=int(found.groups[ends[1]]), of=f"the share {outcomes[place]}")


_SPREAD: dict[str, Callable[[Counts, Ints, Params], float]] = {
    "between_group_generalized_entropy_index": _between_group_entropy,
    "within_group_generalized_entropy_index": _within_group_entropy,
    "between_group_theil_index": _between_group_theil,
    "between_group_coefficient_of_variation": _between_group_variation,
    "mean_demographic_disparity": _mean_demographic_disparity,
}
_WIDEST: dict[str, Callable[[Counts, Ints, Params], Widest | None]] = {
    "equalized_odds_gap": _equalized_odds_gap,
    "equalized_odds_ratio": _equalized_odds_ratio,
    "differential_fairness": _differential_fairness,
    "differential_fairness_amplification": _amplification,
}
