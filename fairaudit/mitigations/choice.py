"""`--choose 'rule four-fifths, then accuracy'`: what a candidate must meet, and what decides among those that do.

    CHOICE    = [CONDITION {"," CONDITION} ","] AIM {"," AIM}
    CONDITION = "rule" ID ["within" LIMIT] | "all rules"
    AIM       = ["then"] ("objective" | a metric's id)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from fairaudit.errors import ConfigError, FairauditError, UnknownName, raise_all
from fairaudit.method_names import AS_IS
from fairaudit.metrics.catalogue import CATALOGUE, Better, Metric, Shape, metric
from fairaudit.mitigations.card import Condition
from fairaudit.mitigations.frontier import Number, Point
from fairaudit.mitigations.objective import Objective
from fairaudit.rules.library import shipped_rules
from fairaudit.rules.limits import is_minimum
from fairaudit.rules.rule import Comparing, Rule

OBJECTIVE, ALL_RULES = "objective", "all rules"
_FORM = "write it as 'rule four-fifths, then accuracy'"
_RATIOS = (Comparing.RATIO, Comparing.MIN_MAX_RATIO)
_TIE = 1e-9  # of what a limit allows, by which rounding may put a number past it


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is met, and then what is made best, the first the most important."""

    conditions: tuple[Condition, ...]
    aims: tuple[str, ...]  # OBJECTIVE, or a metric of everyone

    @property
    def metrics(self) -> tuple[str, ...]:
        """Its aims beside the objective."""
        return tuple(one for one in self.aims if one != OBJECTIVE)

    @property
    def text(self) -> str:
        """In words, as it could be asked for."""
        return ", then ".join((", ".join(f"rule {one.text}" for one in self.conditions), *self.aims) if self.conditions else self.aims)

    def called(self, objective: Objective) -> str:
        """The same, with the objective by its name where it could be asked for by it: costs could not."""
        return replace(self, aims=tuple(objective.name if one == OBJECTIVE and objective.name in CATALOGUE else one for one in self.aims)).text


def choice_of(asked: str | None, rules: Sequence[Rule], objective: Objective, effect: str) -> Choice:
    """What --choose says; all rules and then the objective where it says nothing.

    Args:
        rules: those that are judged.
        effect: what a positive decision does, "helps" or "harms".

    Raises:
        ConfigError, Several: it cannot be; one sentence a mistake.
    """
    own = {one.id: _condition(one, effect) for one in rules}
    if asked is None:
        return Choice(conditions=tuple(own.values()), aims=(OBJECTIVE,))
    mistakes: list[FairauditError] = []
    wanted: list[Condition] = []
    aims: list[str] = []
    for part in (" ".join(one.split()) for one in asked.split(",")):
        is_aim, words = part.startswith("then "), part.removeprefix("then ")
        if not words:
            mistakes.append(ConfigError(f"--choose {asked!r} has nothing {'before a comma' if asked.strip() else 'in it'}; {_FORM}."))
        elif words.startswith((ALL_RULES, "rule ")):
            if is_aim or aims:
                mistakes.append(ConfigError(f"--choose {asked!r}: {words!r} must be met, so it stands before everything that comes with 'then'; {_FORM}."))
            elif words == ALL_RULES:
                wanted += own.values()
            elif words.startswith(ALL_RULES):
                mistakes.append(ConfigError(f"--choose {asked!r}: each rule has a limit in terms of its own; after {ALL_RULES!r} name those that are to be met with room to spare, as 'all rules, rule four-fifths within 0.9, then accuracy'."))
            else:
                try:
                    wanted.append(_asked(words, {one.id: one for one in rules}, effect))
                except FairauditError as error:
                    mistakes.append(error)
        elif is_aim or not aims:
            aims.append(words)
            mistakes += _mistaken(words, objective)
        else:
            mistakes.append(ConfigError(f"--choose {asked!r}: {words!r} follows {aims[-1]!r} without saying which comes first; put 'then' before it."))
    if not aims and not mistakes:
        mistakes.append(ConfigError(f"--choose {asked!r} says what must be met and not what decides among those that do; add what is made best, as 'then accuracy'."))
    raise_all(mistakes)
    tighter = {one.rule for one in wanted if one.is_tighter}
    met = dict.fromkeys(one for one in wanted if one.is_tighter or one.rule not in tighter)
    return Choice(conditions=tuple(met), aims=tuple(dict.fromkeys(OBJECTIVE if one == objective.name else one for one in aims)))


def _condition(rule: Rule, effect: str, limit: float | None = None) -> Condition:
    entry = metric(rule.metrics[0])
    return Condition(rule=rule.id, limit=rule.limit if limit is None else limit, is_tighter=limit is not None and limit != rule.limit, is_minimum=is_minimum(rule, entry, rule.better_of(entry.id, effect)))


