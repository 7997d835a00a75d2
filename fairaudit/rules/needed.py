"""How many more rows would decide what is undecided: of the group, or, where the others are too few, of everyone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from fairaudit.cube.counts import Counts
from fairaudit.evidence.intervals import one_sided
from fairaudit.evidence.measurement import Group, GroupKind
from fairaudit.evidence.power import POWER, detectable_towards, power, rows_for_power
from fairaudit.evidence.rates import Z
from fairaudit.metrics.catalogue import Better
from fairaudit.rules.basis import Basis, Estimates
from fairaudit.rules.change import Independent, Paired
from fairaudit.rules.evidence import tail_of_each
from fairaudit.rules.facts import Fact
from fairaudit.rules.family import Family
from fairaudit.rules.finding import RowsNeeded
from fairaudit.rules.limits import bounds
from fairaudit.rules.rule import Comparing, Deciding
from fairaudit.rules.tally import Tally
from fairaudit.types import Floats, Ints

_MOST = 2**40


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sides:
    """A candidate and those it is tested against; sizes are effective rows of the denominator. Within a control the one table that says as much as the strata."""

    size: float
    value: float
    other_size: float
    other_value: float


def rows_needed(family: Family, fact: Fact, counts: Counts) -> RowsNeeded | None:
    """The rows that would decide it, in addition to those there are: 80 % power against a true value of `serious`.

    A group that has that many already, and was unlucky, needs enough to settle it if its value stays what it is.
    Rows are all rows of the group, as people are found: for a true positive rate only some of them are positives.

    Returns:
        None where no number of rows would do: nobody has events, or the values leave no room for `serious`.
    """
    if not isinstance(family.candidates, Tally) or family.against_nobody:
        return _by_errors(family, fact, counts)
    if isinstance(family.change, Paired):
        return _by_pairs(family, family.change, fact, counts)
    sides = _sides(family, fact.candidate)
    if not (sides.other_size > 0 and 0 < family.sides.share < 1):
        return None
    aim = min(max(_serious(family, sides.value, sides.other_value), 0.0), 1.0)
    for grows in (0.0, *([] if family.change else [sides.other_size / sides.size if sides.size else 0.0])):  # what was before does not grow
        rows = rows_for_power(group_rate=aim, other_rate=sides.other_value, alpha=fact.look_alpha, other_rows=sides.other_size, grows=grows)
        if rows is not None and max(rows, minimal_size(family)) <= sides.size:
            rows = _rows_to_settle(family, fact, sides, grows)
        if rows is not None:
            rows = max(rows, minimal_size(family))
            return _scaled(family, fact.candidate, counts, rows - sides.size, sides, of_everyone=grows > 0)
    return None


def detectable(family: Family, undecided: Sequence[Fact]) -> dict[int, float]:
    """The smallest violation of a rate's rule that the first look finds with 80 % power in as many rows as there are, by candidate; without those for whom nothing is so large, and nothing of what is no rate."""
    judged = [one for one in undecided if not one.is_reference]
    if not judged or not isinstance(family.candidates, Tally) or family.against_nobody or family.asked.comparison.is_extreme:
        return {}
    if isinstance(family.change, Paired):
        of_pairs = {one.candidate: _detectable_pairs(family, family.change, one) for one in judged}
        return {candidate: found for candidate, found in of_pairs.items() if found is not None}
    candidates = np.array([one.candidate for one in judged])
    size, _, others, other_value = _of_sides(family, candidates)
    able = (size > 0) & (others > 0) & (other_value > 0) & (other_value < 1)
    rate = other_value[able]
    found = detectable_towards(0.0 if family.better is Better.HIGHER else 1.0, size[able], others[able], other_rate=rate, alpha=judged[0].look_alpha)
    shown = found if family.rule.comparison is Comparing.DIFFERENCE else (rate + found) / rate
    return {candidate: value for candidate, value in zip(candidates[able].tolist(), shown.tolist(), strict=True) if not math.isnan(value)}


def minimal_size(family: Family) -> int:
    """Rows of the denominator that reach the rule's minimum, at everyone's share of events; the share must be between 0 and 1, or rows have no two kinds."""
    share, minimum = family.sides.share, family.rule.minimum
    if math.isnan(share):
        return math.ceil(max(minimum.rows, minimum.events + minimum.non_events))
    return math.ceil(max(minimum.rows, minimum.events / share, minimum.non_events / (1 - share)) - 1e-9)


def rows_to_minimum(family: Family, candidate: int, counts: Counts) -> RowsNeeded | None:
    """The rows a group lacks to be judged alone; None where everyone's share of events is 0 or 1, or it lacks none."""
    if not _has_room(family):
        return None
    sides = _sides(family, candidate)
    lacking = minimal_size(family) - sides.size
    return _scaled(family, candidate, counts, lacking, sides, of_everyone=False) if lacking > 0 else None


