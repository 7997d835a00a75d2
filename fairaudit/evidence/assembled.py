"""Engines' answers made complete: with interval, rows, status and reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.special import kolmogorov  # type: ignore[import-untyped]

from fairaudit.cube.counts import NEGATIVE, POSITIVE, Counts
from fairaudit.evidence.cell_errors import UNBOUNDED, error_of, pair_error
from fairaudit.evidence.estimates import estimate, pair_bounds
from fairaudit.evidence.exact_tests import P_VALUES
from fairaudit.evidence.intervals import Bounds
from fairaudit.evidence.measurement import Comparison, Group, Interval, Measurement, Status
from fairaudit.evidence.rates import trials_of
from fairaudit.evidence.shrinkage import prior
from fairaudit.metrics.answers import Answer
from fairaudit.metrics.catalogue import CATALOGUE, Metric, Shape, total
from fairaudit.metrics.engines.cells import kolmogorov_smirnov
from fairaudit.metrics.engines.interface import Kind
from fairaudit.metrics.engines.native import value_of
from fairaudit.types import Floats, Ints

NO_PROBABILITIES = "the scores are no probabilities: some lie outside [0, 1]"


def measurements(answers: Sequence[Answer], counts: Counts, *, threshold: float | None) -> tuple[Measurement, ...]:
    """A measurement for each metric and slice, in the order of slices, then of the catalogue."""
    made = [(place, one) for answer in answers for place, one in zip(answer.quantity.groups, _measurements(answer, counts, threshold), strict=True)]
    return tuple(one for _, one in sorted(made, key=lambda pair: pair[0]))


def comparisons(answers: Sequence[Answer], counts: Counts, *, threshold: float | None, p_values: str | None = None) -> tuple[Comparison, ...]:
    """A comparison for each metric, kind and pair of slices, in the order of slicings and groups.

    Args:
        p_values: by which exact test differences of rates have some.
    """
    made = [(place, one) for answer in answers for place, one in zip(answer.quantity.groups, _comparisons(answer, counts, threshold, p_values), strict=True)]
    return tuple(one for _, one in sorted(made, key=lambda pair: pair[0]))


def _measurements(answer: Answer, counts: Counts, threshold: float | None) -> Iterator[Measurement]:
    metric = CATALOGUE[answer.quantity.metric]
    found, rows = estimate(metric, counts, dict(answer.quantity.params)), _rows(metric, counts)
    bounds = (found.lower, found.upper) if found else None
    error = error_of(metric, counts)
    shrunken = _shrunken(metric, counts) if metric.shape is Shape.RATE else None
    size = trials_of(metric, counts) if metric.shape is Shape.RATE and (counts.has_weights or counts.clusters is not None) else None
    for place, index in enumerate(answer.quantity.groups):
        value = _finite(answer.value[place])
        yield Measurement(
            metric=metric.id, params=dict(answer.quantity.params), slice=counts.slices[index],
            threshold=None if metric.needs_score or metric.id == "base_rate" else threshold,
            value=value, interval=_interval(bounds, index) if value is not None else None, rows=int(rows[index]),
            status=_status(answer.value[place]), reason=_why(metric, counts, answer.value[place]),
            error=_positive(error[index]) if error is not None and value is not None else None,
            shrunken=None if shrunken is None else _finite(shrunken[index]), effective_rows=None if size is None else float(size[index]), engines=answer.of(place),
        )  # fmt: skip


def _comparisons(answer: Answer, counts: Counts, threshold: float | None, p_values: str | None) -> Iterator[Comparison]:
    metric, quantity = CATALOGUE[answer.quantity.metric], answer.quantity
    bounds = pair_bounds(metric, quantity.kind, counts, np.array(quantity.groups), np.array(quantity.references))
    error = pair_error(metric, quantity.kind, counts, np.array(quantity.groups, dtype=int), np.array(quantity.references, dtype=int))
    values = np.zeros(len(counts.slices)) if metric.shape is Shape.PAIR else value_of(metric.id, counts)
    p = _p_values(metric, quantity.kind, counts, np.array(quantity.groups, dtype=int), np.array(quantity.references, dtype=int), p_values)
    for place, (group, reference) in enumerate(zip(quantity.groups, quantity.references, strict=True)):
        value = _finite(answer.value[place])
        yield Comparison(
            metric=metric.id, kind=quantity.kind.value, params=dict(quantity.params), slicing=counts.slices[group].attributes,
            group=Group(slice=counts.slices[group]), reference=Group(slice=counts.slices[reference]),
            threshold=None if metric.needs_score or metric.id == "base_rate" else threshold,
            value=value, interval=_interval(bounds, place) if value is not None else None, p_value=None if p is None or value is None else _finite(p[place]),
            status=Status.UNDEFINED if value is None else Status.OK,
            reason=_why_not_compared(metric, counts, values, group, reference) if value is None else UNBOUNDED if error is not None and np.isinf(error[place]) else "",
            error=_positive(error[place]) if error is not None and value is not None else None,
            engines=answer.of(place),
        )  # fmt: skip


def _p_values(metric: Metric, kind: Kind, counts: Counts, groups: Ints, references: Ints, asked: str | None) -> Floats | None:
    """Of no difference between each pair: Smirnov's of distances, and of rates by the exact test that is asked for; shape (groups,)."""
    if metric.id == "kolmogorov_smirnov_distance" and counts.clusters is None:
        found = kolmogorov_smirnov(counts, groups, references)
        out: Floats = kolmogorov(found.value / np.sqrt(found.rarity))
        return out
    if asked is None or metric.shape is not Shape.RATE or kind is not Kind.DIFFERENCE:
        return None
    events, trials = (total(counts.rows.astype(np.float64), cells).astype(np.int64) for cells in (metric.numerator, metric.denominator))
    return P_VALUES[asked](events[groups], trials[groups], events[references], trials[references])


