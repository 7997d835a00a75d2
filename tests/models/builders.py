"""SavedModels for tests, in milliseconds: one tf.Module and the signatures it is given, without Keras."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf  # type: ignore[import-untyped]

from fairaudit.models.input_names import name_inputs

Specs = dict[str, tf.TensorSpec]

PEOPLE: Specs = {
    "age": tf.TensorSpec([None], tf.float32),
    "hours": tf.TensorSpec([None, 1], tf.int64),
    "sex": tf.TensorSpec([None], tf.string),
    "is_member": tf.TensorSpec([None], tf.bool),
}
PARSED = {
    "age": tf.io.FixedLenFeature([], tf.float32),
    "hours": tf.io.FixedLenFeature([1], tf.int64),
    "sex": tf.io.VarLenFeature(tf.string),
    "is_member": tf.io.FixedLenFeature([], tf.int64, default_value=0),
}
X: Specs = {"x": tf.TensorSpec([None], tf.float32)}
EXAMPLES: Specs = {"examples": tf.TensorSpec([None], tf.string)}


def save(folder: Path, **signatures: tuple[Callable[..., dict[str, Any]], Specs]) -> None:
    """A SavedModel with these signatures: a function of named tensors, and what it takes."""
    module = tf.Module()
    made = {}
    for name, (answer, specs) in signatures.items():
        named = {key: tf.TensorSpec(spec.shape, spec.dtype, name=key) for key, spec in specs.items()}
        made[name] = tf.function(answer, autograph=False).get_concrete_function(**named)
    tf.saved_model.save(module, str(folder), signatures=made)


def people_score(age: Any, hours: Any, sex: Any, is_member: Any) -> dict[str, Any]:
    """(age + hours + 64 if Female + 32 if member) / 256: exact in float32, so that tests can say it by hand."""
    points = age + tf.cast(tf.reshape(hours, [-1]), tf.float32) + tf.where(sex == "Female", 64.0, 0.0) + tf.where(tf.cast(is_member, tf.bool), 32.0, 0.0)
    return {"score": points[:, None] / 256.0}


def _people_score_of(parsed: dict[str, Any]) -> dict[str, Any]:
    return people_score(
        parsed["age"], parsed["hours"], tf.strings.reduce_join(tf.sparse.to_dense(parsed["sex"], default_value=b""), axis=1), parsed["is_member"]
    )


def people(folder: Path) -> None:
    save(folder, serving_default=(people_score, PEOPLE))


def people_examples(folder: Path) -> None:
    """The same function of tf.Examples."""
    save(folder, serving_default=(lambda examples: _people_score_of(tf.io.parse_example(examples, PARSED)), EXAMPLES))


def single_examples(folder: Path) -> None:
    """As `people_examples`, one at a time: the parsing op is in a function of a function."""

    def one(example: Any) -> Any:
        parsed = tf.io.parse_single_example(example, {**PARSED, "sex": tf.io.FixedLenFeature([], tf.string)})
        return people_score(parsed["age"][None], parsed["hours"], parsed["sex"][None], parsed["is_member"][None])["score"][0]

    save(folder, serving_default=(lambda examples: {"score": tf.map_fn(one, examples, fn_output_signature=tf.float32)}, EXAMPLES))


def old_examples(folder: Path) -> None:
    """The op of TensorFlow 1: x must be there, y has a default, z is sparse. (x + y + number of z) / 8."""

    def answer(inputs: Any) -> dict[str, Any]:
        parsed = tf.raw_ops.ParseExample(
            serialized=inputs,
            names=tf.constant([], tf.string),
            sparse_keys=["z"],
            dense_keys=["x", "y"],
            dense_defaults=[tf.constant([], tf.float32), tf.constant([3], tf.int64)],
            sparse_types=[tf.string],
            dense_shapes=[[], [1]],
        )
        counted = tf.math.bincount(tf.cast(parsed.sparse_indices[0][:, 0], tf.int32), minlength=tf.size(inputs), dtype=tf.float32)
        return {"score": (parsed.dense_values[0] + tf.cast(parsed.dense_values[1][:, 0], tf.float32) + counted) / 8.0}

    save(folder, serving_default=(answer, {"inputs": tf.TensorSpec([None], tf.string)}))


def hidden_examples(folder: Path) -> None:
    """Keys that no graph shows: they are in a variable. x / 8, where x is float32."""
    module = tf.Module()
    module.keys = tf.Variable(["x"])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])  # type: ignore[untyped-decorator]
    def answer(examples: Any) -> dict[str, Any]:
        parsed = tf.raw_ops.ParseExampleV2(
            serialized=examples,
            names=tf.constant([], tf.string),
            sparse_keys=tf.constant([], tf.string),
            dense_keys=module.keys,
            ragged_keys=tf.constant([], tf.string),
            dense_defaults=[tf.constant([], tf.float32)],
            num_sparse=0,
            sparse_types=[],
            ragged_value_types=[],
            ragged_split_types=[],
            dense_shapes=[[]],
        )
        return {"score": parsed.dense_values[0] / 8.0}

    tf.saved_model.save(module, str(folder), signatures=answer)


def wide_examples(folder: Path) -> None:
    spec = {"x": tf.io.FixedLenFeature([3], tf.float32)}
    save(folder, serving_default=(lambda examples: {"score": tf.reduce_mean(tf.io.parse_example(examples, spec)["x"], axis=1)}, EXAMPLES))


def text(folder: Path) -> None:
    """One string input that is no tf.Example: score is its length in bytes / 16."""
    save(folder, serving_default=(lambda note: {"score": tf.cast(tf.strings.length(note), tf.float32) / 16.0}, {"note": tf.TensorSpec([None], tf.string)}))


def as_given(folder: Path) -> None:
    """The score is x itself, shape [n]."""
    save(folder, serving_default=(lambda x: {"score": x}, X))


def noisy(folder: Path) -> None:
    """The score is x and something drawn anew at every call."""
    save(folder, serving_default=(lambda x: {"score": 0.9 * x + tf.random.uniform(tf.shape(x), maxval=0.1)}, X))


def doubles(folder: Path) -> None:
    save(folder, serving_default=(lambda x: {"score": x}, {"x": tf.TensorSpec([None], tf.float64)}))


def two_columns(folder: Path) -> None:
    """Softmax of (0, x)."""
    save(folder, serving_default=(lambda x: {"probabilities": tf.nn.softmax(tf.stack([tf.zeros_like(x), x], axis=1))}, X))


def two_logits(folder: Path) -> None:
    save(folder, serving_default=(lambda x: {"logits": tf.stack([tf.zeros_like(x), x], axis=1)}, X))


def three_columns(folder: Path) -> None:
    save(folder, serving_default=(lambda x: {"probabilities": tf.stack([x, x, x], axis=1)}, X))


def several_outputs(folder: Path) -> None:
    answer = {"label": tf.int64, "probability": tf.float32, "logit": tf.float32}
    save(folder, serving_default=(lambda x: {name: tf.cast(x * (8.0 if name == "logit" else 1.0), dtype) for name, dtype in answer.items()}, X))


def deciding(folder: Path) -> None:
    """The score is x, and the model's own decisions are whether it is above 0.4 or 0.7, by `mine` and by `strict`; `half` is no decision."""
    save(folder, serving_default=(lambda x: {"p": x, "mine": x > 0.4, "strict": tf.cast(x > 0.7, tf.int64)[:, None], "half": x * 2.0, "pair": tf.stack([x, x], axis=1)}, X))


