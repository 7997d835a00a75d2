"""From rows to a cube: by the scores and decisions in the data, or by a model that scores the rows as they stream by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from fairaudit.cube.cube import Cube, Plan, count
from fairaudit.cube.sampled import Drawn, Sample, sampled
from fairaudit.cube.saved import save, write_rows
from fairaudit.data.progress import Progress, watched
from fairaudit.data.rows import Prepared
from fairaudit.data.source import Source, parquet, place_in, told
from fairaudit.models.interface import Scorer

_ROW = "row_place"


def count_given(
    connection: duckdb.DuckDBPyConnection, source: Source, rows: Prepared, plan: Plan, decision: str | None, *, progress: Progress | None = None
) -> Cube:
    """The cube of rows whose scores or decisions are columns of the data.

    Args:
        decision: SQL over the score and the attributes; None where the rows bring their decisions.
    """
    taken = "*" if decision is None else f"* EXCLUDE (decision), {decision} AS decision"
    with told(source), watched(connection, progress, "counting", rows.lines):
        return count(connection, f"SELECT {taken} FROM ({rows.relation()}) WHERE excluded IS NULL", plan)


def sample_given(connection: duckdb.DuckDBPyConnection, source: Source, rows: Prepared, plan: Plan, decision: str | None, drawn: Drawn) -> Sample:
    """The drawn rows, with their decisions as `count_given` has them."""
    taken = "*" if decision is None else f"* EXCLUDE (decision), {decision} AS decision"
    with told(source):
        return sampled(
            connection,
            f"SELECT {taken}, row_number() OVER () - 1 AS place FROM ({rows.relation()})",
            drawn,
            attributes=plan.attributes,
            features=len(rows.wanted.features),
        )


def save_given(connection: duckdb.DuckDBPyConnection, source: Source, rows: Prepared, plan: Plan, decision: str | None, to: Path) -> None:
    """The audited rows with their ids as a file, with their decisions as `count_given` has them."""
    taken = "*" if decision is None else f"* EXCLUDE (decision), {decision} AS decision"
    with told(source):
        save(connection, f"SELECT {taken} FROM ({rows.relation()}) WHERE excluded IS NULL", plan, to)


class Scored(NamedTuple):
    """A model's cube."""

    cube: Cube
    trimmed: bool  # whether a text that the model was given had spaces around it
    sample: Sample | None = None


