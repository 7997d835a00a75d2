"""Made-up rows of any number, written in pieces.

python -m benchmarks.data PATH ROWS [ages|groups]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

_PIECE = 1_000_000
_ATTRIBUTES, _VALUES = 4, 1249  # 4,997 slices with everyone; an audit takes 5,000


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


def write_groups(path: Path, *, rows: int) -> Path:
    """Rows of label, score, and attributes group0 to group3 of so many values that two rules make ten thousand findings."""
    rng = np.random.default_rng(0)
    score = rng.random(rows)
    columns = {f"group{place}": pa.array([f"value {value}" for value in rng.integers(0, _VALUES, rows)]) for place in range(_ATTRIBUTES)}
    pq.write_table(pa.table(columns | {"label": (rng.random(rows) < score).astype(np.int8), "score": score}), path)
    return path


if __name__ == "__main__":
    if "groups" in sys.argv[3:]:
        write_groups(Path(sys.argv[1]), rows=int(sys.argv[2]))
    else:
        write_rows(Path(sys.argv[1]), rows=int(sys.argv[2]), ages="ages" in sys.argv[3:])
