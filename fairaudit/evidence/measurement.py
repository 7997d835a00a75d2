"""What is known of a metric on a slice, or between two: the value, how sure, and who says so."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from fairaudit.cube.slices import Slice, Slicing
from fairaudit.types import Rows

Interval = tuple[float, float]  # lower, upper


class Status(StrEnum):
    OK = "ok"
    UNDEFINED = "undefined"
    INFINITE = "infinite"


class GroupKind(StrEnum):
    SLICE = "slice"
    REST = "rest"  # everyone outside the slice
    POOL = "pool"  # small together: the groups too small to judge alone
    OVERALL = "overall"
    BASELINE = "baseline"  # the same group in a former audit


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a comparison."""

    kind: GroupKind = GroupKind.SLICE
    slice: Slice = msgspec.field(default_factory=Slice)
    members: tuple[Slice, ...] = ()  # of a pool, also as it was in the baseline

    def __str__(self) -> str:
        match self.kind:
            case GroupKind.SLICE:
                return str(self.slice)
            case GroupKind.REST:
                return f"everyone but {'the small groups' if self.members else self.slice}"
            case GroupKind.POOL:
                return "small groups together"
            case GroupKind.OVERALL:
                return "everyone"
            case GroupKind.BASELINE:
                return "the baseline"


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """One metric on one slice.

    `value` is None exactly when the metric is undefined or infinite there; it is never NaN, and never a stand-in such as 0.
    """

    metric: str
    params: dict[str, float] = {}
    slice: Slice
    threshold: float | None  # of the score, as asked; None for metrics that rest on no decision, and where groups have thresholds of their own
    value: float | None
    interval: Interval | None  # 95 %; None where no method is given for the metric
    rows: Rows  # real rows it rests on, whatever their weights
    status: Status
    reason: str = ""  # "no positives": why it is undefined
    error: float | None = None  # the most that the value can be off where score cells are not exact; the interval is widened by it
    effective_rows: float | None = None  # of a rate whose rows carry weights or come in clusters: as many independent rows of weight 1 would be as sure
    shrunken: float | None = None  # of a small slice's rate: pulled towards the other slices' as far as their spread suggests (empirical Bayes)
    engines: dict[str, float | None]  # each engine's value; None: it calls the metric undefined too

    def __post_init__(self) -> None:
        if (self.value is None) != (self.status is not Status.OK):
            raise ValueError(f"{self.metric} of {self.slice}: value {self.value} does not go with {self.status}")


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One metric of a group against a reference: group − reference, group / reference, or a metric that compares by nature.

    A gap or min_max_ratio is over all groups of the slicing: the group has the smallest value and the reference the largest. A metric that takes
    all groups together names the two that are furthest apart, or nobody.
    """

    metric: str
    kind: str  # difference, ratio, value, gap, min_max_ratio, conditional_difference
    params: dict[str, float] = {}
    slicing: Slicing
    control: Slicing = ()  # compared within its values
    group: Group | None
    reference: Group | None
    threshold: float | None
    value: float | None
    interval: Interval | None
    p_value: float | None = None
    status: Status
    reason: str = ""  # why it is undefined; over all groups also that it is partial, and what differs most
    error: float | None = None  # the most that the value can be off where score cells are not exact
    engines: dict[str, float | None]

    def __post_init__(self) -> None:
        if (self.value is None) != (self.status is not Status.OK):
            raise ValueError(f"{self.metric} of {self.group}: value {self.value} does not go with {self.status}")


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """One metric at each threshold of a sweep; every array is as long as the sweep's thresholds."""

    params: dict[str, float] = {}
    values: tuple[float | None, ...]  # None where it is undefined, for the reason that the catalogue gives, or infinite
    lower: tuple[float | None, ...]  # of the 95 % interval; None where there is no value, or no method for the metric
    upper: tuple[float | None, ...]
    infinite: tuple[int, ...] = ()  # the places of thresholds where it is infinite


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """A slice as it would be if every decision were made at each of these thresholds: what they describe, and nothing judges."""

    slice: Slice
    thresholds: tuple[float, ...]  # as asked, rising; the operating one among them
    metrics: dict[str, Swept]

    def __post_init__(self) -> None:
        if not self.thresholds or sorted(set(self.thresholds)) != list(self.thresholds):
            raise ValueError(f"the thresholds of {self.slice} do not rise")
        number = len(self.thresholds)
        for name, one in self.metrics.items():
            if not len(one.values) == len(one.lower) == len(one.upper) == number or any(not 0 <= place < number for place in one.infinite):
                raise ValueError(f"{name} of {self.slice} is not as long as its {number} thresholds")


class BinnedRows(msgspec.Struct, frozen=True, kw_only=True):
    """A slice's rows of one label by bins of the score; every array is as long as the bins."""

    rows: tuple[int, ...]
    weight: tuple[float, ...]
    mean_score: tuple[float | None, ...]  # weighted; None where the bin holds none of them


class Histogram(msgspec.Struct, frozen=True, kw_only=True):
    """A slice's scores by bins, which are the same for all slices, beside what is in truth positive of each; arrays are as long as the bins but for the edges."""

    slice: Slice
    edges: tuple[float, ...]  # one more than there are bins; a score on an edge is in the bin above
    negative: BinnedRows
    positive: BinnedRows
    unlabelled: BinnedRows
    mean_score: tuple[float | None, ...]  # of the labelled rows; None where there are none
    share_positive: tuple[float | None, ...]  # of the labelled rows
    lower: tuple[float | None, ...]  # of the share's 95 % interval, each bin by itself; None also where its rows are of one cluster
    upper: tuple[float | None, ...]
    engines: tuple[str, ...] = ()  # that summed the weights, labels and scores of every bin's labelled rows; a sum that differs is a finding

    def __post_init__(self) -> None:
        bins = [one for held in (self.negative, self.positive, self.unlabelled) for one in (held.rows, held.weight, held.mean_score)]
        if len(self.edges) < 2 or any(len(one) != len(self.edges) - 1 for one in (*bins, self.mean_score, self.share_positive, self.lower, self.upper)):
            raise ValueError(f"the histogram of {self.slice} is not as long as its bins")
