"""The rows of a source cut into parts: reproducible from the seed and what the rows hold, whatever their order, their files and the threads that read them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np

from fairaudit.cube.cube import plain
from fairaudit.data.columns import Column
from fairaudit.data.rows import Prepared, Wanted, prepare
from fairaudit.data.source import Source, require, told
from fairaudit.data.written import mistaken_columns
from fairaudit.errors import ContentError, listed, raise_all
from fairaudit.interrupts import stoppable
from fairaudit.splits.allocation import allocated
from fairaudit.splits.hashes import as_text, row_hash
from fairaudit.splits.shares import Part, parts_by_share
from fairaudit.splits.strata import Stratum, places_of, strata_of, stratum_hash, words_of
from fairaudit.splits.units import Units, units_of
from fairaudit.types import Ints

_TELLS_APART = 0.95  # of the rows have a value of their own, by an estimate that is off by a few per cent
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Where each row goes."""

    rows: Prepared
    parts: tuple[Part, ...]
    seed: int
    ignore: tuple[str, ...]
    together: bool  # whether rows that are alike are
    part: Ints  # (rows,): the place of its part
    units: Units
    strata: tuple[Stratum, ...]  # by label and group; missing ones last
    rows_in: Ints  # (strata, parts)
    units_in: Ints  # (strata, parts): those that have a row there
    units_by_part: Ints  # (parts,)
    apart: tuple[str, ...] = ()  # columns of which nearly every row has a value of its own, where no two rows are alike

    @property
    def source(self) -> Source:
        return self.rows.source

    @property
    def rows_by_part(self) -> Ints:
        return np.bincount(self.part, minlength=len(self.parts))


def split(source: Source, wanted: Wanted, parts: Sequence[Part], *, seed: int = 0, ignore: Collection[str] = (), together: bool = True) -> Split:
    """Give each row a part.

    Every stratum is shared out as the parts ask, to within one unit. A unit is a row, or what must not come apart: the rows of a cluster, and rows that are alike in everything but the id, the label and what is ignored.

    Args:
        wanted: the attributes and the label, which make the strata, the cluster and the id; what is missing in them is what an audit takes for missing.
        ignore: columns in which rows may differ and be alike all the same.
        together: whether rows that are alike stay together; where few columns are left, they may be different people.

    Raises:
        ConfigError, ContentError, Several: what the user has to mend.
    """
    raise_all((*require(source, wanted.columns | dict.fromkeys(ignore, "--ignore")), *mistaken_columns(source)))
    with source.connect() as connection:
        rows = prepare(connection, source, wanted)
        source = rows.source
        with told(source):
            strata, names = strata_of(connection, rows)
            read = _read(connection, rows, seed=seed, ignore=ignore, together=together)
            apart = telling_apart(connection, source, wanted, ignore) if together else ()
    if (lines := read["hash"].size) != rows.lines:
        raise ContentError(f"{source.name} changed while it was read: {rows.lines:,} rows were checked and {lines:,} read; run again when it is at rest.")
    units = units_of(read["hash"], read["hash"] if together else None, read.get("cluster"))
    stratum = places_of(read["stratum"], names)
    part_of_unit = allocated(units, stratum, _margins(strata), parts)
    part = part_of_unit[units.of_row]
    found = Split(
        rows=rows, parts=tuple(parts), seed=seed, ignore=tuple(ignore), together=together, part=part, units=units, strata=strata,
        rows_in=_crossed(stratum, part, len(strata), len(parts)),
        units_in=_units_in(units, stratum, part_of_unit, len(strata), len(parts)),
        units_by_part=np.bincount(part_of_unit, minlength=len(parts)),
        apart=() if units.alike else apart,
    )  # fmt: skip
    raise_all(_empty(found))
    return found


def halves(source: Source, wanted: Wanted, *, shares: Sequence[float] = (0.5, 0.5), names: Sequence[str] = ("fit", "holdout"), seed: int = 0, ignore: Collection[str] = (), together: bool = True) -> Split:
    """Two parts: what something is fitted on, and what it is judged on."""
    return split(source, wanted, parts_by_share(names, shares), seed=seed, ignore=ignore, together=together)


def notes_of(found: Split, *, can_ignore: bool) -> Iterator[str]:
    """What somebody who uses the parts should know of how they were made.

    Args:
        can_ignore: whether the command has --ignore.
    """
    units, rows = found.units, found.rows.lines
    if units.alike:
        yield (
            f"{units.alike:,} of {rows:,} rows are alike to another in everything but {_but(found)}, and stay together with it. "
            "If they are different people whom few columns tell apart, --duplicates apart lets them part."
        )
    if units.clustered:
        yield f"{units.clustered:,} of {rows:,} rows share their {found.rows.wanted.cluster!r} with another, and stay together with it."
    if found.apart:
        yield told_apart("No two rows are alike", found.apart, can_ignore=can_ignore)
    largest = int(units.sizes.max(initial=0))
    if largest > 1 and largest > (least := int(min(part.share for part in found.parts) * rows)):
        yield f"The largest unit holds {largest:,} rows, more than the {least:,} of the smallest part's share: shares are as near to what was asked as whole units allow."
    small = [one for one, number in zip(found.strata, found.units_in.sum(axis=1).tolist(), strict=True) if number < len(found.parts)]
    if small:
        shown = "; ".join(words_of(found.rows.wanted, one) for one in small[:_SHOWN])
        yield f"{len(small):,} of {len(found.strata):,} strata have fewer units than there are parts, so some parts have none of them: {shown}{f' and {len(small) - _SHOWN:,} more' if len(small) > _SHOWN else ''}."


