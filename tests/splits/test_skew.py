"""Distances and tests of two parts are those that other libraries give, or that can be counted by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]
from scipy.spatial.distance import jensenshannon  # type: ignore[import-untyped]

from fairaudit.data.rows import Wanted
from fairaudit.splits.checking import Checked, check_parts
from fairaudit.splits.skew import ColumnSkew, homogeneity, jensen_shannon
from tests.splits.builders import people

COUNTS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=2, max_size=6).filter(lambda rows: all(map(sum, zip(*rows, strict=True))))


def _checked(folder: Path, wanted: Wanted, *tables: pa.Table) -> Checked:
    paths = [folder / f"{'abcd'[place]}.parquet" for place in range(len(tables))]
    for path, table in zip(paths, tables, strict=True):
        pq.write_table(table, path)
    return check_parts(list(map(str, paths)), wanted)


def _column(found: Checked, name: str) -> ColumnSkew:
    return next(one for one in found.columns if one.column == name)


@given(rows=COUNTS)
def test_the_divergence_is_scipys_squared_distance(rows: list[tuple[int, int]]) -> None:
    one, other = (np.array(side) / sum(side) for side in zip(*rows, strict=True))
    assert jensen_shannon(one, other) == pytest.approx(float(np.nan_to_num(jensenshannon(one, other, base=2))) ** 2, abs=1e-12)


def test_the_divergence_of_the_same_is_0_and_of_what_has_nothing_in_common_1() -> None:
    assert jensen_shannon(np.array([0.2, 0.8]), np.array([0.2, 0.8])) == 0
    assert jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == 1


def test_the_largest_difference_is_that_of_a_categorys_shares(tmp_path: Path) -> None:
    found = _checked(tmp_path, Wanted(attributes=()), pa.table({"colour": ["red"] * 5 + ["blue"] * 4 + [None]}), pa.table({"colour": ["red"] * 2 + ["green"] * 8}))
    (one,) = _column(found, "colour").distances
    assert (one.largest_difference, one.value, one.missing_difference) == (0.8, "green", 0.1)


def test_the_distance_of_numbers_is_kolmogorov_and_smirnovs(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sides = [np.round(rng.normal(mean, 1, size), 1) for mean, size in ((0, 400), (0.3, 700), (-0.2, 90))]
    tables = [pa.table({"x": pa.array([None, float("nan"), *side])}) for side in sides]
    found = _checked(tmp_path, Wanted(attributes=()), *tables)
    distances = {one.parts: one.kolmogorov_smirnov for one in _column(found, "x").distances}
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert distances["abc"[one], "abc"[other]] == pytest.approx(stats.ks_2samp(sides[one], sides[other]).statistic, abs=1e-12)
    assert {one.parts: one.missing_difference for one in _column(found, "x").distances}["a", "c"] == pytest.approx(2 / 92 - 2 / 402)


def test_numbers_that_are_texts_are_numbers_and_few_of_them_are_categories(tmp_path: Path) -> None:
    for name, shift in (("a", 0), ("b", 50)):
        (tmp_path / f"{name}.csv").write_text("n,code,word,name\n" + "".join(f"{one + shift},{one % 3},w{one % 4},name{one + shift}\n" for one in range(100)))
    found = check_parts([str(tmp_path / "a.csv"), str(tmp_path / "b.csv")], Wanted(attributes=()))
    assert {one.column: one.kind for one in found.columns} == {"n": "numbers", "code": "categories", "word": "categories", "name": "categories"}
    assert _column(found, "n").distances[0].kolmogorov_smirnov == pytest.approx(0.5)


def test_columns_of_too_many_texts_or_of_lists_are_not_compared(tmp_path: Path) -> None:
    table = pa.table({"name": [f"name {one}" for one in range(7_000)], "list": [[one] for one in range(7_000)], "y": [0, 1] * 3_500})
    found = _checked(tmp_path, Wanted(attributes=(), label="y"), table.slice(0, 3_500), table.slice(3_500))
    assert {one.column: one.reason for one in found.columns if one.reason} == {"name": "it has more than 5,000 different values, and is no number", "list": "it holds list<element: int64>"}
    assert any("'name' alone tells nearly all apart" in note for note in found.notes)


@given(rows=COUNTS)
def test_two_values_are_tested_by_fishers_exact_test_and_more_by_chi_square(rows: list[tuple[int, int]]) -> None:
    table = np.array(rows, dtype=np.int64).T
    method, p = homogeneity(table)
    there = table[:, table.sum(axis=0) > 0]
    expected = there.sum(axis=0) * there.sum(axis=1).min() / there.sum()
    if there.shape[1] < 2:
        assert (method, p) == (None, None)
    elif there.shape[1] == 2:
        assert method == "fisher" and p == pytest.approx(stats.fisher_exact(there).pvalue, abs=1e-9)
    elif expected.min() >= 5:
        assert method == "chi-square" and p == pytest.approx(stats.chi2_contingency(there, correction=False).pvalue, abs=1e-9)


def test_values_that_few_rows_have_are_added_up_until_a_chi_square_test_holds() -> None:
    table = np.array([[40, 50, 3, 1, 3], [45, 40, 1, 2, 1]])
    assert homogeneity(table) == ("chi-square", pytest.approx(stats.chi2_contingency(np.array([[40, 50, 7], [45, 40, 4]]), correction=False).pvalue))


def test_tests_of_the_same_people_are_corrected_for_their_number(tmp_path: Path) -> None:
    """As statsmodels corrects them."""
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    one, other = people(800, seed=1), people(600, seed=2)
    other = other.filter(pa.array([sex == "f" or place % 3 > 0 for place, sex in enumerate(other.column("sex").to_pylist())]))
    found = _checked(tmp_path, Wanted(attributes=("sex", "race"), label="y"), one, other)
    tests = [test for test in found.tests if test.p_value is not None]
    assert [test.p_adjusted for test in tests] == pytest.approx(multitest.multipletests([test.p_value for test in tests], method="holm")[1].tolist())
    (sexes,) = (test for test in tests if test.attribute == "sex")
    table = [[side.column("sex").to_pylist().count(sex) for sex in "fm"] for side in (one, other)]
    assert sexes.p_value == pytest.approx(stats.fisher_exact(table).pvalue) and sexes.values == pytest.approx((table[0][0] / sum(table[0]), table[1][0] / sum(table[1])))
    assert sexes.p_adjusted is not None and sexes.p_adjusted < 0.05
    (everyone,) = (test for test in tests if test.of == "base_rate" and not test.slice.values)
    positives = [sum(side.column("y").to_pylist()) for side in (one, other)]
    assert everyone.p_value == pytest.approx(stats.fisher_exact([[positives[0], 800 - positives[0]], [positives[1], other.num_rows - positives[1]]]).pvalue)
    assert {str(test.slice) for test in tests if test.of == "base_rate"} >= {"everyone", "sex=f", "race=a", "race=(missing)"}


def test_a_part_without_labels_is_compared_by_what_it_has(tmp_path: Path) -> None:
    one, other = people(100), people(100, seed=1)
    empty = other.set_column(other.schema.get_field_index("y"), "y", pa.array([None] * 100, pa.int64()))
    found = _checked(tmp_path, Wanted(attributes=("sex",), label="y"), one, empty)
    assert all(test.p_value is None and test.values is None for test in found.tests if test.of == "base_rate") and any(test.p_value is not None for test in found.tests)
