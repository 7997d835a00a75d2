"""Each benchmark runs; what it measures is for `make bench` to show."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import coverage

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("question", ["start", "gate", "columns", "memory"])
def test_a_smoke_run_prints_its_table_and_its_ratio(question: str) -> None:
    done = subprocess.run([sys.executable, "-m", "benchmarks", "--smoke", question], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Measured on " in done.stdout and "| median s |" in done.stdout and "the aim is " in done.stdout


def test_the_coverage_table_has_a_line_for_every_interval_and_a_wilson_interval_covers() -> None:
    header, _, *lines = coverage.table(400, 0, weighted=False, sizes=(30, 200), rates=(0.5,))
    assert header.count("|") == 4 and len(lines) == len(list(coverage.lines()))
    shown = {line.split("|")[1].strip(): line.split("|")[3].strip(" *") for line in lines}
    assert all(93 <= float(shown[name]) <= 97.5 for name in ("`selection_rate`", "`true_positive_rate`"))
