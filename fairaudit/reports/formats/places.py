"""Where the rules of an audit are written: in the configuration that names them, or in files of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from fairaudit.errors import FairauditError
from fairaudit.reports.formats.interface import Place, Places
from fairaudit.result import Audit
from fairaudit.rules.library import shipped_rules
from fairaudit.rules.pack import PREFIX, load_pack
from fairaudit.yaml_nodes import root_of, text_of

_YAML = (".yaml", ".yml")


def places(audit: Audit, *, file: Path, rules: Sequence[str] = (), config: Path | None = None) -> Places:
    """As far as it can be found out.

    Args:
        file: the audit's own, to which a result points that has no better place.
        rules: as they were asked for, ID or FILE; the audit remembers only their last names.
        config: the configuration that names them, where one does.
    """
    found = dict(_remembered(audit))
    lines = dict(_entries(config)) if config is not None else {}
    shipped = shipped_rules()
    for name in rules:
        own = None if name in shipped or name.startswith(PREFIX) else _own(Path(name))
        if own is not None:
            found[own[0]] = own[1]
        elif config is not None and name in lines:
            members = [one.rule for one in load_pack(name.removeprefix(PREFIX)).rules] if name.startswith(PREFIX) else [name]
            found |= dict.fromkeys(members, Place(uri=_uri(config), line=lines[name]))
    return Places(audit=Place(uri=_uri(file)), rules=found)


def _remembered(audit: Audit) -> Iterator[tuple[str, Place]]:
    """Rules with a file of their own, by the names that the audit kept of these; only where it is sure which is whose."""
    ids = [rule.id for rule in audit.rules]
    names = [str(name) for name in audit.manifest.config.get("rules", ()) if name not in ids and str(name).endswith(_YAML)]
    others = [one for one in ids if one not in audit.manifest.config.get("rules", ())]
    if len(names) == len(others):
        yield from ((rule, Place(uri=name)) for rule, name in zip(others, names, strict=True))


def _entries(config: Path) -> Iterator[tuple[str, int]]:
    """The rules that a configuration names, each with its line."""
    listed = _field(config, "rules")
    for item in listed.value if isinstance(listed, SequenceNode) else ():
        if isinstance(item, ScalarNode):
            yield item.value, item.start_mark.line + 1


def _own(path: Path) -> tuple[str, Place] | None:
    """The id in a rule's own file, and its line."""
    node = _field(path, "id")
    return (node.value, Place(uri=_uri(path), line=node.start_mark.line + 1)) if isinstance(node, ScalarNode) else None


def _field(path: Path, name: str) -> Node | None:
    try:
        root = root_of(text_of(path), file=str(path))
    except FairauditError:  # it was read before; what became of it since does not matter here
        return None
    return next((item for key, item in root.value if key.value == name), None) if isinstance(root, MappingNode) else None


def _uri(path: Path) -> str:
    """From the working directory, which in CI is the repository; of a file elsewhere only its name, since the folders are this machine's."""
    relative = os.path.relpath(path)
    return Path(path.name if relative.startswith("..") else relative).as_posix()
