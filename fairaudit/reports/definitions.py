"""What each metric on the page means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fairaudit.metrics.catalogue import CATALOGUE, Better, Metric
from fairaudit.result import Audit

_BETTER = {Better.HIGHER: "Higher is better.", Better.LOWER: "Lower is better.", Better.NEITHER: "Neither high nor low is good by itself."}


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    id: str
    title: str
    formula: str
    meaning: str
    better: str
    undefined: str
    source: str
    also: str
    classic: str  # the names of its difference and ratio


def definitions_of(audit: Audit) -> tuple[Definition, ...]:
    """One for each metric shown, in the catalogue's order; a metric that this version does not know is listed by its id."""
    shown = {one.metric for one in audit.measurements} | {one.metric for one in audit.comparisons} | {one.metric for one in audit.findings}
    shown |= {"score_histogram"} if audit.histograms else set()
    return (*(_definition(entry) for name, entry in CATALOGUE.items() if name in shown), *_unknown(sorted(shown - CATALOGUE.keys())))


def _definition(entry: Metric) -> Definition:
    return Definition(
        id=entry.id,
        title=entry.title,
        formula=entry.formula,
        meaning=entry.meaning,
        better=_BETTER[entry.better],
        undefined=f"Undefined where: {entry.undefined}." if entry.undefined else "Always defined.",
        source=entry.source,
        also=", ".join(entry.aliases).replace("_", " "),
        classic=_classic(entry),
    )


def _classic(entry: Metric) -> str:
    """By what names its comparisons are known, where they have any."""
    pairs = (("difference", entry.difference_title), ("ratio", entry.ratio_title))
    return " ".join(f"Its {kind} is also called {title[:1].lower() + title[1:]}." for kind, title in pairs if title)


def _unknown(names: Iterable[str]) -> Iterable[Definition]:
    nothing = "not in the catalogue of this version"
    return (Definition(id=name, title=name, formula=nothing, meaning="", better="", undefined="", source=nothing, also="", classic="") for name in names)
