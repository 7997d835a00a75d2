"""A SavedModel audited from end to end: the audit's numbers are those of counting its scores by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from msgspec.structs import replace

from fairaudit.config import AuditConfig
from fairaudit.errors import ConfigError, ContentError, FairauditError, UnknownName
from fairaudit.result import Audit
from fairaudit.run import audit

Built = Callable[[str], Path]
RNG = np.random.default_rng(7)
PEOPLE = [
    (int(age), int(hours), sex, member, int(label))
    for age, hours, sex, member, label in zip(
        RNG.integers(0, 97, 700), RNG.integers(0, 64, 700), RNG.choice(["Female", "Male"], 700), RNG.choice(["1", "0"], 700), RNG.integers(0, 2, 700),
        strict=True,
    )
]  # fmt: skip
SCORES = np.array([(age + hours + 64 * (sex == "Female") + 32 * (member == "1")) / 256 for age, hours, sex, member, _ in PEOPLE])


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("people") / "people.csv"
    path.write_text("age,hours,sex,is_member,y\n" + "".join(f"{','.join(map(str, one))}\n" for one in PEOPLE))
    return str(path)


def _audited(model: Path, data: str, **more: object) -> Audit:
    config = {"engines": ("native",), "label": "y", "protected": ("sex",), "threshold": 0.4, "batch_size": 256} | more
    return audit(AuditConfig(model=str(model), data=(data,), **config))  # type: ignore[arg-type]


@pytest.mark.parametrize("model", ["people", "people_examples"])
def test_rates_and_auc_are_those_of_the_models_scores(built: Built, people: str, model: str) -> None:
    found = {(one.metric, str(one.slice)): one for one in _audited(built(model), people).measurements}
    decided, label = SCORES > 0.4, np.array([one[4] for one in PEOPLE])
    for sex in ("Female", "Male"):
        mine = np.array([one[2] == sex for one in PEOPLE])
        assert found["selection_rate", f"sex={sex}"].value == decided[mine].mean()
        assert found["true_positive_rate", f"sex={sex}"].value == decided[mine & (label == 1)].mean()
        assert found["mean_score", f"sex={sex}"].value == pytest.approx(SCORES[mine].mean(), rel=1e-12)
    above = SCORES[label == 1][:, None] - SCORES[label == 0]
    auc = found["roc_auc", "everyone"]
    assert auc.value == pytest.approx(((above > 0) + (above == 0) / 2).mean(), rel=1e-12) and auc.error is None


def test_slices_are_cut_for_the_audit_and_the_model_is_given_what_the_file_has(built: Built, people: str) -> None:
    made = _audited(built("people"), people, protected=("hours",), bins={"age": "quantiles:4"}, slices=("age*hours",), other_below=11)
    age, hours = np.array([one[0] for one in PEOPLE]), np.array([one[1] for one in PEOPLE])
    edges = [age[age > one].min() for one in np.quantile(age, [0.25, 0.5, 0.75], method="inverted_cdf")]  # a quantile is the last of its band
    assert made.manifest.bands == {"age": tuple(edges)}
    rare = np.isin(hours, [value for value, rows in zip(*np.unique(hours, return_counts=True), strict=True) if rows < 11])
    assert made.manifest.merged["hours"].rows == rare.sum() > 0
    found = {str(one.slice): one for one in made.measurements if one.metric == "selection_rate"}
    low, high = int(edges[1]), int(edges[2])
    for name, mine in {
        "hours=other": rare,
        f"age={low}–{high - 1}, hours=other": rare & (low <= age) & (age < high),
        f"age=under {edges[0]:g}": age < edges[0],
    }.items():
        assert (found[name].rows, found[name].value) == (mine.sum(), (SCORES > 0.4)[mine].mean())


def test_the_batch_size_changes_no_byte_but_its_own(built: Built, people: str) -> None:
    one, other = (_audited(built("people"), people, batch_size=size) for size in (64, 1024))
    assert (one.measurements, one.comparisons, one.counts) == (other.measurements, other.comparisons, other.counts)


def test_a_threshold_is_rounded_to_the_scores_own_type(built: Built, people: str) -> None:
    found = _audited(built("people"), people, threshold=0.3)
    assert found.manifest.thresholds == {"0.3": float(np.float32(0.3))} != {"0.3": 0.3}
    own = _audited(built("people"), people, threshold=0.3, group_thresholds={"sex": {"Male": 0.7}}, other_thresholds=(0.1,))
    assert own.manifest.group_thresholds == {"sex": {"Male": float(np.float32(0.7))}}
    assert own.manifest.thresholds == {asked: float(np.float32(asked)) for asked in ("0.3", "0.7", "0.1")}
    rates = {str(one.slice): one.value for one in own.measurements if one.metric == "selection_rate"}
    for sex, limit in (("Female", 0.3), ("Male", 0.7)):
        assert rates[f"sex={sex}"] == (SCORES[[one[2] == sex for one in PEOPLE]] > limit).mean()


def test_a_value_that_does_not_fit_is_told_by_file_and_row(built: Built, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("age,hours,sex,is_member,y\n1,2,Female,true,1\n3,four,Male,true,0\n")
    with pytest.raises(ContentError) as raised:
        _audited(built("people"), str(tmp_path / "a.csv"))
    assert "a.csv, row 2" in str(raised.value) and "'four'" in str(raised.value) and "hours" in str(raised.value)


def test_rows_left_out_do_not_shift_the_place_that_is_told(built: Built, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("age,hours,sex,is_member,y,w\n1,2,Female,true,1,0\n1,2,Female,true,1,1\n")
    (tmp_path / "b.csv").write_text("age,hours,sex,is_member,y,w\n1,x,Male,true,0,0\n1,2,Male,true,0,1\n1,x,Male,true,0,1\n")
    with pytest.raises(ContentError) as raised:
        _audited(built("people"), str(tmp_path), weight="w")
    assert "b.csv, row 3" in str(raised.value)


def test_a_missing_feature_is_told_with_every_other_mistake(built: Built, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("age,hour,sex,y\n1,2,Female,1\n2,2,Male,0\n")
    with pytest.raises(FairauditError) as raised:
        _audited(built("people"), str(tmp_path / "a.csv"))
    assert raised.value.exit_code == 2 and "'hours'" in str(raised.value) and "did you mean 'hour'?" in str(raised.value) and "'is_member'" in str(raised.value)


def test_a_model_that_answers_with_logits_is_refused_with_the_number_of_rows(built: Built, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,sex,y\n" + "".join(f"{x},f,{x > 0:d}\n" for x in (-1.5, 0.5, 3.0)))
    with pytest.raises(ContentError) as raised:
        _audited(built("as_given"), str(tmp_path / "a.csv"))
    assert "2 of 3 rows" in str(raised.value) and "--activation sigmoid" in str(raised.value)
    found = _audited(built("as_given"), str(tmp_path / "a.csv"), activation="sigmoid")
    assert found.measurements[0].rows == 3


@pytest.mark.parametrize("wrong", ["nan", "inf", "-inf", "1e30", "-1e6"])
def test_a_score_that_no_sum_could_hold_is_told_as_any_other_that_is_no_probability(built: Built, tmp_path: Path, wrong: str) -> None:
    rows = [0.5, 0.25, wrong, 0.75, wrong]
    (tmp_path / "a.csv").write_text("x,sex,y\n" + "".join(f"{x},f,1\n" for x in rows))
    with pytest.raises(ContentError) as raised:
        _audited(built("as_given"), str(tmp_path / "a.csv"), batch_size=2)
    said = str(raised.value)
    assert "no probability in 2 of 5 rows" in said and "a.csv, row 3" in said and ("missing or extreme values" if wrong == "nan" else "--activation sigmoid") in said


def test_spaces_around_a_text_change_no_score_and_are_told_once(built: Built, people: str, tmp_path: Path) -> None:
    spaced = tmp_path / "spaced.csv"
    header, *lines = Path(people).read_text().splitlines()
    spaced.write_text("\n".join([header, *(line.replace(",", ", ") for line in lines)]) + "\n")
    plain, other = _audited(built("people"), people, protected=("y",)), _audited(built("people"), str(spaced), protected=("y",))
    assert (plain.measurements, plain.counts) == (other.measurements, other.counts)
    assert [note for note in other.notes if "trimmed" in note] == ["Some texts had spaces around them, which were trimmed."]
    assert not [note for note in plain.notes if "trimmed" in note]


def test_a_feature_that_two_files_hold_as_two_types_is_refused(built: Built, tmp_path: Path) -> None:
    for name, kind in (("a", pa.int64()), ("b", pa.float64())):
        pq.write_table(pa.table({"x": pa.array([0, 1], kind), "sex": ["f", "m"], "y": [0, 1]}), tmp_path / f"{name}.parquet")
    with pytest.raises(ConfigError, match=r"the column 'x' is a whole number in a\.parquet and double in b\.parquet; write both alike\."):
        _audited(built("as_given"), str(tmp_path))


@pytest.mark.parametrize("kind", [pa.string_view(), pa.large_string(), pa.binary(), pa.binary_view()])
def test_texts_reach_the_model_however_they_are_stored(built: Built, tmp_path: Path, kind: pa.DataType) -> None:
    pq.write_table(pa.table({"note": pa.array(["four", "eightlet"], kind), "sex": ["f", "m"], "y": [0, 1]}), tmp_path / "a.parquet")
    found = {(one.metric, str(one.slice)): one.value for one in _audited(built("text"), str(tmp_path / "a.parquet")).measurements}
    assert (found["mean_score", "sex=f"], found["mean_score", "sex=m"]) == (4 / 16, 8 / 16)


def test_a_reference_that_no_row_has_is_told_before_scoring_even_where_only_crosses_could_show_it(built: Built, people: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from fairaudit import run

    monkeypatch.setattr(run, "_scorer", lambda *_: pytest.fail("the model was loaded"))
    with pytest.raises(UnknownName, match="--reference: there is no value of sex 'Femal'; did you mean 'Female'?"):
        _audited(built("people"), people, protected=("sex", "is_member"), slices=("sex*is_member",), reference={"sex": "Femal", "is_member": "1"})


@pytest.mark.parametrize("size", [64, 256])
def test_consistency_is_of_the_models_decisions_whatever_the_batches(built: Built, people: str, size: int) -> None:
    given = pa.table({"age": [one[0] for one in PEOPLE], "sex": [one[2] for one in PEOPLE], "hours": [one[1] for one in PEOPLE], "d": (SCORES > 0.4).astype(int)})
    by_hand = audit(AuditConfig(decision_column="d", protected=("sex",), features=("age", "hours"), engines=("native",)), given)
    by_model = _audited(built("people"), people, features=("age", "hours"), batch_size=size)
    one, other = ([(str(one.slice), one.value, one.interval, one.rows) for one in made.measurements if one.metric == "consistency"] for made in (by_hand, by_model))
    assert one == other and len(one) == 3


def test_a_column_of_mixed_types_in_a_frame_is_told_where_the_model_takes_it_and_left_out_elsewhere(built: Built, people: str) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(people)
    config = AuditConfig(model=str(built("people")), engines=("native",), label="y", protected=("sex",), threshold=0.4, batch_size=256)
    mixed = [1 if place % 2 else "a" for place in range(len(frame))]
    assert audit(config, data=frame.assign(note=mixed)).measurements == audit(config, data=frame).measurements
    with pytest.raises(ConfigError, match=r"hours.*; of the data frame, hours cannot be read, as columns of mixed types cannot; if the model needs it, give it one type\."):
        audit(config, data=frame.assign(hours=mixed))


def test_scores_that_are_kept_are_the_models_and_the_audit_is_the_same(built: Built, people: str, tmp_path: Path) -> None:
    named = tmp_path / "people.csv"
    header, *lines = Path(people).read_text().splitlines()
    named.write_text("\n".join([f"k,{header}", *(f"{place},{line}" for place, line in enumerate(lines))]) + "\n")
    config = AuditConfig(model=str(built("people")), data=(str(named),), engines=("native",), label="y", protected=("sex",), threshold=0.4, batch_size=256, id="k", group_thresholds={"sex": {"Female": 0.5}})
    plain, kept = audit(config), audit(replace(config, save_scores=True), scores=tmp_path / "scores.parquet")
    assert replace(kept, scores=None) == plain and kept.scores is not None
    found = pq.read_table(tmp_path / "scores.parquet").to_pydict()
    assert found["score"] == SCORES.tolist() and found["id"] == [str(place) for place in range(700)] and found["slice:sex"] == [one[2] for one in PEOPLE]
    assert found["decision"] == [bool(score > (0.5 if sex == "Female" else 0.4)) for score, sex in zip(SCORES, found["slice:sex"], strict=True)]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["people.csv", "scores.parquet"]