def _has_room(family: Family) -> bool:
    """Whether more rows like these would make a group that reaches the minimum: they have both kinds, where there are two."""
    return bool(family.everyone.trials.item()) and (math.isnan(family.sides.share) or 0 < family.sides.share < 1)


def _other(family: Family, candidates: Ints) -> Basis:
    """Whom each candidate is tested against."""
    if isinstance(family.change, Independent):
        return family.change.before.at(candidates)
    is_pair = family.has_fixed_reference or family.asked.comparison.is_extreme
    return family.candidates.at(np.full(candidates.size, family.reference)) if is_pair and family.reference is not None else family.others.at(candidates)


def _of_sides(family: Family, candidates: Ints) -> tuple[Floats, Floats, Floats, Floats]:
    """Size and value of each candidate, and of those it is tested against."""
    if family.within is None:
        groups, others = family.candidates.at(candidates), _other(family, candidates)
        return groups.trials, groups.value, others.trials, others.value
    events, trials, other_events, other_trials = family.within.matched(candidates)
    with np.errstate(divide="ignore", invalid="ignore"):  # of nobody
        return trials, events / trials, other_trials, other_events / other_trials


def _sides(family: Family, candidate: int) -> _Sides:
    size, value, other_size, other_value = (float(part[0]) for part in _of_sides(family, np.array([candidate])))
    return _Sides(size=size, value=value, other_size=other_size, other_value=other_value)


def _serious(family: Family, value: float, other: float) -> float:
    """The group's value if the disparity were as large as `serious`, on the side on which it is; NaN beside a value that is none, or infinite."""
    if not math.isfinite(other):
        return math.nan
    now = value / other if family.rule.comparison is Comparing.RATIO and other else value - other
    far = family.serious_line.nearest(now)
    return other * far if family.rule.comparison is Comparing.RATIO else other + far


def _rows_to_settle(family: Family, fact: Fact, sides: _Sides, grows: float) -> int | None:
    """The smallest size at which, rates staying as they are, `serious` is excluded, or what is past the limit is a violation."""
    level, ends = one_sided(family.rule.confidence), family.serious_line

    def settled(size: float) -> bool:
        others = grows * size if grows else sides.other_size
        one, other = _made(sides.value, size), _made(sides.other_value, others)
        if fact.is_past and family.rule.decide_on is Deciding.INTERVAL:
            convicted = bool(family.line.missed_by(bounds(family.rule, one, other, level=one_sided(1 - tail_of_each(family))))[0])
        else:
            convicted = fact.is_past and power(size, others, group_rate=sides.value, other_rate=sides.other_value, alpha=fact.look_alpha) >= 0.5
        return convicted or bool(ends.met_by(bounds(family.rule, one, other, level=level))[0])

    low, high = math.floor(sides.size), math.floor(sides.size) + 1
    while not settled(high):
        low, high = high, 2 * high
        if high > _MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if settled(middle) else (middle, high)
    return high


def _made(rate: float, size: float) -> Tally:
    weight = np.array([size])
    return Tally(hits=rate * weight, weight=weight, weight_sq=weight, rows=np.ones(1, dtype=np.int64), weighted=False)


# --- On the same rows, of which those tell that turned (Miettinen 1968, Biometrics 24:339; Connor 1987, Biometrics 43:207)


def _by_pairs(family: Family, change: Paired, fact: Fact, counts: Counts) -> RowsNeeded | None:
    if not (_has_room(family) and change.weight.any()):
        return None
    size, turned, serious = float(change.size[fact.candidate]), _turned(change, fact.candidate), abs(family.serious_line.nearest(fact.value))
    rows: float | None = _pairs(serious, max(turned, serious), fact.look_alpha)
    if rows is not None and max(rows, minimal_size(family)) <= size:
        rows = _pairs_to_settle(family, change, fact, turned)
    if rows is None:
        return None
    lacking = max(rows, minimal_size(family)) - size
    return _scaled(family, fact.candidate, counts, lacking, _sides(family, fact.candidate), of_everyone=False) if 0 < lacking < _MOST else None


def _turned(change: Paired, candidate: int) -> float:
    """The share of the candidate's rows that turned; everybody's where it has none."""
    own, everyone = change.share_turned[candidate], (change.gained + change.lost).sum() / change.weight.sum()
    return float(everyone if math.isnan(own) else own)


def _pairs(apart: float, turned: float, alpha: float) -> float:
    """The rows in which McNemar's test at `alpha` finds a change, where such a share of them turns."""
    normal = NormalDist()
    return ((normal.inv_cdf(1 - alpha) * math.sqrt(turned) + normal.inv_cdf(POWER) * math.sqrt(max(turned - apart**2, 0.0))) / apart) ** 2


