"""How often do the intervals of calibration errors hold the truth, where scores are right, nearly right, or wrong in one place?

    python -m benchmarks.calibration_errors [--replicates N] [--seed N]

Labels are drawn from what is true of each score, so that the true error is known; coverage.py has scores by label. A cell holds the coverage in percent.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.coverage import CALIBRATION_ERRORS, counted, error_of, holds
from fairaudit.evidence.estimates import estimate
from fairaudit.metrics.catalogue import CATALOGUE
from fairaudit.types import Floats

SIZES, BINS = (30, 100, 300, 1000, 5000), 10
_GRID = 10_000  # distinct scores
_SCORES = (np.arange(_GRID) + 0.5) / _GRID


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Beta scores, and the share positive among the rows that have one."""

    name: str
    beta: tuple[float, float]
    truth: Callable[[Floats], Floats]


def _moved(*, by: float = 0.0, slope: float = 1.0) -> Callable[[Floats], Floats]:
    return lambda score: 1 / (1 + np.exp(-by - slope * np.log(score / (1 - score))))


def _right(score: Floats) -> Floats:
    return score


WORLDS = (
    World(name="right, uniform", beta=(1, 1), truth=_right),
    World(name="right, Beta(2, 3)", beta=(2, 3), truth=_right),
    World(name="right, Beta(1, 9)", beta=(1, 9), truth=_right),
    World(name="right, Beta(½, ½)", beta=(0.5, 0.5), truth=_right),
    World(name="right, Beta(20, 20)", beta=(20, 20), truth=_right),
    World(name="log odds too low by 0.1, uniform", beta=(1, 1), truth=_moved(by=0.1)),
    World(name="log odds too low by 0.25, uniform", beta=(1, 1), truth=_moved(by=0.25)),
    World(name="log odds too low by 1, uniform", beta=(1, 1), truth=_moved(by=1.0)),
    World(name="log odds too low by ½, Beta(1, 9)", beta=(1, 9), truth=_moved(by=0.5)),
    World(name="log odds twice too far out, uniform", beta=(1, 1), truth=_moved(slope=0.5)),
    World(name="one bin of ten wrong by 0.2", beta=(1, 1), truth=lambda score: np.where((score > 0.4) & (score < 0.5), score + 0.2, score)),
    World(name="bins wrong by 0.05, up and down", beta=(1, 1), truth=lambda score: np.clip(score + np.where((score * BINS).astype(int) % 2, 0.05, -0.05), 0, 1)),
)


def true_gaps(world: World) -> tuple[Floats, Floats]:
    """The share of each bin and its gap, shape (1, bins)."""
    a, b = world.beta
    density = _SCORES ** (a - 1) * (1 - _SCORES) ** (b - 1)
    place = (_SCORES * BINS).astype(int)
    share = np.bincount(place, density, BINS)
    gap = np.bincount(place, density * (_SCORES - world.truth(_SCORES)), BINS) / share
    return (share / share.sum())[None, :], gap[None, :]


def coverages(world: World, size: int, replicates: int, rng: np.random.Generator, *, weighted: bool) -> dict[str, float]:
    """How often each calibration error's interval holds the truth."""
    shape, (share, gap) = (replicates, size), true_gaps(world)
    score = (np.clip(np.floor(rng.beta(*world.beta, shape) * _GRID), 0, _GRID - 1) + 0.5) / _GRID
    label = rng.random(shape) < world.truth(score)
    counts = counted(label, score, rng.lognormal(0, 0.5, shape) if weighted else np.ones(shape), weighted=weighted)
    found = {metric: estimate(CATALOGUE[metric], counts, {"bins": float(BINS)}) for metric in CALIBRATION_ERRORS}
    return {metric: holds((one.lower, one.upper) if one else None, error_of(metric, share, gap, counts)) for metric, one in found.items()}


def table(replicates: int, seed: int, *, weighted: bool) -> Iterator[str]:
    rng = np.random.default_rng(seed)
    short = {metric: metric.removesuffix("_calibration_error").replace("_", " ") for metric in CALIBRATION_ERRORS}
    yield "| scores | true expected error | " + " | ".join(f"{name}, n {size}" for name in short.values() for size in SIZES) + " |"
    yield "| --- |" + " ---: |" * (1 + len(SIZES) * len(short))
    for world in WORLDS:
        share, gap = true_gaps(world)
        # As many rows in all for each size, so that none needs more memory.
        by_size = [coverages(world, size, max(1, replicates * min(1000, size) // size), rng, weighted=weighted) for size in SIZES]
        cells = [f"{100 * one[metric]:.1f}" for metric in short for one in by_size]
        yield f"| {world.name} | {float((share * np.abs(gap)).sum()):.3f} | {' | '.join(cells)} |"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration_errors", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    for weighted in (False, True):
        print(f"### Calibration errors, rows {'of weights, whose logarithms have the standard deviation 0.5' if weighted else 'without weights'}\n")
        for line in table(asked.replicates, asked.seed, weighted=weighted):
            print(line, flush=True)
        print()


if __name__ == "__main__":
    main()
