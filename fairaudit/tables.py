"""An audit's numbers as flat tables: a row a value, a column a field, a column for each attribute."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

import pyarrow as pa  # type: ignore[import-untyped]

from fairaudit.cube.slices import Slice
from fairaudit.evidence.measurement import Comparison, Group, Measurement, Status
from fairaudit.metrics.catalogue import CATALOGUE
from fairaudit.result import Audit
from fairaudit.rules.finding import Finding

Name = Literal["measurements", "comparisons", "findings", "sweeps", "histograms"]
Row = dict[str, Any]
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what makes a spreadsheet run a cell instead of showing it


def table(audit: Audit, name: Name, *, beside: Mapping[str, Sequence[Any]] | None = None) -> pa.Table:
    """One of the audit's tables; every row has every column, null where it has nothing to say.

    Args:
        beside: more columns, a value a row.
    """
    rows = list(_ROWS[name](audit))
    columns = dict.fromkeys(column for row in rows for column in row) or _empty(audit, name)
    return pa.table({column: [row.get(column) for row in rows] for column in columns} | {column: list(values) for column, values in (beside or {}).items()})


def _empty(audit: Audit, name: Name) -> tuple[str, ...]:
    """The columns of a table without rows, so that whoever reads it finds them."""
    sides = ("group", *_attributes(audit, Slice(())), "reference")
    shared = ("params", "threshold", "value", "lower", "upper", "status", "reason")
    judged = ("outcome", "verdict", "severity", "needed_for_pass", "p_adjusted", "alpha", "rows", "events", "rows_needed", "rows_needed_of", "detectable", "shrunken", "reason", "notes")
    if name == "findings":
        return ("rule", "extends", "metric", "kind", *sides, "threshold", "value", "lower", "upper", "limit_lower", "limit_upper", "serious", *judged)
    if name == "sweeps":
        return ("metric", "slice", *_attributes(audit, Slice(())), "params", "threshold", "value", "lower", "upper", "status", "reason")
    if name == "histograms":
        return ("slice", *_attributes(audit, Slice(())), "bin_from", "bin_to", *_BINNED, "mean_score", "share_positive", "lower", "upper")
    if name == "comparisons":
        return ("metric", "kind", "slicing", "control", *sides, *shared, "error", "p_value")
    return ("metric", "slice", *_attributes(audit, Slice(())), "rows", *shared, "error", "shrunken")


def as_csv(found: pa.Table) -> bytes:
    """The table as CSV; a text that a spreadsheet would take for a formula gets an apostrophe before it."""
    import pyarrow.csv  # type: ignore[import-untyped]

    out = io.BytesIO()
    safe = [_harmless(column) if pa.types.is_string(column.type) else column for column in found.columns]
    pyarrow.csv.write_csv(pa.table(safe, names=found.column_names), out)
    return out.getvalue()


def as_parquet(found: pa.Table) -> bytes:
    import pyarrow.parquet  # type: ignore[import-untyped]

    out = io.BytesIO()
    pyarrow.parquet.write_table(found, out)
    return out.getvalue()


WRITERS: dict[str, Callable[[pa.Table], bytes]] = {"csv": as_csv, "parquet": as_parquet}


def _measurements(audit: Audit) -> Iterator[Row]:
    for one in audit.measurements:
        known = {"metric": one.metric, "slice": str(one.slice), **_attributes(audit, one.slice), "rows": one.rows}
        yield {**known, **_shared(one), "error": one.error, "shrunken": one.shrunken}


def _comparisons(audit: Audit) -> Iterator[Row]:
    for one in audit.comparisons:
        sides = {"slicing": "*".join(one.slicing), "control": "*".join(one.control), **_sides(audit, one.group, one.reference)}
        yield {"metric": one.metric, "kind": one.kind, **sides, **_shared(one), "error": one.error, "p_value": one.p_value}


def _sweeps(audit: Audit) -> Iterator[Row]:
    for one in audit.sweeps:
        for metric, found in one.metrics.items():
            for place, (threshold, value, lower, upper) in enumerate(zip(one.thresholds, found.values, found.lower, found.upper, strict=True)):
                status = Status.OK if value is not None else Status.INFINITE if place in found.infinite else Status.UNDEFINED
                yield {
                    "metric": metric, "slice": str(one.slice), **_attributes(audit, one.slice), "params": _params(found.params), "threshold": threshold,
                    "value": value, "lower": lower, "upper": upper, "status": status.value, "reason": _reason(metric, status),
                }  # fmt: skip


_LABELS = ("negative", "positive", "unlabelled")
_BINNED = tuple(f"{what}_{label}" for label in _LABELS for what in ("rows", "weight", "mean_score"))


def _histograms(audit: Audit) -> Iterator[Row]:
    """A row a bin."""
    for one in audit.histograms:
        known, by_label = {"slice": str(one.slice), **_attributes(audit, one.slice)}, [getattr(one, label) for label in _LABELS]
        columns = [numbers for rows in by_label for numbers in (rows.rows, rows.weight, rows.mean_score)]
        for place, (low, high) in enumerate(pairwise(one.edges)):
            held = dict(zip(_BINNED, (column[place] for column in columns), strict=True))
            truth = {name: getattr(one, name)[place] for name in ("mean_score", "share_positive", "lower", "upper")}
            yield {**known, "bin_from": low, "bin_to": high, **held, **truth}


def _reason(metric: str, status: Status) -> str:
    """The catalogue's; a metric that this version does not know has none."""
    entry = CATALOGUE.get(metric)
    return "" if status is Status.OK or entry is None else entry.infinite if status is Status.INFINITE else entry.undefined


