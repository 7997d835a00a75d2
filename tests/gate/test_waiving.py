"""What `fairaudit waive` writes of a violation, and which entries may be tightened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairaudit.evidence.measurement import Group, GroupKind
from fairaudit.gate.policy import Policy
from fairaudit.gate.waiver import Waiver, matches, mistakes
from fairaudit.gate.waiver import Waivers as File
from fairaudit.gate.waivers import applied, is_worse
from fairaudit.gate.waiving import Sorted, Terms, sorted_out, tightened
from fairaudit.rules.finding import Finding, Verdict
from tests.gate.builders import POOL, TODAY, finding, waiver
from tests.reports.builders import audit, rule

TERMS = Terms(owner="ada", reason="data", created=TODAY, expires=date(2026, 12, 31))


def sorted_of(violations: Sequence[Finding], waivers: Sequence[Waiver] = (), **changes: Any) -> Sorted:
    return sorted_out(violations, waivers, TERMS, audit(rules=[rule(**changes)]))


OVER_ALL = finding(0.4, metric="differential_fairness", kind="value", limit=(None, 0.22), interval=(0.3, 0.5), of=Group(kind=GroupKind.OVERALL), slicing=("sex", "race"))
# The violation, whom the entry is about, and the worse end.
NEW = {
    "a ratio": (finding(), {"slice": {"race": "Black"}}, 0.55),
    "a ratio of which low is good": (finding(1.6, limit=(None, 1.25), interval=(1.3, 1.9)), {"slice": {"race": "Black"}}, 1.9),
    "a difference": (finding(-0.2, kind="difference", limit=(-0.1, None), interval=(-0.25, -0.14)), {"slice": {"race": "Black"}}, -0.25),
    "limits on both sides, above": (finding(0.1, kind="value", limit=(-0.05, 0.05), interval=(0.07, 0.13)), {"slice": {"race": "Black"}}, 0.13),
    "limits on both sides, below": (finding(-0.1, kind="value", limit=(-0.05, 0.05), interval=(-0.13, -0.07)), {"slice": {"race": "Black"}}, -0.13),
    "a missing value of a cross": (finding(of={"sex": "f", "race": None}), {"slice": {"sex": "f", "race": None}}, 0.55),
    "the small groups together": (finding(of=POOL, slicing=("race",)), {"small_groups": ("race",)}, 0.55),
    "a gap": (finding(0.2, kind="gap", limit=(None, 0.1), interval=(0.15, 0.27)), {"all_groups": ("race",)}, 0.27),
    "over all groups": (OVER_ALL, {"all_groups": ("sex", "race")}, 0.5),
    "no interval": (finding(0.6, interval=None), {"slice": {"race": "Black"}}, 0.6),
    "an interval that the value is outside of": (finding(0.5, interval=(0.55, 0.6)), {"slice": {"race": "Black"}}, 0.5),
}  # fmt: skip


@pytest.mark.parametrize("case", NEW)
def test_an_entry_holds_to_the_worse_end_and_applies(case: str) -> None:
    one, about, holds_to = NEW[case]
    ((_, entry),) = sorted_of([one]).new
    assert entry == waiver(**about, **({} if "slice" in about else {"slice": None}), holds_to=holds_to, created=TODAY, owner="ada", reason="data")
    assert applied([one], [entry], Policy(), as_of=TODAY).waived == {0: entry}


def test_a_metric_is_named_where_the_rule_judges_several() -> None:
    several = ("true_positive_rate", "false_positive_rate")
    found = sorted_of([finding(metric=name) for name in several], metric=several)
    assert [entry.metric for _, entry in found.new] == list(several) and [entry.metric for _, entry in sorted_of([finding()]).new] == [None]
    assert not list(mistakes(File(schema="fairaudit/waivers/1", waivers=tuple(entry for _, entry in found.new))))


def test_what_is_there_already_is_kept_or_told() -> None:
    for given_, part in ((waiver(), "held"), (waiver(holds_to=0.61), "unheld"), (waiver(expires=date(2026, 11, 25)), "unheld"), (waiver(created=date(2026, 11, 27)), "unheld"), (waiver(slice={"race": "White"}), "new")):
        found = sorted_of([finding()], [given_])
        assert [name for name in ("new", "held", "unheld", "endless") if getattr(found, name)] == [part]


def test_what_is_infinitely_far_off_is_not_waived() -> None:
    one = finding(None, limit=(None, 1.25), interval=None)
    assert sorted_of([one]).endless == (one,)


TIGHTENED = {
    "improved clearly": ([finding(0.7, interval=(0.65, 0.75))], waiver(), 0.65),
    "improved, but its interval reaches as far": ([finding(0.7, interval=(0.55, 0.85))], waiver(), None),
    "improved, but its interval reaches further": ([finding(0.7, interval=(0.5, 0.9))], waiver(), None),
    "worse": ([finding(0.5, interval=(0.45, 0.56))], waiver(), None),
    "not violated": ([finding(0.9, interval=(0.85, 0.95), verdict=Verdict.PASS)], waiver(), None),
    "not decided": ([finding(0.7, interval=(0.65, 0.95), verdict=Verdict.INCONCLUSIVE)], waiver(), None),
    "infinite": ([finding(None, limit=(None, 1.25))], waiver(), None),
    "low is good": ([finding(1.4, limit=(None, 1.25), interval=(1.3, 1.5))], waiver(holds_to=1.9), 1.5),
    "without an interval": ([finding(0.7, interval=None)], waiver(), 0.7),
    "all of two metrics": ([finding(0.7, interval=(0.65, 0.75), metric="a"), finding(0.65, interval=(0.6, 0.7), metric="b")], waiver(), 0.6),
    "one of two metrics": ([finding(0.7, interval=(0.65, 0.75), metric="a"), finding(0.6, interval=(0.5, 0.7), metric="b")], waiver(), None),
    "another side": ([finding(-0.1, kind="value", limit=(-0.05, 0.05), interval=(-0.12, -0.07))], waiver(holds_to=0.2), None),
    "an expired one": ([finding(0.7, interval=(0.65, 0.75))], waiver(expires=date(2026, 11, 2)), 0.65),
    "another slice": ([finding(0.7, interval=(0.65, 0.75))], waiver(slice={"race": "White"}), None),
}


@pytest.mark.parametrize("case", TIGHTENED)
def test_what_has_clearly_improved_is_tightened(case: str) -> None:
    findings, given_, wanted = TIGHTENED[case]
    assert tightened(findings, [given_]) == ({} if wanted is None else {0: wanted})


@given(
    value=st.floats(-2, 2), width=st.tuples(st.floats(0, 1), st.floats(0, 1)), limit=st.sampled_from([(0.8, None), (None, 1.25), (-0.1, None), (None, 0.1), (-0.05, 0.05), (0.8, 1.25)]),
    holds_to=st.floats(-3, 3), other=st.floats(-3, 3),
)  # fmt: skip
def test_nothing_that_is_tightened_tolerates_what_it_did_not(value: float, width: tuple[float, float], limit: Any, holds_to: float, other: float) -> None:
    one, before = finding(value, limit=limit, interval=(value - width[0], value + width[1])), waiver(holds_to=holds_to)
    for place, moved in tightened([one], [before]).items():
        assert place == 0 and not is_worse(one, moved)  # it still applies
        later = finding(other, limit=limit)
        low, high = limit
        is_past = (low is not None and other < low) or (high is not None and other > high)
        assert not is_past or is_worse(later, moved) or not is_worse(later, holds_to)


def test_what_is_written_matches_its_violation_alone() -> None:
    every = [one for one, _, _ in NEW.values()]
    for one in every:
        ((_, entry),) = sorted_of([one]).new
        assert all(matches(entry, other) == ((other.group, other.slicing, other.kind == "gap") == (one.group, one.slicing, one.kind == "gap")) for other in every if other.rule == one.rule)
