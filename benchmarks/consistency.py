"""How often do intervals of consistency hold the truth? Rows share neighbours, and where features have few values, which of many equally near rows count is chance.

    python -m benchmarks.consistency [--data-sets N] [--seed N]

The truth is the mean over all data sets of a size, since the value is one of its sample's size. Beside the interval that an audit shows stand two that it does not: from the rows' own spread, as if they were
independent, and from ten parts of the sample alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.command import printed
from fairaudit.cube.sampled import Sample
from fairaudit.cube.slices import EVERYONE
from fairaudit.evidence.consistency import consistencies
from fairaudit.evidence.rates import Z
from fairaudit.metrics.consistency import disagreement, tied
from fairaudit.types import Bools, Floats

SIZES = (400, 2000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Features, shape (rows, features), and the chance to be selected, shape (rows,)."""

    name: str
    features: Callable[[np.random.Generator, int], Floats]
    chance: Callable[[Floats], Floats]


def _normal(rng: np.random.Generator, rows: int) -> Floats:
    return rng.standard_normal((rows, 2))


def _ages(rng: np.random.Generator, rows: int) -> Floats:
    out: Floats = rng.integers(17, 90, (rows, 1)).astype(np.float64)
    return out


SETTINGS = (
    Setting(name="two numbers, chance rises", features=_normal, chance=lambda x: 1 / (1 + np.exp(-2 * x[:, 0]))),
    Setting(name="two numbers, a clean step", features=_normal, chance=lambda x: (x[:, 0] > 0).astype(np.float64)),
    Setting(name="ages in years, chance rises", features=_ages, chance=lambda x: 1 / (1 + np.exp(-(x[:, 0] - 40) / 15))),
)


def drawn(setting: Setting, rows: int, rng: np.random.Generator) -> Sample:
    features = setting.features(rng, rows)
    decision: Bools = rng.random(rows) < setting.chance(features)
    return Sample(attributes={}, decision=decision, features=features, drawn_from=rows, lacking=0)


def intervals(sample: Sample, rng: np.random.Generator) -> tuple[float, tuple[float, float], tuple[float, float], tuple[float, float]]:
    """The value, and three intervals: from the rows' own spread, from ten parts alone, and the audit's."""
    apart, share = disagreement(sample.features, sample.decision), float(tied(sample.features).mean())
    found = [consistencies(sample, [EVERYONE], threshold=None, tied=some, rng=rng)[0] for some in (0.0, share)]
    value, reach = 1 - float(apart.mean()), Z * float(apart.std(ddof=1)) / np.sqrt(apart.size)
    parts, shown = (one.interval or (np.nan, np.nan) for one in found)
    return value, (value - reach, value + reach), parts, shown


def table(data_sets: int, seed: int, sizes: Sequence[int] = SIZES, settings: Sequence[Setting] = SETTINGS) -> Iterator[str]:
    """As lines of Markdown, in percent."""
    yield "| features and decisions | rows | own spread | ten parts | as shown |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for setting in settings:
        for rows in sizes:
            rng = np.random.default_rng(seed)
            found = [intervals(drawn(setting, rows, rng), rng) for _ in range(data_sets)]
            truth = float(np.mean([value for value, *_ in found]))
            held = (100 * np.mean([one[place][0] <= truth <= one[place][1] for one in found]) for place in (1, 2, 3))
            yield f"| {setting.name} | {rows:,} | {' | '.join(f'{one:.1f}' for one in held)} |"


def main(arguments: Sequence[str] | None = None) -> None:
    printed(table, name="consistency", doc=__doc__, data_sets=500, arguments=arguments)


if __name__ == "__main__":
    main()
