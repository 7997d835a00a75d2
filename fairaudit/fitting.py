"""Whether a YAML scalar fits a type, and how a sentence names either in plain words."""

from __future__ import annotations

import math
from datetime import date

import msgspec.inspect as shapes
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

MISFIT = object()
_TAG = "tag:yaml.org,2002:"


def choices_of(shape: shapes.Type) -> tuple[shapes.Type, ...]:
    """What a value may be; text last, since anything can be read as text."""
    if isinstance(shape, shapes.Metadata):
        return choices_of(shape.type)
    if isinstance(shape, shapes.UnionType):
        flat = [choice for member in shape.types for choice in choices_of(member)]
        return tuple(sorted(flat, key=lambda choice: isinstance(choice, shapes.StrType)))
    return (shape,)


def words(shape: shapes.Type) -> tuple[object, ...]:
    """The only values that a shape allows; none where it is not a matter of words."""
    match shape:
        case shapes.LiteralType():
            return tuple(shape.values)
        case shapes.EnumType():
            return tuple(member.value for member in shape.cls)
    return ()


def scalar(node: ScalarNode, shape: shapes.Type) -> object:
    """The scalar as the shape has it, or `MISFIT`. Text is taken as written, so `01234` keeps its 0."""
    kind = str(node.tag).removeprefix(_TAG)
    match shape:
        case shapes.NoneType() if kind == "null":
            return None
        case shapes.LiteralType() | shapes.EnumType() if kind != "null":
            return node.value if node.value in words(shape) else MISFIT
        case shapes.BoolType() if kind == "bool":
            return node.value.casefold() == "true"
        case shapes.IntType() if kind == "int":
            return _number(node.value, int)
        case shapes.FloatType() if kind in ("int", "float"):
            return _number(node.value, float)
        case shapes.DateType() if kind in ("timestamp", "str"):
            return _date(node.value)
        case shapes.StrType() if kind != "null":
            return node.value
    return MISFIT


def _number(text: str, kind: type[int | float]) -> object:
    """A finite decimal number; YAML's `.inf`, `.nan`, `0x10`, `1_000` and numbers that overflow do not fit."""
    try:
        number = kind(text) if "_" not in text else math.nan
    except ValueError:
        return MISFIT
    return number if abs(number) < 2**63 else MISFIT


def _date(text: str) -> object:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return MISFIT


def wanted(choices: tuple[shapes.Type, ...]) -> str:
    """What a value should have been: "a finite number or a list"."""
    return " or ".join(dict.fromkeys(_plain(choice) for choice in choices if not isinstance(choice, shapes.NoneType)))


def _plain(shape: shapes.Type) -> str:
    allowed = words(shape)
    if allowed:
        return str(allowed[0]) if len(allowed) == 1 else f"one of {', '.join(map(str, allowed))}"
    return _PLAIN.get(type(shape).__name__, "something else")


_PLAIN = {
    "StrType": "text",
    "IntType": "a whole number",
    "FloatType": "a finite number",
    "BoolType": "true or false",
    "DateType": "a date such as 2026-07-05",
    "StructType": "a mapping (name: value)",
    "DictType": "a mapping (name: value)",
    "ListType": "a list",
    "VarTupleType": "a list",
}


def shown(node: Node) -> str:
    """What a value was."""
    match node:
        case MappingNode():
            return "a mapping"
        case SequenceNode():
            return "a list"
    text, kind = str(node.value), str(node.tag).removeprefix(_TAG)
    if kind == "null":
        return "left empty"
    return (repr(text) if kind == "str" else text)[:60]
