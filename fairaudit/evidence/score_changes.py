"""By how much a number of scores changed on the same rows, with its interval: every row's share in the change is known, and their spread is the change's.

A number T of scores follows from the weights of the rows; a row's influence is by how much T rises for each unit of its weight (Hampel 1974, JASA 69:383). The influence of a row on the change is that on T now
less that on T before, so what both have in common falls out. For the AUC this is the paired test of DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44:837; for a mean it is Student's interval of the differences.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtrit  # type: ignore[import-untyped]

from fairaudit.cube.counts import NEGATIVE, POSITIVE, UNLABELLED
from fairaudit.cube.score_pairs import Pairs, ScorePairs
from fairaudit.evidence.rates import LEVEL
from fairaudit.metrics.catalogue import CATALOGUE
from fairaudit.types import Bools, Floats, Ints

_CHANGED = 10.0  # effective rows whose score must be another, from which the change has an interval
_ALIKE = 1e-6  # of a score: by so much rounding may make it another
_EVENTS = 5.0  # effective rows of each label that numbers of both need, as `scores` has it
_STEPS = 10.0  # the same of a largest gap, which of five positives lies where it does by chance
_UNSEEN = 1e-24  # of the squared scale: a variance below it is 0 but for rounding
Influence = tuple[float, Floats]  # the number, and each row's influence on it


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One number of one slice."""

    rows: int
    value: float  # NaN where it is undefined by one of the scores
    lower: float  # NaN where too few rows changed, or nothing varies
    upper: float
    error: float  # standard error; NaN as the interval


@dataclass(frozen=True, slots=True, kw_only=True)
class _Number:
    """A number of scores, and how its influence is had."""

    of: Callable[[Floats, Ints, Floats], Influence]  # from scores, labels and weights of the rows that it is of
    labels: tuple[int, ...] = (NEGATIVE, POSITIVE)  # that it is of
    needs: tuple[int, ...] = ()  # labels without which it is undefined
    apart: bool = False  # rows of each label are a sample by themselves, as for the AUC
    least: float = 0.0  # effective rows of each label, below which it tells nothing of the next one


def _mean(values: Floats, weight: Floats) -> Influence:
    value = float(weight @ values / weight.sum())
    return value, (values - value) / weight.sum()


def _ratio(scores: Floats, label: Ints, weight: Floats) -> Influence:
    """What scores promise for each positive."""
    positives = float(weight @ (label == POSITIVE))
    value = float(weight @ scores) / positives
    return value, (scores - value * label) / positives


def _loss(scores: Floats, label: Ints, weight: Floats) -> Influence:
    with np.errstate(divide="ignore", invalid="ignore"):
        return _mean(-np.log(np.where(label == POSITIVE, scores, 1 - scores)), weight)


def _discrimination(scores: Floats, label: Ints, weight: Floats) -> Influence:
    of_label = [_mean(scores[label == one], weight[label == one]) for one in (NEGATIVE, POSITIVE)]
    influence = np.empty(scores.size)
    for one, sign in ((NEGATIVE, -1.0), (POSITIVE, 1.0)):
        influence[label == one] = sign * of_label[one][1]
    return of_label[POSITIVE][0] - of_label[NEGATIVE][0], influence


def auc(scores: Floats, label: Ints, weight: Floats) -> Influence:
    """P(s⁺ > s⁻) + ½ P(s⁺ = s⁻): a row's influence is how far its placement among the other label's rows lies from the mean.

    Source: DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44:837, whose structural components the placements are.
    """
    _, place = np.unique(scores, return_inverse=True)
    sums = [np.bincount(place, weight * (label == one)) for one in (NEGATIVE, POSITIVE)]
    whole = [float(one.sum()) for one in sums]
    below, above = np.cumsum(sums[NEGATIVE]) - sums[NEGATIVE] / 2, whole[POSITIVE] - np.cumsum(sums[POSITIVE]) + sums[POSITIVE] / 2
    beaten = np.where(label == POSITIVE, below[place] / whole[NEGATIVE], above[place] / whole[POSITIVE])
    value = float((weight * beaten)[label == POSITIVE].sum() / whole[POSITIVE])
    return value, (beaten - value) / np.where(label == POSITIVE, whole[POSITIVE], whole[NEGATIVE])


