"""A column of the data as the audit needs it: SQL that turns it into an attribute's value, a label, a weight or a score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa  # type: ignore[import-untyped]

from fairaudit.data.source import literal

_SPACES = "' ' || chr(9) || chr(10) || chr(13)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column, with the texts that mean a missing value in it. Its properties are SQL."""

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
        plain = f"trim({self.sql}, {_SPACES})" if self.is_text else f"CAST({self.sql} AS VARCHAR)"
        absent = dict.fromkeys((*(("",) if self.is_text else ()), *(("nan",) if self.is_float else ()), *(one.strip(" \t\r\n") for one in self.missing)))
        if len(absent) > 1:
            return f"(CASE WHEN {plain} IN ({', '.join(map(literal, absent))}) THEN NULL ELSE {plain} END)"
        return f"nullif({plain}, {literal(*absent)})" if absent else plain

    @property
    def number(self) -> str:
        """Its values as doubles; null where missing, and where a text is no number (`unreadable` tells these apart)."""
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
        return f"({self.sql} <> trim({self.sql}, {_SPACES}))" if self.is_text else "false"

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
