"""Lines of a terminal: a heading, names in one column, and sentences beside them that break between words."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

POINT = "·"  # the name of what has none
_LEAST = 40  # characters of a sentence's line, however narrow the terminal


def section(heading: str, facts: Iterable[tuple[str, str]], *, width: int) -> Iterator[str]:
    """A heading and its facts, each a name and a sentence; nothing where there are no facts. A name stands before the first of its sentences alone."""
    lines = list(named(facts, width=width))
    if lines:
        yield from ("", heading, *lines)


def named(facts: Iterable[tuple[str, str]], *, width: int) -> Iterator[str]:
    """The facts alone."""
    shown = [(name, text) for name, text in facts if text]
    column = min(max((len(name) for name, _ in shown), default=0), 28)
    before = ""
    for name, text in shown:
        yield from _fact("" if name == before and name != POINT else name, text, column, width)
        before = name


def paragraph(text: str, *, width: int) -> str:
    return textwrap.fill(" ".join(text.split()), max(width, _LEAST), break_long_words=False, break_on_hyphens=False)


def indented(text: str, *, width: int) -> list[str]:
    """A sentence below a heading."""
    return [f"  {line}" for line in paragraph(text, width=width - 2).splitlines()]


def _fact(name: str, text: str, column: int, width: int) -> Iterator[str]:
    lines = textwrap.wrap(" ".join(text.split()), max(width - column - 4, _LEAST), break_long_words=False, break_on_hyphens=False)
    if len(name) > column:
        yield f"  {name}"
        name = ""
    gap = "  " if column else ""
    for place, line in enumerate(lines):
        yield f"  {name if place == 0 else '':<{column}}{gap}{line}"


def columns(lines: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Texts below one another; numbers to the right."""
    table = list(lines)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        cells = (f"{text:>{width}}" if text[:1].isdigit() else f"{text:<{width}}" for text, width in zip(line, widths, strict=True))
        yield f"  {'  '.join(cells)}".rstrip()
