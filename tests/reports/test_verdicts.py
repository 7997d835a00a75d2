from __future__ import annotations

from fairaudit.evidence.measurement import Group
from fairaudit.reports.badges import Tone
from fairaudit.reports.lookup import lookup
from fairaudit.reports.terminal import summary
from fairaudit.reports.verdicts import VerdictView, groups_without_value, small_groups, verdict_of
from fairaudit.result import Audit
from fairaudit.rules.finding import Finding, Outcome, Severity, Verdict
from tests.reports.builders import BLACK, OTHER, WHITE, audit, finding, manifest, rule, undecided


def told(one: Audit) -> VerdictView:
    return verdict_of(lookup(one))


def small(group: Group, rows: int, **changes: object) -> Finding:
    return undecided(group=group, rows=rows, needed_for_pass=False, **changes)


WITHIN = finding(0.97, verdict=Verdict.PASS, outcome=Outcome.WITHIN, reason="within the limit, with the confidence that the rule asks for")
EXCLUDED = finding(0.85, verdict=Verdict.PASS, outcome=Outcome.UNDECIDED, reason="not proven within the limit")
REFERENCE = finding(1.0, group=Group(slice=WHITE), verdict=Verdict.PASS, outcome=Outcome.WITHIN, reason="the reference itself: the largest group")


def test_a_failure_names_the_rule_the_strongest_finding_and_what_was_allowed() -> None:
    view = told(audit([REFERENCE, finding(0.7, group=Group(slice=OTHER), p_adjusted=0.02), finding()]))
    assert (view.badge.word, view.badge.tone) == ("Fail", Tone.BAD)
    assert view.sentence == "The audited decisions violate “Four-fifths rule (adverse impact)”."
    assert view.because == (
        "People whose race is Black are selected 0.61 times as often as those whose race is White; 95% interval 0.55 to 0.67."
        " The rule allows at least 0.8 times. 1 more such finding is listed below."
    )


def test_a_pass_tells_what_is_proven_from_what_is_only_not_serious() -> None:
    assert told(audit([REFERENCE, WITHIN, WITHIN, EXCLUDED])).because == (
        "2 comparisons lie within their limits; 1 more is not proven to, but excludes a violation that its rule calls serious."
    )
    assert told(audit([REFERENCE, EXCLUDED])).because == "1 comparison is not proven to lie within its limit, but excludes a violation that its rule calls serious."
    assert told(audit([WITHIN])).sentence == "No violation of “Four-fifths rule (adverse impact)” was found."


def test_what_must_be_decided_and_is_not_is_inconclusive() -> None:
    view = told(audit([WITHIN, undecided()]))
    assert view.badge.word == "Inconclusive"
    assert view.sentence == "The data can neither show nor rule out a violation: 1 comparison that must be decided is not."


def test_without_rules_there_is_no_verdict() -> None:
    view = told(audit())
    assert view.badge.word == "No verdict"
    assert view.sentence == "No rules were asked for, so there is no verdict; the numbers below are given as they are."


def test_where_engines_disagree_no_verdict_stands() -> None:
    view = told(audit([WITHIN, finding(rule="engine-disagreement", reason="native says 0.445, tfma 0.446")], rules=[rule()]))
    assert view.badge.word == "No verdict" and view.badge.tone is Tone.UNSURE
    assert view.sentence == "The engines that computed this audit disagree on 1 number, so no verdict can be relied on."
    assert view.points == ("Engines disagree: native says 0.445, tfma 0.446.",)


def test_groups_too_small_to_judge_are_named_beside_a_pass() -> None:
    findings = [WITHIN, small(Group(slice=BLACK), 70), small(Group(slice=OTHER), 30)]
    assert small_groups(findings) == "2 groups too small to judge alone: race=Black (70 rows); race=Other (30 rows)"
    assert told(audit(findings)).points[0].startswith("2 groups too small to judge alone: race=Black (70 rows); race=Other (30 rows). Tested all the same")
    assert small_groups([small(Group(slice=OTHER), 1)]) == "1 group too small to judge alone: race=Other (1 row)"
    assert small_groups([WITHIN]) == ""


