"""What is known of one candidate, and the two tables that turn it into an outcome and a verdict (RULES.md A)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fairaudit.evidence.intervals import Bounds, one_sided
from fairaudit.rules.evidence import DECIDE, bounds_of, is_past
from fairaudit.rules.family import Family, blocks
from fairaudit.rules.finding import Outcome, Verdict
from fairaudit.rules.limits import Line, bounds, compared
from fairaudit.rules.tally import Tally
from fairaudit.types import Bools, Floats, Ints

SHOWN_LEVEL = 0.95  # of the interval beside every value, two-sided


@dataclass(frozen=True, slots=True)
class Fact:
    """One candidate of a family: a group, or the pool."""

    candidate: int
    rows: int
    events: float  # NaN where the metric is no rate
    value: float  # NaN where undefined; infinite where only the reference's rate is 0
    lower: float  # of its interval at `SHOWN_LEVEL`
    upper: float
    is_reference: bool
    enough: bool  # reaches `minimum`
    is_past: bool  # the value is past the limit
    is_real: bool  # "no disparity at all" is rejected
    is_beyond: bool  # past the limit, with the evidence that `decide_on` asks for
    is_within: bool  # its bounds meet the limit against every yardstick
    excludes_serious: bool
    p_adjusted: float  # NaN where it was not tested
    look_alpha: float  # what one test may spend
    is_partial: bool = False  # of a gap: some group that counts has no finite value, or all must be judged and some are small

    @property
    def outcome(self) -> Outcome:
        """What the statistics say. A ratio that is infinite can be a violation; it can never be anything better than undefined."""
        if self.is_beyond:
            return Outcome.BEYOND
        if not math.isfinite(self.value):
            return Outcome.UNDEFINED
        if self.is_within or self.is_reference:
            return Outcome.WITHIN
        return Outcome.UNDECIDED

    @property
    def verdict(self) -> Verdict:
        """What is made of it. Below `minimum` only `within` passes: bounds on so few events lean."""
        match self.outcome:
            case Outcome.BEYOND:
                return Verdict.FAIL
            case Outcome.WITHIN:
                return Verdict.PASS
            case Outcome.UNDECIDED if self.enough and self.excludes_serious:
                return Verdict.PASS
        return Verdict.INCONCLUSIVE


def facts(family: Family) -> tuple[Fact, ...]:
    """A fact a candidate, in order; none where the slicing has no slices."""
    size = family.candidates.rows.size
    if not family.groups:
        return ()
    evidence = DECIDE[family.rule.decide_on](family)
    value = _values(family)
    lower, upper = bounds_of(family, level=SHOWN_LEVEL)
    columns = (
        np.arange(size), family.candidates.rows, events_of(family), value, lower, upper, np.arange(size) == family.reference, family.enough,
        is_past(family), evidence.is_real, evidence.is_beyond & ~np.isnan(value), _within(family),
        _excludes_serious(family), evidence.p_adjusted, np.full(size, evidence.look_alpha),
    )  # fmt: skip
    return tuple(Fact(*row) for row in zip(*(column.tolist() for column in columns), strict=True))


def events_of(family: Family) -> Floats:
    """Events of each candidate; NaN where the metric is no rate."""
    return family.candidates.events if isinstance(family.candidates, Tally) else np.full(family.candidates.rows.size, np.nan)


def _values(family: Family) -> Floats:
    if family.against_nobody:
        return family.candidates.value
    if family.apart:
        return family.apart.value(family.rule)
    if family.reference is None and not family.against_others:
        return np.full(family.candidates.rows.size, np.nan)  # nobody but missing values: there is no one to compare with
    return compared(family.rule, family.candidates, family.opposite)


def _within(family: Family) -> Bools:
    """Whose one-sided bounds meet the limit against every yardstick. All of them must, so no correction is due."""
    return meets_against_all(family, family.line) if is_against_all(family) else family.line.met_by(one_sided_bounds(family))


def meets_against_all(family: Family, ends: Line) -> Bools:
    """Whose one-sided bounds meet a line against every yardstick but themselves."""
    within = _meets(family, ends, np.arange(family.candidates.rows.size), family.yardsticks[:1] if family.reference is None else np.array([family.reference]))
    hopeful = np.flatnonzero(within)  # those that fail against one need not be held against all: of a thousand groups that is most of the work
    for some in blocks(hopeful, family.yardsticks.size):
        within[some] = _meets(family, ends, some, family.yardsticks)
    return within


def _meets(family: Family, ends: Line, some: Ints, others: Ints) -> Bools:
    return np.asarray((ends.met_by(_against(family, some, others)) | (some[:, None] == others)).all(axis=1))


def against_yardsticks(family: Family, some: Ints) -> Bounds:
    """One-sided bounds of some candidates against every yardstick, shape (some, yardsticks)."""
    return _against(family, some, family.yardsticks)


def _against(family: Family, some: Ints, others: Ints) -> Bounds:
    return bounds(family.rule, family.candidates.at(some[:, None]), family.candidates.at(others), level=one_sided(family.rule.confidence))


def is_against_all(family: Family) -> bool:
    """Whether to be within takes bounds against every yardstick, since the reference was chosen for its value."""
    return family.rule.reference == "best" and family.yardsticks.size > 0 and not family.against_nobody


def one_sided_bounds(family: Family) -> Bounds:
    """What a pass rests on, against each candidate's own reference."""
    return bounds_of(family, level=one_sided(family.rule.confidence))


def against_others(family: Family, *, level: float) -> Bounds:
    """Against everyone else, for each candidate."""
    return bounds(family.rule, family.candidates, family.others, level=level)


def serious_bounds(family: Family) -> Bounds:
    """One-sided, against the rest or the reference that the rule fixes: a best-off group was chosen for its value, and tests nothing."""
    if family.rule.reference == "best" and not family.against_nobody:
        return against_others(family, level=one_sided(family.rule.confidence))
    return one_sided_bounds(family)


def _excludes_serious(family: Family) -> Bools:
    """Whose one-sided bounds rule out a violation as large as `serious`, against the rest or the reference that the rule fixes."""
    return family.serious_line.met_by(serious_bounds(family))
