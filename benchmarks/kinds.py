"""How often is a rule of each kind wrong, and how often does it find what is there: on AUC, means, composites, values and gaps.

    python -m benchmarks.kinds [--data-sets N] [--seed N]

Each rule is judged alone, at its whole 5 %. In the fair worlds the limit lies a hair from no difference, so that whatever is significant is past it, and the
column shows the error of the test itself; values are held against a limit at which they truly lie. In the last world the third of six groups is worse scored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from benchmarks.command import printed
from benchmarks.gaps import UNEVEN, World, drawn
from fairaudit.cube.counts import Counts
from fairaudit.metrics.engines.native import value_of
from fairaudit.rules.finding import Verdict
from fairaudit.rules.judge import judge
from fairaudit.rules.library import parse_rule
from fairaudit.rules.plan import Context
from fairaudit.rules.rule import Rule

CONTEXT = Context(slicings=(("group",),))
BOUND = 5.0  # percent
_HAIR = 1e-6
_BASE, _SKILL = 0.3, 3.0
WORLDS = (
    World(name="fair, six uneven", sizes=UNEVEN, base=(_BASE,) * 6, skill=(_SKILL,) * 6),
    World(name="fair, twenty of 500", sizes=(500,) * 20, base=(_BASE,) * 20, skill=(_SKILL,) * 20),
    World(name="six of 500, one scored worse", sizes=(500,) * 6, base=(_BASE,) * 6, skill=(3.0, 3.0, 2.0, 3.0, 3.0, 3.0)),
)
_HEAD = """schema: fairaudit/rule/1
id: simulated
title: A rule of a simulation
principle: What is fair is called fair.
source: [{cite: nobody, kind: convention, says_number: false, as_of: 2026-11-25}]
limit_origin: ours
"""
_COMPARED = (
    "roc_auc", "pr_auc", "balanced_accuracy", "f1", "matthews_correlation", "coefficient_of_discrimination", "brier_score", "log_loss",
    "generalized_true_positive_rate", "positive_likelihood_ratio", "true_positive_rate",
)  # fmt: skip
_OF_SCORES = ("mean_score", "calibration_in_the_large", "scoring_rate")
_AT_LIMIT = ("true_positive_rate", "false_positive_rate", "roc_auc", "brier_score", "log_loss", "f1", "calibration_in_the_large")


def made(**fields: object) -> Rule:
    return parse_rule(_HEAD + "".join(f"{name}: {value}\n" for name, value in fields.items()))


def rules(true: Mapping[str, float]) -> dict[str, Rule]:
    """By name, those that are judged.

    Args:
        true: values of metrics in the population, which are the limits of rules on values.
    """
    apart = {"comparison": "difference", "limit": _HAIR, "serious": 0.5}
    found = {f"`{name}` difference to the best": made(metric=name, **apart) for name in _COMPARED}
    found |= {f"`{name}` difference to the best": made(metric=name, better="higher", **apart) for name in _OF_SCORES}
    found |= {f"`{name}` difference to everyone": made(metric=name, reference="overall", **apart) for name in ("roc_auc", "bpsn_auc", "bnsp_auc")}
    found["`roc_auc` difference to the rest"] = made(metric="roc_auc", reference="rest", **apart)
    found["`mean_score` difference to the rest, either way"] = made(metric="mean_score", reference="rest", direction="either", **apart)
    found["`f1` ratio to the best"] = made(metric="f1", comparison="ratio", limit=1 - _HAIR, serious=0.5)
    found |= {f"`{name}` gap": made(metric=name, comparison="gap", limit=_HAIR, serious=0.5) for name in ("true_positive_rate", "roc_auc", "mean_score")}
    found["`selection_rate` smallest over largest"] = made(metric="selection_rate", comparison="min_max_ratio", limit=1 - _HAIR, serious=0.5)
    found |= {f"`{name}` at its limit": made(metric=name, comparison="value", limit=repr(true[name]), **_serious(name, true[name])) for name in _AT_LIMIT}
    return found


def _serious(name: str, limit: float) -> dict[str, object]:
    """Between the limit and the worst that there is."""
    lower_is_worse = name in ("true_positive_rate", "roc_auc", "f1")
    return {"serious": limit / 2 if lower_is_worse else limit * 1.5 if name == "log_loss" else (limit + 1) / 2}


def alarms(world: World, judged: Mapping[str, Rule], data_sets: int, seed: int) -> dict[str, float]:
    """How often each rule fails, in percent."""
    rng = np.random.default_rng(seed)
    failed: Counter[str] = Counter()
    for _ in range(data_sets):
        counts = drawn(world, world.sizes, rng)
        for name, rule in judged.items():
            failed[name] += any(one.verdict is Verdict.FAIL for one in judge([rule], counts, CONTEXT))
    return {name: 100 * failed[name] / data_sets for name in judged}


def table(data_sets: int, seed: int, worlds: Sequence[World] = WORLDS) -> Iterator[str]:
    """The table as lines of Markdown; what is fair and stopped in more than 5 %, beyond what chance explains, is in bold."""
    one = World(name="", sizes=(1,), base=(_BASE,), skill=(_SKILL,))
    population = drawn(one, (4_000_000,), np.random.default_rng(seed + 1))
    true = _values(population)
    found = [alarms(world, rules(true), data_sets, seed) for world in worlds]
    yield "| a rule on | " + " | ".join(world.name for world in worlds) + " |"
    yield "| --- |" + " ---: |" * len(worlds)
    error = 100 * np.sqrt(0.05 * 0.95 / data_sets)
    for name in found[0]:
        cells = [_shown(column[name], is_fair=len(set(world.skill)) == 1, error=error) for column, world in zip(found, worlds, strict=True)]
        yield f"| {name} | {' | '.join(cells)} |"


def _values(counts: Counts) -> dict[str, float]:
    return {name: float(value_of(name, counts)[0]) for name in _AT_LIMIT}


def _shown(share: float, *, is_fair: bool, error: float) -> str:
    return f"**{share:.1f}**" if is_fair and share > BOUND + 2 * error else f"{share:.1f}"


def main(arguments: Sequence[str] | None = None) -> None:
    printed(table, name="kinds", doc=__doc__, data_sets=2000, arguments=arguments)


if __name__ == "__main__":
    main()
