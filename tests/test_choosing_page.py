"""docs/choosing.md has the questions, the tree and the rough model of time as the program has them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fairaudit import foreseen
from fairaudit.rules.tree import table

PAGE = (Path(__file__).parent.parent / "docs" / "choosing.md").read_text(encoding="utf-8")


def _rows(heading: str) -> list[list[str]]:
    part = PAGE.split(heading)[1].split("\n## ")[0]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in part.splitlines() if line.startswith("| ") and "---" not in line]


def test_every_question_stands_there_with_its_answers_and_the_cautious_one() -> None:
    rows = _rows("## The questions")[1:]
    assert len(rows) == len(table().questions)
    for question, (asked, answers, cautious) in zip(table().questions, rows, strict=True):
        assert asked.startswith(f"`{question.flag}") and (question.id in ("control", "update") or set(re.findall(r"`([a-z-]+)`", answers)) - {"--label"} == set(question.answers))
        assert question.cautious in cautious


def test_every_path_stands_there_with_its_rules_in_the_order_in_which_they_are_tried() -> None:
    paths, added = _rows("## The tree\n")[1 : len(table().paths) + 1], _rows("## The tree\n")[len(table().paths) + 2 :]
    rules = {one.rule for path in (*table().paths, *table().added) for one in path.rules}
    assert [rules & set(re.findall(r"`([a-z0-9-]+)`", row[1])) for row in paths] == [{one.rule for one in path.rules} for path in table().paths]
    for row, path in zip(added, table().added, strict=True):
        assert {one.rule for one in path.rules} <= set(re.findall(r"`([a-z0-9-]+)`", row[1]))


def test_the_rough_model_is_the_programs() -> None:
    said = " ".join(PAGE.split("Time and memory are about: ")[1].split())
    numbers = [float(one) for one in re.findall(r"\d+(?:\.\d+)?", said.split(" Two shared cores")[0].replace("80 ms", "0.08 s").replace("AIF360", ""))]
    assert numbers == pytest.approx([
        foreseen._START, foreseen._PARQUET_BYTE * 1e6, foreseen._CSV_BYTE * 1e6, foreseen._TENSORFLOW, foreseen._SCORE * 1e6, foreseen._LIBRARY, foreseen._SLICE,
        foreseen._MEBIBYTES, foreseen._OF_TENSORFLOW, foreseen._OF_WITNESS,
    ])  # fmt: skip
