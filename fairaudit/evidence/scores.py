"""Means of scores from their moments, and what needs the score cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import stdtrit  # type: ignore[import-untyped]

from fairaudit.cube.counts import NEGATIVE, POSITIVE, Counts
from fairaudit.evidence.intervals import Bounds, Estimate, mover, wilson
from fairaudit.evidence.rates import EVERY_LABEL, LABELLED, LEVEL, size_of, summed
from fairaudit.metrics.engines import cells as of_cells
from fairaudit.metrics.engines.cells import placements
from fairaudit.types import Floats

_ALIKE = 1e-12  # of the mean square: a variance below it is 0 but for rounding
_EVENTS = 5.0  # of each label, effective ones, from which errors of probabilities have an interval: with fewer, the one that was missed would have made it


def _mean_bounds(value: Floats, square: Floats, size: Floats) -> Bounds:
    """Student's interval of a mean; NaN where all values are alike, since of a spread that was not seen nothing is known.

    Args:
        square: the mean of x².
        size: effective rows.
    """
    variance = square - value**2
    reach = _t(size) * np.sqrt(np.where(variance > _ALIKE * square, variance, np.nan) / (size - 1))
    return value - reach, value + reach


def _of_both_labels(counts: Counts, bounds: Bounds) -> Bounds:
    """Bounds where there are enough rows of both labels; else NaN. Six positives of score 0.9 are all off by 0.1, and that says nothing of the next."""
    enough = np.minimum(size_of(counts, (POSITIVE,)), size_of(counts, (NEGATIVE,))) >= _EVENTS
    return np.where(enough, bounds[0], np.nan), np.where(enough, bounds[1], np.nan)


def _t(size: Floats) -> Floats:
    """Student's 97.5 % point; NaN below two rows, or what weighs as much."""
    quantile: Floats = stdtrit(np.where(size >= 2, size - 1, np.nan), (1 + LEVEL) / 2)
    return quantile


