"""How often do the intervals over all groups of a slicing hold the truth: gaps, smallest over largest, and what takes all groups together.

    python -m benchmarks.gaps [--data-sets N] [--seed N]

A data set is a slicing. In the fair worlds all groups are alike, so the true gap is 0 and the true ratio 1; in the others they differ in base rate and in
how their positives score. What is judged too narrow is below 93 %, in bold; these intervals may be wide, since they hold for all pairs at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.command import printed
from benchmarks.coverage import LOW
from fairaudit.cube.counts import Counts, ScoreCells
from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.evidence.across import across
from fairaudit.evidence.measurement import Comparison
from fairaudit.evidence.over_groups import over_groups
from fairaudit.evidence.wanted import over_groups as wanted
from fairaudit.metrics.answers import gathered, replies
from fairaudit.metrics.engines.native import NativeEngine
from fairaudit.types import Bools, Ints

GROUP = ("group",)
_GRAIN = 64  # distinct scores: cells enough, and quick
_POPULATION = 400_000  # rows a group, from which the truth is taken


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Groups with their sizes, base rates, and the first parameter of their positives' Beta(·, 2) scores; a score above a half is selected."""

    name: str
    sizes: tuple[int, ...]
    base: tuple[float, ...]
    skill: tuple[float, ...]


def _alike(name: str, sizes: tuple[int, ...]) -> World:
    return World(name=name, sizes=sizes, base=(0.3,) * len(sizes), skill=(3.0,) * len(sizes))


UNEVEN = (1000, 500, 250, 150, 70, 30)
WORLDS = (
    _alike("fair, two of 500", (500, 500)),
    _alike("fair, six uneven", UNEVEN),
    _alike("fair, twenty of 500", (500,) * 20),
    World(name="differing, three of 2,000, 800 and 200", sizes=(2000, 800, 200), base=(0.3, 0.2, 0.4), skill=(3.0, 2.5, 4.0)),
    World(name="differing, six uneven", sizes=UNEVEN, base=(0.3, 0.25, 0.4, 0.3, 0.35, 0.3), skill=(3.0, 2.5, 3.0, 4.0, 3.0, 2.5)),
)


def drawn(world: World, sizes: Sequence[int], rng: np.random.Generator) -> Counts:
    """A data set of these sizes; everyone is its first slice."""
    owner = np.repeat(np.arange(len(sizes)), sizes)
    label = rng.random(owner.size) < np.array(world.base)[owner]
    score = np.where(label, rng.beta(np.array(world.skill)[owner], 2), rng.beta(2, 3, owner.size))
    return counted(owner, label, np.clip(np.round(score * _GRAIN), 1, _GRAIN - 1).astype(np.int64), len(sizes))


def counted(owner: Ints, label: Bools, grain: Ints, groups: int) -> Counts:
    """Counts of rows by group, label and score; every score is a cell of its own."""
    cells = np.bincount((owner * 2 + label) * _GRAIN + grain, minlength=groups * 2 * _GRAIN).reshape(groups, 2, _GRAIN).astype(np.float64)
    cells = np.concatenate([cells.sum(axis=0, keepdims=True), cells])
    score = np.arange(_GRAIN) / _GRAIN
    weight, moment, square = np.zeros((groups + 1, 3, 2)), np.zeros((groups + 1, 3, 2)), np.zeros((groups + 1, 3, 2))
    for decision, chosen in ((0, score <= 0.5), (1, score > 0.5)):
        for sums, power in ((weight, 0), (moment, 1), (square, 2)):
            sums[:, :2, decision] = (cells * score**power)[:, :, chosen].sum(axis=2)
    index, order, of_label = np.nonzero(cells.transpose(0, 2, 1))  # by slice, then from the lowest score up
    held, own = cells[index, of_label, order], score[order]
    loss = -held * np.log(np.where(of_label == 1, own, 1 - own))
    return Counts(
        slices=(EVERYONE, *(Slice([("group", str(place))]) for place in range(groups))), rows=weight.astype(np.int64), weight=weight, weight_sq=weight,
        score=moment, score_sq=square, has_labels=True, has_weights=False, has_probabilities=True,
        score_cells=ScoreCells(
            slice=index, order=order, label=of_label, weight=held, weight_sq=held, rows=held.astype(np.int64), lowest=own, highest=own, score=held * own, loss=loss
        ),
    )  # fmt: skip


