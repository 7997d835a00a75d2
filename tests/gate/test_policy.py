from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import pytest

from fairaudit.cube.slices import Slice
from fairaudit.evidence.measurement import Group, GroupKind
from fairaudit.gate.policy import exit_code, verdict_line
from fairaudit.rules.finding import DISAGREEMENT, Finding, Outcome, Severity, Verdict
from fairaudit.rules.judge import judge
from tests.rules.selections import CONTEXT, rule, selections


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


def test_a_pass_names_the_groups_it_says_nothing_about() -> None:
    line = verdict_line(judge([rule()], selections({"a": (300, 1000), "b": (300, 1000), "c": (21, 70), "d": (9, 30)}), CONTEXT))
    assert line == (
        "pass (2 groups too small to judge alone: group=c with 70 rows, group=d with 30 rows; a disparity there would mostly stay unseen)"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("findings", "line"),
    [
        ([PASSING], "pass"),
        ([FAILING, FAILING, WARNING], "fail: 2 violations"),
        ([OPEN], "inconclusive: 1 comparison without enough evidence"),
        ([DISAGREEING, FAILING], "no verdict: the engines disagree on 1 number"),
    ],
)
def test_the_line_says_what_decided(findings: Sequence[Finding], line: str) -> None:
    assert verdict_line(findings) == line


def test_many_small_groups_are_counted_beyond_the_fifth() -> None:
    small = [finding(Verdict.INCONCLUSIVE, needed=False, group=name) for name in "abcdefgh"]
    assert "8 groups too small" in verdict_line([PASSING, *small]) and "and 3 more" in verdict_line([PASSING, *small])


def test_the_pool_is_no_group_of_its_own_in_that_line() -> None:
    pool = finding(Verdict.INCONCLUSIVE, needed=False)
    pooled = Finding(**{field: getattr(pool, field) for field in pool.__struct_fields__} | {"group": Group(kind=GroupKind.POOL)})
    assert verdict_line([PASSING, pooled]) == "pass"