def _params(params: dict[str, float]) -> str:
    return " ".join(f"{name}={value:g}" for name, value in params.items())


def _shared(one: Measurement | Comparison) -> Row:
    lower, upper = one.interval or (None, None)
    engines = {f"engine_{name}": value for name, value in one.engines.items()}
    return {
        "params": _params(one.params), "threshold": one.threshold, "value": one.value, "lower": lower, "upper": upper, "status": one.status.value,
        "reason": one.reason, **engines,
    }  # fmt: skip


def _findings(audit: Audit) -> Iterator[Row]:
    for one in audit.findings:
        lower, upper = one.interval or (None, None)
        yield {
            "rule": one.rule, "extends": one.extends, "metric": one.metric, "kind": one.kind, **_sides(audit, one.group, one.reference), "threshold": one.threshold, "value": one.value,
            "lower": lower, "upper": upper, "limit_lower": one.limit[0], "limit_upper": one.limit[1], "serious": one.serious, **_judged(one),
        }  # fmt: skip


def _judged(one: Finding) -> Row:
    needed = one.rows_needed
    return {
        "outcome": one.outcome.value, "verdict": one.verdict.value, "severity": one.severity.value, "needed_for_pass": one.needed_for_pass,
        "p_adjusted": one.p_adjusted, "alpha": one.alpha, "rows": one.rows, "events": one.events, "rows_needed": needed.rows if needed else None,
        "rows_needed_of": str(needed.group) if needed else None, "detectable": one.detectable, "shrunken": one.shrunken, "reason": one.reason, "notes": "; ".join(one.notes),
    }  # fmt: skip


def _sides(audit: Audit, group: Group | None, reference: Group | None) -> Row:
    own = _attributes(audit, group.slice) if group else {}
    return {"group": None if group is None else str(group), **own, "reference": None if reference is None else str(reference)}


def _attributes(audit: Audit, one: Slice) -> Row:
    """A column for each attribute of the audit, so that a spreadsheet can filter by it."""
    values = dict(one.values)
    return {f"slice_{attribute}": values.get(attribute) for attribute in dict.fromkeys(name for slicing in audit.slicings for name in slicing)}


def _harmless(column: pa.ChunkedArray) -> pa.Array:
    return pa.array([f"'{text}" if text is not None and text.startswith(_FORMULA) else text for text in column.to_pylist()], pa.string())


_ROWS: dict[str, Callable[[Audit], Iterator[Row]]] = {"measurements": _measurements, "comparisons": _comparisons, "findings": _findings, "sweeps": _sweeps, "histograms": _histograms}
