"""A model's decisions changed by group: fitted on one part of the data, exported, and judged on another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from fairaudit.config import AuditConfig
from fairaudit.cube.slices import Slice, Slicing
from fairaudit.data.progress import Progress
from fairaudit.errors import ConfigError, raise_all
from fairaudit.evidence.measurement import Interval
from fairaudit.manifest import data_files
from fairaudit.metrics.catalogue import Better, metric
from fairaudit.mitigations.attributes import read_attributes
from fairaudit.mitigations.cells import Cells, cells_of
from fairaudit.mitigations.constraints import Constraint, constraints_of
from fairaudit.mitigations.exported import Exported, export
from fairaudit.mitigations.objective import Objective, objective_of
from fairaudit.mitigations.parts import HowParted, Parts
from fairaudit.mitigations.policy import policy_of, threshold_at
from fairaudit.mitigations.proof import Checked, Proof, proven
from fairaudit.mitigations.reweighed import SCHEMA
from fairaudit.mitigations.solved import Solved
from fairaudit.mitigations.thresholds import solve
from fairaudit.result import DataFile
from fairaudit.rules.library import load_rules
from fairaudit.rules.rule import Rule
from fairaudit.run import Counted, counted
from fairaudit.version import VERSION

CARD, MODEL, BEFORE, AFTER, COMPARISON, REPORT = "card.json", "saved_model", "before", "after", "comparison.json", "report.html"
NAMES = (MODEL, BEFORE, AFTER, COMPARISON, REPORT, CARD)  # what a mitigation's folder holds, the card last
_WHAT = "Every group has a threshold of its own: a row is selected if its score is above its group's."
_WHY = "Of all thresholds that meet the rules on the rows that were fitted on, these have the best objective. Whether the rules hold on other people is judged on the rows that were held out."


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """A rule's metric of one group, on the rows that were fitted on."""

    rule: str
    metric: str
    group: Slice
    value: float | None


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """What was solved, on the rows that were fitted on."""

    objective: str
    before: float
    after: float
    gap: float  # how much better the best could be at most; 0: this is the best
    reached: tuple[Reached, ...]
    unfitted: tuple[Slice, ...]  # groups that keep their threshold, since a rule's rate is undefined for them
    rows: dict[str, int]  # of each group


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A rate of a group on the rows that were held out, before and after, on the same rows."""

    metric: str
    slice: Slice
    rows: int
    before: float | None
    after: float | None
    change: float | None
    interval: Interval | None  # 95 %, paired
    is_better: bool | None  # for those whom it is of; None: not told from 0, or neither is better

    @property
    def is_told(self) -> bool:
        """Whether the change is told from none."""
        return self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]


class HeldOut(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the rows that were held out."""

    verdict_before: str | None
    verdict_after: str | None
    moved: tuple[Moved, ...]
    levelled_down: tuple[str, ...]  # rules whose groups were brought together by making some worse off and none better
    checked: Checked


