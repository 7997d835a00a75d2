"""A rule: what is judged, against whom, by how much it may differ, and how sure one must be. Data; it holds no expressions."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from msgspec import Meta, Struct

from fairaudit.metrics.catalogue import Better, Shape, metric
from fairaudit.rules.finding import Severity

Text = Annotated[str, Meta(min_length=1)]
Extends = Annotated[str, Meta(description="The id of a shipped rule, or the path of a rule's file, whose fields those are that this file does not give.")]
ID = "[a-z0-9]+(-[a-z0-9]+)*"


class SourceKind(StrEnum):
    LAW = "law"
    REGULATION = "regulation"
    GUIDANCE = "guidance"
    PAPER = "paper"
    CONVENTION = "convention"


class LimitOrigin(StrEnum):
    LAW = "law"
    GUIDANCE = "guidance"
    CONVENTION = "convention"
    OURS = "ours"


class Comparing(StrEnum):
    """What is held against the limit."""

    RATIO = "ratio"  # group / reference
    DIFFERENCE = "difference"  # group − reference
    GAP = "gap"  # the largest value of any group less the smallest
    MIN_MAX_RATIO = "min_max_ratio"  # the smallest over the largest
    VALUE = "value"  # each group's own, or one number over all groups
    CHANGE = "change"  # each group's own, less what it was in a former audit

    @property
    def is_extreme(self) -> bool:
        """Whether it is of the two groups that are furthest apart."""
        return self in (Comparing.GAP, Comparing.MIN_MAX_RATIO)


class Direction(StrEnum):
    WORSE = "worse"  # only groups on the bad side of their reference
    EITHER = "either"


class Deciding(StrEnum):
    """What makes a value past the limit a violation."""

    SIGNIFICANT = "significant"  # and "no disparity at all" is rejected
    INTERVAL = "interval"  # the whole interval, adjusted for the number of groups, is past the limit
    POINT = "point"  # nothing more


class Method(StrEnum):
    TWO_LOOK = "two-look"
    HOLM = "holm"  # the first look alone, at the family's full share
    BH = "bh"  # the first look alone, its share of false alarms held instead of their chance: to rank, never to fail a build
    NONE = "none"


class SmallGroups(StrEnum):
    POOL = "pool"
    GATE = "gate"
    REPORT = "report"


class Source(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the rule or its limit comes from."""

    cite: Annotated[str, Meta(min_length=1, description="The citation.")]
    kind: Annotated[SourceKind, Meta(description="What kind of text it is.")]
    says_number: Annotated[bool, Meta(description="Whether the cited text itself prints the limit.")]
    status: Annotated[str, Meta(description="What is happening to the text, as a rescission under way; or that it was not checked.")] = ""
    as_of: Annotated[date, Meta(description="The day on which somebody looked, since law moves; of a paper, when it appeared.")]

    def is_old(self, on: date) -> bool:
        """Whether somebody looked over a year before a day. A paper stays what it is."""
        return self.kind is not SourceKind.PAPER and (on.year - 1, on.month, on.day) > (self.as_of.year, self.as_of.month, self.as_of.day)


class AppliesTo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the rule is made for."""

    task: Annotated[
        tuple[Literal["binary", "multiclass", "regression", "ranking"], ...],
        Meta(min_length=1, description="What the model answers; an audit of another task refuses the rule."),
    ] = ("binary",)
    domains: Annotated[tuple[str, ...], Meta(description="The fields of life it was made for, as hiring; told, and not checked.")] = ()


class Multiplicity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the number of comparisons is paid for."""

    method: Annotated[
        Method,
        Meta(description="two-look: every group, and all pairs of large ones. holm: every group alone. bh and none rank or warn, and cannot fail a build."),
    ] = Method.TWO_LOOK
    family: Annotated[
        Literal["run", "rule", "slicing"],
        Meta(description="What shares the error: all rules and slicings of the run, this rule's slicings, or nothing: each slicing has it whole."),
    ] = "run"


