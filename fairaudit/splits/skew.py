"""How differently two parts of the data are made up: column by column by distances, and in labels and groups by tests."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, Literal

import duckdb
import msgspec
import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.data.columns import Column, missing_in
from fairaudit.data.rows import MANY_NUMBERS, MOST_VALUES, Prepared, Wanted
from fairaudit.data.source import Source, held, is_bytes
from fairaudit.evidence.exact_tests import fisher_p_value
from fairaudit.evidence.significance import holm
from fairaudit.interrupts import stoppable
from fairaudit.splits.hashes import as_text
from fairaudit.types import Floats, Ints

Method = Literal["fisher", "chi-square"]
_LEAST_EXPECTED = 5.0  # rows in a cell of a chi-square test
_ESTIMATE = 1.1  # distinct values are estimated to within a few per cent


class Distance(msgspec.Struct, frozen=True, kw_only=True):
    """How far a column's values in two parts are apart; every number lies between 0, alike, and 1."""

    parts: tuple[str, str]
    largest_difference: float | None = None  # of a category's shares (L-infinity)
    value: str | None = None  # the category; None is a missing value
    jensen_shannon: float | None = None  # divergence, by logarithms to base 2
    kolmogorov_smirnov: float | None = None  # largest distance of the distribution functions of the numbers that are there
    missing_difference: float  # of the shares of missing values


class ColumnSkew(msgspec.Struct, frozen=True, kw_only=True):
    """A column in every two parts."""

    column: str
    kind: Literal["categories", "numbers", "not compared"]
    reason: str = ""  # why it is not compared
    distances: tuple[Distance, ...] = ()


class Shifted(msgspec.Struct, frozen=True, kw_only=True):
    """A test of whether two parts were drawn from the same people."""

    of: Literal["base_rate", "groups"]  # how many are positive, or how many are of which group
    slice: Slice  # whose base rate; everyone where groups are compared
    attribute: str | None  # whose groups
    parts: tuple[str, str]
    rows: tuple[int, int]
    values: tuple[float, float] | None  # the base rates, or the shares of the group that differs most
    group: Slice | None = None  # the one that differs most
    method: Method | None  # None: there is nothing to be tested
    p_value: float | None
    p_adjusted: float | None  # by Holm over all tests


def column_skews(connection: duckdb.DuckDBPyConnection, source: Source, part_of_file: Sequence[int], names: Sequence[str], wanted: Wanted, *, ignore: Collection[str] = ()) -> Iterator[ColumnSkew]:
    """Every column in every two parts, in the order of the data; ids, clusters and what is ignored left out."""
    aside = {wanted.id, wanted.cluster, *ignore}
    columns = [Column(name=name, sql=source.alias(name), type=source.schema.field(name).type, missing=missing_in(name, wanted.missing, source.columns)) for name in source.columns if name not in aside]
    for one, (distinct, is_numbers) in zip(columns, _profiles(connection, source, columns), strict=True):
        if pa.types.is_nested(held(one.type)):
            yield ColumnSkew(column=one.name, kind="not compared", reason=f"it holds {one.type}")
        elif is_numbers and distinct > MANY_NUMBERS and (one.name in wanted.bins or one.name not in wanted.columns):
            yield ColumnSkew(column=one.name, kind="numbers", distances=tuple(_of_numbers(connection, source, one, part_of_file, names)))
        elif distinct > MOST_VALUES * _ESTIMATE:
            yield ColumnSkew(column=one.name, kind="not compared", reason=f"it has more than {MOST_VALUES:,} different values, and is no number")
        else:
            yield ColumnSkew(column=one.name, kind="categories", distances=tuple(_of_categories(connection, source, one, part_of_file, names)))


def shifts(connection: duckdb.DuckDBPyConnection, rows: Prepared, part_of_file: Sequence[int], names: Sequence[str]) -> tuple[Shifted, ...]:
    """Tests of base rates, everyone's and each group's, and of the groups' shares, between every two parts; Holm's correction over all of them."""
    groups = [f"a{place}" for place in range(len(rows.wanted.attributes))]
    sql = f"SELECT {_part(part_of_file)} AS part, label, {''.join(f'{one}, ' for one in groups)}count(*) FROM ({rows.relation()}) GROUP BY ALL"
    found = stoppable(connection, lambda: connection.execute(sql).fetchall())
    tests = [test for pair in combinations(range(len(names)), 2) for test in _shifts(rows.wanted, found, pair, names)]
    adjusted = holm(np.array([math.nan if test.p_value is None else test.p_value for test in tests]))
    return tuple(msgspec.structs.replace(test, p_adjusted=None if math.isnan(p) else p) for test, p in zip(tests, adjusted.tolist(), strict=True))


