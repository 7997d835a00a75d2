from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import permutations, product

import pytest

from fairaudit.cube.slices import Slice
from fairaudit.errors import ConfigError
from fairaudit.evidence.measurement import Group
from fairaudit.gate.policy import Policy, Remark, State, ruled, state_of
from fairaudit.gate.waiver import Waiver
from fairaudit.rules.finding import DISAGREEMENT, Finding, Outcome, Severity, Verdict
from fairaudit.rules.judge import judge
from fairaudit.rules.library import load_rule
from fairaudit.rules.plan import Context
from tests.builders import counts_from, slice_called


def finding(verdict: Verdict, *, severity: Severity = Severity.FAIL, needed: bool = True, rule: str = "some-rule", group: str | None = "a", outcome: Outcome = Outcome.UNDECIDED) -> Finding:
    return Finding(
        rule=rule, metric="selection_rate", kind="ratio", slicing=("group",), group=None if group is None else Group(slice=Slice([("group", group)])),
        reference=None, threshold=None, value=None, interval=None, limit=(0.8, None), limit_origin="ours", serious=0.5, outcome=outcome,
        verdict=verdict, needed_for_pass=needed, severity=severity, rows=70, reason="said so",
    )  # fmt: skip


TODAY = date(2026, 11, 26)
WAIVER = Waiver(rule="some-rule", slice={"group": "a"}, owner="ada", reason="data are being collected", created=TODAY, expires=TODAY, holds_to=0.5)
PASSING, FAILING, OPEN = finding(Verdict.PASS), finding(Verdict.FAIL), finding(Verdict.INCONCLUSIVE)
SMALL = finding(Verdict.INCONCLUSIVE, needed=False)
WARNING = finding(Verdict.FAIL, severity=Severity.WARN)
DISAGREEING = finding(Verdict.INCONCLUSIVE, rule=DISAGREEMENT)


@pytest.mark.parametrize(
    ("findings", "code"),
    [
        ([], 2),  # a gate with nothing to judge
        ([PASSING], 0),
        ([PASSING, SMALL], 0),
        ([PASSING, WARNING], 0),
        ([finding(Verdict.INCONCLUSIVE, severity=Severity.INFO)], 0),
        ([PASSING, OPEN], 3),
        ([PASSING, finding(Verdict.INCONCLUSIVE, group=None)], 3),  # too few groups
        ([OPEN, FAILING], 1),
        ([SMALL, FAILING], 1),
        ([finding(Verdict.FAIL, needed=False)], 1),  # what is not needed for a pass can still fail
        ([FAILING, OPEN, DISAGREEING], 4),
        ([DISAGREEING], 4),
    ],
)
def test_the_table_of_exit_codes(findings: Sequence[Finding], code: int) -> None:
    assert {ruled(order, Policy(), as_of=TODAY).exit_code for order in permutations(findings)} == {code}


P, N, W, A, Q, F = State.PASS, State.NOTED, State.WARN, State.WAIVED, State.INCONCLUSIVE, State.FAIL
# Lines: outcome, severity, needed for a pass. Columns: --inconclusive fail, warn, pass; then the same with --fail-on warn.
INCONCLUSIVES = {
    (Outcome.UNDECIDED, Severity.FAIL, True): (Q, W, N, Q, W, N),
    (Outcome.UNDECIDED, Severity.FAIL, False): (N, N, N, N, N, N),
    (Outcome.UNDECIDED, Severity.WARN, True): (N, N, N, N, N, N),
    (Outcome.UNDECIDED, Severity.WARN, False): (N, N, N, N, N, N),
    (Outcome.UNDECIDED, Severity.INFO, True): (N, N, N, N, N, N),
    (Outcome.UNDECIDED, Severity.INFO, False): (N, N, N, N, N, N),
    (Outcome.UNDEFINED, Severity.FAIL, True): (Q, Q, Q, Q, Q, Q),  # whatever the policy: nothing was seen
    (Outcome.UNDEFINED, Severity.FAIL, False): (N, N, N, N, N, N),
    (Outcome.UNDEFINED, Severity.WARN, True): (N, N, N, N, N, N),
    (Outcome.UNDEFINED, Severity.WARN, False): (N, N, N, N, N, N),
    (Outcome.UNDEFINED, Severity.INFO, True): (N, N, N, N, N, N),
    (Outcome.UNDEFINED, Severity.INFO, False): (N, N, N, N, N, N),
}
FAILURES = {Severity.FAIL: (F, F, F, F, F, F), Severity.WARN: (W, W, W, F, F, F), Severity.INFO: (N, N, N, N, N, N)}
POLICIES = [Policy(fail_on=fail_on, inconclusive=inconclusive) for fail_on in ("fail", "warn") for inconclusive in ("fail", "warn", "pass")]  # type: ignore[arg-type]
CODES = {P: 0, N: 0, W: 0, A: 0, Q: 3, F: 1, State.ERROR: 4}


