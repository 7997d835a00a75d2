"""The script that scores, and then TFMA's own pipeline over the rows: the demo's slices, and those of the audit's metrics that TFMA has.

pipeline.py [ROWS]
"""

import sys

import tensorflow_model_analysis as tfma
from google.protobuf import text_format
from score import LABEL, scored
from tensorflow_model_analysis.proto import config_pb2

CONFIG = """
    model_specs { label_key: "label" prediction_key: "score" }
    slicing_specs {} slicing_specs { feature_keys: "sex" } slicing_specs { feature_keys: "race" } slicing_specs { feature_keys: "band" }
    slicing_specs { feature_keys: ["sex", "race"] }
    metrics_specs {
      metrics { class_name: "FairnessIndicators" module: "fairness_indicators.fairness_indicators_metrics" config: '"thresholds": [0.5]' }
      metrics { class_name: "NPV" } metrics { class_name: "BinaryAccuracy" } metrics { class_name: "BalancedAccuracy" } metrics { class_name: "Prevalence" }
      metrics { class_name: "F1Score" } metrics { class_name: "MatthewsCorrelationCoefficient" } metrics { class_name: "Informedness" }
      metrics { class_name: "PositiveLikelihoodRatio" } metrics { class_name: "NegativeLikelihoodRatio" } metrics { class_name: "CoefficientOfDiscrimination" }
      metrics { class_name: "MeanPrediction" } metrics { class_name: "Calibration" } metrics { class_name: "AUC" }
    }
"""

if __name__ == "__main__":
    import pandas as pd

    rows, scores = scored()
    band = pd.cut(rows["age"], [0, 25, 45, 65, 200], right=False).astype(str)
    frame = pd.DataFrame({"label": (rows[LABEL] == ">50K").astype(int), "score": scores.astype(float), "sex": rows["sex"], "race": rows["race"], "band": band})
    result = tfma.analyze_raw_data(frame.head(int(sys.argv[1])) if len(sys.argv) > 1 else frame, text_format.Parse(CONFIG, config_pb2.EvalConfig()))
    print(len(result.slicing_metrics))
