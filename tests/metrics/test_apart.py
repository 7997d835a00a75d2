"""Witnesses in a process of their own say what they say in this one, or what went wrong there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.errors import ContentError
from fairaudit.metrics.apart import Apart
from fairaudit.metrics.engines.interface import Kind, Quantity
from fairaudit.metrics.witnesses import Witnesses
from tests.builders import counts_from

COUNTS = counts_from({EVERYONE: (30, 10, 20, 40), Slice([("sex", "f")]): (10, 0, 15, 20), Slice([("sex", "m")]): (20, 10, 5, 20)})
WANTED = (
    Quantity(metric="true_positive_rate", groups=(0, 1, 2)),
    Quantity(metric="selection_rate", kind=Kind.RATIO, groups=(1,), references=(2,)),
    Quantity(metric="false_discovery_rate", kind=Kind.DIFFERENCE, groups=(1,), references=(2,)),
)


def test_the_answers_are_those_of_this_process() -> None:
    with Witnesses(("tfma", "aif360"), seed=0, apart=True) as away, Witnesses(("tfma", "aif360"), seed=0, apart=False) as here:
        for one, other in zip(away.ask(WANTED, COUNTS), here.ask(WANTED, COUNTS), strict=True):
            assert one.values.keys() == other.values.keys()
            for name in one.values:
                np.testing.assert_array_equal(one.values[name], other.values[name])
                np.testing.assert_array_equal(one.answered[name], other.answered[name])


def test_a_file_in_the_working_directory_is_no_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("calendar", "pickle", "fairaudit"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a decoy was run')")
    monkeypatch.chdir(tmp_path)
    process = Apart("aif360", seed=0, debug=False)
    assert process.ask(WANTED[:1], COUNTS)[0].engine == "aif360"
    process.close()


def test_what_the_process_said_last_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "aif360").mkdir()
    (tmp_path / "aif360/__init__.py").write_text("import sys, os; print('Out of luck', file=sys.stderr, flush=True); os._exit(7)")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ContentError, match=r"ended without an answer \(exit code 7: Out of luck\); is there enough memory"):
        Apart("aif360", seed=0, debug=False).ask(WANTED, COUNTS)


def test_an_engine_that_cannot_be_loaded_is_told() -> None:
    with pytest.raises(ContentError, match="the nonsense engine cannot be loaded"):
        Apart("nonsense", seed=0, debug=False).ask(WANTED, COUNTS)


def test_a_process_that_ended_is_told_and_closing_is_always_safe() -> None:
    process = Apart("tfma", seed=0, debug=False)
    process._process.kill()
    with pytest.raises(ContentError, match="ended without an answer"):
        process.ask(WANTED, COUNTS)
    process.close()
    process.close()
