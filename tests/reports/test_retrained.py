"""The section of a report on a model that was trained under weights: what is named, and that any text stays text."""

from __future__ import annotations

import msgspec
import pytest

from fairaudit.mitigations.proof import Checked
from fairaudit.reports.html import render
from fairaudit.reports.retrained import retrained_view, retrained_words
from tests.reports.builders import adult
from tests.reports.mitigations import retrained
from tests.reports.test_html import ATTACK, DIRECTION, Parsed


@pytest.mark.parametrize("by_trainer", [False, True])
@pytest.mark.parametrize("text", [ATTACK, DIRECTION, "&amp;", "{{ page }}"])
def test_any_text_in_any_place_of_it_comes_back_as_that_text(text: str, by_trainer: bool) -> None:
    clean, parsed = (Parsed(render(adult(), mitigation=retrained(one, values=(one, "m"), by_trainer=by_trainer))) for one in ("harmless", text))
    assert parsed.tags == clean.tags and [(tag, name) for tag, name, _ in parsed.attributes] == [(tag, name) for tag, name, _ in clean.attributes]
    assert not {"\u202e", "\x1b", "\x00"} & set("".join(parsed.text)) and "harmless" in "".join(clean.text)


def test_marks_that_would_turn_the_terminal_around_are_written_out() -> None:
    words = retrained_words(retrained(DIRECTION), width=100)
    assert not {"\u202e", "\x1b", "\x00"} & set(words) and r"\u202e" in words


def test_the_epoch_that_was_kept_is_marked_and_only_that_one() -> None:
    seen = retrained_view(retrained())
    assert seen.trained is not None and [(one.epoch, one.validation, one.kept) for one in seen.trained.epochs] == [("as it was", "0.5", ""), ("1", "0.475", ""), ("2", "0.375", "kept"), ("3", "0.4125", "")]
    assert "1,234 numbers of the model could change. It learned from 800 rows under these weights, whose factors were raised to 0.5, and was stopped by 200 others (20.0% of the rows to fit on): the best of 3 epochs, the 2nd, was kept." in seen.trained.how
    assert "The weighted cross-entropy of the 200 rows that nothing was learned from went from 0.5 to 0.375." in seen.cost


def test_a_training_that_changed_nothing_keeps_the_model_as_it_was() -> None:
    seen = retrained_view(retrained(best=0))
    assert seen.trained is not None and [one.kept for one in seen.trained.epochs] == ["kept", "", "", ""] and "none of 3 epochs was better than the start, so nothing was changed" in seen.trained.how
    assert not any("cross-entropy" in one for one in seen.cost)


def test_levelling_down_is_the_first_warning_and_that_the_model_takes_the_attribute_the_last() -> None:
    seen = retrained_view(retrained())
    assert seen.warnings[0].startswith("Levelling down: ") and seen.warnings[1] == "sex is not told to be met or violated, with so few rows, though it was violated before. See the findings."
    assert seen.warnings[-1].startswith("The model takes sex as an input, and may have learned to decide people differently for their group alone.")
    assert not any("takes" in one for one in retrained_view(retrained(taken=False)).warnings)


def test_it_says_how_the_model_is_asked_and_what_a_positive_decision_is() -> None:
    assert retrained_view(retrained()).code[-4:] == ("answer = decide(", '    sex=tf.constant(["text"]),', ")", 'print(answer["sex"].numpy())  # the score; above 0.25 is a positive decision')
    assert retrained_view(retrained()).audit[-3:] == ("    --output sex \\", "    --threshold 0.25 \\", "    --out audited")
    logits = msgspec.structs.replace(retrained(), config={"activation": "sigmoid", "at_threshold": "positive"})
    assert retrained_view(logits).code[-1] == 'print(answer["sex"].numpy())  # of which sigmoid makes the score; at or above 0.5 is a positive decision'


def test_a_fresh_process_that_rounds_otherwise_is_told() -> None:
    card = retrained(by_trainer=True)
    quiet = msgspec.structs.replace(card, holdout=msgspec.structs.replace(card.holdout, checked=Checked(rows=1_000, near_a_cut=0, differing=0, drawn=0)))
    assert retrained_view(quiet).checked == "The exported model was loaded again in a fresh process and gives all 1,000 rows the same score and decision."
    seen = retrained_view(card)
    assert seen.trained is not None and seen.trained.epochs == () and seen.trained.how == "sex {out} was run twice, first with the rows' own weights, on 1,000 rows."


def test_where_training_left_a_model_as_it_was_that_comes_first_and_what_else_there_is_is_said() -> None:
    untouched = msgspec.structs.replace(retrained(best=0, taken=False), config={"protected": ["race"]})
    assert retrained_view(untouched).warnings[0] == "Nothing was changed: the exported model is the original."
    advice = "The model does not take race, so there is little of it that training could unlearn. `fairaudit mitigate thresholds` changes"
    assert any(one.startswith(advice) for one in retrained_view(untouched).warnings)
    assert not any("could unlearn" in one for one in retrained_view(retrained(best=0)).warnings), "a model that takes the attribute has something to unlearn"
    withheld = msgspec.structs.replace(untouched, settings=untouched.settings | {"without_attribute": True})
    assert not any("could unlearn" in one for one in retrained_view(withheld).warnings), "who withholds the group does not want to be told to decide by it"
