"""The files of a gate's ruling: checked, rendered and written together, all or none. The one path of `--write` and Python."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fairaudit.errors import ConfigError, FairauditError, UnknownName, raise_all
from fairaudit.given import of_kind, path_given, paths_by_name, texts_of
from fairaudit.reports.formats import BADGE_SUFFIXES, BLESSINGS, FORMATS, paths

if TYPE_CHECKING:
    from fairaudit.gate.policy import Ruling
    from fairaudit.reports.lookup import Lookup
    from fairaudit.result import Audit

Target = tuple[str, Path]  # a format and its path


def write_gate(
    audit: Audit, ruling: Ruling, write: Mapping[str, str | Path | Sequence[str | Path]], *, file: Path | str | None = None, rules: Sequence[str | Path] = (), config: Path | str | None = None
) -> tuple[Path, ...]:
    """Write what the gate decided, as `--write` of the command line does: all files, or none.

    Args:
        write: by format (`json`, `junit`, `sarif`, `markdown`, `badge`, `blessing`), the path of its file, or several.
        file: where the audit itself lies: SARIF points at it where it knows no better place, and the result names its hash. [default: nowhere; SARIF points at
            audit.json, and the hash is of what `to_json` gives]
        rules: as they were asked for, ID or FILE, and
        config: the configuration that names them: SARIF points at their lines.

    Returns:
        The paths as they were given.

    Raises:
        ConfigError, ContentError, Several: what cannot be written, or an unknown format.
    """
    from fairaudit.data.files import fingerprint
    from fairaudit.gate.policy import Ruling
    from fairaudit.reports.lookup import lookup
    from fairaudit.result import Audit
    from fairaudit.writing import OURS

    of_kind(audit, Audit, "audit")
    of_kind(ruling, Ruling, "ruling")
    lies = Path("audit.json") if file is None else path_given(file, "file")
    asked, named = paths_by_name(write, "write"), texts_of(rules, "rules")
    targets = [(format, path) for format, paths in asked.items() for path in paths]
    raise_all(UnknownName("format", format, FORMATS) for format in asked if format not in FORMATS)
    raise_all(unwritable(targets, [lies, *(lies.parent / name for name in OURS)]))
    sha256 = fingerprint(lies) if file is not None and lies.is_file() else None
    deliver(targets, lookup(audit), ruling, file=lies, sha256=sha256, rules=named, config=None if config is None else path_given(config, "config"))
    return tuple(path for _, path in targets)


def deliver(targets: Sequence[Target], known: Lookup, ruling: Ruling, *, file: Path, sha256: str | None = None, rules: Sequence[str], config: Path | None = None) -> None:
    """The same of what was checked.

    Args:
        sha256: of the audit's file, where it was read.

    Raises:
        ConfigError, ContentError: they cannot be written.
    """
    if not targets:
        return
    from fairaudit.reports.formats import rendered
    from fairaudit.reports.formats.interface import Gated
    from fairaudit.reports.formats.places import places
    from fairaudit.writing import write_together

    gated = Gated(known=known, ruling=ruling, places=places(known.audit, file=file, rules=rules, config=config), sha256=sha256)
    write_together({path: content for format, target in targets for path, content in rendered(format, target, gated).items()})


def retract(targets: Sequence[Target]) -> None:
    """Take back what was blessed before: until there is a verdict, nothing is."""
    for format, path in targets:
        if format == "blessing":
            (path / BLESSINGS[0]).unlink(missing_ok=True)


def unwritable(targets: Sequence[Target], taken: Sequence[Path] = ()) -> Iterator[FairauditError]:
    """What of it cannot be written, a sentence each.

    Args:
        taken: files that the audit itself writes.
    """
    files = [(format, path, file, place(file)) for format, path in targets for file in paths(format, path)]
    audits, seen, told = {place(path) for path in taken}, set[Path](), set[Target]()
    for format, path, file, at in files:
        wrong = _unwritable(format, path, file, at, audits=audits, seen=seen, others={other for *_, other in files})
        if wrong is not None and (format, path) not in told:  # once, though a blessing has two files
            told.add((format, path))
            yield ConfigError(f"--write {format}={path}{wrong}")
        seen.add(at)


def _unwritable(format: str, path: Path, file: Path, at: Path, *, audits: Collection[Path], seen: Collection[Path], others: Collection[Path]) -> str | None:
    """What is wrong with one of its files, behind its name; None where nothing is."""
    from fairaudit.writing import check_file

    if format == "badge" and path.suffix not in BADGE_SUFFIXES:
        return f": a badge is a drawing, as badge.svg, or what shields.io draws, as badge.json; end the name in {' or '.join(BADGE_SUFFIXES)}."
    if format == "blessing" and os.path.exists(path) and not os.path.isdir(path):
        return " is a file; name a folder, in which BLESSED or NOT_BLESSED will stand."
    if at in audits:
        return " is a file of the audit itself; name another."
    if at in seen:
        return f": something else is written to {file}; name another."
    if any(other in at.parents for other in others):
        return ": a part of this path is another file to be written; name another."
    try:
        check_file(file)
    except FairauditError as error:
        return f": {error}"
    return None


def place(path: Path) -> Path:
    """Where a path leads, so that two names of one file are one."""
    return Path(os.path.realpath(str(path).replace("\0", "")))