def jensen_shannon(one: Floats, other: Floats) -> float:
    """Divergence of two distributions over the same values, by logarithms to base 2: 0 where they are the same, 1 where they have no value in common.

    Source: Lin (1991), IEEE Trans. Inf. Theory 37:145.
    """
    middle = (one + other) / 2

    terms = (side[side > 0] * np.log2(side[side > 0] / middle[side > 0]) for side in (one, other))
    return min(max(math.fsum(np.concatenate([*terms]).tolist()) / 2, 0.0), 1.0)


def homogeneity(table: Ints) -> tuple[Method | None, float | None]:
    """Whether two rows of counts are of the same distribution: Fisher's exact test of two columns, the chi-square test of more.

    Columns of which a row expects fewer than 5 are added up, the rarest first, until it does or two are left.

    Args:
        table: shape (2, values).
    """
    totals = table.sum(axis=1)
    columns = sorted((column for column in table.T.tolist() if sum(column)), key=sum)
    if len(columns) < 2 or 0 in totals:
        return None, None

    def least() -> float:
        return float(sum(columns[0]) * totals.min() / totals.sum())

    while len(columns) > 2 and least() < _LEAST_EXPECTED:
        rarest, next_rarest, *others = columns
        columns = sorted([[a + b for a, b in zip(rarest, next_rarest, strict=True)], *others], key=sum)
    if len(columns) == 2:
        events, sizes = np.array(columns[0], dtype=np.int64), totals.astype(np.int64)
        return "fisher", float(fisher_p_value(events[:1], sizes[:1], events[1:], sizes[1:])[0])
    from scipy.special import chdtrc  # type: ignore[import-untyped]

    seen = np.array(columns, dtype=np.float64).T
    expected = seen.sum(axis=0) * (totals / totals.sum())[:, None]
    return "chi-square", float(chdtrc(len(columns) - 1, ((seen - expected) ** 2 / expected).sum()))


def _shifts(wanted: Wanted, found: Sequence[tuple[Any, ...]], pair: tuple[int, int], names: Sequence[str]) -> Iterator[Shifted]:
    """
    Args:
        found: part, label, values of the attributes, rows.
    """
    parts = (names[pair[0]], names[pair[1]])
    within: dict[Slice, Ints] = {EVERYONE: np.zeros((2, 2), dtype=np.int64)}  # (part, label) of labelled rows
    groups: dict[str, dict[str | None, Ints]] = {name: {} for name in wanted.attributes}
    for part, label, *values, rows in found:
        if part not in pair:
            continue
        side = pair.index(part)
        for name, value in zip(wanted.attributes, values, strict=True):
            groups[name].setdefault(value, np.zeros(2, dtype=np.int64))[side] += rows
        if label is not None:
            for one in (EVERYONE, *(Slice([own]) for own in zip(wanted.attributes, values, strict=True))):
                within.setdefault(one, np.zeros((2, 2), dtype=np.int64))[side, label] += rows
    if wanted.label is not None:
        for one in (EVERYONE, *sorted((one for one in within if one.values), key=_in_order)):
            yield _of_base_rate(one, within[one], parts)
    for name, sizes in groups.items():
        yield _of_groups(name, sizes, parts)


def _in_order(one: Slice) -> tuple[str, bool, str]:
    ((attribute, value),) = one.values
    return attribute, value is None, value or ""


def _of_base_rate(one: Slice, table: Ints, parts: tuple[str, str]) -> Shifted:
    rows, positive = table.sum(axis=1).tolist(), table[:, 1].tolist()
    method, p = homogeneity(table)
    rates = (positive[0] / rows[0], positive[1] / rows[1]) if all(rows) else None
    return Shifted(of="base_rate", slice=one, attribute=None, parts=parts, rows=(rows[0], rows[1]), values=rates, method=method, p_value=p, p_adjusted=None)


def _of_groups(attribute: str, sizes: Mapping[str | None, Ints], parts: tuple[str, str]) -> Shifted:
    values = sorted(sizes, key=lambda value: (value is None, value or ""))
    table = np.array([sizes[value] for value in values], dtype=np.int64).reshape(len(values), 2).T
    rows = table.sum(axis=1).tolist()
    method, p = homogeneity(table)
    group, shares = None, None
    if all(rows):
        held_shares = table / table.sum(axis=1, keepdims=True)
        most = int(np.argmax(np.abs(held_shares[1] - held_shares[0])))
        group, shares = Slice([(attribute, values[most])]), (float(held_shares[0, most]), float(held_shares[1, most]))
    return Shifted(of="groups", slice=EVERYONE, attribute=attribute, parts=parts, rows=(rows[0], rows[1]), values=shares, group=group, method=method, p_value=p, p_adjusted=None)


