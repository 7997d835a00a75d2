"""What a mitigation says of how its model is used can be pasted: it runs, and the audit that it names is one of the model's own decisions."""

from __future__ import annotations

import contextlib
import hashlib
import html
import io
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fairaudit.cli import _run
from tests.cli.mitigated import card, in_this_process, mitigated, people, write
from tests.models.conftest import built

pytest.importorskip("tensorflow")

__all__ = ["built"]  # the fixture


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    in_this_process(monkeypatch)
    write(people())


def pasted(folder: str = "out") -> list[str]:
    """The pieces of code of the report, as a reader copies them."""
    page = (Path(folder) / "report.html").read_text()
    return [html.unescape(re.sub("<[^>]*>", "", one)) for one in re.findall(r"<pre class=\"scroll\".*?</pre>", page, re.DOTALL)]


def said_by(code: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir("out")
    with contextlib.redirect_stdout(io.StringIO()) as told:
        exec(compile(code, "report", "exec"), {})
    monkeypatch.chdir("..")
    return told.getvalue()


def test_the_reports_code_asks_the_model_about_one_row_of_a_group_and_its_command_audits_the_models_own_decisions(built: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    assert mitigated(built("as_given")) == 0
    last = capfd.readouterr().out.strip().splitlines()[-1]
    code, command = pasted()
    assert '    sex=tf.constant(["f"]),\n' in code and max(map(len, code.splitlines())) < 60
    decision, score = said_by(code, monkeypatch).split("\n")[:2]
    found = card()
    (women,) = (one["treatment"] for one in found["export"]["policy"]["groups"] if one["group"] == {"sex": "f"})
    assert decision == f"[{int(float(score.strip('[]')) > women['cuts'][0])}]"
    write(people(seed=2), "others.csv")
    as_pasted = command.replace("--model saved_model", "--model out/saved_model").replace("\\\n", " ")
    assert shlex.split(as_pasted) == shlex.split(last.removeprefix("To audit the model on other rows: "))
    assert _run([*shlex.split(as_pasted)[1:], "--engine", "native", "--quiet"]) in (0, 1)
    audited = json.loads(Path("audited/audit.json").read_text())
    (rate,) = (one["value"] for one in audited["measurements"] if one["metric"] == "selection_rate" and one["slice"] == {"sex": "f"})
    scores = np.float32([row[2] for row in people(seed=2) if row[1] == "f"])
    assert rate == pytest.approx((scores > np.float32(women["cuts"][0])).mean()) and rate != pytest.approx((scores > 0.5).mean())


@pytest.mark.parametrize("model", ["people", "people_examples"])
def test_columns_of_one_and_serialized_examples_can_be_pasted_too(model: str, built: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    rows = [[f"p{place}", "fm"[place % 2], int(rng.integers(20, 60)), float(rng.integers(10, 60)), int(rng.integers(0, 2)), int(rng.integers(0, 2))] for place in range(600)]
    write(rows, header="person,sex,age,hours,is_member,y")
    assert mitigated(built(model), "--rule", "statistical-parity", "--duplicates", "apart", "--without-attribute") == 0
    code = pasted()[0]
    assert ("tf.train.Example" in code) == (model == "people_examples")
    assert re.fullmatch(r"\[[01]\]\n\[0\.\d+\]\n", said_by(code, monkeypatch))


@pytest.mark.parametrize("threshold", ["50", "-1"])
def test_a_threshold_that_no_probability_lies_above_is_refused_of_a_mitigation_and_of_an_audit(threshold: str, built: Callable[[str], Path], capfd: pytest.CaptureFixture[str]) -> None:
    model = built("as_given")
    said = f"--threshold {threshold}: a model's scores are probabilities, and {'none lies' if threshold == '50' else 'all lie'} above that; give a number from 0 to 1, as 0.5."
    assert mitigated(model, "--threshold", threshold) == 2 and said in capfd.readouterr().err and not Path("out").exists()
    assert _run(["audit", "--model", str(model), "--data", "people.csv", "--protected", "sex", "--out", "out", "--threshold", threshold]) == 2 and said in capfd.readouterr().err


def test_a_gate_and_a_comparison_of_a_mitigations_folder_say_which_audits_are_in_it_and_its_notes_name_no_flag_that_it_lacks(built: Callable[[str], Path], capfd: pytest.CaptureFixture[str]) -> None:
    assert mitigated(built("as_given")) == 0
    said = capfd.readouterr().out
    assert "name it with --id, so that copies of a row are seen" in " ".join(said.split()) and "--ignore" not in said
    for command in (["gate", "out"], ["compare", "out/before", "out"], ["report", "out"]):
        assert _run(command) == 2
        assert "out is a mitigation, with an audit of the rows that were held out before it and one after; give out/after, or out/before." in capfd.readouterr().err


def test_the_card_names_the_files_that_were_given_with_what_is_in_them(built: Callable[[str], Path], capfd: pytest.CaptureFixture[str]) -> None:
    write(people(seed=2, first=9_000), "others.csv")
    digest = {name: hashlib.sha256(Path(name).read_bytes()).hexdigest() for name in ("people.csv", "others.csv")}
    known = "Whether the original was trained on these rows is not known here: if it was, its numbers look better than they are"
    for flags, holdout in (((), []), (("--holdout", "others.csv"), [{"name": "others.csv", "sha256": digest["others.csv"], "rows": 1_200}])):
        assert mitigated(built("as_given"), *flags) == 0
        parts = card()["parts"]
        assert parts["given"] == [{"name": "people.csv", "sha256": digest["people.csv"], "rows": 1_200}] and parts["given_holdout"] == holdout
        assert known in " ".join(capfd.readouterr().out.split()) and known in Path("out/report.html").read_text()
