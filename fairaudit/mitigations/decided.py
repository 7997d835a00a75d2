"""A policy as TensorFlow decides by it: the same decisions as `Treatment.chance` has, in the type of the model's scores."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

import numpy as np
from msgspec.structs import replace

from fairaudit.mitigations.draws import ordered
from fairaudit.mitigations.policy import OfGroup, Policy, Treatment
from fairaudit.models.signatures import import_tensorflow


def in_type(policy: Policy, score_type: str) -> Policy:
    """The policy with cuts and constants that are numbers of the scores' type, and the same decision on every score of that type.

    A score is above a cut exactly where it is above the largest number of its type that the cut does not fall short of. An audit that is given such a cut as
    a threshold rounds it to itself.
    """
    return replace(
        policy,
        groups=tuple(OfGroup(group=one.group, treatment=_in_type(one.treatment, np.dtype(score_type))) for one in policy.groups),
        fallback=_in_type(policy.fallback, np.dtype(score_type)),
    )


def decided(policy: Policy, score: Any, group: Any, draws: Any, replacing: Any) -> tuple[Any, Any]:
    """The scores after whatever replaces them, and the decisions (int64, 0 or 1); each of shape (rows,).

    A score that is NaN is above no cut.

    Args:
        policy: with cuts in the scores' type.
        group: the place of each row's group among the policy's, and behind them for the fallback.
        draws, replacing: even over [0, 1), of shape (rows,); None where nothing is drawn.
    """
    tf = import_tensorflow()
    treatments = (*(one.treatment for one in policy.groups), policy.fallback)
    most = max(len(one.cuts) for one in treatments)
    # No score is above infinity, so that what fills a shorter list of cuts is below none.
    cuts = np.array([(*one.cuts, *[np.inf] * (most - len(one.cuts))) for one in treatments]).reshape(len(treatments), most)
    chances = np.array([(*one.chances, *[0.0] * (most + 1 - len(one.chances))) for one in treatments])
    band = tf.reduce_sum(tf.cast(ordered(score)[:, None] > tf.gather(ordered(tf.constant(cuts, score.dtype)), group), tf.int64), axis=1)
    chance = tf.gather(tf.constant(chances.ravel(), tf.float64), group * (most + 1) + band)
    if replacing is not None:
        shares, constants = ([getattr(one, name) or 0.0 for one in treatments] for name in ("replaced", "constant"))
        of_constant = [0.0 if one.constant is None else one.chances[bisect_left(one.cuts, one.constant)] for one in treatments]
        is_replaced = replacing < tf.gather(tf.constant(shares, tf.float64), group)
        score = tf.where(is_replaced, tf.gather(tf.constant(constants, score.dtype), group), score)
        chance = tf.where(is_replaced, tf.gather(tf.constant(of_constant, tf.float64), group), chance)
    return score, tf.cast((0.5 if draws is None else draws) < chance, tf.int64)


def _in_type(treatment: Treatment, dtype: np.dtype[Any]) -> Treatment:
    if not treatment.cuts and treatment.constant is None:
        return treatment
    cuts = [_floor(one, dtype) for one in treatment.cuts]
    # Two cuts between the same numbers are one, and a cut below all of them is none: nothing lies between.
    kept = [place for place, cut in enumerate(cuts) if np.isfinite(cut) and cuts[place + 1 : place + 2] != [cut]]
    below = sum(not np.isfinite(cut) for cut in cuts)
    chances = (treatment.chances[below], *(treatment.chances[place + 1] for place in kept))
    constant = treatment.constant
    if constant is not None:
        near = dtype.type(constant)
        wanted = treatment.chances[bisect_left(treatment.cuts, constant)]
        near_ones = (near, np.nextafter(near, dtype.type(-np.inf)), np.nextafter(near, dtype.type(np.inf)))
        constant = float(next((one for one in near_ones if chances[bisect_left([cuts[at] for at in kept], float(one))] == wanted), near))
    return replace(treatment, cuts=tuple(cuts[place] for place in kept), chances=chances, constant=constant)


def _floor(cut: float, dtype: np.dtype[Any]) -> float:
    """The largest number of the type that is not above the cut."""
    with np.errstate(over="ignore"):
        near = dtype.type(cut)
    return float(near if float(near) <= cut else np.nextafter(near, dtype.type(-np.inf)))
