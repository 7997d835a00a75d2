"""What training under weights did: on the terminal, and as a section of the report on the model that it made."""

from __future__ import annotations

import json
from collections.abc import Iterator

from fairaudit.mitigations.fine_tuning import FineTuned
from fairaudit.mitigations.retrained_card import ByTrainer, RetrainedCard
from fairaudit.reports.characters import visible
from fairaudit.reports.held_out import Outcome, checked, cost, parts_words, said, shifts, unmoved, verdicts, warnings
from fairaudit.reports.mitigated import MODEL, EpochSeen, MitigationView, TrainedView, Weighed
from fairaudit.reports.numbers import counted, percent, significant, whole
from fairaudit.reports.rules_met import lines as lines_of
from fairaudit.reports.rules_met import rules_met
from fairaudit.reports.using import auditing, calling, own_output
from fairaudit.reports.wrapped import POINT, columns, section

_MOST_CELLS = 24


def retrained_view(card: RetrainedCard) -> MitigationView:
    """The section of the report."""
    outcome = Outcome(held=card.holdout, judged=card.judged, groups=frozenset(one.slice for one in card.cells), effect=str(card.config.get("effect", "helps")), unchanged="the exported model is the original" if _is_unchanged(card) else "", search=card.search)
    return MitigationView(
        lead=_lead(card), what=f"{card.what} {card.why}", verdicts=verdicts(outcome), rules=rules_met(card.holdout.rules), warnings=(*warnings(outcome), *_little(card), *_asks_for(card)), how="", decided=(), fallback="", cost=(*cost(outcome), *_loss(card)),
        shifts=tuple(shifts(outcome)), better=tuple(said(outcome, better=True)), worse=tuple(said(outcome, better=False)), unmoved=unmoved(outcome),
        parts=parts_words(card.parts, fitted="Trained", did="trained"), checked=checked(card.holdout), inputs=tuple((one.name, f"{one.dtype} {one.shape}") for one in card.export.inputs),
        outputs=tuple((one.name, f"{one.dtype} {one.shape}") for one in card.export.outputs), code=_code(card), audit=retrained_audit_of(card, MODEL), notes=card.notes, trained=_trained(card),
    )  # fmt: skip


def retrained_words(card: RetrainedCard, *, width: int) -> str:
    """What is shown on a terminal."""
    seen = retrained_view(card)
    assert seen.trained is not None
    table = [("", "label", "rows", "times"), *((one.group, one.label, one.rows, one.factor) for one in seen.trained.weighed[:_MOST_CELLS])]
    more = len(seen.trained.weighed) - _MOST_CELLS
    lines = [
        seen.verdicts,
        *(f"  {line}" for line in lines_of(seen.rules)),
        *section("Mind", ((POINT, one) for one in seen.warnings), width=width),
        "",
        "What each weight was multiplied by",
        *(f"  {line}" for line in columns(table)),
        *([f"  and {more} more, which card.json has"] if more > 0 else []),
        *section("The training", ((POINT, one) for one in (seen.trained.how,)), width=width),
        *section("Everyone, on the rows held out", ((POINT, one) for one in seen.cost), width=width),
        *section("Better off", ((POINT, one) for one in seen.better), width=width),
        *section("Worse off", ((POINT, one) for one in seen.worse), width=width),
        *section("Notes", ((POINT, one) for one in (seen.unmoved, seen.parts, seen.checked, *seen.notes) if one), width=width),
    ]
    return "\n".join(visible(line) for line in lines)


def _lead(card: RetrainedCard) -> str:
    about = "The decisions that this report is about are those of a mitigated model"
    if card.trainer is None:
        return f"{about}: {card.export.original.name}, trained on under weights."
    before = "the one before is the same training with the rows' own weights" if card.trainer.trained_before else f"the one before is {card.export.original.name}"
    return f"{about}, trained under weights; {before}."


def _is_unchanged(card: RetrainedCard) -> bool:
    return card.fine_tuned is not None and not card.fine_tuned.best and not card.fine_tuned.withheld