def several_signatures(folder: Path) -> None:
    save(folder, half=(lambda x: {"score": x / 2.0}, X), quarter=(lambda x: {"score": x / 4.0}, X))


def one_odd_signature(folder: Path) -> None:
    save(folder, predict=(lambda x: {"score": x / 2.0}, X))


def no_signature(folder: Path) -> None:
    tf.saved_model.save(tf.Module(), str(folder))


def odd_inputs(folder: Path) -> None:
    """Inputs that no column can be given to, and one that can."""
    specs = {
        "fine": tf.TensorSpec([None, 1], tf.float32),
        "image": tf.TensorSpec([None, 8, 8], tf.float32),
        "pair": tf.TensorSpec([None, 2], tf.float32),
        "seven": tf.TensorSpec([7], tf.float32),
        "wave": tf.TensorSpec([None], tf.complex64),
        "whole": tf.TensorSpec([], tf.float32),
    }
    save(folder, serving_default=(lambda fine, **others: {"score": fine}, specs))


def first_only(folder: Path) -> None:
    """Answers with the first row only, in a shape that the graph leaves open."""
    save(folder, serving_default=(lambda x: {"score": tf.boolean_mask(x, tf.range(tf.size(x)) < 1)}, X))


def open_shape(folder: Path) -> None:
    """[n, k] with a k that only shows when it is called: 3."""
    save(folder, serving_default=(lambda x: {"score": tf.boolean_mask(tf.stack([x, x, x], axis=1), tf.fill([3], tf.size(x) > 0), axis=1)}, X))


