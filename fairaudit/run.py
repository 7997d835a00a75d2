"""The audit itself: rows → scores → cube → measurements → findings."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import numpy as np

from fairaudit import baselines
from fairaudit.bands import Bands, parsed, score_bins
from fairaudit.config import AuditConfig, converted, validate
from fairaudit.cube.counts import Counts
from fairaudit.cube.cube import Cube, Grid, Plan, counts, counts_within
from fairaudit.cube.matched import SCORES
from fairaudit.cube.sampled import Sample, draw
from fairaudit.cube.scored import count_given, count_scored, sample_given, save_given
from fairaudit.cube.slices import Slicing
from fairaudit.cube.thresholds import Thresholds, thresholds_of
from fairaudit.data.files import files_of, fingerprint
from fairaudit.data.frames import source_of
from fairaudit.data.progress import Progress, watched
from fairaudit.data.rows import Prepared, Wanted, grid_range, prepare, values_of
from fairaudit.data.source import Source, require, told
from fairaudit.errors import ConfigError, ContentError, FairauditError, UnknownName, listed, raise_all
from fairaudit.evidence import assembled, wanted
from fairaudit.evidence.across import across
from fairaudit.evidence.asked import idle_flags, improbable, mistaken_metrics, only_asked
from fairaudit.evidence.conditional import conditional
from fairaudit.evidence.consistency import as_answers, consistencies
from fairaudit.evidence.histograms import histograms
from fairaudit.evidence.measurement import Measurement
from fairaudit.evidence.over_groups import over_groups
from fairaudit.evidence.sweeps import swept
from fairaudit.given import path_given
from fairaudit.imports import prepare_tensorflow, uncollected
from fairaudit.manifest import manifest
from fairaudit.metrics.consistency import NEIGHBORS, can_find_neighbours, tied
from fairaudit.metrics.engines.cells import bins_of
from fairaudit.metrics.witnesses import Witnesses
from fairaudit.models.interface import Scorer
from fairaudit.notes import copies, notes, of_bins, of_clusters, of_sample, of_scores, of_smoothing, unbinned, unswept
from fairaudit.result import Audit, Exclusion, Rows, SavedScores, baseline_written, counts_written
from fairaudit.result import ReferenceOf as Reference
from fairaudit.rules.agreement import disagreements
from fairaudit.rules.judge import judge, kept_for_the_gate, not_judged, overall_verdict, wanted_pairs
from fairaudit.rules.library import left_out_of_packs, load_rules, warnings_of
from fairaudit.rules.plan import Context, cautions, plan
from fairaudit.rules.rule import Rule

if TYPE_CHECKING:  # models are imported where there is one
    from fairaudit.models.savedmodel import Matched


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """An audit and the cube it was computed from."""

    audit: Audit
    cube: Cube


def audit(config: AuditConfig, data: Any = None, *, scores: Path | str | None = None, progress: Progress | None = None) -> Audit:
    """Audit a model, or scores or decisions that the data hold.

    Args:
        config: what to audit.
        data: a pandas DataFrame or an Arrow table, instead of `config.data`.
        scores: the Parquet file that rows are kept in, by their ids, where `config.save_scores` asks for it.
        progress: told how far the run has come; perhaps from another thread.

    Raises:
        ConfigError, ContentError, Several: what the user has to mend.
    """
    return audited(config, data, scores=None if scores is None else path_given(scores, "scores"), progress=progress).audit


def audited(
    config: AuditConfig, data: Any = None, *, scores: Path | None = None, kept_values: Mapping[str, tuple[str, ...]] | None = None, progress: Progress | None = None, sole: bool = False, debug: bool = False
) -> Audited:
    """As `audit`, with the cube.

    Args:
        kept_values: attribute → its values that --other-below keeps, where other data told; None: these data tell.
        sole: this process does nothing but this audit, so libraries may be imported in quicker ways: one in a child process, without Keras, and without
            collecting garbage. Otherwise the environment stays the caller's.
        debug: what the child prints is shown.
    """
    config = converted(config)
    _check_scores(config, scores)
    rules, source, before = _opened(config, data)
    if sole:
        prepare_tensorflow()
    with Witnesses(config.engines, seed=config.seed, apart=sole and config.model is not None and (os.cpu_count() or 1) > 1, debug=debug) as witnesses:
        with source.connect() as connection:
            rows = _prepared(connection, config, source, progress, kept_values)
            source = rows.source
            if before is not None:
                raise_all(baselines.mistaken(before.audit.manifest, config=msgspec.structs.asdict(config), positive=rows.positive))
            scorer = _scorer(config, source, sole) if config.model else None
            thresholds = thresholds_of(config, rows, scorer.card.score_type if scorer else None)
            witnesses.begin()
            cube, rows, sample = _cube(connection, config, source, rows, scorer, thresholds, scores, progress)
        with told(source):
            found, within = counts(cube), counts_within(cube)
        _same_rows(source, rows, found, config.slicings)
        return Audited(audit=_measured(config, source, rows, rules, witnesses, scorer, thresholds, found, within, sample, before, scores), cube=cube)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Rows that a model scored, counted with their labels and scores: what a mitigation is fitted on."""

    rows: Prepared
    counts: Counts
    thresholds: Thresholds
    matched: Matched
    context: Context  # what rules are judged in


