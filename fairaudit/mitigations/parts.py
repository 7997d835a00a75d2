"""What a mitigation is fitted on, and what it is judged on: two parts of the data that have no row in common."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import msgspec
import numpy as np

from fairaudit.config import AuditConfig
from fairaudit.data.files import files_of
from fairaudit.data.rows import prepare
from fairaudit.data.source import Source, require, told
from fairaudit.data.written import Target, mistaken_columns, write_rows
from fairaudit.errors import ContentError, raise_all
from fairaudit.manifest import data_files
from fairaudit.result import DataFile
from fairaudit.splits.asked import wanted_of
from fairaudit.splits.leakage import overlap
from fairaudit.splits.splitting import halves, notes_of
from fairaudit.splits.written import row_column, write_parts

SHARE = 0.5  # of the rows that are held out where the data are split
SEARCHED = (0.5, 0.25, 0.25)  # to fit on, to choose by and to prove on, where the data are split for a search


def of_training(*, is_retrained: bool) -> str:
    """That the numbers before may be too good."""
    return f"Whether the original was trained on these rows is not known here: if it was, its numbers look better than they are{', the more so beside a model that is trained anew on some of them' if is_retrained else ', before the mitigation and after it'}."


class HowParted(msgspec.Struct, frozen=True, kw_only=True):
    """How the rows that were fitted on and those that were judged came to be two."""

    holdout: str | None  # the path that was given; None: the data were split
    share: float | None  # of the rows, held out
    seed: int | None
    rows_fitted: int  # lines of the data
    rows_held_out: int
    shared: int  # rows that stand in both, as people who are alike may
    rows_chosen_on: int | None = None  # of a third part, by which a search chose; None: nothing was chosen
    given: tuple[DataFile, ...] = ()  # the files of --data, as the user has them
    given_holdout: tuple[DataFile, ...] = ()  # and those of --holdout


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Both as files that an audit can read. The holdout has a column of each row's place, for an id."""

    fit: tuple[str, ...]
    holdout: Path
    row: str
    how: HowParted
    notes: tuple[str, ...]


def called_of(config: AuditConfig, fit: Sequence[str]) -> str | None:
    """How messages call the rows to fit on, where they are a part of the data in a file of ours; None: they are the user's own files."""
    return None if tuple(fit) == tuple(config.data) else "the part to fit on"


def split_parts(config: AuditConfig, aside: Path, *, share: float = SHARE, together: bool = True) -> Parts:
    """The data split by what the rows hold and the seed: stratified by label and group; clusters, and rows that are alike, stay together.

    Raises:
        ConfigError, ContentError, Several: the data cannot be read, or hold too few rows.
    """
    found = halves(Source(files=files_of(config.data)), wanted_of(config), shares=(float(1 - Fraction(repr(share))), share), seed=config.seed, together=together)
    fit, holdout = write_parts(found, aside)
    rows = found.rows_by_part.tolist()
    how = HowParted(holdout=None, share=share, seed=config.seed, rows_fitted=rows[0], rows_held_out=rows[1], shared=0, given=tuple(data_files(found.source, found.rows)))
    return Parts(fit=(str(fit),), holdout=holdout, row=row_column(found.source), how=how, notes=tuple(notes_of(found, can_ignore=False)))


def given_parts(config: AuditConfig, holdout: str, aside: Path, *, together: bool = True) -> Parts:
    """The data, and others that the user held out.

    Args:
        together: whether rows that are alike are the same person; otherwise they may be in both.

    Raises:
        ConfigError, ContentError, Several: they cannot be read, or have rows in common.
    """
    fit, held = Source(files=files_of(config.data)), Source(files=files_of([holdout], flag="--holdout"))
    raise_all((*require(held, wanted_of(config).columns), *mistaken_columns(held)))
    both = overlap(fit, held, id=config.id)
    if both.rows[0] and (together or config.id is not None):
        raise ContentError(_in_both(both.by, both.rows[0], holdout, both.places))
    with held.connect() as connection:
        prepared = prepare(connection, held, wanted_of(config))
    lines = prepared.lines
    if 2 * both.rows[1] > lines:
        raise ContentError(f"more than half of --holdout {holdout}, {both.rows[1]:,} of {lines:,} rows, are in the data too, row for row: that is not chance, whatever --duplicates says; hold out rows that were not fitted on.")
    row, path = row_column(held), aside / "holdout.parquet"
    with told(held):
        write_rows(held, [Target(path=path)], "parquet", {row: np.arange(1, lines + 1, dtype=np.int64)})
    with fit.connect() as connection:
        fitted = prepare(connection, fit, wanted_of(config))
    how = HowParted(holdout=holdout, share=None, seed=None, rows_fitted=fitted.lines, rows_held_out=lines, shared=both.rows[0], given=tuple(data_files(fit, fitted)), given_holdout=tuple(data_files(held, prepared)))
    return Parts(fit=config.data, holdout=path, row=row, how=how, notes=tuple(_of_shared(both.rows[0], holdout)))


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchParts:
    """Three parts: what candidates are fitted on, what one of them is chosen by, and what nothing was chosen on."""

    parts: Parts  # the first and the last
    choose: Path
    row: str  # the column of a row's place in the data, in the first two


def search_parts(config: AuditConfig, aside: Path, *, shares: Sequence[float], holdout: str | None = None, together: bool = True) -> SearchParts:
    """The data split in three, or in two where the last is given, by what the rows hold and the seed, as `split_parts` splits them.

    Args:
        shares: of the parts that the data are split in; they add up to 1.

    Raises:
        ConfigError, ContentError, Several: the data cannot be read, or hold too few rows; they have rows in common with the holdout.
    """
    given = None if holdout is None else given_parts(config, holdout, aside, together=together)
    names = ("fit", "choose") if given else ("fit", "choose", "holdout")
    found = halves(Source(files=files_of(config.data)), wanted_of(config), shares=shares, names=names, seed=config.seed, together=together)
    fit, choose, *last = write_parts(found, aside)
    rows = found.rows_by_part.tolist()
    if given is not None:
        how = msgspec.structs.replace(given.how, seed=config.seed, rows_fitted=rows[0], rows_chosen_on=rows[1])
        return SearchParts(parts=replace(given, fit=(str(fit),), how=how, notes=(*given.notes, *notes_of(found, can_ignore=False))), choose=choose, row=row_column(found.source))
    how = HowParted(holdout=None, share=shares[-1], seed=config.seed, rows_fitted=rows[0], rows_chosen_on=rows[1], rows_held_out=rows[2], shared=0, given=tuple(data_files(found.source, found.rows)))
    return SearchParts(parts=Parts(fit=(str(fit),), holdout=last[0], row=row_column(found.source), how=how, notes=tuple(notes_of(found, can_ignore=False))), choose=choose, row=row_column(found.source))


def _in_both(by: str, rows: int, holdout: str, places: Collection[tuple[str, ...]]) -> str:
    first = next(iter(places), ())
    where = f", first {' and '.join(first)}" if first else ""
    advice = "leave them out of one" if by == "id" else "leave them out of one, name the column that tells people apart with --id, or, if they are different people who are alike, add --duplicates apart"
    return f"{rows:,} {'row' if rows == 1 else 'rows'} of the data {'is' if rows == 1 else 'are'} in --holdout {holdout} too{where}, and nothing may be judged on what it was fitted on; {advice}."


def _of_shared(rows: int, holdout: str) -> Iterator[str]:
    if rows:
        yield f"{rows:,} rows of the data are alike to one in {holdout} in every column, and are taken for different people (--duplicates apart)."
