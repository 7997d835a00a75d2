"""A group inferred from other features: as scikit-learn fits it, as TensorFlow answers it, and the best chances by it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fairaudit.cube.slices import Slice
from fairaudit.mitigations.cells import Cells
from fairaudit.mitigations.inference import PENALTY, GroupModel, NumberWeights, TextWeights, Told, fit_groups
from fairaudit.mitigations.inferring import by_inferred
from fairaudit.mitigations.mixtures import solve_drawn, solve_inferred
from fairaudit.mitigations.objective import objective_of
from fairaudit.mitigations.solved import Unreachable
from tests.mitigations.test_mixtures import LINEAR, asked, best_by_cells, chances, constraints, fully_defined
from tests.mitigations.test_thresholds import table

GROUPS = tuple(Slice([("g", name)]) for name in "abc")


def people(rows: int = 3_000, seed: int = 0) -> tuple[dict[str, Told], Any]:
    """A number and a text that tell of three groups of unlike sizes, some of each missing, and a number that tells nothing."""
    rng = np.random.default_rng(seed)
    group = rng.choice(3, rows, p=[0.6, 0.3, 0.1])
    height = rng.normal(170 + 6.0 * group, 7)
    job = np.array([[b"nurse", b"smith", b"cook", b"rare"][place] for place in np.minimum(rng.poisson(0.4 + group), 3)], dtype=object)
    told = {
        "height": Told(values=np.where(rng.random(rows) < 0.1, np.nan, height), absent=np.zeros(rows, dtype=bool)),
        "job": Told(values=np.where(rng.random(rows) < 0.2, b"", job), absent=np.zeros(rows, dtype=bool)),
        "noise": Told(values=rng.integers(0, 5, rows).astype(float), absent=np.zeros(rows, dtype=bool)),
    }
    return {name: Told(values=one.values, absent=np.array([value in (b"",) or value != value for value in one.values])) for name, one in told.items()}, group


def test_it_is_the_logistic_regression_that_scikit_learn_fits() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    told, group = people()
    weight = np.random.default_rng(1).uniform(0.5, 2, group.size)
    made = fit_groups(told, group, weight, GROUPS)

    height, present = told["height"].values, ~told["height"].absent
    scaled = np.where(present, (height - height[present].mean()) / height[present].std(), 0.0)
    noise = told["noise"].values
    texts = [(told["job"].values == level).astype(float) for level in (b"nurse", b"smith", b"cook", b"rare", b"")]
    design = np.column_stack([scaled, ~present, *texts, (noise - noise.mean()) / noise.std(), np.zeros(group.size)])
    balanced = weight / np.bincount(group, weight)[group] / 3
    theirs = linear_model.LogisticRegression(C=1 / PENALTY, tol=1e-10, max_iter=5_000).fit(design, group, sample_weight=balanced)
    logits = made.logits(told)
    ours = np.exp(logits - logits.max(axis=1, keepdims=True))
    ours /= ours.sum(axis=1, keepdims=True)
    assert np.abs(ours - theirs.predict_proba(design)).max() < 2e-3
    place, ahead = made.places(told)
    assert (place == theirs.predict(design))[ahead > 0.02].all() and (ahead > 0.02).mean() > 0.97
    assert (place == group).mean() > 0.5


def test_what_says_nothing_is_taken_for_the_same_and_what_is_unknown_says_nothing() -> None:
    told, group = people(400)
    made = fit_groups({"noise": Told(values=np.full(400, 3.0), absent=np.zeros(400, dtype=bool))}, group, np.ones(400), GROUPS)
    assert np.ptp(made.logits({"noise": Told(values=np.array([-1e300, 3.0]), absent=np.zeros(2, dtype=bool))}), axis=0).max() < 20
    made = fit_groups({"job": told["job"]}, group, np.ones(400), GROUPS)
    unseen = Told(values=np.array([b"astronaut"], dtype=object), absent=np.array([False]))
    assert np.allclose(made.logits({"job": unseen}), made.intercepts)


MODEL = GroupModel(
    groups=GROUPS, intercepts=np.array([0.1, -0.2, 0.05]),
    features=(
        NumberWeights(name="height", mean=170.0, spread=7.0, weights=np.array([[0.5, -0.25, -0.3], [0.3, 0.1, 0.0]])),
        TextWeights(name="job", levels=(b"nurse", b"smith"), weights=np.array([[1.0, 0.0, -1.0], [-0.5, 0.75, 0.1], [0.0, 0.2, 0.3]])),
        TextWeights(name="none", levels=(), weights=np.array([[0.0, 0.4, 0.0]])),
    ),
)  # fmt: skip


def test_tensorflow_infers_what_numpy_does_whatever_the_batch() -> None:
    tf = pytest.importorskip("tensorflow")
    from fairaudit.mitigations.inferred_groups import InferredGroups

    rng = np.random.default_rng(2)
    rows = 4_001
    height = np.where(rng.random(rows) < 0.1, np.nan, rng.normal(170, 20, rows)).astype(np.float32)
    height[:3] = [np.inf, -np.inf, 1e38]
    jobs = rng.choice(np.array([b"nurse", b" smith\t", b"cook", b"", b"  "], dtype=object), rows)
    none = rng.choice(np.array([b"x", b""], dtype=object), rows)
    stripped = np.array([one.strip(b" \t\r\n") for one in jobs], dtype=object)
    told = {
        "height": Told(values=height.astype(float), absent=~np.isfinite(height)), "job": Told(values=stripped, absent=stripped == b""), "none": Told(values=none, absent=none == b""),
    }  # fmt: skip
    groups = InferredGroups(MODEL)
    tensors = {"height": tf.constant(height), "job": tf.constant(jobs.tolist()), "none": tf.constant(none.tolist())}
    found = groups.of(tensors, {}, rows).numpy()
    assert (found == MODEL.places(told)[0]).all() and set(found) == {0, 1, 2}
    for size in (1, 7, 1_000):
        for _ in range(3):
            at = rng.choice(rows, size)
            assert (groups.of({name: tf.gather(one, at) for name, one in tensors.items()}, {}, size).numpy() == found[at]).all()
    assert groups.of({name: one[:0] for name, one in tensors.items()}, {}, 0).shape == (0,)
    absent = {name: tf.zeros([rows], tf.bool) for name in tensors}
    assert (groups.of(tensors, absent, rows).numpy() == np.argmax(MODEL.intercepts + MODEL.features[0].weights[1] + MODEL.features[1].weights[2] + MODEL.features[2].weights[0])).all()


@st.composite
def crossed(draw: st.DrawFn) -> tuple[Cells, tuple[Cells, ...]]:
    """Groups, and those who are taken for each."""
    groups, width = draw(st.integers(2, 3)), draw(st.integers(1, 3))
    rows = st.lists(st.lists(st.integers(0, 4), min_size=width, max_size=width), min_size=groups, max_size=groups)
    told = tuple(table(draw(rows), draw(rows)) for _ in range(groups))
    whole = table(sum(one.positive for one in told).tolist(), sum(one.negative for one in told).tolist())
    return whole, told


@given(cells=crossed(), name=st.sampled_from(sorted(LINEAR)))
def test_no_chances_by_the_inferred_group_are_better_and_meet_the_rule_for_the_groups_as_they_are(cells: tuple[Cells, tuple[Cells, ...]], name: str) -> None:
    whole, told = cells
    assume(fully_defined(whole))
    rule = LINEAR[name]
    best = best_by_cells(whole, [rule], "accuracy", is_common=False, told=told)
    try:
        solved = solve_inferred(whole, told, constraints(whole, [rule]), objective_of("accuracy"), threshold=0.5)
    except Unreachable:
        assert best is None or name in ("precise", "four-fifths", "largest", "majority")
        return
    assert best is not None
    chance = chances(whole, solved)
    counts = tuple(sum((getattr(one, label) * own).sum(axis=1) for one, own in zip(told, chance, strict=True)) for label in ("positive", "negative"))
    assert all(one(*counts) <= 1e-8 for one in asked(rule, whole)) and (np.diff(chance, axis=1) >= 0).all()
    assert solved.objective <= best + 1e-8 and best <= solved.objective + solved.gap + 1e-8
    try:
        common = solve_drawn(whole, constraints(whole, [rule]), objective_of("accuracy"), threshold=0.5, is_common=True)
    except Unreachable:
        return
    assert solved.objective + solved.gap >= common.objective - 1e-9


def test_cells_are_those_of_the_groups_and_of_whom_they_are_taken_for() -> None:
    flat = table([[1, 0], [2, 0], [0, 3]], [[0, 1], [0, 0], [4, 0]])
    names = [("a", "0"), ("a", "1"), ("b", "1")]
    made = by_inferred(replace(flat, groups=tuple(Slice([("g", group), ("i", told)]) for group, told in names)), "i", GROUPS[:2])
    assert made.groups == GROUPS[:2] and made.positive.tolist() == [[3, 0], [0, 3]] and made.negative.tolist() == [[0, 1], [4, 0]] and made.rows.tolist() == [[1, 3], [4, 3]]
    assert [one.positive.tolist() for one in made.told] == [[[1, 0], [0, 0]], [[2, 0], [0, 3]]] and [one.negative.tolist() for one in made.told] == [[[0, 1], [0, 0]], [[0, 0], [4, 0]]]
