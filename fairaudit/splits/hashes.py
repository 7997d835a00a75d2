"""A row as 64 bits of MD5: the same for rows that are alike, whatever file, thread or version of DuckDB read them. Python sees no more of the rows than these."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pyarrow as pa  # type: ignore[import-untyped]

from fairaudit.data.columns import Column
from fairaudit.data.source import held, is_bytes, kind_of


def row_hash(texts: Mapping[str, str], *, seed: str = "") -> str:
    """SQL: the hash of a row.

    Args:
        texts: column → SQL for its value as a text, null where missing; their order does not matter.
        seed: another one gives other hashes.
    """
    # Each text after its length, so that two rows whose texts only run together alike are told apart.
    told = " || ".join(f"coalesce(strlen({texts[name]}) || ':' || {texts[name]}, '-')" for name in sorted(texts))
    return f"md5_number_lower('{seed}|' || {told or repr('')})"


def as_text(column: Column) -> str:
    """SQL: a column's value as a text by which rows are compared: without spaces around it; null where it is missing, empty or NaN."""
    if is_bytes(held(column.type)):  # they need not be a text
        return f"nullif(CAST({column.sql} AS VARCHAR), '')"
    if column.is_float:
        return _of_number(column.sql, "DOUBLE")
    return f"nullif({column.plain}, '')" if column.is_text else column.plain


def as_text_beside(column: Column, types: Collection[pa.DataType]) -> str:
    """The same where other data hold the column by other types: what one writes as 0.5 and another holds as a half is alike.

    Args:
        types: all that are compared, the column's own among them.
    """
    kinds, plain = {kind_of(one) for one in types}, f"nullif({column.plain}, '')"
    if len(kinds) == 1:
        return as_text(column)
    numbers = [held(one) for one in types if kind_of(one) not in ("text", "bytes")]
    if not numbers or not all(any(kind(one) for kind in _NUMBERS) for one in numbers):
        return plain
    if all(map(pa.types.is_boolean, numbers)):
        return f"lower({plain})"
    if all(map(pa.types.is_integer, numbers)):
        return _of_whole(plain) if column.is_text else plain
    kind = "FLOAT" if any(pa.types.is_float32(one) or pa.types.is_float16(one) for one in numbers) else "DOUBLE"  # the other's digits are not in it
    if not column.is_text:
        return _of_number(column.sql, kind)
    return f"(CASE WHEN TRY_CAST({plain} AS {kind}) IS NULL THEN {plain} ELSE {_of_number(plain, kind)} END)"


_NUMBERS = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean)


def _of_number(sql: str, kind: str) -> str:
    """SQL: a number, or a text that is one, as the shortest text that means it; −0 as 0, NaN as missing."""
    return f"nullif(CAST(TRY_CAST({sql} AS {kind}) + 0::{kind} AS VARCHAR), 'nan')"


def _of_whole(text: str) -> str:
    """SQL: a text that is a whole number as such, 05 and 5.0 as 5; any other as it is."""
    number = f"TRY_CAST({text} AS DOUBLE)"
    return (
        f"(CASE WHEN regexp_full_match({text}, '[+-]?[0-9]+') THEN coalesce(CAST(TRY_CAST({text} AS HUGEINT) AS VARCHAR), {text}) "
        f"WHEN {number} = floor({number}) AND abs({number}) < {2.0**53!r} THEN CAST(CAST({number} AS BIGINT) AS VARCHAR) ELSE {text} END)"
    )