class KeptCube(Protocol):
    """Where a cube is kept, so that rows that were scored need not be scored again."""

    @property
    def scores(self) -> Path | None:
        """Where the rows go one by one, with their scores and ids, before `write` is called; None: they are not asked for."""

    def read(self) -> Cube | None: ...

    def write(self, cube: Cube) -> None: ...


def counted(
    config: AuditConfig, *, edges: Sequence[float] = (), kept_values: Mapping[str, tuple[str, ...]] | None = None, kept: KeptCube | None = None, called: str | None = None, progress: Progress | None = None
) -> Counted:
    """The rows of a model's audit, counted and not judged; this process does nothing but this.

    Args:
        config: of a model whose scores decide by a threshold.
        edges: scores at which cells must end besides the thresholds.
        kept_values: as `audited` takes them.
        kept: the cube of these very rows, model and edges, where they were counted before; else it is kept there.
        called: how messages call the rows, where their file is none of the user's.

    Raises:
        ConfigError, ContentError, Several: what the user has to mend.
    """
    config = converted(config)
    _, source, _ = _opened(config, None)
    source = replace(source, called=called)
    former = None if kept is None else kept.read()
    if former is None:
        prepare_tensorflow()
    with source.connect() as connection:
        rows = _prepared(connection, config, source, progress, kept_values)
        source = rows.source
        scorer = _scorer(config, source, True) if former is None else None
        matched = matched_of(config, source)
        thresholds = thresholds_of(config, rows, matched.card.score_type)
        if thresholds is None:
            raise ConfigError("the model decides by itself, and a mitigation decides by its scores; leave --decision-output out.")
        planned = _plan(config, rows, (0.0, 1.0), thresholds)
        planned = replace(planned, edges=tuple(sorted({*planned.edges, *edges})))
        if former is not None:
            cube = former
        else:
            assert scorer is not None
            cube = count_scored(source, rows, planned, scorer, thresholds.decision(config.counted_by), batch_size=config.batch_size, progress=progress, to=None if kept is None else kept.scores).cube
            if kept is not None:
                kept.write(cube)
    with told(source):
        found = counts(cube)
    _same_rows(source, rows, found, config.slicings)
    return Counted(rows=rows, counts=found, thresholds=thresholds, matched=matched, context=_context(config))


def matched_of(config: AuditConfig, source: Source) -> Matched:
    """The model of a configuration, matched to the columns of some rows without being loaded.

    Raises:
        ConfigError, Several: it does not fit them.
    """
    from fairaudit import models

    return models.matched(Path(str(config.model)), **_asked_of_model(config, source))


