"""A model's answer as scores: which output, in which shape, by which activation, and whether they are probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit  # type: ignore[import-untyped]

from fairaudit.errors import UnknownName, listed
from fairaudit.models.interface import DTYPES, ModelFailed, UnfitModel, Where
from fairaudit.models.signatures import Signature, Tensor
from fairaudit.types import Bools, Floats

ACTIVATIONS = ("sigmoid", "softmax")
_SCORE_TYPES = ("float16", "float32", "float64")
_DECISION_TYPES = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_SCORE, _DECISION = "score", "decision"  # what outputs that score and decide are called, as in models that `fairaudit mitigate` exports

Answer = npt.NDArray[Any]  # shape (rows,), (rows, 1) or (rows, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """The output that is taken for the score, and what else there was to take."""

    name: str
    dtype: str
    activation: str | None
    others: tuple[str, ...]
    decision: str | None = None  # an output that seems to be the model's own decisions, where they were not asked for

    @property
    def notes(self) -> tuple[str, ...]:
        """That a threshold decides where the model does so itself."""
        if self.decision is None:
            return ()
        own = f"The model's own decisions seem to be its output {self.decision!r}, and are not audited: a threshold on its scores decides here, which the model may not use."
        return (f"{own} Add --decision-output {self.decision} to audit them.",)


def chosen_output(signature: Signature, asked: str | None, activation: str | None, *, model: str, decides: str | None = None) -> Output:
    """The output called `asked`; by default the only one, but for the one called `decides`.

    Raises:
        ConfigError: there is none of that name, or several to choose from, or it cannot be a score.
    """
    tensor = _asked(signature, asked, model=model, decides=decides)
    if activation is not None and activation not in ACTIVATIONS:
        raise UnknownName("activation", activation, ACTIVATIONS)
    if tensor.encoding or tensor.dtype not in _SCORE_TYPES:
        raise UnfitModel(f"model {model!r}: the output {tensor} cannot be a score; a score is one of {listed(_SCORE_TYPES)}{_choice(signature, tensor)}")
    problem = None if tensor.shape is None else _shape_problem(tensor.shape[1:] if tensor.shape else None, activation)
    if problem:
        raise UnfitModel(f"model {model!r}: the output {tensor} {problem}{_choice(signature, tensor)}")
    others = tuple(other.name for other in signature.outputs if other is not tensor)
    return Output(name=tensor.name, dtype=tensor.dtype, activation=activation, others=others, decision=_own_decision(signature) if decides is None else None)


def scores_of(answer: Answer, output: Output, *, rows: int, model: str) -> Answer:
    """One score for each row, in the output's own dtype, shape (rows,): a single column, or the second of two.

    Raises:
        ModelFailed: the answer has another shape.
    """
    if answer.ndim == 0 or len(answer) != rows:
        raise ModelFailed(f"model {model!r} answered {rows} rows with an output {output.name!r} of shape {list(answer.shape)}; a score is wanted for each row")
    problem = _shape_problem(answer.shape[1:], output.activation)
    if problem:
        raise ModelFailed(f"model {model!r}: the output {output.name!r} {problem}")
    columns = answer.reshape(rows, -1)
    if output.activation is None:
        return columns[:, -1]
    # Softmax over two columns is the sigmoid of their difference, which cannot overflow.
    activated: Answer = expit(columns[:, -1] if columns.shape[1] == 1 else columns[:, 1] - columns[:, 0])
    return activated.astype(answer.dtype)


def chosen_decision(signature: Signature, asked: str, *, model: str) -> Tensor:
    """The output called `asked`, if it can be a decision.

    Raises:
        ConfigError: there is none of that name, or it cannot.
    """
    tensor = _asked(signature, asked, model=model)
    if tensor.encoding or tensor.dtype not in DTYPES or tensor.dtype == "string":
        raise UnfitModel(f"model {model!r}: the output {tensor} cannot be a decision; a decision is a bool, or a number that is 0 or 1{_choice(signature, tensor)}")
    problem = None if tensor.shape is None else _decision_problem(tensor.shape[1:]) if tensor.shape else "is a single value, not one for each row"
    if problem:
        raise UnfitModel(f"model {model!r}: the output {tensor} {problem}{_choice(signature, tensor)}")
    return tensor


class Decisions:
    """A model's answers as decisions; counts those that are none, so that one sentence can speak for the whole data."""

    def __init__(self, output: str, *, model: str) -> None:
        self._output, self._model = output, model
        self._rows = self._wrong = 0
        self._first = ""

    def of(self, answer: Answer, where: Where, *, asked: int, rows: int) -> Bools:
        """The decisions of the first rows of an answer; what is none is taken as negative.

        Args:
            asked: rows that the model was given.

        Raises:
            ModelFailed: it has another shape.
        """
        if answer.ndim == 0 or len(answer) != asked or answer.size != asked:
            raise ModelFailed(f"model {self._model!r} answered {asked} rows with an output {self._output!r} of shape {list(answer.shape)}; a decision is wanted for each row")
        values = answer.reshape(-1)[:rows]
        is_positive: Bools = values == 1
        is_wrong = ~(is_positive | (values == 0))
        self._rows += rows
        if is_wrong.any() and not self._wrong:
            row = int(np.argmax(is_wrong))
            self._first = f"{values[row]:.6g} for {where(row)}"
        self._wrong += int(is_wrong.sum())
        return is_positive

    def check(self) -> None:
        """
        Raises:
            ModelFailed: a decision was neither 0 nor 1.
        """
        if self._wrong:
            raise ModelFailed(
                f"model {self._model!r}: the output {self._output!r} is no decision in {self._wrong:,} of {self._rows:,} rows, first {self._first}; "
                "a decision is 0 or 1, so name another output with --decision-output, or leave it out and give a --threshold"
            )


