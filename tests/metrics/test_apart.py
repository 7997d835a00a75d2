"""Witnesses in a process of their own say what they say in this one, or what went wrong there."""

from __future__ import annotations

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
