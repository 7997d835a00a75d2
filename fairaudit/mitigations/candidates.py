"""What `mitigate search` tries: every method over its settings, each a candidate that is fitted by itself."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from dataclasses import replace as changed
from functools import partial
from typing import Any

import numpy as np
from msgspec.structs import replace

from fairaudit.config import AuditConfig
from fairaudit.errors import ConfigError, UnknownName, raise_all
from fairaudit.method_names import AS_IS, FINE_TUNE, FINE_TUNED, METHODS, SETTINGS, CandidateName
from fairaudit.metrics.catalogue import metric
from fairaudit.mitigations import reject_option
from fairaudit.mitigations.calibrated_equalized_odds import COSTS
from fairaudit.mitigations.cells import Cells
from fairaudit.mitigations.constraints import Constraint, check_able, constraints_of, rates_of
from fairaudit.mitigations.fine_tuning import FineTuning
from fairaudit.mitigations.methods import Method, as_it_is, by_calibrated_equalized_odds, by_equalized_odds, by_reject_option, by_thresholds
from fairaudit.mitigations.objective import Objective, objective_of
from fairaudit.mitigations.solved import Solved
from fairaudit.rules.limits import is_minimum
from fairaudit.rules.rule import Rule
from fairaudit.types import Floats

MOST_SETTINGS = 100
_BOXES = 20_000  # of a branch and bound: among a hundred candidates a bound that is nearly reached is as good as one that is
_STRONGEST = 2.5  # power of a weight's factor that is tried
_NEAR = 0.05  # of the limit, or of what is between it and 1, is as near to no disparity as a ladder goes


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One method with one setting."""

    id: str  # of letters, digits, '-', '.', '=' and ','; no other candidate of a search has it
    way: Method | FineTuning  # how it is fitted: to cells, or by training the model itself on, which makes other scores of it
    is_told: bool = False  # whether the model that scores takes a protected attribute itself

    @property
    def method(self) -> CandidateName:
        return FINE_TUNED if isinstance(self.way, FineTuning) else self.way.name

    @property
    def settings(self) -> dict[str, Any]:
        if isinstance(self.way, FineTuning):
            return {"strength": self.way.strength} | ({"without_attribute": True} if self.way.without_attribute else {})
        return self.way.settings

    @property
    def needs_attribute(self) -> bool:
        """When serving; what its method could ask for, and the policy that comes of it may not."""
        return self.is_told or (not isinstance(self.way, FineTuning) and self.way.needs_attribute)


def check_asked(rules: Sequence[Rule], objectives: Sequence[str], methods: Sequence[str], settings: int, *, without_attribute: bool = False) -> tuple[Objective, ...]:
    """The objectives, if what is asked of a search can be tried at all; told before any row is scored.

    Raises:
        ConfigError, Several: one sentence a mistake.
    """
    raise_all(UnknownName("method", one, METHODS, where="--methods") for one in methods if one not in METHODS)
    if not 1 <= settings <= MOST_SETTINGS:
        raise ConfigError(f"--settings {settings} is no number of steps; give a whole number from 1 to {MOST_SETTINGS}.")
    idle = [one for one in methods if one not in ("thresholds", FINE_TUNE)] if without_attribute else []
    if idle:
        raise ConfigError(f"--without-attribute leaves out every method that needs one when serving, as {' and '.join(idle)} {'does' if len(idle) == 1 else 'do'}; leave out --methods, or --without-attribute.")
    aims = tuple(dict.fromkeys(objective_of(one) for one in objectives))
    check_able(rules)
    return aims


def candidates(
    config: AuditConfig, rules: Sequence[Rule], cells: Cells, threshold: float, *, objectives: Sequence[str], methods: Sequence[str] = (), settings: int = SETTINGS, without_attribute: bool = False,
    taken: Sequence[str] = (),
) -> tuple[Candidate, ...]:  # fmt: skip
    """Everything that is tried, the model as it is first; of equally good ones the first is chosen.

    Args:
        cells: the rows to fit on, which tell the model's own disparity, where ladders begin.
        threshold: the score above which all groups are selected so far.
        methods: those to be tried; all where none is named.
        settings: how many steps a ladder of limits or bounds has.
        without_attribute: only what needs no protected attribute when serving, beside the model as it is.
        taken: protected attributes that the model takes itself, so that whatever is decided of its score needs them.
    """
    wanted = methods or METHODS
    if without_attribute and taken:
        wanted = (FINE_TUNE,)
    found = _candidates(config, rules, cells, threshold, objectives=objectives, wanted=wanted, settings=settings, without_attribute=without_attribute)
    tunings = _tunings(settings, is_told=bool(taken), without_attribute=without_attribute) if FINE_TUNE in wanted else ()
    return (*(changed(one, is_told=bool(taken)) for one in found), *tunings)


