"""Two audits beside each other as a page of sentences and tables, and that page as text, Markdown and HTML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from rich.cells import cell_len

from fairaudit.cube.slices import Slice, Slicing
from fairaudit.differences import Answered, Differences, Fact, Level, Turned, Waived
from fairaudit.errors import listed
from fairaudit.reports.characters import visible
from fairaudit.reports.gated import reason_of
from fairaudit.reports.html import environment
from fairaudit.reports.numbers import apart, counted, interval_between, measured, signed
from fairaudit.reports.sentences import at_start, title_of

_BRIEFLY = ("selection_rate", "true_positive_rate", "false_positive_rate", "false_negative_rate", "accuracy")  # of a terminal
_MOST_FINDINGS, _MOST_SLICES, _MOST_LONG = 12, 12, 60
_NOTHING = "–"
_HASH = 12  # digits of a SHA-256, enough to tell two apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table with its heading; numbers as text."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: str = ""  # what is not shown


@dataclass(frozen=True, slots=True, kw_only=True)
class SideBySide:
    title: str
    sentences: tuple[str, ...]
    sheets: tuple[Sheet, ...]


def side_by_side(found: Differences, *, names: tuple[str, str], briefly: bool = False) -> SideBySide:
    """The page.

    Args:
        names: of the former and the new audit, as the user gave them.
        briefly: with a few metrics only, and the first of long tables, for a terminal.
    """
    sheets = (_facts(found.facts), _findings(found.findings, briefly=briefly), *([] if found.waived is None else [_waived(found.waived)]), *_slicings(found.levels, briefly=briefly))
    return SideBySide(title=f"{names[0]} and {names[1]}", sentences=tuple(_sentences(found)), sheets=tuple(one for one in sheets if one.rows))


def _sentences(found: Differences) -> Iterator[str]:
    if found.same_data and found.same_model:
        nothing = not found.findings and all(one.before == one.now for one in found.levels)
        yield f"Both audits are of the same data and the same model, and {'all their numbers are the same' if nothing else 'some of their numbers differ'}."
    else:
        model = {True: "the model is the same", False: "the model is another", None: "whether their scores or decisions are of the same model is not known"}[found.same_model]
        yield f"The data are {'the same' if found.same_data else 'others'}; {model}."
    verdicts = [one or "none" for one in (found.verdict_before, found.verdict_now)]
    yield f"The verdict {'is still' if verdicts[0] == verdicts[1] else f'was {verdicts[0]} and is'} {verdicts[1]}."
    yield f"Rows audited: {found.rows_before:,} before, {found.rows_now:,} now."
    if found.matched is not None:
        one = found.matched
        left = f"; {one.relabelled:,} have another label and are left out" if one.relabelled else ""
        yield f"{counted(one.matched, 'row is', 'rows are')} in both by their ids, {one.only_before:,} in the former alone and {one.only_now:,} in the new alone{left}."
    for what, before, now in (("rules", found.rules_only_before, found.rules_only_now), ("slices", _named(found.slices_only_before), _named(found.slices_only_now))):
        for names, where in ((before, "the former audit"), (now, "the new one")):
            if names:
                yield f"Only in {where}: the {what} {listed(list(names))}."
    if found.waived is not None:
        yield _tally(found.waived)
    if not found.findings and (found.verdict_before or found.verdict_now):
        yield "No rule says anything else of anybody than before."


def _named(slices: Iterable[Slice]) -> tuple[str, ...]:
    return tuple(map(str, slices))


def _facts(facts: Sequence[Fact]) -> Sheet:
    rows = tuple((one.name.replace("_", " "), _plain(one.name, one.before), _plain(one.name, one.now)) for one in facts)
    return Sheet(heading="What was audited, and how", columns=("what", "before", "now"), rows=rows)


def _plain(name: str, value: Any) -> str:
    """A value of a configuration in a line."""
    if value is None or value in ([], {}, ""):
        return _NOTHING
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_plain(name, one)}" for key, one in value.items())
    if isinstance(value, list | tuple):
        return listed([_plain(name, one) for one in value], most=4)
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text[:_HASH] if "sha256" in name else text if len(text) <= _MOST_LONG else f"{text[:_MOST_LONG]}…"


def _findings(findings: Sequence[Turned], *, briefly: bool) -> Sheet:
    shown = findings[:_MOST_FINDINGS] if briefly else findings
    rows = tuple((one.rule, one.group, f"{one.metric} {one.kind}", _was(one.before, one.value_before), _was(one.now, one.value_now)) for one in shown)
    more = f"and {len(findings) - len(shown)} more" if len(shown) < len(findings) else ""
    return Sheet(heading="Findings that are not what they were", columns=("rule", "slice", "of", "before", "now"), rows=rows, more=more)


def _was(state: str | None, value: float | None) -> str:
    return _NOTHING if state is None else f"{state}{'' if value is None else f' {value:.3g}'}"


def _tally(one: Waived) -> str:
    """Violations: 2 before, of which none is waived on 2026-11-26, and 3 now, of which 2 are."""
    before, now = (sum(of == "waived" for of in side) for side in ([one.before for one in one.answered], [one.now for one in one.answered]))
    return f"Violations: {_of(one.violated_before, 'before', before)} waived on {one.as_of}; {_of(one.violated_now, 'now', now)}."


def _of(violated: int, when: str, waived: int) -> str:
    return f"{violated} {when}, of which {'none is' if not waived else '1 is' if waived == 1 else f'{waived} are'}"


def _waived(found: Waived) -> Sheet:
    rows = tuple(
        (one.rule, one.whom, f"{one.metric} {one.kind}", _became(one, one.before, one.value_before), _became(one, one.now, one.value_now), _far(one), str(one.waiver.expires), reason_of(one.waiver))
        for one in found.answered
    )
    return Sheet(heading="Violations that somebody answers for", columns=("rule", "slice", "of", "before", "now", "as far as", "until", "who, and why"), rows=rows)


def _became(one: Answered, became: str | None, value: float | None) -> str:
    shown = "" if value is None else f" {apart(one.kind, value, (one.waiver.holds_to, None))}"
    return _NOTHING if became is None and value is None else f"{became or 'not violated'}{shown}"


def _far(one: Answered) -> str:
    return apart(one.kind, one.waiver.holds_to, (one.value_before, one.value_now))


def _slicings(levels: Sequence[Level], *, briefly: bool) -> Iterator[Sheet]:
    """A table a slicing: everyone first."""
    by_slicing: dict[Slicing, list[Level]] = {}
    for one in levels:
        if (one.before is not None or one.now is not None) and (not briefly or one.metric in _BRIEFLY):
            by_slicing.setdefault(tuple(sorted(one.slice.attributes)), []).append(one)
    for slicing, own in by_slicing.items():
        slices = list(dict.fromkeys(one.slice for one in own))
        shown = slices[:_MOST_SLICES] if briefly else slices
        paired = any(one.same_rows for one in own)
        columns = ("slice", "metric", "before", "now", "change", *(("on the same rows", "95% interval") if paired else ()))
        rows = tuple(_row(one, paired=paired) for place in shown for one in own if one.slice == place)
        more = f"and {counted(len(slices) - len(shown), 'more slice')}" if len(shown) < len(slices) else ""
        yield Sheet(heading=f"By {' and '.join(slicing)}" if slicing else "Everyone", columns=columns, rows=rows, more=more)


def _row(one: Level, *, paired: bool) -> tuple[str, ...]:
    params = "".join(f", {name} {value:g}" for name, value in one.params.items())
    plain = (one.slice.label, f"{title_of(one.metric)}{params}", *(_NOTHING if value is None else measured(one.metric, value) for value in (one.before, one.now)), _change(one.change))
    if not paired:
        return plain
    same = one.same_rows
    return (*plain, _change(same.value if same else None), interval_between("change", same.interval) if same and same.interval else _NOTHING)


def _change(value: float | None) -> str:
    return _NOTHING if value is None else signed(value)


# --- The page in its forms


def as_text(page: SideBySide) -> str:
    """For a terminal or a build log."""
    blocks = ["\n".join(map(visible, page.sentences)), *("\n".join(_lines(one)) for one in page.sheets)]
    return "\n\n".join(blocks)


def _lines(sheet: Sheet) -> Iterator[str]:
    table = [tuple(map(visible, row)) for row in (sheet.columns, *sheet.rows)]
    widths = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
    yield visible(sheet.heading)
    for row in table:
        yield "  " + "  ".join(text + " " * (width - cell_len(text)) for text, width in zip(row, widths, strict=True)).rstrip()
    if sheet.more:
        yield f"  {sheet.more}"


def as_markdown(page: SideBySide) -> str:
    """For a pull request; whatever stands in data is text, and neither markup nor a cell's end."""
    parts = [f"# {_safe(at_start(page.title))}", *(_safe(one) for one in page.sentences)]
    for sheet in page.sheets:
        rows = [f"| {' | '.join(map(_safe, row))} |" for row in (sheet.columns, ["---"] * len(sheet.columns), *sheet.rows)]
        parts += [f"## {_safe(sheet.heading)}", "\n".join(rows), *([sheet.more] if sheet.more else [])]
    return "\n\n".join(parts) + "\n"


def _safe(text: str) -> str:
    shown = escape(visible(text).replace("\n", " "), quote=False)
    return "".join(f"\\{one}" if one in "\\|`*_[]#~" else one for one in shown) if text != "---" else text


def as_html(page: SideBySide) -> str:
    """One file that needs neither network nor script."""
    return environment().get_template("side_by_side.html.j2").render(page=page)


FORMS = {".html": as_html, ".md": as_markdown}
