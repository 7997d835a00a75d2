"""An engine that differs is a finding that stops the gate; one that breaks is told by its name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from fairaudit.cli import _run
from fairaudit.config import AuditConfig
from fairaudit.cube.counts import Counts
from fairaudit.errors import ContentError
from fairaudit.metrics.engines.aif360 import Aif360Engine
from fairaudit.metrics.engines.interface import Quantity
from fairaudit.result import read_audit
from fairaudit.rules.finding import DISAGREEMENT
from fairaudit.run import audit
from fairaudit.types import Floats

ROWS = "sex,y,s\n" + "f,1,0.9\nm,0,0.2\nm,1,0.7\nf,0,0.1\n" * 50
FLAGS = ("--label", "y", "--score-column", "s", "--protected", "sex", "--engine", "aif360", "--rule", "four-fifths", "--out", "out", "--quiet")
CONFIG = AuditConfig(data=("a.csv",), label="y", score_column="s", protected=("sex",), engines=("aif360",))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text(ROWS)


def _off(monkeypatch: pytest.MonkeyPatch, metric: str, by: float) -> None:
    """AIF360 with another idea of a metric: in women, or over all groups."""
    theirs = Aif360Engine.measure

    def measure(self: Aif360Engine, wanted: Sequence[Quantity], counts: Counts) -> tuple[Floats, ...]:
        women = next(place for place, one in enumerate(counts.slices) if str(one) == "sex=f")
        found = theirs(self, wanted, counts)
        return tuple(values + by * (np.array(one.groups) == women if one.groups else 1) if one.metric == metric else values for one, values in zip(wanted, found, strict=True))

    monkeypatch.setattr(Aif360Engine, "measure", measure)


@pytest.mark.parametrize(("by", "differ"), [(2e-9, True), (-1e-3, True), (1e-10, False)])
def test_a_difference_beyond_a_billionth_is_a_finding_with_both_numbers(by: float, differ: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    _off(monkeypatch, "accuracy", by)
    found = [one for one in audit(CONFIG).findings if one.rule == DISAGREEMENT]
    assert bool(found) == differ
    if differ:
        assert {one.metric for one in found} == {"accuracy"} and {str(one.group) for one in found} == {"sex=f"}
        assert "native says 1.0" in found[0].reason and f"aif360 says {1.0 + by!r}" in found[0].reason


def test_engines_that_differ_over_all_groups_are_a_finding_too(monkeypatch: pytest.MonkeyPatch) -> None:
    _off(monkeypatch, "differential_fairness", 0.5)
    assert _run(["audit", "--data", "a.csv", *FLAGS, "--gate"]) == 4
    (found,) = (one for one in read_audit("out").findings if one.rule == DISAGREEMENT)
    assert (found.group, found.slicing) == (None, ("sex",)) and found.reason.startswith("differential_fairness (value) of all slices by sex: native says 0.0; aif360 says 0.5")
    assert "all slices by sex" in Path("out/report.html").read_text()


def test_where_engines_disagree_the_gate_gives_no_verdict_and_keeps_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _run(["audit", "--data", "a.csv", *FLAGS, "--gate"]) == 0
    _off(monkeypatch, "selection_rate", 0.01)
    assert _run(["audit", "--data", "a.csv", *FLAGS]) == 0
    assert _run(["audit", "--data", "a.csv", *FLAGS, "--gate"]) == 4
    assert _run(["gate", "out"]) == 4 and _run(["gate", "out", "--rule", "equal-opportunity"]) == 4
    written = json.loads(Path("out/audit.json").read_text())
    women = next(one for one in written["measurements"] if one["metric"] == "selection_rate" and one["slice"] == {"sex": "f"})
    assert women["engines"] == {"native": 0.5, "aif360": 0.51}
    report = Path("out/report.html").read_text()
    assert "0.51" in report and "disagree" in report


def test_an_engine_that_breaks_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Aif360Engine, "measure", lambda *_: 1 / 0)
    with pytest.raises(ContentError, match="the aif360 engine broke .*ZeroDivisionError.*--engine native"):
        audit(CONFIG)
