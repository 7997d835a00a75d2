"""What a SavedModel says of itself, read from its saved_model.pb without loading the model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairaudit.errors import ConfigError, UnknownName, listed
from fairaudit.models import parse_spec
from fairaudit.models.interface import Feature, ModelFailed, UnfitModel

DEFAULT = "serving_default"
# The names under which TensorFlow keeps what runs once, at loading; nobody can ask for them.
_NOT_FOR_USERS = ("__saved_model_init_op", "__saved_model_train_op")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """An input or output of a signature."""

    name: str
    dtype: str  # "float32"
    shape: tuple[int | None, ...] | None  # None in it: any size; None itself: unknown
    encoding: str = ""  # "sparse" or "composite" where it is not one plain tensor

    @property
    def shown_shape(self) -> str:
        """[n, 1], with n for any size."""
        return "of any rank" if self.shape is None else f"[{', '.join('n' if size is None else str(size) for size in self.shape)}]"

    def __str__(self) -> str:
        return f"{self.name} ({' '.join(part for part in (self.encoding, self.dtype, self.shown_shape) if part)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One way to call a model."""

    name: str
    inputs: tuple[Tensor, ...]  # by name
    outputs: tuple[Tensor, ...]  # by name
    parsed: tuple[Feature, ...] | None  # what it reads out of tf.Examples; None if nothing that can be seen


def read_signatures(folder: Path) -> tuple[Signature, ...]:
    """The signatures by name; imports TensorFlow, for its protocol buffers.

    Raises:
        ModelFailed: saved_model.pb cannot be read.
    """
    meta_graph = _meta_graph(folder)
    defined = sorted(meta_graph.signature_def.items())
    return tuple(_signature(name, signature, meta_graph) for name, signature in defined if name not in _NOT_FOR_USERS)


def chosen_signature(signatures: Sequence[Signature], asked: str | None, *, model: str) -> Signature:
    """The signature called `asked`; by default serving_default, else the only one.

    Raises:
        ConfigError: there is none, or none of that name, or several to choose from.
    """
    by_name = {signature.name: signature for signature in signatures}
    if not by_name:
        raise UnfitModel(
            f"model {model!r} has no signature to call; export it with Keras' model.export(FOLDER) or tf.saved_model.save(model, FOLDER, signatures=...)"
        )
    if asked is not None:
        if asked not in by_name:
            raise UnknownName("signature", asked, list(by_name), where=f"model {model!r}")
        return by_name[asked]
    if DEFAULT in by_name:
        return by_name[DEFAULT]
    if len(by_name) > 1:
        raise UnfitModel(f"model {model!r} has no {DEFAULT!r} but the signatures {listed(list(by_name))}; name one with --signature")
    return signatures[0]


def import_tensorflow() -> Any:
    """TensorFlow, some seconds later."""
    try:
        import tensorflow as tf  # type: ignore[import-untyped]
    except ImportError as missing:
        raise ConfigError("scoring a SavedModel needs TensorFlow; install it with: pip install 'fairaudit[tensorflow]'") from missing
    return tf


def _meta_graph(folder: Path) -> Any:
    import_tensorflow()
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel  # type: ignore[import-untyped]

    try:
        meta_graphs = SavedModel.FromString((folder / "saved_model.pb").read_bytes()).meta_graphs
    except (DecodeError, OSError) as broken:
        raise ModelFailed(f"{folder / 'saved_model.pb'} cannot be read as a SavedModel: {broken}; is the file whole?") from broken
    for meta_graph in meta_graphs:
        if "serve" in meta_graph.meta_info_def.tags:
            return meta_graph
    raise ModelFailed(f"{folder / 'saved_model.pb'} holds no graph with the tag 'serve'; is the file whole?")


def _signature(name: str, defined: Any, meta_graph: Any) -> Signature:
    inputs, outputs = _tensors(defined.inputs), _tensors(defined.outputs)
    takes_text = [tensor.dtype for tensor in inputs] == ["string"]
    tensor_names = [tensor.name for tensor in defined.outputs.values()]
    parsed = parse_spec.features(meta_graph.graph_def, tensor_names) if takes_text else None
    return Signature(name=name, inputs=inputs, outputs=outputs, parsed=parsed)


def _tensors(defined: Any) -> tuple[Tensor, ...]:
    return tuple(_tensor(name, defined[name]) for name in sorted(defined))


def _tensor(name: str, info: Any) -> Tensor:
    encodings = {"coo_sparse": "sparse", "composite_tensor": "composite"}
    return Tensor(
        name=name,
        dtype=import_tensorflow().as_dtype(info.dtype).name,
        shape=_shape(info.tensor_shape),
        encoding=encodings.get(info.WhichOneof("encoding") or "", ""),
    )


def _shape(proto: Any) -> tuple[int | None, ...] | None:
    return None if proto.unknown_rank else tuple(_sizes(proto.dim))


def _sizes(dims: Iterable[Any]) -> Iterable[int | None]:
    return (None if dim.size < 0 else int(dim.size) for dim in dims)
