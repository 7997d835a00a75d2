"""The rows of an audit before they are counted: checked once, accounted for, and given to DuckDB as one relation."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from fairaudit.data.columns import band, number, text, unreadable
from fairaudit.data.labels import positives
from fairaudit.data.source import Source, literal, quoted, told
from fairaudit.errors import ContentError, FairauditError, raise_all


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which columns play which part, and how their texts are read."""

    attributes: tuple[str, ...]
    bins: dict[str, tuple[float, ...]] = field(default_factory=dict)
    label: str | None = None
    positive: str | None = None
    weight: str | None = None
    id: str | None = None
    score: str | None = None
    decision: str | None = None
    missing: tuple[str, ...] = ()

    @property
    def columns(self) -> dict[str, str]:
        """Column → the flag that names it."""
        parts = {"--label": self.label, "--weight": self.weight, "--id": self.id, "--score-column": self.score, "--decision-column": self.decision}
        return dict.fromkeys(self.attributes, "--protected") | {column: flag for flag, column in parts.items() if column is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What had to be seen of all rows before one could be read."""

    label: tuple[str, ...] = ()  # the texts that are positive
    decision: tuple[str, ...] = ()
    whole: frozenset[str] = frozenset()  # binned columns that hold whole numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Rows that have passed every check, with the account of all that were read."""

    source: Source
    wanted: Wanted
    reading: Reading
    read: int
    per_file: tuple[int, ...]
    unlabelled: int
    excluded: tuple[tuple[str, int], ...]  # reason, rows; reasons that no row has are left out
    positive: str | None  # the label's positive value as it was read
    score_range: tuple[float, float] | None
    trimmed: bool  # whether some text had spaces around it
    label_values: int  # how many distinct labels there are

    @property
    def audited(self) -> int:
        return self.read - sum(rows for _, rows in self.excluded)

    def relation(self, features: Sequence[str] = ()) -> str:
        """SQL: file_place, a0 …, label, weight, score, decision, `excluded` (a reason, or null), and f0 … as the file has these features."""
        return _relation(self.source, self.wanted, self.reading, features)


def prepare(connection: duckdb.DuckDBPyConnection, source: Source, wanted: Wanted) -> Prepared:
    """Check the columns that the audit names, and say how each row counts.

    Raises:
        ConfigError, ContentError, Several: what is wrong, with the file, column and row where it is first seen.
    """
    base = source.relation(tuple(wanted.columns))
    with told(source):
        profile = _profile(connection, base, wanted)
        if profile["read"] == 0:
            raise ContentError(f"{source.name} has a header and no rows; give data with rows.")
        raise_all(_mistakes(connection, base, source, wanted, profile))
        label = _two_sided(connection, base, source, wanted.label, wanted.positive, wanted.missing)
        decision = _two_sided(connection, base, source, wanted.decision, wanted.positive, wanted.missing)
        whole = frozenset(name for place, name in enumerate(wanted.bins) if profile[f"whole_{place}"])
        reading = Reading(label=label[0], decision=decision[0], whole=whole)
        per_file, unlabelled, excluded = _account(connection, _relation(source, wanted, reading), files=len(source.names))
    scores = (float(profile["score_low"]), float(profile["score_high"])) if wanted.score and profile["score_low"] is not None else None
    return Prepared(
        source=source, wanted=wanted, reading=reading, read=int(profile["read"]), per_file=per_file, unlabelled=unlabelled, excluded=excluded,
        positive=label[0][0] if label[0] else wanted.positive, score_range=scores, trimmed=bool(profile["trimmed"]), label_values=label[1],
    )  # fmt: skip


def place_of(connection: duckdb.DuckDBPyConnection, base: str, source: Source, condition: str) -> str:
    """Where the first row that meets a condition stands: "people.csv, row 17"; rows count from 1 after the header."""
    sql = f"""
        SELECT file_place, row_number - min(row_number) OVER (PARTITION BY file_place) + 1 AS place, hit
        FROM (SELECT file_place, row_number() OVER () AS row_number, {condition} AS hit FROM ({base}))
        QUALIFY hit ORDER BY row_number LIMIT 1
    """
    found = connection.execute(sql).fetchall()
    return f"{source.names[found[0][0]]}, row {found[0][1]}" if found else source.name


def _profile(connection: duckdb.DuckDBPyConnection, base: str, wanted: Wanted) -> dict[str, Any]:
    """One pass over the named columns: how many rows, and what could be wrong with them."""
    asked = {"read": "count(*)"}
    for part, column in (("weight", wanted.weight), ("score", wanted.score)):
        if column is not None:
            value = number(column, wanted.missing)
            asked |= {
                f"{part}_unreadable": f"count(*) FILTER (WHERE {unreadable(column, wanted.missing)})",
                f"{part}_null": f"count(*) FILTER (WHERE {text(column, wanted.missing)} IS NULL)",
                f"{part}_nan": f"count(*) FILTER (WHERE isnan({value}) OR isinf({value}))",
                f"{part}_low": f"min({value})",
                f"{part}_high": f"max({value})",
                f"{part}_negative": f"count(*) FILTER (WHERE {value} < 0)",
            }
    for place, column in enumerate(wanted.bins):
        value = number(column, wanted.missing)
        asked |= {
            f"unreadable_{place}": f"count(*) FILTER (WHERE {unreadable(column, wanted.missing)})",
            f"whole_{place}": f"coalesce(bool_and({value} = floor({value})), true)",
        }
    texts = [column for column in (*wanted.attributes, wanted.label, wanted.decision) if column is not None]
    spaced = " OR ".join(f"CAST({quoted(column)} AS VARCHAR) <> trim(CAST({quoted(column)} AS VARCHAR))" for column in texts) or "false"
    asked["trimmed"] = f"coalesce(bool_or({spaced}), false)"
    found = connection.execute(f"SELECT {', '.join(asked.values())} FROM ({base})").fetchall()[0]
    return dict(zip(asked, found, strict=True))


def _mistakes(connection: duckdb.DuckDBPyConnection, base: str, source: Source, wanted: Wanted, profile: dict[str, Any]) -> Iterator[FairauditError]:
    def first(condition: str) -> str:
        return place_of(connection, base, source, condition)

    for part, column in (("weight", wanted.weight), ("score", wanted.score)):
        if column is None:
            continue
        value = number(column, wanted.missing)
        if rows := profile[f"{part}_unreadable"]:
            where = first(unreadable(column, wanted.missing))
            yield ContentError(f"{where}: the {part} column {column!r} holds a text that is no number, as in {_rows(rows)} in all; mend it, or name the text with --missing.")
        elif rows := profile[f"{part}_nan"]:
            where = first(f"(isnan({value}) OR isinf({value}))")
            yield ContentError(f"{where}: the {part} column {column!r} is NaN or infinite, as in {_rows(rows)} in all; mend or leave out these rows.")
    if wanted.weight is not None and (rows := profile["weight_negative"]):
        yield ContentError(f"{first(number(wanted.weight, wanted.missing) + ' < 0')}: the weight is negative, as in {_rows(rows)} in all; weights are 0 or more.")
    if wanted.weight is not None and (rows := profile["weight_null"]):
        where = first(text(wanted.weight, wanted.missing) + " IS NULL")
        yield ContentError(f"{where}: the weight is missing, as in {_rows(rows)} in all; give every row a weight, 0 to leave it out.")
    for place, column in enumerate(wanted.bins):
        if rows := profile[f"unreadable_{place}"]:
            where = first(unreadable(column, wanted.missing))
            yield ContentError(f"{where}: --bins needs numbers, and {column!r} holds a text that is none, as in {_rows(rows)} in all; mend it, or name the text with --missing.")
    if wanted.id is not None:
        yield from _id_mistakes(connection, base, wanted.id, wanted.missing, source)


def _id_mistakes(connection: duckdb.DuckDBPyConnection, base: str, column: str, missing: Sequence[str], source: Source) -> Iterator[FairauditError]:
    value = text(column, missing)
    rows, present, distinct = connection.execute(f"SELECT count(*), count({value}), count(DISTINCT {value}) FROM ({base})").fetchall()[0]
    if present < rows:
        yield ContentError(f"{place_of(connection, base, source, value + ' IS NULL')}: the id is missing, as in {_rows(rows - present)} in all; --id names a column that tells rows apart.")
    if distinct < present:
        twice = connection.execute(f"SELECT {value} AS one FROM ({base}) WHERE one IS NOT NULL GROUP BY ALL HAVING count(*) > 1 ORDER BY one LIMIT 1").fetchall()[0][0]
        yield ContentError(f"{source.name}: the id {twice!r} stands in more than one row; --id names a column that tells rows apart.")


def _two_sided(
    connection: duckdb.DuckDBPyConnection, base: str, source: Source, column: str | None, positive: str | None, missing: Sequence[str]
) -> tuple[tuple[str, ...], int]:
    """The texts of a label or decision column that are positive, and how many distinct values it has."""
    if column is None:
        return (), 0
    values = [
        row[0]
        for row in connection.execute(
            f"SELECT {text(column, missing)} AS one FROM ({base}) WHERE one IS NOT NULL GROUP BY ALL ORDER BY count(*) DESC, one LIMIT 50"
        ).fetchall()
    ]
    return positives(column, values, positive, file=source.name), len(values)


def _relation(source: Source, wanted: Wanted, reading: Reading, features: Sequence[str] = ()) -> str:
    def attribute(column: str) -> str:
        if column in wanted.bins:
            return band(column, wanted.bins[column], wanted.missing, whole=column in reading.whole)
        return text(column, wanted.missing)

    def two_sided(column: str | None, positive: Sequence[str], kind: str) -> str:
        if column is None:
            return f"NULL::{kind}"
        value = text(column, wanted.missing)
        known = ", ".join(map(literal, positive)) or "NULL"
        return f"(CASE WHEN {value} IS NULL THEN NULL WHEN {value} IN ({known}) THEN 1 ELSE 0 END)::{kind}"

    taken = [f"{attribute(column)} AS a{place}" for place, column in enumerate(wanted.attributes)]
    taken.append(f"{two_sided(wanted.label, reading.label, 'TINYINT')} AS label")
    taken.append(f"{number(wanted.weight, wanted.missing) if wanted.weight else '1.0::DOUBLE'} AS weight")
    taken.append(f"{number(wanted.score, wanted.missing) if wanted.score else 'NULL::DOUBLE'} AS score")
    taken.append(f"{two_sided(wanted.decision, reading.decision, 'BOOLEAN')} AS decision")
    taken.extend(f"{quoted(feature)} AS f{place}" for place, feature in enumerate(features))
    base = source.relation((*wanted.columns, *features))
    lacking = "WHEN score IS NULL THEN 'no score' " if wanted.score else "WHEN decision IS NULL THEN 'no decision' " if wanted.decision else ""
    return f"SELECT *, CASE WHEN weight = 0 THEN 'weight 0' {lacking}END AS excluded FROM (SELECT file_place, {', '.join(taken)} FROM ({base}))"


def _account(connection: duckdb.DuckDBPyConnection, relation: str, *, files: int) -> tuple[tuple[int, ...], int, tuple[tuple[str, int], ...]]:
    """Rows of each file, audited rows without a label, and rows by the reason that excludes them."""
    sql = f"SELECT file_place, excluded, count(*), count(*) FILTER (WHERE label IS NULL) FROM ({relation}) GROUP BY ALL"
    per_file, reasons, unlabelled = [0] * files, Counter[str](), 0
    for place, reason, rows, lacking in connection.execute(sql).fetchall():
        per_file[place] += rows
        if reason is None:
            unlabelled += lacking
        else:
            reasons[reason] += rows
    return tuple(per_file), unlabelled, tuple(sorted(reasons.items()))


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def grid_range(scores: tuple[float, float]) -> tuple[float, float]:
    """The range that score cells divide: [0, 1] where all scores lie in it, else their own."""
    low, high = scores
    return (0.0, 1.0) if low >= 0.0 and high <= 1.0 else (math.floor(low), math.ceil(high))
