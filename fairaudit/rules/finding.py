"""What a rule says of one comparison: the outcome is statistics, the verdict is policy."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from fairaudit.cube.slices import Slicing
from fairaudit.evidence.measurement import Group, Interval
from fairaudit.types import Rows

DISAGREEMENT = "engine-disagreement"  # the `rule` of a finding that two engines differ


Kind = Literal["ratio", "difference", "gap", "min_max_ratio", "value", "change", "conditional_difference"]  # of comparison; the last where engines differ on it


class Outcome(StrEnum):
    WITHIN = "within"
    BEYOND = "beyond"
    UNDECIDED = "undecided"
    UNDEFINED = "undefined"


class Verdict(StrEnum):
    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class Severity(StrEnum):
    FAIL = "fail"
    WARN = "warn"
    INFO = "info"


class RowsNeeded(msgspec.Struct, frozen=True, kw_only=True):
    """How many more rows, of which group, would decide it at 80 % power."""

    group: Group
    rows: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]  # in addition to those there are


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A rule's word on one group of one slicing, or where there is no group, on a slicing with too few of them; `engine-disagreement` is on the audit itself."""

    rule: str
    extends: str | None = None  # the rule that it extends
    metric: str
    kind: Kind
    slicing: Slicing
    group: Group | None  # None where the finding is about a whole slicing
    reference: Group | None
    control: Slicing = ()  # compared among people who are alike in it
    threshold: float | None
    value: float | None
    interval: Interval | None  # 95 %, two-sided
    limit: tuple[float | None, float | None]  # resolved and signed; None is open
    limit_origin: str
    serious: float | None
    outcome: Outcome
    verdict: Verdict
    needed_for_pass: bool  # an inconclusive here blocks
    severity: Severity
    p_adjusted: float | None = None
    alpha: float | None = None  # the family's share of the error
    family: str = ""
    rows: Rows = 0
    events: float | None = None
    rows_needed: RowsNeeded | None = None
    detectable: float | None = None  # the smallest violation that so many rows find in four of five data sets, as a value of the comparison; None where it is not told or there is none
    shrunken: float | None = None  # of a group too small to be judged alone: its rate, pulled towards the other groups' (empirical Bayes)
    reason: str
    notes: tuple[str, ...] = ()

    @property
    def by(self) -> str:
        """The rule's id, with that of the one it extends."""
        return f"{self.rule} (extends {self.extends})" if self.extends else self.rule
