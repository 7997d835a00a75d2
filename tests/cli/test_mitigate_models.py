"""`fairaudit mitigate` of a model's decisions: what a user sees, the exit code, and the files left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from fairaudit.cli import _run
from fairaudit.config import AuditConfig
from fairaudit.mitigations import exported, postprocessed, proof
from fairaudit.mitigations.exported import export
from fairaudit.mitigations.policy import OfGroup, Policy, threshold_at
from fairaudit.run import audited
from tests.cli.mitigated import SEEN, card, in_this_process, mitigated, people, tree, write
from tests.cli.runs import ROOT, killed_and_run_again
from tests.models.conftest import built

pytest.importorskip("tensorflow")

__all__ = ["built"]  # the fixture


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(people())


@pytest.fixture
def model(built: Callable[[str], Path]) -> Path:
    """Its score is x."""
    return built("as_given")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    in_this_process(monkeypatch)


def test_the_same_command_gives_the_same_decisions_and_the_same_card_but_for_how_tensorflow_wrote_the_model(model: Path) -> None:
    assert mitigated(model, method="equalized-odds") == 0
    first, said = tree(), card()
    assert mitigated(model, method="equalized-odds") == 0
    second, again = tree(), card()
    made = {one["export"]["sha256"] for one in (said, again)}
    for files in (first, second):
        files.pop("saved_model/saved_model.pb"), files.pop("saved_model/fingerprint.pb")
    assert {name: _without(made, content) for name, content in first.items()} == {name: _without(made, content) for name, content in second.items()}


def _without(fingerprints: set[str], content: bytes) -> bytes:
    """Without the fingerprint of a model, whole or shortened as reports have it."""
    for one in fingerprints:
        content = content.replace(one.encode(), b"").replace(one[:12].encode(), b"")
    return content


def test_an_export_that_moves_a_cut_is_refused_and_what_was_there_stays(model: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    in_this_process(monkeypatch)
    assert mitigated(model) == 0
    before = tree()

    def moved(matched: Any, policy: Policy, *others: Any, **named: Any) -> Any:
        return export(matched, msgspec.structs.replace(policy, groups=tuple(OfGroup(group=one.group, treatment=threshold_at(one.treatment.cuts[0] + 0.01)) for one in policy.groups)), *others, **named)

    monkeypatch.setattr(postprocessed, "export", moved)
    capfd.readouterr()
    assert mitigated(model) == 4
    said = capfd.readouterr()
    assert re.fullmatch(r"fairaudit: the exported model decides \d+ of 600 rows of the holdout otherwise than was solved, the first of score 0\.\d+; nothing was written\n", said.err), said.err
    assert said.out == "" and tree() == before


def test_an_export_that_scores_otherwise_is_refused(model: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """By a thousandth, which moves hardly a decision: scores are what calibration and the next threshold rest on."""
    in_this_process(monkeypatch)
    plain = exported.score_of
    monkeypatch.setattr(exported, "score_of", lambda answer, output, rows: plain(answer, output, rows) * 0.999)
    assert mitigated(model) == 4 and not Path("out").exists()
    assert re.fullmatch(r"fairaudit: the exported model scores \d+ of 600 rows of the holdout otherwise than the original, the first 0\.\d+ and not 0\.\d+; nothing was written\n", capfd.readouterr().err)


def test_a_rule_that_no_threshold_serves_is_told_before_a_row_is_scored(model: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def nothing(*_: Any, **__: Any) -> Any:
        raise AssertionError("nothing should be scored")

    monkeypatch.setattr(postprocessed, "counted", nothing)
    assert mitigated(model, "--rule", "ranking-parity") == 2
    assert "thresholds can be fitted to what follows from the four counts of decisions alone" in capfd.readouterr().err


def test_a_model_with_noise_in_it_is_refused(built: Callable[[str], Path], quick: None, capfd: pytest.CaptureFixture[str]) -> None:
    assert mitigated(built("noisy")) == 4
    said = capfd.readouterr()
    assert said.err.count("\n") == 1 and "rows of the holdout" in said.err and not Path("out").exists()


def test_a_fresh_process_that_decides_otherwise_is_told(model: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    again_with(monkeypatch, lambda scores, cuts: np.arange(scores.size) == np.abs(scores - 0.9).argmin())
    assert mitigated(model) == 4 and not Path("out").exists()
    assert "loaded again in a fresh process, gives 1 of 600 rows of the holdout another score or decision; nothing was written" in capfd.readouterr().err


def test_a_fresh_process_may_round_rows_at_a_cut_to_the_other_side_and_they_are_counted(model: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    again_with(monkeypatch, lambda scores, cuts: np.abs(scores[:, None] - np.array(cuts)).min(axis=1) < 1e-6)
    write([[*person[:2], round(person[2], 2), person[3]] for person in people()])
    assert mitigated(model, method="equalized-odds") == 0  # its cuts are the threshold, at which some scores are
    seen = card()["holdout"]["checked"]
    assert seen["rows"] == 600 and 0 < seen["differing"] <= seen["near_a_cut"] < 60
    assert f"within a millionth of a cut may be rounded to either side, and {seen['differing']}" in " ".join(capfd.readouterr().out.split())


def again_with(monkeypatch: pytest.MonkeyPatch, turned: Callable[[Any, list[float]], Any]) -> None:
    """Let the fresh process decide some rows otherwise, told by scores and all cuts."""
    cuts: list[float] = []

    def watched(matched: Any, policy: Policy, *others: Any, **named: Any) -> Any:
        cuts[:] = [cut for one in policy.groups for cut in one.treatment.cuts]
        return export(matched, policy, *others, **named)

    def again(config: AuditConfig, out: Path, aside: Path) -> Path:
        path = aside / "again.parquet"
        audited(config, scores=path, sole=True)
        table = pq.read_table(path)
        decided = table.column("decision")
        other = np.asarray(decided.to_numpy(zero_copy_only=False), dtype=bool) ^ turned(table.column("score").to_numpy(), cuts)
        pq.write_table(table.set_column(table.column_names.index("decision"), "decision", pa.array(other).cast(decided.type)), path)
        return path

    monkeypatch.setattr(postprocessed, "export", watched)
    monkeypatch.setattr(proof, "_in_a_fresh_process", again)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGKILL])
def test_a_killed_mitigation_leaves_nothing_and_a_rerun_completes(signum: int, model: Path, quick: None) -> None:
    """By thresholds, which there are for any scores: of scores that say nothing of labels, as these, equal odds may be refused before anything is written."""
    killed_and_run_again(signum, "mitigate", "thresholds", "--rule", "equal-opportunity", "--model", str(model), writes="saved_model.pb")
    assert {path.name for path in Path("out").iterdir() if not path.name.startswith(".fairaudit-")} == set(postprocessed.NAMES)


@pytest.mark.parametrize("at", ["while it fits", "in the fresh process"])
def test_asked_to_end_a_mitigation_leaves_nothing_of_the_rows_anywhere(at: str, model: Path, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    write(people(60_000 if at == "while it fits" else 1_200))
    command = [sys.executable, "-m", "fairaudit", "mitigate", "thresholds", "--rule", "equal-opportunity", "--model", str(model), *SEEN]
    process = subprocess.Popen(
        command, env=os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL),
    )  # fmt: skip
    awaited = "fairaudit-*/fit.parquet" if at == "while it fits" else "fairaudit-*/fairaudit-*"  # the fresh process puts its rows aside within what this one put aside
    while process.poll() is None and not any(temporary.glob(awaited)):
        time.sleep(0.005)
    process.send_signal(signal.SIGTERM)
    told = process.communicate()[1]
    assert process.returncode == 143 and told.splitlines()[-1] == "fairaudit: asked to end by SIGTERM; no file is half-written.", told
    left = [path for path in temporary.rglob("*") if path.suffix not in (".py", ".pyc") and path.name != "__pycache__"]  # code that TensorFlow generates
    assert left == [] and not Path("out").exists()


def test_levelling_down_is_called_by_name(model: Path, quick: None, capfd: pytest.CaptureFixture[str]) -> None:
    """Men's rate can be lowered at little cost, and women's can be raised only by selecting all who are not to be."""
    cells = [("f", 0.9, 1, 200), ("f", 0.1, 1, 200), ("f", 0.1, 0, 400), ("m", 0.9, 1, 200), ("m", 0.6, 1, 120), ("m", 0.1, 1, 80), ("m", 0.1, 0, 390), ("m", 0.6, 0, 10)]
    write([[f"{sex}{x}{y}-{one}", sex, x, y] for sex, x, y, number in cells for one in range(number)])
    assert mitigated(model, "--objective", "fp=5,fn=1", "--duplicates", "apart", "--id", "person") == 0
    held = card()["holdout"]
    assert held["levelled_down"] == ["true_positive_rate"]
    rates = {(one["slice"].get("sex"), one["metric"]): (one["before"], one["after"]) for one in held["moved"]}
    assert rates["f", "true_positive_rate"][0] == rates["f", "true_positive_rate"][1] and rates["m", "true_positive_rate"][1] < rates["m", "true_positive_rate"][0]
    words = " ".join(capfd.readouterr().out.split())
    sentence = "Levelling down: groups were brought together in their true positive rate by making some of them worse off, and nobody is better off in it"
    assert sentence in words and sentence in Path("out/report.html").read_text()




def test_what_a_method_that_changes_scores_costs_is_told_of_scores_too(model: Path, quick: None, capfd: pytest.CaptureFixture[str]) -> None:
    """Men's scores are replaced until they cost what women's do: both mean scores are drawn, and that nobody's scores are better for it is seen."""
    write(people(3_000))
    assert mitigated(model, method="calibrated-equalized-odds") == 0
    moved = {(one["metric"], one["slice"].get("sex", "everyone")): one for one in card()["holdout"]["moved"]}
    brier, order = moved["brier_score", "m"], moved["roc_auc", "m"]
    assert brier["change"] > 0 and brier["interval"][0] < brier["change"] < brier["interval"][1] and order["change"] < 0 and order["is_better"] is False
    assert moved["generalized_true_positive_rate", "f"]["change"] == 0 and moved["generalized_true_positive_rate", "m"]["interval"][1] < 0
    for one in moved.values():
        assert one["change"] is None or one["metric"] == "log_loss" or one["change"] == pytest.approx(one["after"] - one["before"], abs=2e-3), one  # by the rows, and by score cells
    words, page = " ".join(capfd.readouterr().out.split()), Path("out/report.html").read_text()
    assert re.search(r"AUC 0\.\d+ → 0\.\d+ \(change −0\.\d+, 95% interval −0\.\d+ to [−+]0\.\d+\)", words) and "Brier score 0." in words
    assert "Generalized true positive rate" in page and "Generalized false positive rate" in page


