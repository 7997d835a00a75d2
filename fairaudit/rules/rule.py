"""A rule: what is judged, against whom, by how much it may differ, and how sure one must be. Data; it holds no expressions."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from msgspec import Meta, Struct

from fairaudit.metrics.catalogue import Better, metric
from fairaudit.rules.finding import Severity

Text = Annotated[str, Meta(min_length=1)]


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

    cite: Text
    kind: SourceKind
    says_number: bool  # the cited text itself prints the limit
    status: str = ""
    as_of: date  # law moves


class AppliesTo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    task: Annotated[tuple[Literal["binary", "multiclass", "regression", "ranking"], ...], Meta(min_length=1)] = ("binary",)
    domains: tuple[str, ...] = ()


class Multiplicity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    method: Method = Method.TWO_LOOK
    family: Literal["run", "rule", "slicing"] = "run"


class Minimum(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a group must have to be judged alone; events are rows × the pooled rate, so 0 hired of 200 does not exempt itself."""

    rows: Annotated[int, Meta(ge=1)] = 1
    events: Annotated[float, Meta(ge=0)] = 30.0
    non_events: Annotated[float, Meta(ge=0)] = 10.0


class Intersections(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every slicing by up to so many of the audit's attributes."""

    intersections: Annotated[int, Meta(ge=1, le=4)]


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule file. RULES.md A says what each field means; a loaded one has passed `checks.mistakes`."""

    schema: Literal["fairaudit/rule/1"]
    extends: str | None = None  # the id of the rule whose fields it has where its own file gives none
    id: Text
    title: Text
    principle: Text
    rationale: str = ""
    source: Annotated[tuple[Source, ...], Meta(min_length=1)]
    limit_origin: LimitOrigin
    applies_to: AppliesTo = AppliesTo()
    not_for: tuple[str, ...] = ()
    needs: tuple[Literal["label", "score", "threshold"], ...] = ()
    metric: Text | Annotated[tuple[Text, ...], Meta(min_length=1)]
    comparison: Comparing
    reference: Literal["best", "largest", "overall", "rest", "none"] | dict[str, str] = "best"  # of a gap or a value there is none
    direction: Direction = Direction.WORSE
    limit: Annotated[float, Meta(gt=0)]
    serious: Annotated[float, Meta(gt=0)] | None = None
    decide_on: Deciding = Deciding.SIGNIFICANT
    confidence: Annotated[float, Meta(gt=0.5, lt=1)] = 0.95
    multiplicity: Multiplicity = Multiplicity()
    minimum: Minimum = Minimum()
    small_groups: SmallGroups = SmallGroups.POOL
    severity: Severity = Severity.FAIL
    slices: Literal["all"] | Annotated[tuple[Annotated[tuple[Text, ...], Meta(min_length=1)], ...], Meta(min_length=1)] | Intersections = "all"
    better: Literal["higher", "lower"] | None = None

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
