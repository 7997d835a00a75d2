"""A SavedModel that scores rows: loaded once, called on batches of one fixed size."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]

from fairaudit.config import BATCH_SIZE
from fairaudit.errors import raise_all
from fairaudit.models import folder, matching, outputs, signatures
from fairaudit.models.feeding import Arrays, Feeding, each
from fairaudit.models.interface import Answers, ModelCard, ModelFailed, Where
from fairaudit.models.matching import Inputs
from fairaudit.models.outputs import Decisions, Output, Probabilities
from fairaudit.models.signatures import Signature

_FRAME = ("Graph execution error", "Detected at node", "<stack traces", "[[{{node")


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A SavedModel as it describes itself."""

    name: str
    sha256: str
    signatures: tuple[Signature, ...]


def describe(path: Path) -> Description:
    """What the SavedModel at `path` takes and gives; the model itself is not loaded.

    Raises:
        NotAModel: there is no SavedModel at `path`.
    """
    with folder.told(path):
        place = folder.saved_model_folder(path)
        return Description(name=folder.name_of(place), sha256=folder.fingerprint(place), signatures=signatures.read_signatures(place))


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """A SavedModel that fits the data's columns, as far as it says so itself; it is not loaded."""

    place: Path
    card: ModelCard
    inputs: Inputs
    output: Output  # the score


def matched(
    path: Path,
    *,
    columns: pa.Schema,
    data_name: str,
    feature_columns: Sequence[str] = (),
    signature: str | None = None,
    output: str | None = None,
    decision_output: str | None = None,
    activation: str | None = None,
) -> Matched:
    """The SavedModel at `path`, matched to the data's columns without being loaded.

    Args:
        columns: the data's names and types; text where the file has no types.
        decision_output: the output that the model's own decisions are, where they are asked for.
        feature_columns: all that may be features, for a model whose own list of them cannot be found.
        activation: "sigmoid" or "softmax" for a model that answers with logits.

    Raises:
        ConfigError: it is no SavedModel, or its signature, output or columns do not fit; `Several` where more than one.
    """
    with folder.told(path):
        place = folder.saved_model_folder(path)
        name, sha256 = folder.name_of(place), folder.fingerprint(place)
        found = signatures.read_signatures(place)
    called = signatures.chosen_signature(found, signature, model=name)
    inputs, taken, _ = each(
        lambda: _inputs(called, columns, feature_columns, data_name=data_name, model=name),
        lambda: outputs.chosen_output(called, output, activation, model=name, decides=decision_output),
        lambda: None if decision_output is None else outputs.chosen_decision(called, decision_output, model=name),
    )
    card = ModelCard(name=name, sha256=sha256, signature=called.name, output=taken.name, score_type=taken.dtype, decision_output=decision_output)
    return Matched(place=place, card=card, inputs=inputs, output=taken)


def load(path: Path, *, batch_size: int = BATCH_SIZE, **asked: Any) -> SavedModelScorer:
    """The same, loaded. Imports TensorFlow; its environment and noise are the caller's.

    Args:
        asked: as `matched` takes it.

    Raises:
        ConfigError: as `matched` does.
        ModelFailed: TensorFlow cannot load it.
    """
    fits = matched(path, **asked)
    return SavedModelScorer(loaded(fits.place, fits.card.name), card=fits.card, inputs=fits.inputs, output=fits.output, batch_size=batch_size)


class SavedModelScorer:
    """One signature of a loaded SavedModel; a `Scorer`."""

    def __init__(self, module: Any, *, card: ModelCard, inputs: Inputs, output: Output, batch_size: int) -> None:
        self.card, self.features, self.batch_size = card, inputs.features, batch_size
        self._inputs, self._output, self._feeding = inputs, output, Feeding(inputs=inputs)
        # The module owns the variables; a function alone does not keep them alive.
        self._module, self._call = module, module.signatures[card.signature]
        self._probabilities = Probabilities(output, model=card.name)
        self._decisions = None if card.decision_output is None else Decisions(card.decision_output, model=card.name)
        self._takes_second = False

    @property
    def notes(self) -> tuple[str, ...]:
        second = (f"the output {self._output.name!r} has two columns; the second is the score",) if self._takes_second else ()
        return (*self._inputs.notes, *self._output.notes, *second)

    def answer(self, batch: pa.RecordBatch, where: Where) -> Answers:
        rows = batch.num_rows
        if rows > self.batch_size:
            raise ValueError(f"{rows} rows are more than the scorer's batch_size of {self.batch_size}")
        if rows == 0:
            return Answers(np.empty(0), None if self._decisions is None else np.empty(0, dtype=np.bool_))
        arrays = self._padded(self._feeding.arrays(batch, where))
        try:
            answer, decisions = self._called(arrays)
        except Exception as broken:  # whatever the model's own ops raise
            raise ModelFailed(f"model {self.card.name!r} failed on {where(0)} to {where(rows - 1)}: {own_words(broken)}") from broken
        self._takes_second = answer.shape[1:] == (2,)
        scores = outputs.scores_of(answer, self._output, rows=self.batch_size, model=self.card.name)[:rows].astype(np.float64)
        self._probabilities.add(scores, where)
        return Answers(scores, None if self._decisions is None else self._decisions.of(decisions, where, asked=self.batch_size, rows=rows))

    def check(self) -> None:
        self._probabilities.check()
        if self._decisions is not None:
            self._decisions.check()

    def _padded(self, arrays: Arrays) -> Arrays:
        # The last row again and again: the same net gives other last bits at other sizes, and a real row breaks no model.
        return {name: array[np.minimum(np.arange(self.batch_size), len(array) - 1)] for name, array in arrays.items()}

    def _called(self, arrays: Arrays) -> tuple[npt.NDArray[Any], Any]:
        """The model's output for the score, and that for the decision or None."""
        answer = self._call(**self._feeding.tensors(arrays))
        return answer[self.card.output].numpy(), None if self.card.decision_output is None else answer[self.card.decision_output].numpy()


def _inputs(called: Signature, columns: pa.Schema, feature_columns: Sequence[str], *, data_name: str, model: str) -> Inputs:
    """What goes in, each input with its column.

    Raises:
        ConfigError: some inputs have none that fits; all of them are told.
    """
    inputs = matching.inputs_of(called, columns, feature_columns)
    raise_all(matching.mistakes(matching.matches(inputs.features, columns), data_name=data_name, model=model, columns=columns.names))
    return inputs


def loaded(place: Path, name: str) -> Any:
    """The SavedModel in a folder, as TensorFlow has it.

    Raises:
        ModelFailed: TensorFlow cannot load it.
    """
    tf = signatures.import_tensorflow()
    try:
        return tf.saved_model.load(place)
    except Exception as broken:  # whatever a file that was cut or edited makes TensorFlow raise
        op = re.search(r"Op type not registered '(\w+)'", str(broken))
        if op:
            raise ModelFailed(
                f"model {name!r} needs the op {op[1]!r}, which this TensorFlow does not have; a model with ops of its own "
                "(tensorflow-text, decision forests, ...) must be exported without them"
            ) from broken
        raise ModelFailed(f"TensorFlow cannot load the model {name!r}: {own_words(broken)}") from broken


def own_words(error: Exception) -> str:
    """The line of TensorFlow's message that says what happened, without its frame of graph and stack."""
    lines = [line.strip() for line in str(error).splitlines()]
    telling = [line for line in lines if line and not line.startswith(_FRAME)]
    return telling[0] if telling else type(error).__name__
