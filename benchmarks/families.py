"""What do a run's other families cost? How often a true ratio of 0.6 is found, where 1 to 12 rule × slicing families share the error.

    python -m benchmarks.families [--data-sets N] [--seed N]

One of several groups of 500 is selected 0.6 times as often. The shipped four-fifths rule judges them with what a run of so many families leaves to each; the others would be fair, and say nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from msgspec.structs import replace

from benchmarks.command import printed
from benchmarks.false_alarms import CONTEXT, World, drawn, harmed
from fairaudit.rules.finding import Verdict
from fairaudit.rules.judge import judge, overall_verdict
from fairaudit.rules.library import load_rule
from fairaudit.rules.rule import Rule

FAMILIES = (1, 2, 3, 6, 12)
WORLDS = tuple(harmed(f"{groups} × 500", (500,) * groups, rate, 0.6, (1,)) for groups in (2, 6, 20) for rate in (0.3, 0.4, 0.5))
LEAST = 95.0  # percent, by the rule alone


def sharing(rule: Rule, families: int) -> Rule:
    """The rule with a confidence that spends its share alone: 1 − 0.05 / families. It says "fail" where it would in a run of so many."""
    return replace(rule, confidence=1 - (1 - rule.confidence) / families)


def power(world: World, data_sets: int, seed: int) -> list[float]:
    """The percentage of data sets that fail, for each number of families; all judge the same ones."""
    rules = [sharing(load_rule("four-fifths"), families) for families in FAMILIES]
    rng, failed = np.random.default_rng(seed), Counter[int]()
    for _ in range(data_sets):
        counts = drawn(world, rng)
        # What fails with the smallest share fails with every larger one, so the strictest is asked first and mostly alone.
        strictest = next((place for place in reversed(range(len(rules))) if overall_verdict(judge([rules[place]], counts, CONTEXT)) is Verdict.FAIL), -1)
        failed.update(range(strictest + 1))
    return [100 * failed[place] / data_sets for place in range(len(rules))]


def table(data_sets: int, seed: int, worlds: Sequence[World] = WORLDS) -> Iterator[str]:
    """The table as lines of Markdown; below 95 % of the rule alone is in bold."""
    yield "| groups, best rate | alone | " + " | ".join(f"of {families} families" for families in FAMILIES[1:]) + " |"
    yield "| --- |" + " ---: |" * len(FAMILIES)
    for world in worlds:
        alone, *others = power(world, data_sets, seed)
        cells = [f"{alone:.1f}" if alone >= LEAST else f"**{alone:.1f}**", *(f"{one:.1f}" for one in others)]
        yield f"| {world.name.split(',')[0]}, {world.rates[0]:g} | {' | '.join(cells)} |"


def main(arguments: Sequence[str] | None = None) -> None:
    printed(table, name="families", doc=__doc__, data_sets=10_000, arguments=arguments)


if __name__ == "__main__":
    main()
