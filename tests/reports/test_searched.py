"""The frontier in words and drawings."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import msgspec
import pytest

from fairaudit.mitigations.frontier import Frontier
from fairaudit.mitigations.policy import Treatment, policy_of_all
from fairaudit.reports.html import render
from fairaudit.reports.searched import Drawing, frontier_words, search_view
from tests.reports.builders import audit
from tests.reports.frontiers import NUMBERS, frontier
from tests.reports.mitigations import mitigation


def drawing() -> Drawing:
    (found,) = search_view(frontier()).drawings
    return found


def test_dots_lie_as_far_apart_as_their_numbers() -> None:
    seen = {dot.words.split(":")[0]: (float(dot.x), float(dot.y)) for dot in drawing().dots}
    places = {id: numbers for id, numbers in zip(("as-is", "one", "two", "three", "four"), NUMBERS, strict=True) if id in seen}
    (wide, high), (narrow, low) = ((seen["two"], places["two"]), (seen["as-is"], places["as-is"]))
    per_ratio, per_accuracy = (wide[0] - narrow[0]) / (high[1] - low[1]), (wide[1] - narrow[1]) / (high[0] - low[0])
    assert per_ratio > 0 > per_accuracy  # up is better, and the page counts downwards
    for id, (x, y) in seen.items():
        assert (x, y) == (pytest.approx(narrow[0] + per_ratio * (places[id][1] - low[1]), abs=0.2), pytest.approx(narrow[1] + per_accuracy * (places[id][0] - low[0]), abs=0.2))
    (limit,) = drawing().limits
    assert float(limit) == pytest.approx(narrow[0] + per_ratio * (0.8 - low[1]), abs=0.2)


def test_the_choice_the_model_as_it_is_and_what_no_other_beats_are_marked() -> None:
    kinds = {dot.words.split(":")[0]: dot.kind for dot in drawing().dots}
    assert kinds == {"as-is": "as-is", "one": "efficient", "two": "chosen", "four": "other"}  # three lies far below the others
    assert "1 candidate lies below what is drawn." in drawing().caption
    assert [one.text for one in drawing().labels] == ["as it is", "chosen"] and drawing().dots[-1].kind == "chosen"
    x = {dot.words.split(":")[0]: (dot.x, dot.y) for dot in drawing().dots}
    assert drawing().line == "M" + " L".join(f"{x[id][0]} {x[id][1]}" for id in ("as-is", "one", "two"))
    assert all((dot.across and dot.up) if dot.kind != "other" else not (dot.across or dot.up) for dot in drawing().dots)


def test_who_pays_stands_beside_each_point_and_the_model_itself_moves_nobody() -> None:
    lines = {one.id: one for one in search_view(frontier()).lines}
    assert lines["two"].better == "sex=f: selection rate 25.0% → 50.0%" and lines["two"].worse == "sex=m: selection rate 25.0% → 50.0%"
    assert (lines["as-is"].better, lines["as-is"].worse) == ("–", "–")


def test_what_could_not_be_fitted_for_one_reason_is_told_together() -> None:
    assert search_view(frontier("why")).unmet == (("five, six", "why"),)


def test_one_candidate_was_and_several_were_fitted() -> None:
    only = msgspec.structs.replace(frontier(), points=tuple(one for one in frontier().points if one.id == "two"))
    assert search_view(only).lead.startswith("1 candidate was fitted on ") and " candidates were fitted on " in search_view(frontier()).lead


def test_the_terminal_marks_the_choice_and_what_meets_the_rule() -> None:
    said = frontier_words(frontier().points, frontier().unmet, "two", "accuracy", width=100).splitlines()
    assert [one.split()[:2] for one in said[2:5]] == [["as-is", "85.0%"], ["one", "84.0%"], ["→", "two"]]
    assert said[4].split()[-2:] == ["✓", "asks"] and said[2].split()[-2:] == ["✗", "–"]


def test_what_a_point_would_ask_for_and_draw_stands_beside_it() -> None:
    drawn = policy_of_all("thresholds", Treatment(cuts=(0.5,), chances=(0.0, 0.5)))
    plain = frontier()
    points = tuple(msgspec.structs.replace(one, needs_attribute=asks, policy=policy) for one, asks, policy in zip(plain.points, (False, True, False, True, True), (None, None, drawn, drawn, None), strict=True))
    seen = search_view(msgspec.structs.replace(plain, points=points))
    assert {one.id: one.serving for one in (*seen.lines, *seen.others)} == {"as-is": "–", "one": "asks", "two": "draws", "three": "asks, draws", "four": "asks"}
    page = render(audit([]), mitigation=mitigation(), frontier=msgspec.structs.replace(plain, points=points))
    assert page.count(">When serving</th>") == 2 and page.count(">asks, draws</td>") == 1
    assert "When serving, what asks takes a protected attribute, and what draws leaves some decisions to a draw." in page
    said = " ".join(frontier_words(points, (), "two", "accuracy", width=300).split())
    assert "when serving" in said and "When serving, what asks takes a protected attribute" in said


def test_what_decides_beside_the_objective_has_a_column_of_its_own() -> None:
    both = frontier(aims=("false_positive_rate", "f1"))
    head, first = frontier_words(both.points, (), "two", "accuracy", width=300).splitlines()[1:3]
    assert head.endswith("  when serving") and head.index("accuracy") < head.index("false positive rate") < head.index("F1") < head.index("four-fifths")
    assert "15.0% 12.5% to 25.0%" in first and "0.15 0.125 to 0.25" in first
    seen = search_view(both)
    assert seen.aims == ("False positive rate", "F1 score") and [one.text for one in seen.lines[0].aims] == ["15.0%", "0.15"]
    page = render(audit([]), mitigation=mitigation(), frontier=both)
    assert page.count('<th scope="col" class="n">False positive rate</th>') == 2
    undefined = tuple(msgspec.structs.replace(one, aims=(msgspec.structs.replace(one.aims[0], value=None, interval=None),)) for one in both.points)
    assert "undefined" in frontier_words(undefined, (), "two", "accuracy", width=300)


def test_the_page_draws_it_for_those_who_cannot_see_too() -> None:
    page = render(audit([]), mitigation=mitigation(), frontier=frontier())
    (svg,) = re.findall(r'<svg viewBox="0 0 460 300".*?</svg>', page, re.DOTALL)
    root = ElementTree.fromstring(svg)
    told = {one.tag: one.text or "" for one in root}
    ids = {one.attrib["id"] for one in root if "id" in one.attrib}
    assert set(root.attrib["aria-labelledby"].split()) <= ids and root.attrib["role"] == "img"
    assert told["title"] == "Accuracy beside four-fifths" and "the chosen two with 82.0% at 0.9" in told["desc"] and "The table below has every number." in told["desc"]


def test_numbers_past_either_side_are_drawn_by_how_far_off_they_are() -> None:
    """A difference of -0.2 is as bad as one of 0.2 where both sides are judged."""
    both = frontier()
    points = [
        msgspec.structs.replace(one, rules=(msgspec.structs.replace(one.rules[0], kind="difference", value=value, interval=(value - 0.1, value + 0.1), limit=(-0.1, 0.1), past=abs(value) - 0.1),))
        for one, value in zip(both.points, (0.2, -0.2, -0.05, 0.3, 0.1), strict=True)
    ]
    (found,) = search_view(msgspec.structs.replace(both, points=tuple(points))).drawings
    seen = {dot.words.split(":")[0]: dot for dot in found.dots}
    assert seen["as-is"].x == seen["one"].x and float(seen["two"].x) < float(seen["one"].x) and len(found.limits) == 1
    assert "left is less disparity" in found.caption


def test_a_rule_that_judges_nobody_has_no_drawing() -> None:
    plain = frontier()
    points = [msgspec.structs.replace(one, rules=(msgspec.structs.replace(one.rules[0], metric=None, kind=None, value=None, interval=None, past=None, meets=False),)) for one in plain.points]
    nobody: Frontier = msgspec.structs.replace(plain, points=tuple(points))
    seen = search_view(nobody)
    assert seen.drawings == () and all(one.rules[0].text == "judges nobody" for one in (*seen.lines, *seen.others))
    assert render(audit([]), mitigation=mitigation(), frontier=nobody)


def test_where_neither_the_choice_nor_the_model_has_a_finite_number_the_others_are_drawn() -> None:
    plain = frontier()
    first = msgspec.structs.replace(plain.points[0], rules=(msgspec.structs.replace(plain.points[0].rules[0], value=None, interval=None, past=None, meets=False),))
    others = [msgspec.structs.replace(one, efficient=()) for one in plain.points[1:]]
    (found,) = search_view(msgspec.structs.replace(plain, chosen="as-is", points=(first, *others))).drawings
    assert {dot.kind for dot in found.dots} == {"other"} and len(found.dots) == 4 and "1 candidate without a finite number is not drawn." in found.caption


def test_that_a_worst_number_of_three_groups_leans_towards_worse_is_said() -> None:
    assert "of three groups or more both lean towards what is worse" in search_view(frontier()).note
