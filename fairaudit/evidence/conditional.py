"""Groups compared within the values of a control, a fact that may fairly explain a difference; and what these strata say together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fairaudit.cube.counts import REJECTED, SELECTED, Counts
from fairaudit.cube.slices import Slice, Slicing
from fairaudit.evidence import strata as pooled
from fairaudit.evidence.design_effects import of_metric, smaller
from fairaudit.evidence.intervals import effective_size
from fairaudit.evidence.measurement import Comparison, Group, Status
from fairaudit.evidence.strata import Pooled, Tables
from fairaudit.metrics.catalogue import CATALOGUE, Metric, Shape, mask
from fairaudit.metrics.engines.interface import Kind
from fairaudit.types import Bools, Floats, Ints

_POOLED: dict[str, Callable[[Tables], Pooled]] = {
    "mantel_haenszel_odds_ratio": pooled.mantel_haenszel_odds_ratio,
    "mantel_haenszel_risk_ratio": pooled.mantel_haenszel_risk_ratio,
    "mantel_haenszel_risk_difference": pooled.mantel_haenszel_risk_difference,
    "cochran_mantel_haenszel_statistic": pooled.cochran_mantel_haenszel,
    "breslow_day_statistic": pooled.breslow_day,
}


_ONE_CLUSTER = "all rows of a side are of one cluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strata:
    """One slicing's sums within each value of the control; arrays of shape (groups, strata, 3 labels, 2 decisions), 0 where nobody is."""

    slicing: Slicing
    control: Slicing
    groups: tuple[Slice, ...]
    strata: tuple[Slice, ...]
    weight: Floats
    weight_sq: Floats
    has_weights: bool
    whole: Counts | None = None  # with the clusters of each group, where rows are in some

    def effect_of(self, metric: Metric) -> Floats | None:
        """The design effect of a metric in each group, shape (groups, 1); None where rows are independent.

        It is the whole group's, since a cluster's rows may be in several strata: within one of them fewer are alike.
        """
        if self.whole is None:
            return None
        return of_metric(metric, self.whole)[[self.whole.index(one) for one in self.groups]][:, None]

    @property
    def size(self) -> Floats:
        """Rows of all groups and strata, or as many as their weights are worth."""
        whole = np.asarray(self.weight.sum())
        return effective_size(whole, np.asarray(self.weight_sq.sum())) if self.has_weights else whole

    def weight_of(self, metric: Metric) -> Floats:
        """What a rate rests on, shape (groups, strata)."""
        weight: Floats = self.weight[:, :, mask(metric.denominator)].sum(axis=2)
        return weight

    def of(self, metric: Metric) -> tuple[Floats, Floats]:
        """Events and trials of a rate, each of shape (groups, strata): rows, or where there are weights as many as they are worth."""
        top, bottom = mask(metric.numerator), mask(metric.denominator)
        hits, weight = self.weight[:, :, top].sum(axis=2), self.weight[:, :, bottom].sum(axis=2)
        if not self.has_weights:
            return hits, weight
        size = effective_size(weight, self.weight_sq[:, :, bottom].sum(axis=2))
        return np.divide(hits * size, weight, out=np.zeros_like(weight), where=weight > 0), size


def strata_of(within: Counts, slicing: Slicing, control: Slicing, whole: Counts | None = None) -> Strata:
    """The counts of a slicing crossed with the control, by group and stratum.

    Args:
        whole: those of the slicing itself, where its rows are in clusters.
    """
    crossed = within.of_slicing((*slicing, *control))
    parts = [(Slice(within.slices[index].values[: len(slicing)]), Slice(within.slices[index].values[len(slicing) :])) for index in crossed]
    groups, strata = (tuple(dict.fromkeys(pair[side] for pair in parts)) for side in (0, 1))
    at = {one: place for names in (groups, strata) for place, one in enumerate(names)}
    weight, weight_sq = np.zeros((len(groups), len(strata), 3, 2)), np.zeros((len(groups), len(strata), 3, 2))
    for index, (group, stratum) in zip(crossed, parts, strict=True):
        weight[at[group], at[stratum]], weight_sq[at[group], at[stratum]] = within.weight[index], within.weight_sq[index]
    return Strata(slicing=slicing, control=control, groups=groups, strata=strata, weight=weight, weight_sq=weight_sq, has_weights=within.has_weights, whole=whole)


