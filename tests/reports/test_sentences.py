"""Every sentence in full: a changed word in a verdict on people is a change to be looked at."""

from __future__ import annotations

from typing import Any

import pytest

from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.evidence.measurement import Group, GroupKind
from fairaudit.metrics.catalogue import Better
from fairaudit.reports.chart import difference_axis
from fairaudit.reports.lookup import lookup
from fairaudit.reports.numbers import significant
from fairaudit.reports.sentences import Compared, interval_words, limit_words, people, sentence
from fairaudit.reports.told import sentence_of, told
from fairaudit.rules.finding import Outcome, Verdict
from tests.reports.builders import BLACK, POOL, WHITE, audit, finding, measurement, rule

TPR, FPR = "true_positive_rate", "false_positive_rate"
HIGHER, LOWER = Better.HIGHER, Better.LOWER


def compared(kind: str, value: float, **changes: Any) -> Compared:
    given: dict[str, Any] = {"metric": "selection_rate", "group": Group(slice=BLACK), "reference": Group(slice=WHITE)}
    return Compared(kind=kind, value=value, **(given | changes))


@pytest.mark.parametrize(
    ("one", "said"),
    [
        # ratio, a positive decision helps: worse, better
        (compared("ratio", 0.61, interval=(0.55, 0.67), better=HIGHER, levels=(0.4453, 0.73)),
         "People whose race is Black are selected 0.61 times as often as those whose race is White; 95% interval 0.55 to 0.67."),
        (compared("ratio", 1.21, interval=(1.1, 1.33), better=HIGHER),
         "People whose race is Black are selected 1.21 times as often as those whose race is White; 95% interval 1.1 to 1.33."),
        # a ratio that nobody can picture: both rates
        (compared("ratio", 0.00889, interval=(0.001, 0.03), better=HIGHER, levels=(0.00315, 0.354)),
         "People whose race is Black are selected 0.00889 times as often as those whose race is White (0.3% against 35.4%); 95% interval 0.001 to 0.03."),
        (compared("ratio", 11.0, better=HIGHER, levels=(0.33, 0.03)),
         "People whose race is Black are selected 11 times as often as those whose race is White (33.0% against 3.0%)."),
        (compared("ratio", 0.1, better=HIGHER, levels=(0.03, 0.3)),
         "People whose race is Black are selected 0.1 times as often as those whose race is White."),
        # ratio, it harms: worse, better
        (compared("ratio", 1.42, interval=(1.3, 1.55), better=LOWER, effect="harms"),
         "People whose race is Black are flagged 1.42 times as often as those whose race is White; 95% interval 1.3 to 1.55."),
        (compared("ratio", 0.61, better=LOWER, effect="harms"),
         "People whose race is Black are flagged 0.61 times as often as those whose race is White."),
        # difference, helps: worse, better
        (compared("difference", -0.12, levels=(0.61, 0.73), interval=(-0.17, -0.07), better=HIGHER),
         ("The selection rate of people whose race is Black is 0.12 lower than that of those whose race is White (0.61 against 0.73), "
          "which is worse; 95% interval 0.07 to 0.17 lower.")),
        (compared("difference", 0.12, levels=(0.73, 0.61), interval=(-0.01, 0.25), better=HIGHER),
         ("The selection rate of people whose race is Black is 0.12 higher than that of those whose race is White (0.73 against 0.61), "
          "which is better; 95% interval 0.01 lower to 0.25 higher.")),
        # difference, harms: worse, better
        (compared("difference", 0.12, levels=(0.73, 0.61), interval=(0.07, 0.17), better=LOWER, effect="harms"),
         ("The selection rate of people whose race is Black is 0.12 higher than that of those whose race is White (0.73 against 0.61), "
          "which is worse; 95% interval 0.07 to 0.17 higher.")),
        (compared("difference", -0.12, better=LOWER, effect="harms"),
         "The selection rate of people whose race is Black is 0.12 lower than that of those whose race is White, which is better."),
        # rates with a direction of their own
        (compared("difference", -0.12, metric=TPR, levels=(0.61, 0.73), better=HIGHER),
         "The true positive rate of people whose race is Black is 0.12 lower than that of those whose race is White (0.61 against 0.73), which is worse."),
        (compared("difference", 0.08, metric=FPR, levels=(0.23, 0.15), better=LOWER),
         "The false positive rate of people whose race is Black is 0.08 higher than that of those whose race is White (0.23 against 0.15), which is worse."),
        (compared("ratio", 0.61, metric=TPR, levels=(0.44, 0.72), better=HIGHER),
         "The true positive rate of people whose race is Black is 0.61 times that of those whose race is White (0.44 against 0.72), which is worse."),
        (compared("ratio", 1.0, metric=FPR, better=LOWER), "The false positive rate of people whose race is Black is the same as that of those whose race is White."),
        (compared("ratio", 1.0, better=HIGHER), "People whose race is Black are selected exactly as often as those whose race is White."),
        (compared("difference", 0.0, metric=TPR, levels=(0.5, 0.5), better=HIGHER),
         "The true positive rate of people whose race is Black is the same as that of those whose race is White (0.5 against 0.5)."),
        # rejection, abbreviations, metrics that compare by nature, no side
        (compared("ratio", 2.0, metric="negative_rate", better=LOWER),
         "People whose race is Black are rejected 2 times as often as those whose race is White."),
        (compared("difference", 0.1, metric="roc_auc", better=HIGHER),
         "The AUC of people whose race is Black is 0.1 higher than that of those whose race is White, which is better."),
        (compared("value", -0.05, metric="average_odds_difference"),
         "The average odds difference between people whose race is Black and those whose race is White is −0.05."),
        (compared("difference", 0.02, metric="base_rate"),
         "The base rate of people whose race is Black is 0.02 higher than that of those whose race is White."),
        # everyone has no others to be set apart from
        (compared("difference", -0.104, metric="bnsp_auc", better=HIGHER, reference=Group(kind=GroupKind.OVERALL), levels=(0.626, 0.73)),
         "The BNSP AUC of people whose race is Black is 0.104 lower than the AUC of everyone (0.626 against 0.73), which is worse."),
        # rounding does not hide the side of the limit
        (compared("ratio", 0.7998, limits=(0.8, None), better=HIGHER),
         "People whose race is Black are selected 0.7998 times as often as those whose race is White."),
    ],
)  # fmt: skip
def test_what_is_said_of_two_groups(one: Compared, said: str) -> None:
    assert sentence(one) == said


