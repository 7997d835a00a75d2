"""A rule's own number: of the group that is furthest past its limit, and whether the rule is met."""

from __future__ import annotations

from typing import Any

from fairaudit.cube.slices import Slice
from fairaudit.evidence.measurement import Group
from fairaudit.mitigations.rule_numbers import furthest, verdict_on
from fairaudit.rules.finding import Finding, Outcome, Severity, Verdict


def finding(value: float | None, **changed: Any) -> Finding:
    given: dict[str, Any] = {
        "rule": "r", "metric": "selection_rate", "kind": "difference", "slicing": ("race",), "group": Group(slice=Slice([("race", str(value))])), "reference": Group(slice=Slice([("race", "x")])), "threshold": 0.5,
        "value": value, "interval": None, "limit": (-0.1, 0.1), "limit_origin": "ours", "serious": None, "outcome": Outcome.BEYOND, "verdict": Verdict.FAIL, "needed_for_pass": False, "severity": Severity.WARN, "reason": "",
    }  # fmt: skip
    return Finding(**(given | changed))


def test_it_is_of_the_group_that_is_furthest_past_the_limit_whichever_way_and_rows_enough_come_first() -> None:
    found = furthest([finding(0.12), finding(-0.3), finding(0.9, shrunken=0.4), finding(None), finding(0.0, group=Group(slice=Slice([("race", "x")])))])
    assert found is not None and found.value == -0.3
    small = furthest([finding(0.9, shrunken=0.4), finding(None)])
    assert small is not None and small.value == 0.9
    assert furthest([finding(None)]) is None and furthest([]) is None


def test_of_ratios_a_half_is_further_off_than_one_and_a_half() -> None:
    found = furthest([finding(value, kind="ratio", limit=(0.8, 1.25)) for value in (1.5, 0.5, 1.0)])
    assert found is not None and found.value == 0.5


def test_a_rule_that_only_warns_is_not_met_by_an_audit_that_passes_over_what_is_undecided() -> None:
    met, open_one = finding(0.01, outcome=Outcome.WITHIN, verdict=Verdict.PASS), finding(0.09, outcome=Outcome.UNDECIDED, verdict=Verdict.INCONCLUSIVE)
    assert verdict_on([met, open_one]) is Verdict.INCONCLUSIVE and verdict_on([met]) is Verdict.PASS
    assert verdict_on([met, finding(0.09, outcome=Outcome.UNDECIDED, verdict=Verdict.INCONCLUSIVE, shrunken=0.05)]) is Verdict.PASS, "a small group leaves a verdict as it is"
    assert verdict_on([met, finding(0.3), open_one]) is Verdict.FAIL and verdict_on([]) is None
