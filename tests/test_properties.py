"""What must hold of any audit, whatever the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairaudit.config import AuditConfig
from fairaudit.metrics.catalogue import CATALOGUE, Shape
from fairaudit.result import Audit
from fairaudit.rules.finding import DISAGREEMENT
from fairaudit.run import audit

ROW = st.tuples(
    st.sampled_from(["f", "m", None]), st.sampled_from(["a", "b"]), st.sampled_from([0, 1, None]), st.integers(0, 20).map(lambda k: k / 20),
    st.sampled_from([0.5, 1.0, 2.75]),
)  # fmt: skip
ROWS = st.lists(ROW, min_size=1, max_size=30)
Row = tuple[str | None, str, int | None, float, float]
TYPES = (pa.string(), pa.string(), pa.int8(), pa.float64(), pa.float64())


def _audited(rows: list[Row], **more: Any) -> Audit:
    columns = zip(("sex", "race", "y", "s", "w"), zip(*rows, strict=True), TYPES, strict=True)
    table = pa.table({name: pa.array(values, type) for name, values, type in columns})
    given: dict[str, Any] = {"weight": "w", "engines": ("native",)} | more
    return audit(AuditConfig(score_column="s", label="y", protected=("sex", "race"), slices=("sex*race",), rules=("four-fifths",), **given), data=table)


def _estimates(found: Audit) -> dict[tuple[object, ...], float | None]:
    alone = {(one.metric, str(one.slice)): one.value for one in found.measurements}
    # Which slice is largest depends on rows, not on weights, so comparisons are told with their reference.
    compared = {(one.metric, one.kind, str(one.group), str(one.reference)): one.value for one in found.comparisons}
    return {**alone, **compared}


@settings(max_examples=25)
@given(rows=ROWS, seed=st.integers(0, 999))
def test_the_order_of_rows_changes_nothing(rows: list[Row], seed: int) -> None:
    shuffled = [rows[place] for place in np.random.default_rng(seed).permutation(len(rows))]
    one, other = _audited(rows), _audited(shuffled)
    assert (one.counts, one.measurements, one.comparisons, one.findings) == (other.counts, other.measurements, other.comparisons, other.findings)


@settings(max_examples=25)
@given(rows=ROWS, extra=ROW)
def test_a_row_of_weight_0_changes_no_estimate(rows: list[Row], extra: Row) -> None:
    assert _estimates(_audited([*rows, (*extra[:4], 0.0)])) == _estimates(_audited(rows))


@settings(max_examples=25)
@given(rows=ROWS)
def test_weight_2_is_the_row_twice_in_every_estimate(rows: list[Row]) -> None:
    twice = [row for one in rows for row in ((*one[:4], 1.0), (*one[:4], 1.0))]
    heavy, doubled = (_estimates(_audited(these)) for these in ([(*one[:4], 2.0) for one in rows], twice))
    assert heavy.keys() == doubled.keys()
    for key, value in heavy.items():
        if "calibration_error_by_chance" in key:  # no estimate, but what so many rows leave to chance: two rows say more than one of weight 2
            continue
        assert (value is None) == (doubled[key] is None) and (value is None or value == pytest.approx(doubled[key], rel=1e-12, abs=1e-15))


@settings(max_examples=12)
@given(rows=ROWS, unit=st.sampled_from([0.1, 1 / 3, 0.7, 1e-3, 1e6]))
def test_the_unit_of_the_weights_changes_no_estimate(rows: list[Row], unit: float) -> None:
    told, expected = (_unitless(_audited([(*one[:4], one[4] * scale) for one in rows])) for scale in (unit, 1.0))
    assert told.keys() == expected.keys()
    for key, value in told.items():
        assert (value is None) == (expected[key] is None) and (value is None or value == pytest.approx(expected[key], rel=1e-9, abs=1e-12)), key


def _unitless(found: Audit) -> dict[tuple[object, ...], float | None]:
    """All estimates but counts, which have the unit of the weights, and differential fairness, which is smoothed by a row that weighs 1, as is said. A gap of alike groups may name them either way."""
    over_all = ("gap", "min_max_ratio", "value")
    alone = {(one.metric, str(one.slice)): one.value for one in found.measurements}
    compared = {(one.metric, one.kind, one.slicing, *((str(one.group), str(one.reference)) if one.kind not in over_all else ())): one.value for one in found.comparisons}
    left_out = {name for name, entry in CATALOGUE.items() if entry.shape is Shape.COUNT or name.startswith("differential_fairness")}
    return {key: value for key, value in {**alone, **compared}.items() if key[0] not in left_out}


@settings(max_examples=40)
@given(rows=ROWS)
def test_values_stay_in_the_catalogues_range_with_their_intervals_and_the_account_adds_up(rows: list[Row]) -> None:
    found = _audited(rows)
    assert found.rows.read == len(rows) == found.rows.audited + sum(one.rows for one in found.rows.excluded)
    for one in found.measurements:
        low, high = CATALOGUE[one.metric].bounds
        assert one.value is None or low <= one.value <= high
        if one.interval is not None and one.value is not None:
            assert low - 1e-12 <= one.interval[0] <= one.value + 1e-12 and one.value - 1e-12 <= one.interval[1] <= high + 1e-12
    for pair in found.comparisons:
        if pair.interval is not None and pair.value is not None:
            assert pair.interval[0] - 1e-9 <= pair.value <= pair.interval[1] + 1e-9


@settings(max_examples=12)
@given(rows=ROWS)
def test_intervals_of_comparisons_stay_in_range_and_are_no_points(rows: list[Row]) -> None:
    columns = zip(("sex", "race", "y", "s", "w"), zip(*rows, strict=True), TYPES, strict=True)
    table = pa.table({name: pa.array(values, kind) for name, values, kind in columns})
    found = audit(AuditConfig(score_column="s", label="y", weight="w", protected=("sex",), control=("race",), engines=("native",)), data=table)
    for one in found.comparisons:
        low, high = CATALOGUE[one.metric].bounds
        ranges = {"value": (low, high), "gap": (0.0, high - low), "difference": (low - high, high - low), "conditional_difference": (-1.0, 1.0), "min_max_ratio": (0.0, 1.0)}
        least, most = ranges.get(one.kind, (0.0, float("inf")))
        if one.interval is not None:
            assert least - 1e-9 <= one.interval[0] < one.interval[1] <= most + 1e-9, one


@settings(max_examples=4)
@given(rows=ROWS)
def test_the_engines_agree_on_any_rows(rows: list[Row]) -> None:
    for more in ({}, {"weight": None}):
        found = _audited(rows, engines=("tfma", "aif360"), **more)
        assert [one.reason for one in found.findings if one.rule == DISAGREEMENT] == []


@settings(max_examples=25)
@given(rows=ROWS, copies=st.lists(st.integers(0, 5), min_size=40, max_size=40))
def test_a_line_that_stands_for_rows_is_those_rows(rows: list[Row], copies: list[int]) -> None:
    lines = [(*row, number) for row, number in zip(rows, copies, strict=False)]
    written_out = [row for *row, number in lines for _ in range(number)]
    if not written_out:
        return
    table = pa.table({name: pa.array(values, kind) for name, values, kind in zip(("sex", "race", "y", "s", "w", "n"), zip(*lines, strict=True), (*TYPES, pa.int64()), strict=True)})
    config = AuditConfig(
        score_column="s", label="y", weight="w", count="n", protected=("sex", "race"), slices=("sex*race",), rules=("four-fifths",), engines=("native",),
    )  # fmt: skip
    told, expected = audit(config, data=table), _audited([tuple(row) for row in written_out])
    assert (told.counts, told.measurements, told.comparisons, told.findings) == (expected.counts, expected.measurements, expected.comparisons, expected.findings)
    assert (told.rows.read, told.rows.audited, told.rows.lines) == (expected.rows.read, expected.rows.audited, len(lines))
