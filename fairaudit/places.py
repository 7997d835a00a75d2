"""Where in a file that somebody wrote a sentence's complaint lies: the value that it quotes, in the field that it names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from fairaudit.documents import Document
from fairaudit.errors import FairauditError
from fairaudit.yaml_nodes import DocumentError

_ALIASES = {"slice": "slices", "rule": "rules", "engine": "engines", "metric": "metrics", "feature": "features", "group_threshold": "group_thresholds", "score": "score_column", "decision": "decision_column"}


def placed(error: FairauditError, document: Document) -> FairauditError:
    """The same with file, line and column, where the file holds what it speaks of; what has a place already keeps it.

    Looked for are the value that the sentence quotes in a field that it names, then the field, then the value anywhere; of several values the last before
    its advice, since "the column 'y' has no value 'yess'" is about the latter.
    """
    if isinstance(error, DocumentError) or not isinstance(document.root, MappingNode):
        return error
    said = str(error).split("; ")[0]
    fields = {key.value: (key, value) for key, value in document.root.value if isinstance(key, ScalarNode)}
    named = [fields[name] for name in _named(said) if name in fields]
    quoted = re.findall(r"'([^']+)'", said)[::-1]
    inside = (one for _, value in named for text in quoted for one in _scalars(value) if _same(one, text))
    anywhere = (one for text in quoted for _, value in fields.values() for one in _scalars(value) if _same(one, text))
    spoken = (one for key, value in fields.values() if not isinstance(value, MappingNode) for one in _scalars(value) if len(one.value) > 2 and _begins(said, one.value))
    node = next(inside, None) or next((key for key, _ in named), None) or next(anywhere, None) or next(spoken, None)
    if node is None:
        return error
    made = DocumentError(str(error), file=document.file, line=node.start_mark.line + 1, column=node.start_mark.column + 1)
    made.exit_code = error.exit_code
    return made


def _named(said: str) -> Iterator[str]:
    """The fields that a sentence names by flag or as they are."""
    for flag in re.findall(r"--([a-z][a-z-]+)", said):
        name = flag.replace("-", "_")
        yield _ALIASES.get(name, name)
    if re.search(r"\bmodel '", said):
        yield "model"
    yield from re.findall(r"\b([a-z]+_[a-z_]+)\b", said)


def _scalars(node: Node) -> Iterator[ScalarNode]:
    match node:
        case ScalarNode():
            yield node
        case SequenceNode():
            for one in node.value:
                yield from _scalars(one)
        case MappingNode():
            for key, value in node.value:
                yield from _scalars(key)
                yield from _scalars(value)


def _same(node: ScalarNode, text: str) -> bool:
    """A value, a pack by its id, a part of a cross, or an edge of a band."""
    return text in (node.value, node.value.removeprefix("pack:")) or text in re.split(r"\s*[*]\s*", node.value)


def _begins(said: str, value: str) -> bool:
    """Whether a sentence is about a file that a value names."""
    return said.startswith((f"{value}:", f"{value} ", f"{value.rsplit('/', 1)[-1]}:"))