def _check_scores(config: AuditConfig, scores: Path | None) -> None:
    """Returns if scores are kept where they are asked for, and only there."""
    if config.save_scores and scores is None:
        raise ConfigError("save_scores keeps rows in a file, and none is named; give audit(config, scores='scores.parquet'), or let `fairaudit audit --out DIR` write it.")
    if scores is not None and not config.save_scores:
        raise ConfigError("a file for scores is named, and nothing asks for them; give AuditConfig(save_scores=True, id=…), or leave the file out.")


def _prepared(connection: Any, config: AuditConfig, source: Source, progress: Progress | None, kept_values: Mapping[str, tuple[str, ...]] | None = None) -> Prepared:
    """The rows, checked; raises what is wrong with them, or with what the configuration asks of them."""
    with watched(connection, progress, "checking"):
        rows = prepare(connection, source, replace(_wanted(config), kept_values=kept_values))
    if rows.audited == 0:
        reasons = ", ".join(reason for reason, _ in rows.excluded)
        raise ContentError(f"{source.name}: every one of its {rows.read:,} rows is excluded ({reasons}); nothing is left to audit.")
    raise_all(_unknown_values(config, rows, values_of(connection, rows, tuple(dict.fromkeys((*config.reference, *config.group_thresholds))))))
    if rows.score_range and grid_range(rows.score_range) != (0.0, 1.0):
        raise_all(improbable(config, rows.score_range))
    return rows


def _measured(
    config: AuditConfig, source: Source, rows: Prepared, rules: Sequence[Rule], witnesses: Witnesses, scorer: Scorer | None, thresholds: Thresholds | None,
    found: Counts, within: Counts | None, sample: Sample | None, before: baselines.Former | None, scores: Path | None,
) -> Audit:  # fmt: skip
    saved = None if scores is None else SavedScores(name=SCORES, sha256=fingerprint(scores))
    context = _beside(replace(_context(config, before), within=within), before, scores, found)
    references = _references(config, found)
    only = only_asked(config, [name for rule in rules for name in rule.metrics])
    bins = _score_bins(config)
    alone = wanted.values(found, only, bins)
    compared = wanted.comparisons(found, {one.slicing: found.index(one.slice) for one in references}, wanted_pairs(rules, found, context), only)
    together = wanted.over_groups(found, config.slicings, only)
    sweeps = swept(found, thresholds, only) if thresholds and thresholds.described else ()  # before the witnesses, who take longest: it may be too much to describe
    by_bin = wanted.of_bins(found, only, bins)
    answers = witnesses.ask((*alone, *compared, *together, *by_bin), found)  # at once, so that a witness computes each slice once
    ends = (len(alone), len(alone) + len(compared), len(alone) + len(compared) + len(together))
    asked = context.threshold
    edges = _bin_edges(found, only, dict(bins))
    made = manifest(config, source, rows, scorer.card if scorer else None, thresholds, edges, witnesses.versions)
    within_control = conditional(within, {one.slicing: one.slice for one in references}, config.control, threshold=asked, whole=found) if within else ()
    ties = float(tied(sample.features).mean()) if sample and sample.drawn_from else 0.0
    alike = _consistencies(config, sample, ties, found, witnesses, asked) if sample else ()
    against = None if before is None or context.baseline is None else baseline_written(context.baseline, before.audit, before.sha256, notes=baselines.notes(made, saved, before, context.baseline))
    findings = (*judge(rules, found, context), *disagreements((*answers, *(as_answers(alike, found))), found, threshold=asked))
    return Audit(
        manifest=made,
        rows=Rows(
            read=rows.read, lines=rows.lines if config.count else None, audited=rows.audited, unlabelled=rows.unlabelled if config.label else rows.audited,
            excluded=tuple(Exclusion(reason=reason, rows=number) for reason, number in rows.excluded),
        ),
        scores=saved,
        slicings=config.slicings,
        references=references,
        counts=counts_written(found, threshold=asked),
        strata=counts_written(within, threshold=asked) if within else (),
        measurements=(*assembled.measurements(answers[: ends[0]], found, threshold=asked), *alike),
        comparisons=(
            *assembled.comparisons(answers[ends[0] : ends[1]], found, threshold=asked, p_values=config.p_values),
            *across(found, config.slicings, threshold=asked, only=only),
            *over_groups(answers[ends[1] : ends[2]], found, threshold=asked),
            *(one for one in within_control if only is None or one.metric in only),
        ),
        sweeps=sweeps,
        histograms=(binned := histograms(found, dict(bins), only, answers[ends[2] :])),
        baseline=against,
        rules=tuple(rules),
        findings=findings,
        judged_by=kept_for_the_gate(rules, found, context),
        left_out=not_judged(rules, found, context),
        verdict=overall_verdict(findings) if rules else None,
        notes=(
            *notes(config, rows, found, within, references, thresholds), *of_clusters(config, found, sweeps), *of_scores(found, only),
            *of_smoothing(found, only), *of_bins(config, edges), *unswept(found, sweeps), *unbinned(found, binned),
            *(of_sample(config, sample, ties) if sample else ()), *copies(made.data), *witnesses.notes, *(scorer.notes if scorer else ()), *cautions(rules, context), *warnings_of(config.rules),
            *left_out_of_packs(config.rules, _has(config)), *(against.notes if against else ()),
        ),
    )  # fmt: skip


