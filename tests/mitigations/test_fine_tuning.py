"""A SavedModel trained on: its gradients are those of weighted logistic regression, its steps are Adam's, and all of it but the variables stays what it was."""

from __future__ import annotations

import filecmp
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from fairaudit.errors import ConfigError, ContentError
from fairaudit.models.interface import ModelFailed, UnfitModel
from tests.models.conftest import built

tf = pytest.importorskip("tensorflow")

from fairaudit.mitigations.adam import Adam  # noqa: E402
from fairaudit.mitigations.fine_tuning import FineTuned, FineTuning, fine_tune, gradients_of  # noqa: E402
from fairaudit.mitigations.scoring_ops import cross_entropy  # noqa: E402
from fairaudit.mitigations.training_rows import TrainingRows  # noqa: E402
from fairaudit.mitigations.withheld import Withheld, typical  # noqa: E402
from fairaudit.models import matched  # noqa: E402
from fairaudit.models.outputs import Output  # noqa: E402
from tests.models import builders  # noqa: E402

__all__ = ["built"]  # the fixture
Built = Callable[[str], Path]
AB = (("a", pa.float32()), ("b", pa.float32()))
RNG = np.random.default_rng(1)
X = RNG.normal(size=(240, 2)).astype(np.float32)
Y = (RNG.random(240) < 1 / (1 + np.exp(-(2 * X[:, 0] - X[:, 1])))).astype(np.float64)
WEIGHT = RNG.uniform(0.25, 4, 240)


def rows(inputs: dict[str, Any], label: Any = Y, *, weight: Any = None, factor: Any = None, validated: Any = None) -> TrainingRows:
    """Every third is kept out."""
    size = len(label)
    return TrainingRows(
        inputs={name: tf.constant(values) for name, values in inputs.items()}, label=np.asarray(label, dtype=float), weight=np.ones(size) if weight is None else weight,
        factor=np.ones(size) if factor is None else factor, is_validated=np.arange(size) % 3 == 0 if validated is None else validated, where=lambda row: f"people.csv, row {row + 1}",
    )  # fmt: skip


def numbers(**more: Any) -> TrainingRows:
    return rows({"a": X[:, 0], "b": X[:, 1]}, **more)


def tuned(model: Path, folder: Path, given: TrainingRows, *, seed: int = 0, columns: Any = AB, activation: str | None = None, **settings: Any) -> FineTuned:
    return fine_tune(matched(model, columns=pa.schema(list(columns)), data_name="people.csv", activation=activation), given, folder, seed=seed, settings=FineTuning(**{"epochs": 5, **settings}))


def variables(folder: Path) -> list[Any]:
    reader = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
    return [reader.get_tensor(name) for name in sorted(reader.get_variable_to_shape_map()) if name != "_CHECKPOINTABLE_OBJECT_GRAPH"]


@pytest.mark.parametrize(("answer", "activation"), [("probability", None), ("logit", "sigmoid"), ("probabilities", None), ("logits", "softmax")])
def test_gradients_are_those_of_weighted_logistic_regression(answer: str, activation: str | None, tmp_path: Path) -> None:
    """Xᵀ diag(w) (p − y) / n, by hand."""
    builders.learning(tmp_path / "model", answer=answer)
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    call = loaded.signatures["serving_default"]
    output = Output(name=answer, dtype="float32", activation=activation, others=())
    by_name = {one.name.partition(":")[0]: one for one in call.trainable_variables}
    lost, found = gradients_of(lambda: cross_entropy(call(a=tf.constant(X[:, 0]), b=tf.constant(X[:, 1]))[answer], output, tf.constant(Y, tf.float32)), tf.constant(WEIGHT), [by_name["weights"], by_name["bias"]])
    logit = X.astype(float) @ np.array(builders.WEIGHTS) + builders.BIAS
    p = 1 / (1 + np.exp(-logit))
    by_hand = WEIGHT * (p - Y) / Y.size
    assert found[0].numpy()[:, 0] == pytest.approx(X.T.astype(float) @ by_hand, rel=1e-4) and found[1].numpy() == pytest.approx([by_hand.sum()], rel=1e-4)
    assert float(lost) == pytest.approx(float((WEIGHT * -(Y * np.log(p) + (1 - Y) * np.log(1 - p))).sum()), rel=1e-5)


