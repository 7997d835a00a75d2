"""The user's own training: a command that is given the rows and their weights, and leaves a SavedModel."""

from __future__ import annotations

import os
import re
import selectors
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from fairaudit.errors import ConfigError, ContentError, listed, nearest
from fairaudit.models.folder import saved_model_folder
from fairaudit.models.interface import NotAModel

DATA, WEIGHTS, OUT = "{data}", "{weights}", "{out}"
_KNOWN = (DATA, WEIGHTS, OUT)
_EXAMPLE = "--trainer 'python train.py --data {data} --out {out}'"
_PATIENCE = 5.0  # seconds that a command has to end when it is asked to
_LOOK = 0.2  # seconds between looks at whether it has ended
_KEPT = 4096  # bytes of its output, for the last line
_LONGEST = 200  # of a line in a sentence
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class TrainingFailed(ContentError):
    """The command did not leave a model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainer:
    """A command as the words that it is made of; no shell reads them."""

    words: tuple[str, ...]

    def command(self, data: Path, weights: Path, out: Path) -> tuple[str, ...]:
        """The words with the places in them."""
        places = dict(zip(_KNOWN, (data, weights, out), strict=True))
        found = []
        for word in self.words:
            for name, place in places.items():
                word = word.replace(name, str(place))
            found.append(word)
        return tuple(found)


def trainer_of(text: str) -> Trainer:
    """What --trainer says.

    Raises:
        ConfigError: it is no command, or has no place for the data or the model.
    """
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise ConfigError(f"--trainer {text!r} cannot be cut into words ({error}); quote it as a shell would want it, though none reads it.") from error
    if not words:
        raise ConfigError(f"--trainer is an empty text; give a command, as {_EXAMPLE}.")
    unknown = [one for word in words for one in re.findall(r"\{\w+\}", word) if one not in _KNOWN]

    def meant(name: str) -> str:
        near = next((one for one in unknown if nearest(one, (name,))), None)
        return f" (is {near} meant to be it?)" if near else ""

    if not any(OUT in word for word in words):
        raise ConfigError(f"--trainer has no {OUT}{meant(OUT)}, which stands for the folder that the command must leave its SavedModel in; write it as {_EXAMPLE}.")
    if not any(name in word for word in words for name in (DATA, WEIGHTS)):
        raise ConfigError(f"--trainer has neither {DATA}{meant(DATA)}, which stands for the rows with their weights, nor {WEIGHTS}{meant(WEIGHTS)}, for the weights alone; write it as {_EXAMPLE}.")
    strange = next((one for one in words if re.fullmatch(r"\{\w+\}", one) and one not in _KNOWN), None)
    if strange is not None:
        near = nearest(strange, _KNOWN)
        raise ConfigError(f"--trainer: {strange} stands for nothing{f'; did you mean {near}?' if near else ''}{'' if near else '; known are ' + listed(_KNOWN)}; the command would be given it as it is.")
    return Trainer(words=words)


def run(trainer: Trainer, *, data: Path, weights: Path, out: Path, environment: Mapping[str, str], show: Callable[[bytes], None]) -> str:
    """Run it to its end; the last line that it said.

    Args:
        out: a folder, which is made and empty.
        environment: of the command.
        show: given what it says as it says it.

    Raises:
        ConfigError: there is no such program.
        TrainingFailed: it ended otherwise than well, or without a SavedModel.
    """
    out.mkdir(parents=True, exist_ok=True)
    command = trainer.command(data, weights, out)
    said = b""
    with _started(command, environment) as process:
        for piece in _output(process):
            show(piece)
            said = (said + piece)[-_KEPT:]
        code = process.wait()
    last = _last_line(said)
    if code < 0:
        raise TrainingFailed(f"the trainer was stopped by {_signal(-code)}; the last it said: {last}.")
    if code:
        raise TrainingFailed(f"the trainer ended with exit code {code}; the last it said: {last}.")
    try:
        saved_model_folder(out)
    except NotAModel as lacking:
        raise TrainingFailed(f"the trainer ended well and left no SavedModel in {OUT}, where saved_model.pb must be ({_inside(out)}); the last it said: {last}.") from lacking
    return last


@contextmanager
def _started(command: tuple[str, ...], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """The command in a session of its own, so that whatever stops this program stops it and all that it has started."""
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(environment), start_new_session=True)
    except (OSError, ValueError) as error:
        raise ConfigError(f"--trainer: {command[0]!r} cannot be run ({getattr(error, 'strerror', None) or error}); name a program that is there, with its path where the system does not find it.") from error
    try:
        yield process
    except BaseException:
        _stop(process)
        raise
    finally:
        if process.stdout is not None:
            process.stdout.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask all of its session to end, and end what does not."""
    for signum in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signum)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)


def _output(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """What it says, until it ends: what it leaves running in the background may hold its output open."""
    assert process.stdout is not None
    descriptor = process.stdout.fileno()
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while True:
            ended = process.poll() is not None
            if selector.select(0 if ended else _LOOK):
                piece = os.read(descriptor, 1 << 16)
                if not piece:
                    return
                yield piece
            elif ended:
                return


def _last_line(said: bytes) -> str:
    text = _ESCAPES.sub("", said.decode("utf-8", errors="replace"))
    lines = [line.strip() for line in re.split(r"[\r\n]+", text) if line.strip()]
    return repr(lines[-1][:_LONGEST]) if lines else "nothing"


def _signal(number: int) -> str:
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"


def _inside(out: Path) -> str:
    if not out.is_dir():
        return "it is no folder"
    names = sorted(one.name for one in out.iterdir())
    return f"it holds {', '.join(names[:5])}{f' and {len(names) - 5} more' if len(names) > 5 else ''}" if names else "it is empty"
