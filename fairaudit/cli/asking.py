"""Questions on a terminal, one by one, each with its explanation and its cautious answer as default."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence

import click
import msgspec

from fairaudit.errors import UnknownName
from fairaudit.rules.tree import Question


def is_terminal() -> bool:
    """Whether there is somebody to ask: whoever types, and reads what is asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


Given = Mapping[str, tuple[str, ...]]
Seen = Mapping[str, tuple[str, str]]


def asks(question: Question, given: Given, seen: Seen) -> bool:
    """Whether an answer would change anything, after those before it."""
    return question.id == "update" or _gives(given, seen) != "number"


def possible(question: Question, given: Given, seen: Seen) -> Question:
    """The question with the answers that those before it leave: a decision cannot be read as a probability."""
    if question.id != "use" or _gives(given, seen) == "score":
        return question
    return msgspec.structs.replace(question, answers={answer: means for answer, means in question.answers.items() if answer != "probability"})


def _gives(given: Given, seen: Seen) -> str:
    return given["gives"][0] if given["gives"] else seen["gives"][0] if "gives" in seen else ""


def asked(question: Question, place: int, number: int, *, several: bool) -> tuple[str, ...]:
    """What is answered to a question: an answer by its name, the beginning of it, or its number; several with commas."""
    _explained(question, place, number)
    for at, (answer, means) in enumerate(question.answers.items(), 1):
        _tell(f"  {at}  {answer:<16} {means}{' [default]' if answer == question.cautious else ''}")

    def read(text: str) -> tuple[str, ...]:
        found = tuple(_read(question, one) for one in (text.split(",") if several else [text]))
        if len(found) > 1 and "none" in found:
            raise click.UsageError("none says that it is none of the others; keep one or the other.")
        return found

    return tuple(click.prompt(f"{question.flag}{' (several with commas)' if several else ''}", default=question.cautious, value_proc=read, err=True))


def asked_control(question: Question, place: int, number: int, known: Sequence[str]) -> tuple[str, ...]:
    """The columns of a control; none where nothing is typed.

    Args:
        known: the data's columns, where there are data.
    """
    _explained(question, place, number)

    def read(text: str) -> tuple[str, ...]:
        columns = tuple(dict.fromkeys(one.strip() for one in text.split(",") if one.strip()))
        for one in columns:
            if known and one not in known:
                raise click.UsageError(str(UnknownName("column", one, known)))
        return columns

    return tuple(click.prompt(f"{question.flag} (a column, several with commas, or nothing)", default="", show_default=False, value_proc=read, err=True))


def asked_justification(columns: tuple[str, ...]) -> str:
    return str(click.prompt(f"Why may {' and '.join(columns)} fairly explain a difference? One sentence", value_proc=_sentence, err=True))


def _explained(question: Question, place: int, number: int) -> None:
    from fairaudit.reports.wrapped import paragraph

    _tell(f"\n{place}/{number}  {question.asks}")
    _tell(paragraph(question.explains, width=min(shutil.get_terminal_size((100, 24)).columns, 100)))


def _sentence(text: str) -> str:
    if not text.strip():
        raise click.UsageError("say it in a sentence; the configuration keeps it.")
    return " ".join(text.split())


def _read(question: Question, text: str) -> str:
    names, typed = list(question.answers), text.strip().casefold()
    if typed.isdecimal() and 1 <= int(typed) <= len(names):
        return names[int(typed) - 1]
    begun = [name for name in names if typed and name.startswith(typed)]
    if typed in names or len(begun) == 1:
        return typed if typed in names else begun[0]
    raise click.UsageError(f"{text!r} is none of {', '.join(names)}.")


def _tell(text: str) -> None:
    click.echo(text, err=True)