def test_a_first_step_of_adam_is_the_learning_rate_against_the_sign_of_the_gradient() -> None:
    """m̂ = g and v̂ = g² after one step, whatever the betas."""
    variable = tf.Variable([1.0, 2.0, 3.0])
    Adam([variable], learning_rate=0.125).apply([tf.constant([0.5, -4.0, 0.0])])
    assert variable.numpy() == pytest.approx([0.875, 2.125, 3.0], rel=1e-6)


def test_steps_of_adam_are_those_of_keras() -> None:
    tf_keras = pytest.importorskip("tf_keras")
    gradients = [RNG.normal(size=4).astype(np.float32) for _ in range(7)]
    ours, theirs = tf.Variable(np.ones(4, np.float32)), tf.Variable(np.ones(4, np.float32))
    adam, keras = Adam([ours], learning_rate=0.01), tf_keras.optimizers.Adam(0.01, epsilon=1e-8)
    for one in gradients:
        adam.apply([tf.constant(one)])
        keras.apply_gradients([(tf.constant(one), theirs)])
    assert ours.numpy() == pytest.approx(theirs.numpy(), rel=1e-5)


def test_a_model_learns_and_the_best_epoch_is_kept(tmp_path: Path) -> None:
    builders.learning(tmp_path / "model")
    made = tuned(tmp_path / "model", tmp_path / "out", numbers(), epochs=60, learning_rate=0.05, batch_size=32)
    losses = [one.validation_loss for one in made.epochs]
    assert made.loss == min(losses) < made.start and made.best == losses.index(min(losses)) + 1
    assert (made.parameters, made.rows_trained, made.rows_validated) == (3, 160, 80) and len(made.epochs) < 60
    loaded = tf.saved_model.load(str(tmp_path / "out"))
    p = loaded.signatures["serving_default"](a=tf.constant(X[::3, 0]), b=tf.constant(X[::3, 1]))["probability"].numpy()[:, 0].astype(float)
    assert float(-(Y[::3] * np.log(p) + (1 - Y[::3]) * np.log(1 - p)).mean()) == pytest.approx(made.loss, rel=1e-5)


def test_with_strength_0_or_factors_of_1_it_is_plain_training(tmp_path: Path) -> None:
    builders.learning(tmp_path / "model")
    tuned(tmp_path / "model", tmp_path / "plain", numbers())
    tuned(tmp_path / "model", tmp_path / "none", numbers(factor=WEIGHT), strength=0.0)
    tuned(tmp_path / "model", tmp_path / "weighed", numbers(factor=WEIGHT))
    plain, none, weighed = (variables(tmp_path / name) for name in ("plain", "none", "weighed"))
    assert all((one == other).all() for one, other in zip(plain, none, strict=True))
    assert any((one != other).any() for one, other in zip(plain, weighed, strict=True))


def test_a_factor_counts_by_its_power_and_a_weight_as_it_is(tmp_path: Path) -> None:
    builders.learning(tmp_path / "model")
    tuned(tmp_path / "model", tmp_path / "by power", numbers(factor=WEIGHT, weight=1 / WEIGHT), strength=0.5)
    tuned(tmp_path / "model", tmp_path / "by hand", numbers(weight=WEIGHT**-0.5))
    assert np.concatenate([one.ravel() for one in variables(tmp_path / "by power")]) == pytest.approx(np.concatenate([one.ravel() for one in variables(tmp_path / "by hand")]), rel=1e-6)