def test_the_truth_table_of_every_finding_policy_and_waiver() -> None:
    seen = 0
    for outcome, verdict, severity, needed, waived in product(Outcome, Verdict, Severity, (True, False), (True, False)):
        one = finding(verdict, severity=severity, needed=needed, outcome=outcome)
        if verdict is Verdict.PASS:
            expected: tuple[State, ...] = (P,) * 6
        elif verdict is Verdict.FAIL:
            expected = (A,) * 6 if waived else FAILURES[severity]
        else:  # a waiver changes nothing; an outcome that was seen is as if it were undecided
            expected = INCONCLUSIVES[outcome if outcome is Outcome.UNDEFINED else Outcome.UNDECIDED, severity, needed]
        for policy, state in zip(POLICIES, expected, strict=True):
            ruling = ruled([one], policy, as_of=TODAY, waived={0: WAIVER} if waived else {})
            assert ruling.standings[0].state is state, (outcome, verdict, severity, needed, waived, policy)
            assert ruling.exit_code == CODES[state] and (ruling.standings[0].waiver is WAIVER) == (state is A)
            seen += 1
    assert seen == 4 * 3 * 3 * 2 * 2 * 6


@pytest.mark.parametrize("policy", POLICIES)
def test_no_waiver_and_no_policy_hides_that_engines_disagree(policy: Policy) -> None:
    assert ruled([PASSING, DISAGREEING], policy, as_of=TODAY, waived={0: WAIVER, 1: WAIVER}).exit_code == 4
    assert state_of(DISAGREEING, policy, waived=True) is State.ERROR


@pytest.mark.parametrize(("state", "code"), [(State.FAIL, 1), (State.WARN, 0), (State.INCONCLUSIVE, 3), (State.NOTED, 0)])
def test_a_remark_counts_as_a_finding_does(state: State, code: int) -> None:
    remark = Remark(id="waiver-expired", state=state, sentence="It expired.")
    assert ruled([PASSING], Policy(), as_of=TODAY, remarks=[remark]).exit_code == code
    assert ruled([FAILING], Policy(), as_of=TODAY, remarks=[remark]).exit_code == 1
    assert ruled([], Policy(), as_of=TODAY, remarks=[remark]).exit_code == 2  # remarks alone judge nothing


@pytest.mark.parametrize("wrong", [{"inconclusive": "Fail"}, {"fail_on": "warning"}, {"unused_waivers": "no"}])
def test_a_policy_that_nobody_knows_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="policy of"):
        Policy(**wrong)  # type: ignore[arg-type]


def test_no_policy_passes_what_was_seen_of_nobody() -> None:
    """Not one positive in the data: a rule on true positive rates has judged nothing, however lenient the policy."""
    counts = counts_from({slice_called("everyone"): (0, 500, 0, 1500), slice_called("group=a"): (0, 300, 0, 700), slice_called("group=b"): (0, 200, 0, 800)})
    findings = judge([load_rule("equal-opportunity")], counts, Context(slicings=(("group",),)))
    assert {ruled(findings, policy, as_of=TODAY).exit_code for policy in POLICIES} == {3}
