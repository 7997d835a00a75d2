"""Consistency over features: AIF360's own number, by hand, and what a user sees of the sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from fairaudit import AuditConfig, audit
from fairaudit.cli import _run
from fairaudit.cube import sampled
from fairaudit.cube.sampled import Sample
from fairaudit.cube.slices import EVERYONE
from fairaudit.errors import ConfigError
from fairaudit.evidence.consistency import consistencies
from fairaudit.evidence.measurement import Measurement, Status
from fairaudit.metrics.consistency import disagreement, tied
from fairaudit.metrics.engines import aif360
from fairaudit.result import Audit
from fairaudit.rules.finding import DISAGREEMENT
from tests.vectors import vector

RNG = np.random.default_rng(5)
FLAGS = ("--data", "a.csv", "--score-column", "s", "--protected", "sex", "--engine", "native", "--out", "out", "--quiet")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = (f"{'fm'[int(sex)]},{age},{hours:.3f},{score:.3f}" for sex, age, hours, score in zip(RNG.integers(0, 2, 400), RNG.integers(18, 80, 400), RNG.random(400), RNG.random(400), strict=True))
    Path("a.csv").write_text("sex,age,hours,s\n" + "\n".join(lines) + "\n")


def audited(**more: object) -> Audit:
    given = {"data": ("a.csv",), "score_column": "s", "protected": ("sex",), "features": ("age", "hours"), "engines": ("aif360",)} | more
    return audit(AuditConfig(**given))  # type: ignore[arg-type]


def consistency(made: Audit) -> dict[str, Measurement]:
    return {str(one.slice): one for one in made.measurements if one.metric == "consistency"}


def test_the_six_rows_are_reached_by_both_engines() -> None:
    rows = vector("aif360-consistency-six-rows")
    features, outcome = np.column_stack(list(rows["features"].values())).astype(float), np.array(rows["outcome"], dtype=bool)
    ours = 1 - disagreement(features, outcome, neighbors=rows["neighbors"]).mean()
    for value in (ours, aif360.consistency(features, outcome, neighbors=rows["neighbors"])):
        assert value == pytest.approx(rows["full"], abs=1e-12) and round(value, rows["digits"]) == rows["value"]


def test_aif360_agrees_on_everyone_and_slices_average_their_own_rows() -> None:
    found = consistency(audited())
    assert found["everyone"].engines["aif360"] == pytest.approx(found["everyone"].value, abs=1e-12)
    parts = [found["sex=f"], found["sex=m"]]
    assert sum(one.rows * (one.value or 0.0) for one in parts) / 400 == pytest.approx(found["everyone"].value)
    assert all(one.interval and one.value and one.interval[0] < one.value < one.interval[1] for one in found.values() if one.rows >= 200)


def test_a_library_that_differs_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aif360, "consistency", lambda *_, **__: 0.5)
    assert [one.metric for one in audited().findings if one.rule == DISAGREEMENT] == ["consistency"]


def test_a_sample_is_the_same_however_rows_are_read_and_says_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampled, "MOST_SAMPLED", 100)
    one, other = audited(), audited(seed=1)
    assert consistency(one) == consistency(audited()) and consistency(one)["everyone"].value != consistency(other)["everyone"].value
    assert consistency(one)["everyone"].rows == 100
    assert "Consistency is of 100 of 400 rows, drawn by seed 0, each beside the 5 nearest in age, hours, unscaled and unweighted." in one.notes


def test_decisions_are_those_that_are_audited() -> None:
    """Scores below and above the threshold, far apart in the feature: everybody is decided as their nearest are."""
    Path("a.csv").write_text("sex,age,s\n" + "".join(f"f,{age},{0.2 if age < 50 else 0.8}\n" for age in (*range(10, 20), *range(90, 100))))
    assert consistency(audited(features=("age",)))["everyone"].value == 1.0
    Path("a.csv").write_text("sex,age,s\n" + "".join(f"f,7,{score}\n" for score in (0.2, 0.2, 0.8, 0.8, 0.8)))
    five = consistency(audited(features=("age",)))["everyone"]
    assert five.value == pytest.approx(1 - (2 * 0.6 + 3 * 0.4) / 5) and five.interval is None


def test_rows_that_lack_a_feature_are_left_out_and_counted() -> None:
    Path("a.csv").write_text(Path("a.csv").read_text() + "f,,0.5,0.5\nm,40,,0.5\n")
    made = audited()
    assert consistency(made)["everyone"].rows == 400
    assert any(note.endswith("; 2 rows lack one of them and are left out.") for note in made.notes)


def test_not_a_number_in_a_file_of_numbers_is_a_missing_feature() -> None:
    ages = RNG.random(50)
    whole, lacking = pa.table({"sex": ["f"] * 50, "age": ages, "s": ages[::-1]}), pa.table({"sex": ["m"], "age": [float("nan")], "s": [0.9]})
    pq.write_table(pa.concat_tables([lacking, whole]), "a.parquet")
    made = audited(data=("a.parquet",), features=("age",))
    assert consistency(made)["everyone"].rows == 50
    assert any(note.endswith("; 1 row lacks one of them and is left out.") for note in made.notes)


def test_rows_are_tied_whose_sixth_is_as_near_as_their_fifth() -> None:
    """Five rows at 0 have only one another; one at 8 has 4, 2 and 1, and then chooses one of the five; one at 16 has 8, 4, 2 and 1."""
    line = np.array([[0.0]] * 5 + [[1.0], [2.0], [4.0], [8.0], [16.0]])
    assert tied(line).tolist() == [False] * 5 + [True] * 4 + [False]
    assert tied(np.vstack([[[0.0]], line])).tolist() == [True] * 6 + [True] * 4 + [False]
    assert tied(line[:5]).tolist() == [False] * 5


def test_that_many_rows_are_equally_near_is_told() -> None:
    Path("a.csv").write_text("sex,years,days,s\n" + "".join(f"f,{int(age)},{age!r},{score!r}\n" for age, score in zip((80 * RNG.random(500)).tolist(), RNG.random(500).tolist(), strict=True)))
    told = "others are just as near as the last of the 5, and which of them count is chance; the intervals of consistency allow for it."
    notes = {feature: [note for note in audited(features=(feature,)).notes if told in note] for feature in ("years", "days")}
    assert len(notes["years"]) == 1 and not notes["days"]


def test_fewer_rows_than_neighbours_have_none() -> None:
    Path("a.csv").write_text("sex,age,s\nf,20,0.5\nm,30,0.7\nf,25,0.1\n")
    one = consistency(audited(features=("age",)))["everyone"]
    assert (one.status, one.reason) == (Status.UNDEFINED, "fewer than 5 rows have every feature")


def test_without_features_nothing_is_sampled() -> None:
    plain = audited(features=())
    assert not consistency(plain)
    assert plain.measurements == tuple(one for one in audited().measurements if one.metric != "consistency")


def test_the_report_tells_of_it(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["audit", *FLAGS, "--feature", "age", "--feature", "hours"]) == 0
    report = Path("out/report.html").read_text()
    assert "Consistency is of all 400 rows" in report and "def-consistency" in report


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        (("--feature", "sex"), 4, "a.csv, row 1: --feature needs numbers within ±1e+150, and 'sex' holds '"),
        (("--feature", "far"), 4, "far.csv, row 3: --feature needs numbers within ±1e+150, and 'far' holds '-2e150', as in 1 row in all"),
        (("--feature", "agee"), 2, "a.csv has no column 'agee', which --feature needs; did you mean 'age'?"),
        (("--feature", "age", "--feature", "age"), 2, "--feature 'age' is given twice; keep one."),
        (("--feature", "s"), 2, "column 's' cannot be both the score and a feature"),
        (("--feature", "age", "--count", "hours"), 2, "a line of --count stands for several"),
    ],
)
def test_a_feature_that_cannot_be_is_refused(flags: tuple[str, ...], code: int, said: str, capfd: pytest.CaptureFixture[str]) -> None:
    Path("far.csv").write_text("sex,s,far\nf,0.1,1e150\nf,0.2,-1e150\nm,0.3,-2e150\n")
    assert _run(["audit", *(("far.csv" if one == "a.csv" and "far" in flags else one) for one in FLAGS), *flags]) == code
    assert said in capfd.readouterr().err


def test_without_scikit_learn_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairaudit.run.can_find_neighbours", lambda: False)
    with pytest.raises(ConfigError, match=r"pip install 'fairaudit\[consistency\]'"):
        audited()


@pytest.mark.no_cover
@pytest.mark.parametrize("levels", [None, 40, 4])
def test_intervals_hold_the_mean_of_samples_of_the_same_size(levels: int | None) -> None:
    """Also where a feature has few levels, so that chance decides which of many equally near rows count."""
    rng, found = np.random.default_rng(11), []
    for _ in range(200):
        features = rng.random((400, 2 if levels is None else 1))
        decision = rng.random(400) < 1 / (1 + np.exp(-8 * (features[:, 0] - 0.5)))
        features = features if levels is None else np.floor(levels * features)
        sample = Sample(attributes={}, decision=decision, features=features, drawn_from=400, lacking=0)
        found.append(consistencies(sample, [EVERYONE], threshold=0.5, tied=float(tied(features).mean()), rng=rng)[0])
    true = np.mean([one.value for one in found if one.value is not None])
    assert 0.91 <= np.mean([one.interval is not None and one.interval[0] <= true <= one.interval[1] for one in found]) <= (1.0 if levels == 4 else 0.99)
