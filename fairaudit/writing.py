"""The audit's files: written aside and moved, all or nothing; what is not ours is never replaced unasked."""

from __future__ import annotations

import errno
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple, TypeVar

from fairaudit.cube.matched import SCORES
from fairaudit.errors import ConfigError, ContentError
from fairaudit.gate.policy import Ruling
from fairaudit.reports.formats import BLESSINGS
from fairaudit.result import Audit, to_json

if TYPE_CHECKING:
    from fairaudit.cube.cube import Cube
    from fairaudit.mitigations.card import MitigationCard
    from fairaudit.mitigations.frontier import Frontier
    from fairaudit.mitigations.proof import Proof
    from fairaudit.mitigations.retrained_card import RetrainedCard

AUDIT, REPORT, CUBE = "audit.json", "report.html", "cube.parquet"
OURS = (AUDIT, REPORT, CUBE, SCORES)
_ASIDE = ".fairaudit-"  # what a folder that is written to begins with; it stays where the machine stops
_STANDARD = {"/dev/stdout": 1, "/dev/stderr": 2}
Writer = Callable[[Path], None]
T = TypeVar("T")


class Kind(NamedTuple):
    """What a folder of ours may hold, and how it is known."""

    called: str
    file: str
    schema: str  # what the file's begins with


AN_AUDIT = Kind("an audit", AUDIT, "fairaudit/audit/")
A_RULING = Kind("a gate's result", "gate.json", "fairaudit/gate/")
A_SPLIT = Kind("a split", "split.json", "fairaudit/split/")
A_MITIGATION = Kind("a mitigation", "card.json", "fairaudit/mitigation/")


def check_out(out: Path, *, force: bool, kind: Kind = AN_AUDIT) -> None:
    """Returns if an audit, or something else of ours, may be written to this folder; asked before the work, so that it is not in vain.

    Raises:
        ConfigError: it is a file, holds something else, or cannot be written.
    """
    try:
        exists, is_dir = out.exists(), out.is_dir()
        is_taken = is_dir and any(not one.name.startswith(_ASIDE) for one in out.iterdir()) and not holds(out, kind)
    except OSError as error:
        raise ConfigError(f"--out {str(out)[:60]} cannot be a folder of ours: {error.strerror or error}; name another.") from error
    if exists and not is_dir:
        raise ConfigError(f"--out {out} is a file; name a folder.")
    if is_taken and not force:
        raise ConfigError(f"--out {out} holds something other than {kind.called}; name another folder, or add --force to write into it.")
    _check_folder(out, f"--out {out}")


def _check_folder(folder: Path, name: str) -> None:
    with _told(folder):
        nearest = next(one for one in (folder, *folder.absolute().parents) if one.exists())
        if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
            raise ConfigError(f"{name} cannot be written: {nearest} is not a folder that you may write to.")


def holds_audit(out: Path) -> bool:
    """Whether an audit was written to this folder."""
    return holds(out, AN_AUDIT)


def holds(out: Path, kind: Kind) -> bool:
    """Whether something of this kind was written to this folder."""
    return _is(out / kind.file, kind)


def _is(file: Path, kind: Kind) -> bool:
    """Whether a file is of this kind: it begins as ours do, whatever follows."""
    if not file.is_file():
        return False
    with file.open("rb") as opened:
        return re.match(rb'\{\s*"schema":\s*"' + re.escape(kind.schema.encode()), opened.read(200)) is not None


def direct(path: Path) -> Path:
    """The same place without a way back, so that of `a/../b` no folder `a` is made."""
    if ".." not in path.parts or "\0" in str(path):
        return path
    real = os.path.realpath(path)
    return Path(real if path.is_absolute() else os.path.relpath(real))


def write_audit(audit: Audit, cube: Cube, out: Path, *, scores: Path | None = None, ruling: Ruling | None = None, as_of: date | None = None) -> tuple[Path, ...]:
    """audit.json, report.html, cube.parquet and, where they were kept, scores.parquet into a folder.

    Args:
        scores: where they were kept.
        ruling: what the gate made of the audit, for the report.
        as_of: the day, for the report.

    Returns:
        What a gate had made of the audit that was there before, which is taken away: beside this one it would be another's verdict.

    Raises:
        ConfigError, ContentError: it cannot be written, or the disk is full; nothing is left behind then.
    """
    from fairaudit.cube.saved import are_scores
    from fairaudit.cube.stored import write_cube
    from fairaudit.reports.html import render

    report = render(audit, ruling, as_of=as_of).encode()
    kept: dict[str, Writer] = {} if scores is None else {SCORES: lambda path: _copy(scores, path)}
    gone: dict[str, Writer | None] = {SCORES: None} if holds_audit(out) and are_scores(out / SCORES) else {}  # a former audit's would stand beside another's numbers
    verdicts = _verdicts_in(out) if holds_audit(out) else ()
    write_files(out, gone | {one.name: None for one in verdicts} | kept | {CUBE: lambda path: write_cube(cube, path), REPORT: lambda path: _write(path, report), AUDIT: lambda path: _write(path, to_json(audit))})
    return verdicts


