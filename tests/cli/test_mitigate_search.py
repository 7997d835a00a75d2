"""`fairaudit mitigate search`: what is tried, chosen and proven, as counting the rows finds it; and a search that is stopped goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from glob import glob
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest

import fairaudit
from fairaudit.cli import _run
from fairaudit.errors import ContentError
from fairaudit.mitigations import kept, searching
from fairaudit.mitigations.parts import SearchParts
from fairaudit.models.interface import UnfitModel
from tests.cli.mitigated import SEEN, card, in_this_process, mitigated, people, tree, write
from tests.cli.runs import ROOT
from tests.models.conftest import built

tf = pytest.importorskip("tensorflow")

__all__ = ["built"]  # the fixture
RULES = ("--rule", "statistical-parity", "--rule", "four-fifths")
FEW = (*RULES, "--settings", "1")
AT_WORK = "fairaudit: a search is at work in out; wait until it is done, or name another folder with --out.\n"


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


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, pd.DataFrame]:
    """The rows of each part, as a search had them."""
    seen: dict[str, pd.DataFrame] = {}

    def watched(*given: Any, **named: Any) -> SearchParts:
        found = plain(*given, **named)
        seen.update(fit=pd.read_parquet(found.parts.fit[0]), choose=pd.read_parquet(found.choose), holdout=pd.read_parquet(found.parts.holdout))
        return found

    plain = searching.search_parts
    monkeypatch.setattr(searching, "search_parts", watched)
    return seen


def searched(model: Path, *arguments: str) -> int:
    return mitigated(model, *arguments, method="search")


def frontier(folder: str = "out") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(folder) / "frontier.json").read_text())
    return found


def chances(rows: pd.DataFrame, policy: dict[str, Any]) -> Any:
    """Each row's chance of being selected, of what the frontier says of every group; of everybody, where it names none."""
    out = chance_of(rows["x"].astype(float), policy["fallback"])
    for one in policy["groups"]:
        own = (rows["sex"] == one["group"]["sex"]).to_numpy()
        out[own] = chance_of(rows["x"].astype(float)[own], one["treatment"])
    return out


def chance_of(score: pd.Series, treatment: dict[str, Any]) -> Any:
    bands = np.zeros(len(score), dtype=int)
    for cut in treatment["cuts"]:
        bands += (score > cut).to_numpy()
    chance = np.array(treatment["chances"])[bands]
    if treatment["constant"] is None:
        return chance
    replaced = treatment["chances"][sum(treatment["constant"] > cut for cut in treatment["cuts"])]
    return (1 - treatment["replaced"]) * chance + treatment["replaced"] * replaced


def test_every_point_is_what_counting_the_rows_gives(model: Path, parts: dict[str, pd.DataFrame], quick: None) -> None:
    assert searched(model, *RULES, "--settings", "3", "--choose", "all rules, then true_positive_rate") == 0
    found, rows = frontier(), parts["choose"]
    label, sex = rows["y"].astype(int), rows["sex"]
    was = rows["x"].astype(float) > 0.5
    assert len(found["points"]) > 15 and {one["method"] for one in found["points"]} == {"as-is", "thresholds", "equalized-odds", "calibrated-equalized-odds", "reject-option"}
    for one in found["points"]:
        chance = chances(rows, one["policy"])
        is_drawn = bool(((chance > 0) & (chance < 1)).any())
        near = 2 / sum(sex == "f") if is_drawn else 1e-12  # what is drawn is counted as whole rows
        assert one["objective"]["value"] == pytest.approx(float(np.where(label == 1, chance, 1 - chance).mean()), abs=near)
        (aim,) = one["aims"]
        assert aim["metric"] == "true_positive_rate" and aim["value"] == pytest.approx(float(chance[label == 1].mean()), abs=2 * near) and aim["interval"][0] < aim["value"] < aim["interval"][1]
        rate = {group: float(chance[sex == group].mean()) for group in "fm"}
        parity, ratio = one["rules"]
        assert abs(parity["value"]) == pytest.approx(max(rate.values()) - min(rate.values()), abs=2 * near)
        assert ratio["value"] == pytest.approx(min(rate.values()) / max(rate.values()), abs=8 * near)
        assert parity["meets"] == (abs(parity["value"]) <= 0.1) and ratio["meets"] == (ratio["value"] >= 0.8)
        for effect in one["effects"]:
            own = (sex == effect["slice"]["sex"]) if effect["slice"] else pd.Series(True, index=sex.index)
            own &= {"selection_rate": label >= 0, "true_positive_rate": label == 1, "false_positive_rate": label == 0}[effect["metric"]]
            assert effect["rows"] == own.sum() and effect["before"] == pytest.approx(was[own].mean()) and effect["after"] == pytest.approx(chance[own].mean(), abs=near)


