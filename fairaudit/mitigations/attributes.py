"""How an audit reads a protected attribute, kept apart from its data: what a model needs to tell a row's group as the audit told it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]

from fairaudit.bands import Bands
from fairaudit.cube.slices import Slice
from fairaudit.data.columns import missing_in
from fairaudit.data.cuts import OTHER
from fairaudit.data.rows import Prepared
from fairaudit.data.source import held
from fairaudit.errors import ContentError
from fairaudit.models.conversion import convert, route
from fairaudit.models.interface import Feature, UnfitModel, target_of

# What a value is to the lookup of groups: the kind of what it says, then what it says. No two readings of a value have the same token.
MISSING_TOKEN, OTHER_TOKEN, BAND_TOKEN, VALUE_TOKEN = b"m", b"o", b"b", b"v"
_LARGEST = 2.0**63


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAttribute:
    """One attribute: what its column holds, which of it is missing, and how the rest is cut or merged."""

    name: str
    type: pa.DataType  # of the data's column; text where the file has no types
    missing: tuple[str, ...] = ()  # texts that mean a missing value in it, besides the empty one
    bands: Bands | None = None  # with edges and names, where numbers are cut
    kept: tuple[str, ...] | None = None  # the values that keep their names where all others are one; None: every value does
    other: str = OTHER  # what those others are called together

    @property
    def dtype(self) -> str:
        """What a model is given of it, where it had not asked for it: a double of any number, since only floats can say that one is missing.

        Raises:
            UnfitModel: the column is of a type that no model can be given.
        """
        return {"string": "string"}.get(self.example_dtype, "float64")

    @property
    def example_dtype(self) -> str:
        """The same in a tf.Example, which knows three types, and may lack a value.

        Raises:
            UnfitModel: the column is of a type that no model can be given.
        """
        plain = held(self.type)
        if pa.types.is_boolean(plain) or pa.types.is_integer(plain):
            return "int64"
        if pa.types.is_floating(plain):
            return "float32"
        if route(plain, "string") is None:
            raise UnfitModel(f"the protected attribute {self.name!r} is a column of {plain}, which no model can be given; write it as text or as a number")
        return "string"

    @property
    def is_number(self) -> bool:
        """Whether the column holds numbers, so that -9 and -9.0 are the same."""
        plain = held(self.type)
        return any(kind(plain) for kind in (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean))

    def own(self, dtype: str) -> np.dtype[Any] | None:
        """The float type that values of an input of `dtype` are those of: the narrower of the input's and the column's; None where it takes no floats."""
        if target_of(dtype) != "float":
            return None
        plain = held(self.type)
        column = np.dtype(plain.to_pandas_dtype()) if pa.types.is_floating(plain) else np.dtype(np.float64)
        return min(np.dtype(dtype), column, key=lambda one: one.itemsize)

    def edges(self, dtype: str) -> tuple[float, ...]:
        """Where an input of `dtype` is cut: rounded as the input's numbers are, so that what lies at an edge stays in the band that begins there."""
        assert self.bands is not None
        own, plain = self.own(dtype), held(self.type)
        if own is None or (pa.types.is_floating(plain) and np.dtype(plain.to_pandas_dtype()).itemsize <= own.itemsize):
            return self.bands.edges
        return tuple(float(own.type(edge)) for edge in self.bands.edges)

    def missing_as(self, dtype: str) -> tuple[Any, ...]:
        """The values of an input of `dtype`, besides the empty text and NaN, that mean a missing one."""
        texts = tuple(dict.fromkeys(text for one in self.missing for text in self._spellings(one.strip(" \t\r\n"))))
        if dtype == "string":
            return tuple(text.encode() for text in texts)
        return tuple(dict.fromkeys(value.item() for text in texts for value in self._given(text, dtype) if value == value))

    def tokens(self, values: Sequence[str | None], dtype: str) -> tuple[bytes, ...]:
        """The token of each value of a slice, as an input of `dtype` tells it.

        Raises:
            ContentError: the input's dtype cannot hold a value.
            ValueError: a value is of no band.
        """
        return tuple(self._token(value, dtype) for value in values)

    def _token(self, value: str | None, dtype: str) -> bytes:
        if value is None:
            return MISSING_TOKEN
        if self.bands is not None:
            return BAND_TOKEN + str(self.bands.names.index(value)).encode()
        if self.kept is not None and value == self.other and value not in self.kept:
            return OTHER_TOKEN
        if dtype == "string":
            return VALUE_TOKEN + value.encode()
        numbers = self._converted(value, dtype)
        if target_of(dtype) == "float":
            numbers = numbers.view(f"i{numbers.dtype.itemsize}")
        return VALUE_TOKEN + str(int(numbers[0])).encode()

    def _given(self, text: str, dtype: str) -> npt.NDArray[Any]:
        """The number that a text stands for, if it stands for one that the input can hold."""
        try:
            return self._converted(text, dtype)
        except (ContentError, ValueError, pa.ArrowException):
            return np.empty(0)

    def _converted(self, text: str, dtype: str) -> npt.NDArray[Any]:
        plain = held(self.type)
        if pa.types.is_floating(plain):
            column = pa.array(np.array([float(text)]).astype(plain.to_pandas_dtype()))
        elif self.is_number:
            column = pa.array([text]).cast(plain)
        else:
            column = pa.array([text])
        own = self.own(dtype)
        feature = Feature(name=self.name, dtype=dtype if own is None else own.name)
        return convert(column, feature, lambda _: f"the group {self.name}={text}").values

    def _spellings(self, text: str) -> Iterator[str]:
        """A text that means a missing value, and in a column of numbers the number that it says, as the column writes it."""
        yield text
        if not self.is_number:
            return
        try:
            number = float(text)
        except ValueError:
            return
        plain = held(self.type)
        if not np.isfinite(number):
            return
        if pa.types.is_boolean(plain) and number in (0, 1):
            yield "true" if number else "false"
        elif pa.types.is_integer(plain) and number.is_integer() and abs(number) <= _LARGEST * 2:
            yield str(int(text)) if text.lstrip("+-").isdecimal() else str(int(number))
        elif pa.types.is_decimal(plain):
            exact = Decimal(repr(number))
            written = exact.quantize(Decimal(1).scaleb(-plain.scale))
            yield from (str(written),) if written == exact else ()


