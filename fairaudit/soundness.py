"""What an audit's file can have wrong although each of its fields is sound by itself: parts that cannot be of one audit, from which no verdict may follow."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from fairaudit.bands import parsed, score_bins
from fairaudit.config import AuditConfig, mistaken_shares
from fairaudit.cube.clusters import Clusters
from fairaudit.cube.counts import Counts
from fairaudit.cube.matched import Matched
from fairaudit.cube.slices import EVERYONE, Slice, Slicing
from fairaudit.documents import Mistake, Place
from fairaudit.evidence.measurement import Sweep
from fairaudit.metrics.catalogue import CATALOGUE
from fairaudit.rules.checks import mistakes
from fairaudit.rules.rule import Rule
from fairaudit.rules.sides import Judged, Measured
from fairaudit.types import Floats, Ints

_ROUNDING = 1e-6  # sums over slices, and what is derived of them, may differ by so much of themselves
_UNIT = 2.0**-59  # of the fixed point that squares are summed in
_LEAST = 1e-6  # effective rows: fewer than this are none


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """A former audit, as far as the file holds it."""

    slicings: tuple[Slicing, ...]
    counts: Counts | None  # None where rows are matched instead
    matched: Matched | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What an audit's file holds that must go together."""

    config: Mapping[str, Any]
    thresholds: Mapping[str, float]
    group_thresholds: Mapping[str, Mapping[str, float]]
    bands: Mapping[str, Sequence[float]]
    merged: Sequence[str]  # attributes some of whose values are one slice
    slicings: tuple[Slicing, ...]
    audited: int  # rows
    counts: Counts
    strata: Counts | None
    before: Before | None
    rules: tuple[Rule, ...]
    kept: tuple[Judged, ...]
    sweeps: tuple[Sweep, ...]


def path_of(place: Place) -> str:
    """A place as JSON paths are written: $.counts[3].cells."""
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)


def unsound(held: Held) -> Iterator[Mistake]:
    """What cannot be of one audit, and where."""
    config = yield from _of_config(held.config)
    if config is None:
        return
    yield from _of_manifest(held, config)
    yield from _of_rules(held.rules)
    yield from _of_slicings(held.slicings, ("slicings",))
    yield from _of_counts(held, config)
    yield from _of_before(held)
    for place, one in enumerate(held.kept):
        yield from _of_kept(one, held.counts, ("judged_by", place))


# What was asked


def _of_config(given: Mapping[str, Any]) -> Generator[Mistake, None, AuditConfig | None]:
    """Its mistakes; returns it with its defaults, or None where it is none. A field of another version is nobody's."""
    at = ("manifest", "config")
    try:
        config = msgspec.convert({name: value for name, value in given.items() if name in AuditConfig.__struct_fields__}, AuditConfig)
    except msgspec.ValidationError as error:
        said, _, path = str(error).partition(" - at `$.")
        yield Mistake((*at, path.rstrip("`")) if path else at, said)
        return None
    try:
        name = "calibration_bins"
        score_bins(config.calibration_bins)
        for attribute, asked in config.bins.items():
            name = f"bins.{attribute}"
            parsed(asked)
    except ValueError as error:
        yield Mistake((*at, name), str(error))
        return None
    for attribute, shares in config.population.items():
        for mistake in mistaken_shares(shares):
            yield Mistake((*at, "population", attribute), mistake)
    return config


def _of_manifest(held: Held, config: AuditConfig) -> Iterator[Mistake]:
    for name in held.thresholds:
        try:
            float(name)
        except ValueError:
            yield Mistake(("manifest", "thresholds"), f"{name!r} is no threshold")
    for attribute, groups in config.group_thresholds.items():
        for value in groups:
            if held.thresholds and value not in held.group_thresholds.get(attribute, ()):
                yield Mistake(("manifest", "group_thresholds"), f"the configuration has a threshold of {attribute}={value}, and none was used")
    for attribute, edges in held.bands.items():
        names = parsed(config.bins[attribute]).names if attribute in config.bins else ()
        if names and len(names) != len(edges) + 1:
            yield Mistake(("manifest", "bands", attribute), f"{len(edges)} edges do not part {len(names)} bands")
    if held.merged and config.other_below is None:
        yield Mistake(("manifest", "merged"), "values are merged, and the configuration does not say below how many rows")
    for place, sweep in enumerate(held.sweeps):
        unknown = [one for one in sweep.thresholds if repr(one) not in held.thresholds]
        if unknown:
            yield Mistake(("sweeps", place, "thresholds"), f"{unknown[0]:g} is not among the manifest's thresholds")


