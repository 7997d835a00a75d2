"""What rules ask of rates, as bounds on sums: where that can be said, the best chances are a linear program.

A rate of rows that do not depend on what is decided (all, those of one label) is linear in the true and the false positives, and so are its differences, its ratio against a limit, and the rate of
several groups together. Any other rate is linear only against a limit of its own: what is above the line, less the limit times what is below.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from fairaudit.errors import ConfigError
from fairaudit.metrics.catalogue import CATALOGUE, FN, FP, TN, TP, Cell, Shape, metric
from fairaudit.mitigations.constraints import Constraint
from fairaudit.rules.rule import Comparing, Rule
from fairaudit.types import Floats, Ints

_POSITIVES, _NEGATIVES = {TP, FN}, {FP, TN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A share of rows, and how much it counts."""

    numerator: tuple[Cell, ...]
    denominator: tuple[Cell, ...]
    times: float = 1.0

    @property
    def is_fixed(self) -> bool:
        """Whether the rows that it is a share of are the same whatever is decided."""
        cells = set(self.denominator)
        return all(cells.isdisjoint(label) or label <= cells for label in (_POSITIVES, _NEGATIVES))


_SUMS = {
    "balanced_accuracy": (Part(numerator=(TP,), denominator=(TP, FN), times=0.5), Part(numerator=(TN,), denominator=(FP, TN), times=0.5)),
    "informedness": (Part(numerator=(TP,), denominator=(TP, FN)), Part(numerator=(FP,), denominator=(FP, TN), times=-1.0)),
}  # composites that are sums of rates


def parts_of(name: str) -> tuple[Part, ...]:
    """A metric as a sum of rates; none where it is no such sum."""
    entry = CATALOGUE[name]
    return (Part(numerator=entry.numerator, denominator=entry.denominator),) if entry.shape is Shape.RATE else _SUMS.get(name, ())