class Probabilities:
    """Counts the scores that are none, so that one sentence can speak for the whole data."""

    def __init__(self, output: Output, *, model: str) -> None:
        self._output, self._model = output, model
        self._rows = self._wrong = self._nan = 0
        self._first = ""

    def add(self, scores: Floats, where: Where) -> None:
        is_wrong = ~((scores >= 0) & (scores <= 1))
        self._rows += len(scores)
        if not is_wrong.any():
            return
        if not self._wrong:
            row = int(np.argmax(is_wrong))
            self._first = f"{scores[row]:.6g} for {where(row)}"
        self._wrong += int(is_wrong.sum())
        self._nan += int(np.isnan(scores).sum())

    def check(self) -> None:
        """
        Raises:
            ModelFailed: a score was NaN or outside [0, 1].
        """
        if self._wrong:
            raise ModelFailed(
                f"model {self._model!r}: the output {self._output.name!r} is no probability in {self._wrong:,} of {self._rows:,} rows"
                f"{f', NaN in {self._nan:,} of them' if self._nan else ''}, first {self._first}; {self._advice()}"
            )

    def _advice(self) -> str:
        # After an activation, NaN is all that can be wrong.
        if self._nan == self._wrong:
            return "look for missing or extreme values among its inputs"
        other = f", or take another output by --output ({listed(self._output.others)})" if self._output.others else ""
        return f"if these are logits, give --activation sigmoid (softmax for two columns){other}"


def _asked(signature: Signature, asked: str | None, *, model: str, decides: str | None = None) -> Tensor:
    by_name = {tensor.name: tensor for tensor in signature.outputs}
    if asked is not None:
        if asked not in by_name:
            raise UnknownName("output", asked, list(by_name), where=f"model {model!r}, signature {signature.name!r}")
        return by_name[asked]
    free = [tensor for tensor in signature.outputs if tensor.name != decides]
    if len(free) != 1:
        raise UnfitModel(
            f"model {model!r} has {len(by_name)} outputs in the signature {signature.name!r}: "
            f"{listed([str(tensor) for tensor in signature.outputs])}; {_advised(signature, free)}"
        )
    return free[0]


def _advised(signature: Signature, free: Sequence[Tensor]) -> str:
    """Which flags to add where several outputs could be the score."""
    own = _own_decision(signature)
    score = next((one.name for one in free if one.name == _SCORE and one.dtype in _SCORE_TYPES), None)
    if own is None or own not in [one.name for one in free]:
        return "name the one that is the score with --output"
    if score is None:
        return f"name the one that is the score with --output, and add --decision-output {own} to audit the model's own decisions"
    return f"add --output {score} --decision-output {own} to audit the model's own decisions, or name another output that is the score with --output"


def _own_decision(signature: Signature) -> str | None:
    """The output that by its name and type is the model's own decisions; None where there is none."""
    found = next((one for one in signature.outputs if one.name == _DECISION and one.dtype in _DECISION_TYPES and not one.encoding), None)
    fits = found is not None and (found.shape is None or (bool(found.shape) and _decision_problem(found.shape[1:]) is None))
    return _DECISION if fits else None


def _decision_problem(of_row: Sequence[int | None]) -> str | None:
    return None if tuple(of_row) in ((), (1,), (None,)) else "has several values for each row, and a decision is one: [n] or [n, 1]"


def _shape_problem(of_row: Sequence[int | None] | None, activation: str | None) -> str | None:
    """What is wrong with an answer whose rows have the shape `of_row`, as a sentence has it after the output's name."""
    if of_row is None:
        return "is a single number, not one for each row"
    if len(of_row) > 1 or (of_row and of_row[0] not in (None, 1, 2)):
        return "has more than two values for each row; fairaudit audits decisions between two classes: [n], [n, 1] or [n, 2]"
    if activation == "softmax" and tuple(of_row) in ((), (1,)):
        return "has one value for each row, and softmax wants two; did you mean --activation sigmoid?"
    if activation == "sigmoid" and tuple(of_row) == (2,):
        return "has two values for each row; did you mean --activation softmax?"
    return None


def _choice(signature: Signature, tensor: Tensor) -> str:
    others = [str(other) for other in signature.outputs if other is not tensor]
    return f"; its other outputs are {listed(others)}" if others else ""
