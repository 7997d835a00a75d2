"""How often is a run stopped, all its rules and slicings together? On fair data, at most 5 % of the time; and with weights.

    python -m benchmarks.runs [--data-sets N] [--bootstraps N] [--seed N]

A data set is whole people with labels, decisions and one to three attributes; every attribute and every cross of them is judged by every rule, through the same `judge` as an audit. Beside it
stand, over the same slicings of the same data sets, what a spreadsheet says (smallest selection rate below 0.8 of the largest; true positive rates more than 0.1 apart), and in the first few
data sets Fairlearn's bootstrap.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.worlds import World, calibrated, decided, drawn, shared
from fairaudit.cube.counts import POSITIVE, SELECTED, Counts
from fairaudit.cube.slices import Slicing
from fairaudit.metrics.engines.native import value_of
from fairaudit.rules.finding import Severity, Verdict
from fairaudit.rules.judge import judge, overall_verdict
from fairaudit.rules.library import load_rules
from fairaudit.rules.plan import Context

_OWN = Path(__file__).parent / "rules"
ALONE = ("four-fifths",)
SHIPPED = ("four-fifths", "equal-opportunity")
FIVE = (*SHIPPED, "predictive-equality", str(_OWN / "statistical-parity.yaml"), "accuracy-parity")  # the shipped rule on statistical parity only warns
OF_SCORES = (*FIVE, str(_OWN / "ranking-parity.yaml"), "calibration-within-groups")  # of the world with scores, which are calibrated and alike
SIX = np.array((1000, 500, 250, 150, 70, 30))
BASE, TPR, FPR = 0.3, 0.7, 0.09 / 0.7  # so that 0.3 are selected
SIGMA = 0.8  # of the logarithms of the weights: they leave half of the rows' effective size
BOUND = 5.0  # percent


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    world: World
    rules: tuple[str, ...]
    is_fair: bool = True
    part: float = 1.0  # of the data sets asked for: less where each takes long


def _six(name: str, *, sizes: Sequence[int] | None = None, sigma: float = 0.0, ratio: float = 1.0) -> World:
    """Six groups, of whom the third is selected `ratio` times as often."""
    chance = np.stack([decided(BASE, TPR * one, FPR * one) for one in (1, 1, ratio, 1, 1, 1)])
    return World(name=name, attributes=(("group", 6),), sizes=SIX if sizes is None else np.array(sizes), chance=chance, sigma=sigma)


def _crossed(name: str, *, even: bool = False, sigma: float = 0.0, ratio: float = 1.0) -> World:
    """Twenty crossings of sex, race and age, of which the third is selected `ratio` times as often."""
    sizes = np.full(20, 500) if even else shared(4000, (0.55, 0.45), (0.5, 0.2, 0.15, 0.1, 0.05), (0.7, 0.3))
    chance = np.stack([decided(BASE, TPR * one, FPR * one) for one in (1, 1, ratio, *(1,) * 17)])
    return World(name=name, attributes=(("sex", 2), ("race", 5), ("age", 2)), sizes=sizes, chance=chance, sigma=sigma)


SETTINGS = (
    Setting(world=_six("six uneven"), rules=SHIPPED),
    Setting(world=_six("six uneven"), rules=FIVE),
    Setting(world=World(name="six uneven, calibrated scores", attributes=(("group", 6),), sizes=SIX, chance=calibrated(0.9, 2.1)[None]), rules=OF_SCORES, part=0.3),
    Setting(world=_six("six uneven, weighted", sigma=SIGMA), rules=ALONE),
    Setting(world=_six("six uneven, weighted", sigma=SIGMA), rules=FIVE, part=0.3),
    Setting(world=_crossed("sex × race × age, 27 to 770 a crossing"), rules=SHIPPED, part=0.2),
    Setting(world=_crossed("sex × race × age, 27 to 770 a crossing"), rules=FIVE, part=0.2),
    Setting(world=_crossed("sex × race × age, 27 to 770 a crossing, weighted", sigma=SIGMA), rules=FIVE, part=0.2),
    Setting(world=_crossed("sex × race × age, 500 a crossing", even=True), rules=FIVE, part=0.2),
    Setting(world=_six("6 × 1000, weighted, one at 0.6", sizes=(1000,) * 6, sigma=SIGMA, ratio=0.6), rules=ALONE, is_fair=False, part=0.2),
    Setting(world=_six("6 × 1000, weighted, one at 0.6", sizes=(1000,) * 6, sigma=SIGMA, ratio=0.6), rules=FIVE, is_fair=False, part=0.1),
    Setting(world=_six("6 × 500, one at 0.6", sizes=(500,) * 6, ratio=0.6), rules=FIVE, is_fair=False, part=0.1),
    Setting(world=_crossed("sex × race × age, 500 a crossing, one at 0.6", even=True, ratio=0.6), rules=FIVE, is_fair=False, part=0.05),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was said of a setting's data sets; shares in percent."""

    data_sets: int
    families: int  # that can fail the run
    verdicts: dict[Verdict, float]
    warned: float  # by a rule that only warns
    naive: float
    gap: float


