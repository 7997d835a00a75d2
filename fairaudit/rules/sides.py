"""A metric of a slicing's groups, of the small ones together, of everyone else, and of everyone: what rules compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from fairaudit.cube.counts import NEGATIVE, POSITIVE, REJECTED, SELECTED, Counts
from fairaudit.cube.joined import Part, joined
from fairaudit.cube.slices import EVERYONE, Slice, Slicing
from fairaudit.errors import ConfigError
from fairaudit.evidence.design_effects import of_share, smaller
from fairaudit.evidence.estimates import estimate, has_interval
from fairaudit.evidence.intervals import Estimate
from fairaudit.evidence.rates import EVERY_LABEL, LABELLED, LEVEL, size_of
from fairaudit.evidence.wanted import Params
from fairaudit.metrics.catalogue import CATALOGUE, Metric, Shape
from fairaudit.metrics.engines.cells import remembered
from fairaudit.rules.basis import Basis, Estimates, row_variance
from fairaudit.rules.tally import tally
from fairaudit.types import Floats, Ints

OF_CELLS = frozenset(  # what needs single scores, which audit.json does not hold
    {"roc_auc", "pr_auc", "pr_auc_interpolated", "bpsn_auc", "bnsp_auc", "ks_separation", "log_loss", "brier_score", "scoring_rate"}
    | {f"{kind}_calibration_error" for kind in ("expected", "maximum", "root_mean_square")}
)
_MEANS = {  # of something of each row; the labels whose rows count
    "mean_score": EVERY_LABEL, "calibration_in_the_large": LABELLED, "brier_score": LABELLED, "log_loss": LABELLED,
    "generalized_true_positive_rate": (POSITIVE,), "generalized_false_positive_rate": (NEGATIVE,),
}  # fmt: skip
AGAINST_EVERYONE = {"bpsn_auc": "roc_auc", "bnsp_auc": "roc_auc"}  # everyone has no such value: what stands in for it
_AT_ONCE = 200  # candidates whose score cells are put together


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A metric with its 95 % interval, of several groups; None where there is none."""

    value: tuple[float | None, ...]
    lower: tuple[float | None, ...]
    upper: tuple[float | None, ...]
    infinite: tuple[int, ...] = ()  # the places of values that are infinite, and None above
    trials: tuple[Annotated[float, Meta(ge=0, le=2.0**53)], ...]  # effective rows

    def __post_init__(self) -> None:
        if not len(self.value) == len(self.lower) == len(self.upper) == len(self.trials):
            raise ValueError("values, ends of intervals and effective rows are not as many")
        if any(not 0 <= place < len(self.value) or self.value[place] is not None for place in self.infinite):
            raise ValueError("a value that is infinite is not there, or is another too")
        if any(one is not None and not (low is None or low <= one + _SLACK * abs(one)) for one, low in zip(self.value, self.lower, strict=True)):
            raise ValueError("a value is below its interval")
        if any(one is not None and not (high is None or high >= one - _SLACK * abs(one)) for one, high in zip(self.value, self.upper, strict=True)):
            raise ValueError("a value is above its interval")


_SLACK = 1e-9  # of a value: rounding


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule on a metric that needs more than counts was judged by, kept so that `gate` can judge again: single scores, or what is no rate where rows are in clusters."""

    metric: str
    slicing: Slicing
    params: dict[str, float] = {}  # the rule's own, where it gives the metric other than the audit does
    left_out: tuple[Slice, ...] = ()  # the slices of the slicing that the rule leaves out
    pooled: tuple[Slice, ...]  # the groups that are too small to be judged alone, taken together; none: no such group
    groups: Measured  # in the order of the slicing's slices, the pool last
    rest: Measured  # everyone else, for each of them
    everyone: Measured

    def __post_init__(self) -> None:
        if len(self.rest.value) != len(self.groups.value) or len(self.everyone.value) != 1:
            raise ValueError(f"{self.metric} by {' × '.join(self.slicing)} is not of each group, of everyone else for each, and of everyone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """One metric of the candidates: all groups, and behind them, where there is one, the pool of the small."""

    candidates: Basis
    others: Basis  # everyone else, for each candidate
    everyone: Basis  # shape (1,)
    spread: float  # the variance of one row, of a mean; NaN of other metrics
    share: float  # of events among the rows, by which `minimum` is reckoned; NaN where rows have no two kinds


def of_rate(metric: Metric, counts: Counts, indices: Ints, pooled: Sequence[int]) -> Sides:
    """The sides of a rate, from its counts."""
    groups = tally(counts, metric, indices)
    everyone = groups.together()
    if pooled:
        groups = groups.and_also(groups.at(np.array(pooled)).together())
    return Sides(candidates=groups, others=everyone.apart_from(groups), everyone=everyone, spread=np.nan, share=float(everyone.rate[0]))


def needs_rows(metric: Metric, counts: Counts) -> bool:
    """Whether a metric needs more than the counts that an audit file holds: single scores, or what is no rate where rows are in clusters."""
    return metric.id in OF_CELLS or (counts.clusters is not None and metric.shape is not Shape.RATE)


def sizes_of_estimate(metric: Metric, counts: Counts, indices: Ints) -> Sides:
    """The groups' rows alone, without values: from which it follows who is too small."""
    groups, rest, everyone, share = _put_together(metric, counts, indices, (), None)
    return Sides(candidates=groups, others=rest, everyone=everyone, spread=np.nan, share=share)


