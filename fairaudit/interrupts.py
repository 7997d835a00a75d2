"""Work in the background, and Ctrl-C, or a signal that asks the program to end, while it lasts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, TypeVar

from fairaudit.ending import Ended

if TYPE_CHECKING:
    import duckdb

T = TypeVar("T")
_PATIENCE = 5.0  # seconds; a query looks for an interrupt with each 2,048 rows


def in_background(work: Callable[[], T]) -> Future[T]:
    """What `work` will give, done by a thread that does not keep the program alive after Ctrl-C, as a pool's would."""
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return done


def stoppable(connection: duckdb.DuckDBPyConnection, work: Callable[[], T]) -> T:
    """What `work` gives, done by another thread, so that this one hears Ctrl-C, or that it shall end, and stops the connection's query.

    By itself DuckDB hears it only between tasks, and the thread that asked takes part in them.
    """
    done = in_background(work)
    try:
        return done.result()
    except (KeyboardInterrupt, Ended):
        connection.interrupt()
        wait([done], timeout=_PATIENCE)
        raise
