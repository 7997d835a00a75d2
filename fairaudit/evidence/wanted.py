"""Which quantities an audit computes, given what it has: labels, scores, slicings and references."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import product

from fairaudit.cube.counts import Counts
from fairaudit.cube.slices import EVERYONE, Slicing
from fairaudit.metrics.catalogue import CATALOGUE, Metric, Shape
from fairaudit.metrics.engines.cells import bins_of
from fairaudit.metrics.engines.interface import Kind, Quantity

Params = tuple[tuple[str, float], ...]
_BINS: Params = (("bins", 10.0),)
HISTOGRAM = "score_histogram"
PARAMS: dict[str, Params] = {
    "generalized_entropy_index": (("alpha", 2.0),),
    **{f"{kind}_calibration_error": _BINS for kind in ("expected", "maximum", "root_mean_square")},
    "calibration_error_by_chance": _BINS,
    **{f"{side}_group_generalized_entropy_index": (("alpha", 2.0),) for side in ("between", "within")},
    **{name: (("concentration", 1.0),) for name in ("differential_fairness", "differential_fairness_amplification")},
}
CALIBRATION_ERRORS = frozenset(name for name, params in PARAMS.items() if params is _BINS)  # those over bins of the score, their level by chance among them
Pair = tuple[str, str, int, int]  # metric, kind, group, reference


Only = Collection[str] | None  # ids of the metrics that are asked for; None: all


def computable(counts: Counts, only: Only = None) -> tuple[Metric, ...]:
    """The metrics that an audit with these counts can have; one that lacks only probabilities is kept, and undefined."""
    asked = (one for one in CATALOGUE.values() if only is None or one.id in only)
    return tuple(one for one in asked if (counts.has_labels or not one.needs_label) and (counts.score is not None or not one.needs_score))


def values(counts: Counts, only: Only = None, bins: Params = _BINS) -> tuple[Quantity, ...]:
    """Each metric of each slice; calibration errors over these bins."""
    params = PARAMS | dict.fromkeys(CALIBRATION_ERRORS, bins)
    everywhere = tuple(range(len(counts.slices)))
    parts = tuple(index for index in everywhere if counts.slices[index] != EVERYONE)
    return tuple(Quantity(metric=one.id, groups=parts if one.of_part else everywhere, params=params.get(one.id, ())) for one in computable(counts, only) if one.of_slice)


def of_bins(counts: Counts, only: Only = None, bins: Params = _BINS) -> tuple[Quantity, ...]:
    """What is asked of every bin of the slices' histograms, so that a witness checks it: the weight, and the sums of labels and of scores, of labelled rows."""
    found = bins_of(counts, dict(bins)) if counts.has_labels and (only is None or HISTOGRAM in only) else None
    parts = product(range(0 if found is None else found.edges.size - 1), range(3))
    return tuple(Quantity(metric=HISTOGRAM, groups=tuple(range(len(counts.slices))), params=(*bins, ("bin", float(place)), ("sum", float(which)))) for place, which in parts)


def comparisons(counts: Counts, references: Mapping[Slicing, int], pairs: Iterable[Pair], only: Only = None) -> tuple[Quantity, ...]:
    """Each compared metric of each slice against its slicing's reference, and the pairs that rules need besides."""
    sides = [(group, reference) for slicing, reference in references.items() for group in counts.of_slicing(slicing) if group != reference]
    asked: dict[tuple[str, Kind], dict[tuple[int, int], None]] = {}
    for one in computable(counts, only):
        for kind in kinds_of(one):
            asked[one.id, kind] = dict.fromkeys(sides)
    for metric, kind_name, group, reference in pairs:
        asked.setdefault((metric, Kind(kind_name)), {})[group, reference] = None
    return tuple(
        Quantity(metric=metric, kind=kind, groups=tuple(group for group, _ in both), references=tuple(reference for _, reference in both))
        for (metric, kind), both in asked.items()
        if both
    )


def over_groups(counts: Counts, slicings: Sequence[Slicing], only: Only = None) -> tuple[Quantity, ...]:
    """Each metric over all groups of each slicing; one group alone has none."""
    able = tuple(slicing for slicing in slicings if len(counts.of_slicing(slicing)) > 1)
    return tuple(Quantity(metric=one.id, slicings=able, params=PARAMS.get(one.id, ())) for one in computable(counts, only) if one.shape is Shape.ACROSS) if able else ()


def kinds_of(metric: Metric) -> tuple[Kind, ...]:
    """How an audit compares a metric between two groups; a ratio only where it cannot be below 0 by nature."""
    if metric.shape is Shape.PAIR:
        return (Kind.VALUE,)
    if not metric.compared:
        return ()
    return (Kind.DIFFERENCE,) if (metric.shape is Shape.SCORE and not metric.is_share) or metric.bounds[0] < 0 else (Kind.DIFFERENCE, Kind.RATIO)