def _of_rules(rules: Sequence[Rule]) -> Iterator[Mistake]:
    known: set[str] = set()
    for place, rule in enumerate(rules):
        if rule.id in known:
            yield Mistake(("rules", place, "id"), f"{rule.id!r} is the id of two rules")
        known.add(rule.id)
        for mistake in mistakes(rule):
            yield Mistake(("rules", place, *mistake.place), mistake.sentence.rstrip("."))


# What was counted


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sums:
    """Rows of slices, shape (slices, cells)."""

    slices: tuple[Slice, ...]
    rows: Ints
    weight: Floats
    weight_sq: Floats
    has_weights: bool


def _sums_of(one: Counts | Matched) -> _Sums:
    shape = (len(one.slices), -1) if one.slices else (0, 0)
    return _Sums(slices=one.slices, rows=one.rows.reshape(shape), weight=one.weight.reshape(shape), weight_sq=one.weight_sq.reshape(shape), has_weights=one.has_weights)


def _of_slicings(slicings: Sequence[Slicing], place: Place) -> Iterator[Mistake]:
    if len({frozenset(one) for one in slicings}) < len(slicings) or any(len(set(one)) < len(one) for one in slicings):
        yield Mistake(place, "one slicing is there twice, or names an attribute twice")


def _of_counts(held: Held, config: AuditConfig) -> Iterator[Mistake]:
    counts = held.counts
    if not counts.slices:  # nothing was counted, so nothing can pass
        if held.strata is not None:
            yield Mistake(("strata",), "rows are counted within a control, and not by themselves")
        return
    sums = _sums_of(counts)
    yield from _of_parts(sums, held.slicings, ("counts",))
    if not any(_mistaken_everyone(sums)) and (found := int(sums.rows[sums.slices.index(EVERYONE)].sum())) != held.audited:
        yield Mistake(("rows", "audited"), f"{held.audited} rows were audited, and {found} are counted")
    yield from _of_weights(sums, ("counts",))
    yield from _of_scores(counts)
    if (counts.clusters is None) != (config.cluster is None):
        yield Mistake(("counts",), "rows are in clusters, and the configuration names none" if config.cluster is None else f"the configuration has clusters by {config.cluster!r}, and no slice tells of any")
    if counts.clusters is not None:
        yield from _of_clusters(counts.clusters, sums)
    if held.strata is not None:
        yield from _of_strata(_sums_of(held.strata), sums, held.slicings, config.control)


def _mistaken_everyone(sums: _Sums) -> Iterator[str]:
    if EVERYONE not in sums.slices:
        yield "everyone is not counted"


def _of_parts(sums: _Sums, slicings: Sequence[Slicing], place: Place) -> Iterator[Mistake]:
    """Each row is in one slice of each slicing, so that they add up to everyone: a slice that is missing, twice there or changed shows."""
    first: dict[frozenset[Any], int] = {}
    for index, one in enumerate(sums.slices):
        if first.setdefault(frozenset(one.values), index) != index:
            yield Mistake((*place, index, "slice"), f"{one} is counted twice")
        if one.values and one.attributes not in slicings:
            yield Mistake((*place, index, "slice"), f"{one} is of no slicing of the audit")
    missing = list(_mistaken_everyone(sums))
    if missing:
        yield Mistake(place, missing[0])
        return
    everyone = sums.slices.index(EVERYONE)
    for slicing in filter(None, slicings):
        own = [index for index, one in enumerate(sums.slices) if one.attributes == slicing]
        yield from _adds_up(sums, own, sums, everyone, f"the slices by {' × '.join(slicing)}", place)


