from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairaudit.cube.slices import Slice
from fairaudit.evidence.measurement import Group, GroupKind
from fairaudit.gate.policy import Policy, Ruling, State, ruled
from fairaudit.gate.waiver import Waiver, whom
from fairaudit.gate.waivers import applied
from fairaudit.rules.finding import DISAGREEMENT, Finding, Outcome, Severity, Verdict
from tests.gate.builders import POOL, TODAY, finding, waiver

WAIVED, FAIL, WARN, PASS, NOTED = State.WAIVED, State.FAIL, State.WARN, State.PASS, State.NOTED
PASSING, OPEN = finding(0.97, verdict=Verdict.PASS), finding(verdict=Verdict.INCONCLUSIVE)


def ruling(findings: Sequence[Finding], waivers: Sequence[Waiver], policy: Policy = Policy(), as_of: date = TODAY) -> Ruling:  # noqa: B008 it is frozen
    found = applied(findings, waivers, policy, as_of=as_of)
    return ruled(findings, policy, as_of=as_of, waived=found.waived, exceeded=found.exceeded, remarks=found.remarks)


def days(number: int) -> date:
    return TODAY + timedelta(days=number)


# What is found, the waiver, what becomes of the finding, the remarks with their states, and the exit code.
STATES: dict[str, tuple[Finding, Waiver, State, list[tuple[str, State]], int]] = {
    "it applies": (finding(), waiver(), WAIVED, [], 0),
    "exactly as bad as is tolerated": (finding(0.55), waiver(), WAIVED, [], 0),
    "as bad, but for rounding": (finding(0.55 - 1e-12), waiver(), WAIVED, [], 0),
    "worse than waived": (finding(0.549), waiver(), FAIL, [("worse-than-waived", FAIL)], 1),
    "infinitely far off": (finding(None, limit=(None, 1.25)), waiver(holds_to=1e9), FAIL, [("worse-than-waived", FAIL)], 1),
    "its last day": (finding(), waiver(expires=TODAY), WAIVED, [("waiver-expiring", WARN)], 0),
    "expired yesterday": (finding(), waiver(expires=days(-1)), FAIL, [("waiver-expired", FAIL)], 1),
    "one day left": (finding(), waiver(expires=days(1)), WAIVED, [("waiver-expiring", WARN)], 0),
    "fourteen days left": (finding(), waiver(expires=days(14)), WAIVED, [("waiver-expiring", WARN)], 0),
    "fifteen days left": (finding(), waiver(expires=days(15)), WAIVED, [], 0),
    "created today": (finding(), waiver(created=TODAY), WAIVED, [], 0),
    "created tomorrow": (finding(), waiver(created=days(1)), FAIL, [("waiver-expired", FAIL)], 1),
    "worse and about to expire": (finding(0.5), waiver(expires=TODAY), FAIL, [("worse-than-waived", FAIL), ("waiver-expiring", WARN)], 1),
    "unused": (PASSING, waiver(), PASS, [("waiver-unused", WARN)], 0),
    "expired, and what it was for has gone": (PASSING, waiver(expires=days(-1)), PASS, [("waiver-expired", FAIL)], 1),
    "created tomorrow, and nothing is violated": (PASSING, waiver(created=days(1)), PASS, [("waiver-expired", FAIL)], 1),
    "expired, and not decided": (OPEN, waiver(expires=days(-1)), State.INCONCLUSIVE, [("waiver-expired", FAIL)], 1),
    "expired, of another rule": (PASSING, waiver(rule="equal-opportunity", expires=days(-1)), PASS, [("waiver-expired", FAIL)], 1),
    "expired, of a slice that is not here": (PASSING, waiver(slice={"race": "Blak"}, expires=days(-1)), PASS, [("waiver-expired", FAIL)], 1),
    "unused and about to expire": (PASSING, waiver(expires=TODAY), PASS, [("waiver-unused", WARN), ("waiver-expiring", WARN)], 0),
    "unused, fifteen days left": (PASSING, waiver(expires=days(15)), PASS, [("waiver-unused", WARN)], 0),
    "not decided": (OPEN, waiver(), State.INCONCLUSIVE, [("waiver-unused", WARN)], 3),
    "another rule": (finding(), waiver(rule="equal-opportunity"), FAIL, [("waiver-unused", WARN)], 1),
    "the metric of a rule on one": (finding(), waiver(metric="selection_rate"), WAIVED, [], 0),
    "a metric by its alias": (finding(metric="true_positive_rate"), waiver(metric="tpr"), WAIVED, [], 0),
    "another metric": (finding(metric="true_positive_rate"), waiver(metric="fpr"), FAIL, [("waiver-unused", WARN)], 1),
    "a parent does not cover its children": (finding(of={"race": "Black", "sex": "f"}), waiver(), FAIL, [("waiver-unused", WARN)], 1),
    "nor a child its parent": (finding(), waiver(slice={"race": "Black", "sex": "f"}), FAIL, [("waiver-unused", WARN)], 1),
    "a cross in another order": (finding(of={"race": "Black", "sex": "f"}), waiver(slice={"sex": "f", "race": "Black"}), WAIVED, [], 0),
    "a missing value": (finding(of={"race": None}), waiver(slice={"race": None}), WAIVED, [], 0),
    "a value that reads as a missing one": (finding(of={"race": None}), waiver(slice={"race": "(missing)"}), FAIL, [("waiver-unused", WARN)], 1),
    "no wildcard": (finding(), waiver(slice={"race": "*"}), FAIL, [("waiver-unused", WARN)], 1),
    "the small groups together": (finding(of=POOL, slicing=("race",)), waiver(small_groups=("race",)), WAIVED, [], 0),
    "the small groups are none of them": (finding(of=POOL, slicing=("race",)), waiver(slice={"race": "Other"}), FAIL, [("waiver-unused", WARN)], 1),
    "the small groups of another slicing": (finding(of=POOL, slicing=("race",)), waiver(small_groups=("sex",)), FAIL, [("waiver-unused", WARN)], 1),
    "a gap, whichever two": (finding(0.2, kind="gap", limit=(None, 0.1)), waiver(all_groups=("race",), holds_to=0.25), WAIVED, [], 0),
    "a gap is not of its slice": (finding(0.2, kind="gap", limit=(None, 0.1)), waiver(holds_to=0.25), FAIL, [("waiver-unused", WARN)], 1),
    "one number over all groups": (finding(0.4, metric="differential_fairness", kind="value", limit=(None, 0.22)), waiver(all_groups=("race",), holds_to=0.5), WAIVED, [], 0),
    "over all, nobody named": (
        finding(0.4, metric="differential_fairness", kind="value", limit=(None, 0.22), of=Group(kind=GroupKind.OVERALL), slicing=("sex", "race")), waiver(all_groups=("race", "sex"), holds_to=0.5), WAIVED, [], 0,
    ),
    "a rule that only warns": (finding(severity=Severity.WARN), waiver(), WAIVED, [], 0),
    "one that only warns, worse": (finding(0.5, severity=Severity.WARN), waiver(), WARN, [("worse-than-waived", WARN)], 0),
    "one that only informs, worse": (finding(0.5, severity=Severity.INFO), waiver(), NOTED, [("worse-than-waived", NOTED)], 0),
    "one that only warns, expired": (finding(severity=Severity.WARN), waiver(expires=days(-1)), WARN, [("waiver-expired", FAIL)], 1),
}  # fmt: skip


