"""What the user sees besides the result: progress on a terminal, silence elsewhere, and no library's noise."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, TextIO

from fairaudit.errors import ContentError

if TYPE_CHECKING:
    from rich.progress import TaskID

    from fairaudit.data.progress import Progress


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
def silenced(*, debug: bool) -> Iterator[TextIO]:
    """Standard error for ourselves alone, as a stream; what libraries write to it is dropped, unless `debug` asks for it."""
    if debug:
        yield sys.stderr
        return
    sys.stderr.flush()
    kept = os.dup(2)
    ours = os.fdopen(os.dup(kept), "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace")
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield ours
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)


@contextmanager
def progress_to(stream: IO[str], *, quiet: bool) -> Iterator[Progress | None]:
    """A bar with rows, rate and time left for what takes long; only on a terminal, and not in CI."""
    if quiet or not stream.isatty() or os.environ.get("CI"):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[rows]}"), TimeRemainingColumn())
    with Bar(*columns, console=Console(file=stream, stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def advance(stage: str, share: float, rows: int | None) -> None:
            for earlier in tasks.keys() - {stage}:
                bar.update(tasks[earlier], visible=False)
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=1.0, rows="")
            speed = next(task.speed for task in bar.tasks if task.id == tasks[stage])
            rate = f", {speed * rows:,.0f} a second" if speed and rows else ""
            bar.update(tasks[stage], completed=share, rows=f"{share * rows:,.0f} of {rows:,} rows{rate}" if rows else "")

        yield advance