def test_numbers_of_scores_are_no_change_of_a_method_that_leaves_them(model: Path, quick: None) -> None:
    assert mitigated(model) == 0
    assert {one["metric"] for one in card()["holdout"]["moved"]}.isdisjoint({"roc_auc", "brier_score", "mean_score"})


FLOOR = "schema: fairaudit/rule/1\nextends: worst-group\nid: floor\ntitle: A floor\nlimit_origin: ours\ncomparison: value\nreference: none\nlimit: 0.99\nserious: 0.95\n"


def test_a_rule_that_no_thresholds_meet_is_told_with_the_nearest(model: Path, quick: None, capfd: pytest.CaptureFixture[str]) -> None:
    worst = Path("floor.yaml")
    worst.write_text(FLOOR)
    assert mitigated(model, "--rule", str(worst)) == 1
    said = capfd.readouterr()
    assert said.out == "" and "Traceback" not in said.err and re.search(r"nearest|closest", said.err), said.err
    assert not Path("out").exists()


def test_a_bound_that_no_margin_meets_is_told_with_the_nearest(model: Path, quick: None, capfd: pytest.CaptureFixture[str]) -> None:
    assert mitigated(model, "--bound", "0", "--parity", "average_odds_difference", method="reject-option") == 1
    said = capfd.readouterr().err
    assert "keeps the average_odds_difference of every group against sex=m between 0 and 0; the nearest, threshold 0." in said and said.count("\n") == 1, said
    assert not Path("out").exists()


