"""A model's answer inside a graph: its score as an audit takes it, and what each row loses by it."""

from __future__ import annotations

from typing import Any

from fairaudit.models.outputs import Output
from fairaudit.models.signatures import import_tensorflow

_NEAREST = 1e-7  # that a probability may be to 0 or 1 in a logarithm, as in Keras


def score_of(answer: Any, output: Output, rows: Any) -> Any:
    """One score for each row: a single column, or the second of two, after the activation."""
    tf = import_tensorflow()
    return tf.sigmoid(_logit(columns_of(answer, rows), output)) if output.activation else columns_of(answer, rows)[:, -1]


def cross_entropy(answer: Any, output: Output, label: Any) -> Any:
    """−log of the chance that the score gives to a row's label, in float32 or more, shape (rows,).

    Args:
        label: 1 or 0, float32.
    """
    tf = import_tensorflow()
    columns = columns_of(answer, tf.size(label))
    precise = tf.float64 if columns.dtype == tf.float64 else tf.float32
    columns, label = tf.cast(columns, precise), tf.cast(label, precise)
    if output.activation:
        return tf.nn.sigmoid_cross_entropy_with_logits(labels=label, logits=_logit(columns, output))
    score = tf.clip_by_value(columns[:, -1], _NEAREST, 1.0 - _NEAREST)
    return -(label * tf.math.log(score) + (1.0 - label) * tf.math.log(1.0 - score))


def columns_of(answer: Any, rows: Any) -> Any:
    """An answer of whatever rank as columns, shape (rows, any)."""
    tf = import_tensorflow()
    if answer.shape.rank == 1:
        return answer[:, None]
    if answer.shape.rank == 2:
        return answer
    return tf.reshape(answer, [rows, tf.maximum(1, tf.size(answer) // tf.maximum(rows, 1))])


def _logit(columns: Any, output: Output) -> Any:
    """What the sigmoid is taken of. Softmax over two columns is the sigmoid of their difference."""
    return columns[:, 1] - columns[:, 0] if output.activation == "softmax" else columns[:, -1]
