"""The data that mitigations are compared on, each with a model that a third of the rows, or a file of its own, has trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.linear import Encoding, encoding_of, train
from fairaudit.config import AuditConfig
from fairaudit.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Rows of two groups with the model's scores."""

    member: Any  # shape (rows,): 1.0 of the better-off group, else 0.0
    label: Any  # 1.0 where positive, which is good for the person
    score: Any
    columns: Any = None  # the rows themselves, for what trains a model of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    title: str
    attribute: str
    better_off: str
    config: AuditConfig
    seen: pd.DataFrame  # the rows that trained the model
    encoding: Encoding  # for a logistic regression of the model's columns

    @property
    def is_told(self) -> bool:
        """Whether the model takes the attribute."""
        return self.attribute in self.encoding.words

    def member(self, rows: pd.DataFrame) -> Any:
        return (rows[self.attribute] == self.better_off).to_numpy().astype(float)

    def label(self, rows: pd.DataFrame) -> Any:
        return (rows[str(self.config.label)].astype(str).str.strip() == self.config.positive).to_numpy().astype(float)


def adult(folder: Path) -> Data:
    """The demo's model; the positive label is an income above 50 K."""
    for path in ("demo/adult_train.csv", "demo/adult_test.csv", "demo/model"):
        if not Path(path).exists():
            raise SystemExit(f"{path} is not there; run make demo, which makes it.")
    seen = pd.read_csv("demo/adult_train.csv")
    scales = {"age": 10.0, "education_num": 1.0, "capital_gain": 1.0, "capital_loss": 1.0, "hours_per_week": 10.0}
    texts = ("workclass", "marital_status", "occupation", "relationship", "race", "sex", "native_country")
    return Data(
        title="UCI Adult, the demo's model, by sex", attribute="sex", better_off="Male",
        config=AuditConfig(model="demo/model", data=("demo/adult_test.csv",), label="income", positive=">50K", protected=("sex",)),
        seen=seen, encoding=encoding_of(seen, scales=scales, texts=texts, logs=frozenset({"capital_gain", "capital_loss"})),
    )  # fmt: skip


def compas(folder: Path) -> Data:
    """The positive label is not to be charged again within two years; the model sees age, sex and COMPAS's own decile."""
    from examples.compas.prepare import write_csv

    write_csv(folder / "all.csv")
    rows = pd.read_csv(folder / "all.csv")
    rows = rows[rows["race"].isin(["African-American", "Caucasian"])]
    seen = _apart(rows, folder / "compas.csv")
    encoding = Encoding(scales={"age": 10.0, "decile_score": 1.0}, words={"sex": ("Male",)})
    train(encoding, seen, seen["two_year_recid"] == 0, folder / "model")
    return Data(
        title="COMPAS, a logistic regression, by race", attribute="race", better_off="Caucasian", seen=seen, encoding=encoding,
        config=AuditConfig(model=str(folder / "model"), data=(str(folder / "compas.csv"),), label="two_year_recid", positive="0", protected=("race",)),
    )  # fmt: skip


def german(folder: Path, *, attribute: str, better_off: str) -> Data:
    """The positive label is good credit; the model sees all twenty columns, but for the age where age groups are protected: they are cut from it."""
    from examples.german.prepare import write_csv

    write_csv(folder / "all.csv")
    rows = pd.read_csv(folder / "all.csv")
    seen = _apart(rows, folder / "german.csv")
    scales = {"duration": 12.0, "credit_amount": 2_000.0, "installment_rate": 1.0, "residence_since": 1.0, "age": 10.0, "existing_credits": 1.0, "liable_people": 1.0}
    if attribute == "age_group":
        del scales["age"]
    texts = ("status", "credit_history", "purpose", "savings", "employment", "other_debtors", "property", "installment_plans", "housing", "job", "telephone", "foreign_worker", "sex")
    encoding = encoding_of(seen, scales=scales, texts=texts)
    train(encoding, seen, seen["credit"] == "good", folder / "model")
    return Data(
        title=f"German credit, a logistic regression, by {attribute.replace('_', ' ')}", attribute=attribute, better_off=better_off, seen=seen, encoding=encoding,
        config=AuditConfig(model=str(folder / "model"), data=(str(folder / "german.csv"),), label="credit", positive="good", protected=(attribute,)),
    )  # fmt: skip


DATA: dict[str, Callable[[Path], Data]] = {
    "adult": adult,
    "compas": compas,
    "german-sex": partial(german, attribute="sex", better_off="male"),
    "german-age": partial(german, attribute="age_group", better_off="over 25"),
}


def _apart(rows: pd.DataFrame, path: Path) -> pd.DataFrame:
    """A third of the rows, for training; the others are written."""
    trains = np.random.default_rng(0).random(len(rows)) < 1 / 3
    rows[~trains].to_csv(path, index=False)
    return rows[trains]


def read(path: str | Path, data: Data) -> People:
    """A part's rows, scored by the model."""
    rows = pd.read_parquet(path)
    return People(member=data.member(rows), label=data.label(rows), score=scored(str(data.config.model), rows), columns=rows)


def scored(model: str | Path, rows: pd.DataFrame) -> Floats:
    """What a SavedModel answers, by plain TensorFlow."""
    import tensorflow as tf  # type: ignore[import-untyped]

    call = tf.saved_model.load(str(model)).signatures["serving_default"]
    given = {}
    for name, spec in call.structured_input_signature[1].items():
        values = rows[name].to_numpy()
        given[name] = tf.constant((values if spec.dtype == tf.string else values.astype(spec.dtype.as_numpy_dtype)).reshape([-1, *spec.shape[1:]]), dtype=spec.dtype)
    (scores,) = call(**given).values()
    found: Floats = scores.numpy().reshape(-1).astype(np.float64)
    return found
