"""Files of the gate's result, each in the form that some other program reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fairaudit.reports.formats.interface import Files, Gated

FORMATS = ("json", "junit", "sarif", "markdown", "badge", "blessing")
BADGE_SUFFIXES = (".svg", ".json")
BLESSINGS = ("BLESSED", "NOT_BLESSED")  # the files of a folder that is given for a blessing


def paths(format: str, path: Path) -> tuple[Path, ...]:
    """The files that a format writes or removes."""
    return tuple(path / name for name in BLESSINGS) if format == "blessing" else (path,)


def rendered(format: str, path: Path, gated: Gated) -> Files:
    """The files of one of `FORMATS`; nothing is written yet."""
    known, ruling = gated.known, gated.ruling
    match format:
        case "json":
            from fairaudit.gate.result import to_json
            from fairaudit.result import sha256_of

            return {path: to_json(ruling, gated.sha256 or sha256_of(known.audit))}
        case "junit":
            from fairaudit.reports.formats.junit import junit

            return {path: junit(known, ruling)}
        case "sarif":
            from fairaudit.reports.formats.sarif import sarif

            return {path: sarif(known, ruling, gated.places)}
        case "markdown":
            from fairaudit.reports.formats.markdown import markdown

            return {path: markdown(known, ruling).encode()}
        case "badge":
            from fairaudit.reports.formats.badge import endpoint, svg

            return {path: (endpoint if path.suffix == ".json" else svg)(ruling)}
        case "blessing":
            blessed, not_blessed = paths(format, path)
            return {blessed: b"", not_blessed: None} if ruling.exit_code == 0 else {blessed: None, not_blessed: b""}
    raise ValueError(f"there is no format {format!r}")