def check_linear(rules: Sequence[Rule]) -> None:
    """Returns if the rules can be held by chances that are the solution of a linear program.

    Raises:
        ConfigError: a rule rests on a rate that is not linear.
    """
    for rule in rules:
        for name in rule.metrics:
            parts = parts_of(metric(name).id)
            is_against_a_limit = rule.comparison is Comparing.VALUE and len(parts) == 1
            if not parts or not (is_against_a_limit or all(part.is_fixed for part in parts)):
                raise ConfigError(
                    f"rule {rule.id!r} judges {metric(name).id}, and --drawn of mitigate thresholds can hold shares of all, of the positives or of the negatives, as selection_rate or true_positive_rate, in any comparison, and other "
                    "rates against a limit of their own (comparison: value) only; name such a rule, or fit thresholds that draw nothing, by mitigate thresholds without --drawn."
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """`low` ≤ `row` · shares + `pivot` · the constraint's pivot ≤ `high`."""

    row: Floats  # (columns,)
    low: float = -math.inf
    high: float = math.inf
    pivot: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What may be mixed: each column is one cut, of some rows, by whose share the counts are multiplied."""

    tp: Floats  # (groups, columns): what a column adds to each group; 0 where it is of others
    fp: Floats
    fn: Floats
    tn: Floats
    positives: Floats  # (groups,)
    negatives: Floats

    def weight(self, cells: Sequence[Cell]) -> Floats:
        """Weight of the rows of some confusion cells, of the shape (groups, columns)."""
        held = {TP: self.tp, FP: self.fp, FN: self.fn, TN: self.tn}
        out: Floats = np.sum([held[cell] for cell in cells if cell in held] or [np.zeros(self.tp.shape)], axis=0)
        return out

    def total(self, cells: Sequence[Cell]) -> Floats:
        """The same of cells that do not depend on what is decided, of the shape (groups,)."""
        out: Floats = self.positives * (TP in cells) + self.negatives * (FP in cells)
        return out


def bounds_of(constraint: Constraint, columns: Columns, *, open: bool = False) -> Iterator[Bound]:
    """What a constraint asks of the shares.

    Args:
        open: without what keeps a denominator from being 0, which nothing may be: then the best is an upper bound.
    """
    parts = parts_of(constraint.metric)
    if not all(part.is_fixed for part in parts):
        yield from _against_a_limit(constraint, columns, parts[0], open=open)
        return
    own = sum((part.times * columns.weight(part.numerator) / columns.total(part.denominator)[:, None] for part in parts), np.zeros(columns.tp.shape))
    low, high = constraint.line.low, constraint.line.high
    if constraint.others is not None and constraint.drawn is not None:
        yield from _held(own, _others(constraint, columns, parts), constraint.drawn.low, constraint.drawn.high, constraint.is_ratio, open=open)
    elif constraint.of_extremes:
        for row in own:
            yield Bound(row=row, low=0.0, pivot=-1.0)
            yield Bound(row=row, high=0.0, pivot=-high) if constraint.is_ratio else Bound(row=row, high=high, pivot=-1.0)
        if constraint.is_ratio and not open:
            yield Bound(row=np.zeros(own.shape[1]), low=_smallest(own), pivot=1.0)
    elif constraint.reference is not None:
        at = constraint.reference
        yield from _held(np.delete(own, at, axis=0), own[[at] * (len(own) - 1)], low, high, constraint.is_ratio, open=open)
    else:
        yield from (Bound(row=row, low=low, high=high) for row in own)


def _held(own: Floats, other: Floats, low: float, high: float, is_ratio: bool, *, open: bool) -> Iterator[Bound]:
    """Each group's rate against another."""
    for row, against in zip(own, other, strict=True):
        if not is_ratio:
            yield Bound(row=row - against, low=low, high=high)
            continue
        if math.isfinite(low):
            yield Bound(row=row - low * against, low=0.0)
        if math.isfinite(high):
            yield Bound(row=row - high * against, high=0.0)
        if not open:
            yield Bound(row=against, low=_smallest(against))


def _others(constraint: Constraint, columns: Columns, parts: Sequence[Part]) -> Floats:
    """The rate of those that each group is compared with, of the shape (groups, columns)."""
    without = 1.0 if constraint.others == "rest" else 0.0
    out = np.zeros(columns.tp.shape)
    for part in parts:
        above, below = columns.weight(part.numerator), columns.total(part.denominator)
        out += part.times * (above.sum(axis=0) - without * above) / (below.sum() - without * below)[:, None]
    return out


def _against_a_limit(constraint: Constraint, columns: Columns, part: Part, *, open: bool) -> Iterator[Bound]:
    whole = (columns.positives + columns.negatives)[:, None]
    above, below = columns.weight(part.numerator) / whole, columns.weight(part.denominator) / whole
    for over, under in zip(above, below, strict=True):
        if math.isfinite(constraint.line.low):
            yield Bound(row=over - constraint.line.low * under, low=0.0)
        if math.isfinite(constraint.line.high):
            yield Bound(row=over - constraint.line.high * under, high=0.0)
        if not open:
            yield Bound(row=under, low=_smallest(under))


def _smallest(values: Floats) -> float:
    """The smallest that is above 0: of whoever a cut selects, at least so many are."""
    return float(np.min(values[values > 0], initial=np.inf))


def hull(tp: Floats, fp: Floats) -> Ints:
    """Places of the corners of all that mixing cuts of one group can give, each of shape (cuts,); rising.

    Of points that are the same, or lie on a side, none is a corner but the ends.
    """
    order = np.lexsort((tp, fp))
    corners: set[int] = set()
    for sign in (1.0, -1.0):  # the upper and the lower side
        chain: list[int] = []
        for place in order[:: int(sign)].tolist():
            while len(chain) > 1 and _turn(chain[-2], chain[-1], place, tp, fp) >= 0:
                chain.pop()
            chain.append(place)
        corners.update(chain)
    return np.array(sorted(corners), dtype=np.int64)


def _turn(first: int, second: int, third: int, tp: Floats, fp: Floats) -> float:
    """Above 0 where the way by three points turns left."""
    return float((fp[second] - fp[first]) * (tp[third] - tp[first]) - (tp[second] - tp[first]) * (fp[third] - fp[first]))
