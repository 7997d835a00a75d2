"""The section of a report on a mitigation: what is named, and that any text stays text."""

from __future__ import annotations

import msgspec
import pytest

from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.mitigations.card import Condition, HeldOut, Inference, Judged, MitigationCard, Moved, RuleNumber, Searched
from fairaudit.mitigations.inferring import meaning_of
from fairaudit.mitigations.policy import policy_of_all, threshold_at
from fairaudit.mitigations.proof import Checked, Mistaken
from fairaudit.reports.html import render
from fairaudit.reports.mitigated import mitigation_view, mitigation_words
from fairaudit.reports.retrained import retrained_view, retrained_words
from fairaudit.reports.rules_met import rules_met
from fairaudit.result import DataFile
from fairaudit.rules.finding import Severity
from tests.reports.builders import adult
from tests.reports.mitigations import SHA, judged, mitigation, number, retrained
from tests.reports.test_html import ATTACK, DIRECTION, Parsed


@pytest.mark.parametrize("text", [ATTACK, DIRECTION, "&amp;", "{{ page }}"])
def test_any_text_in_any_place_of_it_comes_back_as_that_text(text: str) -> None:
    clean, parsed = (Parsed(render(adult(), mitigation=mitigation(one, values=(one, "m")))) for one in ("harmless", text))
    assert parsed.tags == clean.tags and [(tag, name) for tag, name, _ in parsed.attributes] == [(tag, name) for tag, name, _ in clean.attributes]
    assert not {"\u202e", "\x1b", "\x00"} & set("".join(parsed.text)) and "harmless" in "".join(clean.text)


def inferred(text: str) -> MitigationCard:
    """The same by an inferred group."""
    card = mitigation(text, values=(text, "m"))
    policy = msgspec.structs.replace(card.export.policy, is_inferred=True)
    groups = [one.group for one in policy.groups]
    inference = Inference(features=(text,), fitted={str(group): 400 for group in groups}, mistaken=tuple(Mistaken(group=group, rows=500, mistaken=125, taken_for_it=500) for group in groups))
    return msgspec.structs.replace(card, settings={"drawn": True, "without_attribute": True}, export=msgspec.structs.replace(card.export, policy=policy), inference=inference)


def test_what_it_means_to_infer_a_group_is_said_and_how_often_it_is_wrong() -> None:
    seen = mitigation_view(inferred("sex"))
    (means,) = (one for one in seen.warnings if "article 9 of the GDPR" in one)
    assert means == seen.warnings[0] and means.startswith("Everybody's sex is inferred") and not any("for their group alone" in one for one in seen.warnings)
    assert "sex=m: 25.0% of its 500 rows that were held out are taken for another group." in seen.warnings and seen.decided[1].group == "taken for sex=m" and seen.decided[1].rows == "400"
    assert seen.lead.endswith("with chances for each group, which the model infers from sex.") and seen.fallback == "The model is not told a row's sex: everybody is taken for one of these groups."
    assert "It holds in the mean over what is drawn on the rows that were fitted on" in seen.warnings[4]


@pytest.mark.parametrize("text", [ATTACK, DIRECTION])
def test_any_text_of_an_inference_stays_text(text: str) -> None:
    clean, parsed = (Parsed(render(adult(), mitigation=inferred(one))) for one in ("harmless", text))
    assert parsed.tags == clean.tags and not {"\u202e", "\x1b", "\x00"} & set("".join(parsed.text))
    assert not {"\u202e", "\x1b", "\x00"} & set(mitigation_words(inferred(text), width=100))


def test_one_treatment_for_everybody_is_shown_as_everybodys() -> None:
    card = mitigation("sex")
    alike = msgspec.structs.replace(card, settings={"without_attribute": True}, export=msgspec.structs.replace(card.export, policy=policy_of_all("thresholds", threshold_at(0.375))))
    seen = mitigation_view(alike)
    assert [(one.group, one.rows, one.how) for one in seen.decided] == [("everyone", "1,000", "selected above 0.375")] and seen.how == "How everybody is decided"
    assert not any("for their group alone" in one for one in seen.warnings) and len(seen.shifts[0].rows) == 2
    assert seen.lead.endswith("with the same threshold for everybody.")


def test_marks_that_would_turn_the_terminal_around_are_written_out() -> None:
    words = mitigation_words(mitigation(DIRECTION), width=100)
    assert not {"\u202e", "\x1b", "\x00"} & set(words) and r"\u202e" in words


