"""Rows with few distinct scores: as the cells that methods are fitted on, and as AIF360 takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from fairaudit.cube.slices import Slice
from fairaudit.metrics.engines.quiet import quietly
from fairaudit.mitigations.cells import Cells
from fairaudit.types import Floats, Ints

with quietly():
    from aif360.datasets import BinaryLabelDataset  # type: ignore[import-untyped]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """One entry a row; the last group is AIF360's privileged one."""

    group: Ints
    label: Ints
    score: Floats
    weight: Floats

    def cells(self) -> Cells:
        """A cell for each distinct score."""
        scores, column = np.unique(self.score, return_inverse=True)
        groups = int(self.group.max()) + 1

        def summed(values: Floats, label: int) -> Floats:
            out = np.zeros((groups, scores.size))
            np.add.at(out, (self.group[self.label == label], column[self.label == label]), values[self.label == label])
            return out

        return Cells(
            groups=tuple(Slice([("g", str(place))]) for place in range(groups)), positive=summed(self.weight, 1), negative=summed(self.weight, 0),
            positive_score=summed(self.weight * self.score, 1), negative_score=summed(self.weight * self.score, 0),
            rows=np.stack([summed(np.ones(self.label.size), label).sum(axis=1) for label in (0, 1)], axis=1).astype(np.int64), lowest=scores, highest=scores,
        )  # fmt: skip

    def datasets(self, threshold: float) -> tuple[Any, Any]:
        """The labels, and the decisions with their scores."""
        frame = pd.DataFrame({"g": self.group, "y": self.label, "w": self.weight}).astype(float)
        with quietly():
            true = BinaryLabelDataset(df=frame, label_names=["y"], protected_attribute_names=["g"], instance_weights_name="w", favorable_label=1.0, unfavorable_label=0.0)
        said = true.copy(deepcopy=True)
        said.scores = self.score.reshape(-1, 1).copy()
        said.labels = (said.scores > threshold).astype(float)
        return true, said

    @property
    def roles(self) -> dict[str, list[dict[str, int]]]:
        """AIF360's unprivileged and privileged groups."""
        return {"unprivileged_groups": [{"g": place} for place in range(int(self.group.max()))], "privileged_groups": [{"g": int(self.group.max())}]}

    @property
    def repeated(self) -> Rows:
        """Each row as often as its weight says."""
        times = self.weight.astype(np.int64)
        return Rows(group=np.repeat(self.group, times), label=np.repeat(self.label, times), score=np.repeat(self.score, times), weight=np.ones(int(times.sum())))


def rows_of(positive: list[list[float]], negative: list[list[float]], scores: list[float]) -> Rows:
    """Weights by group and score, as one row each."""
    entries = [
        (group, label, score, weight)
        for label, table in ((0, negative), (1, positive))
        for group, weights in enumerate(table)
        for score, weight in zip(scores, weights, strict=True)
        if weight
    ]
    group, label, score, weight = zip(*entries, strict=True)
    return Rows(group=np.array(group), label=np.array(label), score=np.array(score, dtype=float), weight=np.array(weight, dtype=float))


@st.composite
def tables(draw: st.DrawFn, *, least: int = 2, most: int = 2, weights: st.SearchStrategy[float] | None = None) -> Rows:
    """Groups with rows of both labels each, and up to five distinct scores."""
    groups = draw(st.integers(least, most))
    scores = sorted(draw(st.lists(st.integers(1, 39).map(lambda one: one / 40), min_size=2, max_size=5, unique=True)))
    weight = st.integers(0, 8).map(float) if weights is None else st.just(0.0) | weights
    one = st.lists(weight, min_size=len(scores), max_size=len(scores)).filter(any)
    table = st.lists(one, min_size=groups, max_size=groups)
    return rows_of(draw(table), draw(table), scores)
