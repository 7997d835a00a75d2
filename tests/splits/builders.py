"""Small data for splits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from fairaudit.data.files import files_of
from fairaudit.data.source import Source


def source_of(*paths: Path | str) -> Source:
    return Source(files=files_of(list(map(str, paths))))


def people(rows: int, *, seed: int = 0, **columns: Any) -> pa.Table:
    """People of two sexes and four races, a tenth without a race, each with a number of their own."""
    rng = np.random.default_rng(seed)
    race = rng.choice(["a", "b", "c", "d"], rows, p=[0.7, 0.2, 0.08, 0.02])
    return pa.table({
        "person": np.arange(rows), "sex": rng.choice(["f", "m"], rows), "race": pa.array(race, mask=rng.random(rows) < 0.1), "y": (rng.random(rows) < 0.3).astype(int), "x": rng.random(rows), **columns,
    })  # fmt: skip
