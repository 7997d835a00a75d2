"""What fitting each mitigation costs beside counting the rows, and beside AIF360's own.

python -m benchmarks.methods PATH RUNS [--tiny]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from fairaudit.cube.counts import Counts
from fairaudit.cube.cube import Grid, Plan, count, counts
from fairaudit.cube.slices import Slicing
from fairaudit.data.files import files_of
from fairaudit.data.rows import Wanted, prepare
from fairaudit.data.source import Source
from fairaudit.metrics.engines.quiet import quietly
from fairaudit.mitigations.calibrated_equalized_odds import calibrated_equalized_odds
from fairaudit.mitigations.cells import Cells, cells_of
from fairaudit.mitigations.constraints import constraints_of
from fairaudit.mitigations.equalized_odds import equalized_odds
from fairaudit.mitigations.objective import objective_of
from fairaudit.mitigations.reject_option import Grid as RejectGrid
from fairaudit.mitigations.reject_option import points, reject_option
from fairaudit.mitigations.thresholds import solve
from fairaudit.rules.library import load_rules

T = TypeVar("T")
THRESHOLD = 0.5
TWO, TEN = ("sex",), ("sex", "race")
THEIR_ROWS = 16_000  # on which AIF360's reject option takes most of a minute
PARITY = "statistical_parity_difference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """AIF360's method of the same name."""

    rows: int | None  # the most that it is given; None: all
    fit: Callable[[Any, Any, bool], Any]  # from the labels and the decisions, each a data set, and whether little is enough


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    name: str
    fit: Callable[[Cells], Any]
    edges: tuple[float, ...] = ()
    peer: Peer | None = None


def _thresholds(cells: Cells) -> Any:
    constraints = constraints_of(load_rules(("equal-opportunity",)), cells.groups, cells.rows.sum(axis=1).tolist(), "helps")
    return solve(cells, constraints, objective_of("accuracy"), threshold=THRESHOLD)


_ROLES = {"unprivileged_groups": [{"sex": 0}], "privileged_groups": [{"sex": 1}]}


def _their_equalized_odds(true: Any, said: Any, tiny: bool) -> Any:
    from aif360.algorithms.postprocessing import EqOddsPostprocessing  # type: ignore[import-untyped]

    return EqOddsPostprocessing(**_ROLES).fit(true, said)


def _their_calibrated(true: Any, said: Any, tiny: bool) -> Any:
    from aif360.algorithms.postprocessing import CalibratedEqOddsPostprocessing

    return CalibratedEqOddsPostprocessing(**_ROLES, cost_constraint="weighted").fit(true, said)


def _their_reject_option(true: Any, said: Any, tiny: bool) -> Any:
    from aif360.algorithms.postprocessing import RejectOptionClassification

    grid = {"num_class_thresh": 4, "num_ROC_margin": 2} if tiny else {}
    return RejectOptionClassification(**_ROLES, metric_name="Statistical parity difference", **grid).fit(true, said)


METHODS = (
    Method(name="thresholds", fit=_thresholds),
    Method(name="equalized-odds", fit=lambda cells: equalized_odds(cells, threshold=THRESHOLD), peer=Peer(rows=None, fit=_their_equalized_odds)),
    Method(name="calibrated-equalized-odds", fit=lambda cells: calibrated_equalized_odds(cells, threshold=THRESHOLD), peer=Peer(rows=None, fit=_their_calibrated)),
    Method(
        name="reject-option", fit=lambda cells: reject_option(cells, PARITY, threshold=THRESHOLD), edges=points(RejectGrid()),
        peer=Peer(rows=THEIR_ROWS, fit=_their_reject_option),
    ),
)  # fmt: skip


def counted(path: Path, slicing: Slicing, edges: Sequence[float] = ()) -> Counts:
    """The rows of a file checked and counted, as an audit does it."""
    source = Source(files=files_of((str(path),)))
    plan = Plan(
        attributes=slicing, slicings=(slicing,), grid=Grid(lowest=0.0, highest=1.0), has_labels=True, has_weights=False, has_probabilities=True,
        edges=tuple(sorted({*edges, THRESHOLD})),
    )  # fmt: skip
    with source.connect() as connection:
        rows = prepare(connection, source, Wanted(attributes=slicing, label="label", score="score"))
        taken = f"SELECT * EXCLUDE (decision), score > {THRESHOLD!r}::DOUBLE AS decision FROM ({rows.relation()}) WHERE excluded IS NULL"
        return counts(count(connection, taken, plan))


