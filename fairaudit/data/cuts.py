"""How attributes are cut where the rows must be asked first: at quantiles, and rare categories made one.

The lines that are asked are SQL with v0, v1 …, a value of each attribute or null, and `copies`, the rows that a line stands for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fairaudit.bands import Bands
from fairaudit.interrupts import stoppable

if TYPE_CHECKING:
    import duckdb

OTHER = "other"
_LISTED = 10  # merged values; all of them are in the audit's manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Rare:
    """Categories of an attribute that fewer rows have than is asked."""

    values: tuple[str, ...]  # by the alphabet
    kept: tuple[str, ...]  # the others of the attribute, which are few
    rows: int
    name: str  # of the slice that they make together
    is_told: bool = False  # which are kept was told, and not found by their rows

    @property
    def is_merged(self) -> bool:
        """Whether they are one slice; one alone would gain no row by it, and lose its name, so it is one only where that was told."""
        return len(self.values) > 1 or self.is_told


def rare_values(sizes: Mapping[str, int], below: int) -> Rare:
    """Those of an attribute's values, by how many rows have them, that fewer than `below` have."""
    rare = {value: rows for value, rows in sizes.items() if rows < below}
    kept = tuple(sorted(sizes.keys() - rare.keys()))
    return Rare(values=tuple(sorted(rare)), kept=kept, rows=sum(rare.values()), name=_name_beside(kept))


def all_but(sizes: Mapping[str, int], kept: Sequence[str]) -> Rare:
    """Every value but those that other data kept, however many rows have it here."""
    others = {value: rows for value, rows in sizes.items() if value not in kept}
    return Rare(values=tuple(sorted(others)), kept=tuple(kept), rows=sum(others.values()), name=_name_beside(kept), is_told=True)


def _name_beside(kept: Sequence[str]) -> str:
    name = OTHER
    while name in map(str.casefold, kept):  # an 'Other' of the data is a slice of its own
        name += " (merged)"
    return name


def sizes_of(connection: duckdb.DuckDBPyConnection, lines: str, attributes: int) -> tuple[dict[str, int], ...]:
    """For each attribute, how many rows have each of its values; missing ones left out."""
    found: tuple[dict[str, int], ...] = tuple({} for _ in range(attributes))
    for place, value, rows in stoppable(connection, lambda: connection.execute(_sizes(lines, attributes)).fetchall()):
        found[place][value] = rows
    return found


def quantile_edges(connection: duckdb.DuckDBPyConnection, lines: str, parts: Sequence[int]) -> tuple[tuple[float, ...], ...]:
    """For each attribute, where its rows are cut into so many parts, at the quantiles 1/parts, 2/parts …; rising.

    A quantile is the smallest number that at least that share of the rows does not exceed (the inverse of their distribution function; type 1 of Hyndman and Fan 1996,
    The American Statistician 50:361), and the last of its band, as with pandas' `qcut`. A band begins at its edge, so the edge is the next larger number of the data. Quantiles that are equal are one edge; the highest number is
    none, since no row lies above it.
    """
    asked = " ".join(f"WHEN {place} THEN {number}" for place, number in enumerate(parts))
    # A number is a quantile if the next one after the rows below it is reached with it. In whole numbers, since a share as a fraction could fall to either side.
    sql = f"""
        SELECT attribute, larger::DOUBLE FROM (
            SELECT *, lead(value) OVER (PARTITION BY attribute ORDER BY value) AS larger, CASE attribute {asked} END AS parts, sum(rows) OVER (PARTITION BY attribute ORDER BY value) AS reached, sum(rows) OVER (PARTITION BY attribute) AS total
            FROM ({_sizes(lines, len(parts))})
        )
        WHERE larger IS NOT NULL AND least(reached * parts // total, parts - 1) > (reached - rows) * parts // total ORDER BY attribute, value
    """
    found: tuple[list[float], ...] = tuple([] for _ in parts)
    for place, edge in stoppable(connection, lambda: connection.execute(sql).fetchall()):
        found[place].append(edge)
    return tuple(map(tuple, found))


def told_of_bands(asked: Mapping[str, Bands], found: Mapping[str, Bands]) -> Iterator[str]:
    """A note for each attribute whose quantiles fell together."""
    for attribute, bands in found.items():
        parts, made = asked[attribute].quantiles, len(bands.names)
        if made < parts:
            yield f"{attribute} is cut into {made} {'band' if made == 1 else 'bands'} and not {parts}, since rows with the same value stay together."


def told_of_rare(rare: Mapping[str, Rare], below: int) -> Iterator[str]:
    """What --other-below did, and what it did not."""
    if not rare:
        yield f"--other-below {below} merges nothing: no value of a protected attribute has fewer rows."
    for attribute, one in rare.items():
        if not one.is_merged:
            yield f"{attribute}={one.values[0]} has fewer than {below:,} rows ({one.rows:,}) and is the only such value of {attribute}, so it keeps its name."
            continue
        few = "that were few on the rows that were fitted on" if one.is_told else f"with fewer than {below:,} rows"
        apart = "" if one.name == OTHER else f" The data have a value {OTHER!r} of their own, which is a slice apart."
        yield f"{len(one.values):,} {'value' if len(one.values) == 1 else 'values'} of {attribute} {few} {'is' if len(one.values) == 1 else 'are'} one slice, {one.name!r} ({one.rows:,} rows): {listed(one.values)}.{apart}"


def listed(values: Sequence[str]) -> str:
    """The first few of the values that are one, and how many more there are."""
    more = len(values) - _LISTED
    return ", ".join(values[:_LISTED]) + (f" and {more:,} more" if more > 0 else "")


def _sizes(lines: str, attributes: int) -> str:
    """SQL: each attribute's values and their rows, all in one pass."""
    names = [f"v{place}" for place in range(attributes)]
    which = " ".join(f"WHEN GROUPING({name}) = 0 THEN {place}" for place, name in enumerate(names))
    sets = ", ".join(f"({name})" for name in names)
    return f"""
        SELECT * FROM (
            SELECT CASE {which} END AS attribute, coalesce({", ".join(names)}) AS value, sum(copies) AS rows FROM ({lines}) GROUP BY GROUPING SETS ({sets})
        ) WHERE value IS NOT NULL AND rows > 0
    """
