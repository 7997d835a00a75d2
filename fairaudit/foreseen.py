"""What an audit would do, told without doing it: rows, slices, families, engines, and about how long it takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from fairaudit.config import AuditConfig
from fairaudit.cube.slices import Slice, Slicing
from fairaudit.metrics.engines import NAMES, WITNESSES
from fairaudit.metrics.witnesses import Witnesses
from fairaudit.rules.finding import Severity
from fairaudit.rules.plan import cautions, plan
from fairaudit.rules.sized import Size, sizes
from fairaudit.run import matched_of
from fairaudit.survey import Survey

# A rough model, from docs/benchmarks.md and runs of it on two shared cores: starting and writing, reading twice, TensorFlow, TFMA's 80 ms a slice.
_START, _CSV_BYTE, _PARQUET_BYTE, _PACKED = 1.3, 2.5e-8, 2e-8, 4.0  # seconds, seconds a byte, and how far gzip packs a CSV file
_TENSORFLOW, _SCORE, _LIBRARY, _SLICE, _MOST_WITNESSED = 4.5, 4e-6, 1.5, 0.08, 200  # seconds; a row that a small dense network scores; a witness; a slice of TFMA's
_MEBIBYTES, _OF_TENSORFLOW, _OF_WITNESS, _OF_SLICE = 260, 500, 120, 0.05


class Group(msgspec.Struct, frozen=True, kw_only=True):
    slice: Slice
    rows: int


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """One slicing with its groups."""

    slicing: Slicing
    groups: tuple[Group, ...]


class FamilyOf(msgspec.Struct, frozen=True, kw_only=True):
    """A rule on a slicing, and what it may spend of the run's error."""

    rule: str
    severity: Severity
    slicing: Slicing
    share: float


class File(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    format: str
    lines: int
    bytes: int


class Foreseen(msgspec.Struct, frozen=True, kw_only=True):
    """What is known before the first score."""

    files: tuple[File, ...]
    read: int  # rows
    audited: int
    excluded: dict[str, int]  # reason → rows
    unlabelled: int | None  # None: no label is named
    decides: str
    slicings: tuple[Cut, ...]
    families: tuple[FamilyOf, ...]
    sizes: tuple[Size, ...]
    engines: dict[str, str | None]  # name → version; None: it is not installed
    seconds: float  # about
    mebibytes: float  # about
    writes: tuple[str, ...]
    cautions: tuple[str, ...]

    @property
    def gating(self) -> int:
        """Families that share the 5 % of error by which a build fails."""
        return sum(one.severity is Severity.FAIL for one in self.families)


def foreseen(survey: Survey) -> Foreseen:
    """What an audit of what was surveyed would do.

    Raises:
        ConfigError: an engine that was asked for is not installed.
    """
    config, rows, counts = survey.config, survey.rows, survey.counts
    planned = plan(survey.rules, survey.to_plan, survey.context)
    with Witnesses(config.engines, seed=config.seed, apart=False) as witnesses:
        engines = dict(witnesses.versions)
    files = tuple(
        File(name=name, format=one.format, lines=lines, bytes=one.path.stat().st_size) for name, one, lines in zip(survey.source.names, survey.source.files, rows.per_file, strict=True)
    )
    slices = len(counts.slices)
    return Foreseen(
        files=files, read=rows.read, audited=rows.audited, excluded=dict(rows.excluded), unlabelled=rows.unlabelled if config.label else None, decides=_decides(config),
        slicings=tuple(Cut(slicing=slicing, groups=tuple(_group(survey, index) for index in counts.of_slicing(slicing))) for slicing in config.slicings),
        families=tuple(FamilyOf(rule=one.rule.id, severity=one.rule.severity, slicing=one.slicing, share=one.alpha) for one in planned),
        sizes=sizes(planned, counts, survey.context, decided=survey.decided), engines={name: engines[name] for name in NAMES if name in engines},
        seconds=_seconds(config, files, rows.lines, slices, engines), mebibytes=_mebibytes(config, slices, engines),
        writes=tuple(_writes(config)), cautions=(*cautions(survey.rules, survey.context), *_of_model(survey)),
    )  # fmt: skip


def _of_model(survey: Survey) -> tuple[str, ...]:
    """That the model decides by itself, and is not asked for it."""
    return () if survey.config.model is None else matched_of(survey.config, survey.source).output.notes


def _group(survey: Survey, index: int) -> Group:
    return Group(slice=survey.counts.slices[index], rows=int(survey.counts.rows[index].sum()))


def _writes(config: AuditConfig) -> Iterator[str]:
    """The audit's own files, and those of the gate."""
    if config.out:
        yield from (str(Path(config.out) / name) for name in ("audit.json", "report.html", "cube.parquet"))
    for format, paths in config.write.items() if config.gate else ():
        yield from (f"{path} ({format})" for path in ((paths,) if isinstance(paths, str) else paths))


def _decides(config: AuditConfig) -> str:
    if config.decision_column is not None:
        return f"decisions in the column {config.decision_column!r}"
    source = f"scores of the model {config.model}" if config.model else f"scores in the column {config.score_column!r}"
    if config.decision_output is not None:
        return f"the model {config.model} itself, by its output {config.decision_output!r}"
    above = "at or above" if config.at_threshold == "positive" else "above"
    own = f", and thresholds of their own by {' and '.join(config.group_thresholds)}" if config.group_thresholds else ""
    return f"{source}, {above} {config.threshold:g}{own}"


def _seconds(config: AuditConfig, files: tuple[File, ...], lines: int, slices: int, engines: dict[str, str | None]) -> float:
    read = sum(one.bytes * (_PARQUET_BYTE if one.format == "parquet" else _CSV_BYTE * (_PACKED if one.name.endswith(".gz") else 1)) for one in files)
    scored = _TENSORFLOW + _SCORE * lines if config.model else 0.0
    present = [name for name in WITNESSES if engines.get(name)]
    checked = _LIBRARY * len(present) + (_SLICE * min(slices, _MOST_WITNESSED) if "tfma" in present else 0.0)
    return _START + read + scored + (checked if not config.model else checked / 2)  # while a model scores, they are imported beside it


def _mebibytes(config: AuditConfig, slices: int, engines: dict[str, str | None]) -> float:
    present = [name for name in WITNESSES if engines.get(name)]
    return _MEBIBYTES + (_OF_TENSORFLOW if config.model or "tfma" in present else 0) + _OF_WITNESS * ("aif360" in present) + _OF_SLICE * slices


