"""The published schemas of what `mitigate`, `split` and `compare` write: they are the program's, and real files fit them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import fairaudit
from fairaudit import differences
from fairaudit.cli import _run
from fairaudit.mitigations import schema as mitigation
from fairaudit.mitigations.names import MethodName
from fairaudit.splits import result as split
from fairaudit.splits.result import to_json
from tests.cli.mitigated import in_this_process, mitigated, people, write
from tests.models.conftest import built
from tests.reports.mitigations import mitigation as made_up
from tests.reports.mitigations import retrained as trained

__all__ = ["built"]  # the fixture
METHODS: tuple[MethodName, ...] = ("thresholds", "equalized-odds", "calibrated-equalized-odds", "reject-option")


def published(name: str) -> Any:
    return json.loads((Path(fairaudit.__file__).parent / f"{name}.schema.json").read_text())


def fits(file: str, name: str) -> Any:
    told = json.loads(Path(file).read_text())
    jsonschema.validate(told, published(name))
    return told


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("name", "made"), [("mitigation", mitigation.json_schema), ("split", split.json_schema), ("comparison", differences.json_schema)])
def test_the_published_schema_is_the_programs(name: str, made: Callable[[], Any]) -> None:
    """To publish a change: python -m fairaudit.mitigations.schema > fairaudit/mitigation.schema.json; fairaudit.splits.result > split; fairaudit.differences > comparison"""
    assert json.loads(json.dumps(made())) == published(name)
    jsonschema.Draft202012Validator.check_schema(published(name))


@pytest.mark.parametrize("method", METHODS)
def test_whatever_a_mitigation_writes_fits_its_schema(method: MethodName, built: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """With a group that is rarely told and one that is not told at all, whose rates are undefined or have no interval."""
    pytest.importorskip("tensorflow")
    in_this_process(monkeypatch)
    write([*people(2_000), *people(30, seed=2, values=("",), first=5_000)])
    assert mitigated(built("as_given"), method=method) == 0
    card = fits("out/card.json", "mitigation")
    assert card["method"] == method and any(one["slice"] == {"sex": None} for one in fits("out/comparison.json", "comparison")["levels"])
    for folder in ("before", "after"):
        fits(f"out/{folder}/audit.json", "audit")


@pytest.mark.parametrize("flags", [("--fine-tune", "--model", "MODEL", "--epochs", "2"), ("--trainer", "cp -r")], ids=["fine-tune", "trainer"])
def test_whatever_a_training_writes_fits_its_schema(flags: tuple[str, ...], built: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A trainer that copies a model, and its data beside it."""
    pytest.importorskip("tensorflow")
    in_this_process(monkeypatch)
    write([*people(2_000), *people(30, seed=2, values=("",), first=5_000)])
    model = built("learning_people")
    asked = ["cp -r " + " ".join(f"{path}" for path in sorted(model.iterdir())) + " {data} {out}" if "cp -r" in one else one.replace("MODEL", str(model)) for one in flags]
    assert _run(["mitigate", "reweigh", *asked, "--data", "people.csv", "--label", "y", "--protected", "sex", "--out", "out"]) == 0
    card = fits("out/card.json", "mitigation")
    assert card["method"] == f"reweigh-{flags[0].removeprefix('--')}" and any(one["metric"] == "roc_auc" and one["interval"] for one in card["holdout"]["moved"]) == (flags[0] == "--fine-tune")
    fits("out/comparison.json", "comparison")


def messy() -> None:
    """People of whom some have no label or no group, some groups are rare, and some stand there twice."""
    rows = [[place % 40, place, "fmmmx"[place % 5] if place % 7 else "", 20 + place * 3 % 50, place % 3 == 0 if place % 11 else "", 1 + place % 3] for place in range(400)]
    write([*rows, rows[3]], header="house,x,sex,age,y,w")


DATA = ("--data", "people.csv", "--label", "y", "--protected", "sex", "--protected", "age", "--bins", "age=quantiles:2", "--out", "out")


@pytest.mark.parametrize("flags", [(), ("--other-below", "120", "--cluster", "house", "--duplicates", "apart", "--ignore", "x", "--missing", "sex=x")], ids=["plain", "all flags"])
def test_a_split_fits_its_schema(flags: tuple[str, ...]) -> None:
    messy()
    assert _run(["split", *DATA, "--parts", "train=0.6,fit=0.4", *flags]) == 0
    assert {one["label"] for one in fits("out/split.json", "split")["strata"]} == {0, 1, None}


@pytest.mark.parametrize("flags", [(), ("--other-below", "120", "--weight", "w", "--id", "x")], ids=["plain", "all flags"])
def test_a_card_of_reweighed_rows_fits_its_schema(flags: tuple[str, ...]) -> None:
    messy()
    Path("people.csv").write_text("\n".join(Path("people.csv").read_text().splitlines()[:-1]))  # no id is there twice
    assert _run(["mitigate", "reweigh", *DATA, *flags]) == 0
    assert fits("out/card.json", "mitigation")["method"] == "reweigh"


def test_a_comparison_of_two_audits_fits_its_schema(capfd: pytest.CaptureFixture[str]) -> None:
    write(people(400))
    audit = ("audit", "--data", "people.csv", "--label", "y", "--score-column", "x", "--protected", "sex", "--engine", "native", "--id", "person", "--save-scores", "--quiet")
    assert _run([*audit, "--out", "old"]) == 0 and _run([*audit, "--threshold", "0.6", "--rule", "four-fifths", "--out", "new"]) == 0
    capfd.readouterr()
    assert _run(["compare", "old", "new", "--json"]) == 0
    jsonschema.validate(json.loads(capfd.readouterr().out), published("comparison"))


@pytest.mark.parametrize("lost", ["cells", "export", "holdout", "method", "fine_tuned"])
def test_a_card_of_a_training_without_a_part_fits_no_schema(lost: str) -> None:
    card = json.loads(to_json(trained()))
    jsonschema.validate(card, published("mitigation"))
    for wrong in ({name: value for name, value in card.items() if name != lost}, card | {"method": "reweigh"}, card | {"method": "thresholds"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, published("mitigation"))


@pytest.mark.parametrize("lost", ["fit", "export", "holdout", "method", "version"])
def test_a_card_without_a_part_fits_no_schema(lost: str) -> None:
    card = json.loads(to_json(made_up()))
    jsonschema.validate(card, published("mitigation"))
    for wrong in ({name: value for name, value in card.items() if name != lost}, card | {"method": "reweigh"}, card | {"method": "magic"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, published("mitigation"))
