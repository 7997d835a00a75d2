"""Reject option: near the threshold, where a model is least sure, everybody is decided in favour of the groups that are worse off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fairaudit.errors import ConfigError, UnknownName, listed
from fairaudit.mitigations.cells import Cells
from fairaudit.mitigations.constraints import SLACK
from fairaudit.mitigations.fittable import BOTH, Label, need_probabilities, weights_by_label
from fairaudit.mitigations.objective import BALANCED_ACCURACY, objective_of
from fairaudit.mitigations.policy import Treatment, threshold_at
from fairaudit.mitigations.solved import Solved, Unreachable
from fairaudit.types import Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Which thresholds are tried, and with each how many margins, from none to the nearer end of the scores."""

    thresholds: int = 100
    margins: int = 50
    low: float = 0.01
    high: float = 0.99

    def __post_init__(self) -> None:
        if not (0 <= self.low < self.high <= 1 and self.thresholds >= 1 and self.margins >= 1):
            raise ConfigError(
                f"the grid of {self.thresholds} thresholds from {self.low:g} to {self.high:g} and {self.margins} margins cannot be; give 1 or more of each, between two thresholds from 0 to 1 that rise."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parity:
    every_group: tuple[Label, ...]
    of: Callable[[Floats, Floats, Floats], Floats]  # true positive, false positive and selection rate → what groups are compared by


_PARITIES = {
    "statistical_parity_difference": _Parity(every_group=(), of=lambda tpr, fpr, selected: selected),
    "average_odds_difference": _Parity(every_group=BOTH, of=lambda tpr, fpr, selected: (tpr + fpr) / 2),
    "equal_opportunity_difference": _Parity(every_group=("positive",), of=lambda tpr, fpr, selected: tpr),
}
METRICS = tuple(_PARITIES)
_BALANCED = objective_of(BALANCED_ACCURACY)


def labels_of_parity(metric: str) -> tuple[Label, ...]:
    """The labels of which every group must have rows."""
    return _PARITIES[metric].every_group


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    thresholds: Floats  # (settings,)
    margins: Floats  # (settings,)


def settings(grid: Grid) -> Settings:
    """Every threshold with each of its margins, in the order in which AIF360 tries them, to the last digit."""
    tried = np.linspace(grid.low, grid.high, grid.thresholds)
    margins = [np.linspace(0.0, one if one <= 0.5 else 1.0 - one, grid.margins) for one in tried]
    return Settings(thresholds=np.repeat(tried, grid.margins), margins=np.concatenate(margins))


def points(grid: Grid) -> tuple[float, ...]:
    """All scores above which some setting selects a group, rising: with them as the cube's edges, beside the model's own threshold, every setting is counted exactly."""
    tried = settings(grid)
    return tuple(np.unique(np.concatenate((tried.thresholds - tried.margins, tried.thresholds + tried.margins))).tolist())


def treated(groups: int, reference: int, *, threshold: float, margin: float, helps: bool = True) -> tuple[Treatment, ...]:
    """What a setting makes of each group: of scores above threshold − margin and not above threshold + margin, all are decided against the reference and in favour of every other group.

    Args:
        helps: whether a positive decision is a favour.
    """
    low, high = threshold_at(threshold - margin), threshold_at(threshold + margin)
    favoured, other = (low, high) if helps else (high, low)
    return tuple(other if group == reference else favoured for group in range(groups))


def reject_option(
    cells: Cells, metric: str, *, threshold: float, reference: int | None = None, bounds: tuple[float, float] = (-0.05, 0.05), grid: Grid | None = None, helps: bool = True
) -> Solved:
    """The threshold and the margin around it with the best balanced accuracy of those that keep every group's difference to the reference within the bounds.

    One group is the reference, the best-off one unless it is named: within the margin it is decided against, and every other group, however many there are, in its favour. Each group's own
    difference to the reference must lie within the bounds, so no two groups can be merged to hide one; groups other than the reference are not compared with each other. Both sides of the margin
    are thresholds, so nothing is drawn. Of settings that are equally good, the one with the smallest margin is taken, and then the threshold nearest to what was there; where that decides on the
    cells as what was there does, nothing is changed.

    Args:
        metric: one of METRICS, of a group less the reference.
        threshold: the score above which all groups are selected so far; neither it nor one of the grid's points lies within a cell.
        reference: a group's place; None for the one that the metric shows as best-off at `threshold`, and of several the first.
        bounds: of the difference, both included.
        grid: what is tried; None for AIF360's own 100 thresholds with 50 margins each.
        helps: whether a positive decision is a favour.

    Raises:
        ConfigError: there is no such metric, or the bounds exclude each other.
        ContentError: a group lacks rows of a label that the metric is of, or scores are no probabilities.
        Unreachable: no setting keeps to the bounds; says which comes nearest.

    Source: Kamiran, Karim & Zhang (2012), ICDM, section III; the grid is that of AIF360's RejectOptionClassification.
    """
    if metric not in _PARITIES:
        raise UnknownName("metric of reject option", metric, METRICS)
    need_probabilities(cells, "reject option")
    if not bounds[0] <= bounds[1]:
        raise ConfigError(f"the {metric} cannot lie between {bounds[0]:g} and {bounds[1]:g}; give the smaller bound first.")
    start = cells.place(threshold)
    before = _outcome(cells, metric, np.full((len(cells.groups), 1), start))
    best_off = np.argmax(before.compared[:, 0]) if helps else np.argmin(before.compared[:, 0])
    against = int(best_off) if reference is None else reference
    others = np.arange(len(cells.groups)) != against
    tried = settings(Grid() if grid is None else grid)
    low, high = cells.places(tried.thresholds - tried.margins), cells.places(tried.thresholds + tried.margins)
    places = np.where(others[:, None] == helps, low, high)
    found = _outcome(cells, metric, places)
    differences = found.compared - found.compared[against]
    past = np.maximum(bounds[0] - differences, differences - bounds[1])[others].max(axis=0)
    least = float(past.min())
    order = np.lexsort((np.abs(tried.thresholds - threshold), tried.margins))
    at = _best(np.where(past <= max(least, 0.0) + SLACK, found.accuracy, -np.inf), order)
    chosen, margin = float(tried.thresholds[at]), float(tried.margins[at])
    if least > SLACK:
        left = [f"{group} {one:+.4f}" for group, one, is_other in zip(cells.groups, differences[:, at], others, strict=True) if is_other and not bounds[0] - SLACK <= one <= bounds[1] + SLACK]
        raise Unreachable(
            f"none of the {tried.margins.size} thresholds and margins that were tried keeps the {metric} of every group against {cells.groups[against]} between {bounds[0]:g} and {bounds[1]:g}; the "
            f"nearest, threshold {chosen:.4f} with margin {margin:.4f}, leaves {listed(left, 6)}, with balanced accuracy {found.accuracy[at]:.4f}: loosen the bounds, or name another reference."
        )
    if (places[:, at] == start).all():
        chosen, margin = threshold, 0.0
    return Solved(
        treatments=treated(len(cells.groups), against, threshold=chosen, margin=margin, helps=helps),
        objective=float(found.accuracy[at]),
        gap=0.0,
        before=float(before.accuracy[0]),
        metrics=(metric,),
        rates=(differences[:, at],),
        reference=against,
        parameters=(("threshold", chosen), ("margin", margin)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What settings give."""

    compared: Floats  # (groups, settings): what the metric compares groups by
    accuracy: Floats  # (settings,): balanced, of all groups together


def _outcome(cells: Cells, metric: str, places: Ints) -> _Outcome:
    """
    Args:
        places: of each group's cut, shape (groups, settings).
    """
    parity = _PARITIES[metric]
    positives, negatives = weights_by_label(cells, every_group=parity.every_group)
    tp, fp = (np.take_along_axis(above, places, axis=1) for above in cells.selected())
    p, n = positives[:, None], negatives[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):  # the rate of a label that the metric is not of
        compared = parity.of(tp / p, fp / n, (tp + fp) / (p + n))
    return _Outcome(compared=compared, accuracy=_BALANCED.of(tp, fp, positives=positives, negatives=negatives).sum(axis=0))


def _best(accuracy: Floats, order: Ints) -> int:
    """The place of the largest; of those within rounding of it the first in the order."""
    return int(next(at for at in order if accuracy[at] >= accuracy.max() - SLACK))
