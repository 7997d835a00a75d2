"""Files of waivers: read with every mistake told at once, and added to without disturbing what stands there."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

from msgspec import ValidationError, convert, to_builtins
from msgspec.structs import replace
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from fairaudit.documents import read_document
from fairaudit.errors import ConfigError, FairauditError, raise_all
from fairaudit.gate.waiver import MAX_DAYS, Held, Waiver, Waivers, mistakes, mistakes_of_parts, sentences
from fairaudit.given import path_given
from fairaudit.yaml_nodes import content_of, decoded, root_of

FILE = "fairness-waivers.yaml"  # what it is usually called
_HEAD = f"""\
# Violations that are tolerated up to a value, by someone, until a date. `holds_to` is the worst value that is tolerated;
# an entry fails the build after the day that it expires on, until it is removed or renewed by hand.
schema: fairaudit/waivers/1
max_days: {MAX_DAYS}
waivers:
"""
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./+@-]*(?: [A-Za-z0-9(][A-Za-z0-9_./+@()-]*)*")  # a text that needs no quotes
_WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}


def load_waivers(source: Path | str | Waivers | Sequence[Waiver]) -> Waivers:
    """The waivers of a file; or those given, if they are sound.

    Raises:
        ConfigError: there is no such file, or one sentence a mistake, all told at once.
    """
    if isinstance(source, Path | str):
        return read_waivers(source)
    try:  # what Python builds is not checked when it is built
        held = convert(to_builtins(source if isinstance(source, Waivers) else Waivers(schema="fairaudit/waivers/1", waivers=tuple(source))), Waivers)
    except (ValidationError, TypeError) as error:
        raise ConfigError(f"these are no waivers: {str(error).rstrip('.')}.") from error
    raise_all(ConfigError(sentence) for sentence in sentences(held))
    return held


def held_waivers(source: Path | str | Waivers | Sequence[Waiver] | Held) -> Held:
    """The same, with the hash of their file."""
    if isinstance(source, Held):
        return source
    if not isinstance(source, Path | str):
        return Held(waivers=load_waivers(source).waivers)
    content = content_of(Path(source))
    return Held(waivers=parse_waivers(decoded(content, file=str(source)), file=str(source)).waivers, sha256=hashlib.sha256(content).hexdigest())


def read_waivers(path: Path | str) -> Waivers:
    """The waivers of a file.

    Raises:
        ConfigError: there is no such file, or one sentence a mistake, all told at once.
    """
    return read_document(path_given(path), Waivers, kind="file of waivers", check=mistakes, parts=mistakes_of_parts)


def parse_waivers(text: str, *, file: str = "waivers") -> Waivers:
    """The same of a text; `file` is its name in messages."""
    return read_document(text, Waivers, kind="file of waivers", file=file, check=mistakes, parts=mistakes_of_parts)


def new_text(waivers: Sequence[Waiver]) -> str:
    """A file of these waivers."""
    return _HEAD + "".join(_block(one, 2, "\n") for one in waivers)


def with_entries(text: str, added: Sequence[Waiver], *, file: str) -> str:
    """The text with more entries at the end of its list, and otherwise as it was to the byte.

    Raises:
        ConfigError: the text has mistakes, an entry contradicts one that stands there, or it is written in a way that this does not understand.
    """
    held = parse_waivers(text, file=file)
    wanted = replace(held, waivers=(*held.waivers, *added))
    raise_all(ConfigError(f"{file}, with what would be added to it: {sentence}") for sentence in sentences(wanted))
    at, inserted, end = _addition(text, _items(root_of(text, file=file)), added)
    changed = text[:at] + inserted + text[end:]
    return _checked(changed, wanted, file, "entries cannot be added to it without disturbing what stands there")


def with_holds_to(text: str, moved: Mapping[int, float], *, file: str) -> str:
    """The text with other values of `holds_to`, by the place of their entry, and otherwise as it was to the byte."""
    held = parse_waivers(text, file=file)
    entries, changed = _items(root_of(text, file=file)).value, text
    for place in sorted(moved, reverse=True):  # from the end, so that what stands before keeps its place
        node = next(value for key, value in entries[place].value if key.value == "holds_to")
        changed = changed[: node.start_mark.index] + repr(moved[place]) + changed[node.end_mark.index :]
    wanted = tuple(replace(one, holds_to=moved.get(place, one.holds_to)) for place, one in enumerate(held.waivers))
    return _checked(changed, replace(held, waivers=wanted), file, "holds_to cannot be moved in it without disturbing what stands there")


def _checked(changed: str, wanted: Waivers, file: str, otherwise: str) -> str:
    """The text, if it reads as it should: what stands in a file is more than we can foresee."""
    try:
        is_as_wanted = parse_waivers(changed, file=file) == wanted
    except FairauditError:
        is_as_wanted = False
    if not is_as_wanted:
        raise ConfigError(f"{file} is written in a way that {otherwise}; write it by hand, or a new file with --to.")
    return changed


def _items(root: Node | None) -> SequenceNode:
    """The list of entries of a sound file."""
    found = next(value for key, value in root.value if key.value == "waivers") if root is not None else None
    assert isinstance(found, SequenceNode)
    return found


def _addition(text: str, items: SequenceNode, added: Sequence[Waiver]) -> tuple[int, str, int]:
    """Where what is to be inserted begins, what it is, and where the rest of the text goes on."""
    line_end = "\r\n" if "\r\n" in text else "\n"
    start, end = items.start_mark.index, items.end_mark.index
    if not items.flow_style:
        at = _line_after(text, _end(items))
        return at, _opened(text, at, line_end) + "".join(_block(one, items.start_mark.column, line_end) for one in added), at
    flowing = ", ".join(_flowing(one) for one in added)
    if items.value:
        at = items.value[-1].end_mark.index
        return at, f", {flowing}", at
    before, after = text[text.rfind("\n", 0, start) + 1 : start], text[end : _line_after(text, end)].rstrip("\r\n")
    if before.strip() != "waivers:" or after.strip()[:1] not in ("", "#") or "#" in text[start:end]:  # within a line, as JSON has it
        return start + 1, flowing, start + 1
    # A comment behind `[]` stays where it is.
    return start - (len(before) - len(before.rstrip())), after.rstrip() + line_end + "".join(_block(one, 2, line_end) for one in added), _line_after(text, end)


def _opened(text: str, at: int, line_end: str) -> str:
    """What ends the line before, where the file does not."""
    return line_end if at and text[at - 1] not in "\r\n" else ""


def _end(node: Node) -> int:
    """Where the last that a node holds ends; the end of a block itself is where the next token begins, behind comments."""
    if isinstance(node, MappingNode) and not node.flow_style and node.value:
        return _end(node.value[-1][1])
    if isinstance(node, SequenceNode) and not node.flow_style and node.value:
        return _end(node.value[-1])
    return int(node.end_mark.index)


def _line_after(text: str, at: int) -> int:
    """Where the next line begins; `at` itself, where one does."""
    if at and text[at - 1] == "\n":
        return at
    found = text.find("\n", at)
    return len(text) if found < 0 else found + 1


def _fields(one: Waiver) -> Iterable[tuple[str, object]]:
    values = {name: getattr(one, name) for name in one.__struct_fields__}
    order = ("rule", "metric", "slice", "small_groups", "all_groups", "owner", "reason", "created", "expires", "holds_to", "ticket")
    return ((name, values[name]) for name in order if values[name] is not None)


def _block(one: Waiver, indent: int, line_end: str) -> str:
    lines = [f"{name}: {_written(value)}" for name, value in _fields(one)]
    return "".join(f"{' ' * indent}{'- ' if place == 0 else '  '}{line}{line_end}" for place, line in enumerate(lines))


def _flowing(one: Waiver) -> str:
    return "{" + ", ".join(f"{_quoted(name)}: {_written(value, quoted=True)}" for name, value in _fields(one)) + "}"


def _written(value: object, *, quoted: bool = False) -> str:
    write = _quoted if quoted else _text
    match value:
        case None:
            return "null"
        case dict():
            return "{" + ", ".join(f"{write(key)}: {_written(item, quoted=quoted)}" for key, item in value.items()) + "}"
        case tuple():
            return "[" + ", ".join(write(item) for item in value) + "]"
        case date():
            return _quoted(str(value)) if quoted else str(value)
        case float():
            return repr(value)
    return write(str(value))


def _text(text: str) -> str:
    return text if _PLAIN.fullmatch(text) and text.casefold() not in _WORDS else _quoted(text)


def _quoted(text: str) -> str:
    """A text in double quotes, which YAML and JSON read alike; what does not print is written out."""
    return "".join(one if one.isprintable() else f"\\u{ord(one):04x}" if ord(one) < 0x10000 else f"\\U{ord(one):08x}" for one in json.dumps(text, ensure_ascii=False))
