"""What the audit asks of a model: which columns it needs, and a score for each row of a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import pyarrow as pa  # type: ignore[import-untyped]

from fairaudit.errors import ConfigError, ContentError, listed, nearest
from fairaudit.types import Bools, Floats

Where = Callable[[int], str]  # place of a batch's row in the data: "people.csv, row 17"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One input of a model."""

    name: str  # the input's name in the signature or the tf.Example, and the column's name in the data
    dtype: str  # as the library calls it: "float32", "int64", "string", "bool"
    rank: int = 1  # 1: [n], 2: [n, 1]
    optional: bool = False  # whether a tf.Example may leave it out, which is how a missing value is told to such a model
    unfit: str = ""  # why no column can be given to it, as a sentence has it after "which"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What the audit records of a model."""

    name: str
    sha256: str
    signature: str
    output: str
    score_type: str  # "float32": what thresholds are rounded to
    decision_output: str | None = None  # whose decisions are taken; None: they follow from the scores


DTYPES = frozenset(("string", "bool", *(f"float{bits}" for bits in (16, 32, 64)), *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))))


def target_of(dtype: str) -> str:
    """What a dtype holds, whatever its size: string, bool, int or float."""
    return dtype.rstrip("0123456789").removeprefix("u")


class Answers(NamedTuple):
    """What a model says of a batch, each of shape (rows,)."""

    scores: Floats  # float64
    decisions: Bools | None  # None where it is not asked for its own


class Scorer(Protocol):
    """A model that has been loaded and matched to the data's columns.

    `answer` is called once for each batch, in the order of the data; then `check` once. Until `check` has passed, the
    scores may hold NaN and numbers outside [0, 1], and decisions what is none, so nothing computed from them may leave the audit.
    """

    card: ModelCard
    features: tuple[Feature, ...]
    batch_size: int  # the most rows that `answer` takes at once

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should be told of how the scores were had, once scoring is over."""

    def answer(self, batch: pa.RecordBatch, where: Where) -> Answers:
        """The model's answer for each row. `batch` has at least the features' columns, as the file has them.

        Raises:
            ContentError: a value does not fit its input's dtype, or the model broke.
        """

    def check(self) -> None:
        """Returns if every score so far was within [0, 1], and every decision was one.

        Raises:
            ModelFailed: some were not; it says how many, and where the first was.
        """


class NotAModel(ConfigError):
    """The path holds nothing that can be loaded as a model."""


class UnfitModel(ConfigError):
    """The model has no signature, input or output of the kind that was asked for."""


class UnfitColumns(ConfigError):
    """The model's inputs cannot be had from the data's columns."""


class MissingColumns(UnfitColumns):
    def __init__(self, names: Sequence[str], *, file: str, model: str, columns: Sequence[str]) -> None:
        near = {name: nearest(name, columns) for name in names}
        wanted = [f"{name!r} (did you mean {near[name]!r}?)" if near[name] else repr(name) for name in names]
        advice = "" if any(near.values()) else f"; the other columns there are {listed(columns)}"
        super().__init__(f"{file} has no column for {_inputs(len(names))} of model {model!r}: {', '.join(wanted)}{advice}")


class UnfitType(UnfitColumns):
    def __init__(self, feature: Feature, kind: str, *, file: str) -> None:
        super().__init__(f"{file}: column {feature.name!r} has the type {kind}, which cannot be given to the model's input of dtype {feature.dtype}")


class UnfitValue(ContentError):
    """A value that its input's dtype cannot hold."""

    def __init__(self, feature: Feature, value: str, why: str, *, place: str, rows: int) -> None:
        others = f"; {rows} rows near there are like it" if rows > 1 else ""
        super().__init__(f"{place}: column {feature.name!r} holds {value}, which {why}; the model takes {feature.dtype}{others}")


class MissingValue(ContentError):
    """An empty cell where the input's dtype has nothing to say so."""

    def __init__(self, feature: Feature, *, place: str, rows: int) -> None:
        others = f" ({rows} rows near there are like it)" if rows > 1 else ""
        advice = "so fill it in or leave the row out"
        super().__init__(f"{place}: column {feature.name!r} is empty{others}; the model takes {feature.dtype}, which has no missing value, {advice}")


class ModelFailed(ContentError):
    """The model broke, or answered what cannot be a score."""


def _inputs(count: int) -> str:
    return "an input" if count == 1 else f"{count} inputs"
