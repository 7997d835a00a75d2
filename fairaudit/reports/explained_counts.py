"""The first steps of an explanation: who was counted, the rates as divisions, and what is compared with what."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fairaudit.evidence.intervals import effective_size
from fairaudit.metrics.catalogue import Shape
from fairaudit.reports import explained_strata
from fairaudit.reports.numbers import percent
from fairaudit.reports.sentences import counted_as, happens, title_of
from fairaudit.reports.steps import LONG, Seen, Step, factor, number, plain, quantity, yes
from fairaudit.rules.basis import Basis
from fairaudit.rules.change import Independent
from fairaudit.rules.family import Family
from fairaudit.rules.rule import Comparing
from fairaudit.rules.sides import AGAINST_EVERYONE
from fairaudit.rules.tally import Tally
from fairaudit.rules.words import chosen

_MOST = 20  # groups of a slicing that are listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of what is compared, or tested; a basis of shape (1,)."""

    name: str
    basis: Basis


def own_side(family: Family, candidate: int) -> Side:
    return Side(name=str(family.group(candidate)), basis=family.candidates.at([candidate]))


def opposite_side(family: Family, candidate: int) -> Side | None:
    """The reference; None where there is none."""
    if family.asked.comparison.is_extreme:
        return own_side(family, furthest(family))
    group = family.reference_group(candidate)
    if isinstance(family.change, Independent):
        return Side(name=str(group), basis=family.change.before.at([candidate]))
    return None if group is None else Side(name=str(group), basis=family.opposite.at([candidate]))


def rest_side(family: Family, candidate: int) -> Side:
    """Everyone else; of some metrics, everyone stands in for it."""
    name = "everyone" if family.metric.id in AGAINST_EVERYONE else f"everyone but {family.group(candidate)}"
    return Side(name=name, basis=family.others.at([candidate]))


def furthest(family: Family) -> int:
    """Of a gap, the candidate with the highest value."""
    values = family.candidates.value[family.yardsticks]
    return int(family.yardsticks[max(range(values.size), key=lambda place: -math.inf if math.isnan(values[place]) else values[place])])


def sides(family: Family, candidate: int) -> tuple[Side, ...]:
    """All that the finding rests on, each once."""
    everyone = Side(name="everyone", basis=family.everyone)
    if family.against_nobody:
        found = [own_side(family, candidate), everyone]
    else:
        opposite = opposite_side(family, candidate)
        alone = family.has_fixed_reference or family.asked.comparison.is_extreme or family.change is not None
        rest = [] if alone else [rest_side(family, candidate)]
        found = [own_side(family, candidate), *([opposite] if opposite else []), *rest, everyone]
    return tuple({one.name: one for one in found}.values())


def counted(seen: Seen) -> Step:
    """Rows and events of everybody that is looked at."""
    family, metric = seen.family, seen.metric
    if family is None:
        return Step(id="counted", title="Who was counted", lines=(*_all_groups(seen), meaning(seen)), numbers={"rows": seen.finding.rows})
    if seen.case.fact is None:
        lines, numbers = _groups(seen, family)
        return Step(id="counted", title="Who was counted", lines=(*lines, meaning(seen)), numbers=numbers)
    candidate = seen.fact.candidate
    shown = sides(family, candidate)
    lines = [_count(seen, one) for one in shown]
    if candidate >= family.groups:
        lines.append(
            f"The small groups are those too small to be judged alone: {'; '.join(str(family.slices[place]) for place in family.pooled[:_MOST])}{_more(len(family.pooled))}."
        )
    within = family.within
    strata, of_strata = ((), {}) if within is None else (explained_strata.counted(seen, within, candidate), explained_strata.numbers(seen, within, candidate))
    lines += [*_effective(seen, shown), *enough(family, candidate), *strata, meaning(seen)]
    if metric.shape is not Shape.RATE:
        lines.append("It is no rate of counts: how its values come from the rows is not shown here.")
    return Step(
        id="counted",
        title="Who was counted",
        lines=tuple(lines),
        numbers={one.name: side_numbers(one.basis) for one in shown} | of_strata,
    )


