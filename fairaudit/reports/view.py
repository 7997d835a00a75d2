"""An audit as a page: frozen text and coordinates. Everything is decided here; a template only places it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from fairaudit.config import AuditConfig
from fairaudit.cube.slices import EVERYONE
from fairaudit.gate.policy import Ruling
from fairaudit.reports.audited import Audited, account_line, audited
from fairaudit.reports.definitions import Definition, definitions_of
from fairaudit.reports.findings import RuleView, rules_of
from fairaudit.reports.gated import GateView, gate_of
from fairaudit.reports.legend import Meaning, legend_of, slice_words
from fairaudit.reports.lookup import Column, Lookup, lookup
from fairaudit.reports.reliability import ReliabilityView, reliability_of
from fairaudit.reports.slicings import SlicingView, slicings_of
from fairaudit.reports.sweeps import SweepView, sweep_of
from fairaudit.reports.tables import Cell, Heading, column_heading, measured_cell
from fairaudit.reports.verdicts import VerdictView, verdict_of
from fairaudit.reports.witnesses import Witnesses, witnesses
from fairaudit.result import Audit


@dataclass(frozen=True, slots=True, kw_only=True)
class Overall:
    """One metric of everyone."""

    heading: Heading
    cell: Cell
    rows: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    title: str
    subject: str
    account: str
    caution: str  # that groups have thresholds of their own, or ""
    verdict: VerdictView
    gate: GateView | None  # where it was asked anything
    slice_means: str
    legend: tuple[Meaning, ...]
    rules: tuple[RuleView, ...]
    audited: Audited
    slicings: tuple[SlicingView, ...]
    witnesses: Witnesses
    overall: tuple[Overall, ...]
    overall_sweep: SweepView | None
    overall_reliability: ReliabilityView | None
    definitions: tuple[Definition, ...]
    notes: tuple[str, ...]


def view(audit: Audit, ruling: Ruling | None = None, *, as_of: date | None = None) -> Page:
    """The page of a finished audit. The same audit, ruling and day, the same page: no clock, no host, no chance.

    Args:
        as_of: the day on which it is read, for which it says what sources are old; None: it does not.
    """
    known = lookup(audit)
    return Page(
        title=f"Fairness audit of {audit.manifest.model.name}",
        subject=_subject(audit),
        account=f"{account_line(audit)}.",
        caution=_caution(audit),
        verdict=verdict_of(known),
        gate=gate_of(known, ruling) if ruling else None,
        slice_means=slice_words(known),
        legend=legend_of(known),
        rules=rules_of(known, as_of),
        audited=audited(audit),
        slicings=slicings_of(known),
        witnesses=witnesses(known),
        overall=tuple(_overall(known, column) for column in known.by_slice.get(EVERYONE, {})),
        overall_sweep=sweep_of(known, (EVERYONE,), None, "of everyone"),
        overall_reliability=reliability_of(known, (EVERYONE,), None, "of everyone"),
        definitions=definitions_of(audit),
        notes=audit.notes,
    )


def _subject(audit: Audit) -> str:
    names = [one.name for one in audit.manifest.data]
    return f"on {names[0]}" + (f" and {len(names) - 1} more files" if len(names) > 1 else "") if names else ""


def _caution(audit: Audit) -> str:
    asked = audit.manifest.config.get("group_thresholds") or {}
    own = ", ".join(f"{attribute}={value} {one:g}" for attribute, values in asked.items() for value, one in values.items())
    return (
        f"Groups are decided at different thresholds: {own}; everyone else {audit.manifest.config.get('threshold', AuditConfig().threshold):g}. The notes say what that may mean."
        if own
        else ""
    )


def _overall(known: Lookup, column: Column) -> Overall:
    one = known.by_slice[EVERYONE][column]
    return Overall(heading=column_heading(column), cell=measured_cell(one, None, label="everyone", is_reference=False), rows=f"{one.rows:,}")
