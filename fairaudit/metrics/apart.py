"""A witness in a process of its own, so that its imports and TensorFlow's take two cores at once.

Imports hold Python's lock: in a thread beside the model they cost as much as one after the other. The processes talk by pickles over
pipes that nobody else has.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from fairaudit.cube.counts import Counts
from fairaudit.errors import ContentError
from fairaudit.imports import uncollected
from fairaudit.metrics import engines
from fairaudit.metrics.answers import Reply, replies
from fairaudit.metrics.engines.interface import Quantity

# The child finds modules where we do, and nowhere else: by itself it would take a calendar.py in the working directory for Python's own.
_CHILD = "import json, sys; sys.path[:] = json.loads(sys.argv.pop(1)); from fairaudit.metrics.apart import main; main(sys.argv[1:])"


class Apart:
    """A process that imports an engine as soon as it is made, answers once, and ends."""

    def __init__(self, name: str, *, seed: int, debug: bool) -> None:
        self._name = name
        self._said = None if debug else tempfile.TemporaryFile()  # noqa: SIM115 as long as the process runs; a pipe that nobody reads meanwhile could fill up
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _CHILD, json.dumps(sys.path), str(seed), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said
        )

    def begin(self) -> None:
        """It began when it was made."""

    def ask(self, wanted: Sequence[Quantity], counts: Counts) -> list[Reply]:
        """What the engine says.

        Raises:
            ContentError: its library cannot be imported, or broke; or the process ended.
        """
        try:
            said, _ = self._process.communicate(pickle.dumps((tuple(wanted), counts)))
            told: list[Reply] | str = pickle.loads(said)
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            raise ContentError(
                f"the {self._name} engine's process ended without an answer (exit code {self._process.poll()}{self._last_words()}); "
                "is there enough memory? Audit without it with --engine native."
            ) from error
        if isinstance(told, str):
            raise ContentError(told)
        return told

    def close(self) -> None:
        """End the process if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()  # its pipes may still be another thread's, which asks
        if self._said is not None:
            self._said.close()

    def _last_words(self) -> str:
        """The last line that the process said, as a sentence has it."""
        if self._said is None or self._said.closed:
            return ""
        self._said.seek(0)
        lines = [line.strip() for line in self._said.read().decode(errors="replace").splitlines()]
        return next((f": {line[:200]}" for line in reversed(lines) if line), "")


def main(arguments: Sequence[str]) -> None:
    """Import the engine, read what is wanted from standard input, and write the replies to standard output."""
    answer_to = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not stand among the answers
    seed, name = arguments
    told: list[Reply] | str
    try:
        with uncollected():
            engine = engines.loaded(name, seed=int(seed))
        wanted, counts = pickle.load(sys.stdin.buffer)
        told = replies(engine, wanted, counts)
    except ContentError as error:
        told = str(error)
    except (EOFError, KeyboardInterrupt):
        os._exit(1)  # nobody asks any more
    with answer_to:
        pickle.dump(told, answer_to)
    os._exit(0)  # TensorFlow's teardown takes two seconds
