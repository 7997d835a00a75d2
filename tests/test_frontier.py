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
from benchmarks.judged import ALIKE, Judged, Standing, against, efficient, interval, judged, matched
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
    found = judged(given, np.array([[1, 1, 1, 0, 0.5, 0, 1, 0]]), rng=np.random.default_rng(0), replicates=1)
    assert found.accuracy.tolist() == [(2 + 1 + 0.5 + 1) / 8]
    assert found.gaps[:, 0].tolist() == [3 / 4 - 1.5 / 4, 1 - 0.25, max(1 - 0.25, 0.5 - 0.5)]


@given(st.integers(0, 10_000))
def test_any_decisions_are_judged_as_pandas_counts_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame({"member": rng.integers(0, 2, 80), "label": rng.integers(0, 2, 80), "selected": rng.random(80)})
    rows.loc[:3, ["member", "label"]] = [(0, 0), (0, 1), (1, 0), (1, 1)]
    found = judged(people(rows["member"].tolist(), rows["label"].tolist()), rows["selected"].to_numpy()[None], rng=rng, replicates=1)
    by_label = rows.groupby(["member", "label"])["selected"].mean().unstack("label")
    overall = rows.groupby("member")["selected"].mean()
    apart = (by_label.loc[1] - by_label.loc[0]).abs()
    assert found.gaps[:, 0] == pytest.approx([abs(overall[1] - overall[0]), apart[1], apart.max()])
    assert found.accuracy[0] == pytest.approx(rows["selected"].where(rows["label"] == 1, 1 - rows["selected"]).mean())


def test_the_bootstraps_interval_of_accuracy_is_as_wide_as_the_binomial_one() -> None:
    rng = np.random.default_rng(1)
    given = people(rng.integers(0, 2, 400).tolist(), rng.integers(0, 2, 400).tolist())
    right = rng.random(400) < 0.8
    found = judged(given, np.where(right, given.label, 1 - given.label)[None], rng=rng, replicates=2_000)
    low, high = interval(found.accuracies[:, 0])
    share = right.mean()
    assert (high - low) / 2 == pytest.approx(1.96 * np.sqrt(share * (1 - share) / 400), rel=0.1)


def test_two_that_decide_alike_do_not_differ_in_any_sample() -> None:
    rng = np.random.default_rng(2)
    given = people([0, 1] * 30, [0, 0, 1, 1] * 15)
    chances = rng.random(60)
    one = against(judged(given, np.stack([chances, chances]), rng=rng, replicates=50), 0, 0, 1)
    assert (one.accuracy, one.of_accuracy, one.gap, one.of_gap, one.standing) == (0, (0, 0), 0, (0, 0), Standing.DOMINATES)


@pytest.mark.parametrize(
    ("accuracies", "gaps", "standing"),
    [
        # (ours, theirs) in the two samples of which the interval is nearly the range; the point is their mean.
        ([(0.8, 0.7), (0.8, 0.75)], [(0.1, 0.2), (0.1, 0.3)], Standing.DOMINATES),
        ([(0.8, 0.7), (0.7, 0.75)], [(0.2, 0.1), (0.1, 0.15)], Standing.WITHIN),
        ([(0.7, 0.8), (0.75, 0.8)], [(0.2, 0.1), (0.1, 0.15)], Standing.BEHIND),
        ([(0.8, 0.7), (0.7, 0.75)], [(0.2, 0.1), (0.2, 0.15)], Standing.BEHIND),
        ([(0.7, 0.8), (0.75, 0.8)], [(0.1, 0.2), (0.1, 0.15)], Standing.TRADES),
        ([(0.8, 0.7), (0.8, 0.75)], [(0.2, 0.1), (0.2, 0.15)], Standing.TRADES),
    ],
)
def test_behind_is_what_is_worse_in_all_of_its_interval_and_better_in_none(accuracies: list[tuple[float, float]], gaps: list[tuple[float, float]], standing: Standing) -> None:
    drawn_accuracies, drawn_gaps = np.array(accuracies), np.array(gaps)[:, None]
    found = Judged(accuracy=drawn_accuracies.mean(axis=0), gaps=drawn_gaps.mean(axis=0), accuracies=drawn_accuracies, gaps_of=drawn_gaps)
    assert against(found, 0, 0, 1).standing is standing


@given(POINTS)
def test_efficient_is_what_no_other_beats(points: list[tuple[int, int]]) -> None:
    accuracy, gap = (np.array(values, dtype=float) for values in zip(*points, strict=True))
    kept = efficient(accuracy, gap)

    def beaten(at: int) -> bool:
        return any(accuracy[other] >= accuracy[at] and gap[other] <= gap[at] and (accuracy[other], gap[other]) != (accuracy[at], gap[at]) for other in range(accuracy.size))

    assert {(accuracy[at], gap[at]) for at in kept} == {(accuracy[at], gap[at]) for at in range(accuracy.size) if not beaten(at)}
    assert list(gap[list(kept)]) == sorted(set(gap[list(kept)]))


def test_a_match_is_the_most_accurate_that_is_as_fair_and_else_the_fairest() -> None:
    accuracy, gap = np.array([0.9, 0.8, 0.85, 0.7]), np.array([0.2, 0.1, 0.1 + ALIKE / 2, 0.05])
    assert [matched(accuracy, gap, to, range(4)) for to in (0.3, 0.1, 0.07, 0.01)] == [0, 2, 3, 3]
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
    frontier.main(["german-sex", "--replicates", "50", "--draw", str(tmp_path), *(word for name in methods for word in ("--only", name))])
    told = capsys.readouterr().out
    cells = {line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:5]] for line in told.splitlines() if line.startswith(("| fair", "| AIF", "| Oxon", "| Fairl"))}
    assert "349 rows to fit on, 349 held out" in told and cells["AIF360 EqOddsPostprocessing"][0] == ""
    assert all(re.fullmatch(r"(0\.\d{4} at 0\.\d{3}|none); \d+ / \d+ / \d+", cell) for name in ("OxonFair FairPredictor", "Fairlearn ThresholdOptimizer") for cell in cells[name])
    assert all(re.fullmatch(r"0\.\d{4} at 0\.\d{3}", cell) for cell in cells["fairaudit"])
    assert ET.parse(tmp_path / "frontier-german-sex.svg").getroot().tag.endswith("svg")


@pytest.mark.parametrize(("arguments", "said"), [(["credit"], "there are no data called 'credit'; there are adult, compas, german-sex, german-age"), (["--draw", "nowhere"], "there is no folder nowhere")])
@needs_peers
def test_what_cannot_be_compared_is_told_in_one_sentence(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        frontier.main(arguments)
    assert said in capsys.readouterr().err
