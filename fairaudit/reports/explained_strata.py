"""What an explanation says of groups that are compared within the values of a control: the strata, what they say together, its interval and its test."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from fairaudit.evidence.conditional import strata_of
from fairaudit.evidence.intervals import one_sided
from fairaudit.evidence.rates import Z
from fairaudit.evidence.strata import mean_rates, risk_difference_parts, risk_ratio_parts
from fairaudit.reports.steps import LONG, Seen, number, quantity, z_of
from fairaudit.rules.family import Family
from fairaudit.rules.rule import Comparing
from fairaudit.rules.within import Within
from fairaudit.types import Floats

_MOST = 20  # strata that are listed
Three = tuple[float, float, float]  # a value with its limits


def counted(seen: Seen, within: Within, candidate: int) -> Iterator[str]:
    """The table of each stratum."""
    yield f"Within {' and '.join(within.control)}, a of n here against c of m of the reference, in strata that hold both:"
    shown = _shown(seen, within, candidate)
    for name, a, n, c, m, scale in shown[:_MOST]:
        yield f"{name}: {quantity(a)} of {quantity(n)} against {quantity(c)} of {quantity(m)}{'' if within.exact else f', s = {number(scale)}'}"
    if len(shown) > _MOST:
        yield f"and {len(shown) - _MOST:,} strata more, which --json lists"
    if not within.exact:
        yield "Rows carry weights or come in clusters, so these are effective rows; s is by how much a stratum counts more for what its rows weigh, w and v on both sides: s = w·v·N / ((w + v)·n·m), N = n + m."
    if outside := float(within.outside[candidate]):
        yield f"{quantity(outside)} of the group's rows lie in strata with nobody to compare with, and say nothing"


def numbers(seen: Seen, within: Within, candidate: int) -> dict[str, Any]:
    """The same in full, of all strata."""
    return {"strata": [{"stratum": name, "a": a, "n": n, "c": c, "m": m, "s": scale} for name, a, n, c, m, scale in _shown(seen, within, candidate)]}


def compared(family: Family, within: Within, value: float) -> str:
    """What the strata say together."""
    s = "" if within.exact else "s·"
    form = f"Σ {s}a·m/N ÷ Σ {s}c·n/N" if family.rule.comparison is Comparing.RATIO else f"Σ {s}(a·m − c·n)/N ÷ Σ {s}n·m/N"
    return f"Within {' and '.join(within.control)}, by Mantel and Haenszel over the strata of step 1, a of n against c of m, N = n + m: {form} = {number(value)}"


def interval(family: Family, within: Within, candidate: int, *, confidence: float, ends: tuple[float, float], mover: Callable[..., Iterator[str]]) -> Iterator[str]:
    """The interval of it, with the sums over strata put in.

    Args:
        confidence: one-sided, of each end.
        mover: words an interval that is made of the limits of two values.
    """
    tables, z = within.tables.at([candidate]), number(z_of(confidence), 7)
    s, square = ("", "") if within.exact else ("s·", "s²·")
    if family.rule.comparison is Comparing.RATIO:
        top, bottom, variance = (float(part[0]) for part in risk_ratio_parts(tables))
        ratio = number(top / bottom if bottom else math.nan, LONG)
        if not bottom > 0:
            yield "Nobody of the reference has the event in these strata, so there is no ratio."
        elif top > 0 and variance > 0:
            yield f"T = Σ {s}a·m/N = {number(top, LONG)}, B = Σ {s}c·n/N = {number(bottom, LONG)}; the variance of the ratio's logarithm, by Greenland and Robins: V = Σ {square}(n·m·(a + c) − a·c·N)/N² ÷ (T·B) = {number(variance, LONG)}"
            yield f"lower: {ratio}·exp(−{z}·√V) = {number(ends[0])}"
            yield f"upper: {ratio}·exp({z}·√V) = {number(ends[1])}"
        else:
            yield "The ratio's logarithm has no variance, since nobody of the group or everybody of both has the event. So the interval is made of the two means of the strata's rates by the weights n·m/N, with Wilson's limits of as many rows as are as certain:"
            with np.errstate(divide="ignore", invalid="ignore"):
                found = mean_rates(tables, tables.scale * tables.trials * tables.other_trials / tables.total, level=one_sided(confidence))
            one, other = ((float(part.value[0]), float(part.lower[0]), float(part.upper[0])) for part in found)
            for name, (p, low, high) in (("here", one), ("the reference", other)):
                yield f"{name}: {number(p, LONG)}, from {number(low, LONG)} to {number(high, LONG)}"
            yield from mover(one, other, ends, is_ratio=True)
        return
    top, whole, variance = (float(part[0]) for part in risk_difference_parts(tables))
    value, reach = top / whole if whole else math.nan, z_of(confidence) * math.sqrt(max(variance, 0.0))
    yield f"Sato's variance: V = (D·Σ {square}(n²·c − m²·a + n·m·(m − n)/2)/N² + Σ {square}(a·(m − c) + c·(n − a))/(2·N)) ÷ (Σ {s}n·m/N)² = {number(variance, LONG)}, D being the difference"
    for name, sign, bound, end in (("lower", "−", value - reach, ends[0]), ("upper", "+", value + reach, ends[1])):
        if math.isclose(bound, end, rel_tol=1e-9, abs_tol=1e-12):
            yield f"{name}: {number(value, LONG)} {sign} {z}·√V = {number(end)}"
        else:
            stretched = "" if confidence == (1 + 0.95) / 2 else f", at {z} / {number(Z, 7)} of its 95 % arm"
            yield f"{name}: {number(end)}; MOVER's, of the two means of the strata's rates, reaches further than Sato's on this side and is taken{stretched}. Its formula is not shown here."


def tested(within: Within, candidate: int, *, tail: str, p: float) -> Iterator[str]:
    """The exact test of all strata, or that of effective counts."""
    if within.exact:
        yield (
            f"The exact test within strata, one-sided: in each stratum of step 1 its events are spread at random over its rows; the chance that so {tail} fall to the group over all strata: p = {number(p)}. "
            "R's mantelhaen.test(…, exact = TRUE, alternative = …) of these tables gives it."
        )
        return
    x, n, y, m = (float(part[0]) for part in within.matched([candidate]))
    yield (
        "Counts are effective ones, so the strata are put into one table that gives the group's events the same mean, Σ n·(a + c)/N, and the same variance, Σ n·m·(a + c)·(N − a − c)/N³: "
        f"{quantity(x)} of {quantity(n)} here against {quantity(y)} of {quantity(m)}"
    )
    yield (
        "Its tail is a binomial's, of n(n + m)/m trials at the common rate (x + y)/(n + m) for the smaller side n, in its continuous form, the incomplete beta function: "
        f"the chance of so {tail} events: p = {number(p)}"
    )


def _shown(seen: Seen, within: Within, candidate: int) -> list[tuple[str, float, float, float, float, float]]:
    if seen.context.within is None or seen.family is None:
        return []
    tables = within.tables
    names = strata_of(seen.context.within, seen.family.slicing, within.control).strata
    columns: list[Floats] = [part[candidate] for part in (tables.events, tables.trials, tables.other_events, tables.other_trials, tables.scale)]
    return [(str(names[place]), *(float(column[place]) for column in columns)) for place in range(len(names)) if tables.used[candidate][place]]  # type: ignore[misc]

