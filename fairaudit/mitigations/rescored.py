"""What a model with other scores makes of counted rows, beside the decisions of the model as it is: row by row, since no cell of the one is a cell of the other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fairaudit.cube.counts import Counts
from fairaudit.cube.same_rows import match
from fairaudit.mitigations.redecided import Redecided


def rescored(counts: Counts, own: Path, other: Path) -> Redecided:
    """The other model's decisions, and how many of them are others than those of the model as it is.

    Args:
        counts: of the other model's rows and decisions.
        own: the same rows one by one, as they were counted.
        other: the rows with the decisions of the model as it is.

    Raises:
        ValueError: the files are not of the same rows.
    """
    matched = match(own, other, counts.slices)
    if matched.account.only_now or matched.account.only_before or matched.account.relabelled:
        raise ValueError("the rows of the two models are not the same")
    plain = replace(counts, score=None, score_sq=None, score_cells=None, unlabelled_cells=None, has_probabilities=False)
    return Redecided(counts=plain, matched=matched)
