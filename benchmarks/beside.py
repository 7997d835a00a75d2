"""Our mitigations beside AIF360's and Fairlearn's, fitted and judged on the parts that `fairaudit mitigate` makes: UCI Adult by sex, and COMPAS by race.

python -m benchmarks.beside [adult|compas ...]        adult needs the demo's data and model, as `make demo` leaves them

What is drawn is in the mean: of ours and of Fairlearn's exactly, of AIF360's over 20 seeds.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from benchmarks.deciders import Answers, Decider, Ours, aif360, as_it_is, threshold_optimizer
from benchmarks.people import DATA, Data, People, read
from fairaudit.mitigations.methods import Method, by_calibrated_equalized_odds, by_equalized_odds, by_reject_option, by_thresholds
from fairaudit.mitigations.parts import split_parts
from fairaudit.mitigations.postprocessed import asked_of
from fairaudit.mitigations.solved import Unreachable
from fairaudit.types import Floats

BOUND, TIGHT, NONE = 0.05, 0.01, 1e-6  # of reject option, and of rules; a limit must be above 0
NAMES = ("adult", "compas")
RULE = "schema: fairaudit/rule/1\nextends: {0}\nid: tight-{0}\ntitle: {0} within {1}\nlimit_origin: ours\nlimit: {1}\nserious: 0.2\n"
NO_FAIRLEARN = "beside: the package fairlearn is not installed, and this is a comparison with it; install it beside fairaudit, as `make` does."


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    name: str
    gap: Callable[[People, Answers], float]


def _apart(people: People, values: Floats, chosen: Any) -> float:
    return float(abs(values[chosen & (people.member == 1)].mean() - values[chosen & (people.member == 0)].mean()))


PARITY = Target(name="selection rates", gap=lambda people, made: _apart(people, made.selected, people.label >= 0))
ODDS = Target(name="true or false positive rates, the larger", gap=lambda people, made: max(_apart(people, made.selected, people.label == one) for one in (0, 1)))
CALIBRATED = {
    "fnr": Target(name="mean scores of the positives", gap=lambda people, made: _apart(people, made.score, people.label == 1)),
    "fpr": Target(name="mean scores of the negatives", gap=lambda people, made: _apart(people, made.score, people.label == 0)),
}


def table(data: Data, aside: Path) -> Iterator[str]:
    """A line a method, under what it is after."""
    parts = split_parts(asked_of(data.config, ("statistical-parity",)), aside)
    fit, held = read(parts.fit[0], data), read(parts.holdout, data)
    before, ours = as_it_is(held), Ours(data, parts.fit, aside)

    def own(method: Method) -> Callable[[], Decider]:
        return lambda: ours.decider(method)

    def thresholds(rule: str, **how: bool) -> Callable[[], Decider]:
        return own(by_thresholds(msgspec.structs.replace(data.config, rules=(rule,)), "accuracy", **how))

    def within(rule: str, limit: float) -> str:
        path = aside / f"{rule}-within-{limit:g}.yaml"
        path.write_text(RULE.format(rule, f"{limit:.6f}"))
        return str(path)

    def of(target: Target, rule: str) -> Iterator[tuple[Target, str, Callable[[], Decider]]]:
        yield target, f"fairaudit thresholds, rule {rule} (limit 0.1)", thresholds(rule)
        yield target, "fairaudit thresholds --drawn, the same", thresholds(rule, drawn=True)
        tight = within(rule, TIGHT)
        yield target, f"fairaudit thresholds, limit {TIGHT:g}", thresholds(tight)
        yield target, f"fairaudit thresholds --drawn, limit {TIGHT:g}", thresholds(tight, drawn=True)
        yield target, f"fairaudit thresholds --drawn, limit {NONE:.6f}", thresholds(within(rule, NONE), drawn=True)
        for limit in (0.1, TIGHT):
            yield target, f"fairaudit thresholds --without-attribute, limit {limit:g}", thresholds(within(rule, limit), without_attribute=True)
            yield target, f"fairaudit thresholds --without-attribute --drawn, limit {limit:g}", thresholds(within(rule, limit), drawn=True, without_attribute=True)
            if not data.is_told:
                yield target, f"fairaudit thresholds --without-attribute --drawn --infer-group, limit {limit:g}", thresholds(within(rule, limit), drawn=True, without_attribute=True, infer_group=True)

    bounds = {"metric_name": "Statistical parity difference", "metric_lb": -BOUND, "metric_ub": BOUND}
    asked: tuple[tuple[Target, str, Callable[[], Decider]], ...] = (
        *of(PARITY, "statistical-parity"),
        (PARITY, "Fairlearn ThresholdOptimizer, demographic_parity", lambda: threshold_optimizer("demographic_parity", fit)),
        (PARITY, f"fairaudit reject-option, bound {BOUND}", own(by_reject_option(data.config, "statistical_parity_difference", BOUND))),
        (PARITY, f"AIF360 RejectOptionClassification, bound {BOUND}", lambda: aif360("RejectOptionClassification", fit, **bounds)),
        *of(ODDS, "equalized-odds"),
        (ODDS, "fairaudit equalized-odds", own(by_equalized_odds())),
        (ODDS, "AIF360 EqOddsPostprocessing", lambda: aif360("EqOddsPostprocessing", fit)),
        (ODDS, "Fairlearn ThresholdOptimizer, equalized_odds", lambda: threshold_optimizer("equalized_odds", fit)),
    )
    for cost, target in CALIBRATED.items():
        asked += (
            (target, f"fairaudit calibrated-equalized-odds, cost {cost}", own(by_calibrated_equalized_odds(cost))),
            (target, f"AIF360 CalibratedEqOddsPostprocessing, cost {cost}", lambda cost=cost: aif360("CalibratedEqOddsPostprocessing", fit, cost_constraint=cost)),  # type: ignore[misc]
        )
    yield f"### {data.title}: {fit.label.size:,} rows to fit on, {held.label.size:,} held out\n"
    yield "| what is brought together | method | accuracy | balanced accuracy | gap before | gap after |"
    yield "| --- | --- | --- | --- | --- | --- |"
    yield f"| | the model as it is | {_rates(held, before)} | | |"
    refused = []
    for target, name, made in asked:
        try:
            after = made()(held)
        except Unreachable as none:
            refused.append(f"{name}: {none}")
            yield f"| {target.name} | {name} | refused | | {target.gap(held, before):.4f} | |"
            continue
        yield f"| {target.name} | {name} | {_rates(held, after)} | {target.gap(held, before):.4f} | {target.gap(held, after):.4f} |"
    for one in refused:
        yield f"\nRefused by {one}"


def _rates(held: People, made: Answers) -> str:
    tpr, tnr = made.selected[held.label == 1].mean(), 1 - made.selected[held.label == 0].mean()
    right = np.where(held.label == 1, made.selected, 1 - made.selected).mean()
    return f"{right:.4f} | {(tpr + tnr) / 2:.4f}"


def main(arguments: Sequence[str]) -> None:
    if importlib.util.find_spec("fairlearn") is None:
        raise SystemExit(NO_FAIRLEARN)
    unknown = [one for one in arguments if one not in NAMES]
    if unknown:
        raise SystemExit(f"beside: there are no data called {unknown[0]!r}; there are {' and '.join(NAMES)}.")
    for name in arguments or NAMES:
        with tempfile.TemporaryDirectory() as folder:
            aside = Path(folder)
            (aside / "parts").mkdir()
            for line in table(DATA[name](aside), aside / "parts"):
                print(line, flush=True)
            print()


if __name__ == "__main__":
    main(sys.argv[1:])
