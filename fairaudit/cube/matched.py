"""Rows of two audits that are the same: how many were decided so before and so now, in every slice."""

from __future__ import annotations

from dataclasses import dataclass

from fairaudit.cube.slices import Slice
from fairaudit.types import Floats, Ints

SCORES = "scores.parquet"  # the rows that an audit kept, beside its audit.json
CELLS = 3 * 2 * 2  # label, decided before, decided now


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What became of the rows of both, in lines of the data."""

    matched: int
    relabelled: int  # found in both, but with another label, and left out
    only_now: int
    only_before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedClusters:
    """What clusters say of the changes in each slice, where rows are in clusters."""

    number: Ints  # of them, shape (slices,)
    products: Floats  # Σ over clusters of t tᵀ, where t is a cluster's weight by cell; shape (slices, `CELLS`, `CELLS`)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """The matched rows by label and both decisions; arrays follow `slices`, which are the new audit's, and have shape (slices, 3 labels, 2 before, 2 now)."""

    slices: tuple[Slice, ...]
    rows: Ints
    weight: Floats  # the new audit's
    weight_sq: Floats
    moved: Ints  # those that were in another slice before, shape (slices,)
    has_weights: bool
    clusters: MatchedClusters | None
    account: Account
