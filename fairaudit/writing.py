"""The audit's files: written aside and moved, all or nothing; what is not ours is never replaced unasked."""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

from fairaudit.cube.cube import Cube
from fairaudit.cube.saved import SCORES, are_scores
from fairaudit.errors import ConfigError, ContentError
from fairaudit.gate.policy import Ruling
from fairaudit.result import Audit, to_json

AUDIT, REPORT, CUBE = "audit.json", "report.html", "cube.parquet"
_ASIDE = ".fairaudit-"  # what a folder that is written to begins with; it stays where the machine stops
Writer = Callable[[Path], None]


def check_out(out: Path, *, force: bool) -> None:
    """Returns if an audit may be written to this folder; asked before the work, so that it is not in vain.

    Raises:
        ConfigError: it is a file, holds something else, or cannot be written.
    """
    try:
        exists, is_dir = out.exists(), out.is_dir()
        is_taken = is_dir and any(not one.name.startswith(_ASIDE) for one in out.iterdir()) and not holds_audit(out)
    except OSError as error:
        raise ConfigError(f"--out {str(out)[:60]} cannot be a folder of ours: {error.strerror or error}; name another.") from error
    if exists and not is_dir:
        raise ConfigError(f"--out {out} is a file; name a folder.")
    if is_taken and not force:
        raise ConfigError(f"--out {out} holds something other than an audit; name another folder, or add --force to write into it.")
    nearest = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise ConfigError(f"--out {out} cannot be written: {nearest} is not a folder that you may write to.")


def holds_audit(out: Path) -> bool:
    """Whether an audit was written to this folder."""
    return _is_audit(out / AUDIT)


def _is_audit(file: Path) -> bool:
    """Whether a file is an audit: it begins as ours do, whatever follows."""
    if not file.is_file():
        return False
    with file.open("rb") as opened:
        return re.match(rb'\{\s*"schema":\s*"fairaudit/audit/', opened.read(200)) is not None


def write_audit(audit: Audit, cube: Cube, out: Path, *, scores: Path | None = None, ruling: Ruling | None = None, as_of: date | None = None) -> None:
    """audit.json, report.html, cube.parquet and, where they were kept, scores.parquet into a folder.

    Args:
        scores: where they were kept.
        ruling: what the gate made of the audit, for the report.
        as_of: the day, for the report.

    Raises:
        ConfigError, ContentError: it cannot be written, or the disk is full; nothing is left behind then.
    """
    from fairaudit.cube.stored import write_cube
    from fairaudit.reports.html import render

    report = render(audit, ruling, as_of=as_of).encode()
    kept: dict[str, Writer] = {} if scores is None else {SCORES: lambda path: _copy(scores, path)}
    files = kept | {CUBE: lambda path: write_cube(cube, path), REPORT: lambda path: _write(path, report), AUDIT: lambda path: _write(path, to_json(audit))}
    write_files(out, files, without=() if kept or not (holds_audit(out) and are_scores(out / SCORES)) else (SCORES,))  # a former audit's would stand beside another's numbers


def write_file(path: Path, content: bytes) -> None:
    """One file, whole or not at all; what is no file, as a pipe or /dev/stdout, is written to and stays.

    Raises:
        ConfigError: a folder or an audit stands there, or it cannot be written.
        ContentError: the disk is full.
    """
    with _told(path):
        if path.is_dir():
            raise ConfigError(f"{path} is a folder; name a file in it.")
        if path.exists() and not path.is_file():
            with suppress(BrokenPipeError), path.open("wb") as stream:  # nobody reads on
                stream.write(content)
            return
        target = path.resolve() if path.is_symlink() else path
        if _is_audit(target):
            raise ConfigError(f"{path} is an audit; name another file.")
        if target.name in (CUBE, SCORES) and holds_audit(target.parent):
            raise ConfigError(f"{path} is an audit's {'cube' if target.name == CUBE else 'scores'}; name another file.")
    write_files(target.parent, {target.name: lambda aside: _write(aside, content)})


def write_files(folder: Path, files: Mapping[str, Writer], *, without: Sequence[str] = ()) -> None:
    """Each file by its writer: first all beside the folder, then moved, the last named last.

    Args:
        without: files that are taken away with it.
    """
    with _told(folder):
        for name in files:
            if (folder / name).is_dir():
                raise ConfigError(f"{folder / name} is a folder, where a file must go; move it away.")
        made = [one for one in (folder, *folder.absolute().parents) if not one.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=folder))
        try:
            for name, write in files.items():
                write(aside / name)
            _swap(aside, folder, tuple(files), without)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            for one in made:
                if one.is_dir() and not any(one.iterdir()):
                    one.rmdir()
            raise
        shutil.rmtree(aside, ignore_errors=True)


def _swap(aside: Path, folder: Path, names: Sequence[str], without: Sequence[str]) -> None:
    """Move every new file into its place, and others away, or put back what was there."""
    kept = aside / "former"
    kept.mkdir()
    done: list[str] = []
    try:
        for name in (*without, *names):
            done.append(name)
            if (folder / name).exists():
                os.replace(folder / name, kept / name)
            if name not in without:
                os.replace(aside / name, folder / name)
    except BaseException:
        for name in done:
            if (kept / name).exists():
                os.replace(kept / name, folder / name)
            elif not (aside / name).exists():
                (folder / name).unlink(missing_ok=True)
        raise


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
