"""What was audited: the model, the data, every row accounted for, and the settings in force."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fairaudit.bands import score_bins
from fairaudit.config import AuditConfig
from fairaudit.reports.cuts import cuts_of
from fairaudit.reports.numbers import counted
from fairaudit.result import Audit, Manifest

_KIND = {
    "saved_model": "TensorFlow SavedModel",
    "score_column": "scores given as a column of the data",
    "decision_column": "decisions given as a column of the data",
}
_EFFECT = {"helps": "a positive decision helps the person", "harms": "a positive decision harms the person"}
_AT = {"negative": "a score exactly at the threshold counts as below it", "positive": "a score exactly at the threshold counts as above it"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    name: str
    text: str
    hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLine:
    words: str
    rows: str
    is_total: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    name: str
    rows: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    facts: tuple[Fact, ...]
    files: tuple[File, ...]
    account: tuple[AccountLine, ...]
    unlabelled: str
    settings: tuple[Fact, ...]  # the whole configuration, defaults included
    packages: tuple[Fact, ...]


def audited(audit: Audit) -> Audited:
    manifest = audit.manifest
    return Audited(
        facts=tuple(_facts(audit)),
        files=tuple(File(name=one.name, rows=f"{one.rows:,}", hash=one.sha256) for one in manifest.data),
        account=tuple(_account(audit)),
        unlabelled=_unlabelled(audit),
        settings=tuple(Fact(name=name, text=_setting(value)) for name, value in manifest.config.items()),
        packages=tuple(Fact(name=name, text=version) for name, version in manifest.packages.items()),
    )


def account_line(audit: Audit) -> str:
    """The row account in one line: 16,281 rows read, 1,221 excluded (…), 15,060 audited."""
    rows = audit.rows
    excluded = "".join(f", {one.rows:,} excluded ({one.reason})" for one in rows.excluded)
    unlabelled = f", {rows.unlabelled:,} of them without a label" if rows.unlabelled else ""
    lines = "" if rows.lines is None else f" on {counted(rows.lines, 'line')}"
    return f"{counted(rows.read, 'row')} read{lines}{excluded}, {rows.audited:,} audited{_in_clusters(audit)}{unlabelled}"


def _in_clusters(audit: Audit) -> str:
    number = _clusters(audit)
    return "" if number is None else f" in {counted(number, 'cluster')}"


def _clusters(audit: Audit) -> int | None:
    """How many there are; None where rows are independent."""
    everyone = next((one for one in audit.counts if not one.slice.values), None)
    return None if everyone is None or everyone.clusters is None else everyone.clusters.number


def _facts(audit: Audit) -> Iterable[Fact]:
    manifest = audit.manifest
    model, config = manifest.model, manifest.config
    yield Fact(name="Model", text=f"{model.name} ({_KIND[model.kind]})", hash=model.sha256 or "")
    if model.signature:
        yield Fact(name="Signature", text=model.signature)
    if model.output:
        yield Fact(name="Output", text=model.output)
    if model.decision_output:
        yield Fact(name="Decisions", text=f"the model's own, its output {model.decision_output}; no threshold was set on its scores")
    yield Fact(name="Label", text=_label(manifest))
    if config.get("protected"):
        yield Fact(name="Protected attributes", text=", ".join(map(str, config["protected"])))
    for name, how in cuts_of(manifest):
        yield Fact(name=name, text=how)
    if config.get("control"):
        yield Fact(name="Compared also among people alike in", text=" and ".join(map(str, config["control"])))
    if manifest.thresholds:
        yield from _thresholds(audit)
    if manifest.calibration_edges:
        yield Fact(name="Bins of calibration errors", text=_bins(manifest))
    yield Fact(name="Effect", text=_EFFECT.get(config.get("effect", ""), "not stated"))
    if config.get("weight"):
        yield Fact(name="Weights", text=f"column {config['weight']}; counts of rows are of real rows, whatever their weights")
    if (number := _clusters(audit)) is not None:
        yield Fact(name="Clusters", text=f"column {config['cluster']}, {counted(number, 'cluster')}: evidence rests on sums over each, since its rows are not independent")
    yield Fact(name="Intervals", text="95%, two-sided, unless another level is given")
    yield Fact(name="Computed by", text=f"fairaudit {manifest.version}, seed {manifest.seed}")


def _bins(manifest: Manifest) -> str:
    edges, inner = manifest.calibration_edges, manifest.calibration_edges[1:-1]
    of_mass = score_bins(manifest.config.get("calibration_bins", AuditConfig().calibration_bins)).of_mass
    where = f", cut at {', '.join(f'{edge:.6g}' for edge in inner)}" if inner else ""
    return f"{counted(len(edges) - 1, 'bin')} of {'about equal weight, the same for all slices' if of_mass else 'equal width'}{where}; a score on an edge is in the bin above it"


def _label(manifest: Manifest) -> str:
    label = manifest.config.get("label")
    if not label:
        return "none: only metrics that need no label were computed"
    return f"{label}, positive where it is {manifest.positive}" if manifest.positive is not None else str(label)


def _thresholds(audit: Audit) -> Iterable[Fact]:
    """The one that decides, or those of groups; those that a sweep describes in a line of their own."""
    manifest = audit.manifest
    operating = next(iter(manifest.thresholds.items()))
    groups = _own_thresholds(manifest)
    everyone = f"{'everyone else: ' if groups else ''}{_threshold(operating)}"
    yield Fact(
        name="Thresholds of groups" if groups else "Threshold",
        text="; ".join(filter(None, (*groups, everyone, _AT.get(manifest.config.get("at_threshold", ""), "")))),
    )
    if audit.sweeps:
        others = (repr(one) for one in audit.sweeps[0].thresholds if repr(one) != operating[0])
        yield Fact(name="Thresholds described", text="; ".join(_threshold((one, manifest.thresholds[one])) for one in others))


def _own_thresholds(manifest: Manifest) -> tuple[str, ...]:
    """The groups that are decided at thresholds of their own: race=Black: 0.4."""
    asked: dict[str, dict[str, float]] = manifest.config.get("group_thresholds") or {}
    return tuple(
        f"{attribute}={value}: {_threshold((repr(one), manifest.group_thresholds[attribute][value]))}"
        for attribute, values in asked.items()
        for value, one in values.items()
    )


def _threshold(asked_and_used: tuple[str, float]) -> str:
    """Full digits: a threshold in single precision differs from the one asked for in the eighth."""
    asked, used = asked_and_used
    if float(asked) == used:
        return asked
    return f"{asked} asked for, {used!r} used: the nearest that the scores' own type holds"


def _account(audit: Audit) -> Iterable[AccountLine]:
    if audit.rows.lines is not None:
        yield AccountLine(words="Lines read, each of several rows", rows=f"{audit.rows.lines:,}")
    yield AccountLine(words="Rows read", rows=f"{audit.rows.read:,}")
    for one in audit.rows.excluded:
        yield AccountLine(words=f"Excluded: {one.reason}", rows=f"−{one.rows:,}" if one.rows else "0")
    yield AccountLine(words="Rows audited", rows=f"{audit.rows.audited:,}", is_total=True)


def _unlabelled(audit: Audit) -> str:
    if not audit.rows.unlabelled or not audit.manifest.config.get("label"):
        return ""
    verb = "has" if audit.rows.unlabelled == 1 else "have"
    return f"Of these, {counted(audit.rows.unlabelled, 'row')} {verb} no label and count only where no label is needed."


def _setting(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, str):
        return value or "empty"
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return ", ".join(value) or "none"
    return json.dumps(value, ensure_ascii=False) if value != {} else "none"
