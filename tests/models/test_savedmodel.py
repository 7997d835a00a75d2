"""SavedModels as users bring them. Scores are worked by hand from tests/models/builders.py, whose arithmetic is exact in float32."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from fairaudit.errors import FairauditError, Several
from fairaudit.models import describe, load, matches
from fairaudit.models.savedmodel import SavedModelScorer
from fairaudit.types import Floats

Built = Callable[[str], Path]
Data = dict[str, list[Any]]

PEOPLE = {
    "age": ["32", "40.5", "17"],
    "hours": ["40", "38", "7"],
    "sex": ["Female", "Male", "female"],
    "is_member": ["true", "F", "1"],
    "name": ["a", "b", "c"],
}
# (age + hours + 64 if Female + 32 if member) / 256
PEOPLE_SCORES = [168 / 256, 78.5 / 256, 56 / 256]


def place(row: int) -> str:
    return f"people.csv, row {row + 1}"


def loaded(path: Path, data: Data | pa.RecordBatch, **options: Any) -> SavedModelScorer:
    batch = data if isinstance(data, pa.RecordBatch) else pa.RecordBatch.from_pydict(data)
    return load(path, columns=batch.schema, data_name="people.csv", **{"batch_size": 8} | options)


def scored(path: Path, data: Data, **options: Any) -> Floats:
    scorer = loaded(path, data, **options)
    scores = scorer.answer(pa.RecordBatch.from_pydict(data), place).scores
    scorer.check()
    return scores


def refusal(error: type[Exception] = FairauditError, *, exit_code: int, of: Callable[[], Any]) -> str:
    with pytest.raises(error) as told:
        of()
    assert isinstance(told.value, FairauditError)
    assert told.value.exit_code == exit_code
    return str(told.value)


def floats(*values: float | str) -> Data:
    return {"x": [str(value) for value in values]}


def test_named_columns_of_text_become_tensors_of_rank_one_and_two(built: Built) -> None:
    scorer = loaded(built("people"), PEOPLE)
    scores = scorer.answer(pa.RecordBatch.from_pydict(PEOPLE), place).scores
    assert scores.tolist() == PEOPLE_SCORES
    assert scores.dtype == np.float64
    assert [(feature.name, feature.dtype, feature.rank) for feature in scorer.features] == [
        ("age", "float32", 1),
        ("hours", "int64", 2),
        ("is_member", "bool", 1),
        ("sex", "string", 1),
    ]
    assert (scorer.card.name, scorer.card.signature, scorer.card.output, scorer.card.score_type) == ("people", "serving_default", "score", "float32")
    assert scorer.notes == ()


def test_typed_columns_score_as_text_does(built: Built) -> None:
    typed: Data = {"age": [32.0, 40.5, 17.0], "hours": [40, 38, 7], "sex": ["Female", "Male", "female"], "is_member": [True, False, True]}
    assert scored(built("people"), typed).tolist() == PEOPLE_SCORES


@pytest.mark.parametrize("model", ["people_examples", "single_examples"])
def test_tf_examples_score_as_named_columns_do(built: Built, model: str) -> None:
    people = PEOPLE | {"is_member": ["1", "0", "1"]}
    assert scored(built(model), people).tolist() == PEOPLE_SCORES
    assert [feature.name for feature in loaded(built(model), people).features] == ["age", "hours", "is_member", "sex"]


def test_what_is_missing_is_left_out_of_a_tf_example_that_may_lack_it(built: Built) -> None:
    # is_member has the default 0 and sex is sparse; age must be there and is NaN.
    people: Data = {"age": ["32", "40"], "hours": ["40", "38"], "sex": [None, "Female"], "is_member": [True, None]}
    assert scored(built("people_examples"), people).tolist() == [104 / 256, 142 / 256]
    told = refusal(exit_code=4, of=lambda: scored(built("people_examples"), people | {"hours": ["40", None]}))
    assert told.startswith("people.csv, row 2: column 'hours' is empty; the model takes int64")


def test_the_parsing_op_of_tensorflow_1_tells_its_features_too(built: Built) -> None:
    # (x + y + number of z) / 8, where y is 3 by default.
    data: Data = {"x": ["1", "2", "0"], "y": ["2", "", None], "z": ["a", None, "b"], "label": ["1", "1", "0"]}
    assert scored(built("old_examples"), data).tolist() == [4 / 8, 5 / 8, 4 / 8]


def test_tf_examples_of_unseen_features_take_the_types_of_typed_data(built: Built) -> None:
    data: Data = {"x": [1.0, 2.0], "sex": ["a", "b"], "label": [0, 1]}
    scorer = loaded(built("hidden_examples"), data, feature_columns=["x", "sex"])
    assert scorer.answer(pa.RecordBatch.from_pydict(data), place).scores.tolist() == [0.125, 0.25]
    assert scorer.notes == ("the features of the model's tf.Examples cannot be seen in its graph: it was given x, sex, with the types that the data has",)


def test_tf_examples_of_unseen_features_are_refused_where_the_data_has_no_types(built: Built) -> None:
    told = refusal(exit_code=2, of=lambda: loaded(built("hidden_examples"), floats(1), feature_columns=["x"]))
    assert told == (
        "the signature 'serving_default' seems to take tf.Examples as 'examples', but which features it reads cannot be seen in its graph; "
        "give it a signature with named columns, or give the data as Parquet, whose types then decide"
    )


def test_a_column_with_the_inputs_name_goes_in_as_it_is(built: Built) -> None:
    assert scored(built("text"), {"note": ["four", "ü", ""]}).tolist() == [4 / 16, 2 / 16, 0.0]
    assert "no column for an input of model 'text': 'note' (did you mean 'notes'?)" in refusal(exit_code=2, of=lambda: loaded(built("text"), {"notes": ["a"]}))


def test_scores_are_the_same_whatever_the_batches(built: Built) -> None:
    rng = np.random.default_rng(0)
    whole = pa.RecordBatch.from_pydict({name: rng.normal(size=1000) for name in ("a", "b", "c")})

    def in_batches_of(rows: int) -> Floats:
        return np.concatenate([scorer.answer(whole.slice(start, rows), place).scores for start in range(0, 1000, rows)])

    scorer = loaded(built("dense_net"), whole, batch_size=256)
    expected = in_batches_of(256)
    for rows in (1, 100, 255):
        assert in_batches_of(rows).tobytes() == expected.tobytes()


def test_no_rows_have_no_scores(built: Built) -> None:
    scorer = loaded(built("as_given"), floats(1))
    assert scorer.answer(pa.RecordBatch.from_pydict({"x": pa.array([], pa.string())}), place).scores.shape == (0,)
    scorer.check()


def test_more_rows_than_the_batch_size_are_the_callers_mistake(built: Built) -> None:
    with pytest.raises(ValueError, match="9 rows are more than the scorer's batch_size of 8"):
        loaded(built("as_given"), floats(1)).answer(pa.RecordBatch.from_pydict(floats(*[0] * 9)), place)


def test_the_score_type_is_the_outputs(built: Built) -> None:
    assert loaded(built("doubles"), floats(1)).card.score_type == "float64"
    assert scored(built("doubles"), floats(0.1)).tolist() == [0.1]
    # float32(0.1) = 13421773 / 2^27
    assert scored(built("as_given"), floats(0.1)).tolist() == [13_421_773 / 2**27]


def test_of_two_columns_the_second_is_the_score_and_it_is_told(built: Built) -> None:
    scorer = loaded(built("two_columns"), floats(0))
    # softmax(0, x) has 1 / (1 + exp(-x)) second; 1/(1 + e^-1) = 0.7310585786.
    assert scorer.answer(pa.RecordBatch.from_pydict(floats(0, 1)), place).scores == pytest.approx([0.5, 0.7310585786], abs=1e-7)
    assert scorer.notes == ("the output 'probabilities' has two columns; the second is the score",)


def test_logits_become_probabilities_by_the_activation_asked_for(built: Built) -> None:
    # 1/(1 + e^2) = 0.1192029220; a float32 logit of -200 is 0, not an overflow.
    assert scored(built("as_given"), floats(0, -2, -200, 200), activation="sigmoid") == pytest.approx([0.5, 0.1192029220, 0, 1], abs=1e-7)
    assert scored(built("two_logits"), floats(0, -2, -200, 200), activation="softmax") == pytest.approx([0.5, 0.1192029220, 0, 1], abs=1e-7)


def test_scores_that_are_no_probabilities_are_counted_over_all_batches_and_told_at_the_end(built: Built) -> None:
    scorer = loaded(built("as_given"), floats(1))
    first, second = (pa.RecordBatch.from_pydict(floats(*values)) for values in ([0, 1, 0.5], ["0.25", "-1.5", "nan", "3"]))
    scorer.answer(first, place)
    scorer.check()
    assert scorer.answer(second, lambda row: place(row + 3)).scores[1] == -1.5
    assert refusal(exit_code=4, of=scorer.check) == (
        "model 'as_given': the output 'score' is no probability in 3 of 7 rows, NaN in 1 of them, first -1.5 for people.csv, row 5; "
        "if these are logits, give --activation sigmoid (softmax for two columns)"
    )


def test_nan_alone_is_no_matter_of_logits(built: Built) -> None:
    told = refusal(exit_code=4, of=lambda: scored(built("as_given"), floats("nan", 0.5)))
    assert told == (
        "model 'as_given': the output 'score' is no probability in 1 of 2 rows, NaN in 1 of them, first nan for people.csv, row 1; "
        "look for missing or extreme values among its inputs"
    )


def test_another_output_is_proposed_where_there_is_one(built: Built) -> None:
    told = refusal(exit_code=4, of=lambda: scored(built("several_outputs"), floats(0.5), output="logit"))
    assert told.endswith("if these are logits, give --activation sigmoid (softmax for two columns), or take another output by --output (label, probability)")


def test_one_of_several_outputs_is_taken_by_name(built: Built) -> None:
    assert scored(built("several_outputs"), floats(0.5), output="probability").tolist() == [0.5]
    assert refusal(exit_code=2, of=lambda: loaded(built("several_outputs"), floats(1))) == (
        "model 'several_outputs' has 3 outputs in the signature 'serving_default': label (int64 [n]), logit (float32 [n]), probability (float32 [n]); "
        "name the one that is the score with --output"
    )
    assert refusal(exit_code=2, of=lambda: loaded(built("several_outputs"), floats(1), output="probabilty")) == (
        "model 'several_outputs', signature 'serving_default': there is no output 'probabilty'; did you mean 'probability'?"
    )
    assert refusal(exit_code=2, of=lambda: loaded(built("several_outputs"), floats(1), output="label")) == (
        "model 'several_outputs': the output label (int64 [n]) cannot be a score; a score is one of float16, float32, float64; "
        "its other outputs are logit (float32 [n]), probability (float32 [n])"
    )


@pytest.mark.parametrize(
    ("model", "activation", "told"),
    [
        ("two_columns", "sigmoid", "the output probabilities (float32 [n, 2]) has two values for each row; did you mean --activation softmax?"),
        ("as_given", "softmax", "the output score (float32 [n]) has one value for each row, and softmax wants two; did you mean --activation sigmoid?"),
        ("three_columns", None, "the output probabilities (float32 [n, 3]) has more than two values for each row; "),
    ],
)
def test_an_output_of_another_shape_is_refused_before_the_data_is_read(built: Built, model: str, activation: str | None, told: str) -> None:
    assert refusal(exit_code=2, of=lambda: loaded(built(model), floats(1), activation=activation)).startswith(f"model {model!r}: {told}")


def test_an_unknown_activation_is_told(built: Built) -> None:
    assert refusal(exit_code=2, of=lambda: loaded(built("as_given"), floats(1), activation="sigmiod")) == (
        "there is no activation 'sigmiod'; did you mean 'sigmoid'?"
    )


def test_a_shape_that_only_shows_when_called_is_checked_then(built: Built) -> None:
    assert refusal(exit_code=4, of=lambda: scored(built("open_shape"), floats(1, 1))) == (
        "model 'open_shape': the output 'score' has more than two values for each row; fairaudit audits decisions between two classes: [n], [n, 1] or [n, 2]"
    )
    assert refusal(exit_code=4, of=lambda: scored(built("first_only"), floats(1, 1))) == (
        "model 'first_only' answered 8 rows with an output 'score' of shape [1]; a score is wanted for each row"
    )


def test_the_default_signature_is_the_only_one_or_must_be_named(built: Built) -> None:
    assert scored(built("one_odd_signature"), floats(1)).tolist() == [0.5]
    assert scored(built("several_signatures"), floats(1), signature="quarter").tolist() == [0.25]
    assert refusal(exit_code=2, of=lambda: loaded(built("several_signatures"), floats(1))) == (
        "model 'several_signatures' has no 'serving_default' but the signatures half, quarter; name one with --signature"
    )
    assert refusal(exit_code=2, of=lambda: loaded(built("several_signatures"), floats(1), signature="quater")) == (
        "model 'several_signatures': there is no signature 'quater'; did you mean 'quarter'?"
    )
    assert refusal(exit_code=2, of=lambda: loaded(built("no_signature"), floats(1))).startswith("model 'no_signature' has no signature to call; export it with")


def test_missing_columns_are_told_all_at_once_with_the_nearest_names(built: Built) -> None:
    data = {name: values for name, values in PEOPLE.items() if name not in ("age", "sex")} | {"Age": ["1"] * 3}
    assert refusal(exit_code=2, of=lambda: loaded(built("people"), data)) == (
        "people.csv has no column for 2 inputs of model 'people': 'age' (did you mean 'Age'?), 'sex'"
    )
    assert refusal(exit_code=2, of=lambda: loaded(built("as_given"), {"weight": ["1"], "height": ["2"]})) == (
        "people.csv has no column for an input of model 'as_given': 'x'; the other columns there are weight, height"
    )


def test_several_mistakes_are_told_at_once(built: Built) -> None:
    data: Data = {"age": [[1.0]], "hours": ["40"], "is_member": ["1"]}
    told = refusal(Several, exit_code=2, of=lambda: loaded(built("people"), data, output="scores"))
    assert told.splitlines() == [
        "people.csv has no column for an input of model 'people': 'sex'; the other columns there are none",
        "people.csv: column 'age' has the type list<item: double>, which cannot be given to the model's input of dtype float32",
        "model 'people', signature 'serving_default': there is no output 'scores'; did you mean 'score'?",
    ]


def test_inputs_that_no_column_can_be_given_to_are_each_told(built: Built) -> None:
    told = refusal(Several, exit_code=2, of=lambda: loaded(built("odd_inputs"), {"fine": ["1"]})).splitlines()
    column = "; a column is given as [n] or [n, 1], so export a signature with an input for each column"
    assert told == [
        f"model 'odd_inputs' has the input 'image', which has the shape [n, 8, 8]{column}",
        f"model 'odd_inputs' has the input 'pair', which has the shape [n, 2]{column}",
        "model 'odd_inputs' has the input 'seven', which has the shape [7] and so takes exactly 7 rows; export the model with an open first dimension (None)",
        "model 'odd_inputs' has the input 'wave', which has the dtype complex64; a column can be given as a string, bool, int or float",
        f"model 'odd_inputs' has the input 'whole', which has the shape []{column}",
    ]
    assert refusal(exit_code=2, of=lambda: loaded(built("wide_examples"), floats(1))) == (
        "model 'wide_examples' has the input 'x', which takes 3 values out of each tf.Example, where a row has one"
    )


def test_values_that_do_not_fit_are_told_for_every_column_of_the_batch(built: Built) -> None:
    data = PEOPLE | {"hours": ["40", "38.5", "7"], "is_member": ["yes", "no", "1"]}
    assert refusal(Several, exit_code=4, of=lambda: scored(built("people"), data)).splitlines() == [
        "people.csv, row 2: column 'hours' holds '38.5', which is not a whole number; the model takes int64",
        "people.csv, row 1: column 'is_member' holds 'yes', which is neither true nor false (true, false, t, f, 1, 0); the model takes bool; "
        "2 rows near there are like it",
    ]


def test_so_are_those_of_tf_examples(built: Built) -> None:
    data: Data = PEOPLE | {"age": ["32", "1e40", "17"], "hours": ["40", "38.5", "7"], "is_member": ["1", "0", None]}
    assert refusal(Several, exit_code=4, of=lambda: scored(built("people_examples"), data)).splitlines() == [
        "people.csv, row 2: column 'age' holds '1e40', which is too large for float32; the model takes float32",
        "people.csv, row 2: column 'hours' holds '38.5', which is not a whole number; the model takes int64",
    ]


def test_a_column_that_is_missing_throughout_is_left_out_of_every_tf_example(built: Built) -> None:
    people: Data = {"age": ["32", "40"], "hours": ["40", "38"], "sex": [None, None], "is_member": ["", ""]}
    assert scored(built("people_examples"), people).tolist() == [72 / 256, 78 / 256]


def test_a_model_that_breaks_is_told_with_the_rows_and_its_own_words(built: Built) -> None:
    told = refusal(exit_code=4, of=lambda: scored(built("asserting"), floats(1, -1)))
    assert told.startswith("model 'asserting' failed on people.csv, row 1 to people.csv, row 2: ")
    assert "x is below zero" in told


def test_a_model_with_an_op_that_is_not_there_is_told_by_the_ops_name(built: Built) -> None:
    assert refusal(exit_code=4, of=lambda: loaded(built("unknown_op"), floats(1))) == (
        "model 'unknown_op' needs the op 'Lgammb', which this TensorFlow does not have; "
        "a model with ops of its own (tensorflow-text, decision forests, ...) must be exported without them"
    )


def test_a_model_without_its_variables_is_told(built: Built, tmp_path: Path) -> None:
    graph = (built("as_given") / "saved_model.pb").read_bytes()
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "saved_model.pb").write_bytes(graph)
    assert refusal(exit_code=4, of=lambda: loaded(tmp_path / "bare", floats(1))).startswith("TensorFlow cannot load the model 'bare': ")


def test_a_saved_model_that_is_cut_or_empty_is_told(built: Built, tmp_path: Path) -> None:
    graph = (built("as_given") / "saved_model.pb").read_bytes()
    for contents in (graph[: len(graph) // 2], b"", b"hello"):
        (tmp_path / "saved_model.pb").write_bytes(contents)
        told = refusal(exit_code=4, of=lambda: describe(tmp_path))
        assert told.startswith(str(tmp_path / "saved_model.pb"))
        assert told.endswith("is the file whole?")


def _files(folder: Path, names: Sequence[str]) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


EXPORT = "load it in Keras and write a SavedModel with model.export('FOLDER')"


@pytest.mark.parametrize(
    ("files", "path", "told"),
    [
        ([], "nowhere", "there is no model {path}: no such folder"),
        (["net.keras"], "net.keras", "{path} is a Keras file, not a SavedModel; " + EXPORT),
        (["net.h5"], "net.h5", "{path} is a Keras (HDF5) file, not a SavedModel; " + EXPORT),
        (["net.keras"], ".", "{path} is not a SavedModel, but holds the Keras file net.keras; " + EXPORT),
        (["m/saved_model.pb"], "m/saved_model.pb", "{path} is one file of a SavedModel; give its folder, {path.parent}"),
        (["people.csv"], "people.csv", "{path} is a file; a SavedModel is a folder that holds saved_model.pb"),
        (["1/saved_model.pb", "2/saved_model.pb"], ".", "{path} is not a SavedModel, but holds 1, 2; did you mean {path}/2?"),
        (["a.txt", "b.txt"], ".", "{path} is not a SavedModel: it has no saved_model.pb (it holds a.txt, b.txt)"),
        (["m/a"], "m", "{path} is not a SavedModel: it has no saved_model.pb (it holds a)"),
    ],
)
def test_what_is_no_saved_model_is_told_by_what_it_is(tmp_path: Path, files: list[str], path: str, told: str) -> None:
    place = _files(tmp_path, files) / path
    assert refusal(exit_code=2, of=lambda: describe(place)) == told.format(path=place)


def test_what_is_no_saved_model_is_told_without_tensorflow(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from fairaudit.models import describe\n"
        "try: describe(Path(sys.argv[1]))\n"
        "except Exception as told: print(told, 'tensorflow' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert ran.stdout == f"{tmp_path} is not a SavedModel: it has no saved_model.pb (it holds none) False\n"


def test_the_fingerprint_is_of_names_sizes_and_contents_in_order(tmp_path: Path) -> None:
    from fairaudit.models.folder import fingerprint

    for name, contents in {"saved_model.pb": b"graph", "variables/v": b"\0\1"}.items():
        _files(tmp_path, [name])
        (tmp_path / name).write_bytes(contents)
    (tmp_path / "assets").mkdir()
    assert fingerprint(tmp_path) == hashlib.sha256(b"saved_model.pb\x005\x00graphvariables/v\x002\x00\0\1").hexdigest()


def test_a_model_describes_itself(built: Built) -> None:
    described = describe(built("people"))
    (signature,) = described.signatures
    assert described.name == "people"
    assert [str(tensor) for tensor in signature.inputs] == ["age (float32 [n])", "hours (int64 [n, 1])", "is_member (bool [n])", "sex (string [n])"]
    assert [str(tensor) for tensor in signature.outputs] == ["score (float32 [n, 1])"]
    assert signature.parsed is None
    (examples,) = describe(built("people_examples")).signatures
    assert examples.parsed is not None
    assert [(feature.name, feature.dtype, feature.optional) for feature in examples.parsed] == [
        ("age", "float32", False),
        ("hours", "int64", False),
        ("is_member", "int64", True),
        ("sex", "string", True),
    ]


def test_features_beside_columns_say_what_is_converted_and_what_is_missing(built: Built) -> None:
    columns = pa.schema([("age", pa.string()), ("hour", pa.string()), ("sex", pa.float32()), ("is_member", pa.int8())])
    features = loaded(built("people"), PEOPLE).features
    assert [(match.feature.name, match.column, match.near, match.how) for match in matches(features, columns)] == [
        ("age", "string", None, "text read as a number"),
        ("hours", None, "hour", None),
        ("is_member", "int8", None, "1 is true, 0 is false"),
        ("sex", "float", None, None),
    ]


def test_the_folder_may_be_named_by_its_last_part_only(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(built("as_given"))
    assert describe(Path()).name == "as_given"
