"""The steps of an explanation where two audits hold the same rows: who turned, by how much the rate changed, and whether chance would turn as many."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from fairaudit.evidence.intervals import Estimate, one_sided, proportion
from fairaudit.evidence.paired import correlation
from fairaudit.reports.explained_counts import enough, meaning
from fairaudit.reports.sentences import counted_as, happens
from fairaudit.reports.steps import LONG, Seen, Step, factor, number, plain, quantity, z_of
from fairaudit.rules.change import Paired
from fairaudit.rules.family import Family


def paired_of(family: Family | None) -> Paired | None:
    """Who turned in each candidate, where the change is judged on rows that both audits have."""
    return family.change if family is not None and isinstance(family.change, Paired) else None


def turned(seen: Seen) -> Step:
    """The rows that both audits hold, by both decisions."""
    own, family = _own(seen), seen.family
    assert family is not None
    group, kind, what = str(seen.finding.group), counted_as(seen.metric), happens(seen.metric.id, seen.context.effect) or "events"
    parts = (
        f"{quantity(float(value[0]))} {words}"
        for value, words in ((own.both, "by both"), (own.gained, "only now"), (own.lost, "only before"), (own.neither, "by neither"))
    )
    weighs = "a weight of " if family.candidates.rows[seen.fact.candidate] != own.weight[0] else ""
    lines = [f"{group}, on {seen.fact.rows:,} rows{f' {kind}' if kind else ''} that both audits hold: {weighs}{what}: {', '.join(parts)}"]
    if own.unmatched[0] > 0:
        lines.append(f"{own.unmatched[0]:,} more rows of the group are not in the former audit, or have another label there, and are left out.")
    if own.moved[0] > 0:
        lines.append(f"{own.moved[0]:,} of the rows were in another group then; they count in the one where they are now.")
    if own.size[0] != own.weight[0] or own.turned[0] != (own.gained + own.lost)[0]:
        lines.append(
            f"Rows carry weights or come in clusters, so they are worth {quantity(float(own.size[0]))} rows, and those that turned {quantity(float(own.turned[0]))}: the interval is that of as many in the "
            "same proportions, and so is the test. A weight of Σw is worth (Σw)² / Σw² rows; how alike the rows of a cluster are rests on sums over clusters in the file, whose formula is not shown here."
        )
    lines += [*enough(family, seen.fact.candidate), meaning(seen)]
    numbers = {name: plain(float(getattr(own, name)[0])) for name in ("both", "gained", "lost", "neither", "size", "turned")}
    return Step(id="counted", title="Who was counted", lines=tuple(lines), numbers=numbers | {"unmatched": int(own.unmatched[0]), "moved": int(own.moved[0])})


def rates(seen: Seen) -> Step:
    """Both rates on the same rows."""
    own = _own(seen)
    sums = {"now": own.both + own.gained, "before": own.both + own.lost}
    lines = [
        f"{name}: ({quantity(float(own.both[0]))} + {quantity(float(one[0]))}) / {quantity(float(own.weight[0]))} = {_share(sums[name], own)}"
        for name, one in (("now", own.gained), ("before", own.lost))
    ]
    numbers = {name: {"value": plain(float(one[0] / own.weight[0])) if own.weight[0] > 0 else None} for name, one in sums.items()}
    return Step(id="rates", title="The rates", lines=tuple(lines), numbers=numbers)


def compared(seen: Seen) -> Step:
    """The change that is held against the limit."""
    own = _own(seen)
    line = f"({quantity(float(own.gained[0]))} − {factor(quantity(float(own.lost[0])))}) / {quantity(float(own.weight[0]))} = {number(seen.fact.value)}: those in both cancel out."
    return Step(
        id="compared",
        title="The change",
        lines=("Compared with the baseline, on the same rows.", line),
        numbers={"value": plain(seen.fact.value), "kind": "change"},
    )


def mcnemar(own: Paired, *, tail: str, p: float) -> Iterator[str]:
    """McNemar's exact test of one candidate.

    Args:
        own: of the candidate alone, shape (1,).
        tail: "many" or "few", or both.
    """
    turned_rows, gained = float(own.turned[0]), float(own.gained[0])
    both_ways = gained + float(own.lost[0])
    if not both_ways > 0:
        yield f"McNemar's exact test: no row turned, so chance explains it: p = {number(p)}"
        return
    scaled = turned_rows / both_ways
    shown = f"{quantity(gained)} of {quantity(both_ways)}"
    if scaled != 1:
        shown = f"{quantity(gained * scaled)} of the {quantity(turned_rows)} that they are worth"
    form = ", in its continuous form, the incomplete beta function," if scaled != 1 else ""
    yield (
        f"McNemar's exact test, one-sided: only rows that turned tell of a change, and if nothing had changed each would have turned either way with chance ½. The binomial chance{form} that so {tail} "
        f"turn to what is counted as {shown}: p = {number(p)}"
    )


def newcombe(own: Paired, *, confidence: float) -> Iterator[str]:
    """Newcombe's interval for two rates of the same rows, with its numbers put in.

    Args:
        own: of the candidate alone, shape (1,).
        confidence: one-sided, of each end.
    """
    level = one_sided(confidence)
    size, weight = float(own.size[0]), float(own.weight[0])
    if not size > 0 or not weight > 0:
        yield "There is none: the rows are worth nothing."
        return
    both, gained, lost, neither = (float(one[0]) * size / weight for one in (own.both, own.gained, own.lost, own.neither))
    now, former = (proportion(np.array([both + one]), np.array([size]), level=level) for one in (gained, lost))
    if size != weight:
        yield f"Of {quantity(size)} rows in the same proportions: {', '.join(map(quantity, (both, gained, lost, neither)))} by both, only now, only before and by neither."
    yield _wilson("Now", now, size, confidence)
    yield _wilson("Before", former, size, confidence)
    cells = (both, gained, lost, neither)
    b, g, x, n = (factor(quantity(one)) for one in cells)
    apart = both * neither - gained * lost
    phi = float(correlation(*(np.array([one]) for one in cells))[0])
    kept = f"less half the rows, {quantity(size)}/2" if apart > size / 2 else "taken as 0, as it is not above half the rows" if apart > 0 else "as it is"
    yield f"How the two go together: {b}·{n} − {g}·{x} = {number(apart, LONG)}, {kept}; over √(({b} + {g})({x} + {n})({b} + {x})({g} + {n})): φ = {number(phi, LONG)}"
    yield "Newcombe's interval of a change on the same rows, d = p₁ − p₂: d − √(e² + f² − 2φ·e·f), e = p₁ − l₁, f = u₂ − p₂, to d + √(g² + h² − 2φ·g·h), g = p₂ − l₂, h = u₁ − p₁"
    (p1, l1, u1), (p2, l2, u2) = ((float(one.value[0]), float(one.lower[0]), float(one.upper[0])) for one in (now, former))
    for name, sign, one, other, end in (("lower", "−", p1 - l1, u2 - p2, -1.0), ("upper", "+", p2 - l2, u1 - p1, 1.0)):
        arm = math.sqrt(max(one**2 + other**2 - 2 * phi * one * other, 0.0))
        e, f = factor(number(one, LONG)), factor(number(other, LONG))
        reached = p1 - p2 + end * arm
        bound = f", and no change is past {number(end)}" if abs(reached) > 1 else ""
        yield f"{name}: {number(p1 - p2, LONG)} {sign} √({e}² + {f}² − 2·{factor(number(phi, LONG))}·{e}·{f}) = {number(max(min(reached, 1.0), -1.0))}{bound}"


def _own(seen: Seen) -> Paired:
    found = paired_of(seen.family)
    if found is None:
        raise ValueError("the change is not judged on the same rows")
    return found.at([seen.fact.candidate])


def _share(top: np.ndarray, own: Paired) -> str:  # type: ignore[type-arg]
    return number(float(top[0] / own.weight[0]), LONG) if own.weight[0] > 0 else "undefined: there are none"


def _wilson(name: str, found: Estimate, size: float, confidence: float) -> str:
    p, n, z = factor(number(float(found.value[0]), LONG)), factor(quantity(size)), number(z_of(confidence), 7)
    ends = f"{number(float(found.lower[0]), LONG)} to {number(float(found.upper[0]), LONG)}"
    return f"{name}, Wilson's limits: ({p} + {z}²/(2·{n}) ± {z}·√({p}·(1 − {p})/{n} + {z}²/(4·{n}²))) / (1 + {z}²/{n}) = {ends}"
