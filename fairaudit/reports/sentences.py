"""Findings and comparisons in plain words: who, compared with whom, by how much, and which way is worse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fairaudit.cube.slices import Slice, Slicing
from fairaudit.errors import listed
from fairaudit.evidence.measurement import Group, GroupKind, Interval
from fairaudit.metrics.catalogue import CATALOGUE, Better, Metric
from fairaudit.reports.numbers import apart, decimal, interval_between, measured, significant
from fairaudit.rules.sides import AGAINST_EVERYONE

Effect = Literal["helps", "harms"]
Limits = tuple[float | None, float | None]

# What happens to people, for the two rates of which everybody knows what they mean. A positive decision that harms is being flagged.
_HAPPENS = {
    ("selection_rate", "helps"): "selected",
    ("selection_rate", "harms"): "flagged",
    ("negative_rate", "helps"): "rejected",
    ("negative_rate", "harms"): "left alone",
}
_DIFFERENCES = ("difference", "change")  # of rates, which are lower or higher
_PLAIN_RATIOS = (0.1, 10.0)  # between which a ratio can be pictured
_IN_TRUTH_POSITIVE, _IN_TRUTH_NEGATIVE = "labelled positive", "labelled negative"
_COUNTED = {"no positives": _IN_TRUTH_POSITIVE, "no negatives": _IN_TRUTH_NEGATIVE, "nobody was selected": "selected", "nobody was rejected": "rejected"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What a sentence on two groups is made of."""

    metric: str
    kind: str
    group: Group
    reference: Group | None
    value: float
    interval: Interval | None = None
    levels: tuple[float, float] | None = None  # the metric of the group and of the reference, where both are known
    limits: Limits = (None, None)  # so that rounding never hides which side of one a value is on
    better: Better = Better.NEITHER  # which side of the reference is well off
    effect: Effect = "helps"
    control: Slicing = ()  # compared among people who are alike in it


def sentence(one: Compared) -> str:
    """Black people are selected 0.61 times as often as White people; 95% interval 0.55 to 0.67."""
    told = f"{_alike(one.control)}{_against(one)}{_levels(one)}{_side(one)}"
    return f"{told}; {interval_words(one.kind, one.interval)}." if one.interval else f"{told}."


def _alike(control: Slicing) -> str:
    return f"Among people alike in {' and '.join(control)}: " if control else ""


def people(group: Group) -> str:
    """A group as the middle of a sentence names it."""
    match group.kind:
        case GroupKind.SLICE:
            return _whose(group.slice)
        case GroupKind.OVERALL:
            return "everyone"
        case GroupKind.REST:
            return "everyone else"
        case GroupKind.BASELINE:
            return "the baseline"
        case GroupKind.POOL:
            return f"the small groups together ({listed([member.label for member in group.members], most=6)})" if group.members else "the small groups together"


def at_start(text: str) -> str:
    """The text as a sentence begins with it; only its own first letter changes."""
    return text[:1].upper() + text[1:]


def ended(text: str) -> str:
    """The text with the full stop that a sentence needs; nothing stays nothing."""
    return f"{text}." if text and not text.endswith(".") else text


def interval_words(kind: str, interval: Interval) -> str:
    """A ratio's interval plainly; that of a difference in words: 0.07 to 0.17 lower, 0.02 lower to 0.05 higher."""
    lower, upper = interval
    if kind not in _DIFFERENCES:
        return f"95% interval {interval_between(kind, interval)}"
    if lower < 0 < upper:
        return f"95% interval {decimal(-lower)} lower to {decimal(upper)} higher"
    near, far = sorted((abs(lower), abs(upper)))
    return f"95% interval {decimal(near)} to {decimal(far)} {'lower' if upper <= 0 else 'higher'}"


def limit_words(kind: str, limits: Limits) -> str:
    """What a rule allows: at least 0.8 times; at most 0.1 lower; at most 0.1 apart; from −0.05 to 0.05."""
    low, high = limits
    if kind == "gap":
        return f"at most {significant(high or 0)} apart"
    if kind == "value":
        if low is not None and high is not None:
            return f"from {significant(low)} to {significant(high)}"
        return f"at least {significant(low)}" if low is not None else f"at most {significant(high or 0)}"
    if kind in ("ratio", "min_max_ratio"):
        if low is not None and high is not None:
            return f"from {significant(low)} to {significant(high)} times"
        return f"at least {significant(low)} times" if low is not None else f"at most {significant(high or 0)} times"
    if low is not None and high is not None:
        return f"at most {significant(-low)} lower and {significant(high)} higher"
    return f"at most {significant(-low)} lower" if low is not None else f"at most {significant(high or 0)} higher"