def told_apart(seen: str, columns: Sequence[str], *, can_ignore: bool = True) -> str:
    """What to do about columns that may hide copies of a row."""
    return f"{seen}, and {listed([repr(one) for one in columns])} alone {'tells' if len(columns) == 1 else 'tell'} nearly all apart: if that is an id and no fact about a person, name it with --id{' or --ignore' if can_ignore else ''}, so that copies of a row are seen."


def _but(found: Split) -> str:
    aside = [name for name in dict.fromkeys((found.rows.wanted.id, found.rows.wanted.label, *found.ignore)) if name is not None]
    return listed([repr(one) for one in aside]) if aside else "nothing"


def _empty(found: Split) -> Iterator[ContentError]:
    empty = [repr(part.name) for part, rows in zip(found.parts, found.rows_by_part.tolist(), strict=True) if rows == 0]
    if empty:
        whole = f"{found.units.number:,} {'unit' if found.units.number == 1 else 'units'}, which must not come apart, of {found.rows.lines:,} rows"
        advice = ", or let rows that are alike part with --duplicates apart" if found.units.alike else ""
        yield ContentError(f"{found.source.name}: nothing is left for the {'part' if len(empty) == 1 else 'parts'} {listed(empty)} ({whole}); ask for fewer parts{advice}.")


def _read(connection: duckdb.DuckDBPyConnection, rows: Prepared, *, seed: int, ignore: Collection[str], together: bool) -> dict[str, Any]:
    """Numbers of every row, in the order of the rows: its hash, its stratum's and its cluster's."""
    source, wanted = rows.source, rows.wanted
    aside = {wanted.id, wanted.label, *ignore} if together else set()
    taken = {"hash": row_hash(_texts(source, aside), seed=str(seed)), "stratum": stratum_hash(rows)}
    if wanted.cluster is not None:
        taken["cluster"] = row_hash({"cluster": "cluster"})
    sql = f"SELECT {', '.join(f'{value} AS {name}' for name, value in taken.items())} FROM ({rows.relation(source.columns)})"
    table = stoppable(connection, lambda: connection.sql(sql).to_arrow_table())
    return {name: plain(table.column(name)) for name in taken}


def _texts(source: Source, aside: Collection[str | None]) -> dict[str, str]:
    """What each column of `Prepared.relation`, given all of them, holds as a text to compare; those aside left out."""
    columns = (Column(name=name, sql=f"f{place}", type=source.schema.field(name).type) for place, name in enumerate(source.columns))
    return {one.name: as_text(one) for one in columns if one.name not in aside}


def telling_apart(connection: duckdb.DuckDBPyConnection, source: Source, wanted: Wanted, ignore: Collection[str]) -> tuple[str, ...]:
    """Columns of texts or whole numbers of which nearly every row has a value of its own; ids, clusters and what is ignored left out."""
    aside = {wanted.id, wanted.cluster, *ignore}
    columns = [Column(name=name, sql=source.alias(name), type=source.schema.field(name).type) for name in source.columns if name not in aside]
    able = [one for one in columns if one.is_text or (one.is_number and not one.is_float)]
    if not able:
        return ()
    # A text that is a number with a fraction is an amount.
    fractions = [f"coalesce(bool_or(contains({as_text(one)}, '.')), false)" if one.is_text else "false" for one in able]
    asked = ", ".join(f"approx_count_distinct({one.sql}), {fraction}" for one, fraction in zip(able, fractions, strict=True))
    sql = f"SELECT count(*), {asked} FROM ({source.relation([one.name for one in able])})"
    rows, *found = stoppable(connection, lambda: connection.execute(sql).fetchall())[0]
    return tuple(one.name for one, distinct, has_points in zip(able, found[::2], found[1::2], strict=True) if distinct >= _TELLS_APART * rows and not has_points)


def _margins(strata: Sequence[Stratum]) -> Ints:
    """What the rows of a stratum count towards besides itself: everyone, its label, and its value of each attribute."""
    numbers: dict[object, int] = {}
    found = [[("everyone",), ("label", one.label), *one.group.values] for one in strata]
    return np.array([[numbers.setdefault(margin, len(numbers)) for margin in margins] for margins in found], dtype=np.int64)


def _crossed(stratum: Ints, part: Ints, strata: int, parts: int) -> Ints:
    return np.bincount(stratum * parts + part, minlength=strata * parts).reshape(strata, parts)


def _units_in(units: Units, stratum: Ints, part_of_unit: Ints, strata: int, parts: int) -> Ints:
    """Units that have a row in each stratum, by their part."""
    both = np.unique(units.of_row * strata + stratum)
    return _crossed(both % strata, part_of_unit[both // strata], strata, parts)