def of_estimate(metric: Metric, counts: Counts, indices: Ints, pooled: Sequence[int], *, params: Params, own: Params = (), kept: Sequence[Judged] = ()) -> Sides:
    """The sides of any other metric of slices, from the counts of each put together.

    Args:
        own: the parameters that the rule gives itself.
        kept: what an audit was judged by, where its scores are not at hand.

    Raises:
        ConfigError: the metric needs single scores, and neither these nor `kept` hold what it needs.
    """
    has_values = not needs_rows(metric, counts) or counts.score_cells is not None or (counts.clusters is not None and counts.clusters.entries is not None)
    groups, rest, everyone, share = _put_together(metric, counts, indices, pooled, params if has_values else None)
    if not has_values:
        found = _of_kept(metric, counts, indices, pooled, dict(own), kept)
        groups, rest, everyone = (replace(side, found=_read(one), trials=np.array(one.trials)) for side, one in zip((groups, rest, everyone), found, strict=True))
    if metric.id in AGAINST_EVERYONE:
        rest = everyone.at(np.zeros(groups.rows.size, dtype=int))
    return Sides(candidates=groups, others=rest, everyone=everyone, spread=row_variance(everyone) if metric.id in _MEANS else np.nan, share=share)


def _labels(metric: Metric) -> tuple[int, ...]:
    """Whose rows a metric rests on."""
    return _MEANS.get(metric.id, LABELLED if metric.needs_label else EVERY_LABEL)


def _put_together(
    metric: Metric, counts: Counts, indices: Ints, pooled: Sequence[int], params: Params | None
) -> tuple[Estimates, Estimates, Estimates, float]:
    """Candidates, everyone but each of them, and everyone; some candidates at a time, since each of those left has everyone's score cells.

    Args:
        params: of the metric; None where values are not wanted.
    """
    labels = _labels(metric)
    every = tuple(indices.tolist())
    members = [*((index,) for index in every), *([tuple(every[place] for place in pooled)] if pooled else [])]
    sides: list[tuple[Estimates, Estimates]] = []
    for begin in range(0, max(len(members), 1), _AT_ONCE):
        some = tuple(members[begin : begin + _AT_ONCE])
        parts = (_remembered_parts if len(members) <= _AT_ONCE else _parts)(counts, every, some)
        whole = _estimates(metric, labels, parts, params)
        sides.append((whole.at(np.s_[: len(some)]), whole.at(np.s_[len(some) : -1])))
    everyone = whole.at(np.s_[-1:])
    if params is not None and (stand_in := AGAINST_EVERYONE.get(metric.id)):
        everyone = _estimates(CATALOGUE[stand_in], labels, parts, ()).at(np.s_[-1:])
    return _concatenated([one for one, _ in sides]), _concatenated([one for _, one in sides]), everyone, _share(parts, labels, metric)


def _estimates(metric: Metric, labels: tuple[int, ...], parts: Counts, params: Params | None) -> Estimates:
    found = estimate(metric, parts, dict(params)) if params is not None else Estimate(*(np.full(len(parts.slices), np.nan) for _ in range(3)))
    assert found is not None  # `checks` lets no metric through that has no interval
    return Estimates(found=found, rows=parts.rows[:, labels].sum(axis=(1, 2)), trials=_trials(parts, labels), bounds=metric.bounds)


