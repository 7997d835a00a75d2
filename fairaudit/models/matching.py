"""A signature's inputs beside the data's columns: which column each takes, and what is wrong where it has none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa  # type: ignore[import-untyped]

from fairaudit.errors import FairauditError, listed, nearest
from fairaudit.models.conversion import route
from fairaudit.models.interface import DTYPES, Feature, MissingColumns, UnfitColumns, UnfitModel, UnfitType
from fairaudit.models.signatures import Signature, Tensor

# What an input of serialized tf.Examples is called in TFX's, TFMA's and Estimator's own code.
_EXAMPLES_INPUTS = ("examples", "example", "input_example_tensor", "serialized_examples", "serialized_tf_examples", "serialized", "inputs", "input")
_INFERRED = {"int": "int64", "uint": "int64", "bool": "int64", "float": "float32", "double": "float32", "halffloat": "float32"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a model is to be given."""

    features: tuple[Feature, ...]
    examples: Tensor | None  # the one input that takes all features as serialized tf.Examples; None where each is an input itself
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One feature and the column of its name."""

    feature: Feature
    column: str | None  # the column's type, as Arrow calls it; None where there is no such column
    near: str | None  # a column that may have been meant; only where there is none
    how: str | None  # how values are converted, in words; None where they cannot be


def inputs_of(signature: Signature, columns: pa.Schema, feature_columns: Sequence[str]) -> Inputs:
    """The features that a signature takes: its inputs, or what it reads out of tf.Examples.

    Args:
        columns: the data's names and types; without any, only the model is asked.
        feature_columns: those that are given to a model whose own list of features cannot be found.

    Raises:
        UnfitModel: it seems to take tf.Examples, and neither the model nor the data's types say of what.
    """
    if not _takes_examples(signature, columns):
        return Inputs(features=tuple(_feature(tensor) for tensor in signature.inputs), examples=None)
    (examples,) = signature.inputs
    if signature.parsed is not None:
        return Inputs(features=signature.parsed, examples=examples)
    return _guessed(signature, examples, pa.schema([columns.field(name) for name in feature_columns]))


def matches(features: Sequence[Feature], columns: pa.Schema) -> tuple[Match, ...]:
    """Each feature with its column, in the order of the features."""
    taken = {feature.name for feature in features}
    free = [name for name in columns.names if name not in taken]
    return tuple(_match(feature, columns, free) for feature in features)


def mistakes(found: Sequence[Match], *, data_name: str, model: str, columns: Sequence[str]) -> Iterator[FairauditError]:
    """A sentence for all that is missing, and one for each column that cannot be given to its input."""
    missing = [match.feature.name for match in found if match.column is None and not match.feature.unfit]
    if missing:
        taken = {match.feature.name for match in found}
        yield MissingColumns(missing, file=data_name, model=model, columns=[name for name in columns if name not in taken])
    for match in found:
        if match.feature.unfit:
            yield UnfitModel(f"model {model!r} has the input {match.feature.name!r}, which {match.feature.unfit}")
        elif match.column is not None and match.how is None:
            yield UnfitType(match.feature, match.column, file=data_name)


def _match(feature: Feature, columns: pa.Schema, free: Sequence[str]) -> Match:
    if feature.name not in columns.names:
        return Match(feature=feature, column=None, near=nearest(feature.name, free), how=None)
    held = columns.field(feature.name).type
    return Match(feature=feature, column=str(held), near=None, how=None if feature.unfit else route(held, feature.dtype))


def _takes_examples(signature: Signature, columns: pa.Schema) -> bool:
    if [tensor.dtype for tensor in signature.inputs] != ["string"] or signature.inputs[0].name in columns.names:
        return False
    return signature.parsed is not None or signature.inputs[0].name in _EXAMPLES_INPUTS


def _feature(tensor: Tensor) -> Feature:
    rank = 1 if tensor.shape is None else len(tensor.shape)
    return Feature(name=tensor.name, dtype=tensor.dtype, rank=rank, unfit=_unfit(tensor))


def _unfit(tensor: Tensor) -> str:
    if tensor.encoding:
        return f"is a {tensor.encoding} tensor; a column can only be given as a plain one"
    if tensor.dtype not in DTYPES:
        return f"has the dtype {tensor.dtype}; a column can be given as a string, bool, int or float"
    if tensor.shape is None:
        return ""
    if len(tensor.shape) not in (1, 2) or tensor.shape[1:] not in ((), (1,), (None,)):
        return f"has the shape {tensor.shown_shape}; a column is given as [n] or [n, 1], so export a signature with an input for each column"
    if tensor.shape[0] is not None:
        return f"has the shape {tensor.shown_shape} and so takes exactly {tensor.shape[0]} rows; export the model with an open first dimension (None)"
    return ""


def _guessed(signature: Signature, examples: Tensor, columns: pa.Schema) -> Inputs:
    """Features with the types that the data has, as TFX's own Parquet reader would make them."""
    types = {field.name: _INFERRED.get(str(field.type).rstrip("0123456789"), "string") for field in columns}
    if set(types.values()) <= {"string"}:
        raise UnfitColumns(
            f"the signature {signature.name!r} seems to take tf.Examples as {examples.name!r}, but which features it reads cannot be seen in its graph; "
            "give it a signature with named columns, or give the data as Parquet, whose types then decide"
        )
    note = f"the features of the model's tf.Examples cannot be seen in its graph: it was given {listed(list(types))}, with the types that the data has"
    return Inputs(features=tuple(Feature(name=name, dtype=types[name], optional=True) for name in types), examples=examples, notes=(note,))
