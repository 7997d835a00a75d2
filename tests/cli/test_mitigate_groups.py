"""Which groups `fairaudit mitigate` fits: none of missing values, and no comparison where there is nobody to be compared with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fairaudit.mitigations.names import MethodName
from tests.cli.mitigated import card, in_this_process, mitigated, people, write
from tests.cli.test_schemas import METHODS
from tests.models.conftest import built

pytest.importorskip("tensorflow")

__all__ = ["built"]  # the fixture
HELD = ("--data", "people.csv", "--label", "y", "--holdout", "others.csv", "--out", "out")
SEX, AGE = ("--protected", "sex"), ("--protected", "age", "--bins", "age=quantiles:3")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    in_this_process(monkeypatch)


@pytest.fixture
def model(built: Callable[[str], Path]) -> Path:
    """Its score is x."""
    return built("as_given")


def given(fit: tuple[str, ...], holdout: tuple[str, ...] = ("f", "m", "")) -> None:
    write(people(2_000, values=fit))
    write(people(2_000, seed=5, values=holdout, first=9_000), "others.csv")


@pytest.mark.parametrize("method", METHODS)
def test_rows_without_a_group_are_not_fitted_on_and_are_decided_as_the_model_does_and_that_is_said(method: MethodName, model: Path) -> None:
    given(("f", "m", ""))
    assert mitigated(model, method=method, data=(*HELD, *SEX)) == 0
    seen = card()
    lacking = sum(person[1] == "" for person in people(2_000, values=("f", "m", "")))
    assert {one["group"]["sex"] for one in seen["export"]["policy"]["groups"]} == {"f", "m"} and sum(seen["fit"]["rows"].values()) == 2_000 - lacking
    assert f"{lacking:,} rows to fit on lack a value of sex: they are of no group, and decided as the model itself does, as all such rows will be." in seen["notes"]
    among_others = ("bpsn_auc", "bnsp_auc")  # which set a group's rows against those of all others, whose scores may change
    moved = [one for one in seen["holdout"]["moved"] if one["slice"] == {"sex": None} and one["metric"] not in among_others]
    assert moved and all(one["change"] in (0, None) for one in moved)
    assert any(one["change"] for one in seen["holdout"]["moved"] if one["slice"] in ({"sex": "f"}, {"sex": "m"}))


def test_of_a_cross_a_row_that_lacks_one_of_its_values_has_no_group(model: Path) -> None:
    for name, seed in (("people.csv", 1), ("others.csv", 5)):
        write([[*person, "ab"[place % 2] if place % 4 else ""] for place, person in enumerate(people(2_000, seed=seed, first=9_000 * seed))], name, "person,sex,x,y,race")
    assert mitigated(model, data=(*HELD, *SEX, "--protected", "race")) == 0
    seen = card()
    assert {(one["group"]["sex"], one["group"]["race"]) for one in seen["export"]["policy"]["groups"]} == {(sex, race) for sex in "fm" for race in "ab"}
    assert "500 rows to fit on lack a value of sex or race: they are of no group, and decided as the model itself does, as all such rows will be." in seen["notes"]
    assert {one["change"] for one in seen["holdout"]["moved"] if one["slice"].get("race", "") is None} <= {0, None}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("fit", "said"), [(("f",), "only sex=f"), (("",), "none")], ids=["one group", "no group"])
def test_where_there_is_nobody_to_be_compared_with_it_is_said_and_nothing_written(method: MethodName, fit: tuple[str, ...], said: str, model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A threshold that is moved for one group alone would part it from those who come later."""
    given(fit)
    assert mitigated(model, method=method, data=(*HELD, *SEX)) == 4 and not Path("out").exists()
    assert capfd.readouterr().err == f"fairaudit: groups are to be treated alike, and the rows to fit on have {said}; give rows of two groups or more.\n"


def test_a_floor_compares_with_nobody_and_can_be_asked_of_one_group(model: Path) -> None:
    Path("floor.yaml").write_text(
        "schema: fairaudit/rule/1\nextends: worst-group\nid: floor\ntitle: A floor\nlimit_origin: ours\ncomparison: value\nreference: none\nmetric: accuracy\nlimit: 0.3\nserious: 0.2\n"
    )
    given(("f",))
    assert mitigated(model, "--rule", "floor.yaml", data=(*HELD, *SEX)) == 0
    assert {one["group"]["sex"] for one in card()["export"]["policy"]["groups"]} == {"f"}


def test_a_group_that_alone_has_the_rows_of_a_rate_is_compared_with_nobody(model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    given(("f", "m"))
    write([person if person[1] == "f" else [*person[:3], 0] for person in people(2_000)])
    assert mitigated(model, data=(*HELD, *SEX)) == 4 and not Path("out").exists()
    assert "groups are compared, and sex=f alone has the rows to fit on that the rules' rates are of" in capfd.readouterr().err


@pytest.mark.parametrize("method", METHODS)
def test_quantiles_of_one_number_are_one_band_of_the_rows_held_out_too(method: MethodName, model: Path) -> None:
    """Of the rows to fit on all are thirty years old, so that no quantile parts them; the others are of any age."""
    ages = np.random.default_rng(3).integers(18, 80, 2_000)
    write([[*person, 30] for person in people(2_000)], header="person,sex,x,y,age")
    write([[*person, age] for person, age in zip(people(2_000, seed=5, first=9_000), ages, strict=True)], "others.csv", "person,sex,x,y,age")
    assert mitigated(model, method=method, data=(*HELD, *SEX, *AGE)) == 0
    seen = card()
    fitted = {tuple(one["group"].items()) for one in seen["export"]["policy"]["groups"]}
    assert fitted == {tuple(one["slice"].items()) for one in seen["holdout"]["moved"] if len(one["slice"]) == 2} == {(("sex", "f"), ("age", "all")), (("sex", "m"), ("age", "all"))}
    for name in ("before", "after"):
        manifest = json.loads(Path(f"out/{name}/audit.json").read_text())["manifest"]
        assert (manifest["config"]["bins"], manifest["bands"]) == ({"age": []}, {"age": []})
    assert "not cut, as was asked: all numbers are one band" in Path("out/report.html").read_text()


def test_one_attribute_of_one_band_has_nobody_to_be_compared_with(model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write([[*person, 30] for person in people(600)], header="person,sex,x,y,age")
    write([[*person, 20 + place % 40] for place, person in enumerate(people(600, seed=5, first=9_000))], "others.csv", "person,sex,x,y,age")
    assert mitigated(model, data=(*HELD, *AGE)) == 4
    assert "the rows to fit on have only age=all; give rows of two groups or more." in capfd.readouterr().err
