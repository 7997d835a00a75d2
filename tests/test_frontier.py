"""The comparison with peers counts what it says it counts; what it shows is for `python -m benchmarks.frontier` to print."""

from __future__ import annotations

import importlib.util
import re
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import frontier
from benchmarks.deciders import PEERS
from benchmarks.frontier_drawn import Panel, drawn
from benchmarks.judged import ALIKE, SLACK, Against, Mean, Standing, counted, efficient, matched, mean
from benchmarks.linear import encoding_of, train
from benchmarks.people import People, scored
from examples.german.prepare import main as prepare_german

needs_peers = pytest.mark.skipif(any(importlib.util.find_spec(name) is None for name in PEERS), reason="the peers' packages, which `make` installs, are not there")
POINTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=12)


def people(member: list[int], label: list[int]) -> People:
    return People(member=np.array(member, dtype=float), label=np.array(label, dtype=float), score=np.zeros(len(label)))


def test_accuracy_and_gaps_are_those_counted_by_hand() -> None:
    """Of the better-off 3 of 4 are selected (both positives, one of two negatives); of the others 1.5 in the mean (one positive by ½, one negative surely)."""
    given = people([1, 1, 1, 1, 0, 0, 0, 0], [1, 1, 0, 0, 1, 1, 0, 0])
    accuracy, gaps = counted(given, np.array([[1, 1, 1, 0, 0.5, 0, 1, 0]]))
    assert accuracy.tolist() == [(2 + 1 + 0.5 + 1) / 8]
    assert gaps[:, 0].tolist() == [3 / 4 - 1.5 / 4, 1 - 0.25, max(1 - 0.25, 0.5 - 0.5)]


@given(st.integers(0, 10_000))
def test_any_decisions_are_judged_as_pandas_counts_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame({"member": rng.integers(0, 2, 80), "label": rng.integers(0, 2, 80), "selected": rng.random(80)})
    rows.loc[:3, ["member", "label"]] = [(0, 0), (0, 1), (1, 0), (1, 1)]
    accuracy, gaps = counted(people(rows["member"].tolist(), rows["label"].tolist()), rows["selected"].to_numpy()[None])
    by_label = rows.groupby(["member", "label"])["selected"].mean().unstack("label")
    overall = rows.groupby("member")["selected"].mean()
    apart = (by_label.loc[1] - by_label.loc[0]).abs()
    assert gaps[:, 0] == pytest.approx([abs(overall[1] - overall[0]), apart[1], apart.max()])
    assert accuracy[0] == pytest.approx(rows["selected"].where(rows["label"] == 1, 1 - rows["selected"]).mean())


def test_the_interval_over_splits_is_nadeau_and_bengios() -> None:
    """By hand: of 1, 2 and 6 the mean is 3 and the variance 7; with as many rows held out as fitted on it is 7 · (1/3 + 1), and t of 2 degrees of freedom 4.302653."""
    found = mean(np.array([1.0, 2.0, 6.0]), ratio=1.0)
    assert found.value == 3 and found.interval == pytest.approx((3 - 4.302653 * (7 * 4 / 3) ** 0.5, 3 + 4.302653 * (7 * 4 / 3) ** 0.5))
    assert mean(np.array([1.0]), ratio=1.0).interval == (-np.inf, np.inf)


@pytest.mark.parametrize(("accuracy", "gap", "standing"), [
    ((0.05, 0.01, 0.09), (-0.1, -0.2, 0.0), Standing.DOMINATES), ((-ALIKE, -0.003, -0.001), (ALIKE, 0.001, 0.003), Standing.DOMINATES), ((0.01, -0.05, 0.07), (0.1, -0.1, 0.3), Standing.WITHIN),
    ((-0.05, -0.09, -0.01), (0.1, -0.1, 0.3), Standing.BEHIND), ((0.05, -0.1, 0.2), (0.1, 0.01, 0.2), Standing.BEHIND), ((-0.05, -0.09, -0.01), (-0.1, -0.2, -0.05), Standing.TRADES),
    ((0.05, 0.01, 0.09), (0.1, 0.05, 0.2), Standing.TRADES),
])  # fmt: skip
def test_behind_is_what_is_worse_in_all_of_its_interval_and_better_in_none(accuracy: tuple[float, float, float], gap: tuple[float, float, float], standing: Standing) -> None:
    assert Against(**{name: Mean(value=one[0], interval=one[1:]) for name, one in (("accuracy", accuracy), ("gap", gap))}).standing is standing


@given(POINTS)
def test_efficient_is_what_no_other_beats(points: list[tuple[int, int]]) -> None:
    accuracy, gap = (np.array(values, dtype=float) for values in zip(*points, strict=True))
    kept = efficient(accuracy, gap)

    def beaten(at: int) -> bool:
        return any(accuracy[other] >= accuracy[at] and gap[other] <= gap[at] and (accuracy[other], gap[other]) != (accuracy[at], gap[at]) for other in range(accuracy.size))

    assert {(accuracy[at], gap[at]) for at in kept} == {(accuracy[at], gap[at]) for at in range(accuracy.size) if not beaten(at)}
    assert list(gap[list(kept)]) == sorted(set(gap[list(kept)]))


