"""One rule on one metric of one slicing: the groups, who may judge them, and against whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import msgspec
import numpy as np

from fairaudit.cube.counts import Counts
from fairaudit.cube.slices import Slice, Slicing
from fairaudit.errors import ConfigError, UnknownName
from fairaudit.evidence.measurement import Group, GroupKind
from fairaudit.metrics.catalogue import Better, Metric, Shape, metric
from fairaudit.rules.basis import Basis
from fairaudit.rules.change import Change, changed
from fairaudit.rules.limits import Line, line, serious_magnitude
from fairaudit.rules.params import own_params, params_of
from fairaudit.rules.plan import Context, Planned
from fairaudit.rules.rule import Comparing, Direction, Minimum, Rule, SmallGroups
from fairaudit.rules.sides import Sides, of_estimate, of_rate, sizes_of_estimate
from fairaudit.rules.within import Within, within_control
from fairaudit.types import Bools, Ints


@dataclass(frozen=True, kw_only=True)
class Family:
    """The candidates are all groups, and behind them, where there is one, the pool of the small. Arrays have shape (candidates,)."""

    asked: Rule
    rule: Rule  # as pairs of groups are compared by it: the rule asked for, but that a gap is a difference to the highest value, and its ratio a ratio; a change is a difference
    metric: Metric
    better: Better
    slicing: Slicing
    alpha: float  # what this metric of this family may spend
    indices: Ints  # of the groups, in `Counts.slices`; shape (groups,)
    slices: tuple[Slice, ...]  # the groups
    sides: Sides
    enough: Bools  # reaches `minimum`
    pooled: tuple[int, ...]  # which groups are in the pool
    yardsticks: Ints  # candidates with enough evidence that may serve as reference: never a missing value
    reference: int | None  # the candidate that values are reported against; None where it is the rest or everyone, or there is none
    gating: Bools  # must be decided for a pass: reaches `minimum` by all its rows, whether or not they can be compared
    within: Within | None = None  # the same by stratum, where groups are judged among people alike in a control
    change: Change | None = None  # what each candidate was before, where that is judged

    @property
    def name(self) -> str:
        return f"{self.asked.id} on {'*'.join(self.slicing)}"

    @property
    def groups(self) -> int:
        return len(self.slices)

    @property
    def candidates(self) -> Basis:
        return self.sides.candidates

    @property
    def others(self) -> Basis:
        """Everyone else, for each candidate."""
        return self.sides.others

    @property
    def everyone(self) -> Basis:
        """Shape (1,)."""
        return self.sides.everyone

    @property
    def has_fixed_reference(self) -> bool:
        """Whether the reference is a group that was not chosen for its value: then it is what groups are tested against."""
        return self.reference is not None and self.rule.reference != "best"

    @property
    def against_others(self) -> bool:
        """Whether the reference is the rest or everyone, and not a group."""
        return self.rule.reference in ("rest", "overall")

    @property
    def against_nobody(self) -> bool:
        """Whether each group's own value is judged."""
        return self.rule.comparison is Comparing.VALUE

    @property
    def by_itself(self) -> bool:
        """Whether a group needs no other to be judged."""
        return self.against_nobody or self.change is not None

    @property
    def apart(self) -> Within | Change | None:
        """What sets each candidate apart, where it is not a reference's plain rate."""
        return self.within or self.change

    @property
    def opposite(self) -> Basis:
        """Each candidate's reference: what its value is compared with."""
        if self.rule.reference == "rest":
            return self.others
        everywhere = np.zeros(self.candidates.rows.size, dtype=int)
        if self.rule.reference == "overall":
            return self.everyone.at(everywhere)
        return self.candidates.at(everywhere + (self.reference or 0))

    @cached_property
    def line(self) -> Line:
        """Of the rule as pairs are compared by it."""
        return line(self.rule, self.metric, self.better, self.asked.limit)

    @cached_property
    def serious_line(self) -> Line:
        return line(self.rule, self.metric, self.better, serious_magnitude(self.asked, self.metric, self.better))

    @cached_property
    def asked_line(self) -> Line:
        """As findings tell of it."""
        return line(self.asked, self.metric, self.better, self.asked.limit)

    @cached_property
    def asked_serious(self) -> Line:
        return line(self.asked, self.metric, self.better, serious_magnitude(self.asked, self.metric, self.better))

    def group(self, candidate: int) -> Group:
        if candidate >= self.groups:
            return Group(kind=GroupKind.POOL, members=tuple(self.slices[i] for i in self.pooled))
        return Group(slice=self.slices[candidate])

    def reference_group(self, candidate: int) -> Group | None:
        if self.against_nobody:
            return None
        if self.change is not None:
            own = self.group(candidate)
            return Group(kind=GroupKind.BASELINE, slice=own.slice, members=own.members)
        if self.rule.reference == "overall":
            return Group(kind=GroupKind.OVERALL)
        if self.rule.reference == "rest":
            own = self.group(candidate)
            return Group(kind=GroupKind.REST, slice=own.slice, members=own.members)
        return None if self.reference is None else self.group(self.reference)


