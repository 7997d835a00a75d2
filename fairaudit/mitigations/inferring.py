"""The flow of an inferred group: a model of it fitted on the rows to fit on, and their score cells by what they are taken for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from fairaudit.config import AuditConfig
from fairaudit.cube.slices import Slice, Slicing
from fairaudit.data.files import files_of
from fairaudit.data.rows import Prepared
from fairaudit.data.source import Source, told
from fairaudit.data.written import Target, write_rows
from fairaudit.errors import ConfigError, ContentError
from fairaudit.mitigations.cells import Cells
from fairaudit.mitigations.inference import GroupModel, Told, fit_groups
from fairaudit.models.conversion import convert
from fairaudit.models.interface import Feature, target_of
from fairaudit.models.savedmodel import Matched
from fairaudit.models.signatures import read_signatures
from fairaudit.types import Bools, Floats, Ints

_COLUMN = "fairaudit_inferred"
_AT_ONCE = 65_536  # rows
_SAMPLE = 50_000  # rows that the model of groups is fitted on, evenly spaced
_MOST_GROUPS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Inferring:
    """How a row's group is inferred, and the rows that were fitted on by what they are taken for."""

    model: GroupModel
    features: tuple[Feature, ...]
    cells: Cells  # with `told`


def meaning_of(attributes: Sequence[str]) -> str:
    """What it means to infer a protected attribute, for those who are about to."""
    return (
        f"Everybody's {' and '.join(attributes)} is inferred, and people are decided differently for what they are taken for, rightly or not. To infer a protected attribute is to process it: of those that article 9 of the GDPR "
        "names, as ethnic origin, health or religion, that is forbidden unless an exception of it holds, although nobody told them (CJEU, C-184/20); and to decide by it may be unlawful where it is known as where it is "
        "guessed. Have both looked at before the model is used."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class InferredPlaces:
    """What rows are taken for."""

    id: Ints  # (rows,), as the holdout has it
    place: Ints  # among the groups
    ahead: Floats  # by how much it is ahead of the next; near 0 another machine may round to the other


def check_inferable(matched: Matched, attributes: Slicing) -> tuple[Feature, ...]:
    """The features by which a group is inferred.

    Raises:
        ConfigError: there are none, or the model is told the group itself.
    """
    features = matched.inputs.features
    if set(attributes) <= {one.name for one in features}:
        raise ConfigError(f"the model {matched.card.name!r} takes {' and '.join(attributes)} itself, and --infer-group is for models that are not told it; leave --without-attribute and --infer-group out.")
    called = next(one for one in read_signatures(matched.place) if one.name == matched.card.signature)
    if matched.inputs.examples is not None and called.parsed is None:
        raise ConfigError(f"which features the model {matched.card.name!r} reads of its tf.Examples cannot be seen, so no group can be inferred of them; leave --infer-group out.")
    return features


def fit_on(rows: Prepared, features: Sequence[Feature], groups: Sequence[Slice]) -> GroupModel:
    """The model of groups, fitted on rows of which the group is known.

    Raises:
        ContentError: there are not two groups to tell apart, or too many.
    """
    if not 2 <= len(groups) <= _MOST_GROUPS:
        raise ContentError(f"the rows to fit on have {len(groups)} {'group' if len(groups) == 1 else 'groups'}, and a group can be inferred among 2 to {_MOST_GROUPS}; name other attributes, or make small groups one with --other-below or --bins.")
    place_of = {tuple(value for _, value in group.values): place for place, group in enumerate(groups)}
    columns = [f"a{rows.wanted.attributes.index(name)}" for name, _ in groups[0].values]
    step = max(1, -(-rows.lines // _SAMPLE))
    group, weight, kept = [], [], []
    seen = 0
    for batch in _batches(rows, features):
        taken = (np.arange(seen, seen + batch.num_rows) % step == 0) & _is_audited(batch)
        seen += batch.num_rows
        found = np.array([place_of.get(one, -1) for one in zip(*(batch.column(name).to_pylist() for name in columns), strict=True)], dtype=np.int64)
        taken &= found >= 0
        some = batch.filter(pa.array(taken))
        group.append(found[taken])
        weight.append(some.column("weight").to_numpy(zero_copy_only=False).astype(np.float64))
        kept.append(_told(some, features, rows.source.name))
    every = {one.name: Told(values=np.concatenate([part[one.name].values for part in kept]), absent=np.concatenate([part[one.name].absent for part in kept])) for one in features}
    of_group = np.concatenate(group)
    lacking = [str(one) for place, one in enumerate(groups) if not (of_group == place).any()]
    if lacking:
        raise ContentError(f"of every {step:,}th row to fit on none is of {lacking[0]}, so it cannot be inferred; make small groups one with --other-below or --bins.")
    return fit_groups(every, of_group, np.concatenate(weight), groups)


def inferred(model: GroupModel, rows: Prepared, features: Sequence[Feature]) -> tuple[Ints, Floats]:
    """Of every line of the rows, what it is taken for, and by how much that is ahead; lines that are left out are taken for the first."""
    places, ahead = [], []
    for batch in _batches(rows, features):
        audited = _is_audited(batch)
        place, near = np.zeros(batch.num_rows, dtype=np.int64), np.full(batch.num_rows, np.inf)
        if audited.any():
            place[audited], near[audited] = model.places(_told(batch.filter(pa.array(audited)), features, rows.source.name))
        places.append(place)
        ahead.append(near)
    return np.concatenate(places), np.concatenate(ahead)


def of_holdout(model: GroupModel, fitted: Prepared, features: Sequence[Feature], holdout: Path, row: str) -> InferredPlaces:
    """What the rows that were held out are taken for."""
    rows = replace(fitted, source=Source(files=files_of([str(holdout)])))
    place, ahead = inferred(model, rows, features)
    with told(rows.source), rows.source.connect() as connection:
        ids = connection.sql(f"SELECT f0 FROM ({rows.relation([row])})").fetchnumpy()["f0"]
    return InferredPlaces(id=np.asarray(ids, dtype=np.int64), place=place, ahead=ahead)


def with_inferred(config: AuditConfig, rows: Prepared, places: Ints, groups: int, to: Path) -> tuple[AuditConfig, str]:
    """The rows with what they are taken for as a column, and the configuration by which they are counted by it too.

    The column is cut into bands, each of one group, so that few rows of one are still a group of their own.
    """
    column, known = _COLUMN, {one.casefold() for one in rows.source.columns}
    while column in known:
        column += "_"
    write_rows(rows.source, [Target(path=to)], "parquet", {column: places})
    bands = ",".join((*(f"{place}:{place + 0.5}" for place in range(groups - 1)), str(groups - 1)))
    crossed = (*config.attributes, column)
    return msgspec.structs.replace(config, data=(str(to),), protected=(*config.protected, column), bins={**config.bins, column: bands}, slices=(*config.slices, "*".join(crossed))), column


def by_inferred(crossed: Cells, column: str, groups: Sequence[Slice]) -> Cells:
    """The cells of the groups as they are, with those of whoever is taken for each.

    Args:
        crossed: of the groups crossed with the column of what their rows are taken for.
    """
    is_of = [{**dict(group.values)} for group in groups]

    def placed(values: Any) -> Any:
        out = np.zeros((len(groups), len(groups), *values.shape[1:]), dtype=values.dtype)  # (taken for, of, …)
        for place, group in enumerate(crossed.groups):
            own = dict(group.values)
            out[int(str(own.pop(column))), is_of.index(own)] += values[place]
        return out

    arrays = {name: placed(getattr(crossed, name)) for name in ("positive", "negative", "positive_score", "negative_score", "rows")}
    parts = tuple(replace(crossed, groups=tuple(groups), **{name: each[at] for name, each in arrays.items()}) for at in range(len(groups)))
    return replace(crossed, groups=tuple(groups), told=parts, **{name: each.sum(axis=0) for name, each in arrays.items()})


def _batches(rows: Prepared, features: Sequence[Feature]) -> Iterator[pa.RecordBatch]:
    """Every line, in its order, with its attributes, weight, whether it is left out, and features."""
    with told(rows.source), rows.source.connect() as connection:
        yield from connection.sql(rows.relation([one.name for one in features])).to_arrow_reader(_AT_ONCE)


def _is_audited(batch: pa.RecordBatch) -> Bools:
    return np.asarray(batch.column("excluded").is_null().to_numpy(zero_copy_only=False), dtype=bool)


def _told(batch: pa.RecordBatch, features: Sequence[Feature], name: str) -> dict[str, Told]:
    """The features as the model takes them."""
    out = {}
    for place, one in enumerate(features):
        values, present = convert(batch.column(f"f{place}"), one, lambda _: name)
        if target_of(one.dtype) == "string":
            whole: Any = np.full(present.size, b"", dtype=object)
            whole[present] = [bytes(value).strip(b" \t\r\n") for value in values.tolist()]
            out[one.name] = Told(values=whole, absent=np.array([not value for value in whole.tolist()], dtype=bool))
            continue
        whole = np.full(present.size, np.nan)
        whole[present] = values.astype(np.float64)
        out[one.name] = Told(values=whole, absent=~np.isfinite(whole))
    return out
