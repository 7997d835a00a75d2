"""The rows of an audit before they are counted: checked once, accounted for, and given to DuckDB as one relation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb

from fairaudit.bands import Bands
from fairaudit.data.columns import Column, missing_in, read
from fairaudit.data.cuts import Rare, all_but, quantile_edges, rare_values, sizes_of
from fairaudit.data.labels import MOST, positives, truth
from fairaudit.data.source import NotInParallel, Source, literal, told
from fairaudit.errors import ConfigError, ContentError, FairauditError, raise_all
from fairaudit.interrupts import stoppable

NO_ROWS, NO_WEIGHT, NO_SCORE, NO_DECISION = "count 0", "weight 0", "no score", "no decision"  # why a row is left out
MOST_ROWS = 2.0**40  # that one line may stand for
SMALLEST_WEIGHT = 2.0**-28  # of those that the cube's fixed point holds exactly
LARGEST_FEATURE = 1e150  # whose square, and sums of it, a double still holds
MOST_VALUES = 5_000  # of one attribute; more are no groups, and no report could show them
MOST_NUMBERS = 300  # of one attribute whose values are all numbers: those are amounts or ids, of which each would be a slice, compared with every other
MANY_NUMBERS = 30  # from which it is said that bands would tell more
MOST_BEFORE_MERGING = 100_000  # of one attribute whose rare values become one; all of these are listed in the audit


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which columns play which part, and how their texts are read."""

    attributes: tuple[str, ...]
    bins: dict[str, Bands] = field(default_factory=dict)
    other_below: int | None = None  # categories with fewer rows become one; None: none do
    kept_values: Mapping[str, tuple[str, ...]] | None = None  # attribute → its values that keep their names, as other data told; None: these data tell
    kept: tuple[str, ...] = ()  # attributes whose categories are left as they are all the same
    label: str | None = None
    positive: str | None = None
    positive_decision: str | None = None
    weight: str | None = None
    count: str | None = None
    cluster: str | None = None  # whose rows belong together
    id: str | None = None
    score: str | None = None
    decision: str | None = None
    missing: tuple[str, ...] = ()
    features: tuple[str, ...] = ()  # numbers by which rows are near one another
    keeps_id: bool = False  # whether `relation` has the id, for rows that are saved

    @property
    def columns(self) -> dict[str, str]:
        """Column → the flag that names it."""
        parts = {"--label": self.label, "--weight": self.weight, "--count": self.count, "--cluster": self.cluster, "--id": self.id, "--score-column": self.score, "--decision-column": self.decision}
        return dict.fromkeys(self.features, "--feature") | dict.fromkeys(self.attributes, "--protected") | {column: flag for flag, column in parts.items() if column is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What had to be seen of all rows before one could be read."""

    label: tuple[str, ...] = ()  # the texts that are positive
    decision: tuple[str, ...] = ()
    bands: Mapping[str, Bands] = field(default_factory=dict)  # with their edges and names
    rare: Mapping[str, Rare] = field(default_factory=dict)  # of attributes that have rare categories, where --other-below asks

    @property
    def merged(self) -> dict[str, Rare]:
        """Those whose rare categories are one slice."""
        return {name: rare for name, rare in self.rare.items() if rare.is_merged}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Rows that have passed every check, with the account of all that were read."""

    source: Source
    wanted: Wanted
    reading: Reading
    read: int  # rows, of which a line may stand for several
    lines: int
    per_file: tuple[int, ...]  # lines
    unlabelled: int
    excluded: tuple[tuple[str, int], ...]  # reason, rows; reasons that no row has are left out
    positive: str | None  # the label's positive value as it was read
    score_range: tuple[float, float] | None
    trimmed: bool  # whether some text had spaces around it
    label_values: int  # how many distinct labels there are
    never_missing: tuple[str, ...] = ()  # texts that --missing names and no column holds
    numbers: Mapping[str, int] = field(default_factory=dict)  # protected attributes that hold many different numbers, uncut → how many

    @property
    def audited(self) -> int:
        return self.read - sum(rows for _, rows in self.excluded)

    def relation(self, features: Sequence[str] = ()) -> str:
        """SQL: file_place, a0 …, label, weight, copies, score, decision, cluster and id where there are some (text), `excluded` (a reason, or null), f0 … as the file has these features, texts trimmed; `trimmed`: if one was; and n0 …, the numbers by which rows are near one another."""
        return _relation(self.source, self.wanted, self.reading, features)


def prepare(connection: duckdb.DuckDBPyConnection, source: Source, wanted: Wanted) -> Prepared:
    """Check the columns that the audit names, and say how each row counts.

    Raises:
        ConfigError, ContentError, Several: what is wrong, with the file, column and row where it is first seen.
    """
    try:
        return _prepared(connection, source, wanted)
    except NotInParallel:
        return _prepared(connection, replace(source, parallel=False), wanted)


def _prepared(connection: duckdb.DuckDBPyConnection, source: Source, wanted: Wanted) -> Prepared:
    columns = _columns(source, wanted)
    with told(source):
        per_file = _profiles(connection, source, wanted, columns)
        profile = _together(per_file)
        if profile["lines"] == 0:
            raise ContentError(f"{source.name} has a header and no rows; give data with rows.")
        numbers = dict(_numbers(connection, source, wanted, columns, profile))
        raise_all(_mistakes(connection, source, wanted, columns, profile, numbers))
        label_values = _values(connection, source, wanted, columns, wanted.label)
        label = positives(wanted.label, label_values, wanted.positive, file=source.name) if wanted.label else ()
        decision = _positive_decisions(source, wanted, _values(connection, source, wanted, columns, wanted.decision))
        bands = _bands(connection, source, wanted, columns, profile)
        rare = _rare(connection, source, wanted, columns)
    return Prepared(
        source=source,
        wanted=wanted,
        reading=Reading(label=label, decision=decision, bands=bands, rare=rare),
        read=profile["read"],
        lines=profile["lines"],
        per_file=tuple(one["lines"] for one in per_file),
        unlabelled=profile["unlabelled"],
        excluded=tuple((reason, profile[reason]) for reason in (NO_DECISION, NO_SCORE, NO_WEIGHT) if profile.get(reason)),
        positive=label[0] if label else wanted.positive,
        score_range=(profile["score_low"], profile["score_high"]) if wanted.score and profile["score_low"] is not None else None,
        trimmed=profile["any_trimmed"],
        label_values=len(label_values),
        never_missing=tuple(text for place, text in enumerate(wanted.missing) if not profile[f"any_missing_{place}"]),
        numbers=numbers,
    )


def values_of(connection: duckdb.DuckDBPyConnection, rows: Prepared, attributes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The values that audited rows have of these attributes, in the order of the alphabet; missing ones left out."""
    if not attributes:
        return {}
    asked = ", ".join(f"list_sort(list(DISTINCT a{rows.wanted.attributes.index(one)}) FILTER (WHERE a{rows.wanted.attributes.index(one)} IS NOT NULL))" for one in attributes)
    with told(rows.source):
        found = connection.execute(f"SELECT {asked} FROM ({rows.relation()}) WHERE excluded IS NULL").fetchall()[0]
    return {one: tuple(values or ()) for one, values in zip(attributes, found, strict=True)}


def place_of(connection: duckdb.DuckDBPyConnection, source: Source, columns: Iterable[Column], condition: str) -> str:
    """Where the first row that meets a condition stands: "people.csv, row 17"; rows count from 1 after the header."""
    return first_of(connection, source, columns, condition)[0]


def first_of(connection: duckdb.DuckDBPyConnection, source: Source, columns: Iterable[Column], condition: str, shown: Column | None = None) -> tuple[str, str]:
    """Where the first row that meets a condition stands, as `place_of` says it, and what a column holds there, as text."""
    value = shown.plain if shown else "''"
    sql = f"""
        SELECT file_place, row_number - min(row_number) OVER (PARTITION BY file_place) + 1 AS place, hit, value
        FROM (SELECT file_place, row_number() OVER () AS row_number, {condition} AS hit, {value} AS value FROM ({_read(source, columns)}))
        QUALIFY hit ORDER BY row_number LIMIT 1
    """
    found = connection.execute(sql).fetchall()
    return (f"{source.names[found[0][0]]}, row {found[0][1]}", str(found[0][3])) if found else (source.name, "")


def grid_range(scores: tuple[float, float]) -> tuple[float, float]:
    """The range that score cells divide: [0, 1] where all scores lie in it; else their own, rounded outwards to a tenth of its power of ten or less, so that parts of the data mostly agree."""
    low, high = scores
    if low >= 0.0 and high <= 1.0:
        return 0.0, 1.0
    if low == high:
        return low, high
    step = 10.0 ** (math.floor(math.log10(high - low)) - 1)
    return math.floor(low / step) * step, math.ceil(high / step) * step


def _read(source: Source, columns: Iterable[Column], features: Sequence[str] = ()) -> str:
    wanted = tuple(columns)
    return read(source.relation((*(one.name for one in wanted), *features)), wanted)


def _columns(source: Source, wanted: Wanted) -> dict[str, Column]:
    named = wanted.columns
    return {name: Column(name=name, sql=source.alias(name), type=source.schema.field(name).type, missing=missing_in(name, wanted.missing, named)) for name in named}


def _counts_at_all(wanted: Wanted, columns: Mapping[str, Column]) -> str:
    """SQL: whether a line has rows and weight. What stands in a row without is nobody's mistake, since it changes nothing."""
    return " AND ".join(f"({columns[name].number} IS DISTINCT FROM 0)" for name in (wanted.weight, wanted.count) if name is not None) or "true"


def _copies(wanted: Wanted, columns: Mapping[str, Column]) -> str:
    """SQL: how many rows a line stands for; what is no number of rows is told by `_mistakes`."""
    return "1::BIGINT" if wanted.count is None else f"coalesce(TRY_CAST({columns[wanted.count].number} AS BIGINT), 0)"


def _excluded(wanted: Wanted, columns: Mapping[str, Column]) -> dict[str, str]:
    """Reason → SQL that says whether a row is left out for it; the first that holds is given."""
    reasons = {}
    if wanted.count is not None:
        reasons[NO_ROWS] = f"coalesce({columns[wanted.count].number} = 0, false)"
    if wanted.weight is not None:
        reasons[NO_WEIGHT] = f"coalesce({columns[wanted.weight].number} = 0, false)"
    if wanted.score is not None:
        reasons[NO_SCORE] = f"({columns[wanted.score].number} IS NULL)"
    if wanted.decision is not None:
        reasons[NO_DECISION] = f"({columns[wanted.decision].text} IS NULL)"
    return reasons


def _profiles(connection: duckdb.DuckDBPyConnection, source: Source, wanted: Wanted, columns: Mapping[str, Column]) -> list[dict[str, Any]]:
    """One pass over the named columns: for each file, how many rows there are, and what could be wrong with them."""
    copies = _copies(wanted, columns)

    def rows(condition: str) -> str:
        return f"count(*) FILTER (WHERE {condition})" if wanted.count is None else f"coalesce(sum({copies}) FILTER (WHERE {condition}), 0)::BIGINT"

    asked = {"lines": "count(*)", "read": rows("true")}
    live = _counts_at_all(wanted, columns)
    for part, name in (("weight", wanted.weight), ("score", wanted.score), ("count", wanted.count)):
        if name is not None:
            asked |= _asked_of_numbers(part, columns[name], live)
    if wanted.count is not None:
        asked["count_fraction"] = f"count(*) FILTER (WHERE {_no_number_of_rows(columns[wanted.count])})"
    if wanted.cluster is not None:
        asked["cluster_null"] = f"count(*) FILTER (WHERE {_no_cluster(wanted, columns)})"
    for place, name in enumerate(wanted.bins):
        value = columns[name].number
        asked[f"unreadable_{place}"] = f"count(*) FILTER (WHERE {columns[name].unbanded} AND {live})"
        asked[f"whole_{place}"] = f"coalesce(bool_and({value} = floor({value})) FILTER (WHERE NOT isnan({value})), true)"
    for place, name in enumerate(wanted.features):
        asked[f"no_feature_{place}"] = f"count(*) FILTER (WHERE {_no_feature(columns[name])} AND {live})"
    earlier = "false"
    for reason, holds in _excluded(wanted, columns).items():
        asked[reason] = rows(f"{holds} AND NOT ({earlier})")
        earlier = f"{earlier} OR {holds}"
    unlabelled = "true" if wanted.label is None else f"{columns[wanted.label].text} IS NULL"
    asked["unlabelled"] = rows(f"{unlabelled} AND NOT ({earlier})")
    texts = [columns[name].spaced for name in (*wanted.attributes, wanted.label, wanted.decision) if name is not None]
    asked["any_trimmed"] = f"coalesce(bool_or({' OR '.join(texts) or 'false'}), false)"
    for place, name in enumerate(wanted.attributes):
        if name not in wanted.bins:
            asked[f"values_{place}"] = f"approx_count_distinct({columns[name].sql})"
    for place, text in enumerate(wanted.missing):
        named = [one.named_missing(own) for one in columns.values() for own in missing_in(one.name, (text,), columns)]
        asked[f"any_missing_{place}"] = f"coalesce(bool_or({' OR '.join(named) or 'false'}), false)"
    sql = f"SELECT file_place, {', '.join(asked.values())} FROM ({_read(source, columns.values())}) GROUP BY file_place"
    found = {row[0]: dict(zip(asked, row[1:], strict=True)) for row in stoppable(connection, lambda: connection.execute(sql).fetchall())}
    return [found.get(place, {"lines": 0, "read": 0}) for place in range(len(source.names))]


def _asked_of_numbers(part: str, column: Column, live: str) -> dict[str, str]:
    value = column.number
    return {
        f"{part}_unreadable": f"count(*) FILTER (WHERE {column.unreadable} AND {live})",
        f"{part}_null": f"count(*) FILTER (WHERE {column.text} IS NULL)" if not column.is_number else f"count(*) - count({value})",
        f"{part}_nan": f"count(*) FILTER (WHERE (isnan({value}) OR isinf({value})) AND {live})",
        f"{part}_low": f"min({value}) FILTER (WHERE {live})",
        f"{part}_high": f"max({value}) FILTER (WHERE {live})",
        f"{part}_negative": f"count(*) FILTER (WHERE {value} < 0)",
        f"{part}_tiny": f"count(*) FILTER (WHERE {value} > 0 AND {value} < {SMALLEST_WEIGHT!r})",
    }


def _together(per_file: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The files' profiles as one."""
    how: dict[str, Callable[[list[Any]], Any]] = {"low": min, "high": max, "whole": all, "any": any}
    together: dict[str, Any] = {}
    for name in dict.fromkeys(name for one in per_file for name in one):
        values = [one[name] for one in per_file if one.get(name) is not None]
        combine = next((how[part] for part in name.split("_") if part in how), sum)
        together[name] = combine(values) if values else None
    return together


def _mistakes(
    connection: duckdb.DuckDBPyConnection, source: Source, wanted: Wanted, columns: Mapping[str, Column], profile: Mapping[str, Any], numbers: Mapping[str, int]
) -> Iterator[FairauditError]:
    live = _counts_at_all(wanted, columns)

    def first(condition: str) -> str:
        return place_of(connection, source, columns.values(), f"(({condition}) AND {live})")

    def held(condition: str, column: Column) -> tuple[str, str]:
        return first_of(connection, source, columns.values(), f"(({condition}) AND {live})", column)

    for part, name in (("weight", wanted.weight), ("score", wanted.score), ("count", wanted.count)):
        if name is None:
            continue
        column = columns[name]
        if rows := profile[f"{part}_unreadable"]:
            where, text = held(column.unreadable, column)
            yield ContentError(f"{where}: the {part} column {name!r} holds {_shown(text)}, which is no number, as in {_rows(rows)} in all; mend it, or {_said_missing(name, text)}.")
        elif rows := profile[f"{part}_nan"]:
            where, text = held(f"(isnan({column.number}) OR isinf({column.number}))", column)
            is_missing = f", or {_said_missing(name, text)}" if "nan" in text.casefold() else ""
            yield ContentError(f"{where}: the {part} column {name!r} is NaN or infinite ({text}), as in {_rows(rows)} in all; mend or leave out these rows{is_missing}.")
    if wanted.weight is not None:
        yield from _weight_mistakes(columns[wanted.weight], profile, first)
    if wanted.count is not None:
        yield from _count_mistakes(columns[wanted.count], profile, first)
    for place, name in enumerate(wanted.bins):
        if rows := profile[f"unreadable_{place}"]:
            where, text = held(columns[name].unbanded, columns[name])
            yield ContentError(f"{where}: --bins needs numbers, and {name!r} holds {_shown(text)}, as in {_rows(rows)} in all; mend it, or {_said_missing(name, text)}.")
    for place, name in enumerate(wanted.features):
        if rows := profile[f"no_feature_{place}"]:
            where, text = held(_no_feature(columns[name]), columns[name])
            yield ContentError(
                f"{where}: --feature needs numbers within ±{LARGEST_FEATURE:g}, and {name!r} holds {_shown(text)}, as in {_rows(rows)} in all; "
                f"mend it or name another column, or {_said_missing(name, text)}."
            )
    if wanted.cluster is not None and (rows := profile["cluster_null"]):
        where = first(_no_cluster(wanted, columns))
        yield ContentError(f"{where}: the cluster is missing, as in {_rows(rows)} in all; say in {wanted.cluster!r} whose row it is, or leave out these rows.")
    if wanted.id is not None:
        yield from _id_mistakes(connection, source, columns[wanted.id])
    for place, name in enumerate(wanted.attributes):
        if name in numbers and wanted.other_below is None:
            yield from _too_many_numbers(source, name, numbers[name])
        elif name not in wanted.bins and profile[f"values_{place}"] > MOST_VALUES // 2:  # an estimate, and by file: then they are counted
            yield from _too_many_values(connection, source, wanted, columns[name])


def _shown(text: str) -> str:
    """A value as a sentence quotes it."""
    return repr(text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…")


def _said_missing(column: str, text: str) -> str:
    """How a user says that a text is no value."""
    return f"if it means a missing value, add --missing {f'{column}={text}'!r}" if len(text) <= _MOST_SHOWN else "name it with --missing"


_MOST_SHOWN = 40  # characters of a value in a sentence


def _no_cluster(wanted: Wanted, columns: Mapping[str, Column]) -> str:
    """SQL: whether an audited row is nobody's."""
    left_out = " OR ".join(_excluded(wanted, columns).values()) or "false"
    return f"({columns[str(wanted.cluster)].text} IS NULL AND NOT ({left_out}))"


def _no_feature(column: Column) -> str:
    return f"({column.unbanded} OR (abs({column.number}) > {LARGEST_FEATURE!r} AND NOT isnan({column.number})))"


def _no_number_of_rows(column: Column) -> str:
    return f"({column.number} < 0 OR {column.number} != floor({column.number}) OR {column.number} > {MOST_ROWS!r})"


def _count_mistakes(column: Column, profile: Mapping[str, Any], first: Callable[[str], str]) -> Iterator[FairauditError]:
    if rows := profile["count_null"]:
        yield ContentError(f"{first(column.text + ' IS NULL')}: the count is missing, as in {_lines(rows)} in all; give every line the number of rows that it stands for.")
    if rows := profile["count_fraction"]:
        where = first(_no_number_of_rows(column))
        yield ContentError(f"{where}: the count is no number of rows, as in {_lines(rows)} in all; counts are whole, 0 or more, and at most {MOST_ROWS:,.0f}.")


def _weight_mistakes(column: Column, profile: Mapping[str, Any], first: Callable[[str], str]) -> Iterator[FairauditError]:
    if rows := profile["weight_negative"]:
        yield ContentError(f"{first(column.number + ' < 0')}: the weight is negative, as in {_rows(rows)} in all; weights are 0 or more.")
    if rows := profile["weight_null"]:
        yield ContentError(f"{first(column.text + ' IS NULL')}: the weight is missing, as in {_rows(rows)} in all; give every row a weight, 0 to leave it out.")
    if rows := profile["weight_tiny"]:
        where = first(f"({column.number} > 0 AND {column.number} < {SMALLEST_WEIGHT!r})")
        yield ContentError(f"{where}: the weight is too small to be summed exactly, as in {_rows(rows)} in all; multiply all weights by the same large number.")


def _id_mistakes(connection: duckdb.DuckDBPyConnection, source: Source, column: Column) -> Iterator[FairauditError]:
    base = _read(source, (column,))
    rows, present, distinct = connection.execute(f"SELECT count(*), count({column.text}), count(DISTINCT {column.text}) FROM ({base})").fetchall()[0]
    if present < rows:
        where = place_of(connection, source, (column,), f"({column.text} IS NULL)")
        yield ContentError(f"{where}: the id is missing, as in {_rows(rows - present)} in all; --id names a column that tells rows apart.")
    if distinct < present:
        sql = f"SELECT {column.text} AS one FROM ({base}) WHERE one IS NOT NULL GROUP BY ALL HAVING count(*) > 1 ORDER BY one LIMIT 1"
        yield ContentError(f"{source.name}: the id {connection.execute(sql).fetchall()[0][0]!r} stands in more than one row; --id names a column that tells rows apart.")


def _numbers(
    connection: duckdb.DuckDBPyConnection, source: Source, wanted: Wanted, columns: Mapping[str, Column], profile: Mapping[str, Any]
) -> Iterator[tuple[str, int]]:
    """Each protected attribute that is not cut and holds nothing but numbers, many of them, and how many; counted up to the most that values may be."""
    for place, name in enumerate(wanted.attributes):
        if name in wanted.bins or name in wanted.kept or profile[f"values_{place}"] <= MANY_NUMBERS // 2:  # an estimate
            continue
        if (number := _numbers_in(connection, source, columns[name])) > MANY_NUMBERS:
            yield name, number


def _numbers_in(connection: duckdb.DuckDBPyConnection, source: Source, column: Column) -> int:
    """How many different values a column holds if all of them are numbers, and otherwise 0."""
    values = f"SELECT DISTINCT {column.text} AS one, {column.number} IS NOT NULL AS is_number FROM ({_read(source, (column,))}) WHERE one IS NOT NULL LIMIT {MOST_VALUES + 1}"
    sql = f"SELECT count(*) FILTER (WHERE is_number), count(*) FROM ({values})"
    numbers, every = stoppable(connection, lambda: connection.execute(sql).fetchall())[0]
    return int(numbers) if numbers == every else 0


def _too_many_numbers(source: Source, name: str, number: int) -> Iterator[FairauditError]:
    """A mistake where every number of an attribute would be a slice of its own and they are hundreds."""
    if number > MOST_NUMBERS:
        many = f"more than {MOST_VALUES:,}" if number > MOST_VALUES else f"{number:,}"
        yield ConfigError(
            f"{source.name}: the protected attribute {name!r} holds {many} different numbers, and each would be a slice of its own; "
            f"cut it into bands, as by --bins '{name}=quantiles:4', or, if they are codes of groups, make the rare ones one slice, as by --other-below 30."
        )


def _too_many_values(connection: duckdb.DuckDBPyConnection, source: Source, wanted: Wanted, column: Column) -> Iterator[FairauditError]:
    is_control = column.name in wanted.kept
    most = MOST_VALUES if wanted.other_below is None or is_control else MOST_BEFORE_MERGING
    sql = f"SELECT count(*) FROM (SELECT DISTINCT {column.sql} FROM ({source.relation((column.name,))}) LIMIT {most + 1})"
    if connection.execute(sql).fetchall()[0][0] > most:
        advice = f"cut it with --bins '{column.name}=…', or name" if column.is_number else "name"
        yield ConfigError(f"{source.name}: the {'control' if is_control else 'protected attribute'} {column.name!r} has more than {most:,} values; {advice} a column of groups.")


def _values(connection: duckdb.DuckDBPyConnection, source: Source, wanted: Wanted, columns: Mapping[str, Column], name: str | None) -> list[str]:
    """The distinct values of a column as text, the most frequent first, missing ones left out; no more than are of use."""
    if name is None:
        return []
    needed = (columns[one] for one in dict.fromkeys((name, wanted.weight, wanted.count)) if one is not None)
    live = _counts_at_all(wanted, columns)
    sql = f"SELECT {columns[name].text} AS one FROM ({_read(source, needed)}) WHERE one IS NOT NULL AND {live} GROUP BY ALL ORDER BY count(*) DESC, one LIMIT {MOST + 1}"
    return [row[0] for row in connection.execute(sql).fetchall()]


def _audited(source: Source, wanted: Wanted, columns: Mapping[str, Column], values: Mapping[str, str]) -> str:
    """SQL: what some columns hold in each audited line, as v0, v1 …, and how many rows it stands for."""
    parts = (*values, wanted.weight, wanted.count, wanted.score, wanted.decision)
    needed = (columns[one] for one in dict.fromkeys(parts) if one is not None)
    left_out = " OR ".join(_excluded(wanted, columns).values()) or "false"
    taken = ", ".join(f"{value} AS v{place}" for place, value in enumerate(values.values()))
    return f"SELECT {taken}, {_copies(wanted, columns)} AS copies FROM ({_read(source, needed)}) WHERE NOT ({left_out})"


def _bands(
    connection: duckdb.DuckDBPyConnection, source: Source, wanted: Wanted, columns: Mapping[str, Column], profile: Mapping[str, Any]
) -> dict[str, Bands]:
    """Each cut attribute's bands with edges and names, those at quantiles too."""
    at_quantiles = {name: asked.quantiles for name, asked in wanted.bins.items() if asked.quantiles}
    found: dict[str, tuple[float, ...]] = {}
    if at_quantiles:
        numbers = {name: f"(CASE WHEN isnan({columns[name].number}) THEN NULL ELSE {columns[name].number} END)" for name in at_quantiles}
        lines = _audited(source, wanted, columns, numbers)
        found = dict(zip(at_quantiles, quantile_edges(connection, lines, tuple(at_quantiles.values())), strict=True))
    return {name: asked.at(found.get(name, asked.edges), whole=profile[f"whole_{place}"]) for place, (name, asked) in enumerate(wanted.bins.items())}


def _rare(connection: duckdb.DuckDBPyConnection, source: Source, wanted: Wanted, columns: Mapping[str, Column]) -> dict[str, Rare]:
    """The rare categories of each attribute that has some.

    Raises:
        ConfigError, Several: those that are not rare are too many.
    """
    names = [name for name in wanted.attributes if name not in wanted.bins and name not in wanted.kept]
    if wanted.other_below is None or not names:
        return {}
    sizes = sizes_of(connection, _audited(source, wanted, columns, {name: columns[name].text for name in names}), len(names))
    if wanted.kept_values is None:
        found = dict(zip(names, (rare_values(one, wanted.other_below) for one in sizes), strict=True))
    else:
        found = {name: all_but(one, wanted.kept_values[name]) for name, one in zip(names, sizes, strict=True) if name in wanted.kept_values}
    raise_all(
        ConfigError(
            f"{source.name}: the protected attribute {name!r} has {left:,} values with {wanted.other_below:,} rows or more, and {MOST_VALUES:,} are the most; "
            "ask for more rows with --other-below, or name a column of groups."
        )
        for name, all_values in zip(names, sizes, strict=True)
        if (left := len(all_values) - (len(found[name].values) if name in found else 0)) > MOST_VALUES
    )
    return {name: rare for name, rare in found.items() if rare.values}


def _positive_decisions(source: Source, wanted: Wanted, values: Sequence[str]) -> tuple[str, ...]:
    """A decision's positive texts: what --positive-decision says; else 1 or true; else what is positive in the label."""
    if wanted.decision is None:
        return ()
    asked = wanted.positive_decision
    if asked is None and not all(truth(value) is not None for value in values):
        asked = wanted.positive
    return positives(wanted.decision, values, asked, file=source.name, flag="--positive-decision")


def _relation(source: Source, wanted: Wanted, reading: Reading, features: Sequence[str] = ()) -> str:
    columns = _columns(source, wanted)

    def attribute(name: str) -> str:
        if name in wanted.bins:
            return columns[name].band(reading.bands[name])
        if rare := reading.merged.get(name):
            text, kept = columns[name].text, ", ".join(map(literal, rare.kept)) or "NULL"
            return f"(CASE WHEN {text} IS NULL OR {text} IN ({kept}) THEN {text} ELSE {literal(rare.name)} END)"
        return columns[name].text

    def two_sided(name: str | None, positive: Sequence[str], kind: str) -> str:
        if name is None:
            return f"NULL::{kind}"
        known = ", ".join(map(literal, positive)) or "NULL"
        return f"(CASE WHEN {columns[name].text} IS NULL THEN NULL WHEN {columns[name].text} IN ({known}) THEN 1 ELSE 0 END)::{kind}"

    taken = [f"{attribute(name)} AS a{place}" for place, name in enumerate(wanted.attributes)]
    taken.append(f"{two_sided(wanted.label, reading.label, 'TINYINT')} AS label")
    taken.append(f"{columns[wanted.weight].number if wanted.weight else '1.0::DOUBLE'} AS weight")
    taken.append(f"{_copies(wanted, columns)} AS copies")
    taken.append(f"{columns[wanted.score].number if wanted.score else 'NULL::DOUBLE'} AS score")
    taken.append(f"{two_sided(wanted.decision, reading.decision, 'BOOLEAN')} AS decision")
    if wanted.cluster is not None:
        taken.append(f"{columns[wanted.cluster].text} AS cluster")
    if wanted.keeps_id and wanted.id is not None:
        taken.append(f"{columns[wanted.id].text} AS id")
    taken.extend(f"CASE WHEN isnan({columns[name].number}) THEN NULL ELSE {columns[name].number}::DOUBLE END AS n{place}" for place, name in enumerate(wanted.features))
    given = [Column(name=name, sql=source.alias(name), type=source.schema.field(name).type) for name in features]
    taken.extend(f"{one.as_given} AS f{place}" for place, one in enumerate(given))
    taken.append(f"({' OR '.join(one.spaced for one in given) or 'false'}) AS trimmed")
    # A row of weight 0 may hold anything; nothing of it is looked at.
    cases = " ".join(f"WHEN {holds} THEN {literal(reason)}" for reason, holds in _excluded(wanted, columns).items())
    excluded = f"CASE {cases} END" if cases else "NULL::VARCHAR"
    return f"SELECT file_place, {', '.join(taken)}, {excluded} AS excluded FROM ({_read(source, columns.values(), features)})"


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count:,} lines"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
