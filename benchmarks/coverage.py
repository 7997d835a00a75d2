"""How often does a 95 % interval hold the truth? Every kind of interval, by simulation.

    python -m benchmarks.coverage [--replicates N] [--seed N] [--clustered]

A replicate is a slice, so thousands are measured at once by the code that measures an audit. Base rates are drawn from a band around each point (0.8 to 1.2
times it), since the coverage of counts jumps from one rate to the next.

A cell of the table holds the coverage in percent; it is in brackets where fewer than five events or non-events are expected, for which no bar is set.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from fairaudit.cube.counts import NEGATIVE, POSITIVE, REJECTED, SELECTED, Counts, ScoreCells
from fairaudit.cube.slices import Slice
from fairaudit.evidence.estimates import estimate, method_of, pair_bounds
from fairaudit.evidence.histograms import intervals
from fairaudit.evidence.intervals import Bounds, effective_size
from fairaudit.evidence.wanted import HISTOGRAM, kinds_of
from fairaudit.metrics.catalogue import CATALOGUE, Shape
from fairaudit.metrics.engines.cells import bins_of
from fairaudit.metrics.engines.interface import Kind, Quantity
from fairaudit.metrics.engines.native import NativeEngine, value_of
from fairaudit.types import Bools, Floats

SIZES, RATES = (30, 100, 1000), (0.02, 0.05, 0.1, 0.3, 0.5)
LEAST, LOW, HIGH = 5, 0.93, 0.97
TPR, FPR = 0.7, 0.3
_GRAIN = 2**16  # distinct scores


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the rows are drawn from: labels at the base rate, and scores by label, of which those above a half are selected."""

    rate: Floats  # base rate, shape (slices,)
    size: int
    weighted: bool

    def scores(self, label: Bools, rng: np.random.Generator) -> Floats:
        """Beta(3, 2) of positives and Beta(2, 3) of negatives, on a grid; neither calibrated nor a caricature."""
        drawn = np.where(label, rng.beta(3, 2, label.shape), rng.beta(2, 3, label.shape))
        out: Floats = np.clip(np.round(drawn * _GRAIN), 1, _GRAIN - 1) / _GRAIN
        return out


def drawn(world: World, rng: np.random.Generator) -> Counts:
    """Counts of a slice a replicate; weights, where there are any, know nothing of label or score."""
    shape = (world.rate.size, world.size)
    label = rng.random(shape) < world.rate[:, None]
    score = world.scores(label, rng)
    return counted(label, score, rng.lognormal(0, 0.5, shape) if world.weighted else np.ones(shape), weighted=world.weighted)


def counted(label: Bools, score: Floats, weight: Floats, *, weighted: bool) -> Counts:
    """Counts of rows of shape (slices, rows), every distinct score a cell; selected above a half."""
    shape = label.shape
    owner = np.broadcast_to(np.arange(shape[0])[:, None], shape)
    place = (owner * 3 + label) * 2 + (score > 0.5)

    def summed(values: Floats) -> Floats:
        out: Floats = np.bincount(place.ravel(), values.ravel(), shape[0] * 6).reshape(-1, 3, 2)
        return out

    order = np.lexsort((label.ravel(), score.ravel(), owner.ravel()))
    rows, scores = weight.ravel()[order], score.ravel()[order]
    return Counts(
        slices=tuple(Slice([("replicate", str(one))]) for one in range(shape[0])), rows=summed(np.ones(shape)).astype(np.int64), weight=summed(weight),
        weight_sq=summed(weight**2), score=summed(weight * score), score_sq=summed(weight * score**2), has_labels=True, has_weights=weighted, has_probabilities=True,
        score_cells=ScoreCells(
            slice=owner.ravel()[order], order=(scores * _GRAIN).astype(np.int64), label=label.ravel()[order].astype(np.int64), weight=rows, weight_sq=rows**2,
            rows=np.ones(order.size, dtype=np.int64), lowest=scores, highest=scores, score=rows * scores,
            loss=-rows * np.log(np.where(label.ravel()[order], scores, 1 - scores)),
        ),
    )  # fmt: skip


def truth(rate: Floats) -> Counts:
    """Counts of a population at each base rate, without error: the density of both classes on a grid."""
    middle = (np.arange(4000) + 0.5) / 4000
    shares = {POSITIVE: 12 * middle**2 * (1 - middle) / 4000, NEGATIVE: 12 * middle * (1 - middle) ** 2 / 4000}  # Beta(3, 2), Beta(2, 3)
    weight, score, score_sq = (np.zeros((rate.size, 3, 2)) for _ in range(3))
    for label, share in shares.items():
        base = rate if label == POSITIVE else 1 - rate
        for decision, chosen in ((SELECTED, middle > 0.5), (REJECTED, middle <= 0.5)):
            for sums, power in ((weight, 0), (score, 1), (score_sq, 2)):
                sums[:, label, decision] = base * (share * middle**power)[chosen].sum()
    return Counts(
        slices=tuple(Slice([("replicate", str(one))]) for one in range(rate.size)), rows=np.ones((rate.size, 3, 2), dtype=np.int64), weight=weight, weight_sq=weight,
        score=score, score_sq=score_sq, has_labels=True, has_weights=False, has_probabilities=True,
    )  # fmt: skip


