"""Every engine asked for the same quantities, and where their answers differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from fairaudit.cube.counts import Counts
from fairaudit.errors import ContentError
from fairaudit.metrics.agreement import disagrees
from fairaudit.metrics.catalogue import CATALOGUE
from fairaudit.metrics.engines.interface import Engine, Quantity
from fairaudit.types import Bools, Floats

NATIVE = "native"
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the engines say of one quantity; the arrays have its size."""

    quantity: Quantity
    values: dict[str, Floats]  # engine → values, NaN where undefined; the native engine first
    answered: dict[str, Bools]  # engine → where it was asked and answered

    @property
    def value(self) -> Floats:
        return self.values[NATIVE]

    def of(self, place: int) -> dict[str, float | None]:
        """Each engine's value for one group or slicing; None where it calls the metric undefined too."""
        return {name: _or_none(values[place]) for name, values in self.values.items() if self.answered[name][place]}

    @property
    def disagreements(self) -> Bools:
        """Where some witness differs from the native engine."""
        differs = np.zeros(self.quantity.size, dtype=bool)
        for name, values in self.values.items():
            differs |= self.answered[name] & disagrees(self.value, values)
        return differs


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What one engine says of one of the quantities it was asked for; the arrays have its size."""

    place: int  # of the quantity among those wanted
    engine: str
    values: Floats
    answered: Bools


def replies(engine: Engine, wanted: Sequence[Quantity], counts: Counts) -> list[Reply]:
    """What an engine says of the quantities that it computes.

    Raises:
        ContentError: its library broke.
    """
    places, parts, masks = [], [], []
    for place, quantity in enumerate(wanted):
        if quantity.metric not in engine.metrics or not quantity.size or (engine.name != NATIVE and not _applies(quantity, counts)):
            continue
        mask = engine.answers(quantity, counts)
        if mask.any():
            places.append(place)
            masks.append(mask)
            parts.append(_part(quantity, mask))
    try:
        measured = engine.measure(parts, counts)
    except Exception as broken:  # whatever TFMA or AIF360 raise
        raise ContentError(f"the {engine.name} engine broke ({type(broken).__name__}: {broken}); audit without it with --engine native.") from broken
    return [
        Reply(place=place, engine=engine.name, values=_spread(values, mask), answered=mask)
        for place, values, mask in zip(places, measured, masks, strict=True)
    ]


def gathered(wanted: Sequence[Quantity], told: Iterable[Reply]) -> tuple[Answer, ...]:
    """The engines' replies by quantity."""
    answers = [Answer(quantity=quantity, values={}, answered={}) for quantity in wanted]
    for one in told:
        answer = answers[one.place]
        answers[one.place] = replace(answer, values=answer.values | {one.engine: one.values}, answered=answer.answered | {one.engine: one.answered})
    return tuple(answers)


def _applies(quantity: Quantity, counts: Counts) -> bool:
    """Scores that are no probabilities make a metric that needs them undefined, whatever a library computes from them."""
    return counts.has_probabilities or not CATALOGUE[quantity.metric].needs_probability


def _part(quantity: Quantity, mask: Bools) -> Quantity:
    def kept(parts: tuple[T, ...]) -> tuple[T, ...]:
        return tuple(part for part, is_in in zip(parts, mask, strict=True) if is_in) if parts else ()

    return replace(quantity, groups=kept(quantity.groups), references=kept(quantity.references), slicings=kept(quantity.slicings))


def _spread(values: Floats, mask: Bools) -> Floats:
    out = np.full(mask.shape, np.nan)
    out[mask] = values
    return out


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
