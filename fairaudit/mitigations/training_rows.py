"""Rows that a model is trained on, as it takes them: with their labels, their weights, and which of them nothing is learned from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from fairaudit.data.source import place_in, told
from fairaudit.errors import ContentError
from fairaudit.mitigations.reweighing import Reweighing
from fairaudit.mitigations.withheld import Withheld, typical
from fairaudit.models.conversion import convert
from fairaudit.models.feeding import Feeding
from fairaudit.models.interface import Feature
from fairaudit.models.savedmodel import Matched
from fairaudit.models.signatures import import_tensorflow
from fairaudit.splits.splitting import halves
from fairaudit.types import Bools, Floats, Ints

VALIDATED = 0.2  # of the rows to fit on
_READ = 16_384  # rows at once


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRows:
    """Labelled rows that count, in the order of the data."""

    inputs: Mapping[str, Any]  # input → a tensor of all rows
    label: Floats  # 1 or 0
    weight: Floats  # a row's own, above 0
    factor: Floats  # what reweighing multiplies it by
    is_validated: Bools  # whether it is kept out of the gradients
    where: Callable[[int], str]  # a row's place in the data, as messages say it
    usual: tuple[Withheld, ...] = ()  # protected attributes that the model takes, each as most of these rows have it

    @property
    def trained(self) -> Ints:
        """Places of the rows that are learned from."""
        return np.flatnonzero(~self.is_validated)

    @property
    def validated(self) -> Ints:
        return np.flatnonzero(self.is_validated)


def training_rows(made: Reweighing, matched: Matched, *, seed: int, together: bool = True, ignore: tuple[str, ...] = (), share: float = VALIDATED) -> TrainingRows:
    """The rows of a reweighing as a model takes them, some of each label and group kept out; clusters, and rows that are alike, are not torn apart.

    Args:
        together: whether rows that are alike stay together.
        ignore: columns that are no fact about a person, as a row's place.
        share: of the rows that are kept out.

    Raises:
        ContentError, Several: a value does not fit the model, or there are too few rows.
    """
    source, rows = made.rows.source, made.rows
    parts = halves(source, rows.wanted, shares=(1 - share, share), names=("train", "validation"), seed=seed, ignore=ignore, together=together)
    starts = [0, *accumulate(rows.per_file)]
    feeding = Feeding(inputs=matched.inputs)
    names = [one.name for one in matched.inputs.features]
    protected: dict[Feature, list[Any]] = {one: [] for one in matched.inputs.features if one.name in rows.wanted.attributes}
    sql = f"SELECT * FROM (SELECT *, row_number() OVER () - 1 AS place FROM ({rows.relation(names)})) WHERE excluded IS NULL AND label IS NOT NULL"
    fed: dict[str, list[Any]] = {}
    columns: dict[str, list[Any]] = {"place": [], "label": [], "weight": []}
    with told(source), source.connect() as connection:
        batches: Any = connection.sql(sql).to_arrow_reader(_READ)
        for batch in batches:
            places = batch.column("place").to_numpy()
            features = pa.RecordBatch.from_arrays([batch.column(f"f{at}") for at in range(len(names))], names)
            where = partial(_place, source.names, starts, places)
            arrays = feeding.arrays(features, where)
            for one, own in protected.items():
                values, _ = convert(features.column(one.name), one, where)
                own.append(values)
            for name, tensor in feeding.tensors(arrays).items():
                fed.setdefault(name, []).append(tensor)
            for name, held in columns.items():
                held.append(batch.column(name).to_numpy(zero_copy_only=False))
    tf = import_tensorflow()
    place, label, weight = (np.concatenate(held) if held else np.empty(0) for held in columns.values())
    is_validated = parts.part[place.astype(np.int64)] == 1
    if is_validated.all() or not is_validated.any():
        raise ContentError(f"{source.name} has too few labelled rows to learn from some and to stop by others; give more.")
    return TrainingRows(
        inputs={name: tf.concat(tensors, axis=0) for name, tensors in fed.items()}, label=label.astype(np.float64), weight=weight.astype(np.float64),
        factor=made.factors[place], is_validated=is_validated, where=partial(_place, source.names, starts, place.astype(np.int64)), usual=tuple(_usual(protected)),
    )  # fmt: skip


def _place(names: Sequence[str], starts: Sequence[int], places: Ints, row: int) -> str:
    return place_in(names, starts, int(places[row]))


def _usual(protected: Mapping[Feature, Sequence[Any]]) -> Iterator[Withheld]:
    for one, parts in protected.items():
        yield typical(np.concatenate(parts), attribute=one.name, dtype=one.dtype)
