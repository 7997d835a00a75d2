"""A model trained under Kamiran and Calders' weights, by gradients through its own signature or by the user's command: on one part of the data, and judged on another."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from fairaudit.config import AuditConfig
from fairaudit.data.files import Format, files_of
from fairaudit.data.progress import Progress
from fairaudit.data.rows import Prepared
from fairaudit.data.source import Source
from fairaudit.data.written import SUFFIXES
from fairaudit.errors import FairauditError, listed
from fairaudit.imports import prepare_tensorflow, uncollected
from fairaudit.manifest import data_files
from fairaudit.method_names import FINE_TUNED, TrainingName
from fairaudit.mitigations.card import Searched
from fairaudit.mitigations.exported import ExportedTensor
from fairaudit.mitigations.fine_tuning import FineTuned, FineTuning, check_trainable, fine_tune
from fairaudit.mitigations.parts import Parts, called_of, of_training
from fairaudit.mitigations.postprocessed import MODEL, as_cut_on, asked_of, cross_of, held_out, kept_values_of, told_of
from fairaudit.mitigations.proof import Proof, proven_anew
from fairaudit.mitigations.retrained_card import ByTrainer, RetrainedCard, RetrainedModel
from fairaudit.mitigations.reweighed import SOURCE, notes_of, write_weighted
from fairaudit.mitigations.reweighing import WEIGHT, Reweighing, reweigh
from fairaudit.mitigations.trainer import OUT, Trainer, TrainingFailed, run
from fairaudit.mitigations.training_rows import TrainingRows, training_rows
from fairaudit.mitigations.usual import usual_row
from fairaudit.mitigations.withheld import Withheld
from fairaudit.mitigations.withheld import notes_of as notes_of_withheld
from fairaudit.models import folder as places
from fairaudit.models.savedmodel import Matched
from fairaudit.models.signatures import read_signatures
from fairaudit.rules.library import load_rules
from fairaudit.run import matched_of
from fairaudit.splits.asked import wanted_of
from fairaudit.version import VERSION

RULES = ("statistical-parity",)  # that judge where none are named: selection rates follow base rates
_JUDGED = "selection_rate"
_UNWEIGHTED = "unweighted_model"
_TRAINERS_OWN = "the trainer's model"
_WHY = "Under these weights label and group are {how} in what the model learns from, so the group alone tells it {what} about the label. Whether its decisions are fairer is judged on the rows that were held out."
_WHY_STRONGER = (
    "Under these weights positives of a group that has few of them count for more than makes label and group independent, so that the model leans against what other features tell it of the group. "
    "Whether its decisions are fairer is judged on the rows that were held out."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """How the user's own training is run."""

    trainer: Trainer
    format: Format  # of what it is given
    weight_column: str
    strength: float
    show: Callable[[bytes], None]  # what it says, as it says it


def asked_of_training(config: AuditConfig, *, has_model: bool) -> AuditConfig:
    """As `postprocessed.asked_of`, for a model that decides by its scores.

    Args:
        has_model: whether there must be one before the training.

    Raises:
        ConfigError, Several: it has no model, or asks for what cannot be.
    """
    asked = asked_of(config, RULES, has_model=has_model)
    load_rules(asked.rules)
    return asked if asked.model is not None else msgspec.structs.replace(asked, model=_TRAINERS_OWN)


