"""What the gate made of one finding, in plain words: the same in every format."""

from __future__ import annotations

from collections.abc import Iterator

from fairaudit.evidence.measurement import GroupKind
from fairaudit.gate.policy import Standing
from fairaudit.reports.badges import is_reference
from fairaudit.reports.characters import visible
from fairaudit.reports.lookup import Lookup
from fairaudit.reports.numbers import counted, significant
from fairaudit.reports.sentences import at_start, ended, limit_words, people
from fairaudit.reports.told import is_pair, sentence_of
from fairaudit.rules.finding import DISAGREEMENT, Finding


def headline(known: Lookup, one: Finding) -> str:
    """Who, compared with whom, by how much."""
    return visible(ended(at_start(one.reason)) if one.rule == DISAGREEMENT else sentence_of(known, one))


def grounds(standing: Standing) -> Iterator[str]:
    """What else must be known, a sentence each: the limit, why it is so, what would decide it, who waived it, or waived less."""
    one = standing.finding
    if one.rule != DISAGREEMENT:
        if one.group is not None and one.limit != (None, None):
            yield f"The rule allows {limit_words(one.kind, one.limit)}."
        if one.group is not None and one.value is not None and not is_reference(one):  # of the others the headline has said it
            yield visible(ended(at_start(one.reason.split("; about ")[0])))
        if one.rows_needed is not None:
            yield visible(f"About {counted(one.rows_needed.rows, 'more row')} of {people(one.rows_needed.group)} would decide it.")
    if told := answered(standing):
        yield told


def answered(standing: Standing) -> str:
    """Who answers for a violation, until when, how far and why; or that it is worse than that. Nothing where nobody does."""
    if standing.waiver is not None:
        one = standing.waiver
        ticket = f" ({one.ticket})" if one.ticket else ""
        return visible(f"Waived by {one.owner} until {one.expires.isoformat()}, as far as {significant(one.holds_to)}{ticket}: {ended(one.reason)}")
    if standing.exceeded is not None:
        one = standing.exceeded
        return visible(f"Worse than waived: {one.owner} answers for it until {one.expires.isoformat()} as far as {significant(one.holds_to)}, and no further.")
    return ""


def subject(one: Finding) -> str:
    """Whom it is about, as a table names it: `race=Black`, `small groups together by race`, `all slices by sex × race`."""
    if one.group is None:
        return _all(one)
    by = "" if one.group.kind is GroupKind.SLICE else f" by {' × '.join(one.slicing)}"
    return visible(f"{one.group} and {one.reference}" if is_pair(one) else f"{one.group}{by}")


def compared(one: Finding) -> str:
    """By what: `selection_rate ratio against race=White`."""
    against = one.reference is not None and not is_pair(one)
    return f"{_quantity(one)}{visible(f' against {one.reference}') if against else ''}"


def name(one: Finding) -> str:
    """What it is called in every run: numbers, the best-off group and the two that are furthest apart may change."""
    return f"{_all(one) if is_pair(one) else subject(one)}: {_quantity(one)}"


def _all(one: Finding) -> str:
    return visible(f"all slices by {' × '.join(one.slicing) or 'everyone'}")


def _quantity(one: Finding) -> str:
    return visible(one.metric if one.kind == "value" else f"{one.metric} {one.kind}")
