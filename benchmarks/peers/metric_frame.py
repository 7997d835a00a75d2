"""Fairlearn's MetricFrame for the rates of two attributes and their cross."""

import sys

import pandas as pd
from fairlearn.metrics import (
    MetricFrame,
    count,
    false_negative_rate,
    false_positive_rate,
    selection_rate,
    true_negative_rate,
    true_positive_rate,
)
from sklearn.metrics import accuracy_score

METRICS = {
    "selection_rate": selection_rate, "true_positive_rate": true_positive_rate, "false_positive_rate": false_positive_rate,
    "true_negative_rate": true_negative_rate, "false_negative_rate": false_negative_rate, "accuracy": accuracy_score, "rows": count,
}  # fmt: skip

if __name__ == "__main__":
    rows = pd.read_parquet(sys.argv[1])
    decided = (rows["score"] > 0.5).astype(int)
    for attributes in (["sex"], ["race"], ["sex", "race"]):
        print(MetricFrame(metrics=METRICS, y_true=rows["label"], y_pred=decided, sensitive_features=rows[attributes]).by_group)
