"""What a format is asked for, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fairaudit.gate.policy import Ruling
from fairaudit.reports.lookup import Lookup

Files = Mapping[Path, bytes | None]  # what is to stand where; None: nothing may stand there


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A line of a file that a result points at."""

    uri: str  # relative, from the working directory
    line: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where rules are written, as far as it is known; the file of the audit stands in for the rest."""

    audit: Place
    rules: Mapping[str, Place] = field(default_factory=dict)

    def of(self, rule: str) -> Place:
        return self.rules.get(rule, self.audit)


UNKNOWN = Places(audit=Place(uri="audit.json"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """An audit, what the gate made of it, and where its rules are written."""

    known: Lookup
    ruling: Ruling
    places: Places = UNKNOWN
    sha256: str | None = None  # of the audit.json that was read; None: it was read from none, and is what `to_json` gives
