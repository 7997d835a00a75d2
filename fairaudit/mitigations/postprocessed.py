"""A model's decisions changed by group: fitted on one part of the data, exported, and judged on another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from fairaudit.bands import parsed
from fairaudit.config import AuditConfig
from fairaudit.cube.slices import Slice, Slicing
from fairaudit.data.progress import Progress
from fairaudit.errors import ConfigError, raise_all
from fairaudit.evidence.measurement import Interval
from fairaudit.manifest import data_files
from fairaudit.metrics.catalogue import Better, metric
from fairaudit.mitigations.attributes import read_attributes
from fairaudit.mitigations.calibrated_equalized_odds import calibrated_equalized_odds
from fairaudit.mitigations.cells import Cells, cells_of
from fairaudit.mitigations.constraints import Constraint, constraints_of, rates_of
from fairaudit.mitigations.equalized_odds import equalized_odds
from fairaudit.mitigations.exported import Exported, export
from fairaudit.mitigations.objective import Objective, objective_of
from fairaudit.mitigations.parts import HowParted, Parts
from fairaudit.mitigations.policy import Policy, policy_of, threshold_at
from fairaudit.mitigations.proof import Checked, Proof, proven
from fairaudit.mitigations.reject_option import Grid, points, reject_option
from fairaudit.mitigations.reweighed import SCHEMA
from fairaudit.mitigations.solved import Solved
from fairaudit.mitigations.thresholds import meets, solve
from fairaudit.result import Audit, DataFile
from fairaudit.rules.finding import Verdict
from fairaudit.rules.library import load_rules
from fairaudit.run import Counted, counted
from fairaudit.version import VERSION

CARD, MODEL, BEFORE, AFTER, COMPARISON, REPORT = "card.json", "saved_model", "before", "after", "comparison.json", "report.html"
NAMES = (MODEL, BEFORE, AFTER, COMPARISON, REPORT, CARD)  # what a mitigation's folder holds, the card last
_NOISE = 4.0  # standard errors, beyond which the best of thousands is better than what was there by more than chance


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """What a method held to something, of one group, on the rows that were fitted on."""

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
    judged: tuple[str, ...]  # rates that the method is about
    reference: Slice | None  # the group that others were held against, where the method has one
    parameters: dict[str, float]  # what was chosen for all groups together


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


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule says of the rows that were held out, whether or not it may fail an audit."""

    rule: str
    before: str | None  # the gravest of its findings' verdicts; None: it said nothing
    after: str | None


