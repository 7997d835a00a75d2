from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import pytest

from fairaudit.cube.slices import Slice
from fairaudit.evidence.measurement import Group
from fairaudit.gate.policy import exit_code
from fairaudit.rules.finding import DISAGREEMENT, Finding, Outcome, Severity, Verdict


def finding(verdict: Verdict, *, severity: Severity = Severity.FAIL, needed: bool = True, rule: str = "some-rule", group: str | None = "a") -> Finding:
    return Finding(
        rule=rule, metric="selection_rate", kind="ratio", slicing=("group",), group=None if group is None else Group(slice=Slice([("group", group)])),
        reference=None, threshold=None, value=None, interval=None, limit=(0.8, None), limit_origin="ours", serious=0.5, outcome=Outcome.UNDECIDED,
        verdict=verdict, needed_for_pass=needed, severity=severity, rows=70, reason="said so",
    )  # fmt: skip


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
    assert {exit_code(order) for order in permutations(findings)} == {code}
