from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from lxml import etree

from fairaudit.evidence.measurement import Group
from fairaudit.gate.policy import State
from fairaudit.gate.result import BLOCKING, remarks_of
from fairaudit.reports.formats.junit import junit
from tests.reports.builders import BLACK, WHITE, finding
from tests.reports.formats.builders import EVERYTHING, NOTHING, STATES, WORSE, Ruled, made, many, rulings

SCHEMA = etree.XMLSchema(etree.parse(Path(__file__).parents[2] / "schemas" / "junit-10.xsd"))


def parsed(one: Ruled) -> ElementTree.Element:
    """The document, which Jenkins' schema must take."""
    text = junit(one.known, one.ruling)
    SCHEMA.assertValid(etree.fromstring(text))
    return ElementTree.fromstring(text)


def children(root: ElementTree.Element) -> list[str]:
    return [child.tag for case in root.iter("testcase") for child in case]


@pytest.mark.parametrize(
    ("state", "child"),
    [(State.PASS, None), (State.NOTED, "skipped"), (State.WAIVED, "skipped"), (State.WARN, "skipped"), (State.INCONCLUSIVE, "error"), (State.FAIL, "failure"), (State.ERROR, "error")],
)
def test_each_state_is_what_ci_systems_show_best(state: State, child: str | None) -> None:
    root = parsed(STATES[state])
    assert children(root) == ([child] if child else [])
    assert {case.find(child).get("type") for case in root.iter("testcase") if child and case.find(child) is not None} == ({state.value} if child else set())  # type: ignore[union-attr]


def test_a_failure_says_who_by_how_much_and_against_which_limit() -> None:
    (case,) = [case for case in parsed(STATES[State.FAIL]).iter("testcase") if len(case)]
    assert (case.get("name"), case.get("classname")) == ("race=Black: selection_rate ratio", "fairaudit.four-fifths by race")
    told = "People whose race is Black are selected 0.61 times as often as those whose race is White; 95% interval 0.55 to 0.67."
    assert case[0].get("message") == told
    assert case[0].text == f"fail: {told}\nThe rule allows at least 0.8 times.\nPast the limit, and more than chance would explain."


def test_what_is_waived_says_by_whom_until_when_and_why() -> None:
    (case,) = [case for case in parsed(STATES[State.WAIVED]).iter("testcase") if len(case)]
    told = "Waived by ada until 2026-11-26, as far as 0.5 (FAIR-7): data are being collected."
    assert str(case[0].text).endswith(f"\n{told}") and str(case[0].get("message")).endswith(f"95% interval 0.55 to 0.67. {told}")


def test_what_is_worse_than_waived_says_so_and_fails() -> None:
    (case,) = [case for case in parsed(WORSE).iter("testcase") if len(case)]
    told = "Worse than waived: ada answers for it until 2026-11-26 as far as 0.5, and no further."
    assert case[0].tag == "failure" and str(case[0].text).endswith(f"\n{told}") and str(case[0].get("message")).endswith(f" {told}")


def test_numbers_add_up_and_the_day_is_that_of_the_gate() -> None:
    root = parsed(EVERYTHING)
    assert {name: root.get(name) for name in ("tests", "failures", "errors")} == {"tests": "6", "failures": "1", "errors": "2"}
    assert sum(int(str(suite.get("tests"))) for suite in root) == 6 and {suite.get("timestamp") for suite in root} == {"2026-11-26T00:00:00"}


def test_a_gate_that_judged_nothing_is_no_empty_green_file() -> None:
    assert children(parsed(NOTHING)) == ["error"]


def test_a_case_has_the_same_name_when_another_group_is_best_or_furthest() -> None:
    def names(**changes: Any) -> list[str | None]:
        return [case.get("name") for case in parsed(made([finding(**changes)])).iter("testcase")]

    assert names(reference=Group(slice=WHITE)) == names(reference=Group(slice=BLACK)) == ["race=Black: selection_rate ratio"]
    assert names(kind="gap", limit=(None, 0.1)) == names(kind="gap", limit=(None, 0.1), group=Group(slice=WHITE), reference=Group(slice=BLACK)) == ["all slices by race: selection_rate gap"]


def test_two_cases_of_one_name_are_told_apart() -> None:
    cases = list(parsed(made([finding(), finding()])).iter("testcase"))
    assert [case.get("name") for case in cases] == ["race=Black: selection_rate ratio", "race=Black: selection_rate ratio (2)"]


@settings(max_examples=100, deadline=None)
@given(rulings())
def test_any_ruling_is_a_valid_document_as_red_as_its_exit_code(one: Ruled) -> None:
    root = parsed(one)
    cases = list(root.iter("testcase"))
    assert len(cases) == len(one.ruling.standings) + len(remarks_of(one.ruling))
    assert len({(case.get("classname"), case.get("name")) for case in cases}) == len(cases)
    is_red = bool({"failure", "error"} & set(children(root)))
    assert is_red == (one.ruling.exit_code != 0) == any(state in BLOCKING for state in (*one.ruling.states, *(remark.state for remark in remarks_of(one.ruling))))


def test_ten_thousand_findings_are_ten_thousand_cases() -> None:
    assert len(list(parsed(many(10_000)).iter("testcase"))) == 10_000
