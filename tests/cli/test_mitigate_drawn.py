"""`fairaudit mitigate thresholds --drawn` and `--without-attribute`: what a user sees, and what the exported model asks and answers."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from fairaudit.cli import _run
from fairaudit.mitigations import postprocessed
from fairaudit.mitigations.exported import export
from fairaudit.mitigations.policy import Policy, Treatment, threshold_at
from tests.cli.mitigated import SEEN, card, in_this_process, mitigated, people, write
from tests.models.conftest import built

tf = pytest.importorskip("tensorflow")

__all__ = ["built"]  # the fixture
TIGHT = "schema: fairaudit/rule/1\nextends: equalized-odds\nid: tight\ntitle: Within a hundredth\nlimit_origin: ours\nlimit: 0.01\nserious: 0.2\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(people(4_000))
    Path("tight.yaml").write_text(TIGHT)


@pytest.fixture
def model(built: Callable[[str], Path]) -> Path:
    """Its score is x."""
    return built("as_given")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    in_this_process(monkeypatch)


def answered(**inputs: Any) -> dict[str, Any]:
    found = tf.saved_model.load("out/saved_model").signatures["serving_default"](**{name: tf.constant(values) for name, values in inputs.items()})
    return {name: tensor.numpy() for name, tensor in found.items()}


def chance(treatment: dict[str, Any], scores: Any) -> Any:
    return np.array([treatment["chances"][sum(score > cut for cut in treatment["cuts"])] for score in scores])


def test_decisions_drawn_between_thresholds_hold_a_tight_rule_at_less_cost(model: Path, quick: None, capfd: pytest.CaptureFixture[str]) -> None:
    assert mitigated(model, "--rule", "tight.yaml") == 0
    without = card()["fit"]
    assert mitigated(model, "--rule", "tight.yaml", "--drawn") == 0
    said, seen = " ".join(capfd.readouterr().out.split()), card()
    assert seen["fit"]["after"] > without["after"] + 0.003 and seen["settings"] == {"objective": "accuracy", "drawn": True}
    by_metric: dict[str, list[float]] = {}
    for one in seen["fit"]["reached"]:
        by_metric.setdefault(one["metric"], []).append(one["value"])
    assert set(by_metric) == {"true_positive_rate", "false_positive_rate"} and all(max(one) - min(one) <= 0.01 + 1e-9 for one in by_metric.values())
    drawn = seen["holdout"]["checked"]["drawn"]
    assert drawn > 0 and f"{drawn:,} decisions are drawn, each by a hash of the row, so the same applicant always gets the same answer." in said
    assert "People are decided differently for their group alone." in said and "a threshold for each group, some decisions drawn between thresholds" in Path("out/report.html").read_text()

    given = {"x": np.linspace(0, 1, 20_000, dtype=np.float32), "sex": np.array(["f", "m"] * 10_000)}
    found = answered(**given)
    for one in seen["export"]["policy"]["groups"]:
        own = given["sex"] == one["group"]["sex"]
        expected = chance(one["treatment"], given["x"][own].astype(float))
        assert (np.diff(one["treatment"]["chances"]) >= 0).all() and len(one["treatment"]["cuts"]) <= 3
        assert abs(found["decision"][own].sum() - expected.sum()) <= 4 * np.sqrt((expected * (1 - expected)).sum()) + 1e-9
    alone = [answered(x=given["x"][[at]], sex=given["sex"][[at]])["decision"][0] for at in range(9_000, 9_040)]
    assert alone == found["decision"][9_000:9_040].tolist()


@pytest.mark.parametrize("flags", [(), ("--drawn",)])
def test_a_model_without_the_attribute_asks_for_no_group_and_decides_everybody_alike(flags: tuple[str, ...], model: Path, quick: None, capfd: pytest.CaptureFixture[str]) -> None:
    assert mitigated(model, "--without-attribute", *flags) == 0
    said, seen = " ".join(capfd.readouterr().out.split()), card()
    policy = seen["export"]["policy"]
    assert policy["attributes"] == policy["groups"] == seen["export"]["added"] == [] and [one["name"] for one in seen["export"]["inputs"]] == ["x"]
    assert seen["settings"]["without_attribute"] is True and seen["settings"].get("drawn", False) is bool(flags)
    rates = [one["value"] for one in seen["fit"]["reached"] if one["metric"] == "true_positive_rate"]
    assert len(rates) == 2 and max(rates) - min(rates) <= 0.1 + 1e-9
    assert {one["slice"]["sex"] for one in seen["holdout"]["moved"] if "sex" in one["slice"]} == {"f", "m"}
    assert "How everybody is decided" in said and "everyone 2,000" in said and "differently for their group" not in said
    page = Path("out/report.html").read_text()
    assert "the same threshold for everybody" in page and "The model is not told a row&#39;s group." in page and "How everybody is decided" in page and "True positive rate, before and after" in page

    scores = np.linspace(0, 1, 20_000, dtype=np.float32)
    expected = chance(policy["fallback"], scores.astype(float))
    decided = answered(x=scores)["decision"]
    assert (decided[expected == 1] == 1).all() and (decided[expected == 0] == 0).all()
    assert abs(decided.sum() - expected.sum()) <= 4 * np.sqrt((expected * (1 - expected)).sum()) + 1e-9
    with pytest.raises(TypeError):
        answered(x=scores, sex=["f"] * scores.size)


def test_the_common_threshold_is_the_best_of_all_that_hold_the_rule(model: Path, quick: None) -> None:
    """Read from the rows with nothing but counting."""
    write(people(400, seed=3), "others.csv")
    assert mitigated(model, "--without-attribute", "--holdout", "others.csv") == 0
    with open("people.csv") as file:
        rows = [(one["sex"], np.float32(one["x"]).item(), int(one["y"])) for one in csv.DictReader(file)]
    scores, label, is_f = np.array([one[1] for one in rows]), np.array([one[2] for one in rows]), np.array([one[0] == "f" for one in rows])
    best = 0.0
    for cut in np.unique(scores):
        selected = scores > cut
        if abs(selected[is_f & (label == 1)].mean() - selected[~is_f & (label == 1)].mean()) <= 0.1:
            best = max(best, float((selected == label).mean()))
    fit = card()["fit"]
    (cut,) = card()["export"]["policy"]["fallback"]["cuts"]
    assert fit["after"] == pytest.approx(best, abs=1e-12) == pytest.approx(((scores > cut) == label).mean(), abs=1e-12) and fit["gap"] == 0


def test_a_row_of_no_group_is_decided_as_everybody_is(model: Path, quick: None) -> None:
    write(people(900, seed=2, values=("f", "m", "unseen", ""), first=5_000), "others.csv")
    assert mitigated(model, "--without-attribute", "--holdout", "others.csv") == 0
    rates = {one["slice"].get("sex", "everyone"): one for one in card()["holdout"]["moved"] if one["metric"] == "selection_rate"}
    assert rates["unseen"]["change"] != 0 and rates["f"]["change"] != 0


def test_a_model_that_takes_the_attribute_itself_still_does_and_that_is_said(built: Callable[[str], Path], quick: None, capfd: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(5)
    rows = [[int(rng.integers(0, 97)), int(rng.integers(0, 64)), sex, int(rng.integers(0, 2)), int(rng.random() < 0.5)] for sex in ["Female", "Male"] * 400]
    write([[*row[:4], int(row[4] or row[0] > 60)] for row in rows], header="age,hours,sex,is_member,y")
    assert mitigated(built("people"), "--without-attribute", "--rule", "statistical-parity", "--duplicates", "apart") == 0
    assert "sex" in {one["name"] for one in card()["export"]["inputs"]}
    assert "The original model takes sex itself, so the exported one does too" in " ".join(capfd.readouterr().out.split())


def test_where_the_model_meets_the_rule_nothing_is_changed_and_that_is_said(model: Path, quick: None, capfd: pytest.CaptureFixture[str]) -> None:
    write(people(4_000, bias=0.0))
    for flags in ((), ("--drawn",), ("--without-attribute",), ("--drawn", "--without-attribute"), ("--drawn", "--without-attribute", "--infer-group")):
        assert mitigated(model, *flags) == 0
        made, said = card(), " ".join(capfd.readouterr().out.split())
        policy = made["export"]["policy"]
        assert (policy["attributes"], policy["groups"], policy["fallback"]["cuts"], policy["fallback"]["chances"], made["inference"]) == ([], [], [0.5], [0.0, 1.0], None)
        assert [one["name"] for one in made["export"]["inputs"]] == ["x"] and not any(one["change"] for one in made["holdout"]["moved"])
        assert "The exported model decides as the original does. It asks for no group that the original does not take." in said
        assert "People are decided differently" not in said and "is inferred" not in said and "drawn between" not in said


@pytest.mark.parametrize(("made", "says"), [(threshold_at(0.35), "rows of the holdout otherwise than was solved"), (Treatment(chances=(0.5,)), "otherwise than was solved")])
def test_an_export_that_treats_everybody_otherwise_is_refused(made: Treatment, says: str, model: Path, quick: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def other(matched: Any, policy: Policy, *others: Any, **named: Any) -> Any:
        return export(matched, msgspec.structs.replace(policy, fallback=made), *others, **named)

    monkeypatch.setattr(postprocessed, "export", other)
    assert mitigated(model, "--without-attribute") == 4 and not Path("out").exists()
    assert says in capfd.readouterr().err


def test_an_export_that_draws_everybody_by_other_chances_is_refused(model: Path, quick: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def other(matched: Any, policy: Policy, *others: Any, **named: Any) -> Any:
        told = policy.fallback
        return export(matched, msgspec.structs.replace(policy, fallback=Treatment(cuts=told.cuts, chances=tuple(one if one in (0.0, 1.0) else one**8 for one in told.chances))), *others, **named)

    monkeypatch.setattr(postprocessed, "export", other)
    assert mitigated(model, "--without-attribute", "--drawn", "--rule", "tight.yaml") == 4 and not Path("out").exists()
    said = capfd.readouterr().err
    assert "rows that are drawn, the exported model decides" in said and said.count("\n") == 1


FLOOR = "schema: fairaudit/rule/1\nextends: worst-group\nid: floor\ntitle: A floor\nlimit_origin: ours\ncomparison: value\nreference: none\nlimit: 0.99\nserious: 0.95\n"
BAD: dict[str, tuple[tuple[str, ...], int, str]] = {
    "a rate that is not linear": (("--drawn", "--rule", "predictive-parity"), 2, "rule 'predictive-parity' judges positive_predictive_value, and --drawn of mitigate thresholds can hold shares of all"),
    "no chances": (("--drawn", "--rule", "floor.yaml"), 1, "no chances that rise with the score meet floor"),
    "no threshold": (("--without-attribute", "--rule", "floor.yaml"), 1, "no single threshold for everybody meets floor"),
    "no common chances": (("--without-attribute", "--drawn", "--rule", "floor.yaml"), 1, "no chances that rise with the score meet floor"),
}


@pytest.mark.parametrize("wrong", BAD)
def test_what_cannot_be_is_told_in_a_sentence_and_nothing_is_written(wrong: str, model: Path, quick: None, capfd: pytest.CaptureFixture[str]) -> None:
    Path("floor.yaml").write_text(FLOOR)
    flags, code, sentence = BAD[wrong]
    assert _run(["mitigate", "thresholds", "--model", str(model), *SEEN, *flags]) == code
    said = capfd.readouterr()
    assert sentence in said.err and said.err.count("\n") == 1 and said.out == "" and not Path("out").exists(), said.err