def asserting(folder: Path) -> None:
    """Breaks on a negative x."""

    def answer(x: Any) -> dict[str, Any]:
        with tf.control_dependencies([tf.debugging.assert_non_negative(x, message="x is below zero")]):
            return {"score": tf.identity(x)}

    save(folder, serving_default=(answer, X))


def dense_net(folder: Path) -> None:
    """A net of matrix products, whose last bits depend on the size of the batch."""
    first, second = (tf.random.stateless_normal(shape, seed=[1, shape[0]]) for shape in ([3, 61], [61, 1]))
    specs = {name: tf.TensorSpec([None], tf.float32) for name in ("a", "b", "c")}
    save(folder, serving_default=(lambda a, b, c: {"score": tf.sigmoid(tf.tanh(tf.stack([a, b, c], axis=1) @ first) @ second)}, specs))


def unknown_op(folder: Path) -> None:
    """A model whose op was renamed after it was saved, as an op of a library that is not installed would look."""
    save(folder, serving_default=(lambda x: {"score": tf.math.lgamma(x)}, X))
    graph = folder / "saved_model.pb"
    graph.write_bytes(graph.read_bytes().replace(b"Lgamma", b"Lgammb"))


WEIGHTS, BIAS = (0.5, -0.25), 0.125  # of the models that learn: exact in every float


def learning(folder: Path, *, answer: str = "probability", dtype: Any = tf.float32, trainable: bool = True) -> None:
    """A logistic regression of two numbers, with variables that can be trained on.

    Args:
        answer: "probability", "logit", "probabilities" or "logits" of both classes.
    """
    module = tf.Module()
    module.weights = tf.Variable([[one] for one in WEIGHTS], dtype=dtype, trainable=trainable, name="weights")
    module.bias = tf.Variable([BIAS], dtype=dtype, trainable=trainable, name="bias")

    def answered(a: Any, b: Any) -> dict[str, Any]:
        logit = tf.cast(tf.cast(tf.stack([a, b], axis=1), dtype) @ module.weights + module.bias, tf.float32)
        both = tf.concat([tf.zeros_like(logit), logit], axis=1)
        return {answer: {"probability": tf.sigmoid(logit), "logit": logit, "probabilities": tf.nn.softmax(both), "logits": both}[answer]}

    specs = {name: tf.TensorSpec([None], tf.float32, name=name) for name in "ab"}
    tf.saved_model.save(module, str(folder), signatures=tf.function(answered, autograph=False).get_concrete_function(**specs))


def learning_halves(folder: Path) -> None:
    learning(folder, dtype=tf.float16)


def learning_frozen(folder: Path) -> None:
    learning(folder, trainable=False)


def learning_steps(folder: Path) -> None:
    """A step of a number: its edge can be trained, but nothing follows from it by a gradient."""
    module = tf.Module()
    module.edge = tf.Variable(0.5)
    tf.saved_model.save(module, str(folder), signatures=tf.function(lambda a: {"score": tf.cast(a > module.edge, tf.float32)}, autograph=False).get_concrete_function(a=tf.TensorSpec([None], tf.float32, name="a")))


def learning_words(folder: Path) -> None:
    """Words by a vocabulary that is a file, an embedding, an input whose name is no name in Python, and a second signature of the same variables, which answers with logits."""
    words = folder.parent / "words.txt"
    words.write_text("red\ngreen\nblue\n")
    module = tf.Module()
    module.words = tf.lookup.StaticVocabularyTable(tf.lookup.TextFileInitializer(str(words), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER), 1)
    module.file = tf.saved_model.Asset(str(words))
    module.embedding = tf.Variable([[0.5], [-0.5], [0.25], [0.0]])
    module.slope = tf.Variable(0.125)
    module.first = tf.Variable(tf.zeros([], tf.int64))  # trainable by its name alone

    def logit(colour: Any, input_0: Any) -> Any:
        return tf.gather(module.embedding, module.words.lookup(colour) + module.first)[:, 0] + module.slope * input_0

    specs = {"colour": tf.TensorSpec([None], tf.string, name="colour"), "input_0": tf.TensorSpec([None], tf.float32, name="input_0")}
    answers = {"serving_default": lambda **given: {"score": tf.sigmoid(logit(**given))}, "logits": lambda **given: {"logit": logit(**given)}}
    tf.saved_model.save(module, str(folder), signatures={name: tf.function(one, autograph=False).get_concrete_function(**specs) for name, one in answers.items()})
    name_inputs(folder, "serving_default", {"hours-per-week": "input_0"})


