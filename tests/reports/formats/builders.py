"""Rulings: one finding in each state, many findings, and any that hypothesis can think of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
from hypothesis import strategies as st

from fairaudit.cube.slices import Slice
from fairaudit.evidence.measurement import Group, GroupKind
from fairaudit.gate.policy import Policy, Remark, Ruling, State, ruled
from fairaudit.gate.waiver import Waiver
from fairaudit.metrics.catalogue import CATALOGUE
from fairaudit.reports.lookup import Lookup, lookup
from fairaudit.result import Audit
from fairaudit.rules.finding import DISAGREEMENT, Finding, Outcome, RowsNeeded, Severity, Verdict
from tests.reports.builders import OTHER, WHITE, audit, finding, rule, undecided

TODAY = date(2026, 11, 26)
WAIVER = Waiver(rule="four-fifths", slice={"race": "Black"}, owner="ada", reason="data are being collected", created=TODAY, expires=TODAY, holds_to=0.5, ticket="FAIR-7")


@dataclass(frozen=True)
class Ruled:
    audit: Audit
    ruling: Ruling

    @property
    def known(self) -> Lookup:
        return lookup(self.audit)


def made(findings: Sequence[Finding], *, waived: Sequence[int] = (), policy: Policy | None = None, remarks: Sequence[Remark] = (), **changes: Any) -> Ruled:
    changes.setdefault("rules", (rule(),))
    return Ruled(audit(findings, **changes), ruled(findings, policy or Policy(), as_of=TODAY, waived=dict.fromkeys(waived, WAIVER), remarks=remarks))


PASSING = finding(0.97, verdict=Verdict.PASS, outcome=Outcome.WITHIN, reason="within the limit", group=Group(slice=OTHER))
DIFFERING = finding(rule=DISAGREEMENT, verdict=Verdict.INCONCLUSIVE, limit=(None, None), reason="selection_rate (ratio) of race=Black: native says 0.4; tfma says 0.5")
# Beside one that passes, so that each decides alone.
STATES: dict[State, Ruled] = {
    State.PASS: made([PASSING]),
    State.NOTED: made([PASSING, undecided(needed_for_pass=False)]),
    State.WAIVED: made([PASSING, finding()], waived=(1,)),
    State.WARN: made([PASSING, finding(severity=Severity.WARN)]),
    State.INCONCLUSIVE: made([PASSING, undecided()]),
    State.FAIL: made([PASSING, finding()]),
    State.ERROR: made([PASSING, DIFFERING]),
}
EVERYTHING = made(
    [PASSING, finding(), undecided(group=Group(slice=OTHER)), finding(group=Group(slice=WHITE)), DIFFERING], waived=(3,),
    remarks=(Remark(id="waiver-unused", state=State.WARN, sentence="The waiver of race=Other is not used; take it out.", rule="four-fifths", slice=OTHER),),
)  # fmt: skip
NOTHING = made([])
WORSE = Ruled(audit([PASSING, finding(0.4)], rules=(rule(),)), ruled([PASSING, finding(0.4)], Policy(), as_of=TODAY, exceeded={1: WAIVER}))


def many(number: int) -> Ruled:
    """As many findings as an audit of thousands of slices has, every third of them violated, every fourth undecided."""
    kinds = (finding(), PASSING, PASSING, undecided(), finding(severity=Severity.INFO), PASSING, PASSING, undecided(needed_for_pass=False))
    return made([msgspec.structs.replace(kinds[place % len(kinds)], group=Group(slice=Slice([("race", f"group {place}")])), p_adjusted=place / number) for place in range(number)])


NASTY = ("<b>&amp;", "]]>", "a|b", "\x00\x1b[2J\x85", "\ud800", "\udfff x", "\ufffe\uffff\ufdd0", "\u202eetihW", "x" * 300, "[a](http://x.example)", "`a``b", "\n# h\r\n- b", "{0}{", "@ada", "![x](y)", "www.x.example", "$x$", "\\|", "-->", "\U0010ffff", "é \u2028", "")
TEXTS = st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=()), max_size=40)
NAMES = TEXTS.map(lambda text: text or "empty")  # a rule's id is never empty
_SLICES = st.builds(lambda values: Slice(values.items()), st.dictionaries(TEXTS, st.none() | TEXTS, max_size=3))
_GROUPS = st.builds(Group, slice=_SLICES) | st.builds(Group, kind=st.just(GroupKind.POOL), members=st.lists(_SLICES, max_size=8).map(tuple)) | st.builds(Group, kind=st.sampled_from([GroupKind.REST, GroupKind.OVERALL]), slice=_SLICES)
_NUMBERS = st.floats(-1e12, 1e12)
_LIMITS = st.sampled_from([(0.8, None), (None, 1.25), (0.8, 1.25), (-0.1, None), (None, 0.1), (None, None)])


@st.composite
def findings(draw: st.DrawFn, rules: Sequence[str]) -> Finding:
    kind = draw(st.sampled_from(["ratio", "difference", "gap", "min_max_ratio", "value"]))
    pair = kind in ("gap", "min_max_ratio")
    value = draw(st.none() | _NUMBERS)
    return Finding(
        rule=draw(st.sampled_from([*rules, DISAGREEMENT])), metric=draw(st.sampled_from(sorted(CATALOGUE))), kind=kind, slicing=tuple(draw(st.lists(TEXTS, max_size=3))),
        group=draw(_GROUPS) if pair else draw(st.none() | _GROUPS), reference=draw(_GROUPS) if pair else draw(st.none() | _GROUPS), threshold=0.5, value=value,
        interval=draw(st.none() | st.tuples(_NUMBERS, _NUMBERS).map(lambda ends: (min(ends), max(ends)))) if value is not None else None, limit=draw(_LIMITS),
        limit_origin="ours", serious=draw(st.none() | _NUMBERS), outcome=draw(st.sampled_from(Outcome)), verdict=draw(st.sampled_from(Verdict)), needed_for_pass=draw(st.booleans()),
        severity=draw(st.sampled_from(Severity)), p_adjusted=draw(st.none() | st.floats(0, 1)), rows=draw(st.integers(0, 10**9)),
        rows_needed=draw(st.none() | st.builds(RowsNeeded, group=_GROUPS, rows=st.integers(1, 10**9))), reason=draw(TEXTS), notes=tuple(draw(st.lists(TEXTS, max_size=2))),
    )  # fmt: skip


@st.composite
def rulings(draw: st.DrawFn) -> Ruled:
    """Any ruling on any findings of any rules."""
    ids = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    rules = [rule(id=one, title=draw(NAMES), principle=draw(NAMES), rationale=draw(TEXTS), not_for=tuple(draw(st.lists(TEXTS, max_size=2)))) for one in ids]
    found = draw(st.lists(findings(ids), max_size=6))
    waivers = st.builds(
        Waiver, rule=NAMES, slice=st.just({}), owner=NAMES, reason=NAMES, created=st.just(TODAY), expires=st.dates(), holds_to=_NUMBERS, ticket=st.none() | NAMES
    )  # fmt: skip
    remarks = st.builds(Remark, id=st.sampled_from(["waiver-expired", "waiver-unused", "missing-slice"]) | NAMES, state=st.sampled_from(State), sentence=NAMES, rule=TEXTS, slice=st.none() | _SLICES)
    policy = draw(st.builds(Policy, inconclusive=st.sampled_from(["fail", "warn", "pass"]), fail_on=st.sampled_from(["fail", "warn"])))
    waived = {place: draw(waivers) for place in range(len(found)) if draw(st.booleans())}
    exceeded = {place: draw(waivers) for place in range(len(found)) if place not in waived and draw(st.booleans())}
    ruling = ruled(found, policy, as_of=draw(st.dates()), waived=waived, exceeded=exceeded, remarks=draw(st.lists(remarks, max_size=3)))
    return Ruled(audit(found, rules=rules), ruling)