def test_the_parts_have_no_row_in_common_and_the_shares_that_were_asked_for(model: Path, parts: dict[str, pd.DataFrame], quick: None) -> None:
    assert searched(model, *FEW, "--split", "0.4,0.35,0.25") == 0
    persons = [set(parts[name]["person"]) for name in ("fit", "choose", "holdout")]
    assert [len(one) for one in persons] == [480, 420, 300] and len(set.union(*persons)) == 1_200
    found, made = frontier(), card()
    assert found["rows"] == {"fitted": 480, "chosen_on": 420, "proven_on": 300}
    assert (made["parts"]["rows_fitted"], made["parts"]["rows_chosen_on"], made["parts"]["rows_held_out"], made["holdout"]["checked"]["rows"]) == (480, 420, 300, 300)
    for name in ("before", "after"):
        assert json.loads(Path(f"out/{name}/audit.json").read_text())["rows"]["audited"] == 300


def test_people_who_were_held_out_are_the_last_part(model: Path, parts: dict[str, pd.DataFrame], quick: None) -> None:
    write(people(400, seed=8, first=5_000), "others.csv")
    assert searched(model, *FEW, "--holdout", "others.csv", "--split", "0.7,0.3") == 0
    assert [len(parts[name]) for name in ("fit", "choose", "holdout")] == [840, 360, 400] and set(parts["holdout"]["person"]) == {f"p{5_000 + place}" for place in range(400)}
    assert frontier()["rows"] == {"fitted": 840, "chosen_on": 360, "proven_on": 400}


def test_bands_are_cut_where_candidates_are_fitted(model: Path, parts: dict[str, pd.DataFrame], quick: None) -> None:
    """Quantiles of the rows to choose by would be other groups."""
    assert searched(model, "--rule", "statistical-parity", "--settings", "1", "--methods", "reject-option", "--bins", "x=quantiles:2", "--choose", "accuracy") == 0
    (one,) = (one for one in frontier()["points"] if one["id"] == "as-is")
    median = parts["fit"]["x"].astype(float).median()
    own = {effect["slice"]["x"]: effect["rows"] for effect in one["effects"] if set(effect["slice"]) == {"x"} and effect["metric"] == "selection_rate"}
    x = parts["choose"]["x"].astype(float)
    assert sorted(own.values()) == sorted([int((x < median).sum()), int((x >= median).sum())])


def test_the_choice_is_the_most_accurate_that_meets_the_rules_and_is_what_is_exported(model: Path, parts: dict[str, pd.DataFrame], quick: None, capfd: pytest.CaptureFixture[str]) -> None:
    write(people(4_000))
    equal = ("--rule", "equal-opportunity", "--rule", "four-fifths", "--settings", "3", "--methods", "thresholds")
    assert searched(model, *equal, "--choose", "rule equal-opportunity, then accuracy") == 0
    found, made = frontier(), card()
    able = [one for one in found["points"] if one["rules"][0]["meets"]]
    best = max(able, key=lambda one: one["objective"]["value"])
    assert found["chosen"] == best["id"] == made["search"]["chosen"] and found["criterion"] == "rule equal-opportunity, then accuracy"
    conditions = [{"rule": "equal-opportunity", "limit": 0.1, "is_tighter": False, "is_minimum": False}]
    assert made["search"] == {"criterion": found["criterion"], "conditions": conditions, "chosen": best["id"], "tried": len(found["points"]), "unmet": len(found["unmet"]), "rows": 1_000}
    rows = parts["holdout"]
    model_of = tf.saved_model.load("out/saved_model").signatures["serving_default"]
    given = {"x": tf.constant(rows["x"].astype(float), tf.float32), "sex": tf.constant(rows["sex"])}
    decided = model_of(**{name: given[name] for name in model_of.structured_input_signature[1]})["decision"].numpy()
    chance = chances(rows, best["policy"])
    assert (decided == chance)[(chance == 0) | (chance == 1)].all()
    said = capfd.readouterr().out
    assert f"→  {best['id']}" in said and "Frontier: out/frontier.json" in said


