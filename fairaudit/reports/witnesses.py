"""The engines that computed the audit, how much each of them checked, and where they differ."""

from __future__ import annotations

from dataclasses import dataclass

from fairaudit.reports.lookup import Lookup
from fairaudit.reports.numbers import counted, percent, significant
from fairaudit.reports.sentences import at_start, ended
from fairaudit.result import Audit

NATIVE = "native"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineView:
    name: str
    version: str
    values: str
    furthest: str  # the largest difference from the native engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnesses:
    sentence: str
    engines: tuple[EngineView, ...]
    disagreements: tuple[str, ...]


def witnesses(known: Lookup) -> Witnesses:
    names = tuple(dict.fromkeys((*known.audit.manifest.engines, *_answering(known.audit))))
    return Witnesses(
        sentence=agreement_line(known),
        engines=tuple(_engine(known.audit, name) for name in names),
        disagreements=tuple(ended(at_start(one.reason)) for one in known.of_itself),
    )


def agreement_line(known: Lookup) -> str:
    """Whether the engines agree, in a sentence."""
    others = [name for name in _answering(known.audit) if name != NATIVE]
    if known.of_itself:
        return f"The engines disagree on {counted(len(known.of_itself), 'number')}."
    if not others:
        return "One engine computed every number; no other checked it."
    checked = sum(any(name in answers for name in others) for answers in _answers(known.audit))
    every = len(_answers(known.audit))
    alone = f"; the other {every - checked:,} ({percent((every - checked) / every)}) rest on one engine alone" if checked < every else ""
    return f"Engines agree: {checked:,} of {every:,} numbers were computed a second time, independently, by {' and '.join(others)}{alone}."


def _answers(audit: Audit) -> list[dict[str, float | None]]:
    of_bins = [dict.fromkeys(one.engines) for one in audit.histograms for _ in range(3 * len(one.share_positive))]  # three sums a bin, which the file does not hold by engine
    return [one.engines for one in audit.measurements] + [one.engines for one in audit.comparisons] + [one for one in of_bins if one]


def _answering(audit: Audit) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for answers in _answers(audit) for name in answers))


def _engine(audit: Audit, name: str) -> EngineView:
    answers = [one for one in _answers(audit) if name in one]
    version = audit.manifest.engines.get(name)
    apart = [abs(a - b) for one in answers if (a := one[name]) is not None and (b := one.get(NATIVE)) is not None]
    return EngineView(
        name=name,
        version=version or ("not installed" if not answers else "version not recorded"),
        values=f"{len(answers):,}",
        furthest=("itself" if name == NATIVE else significant(max(apart), 2) if apart else "nothing to compare"),
    )
