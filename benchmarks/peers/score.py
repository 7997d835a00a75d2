"""The least that can be done with the demo: import TensorFlow, load the model, read the data, score it once."""

import numpy as np
import pandas as pd
import tensorflow as tf

LABEL = "income"


def scored() -> tuple[pd.DataFrame, np.ndarray]:
    answer = tf.saved_model.load("demo/model").signatures["serving_default"]
    rows = pd.read_csv("demo/adult_test.csv")
    inputs = answer.structured_input_signature[1]
    (scores,) = answer(**{name: tf.constant(rows[name].to_numpy(), dtype=spec.dtype) for name, spec in inputs.items()}).values()
    return rows, scores.numpy().reshape(-1)


if __name__ == "__main__":
    print(scored()[1].mean())