def write_mitigation(card: MitigationCard | RetrainedCard, proof: Proof, folder: Path, *, frontier: Frontier | None = None) -> None:
    """What is beside the exported model: its card, the audits before and after, what changed, the report and, of a search, its frontier. Into a folder that is nobody's yet."""
    from fairaudit.differences import to_json as differences_json
    from fairaudit.mitigations.frontier import FRONTIER
    from fairaudit.mitigations.postprocessed import AFTER, BEFORE, COMPARISON
    from fairaudit.reports.html import render
    from fairaudit.splits.result import to_json as card_json

    for name, audit in ((BEFORE, proof.before), (AFTER, proof.after)):
        (folder / name).mkdir()
        _write(folder / name / AUDIT, to_json(audit))
        _write(folder / name / REPORT, render(audit).encode())
    _write(folder / COMPARISON, differences_json(proof.differences))
    if frontier is not None:
        _write(folder / FRONTIER, card_json(frontier))
    _write(folder / REPORT, render(proof.after, mitigation=card, frontier=frontier).encode())
    _write(folder / A_MITIGATION.file, card_json(card))


def _verdicts_in(folder: Path) -> tuple[Path, ...]:
    """The files of a folder that say what a gate decided and are known for that whatever they are called: its own result, and its blessing."""
    found = []
    for path in sorted(folder.iterdir()):
        with suppress(OSError):  # it cannot be read, so nobody takes it for a verdict
            is_result = path.suffix == ".json" and _is(path, A_RULING)
            found += [path] if is_result or (path.name == BLESSINGS[0] and path.is_file() and not path.stat().st_size) else []
    return tuple(found)


def write_file(path: Path, content: bytes) -> None:
    """One file, whole or not at all; what is no file, as a pipe or /dev/stdout, is written to and stays.

    Raises:
        ConfigError: a folder or an audit stands there, or it cannot be written.
        ContentError: the disk is full.
    """
    write_together({path: content})


def write_together(files: Mapping[Path, bytes | None]) -> None:
    """Files in any folders, all or nothing; None takes away what stands there. Pipes come last, since nobody can take back what went into one.

    Raises:
        ConfigError: a folder or an audit stands in the place of one, or it cannot be written.
        ContentError: the disk is full.
    """
    streams = {path: content for path, content in files.items() if content is not None and _is_stream(path)}
    _write_all({path: None for path, content in files.items() if content is None} | {_target(path): _writer(content) for path, content in files.items() if content is not None and path not in streams})
    for path, content in streams.items():
        with _told(path), suppress(BrokenPipeError), _opened(path) as stream:  # BrokenPipeError: nobody reads on
            stream.write(content)


def write_files(folder: Path, files: Mapping[str, Writer | None]) -> None:
    """Each file by its writer, into one folder: first all beside their places, then moved, the last named last; without one, what stands there is taken away."""
    _write_all({folder / name: write for name, write in files.items()})


def write_folder(folder: Path, names: Sequence[str], fill: Callable[[Path], T], *, gone: Collection[str] = ()) -> T:
    """Files that one function makes together, into one folder, all or nothing.

    Args:
        names: what it makes, the last to be moved last.
        fill: makes them in the folder that it is given.
        gone: files of a former time that are taken away.
    """
    made: list[T] = []

    def all_of_them(aside: Path) -> None:
        made.append(fill(aside.parent))
        for name in names:
            with (aside.parent / name).open("rb") as file:
                os.fsync(file.fileno())

    first, *others = names
    absent: dict[str, Writer | None] = {name: None for name in gone if name not in names}
    write_files(folder, absent | {first: all_of_them} | {name: _made_already for name in others})
    return made[0]


def write_tree(folder: Path, names: Sequence[str], fill: Callable[[Path], T], *, gone: Collection[str] = ()) -> T:
    """As `write_folder`, of names that may be folders with all that is in them."""
    folder = direct(folder)
    made: list[Path] = []
    asides: dict[Path, Path] = {}
    try:
        with _told(folder):
            made += [one for one in (folder, *folder.absolute().parents) if not one.exists()]
            folder.mkdir(parents=True, exist_ok=True)
            aside = asides[folder] = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=folder))
            filled = fill(aside)
            for file in (one for one in aside.rglob("*") if one.is_file()):
                with file.open("rb") as opened:
                    os.fsync(opened.fileno())
        _swap({folder / name: None for name in gone if name not in names} | {folder / name: _made_already for name in names}, asides)
    except BaseException:
        _clear(asides)
        _unmade(made)
        raise
    _clear(asides)
    return filled


