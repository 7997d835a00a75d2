"""Groups judged against what they had in a former audit: on the same rows by McNemar's test and Newcombe's paired interval, else as independent samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, cast

import numpy as np
from scipy.special import stdtrit  # type: ignore[import-untyped]

from fairaudit.cube.counts import Counts
from fairaudit.cube.matched import CELLS, Matched
from fairaudit.evidence.intervals import Bounds, newcombe
from fairaudit.evidence.paired import delta, mcnemar_lower, mcnemar_upper, newcombe_paired
from fairaudit.evidence.rates import LEVEL, Z
from fairaudit.metrics.catalogue import Metric, Shape, mask
from fairaudit.metrics.engines.native import of_weights, value_of
from fairaudit.rules.baseline import Baseline
from fairaudit.rules.rule import Rule
from fairaudit.rules.sides import Sides, of_rate
from fairaudit.rules.tally import Tally, tails
from fairaudit.types import Bools, Floats, Ints

_TURNED = 10  # rows that were decided otherwise, from which the delta method is given


def can_change(metric: Metric) -> bool:
    """Whether a metric's change on the same rows is one of decisions: a rate of rows that are chosen whatever is decided of them, and that decisions move."""
    if metric.shape is not Shape.RATE:
        return False
    top, bottom = mask(metric.numerator), mask(metric.denominator)
    return bool((bottom[:, 0] == bottom[:, 1]).all() and (top[:, 0] != top[:, 1]).any())


def moves(metric: Metric) -> bool:
    """Whether a slice's number follows from its own counts of decisions by label, and other decisions would change it."""
    if metric.shape is Shape.COMPOSITE:
        return not metric.of_part
    if metric.shape is not Shape.RATE:
        return False
    return any((mask(part)[:, 0] != mask(part)[:, 1]).any() for part in (metric.numerator, metric.denominator))


