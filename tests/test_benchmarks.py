"""Each benchmark runs; what it measures is for `make bench` to show."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("question", ["start", "gate", "columns", "memory"])
def test_a_smoke_run_prints_its_table_and_its_ratio(question: str) -> None:
    done = subprocess.run([sys.executable, "-m", "benchmarks", "--smoke", question], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Measured on " in done.stdout and "| median s |" in done.stdout and "the aim is " in done.stdout
