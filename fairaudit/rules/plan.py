"""Which families a run of rules makes, and what each may spend of the run's error (RULES.md E5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import combinations
from typing import Literal

from fairaudit.cube.counts import Counts
from fairaudit.cube.slices import Slicing
from fairaudit.errors import ConfigError, FairauditError, listed, raise_all
from fairaudit.evidence.wanted import Params
from fairaudit.metrics.catalogue import metric
from fairaudit.rules.baseline import Baseline
from fairaudit.rules.finding import Severity
from fairaudit.rules.rule import Comparing, Intersections, Rule
from fairaudit.rules.sides import Judged

MANY_FAMILIES = 12  # beyond this the power of each is visibly spent


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a rule must know of the audit besides its counts."""

    slicings: tuple[Slicing, ...]
    effect: Literal["helps", "harms"] = "helps"  # what a positive decision does to people
    threshold: float | None = None  # of the score; None where decisions came as such, or groups have thresholds of their own
    bins: Params = ()  # that calibration errors are over, where they are not the usual ones
    control: Slicing = ()  # that groups are compared within
    within: Counts | None = None  # the counts of each slicing crossed with it; None before there are any
    baseline: Baseline | None = None  # a former audit, for rules on change
    population: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # attribute → value → share of the people that the rows should stand for
    kept: tuple[Judged, ...] = ()  # of an audit whose scores are not at hand: what its rules were judged by


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One family: a rule on a slicing, with its share of the error."""

    rule: Rule
    slicing: Slicing
    sharers: int  # families that share the error, this one among them

    @property
    def alpha(self) -> float:
        return error_of(self.rule) / self.sharers


def plan(rules: Sequence[Rule], counts: Counts, context: Context) -> tuple[Planned, ...]:
    """All families of a run, rule by rule.

    Raises:
        ConfigError: a rule needs labels, scores or slicings that the audit lacks; all such mistakes at once.
    """
    wrong: list[FairauditError] = [ConfigError(lack) for rule in rules for lack in _lacks(rule, counts, context)]
    slicings: list[tuple[Slicing, ...]] = []
    for rule in rules:
        try:
            slicings.append(_slicings(rule, context))
        except ConfigError as error:
            wrong.append(error)
    raise_all(wrong)
    pairs = list(zip(rules, slicings, strict=True))
    failing = sum(len(own) for rule, own in pairs if rule.severity is Severity.FAIL)
    telling = sum(len(own) for rule, own in pairs if rule.severity is not Severity.FAIL)
    return tuple(
        Planned(rule=rule, slicing=slicing, sharers=_sharers(rule, len(own), failing if rule.severity is Severity.FAIL else telling))
        for rule, own in pairs
        for slicing in own
    )


def sharing(one: Planned, planned: Sequence[Planned]) -> tuple[Planned, ...]:
    """The families that share the error with one, itself among them; as many as its `sharers`."""
    match one.rule.multiplicity.family:
        case "run":
            return tuple(other for other in planned if (other.rule.severity is Severity.FAIL) == (one.rule.severity is Severity.FAIL))
        case "rule":
            return tuple(other for other in planned if other.rule is one.rule)
    return (one,)


def cautions(rules: Sequence[Rule], context: Context) -> tuple[str, ...]:
    """What to warn of before judging: what the verdict must be read with, and so many families that each has little error to spend."""
    return (*verdict_cautions(rules, context), *_many_families(rules, context))


def verdict_cautions(rules: Sequence[Rule], context: Context) -> tuple[str, ...]:
    """What the verdict must be read with: slices that a rule leaves unjudged; a metric read against what a decision does."""
    return (*_unjudged(rules, context), *_upside_down(rules, context))


def _unjudged(rules: Sequence[Rule], context: Context) -> Iterator[str]:
    """Slicings of the audit where a rule has nobody to compare with, since the reference that it names lies in another."""
    for rule in rules:
        if isinstance(rule.reference, dict):
            left = [" × ".join(slicing) for slicing in context.slicings if slicing and frozenset(slicing) != frozenset(rule.reference)]
            if left:
                yield (
                    f"The rule {rule.id!r} judges only by {' × '.join(rule.reference)}, where the reference that it names lies; "
                    f"it judges nothing by {listed(left)}. Judge these by another rule, or give this one the reference 'best'."
                )


def _upside_down(rules: Sequence[Rule], context: Context) -> Iterator[str]:
    for rule in rules:
        if context.effect == "harms" and rule.better is None and "true_positive_rate" in rule.metrics:
            yield (
                f"A positive decision harms, and the rule {rule.id!r} takes a higher true positive rate for better, as who made the decision would; "
                "the harm done to people shows in their false positive rates, which a rule on false_positive_rate judges."
            )


def _many_families(rules: Sequence[Rule], context: Context) -> tuple[str, ...]:
    families = sum(len(_slicings(rule, context)) for rule in rules if rule.severity is Severity.FAIL)
    if families <= MANY_FAMILIES:
        return ()
    return (f"{families} families of comparisons share one 5 % error, so each finds less; let fewer rules or slicings gate than {MANY_FAMILIES}.",)


def error_of(rule: Rule) -> float:
    """What all families that share a rule's error may spend together."""
    return float(1 - Decimal(str(rule.confidence)))  # 0.05, where binary fractions say 0.050000000000000044


def _sharers(rule: Rule, own: int, of_its_kind: int) -> int:
    """Rules that warn or inform share a second 5 %, so that adding one never weakens the gate."""
    return {"run": of_its_kind, "rule": own, "slicing": 1}[rule.multiplicity.family]


