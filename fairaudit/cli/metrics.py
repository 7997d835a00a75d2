"""`fairaudit metrics`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fairaudit.metrics.catalogue import Metric


@click.group("metrics")
def command() -> None:
    """List what can be measured, and how other libraries differ.

    \b
    fairaudit metrics list
    fairaudit metrics show true_positive_rate
    """


@command.command("list")
def listing() -> int:
    """List every metric: its id, what it is of, and who computes it."""
    from fairaudit.cli.console import say
    from fairaudit.metrics.catalogue import CATALOGUE
    from fairaudit.metrics.libraries import NAMES

    width = max(map(len, CATALOGUE))
    shape = None
    for one in CATALOGUE.values():
        if one.shape is not shape:
            shape = one.shape
            say(f"{'' if one is next(iter(CATALOGUE.values())) else chr(10)}{_SHAPES[shape]}")
        names = NAMES[one.id]
        engines = ", ".join(("native", *(("tfma",) if names.tfma else ()), *(("aif360",) if names.aif360 else ())))
        say(f"  {one.id:<{width}}  {engines:<20}  {one.formula}")
    say("\nfairaudit metrics show ID tells the rest; every value comes by slice, and most against a reference, as difference and ratio.")
    return 0


@command.command("show")
@click.argument("names", nargs=-1, required=True, metavar="ID...")
def show(names: tuple[str, ...]) -> int:
    """Show a metric's formula, source, interval, and where libraries mean something else by its name."""
    from fairaudit.cli.console import say
    from fairaudit.metrics.catalogue import metric

    say("\n\n".join("\n".join(_told(one)) for one in [metric(name) for name in names]))
    return 0


_IN_CLUSTERS = "of rows in clusters (--cluster COL): the same by effective rows, fewer by the metric's design effect"


def _told(one: Metric) -> Iterator[str]:
    from fairaudit.cli.judging import how_judged
    from fairaudit.evidence.estimates import WITHIN_A_CONTROL, method_of
    from fairaudit.metrics.catalogue import Shape
    from fairaudit.metrics.libraries import DIFFERENCE, NAMES

    names = NAMES[one.id]
    needs = {
        "labels": one.needs_label, "scores": one.needs_score, "probabilities": one.needs_probability,
        "a control": one.shape is Shape.CONDITIONAL, "features": one.shape is Shape.INDIVIDUAL,
        "a rule, and a population's shares": one.shape is Shape.POPULATION,
    }  # fmt: skip
    facts = {
        "formula": one.formula,
        "range": f"{one.bounds[0]:g} to {one.bounds[1]:g}{'' if one.ideal is None else f', ideally {one.ideal:g}'}; {_BETTER[one.better]}",
        "undefined": one.undefined or "never",
        "infinite": one.infinite,
        "needs": ", ".join(need for need, holds in needs.items() if holds) or "decisions alone",
        "interval": method_of(one),
        "": "" if method_of(one).startswith("none") or one.shape in (Shape.INDIVIDUAL, Shape.POPULATION) else _IN_CLUSTERS,
        "difference": one.difference_title,
        "ratio": one.ratio_title,
        "over groups": _over_groups(one),
        "judged": how_judged(one),
        "control": WITHIN_A_CONTROL if one.shape is Shape.RATE else "",
        "also": ", ".join(one.aliases),
        "source": one.source,
        "TFMA": names.tfma or "none",
        "AIF360": names.aif360 or "none",
    }
    yield f"{one.id}: {one.title}"
    yield f"  {one.meaning}"
    yield from (f"  {name:<11} {fact}" for name, fact in facts.items() if fact)
    notes = (*names.differs, *((DIFFERENCE,) if one.compared else ()))
    yield from (f"  {'differs' if place == 0 else '':<11} {note}" for place, note in enumerate(notes))


def _over_groups(one: Metric) -> str:
    """What an audit tells of all groups of a slicing together."""
    from fairaudit.evidence.wanted import kinds_of
    from fairaudit.metrics.catalogue import Shape

    kinds = [] if one.shape is Shape.PAIR else kinds_of(one)
    told = {"difference": "gap, largest − smallest", "ratio": "min_max_ratio, smallest / largest"}
    return f"{'; '.join(told[kind.value] for kind in kinds)}; intervals of all pairs at once, by Tukey's critical value" if kinds else ""


_BETTER = {"higher": "higher is better", "lower": "lower is better", "neither": "neither high nor low is good by itself"}
_SHAPES = {
    "rate": "Rates", "count": "Counts", "composite": "Composites of rates", "score": "Scores", "distribution": "Distributions of scores (no single value: `fairaudit table OUT --of histograms`)", "pair": "Two groups by nature",
    "inequality": "Inequality of benefits",
    "across": "All groups of a slicing together", "conditional": "Within the values of a control (--control COL)",
    "individual": "Single rows (--feature COL)", "population": "The rows against a population (for rules)",
}  # fmt: skip
