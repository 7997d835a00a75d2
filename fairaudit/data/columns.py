"""A column of the data as the audit needs it: SQL that turns it into an attribute's value, a label, a weight or a score."""

from __future__ import annotations

from collections.abc import Sequence

from fairaudit.data.source import literal, quoted


def text(column: str, missing: Sequence[str]) -> str:
    """The column's values as trimmed text; null where empty or one of the texts that mean a missing value."""
    trimmed = f"trim(CAST({quoted(column)} AS VARCHAR))"
    absent = ", ".join(literal(one) for one in dict.fromkeys(("", *(one.strip() for one in missing))))
    return f"(CASE WHEN {trimmed} IN ({absent}) THEN NULL ELSE {trimmed} END)"


def number(column: str, missing: Sequence[str]) -> str:
    """The column's values as doubles; null where missing, and where the text is no number (`unreadable` tells these apart)."""
    return f"TRY_CAST({text(column, missing)} AS DOUBLE)"


def unreadable(column: str, missing: Sequence[str]) -> str:
    """Whether a value is there but is no number."""
    return f"({text(column, missing)} IS NOT NULL AND {number(column, missing)} IS NULL)"


def band(column: str, edges: Sequence[float], missing: Sequence[str], *, whole: bool) -> str:
    """The name of the band that a number lies in, [edge, next edge), open at both ends; null where the number is missing."""
    value = number(column, missing)
    names = band_names(edges, whole=whole)
    cases = " ".join(f"WHEN {value} < {edge!r} THEN {literal(name)}" for edge, name in zip(edges, names, strict=False))
    return f"(CASE WHEN {value} IS NULL THEN NULL {cases} ELSE {literal(names[-1])} END)"


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
