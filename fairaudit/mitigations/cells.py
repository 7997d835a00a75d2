"""The rows that a mitigation is fitted on, as weights by group, label and score: what every method is solved from, whatever the number of rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fairaudit.cube.counts import NEGATIVE, POSITIVE, Counts
from fairaudit.cube.slices import Slice, Slicing
from fairaudit.types import Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Labelled rows by group and score cell; a later cell holds higher scores.

    Arrays of weights have the shape (groups, cells), those of scores (cells,). A score belongs to one cell only, so between two cells there is a cut that
    tells them apart exactly, and a method that cuts nowhere else is exact.
    """

    groups: tuple[Slice, ...]  # of the full cross of the attributes; those with a missing value are left out
    positive: Floats  # weight of the rows whose label is positive
    negative: Floats
    positive_score: Floats  # Σw·s of the same
    negative_score: Floats
    rows: Ints  # (groups, 2): negatives, positives
    lowest: Floats  # of the scores in a cell, whatever the group
    highest: Floats
    edges: tuple[float, ...] = ()  # rising: scores that are cuts by name, as the model's own threshold
    told: tuple[Cells, ...] = ()  # where groups are inferred: the same rows by the group that they are taken for, each by the group that they are of

    @property
    def cuts(self) -> Floats:
        """Thresholds, shape (cells + 1,), rising: above the one at place i lie the cells from i on. Where an edge tells two cells apart it is the cut, else the middle of what lies between
        them; the first and the last, above which lies everything and nothing, are infinite.
        """
        between = (self.highest[:-1] + self.lowest[1:]) / 2
        between = np.where(between < self.lowest[1:], between, self.highest[:-1])  # neighbouring doubles have no middle
        edges = np.array(self.edges)
        after = np.searchsorted(self.highest, edges, side="right") - 1  # the last cell that is not above the edge
        apart = (after >= 0) & (after < between.size)
        apart[apart] = edges[apart] < self.lowest[after[apart] + 1]
        between[after[apart]] = edges[apart]  # of several the highest
        return np.concatenate(([-np.inf], between, [np.inf]))

    def selected(self) -> tuple[Floats, Floats]:
        """Weight of the true and of the false positives if everything above a cut is selected, each of shape (groups, cells + 1)."""
        return _from_above(self.positive), _from_above(self.negative)

    def place(self, threshold: float) -> int:
        """The place of the cut that decides as `score > threshold` does.

        Raises:
            ValueError: the threshold lies within a cell, so that no cut decides as it does; count with it as an edge.
        """
        return int(self.places(np.array([threshold]))[0])

    def places(self, thresholds: Floats) -> Ints:
        """The same of many at once, of the shape of `thresholds`."""
        places: Ints = np.searchsorted(self.lowest, thresholds, side="right")  # the first cell that lies above it as a whole
        within = np.concatenate(([-np.inf], self.highest))[places] > thresholds
        if within.any():
            raise ValueError(f"{float(thresholds[within][0])!r} lies within a score cell; it must be an edge of the cube")
        return places


def cells_of(counts: Counts, slicing: Slicing, edges: tuple[float, ...] = ()) -> Cells:
    """The score cells of one slicing's groups, those with missing values left out.

    Args:
        edges: scores that the cube was counted with as edges, rising.

    Raises:
        ValueError: the counts are without scores or labels.
    """
    cells = counts.score_cells
    if cells is None or not counts.has_labels:
        raise ValueError("a mitigation is fitted on scores and labels")
    known = [index for index in counts.of_slicing(slicing) if not counts.slices[index].has_missing]
    group: Ints = np.full(len(counts.slices), -1, dtype=np.int64)
    group[known] = np.arange(len(known))
    held = cells.at(group[cells.slice] >= 0)
    orders, column = np.unique(held.order, return_inverse=True)
    place = group[held.slice] * orders.size + column

    def summed(values: Floats, label: int) -> Floats:
        taken = held.label == label
        out: Floats = np.bincount(place[taken], values[taken].astype(np.float64), len(known) * orders.size).reshape(len(known), orders.size).astype(np.float64)
        return out

    lowest: Floats = np.full(orders.size, np.inf)
    highest: Floats = np.full(orders.size, -np.inf)
    np.minimum.at(lowest, column, held.lowest)
    np.maximum.at(highest, column, held.highest)
    return Cells(
        groups=tuple(counts.slices[index] for index in known),
        positive=summed(held.weight, POSITIVE), negative=summed(held.weight, NEGATIVE),
        positive_score=summed(held.score, POSITIVE), negative_score=summed(held.score, NEGATIVE),
        rows=counts.rows[known][:, [NEGATIVE, POSITIVE]].sum(axis=2),
        lowest=lowest, highest=highest, edges=edges,
    )  # fmt: skip


def _from_above(weight: Floats) -> Floats:
    """The sum of all cells from each place on, and 0 after the last."""
    out: Floats = np.concatenate((np.cumsum(weight[:, ::-1], axis=1)[:, ::-1], np.zeros((weight.shape[0], 1))), axis=1)
    return out