def found(setting: Setting, data_sets: int, seed: int) -> Found:
    """Judged data set by data set; the same seed draws the same ones whatever the rules."""
    rules, context = load_rules(setting.rules), Context(slicings=setting.world.slicings, threshold=0.5)
    rng, verdicts, others, families = np.random.default_rng(seed), Counter[Verdict](), Counter[str](), set[str]()
    for _ in range(data_sets):
        counts = drawn(setting.world, rng)
        findings = judge(rules, counts, context)
        families |= {one.family for one in findings if one.severity is Severity.FAIL}
        verdicts[overall_verdict(findings)] += 1
        others["warned"] += any(one.verdict is Verdict.FAIL and one.severity is Severity.WARN for one in findings)
        others["naive"] += naive(counts, context.slicings)
        others["gap"] += gap(counts, context.slicings)
    shares = {one: 100 * others[one] / data_sets for one in ("warned", "naive", "gap")}
    return Found(data_sets=data_sets, families=len(families), verdicts={one: 100 * verdicts[one] / data_sets for one in Verdict}, **shares)


def naive(counts: Counts, slicings: Sequence[Slicing]) -> bool:
    """Whether in some slicing the smallest selection rate is below four fifths of the largest."""
    rates = value_of("selection_rate", counts)
    return any(np.nanmin(some) < 0.8 * np.nanmax(some) for some in (rates[list(counts.of_slicing(one))] for one in slicings))


def gap(counts: Counts, slicings: Sequence[Slicing]) -> bool:
    """Whether in some slicing two true positive rates are more than 0.1 apart."""
    rates = value_of("true_positive_rate", counts)
    return any(np.nanmax(some) - np.nanmin(some) > 0.1 for some in (rates[list(counts.of_slicing(one))] for one in slicings))


def bootstrapped(world: World, data_sets: int, seed: int) -> int:
    """In how many of the first data sets Fairlearn's 95 % percentile interval of the largest difference leaves out 0: of selection or true positive rates, by the finest slicing alone."""
    from fairlearn.metrics import MetricFrame, selection_rate, true_positive_rate  # type: ignore[import-untyped]

    rng, alarms = np.random.default_rng(seed), 0
    for place in range(data_sets):
        counts = drawn(world, rng)
        rows = counts.rows[list(counts.of_slicing(world.slicings[-1])), :2]
        group, label, decision = (np.repeat(axis.ravel(), rows.ravel()) for axis in np.indices(rows.shape))
        frame = MetricFrame(
            metrics={"selection_rate": selection_rate, "true_positive_rate": true_positive_rate}, y_true=label == POSITIVE, y_pred=decision == SELECTED, sensitive_features=group,
            n_boot=100, ci_quantiles=[0.025, 0.975], random_state=place,
        )  # fmt: skip
        alarms += bool((frame.difference_ci()[0] > 0).any())
    return alarms


def table(data_sets: int, bootstraps: int, seed: int, settings: Sequence[Setting] = SETTINGS) -> Iterator[str]:
    """The table as lines of Markdown, in percent; a share of fair data sets that were failed or warned of is in bold where it is over 5."""
    yield "| people | rules | families | data sets | fail | inconclusive | pass | warned | naive four-fifths | TPR gap over 0.1 | Fairlearn's bootstrap |"
    yield "| --- | --- |" + " ---: |" * 9
    seen: dict[str, str] = {}
    for one in settings:
        told = found(one, max(1, round(data_sets * one.part)), seed)
        if one.world.name not in seen:
            seen[one.world.name] = f"{bootstrapped(one.world, bootstraps, seed)} of {bootstraps}" if bootstraps and one.is_fair and not one.world.sigma else "not asked"
        fail, warned = (f"**{share:.1f}**" if one.is_fair and share > BOUND else f"{share:.1f}" for share in (told.verdicts[Verdict.FAIL], told.warned))
        rest = (told.verdicts[Verdict.INCONCLUSIVE], told.verdicts[Verdict.PASS])
        kind = {1: "`four-fifths`", 2: "the first two"}.get(len(one.rules), f"{len(one.rules)} rules")
        warns = warned if len(one.rules) > len(SHIPPED) else "none"
        shares = (f"{share:.1f}" for share in (*rest, told.naive, told.gap))
        inconclusive, passed, spreadsheet, apart = shares
        yield (
            f"| {'fair' if one.is_fair else 'unfair'}, {one.world.name} | {kind} | {told.families} | {told.data_sets:,} | {fail} | {inconclusive} | {passed} | {warns} | {spreadsheet} | {apart} "
            f"| {seen[one.world.name]} |"
        )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.runs", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-sets", type=int, default=10_000, help="of each setting; a part of them where each takes long or the answer is plain")
    parser.add_argument("--bootstraps", type=int, default=5, help="data sets of each fair setting without weights that Fairlearn's bootstrap sees, at some seconds each")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    for line in table(asked.data_sets, asked.bootstraps, asked.seed):
        print(line, flush=True)


if __name__ == "__main__":
    main()
