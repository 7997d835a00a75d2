"""Values read one by one in Python's exact arithmetic: the meaning of every conversion, and the reason where there is none.

Slow, so each distinct value is read once, and only in columns that `quick` has not understood.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]

from fairaudit.models.interface import target_of

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,9})?", re.ASCII | re.IGNORECASE)
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_TRUTHS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


class Misfit(Exception):
    """The first value that does not fit, where it stands, and in how many rows there are such values."""

    def __init__(self, value: Any, why: str, *, row: int, rows: int) -> None:
        self.value, self.why, self.row, self.rows = shown(value), why, row, rows
        super().__init__(why)


def exactly(values: pa.Array, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """The values, none of them null, as numbers or truths of `dtype`.

    Raises:
        Misfit: some have no equal, or no nearest, in `dtype`.
    """
    read = _READERS[target_of(dtype.name)]
    encoded = values.dictionary_encode()
    distinct = encoded.dictionary.to_pylist()
    answers, reasons = np.zeros(len(distinct), dtype), {}
    for at, value in enumerate(distinct):
        try:
            answers[at] = read(value, dtype)
        except _Unfit as unfit:
            reasons[at] = str(unfit)
    of_rows = encoded.indices.to_numpy(zero_copy_only=False)
    misfits = np.flatnonzero(np.isin(of_rows, list(reasons)))
    if len(misfits):
        first = of_rows[misfits[0]]
        raise Misfit(distinct[first], reasons[first], row=int(misfits[0]), rows=len(misfits))
    answered: npt.NDArray[Any] = answers[of_rows]
    return answered


def shown(value: Any) -> str:
    """A value as a sentence has it; long ones cut."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


class _Unfit(Exception):
    """Why a value does not fit: how a sentence goes on after "which"."""


def _number(value: Any) -> Any:
    """Decimal, int or float; text as it was written, to the last digit."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if _NUMBER.fullmatch(text):
        return Decimal(text)
    if _NOT_FINITE.fullmatch(text):
        return float(text)
    raise _Unfit("is not a number")


def _as_whole(value: Any, dtype: np.dtype[Any]) -> int:
    number, limits = _number(value), np.iinfo(dtype)
    if isinstance(number, float) and not math.isfinite(number):
        raise _Unfit("is not a whole number")
    if not limits.min <= number <= limits.max:
        raise _Unfit(f"does not fit {dtype} ({limits.min} to {limits.max})")
    if number != int(number):
        raise _Unfit("is not a whole number")
    return int(number)


def _as_float(value: Any, dtype: np.dtype[Any]) -> Any:
    number = _number(value)
    with np.errstate(over="ignore"):
        nearest = dtype.type(float(number))
    if np.isinf(nearest) and not (isinstance(number, float) and math.isinf(number)):
        raise _Unfit(f"is too large for {dtype}")
    is_whole = isinstance(value, int) or (isinstance(value, str) and _WHOLE.fullmatch(value.strip()))
    if is_whole and int(nearest) != number:
        raise _Unfit(f"{dtype} cannot hold exactly (it would become {int(nearest)})")
    return nearest


def _as_truth(value: Any, dtype: np.dtype[Any]) -> bool:
    truth = _TRUTHS.get(value.strip().lower()) if isinstance(value, str) else {0: False, 1: True}.get(value)
    if truth is None:
        raise _Unfit("is neither true nor false (true, false, t, f, 1, 0)")
    return truth


_READERS: dict[str, Callable[[Any, np.dtype[Any]], Any]] = {"int": _as_whole, "float": _as_float, "bool": _as_truth}