def conditional(within: Counts, references: Mapping[Slicing, Slice], control: Slicing, *, threshold: float | None, whole: Counts | None = None) -> tuple[Comparison, ...]:
    """What is compared within the control: each group with its slicing's reference, and each group's standardized rate and demographic disparity.

    Args:
        references: of each slicing that has one.
        whole: the counts of the slicings themselves; needed where rows are in clusters, whose design effects are theirs.
    """
    clustered = whole if whole is not None and whole.clusters is not None else None
    found = (_conditional(strata_of(within, slicing, control, clustered), reference, threshold, has_labels=within.has_labels) for slicing, reference in references.items())
    return tuple(one for slicing in found for one in slicing)


def _conditional(known: Strata, reference: Slice, threshold: float | None, *, has_labels: bool) -> Iterator[Comparison]:
    base = known.groups.index(reference)
    others = np.array([place for place in range(len(known.groups)) if place != base], dtype=int)
    selection = CATALOGUE["selection_rate"]

    def told(metric: Metric, kind: Kind, found: Pooled, groups: Sequence[int], against: Slice | None, reasons: Sequence[str], undefined: str) -> Iterator[Comparison]:
        """A comparison a group; where it has no value, what the metric lacks is said before what was left out."""
        for place, group in enumerate(groups):
            value = float(found.value[place])
            ends = None if found.bounds is None else (float(found.bounds[0][place]), float(found.bounds[1][place]))
            p = None if found.p is None or np.isnan(found.p[place]) else float(found.p[place])
            is_known = bool(np.isfinite(value))
            yield Comparison(
                metric=metric.id, kind=kind.value, slicing=known.slicing, control=known.control, group=Group(slice=known.groups[group]),
                reference=None if against is None else Group(slice=against), threshold=None if metric.id == "base_rate" else threshold, value=value if is_known else None,
                interval=ends if ends and is_known and np.isfinite(ends).all() else None, p_value=p if is_known else None,
                status=Status.OK if is_known else Status.UNDEFINED, reason=_joined("" if is_known else undefined, reasons[place]), engines={"native": value if is_known else None},
            )  # fmt: skip

    for metric in CATALOGUE.values():
        if metric.shape is Shape.RATE and (has_labels or not metric.needs_label):
            tables = _tables(known, metric, others, base)
            found = _in_clusters(known, metric, others, base, tables, pooled.conditional_difference)
            yield from told(metric, Kind.CONDITIONAL_DIFFERENCE, found, others.tolist(), reference, _left_out(known, tables), "no stratum has rows of both")
    tables = _tables(known, selection, others, base)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for name, method in _POOLED.items():
            found, reasons, undefined = _in_clusters(known, selection, others, base, tables, method), _left_out(known, tables), CATALOGUE[name].undefined
            if found.p is not None and (effect := known.effect_of(selection)) is not None and np.isnan(effect[others] + effect[base]).any():
                undefined = _ONE_CLUSTER
            if name == "breslow_day_statistic":
                found, reasons = _of_large_strata(found, reasons, tables)
            yield from told(CATALOGUE[name], Kind.VALUE, found, others.tolist(), reference, reasons, undefined)
    everybody = list(range(len(known.groups)))
    rate, lacking = _standardized(known, selection)
    yield from told(CATALOGUE["standardized_selection_rate"], Kind.VALUE, rate, everybody, None, lacking, "")
    disparity, without = _disparity(known)
    cdd = CATALOGUE["conditional_demographic_disparity"]
    yield from told(cdd, Kind.VALUE, disparity, everybody, None, [without] * len(everybody), cdd.undefined)


def _joined(*reasons: str) -> str:
    return "; ".join(filter(None, reasons))


def _of_large_strata(found: Pooled, reasons: Sequence[str], tables: Tables) -> tuple[Pooled, list[str]]:
    """Breslow and Day's test without its p-value where the strata are too small for it, and why."""
    if found.p is None:
        raise ValueError("a test has p-values")
    large = pooled.strata_are_large(tables)
    said = [_joined(reason, _SMALL if has_value and not is_large else "") for reason, has_value, is_large in zip(reasons, np.isfinite(found.value), large, strict=True)]
    return Pooled(value=found.value, p=np.where(large, found.p, np.nan)), said


_SMALL = "without a p-value, since more than a fifth of the cells are expected to hold fewer than 5 rows, and it would be too small"


def _tables(known: Strata, metric: Metric, groups: Ints, base: int) -> Tables:
    events, trials = known.of(metric)
    shape = (len(groups), len(known.strata))
    weight = known.weight_of(metric)
    return Tables(
        events[groups], trials[groups], np.broadcast_to(events[base], shape), np.broadcast_to(trials[base], shape),
        weight=weight[groups], other_weight=np.broadcast_to(weight[base], shape),
    )  # fmt: skip


