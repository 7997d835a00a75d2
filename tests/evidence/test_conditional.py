"""Audits with a control: what each group gets, by hand; and what a user sees."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fairaudit import AuditConfig, audit
from fairaudit.cli import _run
from fairaudit.evidence.measurement import Comparison, Status
from fairaudit.result import Audit, read_audit

# Department, sex, selected, of so many: each department takes more women, and the whole fewer.
TABLE = (("A", "f", 18, 20), ("A", "m", 80, 100), ("B", "f", 30, 100), ("B", "m", 5, 20))
FLAGS = ("--data", "a.csv", "--decision-column", "taken", "--count", "n", "--protected", "sex", "--reference", "sex=m", "--engine", "native", "--out", "out", "--quiet")


def lines(table: tuple[tuple[str, str, int, int], ...] = TABLE) -> str:
    cells = ((dept, sex, taken, number) for dept, sex, yes, total in table for taken, number in ((1, yes), (0, total - yes)))
    return "dept,sex,taken,n\n" + "".join(f"{','.join(map(str, one))}\n" for one in cells)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text(lines())


def audited(**more: object) -> Audit:
    return audit(AuditConfig(data=("a.csv",), decision_column="taken", count="n", protected=("sex",), control=("dept",), reference={"sex": "m"}, engines=("native",), **more))  # type: ignore[arg-type]


def found(made: Audit, metric: str, kind: str = "value", group: str = "sex=f") -> Comparison:
    return next(one for one in made.comparisons if one.control and (one.metric, one.kind, str(one.group)) == (metric, kind, group))


def test_women_do_better_in_each_department_and_worse_without_the_control() -> None:
    made = audited()
    raw = next(one for one in made.comparisons if (one.metric, one.kind, str(one.group), one.control) == ("selection_rate", "difference", "sex=f", ()))
    assert raw.value == pytest.approx(48 / 120 - 85 / 120)
    inside = found(made, "selection_rate", "conditional_difference")
    assert inside.value == pytest.approx(0.075) and inside.control == ("dept",) and inside.interval and inside.interval[0] < 0.075 < inside.interval[1]
    assert found(made, "mantel_haenszel_risk_difference").value == pytest.approx(0.075)
    assert found(made, "standardized_selection_rate").value == pytest.approx(0.5 * 0.9 + 0.5 * 0.3)
    assert found(made, "standardized_selection_rate", group="sex=m").value == pytest.approx(0.5 * 0.8 + 0.5 * 0.25)


def test_conditional_demographic_disparity_by_hand() -> None:
    of_a, of_b = 2 / 22 - 18 / 98, 70 / 85 - 30 / 35
    assert found(audited(), "conditional_demographic_disparity").value == pytest.approx((120 * of_a + 120 * of_b) / 240)


def test_counts_by_stratum_are_kept() -> None:
    made = audited()
    assert {str(one.slice): sum(cell.rows for cell in one.cells) for one in made.strata} == {"sex=f, dept=A": 20, "sex=f, dept=B": 100, "sex=m, dept=A": 100, "sex=m, dept=B": 20}
    assert {one.slice.attributes for one in made.counts} == {(), ("sex",)}


def test_a_stratum_of_one_sex_is_told_and_left_out() -> None:
    Path("a.csv").write_text(lines((*TABLE, ("C", "m", 10, 60))))
    made = audited()
    assert found(made, "selection_rate", "conditional_difference").reason == "without C, where only one side has rows: 20.0 % of them"
    assert found(made, "selection_rate", "conditional_difference").value == pytest.approx(0.075)
    rate = found(made, "standardized_selection_rate")
    assert (rate.status, rate.reason) == (Status.UNDEFINED, "nobody of the slice is in C")


def test_a_missing_value_is_a_stratum_of_its_own() -> None:
    Path("a.csv").write_text(lines((*TABLE, ("", "f", 5, 10), ("", "m", 5, 10))))
    assert {str(one.slice) for one in audited().strata if one.slice.has_missing} == {"sex=f, dept=(missing)", "sex=m, dept=(missing)"}


def test_without_a_control_nothing_changes_and_a_control_changes_nothing_else() -> None:
    plain = audit(AuditConfig(data=("a.csv",), decision_column="taken", count="n", protected=("sex",), reference={"sex": "m"}, engines=("native",)))
    made = audited()
    assert (plain.measurements, plain.counts, plain.strata) == (made.measurements, made.counts, ())
    assert plain.comparisons == tuple(one for one in made.comparisons if not one.control)


def test_weights_count_for_what_they_are_worth() -> None:
    """A weight that all rows have is none at all."""
    text = Path("a.csv").read_text().splitlines()
    Path("a.csv").write_text("\n".join([f"{text[0]},w", *(f"{line},0.25" for line in text[1:])]) + "\n")
    weighted = audited(weight="w")
    Path("a.csv").write_text(lines())
    plain = audited()
    for name in ("mantel_haenszel_odds_ratio", "breslow_day_statistic", "conditional_demographic_disparity"):
        one, other = found(weighted, name), found(plain, name)
        assert one.value == pytest.approx(other.value) and (one.interval or (0,)) == pytest.approx(other.interval or (0,))


def test_values_rest_on_weights_where_they_differ_by_stratum() -> None:
    """A weight of 10 in department A gives the values of its rows counted ten times."""
    text = Path("a.csv").read_text().splitlines()
    Path("a.csv").write_text("\n".join([f"{text[0]},w", *(f"{line},{10 if line.startswith('A') else 1}" for line in text[1:])]) + "\n")
    weighted = audited(weight="w")
    Path("a.csv").write_text(lines(tuple((dept, sex, 10 * yes, 10 * total) if dept == "A" else (dept, sex, yes, total) for dept, sex, yes, total in TABLE)))
    tenfold, pooled = audited(), ("mantel_haenszel_odds_ratio", "mantel_haenszel_risk_ratio", "mantel_haenszel_risk_difference", "standardized_selection_rate", "conditional_demographic_disparity")
    for metric, kind in (("selection_rate", "conditional_difference"), *((name, "value") for name in pooled)):
        one, other = found(weighted, metric, kind), found(tenfold, metric, kind)
        assert one.value == pytest.approx(other.value, rel=1e-12) and one.interval is not None
    assert found(weighted, "selection_rate", "conditional_difference").value == pytest.approx((1200 * 0.1 + 120 * 0.05) / 1320)


def test_two_controls_are_crossed() -> None:
    rows = np.array([line.split(",") for line in lines().splitlines()])
    both = np.column_stack([rows, ["level", *(["1", "2"] * 4)]])
    Path("a.csv").write_text("\n".join(map(",".join, both)) + "\n")
    made = audit(AuditConfig(data=("a.csv",), decision_column="taken", count="n", protected=("sex",), control=("dept", "level"), engines=("native",)))
    assert {one.slice.attributes for one in made.strata} == {("sex", "dept", "level")}


def test_a_user_sees_it_in_the_report_and_in_the_table() -> None:
    assert _run(["audit", *FLAGS, "--control", "dept"]) == 0
    report = Path("out/report.html").read_text()
    assert "Among people alike in dept" in report and "+0.075" in report and "Mantel–Haenszel rate ratio" in report and "hides discrimination" in report
    assert json.loads(Path("out/audit.json").read_text())["strata"]
    assert _run(["table", "out", "--write", "csv=c.csv"]) == 0


def test_odds_ratios_that_differ_by_stratum_are_told() -> None:
    Path("a.csv").write_text(lines((("A", "f", 80, 100), ("A", "m", 20, 100), ("B", "f", 20, 100), ("B", "m", 80, 101))))
    assert _run(["audit", *FLAGS, "--control", "dept"]) == 0
    assert "the odds ratio seems not to be the same for all of dept (Breslow–Day p below 0.001)" in Path("out/report.html").read_text()


def test_a_test_that_small_strata_would_mislead_has_no_p_value_and_says_so() -> None:
    Path("a.csv").write_text("dept,sex,taken,n\n" + "".join(f"{place},{sex},{taken},2\n" for place in range(50) for sex in "fm" for taken in (0, 1)))
    test = found(audited(), "breslow_day_statistic")
    assert test.value is not None and test.p_value is None and test.reason.startswith("without a p-value, since more than a fifth of the cells")


def test_odds_ratios_so_far_apart_that_the_p_value_is_0_are_told_all_the_same() -> None:
    Path("a.csv").write_text(lines((("A", "f", 9000, 10000), ("A", "m", 1000, 10000), ("B", "f", 1000, 10000), ("B", "m", 9000, 10001))))
    assert _run(["audit", *FLAGS, "--control", "dept"]) == 0
    test = next(one for one in read_audit("out").comparisons if one.metric == "breslow_day_statistic")
    assert test.p_value == 0.0
    assert "the odds ratio seems not to be the same for all of dept" in Path("out/report.html").read_text()


def test_one_slice_of_many_whose_odds_ratio_differs_by_chance_is_not_told() -> None:
    """Statsmodels says p = 0.03 of the first group alone; of the six together, Holm says 0.2."""
    from statsmodels.stats.contingency_tables import StratifiedTable  # type: ignore[import-untyped]

    theirs = StratifiedTable([np.array([[64, 36], [50, 50]]), np.array([[43, 57], [50, 50]])]).test_equal_odds()
    assert 0.02 < theirs.pvalue < 0.05
    groups = "".join(f"{dept},{sex},{taken},{number}\n" for dept, hits in (("A", (64, 50, 50, 50, 50, 50, 50)), ("B", (43, 50, 50, 50, 50, 50, 50)))
                     for sex, yes in zip("fabcdem", hits, strict=True) for taken, number in ((1, yes), (0, 100 - yes)))  # fmt: skip
    Path("a.csv").write_text(f"dept,sex,taken,n\n{groups}")
    assert found(audited(), "breslow_day_statistic").p_value == pytest.approx(theirs.pvalue)
    assert _run(["audit", *FLAGS, "--control", "dept"]) == 0
    assert "the odds ratio seems not" not in Path("out/report.html").read_text()
    Path("a.csv").write_text("dept,sex,taken,n\n" + "".join(line for line in groups.splitlines(keepends=True) if line[2] in "fm"))
    assert _run(["audit", *FLAGS, "--control", "dept"]) == 0
    assert "the odds ratio seems not to be the same for all of dept (Breslow–Day p 0.0" in Path("out/report.html").read_text()


def test_what_is_undefined_says_why_before_what_was_left_out() -> None:
    Path("a.csv").write_text(lines((("A", "f", 18, 20), ("A", "m", 80, 100), ("B", "m", 5, 20))))
    test = found(audited(), "breslow_day_statistic")
    assert test.status is Status.UNDEFINED and test.reason.startswith("fewer than two strata tell of an odds ratio") and test.reason.endswith("; without B, where only one side has rows: 14.3 % of them")
    Path("a.csv").write_text(lines((("A", "f", 18, 20), ("B", "m", 5, 20))))
    assert found(audited(), "selection_rate", "conditional_difference").reason == "no stratum has rows of both; without A, B, where only one side has rows: 100.0 % of them"


def test_a_control_that_all_rows_share_is_told() -> None:
    Path("a.csv").write_text(lines((("A", "f", 80, 100), ("A", "m", 20, 100))))
    assert "All rows are alike in dept, so comparing among people alike in it changes nothing." in audited().notes
    Path("a.csv").write_text(lines())
    assert not any("All rows are alike" in note for note in audited().notes)


def test_a_control_with_too_many_values_is_called_one(capfd: pytest.CaptureFixture[str]) -> None:
    Path("a.csv").write_text("sex,dept,taken,n\n" + "".join(f"{'fm'[place % 2]},{place},1,1\n" for place in range(6000)))
    assert _run(["audit", *FLAGS, "--control", "dept"]) == 2
    assert "the control 'dept' has more than 5,000 values" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--control", "sex"), "column 'sex' cannot be both a protected attribute and the control"),
        (("--control", "taken"), "column 'taken' cannot be both the decision and the control"),
        (("--control", "dept", "--control", "dept"), "--control 'dept' is given twice; keep one."),
        (("--control", "depth"), "a.csv has no column 'depth', which --control needs; did you mean 'dept'?"),
    ],
)
def test_a_control_that_cannot_be_is_refused(flags: tuple[str, ...], said: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["audit", *FLAGS, *flags]) == 2
    assert said in capfd.readouterr().err


def test_a_binned_control_is_cut_and_not_protected() -> None:
    Path("a.csv").write_text("sex,age,taken,n\nf,20,1,5\nf,40,0,5\nm,20,0,5\nm,40,1,5\n")
    made = audit(AuditConfig(data=("a.csv",), decision_column="taken", count="n", protected=("sex",), control=("age",), bins={"age": (30.0,)}, engines=("native",)))
    assert made.slicings == (("sex",),)
    assert {str(one.slice) for one in made.strata} == {"sex=f, age=under 30", "sex=f, age=30 and over", "sex=m, age=under 30", "sex=m, age=30 and over"}