def test_a_row_of_weight_3_is_the_row_three_times_and_the_unit_of_weights_is_nothing(tmp_path: Path) -> None:
    builders.learning(tmp_path / "model")
    weight = np.tile([1.0, 3.0, 2.0], 80)
    times = np.repeat(np.arange(240), weight.astype(int))
    tuned(tmp_path / "model", tmp_path / "weighed", numbers(weight=weight), batch_size=10_000)
    tuned(tmp_path / "model", tmp_path / "thousandfold", numbers(weight=1_000 * weight), batch_size=10_000)
    repeated = rows({"a": X[times, 0], "b": X[times, 1]}, Y[times], validated=(np.arange(240) % 3 == 0)[times])
    tuned(tmp_path / "model", tmp_path / "repeated", repeated, batch_size=10_000)
    found = {name: np.concatenate([one.ravel() for one in variables(tmp_path / name)]) for name in ("weighed", "thousandfold", "repeated")}
    assert found["weighed"] == pytest.approx(found["thousandfold"], rel=1e-5) and found["weighed"] == pytest.approx(found["repeated"], rel=1e-4)


def test_where_no_epoch_is_better_nothing_is_changed(tmp_path: Path) -> None:
    """What is learned is the contrary of what it is judged by."""
    builders.learning(tmp_path / "model")
    contrary = numbers(label=np.where(np.arange(240) % 3 == 0, X[:, 0] > 0, X[:, 0] < 0))
    made = tuned(tmp_path / "model", tmp_path / "out", contrary, patience=2)
    assert made.best == 0 and made.loss == made.start and len(made.epochs) == 2
    files = sorted(path.relative_to(tmp_path / "model") for path in (tmp_path / "model").rglob("*") if path.is_file())
    assert filecmp.cmpfiles(tmp_path / "model", tmp_path / "out", map(str, files), shallow=False)[0] == [str(one) for one in files]


