"""Consistency of everyone and of each slice, with intervals from parts of the sample."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
from fairaudit.types import Bools, Floats

METRIC, PARAMS = "consistency", {"neighbors": float(NEIGHBORS)}
MANY_TIED = 0.1  # of the sampled rows; fewer hardly move the value
_PARTS = 10
_ALIKE = 1e-24  # a variance that is 0 but for rounding
_ENOUGH = 200  # rows, from which parts are large enough


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spread:
    """What the sample shows of chance; disagreements of shape (rows of the part,) and (rows,)."""

    parts: tuple[tuple[slice, Floats], ...]
    orders: tuple[Floats, ...]  # of the whole sample, as it is when its rows stand in another order


def consistencies(
    sample: Sample, slices: Sequence[Slice], *, threshold: float | None, tied: float, rng: np.random.Generator, by_library: float | None = None
) -> tuple[Measurement, ...]:
    """A measurement for each slice: the nearest rows are sought among everyone.

    Args:
        tied: the share of rows that have others as near as the last of their nearest.
        rng: for the orders in which the rows are looked at again, where many are tied.
        by_library: what a witness says of everyone, if one was asked; its name is AIF360's.
    """
    if sample.decision.size < NEIGHBORS:
        few = f"fewer than {NEIGHBORS} rows have every feature"
        return tuple(_measurement(one, 0, None, None, few, threshold, {"native": None}) for one in slices)
    apart = disagreement(sample.features, sample.decision)
    return tuple(_of_slices(sample, slices, apart, _spread(sample, tied, rng), threshold, by_library))


def as_answers(found: Sequence[Measurement], counts: Counts) -> tuple[Answer, ...]:
    """What the engines said of everyone, as they say it of other metrics: so that a disagreement is found."""
    both = [one for one in found if len(one.engines) > 1]
    if not both:
        return ()
    names = list(both[0].engines)
    quantity = Quantity(metric=METRIC, params=tuple(PARAMS.items()), groups=tuple(counts.index(one.slice) for one in both))
    values = {name: np.array([np.nan if one.engines[name] is None else one.engines[name] for one in both], dtype=np.float64) for name in names}
    return (Answer(quantity=quantity, values=values, answered={name: np.ones(len(both), dtype=bool) for name in names}),)


def _spread(sample: Sample, tied: float, rng: np.random.Generator) -> _Spread:
    if sample.decision.size < _ENOUGH:
        return _Spread(parts=(), orders=())
    turns = [slice(part, None, _PARTS) for part in range(_PARTS)]  # the sample's order says nothing
    return _Spread(
        parts=tuple((turn, disagreement(sample.features[turn], sample.decision[turn])) for turn in turns),
        orders=tuple(_in_another_order(sample, rng) for _ in range(_PARTS)) if tied > MANY_TIED else (),
    )


def _in_another_order(sample: Sample, rng: np.random.Generator) -> Floats:
    order = rng.permutation(sample.decision.size)
    out = np.empty(order.size)
    out[order] = disagreement(sample.features[order], sample.decision[order])
    return out


def _of_slices(
    sample: Sample, slices: Sequence[Slice], apart: Floats, spread: _Spread, threshold: float | None, by_library: float | None
) -> Iterator[Measurement]:
    for one in slices:
        mine = sample.of(one)
        rows = int(mine.sum())
        value = 1 - float(apart[mine].mean()) if rows else None
        engines = {"native": value} | ({"aif360": by_library} if one == EVERYONE and by_library is not None else {})
        interval = _interval(value, mine, spread) if value is not None and rows >= _ENOUGH else None
        yield _measurement(one, rows, value, interval, "no sampled row is of it", threshold, engines)


def _interval(value: float, mine: Bools, spread: _Spread) -> Interval | None:
    """Student's, from how much parts of the sample differ; none where they do not, as where all decisions are alike. Rows share neighbours, so their own spread would make it half as wide as it must be.

    What the choice among equally near rows does to the whole sample does not shrink with its size as the rest does, so it is added.

    Args:
        mine: the slice's rows in the sample.

    Source: Politis & Romano (1994), Ann. Stat. 22:2031, for the variance from subsamples.
    """
    means = [float(own[mine[turn]].mean()) for turn, own in spread.parts if mine[turn].any()]
    if len(means) < _PARTS:
        return None
    by_order = float(np.var([one[mine].mean() for one in spread.orders], ddof=1)) if spread.orders else 0.0
    variance = float(np.var(means, ddof=1)) / _PARTS + by_order
    if variance < _ALIKE:
        return None
    reach = float(stdtrit(_PARTS - 1, (1 + LEVEL) / 2)) * math.sqrt(variance)
    return max(value - reach, 0.0), min(value + reach, 1.0)


def _measurement(
    one: Slice, rows: int, value: float | None, interval: Interval | None, reason: str, threshold: float | None, engines: dict[str, float | None]
) -> Measurement:
    return Measurement(
        metric=CATALOGUE[METRIC].id, params=PARAMS, slice=one, threshold=threshold, value=value, interval=interval, rows=rows,
        status=Status.UNDEFINED if value is None else Status.OK, reason="" if value is not None else reason, engines=engines,
    )  # fmt: skip
