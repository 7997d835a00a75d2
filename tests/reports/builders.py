"""Audits made by hand: small ones part by part, and one of some size from tables of counts, judged by the shipped rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from fairaudit.cube.counts import Counts
from fairaudit.cube.slices import EVERYONE, Slice, Slicing
from fairaudit.evidence.intervals import mover_r, newcombe, proportion
from fairaudit.evidence.measurement import Comparison, Group, GroupKind, Interval, Measurement, Status
from fairaudit.metrics.catalogue import CATALOGUE, Metric, Shape, mask, total
from fairaudit.metrics.engines.native import value_of
from fairaudit.result import Audit, DataFile, Exclusion, Manifest, Model, ReferenceOf, Rows
from fairaudit.rules.finding import Finding, Outcome, RowsNeeded, Severity, Verdict
from fairaudit.rules.judge import judge, overall_verdict
from fairaudit.rules.library import load_rules
from fairaudit.rules.plan import Context
from fairaudit.rules.rule import Rule
from tests.builders import Table, counts_from

WHITE, BLACK, OTHER = (Slice([("race", value)]) for value in ("White", "Black", "Other"))
SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def rule(name: str = "four-fifths", **changes: Any) -> Rule:
    return msgspec.structs.replace(load_rules((name,))[0], **changes)


def measurement(cut: Slice = EVERYONE, value: float | None = 0.5, *, metric: str = "selection_rate", interval: Interval | None = None, **changes: Any) -> Measurement:
    given: dict[str, Any] = {"threshold": 0.5, "rows": 100, "status": Status.OK if value is not None else Status.UNDEFINED, "engines": {"native": value}}
    return Measurement(metric=metric, slice=cut, value=value, interval=interval, **(given | changes))


def comparison(group: Slice, reference: Slice, value: float | None, *, metric: str = "selection_rate", kind: str = "ratio", **changes: Any) -> Comparison:
    given: dict[str, Any] = {"threshold": 0.5, "interval": None, "status": Status.OK if value is not None else Status.UNDEFINED, "engines": {"native": value}}
    return Comparison(
        metric=metric, kind=kind, slicing=group.attributes, group=Group(slice=group), reference=Group(slice=reference), value=value, **(given | changes)
    )  # fmt: skip


def finding(value: float | None = 0.61, *, verdict: Verdict = Verdict.FAIL, **changes: Any) -> Finding:
    """Black people against White people under the four-fifths rule, violated unless said otherwise."""
    given: dict[str, Any] = {
        "rule": "four-fifths", "metric": "selection_rate", "kind": "ratio", "slicing": ("race",), "group": Group(slice=BLACK),
        "reference": Group(slice=WHITE), "threshold": 0.5, "interval": (0.55, 0.67), "limit": (0.8, None), "limit_origin": "guidance",
        "serious": 0.5, "outcome": Outcome.BEYOND, "needed_for_pass": True, "severity": Severity.FAIL, "p_adjusted": 0.0004, "alpha": 0.05,
        "rows": 1561, "reason": "past the limit, and more than chance would explain",
    }  # fmt: skip
    return Finding(value=value, verdict=verdict, **(given | changes))


def undecided(**changes: Any) -> Finding:
    """A finding that must be decided and is not."""
    needed = RowsNeeded(group=Group(slice=BLACK), rows=250)
    reason = "neither a violation nor its absence can be shown; about 250 more rows of race=Black would decide it"
    given: dict[str, Any] = {"outcome": Outcome.UNDECIDED, "rows_needed": needed, "reason": reason, "p_adjusted": 0.2}
    return finding(verdict=Verdict.INCONCLUSIVE, **(given | changes))


def manifest(**changes: Any) -> Manifest:
    config = {"label": "income", "protected": ["race"], "threshold": 0.5, "at_threshold": "negative", "effect": "helps", "rules": ["four-fifths"]}
    given: dict[str, Any] = {
        "version": "0.1.0", "seed": 0, "config": config, "positive": ">50K", "thresholds": {"0.5": 0.5},
        "model": Model(kind="saved_model", name="income-model", sha256=SHA, signature="serving_default", output="probabilities"),
        "data": (DataFile(name="adult_test.csv", sha256=SHA, rows=110),), "engines": {"native": "0.1.0"}, "packages": {"numpy": "2.0.0"},
    }  # fmt: skip
    return Manifest(**(given | changes))


def audit(findings: Iterable[Finding] = (), *, rules: Sequence[Rule] | None = None, verdict: Verdict | None = None, **changes: Any) -> Audit:
    """A small audit by race."""
    findings = tuple(findings)
    used = tuple(load_rules(tuple(dict.fromkeys(one.rule for one in findings)))) if rules is None else tuple(rules)
    given: dict[str, Any] = {
        "manifest": manifest(), "rows": Rows(read=110, audited=100, unlabelled=0, excluded=(Exclusion(reason="empty score", rows=10),)),
        "slicings": (("race",),), "references": (ReferenceOf(slicing=("race",), slice=WHITE, chosen="largest"),), "counts": (),
        "measurements": (measurement(), measurement(WHITE, 0.73), measurement(BLACK, 0.4453)), "comparisons": (comparison(BLACK, WHITE, 0.61),),
    }  # fmt: skip
    told = verdict if verdict or not findings else overall_verdict(one for one in findings if one.rule in {rule.id for rule in used})
    return Audit(rules=used, findings=findings, verdict=told, **(given | changes))


def full_audit(
    tables: Mapping[Slice, Table], *, rules: Sequence[str] = ("four-fifths", "equal-opportunity"), effect: str = "helps",
    witnesses: Sequence[str] = ("tfma", "aif360"), unlabelled: Mapping[Slice, tuple[float, float]] | None = None, **changes: Any,
) -> Audit:  # fmt: skip
    """An audit of tables (tp, fp, fn, tn) by slice, measured by the native engine, compared with the largest slices and judged by shipped rules."""
    counts = counts_from(tables, unlabelled=unlabelled)
    slicings = tuple(dict.fromkeys(one.attributes for one in tables if one.values))
    names = tuple(name for name, entry in CATALOGUE.items() if entry.shape in (Shape.RATE, Shape.COUNT, Shape.COMPOSITE))
    engines = ("native", *witnesses)
    measured = [one for name in names for one in _measured(counts, CATALOGUE[name], engines)]
    references = {slicing: max(counts.of_slicing(slicing), key=lambda i: int(counts.rows[i].sum())) for slicing in slicings}
    compared = [one for name in names if CATALOGUE[name].shape is Shape.RATE for one in _compared(counts, CATALOGUE[name], references, engines)]
    asked = load_rules(tuple(rules))
    findings = judge(asked, counts, Context(slicings=slicings, effect=effect, threshold=0.5)) if asked else ()  # type: ignore[arg-type]
    rows = int(counts.rows[counts.index(EVERYONE)].sum())
    config = manifest().config | {"protected": list(dict.fromkeys(a for s in slicings for a in s)), "effect": effect, "rules": list(rules)}
    given: dict[str, Any] = {
        "manifest": manifest(config=config, engines=dict.fromkeys(engines, "0.52.0"), data=(DataFile(name="adult_test.csv", sha256=SHA, rows=rows + 12),)),
        "rows": Rows(read=rows + 12, audited=rows, unlabelled=0, excluded=(Exclusion(reason="label missing", rows=12),)),
        "slicings": slicings, "counts": (), "measurements": tuple(measured), "comparisons": tuple(compared),
        "references": tuple(ReferenceOf(slicing=slicing, slice=counts.slices[i], chosen="largest") for slicing, i in references.items()),
        "notes": ("Texts were trimmed: 'race' had spaces before its values.",),
    }  # fmt: skip
    verdict = overall_verdict(findings) if asked else None
    return Audit(rules=tuple(asked), findings=findings, verdict=verdict, **(given | changes))


def _measured(counts: Counts, entry: Metric, engines: Sequence[str]) -> Iterable[Measurement]:
    values = value_of(entry.id, counts)
    lower = upper = np.full(values.shape, np.nan)
    rows = counts.rows.sum(axis=(1, 2))
    if entry.shape is Shape.RATE:
        parts = proportion(total(counts.weight, entry.numerator), total(counts.weight, entry.denominator), level=0.95)
        lower, upper, rows = parts.lower, parts.upper, counts.rows[:, mask(entry.denominator)].sum(axis=1)
    for i, cut in enumerate(counts.slices):
        value = None if np.isnan(values[i]) else float(values[i])
        interval = None if value is None or np.isnan(lower[i]) else (float(lower[i]), float(upper[i]))
        yield measurement(
            cut, value, metric=entry.id, interval=interval, rows=int(rows[i]), reason="" if value is not None else entry.undefined,
            engines=dict.fromkeys(engines, value),
        )  # fmt: skip


def _compared(counts: Counts, entry: Metric, references: Mapping[Slicing, int], engines: Sequence[str]) -> Iterable[Comparison]:
    parts = proportion(total(counts.weight, entry.numerator), total(counts.weight, entry.denominator), level=0.95)
    for slicing, r in references.items():
        for i in counts.of_slicing(slicing):
            for kind, method in (("difference", newcombe), ("ratio", mover_r)) if i != r else ():
                low, high = (float(end[0]) for end in method(parts.at([i]), parts.at([r])))
                one, other = (float(value_of(entry.id, counts)[j]) for j in (i, r))
                value = one - other if kind == "difference" else (one / other if other else float("nan"))
                known = not np.isnan(value)
                yield comparison(
                    counts.slices[i], counts.slices[r], value if known else None, metric=entry.id, kind=kind, reason="" if known else entry.undefined,
                    interval=(low, high) if known and not np.isnan(low) else None, p_value=0.01, engines=dict.fromkeys(engines, value if known else None),
                )  # fmt: skip


def adult(**changes: Any) -> Audit:
    """As large and uneven as UCI Adult's test file: five races, two sexes and their crossing."""
    shares = {"White": 0.86, "Black": 0.096, "Asian-Pac-Islander": 0.029, "Amer-Indian-Eskimo": 0.0098, "Other": 0.0083}
    rates = {"White": 0.26, "Black": 0.13, "Asian-Pac-Islander": 0.28, "Amer-Indian-Eskimo": 0.12, "Other": 0.13}
    tables: dict[Slice, Table] = {}
    for race, share in shares.items():
        for sex, part, factor in (("Male", 0.67, 1.18), ("Female", 0.33, 0.45)):
            n, positives = round(16_000 * share * part), round(16_000 * share * part * rates[race] * factor)
            tp, fp = round(positives * (0.62 if sex == "Male" else 0.52)), round((n - positives) * 0.08 * factor)
            tables[Slice([("race", race), ("sex", sex)])] = (tp, fp, positives - tp, n - positives - fp)
    return full_audit(with_margins(tables), **changes)