def read_attributes(rows: Prepared, names: Sequence[str]) -> tuple[ReadAttribute, ...]:
    """How the rows' attributes of these names were read."""
    wanted, reading = rows.wanted, rows.reading
    merged = reading.merged

    def one(name: str) -> ReadAttribute:
        read = ReadAttribute(
            name=name, type=rows.source.schema.field(name).type, missing=missing_in(name, wanted.missing, wanted.columns), bands=reading.bands.get(name)
        )
        return replace(read, kept=merged[name].kept, other=merged[name].name) if name in merged else read

    return tuple(map(one, names))


def keys_of(groups: Sequence[Slice], attributes: Sequence[ReadAttribute], dtypes: Mapping[str, str]) -> tuple[bytes, ...]:
    """Each group's key in the lookup: its values' tokens, each with its length before it, so that no two groups share one by how they are joined.

    Raises:
        UnfitModel: two groups are the same to the model's inputs.
        ContentError: an input cannot hold a group's value.
    """
    by_name = {one.name: one for one in attributes}
    found: dict[bytes, Slice] = {}
    for group in groups:
        tokens = (by_name[name].tokens((value,), dtypes[name])[0] for name, value in group.values)
        key = b"".join(str(len(token)).encode() + b":" + token for token in tokens)
        if key in found:
            asked = ", ".join(f"{name} as {dtypes[name]}" for name in group.attributes)
            raise UnfitModel(f"the groups {found[key]} and {group} are the same to the model, which takes {asked}; write them alike in the data")
        found[key] = group
    return tuple(found)
