"""`fairaudit mitigate reweigh --fine-tune` and `--trainer`: which flags go together, and the run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from fairaudit.cli.audit import OPTIONS
from fairaudit.errors import ConfigError, FairauditError, listed, raise_all

if TYPE_CHECKING:
    from fairaudit.config import AuditConfig
    from fairaudit.mitigations.parts import Parts
    from fairaudit.mitigations.proof import Proof
    from fairaudit.mitigations.retrained_card import RetrainedCard

_TUNED = ("--without-attribute", "--epochs", "--learning-rate", "--training-batch", "--patience")
_WRITTEN = ("--weight-column", "--format")
TRAINING: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("--fine-tune",), {"is_flag": True, "help": "Train --model on under the weights, and export it."}),
    (("--trainer",), {"metavar": "CMD", "help": "Run this command, as 'python train.py {data} {out}', and take the SavedModel that it leaves in {out}; {data} is the rows with their weights, {weights} the weights alone."}),
    (("--strength",), {"type": float, "metavar": "P", "help": "The power of what weights are multiplied by: 0 changes none, 1 makes label and group independent, more goes further. [default: 1]"}),
    (("--without-attribute",), {"is_flag": True, "help": "Of --fine-tune: withhold from the model each protected attribute that it takes; the exported one is not asked for it."}),
    (("--epochs",), {"type": int, "metavar": "N", "help": "Of --fine-tune: see each row so often at most. [default: 50]"}),
    (("--learning-rate",), {"type": float, "metavar": "R", "help": "Of --fine-tune: Adam's. [default: 0.001]"}),
    (("--training-batch",), {"type": int, "metavar": "N", "help": "Of --fine-tune: rows in a step. [default: 256]"}),
    (("--patience",), {"type": int, "metavar": "N", "help": "Of --fine-tune: end after so many epochs without a better one. [default: 5]"}),
)


def with_training(command: Callable[..., int]) -> Callable[..., int]:
    for names, settings in reversed(TRAINING):
        command = click.option(*names, **settings)(command)
    return command


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How a model is to be trained."""

    fine_tune: bool
    trainer: str | None
    flags: Mapping[str, Any]  # those of `TRAINING`, and of what is written, that were given → their values

    @property
    def is_asked(self) -> bool:
        return self.fine_tune or self.trainer is not None

    @property
    def strength(self) -> float:
        return float(self.flags.get("--strength", 1.0))


def idle(asked: Asked, given: Mapping[str, Any], reading: Collection[str]) -> Iterator[FairauditError]:
    """A mistake for flags that say nothing of what was asked.

    Args:
        given: flags of an audit, by the names of their parameters, and of the parts.
        reading: those that say how rows are read.
    """
    if asked.fine_tune and asked.trainer is not None:
        yield ConfigError("--fine-tune trains the model here and --trainer lets a command do it; keep one.")
        return
    if not asked.is_asked:
        used = [*(name for name, value in _flags(given).items() if name not in reading), *(name for name in asked.flags if name not in _WRITTEN)]
        if used:
            yield ConfigError(f"{listed(used)} {'is' if len(used) == 1 else 'are'} for a model that is trained with the weights; add --fine-tune, or --trainer CMD, or leave {'it' if len(used) == 1 else 'them'} out.")
        return
    no_use = [name for name in asked.flags if name in (_WRITTEN if asked.fine_tune else _TUNED)]
    if no_use and asked.fine_tune:
        yield ConfigError(f"{listed(no_use)} {'says' if len(no_use) == 1 else 'say'} how weights are written, and --fine-tune writes none; leave {'it' if len(no_use) == 1 else 'them'} out.")
    elif no_use:
        yield ConfigError(f"{listed(no_use)} {'is' if len(no_use) == 1 else 'are'} for --fine-tune, and --trainer trains as its command does; leave {'it' if len(no_use) == 1 else 'them'} out.")


def parameters(flags: Collection[str]) -> dict[str, str]:
    """What click calls the parameters of an audit's flags → the flags."""
    return {(names[1] if len(names) > 1 else names[0].lstrip("-").replace("-", "_")): names[0] for names, _ in OPTIONS if names[0] in flags}


def _flags(given: Mapping[str, Any]) -> dict[str, Any]:
    """Flag → its value, of what was given."""
    names = parameters([names[0] for names, _ in OPTIONS]) | {"share": "--split", "holdout": "--holdout"}
    found = {flag: given[name] for name, flag in names.items() if given.get(name) is not None and given[name] != ()}
    return found | ({"--duplicates": "apart"} if given.get("duplicates") == "apart" else {})


def configured(asked: Asked, config: AuditConfig) -> AuditConfig:
    """The configuration of the audits.

    Raises:
        ConfigError, Several: it cannot be.
    """
    from fairaudit.config import validate
    from fairaudit.mitigations.fine_tuning import FineTuning
    from fairaudit.mitigations.retrained import asked_of_training
    from fairaudit.mitigations.trainer import trainer_of

    mistakes: list[FairauditError] = []
    found = config
    try:
        found = asked_of_training(config, has_model=asked.fine_tune)
        validate(found)
    except FairauditError as error:
        mistakes.append(error)
    for check in (lambda: FineTuning(**_settings(asked)), lambda: None if asked.trainer is None else trainer_of(asked.trainer)):
        try:
            check()
        except FairauditError as error:
            mistakes.append(error)
    raise_all(mistakes)
    return found


def _settings(asked: Asked) -> dict[str, Any]:
    names = {"--strength": "strength", "--without-attribute": "without_attribute", "--epochs": "epochs", "--learning-rate": "learning_rate", "--training-batch": "batch_size", "--patience": "patience"}
    return {names[flag]: value for flag, value in asked.flags.items() if flag in names}


def retrained(asked: Asked, config: AuditConfig, parts: Parts, into: Path, aside: Path, *, together: bool, stream: TextIO, quiet: bool) -> tuple[RetrainedCard, Proof]:
    """Train, and judge what came of it.

    Args:
        config: as `configured` gives it.
        stream: what the user sees besides the result.
    """
    from contextlib import ExitStack, suppress

    from fairaudit.cli.console import progress_to
    from fairaudit.data.files import files_of
    from fairaudit.data.source import Source
    from fairaudit.data.written import format_of
    from fairaudit.mitigations.fine_tuning import FineTuning
    from fairaudit.mitigations.retrained import Command, by_fine_tuning, by_trainer
    from fairaudit.mitigations.reweighing import WEIGHT
    from fairaudit.mitigations.trainer import trainer_of

    with ExitStack() as opened:
        if asked.trainer is None:
            return by_fine_tuning(config, FineTuning(**_settings(asked)), parts, into, aside, together=together, progress=opened.enter_context(progress_to(stream, quiet=quiet)))

        def show(piece: bytes) -> None:
            with suppress(OSError):  # nobody reads it, which is no reason to stop
                stream.flush()
                stream.buffer.write(piece)
                stream.buffer.flush()

        column = asked.flags.get("--weight-column")
        command = Command(
            trainer=trainer_of(asked.trainer), format=asked.flags.get("--format") or format_of(Source(files=files_of(config.data))), weight_column=WEIGHT if column is None else column, strength=asked.strength, show=show,
        )  # fmt: skip
        # A bar would be torn by what the command says, so it comes after that.
        return by_trainer(config, command, parts, into, aside, watched=lambda: opened.enter_context(progress_to(stream, quiet=quiet)))
