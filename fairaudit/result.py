"""The audit's result and its file: `audit.json`, the contract that the gate, the report and the table read and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec
import numpy as np
from msgspec import Meta

from fairaudit.cube.clusters import DECIDED, Clusters
from fairaudit.cube.counts import UNLABELLED, Counts
from fairaudit.cube.matched import CELLS, Account, Matched, MatchedClusters
from fairaudit.cube.slices import Slice
from fairaudit.errors import ConfigError, UnknownName
from fairaudit.evidence.measurement import Comparison, Histogram, Measurement, Sweep
from fairaudit.given import of_kind, of_text, path_given
from fairaudit.rules.baseline import Baseline
from fairaudit.rules.finding import Finding, Verdict
from fairaudit.rules.left_out import LeftOut
from fairaudit.rules.rule import Rule
from fairaudit.rules.sides import Judged
from fairaudit.soundness import Before, Held, path_of, unsound
from fairaudit.types import Floats

Table = Literal["measurements", "comparisons", "findings", "sweeps", "histograms"]
# What the cube's fixed point holds, so that no sum of them overflows; a cell that nobody is in is left out.
Number = Annotated[int, Meta(ge=0, le=2**53)]
Some = Annotated[int, Meta(ge=1, le=2**53)]
Weight = Annotated[float, Meta(gt=2.0**-29, le=2.0**47)]
Squared = Annotated[float, Meta(gt=2.0**-58, le=2.0**68)]
Moment = Annotated[float, Meta(ge=-(2.0**68), le=2.0**68)]
Product = Annotated[float, Meta(ge=0, le=2.0**94)]
_HALF_OF_COUNTS, _HALF_OF_CHANGES = DECIDED * (DECIDED + 1) // 2, CELLS * (CELLS + 1) // 2


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """What gave the scores: a SavedModel, or a column of the data."""

    kind: Literal["saved_model", "score_column", "decision_column"]
    name: str
    probabilities: bool = False  # its scores lie in [0, 1] and were read as probabilities
    sha256: str | None = None
    signature: str | None = None
    output: str | None = None
    decision_output: str | None = None  # whose decisions were audited; None: they follow from the scores


class DataFile(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    sha256: str
    rows: Number


class Merge(msgspec.Struct, frozen=True, kw_only=True):
    """Rare values of an attribute that are one slice."""

    name: str
    values: tuple[str, ...]
    rows: Number  # audited


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What was audited, with what, and every default that was in force."""

    version: str
    seed: int
    config: dict[str, Any]  # every field of AuditConfig; paths by their last name
    positive: str | None  # the label's value that counted as positive, as it was read
    thresholds: dict[str, float]  # as asked → as used, after rounding to the scores' own type; the one that decides comes first
    group_thresholds: dict[str, dict[str, float]] = {}  # attribute → value → threshold as used, of groups that are decided at one of their own
    calibration_edges: tuple[float, ...] = ()  # of the bins that calibration errors are over, 0 and 1 among them; a score on an edge is in the bin above
    bands: dict[str, tuple[float, ...]] = {}  # the inner edges of each attribute that was cut, those of quantiles too
    merged: dict[str, Merge] = {}  # attribute → its rare values that are one slice
    model: Model
    data: tuple[DataFile, ...]
    engines: dict[str, str | None]  # each engine's library version; None: wanted by default, not installed
    packages: dict[str, str]


class Exclusion(msgspec.Struct, frozen=True, kw_only=True):
    reason: str
    rows: Number


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """Every row read was audited, or excluded for a reason."""

    read: Number
    lines: Number | None = None  # of the data, where a line stands for several rows
    audited: Number
    unlabelled: Number  # of those audited: they count wherever no label is needed
    excluded: tuple[Exclusion, ...]

    def __post_init__(self) -> None:
        if self.read != self.audited + sum(one.rows for one in self.excluded):
            raise ValueError(f"the row account does not add up: {self}")


