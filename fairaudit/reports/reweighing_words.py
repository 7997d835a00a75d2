"""What reweighing did, on the terminal and as a page of Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from fairaudit.cube.slices import Slice
from fairaudit.mitigations.reweighed import Parity, Rates, ReweighingCard
from fairaudit.reports.characters import visible
from fairaudit.reports.numbers import counted, percent, signed, significant, whole
from fairaudit.reports.wrapped import POINT, columns, section

_MOST_LINES = 40
_ROUNDING = 1e-12  # a difference of rates that is smaller comes from the last digits of the weights
_CELLS = ("", "label", "rows", "weight", "times")
_PARITY = ("", "rows", "base rate", "others'", "difference", "ratio")
Line = tuple[str, ...]


def reweighing_words(card: ReweighingCard, *, width: int) -> str:
    """What is shown on a terminal."""
    cells, before, after = _cells(card), _parity(card, lambda one: one.before), _parity(card, lambda one: one.after)
    lines = [
        "What each weight is multiplied by",
        *_table(_CELLS, cells),
        "",
        "Base rate against everyone else's, before",
        *_table(_PARITY, before),
        "",
        "and after, counted anew in the file that was written",
        *_table(_PARITY, after),
        *section("Mind", ((POINT, note) for note in card.notes), width=width),
    ]
    return "\n".join(visible(line) for line in lines)


def reweighing_markdown(card: ReweighingCard) -> str:
    """The page that lies beside the data."""
    how = card.settings
    lines = [
        "# Reweighed training data",
        "",
        f"{_escaped(card.what)} {_escaped(card.why)}",
        "",
        f"- label: {_code(how.label)}{f', positive: {_code(how.positive)}' if how.positive is not None else ''}",
        f"- groups: {' × '.join(map(_code, how.protected))}",
        f"- new column: {_code(how.weight_column)}{f', from the weights in {_code(how.weight)}' if how.weight is not None else ''}",
        f"- data: {', '.join(f'{_code(one.name)} (SHA-256 {one.sha256[:12]}…)' for one in card.data)}, {counted(card.rows.read, 'row')}",
        f"- source: {card.source}",
        *([f"- mind: {_escaped(note)}" for note in card.notes]),
        "",
        "## What each weight is multiplied by",
        "",
        *_markdown(_CELLS, _cells(card)),
        "",
        "## Base rate against everyone else's",
        "",
        "Before:",
        "",
        *_markdown(_PARITY, _parity(card, lambda one: one.before)),
        "",
        "After, counted anew in the file that was written:",
        "",
        *_markdown(_PARITY, _parity(card, lambda one: one.after)),
    ]
    return "\n".join(lines) + "\n"


def _cells(card: ReweighingCard) -> list[Line]:
    return [(str(one.slice), "positive" if one.label else "negative", whole(one.rows), whole(one.weight), significant(one.factor, 4)) for one in card.cells]


def _parity(card: ReweighingCard, side: Callable[[Parity], Rates]) -> list[Line]:
    return [_line(one.slice, one.rows, side(one)) for one in card.parity]


def _line(one: Slice, rows: int, rates: Rates) -> Line:
    known = (
        "nobody else" if rates.others is None else percent(rates.others),
        "" if rates.difference is None else "0" if abs(rates.difference) < _ROUNDING else signed(rates.difference),
        "" if rates.ratio is None else "1" if abs(rates.ratio - 1) < _ROUNDING else significant(rates.ratio),
    )
    return str(one), whole(rows), percent(rates.base_rate), *known


def _table(head: Line, lines: Sequence[Line]) -> Iterator[str]:
    yield from columns([head, *lines[:_MOST_LINES]])
    if len(lines) > _MOST_LINES:
        yield f"  and {counted(len(lines) - _MOST_LINES, 'more line')}, in card.json"


def _markdown(head: Line, lines: Sequence[Line]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    yield from (f"| {' | '.join(map(_escaped, line))} |" for line in lines)


def _escaped(text: str) -> str:
    """A text that Markdown shows as it is, in a table too."""
    shown = visible(text).replace("\\", "\\\\")
    for mark in "|*_`<>[]#":
        shown = shown.replace(mark, f"\\{mark}")
    return shown


def _code(text: str) -> str:
    return f"`{visible(text).replace('`', '′').replace('|', '¦')}`"
