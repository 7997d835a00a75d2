"""Columns as serialized tf.Examples, by TFX's own encoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]

from fairaudit.errors import ConfigError
from fairaudit.models.conversion import Converted, convert, filled
from fairaudit.models.interface import Feature, Where, target_of

# A tf.Example knows three types (tensorflow/core/example/feature.proto).
_STORED = {"string": pa.large_binary(), "int": pa.int64(), "bool": pa.int64(), "float": pa.float32()}


def as_lists(column: pa.Array, feature: Feature, where: Where) -> pa.Array:
    """A list of one value for each row, null where it has none: an empty list would be a feature of no values, which parsing refuses.

    Raises:
        ContentError: a value does not fit its feature, or is missing where the model needs it.
    """
    values, present = convert(column, feature, where) if feature.optional else _everywhere(column, feature, where)
    starts = np.concatenate([[0], np.cumsum(present)])
    is_null = np.append(~present, False)
    return pa.LargeListArray.from_arrays(pa.array(starts, pa.int64(), mask=is_null), pa.array(values, _STORED[target_of(feature.dtype)]))


def serialized(lists: Mapping[str, pa.Array]) -> npt.NDArray[Any]:
    """One tf.Example for each row, bytes in an object array of shape (rows,); a feature that is null is left out."""
    try:
        from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder  # type: ignore[import-untyped]
    except ImportError as absent:
        raise ConfigError("a model that takes tf.Examples needs tfx-bsl; install it with: pip install 'fairaudit[tfma]'") from absent

    batch = pa.RecordBatch.from_pydict(dict(lists))
    examples = np.empty(batch.num_rows, dtype=object)
    examples[:] = RecordBatchToExamplesEncoder().encode(batch)
    return examples


def _everywhere(column: pa.Array, feature: Feature, where: Where) -> Converted:
    values = filled(column, feature, where)
    return Converted(values, np.ones(len(values), dtype=np.bool_))