def test_levelling_down_is_the_first_warning_and_who_is_worse_off_is_named() -> None:
    seen = mitigation_view(mitigation())
    assert seen.warnings[0].startswith("Levelling down: ") and seen.warnings[1] == "sex is not told to be met or violated, with so few rows, though it was violated before. It holds on the rows that were fitted on, and these are others. See the findings."
    assert [one.split(":")[0] for one in seen.better] == ["sex=f"] and [one.split(":")[0] for one in seen.worse] == ["sex=m"]


def chosen(criterion: str, *conditions: Condition) -> Searched:
    return Searched(criterion=criterion, conditions=conditions, chosen="one", tried=2, unmet=0, rows=500)


def ruled(held: HeldOut, **verdicts: str | None) -> HeldOut:
    return msgspec.structs.replace(held, rules=tuple(judged(name.replace("_", "-"), after=after) for name, after in verdicts.items()))


PARITY = Condition(rule="statistical-parity", limit=0.1, is_tighter=False, is_minimum=False)
FIFTHS = Condition(rule="four-fifths", limit=0.9, is_tighter=True, is_minimum=True)


@pytest.mark.parametrize("is_retrained", [False, True])
def test_what_the_choice_was_wrong_about_is_the_first_warning_and_says_how_to_choose_with_more_room(is_retrained: bool) -> None:
    card = retrained() if is_retrained else mitigation()
    view, words = (retrained_view, retrained_words) if is_retrained else (mitigation_view, mitigation_words)
    held = ruled(card.holdout, statistical_parity="fail", four_fifths="pass", equal_opportunity="fail")
    search = chosen("rule statistical-parity, rule four-fifths within 0.9, then accuracy, then true_positive_rate", PARITY, FIFTHS)
    made = msgspec.structs.replace(card, holdout=held, search=search)
    first, *others = view(made).warnings  # type: ignore[arg-type]
    assert first.startswith("statistical-parity is still violated. The choice asked for it and found it met:")
    assert "--choose 'rule statistical-parity within 0.05, rule four-fifths within 0.9, then accuracy, then true_positive_rate'" in first
    assert "do not choose by them: the rows that were held out prove nothing once something was chosen on them." in first
    assert not any(one.startswith("statistical-parity") for one in others) and any(one.startswith("equal-opportunity is still violated") for one in others)
    told = words(made, width=2_000).splitlines()  # type: ignore[arg-type]
    assert told[told.index("Mind") + 1].endswith(first)


def test_of_several_rules_that_the_choice_was_wrong_about_each_gets_more_room() -> None:
    card = mitigation()
    search = chosen("rule statistical-parity, rule four-fifths within 0.9, then accuracy", PARITY, FIFTHS)
    first = mitigation_view(msgspec.structs.replace(card, holdout=ruled(card.holdout, statistical_parity="fail", four_fifths="inconclusive"), search=search)).warnings[0]
    assert "four-fifths is not told to be met or violated, with so few rows, though it was violated before. The choice asked for them and found them met" in first
    assert "--choose 'rule statistical-parity within 0.05, rule four-fifths within 0.95, then accuracy'" in first


@pytest.mark.parametrize("after", ["pass", None])
def test_a_rule_that_passes_or_judges_nobody_is_no_mistake_of_the_choice(after: str | None) -> None:
    card = mitigation()
    seen = mitigation_view(msgspec.structs.replace(card, holdout=ruled(card.holdout, statistical_parity=after), search=chosen("rule statistical-parity, then accuracy", PARITY))).warnings
    assert not any("within 0.05" in one for one in seen)


def test_rows_at_a_cut_are_told_only_where_there_are_some() -> None:
    card = mitigation()
    assert "3 rows within a millionth of a cut may be rounded to either side, and 1 was" in mitigation_view(card).checked
    none = msgspec.structs.replace(card, holdout=msgspec.structs.replace(card.holdout, checked=Checked(rows=1_000, near_a_cut=0, differing=0, drawn=0)))
    assert mitigation_view(none).checked == "The exported model was loaded again in a fresh process and gives all 1,000 rows the same score and decision."


def test_a_change_that_is_no_gain_of_anybodys_is_not_called_unmoved_and_one_without_an_interval_not_the_same() -> None:
    """A false positive rate, where being selected helps, that fell by a quarter; and a precision of which too few rows turned."""
    card = mitigation()
    fell = [msgspec.structs.replace(one, metric="false_positive_rate", is_better=None) for one in card.holdout.moved]
    few = [msgspec.structs.replace(one, metric="positive_predictive_value", interval=None, is_better=None) for one in card.holdout.moved]
    judged = ("false_positive_rate", "positive_predictive_value")
    seen = mitigation_view(msgspec.structs.replace(card, fit=msgspec.structs.replace(card.fit, judged=judged), holdout=msgspec.structs.replace(card.holdout, moved=(*fell, *few))))
    assert seen.unmoved == "2 rates of groups did not change, or by no more than chance explains."
    assert [{row.change for row in one.rows} for one in seen.shifts] == [{"−0.375 to −0.125", "+0.125 to +0.375"}, {"too few changed to tell"}]


