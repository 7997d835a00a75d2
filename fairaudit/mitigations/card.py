"""What a mitigation of decisions says of itself: `card.json`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from fairaudit.cube.slices import Slice
from fairaudit.evidence.measurement import Group, Interval
from fairaudit.method_names import MethodName
from fairaudit.metrics.catalogue import Better, metric
from fairaudit.mitigations.exported import Exported
from fairaudit.mitigations.parts import HowParted
from fairaudit.mitigations.proof import Checked, Mistaken
from fairaudit.mitigations.reweighed import SCHEMA
from fairaudit.result import DataFile
from fairaudit.rules.finding import Finding, Severity, Verdict


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
    """A rate of a group, or another number of its decisions, and of its scores where these are changed, on the rows that were held out, before and after, on the same rows."""

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
        return is_told(self.interval)


class Inference(msgspec.Struct, frozen=True, kw_only=True):
    """How groups are inferred, where they are, and how often wrongly."""

    features: tuple[str, ...]  # by which
    fitted: dict[str, int]  # group → rows of those fitted on that are taken for it
    mistaken: tuple[Mistaken, ...]  # on the rows that were held out


class RuleNumber(msgspec.Struct, frozen=True, kw_only=True):
    """Of what a rule compares, the number that is furthest past its limit or nearest to it, among the groups that have rows enough."""

    metric: str
    kind: str  # "ratio", "difference" …
    group: Group | None
    reference: Group | None
    value: float
    interval: Interval | None  # 95 %
    limit: tuple[float | None, float | None]  # signed; None is open


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule says of the rows that were held out, whether or not it may fail an audit."""

    rule: str
    severity: Severity  # what a violation of it does to an audit
    before: str | None  # the gravest of its findings' verdicts; None: it said nothing
    after: str | None
    number_before: RuleNumber | None  # None: no group has one
    number_after: RuleNumber | None


class HeldOut(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the rows that were held out."""

    verdict_before: str | None
    verdict_after: str | None
    rules: tuple[Judged, ...]
    moved: tuple[Moved, ...]
    levelled_down: tuple[str, ...]  # rates by which groups were brought together by making some worse off and none better
    checked: Checked


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that is to be met, at its own limit or at a tighter one."""

    rule: str
    limit: float  # a magnitude without sign, as rules write theirs
    is_tighter: bool  # than the rule's own
    is_minimum: bool  # whether numbers must reach it, as ratios must; others may not pass it

    @property
    def text(self) -> str:
        """As it is asked for, without the word rule."""
        return f"{self.rule} within {self.limit:.12g}" if self.is_tighter else self.rule

    @property
    def roomier(self) -> Condition:
        """The same with a limit halfway from this one to no disparity, as people write limits."""
        limit = float(f"{1 + (self.limit - 1) / 2 if self.is_minimum else self.limit / 2:.3g}")
        return self if limit == self.limit else msgspec.structs.replace(self, limit=limit, is_tighter=True)


class Searched(msgspec.Struct, frozen=True, kw_only=True):
    """Of what the method was chosen, and how; `frontier.json` has all that was tried."""

    criterion: str
    conditions: tuple[Condition, ...]  # what it says must be met
    chosen: str  # the candidate's id
    tried: int  # candidates that were fitted
    unmet: int  # and those that could not be
    rows: int  # that the choice was made on: not those that were fitted on, nor those that were held out


class MitigationCard(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, on what, and why: `card.json`."""

    schema: Literal["fairaudit/mitigation/1"] = SCHEMA
    method: MethodName
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
    inference: Inference | None = None
    holdout: HeldOut
    notes: tuple[str, ...]
    search: Searched | None = None  # None: the method was asked for


def gravest(findings: Iterable[Finding]) -> Verdict | None:
    """The gravest of some findings' verdicts; None where they say nothing."""
    found = {one.verdict for one in findings if one.verdict is not Verdict.INCONCLUSIVE or one.needed_for_pass}
    return next((one for one in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS) if one in found), None)


def is_told(interval: Interval | None) -> bool:
    """Whether a change with this interval is told from none."""
    return interval is not None and not interval[0] <= 0 <= interval[1]


def is_better_of(name: str, effect: str, change: float) -> bool | None:
    """Whether a rate's change is good for the people it is of: being selected is, where that helps, and being selected wrongly is not, where it harms. That others are selected wrongly is no gain of theirs."""
    good = metric(name).better if name in _TOLD_RIGHTLY else _GOOD[effect].get(name)
    return None if good is None else (change > 0) == (good is Better.HIGHER)


_TOLD_RIGHTLY = ("accuracy", "error_rate", "brier_score", "log_loss", "roc_auc")  # who is told more rightly is better off by it
_GOOD = {
    "helps": {"selection_rate": Better.HIGHER, "true_positive_rate": Better.HIGHER, "false_negative_rate": Better.LOWER},
    "harms": {"selection_rate": Better.LOWER, "false_positive_rate": Better.LOWER, "true_negative_rate": Better.HIGHER},
}
