"""What rows must have before a method that compares groups can be fitted on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from fairaudit.cube.slices import Slice
from fairaudit.errors import ContentError, listed
from fairaudit.mitigations.cells import Cells
from fairaudit.types import Floats

Label = Literal["positive", "negative"]
BOTH: tuple[Label, ...] = ("positive", "negative")
_FEW = 30


def need_groups(cells: Cells) -> None:
    """Returns if there are groups to be compared.

    Raises:
        ContentError: there are fewer than two; a missing value makes no group.
    """
    if len(cells.groups) < 2:
        found = f"only {cells.groups[0]}" if cells.groups else "none"
        raise ContentError(f"groups are to be treated alike, and the rows to fit on have {found}; give rows of two groups or more.")


def few_rows(groups: Sequence[Slice], rows: Sequence[int], *, what: str = "Thresholds") -> Iterator[str]:
    """What is said of groups that have few rows of a label to fit on.

    Args:
        rows: each group's, of the label that it has fewer of.
        what: that rests on them.
    """
    small = [str(group) for group, number in zip(groups, rows, strict=True) if number < _FEW]
    if small:
        yield f"{what} of groups with fewer than {_FEW} positives or negatives to fit on rest on little, and may not hold for others: {', '.join(small[:6])}{f' and {len(small) - 6} more' if len(small) > 6 else ''}."


def weights_by_label(cells: Cells, *, every_group: Sequence[Label] = BOTH) -> tuple[Floats, Floats]:
    """Weight of each group's positives and negatives, each of shape (groups,).

    Args:
        every_group: labels that each group must have; every group must have some rows, and all together must have both labels.

    Raises:
        ContentError: they don't, or there are fewer than two groups.
    """
    need_groups(cells)
    weights = {"positive": cells.positive.sum(axis=1), "negative": cells.negative.sum(axis=1)}
    for label in BOTH:
        without = [str(group) for group, weight in zip(cells.groups, weights[label], strict=True) if weight == 0]
        if without and (label in every_group or len(without) == len(cells.groups)):
            raise ContentError(f"none of the rows to fit on has a {label} label in {listed(without, 6)}, so how such rows are decided there is unknown; give rows of both labels, or make small groups one.")
    empty = [str(group) for group, weight in zip(cells.groups, weights["positive"] + weights["negative"], strict=True) if weight == 0]
    if empty:
        raise ContentError(f"the rows to fit on have none with a label in {listed(empty, 6)}; give labelled rows of every group, or make small groups one.")
    return weights["positive"], weights["negative"]


def need_probabilities(cells: Cells, method: str) -> None:
    """Raises:
    ContentError: scores lie outside 0 and 1.
    """
    low, high = float(np.min(cells.lowest, initial=np.inf)), float(np.max(cells.highest, initial=-np.inf))
    if low < 0 or high > 1:
        raise ContentError(f"{method} reads scores as probabilities, and those to fit on lie between {low:g} and {high:g}; give scores between 0 and 1, as --activation makes of logits, or use mitigate thresholds.")
