"""`--write FORMAT=PATH`: what is to be written where, checked before any work; and the summary of a step of GitHub's."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fairaudit.delivery import Target, deliver, place, unwritable
from fairaudit.errors import ConfigError, FairauditError, UnknownName, raise_all
from fairaudit.reports.formats import FORMATS

if TYPE_CHECKING:
    from fairaudit.config import AuditConfig
    from fairaudit.gate.policy import Ruling
    from fairaudit.reports.lookup import Lookup

_SUMMARY = "GITHUB_STEP_SUMMARY"
_SUMMARY_BYTES = 1024 * 1024  # of a step, whoever wrote it


def parsed(writes: Sequence[str], known: Sequence[str], *, example: str) -> tuple[Target, ...]:
    """What is to be written where.

    Raises:
        ConfigError: not of the form FORMAT=PATH, a format nobody knows, or a path given twice; every mistake at once.
    """
    mistakes: list[FairauditError] = []
    targets: list[Target] = []
    for one in writes:
        format, equals, path = one.partition("=")
        if not equals or not path.strip():
            mistakes.append(ConfigError(f"--write {one!r} is not of the form FORMAT=PATH, as {example}."))
        elif format not in known:
            mistakes.append(UnknownName("format", format, known, where="--write"))
        else:
            targets.append((format, Path(path)))
    first: dict[Path, Path] = {}
    for _, file in targets:
        if first.setdefault(place(file), file) is not file:
            mistakes.append(ConfigError(f"--write names {first[place(file)]} twice; give each format a file of its own."))
    raise_all(mistakes)
    return tuple(targets)


def of_gate(writes: Sequence[str], *, taken: Sequence[Path] = ()) -> tuple[Target, ...]:
    """What the gate is to write, if all of it can be written.

    Args:
        taken: files that the audit itself writes.

    Raises:
        ConfigError: one sentence a mistake.
    """
    targets = parsed(writes, FORMATS, example="junit=out/junit.xml")
    raise_all(unwritable(targets, taken))
    return targets


def is_folder(path: Path) -> bool:
    """Also of a name that is too long for any."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def mistaken(writes: Sequence[str], *, taken: Sequence[Path] = ()) -> Iterator[FairauditError]:
    """What of it cannot be."""
    try:
        of_gate(writes, taken=taken)
    except FairauditError as error:
        yield error


def unwritable_of(config: AuditConfig, given: Sequence[str] = ()) -> Iterator[FairauditError]:
    """What of the files that a configuration has the gate write cannot be.

    Args:
        given: the flags as they were typed, which win.
    """
    from fairaudit.writing import OURS

    writes = (given or as_flags(config.write)) if config.gate else ()
    yield from mistaken(writes, taken=[Path(config.out) / name for name in OURS] if config.out else [])


def as_flags(write: Mapping[str, str | Sequence[str]]) -> tuple[str, ...]:
    """The configuration's field as flags would say it."""
    return tuple(f"{format}={path}" for format, given in write.items() for path in ((given,) if isinstance(given, str) else given))


def as_field(writes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Flags as the configuration's field."""
    field: dict[str, tuple[str, ...]] = {}
    for one in writes:
        format, _, path = one.partition("=")
        field[format] = (*field.get(format, ()), path)
    return field


def write_all(targets: Sequence[Target], known: Lookup, ruling: Ruling, *, file: Path, sha256: str | None = None, rules: Sequence[str], config: Path | None = None) -> None:
    """Write all files of the gate, or none; and in a step of GitHub's, its summary.

    Args:
        file: the audit's own.
        sha256: of that file, where it was read.
        rules: as they were asked for, ID or FILE.
        config: the configuration that names them, where one does.

    Raises:
        ConfigError, ContentError: they cannot be written.
    """
    summary = os.environ.get(_SUMMARY)
    if not targets and not summary:
        return
    deliver(targets, known, ruling, file=file, sha256=sha256, rules=rules, config=config)
    if summary and ("markdown", place(Path(summary))) not in ((format, place(path)) for format, path in targets):
        _summarize(known, ruling, summary)


def _summarize(known: Lookup, ruling: Ruling, file: str) -> None:
    """Add to what the step's page shows. A summary that cannot be written changes no verdict."""
    from fairaudit.reports.formats.markdown import MOST_BYTES, markdown

    try:
        room = _SUMMARY_BYTES - (os.path.getsize(file) if os.path.exists(file) else 0) - 1
        text = markdown(known, ruling, most_bytes=min(MOST_BYTES, room)).encode()
        if len(text) <= room:
            with open(file, "ab") as summary:
                summary.write(b"\n" + text)
            return
        reason = "it is full"
    except (OSError, ValueError) as error:
        reason = f"it cannot be written: {getattr(error, 'strerror', None) or error}"
    click.echo(f"fairaudit: the gate's summary is not added to {_SUMMARY} ({file[:200]}): {reason}.", err=True)
