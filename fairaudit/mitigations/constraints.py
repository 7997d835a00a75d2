"""What a rule asks of the groups' rates, in the form in which thresholds are searched: every group's rate between two bounds that follow from one number.

That number is the smallest of the rates where all groups are compared with the best-off one, and the reference's own rate where they are compared with one group. If it is known, groups can be
looked at one by one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from fairaudit.cube.counts import NEGATIVE, POSITIVE, REJECTED, SELECTED
from fairaudit.cube.slices import Slice
from fairaudit.errors import ConfigError
from fairaudit.metrics.catalogue import Shape, metric
from fairaudit.metrics.engines.native import of_weights, value_of
from fairaudit.rules.limits import Line, line
from fairaudit.rules.rule import Comparing, Rule
from fairaudit.types import Bools, Floats

SLACK = 1e-12  # by which rounding may put a rate past a bound that its counts meet


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """One metric of a rule.

    With a `reference`, the pivot is its rate and every other group's is held against it; without one but `of_extremes`, the pivot is the smallest rate of all; otherwise there is none, and each
    group's own rate is held against the limit.
    """

    rule: str
    metric: str
    line: Line  # of the ratio or difference to the pivot, or of the rate itself
    is_ratio: bool = False
    of_extremes: bool = False
    reference: int | None = None  # a group's place
    others: Literal["rest", "overall"] | None = None  # the rule compares with these; as `of_extremes` it asks more, since their rate lies between those of the groups
    drawn: Line | None = None  # of the ratio or difference to the others

    @property
    def has_pivot(self) -> bool:
        return self.of_extremes or self.reference is not None

    def bounds(self, low: Floats, high: Floats, group: int, *, slack: float) -> tuple[Floats, Floats]:
        """Between which values a group's rate must lie if the pivot lies between `low` and `high`; wide enough for every pivot there, and just so where both are one.

        Args:
            low, high: of the pivot, each of shape (boxes,).
        """
        if not self.has_pivot:
            return np.full(low.shape, self.line.low - slack), np.full(low.shape, self.line.high + slack)
        if group == self.reference:
            return low, high
        if self.is_ratio:
            least = low * self.line.low if math.isfinite(self.line.low) else np.full(low.shape, -np.inf)
            most = high * self.line.high if math.isfinite(self.line.high) else np.full(low.shape, np.inf)
        else:
            least, most = low + self.line.low, high + self.line.high
        return (low if self.of_extremes else least - slack), most + slack

    def holds(self, rates: Floats, *, slack: float = SLACK) -> Bools:
        """Whether groups with these rates, shape (groups, …), meet the rule; an undefined rate never does."""
        if not self.has_pivot:
            return np.asarray(((rates >= self.line.low - slack) & (rates <= self.line.high + slack)).all(axis=0))
        pivot = rates.min(axis=0) if self.of_extremes else rates[self.reference]
        bounds = [self.bounds(pivot, pivot, group, slack=slack) for group in range(rates.shape[0])]
        defined = pivot > 0 if self.is_ratio else np.isfinite(pivot)  # 0 / 0 is undefined
        return np.asarray(np.logical_and.reduce([(rates[group] >= low) & (rates[group] <= high) for group, (low, high) in enumerate(bounds)]) & defined)


def rates_of(name: str, tp: Floats, fp: Floats, *, positives: Floats, negatives: Floats) -> Floats:
    """A metric of confusion counts, of the shape of `tp`: (groups, …); NaN where it is undefined.

    Args:
        positives, negatives: weight of each group's rows by label, shape (groups,).
    """
    apart = (1,) * (tp.ndim - 1)
    weight = np.zeros((*tp.shape, 3, 2))
    weight[..., POSITIVE, SELECTED], weight[..., NEGATIVE, SELECTED] = tp, fp
    weight[..., POSITIVE, REJECTED], weight[..., NEGATIVE, REJECTED] = positives.reshape(-1, *apart) - tp, negatives.reshape(-1, *apart) - fp
    return value_of(name, of_weights(weight.reshape(-1, 3, 2))).reshape(tp.shape)


def holds_at(constraint: Constraint, tp: Floats, fp: Floats, *, positives: Floats, negatives: Floats, slack: float = SLACK) -> Bools:
    """Whether groups with these counts, shape (groups, …), meet a constraint, to within rounding; everybody else has a rate of their own."""
    rates = rates_of(constraint.metric, tp, fp, positives=positives, negatives=negatives)
    if constraint.others is None or constraint.drawn is None:
        return constraint.holds(rates, slack=slack)
    without = 1.0 if constraint.others == "rest" else 0.0
    others = rates_of(
        constraint.metric, tp.sum(axis=0) - without * tp, fp.sum(axis=0) - without * fp, positives=positives.sum() - without * positives, negatives=negatives.sum() - without * negatives
    )
    low, high = constraint.drawn.low, constraint.drawn.high
    with np.errstate(invalid="ignore"):
        least, most = (low * others, high * others) if constraint.is_ratio else (others + low, others + high)
    held = (rates >= (least if math.isfinite(low) else -np.inf) - slack) & (rates <= (most if math.isfinite(high) else np.inf) + slack)
    return np.asarray((held & (others > 0 if constraint.is_ratio else np.isfinite(others))).all(axis=0))


def constraints_of(rules: Sequence[Rule], groups: Sequence[Slice], rows: Sequence[int], effect: str) -> tuple[Constraint, ...]:
    """What the rules ask of these groups.

    Args:
        rows: of each group, which say who is the largest.
        effect: "helps" or "harms".

    Raises:
        ConfigError: a rule rests on something that no threshold changes, or compares with somebody who is no group here.
    """
    check_able(rules)
    return tuple(one for rule in rules for one in _of_rule(rule, groups, rows, effect))


def check_able(rules: Sequence[Rule]) -> None:
    """Returns if thresholds can be fitted to the rules at all, so that it is told before any row is scored.

    Raises:
        ConfigError: a rule rests on something that no threshold changes.
    """
    for rule in rules:
        for name in rule.metrics:
            entry = metric(name)
            if entry.shape not in (Shape.RATE, Shape.COMPOSITE) or entry.of_part:
                raise ConfigError(f"rule {rule.id!r} judges {entry.id}, and thresholds can be fitted to what follows from the four counts of decisions alone; name a rule on such a rate, as equal-opportunity.")
            if rule.comparison is Comparing.CHANGE or rule.within_control:
                judged = "a change since a baseline" if rule.comparison is Comparing.CHANGE else "groups within a control"
                raise ConfigError(f"rule {rule.id!r} judges {judged}, to which thresholds of groups cannot be fitted; name a rule that compares groups as they are.")


def _of_rule(rule: Rule, groups: Sequence[Slice], rows: Sequence[int], effect: str) -> Iterator[Constraint]:
    for name in rule.metrics:
        entry = metric(name)
        drawn = line(rule, entry, rule.better_of(entry.id, effect), rule.limit)
        if rule.comparison is Comparing.VALUE:
            yield Constraint(rule=rule.id, metric=entry.id, line=drawn)
            continue
        is_ratio = rule.comparison in (Comparing.RATIO, Comparing.MIN_MAX_RATIO)
        reference = None if rule.comparison.is_extreme else _reference(rule, groups, rows)
        # Against the best-off group every group must be near it, so the largest and the smallest rate must be near each other, whichever is good.
        widest = Line(0.0 if is_ratio else -math.inf, 1 / rule.limit if is_ratio else rule.limit)
        yield Constraint(
            rule=rule.id, metric=entry.id, is_ratio=is_ratio, reference=reference, of_extremes=reference is None, line=widest if reference is None else drawn,
            others=_others(rule), drawn=drawn if _others(rule) else None,
        )  # fmt: skip


def _others(rule: Rule) -> Literal["rest", "overall"] | None:
    if rule.comparison.is_extreme:
        return None
    return "rest" if rule.reference == "rest" else "overall" if rule.reference == "overall" else None


def stretched(constraint: Constraint, by: float) -> Constraint:
    """One that compares with others, with so much more room between the largest rate and the smallest; any other as it is."""
    if constraint.others is None:
        return constraint
    return replace(constraint, line=Line(constraint.line.low, constraint.line.high**by if constraint.is_ratio else constraint.line.high * by))


def loosened(constraint: Constraint, share: float) -> Constraint:
    """The constraint with its limits moved a share of the way to none."""
    at_ease = Line(0.0, 1e9) if constraint.is_ratio else Line(-1.0, 1.0) if constraint.has_pivot else Line(-1.0, 2.0)

    def moved(end: float, to: float) -> float:
        if math.isinf(end):
            return end
        return 1 / ((1 - share) / end + share / to) if constraint.is_ratio and end > 1 else (1 - share) * end + share * to

    def looser(line: Line) -> Line:
        return Line(moved(line.low, at_ease.low), moved(line.high, at_ease.high))

    return replace(constraint, line=looser(constraint.line), drawn=constraint.drawn and looser(constraint.drawn))


def _reference(rule: Rule, groups: Sequence[Slice], rows: Sequence[int]) -> int | None:
    """The place of the group that all others are compared with; None where it is whoever is best-off, or everybody else: whose rate lies between those of the groups."""
    if rule.reference == "largest":
        return int(np.argmax(rows))
    if not isinstance(rule.reference, dict):
        return None
    found = [place for place, group in enumerate(groups) if dict(group.values) == rule.reference]
    if not found:
        named = ", ".join(f"{attribute}={value}" for attribute, value in rule.reference.items())
        raise ConfigError(f"rule {rule.id!r} compares with {named}, and the groups that get thresholds are {', '.join(map(str, groups[:6]))}{' …' if len(groups) > 6 else ''}; name a reference among them.")
    return found[0]
