"""How an exported model is used: Python that runs as it stands, and the command that audits it."""

from __future__ import annotations

import json
import keyword
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fairaudit.mitigations.exported import ExportedTensor
from fairaudit.mitigations.policy import Policy
from fairaudit.mitigations.usual import Usual
from fairaudit.models.interface import target_of

_LISTS = {"string": ("bytes_list", "BytesList"), "float": ("float_list", "FloatList")}  # of anything else int64_list
_NEUTRAL: dict[str, Any] = {"string": "text", "float": 0.0, "int": 0, "bool": False}
_OF_DATA = {
    "label": "--label", "positive": "--positive", "protected": "--protected", "slices": "--slice", "intersections": "--intersections", "weight": "--weight", "cluster": "--cluster", "effect": "--effect", "rules": "--rule", "other_below": "--other-below",
}  # what was asked of the audit that another one of the same people needs


def calling(signature: str, inputs: Sequence[ExportedTensor], usual: Sequence[Usual], *, examples: str | None, policy: Policy | None = None) -> tuple[str, ...]:
    """Lines of Python that ask the exported model about one row that is nobody's.

    Args:
        usual: what features hold as a rule.
        examples: the input that takes all features as serialized tf.Examples; None where each is an input itself.
        policy: of whose groups the row is to be, where the model asks for them.
    """
    values = {one.name: (one.dtype, one.value) for one in usual} | _of_group(policy, {one.name: one.dtype for one in inputs})
    lines = ["import tensorflow as tf", "", 'model = tf.saved_model.load("saved_model")', f"decide = model.signatures[{_text(signature)}]"]
    if examples is not None:
        lines += ["row = tf.train.Example(features=tf.train.Features(feature={", *(f"    {_text(name)}: {_feature(dtype, value)}," for name, (dtype, value) in values.items()), "}))"]
    lines += ["answer = decide("]
    for one in inputs:
        given = "tf.constant([row.SerializeToString()])" if one.name == examples else _constant(one, values)
        is_plain = one.name.isidentifier() and not keyword.iskeyword(one.name)
        lines.append(f"    {one.name}={given}," if is_plain else f"    **{{{_text(one.name)}: {given}}},")
    return (*lines, ")")


def auditing(config: Mapping[str, Any], holdout: str | None, *, model: str, flags: Sequence[str]) -> tuple[str, ...]:
    """The command that audits the exported model, a flag on each line.

    Args:
        config: what was asked of the audit, as the card has it.
        holdout: the rows that were held out, where they were given; else they are others that the user has.
        flags: of this model, as `--output score`.
    """
    asked = [f"--model {shlex.quote(model)}", f"--data {shlex.quote(holdout or 'others.csv')}"]
    for name, flag in _OF_DATA.items():
        value = config.get(name)
        asked += [f"{flag} {shlex.quote(str(one))}" for one in (value if isinstance(value, list | tuple) else [] if value is None else [value])]
    asked += [f"--bins {shlex.quote(f'{name}={_edges(edges)}')}" for name, edges in (config.get("bins") or {}).items()]
    asked += [*flags, "--out audited"]
    return ("fairaudit audit \\", *(f"    {one} \\" for one in asked[:-1]), f"    {asked[-1]}")


def _edges(edges: Any) -> str:
    return edges if isinstance(edges, str) else ",".join(f"{one:g}" for one in edges)


def _of_group(policy: Policy | None, inputs: Mapping[str, str]) -> dict[str, tuple[str, Any]]:
    """The first group's values, of attributes that are texts; a number stands for a band that holds it or another."""
    if policy is None or policy.is_inferred or not policy.groups:
        return {}
    found = dict(policy.groups[0].group.values)
    return {name: ("string", found[name]) for name in policy.attributes if inputs.get(name) == "string" and found.get(name) is not None}


def _constant(one: ExportedTensor, values: Mapping[str, tuple[str, Any]]) -> str:
    value: Any = values[one.name][1] if one.name in values else _NEUTRAL.get(target_of(one.dtype) or "", 0)
    for size in reversed(one.shape.strip("[]").split(", ")[1:]):
        value = [value] * (int(size) if size.isdigit() else 1)
    told = _literal([value])
    return f"tf.constant({told})" if one.dtype == "string" else f"tf.constant({told}, tf.{one.dtype})"


def _feature(dtype: str, value: Any) -> str:
    kind = target_of(dtype) or ""
    field, of = _LISTS.get(kind, ("int64_list", "Int64List"))
    told = f"{_text(value)}.encode()" if kind == "string" else _literal(value if kind == "float" else int(value))
    return f"tf.train.Feature({field}=tf.train.{of}(value=[{told}]))"


def _literal(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return _text(value) if isinstance(value, str) else repr(value)


def _text(value: str) -> str:
    """As Python writes it, in double quotes."""
    return json.dumps(value, ensure_ascii=False)


def one_line(lines: Sequence[str]) -> str:
    """A command as a shell takes it in one line."""
    return " ".join(line.removesuffix("\\").strip() for line in lines)


def own_output(output: str, config: Mapping[str, Any]) -> Iterator[str]:
    """The flags of a model that decides by a threshold on an output."""
    yield f"--output {shlex.quote(output)}"
    for name, flag in {"activation": "--activation", "at_threshold": "--at-threshold", "threshold": "--threshold"}.items():
        if config.get(name) is not None:
            yield f"{flag} {config[name]:g}" if name == "threshold" else f"{flag} {config[name]}"
