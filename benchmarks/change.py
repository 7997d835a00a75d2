"""How often does a rule on change stop an update that is none for the worse, and how often does it find one that is?

    python -m benchmarks.change --replicates 10000

Each row draws the positives of some groups, what the former model missed of them and what the new one turned, and judges them by `no-worse-than-baseline`
through the same `judge` as an audit: on the same rows, or as if nobody knew that they are the same. Then how often the paired interval holds the truth, of rows with weights and in clusters too.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace

from benchmarks.processes import machine
from fairaudit.cube.counts import POSITIVE, REJECTED, SELECTED, Counts
from fairaudit.cube.matched import CELLS, Account, Matched, MatchedClusters
from fairaudit.cube.slices import Slice
from fairaudit.metrics.catalogue import CATALOGUE
from fairaudit.rules.baseline import Baseline
from fairaudit.rules.change import Paired, changed
from fairaudit.rules.finding import Finding, Verdict
from fairaudit.rules.judge import judge, overall_verdict
from fairaudit.rules.library import load_rule
from fairaudit.rules.plan import Context
from fairaudit.types import Floats

_RULE = replace(load_rule("no-worse-than-baseline"), metric="false_negative_rate")
SIZES = (500, 250, 120, 60, 30)  # positives


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Positives of some groups, of whom the former model missed a share, and the new one turned some either way."""

    name: str
    sizes: tuple[int, ...] = SIZES
    missed: float = 0.2  # before
    turned: float = 0.04  # half of them either way, besides those that are worse
    worse: float = 0.0  # of the first group: how much larger its share of those missed is in truth


WORLDS = (
    World(name="five uneven, 4 % turned, none for the worse"),
    World(name="five uneven, 10 % turned, none for the worse", turned=0.1),
    World(name="ten × 300, 4 % turned, none for the worse", sizes=(300,) * 10),
    World(name="five uneven, 4 % turned of 5 % missed", missed=0.05),
    World(name="500 positives 0.05 worse, among 250/120/60/30", worse=0.05),
    World(name="200 positives 0.08 worse, among 500/120/60/30", sizes=(200, 500, 120, 60, 30), worse=0.08),
)


def drawn(world: World, rng: np.random.Generator) -> tuple[Counts, Matched]:
    """The new audit's counts, and the rows of both; a slice a group, all of them positive."""
    half = world.turned / 2
    cells = []
    for place, size in enumerate(world.sizes):
        gained, lost = half + (world.worse if place == 0 else 0.0), half
        cells.append(rng.multinomial(size, [world.missed - lost, gained, lost, 1 - world.missed - gained]))
    both, gained_, lost_, neither = np.array(cells).T
    weight: Floats = np.zeros((len(world.sizes), 3, 2, 2))
    for (before, now), rows in {(REJECTED, REJECTED): both, (SELECTED, REJECTED): gained_, (REJECTED, SELECTED): lost_, (SELECTED, SELECTED): neither}.items():
        weight[:, POSITIVE, before, now] = rows
    slices = tuple(Slice([("group", str(place))]) for place in range(len(world.sizes)))
    matched = Matched(
        slices=slices, rows=weight.astype(np.int64), weight=weight, weight_sq=weight, moved=np.zeros(len(slices), dtype=np.int64), has_weights=False, clusters=None,
        account=Account(matched=int(weight.sum()), relabelled=0, only_now=0, only_before=0),
    )  # fmt: skip
    return counted(slices, weight.sum(axis=2)), matched


def counted(slices: tuple[Slice, ...], weight: Floats) -> Counts:
    return Counts(slices=slices, rows=weight.astype(np.int64), weight=weight, weight_sq=weight, score=None, score_sq=None, has_labels=True, has_weights=False, has_probabilities=False)


def judged(counts: Counts, matched: Matched, *, paired: bool) -> tuple[Finding, ...]:
    """By their misses alone."""
    former = Baseline(counts=counted(counts.slices, matched.weight.sum(axis=3)), slicings=(("group",),), matched=matched if paired else None)
    return judge([_RULE], counts, Context(slicings=(("group",),), baseline=former))


