"""How often do intervals hold the truth that need everyone, or the values of a control? BPSN and BNSP AUC, demographic disparity, and everything of `--control`.

    python -m benchmarks.among_groups [--data-sets N] [--seed N]

A data set is a sample of people: how many are of each group and stratum is chance as well. The bar is as in `benchmarks.coverage`: 93 to 97 % where five events and five non-events of
each side are expected; below that a cell is in brackets. A test's line is how often its p-value is at least 0.05 where what it tests is so.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.coverage import LEAST, RATES, SIZES, shown
from benchmarks.worlds import World, decided, drawn, population, scored
from fairaudit.cube.slices import Slice
from fairaudit.evidence.conditional import conditional
from fairaudit.evidence.estimates import estimate
from fairaudit.evidence.measurement import Comparison
from fairaudit.metrics.catalogue import CATALOGUE
from fairaudit.metrics.engines.native import value_of

SIGMA = 0.8  # of the logarithms of weights
OTHERS = 2000  # people beside the slice
AMONG = ("bpsn_auc", "bnsp_auc", "demographic_disparity")


# --- A slice and everyone else


def beside(size: int, rate: float, sigma: float) -> World:
    """A slice whose base rate is the given one, and whose positives score lower than those of everyone else, of whom 0.3 are positive."""
    chance = np.stack([scored(rate, 2.5), scored(0.3)])
    return World(name="", attributes=(("group", 2),), sizes=np.array((size, OTHERS)), chance=chance, sigma=sigma, fixed=False)


def of_slice(size: int, rate: float, sigma: float, data_sets: int, seed: int) -> dict[str, tuple[float, bool]]:
    """Coverage of each metric of the slice, and whether the bar is for it; the base rate is drawn anew between 0.8 and 1.2 times `rate`."""
    rng, held, there = np.random.default_rng(seed), Counter[str](), Counter[str]()
    for _ in range(data_sets):
        world = beside(size, rate * rng.uniform(0.8, 1.2), sigma)
        counts, whole = drawn(world, rng), population(world)
        place, true_place = (one.index(Slice([("group", "0")])) for one in (counts, whole))
        for metric in AMONG:
            found, true = estimate(CATALOGUE[metric], counts), value_of(metric, whole)[true_place]
            if found is None or not np.isfinite(found.lower[place]) or not np.isfinite(found.upper[place]):
                continue
            there[metric] += 1
            held[metric] += bool(found.lower[place] <= true <= found.upper[place])
    weight = population(beside(size, rate, sigma)).weight[1]
    expected = {"bpsn_auc": weight[0].sum(), "bnsp_auc": weight[1].sum(), "demographic_disparity": min(weight[:, 0].sum(), weight[:, 1].sum())}
    return {one: (held[one] / there[one] if there[one] else np.nan, expected[one] >= LEAST) for one in AMONG}


# --- Groups within the values of a control


@dataclass(frozen=True, slots=True, kw_only=True)
class Strata:
    """Three groups in so many strata of so many people; the reference's selection rates run from the lowest stratum's to the highest."""

    name: str
    number: int
    size: int
    lowest: float
    highest: float


STRATA = (
    Strata(name="3 of 1,000", number=3, size=1000, lowest=0.15, highest=0.45),
    Strata(name="3 of 100", number=3, size=100, lowest=0.15, highest=0.45),
    Strata(name="10 of 200", number=10, size=200, lowest=0.15, highest=0.45),
    Strata(name="100 of 20", number=100, size=20, lowest=0.15, highest=0.45),
    Strata(name="400 of 5", number=400, size=5, lowest=0.15, highest=0.45),
    Strata(name="3 of 1,000, rates 0.1 to 0.9", number=3, size=1000, lowest=0.1, highest=0.9),
    Strata(name="3 of 1,000, rare", number=3, size=1000, lowest=0.02, highest=0.06),
    Strata(name="100 of 20, rare", number=100, size=20, lowest=0.02, highest=0.06),
)
NOTHING, ODDS, RATIO, DIFFERENCE = "nothing differs", "odds ratio 0.5", "rate ratio 0.6", "difference of half the lowest rate"
_OF_TEST = {"cochran_mantel_haenszel_statistic": (NOTHING,), "breslow_day_statistic": (NOTHING, ODDS)}
_CONSTANT = {  # where a pooled number has one true value, the same in all strata
    "mantel_haenszel_odds_ratio": (NOTHING, ODDS), "mantel_haenszel_risk_ratio": (NOTHING, RATIO), "mantel_haenszel_risk_difference": (NOTHING, DIFFERENCE), **_OF_TEST
}  # fmt: skip


def within(strata: Strata, effect: str, sigma: float) -> World:
    """Half of the people are of the reference, but fewer where more are selected; labels know nothing of decisions."""
    rate = np.linspace(strata.lowest, strata.highest, strata.number)
    lean = np.linspace(-0.1, 0.1, strata.number)
    shares = np.stack([0.5 - lean, 0.3 + lean / 2, 0.2 + lean / 2])
    harmed = {NOTHING: rate, ODDS: rate / (2 - rate), RATIO: 0.6 * rate, DIFFERENCE: rate - strata.lowest / 2}[effect]
    base = np.linspace(0.3, 0.5, strata.number)
    chance = np.stack([decided(one, selected, selected) for rates in (rate, harmed, harmed) for one, selected in zip(base, rates, strict=True)])
    return World(
        name=strata.name, attributes=(("group", 3), ("stratum", strata.number)), sizes=strata.size * shares.ravel(), chance=chance, sigma=sigma, fixed=False,
        cut=(("group", "stratum"),),
    )  # fmt: skip


_SAME_DIFFERENCE = (NOTHING, DIFFERENCE)  # where a difference of rates is the same in all strata


def compared(world: World, effect: str, rng: np.random.Generator | None) -> tuple[Comparison, ...]:
    """What an audit says within the strata, of a data set or of the population; differences of rates that need labels only where they are the same in all strata."""
    counts = drawn(world, rng) if rng else population(world)
    return conditional(replace(counts, has_labels=effect in _SAME_DIFFERENCE), {("group",): Slice([("group", "0")])}, ("stratum",), threshold=None)


Key = tuple[str, str, str]  # metric, kind, effect


def of_strata(strata: Strata, sigma: float, data_sets: int, seed: int) -> dict[Key, float]:
    """Coverage of everything that is said within strata, of both groups that are no reference together; of tests, how often they are rightly silent."""
    held, there = Counter[Key](), Counter[Key]()
    for effect in (NOTHING, ODDS, RATIO, DIFFERENCE):
        world, rng = within(strata, effect, sigma), np.random.default_rng(seed)
        true = {(one.metric, one.kind, str(one.group.slice)): one.value for one in compared(world, effect, None) if one.group}
        for _ in range(data_sets):
            for one in compared(world, effect, rng):
                if one.group is None or effect not in _CONSTANT.get(one.metric, _SAME_DIFFERENCE if one.kind == "conditional_difference" else (effect,)):
                    continue
                key, value = (one.metric, one.kind, effect), true[one.metric, one.kind, str(one.group.slice)]
                if one.metric in _OF_TEST and one.p_value is not None:
                    there[key] += 1
                    held[key] += one.p_value >= 0.05
                elif one.interval is not None and value is not None:
                    there[key] += 1
                    held[key] += one.interval[0] - 1e-12 <= value <= one.interval[1] + 1e-12
    return {key: held[key] / number for key, number in there.items()}


# --- Tables


def slice_table(data_sets: int, seed: int, sigma: float, sizes: Sequence[int] = SIZES, rates: Sequence[float] = RATES) -> Iterator[str]:
    """As lines of Markdown."""
    columns = [(size, rate) for size in sizes for rate in rates]
    yield "| 95 % interval of | " + " | ".join(f"n {size}, {rate:g}" for size, rate in columns) + " |"
    yield "| --- |" + " ---: |" * len(columns)
    found = [of_slice(*column, sigma, data_sets, seed) for column in columns]
    for metric in AMONG:
        yield f"| `{metric}` | {' | '.join(shown(*one[metric]) for one in found)} |"


def strata_table(data_sets: int, seed: int, sigma: float, worlds: Sequence[Strata] = STRATA) -> Iterator[str]:
    """As lines of Markdown."""
    yield "| 95 % interval of | where | " + " | ".join(one.name for one in worlds) + " |"
    yield "| --- | --- |" + " ---: |" * len(worlds)
    found = [of_strata(one, sigma, data_sets, seed) for one in worlds]
    for key in dict.fromkeys(key for one in found for key in one):
        metric, kind, effect = key
        name = f"`{metric}`, p at least 0.05" if metric in _OF_TEST else f"`{metric}`" if kind == "value" else f"`{metric}` conditional difference"
        yield f"| {name} | {effect} | {' | '.join(shown(one.get(key, np.nan), True) for one in found)} |"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.among_groups", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-sets", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    for made in (slice_table, strata_table):
        for sigma in (0.0, SIGMA):
            for line in made(asked.data_sets, asked.seed, sigma):
                print(line, flush=True)
            print()


if __name__ == "__main__":
    main()