def _trials(parts: Counts, labels: tuple[int, ...]) -> Floats:
    """Effective rows with these labels; in clusters, as many as tell of how many are positive, or selected where one label is looked at, or labels are not."""
    size = size_of(parts, labels)
    if parts.clusters is None:
        return size
    rows = [(label, decision) for label in labels for decision in (REJECTED, SELECTED)]
    return smaller(size, of_share(parts, [one for one in rows if (one[0] == POSITIVE if labels == LABELLED else one[1] == SELECTED)], rows))


def _concatenated(some: Sequence[Estimates]) -> Estimates:
    if len(some) == 1:
        return some[0]
    found = Estimate(*(np.concatenate([getattr(one.found, name) for one in some]) for name in ("value", "lower", "upper")))
    return Estimates(found=found, rows=np.concatenate([one.rows for one in some]), trials=np.concatenate([one.trials for one in some]), bounds=some[0].bounds)


def _share(parts: Counts, labels: tuple[int, ...], metric: Metric) -> float:
    """Of positives among everyone's rows, where a metric looks at both labels."""
    weight = parts.weight[-1].sum(axis=1)
    labelled = float(weight[list(LABELLED)].sum())
    return float(weight[POSITIVE]) / labelled if metric.needs_label and labels == LABELLED and labelled > 0 else np.nan


def _parts(counts: Counts, groups: tuple[int, ...], members: tuple[tuple[int, ...], ...]) -> Counts:
    candidates = [Part(slice=Slice([("part", str(place))]), plus=own) for place, own in enumerate(members)]
    rests = [Part(slice=Slice([("rest", str(place))]), plus=groups, minus=own) for place, own in enumerate(members)]
    return joined(counts, [*candidates, *rests, Part(slice=EVERYONE, plus=groups)])


_remembered_parts = remembered(_parts)  # rules on several metrics of one slicing need the same


def _of_kept(metric: Metric, counts: Counts, indices: Ints, pooled: Sequence[int], own: dict[str, float], kept: Sequence[Judged]) -> tuple[Measured, Measured, Measured]:
    slices = [counts.slices[index] for index in indices]
    if not slices:
        none = Measured(value=(), lower=(), upper=(), trials=())
        return none, none, Measured(value=(None,), lower=(None,), upper=(None,), trials=(0.0,))
    slicing = slices[0].attributes
    asked = (metric.id, slicing, own, left_out_of(counts, slicing, indices), tuple(slices[place] for place in pooled))
    for one in kept:
        if (one.metric, one.slicing, one.params, one.left_out, one.pooled) == asked and len(one.groups.value) == len(slices) + bool(pooled):
            return one.groups, one.rest, one.everyone
    raise ConfigError(
        f"{metric.id} by {' and '.join(slicing)} needs the {'scores' if metric.id in OF_CELLS else 'clusters'} themselves, which an audit file does not hold; audit again with a --rule on it, "
        "with the same groups, `minimum` and `small_groups`."
    )


def left_out_of(counts: Counts, slicing: Slicing, indices: Ints) -> tuple[Slice, ...]:
    """The slices of a slicing that are not among these."""
    looked_at = set(indices.tolist())
    return tuple(counts.slices[index] for index in counts.of_slicing(slicing) if index not in looked_at)


def written(metric: Metric, slicing: Slicing, sides: Sides, pooled: tuple[Slice, ...], *, own: Params, left_out: tuple[Slice, ...]) -> Judged:
    """What `of_estimate` can be made of again."""
    groups, rest, everyone = (_measured(side) for side in (sides.candidates, sides.others, sides.everyone))
    return Judged(metric=metric.id, slicing=slicing, params=dict(own), left_out=left_out, pooled=pooled, groups=groups, rest=rest, everyone=everyone)


def _measured(side: Basis) -> Measured:
    found = side.estimate(LEVEL)
    return Measured(
        value=_numbers(found.value), lower=_numbers(found.lower), upper=_numbers(found.upper), infinite=tuple(np.flatnonzero(np.isposinf(found.value)).tolist()),
        trials=tuple(side.trials.tolist()),
    )  # fmt: skip


def _numbers(values: Floats) -> tuple[float | None, ...]:
    return tuple(None if not np.isfinite(one) else one for one in values.tolist())


def _read(one: Measured) -> Estimate:
    value, lower, upper = (np.array([np.nan if number is None else number for number in part], dtype=np.float64) for part in (one.value, one.lower, one.upper))
    value[list(one.infinite)] = np.inf
    return Estimate(value, lower, upper)


def can_be_judged(metric: Metric) -> bool:
    """Whether a metric of slices has an interval, without which there is no verdict."""
    return metric.of_slice and metric.shape is not Shape.COUNT and has_interval(metric)
