"""Which engines an audit asks; their libraries are imported in the background."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial
from types import TracebackType
from typing import Protocol

from fairaudit.cube.counts import Counts
from fairaudit.errors import ConfigError
from fairaudit.interrupts import in_background
from fairaudit.metrics import engines
from fairaudit.metrics.answers import NATIVE, Answer, Reply, gathered, replies
from fairaudit.metrics.engines.interface import Engine, Quantity

_SLOW = "tfma"  # its import takes longer than TensorFlow's own


class Witness(Protocol):
    """One or more engines, wherever they run."""

    def begin(self) -> None:
        """Import them in the background; called once the audit's input has been found sound."""

    def ask(self, wanted: Sequence[Quantity], counts: Counts) -> list[Reply]:
        """What the engines say.

        Raises:
            ContentError: a library cannot be imported, or broke.
        """

    def close(self) -> None:
        """Give back what it holds; more than once does no harm."""


class Here:
    """Engines in this process, imported by a thread."""

    def __init__(self, names: Sequence[str], *, seed: int) -> None:
        self._names, self._seed = names, seed
        self._loaded: Future[list[Engine]] | None = None

    def begin(self) -> None:
        self._loaded = self._loaded or in_background(self._load)

    def ask(self, wanted: Sequence[Quantity], counts: Counts) -> list[Reply]:
        found = self._loaded.result() if self._loaded else self._load()
        return [reply for engine in found for reply in replies(engine, wanted, counts)]

    def close(self) -> None:
        pass

    def _load(self) -> list[Engine]:
        return [engines.loaded(name, seed=self._seed) for name in self._names]


class Witnesses:
    """The engines asked for. Close them, or use `with`."""

    def __init__(self, asked: Sequence[str], *, seed: int, apart: bool, debug: bool = False) -> None:
        """Find them.

        Args:
            asked: engines by name; none: all that are installed.
            seed: of the sample of slices that they check where there are too many.
            apart: TFMA in a process of its own, which begins at once: quicker where a model is scored too and there is a second core.
            debug: what it prints there is shown.

        Raises:
            ConfigError: one that was asked for is not installed.
        """
        wanted = tuple(name for name in (asked or engines.WITNESSES) if name != NATIVE)
        self.versions = {NATIVE: engines.installed(NATIVE)} | {name: engines.installed(name) for name in wanted}
        missing = [name for name in wanted if self.versions[name] is None]
        if missing and asked:
            raise ConfigError(f"--engine {missing[0]}: its library is not installed; pip install 'fairaudit[{missing[0]}]', or audit with --engine native.")
        self.notes = tuple(f"The engine {name} is not installed and checked nothing; pip install 'fairaudit[{name}]' adds it." for name in missing)
        names = [name for name in wanted if name not in missing]
        self.asked = tuple(names)
        self._all = _witnesses(names, seed, apart, debug)

    def __enter__(self) -> Witnesses:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for one in self._all:
            one.close()

    def begin(self) -> None:
        """Import them in the background; to be called once the input has been found sound."""
        for one in self._all:
            one.begin()

    def ask(self, wanted: Sequence[Quantity], counts: Counts) -> tuple[Answer, ...]:
        """Every quantity by the native engine and by each witness that computes it.

        Raises:
            ContentError: a library cannot be imported, or broke.
        """
        told = [in_background(partial(one.ask, wanted, counts)) for one in self._all]
        return gathered(wanted, (*replies(engines.engine(NATIVE), wanted, counts), *(reply for one in told for reply in one.result())))


def _witnesses(names: Sequence[str], seed: int, apart: bool, debug: bool) -> list[Witness]:
    if apart and _SLOW in names:
        from fairaudit.metrics.apart import Apart

        others = [name for name in names if name != _SLOW]
        return [Apart(_SLOW, seed=seed, debug=debug), *([Here(others, seed=seed)] if others else [])]
    return [Here(names, seed=seed)] if names else []
