"""What every metric of decisions would be at other thresholds, with its intervals.

This describes: rules judge the operating point alone, and no witness is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fairaudit.cube.at_thresholds import counts_at
from fairaudit.cube.counts import Counts
from fairaudit.cube.slices import EVERYONE
from fairaudit.cube.thresholds import Thresholds
from fairaudit.errors import ConfigError
from fairaudit.evidence.design_effects import of_metric
from fairaudit.evidence.estimates import estimate_with
from fairaudit.evidence.measurement import Sweep, Swept
from fairaudit.evidence.wanted import PARAMS, Only, computable
from fairaudit.metrics.catalogue import Metric, Shape
from fairaudit.metrics.engines.native import value_of
from fairaudit.types import Floats

WITH_CROSSES, MOST = 5_000, 20_000  # slices × thresholds: up to the first crosses are swept too, and beyond the second nobody would read them
_AT_ONCE = 2_000  # slices × thresholds of which intervals are held at once
_ENDLESS = "mean_log_deviation"  # it has no interval
_OF_DECISIONS = (Shape.RATE, Shape.COMPOSITE, Shape.INEQUALITY)


def swept(counts: Counts, thresholds: Thresholds, only: Only = None) -> tuple[Sweep, ...]:
    """A sweep of everyone and of each slice by one attribute; of crosses too, where these are not too many.

    Of rows in clusters every threshold has the design effect of the operating point, where clusters were summed.

    Raises:
        ConfigError: there are too many slices for so many thresholds.
    """
    described = thresholds.described
    chosen = swept_slices(counts, len(described))
    if len(chosen) * len(described) > MOST:
        raise ConfigError(
            f"{len(chosen):,} slices at {len(described)} thresholds are more numbers than anybody reads; describe {MOST // len(chosen):,} of them at most."
        )
    found = counts_at(counts, [thresholds.edge(one) for one in described])
    at = _parts(found, np.concatenate([np.arange(index * len(described), (index + 1) * len(described)) for index in chosen]))
    metrics = of_decisions(counts, only)
    effects = {one: np.repeat(of_metric(one, counts, dict(PARAMS.get(one.id, ())))[list(chosen)], len(described)) for one in metrics if one.id != _ENDLESS} if counts.clusters else {}
    by_metric = _everywhere(metrics, at, len(described), effects)
    return tuple(
        Sweep(
            slice=cut, thresholds=described,
            metrics={one.id: _written(one.id, numbers[:, place]) for one, numbers in by_metric.items() if not (one.of_part and cut == EVERYONE)},
        )
        for place, cut in enumerate(counts.slices[index] for index in chosen)
    )  # fmt: skip


def swept_slices(counts: Counts, thresholds: int) -> tuple[int, ...]:
    """Which slices are swept at so many thresholds."""
    everywhere = tuple(range(len(counts.slices)))
    return everywhere if len(everywhere) * thresholds <= WITH_CROSSES else tuple(index for index in everywhere if len(counts.slices[index].attributes) < 2)


def of_decisions(counts: Counts, only: Only = None) -> tuple[Metric, ...]:
    """The metrics that a sweep describes."""
    return tuple(filter(is_swept, computable(counts, only)))


def is_swept(metric: Metric) -> bool:
    """Whether a threshold changes it; counts of rows follow from the rates."""
    return metric.shape in _OF_DECISIONS and metric.id != "base_rate"


def _everywhere(metrics: Sequence[Metric], at: Counts, thresholds: int, effects: Mapping[Metric, Floats]) -> dict[Metric, Floats]:
    """Value, lower and upper end of each metric, shape (3, slices, thresholds).

    Args:
        effects: the design effects of rows in clusters, shape (slices × thresholds,); none where rows are independent.
    """
    n, alone = len(at.slices), [one for one in metrics if not one.of_part]

    def some(metric: Metric, places: Any) -> Floats | None:
        return effects[metric][places] if metric in effects else None

    # Part by part, since what metrics share is remembered of one part only.
    blocks = [np.arange(begin, min(begin + _AT_ONCE, n)) for begin in range(0, n, _AT_ONCE)]
    parts = [[_numbers(one, part, some(one, block)) for one in alone] for block in blocks for part in (_parts(at, block),)]
    found = {one: np.concatenate([part[place] for part in parts], axis=1) for place, one in enumerate(alone)}
    for one in metrics:
        if one.of_part:  # against everyone at the same threshold
            found[one] = np.empty((3, n))
            for beside in range(thresholds):
                places = np.arange(beside, n, thresholds)
                found[one][:, places] = _numbers(one, _parts(at, places), some(one, places))
    return {one: found[one].reshape(3, -1, thresholds) for one in metrics}


def _numbers(metric: Metric, counts: Counts, effect: Floats | None) -> Floats:
    params = dict(PARAMS.get(metric.id, ()))
    value, known = value_of(metric.id, counts, params), estimate_with(metric, counts, params, effect)
    ends = np.full((2, value.size), np.nan) if known is None else np.array([known.lower, known.upper])
    ends[:, ~(np.isfinite(value) & np.isfinite(ends).all(axis=0))] = np.nan
    return np.concatenate([value[None], ends])


def _parts(counts: Counts, places: Any) -> Counts:
    """Some of the slices."""
    return replace(
        counts,
        slices=tuple(counts.slices[place] for place in places),
        rows=counts.rows[places],
        weight=counts.weight[places],
        weight_sq=counts.weight_sq[places],
    )


def _written(metric: str, numbers: Floats) -> Swept:
    values, lower, upper = (tuple(_or_none(line)) for line in numbers)
    return Swept(params=dict(PARAMS.get(metric, ())), values=values, lower=lower, upper=upper, infinite=tuple(np.flatnonzero(np.isinf(numbers[0])).tolist()))


def _or_none(line: Floats) -> Iterator[float | None]:
    return (value if held else None for value, held in zip(line.tolist(), np.isfinite(line).tolist(), strict=True))