def true_value(metric: str, population: Counts) -> Floats:
    """What a metric is in the population; those of the order of scores by integrals over the grid."""
    known = _OF_ORDER.get(metric)
    if known is None:
        return value_of(metric, population)
    return known(_base_rate(population))


def _base_rate(population: Counts) -> Floats:
    out: Floats = population.weight[:, POSITIVE].sum(axis=1)
    return out


_MIDDLE = (np.arange(4000) + 0.5) / 4000
_POSITIVES, _NEGATIVES = 12 * _MIDDLE**2 * (1 - _MIDDLE) / 4000, 12 * _MIDDLE * (1 - _MIDDLE) ** 2 / 4000  # Beta(3, 2), Beta(2, 3)
_ABOVE = [np.cumsum(share[::-1])[::-1] - share / 2 for share in (_NEGATIVES, _POSITIVES)]


def _true_precision(rate: Floats) -> Floats:
    """∫ precision dR, a block of rates at a time."""
    blocks = [rate[begin : begin + 500, None] for begin in range(0, rate.size, 500)]
    return np.concatenate([(_POSITIVES * one * _ABOVE[POSITIVE] / (one * _ABOVE[POSITIVE] + (1 - one) * _ABOVE[NEGATIVE])).sum(axis=1) for one in blocks])


_APART = float(np.abs(_ABOVE[POSITIVE] - _ABOVE[NEGATIVE]).max())
_OF_ORDER: dict[str, Callable[[Floats], Floats]] = {
    "roc_auc": lambda rate: np.full(rate.size, float((_NEGATIVES * _ABOVE[POSITIVE]).sum())),
    "pr_auc": _true_precision,
    "pr_auc_interpolated": _true_precision,  # the same where scores are continuous
    "ks_separation": lambda rate: np.full(rate.size, _APART),
    "log_loss": lambda rate: -rate * (_POSITIVES * np.log(_MIDDLE)).sum() - (1 - rate) * (_NEGATIVES * np.log(1 - _MIDDLE)).sum(),
}


def true_bins(rate: Floats, bins: int = 10) -> tuple[Floats, Floats, Floats]:
    """The share of each bin, and the mean score and the share positive in it, shape (slices, bins)."""
    place = (_MIDDLE * bins).astype(np.int64)
    positive, negative, of_positive, of_negative = (np.bincount(place, one, bins) for one in (_POSITIVES, _NEGATIVES, _POSITIVES * _MIDDLE, _NEGATIVES * _MIDDLE))
    base = rate[:, None]
    share = base * positive + (1 - base) * negative
    return share, (base * of_positive + (1 - base) * of_negative) / share, base * positive / share


def error_of(metric: str, share: Floats, gap: Floats, counts: Counts) -> Floats:
    """A calibration error from the true gaps; the largest is that of the bins that hold rows, since nothing is known of the others."""
    if metric == "expected_calibration_error":
        found: Floats = (share * np.abs(gap)).sum(axis=1)
        return found
    if metric == "root_mean_square_calibration_error":
        root: Floats = np.sqrt((share * gap**2).sum(axis=1))
        return root
    held = bins_of(counts, {})
    largest: Floats = np.where(held.weight > 0, np.abs(gap), 0.0).max(axis=1) if held else np.full(len(counts.slices), np.nan)
    return largest


CALIBRATION_ERRORS = ("expected_calibration_error", "maximum_calibration_error", "root_mean_square_calibration_error")
_NEED_EVERYONE = ("bpsn_auc", "bnsp_auc", "demographic_disparity")  # beside the slices, which here are not parts of one whole


def holds(bounds: Bounds | None, true: Floats, *, open_above: bool = False) -> float:
    """The share of intervals that hold the truth, of those that there are; NaN where there is none."""
    if bounds is None:
        return np.nan
    lower, upper = bounds
    there = np.isfinite(lower) & (np.isfinite(upper) | open_above) & np.isfinite(true)
    upper = np.where(np.isfinite(upper), upper, np.inf)
    return float(np.mean((lower <= true + 1e-12) & (true - 1e-12 <= upper), where=there)) if there.any() else np.nan


Line = tuple[str, Callable[[Counts, Counts], float]]  # what is measured, and its coverage: of replicates, of the population


def lines() -> Iterator[Line]:
    """Every metric by itself, and every comparison of two halves of the replicates."""
    for metric in CATALOGUE.values():
        if (
            metric.shape is Shape.COUNT
            or metric.id in _NEED_EVERYONE
            or metric.shape in (Shape.ACROSS, Shape.CONDITIONAL, Shape.INDIVIDUAL, Shape.DISTRIBUTION, Shape.POPULATION)
            or method_of(metric).startswith("none")
        ):
            continue
        if metric.shape is not Shape.PAIR:
            yield metric.id, lambda counts, population, one=metric: _alone(one.id, counts, population)  # type: ignore[misc]
        for kind in kinds_of(metric):
            name = metric.id if kind is Kind.VALUE else f"{metric.id} {kind.value}"
            yield name, lambda counts, population, one=metric, how=kind: _compared(one.id, how, counts, population)  # type: ignore[misc]
    yield HISTOGRAM, _of_bins


