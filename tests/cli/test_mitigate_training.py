"""`fairaudit mitigate reweigh --fine-tune` and `--trainer`: what a user sees, the exit code, and the files left behind."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from fairaudit.cli import _run
from fairaudit.config import AuditConfig
from fairaudit.mitigations import proof
from fairaudit.mitigations.postprocessed import NAMES
from fairaudit.run import audited
from tests.cli.mitigated import card, in_this_process, people, tree, write
from tests.cli.runs import ROOT, killed_and_run_again
from tests.models.conftest import built

tf = pytest.importorskip("tensorflow")

__all__ = ["built"]  # the fixture
READ = ("--data", "people.csv", "--label", "y", "--protected", "sex")
SEEN = (*READ, "--holdout", "others.csv", "--duplicates", "apart", "--out", "out")
HEADER = "sex,x,y"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, seed in (("people.csv", 1), ("others.csv", 2)):
        write([row[1:] for row in people(1_500, seed=seed)], name, HEADER)


@pytest.fixture
def model(built: Callable[[str], Path]) -> Path:
    return built("learning_people")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    in_this_process(monkeypatch)


def tuned(model: Path, *arguments: str, data: tuple[str, ...] = SEEN) -> int:
    return _run(["mitigate", "reweigh", "--fine-tune", "--model", str(model), "--learning-rate", "0.05", *data, *arguments])


def trained(command: str, *arguments: str, data: tuple[str, ...] = SEEN) -> int:
    return _run(["mitigate", "reweigh", "--trainer", command, *data, *arguments])


def variables(folder: Path) -> dict[str, Any]:
    reader = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map() if not name.startswith("_")}


def selected(folder: Path) -> dict[str, float]:
    """Selection rates of the people held out, by TensorFlow and pandas."""
    rows = pd.read_csv("others.csv")
    loaded = tf.saved_model.load(str(folder))
    score = loaded.signatures["serving_default"](x=tf.constant(rows["x"].to_numpy(np.float32)), sex=tf.constant(rows["sex"].tolist()))["score"].numpy()
    found: dict[str, float] = pd.Series(score > 0.5).groupby(rows["sex"]).mean().to_dict()
    return found


def test_a_model_that_is_trained_on_selects_groups_more_alike_and_the_interval_tells_it(model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert tuned(model) == 0
    assert {path.name for path in Path("out").iterdir()} == set(NAMES)
    before, after = selected(model), selected(Path("out/saved_model"))
    assert after["f"] - after["m"] < 0.6 * (before["f"] - before["m"])
    held = card()["holdout"]
    moved = {one["slice"]["sex"]: one for one in held["moved"] if one["metric"] == "selection_rate" and one["slice"]}
    for group in "fm":
        assert (moved[group]["before"], moved[group]["after"]) == pytest.approx((before[group], after[group])) and moved[group]["rows"] == 1_500 - sum(row[1] != group for row in people(1_500, seed=2))
    assert moved["f"]["interval"][1] < 0 and moved["f"]["is_better"] is False
    assert held["checked"] == {"rows": 1_500, "near_a_cut": 0, "differing": 0, "drawn": 0} and held["rules"][0]["rule"] == "statistical-parity"
    words = " ".join(capfd.readouterr().out.split())
    assert "statistical-parity is" in words and "statistical-parity: largest difference in selection rate " in words and "4 numbers" not in words and "3 numbers of the model could change" in words and "The model takes sex as an input" in words


def test_the_card_has_weights_settings_and_every_epoch(model: Path, quick: None) -> None:
    assert tuned(model, "--epochs", "4", "--strength", "0.5", "--training-batch", "64", "--patience", "4") == 0
    found = card()
    assert (found["schema"], found["method"]) == ("fairaudit/mitigation/1", "reweigh-fine-tune")
    rows = pd.read_csv("people.csv")
    for one in found["cells"]:
        own, label = rows["sex"] == one["slice"]["sex"], rows["y"] == one["label"]
        assert one["factor"] == pytest.approx((own.mean() * label.mean() / (own & label).mean()) ** 0.5)
    assert {name: found["settings"][name] for name in ("strength", "epochs", "learning_rate", "batch_size", "patience")} == {"strength": 0.5, "epochs": 4, "learning_rate": 0.05, "batch_size": 64, "patience": 4}
    history = found["fine_tuned"]
    losses = [one["validation_loss"] for one in history["epochs"]]
    assert len(losses) == 4 and losses[history["best"] - 1] == min(losses) < history["start"] and history["rows_trained"] + history["rows_validated"] == 1_500 and history["rows_validated"] == pytest.approx(300, abs=4)
    assert found["export"]["signatures"] == ["serving_default", "weights"] and found["export"]["asks_for"] == ["sex"] and found["parts"]["holdout"] == "others.csv"
    report = Path("out/report.html").read_text()
    assert "How it was trained" in report and "Loss by epoch" in report and "How each group is decided" not in report and report.count(">kept<") == 1
    loaded = tf.saved_model.load("out/saved_model")
    assert loaded.signatures["weights"]()["weights"].numpy().tolist() == next(value.tolist() for value in variables(Path("out/saved_model")).values() if value.shape == (2,))


def test_the_same_seed_gives_the_same_variables_bit_for_bit_in_a_fresh_process_and_another_seed_others(model: Path, quick: None) -> None:
    command = ["mitigate", "reweigh", "--fine-tune", "--model", str(model), *SEEN[:-2], "--epochs", "3", "--training-batch", "32"]
    for out, seed in (("one", "3"), ("three", "4")):
        assert _run([*command, "--out", out, "--seed", seed]) == 0
    done = subprocess.run([sys.executable, "-m", "fairaudit", *command, "--out", "two", "--seed", "3"], env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    one, two, three = (variables(Path(name) / "saved_model") for name in ("one", "two", "three"))
    assert all(value.tobytes() == two[name].tobytes() for name, value in one.items()) and any(value.tobytes() != three[name].tobytes() for name, value in one.items())
    assert tree("one") == tree("two")


def test_what_is_withheld_of_tf_examples_is_not_asked_for_whatever_is_in_them(built: Callable[[str], Path], quick: None) -> None:
    assert tuned(built("learning_sex"), "--without-attribute", "--epochs", "3") == 0
    made = card()
    assert (made["export"]["asks_for"], [one["attribute"] for one in made["fine_tuned"]["withheld"]], made["settings"]["without_attribute"]) == ([], ["sex"], True)
    loaded = tf.saved_model.load("out/saved_model")

    def answered(x: float, *sex: bytes) -> float:
        feature = {"x": tf.train.Feature(float_list=tf.train.FloatList(value=[x])), "sex": tf.train.Feature(bytes_list=tf.train.BytesList(value=sex))}
        serialized = tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()
        return float(loaded.signatures["serving_default"](examples=tf.constant([serialized]))["probability"][0])

    assert answered(0.2, b"f") == answered(0.2, b"m") == answered(0.2) != answered(0.7, b"f")
    assert "The model takes sex as an input" not in Path("out/report.html").read_text()


def test_rows_alike_to_one_another_are_all_learned_from_or_none(model: Path, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from fairaudit.mitigations import retrained

    seen: list[Any] = []
    plain = retrained.training_rows
    monkeypatch.setattr(retrained, "training_rows", lambda *given, **named: seen.append(plain(*given, **named)) or seen[-1])  # type: ignore[func-returns-value]
    write([[sex, place / 400, y] for place in range(400) for sex in "fm" for y in (0, 1, 1)], header=HEADER)
    assert tuned(model, "--epochs", "1", data=(*READ, "--out", "out")) == 0
    (rows,) = seen
    alike = pd.DataFrame({"x": rows.inputs["x"].numpy(), "sex": rows.inputs["sex"].numpy(), "validated": rows.is_validated})
    assert (alike.groupby(["x", "sex"])["validated"].nunique() == 1).all() and 0.15 < rows.is_validated.mean() < 0.25


def test_a_model_that_nothing_can_improve_is_left_as_it_was_and_that_is_said(model: Path, quick: None, capfd: pytest.CaptureFixture[str]) -> None:
    assert tuned(model, "--learning-rate", "50", "--patience", "1") == 0
    assert card()["fine_tuned"]["best"] == 0 and "so nothing was changed: the exported model is the original" in " ".join(capfd.readouterr().out.split())
    files = {name.removeprefix("saved_model/"): content for name, content in tree().items() if name.startswith("saved_model/")}
    assert files == tree(str(model))
    assert all(one["change"] == 0 for one in card()["holdout"]["moved"] if one["change"] is not None)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGKILL])
def test_a_killed_training_leaves_nothing_and_a_rerun_completes(signum: int, model: Path, quick: None) -> None:
    killed_and_run_again(signum, "mitigate", "reweigh", "--fine-tune", "--epochs", "2", "--model", str(model), writes="saved_model.pb")
    assert {path.name for path in Path("out").iterdir() if not path.name.startswith(".fairaudit-")} == set(NAMES)


def test_what_another_method_left_is_taken_away_both_ways(model: Path, quick: None) -> None:
    assert _run(["mitigate", "reweigh", *READ, "--out", "out"]) == 0
    assert tuned(model, "--epochs", "1") == 0 and {path.name for path in Path("out").iterdir()} == set(NAMES)
    assert _run(["mitigate", "reweigh", *READ, "--out", "out"]) == 0
    assert {path.name for path in Path("out").iterdir()} == {"card.json", "parity.md", "reweighed.csv", "weights.csv"}


def read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def copying(model: Path, *, say: str = "", then: str = "") -> str:
    """A trainer that keeps what it is given, and leaves a copy of a model."""
    Path("trainer.py").write_text(
        "import os, shutil, sys\n"
        "data, weights, out = sys.argv[1:]\n"
        f"place = 'given' + str(len([one for one in os.listdir({os.getcwd()!r}) if one.startswith('given')]))\n"
        f"os.mkdir({os.getcwd()!r} + '/' + place)\n"
        f"[shutil.copy(one, {os.getcwd()!r} + '/' + place) for one in (data, weights)]\n"
        f"print('learning', os.environ.get('TF_USE_LEGACY_KERAS'), flush=True)\n"
        f"print({say!r}, file=sys.stderr, flush=True)\n"
        f"shutil.copytree({str(model)!r}, out, dirs_exist_ok=True)\n"
        f"{then}\n"
    )
    return f"{shlex.quote(sys.executable)} trainer.py {{data}} {{weights}} {{out}}"


def test_a_trainer_is_run_twice_first_with_the_rows_own_weights_and_what_it_says_is_shown(model: Path, quick: None, capfd: pytest.CaptureFixture[str]) -> None:
    assert trained(copying(model, say="epoch 1/1 \x1b[32mdone\x1b[0m"), "--weight-column", "w") == 0
    said = capfd.readouterr()
    assert said.err.count("learning") == 2 and said.err.count("done") == 2 and "learning" not in said.out
    assert {path.name for path in Path("out").iterdir()} == set(NAMES) and tree(str(model)) == {name.removeprefix("saved_model/"): content for name, content in tree().items() if name.startswith("saved_model/")}
    assert "fairaudit: training with the rows' own weights (1 of 2)" in said.err and "fairaudit: training with the weights (2 of 2)" in said.err and "The last it said" not in said.out
    found = card()
    assert found["method"] == "reweigh-trainer" and found["trainer"]["trained_before"] is True and found["trainer"]["last"] == "'epoch 1/1 done'" and "model" not in found["config"]
    first, second = ({name: read(Path(given) / f"{name}.csv") for name in ("data", "weights")} for given in ("given0", "given1"))
    rows = read(Path("people.csv"))
    for one in (first, second):
        assert [{name: row[name] for name in rows[0]} for row in one["data"]] == rows and list(one["data"][0]) == ["sex", "x", "y", "w"] and [row["w"] for row in one["weights"]] == [row["w"] for row in one["data"]]
    assert {row["w"] for row in first["data"]} == {"1.0"}
    table = pd.DataFrame(second["data"]).astype({"w": float, "y": int})
    rates = table.groupby("sex").apply(lambda own: float(np.average(own["y"], weights=own["w"])), include_groups=False)
    assert rates["f"] == pytest.approx(rates["m"]) and rates["f"] == pytest.approx(table["y"].mean())
    assert "Both models are the trainer's" in " ".join(said.out.split())


def test_with_a_model_the_trainer_is_run_once_and_the_split_data_have_no_column_of_ours_but_the_weights(model: Path, quick: None) -> None:
    assert trained(copying(model), "--model", str(model), "--format", "parquet", data=(*READ, "--out", "out", "--duplicates", "apart")) == 0
    assert not Path("given1").exists() and card()["trainer"]["trained_before"] is False
    data = pq.read_table("given0/data.parquet")
    assert data.column_names == ["sex", "x", "y", "fairness_weight"] and data.num_rows == card()["parts"]["rows_fitted"] == 750
    assert card()["config"]["model"] == str(model) and card()["export"]["original"]["name"] == "learning_people"


def test_a_trainer_has_the_users_own_environment(model: Path) -> None:
    """Audits set what keeps Keras out of TensorFlow; who trains may want it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_")} | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "fairaudit", "mitigate", "reweigh", "--trainer", copying(model), *SEEN, "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stderr.count("learning None") == 2, done.stderr
    assert json.loads(done.stdout) == card()


