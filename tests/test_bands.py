"""Bands of numbers by edges, names and quantiles; rare categories made one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairaudit import AuditConfig, audit
from fairaudit.bands import Bands, band_names, parsed
from fairaudit.cli import _run
from fairaudit.errors import ConfigError
from fairaudit.result import Audit


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
    ],
)
def test_bands_are_read(text: str, bands: Bands) -> None:
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


@given(st.lists(st.integers(-50, 50), min_size=4, max_size=60), st.integers(2, 6))
def test_quantiles_are_the_inverse_of_the_distribution_function(numbers: list[int], parts: int) -> None:
    made = audited({"x": numbers}, bins={"x": f"quantiles:{parts}"})  # type: ignore[dict-item]
    theirs = np.quantile(numbers, [part / parts for part in range(1, parts)], method="inverted_cdf")
    exact = [sorted(numbers)[-(-part * len(numbers) // parts) - 1] for part in range(1, parts)]  # as numpy's, where its floating point does not round over
    assert np.abs(np.array(exact) - theirs).max() <= 100
    edges = tuple(float(edge) for edge in dict.fromkeys(exact) if edge > min(numbers))
    assert made.manifest.bands["x"] == edges
    assert list(sizes(made, "x").values()) == [sum(low <= one < high for one in numbers) for low, high in zip((-np.inf, *edges), (*edges, np.inf), strict=True)]
    assert any("is cut into" in note for note in made.notes) == (len(edges) + 1 < parts)


def test_quantiles_are_of_the_rows_that_are_audited_and_of_as_many_as_a_line_stands_for(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,d,n\n1,1,6\n2,0,2\n3,1,2\n9,,5\n9,1,0\n")
    made = audit(AuditConfig(data=(str(tmp_path / "a.csv"),), decision_column="d", count="n", bins={"x": "quantiles:4"}, engines=("native",)))
    assert made.manifest.bands == {"x": (2.0,)}  # of ten rows the quartiles are 1, 1 and 2
    assert sizes(made, "x") == {"under 2": 6, "2 and over": 4}


def test_bands_from_a_file_are_those_from_flags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text("age,hours,d\n20,1,1\n30,2,0\n70,3,1\n")
    Path("c.yaml").write_text("bins: {age: 'young:25,old', hours: [2, 3]}\ndata: [a.csv]\ndecision_column: d\nengines: [native]\nout: out\n")
    assert _run(["audit", "--config", "c.yaml", "--quiet"]) == 0
    one = Path("out/audit.json").read_bytes()
    assert _run(["audit", "--data", "a.csv", "--decision-column", "d", "--engine", "native", "--bins", "age=young:25,old", "--bins", "hours=2,3", "--out", "out", "--quiet"]) == 0
    assert Path("out/audit.json").read_bytes() == one
    assert json.loads(one)["manifest"]["bands"] == {"age": [25.0], "hours": [2.0, 3.0]}
    assert "young:25,old" in Path("out/report.html").read_text()


def test_a_name_of_the_whole_where_no_edge_is_left() -> None:
    assert band_names((), whole=True) == ("all",)
    assert sizes(audited({"x": [5, 5, 5]}, bins={"x": "quantiles:3"}), "x") == {"all": 3}


RACES: dict[str, list[object]] = {"race": ["a"] * 6 + ["b"] * 5 + ["c"] * 2 + ["d"] + [None]}


def test_rare_categories_are_kept_unless_it_is_asked() -> None:
    assert sizes(audited(RACES, protected=("race",)), "race") == {"a": 6, "b": 5, "c": 2, "d": 1, "(missing)": 1}


def test_rare_categories_are_one_slice_where_it_is_asked_and_a_missing_value_is_not_among_them() -> None:
    made = audited(RACES, protected=("race",), other_below=5)
    assert sizes(made, "race") == {"a": 6, "b": 5, "other": 3, "(missing)": 1}
    assert "2 values of race with fewer than 5 rows are one slice, 'other' (3 rows): c, d." in made.notes


def test_one_rare_category_alone_keeps_its_name() -> None:
    assert sizes(audited(RACES, protected=("race",), other_below=2), "race") == {"a": 6, "b": 5, "c": 2, "d": 1, "(missing)": 1}


def test_an_other_of_the_data_is_not_taken_for_ours() -> None:
    assert sizes(audited({"race": ["other"] * 6 + ["c", "d", "a", "a", "a", "a"]}, protected=("race",), other_below=4), "race") == {"a": 4, "other": 6, "other (merged)": 2}
    assert sizes(audited({"race": ["other", "c", "a", "a", "a", "a"]}, protected=("race",), other_below=4), "race") == {"a": 4, "other": 2}


def test_merging_comes_before_crossing_and_leaves_a_control_alone() -> None:
    made = audited(RACES | {"sex": ["f", "m", "x"] * 4 + ["f", "m", "x"], "dept": [str(place) for place in range(15)]}, slices=("race*sex",), other_below=6, control=("dept",))  # of b, c and d: the sexes are five each
    assert {str(one.slice) for one in made.counts} >= {"race=other, sex=other", "race=a, sex=other"}
    assert len({one.slice.values[-1] for one in made.strata}) == 15


def test_a_reference_that_is_merged_is_refused() -> None:
    with pytest.raises(ConfigError, match="--reference race=c: it has fewer than 5 rows, and --other-below makes it part of 'other'"):
        audited(RACES, protected=("race",), other_below=5, reference={"race": "c"})


@pytest.mark.parametrize(("more", "said"), [({"other_below": 0, "protected": ("race",)}, "--other-below is 0"), ({"other_below": 3, "bins": {"x": (1.0,)}}, "--other-below merges categories")])
def test_a_merge_that_cannot_be_is_refused(more: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        audited(RACES | {"x": list(range(15))}, **more)