def _bin_edges(found: Counts, only: wanted.Only, bins: Mapping[str, float]) -> tuple[float, ...]:
    """The edges of the bins that calibration errors are over; none where there are no such errors."""
    held = bins_of(found, bins) if found.has_labels and (only is None or not wanted.CALIBRATION_ERRORS.isdisjoint(only)) else None
    return tuple(held.edges.tolist()) if held else ()


def _beside(context: Context, before: baselines.Former | None, scores: Path | None, found: Counts) -> Context:
    """The context with the rows that the baseline has too."""
    return context if before is None or context.baseline is None else replace(context, baseline=baselines.beside(scores, before, found, context.baseline))


def _has(config: AuditConfig) -> frozenset[str]:
    """What rules of packs may need."""
    had = {"baseline": config.baseline is not None, "control": bool(config.control), "score": config.decision_column is None, "label": config.label is not None, "population": bool(config.population)}
    return frozenset(name for name, has in had.items() if has)


def _opened(config: AuditConfig, data: Any) -> tuple[tuple[Rule, ...], Source, baselines.Former | None]:
    """The rules, the data and the baseline that some rule needs; everything that is wrong with flags, rules and columns is told at once."""
    mistakes: list[FairauditError] = []
    if config.features and not can_find_neighbours():
        mistakes.append(ConfigError("--feature needs scikit-learn, which is not installed; pip install 'fairaudit[consistency]', or leave it out."))
    rules: tuple[Rule, ...] = ()
    source: Source | None = None
    before: baselines.Former | None = None
    try:
        validate(config)
    except FairauditError as error:
        mistakes.append(error)
    mistaken = list(mistaken_metrics(config))
    mistakes.extend(mistaken)
    is_lost = False
    try:
        before = baselines.former(config.baseline) if config.baseline is not None else None
    except FairauditError as error:
        mistakes.append(error)
        is_lost = True
    try:
        rules = load_rules(config.rules, _has(config))
        if before is not None and not config.gate and not any(rule.needs_baseline for rule in rules):
            mistakes.append(ConfigError("--baseline is for rules on what changed, and for the gate; name such a rule, as no-worse-than-baseline, add --gate, or leave it out."))
        plan([rule for rule in rules if not (is_lost and rule.needs_baseline)], _nothing_yet(config), _context(config, before))
        mistakes.extend(() if mistaken else idle_flags(config, [name for rule in rules for name in rule.metrics]))
    except FairauditError as error:
        mistakes.append(error)
    try:
        source = _source(config, data)
        mistakes.extend(require(source, _wanted(config).columns | config.attribute_flags))
    except FairauditError as error:
        mistakes.append(error)
    raise_all(mistakes)
    if source is None:
        raise ConfigError("no data could be opened.")
    return rules, source, before if any(rule.needs_baseline for rule in rules) else None


