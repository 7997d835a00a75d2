"""`fairaudit compare`: what differs is told, on a terminal, as a page and as JSON; and what does not is said to be the same."""

from __future__ import annotations

import json
import re
import shutil
from contextlib import chdir
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from msgspec.structs import replace
from scipy import stats  # type: ignore[import-untyped]

import fairaudit
from fairaudit.cli import _run
from fairaudit.cube.score_pairs import pair_scores
from fairaudit.cube.slices import Slice
from fairaudit.differences import Differences, differences
from fairaudit.evidence.measurement import Measurement, Status
from fairaudit.reports.side_by_side import as_html, as_markdown, as_text, side_by_side
from fairaudit.result import counts_read
from tests.models.conftest import built

__all__ = ["built"]  # the fixture

FLAGS = ("--label", "y", "--score-column", "s", "--protected", "sex", "--engine", "native", "--id", "k", "--quiet", "--rule", "four-fifths")
OLD = [(place, "fm"[place % 2], place // 2 % 2, 0.9 if place % 8 < 4 else 0.1) for place in range(400)]


def _written(name: str, rows: list[tuple[int, str, int, float]]) -> None:
    Path(f"{name}.csv").write_text("k,sex,y,s\n" + "".join(f"{','.join(map(str, one))}\n" for one in rows))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both data and audits, which no test changes but in a copy."""
    with chdir(folder := tmp_path_factory.mktemp("made")):
        _written("old", OLD)
        _written("new", [(k, sex, y, 0.1 if sex == "f" and k % 3 == 0 else s) for k, sex, y, s in OLD[:-4]])
        for name in ("old", "new"):
            assert _run(["audit", "--data", f"{name}.csv", *FLAGS, "--save-scores", "--out", name]) == 0
    return folder


@pytest.fixture(autouse=True)
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


def _said(capfd: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    capfd.readouterr()
    assert _run(["compare", *arguments]) == code
    told = capfd.readouterr()
    return told.err if code else told.out


def test_what_differs_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    """Of the 198 women in both 100 were selected and 33 of them, every third, are not now."""
    told = _said(capfd, "old", "new/audit.json")
    lines = told.splitlines()
    assert lines[0] == "The data are others; whether their scores or decisions are of the same model is not known."
    assert lines[1] == "The verdict was pass and is fail." and lines[2] == "Rows audited: 400 before, 396 now." and lines[3] == "396 rows are in both by their ids, 4 in the former alone and 0 in the new alone."
    assert re.search(r"four-fifths +sex=f +selection_rate ratio +pass \(within\) 1 +fail \(beyond\) 0\.67", told)
    assert re.search(r"f +Selection rate +50\.0% +33\.8% +−0\.162 +−0\.167 +−0\.\d+ to −0\.1", told)
    assert re.search(r"m +Selection rate +50\.0% +50\.5% +\+0\.005 +0 +−0\.\d+ to \+0\.", told)


def test_the_same_audit_is_the_same(capfd: pytest.CaptureFixture[str]) -> None:
    told = _said(capfd, "old", "old").splitlines()
    assert told[0] == "Both audits are of the same data and the same model, and all their numbers are the same." and "What was audited, and how" not in told
    assert told[1] == "The verdict is still pass." and "No rule says anything else of anybody than before." in told
    assert _run(["audit", "--data", "old.csv", *FLAGS, "--threshold", "0.95", "--out", "higher"]) == 0
    told = _said(capfd, "old", "higher").splitlines()
    assert told[0] == "Both audits are of the same data and the same model, and some of their numbers differ."
    assert any(re.match(r"  thresholds +0.5: 0.5 +0.95: 0.95", line) for line in told) and any(re.match(r"  threshold +0.5 +0.95", line) for line in told)


def test_json_holds_all_of_it_with_its_schema(capfd: pytest.CaptureFixture[str]) -> None:
    held: Any = json.loads(_said(capfd, "old", "new", "--json"))
    assert held["schema"] == "fairaudit/comparison/1" and held["matched"] == {"matched": 396, "relabelled": 0, "only_now": 0, "only_before": 4} and held["same_model"] is None
    one = next(one for one in held["levels"] if one["metric"] == "false_negative_rate" and one["slice"] == {"sex": "f"})
    assert one["before"] == 0.5 and one["now"] == pytest.approx(0.66, abs=0.02) and one["same_rows"]["value"] == pytest.approx(0.17, abs=0.02) and one["same_rows"]["rows"] == one["rows_now"]
    old, new = fairaudit.read_audit("old"), fairaudit.read_audit("new")
    assert [(one["metric"], one["slice"], one["now"]) for one in held["levels"]] == [(one.metric, dict(one.slice.values), one.value) for one in new.measurements]
    assert differences(old, new).levels[0].same_rows is None
    jsonschema.validate(held["levels"], {"type": "array", "items": {"type": "object", "required": ["metric", "slice", "before", "now", "rows_before", "rows_now"]}})


def test_numbers_of_scores_have_their_change_on_the_same_rows(capfd: pytest.CaptureFixture[str]) -> None:
    """Of the 198 women in both, 33 had 0.9 and have 0.1: their mean is lower by 33 · 0.8 / 198, with Student's interval of the differences."""
    held: Any = json.loads(_said(capfd, "old", "new", "--json"))
    levels = {(one["metric"], one["slice"].get("sex")): one["same_rows"] for one in held["levels"] if not one["params"]}
    rows = [-0.8 if k % 3 == 0 and s == 0.9 else 0.0 for k, sex, _, s in OLD[:-4] if sex == "f"]
    found, theirs = levels["mean_score", "f"], stats.ttest_1samp(rows, 0.0)
    assert (found["rows"], found["value"]) == (198, pytest.approx(-33 * 0.8 / 198)) and found["interval"] == pytest.approx(theirs.confidence_interval(0.95), rel=0.01)
    assert levels["mean_score", "m"] == {"rows": 198, "value": 0.0, "interval": None}
    assert all(levels[name, "f"]["interval"] for name in ("brier_score", "log_loss", "calibration_in_the_large", "generalized_true_positive_rate", "coefficient_of_discrimination", "bnsp_auc"))
    without = {"expected_calibration_error", "pr_auc_interpolated"}  # docs/baseline.md says why
    assert [one["same_rows"] for one in held["levels"] if one["metric"] in without and one["slice"] == {"sex": "f"}] == [None] * len(without)
    assert re.search(r"f +Mean score +0\.5 +0\.37\d* +−0\.1\d+ +−0\.133 +−0\.\d+ to −0\.\d+", as_text(side_by_side(_differences("old", "new"), names=("old", "new"))))


def _differences(before: str, now: str) -> Differences:
    old, new = fairaudit.read_audit(before), fairaudit.read_audit(now)
    return differences(old, new, None, pair_scores(Path(now, "scores.parquet"), Path(before, "scores.parquet"), counts_read(new).slices))


def test_a_page_in_either_form(capfd: pytest.CaptureFixture[str]) -> None:
    told = _said(capfd, "old", "new", "--out", "c.html")
    assert told.endswith("\nPage: c.html\n")
    page = Path("c.html").read_text()
    assert page.startswith("<!doctype html>") and "default-src 'none'" in page and "<h2>By sex</h2>" in page and "Positive predictive value" in page
    _said(capfd, "old", "new", "--out", "c.md", "--json")
    page = Path("c.md").read_text()
    assert page.startswith("# Old and new\n") and "| f | Selection rate | 50.0% | 33.8% | −0.162 | −0.167 |" in page


def test_no_text_of_the_data_acts_on_a_page() -> None:
    audit = fairaudit.read_audit("old")
    evil = Slice([("sex", "<script>|`x`\n# no")])
    one = Measurement(metric="selection_rate", slice=evil, threshold=0.5, value=0.5, interval=None, rows=10, status=Status.OK, engines={})
    page = side_by_side(differences(audit, replace(audit, measurements=(*audit.measurements, one))), names=("a|b", "<c>"))
    assert "<script>" not in as_html(page) and "<script>" not in as_markdown(page) and "\\|\\`x\\`" in as_markdown(page) and "\n# no" not in as_markdown(page) + as_text(page)
    row = next(line for line in as_markdown(page).splitlines() if "script" in line)
    assert re.sub(r"\\\|", "", row).count("|") == 1 + len(page.sheets[-1].columns)


def test_slices_rules_and_metrics_of_one_alone(capfd: pytest.CaptureFixture[str]) -> None:
    _written("x", [(k, "x" if sex == "m" else sex, y, s) for k, sex, y, s in OLD])
    assert _run(["audit", "--data", "x.csv", *FLAGS[:-2], "--rule", "equal-opportunity", "--metric", "selection_rate", "--out", "x"]) == 0
    told = _said(capfd, "old", "x")
    for line in ("Only in the former audit: the rules four-fifths.", "Only in the new one: the rules equal-opportunity.", "Only in the former audit: the slices sex=m.", "Only in the new one: the slices sex=x."):
        assert line in told
    assert re.search(r"x +Selection rate +– +50\.0% +–", told) and re.search(r"m +Accuracy +50\.0% +– +–", told)


def test_a_model_is_known_by_its_files(built: Any, capfd: pytest.CaptureFixture[str]) -> None:
    Path("p.csv").write_text("age,hours,sex,is_member,y\n" + "30,40,Female,1,1\n60,10,Male,0,0\n" * 30)
    for out, threshold in (("one", "0.4"), ("two", "0.5")):
        assert _run(["audit", "--model", str(built("people")), "--data", "p.csv", "--label", "y", "--protected", "sex", "--engine", "native", "--threshold", threshold, "--out", out, "--quiet"]) == 0
    assert _said(capfd, "one", "two").startswith("Both audits are of the same data and the same model, and ")
    assert _said(capfd, "one", "old").startswith("The data are others; the model is another.")


def test_a_way_back_in_a_path_makes_no_folder_and_what_is_told_can_be_opened(capfd: pytest.CaptureFixture[str]) -> None:
    before = {path.name for path in Path().iterdir()}
    assert _said(capfd, "old", "new", "--out", "a/../pages/b/../c.md").endswith("\nPage: pages/c.md\n")
    assert {path.name for path in Path().iterdir()} - before == {"pages"} and [path.name for path in Path("pages").iterdir()] == ["c.md"]
    flags = ["--data", "old.csv", "--label", "y", "--score-column", "s", "--protected", "sex", "--engine", "native", "--rule", "four-fifths", "--quiet"]
    assert _run(["audit", *flags, "--out", "a/../found", "--gate", "--write", "junit=a/../w/b/../x.xml"]) == 0
    assert {path.name for path in Path().iterdir()} - before == {"pages", "found", "w"} and [path.name for path in Path("w").iterdir()] == ["x.xml"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("old", "new", "--out", "c.txt"), "fairaudit: --out c.txt is neither .html nor .md; give the file a name that says which.\n"),
        (("old", "nowhere"), "fairaudit: nowhere: No such file or directory; give the audit.json that `fairaudit audit --out DIR` wrote.\n"),
        (("old", "new", "--out", "old/audit.html/x.md"), ""),
    ],
)
def test_bad_input_is_a_sentence(arguments: tuple[str, ...], sentence: str, capfd: pytest.CaptureFixture[str]) -> None:
    if sentence:
        assert _said(capfd, *arguments, code=2) == sentence
    else:
        Path("old/audit.html").write_text("")
        assert _said(capfd, *arguments, code=2).startswith("fairaudit: ")
