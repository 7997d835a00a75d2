"""All that is tried on one set of data: our methods over their settings, and the peers' over theirs. Each is fitted without the rows that are held out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.deciders import Decider, Ours, aif360, as_it_is, exponentiated_gradient, oxonfair, threshold_optimizer
from benchmarks.judged import ODDS, OPPORTUNITY, SELECTION
from benchmarks.people import Data, People
from fairaudit.config import AuditConfig
from fairaudit.mitigations.methods import Method, by_calibrated_equalized_odds, by_equalized_odds, by_reject_option, by_thresholds

OURS = "fairaudit"
UNTOLD = " without attribute"  # the end of a family's name that needs none to decide
LIMITS = (0.0002, 0.001, 0.0025, *(step / 200 for step in range(1, 20)), *(step / 80 for step in range(8, 21)))  # ours, of every rule, so close that one is as fair as any peer's setting
THEIRS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.1, 0.15)  # of the peers, each of which is a point to compare with
MANNERS = {
    "": {}, ", drawn": {"drawn": True}, ", common": {"without_attribute": True}, ", common, drawn": {"drawn": True, "without_attribute": True},
    ", inferred, drawn": {"drawn": True, "without_attribute": True, "infer_group": True},
}  # fmt: skip
STRENGTHS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5)
BOUNDS = (0.02, 0.05, 0.1)  # of reject option, of which AIF360 takes up to half a minute for each
COSTS = ("fnr", "fpr", "weighted")
RULES = {"statistical-parity": SELECTION, "equal-opportunity": OPPORTUNITY, "equalized-odds": ODDS}
PARITIES = {
    "statistical_parity_difference": ("Statistical parity difference", SELECTION),
    "equal_opportunity_difference": ("Equal opportunity difference", OPPORTUNITY),
}  # and not the mean of two differences, which is none of the criteria
THRESHOLDS = {"demographic_parity": SELECTION, "true_positive_rate_parity": OPPORTUNITY, "equalized_odds": ODDS}
REDUCTIONS = {"DemographicParity": SELECTION, "TruePositiveRateParity": OPPORTUNITY, "EqualizedOdds": ODDS}
REDUCED = (0.01, 0.05, 0.1)  # bounds of reductions, each of which trains some dozens of models
OXONFAIR = {"demographic_parity": SELECTION, "equal_opportunity": OPPORTUNITY, "equalized_odds_max": ODDS}
RULE = "schema: fairaudit/rule/1\nextends: {0}\nid: tight-{0}\ntitle: {0} within {1}\nreference: best\nlimit_origin: ours\nlimit: {1}\nserious: 0.5\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    tool: str
    method: str
    setting: str
    aims: tuple[int, ...]  # places of the criteria that the setting is meant for, and judged by
    fitted: Callable[[], Decider]
    needs_attribute: bool = True  # to decide
    learned: bool = False  # whether a model was trained on the rows fitted on, and looks better on them than it is
    is_beside: bool = True  # whether ours is held beside it, and wins or loses by it

    @property
    def family(self) -> str:
        """What is one line of the table and one mark of the picture."""
        return f"{self.tool}{f' {self.method}' if self.tool != OURS else ''}{'' if self.needs_attribute else UNTOLD}"


def contenders(data: Data, parts_fit: tuple[str, ...], fit: People, aside: Path) -> Iterator[Contender]:
    """
    Args:
        aside: a folder for what is needed as long as anything is decided.
    """
    yield Contender(tool=OURS, method="the model as it is", setting="", aims=(SELECTION, OPPORTUNITY, ODDS), needs_attribute=data.is_told, fitted=lambda: as_it_is)
    yield from _ours(data, Ours(data, parts_fit, aside), aside)
    yield from _aif360(fit)
    yield from _fairlearn(data, fit)
    yield from _oxonfair(data, fit)


def _ours(data: Data, ours: Ours, aside: Path) -> Iterator[Contender]:
    def one(method: Method, setting: str, *aims: int) -> Contender:
        return Contender(tool=OURS, method=method.name, setting=setting, aims=aims, needs_attribute=data.is_told or method.needs_attribute, learned=method.infers_group, fitted=lambda: ours.decider(method))

    def tuned(strength: float, *, untold: bool = False) -> Contender:
        folder = aside / f"tuned-{strength:g}{'-untold' if untold else ''}"
        return Contender(
            tool=OURS, method="reweigh --fine-tune", setting=f"strength {strength:g}", aims=(SELECTION, OPPORTUNITY, ODDS), needs_attribute=data.is_told and not untold, learned=True,
            fitted=lambda: ours.fine_tuned(folder, strength=strength, without_attribute=untold),
        )  # fmt: skip

    for rule, aim in RULES.items():
        for limit in LIMITS:
            asking = _asking(data.config, rule, limit, aside)
            for name, how in MANNERS.items():
                if not (how.get("infer_group") and data.is_told):  # which it refuses: the model knows the group
                    yield one(by_thresholds(asking, "accuracy", **how), f"{rule} within {limit:g}{name}", aim)
    yield one(by_equalized_odds(), "", OPPORTUNITY, ODDS)
    for cost in COSTS:
        yield one(by_calibrated_equalized_odds(cost), f"cost {cost}", OPPORTUNITY, ODDS)
    for parity, (_, aim) in PARITIES.items():
        for bound in BOUNDS:
            yield one(by_reject_option(data.config, parity, bound), f"{parity} within {bound:g}", aim)
    for strength in STRENGTHS:
        yield tuned(strength)
        if data.is_told:
            yield tuned(strength, untold=True)


def _asking(config: AuditConfig, rule: str, limit: float, aside: Path) -> AuditConfig:
    path = aside / f"{rule}-{limit}.yaml"
    path.write_text(RULE.format(rule, limit))
    return msgspec.structs.replace(config, rules=(str(path),))


def _aif360(fit: People) -> Iterator[Contender]:
    def one(name: str, setting: str, *aims: int, is_beside: bool = True, **asked: Any) -> Contender:
        return Contender(tool="AIF360", method=name, setting=setting, aims=aims, is_beside=is_beside, fitted=lambda: aif360(name, fit, **asked))

    yield one("EqOddsPostprocessing", "", OPPORTUNITY, ODDS)
    for cost in COSTS:  # which are of scores, and not of the decisions that are judged here
        yield one("CalibratedEqOddsPostprocessing", f"cost {cost}", OPPORTUNITY, ODDS, is_beside=False, cost_constraint=cost)
    for name, aim in PARITIES.values():
        for bound in BOUNDS:
            yield one("RejectOptionClassification", f"{name} within {bound:g}", aim, metric_name=name, metric_lb=-bound, metric_ub=bound)


def _fairlearn(data: Data, fit: People) -> Iterator[Contender]:
    def optimized(constraints: str, tol: float, aim: int) -> Contender:
        return Contender(tool="Fairlearn", method="ThresholdOptimizer", setting=f"{constraints} within {tol:g}", aims=(aim,), fitted=lambda: threshold_optimizer(constraints, fit, tol=tol or None))

    def reduced(constraints: str, bound: float, aim: int, is_told: bool) -> Contender:
        return Contender(
            tool="Fairlearn", method="ExponentiatedGradient", setting=f"{constraints} within {bound:g}", aims=(aim,), needs_attribute=is_told, learned=True,
            fitted=lambda: exponentiated_gradient(constraints, data, fit, bound=bound, is_told=is_told),
        )  # fmt: skip

    for constraints, aim in THRESHOLDS.items():
        for tol in (0.0, *THEIRS) if constraints != "equalized_odds" else (0.0,):  # which it cannot relax
            yield optimized(constraints, tol, aim)
    for constraints, aim in REDUCTIONS.items():
        for bound in REDUCED:
            for is_told in (True, False):
                yield reduced(constraints, bound, aim, is_told)


def _oxonfair(data: Data, fit: People) -> Iterator[Contender]:
    for guesses in (False, *(() if data.is_told else (True,))):  # groups that are guessed from what the model takes
        for constraint, aim in OXONFAIR.items():
            at = cache(partial(oxonfair, constraint, data, fit, guesses=guesses))  # searched when the first limit is asked for
            for limit in THEIRS:
                setting = f"{constraint} within {limit:g}{', inferred' if guesses else ''}"
                yield Contender(tool="OxonFair", method="FairPredictor", setting=setting, aims=(aim,), needs_attribute=not guesses, fitted=partial(_within, at, limit))


def _within(at: Callable[[], Callable[[float], Decider]], limit: float) -> Decider:
    return at()(limit)