def counted_as(entry: Metric) -> str:
    """What the rows of a metric are, after the word rows: `labelled positive` for a true positive rate; nothing where all count."""
    return _COUNTED.get(entry.undefined, "")


def happens(metric_id: str, effect: str) -> str:
    """What happens to people whom a rate counts: selected; nothing where there is no word for it."""
    return _HAPPENS.get((metric_id, effect), "")


def title_of(metric_id: str) -> str:
    """The metric's title, or its id where this version does not know it."""
    entry = CATALOGUE.get(metric_id)
    return entry.title if entry else metric_id


def in_sentence(metric_id: str) -> str:
    """The title as the middle of a sentence has it: abbreviations and people's names keep their capitals."""
    title = title_of(metric_id)
    return title if title[:2].isupper() or title.startswith(_PEOPLE) else title[:1].lower() + title[1:]


_PEOPLE = ("Breslow", "Brier", "Cochran", "Kolmogorov", "Mantel", "Matthews", "Theil")


def level_of(metric_id: str, reference: Group | None) -> str:
    """The metric of a reference that a group's is held against: its own, but the AUC where everyone has no others to be set apart from."""
    return AGAINST_EVERYONE.get(metric_id, metric_id) if reference is not None and reference.kind is GroupKind.OVERALL else metric_id


def _whose(one: Slice) -> str:
    if not one.values:
        return "everyone"
    parts = (f"{attribute} is {'missing' if value is None else value}" for attribute, value in one.values)
    return f"people whose {' and '.join(parts)}"


def _those(group: Group | None) -> str:
    """A reference, after the group has been named."""
    if group is None:
        return "the reference"
    return people(group).replace("people whose", "those whose", 1) if group.kind is GroupKind.SLICE else people(group)


def _against(one: Compared) -> str:
    happens = _HAPPENS.get((one.metric, one.effect))
    value, group, reference = apart(one.kind, abs(one.value), _sizes(one.limits)), people(one.group), _those(one.reference)
    that = f"the {in_sentence(other)} of {reference}" if (other := level_of(one.metric, one.reference)) != one.metric else f"that of {reference}"
    level = {"ratio": 1.0, "difference": 0.0, "change": 0.0}.get(one.kind)
    if one.kind == "ratio" and happens:
        verb = "is" if group == "everyone" else "are"
        return f"{at_start(group)} {verb} {happens} {'exactly' if one.value == level else f'{value} times'} as often as {reference}"
    what = f"The {in_sentence(one.metric)}"
    if one.kind == "gap":
        return f"{what} of {group} and that of {reference} are {value} apart, the furthest of all"
    if one.kind == "min_max_ratio":
        return f"{what} of {group}, the lowest of all, is {value} times that of {reference}, the highest"
    if one.kind == "value" and one.reference is None:
        return f"{what} of {group} is {apart(one.kind, one.value, one.limits)}"
    if one.kind == "change":
        return f"{what} of {group} is {'the same as' if one.value == level else f'{value} lower than' if one.value < 0 else f'{value} higher than'} in the baseline"
    if one.value == level:
        return f"{what} of {group} is the same as {that}"
    if one.kind == "ratio":
        return f"{what} of {group} is {value} times {that}"
    if one.kind == "difference":
        return f"{what} of {group} is {value} {'lower' if one.value < 0 else 'higher'} than {that}"
    return f"{what} between {group} and {reference} is {apart(one.kind, one.value, one.limits)}"


def _sizes(limits: Limits) -> Limits:
    low, high = limits
    return (None if low is None else abs(low), None if high is None else abs(high))


def _levels(one: Compared) -> str:
    if one.levels is None or one.kind == "value":
        return ""
    group, reference = one.levels
    if one.kind == "ratio" and (one.metric, one.effect) in _HAPPENS:
        # "0.61 times as often as" is complete, and the rates stand beside it; of "0.00889 times" nobody has an idea.
        return "" if _PLAIN_RATIOS[0] <= one.value <= _PLAIN_RATIOS[1] else f" ({measured(one.metric, group)} against {measured(one.metric, reference)})"
    return f" ({significant(group)} against {significant(reference)})"


def _side(one: Compared) -> str:
    """Which way is worse, where the words do not say it: that a false positive rate is higher is bad only if one knows what it is."""
    if one.kind not in ("ratio", *_DIFFERENCES) or one.better is Better.NEITHER:
        return ""
    if one.kind == "ratio" and (one.metric, one.effect) in _HAPPENS:
        return ""
    level = 1.0 if one.kind == "ratio" else 0.0
    if one.value == level:
        return ""
    return ", which is better" if (one.value > level) == (one.better is Better.HIGHER) else ", which is worse"
