"""How large groups must be for a rule to judge them, before anything is judged: from rows and rates, never from who did worse."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from fairaudit.cube.counts import Counts
from fairaudit.cube.slices import Slice, Slicing
from fairaudit.evidence.power import rows_for_power
from fairaudit.metrics.catalogue import Better, Cell, Metric, Shape, mask, metric
from fairaudit.rules.basis import Basis
from fairaudit.rules.family import reaches
from fairaudit.rules.finding import Severity
from fairaudit.rules.left_out import kept
from fairaudit.rules.limits import line, serious_magnitude
from fairaudit.rules.plan import Context, Planned
from fairaudit.rules.rule import Comparing, Deciding, Direction, Method, Rule
from fairaudit.rules.sides import of_rate, sizes_of_estimate
from fairaudit.types import Ints

USUAL_RATES = (0.1, 0.2, 0.3, 0.5)  # for which rows needed are told where a rate is not known
TRUE_RATIO = 0.6  # of a group's rate to the others', by which procedures are compared (RULES.md E3)


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of a rate's denominator in which a disparity would be found with 80 % power, one group against a large rest."""

    rate: float  # everyone else's
    serious: int | None  # the disparity that the rule calls serious; None where no number of rows would do
    at_true_ratio: int | None  # of a rule on ratios: the group's rate is `TRUE_RATIO` of it, or the inverse where low is good


class GroupSize(msgspec.Struct, frozen=True, kw_only=True):
    """One group."""

    slice: Slice
    rows: int
    trials: float | None  # of the metric's denominator, effective ones; None where only the decisions tell
    enough: bool | None  # to be judged alone; None where that is not known. Where no rate is known: whether it may be


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """One metric of one family: a rule on a slicing."""

    rule: str
    severity: Severity
    metric: str
    slicing: Slicing
    share: float  # of the error, that this metric of the family may spend
    look_alpha: float  # what one test of the first look may
    rows_are: str  # whose rows are counted: "rows", "positives" …
    rate: float | None  # everyone's; None where it is not known, or the metric is none
    minimum: int  # rows of the denominator to be judged alone; where no rate is known, at the rate that needs fewest
    needs: tuple[Need, ...]
    groups: tuple[GroupSize, ...]

    @property
    def too_small(self) -> tuple[GroupSize, ...]:
        """Groups that cannot be judged alone."""
        return tuple(one for one in self.groups if one.enough is False)

    @property
    def may_miss(self) -> tuple[GroupSize, ...]:
        """Groups that are judged alone, and have fewer rows than it takes to find with 80 % power what is serious."""
        rows = self.needs[0].serious if self.rate is not None and self.needs else None
        return tuple(one for one in self.groups if one.enough and rows is not None and one.trials is not None and one.trials < rows)


def look_alpha(rule: Rule, alpha: float, groups: int) -> float:
    """What the first test of look 1 may spend, where `groups` are tested (RULES.md E3): α over them, halved where there is a second look."""
    method = rule.multiplicity.method
    looks = 2 if rule.reference == "best" and method is Method.TWO_LOOK and rule.comparison is not Comparing.VALUE and groups > 2 else 1
    return alpha / looks / (1 if method is Method.NONE else max(groups, 1))


def need(rule: Rule, entry: Metric, better: Better, *, alpha: float, rate: float) -> Need:
    """The rows that a rule on a rate needs at everyone's rate.

    Args:
        alpha: of one test.
    """
    side = alpha / 2 if rule.direction is Direction.EITHER else alpha

    def rows(other: float) -> int | None:
        return rows_for_power(group_rate=min(max(other, 0.0), 1.0), other_rate=rate, alpha=side)

    ends = [one for one in line(rule, entry, better, serious_magnitude(rule, entry, better)).open_ends if one is not None]
    serious = [rows(rate * one if _is_of_ratio(rule) else rate + one) for one in ends]  # on either side, where the rule looks at both
    return Need(
        rate=rate, serious=None if None in serious else max(one for one in serious if one is not None),
        at_true_ratio=rows(rate * TRUE_RATIO if better is not Better.LOWER else rate / TRUE_RATIO) if _is_of_ratio(rule) else None,
    )  # fmt: skip


