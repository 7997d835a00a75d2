"""A mitigation as a SavedModel: it stands alone, decides row by row as its policy says, and an audit of it finds what the policy makes of the original."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from fairaudit.bands import Bands
from fairaudit.config import AuditConfig
from fairaudit.cube.slices import Slice
from fairaudit.errors import ConfigError
from fairaudit.mitigations.attributes import ReadAttribute
from fairaudit.mitigations.inference import GroupModel, NumberWeights, TextWeights
from fairaudit.mitigations.policy import Policy, Treatment, policy_of, policy_of_all, threshold_at
from fairaudit.models.interface import ModelFailed, UnfitModel
from fairaudit.run import audit
from fairaudit.splits.result import to_json
from tests.models.conftest import built

tf = pytest.importorskip("tensorflow")

from fairaudit.mitigations.exported import Exported, export  # noqa: E402
from fairaudit.mitigations.inferring import check_inferable  # noqa: E402
from fairaudit.models import matched  # noqa: E402

__all__ = ["built"]  # the fixture
Built = Callable[[str], Path]
SEX = ReadAttribute(name="sex", type=pa.string())
COLUMNS = pa.schema([
    ("age", pa.float64()), ("hours", pa.int64()), ("sex", pa.string()), ("is_member", pa.int64()), ("x", pa.float64()), ("note", pa.string()),
    ("a", pa.float32()), ("b", pa.float32()), ("c", pa.float32()), ("marital status", pa.string()), ("class", pa.string()),
])  # fmt: skip
BY_SEX = policy_of("thresholds", ("sex",), {Slice([("sex", "Female")]): threshold_at(0.3), Slice([("sex", "Male")]): threshold_at(0.6)}, threshold_at(0.45))
DRAWN = policy_of(
    "drawn", ("sex",),
    {
        Slice([("sex", "Female")]): Treatment(cuts=(0.45, 0.55), chances=(0.1, 0.5, 0.9)),
        Slice([("sex", "Male")]): Treatment(cuts=(0.5,), chances=(0.0, 1.0), replaced=0.3, constant=0.7),
    },
    threshold_at(0.5),
)  # fmt: skip


def exported(model: Path, folder: Path, policy: Policy = BY_SEX, attributes: Sequence[ReadAttribute] = (SEX,), key: bytes = b"key", columns: pa.Schema = COLUMNS, **asked: Any) -> Exported:
    return export(matched(model, columns=columns, data_name="people.csv", **asked), policy, attributes, folder, key=key)


def answered(folder: Path, signature: str = "serving_default", **inputs: Any) -> dict[str, Any]:
    loaded = tf.saved_model.load(str(folder))
    return {name: tensor.numpy() for name, tensor in loaded.signatures[signature](**{name: tf.constant(values) for name, values in inputs.items()}).items()}


def people(rows: int, seed: int = 1) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {
        "age": rng.uniform(0, 97, rows).astype(np.float32), "hours": rng.integers(0, 64, (rows, 1)), "sex": rng.choice(["Female", "Male", "", "Other"], rows),
        "is_member": rng.choice([True, False], rows),
    }  # fmt: skip


def score_of(given: dict[str, Any]) -> Any:
    """What tests/models/builders.py says of `people`, exact in float32."""
    points = given["age"] + given["hours"][:, 0].astype(np.float32) + np.float32(64) * (given["sex"] == "Female") + np.float32(32) * given["is_member"]
    return points.astype(np.float32) / np.float32(256)


ALONE = """
import sys
sys.modules["fairaudit"] = None
import json, numpy as np, tensorflow as tf
model = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
given = json.load(open(sys.argv[2]))
answer = model(**{name: tf.constant(values, dtype) for name, (values, dtype) in given.items()})
assert not [name for name in sys.modules if name.startswith("fairaudit.")]
print(json.dumps({name: tensor.numpy().tolist() for name, tensor in answer.items()}))
"""


def test_it_stands_alone_without_fairaudit_the_original_or_the_folder_that_it_was_written_to(built: Built, tmp_path: Path) -> None:
    original = tmp_path / "original"
    shutil.copytree(built("people"), original)
    made = exported(original, tmp_path / "written", DRAWN)
    rows = people(200)
    before = answered(tmp_path / "written", **rows)
    shutil.rmtree(original)
    (tmp_path / "written").rename(tmp_path / "moved")
    dtypes = {one.name: one.dtype for one in made.inputs}
    (tmp_path / "rows.json").write_text(json.dumps({name: (values.tolist(), dtypes[name]) for name, values in rows.items()}))
    run = subprocess.run([sys.executable, "-I", "-c", ALONE, str(tmp_path / "moved"), str(tmp_path / "rows.json")], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert json.loads(run.stdout.splitlines()[-1]) == {name: values.tolist() for name, values in before.items()}


def test_each_group_is_decided_by_its_own_threshold_and_everybody_else_by_the_fallback(built: Built, tmp_path: Path) -> None:
    made = exported(built("people"), tmp_path / "m")
    rows = people(500)
    found, score = answered(tmp_path / "m", **rows), score_of(rows)
    limits = np.array([{"Female": 0.3, "Male": 0.6}.get(one, 0.45) for one in rows["sex"]])
    assert found["score"].dtype == np.float32 and found["decision"].dtype == np.int64 and found["score"].shape == found["decision"].shape == (500,)
    assert (found["score"] == score).all() and (found["original_score"] == score[:, None]).all() and (found["decision"] == (score.astype(float) > limits)).all()
    assert set(found) == {"score", "decision", "original_score"} == {one.name for one in made.outputs}
    assert made.renamed == {"score": "original_score"} and made.added == () and made.drawn_by == () and made.signature == "serving_default"
    assert made.notes == ("The original's output 'score' is called 'original_score' here, since 'score' is what the mitigation answers.",)


@pytest.mark.parametrize("rows", [0, 1, 2, 4097])
def test_batches_may_be_of_any_size(built: Built, tmp_path: Path, rows: int) -> None:
    exported(built("people"), tmp_path / "m", DRAWN)
    given = people(max(rows, 1))
    found = answered(tmp_path / "m", **{name: values[:rows] for name, values in given.items()})
    assert found["score"].shape == found["decision"].shape == (rows,) and found["original_score"].shape == (rows, 1)


@pytest.mark.parametrize("model", ["dense_net", "people"])
def test_a_row_is_answered_alike_whatever_else_is_in_its_batch_and_in_whatever_order(built: Built, tmp_path: Path, model: str) -> None:
    exported(built(model), tmp_path / "m", DRAWN)
    rng = np.random.default_rng(3)
    rows = people(300) if model == "people" else {name: rng.normal(size=300).astype(np.float32) for name in "abc"} | {"sex": people(300)["sex"]}
    call = tf.saved_model.load(str(tmp_path / "m")).signatures["serving_default"]

    def of(places: Any) -> tuple[Any, Any]:
        found = call(**{name: tf.constant(values[places]) for name, values in rows.items()})
        return found["score"].numpy(), found["decision"].numpy()

    score, decision = of(np.arange(300))
    # The net itself gives other last bits at other sizes, which only matter at a cut.
    near = np.min([np.abs(score - cut) for cut in (0.45, 0.5, 0.55)], axis=0) < 1e-6
    assert near.sum() <= 2 and 30 < decision.sum() < 270
    for size in (1, 2, 7, 64, 150):
        for _ in range(8):
            places = rng.choice(300, size, replace=size == 7)
            others, decided = of(places)
            assert np.allclose(others, score[places], atol=1e-6) and (decided == decision[places])[~near[places]].all()


def test_draws_have_the_chances_that_they_were_asked_for_and_follow_the_key(built: Built, tmp_path: Path) -> None:
    exported(built("people"), tmp_path / "one", DRAWN, key=b"one")
    exported(built("people"), tmp_path / "two", DRAWN, key=b"two")
    exported(built("people"), tmp_path / "again", DRAWN, key=b"one")
    rows = people(40_000)
    found, other, again = (answered(tmp_path / name, **rows) for name in ("one", "two", "again"))
    score, of_men = score_of(rows), rows["sex"] == "Male"
    assert (found["decision"] == again["decision"]).all() and (found["score"] == again["score"]).all()
    for group in ("Female", "Male", "Other", ""):
        mine = rows["sex"] == group
        treatment = DRAWN.of(Slice([("sex", group)]))
        chance = treatment.chance(score[mine].astype(float))
        for one in (found, other):
            assert abs(one["decision"][mine].sum() - chance.sum()) <= 4 * np.sqrt((chance * (1 - chance)).sum())
    replaced = found["score"] != score
    assert not replaced[~of_men].any() and (found["score"][replaced] == np.float32(0.7)).all()
    assert abs(replaced[of_men].mean() - 0.3) <= 4 * np.sqrt(0.21 / of_men.sum())
    assert (found["decision"][of_men] == (replaced | (score > 0.5))[of_men]).all()
    is_other = (other["score"] != score)[of_men]
    assert abs((is_other & replaced[of_men]).mean() - 0.09) <= 4 * np.sqrt(0.09 * 0.91 / of_men.sum())  # of two keys: independent


def test_every_input_moves_a_draw_and_the_attribute_is_one_of_them(built: Built, tmp_path: Path) -> None:
    chance = policy_of("t", ("sex",), {}, Treatment(chances=(0.5,)))
    made = exported(built("people"), tmp_path / "m", chance)
    assert made.drawn_by == ("age", "hours", "is_member", "sex")
    rows = people(4000)
    base = answered(tmp_path / "m", **rows)["decision"]
    moved_by: dict[str, Callable[[Any], Any]] = {"age": lambda one: one + 1, "hours": lambda one: one + 1, "is_member": np.logical_not, "sex": lambda one: np.char.add(one, "!")}
    for name, turned in moved_by.items():
        moved = rows | {name: turned(rows[name]).astype(rows[name].dtype) if name != "sex" else turned(rows[name])}
        assert abs((answered(tmp_path / "m", **moved)["decision"] != base).mean() - 0.5) < 4 * 0.5 / np.sqrt(4000)
    spaced = rows | {"sex": np.array([f" {one}\t" for one in rows["sex"]])}
    assert (answered(tmp_path / "m", **spaced)["decision"] == base).all()


def test_the_attribute_is_an_input_of_its_own_where_the_model_had_not_asked_for_it(built: Built, tmp_path: Path) -> None:
    made = exported(built("as_given"), tmp_path / "m")
    assert made.added == ("sex",) and [(one.name, one.dtype, one.shape) for one in made.inputs] == [("sex", "string", "[n]"), ("x", "float32", "[n]")]
    found = answered(tmp_path / "m", x=np.full(3, 0.5, np.float32), sex=["Female", "Male", "?"])
    assert found["decision"].tolist() == [1, 0, 1]


def test_it_has_the_shape_of_the_models_own_inputs_and_is_a_double_where_it_is_a_number(tmp_path: Path) -> None:
    from tests.models.builders import save

    columns = {"x": tf.TensorSpec([None, 1], tf.float32)}
    save(tmp_path / "original", serving_default=(lambda x: {"p": x}, columns))
    age = ReadAttribute(name="age", type=pa.int64(), bands=Bands(edges=(40.0,), names=("young", "old")))
    policy = policy_of("t", ("age",), {Slice([("age", "young")]): threshold_at(0.3), Slice([("age", "old")]): threshold_at(0.6)}, threshold_at(0.45))
    made = exported(tmp_path / "original", tmp_path / "m", policy, (age,))
    assert [(one.name, one.dtype, one.shape) for one in made.inputs] == [("age", "float64", "[n, 1]"), ("x", "float32", "[n, 1]")]
    found = answered(tmp_path / "m", x=np.full((3, 1), 0.5, np.float32), age=np.array([[39.0], [40.0], [np.nan]]))
    assert found["decision"].tolist() == [1, 0, 1] and made.notes == ()


def test_inputs_keep_names_that_tensorflow_would_write_otherwise(built: Built, tmp_path: Path) -> None:
    from fairaudit.models import describe

    reads = (ReadAttribute(name="marital status", type=pa.string()), ReadAttribute(name="class", type=pa.string()))
    policy = policy_of("t", ("marital status", "class"), {Slice([("marital status", "single"), ("class", "1:a")]): threshold_at(0.1)}, threshold_at(0.9))
    made = exported(built("as_given"), tmp_path / "m", policy, reads)
    assert [one.name for one in made.inputs] == ["class", "marital status", "x"] == [one.name for one in describe(tmp_path / "m").signatures[0].inputs]
    given = {"x": np.full(2, 0.5, np.float32), "marital status": ["single", "1:a"], "class": ["1:a", "single"]}
    assert answered(tmp_path / "m", **given)["decision"].tolist() == [1, 0]
    again = exported(tmp_path / "m", tmp_path / "again", policy, reads, output="score")  # and so does an export of the export
    assert again.renamed == {"score": "original_original_score", "decision": "original_decision"}
    assert answered(tmp_path / "again", **given)["original_decision"].tolist() == [1, 0]


def test_an_audit_of_the_export_finds_what_thresholds_of_groups_make_of_the_original(built: Built, tmp_path: Path) -> None:
    rows = people(600)
    lines = zip(rows["age"], rows["hours"][:, 0], rows["sex"], rows["is_member"], np.arange(600) % 3 > 0, strict=True)
    (tmp_path / "a.csv").write_text("age,hours,sex,is_member,y\n" + "".join(f"{age:.4f},{hours}, {sex} ,{member},{label:d}\n" for age, hours, sex, member, label in lines))
    exported(built("people"), tmp_path / "m")
    common = {"data": (str(tmp_path / "a.csv"),), "label": "y", "protected": ("sex",), "engines": ("native",), "threshold": 0.45, "group_thresholds": {"sex": {"Female": 0.3, "Male": 0.6}}}
    before = audit(AuditConfig(model=str(built("people")), **common))  # type: ignore[arg-type]
    after = audit(AuditConfig(model=str(tmp_path / "m"), output="score", **common))  # type: ignore[arg-type]
    assert before.measurements == after.measurements and before.counts == after.counts and after.manifest.model.output == "score"
    plain = {name: value for name, value in common.items() if "threshold" not in name}
    own = audit(AuditConfig(model=str(tmp_path / "m"), output="score", decision_output="decision", **plain))  # type: ignore[arg-type]
    assert own.measurements == before.measurements and own.counts == before.counts  # and so do its own decisions


def example(**features: Any) -> bytes:
    """A tf.Example written by hand, whose features stand in the order that they are given in: protocol buffers promise none."""
    kinds = {"s": "bytes_list", "f": "float_list", "i": "int64_list"}

    def block(tag: int, body: bytes) -> bytes:
        assert len(body) < 128
        return bytes([tag << 3 | 2, len(body)]) + body

    entries = b""
    for name, value in features.items():
        kind, values = value
        feature = tf.train.Feature(**{kinds[kind]: {"s": tf.train.BytesList, "f": tf.train.FloatList, "i": tf.train.Int64List}[kind](value=values)})
        entries += block(1, block(1, name.encode()) + block(2, feature.SerializeToString()))
    return b"\x0a" + bytes([len(entries) & 127 | 128, len(entries) >> 7]) + entries


@pytest.mark.parametrize("model", ["people_examples", "single_examples"])
def test_tf_examples_carry_the_attribute_and_their_order_draws_nothing_else(built: Built, tmp_path: Path, model: str) -> None:
    race = ReadAttribute(name="race", type=pa.string())
    policy = policy_of("t", ("race",), {Slice([("race", "a")]): Treatment(chances=(0.5,)), Slice([("race", "b")]): threshold_at(-np.inf)}, threshold_at(np.inf))
    made = exported(built(model), tmp_path / "m", policy, (race,), columns=COLUMNS.append(pa.field("race", pa.string())))
    assert made.added == ("race",) and [one.name for one in made.inputs] == ["examples"] and made.drawn_by == ("age", "hours", "is_member", "race", "sex")
    features = [{"age": ("f", [float(age)]), "hours": ("i", [3]), "sex": ("s", [b"f"]), "is_member": ("i", [1]), "race": ("s", [b" a"])} for age in range(300)]
    found = answered(tmp_path / "m", examples=[example(**one) for one in features])
    turned = answered(tmp_path / "m", examples=[example(**dict(reversed(one.items()))) for one in features])
    assert (found["decision"] == turned["decision"]).all() and 100 < found["decision"].sum() < 200
    plain = {name: value for name, value in features[0].items() if name != "race"}
    others = answered(tmp_path / "m", examples=[example(**plain), example(**plain, race=("s", [b"b"])), example(**plain, race=("s", [])), example(**plain, unasked=("s", [b"b"]))])
    assert others["decision"].tolist() == [0, 1, 0, 0]
    assert answered(tmp_path / "m", examples=tf.constant([], tf.string))["decision"].shape == (0,) or model == "single_examples"


def test_an_export_of_examples_is_audited_as_the_original_is(built: Built, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("age,hours,sex,is_member,race,y\n" + "".join(f"{age},{age % 60},{'Female' if age % 3 else ''},{age % 2},{'ab'[age % 2]},{age % 5 > 2:d}\n" for age in range(97)))
    race = ReadAttribute(name="race", type=pa.string())
    policy = policy_of("t", ("race",), {Slice([("race", "a")]): threshold_at(0.3)}, threshold_at(0.6))
    exported(built("people_examples"), tmp_path / "m", policy, (race,), columns=COLUMNS.append(pa.field("race", pa.string())))
    common = {"data": (str(tmp_path / "a.csv"),), "label": "y", "protected": ("race",), "engines": ("native",)}
    before = audit(AuditConfig(model=str(built("people_examples")), **common))  # type: ignore[arg-type]
    after = audit(AuditConfig(model=str(tmp_path / "m"), output="score", **common))  # type: ignore[arg-type]
    assert before.measurements == after.measurements


def test_where_no_features_can_be_seen_rows_are_drawn_by_their_bytes_and_it_is_said(built: Built, tmp_path: Path) -> None:
    made = exported(built("hidden_examples"), tmp_path / "m", DRAWN, feature_columns=["x", "sex"])
    assert made.drawn_by == ("examples",) and made.added == ("sex",)
    assert made.notes[-1].startswith("Which features the model reads of its tf.Examples cannot be seen, so rows are drawn by the serialized bytes")
    rows = [example(x=("f", [place / 100]), sex=("s", [b"Male"])) for place in range(400)]
    found = answered(tmp_path / "m", examples=rows)
    assert 60 < (found["score"] == np.float32(0.7)).sum() < 180
    assert (answered(tmp_path / "m", examples=rows[::-1])["score"][::-1] == found["score"]).all()


def test_one_treatment_for_everybody_adds_no_input_and_needs_no_group(built: Built, tmp_path: Path) -> None:
    drawn = policy_of_all("t", Treatment(cuts=(0.2, 0.6), chances=(0.0, 0.5, 1.0)))
    made = exported(built("as_given"), tmp_path / "m", drawn, ())
    assert made.added == () and [one.name for one in made.inputs] == ["x"] == list(made.drawn_by) and made.policy.groups == ()
    x = np.linspace(0, 1, 5_001, dtype=np.float32)
    found = answered(tmp_path / "m", x=x)
    between = (x > np.float32(0.2)) & (x <= np.float32(0.6))
    assert (found["decision"][~between] == (x > 0.6)[~between]).all() and abs(found["decision"][between].mean() - 0.5) < 4 * 0.5 / between.sum() ** 0.5
    turned = answered(tmp_path / "m", x=x[::-1])["decision"][::-1]
    assert (turned == found["decision"]).all() and [int(answered(tmp_path / "m", x=x[[at]])["decision"][0]) for at in range(1_500, 1_520)] == found["decision"][1_500:1_520].tolist()
    assert answered(tmp_path / "m", x=x[:0])["decision"].shape == (0,)


@pytest.mark.parametrize("model", ["people_examples", "hidden_examples"])
def test_one_treatment_for_everybody_of_tf_examples(built: Built, tmp_path: Path, model: str) -> None:
    known = model == "people_examples"
    made = exported(built(model), tmp_path / "m", policy_of_all("t", Treatment(chances=(0.5,))), (), **({} if known else {"feature_columns": ["x"]}))
    assert made.added == () and made.drawn_by == (("age", "hours", "is_member", "sex") if known else ("examples",))
    features = [{"age": ("f", [float(at)]), "hours": ("i", [3]), "sex": ("s", [b"f"]), "is_member": ("i", [1])} if known else {"x": ("f", [at / 100])} for at in range(400)]
    rows = [example(**one) for one in features]
    found = answered(tmp_path / "m", examples=rows)["decision"]
    assert 150 < found.sum() < 250 and (answered(tmp_path / "m", examples=rows[::-1])["decision"][::-1] == found).all()


@pytest.mark.parametrize("model", ["people", "people_examples"])
def test_a_group_is_inferred_from_what_the_model_takes(built: Built, tmp_path: Path, model: str) -> None:
    """By an age above 50 and a sex that is missing, each worth more than the other's absence; no race is asked for."""
    groups = (Slice([("race", "a")]), Slice([("race", "b")]))
    inference = GroupModel(
        groups=groups, intercepts=np.array([0.5, 0.0]),
        features=(
            NumberWeights(name="age", mean=50.0, spread=10.0, weights=np.array([[0.0, 1.0], [0.0, 9.0]])),
            TextWeights(name="sex", levels=(b"Female",), weights=np.array([[0.0, 0.0], [0.0, 7.0]])),
            NumberWeights(name="hours", mean=0.0, spread=1.0, weights=np.zeros((2, 2))),
        ),
    )  # fmt: skip
    policy = policy_of("t", ("race",), {groups[0]: threshold_at(np.inf), groups[1]: threshold_at(-np.inf)}, threshold_at(0.5), is_inferred=True)
    made = export(matched(built(model), columns=COLUMNS, data_name="people.csv"), policy, (), tmp_path / "m", key=b"key", inference=inference)
    assert made.added == () and "race" not in {one.name for one in made.inputs}
    ages, sexes = [40.0, 54.0, 56.0, 40.0, np.nan], ["Female", "Female", " Male ", "  ", "Female"]
    if model == "people":
        rows: dict[str, Any] = {"age": np.array(ages, dtype=np.float32), "hours": np.full((5, 1), 3), "sex": np.array(sexes), "is_member": np.zeros(5, dtype=bool)}
    else:
        rows = {"examples": [example(age=("f", [age]), hours=("i", [3]), sex=("s", [sex.encode()]), is_member=("i", [1])) for age, sex in zip(ages, sexes, strict=True)]}
    assert answered(tmp_path / "m", **rows)["decision"].tolist() == [0, 0, 1, 1, 1]


