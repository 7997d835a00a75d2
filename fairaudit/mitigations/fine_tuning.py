"""A SavedModel trained on under weights: gradients through the signature that was audited, early stopping on rows that are kept out of them, and the same model with other variables.

    fine_tune(matched, rows, folder, seed=0, settings=FineTuning(strength=0.5), progress=None) -> FineTuned

`rows` come from `training_rows` (fairaudit/mitigations/training_rows.py) and may be used for any number of calls. Each call starts from the model as it was saved, and gives a row its own weight × factor**strength: with strength 0 it is
trained as the data are, with 1 under Kamiran and Calders' weights, with more under stronger ones. `folder` becomes a SavedModel; nothing else is written, and nothing of the rows that are held out is seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np

from fairaudit.data.progress import Progress
from fairaudit.errors import ConfigError, ContentError, FairauditError
from fairaudit.mitigations.adam import Adam
from fairaudit.mitigations.scoring_ops import cross_entropy
from fairaudit.mitigations.training_rows import TrainingRows
from fairaudit.mitigations.withheld import Withheld, check_withheld, export_untold, told
from fairaudit.models import folder as places
from fairaudit.models.interface import ModelFailed, UnfitModel
from fairaudit.models.outputs import Probabilities, scores_of
from fairaudit.models.savedmodel import Matched, loaded, own_words
from fairaudit.models.signatures import import_tensorflow
from fairaudit.models.variables import Values, copy_with, keys_of
from fairaudit.types import Floats, Ints

EPOCHS, LEARNING_RATE, BATCH_SIZE, PATIENCE = 50, 1e-3, 256, 5
STRONGEST = 5  # power of a factor; by far more than brings groups together that a model tells apart by other features
_AT_ONCE = 4096  # rows that are scored together to be validated
_ALIKE = 1e-5  # by which the loss of the model that was written may miss what it was trained to


@dataclass(frozen=True, slots=True, kw_only=True)
class FineTuning:
    """How a model is trained on.

    Raises:
        ConfigError: it cannot be.
    """

    strength: float = 1.0  # the power of a row's factor: 0 changes no weight, 1 makes label and group independent
    epochs: int = EPOCHS  # at most
    learning_rate: float = LEARNING_RATE
    batch_size: int = BATCH_SIZE
    patience: int = PATIENCE  # epochs without a better one, after which it ends
    without_attribute: bool = False  # whether protected attributes that it takes are withheld from it, while it learns and ever after

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= STRONGEST:
            raise ConfigError(f"--strength {self.strength:g} is no power of a weight; give one from 0, which changes no weight, over 1, which makes label and group independent, to {STRONGEST}.")
        for name, value in (("--epochs", self.epochs), ("--training-batch", self.batch_size), ("--patience", self.patience)):
            if value < 1:
                raise ConfigError(f"{name} {value} is too few; give 1 or more.")
        if not (self.learning_rate > 0 and np.isfinite(self.learning_rate)):
            raise ConfigError(f"--learning-rate {self.learning_rate:g} is no length of a step; give a number above 0, as {LEARNING_RATE:g}.")


class Epoch(msgspec.Struct, frozen=True, kw_only=True):
    """Mean weighted cross-entropy after, or of the batches while, all rows were seen once."""

    training_loss: float  # while they were learned from
    validation_loss: float  # of rows that nothing was learned from


class FineTuned(msgspec.Struct, frozen=True, kw_only=True):
    """What training on did."""

    sha256: str  # of the folder
    parameters: int  # numbers that could change
    rows_trained: int
    rows_validated: int
    start: float  # validation loss of the model as it was
    epochs: tuple[Epoch, ...]
    best: int  # the epoch whose variables were kept, from 1; 0: none was better than the start, so no variable changed
    withheld: tuple[Withheld, ...] = ()  # what it takes and was not told, and is not asked for any more

    @property
    def loss(self) -> float:
        """Validation loss of the model that was kept."""
        return self.epochs[self.best - 1].validation_loss if self.best else self.start


def fine_tune(matched: Matched, rows: TrainingRows, folder: Path, *, seed: int, settings: FineTuning, progress: Progress | None = None) -> FineTuned:
    """Train a model on and write it; the epoch with the least validation loss is kept, or the model as it was.

    Reproducible with the seed on one machine. The model answers as it does in service: nothing is dropped out, and statistics of batches stay what they were.

    Args:
        folder: to be made, or empty.

    Raises:
        UnfitModel: the model has nothing to train, or nothing that its score follows from by a gradient.
        ModelFailed, ContentError: it broke, its scores are no probabilities, or its loss is no number.
    """
    withheld = rows.usual if settings.without_attribute else ()
    check_withheld(matched, withheld)
    with _deterministic():
        training = _Training(matched, replace(rows, inputs=told(rows.inputs, withheld, matched.inputs)) if withheld else rows, settings)
        start = training.validate(check=True)
        epochs, best, kept = _trained(training, rows, start, seed=seed, settings=settings, progress=progress)
        _write(matched, dict(zip(training.keys, kept, strict=True)) if kept else {}, withheld, folder)
        made = FineTuned(
            sha256=places.fingerprint(folder), parameters=training.parameters, rows_trained=int(rows.trained.size), rows_validated=int(rows.validated.size), start=start, epochs=epochs, best=best, withheld=withheld,
        )  # fmt: skip
        names = {one.attribute for one in withheld}
        written = _Training(matched, replace(rows, inputs={name: tensor for name, tensor in rows.inputs.items() if name not in names}), settings, place=folder).validate()
    if not np.isclose(written, made.loss, rtol=_ALIKE, atol=_ALIKE):
        raise UnfitModel(f"model {matched.card.name!r} was trained to a loss of {made.loss:.6g} and, loaded again, has {written:.6g}, so its variables are not all that it is; train it where it was made, with mitigate reweigh --trainer.")
    return made


def check_trainable(matched: Matched) -> None:
    """Returns if a model has something to train; told before rows are read for it.

    Raises:
        UnfitModel: it has not.
        ModelFailed: TensorFlow cannot load it.
    """
    name = matched.card.name
    module = loaded(matched.place, name)  # which owns the variables
    _trainable(module.signatures[matched.card.signature], model=name)


def _write(matched: Matched, values: Values, withheld: Sequence[Withheld], folder: Path) -> None:
    """The model with other variables; where something is withheld from it, inside one that does not ask for that."""
    if not withheld:
        copy_with(matched.place, folder, values)
        return
    with TemporaryDirectory(prefix="fairaudit-") as aside:
        inner = Path(aside) / matched.card.name
        copy_with(matched.place, inner, values)
        export_untold(inner, folder, matched, withheld)


def _trained(training: _Training, rows: TrainingRows, start: float, *, seed: int, settings: FineTuning, progress: Progress | None) -> tuple[tuple[Epoch, ...], int, list[Any]]:
    """All epochs, the best one, and its variables; none where nothing is better than the start."""
    rng = np.random.default_rng([int(seed < 0), abs(seed)])
    epochs: list[Epoch] = []
    best, least, kept = 0, start, []
    while len(epochs) < settings.epochs and len(epochs) - best < settings.patience:
        stage = f"training, epoch {len(epochs) + 1} of up to {settings.epochs}"
        lost = 0.0
        order = rng.permutation(rows.trained)
        for begin in range(0, order.size, settings.batch_size):
            places = order[begin : begin + settings.batch_size]
            lost += training.step(places)
            if progress is not None:
                progress(stage, (begin + places.size) / order.size, int(order.size))
        epochs.append(Epoch(training_loss=lost / order.size, validation_loss=training.validate() if np.isfinite(lost) else np.nan))
        if not np.isfinite(epochs[-1].validation_loss):
            raise ContentError(f"the loss was no number in epoch {len(epochs)} of training model {training.name!r}, so it learned nothing; train it by mitigate reweigh --fine-tune with a smaller --learning-rate than {settings.learning_rate:g}, or look for extreme values among its inputs.")
        if epochs[-1].validation_loss < least:
            best, least, kept = len(epochs), epochs[-1].validation_loss, training.values()
    return tuple(epochs), best, kept


class _Training:
    """A loaded model with the rows that it learns from."""

    def __init__(self, matched: Matched, rows: TrainingRows, settings: FineTuning, *, place: Path | None = None) -> None:
        tf = import_tensorflow()
        self.name, self._output, self._rows = matched.card.name, matched.output, rows
        weights = rows.weight * rows.factor**settings.strength
        self._weights: Floats = weights / weights[rows.trained].mean()  # so that the unit of the weights is nothing to the length of a step
        self._module = loaded(matched.place if place is None else place, self.name)
        self._call = self._module.signatures[matched.card.signature]
        self._variables = _trainable(self._call, model=self.name) if place is None else ()
        self.keys = keys_of(matched.place, self._module, self._variables, model=self.name) if place is None else ()
        self._label, self._weight = tf.constant(rows.label, tf.float32), tf.constant(self._weights, tf.float64)
        self._adam = Adam(self._variables, learning_rate=settings.learning_rate)
        places = [tf.TensorSpec([None], tf.int64)]
        self._step = tf.function(self._stepped, input_signature=places, autograph=False)
        self._answer = tf.function(self._answered, input_signature=places, autograph=False)

    @property
    def parameters(self) -> int:
        return sum(one.shape.num_elements() for one in self._variables)

    def values(self) -> list[Any]:
        return [one.numpy() for one in self._variables]

    def step(self, places: Ints) -> float:
        """One step of Adam on some rows; the sum of what they lost by weight before it."""
        with _told(self.name):
            return float(self._step(places))

    def validate(self, *, check: bool = False) -> float:
        """Mean weighted loss of the rows that are kept out.

        Args:
            check: whether scores must be probabilities.

        Raises:
            ModelFailed: one is not.
        """
        places, total = self._rows.validated, 0.0
        checked = Probabilities(self._output, model=self.name)
        for begin in range(0, places.size, _AT_ONCE):
            some = places[begin : begin + _AT_ONCE]
            with _told(self.name):
                answer, losses = self._answer(some)
            scores = scores_of(answer.numpy(), self._output, rows=int(some.size), model=self.name)
            checked.add(scores.astype(np.float64), lambda row, some=some: self._rows.where(int(some[row])))  # type: ignore[misc]
            total += float(losses.numpy().astype(np.float64) @ self._weights[some])
        if check:
            checked.check()
        return total / float(self._weights[places].sum())

    def _answered(self, places: Any) -> tuple[Any, Any]:
        tf = import_tensorflow()
        answer = self._call(**{name: tf.gather(tensor, places) for name, tensor in self._rows.inputs.items()})[self._output.name]
        return answer, cross_entropy(answer, self._output, tf.gather(self._label, places))

    def _stepped(self, places: Any) -> Any:
        tf = import_tensorflow()
        lost, gradients = gradients_of(lambda: self._answered(places)[1], tf.gather(self._weight, places), self._variables)
        known = [(one, gradient) for one, gradient in zip(self._variables, gradients, strict=True) if gradient is not None]
        if not known:
            raise UnfitModel(f"the score of model {self.name!r} follows from none of its {len(self._variables)} trainable variables by a gradient, as that of a tree or a table does not, so it cannot be trained on; train it where it was made, with mitigate reweigh --trainer.")
        self._adam.apply([tf.zeros_like(one) if gradient is None else gradient for one, gradient in zip(self._variables, gradients, strict=True)])
        return lost


def gradients_of(losses: Any, weight: Any, variables: Sequence[Any]) -> tuple[Any, list[Any]]:
    """The weighted sum of some rows' losses, and the gradients of its mean over the rows; None of a variable that they do not follow from.

    Args:
        losses: a function that gives them, shape (rows,).
    """
    tf = import_tensorflow()
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(variables)
        each = losses()
        lost = tf.reduce_sum(each * tf.cast(weight, each.dtype))
        mean = lost / tf.cast(tf.size(weight), each.dtype)
    return lost, tape.gradient(mean, variables)


def _trainable(call: Any, *, model: str) -> tuple[Any, ...]:
    """The variables of a signature that training changes: trainable numbers with fractions, as a step counter or a key is none.

    Raises:
        UnfitModel: there are none, or they hold too few digits.
    """
    tf = import_tensorflow()
    found = tuple(one for one in call.trainable_variables if one.dtype.is_floating)
    if not found:
        frozen = f"its {len(call.variables)} variables are not trainable" if call.variables else "its graph is frozen, or it is a tree or a table"
        raise UnfitModel(f"model {model!r} has no trainable variables ({frozen}), so it cannot be trained on; export it with its variables, train it where it was made, with mitigate reweigh --trainer, or change its decisions, as mitigate thresholds does.")
    coarse = [one for one in found if one.dtype not in (tf.float32, tf.float64)]
    if coarse:
        raise UnfitModel(f"model {model!r} has the variable {coarse[0].name.partition(':')[0]!r} of {coarse[0].dtype.name}, in which small steps are lost; export it with variables of float32.")
    return found


@contextmanager
def _deterministic() -> Iterator[None]:
    """Ops that give the same each time, or say that they cannot."""
    tf = import_tensorflow()
    from tensorflow.python.framework.config import disable_op_determinism, is_op_determinism_enabled  # type: ignore[import-untyped]

    was = is_op_determinism_enabled()
    tf.config.experimental.enable_op_determinism()
    try:
        yield
    finally:
        if not was:
            disable_op_determinism()


@contextmanager
def _told(model: str) -> Iterator[None]:
    """What TensorFlow raises while a model is trained, as a sentence."""
    try:
        yield
    except FairauditError:
        raise
    except LookupError as lacking:  # the registry of gradients
        raise UnfitModel(f"model {model!r} has an op without a gradient, so it cannot be trained on ({own_words(lacking)}); train it where it was made, with mitigate reweigh --trainer.") from lacking
    except Exception as broken:  # whatever a model's own ops raise
        raise ModelFailed(f"model {model!r} failed while it was trained: {own_words(broken)}") from broken

