"""Everything that is wrong with what an audit is asked for, as far as it can be told without scoring a row: one sentence each, all at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from fairaudit.config import ENGINES, AuditConfig, overridden
from fairaudit.cube.thresholds import thresholds_of
from fairaudit.data.rows import Prepared, Wanted, grid_range, prepare, values_of
from fairaudit.data.source import Source, require
from fairaudit.errors import FairauditError
from fairaudit.evidence.asked import improbable
from fairaudit.metrics.witnesses import Witnesses
from fairaudit.run import _asked_of_model, _opened, _source, _unknown_values, _wanted

_COLUMNS = ("label", "weight", "count", "cluster", "id", "score", "decision")  # the parts of `Wanted` that are one column


def mistakes(config: AuditConfig) -> tuple[FairauditError, ...]:
    """What an audit would be refused for, in the order of configuration, rules, columns, rows and model; no sentence twice."""
    found = list(_flat(_all(config)))
    return tuple({str(one): one for one in reversed(found)}.values())[::-1]


def _all(config: AuditConfig) -> Iterator[FairauditError]:
    try:
        _opened(config, None)
    except FairauditError as error:
        yield error
    yield from _of_engines(config)
    try:
        source = _source(config, None)
    except FairauditError:  # which was told
        return
    yield from _of_rows(config, source)
    if config.model is not None:
        yield from _of_model(config, source)


def _of_engines(config: AuditConfig) -> Iterator[FairauditError]:
    """An engine that was asked for and is not installed; one that is none was told."""
    if set(config.engines) <= set(ENGINES):
        try:
            with Witnesses(config.engines, seed=config.seed, apart=False):
                pass
        except FairauditError as error:
            yield error


def _of_rows(config: AuditConfig, source: Source) -> Iterator[FairauditError]:
    """What is wrong with the columns that are there; each by itself where all together cannot be read."""
    wanted = _usable(_wanted(config), source)
    with source.connect() as connection:
        try:
            rows = prepare(connection, source, wanted)
        except FairauditError as error:
            yield error
            for part in _parts(wanted):
                yield from _of_part(connection, config, source, part)
            return
        yield from _of_values(connection, config, rows)
    yield from _of_scores(config, rows)


def _of_part(connection: Any, config: AuditConfig, source: Source, part: Wanted) -> Iterator[FairauditError]:
    try:
        rows = prepare(connection, source, part)
    except FairauditError as error:
        yield error
    else:
        yield from _of_values(connection, config, rows)


def _of_values(connection: Any, config: AuditConfig, rows: Prepared) -> Iterator[FairauditError]:
    """Values that the configuration names and that no row has, of the attributes at hand."""
    there = set(rows.wanted.attributes)
    of_these = overridden(config, {name: {one: named for one, named in getattr(config, name).items() if one in there} for name in ("reference", "group_thresholds")})
    yield from _unknown_values(of_these, rows, values_of(connection, rows, tuple(dict.fromkeys((*of_these.reference, *of_these.group_thresholds)))))


def _of_scores(config: AuditConfig, rows: Prepared) -> Iterator[FairauditError]:
    if rows.score_range is None:
        return
    if grid_range(rows.score_range) != (0.0, 1.0):
        try:
            yield from improbable(config, rows.score_range)
        except FairauditError:  # a metric that is none, which was told
            return
    try:
        thresholds_of(config, rows, None)
    except FairauditError as error:
        yield error


def _of_model(config: AuditConfig, source: Source) -> Iterator[FairauditError]:
    from fairaudit import models

    try:
        fits = models.matched(Path(str(config.model)), **_asked_of_model(config, source))
        yield from require(source, {feature.name: "the model" for feature in fits.inputs.features})
    except FairauditError as error:
        yield error


def _usable(wanted: Wanted, source: Source) -> Wanted:
    """The same without columns that are not there, or cannot be read."""
    unfit = {column for column, use in wanted.columns.items() if any(True for _ in require(source, {column: use}))}
    given = {name: None for name in _COLUMNS if getattr(wanted, name) in unfit}
    return replace(
        wanted, attributes=tuple(one for one in wanted.attributes if one not in unfit), features=tuple(one for one in wanted.features if one not in unfit),
        bins={name: bands for name, bands in wanted.bins.items() if name in wanted.attributes and name not in unfit}, **given,  # type: ignore[arg-type]
    )  # fmt: skip


def _parts(wanted: Wanted) -> Iterator[Wanted]:
    """Each column by itself, so that one's mistake does not hide another's."""
    usual = {one.name: getattr(wanted, one.name) for one in fields(wanted)} | dict.fromkeys(_COLUMNS) | {"attributes": (), "features": (), "bins": {}}
    for name in _COLUMNS:
        if getattr(wanted, name) is not None:
            yield Wanted(**usual | {name: getattr(wanted, name)})
    for attribute in wanted.attributes:
        yield Wanted(**usual | {"attributes": (attribute,), "bins": {name: bands for name, bands in wanted.bins.items() if name == attribute}})
    for feature in wanted.features:
        yield Wanted(**usual | {"features": (feature,)})


def _flat(errors: Iterator[FairauditError]) -> Iterator[FairauditError]:
    for error in errors:
        yield from getattr(error, "errors", (error,))
