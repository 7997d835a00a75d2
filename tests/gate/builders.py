"""Findings and waivers of them, made by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

from fairaudit.cube.slices import Slice
from fairaudit.evidence.measurement import Group, GroupKind
from fairaudit.gate.waiver import Waiver
from fairaudit.rules.finding import Finding, Outcome, Severity, Verdict

TODAY = date(2026, 11, 26)
POOL = Group(kind=GroupKind.POOL, members=(Slice([("race", "Other")]), Slice([("race", None)])))


def finding(value: float | None = 0.6, *, of: dict[str, str | None] | Group | None = None, slicing: tuple[str, ...] = (), verdict: Verdict = Verdict.FAIL, **changes: Any) -> Finding:
    """Black people, of whom 0.6 times as many are selected as 0.8 would have it."""
    group = of if isinstance(of, Group) else Group(slice=Slice((of or {"race": "Black"}).items()))
    given: dict[str, Any] = {
        "rule": "four-fifths", "metric": "selection_rate", "kind": "ratio", "reference": Group(slice=Slice([("race", "White")])), "threshold": 0.5,
        "interval": (0.55, 0.66), "limit": (0.8, None), "limit_origin": "guidance", "serious": 0.5, "needed_for_pass": True, "severity": Severity.FAIL,
        "outcome": {Verdict.FAIL: Outcome.BEYOND, Verdict.PASS: Outcome.WITHIN, Verdict.INCONCLUSIVE: Outcome.UNDECIDED}[verdict], "rows": 1000, "reason": "said so",
    }  # fmt: skip
    return Finding(value=value, group=group, slicing=slicing or group.slice.attributes, verdict=verdict, **(given | changes))


def waiver(**changes: Any) -> Waiver:
    """Of that finding, for today."""
    given: dict[str, Any] = {"rule": "four-fifths", "owner": "ada", "reason": "new data are being collected", "created": date(2026, 11, 1), "expires": date(2026, 12, 31), "holds_to": 0.55}
    whom = {} if {"small_groups", "all_groups"} & changes.keys() else {"slice": {"race": "Black"}}
    return Waiver(**(given | whom | changes))
