"""A violation that is tolerated up to a value, by someone, until a date; and whom an entry of a file of waivers is about."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, convert

from fairaudit.cube.slices import Slice
from fairaudit.documents import Mistake, Sound
from fairaudit.errors import UnknownName
from fairaudit.evidence.measurement import GroupKind
from fairaudit.metrics.catalogue import CATALOGUE, Shape, metric
from fairaudit.rules.finding import DISAGREEMENT, Finding

Text = Annotated[str, Meta(min_length=1)]
Attributes = Annotated[tuple[Text, ...], Meta(min_length=1)]
WHOM = ("slice", "small_groups", "all_groups")  # of which an entry has exactly one
Target = tuple[str, frozenset[tuple[str, str | None]] | frozenset[str]]  # which of WHOM, and its values or attributes, in whatever order
MAX_DAYS, _MOST_DAYS = 180, 3650


class Waiver(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of a file of waivers. It matches one rule and exactly one slice, or what a rule says of a whole slicing."""

    rule: Text
    slice: dict[str, str | None] | None = None  # attribute → value; null is a missing value
    small_groups: Attributes | None = None  # instead of a slice: the small groups of a slicing together
    all_groups: Attributes | None = None  # instead of a slice: what is judged of all groups of a slicing at once, as a gap
    metric: Text | None = None  # of a rule on several; without it, all of them
    owner: Text
    reason: Text
    created: date
    expires: date  # the last day on which it holds
    holds_to: float  # the worst value that is tolerated
    ticket: Text | None = None

    @property
    def target(self) -> Target:
        if self.slice is not None:
            return "slice", frozenset(self.slice.items())
        return ("small_groups", frozenset(self.small_groups)) if self.small_groups is not None else ("all_groups", frozenset(self.all_groups or ()))

    @property
    def attributes(self) -> tuple[str, ...]:
        return tuple(self.slice) if self.slice is not None else self.small_groups or self.all_groups or ()

    @property
    def whom(self) -> str:
        """Whom it is about, as `whom` names the same of a finding."""
        return str(Slice(self.slice.items())) if self.slice is not None else _TOGETHER[self.target[0]].format("*".join(self.attributes))

    def __str__(self) -> str:
        judged = f" ({self.metric})" if self.metric else ""
        return f"the waiver of {self.rule}{judged} on {self.whom}, owned by {self.owner},"


class Waivers(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of waivers."""

    schema: Literal["fairaudit/waivers/1"]
    max_days: Annotated[int, Meta(ge=1, le=_MOST_DAYS)] = MAX_DAYS  # from `created` to `expires`
    waivers: tuple[Waiver, ...]


class Held(Struct, frozen=True, kw_only=True):
    """Sound waivers, and by which bytes they were read."""

    waivers: tuple[Waiver, ...]
    sha256: str | None = None  # of their file; None: they stand in none


_TOGETHER = {"small_groups": "the small groups of {}", "all_groups": "all groups of {}"}


def target_of(finding: Finding) -> Target:
    """Whom a finding is about. A gap is about its slicing: the two groups that are furthest apart may be others in the next build."""
    if finding.group is None or finding.kind in ("gap", "min_max_ratio") or finding.group.kind is GroupKind.OVERALL or _is_over_all(finding.metric):
        return "all_groups", frozenset(finding.slicing)
    if finding.group.kind is GroupKind.POOL:
        return "small_groups", frozenset(finding.slicing)
    return "slice", frozenset(finding.group.slice.values)


def _is_over_all(name: str) -> bool:
    return name in CATALOGUE and CATALOGUE[name].shape is Shape.ACROSS


def whom(finding: Finding) -> str:
    """Whom a finding is about, in words that are the same from build to build: `race=Black`, `all groups of race`."""
    kind = target_of(finding)[0]
    return str(finding.group) if kind == "slice" else _TOGETHER[kind].format("*".join(finding.slicing))


def matches(waiver: Waiver, finding: Finding) -> bool:
    """Whether it is about this finding, whatever became of it: one rule, exactly this slice, and the metric where it names one."""
    return (
        waiver.rule == finding.rule
        and waiver.target == target_of(finding)
        and (waiver.metric is None or metric(waiver.metric).id == finding.metric)
    )  # fmt: skip


def mistakes(held: Waivers) -> Iterator[Mistake]:
    """What entries have wrong although each of their fields is sound by itself."""
    yield from _of_entries(enumerate(held.waivers), held.max_days)


def mistakes_of_parts(fields: Mapping[str, Any], sound: Sound) -> Iterator[Mistake]:
    """The same of the entries that can be read, where others cannot."""
    entries = fields.get("waivers")
    whole = [(index, convert(one, Waiver)) for index, one in enumerate(entries if isinstance(entries, list) else ()) if sound(("waivers", index))]
    yield from _of_entries(whole, fields.get("max_days", MAX_DAYS) if sound(("max_days",)) else _MOST_DAYS)


def _of_entries(entries: Iterable[tuple[int, Waiver]], max_days: int) -> Iterator[Mistake]:
    """
    Args:
        entries: each with its place in the list.
    """
    first: dict[tuple[str, Target], list[tuple[int, str | None]]] = {}
    for index, one in entries:
        at = ("waivers", index)
        yield from (Mistake((*at, *place), sentence) for place, sentence in _of_entry(one, max_days))
        name = _canonical(one.metric)
        same = first.setdefault((one.rule, one.target), [])
        earlier = next((number for number, other in same if name is None or other is None or name == other), None)
        if earlier is not None:
            yield Mistake((*at, "rule"), f"this entry and entry {earlier + 1} both match {one.rule} on {one.whom}; keep one, whatever their dates.")
        same.append((index, name))


def _canonical(name: str | None) -> str | None:
    try:
        return None if name is None else metric(name).id
    except UnknownName:
        return name


def _of_entry(one: Waiver, max_days: int) -> Iterator[Mistake]:
    given = [name for name in WHOM if getattr(one, name) is not None]
    if not given:
        yield Mistake((), "the entry says of nobody what is waived; add slice: {attribute: value}, or small_groups or all_groups with [attribute].")
    if len(given) > 1:
        yield Mistake((given[1],), f"the entry has {' and '.join(given)}; keep one, and write an entry for each.")
    if one.slice is not None and not one.slice:
        yield Mistake(("slice",), "'slice' names no attribute; write {attribute: value}. No entry waives a rule for everybody.")
    if one.rule == DISAGREEMENT:
        yield Mistake(("rule",), "that engines disagree cannot be waived: no number of such an audit can be relied on.")
    try:
        metric(one.metric or "selection_rate")
    except UnknownName as error:
        yield Mistake(("metric",), str(error))
    if not math.isfinite(one.holds_to):
        yield Mistake(("holds_to",), f"'holds_to' must be a finite number, and is {one.holds_to}.")
    days = (one.expires - one.created).days
    if days < 0:
        yield Mistake(("expires",), f"'expires' is {one.expires}, before {one.created}, when it was created.")
    elif days > max_days:
        yield Mistake(("expires",), f"'expires' is {days} days after 'created', and max_days is {max_days}; the last day can be {later(one.created, max_days)}.")


def later(day: date, days: int) -> date:
    """So many days later, or the last day that a date can be."""
    return date.fromordinal(min(day.toordinal() + days, date.max.toordinal()))


def sentences(held: Waivers) -> tuple[str, ...]:
    """The same mistakes of entries that stand in no file."""
    return tuple(f"waiver {place[1] + 1}: {sentence}" for place, sentence in mistakes(held) if isinstance(place[1], int))
