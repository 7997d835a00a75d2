"""A column of the data as the audit needs it: SQL that turns it into an attribute's value, a label, a weight or a score.

`read` adds each column's text and number to a relation, once a row; everything else is said in terms of these two.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa  # type: ignore[import-untyped]

from fairaudit.data.source import literal

_SPACES = " \t\r\n"
_SPACED = f"'^[{_SPACES}]|[{_SPACES}]$'"  # looking is far quicker than trimming, and hardly any value has spaces


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column, with the texts that mean a missing value in it. Its properties are SQL over the relation that `read` makes."""

    name: str  # the user's
    sql: str  # how SQL calls it; never the user's name, since SQL takes `Sex` and `sex` for one
    type: pa.DataType
    missing: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        kind = self.type.value_type if pa.types.is_dictionary(self.type) else self.type
        return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))

    @property
    def text(self) -> str:
        """Its values as trimmed text; null where empty or one of the texts that mean a missing value."""
        return f"{self.sql}_text"

    @property
    def number(self) -> str:
        """Its values as doubles; null where missing, and where a text is no number (`unreadable` tells these apart)."""
        return f"{self.sql}_number"

    @property
    def as_text(self) -> str:
        """What `text` stands for."""
        plain = f"(CASE WHEN {self.spaced} THEN trim({self.sql}, {literal(_SPACES)}) ELSE {self.sql} END)" if self.is_text else f"CAST({self.sql} AS VARCHAR)"
        absent = dict.fromkeys((*(("",) if self.is_text else ()), *(("nan",) if self.is_float else ()), *(one.strip(_SPACES) for one in self.missing)))
        if len(absent) > 1:
            return f"(CASE WHEN {plain} IN ({', '.join(map(literal, absent))}) THEN NULL ELSE {plain} END)"
        return f"nullif({plain}, {literal(*absent)})" if absent else plain

    @property
    def as_number(self) -> str:
        """What `number` stands for."""
        if not self.is_number:
            # SQL takes 1_0 for 10, which nobody writes in data.
            return f"(CASE WHEN contains({self.text}, '_') THEN NULL ELSE TRY_CAST({self.text} AS DOUBLE) END)"
        plain = f"CAST({self.sql} AS DOUBLE)"
        if not self.missing:
            return plain
        return f"(CASE WHEN CAST({self.sql} AS VARCHAR) IN ({', '.join(literal(one.strip()) for one in self.missing)}) THEN NULL ELSE {plain} END)"

    @property
    def is_float(self) -> bool:
        return bool(pa.types.is_floating(self.type))

    @property
    def is_number(self) -> bool:
        kinds = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean)
        return any(kind(self.type) for kind in kinds)

    @property
    def unreadable(self) -> str:
        """Whether a value is there but is no number."""
        return "false" if self.is_number else f"({self.text} IS NOT NULL AND {self.number} IS NULL)"

    @property
    def spaced(self) -> str:
        """Whether there are spaces around a value."""
        return f"coalesce(regexp_matches({self.sql}, {_SPACED}), false)" if self.is_text else "false"

    @property
    def unbanded(self) -> str:
        """Whether a value is there and lies in no band: no number, or infinite; in a text, NaN too."""
        odd = f"isinf({self.number})" if self.is_number else f"({self.unreadable} OR isinf({self.number}) OR isnan({self.number}))"
        return f"coalesce({odd}, false)"

    def band(self, edges: Sequence[float], *, whole: bool) -> str:
        """The name of the band that a number lies in, [edge, next edge), open at both ends; null where the number is missing, as NaN is."""
        names = band_names(edges, whole=whole)
        cases = " ".join(f"WHEN {self.number} < {edge!r} THEN {literal(name)}" for edge, name in zip(edges, names, strict=False))
        return f"(CASE WHEN {self.number} IS NULL OR isnan({self.number}) THEN NULL {cases} ELSE {literal(names[-1])} END)"


def read(relation: str, columns: Iterable[Column]) -> str:
    """SQL: the relation with each column's text and number. In two steps, since a text is what a number is read from."""
    wanted = tuple(columns)
    if not wanted:
        return relation
    texts, numbers = (", ".join(each) for each in ([f"{one.as_text} AS {one.text}" for one in wanted], [f"{one.as_number} AS {one.number}" for one in wanted]))
    return f"SELECT *, {numbers} FROM (SELECT *, {texts} FROM ({relation}))"


def band_names(edges: Sequence[float], *, whole: bool) -> tuple[str, ...]:
    """What the bands between edges are called, from the lowest up: one more than there are edges.

    Args:
        whole: the column holds whole numbers, so that [25, 45) can be said as 25–44.
    """
    said = [f"{edge:.15g}" for edge in edges]
    exact = whole and all(float(edge).is_integer() for edge in edges)
    between = (
        (low if int(end) - 1 == int(start) else f"{low}–{int(end) - 1}") if exact else f"{low} to under {high}"
        for start, end, low, high in zip(edges, edges[1:], said, said[1:], strict=False)
    )
    return (f"under {said[0]}", *between, f"{said[-1]} and over")
