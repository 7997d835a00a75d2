"""From rows through the cube: with a method's points as edges, scores of any number are fitted as exactly as AIF360 fits the rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from fairaudit.cube.cube import Grid as ScoreGrid
from fairaudit.cube.cube import Plan, count, counts
from fairaudit.mitigations.calibrated_equalized_odds import COSTS, calibrated_equalized_odds
from fairaudit.mitigations.cells import Cells, cells_of
from fairaudit.mitigations.equalized_odds import equalized_odds
from fairaudit.mitigations.reject_option import METRICS, points, reject_option
from tests.builders import connected
from tests.mitigations import test_calibrated_equalized_odds as calibrated
from tests.mitigations import test_equalized_odds as equalized
from tests.mitigations import test_reject_option as reject
from tests.mitigations.builders import Rows

THRESHOLD = 0.4142


def people(rows: int) -> Rows:
    """Scores that are nearly all different; those of group 0 are lower and say less."""
    rng = np.random.default_rng(3)
    group, truth = rng.integers(0, 2, rows), rng.random(rows)
    score = np.clip((0.8 + 0.2 * group) * truth + rng.normal(0, 0.1 - 0.05 * group, rows), 0, 1)
    return Rows(group=group, label=(rng.random(rows) < truth).astype(int), score=score, weight=np.ones(rows))


ROWS = people(3_000)


def counted(rows: Rows, edges: tuple[float, ...]) -> Cells:
    table = pa.table({"a0": [str(one) for one in rows.group], "label": rows.label, "decision": rows.score > THRESHOLD, "weight": rows.weight, "score": rows.score})
    plan = Plan(attributes=("g",), slicings=(("g",),), grid=ScoreGrid(lowest=0.0, highest=1.0), has_labels=True, has_weights=False, has_probabilities=True, edges=edges)
    with connected() as connection:
        connection.register("people", table)
        return cells_of(counts(count(connection, "people", plan)), ("g",), edges)


@pytest.mark.parametrize("metric", METRICS)
def test_reject_option_finds_what_aif360_finds_on_the_rows(metric):
    solved = reject_option(counted(ROWS, tuple(sorted({*points(reject.SMALL), THRESHOLD}))), metric, threshold=THRESHOLD, reference=1, grid=reject.SMALL)
    fitted, found = reject.theirs(ROWS, metric, reject.SMALL, (-0.05, 0.05))
    accuracy, difference = reject.measured(ROWS, fitted, metric)
    assert found and reject.chosen(solved) == (fitted.classification_threshold, fitted.ROC_margin)
    assert (solved.objective, solved.rates[0][0]) == (pytest.approx(accuracy, abs=1e-9), pytest.approx(difference, abs=1e-9))


def test_equalized_odds_finds_what_aif360_finds_on_the_rows():
    solved, found = equalized_odds(counted(ROWS, (THRESHOLD,)), threshold=THRESHOLD), equalized.theirs(ROWS, THRESHOLD)
    assert solved.objective == pytest.approx(-found.fun, abs=1e-9)
    assert [*equalized.chances(solved.treatments[1]), *equalized.chances(solved.treatments[0])] == pytest.approx(found.x, abs=1e-9)


@pytest.mark.parametrize("cost", COSTS)
def test_calibrated_equalized_odds_finds_what_aif360_finds_on_the_rows(cost):
    found = calibrated.theirs(ROWS, cost)
    theirs = [float(found.unpriv_mix_rate), float(found.priv_mix_rate)]
    assert all(0 <= one <= 1 for one in theirs)
    assert calibrated.shares(calibrated_equalized_odds(counted(ROWS, (THRESHOLD,)), threshold=THRESHOLD, cost=cost)) == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("number", [1, 255, 256, 257, 300, 511, 512, 513])
def test_cells_end_at_every_edge_however_many_there_are(number: int) -> None:
    """Each cell of scores lies between two neighbouring edges, as NumPy's binary search places its ends; a score at an edge is below it."""
    edges = np.sort(np.random.default_rng(number).random(number))
    some = people(2_000)
    score = some.score.copy()
    score[:number] = edges[: score.size]
    cells = counted(Rows(group=some.group, label=some.label, score=score, weight=some.weight), tuple(edges.tolist()))
    assert (np.searchsorted(edges, cells.lowest, side="left") == np.searchsorted(edges, cells.highest, side="left")).all()
    assert (cells.highest[:-1] < cells.lowest[1:]).all() and cells.rows.sum() == 2_000