class Minimum(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a group must have to be judged alone; events are rows × the pooled rate, so 0 hired of 200 does not exempt itself."""

    rows: Annotated[int, Meta(ge=1, description="The least number of rows.")] = 1
    events: Annotated[float, Meta(ge=0, description="Events it would have at everyone's rate: rows × that rate.")] = 30.0
    non_events: Annotated[float, Meta(ge=0, description="The same of what is no event.")] = 10.0


class Intersections(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every slicing by up to so many of the audit's attributes."""

    intersections: Annotated[int, Meta(ge=1, le=4, description="The most attributes of one cross.")]


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule file; docs/rules.md has every field. A loaded one has passed `checks.mistakes`."""

    schema: Annotated[Literal["fairaudit/rule/1"], Meta(description="The version of this format.")]
    extends: Extends | None = None
    id: Annotated[
        str,
        Meta(min_length=1, description="What findings and waivers call the rule: lower-case words joined by hyphens. No two of a run are alike.", extra_json_schema={"pattern": f"^{ID}$"}),
    ]
    title: Annotated[str, Meta(min_length=1, description="Its name in verdicts and reports.")]
    principle: Annotated[str, Meta(min_length=1, description="One sentence of ethics, without a formula.")]
    rationale: Annotated[str, Meta(description="Why this metric stands for that sentence; printed in the report.")] = ""
    source: Annotated[tuple[Source, ...], Meta(min_length=1, description="Where the rule or its limit comes from; printed with every rule.")]
    limit_origin: Annotated[LimitOrigin, Meta(description="Whose number the limit is, printed beside every verdict; law needs a source with says_number: true.")]
    applies_to: Annotated[AppliesTo, Meta(description="The task and the fields of life that it was made for.")] = AppliesTo()
    not_for: Annotated[tuple[str, ...], Meta(description="Where the rule misleads; the report of a violation prints these.")] = ()
    needs: Annotated[
        tuple[Literal["label", "score", "threshold", "control", "baseline", "population"], ...],
        Meta(description="What an audit must have besides what the metric itself needs; without it the rule is refused. With a control, groups are judged among people alike in it. A change needs a baseline anyway, and a representation ratio a population."),
    ] = ()
    control: Annotated[
        tuple[Text, ...],
        Meta(description="The columns of the audit's --control that people must be alike in; none named, with needs: [control]: whichever it is."),
    ] = ()
    population: Annotated[
        dict[str, dict[str, float]],
        Meta(description="Of a representation ratio: attribute, value, and its share of the people that the data should stand for, as {sex: {Female: 0.51, Male: 0.49}}. Without it the audit's own (population in its configuration) is taken."),
    ] = {}
    metric: Annotated[
        Text | Annotated[tuple[Text, ...], Meta(min_length=1)],
        Meta(description="An id or alias of `fairaudit metrics list`, or a list of them: each is judged, and they share the rule's error."),
    ]
    params: Annotated[
        dict[str, float | str],
        Meta(description="Of metrics that take them: bins of a calibration error, alpha of an entropy index, concentration and outcome (both, positive) of differential fairness."),
    ] = {}
    comparison: Annotated[Comparing, Meta(description="What is held against the limit: group / reference, group − reference, largest − smallest, smallest / largest, the value itself, or its change since a former audit.")]
    reference: Annotated[
        Literal["best", "largest", "overall", "rest", "none"] | dict[str, str],
        Meta(description="With whom a ratio or difference compares: the best-off or largest group, everyone, everyone else, or one group as {race: White}. A gap, a value and a change have none."),
    ] = "best"  # of a gap, a value or a change there is none
    direction: Annotated[Direction, Meta(description="worse judges only what is on the bad side of the reference, either both sides alike.")] = Direction.WORSE
    limit: Annotated[float, Meta(gt=0, description="How far off is allowed: a magnitude above 0, without sign. Of a ratio at most 1: 0.8 stands for 1.25 too.")]
    serious: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(description="A violation so large that it must be excluded before anything short of proof may pass; worse than the limit. By default 0.625 × a limit that must be reached, 2 × any other."),
    ] = None
    decide_on: Annotated[Deciding, Meta(description="How much evidence a violation takes: past the limit and more than chance explains; the whole interval past it; or the observed value alone.")] = Deciding.SIGNIFICANT
    confidence: Annotated[float, Meta(gt=0.5, lt=1, description="One-sided level of the bounds that a pass rests on; 1 less it is the error that a family may spend.")] = 0.95
    multiplicity: Annotated[Multiplicity, Meta(description="How the number of comparisons is paid for.")] = Multiplicity()
    minimum: Annotated[Minimum, Meta(description="A group below any of these is too small to be judged alone.")] = Minimum()
    small_groups: Annotated[
        SmallGroups,
        Meta(description="pool: small groups are judged together as one too. gate: each that stays undecided keeps the run from passing. report: alone only, and they keep nothing from passing."),
    ] = SmallGroups.POOL
    missing: Annotated[
        Literal["group", "count"],
        Meta(description="group: missing values are a group as any other, and never a reference. count: they are only a number beside, outside groups, everyone else and everyone."),
    ] = "group"
    exclude_below: Annotated[
        Annotated[float, Meta(gt=0, lt=1)] | None,
        Meta(description="Groups with a smaller share of the rows than this, as 0.02, are told with their rate and get no verdict."),
    ] = None
    severity: Annotated[Severity, Meta(description="What a violation does: fail the audit, or be shown as a warning or a remark.")] = Severity.FAIL
    slices: Annotated[
        Literal["all"] | Annotated[tuple[Annotated[tuple[Text, ...], Meta(min_length=1)], ...], Meta(min_length=1)] | Intersections,
        Meta(description="Which of the audit's slicings are judged, each apart: all, a list as [[sex], [sex, race]], or {intersections: 2}."),
    ] = "all"
    better: Annotated[Literal["higher", "lower"] | None, Meta(description="Which side is good, where the metric itself does not say.")] = None

    @property
    def is_binary(self) -> bool:
        """Whether it is made for decisions that are yes or no."""
        return "binary" in self.applies_to.task

    @property
    def within_control(self) -> bool:
        """Whether groups are judged among people who are alike in a control."""
        return bool(self.control) or "control" in self.needs

    @property
    def needs_population(self) -> bool:
        """Whether it holds the rows against a population's shares."""
        return self.is_binary and ("population" in self.needs or any(metric(name).shape is Shape.POPULATION for name in self.metric_names))

    @property
    def needs_baseline(self) -> bool:
        """Whether it judges what changed since a former audit."""
        return self.comparison is Comparing.CHANGE or "baseline" in self.needs

    @property
    def metrics(self) -> tuple[str, ...]:
        """The catalogue ids it judges, whatever aliases the file uses."""
        return tuple(metric(name).id for name in self.metric_names)

    @property
    def needs_label(self) -> bool:
        return "label" in self.needs or any(metric(name).needs_label for name in self.metric_names)

    @property
    def metric_names(self) -> tuple[str, ...]:
        """Its metrics as the file writes them."""
        return (self.metric,) if isinstance(self.metric, str) else self.metric

    def better_of(self, metric_id: str, effect: str) -> Better:
        """Which side is best-off. For selection and rejection rates it follows from what a positive decision does to people.

        Args:
            effect: "helps" or "harms".
        """
        own = Better(self.better) if self.better else metric(metric_id).better
        if own is not Better.NEITHER:
            return own
        return Better.HIGHER if (metric_id == "selection_rate") == (effect == "helps") else Better.LOWER
