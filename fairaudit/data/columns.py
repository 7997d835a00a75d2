"""A column of the data as the audit needs it: SQL that turns it into an attribute's value, a label, a weight or a score.

`read` adds each column's text and number to a relation, once a row; everything else is said in terms of these two.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import pyarrow as pa  # type: ignore[import-untyped]

from fairaudit.bands import Bands
from fairaudit.data.source import held, is_bytes, kind_of, literal

_SPACES = " \t\r\n"
_A_SPACE = ", ".join(map(literal, _SPACES))

_LARGEST = 2.0**127  # that SQL's HUGEINT holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column, with the texts that mean a missing value in it. Its properties are SQL over the relation that `read` makes."""

    name: str  # the user's
    sql: str  # how SQL calls it; never the user's name, since SQL takes `Sex` and `sex` for one
    type: pa.DataType
    missing: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        return kind_of(self.type) in ("text", "bytes")

    @property
    def text(self) -> str:
        """Its values as trimmed text; null where empty or one of the texts that mean a missing value."""
        return f"{self.sql}_text"

    @property
    def number(self) -> str:
        """Its values as doubles; null where missing, and where a text is no number (`unreadable` tells these apart)."""
        return f"{self.sql}_number"

    @property
    def plain(self) -> str:
        """Its values as text, trimmed; what is missing is still in it."""
        if not self.is_text:
            return f"CAST({self.sql} AS VARCHAR)"
        return f"(CASE WHEN {self.spaced} THEN trim({self._said}, {literal(_SPACES)}) ELSE {self._said} END)"

    @property
    def as_given(self) -> str:
        """Its values for a model: as they are, texts trimmed."""
        return self.plain if kind_of(self.type) == "text" else self.sql

    @property
    def as_text(self) -> str:
        """What `text` stands for."""
        absent = [*(("''",) if self.is_text else ()), *(("'nan'",) if self.is_float else ()), *(literal(one.strip(_SPACES)) for one in self.missing)]
        alike = [self.named_missing(one) for one in self.missing if self.is_number]
        if not alike and len(absent) < 2:
            return f"nullif({self.plain}, {absent[0]})" if absent else self.plain
        found = " OR ".join((f"{self.plain} IN ({', '.join(absent)})", *alike))
        return f"(CASE WHEN {found} THEN NULL ELSE {self.plain} END)"

    @property
    def as_number(self) -> str:
        """What `number` stands for."""
        if not self.is_number:
            # SQL takes 1_0 for 10, which nobody writes in data.
            return f"(CASE WHEN contains({self.text}, '_') THEN NULL ELSE TRY_CAST({self.text} AS DOUBLE) END)"
        number = f"CAST({self.sql} AS DOUBLE)"
        return f"(CASE WHEN {' OR '.join(map(self.named_missing, self.missing))} THEN NULL ELSE {number} END)" if self.missing else number

    def named_missing(self, text: str) -> str:
        """Whether a value is one that --missing names: the same text, or in a column of numbers the same number, so that -9 is -9.0."""
        same = f"({self.plain} = {literal(text.strip(_SPACES))})"
        if self.is_number and (number := _number(text, self._held)) is not None:
            return f"coalesce({same} OR {self.sql} = {number}, false)"
        return f"coalesce({same}, false)"

    @property
    def is_float(self) -> bool:
        return bool(pa.types.is_floating(self._held))

    @property
    def is_number(self) -> bool:
        kinds = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean)
        return any(kind(self._held) for kind in kinds)

    @property
    def _held(self) -> pa.DataType:
        return held(self.type)

    @property
    def _said(self) -> str:
        """A text as such: a Parquet file may hold its texts as bytes."""
        return f"decode({self.sql})" if is_bytes(self._held) else self.sql

    @property
    def unreadable(self) -> str:
        """Whether a value is there but is no number."""
        return "false" if self.is_number else f"({self.text} IS NOT NULL AND {self.number} IS NULL)"

    @property
    def spaced(self) -> str:
        """Whether there are spaces around a value: looking at both ends takes a tenth of what trimming takes, and a third of a regular expression."""
        return f"coalesce({self._said}[1] IN ({_A_SPACE}) OR {self._said}[-1] IN ({_A_SPACE}), false)" if self.is_text else "false"

    @property
    def unbanded(self) -> str:
        """Whether a value is there and lies in no band: no number, or infinite; in a text, NaN too."""
        odd = f"isinf({self.number})" if self.is_number else f"({self.unreadable} OR isinf({self.number}) OR isnan({self.number}))"
        return f"coalesce({odd}, false)"

    def band(self, bands: Bands) -> str:
        """The name of the band that a number lies in, [edge, next edge), open at both ends; null where the number is missing, as NaN is."""
        edges, names = bands.edges, bands.names
        cases = " ".join(f"WHEN {self.number} < {edge!r} THEN {literal(name)}" for edge, name in zip(edges, names, strict=False))
        return f"(CASE WHEN {self.number} IS NULL OR isnan({self.number}) THEN NULL {cases} ELSE {literal(names[-1])} END)"


def missing_in(column: str, asked: Iterable[str], columns: Collection[str]) -> tuple[str, ...]:
    """The texts that mean a missing value in a column: COL=TEXT, where COL is one of the columns, speaks of that one alone, and any other text of all."""
    parts = ((text, *text.partition("=")) for text in asked)
    return tuple(own if is_pair else text for text, name, equals, own in parts if not (is_pair := bool(equals) and name.strip() in columns) or name.strip() == column)


def read(relation: str, columns: Iterable[Column]) -> str:
    """SQL: the relation with each column's text and number. In two steps, since a text is what a number is read from."""
    wanted = tuple(columns)
    if not wanted:
        return relation
    texts, numbers = (", ".join(each) for each in ([f"{one.as_text} AS {one.text}" for one in wanted], [f"{one.as_number} AS {one.number}" for one in wanted]))
    return f"SELECT *, {numbers} FROM (SELECT *, {texts} FROM ({relation}))"


def _number(text: str, held: pa.DataType) -> str | None:
    """A text as SQL's number of the kind a column holds, -9.1 as the float32 nearest to it; None for what is no finite number."""
    try:
        number = float(text)
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    if pa.types.is_integer(held) and number.is_integer() and abs(number) < _LARGEST:
        return f"{int(text) if text.strip().lstrip('+-').isdecimal() else int(number)}::HUGEINT"
    return f"CAST({literal(repr(number))} AS {'FLOAT' if pa.types.is_float16(held) or pa.types.is_float32(held) else 'DOUBLE'})"
