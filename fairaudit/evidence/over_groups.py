"""Metrics over all groups of a slicing, made complete: interval, the pair behind them, and reason."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import NormalDist

import numpy as np
from scipy.special import chndtr  # type: ignore[import-untyped]

from fairaudit.cube.counts import REJECTED, SELECTED, Counts
from fairaudit.cube.slices import Slicing
from fairaudit.evidence.across import extreme_ends, gap_bounds, without_words
from fairaudit.evidence.design_effects import effect_of, forms, of_benefit, of_share, smaller
from fairaudit.evidence.intervals import Estimate, effective_size, mover, mover_r, wilson
from fairaudit.evidence.measurement import Comparison, Group, Interval, Status
from fairaudit.evidence.rates import LEVEL, OF_TWO, Z
from fairaudit.evidence.significance import studentized_range_quantile
from fairaudit.metrics.answers import Answer
from fairaudit.metrics.catalogue import CATALOGUE, FN, FP, REJECTED_UNLABELLED, SELECTED_UNLABELLED, TN, TP, Cell, Metric, mask, total
from fairaudit.metrics.engines.interface import Kind
from fairaudit.metrics.engines.native import value_of
from fairaudit.metrics.engines.over_groups import POSITIVE_ONLY, Benefits, Outcome, Params, benefits, known_groups, smoothed, widest
from fairaudit.types import Floats, Ints

_LABELLED = (TP, FP, FN, TN)
_EVERYBODY = (*_LABELLED, SELECTED_UNLABELLED, REJECTED_UNLABELLED)
_OF: dict[tuple[Outcome, bool], tuple[tuple[Cell, ...], tuple[Cell, ...]]] = {  # whose share of whom a smoothed rate is
    ("decision", True): ((TP, FP), _LABELLED),
    ("decision", False): ((TP, FP, SELECTED_UNLABELLED), _EVERYBODY),
    ("label", True): ((TP, FN), _LABELLED),
}
_ROUNDING = 1e-12  # what is left of 0 where the parts of an index are taken from each other
_BENEFITS = ((0.0, (FN,)), (1.0, (TP, TN)), (2.0, (FP,)))


def over_groups(answers: Sequence[Answer], counts: Counts, *, threshold: float | None) -> tuple[Comparison, ...]:
    """A comparison for each metric and slicing, in the order of slicings. It names the pair that is furthest apart, where the metric looks for one."""
    made = [(place, one) for answer in answers for place, one in enumerate(_comparisons(answer, counts, threshold))]
    return tuple(one for _, one in sorted(made, key=lambda pair: pair[0]))


def _comparisons(answer: Answer, counts: Counts, threshold: float | None) -> Iterator[Comparison]:
    quantity, metric = answer.quantity, CATALOGUE[answer.quantity.metric]
    params = dict(quantity.params)
    for place, slicing in enumerate(quantity.slicings):
        value = float(answer.value[place])
        pair = widest(metric.id, counts, slicing, params)
        ends = _BOUNDS[metric.id](counts, slicing, value, params) if math.isfinite(value) else None
        yield Comparison(
            metric=metric.id, kind=quantity.kind.value, params=params, slicing=slicing,
            group=None if pair is None else Group(slice=counts.slices[pair.lowest]), reference=None if pair is None else Group(slice=counts.slices[pair.highest]),
            threshold=threshold, value=value if math.isfinite(value) else None, interval=_clipped(ends, metric),
            status=Status.OK if math.isfinite(value) else Status.INFINITE if math.isinf(value) else Status.UNDEFINED,
            reason=_reason(metric, counts, slicing, value, "" if pair is None else pair.of), engines=answer.of(place),
        )  # fmt: skip


def _reason(metric: Metric, counts: Counts, slicing: Slicing, value: float, of: str) -> str:
    """Why there is no value; or of what the pair's rates are, and that some groups have none."""
    if math.isnan(value):
        return metric.undefined
    if math.isinf(value):
        return metric.infinite
    parts = [of] if of else []
    if metric.id.startswith("equalized_odds"):
        groups = known_groups(counts, slicing)
        lacking = np.isnan(value_of("true_positive_rate", counts)[groups]) | np.isnan(value_of("false_positive_rate", counts)[groups])
        parts += filter(None, [without_words(counts, groups[lacking])])
    return "; ".join(parts)