def test_no_group_is_inferred_of_features_that_cannot_be_seen_or_by_a_model_that_is_told_it(built: Built) -> None:
    hidden = matched(built("hidden_examples"), columns=COLUMNS, data_name="people.csv", feature_columns=["x"])
    with pytest.raises(ConfigError, match=r"which features the model '[^']*' reads of its tf.Examples cannot be seen, so no group can be inferred of them; leave --infer-group out"):
        check_inferable(hidden, ("race",))
    for model in ("people", "people_examples"):
        whole = matched(built(model), columns=COLUMNS, data_name="people.csv")
        with pytest.raises(ConfigError, match=r"takes sex itself, and --infer-group is for models that are not told it"):
            check_inferable(whole, ("sex",))
        assert {one.name for one in check_inferable(whole, ("sex", "race"))} == {"age", "hours", "sex", "is_member"}


def test_a_feature_that_the_original_needs_is_still_needed(built: Built, tmp_path: Path) -> None:
    from fairaudit.models import describe

    exported(built("people_examples"), tmp_path / "m")
    (before,), (after,) = (describe(path).signatures for path in (built("people_examples"), tmp_path / "m"))
    assert after.parsed == before.parsed


def test_variables_and_assets_come_along(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("yes\nno\n")

    class Original(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.weight = tf.Variable(0.25)
            self.words = tf.lookup.StaticHashTable(
                tf.lookup.TextFileInitializer(str(tmp_path / "words.txt"), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER), 3
            )

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="word")])  # type: ignore[untyped-decorator]
        def serve(self, word: Any) -> dict[str, Any]:
            return {"p": self.weight * tf.cast(self.words.lookup(word), tf.float32)}

    tf.saved_model.save(Original(), str(tmp_path / "original"))
    columns = pa.schema([("word", pa.string()), ("sex", pa.string())])
    exported(tmp_path / "original", tmp_path / "m", columns=columns)
    shutil.rmtree(tmp_path / "original")
    (tmp_path / "words.txt").unlink()
    shutil.move(tmp_path / "m", tmp_path / "elsewhere")
    found = answered(tmp_path / "elsewhere", word=["yes", "no", "else", "else"], sex=["Female"] * 3 + ["Male"])
    assert found["p"].tolist() == [0.0, 0.25, 0.75, 0.75] and found["decision"].tolist() == [0, 0, 1, 1]


