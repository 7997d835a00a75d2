"""A frontier of a search, as reports are given it."""

from __future__ import annotations

from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.evidence.measurement import Group
from fairaudit.mitigations.card import Moved
from fairaudit.mitigations.frontier import Aim, Frontier, Number, Objective, Point, Rows, Unmet, marked

NUMBERS = ((0.85, 0.5), (0.84, 0.7), (0.82, 0.9), (0.75, 0.6), (0.81, 0.85))  # accuracy, and the ratio of a rule


def frontier(text: str = "four-fifths", *, values: tuple[str, ...] = ("f", "m"), attribute: str = "sex", ids: tuple[str, ...] = ("as-is", "one", "two", "three", "four"), aims: tuple[str, ...] = ()) -> Frontier:
    """One in which every free text is this one, beside the values of the groups; the third candidate is chosen."""
    slices = [Slice([(attribute, value)]) for value in values]
    points = tuple(
        Point(
            id=id, method="as-is" if place == 0 else "thresholds", settings={}, needs_attribute=bool(place), same_as=None,
            objective=Objective(value=accuracy, interval=(accuracy - 0.015625, accuracy + 0.015625)),
            aims=tuple(Aim(metric=name, value=1.0 - accuracy, interval=(0.125, 0.25)) for name in aims),
            rules=(
                Number(
                    rule=text, metric="selection_rate", kind="ratio", slicing=(attribute,), group=Group(slice=slices[0]), reference=Group(slice=slices[-1]), value=ratio, interval=(ratio - 0.125, ratio + 0.125),
                    limit=(0.8, None), past=0.8 - ratio, verdict="pass" if ratio >= 0.8 else "fail", meets=ratio >= 0.8,
                ),
            ),
            efficient=(), policy=None,
            effects=tuple(
                Moved(metric="selection_rate", slice=one, rows=500, before=0.25, after=0.5, change=0.25, interval=(0.125, 0.375), is_better=None if place == 0 else bool(at % 2))
                for at, one in enumerate((EVERYONE, *slices))
            ),
        )
        for place, (id, (accuracy, ratio)) in enumerate(zip(ids, NUMBERS, strict=True))
    )  # fmt: skip
    return Frontier(
        version="1", seed=0, rows=Rows(fitted=1_000, chosen_on=500, proven_on=500), objective="accuracy", rules=(text,), criterion=f"rule {text}, then accuracy", chosen=ids[2], points=marked(points),
        unmet=(Unmet(id="five", method="thresholds", settings={}, reason=text), Unmet(id="six", method="thresholds", settings={}, reason=text)),
    )  # fmt: skip
