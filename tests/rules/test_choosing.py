"""The tree of `fairaudit rules choose`: every row of RULES.md C, copied here as facts, and what must hold whatever is answered."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from fairaudit.errors import ConfigError
from fairaudit.resources import names
from fairaudit.rules.choosing import Choice, answered, choose, id_of, rule_of
from fairaudit.rules.library import load_rule, shipped_rules
from fairaudit.rules.tree import FACTS, NEARLY_ALL_SELECTED, UNEQUAL_BASE_RATES, parse_table, table

# The catalogue's numbers, by which RULES.md C names rules.
NUMBERS = {
    1: "four-fifths", 2: "nyc-ll144-selection", 3: "nyc-ll144-scoring", 4: "statistical-parity", 5: "conditional-parity", 6: "equal-opportunity", 7: "predictive-equality", 8: "equalized-odds",
    9: "predictive-parity", 10: "false-omission-parity", 11: "calibration-within-groups", 12: "ranking-parity", 14: "worst-group", 16: "regression-parity", 17: "no-worse-than-baseline", 18: "representation",
}  # fmt: skip
QUESTIONS = {  # RULES.md C, the eight questions, and what "few flagged" asks; with the cautious answer
    "gives": ("decision", "score", "number", "class"), "law": ("none", "us-employment", "nyc", "eu-high-risk", "us-health"), "labels": ("sound", "selective", "proxy", "none"),
    "effect": ("helps", "harms", "both"), "worse-error": ("missed", "wrongly-flagged", "both"), "use": ("yes-no", "probability", "top-k"), "flagged": ("few", "many"),
    "control": ("none", "given"), "update": ("yes", "no"),
}  # fmt: skip
CAUTIOUS = {"gives": "decision", "law": "none", "labels": "proxy", "effect": "both", "worse-error": "both", "use": "yes-no", "flagged": "many", "control": "none", "update": "no"}
SOUND = {"labels": "sound"}
# Row of RULES.md C → answers → rules by number; "w" a warning, "i" a remark, without a letter as shipped.
ROWS = {
    "labels none": ({"labels": "none", "effect": "helps"}, "1 18"),
    "labels proxy, error-rate rules told": ({"labels": "proxy", "effect": "helps", "worse-error": "missed"}, "1 18 6i 10i 14i"),
    "labels proxy, a decision that helps and harms": ({"labels": "proxy"}, "1 4 18 8i"),
    "labels none, with a control": ({"labels": "none", "effect": "harms", "control": "given"}, "1 18 5"),
    "labels selective": ({"labels": "selective", "control": "given", "update": "yes"}, "1 9 5 17"),
    "labels selective, read as a probability": ({"labels": "selective", "gives": "score", "use": "probability"}, "11 1 9"),
    "sound, helps, missed": ({**SOUND, "effect": "helps", "worse-error": "missed"}, "6 10 14"),
    "sound, helps, missed, but not yes or no": ({**SOUND, "effect": "harms", "worse-error": "missed", "use": "top-k"}, "6 14"),
    "sound, helps, top-k": ({**SOUND, "effect": "helps", "use": "top-k"}, "6 18 4i"),
    "sound, harms, wrongly flagged": ({**SOUND, "effect": "harms", "worse-error": "wrongly-flagged"}, "7 14"),
    "sound, harms, few flagged": ({**SOUND, "effect": "harms", "worse-error": "wrongly-flagged", "flagged": "few"}, "7 9w"),
    "sound, both errors": ({**SOUND}, "8"),
    "sound, both errors, few flagged": ({**SOUND, "effect": "harms", "flagged": "few"}, "8 9w"),
    "probability, missed": ({**SOUND, "gives": "score", "use": "probability", "effect": "helps", "worse-error": "missed"}, "11 12 6w"),
    "probability, wrongly flagged": ({**SOUND, "gives": "score", "use": "probability", "effect": "harms", "worse-error": "wrongly-flagged"}, "11 12 7w"),
    "probability, both": ({**SOUND, "gives": "score", "use": "probability"}, "11 12 6w 7w"),
    "gives a number": ({"gives": "number", "update": "yes"}, "16 14 17"),
    "gives a class": ({**SOUND, "gives": "class"}, "6 7 14"),
    "law us-employment": ({**SOUND, "law": "us-employment"}, "8 1"),
    "law nyc": ({**SOUND, "law": "nyc", "gives": "score"}, "8 2 3"),
    "law nyc, decisions": ({**SOUND, "law": "nyc"}, "8 2"),
    "law eu-high-risk": ({**SOUND, "law": "eu-high-risk", "gives": "score"}, "8 11 14 18"),
    "law us-health": ({**SOUND, "law": "us-health"}, "8 6 14"),
    "law us-health, labels that lean": ({"law": "us-health", "effect": "helps"}, "1 18 8i 6i 14i"),
    "control, beside parity": ({**SOUND, "control": "given"}, "8 5 4"),
    "control, beside four fifths": ({**SOUND, "law": "us-employment", "control": "given"}, "8 1 5"),
    "update": ({**SOUND, "update": "yes"}, "8 17"),
}  # fmt: skip


def chosen(found: tuple[str, ...] = (), **given: str | tuple[str, ...]) -> Choice:
    own = {name.replace("_", "-"): (one,) if isinstance(one, str) else one for name, one in given.items()}
    return choose(answered(own, seen={}), found)


def said(choice: Choice) -> list[str]:
    """Rules as the rows above write them, as they came."""
    letters = {"fail": "", "warn": "w", "info": "i"}
    numbers = {id: str(number) for number, id in NUMBERS.items()}
    return [f"{numbers[one.rule]}{letters[one.severity.value] if one.severity and one.changes_severity else ''}" for one in choice.rules]


@pytest.mark.parametrize("row", ROWS)
def test_a_row_of_the_tree_leads_to_its_rules(row: str) -> None:
    answers, rules = ROWS[row]
    assert sorted(said(chosen(**answers))) == sorted(rules.split())


def test_the_questions_and_their_cautious_answers_are_those_of_the_specification() -> None:
    assert {one.id: tuple(one.answers) for one in table().questions} == QUESTIONS
    assert {one.id: one.cautious for one in table().questions} == CAUTIOUS
    assert all(one.explains.strip() and one.why.strip() and one.asks.endswith("?") for one in table().questions)


def test_unanswered_is_the_cautious_branch_and_is_said_to_be_assumed() -> None:
    answers = answered({"labels": ("sound",)}, seen={"gives": ("score", "--score-column")})
    assert {name: one[0] for name, one in answers.given.items()} == CAUTIOUS | {"labels": "sound", "gives": "score"}
    assert set(answers.assumed) == QUESTIONS.keys() - {"labels", "gives"} and answers.seen == {"gives": "--score-column"}


ALL = [dict(zip(QUESTIONS, one, strict=True)) for one in product(*QUESTIONS.values()) if not (one[5] == "probability" and one[0] in ("decision", "class"))]
EVERY = [one for one in ALL if (one["flagged"] == "many" or one["effect"] == "harms") and (one["gives"] != "number" or one["labels"] == "sound")]  # where the answer plays a part


def test_whatever_is_answered_something_gates_and_the_tree_keeps_its_promises() -> None:
    rules = {id: load_rule(id) for id in shipped_rules()}
    for answers in EVERY:
        choice = chosen(**answers)
        severity = {one.rule: one.severity.value for one in choice.rules if one.severity}
        if answers["gives"] == "number":
            assert not choice.can_be_audited and "This version" in choice.not_had[0].why
            continue
        assert "fail" in severity.values(), answers
        assert choice.traded, answers
        if answers["labels"] == "none":
            assert not any(rules[one].needs_label for one in severity)
        if answers["labels"] == "proxy":
            assert all(severity[one] == "info" for one in severity if rules[one].needs_label), answers
        if answers["labels"] == "selective":
            assert not {"equal-opportunity", "predictive-equality", "equalized-odds", "false-omission-parity"} & severity.keys()
        if answers["control"] == "given":
            assert "conditional-parity" in severity and {"four-fifths", "statistical-parity"} & severity.keys()
        if answers["gives"] != "score":
            assert not {"calibration-within-groups", "ranking-parity", "nyc-ll144-scoring"} & severity.keys()
        if answers["update"] == "yes" and answers["labels"] != "none":
            assert "no-worse-than-baseline" in {one.rule for one in choice.rules}


def test_a_law_adds_and_never_removes_nor_softens() -> None:
    strictness = ("info", "warn", "fail")
    for answers in EVERY:
        if answers["law"] == "none" or answers["gives"] == "number" or answers["update"] == "yes" or answers["flagged"] == "few":
            continue
        without = {one.rule: one.severity for one in chosen(**{**answers, "law": "none"}).rules}
        with_it = {one.rule: one.severity for one in chosen(**answers).rules}
        for rule, severity in without.items():
            if rule == "statistical-parity" and rule not in with_it:
                assert "four-fifths" in with_it  # beside a control one of the two is enough
                continue
            assert severity and (own := with_it[rule]) and strictness.index(own.value) >= strictness.index(severity.value), answers


def test_several_laws_add_together_and_none_excludes_them() -> None:
    both = chosen(**SOUND, law=("us-employment", "us-health"))
    assert sorted(said(both)) == sorted(["8", "1", "6", "14"])
    with pytest.raises(ConfigError, match="--law none says that none"):
        chosen(law=("none", "nyc"))


def test_what_cannot_be_had_is_said_with_the_reason() -> None:
    found = {one.rule: one.why for one in chosen(labels="selective", law=("eu-high-risk", "us-health")).not_had}
    assert "what became of those who were not chosen" in found["equal-opportunity"] and "what became of those" in found["worst-group"]
    assert "it needs scores, and the model gives a decision" in found["calibration-within-groups"]
    assert "several classes" in chosen(**SOUND, gives="class").not_had[0].why
    assert {one.rule for one in chosen(labels="none", worse_error="missed").not_had} == {"equal-opportunity", "false-omission-parity", "worst-group"}


def test_of_two_severities_the_stricter_holds_with_its_reason() -> None:
    (one,) = [one for one in chosen(**SOUND, gives="score", use="probability", worse_error="missed", law="us-health").rules if one.rule == "equal-opportunity"]
    assert one.severity and one.severity.value == "fail" and len(one.paths) == 2 and one.why[0].startswith("45 CFR 92.210")


def test_answers_that_exclude_each_other_are_one_sentence() -> None:
    with pytest.raises(ConfigError, match=r"^--use probability says that somebody reads a score, and --gives decision that there is none; change one\.$"):
        chosen(use="probability")
    with pytest.raises(ConfigError, match="there is no answer 'sounds'; did you mean 'sound'"):
        chosen(labels="sounds")


def test_every_warning_that_may_bite_is_the_beginning_of_one_of_its_rules() -> None:
    for bite in table().bites:
        assert sum(one.startswith(bite.begins) for one in load_rule(bite.rule).not_for) == 1, bite


def test_a_warning_bites_on_the_answers_that_make_it_matter() -> None:
    def warned(rule: str, choice: Choice) -> str:
        return " ".join(next(one.not_for for one in choice.rules if one.rule == rule))

    harms = {**SOUND, "effect": "harms", "worse_error": "wrongly-flagged"}
    assert "unequal base rates, where predictive-parity is asked too" in warned("predictive-equality", chosen(**harms, flagged="few"))
    assert "1 in 100" in warned("predictive-equality", chosen(**harms, flagged="few")) and warned("predictive-equality", chosen(**harms)) == ""
    assert "selection rates near 1" in warned("four-fifths", chosen((NEARLY_ALL_SELECTED,))) and "selection rates near 1" not in warned("four-fifths", chosen())
    assert "different base rates" in warned("predictive-parity", chosen((UNEQUAL_BASE_RATES,), labels="selective"))
    assert "the new model is then judged where the old one looked" in warned("no-worse-than-baseline", chosen(labels="selective", update="yes"))
    assert warned("no-worse-than-baseline", chosen(**SOUND, update="yes")) == ""


def test_a_rule_with_another_severity_is_one_of_its_own() -> None:
    (one,) = [one for one in chosen().rules if one.changes_severity]
    made = rule_of(one)
    assert (made.id, made.extends, made.severity.value, made.title) == ("equalized-odds-as-info", "equalized-odds", "info", "Equalized odds, as a remark") and id_of(one) == made.id


def test_rules_of_the_tree_are_shipped_and_no_table_is_taken_for_a_rule() -> None:
    used = {one.rule for path in (*table().paths, *table().added) for one in path.rules}
    assert used <= {*NUMBERS.values()} and used | table().needs.keys() <= set(shipped_rules())
    assert names("rules/choosing", ".yaml") == ("table",) and "table" not in shipped_rules()


def test_a_table_that_names_what_is_not_there_has_a_mistake_in_its_place() -> None:
    text = (Path(__file__).parents[2] / "rules" / "choosing" / "table.yaml").read_text(encoding="utf-8")
    assert parse_table(text) == table() and FACTS == (NEARLY_ALL_SELECTED, UNEQUAL_BASE_RATES)
    for good, bad, sentence in (
        ("when: {gives: [number]}", "when: {gives: [numbr]}", "no answer 'numbr'; did you mean 'number'"),
        ("when: {gives: [class]}", "when: {give: [class]}", "no question 'give'; did you mean 'gives'"),
        ("{rule: regression-parity,", "{rule: regresion-parity,", "no rule 'regresion-parity'"),
        ("cautious: proxy", "cautious: proxi", "no answer 'proxi'"),
        ("any_of: [four-fifths,", "any_of: [four-fifth,", "no rule 'four-fifth'; did you mean 'four-fifths'"),
        ("else: statistical-parity", "else: statistical-party", "no rule 'statistical-party'"),
        ("of_the_rejected: [equal-opportunity,", "of_the_rejected: [equal-oportunity,", "no rule 'equal-oportunity'"),
        ("bites:\n  - {rule: four-fifths,", "bites:\n  - {rule: four-fiths,", "no rule 'four-fiths'"),
        ("beside_rule: predictive-parity", "beside_rule: predictive-party", "no rule 'predictive-party'"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            parse_table(text.replace(good, bad, 1))