def rates(seen: Seen) -> Step:
    """Each side's value, as a division where it is one."""
    if seen.family is None:
        return Step(
            id="rates",
            title="The groups' values",
            lines=("The number is over all groups at once; how it is made of theirs is not shown here.", f"Its definition: {seen.metric.formula}."),
            numbers={},
        )
    shown = sides(seen.family, seen.fact.candidate)
    lines = tuple(f"{one.name}: {_division(one.basis)}" for one in shown)
    title = "The rates" if seen.metric.shape is Shape.RATE else f"The values: {title_of(seen.metric.id)}"
    return Step(id="rates", title=title, lines=lines, numbers={one.name: {"value": plain(one.basis.value[0])} for one in shown})


def compared(seen: Seen) -> Step:
    """The value that is held against the limit."""
    family, value, kind = seen.family, seen.fact.value, seen.rule.comparison
    numbers: dict[str, Any] = {"value": plain(value), "kind": kind.value}
    if family is None or family.against_nobody:
        own = "The number itself is judged" if family is None else "Each group's own value is judged, against the limit and nobody else"
        return Step(id="compared", title="The value", lines=(f"{own}: {number(value)}",), numbers=numbers)
    opposite = opposite_side(family, seen.fact.candidate)
    if opposite is None:
        return Step(id="compared", title=_TITLE[kind], lines=("There is no group to compare with, so there is no value.",), numbers=numbers)
    numbers["reference"] = opposite.name
    one, other = (number(side.basis.value[0], LONG) for side in (own_side(family, seen.fact.candidate), opposite))
    lines = [*_why_reference(family, opposite.name)]
    if family.within:
        lines.append(explained_strata.compared(family, family.within, value))
    else:
        by = {Comparing.RATIO: "/", Comparing.MIN_MAX_RATIO: "/"}.get(kind, "−")
        first, second = (other, one) if kind is Comparing.GAP else (one, other)
        lines.append(f"{first} {by} {factor(second)} = {number(value)}")
    return Step(id="compared", title=_TITLE[kind], lines=tuple(lines), numbers=numbers)


_TITLE = {
    Comparing.CHANGE: "The change",
    Comparing.RATIO: "The ratio", Comparing.DIFFERENCE: "The difference", Comparing.GAP: "The gap", Comparing.MIN_MAX_RATIO: "The smallest over the largest", Comparing.VALUE: "The value",
}  # fmt: skip


def side_numbers(basis: Basis) -> dict[str, Any]:
    found: dict[str, Any] = {"rows": int(basis.rows[0]), "trials": plain(basis.trials[0])}
    if isinstance(basis, Tally):
        found |= {"events": plain(basis.events[0])}
        if basis.weighted:
            found |= {"weight": plain(basis.weight[0]), "weight_of_events": plain(basis.hits[0]), "weight_sq": plain(basis.weight_sq[0])}
    return found


def _count(seen: Seen, side: Side) -> str:
    """race=Black: 211 of 1,561 selected."""
    basis, kind = side.basis, counted_as(seen.metric)
    rows = f"{int(basis.rows[0]):,} {'row' if basis.rows[0] == 1 else 'rows'}{f' {kind}' if kind else ''}"
    if not isinstance(basis, Tally):
        return f"{side.name}: {rows}" + (f", worth {quantity(basis.trials[0])}" if basis.trials[0] != basis.rows[0] else "")
    what = happens(seen.metric.id, seen.context.effect) or "events"
    if basis.weighted and basis.weight[0] != basis.rows[0]:
        return f"{side.name}: weight {quantity(basis.hits[0])} of {quantity(basis.weight[0])} {what}, of {rows}"
    return f"{side.name}: {quantity(basis.hits[0])} of {quantity(basis.weight[0])} {what}" + (f", of the rows {kind}" if kind else "")


def meaning(seen: Seen) -> str:
    return f"{title_of(seen.metric.id)}: {seen.metric.formula}. {seen.metric.meaning}"


