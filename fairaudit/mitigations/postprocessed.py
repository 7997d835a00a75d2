"""A model's decisions changed by group: fitted on one part of the data, exported, and judged on another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from fairaudit.bands import Bands, parsed
from fairaudit.config import AuditConfig
from fairaudit.cube.counts import Counts
from fairaudit.cube.slices import Slicing
from fairaudit.data.progress import Progress
from fairaudit.errors import ConfigError, listed, raise_all
from fairaudit.evidence.score_changes import NAMES as OF_SCORES
from fairaudit.manifest import data_files
from fairaudit.method_names import AS_IS
from fairaudit.mitigations.attributes import read_attributes
from fairaudit.mitigations.card import Fit, HeldOut, Inference, Judged, MitigationCard, Moved, Reached, Searched, is_better_of, is_told
from fairaudit.mitigations.cells import Cells, cells_of
from fairaudit.mitigations.exported import export
from fairaudit.mitigations.fittable import few_rows
from fairaudit.mitigations.inferring import Inferring, by_inferred, check_inferable, fit_on, inferred, meaning_of, of_holdout, with_inferred
from fairaudit.mitigations.methods import UNCHANGED, Method
from fairaudit.mitigations.parts import Parts, called_of, of_training
from fairaudit.mitigations.policy import Policy, Treatment, policy_of, policy_of_all, threshold_at
from fairaudit.mitigations.proof import Proof, proven
from fairaudit.mitigations.reweighing import Reweighing
from fairaudit.mitigations.rule_numbers import furthest, verdict_on
from fairaudit.mitigations.solved import Solved
from fairaudit.mitigations.usual import usual_row
from fairaudit.models.savedmodel import Matched
from fairaudit.rules.library import load_rules
from fairaudit.run import Counted, KeptCube, counted
from fairaudit.version import VERSION

CARD, MODEL, BEFORE, AFTER, COMPARISON, REPORT = "card.json", "saved_model", "before", "after", "comparison.json", "report.html"
NAMES = (MODEL, BEFORE, AFTER, COMPARISON, REPORT, CARD)  # what a mitigation's folder holds, the card last


def asked_of(config: AuditConfig, rules: Sequence[str] = (), *, has_model: bool = True) -> AuditConfig:
    """The audit's configuration with the full cross of its attributes among its slicings.

    Args:
        rules: that judge where none are named.
        has_model: whether there must be a model already.

    Raises:
        ConfigError, Several: it has no model or rule, or asks for what cannot be mitigated.
    """
    lacking = []
    if config.model is None and has_model:
        lacking.append(ConfigError("which model should be mitigated? Name a SavedModel with --model DIR."))
    if config.label is None:
        lacking.append(ConfigError("a mitigation is fitted on what turned out to be true; name its column with --label COL."))
    if not (config.rules or rules):
        lacking.append(ConfigError("which rule should hold? Name it with --rule ID, as equal-opportunity."))
    if config.count is not None:
        lacking.append(ConfigError("a table of counts has no rows that a model could score; leave --count out."))
    if config.decision_output is not None:
        lacking.append(ConfigError("the model decides by itself, and a mitigation decides by its scores; leave --decision-output out."))
    if config.group_thresholds:
        lacking.append(ConfigError("groups have thresholds of their own already (--group-threshold); a mitigation starts from one for all, so leave them out."))
    raise_all(lacking)
    cross = config.attributes
    engines = config.engines if config.engines != AuditConfig().engines else ("native",)
    return msgspec.structs.replace(config, rules=config.rules or tuple(rules), slices=(*config.slices, *(("*".join(cross),) if len(cross) > 1 else ())), engines=engines)


def cross_of(config: AuditConfig) -> Slicing:
    """The slicing whose slices are the groups."""
    return next(one for one in config.slicings if set(one) == set(config.attributes))


def fitted_on(config: AuditConfig, fit: Sequence[str], *, edges: Sequence[float] = (), kept: KeptCube | None = None, progress: Progress | None = None) -> tuple[Counted, Cells, Slicing]:
    """The rows to fit on, scored and counted."""
    found = counted(plain(config, fit), edges=edges, kept=kept, called=called_of(config, fit), progress=progress)
    slicing = cross_of(config)
    return found, cells_of(found.counts, slicing, tuple(sorted({*found.thresholds.edges, *edges}))), slicing


def infer(config: AuditConfig, found: Counted, cells: Cells, slicing: Slicing, aside: Path, *, edges: Sequence[float] = (), progress: Progress | None = None) -> Inferring:
    """A model of the group, fitted on the rows to fit on, and their cells with those of whoever it takes for each; the rows are scored again for it.

    Args:
        found, cells, slicing: as `fitted_on` gives them.
        aside: a folder for what is not kept.

    Raises:
        ConfigError, ContentError: the group cannot be inferred.
    """
    features = check_inferable(found.matched, slicing)
    model = fit_on(found.rows, features, cells.groups)
    places, _ = inferred(model, found.rows, features)
    crossed, column = with_inferred(config, found.rows, places, len(cells.groups), aside / "inferred.parquet")
    counted_by_both = fitted_on(crossed, crossed.data, edges=edges, progress=progress)[1]
    return Inferring(model=model, features=features, cells=by_inferred(counted_by_both, column, cells.groups))


def plain(config: AuditConfig, data: Sequence[str]) -> AuditConfig:
    """The configuration for counting other rows, and judging nothing."""
    return msgspec.structs.replace(config, data=tuple(data), rules=(), metrics=("selection_rate",), control=(), save_scores=False, gate=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """What was fitted, and on what."""

    method: Method
    solved: Solved
    policy: Policy
    found: Counted
    cells: Cells
    slicing: Slicing
    inferring: Inferring | None = None  # where the model infers the group


def mitigate(config: AuditConfig, method: Method, parts: Parts, folder: Path, aside: Path, *, progress: Progress | None = None) -> tuple[MitigationCard, Proof]:
    """Fit a method on one part, export the model into `folder`, and judge it on the other.

    Args:
        config: as `asked_of` gives it.
        aside: a folder for what is not kept.

    Raises:
        ConfigError, ContentError, Unreachable, Several: what the user has to mend; nothing meets what was asked.
        NotAsSolved: the exported model is not what was solved.
    """
    load_rules(config.rules)
    found, cells, slicing = fitted_on(config, parts.fit, edges=method.edges, progress=progress)
    threshold = found.thresholds.edge(config.threshold)
    inferring = infer(config, found, cells, slicing, aside, edges=method.edges, progress=progress) if method.infers_group else None
    cells = cells if inferring is None else inferring.cells
    solved = method.solve(cells, threshold)
    policy = policy_for(method, cells, slicing, solved.treatments, threshold)
    made = Solution(method=method, solved=solved, policy=policy, found=found, cells=cells, slicing=slicing, inferring=inferring if policy.is_inferred else None)
    return delivered(config, made, parts, folder, aside, progress=progress)


def policy_for(method: Method, cells: Cells, slicing: Slicing, treatments: Sequence[Treatment], threshold: float) -> Policy:
    """The treatments of the cells' groups, and the model's own decision for everybody else; or the one treatment of all, where the method needs no attribute, and where nothing changes for anybody."""
    if all(one == threshold_at(threshold) for one in treatments):
        return policy_of_all(method.name, threshold_at(threshold))
    if not method.by_group:
        return policy_of_all(method.name, treatments[0])
    return policy_of(method.name, slicing, dict(zip(cells.groups, treatments, strict=True)), threshold_at(threshold), is_inferred=method.infers_group)


def delivered(config: AuditConfig, made: Solution, parts: Parts, folder: Path, aside: Path, *, search: Searched | None = None, progress: Progress | None = None) -> tuple[MitigationCard, Proof]:
    """Export what was solved into `folder`, and judge it on the rows that were held out.

    Args:
        search: how it was chosen among others.

    Raises:
        ConfigError, ContentError, Several: what the user has to mend.
        NotAsSolved: the exported model is not what was solved.
    """
    rules, method, found, inferring = load_rules(config.rules), made.method, made.found, made.inferring
    exported = export(
        found.matched, made.policy, () if inferring else read_attributes(found.rows, made.policy.attributes), folder / MODEL, key=config.seed.to_bytes(16, "little", signed=True),
        inference=None if inferring is None else inferring.model,
    )  # fmt: skip
    examples = found.matched.inputs.examples
    exported = msgspec.structs.replace(exported, usual=usual_row(found.rows, found.matched.inputs.features), examples=None if examples is None else examples.name)
    what = UNCHANGED if method.by_group and not made.policy.attributes else method.what
    taken_for = None if inferring is None else of_holdout(inferring.model, found.rows, inferring.features, parts.holdout, parts.row)
    proof = proven(as_cut_on(config, found), parts.holdout, parts.row, folder / MODEL, exported.signature, made.policy, kept_values_of(found), aside, inferred=taken_for, progress=progress)
    card = MitigationCard(
        method=method.name, version=VERSION, what=what, why=method.why, source=method.source, settings=method.settings, config=told_of(config), rules=tuple(one.id for one in rules),
        data=tuple(data_files(found.rows.source, found.rows)), parts=parts.how, fit=_fit(method, made.cells, made.solved), export=exported,
        inference=None if inferring is None else _inference(proof, inferring),
        holdout=held_out(proof, [one.id for one in rules], method.judged, config, made.slicing, scores=made.policy.replaces), search=search,
        notes=(*([] if inferring is None else [meaning_of(made.policy.attributes)]), *parts.notes, of_training(is_retrained=False), *exported.notes, *_without_group(found, made.slicing, made.policy), *_notes(made.cells, made.solved, made.policy, method, found.thresholds.edge(config.threshold)), *_still_asked(made.policy, found.matched, made.slicing)),
    )  # fmt: skip
    return card, proof


def _inference(proof: Proof, inferring: Inferring) -> Inference:
    fitted = {str(group): int(one.rows.sum()) for group, one in zip(inferring.cells.groups, inferring.cells.told, strict=True)}
    return Inference(features=tuple(one.name for one in inferring.features), mistaken=proof.mistaken, fitted=fitted)


def kept_values_of(found: Counted | Reweighing) -> dict[str, tuple[str, ...]]:
    """Attribute → its values that --other-below kept on the rows that were fitted on."""
    return {name: one.kept for name, one in found.rows.reading.merged.items()}


def as_cut_on(config: AuditConfig, found: Counted | Reweighing) -> AuditConfig:
    """The configuration with bands cut and called as on the rows that were fitted on: quantiles of others would be other groups, and names tell whether all numbers are whole."""
    fitted = {name: _as_asked(bands) for name, bands in found.rows.reading.bands.items() if not parsed(config.bins[name]).names}
    return msgspec.structs.replace(config, bins={**config.bins, **fitted})


def _as_asked(bands: Bands) -> str | tuple[float, ...]:
    """What asks for these very bands; a single one has no edge that could be named, and is what no edges make."""
    return ",".join((*(f"{label}:{edge!r}" for label, edge in zip(bands.names, bands.edges, strict=False)), bands.names[-1])) if bands.edges else ()


def told_of(config: AuditConfig) -> dict[str, Any]:
    """What was asked, but for what is as it always is."""
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


def held_out(proof: Proof, rules: Sequence[str], judged: Sequence[str], config: AuditConfig, slicing: Slicing, *, scores: bool) -> HeldOut:
    """What became of the rows that were held out.

    Args:
        judged: rates by which levelling down is told.
        scores: whether these are changed, and not only decisions.
    """
    moved = tuple(_moved(proof, config, scores=scores))
    return HeldOut(
        verdict_before=None if proof.before.verdict is None else proof.before.verdict.value, verdict_after=None if proof.after.verdict is None else proof.after.verdict.value,
        rules=tuple(_judged(proof, one) for one in rules), moved=moved,
        levelled_down=tuple(name for name in judged if _levels_down(name, moved, slicing)), checked=proof.checked,
    )  # fmt: skip


def _judged(proof: Proof, rule: str) -> Judged:
    before, after = ([one for one in audit.findings if one.rule == rule] for audit in (proof.before, proof.after))
    severity = next(one.severity for one in proof.after.rules if one.id == rule)
    return Judged(rule=rule, severity=severity, before=verdict_on(before), after=verdict_on(after), number_before=furthest(before), number_after=furthest(after))


def _moved(proof: Proof, config: AuditConfig, *, scores: bool) -> Iterator[Moved]:
    """Every number that decisions move, of every slice; of scores too, where they are changed."""
    for one in proof.differences.levels:
        if one.params or one.same_rows is None or (one.metric in OF_SCORES and not scores):
            continue
        interval, change = one.same_rows.interval, one.same_rows.value
        told = is_told(interval)
        is_better = None if not told or change is None else is_better_of(one.metric, config.effect, change)
        yield Moved(metric=one.metric, slice=one.slice, rows=one.same_rows.rows, before=one.before, after=one.now, change=change, interval=interval, is_better=is_better)


def _levels_down(name: str, moved: Sequence[Moved], slicing: Slicing) -> bool:
    """Whether groups were brought nearer in a rate by making some worse off and nobody better."""
    own = [one for one in moved if one.metric == name and one.slice.attributes == slicing and one.before is not None and one.after is not None]
    if not own:
        return False
    apart = [max(values) - min(values) for values in ([one.before or 0.0 for one in own], [one.after or 0.0 for one in own])]
    return apart[1] < apart[0] and any(one.is_better is False for one in own) and not any(one.is_better for one in own)


def _without_group(found: Counted, slicing: Slicing, policy: Policy) -> Iterator[str]:
    counts = found.counts
    if rows := rows_without_group(counts, slicing):
        lack, are = ("row to fit on lacks", "it is") if rows == 1 else ("rows to fit on lack", "they are")
        how = "as what they are taken for" if policy.is_inferred else "as the model itself does" if policy.attributes else "as everybody is"
        yield f"{rows:,} {lack} a value of {' or '.join(slicing)}: {are} of no group, and decided {how}, as all such rows will be."


def rows_without_group(counts: Counts, slicing: Slicing) -> int:
    """Rows that lack a value of an attribute."""
    return int(sum(counts.rows[place].sum() for place in counts.of_slicing(slicing) if counts.slices[place].has_missing))


def _notes(cells: Cells, solved: Solved, policy: Policy, method: Method, threshold: float) -> Iterator[str]:
    if method.name == AS_IS:
        yield "The exported model decides as the original does."
        return
    if all(one == threshold_at(threshold) for one in solved.treatments):
        yield "The rows that were fitted on gave no reason to change anything: what was asked holds there as the model decides, and nothing better is told from it by more than chance. The exported model decides as the original does. It asks for no group that the original does not take."
        return
    if solved.gap > 0:
        yield f"What was solved is not proven the best: the best could have an objective higher by {solved.gap:.4g} at most."
    if solved.unfitted:
        so = "they keep the model's threshold" if policy.attributes and not policy.is_inferred else "the rules were held to for the other groups alone"
        yield f"A rule's rate is undefined for {', '.join(map(str, solved.unfitted))} in the rows to fit on, so {so}."
    yield from few_rows(cells.groups, cells.rows.min(axis=1).tolist(), what="Thresholds" if policy.attributes and not policy.is_inferred else "Rates")


def taken_by(matched: Matched, slicing: Slicing) -> list[str]:
    """The attributes that the original model takes itself."""
    taken = {one.name for one in matched.inputs.features}
    return [name for name in slicing if name in taken]


def _still_asked(policy: Policy, matched: Matched, slicing: Slicing) -> Iterator[str]:
    asked = taken_by(matched, slicing)
    if asked and (policy.is_inferred or not policy.attributes):
        yield f"The original model takes {listed(asked)} itself, so the exported one does too: what it scores by is not changed, only what is decided of the score."