def _unmade(made: Sequence[Path]) -> None:
    """Take away folders that were made and hold nothing."""
    for one in sorted(made, key=lambda folder: len(folder.absolute().parts), reverse=True):
        if one.is_dir() and not any(one.iterdir()):
            one.rmdir()


def _made_already(path: Path) -> None:
    """What its neighbour's writer made."""


def check_file(path: Path) -> None:
    """Returns if a file may be written there; asked before the work, so that it is not in vain.

    Raises:
        ConfigError: a folder or an audit stands there, or it cannot be written.
    """
    if "\0" in str(path):
        raise ConfigError(f"{str(path)[:200]!r} cannot be written: no file's name has a null byte; name another file.")
    if not _is_stream(path):
        _check_folder(_target(path).parent, f"{str(path)[:200]}")


def _is_stream(path: Path) -> bool:
    with _told(path):
        return str(path) in _STANDARD or (path.exists() and not path.is_file() and not path.is_dir())


def _opened(path: Path) -> IO[bytes]:
    """A pipe; standard output as this process has it, since opened anew it would be written from its beginning where it is a file."""
    if str(path) not in _STANDARD:
        return path.open("wb")
    sys.stdout.flush()
    return os.fdopen(os.dup(_STANDARD[str(path)]), "wb")


def _target(path: Path) -> Path:
    """Where a file goes: through a link to what it names; never onto a folder or a part of an audit."""
    with _told(path):
        if path.is_dir():
            raise ConfigError(f"{path} is a folder; name a file in it.")
        target = path.resolve() if path.is_symlink() else path
        if _is(target, AN_AUDIT):
            raise ConfigError(f"{path} is an audit; name another file.")
        if target.name in (CUBE, SCORES) and holds_audit(target.parent):
            raise ConfigError(f"{path} is an audit's {'cube' if target.name == CUBE else 'scores'}; name another file.")
        return target


def _writer(content: bytes) -> Writer:
    return lambda path: _write(path, content)


def _write_all(asked: Mapping[Path, Writer | None]) -> None:
    files = {direct(path.parent) / path.name: write for path, write in asked.items()}
    made: list[Path] = []
    asides: dict[Path, Path] = {}
    try:
        for path in files:
            if path.parent not in asides:
                with _told(path.parent):
                    made += [one for one in (path.parent, *path.parent.absolute().parents) if not one.exists()]
                    path.parent.mkdir(parents=True, exist_ok=True)
                    asides[path.parent] = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=path.parent))
            if path.is_dir() and files[path] is not None:
                raise ConfigError(f"{path} is a folder, where a file must go; move it away.")
        for path, write in files.items():
            if write is not None:
                with _told(path.parent):
                    write(asides[path.parent] / path.name)
        _swap(files, asides)
    except BaseException:
        _clear(asides)
        _unmade(made)
        raise
    _clear(asides)


def _clear(asides: Mapping[Path, Path]) -> None:
    for aside in asides.values():
        shutil.rmtree(aside, ignore_errors=True)


def _swap(files: Mapping[Path, Writer | None], asides: Mapping[Path, Path]) -> None:
    """Move every new file into its place, or put back what was there."""
    kept = {folder: Path(tempfile.mkdtemp(dir=aside)) for folder, aside in asides.items()}
    done: list[Path] = []
    try:
        for path, write in files.items():
            with _told(path.parent):
                done.append(path)
                if path.exists():
                    os.replace(path, kept[path.parent] / path.name)
                if write is not None:
                    os.replace(asides[path.parent] / path.name, path)
    except BaseException:
        for path in done:
            if (kept[path.parent] / path.name).exists():
                os.replace(kept[path.parent] / path.name, path)
            elif files[path] is not None and not (asides[path.parent] / path.name).exists():
                _take_away(path)
        raise


def _take_away(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _copy(source: Path, path: Path) -> None:
    with source.open("rb") as read, path.open("wb") as file:
        shutil.copyfileobj(read, file)
        file.flush()
        os.fsync(file.fileno())


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ContentError(f"no disk space is left for {folder}; nothing was written; free some and run again.") from error
        raise ConfigError(f"{folder} cannot be written: {error.strerror or error}; name another folder.") from error
