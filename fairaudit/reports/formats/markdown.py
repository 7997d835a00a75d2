"""The gate's result for people, in GitHub's Markdown: the verdict, what is not as it should be as a table, and what it all rests on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from fairaudit.gate.policy import Ruling, Standing, State, Word
from fairaudit.gate.result import GRAVEST_FIRST, remarks_of
from fairaudit.reports.audited import account_line
from fairaudit.reports.badges import FAIL, INCONCLUSIVE, NO_VERDICT, PASS, UNRELIABLE
from fairaudit.reports.characters import visible
from fairaudit.reports.formats.standings import compared, grounds, headline, subject
from fairaudit.reports.gated import gate_verdict
from fairaudit.reports.lookup import Lookup
from fairaudit.reports.numbers import counted
from fairaudit.reports.sentences import ended
from fairaudit.reports.verdicts import groups_without_value, small_groups, strength
from fairaudit.reports.witnesses import agreement_line

MOST_BYTES = 1000 * 1024  # GitHub drops a summary of more than 1024 KiB
MOST_ROWS = 200  # more nobody reads
_MOST_NAMED = 5  # groups that a rule leaves out
_MOST_NOTES = 20
_SIGNS: dict[Word, str] = {"pass": PASS.sign, "fail": FAIL.sign, "inconclusive": INCONCLUSIVE.sign, "error": UNRELIABLE.sign, "unjudged": NO_VERDICT.sign}
_WITHOUT_VERDICT: dict[Word, str] = {"error": "The engines that computed this audit disagree, so no verdict can be relied on.", "unjudged": "The rules made no finding of this audit."}
# What means something in Markdown or HTML, and what GitHub links without being asked: addresses and people.
_ACTING = re.compile(r"[`*_{}\[\]~#$\\|&<>@]|://|www\.")
_BACKSLASHED = "`*_{}[]~#$"


def escaped(text: str) -> str:
    """Text that Markdown shows as it is: no markup, no HTML, no link, no line of its own."""
    return _ACTING.sub(_harmless, visible(text))


def _harmless(found: re.Match[str]) -> str:
    """With a backslash, or else the last character as an entity: readers of tables differ on what a backslash before a pipe is."""
    acting = found[0]
    return f"\\{acting}" if acting in _BACKSLASHED else f"{acting[:-1]}&#{ord(acting[-1])};"


def markdown(known: Lookup, ruling: Ruling, *, most_bytes: int = MOST_BYTES) -> str:
    """The summary.

    Args:
        most_bytes: of its UTF-8; rows of the table are left out, the gravest last, until it holds.
    """
    before, after = _verdict(known, ruling), _rest(known, ruling)
    room = most_bytes - _size(before) - _size(after)
    blocks = [before, *_table(known, ruling, room), after]
    text = "\n\n".join("\n".join(lines) for lines in blocks if lines) + "\n"
    return text if len(text.encode()) <= most_bytes else f"{before[0]}\n\nWhat there is to say is longer than GitHub shows; it is in the report.\n"


def _verdict(known: Lookup, ruling: Ruling) -> list[str]:
    word = ruling.verdict
    sentence = _WITHOUT_VERDICT.get(word) or ended(gate_verdict(known, ruling)[1])
    states = ruling.states
    numbers = ", ".join(f"{states.count(state)} {state.value}" for state in GRAVEST_FIRST if state in states)
    return [
        f"## {_SIGNS[word]} Fairness gate: {word}",
        "",
        f"**{escaped(sentence)}**",
        "",
        f"{numbers[:1].upper()}{numbers[1:]}." if numbers else "No findings.",
        *(line for caution in known.cautions for line in ("", escaped(caution))),
    ]


def _table(known: Lookup, ruling: Ruling, room: int) -> Iterator[list[str]]:
    """What is not as it should be, the gravest and surest first."""
    order = {state: place for place, state in enumerate(GRAVEST_FIRST)}
    found = sorted((one for one in ruling.standings if one.state not in (State.PASS, State.NOTED)), key=lambda one: (order[one.state], strength(one.finding)))
    if not found:
        return
    head = ["| | Rule | Who | What | Why |", "| --- | --- | --- | --- | --- |"]
    lines = list(_fitting((_row(known, one) for one in found[:MOST_ROWS]), room - _size(head) - 200))
    yield [*head, *lines]
    if len(lines) < len(found):
        yield [f"and {counted(len(found) - len(lines), 'more such finding')}; the report and audit.json have all."]


def _row(known: Lookup, standing: Standing) -> str:
    one = standing.finding
    why = " ".join((headline(known, one), *grounds(standing)))
    return f"| **{standing.state.value}** | {escaped(one.rule)} | {escaped(subject(one))} | {escaped(compared(one))} | {escaped(why)} |"


def _fitting(lines: Iterable[str], room: int) -> Iterator[str]:
    for line in lines:
        room -= len(line.encode()) + 1
        if room < 0:
            return
        yield line


def _rest(known: Lookup, ruling: Ruling) -> list[str]:
    """Remarks, what could not be judged, the rows and the engines."""
    unjudged = [escaped(text) for text in (small_groups(known.judged), groups_without_value(known.judged)) if text]
    remarks = [f"**{one.state.value}** {escaped(one.sentence)}" for one in remarks_of(ruling)]
    shown = remarks if len(remarks) <= MOST_ROWS else [*remarks[:MOST_ROWS], f"and {len(remarks) - MOST_ROWS} more."]
    return [
        *(f"- {one}" for one in shown),
        *([""] if shown else []),
        *(line for text in unjudged for line in (f"Not judged: {text}.", "")),
        *(line for text in _left_out(known) for line in (text, "")),
        f"Rows: {escaped(account_line(known.audit))}.",
        "",
        escaped(agreement_line(known)),
        *_notes(known),
    ]


def _left_out(known: Lookup) -> Iterator[str]:
    """The groups on which rules say nothing, by the reason: a gate that is green must not seem to speak of them."""
    by_reason: dict[str, list[str]] = {}
    for one in known.audit.left_out:
        by_reason.setdefault(f"{one.rule}: {one.reason}", []).append(f"{one.slice} ({counted(one.rows, 'row')})")
    for reason, groups in list(by_reason.items())[:MOST_ROWS]:
        more = f"; and {len(groups) - _MOST_NAMED} more" if len(groups) > _MOST_NAMED else ""
        yield f"Left out by {escaped(reason)}: {escaped('; '.join(groups[:_MOST_NAMED]))}{more}."
    if len(by_reason) > MOST_ROWS:
        yield f"Rules leave out groups for {len(by_reason) - MOST_ROWS} more reasons; the report has them."


def _notes(known: Lookup) -> list[str]:
    """What the audit says of itself: which rules a pack leaves out, how rows were matched, and the like."""
    notes = [one for one in known.audit.notes if one not in known.cautions]
    more = [f"- and {len(notes) - _MOST_NOTES} more, which the report has"] if len(notes) > _MOST_NOTES else []
    return ["", "Notes:", "", *(f"- {escaped(one)}" for one in notes[:_MOST_NOTES]), *more] if notes else []


def _size(lines: list[str]) -> int:
    return sum(len(line.encode()) + 1 for line in lines) + 2