def test_with_room_to_spare_the_choice_is_the_most_accurate_that_reaches_the_tighter_limit(model: Path, quick: None, capfd: pytest.CaptureFixture[str]) -> None:
    write(people(4_000))
    flags = ("--rule", "equal-opportunity", "--settings", "3", "--methods", "thresholds")
    assert searched(model, *flags, "--choose", "rule equal-opportunity within 0.05, then accuracy") == 0
    found = frontier()
    able = [one for one in found["points"] if (value := one["rules"][0]["value"]) is not None and abs(value) <= 0.05]
    at_the_point = [one for one in found["points"] if one["rules"][0]["meets"]]
    best, other = (max(some, key=lambda one: one["objective"]["value"]) for some in (able, at_the_point))
    assert found["chosen"] == best["id"] != other["id"] and found["criterion"] == "rule equal-opportunity within 0.05, then accuracy"
    assert card()["search"]["conditions"] == [{"rule": "equal-opportunity", "limit": 0.05, "is_tighter": True, "is_minimum": False}]
    capfd.readouterr()
    assert searched(model, *flags, "--choose", "rule equal-opportunity within 0.000001, then accuracy") == 1
    assert " meets equal-opportunity within 1e-06 on the rows that the choice is made on; the nearest is " in capfd.readouterr().err


def test_frontier_json_fits_the_published_schema_and_the_report_shows_it(model: Path, quick: None) -> None:
    assert searched(model, *FEW, "--objective", "accuracy", "--objective", "fp=1,fn=3") == 0
    found = frontier()
    jsonschema.validate(found, json.loads((Path(fairaudit.__file__).parent / "frontier.schema.json").read_text()))
    assert any(one["settings"].get("objective") == "fp=1,fn=3" for one in found["points"])
    report = Path("out/report.html").read_text()
    assert "What else was tried" in report and report.count('<svg viewBox="0 0 460 300"') == 2 and all(one["id"] in report for one in found["points"] if one["efficient"])


def test_without_the_attribute_everybody_is_decided_alike_and_the_model_is_asked_for_no_group(model: Path, quick: None) -> None:
    assert searched(model, "--rule", "equal-opportunity", "--settings", "3", "--without-attribute", "--choose", "then balanced_accuracy") == 0
    found = frontier()
    assert {one["id"].split("-equal")[0] for one in found["points"]} == {"as-is", "common-threshold", "common-threshold-drawn"}
    assert all(not one["needs_attribute"] and not one["policy"]["groups"] for one in found["points"])
    assert "sex" not in {one["name"] for one in card()["export"]["inputs"]}


