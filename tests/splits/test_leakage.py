"""Rows that stand in two parts are found, whatever formats, types and spaces they are written with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fairaudit.data.rows import Wanted
from fairaudit.data.source import Source
from fairaudit.errors import ConfigError
from fairaudit.splits.checking import Checked, check_parts
from fairaudit.splits.leakage import Leak, overlap
from tests.splits.builders import source_of

HEADER = "id,home,x,y\n"
WANTED = Wanted(attributes=(), label="y", id="id", cluster="home")


def _checked(folder: Path, wanted: Wanted = WANTED, header: str = HEADER, **parts: str) -> Checked:
    for name, text in parts.items():
        (folder / f"{name}.csv").write_text(header + text)
    return check_parts([str(folder / f"{name}.csv") for name in parts], wanted)


def _of(kind: str, found: Checked) -> list[tuple[Any, ...]]:
    return [(one.parts, one.values, one.rows, one.places) for one in found.leaks if one.kind == kind]


def test_each_kind_is_told_with_its_counts_and_its_places(tmp_path: Path) -> None:
    found = _checked(
        tmp_path,
        train="1,h1,5,0\n2,h1,5,0\n3,h2,7,1\n4,h3,8,0\n",
        test="5,h4,9,1\n6,h1,5,0\n3,h5,1,0\n7,h3,8,1\n",
    )
    pair = ("train", "test")
    assert _of("alike", found) == [(pair, 1, (2, 1), (("train.csv, row 1", "test.csv, row 2"),))]
    assert _of("alike_but_label", found) == [(pair, 1, (1, 1), (("train.csv, row 4", "test.csv, row 4"),))]
    assert _of("id", found) == [(pair, 1, (1, 1), (("train.csv, row 3", "test.csv, row 3"),))]
    assert _of("cluster", found) == [(pair, 2, (3, 2), (("train.csv, row 1", "test.csv, row 2"), ("train.csv, row 4", "test.csv, row 4")))]
    assert found.leaking == found.leaks


def test_every_two_of_three_parts_are_compared(tmp_path: Path) -> None:
    found = _checked(tmp_path, train="1,a,5,0\n9,z,0,1\n", fit="2,b,6,1\n", test="3,a,5,0\n4,b,6,1\n")
    assert [(one.kind, one.parts) for one in found.leaks] == [(kind, ("train", "test")) for kind in ("alike", "cluster")] + [(kind, ("fit", "test")) for kind in ("alike", "cluster")]


def test_parts_that_share_nothing_do_not_leak(tmp_path: Path) -> None:
    found = _checked(tmp_path, train="1,a,5,0\n2,a,5,0\n", test="3,b,5,0\n,,5,1\n", header=HEADER)
    assert found.leaks == () and found.leaking == ()


def test_ids_and_clusters_that_are_missing_are_nobodys(tmp_path: Path) -> None:
    found = _checked(tmp_path, wanted=Wanted(attributes=(), label="y", id="id", cluster="home", missing=("id=-", "home=-")), train=",,1,0\n-,-,2,0\n", test=",,3,0\n-,-,4,1\n")
    assert found.leaks == ()


def test_rows_that_may_be_alike_by_chance_are_told_and_do_not_leak(tmp_path: Path) -> None:
    for name, text in (("train", "1,a,5,0\n2,b,6,1\n"), ("test", "3,a,5,0\n1,c,8,1\n")):
        (tmp_path / f"{name}.csv").write_text(HEADER + text)
    found = check_parts([str(tmp_path / "train.csv"), str(tmp_path / "test.csv")], WANTED, ignore=("home",), together=False)
    assert [one.kind for one in found.leaks] == ["alike", "id", "cluster"] and [one.kind for one in found.leaking] == ["id", "cluster"]
    assert any("told and not called leakage" in note for note in found.notes)


ROWS = st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from(["1", "2", ""]), st.sampled_from("01")), min_size=1, max_size=12)


@given(train=ROWS, test=ROWS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_counts_are_those_of_looking_at_every_pair(tmp_path: Path, train: list[tuple[str, str, str]], test: list[tuple[str, str, str]]) -> None:
    both = {"train": "".join(f"{','.join(row)}\n" for row in [*train, ("z", "z", "0"), ("z", "z", "1")]), "test": "".join(f"{','.join(row)}\n" for row in test)}
    found = _checked(tmp_path, wanted=Wanted(attributes=(), label="y"), header="a,b,y\n", **both)
    alike = [[row in other for row in one] for one, other in ((train, test), (test, train))]
    but_label = [[row not in other and row[:2] in [its[:2] for its in other] for row in one] for one, other in ((train, test), (test, train))]
    for kind, sides in (("alike", alike), ("alike_but_label", but_label)):
        leaks: list[Leak] = [one for one in found.leaks if one.kind == kind]
        assert [one.rows for one in leaks] == ([(sum(sides[0]), sum(sides[1]))] if any(map(any, sides)) else [])


def test_one_file_cannot_be_two_parts(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n1\n")
    with pytest.raises(ConfigError, match=r"is a part of .*a\.csv and of .*; give each part files of its own\."):
        check_parts([str(tmp_path / "a.csv"), str(tmp_path)], Wanted(attributes=()))
    with pytest.raises(ConfigError, match="--check compares parts of the data with one another; name two or more"):
        check_parts([str(tmp_path / "a.csv")], Wanted(attributes=()))


def test_parts_of_the_same_file_name_are_called_by_their_paths(tmp_path: Path) -> None:
    for folder in ("train", "test"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "people.csv").write_text("x\n1\n" if folder == "train" else "x\n2\n")
    assert [one.name for one in check_parts([str(tmp_path / folder / "people.csv") for folder in ("train", "test")], Wanted(attributes=())).parts] == [str(tmp_path / folder / "people.csv") for folder in ("train", "test")]
    assert [one.name for one in check_parts([str(tmp_path / folder) for folder in ("train", "test")], Wanted(attributes=())).parts] == ["train", "test"]


def test_an_overlap_is_found_across_formats(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("half,whole,text,yes,day,one_more\n0.5,7, x ,true,2026-01-02,1\n-0.0,08,,False,2026-01-03,2\n3.25,9.0,y,TRUE,2026-01-04,3\n,,,,,4\n")
    typed = pa.table({
        "whole": pa.array([9, 7, 8, None, 5]), "text": ["y", "x", "", None, "x"], "half": pa.array([3.25, 0.5, 0.0, float("nan"), 0.5]), "yes": [True, True, False, None, True],
        "day": pa.array(["2026-01-04", "2026-01-02", "2026-01-03", None, "2026-01-02"]).cast(pa.date32()),
    })  # fmt: skip
    pq.write_table(typed, tmp_path / "b.parquet")
    found = overlap(source_of(tmp_path / "a.csv"), source_of(tmp_path / "b.parquet"))
    assert bool(found) and found.by == "content" and found.columns == ("half", "whole", "text", "yes", "day") and found.rows == (4, 4)
    assert found.places[0] == ("a.csv, row 3", "b.parquet, row 1")


@pytest.mark.parametrize(("one", "other", "alike"), [
    (pa.array([0.1], pa.float32()), pa.array([0.1]), True), (pa.array([0.1]), pa.array(["0.10"]), True), (pa.array([2**60 + 1]), pa.array([str(2**60)]), False), (pa.array([2**60 + 1]), pa.array([str(2**60 + 1)]), True),
    (pa.array([5]), pa.array(["5.4"]), False), (pa.array([5]), pa.array(["5.0"]), True), (pa.array(["05"]), pa.array(["5"]), False), (pa.array([b"x"]), pa.array(["x"]), True), (pa.array([5], pa.int8()), pa.array([5.0]), True),
    (pa.array(["x"]).dictionary_encode(), pa.array([" x "]), True), (pa.array([True]), pa.array([False]), False), (pa.array([b"\xff"]), pa.array([b"\xff"]), True), (pa.array([[1]]), pa.array([[1]]), True),
])  # fmt: skip
def test_values_are_alike_if_they_mean_the_same(one: pa.Array, other: pa.Array, alike: bool) -> None:
    sides = [Source(table=pa.table({"x": side, "y": ["k"]})) for side in (one, other)]
    if pa.types.is_nested(one.type):
        assert overlap(*sides).rows == (1, 1)
    else:
        assert bool(overlap(*sides)) == alike and bool(overlap(*reversed(sides))) == alike


def test_with_an_id_rows_are_the_same_by_it_alone(tmp_path: Path) -> None:
    one, other = (Source(table=pa.table({"id": ids, "x": [1, 1]})) for ids in (["a", "b"], ["b ", "c"]))
    found = overlap(one, other, id="id")
    assert (found.by, found.rows, found.places) == ("id", (1, 1), (("the data frame, row 2", "the data frame, row 1"),))
    assert not overlap(one, Source(table=pa.table({"id": ["c"], "x": [1]})), id="id")
    assert overlap(one, other, ignore=("id",)).rows == (2, 2)


def test_an_overlap_that_nobody_can_know_of_is_refused() -> None:
    one, other = Source(table=pa.table({"x": [1]})), Source(table=pa.table({"y": [1]}))
    with pytest.raises(ConfigError, match="have no column in common"):
        overlap(one, other)
    with pytest.raises(ConfigError, match="has no column 'y', which --id needs"):
        overlap(one, other, id="y")
