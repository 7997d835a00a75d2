from __future__ import annotations

import numpy as np
import pytest

from fairaudit.metrics.agreement import disagrees


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        (0.5, 0.5, False),
        (0.5, 0.5 + 9e-10, False),
        (0.5, 0.5 + 2e-9, True),
        (0.0, 9e-10, False),  # below 1 the tolerance is absolute
        (1e6, 1e6 + 9e-4, False),  # and above 1 relative
        (1e6, 1e6 + 2e-3, True),
        (np.nan, np.nan, False),
        (np.nan, 0.0, True),
        (0.0, np.nan, True),
        (np.inf, np.inf, False),
        (np.inf, 1.0, True),
        (np.inf, -np.inf, True),
        (np.inf, np.nan, True),
    ],
)
def test_engines_disagree_beyond_a_billionth_or_on_what_is_undefined(one: float, other: float, differ: bool) -> None:
    assert disagrees(np.array([one]), np.array([other])).tolist() == [differ]
    assert disagrees(np.array([other]), np.array([one])).tolist() == [differ]


def test_disagreement_is_told_group_by_group() -> None:
    assert disagrees(np.array([1.0, 2.0, np.nan]), np.array([1.0, 2.5, np.nan])).tolist() == [False, True, False]


def test_no_groups_are_no_disagreement() -> None:
    assert disagrees(np.array([]), np.array([])).tolist() == []
