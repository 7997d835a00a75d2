"""How much intervals cost: every metric of all slices, and of all slices at 19 thresholds, with intervals and without.

python -m benchmarks.sweep PATH RUNS
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import TypeVar

from fairaudit.config import AuditConfig
from fairaudit.cube.at_thresholds import counts_at
from fairaudit.cube.counts import Counts
from fairaudit.cube.cube import Grid, Plan, count, counts
from fairaudit.cube.thresholds import Thresholds
from fairaudit.data.files import files_of
from fairaudit.data.rows import Wanted, prepare
from fairaudit.data.source import Source
from fairaudit.evidence import assembled, wanted
from fairaudit.evidence.across import across
from fairaudit.evidence.over_groups import over_groups
from fairaudit.evidence.sweeps import of_decisions, swept
from fairaudit.metrics.answers import gathered, replies
from fairaudit.metrics.engines.interface import Quantity
from fairaudit.metrics.engines.native import NativeEngine, value_of

T = TypeVar("T")
ATTRIBUTES = ("sex", "race", "age")
SLICINGS = tuple(crossed for order in (1, 2, 3) for crossed in combinations(ATTRIBUTES, order))
THRESHOLDS = Thresholds(
    operating=0.5, attribute=None, of_groups={}, described=AuditConfig(threshold_sweep=0.05).described, at_threshold="negative", score_type="double"
)
ENDS = [THRESHOLDS.edge(one) for one in THRESHOLDS.described]


def counted(path: Path) -> Counts:
    """The rows checked and counted, as an audit does it."""
    source = Source(files=files_of((str(path),)))
    plan = Plan(
        attributes=ATTRIBUTES,
        slicings=SLICINGS,
        grid=Grid(lowest=0.0, highest=1.0),
        has_labels=True,
        has_weights=False,
        has_probabilities=True,
        edges=THRESHOLDS.edges,
    )
    with source.connect() as connection:
        rows = prepare(connection, source, Wanted(attributes=ATTRIBUTES, label="label", score="score"))
        return counts(
            count(
                connection, f"SELECT * EXCLUDE (decision), {THRESHOLDS.decision(ATTRIBUTES)} AS decision FROM ({rows.relation()}) WHERE excluded IS NULL", plan
            )
        )


def _asked(found: Counts) -> tuple[tuple[Quantity, ...], ...]:
    sizes = found.rows.sum(axis=(1, 2))
    references = {slicing: max(found.of_slicing(slicing), key=lambda index: int(sizes[index])) for slicing in SLICINGS}
    return wanted.values(found), wanted.comparisons(found, references, ()), wanted.over_groups(found, SLICINGS)


def values(found: Counts) -> int:
    """Every number without its interval."""
    asked = [quantity for part in _asked(found) for quantity in part]
    at = counts_at(found, ENDS)
    return sum(one.size for one in (*NativeEngine().measure(asked, found), *(value_of(one.id, at) for one in of_decisions(found))))


def intervals(found: Counts) -> int:
    """Every number with its interval, as an audit's result has it; and the gaps over all groups, whose values are little without."""
    alone, compared, together = (gathered(asked, replies(NativeEngine(), asked, found)) for asked in _asked(found))
    measured = (
        *assembled.measurements(alone, found, threshold=0.5), *assembled.comparisons(compared, found, threshold=0.5),
        *across(found, SLICINGS, threshold=0.5), *over_groups(together, found, threshold=0.5),
    )  # fmt: skip
    return len(measured) + sum(len(one.values) for sweep in swept(found, THRESHOLDS) for one in sweep.metrics.values())


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    began = time.perf_counter()
    made = work()
    return made, time.perf_counter() - began


def main(arguments: Sequence[str]) -> None:
    path, runs = Path(arguments[0]), int(arguments[1])
    times: dict[str, list[float]] = {"counting": [], "values": [], "values with intervals": []}
    numbers = 0
    for _ in range(runs):
        found, seconds = _timed(lambda: counted(path))
        times["counting"].append(seconds)
        for name, work in (("values", values), ("values with intervals", intervals)):
            again = _fresh(found)
            numbers, seconds = _timed(lambda work=work, again=again: work(again))  # type: ignore[misc]
            times[name].append(seconds)
    print(f"### All metrics of {len(found.slices)} slices, and of these at {len(ENDS)} thresholds, {int(found.rows[0].sum()):,} rows\n")
    print("| what | median s | least | most |\n| --- | --- | --- | --- |")
    for name, seconds_of in times.items():
        print(f"| {name} | {median(seconds_of):.2f} | {min(seconds_of):.2f} | {max(seconds_of):.2f} |")
    counting, without, within = (median(one) for one in times.values())
    print(
        f"\n{numbers:,} numbers. From the rows on, all with intervals takes {(counting + within) / (counting + without):.2f} × the time without; "
        f"the aim is at most 2. The metrics alone, counting left out: {within / without:.2f} ×."
    )


def _fresh(found: Counts) -> Counts:
    """The same counts as another object, so that nothing is remembered of them."""
    cells = found.score_cells
    return replace(found, score_cells=None if cells is None else replace(cells))


if __name__ == "__main__":
    main(sys.argv[1:])
