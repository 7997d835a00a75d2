"""A SavedModel's variables given other values: the folder as it is, byte for byte, but for the checkpoint that it restores them from.

Whatever serves the original serves the copy: signatures, assets, ops and names are not written anew, as saving a loaded model would.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt

from fairaudit.models.folder import full_disk
from fairaudit.models.interface import ModelFailed, UnfitModel
from fairaudit.models.signatures import import_tensorflow

_VARIABLES = Path("variables") / "variables"  # the checkpoint's prefix in a SavedModel's folder
_OBJECTS = "_CHECKPOINTABLE_OBJECT_GRAPH"
_VALUE = "VARIABLE_VALUE"

Values = Mapping[str, npt.NDArray[Any]]


def keys_of(place: Path, module: Any, variables: Sequence[Any], *, model: str) -> tuple[str, ...]:
    """What the checkpoint calls each variable of the loaded module.

    Raises:
        UnfitModel: one is not there by itself, as a partitioned variable, which is held in pieces.
    """
    tf = import_tensorflow()
    prefix = str(place / _VARIABLES)
    reader = tf.train.load_checkpoint(prefix)
    shapes = reader.get_variable_to_shape_map()
    found = _by_object(reader, tf.train.CheckpointView(prefix), module) if _OBJECTS in shapes else {}
    named = {id(one): found.get(id(one), one.name.partition(":")[0]) for one in variables}
    lost = [one.name for one in variables if named[id(one)] not in shapes or shapes[named[id(one)]] != one.shape.as_list()]
    if lost:
        raise UnfitModel(f"model {model!r} has no whole value of the variable {lost[0]!r} in its checkpoint, as where variables are partitioned, so it cannot be given another; export it with whole variables, or train it where it was made, with mitigate reweigh --trainer.")
    return tuple(named[id(one)] for one in variables)


def copy_with(place: Path, folder: Path, values: Values) -> None:
    """Copy a SavedModel into a folder, to be made or empty, with these values in its checkpoint.

    Args:
        values: by the keys that `keys_of` tells; none: the copy is the original.

    Raises:
        ContentError: the disk is full.
    """
    _copy(place, folder)
    if not values:
        return
    tf = import_tensorflow()
    prefix = folder / _VARIABLES
    reader = tf.train.load_checkpoint(str(place / _VARIABLES))
    types = reader.get_variable_to_dtype_map()
    names = sorted(types)
    tensors = [tf.constant(values[name] if name in values else reader.get_tensor(name), types[name]) for name in names]
    for former in prefix.parent.glob(f"{prefix.name}.*"):
        former.unlink()
    try:
        tf.raw_ops.SaveV2(prefix=str(prefix), tensor_names=names, shape_and_slices=[""] * len(names), tensors=tensors)
    except tf.errors.OpError as broken:
        raise full_disk(broken, folder) or ModelFailed(f"the variables of the trained model cannot be written to {folder.parent}: {broken}") from broken
    _fingerprint(folder)


def _copy(place: Path, folder: Path) -> None:
    """Files alone, without who may write them: a model that nobody may change can be copied and the copy changed."""
    folder.mkdir(parents=True, exist_ok=True)
    for one in sorted(place.rglob("*")):
        to = folder / one.relative_to(place)
        if one.is_dir():
            to.mkdir(exist_ok=True)
        elif one.is_file():
            shutil.copyfile(one, to)


def _by_object(reader: Any, view: Any, module: Any) -> dict[int, str]:
    """The checkpoint's key of each object of the module, by the object's id: found by their places in both, as restoring finds them."""
    from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph  # type: ignore[import-untyped]

    nodes = TrackableObjectGraph.FromString(reader.get_tensor(_OBJECTS)).nodes
    return {id(one): attribute.checkpoint_key for place, one in view.match(module).items() for attribute in nodes[place].attributes if attribute.name == _VALUE}


def _fingerprint(folder: Path) -> None:
    """Let fingerprint.pb, where there is one, be that of the checkpoint as it is now."""
    path = folder / "fingerprint.pb"
    if not path.is_file():
        return
    tf = import_tensorflow()
    from tensorflow.core.protobuf.fingerprint_pb2 import FingerprintDef  # type: ignore[import-untyped]

    told = FingerprintDef.FromString(path.read_bytes())
    index = (folder / _VARIABLES).with_suffix(".index").read_bytes()
    told.checkpoint_hash = int.from_bytes(tf.fingerprint(tf.constant([index])).numpy()[0].tobytes(), "little")
    told.uuid = str(int.from_bytes(tf.fingerprint(tf.constant([told.uuid.encode() + index])).numpy()[0].tobytes(), "little"))
    path.write_bytes(told.SerializeToString(deterministic=True))
