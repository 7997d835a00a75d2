"""The rules one can ask for: the shipped ones by id, one's own by file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from fairaudit.documents import Document, Mistake, Sound, opened, read_document
from fairaudit.errors import ConfigError, FairauditError, UnknownName, raise_all
from fairaudit.resources import names, resource
from fairaudit.rules.checks import LATER, mistakes, unknown_metrics
from fairaudit.rules.extending import Extension, extended, mistakes_of
from fairaudit.rules.finding import Severity
from fairaudit.rules.pack import PREFIX, Pack, load_pack, shipped_packs
from fairaudit.rules.rule import Rule
from fairaudit.yaml_nodes import DocumentError, text_of

_FOLDER, _SUFFIX = "rules", ".yaml"
STRICTEST_FIRST = (Severity.FAIL, Severity.WARN, Severity.INFO)


def shipped_rules() -> tuple[str, ...]:
    """Ids of the rules that come with fairaudit, sorted."""
    return names(_FOLDER, _SUFFIX)


def load_rules(asked: Sequence[str], has: Collection[str] | None = None) -> tuple[Rule, ...]:
    """The rules called by `ID|FILE|pack:ID`, in order; the same rule named twice counts once, and of two severities that packs give it the stricter holds.

    Args:
        has: which of baseline, control, score and label the audit has, so that packs leave out what needs another; None: they leave out nothing.

    Raises:
        ConfigError: what is wrong with any of them, all told at once (as `Several`).
    """
    rules: dict[str, Rule] = {}
    wrong: list[FairauditError] = []
    for name in dict.fromkeys(asked):
        try:
            called = _called(name, has)
        except FairauditError as error:
            wrong.append(error)
            continue
        for rule in called:
            other = rules.setdefault(rule.id, rule)
            if other != rule and (name.startswith(PREFIX) or name in shipped_rules()) and replace(other, severity=rule.severity) == rule:
                rules[rule.id] = min(other, rule, key=lambda one: STRICTEST_FIRST.index(one.severity))
            elif other != rule:
                wrong.append(ConfigError(f"{name}: there is another rule with the id {rule.id!r}; findings and waivers need ids of their own."))
    raise_all(wrong)
    return tuple(rules.values())


def warnings_of(asked: Sequence[str]) -> tuple[str, ...]:
    """What the packs among the rules asked for warn of; packs that this version does not know, as an older file may name, warn of nothing."""
    packs = (name.removeprefix(PREFIX) for name in asked if name.startswith(PREFIX))
    return tuple(dict.fromkeys(warning for one in packs if one in shipped_packs() for warning in load_pack(one).warnings))


def left_out_of_packs(asked: Sequence[str], has: Collection[str]) -> tuple[str, ...]:
    """A sentence for each rule that a pack among those asked for leaves out, since the audit has not what it needs."""
    packs = (name.removeprefix(PREFIX) for name in asked if name.startswith(PREFIX))
    gone = ((id, one) for id in dict.fromkeys(packs) if id in shipped_packs() for one in load_pack(id).rules if one.left_out(has) and one.rule not in asked)
    return tuple(f"The pack {id} leaves out {one.rule}, {_LACKS[one.only_with or 'label']}." for id, one in gone)


_LACKS = {
    "baseline": "which judges what changed since a former audit: name its audit.json with --baseline", "control": "which compares people who are alike in a control: name one with --control",
    "population": "which holds the rows against a population's shares: give them as `population` in the configuration",
    "score": "which judges scores, and this audit has decisions alone", "label": "which needs labels: name their column with --label",
}  # fmt: skip


def _called(name: str, has: Collection[str] | None) -> tuple[Rule, ...]:
    return rules_of_pack(load_pack(name.removeprefix(PREFIX)), has) if name.startswith(PREFIX) else (load_rule(name),)


def rules_of_pack(pack: Pack, has: Collection[str] | None = None) -> tuple[Rule, ...]:
    """Its rules, with the severities that they have in it, as far as an audit that has so much can be judged by them."""
    return tuple(one.of(load_rule(one.rule)) for one in pack.rules if not one.left_out(has))


def load_rule(name: str) -> Rule:
    """One rule: a shipped one by its id, any other by its file.

    Raises:
        ConfigError: there is no such rule or file, or the file has mistakes.
    """
    if name in shipped_packs() and name not in shipped_rules() and not _is_file(Path(name)):
        raise ConfigError(f"there is no rule {name!r}, but a pack; name it {PREFIX}{name}.")
    return deepcopy(_shipped(name)) if name in shipped_rules() else _read(*_found(name, Path()))


@cache
def _shipped(name: str) -> Rule:
    """Read once, since its file stays what it is: to parse YAML takes 11 ms where a whole audit of few rows takes 230. A rule has tables that a caller could write to, so all get copies."""
    return _read(*_found(name, None))


def parse_rule(text: str, *, file: str = "rule") -> Rule:
    """A rule from its YAML text; `file` is its name in messages. It may extend a shipped rule."""
    return _read(opened(text, kind="rule", file=file), None)


def load_file(path: Path) -> Rule:
    """The rule in a file, whatever its name.

    Raises:
        ConfigError: there is no such file, or it has mistakes.
    """
    return _read(opened(path, kind="rule"), path.parent)


def text_of_rule(name: str) -> str:
    """The YAML of a shipped rule, or of a file, as it is written.

    Raises:
        ConfigError: there is no such rule or file.
    """
    return resource(_FOLDER, name + _SUFFIX).read_text("utf-8") if name in shipped_rules() else text_of(Path(name))


def _found(name: str, folder: Path | None) -> tuple[Document, Path | None]:
    """A rule's file, and the folder from which it names others; shipped ones and texts have none."""
    if name in shipped_rules():
        return opened(resource(_FOLDER, name + _SUFFIX).read_text("utf-8"), kind="rule", file=f"{_FOLDER}/{name}{_SUFFIX}"), None
    path = Path(name)
    if folder is not None and (path.suffix in (".yaml", ".yml") or len(path.parts) > 1 or _is_file(folder / path)):
        return opened(folder / path, kind="rule"), (folder / path).parent
    raise UnknownName("rule", name, shipped_rules())


