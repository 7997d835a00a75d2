"""docs/split.md names every field of split.json, and its Python runs; docs/mitigation.md works the ten applicants."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow.csv  # type: ignore[import-untyped]
import pytest

from fairaudit.mitigations.reweighing import factors
from fairaudit.splits.result import SCHEMA, SplitFile
from tests.splits.builders import people
from tests.test_words import _examples, _said

DOCS = Path(__file__).parent.parent / "docs"
PAGE, MITIGATION = (DOCS / "split.md").read_text(), (DOCS / "mitigation.md").read_text()


def test_every_field_of_split_json_is_named_and_no_other() -> None:
    table = PAGE.split("`split.json` says how")[1].split("\n\n")[1]
    named = [name for line in table.splitlines() for name in re.findall(r"`(\w+)`", line.split("|")[1])]
    assert sorted(named) == sorted(SplitFile.__struct_fields__) and SCHEMA in table


@pytest.mark.parametrize("page", [PAGE, MITIGATION], ids=["split", "mitigation"])
def test_the_commands_have_flags_that_exist(page: str) -> None:
    for one in _examples(page):
        named = one[:2] if one[0] == "mitigate" else one[:1]
        assert {word for word in one if word.startswith("--")} <= set(re.findall(r"(--[a-z-]+)", _said(*named, "--help")))


def test_the_python_of_the_page_runs_and_finds_no_overlap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pyarrow.csv.write_csv(people(300), "people.csv")
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(code.replace("overlap(Source(", "found = overlap(Source("), "docs/split.md", "exec"), names)
    assert names["found"] == (0, 0) and {path.name for path in tmp_path.iterdir()} == {"people.csv", "fit.parquet", "holdout.parquet"}


def test_the_ten_applicants_of_the_page_have_these_weights() -> None:
    told = re.search(r"hired women weigh ([\d.]+), the others ([\d.]+), the hired men ([\d.]+) and the others ([\d.]+):", MITIGATION)
    women, men = factors(np.array([[3.0, 2.0], [1.0, 4.0]])).tolist()
    assert told is not None and [float(one) for one in told.groups()] == [round(one, 2) for one in (women[1], women[0], men[1], men[0])]


def test_the_trainer_of_the_mitigation_page_is_python_that_reads_the_weights_and_leaves_a_model() -> None:
    blocks = re.findall(r"```python\n(.*?)```", MITIGATION, re.DOTALL)
    for one in blocks:
        compile(one, "docs/mitigation.md", "exec")
    (code,) = (one for one in blocks if "sys.argv" in one)
    assert 'rows["fairness_weight"]' in code and "model.export(out)" in code and "data, out = sys.argv[1:]" in code and "'python train.py {data} {out}'" in MITIGATION