def _adds_up(parts: _Sums, own: Sequence[int], whole: _Sums, index: int, what: str, place: Place) -> Iterator[Mistake]:
    rows, total = parts.rows[own].sum(axis=0), whole.rows[index]
    if (rows != total).any():
        yield Mistake(place, f"{what} add up to {int(rows.sum())} rows, and {whole.slices[index]} has {int(total.sum())}" if rows.sum() != total.sum() else f"{what} and {whole.slices[index]} do not have the same labels and decisions")
    elif not all(np.allclose(part[own].sum(axis=0), every[index], rtol=_ROUNDING, atol=0) for part, every in ((parts.weight, whole.weight), (parts.weight_sq, whole.weight_sq))):
        yield Mistake(place, f"the weights of {what} do not add up to those of {whole.slices[index]}")


def _of_weights(sums: _Sums, place: Place) -> Iterator[Mistake]:
    """Rows of weight 1, or weights whose squares are as theirs can be: else there would be more evidence than rows."""
    rows, weight, squared = sums.rows, sums.weight, sums.weight_sq
    if not sums.has_weights:
        wrong, why = (weight != rows) | (squared != rows), "its rows carry no weights, and it weighs other than it has rows"
    else:
        least = weight**2 / np.maximum(rows, 1)
        wrong = (squared < least * (1 - _ROUNDING) - rows * _UNIT) | (squared > weight**2 * (1 + _ROUNDING) + rows * _UNIT)
        why = "no weights have such a sum and such a sum of squares"
    for index in np.flatnonzero(wrong.any(axis=1))[:1].tolist():
        yield Mistake((*place, index, "cells"), f"{sums.slices[index]}: {why}")


def _of_scores(counts: Counts) -> Iterator[Mistake]:
    if counts.score is None or counts.score_sq is None:
        return
    for index in np.flatnonzero(np.isnan(counts.score + counts.score_sq).any(axis=(1, 2)))[:1].tolist():
        yield Mistake(("counts", index, "cells"), f"{counts.slices[index]} lacks a sum of its scores")
        return
    slack = counts.rows * _UNIT
    wrong = counts.score**2 > counts.weight * counts.score_sq * (1 + _ROUNDING) + slack * (1 + np.abs(counts.score))
    if counts.has_probabilities:
        wrong |= (counts.score < -slack) | (counts.score > counts.weight * (1 + _ROUNDING) + slack) | (counts.score_sq > counts.score * (1 + _ROUNDING) + slack)
    for index in np.flatnonzero(wrong.any(axis=(1, 2)))[:1].tolist():
        yield Mistake(("counts", index, "cells"), f"{counts.slices[index]}: no scores have such a sum and such a sum of squares")


def _of_clusters(clusters: Clusters, sums: _Sums) -> Iterator[Mistake]:
    """A sum over clusters of their squared weights is at least that over rows, and at most the square of all."""
    own = np.diagonal(clusters.products, axis1=1, axis2=2)
    beside = own if clusters.beside is None else np.diagonal(clusters.beside, axis1=1, axis2=2)
    wrong = (own < sums.weight_sq * (1 - _ROUNDING) - sums.rows * _UNIT) | (own > sums.weight**2 * (1 + _ROUNDING)) | (beside < own * (1 - _ROUNDING))
    most = np.sqrt(own[:, :, None] * own[:, None, :])
    wrong_pair = (clusters.products > most * (1 + _ROUNDING)).any(axis=(1, 2)) | (clusters.number > sums.rows.sum(axis=1))
    for index in np.flatnonzero(wrong.any(axis=1) | wrong_pair)[:1].tolist():
        yield Mistake(("counts", index, "clusters"), f"{sums.slices[index]}: no clusters of its rows have such sums")


