"""Which engines an audit asks; their libraries are imported in the background, while the model is loaded and scores."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from types import TracebackType

from fairaudit.cube.counts import Counts
from fairaudit.errors import ConfigError
from fairaudit.metrics import engines
from fairaudit.metrics.answers import NATIVE, Answer, Reply, gathered, replies
from fairaudit.metrics.engines.interface import Engine, Quantity


class Witnesses:
    """The engines asked for, being imported since it was made: in a thread, or in a process of their own. Close it, or use `with`."""

    def __init__(self, asked: Sequence[str], *, seed: int, apart: bool, debug: bool = False) -> None:
        """Begin to import.

        Args:
            asked: engines by name; none: all that are installed.
            seed: of the sample of slices that they check where there are too many.
            apart: in a process of their own: quicker where a model is scored too and there is a second core; imported anew each time.
            debug: what the libraries print there is shown.

        Raises:
            ConfigError: one that was asked for is not installed.
        """
        wanted = tuple(name for name in (asked or engines.WITNESSES) if name != NATIVE)
        self.versions = {NATIVE: engines.installed(NATIVE)} | {name: engines.installed(name) for name in wanted}
        missing = [name for name in wanted if self.versions[name] is None]
        if missing and asked:
            raise ConfigError(f"--engine {missing[0]}: its library is not installed; pip install 'fairaudit[{missing[0]}]', or audit with --engine native.")
        self.notes = tuple(f"The engine {name} is not installed and checked nothing; pip install 'fairaudit[{name}]' adds it." for name in missing)
        names = tuple(name for name in wanted if name not in missing)
        self._ask: Callable[[Sequence[Quantity], Counts], list[Reply]] = lambda wanted, counts: []
        self._close: Callable[[], None] = lambda: None
        if names:
            prepare_tensorflow()
            self._ask, self._close = _in_a_process(names, seed, debug) if apart else (_in_a_thread(names, seed), self._close)

    def __enter__(self) -> Witnesses:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close()

    def ask(self, wanted: Sequence[Quantity], counts: Counts) -> tuple[Answer, ...]:
        """Every quantity by the native engine and by each witness that computes it.

        Raises:
            ContentError: a library cannot be imported, or broke.
        """
        return gathered(wanted, (*replies(engines.engine(NATIVE), wanted, counts), *self._ask(wanted, counts)))


def _in_a_thread(names: Sequence[str], seed: int) -> Callable[[Sequence[Quantity], Counts], list[Reply]]:
    made: Future[tuple[Engine, ...]] = Future()

    def make() -> None:
        try:
            made.set_result(tuple(engines.loaded(name, seed=seed) for name in names))
        except BaseException as error:
            made.set_exception(error)

    threading.Thread(target=make, daemon=True).start()
    return lambda wanted, counts: [reply for engine in made.result() for reply in replies(engine, wanted, counts)]


def _in_a_process(names: Sequence[str], seed: int, debug: bool) -> tuple[Callable[[Sequence[Quantity], Counts], list[Reply]], Callable[[], None]]:
    from fairaudit.metrics.apart import Apart

    process = Apart(names, seed=seed, debug=debug)
    return process.ask, process.close


def prepare_tensorflow() -> None:
    """What must stand in the environment before TensorFlow is first imported: Keras is not needed, and its logs are noise."""
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
