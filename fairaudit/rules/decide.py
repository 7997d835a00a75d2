"""One family → its findings."""

from __future__ import annotations

import math

import numpy as np

from fairaudit.cube.counts import Counts
from fairaudit.evidence.shrinkage import prior
from fairaudit.rules.extremes import furthest_apart
from fairaudit.rules.facts import Fact, facts
from fairaudit.rules.family import Family
from fairaudit.rules.finding import Finding, Outcome, RowsNeeded, Verdict
from fairaudit.rules.needed import detectable, rows_needed, rows_to_minimum
from fairaudit.rules.plan import Context
from fairaudit.rules.rule import SmallGroups
from fairaudit.rules.tally import Tally
from fairaudit.rules.words import left_out_of_strata, notes, of_change, reason, too_few
from fairaudit.types import Floats


def decide(family: Family, counts: Counts, context: Context, *, gates: bool) -> tuple[tuple[Fact | None, Finding], ...]:
    """One finding a group, one for the pool, and one more where too few groups can be judged alone; of a gap one for the slicing.

    Each stands behind the fact that it was made of; that too few groups can be judged rests on none.

    Args:
        gates: whether what stays inconclusive here may block a pass.
    """
    judged = tuple(filter(None, (furthest_apart(family),))) if family.asked.comparison.is_extreme else facts(family)
    shrunken = _shrunken(family)
    smallest = detectable(family, [one for one in judged if one.outcome is Outcome.UNDECIDED])
    found = tuple((fact, _finding(family, fact, counts, context, gates, shrunken=float(shrunken[fact.candidate]), smallest=smallest.get(fact.candidate))) for fact in judged)
    is_told = family.change is not None and bool(judged) and all(one.outcome is Outcome.WITHIN for one in judged)  # that nobody is worse off takes no events
    return (*found, (None, _too_few_groups(family, counts, context, gates))) if (is_thin(family) and not is_told) or not found else found


def is_thin(family: Family) -> bool:
    """Whether fewer than two known groups reach the minimum. The pool does not count, nor do missing values, who are nobody in particular."""
    return able(family) < needed_groups(family)


def able(family: Family) -> int:
    """How many known groups reach the minimum; of a gap the small ones together are one of them."""
    return int(family.yardsticks.size if family.asked.comparison.is_extreme else (family.yardsticks < family.groups).sum())


def needed_groups(family: Family) -> int:
    """How many a verdict takes: two to compare, one to be held against a limit or its own past."""
    return 1 if family.by_itself else 2


def _shrunken(family: Family) -> Floats:
    """The rates of groups too small to be judged alone, shrunken towards the known groups'; NaN elsewhere, and of what is no rate. Shape (candidates,)."""
    found, groups = np.full(family.candidates.rows.size, np.nan), family.candidates
    known = np.array([place for place, one in enumerate(family.slices) if not one.has_missing], dtype=int)
    if isinstance(groups, Tally) and known.size and (fitted := prior(groups.events[known], groups.trials[known])):
        small = known[~family.enough[known] & (groups.rows[known] > 0)]
        found[small] = fitted.shrunken(groups.events[small], groups.trials[small])
    return found


def _finding(family: Family, fact: Fact, counts: Counts, context: Context, gates: bool, *, shrunken: float, smallest: float | None) -> Finding:
    rule = family.asked
    outcome, verdict = fact.outcome, fact.verdict
    needed = rows_needed(family, fact, counts) if verdict is Verdict.INCONCLUSIVE and not fact.is_partial else None
    has_interval = not fact.is_reference and math.isfinite(fact.lower) and math.isfinite(fact.upper) and not math.isnan(fact.value)
    return Finding(
        rule=rule.id,
        extends=rule.extends,
        metric=family.metric.id,
        kind=rule.comparison.value,
        slicing=family.slicing,
        group=family.group(fact.candidate),
        reference=family.reference_group(fact.candidate),
        control=family.within.control if family.within else (),
        threshold=context.threshold,
        value=fact.value if math.isfinite(fact.value) else None,
        interval=(fact.lower, fact.upper) if has_interval else None,
        limit=family.asked_line.open_ends,
        limit_origin=rule.limit_origin.value,
        serious=family.asked_serious.nearest(fact.value),
        outcome=outcome,
        verdict=verdict,
        needed_for_pass=gates and (bool(family.gating[fact.candidate]) or rule.small_groups is SmallGroups.GATE),
        severity=rule.severity,
        p_adjusted=None if math.isnan(fact.p_adjusted) else fact.p_adjusted,
        alpha=family.alpha,
        family=family.name,
        rows=fact.rows,
        events=None if math.isnan(fact.events) else fact.events,
        rows_needed=needed,
        detectable=smallest,
        shrunken=None if math.isnan(shrunken) else shrunken,
        reason=reason(family, fact, needed),
        notes=(*notes(fact), *left_out_of_strata(family, fact), *of_change(family, fact)),
    )


def _too_few_groups(family: Family, counts: Counts, context: Context, gates: bool) -> Finding:
    rule, needed = family.asked, _rows_for_enough(family, counts)
    return Finding(
        rule=rule.id,
        extends=rule.extends,
        metric=family.metric.id,
        kind=rule.comparison.value,
        slicing=family.slicing,
        group=None,
        reference=None,
        threshold=context.threshold,
        value=None,
        interval=None,
        limit=family.asked_line.open_ends,
        limit_origin=rule.limit_origin.value,
        serious=None,
        outcome=Outcome.UNDECIDED if _has_values(family) else Outcome.UNDEFINED,
        verdict=Verdict.INCONCLUSIVE,
        needed_for_pass=gates,
        severity=rule.severity,
        alpha=family.alpha,
        family=family.name,
        rows=int(family.everyone.rows[0]),
        events=float(family.everyone.events[0]) if isinstance(family.everyone, Tally) else None,
        rows_needed=needed[-1] if needed else None,
        reason=too_few(family, needed, gates=gates),
    )


def _has_values(family: Family) -> bool:
    """Whether anything was seen of any group, or of any that has somebody to be compared with."""
    values = family.candidates.value if family.within is None else family.within.value(family.rule)
    return bool(np.isfinite(values).any())


def _rows_for_enough(family: Family, counts: Counts) -> tuple[RowsNeeded, ...]:
    """The rows that bring enough groups to the minimum, by group, the most at the end; empty where there are no such groups."""
    candidates = [place for place, one in enumerate(family.slices) if not one.has_missing and place not in family.yardsticks]
    lacking = sorted(filter(None, (rows_to_minimum(family, place, counts) for place in candidates)), key=lambda needed: needed.rows)
    last = max(needed_groups(family) - able(family), 1) - 1
    return tuple(lacking[: last + 1]) if last < len(lacking) else ()