@pytest.mark.parametrize("case", STATES)
def test_the_table_of_every_state_of_a_waiver(case: str) -> None:
    one, given_, state, remarks, code = STATES[case]
    found = ruling([one], [given_])
    assert found.standings[0].state is state and (found.standings[0].waiver is given_) == (state is WAIVED)
    assert (found.standings[0].exceeded is given_) == ("worse-than-waived" in dict(remarks))
    assert [(each.id, each.state, each.rule) for each in found.remarks] == [(*remark, given_.rule) for remark in remarks]
    assert found.exit_code == code


# limit, value, holds_to: whether it is tolerated. A difference of −0.15 is worse than −0.1, one of 0.15 worse than 0.1.
SIDES = [
    ((0.8, None), 0.6, 0.6, True), ((0.8, None), 0.6, 0.61, False),
    ((None, 1.25), 1.5, 1.5, True), ((None, 1.25), 1.5, 1.49, False),
    ((-0.1, None), -0.15, -0.15, True), ((-0.1, None), -0.15, -0.14, False), ((-0.1, None), -0.15, 0.15, False),
    ((None, 0.1), 0.15, 0.16, True), ((None, 0.1), 0.15, 0.14, False),
    ((-0.05, 0.05), -0.07, -0.08, True), ((-0.05, 0.05), -0.07, 0.08, False), ((-0.05, 0.05), 0.07, 0.08, True), ((-0.05, 0.05), 0.07, -0.08, False),
    ((0.8, 1.25), 1.3, 1.4, True), ((0.8, 1.25), 1.3, 0.7, False), ((0.8, 1.25), 0.75, 0.7, True), ((0.8, 1.25), 0.75, 1.4, False),
]  # fmt: skip


