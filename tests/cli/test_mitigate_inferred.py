"""`fairaudit mitigate thresholds --without-attribute --drawn --infer-group`: what a user sees, and what the exported model asks and answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fairaudit.cli import _run
from fairaudit.mitigations import inferring, postprocessed
from tests.cli.mitigated import SEEN, card, in_this_process, mitigated, write
from tests.models.conftest import built

tf = pytest.importorskip("tensorflow")
from tests.models.builders import save  # noqa: E402

__all__ = ["built"]  # the fixture
FLAGS = ("--without-attribute", "--drawn", "--infer-group", "--rule", "within.yaml", "--duplicates", "apart")
WITHIN = "schema: fairaudit/rule/1\nextends: statistical-parity\nid: within\ntitle: Within a twentieth\nlimit_origin: ours\nlimit: 0.05\nserious: 0.3\n"


def applicants(rows: int = 6_000, seed: int = 1) -> list[list[Any]]:
    """Each with sex, x, height, job and y: sex shows in height and job, and has a part in x and y."""
    rng = np.random.default_rng(seed)
    is_m = rng.random(rows) < 0.6
    x = np.clip(rng.normal(0.45 + 0.15 * is_m, 0.2), 0, 1).round(4)
    height = np.where(is_m, rng.normal(178, 7, rows), rng.normal(165, 7, rows)).round(1)
    job = np.where(rng.random(rows) < 0.25, "", np.where(rng.random(rows) < np.where(is_m, 0.7, 0.4), "smith", "nurse"))
    y = (rng.random(rows) < x).astype(int)
    return [["fm"[int(one)], *more] for one, *more in zip(is_m, x.tolist(), height.tolist(), job.tolist(), y.tolist(), strict=True)]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(applicants(), header="sex,x,height,job,y")
    Path("within.yaml").write_text(WITHIN)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Its score is x, whatever else it is given."""
    specs = {"x": tf.TensorSpec([None], tf.float32), "height": tf.TensorSpec([None, 1], tf.float32), "job": tf.TensorSpec([None], tf.string)}
    save(tmp_path / "model", serving_default=(lambda x, height, job: {"score": x + 0.0 * height[:, 0] + 0.0 * tf.cast(tf.strings.length(job), tf.float32)}, specs))
    return tmp_path / "model"


def answered(rows: list[list[Any]]) -> Any:
    loaded = tf.saved_model.load("out/saved_model")
    x, height, job = ([row[place] for row in rows] for place in (1, 2, 3))
    return loaded.signatures["serving_default"](x=tf.constant(x, tf.float32), height=tf.constant([[one] for one in height], tf.float32), job=tf.constant(job))["decision"].numpy()


