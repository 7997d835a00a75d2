"""Columns read whole, by Arrow and NumPy, where every value is usual; None where one is not, for `exact` to judge.

Each reader gives the same as `exact` would, or None.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from fairaudit.types import Bools

Array = npt.NDArray[Any]
DType = np.dtype[Any]


def text_as_int(values: pa.Array, dtype: DType) -> Array | None:
    # Arrow reads 0x10 as 16.
    if pc.any(pc.match_substring(values, "x", ignore_case=True)).as_py():
        return None
    trimmed = pc.utf8_trim_whitespace(values)
    numbers = whole_as_int(trimmed, dtype)
    # pandas writes a column of ints with gaps as 39.0: read exactly, one by one, a million rows would take seven seconds.
    return whole_as_int(pc.replace_substring_regex(trimmed, r"^([+-]?[0-9]+)\.0*$", r"\1"), dtype) if numbers is None else numbers


def whole_as_int(values: pa.Array, dtype: DType) -> Array | None:
    return _cast(values, pa.from_numpy_dtype(dtype))


def text_as_float(values: pa.Array, dtype: DType) -> Array | None:
    doubles = _cast(pc.utf8_trim_whitespace(values), pa.float64())
    if doubles is None or not np.isfinite(doubles).all():
        return None
    numbers, is_changed = _narrowed(doubles, dtype)
    changed_wholes = pc.match_substring_regex(values.filter(pa.array(is_changed)), r"^\s*[+-]?[0-9]+\s*$")
    return None if np.isinf(numbers).any() or pc.any(changed_wholes).as_py() else numbers


def whole_as_float(values: pa.Array, dtype: DType) -> Array | None:
    numbers, is_changed = _narrowed(values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype)
    return None if np.isinf(numbers).any() or is_changed.any() else numbers


def float_as_float(values: pa.Array, dtype: DType) -> Array | None:
    given: Array = values.to_numpy(zero_copy_only=False)
    numbers, _ = _narrowed(given, dtype)
    return None if (np.isinf(numbers) & ~np.isinf(given)).any() else numbers


def float_as_int(values: pa.Array, dtype: DType) -> Array | None:
    doubles = values.to_numpy(zero_copy_only=False).astype(np.float64)
    limits = np.iinfo(dtype)
    # As a double, the largest int64 is 2^63 already.
    below = float(limits.max) if limits.bits == 64 else float(limits.max) + 1
    fits = (np.trunc(doubles) == doubles) & (doubles >= float(limits.min)) & (doubles < below)
    return doubles.astype(dtype) if fits.all() else None


def truth_as_any(values: pa.Array, dtype: DType) -> Array | None:
    truths: Array = values.to_numpy(zero_copy_only=False).astype(dtype)
    return truths


READERS: dict[tuple[str, str], Callable[[pa.Array, DType], Array | None]] = {
    ("text", "int"): text_as_int,
    ("text", "float"): text_as_float,
    ("whole", "int"): whole_as_int,
    ("whole", "float"): whole_as_float,
    ("fraction", "int"): float_as_int,
    ("fraction", "float"): float_as_float,
    ("truth", "int"): truth_as_any,
    ("truth", "float"): truth_as_any,
    ("truth", "bool"): truth_as_any,
}


def _cast(values: pa.Array, to: pa.DataType) -> Array | None:
    try:
        cast: Array = values.cast(to).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None
    return cast


def _narrowed(given: Array, dtype: DType) -> tuple[Array, Bools]:
    """The nearest floats of the dtype, and where a whole number might no longer be the one that was written."""
    with np.errstate(over="ignore"):
        numbers = given.astype(dtype)
    size = np.abs(given)
    # From 2^53 on the double itself may already be another number.
    return numbers, (size > 2.0 ** np.finfo(dtype).nmant) & ((numbers != given) | (size >= 2.0**53))
