"""Events over trials: what a rate rests on, of many groups at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fairaudit.cube.counts import Counts
from fairaudit.evidence.intervals import Estimate, effective_size, proportion
from fairaudit.metrics.catalogue import Metric, mask
from fairaudit.types import Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Sums over the rows of a rate's denominator, each of shape (groups,)."""

    hits: Floats  # Σw of the numerator
    weight: Floats  # Σw
    weight_sq: Floats  # Σw²
    rows: Ints
    weighted: bool

    @property
    def rate(self) -> Floats:
        """NaN where there are no rows."""
        return np.divide(self.hits, self.weight, out=np.full(self.weight.shape, np.nan), where=self.rows > 0)

    @property
    def value(self) -> Floats:
        return self.rate

    @property
    def trials(self) -> Floats:
        """Rows; with weights, the effective size."""
        return effective_size(self.weight, self.weight_sq) if self.weighted else self.weight

    @property
    def events(self) -> Floats:
        """Numerator rows; with weights, rate × effective size."""
        return np.where(self.rows > 0, self.rate * self.trials, 0.0) if self.weighted else self.hits

    def estimate(self, level: float) -> Estimate:
        return proportion(self.events, self.trials, level=level)

    def at(self, index: Any) -> Tally:
        """Some groups, by anything that indexes an array; `np.s_[:, None]` makes pairs by broadcasting."""
        return Tally(hits=self.hits[index], weight=self.weight[index], weight_sq=self.weight_sq[index], rows=self.rows[index], weighted=self.weighted)

    def together(self) -> Tally:
        """All groups as one, shape (1,)."""
        parts = (np.sum(part, keepdims=True) for part in (self.hits, self.weight, self.weight_sq, self.rows))
        return _tally(*parts, weighted=self.weighted)

    def and_also(self, more: Tally) -> Tally:
        pairs = ((self.hits, more.hits), (self.weight, more.weight), (self.weight_sq, more.weight_sq), (self.rows, more.rows))
        return _tally(*(np.concatenate(pair) for pair in pairs), weighted=self.weighted)

    def apart_from(self, part: Tally) -> Tally:
        """What is left of these rows without `part`'s; shapes broadcast."""
        rows = self.rows - part.rows
        # Differences of sums of weights may miss 0 by a rounding; no rows have no weight.
        left = (np.where(rows > 0, np.maximum(whole - gone, 0.0), 0.0) for whole, gone in self._weights(part))
        hits, weight, weight_sq = left
        return Tally(hits=np.minimum(hits, weight), weight=weight, weight_sq=weight_sq, rows=rows, weighted=self.weighted)

    def _weights(self, other: Tally) -> tuple[tuple[Floats, Floats], ...]:
        return (self.hits, other.hits), (self.weight, other.weight), (self.weight_sq, other.weight_sq)


def _tally(hits: Any, weight: Any, weight_sq: Any, rows: Any, *, weighted: bool) -> Tally:
    return Tally(hits=hits, weight=weight, weight_sq=weight_sq, rows=rows, weighted=weighted)


def tally(counts: Counts, metric: Metric, indices: Ints) -> Tally:
    """What a rate rests on in some slices, shape (indices,)."""
    top, bottom = mask(metric.numerator), mask(metric.denominator)
    weight = counts.weight[indices]
    return Tally(
        hits=weight[:, top].sum(axis=1),
        weight=weight[:, bottom].sum(axis=1),
        weight_sq=counts.weight_sq[indices][:, bottom].sum(axis=1),
        rows=counts.rows[indices][:, bottom].sum(axis=1),
        weighted=counts.has_weights,
    )
