"""How rows are fed to a SavedModel: columns as its inputs take them, each by name or all in serialized tf.Examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]

from fairaudit.errors import FairauditError, raise_all
from fairaudit.models import examples
from fairaudit.models.conversion import filled
from fairaudit.models.interface import Where
from fairaudit.models.matching import Inputs
from fairaudit.models.signatures import import_tensorflow

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feeding:
    """From a batch of columns to what a signature is called with."""

    inputs: Inputs

    def arrays(self, batch: pa.RecordBatch, where: Where) -> Arrays:
        """Input → one value for each row of the batch.

        Raises:
            ContentError, Several: a value does not fit its input, or is missing where the model needs it.
        """
        taken = self.inputs.examples
        convert = filled if taken is None else examples.as_lists
        columns = each(*(partial(convert, batch.column(feature.name), feature, where) for feature in self.inputs.features))
        arrays = {feature.name: column for feature, column in zip(self.inputs.features, columns, strict=True)}
        return arrays if taken is None else {taken.name: examples.serialized(arrays)}

    def tensors(self, arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, Any]:
        """The same in the shapes that the signature asks for."""
        tf = import_tensorflow()
        return {name: tf.constant(array[:, None] if self._rank(name) == 2 else array) for name, array in arrays.items()}

    def _rank(self, name: str) -> int:
        taken = self.inputs.examples
        if taken is not None:
            return len(taken.shape or (None,))
        return next(feature.rank for feature in self.inputs.features if feature.name == name)


def each(*parts: Callable[[], Any]) -> list[Any]:
    """What each part gives; if some fail, all their errors at once."""
    given, errors = [], []
    for part in parts:
        try:
            given.append(part())
        except FairauditError as error:
            errors.append(error)
    raise_all(errors)
    return given
