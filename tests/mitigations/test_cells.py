"""What mitigations are fitted on: the cube's cells as weights by group, label and score."""

import numpy as np
import pytest

from fairaudit.cube.slices import Slice
from fairaudit.mitigations.cells import Cells
from fairaudit.mitigations.policy import Policy, Treatment, policy_of, threshold_at
from tests.mitigations.expected import expected

A, B = Slice([("sex", "a")]), Slice([("sex", "b")])
CELLS = Cells(
    groups=(A, B), positive=np.array([[0.0, 1, 2], [1, 0, 3]]), negative=np.array([[4.0, 1, 0], [2, 2, 1]]), positive_score=np.zeros((2, 3)), negative_score=np.zeros((2, 3)),
    rows=np.array([[5, 3], [5, 4]]), lowest=np.array([0.1, 0.4, 0.7]), highest=np.array([0.2, 0.5, 0.9]), edges=(0.55,),
)  # fmt: skip


def test_a_cut_lies_between_two_cells_and_where_an_edge_tells_them_apart_it_is_the_cut():
    assert CELLS.cuts.tolist() == [-np.inf, pytest.approx(0.3), 0.55, np.inf]


def test_above_each_cut_lies_what_is_selected():
    tp, fp = CELLS.selected()
    assert tp.tolist() == [[3, 3, 2, 0], [4, 3, 3, 0]]
    assert fp.tolist() == [[5, 1, 0, 0], [5, 3, 1, 0]]


def test_a_threshold_is_the_cut_that_decides_as_it_does_and_none_where_it_cuts_through_a_cell():
    assert [CELLS.place(one) for one in (0.05, 0.2, 0.3, 0.5, 0.6, 0.9)] == [0, 1, 1, 2, 2, 3]
    with pytest.raises(ValueError, match="within a score cell"):
        CELLS.place(0.45)


def test_neighbouring_doubles_are_told_apart():
    low = 0.5
    high = np.nextafter(low, 1)
    cells = Cells(groups=(A,), positive=np.ones((1, 2)), negative=np.ones((1, 2)), positive_score=np.zeros((1, 2)), negative_score=np.zeros((1, 2)), rows=np.array([[2, 2]]), lowest=np.array([low, high]), highest=np.array([low, high]))
    assert low <= cells.cuts[1] < high


def test_what_a_policy_gives_in_the_mean_is_each_cells_weight_by_its_chance():
    tp, fp = expected(CELLS, [threshold_at(0.55), Treatment(cuts=(0.3,), chances=(0.25, 0.5))])
    assert (tp.tolist(), fp.tolist()) == ([2, 0.25 + 1.5], [0, 0.5 + 1 + 0.5])


def test_rows_that_are_replaced_are_decided_as_the_constant_is():
    mixed = Treatment(cuts=(0.5,), chances=(0.0, 1.0), replaced=0.25, constant=0.6)
    assert mixed.chance(np.array([0.4, 0.5, 0.7])).tolist() == [0.25, 0.25, 1.0]
    assert mixed.is_random and not threshold_at(0.5).is_random


@pytest.mark.parametrize("made", [{"cuts": (0.5,), "chances": (1.0,)}, {"cuts": (0.6, 0.5), "chances": (0.0, 0.5, 1.0)}, {"chances": (1.5,)}, {"chances": (1.0,), "replaced": 0.5}, {"cuts": (np.inf,), "chances": (0.0, 1.0)}])
def test_a_treatment_that_cannot_be_is_refused(made):
    with pytest.raises(ValueError):
        Treatment(**made)


def test_a_group_that_was_not_fitted_is_decided_by_the_fallback():
    policy: Policy = policy_of("thresholds", ("sex",), {A: threshold_at(0.3)}, threshold_at(0.5))
    assert policy.of(A).cuts == (0.3,) and policy.of(B).cuts == (0.5,) and policy.of(Slice([("sex", None)])).cuts == (0.5,)