def test_a_match_is_the_most_accurate_that_is_as_fair_and_else_the_fairest() -> None:
    accuracy, gap = np.array([0.9, 0.8, 0.85, 0.7, np.nan]), np.array([0.2, 0.1, 0.1 + SLACK / 2, 0.05, np.nan])
    assert [matched(accuracy, gap, to, range(5)) for to in (0.3, 0.1, 0.07, 0.01)] == [0, 2, 3, 3]
    assert matched(accuracy, gap, 0.3, (1, 3)) == 1


def test_german_credit_has_ucis_rows_and_the_groups_that_others_count(tmp_path: Path) -> None:
    """UCI: 700 good and 300 bad. Good credit is 14.9 points rarer among the 190 of 25 years or less (Kamiran and Calders 2009). AIF360: 690 men, 310 women."""
    prepare_german(tmp_path)
    rows = pd.read_csv(tmp_path / "german.csv")
    assert Counter(rows["credit"]) == {"good": 700, "bad": 300}
    assert Counter(rows["sex"]) == {"male": 690, "female": 310}
    good = (rows["credit"] == "good").groupby(rows["age_group"]).mean()
    assert Counter(rows["age_group"]) == {"over 25": 810, "25 or less": 190} and round(good["over 25"] - good["25 or less"], 3) == 0.149


def test_a_saved_logistic_regression_answers_as_scikit_learns(tmp_path: Path) -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"age": rng.integers(18, 80, 200), "money": rng.integers(0, 9_000, 200), "word": rng.choice(["a", "b", "c"], 200)})
    label = rng.random(200) < np.where(rows["word"] == "a", 0.8, 0.3)
    encoding = encoding_of(rows, scales={"age": 10.0, "money": 2.0}, texts=("word",), logs=frozenset({"money"}))
    train(encoding, rows, label, tmp_path / "model")
    by_hand = np.column_stack([rows["age"] / 10, np.log1p(rows["money"]) / 2, *(rows["word"] == word for word in "abc")])
    theirs = linear_model.LogisticRegression(max_iter=1_000).fit(by_hand, label).predict_proba(by_hand)[:, 1]
    assert scored(tmp_path / "model", rows) == pytest.approx(theirs, abs=1e-6)


def test_the_picture_has_a_mark_for_every_point_within_or_counts_it_and_the_same_bytes_each_time() -> None:
    panel = Panel(title="Gap in < & >", series={"fairaudit": [(0.01, 0.8), (0.1, 0.82)], "AIF360 EqOddsPostprocessing": [(0.02, 0.3)]}, model=(0.2, 0.81), gap=(0.15, 0.25), accuracy=(0.79, 0.83))
    made = drawn("Adult", [panel, panel])
    titles = [one.text or "" for one in ET.fromstring(made).iter("{http://www.w3.org/2000/svg}title")]
    assert made == drawn("Adult", [panel, panel])
    assert titles.count("fairaudit: accuracy 0.8200, gap 0.1000") == 2 and made.count("1 outside: accuracy from 0.30, gap to 0.02") == 2
    assert "Gap in &lt; &amp; &gt;" in made and "prefers-color-scheme:dark" in made


@needs_peers
def test_a_run_on_german_credit_prints_how_ours_stand_to_each_peer_and_draws_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    methods = ("thresholds", "EqOddsPostprocessing", "ThresholdOptimizer", "FairPredictor")
    frontier.main(["german-sex", "--splits", "2", "--draw", str(tmp_path), *(word for name in methods for word in ("--only", name))])
    told = capsys.readouterr().out
    cells = {line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:5]] for line in told.splitlines() if line.startswith(("| fair", "| AIF", "| Oxon", "| Fairl"))}
    assert "349 rows to fit on, 349 held out, 2 splits" in told and cells["AIF360 EqOddsPostprocessing"][0] == ""
    assert all(re.fullmatch(r"(0\.\d{4} at 0\.\d{3}( in 1 of 2)?|none); \d+ / \d+ / \d+", cell) for name in ("OxonFair FairPredictor", "Fairlearn ThresholdOptimizer") for cell in cells[name])
    assert all(re.fullmatch(r"0\.\d{4} at 0\.\d{3}( in 1 of 2)?", cell) for cell in cells["fairaudit"])
    assert ET.parse(tmp_path / "frontier-german-sex.svg").getroot().tag.endswith("svg")


@pytest.mark.parametrize(("arguments", "said"), [(["credit"], "there are no data called 'credit'; there are adult, compas, german-sex, german-age"), (["--draw", "nowhere"], "there is no folder nowhere")])
@needs_peers
def test_what_cannot_be_compared_is_told_in_one_sentence(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        frontier.main(arguments)
    assert said in capsys.readouterr().err