def average_precision(scores: Floats, label: Ints, weight: Floats) -> Influence:
    """Σ over positives of the precision among the rows that score as high, over the positives; a row counts in the precision of every lower score too."""
    _, place = np.unique(scores, return_inverse=True)
    positive = np.bincount(place, weight * (label == POSITIVE))
    every = np.bincount(place, weight)
    true, selected = (np.cumsum(one[::-1])[::-1] for one in (positive, every))
    whole, precision = float(positive.sum()), true / selected
    value = float(positive @ precision / whole)
    gained, lost = np.cumsum(positive / selected), np.cumsum(positive * precision / selected)  # at the scores up to a row's
    return value, ((label == POSITIVE) * (precision[place] - value + gained[place]) - lost[place]) / whole


def separation(scores: Floats, label: Ints, weight: Floats) -> Influence:
    """The largest gap of the two labels' distributions; a row moves it by what it moves the gap at that score, since just beside the largest no gap is larger (Danskin 1967)."""
    _, place = np.unique(scores, return_inverse=True)
    sums = [np.bincount(place, weight * (label == one)) for one in (NEGATIVE, POSITIVE)]
    below = [np.cumsum(one) / one.sum() for one in sums]
    gap = below[NEGATIVE] - below[POSITIVE]
    at = int(np.argmax(np.abs(gap)))
    sides = [((place <= at) - below[one][at]) / sums[one].sum() for one in (NEGATIVE, POSITIVE)]
    return float(abs(gap[at])), np.sign(gap[at]) * np.where(label == POSITIVE, -sides[POSITIVE], sides[NEGATIVE])


_NUMBERS = {
    "mean_score": _Number(of=lambda scores, label, weight: _mean(scores, weight), labels=(NEGATIVE, POSITIVE, UNLABELLED)),
    "generalized_true_positive_rate": _Number(of=lambda scores, label, weight: _mean(scores, weight), labels=(POSITIVE,)),
    "generalized_false_positive_rate": _Number(of=lambda scores, label, weight: _mean(scores, weight), labels=(NEGATIVE,)),
    "calibration_in_the_large": _Number(of=lambda scores, label, weight: _mean(scores - label, weight)),
    "calibration_ratio": _Number(of=_ratio, needs=(POSITIVE,), least=_EVENTS),
    "brier_score": _Number(of=lambda scores, label, weight: _mean(np.square(scores - label), weight), least=_EVENTS),
    "log_loss": _Number(of=_loss, least=_EVENTS),
    "coefficient_of_discrimination": _Number(of=_discrimination, needs=(NEGATIVE, POSITIVE), apart=True, least=_EVENTS),
    "roc_auc": _Number(of=auc, needs=(NEGATIVE, POSITIVE), apart=True, least=_EVENTS),
    "ks_separation": _Number(of=separation, needs=(NEGATIVE, POSITIVE), apart=True, least=_STEPS),
    "pr_auc": _Number(of=average_precision, needs=(POSITIVE,), least=_EVENTS),
}
_CROSSED = {"bpsn_auc": NEGATIVE, "bnsp_auc": POSITIVE}  # the label that is the slice's own, beside the other one of everyone else
NAMES = frozenset((*_NUMBERS, *_CROSSED))
"""The numbers of scores whose change has an interval."""


def score_changes(name: str, pairs: ScorePairs) -> dict[int, Changed]:
    """The change of one of NAMES, by the place of each slice that has matched rows."""
    return {place: _crossed(_CROSSED[name], pairs.rows, lines) if name in _CROSSED else changed(name, pairs.rows.at(lines)) for place, lines in pairs.by_slice()}