def sizes(plan: Sequence[Planned], counts: Counts, context: Context, *, decided: bool) -> tuple[Size, ...]:
    """Every metric of every family, in the order of the plan.

    Args:
        decided: whether the decisions are known; else all that follows from them is left open.
    """
    return tuple(_size(planned, metric(name), counts, context, decided=decided) for planned in plan for name in planned.rule.metrics)


def _size(planned: Planned, entry: Metric, counts: Counts, context: Context, *, decided: bool) -> Size:
    rule, better = planned.rule, planned.rule.better_of(entry.id, context.effect)
    indices = kept(rule, np.array(counts.of_slicing(planned.slicing), dtype=np.int64), counts)
    basis, share = _basis(entry, counts, indices, decided=decided)
    alpha = planned.alpha / len(rule.metrics)
    tested = look_alpha(rule, alpha, indices.size)
    rate = None if share is None or math.isnan(share) or entry.shape is not Shape.RATE else share
    rates = USUAL_RATES if rate is None else (rate,) if 0 < rate < 1 else ()
    return Size(
        rule=rule.id, severity=rule.severity, metric=entry.id, slicing=planned.slicing, share=alpha, look_alpha=tested, rows_are=rows_are(entry), rate=rate,
        minimum=_minimum(rule, share), needs=tuple(need(rule, entry, better, alpha=tested, rate=one) for one in rates) if is_tested(rule, entry) else (),
        groups=tuple(_groups(rule, counts, indices, basis, share)),
    )  # fmt: skip


def _groups(rule: Rule, counts: Counts, indices: Ints, basis: Basis | None, share: float | None) -> Iterator[GroupSize]:
    enough = None if basis is None else reaches(rule.minimum, basis, math.nan if share is None else share)
    for place, index in enumerate(indices.tolist()):
        yield GroupSize(
            slice=counts.slices[index], rows=int(counts.rows[index].sum()), trials=None if basis is None else float(basis.trials[place]), enough=None if enough is None else bool(enough[place])
        )


def _basis(entry: Metric, counts: Counts, indices: Ints, *, decided: bool) -> tuple[Basis | None, float | None]:
    """The groups with their rows, and everyone's share of events, as far as both are known."""
    if not indices.size or (counts.clusters is not None and not decided):  # how much rows of a cluster tell follows from what is decided of them
        return None, None
    if entry.shape is Shape.RATE:
        if not decided and not _whatever_is_decided(entry.denominator):
            return None, None
        sides = of_rate(entry, counts, indices, ())
        return sides.candidates, sides.share if decided else None
    if not entry.of_slice:
        return None, None
    sides = sizes_of_estimate(entry, counts, indices)
    return sides.candidates, sides.share


def _whatever_is_decided(cells: tuple[Cell, ...]) -> bool:
    """Whether cells are whole labels, so that their rows are known before anything is decided."""
    held = mask(cells)
    return bool((held[:, 0] == held[:, 1]).all())


def _minimum(rule: Rule, share: float | None) -> int:
    least = rule.minimum
    if share is None or math.isnan(share) or not 0 < share < 1:
        return math.ceil(max(least.rows, least.events + least.non_events))
    return math.ceil(max(least.rows, least.events / share, least.non_events / (1 - share)) - 1e-9)


def _is_of_ratio(rule: Rule) -> bool:
    return rule.comparison in (Comparing.RATIO, Comparing.MIN_MAX_RATIO)


def is_tested(rule: Rule, entry: Metric) -> bool:
    """Whether groups' rates are tested against others', for which rows can be reckoned."""
    return entry.shape is Shape.RATE and rule.comparison in (Comparing.RATIO, Comparing.DIFFERENCE) and rule.decide_on is not Deciding.POINT


_LABELLED = frozenset({(0, 0), (0, 1), (1, 0), (1, 1)})
_ROWS_ARE = {
    frozenset({(1, 0), (1, 1)}): "positives", frozenset({(0, 0), (0, 1)}): "negatives", frozenset({(0, 1), (1, 1)}): "labelled rows decided positively",
    frozenset({(0, 0), (1, 0)}): "labelled rows decided negatively", _LABELLED: "labelled rows",
}  # fmt: skip


def rows_are(entry: Metric) -> str:
    """Whose rows a metric rests on."""
    if entry.shape is Shape.RATE:
        return _ROWS_ARE.get(frozenset(entry.denominator), "rows")
    return "labelled rows" if entry.needs_label else "rows"
