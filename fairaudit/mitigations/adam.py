"""Adam (Kingma and Ba 2015, algorithm 1), by TensorFlow's plain ops: Keras need not be there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fairaudit.models.signatures import import_tensorflow

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8  # as the paper suggests


class Adam:
    """The moments of some variables' gradients, and the steps that they make of them."""

    def __init__(self, variables: Sequence[Any], *, learning_rate: float) -> None:
        tf = import_tensorflow()
        self._rate, self._variables = learning_rate, tuple(variables)
        self._steps = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        self._moments = tuple(tuple(tf.Variable(tf.zeros(one.shape, one.dtype), trainable=False) for _ in range(2)) for one in self._variables)

    def apply(self, gradients: Sequence[Any]) -> None:
        """One step: m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², variable ← variable − rate · m̂ / (√v̂ + ε), with m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ)."""
        tf = import_tensorflow()
        steps = self._steps.assign_add(1.0)
        one, two = 1.0 - BETA_1**steps, 1.0 - BETA_2**steps
        for variable, (first, second), gradient in zip(self._variables, self._moments, gradients, strict=True):
            dense = tf.convert_to_tensor(gradient)  # of an embedding, a few rows' gradients
            mean = first.assign(BETA_1 * first + (1 - BETA_1) * dense)
            square = second.assign(BETA_2 * second + (1 - BETA_2) * tf.square(dense))
            unbiased = mean / tf.cast(one, mean.dtype), square / tf.cast(two, square.dtype)
            variable.assign_sub(self._rate * unbiased[0] / (tf.sqrt(unbiased[1]) + EPSILON))
