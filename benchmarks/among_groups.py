"""How often do intervals hold the truth that need everyone, or the values of a control? BPSN and BNSP AUC, demographic disparity, and everything of `--control`.

    python -m benchmarks.among_groups [--data-sets N] [--seed N] [--clustered]

A data set is a sample of people: how many are of each group and stratum is chance as well. The bar is as in `benchmarks.coverage`: 93 to 97 % where five events and five non-events of
each side are expected; below that a cell is in brackets. A test's line is how often its p-value is at least 0.05 where what it tests is so; there is
none where less than one data set of a hundred has a p-value. `--clustered`: weighted rows in clusters within a control, instead of the others.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr  # type: ignore[import-untyped]

from benchmarks.clusters import EFFECT, owners
from benchmarks.coverage import LEAST, RATES, SIZES, shown
from benchmarks.worlds import World, decided, drawn, population, scored
from fairaudit.cube.clusters import Entries, clusters_of
from fairaudit.cube.counts import REJECTED, SELECTED, Counts
from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.evidence import strata
from fairaudit.evidence.conditional import Strata, conditional
from fairaudit.evidence.estimates import estimate
from fairaudit.evidence.intervals import effective_size
from fairaudit.evidence.measurement import Comparison
from fairaudit.evidence.strata import Pooled, Tables
from fairaudit.metrics.catalogue import CATALOGUE
from fairaudit.metrics.engines.native import value_of
from fairaudit.types import Floats, Ints

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
    of_order = population(beside(size, rate, sigma))  # which knows nothing of the base rate
    place = of_order.index(Slice([("group", "0")]))
    for _ in range(data_sets):
        world = beside(size, rate * rng.uniform(0.8, 1.2), sigma)
        counts = drawn(world, rng)
        for metric in AMONG:
            found, true = estimate(CATALOGUE[metric], counts), value_of(metric, population(world) if metric == "demographic_disparity" else of_order)[place]
            if found is None or not np.isfinite(found.lower[place]) or not np.isfinite(found.upper[place]):
                continue
            there[metric] += 1
            held[metric] += bool(found.lower[place] <= true <= found.upper[place])
    weight = population(beside(size, rate, sigma)).weight[1]
    expected = {"bpsn_auc": weight[0].sum(), "bnsp_auc": weight[1].sum(), "demographic_disparity": min(weight[:, 0].sum(), weight[:, 1].sum())}
    return {one: (held[one] / there[one] if there[one] else np.nan, expected[one] >= LEAST) for one in AMONG}


# --- Groups within the values of a control


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """Strata of so many people each; the reference's selection rates run from the lowest stratum's to the highest."""

    name: str
    number: int
    size: int
    lowest: float = 0.15
    highest: float = 0.45


CONTROLS = (
    Control(name="3 of 1,000", number=3, size=1000),
    Control(name="3 of 100", number=3, size=100),
    Control(name="10 of 200", number=10, size=200),
    Control(name="100 of 20", number=100, size=20),
    Control(name="400 of 5", number=400, size=5),
    Control(name="3 of 1,000, rates 0.1 to 0.9", number=3, size=1000, lowest=0.1, highest=0.9),
    Control(name="2 of 200, rates 0.05 and 0.95", number=2, size=200, lowest=0.05, highest=0.95),
    Control(name="3 of 1,000, rates 0.02 to 0.06", number=3, size=1000, lowest=0.02, highest=0.06),
    Control(name="100 of 20, rates 0.02 to 0.06", number=100, size=20, lowest=0.02, highest=0.06),
)
SHARES = np.array((0.5, 0.3, 0.2))  # of the reference and two groups, in the middle stratum
NOTHING, ODDS, RATIO, DIFFERENCE = "nothing differs", "odds ratio 0.5", "rate ratio 0.6", "difference of half the lowest rate"
_SELDOM = 0.01
_AT_ONCE = 2_000_000  # sums, so that some hundred megabytes are enough


def chances(control: Control, effect: str) -> Floats:
    """Of a group, stratum, label and decision, shape (3, strata, 2, 2): fewer are of the reference where more are selected, and labels know nothing of decisions."""
    rate = np.linspace(control.lowest, control.highest, control.number)
    lean = np.linspace(-0.1, 0.1, control.number)
    share = (SHARES[:, None] + np.outer((-1, 0.5, 0.5), lean)) / control.number
    harmed = {NOTHING: rate, ODDS: rate / (2 - rate), RATIO: 0.6 * rate, DIFFERENCE: rate - control.lowest / 2}[effect]
    base = np.linspace(0.3, 0.5, control.number)
    of_group = [np.stack([decided(*each) for each in zip(base, rates, rates, strict=True)]) for rates in (rate, harmed, harmed)]
    out: Floats = share[:, :, None, None] * np.stack(of_group)
    return out


def sampled(chance: Floats, people: int, sigma: float, data_sets: int, rng: np.random.Generator) -> tuple[Strata, Floats]:
    """Data sets of so many people, each group of each a group of its own, and how many rows each data set is worth."""
    rows = rng.multinomial(people, chance.ravel(), size=data_sets)
    weight = weight_sq = rows.astype(float)
    if sigma:
        place, drawn_weight = np.repeat(np.arange(rows.size), rows.ravel()), rng.lognormal(0, sigma, rows.sum())
        weight, weight_sq = (np.bincount(place, each, rows.size).reshape(rows.shape) for each in (drawn_weight, drawn_weight**2))
    size = effective_size(weight.sum(axis=1), weight_sq.sum(axis=1))
    return strata_of(weight, weight_sq, chance, has_weights=sigma > 0), size


def strata_of(weight: Floats, weight_sq: Floats, chance: Floats, *, has_weights: bool) -> Strata:
    """From sums of shape (data sets, cells of `chance`)."""
    groups, number = chance.shape[:2]
    whole = [np.zeros((weight.shape[0] * groups, number, 3, 2)) for _ in range(2)]
    for sums, part in zip(whole, (weight, weight_sq), strict=True):
        sums[:, :, :2] = part.reshape(-1, number, 2, 2)
    return Strata(slicing=("group",), control=("stratum",), groups=(), strata=(), weight=whole[0], weight_sq=whole[1], has_weights=has_weights)


_POOLED = {
    "mantel_haenszel_odds_ratio": strata.mantel_haenszel_odds_ratio, "mantel_haenszel_risk_ratio": strata.mantel_haenszel_risk_ratio,
    "mantel_haenszel_risk_difference": strata.mantel_haenszel_risk_difference, "cochran_mantel_haenszel_statistic": strata.cochran_mantel_haenszel,
    "breslow_day_statistic": strata.breslow_day,
}  # fmt: skip
_CONSTANT = {  # where a pooled number has one true value, the same in all strata
    "mantel_haenszel_odds_ratio": (NOTHING, ODDS), "mantel_haenszel_risk_ratio": (NOTHING, RATIO), "mantel_haenszel_risk_difference": (NOTHING, DIFFERENCE),
    "cochran_mantel_haenszel_statistic": (NOTHING,), "breslow_day_statistic": (NOTHING, ODDS),
}  # fmt: skip
_TESTS = ("cochran_mantel_haenszel_statistic", "breslow_day_statistic")
_DIFFERENCES = ("selection_rate", "true_positive_rate", "positive_predictive_value")  # of rates of all, of one label, of one decision


def compared(known: Strata, size: Floats, effect: str) -> dict[str, Pooled]:
    """What is said of both groups that are no reference, of every data set; as `evidence.conditional` puts the same functions together for one."""
    out: dict[str, Pooled] = {}
    number, rows = known.weight.shape[1], np.repeat(size, 2)

    def split(values: Floats) -> tuple[Floats, Floats]:
        """Of the groups, and of their reference."""
        three = values.reshape(-1, SHARES.size, number)
        return three[:, 1:].reshape(-1, number), np.repeat(three[:, 0], 2, axis=0)

    for name in _DIFFERENCES:
        events, trials = (split(part) for part in known.of(CATALOGUE[name]))
        weight = split(known.weight_of(CATALOGUE[name]))
        tables = Tables(events[0], trials[0], events[1], trials[1], weight=weight[0], other_weight=weight[1])
        out[f"`{name}` conditional difference"] = strata.conditional_difference(tables)
        if name == "selection_rate":
            of_selection = tables
    for name, method in _POOLED.items():
        if effect in _CONSTANT[name]:
            found = method(of_selection)
            large = strata.strata_are_large(of_selection) if name == "breslow_day_statistic" else True
            out[f"`{name}`, p at least 0.05" if name in _TESTS else f"`{name}`"] = found if found.p is None else Pooled(value=found.value, p=np.where(large, found.p, np.nan))
    both = known.weight.sum(axis=2).reshape(-1, SHARES.size, number, 2)
    squares = known.weight_sq.sum(axis=2).reshape(both.shape).sum(axis=1)
    everybody = np.repeat(both.sum(axis=(1, 3)), 2, axis=0)
    out["`standardized_selection_rate`"] = strata.standardized_rate(everybody, of_selection.events, of_selection.trials, rows)
    totals = both.sum(axis=1)
    worth = effective_size(totals, squares) if known.has_weights else totals
    sides = [(_part(both[:, 1:, :, one] * worth[:, None, :, one], totals[:, None, :, one]).reshape(-1, number), np.repeat(worth[:, :, one], 2, axis=0)) for one in (REJECTED, SELECTED)]
    out["`conditional_demographic_disparity`"] = strata.demographic_disparity(everybody, sides[0], sides[1], rows)
    return out


def _part(part: Floats, whole: Floats) -> Floats:
    """0 where there is nobody."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


