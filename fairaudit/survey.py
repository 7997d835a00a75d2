"""A look at the data before an audit: opened, checked and counted as an audit does it, but nothing is scored and nothing judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fairaudit.baselines import Former
from fairaudit.config import AuditConfig, converted
from fairaudit.cube.counts import Counts
from fairaudit.cube.cube import counts
from fairaudit.cube.scored import count_given
from fairaudit.cube.thresholds import Thresholds, thresholds_of
from fairaudit.data.progress import Progress
from fairaudit.data.rows import Prepared, grid_range
from fairaudit.data.source import Source, told
from fairaudit.rules.plan import Context
from fairaudit.rules.rule import Rule
from fairaudit.run import _context, _nothing_yet, _opened, _plan, _prepared

_NOBODY = "false"  # SQL: what a model will decide is not known yet, so nobody is counted as selected


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What is known of an audit before its first score."""

    config: AuditConfig
    rules: tuple[Rule, ...]
    source: Source
    rows: Prepared
    counts: Counts
    decided: bool  # whether the data hold scores or decisions; a model's are only known once it has scored
    thresholds: Thresholds | None
    before: Former | None  # the baseline

    @property
    def context(self) -> Context:
        return _context(self.config, self.before)

    @property
    def to_plan(self) -> Counts:
        """Counts that say which rules an audit can serve: a model's scores are taken to be there."""
        return self.counts if self.decided else _nothing_yet(self.config)


def surveyed(config: AuditConfig, data: Any = None, *, progress: Progress | None = None) -> Survey:
    """Open, check and count what an audit would.

    Raises:
        ConfigError, ContentError, Several: what an audit would be refused for.
    """
    config = converted(config)
    rules, source, before = _opened(config, data)
    with source.connect() as connection:
        rows = _prepared(connection, config, source, progress)
        source, decided = rows.source, config.model is None
        thresholds = thresholds_of(config, rows, None) if decided else None
        grid = grid_range(rows.score_range) if rows.score_range else None
        decision = (thresholds.decision(config.counted_by) if thresholds else None) if decided else _NOBODY
        cube = count_given(connection, source, rows, _plan(config, rows, grid, thresholds), decision, progress=progress)
    with told(source):
        found = counts(cube)
    return Survey(config=config, rules=rules, source=source, rows=rows, counts=found, decided=decided, thresholds=thresholds, before=before)
