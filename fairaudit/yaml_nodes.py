"""YAML text → nodes that know their place. Nothing is constructed and nothing is executed; what could run away is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, DocumentStartEvent, Event, NodeEvent
from ruamel.yaml.nodes import Node

from fairaudit.errors import ConfigError

MOST_BYTES = 256 * 1024  # a rule is 2 KB; the pure Python parser reads this much in two seconds
DEEPEST = 32


class DocumentError(ConfigError):
    """One mistake in a file, with its line and column (from 1)."""

    def __init__(self, sentence: str, *, file: str, line: int | None = None, column: int | None = None) -> None:
        self.sentence, self.file, self.line, self.column = sentence, file, line, column
        place = ":".join(str(part) for part in (file, line, column) if part is not None)
        super().__init__(f"{place}: {sentence}")


def text_of(path: Path) -> str:
    """The text of a file, which must be UTF-8 and not huge.

    Raises:
        ConfigError: there is no such file, it cannot be read, or it is not such a text.
    """
    return decoded(content_of(path), file=str(path))


def content_of(path: Path) -> bytes:
    """The bytes of a file, as many as can be a text of ours and one more; read once, as a pipe can be.

    Raises:
        ConfigError: there is no such file, or it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(f"there is no file {str(path)!r}.") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"{str(path)!r} cannot be read: {reason}.") from error


def decoded(content: bytes, *, file: str) -> str:
    """Its text.

    Raises:
        DocumentError: it is not UTF-8.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if len(content) > MOST_BYTES:
            raise _too_long(file) from None
        line = content.count(b"\n", 0, error.start) + 1
        raise DocumentError("this is not UTF-8 text; save the file as UTF-8.", file=file, line=line) from None


def root_of(text: str, *, file: str) -> Node | None:
    """The root node of a YAML document; None where it is empty.

    Raises:
        DocumentError: not YAML, or with aliases, tags, several documents, or deeper or longer than any honest file.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise _too_long(file)
    try:
        _refuse(_events(text), file)
        root: Node | None = YAML(typ="safe", pure=True).compose(text)
    except DocumentError:
        raise
    except MarkedYAMLError as error:
        raise _malformed(error, text, file) from error
    except Exception as error:  # ruamel.yaml lets ValueError, TypeError and others out on some broken escapes and directives
        raise DocumentError(f"this is not YAML: {_first_line(error)}", file=file) from error
    return root


def _events(text: str) -> Iterator[Event]:
    events: Iterator[Event] = YAML(typ="safe", pure=True).parse(text)
    return events


def _refuse(events: Iterator[Event], file: str) -> None:
    """Raise on what is YAML but not for us, before any tree is built: an alias can make a short text unfold to gigabytes."""
    depth = documents = 0
    for event in events:
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        documents += isinstance(event, DocumentStartEvent)
        reason = ""
        if isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor is not None):
            reason = "anchors and aliases (& and *) are not read; write the value out."
        elif getattr(event, "tag", None) not in (None, "!"):
            reason = "tags (!…) are not read; write the plain value."
        elif depth > DEEPEST:
            reason = f"this is nested more than {DEEPEST} deep."
        elif documents > 1:
            reason = "a second document begins here; a file holds one."
        if reason:
            raise DocumentError(reason, file=file, line=event.start_mark.line + 1, column=event.start_mark.column + 1)


def _malformed(error: MarkedYAMLError, text: str, file: str) -> DocumentError:
    mark = error.problem_mark or error.context_mark
    problem = error.problem or _first_line(error)
    if mark is None:
        return DocumentError(f"this is not YAML: {problem}", file=file)
    lines = text.splitlines()
    shown = f"\n    {lines[mark.line][:160]}" if mark.line < len(lines) else ""
    return DocumentError(f"this is not YAML: {problem}{shown}", file=file, line=mark.line + 1, column=mark.column + 1)


def _too_long(file: str) -> DocumentError:
    return DocumentError(f"this is longer than {MOST_BYTES // 1024} KiB, more than any file of its kind, so it is not read; is it the file that was meant?", file=file)


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
