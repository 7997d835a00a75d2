"""Rates with their intervals, and what is made of rates: composites, and the odds of two groups."""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist

import numpy as np

from fairaudit.cube.counts import NEGATIVE, POSITIVE, UNLABELLED, Counts
from fairaudit.cube.slices import EVERYONE
from fairaudit.evidence.design_effects import of_share, smaller
from fairaudit.evidence.intervals import Bounds, Estimate, effective_size, mover, mover_mean, mover_r, newcombe, proportion
from fairaudit.metrics.catalogue import CATALOGUE, FN, FP, TN, TP, Cell, Metric, total
from fairaudit.metrics.engines.cells import divided
from fairaudit.metrics.engines.native import value_of
from fairaudit.types import Floats, Ints

LEVEL = 0.95
Z = NormalDist().inv_cdf((1 + LEVEL) / 2)
LABELLED, EVERY_LABEL = (NEGATIVE, POSITIVE), (NEGATIVE, POSITIVE, UNLABELLED)
_STEP = 1e-6  # of the slice's weight, in a difference quotient


def rate(metric: Metric, counts: Counts, *, level: float = LEVEL) -> Estimate:
    """A rate of every slice with its Wilson interval, on effective sizes where rows carry weights or are in clusters; shape (slices,)."""
    return share(counts, metric.numerator, metric.denominator, level=level)


def trials_of(metric: Metric, counts: Counts) -> Floats:
    """The rows that a rate rests on, effective ones where there are weights or clusters; shape (slices,)."""
    return _size_of(counts, metric.numerator, metric.denominator)


def _size_of(counts: Counts, numerator: tuple[Cell, ...], denominator: tuple[Cell, ...]) -> Floats:
    weight = total(counts.weight, denominator)
    size = effective_size(weight, total(counts.weight_sq, denominator)) if counts.has_weights else weight
    return size if counts.clusters is None else smaller(size, of_share(counts, numerator, denominator))


def share(counts: Counts, numerator: tuple[Cell, ...], denominator: tuple[Cell, ...], *, level: float = LEVEL) -> Estimate:
    weight, size = total(counts.weight, denominator), _size_of(counts, numerator, denominator)
    share = divided(total(counts.weight, numerator), weight)
    return proportion(np.where(np.isnan(share), 0.0, share) * size, size, level=level)


def rate_of(counts: Counts, name: str, *, level: float = LEVEL) -> Estimate:
    return rate(CATALOGUE[name], counts, level=level)


def size_of(counts: Counts, labels: tuple[int, ...]) -> Floats:
    return effective_size(counts.weight[:, labels].sum(axis=(1, 2)), counts.weight_sq[:, labels].sum(axis=(1, 2)))


def summed(sums: Floats | None, labels: tuple[int, ...]) -> Floats:
    if sums is None:
        raise ValueError("a metric of scores was asked of counts without scores")
    added: Floats = sums[:, labels].sum(axis=(1, 2))
    return added


