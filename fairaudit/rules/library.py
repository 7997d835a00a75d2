"""The rules one can ask for: the shipped ones by id, one's own by file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fairaudit.documents import read_document
from fairaudit.errors import ConfigError, FairauditError, UnknownName, raise_all
from fairaudit.resources import names, resource
from fairaudit.rules.checks import LATER, mistakes
from fairaudit.rules.rule import Rule

_FOLDER, _SUFFIX = "rules", ".yaml"


def shipped_rules() -> tuple[str, ...]:
    """Ids of the rules that come with fairaudit, sorted."""
    return names(_FOLDER, _SUFFIX)


def load_rules(asked: Sequence[str]) -> tuple[Rule, ...]:
    """The rules called by `ID|FILE`, in order; the same rule named twice counts once.

    Raises:
        ConfigError: what is wrong with any of them, all told at once (as `Several`).
    """
    rules: dict[str, Rule] = {}
    wrong: list[FairauditError] = []
    for name in dict.fromkeys(asked):
        try:
            rule = load_rule(name)
        except FairauditError as error:
            wrong.append(error)
            continue
        if rules.setdefault(rule.id, rule) != rule:
            wrong.append(ConfigError(f"{name}: there is another rule with the id {rule.id!r}; findings and waivers need ids of their own."))
    raise_all(wrong)
    return tuple(rules.values())


def load_rule(name: str) -> Rule:
    """One rule: a shipped one by its id, any other by its file.

    Raises:
        ConfigError: there is no such rule or file, or the file has mistakes.
    """
    if name in shipped_rules():
        return parse_rule(resource(_FOLDER, name + _SUFFIX).read_text("utf-8"), file=f"{_FOLDER}/{name}{_SUFFIX}")
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or len(path.parts) > 1 or _is_file(path):
        return read_document(path, Rule, kind="rule", unsupported=LATER, check=mistakes)
    raise UnknownName("rule", name, shipped_rules())


def parse_rule(text: str, *, file: str = "rule") -> Rule:
    """A rule from its YAML text; `file` is its name in messages."""
    return read_document(text, Rule, kind="rule", file=file, unsupported=LATER, check=mistakes)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long for the file system, a null byte
        return False
