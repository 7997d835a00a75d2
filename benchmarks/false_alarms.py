"""How often does a gate stop fair work, and how often does it find unfair work? Ours against "smallest rate / largest rate < 0.8".

    python benchmarks/false_alarms.py --replicates 10000

Each row draws selections at known rates and judges them by the shipped four-fifths rule, through the same `judge` as an audit.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fairaudit.cube.counts import REJECTED, SELECTED, UNLABELLED, Counts
from fairaudit.cube.slices import Slice
from fairaudit.rules.finding import Verdict
from fairaudit.rules.judge import judge, overall_verdict
from fairaudit.rules.library import load_rule
from fairaudit.rules.plan import Context
from fairaudit.rules.rule import Rule
from fairaudit.types import Floats, Ints

SIX = (1000, 500, 250, 150, 70, 30)
TWENTY = tuple(round(size) for size in np.linspace(20, 300, 20))  # 3200 rows in all; RULES.md's own twenty run to 400
CONTEXT = Context(slicings=(("group",),))


@dataclass(frozen=True, slots=True)
class World:
    """Groups of known size and rate."""

    name: str
    sizes: tuple[int, ...]
    rates: tuple[float, ...]


def fair(name: str, sizes: Sequence[int], rate: float) -> World:
    return World(f"fair, {name}, rate {rate:g}", tuple(sizes), (rate,) * len(sizes))


def harmed(name: str, sizes: Sequence[int], rate: float, ratio: float, which: Sequence[int]) -> World:
    rates = tuple(rate * ratio if place in which else rate for place in range(len(sizes)))
    return World(f"{name}, rate {rate:g}, {len(which)} at {ratio:g}", tuple(sizes), rates)


WORLDS = (
    fair("six uneven", SIX, 0.3),
    fair("twenty uneven", TWENTY, 0.3),
    fair("20 x 500", (500,) * 20, 0.3),
    *(fair("six uneven", SIX, rate) for rate in (0.02, 0.05, 0.1, 0.2, 0.5, 0.9)),
    fair("20 x 500", (500,) * 20, 0.1),
    fair("2 x 500", (500,) * 2, 0.3),
    fair("2 x 50", (50,) * 2, 0.3),
    fair("6 x 15", (15,) * 6, 0.3),
    World("blatant, 5 x 15 at 0.5, 15 at 0", (15,) * 6, (0.5,) * 5 + (0.0,)),
    World("50 at 0.6, 50 at 0.3", (50, 50), (0.6, 0.3)),
    *(harmed("6 x 500", (500,) * 6, 0.3, ratio, (2,)) for ratio in (0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)),
    *(harmed("6 x 2000", (2000,) * 6, 0.3, ratio, (2,)) for ratio in (0.7, 0.8, 0.9)),
    harmed("20 x 500", (500,) * 20, 0.3, 0.6, (2,)),
    harmed("2 x 500", (500,) * 2, 0.3, 0.6, (1,)),
    *(harmed("6 x 500", (500,) * 6, rate, 0.6, (2,)) for rate in (0.1, 0.2, 0.5)),
    *(harmed(f"six uneven, that of {SIX[place]}", SIX, 0.3, 0.6, (place,)) for place in range(6)),
    World("100 at 0.45 among 2 x 1000 at 0.3", (1000, 1000, 100), (0.3, 0.3, 0.45)),
)


def drawn(world: World, rng: np.random.Generator) -> Counts:
    selected = rng.binomial(world.sizes, world.rates)
    return selection_counts(selected, np.array(world.sizes))


def selection_counts(selected: Ints, sizes: Ints) -> Counts:
    """Counts of decisions without labels, one slice a group."""
    weight: Floats = np.zeros((sizes.size, 3, 2))
    weight[:, UNLABELLED, SELECTED], weight[:, UNLABELLED, REJECTED] = selected, sizes - selected
    return Counts(
        slices=tuple(Slice((("group", str(place)),)) for place in range(sizes.size)), rows=weight.astype(np.int64), weight=weight, weight_sq=weight,
        score=None, score_sq=None, has_labels=False, has_weights=False, has_probabilities=False,
    )  # fmt: skip


def ours(rule: Rule) -> Callable[[Counts], str]:
    return lambda counts: overall_verdict(judge([rule], counts, CONTEXT)).value


def naive(counts: Counts) -> str:
    """What a spreadsheet says: fail if the smallest rate is below four fifths of the largest."""
    selected, everyone = counts.weight[:, UNLABELLED, SELECTED], counts.weight[:, UNLABELLED].sum(axis=1)
    rates = selected / everyone
    return Verdict.FAIL.value if rates.min() < 0.8 * rates.max() else Verdict.PASS.value


def fairlearns_bootstrap(datasets: int, seed: int) -> int:
    """In how many fair data sets the 95 % percentile interval of the largest difference leaves out 0."""
    from fairlearn.metrics import MetricFrame, selection_rate  # type: ignore[import-untyped]

    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(len(SIX)), SIX)
    found = 0
    for place in range(datasets):
        decided = (rng.random(group.size) < 0.3).astype(int)
        frame = MetricFrame(
            metrics=selection_rate, y_true=decided, y_pred=decided, sensitive_features=group, n_boot=100, ci_quantiles=[0.025, 0.975], random_state=place
        )
        found += frame.difference_ci()[0] > 0
    return found


def shares(world: World, gate: Callable[[Counts], str], replicates: int, seed: int) -> dict[str, float]:
    """How often each verdict falls, over worlds drawn from one seed, so that every gate sees the same ones."""
    rng = np.random.default_rng(seed)
    found = Counter(gate(drawn(world, rng)) for _ in range(replicates))
    return {verdict.value: found[verdict.value] / replicates for verdict in Verdict}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rule", default="four-fifths")
    parser.add_argument("--bootstraps", type=int, default=20, help="data sets that Fairlearn's bootstrap sees, at two seconds each")
    asked = parser.parse_args(arguments)
    gate = ours(load_rule(asked.rule))
    print(f"{asked.replicates} replicates, seed {asked.seed}, {platform.machine()}, Python {platform.python_version()}; percent")
    print(f"{'':44}{'naive':>7} |{'fail':>7}{'inconclusive':>14}{'pass':>7}{'ms':>7}")
    for world in WORLDS:
        began = time.perf_counter()
        mine = shares(world, gate, asked.replicates, asked.seed)
        each = 1000 * (time.perf_counter() - began) / asked.replicates
        other = shares(world, naive, asked.replicates, asked.seed)["fail"]
        print(f"{world.name:44}{100 * other:7.1f} |{100 * mine['fail']:7.1f}{100 * mine['inconclusive']:14.1f}{100 * mine['pass']:7.1f}{each:7.2f}", flush=True)
    if asked.bootstraps:
        found = fairlearns_bootstrap(asked.bootstraps, asked.seed)
        print(
            f"Fairlearn's MetricFrame(n_boot=100) called six fair groups (uneven, rate 0.3) unlike, its interval of the largest difference without 0, in {found} of {asked.bootstraps} data sets."
        )


if __name__ == "__main__":
    main()