HELD = ("--data", "people.csv", "--label", "y", "--protected", "sex", "--holdout", "others.csv", "--out", "out")
BAD: dict[str, tuple[tuple[str, ...], int, str]] = {
    "no data": (("--label", "y", "--protected", "sex", "--rule", "equal-opportunity", "--out", "out"), 2, "no data: name a CSV or Parquet file"),
    "no place": ((*SEEN[:-2], "--rule", "equal-opportunity"), 2, "where should the model go? Name a folder with --out DIR."),
    "no rule": (SEEN, 2, "which rule should hold? Name it with --rule ID, as equal-opportunity."),
    "no such rule": ((*SEEN, "--rule", "equal-oportunity"), 2, "did you mean 'equal-opportunity'?"),
    "no label": ((*SEEN[:2], *SEEN[4:], "--rule", "equal-opportunity"), 2, "a mitigation is fitted on what turned out to be true; name its column with --label COL."),
    "no such label": ((*SEEN[:3], "z", *SEEN[4:], "--rule", "equal-opportunity"), 2, "people.csv has no column 'z'"),
    "a share of 0": ((*SEEN, "--rule", "equal-opportunity", "--split", "0"), 2, "--split 0 is no share of the rows; give one between 0 and 1, as 0.5."),
    "a share of 1": ((*SEEN, "--rule", "equal-opportunity", "--split", "1"), 2, "--split 1 is no share of the rows"),
    "no number of a share": ((*SEEN, "--rule", "equal-opportunity", "--split", "nan"), 2, "--split nan is no share of the rows"),
    "a share beside a holdout": ((*HELD, "--rule", "equal-opportunity", "--split", "0.5"), 2, "--split divides --data, and --holdout names other rows to judge on; keep one."),
    "a rule of scores": ((*SEEN, "--rule", "calibration-within-groups"), 2, "name a rule"),
    "no attribute": ((*SEEN[:4], *SEEN[6:], "--rule", "equal-opportunity"), 2, "--protected"),
    "no such objective": ((*SEEN, "--rule", "equal-opportunity", "--objective", "acuracy"), 2, "accuracy"),
}


