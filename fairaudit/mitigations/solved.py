"""What fitting a mitigation comes to: treatments that meet what was asked, or the news that there are none."""

from __future__ import annotations

from dataclasses import dataclass

from fairaudit.cube.slices import Slice
from fairaudit.errors import VIOLATED, FairauditError
from fairaudit.mitigations.policy import Treatment
from fairaudit.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """Treatments that meet what was asked on the cells, and what they give there; each method says what its objective is."""

    treatments: tuple[Treatment, ...]  # of each group of the cells
    objective: float
    gap: float  # how much better than this the best could be at most; 0: this is the best
    before: float  # the objective of what was there
    metrics: tuple[str, ...]  # what was held to something, as `rates` has it
    rates: tuple[Floats, ...]  # of each metric, shape (groups,)
    unfitted: tuple[Slice, ...] = ()  # groups for which a rule's rate is undefined whatever is decided: they keep their threshold
    reference: int | None = None  # place of the group that the others were held against, where the method has one
    parameters: tuple[tuple[str, float], ...] = ()  # what was chosen for all groups together


class Unreachable(FairauditError):
    """Nothing that the method may choose meets what was asked."""

    exit_code = VIOLATED