def family(planned: Planned, metric_id: str, indices: Ints, counts: Counts, context: Context) -> Family:
    """The family of one metric of a planned rule × slicing.

    Args:
        indices: the slicing's slices in `counts`, shape (groups,).

    Raises:
        UnknownName: the rule names a reference that is not among them.
        ConfigError: the metric needs scores that are not at hand.
    """
    asked = planned.rule
    rule = as_pairs(asked)
    slices = tuple(counts.slices[i] for i in indices)
    entry = metric(metric_id)

    is_rate = entry.shape is Shape.RATE
    if not is_rate and counts.clusters is not None and 0 < indices.size < len(counts.of_slicing(planned.slicing)):
        raise ConfigError(f"the rule {asked.id!r} leaves groups out by {' and '.join(planned.slicing)}, and {entry.id} of rows in clusters is judged of all of them; leave the rule or --cluster out.")
    before = context.baseline if asked.comparison is Comparing.CHANGE else None
    better = rule.better_of(entry.id, context.effect)
    known = np.array([not one.has_missing for one in slices], dtype=bool)

    def among_alike(sides: Sides, pooled: tuple[int, ...]) -> Within | None:
        """The sides by stratum. Its reference is none that is chosen for its value."""
        if not rule.within_control:
            return None
        if context.within is None:
            raise ConfigError(f"the rule {asked.id!r} judges within {' and '.join(context.control)}, and the audit's file holds no counts within it; audit again.")
        nobody = np.zeros(0, dtype=np.int64)
        return within_control(rule, entry, slices, sides, pooled, _reference(rule, better, slices, sides.candidates, nobody, known), context.within, context.control)

    if before is not None:
        alone, _ = changed(entry, counts, indices, (), before)
    else:
        alone = of_rate(entry, counts, indices, ()) if is_rate else sizes_of_estimate(entry, counts, indices)
    pooled = _pooled(rule, alone.candidates, _enough(rule, alone, among_alike(alone, ())))
    change = None
    if before is not None:
        sides, change = changed(entry, counts, indices, pooled, before)
    else:
        sides = of_rate(entry, counts, indices, pooled) if is_rate else of_estimate(entry, counts, indices, pooled, params=params_of(asked, entry.id, context.bins), own=own_params(asked, entry.id), kept=context.kept)
    within = among_alike(sides, pooled)
    enough = _enough(rule, sides, within)
    # A gap looks for the furthest two of all that can be judged, the small together among them.
    may_serve = np.append(known, True) if pooled and asked.comparison.is_extreme else known
    yardsticks = np.flatnonzero(enough[: may_serve.size] & may_serve)
    reference = _reference(rule, better, slices, sides.candidates, yardsticks, known)
    gating = enough if change is None and within is None else enough | reaches(rule.minimum, of_rate(entry, counts, indices, pooled).candidates, sides.share)
    return Family(
        asked=asked, rule=rule, metric=entry, better=better, slicing=planned.slicing, alpha=planned.alpha / len(rule.metrics), indices=indices, slices=slices,
        sides=sides, enough=enough, pooled=pooled, yardsticks=yardsticks, reference=reference, gating=gating, within=within, change=change,
    )  # fmt: skip


