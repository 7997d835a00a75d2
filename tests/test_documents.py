from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairaudit.documents import Mistake, read_document
from fairaudit.errors import ConfigError, FairauditError, Several
from fairaudit.resources import resource
from fairaudit.rules.library import parse_rule
from fairaudit.yaml_nodes import MOST_BYTES, DocumentError


class Step(msgspec.Struct, frozen=True):
    name: Annotated[str, msgspec.Meta(min_length=1)]
    times: int = 1


class Recipe(msgspec.Struct, frozen=True):
    title: str
    heat: Annotated[float, msgspec.Meta(gt=0, le=300)] = 180.0
    steps: Annotated[tuple[Step, ...], msgspec.Meta(min_length=1)] = (Step("wait"),)
    kind: Literal["cake", "bread"] | dict[str, str] = "cake"
    vegan: bool = False
    tried: date | None = None


def read(text: str) -> Recipe:
    return read_document(text, Recipe, kind="recipe", file="r.yaml")


def mistakes(text: str) -> list[str]:
    with pytest.raises(FairauditError) as caught:
        read(text)
    return str(caught.value).split("\n")


def test_a_document_becomes_the_value_it_describes() -> None:
    text = "title: Rye\nheat: 220\nsteps:\n  - {name: knead, times: 2}\nkind: {sour: dough}\nvegan: true\ntried: 2026-07-05\n"
    assert read(text) == Recipe("Rye", 220.0, (Step("knead", 2),), {"sour": "dough"}, True, date(2026, 7, 5))


def test_text_is_taken_as_written_so_that_a_leading_zero_and_a_no_survive() -> None:
    assert [read(f"title: {text}").title for text in ("01234", "no", "1.50", "true", "2026-07-05", "'x'")] == ["01234", "no", "1.50", "true", "2026-07-05", "x"]


def test_every_mistake_is_told_at_once_in_its_place() -> None:
    found = mistakes("titel: Rye\nheat: hot\nsteps:\n  - {name: '', time: 2}\n  - 7\nkind: braed\nvegan: yes\ntried: soon\nheat: 1\n")
    assert found == [
        "r.yaml:1:1: the recipe has no field 'titel'; did you mean 'title'?",
        "r.yaml:1:1: the recipe lacks the field 'title'.",
        "r.yaml:2:7: 'heat' must be a finite number, and is 'hot'.",
        "r.yaml:4:12: 'steps[1].name' must not be empty.",
        "r.yaml:4:16: 'steps[1]' has no field 'time'; did you mean 'times'?",
        "r.yaml:5:5: 'steps[2]' must be a mapping (name: value), and is 7.",
        "r.yaml:6:7: 'kind' must be one of bread, cake or a mapping (name: value), and is 'braed'; did you mean 'bread'?",
        "r.yaml:7:8: 'vegan' must be true or false, and is 'yes'.",
        "r.yaml:8:8: 'tried' must be a date such as 2026-07-05, and is 'soon'.",
        "r.yaml:9:1: 'heat' is given twice, the first time in line 2.",
    ]


@pytest.mark.parametrize("number", [".nan", ".inf", "-.inf", "1e999", "0x10", "1_000", "9" * 400, "'1'"])
def test_only_finite_decimal_numbers_are_numbers(number: str) -> None:
    assert "must be a finite number" in mistakes(f"title: x\nheat: {number}")[0]