def test_all_but_the_variables_stays_what_it_was(tmp_path: Path) -> None:
    """Both signatures, the vocabulary, and an input that Python could not name; a file beside them too."""
    builders.learning_words(tmp_path / "model")
    (tmp_path / "model" / "assets.extra").mkdir()
    (tmp_path / "model" / "assets.extra" / "note.txt").write_text("mine")
    (tmp_path / "words.txt").unlink()
    colours = RNG.choice([b"red", b"green", b"blue", b"pink"], 240)
    label = (colours == b"red") ^ (RNG.random(240) < 0.1)
    columns = (("colour", pa.string()), ("hours-per-week", pa.float32()))
    made = tuned(tmp_path / "model", tmp_path / "out", rows({"colour": colours.astype(object), "hours-per-week": X[:, 0]}, label), columns=columns, learning_rate=0.05)
    assert made.best > 0 and made.parameters == 5
    changed = {"fingerprint.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"}
    files = {str(path.relative_to(tmp_path / "model")) for path in (tmp_path / "model").rglob("*") if path.is_file()}
    assert files == {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert {name for name in files if (tmp_path / "model" / name).read_bytes() != (tmp_path / "out" / name).read_bytes()} == changed
    loaded = tf.saved_model.load(str(tmp_path / "out"))
    score = loaded.signatures["serving_default"](**{"colour": tf.constant(["red", "pink"]), "hours-per-week": tf.constant([1.0, 2.0])})["score"]
    logit = loaded.signatures["logits"](colour=tf.constant(["red", "pink"]), input_0=tf.constant([1.0, 2.0]))["logit"]
    assert score.numpy() == pytest.approx(1 / (1 + np.exp(-logit.numpy())), rel=1e-5) and logit.numpy()[0] > 0.625 > logit.numpy()[1]


def test_its_fingerprint_is_the_one_that_tensorflow_would_write(tmp_path: Path) -> None:
    builders.learning(tmp_path / "model")
    tuned(tmp_path / "model", tmp_path / "out", numbers())
    was, now = (tf.saved_model.experimental.read_fingerprint(str(tmp_path / name)) for name in ("model", "out"))
    index = (tmp_path / "out" / "variables" / "variables.index").read_bytes()
    assert now.checkpoint_hash == int.from_bytes(tf.fingerprint(tf.constant([index])).numpy()[0].tobytes(), "little") != was.checkpoint_hash
    assert (now.graph_def_program_hash, now.signature_def_hash) == (was.graph_def_program_hash, was.signature_def_hash)


def test_tf_examples_are_trained_on(tmp_path: Path) -> None:
    builders.learning_examples(tmp_path / "model")
    serialized = [tf.train.Example(features=tf.train.Features(feature={"x": tf.train.Feature(float_list=tf.train.FloatList(value=[float(x)]))})).SerializeToString() for x in X[:, 0]]
    made = tuned(tmp_path / "model", tmp_path / "out", rows({"examples": serialized}), columns=(("x", pa.float32()),), learning_rate=0.05)
    assert made.best > 0 and made.parameters == 2


def test_a_model_of_tensorflow_1_is_trained_on_and_loads_there(tmp_path: Path) -> None:
    builders.learning_old(tmp_path / "model")
    made = tuned(tmp_path / "model", tmp_path / "out", rows({"x": X[:, 0]}), columns=(("x", pa.float32()),), learning_rate=0.05)
    assert made.best > 0 and made.parameters == 2
    reader = tf.train.load_checkpoint(str(tmp_path / "out" / "variables" / "variables"))
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        defined = tf.compat.v1.saved_model.load(session, ["serve"], str(tmp_path / "out")).signature_def["serving_default"]
        (score,) = session.run([defined.outputs["score"].name], {defined.inputs["x"].name: [1.0]})[0]
    assert score == pytest.approx(1 / (1 + np.exp(-(reader.get_tensor("net/slope") + reader.get_tensor("net/bias")))), rel=1e-5)


UNFIT: dict[str, tuple[str, type[Exception], str]] = {
    "frozen": ("people", UnfitModel, "has no trainable variables (its graph is frozen, or it is a tree or a table), so it cannot be trained on"),
    "variables that do not train": ("learning_frozen", UnfitModel, "has no trainable variables (its 2 variables are not trainable)"),
    "float16": ("learning_halves", UnfitModel, "of float16, in which small steps are lost; export it with variables of float32."),
    "no gradient": ("learning_steps", UnfitModel, "follows from none of its 1 trainable variables by a gradient"),
    "an op without a gradient": ("learning_copy", UnfitModel, "has an op without a gradient, so it cannot be trained on ("),
    "an answer that is drawn": ("learning_noise", ModelFailed, "failed while it was trained: "),
    "pieces": ("learning_pieces", UnfitModel, "in its checkpoint, as where variables are partitioned"),
}


@pytest.mark.parametrize("case", UNFIT, ids=str)
def test_what_cannot_be_trained_on_is_told_in_a_sentence(case: str, built: Built, tmp_path: Path) -> None:
    name, kind, sentence = UNFIT[case]
    inputs = {"people": {"age": X[:, 0], "hours": np.ones((240, 1), np.int64), "sex": np.full(240, b"f", dtype=object), "is_member": np.ones(240, bool)}, "learning_pieces": {"x": X[:, 0]}, "learning": {"a": X[:, 0], "b": X[:, 1]}}
    given = rows(inputs.get(name, inputs["learning"] if name in ("learning_frozen", "learning_halves") else {"a": X[:, 0]}))
    kinds = {"hours": pa.int64(), "sex": pa.string(), "is_member": pa.bool_()}
    with pytest.raises(kind) as told:
        tuned(built(name), tmp_path / "out", given, columns=[(one, kinds.get(one, pa.float32())) for one in given.inputs])
    assert sentence in str(told.value) and str(told.value).count("\n") == 0 and not (tmp_path / "out").exists()


def test_a_loss_that_is_no_number_is_told(built: Built, tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"the loss was no number in epoch 1 of training model 'learning', so it learned nothing; train it by mitigate reweigh --fine-tune with a smaller --learning-rate than 1e\+38"):
        tuned(built("learning"), tmp_path / "out", numbers(), learning_rate=1e38, batch_size=16)


def test_scores_that_are_no_probabilities_are_told_before_anything_is_learned(tmp_path: Path) -> None:
    builders.learning(tmp_path / "model", answer="logit")
    with pytest.raises(ModelFailed, match=r"is no probability in \d+ of 80 rows, first -?\d\.\d+ for people.csv, row \d+; if these are logits, give --activation sigmoid"):
        tuned(tmp_path / "model", tmp_path / "out", numbers())


@pytest.mark.parametrize(("settings", "sentence"), [
    ({"strength": 5.5}, "--strength 5.5 is no power of a weight"), ({"strength": float("nan")}, "--strength nan is no power"), ({"epochs": 0}, "--epochs 0 is too few"),
    ({"learning_rate": 0.0}, "--learning-rate 0 is no length of a step"), ({"learning_rate": float("inf")}, "--learning-rate inf"), ({"batch_size": 0}, "--training-batch 0 is too few"), ({"patience": 0}, "--patience 0 is too few"),
])  # fmt: skip
def test_settings_that_cannot_be_cannot_be_made(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as told:
        FineTuning(**settings)
    assert str(told.value).startswith(sentence)


ALONE = """
import sys
sys.modules["fairaudit"] = None
import tensorflow as tf
print(tf.saved_model.load(sys.argv[1]).signatures["serving_default"](a=tf.constant([1.0]), b=tf.constant([2.0]))["probability"].numpy()[0, 0])
"""


def test_it_serves_without_fairaudit(tmp_path: Path) -> None:
    builders.learning(tmp_path / "model")
    tuned(tmp_path / "model", tmp_path / "out", numbers())
    bias, weights = variables(tmp_path / "out")
    said = subprocess.run([sys.executable, "-c", ALONE, str(tmp_path / "out")], capture_output=True, text=True, check=True).stdout
    assert float(said) == pytest.approx(float(1 / (1 + np.exp(-(weights[0, 0] + 2 * weights[1, 0] + bias[0])))), rel=1e-5)


def test_a_disk_without_room_for_the_variables_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    builders.learning(tmp_path / "model")

    def full(**_: Any) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "variables/variables.data-00000-of-00001.tempstate1; No space left on device")

    monkeypatch.setattr(tf.raw_ops, "SaveV2", full)
    with pytest.raises(ContentError, match="no disk space is left for the model .*; nothing was written; free some and run again."):
        tuned(tmp_path / "model", tmp_path / "out", numbers(), learning_rate=0.05)


def untold(values: Any, *, attribute: str = "b", dtype: str = "float32", **more: Any) -> TrainingRows:
    return replace(numbers(**more), usual=(typical(np.asarray(values), attribute=attribute, dtype=dtype),))


def test_what_is_withheld_is_trained_as_if_everybody_had_the_median_of_it_and_is_not_asked_for(tmp_path: Path) -> None:
    builders.learning(tmp_path / "model")
    given = untold(X[:, 1], factor=WEIGHT)
    median = np.sort(X[:, 1])[119]  # the lower of the two in the middle
    made = tuned(tmp_path / "model", tmp_path / "out", given, learning_rate=0.05, without_attribute=True)
    told = tuned(tmp_path / "model", tmp_path / "told", rows({"a": X[:, 0], "b": np.full(240, median)}, factor=WEIGHT), learning_rate=0.05)
    assert made.withheld == (Withheld(attribute="b", dtype="float32", value=float(median)),) and made.best == told.best > 0 and made.epochs == told.epochs
    serving = tf.saved_model.load(str(tmp_path / "out")).signatures["serving_default"]
    assert list(serving.structured_input_signature[1]) == ["a"]
    bias, weights = variables(tmp_path / "told")
    expected = 1 / (1 + np.exp(-(weights[0, 0] * X[:, 0] + weights[1, 0] * median + bias[0])))
    np.testing.assert_allclose(serving(a=tf.constant(X[:, 0]))["probability"].numpy()[:, 0], expected, rtol=1e-5)


def test_nothing_is_withheld_unless_that_is_asked_for(tmp_path: Path) -> None:
    builders.learning(tmp_path / "model")
    made = tuned(tmp_path / "model", tmp_path / "out", untold(X[:, 1]))
    assert made.withheld == () and sorted(tf.saved_model.load(str(tmp_path / "out")).signatures["serving_default"].structured_input_signature[1]) == ["a", "b"]


@pytest.mark.parametrize(("values", "dtype", "usual"), [
    ([3.0, 1.0, np.nan, 2.0], "float32", 2.0), ([4, 1, 2, 3], "int64", 2), ([b"f", b"m", b"m"], "string", "m"), ([True, False, True], "bool", True), ([], "string", None), ([np.nan], "float64", None),
    ([b"\xff"], "string", "\ufffd"),
])  # fmt: skip
def test_what_most_rows_have(values: Any, dtype: str, usual: Any) -> None:
    held = np.array(values, dtype=object if dtype == "string" else dtype)
    found = typical(held, attribute="sex", dtype=dtype)
    assert found == Withheld(attribute="sex", dtype=dtype, value=usual) and type(found.value) is type(usual)


def example(**features: Any) -> bytes:
    kinds = {"x": lambda value: tf.train.Feature(float_list=tf.train.FloatList(value=[value])), "sex": lambda value: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))}
    return bytes(tf.train.Example(features=tf.train.Features(feature={name: kinds[name](value) for name, value in features.items()})).SerializeToString())