def _clipped(ends: Interval | None, metric: Metric) -> Interval | None:
    if ends is None or not all(map(math.isfinite, ends)):
        return None
    lower, upper = (float(np.clip(end, *metric.bounds)) for end in ends)
    return lower, upper


# --- Inequality between and within groups


def _of_between(scale: Callable[[float, Counts, Ints, float], float]) -> Callable[[Counts, Slicing, float, Params], Interval | None]:
    """An interval of GE(2) between the groups, carried over to another index of the same spread.

    Args:
        scale: that index where GE(2) between the groups is so much.
    """

    def bounds(counts: Counts, slicing: Slicing, value: float, params: Params) -> Interval | None:
        groups = np.array(counts.of_slicing(slicing), dtype=int)
        ends = _between_squares(counts, groups)
        return None if ends is None else (scale(ends[0], counts, groups, value), max(scale(ends[1], counts, groups, value), value))

    return bounds


def _between_squares(counts: Counts, groups: Ints) -> Interval | None:
    """Of GE(2) between groups, which is half the spread of their means over the squared mean: a one-way analysis of variance.

    The groups' sum of squares over the variance within them is noncentral chi-square, and its noncentrality is what the true means would give; all
    noncentralities that a test would not reject are the interval. None of one group. A normal limit would be wrong near 0, where the index cannot be below.

    Source: Scheffé (1959), The Analysis of Variance, section 2.10 and appendix IV for the inversion.
    """
    found = benefits(counts, groups)
    size, spread = _anova(counts, found)
    if not (spread > 0 and size > found.groups.size > 1):
        return None
    squares = float((found.weight * (found.mean - found.overall) ** 2).sum() / found.weight.sum())
    lower, upper = _noncentrality(size * squares / spread, found.groups.size - 1)
    unit = spread / (2 * size * found.overall**2)
    return lower * unit, upper * unit


def _anova(counts: Counts, found: Benefits) -> tuple[float, float]:
    """The effective number of labelled rows, and the variance of the benefit within groups."""
    some = counts.weight[found.groups]
    weight, weight_sq = (float(total(sums, _LABELLED).sum()) for sums in (some, counts.weight_sq[found.groups]))
    size = (float(effective_size(np.array(weight), np.array(weight_sq))) if counts.has_weights else weight) / _between_effect(counts, found)
    within = sum((total(some, cells) * (benefit - found.mean) ** 2).sum() for benefit, cells in _BENEFITS)
    return size, float(within) / weight * size / max(size - found.groups.size, 1.0)


def _between_effect(counts: Counts, found: Benefits) -> float:
    """How much the groups' means differ by chance, over what they would if rows were independent; NaN where that is not known of a group.

    Source: Rao & Scott (1981), JASA 76:221: the mean of the groups' design effects, each by what it does not have of the rows.
    """
    if counts.clusters is None or found.groups.size < 2:
        return 1.0
    rest = 1 - found.weight / found.weight.sum()
    return float((rest * of_benefit(counts)[found.groups]).sum() / (found.groups.size - 1))


def _noncentrality(statistic: float, freedom: int) -> Interval:
    """The noncentralities at which the statistic is the upper and the lower 2.5 % point.

    The upper end is never below what equal groups give on average: groups that are by chance more alike than equal ones are say nothing more, and where the statistic
    is below its 2.5 % point under equality both ends would be 0. With two groups of 20 that was so in 8 % of data sets, and the truth held in 89 %.
    """
    def at(tail: float, found: float) -> float:
        low, high = 0.0, found + 10 * math.sqrt(found) + 100
        if chndtr(found, freedom, 0.0) <= tail:
            return 0.0
        while high - low > 1e-9 * (1 + high):
            middle = (low + high) / 2
            low, high = (middle, high) if chndtr(found, freedom, middle) > tail else (low, middle)
        return low

    return at((1 + LEVEL) / 2, statistic), at((1 - LEVEL) / 2, max(statistic, float(freedom)))