@pytest.mark.parametrize(("limit", "value", "holds_to", "tolerated"), SIDES)
def test_worse_is_further_on_the_side_of_the_limit_that_the_value_is_past(limit: Any, value: float, holds_to: float, tolerated: bool) -> None:
    assert (ruling([finding(value, limit=limit)], [waiver(holds_to=holds_to)]).standings[0].state is WAIVED) == tolerated


def test_without_a_metric_it_is_of_all_that_the_rule_judges_and_each_may_be_worse() -> None:
    tpr, fpr = (finding(value, metric=name) for name, value in (("true_positive_rate", 0.6), ("false_positive_rate", 0.5)))
    found = ruling([tpr, fpr], [waiver()])
    assert [one.state for one in found.standings] == [WAIVED, FAIL] and [one.id for one in found.remarks] == ["worse-than-waived"]
    narrowed = ruling([tpr, fpr], [waiver(metric="tpr"), waiver(metric="fpr", holds_to=0.45)])
    assert [one.state for one in narrowed.standings] == [WAIVED, WAIVED]


@pytest.mark.parametrize("unused_waivers", ["warn", "fail"])
@pytest.mark.parametrize("inconclusive", ["warn", "pass"])
@pytest.mark.parametrize("case", [case for case, (*_, remarks, _) in STATES.items() if "waiver-expired" in dict(remarks)])
def test_no_policy_lets_a_waiver_pass_that_is_not_in_force(case: str, inconclusive: Any, unused_waivers: Any) -> None:
    one, given_, *_ = STATES[case]
    found = ruling([one], [given_], Policy(inconclusive=inconclusive, unused_waivers=unused_waivers))
    assert [(each.id, each.state) for each in found.remarks] == [("waiver-expired", FAIL)] and found.exit_code == 1


def test_an_unused_waiver_fails_the_build_where_that_is_asked_for() -> None:
    found = ruling([PASSING], [waiver()], Policy(unused_waivers="fail"))
    assert [one.state for one in found.remarks] == [FAIL] and found.exit_code == 1


def test_a_warning_that_fails_the_build_is_as_worse_than_waived() -> None:
    assert ruling([finding(0.5, severity=Severity.WARN)], [waiver()], Policy(fail_on="warn")).remarks[0].state is FAIL


WHY = {
    "a rule": (waiver(rule="four-fifth"), "the rule 'four-fifth' was not judged; did you mean 'four-fifths'?"),
    "a rule like none": (waiver(rule="x"), "the rule 'x' was not judged; judged were four-fifths."),
    "an attribute": (waiver(slice={"rase": "Black"}), "four-fifths judged nothing by 'rase'; did you mean 'race'?"),
    "a value": (waiver(slice={"race": "Blak"}), "race has no value 'Blak' in this audit; did you mean 'Black'?"),
    "a missing value": (waiver(slice={"sex": None}), "sex has no missing values in this audit; its values are f."),
    "a missing value by its name": (waiver(slice={"race": "(missing)"}), "race has no value '(missing)'; a missing value is written null."),
    "a crossing": (waiver(slice={"race": "Black", "sex": "f"}), "four-fifths was not judged by race and sex together;"),
    "a gap": (waiver(all_groups=("race",)), "four-fifths judged nothing of all groups of race; judged were race=Black, race=(missing)."),
    "a metric": (waiver(metric="tpr"), "the rule does not judge 'tpr' there; it judges selection_rate."),
    "what passes": (waiver(slice={"race": None}), "this is not violated now; take the entry out, or it hides the next violation."),
    "what is open": (waiver(slice={"sex": "f"}), "it cannot be decided now whether this is violated, and what is not decided cannot be waived."),
}


