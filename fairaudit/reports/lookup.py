"""An audit made quick to ask: who measured what, of whom, and by which rule it is judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from fairaudit.cube.slices import EVERYONE, Slice, Slicing
from fairaudit.evidence.measurement import Comparison, Group, GroupKind, Measurement
from fairaudit.metrics.catalogue import CATALOGUE, Better, Shape
from fairaudit.reports.sentences import Effect, level_of
from fairaudit.result import Audit
from fairaudit.rules.finding import Finding
from fairaudit.rules.plan import Context, verdict_cautions
from fairaudit.rules.rule import Rule

_OVER_ALL = ("gap", "min_max_ratio")
Column = tuple[str, tuple[tuple[str, float], ...]]  # a metric and its parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    audit: Audit
    effect: Effect
    rules: Mapping[str, Rule]
    namesakes: frozenset[str]  # rules whose title another has, too
    references: Mapping[Slicing, Slice]
    slices: Mapping[Slicing, tuple[Slice, ...]]  # in the order of the measurements
    rows: Mapping[Slice, int]  # all rows of a slice
    by_slice: Mapping[Slice, Mapping[Column, Measurement]]
    by_group: Mapping[tuple[Slicing, Slice], tuple[Comparison, ...]]  # against the slicing's reference only
    gaps: Mapping[Slicing, tuple[Comparison, ...]]  # of the smallest and the largest value
    controlled: Mapping[Slicing, tuple[Comparison, ...]]  # within the control
    together: Mapping[Slicing, tuple[Comparison, ...]]  # metrics over all groups

    def measurement(self, metric_id: str, group: Group | None) -> Measurement | None:
        """What was measured of a group, where it is one that is measured: a slice, or everyone."""
        if group is None or group.kind not in (GroupKind.SLICE, GroupKind.OVERALL):
            return None
        return self.by_slice.get(group.slice if group.kind is GroupKind.SLICE else EVERYONE, {}).get((metric_id, ()))

    def levels(self, metric_id: str, group: Group | None, reference: Group | None) -> tuple[float, float] | None:
        """The metric of both sides, if both are known."""
        sides = (self.measurement(metric_id, group), self.measurement(level_of(metric_id, reference), reference))
        one, other = (side.value if side else None for side in sides)
        return None if one is None or other is None else (one, other)

    def better(self, finding: Finding) -> Better:
        rule = self.rules.get(finding.rule)
        return rule.better_of(finding.metric, self.effect) if rule else Better.NEITHER

    @property
    def judged(self) -> tuple[Finding, ...]:
        """What rules say."""
        return tuple(one for one in self.audit.findings if one.rule in self.rules)

    def title_of_rule(self, rule_id: str, form: str = "{}") -> str:
        """A rule's title, with its id where another rule has the same: a copy that was not given a title of its own.

        Args:
            form: what the title is written into, as quotation marks.
        """
        title = form.format(self.rules[rule_id].title)
        return f"{title} ({rule_id})" if rule_id in self.namesakes else title

    @property
    def cautions(self) -> tuple[str, ...]:
        """What the verdict must be read with."""
        return verdict_cautions(self.audit.rules, Context(slicings=self.audit.slicings, effect=self.effect))

    @property
    def of_itself(self) -> tuple[Finding, ...]:
        """What the audit says of itself: engines that disagree."""
        return tuple(one for one in self.audit.findings if one.rule not in self.rules)


def lookup(audit: Audit) -> Lookup:
    """The first threshold measured is the operating point; others describe and are not looked up."""
    by_slice: dict[Slice, dict[Column, Measurement]] = {}
    for one in audit.measurements:
        by_slice.setdefault(one.slice, {}).setdefault((one.metric, tuple(sorted(one.params.items()))), one)
    titles = Counter(rule.title for rule in audit.rules)
    references = {one.slicing: one.slice for one in audit.references}
    by_group: dict[tuple[Slicing, Slice], list[Comparison]] = {}
    gaps: dict[Slicing, list[Comparison]] = {}
    together: dict[Slicing, list[Comparison]] = {}
    controlled: dict[Slicing, list[Comparison]] = {}
    for pair in audit.comparisons:
        if pair.control:
            controlled.setdefault(pair.slicing, []).append(pair)
        elif pair.kind in _OVER_ALL:
            gaps.setdefault(pair.slicing, []).append(pair)
        elif pair.metric in CATALOGUE and CATALOGUE[pair.metric].shape is Shape.ACROSS:
            together.setdefault(pair.slicing, []).append(pair)
        elif pair.group is not None and pair.group.kind is GroupKind.SLICE and pair.reference == Group(slice=references.get(pair.slicing, EVERYONE)):
            by_group.setdefault((pair.slicing, pair.group.slice), []).append(pair)
    known = dict.fromkeys((*by_slice, *(one.slice for one in audit.counts)))
    slices: dict[Slicing, list[Slice]] = {slicing: [] for slicing in audit.slicings if slicing}
    for cut in known:
        if cut.attributes:
            slices.setdefault(cut.attributes, []).append(cut)
    return Lookup(
        audit=audit,
        effect="harms" if audit.manifest.config.get("effect") == "harms" else "helps",
        rules={rule.id: rule for rule in audit.rules},
        namesakes=frozenset(rule.id for rule in audit.rules if titles[rule.title] > 1),
        references=references,
        slices={slicing: tuple(cuts) for slicing, cuts in slices.items()},
        rows=_rows(audit),
        by_slice=by_slice,
        by_group={key: tuple(pairs) for key, pairs in by_group.items()},
        controlled={slicing: tuple(pairs) for slicing, pairs in controlled.items()},
        together={slicing: tuple(pairs) for slicing, pairs in together.items()},
        gaps={slicing: tuple(pairs) for slicing, pairs in gaps.items()},
    )


def _rows(audit: Audit) -> dict[Slice, int]:
    rows: dict[Slice, int] = {}
    for one in audit.measurements:  # a measurement rests on all rows or on some, so the most is all
        rows[one.slice] = max(rows.get(one.slice, 0), one.rows)
    for counts in audit.counts:
        rows[counts.slice] = sum(cell.rows for cell in counts.cells)
    return rows
