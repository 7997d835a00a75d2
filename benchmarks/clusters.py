"""Rows that belong together: how often a 95 % interval then holds the truth, and how often a gate stops fair work.

    python -m benchmarks.coverage --clustered
    python -m benchmarks.clusters [--replicates N] [--seed N]

Clusters have 1 to 9 rows, 5 on average. Labels are drawn at a base rate of the cluster's own, so that two of one cluster correlate by 0.25; scores given the
label correlate by 0.28. What all rows look like together is what `benchmarks.coverage` draws, so the true values are the same.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from scipy.special import betainc, ndtr  # type: ignore[import-untyped]

from benchmarks.coverage import RATES, SIZES, judged, lines, shown, truth
from benchmarks.false_alarms import CONTEXT, SIX
from fairaudit.cube.clusters import Entries, clusters_of
from fairaudit.cube.counts import REJECTED, SELECTED, UNLABELLED, Counts, ScoreCells
from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.rules.finding import Verdict
from fairaudit.rules.judge import judge, overall_verdict
from fairaudit.rules.library import load_rule
from fairaudit.types import Bools, Floats, Ints

LARGEST = 9
ALIKE = 0.25  # the correlation of two labels of one cluster
OF_SCORES = 0.3  # that of the normal variables behind two scores
EFFECT = 1 + (6.33 - 1) * ALIKE  # a row shares its cluster with 6.33 rows on average, itself among them
_GRAIN = 2**16
_AT_ONCE = 2_000  # replicates
_GRID = np.linspace(0, 1, 4001)
_CUMULATED = {True: betainc(3, 2, _GRID), False: betainc(2, 3, _GRID)}


def owners(rows: int, replicates: int, rng: np.random.Generator) -> Ints:
    """The cluster of each row, from 0 in every replicate; shape (replicates, rows)."""
    sizes = rng.integers(1, LARGEST + 1, (replicates, rows))
    ends = np.cumsum(sizes, axis=1)
    return np.array([np.searchsorted(one, np.arange(rows), side="right") for one in ends], dtype=np.int64)


def labels(rate: Floats, owner: Ints, rng: np.random.Generator) -> Bools:
    """Beta-binomial: correlated by `ALIKE` within a cluster, at the base rate over all."""
    strength = 1 / ALIKE - 1
    chance = rng.beta(rate[:, None] * strength, (1 - rate[:, None]) * strength, owner.shape)
    out: Bools = rng.random(owner.shape) < np.take_along_axis(chance, owner, axis=1)
    return out


def drawn(rate: Floats, size: int, rng: np.random.Generator) -> Counts:
    """Counts of a slice a replicate, with its clusters."""
    shape = (rate.size, size)
    owner = owners(size, rate.size, rng)
    label = labels(rate, owner, rng)
    common = np.take_along_axis(rng.normal(size=shape), owner, axis=1)
    uniform = ndtr(np.sqrt(OF_SCORES) * common + np.sqrt(1 - OF_SCORES) * rng.normal(size=shape))
    placed = np.where(label, np.interp(uniform, _CUMULATED[True], _GRID), np.interp(uniform, _CUMULATED[False], _GRID))
    score = np.clip(np.round(placed * _GRAIN), 1, _GRAIN - 1) / _GRAIN
    slices = np.broadcast_to(np.arange(shape[0])[:, None], shape)
    place = (slices * 3 + label) * 2 + (score > 0.5)

    def summed(values: Floats) -> Floats:
        out: Floats = np.bincount(place.ravel(), values.ravel(), shape[0] * 6).reshape(-1, 3, 2)
        return out

    order = np.lexsort((label.ravel(), score.ravel(), slices.ravel()))
    scores, sorted_labels, ones = score.ravel()[order], label.ravel()[order].astype(np.int64), np.ones(order.size)
    loss = -np.log(np.where(label, score, 1 - score)).ravel()
    entries = Entries(
        cluster=(slices * size + owner).ravel(), values=slices.ravel(), label=label.ravel().astype(np.int64), decision=(score.ravel() > 0.5).astype(np.int64),
        order=(score.ravel() * _GRAIN).astype(np.int64), rows=ones.astype(np.int64), weight=ones, score=score.ravel(), score_sq=score.ravel() ** 2, loss=loss,
    )  # fmt: skip
    return Counts(
        slices=tuple(Slice([("replicate", str(one))]) for one in range(shape[0])), rows=summed(np.ones(shape)).astype(np.int64), weight=summed(np.ones(shape)),
        weight_sq=summed(np.ones(shape)), score=summed(score), score_sq=summed(score**2), has_labels=True, has_weights=False, has_probabilities=True,
        score_cells=ScoreCells(
            slice=slices.ravel()[order], order=(scores * _GRAIN).astype(np.int64), label=sorted_labels, weight=ones, weight_sq=ones, rows=ones.astype(np.int64),
            lowest=scores, highest=scores, score=scores, loss=loss[order],
        ),
        clusters=clusters_of(_dense(entries), [(("replicate",), np.arange(shape[0]))], shape[0], has_scores=True, everyone=None),
    )  # fmt: skip


def _dense(entries: Entries) -> Entries:
    """The same with clusters numbered without gaps."""
    return replace(entries, cluster=np.unique(entries.cluster, return_inverse=True)[1].reshape(-1))


def table(replicates: int, seed: int, *, sizes: Sequence[int] = SIZES, rates: Sequence[float] = RATES, naive: bool = False) -> Iterator[str]:
    """Coverage as lines of Markdown.

    Args:
        naive: take the rows for independent all the same.
    """
    rng = np.random.default_rng(seed)
    columns = [(size, rate) for size in sizes for rate in rates]
    found: dict[str, list[list[float]]] = {name: [[] for _ in columns] for name, _ in lines()}
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for place, (size, rate) in enumerate(columns):
            for begin in range(0, replicates, _AT_ONCE):
                band = rate * rng.uniform(0.8, 1.2, min(_AT_ONCE, replicates - begin))
                counts, population = drawn(band, size, rng), truth(band)
                for name, coverage in lines():
                    found[name][place].append(coverage(replace(counts, clusters=None) if naive else counts, population))
    yield "| 95 % interval of | " + " | ".join(f"n {size}, {rate:g}" for size, rate in columns) + " |"
    yield "| --- |" + " ---: |" * len(columns)
    for name, by_column in found.items():
        cells = [shown(_mean(parts), judged(name, int(size / EFFECT), rate)) for parts, (size, rate) in zip(by_column, columns, strict=True)]
        yield f"| `{name}` | {' | '.join(cells)} |"


def _mean(parts: Sequence[float]) -> float:
    known = [one for one in parts if not np.isnan(one)]
    return float(np.mean(known)) if known else np.nan


# --- The gate


def selected(sizes: Sequence[int], rates: Sequence[float], rng: np.random.Generator) -> Counts:
    """Groups of people with several rows each, selected at known rates; nobody is in two groups."""
    owner, chosen = [], []
    for size, rate in zip(sizes, rates, strict=True):
        mine = owners(size, 1, rng)
        chosen.append(labels(np.array([rate]), mine, rng)[0])
        owner.append(mine[0] + (owner[-1][-1] + 1 if owner else 0))
    group, decision, one = np.repeat(np.arange(len(sizes)), sizes), np.concatenate(chosen).astype(np.int64), np.ones(sum(sizes))
    entries = Entries(
        cluster=np.concatenate(owner), values=group, label=np.full(group.size, UNLABELLED), decision=decision, order=np.zeros(group.size, dtype=np.int64),
        rows=one.astype(np.int64), weight=one, score=0 * one, score_sq=0 * one, loss=0 * one,
    )  # fmt: skip
    weight = np.zeros((len(sizes) + 1, 3, 2))
    for side in (REJECTED, SELECTED):
        weight[1:, UNLABELLED, side] = np.bincount(group, decision == side, len(sizes))
    weight[0] = weight[1:].sum(axis=0)
    members = [((), np.zeros(len(sizes), dtype=np.int64)), (("group",), np.arange(1, len(sizes) + 1))]
    return Counts(
        slices=(EVERYONE, *(Slice([("group", f"g{place:02}")]) for place in range(len(sizes)))), rows=weight.astype(np.int64), weight=weight, weight_sq=weight,
        score=None, score_sq=None, has_labels=False, has_weights=False, has_probabilities=False,
        clusters=clusters_of(entries, members, len(sizes) + 1, has_scores=False, everyone=0),
    )  # fmt: skip


WORLDS: tuple[tuple[str, tuple[int, ...], tuple[float, ...]], ...] = (
    *((f"fair, six uneven, rate {rate:g}", SIX, (rate,) * 6) for rate in (0.1, 0.3, 0.5, 0.9)),
    ("fair, six uneven, five times the rows, rate 0.3", tuple(5 * one for one in SIX), (0.3,) * 6),
    ("fair, 20 x 500, rate 0.3", (500,) * 20, (0.3,) * 20),
    ("fair, 6 x 60, rate 0.3", (60,) * 6, (0.3,) * 6),
    ("fair, 2 x 100, rate 0.3", (100,) * 2, (0.3,) * 2),
    ("six of 1000, one at 0.6 of 0.3", (1000,) * 6, (0.3,) * 5 + (0.18,)),
)


def verdicts(sizes: Sequence[int], rates: Sequence[float], replicates: int, rng: np.random.Generator) -> tuple[Counter[Verdict], Counter[Verdict]]:
    """What four-fifths says with the clusters, and what it would say if the rows were independent."""
    rule, ours, naive = load_rule("four-fifths"), Counter[Verdict](), Counter[Verdict]()
    for _ in range(replicates):
        counts = selected(sizes, rates, rng)
        for counted, found in ((counts, ours), (replace(counts, clusters=None), naive)):
            found[overall_verdict(judge([rule], counted, CONTEXT))] += 1
    return ours, naive


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.clusters", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    rng = np.random.default_rng(asked.seed)
    print("| rows in clusters | fail | inconclusive | pass | fail, taken for independent |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, sizes, rates in WORLDS:
        ours, naive = verdicts(sizes, rates, asked.replicates, rng)
        shares = [100 * ours[one] / asked.replicates for one in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)]
        print(f"| {name} | {' | '.join(f'{one:.1f} %' for one in shares)} | {100 * naive[Verdict.FAIL] / asked.replicates:.1f} % |", flush=True)


if __name__ == "__main__":
    main()
