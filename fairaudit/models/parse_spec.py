"""What a signature reads out of serialized tf.Examples, learnt from the parsing ops in its graph.

An exported model keeps no feature spec of its own, but the op that parses has the keys as constants beside it and the dtypes as
attributes (tensorflow/core/ops/parsing_ops.cc).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from fairaudit.models.interface import Feature

Nodes = dict[str, Any]  # a graph's or a function's nodes by name


def features(graph: Any, outputs: Sequence[str]) -> tuple[Feature, ...] | None:
    """The features that are parsed on the way to the tensors `outputs`, by name; None if there is no such op, or its keys are no constants."""
    found: dict[str, Feature] = {}
    for nodes in _bodies(graph, outputs):
        for node in nodes.values():
            if node.op not in _PARSERS:
                continue
            parsed = _PARSERS[node.op](node, nodes)
            if parsed is None:
                return None
            for feature in parsed:
                found[feature.name] = _both(found[feature.name], feature) if feature.name in found else feature
    return tuple(found[name] for name in sorted(found)) or None


def _both(one: Feature, other: Feature) -> Feature:
    """A feature that is parsed twice: it may be left out only where both allow it."""
    return replace(one, optional=one.optional and other.optional, unfit=one.unfit or other.unfit)


def _bodies(graph: Any, outputs: Sequence[str]) -> Iterator[Nodes]:
    """The part of the graph that the outputs are computed from, then every function that is called from there."""
    functions = {function.signature.name: function for function in graph.library.function}
    main = _upstream({node.name: node for node in graph.node}, outputs)
    yield main
    seen: set[str] = set()
    waiting = list(_called(main.values()))
    while waiting:
        name = waiting.pop()
        if name in seen or name not in functions:
            continue
        seen.add(name)
        body = {node.name: node for node in functions[name].node_def}
        yield body
        waiting.extend(_called(body.values()))


def _upstream(nodes: Nodes, outputs: Sequence[str]) -> Nodes:
    reached: Nodes = {}
    waiting = [_node_name(tensor) for tensor in outputs]
    while waiting:
        name = waiting.pop()
        if name not in reached and name in nodes:
            reached[name] = nodes[name]
            waiting.extend(_node_name(tensor) for tensor in nodes[name].input)
    return reached


def _called(nodes: Iterable[Any]) -> Iterator[str]:
    for node in nodes:
        for value in node.attr.values():
            yield from (called.name for called in (value.func, *value.list.func) if called.name)


def _node_name(tensor: str) -> str:
    # "name", "name:0" in a graph, "name:output:0" in a function, "^name" for order only.
    return tensor.removeprefix("^").split(":")[0]


def _parse_example_v2(node: Any, nodes: Nodes) -> list[Feature] | None:
    _, _, sparse_keys, dense_keys, ragged_keys, *defaults = node.input
    keys = [_constant(tensor, nodes) for tensor in (sparse_keys, dense_keys, ragged_keys)]
    if any(key is None for key in keys):
        return None
    sparse, dense, ragged = ([key.decode() for key in several.ravel()] for several in keys)
    attr = node.attr
    return [
        *_sparse(sparse, attr["sparse_types"].list.type),
        *_sparse(ragged, attr["ragged_value_types"].list.type),
        *_dense(dense, attr, [_constant(tensor, nodes) for tensor in defaults]),
    ]


def _parse_example(node: Any, nodes: Nodes) -> list[Feature] | None:
    sparse_count, dense_count = node.attr["Nsparse"].i, node.attr["Ndense"].i
    keys = [_constant(tensor, nodes) for tensor in node.input[2 : 2 + sparse_count + dense_count]]
    if any(key is None for key in keys):
        return None
    names = [key.item().decode() for key in keys]
    defaults = [_constant(tensor, nodes) for tensor in node.input[2 + len(keys) :]]
    return [*_sparse(names[:sparse_count], node.attr["sparse_types"].list.type), *_dense(names[sparse_count:], node.attr, defaults)]


def _parse_single_example(node: Any, nodes: Nodes) -> list[Feature] | None:
    sparse, dense = ([key.decode() for key in node.attr[kind].list.s] for kind in ("sparse_keys", "dense_keys"))
    defaults = [_constant(tensor, nodes) for tensor in node.input[1:]]
    return [*_sparse(sparse, node.attr["sparse_types"].list.type), *_dense(dense, node.attr, defaults)]


_PARSERS: dict[str, Callable[[Any, Nodes], list[Feature] | None]] = {
    "ParseExampleV2": _parse_example_v2,
    "ParseExample": _parse_example,
    "ParseSingleExample": _parse_single_example,
}


def _constant(tensor: str, nodes: Nodes) -> Any:
    """The array that a tensor is known to hold, in whatever shape; or None."""
    import tensorflow as tf  # type: ignore[import-untyped]

    node = nodes.get(_node_name(tensor))
    # tf.io.parse_example reshapes each default to its feature's shape.
    while node is not None and node.op in ("Identity", "Reshape"):
        node = nodes.get(_node_name(node.input[0]))
    return tf.make_ndarray(node.attr["value"].tensor) if node is not None and node.op == "Const" else None


def _sparse(names: Sequence[str], types: Iterable[int]) -> list[Feature]:
    return [Feature(name=name, dtype=_dtype(kind), optional=True) for name, kind in zip(names, types, strict=True)]


def _dense(names: Sequence[str], attr: Any, defaults: Sequence[Any]) -> list[Feature]:
    shapes, types = attr["dense_shapes"].list.shape, attr["Tdense"].list.type
    return [
        _dense_feature(name, kind, [dim.size for dim in shape.dim], default) for name, kind, shape, default in zip(names, types, shapes, defaults, strict=True)
    ]


def _dense_feature(name: str, kind: int, shape: Sequence[int], default: Any) -> Feature:
    # -1 is a list of any length, for which one value will do.
    takes_one = all(size in (-1, 1) for size in shape)
    unfit = "" if takes_one else f"takes {' × '.join(map(str, shape))} values out of each tf.Example, where a row has one"
    # An empty constant stands for "no default": then the feature must be there.
    return Feature(name=name, dtype=_dtype(kind), optional=default is not None and default.size > 0, unfit=unfit)


def _dtype(kind: int) -> str:
    import tensorflow as tf

    name: str = tf.as_dtype(kind).name
    return name
