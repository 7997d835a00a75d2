"""Worlds of whole people, with several attributes, labels, scores and decisions: drawn as an audit would count them, quickly.

People are drawn by crossing of all attributes, label and score, and added up to the slices of every slicing; nothing loops over rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations, product

import numpy as np
from scipy.stats import beta  # type: ignore[import-untyped]

from fairaudit.cube.counts import Counts, ScoreCells
from fairaudit.cube.slices import Slice, Slicing
from fairaudit.types import Floats, Ints

Attributes = tuple[tuple[str, int], ...]  # name, number of values
GRAIN = 64  # distinct scores, of a world that has them


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """People of every crossing of the attributes, in the order of `itertools.product`; those of one crossing are alike."""

    name: str
    attributes: Attributes
    sizes: Ints | Floats  # shape (crossings,); whole where they are fixed
    chance: Floats  # of a label and a score, shape (crossings or 1, 2 labels, scores); two scores are decisions alone
    sigma: float = 0.0  # of the logarithms of the weights, which know nothing of label or score; 0: no weights
    fixed: bool = True  # the sizes are as they are; otherwise the same number of people is drawn, of any crossing

    @property
    def score(self) -> Floats:
        """Shape (scores,); above a half is selected."""
        out: Floats = (np.arange(self.chance.shape[-1]) + 0.5) / self.chance.shape[-1]
        return out

    @property
    def has_scores(self) -> bool:
        return self.chance.shape[-1] > 2

    @property
    def slicings(self) -> tuple[Slicing, ...]:
        return _cut(self.attributes)[0]


def decided(base: float, tpr: float, fpr: float) -> Floats:
    """Chances of label and decision, shape (2, 2)."""
    return np.array([[(1 - base) * (1 - fpr), (1 - base) * fpr], [base * (1 - tpr), base * tpr]])


def scored(base: float, skill: float = 3.0) -> Floats:
    """Chances of label and score, shape (2, 64): Beta(skill, 2) of positives and Beta(2, 3) of negatives."""
    return np.stack([(1 - base) * _binned(2, 3), base * _binned(skill, 2)])


def calibrated(a: float, b: float) -> Floats:
    """Chances of label and score, shape (2, 64), where scores are Beta(a, b) and mean what they say: of those who score 0.7, 0.7 are positive."""
    score = (np.arange(GRAIN) + 0.5) / GRAIN
    return np.stack([(1 - score) * _binned(a, b), score * _binned(a, b)])


@cache
def _binned(a: float, b: float) -> Floats:
    out: Floats = np.diff(beta.cdf(np.linspace(0, 1, GRAIN + 1), a, b))
    return out


def shared(total: int, *shares: Sequence[float]) -> Ints:
    """Sizes of all crossings where attributes know nothing of one another."""
    return np.array([round(total * float(np.prod(one))) for one in product(*shares)])


def drawn(world: World, rng: np.random.Generator) -> Counts:
    """One data set, counted."""
    sizes = np.rint(world.sizes).astype(np.int64) if world.fixed else rng.multinomial(round(world.sizes.sum()), world.sizes / world.sizes.sum())
    chance = np.broadcast_to(world.chance, (sizes.size, *world.chance.shape[1:])).reshape(sizes.size, -1)
    rows = rng.multinomial(sizes, chance)
    if not world.sigma:
        return counted(world, rows, rows.astype(float), rows.astype(float))
    place, weight = np.repeat(np.arange(rows.size), rows.ravel()), rng.lognormal(0, world.sigma, rows.sum())
    sums = [np.bincount(place, each, rows.size).reshape(rows.shape).astype(float) for each in (weight, weight**2)]
    return counted(world, rows, sums[0], sums[1])


def population(world: World) -> Counts:
    """What the data sets are drawn from: everybody's chances as weights."""
    weight = (world.sizes[:, None, None] * world.chance).reshape(world.sizes.size, -1)
    return counted(replace(world, sigma=0.0), np.ceil(weight).astype(np.int64), weight, weight)


def counted(world: World, rows: Ints, weight: Floats, weight_sq: Floats) -> Counts:
    """Counts of every slicing and of everyone, from sums of shape (crossings, labels × scores)."""
    slices, member = _cut(world.attributes)[1:]
    parts = [(member @ sums).reshape(len(slices), 2, -1) for sums in (rows.astype(float), weight, weight_sq)]
    chosen = world.score > 0.5

    def decisions(sums: Floats) -> Floats:
        out = np.zeros((len(slices), 3, 2))
        for decision, some in enumerate((~chosen, chosen)):
            out[:, :2, decision] = sums[:, :, some].sum(axis=2)
        return out

    return Counts(
        slices=slices, rows=decisions(parts[0]).astype(np.int64), weight=decisions(parts[1]), weight_sq=decisions(parts[2]),
        score=decisions(parts[1] * world.score) if world.has_scores else None, score_sq=decisions(parts[1] * world.score**2) if world.has_scores else None,
        has_labels=True, has_weights=world.sigma > 0, has_probabilities=world.has_scores, score_cells=_cells(world, *parts) if world.has_scores else None,
    )  # fmt: skip


def _cells(world: World, rows: Floats, weight: Floats, weight_sq: Floats) -> ScoreCells:
    """By slice, then from the lowest score up; every score is a cell of its own."""
    index, order, label = np.nonzero(rows.transpose(0, 2, 1))
    held, own = weight[index, label, order], world.score[order]
    return ScoreCells(
        slice=index, order=order, label=label, weight=held, weight_sq=weight_sq[index, label, order], rows=rows[index, label, order].astype(np.int64),
        lowest=own, highest=own, score=held * own, loss=-held * np.log(np.where(label == 1, own, 1 - own)),
    )  # fmt: skip


@cache
def _cut(attributes: Attributes) -> tuple[tuple[Slicing, ...], tuple[Slice, ...], Floats]:
    """Every slicing, every slice with everyone first, and which crossings are in it: 0 or 1, shape (slices, crossings)."""
    names = tuple(name for name, _ in attributes)
    crossings = [dict(zip(names, values, strict=True)) for values in product(*(map(str, range(number)) for _, number in attributes))]
    slicings = tuple(some for size in range(len(names) + 1) for some in combinations(names, size))
    cut = [[Slice((name, one[name]) for name in slicing) for one in crossings] for slicing in slicings]
    slices = {one: place for place, one in enumerate(dict.fromkeys(one for line in cut for one in line))}
    member = np.zeros((len(slices), len(crossings)))
    for line in cut:
        member[[slices[one] for one in line], np.arange(len(crossings))] = 1.0
    return slicings[1:], tuple(slices), member
