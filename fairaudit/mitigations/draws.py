"""Draws that follow from what a row is: a keyed hash of its inputs, so that the same row is always drawn alike, whatever else is in its batch."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from typing import Any

from fairaudit.models.signatures import import_tensorflow

_BUCKETS = 2**53  # as many as a double tells apart in [0, 1)
_SPACES = r"\A[ \t\r\n]+|[ \t\r\n]+\z"
# Of each float type: the whole numbers of its size, and infinity's bits, above which all that is no number lies.
_BITS = {"float16": ("int16", 0x7C00), "float32": ("int32", 0x7F800000), "float64": ("int64", 0x7FF0000000000000)}


def trimmed(texts: Any) -> Any:
    """Texts without the spaces around them, as an audit trims them."""
    return import_tensorflow().strings.regex_replace(texts, _SPACES, "")


def canonical(values: Any) -> Any:
    """Values as texts, of the same shape, that are alike exactly where the values are: -0.0 is 0.0, any NaN is NaN, and spaces around a text are nothing.

    Floats are told by their bits, so that neither rounding nor what a processor does with the smallest of them can matter.
    """
    tf = import_tensorflow()
    if values.dtype == tf.string:
        return trimmed(values)
    if values.dtype == tf.bool:
        return tf.strings.as_string(tf.cast(values, tf.int64))
    if not values.dtype.is_floating:
        return tf.strings.as_string(values)
    bits, size, infinite = _bits_of(values)
    plain = tf.where(size == 0, tf.zeros_like(bits), tf.where(size > infinite, tf.ones_like(bits) * bits.dtype.max, bits))
    return tf.strings.as_string(tf.cast(plain, tf.int64))


def ordered(values: Any) -> Any:
    """Floats as whole numbers of the same order, NaN below all: TensorFlow takes the smallest floats for 0 where it compares them as such, and an audit does not."""
    tf = import_tensorflow()
    bits, size, infinite = _bits_of(values)
    return tf.where(size > infinite, tf.ones_like(bits) * bits.dtype.min, tf.where(bits < 0, -size, size))


def _bits_of(values: Any) -> tuple[Any, Any, Any]:
    """Floats' bits as whole numbers, the same without the sign, and the largest of these that is no NaN."""
    tf = import_tensorflow()
    kind, infinite = _BITS[values.dtype.name]
    bits = tf.bitcast(values, kind)
    return bits, tf.bitwise.bitwise_and(bits, tf.constant(bits.dtype.max, bits.dtype)), tf.constant(infinite, bits.dtype)


def joined(texts: Sequence[Any]) -> Any:
    """Texts as one, shape (rows,); each with its length before it, so that no two rows are joined to the same one unless all their texts are the same.

    Args:
        texts: each of shape (rows,), or (rows, number of values), dense or ragged.
    """
    tf = import_tensorflow()
    parts = [_measured(text) if text.shape.rank == 1 else _measured(tf.strings.reduce_join(_measured(text), axis=1)) for text in texts]
    return tf.strings.join(parts)


def uniform(texts: Any, *, key: bytes, purpose: str) -> Any:
    """A number for each text, even over [0, 1): the same for the same text, key and purpose, and of another purpose independent of it (SipHash-2-4; Aumasson and Bernstein 2012)."""
    tf = import_tensorflow()
    words = struct.unpack("<qq", hashlib.sha256(purpose.encode() + b"\0" + key).digest()[:16])
    return tf.cast(tf.strings.to_hash_bucket_strong(texts, _BUCKETS, key=list(words)), tf.float64) / _BUCKETS


def _measured(text: Any) -> Any:
    tf = import_tensorflow()
    if isinstance(text, tf.RaggedTensor):
        return text.with_flat_values(_measured(text.flat_values))
    return tf.strings.join([tf.strings.as_string(tf.strings.length(text)), text], separator=":")
