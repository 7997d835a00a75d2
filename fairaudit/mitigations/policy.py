"""What a mitigation decides of a score, group by group: what is fitted, exported and written into the card."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

import msgspec
import numpy as np

from fairaudit.cube.slices import Slice, Slicing
from fairaudit.mitigations.names import MethodName
from fairaudit.types import Floats


class Treatment(msgspec.Struct, frozen=True, kw_only=True):
    """How the scores of one group are decided.

    A score lies in the band `number of cuts that it is above`; `chances` has each band's chance of a positive decision, one more than there are cuts. With one cut and the chances 0 and 1 it is a
    threshold. Where `constant` is given, so large a share of the rows as `replaced` says, drawn by what they are, is decided and scored as if the score were `constant`.
    """

    cuts: tuple[float, ...] = ()  # rising, finite
    chances: tuple[float, ...]
    replaced: float = 0.0
    constant: float | None = None

    def __post_init__(self) -> None:
        if len(self.chances) != len(self.cuts) + 1 or not all(0 <= one <= 1 for one in self.chances):
            raise ValueError(f"{len(self.cuts)} cuts make {len(self.cuts) + 1} bands, each with a chance between 0 and 1; given are {self.chances}")
        if not all(map(np.isfinite, self.cuts)) or list(self.cuts) != sorted(set(self.cuts)):
            raise ValueError(f"the cuts {self.cuts} must be finite and rise")
        if not 0 <= self.replaced <= 1 or (self.constant is None) != (self.replaced == 0):
            raise ValueError("a share of rows between 0 and 1 is replaced by a constant, or none is")

    @property
    def is_random(self) -> bool:
        """Whether some rows' decisions are drawn."""
        return self.constant is not None or any(0 < one < 1 for one in self.chances)

    def chance(self, scores: Floats) -> Floats:
        """The chance of a positive decision for each score, whatever is drawn of it; of the shape of `scores`."""
        own = self.kept_chance(scores)
        if self.constant is None:
            return own
        return (1 - self.replaced) * own + self.replaced * self.chances[bisect_left(self.cuts, self.constant)]

    def kept_chance(self, scores: Floats) -> Floats:
        """The same for scores that nothing replaces."""
        return np.asarray(self.chances)[np.searchsorted(self.cuts, scores, side="left")]


def threshold_at(cut: float) -> Treatment:
    """Whatever is above is selected; all of it, or nothing, where the cut is infinite."""
    return Treatment(cuts=(cut,), chances=(0.0, 1.0)) if np.isfinite(cut) else Treatment(chances=(float(cut < 0),))


class OfGroup(msgspec.Struct, frozen=True, kw_only=True):
    group: Slice
    treatment: Treatment


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Every group's treatment, and everybody else's."""

    method: MethodName
    attributes: Slicing
    groups: tuple[OfGroup, ...]
    is_inferred: bool = False  # whether a row's group is what the model takes it for
    fallback: Treatment  # of a row whose group is missing, or was not seen in fitting: what the model itself decided; of everybody, where there are no groups

    @property
    def is_random(self) -> bool:
        return self.fallback.is_random or any(one.treatment.is_random for one in self.groups)

    @property
    def replaces(self) -> bool:
        """Whether some rows' scores are replaced by a constant."""
        return self.fallback.constant is not None or any(one.treatment.constant is not None for one in self.groups)

    def of(self, group: Slice) -> Treatment:
        """The treatment of a group; the fallback of one that was not fitted."""
        return next((one.treatment for one in self.groups if one.group == group), self.fallback)


def policy_of_all(method: MethodName, treatment: Treatment) -> Policy:
    """The same treatment for everybody, which asks for no group."""
    return Policy(method=method, attributes=(), groups=(), fallback=treatment)


def policy_of(method: MethodName, attributes: Slicing, treatments: Mapping[Slice, Treatment], fallback: Treatment, *, is_inferred: bool = False) -> Policy:
    return Policy(method=method, attributes=attributes, is_inferred=is_inferred, groups=tuple(OfGroup(group=group, treatment=one) for group, one in treatments.items()), fallback=fallback)