def test_a_model_of_tensorflow_1_is_wrapped_as_well(tmp_path: Path) -> None:
    v1 = tf.compat.v1
    (tmp_path / "words.txt").write_text("yes\nno\n")
    with tf.Graph().as_default(), v1.Session() as session:
        word = v1.placeholder(tf.string, [None])
        table = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(str(tmp_path / "words.txt"), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER), 3
        )
        weight = v1.get_variable("weight", initializer=0.25)
        answer = weight * tf.cast(table.lookup(word), tf.float32)
        session.run([v1.global_variables_initializer(), v1.tables_initializer()])
        v1.saved_model.simple_save(session, str(tmp_path / "original"), {"a-word": word}, {"p": answer}, legacy_init_op=v1.tables_initializer())
    columns = pa.schema([("a-word", pa.string()), ("sex", pa.string())])
    exported(tmp_path / "original", tmp_path / "m", columns=columns)
    shutil.rmtree(tmp_path / "original")
    (tmp_path / "words.txt").unlink()
    found = answered(tmp_path / "m", **{"a-word": ["yes", "no", "else", "else"], "sex": ["Female"] * 3 + ["Male"]})
    assert found["p"].tolist() == [0.0, 0.25, 0.75, 0.75] and found["decision"].tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(("model", "asked", "scores"), [("two_columns", {}, None), ("two_logits", {"activation": "softmax"}, None), ("several_outputs", {"output": "logit", "activation": "sigmoid"}, 8.0)])