def balanced_accuracy(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    return mover_mean(rate_of(counts, "true_positive_rate"), rate_of(counts, "true_negative_rate"))


def informedness(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    return newcombe(rate_of(counts, "true_positive_rate"), rate_of(counts, "false_positive_rate"))


def positive_likelihood_ratio(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    return mover_r(rate_of(counts, "true_positive_rate"), rate_of(counts, "false_positive_rate"))


def negative_likelihood_ratio(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    return mover_r(rate_of(counts, "false_negative_rate"), rate_of(counts, "true_negative_rate"))


def f1(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    """F1 = 2J / (1 + J), and J = tp / (tp + fp + fn) is a proportion."""
    overlap = share(counts, (TP,), (TP, FP, FN))
    return 2 * overlap.lower / (1 + overlap.lower), 2 * overlap.upper / (1 + overlap.upper)


def _standard_error(metric: str, counts: Counts, params: dict[str, float]) -> Floats:
    """Of a function of the confusion cells that does not change when all of them are doubled, shape (slices,).

    A row in cell i moves such a function by w ∂f/∂wᵢ, and Σ wᵢ ∂f/∂wᵢ = 0, so its variance is Σᵢ (∂f/∂wᵢ)² Σw² of the cell.
    """
    value = value_of(metric, counts, params)
    step = _STEP * counts.weight[:, :UNLABELLED].sum(axis=(1, 2))
    variance = np.zeros(len(counts.slices))
    for cell in (TP, FP, FN, TN):
        moved = counts.weight.copy()
        moved[:, *cell] += step
        slope = (value_of(metric, replace(counts, weight=moved), params) - value) / step
        held = counts.weight_sq[:, *cell]
        variance += np.where(held > 0, slope**2 * held, 0.0)  # of an empty cell nothing is known and nothing needed
    error: Floats = np.sqrt(variance)
    return error


def matthews(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    """On Fisher's scale, artanh, as other correlations; the error by a table with half a row more in each cell, since of an empty cell none could be had."""
    unit = divided(summed(counts.weight_sq, LABELLED), summed(counts.weight, LABELLED))[:, None, None]  # a row's weight
    fuller = replace(counts, weight=counts.weight + unit / 2, weight_sq=counts.weight_sq + unit**2 / 2)
    reach = Z * _standard_error("matthews_correlation", fuller, params) / (1 - value_of("matthews_correlation", fuller) ** 2)
    certain = np.abs(value) >= 1
    return np.where(certain, np.nan, np.tanh(np.arctanh(value) - reach)), np.where(certain, np.nan, np.tanh(np.arctanh(value) + reach))


def demographic_disparity(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    """A difference of two shares, of those rejected and of those selected, who are different people."""
    return disparity_with(counts, np.ones_like(value))


def disparity_with(counts: Counts, effect: Floats) -> Bounds:
    """The same where everyone's rows say less by the design effect of each slice's disparity, shape (slices,)."""
    value = np.full(len(counts.slices), np.nan)
    if EVERYONE not in counts.slices:
        return value, value
    parts, place = [], counts.index(EVERYONE)
    for decision in (0, 1):
        weight, square = (sums[:, :, decision].sum(axis=1) for sums in (counts.weight, counts.weight_sq))
        size = smaller(np.full_like(weight, effective_size(weight, square)[place] if counts.has_weights else weight[place]), effect)
        parts.append(proportion(divided(weight, np.full_like(weight, weight[place])) * size, size, level=LEVEL))
    return newcombe(*parts)


def average_odds(counts: Counts, groups: Ints, references: Ints) -> Bounds:
    return _average("false_positive_rate", "true_positive_rate", counts, groups, references)


def average_predictive_value(counts: Counts, groups: Ints, references: Ints) -> Bounds:
    return _average("positive_predictive_value", "false_omission_rate", counts, groups, references)


def _average(one: str, other: str, counts: Counts, groups: Ints, references: Ints) -> Bounds:
    """Of ½ [(a_g − a_r) + (b_g − b_r)]: four independent rates, since each has rows of its own."""
    parts = [(sign / 2, rate_of(counts, name).at(places)) for name in (one, other) for sign, places in ((1, groups), (-1, references))]
    return mover(parts)


OF_TWO = 0.97
"""The level of each of two contrasts of which the larger is taken: both hold 94 % of the time where both are 0, and 97 % where one is far larger."""


def _larger(one: Bounds, other: Bounds) -> Bounds:
    """The larger size of two quantities, whatever their signs."""
    folded = [(np.maximum(np.maximum(lower, -upper), 0.0), np.maximum(-lower, upper)) for lower, upper in (one, other)]
    return np.maximum(folded[0][0], folded[1][0]), np.maximum(folded[0][1], folded[1][1])


def average_absolute_odds(counts: Counts, groups: Ints, references: Ints) -> Bounds:
    """|a| + |b| is the larger of |a + b| and |a − b|."""
    rates = [rate_of(counts, name, level=OF_TWO) for name in ("true_positive_rate", "false_positive_rate")]
    contrasts = [
        mover([(sign * side / 2, found.at(places)) for found, sign in zip(rates, signs, strict=True) for side, places in ((1, groups), (-1, references))])
        for signs in ((1, 1), (1, -1))
    ]
    return _larger(contrasts[0], contrasts[1])


def equalized_odds(counts: Counts, groups: Ints, references: Ints) -> Bounds:
    found = [rate_of(counts, name, level=OF_TWO) for name in ("true_positive_rate", "false_positive_rate")]
    return _larger(*(newcombe(one.at(groups), one.at(references)) for one in found))
