"""One finding as a reader meets it: in a sentence, with its reason, its small print and its drawing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fairaudit.cube.slices import Slicing
from fairaudit.evidence.measurement import Group, GroupKind
from fairaudit.metrics.catalogue import CATALOGUE
from fairaudit.reports.badges import INCONCLUSIVE, NO_VERDICT, Badge, badge, is_reference
from fairaudit.reports.chart import Axis, Whisker, whisker
from fairaudit.reports.lookup import Lookup
from fairaudit.reports.numbers import apart, counted, interval_between, measured, probability, significant
from fairaudit.reports.sentences import Compared, at_start, counted_as, ended, in_sentence, people, sentence, title_of
from fairaudit.rules.finding import Finding, Outcome, Verdict
from fairaudit.rules.left_out import LeftOut


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One finding."""

    badge: Badge
    group: str
    sentence: str
    reason: str  # why, and what would decide it
    facts: tuple[str, ...]
    value: str  # "undefined" where there is none
    interval: str
    picture: Whisker | None
    rows: str
    p: str


def sentence_of(known: Lookup, finding: Finding) -> str:
    """The finding in one sentence, whatever became of it."""
    if finding.group is None:
        return f"By {slicing_words(finding.slicing)}, {_reason(finding)}."
    if is_reference(finding):
        return f"{at_start(people(finding.group))} are {finding.reason}."
    if finding.value is None:
        what = in_sentence(finding.metric) if finding.kind == "value" else f"{finding.kind} of the {in_sentence(finding.metric)}"
        return f"The {what} of {people(finding.group)} is {_without_value(finding)}: {finding.reason}."
    return sentence(
        Compared(
            metric=finding.metric,
            kind=finding.kind,
            group=finding.group,
            reference=finding.reference,
            value=finding.value,
            interval=finding.interval,
            levels=None if finding.control else known.levels(finding.metric, finding.group, finding.reference),
            limits=finding.limit,
            better=known.better(finding),
            effect=known.effect,
            control=finding.control,
        )
    )


def slicing_words(slicing: Slicing) -> str:
    return " and ".join(slicing) if slicing else "everyone"


def blocks(finding: Finding) -> bool:
    """Whether it needs a sentence of its own: it is violated, or it must be decided and is not."""
    return finding.verdict is Verdict.FAIL or badge(finding) is INCONCLUSIVE


def told(known: Lookup, one: Finding, axis: Axis) -> Told:
    """The finding, drawn on the axis of its family."""
    group, value = _name(one), apart(one.kind, one.value, one.limit) if one.value is not None else _without_value(one)
    interval = interval_between(one.kind, one.interval) if one.interval else ""
    return Told(
        badge=badge(one),
        group=group,
        sentence=sentence_of(known, one),
        reason=" ".join(filter(None, (ended(at_start(_why(one))), _needed(one)))),
        facts=tuple(_facts(known, one)),
        value=value,
        interval=interval,
        picture=whisker(
            axis, one.value, one.interval, words=f"{group}: {value}" + (f", 95% interval {interval}" if interval else ""), is_reference=is_reference(one)
        ),
        rows=_rows(known, one),
        p="" if one.p_adjusted is None or is_reference(one) else probability(one.p_adjusted),
    )


def told_of_left_out(known: Lookup, one: LeftOut, metric: str) -> Told:
    """A group of which the rule says nothing: its rows, its rate, and why."""
    found = known.measurement(metric, Group(slice=one.slice))
    rate = f"{in_sentence(metric)} {measured(metric, found.value)}; " if found is not None and found.value is not None else ""
    return Told(
        badge=NO_VERDICT, group=one.slice.label, sentence="", reason=ended(at_start(f"{rate}{one.reason}")), facts=(), value="", interval="", picture=None,
        rows=f"{one.rows:,}", p="",
    )  # fmt: skip


def _without_value(one: Finding) -> str:
    """What there is instead of a number: only an infinite ratio can be past a limit."""
    return "infinite" if one.outcome is Outcome.BEYOND else "undefined"


def _why(one: Finding) -> str:
    """Its reason and notes. Of a whole slicing the sentence has said the reason."""
    return "; ".join((_reason(one), *one.notes) if one.group else one.notes)


def _reason(one: Finding) -> str:
    """Without how many rows would help, which a sentence of its own says."""
    return one.reason.split("; about ")[0] if one.rows_needed else one.reason


def _name(one: Finding) -> str:
    if one.group is None:
        return f"All groups by {slicing_words(one.slicing)}"
    if is_pair(one) and one.reference is not None:
        return f"{_label(one.group)} and {_label(one.reference)}"
    return _label(one.group)


def is_pair(one: Finding) -> bool:
    """Whether it is of the two groups that are furthest apart, and not of a group and its reference."""
    return one.reference is not None and one.kind in ("gap", "min_max_ratio", "value")


def _label(group: Group) -> str:
    return group.slice.label if group.kind is GroupKind.SLICE else at_start(people(group))


def _facts(known: Lookup, one: Finding) -> Iterable[str]:
    """What stands in small print under a sentence."""
    entry = CATALOGUE.get(one.metric)
    levels = None if one.control else known.levels(one.metric, one.group, one.reference)
    if levels and not is_reference(one):
        yield f"{title_of(one.metric)} {measured(one.metric, levels[0])} against {measured(one.metric, levels[1])}"
    kind = counted_as(entry) if entry else ""
    yield f"{_rows(known, one)} {'row' if one.rows == 1 and not is_pair(one) else 'rows'} {kind}".strip()
    if one.shrunken is not None:
        yield f"{measured(one.metric, one.shrunken)} if shrunken towards the other slices, which in so small a slice is the better guess"
    if one.p_adjusted is not None:
        yield f"adjusted p {_equals(probability(one.p_adjusted))}"
    if one.detectable is not None and one.verdict is Verdict.INCONCLUSIVE:
        yield f"in so many rows {apart(one.kind, one.detectable, one.limit)} would be found in four of five data sets"
    if one.serious is not None and one.verdict is not Verdict.FAIL:
        yield f"a violation counts as serious from {significant(one.serious)}"


def _rows(known: Lookup, one: Finding) -> str:
    """How many it rests on: of two slices that are furthest apart, those of each."""
    other = known.measurement(one.metric, one.reference) if one.kind in ("gap", "min_max_ratio") else None
    return f"{one.rows:,} and {other.rows:,}" if other else f"{one.rows:,}"


def _equals(text: str) -> str:
    return text if text.startswith("below") else f"= {text}"


def _needed(one: Finding) -> str:
    if one.rows_needed is None:
        return ""
    return f"About {counted(one.rows_needed.rows, 'more row')} of {people(one.rows_needed.group)} would decide it."