def _effective(seen: Seen, shown: tuple[Side, ...]) -> Iterator[str]:
    """How many rows those that carry weights or come in clusters are worth."""
    if not any(isinstance(one.basis, Tally) and one.basis.weighted for one in shown):
        return
    in_clusters = any(isinstance(one.basis, Tally) and one.basis.clusters is not None for one in shown)
    yield "Rows carry weights or come in clusters, so tests and intervals rest on effective rows, n = (Σw)² / Σw², and effective events, rate × n:"
    for one in shown:
        if not isinstance(one.basis, Tally) or not one.basis.weight_sq[0] > 0:
            continue  # nobody, or nobody who weighs anything
        w, sq, n = one.basis.weight[0], one.basis.weight_sq[0], one.basis.trials[0]
        size = effective_size(one.basis.weight, one.basis.weight_sq)[0]
        then = f"; {quantity(n)} once rows of a cluster count for how alike they are" if in_clusters else ""
        yield f"{one.name}: {factor(quantity(w))}² / {factor(quantity(sq))} = {quantity(size)} effective rows{then}; {quantity(one.basis.events[0])} effective events"
    if in_clusters:
        yield "How alike the rows of a cluster are, the design effect, rests on sums over clusters in the file; its formula is not shown here."


def enough(family: Family, candidate: int) -> Iterator[str]:
    """Whether the candidate can be judged alone, by everyone's share of events."""
    minimum, share = family.rule.minimum, family.sides.share
    n = family.within.trials[candidate] if family.within else family.candidates.trials[candidate]
    rows = f"at least {quantity(minimum.rows)} {'row' if minimum.rows == 1 else 'rows'}"
    held = yes(bool(family.enough[candidate]))
    if math.isnan(share):
        yield f"Large enough to be judged alone? The rule asks for {rows}, and {quantity(minimum.events + minimum.non_events)} that count; there are {quantity(n)}: {held}"
    else:
        yield (
            f"Large enough to be judged alone? At everyone's share of events{' in both audits' if family.change is not None else ''}, {number(share)}, there would be {quantity(n)} × {number(share)} = {number(n * share)} events and "
            f"{number(n * (1 - share))} others; the rule asks for {quantity(minimum.events)} and {quantity(minimum.non_events)}, and {rows}: {held}"
        )
    if family.within:
        yield f"Only rows in strata where there is somebody to compare with count here: {quantity(n)}."


def _division(basis: Basis) -> str:
    value = basis.value[0]
    shown = number(value, LONG)
    if not isinstance(basis, Tally):
        return shown
    if math.isnan(value):
        return "undefined: there are no rows to divide by"
    return f"{quantity(basis.hits[0])} / {factor(quantity(basis.weight[0]))} = {shown} ({percent(value)})"


def _why_reference(family: Family, name: str) -> Iterator[str]:
    if family.asked.comparison.is_extreme:
        yield f"Of the groups that can be judged, this one has the lowest value and {name} the highest."
    elif family.change is not None:
        yield f"Compared with {name}: what the group had in the former audit, whose rows are not the same, or were not kept."
    elif family.against_others:
        yield f"Compared with {name}, as the rule says{'' if family.rule.reference == 'rest' else '; the group itself is part of everyone'}."
    else:
        best = family.rule.reference == "best"
        yield f"The reference is {name}: the {chosen(family)}{'.' if not best or family.yardsticks.size else ', since no group has enough evidence to serve.'}"


def _groups(seen: Seen, family: Family) -> tuple[list[str], dict[str, Any]]:
    """Every group of a slicing, and whether it can be judged alone."""
    every = [own_side(family, place) for place in range(family.groups)]
    lines = [f"{_count(seen, one)}; large enough to be judged alone: {yes(bool(held))}" for one, held in zip(every[:_MOST], family.enough, strict=False)]
    lines += [f"and {len(every) - _MOST:,} groups more, which --json lists"] if len(every) > _MOST else []
    numbers = {one.name: side_numbers(one.basis) | {"enough": bool(held)} for one, held in zip(every, family.enough, strict=False)}
    return [*lines, _count(seen, Side(name="everyone", basis=family.everyone))], numbers


def _all_groups(seen: Seen) -> Iterator[str]:
    places = seen.counts.of_slicing(seen.finding.slicing)
    for place in places[:_MOST]:
        yield f"{seen.counts.slices[place]}: {int(seen.counts.rows[place].sum()):,} rows"
    if len(places) > _MOST:
        yield f"and {len(places) - _MOST:,} groups more"
    yield f"everyone: {seen.finding.rows:,} rows"


def _more(size: int) -> str:
    return f"; and {size - _MOST} more" if size > _MOST else ""
