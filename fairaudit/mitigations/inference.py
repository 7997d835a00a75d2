"""A row's group inferred from what a model is given of it: multinomial logistic regression, small enough to stand inside the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize  # type: ignore[import-untyped]
from scipy.sparse import csr_array, hstack  # type: ignore[import-untyped]

from fairaudit.cube.slices import Slice
from fairaudit.types import Bools, Floats, Ints

PENALTY = 1e-4  # on half the squared weights, beside the mean log loss of a row
FURTHEST = 10.0  # standard deviations from the mean, beyond which a number counts as at
_MOST_LEVELS, _LEAST_ROWS = 100, 10  # of a text's values that are told apart, the most frequent; all others say nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What rows have of one feature."""

    values: npt.NDArray[Any]  # shape (rows,): bytes without spaces around them, or numbers
    absent: Bools  # shape (rows,)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextWeights:
    """What each value of a text says of the group. A value that is not among them says nothing."""

    name: str
    levels: tuple[bytes, ...]
    weights: Floats  # (levels + 1, groups), the last of rows without a value

    def places(self, told: Told) -> Ints:
        """Each row's level; that of absent ones, and behind it that of unknown values, come after all levels."""
        known = {level: place for place, level in enumerate(self.levels)}
        found: Ints = np.array([known.get(bytes(one), len(known) + 1) for one in told.values.tolist()], dtype=np.int64)
        return np.where(told.absent, len(known), found)

    def said(self, told: Told) -> Floats:
        out: Floats = np.vstack([self.weights, np.zeros(self.weights.shape[1])])[self.places(told)]
        return out


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberWeights:
    """What a number says of the group, in standard deviations from its mean, and what its absence says."""

    name: str
    mean: float
    spread: float
    weights: Floats  # (2, groups): of one deviation, and of no value

    def scaled(self, told: Told) -> Floats:
        with np.errstate(invalid="ignore"):
            near = np.clip((np.where(told.absent, self.mean, told.values).astype(np.float64) - self.mean) / self.spread, -FURTHEST, FURTHEST)
        return np.asarray(near)

    def said(self, told: Told) -> Floats:
        out: Floats = np.where(told.absent[:, None], self.weights[1], self.scaled(told)[:, None] * self.weights[0])
        return out


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupModel:
    """The group of a row is the one under which most is said for it, each group having been as frequent as any other."""

    groups: tuple[Slice, ...]
    intercepts: Floats  # (groups,)
    features: tuple[TextWeights | NumberWeights, ...]

    def logits(self, told: Mapping[str, Told]) -> Floats:
        """Shape (rows, groups), added up in the order of the features, as the exported model does."""
        rows = len(next(iter(told.values())).absent)
        out: Floats = np.tile(self.intercepts, (rows, 1))
        for one in self.features:
            out = out + one.said(told[one.name])
        return out

    def places(self, told: Mapping[str, Told]) -> tuple[Ints, Floats]:
        """Each row's group, as its place, and by how much its logit is ahead of the next; each of shape (rows,)."""
        logits = self.logits(told)
        first, second = np.sort(logits, axis=1)[:, ::-1][:, :2].T
        return np.argmax(logits, axis=1).astype(np.int64), first - second


def fit_groups(told: Mapping[str, Told], group: Ints, weight: Floats, groups: Sequence[Slice]) -> GroupModel:
    """The logistic regression of the group on one-hot texts and standardized numbers, with a small quadratic penalty; groups weigh the same whatever their size.

    Args:
        group: the place of each row's group, which each have some row.
        weight: of each row.

    Source: Hastie, Tibshirani & Friedman (2009), The Elements of Statistical Learning, section 4.4; solved by L-BFGS.
    """
    empty = [_unweighted(name, one, len(groups)) for name, one in told.items()]
    design = hstack([csr_array(np.ones((group.size, 1))), *(_columns(one, told[one.name]) for one in empty)]).tocsr()
    of_group = np.bincount(group, weight, len(groups))
    balanced = weight / of_group[group] / len(groups)
    known = np.eye(len(groups))[group]
    penalized = np.full((design.shape[1], 1), PENALTY)
    penalized[0] = 0.0

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(design.shape[1], len(groups))
        logits = design @ weights
        logits -= logits.max(axis=1, keepdims=True)
        normal = np.log(np.exp(logits).sum(axis=1, keepdims=True))
        value = float((balanced[:, None] * known * (normal - logits)).sum() + (penalized * weights**2).sum() / 2)
        slope = design.T @ (balanced[:, None] * (np.exp(logits - normal) - known)) + penalized * weights
        return value, slope.ravel()

    found = minimize(loss, np.zeros(design.shape[1] * len(groups)), jac=True, method="L-BFGS-B", options={"maxiter": 500, "gtol": 1e-7, "ftol": 1e-12})
    weights = found.x.reshape(design.shape[1], len(groups))
    ends = np.cumsum([1, *(one.weights.shape[0] for one in empty)])
    made = [_with_weights(one, weights[start:stop]) for one, start, stop in zip(empty, ends[:-1], ends[1:], strict=True)]
    return GroupModel(groups=tuple(groups), intercepts=weights[0].copy(), features=tuple(made))


def _unweighted(name: str, told: Told, groups: int) -> TextWeights | NumberWeights:
    """What is told apart of a feature, without weights."""
    present = told.values[~told.absent]
    if told.values.dtype.kind in "OS":
        levels, rows = np.unique(np.array([bytes(one) for one in present.tolist()], dtype=object), return_counts=True)
        frequent = sorted(np.argsort(-rows, kind="stable")[:_MOST_LEVELS].tolist())
        kept = tuple(bytes(levels[place]) for place in frequent if rows[place] >= _LEAST_ROWS)
        return TextWeights(name=name, levels=kept, weights=np.zeros((len(kept) + 1, groups)))
    numbers = present.astype(np.float64)
    mean = float(numbers.mean()) if numbers.size else 0.0
    spread = float(numbers.std()) if numbers.size else 0.0
    usable = np.isfinite(mean) and np.isfinite(spread) and spread > 0
    return NumberWeights(name=name, mean=mean if usable else 0.0, spread=spread if usable else 1.0, weights=np.zeros((2, groups)))


def _columns(one: TextWeights | NumberWeights, told: Told) -> Any:
    """A feature's columns of the design, one for each of its weights."""
    rows = np.arange(told.absent.size)
    if isinstance(one, TextWeights):
        place = one.places(told)
        kept = place <= len(one.levels)
        return csr_array((np.ones(int(kept.sum())), (rows[kept], place[kept])), shape=(rows.size, len(one.levels) + 1))
    return csr_array(np.stack([np.where(told.absent, 0.0, one.scaled(told)), told.absent.astype(np.float64)], axis=1))


def _with_weights(one: TextWeights | NumberWeights, weights: Floats) -> TextWeights | NumberWeights:
    if isinstance(one, TextWeights):
        return TextWeights(name=one.name, levels=one.levels, weights=weights.copy())
    return NumberWeights(name=one.name, mean=one.mean, spread=one.spread, weights=weights.copy())
