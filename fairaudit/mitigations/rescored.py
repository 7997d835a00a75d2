"""What a model with other scores makes of counted rows, beside the decisions of the model as it is: row by row, since no cell of the one is a cell of the other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from fairaudit.cube.counts import UNLABELLED, Counts
from fairaudit.cube.saved import VALUE_OF
from fairaudit.mitigations.redecided import Redecided
from fairaudit.types import Bools


def rescored(counts: Counts, own: Path, other: Path) -> Redecided:
    """The other model's decisions, and how many of them are others than those of the model as it is.

    Args:
        counts: of the other model's rows and decisions.
        own: the same rows one by one, as they were counted.
        other: the rows with the decisions of the model as it is.

    Raises:
        ValueError: the files are not of the same rows.
    """
    now, former = (pq.read_table(path) for path in (own, other))
    now, former = (one.take(pc.sort_indices(one, sort_keys=[("id", "ascending")])) for one in (now, former))
    if not now.column("id").equals(former.column("id")):
        raise ValueError("the rows of the two models are not the same")
    label = now.column("label").fill_null(UNLABELLED).to_numpy().astype(np.int64) if "label" in now.column_names else np.full(now.num_rows, UNLABELLED)
    weight = now.column("weight").to_numpy() if "weight" in now.column_names else np.ones(now.num_rows)
    decision, was = (one.column("decision").to_numpy().astype(np.int64) for one in (now, former))
    values = {name.removeprefix(VALUE_OF): now.column(name).to_numpy() for name in now.column_names if name.startswith(VALUE_OF)}
    turned = np.zeros((len(counts.slices), UNLABELLED + 1, 2, 2))
    for place, one in enumerate(counts.slices):
        held: Bools = np.ones(now.num_rows, dtype=bool)
        for name, value in one.values:
            held &= np.asarray(values[name] == value, dtype=bool)
        np.add.at(turned[place], (label[held], decision[held], was[held]), weight[held])
    plain = replace(counts, score=None, score_sq=None, score_cells=None, unlabelled_cells=None, has_probabilities=False)
    return Redecided(counts=plain, turned=turned)