def mean_score(labels: tuple[int, ...]) -> Callable[[Counts, Floats, dict[str, float]], Bounds]:
    def bounds(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
        return _mean_bounds(value, summed(counts.score_sq, labels) / summed(counts.weight, labels), size_of(counts, labels))

    return bounds


def scoring_rate(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    """A share of rows; the median is taken as it is."""
    size = size_of(counts, EVERY_LABEL)
    return wilson(value * size, size, level=LEVEL)


def calibration_in_the_large(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    return _of_both_labels(counts, _mean_bounds(value, _squared_errors(counts) / summed(counts.weight, LABELLED), size_of(counts, LABELLED)))


def _squared_errors(counts: Counts, ratio: Floats | float = 1.0) -> Floats:
    """Σw(s − ratio·y)² of the labelled."""
    squares: Floats = summed(counts.score_sq, LABELLED) - 2 * ratio * summed(counts.score, (POSITIVE,)) + ratio**2 * summed(counts.weight, (POSITIVE,))
    return squares


def calibration_ratio(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    """Of a ratio of means on the logarithm's scale: its error is the mean of s − ratio·y over the mean of y."""
    size = size_of(counts, LABELLED)
    residual = _squared_errors(counts, value) / summed(counts.weight, LABELLED)
    base = summed(counts.weight, (POSITIVE,)) / summed(counts.weight, LABELLED)
    reach = np.exp(_t(size) * np.sqrt(np.maximum(residual, 0.0) / (size - 1)) / (base * value))
    return _of_both_labels(counts, (value / reach, value * reach))


def discrimination(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    positive, negative = (_label_mean(counts, label) for label in (POSITIVE, NEGATIVE))
    return mover(((1.0, positive), (-1.0, negative)))


def _label_mean(counts: Counts, label: int) -> Estimate:
    """The mean score of one label's rows, which are probabilities."""
    value = summed(counts.score, (label,)) / summed(counts.weight, (label,))
    lower, upper = mean_score((label,))(counts, value, {})
    return Estimate(value, np.clip(lower, 0.0, 1.0), np.clip(upper, 0.0, 1.0))


def brier_score(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    """The spread of (s − y)² from the score cells, each taken at its middle."""
    cells = counts.score_cells
    if cells is None:
        return np.full_like(value, np.nan), np.full_like(value, np.nan)
    square_error = np.square((cells.lowest + cells.highest) / 2 - cells.label)
    fourth = cells.weight * square_error * square_error  # a power of 4 takes ten times as long
    square = np.bincount(cells.slice, fourth, len(counts.slices)) / summed(counts.weight, LABELLED)
    return _of_both_labels(counts, _mean_bounds(value, square, size_of(counts, LABELLED)))


def roc_auc(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    """DeLong's standard error on the logit scale; where every positive is above every negative, Wilson's for the smaller class.

    Source: DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44:837; the scale: Pepe (2003), section 5.2; degrees of freedom: Welch (1947), Biometrika 34:28.
    """
    found = placements(counts)
    owner, sizes, parts = found.ranges.slice, [], []
    for label in (POSITIVE, NEGATIVE):
        size = size_of(counts, (label,))
        spread = np.bincount(owner, found.ranges.weight[label] * (found.placement[label] - value[owner]) ** 2, len(counts.slices))
        parts.append(spread / summed(counts.weight, (label,)) / (size - 1))
        sizes.append(size)
    return _auc_bounds(value, parts, sizes)


def _auc_bounds(value: Floats, parts: Sequence[Floats], sizes: Sequence[Floats]) -> Bounds:
    """On the logit scale, by Student's point with Welch's degrees of freedom: the spread of few positives is itself uncertain."""
    variance = parts[0] + parts[1]
    freedom = variance**2 / sum(part**2 / (size - 1) for part, size in zip(parts, sizes, strict=True))
    reach = _t(freedom + 1) * np.sqrt(variance) / (value * (1 - value))
    logit = np.log(value / (1 - value))
    least = np.minimum(*sizes)
    flat = wilson(value * least, least, level=LEVEL)
    certain = (value <= 0) | (value >= 1)
    return np.where(certain, flat[0], 1 / (1 + np.exp(reach - logit))), np.where(certain, flat[1], 1 / (1 + np.exp(-reach - logit)))


def crossed_auc(label: int) -> Callable[[Counts, Floats, dict[str, float]], Bounds]:
    def bounds(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
        found = of_cells.crossed_auc(counts, label)
        return _auc_bounds(value, found.parts, found.sizes)

    return bounds


def crossed_auc_with(label: int) -> Callable[[Counts, Floats], Bounds]:
    """The same where the rows of both sides say less by the design effect of each slice's, shape (slices,)."""

    def bounds(counts: Counts, effect: Floats) -> Bounds:
        found = of_cells.crossed_auc(counts, label)
        sizes = [size / effect for size in found.sizes]
        parts = [part * (size - 1) / np.where(fewer > 1, fewer - 1, np.nan) for part, size, fewer in zip(found.parts, found.sizes, sizes, strict=True)]
        return _auc_bounds(found.value, parts, sizes)

    return bounds


def average_precision(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    """By its influence function, on the logit scale; where it is 1, Wilson's for the positives.

    Source of the scale: Boyd, Eng & Page (2013), ECML PKDD.
    """
    return _precision_bounds(counts, value, of_cells.average_precision(counts).variance)


def interpolated_precision(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    """As above; by the larger variance of the two, which are one on many scores, since its own is too small on few positives."""
    return _precision_bounds(counts, value, np.maximum(of_cells.interpolated_precision(counts).variance, of_cells.average_precision(counts).variance))


def _precision_bounds(counts: Counts, value: Floats, variance: Floats) -> Bounds:
    size = size_of(counts, (POSITIVE,))
    reach = _t(size) * np.sqrt(variance) / (value * (1 - value))
    logit, flat = np.log(value / (1 - value)), wilson(value * size, size, level=LEVEL)
    return np.where(value >= 1, flat[0], 1 / (1 + np.exp(reach - logit))), np.where(value >= 1, flat[1], 1 / (1 + np.exp(-reach - logit)))


def log_loss(counts: Counts, value: Floats, params: dict[str, float]) -> Bounds:
    return _of_both_labels(counts, _mean_bounds(value, of_cells.mean_log_loss(counts)[1], size_of(counts, LABELLED)))
