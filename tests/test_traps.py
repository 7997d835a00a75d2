"""Data that once were audited wrongly without a word; each was found by somebody trying to break the program."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from msgspec.structs import replace

from fairaudit.config import AuditConfig
from fairaudit.errors import ConfigError, ContentError
from fairaudit.result import Audit
from fairaudit.run import audit

SEX, SCORE = ["f", "m", "f", "m", "f"], [0.9, 0.2, 0.6, 0.7, 0.1]


def _audited(columns: Mapping[str, Any] | pa.Table, **more: object) -> Audit:
    table = columns if isinstance(columns, pa.Table) else pa.table(dict(columns))
    return audit(AuditConfig(**({"score_column": "s", "protected": ("sex",), "engines": ("native",)} | more)), data=table)  # type: ignore[arg-type]


def _values(found: Audit, metric: str) -> dict[str, float | None]:
    return {str(one.slice): one.value for one in found.measurements if one.metric == metric}


def test_a_cross_named_both_ways_is_one_cross() -> None:
    columns = {"sex": SEX, "race": list("aabba"), "s": SCORE}
    found = _audited(columns, protected=("sex", "race"), slices=("sex*race", "race*sex"))
    assert found.slicings == (("sex",), ("race",), ("sex", "race"))
    assert sum(cell.rows for one in found.counts if len(one.slice.values) == 2 for cell in one.cells) == 5


def test_intersections_are_all_crosses_up_to_an_order_each_once() -> None:
    columns = {"sex": SEX, "race": list("aabba"), "age": [20, 30, 40, 50, 60], "s": SCORE}
    shared = {"protected": ("sex", "race"), "bins": {"age": (35.0,)}, "slices": ("race*sex",)}
    second = _audited(columns, intersections=2, **shared)
    assert second.slicings == (("sex",), ("race",), ("age",), ("race", "sex"), ("sex", "age"), ("race", "age"))
    assert _audited(columns, intersections=3, **shared).slicings == (*second.slicings, ("sex", "race", "age"))
    assert _values(second, "selection_rate")["sex=f, age=35 and over"] == 0.5


def test_columns_that_differ_in_case_alone_are_refused() -> None:
    with pytest.raises(ConfigError, match="differ in upper and lower case alone, 'Sex', 'sex'"):
        _audited({"Sex": SEX[::-1], "sex": SEX, "s": SCORE})


@pytest.mark.parametrize("name", ["file_place", "label", "weight", "score", "excluded", "a0", "c0", "row_place", 'quo"te', "select", "a b*c"])
def test_a_column_may_be_called_anything(name: str) -> None:
    # A cross is written with *, so the odd name is audited by itself.
    found = _audited({"s": SCORE, name: SEX}, protected=(name,))
    assert _values(found, "selection_rate") == {"everyone": 0.6, f"{name}=f": 2 / 3, f"{name}=m": 0.5}


def test_a_folders_name_is_no_column(tmp_path: Path) -> None:
    folder = tmp_path / "sex=Q"
    folder.mkdir()
    pq.write_table(pa.table({"sex": SEX, "s": SCORE}), folder / "a.parquet")
    found = audit(AuditConfig(data=(str(folder / "a.parquet"),), score_column="s", protected=("sex",), engines=("native",)))
    assert set(_values(found, "selection_rate")) == {"everyone", "sex=f", "sex=m"}


def test_one_file_by_two_spellings_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pq.write_table(pa.table({"sex": SEX, "s": SCORE}), "a.parquet")
    Path("b.parquet").symlink_to("a.parquet")
    found = audit(AuditConfig(data=("a.parquet", "./a.parquet", str(tmp_path / "a.parquet"), "b.parquet"), score_column="s", protected=("sex",), engines=("native",)))
    assert found.rows.read == 5


def test_auc_survives_weights_of_very_different_sizes() -> None:
    rng = np.random.default_rng(3)
    label, score = rng.integers(0, 2, 400), rng.integers(0, 65, 400) / 64
    sex = np.repeat(["f", "m"], 200)
    weight = np.where(sex == "f", 1e8, 1e-6)
    found = _values(_audited({"sex": sex, "s": score, "y": label, "w": weight}, label="y", weight="w"), "roc_auc")
    mine = sex == "m"
    above = score[mine & (label == 1)][:, None] - score[mine & (label == 0)]
    assert found["sex=m"] == pytest.approx(((above > 0) + (above == 0) / 2).mean(), abs=1e-9)


def test_not_a_number_in_an_attribute_is_a_missing_value() -> None:
    columns = {"age": pa.array([20.0, float("nan"), 70.0, None, 30.0]), "sex": SEX, "s": SCORE}
    rows = {str(one.slice): sum(cell.rows for cell in one.cells) for one in _audited(columns, bins={"age": (25.0, 65.0)}).counts}
    assert rows["age=(missing)"] == 2 and rows["age=65 and over"] == 1
    assert "age=nan" not in _values(_audited(columns, protected=("age",)), "selection_rate")


def test_not_a_number_is_seen_in_files_whose_lowest_and_highest_value_do_not_tell_of_it(tmp_path: Path) -> None:
    """Arrow writes these without regard to NaN, and from them DuckDB concluded that there is none."""
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"age": [20.0, float("nan"), 70.0, 40.0, 30.0], "sex": SEX, "s": SCORE}), path)
    given = {"data": (str(path),), "engines": ("native",), "protected": ("sex",)}
    rows = {str(one.slice): sum(cell.rows for cell in one.cells) for one in audit(AuditConfig(score_column="s", bins={"age": (25.0, 65.0)}, **given)).counts}  # type: ignore[arg-type]
    assert rows["age=(missing)"] == 1 and rows["age=65 and over"] == 1
    with pytest.raises(ContentError, match=r"a\.parquet, row 2: the score column 'age' is NaN or infinite"):
        audit(AuditConfig(score_column="age", **given))  # type: ignore[arg-type]


@pytest.mark.parametrize("odd", ["NaN", "inf", "old"])
def test_a_text_that_lies_in_no_band_is_told(odd: str) -> None:
    with pytest.raises(ContentError, match="the data frame, row 2: --bins needs numbers"):
        _audited({"age": ["20", odd, "70", "", "30"], "sex": SEX, "s": SCORE}, bins={"age": (25.0, 65.0)})


@pytest.mark.parametrize("missing", [(), ("NA",)])
def test_texts_for_missing_values_change_no_decision(missing: tuple[str, ...]) -> None:
    columns = {"sex": ["f"] * 4, "s": pa.array([0.3, 0.7, 0.1, 0.9], pa.float32())}
    assert _values(_audited(columns, threshold=0.3, at_threshold="positive", missing=missing), "selection_rate")["everyone"] == 0.75
    assert _values(_audited(columns, threshold=0.7, missing=missing), "selection_rate")["everyone"] == 0.25


def test_files_that_hold_a_column_by_other_types_are_refused(tmp_path: Path) -> None:
    for name, type in (("a", pa.float32()), ("b", pa.float64())):
        pq.write_table(pa.table({"sex": SEX, "s": pa.array(SCORE, type)}), tmp_path / f"{name}.parquet")
    with pytest.raises(ConfigError, match=r"the column 's' is float in a\.parquet and double in b\.parquet; write both alike\."):
        audit(AuditConfig(data=(str(tmp_path),), score_column="s", protected=("sex",), engines=("native",)))


@pytest.mark.parametrize("row", [{"s": 7.0}, {"s": float("nan")}, {"y": "9"}, {"s": None}, {"sex": "x"}, {"y": None}])
def test_a_row_of_weight_0_changes_no_estimate(row: dict[str, object]) -> None:
    columns: dict[str, list[Any]] = {"sex": SEX, "s": SCORE, "y": ["1", "0", "1", "0", "1"], "w": [1.0, 2.0, 1.0, 3.0, 1.0]}
    more = {name: [*values, row.get(name, values[0])] for name, values in columns.items()} | {"w": [*columns["w"], 0.0]}
    plain, with_it = (_audited(one, label="y", weight="w", rules=("four-fifths",)) for one in (columns, more))
    assert with_it.rows.read == 6 and with_it.rows.audited == 5
    assert (with_it.measurements, with_it.comparisons, with_it.findings) == (plain.measurements, plain.comparisons, plain.findings)


def test_label_and_decision_may_have_positive_values_of_their_own() -> None:
    columns = {"sex": SEX, "y": ["<=50K", ">50K", ">50K", "<=50K", ">50K"], "d": ["yes", "no", "yes", "no", "no"]}
    common = {"score_column": None, "decision_column": "d", "label": "y", "positive": ">50K"}
    found = _values(_audited(columns, positive_decision="yes", **common), "selection_rate")
    assert found["everyone"] == 0.4
    with pytest.raises(ConfigError, match="--positive-decision VALUE|no value '>50K'"):
        _audited(columns, **common)
    ones = _audited(columns | {"d": [1, 0, 1, 0, 0]}, **common)
    assert _values(ones, "selection_rate")["everyone"] == 0.4


def test_a_reference_that_a_cross_lacks_leaves_the_cross_its_largest() -> None:
    columns = {"sex": ["f", "m", None, None, "f"], "race": ["a", "b", "c", "c", "a"], "s": SCORE}
    found = _audited(columns, protected=("sex", "race"), slices=("sex*race",), reference={"race": "c", "sex": "f"})
    assert {one.slicing: (str(one.slice), one.chosen) for one in found.references}[("sex", "race")] == ("sex=f, race=a", "largest")
    assert "No row is of sex=f, race=c, which --reference names, so sex × race is compared with its largest slice, sex=f, race=a." in found.notes


def test_the_word_for_missing_as_a_value_is_told_apart() -> None:
    found = _values(_audited({"sex": ["(missing)", None, "f", "f", "f"], "s": SCORE}), "selection_rate")
    assert found["sex='(missing)'"] == 1.0 and found["sex=(missing)"] == 0.0


def test_tabs_around_a_text_are_trimmed_as_spaces_are() -> None:
    assert set(_values(_audited({"sex": ["f\t", " f", "m", "\t", "m\r"], "s": SCORE}), "selection_rate")) == {"everyone", "sex=f", "sex=m", "sex=(missing)"}


@pytest.mark.parametrize("weights", [[1e16] * 5, [1e11] * 5])
def test_sums_that_are_too_large_are_told(weights: list[float]) -> None:
    with pytest.raises(ContentError, match="too large to be summed exactly"):
        _audited({"sex": SEX, "s": SCORE, "w": weights}, weight="w")


def test_crosses_of_too_many_slices_are_refused() -> None:
    n = 20_000
    columns = {"a": [str(k % 150) for k in range(n)], "b": [str(k // 150) for k in range(n)], "s": [0.5] * n}
    with pytest.raises(ConfigError, match="slices, more than any report can show"):
        _audited(columns, protected=("a", "b"), slices=("a*b",))


@pytest.mark.parametrize("data", [[1, 2], {"sex": SEX}, "people.csv"])
def test_what_is_no_data_frame_is_told(data: object) -> None:
    with pytest.raises(ConfigError, match="no data frame that Arrow can hold"):
        audit(AuditConfig(score_column="s", protected=("sex",), engines=("native",)), data=data)


def test_everybody_selected_is_no_division_by_zero(recwarn: pytest.WarningsRecorder) -> None:
    _audited({"sex": SEX * 40, "s": [0.9] * 200}, rules=("four-fifths",))
    assert not [one for one in recwarn if issubclass(one.category, RuntimeWarning)]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"sex": ["f", 1], "y": [0, 1], "s": [0.1, 0.9]}, r"\(Expected bytes, got a 'int' object; Conversion failed for column sex with type object\)"),
        ({"sex": ["f", "m"], "y": [0, 1], "s": np.array([0.1, 0.9], dtype=np.float16)}, "the column 's' is float16, which cannot be read; give it as float32"),
    ],
)
def test_a_column_of_a_frame_that_cannot_be_read_is_named(data: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        audit(AuditConfig(label="y", score_column="s", protected=("sex",), engines=("native",)), data=pd.DataFrame(data))


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32(), pa.int64(), pa.decimal128(22, 1), pa.string()])
@pytest.mark.parametrize("missing", ["-9", "-9.0", " -9 "])
def test_a_number_that_means_a_missing_value_is_missing_in_every_type(kind: pa.DataType, missing: str) -> None:
    scores = pa.array([missing.strip(), "1", "0"]) if kind == pa.string() else pa.array([-9, 1, 0]).cast(kind)
    found = _audited({"sex": ["f", "f", "m"], "s": scores}, missing=(missing,))
    assert (found.rows.audited, [(one.reason, one.rows) for one in found.rows.excluded]) == (2, [("no score", 1)])


def test_a_fraction_that_means_a_missing_value_is_the_nearest_float32() -> None:
    found = _audited({"sex": ["f", "f", "m"], "s": pa.array([-9.1, 0.5, 0.2], pa.float32())}, missing=("-9.1",))
    assert found.rows.audited == 2


def test_a_text_for_missing_that_no_column_holds_is_told() -> None:
    found = _audited({"sex": SEX, "s": SCORE}, missing=("f", "?"))
    assert [note for note in found.notes if "--missing" in note] == ["No column that the audit reads holds '?', which --missing names."]


def test_texts_stored_as_bytes_are_read_as_texts() -> None:
    found = _audited({"sex": pa.array(["f", " für", None, "f", "für"]).cast(pa.binary()), "s": SCORE})
    assert set(_values(found, "selection_rate")) == {"everyone", "sex=f", "sex=für", "sex=(missing)"}
    with pytest.raises(ContentError, match="holds bytes that are no UTF-8"):
        _audited({"sex": pa.array([b"\xff"] * 5), "s": SCORE})


def test_a_dictionary_of_numbers_is_read_as_numbers() -> None:
    with pytest.raises(ContentError, match=r"row 2: the score column 's' is NaN or infinite"):
        _audited({"sex": SEX, "s": pa.array([0.9, float("nan"), 0.6, 0.7, 0.1]).dictionary_encode()})
    ages = _audited({"age": pa.array([30.0, float("nan"), None, 50.0, 50.0]).dictionary_encode(), "s": SCORE}, protected=("age",))
    assert set(_values(ages, "selection_rate")) == {"everyone", "age=30.0", "age=50.0", "age=(missing)"}


@pytest.mark.parametrize("values", [[["f"], ["m"]], [{"a": 1}, {"a": 2}]])
def test_a_column_of_lists_is_refused(values: list[Any]) -> None:
    with pytest.raises(ConfigError, match="the column 'sex', which --protected needs, holds .*; a column of single values is wanted"):
        _audited({"sex": values, "s": [0.1, 0.9]})


def test_a_time_is_said_in_utc_wherever_the_audit_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    day = pa.array([0, 86_400] * 2 + [0], pa.timestamp("s", tz="UTC"))
    assert set(_values(_audited({"day": day, "s": SCORE}, protected=("day",)), "selection_rate")) == {"everyone", "day=1970-01-01 00:00:00+00", "day=1970-01-02 00:00:00+00"}


def test_a_file_and_its_copy_are_noted(tmp_path: Path) -> None:
    for name, score in (("a", SCORE), ("b", SCORE), ("c", SCORE[::-1])):
        pq.write_table(pa.table({"sex": SEX, "s": score}), tmp_path / f"{name}.parquet")
    found = audit(AuditConfig(data=(tmp_path,), score_column="s", protected=("sex",), engines=("native",)))  # type: ignore[arg-type]
    assert [note for note in found.notes if "bytes" in note] == ["a.parquet and b.parquet hold the same bytes, so their rows count twice."]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"protected": "sex"}, "the configuration cannot be: protected must be a list, and is 'sex'."),
        ({"threshold": "half"}, "the configuration cannot be: threshold must be a finite number, and is 'half'."),
        ({"label": object()}, "the configuration cannot be: it holds a object, which is no text, number, list or mapping."),
    ],
)
def test_a_configuration_from_python_that_cannot_be_is_told_by_its_field(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as raised:
        _audited({"sex": SEX, "s": SCORE}, **given)
    assert str(raised.value) == told


def test_tens_of_numbers_as_slices_of_their_own_are_noted_unless_they_are_cut_or_merged() -> None:
    ages = [18 + place % 50 for place in range(200)] + [17] * 50
    columns = {"age": ages, "s": [0.2, 0.9, 0.6, 0.4, 0.5] * 50}
    (note,) = [one for one in _audited(columns, protected=("age",)).notes if "--bins" in one]
    assert note.startswith("age holds 51 different numbers that are each a slice of their own; bands of them, as by --bins 'age=quantiles:4'")
    for more in ({"bins": {"age": "quantiles:4"}}, {"other_below": 20}):
        assert not [one for one in _audited(columns, protected=("age",), **more).notes if "--bins" in one]


def test_a_csv_that_pandas_wrote_with_its_index_is_read_as_without(tmp_path: Path) -> None:
    frame = pd.DataFrame({"sex": SEX, "s": SCORE})
    found = []
    for index in (True, False):
        frame.to_csv(tmp_path / "a.csv", index=index)
        found.append(audit(AuditConfig(data=(str(tmp_path / "a.csv"),), score_column="s", protected=("sex",), engines=("native",))))
    assert found[0].measurements == found[1].measurements and found[0].rows == found[1].rows


def test_a_text_for_missing_in_one_column_leaves_the_others_alone_and_a_text_with_an_equals_sign_is_one() -> None:
    columns = {"sex": ["2", "1", "2", "1", "a=b"], "s": [2.0, 0.2, 0.6, 0.7, 0.1]}
    assert set(_values(_audited(columns, missing=("2",)), "selection_rate")) == {"everyone", "sex=(missing)", "sex=1", "sex=a=b"}
    of_one = _audited(columns, missing=("s=2", "a=b", "other=1"))
    assert of_one.rows.audited == 4 and set(_values(of_one, "selection_rate")) == {"everyone", "sex=(missing)", "sex=1", "sex=2"}
    assert [note for note in of_one.notes if "--missing" in note] == ["No column that the audit reads holds 'other=1', which --missing names."]


@pytest.mark.parametrize("kind", [pa.float64(), pa.string()])
def test_a_nan_among_scores_is_missing_where_the_sentence_that_refuses_it_is_followed(kind: pa.DataType) -> None:
    scores = pa.array([0.9, float("nan"), 0.2]).cast(kind)
    with pytest.raises(ContentError, match=r"row 2: the score column 's' is NaN or infinite \(nan\), .* or if it means a missing value, add --missing 's=nan'\."):
        _audited({"sex": SEX[:3], "s": scores})
    assert _audited({"sex": SEX[:3], "s": scores}, missing=("s=nan",)).rows.audited == 2


def test_a_column_that_arrow_cannot_hold_ends_an_audit_only_where_it_is_named() -> None:
    frame = pd.DataFrame({"sex": SEX, "s": SCORE, "mixed": [1, "a", None, 2.5, b"x"], "half": np.array(SCORE, np.float16)})
    config = AuditConfig(score_column="s", protected=("sex",), engines=("native",))
    assert audit(config, data=frame).measurements == audit(config, data=frame[["sex", "s"]]).measurements
    for name, told in (("mixed", "no data frame that Arrow can hold"), ("half", "'half' is float16")):
        with pytest.raises(ConfigError, match=told):
            audit(replace(config, protected=(name,)), data=frame)


def test_values_that_differ_in_case_alone_are_noted_and_others_are_not() -> None:
    columns = {"sex": ["FEMALE", "male", "female", "Male", "Female"], "race": list("aabba"), "s": SCORE}
    notes = [one for one in _audited(columns, protected=("sex", "race")).notes if "upper and lower case" in one]
    assert notes == [
        "sex has values that differ in upper and lower case alone, each a slice of its own: 'FEMALE' and 'Female' and 'female'; 'Male' and 'male'; write them alike if they mean the same."
    ]


def test_a_label_that_is_sliced_by_is_noted() -> None:
    found = _audited({"y": [0, 1, 1, 0, 1], "sex": SEX, "s": SCORE}, label="y", protected=("sex", "y"))
    assert any(one.startswith("'y' is the label and a protected attribute too") for one in found.notes)