def test_the_rule_holds_for_the_groups_as_they_are_although_the_model_only_guesses_them(model: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    in_this_process(monkeypatch)
    assert mitigated(model, "--without-attribute", "--drawn", "--rule", "within.yaml", "--duplicates", "apart") == 0
    common = card()["fit"]["after"]
    assert mitigated(model, *FLAGS) == 0
    said, seen = " ".join(capfd.readouterr().out.split()), card()
    assert [one["name"] for one in seen["export"]["inputs"]] == ["height", "job", "x"] and seen["export"]["added"] == []
    rates = [one["value"] for one in seen["fit"]["reached"]]
    assert len(rates) == 2 and max(rates) - min(rates) <= 0.05 + 1e-9 and seen["fit"]["after"] > common + 0.005
    assert seen["settings"] == {"objective": "accuracy", "drawn": True, "without_attribute": True, "infer_group": True} and seen["export"]["policy"]["is_inferred"] is True
    assert sorted(seen["inference"]["features"]) == ["height", "job", "x"] and sum(seen["inference"]["fitted"].values()) == 3_000
    mistaken = {one["group"]["sex"]: one["mistaken"] / one["rows"] for one in seen["inference"]["mistaken"]}
    assert all(0.05 < one < 0.35 for one in mistaken.values())
    for sentence in ("Everybody's sex is inferred", "article 9 of the GDPR", "that were held out are taken for another group.", "taken for sex=f"):
        assert sentence in said and sentence.replace("'", "&#39;") in Path("out/report.html").read_text(), sentence
    assert "differently for their group alone" not in said and said.count("article 9 of the GDPR") == 1 and "article 9 of the GDPR" in seen["notes"][0]

    fresh = applicants(8_000, seed=9)
    selected = answered(fresh)
    apart = [selected[[row[0] == sex for row in fresh]].mean() for sex in "fm"]
    assert abs(apart[0] - apart[1]) < 0.05 + 3 * 0.015  # of other people, by their sex as it is, within three standard errors
    assert abs(np.mean([row[1] > 0.5 for row in fresh if row[0] == "f"]) - np.mean([row[1] > 0.5 for row in fresh if row[0] == "m"])) > 0.2
    some = fresh[:40]
    assert [int(answered([one])[0]) for one in some] == selected[:40].tolist() and (answered(some[::-1])[::-1] == selected[:40]).all()


def test_it_is_the_same_from_a_holdout_of_its_own_and_with_bands_pools_and_weights(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_this_process(monkeypatch)
    rng = np.random.default_rng(3)
    for name, seed in (("people.csv", 1), ("others.csv", 7)):
        rows = [[*one, int(rng.integers(18, 80)), "abcde"[int(rng.choice(5, p=[0.6, 0.3, 0.08, 0.01, 0.01]))], round(float(rng.uniform(0.5, 2)), 2)] for one in applicants(4_000, seed=seed)]
        write([*rows, ["f", 0.5, 160.0, "smith", 1, 40, "a", 0.0]], name, header="sex,x,height,job,y,age,race,w")
    flags = ("--protected", "age", "--protected", "race", "--bins", "age=40", "--other-below", "300", "--weight", "w", "--holdout", "others.csv")
    assert mitigated(model, *FLAGS, *flags) == 0
    seen = card()
    assert len(seen["export"]["policy"]["groups"]) == 2 * 2 * 4 == len(seen["inference"]["mistaken"]) and seen["export"]["added"] == []
    rates: dict[str, list[float]] = {}
    for one in seen["fit"]["reached"]:
        rates.setdefault(one["metric"], []).append(one["value"])
    assert seen["holdout"]["checked"]["rows"] == 4_000 and len(rates["selection_rate"]) == 16


def test_an_export_that_takes_rows_for_other_groups_is_refused(model: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    in_this_process(monkeypatch)
    plain = inferring.of_holdout

    def other(*given: Any) -> Any:
        found = plain(*given)
        found.place[: found.place.size // 2] = 1 - found.place[: found.place.size // 2]
        return found

    monkeypatch.setattr(postprocessed, "of_holdout", other)
    assert mitigated(model, *FLAGS) == 4 and not Path("out").exists()
    assert "of the holdout otherwise than was solved" in capfd.readouterr().err


BAD: dict[str, tuple[tuple[str, ...], int, str]] = {
    "nothing drawn": (("--without-attribute", "--infer-group"), 2, "--infer-group is for a model that asks for no group, and holds rules by what is drawn; add --without-attribute and --drawn, or leave it out."),
    "with the attribute": (("--drawn", "--infer-group"), 2, "--infer-group is for a model that asks for no group"),
    "one group": (("--without-attribute", "--drawn", "--infer-group"), 4, "the rows to fit on have 1 group, and a group can be inferred among 2 to 20"),
}


@pytest.mark.parametrize("wrong", BAD)
def test_what_cannot_be_is_told_in_a_sentence_and_nothing_is_written(wrong: str, model: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    in_this_process(monkeypatch)
    flags, code, sentence = BAD[wrong]
    if wrong == "one group":
        write([["m", *one[1:]] for one in applicants(500)], header="sex,x,height,job,y")
    assert _run(["mitigate", "thresholds", "--model", str(model), *SEEN, "--rule", "within.yaml", "--duplicates", "apart", *flags]) == code
    said = capfd.readouterr()
    assert sentence in said.err and said.err.count("\n") == 1 and said.out == "" and not Path("out").exists(), said.err


def test_a_model_that_is_told_the_group_needs_no_inference(built: Callable[[str], Path], capfd: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(5)
    write([[int(rng.integers(0, 97)), int(rng.integers(0, 64)), sex, int(rng.integers(0, 2)), int(rng.random() < 0.5)] for sex in ["Female", "Male"] * 200], header="age,hours,sex,is_member,y")
    assert mitigated(built("people"), *FLAGS) == 2
    said = capfd.readouterr().err
    assert "takes sex itself, and --infer-group is for models that are not told it; leave --without-attribute and --infer-group out." in said and said.count("\n") == 1