def changed(name: str, pairs: Pairs) -> Changed:
    """By how much one of NAMES that is of a slice's own rows changed on them, with its 95 % interval.

    Student's point has as many degrees of freedom as the spread is known with: of n rows with shares c in the change, 2 / (Σc⁴ / (Σc²)² − 1/n), as Satterthwaite's (1946, Biometrics Bull. 2:110) of squares that vary so; with clusters
    the shares are theirs. That pays for changes that rest on few rows. To ask that (Σc²)² / Σc⁴ be ten or more gave intervals where a tail had not been seen, and these held the truth in 47 to 90 % (benchmarks/score_changes.py).
    """
    number = _NUMBERS[name]
    return _changed(number, pairs.at(np.isin(pairs.label, number.labels)), CATALOGUE[name].bounds)


def _crossed(own: int, rows: Pairs, lines: Ints) -> Changed:
    """An AUC of a slice's rows of one label among everyone else's of the other."""
    is_own = np.zeros(rows.now.size, dtype=bool)
    is_own[lines] = True
    return _changed(_NUMBERS["roc_auc"], rows.at((is_own & (rows.label == own)) | (~is_own & (rows.label == 1 - own))), (0.0, 1.0))


def _changed(number: _Number, pairs: Pairs, bounds: tuple[float, float]) -> Changed:
    rows = int(pairs.copies.sum())
    undefined = Changed(rows=rows, value=np.nan, lower=np.nan, upper=np.nan, error=np.nan)
    weight = pairs.weight * pairs.copies
    if not weight.sum() > 0 or not all((weight * (pairs.label == one)).sum() > 0 for one in number.needs):
        return undefined
    (now, of_now), (before, of_before) = (number.of(scores, pairs.label, weight) for scores in (pairs.now, pairs.before))
    change = now - before
    if not np.isfinite(change):
        return undefined
    found = replace(undefined, value=change)
    is_another = np.abs(pairs.now - pairs.before) > _ALIKE * np.maximum(1.0, np.abs(pairs.before))
    if _size(pairs, is_another) < _CHANGED:
        return found
    strata = [pairs.label == one for one in (NEGATIVE, POSITIVE)] if number.apart else [np.ones(weight.size, dtype=bool)]
    sizes = [_size(pairs, some) for some in strata]
    if number.least and min(_size(pairs, pairs.label == one) for one in (NEGATIVE, POSITIVE)) < number.least:
        return found
    share = pairs.weight * (of_now - of_before)
    variance, freedom = _spread(share, pairs, strata, sizes)
    if not variance > _UNSEEN * max(1.0, abs(now)) ** 2:
        return found
    reach = float(stdtrit(freedom, (1 + LEVEL) / 2) * np.sqrt(variance))
    widest = bounds[1] - bounds[0]
    return replace(found, lower=max(change - reach, -widest), upper=min(change + reach, widest), error=float(np.sqrt(variance)))


def _size(pairs: Pairs, some: Bools) -> float:
    """Effective rows (Kish 1965)."""
    weight, copies = pairs.weight[some], pairs.copies[some]
    square = float(copies @ weight**2)
    return float(copies @ weight) ** 2 / square if square else 0.0


def _spread(share: Floats, pairs: Pairs, strata: list[Bools], sizes: list[float]) -> tuple[float, float]:
    """The variance of the change, and its degrees of freedom; NaN where nothing varies, or too little is there to tell."""
    copies = pairs.copies
    if pairs.cluster is None:
        squares, fourths = float(copies @ share**2), float(copies @ share**4)
        if min(sizes) < 2 or not squares:
            return np.nan, np.nan
        variance = sum(float(copies[some] @ share[some] ** 2) * size / (size - 1) for some, size in zip(strata, sizes, strict=True))
        return variance, _freedom(squares, fourths, float(copies.sum()))
    _, part = np.unique(pairs.cluster, return_inverse=True)
    of_clusters = np.bincount(part, copies * share)
    number = of_clusters.size
    squares, fourths = float((of_clusters**2).sum()), float((of_clusters**4).sum())
    if number < 2 or not squares:
        return np.nan, np.nan
    return squares * number / (number - 1), _freedom(squares, fourths, float(number))


def _freedom(squares: float, fourths: float, number: float) -> float:
    uneven = fourths / squares**2 - 1 / number
    return min(number - 1, 2 / uneven) if uneven > 0 else number - 1
