"""The gate's ruling in words, on the terminal and in the report."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from fairaudit.evidence.measurement import Group
from fairaudit.gate.gating import ruling
from fairaudit.gate.policy import Policy, Remark, Ruling, State
from fairaudit.gate.waiver import Waiver
from fairaudit.reports.gated import gate_verdict
from fairaudit.reports.html import render
from fairaudit.reports.lookup import lookup
from fairaudit.reports.terminal import summary
from fairaudit.result import Audit
from fairaudit.rules.finding import Outcome, Severity, Verdict
from tests.reports.builders import OTHER, audit, finding, rule, undecided
from tests.reports.test_html import TEXT, Parsed, page_text

DAY = date(2026, 11, 26)
PASSING = finding(0.97, group=Group(slice=OTHER), verdict=Verdict.PASS, outcome=Outcome.WITHIN, reason="within the limit")
VIOLATED, WARNED = finding(), finding(0.7, group=Group(slice=OTHER), severity=Severity.WARN)
TWO = audit([finding(), finding(0.6, group=Group(slice=OTHER))])


def waiver(**changes: Any) -> Waiver:
    given: dict[str, Any] = {"rule": "four-fifths", "slice": {"race": "Black"}, "owner": "Ada L.", "reason": "new data are being collected", "created": DAY, "expires": date(2027, 1, 31), "holds_to": 0.55, "ticket": "T-12"}
    return Waiver(**(given | changes))


def ruled(one: Audit, *waivers: Waiver, **policy: Any) -> Ruling:
    return ruling(one, Policy(**policy), waivers=waivers, as_of=DAY)


BOTH, FIRST, EXPIRED = (waiver(), waiver(slice={"race": "Other"})), (waiver(),), (waiver(expires=date(2026, 11, 25), created=date(2026, 11, 1)),)
OPEN = audit([PASSING, undecided()])
# The audit, waivers, the policy; the gate's word and sentence.
SAID: dict[str, tuple[Audit, tuple[Waiver, ...], dict[str, Any], str, str]] = {
    "all waived": (TWO, BOTH, {}, "Pass", "Nothing fails the gate: 2 violations waived"),
    "one of two": (TWO, FIRST, {}, "Fail", "The audited decisions violate “Four-fifths rule (adverse impact)”; 1 violation waived"),
    "none": (TWO, (), {}, "Fail", "The audited decisions violate “Four-fifths rule (adverse impact)”"),
    "waived, and a warning": (audit([VIOLATED, WARNED]), FIRST, {}, "Pass", "Nothing fails the gate: 1 violation waived, 1 warning"),
    "a warning that fails": (audit([PASSING, WARNED]), (), {"fail_on": "warn"}, "Fail", "The audited decisions violate “Four-fifths rule (adverse impact)”"),
    "expired": (audit([VIOLATED, PASSING]), EXPIRED, {}, "Fail", "The audited decisions violate “Four-fifths rule (adverse impact)”; 1 waiver that is not in force"),
    "expired, and nothing is violated": (audit([PASSING]), EXPIRED, {}, "Fail", "No violation fails the gate, but something else does; 1 waiver that is not in force"),
    "worse than waived": (audit([VIOLATED]), (waiver(holds_to=0.7),), {}, "Fail", "The audited decisions violate “Four-fifths rule (adverse impact)”; 1 violation that is worse than waived"),
    "stale": (audit([PASSING]), FIRST, {}, "Pass", "No violation of “Four-fifths rule (adverse impact)” was found: 1 warning"),
    "stale, which fails": (audit([PASSING]), FIRST, {"unused_waivers": "fail"}, "Fail", "No violation fails the gate, but something else does; 1 waiver that is not used"),
    "not decided": (OPEN, (), {}, "Inconclusive", "The data can neither show nor rule out a violation: 1 comparison that must be decided is not"),
    "not decided beside waived": (audit([VIOLATED, undecided(group=Group(slice=OTHER))]), FIRST, {}, "Inconclusive", "The data can neither show nor rule out a violation: 1 comparison that must be decided is not; 1 violation waived"),
    "not decided, which only warns": (OPEN, (), {"inconclusive": "warn"}, "Pass", "Nothing fails the gate: 1 warning"),
    "not decided, which passes": (OPEN, (), {"inconclusive": "pass"}, "Pass", "Nothing fails the gate: 1 comparison is let pass undecided"),
    "no rules": (audit(), FIRST, {}, "No verdict", "No rules were asked for, so there is no verdict; the numbers below are given as they are."),
    "engines disagree": (audit([VIOLATED, finding(rule="engine-disagreement", reason="native says 0.4, tfma 0.5")], rules=[rule()]), FIRST, {}, "No verdict", "The engines that computed this audit disagree on 1 number, so no verdict can be relied on."),
}  # fmt: skip


@pytest.mark.parametrize("case", SAID)
def test_the_gates_word_and_sentence(case: str) -> None:
    one, waivers, policy, word, sentence = SAID[case]
    badge, said = gate_verdict(lookup(one), ruled(one, *waivers, **policy))
    assert (badge.word, said) == (word, sentence)
    assert summary(one, ruled(one, *waivers, **policy)).startswith(f"{word.upper()}  {sentence.removesuffix('.')}")


def test_the_summary_of_a_waived_violation_in_full() -> None:
    assert summary(TWO, ruled(TWO, *FIRST, waiver(slice={"race": "Blak"}))).split("\n\n")[:2] == [
        "FAIL  The audited decisions violate “Four-fifths rule (adverse impact)”; 1 violation waived, 1 warning.",
        "  FAIL  four-fifths: race=Other: selection_rate ratio 0.6 against race=White (allowed: at least 0.8 times)\n"
        "  WAIVED  four-fifths: race=Black: selection_rate ratio 0.61 against race=White (allowed: at least 0.8 times); 95% interval 0.55 to 0.67; waived to 0.55 until 2027-01-31. Ada L.: new data are being collected (T-12)\n"
        "  WARNING  waiver-unused: The waiver of four-fifths on race=Blak, owned by Ada L., waives nothing: race has no value 'Blak' in this audit; did you mean 'Black'?",
    ]


def test_without_a_gate_the_summary_is_the_audits() -> None:
    assert summary(TWO) == summary(TWO, ruled(TWO)) and summary(TWO) != summary(TWO, ruled(TWO, *FIRST))


def test_all_that_is_waived_is_shown_however_much() -> None:
    many = audit([finding(group=Group(slice=OTHER), slicing=(f"a{number}",)) for number in range(30)])
    every = [waiver(rule="four-fifths", slice={"race": "Other"})]
    assert summary(many, ruled(many, *every)).count("  WAIVED  ") == 30


def test_what_has_vanished_is_counted_by_what_it_is() -> None:
    gone = [("missing-slice", OTHER), ("missing-slice", None), ("missing-slice", OTHER), ("missing-slice", None), ("something-else", None)]
    remarks = tuple(Remark(id=id, state=State.INCONCLUSIVE, sentence="So", slice=slice_) for id, slice_ in gone)
    one = audit([PASSING])
    told = gate_verdict(lookup(one), msgspec.structs.replace(ruled(one), remarks=remarks))[1]
    assert told == (
        "No comparison keeps the gate from passing, but something else does: 2 slices that have vanished since the baseline, 2 slicings or rules that have vanished since the baseline, "
        "1 remark that keeps it from passing"
    )


def test_the_gravest_remark_comes_first() -> None:
    remarks = tuple(Remark(id=f"r-{state}", state=state, sentence="So") for state in (State.NOTED, State.WARN, State.FAIL))
    told = summary(TWO, msgspec.structs.replace(ruled(TWO), remarks=remarks))
    assert re.findall(r"r-\w+: So\.", told) == ["r-fail: So.", "r-warn: So.", "r-noted: So."]


def test_the_report_shows_what_is_waived_and_what_is_remarked() -> None:
    text = " ".join(page_text(render(TWO, ruled(TWO, *FIRST, waiver(slice={"race": "Blak"})))).split())
    assert "The gate on 2026-11-26" in text and "The gate, on 2026-11-26: ✕ Fail The audited decisions violate" in text
    assert "~ Waived People whose race is Black are selected 0.61 times as often" in text and "95% interval 0.55 to 0.67" in text
    assert "The rule allows at least 0.8 times; waived to 0.55 until 2027-01-31." in text and "Ada L.: new data are being collected (T-12)." in text
    assert "! Warning The waiver of four-fifths on race=Blak" in text
    assert "The gate on" not in page_text(render(TWO)) and render(TWO) == render(TWO, None)


def test_the_same_ruling_gives_the_same_page() -> None:
    assert render(TWO, ruled(TWO, *BOTH)) == render(TWO, ruled(TWO, *BOTH))


@settings(max_examples=30)
@given(TEXT)
def test_no_text_of_a_waiver_can_act_on_the_page_or_the_terminal(text: str) -> None:
    hostile = ruled(TWO, waiver(owner=text, reason=text, ticket=text), waiver(slice={"race": text}, owner=text))
    harmless = ruled(TWO, waiver(owner="a", reason="a", ticket="a"), waiver(slice={"race": "a"}, owner="a"))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", summary(TWO, hostile))
    assert len(summary(TWO, hostile).splitlines()) == len(summary(TWO, harmless).splitlines())
    assert Parsed(render(TWO, hostile)).tags == Parsed(render(TWO, harmless)).tags