def by_fine_tuning(config: AuditConfig, settings: FineTuning, parts: Parts, folder: Path, aside: Path, *, together: bool = True, progress: Progress | None = None) -> tuple[RetrainedCard, Proof]:
    """Train the model on under weights on one part, export it into `folder`, and judge it on the other.

    Args:
        config: as `asked_of_training` gives it.
        aside: a folder for what is not kept.
        together: whether rows that are alike stay together.

    Raises:
        ConfigError, ContentError, Several: what the user has to mend.
        NotAsSolved: the exported model is another in a fresh process.
    """
    training = training_of(config, parts, row=parts.row, together=together)
    tuned = fine_tune(training.matched, training.rows, folder / MODEL, seed=config.seed, settings=settings, progress=progress)
    return judged_as_tuned(config, settings, tuned, training, parts, folder, aside, progress=progress)


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What a model is trained on: the rows to fit on with their weights, as the model takes them."""

    made: Reweighing
    matched: Matched
    rows: TrainingRows


def training_of(config: AuditConfig, parts: Parts, *, row: str, together: bool = True) -> Training:
    """The rows of the part to fit on, to be trained on any number of times.

    Args:
        row: the column of a row's place, which is no fact about a person, where there is one.

    Raises:
        ConfigError, ContentError, Several: what the user has to mend.
    """
    prepare_tensorflow()
    made = _reweighed(config, parts)
    source = made.rows.source
    with uncollected():
        matched = matched_of(config, source)
        check_trainable(matched)
    return Training(made=made, matched=matched, rows=training_rows(made, matched, seed=config.seed, together=together, ignore=(row,) if row in source.columns else ()))


def judged_as_tuned(
    config: AuditConfig, settings: FineTuning, tuned: FineTuned, training: Training, parts: Parts, folder: Path, aside: Path, *, search: Searched | None = None, progress: Progress | None = None
) -> tuple[RetrainedCard, Proof]:
    """A model that was trained on and lies in `folder`, judged on the rows that were held out.

    Args:
        search: how it was chosen among others.

    Raises:
        ConfigError, ContentError, NotAsSolved, Several: as `by_fine_tuning` does.
    """
    rows = training.rows
    kept = "changed its trainable variables and nothing else" if tuned.best else "were to change its trainable variables, and did not make it better"
    untold = f" It was not told {listed([one.attribute for one in tuned.withheld])}, and is not asked for that any more." if tuned.withheld else ""
    what = f"The model was trained on, under the weights of reweighing: gradients of the weighted cross-entropy of its score, through its own signature, {kept}.{untold}"
    told = {**{name: getattr(settings, name) for name in settings.__slots__ if name != "without_attribute" or settings.without_attribute}, "validated": rows.validated.size / rows.label.size}
    notes = (*_of_fine_tuning(tuned, is_untold=settings.without_attribute), *notes_of_withheld(tuned.withheld, training.matched))
    return _judged(
        config, config, parts, training.made, folder, aside, method=FINE_TUNED, what=what, settings=told, strength=settings.strength, original=training.matched, tuned=tuned, notes=notes,
        search=search, progress=progress,
    )  # fmt: skip


def by_trainer(config: AuditConfig, command: Command, parts: Parts, folder: Path, aside: Path, *, watched: Callable[[], Progress | None] = lambda: None) -> tuple[RetrainedCard, Proof]:
    """Let the user's command train a model under weights, and judge it on the other part, beside the model that was given or, where none was, beside one that it trains with the rows' own weights.

    Args:
        watched: called once the training is over, for what is then told how far the audits have come.

    Raises:
        ConfigError, ContentError, Several: what the user has to mend.
        TrainingFailed: the command left no model that can be audited.
    """
    environment = dict(os.environ)  # before ours is made TensorFlow's
    made = _reweighed(config, parts, command.weight_column)
    source, trains_before, before = made.rows.source, config.model == _TRAINERS_OWN, config
    if trains_before:
        before = msgspec.structs.replace(config, model=str(aside / _UNWEIGHTED))
        command.show(b"fairaudit: training with the rows' own weights (1 of 2)\n")
        last = _train(command, replace(made, strength=0.0), parts, aside / "unweighted", aside / _UNWEIGHTED, environment)
    prepare_tensorflow()
    with uncollected():
        original = _fits(before, source, last) if trains_before else matched_of(before, source)
    command.show(f"fairaudit: training with the weights{' (2 of 2)' if trains_before else ''}\n".encode())
    last = _train(command, replace(made, strength=command.strength), parts, aside / "weighted", (folder / MODEL).absolute(), environment)
    after = msgspec.structs.replace(config, model=str(folder / MODEL))
    _fits(after, source, last)
    settings = {"strength": command.strength, "format": command.format, "weight_column": command.weight_column}
    trainer = ByTrainer(words=command.trainer.words, rows=made.rows.lines, last=last, trained_before=trains_before)
    return _judged(
        before, after, parts, made, folder, aside, method="reweigh-trainer", what="A model was trained anew by the user's own command, which was given the weights of reweighing.", settings=settings,
        strength=command.strength, original=original, trainer=trainer, notes=_of_trainer(trainer), progress=watched(),
    )  # fmt: skip


def _reweighed(config: AuditConfig, parts: Parts, column: str | None = None) -> Reweighing:
    """The weights of the rows to fit on.

    Args:
        column: what they are called where they are written; None: they are not.
    """
    source = Source(files=files_of(list(parts.fit)), called=called_of(config, parts.fit))
    name = WEIGHT
    while column is None and name.casefold() in {one.casefold() for one in source.columns}:
        name += "_"
    return reweigh(source, wanted_of(config), weight_column=name if column is None else column)


def _train(command: Command, made: Reweighing, parts: Parts, given: Path, out: Path, environment: dict[str, str]) -> str:
    """Write what the command is given, and run it."""
    given.mkdir()
    data, weights = (given / f"{name}{SUFFIXES[command.format]}" for name in ("data", "weights"))
    write_weighted(made, data, weights, command.format, without=(parts.row,))
    return run(command.trainer, data=data, weights=weights, out=out, environment=environment, show=command.show)


def _fits(config: AuditConfig, source: Source, last: str) -> Matched:
    """The trainer's model, matched to the data.

    Raises:
        TrainingFailed: it does not fit them.
    """
    try:
        return matched_of(config, source)
    except FairauditError as error:
        place = Path(str(config.model))
        mistakes = "; ".join(str(one).rstrip(".") for one in getattr(error, "errors", (error,)))
        for known in (str(place), str(place.resolve()), repr(place.name)):  # folders of ours, which the user knows by what stood in the command
            mistakes = mistakes.replace(known, OUT)
        raise TrainingFailed(f"the trainer's model cannot be audited: {mistakes}; the last it said: {last}.") from error


def _judged(
    before: AuditConfig, after: AuditConfig, parts: Parts, made: Reweighing, folder: Path, aside: Path, *, method: TrainingName, what: str, settings: dict[str, Any], strength: float,
    original: Matched, notes: Iterable[str], tuned: FineTuned | None = None, trainer: ByTrainer | None = None, search: Searched | None = None, progress: Progress | None,
) -> tuple[RetrainedCard, Proof]:  # fmt: skip
    """Both models on the rows that were held out, and the card."""
    rules = load_rules(before.rules)
    judged = tuple(dict.fromkeys((*(name for rule in rules for name in rule.metrics), _JUDGED)))
    first = as_cut_on(before, made)
    proof = proven_anew(first, msgspec.structs.replace(first, model=str(folder / MODEL)), parts.holdout, parts.row, kept_values_of(made), aside, progress=progress)
    slicing = cross_of(before)
    ids = tuple(one.id for one in rules)
    asked = before if trainer is None or not trainer.trained_before else msgspec.structs.replace(before, model=None)
    card = RetrainedCard(
        method=method, version=VERSION, what=what, why=_why(strength), source=SOURCE, settings=settings, config=told_of(asked), rules=ids, judged=judged,
        data=tuple(data_files(made.rows.source, made.rows)), parts=parts.how, cells=tuple(msgspec.structs.replace(one, factor=one.factor**strength) for one in made.cells), fine_tuned=tuned,
        trainer=trainer, export=_exported(after, made.rows, original, folder / MODEL, () if tuned is None else tuned.withheld), holdout=held_out(proof, ids, judged, before, slicing, scores=True), notes=(*parts.notes, *([] if trainer is not None and trainer.trained_before else [of_training(is_retrained=True)]), *notes, *notes_of(made)), search=search,
    )  # fmt: skip
    return card, proof


def _why(strength: float) -> str:
    if not strength:
        return "With a strength of 0 the weights are the rows' own, so this is what training does without them."
    if strength > 1:
        return _WHY_STRONGER
    how, what = ("independent", "nothing") if strength == 1 else ("less dependent", "less")
    return _WHY.format(how=how, what=what)


def _exported(config: AuditConfig, rows: Prepared, original: Matched, model: Path, withheld: Sequence[Withheld]) -> RetrainedModel:
    matched = matched_of(msgspec.structs.replace(config, model=str(model)), rows.source)
    signatures = read_signatures(model)
    called = next(one for one in signatures if one.name == matched.card.signature)
    asks = {one.name for one in matched.inputs.features} - {one.attribute for one in withheld}  # which tf.Examples may still hold
    return RetrainedModel(
        original=original.card, sha256=places.fingerprint(model), signature=called.name, signatures=tuple(one.name for one in signatures),
        inputs=tuple(ExportedTensor(name=one.name, dtype=one.dtype, shape=one.shown_shape) for one in called.inputs),
        outputs=tuple(ExportedTensor(name=one.name, dtype=one.dtype, shape=one.shown_shape) for one in called.outputs), output=matched.output.name,
        asks_for=tuple(one for one in config.attributes if one in asks), usual=usual_row(rows, matched.inputs.features), examples=None if matched.inputs.examples is None else matched.inputs.examples.name,
    )  # fmt: skip


def _of_fine_tuning(tuned: FineTuned, *, is_untold: bool) -> Iterator[str]:
    if is_untold and not tuned.withheld:
        yield "The model takes no protected attribute, so there was none to withhold from it."
    if not tuned.best:
        came = "no variable was changed" if tuned.withheld else "nothing was changed: the exported model is the original"
        yield f"No epoch of the training made the weighted loss of the rows that nothing was learned from smaller than the model as it was has it, so {came}."
    elif tuned.best == len(tuned.epochs):
        yield f"The loss still fell in the last of {len(tuned.epochs):,} epochs; more of them, as with the flag --epochs of mitigate reweigh --fine-tune, may make it smaller."


def _of_trainer(trainer: ByTrainer) -> Iterator[str]:
    if trainer.trained_before:
        yield "Both models are the trainer's: what differs between them comes from the weights, and from whatever the trainer draws otherwise each time, as where it sets no seed."
    else:
        yield "The model before was given, and the one after trained anew: what differs comes from the weights, and from whatever else the trainer does otherwise. Without --model it trains both."


__all__: Sequence[str] = ("RULES", "Command", "Training", "asked_of_training", "by_fine_tuning", "by_trainer", "judged_as_tuned", "training_of")