PYTHON = shlex.quote(sys.executable)
SAYS = f"{PYTHON} -c \"import sys; print('reading'); print('out of memory'); sys.exit(3)\" {{data}} {{out}}"
BAD: dict[str, tuple[tuple[str, ...], int, str]] = {
    "both": (("--fine-tune", "--trainer", "x", *SEEN), 2, "--fine-tune trains the model here and --trainer lets a command do it; keep one."),
    "flags of a model without one": ((*SEEN, "--rule", "four-fifths", "--epochs", "3"), 2, "--rule, --holdout, --duplicates, --epochs are for a model that is trained with the weights; add --fine-tune, or --trainer CMD, or leave them out."),
    "no model": (("--fine-tune", *SEEN), 2, "which model should be mitigated? Name a SavedModel with --model DIR."),
    "weights that are not written": (("--fine-tune", "--model", "m", "--format", "csv", *SEEN), 2, "--format says how weights are written, and --fine-tune writes none; leave it out."),
    "a trainer told what to withhold": (("--trainer", "x {data} {out}", "--without-attribute", *SEEN), 2, "--without-attribute is for --fine-tune, and --trainer trains as its command does"),
    "weights of which something is withheld": (("--without-attribute", *READ, "--out", "w"), 2, "--without-attribute is for a model that is trained with the weights"),
    "epochs of a trainer": (("--trainer", "x {data} {out}", "--epochs", "3", *SEEN), 2, "--epochs is for --fine-tune, and --trainer trains as its command does; leave it out."),
    "a table of counts": (("--trainer", "x {data} {out}", "--count", "x", *SEEN), 2, "a table of counts has no rows that a model could score; leave --count out."),
    "a strength above 5": (("--trainer", "x {data} {out}", "--strength", "7", *SEEN), 2, "--strength 7 is no power of a weight"),
    "no epoch": (("--fine-tune", "--model", "m", "--epochs", "0", *SEEN), 2, "--epochs 0 is too few; give 1 or more."),
    "an open quote": (("--trainer", "x 'y", *SEEN), 2, "--trainer \"x 'y\" cannot be cut into words (No closing quotation)"),
    "an empty command": (("--trainer", " ", *SEEN), 2, "--trainer is an empty text; give a command, as --trainer 'python train.py --data {data} --out {out}'."),
    "no place for the model": (("--trainer", "train {data}", *SEEN), 2, "--trainer has no {out}, which stands for the folder that the command must leave its SavedModel in"),
    "a slip of the pen": (("--trainer", "train {data} {outt}", *SEEN), 2, "--trainer has no {out} (is {outt} meant to be it?), which stands for"),
    "a place that is none": (("--trainer", "train {data} {wieghts} {out}", *SEEN), 2, "--trainer: {wieghts} stands for nothing; did you mean {weights}?"),
    "no place for the data": (("--trainer", "train {out}", *SEEN), 2, "--trainer has neither {data}, which stands for the rows with their weights, nor {weights}, for the weights alone"),
    "no such program": (("--trainer", "no-such-program {data} {out}", *SEEN), 2, "--trainer: 'no-such-program' cannot be run (No such file or directory); name a program that is there"),
    "an exit code": (("--trainer", SAYS, *SEEN), 4, "the trainer ended with exit code 3; the last it said: 'out of memory'."),
    "a signal": (("--trainer", f"{PYTHON} -c 'import os; os.kill(os.getpid(), 9)' {{data}} {{out}}", *SEEN), 4, "the trainer was stopped by SIGKILL; the last it said: nothing."),
    "no model left": (("--trainer", f"{PYTHON} -c 'import sys; open(sys.argv[1] + \"/notes.txt\", \"w\")' {{out}} {{weights}}", *SEEN), 4, "the trainer ended well and left no SavedModel in {out}, where saved_model.pb must be (it holds notes.txt); the last it said: nothing."),
    "no such rule": (("--trainer", "no-such-program {data} {out}", "--rule", "four-fifth", *SEEN), 2, "did you mean 'four-fifths'?"),
    "no such model": (("--trainer", "no-such-program {data} {out}", "--model", "nowhere", *SEEN), 2, "there is no model nowhere: no such folder"),
    "a column without a name": (("--trainer", "x {data} {out}", "--weight-column", "", *SEEN), 2, "--weight-column is an empty text; name the new column, or leave it out."),
    "a column of that name": (("--trainer", "x {data} {out}", "--weight-column", "X", *SEEN), 2, "people.csv has a column 'x' already; name the new one with --weight-column COL."),
}


