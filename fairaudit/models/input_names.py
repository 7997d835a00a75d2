"""Names of a SavedModel's inputs that TensorFlow, which takes them for names of a function's parameters, would write otherwise: 'marital-status' as 'marital_status'."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from fairaudit.models.signatures import import_tensorflow

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def stand_ins(names: Iterable[str]) -> dict[str, str]:
    """Each name, and what it must be called while a function is traced: mostly itself."""
    taken = list(names)
    free = (f"input_{place}" for place in range(2 * len(taken)) if f"input_{place}" not in taken)
    return {name: name if _PLAIN.fullmatch(name) and not keyword.iskeyword(name) else next(free) for name in taken}


def name_inputs(folder: Path, signature: str, names: Mapping[str, str]) -> None:
    """Call a saved signature's inputs by their names, where they were saved by stand-ins.

    Servers find an input by the signature's own list, and Python by the keywords of its function.

    Args:
        names: name → stand-in.
    """
    moved = {stand_in: name for name, stand_in in names.items() if stand_in != name}
    if not moved:
        return
    import_tensorflow()
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel  # type: ignore[import-untyped]

    graph = folder / "saved_model.pb"
    saved = SavedModel.FromString(graph.read_bytes())
    for meta_graph in saved.meta_graphs:
        defined, nodes = meta_graph.signature_def[signature], meta_graph.object_graph_def.nodes
        for stand_in, name in moved.items():
            defined.inputs[name].CopyFrom(defined.inputs[stand_in])
            del defined.inputs[stand_in]
        signatures = next(nodes[child.node_id] for child in nodes[0].children if child.local_name == "signatures")
        function = next(nodes[child.node_id] for child in signatures.children if child.local_name == signature).bare_concrete_function
        function.argument_keywords[:] = [moved.get(one, one) for one in function.argument_keywords]
    graph.write_bytes(saved.SerializeToString(deterministic=True))