def _tunings(settings: int, *, is_told: bool, without_attribute: bool) -> Iterator[Candidate]:
    """Training on under weights of several strengths; where the model is told an attribute, also without that."""
    steps = max(1, settings // 4)
    strengths = [step / steps for step in range(int(_STRONGEST * steps) + 1)]
    if not (is_told and without_attribute):
        yield from (Candidate(id=f"{FINE_TUNE}-{one:g}", way=FineTuning(strength=one), is_told=is_told) for one in strengths)
    if is_told:
        yield from (Candidate(id=f"{FINE_TUNE}-without-attribute-{one:g}", way=FineTuning(strength=one, without_attribute=True)) for one in strengths)


def _candidates(config: AuditConfig, rules: Sequence[Rule], cells: Cells, threshold: float, *, objectives: Sequence[str], wanted: Sequence[str], settings: int, without_attribute: bool) -> Iterator[Candidate]:
    """What decides of the model's own score."""
    yield Candidate(id=AS_IS, way=as_it_is(objectives[0]))
    if "thresholds" in wanted:
        yield from _thresholds(config, rules, cells, threshold, objectives, settings, kinds=[one for one in _KINDS if one.without_attribute or not without_attribute])
    if "equalized-odds" in wanted and not without_attribute:
        yield Candidate(id="equalized-odds", way=by_equalized_odds())
    if "calibrated-equalized-odds" in wanted and not without_attribute:
        yield from (Candidate(id=f"calibrated-equalized-odds-{cost}", way=by_calibrated_equalized_odds(cost)) for cost in COSTS)
    if "reject-option" in wanted and not without_attribute:
        for parity in reject_option.METRICS:
            yield from (Candidate(id=f"reject-option-{parity}-{bound:g}", way=by_reject_option(config, parity, bound)) for bound in ladder_of_bounds(cells, parity, threshold, settings))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """A kind of thresholds."""

    id: str
    drawn: bool = False
    without_attribute: bool = False


_KINDS = (
    _Kind(id="common-threshold", without_attribute=True), _Kind(id="thresholds"), _Kind(id="common-threshold-drawn", drawn=True, without_attribute=True), _Kind(id="thresholds-drawn", drawn=True),
)  # what changes and draws less comes first, and is chosen of what is equally good  # fmt: skip


def _thresholds(config: AuditConfig, rules: Sequence[Rule], cells: Cells, threshold: float, objectives: Sequence[str], settings: int, *, kinds: Sequence[_Kind]) -> Iterator[Candidate]:
    """Each kind by each objective, with each rule by itself over a ladder of limits, and all rules together at theirs and tighter."""
    ladders = [({rule.id: limit}, [replace(rule, limit=limit)], f"{rule.id}-{limit:g}") for rule in rules for limit in ladder_of_limits(config, rule, cells, threshold, settings)]
    if len(rules) > 1:
        for step in range(tighter := max(1, settings // 2)):
            limits = {rule.id: _tightened(rule, step / tighter, config.effect) for rule in rules}
            ladders.append((limits, [replace(rule, limit=limits[rule.id]) for rule in rules], f"all-rules-{step + 1}"))
    for kind in kinds:
        for objective in objectives:
            suffix = "" if objective == objectives[0] else f"-{objective.replace(' ', '')}"
            for limits, asked, id in ladders:
                yield Candidate(id=f"{kind.id}-{id}{suffix}", way=_method(config, objective, asked, limits, kind))


def _method(config: AuditConfig, objective: str, asked: Sequence[Rule], limits: dict[str, float], kind: _Kind) -> Method:
    made = partial(by_thresholds, config, objective, asked, without_attribute=kind.without_attribute, settings={"rules": limits}, most=_BOXES)
    try:
        return made(drawn=kind.drawn)
    except ConfigError as error:  # no linear program holds these rules, which is told where the candidate is
        refused = error

    def solved(cells: Cells, threshold: float) -> Solved:
        raise refused

    return changed(made(), solve=solved)


def ladder_of_limits(config: AuditConfig, rule: Rule, cells: Cells, threshold: float, settings: int) -> tuple[float, ...]:
    """Limits from the model's own disparity down to nearly none, in equal steps, the rule's own among them; the loosest first."""
    end, own = _end(rule, config.effect), _own(config, rule, cells, threshold)
    loosest = rule.limit if own is None or not _is_looser(rule, own, rule.limit, config.effect) else own
    steps = {_tidy(float(one)) for one in np.linspace(loosest, end, settings + 1)[1:]} | {rule.limit}
    return tuple(sorted((one for one in steps if one > 0), reverse=not _of_minimum(rule, config.effect)))


def ladder_of_bounds(cells: Cells, parity: str, threshold: float, settings: int) -> tuple[float, ...]:
    """Bounds from the model's own largest difference between groups down to nearly none, in equal steps; the loosest first."""
    rates = {name: _rates(cells, name, threshold) for name in ("selection_rate", "true_positive_rate", "false_positive_rate")}
    of = {
        "statistical_parity_difference": rates["selection_rate"], "equal_opportunity_difference": rates["true_positive_rate"],
        "average_odds_difference": (rates["true_positive_rate"] + rates["false_positive_rate"]) / 2,
    }[parity]  # fmt: skip
    known = of[np.isfinite(of)]
    own = float(known.max() - known.min()) if known.size else 0.0
    return tuple(sorted({_tidy(float(one)) for one in np.linspace(own, _NEAR * own, settings + 1)[1:]}, reverse=True))


def _tidy(limit: float) -> float:
    """To three digits, as people write limits."""
    return float(f"{limit:.3g}")


def _of_minimum(rule: Rule, effect: str) -> bool:
    """Whether values must reach the limit, so that a larger one is the tighter."""
    entry = metric(rule.metrics[0])
    return is_minimum(rule, entry, rule.better_of(entry.id, effect))


def _is_looser(rule: Rule, one: float, other: float, effect: str) -> bool:
    return one < other if _of_minimum(rule, effect) else one > other


def _end(rule: Rule, effect: str) -> float:
    """The tightest limit that is asked."""
    if not _of_minimum(rule, effect):
        return rule.limit * _NEAR
    return 1 - (1 - min(rule.limit, 1 / rule.limit)) * _NEAR


def _tightened(rule: Rule, share: float, effect: str) -> float:
    return _tidy(rule.limit + share * (_end(rule, effect) - rule.limit)) if share else rule.limit


def _own(config: AuditConfig, rule: Rule, cells: Cells, threshold: float) -> float | None:
    """The limit that the model as it is just meets on the cells; None where some rate is undefined."""
    constraints = constraints_of([rule], cells.groups, cells.rows.sum(axis=1).tolist(), config.effect)
    numbers = [number for one in constraints if (number := _number(one, _rates(cells, one.metric, threshold))) is not None]
    if len(numbers) < len(constraints):
        return None
    own = min(numbers) if _of_minimum(rule, config.effect) else max(numbers)
    return own if own > 0 else None


def _rates(cells: Cells, name: str, threshold: float) -> Floats:
    tp, fp = (of_all[:, cells.place(threshold)] for of_all in cells.selected())
    return rates_of(name, tp, fp, positives=cells.positive.sum(axis=1), negatives=cells.negative.sum(axis=1))


def _number(constraint: Constraint, rates: Floats) -> float | None:
    """How far apart the groups are as a limit would say it; None where it cannot be said."""
    if not np.isfinite(rates).all():
        return None
    low, high = math.isfinite(constraint.line.low), math.isfinite(constraint.line.high)
    if not constraint.has_pivot:
        if low and high:  # around 0, or around 1
            return float(np.abs(rates).max()) if constraint.line.low < 0 else float(np.minimum(rates, 1 / np.maximum(rates, 1e-12)).min())
        return float(rates.min() if low else rates.max())
    pivot = float(rates.min()) if constraint.reference is None else float(rates[constraint.reference])
    if constraint.is_ratio:
        if not rates.min() > 0 or not pivot > 0:
            return None
        ends = ([float((rates / pivot).min())] if low and constraint.reference is not None else []) + ([float((pivot / rates).min())] if high else [])
        return min(ends)
    ends = ([float((pivot - rates).max())] if low and constraint.reference is not None else []) + ([float((rates - pivot).max())] if high else [])
    return max(ends)
