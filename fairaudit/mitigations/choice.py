"""`--choose 'rule four-fifths, then accuracy'`: what a candidate must meet, and what decides among those that do.

    CHOICE    = [CONDITION {"," CONDITION} ","] AIM {"," AIM}
    CONDITION = "rule" ID | "all rules"
    AIM       = ["then"] ("objective" | a metric's id)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from fairaudit.errors import ConfigError, FairauditError, UnknownName, raise_all
from fairaudit.metrics.catalogue import CATALOGUE, Better, Metric, Shape
from fairaudit.mitigations.frontier import Point
from fairaudit.mitigations.methods import AS_IS
from fairaudit.mitigations.objective import Objective

OBJECTIVE, ALL_RULES = "objective", "all rules"
_FORM = "write it as 'rule four-fifths, then accuracy'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is met, and then what is made best, the first the most important."""

    rules: tuple[str, ...]
    aims: tuple[str, ...]  # OBJECTIVE, or a metric of everyone

    @property
    def text(self) -> str:
        """In words, as it could be asked for."""
        return ", then ".join((", ".join(f"rule {one}" for one in self.rules), *self.aims) if self.rules else self.aims)

    def called(self, objective: Objective) -> str:
        """The same, with the objective by its name where it could be asked for by it: costs could not."""
        return replace(self, aims=tuple(objective.name if one == OBJECTIVE and objective.name in CATALOGUE else one for one in self.aims)).text


def choice_of(asked: str | None, rules: Sequence[str], objective: Objective) -> Choice:
    """What --choose says; all rules and then the objective where it says nothing.

    Args:
        rules: ids of those that are judged.

    Raises:
        ConfigError, Several: it cannot be; one sentence a mistake.
    """
    if asked is None:
        return Choice(rules=tuple(rules), aims=(OBJECTIVE,))
    mistakes: list[FairauditError] = []
    wanted: list[str] = []
    aims: list[str] = []
    for part in (" ".join(one.split()) for one in asked.split(",")):
        is_aim, words = part.startswith("then "), part.removeprefix("then ")
        if not words:
            mistakes.append(ConfigError(f"--choose {asked!r} has nothing {'before a comma' if asked.strip() else 'in it'}; {_FORM}."))
        elif words == ALL_RULES or words.startswith("rule "):
            if is_aim or aims:
                mistakes.append(ConfigError(f"--choose {asked!r}: {words!r} must be met, so it stands before everything that comes with 'then'; {_FORM}."))
            elif words == ALL_RULES:
                wanted += rules
            elif (name := words.removeprefix("rule ").strip()) in rules:
                wanted.append(name)
            else:
                mistakes.append(UnknownName("rule", name, list(rules), where="--choose"))
        elif is_aim or not aims:
            aims.append(words)
            mistakes += _mistaken(words, objective)
        else:
            mistakes.append(ConfigError(f"--choose {asked!r}: {words!r} follows {aims[-1]!r} without saying which comes first; put 'then' before it."))
    if not aims and not mistakes:
        mistakes.append(ConfigError(f"--choose {asked!r} says what must be met and not what decides among those that do; add what is made best, as 'then accuracy'."))
    raise_all(mistakes)
    return Choice(rules=tuple(dict.fromkeys(wanted)), aims=tuple(dict.fromkeys(OBJECTIVE if one == objective.name else one for one in aims)))


def choose(points: Sequence[Point], choice: Choice, value: Callable[[Point, str], float]) -> Point | None:
    """The best of the points that meet the rules, by the aims in their order; of equally good ones the model as it is, then one that needs no attribute, of these one that draws nothing, and of these the first. None where none meets them.

    Args:
        value: a metric of everyone, at a point; NaN where it is undefined, which is worse than any number.
    """
    able = [one for one in points if all(number.meets for number in one.rules if number.rule in choice.rules)]
    return min(able, key=lambda one: (*(_cost(one, aim, value) for aim in choice.aims), one.method != AS_IS, one.needs_attribute, one.policy is not None and one.policy.is_random), default=None)


def nearest(points: Sequence[Point], choice: Choice) -> Point:
    """The point that is furthest past the limits of the fewest rules; of equally near ones the first."""

    def short(one: Point) -> tuple[int, float]:
        missed = [number for number in one.rules if number.rule in choice.rules and not number.meets]
        return len(missed), max((math.inf if number.past is None else number.past for number in missed), default=-math.inf)

    return min(points, key=short)


def _cost(point: Point, aim: str, value: Callable[[Point, str], float]) -> float:
    """Less is better."""
    found = point.objective.value if aim == OBJECTIVE else value(point, aim)
    if found is None or math.isnan(found):
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