def _source(config: AuditConfig, data: Any) -> Source:
    return Source(files=files_of(config.data)) if data is None else source_of(data, named=_wanted(config).columns)


def _wanted(config: AuditConfig) -> Wanted:
    return Wanted(
        attributes=config.counted_by, bins=_bands(config), other_below=config.other_below, kept=config.control, label=config.label, positive=config.positive, positive_decision=config.positive_decision, weight=config.weight, count=config.count, cluster=config.cluster, id=config.id,
        score=config.score_column, decision=config.decision_column, missing=config.missing, features=config.features,
        keeps_id=config.save_scores,
    )  # fmt: skip


def _bands(config: AuditConfig) -> dict[str, Bands]:
    """What --bins asks; nothing where it cannot be, which `validate` tells."""
    try:
        return {attribute: parsed(asked) for attribute, asked in config.bins.items()}
    except ValueError:
        return {}


def _nothing_yet(config: AuditConfig) -> Counts:
    """Counts of no rows: enough to ask whether the rules can be judged at all."""
    empty = np.zeros((0, 3, 2))
    scored = empty if config.decision_column is None else None
    return Counts(
        slices=(), rows=empty.astype(np.int64), weight=empty, weight_sq=empty, score=scored, score_sq=scored,
        has_labels=config.label is not None, has_weights=config.weight is not None, has_probabilities=True,  # of a column that is seen later
    )  # fmt: skip


def _same_rows(source: Source, rows: Prepared, found: Counts, slicings: Sequence[Slicing]) -> None:
    """Returns if every slicing holds the rows that were checked, each once.

    Raises:
        ContentError: the data changed while they were read.
    """
    for slicing in ((), *slicings):
        counted = int(found.rows[list(found.of_slicing(slicing))].sum())
        if counted != rows.audited:
            raise ContentError(f"{source.name} changed while it was read: {rows.audited:,} rows were checked and {counted:,} counted; run again when it is at rest.")


def _score_bins(config: AuditConfig) -> wanted.Params:
    """The bins that --calibration-bins asks; nothing where they cannot be, which `validate` tells."""
    try:
        return score_bins(config.calibration_bins).params
    except ValueError:
        return ()


def _context(config: AuditConfig, before: baselines.Former | None = None) -> Context:
    baseline = None if before is None else before.baseline(keeps_rows=config.save_scores)
    return Context(slicings=config.slicings, effect=config.effect, threshold=None if config.decision_column or config.decision_output or config.group_thresholds else config.threshold, bins=_score_bins(config), control=config.control, baseline=baseline, population=config.population)


def _scorer(config: AuditConfig, source: Source, sole: bool) -> Scorer:
    from fairaudit import models

    with uncollected() if sole else nullcontext():  # TensorFlow is imported when `load` is asked for
        try:
            scorer = models.load(Path(str(config.model)), **_asked_of_model(config, source), batch_size=config.batch_size)
        except ConfigError as error:
            if not source.unread:
                raise
            unread = f"of {source.name}, {listed(source.unread)} cannot be read, as columns of mixed types cannot; if the model needs it, give it one type"
            raise ConfigError(f"{str(error).rstrip('.')}; {unread}.") from error
    raise_all(require(source, {feature.name: "the model" for feature in scorer.features}))
    return scorer


def _asked_of_model(config: AuditConfig, source: Source) -> dict[str, Any]:
    """How a model is to be matched to the data, as `models.load` and `models.matched` take it."""
    parts = {config.label, config.weight, config.count, config.cluster, config.id}
    return {
        "columns": source.schema, "data_name": source.name, "feature_columns": [name for name in source.columns if name not in parts],
        "signature": config.signature, "output": config.output, "decision_output": config.decision_output, "activation": config.activation,
    }  # fmt: skip