def _pairs_to_settle(family: Family, change: Paired, fact: Fact, turned: float) -> float | None:
    """The smallest size at which, rows turning as they do, `serious` is excluded, or what is past the limit is significant."""
    level, own, ends = one_sided(family.rule.confidence), change.at([fact.candidate]), family.serious_line
    to_convict = _to_convict(fact.value, turned, fact.look_alpha) if fact.is_past else math.inf

    def settled(size: float) -> bool:
        return size >= to_convict or bool(ends.met_by(own.at_size(np.array([size]), level=level))[0])

    low, high = float(change.size[fact.candidate]), float(change.size[fact.candidate]) + 1
    if not own.weight[0]:
        return None
    while not settled(high):
        low, high = high, 2 * high
        if high > _MOST:
            return None
    while high - low > 1:
        middle = (low + high) / 2
        low, high = (low, middle) if settled(middle) else (middle, high)
    return high


def _to_convict(value: float, turned: float, alpha: float) -> float:
    return (NormalDist().inv_cdf(1 - alpha) ** 2 * turned / value**2) if value else math.inf


def _detectable_pairs(family: Family, change: Paired, fact: Fact) -> float | None:
    size, turned = float(change.size[fact.candidate]), _turned(change, fact.candidate) if change.weight.any() else math.nan
    if not size > 0 or _pairs(1.0, 1.0, fact.look_alpha) > size:
        return None
    low, high = 0.0, 1.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (low, middle) if _pairs(middle, max(turned, middle), fact.look_alpha) <= size else (middle, high)
    return -high if family.better is Better.HIGHER else high


# --- By standard errors, which shrink with the root of the rows: what is no rate, and values that are held against a limit


def _by_errors(family: Family, fact: Fact, counts: Counts) -> RowsNeeded | None:
    if not _has_room(family):
        return None
    sides = _sides(family, fact.candidate)
    variance = _row_variance(family, fact.candidate)
    if family.against_nobody:
        null, aim, of_others = family.line.nearest(sides.value), family.serious_line.nearest(sides.value), 0.0
    else:
        null, aim, of_others = sides.other_value, _serious(family, sides.value, sides.other_value), _error(_other(family, np.array([fact.candidate]))) ** 2
    if not all(map(math.isfinite, (variance, null, aim, of_others))) or variance <= 0 or aim == null:
        return None
    normal = NormalDist()
    to_find = ((aim - null) / (normal.inv_cdf(1 - fact.look_alpha) + normal.inv_cdf(POWER))) ** 2
    for of_everyone in (False, True):
        rows = _rows_for(to_find, variance, of_others, sides.size, of_everyone=of_everyone)
        if rows is not None and max(rows, minimal_size(family)) <= sides.size:
            to_exclude = ((sides.value - aim) / normal.inv_cdf(family.rule.confidence)) ** 2
            to_convict = ((sides.value - null) / normal.inv_cdf(1 - fact.look_alpha)) ** 2 if fact.is_past else 0.0
            rows = _rows_for(max(to_exclude, to_convict), variance, of_others, sides.size, of_everyone=of_everyone)
        if rows is not None:
            lacking = max(rows, minimal_size(family)) - sides.size
            return _scaled(family, fact.candidate, counts, lacking, sides, of_everyone=of_everyone) if 0 < lacking < _MOST else None
    return None


def _rows_for(allowed: float, variance: float, of_others: float, size: float, *, of_everyone: bool) -> float | None:
    """The group's rows at which the variance of the difference is as small as allowed; None where the others' alone is not."""
    if of_everyone:
        return (variance + of_others * size) / allowed if allowed > 0 and size > 0 else None
    return variance / (allowed - of_others) if allowed > of_others else None


def _row_variance(family: Family, candidate: int) -> float:
    """The variance that one row brings; everyone's where the group's own is not known, and of a rate that at the limit."""
    if isinstance(family.candidates, Tally):
        return family.line.end * (1 - family.line.end)
    group = family.candidates.at([candidate])
    own = _error(group) ** 2 * group.trials[0]
    return own if own > 0 else _error(family.everyone) ** 2 * family.everyone.trials.item()


def _error(one: Basis) -> float:
    """The standard error of one value."""
    if not isinstance(one, Estimates):
        return math.nan
    return float((one.below[0] + one.above[0]) / (2 * Z))


def _scaled(family: Family, candidate: int, counts: Counts, lacking: float, sides: _Sides, *, of_everyone: bool) -> RowsNeeded:
    """From rows of the denominator to rows of people, in the proportion that there is now."""
    members = family.pooled if candidate >= family.groups else (candidate,)
    rows = int(counts.rows[family.indices[list(members)]].sum())
    whole, everyone = int(counts.rows[family.indices].sum()), float(family.everyone.trials[0])
    if of_everyone:
        return RowsNeeded(group=Group(kind=GroupKind.OVERALL), rows=max(1, math.ceil(lacking / sides.size * whole)))
    per_size = rows / sides.size if sides.size else whole / everyone
    return RowsNeeded(group=family.group(candidate), rows=max(1, math.ceil(lacking * per_size - 1e-9)))