@pytest.mark.parametrize("case", WHY)
def test_an_unused_waiver_says_what_the_audit_has_instead(case: str) -> None:
    given_, sentence = WHY[case]
    found = ruling([finding(), finding(of={"race": None}, verdict=Verdict.PASS), finding(of={"sex": "f"}, verdict=Verdict.INCONCLUSIVE)], [given_])
    assert [one.id for one in found.remarks] == ["waiver-unused"]
    assert found.remarks[0].sentence.startswith("The waiver of ") and sentence in found.remarks[0].sentence


def test_slices_of_crosses_are_told_apart() -> None:
    crosses = [finding(of={"race": race, "sex": "f"}) for race in ("Black", "White")]
    (told,) = ruling(crosses, [waiver(slice={"race": "Asian"})]).remarks
    assert told.sentence.endswith("waives nothing: four-fifths was not judged by race alone; judged were race=Black, sex=f; race=White, sex=f.")


def test_remarks_name_the_waiver_and_say_what_to_do() -> None:
    said = [ruling([STATES[case][0]], [STATES[case][1]]).remarks[0].sentence for case in ("worse than waived", "its last day", "one day left", "fourteen days left", "expired yesterday", "created tomorrow", "expired, and what it was for has gone", "expired, and not decided", "expired, of a slice that is not here")]
    assert said == [
        "Worse than waived: selection_rate ratio is 0.549, and the waiver of four-fifths on race=Black, owned by ada, holds to 0.55 only.",
        "The waiver of four-fifths on race=Black, owned by ada, expires on 2026-11-26, today; after that day it fails the build until it is removed or renewed.",
        "The waiver of four-fifths on race=Black, owned by ada, expires on 2026-11-27, tomorrow; after that day it fails the build until it is removed or renewed.",
        "The waiver of four-fifths on race=Black, owned by ada, expires on 2026-12-10, in 14 days; after that day it fails the build until it is removed or renewed.",
        "The waiver of four-fifths on race=Black, owned by ada, has expired on 2026-11-25; what it is for is violated. Remove it, or renew it by a new `created` and `expires`.",
        "The waiver of four-fifths on race=Black, owned by ada, is created on 2026-11-27, after 2026-11-26, the day of this ruling (UTC); what it is for is violated. Mend `created`, or remove it until then.",
        "The waiver of four-fifths on race=Black, owned by ada, has expired on 2026-11-25; nothing is violated that it is for. Remove it, or renew it by a new `created` and `expires`.",
        "The waiver of four-fifths on race=Black, owned by ada, has expired on 2026-11-25; it cannot be decided now whether this is violated, and what is not decided cannot be waived. Remove it, or renew it by a new `created` and `expires`.",
        "The waiver of four-fifths on race=Blak, owned by ada, has expired on 2026-11-25; race has no value 'Blak' in this audit; did you mean 'Black'? Remove it, or renew it by a new `created` and `expires`.",
    ]
    turned = ruling([finding(-0.15, kind="difference", limit=(-0.1, None))], [waiver(holds_to=0.2)]).remarks[0].sentence
    assert turned.endswith("The rule itself allows 0.2, its limit being -0.1, so this waives nothing; check the sign.")