def _asked(words: str, rules: Mapping[str, Rule], effect: str) -> Condition:
    """What 'rule ID within LIMIT' says, with or without the limit.

    Raises:
        ConfigError: there is no such rule here, or no such limit.
    """
    name, is_within, limit = (one.strip() for one in f"{words.removeprefix('rule ')} ".partition(" within "))
    if name not in rules and name in shipped_rules():
        raise ConfigError(f"--choose: {name} is not among this search's rules; add --rule {name}.")
    if name not in rules:
        raise UnknownName("rule", name, list(rules), where="--choose")
    rule = rules[name]
    if not is_within:
        return _condition(rule, effect)
    try:
        found = float(limit)
    except ValueError:
        found = math.nan
    entries = [metric(one) for one in rule.metrics]
    of_minimum = [is_minimum(rule, one, rule.better_of(one.id, effect)) for one in entries]
    if not 0 < found < math.inf or (rule.comparison in _RATIOS and found > 1):
        raise ConfigError(f"--choose: {limit!r} is no limit of {name}, whose own is {rule.limit:g}; give one that is tighter, as 'rule {_condition(rule, effect).roomier.text}'.")
    if any(found < rule.limit if one else found > rule.limit for one in of_minimum):
        raise ConfigError(f"--choose: {name} within {found:g} is looser than the rule, whose own limit is {rule.limit:g}; give a tighter one, as 'rule {_condition(rule, effect).roomier.text}', or leave 'within' out.")
    return _condition(rule, effect, found)


def choose(points: Sequence[Point], choice: Choice) -> Point | None:
    """The best of the points that meet the rules, by the aims in their order; of equally good ones the model as it is, then one that needs no attribute, of these one that draws nothing, and of these the first. None where none meets them.

    Args:
        points: with the aims of the choice.
    """
    able = [one for one in points if not any(missed(one, choice))]
    return min(able, key=lambda one: (*(_cost(one, aim) for aim in choice.aims), one.method != AS_IS, one.needs_attribute, one.is_drawn), default=None)


def nearest(points: Sequence[Point], choice: Choice) -> Point:
    """The point that is past the limits of the fewest rules, and of these the one that is least past any, held against what the limit allows; of equally near ones the first."""

    def short(one: Point) -> tuple[int, float]:
        short_of = [times_past(number, condition) for number, condition in missed(one, choice)]
        return len(short_of), max(short_of, default=-math.inf)

    return min(points, key=short)


def missed(point: Point, choice: Choice) -> Iterator[tuple[Number, Condition]]:
    """What of the choice a point does not meet."""
    for number in point.rules:
        for one in choice.conditions:
            if one.rule == number.rule and not (number.meets and (not one.is_tighter or times_past(number, one) <= _TIE)):
                yield number, one


def times_past(number: Number, condition: Condition) -> float:
    """How far a number is past the limit of a condition, as a multiple of how far from no disparity that limit is, so that ratios and differences can be compared; negative within it.

    A ratio of 0.64 is once past a limit of 0.8, as a difference of 0.2 is past one of 0.1.
    """
    if number.value is None:
        return -math.inf if number.meets else math.inf
    is_ratio = number.kind in _RATIOS
    low, high = number.limit
    if condition.is_tighter:
        around_one = is_ratio or (low is not None and low > 0 and high is not None)
        low = None if low is None else math.copysign(condition.limit, low)
        high = None if high is None else 1 / condition.limit if around_one else condition.limit

    def at(value: float) -> float:
        return value if not is_ratio else math.log(value) if value > 0 else -math.inf

    value, ends = at(number.value), [(-1.0, low), (1.0, high)]
    return max((side * (value - at(end)) / max(abs(at(end)), _TIE) for side, end in ends if end is not None), default=-math.inf)


def _cost(point: Point, aim: str) -> float:
    """Less is better."""
    found = point.objective.value if aim == OBJECTIVE else next(one.value for one in point.aims if one.metric == aim)
    if found is None:
        return math.inf
    return found if aim != OBJECTIVE and CATALOGUE[aim].better is Better.LOWER else -found


def _mistaken(name: str, objective: Objective) -> list[FairauditError]:
    """Why nothing can be chosen by this; nothing where it can."""
    if name in (OBJECTIVE, objective.name):
        return []
    if name not in CATALOGUE:
        return [UnknownName("metric", name, [*(one.id for one in CATALOGUE.values() if _is_able(one)), OBJECTIVE], where="--choose", all_in="`fairaudit metrics list`")]
    if not _is_able(CATALOGUE[name]):
        return [ConfigError(f"--choose: {name} is no number of everyone's decisions of which more, or less, is better; name one that is, as accuracy, or {OBJECTIVE}.")]
    return []


def _is_able(entry: Metric) -> bool:
    return entry.shape in (Shape.RATE, Shape.COMPOSITE) and not entry.needs_score and not entry.of_part and entry.better is not Better.NEITHER
