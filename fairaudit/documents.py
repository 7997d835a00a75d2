"""Files that people write (rules, configurations) → frozen values, with every mistake told at once and in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import ge, gt, le, lt
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
import msgspec.inspect as shapes
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from fairaudit.errors import listed, nearest, raise_all
from fairaudit.fitting import MISFIT, choices_of, scalar, shown, wanted, words
from fairaudit.yaml_nodes import DocumentError, root_of, text_of

T = TypeVar("T")
Sound = Callable[["Place"], bool]  # whether nothing was found wrong at a place, or below it
Place = tuple[str | int, ...]  # ("source", 0, "cite"): the way from the root to a value


class Mistake(NamedTuple):
    """What a check of the finished value found wrong, and where."""

    place: Place
    sentence: str


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file whose shape is not looked at yet."""

    root: Node
    file: str  # its name in messages

    @property
    def fields(self) -> tuple[str, ...]:
        """The names at its top; of what is no mapping there are none."""
        return tuple(key.value for key, _ in self.root.value if isinstance(key, ScalarNode)) if isinstance(self.root, MappingNode) else ()


def opened(source: Path | str, *, kind: str, file: str = "text") -> Document:
    """The nodes of a YAML file (a path) or a YAML text (a str).

    Args:
        kind: what the file is to its writer: "rule".
        file: the name of a text, for messages.

    Raises:
        ConfigError: there is no such file, it is no YAML, or it is empty.
    """
    text, file = (text_of(source), str(source)) if isinstance(source, Path) else (source, file)
    root = root_of(text, file=file)
    if root is None:
        raise DocumentError(f"this file is empty; a {kind} is expected.", file=file)
    return Document(root, file)


def read_document(
    source: Document | Path | str,
    type: type[T],
    *,
    kind: str,
    file: str = "text",
    unsupported: Mapping[str, str] | None = None,
    check: Callable[[T], Iterable[Mistake]] = lambda value: (),
    parts: Callable[[Mapping[str, Any], Sound], Iterable[Mistake]] = lambda fields, sound: (),
) -> T:
    """The value that a YAML file (opened, or a path) or a YAML text (a str) describes.

    Args:
        type: a msgspec Struct; unknown fields are mistakes whatever it says itself.
        kind: what the file is to its writer: "rule".
        file: the name of a text, for messages.
        unsupported: fields that exist elsewhere but not here, each with the sentence to refuse it by.
        check: what must hold between fields, asked once each field by itself is sound.
        parts: as much of it as can be asked of the sound fields where others are not, so that a mistake is not first told when others are mended.

    Raises:
        ConfigError: there is no such file; or one DocumentError a mistake, several together as `Several`.
    """
    document = source if isinstance(source, Document) else opened(source, kind=kind, file=file)
    root, file = document.root, document.file
    _same_kind(document, type, kind)
    reader = _Reader(kind, file, unsupported or {})
    built = reader.value(root, shapes.type_info(type), ())
    if reader.mistakes() and isinstance(built, dict):
        for place, sentence in tuple(parts(built, lambda place: reader.is_sound(_node_at(root, place)))):
            reader.found(_node_at(root, place), sentence)
    raise_all(reader.mistakes())
    try:
        value = msgspec.convert(built, type)
    except msgspec.ValidationError as error:  # a struct's own __post_init__
        raise DocumentError(f"{str(error).split(' - at `')[0]}.", file=file, line=1) from error
    for place, sentence in check(value):
        reader.found(_node_at(root, place), sentence)
    raise_all(reader.mistakes())
    return value


def _same_kind(document: Document, type: type[Any], kind: str) -> None:
    """Returns unless the file says itself that it is something else of ours, of which every field would be a mistake.

    Raises:
        DocumentError: what it is, and what was expected.
    """
    said = next((node for key, node in document.root.value if key.value == "schema"), None) if isinstance(document.root, MappingNode) else None
    shape = shapes.type_info(type)
    if not isinstance(said, ScalarNode) or not said.value.startswith("fairaudit/") or not isinstance(shape, shapes.StructType):
        return
    ours = [str(word) for one in shape.fields if one.encode_name == "schema" for choice in choices_of(one.type) for word in words(choice)]
    if said.value.split("/")[1] not in [one.split("/")[1] for one in ours]:
        wanted_ = f" (schema: {ours[0]})" if ours else ""
        raise DocumentError(f"this says of itself that it is {said.value}, and a {kind}{wanted_} is expected.", file=document.file, line=said.start_mark.line + 1, column=said.start_mark.column + 1)


def salvaged(document: Document, type: type[T], *, kind: str) -> tuple[T, tuple[DocumentError, ...]]:
    """What can be read of a document whose fields all have defaults, and every mistake in it: a field with a mistake is as if it were not there."""
    _same_kind(document, type, kind)
    reader, shape = _Reader(kind, document.file, {}), shapes.type_info(type)
    assert isinstance(shape, shapes.StructType)
    if not isinstance(document.root, MappingNode):
        reader.value(document.root, shape, ())
        return msgspec.convert({}, type), tuple(reader.mistakes())
    fields = {one.encode_name: one for one in shape.fields}
    sound = {}
    for name, node in reader.pairs(document.root, (), fields):
        before = len(reader.mistakes())
        value = reader.value(node, fields[name].type, (name,))
        if len(reader.mistakes()) == before:
            sound[name] = value
    return msgspec.convert(sound, type), tuple(reader.mistakes())