@pytest.fixture
def learning(built: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model that says more of one group, and learns in few steps."""
    plain = searching.fine_tune
    monkeypatch.setattr(searching, "fine_tune", lambda *given, settings, **named: plain(*given, settings=replace(settings, learning_rate=0.05, epochs=12), **named))
    return built("learning_people")


def scores(model: Path, rows: pd.DataFrame) -> Any:
    loaded = tf.saved_model.load(str(model))  # which must outlive its signature
    call = loaded.signatures["serving_default"]
    given = {"x": tf.constant(rows["x"].to_numpy(np.float32)), "sex": tf.constant(rows["sex"].tolist())}
    return call(**{name: given[name] for name in call.structured_input_signature[1]})["score"].numpy().astype(float)


@pytest.mark.parametrize(("flags", "id"), [(("--cluster", "person"), "fine-tune-1"), (("--without-attribute",), "fine-tune-without-attribute-0")])
def test_a_model_that_was_trained_on_is_a_point_and_may_be_chosen(learning: Path, parts: dict[str, pd.DataFrame], quick: None, flags: tuple[str, ...], id: str) -> None:
    Path("loose.yaml").write_text("schema: fairaudit/rule/1\nextends: statistical-parity\nid: loose\ntitle: A looser parity\nlimit_origin: ours\nlimit: 0.3\nserious: 0.6\n")
    assert searched(learning, "--rule", "loose.yaml", "--settings", "4", "--methods", "fine-tune", "--duplicates", "apart", *flags, "--choose", "rule loose, then accuracy") == 0
    found, made, rows = frontier(), card(), parts["choose"].astype({"x": float, "y": int})
    told, untold = ([f"{name}-{strength}" for strength in (0, 1, 2)] for name in ("fine-tune", "fine-tune-without-attribute"))
    is_untold = id in untold
    assert [one["id"] for one in found["points"]] == ["as-is", *([] if is_untold else told), *untold]
    assert [one["id"] for one in found["points"] if not one["needs_attribute"]] == untold
    (one,) = (one for one in found["points"] if one["id"] == id)
    assert found["chosen"] == id == made["search"]["chosen"] and made["method"] == one["method"] == "reweigh-fine-tune"
    was, now = (scores(model, rows) > 0.5 for model in (learning, Path("out/saved_model")))
    assert one["policy"] is None and one["objective"]["value"] == pytest.approx((now == rows["y"]).mean())
    rate = {group: now[rows["sex"] == group].mean() for group in "fm"}
    assert abs(one["rules"][0]["value"]) == pytest.approx(abs(rate["f"] - rate["m"]))
    for effect in one["effects"]:
        own = (rows["sex"] == effect["slice"]["sex"]) if effect["slice"] else pd.Series(True, index=rows.index)
        own &= {"selection_rate": rows["y"] >= 0, "true_positive_rate": rows["y"] == 1, "false_positive_rate": rows["y"] == 0}[effect["metric"]]
        assert (effect["rows"], effect["before"], effect["after"]) == (own.sum(), pytest.approx(was[own].mean()), pytest.approx(now[own].mean()))
    assert made["holdout"]["checked"]["rows"] == len(parts["holdout"])
    assert ({one["name"] for one in made["export"]["inputs"]}, made["export"]["asks_for"]) == (({"x"}, []) if is_untold else ({"x", "sex"}, ["sex"]))


def test_of_a_model_that_is_told_the_attribute_only_what_it_is_withheld_from_may_be_chosen_without(learning: Path, quick: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    flags = ("--rule", "statistical-parity", "--settings", "1", "--duplicates", "apart", "--without-attribute")
    assert searched(learning, *flags, "--methods", "thresholds") == 2
    assert "the model takes sex itself, so of all methods only fine-tune can do without: it withholds that from the model; add it to --methods, or leave out --without-attribute." in capfd.readouterr().err
    assert not Path("out").exists()

    def broken(*_: Any, **__: Any) -> Any:
        raise UnfitModel("model 'learning_people' has no trainable variables.")

    monkeypatch.setattr(searching, "fine_tune", broken)
    assert searched(learning, *flags, "--choose", "accuracy") == 1
    assert "nothing could be fitted that needs no protected attribute: model 'learning_people' has no trainable variables." in capfd.readouterr().err
    assert not Path("out/card.json").exists()



def test_a_search_that_is_stopped_trains_no_model_twice(learning: Path, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    flags = ("--rule", "statistical-parity", "--settings", "1", "--methods", "fine-tune", "--duplicates", "apart", "--choose", "accuracy")
    assert searched(learning, *flags) == 0
    wanted = frontier()
    shutil.rmtree("out")
    with monkeypatch.context() as patched:
        patched.setattr(searching, "rescored", stop)
        assert searched(learning, *flags) == 130
    monkeypatch.setattr(searching, "fine_tune", stop)
    assert searched(learning, *flags) == 0 and frontier() == wanted


def stop(*_: Any, **__: Any) -> Any:
    raise KeyboardInterrupt


def test_the_model_as_it_is_may_be_chosen(model: Path, quick: None, capfd: pytest.CaptureFixture[str]) -> None:
    assert searched(model, *FEW, "--methods", "calibrated-equalized-odds", "--choose", "rule statistical-parity, then accuracy") == 0
    assert frontier()["chosen"] == "as-is" and all(not one["change"] for one in card()["holdout"]["moved"])
    said = capfd.readouterr().out
    assert "The exported model decides as the original does." in said and "People are decided differently" not in said and "the best that could be had" not in said


def test_where_nothing_meets_the_rules_the_frontier_is_shown_and_the_nearest_named_and_another_choice_goes_on(model: Path, quick: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    write(people(4_000))
    unmet = ("--rule", "equal-opportunity", "--methods", "calibrated-equalized-odds", "--choose", "rule equal-opportunity within 0.000001, then accuracy")
    assert searched(model, *unmet) == 1
    said = capfd.readouterr()
    assert "on the rows that the choice is made on; the nearest is" in said.err and "as-is" in said.out and [one.name for one in Path("out").iterdir()] == [kept.FOLDER]
    monkeypatch.setattr(searching, "_fit", None)  # nothing is fitted anew
    assert searched(model, *unmet, "--json") == 1
    shown = json.loads(capfd.readouterr().out)
    jsonschema.validate(shown, json.loads((Path(fairaudit.__file__).parent / "frontier.schema.json").read_text()))
    assert shown["chosen"] is None and "as-is" in {one["id"] for one in shown["points"]}
    assert searched(model, *unmet, "--choose", "accuracy") == 0
    assert "fairaudit: a search that was stopped goes on:" in capfd.readouterr().err and kept.FOLDER not in {one.name for one in Path("out").iterdir()}


@pytest.mark.parametrize("cluster", [False, True])
def test_a_search_that_is_stopped_anywhere_gives_what_one_that_is_not_gives(model: Path, quick: None, monkeypatch: pytest.MonkeyPatch, cluster: bool) -> None:
    """Stopped before each piece that it keeps, again and again."""
    flags = (*RULES, "--settings", "1", "--methods", "equalized-odds,reject-option", *(("--cluster", "person") if cluster else ()))
    if cluster:
        write([[f"h{place % 400}", *one[1:]] for place, one in enumerate(people())])
    assert searched(model, *flags) == 0
    wanted = comparable()
    shutil.rmtree("out")
    plain, stops = kept._moved, 0

    def stopping(aside: Path, path: Path) -> None:
        nonlocal left
        if path.parent.name == kept.FOLDER and path.suffix != kept._CLUSTERS and path.name not in (kept._WHAT, kept._ASIDES):
            if left == 0:
                raise KeyboardInterrupt
            left -= 1
        plain(aside, path)

    monkeypatch.setattr(kept, "_moved", stopping)
    while True:
        left = 1  # piece is kept in each run
        if searched(model, *flags) == 0:
            break
        stops += 1
        assert {one.name for one in Path("out").iterdir()} == {kept.FOLDER}
    assert stops > 5 and comparable() == wanted


def comparable() -> dict[str, bytes]:
    """All files, but for how TensorFlow wrote the model, and its fingerprint."""
    sha, files = card()["export"]["sha256"], tree()
    found = {name: content.replace(sha.encode(), b"").replace(sha[:12].encode(), b"") for name, content in files.items() if name not in ("saved_model/saved_model.pb", "saved_model/fingerprint.pb")}
    assert found["frontier.json"] == files["frontier.json"]
    return found


def test_a_search_that_is_killed_again_and_again_goes_on_and_gives_the_same_bytes(model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """By SIGKILL, in the middle of scoring, of fitting, of judging and of exporting; what completes it, and what is never killed, may be of this process."""
    write(people(6_000))
    flags = (*RULES, "--settings", "6")
    command = [sys.executable, "-m", "fairaudit", "mitigate", "search", "--model", str(model), *SEEN, *flags]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    folder = Path("out") / kept.FOLDER

    def is_exporting() -> bool:
        return bool(glob("out/.fairaudit-*/saved_model"))  # which, unlike Path.glob, minds no folder that goes away meanwhile

    points: list[Callable[[], bool]] = [
        lambda: (folder / kept._WORK / "fit.parquet").exists(), lambda: any(folder.glob("fit-*.parquet")), lambda: len(list(folder.glob("fitted-*.json"))) > 4,
        lambda: any(folder.glob("choose-*.parquet")), is_exporting,
    ]  # fmt: skip
    killed = 0
    for reached in points:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        while process.poll() is None and not reached():
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        told = process.communicate()[1]
        assert process.returncode == -signal.SIGKILL and "Traceback" not in told, (process.returncode, told)
        assert all(path.name.startswith(".fairaudit-") for path in Path("out").iterdir())
        killed += 1
    assert searched(model, *flags) == 0
    assert killed == 5 and "fairaudit: a search that was stopped goes on:" in capfd.readouterr().err
    first = comparable()
    assert not any(path.name.startswith(".fairaudit-") for path in Path("out").iterdir())
    shutil.rmtree("out")
    assert searched(model, *flags) == 0
    assert comparable() == first


def test_a_search_that_is_asked_to_end_keeps_what_it_has_and_leaves_nothing_else(model: Path) -> None:
    command = [sys.executable, "-m", "fairaudit", "mitigate", "search", "--model", str(model), *SEEN, *RULES, "--settings", "6"]
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
    folder = Path("out") / kept.FOLDER
    while process.poll() is None and not any(folder.glob("fitted-*.json")):
        time.sleep(0.005)
    process.send_signal(signal.SIGTERM)
    told = process.communicate()[1]
    assert process.returncode == 143 and told.splitlines()[-2:] == ["fairaudit: what was done so far is kept in out; the same command goes on from there.", "fairaudit: asked to end by SIGTERM; no file is half-written."], told
    assert [one.name for one in Path("out").iterdir()] == [kept.FOLDER] and not (folder / kept._WORK).exists()


def stopped(model: Path, monkeypatch: pytest.MonkeyPatch, *flags: str) -> None:
    """A search that is stopped when its first candidates were fitted."""
    def stopping(self: kept.Kept, one: kept.Fitted) -> None:
        plain(self, one)
        if len(list(self.folder.glob("fitted-*"))) > 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        plain = kept.Kept.write
        patched.setattr(kept.Kept, "write", stopping)
        assert searched(model, *flags) == 130


def test_what_is_kept_is_for_nobody_else_to_read(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path("out", kept.FOLDER)
    stopped(model, monkeypatch, *FEW)
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o755)
    with kept.kept(Path("out"), {}, anew=True):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_another_tensorflow_or_size_of_batches_is_another_search(model: Path, quick: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    stopped(model, monkeypatch, *FEW)
    monkeypatch.setattr(searching, "version", lambda name: {"tensorflow": "0.1"}[name])
    assert searched(model, *FEW, "--batch-size", "64") == 0
    assert "it was another in version of TensorFlow, configuration; this one begins anew." in capfd.readouterr().err


def test_where_the_rows_to_choose_by_are_too_few_for_anybody_to_be_judged_that_is_said(model: Path, quick: None, capfd: pytest.CaptureFixture[str]) -> None:
    assert searched(model, *FEW, "--methods", "thresholds", "--split", "0.98,0.01,0.01", "--choose", "rule four-fifths, then accuracy") == 1
    said = capfd.readouterr().err
    assert "by four-fifths nobody can be judged among the 12 rows that the choice is made on, whatever decides: no group that is compared has rows enough there; give more rows, a larger second share with --split," in said
    assert "--choose" not in said and "--settings" not in said


def test_another_search_says_so_and_begins_anew(model: Path, quick: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    stopped(model, monkeypatch, *FEW)
    assert "fairaudit: what was done so far is kept in out; the same command goes on from there.\n" in capfd.readouterr().err
    assert searched(model, *FEW, "--seed", "4") == 0
    assert "fairaudit: what a search that was stopped had kept in out is thrown away: it was another in seed; this one begins anew." in capfd.readouterr().err
    assert frontier()["seed"] == 4


@pytest.mark.parametrize("method", ["thresholds", "reweigh"])
def test_another_mitigation_takes_away_what_a_search_had_kept(method: str, model: Path, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped(model, monkeypatch, *FEW)
    assert Path("out", kept.FOLDER).is_dir()
    assert (_run(["mitigate", "reweigh", *SEEN]) if method == "reweigh" else mitigated(model)) == 0
    assert "card.json" in tree() and not Path("out", kept.FOLDER).exists()


def test_a_search_that_was_stopped_goes_on_in_a_folder_with_something_else(model: Path, quick: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    Path("out").mkdir()
    Path("out/mine.txt").write_text("mine")
    stopped(model, monkeypatch, *FEW, "--force")
    assert "the same command goes on from there" in capfd.readouterr().err
    assert searched(model, *FEW, "--force") == 0
    assert "fairaudit: a search that was stopped goes on: 4 candidates were fitted before." in capfd.readouterr().err and Path("out/mine.txt").read_text() == "mine"


def test_data_to_train_on_that_cannot_be_had_are_looked_for_once() -> None:
    asked: list[int] = []

    def lacking() -> Any:
        asked.append(1)
        raise ContentError("there are too few rows")

    training = searching._once(lacking)
    for _ in range(3):
        with pytest.raises(ContentError, match="too few rows"):
            training()
    assert asked == [1]


def test_what_is_to_be_begun_anew_throws_away_what_was_kept(model: Path, quick: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    stopped(model, monkeypatch, *FEW)
    fits: list[str] = []
    plain = searching._fit
    monkeypatch.setattr(searching, "_fit", lambda id, *given: (fits.append(id), plain(id, *given))[1])
    capfd.readouterr()
    assert searched(model, *FEW, "--anew") == 0 and "as-is" in fits
    assert capfd.readouterr().err == ""


def test_what_was_kept_and_is_broken_is_made_anew(model: Path, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert searched(model, *FEW) == 0
    wanted = comparable()
    shutil.rmtree("out")
    stopped(model, monkeypatch, *FEW)
    for path in Path("out", kept.FOLDER).iterdir():
        if path.suffix in (".json", ".parquet") and path.name != kept._WHAT:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert searched(model, *FEW) == 0 and comparable() == wanted


def test_two_searches_do_not_share_a_folder_and_nothing_else_goes_there_meanwhile(model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Path("out", kept.FOLDER).mkdir(parents=True)
    with kept._locked(Path("out", kept.FOLDER)):
        assert searched(model, *FEW) == 2
        assert capfd.readouterr().err == AT_WORK
        assert mitigated(model) == 2
        assert capfd.readouterr().err == AT_WORK
        assert _run(["mitigate", "reweigh", *SEEN]) == 2
    assert capfd.readouterr().err == AT_WORK and [one.name for one in Path("out").iterdir()] == [kept.FOLDER]


def test_nothing_is_left_of_a_search_that_could_not_begin(model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert searched(model, *FEW, "--weight", "nowhere") == 2 and not Path("out").exists()
    assert "has no column 'nowhere'" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ((), "which rule should hold? Name it with --rule ID, as equal-opportunity."),
        ((*RULES, "--split", "0.5"), "--split '0.5': a search splits the data in 3 parts, to fit on, to choose by and to prove on; give 3 shares above 0 that add up to 1, as 0.5,0.25,0.25."),
        ((*RULES, "--split", "0.5,0.25,0.5"), "give 3 shares above 0 that add up to 1"),
        ((*RULES, "--split", "half,0.25,0.25"), "give their shares as numbers, as 0.5,0.25,0.25."),
        ((*RULES, "--holdout", "people.csv", "--split", "0.5,0.25,0.25"), "a search splits the data in 2 parts, to fit on and to choose by, since --holdout has the last part; give 2 shares"),
        ((*RULES, "--methods", "treshold"), "--methods: there is no method 'treshold'; did you mean 'thresholds'?"),
        ((*RULES, "--methods", ","), "--methods ',' names no method; name some, as thresholds,fine-tune, or leave it out to try all."),
        ((*RULES, "--settings", "0"), "--settings 0 is no number of steps; give a whole number from 1 to 100."),
        ((*RULES, "--objective", "acuracy"), "--objective 'acuracy' is not known; did you mean 'accuracy'?"),
        ((*RULES, "--without-attribute", "--methods", "thresholds,reject-option"), "--without-attribute leaves out every method that needs one when serving, as reject-option does; leave out --methods, or --without-attribute."),
        ((*RULES, "--choose", "rule four-fift, then accuracy"), "--choose: there is no rule 'four-fift'; did you mean 'four-fifths'?"),
        (("--rule", "ranking-parity"), "rule 'ranking-parity' judges roc_auc, and thresholds can be fitted to what follows from the four counts of decisions alone"),
        ((*RULES, "--threshold", "0.5", "--group-threshold", "sex=f:0.4"), "No such option"),
    ],
)
def test_bad_input_is_told_in_one_sentence_before_a_row_is_scored(model: Path, flags: tuple[str, ...], said: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert searched(model, *flags) == 2
    told = capfd.readouterr()
    assert said in told.err and told.err.count("\n") == 1 and told.out == "" and not Path("out").exists()


def test_the_same_rows_in_the_holdout_are_refused(model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert searched(model, *FEW, "--holdout", "people.csv") == 4
    assert "nothing may be judged on what it was fitted on" in capfd.readouterr().err and not Path("out").exists()


def test_a_search_takes_the_place_of_another_mitigation_and_makes_room_for_one(model: Path, quick: None) -> None:
    assert searched(model, *FEW) == 0 and "frontier.json" in tree()
    assert mitigated(model) == 0 and "frontier.json" not in tree()
    assert searched(model, *FEW) == 0 and "frontier.json" in tree()


def test_a_search_is_shown_as_its_card_where_that_is_asked(model: Path, quick: None, capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["mitigate", "search", "--model", str(model), *SEEN, *FEW, "--json"]) == 0
    assert json.loads(capfd.readouterr().out) == card()
