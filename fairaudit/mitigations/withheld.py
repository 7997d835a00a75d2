"""A model that is not told a protected attribute: the original inside, given one value of it for everybody.

    values = typical(…)              # what it is given, from the rows that it is trained on
    full = told(inputs, values, matched.inputs)      # what the original is called with
    export_untold(place, folder, matched, values)    # the same as a SavedModel that asks for no such attribute

Where each feature is an input, the exported signature lacks that of the attribute. Where all are in serialized tf.Examples, the attribute may be in them or not: a second value is written behind them, and of two the last counts
(protocol buffers: "Encoding", on merging, https://protobuf.dev/programming-guides/encoding/#last-one-wins).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from fairaudit.errors import ContentError, listed
from fairaudit.mitigations.wiring import check_plain, wrapping
from fairaudit.models.input_names import name_inputs, stand_ins
from fairaudit.models.interface import UnfitModel, target_of
from fairaudit.models.matching import Inputs
from fairaudit.models.savedmodel import Matched, loaded
from fairaudit.models.signatures import import_tensorflow, read_signatures


class Withheld(msgspec.Struct, frozen=True, kw_only=True):
    """A protected attribute that a model takes, and what it is given for everybody instead of it."""

    attribute: str
    dtype: str  # of the model's feature
    value: str | float | int | bool | None  # None: no row has one


def typical(values: npt.NDArray[Any], *, attribute: str, dtype: str) -> Withheld:
    """What most rows have: of texts and truths the most frequent value, of numbers the median, the lower one of two.

    Args:
        values: of the rows that have one, as the model takes them, shape (rows,).
    """
    is_number = target_of(dtype) in ("int", "float")
    known = np.sort(values[~np.isnan(values.astype(np.float64))] if is_number else values)
    if is_number or not known.size:
        return Withheld(attribute=attribute, dtype=dtype, value=known[(known.size - 1) // 2].item() if known.size else None)
    each, number = np.unique(known, return_counts=True)
    most = each[number.argmax()]
    return Withheld(attribute=attribute, dtype=dtype, value=most.decode("utf-8", "replace") if isinstance(most, bytes) else bool(most))


def told(given: Mapping[str, Any], withheld: Sequence[Withheld], inputs: Inputs) -> dict[str, Any]:
    """What the original is called with, in TensorFlow's tensors.

    Args:
        given: tensors by input; those of what is withheld may be missing, and are not looked at.
    """
    tf = import_tensorflow()
    if inputs.examples is not None:
        (serialized,) = given.values()
        return {inputs.examples.name: tf.strings.join([serialized, tf.constant(_example(withheld))])}
    names = {one.attribute for one in withheld}
    known = {name: tensor for name, tensor in given.items() if name not in names}
    rows = tf.shape(next(iter(known.values())))[0]
    ranks = {one.name: one.rank for one in inputs.features}
    return known | {one.attribute: tf.fill([rows, 1][: ranks[one.attribute]], _constant(one)) for one in withheld}


def check_withheld(matched: Matched, withheld: Sequence[Withheld]) -> None:
    """Returns if a model can do without what it is told of these.

    Raises:
        UnfitModel: it takes nothing else.
        ContentError: no row has a value that it could be given.
    """
    names = [one.attribute for one in withheld]
    if names and all(one.name in names for one in matched.inputs.features):
        raise UnfitModel(f"model {matched.card.name!r} takes {listed(names)} and nothing else, so without that there is nothing to decide by; leave --without-attribute out.")
    unknown = [one.attribute for one in withheld if one.value is None]
    if unknown:
        raise ContentError(f"no row to fit on has a value of {listed(unknown)} that model {matched.card.name!r} could be given for everybody; leave --without-attribute out, or give rows that have one.")


def export_untold(place: Path, folder: Path, matched: Matched, withheld: Sequence[Withheld]) -> None:
    """Write a SavedModel that answers as the one in `place` does where everybody has these values, and asks for no such attribute.

    Its one signature is called as the audited one, and has its outputs.

    Args:
        matched: the original, of whose kind the model in `place` is.
        folder: to be made, or empty.

    Raises:
        UnfitModel: the model cannot be wrapped.
        ContentError: the disk is full.
    """
    tf = import_tensorflow()
    name = matched.card.name
    called = next(one for one in read_signatures(place) if one.name == matched.card.signature)
    check_plain(called, model=name)
    left = [one for one in called.inputs if one.name not in {own.attribute for own in withheld}]
    aliases = stand_ins(one.name for one in left)
    module = tf.Module()
    module.original = loaded(place, name)
    call = module.original.signatures[called.name]

    def answer(**aliased: Any) -> dict[str, Any]:
        theirs: dict[str, Any] = call(**told({one: aliased[alias] for one, alias in aliases.items()}, withheld, matched.inputs))
        return theirs

    with wrapping(name, folder):
        specs = {aliases[one.name]: tf.TensorSpec(one.shape, tf.as_dtype(one.dtype), name=aliases[one.name]) for one in left}
        traced = tf.function(answer, autograph=False).get_concrete_function(**specs)
        tf.saved_model.save(module, str(folder), signatures={called.name: traced})
        name_inputs(folder, called.name, aliases)


def notes_of(withheld: Sequence[Withheld], matched: Matched) -> Iterator[str]:
    """What the user should know of it."""
    for one in withheld:
        yield f"The original takes {one.attribute}. This model is not told it: it was trained, and decides, as if everybody's were {one.value!r}, which {'is the median' if target_of(one.dtype) in ('int', 'float') else 'most rows have'} of the rows to fit on."
    others = [one.name for one in read_signatures(matched.place) if one.name != matched.card.signature]
    if withheld and others:
        yield f"Only the signature {matched.card.signature!r}, which was audited, is exported; the original has also {listed(others)}."


def _constant(one: Withheld) -> Any:
    tf = import_tensorflow()
    return tf.constant(one.value.encode() if isinstance(one.value, str) else one.value, tf.as_dtype(one.dtype))


def _example(withheld: Sequence[Withheld]) -> bytes:
    """A tf.Example of nothing else."""
    tf = import_tensorflow()
    feature = {}
    for one in withheld:
        if isinstance(one.value, str):
            feature[one.attribute] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[one.value.encode()]))
        elif target_of(one.dtype) == "float":
            feature[one.attribute] = tf.train.Feature(float_list=tf.train.FloatList(value=[one.value]))
        else:
            feature[one.attribute] = tf.train.Feature(int64_list=tf.train.Int64List(value=[one.value]))
    return bytes(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString(deterministic=True))
