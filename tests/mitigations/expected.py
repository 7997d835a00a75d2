"""What treatments give of cells, in the mean over what is drawn: the plain way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fairaudit.mitigations.cells import Cells
from fairaudit.mitigations.policy import Treatment
from fairaudit.types import Floats


def expected(cells: Cells, treatments: Sequence[Treatment]) -> tuple[Floats, Floats]:
    """Weight of true and of false positives that the treatments give, in the mean over what is drawn; each of shape (groups,).

    Args:
        treatments: of each group of the cells, whose cuts must lie between cells.
    """
    # A cell lies on one side of every cut, so any score in it speaks for all.
    chance = np.array([one.chance(cells.highest) for one in treatments]).reshape(len(treatments), cells.highest.size)
    return (cells.positive * chance).sum(axis=1), (cells.negative * chance).sum(axis=1)