def table(replicates: int, seed: int) -> list[str]:
    lines = ["| world | same rows: fails | inconclusive | the worse one named | naive: any observed past 0.02 | as independent: fails |", "| --- | --- | --- | --- | --- | --- |"]
    for world in WORLDS:
        rng, found = np.random.default_rng(seed), Counter[str]()
        for _ in range(replicates):
            counts, matched = drawn(world, rng)
            findings = judged(counts, matched, paired=True)
            found[overall_verdict(findings).value] += 1
            found["named"] += any(one.verdict is Verdict.FAIL and str(one.group) == "group=0" for one in findings)
            found["naive"] += any(one.value is not None and one.value > 0.02 for one in findings if one.group is not None and one.group.slice.values)
            found["independent"] += overall_verdict(judged(counts, matched, paired=False)) is Verdict.FAIL
        shown = [f"{100 * found[name] / replicates:.1f} %" for name in ("fail", "inconclusive", "named", "naive", "independent")]
        lines.append(f"| {world.name} | {' | '.join(shown if world.worse else [*shown[:2], '', *shown[3:]])} |")
    return lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """1,200 positives of one group, a fifth missed before; a tenth of all turns, half of them either way, so that nothing changes in truth."""

    name: str
    clusters: int = 0  # 0: rows are independent
    leaning: float = 0.0  # by which a cluster's rows turn one way rather than the other: 1 − leaning times as often, or 1 + leaning
    sigma: float = 0.0  # of the logarithm of the weights


ROWS = (
    Rows(name="independent rows"), Rows(name="weighted, σ 0.8", sigma=0.8), Rows(name="100 clusters, alike", clusters=100, leaning=0.9), Rows(name="20 clusters, alike", clusters=20, leaning=0.9),
    Rows(name="10 clusters, alike", clusters=10, leaning=0.9), Rows(name="20 clusters, not alike", clusters=20),
)  # fmt: skip
_SIZE, _MISSED, _TURNED = 1200, 0.2, 0.1


def paired(rows: Rows, rng: np.random.Generator) -> Paired:
    """One group as a rule on change sees it."""
    parts = rows.clusters or 1
    lean = rng.choice([-rows.leaning, rows.leaning], parts)
    gained, lost = _TURNED / 2 * (1 + lean), _TURNED / 2 * (1 - lean)
    counts = np.array([rng.multinomial(_SIZE // parts, chances) for chances in np.stack([_MISSED - lost, gained, lost, 1 - _MISSED - gained], axis=1)])
    places = np.array([4 + 2 * before + now for before, now in ((REJECTED, REJECTED), (SELECTED, REJECTED), (REJECTED, SELECTED), (SELECTED, SELECTED))])  # among `CELLS`, of positives
    by_part = np.zeros((parts, CELLS))
    by_part[:, places] = counts
    number: Floats = by_part.sum(axis=0)
    weight, weight_sq = number, number
    if rows.sigma:
        drawn_ = [np.exp(rows.sigma * rng.standard_normal(int(one))) for one in number]
        weight, weight_sq = (np.array([(one**power).sum() for one in drawn_]) for power in (1, 2))
    clusters = MatchedClusters(number=np.array([parts]), products=(by_part.T @ by_part)[None]) if rows.clusters else None
    slices, shape = (Slice([("group", "0")]),), (1, 3, 2, 2)
    matched = Matched(
        slices=slices, rows=number.astype(np.int64).reshape(shape), weight=weight.reshape(shape), weight_sq=weight_sq.reshape(shape), moved=np.zeros(1, dtype=np.int64),
        has_weights=rows.sigma > 0, clusters=clusters, account=Account(matched=_SIZE, relabelled=0, only_now=0, only_before=0),
    )  # fmt: skip
    now = counted(slices, matched.weight.sum(axis=2))
    found = changed(CATALOGUE["false_negative_rate"], now, np.arange(1), (), Baseline(counts=now, slicings=(("group",),), matched=matched))[1]
    assert isinstance(found, Paired)
    return found


def coverage(replicates: int, seed: int) -> list[str]:
    lines = ["| rows | 95 % interval holds the truth | one-sided p at most 0.05 |", "| --- | --- | --- |"]
    for rows in ROWS:
        rng, held, said = np.random.default_rng(seed), 0, 0
        for _ in range(replicates):
            found = paired(rows, rng)
            lower, upper = found.at_size(found.size, level=0.95)
            held += bool(lower[0] <= 0 <= upper[0])
            said += bool(found.tails()[1][0] <= 0.05)
        lines.append(f"| {rows.name} | {100 * held / replicates:.1f} % | {100 * said / replicates:.1f} % |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    print(f"Measured on {machine()}, {chosen.replicates:,} data sets each, seed {chosen.seed}.\n")
    print("\n".join((*table(chosen.replicates, chosen.seed), "", *coverage(chosen.replicates, chosen.seed))))


if __name__ == "__main__":
    main()
