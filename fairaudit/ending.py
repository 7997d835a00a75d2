"""SIGTERM and SIGHUP: the program ends by way of all that has something to clean up."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable

_TWICE = 5.0  # seconds


class Ended(SystemExit):
    """The program was asked to end: it goes by way of its callers, who clean up."""

    def __init__(self, signum: int) -> None:
        super().__init__(128 + signum)
        self.signum = signum


def end_by_callers() -> Callable[[], Ended | None]:
    """From now on SIGTERM and SIGHUP, which would end the program at once and leave its files and processes behind, raise `Ended`; who ignores one, as nohup does, goes on.

    Returns:
        What tells by which signal the program was asked to end, where it was: a library may make another error of it.
    """
    heard: list[tuple[float, Ended]] = []
    if threading.current_thread() is threading.main_thread():

        def end(signum: int, _: object) -> None:
            now = time.monotonic()
            if heard and now - heard[-1][0] < _TWICE:  # a terminal that closes says so twice, and cleaning up must not be cut short by it
                return
            heard.append((now, Ended(signum)))
            raise heard[-1][1]

        for signum in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(signum) == signal.SIG_DFL:
                signal.signal(signum, end)
    return lambda: heard[0][1] if heard else None
