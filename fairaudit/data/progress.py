"""How far a run has come, for whoever shows it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import duckdb

_EVERY = 0.2  # seconds


class Progress(Protocol):
    """What is told how far a stage has come; it may be called from another thread."""

    def __call__(self, stage: str, share: float, rows: int | None) -> None:
        """
        Args:
            stage: "checking", "scoring" or "counting".
            share: of the stage, from 0 to 1; it begins anew where a stage reads the data again.
            rows: how many there are in all, where that is known.
        """


@contextmanager
def watched(connection: duckdb.DuckDBPyConnection, progress: Progress | None, stage: str, rows: int | None = None) -> Iterator[None]:
    """While DuckDB works on this connection, `progress` is told how far it has come."""
    if progress is None:
        yield
        return
    connection.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(_EVERY):
            percent = connection.query_progress()
            if percent >= 0:
                progress(stage, min(percent / 100, 1.0), rows)

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield
    finally:
        ended.set()
        looking.join()