def _lacks(rule: Rule, counts: Counts, context: Context) -> list[str]:
    if not rule.is_binary:
        return [f"the rule {rule.id!r} judges {listed(rule.applies_to.task)}, and this audit is of decisions that are yes or no; leave it out."]
    lacks = []
    if rule.needs_label and not counts.has_labels:
        lacks.append(f"the rule {rule.id!r} judges {listed(rule.metrics)} and needs labels, which this audit has not; name the label column with --label.")
    of_scores = [name for name in rule.metrics if metric(name).needs_score]
    if ("score" in rule.needs or of_scores) and counts.score is None:
        what = f"judges {listed(of_scores)} and needs" if of_scores else "needs"
        lacks.append(f"the rule {rule.id!r} {what} scores, which this audit has not; give a model or --score-column.")
    of_probabilities = [name for name in rule.metrics if metric(name).needs_probability]
    if of_probabilities and counts.score is not None and not counts.has_probabilities:
        lacks.append(f"the rule {rule.id!r} judges {listed(of_probabilities)} and needs probabilities, and some of these scores lie outside [0, 1]; name a column of probabilities.")
    if rule.within_control and not context.control:
        lacks.append(f"the rule {rule.id!r} judges groups among people who are alike in a control, and this audit has none; name it with --control {' --control '.join(rule.control) or 'COL'}.")
    elif rule.control and set(rule.control) != set(context.control):
        lacks.append(f"the rule {rule.id!r} judges within {listed(list(rule.control))}, and this audit's control is {listed(list(context.control))}; give both the same.")
    lacks += _lacks_of_baseline(rule, context)
    if rule.needs_population and not population_of(rule, context):
        lacks.append(f"the rule {rule.id!r} holds the rows against a population's shares, and none are given; write them in the configuration as population: {{sex: {{Female: 0.51, Male: 0.49}}}}, or in a rule of your own that extends it.")
    if "threshold" in rule.needs and context.threshold is None:
        lacks.append(f"the rule {rule.id!r} needs one threshold for everyone, and this audit's decisions were not made by one.")
    return lacks


def _lacks_of_baseline(rule: Rule, context: Context) -> list[str]:
    if not rule.needs_baseline:
        return []
    what, former = f"the rule {rule.id!r} judges what changed since a former audit", context.baseline
    if former is None:
        return [f"{what}, and none is named; name its audit.json with --baseline OLD-AUDIT.json."]
    if rule.needs_label and not former.counts.has_labels:
        return [f"{what}, and the one named has no labels, which {listed(rule.metrics)} {'needs' if len(rule.metrics) == 1 else 'need'}; name one that was made with --label."]
    is_paired = former.matched is not None or former.keeps_rows
    uncut = [] if is_paired or rule.comparison is not Comparing.CHANGE else [one for one in context.slicings if one and not former.cuts(one) and _judges(rule, one, context)]
    if uncut:
        named = listed([" × ".join(one) for one in uncut])
        return [f"{what}, and the one named was not cut by {named}; make it again with the same slices, or keep the rows of both with --save-scores --id COL, so that they are matched."]
    return []


def _judges(rule: Rule, slicing: Slicing, context: Context) -> bool:
    return frozenset(slicing) in {frozenset(one) for one in _wanted(rule, context)}


def _slicings(rule: Rule, context: Context) -> tuple[Slicing, ...]:
    known = {frozenset(slicing): slicing for slicing in context.slicings if slicing}
    wanted = _wanted(rule, context)
    missing = [slicing for slicing in wanted if frozenset(slicing) not in known]
    if missing:
        flags = " ".join(f"--slice '{'*'.join(slicing)}'" for slicing in missing)
        raise ConfigError(f"the rule {rule.id!r} judges slices that this audit did not cut; audit with {flags}.")
    unknown = [slicing for slicing in wanted if rule.needs_population and not (len(slicing) == 1 and slicing[0] in population_of(rule, context))]
    if unknown and population_of(rule, context):
        raise ConfigError(f"the rule {rule.id!r} judges slices by {listed([' × '.join(slicing) for slicing in unknown])}, and the population's shares are by {listed(list(population_of(rule, context)))}; name these slices, or give the shares.")
    if not wanted:
        if rule.needs_population:
            return ()  # which `_lacks` tells
        raise ConfigError(f"the rule {rule.id!r} has nothing to judge: no protected attribute was named.")
    return tuple(dict.fromkeys(known[frozenset(slicing)] for slicing in wanted))


def population_of(rule: Rule, context: Context) -> Mapping[str, Mapping[str, float]]:
    """The population's shares that a rule's rows are held against: its own, or the audit's."""
    return rule.population or context.population


def _wanted(rule: Rule, context: Context) -> tuple[Slicing, ...]:
    if rule.needs_population and rule.slices == "all":
        return tuple((attribute,) for attribute in population_of(rule, context))
    if isinstance(rule.reference, dict):
        # A named reference lies in one slicing; elsewhere there is nobody to compare with.
        named = frozenset(rule.reference)
        chosen: tuple[Slicing, ...] = (tuple(rule.reference),)
        if isinstance(rule.slices, Intersections):
            raise ConfigError(f"the rule {rule.id!r} names a reference by {listed(list(rule.reference))} and intersections, in which there is nobody to compare with; leave one out.")
        if isinstance(rule.slices, tuple) and any(frozenset(slicing) != named for slicing in rule.slices):
            raise ConfigError(f"the rule {rule.id!r} names a reference by {listed(list(rule.reference))} and slices that are cut otherwise.")
        return chosen
    if isinstance(rule.slices, Intersections):
        attributes = dict.fromkeys(attribute for slicing in context.slicings for attribute in slicing)
        return tuple(crossed for size in range(1, rule.slices.intersections + 1) for crossed in combinations(attributes, size))
    if rule.slices == "all":
        return tuple(slicing for slicing in context.slicings if slicing)
    return tuple(rule.slices)