def _enough(rule: Rule, sides: Sides, within: Within | None) -> Bools:
    """Who can be judged alone. Rows without anybody to compare with say nothing."""
    enough = reaches(rule.minimum, sides.candidates, sides.share)
    return enough if within is None else enough & reaches(rule.minimum, within.compared(sides.candidates), sides.share)


def as_pairs(rule: Rule) -> Rule:
    """A gap is the lowest value's difference to the highest, whichever of the two is good; likewise its ratio. A change is a difference, and has no reference among the groups."""
    if rule.comparison is Comparing.CHANGE:
        return msgspec.structs.replace(rule, comparison=Comparing.DIFFERENCE, reference="none")
    if not rule.comparison.is_extreme:
        return rule
    comparison = Comparing.DIFFERENCE if rule.comparison is Comparing.GAP else Comparing.RATIO
    return msgspec.structs.replace(rule, comparison=comparison, reference="best", direction=Direction.WORSE, better="higher")


def blocks(groups: Ints, width: int) -> Iterator[Ints]:
    """Groups a block at a time, so that pairs of thousands of groups with `width` others stay within some tens of megabytes."""
    step = max(1, _MOST_PAIRS // max(width, 1))
    return (groups[start : start + step] for start in range(0, groups.size, step))


_MOST_PAIRS = 2**18


def reaches(minimum: Minimum, groups: Basis, share: float) -> Bools:
    """Which groups can be judged alone: enough rows, and enough events and non-events at everyone's share of events.

    Where rows have no two kinds, as for a mean score, as many rows as both together.
    """
    events, non_events = minimum.events - _ROUNDING, minimum.non_events - _ROUNDING  # a tenth of 100 is 9.999999999999998 as 100 · (1 − 0.9)
    if np.isnan(share):
        return np.asarray((groups.rows >= minimum.rows) & (groups.trials > 0) & (groups.trials >= events + non_events))
    return np.asarray((groups.rows >= minimum.rows) & (groups.trials > 0) & (groups.trials * share >= events) & (groups.trials * (1 - share) >= non_events))


_ROUNDING = 1e-9


def _pooled(rule: Rule, groups: Basis, enough: Bools) -> tuple[int, ...]:
    """The small groups, if they are two or more and not everyone."""
    present = groups.rows > 0
    small = np.flatnonzero(present & ~enough)
    worth_it = rule.small_groups is not SmallGroups.REPORT and 2 <= small.size < np.count_nonzero(present)
    return tuple(small.tolist()) if worth_it else ()


def _reference(rule: Rule, better: Better, slices: tuple[Slice, ...], groups: Basis, yardsticks: Ints, known: Bools) -> int | None:
    if rule.comparison is Comparing.VALUE:
        return None
    match rule.reference:
        case "rest" | "overall" | "none":
            return None
        case "best" if yardsticks.size:
            return _first(yardsticks, groups, better, by_size=False)
        case "best" | "largest":
            present = np.flatnonzero(known & (groups.rows[: known.size] > 0))
            return _first(present, groups, better, by_size=True) if present.size else None
        case named:
            return _named(rule.id, dict(named), slices)


def _first(among: Ints, groups: Basis, better: Better, *, by_size: bool) -> int:
    """The best-off, or the largest, of some groups; the other decides ties, then the order. One without a value comes last."""
    value = groups.value[among]
    good = np.where(np.isnan(value), -np.inf, value * (1 if better is Better.HIGHER else -1))
    size = np.round(groups.trials[among], 9)  # of weights in another unit it differs by a rounding, which decides no tie
    last, first = (good, size) if by_size else (size, good)
    return int(among[np.lexsort((-last, -first))[0]])


def _named(rule_id: str, wanted: dict[str, str], slices: tuple[Slice, ...]) -> int:
    for place, one in enumerate(slices):
        if dict(one.values) == wanted:
            return place
    written = ", ".join(f"{attribute}={value}" for attribute, value in wanted.items())
    raise UnknownName("slice", written, [str(one) for one in slices], where=f"the reference of the rule {rule_id!r}")
