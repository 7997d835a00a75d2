"""What a mitigation makes as large as it can: the mean gain of a decision."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fairaudit.errors import ConfigError, nearest
from fairaudit.types import Floats

ACCURACY, BALANCED_ACCURACY = "accuracy", "balanced_accuracy"
_CELLS = ("tp", "fp", "tn", "fn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """What each kind of decision is worth. Without `balanced` it is the mean over the rows, with it the mean of the means over positives and over negatives."""

    name: str  # as it was asked for
    tp: float
    fp: float
    tn: float
    fn: float
    balanced: bool = False

    def of(self, tp: Floats, fp: Floats, *, positives: Floats, negatives: Floats) -> Floats:
        """What the decisions of each group add to the objective; their sum over the groups is its value. NaN where it is undefined for everybody.

        Args:
            tp, fp: weight of true and of false positives, shape (groups, …).
            positives, negatives: weight of each group's rows by label, shape (groups,).
        """
        apart = (1,) * (tp.ndim - 1)
        p, n = positives.reshape(-1, *apart), negatives.reshape(-1, *apart)
        right, wrong = self.tp * tp + self.fn * (p - tp), self.fp * fp + self.tn * (n - fp)
        whole, other = (2 * p.sum(), 2 * n.sum()) if self.balanced else (p.sum() + n.sum(),) * 2
        with np.errstate(divide="ignore", invalid="ignore"):
            out: Floats = right / whole + wrong / other
        return out


_BY_NAME = {
    ACCURACY: Objective(name=ACCURACY, tp=1, fp=0, tn=1, fn=0),
    BALANCED_ACCURACY: Objective(name=BALANCED_ACCURACY, tp=1, fp=0, tn=1, fn=0, balanced=True),
}


def objective_of(asked: str) -> Objective:
    """accuracy, balanced_accuracy, or costs such as 'fp=1,fn=5': what each mistake costs, and what is right, which costs nothing unless it is named (tp, tn); a negative cost is a gain.

    Raises:
        ConfigError: it is none of these.
    """
    text = asked.strip()
    if "=" not in text:
        if text.replace("-", "_") in _BY_NAME:
            return _BY_NAME[text.replace("-", "_")]
        near = nearest(text, _BY_NAME)
        advice = f"did you mean {near!r}?" if near else "give accuracy, balanced_accuracy, or what mistakes cost, as 'fp=1,fn=5'."
        raise ConfigError(f"--objective {asked!r} is not known; {advice}")
    costs: dict[str, float] = {}
    for part in text.split(","):
        name, equals, number = (one.strip() for one in part.partition("="))
        if name not in _CELLS or not equals or name in costs:
            raise ConfigError(f"--objective {asked!r}: {part.strip()!r} is not one of tp, fp, tn, fn with its cost, each once, as in 'fp=1,fn=5'.")
        try:
            costs[name] = float(number)
        except ValueError:
            raise ConfigError(f"--objective {asked!r}: {number!r} is no number; write costs as in 'fp=1,fn=5'.") from None
        if not math.isfinite(costs[name]):
            raise ConfigError(f"--objective {asked!r}: the cost of {name} is {number}; give a finite number.")
    tp, fp, tn, fn = (-costs.get(name, 0.0) for name in _CELLS)
    made = Objective(name=text, tp=tp, fp=fp, tn=tn, fn=fn)
    if made.tp == made.fn and made.tn == made.fp:
        raise ConfigError(f"--objective {asked!r} costs the same whatever is decided, so nothing could be chosen by it; give a mistake a cost, as in 'fp=1,fn=5'.")
    return made
