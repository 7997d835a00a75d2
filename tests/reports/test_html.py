from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jinja2 import nodes

from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.evidence.measurement import Group, GroupKind, Status
from fairaudit.reports.characters import visible
from fairaudit.reports.html import FOLDER, compile_templates, environment, render
from fairaudit.resources import names, resource
from fairaudit.result import Audit, DataFile, Exclusion, Model, ReferenceOf, Rows, from_json, to_json
from fairaudit.rules.finding import Severity, Verdict
from fairaudit.rules.rule import Comparing, SmallGroups
from tests.reports.builders import BLACK, OTHER, POOL, SHA, WHITE, adult, audit, comparison, finding, manifest, many, measurement, rule, undecided

TEMPLATES = {name: resource(FOLDER, f"{name}.j2").read_text(encoding="utf-8") for name in names(FOLDER, ".j2")}
VOID = {"meta", "br"}


class Parsed(HTMLParser):
    """The page as a browser's parser sees it: its elements, its attributes and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def page_text(page: str) -> str:
    return "".join(Parsed(page).text)


AUDITS: dict[str, Any] = {
    "failing": adult,
    "harming": lambda: adult(effect="harms"),
    "without rules": lambda: adult(rules=()),
    "without labels": lambda: audit(
        manifest=manifest(config={"label": None}, positive=None, thresholds={}, model=Model(kind="decision_column", name="approved")),
        rows=Rows(read=110, audited=110, unlabelled=110, excluded=()),
    ),
    "without anything": lambda: audit(measurements=(), comparisons=(), slicings=(), references=(), manifest=manifest(data=(), config={}, engines={}, packages={})),
    "one slice": lambda: many(1),
    "inconclusive": lambda: audit([undecided(), finding(None, interval=None, group=None, reference=None, verdict=Verdict.INCONCLUSIVE)]),
    "disagreeing": lambda: audit([finding(rule="engine-disagreement", reason="native says 0.4, tfma 0.5")], rules=[rule()]),
    "fifty attributes": lambda: many(3, attributes=50),
}  # fmt: skip


@pytest.fixture(params=AUDITS, name="any_audit")
def _any_audit(request: pytest.FixtureRequest) -> Audit:
    made: Audit = AUDITS[request.param]()
    return made


def test_every_kind_of_audit_becomes_a_page_that_is_well_formed(any_audit: Audit) -> None:
    parsed = Parsed(render(any_audit))
    assert not parsed.open
    assert parsed.tags.count("h1") == 1 and ("html", "lang", "en") in parsed.attributes
    assert not {"script", "iframe", "object", "embed", "form", "link", "img", "base"} & set(parsed.tags)
    ids = [value for _, name, value in parsed.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert all(value[1:] in ids for _, name, value in parsed.attributes if name == "href")
    assert all(value in ids for _, name, value in parsed.attributes if name == "aria-labelledby")


def test_the_same_audit_gives_the_same_bytes(any_audit: Audit) -> None:
    page = render(any_audit)
    assert page == render(any_audit) == render(from_json(to_json(any_audit), where="here"))
    assert page.encode()


def test_the_page_forbids_scripts_and_network() -> None:
    page = render(adult())
    assert "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">" in page
    assert not re.search(r"https?://|url\(|@import|javascript:", page)


def test_nothing_is_shown_as_a_number_that_is_none(any_audit: Audit) -> None:
    assert not re.search(r"\b(nan|inf|None|NaN)\b", page_text(render(any_audit)))


def test_every_drawing_has_words_for_those_who_cannot_see_it() -> None:
    parsed = Parsed(render(adult()))
    drawn = [value for tag, name, value in parsed.attributes if tag == "svg" and name == "role" and value == "img"]
    spoken = [value for tag, name, value in parsed.attributes if tag == "svg" and name == "aria-label"]
    assert drawn and len(drawn) == len(spoken) and all(spoken)
    assert "Selection rate of Black: 13.9%, 95% interval 12.2% to 15.7%" in spoken


def test_every_table_heading_says_what_it_heads() -> None:
    parsed = Parsed(render(adult()))
    assert sum(tag == "th" and name == "scope" for tag, name, _ in parsed.attributes) == parsed.tags.count("th")


def test_a_verdict_is_told_by_its_word_and_not_by_colour_alone() -> None:
    text = page_text(render(audit([finding(), undecided()])))
    assert "Fail" in text and "Inconclusive" in text and "✕" in text


def test_an_undefined_value_is_shown_with_its_reason() -> None:
    undefined = measurement(BLACK, None, metric="true_positive_rate", reason="no positives")
    infinite = comparison(BLACK, WHITE, None, status=Status.INFINITE, reason="the reference's rate is 0")
    text = page_text(render(audit(measurements=(measurement(WHITE, 0.5, metric="true_positive_rate"), undefined), comparisons=(infinite,))))
    assert "undefined" in text and "no positives" in text
    assert "infinite" in text and "the reference's rate is 0" in text


def test_where_a_rule_fails_the_reader_learns_what_it_is_not_for() -> None:
    line = rule().not_for[0]
    assert line in page_text(render(audit([finding()])))
    assert line not in page_text(render(audit([finding(0.95, verdict=Verdict.PASS)])))


def test_the_row_account_adds_up_before_the_readers_eyes() -> None:
    text = re.sub(r"\s+", " ", page_text(render(audit())))
    assert "110 rows read, 10 excluded (empty score), 100 audited." in text
    assert "Rows read110 Excluded: empty score−10 Rows audited100" in text


def test_each_metric_shown_is_defined_once() -> None:
    parsed = Parsed(render(adult()))
    wanted = {value for _, name, value in parsed.attributes if name == "href" and value.startswith("#def-")}
    assert wanted >= {"#def-selection_rate", "#def-false_omission_rate", "#def-false_negatives"}


def test_a_threshold_says_what_was_asked_and_what_was_used() -> None:
    assert "0.3 asked for, 0.30000001192092896 used" in page_text(render(audit(manifest=manifest(thresholds={"0.3": 0.30000001192092896}))))


def test_four_hundred_slices_stay_a_file_one_can_send() -> None:
    page = render(many(400))
    assert len(page) < 4_000_000
    assert "The 24 slices with the most rows, of 400." in page


# What comes from data or configuration is text, whatever it holds.

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
ATTACK = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&lt;{{ 7*7 }}{% raw %}</style><!--"
DIRECTION = "Black\u202e etihW \x1b[2J\x00"


def infected(text: str) -> Audit:
    """An audit in which every free text is this one."""
    own, other = Slice([(text, text)]), Slice([(text, None)])
    judged = rule(title=text, principle=text, not_for=(text,))
    judged = msgspec.structs.replace(judged, source=tuple(msgspec.structs.replace(one, cite=text, status=text) for one in judged.source))
    violated = finding(slicing=(text,), group=Group(slice=own), reference=Group(slice=other), reason=text, notes=(text,), family=text)
    return audit(
        [violated, finding(rule="engine-disagreement", reason=text)], rules=[judged], notes=(text,), slicings=((text,),),
        references=(ReferenceOf(slicing=(text,), slice=other, chosen="asked"),),
        measurements=(measurement(EVERYONE, 0.5), measurement(own, 0.4), measurement(other, None, reason=text), measurement(own, 0.1, metric="false_positive_rate", params={text: 1.0})),
        comparisons=(comparison(own, other, 0.61), comparison(own, other, None, metric="accuracy", reason=text)),
        rows=Rows(read=110, audited=100, unlabelled=0, excluded=(Exclusion(reason=text, rows=10),)),
        manifest=manifest(
            version=text, positive=text, config={"label": text, "protected": [text], "weight": text, text: text}, thresholds={"0.5": 0.5},
            model=Model(kind="saved_model", name=text, sha256=SHA, signature=text, output=text), data=(DataFile(name=text, sha256=SHA, rows=110),),
            engines={text: text}, packages={text: text},
        ),
    )  # fmt: skip


CLEAN = Parsed(render(infected("harmless")))


@settings(max_examples=60, deadline=None)
@given(TEXT)
@example(ATTACK)
@example(DIRECTION)
@example("&amp;")
@example("{{ page }}")
def test_any_text_in_any_place_comes_back_as_that_text(text: str) -> None:
    parsed = Parsed(render(infected(text)))
    assert parsed.tags == CLEAN.tags
    assert [(tag, name) for tag, name, _ in parsed.attributes] == [(tag, name) for tag, name, _ in CLEAN.attributes]
    assert not any(name.startswith("on") for _, name, _ in parsed.attributes)
    shown = "".join(parsed.text)
    assert shown.count(visible(text)) >= "".join(CLEAN.text).count("harmless")


def test_marks_that_would_turn_the_text_around_are_written_out() -> None:
    page = render(infected(DIRECTION))
    assert "\u202e" not in page and "\x1b" not in page and "\x00" not in page
    assert r"Black\u202e etihW \x1b[2J\x00" in page


def test_half_a_surrogate_pair_does_not_stop_the_report() -> None:
    assert rb"\ud800" in render(infected("a\ud800")).encode()


# Templates place; they decide nothing.


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_neither_calculates_nor_compares_nor_trusts(name: str) -> None:
    parsed = environment().parse(TEMPLATES[name])
    forbidden = (nodes.BinExpr, nodes.Compare, nodes.Neg, nodes.Pos, nodes.Filter, nodes.FilterBlock, nodes.Test, nodes.Assign, nodes.AssignBlock, nodes.ScopedEvalContextModifier)
    assert [type(node).__name__ for node in parsed.find_all(forbidden)] == []


def test_templates_escape_by_default_and_refuse_unknown_names() -> None:
    env = environment()
    assert env.autoescape is True
    assert env.undefined.__name__ == "StrictUndefined"
    assert env.from_string("{{ x }}").render(x="<b>") == "&lt;b&gt;"


def test_a_gap_is_shown_with_both_slices_and_that_it_is_partial() -> None:
    gap = comparison(BLACK, WHITE, 0.0612, kind="gap", interval=(0.0, 0.142), reason="partial: without Other, where it has no value")
    ratio = comparison(BLACK, WHITE, None, kind="min_max_ratio", reason="the largest value is 0")
    page = " ".join(Parsed(render(audit(slicings=((), BLACK.attributes), comparisons=(gap, ratio), measurements=(measurement(BLACK), measurement(WHITE))))).text)
    assert "The widest gaps between any two slices" in page
    assert all(text in page for text in ("6.1%", "0.0% to 14.2%", "partial: without Other", "the largest value is 0", "Smallest in"))


def test_all_templates_can_be_made_ready_before_a_page_is_asked_for() -> None:
    environment.cache_clear()
    compile_templates()
    ready = {name for _, name in environment().cache}  # type: ignore[union-attr]
    assert ready == {one.name for one in (Path(__file__).parent.parent.parent / FOLDER).glob("*.j2")}


def test_the_words_of_the_findings_are_explained_once_before_the_first_of_them() -> None:
    text = page_text(render(audit([finding(), undecided(group=Group(slice=OTHER), rows=70, needed_for_pass=False)])))
    legend = text[text.index("A slice is everyone who") : text.index(rule().principle)]
    assert "A small slice can fail where a rate is judged" in legend and "but so few can hardly ever show that it passes. Small slices are judged once more" in legend
    assert "judged once more" not in page_text(render(audit([finding()], rules=[rule(small_groups=SmallGroups.REPORT)])))
    assert "One such finding fails the audit." in legend and "It blocks nothing and vouches for nothing." in legend
    assert "keeps the audit from passing" not in legend  # nothing is inconclusive here
    assert "A slice is everyone who" not in page_text(render(audit()))  # without rules nothing is judged


def test_a_folded_table_says_what_its_rows_are() -> None:
    small = undecided(group=POOL, reference=Group(kind=GroupKind.REST, slice=WHITE), needed_for_pass=False)
    itself = finding(1.0, group=Group(slice=WHITE), verdict=Verdict.PASS, reason="the reference itself: the largest group")
    assert "Table of 2 slices and the small ones together: 1 fail, 1 undecided, 1 reference" in page_text(render(audit([itself, finding(), small])))


def test_the_tests_behind_p_are_named_once_a_rule() -> None:
    text = page_text(render(adult()))  # two rules, three slicings each
    assert text.count("Fisher's exact test, with Holm's correction for their number") == 2
    assert text.count("p pays for both looks. The interval is against the reference alone") == 2


@pytest.mark.parametrize(
    ("changes", "config", "said"),
    [
        ({}, {"weight": "w"}, "from everyone else (a binomial tail of effective counts, with Holm's correction"),
        ({"reference": "largest"}, {}, "on the worse side, from the reference (Fisher's exact test, with Holm's correction for their number). It is called"),
        ({"reference": "overall", "metric": ("roc_auc", "tpr")}, {}, "from everyone else (Fisher's exact test for rates, a z-test by standard errors for what is no rate,"),
        ({"comparison": Comparing.VALUE, "metric": "calibration_in_the_large"}, {}, "would put a value that is at the limit so far past it (a z-test by standard errors, with Holm's"),
        ({"comparison": Comparing.VALUE, "metric": "accuracy"}, {}, "so far past it (an exact binomial test, with Holm's"),
        ({"comparison": Comparing.VALUE, "metric": "differential_fairness"}, {}, "so far past it (a z-test by standard errors). It is called"),
        ({"comparison": Comparing.GAP}, {}, "set any two of so many slices as far apart (Tukey's test of their range)."),
    ],
)
def test_the_test_of_each_kind_of_rule_is_named(changes: dict[str, Any], config: dict[str, str], said: str) -> None:
    made = audit([finding()], rules=[rule(**changes)], manifest=manifest(config=config))
    assert said in page_text(render(made))


def test_where_the_slices_begin_it_is_said_that_rules_have_other_references() -> None:
    told = "The reference here is of these tables alone"
    assert page_text(render(audit([finding()]))).count(told) == 1 and told not in page_text(render(audit()))


def test_a_pass_shows_its_first_table_unfolded() -> None:
    passing = [finding(0.97, verdict=Verdict.PASS), finding(-0.01, rule="equal-opportunity", metric="true_positive_rate", kind="difference", verdict=Verdict.PASS)]
    first, second = re.findall(r"<details( open)?>\s*<summary>Table of", render(audit(passing)))
    assert (first, second) == (" open", "")
    warned = [passing[0], finding(-0.3, rule="equal-opportunity", metric="true_positive_rate", kind="difference", severity=Severity.WARN)]
    assert re.findall(r"<details( open)?>\s*<summary>Table of", render(audit(warned))) == [" open", " open"]
    failing = [passing[0], finding(-0.3, rule="equal-opportunity", metric="true_positive_rate", kind="difference")]
    assert re.findall(r"<details( open)?>\s*<summary>Table of", render(audit(failing))) == ["", " open"]


def test_the_share_of_numbers_that_no_second_engine_computed_is_told() -> None:
    both = {"native": 0.5, "tfma": 0.5}
    made = audit(measurements=(measurement(engines=both), measurement(WHITE, engines=both), measurement(BLACK)), comparisons=())
    told = "Engines agree: 2 of 3 numbers were computed a second time, independently, by tfma; the other 1 (33.3%) rest on one engine alone."
    assert page_text(render(made)).count(told) == 2  # beside the verdict, and where the engines are
    assert "independently, by tfma." in page_text(render(audit(measurements=(measurement(engines=both),), comparisons=())))


def test_a_rule_says_what_its_metric_means_where_it_judges_it() -> None:
    text = page_text(render(audit([finding(0.121, metric="calibration_in_the_large", kind="value", reference=None, limit=(-0.05, 0.05))], rules=[rule()])))
    meaning = "Calibration in the large: how far the average score of the labelled lies above the share that is in truth positive; below 0 the scores are too low."
    assert text.index(meaning) < text.rindex("The calibration in the large of people whose race is Black is 0.121")


def test_a_gap_is_of_the_two_slices_that_are_furthest_apart() -> None:
    gap = finding(0.12, metric="true_positive_rate", kind="gap", limit=(None, 0.1))
    assert "The two slices that are furthest apart: fail" in page_text(render(audit([gap], rules=[rule()])))