@pytest.mark.parametrize("wrong", BAD)
def test_what_is_wrong_is_told_in_a_sentence_and_nothing_is_written(wrong: str, model: Path, quick: None, capfd: pytest.CaptureFixture[str]) -> None:
    flags, code, sentence = BAD[wrong]
    assert _run(["mitigate", "thresholds", "--model", str(model), *flags]) == code
    said = capfd.readouterr()
    assert sentence in said.err and said.err.count("\n") == 1 and said.out == "", said.err
    assert not Path("out").exists()


def test_a_model_is_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["mitigate", "thresholds", *SEEN, "--rule", "equal-opportunity"]) == 2
    assert "which model should be mitigated? Name a SavedModel with --model DIR." in capfd.readouterr().err


def test_a_folder_of_something_else_stays_as_it_is(model: Path, quick: None, capfd: pytest.CaptureFixture[str]) -> None:
    Path("out").mkdir()
    Path("out/mine.txt").write_text("mine")
    assert mitigated(model) == 2 and "--out out holds something other than a mitigation" in capfd.readouterr().err
    assert tree() == {"mine.txt": b"mine"}
    assert mitigated(model, "--force") == 0 and set(os.listdir("out")) == {"mine.txt", *postprocessed.NAMES}


def test_another_method_takes_the_place_of_weights(model: Path, quick: None) -> None:
    assert _run(["mitigate", "reweigh", *SEEN]) == 0 and Path("out/weights.csv").exists()
    assert mitigated(model) == 0 and set(os.listdir("out")) == set(postprocessed.NAMES)
    assert _run(["mitigate", "reweigh", *SEEN]) == 0
    assert set(os.listdir("out")) == {"card.json", "parity.md", "reweighed.csv", "weights.csv"}


