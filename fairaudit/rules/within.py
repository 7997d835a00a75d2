"""Groups judged among people who are alike in a control: what the strata say together, by Mantel and Haenszel's ratio or difference and an exact test."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from fairaudit.cube.counts import Counts
from fairaudit.cube.slices import Slice, Slicing
from fairaudit.evidence.conditional import strata_of
from fairaudit.evidence.exact_strata import stratified_lower, stratified_upper
from fairaudit.evidence.intervals import Bounds, Estimate, effective_size
from fairaudit.evidence.rates import Z
from fairaudit.evidence.significance import effective_lower, effective_upper
from fairaudit.evidence.strata import Tables, mantel_haenszel_risk_difference, mantel_haenszel_risk_ratio
from fairaudit.metrics.catalogue import Metric, mask
from fairaudit.rules.basis import Basis, Estimates
from fairaudit.rules.rule import Comparing, Rule
from fairaudit.rules.sides import Sides
from fairaudit.rules.tally import Tally
from fairaudit.types import Floats

_ALL = 1e6  # times as many others: what they have is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """Each candidate beside its opponents in every stratum. Arrays of shape (candidates,), tables of shape (candidates, strata)."""

    control: Slicing
    tables: Tables
    exact: bool  # counts are whole: no weights, no clusters
    outside: Floats  # rows of the candidate in strata where it has no opponents

    @property
    def trials(self) -> Floats:
        """Rows that are compared, effective ones where there are weights or clusters."""
        trials: Floats = np.where(self.tables.used, self.tables.trials, 0.0).sum(axis=1)
        return trials

    def compared(self, candidates: Basis) -> Estimates:
        """The candidates as far as they are compared, for their sizes alone."""
        nothing = np.full(self.trials.size, np.nan)
        return Estimates(found=Estimate(nothing, nothing, nothing), rows=candidates.rows, trials=self.trials, bounds=(0.0, 1.0))

    def value(self, rule: Rule) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            return (mantel_haenszel_risk_ratio if rule.comparison is Comparing.RATIO else mantel_haenszel_risk_difference)(self.tables).value

    def bounds(self, rule: Rule, *, level: float) -> Bounds:
        """At a two-sided level; a difference's arms are those of the 95 % interval, as much longer as the normal limit is."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            if rule.comparison is Comparing.RATIO:
                found = mantel_haenszel_risk_ratio(self.tables, level=level)
                return found.bounds or (found.value, found.value)
            stretch = NormalDist().inv_cdf((1 + level) / 2) / Z
            found = mantel_haenszel_risk_difference(self.tables)
            lower, upper = found.bounds or (found.value, found.value)
            return np.maximum(found.value - stretch * (found.value - lower), -1.0), np.minimum(found.value + stretch * (upper - found.value), 1.0)

    def tails(self) -> tuple[Floats, Floats]:
        """How easily chance alone would give each candidate as few events, and as many, if it had as many as its opponents in every stratum.

        Exact where counts are whole; otherwise the test of effective counts that has no strata, of a table with the same mean and variance.
        """
        tables = self.tables
        if self.exact:
            parts = tables.events, tables.trials, tables.events + tables.other_events, tables.trials + tables.other_trials
            whole = [np.rint(part).astype(np.int64) for part in parts]
            return stratified_lower(*whole), stratified_upper(*whole)
        matched = self.matched()
        return effective_lower(*matched), effective_upper(*matched)

    def matched(self, candidates: Any = slice(None)) -> tuple[Floats, Floats, Floats, Floats]:
        """Events and trials of each candidate, or of some, and of as many others without strata as would give its events the same mean and variance."""
        tables = self.tables.at(candidates)
        total, events = tables.total, tables.events + tables.other_events
        own, trials, mean, spread = (
            np.where(tables.used, part, 0.0).sum(axis=1)
            for part in (tables.events, tables.trials, tables.trials * events / total, tables.trials * tables.other_trials * events * (total - events) / total**3)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = mean / trials
            worth = spread / (rate * (1 - rate))  # n m / (n + m) of the one table
            others = np.where(worth < trials, trials * worth / (trials - worth), np.inf)
            others = np.where(np.isfinite(others), others, _ALL * trials)
        return own, trials, np.clip(rate * (trials + others) - own, 0.0, others), others


def within_control(rule: Rule, metric: Metric, slices: tuple[Slice, ...], sides: Sides, pooled: Sequence[int], reference: int | None, strata: Counts, control: Slicing) -> Within:
    """The strata of a family's candidates.

    Args:
        slices: the groups, all of one slicing.
        reference: the candidate that is everybody's opponent; None where it is everyone else.
        strata: the counts of the slicing crossed with the control.
    """
    slicing = slices[0].attributes if slices else ()
    known = strata_of(strata, slicing, control)
    places = [known.groups.index(one) for one in slices]
    top, bottom = mask(metric.numerator), mask(metric.denominator)
    own = [_with_pool(sums[places][:, :, cells].sum(axis=2), pooled) for sums, cells in ((known.weight, top), (known.weight, bottom), (known.weight_sq, bottom))]
    if reference is None:
        others = [np.maximum(sums[: len(slices)].sum(axis=0) - sums, 0.0) for sums in own]
        opposite = sides.others
    else:
        others = [np.broadcast_to(sums[reference], sums.shape) for sums in own]
        opposite = sides.candidates.at(np.full(own[0].shape[0], reference))
    exact = not (strata.has_weights or (isinstance(sides.candidates, Tally) and sides.candidates.weighted))
    one, other = (_worth(side, np.ones((1, 1)) if exact else _design_effect(basis), exact) for side, basis in ((own, sides.candidates), (others, opposite)))
    tables = Tables(*one, *other, weight=own[1], other_weight=others[1])
    return Within(control=control, tables=tables, exact=exact, outside=np.where(tables.used, 0.0, own[1]).sum(axis=1))


def _with_pool(sums: Floats, pooled: Sequence[int]) -> Floats:
    """The groups' sums, and behind them, where there is one, the pool's."""
    return np.concatenate([sums, sums[list(pooled)].sum(axis=0, keepdims=True)]) if pooled else sums


def _design_effect(side: Basis) -> Floats:
    """Of each candidate's rate, shape (candidates, 1): rows of a cluster may be in several strata, so it is that of all of them; infinite where nothing is known."""
    if not isinstance(side, Tally) or side.clusters is None:
        return np.ones((1, 1))
    size = effective_size(side.weight, side.weight_sq)
    return np.divide(size, side.trials, out=np.full_like(size, math.inf), where=side.trials > 0)[:, None]


def _worth(side: Sequence[Floats], effect: Floats, exact: bool) -> tuple[Floats, Floats]:
    """Events and trials, effective ones where rows carry weights or come in clusters."""
    hits, weight, weight_sq = side
    if exact:
        return hits, weight
    trials = effective_size(weight, weight_sq) / effect
    return np.divide(hits * trials, weight, out=np.zeros_like(hits), where=weight > 0), trials