def _part(part_of_file: Sequence[int]) -> str:
    """SQL: the part of a row."""
    return f"[{', '.join(map(str, part_of_file))}][file_place + 1]"


def _value(column: Column) -> tuple[str, str]:
    """SQL: a column's value as a text, null where it is missing; and as a number, null where it is none."""
    text = as_text(column) if is_bytes(held(column.type)) else column.as_text
    if column.is_number:
        number = f"CAST({column.sql} AS DOUBLE)"
        return text, f"(CASE WHEN {text} IS NULL OR isnan({number}) THEN NULL ELSE {number} END)"
    number = f"TRY_CAST({text} AS DOUBLE)"
    return text, f"(CASE WHEN contains({text}, '_') OR isnan({number}) OR isinf({number}) THEN NULL ELSE {number} END)"


def _profiles(connection: duckdb.DuckDBPyConnection, source: Source, columns: Sequence[Column]) -> list[tuple[int, bool]]:
    """For each column about how many different values it has, and whether all that are there are numbers."""
    if not columns:
        return []
    asked = ", ".join(f"approx_count_distinct({text}), coalesce(bool_and({text} IS NULL OR {number} IS NOT NULL), false)" for text, number in map(_value, columns))
    sql = f"SELECT {asked} FROM ({source.relation([one.name for one in columns])})"
    found = stoppable(connection, lambda: connection.execute(sql).fetchall())[0]
    return list(zip(found[::2], found[1::2], strict=True))


def _of_categories(connection: duckdb.DuckDBPyConnection, source: Source, column: Column, part_of_file: Sequence[int], names: Sequence[str]) -> Iterator[Distance]:
    sql = f"SELECT {_value(column)[0]} AS value, {_counted(len(names))} FROM (SELECT *, {_part(part_of_file)} AS part FROM ({source.relation([column.name])})) GROUP BY value ORDER BY value NULLS LAST"
    found = stoppable(connection, lambda: connection.execute(sql).fetchall())
    counts = np.array([row[1:] for row in found], dtype=np.float64).reshape(len(found), len(names))
    shares = counts / np.maximum(counts.sum(axis=0), 1)
    for one, other in combinations(range(len(names)), 2):
        apart = np.abs(shares[:, other] - shares[:, one])
        most = int(np.argmax(apart))
        missing = next((abs(float(shares[place, other] - shares[place, one])) for place, row in enumerate(found) if row[0] is None), 0.0)
        yield Distance(
            parts=(names[one], names[other]), largest_difference=float(apart[most]), value=found[most][0], jensen_shannon=jensen_shannon(shares[:, one], shares[:, other]), missing_difference=missing,
        )  # fmt: skip


def _of_numbers(connection: duckdb.DuckDBPyConnection, source: Source, column: Column, part_of_file: Sequence[int], names: Sequence[str]) -> Iterator[Distance]:
    pairs = list(combinations(range(len(names)), 2))
    below = ", ".join(f"sum(n{side}) OVER (ORDER BY value) / nullif(sum(n{side}) OVER (), 0) AS f{side}" for side in range(len(names)))
    apart = ", ".join(f"max(abs(f{other} - f{one}))" for one, other in pairs)
    counted = f"SELECT {_value(column)[1]} AS value, {_counted(len(names))} FROM (SELECT *, {_part(part_of_file)} AS part FROM ({source.relation([column.name])})) GROUP BY value"
    # Missing ones are one group, which no distribution function counts.
    totals = ", ".join(f"max(m{side}), max(t{side})" for side in range(len(names)))
    whole = ", ".join(f"coalesce(sum(n{side}) FILTER (WHERE value IS NULL) OVER (), 0) AS m{side}, sum(n{side}) OVER () AS t{side}" for side in range(len(names)))
    sql = f"""
        WITH counted AS MATERIALIZED ({counted}), known AS (SELECT {below} FROM counted WHERE value IS NOT NULL), whole AS (SELECT {whole} FROM counted LIMIT 1)
        SELECT (SELECT [{apart}] FROM known), {totals} FROM whole
    """
    distances, *found = stoppable(connection, lambda: connection.execute(sql).fetchall())[0]
    missing = [absent / max(total, 1) for absent, total in zip(found[::2], found[1::2], strict=True)]
    for (one, other), distance in zip(pairs, distances, strict=True):
        yield Distance(parts=(names[one], names[other]), kolmogorov_smirnov=distance, missing_difference=abs(missing[other] - missing[one]))


def _counted(parts: int) -> str:
    return ", ".join(f"count(*) FILTER (WHERE part = {place}) AS n{place}" for place in range(parts))