class MitigationCard(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, on what, and why: `card.json`."""

    schema: Literal["fairaudit/mitigation/1"] = SCHEMA  # type: ignore[assignment]
    method: str
    version: str
    what: str
    why: str
    source: str
    config: dict[str, Any]  # what was asked of the audit, but for what is as it always is
    rules: tuple[str, ...]
    data: tuple[DataFile, ...]  # as they were fitted on
    parts: HowParted
    fit: Fit
    export: Exported
    holdout: HeldOut
    notes: tuple[str, ...]


def asked_of(config: AuditConfig) -> AuditConfig:
    """The audit's configuration with the full cross of its attributes among its slicings.

    Raises:
        ConfigError, Several: it has no model or rule, or asks for what cannot be mitigated.
    """
    lacking = []
    if config.model is None:
        lacking.append(ConfigError("which model should be mitigated? Name a SavedModel with --model DIR."))
    if config.label is None:
        lacking.append(ConfigError("a mitigation is fitted on what turned out to be true; name its column with --label COL."))
    if not config.rules:
        lacking.append(ConfigError("which rule should hold? Name it with --rule ID, as equal-opportunity."))
    if config.count is not None:
        lacking.append(ConfigError("a table of counts has no rows that a model could score; leave --count out."))
    if config.group_thresholds:
        lacking.append(ConfigError("groups have thresholds of their own already (--group-threshold); a mitigation starts from one for all, so leave them out."))
    raise_all(lacking)
    cross = config.attributes
    engines = config.engines if config.engines != AuditConfig().engines else ("native",)
    return msgspec.structs.replace(config, slices=(*config.slices, *(("*".join(cross),) if len(cross) > 1 else ())), engines=engines)


def fitted_on(config: AuditConfig, fit: Sequence[str], *, edges: Sequence[float] = (), progress: Progress | None = None) -> tuple[Counted, Cells, Slicing]:
    """The rows to fit on, scored and counted."""
    found = counted(msgspec.structs.replace(config, data=tuple(fit), rules=(), metrics=("selection_rate",), control=(), save_scores=False, gate=False), edges=edges, progress=progress)
    slicing = next(one for one in config.slicings if set(one) == set(config.attributes))
    return found, cells_of(found.counts, slicing, tuple(sorted({*found.thresholds.edges, *edges}))), slicing


def mitigate_by_thresholds(config: AuditConfig, parts: Parts, folder: Path, aside: Path, *, objective: str, progress: Progress | None = None) -> tuple[MitigationCard, Proof]:
    """Fit a threshold for each group, export it into `folder`, and judge it on the holdout.

    Args:
        config: as `asked_of` gives it.
        aside: a folder for what is not kept.

    Raises:
        ConfigError, ContentError, Unreachable, Several: what the user has to mend; nothing meets the rules.
        NotAsSolved: the exported model is not what was solved.
    """
    aim, rules = objective_of(objective), load_rules(config.rules)
    found, cells, slicing = fitted_on(config, parts.fit, progress=progress)
    constraints = constraints_of(rules, cells.groups, cells.rows.sum(axis=1).tolist(), config.effect)
    threshold = found.thresholds.edge(config.threshold)
    solved = solve(cells, constraints, aim, threshold=threshold)
    policy = policy_of("thresholds", slicing, dict(zip(cells.groups, solved.treatments, strict=True)), threshold_at(threshold))
    exported = export(found.matched, policy, read_attributes(found.rows, slicing), folder / MODEL, key=config.seed.to_bytes(16, "little", signed=True))
    proof = proven(_with_cuts(config, found), parts.holdout, parts.row, folder / MODEL, exported.signature, exported.policy, aside, progress=progress)
    card = MitigationCard(
        method="thresholds", version=VERSION, what=_WHAT, why=_WHY, source="Branch and bound over the rates that tie the groups together; docs/mitigation.md", config=_told(config), rules=tuple(one.id for one in rules),
        data=tuple(data_files(found.rows.source, found.rows)), parts=parts.how, fit=_fit(aim, cells, constraints, solved), export=exported,
        holdout=_held_out(proof, rules, config, slicing), notes=(*parts.notes, *exported.notes, *_notes(cells, solved)),
    )  # fmt: skip
    return card, proof


def _with_cuts(config: AuditConfig, found: Counted) -> AuditConfig:
    """The configuration with bands cut where the rows that were fitted on have them: quantiles of others would be other groups."""
    bands = {name: bands.edges for name, bands in found.rows.reading.bands.items() if name in config.bins and bands.quantiles}
    return msgspec.structs.replace(config, bins={**config.bins, **bands})


def _told(config: AuditConfig) -> dict[str, Any]:
    told, default = msgspec.to_builtins(config), msgspec.to_builtins(AuditConfig())
    return {name: value for name, value in told.items() if value != default[name]}


def _fit(aim: Objective, cells: Cells, constraints: Sequence[Constraint], solved: Solved) -> Fit:
    reached = tuple(
        Reached(rule=one.rule, metric=one.metric, group=group, value=float(value) if np.isfinite(value) else None)
        for one, values in zip(constraints, solved.rates, strict=True)
        for group, value in zip(cells.groups, values.tolist(), strict=True)
    )
    rows = {str(group): int(number) for group, number in zip(cells.groups, cells.rows.sum(axis=1).tolist(), strict=True)}
    return Fit(objective=aim.name, before=solved.before, after=solved.objective, gap=solved.gap, reached=reached, unfitted=solved.unfitted, rows=rows)


def _held_out(proof: Proof, rules: Sequence[Rule], config: AuditConfig, slicing: Slicing) -> HeldOut:
    moved = tuple(_moved(proof, config))
    down = tuple(rule.id for rule in rules if _levels_down(rule, moved, slicing, config.effect))
    return HeldOut(
        verdict_before=None if proof.before.verdict is None else proof.before.verdict.value, verdict_after=None if proof.after.verdict is None else proof.after.verdict.value,
        moved=moved, levelled_down=down, checked=proof.checked,
    )  # fmt: skip


def _moved(proof: Proof, config: AuditConfig) -> Iterator[Moved]:
    """Every rate that decisions move, of every slice."""
    for one in proof.differences.levels:
        if one.params or one.same_rows is None:
            continue
        interval, change = one.same_rows.interval, one.same_rows.value
        told = interval is not None and not interval[0] <= 0 <= interval[1]
        good = _better(one.metric, config.effect)
        is_better = None if not told or change is None or good is None else (change > 0) == (good is Better.HIGHER)
        yield Moved(metric=one.metric, slice=one.slice, rows=one.same_rows.rows, before=one.before, after=one.now, change=change, interval=interval, is_better=is_better)


def _better(name: str, effect: str) -> Better | None:
    """Which side of a rate is good for the people it is of."""
    good = metric(name).better
    if good in (Better.HIGHER, Better.LOWER):
        return good
    if name in ("selection_rate", "acceptance_rate"):
        return Better.HIGHER if effect == "helps" else Better.LOWER
    return None


def _levels_down(rule: Rule, moved: Sequence[Moved], slicing: Slicing, effect: str) -> bool:
    """Whether the rule's groups were brought nearer by making some worse off and nobody better."""
    own = [one for one in moved if one.metric in rule.metrics and one.slice.attributes == slicing]
    return any(one.is_better is False for one in own) and not any(one.is_better for one in own)


def _notes(cells: Cells, solved: Solved) -> Iterator[str]:
    if solved.gap > 0:
        yield f"The thresholds are not proven the best: better ones could have an objective higher by {solved.gap:.4g} at most."
    if solved.unfitted:
        yield f"A rule's rate is undefined for {', '.join(map(str, solved.unfitted))} in the rows to fit on, so they keep the model's threshold."
    small = [str(group) for group, rows in zip(cells.groups, cells.rows.min(axis=1).tolist(), strict=True) if rows < 30]
    if small:
        yield f"Thresholds of groups with fewer than 30 positives or negatives to fit on rest on little, and may not hold for others: {', '.join(small[:6])}{f' and {len(small) - 6} more' if len(small) > 6 else ''}."
