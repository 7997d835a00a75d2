"""A small Keras model of who earns above 50 K, trained on UCI Adult and exported as a SavedModel that takes the raw columns.

    python examples/adult/train.py [FOLDER [EPOCHS]]          reads FOLDER/adult_*.csv, writes FOLDER/model; default: demo, 8

It is made to be audited, not to be used: it learns from sex, race and marital status whatever the census of 1994 has to teach.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from prepare import COLUMNS, LABEL, NUMBERS, POSITIVE

os.environ |= {"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0", "CUDA_VISIBLE_DEVICES": ""}

SEED, EPOCHS, BATCH = 20_240_229, 8, 256
# fnlwgt says how many people a row stands for: a weight, not a feature.
FEATURES = tuple(name for name in COLUMNS if name not in ("fnlwgt", LABEL))
OUTPUT = "income_above_50k"

Columns = dict[str, Any]  # name → array of shape (rows,), int64 or object (str)


@contextmanager
def native_stderr_kept() -> Iterator[None]:
    """TensorFlow's own lines go to a file; they are shown only if what they accompany fails."""
    shown = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(shown, 2)
            kept.seek(0)
            sys.stderr.buffer.write(kept.read())
            raise
        finally:
            os.dup2(shown, 2)
            os.close(shown)


def read(path: Path) -> tuple[Columns, Any]:
    """The features, and 1.0 where the income is above 50 K."""
    types = {name: "BIGINT" if name in NUMBERS else "VARCHAR" for name in COLUMNS}
    with duckdb.connect() as db:
        rows = db.execute(f"SELECT * FROM read_csv(?, auto_detect=false, header=true, columns={types})", [str(path)]).fetchnumpy()
    features = {name: np.asarray(rows[name], dtype=np.int64 if name in NUMBERS else object) for name in FEATURES}
    return features, (np.asarray(rows[LABEL], dtype=object) == POSITIVE).astype(np.float32)


def encoder(train: Columns) -> Any:
    """Raw columns → one vector a row: words one-hot, numbers normalised, amounts of money as logarithms."""
    inputs = {name: tf_keras.Input(shape=(1,), dtype="int64" if name in NUMBERS else "string", name=name) for name in FEATURES}
    encoded = [number(name, column, train[name]) if name in NUMBERS else word(column, train[name]) for name, column in inputs.items()]
    return tf_keras.Model(inputs, tf_keras.layers.Concatenate()(encoded), name="encoder")


def number(name: str, column: Any, seen: Any) -> Any:
    is_money = name.startswith("capital")
    values = np.log1p(seen) if is_money else seen
    scaled = tf.math.log1p(tf.cast(column, "float32")) if is_money else tf.cast(column, "float32")
    return tf_keras.layers.Normalization(axis=None, mean=float(values.mean()), variance=float(values.var()))(scaled)


def word(column: Any, seen: Any) -> Any:
    return tf_keras.layers.StringLookup(vocabulary=sorted(set(seen)), output_mode="one_hot")(column)


def trained(train: Columns, labels: Any, epochs: int) -> Any:
    """A model from raw columns to the probability of an income above 50 K."""
    tf_keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    encode = encoder(train)
    # Encoded once, ahead of the epochs: the lookups cost more than the training.
    vectors = encode.predict(train, batch_size=4096, verbose=0)
    head = tf_keras.Sequential(
        [
            tf_keras.layers.Dense(32, activation="relu"),
            tf_keras.layers.Dropout(0.2),
            tf_keras.layers.Dense(1, activation="sigmoid", name=OUTPUT),
        ]
    )
    head.compile(optimizer=tf_keras.optimizers.Adam(2e-3), loss="binary_crossentropy")
    head.fit(vectors, labels, batch_size=BATCH, epochs=epochs, verbose=0)
    return tf_keras.Model(encode.inputs, {OUTPUT: head(encode.output)})


def export(model: Any, target: Path) -> None:
    """Writes the SavedModel aside and moves it, so that `target` is whole or absent."""
    columns = {spec.name: tf.TensorSpec([None], spec.dtype, name=spec.name) for spec in model.inputs}
    # An archive of the one endpoint loads in 0.2 s; tf.saved_model.save(model) adds what training needs and loads in 0.7 s.
    archive = tf_keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serving_default", lambda rows: model({name: rows[name][:, None] for name in rows}), input_signature=[columns])
    aside = Path(tempfile.mkdtemp(prefix=".model.", dir=target.parent))
    try:
        archive.write_out(str(aside / "model"))
        (aside / "model").rename(target)
    finally:
        shutil.rmtree(aside)


def main(folder: Path, epochs: int) -> None:
    with native_stderr_kept():
        model = trained(*read(folder / "adult_train.csv"), epochs)
        rows, labels = read(folder / "adult_test.csv")
        scores = model.predict(rows, batch_size=4096, verbose=0)[OUTPUT][:, 0]
        export(model, folder / "model")
    print(f"{folder / 'model'}: right for {np.mean((scores > 0.5) == labels):.1%} of {len(labels):,} test rows")


if __name__ == "__main__":
    FOLDER = Path(sys.argv[1] if len(sys.argv) > 1 else "demo")
    if not (FOLDER / "model").exists():
        with native_stderr_kept():
            import tensorflow as tf  # type: ignore[import-untyped]
            import tf_keras  # type: ignore[import-untyped]

            tf_keras.utils.disable_interactive_logging()
        main(FOLDER, int(sys.argv[2]) if len(sys.argv) > 2 else EPOCHS)
