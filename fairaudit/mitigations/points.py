"""From a candidate's policy to its point: the objective, each rule's own number, and who is better or worse off, on counted rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from fairaudit.cube.counts import NEGATIVE, POSITIVE, REJECTED, SELECTED, UNLABELLED, Counts
from fairaudit.cube.slices import EVERYONE, Slicing
from fairaudit.evidence.estimates import estimate
from fairaudit.evidence.measurement import Interval
from fairaudit.evidence.rates import LEVEL, Z
from fairaudit.metrics.catalogue import metric
from fairaudit.metrics.engines.native import value_of
from fairaudit.mitigations.candidates import Candidate
from fairaudit.mitigations.card import Moved, gravest, is_better_of, is_told
from fairaudit.mitigations.frontier import Aim, Number, Objective, Point
from fairaudit.mitigations.objective import Objective as Wanted
from fairaudit.mitigations.policy import Policy
from fairaudit.mitigations.redecided import Redecided, redecided
from fairaudit.mitigations.rule_numbers import past
from fairaudit.rules.change import paired
from fairaudit.rules.finding import Verdict
from fairaudit.rules.judge import Case, cases
from fairaudit.rules.plan import Context
from fairaudit.rules.rule import Rule
from fairaudit.types import Floats

_FELT = ("selection_rate", "true_positive_rate", "false_positive_rate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """The rows that the choice is made on, and what is asked of them."""

    counts: Counts
    slicing: Slicing  # the full cross of the attributes
    context: Context
    rules: tuple[Rule, ...]
    aim: Wanted
    effect: str
    as_it_is: Policy

    def decided(self, policy: Policy) -> Redecided:
        return redecided(self.counts, self.slicing, policy, self.as_it_is)


def point_of(candidate: Candidate, policy: Policy | None, found: Redecided, judging: Judging, same_as: str | None = None) -> Point:
    """What a candidate comes to. Whether it is efficient is told once all are known.

    Args:
        found: the rows with its decisions.
    """
    judged = cases(judging.rules, found.counts, judging.context)
    return Point(
        id=candidate.id, method=candidate.method, settings=candidate.settings, needs_attribute=candidate.needs_attribute, same_as=same_as, objective=_objective(judging.aim, found.counts), aims=(),
        rules=tuple(number_of(rule.id, [one for one in judged if one.finding.rule == rule.id]) for rule in judging.rules), efficient=(), effects=tuple(effects_of(found, judging.effect)), policy=policy,
    )  # fmt: skip


def aim_of(name: str, counts: Counts) -> Aim:
    """A metric of everyone, with its interval where it has one."""
    place, found = counts.index(EVERYONE), estimate(metric(name), counts)
    interval = None if found is None else _interval(found.lower[place], found.upper[place])
    return Aim(metric=name, value=_known(value_of(name, counts)[place]), interval=interval)


def number_of(rule: str, judged: Sequence[Case]) -> Number:
    """A rule's worst number: the one that is furthest past its limit, or nearest to it, of the groups that have rows enough and are compared with somebody."""
    told = [one for one in judged if one.fact is not None and one.fact.enough and not one.fact.is_reference and not math.isnan(one.fact.value)]
    verdict = gravest(one.finding for one in judged)
    if not told:
        return Number(rule=rule, metric=None, kind=None, slicing=(), group=None, reference=None, value=None, interval=None, limit=(None, None), past=None, verdict=None if verdict is None else verdict.value, meets=False)
    worst = max(told, key=_past)
    finding, by = worst.finding, _past(worst)
    meets = verdict is not Verdict.FAIL and not any(one.fact is not None and one.fact.is_past for one in told)
    return Number(
        rule=rule, metric=finding.metric, kind=finding.kind, slicing=finding.slicing, group=finding.group, reference=finding.reference, value=finding.value, interval=finding.interval, limit=finding.limit,
        past=by if math.isfinite(by) else None, verdict=None if verdict is None else verdict.value, meets=meets,
    )  # fmt: skip


def _past(case: Case) -> float:
    """How far a number is past its limit; negative within it."""
    assert case.fact is not None
    return past(case.fact.value, case.finding.limit, case.finding.kind)


def _objective(aim: Wanted, counts: Counts) -> Objective:
    """The objective of everyone with its interval: of accuracies the catalogue's own, of costs by the mean's error."""
    place = counts.index(EVERYONE)
    if "=" not in aim.name:
        found = estimate(metric(aim.name), counts)
        assert found is not None
        return Objective(value=_known(found.value[place]), interval=_interval(found.lower[place], found.upper[place]))
    worth = np.zeros((3, 2))
    worth[POSITIVE, SELECTED], worth[NEGATIVE, SELECTED], worth[NEGATIVE, REJECTED], worth[POSITIVE, REJECTED] = aim.tp, aim.fp, aim.tn, aim.fn
    weight = counts.weight[place, :UNLABELLED]
    whole = float(weight.sum())
    if whole == 0:
        return Objective(value=None, interval=None)
    value = float((weight * worth[:UNLABELLED]).sum() / whole)
    if counts.clusters is None:
        squares = float((counts.weight_sq[place, :UNLABELLED] * (worth[:UNLABELLED] - value) ** 2).sum())
    else:
        squares = float(counts.clusters.squared_sums(lambda entries, _: np.where(entries.label == UNLABELLED, 0.0, entries.weight * (worth[entries.label, entries.decision] - value)))[place])
    reach = Z * math.sqrt(squares) / whole
    return Objective(value=value, interval=(value - reach, value + reach) if squares > 0 else None)


def effects_of(found: Redecided, effect: str) -> Iterator[Moved]:
    """What became of whom: every slice that is no missing value's, in its selection and in both of its rates."""
    counts = found.counts
    for name in _FELT:
        entry = metric(name)
        sides, change = paired(entry, found.matched, counts, np.arange(len(counts.slices)))
        with np.errstate(divide="ignore", invalid="ignore"):
            before, after = ((change.both + one) / change.weight for one in (change.lost, change.gained))
            lower, upper = change.at_size(change.size, level=LEVEL)
        for place, one in enumerate(counts.slices):
            if one.has_missing:
                continue
            by = _known(after[place] - before[place])
            interval = _interval(lower[place], upper[place]) if by else None
            good = is_better_of(name, effect, by) if by and is_told(interval) else None
            yield Moved(metric=name, slice=one, rows=int(sides.candidates.rows[place]), before=_known(before[place]), after=_known(after[place]), change=by, interval=interval, is_better=good)


def _known(value: Floats | float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _interval(lower: float, upper: float) -> Interval | None:
    return (float(lower), float(upper)) if math.isfinite(lower) and math.isfinite(upper) else None