def count_scored(
    source: Source, rows: Prepared, plan: Plan, scorer: Scorer, decision: str | None, *, batch_size: int, drawn: Drawn | None = None, progress: Progress | None = None, to: Path | None = None,
) -> Scored:  # fmt: skip
    """The cube of rows that a model scores, batch by batch, in constant memory.

    Args:
        decision: SQL over the score and the attributes; None where the model decides itself.
        drawn: rows to keep as a sample, in which their decisions are.
        to: the file that the rows with their ids go to; none: they are not kept.

    Raises:
        ContentError: a value does not fit the model, the model broke, or some scores are no probabilities.
    """
    failure: list[BaseException] = []
    kept: list[pa.RecordBatch] = []
    trimmed = False

    def scored(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        nonlocal trimmed
        try:
            for batch, has_spaces in _scored(batches, source, rows, scorer, progress):
                trimmed |= has_spaces
                if drawn is not None:
                    kept.append(batch.filter(pa.array(np.isin(batch.column(_ROW).to_numpy() - 1, drawn.places))))
                yield batch
        except BaseException as error:  # DuckDB would make its own of it
            failure.append(error)
            raise

    with told(source), source.connect() as reading, duckdb.connect() as counting:
        batches: Any = reading.sql(_streamed(rows, [one.name for one in scorer.features])).to_arrow_reader(batch_size)
        made = "SELECT * FROM" if decision is None else f"SELECT *, {decision} AS decision FROM"
        schema = _schema(plan, rows, decides=decision is None)
        try:
            if to is None:
                counting.register("scored_rows", pa.RecordBatchReader.from_batches(schema, scored(batches)))
                cube = count(counting, f"{made} scored_rows", plan)
            else:  # by way of a file, since they are scored once and read twice
                aside = to.with_suffix(".scored")
                write_rows(scored(batches), schema, aside)
                cube = count(counting, f"{made} {parquet(aside)}", plan)
                save(counting, f"{made} {parquet(aside)}", plan, to)
                aside.unlink()
        except Exception:
            if failure:
                raise failure[0] from None
            raise
        sample = None
        if drawn is not None:
            counting.register("kept_rows", pa.Table.from_batches(kept, schema))
            named = f"SELECT *, {_ROW} - 1 AS place FROM ({made} kept_rows)"
            sample = sampled(counting, named, drawn, attributes=plan.attributes, features=len(rows.wanted.features))
    scorer.check()
    return Scored(cube, trimmed, sample)


def _streamed(rows: Prepared, features: Sequence[str]) -> str:
    """The audited rows with the model's columns as the file has them, and their places in the data."""
    return f"SELECT * FROM (SELECT *, row_number() OVER () AS {_ROW} FROM ({rows.relation(features)})) WHERE excluded IS NULL"


def _scored(
    batches: Iterator[pa.RecordBatch], source: Source, rows: Prepared, scorer: Scorer, progress: Progress | None
) -> Iterator[tuple[pa.RecordBatch, bool]]:
    """Each batch as it is counted, and whether texts of it were trimmed."""
    starts = [0, *accumulate(rows.per_file)]
    done, kept = 0, [*(f"a{place}" for place in range(len(rows.wanted.attributes))), "label", "weight", "copies", *(one for one, _ in (*_clustered_by(rows), *_kept_by(rows), *_sampled_by(rows)))]
    for batch in batches:
        places = batch.column(_ROW)
        features = pa.RecordBatch.from_arrays([batch.column(f"f{place}") for place in range(len(scorer.features))], [one.name for one in scorer.features])

        def where(row: int, places: pa.Array = places) -> str:
            return place_in(source.names, starts, places[row].as_py() - 1)

        scores, decisions = scorer.answer(features, where)
        # What is no probability is counted as 0, since sums could not hold it; `check` tells of it once all rows are seen.
        safe = np.where((scores >= 0) & (scores <= 1), scores, 0.0)
        decided = {} if decisions is None else {"decision": pa.array(decisions)}
        counted = pa.RecordBatch.from_arrays([*(batch.column(name) for name in kept), pa.array(safe), *decided.values()], [*kept, "score", *decided])
        yield counted, batch.column("trimmed").true_count > 0
        done += batch.num_rows
        if progress is not None:
            progress("scoring", done / rows.lines, rows.lines)


def _schema(plan: Plan, rows: Prepared, *, decides: bool) -> pa.Schema:
    attributes = [(f"a{place}", pa.string()) for place in range(len(plan.attributes))]
    return pa.schema([*attributes, ("label", pa.int8()), ("weight", pa.float64()), ("copies", pa.int64()), *_clustered_by(rows), *_kept_by(rows), *_sampled_by(rows), ("score", pa.float64()), *([("decision", pa.bool_())] if decides else [])])


def _clustered_by(rows: Prepared) -> list[tuple[str, pa.DataType]]:
    return [("cluster", pa.string())] if rows.wanted.cluster is not None else []


def _kept_by(rows: Prepared) -> list[tuple[str, pa.DataType]]:
    return [("id", pa.string())] if rows.wanted.keeps_id else []


def _sampled_by(rows: Prepared) -> list[tuple[str, pa.DataType]]:
    """What a sample needs besides; nothing where there is none."""
    numbers = [(f"n{place}", pa.float64()) for place in range(len(rows.wanted.features))]
    return [(_ROW, pa.int64()), *numbers] if numbers else []