def _little(card: RetrainedCard) -> Iterator[str]:
    """What else there is where a model that is not told the group learned nothing, or not enough."""
    is_met = all(one.after == "pass" for one in card.holdout.rules)
    if card.fine_tuned is not None and not card.export.asks_for and not card.settings.get("without_attribute") and (not card.fine_tuned.best or not is_met):
        attributes = " or ".join(card.config.get("protected", ())) or "the group"
        yield f"The model does not take {attributes}, so there is little of it that training could unlearn. `fairaudit mitigate thresholds` changes what is decided of its scores: by the group or, with --without-attribute --drawn --infer-group, by one that is inferred."


def _asks_for(card: RetrainedCard) -> Iterator[str]:
    """Where the model takes what it should not decide by alone."""
    taken = card.export.asks_for
    if taken:
        yield f"The model takes {' and '.join(taken)} as {'an input' if len(taken) == 1 else 'inputs'}, and may have learned to decide people differently for their group alone. Whether that is lawful is to be asked before it is used: in many places it is not, in hiring and lending above all."


def _loss(card: RetrainedCard) -> Iterator[str]:
    tuned = card.fine_tuned
    if tuned is not None and tuned.best:
        yield f"The weighted cross-entropy of the {counted(tuned.rows_validated, 'row')} that nothing was learned from went from {significant(tuned.start, 4)} to {significant(tuned.loss, 4)}."


def _trained(card: RetrainedCard) -> TrainedView:
    weighed = tuple(Weighed(group=str(one.slice), label="positive" if one.label else "negative", rows=whole(one.rows), factor=significant(one.factor, 4)) for one in card.cells)
    if card.fine_tuned is not None:
        return TrainedView(how=_how_tuned(card.fine_tuned, card), weighed=weighed, epochs=_epochs(card.fine_tuned))
    assert card.trainer is not None
    return TrainedView(how=_how_run(card.trainer), weighed=weighed, epochs=())


def _how_tuned(tuned: FineTuned, card: RetrainedCard) -> str:
    settings = card.settings
    ended = f"the best of {counted(len(tuned.epochs), 'epoch')}, the {_place(tuned.best)}, was kept" if tuned.best else f"none of {counted(len(tuned.epochs), 'epoch')} was better than the start, so {'no variable' if tuned.withheld else 'nothing'} was changed"
    power = "" if settings["strength"] == 1 else f", whose factors were raised to {settings['strength']:g},"
    return (
        f"{counted(tuned.parameters, 'number')} of the model could change. It learned from {counted(tuned.rows_trained, 'row')} under these weights{power} and was stopped by {tuned.rows_validated:,} others "
        f"({percent(settings['validated'])} of the rows to fit on): {ended}. Adam, learning rate {settings['learning_rate']:g}, batches of {settings['batch_size']:,}."
    )


def _place(number: int) -> str:
    suffix = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{suffix}"


def _how_run(trainer: ByTrainer) -> str:
    times = "twice, first with the rows' own weights," if trainer.trained_before else "once"
    return f"{' '.join(trainer.words)} was run {times} on {counted(trainer.rows, 'row')}."


def _epochs(tuned: FineTuned) -> tuple[EpochSeen, ...]:
    start = EpochSeen(epoch="as it was" if not tuned.withheld else "as it was, untold", training="", validation=significant(tuned.start, 5), kept="" if tuned.best else "kept")
    return (start, *(EpochSeen(epoch=str(place), training=significant(one.training_loss, 5), validation=significant(one.validation_loss, 5), kept="kept" if place == tuned.best else "") for place, one in enumerate(tuned.epochs, start=1)))


def _code(card: RetrainedCard) -> tuple[str, ...]:
    made, config = card.export, card.config
    activation = config.get("activation")
    score = "the score" if activation is None else f"of which {activation} makes the score"
    above = "at or above" if config.get("at_threshold") == "positive" else "above"
    asked = calling(made.signature, made.inputs, made.usual, examples=made.examples)
    return (*asked, f"print(answer[{json.dumps(made.output, ensure_ascii=False)}].numpy())  # {score}; {above} {config.get('threshold', 0.5):g} is a positive decision")


def retrained_audit_of(card: RetrainedCard, model: str) -> tuple[str, ...]:
    """The command that audits the exported model by the threshold that it was judged by."""
    return auditing(card.config, card.parts.holdout, model=model, flags=tuple(own_output(card.export.output, card.config)))
