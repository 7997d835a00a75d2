"""Draws and decisions as TensorFlow makes them, against SipHash written anew and `Treatment.chance`."""

from __future__ import annotations

import hashlib
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairaudit.cube.slices import Slice
from fairaudit.mitigations.policy import Treatment, policy_of, threshold_at

tf = pytest.importorskip("tensorflow")

from fairaudit.mitigations.decided import decided, in_type  # noqa: E402
from fairaudit.mitigations.draws import canonical, joined, uniform  # noqa: E402

MASK = 2**64 - 1
FLOATS = {"float16": np.float16, "float32": np.float32, "float64": np.float64}


def siphash(message: bytes, key: bytes) -> int:
    """SipHash-2-4 as its paper has it (Aumasson and Bernstein 2012)."""
    low, high = struct.unpack("<QQ", key)
    v = [low ^ 0x736F6D6570736575, high ^ 0x646F72616E646F6D, low ^ 0x6C7967656E657261, high ^ 0x7465646279746573]

    def turned(one: int, by: int) -> int:
        return ((one << by) | (one >> (64 - by))) & MASK

    def rounds(number: int) -> None:
        for _ in range(number):
            v[0], v[2] = (v[0] + v[1]) & MASK, (v[2] + v[3]) & MASK
            v[1], v[3] = turned(v[1], 13) ^ v[0], turned(v[3], 16) ^ v[2]
            v[0] = turned(v[0], 32)
            v[2], v[0] = (v[2] + v[1]) & MASK, (v[0] + v[3]) & MASK
            v[1], v[3] = turned(v[1], 17) ^ v[2], turned(v[3], 21) ^ v[0]
            v[2] = turned(v[2], 32)

    padded = message + bytes(7 - len(message) % 8) + bytes([len(message) % 256])
    for (word,) in struct.iter_unpack("<Q", padded):
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def test_a_draw_is_siphash_of_the_text_by_the_key_and_the_purpose() -> None:
    assert siphash(bytes(range(15)), bytes(range(16))) == 0xA129CA6149BE45E5  # the paper's own example, appendix A
    for purpose in ("decision", "replaced"):
        for text in (b"", b"6:Female2:30", bytes(range(256))):
            key = hashlib.sha256(purpose.encode() + b"\0" + b"a key").digest()[:16]
            found = uniform(tf.constant([text]), key=b"a key", purpose=purpose).numpy()
            assert found.tolist() == [siphash(text, key) % 2**53 / 2**53]


def test_draws_are_even_and_those_of_two_purposes_independent() -> None:
    texts = tf.constant([str(one) for one in range(100_000)])
    one, other = (uniform(texts, key=b"k", purpose=purpose).numpy() for purpose in ("decision", "replaced"))
    cells = np.histogram2d(one, other, bins=10, range=[[0, 1], [0, 1]])[0]
    # χ² of 99 degrees of freedom: its 0.9999 quantile.
    assert ((cells - 1000) ** 2 / 1000).sum() < 158.2
    assert not (uniform(texts, key=b"l", purpose="decision").numpy() == one).any()


def test_numbers_that_are_alike_are_one_text_and_others_are_not() -> None:
    for name, kind in FLOATS.items():
        tiny = np.finfo(kind).smallest_subnormal
        values = np.array([0.0, -0.0, np.nan, -np.nan, np.inf, -np.inf, 1, np.nextafter(kind(1), kind(2)), tiny, -tiny], kind)
        texts = canonical(tf.constant(values)).numpy().tolist()
        assert texts[0] == texts[1] and texts[2] == texts[3] and len(set(texts)) == 8, name
    assert canonical(tf.constant([" a b\t", "a b"])).numpy().tolist() == [b"a b", b"a b"]
    assert canonical(tf.constant([[True], [False]])).numpy().tolist() == [[b"1"], [b"0"]]
    for kind in ("int8", "uint64", "int64"):
        assert len(set(canonical(tf.constant([0, 1, 100], kind)).numpy().tolist())) == 3
    assert canonical(tf.constant([2**64 - 1], tf.uint64)).numpy() == [b"18446744073709551615"]


ROW = st.lists(st.binary(max_size=4) | st.text("0123:", max_size=5).map(str.encode), min_size=3, max_size=3)


@given(st.lists(ROW, min_size=2, max_size=20))
def test_rows_are_joined_alike_only_where_all_their_texts_are(rows: list[list[bytes]]) -> None:
    found = joined([tf.constant([row[at] for row in rows]) for at in range(3)]).numpy().tolist()
    assert [found.index(one) for one in found] == [rows.index(row) for row in rows]