def changed_number(metric: Metric, matched: Matched) -> tuple[Floats, Bounds, Ints]:
    """By how much such a number changed on the rows that both audits have, its 95 % interval by the delta method, and how many rows it rests on; each of shape (slices,).

    The interval is NaN where fewer than ten rows turned.
    """
    slices = len(matched.slices)
    weight, weight_sq = (sums.reshape(slices, CELLS) for sums in (matched.weight, matched.weight_sq))
    step = 1e-4 * np.maximum(weight.sum(axis=1, keepdims=True), 1e-300)

    def value(sums: Floats) -> Floats:
        cells = sums.reshape(-1, 3, 2, 2)
        before, now = (value_of(metric.id, of_weights(cells.sum(axis=axis))) for axis in (3, 2))
        return now - before

    with np.errstate(divide="ignore", invalid="ignore"):
        change = value(weight)
        gradient = np.stack([(value(weight + step * one) - value(np.maximum(weight - step * one, 0.0))) / (step[:, 0] + np.minimum(step[:, 0], weight[:, place])) for place, one in enumerate(np.eye(CELLS))], axis=1)
        gradient = np.where(weight > 0, gradient, 0.0)
        lower, upper = delta(gradient, weight_sq, change, level=LEVEL)
    if matched.clusters is not None:
        number = matched.clusters.number
        variance = np.einsum("si,sij,sj->s", gradient, matched.clusters.products, gradient) * np.divide(number, number - 1, out=np.full(slices, np.nan), where=number > 1)
        reach = np.where(variance > 0, Z * np.sqrt(np.maximum(variance, 0.0)), np.nan) * stdtrit(np.maximum(number - 1, 1), (1 + LEVEL) / 2) / Z
        lower, upper = change - reach, change + reach
    labelled = matched.rows[:, :2]
    few = labelled[:, :, 0, 1].sum(axis=1) + labelled[:, :, 1, 0].sum(axis=1) < _TURNED
    return change, (np.where(few, np.nan, lower), np.where(few, np.nan, upper)), labelled.reshape(slices, -1).sum(axis=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Independent:
    """Each candidate now and then, as samples that have nothing to do with each other; shape (candidates,)."""

    now: Tally
    before: Tally
    known: Bools  # whether the former audit has such a group; of the pool, whether it has any of its groups, and these alone are in it

    def value(self, rule: Rule) -> Floats:
        return self.now.value - self.before.value

    def bounds(self, rule: Rule, *, level: float) -> Bounds:
        with np.errstate(divide="ignore", invalid="ignore"):
            return newcombe(self.now.estimate(level), self.before.estimate(level))

    def tails(self) -> tuple[Floats, Floats]:
        """How easily chance alone would put each as far below what it was, and as far above."""
        return tails(self.now, self.before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """The rows of each candidate that both audits have, by whether they count in the rate; sums of weights, shape (candidates,)."""

    both: Floats
    gained: Floats  # now, and not before
    lost: Floats
    neither: Floats
    size: Floats  # effective rows
    turned: Floats  # of those gained or lost, effective ones
    unmatched: Ints  # rows of the candidate that the former audit has not, or has with another label
    moved: Ints  # matched rows that were in another group

    def at(self, index: Any) -> Paired:
        """Some candidates, by anything that indexes an array."""
        return Paired(**{one.name: getattr(self, one.name)[index] for one in fields(self)})

    @property
    def weight(self) -> Floats:
        return self.both + self.gained + self.lost + self.neither

    @property
    def share_turned(self) -> Floats:
        """NaN where there are no rows."""
        return _over(self.gained + self.lost, self.weight)

    @property
    def change(self) -> Floats:
        """NaN where there are no rows."""
        return _over(self.gained - self.lost, self.weight)

    def value(self, rule: Rule) -> Floats:
        return self.change

    def bounds(self, rule: Rule, *, level: float) -> Bounds:
        return self.at_size(self.size, level=level)

    def at_size(self, size: Floats, *, level: float) -> Bounds:
        """The interval that so many rows would have if they turned in the same proportions."""
        scale = _over(size, self.weight)
        return newcombe_paired(self.both * scale, self.gained * scale, self.lost * scale, self.neither * scale, level=level)

    def tails(self) -> tuple[Floats, Floats]:
        """How easily chance alone would turn as few rows to the rate for those that it turns away from it, and as many."""
        scale = np.where(self.turned > 0, _over(self.turned, self.gained + self.lost), 0.0)
        gained, lost = self.gained * scale, self.lost * scale
        nobody = ~(self.weight > 0)
        return tuple(np.where(nobody, np.nan, test(gained, lost)) for test in (mcnemar_lower, mcnemar_upper))  # type: ignore[return-value]


Change = Independent | Paired


def changed(metric: Metric, counts: Counts, indices: Ints, pooled: Sequence[int], baseline: Baseline) -> tuple[Sides, Change]:
    """A rate of the candidates, on the rows that are compared, and how it changed.

    Args:
        indices: the groups, in `counts.slices`.
        pooled: which of them are in the pool, which comes last.
    """
    if baseline.matched is not None:
        return paired(metric, baseline.matched, counts, indices, pooled)
    former, known = baseline.of([counts.slices[place] for place in indices])
    small = tuple(place for place in pooled if known[place]) or tuple(pooled)  # beside whom there was nobody before would make a change of who the small are
    now, before = of_rate(metric, counts, indices, small), of_rate(metric, former, np.arange(len(former.slices)), small)
    sides = (now.candidates, before.candidates, now.everyone, before.everyone)
    assert all(isinstance(one, Tally) for one in sides)
    groups, former_groups, everyone, former_everyone = cast(tuple[Tally, Tally, Tally, Tally], sides)
    share = _over(everyone.events + former_everyone.events, everyone.trials + former_everyone.trials)
    has = np.append(known, known[list(pooled)].any()) if pooled else known
    return _at_share(now, share), Independent(now=groups, before=former_groups, known=has)


def paired(metric: Metric, matched: Matched, counts: Counts, indices: Ints, pooled: Sequence[int] = ()) -> tuple[Sides, Paired]:
    """A rate of the candidates on rows that are matched, and how it changed; as `changed`."""
    places = {one: place for place, one in enumerate(matched.slices)}
    own = [places[counts.slices[index]] for index in indices]
    members = [*((place,) for place in own), *([tuple(own[one] for one in pooled)] if pooled else [])]
    is_before, is_now, is_counted = _hits(metric)
    kinds = {"both": is_before & is_now, "gained": ~is_before & is_now, "lost": is_before & ~is_now, "neither": ~is_before & ~is_now}

    def summed(sums: Floats | Ints, cells: Bools) -> Floats:
        by_slice = sums.reshape(len(matched.slices), CELLS)[:, cells].sum(axis=1)
        return np.array([by_slice[list(some)].sum() for some in members], dtype=np.float64)

    parts = {name: summed(matched.weight, cells & is_counted) for name, cells in kinds.items()}
    rows, weight, weight_sq = (summed(sums, is_counted) for sums in (matched.rows, matched.weight, matched.weight_sq))
    is_turned = (is_before != is_now) & is_counted
    size, turned = _over(weight**2, weight_sq), _over(summed(matched.weight, is_turned) ** 2, summed(matched.weight_sq, is_turned))
    if matched.clusters is not None:
        size, turned = _in_clusters(matched, members, is_before, is_now, is_counted, size, turned)
    whole = of_rate(metric, counts, indices, pooled)
    found = Paired(
        **parts, size=np.nan_to_num(size), turned=np.nan_to_num(turned), unmatched=whole.candidates.rows - np.rint(rows).astype(np.int64),
        moved=np.array([matched.moved[list(some)].sum() for some in members], dtype=np.int64),
    )  # fmt: skip
    weighted = matched.has_weights or matched.clusters is not None
    candidates = Tally(
        hits=found.both + found.gained, weight=weight, weight_sq=np.nan_to_num(_over(weight**2, found.size)) if weighted else weight,
        rows=np.rint(rows).astype(np.int64), weighted=weighted,
    )  # fmt: skip
    groups = candidates.at(np.arange(len(own)))
    everyone = groups.together()
    share = _over((2 * found.both + found.gained + found.lost)[: len(own)].sum(keepdims=True), 2 * weight[: len(own)].sum(keepdims=True))
    return _at_share(Sides(candidates=candidates, others=everyone.apart_from(candidates), everyone=everyone, spread=np.nan, share=0.0), share), found


def _hits(metric: Metric) -> tuple[Bools, Bools, Bools]:
    """Of each cell of matched rows, shape (`CELLS`,): whether it counts in the rate by the former decision, by the new one, and whether it is of its denominator."""
    top, bottom = mask(metric.numerator), mask(metric.denominator)
    shape = (3, 2, 2)
    before, now, counted = np.broadcast_to(top[:, :, None], shape), np.broadcast_to(top[:, None, :], shape), np.broadcast_to(bottom[:, :1, None], shape)
    return before.reshape(-1), now.reshape(-1), counted.reshape(-1)


def _in_clusters(
    matched: Matched, members: Sequence[tuple[int, ...]], before: Bools, now: Bools, counted: Bools, size: Floats, turned: Floats
) -> tuple[Floats, Floats]:
    """Effective rows, and effective ones that turned, where rows of a cluster may be alike.

    Of the change and of the rate itself the larger design effect counts: where no row turned, the change alone would tell nothing. What a pool's
    members have in common is not known, so their deviations are taken to go together, which is cautious.
    """
    assert matched.clusters is not None
    weight, weight_sq = (sums.reshape(-1, CELLS) for sums in (matched.weight, matched.weight_sq))
    sizes, moves = size.copy(), turned.copy()
    was, is_, of = (cells.astype(np.float64) for cells in (before, now, counted))
    delta, hit = (is_ - was) * of, is_ * of
    for place, some in enumerate(list(one) for one in members):
        number, own, products = int(matched.clusters.number[some].sum()), weight[some].sum(axis=0), matched.clusters.products[some]
        if number < 2 or not own[counted].sum():
            sizes[place] = moves[place] = 0.0
            continue
        few, students = number / (number - 1), float(stdtrit(number - 1, (1 + LEVEL) / 2) / Z) ** 2  # as `design_effects.effect_of` has it

        def between(influence: Floats, products: Floats = products, few: float = few) -> float:
            return float(np.sqrt(np.maximum(np.einsum("i,kij,j->k", influence, products, influence), 0.0)).sum() ** 2 * few)

        effects = []
        for one in (delta, hit):
            influence: Floats = (one - (own * one).sum() / own[counted].sum()) * counted
            alone = float((weight_sq[some].sum(axis=0) * influence**2).sum())
            effects.append(between(influence) / alone if alone > 1e-12 * own.sum() else 1.0)
        sizes[place] = size[place] / max(1.0, max(effects) * students)
        spread = between(delta)
        moves[place] = min(turned[place], (own * np.abs(delta)).sum() ** 2 / spread) if spread > 0 else 0.0
    return sizes, moves


def _at_share(sides: Sides, share: Floats) -> Sides:
    """With the share of events among the rows of both audits, by which `minimum` is reckoned: an update that leaves none must not make everybody too small."""
    return replace(sides, share=float(share.item()))


def _over(top: Floats, bottom: Floats) -> Floats:
    return np.divide(top, bottom, out=np.full(np.broadcast(top, bottom).shape, np.nan), where=np.asarray(bottom) > 0)
