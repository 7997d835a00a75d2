"""Ctrl-C while DuckDB works."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

import duckdb

T = TypeVar("T")
_PATIENCE = 5.0  # seconds; a query looks for an interrupt with each 2,048 rows


def stoppable(connection: duckdb.DuckDBPyConnection, work: Callable[[], T]) -> T:
    """What `work` gives, done by another thread, so that this one hears Ctrl-C and stops the connection's query.

    By itself DuckDB hears it only between tasks, and the thread that asked takes part in them.
    """
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        return done.result()
    except KeyboardInterrupt:
        connection.interrupt()
        thread.join(_PATIENCE)
        raise