def _in_clusters(known: Strata, metric: Metric, groups: Ints, base: int, tables: Tables, method: Callable[[Tables], Pooled]) -> Pooled:
    """What the strata say together, of rows in clusters by tables that are worth less: each side by its own design effect. Strata weigh what they weigh.

    A test is of these tables; of everything else the value is that of the rows.
    """
    found, effect = method(tables), known.effect_of(metric)
    if effect is None:
        return found
    events, trials = _fewer((tables.events, tables.trials), effect[groups])
    other_events, other_trials = _fewer((tables.other_events, tables.other_trials), np.broadcast_to(effect[base], tables.other_trials.shape))
    fewer = method(Tables(events, trials, other_events, other_trials, weight=tables.weight, other_weight=tables.other_weight))
    return Pooled(value=found.value if found.p is None else fewer.value, bounds=fewer.bounds, p=fewer.p)


def _left_out(known: Strata, tables: Tables) -> list[str]:
    """For each group, which strata say nothing, since a side has no rows there, and how many rows that leaves out."""
    rows = tables.trials + tables.other_trials
    lost = np.where(tables.used, 0.0, rows).sum(axis=1) / np.maximum(rows.sum(axis=1), 1.0)
    return [_without(known, (~used & (some > 0)).tolist(), float(share)) for used, some, share in zip(tables.used, rows, lost, strict=True)]


def _without(known: Strata, empty: Sequence[bool], share: float) -> str:
    names = [one.label for one, is_empty in zip(known.strata, empty, strict=True) if is_empty]
    if not names:
        return ""
    return f"without {_listed(names)}, where only one side has rows: {_percent(share)} of them"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share >= 0.0005 else "below 0.1 %"


def _standardized(known: Strata, metric: Metric) -> tuple[Pooled, list[str]]:
    """Each group's rate if it were spread over the strata as everybody is, and where there is none, which strata lack the group."""
    events, trials = known.of(metric)
    everybody = np.broadcast_to(known.weight.sum(axis=(0, 2, 3)), trials.shape)
    lacking = [_listed([one.label for one, size in zip(known.strata, own, strict=True) if not size > 0]) for own in trials]
    reasons = [f"nobody of the slice is in {names}" if names else "" for names in lacking]
    size, effect = np.broadcast_to(known.size, trials.shape[:1]), known.effect_of(metric)
    found = pooled.standardized_rate(everybody, events, trials, size)
    if effect is not None:
        found = replace(found, bounds=pooled.standardized_rate(everybody, *_fewer((events, trials), effect), size).bounds)
    return found, reasons


def _disparity(known: Strata) -> tuple[Pooled, str]:
    """Each group's conditional demographic disparity, and which strata say nothing of it."""
    weight, squares = known.weight.sum(axis=2), known.weight_sq.sum(axis=2)
    totals, everybody = weight.sum(axis=0), weight.sum(axis=(0, 2))
    rejected, selected = (_share(weight[:, :, one], totals[:, one], squares[:, :, one].sum(axis=0), known.has_weights) for one in (REJECTED, SELECTED))
    shape = weight.shape[:2]
    size = np.broadcast_to(known.size, shape[:1])
    found = pooled.demographic_disparity(np.broadcast_to(everybody, shape), rejected, selected, size)
    # Of the difference, since clusters of a group bring it rejected and selected rows: by the effects of both shares, as if they had no clusters in common, it was held in 98.5 %.
    effect = known.effect_of(CATALOGUE["demographic_disparity"])
    if effect is not None:
        fewer = pooled.demographic_disparity(np.broadcast_to(everybody, shape), _fewer(rejected, effect), _fewer(selected, effect), size)
        found = replace(found, bounds=fewer.bounds)
    used: Bools = (totals > 0).all(axis=1)
    names = [one.label for one, is_used in zip(known.strata, used, strict=True) if not is_used]
    without = f"without {_listed(names)}, where all decisions are alike: {_percent(everybody[~used].sum() / everybody.sum())} of the rows" if names else ""
    return found, without


def _share(part: Floats, whole: Floats, squares: Floats, has_weights: bool) -> tuple[Floats, Floats]:
    """Each group's part of the whole as events of trials, each of shape (groups, strata)."""
    size = effective_size(whole, squares) if has_weights else whole
    share = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return share * size, np.broadcast_to(size, part.shape)


def _fewer(side: tuple[Floats, Floats], effect: Floats) -> tuple[Floats, Floats]:
    """Events and trials of rows that say less by a design effect."""
    return smaller(side[0], effect), smaller(side[1], effect)