class CountsCell(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one label and decision in one slice."""

    label: Literal[0, 1] | None  # None where the label is missing
    decision: Literal[0, 1]
    rows: Some
    weight: Weight
    weight_sq: Squared
    score: Moment | None = None  # Σ weight × score
    score_sq: Annotated[float, Meta(ge=0, le=2.0**68)] | None = None  # Σ weight × score²


OfCounts = Annotated[tuple[Product, ...], Meta(min_length=_HALF_OF_COUNTS, max_length=_HALF_OF_COUNTS)]


class ClusterCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What a slice's clusters say of its rates: Σ over clusters of their weight in one cell times that in another.

    The cells are (label, decision) = (0, 0), (0, 1), (1, 0), (1, 1), (null, 0), (null, 1); of the symmetric matrix there is the upper half, row by row.
    """

    number: Some  # of clusters with rows in the slice
    products: OfCounts
    beside: OfCounts | None = None  # the same of the cluster's rows here and everywhere; None where they are the same


class SavedScores(msgspec.Struct, frozen=True, kw_only=True):
    """That the audited rows were kept by their ids, beside this file."""

    name: str
    sha256: str


class SliceCounts(msgspec.Struct, frozen=True, kw_only=True):
    slice: Slice
    threshold: float | None
    cells: tuple[CountsCell, ...]
    clusters: ClusterCounts | None = None  # where rows are in clusters

    def __post_init__(self) -> None:
        if len({(one.label, one.decision) for one in self.cells}) < len(self.cells):
            raise ValueError(f"{self.slice} has two cells of one label and decision")


class ChangedCell(msgspec.Struct, frozen=True, kw_only=True):
    """Matched rows of one label that were decided so before, and are so now."""

    label: Literal[0, 1] | None
    before: Literal[0, 1]
    now: Literal[0, 1]
    rows: Some
    weight: Weight
    weight_sq: Squared


class SliceChanges(msgspec.Struct, frozen=True, kw_only=True):
    slice: Slice
    cells: tuple[ChangedCell, ...]
    moved: Number = 0  # rows that were in another slice before
    clusters: Number | None = None  # with rows in the slice, where rows are in clusters
    products: tuple[Product, ...] = ()  # of them: Σ over clusters of their weight in one cell times that in another, the upper half row by row; cells by label (0, 1, null), before and now

    def __post_init__(self) -> None:
        if len({(one.label, one.before, one.now) for one in self.cells}) < len(self.cells):
            raise ValueError(f"{self.slice} has two cells of one label and both decisions")
        if len(self.products) != (0 if self.clusters is None else _HALF_OF_CHANGES):
            raise ValueError(f"{self.slice} has {len(self.products)} sums over clusters, where {_HALF_OF_CHANGES} go with a number of clusters and none without")


class MatchedRows(msgspec.Struct, frozen=True, kw_only=True):
    """The rows that both audits have, matched on their ids."""

    matched: Number
    relabelled: Number  # found in both, but with another label, and left out
    only_now: Number
    only_before: Number
    slices: tuple[SliceChanges, ...]


class Against(msgspec.Struct, frozen=True, kw_only=True):
    """The former audit that rules on change were judged against, as far as they look at it."""

    sha256: str  # of its audit.json
    version: str
    model: Model
    slicings: tuple[tuple[str, ...], ...]
    has_labels: bool
    has_weights: bool
    matched: MatchedRows | None = None  # None: rows are independent
    counts: tuple[SliceCounts, ...] = ()  # of the former audit, where they are
    notes: tuple[str, ...] = ()  # those of the audit's that are about it


class ReferenceOf(msgspec.Struct, frozen=True, kw_only=True):
    """The reference that a slicing's comparisons are made against, and whether it was asked for or is the largest."""

    slicing: tuple[str, ...]
    slice: Slice
    chosen: Literal["largest", "asked"]


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """A finished audit."""

    schema: Literal["fairaudit/audit/1"] = "fairaudit/audit/1"
    manifest: Manifest
    rows: Rows
    scores: SavedScores | None = None  # None: they were not kept
    slicings: tuple[tuple[str, ...], ...]
    references: tuple[ReferenceOf, ...]
    counts: tuple[SliceCounts, ...]
    strata: tuple[SliceCounts, ...] = ()  # the same within each value of the control
    measurements: tuple[Measurement, ...]
    comparisons: tuple[Comparison, ...]
    sweeps: tuple[Sweep, ...] = ()
    histograms: tuple[Histogram, ...] = ()  # where scores are probabilities
    baseline: Against | None = None  # where a rule judged what changed since
    rules: tuple[Rule, ...]  # as they were judged
    findings: tuple[Finding, ...]
    judged_by: tuple[Judged, ...] = ()  # of rules on metrics of single scores: what their groups have, so that `gate` can judge again
    left_out: tuple[LeftOut, ...] = ()  # groups of which a rule says nothing: too small a share of the rows for it, or missing values that it only counts
    verdict: Verdict | None  # None: no rules
    notes: tuple[str, ...] = ()  # what a reader must know: strings trimmed, a witness missing, all labels alike

    def frame(self, name: Table = "measurements") -> Any:
        """One of the audit's tables as a pandas DataFrame: a row a value, a column a field."""
        from importlib import import_module

        if of_text(name, "name") not in get_args(Table):
            raise UnknownName("table", name, get_args(Table))
        return import_module("fairaudit.tables").table(self, name).to_pandas()


_LABELS: tuple[Literal[0, 1] | None, ...] = (0, 1, None)
_DECISIONS: tuple[Literal[0, 1], ...] = (0, 1)


def counts_written(counts: Counts, *, threshold: float | None) -> tuple[SliceCounts, ...]:
    """The counts as audit.json has them; empty cells are left out."""
    return tuple(
        SliceCounts(slice=one, threshold=threshold, cells=tuple(_cells(counts, index)), clusters=_clusters(counts.clusters, index) if counts.clusters else None)
        for index, one in enumerate(counts.slices)
    )


def _cells(counts: Counts, index: int) -> Iterator[CountsCell]:
    for label, decision in product(_LABELS, _DECISIONS):
        place = (index, UNLABELLED if label is None else label, decision)
        if counts.rows[place]:
            yield CountsCell(
                label=label, decision=decision, rows=int(counts.rows[place]),
                weight=float(counts.weight[place]), weight_sq=float(counts.weight_sq[place]),
                score=None if counts.score is None else float(counts.score[place]),
                score_sq=None if counts.score_sq is None else float(counts.score_sq[place]),
            )  # fmt: skip


_HALF = np.triu_indices(DECIDED)


def _clusters(clusters: Clusters, index: int) -> ClusterCounts:
    own = clusters.products[index, :DECIDED, :DECIDED]
    beside = own if clusters.beside is None else (clusters.beside[index] + clusters.beside[index].T) / 2
    written, other = (tuple(matrix[_HALF].tolist()) for matrix in (own, beside))
    return ClusterCounts(number=int(clusters.number[index]), products=written, beside=None if other == written else other)


def _clusters_read(found: Sequence[SliceCounts]) -> Clusters | None:
    """As `_clusters` wrote them; None where rows are independent."""
    held = [one.clusters for one in found if one.clusters is not None]
    if not held:
        return None
    if len(held) < len(found):
        raise ConfigError("the audit file tells of clusters in some slices only, so its evidence cannot be had again; give the audit.json that `fairaudit audit` wrote.")
    own, beside = (_symmetric(sums) for sums in ([one.products for one in held], [one.products if one.beside is None else one.beside for one in held]))
    return Clusters(number=np.array([one.number for one in held], dtype=np.int64), products=own, beside=beside)


def _symmetric(halves: Sequence[tuple[float, ...]]) -> Floats:
    out = np.zeros((len(halves), DECIDED, DECIDED))
    out[:, _HALF[0], _HALF[1]] = halves
    out[:, _HALF[1], _HALF[0]] = halves
    return out


def counts_read(audit: Audit) -> Counts:
    """The counts that an audit file holds, as arrays; what needs score cells cannot be computed from them."""
    return _read(audit, audit.counts, has_scores=audit.manifest.model.kind != "decision_column")


def strata_read(audit: Audit) -> Counts | None:
    """The counts within each value of the control; None where there is none."""
    return _read(audit, audit.strata, has_scores=False) if audit.strata else None


def _read(audit: Audit, counts: Sequence[SliceCounts], *, has_scores: bool) -> Counts:
    config = audit.manifest.config
    has_labels, has_weights = config.get("label") is not None, config.get("weight") is not None
    return _counts_of(counts, has_scores=has_scores, has_labels=has_labels, has_weights=has_weights, has_probabilities=audit.manifest.model.probabilities)


def _counts_of(counts: Sequence[SliceCounts], *, has_scores: bool, has_labels: bool, has_weights: bool, has_probabilities: bool) -> Counts:
    shape = (len(counts), 3, 2)
    rows, weight, weight_sq = np.zeros(shape, dtype=np.int64), np.zeros(shape), np.zeros(shape)
    score, score_sq = np.zeros(shape), np.zeros(shape)
    for index, one in enumerate(counts):
        for cell in one.cells:
            place = (index, UNLABELLED if cell.label is None else cell.label, cell.decision)
            rows[place], weight[place], weight_sq[place] = cell.rows, cell.weight, cell.weight_sq
            score[place], score_sq[place] = (np.nan if sum is None else sum for sum in (cell.score, cell.score_sq))  # and never a stand-in such as 0
    return Counts(
        slices=tuple(one.slice for one in counts), rows=rows, weight=weight, weight_sq=weight_sq,
        score=score if has_scores else None, score_sq=score_sq if has_scores else None,
        has_labels=has_labels, has_weights=has_weights, has_probabilities=has_probabilities, clusters=_clusters_read(counts),
    )  # fmt: skip


def baseline_written(baseline: Baseline, former: Audit, sha256: str, *, notes: Sequence[str]) -> Against:
    """What rules on change were judged by, so that they can be judged again; of what was counted then only where rows are independent."""
    has_labels, has_weights, matched = baseline.counts.has_labels, baseline.counts.has_weights, baseline.matched
    of_slices: tuple[SliceCounts, ...] = ()
    if matched is None:
        of_slices = tuple(msgspec.structs.replace(one, cells=tuple(msgspec.structs.replace(cell, score=None, score_sq=None) for cell in one.cells)) for one in former.counts)
    return Against(
        sha256=sha256, version=former.manifest.version, model=former.manifest.model, slicings=baseline.slicings, has_labels=has_labels,
        has_weights=has_weights if matched is None else matched.has_weights, matched=None if matched is None else _matched_written(matched), counts=of_slices, notes=tuple(notes),
    )  # fmt: skip


def _matched_written(matched: Matched) -> MatchedRows:
    return MatchedRows(
        matched=matched.account.matched, relabelled=matched.account.relabelled, only_now=matched.account.only_now, only_before=matched.account.only_before,
        slices=tuple(_changes(matched, index) for index in range(len(matched.slices))),
    )  # fmt: skip


def _changes(matched: Matched, index: int) -> SliceChanges:
    cells = tuple(
        ChangedCell(label=label, before=before, now=now, rows=int(matched.rows[at]), weight=float(matched.weight[at]), weight_sq=float(matched.weight_sq[at]))
        for label, before, now in product(_LABELS, _DECISIONS, _DECISIONS)
        if matched.rows[at := (index, UNLABELLED if label is None else label, before, now)]
    )
    known = matched.clusters
    clusters, products = (None, ()) if known is None else (int(known.number[index]), tuple(known.products[index][np.triu_indices(CELLS)].tolist()))
    return SliceChanges(slice=matched.slices[index], cells=cells, moved=int(matched.moved[index]), clusters=clusters, products=products)


def baseline_read(audit: Audit) -> Baseline | None:
    """As `baseline_written` wrote it; None where no rule judged what changed."""
    found = audit.baseline
    if found is None:
        return None
    counts = _counts_of(found.counts, has_scores=False, has_labels=found.has_labels, has_weights=found.has_weights, has_probabilities=False)
    return Baseline(counts=counts, slicings=found.slicings, matched=None if found.matched is None else _matched_read(found.matched, has_weights=found.has_weights))


def _matched_read(found: MatchedRows, *, has_weights: bool) -> Matched:
    shape = (len(found.slices), UNLABELLED + 1, 2, 2)
    rows, weight, weight_sq = np.zeros(shape, dtype=np.int64), np.zeros(shape), np.zeros(shape)
    for index, one in enumerate(found.slices):
        for cell in one.cells:
            at = (index, UNLABELLED if cell.label is None else cell.label, cell.before, cell.now)
            rows[at], weight[at], weight_sq[at] = cell.rows, cell.weight, cell.weight_sq
    clusters = None
    if any(one.clusters is not None for one in found.slices):
        halves, (upper, lower) = np.array([one.products for one in found.slices]), np.triu_indices(CELLS)
        products = np.zeros((len(found.slices), CELLS, CELLS))
        products[:, upper, lower] = halves
        products[:, lower, upper] = halves
        clusters = MatchedClusters(number=np.array([one.clusters for one in found.slices], dtype=np.int64), products=products)
    return Matched(
        slices=tuple(one.slice for one in found.slices), rows=rows, weight=weight, weight_sq=weight_sq, moved=np.array([one.moved for one in found.slices], dtype=np.int64),
        has_weights=has_weights, clusters=clusters,
        account=Account(matched=found.matched, relabelled=found.relabelled, only_now=found.only_now, only_before=found.only_before),
    )  # fmt: skip


def encoded(value: Any) -> Any:
    """What msgspec asks of a value that it does not know itself."""
    if isinstance(value, Slice):
        return dict(value.values)
    raise TypeError(f"{type(value).__name__} is not written to a file")


_OF_SLICES = {str, type(None)}  # JSON has no other keys than texts


def decoded(kind: type, value: Any) -> Any:
    """The same of a type, when a file is read."""
    if kind is Slice and isinstance(value, dict) and {*map(type, value), *map(type, value.values())} <= _OF_SLICES:  # asked a hundred thousand times of a large audit
        return Slice(value.items())
    raise ValueError("a slice is an object of texts or nulls")


def to_json(audit: Audit) -> bytes:
    """The bytes of `audit.json`: the same audit, the same bytes."""
    return msgspec.json.format(msgspec.json.encode(of_kind(audit, Audit, "audit"), enc_hook=encoded), indent=1) + b"\n"


def json_of(value: Any) -> str:
    """Any value of ours as JSON for programs, slices written as in an audit."""
    return msgspec.json.format(msgspec.json.encode(value, enc_hook=encoded), indent=1).decode()


def from_json(text: bytes, *, where: str) -> Audit:
    """The audit in a file's bytes.

    Raises:
        ConfigError: it is no audit of a version that this program reads; says where it differs.
    """
    try:
        found = msgspec.json.decode(text, type=Audit, dec_hook=decoded)
        mistake = next(unsound(_held(found)), None)
    except (msgspec.DecodeError, ValueError) as error:
        raise ConfigError(_UNREADABLE.format(where, error)) from error
    if mistake is not None:
        raise ConfigError(_UNREADABLE.format(where, f"{mistake.sentence} - at `{path_of(mistake.place)}`"))
    return found


_UNREADABLE = "{} is not an audit file that fairaudit can read ({}); give the audit.json that `fairaudit audit` wrote."


def _held(audit: Audit) -> Held:
    """What of an audit must go together."""
    known, former = audit.manifest, baseline_read(audit)
    before = None if former is None else Before(slicings=former.slicings, counts=None if former.matched else former.counts, matched=former.matched)
    return Held(
        config=known.config, thresholds=known.thresholds, group_thresholds=known.group_thresholds, bands=known.bands, merged=tuple(known.merged), slicings=audit.slicings,
        audited=audit.rows.audited, counts=counts_read(audit), strata=strata_read(audit), before=before, rules=audit.rules, kept=audit.judged_by, sweeps=audit.sweeps,
    )  # fmt: skip


def read_audit(path: Path | str) -> Audit:
    """The audit in `path`: the file, or the folder that holds audit.json.

    Raises:
        ConfigError: there is none, or it cannot be read.
    """
    return read_hashed(path)[0]


def read_hashed(path: Path | str) -> tuple[Audit, str]:
    """The same, and the SHA-256 of the file."""
    file = path_given(path)
    try:
        _check_folder(file)
        file = file / "audit.json" if file.is_dir() else file
        text = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror or error}; give the audit.json that `fairaudit audit --out DIR` wrote.") from error
    return from_json(text, where=str(file)), hashlib.sha256(text).hexdigest()


