"""Consistency of everyone and of each slice, with intervals from parts of the sample."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from scipy.special import stdtrit  # type: ignore[import-untyped]

from fairaudit.cube.counts import Counts
from fairaudit.cube.sampled import Sample
from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.evidence.measurement import Interval, Measurement, Status
from fairaudit.evidence.rates import LEVEL
from fairaudit.metrics.answers import Answer
from fairaudit.metrics.catalogue import CATALOGUE
from fairaudit.metrics.consistency import NEIGHBORS, disagreement
from fairaudit.metrics.engines.interface import Quantity
from fairaudit.types import Floats

METRIC, PARAMS = "consistency", {"neighbors": float(NEIGHBORS)}
_PARTS = 10
_ENOUGH = 200  # rows, from which parts are large enough


def consistencies(sample: Sample, slices: Sequence[Slice], *, threshold: float | None, by_library: float | None = None) -> tuple[Measurement, ...]:
    """A measurement for each slice: the nearest rows are sought among everyone.

    Args:
        by_library: what a witness says of everyone, if one was asked; its name is AIF360's.
    """
    if sample.decision.size < NEIGHBORS:
        few = f"fewer than {NEIGHBORS} rows have every feature"
        return tuple(_measurement(one, 0, None, None, few, threshold, {"native": None}) for one in slices)
    apart = disagreement(sample.features, sample.decision)
    parts = [(turn, disagreement(sample.features[turn], sample.decision[turn])) for turn in _turns(sample.decision.size)]
    return tuple(_of_slices(sample, slices, apart, parts, threshold, by_library))


def as_answers(found: Sequence[Measurement], counts: Counts) -> tuple[Answer, ...]:
    """What the engines said of everyone, as they say it of other metrics: so that a disagreement is found."""
    both = [one for one in found if len(one.engines) > 1]
    if not both:
        return ()
    names = list(both[0].engines)
    quantity = Quantity(metric=METRIC, params=tuple(PARAMS.items()), groups=tuple(counts.index(one.slice) for one in both))
    values = {name: np.array([np.nan if one.engines[name] is None else one.engines[name] for one in both], dtype=np.float64) for name in names}
    return (Answer(quantity=quantity, values=values, answered={name: np.ones(len(both), dtype=bool) for name in names}),)


def _turns(rows: int) -> list[slice]:
    """Parts of the sample, which comes in an order that says nothing."""
    return [slice(part, None, _PARTS) for part in range(_PARTS)] if rows >= _ENOUGH else []


def _of_slices(
    sample: Sample, slices: Sequence[Slice], apart: Floats, parts: Sequence[tuple[slice, Floats]], threshold: float | None, by_library: float | None
) -> Iterator[Measurement]:
    for one in slices:
        mine = sample.of(one)
        rows = int(mine.sum())
        value = 1 - float(apart[mine].mean()) if rows else None
        engines = {"native": value} | ({"aif360": by_library} if one == EVERYONE and by_library is not None else {})
        means = [own[mine[turn]] for turn, own in parts] if rows >= _ENOUGH else []
        yield _measurement(one, rows, value, None if value is None else _interval(value, means), "no sampled row is of it", threshold, engines)


def _interval(value: float, parts: Sequence[Floats]) -> Interval | None:
    """Student's, from how much parts of the sample differ: rows share neighbours, so their own spread would make it half as wide as it must be.

    Source: Politis & Romano (1994), Ann. Stat. 22:2031, for the variance from subsamples.
    """
    means = [float(part.mean()) for part in parts if part.size]
    if len(means) < _PARTS:
        return None
    reach = float(stdtrit(_PARTS - 1, (1 + LEVEL) / 2)) * float(np.std(means, ddof=1)) / math.sqrt(_PARTS)
    return max(value - reach, 0.0), min(value + reach, 1.0)


def _measurement(one: Slice, rows: int, value: float | None, interval: Interval | None, reason: str, threshold: float | None, engines: dict[str, float | None]) -> Measurement:
    return Measurement(
        metric=CATALOGUE[METRIC].id, params=PARAMS, slice=one, threshold=threshold, value=value, interval=interval, rows=rows,
        status=Status.UNDEFINED if value is None else Status.OK, reason="" if value is not None else reason, engines=engines,
    )  # fmt: skip