def test_of_the_model_as_it_is_nothing_went_anywhere_and_nothing_is_called_the_best() -> None:
    card = mitigation()
    seen = mitigation_view(msgspec.structs.replace(card, method="as-is", export=msgspec.structs.replace(card.export, policy=policy_of_all("as-is", threshold_at(0.5)))))
    assert seen.cost[-1] == "On the rows that candidates were fitted on, sex is 0.5." and not any("best that could be had" in one for one in seen.cost)


def test_what_is_in_the_cards_notes_and_warned_of_is_told_once() -> None:
    card = inferred("sex")
    means = meaning_of(("sex",))
    seen = mitigation_view(msgspec.structs.replace(card, notes=(means, *card.notes)))
    assert seen.warnings[0] == means and means not in seen.notes and seen.notes == card.notes


BANNER = '<h2 id="verdict">'


@pytest.mark.parametrize(
    ("before", "after", "severity", "heading", "told"),
    [
        ("fail", "fail", Severity.WARN, "✗", "sex is still violated (this rule warns; it fails no build)"),
        ("pass", "fail", Severity.FAIL, "✗", "sex is violated"),
        ("fail", "pass", Severity.WARN, "✓", "sex is met"),
        ("pass", "pass", Severity.FAIL, "✓", "sex is met, as it was before"),
        ("fail", "inconclusive", Severity.INFO, "?", "sex is not told to be met or violated, with so few rows, though it was violated before (this rule informs; it fails no build)"),
    ],
)
def test_the_banner_says_of_the_rules_whether_they_are_met_and_never_passes_over_one_that_is_not(before: str, after: str, severity: Severity, heading: str, told: str) -> None:
    """The audit of the rows held out is one that an audit's banner calls a failure or a pass for reasons of its own."""
    card = mitigation()
    card = msgspec.structs.replace(card, holdout=msgspec.structs.replace(card.holdout, rules=(judged(before=before, after=after, severity=severity),)))
    page = render(adult(), mitigation=card)
    banner = page[page.index(BANNER) : page.index("<nav")]
    assert f"On 1,000 rows that were not fitted on, {told}." in banner and f'<span class="sign" aria-hidden="true">{heading}</span>' in banner
    assert "sex: largest difference in selection rate 0.227 → 0.077 (sex=f; limit 0.1)" in banner
    assert f"  {heading} {told}\n" in mitigation_words(card, width=100) and f"{told}." in page[page.index('id="mitigation"') :]


def numbers(before: RuleNumber, after: RuleNumber) -> str:
    return rules_met([Judged(rule="r", severity=Severity.FAIL, before="fail", after="pass", number_before=before, number_after=after)])[0].numbers


def test_a_rules_number_before_and_after_is_told_in_its_own_terms() -> None:
    assert numbers(number("sex", 0.61, kind="ratio", limit=(0.8, 1.25)), number("sex", 0.9, kind="ratio", limit=(0.8, 1.25))) == "r: lowest ratio of selection rate 0.61 → 0.9 (sex=f; limit 0.8 and 1.25)"
    other = msgspec.structs.replace(number("sex", 0.05), metric="true_positive_rate", group=number("race", 0.05).group)
    assert numbers(number("sex", -0.2), other) == "r: largest difference in selection rate 0.2 (sex=f) → largest difference in true positive rate 0.05 (race=f) (limit 0.1)"
    better = number("sex", 0.02, limit=(-0.1, None))
    assert numbers(number("sex", -0.2, limit=(-0.1, None)), better) == "r: largest difference in selection rate −0.2 → 0.02 (sex=f; limit −0.1)", "of a difference to the good side the sign is told"
    assert numbers(number("sex", 0.3, kind="gap", limit=(None, 0.1)), number("sex", 0.1001, kind="gap", limit=(None, 0.1))) == "r: largest gap in selection rate 0.3 → 0.1001 (sex=f and sex=m; limit 0.1)", "it is shown on which side of the limit it is"


def held(*moved: Moved, rules: tuple[Judged, ...] = ()) -> MitigationCard:
    card = mitigation()
    return msgspec.structs.replace(card, holdout=msgspec.structs.replace(card.holdout, moved=moved, levelled_down=(), rules=rules or (judged(after="pass"),)))


