"""Each benchmark runs; what it measures is for `make bench` to show."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import beside, clusters, coverage, deciders, gaps
from benchmarks import consistency as of_consistency
from benchmarks.processes import measure
from fairaudit.mitigations.policy import Treatment
from fairaudit.rules.finding import Verdict

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("question", ["start", "gate", "writes", "columns", "memory", "thresholds", "methods"])
def test_a_smoke_run_prints_its_table_and_its_ratio(question: str) -> None:
    done = subprocess.run([sys.executable, "-m", "benchmarks", "--smoke", question], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Measured on " in done.stdout and "| median s |" in done.stdout and "the aim is " in done.stdout


def test_the_coverage_table_has_a_line_for_every_interval_and_a_wilson_interval_covers() -> None:
    header, _, *lines = coverage.table(400, 0, weighted=False, sizes=(30, 200), rates=(0.5,))
    assert header.count("|") == 4 and len(lines) == len(list(coverage.lines()))
    shown = {line.split("|")[1].strip(): line.split("|")[3].strip(" *") for line in lines}
    assert all(93 <= float(shown[name]) <= 97.5 for name in ("`selection_rate`", "`true_positive_rate`"))


def test_the_table_of_gaps_holds_the_truth_of_alike_groups() -> None:
    header, _, *lines = gaps.table(60, 0, gaps.WORLDS[:1])
    shown = {line.split("|")[1].strip(): float(line.split("|")[2].strip(" *")) for line in lines}
    assert header.count("|") == 3 and shown["`selection_rate gap`"] >= 85 and shown["`equalized_odds_ratio`"] >= 85
    assert {"`roc_auc gap`", "`differential_fairness`", "`within_group_generalized_entropy_index`"} <= shown.keys()


def test_the_table_of_consistency_has_a_line_a_setting_and_size() -> None:
    lines = list(of_consistency.table(4, 0, sizes=(200,)))
    assert len(lines) == 2 + len(of_consistency.SETTINGS) and all(line.count("|") == 6 for line in lines)


def test_a_population_has_its_worlds_truth() -> None:
    world = gaps.World(name="two", sizes=(300, 100), base=(0.5, 0.5), skill=(3.0, 1.0))
    true = gaps.truth(world, np.random.default_rng(0))
    # P(score > ½) is 11/16 of Beta(3, 2) and 1/4 of Beta(1, 2); the grid's ½ itself is not above.
    assert true["true_positive_rate", "gap"] == pytest.approx(11 / 16 - 1 / 4, abs=0.01)


def test_a_peers_aborted_run_is_made_again_and_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    seen = tmp_path / "seen"
    script = f"import os, pathlib; seen = pathlib.Path({str(seen)!r}); first = not seen.exists(); seen.touch(); first and os.abort()"
    assert len(measure({"peer": (sys.executable, "-c", script)}, runs=1)["peer"].seconds) >= 1
    assert capfd.readouterr().err.count("aborted, and run again") == 1


def test_a_peer_that_is_always_aborted_fails() -> None:
    with pytest.raises(SystemExit, match="ended with -6"):
        measure({"peer": (sys.executable, "-c", "import os; os.abort()")}, runs=1)


def test_our_own_aborted_run_fails_at_once(tmp_path: Path) -> None:
    counted = tmp_path / "ours.py"
    counted.write_text(f"import os\nwith open({str(tmp_path / 'runs')!r}, 'a') as runs:\n    runs.write('x')\nos.abort()")
    with pytest.raises(SystemExit, match="ended with -6"):
        measure({"ours": (sys.executable, str(counted))}, runs=1)
    assert (tmp_path / "runs").stat().st_size == 1


def test_the_tables_of_rows_in_clusters_have_what_clusters_change() -> None:
    header, _, *lines = clusters.table(300, 0, sizes=(200,), rates=(0.5,))
    naive = {line.split("|")[1].strip(): float(line.split("|")[2].strip(" *")) for line in clusters.table(300, 0, sizes=(200,), rates=(0.5,), naive=True) if "selection_rate`" in line}
    shown = {line.split("|")[1].strip(): line.split("|")[2].strip(" *") for line in lines}
    assert header.count("|") == 3 and len(lines) == len(list(coverage.lines()))
    assert float(shown["`selection_rate`"]) >= 92 > 90 > naive["`selection_rate`"]
    ours, independent = clusters.verdicts(clusters.SIX, (0.3,) * 6, 40, np.random.default_rng(0))
    assert ours.total() == independent.total() == 40 and ours[Verdict.FAIL] < independent[Verdict.FAIL]


def test_what_is_drawn_is_compared_in_the_mean() -> None:
    held = beside.People(member=np.array([0.0, 0.0, 1.0, 1.0]), label=np.array([1.0, 0.0, 1.0, 0.0]), score=np.array([0.9, 0.2, 0.9, 0.2]))
    drawn, kept = Treatment(cuts=(0.5,), chances=(0.25, 0.75)), Treatment(cuts=(0.5,), chances=(0.0, 1.0))
    made = deciders.decider_of({0.0: drawn, 1.0: kept})(held)
    assert made.selected.tolist() == [0.75, 0.25, 1.0, 0.0]
    assert (beside.PARITY.gap(held, made), beside.ODDS.gap(held, made)) == (0.0, 0.25)


def test_data_that_the_comparison_does_not_have_are_named() -> None:
    with pytest.raises(SystemExit, match="no data called 'german'; there are adult and compas"):
        beside.main(["german"])
