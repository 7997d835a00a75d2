"""Whether people who are alike are decided alike: each row's decision against those of its nearest rows."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np

from fairaudit.types import Bools, Floats

NEIGHBORS = 5


def can_find_neighbours() -> bool:
    """Whether scikit-learn is installed, whose ball tree settles ties as AIF360's does."""
    return find_spec("sklearn") is not None


def disagreement(features: Floats, decision: Bools, *, neighbors: int = NEIGHBORS) -> Floats:
    """|ŷ − mean of ŷ over the nearest rows| of each row, shape (rows,); a row is among its own nearest, unless as many others have its very features.

    Args:
        features: shape (rows, features), as they are: whatever varies most decides who is near.

    Raises:
        ValueError: there are fewer rows than neighbours.

    Source: Zemel et al. (2013), ICML; as AIF360 has it, by Euclidean distance.
    """
    from sklearn.neighbors import NearestNeighbors  # type: ignore[import-untyped]

    taken = decision.astype(np.float64)
    nearest = NearestNeighbors(n_neighbors=neighbors, algorithm="ball_tree").fit(features).kneighbors(features, return_distance=False)
    out: Floats = np.abs(taken - taken[nearest].mean(axis=1))
    return out


def tied(features: Floats, *, neighbors: int = NEIGHBORS) -> Bools:
    """Which rows have others as near as the last of their nearest, shape (rows,): which of these count depends on the order of rows."""
    from sklearn.neighbors import NearestNeighbors

    if len(features) <= neighbors:
        return np.zeros(len(features), dtype=bool)
    apart = NearestNeighbors(n_neighbors=neighbors + 1, algorithm="ball_tree").fit(features).kneighbors(features)[0]
    out: Bools = apart[:, neighbors - 1] == apart[:, neighbors]
    return out
