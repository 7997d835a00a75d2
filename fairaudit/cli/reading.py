"""The flags that say how rows are read, for commands that are about the rows themselves."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairaudit.cli.audit import flags_of
from fairaudit.errors import ConfigError, raise_all

if TYPE_CHECKING:
    from fairaudit.config import AuditConfig
    from fairaudit.data.source import Source

READING = ("--data", "--label", "--positive", "--protected", "--bins", "--other-below", "--missing", "--id")  # what every such command takes


def reading_of(file: Path | None, given: dict[str, Any]) -> AuditConfig:
    """What flags, and a configuration where there is one, say of the rows, checked as far as it can be without these.

    Raises:
        ConfigError, Several: one sentence a mistake.
    """
    from fairaudit.config import AuditConfig, mistaken_reading, overridden
    from fairaudit.documents import read_document

    base = read_document(file, AuditConfig, kind="configuration") if file else AuditConfig()
    config = overridden(base, flags_of({"threshold": (), "group_thresholds": (), "reference": (), "bins": ()} | given))
    raise_all(mistaken_reading(config))
    return config


def check_not_read(source: Source, out: Path, names: Collection[str]) -> None:
    """Returns if none of the files that are to be written is one of those that are read.

    Raises:
        ConfigError: one is.
    """
    targets = {(out / name).resolve() for name in names}
    for file in source.files:
        if file.path.resolve() in targets:
            raise ConfigError(f"{file.path} is read, and would be written over; name another folder with --out.")


def width() -> int:
    """How wide the terminal is, within reason."""
    import shutil

    return min(shutil.get_terminal_size((100, 24)).columns, 120)
