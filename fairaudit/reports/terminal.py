"""The verdict and its reasons in a few lines of plain text, for a terminal or a build log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click
from rich.cells import cell_len, set_cell_size

from fairaudit.cube.slices import Slice
from fairaudit.errors import listed
from fairaudit.gate.policy import Ruling
from fairaudit.given import of_kind, of_kind_or_none
from fairaudit.reports.audited import account_line
from fairaudit.reports.badges import FAIL, INCONCLUSIVE, PASS, UNRELIABLE, WAIVED, WARNING, Badge, badge
from fairaudit.reports.characters import visible
from fairaudit.reports.gated import badge_in, gate_verdict, reason_of, remarks_of, terms_of
from fairaudit.reports.lookup import Lookup, lookup
from fairaudit.reports.numbers import apart, counted, interval_between, measured
from fairaudit.reports.sentences import limit_words
from fairaudit.reports.told import sentence_of
from fairaudit.reports.verdicts import groups_without_value, small_groups, strength, verdict_of
from fairaudit.reports.witnesses import agreement_line
from fairaudit.result import Audit
from fairaudit.rules.finding import Finding

MOST_FINDINGS, MOST_SLICES = 8, 12
_COLUMNS = (("selection_rate", "selected"), ("true_positive_rate", "TPR"), ("false_positive_rate", "FPR"))
_COLOURS = {FAIL: "red", INCONCLUSIVE: "yellow", UNRELIABLE: "yellow", WARNING: "yellow", WAIVED: "yellow", PASS: "green"}
_INDENT = "  "


def headline(known: Lookup, ruling: Ruling | None = None, *, styled: bool = False) -> str:
    """The first lines of `summary`: the verdict alone."""
    return "\n".join(_verdict(known, ruling, styled))


def summary(audit: Audit, ruling: Ruling | None = None, *, width: int = 80, styled: bool = False) -> str:
    """The short verdict: a line for it, its findings, a table a slicing, the rows and the engines.

    Args:
        ruling: the gate's, where one was asked; the verdict is its then.
        width: of the terminal; longer lines of tables are cut, and sentences are wrapped by whoever prints them.
        styled: with colours, for a terminal that has them; otherwise plain text.
    """
    known = lookup(of_kind(audit, Audit, "audit"))
    return summary_of(known, of_kind_or_none(ruling, Ruling, "ruling"), width=of_kind(width, int, "width"), styled=styled)


def summary_of(known: Lookup, ruling: Ruling | None, *, width: int, styled: bool) -> str:
    """`summary` of an audit that was looked up already."""
    blocks = (_verdict(known, ruling, styled), _findings(known, ruling, styled), *_slicings(known, width), _references(known), _account(known))
    return "\n\n".join("\n".join(lines) for lines in map(list, blocks) if lines) + "\n"


def _verdict(known: Lookup, ruling: Ruling | None, styled: bool) -> Iterable[str]:
    told = verdict_of(known)
    word, said = (told.badge, told.sentence) if ruling is None else gate_verdict(known, ruling)
    unjudged = ". ".join(filter(None, (small_groups(known.judged), groups_without_value(known.judged))))
    sentence = visible(said).removesuffix(".")
    yield f"{_word(word, styled)}  {sentence}{f' ({visible(unjudged)})' if unjudged else ''}."
    if told.badge is PASS and told.because:
        yield f"{_INDENT}{visible(told.because)}"
    for caution in known.cautions:
        yield f"{_INDENT}{visible(caution)}"


def _findings(known: Lookup, ruling: Ruling | None, styled: bool) -> Iterable[str]:
    for one in known.of_itself[:MOST_FINDINGS]:
        yield f"{_INDENT}engines disagree  {visible(one.reason)}"
    badges = [(one, badge(one)) for one in known.judged] if ruling is None else [(one.finding, badge_in(one)) for one in ruling.standings if one.finding.rule in known.rules]
    for kind in (FAIL, INCONCLUSIVE, WARNING):
        found = [one for one, badge_ in badges if badge_ is kind]
        shown = _chosen(found)
        for one in shown:
            yield f"{_INDENT}{_word(kind, styled)}  {visible(finding_line(known, one))}"
        if len(found) > len(shown):
            yield f"{_INDENT}{_word(kind, styled)}  and {len(found) - len(shown)} more; --verbose lists every finding"
    if ruling is not None:
        yield from _waived(known, ruling, styled)
        yield from (f"{_INDENT}{_word(one.badge, styled)}  {one.id}: {visible(one.sentence)}" for one in remarks_of(ruling.remarks))


def _waived(known: Lookup, ruling: Ruling, styled: bool) -> Iterable[str]:
    """What is waived, however much it is: what is tolerated must be seen."""
    for one in ruling.standings:
        if one.waiver is not None:
            interval = f"; 95% interval {interval_between(one.finding.kind, one.finding.interval)}" if one.finding.interval else ""
            yield f"{_INDENT}{_word(WAIVED, styled)}  {visible(f'{finding_line(known, one.finding)}{interval}; {terms_of(one, one.waiver)}. {reason_of(one.waiver)}')}"


def _chosen(found: Sequence[Finding]) -> list[Finding]:
    """The findings that are shown, rule by rule: of every rule at least the one with the strongest evidence, however many rules there are."""
    by_rule: dict[str, list[Finding]] = {}
    for one in found:
        by_rule.setdefault(one.rule, []).append(one)
    ranked = [sorted(own, key=strength) for own in by_rule.values()]
    chosen = {id(own[0]) for own in ranked}
    rest = [one for own in ranked for one in own[1:]]
    chosen.update(id(one) for one in rest[: max(0, MOST_FINDINGS - len(chosen))])
    return [one for own in ranked for one in own if id(one) in chosen]


def finding_line(known: Lookup, one: Finding) -> str:
    """A finding as a log has it, found again by its rule and slice: `four-fifths: race=Black: 0.61 times …`."""
    if one.group is None or one.value is None:
        return f"{one.by}: {sentence_of(known, one)}"
    value = apart(one.kind, one.value, one.limit)
    against = f" against {one.reference}" if one.reference is not None else ""
    what = f"{one.metric}{'' if one.kind == 'value' else f' {one.kind}'} {value}{against}"
    alike = f" among people alike in {' and '.join(one.control)}" if one.control else ""
    needed = f"; about {counted(one.rows_needed.rows, 'more row')} of {one.rows_needed.group} would decide it" if one.rows_needed else ""
    return f"{one.by}: {one.group}: {what}{alike} (allowed: {limit_words(one.kind, one.limit)}){needed}"


def _slicings(known: Lookup, width: int) -> Iterable[list[str]]:
    cut = [(slicing, slices) for slicing, slices in known.slices.items() if slices]
    for slicing, slices in cut[:MOST_SLICES]:
        shown = sorted(slices, key=lambda one: known.rows.get(one, 0), reverse=True)[:MOST_SLICES] if len(slices) > MOST_SLICES else slices
        yield _table(known, " × ".join(slicing), shown, len(slices) - len(shown), width)
    if len(cut) > MOST_SLICES:
        yield [f"and {counted(len(cut) - MOST_SLICES, 'more slicing')}: {visible(listed([' × '.join(slicing) for slicing, _ in cut[MOST_SLICES:]]))}"]


def _references(known: Lookup) -> Iterable[str]:
    """What the mark in the tables means, where findings compare with somebody of their own."""
    if known.judged and any(known.references.get(slicing) for slicing in list(known.slices)[:MOST_SLICES]):
        asked = any(one.chosen == "asked" for one in known.audit.references)
        how = "as asked for, or else the largest" if asked else "the largest"
        yield f"(reference): the slice that the report's tables compare with, {how}. A rule has a reference of its own, which its findings name."


def _table(known: Lookup, heading: str, slices: Sequence[Slice], hidden: int, width: int) -> list[str]:
    columns = [(name, title) for name, title in _COLUMNS if any((name, ()) in known.by_slice.get(one, {}) for one in slices)]
    head = (heading, "rows", *(title for _, title in columns))
    body = [(_label(known, one), f"{known.rows.get(one, 0):,}", *(_value(known, one, name) for name, _ in columns)) for one in slices]
    lines = _aligned([tuple(map(visible, line)) for line in (head, *body)], width)
    return [*lines, f"{_INDENT}and {counted(hidden, 'smaller slice')}"] if hidden else lines


def _label(known: Lookup, one: Slice) -> str:
    return f"{one.label} (reference)" if known.references.get(one.attributes) == one else one.label


def _value(known: Lookup, one: Slice, name: str) -> str:
    found = known.by_slice.get(one, {}).get((name, ()))
    if found is None:
        return "not computed"
    return measured(name, found.value) if found.value is not None else found.status.value


def _aligned(lines: Sequence[tuple[str, ...]], width: int) -> list[str]:
    """Names to the left, cut to what the numbers leave of the width; numbers to the right."""
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    left = max(12, min(widths[0], width - len(_INDENT) - sum(size + 2 for size in widths[1:])))
    return [
        _INDENT + _cut(line[0], left) + "".join("  " + " " * (size - cell_len(text)) + text for text, size in zip(line[1:], widths[1:], strict=True))
        for line in lines
    ]


def _cut(text: str, size: int) -> str:
    return set_cell_size(text, size) if cell_len(text) <= size else set_cell_size(text, size - 1) + "…"


def _account(known: Lookup) -> Iterable[str]:
    yield f"Rows: {visible(account_line(known.audit))}."
    yield visible(agreement_line(known))


def _word(kind: Badge, styled: bool) -> str:
    word = kind.word.upper()
    return click.style(word, fg=_COLOURS[kind], bold=True) if styled and kind in _COLOURS else word