@pytest.mark.parametrize(
    ("group", "words"),
    [
        (Group(slice=Slice([("race", "Black"), ("sex", None)])), "people whose race is Black and sex is missing"),
        (Group(slice=EVERYONE), "everyone"),
        (Group(kind=GroupKind.OVERALL), "everyone"),
        (Group(kind=GroupKind.REST, slice=BLACK), "everyone else"),
        (POOL, "the small groups together (Black, Other)"),
        (Group(kind=GroupKind.POOL), "the small groups together"),
    ],
)
def test_how_a_group_is_called(group: Group, words: str) -> None:
    assert people(group) == words


@pytest.mark.parametrize(
    ("kind", "limits", "words"),
    [
        ("ratio", (0.8, None), "at least 0.8 times"),
        ("ratio", (None, 1.25), "at most 1.25 times"),
        ("ratio", (0.8, 1.25), "from 0.8 to 1.25 times"),
        ("difference", (-0.1, None), "at most 0.1 lower"),
        ("difference", (None, 0.05), "at most 0.05 higher"),
        ("difference", (-0.1, 0.1), "at most 0.1 lower and 0.1 higher"),
    ],
)
def test_what_a_limit_allows(kind: str, limits: tuple[float | None, float | None], words: str) -> None:
    assert limit_words(kind, limits) == words


def test_the_interval_of_a_difference_says_its_direction() -> None:
    assert interval_words("difference", (-0.2, 0.0)) == "95% interval 0 to 0.2 lower"
    assert interval_words("difference", (0.0, 0.2)) == "95% interval 0 to 0.2 higher"
    assert interval_words("ratio", (1.2, float("inf"))) == "95% interval 1.2 or more"


def test_the_levels_and_the_bad_side_come_from_the_audit() -> None:
    one = finding(-0.12, rule="equal-opportunity", metric=TPR, kind="difference", limit=(-0.1, None), interval=None)
    known = lookup(audit([one], measurements=(measurement(WHITE, 0.73, metric=TPR), measurement(BLACK, 0.61, metric=TPR))))
    assert sentence_of(known, one) == (
        "The true positive rate of people whose race is Black is 0.12 lower than that of those whose race is White (0.61 against 0.73), which is worse."
    )


def test_findings_without_a_value_say_why() -> None:
    undefined = finding(None, interval=None, outcome=Outcome.UNDEFINED, verdict=Verdict.INCONCLUSIVE, reason="no rows")
    thin = finding(None, interval=None, group=None, reference=None, verdict=Verdict.INCONCLUSIVE, reason="too few groups: no group has enough rows")
    itself = finding(1.0, group=Group(slice=WHITE), verdict=Verdict.PASS, reason="the reference itself: the largest group")
    infinite = finding(None, interval=None, reason="past the limit; the reference's rate is 0, so the ratio is infinite")
    known = lookup(audit([undefined, thin, itself, infinite], rules=[rule()]))
    assert sentence_of(known, undefined) == "The ratio of the selection rate of people whose race is Black is undefined: no rows."
    assert sentence_of(known, infinite).startswith("The ratio of the selection rate of people whose race is Black is infinite: past the limit; the reference's")
    assert sentence_of(known, thin) == "By race, too few groups: no group has enough rows."
    assert sentence_of(known, itself) == "People whose race is White are the reference itself: the largest group."


def test_a_pair_rests_on_the_rows_of_both_slices() -> None:
    one = finding(0.12, metric=TPR, kind="gap", limit=(None, 0.1), rows=411)
    known = lookup(audit([one], measurements=(measurement(WHITE, 0.73, metric=TPR, rows=1067), measurement(BLACK, 0.61, metric=TPR, rows=411))))
    said = told(known, one, difference_axis([0.12], significant, limits=[0.1]))
    assert said.rows == "411 and 1,067" and "411 and 1,067 rows labelled positive" in said.facts
