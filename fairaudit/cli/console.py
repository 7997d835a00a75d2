"""What the user sees besides the result: progress on a terminal, silence elsewhere, and no library's noise."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

from fairaudit.errors import ContentError

if TYPE_CHECKING:
    from fairaudit.cube.scored import Progress


def say(text: str, *, nl: bool = True, color: bool | None = None) -> None:
    """Print to standard output. Where nobody reads on, the rest is dropped, and the exit code stays what it is.

    Raises:
        ContentError: standard output cannot be written for another reason.
    """
    import click

    try:
        # Written here and not by click, which would end the program with exit code 1 for a closed pipe.
        print(text if color else click.unstyle(text), end="\n" if nl else "", flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise ContentError(f"standard output cannot be written: {error.strerror or error}.") from error


@contextmanager
def silenced(*, debug: bool) -> Iterator[IO[str]]:
    """Standard error for ourselves alone; what native libraries write to it is dropped, unless `debug` asks for it."""
    if debug:
        yield sys.stderr
        return
    sys.stderr.flush()
    kept = os.dup(2)
    ours = os.fdopen(os.dup(kept), "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace")
    before = sys.stderr
    with tempfile.TemporaryFile() as nowhere:
        os.dup2(nowhere.fileno(), 2)
        sys.stderr = ours
        try:
            yield ours
        finally:
            sys.stderr = before
            os.dup2(kept, 2)
            os.close(kept)


@contextmanager
def progress_to(stream: IO[str], *, quiet: bool) -> Iterator[Progress | None]:
    """A bar with rows, rate and time left while a model scores; only on a terminal, and not in CI."""
    if quiet or not stream.isatty() or os.environ.get("CI"):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("scoring"), BarColumn(), MofNCompleteColumn(), TextColumn("rows"), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    with Bar(*columns, console=Console(file=stream, stderr=True), transient=True) as bar:
        task = bar.add_task("scoring", total=None, rate="")

        def advance(done: int, total: int) -> None:
            speed = bar.tasks[0].finished_speed or bar.tasks[0].speed
            bar.update(task, completed=done, total=total, rate=f"{speed:,.0f} rows/s" if speed else "")

        yield advance