def _in_proportion(squares: float, counts: Counts, groups: Ints, value: float) -> float:
    """Indices of other α grow in proportion to GE(2) where the groups' means are near one another."""
    found = benefits(counts, groups)
    half = float((found.weight * (found.mean / found.overall - 1) ** 2).sum() / found.weight.sum() / 2)
    return squares * value / half if half > 0 else squares


def _root(squares: float, counts: Counts, groups: Ints, value: float) -> float:
    return math.sqrt(2 * squares)


def _within_group_entropy(counts: Counts, slicing: Slicing, value: float, params: Params) -> Interval | None:
    """By its influence function, on the scale of logarithms: what a row more of each benefit in each group would change."""
    groups = np.array(counts.of_slicing(slicing), dtype=int)
    found, alpha = benefits(counts, groups), params.get("alpha", 2.0)
    if value <= _ROUNDING:
        return None
    some, squares, share = counts.weight[found.groups], counts.weight_sq[found.groups], found.weight / found.weight.sum()
    level = found.mean / found.overall
    moment = sum(float(total(some, cells).sum()) * (benefit / found.overall) ** alpha for benefit, cells in _BENEFITS) / found.weight.sum()
    between = float((share * level**alpha).sum())
    variance, slopes = 0.0, np.zeros((len(counts.slices), 3, 2))
    for benefit, cells in _BENEFITS:
        ratio = benefit / found.overall
        of_all = ratio**alpha - moment - alpha * moment * (ratio - 1)
        of_means = level**alpha - between + alpha * level ** (alpha - 1) * (ratio - level) - alpha * between * (ratio - 1)
        variance += float((total(squares, cells) * (of_all - of_means) ** 2).sum())
        for cell in cells:
            slopes[found.groups, *cell] = of_all - of_means
    error = math.sqrt(variance * _effect(counts, found.groups, slopes, variance, _LABELLED)) / abs(alpha * (alpha - 1)) / float(found.weight.sum())
    reach = math.exp(Z * error / value)
    return value / reach, value * reach


def _effect(counts: Counts, groups: Ints, slopes: Floats, variance: float, cells: tuple[Cell, ...]) -> float:
    """The design effect of what changes by `slopes` with each row's weight, whose variance is as if rows were independent; 1 where they are."""
    if counts.clusters is None:
        return 1.0
    between = forms(counts, slopes)[groups].sum()
    products = forms(counts, np.broadcast_to(mask(cells), slopes.shape).astype(float))[groups].sum()
    weight, weight_sq = (total(sums[groups], cells).sum() for sums in (counts.weight, counts.weight_sq))
    return float(effect_of(np.array(between), np.array(variance), np.array(weight**2 / products), np.array(products / weight_sq)))


# --- Demographic disparity


def _mean_demographic_disparity(counts: Counts, slicing: Slicing, value: float, params: Params) -> Interval | None:
    """By the delta method over the groups' selected and rejected."""
    groups = np.array(counts.of_slicing(slicing), dtype=int)
    weight, squares = (sums[groups].sum(axis=1) for sums in (counts.weight, counts.weight_sq))
    sizes, totals = weight.sum(axis=1), weight.sum(axis=0)
    share = weight / totals
    disparity = share[:, REJECTED] - share[:, SELECTED]
    variance, slopes = 0.0, np.zeros((len(counts.slices), 3, 2))
    for decision, sign in ((REJECTED, 1.0), (SELECTED, -1.0)):
        slope = disparity - value + sign * (sizes - float((sizes * share[:, decision]).sum())) / totals[decision]
        variance += float((squares[:, decision] * slope**2).sum())
        slopes[groups, :, decision] = slope[:, None]
    reach = Z * math.sqrt(variance * _effect(counts, groups, slopes, variance, _EVERYBODY)) / float(sizes.sum())
    return value - reach, value + reach


