"""Groups that a rule leaves out: those with a small share of the rows, and missing values where they are only counted. They get no verdict."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import msgspec

from fairaudit.cube.counts import Counts
from fairaudit.cube.slices import Slice, Slicing
from fairaudit.rules.rule import Rule
from fairaudit.types import Ints, Rows

_ONLY_COUNTED = "missing values are only counted, outside the groups"


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A group on which a rule says nothing. Its rates stand among the measurements."""

    rule: str
    slicing: Slicing
    slice: Slice
    rows: Rows
    share: float  # of the slicing's rows; of a small group, of those that the rule looks at
    reason: str


def kept(rule: Rule, indices: Ints, counts: Counts) -> Ints:
    """Those of a slicing's slices that a rule looks at: they alone are groups, everyone else and everyone."""
    known = _counted(rule, indices, counts)
    rows = counts.rows[known].sum(axis=(1, 2))
    small = [_is_small(rule, int(own), int(rows.sum())) and not _is_reference(rule, counts.slices[index]) for index, own in zip(known, rows, strict=True)]
    return known[[not one for one in small]] if any(small) else known


def left_out(rule: Rule, slicing: Slicing, indices: Ints, counts: Counts) -> Iterator[LeftOut]:
    """The others, each with the reason."""
    looked_at, known, rows = set(kept(rule, indices, counts).tolist()), set(_counted(rule, indices, counts).tolist()), counts.rows.sum(axis=(1, 2))
    everyone, every_known = int(rows[indices].sum()), int(rows[list(known)].sum())
    for index in indices.tolist():
        if index not in looked_at and rows[index]:
            share = int(rows[index]) / (every_known if index in known else everyone)
            reason = f"it has {share:.2%} of the rows, and the rule leaves out groups below {100 * (rule.exclude_below or 0):.6g}%" if index in known else _ONLY_COUNTED
            yield LeftOut(rule=rule.id, slicing=slicing, slice=counts.slices[index], rows=int(rows[index]), share=share, reason=reason)


def _counted(rule: Rule, indices: Ints, counts: Counts) -> Ints:
    if rule.missing == "group":
        return indices
    return indices[[not counts.slices[index].has_missing for index in indices]] if indices.size else indices


def _is_small(rule: Rule, rows: int, everyone: int) -> bool:
    return rule.exclude_below is not None and rows < Fraction(str(rule.exclude_below)) * everyone


def _is_reference(rule: Rule, one: Slice) -> bool:
    """A reference that the rule names stays, however small: without it there is nobody to compare with."""
    return isinstance(rule.reference, dict) and dict(one.values) == rule.reference