def _check_folder(folder: Path) -> None:
    """Returns if it is not a mitigation's, which holds two audits.

    Raises:
        ConfigError: it is.
    """
    if not (folder / "audit.json").exists() and all((folder / name).is_file() for name in ("card.json", "after/audit.json", "before/audit.json")):
        raise ConfigError(f"{folder} is a mitigation, with an audit of the rows that were held out before it and one after; give {folder / 'after'}, or {folder / 'before'}.")


def sha256_of(audit: Audit) -> str:
    """The hash of the file that `to_json` gives."""
    return hashlib.sha256(to_json(audit)).hexdigest()


def schema_of(kind: type, *others: type) -> dict[str, Any]:
    """The JSON Schema of a file that holds such a value; or one of several, of which each says by a field of one word which it is."""

    def hook(kind: type) -> dict[str, Any]:
        if kind is Slice:
            return {"type": "object", "additionalProperties": {"type": ["string", "null"]}, "title": "Slice"}
        raise TypeError(f"{kind.__name__} has no schema here: say one beside that of Slice")

    kinds, parts = msgspec.json.schema_components((kind, *others), schema_hook=hook, ref_template="#/$defs/{name}")
    return ({"oneOf": list(kinds)} if others else dict(kinds[0])) | {"$defs": parts}


def json_schema() -> dict[str, Any]:
    """The JSON Schema of audit.json, as it is published with the package."""
    return schema_of(Audit)


if __name__ == "__main__":
    import json

    print(json.dumps(json_schema(), indent=1))
