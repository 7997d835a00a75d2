"""What metrics are computed from: the cube's sums as arrays, one row a slice."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from fairaudit.cube.clusters import Clusters
from fairaudit.cube.slices import Slice, Slicing
from fairaudit.types import Floats, Ints

NEGATIVE, POSITIVE, UNLABELLED = 0, 1, 2  # the label axis
REJECTED, SELECTED = 0, 1  # the decision axis


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreCells:
    """Weight by slice, label and score: what AUC is computed from. Sorted by slice, then by score.

    All arrays have shape (cells,). Two cells of one slice with the same `order` hold the same score range, one for each label.
    """

    slice: Ints  # index into `Counts.slices`
    order: Ints  # place of the cell's score range among all; larger is a higher score
    label: Ints  # 0 or 1; 2 where unlabelled
    weight: Floats
    weight_sq: Floats
    rows: Ints
    lowest: Floats  # smallest score in the cell
    highest: Floats  # largest score in the cell; where equal to `lowest` the cell is exact
    score: Floats  # Σw·s
    loss: Floats  # Σw·(−ln s) of positives and Σw·(−ln(1 − s)) of negatives, where finite; 0 where scores are no probabilities

    def at(self, index: Any) -> ScoreCells:
        """Some of the cells, by anything that indexes an array."""
        return ScoreCells(**{one.name: getattr(self, one.name)[index] for one in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Sums per slice, label and decision at the operating point; each array has shape (slices, 3 labels, 2 decisions).

    The label axis is negative, positive, unlabelled; the decision axis rejected, selected. `weight` sums are exact integers where
    rows carry no weights. `score` and `score_sq` (Σw·s, Σw·s²) are None where the audit has no scores.
    """

    slices: tuple[Slice, ...]
    rows: Ints
    weight: Floats
    weight_sq: Floats
    score: Floats | None
    score_sq: Floats | None
    has_labels: bool
    has_weights: bool
    has_probabilities: bool  # scores lie in [0, 1] and may be read as probabilities
    score_cells: ScoreCells | None = field(default=None)  # of labelled rows
    unlabelled_cells: ScoreCells | None = field(default=None)
    clusters: Clusters | None = field(default=None)  # where rows belong together

    @property
    def tp(self) -> Floats:
        return self.weight[:, POSITIVE, SELECTED]

    @property
    def fp(self) -> Floats:
        return self.weight[:, NEGATIVE, SELECTED]

    @property
    def tn(self) -> Floats:
        return self.weight[:, NEGATIVE, REJECTED]

    @property
    def fn(self) -> Floats:
        return self.weight[:, POSITIVE, REJECTED]

    def index(self, wanted: Slice) -> int:
        return self.slices.index(wanted)

    def of_slicing(self, slicing: Slicing) -> tuple[int, ...]:
        """Indexes of the slices that this slicing cuts, in order."""
        return tuple(i for i, one in enumerate(self.slices) if one.attributes == slicing)