def test_a_group_that_two_rules_find_too_small_is_one_group() -> None:
    assert small_groups([small(Group(slice=BLACK), 70), small(Group(slice=BLACK), 12, rule="equal-opportunity")]) == (
        "1 group too small to judge alone: race=Black (70 rows)"
    )  # fmt: skip


def test_a_group_without_a_value_is_not_called_small() -> None:
    nobody = small(Group(slice=OTHER), 0, rule="equal-opportunity", metric="true_positive_rate", outcome=Outcome.UNDEFINED, value=None, interval=None, reason="no positives")
    findings = [WITHIN, small(Group(slice=BLACK), 70), nobody]
    assert small_groups(findings) == "1 group too small to judge alone: race=Black (70 rows)"
    assert groups_without_value(findings) == "1 group cannot be judged: race=Other (true positive rate: no positives)"
    assert told(audit(findings)).points[1] == "1 group cannot be judged: race=Other (true positive rate: no positives); the verdict says nothing of that."
    assert summary(audit(findings)).splitlines()[0].endswith(
        "(1 group too small to judge alone: race=Black (70 rows). 1 group cannot be judged: race=Other (true positive rate: no positives))."
    )  # fmt: skip
    assert groups_without_value([WITHIN, small(Group(slice=OTHER), 30), nobody]) == ""  # it is small first of all


def test_what_a_warning_leaves_open_is_not_called_small() -> None:
    assert small_groups([small(Group(slice=BLACK), 5000, severity=Severity.WARN)]) == ""


def test_a_warning_does_not_fail_but_is_told() -> None:
    view = told(audit([WITHIN, finding(severity=Severity.WARN, rule="equal-opportunity")]))
    assert view.badge.word == "Pass"
    assert view.sentence == "No violation of “Four-fifths rule (adverse impact)” was found; “Equal opportunity” is violated, but does not fail an audit."
    assert view.points == ("1 warning from rules that do not fail an audit.",)


def test_a_rule_that_only_warns_and_is_violated_is_not_said_to_be_kept() -> None:
    view = told(audit([WITHIN, finding(severity=Severity.WARN)]))
    assert view.sentence == "No rule that can fail the audit was asked for; “Four-fifths rule (adverse impact)” is violated, but does not fail an audit."


def test_an_attribute_that_no_rule_judges_stands_beside_the_verdict() -> None:
    by_sex_too = audit([WITHIN], rules=[rule(reference={"race": "White"})], slicings=(("race",), ("sex",)))
    told_of = "The rule 'four-fifths' judges only by race, where the reference that it names lies; it judges nothing by sex."
    assert told(by_sex_too).badge.word == "Pass"
    assert told(by_sex_too).points[0].startswith(told_of)
    assert f"  {told_of}" in summary(by_sex_too).split("\n\n")[0]  # all that --quiet leaves


def test_a_rate_read_against_what_a_decision_does_is_warned_of_beside_the_verdict() -> None:
    one = finding(-0.197, rule="equal-opportunity", metric="true_positive_rate", kind="difference", limit=(-0.1, None))
    flagged = audit([one], manifest=manifest(config={"effect": "harms"}))
    caution = "the harm done to people shows in their false positive rates, which a rule on false_positive_rate judges."
    assert told(flagged).points[0].endswith(caution) and caution in summary(flagged).split("\n\n")[0]
    assert told(audit([one])).points == ()


def test_rules_of_one_title_are_told_apart_by_their_ids() -> None:
    copies = [rule(), rule(id="our-four-fifths"), rule("equal-opportunity")]
    assert told(audit([finding(rule="our-four-fifths")], rules=copies)).sentence == (
        "The audited decisions violate “Four-fifths rule (adverse impact)” (our-four-fifths)."
    )  # fmt: skip
    assert told(audit([WITHIN], rules=copies)).sentence == (
        "No violation of “Four-fifths rule (adverse impact)” (four-fifths), “Four-fifths rule (adverse impact)” (our-four-fifths) and “Equal opportunity” was found."
    )


def test_small_groups_that_were_not_tested_are_not_said_to_be() -> None:
    untested = small(Group(slice=BLACK), 70, metric="roc_auc", kind="difference", p_adjusted=None)
    assert told(audit([WITHIN, untested])).points[0].endswith("(70 rows). What is no rate is not tested in groups so small; the verdict says nothing of them.")