class HeldOut(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the rows that were held out."""

    verdict_before: str | None
    verdict_after: str | None
    rules: tuple[Judged, ...]
    moved: tuple[Moved, ...]
    levelled_down: tuple[str, ...]  # rates by which groups were brought together by making some worse off and none better
    checked: Checked


class MitigationCard(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, on what, and why: `card.json`."""

    schema: Literal["fairaudit/mitigation/1"] = SCHEMA  # type: ignore[assignment]
    method: str
    version: str
    what: str
    why: str
    source: str
    settings: dict[str, Any]  # of the method
    config: dict[str, Any]  # what was asked of the audit, but for what is as it always is
    rules: tuple[str, ...]
    data: tuple[DataFile, ...]  # as they were fitted on
    parts: HowParted
    fit: Fit
    export: Exported
    holdout: HeldOut
    notes: tuple[str, ...]


def asked_of(config: AuditConfig, rules: Sequence[str] = ()) -> AuditConfig:
    """The audit's configuration with the full cross of its attributes among its slicings.

    Args:
        rules: that judge where none are named.

    Raises:
        ConfigError, Several: it has no model or rule, or asks for what cannot be mitigated.
    """
    lacking = []
    if config.model is None:
        lacking.append(ConfigError("which model should be mitigated? Name a SavedModel with --model DIR."))
    if config.label is None:
        lacking.append(ConfigError("a mitigation is fitted on what turned out to be true; name its column with --label COL."))
    if not (config.rules or rules):
        lacking.append(ConfigError("which rule should hold? Name it with --rule ID, as equal-opportunity."))
    if config.count is not None:
        lacking.append(ConfigError("a table of counts has no rows that a model could score; leave --count out."))
    if config.group_thresholds:
        lacking.append(ConfigError("groups have thresholds of their own already (--group-threshold); a mitigation starts from one for all, so leave them out."))
    raise_all(lacking)
    cross = config.attributes
    engines = config.engines if config.engines != AuditConfig().engines else ("native",)
    return msgspec.structs.replace(config, rules=config.rules or tuple(rules), slices=(*config.slices, *(("*".join(cross),) if len(cross) > 1 else ())), engines=engines)


def fitted_on(config: AuditConfig, fit: Sequence[str], *, edges: Sequence[float] = (), progress: Progress | None = None) -> tuple[Counted, Cells, Slicing]:
    """The rows to fit on, scored and counted."""
    found = counted(msgspec.structs.replace(config, data=tuple(fit), rules=(), metrics=("selection_rate",), control=(), save_scores=False, gate=False), edges=edges, progress=progress)
    slicing = next(one for one in config.slicings if set(one) == set(config.attributes))
    return found, cells_of(found.counts, slicing, tuple(sorted({*found.thresholds.edges, *edges}))), slicing


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One way to change decisions by group."""

    name: str
    objective: str  # as the card and the report call it
    what: str
    why: str
    source: str
    settings: dict[str, Any]
    solve: Callable[[Cells, float], Solved]  # from the cells, and the score above which all groups are selected so far
    rules: tuple[str, ...] = ()  # that judge where the user names none
    edges: tuple[float, ...] = ()  # scores that must be told apart exactly
    judged: tuple[str, ...] = ()  # rates that the report draws


def by_thresholds(config: AuditConfig, objective: str) -> Method:
    """A threshold for each group, the best that the rules allow.

    Raises:
        ConfigError: there is no such objective.
    """
    aim, rules = objective_of(objective), load_rules(config.rules)

    def solved(cells: Cells, threshold: float) -> Solved:
        constraints = constraints_of(rules, cells.groups, cells.rows.sum(axis=1).tolist(), config.effect)
        return _unless_noise(cells, constraints, aim, threshold, solve(cells, constraints, aim, threshold=threshold))

    return Method(
        name="thresholds", objective=aim.name, solve=solved, settings={"objective": objective}, judged=tuple(dict.fromkeys(name for rule in rules for name in rule.metrics)),
        what="Every group has a threshold of its own: a row is selected if its score is above its group's.",
        why="Of all thresholds that meet the rules on the rows that were fitted on, these have the best objective. Whether the rules hold for other people is judged on the rows that were held out.",
        source="Hardt, Price & Srebro (2016), NeurIPS, section 4, for thresholds by group; the search is a branch and bound over the rates that tie the groups together.",
    )  # fmt: skip


def by_equalized_odds() -> Method:
    """Hardt, Price and Srebro's."""
    return Method(
        name="equalized-odds", objective="sum of the groups' true less false positive rates", solve=lambda cells, threshold: equalized_odds(cells, threshold=threshold), settings={}, rules=("equalized-odds",),
        judged=("true_positive_rate", "false_positive_rate"),
        what="What the model selects stays selected with a chance of its own in each group, and what it rejects becomes selected with another.",
        why="With these chances every group has the same true and the same false positive rate on the rows that were fitted on, and the best that equal rates allow.",
        source="Hardt, Price & Srebro (2016), NeurIPS, section 3, as AIF360's EqOddsPostprocessing.",
    )  # fmt: skip


def by_calibrated_equalized_odds(cost: str) -> Method:
    """Pleiss and others'."""
    judged = {"fnr": ("true_positive_rate",), "fpr": ("false_positive_rate",)}.get(cost, ("true_positive_rate", "false_positive_rate"))
    rule = {"fnr": "equal-opportunity", "fpr": "predictive-equality"}.get(cost, "equalized-odds")
    return Method(
        name="calibrated-equalized-odds", objective="mean cost of the scores", solve=lambda cells, threshold: calibrated_equalized_odds(cells, threshold=threshold, cost=cost), settings={"cost": cost},
        rules=(rule,), judged=judged,
        what="In each group but the costliest a share of the rows is scored by the group's base rate instead of the model's score.",
        why="With these shares every group's scores cost the same on the rows that were fitted on, and mean as much as they did. Nobody's scores are made better for it, so it is levelling down. The costs are of scores, so what becomes of decisions is another matter: it is judged on the rows that were held out.",
        source="Pleiss, Raghavan, Wu, Kleinberg & Weinberger (2017), NeurIPS, algorithm 1, as AIF360's CalibratedEqOddsPostprocessing.",
    )  # fmt: skip


_RULE_OF = {"statistical_parity_difference": "statistical-parity", "average_odds_difference": "equalized-odds", "equal_opportunity_difference": "equal-opportunity"}
_RATES_OF = {"statistical_parity_difference": ("selection_rate",), "average_odds_difference": ("true_positive_rate", "false_positive_rate"), "equal_opportunity_difference": ("true_positive_rate",)}


def by_reject_option(config: AuditConfig, metric: str, bound: float) -> Method:
    """Kamiran, Karim and Zhang's; the group that is decided against is the one that --reference names, or else the best-off.

    Raises:
        ConfigError: the bound is none.
    """
    if not 0 <= bound <= 1:
        raise ConfigError(f"--bound {bound:g} is no difference of rates; give one between 0 and 1, as 0.05.")

    def solved(cells: Cells, threshold: float) -> Solved:
        reference = next((place for place, group in enumerate(cells.groups) if dict(group.values) == {name: config.reference.get(name) for name in group.attributes}), None)
        return reject_option(cells, metric, threshold=threshold, reference=reference, bounds=(0.0 - bound, bound), helps=config.effect == "helps")

    return Method(
        name="reject-option", objective="balanced accuracy", settings={"metric": metric, "bound": bound}, rules=(_RULE_OF[metric],), edges=points(Grid()), judged=_RATES_OF[metric],
        solve=solved,
        what="Near the threshold, where the model is least sure, rows of the best-off group are decided against and those of every other group in favour.",
        why="Of 5,000 thresholds and margins these have the best balanced accuracy of those that keep every group's difference to the best-off one within the bound on the rows that were fitted on.",
        source="Kamiran, Karim & Zhang (2012), ICDM, section III, with the grid of AIF360's RejectOptionClassification.",
    )  # fmt: skip


def mitigate(config: AuditConfig, method: Method, parts: Parts, folder: Path, aside: Path, *, progress: Progress | None = None) -> tuple[MitigationCard, Proof]:
    """Fit a method on one part, export the model into `folder`, and judge it on the other.

    Args:
        config: as `asked_of` gives it.
        aside: a folder for what is not kept.

    Raises:
        ConfigError, ContentError, Unreachable, Several: what the user has to mend; nothing meets what was asked.
        NotAsSolved: the exported model is not what was solved.
    """
    rules = load_rules(config.rules)
    found, cells, slicing = fitted_on(config, parts.fit, edges=method.edges, progress=progress)
    threshold = found.thresholds.edge(config.threshold)
    solved = method.solve(cells, threshold)
    policy = policy_of(method.name, slicing, dict(zip(cells.groups, solved.treatments, strict=True)), threshold_at(threshold))
    exported = export(found.matched, policy, read_attributes(found.rows, slicing), folder / MODEL, key=config.seed.to_bytes(16, "little", signed=True))
    proof = proven(_with_cuts(config, found), parts.holdout, parts.row, folder / MODEL, exported.signature, policy, {name: one.kept for name, one in found.rows.reading.merged.items()}, aside, progress=progress)
    card = MitigationCard(
        method=method.name, version=VERSION, what=method.what, why=method.why, source=method.source, settings=method.settings, config=_told(config), rules=tuple(one.id for one in rules),
        data=tuple(data_files(found.rows.source, found.rows)), parts=parts.how, fit=_fit(method, cells, solved), export=exported,
        holdout=_held_out(proof, [one.id for one in rules], method, config, slicing), notes=(*parts.notes, *exported.notes, *_notes(cells, solved, policy)),
    )  # fmt: skip
    return card, proof


def _unless_noise(cells: Cells, constraints: Sequence[Constraint], aim: Objective, threshold: float, solved: Solved) -> Solved:
    """What was solved; the model's own threshold for all where it meets the rules too and the best is better by no more than noise."""
    tp, fp = cells.selected()
    positives, negatives = cells.positive.sum(axis=1), cells.negative.sum(axis=1)
    start = cells.place(threshold)
    everybody, nobody = 0, tp.shape[1] - 1
    places = np.array([cells.place(one.cuts[0]) if one.cuts else everybody if one.chances[0] else nobody for one in solved.treatments])
    at = np.arange(places.size)
    kept = [constraint for constraint in constraints if meets(constraint, tp[:, start], fp[:, start], positives=positives, negatives=negatives)]
    if len(kept) < len(constraints):
        return solved
    # Each row that is decided otherwise adds its gain or takes it away, as a coin would fall if the two were equally good.
    nothing, one_row = np.zeros(places.size), np.ones(places.size)
    none = aim.of(nothing, nothing, positives=positives, negatives=negatives)
    of_true, of_false = (aim.of(*selected, positives=positives, negatives=negatives) - none for selected in ((one_row, nothing), (nothing, one_row)))
    turned = np.abs(tp[at, places] - tp[:, start]), np.abs(fp[at, places] - fp[:, start])
    error = float(np.sqrt((of_true**2 * turned[0] + of_false**2 * turned[1]).sum()))
    if solved.objective - solved.before > _NOISE * error:
        return solved
    rates = tuple(rates_of(one.metric, tp[:, start], fp[:, start], positives=positives, negatives=negatives) for one in constraints)
    return replace(solved, treatments=tuple(threshold_at(threshold) for _ in places), objective=solved.before, rates=rates, gap=solved.objective + solved.gap - solved.before)


def _with_cuts(config: AuditConfig, found: Counted) -> AuditConfig:
    """The configuration with bands cut and called as on the rows that were fitted on: quantiles of others would be other groups, and names tell whether all numbers are whole."""
    fitted = {name: ",".join((*(f"{label}:{edge!r}" for label, edge in zip(bands.names, bands.edges, strict=False)), bands.names[-1])) for name, bands in found.rows.reading.bands.items() if bands.edges and not parsed(config.bins[name]).names}
    return msgspec.structs.replace(config, bins={**config.bins, **fitted})


def _told(config: AuditConfig) -> dict[str, Any]:
    told, default = msgspec.to_builtins(config), msgspec.to_builtins(AuditConfig())
    return {name: value for name, value in told.items() if value != default[name]}


def _fit(method: Method, cells: Cells, solved: Solved) -> Fit:
    reached = tuple(
        Reached(metric=name, group=group, value=float(value) if np.isfinite(value) else None)
        for name, values in dict(zip(solved.metrics, solved.rates, strict=True)).items()
        for group, value in zip(cells.groups, values.tolist(), strict=True)
    )
    rows = {str(group): int(number) for group, number in zip(cells.groups, cells.rows.sum(axis=1).tolist(), strict=True)}
    reference = None if solved.reference is None else cells.groups[solved.reference]
    return Fit(
        objective=method.objective, before=solved.before, after=solved.objective, gap=solved.gap, reached=reached, judged=method.judged, unfitted=solved.unfitted, rows=rows, reference=reference,
        parameters=dict(solved.parameters),
    )  # fmt: skip


def _held_out(proof: Proof, rules: Sequence[str], method: Method, config: AuditConfig, slicing: Slicing) -> HeldOut:
    moved = tuple(_moved(proof, config))
    return HeldOut(
        verdict_before=None if proof.before.verdict is None else proof.before.verdict.value, verdict_after=None if proof.after.verdict is None else proof.after.verdict.value,
        rules=tuple(Judged(rule=one, before=_gravest(proof.before, one), after=_gravest(proof.after, one)) for one in rules), moved=moved,
        levelled_down=tuple(name for name in method.judged if _levels_down(name, moved, slicing)), checked=proof.checked,
    )  # fmt: skip


def _gravest(audit: Audit, rule: str) -> str | None:
    found = {one.verdict for one in audit.findings if one.rule == rule and (one.verdict is not Verdict.INCONCLUSIVE or one.needed_for_pass)}
    return next((one.value for one in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS) if one in found), None)


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
    """Which side of a rate is good for the people it is of: being selected is, where that helps, and being selected wrongly is not, where it harms. That others are selected wrongly is no gain of theirs."""
    if name in ("accuracy", "error_rate"):
        return metric(name).better
    return _GOOD[effect].get(name)