class _Reader:
    """Builds what `msgspec.convert` takes from nodes, guided by the type, and collects what does not fit."""

    def __init__(self, kind: str, file: str, unsupported: Mapping[str, str]) -> None:
        self.kind, self.file, self.unsupported = kind, file, unsupported
        self._found: list[DocumentError] = []

    def found(self, node: Node, sentence: str) -> None:
        self._found.append(DocumentError(sentence, file=self.file, line=node.start_mark.line + 1, column=node.start_mark.column + 1))

    def mistakes(self) -> list[DocumentError]:
        return sorted(self._found, key=lambda error: (error.line or 0, error.column or 0))

    def is_sound(self, node: Node) -> bool:
        """Whether no mistake lies in it."""
        start, end = ((mark.line + 1, mark.column + 1) for mark in (node.start_mark, node.end_mark))
        places = ((one.line or 0, one.column or 0) for one in self._found)
        return not any(place == start or start < place < end for place in places)  # what is left empty begins where it ends

    def value(self, node: Node, shape: shapes.Type, place: Place) -> object:
        """The node as plain data; None, with the mistake noted, where it does not fit."""
        choices = choices_of(shape)
        match node:
            case MappingNode():
                for choice in choices:
                    if isinstance(choice, shapes.StructType):
                        return self._struct(node, choice, place)
                    if isinstance(choice, shapes.DictType):
                        return {key: self.value(item, choice.value_type, (*place, key)) for key, item in self.pairs(node, place)}
            case SequenceNode():
                for choice in choices:
                    if isinstance(choice, shapes.ListType | shapes.VarTupleType):
                        items = [self.value(item, choice.item_type, (*place, i)) for i, item in enumerate(node.value)]
                        self._measure(node, len(items), choice, place)
                        return items
            case ScalarNode():
                for choice in choices:
                    if (fitting := scalar(node, choice)) is not MISFIT:
                        self._bound(node, fitting, choice, place)
                        return fitting
        self.found(node, self._misfit(node, choices, place))
        return None

    def _struct(self, node: MappingNode, shape: shapes.StructType, place: Place) -> dict[str, object]:
        fields = {one.encode_name: one for one in shape.fields}
        built: dict[str, object] = {}
        for key, item in self.pairs(node, place, fields):
            built[key] = self.value(item, fields[key].type, (*place, key))
        for name, one in fields.items():
            if one.required and name not in built:
                self.found(node, f"{self._owner(place)} lacks the field {name!r}.")
        return built

    def pairs(self, node: MappingNode, place: Place, known: Iterable[str] | None = None) -> list[tuple[str, Node]]:
        """The mapping's keys and values, without keys that are not known or come twice."""
        first: dict[str, int] = {}
        pairs = []
        for key, item in node.value:
            name = key.value if isinstance(key, ScalarNode) else None
            if name is None:
                self.found(key, f"{self._owner(place)} has a field whose name is not plain text.")
            elif name in first:
                self.found(key, f"{name!r} is given twice, the first time in line {first[name]}.")
            elif known is not None and name not in known:
                self.found(key, self._unknown(name, place, tuple(known)))
            else:
                pairs.append((name, item))
            if name is not None:
                first.setdefault(name, key.start_mark.line + 1)
        return pairs

    def _owner(self, place: Place) -> str:
        return f"the {self.kind}" if not place else _named(place)

    def _unknown(self, name: str, place: Place, known: tuple[str, ...]) -> str:
        if not place and name in self.unsupported:
            return self.unsupported[name]
        near = nearest(name, known)
        advice = f"did you mean {near!r}?" if near else f"its fields are {listed(known, most=40)}."
        return f"{self._owner(place)} has no field {name!r}; {advice}"

    def _misfit(self, node: Node, choices: tuple[shapes.Type, ...], place: Place) -> str:
        allowed = tuple(str(word) for choice in choices for word in words(choice))
        near = nearest(node.value, allowed) if isinstance(node, ScalarNode) and allowed else None
        of_words = any(isinstance(one, shapes.ListType | shapes.VarTupleType) and isinstance(one.item_type, shapes.StrType) for one in choices)
        is_one = of_words and isinstance(node, ScalarNode) and node.value
        advice = f"; did you mean {near!r}?" if near else f"; write [{node.value}]." if is_one else "."
        return f"{self._owner(place)} must be {wanted(choices)}, and is {shown(node)}{advice}"

    def _bound(self, node: Node, value: object, shape: shapes.Type, place: Place) -> None:
        if isinstance(shape, shapes.StrType) and shape.min_length and not str(value).strip():
            self.found(node, f"{_named(place)} must not be empty.")
        if isinstance(value, int | float) and isinstance(shape, shapes.IntType | shapes.FloatType):
            for word, bound, holds in (("above", shape.gt, gt), ("at least", shape.ge, ge), ("below", shape.lt, lt), ("at most", shape.le, le)):
                if bound is not None and not holds(value, bound):
                    self.found(node, f"{_named(place)} must be {word} {bound:g}, and is {shown(node)}.")

    def _measure(self, node: Node, length: int, shape: shapes.ListType | shapes.VarTupleType, place: Place) -> None:
        if shape.min_length is not None and length < shape.min_length:
            self.found(node, f"{_named(place)} must have at least {shape.min_length} of its kind, and has {length or 'none'}.")


def _named(place: Place) -> str:
    """`source[1].cite`, as a sentence quotes it; list places count from 1, as people do."""
    written = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")
    return repr(written)


def _node_at(root: Node, place: Place) -> Node:
    """The node at a place, or the nearest above it that the file holds."""
    node = root
    for part in place:
        if isinstance(node, MappingNode):
            inner = next((item for key, item in node.value if key.value == part), None)
        elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
            inner = node.value[part]
        else:
            inner = None
        if inner is None:
            return node
        node = inner
    return node
