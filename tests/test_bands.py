"""Bands of numbers by edges, names and quantiles; rare categories made one."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from fairaudit import AuditConfig, audit, render, run
from fairaudit.bands import Bands, parsed
from fairaudit.cli import _run
from fairaudit.cube.cube import Cube, counts
from fairaudit.cube.stored import read_cube, write_cube
from fairaudit.errors import ConfigError
from fairaudit.result import Audit, from_json, to_json


def audited(data: dict[str, list[object]], **more: object) -> Audit:
    import pandas as pd  # type: ignore[import-untyped]

    frame = pd.DataFrame(data | {"yes": [place % 2 for place in range(len(next(iter(data.values()))))]})
    return audit(AuditConfig(decision_column="yes", engines=("native",), **more), frame)  # type: ignore[arg-type]


def sizes(made: Audit, attribute: str) -> dict[str, int]:
    """Rows of each slice by an attribute, in the audit's order."""
    return {one.slice.label: sum(cell.rows for cell in one.cells) for one in made.counts if one.slice.attributes == (attribute,)}


@pytest.mark.parametrize(
    ("text", "bands"),
    [
        ("25, 45,65", Bands(edges=(25.0, 45.0, 65.0))),
        ("young:25,adult:65,old", Bands(edges=(25.0, 65.0), names=("young", "adult", "old"))),
        ("up to: the 1st:1,rest", Bands(edges=(1.0,), names=("up to: the 1st", "rest"))),
        ("quantiles:4", Bands(quantiles=4)),
        ((25.0, 45.0), Bands(edges=(25.0, 45.0))),
        ((), Bands()),
    ],
)
def test_bands_are_read(text: str | tuple[float, ...], bands: Bands) -> None:
    assert parsed(text) == bands


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("quantiles:1", "a whole number of quantiles from 2 to 100"),
        ("quantiles:a", "a whole number of quantiles from 2 to 100"),
        ("young:25,adult:20,old", "the edges must be finite and rise"),
        ("young:25,old:65", "the last as a name alone"),
        ("young:25,65,old", "write each band as a name"),
        (":25,old", "write each band as a name"),
        ("a:25,a", "two bands have the same name"),
        ("young:x,old", "'x' is no number"),
        ("25,25", "the edges must be finite and rise"),
        ("inf", "the edges must be finite and rise"),
    ],
)
def test_bands_that_cannot_be_are_told(text: str, said: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        parsed(text)
    assert _run(["audit", "--data", "none.csv", "--decision-column", "d", "--bins", f"age={text}", "--out", "out"]) == 2
    assert said in capfd.readouterr().err


def test_named_bands_keep_their_order_and_a_missing_value_is_apart() -> None:
    made = audited({"age": [70.0, 24.9, 25.0, 64.0, None, 65.0]}, bins={"age": "young:25,adult:65,old"})
    assert list(sizes(made, "age").items()) == [("young", 1), ("adult", 2), ("old", 2), ("(missing)", 1)]
    assert made.manifest.bands == {"age": (25.0, 65.0)}


def test_no_edges_make_all_numbers_one_band_and_a_missing_value_is_apart() -> None:
    made = audited({"age": [70.0, 24.9, None, 65.0]}, bins={"age": ()})
    assert list(sizes(made, "age").items()) == [("all", 3), ("(missing)", 1)] and made.manifest.bands == {"age": ()}
    assert from_json(to_json(made), where="it").manifest.bands == {"age": ()}


def test_quantiles_have_a_missing_value_apart_and_are_told_where_they_fall_together() -> None:
    made = audited({"x": [0, 0, 0, 0, 0, 1, 2, 3, None]}, bins={"x": "quantiles:4"})
    assert made.manifest.bands == {"x": (1.0, 2.0)}  # the quartiles of the eight numbers are 0, 0 and 1
    assert list(sizes(made, "x").items()) == [("under 1", 5), ("1", 1), ("2 and over", 2), ("(missing)", 1)]
    assert "x is cut into 3 bands and not 4, since rows with the same value stay together." in made.notes


def test_quantiles_are_of_the_rows_that_are_audited_and_of_as_many_as_a_line_stands_for(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,d,n\n1,1,6\n2,0,2\n3,1,2\n9,,5\n9,1,0\n")
    made = audit(AuditConfig(data=(str(tmp_path / "a.csv"),), decision_column="d", count="n", bins={"x": "quantiles:4"}, engines=("native",)))
    assert made.manifest.bands == {"x": (2.0, 3.0)}  # of ten rows the quartiles are 1, 1 and 2
    assert sizes(made, "x") == {"under 2": 6, "2": 2, "3 and over": 2}


def test_bands_from_a_file_are_those_from_flags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text("age,hours,x,d\n20,1,7,1\n30,2,8,0\n70,3,9,1\n")
    Path("c.yaml").write_text("bins: {age: 'young:25,old', hours: [2, 3], x: 'quantiles:2'}\ndata: [a.csv]\ndecision_column: d\nengines: [native]\nout: out\n")
    assert _run(["audit", "--config", "c.yaml", "--quiet"]) == 0
    one = Path("out/audit.json").read_bytes()
    flags = ("--engine", "native", "--bins", "age=young:25,old", "--bins", "hours=2,3", "--bins", "x = quantiles:2")
    assert _run(["audit", "--data", "a.csv", "--decision-column", "d", *flags, "--out", "out", "--quiet"]) == 0
    assert Path("out/audit.json").read_bytes() == one
    assert json.loads(one)["manifest"]["bands"] == {"age": [25.0], "hours": [2.0, 3.0], "x": [9.0]}


@pytest.mark.parametrize("numbers", [[5, 5, 5], [None, None, 5]])
def test_where_no_edge_is_left_all_rows_are_one_band(numbers: list[object]) -> None:
    made = audited({"x": numbers}, bins={"x": "quantiles:3"})
    assert sizes(made, "x")["all"] == numbers.count(5)
    assert "x is cut into 1 band and not 3, since rows with the same value stay together." in made.notes


def test_weights_do_not_move_quantiles(tmp_path: Path) -> None:
    made = audited({"x": [1, 2, 3, 4, 9], "w": [100.0, 1.0, 1.0, 1.0, 0.0]}, weight="w", bins={"x": "quantiles:2"})
    assert made.manifest.bands == {"x": (3.0,)}  # the row of weight 0 is not audited


def test_several_attributes_are_cut_at_their_own_quantiles() -> None:
    made = audited(
        {"x": [4, 3, 2, 1], "y": [0.5, 10.5, 20.5, 30.5], "race": ["a", "b", "c", "c"]},
        bins={"x": "quantiles:2", "y": "quantiles:4"},
        protected=("race",),
        other_below=2,
        slices=("x*race",),
    )
    assert made.manifest.bands == {"x": (3.0,), "y": (10.5, 20.5, 30.5)}  # the quartiles of y are 0.5, 10.5 and 20.5
    assert [str(one.slice) for one in made.counts if one.slice.attributes == ("x", "race")] == [
        "x=under 3, race=c",
        "x=3 and over, race=other",
    ]


RACES: dict[str, list[object]] = {"race": ["a"] * 6 + ["b"] * 5 + ["c"] * 2 + ["d"] + [None]}


def test_rare_categories_are_kept_unless_it_is_asked() -> None:
    assert sizes(audited(RACES, protected=("race",)), "race") == {"a": 6, "b": 5, "c": 2, "d": 1, "(missing)": 1}


def test_rare_categories_are_one_slice_where_it_is_asked_and_a_missing_value_is_not_among_them() -> None:
    made = audited(RACES, protected=("race",), other_below=5)
    assert sizes(made, "race") == {"a": 6, "b": 5, "other": 3, "(missing)": 1}
    assert "2 values of race with fewer than 5 rows are one slice, 'other' (3 rows): c, d." in made.notes


def test_one_rare_category_alone_keeps_its_name() -> None:
    made = audited(RACES, protected=("race",), other_below=2)
    assert sizes(made, "race") == {"a": 6, "b": 5, "c": 2, "d": 1, "(missing)": 1}
    assert "race=d has fewer than 2 rows (1) and is the only such value of race, so it keeps its name." in made.notes
    assert made.manifest.merged == {}


def test_a_category_is_as_large_as_its_audited_rows_and_not_as_its_lines_or_weights(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("race,d,n,w\na,1,6,1\nb,0,4,9\nb,,9,1\nc,1,2,9\nc,0,3,0\n")
    made = audit(
        AuditConfig(data=(str(tmp_path / "a.csv"),), decision_column="d", count="n", weight="w", protected=("race",), other_below=5, engines=("native",))
    )
    assert sizes(made, "race") == {"a": 6, "other": 6}


def test_thousands_of_values_are_taken_where_merging_leaves_few() -> None:
    rare = [f"v{place}" for place in range(6_000)]
    made = audited({"race": ["a"] * 10 + ["b"] * 7 + rare}, protected=("race",), other_below=5)
    assert sizes(made, "race") == {"a": 10, "b": 7, "other": 6_000} and len(made.manifest.merged["race"].values) == 6_000
    with pytest.raises(ConfigError, match="the protected attribute 'race' has 6,000 values with 2 rows or more, and 5,000 are the most; ask for more rows with --other-below"):
        audited({"race": rare + rare}, protected=("race",), other_below=2)
    with pytest.raises(ConfigError, match="the control 'dept' has more than 5,000 values"):
        audited({"race": ["a", "b"] * 3_000, "dept": rare}, protected=("race",), other_below=2, control=("dept",))


def test_as_many_values_as_rows_are_no_groups_whatever_is_merged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairaudit.data.rows.MOST_VALUES", 2)
    monkeypatch.setattr("fairaudit.data.rows.MOST_BEFORE_MERGING", 5)
    assert set(sizes(audited({"race": list("aaabbbcdee")}, protected=("race",), other_below=3), "race")) == {"a", "b", "other"}
    with pytest.raises(ConfigError, match="the protected attribute 'race' has more than 5 values; name a column of groups"):
        audited({"race": list("aaabcdefg")}, protected=("race",), other_below=3)


def test_an_other_of_the_data_is_not_taken_for_ours() -> None:
    assert sizes(audited({"race": ["other"] * 6 + ["c", "d", "a", "a", "a", "a"]}, protected=("race",), other_below=4), "race") == {"a": 4, "other": 6, "other (merged)": 2}
    assert sizes(audited({"race": ["other", "c", "a", "a", "a", "a"]}, protected=("race",), other_below=4), "race") == {"a": 4, "other": 2}


def test_merging_comes_before_crossing_and_leaves_a_control_alone() -> None:
    made = audited(RACES | {"sex": ["f", "m", "x"] * 4 + ["f", "m", "x"], "dept": [str(place) for place in range(15)]}, slices=("race*sex",), other_below=6, control=("dept",))  # of b, c and d: the sexes are five each
    assert {str(one.slice) for one in made.counts} >= {"race=other, sex=other", "race=a, sex=other"}
    assert len({one.slice.values[-1] for one in made.strata}) == 15


def test_a_reference_may_be_what_was_merged() -> None:
    made = audited({"race": ["a"] * 6 + ["other", "c"]}, protected=("race",), other_below=5, reference={"race": "other"})
    assert [(str(one.slice), one.chosen) for one in made.references] == [("race=other", "asked")]


def test_a_reference_that_is_merged_is_refused() -> None:
    with pytest.raises(ConfigError, match="--reference race=c: it has fewer than 5 rows, and --other-below makes it part of 'other'"):
        audited(RACES, protected=("race",), other_below=5, reference={"race": "c"})


def test_a_threshold_of_a_group_that_is_merged_is_refused() -> None:
    config = AuditConfig(score_column="s", protected=("race",), other_below=5, group_thresholds={"race": {"c": 0.4}}, engines=("native",))
    with pytest.raises(ConfigError, match="race=c: it has fewer than 5 rows, and --other-below makes it part of 'other'"):
        audit(config, pa.table(RACES | {"s": [place / 15 for place in range(15)]}))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"other_below": 1, "protected": ("race",)}, "--other-below is 1; give a whole number of rows, at least 2"),
        ({"other_below": 3, "bins": {"x": (1.0,)}}, "--other-below merges categories"),
    ],
)
def test_a_merge_that_cannot_be_is_refused(more: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        audited(RACES | {"x": list(range(15))}, **more)


def cut_alike(source: dict[str, str], data: Path, out: Path) -> tuple[Audit, Cube]:
    """An audit of the same people by one source, with bands, a merge and a cross; and its cube as the file holds it."""
    config = AuditConfig(
        data=(str(data),), protected=("race",), bins={"age": "quantiles:3", "hours": "few:2,many"}, slices=("race*age",), other_below=3, engines=("native",),
        **source,  # type: ignore[arg-type]
    )  # fmt: skip
    found = run.audited(config)
    write_cube(found.cube, out)
    return found.audit, read_cube(out)


def test_scores_and_decisions_are_cut_alike_and_a_stored_cube_keeps_the_order_of_bands(tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text(
        "race,age,hours,s,d\n"
        + "".join(f"{'aaabbbcd'[place % 8]},{100 - place},{place % 4},{place / 40},{int(place > 20)}\n" for place in range(16))
        + ",,,0.5,1\n"
    )
    scored, cube = cut_alike({"score_column": "s"}, people, tmp_path / "s.parquet")
    decided, other = cut_alike({"decision_column": "d"}, people, tmp_path / "d.parquet")
    assert [(one.slice, sum(cell.rows for cell in one.cells)) for one in scored.counts] == [
        (one.slice, sum(cell.rows for cell in one.cells)) for one in decided.counts
    ]
    # Of ages 85 to 100 at least a third are at most 90, two thirds 95.
    assert list(sizes(scored, "age").items()) == [("under 91", 6), ("91–95", 5), ("96 and over", 5), ("(missing)", 1)]
    assert list(sizes(scored, "race").items()) == [("a", 6), ("b", 6), ("other", 4), ("(missing)", 1)]
    assert list(sizes(scored, "hours").items()) == [("few", 8), ("many", 8), ("(missing)", 1)]
    for made, stored in ((scored, cube), (decided, other)):
        assert [str(one) for one in counts(stored).slices] == [str(one.slice) for one in made.counts]


@pytest.mark.parametrize("more", [{"bins": {"age": "young:40,old"}}, {"bins": {"age": "young:30,old"}, "other_below": 3}])
def test_cubes_whose_slices_of_one_name_are_not_the_same_do_not_merge(more: dict[str, object]) -> None:
    usual: dict[str, object] = {"decision_column": "yes", "protected": ("race",), "bins": {"age": "young:30,old"}, "other_below": 4, "engines": ("native",)}
    table = pa.table({"race": ["a"] * 5 + ["b", "c", "d", "d", "d"], "age": list(range(25, 35)), "yes": [0, 1] * 5})
    one, same, other = (run.audited(AuditConfig(**config), table).cube for config in (usual, usual, usual | more))  # type: ignore[arg-type]
    assert one.merge(same).table.num_rows == one.table.num_rows
    with pytest.raises(ValueError, match="different plans"):
        one.merge(other)


def test_the_report_says_how_attributes_were_cut_where_it_describes_them_and_at_their_slices() -> None:
    bins = {"age": (25.0, 45.5), "hours": "few:20,many", "x": "quantiles:2"}
    page = render(audited(RACES | {"age": [20, 30, 50] * 5, "hours": [10, 20, 30] * 5, "x": list(range(15))}, protected=("race",), other_below=5, bins=bins))
    for said in (
        "cut at 25, 45.5; a value equal to an edge is in the band above it",
        "few: under 20; many: 20 and over",
        "cut at 8, where the audited rows fall into 2 parts of as many rows each, as far as equal values allow; a value equal to an edge is in the band above it",
        "&#39;other&#39; is 2 values with fewer than 5 rows each, 3 rows together: c, d",
    ):
        assert page.count(said) == 2
    assert all(f"<dt>{name}</dt>" in page for name in ("Bands of age", "Bands of hours", "Bands of x", "Rare values of race"))