def _read(document: Document, folder: Path | None) -> Rule:
    """The rule of a file, which may extend a shipped one, or one whose file is beside it."""
    if "extends" not in document.fields:
        return read_document(document, Rule, kind="rule", unsupported=LATER, check=mistakes, parts=unknown_metrics)
    bases: dict[str, Rule] = {}

    def check(own: Any) -> Iterator[Mistake]:
        try:
            bases[own.extends] = base = _base(own.extends, folder)
        except DocumentError:
            raise
        except ConfigError as error:
            yield Mistake(("extends",), str(error))
        else:
            yield from mistakes_of(own, base, document.fields)

    def parts(fields: Mapping[str, Any], sound: Sound) -> Iterator[Mistake]:
        yield from unknown_metrics(fields, sound)
        if sound(("extends",)):
            try:
                _base(str(fields["extends"]), folder)
            except DocumentError:  # of another file, which has its own to tell once this one is sound
                return
            except ConfigError as error:
                yield Mistake(("extends",), str(error))

    own = read_document(document, Extension, kind="rule", unsupported=LATER, check=check, parts=parts)
    return extended(own, bases[own.extends])


def _base(name: str, folder: Path | None) -> Rule:
    """The rule that another extends; of one that extends a third only so much is read that this can be told, so there is no end to look for."""
    document, where = _found(name, folder)
    if "extends" not in document.fields:
        return _read(document, where)
    own = read_document(document, Extension, kind="rule", unsupported=LATER)
    raise ConfigError(f"{name!r} itself extends {own.extends!r}; a rule can only extend one that is written out in full.")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long for the file system, a null byte
        return False