def fitted(method: Method, found: Counts, slicing: Slicing) -> Any:
    return method.fit(cells_of(found, slicing, tuple(sorted({*method.edges, THRESHOLD}))))


def data_sets(path: Path, rows: int | None) -> tuple[Any, Any]:
    """The labels and the decisions, as AIF360 takes them."""
    frame = pd.read_parquet(path)[:rows]
    score = frame["score"].to_numpy()
    numbers = pd.DataFrame({"sex": (frame["sex"] == "Male").astype(float), "label": frame["label"].astype(float)})
    with quietly():
        from aif360.datasets import BinaryLabelDataset  # type: ignore[import-untyped]

        true = BinaryLabelDataset(df=numbers, label_names=["label"], protected_attribute_names=["sex"], favorable_label=1.0, unfavorable_label=0.0)
    said = true.copy(deepcopy=True)
    said.scores = score.reshape(-1, 1).copy()
    said.labels = (said.scores > THRESHOLD).astype(float)
    return true, said


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    began = time.perf_counter()
    made = work()
    return made, time.perf_counter() - began


def of_counting(path: Path, runs: int) -> str:
    """Each method's fit, as a multiple of counting the rows as it needs them, in turn."""
    lines = ["| what | median s | least | most | ÷ counting alone |", "| --- | --- | --- | --- | --- |"]
    shares = {}
    for slicing in (TWO, TEN):
        times: dict[str, list[float]] = {}

        def measured(name: str, work: Callable[[], T], times: dict[str, list[float]] = times) -> T:
            made, seconds = _timed(work)
            times.setdefault(name, []).append(seconds)
            return made

        counted(path, slicing)  # what is imported or read for the first time is not counted
        for _ in range(runs):
            plain = measured("counting alone", lambda slicing=slicing: counted(path, slicing))  # type: ignore[misc]
            for method in METHODS:
                own = measured(f"counting with {len(method.edges):,} edges", lambda m=method, s=slicing: counted(path, s, m.edges)) if method.edges else plain  # type: ignore[misc]
                measured(method.name, lambda m=method, o=own, s=slicing: fitted(m, o, s))  # type: ignore[misc]
        base = median(times["counting alone"])
        for name, seconds in times.items():
            lines.append(f"| {name}, by {' and '.join(slicing)} | {median(seconds):.3f} | {min(seconds):.3f} | {max(seconds):.3f} | {median(seconds) / base:.2f} |")
        shares[slicing] = max(median(times[method.name]) / base for method in METHODS)
    told = " and ".join(f"{share:.2f} × by {' and '.join(slicing)}" for slicing, share in shares.items())
    return "\n".join([*lines, "", f"The slowest fit takes {told}; the aim is at most 3 × counting."])


def beside(path: Path, runs: int, tiny: bool) -> str:
    """Counting and fitting from a file, beside AIF360's `fit` of data sets that are made already."""
    lines = ["| method | rows | ours, median s | AIF360's, median s | AIF360's ÷ ours |", "| --- | --- | --- | --- | --- |"]
    for method in METHODS:
        if method.peer is None:
            continue
        frame = pd.read_parquet(path)
        rows = len(frame) if method.peer.rows is None else min(method.peer.rows, len(frame))
        few = path.with_name(f"{rows}.parquet")
        frame[:rows].to_parquet(few)
        true, said = data_sets(few, None)
        ours, theirs = [], []
        with quietly(), np.errstate(all="ignore"):
            method.peer.fit(*data_sets(few, 1_000), True)  # what is imported is not counted
        for _ in range(runs if method.peer.rows is None else 1):
            ours.append(_timed(lambda m=method, few=few: fitted(m, counted(few, TWO, m.edges), TWO))[1])  # type: ignore[misc]
            with quietly(), np.errstate(all="ignore"):
                theirs.append(_timed(lambda p=method.peer, t=true, s=said: p.fit(t, s, tiny))[1])  # type: ignore[misc]
        lines.append(f"| {method.name} | {rows:,} | {median(ours):.2f} | {median(theirs):.2f} | {median(theirs) / median(ours):.1f} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.methods", description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("runs", type=int)
    parser.add_argument("--tiny", action="store_true", help="let AIF360 try eight settings and not 5,000")
    asked = parser.parse_args(arguments)
    rows = len(pd.read_parquet(asked.path, columns=["label"]))
    print(f"### Fitting mitigations on {rows:,} rows\n\n{of_counting(asked.path, asked.runs)}\n\n### …and beside AIF360's own\n\n{beside(asked.path, asked.runs, asked.tiny)}")


if __name__ == "__main__":
    main()