def _of_strata(strata: _Sums, sums: _Sums, slicings: Sequence[Slicing], control: Slicing) -> Iterator[Mistake]:
    """Within the values of a control, each slice's rows add up to its own."""
    whole, parts = {one: index for index, one in enumerate(sums.slices)}, dict[int, list[int]]()
    for index, one in enumerate(strata.slices):
        owner = Slice(one.values[: len(one.values) - len(control)])
        if not control or one.attributes[len(one.values) - len(control) :] != control or owner not in whole or owner.attributes not in (*slicings, ()):
            yield Mistake(("strata", index, "slice"), f"{one} is no slice of the audit within a value of its control")
            return
        parts.setdefault(whole[owner], []).append(index)
    if len({frozenset(one.values) for one in strata.slices}) < len(strata.slices):
        yield Mistake(("strata",), "a stratum is counted twice")
    yield from _of_weights(strata, ("strata",))
    for index, one in enumerate(sums.slices):
        if index in parts or one.values:
            yield from _adds_up(strata, parts.get(index, []), sums, index, f"the strata of {one}", ("strata",))


def _of_before(held: Held) -> Iterator[Mistake]:
    before = held.before
    if before is None:
        return
    yield from _of_slicings(before.slicings, ("baseline", "slicings"))
    if before.counts is not None and before.counts.slices:
        sums = _sums_of(before.counts)
        yield from _of_parts(sums, before.slicings, ("baseline", "counts"))
        yield from _of_weights(sums, ("baseline", "counts"))
        if before.counts.clusters is not None:
            yield from (Mistake(("baseline", *one.place), one.sentence) for one in _of_clusters(before.counts.clusters, sums))
    if before.matched is not None:
        yield from _of_matched(before.matched, held)


def _of_matched(matched: Matched, held: Held) -> Iterator[Mistake]:
    at = ("baseline", "matched", "slices")
    sums, own = _sums_of(matched), held.counts
    if set(matched.slices) != set(own.slices) or len(matched.slices) != len(own.slices):
        yield Mistake(at, "the matched rows are not cut as the audit's are")
        return
    yield from _of_parts(sums, held.slicings, at)
    yield from _of_weights(sums, at)
    places = {one: index for index, one in enumerate(own.slices)}
    order = [places[one] for one in matched.slices]
    if (matched.rows.sum(axis=(2, 3)) > own.rows[order].sum(axis=2)).any() or (matched.rows.sum(axis=2) > own.rows[order]).any():
        yield Mistake(at, "more rows are matched than the audit has")
    elif (matched.moved > sums.rows.sum(axis=1)).any():
        yield Mistake(at, "more rows were in another slice than are matched")
    if matched.clusters is not None:
        squares = np.diagonal(matched.clusters.products, axis1=1, axis2=2)
        wrong = ((squares < sums.weight_sq * (1 - _ROUNDING) - sums.rows * _UNIT) | (squares > sums.weight**2 * (1 + _ROUNDING))).any(axis=1) | (matched.clusters.number > sums.rows.sum(axis=1))
        for index in np.flatnonzero(wrong)[:1].tolist():
            yield Mistake((*at, index, "products"), f"{sums.slices[index]}: no clusters of its rows have such sums")


# What rules on single scores were judged by


def _of_kept(one: Judged, counts: Counts, place: Place) -> Iterator[Mistake]:
    entry = CATALOGUE.get(one.metric)
    if entry is None:
        yield Mistake((*place, "metric"), f"there is no metric {one.metric!r}")
        return
    rows = int(counts.rows[counts.index(EVERYONE)].sum()) if EVERYONE in counts.slices else 0
    low, high = entry.bounds
    for name in ("groups", "rest", "everyone"):
        found: Measured = getattr(one, name)
        ends = np.array([number for part in (found.value, found.lower, found.upper) for number in part if number is not None], dtype=np.float64)
        slack = _ROUNDING * np.maximum(1.0, np.abs(ends))
        if ((ends < low - slack) | (ends > high + slack)).any():
            yield Mistake((*place, name), f"{one.metric} lies between {low:g} and {high:g}")
        trials = np.array(found.trials)
        if (trials > rows * (1 + _ROUNDING)).any() or ((trials > 0) & (trials < _LEAST)).any():
            yield Mistake((*place, name, "trials"), f"of {rows} rows no group has so many, or so few, effective ones")
