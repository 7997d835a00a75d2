"""A rule file that says only what it changes of another: `extends: four-fifths`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from fairaudit.documents import Mistake
from fairaudit.rules.checks import mistakes
from fairaudit.rules.rule import Extends, Rule

RESTATED = ("schema", "extends", "id", "title", "limit_origin")  # what such a file must say itself: whose rule it is, and whose number
_OF_THE_NUMBER = ("metric", "comparison", "limit")  # what a source that prints a limit prints it of


def _own(field: msgspec.structs.FieldInfo) -> tuple[Any, ...]:
    """A field of a rule as an extending file has it: left out, it is the other rule's."""
    if field.name == "extends":
        return (field.name, Extends)
    return (field.name, field.type) if field.name in RESTATED else (field.name, field.type | UnsetType, UNSET)


Extension: type[Any] = msgspec.defstruct("Extension", [_own(one) for one in msgspec.structs.fields(Rule)], kw_only=True, frozen=True, forbid_unknown_fields=True)


def extended(own: Any, base: Rule) -> Rule:
    """The rule that an extending file describes: each field is its own where it gives one, whole, and the base's elsewhere.

    A source that prints the base's limit prints no other: where what is judged differs, inherited sources no longer claim to.
    """
    given = {name: value for name in own.__struct_fields__ if (value := getattr(own, name)) is not UNSET}
    made = msgspec.structs.replace(base, **given | {"extends": base.id})
    if "source" in given or all(getattr(made, name) == getattr(base, name) for name in _OF_THE_NUMBER):
        return made
    return msgspec.structs.replace(made, source=tuple(msgspec.structs.replace(one, says_number=False) for one in made.source))


def mistakes_of(own: Any, base: Rule, fields: Collection[str]) -> Iterator[Mistake]:
    """What is wrong with an extending file, in the places of its own fields.

    Args:
        fields: those that the file has.
    """
    if own.id == base.id:
        yield Mistake(("id",), f"the id {own.id!r} is that of the rule it extends; give it an id of its own.")
    for place, sentence in mistakes(extended(own, base)):
        if place and place[0] not in fields:
            yield Mistake(("extends",), f"{sentence.rstrip('.')}; {place[0]!r} is that of {base.id!r}, so write it here too.")
        else:
            yield Mistake(place, sentence)
