"""Engines that differ are a finding of their own: no verdict rests on a number that two libraries compute differently."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from fairaudit.cube.counts import Counts
from fairaudit.evidence.measurement import Group
from fairaudit.metrics.answers import Answer
from fairaudit.rules.finding import DISAGREEMENT, Finding, Outcome, Severity, Verdict


def disagreements(answers: Iterable[Answer], counts: Counts, *, threshold: float | None) -> tuple[Finding, ...]:
    """A finding for every number on which a witness differs from the native engine."""
    return tuple(_finding(answer, int(place), counts, threshold) for answer in answers for place in np.flatnonzero(answer.disagreements))


def _finding(answer: Answer, place: int, counts: Counts, threshold: float | None) -> Finding:
    quantity = answer.quantity
    group = Group(slice=counts.slices[quantity.groups[place]]) if quantity.groups else None
    reference = Group(slice=counts.slices[quantity.references[place]]) if quantity.references else None
    slicing = group.slice.attributes if group else quantity.slicings[place]
    of = f"{group}{f' against {reference}' if reference else ''}" if group else f"all slices by {' × '.join(slicing)}"
    return Finding(
        rule=DISAGREEMENT, metric=quantity.metric, kind=quantity.kind.value, slicing=slicing, group=group, reference=reference,
        threshold=threshold, value=answer.of(place)["native"], interval=None, limit=(None, None), limit_origin="ours", serious=None,
        outcome=Outcome.UNDEFINED, verdict=Verdict.INCONCLUSIVE, needed_for_pass=True, severity=Severity.FAIL,
        reason=f"{quantity.metric} ({quantity.kind.value}) of {of}: {'; '.join(_said(answer, place))}",
    )  # fmt: skip


def _said(answer: Answer, place: int) -> Iterator[str]:
    for name, value in answer.of(place).items():
        yield f"{name} says {'undefined' if value is None else repr(value)}"