Key = tuple[str, str]  # what is measured, where


def of_control(control: Control, sigma: float, data_sets: int, seed: int) -> dict[Key, tuple[float, bool]]:
    """Coverage of everything that is said within strata, of tests how often they are rightly silent, each where there is one; and whether the bar is for it."""
    told: dict[Key, tuple[float, bool]] = {}
    people = control.number * control.size
    for effect in (NOTHING, ODDS, RATIO, DIFFERENCE):
        chance, rng, held = chances(control, effect), np.random.default_rng(seed), dict[str, list[Floats]]()
        weight = people * chance.reshape(1, -1)
        population = strata_of(weight, weight, chance, has_weights=False)
        true = compared(population, np.array([float(people)]), effect)
        block = max(1, _AT_ONCE // chance.size)
        for begin in range(0, data_sets, block):
            known, size = sampled(chance, people, sigma, min(block, data_sets - begin), rng)
            for name, found in compared(known, size, effect).items():
                held.setdefault(name, []).append(_holds(found, np.tile(true[name].value, size.size)))
        for name, parts in held.items():
            some = np.concatenate(parts)
            told[name, effect] = _share(some), _is_enough(name, population)
    return told


def _share(held: Floats) -> float:
    """NaN where less than a hundredth of the data sets have anything that could hold: what the few have in common would be told."""
    return float(np.nanmean(held)) if np.isfinite(held).mean() >= _SELDOM else np.nan


def _is_enough(name: str, population: Strata) -> bool:
    """Whether five events and five non-events are expected of each side: of the rate that is compared, or of selections."""
    metric = name.split("`")[1]
    events, trials = population.of(CATALOGUE[metric if metric in _DIFFERENCES else "selection_rate"])
    return bool(min(events.sum(axis=1).min(), (trials - events).sum(axis=1).min()) >= LEAST)


def _holds(found: Pooled, true: Floats) -> Floats:
    """1 where the truth is held or a test is silent, 0 where not, NaN where there is no interval or no p-value."""
    if found.p is not None:
        return np.where(np.isnan(found.p), np.nan, found.p >= 0.05)
    if found.bounds is None:
        raise ValueError("what is no test has an interval")
    lower, upper = found.bounds
    return np.where(np.isfinite(lower) & np.isfinite(upper), (lower - 1e-12 <= true) & (true <= upper + 1e-12), np.nan)


# --- Of rows in clusters

TOGETHER = 0.4  # the correlation of the normal variables behind two decisions of a cluster, and behind two labels: of decisions 0.17 to 0.26, by their rates


def in_clusters(control: Control, effect: str, sigma: float, one_stratum: bool, rng: np.random.Generator) -> tuple[Counts, Counts]:
    """One data set, counted by group and stratum, and by group with its clusters. Clusters of 1 to 9 rows are of one group, and of one stratum or of several."""
    chance, people = chances(control, effect), control.number * control.size
    by_group, strata_named = chance.sum(axis=(1, 2, 3)), [str(one) for one in range(control.number)]
    cluster = owners(people, 1, rng)[0]
    of_cluster = rng.choice(SHARES.size, int(cluster[-1]) + 1, p=by_group)
    group = of_cluster[cluster]
    reached = np.cumsum(chance.sum(axis=(2, 3)) / by_group[:, None], axis=1)
    place = rng.random(of_cluster.size)[cluster] if one_stratum else rng.random(people)
    stratum = np.minimum((place[:, None] > reached[group]).sum(axis=1), control.number - 1)
    rate = chance.sum(axis=2)[..., SELECTED] / chance.sum(axis=(2, 3))
    base = chance.sum(axis=3)[..., 1] / chance.sum(axis=(2, 3))
    label, decision = (_alike(each[group, stratum], cluster, rng) for each in (base, rate))
    weight = rng.lognormal(0, sigma, people) if sigma else np.ones(people)
    cell, crossed = label * 2 + decision, group * control.number + stratum
    entries = Entries(
        cluster=cluster, values=group, label=label, decision=decision, order=np.zeros(people, dtype=np.int64), rows=np.ones(people, dtype=np.int64), weight=weight,
        score=0 * weight, score_sq=0 * weight, loss=0 * weight,
    )  # fmt: skip
    groups = [Slice([("group", str(one))]) for one in range(SHARES.size)]
    members = [((), np.zeros(SHARES.size, dtype=np.int64)), (("group",), np.arange(1, SHARES.size + 1))]
    clusters = clusters_of(entries, members, SHARES.size + 1, has_scores=False, everyone=0)
    within = _decided([Slice([*one.values, ("stratum", name)]) for one in groups for name in strata_named], crossed, cell, weight, weighted=sigma > 0)
    whole = _decided([EVERYONE, *groups], np.r_[np.zeros(people, dtype=np.int64), group + 1], np.tile(cell, 2), np.tile(weight, 2), weighted=sigma > 0)
    return within, replace(whole, clusters=clusters)


def _alike(rate: Floats, cluster: Ints, rng: np.random.Generator) -> Ints:
    """Ones and zeros at these rates, alike within a cluster."""
    common = rng.normal(size=int(cluster[-1]) + 1)[cluster]
    out: Ints = (ndtr(np.sqrt(TOGETHER) * common + np.sqrt(1 - TOGETHER) * rng.normal(size=rate.size)) < rate).astype(np.int64)
    return out


def _decided(slices: Sequence[Slice], owner: Ints, cell: Ints, weight: Floats, *, weighted: bool) -> Counts:
    """Counts of rows, of which each is in a slice and has a label and a decision."""
    sums = []
    for each in (np.ones_like(weight), weight, weight**2):
        whole = np.zeros((len(slices), 3, 2))
        whole[:, :2] = np.bincount(owner * 4 + cell, each, len(slices) * 4).reshape(-1, 2, 2)
        sums.append(whole)
    return Counts(
        slices=tuple(slices), rows=sums[0].astype(np.int64), weight=sums[1], weight_sq=sums[2], score=None, score_sq=None, has_labels=True, has_weights=weighted,
        has_probabilities=False,
    )  # fmt: skip


def of_clusters(control: Control, sigma: float, one_stratum: bool, data_sets: int, seed: int) -> dict[Key, tuple[float, bool]]:
    """As `of_control`, by what an audit says of one data set at a time."""
    told: dict[Key, tuple[float, bool]] = {}
    reference, people = Slice([("group", "0")]), control.number * control.size
    for effect in (NOTHING, ODDS, RATIO, DIFFERENCE):
        chance, rng, held = chances(control, effect), np.random.default_rng(seed), dict[str, list[float]]()
        weight = people / EFFECT * chance.reshape(1, -1)  # effective rows
        population = strata_of(weight, weight, chance, has_weights=False)
        true = compared(population, np.array([people / EFFECT]), effect)
        for _ in range(data_sets):
            within, whole = in_clusters(control, effect, sigma, one_stratum, rng)
            for one in conditional(within, {("group",): reference}, ("stratum",), threshold=None, whole=whole):
                name = f"`{one.metric}`" + (" conditional difference" if one.kind == "conditional_difference" else ", p at least 0.05" if one.metric in _TESTS else "")
                if name in true and one.group.slice != reference:
                    held.setdefault(name, []).append(_is_held(one, float(true[name].value[int(one.group.slice.values[0][1]) - 1])))
        for name, parts in held.items():
            told[name, effect] = _share(np.array(parts)), _is_enough(name, population)
    return told


def _is_held(found: Comparison, true: float) -> float:
    """As `_holds`, of one."""
    if found.metric in _TESTS:
        return np.nan if found.p_value is None else float(found.p_value >= 0.05)
    return np.nan if found.interval is None else float(found.interval[0] - 1e-12 <= true <= found.interval[1] + 1e-12)


# --- Tables


def slice_table(data_sets: int, seed: int, sigma: float, sizes: Sequence[int] = SIZES, rates: Sequence[float] = RATES) -> Iterator[str]:
    """As lines of Markdown."""
    columns = [(size, rate) for size in sizes for rate in rates]
    yield "| 95 % interval of | " + " | ".join(f"n {size}, {rate:g}" for size, rate in columns) + " |"
    yield "| --- |" + " ---: |" * len(columns)
    found = [of_slice(*column, sigma, data_sets, seed) for column in columns]
    for metric in AMONG:
        yield f"| `{metric}` | {' | '.join(shown(*one[metric]) for one in found)} |"


def control_table(data_sets: int, seed: int, sigma: float, controls: Sequence[Control] = CONTROLS) -> Iterator[str]:
    """As lines of Markdown."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        yield from _told([one.name for one in controls], [of_control(one, sigma, data_sets, seed) for one in controls])


def clustered_table(data_sets: int, seed: int, sigma: float, controls: Sequence[Control] = CONTROLS[:4]) -> Iterator[str]:
    """As lines of Markdown, each control twice: a cluster's rows in strata of their own, and all in one."""
    columns = [(one, in_one) for one in controls for in_one in (False, True)]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        yield from _told([f"{one.name}{', clusters within' if in_one else ''}" for one, in_one in columns], [of_clusters(one, sigma, in_one, data_sets, seed) for one, in_one in columns])


def _told(names: Sequence[str], found: Sequence[dict[Key, tuple[float, bool]]]) -> Iterator[str]:
    yield "| 95 % interval of | where | " + " | ".join(names) + " |"
    yield "| --- | --- |" + " ---: |" * len(names)
    for name, effect in sorted(dict.fromkeys(key for one in found for key in one), key=lambda key: key[0]):
        yield f"| {name} | {effect} | {' | '.join(shown(*one.get((name, effect), (np.nan, True))) for one in found)} |"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.among_groups", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-sets", type=int, default=2000, help="of each slice; five times as many of each control")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--clustered", action="store_true", help="weighted rows in clusters, within a control; a tenth of the data sets")
    asked = parser.parse_args(arguments)
    if asked.clustered:
        print(*clustered_table(max(1, asked.data_sets // 10), asked.seed, SIGMA), sep="\n")
        return
    for made in (slice_table, control_table):
        for sigma in (0.0, SIGMA):
            for line in made(asked.data_sets if made is slice_table else 5 * asked.data_sets, asked.seed, sigma):
                print(line, flush=True)
            print()


if __name__ == "__main__":
    main()