def _cube(
    connection: Any, config: AuditConfig, source: Source, rows: Prepared, scorer: Scorer | None, thresholds: Thresholds | None, scores: Path | None, progress: Progress | None
) -> tuple[Cube, Prepared, Sample | None]:
    """The cube, the rows with what scoring found of them, and a sample of them where one is asked for."""
    grid = (0.0, 1.0) if scorer else grid_range(rows.score_range) if rows.score_range else None
    counted = _plan(config, rows, grid, thresholds)
    decision = thresholds.decision(config.counted_by) if thresholds else None
    drawn = draw(connection, rows, seed=config.seed) if config.features else None
    if scorer is None:
        cube = count_given(connection, source, rows, counted, decision, progress=progress)
        if scores is not None:
            save_given(connection, source, rows, counted, decision, scores)
        return cube, rows, sample_given(connection, source, rows, counted, decision, drawn) if drawn else None
    scored = count_scored(source, rows, counted, scorer, decision, batch_size=config.batch_size, drawn=drawn, progress=progress, to=scores)
    return scored.cube, replace(rows, trimmed=rows.trimmed or scored.trimmed), scored.sample


def _plan(config: AuditConfig, rows: Prepared, grid: tuple[float, float] | None, thresholds: Thresholds | None) -> Plan:
    """What is counted; without a range of scores, decisions alone."""
    return Plan(
        attributes=config.counted_by, slicings=config.slicings, control=config.control, grid=Grid(lowest=grid[0], highest=grid[1]) if grid else None,
        has_labels=config.label is not None, has_weights=config.weight is not None, has_probabilities=grid == (0.0, 1.0), has_copies=config.count is not None, has_clusters=config.cluster is not None,
        bands=tuple(map(rows.reading.bands.get, config.counted_by)),
        merged=tuple(rare.values if (rare := rows.reading.merged.get(one)) else () for one in config.counted_by),
        edges=thresholds.edges if thresholds else (),
    )  # fmt: skip


def _consistencies(config: AuditConfig, sample: Sample, ties: float, found: Counts, witnesses: Witnesses, threshold: float | None) -> tuple[Measurement, ...]:
    by_library = None
    if "aif360" in witnesses.asked and sample.decision.size >= NEIGHBORS:
        from fairaudit.metrics.engines.aif360 import consistency

        by_library = consistency(sample.features, sample.decision, neighbors=NEIGHBORS)
    return consistencies(sample, found.slices, threshold=threshold, tied=ties, rng=np.random.default_rng(config.seed), by_library=by_library)


def _unknown_values(config: AuditConfig, rows: Prepared, values: Mapping[str, Sequence[str]]) -> Iterator[FairauditError]:
    named = [("--reference", attribute, value) for attribute, value in config.reference.items()]
    named += [("group_thresholds", attribute, value) for attribute, groups in config.group_thresholds.items() for value in groups]
    for where, attribute, value in named:
        rare = rows.reading.merged.get(attribute)
        if value in values[attribute]:
            continue
        if rare and value in rare.values:
            yield ConfigError(f"{where} {attribute}={value}: it has fewer than {config.other_below} rows, and --other-below makes it part of {rare.name!r}; name another, or ask for less.")
        else:
            yield UnknownName(f"value of {attribute}", value, values[attribute], where=where)


def _references(config: AuditConfig, found: Counts) -> tuple[Reference, ...]:
    """Each slicing's reference: the slice that --reference names, or its largest; a missing value is never one."""
    return tuple(one for slicing in config.slicings if (one := _reference(config, found, slicing)) is not None)


def _reference(config: AuditConfig, found: Counts, slicing: Slicing) -> Reference | None:
    known = [index for index in found.of_slicing(slicing) if not found.slices[index].has_missing]
    if not known:
        return None
    if all(attribute in config.reference for attribute in slicing):
        named = [index for index in known if all(config.reference[attribute] == value for attribute, value in found.slices[index].values)]
        if named:
            return Reference(slicing=slicing, slice=found.slices[named[0]], chosen="asked")
    sizes = found.rows.sum(axis=(1, 2))
    return Reference(slicing=slicing, slice=found.slices[max(known, key=lambda index: (sizes[index], -index))], chosen="largest")
