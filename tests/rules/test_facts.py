from __future__ import annotations

from dataclasses import replace

import pytest

from fairaudit.rules.facts import Fact
from fairaudit.rules.finding import Outcome, Verdict
from fairaudit.rules.words import notes

NAN, INFINITE = float("nan"), float("inf")
PLAIN = Fact(
    candidate=0, rows=100, events=30.0, value=0.9, lower=0.7, upper=1.1, is_reference=False, enough=True, is_past=False, is_real=False, is_beyond=False,
    is_within=False, excludes_serious=False, p_adjusted=0.5, look_alpha=0.01,
)  # fmt: skip
WITHIN, BEYOND, UNDECIDED, UNDEFINED = Outcome
PASS, FAIL, INCONCLUSIVE = Verdict


@pytest.mark.parametrize(
    ("changes", "outcome", "verdict"),
    [
        # The statistics alone decide between beyond and within, whatever the size of the group.
        ({"is_beyond": True, "is_past": True, "is_real": True}, BEYOND, FAIL),
        ({"is_beyond": True, "is_past": True, "is_real": True, "enough": False}, BEYOND, FAIL),
        ({"is_within": True}, WITHIN, PASS),
        ({"is_within": True, "enough": False}, WITHIN, PASS),
        ({"is_within": True, "is_real": True}, WITHIN, PASS),  # real but smaller than the limit
        ({"is_reference": True}, WITHIN, PASS),
        # Undecided passes only with enough rows and the serious violation excluded.
        ({"excludes_serious": True}, UNDECIDED, PASS),
        ({"excludes_serious": True, "is_past": True}, UNDECIDED, PASS),  # could be chance, and is not serious
        ({"excludes_serious": True, "enough": False}, UNDECIDED, INCONCLUSIVE),
        ({}, UNDECIDED, INCONCLUSIVE),
        ({"enough": False}, UNDECIDED, INCONCLUSIVE),
        ({"is_past": True}, UNDECIDED, INCONCLUSIVE),
        ({"is_real": True}, UNDECIDED, INCONCLUSIVE),
        # Undefined is never a pass, whatever else seems to hold.
        ({"value": NAN, "is_within": True, "excludes_serious": True}, UNDEFINED, INCONCLUSIVE),
        ({"value": NAN, "is_reference": True}, UNDEFINED, INCONCLUSIVE),
        ({"value": INFINITE, "is_within": True, "excludes_serious": True}, UNDEFINED, INCONCLUSIVE),
        ({"value": INFINITE, "is_past": True}, UNDEFINED, INCONCLUSIVE),
        ({"value": INFINITE, "is_past": True, "is_real": True, "is_beyond": True}, BEYOND, FAIL),
    ],
)  # fmt: skip
def test_the_table_of_outcomes_and_verdicts(changes: dict[str, object], outcome: Outcome, verdict: Verdict) -> None:
    fact = replace(PLAIN, **changes)  # type: ignore[arg-type]
    assert (fact.outcome, fact.verdict) == (outcome, verdict)


def test_what_no_test_looked_at_is_not_called_chance() -> None:
    assert notes(replace(PLAIN, is_past=True)) == ("could be chance",)
    assert notes(replace(PLAIN, is_past=True, enough=False, p_adjusted=NAN)) == ("past the limit, but not tested",)