def test_rows_that_were_fitted_on_are_no_holdout(model: Path, quick: None, capfd: pytest.CaptureFixture[str]) -> None:
    own = list(people())
    fresh = list(people(600, seed=2, first=5_000))
    write([*fresh, own[7], own[11]], "others.csv")
    assert mitigated(model, data=HELD) == 4
    said = capfd.readouterr().err
    assert said.startswith("fairaudit: 2 rows of the data are in --holdout others.csv too") and "people.csv, row 8 and others.csv, row 601" in said and "--id" in said and said.count("\n") == 1, said
    write([*fresh, ["p7", "m", 0.123, 1]], "others.csv")  # the same id, and another content
    assert mitigated(model, data=HELD) == 0
    assert mitigated(model, "--id", "person", data=HELD) == 4
    said = capfd.readouterr().err
    assert "1 row of the data is in --holdout others.csv too" in said and "leave them out of one." in said, said


def test_people_who_are_alike_may_be_in_both_where_they_are_said_to_be_different(model: Path, quick: None, capfd: pytest.CaptureFixture[str]) -> None:
    own, fresh = ([person[1:] for person in people(600, seed=seed)] for seed in (1, 2))
    write(own, header="sex,x,y")
    write([*fresh, own[0]], "others.csv", "sex,x,y")
    assert mitigated(model, data=HELD) == 4 and "--duplicates apart" in capfd.readouterr().err
    assert mitigated(model, "--duplicates", "apart", data=HELD) == 0
    seen = card()
    assert seen["parts"]["shared"] >= 1 and any("are taken for different people" in note for note in seen["notes"]), seen["notes"]


def test_a_holdout_without_the_attribute_is_told(model: Path, quick: None, capfd: pytest.CaptureFixture[str]) -> None:
    write([person[2:] for person in people(300, seed=2)], "others.csv", "x,y")
    assert mitigated(model, data=HELD) == 2
    said = capfd.readouterr().err
    assert "others.csv has no column 'sex'" in said and said.count("\n") == 1 and not Path("out").exists()


def test_groups_that_were_not_fitted_and_missing_ones_are_decided_as_the_model_does(model: Path, quick: None) -> None:
    write(people(900, seed=2, values=("f", "m", "unseen", ""), first=5_000), "others.csv")
    assert mitigated(model, data=HELD) == 0
    rates = {one["slice"].get("sex", "everyone"): one for one in card()["holdout"]["moved"] if one["metric"] == "selection_rate"}
    assert rates["unseen"]["change"] == 0 and rates["f"]["change"] != 0
    policy = card()["export"]["policy"]
    assert {one["group"]["sex"] for one in policy["groups"]} == {"f", "m"} and policy["fallback"]["cuts"] == [0.5]