def test_the_score_is_the_audited_one_after_its_activation(built: Built, tmp_path: Path, model: str, asked: dict[str, Any], scores: float | None) -> None:
    made = exported(built(model), tmp_path / "m", **asked)
    x = np.array([-1.5, 0.0, 0.25, 3.0], np.float32)
    found = answered(tmp_path / "m", x=x, sex=["Female"] * 4)
    assert np.allclose(found["score"], 1 / (1 + np.exp(-x * (scores or 1.0))), rtol=1e-6) and found["score"].shape == (4,)
    assert made.renamed == {} and found["decision"].tolist() == [0, 1, 1, 1]


def test_only_the_audited_signature_is_exported_and_that_is_said(built: Built, tmp_path: Path) -> None:
    made = exported(built("several_signatures"), tmp_path / "m", signature="quarter")
    assert made.signature == "quarter" and "Only the signature 'quarter', which was audited, is exported; the original has also half." in made.notes
    assert answered(tmp_path / "m", "quarter", x=np.array([2.0], np.float32), sex=["Male"])["score"].tolist() == [0.5]
    assert made.original.name == "several_signatures" and len(made.sha256) == 64 and made.sha256 != made.original.sha256


def test_the_card_holds_the_policy_as_it_decides(built: Built, tmp_path: Path) -> None:
    made = exported(built("people"), tmp_path / "m")
    cuts = [one.treatment.cuts[0] for one in made.policy.groups]
    assert all(cut == float(np.float32(cut)) for cut in cuts) and cuts == pytest.approx([0.3, 0.6], abs=1e-7)
    assert json.loads(to_json(made))["renamed"] == {"score": "original_score"}