def with_margins(crossed: Mapping[Slice, Table]) -> dict[Slice, Table]:
    """The tables of a crossing, behind everyone and each attribute alone."""
    sums: dict[Slice, Table] = {EVERYONE: (0, 0, 0, 0)}
    for attribute in next(iter(crossed)).attributes:
        sums |= {Slice([pair]): (0, 0, 0, 0) for one in crossed for pair in one.values if pair[0] == attribute}
    for one, table in crossed.items():
        for margin in (EVERYONE, *(Slice([pair]) for pair in one.values)):
            sums[margin] = tuple(map(sum, zip(sums[margin], table, strict=True)))  # type: ignore[assignment]
    return sums | dict(crossed)


POOL = Group(kind=GroupKind.POOL, members=(BLACK, OTHER))


def many(groups: int, *, attributes: int = 1, name: str = "group {}", rows: int = 400, **changes: Any) -> Audit:
    """An audit of many slices, all alike but for small steps."""
    tables: dict[Slice, Table] = {EVERYONE: (0, 0, 0, 0)}
    for attribute in range(attributes):
        for group in range(groups):
            tp, fp = 60 + group % 7, 30 + group % 5
            tables[Slice([(f"attribute {attribute}", name.format(group))])] = (tp, fp, 100 - tp, rows - 100 - fp)
    own = [table for cut, table in tables.items() if cut.attributes == ("attribute 0",)]
    tables[EVERYONE] = tuple(map(sum, zip(*own, strict=True)))  # type: ignore[assignment]
    return full_audit(tables, **changes)
