"""Which engines an audit asks; their libraries are imported in the background, while the model is loaded and scores."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future

from fairaudit.errors import ConfigError, ContentError
from fairaudit.metrics import engines
from fairaudit.metrics.answers import NATIVE
from fairaudit.metrics.engines.interface import Engine


class Witnesses:
    """The engines asked for, being imported since it was made; `engines` waits for them."""

    def __init__(self, asked: Sequence[str], *, seed: int) -> None:
        """Begin to import.

        Args:
            asked: engines by name; none: all that are installed.
            seed: of the sample of slices that they check where there are too many.

        Raises:
            ConfigError: one that was asked for is not installed.
        """
        self._seed = seed
        wanted = tuple(name for name in (asked or engines.WITNESSES) if name != NATIVE)
        self.versions = {NATIVE: engines.installed(NATIVE)} | {name: engines.installed(name) for name in wanted}
        missing = [name for name in wanted if self.versions[name] is None]
        if missing and asked:
            raise ConfigError(f"--engine {missing[0]}: its library is not installed; pip install 'fairaudit[{missing[0]}]', or audit with --engine native.")
        self.notes = tuple(f"The engine {name} is not installed and checked nothing; pip install 'fairaudit[{name}]' adds it." for name in missing)
        self._names = tuple(name for name in wanted if name not in missing)
        self._made: Future[tuple[Engine, ...]] = Future()
        if self._names:
            prepare_tensorflow()
        threading.Thread(target=self._make, daemon=True).start()

    def engines(self) -> tuple[Engine, ...]:
        """The engines, the native one first.

        Raises:
            ContentError: a library that is installed cannot be imported.
        """
        return self._made.result()

    def _make(self) -> None:
        made = [engines.engine(NATIVE, seed=self._seed)]
        for name in self._names:
            try:
                made.append(engines.engine(name, seed=self._seed))
            except Exception as broken:  # whatever a half-installed library raises while it is imported
                self._made.set_exception(ContentError(f"the {name} engine cannot be loaded ({broken}); mend its installation, or audit with --engine native."))
                return
        self._made.set_result(tuple(made))


def prepare_tensorflow() -> None:
    """What must stand in the environment before TensorFlow is first imported: Keras is not needed, and its logs are noise."""
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
