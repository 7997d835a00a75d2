"""Metrics asked for by name: only those are computed, and what cannot be is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairaudit import AuditConfig, audit
from fairaudit.cli import _run

DECIDED = ("--data", "a.csv", "--decision-column", "d", "--protected", "sex", "--engine", "native", "--out", "out", "--quiet")
SCORED = ("--data", "a.csv", "--score-column", "s", "--label", "y", "--threshold", "3", "--protected", "sex", "--engine", "native", "--out", "out", "--quiet")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text("sex,dept,d,y,s,p\n" + "f,a,1,1,5,1\nf,b,0,0,2,.4\nm,a,1,0,4,.8\nm,b,1,1,1,.2\nm,a,0,1,3,.6\n" * 30)


@pytest.mark.parametrize(
    ("flags", "metric", "said"),
    [
        (DECIDED, "tpr", "--metric tpr needs labels, which this audit has not; name their column with --label COL."),
        (DECIDED, "mean_score", "--metric mean_score needs scores, and --decision-column holds decisions; audit a model or a --score-column."),
        (DECIDED, "mantel_haenszel_odds_ratio", "--metric mantel_haenszel_odds_ratio needs a control; name its column with --control COL."),
        (DECIDED, "consistency", "--metric consistency needs features; name columns of numbers with --feature COL."),
        (DECIDED, "mean_absolute_error", "--metric mean_absolute_error is of regression, and this audit is of decisions that are yes or no; `fairaudit metrics list` has those."),
        (DECIDED, "selection_rat", "--metric: there is no metric 'selection_rat'; did you mean 'selection_rate'?"),
        (SCORED, "brier_score", "--metric brier_score needs probabilities, and the scores run from 1 to 5; leave it out, or name a column of probabilities."),
    ],
)
def test_what_cannot_be_had_is_refused_with_a_sentence(flags: tuple[str, ...], metric: str, said: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["audit", *flags, "--metric", metric]) == 2
    assert capfd.readouterr().err == f"fairaudit: {said}\n"
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("flags", "serving", "said"),
    [
        (("--feature", "d"), "consistency", "--feature is for consistency, which --metric does not name; add --metric consistency, or leave --feature out."),
        (
            ("--control", "dept"), "fpr",
            "--control is for rates and for what is compared within a control, and --metric names neither; add --metric selection_rate, or leave --control out.",
        ),
        (
            ("--score-column", "p", "--threshold-sweep", "0.25"), "f1",
            "--threshold-sweep describes metrics of decisions, and --metric names none that a threshold changes; add --metric selection_rate, or leave it out.",
        ),
        (
            ("--threshold", "4"), "f1",
            "a second --threshold describes metrics of decisions, and --metric names none that a threshold changes; add --metric selection_rate, or leave it out.",
        ),
    ],
)  # fmt: skip
def test_a_flag_that_no_metric_needs_is_refused(flags: tuple[str, ...], serving: str, said: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["audit", *SCORED, "--metric", "roc_auc", *flags]) == 2
    assert capfd.readouterr().err == f"fairaudit: {said}\n"
    assert _run(["audit", *SCORED, "--metric", "roc_auc", "--metric", serving, *flags]) == 0


def test_a_flag_that_a_rules_metric_needs_is_taken() -> None:
    assert _run(["audit", *SCORED, "--metric", "roc_auc", "--rule", "four-fifths", "--control", "dept", "--score-column", "p", "--threshold-sweep", "0.25"]) == 0


def test_only_what_is_asked_and_judged_is_computed() -> None:
    config = {"data": ("a.csv",), "score_column": "s", "label": "y", "threshold": 3.0, "protected": ("sex",), "control": ("dept",), "engines": ("native",), "rules": ("four-fifths",)}
    some, whole = (audit(AuditConfig(metrics=metrics, **config)) for metrics in (("fpr", "mantel_haenszel_odds_ratio"), ()))  # type: ignore[arg-type]
    chosen = {"false_positive_rate", "selection_rate", "mantel_haenszel_odds_ratio"}
    assert some.measurements == tuple(one for one in whole.measurements if one.metric in chosen)
    assert some.comparisons == tuple(one for one in whole.comparisons if one.metric in chosen)
    assert some.findings == whole.findings and {one.metric for one in some.comparisons} == chosen


def test_a_report_of_one_metric_is_whole() -> None:
    assert _run(["audit", *SCORED, "--metric", "roc_auc"]) == 0
    report = Path("out/report.html").read_text()
    assert "def-roc_auc" in report and "def-brier_score" not in report
