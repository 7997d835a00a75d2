"""A row's group told by TensorFlow from a model's inputs, as an audit tells it from the data; of nothing but ops that every SavedModel may hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fairaudit.cube.slices import Slice
from fairaudit.mitigations.attributes import BAND_TOKEN, MISSING_TOKEN, OTHER_TOKEN, VALUE_TOKEN, ReadAttribute, keys_of
from fairaudit.mitigations.draws import joined, trimmed
from fairaudit.models.signatures import import_tensorflow

# A number as data write it; whatever else a text is, it is of no band.
_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?"


class Groups:
    """The lookup of a row's group; its tables are resources, so it must hang on the module that is saved."""

    def __init__(self, groups: Sequence[Slice], attributes: Sequence[ReadAttribute], dtypes: Mapping[str, str]) -> None:
        """
        Args:
            attributes: of the groups, in their order.
            dtypes: attribute → dtype of the input that tells it.

        Raises:
            UnfitModel, ContentError: the inputs cannot tell the groups apart.
        """
        self._attributes, self._dtypes = tuple(attributes), dict(dtypes)
        self._groups = _table(keys_of(groups, attributes, dtypes), list(range(len(groups))), len(groups))
        self._kept = {
            one.name: _table(one.tokens(one.kept, dtypes[one.name]), [1] * len(one.kept), 0) for one in attributes if one.kept is not None and one.bands is None
        }

    @property
    def tables(self) -> list[Any]:
        return [one for one in (self._groups, *self._kept.values()) if one is not None]

    def of(self, values: Mapping[str, Any], present: Mapping[str, Any], rows: Any = None) -> Any:
        """The place of each row's group among the groups, and behind them where it is none of them; int64, shape (rows,).

        Args:
            values: attribute → tensor of shape (rows,).
            present: attribute → whether a row has a value at all, where the tensor itself cannot say so.
            rows: how many there are; needed where there are no attributes.
        """
        tf = import_tensorflow()
        if not self._attributes:
            return tf.zeros([rows], tf.int64)
        tokens = [self._token(one, values[one.name], present.get(one.name)) for one in self._attributes]
        if self._groups is None:
            return tf.zeros_like(tf.strings.length(tokens[0]), dtype=tf.int64)
        return self._groups.lookup(joined(tokens))

    def _token(self, read: ReadAttribute, value: Any, present: Any) -> Any:
        tf = import_tensorflow()
        dtype = self._dtypes[read.name]
        own = read.own(dtype)
        plain = trimmed(value) if dtype == "string" else value if own is None else tf.cast(value, own.name)
        absent = plain == "" if dtype == "string" else tf.zeros_like(plain, dtype=tf.bool) if own is None else tf.math.is_nan(plain)
        for one in read.missing_as(dtype):
            absent |= plain == tf.constant(one, plain.dtype)
        if present is not None:
            absent |= ~present
        if read.bands is not None:
            number = _number(plain) if dtype == "string" else tf.cast(plain, tf.float64)
            absent |= ~tf.math.is_finite(number)
            edges = tf.constant(read.edges(dtype), tf.float64)
            said = tf.strings.join([BAND_TOKEN, tf.strings.as_string(tf.searchsorted(edges, number, side="right"))])
        else:
            said = tf.strings.join([VALUE_TOKEN, _said(plain)])
            if read.kept is not None:
                kept = self._kept[read.name]
                is_kept = tf.zeros_like(absent) if kept is None else kept.lookup(said) == 1
                said = tf.where(is_kept, said, OTHER_TOKEN)
        return tf.where(absent, MISSING_TOKEN, said)


def _said(value: Any) -> Any:
    """A value as its token has it: floats by their bits, so that it is exactly the value that it was fitted with."""
    tf = import_tensorflow()
    if value.dtype == tf.string:
        return value
    if value.dtype.is_floating:
        return tf.strings.as_string(tf.bitcast(value, f"int{8 * value.dtype.size}"))
    return tf.strings.as_string(tf.cast(value, tf.int64) if value.dtype == tf.bool else value)


def _number(text: Any) -> Any:
    tf = import_tensorflow()
    return tf.strings.to_number(tf.where(tf.strings.regex_full_match(text, _NUMBER), text, "nan"), tf.float64)


def _table(keys: Sequence[bytes], values: Sequence[int], otherwise: int) -> Any:
    """A table of keys; None of none, which TensorFlow has no table for."""
    tf = import_tensorflow()
    if not keys:
        return None
    return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(tf.constant(keys, tf.string), tf.constant(values, tf.int64)), otherwise)
