"""What a reader of the audit must know besides its numbers: a sentence each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from fairaudit.bands import score_bins
from fairaudit.config import AuditConfig
from fairaudit.cube.counts import Counts
from fairaudit.cube.sampled import Sample
from fairaudit.cube.slices import EVERYONE
from fairaudit.cube.thresholds import Thresholds
from fairaudit.data.cuts import told_of_bands, told_of_rare
from fairaudit.data.rows import MANY_NUMBERS, Prepared
from fairaudit.evidence.consistency import MANY_TIED
from fairaudit.evidence.design_effects import of_selection
from fairaudit.evidence.measurement import Histogram, Sweep
from fairaudit.evidence.wanted import Only
from fairaudit.metrics.consistency import NEIGHBORS
from fairaudit.metrics.engines.median import above_median
from fairaudit.result import DataFile
from fairaudit.result import ReferenceOf as Reference

_OFTEN = 2.0  # how far from 1 the mean weight may be
FEW_OTHERS = 0.01  # of the decisions: with so many alike, one asks whether the threshold is right
MANY_TIES = 0.01  # of the rows' weight at the median score, from which it is said


def notes(
    config: AuditConfig, rows: Prepared, found: Counts, within: Counts | None, references: Sequence[Reference], thresholds: Thresholds | None
) -> Iterator[str]:
    """What a reader must know of the rows and of what was asked of them.

    Args:
        within: the counts by stratum, where there is a control.
    """
    if rows.trimmed:
        yield "Some texts had spaces around them, which were trimmed."
    yield from told_of_bands(rows.wanted.bins, rows.reading.bands)
    if config.other_below is not None:
        yield from told_of_rare(rows.reading.rare, config.other_below)
    yield from _of_numbers(rows)
    yield from _of_case(config, found)
    if config.label in config.attributes:
        yield f"{config.label!r} is the label and a protected attribute too: its slices are what turned out to be true, so most metrics that need labels are undefined in them."
    if within and len({one.values[-len(config.control) :] for one in within.slices}) == 1:
        yield f"All rows are alike in {' and '.join(config.control)}, so comparing among people alike in it changes nothing."
    for text in rows.never_missing:
        yield f"No column that the audit reads holds {text!r}, which --missing names."
    if config.label and rows.label_values == 0:
        yield f"No row has a label in {config.label!r}, so whatever needs labels is undefined."
    elif config.label and rows.label_values == 1:
        yield f"All labels in {config.label!r} are alike, so metrics that compare positives with negatives are undefined."
    for one in references:
        if one.chosen == "largest" and all(attribute in config.reference for attribute in one.slicing):
            asked = ", ".join(f"{attribute}={config.reference[attribute]}" for attribute in one.slicing)
            yield f"No row is of {asked}, which --reference names, so {' × '.join(one.slicing)} is compared with its largest slice, {one.slice}."
    decided = found.rows[0].sum(axis=0) if found.slices else np.zeros(2)
    kind, few, every = ("positive" if decided[1] > decided[0] else "negative"), int(decided.min()), int(decided.sum())
    if not few:
        yield f"Every decision is {kind}{_doubted(thresholds)}"
    elif few <= FEW_OTHERS * every:
        yield f"All but {few:,} of {every:,} decisions are {kind}{_doubted(thresholds)}"
    if config.decision_output is not None:
        yield f"Decisions are the model's own, its output {config.decision_output!r}; no threshold was set on its scores."
    if thresholds and thresholds.of_groups:
        yield _by_group(thresholds)
    if rows.score_range and not found.has_probabilities:
        low, high = rows.score_range
        yield f"The scores run from {low:g} to {high:g} and are no probabilities; metrics that need probabilities are undefined."


def _of_numbers(rows: Prepared) -> Iterator[str]:
    """That bands would tell more than numbers one by one."""
    for name, number in rows.numbers.items():
        rare = rows.reading.merged.get(name)
        groups = number if rare is None else number - len(rare.values) + 1
        if groups > MANY_NUMBERS:
            yield f"{name} holds {groups:,} different numbers that are each a slice of their own; bands of them, as by --bins '{name}=quantiles:4', have more rows each and can be judged better."


def _of_case(config: AuditConfig, found: Counts) -> Iterator[str]:
    """That values of an attribute differ in upper and lower case alone."""
    values: dict[str, set[str]] = {attribute: set() for attribute in config.attributes}
    for one in found.slices:
        for attribute, value in one.values:
            if value is not None and attribute in values:
                values[attribute].add(value)
    for attribute, held in values.items():
        alike: dict[str, list[str]] = {}
        for value in sorted(held):
            alike.setdefault(value.casefold(), []).append(value)
        same = [" and ".join(map(repr, several)) for several in alike.values() if len(several) > 1]
        if same:
            named = "; ".join(same[:3]) + (f"; and {len(same) - 3:,} more" if len(same) > 3 else "")
            yield f"{attribute} has values that differ in upper and lower case alone, each a slice of its own: {named}; write them alike if they mean the same."


def _doubted(thresholds: Thresholds | None) -> str:
    if thresholds is None:
        return "."
    return "; are the thresholds those that are used?" if thresholds.of_groups else f"; is the threshold, {thresholds.operating:g}, the one that is used?"


def _by_group(thresholds: Thresholds) -> str:
    own = ", ".join(f"{value} {asked:g}" for value, asked in thresholds.of_groups.items())
    return (
        f"Decisions are made at different thresholds by {thresholds.attribute} ({own}; everyone else {thresholds.operating:g}). "
        "Deciding about people differently because of such an attribute may itself be unlawful disparate treatment, whatever it does to the rates; let a lawyer judge that."
    )


def of_scores(found: Counts, only: Only) -> Iterator[str]:
    """What LL144's scoring rate does not tell: many rows have exactly the median score."""
    if only is not None and "scoring_rate" not in only:
        return
    middle = above_median(found)
    if middle.median is not None and middle.ties >= MANY_TIES:
        above = middle.share[found.index(EVERYONE)]
        whose = "of all rows, by their weight," if found.has_weights else "of all rows"
        yield f"{middle.ties:.1%} {whose} have exactly the median score, {middle.median:g}, and the scoring rate counts them as not above it: everyone's is {above:.1%}."


