"""`fairaudit check --mitigate` says before a row is scored what `fairaudit mitigate` would do, and refuses in its words."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fairaudit.cli import _run
from fairaudit.method_names import MethodName
from tests.cli.mitigated import card, in_this_process, mitigated, people, write
from tests.cli.test_schemas import METHODS
from tests.models.conftest import built

pytest.importorskip("tensorflow")

__all__ = ["built"]  # the fixture
Said = pytest.CaptureFixture[str]
FEW = list(people(40, seed=2, values=("few",), first=5_000))
DATA = ("--data", "people.csv", "--label", "y", "--protected", "sex", "--out", "out")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    in_this_process(monkeypatch)
    write([*people(1_000), *FEW, *people(60, seed=3, values=("",), first=6_000)])


@pytest.fixture
def model(built: Callable[[str], Path]) -> Path:
    """Its score is x."""
    return built("as_given")


def checked(capfd: Said, *flags: str) -> dict[str, Any]:
    capfd.readouterr()
    assert _run(["check", *flags, "--json"]) == 0
    found: dict[str, Any] = json.loads(capfd.readouterr().out)
    return found


@pytest.mark.parametrize("method", METHODS)
def test_a_mitigation_is_told_before_it_is_made(method: MethodName, model: Path, capfd: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    if method == "calibrated-equalized-odds":  # to whose costs the few cannot be raised
        write([*people(1_040), *people(60, seed=3, values=("",), first=6_000)])
    flags = (*DATA, "--model", str(model), *(("--rule", "equal-opportunity") if method == "thresholds" else ()))
    with monkeypatch.context() as context:
        context.setattr("fairaudit.models.savedmodel.loaded", lambda place, name: pytest.fail("a check loads no model"))
        found = checked(capfd, *flags, "--mitigate", method)
    told = found.pop("mitigation")
    assert found == checked(capfd, *flags) and not Path("out").exists()
    assert mitigated(model, *(("--rule", "equal-opportunity") if method == "thresholds" else ()), *(("--bound", "0.3") if method == "reject-option" else ()), method=method) == 0
    made = card()
    assert (told["method"], told["rules"], told["added"]) == (method, made["rules"], made["export"]["added"]) and told["added"] == ["sex"]
    assert (told["fitted"], told["held_out"]) == (made["parts"]["rows_fitted"], made["parts"]["rows_held_out"]) == (550, 550) and told["without_group"] == 60
    assert {f"sex={one['group']['sex']}" for one in told["groups"]} == set(made["fit"]["rows"])
    for one in told["groups"]:
        assert abs(one["positives"] + one["negatives"] - 2 * made["fit"]["rows"][f"sex={one['group']['sex']}"]) <= 2
    assert told["cautions"] == [note for note in made["notes"] if note.startswith("Thresholds of groups with fewer than 30")]
    assert ["sex=few" in one for one in told["cautions"]] == ([] if method == "calibrated-equalized-odds" else [True])


def test_it_is_told_in_words(model: Path, capfd: Said) -> None:
    Path("fairaudit.yaml").write_text(f"data: [people.csv]\nlabel: y\nprotected: [sex]\nmodel: {model}\nout: out\nrules: [four-fifths]\n")
    assert _run(["check", "fairaudit.yaml", "--mitigate", "thresholds"]) == 0
    flat = " ".join(capfd.readouterr().out.split())
    assert "Mitigate by thresholds fit on about 550 rows, and judge on about 550 others, where half are held out judge by four-fifths groups 3: sex=f (" in flat
    assert "no group 60 rows lack a value, and are decided as the model does take sex besides what the model takes mind Thresholds of groups with fewer than 30" in flat
    assert _run(["check", "fairaudit.yaml"]) == 0 and "Mitigate" not in capfd.readouterr().out


REFUSED: dict[str, tuple[str, ...]] = {
    "no rule": (),
    "a rule of scores": ("--rule", "ranking-parity"),
    "no such rule": ("--rule", "four-fith"),
    "a reference that is no group": ("--rule", "named.yaml"),
    "a table of counts": ("--rule", "four-fifths", "--config", "counts.yaml"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_a_mitigation_is_refused_for_a_check_says_in_the_same_words(why: str, model: Path, capfd: Said) -> None:
    Path("named.yaml").write_text("schema: fairaudit/rule/1\nextends: four-fifths\nid: named\ntitle: Named\nlimit_origin: ours\nreference: {sex: q}\n")
    Path("counts.yaml").write_text("count: x\n")
    flags = (*DATA, "--model", str(model), *REFUSED[why])
    code = _run(["mitigate", "thresholds", *flags])
    sentences = set(capfd.readouterr().err.splitlines())
    assert code in (2, 4) and sentences and _run(["check", *flags, "--mitigate", "thresholds"]) in (2, 4)
    assert sentences <= set(capfd.readouterr().err.splitlines())


def test_groups_and_labels_that_cannot_be_fitted_are_told_with_the_codes_of_the_command(model: Path, capfd: Said) -> None:
    for rows, method, sentence in (
        (list(people(600, values=("f",))), "thresholds", "groups are to be treated alike, and the rows to fit on have only sex=f; give rows of two groups or more."),
        ([person if person[1] == "f" else [*person[:3], 0] for person in people(600)], "equalized-odds", "none of the rows to fit on has a positive label in sex=m"),
        ([person if person[1] == "f" else [*person[:3], 1] for person in people(600)], "calibrated-equalized-odds", "none of the rows to fit on has a negative label in sex=m"),
    ):
        write(rows)
        flags = (*DATA, "--model", str(model), *(("--rule", "four-fifths") if method == "thresholds" else ()))
        assert _run(["mitigate", method, *flags]) == 4 and sentence in capfd.readouterr().err
        assert _run(["check", *flags]) == 0 and capfd.readouterr().err == ""
        assert _run(["check", *flags, "--mitigate", method]) == 4 and sentence in capfd.readouterr().err


def test_a_model_that_decides_by_itself_or_none_at_all_is_told(built: Callable[[str], Path], capfd: Said) -> None:
    rule = ("--rule", "four-fifths")
    for flags, sentence in (
        (("--model", str(built("deciding")), "--decision-output", "decision"), "the model decides by itself, and a mitigation decides by its scores; leave --decision-output out."),
        (("--score-column", "x"), "which model should be mitigated? Name a SavedModel with --model DIR."),
    ):
        assert _run(["check", *DATA, *rule, *flags, "--mitigate", "thresholds"]) == 2 and sentence in capfd.readouterr().err


def test_everything_that_is_wrong_is_told_at_once_and_in_its_place(model: Path, capfd: Said) -> None:
    Path("fairaudit.yaml").write_text(f"data: [people.csv]\nlabel: z\nprotected: [sex]\nmodel: {model}\nout: out\nrules:\n  - four-fifths\n  - ranking-parity\n")
    assert _run(["check", "fairaudit.yaml", "--mitigate", "thresholds"]) == 2
    said = capfd.readouterr().err
    assert "has no column 'z'" in said and "rule 'ranking-parity' judges roc_auc, and thresholds can be fitted to" in said and len(set(said.splitlines())) == len(said.splitlines()) == 2


def test_a_check_without_a_mitigation_imports_none_of_it() -> None:
    import subprocess

    code = "import sys; from fairaudit.cli import _run; _run(['check', '--data', 'people.csv', '--label', 'y', '--score-column', 'x', '--protected', 'sex', '--engine', 'native', '--out', 'o', '--json']); print(sorted(m for m in sys.modules if m.startswith('fairaudit.mitigations')), file=sys.stderr)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr.strip() == "[]"
