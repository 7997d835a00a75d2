"""One rule on one metric of one slicing: the groups, who may judge them, and against whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fairaudit.cube.counts import Counts
from fairaudit.cube.slices import Slice, Slicing
from fairaudit.errors import UnknownName
from fairaudit.evidence.measurement import Group, GroupKind
from fairaudit.metrics.catalogue import Better, Metric, metric
from fairaudit.rules.limits import Line, line
from fairaudit.rules.plan import Context, Planned
from fairaudit.rules.rule import Minimum, Rule, SmallGroups
from fairaudit.rules.tally import Tally, tally
from fairaudit.types import Bools, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """The candidates are all groups, and behind them, where there is one, the pool of the small. Arrays have shape (candidates,)."""

    rule: Rule
    metric: Metric
    better: Better
    slicing: Slicing
    alpha: float  # what this metric of this family may spend
    indices: Ints  # of the groups, in `Counts.slices`; shape (groups,)
    slices: tuple[Slice, ...]  # the groups
    tally: Tally
    everyone: Tally  # shape (1,)
    enough: Bools  # reaches `minimum`
    pooled: tuple[int, ...]  # which groups are in the pool
    yardsticks: Ints  # groups with enough evidence that may serve as reference: never a missing value
    reference: int | None  # the group that values are reported against; None where it is the rest or everyone, or there is none

    @property
    def name(self) -> str:
        return f"{self.rule.id} on {'*'.join(self.slicing)}"

    @property
    def groups(self) -> int:
        return len(self.slices)

    @property
    def others(self) -> Tally:
        """Everyone else, for each candidate."""
        return self.everyone.apart_from(self.tally)

    @property
    def has_fixed_reference(self) -> bool:
        """Whether the reference is a group that was not chosen for its rate: then it is what groups are tested against."""
        return self.reference is not None and self.rule.reference != "best"

    @property
    def against_others(self) -> bool:
        """Whether the reference is the rest or everyone, and not a group."""
        return self.rule.reference in ("rest", "overall")

    @property
    def opposite(self) -> Tally:
        """Each candidate's reference: what its value is compared with."""
        if self.rule.reference == "rest":
            return self.others
        everywhere = np.zeros(self.tally.rows.size, dtype=int)
        if self.rule.reference == "overall":
            return self.everyone.at(everywhere)
        return self.tally.at(everywhere + (self.reference or 0))

    @property
    def line(self) -> Line:
        return line(self.rule, self.better, self.rule.limit)

    def group(self, candidate: int) -> Group:
        if candidate >= self.groups:
            return Group(kind=GroupKind.POOL, members=tuple(self.slices[i] for i in self.pooled))
        return Group(slice=self.slices[candidate])

    def reference_group(self, candidate: int) -> Group | None:
        if self.rule.reference == "overall":
            return Group(kind=GroupKind.OVERALL)
        if self.rule.reference == "rest":
            own = self.group(candidate)
            return Group(kind=GroupKind.REST, slice=own.slice, members=own.members)
        return None if self.reference is None else Group(slice=self.slices[self.reference])


def family(planned: Planned, metric_id: str, indices: Ints, counts: Counts, context: Context) -> Family:
    """The family of one metric of a planned rule × slicing.

    Args:
        indices: the slicing's slices in `counts`, shape (groups,).

    Raises:
        UnknownName: the rule names a reference that is not among them.
    """
    rule = planned.rule
    slices = tuple(counts.slices[i] for i in indices)
    entry = metric(metric_id)
    groups = tally(counts, entry, indices)
    everyone = groups.together()
    enough = reaches(rule.minimum, groups, everyone)
    pooled = _pooled(rule, groups, enough)
    if pooled:
        pool = groups.at(np.array(pooled)).together()
        groups, enough = groups.and_also(pool), np.append(enough, reaches(rule.minimum, pool, everyone))
    better = rule.better_of(entry.id, context.effect)
    known = np.array([not one.has_missing for one in slices], dtype=bool)
    yardsticks = np.flatnonzero(enough[: len(slices)] & known)
    return Family(
        rule=rule, metric=entry, better=better, slicing=planned.slicing, alpha=planned.alpha / len(rule.metrics), indices=indices, slices=slices,
        tally=groups, everyone=everyone, enough=enough, pooled=pooled, yardsticks=yardsticks,
        reference=_reference(rule, better, slices, groups, yardsticks, known),
    )  # fmt: skip


def blocks(groups: Ints, width: int) -> Iterator[Ints]:
    """Groups a block at a time, so that pairs of thousands of groups with `width` others stay within some tens of megabytes."""
    step = max(1, _MOST_PAIRS // max(width, 1))
    return (groups[start : start + step] for start in range(0, groups.size, step))


_MOST_PAIRS = 2**18


def reaches(minimum: Minimum, groups: Tally, everyone: Tally) -> Bools:
    """Which groups can be judged alone: enough rows, and enough events and non-events at the pooled rate."""
    trials, rate = groups.trials, everyone.rate
    return np.asarray((groups.rows >= minimum.rows) & (trials * rate >= minimum.events) & (trials * (1 - rate) >= minimum.non_events))


def _pooled(rule: Rule, groups: Tally, enough: Bools) -> tuple[int, ...]:
    """The small groups, if they are two or more and not everyone."""
    present = groups.rows > 0
    small = np.flatnonzero(present & ~enough)
    worth_it = rule.small_groups is not SmallGroups.REPORT and 2 <= small.size < np.count_nonzero(present)
    return tuple(small.tolist()) if worth_it else ()


def _reference(rule: Rule, better: Better, slices: tuple[Slice, ...], groups: Tally, yardsticks: Ints, known: Bools) -> int | None:
    match rule.reference:
        case "rest" | "overall":
            return None
        case "best" if yardsticks.size:
            return _first(yardsticks, groups, better, by_size=False)
        case "best" | "largest":
            present = np.flatnonzero(known & (groups.rows[: known.size] > 0))
            return _first(present, groups, better, by_size=True) if present.size else None
        case named:
            return _named(rule.id, dict(named), slices)


def _first(among: Ints, groups: Tally, better: Better, *, by_size: bool) -> int:
    """The best-off, or the largest, of some groups; the other decides ties, then the order."""
    good = groups.rate[among] * (1 if better is Better.HIGHER else -1)
    size = groups.trials[among]
    last, first = (good, size) if by_size else (size, good)
    return int(among[np.lexsort((-last, -first))[0]])


def _named(rule_id: str, wanted: dict[str, str], slices: tuple[Slice, ...]) -> int:
    for place, one in enumerate(slices):
        if dict(one.values) == wanted:
            return place
    written = ", ".join(f"{attribute}={value}" for attribute, value in wanted.items())
    raise UnknownName("slice", written, [str(one) for one in slices], where=f"the reference of the rule {rule_id!r}")