@given(st.lists(st.lists(st.lists(st.text("0:1", max_size=3).map(str.encode), max_size=3), min_size=2, max_size=2), min_size=1, max_size=10))
def test_rows_of_several_values_are_joined_alike_only_where_all_are(rows: list[list[list[bytes]]]) -> None:
    found = joined([tf.RaggedTensor.from_row_splits(tf.constant([one for row in rows for one in row[at]], tf.string), np.cumsum([0, *(len(row[at]) for row in rows)])) for at in range(2)])
    texts = found.numpy().tolist()
    assert [texts.index(one) for one in texts] == [rows.index(row) for row in rows]


CUTS = st.lists(st.floats(-1, 2) | st.sampled_from([0.3, 0.1, 0.5, 1e-40, 65504.0, 1e300, -1e300, 0.3 + 2**-54]), max_size=4, unique=True)


@st.composite
def treatments(draw: st.DrawFn) -> Treatment:
    cuts = tuple(sorted(draw(CUTS)))
    chances = tuple(draw(st.sampled_from([0.0, 0.25, 0.5, 1.0])) for _ in range(len(cuts) + 1))
    return Treatment(cuts=cuts, chances=chances)


@given(st.lists(treatments(), min_size=1, max_size=4), st.sampled_from(sorted(FLOATS)), st.data())
def test_a_score_is_decided_by_the_chance_that_its_treatment_gives_it(every: list[Treatment], name: str, data: st.DataObject) -> None:
    kind = FLOATS[name]
    near = [one for treatment in every for cut in treatment.cuts if abs(cut) < 6e4 for mid in [kind(cut)] for one in (mid, np.nextafter(mid, kind(-np.inf)), np.nextafter(mid, kind(np.inf)))]
    scores = np.array([*near, 0, 1, 0.5], kind)
    group = np.array(data.draw(st.lists(st.integers(0, len(every) - 1), min_size=len(scores), max_size=len(scores))))
    draws = np.array(data.draw(st.lists(st.sampled_from([0.0, 0.2, 0.25, 0.4999, 0.5, 0.99]), min_size=len(scores), max_size=len(scores))))
    policy = policy_of("t", ("g",), {Slice([("g", str(at))]): one for at, one in enumerate(every[:-1])}, every[-1])
    exact = in_type(policy, name)
    got, decision = decided(exact, tf.constant(scores), tf.constant(group), tf.constant(draws, tf.float64), None)
    chance = np.array([every[at].chance(np.float64(score)) for at, score in zip(group, scores, strict=True)])
    assert (got.numpy() == scores).all() and decision.numpy().tolist() == (draws < chance).astype(int).tolist()
    for one in (*(each.treatment for each in exact.groups), exact.fallback):
        assert [float(kind(cut)) for cut in one.cuts] == list(one.cuts)  # so that an audit, which rounds thresholds, rounds them to themselves


def test_what_is_replaced_is_scored_and_decided_as_the_constant() -> None:
    treatment = Treatment(cuts=(0.2, 0.6), chances=(0.0, 0.5, 1.0), replaced=0.5, constant=0.3)
    policy = in_type(policy_of("t", ("g",), {}, treatment), "float32")
    scores = tf.constant([0.1, 0.9, 0.1, 0.9, 0.1, 0.1])
    draws, replacing = tf.constant([0.4, 0.4, 0.6, 0.6, 0.4, 0.4], tf.float64), tf.constant([0.0, 0.0, 0.4999, 0.4999, 0.5, 0.9], tf.float64)
    found, decision = decided(policy, scores, tf.zeros(6, tf.int64), draws, replacing)
    assert found.numpy().tolist() == [np.float32(one) for one in (0.3, 0.3, 0.3, 0.3, 0.1, 0.1)] and found.dtype == tf.float32
    assert decision.numpy().tolist() == [1, 1, 0, 0, 0, 0]


def test_nan_is_above_no_cut_and_nothing_is_drawn_where_no_chance_asks_for_it() -> None:
    policy = in_type(policy_of("t", ("g",), {Slice([("g", "f")]): threshold_at(-np.inf)}, threshold_at(0.5)), "float32")
    _, decision = decided(policy, tf.constant([np.nan, 0.4, 0.6, np.nan]), tf.constant([1, 1, 1, 0], tf.int64), None, None)
    assert decision.numpy().tolist() == [0, 0, 1, 1]