def _alone(metric: str, counts: Counts, population: Counts) -> float:
    found = estimate(CATALOGUE[metric], counts)
    if metric in CALIBRATION_ERRORS:
        share, score, positive = true_bins(_base_rate(population))
        true = error_of(metric, share, score - positive, counts)
    else:
        true = true_value(metric, population)
    return holds((found.lower, found.upper) if found else None, true)


def _of_bins(counts: Counts, population: Counts) -> float:
    """The share positive of each bin in which enough positives and negatives are expected, every bin by itself."""
    found = bins_of(counts, {})
    if found is None:
        return np.nan
    share, _, positive = true_bins(_base_rate(population))
    rows = share * effective_size(found.weight.sum(axis=1), found.weight_sq.sum(axis=1))[:, None]
    enough = rows * np.minimum(positive, 1 - positive) >= LEAST
    lower, upper = (np.where(enough, end, np.nan) for end in intervals(counts, found, {"bins": 10.0}))
    return holds((lower, upper), positive)


def _compared(metric: str, kind: Kind, counts: Counts, population: Counts) -> float:
    half = len(counts.slices) // 2
    groups, references = np.arange(half), np.arange(half, 2 * half)
    bounds = pair_bounds(CATALOGUE[metric], kind, counts, groups, references)
    if metric == "kolmogorov_smirnov_distance":  # two mixtures of the same two classes
        rate = _base_rate(population)
        return holds(bounds, np.abs(rate[groups] - rate[references]) * _APART)
    if CATALOGUE[metric].shape is Shape.PAIR:
        both = Quantity(metric=metric, groups=tuple(groups.tolist()), references=tuple(references.tolist()))
        return holds(bounds, NativeEngine().measure([both], population)[0])
    true = true_value(metric, population)
    with np.errstate(divide="ignore", invalid="ignore"):
        return holds(bounds, true[groups] - true[references] if kind is Kind.DIFFERENCE else true[groups] / true[references], open_above=kind is Kind.RATIO)


def table(replicates: int, seed: int, *, weighted: bool, sizes: Sequence[int] = SIZES, rates: Sequence[float] = RATES) -> Iterator[str]:
    """The table as lines of Markdown."""
    rng = np.random.default_rng(seed)
    columns = [(size, rate) for size in sizes for rate in rates]
    yield "| 95 % interval of | " + " | ".join(f"n {size}, {rate:g}" for size, rate in columns) + " |"
    yield "| --- |" + " ---: |" * len(columns)
    worlds = []
    for size, rate in columns:
        band = rate * rng.uniform(0.8, 1.2, 2 * max(1, replicates // 2))
        worlds.append((drawn(World(rate=band, size=size, weighted=weighted), rng), truth(band)))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for name, coverage in lines():
            cells = [shown(coverage(*world), judged(name, *column)) for world, column in zip(worlds, columns, strict=True)]
            yield f"| `{name}` | {' | '.join(cells)} |"


def judged(name: str, size: float, rate: float) -> bool:
    """Whether the bar holds of a line: five positives are expected that are selected, and five that are not, and likewise of negatives, so that every rate has events.

    The largest calibration error is one bin's, which must have as many of both for itself.
    """
    rarest = min(TPR, 1 - TPR, FPR, 1 - FPR)
    return size * min(rate, 1 - rate) * rarest >= LEAST and (name != "maximum_calibration_error" or _in_worst_bin(size, rate) >= LEAST)


def _in_worst_bin(size: float, rate: float) -> float:
    """How many of the rarer label are expected in the bin that is furthest off, of the base rates in the band the one with the fewest."""
    share, score, positive = true_bins(rate * np.linspace(0.8, 1.2, 41))
    worst = np.abs(score - positive).argmax(axis=1)[:, None]
    fewer = np.take_along_axis(share * np.minimum(positive, 1 - positive), worst, axis=1)
    return float(size * fewer.min())


def shown(coverage: float, has_bar: bool) -> str:
    if np.isnan(coverage):
        return "none"
    text = f"{100 * coverage:.1f}"
    if not has_bar:
        return f"({text})"
    return text if LOW <= coverage <= HIGH else f"**{text}**"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--clustered", action="store_true", help="rows in clusters, instead of the tables without and with weights")
    asked = parser.parse_args(arguments)
    if asked.clustered:
        from benchmarks import clusters  # which draws on this module

        print(*clusters.table(asked.replicates, asked.seed), sep="\n")
        return
    for weighted in (False, True):
        print(f"### {'Rows of weights, whose logarithms have the standard deviation 0.5' if weighted else 'Rows without weights'}\n")
        for line in table(asked.replicates, asked.seed, weighted=weighted):
            print(line, flush=True)
        print()


if __name__ == "__main__":
    main()