VALUES = st.one_of(st.none(), st.floats(-2, 2))
LIMITS = st.sampled_from([(0.8, None), (None, 0.1), (-0.1, None), (-0.05, 0.05), (0.8, 1.25)])
FINDINGS = st.builds(
    lambda value, limit, verdict, outcome, needed, severity, rule, name: finding(value, limit=limit, verdict=verdict, outcome=outcome, needed_for_pass=needed, severity=severity, rule=rule, of={"race": name}),
    VALUES, LIMITS, st.sampled_from(Verdict), st.sampled_from(Outcome), st.booleans(), st.sampled_from(Severity), st.sampled_from(["four-fifths", DISAGREEMENT]), st.sampled_from(["Black", None]),
)  # fmt: skip
WAIVERS = st.builds(
    lambda name, holds_to, metric, created, left: waiver(slice={"race": name}, holds_to=holds_to, metric=metric, created=days(-created), expires=days(left)),
    st.sampled_from(["Black", None, "White"]), st.floats(-1e300, 1e300), st.sampled_from([None, "selection_rate", "tpr"]), st.integers(-5, 20), st.integers(-5, 30),
)  # fmt: skip


@given(findings=st.lists(FINDINGS, max_size=4), waivers=st.lists(WAIVERS, max_size=4), inconclusive=st.sampled_from(["fail", "warn", "pass"]), fail_on=st.sampled_from(["fail", "warn"]))
def test_no_waiver_ever_changes_what_is_not_a_violation(findings: list[Finding], waivers: list[Waiver], inconclusive: Any, fail_on: Any) -> None:
    policy = Policy(inconclusive=inconclusive, fail_on=fail_on)
    without, found = ruled(findings, policy, as_of=TODAY), ruling(findings, waivers, policy)
    for before, after in zip(without.standings, found.standings, strict=True):
        if before.finding.verdict is not Verdict.FAIL or before.finding.rule == DISAGREEMENT:
            assert after == before
        else:
            assert after.state in (before.state, WAIVED) and (after.state is WAIVED) == (after.waiver is not None)
    if not any(one.state is WAIVED for one in found.standings):
        assert found.exit_code >= without.exit_code or without.exit_code != 0  # and nothing passes that did not


SELECTED, ROWS, OTHERS = 0.3, 500, 0.5


def _drawn(rng: np.random.Generator, rate: float) -> Finding:
    """What four-fifths says of 500 rows selected at this rate, beside 2000 at 0.5; the interval is Katz's (1978), of the logarithm of the ratio."""
    mine, theirs = rng.binomial(ROWS, rate) / ROWS, rng.binomial(4 * ROWS, OTHERS) / (4 * ROWS)
    value, error = mine / theirs, math.sqrt((1 - mine) / (mine * ROWS) + (1 - theirs) / (theirs * 4 * ROWS))
    return finding(value, interval=(value * math.exp(-1.96 * error), value * math.exp(1.96 * error)))


def test_the_ratchet_outlives_noise_and_fails_what_is_truly_worse() -> None:
    """A value waived to the lower end of its interval, 1.96 errors down: on the same distribution a fresh value, which has an error of its own, is lower with Φ(−1.96/√2) = 8 %."""
    rng = np.random.default_rng(7)
    broken, caught = [], []
    for _ in range(2000):
        held = waiver(holds_to=_drawn(rng, SELECTED).interval[0])  # type: ignore[index]
        broken.append(ruling([_drawn(rng, SELECTED)], [held]).exit_code)
        caught.append(ruling([_drawn(rng, SELECTED / 2)], [held]).exit_code)
    assert np.mean(broken) == pytest.approx(0.083, abs=0.02)  # three standard errors of 2000 draws
    assert np.mean(caught) > 0.999


def test_the_same_rows_are_judged_alike_however_often() -> None:
    one = _drawn(np.random.default_rng(3), SELECTED)
    assert ruling([one], [waiver(holds_to=one.interval[0])]).exit_code == 0  # type: ignore[index]


def test_whom_a_finding_and_a_waiver_are_about_is_named_alike() -> None:
    pairs = [
        (finding(), waiver()),
        (finding(of=POOL, slicing=("race", "sex")), waiver(small_groups=("race", "sex"))),
        (finding(kind="gap"), waiver(all_groups=("race",))),
        (finding(of={"race": None}), waiver(slice={"race": None})),
    ]
    assert [whom(one) for one, _ in pairs] == [other.whom for _, other in pairs] == ["race=Black", "the small groups of race*sex", "all groups of race", "race=(missing)"]
    assert ruling([finding()], [waiver(slice={"race": "x"})]).remarks[0].slice == Slice([("race", "x")])
