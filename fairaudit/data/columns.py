"""A column of the data as the audit needs it: SQL that turns it into an attribute's value, a label, a weight or a score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa  # type: ignore[import-untyped]

from fairaudit.data.source import literal, quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column, with the texts that mean a missing value in it. Its properties are SQL."""

    name: str
    type: pa.DataType
    missing: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        kind = self.type.value_type if pa.types.is_dictionary(self.type) else self.type
        return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))

    @property
    def text(self) -> str:
        """Its values as trimmed text; null where empty or one of the texts that mean a missing value."""
        plain = f"trim({quoted(self.name)})" if self.is_text else f"CAST({quoted(self.name)} AS VARCHAR)"
        absent = dict.fromkeys((*(("",) if self.is_text else ()), *(one.strip() for one in self.missing)))
        if len(absent) > 1:
            return f"(CASE WHEN {plain} IN ({', '.join(map(literal, absent))}) THEN NULL ELSE {plain} END)"
        return f"nullif({plain}, {literal(*absent)})" if absent else plain

    @property
    def number(self) -> str:
        """Its values as doubles; null where missing, and where a text is no number (`unreadable` tells these apart)."""
        if self.is_number and not self.missing:
            return f"CAST({quoted(self.name)} AS DOUBLE)"
        return f"TRY_CAST({self.text} AS DOUBLE)"

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
        return f"({quoted(self.name)} <> trim({quoted(self.name)}))" if self.is_text else "false"

    def band(self, edges: Sequence[float], *, whole: bool) -> str:
        """The name of the band that a number lies in, [edge, next edge), open at both ends; null where the number is missing."""
        names = band_names(edges, whole=whole)
        cases = " ".join(f"WHEN {self.number} < {edge!r} THEN {literal(name)}" for edge, name in zip(edges, names, strict=False))
        return f"(CASE WHEN {self.number} IS NULL THEN NULL {cases} ELSE {literal(names[-1])} END)"


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