def moved(metric: str, before: float, after: float, *, of: str | None = None, is_better: bool | None = None) -> Moved:
    change = after - before
    return Moved(metric=metric, slice=Slice([("sex", of)]) if of else EVERYONE, rows=500, before=before, after=after, change=change, interval=(change - 0.01, change + 0.01), is_better=is_better)


def warned(card: MitigationCard) -> tuple[str, ...]:
    return mitigation_view(card).warnings


def test_a_model_that_hardly_tells_anybody_apart_any_more_is_no_success() -> None:
    """Half of the positives and half of the negatives right is what a coin has."""
    told = "The mitigated model hardly tells positives from negatives: its balanced accuracy is 51.0%, where whoever decides by chance, or everybody alike, has 50%, and it was 64.0% before."
    assert any(one.startswith(told) for one in warned(held(moved("balanced_accuracy", 0.64, 0.51))))
    for before, after in ((0.64, 0.56), (0.58, 0.52)):  # still better than a coin; hardly better than one before
        assert not any("hardly tells" in one for one in warned(held(moved("balanced_accuracy", before, after))))


def test_that_nobody_or_everybody_of_a_group_is_selected_is_minded() -> None:
    assert "Nobody of sex=f is selected any more, on the rows that were held out." in warned(held(moved("selection_rate", 0.2, 0.0, of="f")))
    assert "Everybody of sex=f is selected, on the rows that were held out." in warned(held(moved("selection_rate", 0.2, 1.0, of="f")))
    assert "Nobody is selected any more, so the model decides nothing." in warned(held(moved("selection_rate", 0.2, 0.0), moved("selection_rate", 0.2, 0.0, of="f")))
    by_chance = msgspec.structs.replace(moved("selection_rate", 0.005, 0.0, of="f"), interval=None)
    assert not any("Nobody of" in one for one in warned(held(by_chance))), "one or two of a group are no decision about it"


def test_that_nobody_is_better_off_is_said_with_who_is_worse_off() -> None:
    worse = [moved("true_positive_rate", 0.6, 0.5, of=one, is_better=False) for one in "fm"]
    assert "Nobody is better off, and 2 groups are worse off, as far as the rows that were held out can tell: sex=f, sex=m." in warned(held(*worse))
    assert not any("Nobody is better off" in one for one in warned(held(*worse, moved("selection_rate", 0.1, 0.2, of="f", is_better=True))))


def test_that_nothing_was_changed_comes_first() -> None:
    same = msgspec.structs.replace(held(rules=(judged(after="fail"),)), export=msgspec.structs.replace(mitigation().export, policy=policy_of_all("thresholds", threshold_at(0.5))))
    assert warned(same)[0] == "Nothing was changed: the exported model decides as the original does."
    other = msgspec.structs.replace(same, config={"threshold": 0.4})
    assert not any("Nothing was changed" in one for one in warned(other))


def test_everyone_has_balanced_accuracy_and_not_the_error_that_accuracy_tells_already() -> None:
    seen = mitigation_view(held(moved("accuracy", 0.8, 0.7), moved("error_rate", 0.2, 0.3), moved("balanced_accuracy", 0.75, 0.7)))
    assert [one.split(" ")[0] for one in seen.cost[:-1]] == ["accuracy", "balanced"]


def test_a_group_that_is_hardly_mistaken_is_told_and_not_inferred_and_that_comes_first() -> None:
    card = inferred("sex")
    assert card.inference is not None
    sure = msgspec.structs.replace(card.inference, mistaken=tuple(msgspec.structs.replace(one, mistaken=20) for one in card.inference.mistaken))
    first, second, *_ = mitigation_view(msgspec.structs.replace(card, inference=sure)).warnings
    assert first.startswith("At most 4.0% of a group are taken for another: some column that the model takes all but says the sex") and "article 9 of the GDPR" in second
    assert not any("all but says" in one for one in mitigation_view(card).warnings)


def test_the_reports_title_names_the_original_and_the_files_that_were_given() -> None:
    files = tuple(DataFile(name=name, sha256=SHA, rows=10) for name in ("people.csv", "more.csv"))
    card = mitigation()
    split = render(adult(), mitigation=msgspec.structs.replace(card, parts=msgspec.structs.replace(card.parts, given=files)))
    assert "<h1>Fairness audit of sex, mitigated by thresholds</h1>" in split and '<p class="subject">on rows held out of people.csv, more.csv</p>' in split
    own = render(adult(), mitigation=msgspec.structs.replace(card, parts=msgspec.structs.replace(card.parts, given=files[:1], given_holdout=files[1:])))
    assert '<p class="subject">on the rows of more.csv</p>' in own