_EVENTS, _NON_EVENTS = 30, 10  # expected at the rate of all slices, from which a slice's own rate says enough: what rules ask before they judge one alone


def _shrunken(metric: Metric, counts: Counts) -> Floats:
    """Rates of small slices, shrunken within their slicing; NaN for those that are large enough, and for a missing value, who are nobody in particular. Shape (slices,)."""
    found, size = np.full(len(counts.slices), np.nan), trials_of(metric, counts)
    with np.errstate(invalid="ignore"):
        events = np.where(size > 0, value_of(metric.id, counts) * size, 0.0)
    for slicing in dict.fromkeys(one.attributes for one in counts.slices):
        known = np.array([index for index in counts.of_slicing(slicing) if not counts.slices[index].has_missing], dtype=int)
        if known.size and (fitted := prior(events[known], size[known])):
            expected = size[known] * fitted.mean
            small = known[(size[known] > 0) & ((expected < _EVENTS) | (size[known] - expected < _NON_EVENTS))]
            found[small] = fitted.shrunken(events[small], size[small])
    return found


def _rows(metric: Metric, counts: Counts) -> Ints:
    """The real rows that a metric rests on, shape (slices,)."""
    if metric.shape is Shape.RATE:
        return total(counts.rows.astype(np.float64), metric.denominator).astype(np.int64)
    labels = (NEGATIVE, POSITIVE) if metric.needs_label else (0, 1, 2)
    rows: Ints = counts.rows[:, labels].sum(axis=(1, 2))
    return rows


def _status(value: float) -> Status:
    return Status.OK if np.isfinite(value) else Status.INFINITE if np.isinf(value) else Status.UNDEFINED


def _why(metric: Metric, counts: Counts, value: float) -> str:
    """Why there is no finite value; nothing where there is one."""
    if np.isfinite(value):
        return ""
    if np.isinf(value):
        return metric.infinite
    return NO_PROBABILITIES if metric.needs_probability and not counts.has_probabilities else metric.undefined


def _why_not_compared(metric: Metric, counts: Counts, values: Floats, group: int, reference: int) -> str:
    if metric.shape is Shape.PAIR or (metric.needs_probability and not counts.has_probabilities):
        return _why(metric, counts, np.nan)
    lacking = [str(counts.slices[index]) for index in (group, reference) if np.isnan(values[index])]
    infinite = [str(counts.slices[index]) for index in (group, reference) if np.isinf(values[index])]
    if infinite:
        return f"{metric.infinite or 'infinite'} in {' and in '.join(infinite)}"
    return f"{metric.undefined} in {' and in '.join(lacking)}" if lacking else f"the value of {counts.slices[reference]} is 0"


def _interval(bounds: Bounds | None, place: int) -> Interval | None:
    if bounds is None:
        return None
    lower, upper = float(bounds[0][place]), float(bounds[1][place])
    # MOVER-R has no upper end where the reference could be 0.
    return (lower, upper) if np.isfinite(lower) and np.isfinite(upper) else None


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _positive(value: float) -> float | None:
    return float(value) if 0 < value < np.inf else None
