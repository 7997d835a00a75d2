"""A row's group inferred by TensorFlow, as `GroupModel` infers it: lookups, gathers and sums, in the same order for every row whatever its batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fairaudit.mitigations.draws import trimmed
from fairaudit.mitigations.inference import FURTHEST, GroupModel, NumberWeights, TextWeights
from fairaudit.models.signatures import import_tensorflow


class InferredGroups:
    """The model of groups as ops; its tables are resources, so it must hang on the module that is saved."""

    def __init__(self, model: GroupModel) -> None:
        tf = import_tensorflow()
        self._model = model
        self._levels = {
            one.name: tf.lookup.StaticHashTable(
                tf.lookup.KeyValueTensorInitializer(tf.constant(one.levels, tf.string), tf.constant(list(range(len(one.levels))), tf.int64)), len(one.levels) + 1
            )
            for one in model.features
            if isinstance(one, TextWeights) and one.levels
        }

    @property
    def tables(self) -> list[Any]:
        return list(self._levels.values())

    def of(self, values: Mapping[str, Any], present: Mapping[str, Any], rows: Any) -> Any:
        """The place of each row's inferred group; int64, shape (rows,).

        Args:
            values: feature → tensor of shape (rows,).
            present: feature → whether a row has a value at all, where the tensor itself cannot say so.
            rows: how many there are.
        """
        tf = import_tensorflow()
        logits = tf.tile(tf.constant(self._model.intercepts[None], tf.float64), [rows, 1])
        for one in self._model.features:
            logits += self._said(one, values[one.name], present.get(one.name))
        return tf.argmax(logits, axis=1, output_type=tf.int64)

    def _said(self, one: TextWeights | NumberWeights, value: Any, present: Any) -> Any:
        tf = import_tensorflow()
        weights = tf.constant(np.vstack([one.weights, np.zeros(one.weights.shape[1])]), tf.float64)
        if isinstance(one, TextWeights):
            plain = trimmed(value)
            absent = plain == ""
            place = self._levels[one.name].lookup(plain) if one.name in self._levels else tf.ones_like(absent, tf.int64)
            return tf.gather(weights, tf.where(_absent(absent, present), tf.constant(len(one.levels), tf.int64), place))
        number = tf.cast(value, tf.float64)
        absent = _absent(~tf.math.is_finite(number), present)
        near = tf.clip_by_value((tf.where(absent, tf.constant(one.mean, tf.float64), number) - one.mean) / one.spread, -FURTHEST, FURTHEST)
        return tf.where(absent[:, None], weights[1], near[:, None] * weights[0])


def _absent(found: Any, present: Any) -> Any:
    return found if present is None else found | ~present
