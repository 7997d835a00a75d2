"""The tree behind `fairaudit rules choose`, as data: questions, paths, and what belongs to each (rules/choosing/table.yaml)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from fairaudit.documents import Mistake, read_document
from fairaudit.errors import UnknownName
from fairaudit.resources import resource
from fairaudit.rules.finding import Severity
from fairaudit.rules.library import shipped_rules
from fairaudit.rules.rule import Text

_FOLDER, _FILE = "rules/choosing", "table.yaml"
When = dict[str, tuple[str, ...]]  # question → the answers that a condition holds for
FOUND = "found"  # what conditions ask of the data
NEARLY_ALL_SELECTED, UNEQUAL_BASE_RATES = "nearly-all-selected", "unequal-base-rates"
FACTS = (NEARLY_ALL_SELECTED, UNEQUAL_BASE_RATES)


class Question(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question, as it is asked."""

    id: Text
    asks: Text
    explains: Text
    answers: dict[str, str]  # answer → what it means
    cautious: Text  # what is taken where nobody answers
    why: Text  # it is the cautious one

    @property
    def flag(self) -> str:
        return f"--{self.id}"


class Suited(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule of a path."""

    rule: Text
    severity: Severity | None = None  # None: the rule's own
    when: When = {}
    why: Text


class Beside(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must stand beside a path's rules."""

    any_of: Annotated[tuple[Text, ...], Meta(min_length=1)]
    otherwise: Text = msgspec.field(name="else")
    why: Text


class Path(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A branch of the tree."""

    path: Text
    when: When
    rules: tuple[Suited, ...]
    traded: tuple[str, ...] = ()  # what is given up by it
    as_if_sound: str = ""  # why the rules that sound labels would have are remarks here
    not_here: str = ""  # what this version lacks for it
    beside: Beside | None = None


class Bite(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A warning of a rule's own (`not_for`) that answers make matter."""

    rule: Text
    begins: Text  # how the warning begins
    when: When = {}
    beside_rule: str = ""  # it matters where this rule is chosen too


class Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole tree."""

    schema: Literal["fairaudit/choosing/1"]
    questions: tuple[Question, ...]
    paths: tuple[Path, ...]
    added: tuple[Path, ...]
    of_the_rejected: tuple[Text, ...]  # rules that need to know what became of those who were not chosen
    needs: dict[Text, Text]  # rule → what an audit must be given for it besides data
    bites: tuple[Bite, ...]


@cache
def table() -> Table:
    """The shipped table."""
    return parse_table(resource(_FOLDER, _FILE).read_text("utf-8"), file=f"{_FOLDER}/{_FILE}")


def parse_table(text: str, *, file: str = "table") -> Table:
    """A table from its YAML text; one that names a question, answer or rule which is not there has a mistake."""
    return read_document(text, Table, kind="table", file=file, check=_mistakes)


def _mistakes(one: Table) -> Iterator[Mistake]:
    known = {each.id: tuple(each.answers) for each in one.questions} | {FOUND: FACTS}
    rules = shipped_rules()
    for place, question in enumerate(one.questions):
        if question.cautious not in question.answers:
            yield Mistake(("questions", place, "cautious"), str(UnknownName("answer", question.cautious, tuple(question.answers))))
    for part, paths in (("paths", one.paths), ("added", one.added)):
        for place, path in enumerate(paths):
            yield from (Mistake((part, place, "when"), sentence) for sentence in _unknown(path.when, known))
            for number, suited in enumerate(path.rules):
                yield from (Mistake((part, place, "rules", number), sentence) for sentence in _unknown(suited.when, known))
    for where, rule in _named(one):
        if rule not in rules:
            yield Mistake(where, str(UnknownName("rule", rule, rules)))
    for place, bite in enumerate(one.bites):
        yield from (Mistake(("bites", place), sentence) for sentence in _unknown(bite.when, known))


def _named(one: Table) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every rule that the table names, with its place."""
    for part, paths in (("paths", one.paths), ("added", one.added)):
        for place, path in enumerate(paths):
            yield from (((part, place, "rules", number, "rule"), suited.rule) for number, suited in enumerate(path.rules))
            if path.beside is not None:
                yield from (((part, place, "beside", "any_of", number), rule) for number, rule in enumerate(path.beside.any_of))
                yield (part, place, "beside", "else"), path.beside.otherwise
    yield from ((("of_the_rejected", place), rule) for place, rule in enumerate(one.of_the_rejected))
    yield from ((("needs", rule), rule) for rule in one.needs)
    for place, bite in enumerate(one.bites):
        yield ("bites", place, "rule"), bite.rule
        yield from [(("bites", place, "beside_rule"), bite.beside_rule)] if bite.beside_rule else ()


def _unknown(when: When, known: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for question, answers in when.items():
        if question not in known:
            yield str(UnknownName("question", question, tuple(known)))
        for answer in answers if question in known else ():
            if answer not in known[question]:
                yield str(UnknownName("answer", answer, known[question], where=question))