def learning_examples(folder: Path) -> None:
    """A logistic regression of x, of tf.Examples."""
    module = tf.Module()
    module.slope, module.bias = tf.Variable(0.5), tf.Variable(0.0)

    def answered(examples: Any) -> dict[str, Any]:
        x = tf.io.parse_example(examples, {"x": tf.io.FixedLenFeature([], tf.float32)})["x"]
        return {"score": tf.sigmoid(module.slope * x + module.bias)}

    tf.saved_model.save(module, str(folder), signatures=tf.function(answered, autograph=False).get_concrete_function(examples=EXAMPLES["examples"]))


def learning_sex(folder: Path) -> None:
    """A logistic regression of x and a sex, of tf.Examples that may leave either out."""
    module = tf.Module()
    module.slope, module.difference, module.bias = tf.Variable(0.5), tf.Variable(1.0), tf.Variable(0.0)

    def answered(examples: Any) -> dict[str, Any]:
        wanted = {"x": tf.io.FixedLenFeature([], tf.float32, default_value=0.0), "sex": tf.io.FixedLenFeature([], tf.string, default_value="")}
        read = tf.io.parse_example(examples, wanted)
        return {"probability": tf.sigmoid(module.slope * read["x"] + module.difference * tf.cast(read["sex"] == b"f", tf.float32) + module.bias)}

    tf.saved_model.save(module, str(folder), signatures=tf.function(answered, autograph=False).get_concrete_function(examples=EXAMPLES["examples"]))


def learning_old(folder: Path) -> None:
    """A logistic regression of x, written by TensorFlow 1: a graph with variables, and no objects."""
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None], name="x")
        slope = v1.get_variable("net/slope", initializer=0.5, use_resource=True)
        bias = v1.get_variable("net/bias", initializer=0.0, use_resource=True)
        score = tf.sigmoid(slope * x + bias)
        session.run(v1.global_variables_initializer())
        v1.saved_model.simple_save(session, str(folder), inputs={"x": x}, outputs={"score": score})


def learning_pieces(folder: Path) -> None:
    """The same with a variable that is held in two pieces."""
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None], name="x")
        slope = v1.get_variable("net/slope", shape=[2], initializer=v1.constant_initializer(0.25), use_resource=True, partitioner=v1.fixed_size_partitioner(2))
        score = tf.sigmoid(tf.reduce_sum(tf.convert_to_tensor(slope)) * x)
        session.run(v1.global_variables_initializer())
        v1.saved_model.simple_save(session, str(folder), inputs={"x": x}, outputs={"score": score})


def learning_people(folder: Path) -> None:
    """A logistic regression of x and of whether sex is f, near what the people of tests/cli/mitigated.py are like; a second signature says what it rests on."""
    module = tf.Module()
    module.weights = tf.Variable([3.0, 1.5], name="weights")
    module.bias = tf.Variable(-2.0, name="bias")

    def answered(x: Any, sex: Any) -> dict[str, Any]:
        return {"score": tf.sigmoid(module.weights[0] * x + module.weights[1] * tf.cast(sex == "f", tf.float32) + module.bias)}

    specs = {"x": tf.TensorSpec([None], tf.float32, name="x"), "sex": tf.TensorSpec([None], tf.string, name="sex")}
    made = {"serving_default": tf.function(answered, autograph=False).get_concrete_function(**specs), "weights": tf.function(lambda: {"weights": module.weights + 0.0}).get_concrete_function()}
    tf.saved_model.save(module, str(folder), signatures=made)


def learning_noise(folder: Path) -> None:
    """A logistic regression of a whose answer is drawn anew at every call."""
    module = tf.Module()
    module.slope = tf.Variable(0.5)
    tf.saved_model.save(module, str(folder), signatures=tf.function(lambda a: {"score": tf.sigmoid(module.slope * a + tf.random.normal(tf.shape(a)))}, autograph=False).get_concrete_function(a=tf.TensorSpec([None], tf.float32, name="a")))


def learning_copy(folder: Path) -> None:
    """An op that TensorFlow has no gradient of lies between the variable and the score."""
    module = tf.Module()
    module.slope = tf.Variable(0.5)

    def answered(a: Any) -> dict[str, Any]:
        return {"score": tf.raw_ops.DeepCopy(x=tf.sigmoid(module.slope * a))}

    tf.saved_model.save(module, str(folder), signatures=tf.function(answered, autograph=False).get_concrete_function(a=tf.TensorSpec([None], tf.float32, name="a")))