def test_an_attribute_that_the_model_takes_rounded_is_told_where_it_is_cut(built: Built, tmp_path: Path) -> None:
    age = ReadAttribute(name="age", type=pa.float64(), bands=Bands(edges=(40.0,), names=("young", "old")))
    policy = policy_of("t", ("age",), {Slice([("age", "young")]): threshold_at(0.3)}, threshold_at(0.6))
    made = exported(built("people"), tmp_path / "m", policy, (age,))
    assert made.notes[-1] == "The model takes 'age' as float32, which tells numbers less exactly than the data, so a value just below the edge of a band may count as in the next."


def test_what_cannot_be_wrapped_is_refused_in_a_sentence(built: Built, tmp_path: Path) -> None:
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None])
        v1.saved_model.simple_save(session, str(tmp_path / "sparse"), {"x": x}, {"p": x / 2.0, "odd": tf.sparse.from_dense(x)})
    with pytest.raises(UnfitModel) as told:
        exported(tmp_path / "sparse", tmp_path / "m", output="p")
    assert str(told.value).startswith("model 'sparse' has the output odd (sparse float32") and "only plain tensors can be handed on; export a signature without it" in str(told.value)
    with tf.Graph().as_default(), v1.Session() as session:
        x, odd = v1.placeholder(tf.float32, [None]), v1.sparse_placeholder(tf.float32, [None])
        v1.saved_model.simple_save(session, str(tmp_path / "taking"), {"x": x, "odd": odd}, {"p": x * tf.sparse.reduce_sum(odd)})
    with pytest.raises(UnfitModel, match="model 'taking' has the input 'odd', which is a sparse tensor; a column can only be given as a plain one"):
        exported(tmp_path / "taking", tmp_path / "m", columns=COLUMNS.append(pa.field("odd", pa.float64())))
    with pytest.raises(UnfitModel, match=r"the protected attribute 'sex' is a column of timestamp\[us\], which no model can be given"):
        exported(built("as_given"), tmp_path / "m", attributes=(ReadAttribute(name="sex", type=pa.timestamp("us")),))
    with pytest.raises(ModelFailed, match="needs the op 'Lgammb', which this TensorFlow does not have"):
        exported(built("unknown_op"), tmp_path / "m")
    assert not (tmp_path / "m").exists()
