"""The package as users get it: the published schema, and a wheel that works away from the checkout."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import jsonschema
import pytest

import fairaudit
from fairaudit.cli import _run
from fairaudit.config import AuditConfig
from fairaudit.result import json_schema, to_json
from fairaudit.run import audit

ROOT = Path(__file__).parent.parent
SCHEMA = Path(fairaudit.__file__).parent / "audit.schema.json"


def test_the_published_schema_is_the_programs() -> None:
    """To publish a change: python -m fairaudit.result > fairaudit/audit.schema.json"""
    assert json.loads(SCHEMA.read_text()) == json.loads(json.dumps(json_schema()))


def test_an_audit_file_fits_the_published_schema() -> None:
    pa = pytest.importorskip("pyarrow")
    rows = pa.table({"sex": ["f", "m", None, "f"], "y": [1, 0, 1, None], "s": [0.9, 0.2, 0.6, 0.1]})
    found = audit(AuditConfig(score_column="s", label="y", protected=("sex",), engines=("native",), rules=("four-fifths",)), data=rows)
    jsonschema.validate(json.loads(to_json(found)), json.loads(SCHEMA.read_text()))


def test_an_audit_from_python_is_saved_and_judged_by_the_command_line_as_the_readme_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"sex": ["f", "m"] * 300, "hired": [1, 0, 0, 1] * 150, "score": [0.2, 0.9] * 300, "unused": [1, "a", None] * 200})
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {"frame": frame})
    assert _run(["gate", "audit.json"]) == 1 and capfd.readouterr().out.startswith("FAIL")
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_wheel_audits_away_from_the_checkout(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    assert all((tmp_path / "site" / "fairaudit" / f"{name}.schema.json").is_file() for name in ("audit", "comparison", "gate", "mitigation", "rule", "split"))
    assert (tmp_path / "site" / "fairaudit" / "_data" / "rules" / "packs" / "hiring.yaml").is_file()
    (tmp_path / "a.csv").write_text("sex,y,s\n" + "f,1,0.9\nm,0,0.2\n" * 40)
    flags = "--data a.csv --label y --score-column s --protected sex --engine native --rule four-fifths --out out"
    done = subprocess.run(
        [sys.executable, "-m", "fairaudit", "audit", *flags.split()], cwd=tmp_path, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": "site"}
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Four-fifths" in done.stdout and (tmp_path / "out" / "report.html").is_file()
    where = subprocess.run([sys.executable, "-c", "import fairaudit; print(fairaudit.__file__)"], cwd=tmp_path, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": "site"})
    assert str(tmp_path) in where.stdout or where.stdout.startswith("site")


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import fairaudit, fairaudit.cli, sys; print([m for m in ('numpy', 'duckdb', 'pyarrow', 'tensorflow', 'pandas', 'msgspec', 'rich') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
