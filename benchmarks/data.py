"""Made-up rows of any number, written in pieces.

python -m benchmarks.data PATH ROWS [ages]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

_PIECE = 1_000_000


def write_rows(path: Path, *, rows: int, ages: bool = False) -> Path:
    """Rows of sex, race, label and score, and of an age band where asked; the label is positive as often as the score says."""
    rng = np.random.default_rng(0)
    schema = pa.schema([("sex", pa.string()), ("race", pa.string()), *([("age", pa.string())] if ages else []), ("label", pa.int8()), ("score", pa.float64())])
    with pq.ParquetWriter(path, schema) as writer:
        for begin in range(0, rows, _PIECE):
            n = min(_PIECE, rows - begin)
            score = rng.random(n)
            columns = {"sex": rng.choice(["Female", "Male"], n), "race": rng.choice(["Asian", "Black", "Hispanic", "White", "Other"], n)}
            columns |= {"age": rng.choice(["under 25", "25–44", "45–64", "65 or more"], n)} if ages else {}
            writer.write_table(pa.table(columns | {"label": (rng.random(n) < score).astype(np.int8), "score": score}, schema=schema))
    return path


if __name__ == "__main__":
    write_rows(Path(sys.argv[1]), rows=int(sys.argv[2]), ages="ages" in sys.argv[3:])
