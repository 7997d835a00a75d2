"""What base rates force is Chouldechova's identity: its printed example, and tables in which everything is known."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.evidence.identity import EXAMPLE, base_rates, forced_false_positive_rate
from tests.builders import Table, counts_from

VECTOR = json.loads((Path(__file__).parent.parent / "vectors" / "chouldechova-identity.json").read_text())


def test_forced_rates_are_the_printed_ones() -> None:
    known = VECTOR["input"]
    p = np.array([one["base_rate"] for one in VECTOR["expected"]])
    forced = forced_false_positive_rate(p, positive_predictive_value=known["positive_predictive_value"], false_negative_rate=known["false_negative_rate"])
    assert [round(one, 5) for one in forced.tolist()] == [one["value"] for one in VECTOR["expected"]] == [0.43333, 0.28889, 0.18571]


@given(st.tuples(*[st.integers(1, 10**6)] * 4))
def test_the_identity_holds_in_any_table(table: tuple[int, int, int, int]) -> None:
    tp, fp, fn, tn = table
    rows = tp + fp + fn + tn
    forced = forced_false_positive_rate(np.array([(tp + fn) / rows]), positive_predictive_value=tp / (tp + fp), false_negative_rate=fn / (tp + fn))
    assert forced[0] == pytest.approx(fp / (fp + tn), rel=1e-9)


def test_where_nobody_or_everybody_is_positive_nothing_follows() -> None:
    assert np.isnan(forced_false_positive_rate(np.array([0.0, 1.0, np.nan]), positive_predictive_value=0.6, false_negative_rate=0.3)).all()
    assert np.isnan(forced_false_positive_rate(np.array([0.5]), positive_predictive_value=0.0, false_negative_rate=0.3)).all()


def _of(tables: dict[str, Table]):  # type: ignore[no-untyped-def]
    groups = {Slice([("g", name)]): one for name, one in tables.items()}
    return counts_from({EVERYONE: tuple(sum(part) for part in zip(*tables.values(), strict=True)), **groups})


def test_the_gap_is_between_the_forced_rates_of_groups_with_enough_labels() -> None:
    found = base_rates(_of({"a": (65, 0, 35, 100), "b": (39, 0, 21, 140), "tiny": (1, 0, 1, 1)}), decided=False)  # base rates 0.5, 0.3, 2/3
    assert found is not None and found.is_example and (found.predictive_value, found.miss_rate) == EXAMPLE
    assert [one.is_compared for one in found.groups] == [True, True, False]
    assert [round(one.forced, 5) for one in found.groups[:2] if one.forced is not None] == [0.43333, 0.18571]
    assert found.gap == pytest.approx(0.43333 - 0.18571, abs=1e-5)


def test_with_decisions_the_predictive_value_and_the_misses_are_everyones() -> None:
    found = base_rates(_of({"a": (60, 20, 40, 80), "b": (20, 20, 40, 120)}), decided=True)
    assert found is not None and not found.is_example
    assert (found.predictive_value, found.miss_rate) == (80 / 120, 80 / 160)


def test_nobody_selected_has_an_example_and_no_labels_nothing() -> None:
    nobody = base_rates(_of({"a": (0, 0, 50, 50), "b": (0, 0, 40, 60)}), decided=True)
    assert nobody is not None and nobody.is_example and nobody.gap is not None and not math.isnan(nobody.gap)
    one = base_rates(_of({"a": (0, 0, 50, 50)}), decided=True)
    assert one is not None and one.gap is None