# --- The two groups that are furthest apart


def _equalized_odds(kind: Kind) -> Callable[[Counts, Slicing, float, Params], Interval | None]:
    """The larger ends of both gaps, each at a level at which the larger of two holds; the smaller ends of both ratios."""
    taken = max if kind is Kind.GAP else min

    def bounds(counts: Counts, slicing: Slicing, value: float, params: Params) -> Interval | None:
        groups = known_groups(counts, slicing)
        parts = [gap_bounds(CATALOGUE[name], kind, counts, groups, level=OF_TWO) for name in ("true_positive_rate", "false_positive_rate")]
        held = [part for part in parts if part is not None]
        return (taken(low for low, _ in held), taken(high for _, high in held)) if len(held) == len(parts) else None

    return bounds


def _differential_fairness(counts: Counts, slicing: Slicing, value: float, params: Params) -> Interval | None:
    return _epsilon_bounds(counts, known_groups(counts, slicing), params["concentration"], "decision", labelled=False, positive_only=bool(params.get(POSITIVE_ONLY)))


def _amplification(counts: Counts, slicing: Slicing, value: float, params: Params) -> Interval | None:
    """As if decisions and labels were independent: too wide where, as usual, they go together."""
    groups, parts = known_groups(counts, slicing), []
    outcomes: tuple[tuple[Outcome, float], ...] = (("decision", 1.0), ("label", -1.0))
    for of, sign in outcomes:
        ends = _epsilon_bounds(counts, groups, params["concentration"], of, labelled=True)
        found = smoothed(counts, groups, params["concentration"], of=of, labelled=True).chance
        apart = max(abs(math.log(chance.max() / chance.min())) for chance in (found, 1 - found))
        parts.append((sign, Estimate(np.array(apart), np.array(ends[0]), np.array(ends[1]))))
    lower, upper = mover(parts)
    return float(lower), float(upper)


def _epsilon_bounds(counts: Counts, groups: Ints, concentration: float, of: Outcome, *, labelled: bool, positive_only: bool = False) -> Interval:
    """The widest ends of all pairs' ratios, of both outcomes or the positive one alone, at the level at which they hold together; on the scale of logarithms."""
    found = smoothed(counts, groups, concentration, of=of, labelled=labelled)
    critical = studentized_range_quantile(1 - LEVEL, found.groups.size) / math.sqrt(2)
    size = effective_size(found.weight, found.weight_sq) if counts.has_weights else found.weight
    if counts.clusters is not None:
        size = smaller(size, of_share(counts, *_OF[of, labelled])[found.groups])
    size = size + concentration
    lower, upper = wilson(found.chance * size, size, level=2 * NormalDist().cdf(critical) - 1)
    sides = (Estimate(found.chance, lower, upper), *(() if positive_only else (Estimate(1 - found.chance, 1 - upper, 1 - lower),)))
    with np.errstate(divide="ignore"):
        ends = np.log([extreme_ends(one, mover_r, np.fmax.reduce) for one in sides])
    return max(0.0, *ends[:, 0].tolist()), max(0.0, *ends[:, 1].tolist())


_BOUNDS: dict[str, Callable[[Counts, Slicing, float, Params], Interval | None]] = {
    "equalized_odds_gap": _equalized_odds(Kind.GAP),
    "equalized_odds_ratio": _equalized_odds(Kind.MIN_MAX_RATIO),
    "between_group_generalized_entropy_index": _of_between(_in_proportion),
    "within_group_generalized_entropy_index": _within_group_entropy,
    "between_group_theil_index": _of_between(_in_proportion),
    "between_group_coefficient_of_variation": _of_between(_root),
    "mean_demographic_disparity": _mean_demographic_disparity,
    "differential_fairness": _differential_fairness,
    "differential_fairness_amplification": _amplification,
}