def test_categories_that_were_few_in_fitting_are_one_and_those_that_were_not_stay_however_few_are_held_out(model: Path, quick: None) -> None:
    """Of the rows held out all three have fewer than 200, and of those to fit on two."""
    rng = np.random.default_rng(4)
    values = np.array(["many", "some", "few", "fewer"])
    write([[*person, values[rng.choice(4, p=[0.7, 0.2, 0.06, 0.04])]] for person in people(2_000)], header="person,sex,x,y,race")
    assert mitigated(model, "--protected", "race", "--other-below", "200", "--split", "0.2") == 0
    seen = card()
    assert {one["group"]["race"] for one in seen["export"]["policy"]["groups"]} == {"many", "some", "other"}
    assert {one["slice"]["race"] for one in seen["holdout"]["moved"] if set(one["slice"]) == {"race"}} == {"many", "some", "other"}
    notes = json.loads(Path("out/after/audit.json").read_text())["notes"]
    assert any(note.startswith("2 values of race that were few on the rows that were fitted on are one slice, 'other'") for note in notes), notes


def test_weights_bins_pools_and_crosses_are_fitted_and_exported(model: Path, quick: None) -> None:
    rng = np.random.default_rng(4)
    races = np.array(["a", "b", "c", "few", "fewer"])
    rows = [[*person, int(rng.integers(18, 80)), races[rng.choice(5, p=[0.5, 0.3, 0.15, 0.03, 0.02])], round(float(rng.uniform(0.5, 3)), 2)] for person in people(4_000)]
    write(rows, header="person,sex,x,y,age,race,w")
    flags = ("--protected", "age", "--protected", "race", "--bins", "age=40", "--other-below", "200", "--weight", "w", "--split", "0.25")
    assert mitigated(model, *flags) == 0
    seen = card()
    groups = [one["group"] for one in seen["export"]["policy"]["groups"]]
    assert {group["race"] for group in groups} == {"a", "b", "c", "other"} and len({group["age"] for group in groups}) == 2 and len(groups) == 2 * 2 * 4
    assert sorted(seen["export"]["added"]) == ["age", "race", "sex"] and seen["holdout"]["checked"]["rows"] == 1_000


def test_quantiles_are_those_of_the_rows_that_were_fitted_on(model: Path, quick: None) -> None:
    rng = np.random.default_rng(4)
    write([[*person, int(rng.integers(18, 80))] for person in people(2_000)], header="person,sex,x,y,age")
    assert mitigated(model, "--protected", "age", "--bins", "age=quantiles:3") == 0
    groups = {one["group"]["age"] for one in card()["export"]["policy"]["groups"]}
    held = {one["slice"]["age"] for one in card()["holdout"]["moved"] if set(one["slice"]) == {"age"}}
    assert len(groups) == 3 and held == groups


def test_clusters_stay_together(model: Path, quick: None) -> None:
    write([[*person, f"house {place // 4}"] for place, person in enumerate(people(2_000))], header="person,sex,x,y,house")
    assert mitigated(model, "--cluster", "house") == 0
    parts = card()["parts"]
    assert parts["rows_fitted"] + parts["rows_held_out"] == 2_000 and parts["rows_fitted"] % 4 == 0


def test_a_group_called_as_a_tag_stays_text_on_the_page(model: Path, quick: None, capfd: pytest.CaptureFixture[str]) -> None:
    attack = "<script>alert(1)</script>"
    write(people(values=(attack, "m")))
    assert mitigated(model) == 0
    page = Path("out/report.html").read_text()
    assert attack not in page and "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert f"sex={attack}" in capfd.readouterr().out


def test_both_audits_can_be_gated_and_audited_again(model: Path, quick: None, capfd: pytest.CaptureFixture[str]) -> None:
    assert mitigated(model) == 0
    assert _run(["gate", "out/before"]) == 1
    assert _run(["gate", "out/after"]) == 0
    flags = ("--output", "score", "--decision-output", "decision", "--engine", "native", "--rule", "equal-opportunity", "--quiet")
    assert _run(["audit", "--model", "out/saved_model", *SEEN[:-2], *flags, "--out", "again"]) == 0
    assert json.loads(Path("again/audit.json").read_text())["rows"]["audited"] == 1_200
