"""How often does the interval of a change of a number of scores hold the truth, on the same rows?

    python -m benchmarks.score_changes --replicates 1000

Each world draws people, their labels, the score that a former model gave them and the one that a new one gives them. The truth is the change on half a million of them.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.processes import machine
from fairaudit.cube.score_pairs import Pairs
from fairaudit.evidence.score_changes import changed
from fairaudit.types import Floats

NUMBERS = (
    "mean_score", "generalized_true_positive_rate", "generalized_false_positive_rate", "calibration_in_the_large", "calibration_ratio", "brier_score", "log_loss", "coefficient_of_discrimination", "roc_auc", "pr_auc", "ks_separation",
)  # fmt: skip
SIZES = (100, 300, 1000)
_TRUTH = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A truth of each person, of which both models see as much as they do, and labels drawn from it."""

    name: str
    base: float = 0.0  # of the truth's logit: 0 is a half of all positive
    noise: tuple[float, float] = (1.0, 1.0)  # of each model's logit
    shared: float = 0.5  # of the noise's variance: what both get wrong alike
    replaced: float = 0.0  # share of the former scores that are a constant now, and all others stay
    sigma: float = 0.0  # of the logarithm of the weights
    clusters: int = 0  # 0: rows are independent; else noise is a cluster's own by half


WORLDS = (
    World(name="two models of one quality"),
    World(name="a better one", noise=(1.5, 0.5)),
    World(name="5 % positive, two of one quality", base=-3.6),
    World(name="a fifth of the scores replaced by 0.5", replaced=0.2),
    World(name="a twentieth replaced", replaced=0.05),
    World(name="weights of σ 0.8", sigma=0.8),
    World(name="a cluster for every 10 rows", clusters=10),
)


def drawn(world: World, size: int, rng: np.random.Generator) -> Pairs:
    truth = world.base + 1.2 * rng.standard_normal(size)
    label = (rng.random(size) < _share(truth)).astype(np.int64)
    cluster = np.arange(size) // world.clusters if world.clusters else None
    same = _noise(rng, size, cluster)
    before, now = (_share(truth + one * (np.sqrt(world.shared) * same + np.sqrt(1 - world.shared) * _noise(rng, size, cluster))) for one in world.noise)
    if world.replaced:
        now = np.where(rng.random(size) < world.replaced, 0.5, before)
    weight = np.exp(world.sigma * rng.standard_normal(size))
    return Pairs(before=before, now=now, label=label, weight=weight, copies=np.ones(size, dtype=np.int64), cluster=cluster)


def _noise(rng: np.random.Generator, size: int, cluster: np.ndarray | None) -> Floats:
    own: Floats = rng.standard_normal(size)
    return own if cluster is None else np.sqrt(0.5) * (own + rng.standard_normal(size)[cluster])


def _share(logit: Floats) -> Floats:
    out: Floats = 1 / (1 + np.exp(-logit))
    return out


def table(replicates: int, seed: int, *, worlds: Sequence[World] = WORLDS, sizes: Sequence[int] = SIZES, names: Sequence[str] = NUMBERS, people: int = _TRUTH) -> list[str]:
    """Of each number and size, in how many of the data sets that have an interval it holds the truth; where fewer than nine in ten have one, that share too."""
    lines = [f"| world | rows | {' | '.join(f'`{name}`' for name in names)} |", f"| --- | ---: | {' | '.join('---:' for _ in names)} |"]
    for world in worlds:
        true = {name: changed(name, drawn(world, people, np.random.default_rng([seed, 1]))).value for name in names}
        for size in sizes:
            rng = np.random.default_rng([seed, size])
            held, had = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
            for _ in range(replicates):
                pairs = drawn(world, size, rng)
                for name in names:
                    found = changed(name, pairs)
                    had[name] += bool(np.isfinite(found.lower))
                    held[name] += bool(found.lower <= true[name] <= found.upper)
            lines.append(f"| {world.name} | {size:,} | {' | '.join(_shown(held[name], had[name], replicates) for name in names)} |")
    return lines


def _shown(held: int, had: int, replicates: int) -> str:
    if not had:
        return "none"
    return f"{100 * held / had:.1f}" + (f" (of {100 * had / replicates:.0f} %)" if had < 0.9 * replicates else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    print(f"Measured on {machine()}, {chosen.replicates:,} data sets each, seed {chosen.seed}.\n")
    print("\n".join(table(chosen.replicates, chosen.seed)))


if __name__ == "__main__":
    main()