def test_what_is_withheld_may_be_in_a_tf_example_or_not(tmp_path: Path) -> None:
    builders.learning_sex(tmp_path / "model")
    sexes = np.where(np.arange(240) % 3 == 0, b"f", b"m").astype(object)
    serialized = [example(x=float(x), sex=sex) for x, sex in zip(X[:, 0], sexes, strict=True)]
    given = replace(rows({"examples": serialized}), usual=(typical(sexes, attribute="sex", dtype="string"),))
    made = tuned(tmp_path / "model", tmp_path / "out", given, columns=(("x", pa.float32()), ("sex", pa.string())), learning_rate=0.05, without_attribute=True)
    assert made.best > 0 and made.withheld[0].value == "m"
    serving = tf.saved_model.load(str(tmp_path / "out")).signatures["serving_default"]
    answers = [serving(examples=tf.constant([one]))["probability"].numpy()[0] for one in (example(x=0.5, sex=b"f"), example(x=0.5, sex=b"m"), example(sex=b"f", x=0.5), example(x=0.5))]
    assert len(set(answers)) == 1
    other = tf.saved_model.load(str(tmp_path / "model")).signatures["serving_default"]
    assert other(examples=tf.constant([example(x=0.5, sex=b"f")]))["probability"].numpy()[0] != other(examples=tf.constant([example(x=0.5, sex=b"m")]))["probability"].numpy()[0]


@pytest.mark.parametrize(("columns", "kind", "sentence"), [
    (("a", "b"), UnfitModel, "takes a, b and nothing else, so without that there is nothing to decide by"), (("empty",), ContentError, "no row to fit on has a value of b that model 'model' could be given for everybody"),
])  # fmt: skip
def test_what_cannot_be_withheld_is_told(columns: tuple[str, ...], kind: type[Exception], sentence: str, tmp_path: Path) -> None:
    builders.learning(tmp_path / "model")
    values = {"a": X[:, 0], "b": X[:, 1], "empty": np.empty(0)}
    given = replace(numbers(), usual=tuple(typical(values[one], attribute="b" if one == "empty" else one, dtype="float32") for one in columns))
    with pytest.raises(kind, match=sentence):
        tuned(tmp_path / "model", tmp_path / "out", given, without_attribute=True)
    assert not (tmp_path / "out").exists()
