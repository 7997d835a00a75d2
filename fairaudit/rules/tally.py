"""Events over trials: what a rate rests on, of many groups at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fairaudit.cube.clusters import DECIDED, Clusters
from fairaudit.cube.counts import Counts
from fairaudit.evidence.design_effects import effect_of_rate, smaller
from fairaudit.evidence.intervals import Estimate, effective_size, proportion
from fairaudit.evidence.significance import effective_lower, effective_upper, fisher_lower, fisher_upper
from fairaudit.metrics.catalogue import Metric, mask
from fairaudit.types import Bools, Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class ByCluster:
    """What tells how alike the rows of a cluster are: sums over clusters, each of shape (groups,); a is a cluster's weight in the numerator, b in the denominator.

    A cluster may have rows in several groups. Beside a group's own sums stand those with everyone's in the place of one of the two factors: of all groups
    they add up to everyone's own. What is put together or left apart has them for its own, exactly so where no cluster has rows both in it and outside, and
    else too large where rows of a cluster are alike: cautious.
    """

    own: tuple[Floats, Floats, Floats]  # Σa², Σab, Σb²
    beside: tuple[Floats, Floats, Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Sums over the rows of a rate's denominator, each of shape (groups,)."""

    hits: Floats  # Σw of the numerator
    weight: Floats  # Σw
    weight_sq: Floats  # Σw²
    rows: Ints
    weighted: bool  # whether evidence rests on effective sizes: there are weights, or clusters
    clusters: ByCluster | None = None

    @property
    def rate(self) -> Floats:
        """NaN where there are no rows."""
        return np.divide(self.hits, self.weight, out=np.full(self.weight.shape, np.nan), where=self.rows > 0)

    @property
    def value(self) -> Floats:
        return self.rate

    @property
    def trials(self) -> Floats:
        """Rows; with weights, the effective size; in clusters, that over the rate's design effect, and 0 where all rows are of one cluster."""
        if self.clusters is not None:
            return smaller(effective_size(self.weight, self.weight_sq), effect_of_rate(self.hits, self.weight, self.weight_sq, *self.clusters.own))
        return effective_size(self.weight, self.weight_sq) if self.weighted else self.weight

    @property
    def events(self) -> Floats:
        """Numerator rows; with weights, rate × effective size."""
        return np.where(self.rows > 0, self.rate * self.trials, 0.0) if self.weighted else self.hits

    def estimate(self, level: float) -> Estimate:
        return proportion(self.events, self.trials, level=level)

    def at(self, index: Any) -> Tally:
        """Some groups, by anything that indexes an array; `np.s_[:, None]` makes pairs by broadcasting."""
        own, beside = ([part[index] for part in sums] for sums in self._by_cluster())
        return _tally(self.hits[index], self.weight[index], self.weight_sq[index], self.rows[index], own, beside, weighted=self.weighted)

    def together(self) -> Tally:
        """All groups as one, shape (1,)."""
        hits, weight, weight_sq, rows, *beside = (np.sum(part, keepdims=True) for part in self._sums())
        return _tally(hits, weight, weight_sq, rows, beside, beside, weighted=self.weighted)

    def and_also(self, more: Tally) -> Tally:
        hits, weight, weight_sq, rows, *beside = (np.concatenate(pair) for pair in zip(self._sums(), more._sums(), strict=True))
        own = [np.concatenate(pair) for pair in zip(self._by_cluster()[0], more._by_cluster()[0], strict=True)]
        return _tally(hits, weight, weight_sq, rows, own, beside, weighted=self.weighted)

    def apart_from(self, part: Tally) -> Tally:
        """What is left of these rows without `part`'s; shapes broadcast."""
        rows = self.rows - part.rows
        # Differences of sums of weights may miss 0 by a rounding; no rows have no weight.
        pairs = [pair for place, pair in enumerate(zip(self._sums(), part._sums(), strict=True)) if place != _ROWS]
        hits, weight, weight_sq, *beside = (np.where(rows > 0, np.maximum(whole - gone, 0.0), 0.0) for whole, gone in pairs)
        return _tally(np.minimum(hits, weight), weight, weight_sq, rows, beside, beside, weighted=self.weighted)

    def _sums(self) -> tuple[Any, ...]:
        """What adds up."""
        return self.hits, self.weight, self.weight_sq, self.rows, *self._by_cluster()[1]

    def _by_cluster(self) -> tuple[tuple[Floats, ...], tuple[Floats, ...]]:
        return (self.clusters.own, self.clusters.beside) if self.clusters else ((), ())


_ROWS = 3  # their place among the sums


def _tally(hits: Any, weight: Any, weight_sq: Any, rows: Any, own: Sequence[Any], beside: Sequence[Any], *, weighted: bool) -> Tally:
    clusters = ByCluster(own=(own[0], own[1], own[2]), beside=(beside[0], beside[1], beside[2])) if own else None
    return Tally(hits=hits, weight=weight, weight_sq=weight_sq, rows=rows, weighted=weighted, clusters=clusters)


def tally(counts: Counts, metric: Metric, indices: Ints) -> Tally:
    """What a rate rests on in some slices, shape (indices,)."""
    top, bottom = mask(metric.numerator), mask(metric.denominator)
    weight = counts.weight[indices]
    return Tally(
        hits=weight[:, top].sum(axis=1),
        weight=weight[:, bottom].sum(axis=1),
        weight_sq=counts.weight_sq[indices][:, bottom].sum(axis=1),
        rows=counts.rows[indices][:, bottom].sum(axis=1),
        weighted=counts.has_weights or counts.clusters is not None,
        clusters=_by_cluster(counts.clusters, top.ravel(), bottom.ravel(), indices) if counts.clusters else None,
    )


def tails(group: Tally, other: Tally) -> tuple[Floats, Floats]:
    """How easily chance alone would put each group's rate as far below the other's, and as far above; exact where counts are whole."""
    if group.weighted or other.weighted:
        effective = group.events, group.trials, other.events, other.trials
        return effective_lower(*effective), effective_upper(*effective)
    x, n, y, m = (np.rint(part).astype(np.int64) for part in (group.hits, group.weight, other.hits, other.weight))
    return fisher_lower(x, n, x + y, n + m), fisher_upper(x, n, x + y, n + m)


def _by_cluster(clusters: Clusters, top: Bools, bottom: Bools, indices: Ints) -> ByCluster:
    def of(products: Floats) -> tuple[Floats, Floats, Floats]:
        some = products[indices, :DECIDED, :DECIDED]
        decided = (some + some.transpose(0, 2, 1)) / 2  # as an audit file holds it, to the bit
        aa, ab, ba, bb = (decided[:, one][:, :, other].sum(axis=(1, 2)) for one in (top, bottom) for other in (top, bottom))
        return aa, (ab + ba) / 2, bb

    own = of(clusters.products)
    return ByCluster(own=own, beside=own if clusters.beside is None else of(clusters.beside))
