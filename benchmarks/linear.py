"""A logistic regression as a SavedModel that takes raw columns: the model of data that bring none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fairaudit.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How columns become features."""

    scales: Mapping[str, float]  # of each number, by which it is divided
    words: Mapping[str, tuple[str, ...]]  # of each text, those that have a feature of their own
    logs: frozenset[str] = frozenset()  # numbers of which log(1 + x) is taken first

    def features(self, rows: pd.DataFrame) -> Floats:
        """Shape (rows, features)."""
        return np.stack(list(self._of(rows)), axis=1)

    def without(self, name: str) -> Encoding:
        """Without the features of a column."""
        return replace(self, scales={one: scale for one, scale in self.scales.items() if one != name}, words={one: words for one, words in self.words.items() if one != name})

    def _of(self, rows: pd.DataFrame) -> Iterator[Floats]:
        for name, scale in self.scales.items():
            number = rows[name].to_numpy(dtype=np.float64)
            yield (np.log1p(number) if name in self.logs else number) / scale
        for name, words in self.words.items():
            for word in words:
                yield (rows[name] == word).to_numpy(dtype=np.float64)


def encoding_of(rows: pd.DataFrame, *, scales: Mapping[str, float], texts: tuple[str, ...], logs: frozenset[str] = frozenset()) -> Encoding:
    """A feature for every word that these rows have."""
    return Encoding(scales=scales, words={name: tuple(sorted(set(rows[name]))) for name in texts}, logs=logs)


def train(encoding: Encoding, rows: pd.DataFrame, label: Any, folder: Path) -> None:
    """Fit a logistic regression to rows, and write it as a SavedModel."""
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

    made = LogisticRegression(max_iter=1_000).fit(encoding.features(rows), label)
    save(encoding, made.coef_[0], float(made.intercept_[0]), folder)


def save(encoding: Encoding, weights: Floats, intercept: float, folder: Path) -> None:
    import tensorflow as tf  # type: ignore[import-untyped]

    module = tf.Module()
    module.weights = tf.Variable(weights, dtype=tf.float32)  # to be trained on, as a model from Keras could be
    module.intercept = tf.Variable(intercept, dtype=tf.float32)

    def answer(**rows: Any) -> dict[str, Any]:
        numbers = {name: tf.cast(rows[name], tf.float32) for name in encoding.scales}
        of_numbers = [(tf.math.log1p(number) if name in encoding.logs else number) / encoding.scales[name] for name, number in numbers.items()]
        of_words = [tf.cast(rows[name] == word, tf.float32) for name, words in encoding.words.items() for word in words]
        return {"score": tf.sigmoid(tf.linalg.matvec(tf.stack([*of_numbers, *of_words], axis=1), module.weights) + module.intercept)}

    specs = {name: tf.TensorSpec([None], tf.int64 if name in encoding.scales else tf.string, name=name) for name in (*encoding.scales, *encoding.words)}
    tf.saved_model.save(module, str(folder), signatures={"serving_default": tf.function(answer).get_concrete_function(**specs)})
