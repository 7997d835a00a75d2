"""Entries for what is violated today, and those that have become too lenient: what `fairaudit waive` writes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from fairaudit.gate.policy import can_be_waived
from fairaudit.gate.waiver import Waiver, matches, target_of
from fairaudit.gate.waivers import is_better, is_low, is_worse, not_in_force, worst_end
from fairaudit.result import Audit
from fairaudit.rules.finding import Finding


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says of the entries that are written."""

    owner: str
    reason: str
    created: date
    expires: date
    ticket: str | None = None


class Sorted(msgspec.Struct, frozen=True, kw_only=True):
    """Violations, by what can be done about them."""

    new: tuple[tuple[Finding, Waiver], ...]  # with the entry that waives it
    held: tuple[tuple[Finding, Waiver], ...]  # that an entry waives already
    unheld: tuple[tuple[Finding, str], ...]  # that an entry is for which does not apply, and why: it would have to be loosened
    endless: tuple[Finding, ...]  # that no number can tolerate


def sorted_out(violations: Sequence[Finding], waivers: Sequence[Waiver], terms: Terms, audit: Audit) -> Sorted:
    """New entries for violations that no entry is for; what one is for is left to it."""
    new, held, unheld, endless = [], [], [], []
    for one in violations:
        mine = next((waiver for waiver in waivers if matches(waiver, one)), None)
        if mine is not None and (why := _does_not_hold(one, mine, terms.created)):
            unheld.append((one, why))
        elif mine is not None:
            held.append((one, mine))
        elif (worst := worst_end(one)) is None:
            endless.append(one)
        else:
            new.append((one, _entry(one, worst, terms, audit)))
    return Sorted(new=tuple(new), held=tuple(held), unheld=tuple(unheld), endless=tuple(endless))


def tightened(findings: Sequence[Finding], waivers: Sequence[Waiver]) -> Mapping[int, float]:
    """Where `holds_to` can move without loosening anything, by the place of the waiver: the worse end of the interval of every violation it is for is better than it."""
    moved: dict[int, float] = {}
    for place, waiver in enumerate(waivers):
        violated = [one for one in findings if can_be_waived(one) and matches(waiver, one)]
        ends = [end for one in violated if (end := worst_end(one)) is not None]
        sides = {is_low(one) for one in violated}
        if len(sides) == 1 and all(is_better(one, waiver.holds_to) for one in violated):
            moved[place] = min(ends) if sides.pop() else max(ends)
    return moved


def _does_not_hold(finding: Finding, waiver: Waiver, as_of: date) -> str:
    if why := not_in_force(waiver, as_of):
        return why
    return f"{waiver} holds to {waiver.holds_to:.6g}, and this is worse" if is_worse(finding, waiver.holds_to) else ""


def _entry(finding: Finding, holds_to: float, terms: Terms, audit: Audit) -> Waiver:
    kind, several = target_of(finding)[0], any(rule.id == finding.rule and len(rule.metrics) > 1 for rule in audit.rules)
    return Waiver(
        rule=finding.rule,
        slice=dict(finding.group.slice.values) if kind == "slice" and finding.group is not None else None,
        small_groups=finding.slicing if kind == "small_groups" else None,
        all_groups=finding.slicing if kind == "all_groups" else None,
        metric=finding.metric if several else None,
        owner=terms.owner,
        reason=terms.reason,
        created=terms.created,
        expires=terms.expires,
        holds_to=holds_to,
        ticket=terms.ticket,
    )
