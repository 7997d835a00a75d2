"""The thresholds of an audit: what decides, for everyone or group by group, and what is only described."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from fairaudit.config import AuditConfig
from fairaudit.data.rows import Prepared
from fairaudit.data.source import literal
from fairaudit.errors import ConfigError

_ROUNDED: dict[str, Callable[[float], Any]] = {"float": np.float32, "halffloat": np.float16, "float32": np.float32, "float16": np.float16}


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Every threshold as it was asked for; `used` has what each is after rounding to the scores' own type."""

    operating: float  # decides wherever no group has a threshold of its own
    attribute: str | None  # whose groups have thresholds of their own
    of_groups: dict[str, float]  # value of that attribute → threshold
    described: tuple[float, ...]  # rising; those of the sweep, the operating one included; none without a sweep
    at_threshold: Literal["negative", "positive"]  # what a score exactly at a threshold is
    score_type: str  # "float32", "double" …

    def used(self, asked: float) -> float:
        """The threshold that scores are compared with: float32(0.3) is above 0.3, so it is rounded as the scores are."""
        return float(_ROUNDED[self.score_type](asked)) if self.score_type in _ROUNDED else asked

    def edge(self, asked: float) -> float:
        """The score that is the highest below the decision: a positive one is above it, whatever a score at the threshold is."""
        return math.nextafter(self.used(asked), -math.inf) if self.at_threshold == "positive" else self.used(asked)

    @property
    def asked(self) -> tuple[float, ...]:
        """All of them, each once, the operating one first."""
        return tuple(dict.fromkeys((self.operating, *self.of_groups.values(), *self.described)))

    @property
    def edges(self) -> tuple[float, ...]:
        """Where score cells must end, rising."""
        return tuple(sorted({self.edge(one) for one in self.asked}))

    @property
    def shared(self) -> float | None:
        """The threshold that all decisions were made at, as asked; None where groups have thresholds of their own."""
        return None if self.of_groups else self.operating

    def decision(self, attributes: Sequence[str]) -> str:
        """SQL for the decision on a row.

        Args:
            attributes: whose values are the columns a0, a1 …
        """
        decided = self._above(self.operating)
        if self.attribute is None:
            return decided
        cases = " ".join(f"WHEN {literal(value)} THEN {self._above(asked)}" for value, asked in self.of_groups.items())
        return f"(CASE a{list(attributes).index(self.attribute)} {cases} ELSE {decided} END)"

    def _above(self, asked: float) -> str:
        return f"score {'>=' if self.at_threshold == 'positive' else '>'} '{self.used(asked)!r}'::DOUBLE"


def thresholds_of(config: AuditConfig, rows: Prepared, score_type: str | None) -> Thresholds | None:
    """The thresholds that were asked for; None where decisions came as such.

    Args:
        score_type: of a model's scores; None where they are a column.

    Raises:
        ConfigError: the steps of a sweep do not fit the scores.
    """
    if config.decision_column is not None or config.decision_output is not None:
        return None
    low, high = rows.score_range or (0.0, 1.0)
    if config.threshold_sweep is not None and not 0 <= low <= high <= 1:
        raise ConfigError(
            f"--threshold-sweep steps from 0 to 1, and the scores run from {low:g} to {high:g}; name the thresholds to describe with --threshold, repeated."
        )
    attribute, of_groups = next(iter(config.group_thresholds.items()), (None, {}))
    return Thresholds(
        operating=config.threshold, attribute=attribute, of_groups=of_groups, described=config.described, at_threshold=config.at_threshold,
        score_type=score_type or str(rows.source.schema.field(config.score_column).type),
    )  # fmt: skip