def measured(counts: Counts) -> tuple[Comparison, ...]:
    """What an audit says of all groups together."""
    asked = wanted(counts, (GROUP,))
    return (*across(counts, (GROUP,), threshold=0.5), *over_groups(gathered(asked, replies(NativeEngine(), asked, counts)), counts, threshold=0.5))


def truth(world: World, rng: np.random.Generator) -> dict[tuple[str, str], float]:
    """Of a population in which the groups have the world's shares; where they are alike, exactly so."""
    alike = len(set(world.base)) == len(set(world.skill)) == 1
    one_size = (_POPULATION,) * len(world.sizes)
    whole = drawn(replace(world, base=world.base[:1], skill=world.skill[:1]), one_size[:1], rng) if alike else drawn(world, one_size, rng)
    return {(one.metric, one.kind): one.value for one in measured(_shared(whole, world, alike=alike)) if one.value is not None}


def _shared(whole: Counts, world: World, *, alike: bool) -> Counts:
    """The population's groups weighed by the world's shares."""
    cells = whole.score_cells
    if cells is None:
        raise ValueError("a world has scores")
    groups, scores = [], np.round(cells.lowest * _GRAIN).astype(np.int64)
    for place in range(len(world.sizes)):
        mine = cells.slice == (1 if alike else place + 1)
        groups.append(
            np.column_stack([np.full(mine.sum(), place), cells.label[mine], scores[mine], np.round(cells.weight[mine] * world.sizes[place] / min(world.sizes))])
        )
    owner, label, grain, times = np.concatenate(groups).astype(np.int64).T
    return counted(np.repeat(owner, times), np.repeat(label, times).astype(bool), np.repeat(grain, times), len(world.sizes))


def coverage(world: World, data_sets: int, seed: int) -> dict[tuple[str, str], float]:
    """The share of intervals that hold the truth, of those that there are."""
    rng = np.random.default_rng(seed)
    true, held, there = truth(world, rng), Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    total, share = sum(world.sizes), np.array(world.sizes) / sum(world.sizes)
    for _ in range(data_sets):
        for one in measured(drawn(world, rng.multinomial(total, share).tolist(), rng)):
            key = (one.metric, one.kind)
            if one.interval is None or key not in true:
                continue
            there[key] += 1
            held[key] += one.interval[0] - 1e-9 <= true[key] <= one.interval[1] + 1e-9
    return {key: held[key] / number for key, number in there.items()}


def table(data_sets: int, seed: int, worlds: Sequence[World] = WORLDS) -> Iterator[str]:
    """The table as lines of Markdown."""
    found = [coverage(world, data_sets, seed) for world in worlds]
    yield "| 95 % interval of | " + " | ".join(world.name for world in worlds) + " |"
    yield "| --- |" + " ---: |" * len(worlds)
    for metric, kind in dict.fromkeys(key for one in found for key in one):
        cells = [_shown(one.get((metric, kind), np.nan)) for one in found]
        yield f"| `{metric}{'' if kind == 'value' else f' {kind}'}` | {' | '.join(cells)} |"


def _shown(coverage: float) -> str:
    if np.isnan(coverage):
        return "none"
    return f"{100 * coverage:.1f}" if coverage >= LOW else f"**{100 * coverage:.1f}**"


def main(arguments: Sequence[str] | None = None) -> None:
    printed(table, name="gaps", doc=__doc__, data_sets=2000, arguments=arguments)


if __name__ == "__main__":
    main()