@pytest.mark.parametrize(("number", "sentence"), [("0", "must be above 0"), ("301", "must be at most 300")])
def test_bounds_are_told(number: str, sentence: str) -> None:
    assert sentence in mistakes(f"title: x\nheat: {number}")[0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "this file is empty; a recipe is expected"),
        ("# nothing\n", "this file is empty"),
        ("- a\n", "must be a mapping (name: value), and is a list"),
        ("text", "must be a mapping (name: value), and is 'text'"),
        ("title:\n", "'title' must be text, and is left empty"),
        ("title: x\nsteps: []\n", "'steps' must have at least 1 of its kind, and has none"),
        ("title: a: b\n", "r.yaml:1:9: this is not YAML: mapping values are not allowed here\n    title: a: b"),
        ("title: [", "this is not YAML"),
        ('title: "\\UFFFFFFFF"', "this is not YAML"),
        ("%YAML 99.9\n---\ntitle: x", "this is not YAML"),
        ("title: \x00", "this is not YAML"),
        ("title: !!python/object/apply:os.system [ls]", "tags (!…) are not read"),
        ("title: !secret x", "tags (!…) are not read"),
        ("title: &a x\nkind: *a", "anchors and aliases"),
        ("title: x\n---\ntitle: y", "a file holds one"),
        ("[" * 5000, "nested more than 32 deep"),
        ("title: " + "x" * MOST_BYTES, "is not read"),
    ],
)  # fmt: skip
def test_what_is_no_honest_document_is_refused(text: str, sentence: str) -> None:
    assert sentence in "\n".join(mistakes(text))


def test_a_laugh_of_a_billion_is_refused_before_it_unfolds() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{new}: &{new} [{', '.join(['*' + old] * 9)}]" for old, new in zip("abcdefgh", "bcdefghi", strict=True)]
    assert "anchors and aliases" in mistakes("\n".join(lines))[0]


def test_a_file_that_is_missing_a_folder_or_not_text_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes("a: 1\ntitle: Brötchen\n".encode("latin-1"))
    (tmp_path / "long.yaml").write_bytes(b"\xff" * (MOST_BYTES + 5))
    for path, sentence in (
        (tmp_path / "none.yaml", "there is no file"),
        (tmp_path, "cannot be read"),
        (tmp_path / "latin.yaml", "latin.yaml:2: this is not UTF-8 text"),
        (tmp_path / "long.yaml", "is not read"),
        (Path("a\0b"), "cannot be read"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            read_document(path, Recipe, kind="recipe")


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_bytes("title: Rye".encode("utf-8-sig"))
    assert read_document(tmp_path / "r.yaml", Recipe, kind="recipe").title == "Rye"


def test_a_check_of_the_whole_value_speaks_of_the_place_it_means() -> None:
    def check(recipe: Recipe) -> list[Mistake]:
        return [Mistake(("steps", 0, "times"), "once is enough."), Mistake(("heat",), "too mild.")]

    with pytest.raises(Several) as caught:
        read_document("title: x\nsteps:\n  - name: a\n    times: 3\n", Recipe, kind="recipe", file="r.yaml", check=check)
    assert str(caught.value) == "r.yaml:1:1: too mild.\nr.yaml:4:12: once is enough."


def test_fields_of_a_later_version_are_refused_by_their_own_sentence() -> None:
    with pytest.raises(DocumentError, match="not yet"):
        read_document("title: x\nwine: red", Recipe, kind="recipe", unsupported={"wine": "recipes with wine: not yet."})


def test_what_a_struct_itself_refuses_becomes_a_sentence() -> None:
    class Odd(msgspec.Struct):
        number: int

        def __post_init__(self) -> None:
            if self.number % 2 == 0:
                raise ValueError("an even number is not odd")

    with pytest.raises(DocumentError, match="an even number is not odd"):
        read_document("number: 4", Odd, kind="number")


SHIPPED = resource("rules", "four-fifths.yaml").read_text("utf-8")


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(SHIPPED)), st.integers(0, 12), st.text(max_size=12))
def test_whatever_is_done_to_a_rule_only_our_errors_come_out(start: int, length: int, inserted: str) -> None:
    try:
        parse_rule(SHIPPED[:start] + inserted + SHIPPED[start + length :])
    except FairauditError as error:
        assert error.exit_code == 2


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="abz019:-[]{}&*!%?|>'\"#\\\n\t ~.,=<é\u2028", max_size=60))
def test_whatever_is_written_only_our_errors_come_out(text: str) -> None:
    try:
        read(text)
    except FairauditError as error:
        assert error.exit_code == 2
