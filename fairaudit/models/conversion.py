"""Columns as a model takes them: no value is lost on the way, or the row is named.

Fractions are rounded to the nearest float of the input's dtype, as they were when the model was trained. Whole numbers are
not: an identifier or an amount that float32 would change is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from fairaudit.models import quick
from fairaudit.models.exact import Misfit, exactly
from fairaudit.models.interface import Feature, MissingValue, UnfitValue, Where, target_of
from fairaudit.types import Bools

Array = npt.NDArray[Any]  # of the feature's dtype; object holding bytes for "string"

# From (what the column holds, what the input is) to how, as `fairaudit inspect` says it; what is not here is refused.
# A float has many spellings and True has three: which one a string input was trained on, nobody can say.
ROUTES = {
    ("text", "string"): "as it is",
    ("text", "int"): "text read as a whole number",
    ("text", "float"): "text read as a number",
    ("text", "bool"): "text read as true or false",
    ("bytes", "string"): "as it is",
    ("whole", "string"): "written in digits",
    ("whole", "int"): "as it is, within the dtype's range",
    ("whole", "float"): "as it is, where the dtype holds it exactly",
    ("whole", "bool"): "1 is true, 0 is false",
    ("fraction", "int"): "as it is, where whole",
    ("fraction", "float"): "rounded to the dtype",
    ("fraction", "bool"): "1 is true, 0 is false",
    ("truth", "int"): "true is 1, false is 0",
    ("truth", "float"): "true is 1, false is 0",
    ("truth", "bool"): "as it is",
    ("decimal", "string"): "written in digits",
    ("decimal", "int"): "as it is, where whole",
    ("decimal", "float"): "rounded to the dtype",
    ("date", "string"): "written as YYYY-MM-DD",
}

_KINDS: dict[str, Callable[[pa.DataType], bool]] = {
    # A column of nulls has no type of its own and suits every input that can be missing.
    "text": lambda held: pa.types.is_string(held) or pa.types.is_large_string(held) or pa.types.is_string_view(held) or pa.types.is_null(held),
    "bytes": lambda held: pa.types.is_binary(held) or pa.types.is_large_binary(held) or pa.types.is_binary_view(held) or pa.types.is_fixed_size_binary(held),
    "whole": pa.types.is_integer,
    "fraction": pa.types.is_floating,
    "truth": pa.types.is_boolean,
    "decimal": pa.types.is_decimal,
    "date": pa.types.is_date,
}

_MISSING: dict[str, Any] = {"float": np.nan, "string": b""}


class Converted(NamedTuple):
    """The values of the rows that have one."""

    values: Array  # shape (rows where present,)
    present: Bools  # shape (rows,)


def route(source: pa.DataType, dtype: str) -> str | None:
    """How a column of type `source` becomes an input of `dtype`, in words; None where it never does."""
    return ROUTES.get((_kind(source), target_of(dtype)))


def filled(column: pa.Array, feature: Feature, where: Where) -> Array:
    """The column, shape (rows,), with missing values as the dtype has them: NaN among floats, the empty string among strings.

    Raises:
        ContentError: a value does not fit, or is missing where the dtype has no way to say so.
    """
    values, present = convert(column, feature, where)
    if present.all():
        return values
    if target_of(feature.dtype) not in _MISSING:
        missing = np.flatnonzero(~present)
        raise MissingValue(feature, place=where(int(missing[0])), rows=len(missing))
    whole = np.full(len(present), _MISSING[target_of(feature.dtype)], dtype=values.dtype)
    whole[present] = values
    return whole


def convert(column: pa.Array, feature: Feature, where: Where) -> Converted:
    """The values that are there, as numbers, truths or bytes of the feature's dtype.

    Raises:
        ContentError: a value does not fit.
    """
    plain = _plain(column)
    present = _present(plain, feature.dtype)
    values = plain if present.all() else plain.filter(pa.array(present))
    try:
        return Converted(_converted(values, feature.dtype), present)
    except Misfit as misfit:
        row = int(np.flatnonzero(present)[misfit.row])
        raise UnfitValue(feature, misfit.value, misfit.why, place=where(row), rows=misfit.rows) from None


def _kind(source: pa.DataType) -> str:
    held = source.value_type if pa.types.is_dictionary(source) else source
    return next((kind for kind, holds in _KINDS.items() if holds(held)), str(held))


def _plain(column: pa.Array) -> pa.Array:
    """Without dictionaries; types that only text can tell exactly, as text."""
    values = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    if pa.types.is_date64(values.type):
        values = values.cast(pa.date32())
    return values.cast(pa.string()) if _kind(values.type) in ("decimal", "date") or pa.types.is_null(values.type) else values


def _present(plain: pa.Array, dtype: str) -> Bools:
    valid: Bools = plain.is_valid().to_numpy(zero_copy_only=False)
    if dtype == "string" or _kind(plain.type) != "text":
        return valid
    blank: Bools = pc.equal(pc.utf8_trim_whitespace(plain), "").fill_null(False).to_numpy(zero_copy_only=False)
    return valid & ~blank


def _converted(values: pa.Array, dtype: str) -> Array:
    kind, target = _kind(values.type), target_of(dtype)
    if target == "string":
        return _as_bytes(values if kind in ("text", "bytes") else values.cast(pa.string()))
    read = quick.READERS.get((kind, target))
    usual = read(values, np.dtype(dtype)) if read else None
    return exactly(values, np.dtype(dtype)) if usual is None else usual


def _as_bytes(values: pa.Array) -> Array:
    is_large = pa.types.is_large_string(values.type) or pa.types.is_large_binary(values.type)
    # TensorFlow takes an array of bytes a quarter faster than one of str.
    strings: Array = values.cast(pa.large_binary() if is_large else pa.binary()).to_numpy(zero_copy_only=False)
    return strings
