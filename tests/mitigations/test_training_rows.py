"""Rows as a model learns from them: fed as an audit feeds it, each with its factor, and a share of every stratum kept out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fairaudit.config import AuditConfig
from fairaudit.data.files import files_of
from fairaudit.data.source import Source
from fairaudit.errors import ContentError
from fairaudit.mitigations.reweighing import reweigh
from fairaudit.splits.asked import wanted_of
from tests.models.conftest import built

tf = pytest.importorskip("tensorflow")

from fairaudit.mitigations.training_rows import TrainingRows, training_rows  # noqa: E402
from fairaudit.run import matched_of  # noqa: E402

__all__ = ["built"]  # the fixture
Built = Callable[[str], Path]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def people(rows: int = 1_000) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"place": range(1, rows + 1), "sex": rng.choice(["f", "m"], rows, p=[0.3, 0.7]), "x": rng.integers(0, 10_000, rows) / 10_000, "w": rng.integers(1, 5, rows), "household": rng.integers(0, rows // 3, rows)})
    frame["y"] = (rng.random(rows) < np.where(frame["sex"] == "f", 0.2, 0.5)).astype(int)
    return frame


def read(frame: pd.DataFrame, model: Path, *, file: str = "people.csv", seed: int = 0, ignore: tuple[str, ...] = ("place",), **asked: Any) -> TrainingRows:
    (frame.to_csv if file.endswith(".csv") else frame.to_parquet)(file, index=False)
    config = AuditConfig(**{"data": (file,), "model": str(model), "label": "y", "protected": ("sex",), **asked})
    source = Source(files=files_of(config.data))
    return training_rows(reweigh(source, wanted_of(config)), matched_of(config, source), seed=seed, ignore=ignore)


def test_every_labelled_row_that_counts_is_there_with_its_factor_and_its_own_weight(built: Built) -> None:
    frame = people()
    frame.loc[::10, "w"] = 0
    frame["y"] = frame["y"].astype("Int64").mask(frame["place"] % 7 == 0)
    rows = read(frame, built("learning_people"), weight="w")
    kept = frame[(frame["w"] > 0) & frame["y"].notna()].reset_index(drop=True)
    share = kept.groupby(["sex", "y"])["w"].sum() / kept["w"].sum()
    by_hand = [share.groupby("sex").sum()[one.sex] * share.groupby("y").sum()[one.y] / share[one.sex, one.y] for one in kept.itertuples()]
    assert rows.factor == pytest.approx(by_hand) and rows.weight.tolist() == kept["w"].tolist() and rows.label.tolist() == kept["y"].tolist()
    assert rows.inputs["x"].numpy() == pytest.approx(kept["x"].to_numpy(), rel=1e-6) and rows.inputs["sex"].numpy().astype(str).tolist() == kept["sex"].tolist()
    assert rows.where(3) == f"people.csv, row {kept['place'][3]}"


def test_a_fifth_of_each_label_and_group_is_kept_out(built: Built) -> None:
    frame = people()
    rows = read(frame, built("learning_people"))
    for _, own in frame.groupby(["sex", "y"]):
        assert abs(rows.is_validated[own.index].sum() - 0.2 * len(own)) <= 1
    assert sorted([*rows.trained, *rows.validated]) == list(range(1_000))
    assert (read(frame, built("learning_people")).is_validated == rows.is_validated).all() and (read(frame, built("learning_people"), seed=1).is_validated != rows.is_validated).any()


def test_a_cluster_is_learned_from_or_kept_out_as_a_whole(built: Built) -> None:
    frame = people()
    rows = read(frame, built("learning_people"), cluster="household")
    assert (frame.assign(validated=rows.is_validated).groupby("household")["validated"].nunique() == 1).all() and 0.15 < rows.is_validated.mean() < 0.25


def test_what_a_model_reads_of_tf_examples_is_in_them(built: Built) -> None:
    pytest.importorskip("tfx_bsl")
    frame = people(100).astype({"x": np.float32})
    rows = read(frame, built("learning_examples"), file="people.parquet")
    parsed = tf.io.parse_example(rows.inputs["examples"], {"x": tf.io.FixedLenFeature([], tf.float32)})["x"].numpy()
    assert parsed.tolist() == frame["x"].tolist()


def test_too_few_rows_to_stop_by_are_told(built: Built) -> None:
    frame = pd.DataFrame({"sex": ["f", "f", "m", "m"], "x": [0.1, 0.2, 0.3, 0.4], "y": [0, 1, 0, 1]})
    with pytest.raises(ContentError, match=r"people.csv: nothing is left for the part 'validation'|too few labelled rows to learn from some and to stop by others"):
        read(frame, built("learning_people"), ignore=())
