"""How long models take for a batch, in turn, in one process with plain TensorFlow and no fairaudit.

python -m benchmarks.latency CSV RUNS NAME=FOLDER ...
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from statistics import median
from typing import Any

import pandas as pd

BATCHES = (1, 64, 4_096)
_SETTLE = 20  # calls that are not counted


def main(arguments: Sequence[str]) -> None:
    import tensorflow as tf  # type: ignore[import-untyped]

    rows, runs = pd.read_csv(arguments[0]), int(arguments[1])
    named = dict(one.split("=", 1) for one in arguments[2:])
    loaded = {name: tf.saved_model.load(folder) for name, folder in named.items()}
    calls = {name: model.signatures["serving_default"] for name, model in loaded.items()}
    print(f"### A batch's time, the original's and an exported model's, {runs} calls in turn\n")
    print(f"| rows a batch | {' | '.join(f'{name}, median ms' for name in calls)} | {' | '.join(f'{name} ÷ {next(iter(calls))}' for name in list(calls)[1:])} |")
    print(f"|{' --- |' * 2 * len(calls)}")
    for size in BATCHES:
        given = {name: _inputs(call, rows[:size]) for name, call in calls.items()}
        times: dict[str, list[float]] = {name: [] for name in calls}
        for turn in range(min(runs, _SETTLE) + (runs if size < BATCHES[-1] else max(1, runs // 5))):
            for name, call in calls.items():
                began = time.perf_counter()
                answer = call(**given[name])
                for tensor in answer.values():
                    tensor.numpy()
                if turn >= min(runs, _SETTLE):
                    times[name].append(time.perf_counter() - began)
        typical = [median(one) for one in times.values()]
        print(f"| {size:,} | {' | '.join(f'{1000 * one:.2f}' for one in typical)} | {' | '.join(f'{one / typical[0]:.2f}' for one in typical[1:])} |")


def _inputs(call: Any, rows: pd.DataFrame) -> dict[str, Any]:
    import tensorflow as tf

    specs = call.structured_input_signature[1]
    return {name: tf.constant(rows[name].to_numpy().reshape([-1, *spec.shape[1:]]), dtype=spec.dtype) for name, spec in specs.items()}


if __name__ == "__main__":
    main(sys.argv[1:])