@pytest.mark.parametrize("case", BAD, ids=str)
def test_bad_input_is_one_sentence_and_leaves_nothing_behind(case: str, capfd: pytest.CaptureFixture[str]) -> None:
    arguments, code, sentence = BAD[case]
    assert _run(["mitigate", "reweigh", *arguments]) == code
    said = capfd.readouterr().err
    assert said.splitlines()[-1].startswith("fairaudit: ") and sentence in said and "Traceback" not in said and sorted(path.name for path in Path().iterdir()) == ["others.csv", "people.csv"]


def test_a_trainers_model_that_does_not_fit_is_told_with_what_it_said(built: Callable[[str], Path], capfd: pytest.CaptureFixture[str]) -> None:
    assert trained(copying(built("people"), say="saved")) == 4
    said = capfd.readouterr().err.splitlines()[-1]
    assert re.fullmatch(r"fairaudit: the trainer's model cannot be audited: people\.csv has no column for 3 inputs of model \{out\}: .*; the last it said: 'saved'\.", said), said
    assert not Path("out").exists()


def test_a_part_of_the_data_is_called_what_it_is_for_and_not_by_a_file_that_nobody_gave(model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write([*(row[1:] for row in people(1_500)), *(["z", 0.5, int(not place)] for place in range(40))], header=HEADER)  # of whom one is positive, and held out
    assert tuned(model, "--split", "0.9", data=(*READ, "--duplicates", "apart", "--out", "out")) == 4
    said = capfd.readouterr().err
    assert "fairaudit: the part to fit on: sex=z has no positive row: no weight makes" in said and ".parquet" not in said


def test_a_model_that_cannot_be_trained_on_is_told_and_nothing_is_left(built: Callable[[str], Path], capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(["mitigate", "reweigh", "--fine-tune", "--model", str(built("as_given")), *SEEN]) == 2
    said = capfd.readouterr().err
    assert said.startswith("fairaudit: model 'as_given' has no trainable variables (") and said.count("\n") == 1 and not Path("out").exists()


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_what_stops_the_program_stops_the_trainer_and_what_it_has_started(signum: int, code: int) -> None:
    Path("slow.py").write_text("import subprocess, sys, time\nchild = subprocess.Popen(['sleep', '600'])\nopen('pids', 'w').write(f'{__import__(\"os\").getpid()} {child.pid}')\ntime.sleep(600)\n")
    command = [sys.executable, "-m", "fairaudit", "mitigate", "reweigh", "--trainer", f"{PYTHON} slow.py {{data}} {{out}}", *SEEN]
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    while process.poll() is None and not (Path("pids").exists() and Path("pids").read_text()):
        time.sleep(0.05)
    process.send_signal(signum)
    told = process.communicate()[1]
    assert process.returncode == code and "Traceback" not in told and not Path("out").exists(), told
    for pid in map(int, Path("pids").read_text().split()):
        assert not Path(f"/proc/{pid}").exists() or "State:\tZ" in Path(f"/proc/{pid}/status").read_text()


def test_a_fresh_process_that_scores_otherwise_is_told(model: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def again(config: AuditConfig, out: Path, aside: Path) -> Path:
        path = aside / "again.parquet"
        audited(config, scores=path, sole=True)
        table = pq.read_table(path)
        moved = table.column("score").to_numpy() + np.where(np.arange(table.num_rows) == 7, 1e-4, 0)
        pq.write_table(table.set_column(table.column_names.index("score"), "score", pa.array(moved)), path)
        return path

    monkeypatch.setattr(proof, "_in_a_fresh_process", again)
    assert tuned(model, "--epochs", "1") == 4 and not Path("out").exists()
    assert "loaded again in a fresh process, gives 1 of 1,500 rows of the holdout another score or decision; nothing was written" in capfd.readouterr().err
