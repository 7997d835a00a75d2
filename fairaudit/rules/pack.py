"""A pack: shipped rules that go together for one field of life, some with another severity. Data, as rules are."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from fairaudit.documents import Mistake, read_document
from fairaudit.errors import UnknownName
from fairaudit.resources import names, resource
from fairaudit.rules.finding import Severity
from fairaudit.rules.rule import Rule, Text

PREFIX = "pack:"  # as it is asked for: --rule pack:hiring
_FOLDER, _SUFFIX = "rules/packs", ".yaml"


Has = Literal["baseline", "control", "score", "label", "population"]


class Member(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule of a pack."""

    rule: Text
    severity: Severity | None = None  # None: the rule's own
    why: str = ""  # the severity is another
    only_with: Has | None = None  # what an audit must have, or it is judged without this rule, and told so

    def left_out(self, has: Collection[str] | None) -> bool:
        """Whether an audit that has so much is judged without it; None: whatever it has."""
        return has is not None and self.only_with is not None and self.only_with not in has

    def of(self, shipped: Rule) -> Rule:
        """The rule as the pack has it."""
        return shipped if self.severity is None else msgspec.structs.replace(shipped, severity=self.severity)


class Pack(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One pack."""

    schema: Literal["fairaudit/pack/1"]
    id: Text
    title: Text
    about: Text
    rules: Annotated[tuple[Member, ...], Meta(min_length=1)]
    warnings: tuple[str, ...] = ()  # what whoever uses it must look at, told with every audit


def shipped_packs() -> tuple[str, ...]:
    """Ids of the packs that come with fairaudit, sorted."""
    return names(_FOLDER, _SUFFIX)


def load_pack(id: str) -> Pack:
    """A shipped pack by its id.

    Raises:
        ConfigError: there is no such pack.
    """
    return parse_pack(text_of_pack(id), file=f"{_FOLDER}/{id}{_SUFFIX}")


def text_of_pack(id: str) -> str:
    """Its YAML as it is written.

    Raises:
        ConfigError: there is no such pack.
    """
    if id not in shipped_packs():
        raise UnknownName("pack", id, shipped_packs())
    return resource(_FOLDER, id + _SUFFIX).read_text("utf-8")


def parse_pack(text: str, *, file: str = "pack") -> Pack:
    """A pack from its YAML text; one that names a rule which is not shipped has a mistake."""
    return read_document(text, Pack, kind="pack", file=file, check=_mistakes)


def _mistakes(pack: Pack) -> Iterator[Mistake]:
    shipped, seen = names("rules", _SUFFIX), set()
    for place, one in enumerate(pack.rules):
        if one.rule not in shipped:
            yield Mistake(("rules", place, "rule"), str(UnknownName("rule", one.rule, shipped)))
        if one.rule in seen:
            yield Mistake(("rules", place, "rule"), f"the rule {one.rule!r} is named twice.")
        if (one.severity is None) != (not one.why.strip()):
            yield Mistake(("rules", place), "a severity of the pack's own needs a reason (why), and a reason a severity.")
        seen.add(one.rule)
