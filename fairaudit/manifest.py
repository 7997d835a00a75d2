"""What was audited, with what, and every default that was in force: all that a reader needs to run it again."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa  # type: ignore[import-untyped]

from fairaudit.config import AuditConfig
from fairaudit.cube.thresholds import Thresholds
from fairaudit.data.files import fingerprint
from fairaudit.data.rows import Prepared, grid_range
from fairaudit.data.source import Source
from fairaudit.models.interface import ModelCard
from fairaudit.result import DataFile, Manifest, Merge, Model
from fairaudit.version import VERSION

_PACKAGES = ("duckdb", "numpy", "pyarrow", "scipy", "tensorflow", "tensorflow-model-analysis", "fairness-indicators", "aif360")
_NOT_OF_THE_RESULT = ("out", "gate", "inconclusive", "fail_on", "waivers", "as_of", "unused_waivers", "write", "save_scores", "baseline")


def manifest(
    config: AuditConfig, source: Source, rows: Prepared, card: ModelCard | None, thresholds: Thresholds | None, calibration_edges: tuple[float, ...],
    engines: Mapping[str, str | None],
) -> Manifest:  # fmt: skip
    """The manifest of an audit; files and folders by their last names, no clock, no host, no user."""
    return Manifest(
        version=VERSION,
        seed=config.seed,
        config=_without_folders(config),
        positive=rows.positive,
        thresholds={repr(asked): thresholds.used(asked) for asked in thresholds.asked} if thresholds else {},
        group_thresholds={attribute: {value: thresholds.used(asked) for value, asked in groups.items()} for attribute, groups in config.group_thresholds.items()} if thresholds else {},
        calibration_edges=calibration_edges,
        bands={attribute: bands.edges for attribute, bands in rows.reading.bands.items()},
        merged={attribute: Merge(name=rare.name, values=rare.values, rows=rare.rows) for attribute, rare in rows.reading.merged.items()},
        model=_model(config, rows, card),
        data=tuple(data_files(source, rows)),
        engines=dict(engines),
        packages=_versions(card is not None, engines),
    )


def _without_folders(config: AuditConfig) -> dict[str, Any]:
    written: dict[str, Any] = {name: value for name, value in msgspec.to_builtins(config).items() if name not in _NOT_OF_THE_RESULT}
    return written | {
        "data": [Path(one).name for one in config.data],
        "model": None if config.model is None else Path(config.model).name,
        "rules": [Path(one).name for one in config.rules],
    }


def _model(config: AuditConfig, rows: Prepared, card: ModelCard | None) -> Model:
    if card is not None:
        return Model(kind="saved_model", name=card.name, probabilities=True, sha256=card.sha256, signature=card.signature, output=card.output, decision_output=card.decision_output)
    if config.score_column is not None:
        return Model(kind="score_column", name=config.score_column, probabilities=rows.score_range is not None and grid_range(rows.score_range) == (0.0, 1.0))
    return Model(kind="decision_column", name=str(config.decision_column))


def data_files(source: Source, rows: Prepared) -> Iterator[DataFile]:
    """Each file that the rows were read from, by its name and what is in it."""
    if source.table is not None:
        yield DataFile(name=source.name, sha256=_of_table(source.table), rows=rows.read)
    for file, number in zip(source.files, rows.per_file, strict=False):
        yield DataFile(name=file.path.name, sha256=fingerprint(file.path), rows=number)


def _of_table(table: pa.Table) -> str:
    """SHA-256 of the table as an Arrow stream, whatever its chunks were."""
    digest = hashlib.sha256()
    with pa.ipc.new_stream(pa.PythonFile(_Sink(digest), mode="w"), table.schema.remove_metadata()) as stream:
        stream.write_table(table.replace_schema_metadata(None).combine_chunks())
    return digest.hexdigest()


class _Sink:
    """A file that only digests what is written to it."""

    closed = False

    def __init__(self, digest: Any) -> None:
        self._digest = digest

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        return len(data)

    def flush(self) -> None: ...

    def close(self) -> None: ...


def _versions(with_model: bool, engines: Mapping[str, str | None]) -> dict[str, str]:
    unused = {"tensorflow": not with_model and not engines.get("tfma"), "aif360": not engines.get("aif360")}
    unused |= dict.fromkeys(("tensorflow-model-analysis", "fairness-indicators"), not engines.get("tfma"))
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        if not unused.get(package):
            try:
                found[package] = version(package)
            except PackageNotFoundError:
                continue
    return found