_GOOD = {
    "helps": {"selection_rate": Better.HIGHER, "true_positive_rate": Better.HIGHER, "false_negative_rate": Better.LOWER},
    "harms": {"selection_rate": Better.LOWER, "false_positive_rate": Better.LOWER, "true_negative_rate": Better.HIGHER},
}


def _levels_down(name: str, moved: Sequence[Moved], slicing: Slicing) -> bool:
    """Whether groups were brought nearer in a rate by making some worse off and nobody better."""
    own = [one for one in moved if one.metric == name and one.slice.attributes == slicing and one.before is not None and one.after is not None]
    if not own:
        return False
    apart = [max(values) - min(values) for values in ([one.before or 0.0 for one in own], [one.after or 0.0 for one in own])]
    return apart[1] < apart[0] and any(one.is_better is False for one in own) and not any(one.is_better for one in own)


def _notes(cells: Cells, solved: Solved, policy: Policy) -> Iterator[str]:
    if all(one.treatment == policy.fallback for one in policy.groups):
        yield "The rows that were fitted on gave no reason to change anything: what was asked holds there as the model decides, and nothing better is told from it by more than chance. The exported model decides as the original does."
        return
    if solved.gap > 0:
        yield f"What was solved is not proven the best: the best could have an objective higher by {solved.gap:.4g} at most."
    if solved.unfitted:
        yield f"A rule's rate is undefined for {', '.join(map(str, solved.unfitted))} in the rows to fit on, so they keep the model's threshold."
    small = [str(group) for group, rows in zip(cells.groups, cells.rows.min(axis=1).tolist(), strict=True) if rows < 30]
    if small:
        yield f"Thresholds of groups with fewer than 30 positives or negatives to fit on rest on little, and may not hold for others: {', '.join(small[:6])}{f' and {len(small) - 6} more' if len(small) > 6 else ''}."
