"""Where a wrapped model finds what groups and draws are told by: among its inputs, in one that is added, or in its tf.Examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fairaudit.errors import FairauditError
from fairaudit.mitigations.attributes import ReadAttribute
from fairaudit.mitigations.draws import canonical
from fairaudit.models import folder as places
from fairaudit.models.conversion import route
from fairaudit.models.input_names import stand_ins
from fairaudit.models.interface import UnfitModel
from fairaudit.models.savedmodel import Matched, own_words
from fairaudit.models.signatures import Signature, Tensor, import_tensorflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """From the inputs of the exported signature to what groups and draws are told by."""

    inputs: tuple[Tensor, ...]  # of the exported signature, by name
    aliases: Mapping[str, str]  # input → what it is called in the function that is traced
    added: tuple[str, ...]  # attributes that the original had not asked for
    dtypes: Mapping[str, str]  # attribute, or feature that is read besides → dtype of what tells it
    has_examples: bool
    features: Mapping[str, str]  # of tf.Examples, where they are known → dtype; the attributes among them
    rounded: tuple[str, ...]  # attributes whose numbers the model is told less exactly than bands were cut by

    @property
    def drawn_by(self) -> tuple[str, ...]:
        """The inputs, or the features of tf.Examples, that a row is drawn by."""
        return tuple(self.features) or tuple(one.name for one in self.inputs)

    def spec(self, name: str) -> Any:
        """An input as a traced function takes it."""
        tf = import_tensorflow()
        tensor = next(one for one in self.inputs if one.name == name)
        return tf.TensorSpec(tensor.shape, tf.as_dtype(tensor.dtype), name=self.aliases[name])

    def told(self, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], list[Any]]:
        """Attribute, or feature that is read besides → its values, shape (rows,); attribute → whether a row has one, where it is a feature of tf.Examples; and what a row is drawn by, as texts of shape (rows,) or (rows, values)."""
        if not self.has_examples:
            every = {one: tensor if tensor.shape.rank in (1, 2) else import_tensorflow().reshape(tensor, [-1]) for one, tensor in given.items()}
            return {one: every[one] if every[one].shape.rank == 1 else every[one][:, 0] for one in self.dtypes}, {}, [canonical(every[one]) for one in self.drawn_by]
        tf = import_tensorflow()
        (serialized,) = given.values()
        wanted = {one: tf.io.RaggedFeature(tf.as_dtype(dtype)) for one, dtype in (self.features or self.dtypes).items()}
        parsed = tf.io.parse_example(serialized, wanted) if wanted else {}
        values = {one: parsed[one].to_tensor(shape=[None, 1])[:, 0] for one in self.dtypes}
        present = {one: parsed[one].row_lengths() > 0 for one in self.dtypes}
        return values, present, [parsed[one].with_flat_values(canonical(parsed[one].flat_values)) for one in self.features] or [serialized]


def wired(matched: Matched, called: Signature, asked: Sequence[ReadAttribute], read: Sequence[str] = ()) -> Wiring:
    """How the signature of a model is wrapped.

    Args:
        asked: the attributes that groups are told by.
        read: the model's own features that are read besides.

    Raises:
        UnfitModel: an attribute's column cannot be given to the input of its name.
    """
    held = {one.name: one.dtype for one in matched.inputs.features}
    has_examples = matched.inputs.examples is not None
    is_known = not has_examples or called.parsed is not None
    added = tuple(one.name for one in asked if one.name not in held or not is_known)
    dtypes = {one.name: held[one.name] if one.name not in added else one.example_dtype if has_examples else one.dtype for one in asked}
    for one in asked:
        if route(one.type, dtypes[one.name]) is None:
            raise UnfitModel(f"the protected attribute {one.name!r} is a column of {one.type}, and the model takes it as {dtypes[one.name]}, which it cannot be given as")
    dtypes |= {name: held[name] for name in read}
    rank = 2 if called.inputs and all(len(one.shape or ()) == 2 for one in called.inputs) else 1
    new = () if has_examples else tuple(Tensor(name=one, dtype=dtypes[one], shape=(None, 1)[:rank]) for one in added)
    inputs = tuple(sorted((*called.inputs, *new), key=lambda one: one.name))
    return Wiring(
        inputs=inputs, aliases=stand_ins(one.name for one in inputs), added=added, dtypes=dtypes, has_examples=has_examples,
        features=dict(sorted((held | dtypes).items())) if has_examples and is_known else {},
        rounded=tuple(one.name for one in asked if one.bands is not None and (own := one.own(dtypes[one.name])) is not None and own.itemsize < np.dtype(one.own("float64")).itemsize),
    )  # fmt: skip


def check_plain(called: Signature, *, model: str) -> None:
    """Returns if the signature's inputs and outputs can be handed on.

    Raises:
        UnfitModel: one is sparse or composite, or an input has not a value for each row.
    """
    for kind, tensors in (("input", called.inputs), ("output", called.outputs)):
        for one in tensors:
            if one.encoding:
                raise UnfitModel(f"model {model!r} has the {kind} {one}, and only plain tensors can be handed on; export a signature without it")
            if kind == "input" and one.shape is not None and (not one.shape or one.shape[0] is not None or len(one.shape) > 2):
                raise UnfitModel(f"model {model!r} has the input {one}, and each input must have a value for each row, [n] or [n, 1]; export a signature with such inputs")


@contextmanager
def wrapping(model: str, folder: Path) -> Iterator[None]:
    """What TensorFlow raises while a model is traced in another and saved into a folder, as a sentence."""
    try:
        yield
    except FairauditError:
        raise
    except Exception as broken:  # whatever a model's own ops raise
        if full := places.full_disk(broken, folder):
            raise full from broken
        raise UnfitModel(f"model {model!r} cannot be wrapped into another: {own_words(broken)}") from broken
