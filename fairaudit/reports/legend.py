"""What the words of the findings mean, said once before the first of them."""

from __future__ import annotations

from dataclasses import dataclass

from fairaudit.reports.badges import FAIL, INCONCLUSIVE, NOTED, PASS, REFERENCE, UNDECIDED, WARNING, Badge, badge
from fairaudit.reports.lookup import Lookup
from fairaudit.rules.rule import SmallGroups

_SLICE = "A slice is everyone who has the same value of an attribute, or of several: race=Black, or sex=Female and race=Black."
_SMALL = "A small slice can fail where a rate is judged, which is tested however few rows there are; but so few can hardly ever show that it passes."
_POOLED = "Small slices are judged once more, all of them together."
_MEANS = (
    (FAIL, "past the rule's limit, with the evidence that the rule asks for. One such finding fails the audit."),
    (INCONCLUSIVE, "the data show neither a violation nor its absence, though there are rows enough that the rule wants it decided. It keeps the audit from passing."),
    (WARNING, "past the limit of a rule that only warns. It does not fail the audit."),
    (NOTED, "past the limit of a rule that only informs. It does not fail the audit."),
    (PASS, "shown to lie within the limit; or not shown, but a violation that the rule calls serious is excluded. Each says which under Why."),
    (UNDECIDED, "as open as inconclusive, but where the rule does not insist, as of a slice too small to be judged alone. It blocks nothing and vouches for nothing."),
    (REFERENCE, "the slice that the others are compared with."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    badge: Badge
    words: str


def slice_words(known: Lookup) -> str:
    """What a slice is, and what becomes of a small one."""
    pooled = any(rule.small_groups is SmallGroups.POOL for rule in known.rules.values())
    return " ".join((_SLICE, _SMALL, *([_POOLED] if pooled else [])))


def legend_of(known: Lookup) -> tuple[Meaning, ...]:
    """One for each word that the findings of this audit use, gravest first."""
    used = {badge(one) for one in known.judged}
    return tuple(Meaning(badge=one, words=words) for one, words in _MEANS if one in used)