def of_smoothing(found: Counts, only: Only) -> Iterator[str]:
    """That differential fairness is smoothed by a row that weighs 1, where rows weigh much less or more."""
    rows, weight = float(found.rows[0].sum()) if found.slices else 0.0, float(found.weight[0].sum()) if found.slices else 0.0
    asked = only is None or any(one.startswith("differential_fairness") for one in only)
    if found.has_weights and asked and rows and not 1 / _OFTEN <= weight / rows <= _OFTEN:
        yield (
            f"Rows weigh {weight / rows:.3g} on average, and differential fairness smooths each group by a row that weighs 1, so it depends on their unit; "
            "divide the weights by their mean to smooth by an average row."
        )


def of_clusters(config: AuditConfig, found: Counts, sweeps: Sequence[Sweep]) -> Iterator[str]:
    """Whose rows belong together, and how much that widens evidence."""
    clusters = found.clusters
    if clusters is None:
        return
    effects = of_selection(found)
    known = effects[np.isfinite(effects)]
    widest = f"a selection rate is as sure as that of {1 / float(np.median(known)):.0%} as many independent rows (the median over slices)" if known.size else "no selection rate has an interval"
    number = int(clusters.number[found.index(EVERYONE)])
    yield f"Rows alike in {config.cluster!r} belong together: {number:,} {'cluster' if number == 1 else 'clusters'} of at most {clusters.largest:,} {'row' if clusters.largest == 1 else 'rows'}; intervals and rules rest on clusters, and {widest}."
    for slicing, shared in clusters.shared.items():
        yield f"{'1 cluster has' if shared == 1 else f'{shared:,} clusters have'} rows in several slices of {' × '.join(slicing)}, and slices are compared as if they had not: cautious, where rows of a cluster are alike."
    single = [one for one, of_one in zip(found.slices, clusters.number, strict=True) if of_one == 1]
    if single:
        named = "; ".join(map(str, single[:3])) + (f" and {len(single) - 3:,} more" if len(single) > 3 else "")
        yield f"All rows of one cluster say nothing of chance, so there {'are no intervals' if number == 1 else 'is no interval'} where a slice has one cluster only: {named}."
    if sweeps:
        yield "At other thresholds than the one that decides, intervals have the design effects of that one."


def of_bins(config: AuditConfig, edges: Sequence[float]) -> Iterator[str]:
    """That bins of equal weight are fewer than asked for.

    Args:
        edges: those of the bins that calibration errors are over, both ends among them; none where there are no such errors.
    """
    asked = score_bins(config.calibration_bins)
    if edges and len(edges) - 1 < asked.number:
        held = "1 bin" if len(edges) == 2 else f"{len(edges) - 1} bins"
        yield f"Many rows have the same score, so calibration errors are over {held} of the {asked.number} of equal weight that were asked for."


def unswept(found: Counts, sweeps: Sequence[Sweep]) -> Iterator[str]:
    """That crosses were left out of a sweep."""
    if sweeps and len(sweeps) < len(found.slices):
        swept = f"Of {len(found.slices):,} slices the {len(sweeps):,} without crosses are described at {len(sweeps[0].thresholds)} thresholds"
        yield f"{swept}; fewer thresholds would leave room for crosses."


def unbinned(found: Counts, histograms: Sequence[Histogram]) -> Iterator[str]:
    """That crosses have no histograms."""
    if histograms and len(histograms) < len(found.slices):
        yield f"Of {len(found.slices):,} slices the {len(histograms):,} without crosses have a histogram of their scores; fewer bins or fewer crosses would leave room for all."


def of_sample(config: AuditConfig, sample: Sample, ties: float) -> Iterator[str]:
    """What consistency is of.

    Args:
        ties: the share of rows that have others as near as the last of their nearest.
    """
    which = (
        f"all {sample.drawn_from:,} rows"
        if sample.decision.size == sample.drawn_from
        else f"{sample.decision.size:,} of {sample.drawn_from:,} rows, drawn by seed {config.seed}"
    )
    lacking = (
        ""
        if not sample.lacking
        else f"; {'1 row lacks' if sample.lacking == 1 else f'{sample.lacking:,} rows lack'} one of them and {'is' if sample.lacking == 1 else 'are'} left out"
    )
    yield f"Consistency is of {which}, each beside the {NEIGHBORS} nearest in {', '.join(config.features)}, unscaled and unweighted{lacking}."
    if ties > MANY_TIED:
        tied = f"For {ties:.1%} of these rows others are just as near as the last of the {NEIGHBORS}, and which of them count is chance"
        yield f"{tied}; the intervals of consistency allow for it."


def copies(files: Sequence[DataFile]) -> Iterator[str]:
    """Files that are the same, byte for byte."""
    first: dict[str, str] = {}
    for one in files:
        if one.sha256 in first:
            yield f"{first[one.sha256]} and {one.name} hold the same bytes, so their rows count twice."
        first.setdefault(one.sha256, one.name)
