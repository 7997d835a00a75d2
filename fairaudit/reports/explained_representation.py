"""The explanation of who the rows are: a group's share of them, against its share of a population."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from fairaudit.evidence.intervals import one_sided
from fairaudit.evidence.rates import LEVEL
from fairaudit.reports.explained_evidence import limit
from fairaudit.reports.explained_tests import share_of_error
from fairaudit.reports.explained_verdict import decided
from fairaudit.reports.steps import Seen, Step, number, plain, quantity, yes
from fairaudit.rules.representation import Represented, chance_below, represented


def representation(seen: Seen) -> tuple[Step, ...]:
    """From the rows to the verdict."""
    found = represented(seen.planned, np.array(seen.counts.of_slicing(seen.planned.slicing), dtype=np.int64), seen.counts, seen.context)
    place = seen.fact.candidate
    if math.isnan(found.share[place]) or not found.everyone:
        return _counted(seen, found, place), decided(seen)
    return _counted(seen, found, place), _value(seen, found, place), limit(seen), _interval(seen, found, place), _tested(seen, found, place), decided(seen)


def _counted(seen: Seen, found: Represented, place: int) -> Step:
    unit = "weight" if found.weighted else "rows"
    lines = [f"{found.groups[place]}: {quantity(float(found.weight[place]))} of the {quantity(found.everyone)} {unit} whose {seen.planned.slicing[0]} is known."]
    if found.labelled:
        lines.append(f"Of its {found.rows[place]:,} rows {found.positives[place]:,} have a positive label and {found.negatives[place]:,} a negative one; the rule asks for {_least(seen)}.")
    else:
        lines.append(f"There are no labels; the rule asks for {number(seen.rule.minimum.events + seen.rule.minimum.non_events)} rows of each group.")
    if math.isnan(found.share[place]):
        lines.append("The population's figures have no such group, so there is nothing to hold its share against.")
    else:
        lines.append(f"Its share of the population, as the {'rule' if seen.rule.population else 'configuration'} gives it: {number(float(found.share[place]))}.")
    return Step(id="counted", title="Who was counted", lines=tuple(lines), numbers={"rows": int(found.rows[place]), "weight": float(found.weight[place]), "everyone": found.everyone, "population": plain(found.share[place])})


def _least(seen: Seen) -> str:
    least = seen.rule.minimum
    return f"at least {number(least.events)} and {number(least.non_events)} of them"


def _value(seen: Seen, found: Represented, place: int) -> Step:
    own = float(found.weight[place]) / found.everyone
    lines = (
        f"Its share of the rows: {quantity(float(found.weight[place]))} / {quantity(found.everyone)} = {number(own)}",
        f"Over its share of the population: {number(own)} / {number(float(found.share[place]))} = {number(seen.fact.value)}",
    )
    return Step(id="compared", title="The ratio", lines=lines, numbers={"value": plain(seen.fact.value), "share": own})


def _interval(seen: Seen, found: Represented, place: int) -> Step:
    trials, share, own = float(found.trials[place]), float(found.share[place]), float(found.weight[place]) / found.everyone
    least, _ = found.bounds(one_sided(seen.rule.confidence))
    lines = [
        *([f"Weights or clusters make the rows worth {quantity(trials)} independent ones."] if not math.isclose(trials, found.everyone) else []),
        f"Wilson's interval of {number(own)} on {quantity(trials)} rows, 1.959964 standard errors to each side, over {number(share)}: {number(seen.fact.lower)} to {number(seen.fact.upper)}",
        f"The lower bound of one-sided confidence {seen.rule.confidence:g}, made in the same way: {number(float(least[place]))}",
    ]
    return Step(id="interval", title="Its 95 % interval", lines=tuple(lines), numbers={"lower": plain(seen.fact.lower), "upper": plain(seen.fact.upper), "level": LEVEL, "trials": trials})


def _tested(seen: Seen, found: Represented, place: int) -> Step:
    p = float(chance_below(found, seen.rule.limit)[place])
    return Step(id="test", title="Is it more than chance?", lines=tuple(_test(seen, found, place, p)), numbers={"p": plain(p), "p_adjusted": plain(seen.fact.p_adjusted), "alpha": seen.finding.alpha})


def _test(seen: Seen, found: Represented, place: int, p: float) -> Iterator[str]:
    yield from share_of_error(seen)
    trials, share = float(found.trials[place]), float(found.share[place])
    events = float(found.weight[place]) / found.everyone * trials
    yield (
        f"If its true share of the rows were at the limit, {number(seen.rule.limit)} × {number(share)} = {number(seen.rule.limit * share)}, "
        f"chance would draw {quantity(events)} or fewer of {quantity(trials)} rows from it with p = {number(p)} (binomial)."
    )
    yield f"Corrected for {int(np.isfinite(found.share).sum())} groups by Holm's steps: {number(seen.fact.p_adjusted)}. It is at most {number(seen.finding.alpha or 0.0)}: {yes(seen.fact.is_real)}"

