"""A rule in words, for a terminal: what it is about, how it judges, whose its number is, and what it is not for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from fairaudit.errors import listed
from fairaudit.metrics.catalogue import Metric, Shape, metric
from fairaudit.reports.numbers import share
from fairaudit.reports.sentences import limit_words
from fairaudit.reports.sources import origin
from fairaudit.reports.wrapped import POINT, indented, named
from fairaudit.rules.limits import line, serious_magnitude
from fairaudit.rules.pack import Pack
from fairaudit.rules.rule import Comparing, Deciding, Direction, Intersections, Method, Rule, SmallGroups

_WHOM = {
    "best": "the best-off group of those that can be judged alone", "largest": "the largest group", "rest": "everyone who is not in the group",
    "overall": "everyone, the group included",
}  # fmt: skip
_VIOLATION = {"fail": "fails the audit", "warn": "is a warning", "info": "is a remark"}
_DECIDES = {
    Deciding.SIGNIFICANT: "past the limit, and more than chance would explain where there is no disparity",
    Deciding.INTERVAL: "the whole interval, adjusted for the number of groups, past the limit",
    Deciding.POINT: "the observed value past the limit, chance or not",
}
_PAYS = {
    Method.TWO_LOOK: "every group is tested, and all pairs of those that can be judged alone, with corrections for their number",
    Method.HOLM: "every group is tested, with Holm's correction for their number",
    Method.BH: "every group is tested, with Benjamini and Hochberg's correction for their number",
    Method.NONE: "nothing is paid for the number of groups",
}
_SMALL = {
    SmallGroups.POOL: "smaller ones are tested alone, and judged together as one group",
    SmallGroups.GATE: "smaller ones are judged together too, and each that stays undecided keeps the audit from passing",
    SmallGroups.REPORT: "smaller ones are judged alone, and keep nothing from passing",
}


def rule_words(rule: Rule, *, as_of: date, width: int) -> str:
    """The rule as lines of text.

    Args:
        as_of: the day on which it is read; sources that somebody looked at over a year before are said to be old.
    """
    told = origin(rule, as_of)
    facts = (
        ("extends", rule.extends or ""), ("why", rule.rationale.strip()), *_each("judges", tuple(_judges(rule))), ("slices", _slices(rule)),
        ("left out", "; ".join(_left_out(rule))), ("limit", f"{_limits(rule)}. {told.sentence}"), *((("serious", _serious(rule)),) if rule.is_binary else ()),
        ("evidence", _evidence(rule)), ("small groups", _small(rule)), ("violation", _VIOLATION[rule.severity.value]), ("needs", listed(list(_needs(rule)) or ["decisions alone"])),
        ("made for", _made_for(rule)), *_each("source", told.sources), *_each("not for", rule.not_for),
    )  # fmt: skip
    return "\n".join((f"{rule.id}: {rule.title}", *indented(rule.principle, width=width), *named(facts, width=width)))


def pack_words(pack: Pack, *, width: int) -> str:
    """A pack as lines of text."""
    rules = [("rule", f"{one.rule}{_ONLY_WITH[one.only_with]}{f', which {_VIOLATION[one.severity.value]} here: {one.why}' if one.severity else ''}") for one in pack.rules]
    return "\n".join((f"pack:{pack.id}: {pack.title}", *indented(pack.about, width=width), *named([*rules, *_each("check", pack.warnings)], width=width)))


_ONLY_WITH = {None: "", "baseline": ", where a baseline is named", "control": ", where a control is named", "score": ", where there are scores", "label": ", where there are labels", "population": ", where a population's shares are given"}


def _each(name: str, texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """A fact for each; of several each begins with a point, since lines break."""
    return ((name, f"{POINT} {one}" if len(texts) > 1 else one) for one in texts)


def _entries(rule: Rule) -> list[Metric]:
    return [metric(name) for name in rule.metrics] if rule.is_binary else []


def _judges(rule: Rule) -> Iterator[str]:
    if not rule.is_binary:
        yield f"{' and '.join(rule.metric_names)}, by {rule.comparison.value}; no audit of decisions that are yes or no can be judged by it"
    for one in _entries(rule):
        params = ", ".join(f"{name} {value}" for name, value in rule.params.items())
        yield f"{one.id}{f' ({params})' if params else ''}, {_compared(rule, one)}. {one.meaning}"


def _compared(rule: Rule, entry: Metric) -> str:
    match rule.comparison:
        case Comparing.GAP:
            return "the largest of any group less the smallest"
        case Comparing.MIN_MAX_RATIO:
            return "the smallest of any group over the largest"
        case Comparing.VALUE:
            return "one number over all groups of a slicing" if entry.shape is Shape.ACROSS else "of each group, against the limit and nobody else"
    if rule.comparison is Comparing.CHANGE:
        return f"of each group less what it was in the baseline{', on either side' if rule.direction is Direction.EITHER else ''}"
    named = ", ".join(f"{attribute}={value}" for attribute, value in rule.reference.items()) if isinstance(rule.reference, dict) else _WHOM[rule.reference]
    how = "divided by that of" if rule.comparison is Comparing.RATIO else "less that of"
    alike = ", among people alike in the control" if rule.within_control else ""
    return f"of each group {how} {named}{', on either side' if rule.direction is Direction.EITHER else ''}{alike}"


def _slices(rule: Rule) -> str:
    if rule.slices == "all":
        return "all that the audit is cut by, each apart"
    if isinstance(rule.slices, Intersections):
        return f"every cross of up to {rule.slices.intersections} of the audit's attributes, each apart"
    return "; ".join(" × ".join(slicing) for slicing in rule.slices)


def _left_out(rule: Rule) -> Iterator[str]:
    if rule.exclude_below is not None:
        yield f"groups with less than {share(rule.exclude_below)} of the rows"
    if rule.missing == "count":
        yield "missing values, which are only counted"


def _limits(rule: Rule) -> str:
    if not rule.is_binary:
        return f"{rule.limit:g}"
    allowed = dict.fromkeys(limit_words(rule.comparison.value, line(rule, one, rule.better_of(one.id, "helps"), rule.limit).open_ends) for one in _entries(rule))
    return " and ".join(allowed) + _turned(rule)


def _turned(rule: Rule) -> str:
    """What becomes of a limit where the side that is good follows from what a decision does."""
    if not any(rule.better_of(one.id, "helps") is not rule.better_of(one.id, "harms") for one in _entries(rule)) or rule.direction is Direction.EITHER or rule.comparison.is_extreme:
        return ""
    turned = dict.fromkeys(limit_words(rule.comparison.value, line(rule, one, rule.better_of(one.id, "harms"), rule.limit).open_ends) for one in _entries(rule))
    return f"; {' and '.join(turned)} where a positive decision harms" if rule.comparison is not Comparing.VALUE else ""


def _serious(rule: Rule) -> str:
    sizes = dict.fromkeys(f"{serious_magnitude(rule, one, rule.better_of(one.id, 'helps')):g}" for one in _entries(rule))
    return f"{' and '.join(sizes)}: a violation so large must be excluded before anything short of proof passes"


def _evidence(rule: Rule) -> str:
    method = Method.HOLM if rule.multiplicity.method is Method.TWO_LOOK and (rule.reference != "best" or rule.comparison in (Comparing.VALUE, Comparing.CHANGE)) else rule.multiplicity.method
    held = "past the limit, and further than chance would put a value that is at it" if rule.comparison is Comparing.VALUE and rule.decide_on is not Deciding.POINT else _DECIDES[rule.decide_on]
    return f"{held}; at {share(rule.confidence)} confidence{'' if _is_across(rule) else f', {_PAYS[method]}'}"


def _is_across(rule: Rule) -> bool:
    """Whether it judges one number over all groups, and no group by itself."""
    return rule.is_binary and all(one.shape is Shape.ACROSS for one in _entries(rule))


def _small(rule: Rule) -> str:
    least = rule.minimum
    if _is_across(rule) or not rule.is_binary:
        return ""
    if least.rows <= 1 and least.events == least.non_events == 0:
        return "every group is judged alone, however small"
    rows = f"{least.rows} rows, " if least.rows > 1 else ""
    return f"alone from {rows}{least.events:g} events and {least.non_events:g} others at everyone's rate; {_SMALL[rule.small_groups]}"


def _needs(rule: Rule) -> Iterator[str]:
    entries = _entries(rule)
    if "label" in rule.needs or any(one.needs_label for one in entries):
        yield "labels"
    if any(one.needs_probability for one in entries):
        yield "scores that are probabilities"
    elif "score" in rule.needs or any(one.needs_score for one in entries):
        yield "scores"
    if "threshold" in rule.needs:
        yield "one threshold for everyone"
    if rule.needs_baseline:
        yield "a former audit (--baseline)"
    if rule.within_control:
        yield f"the control {listed(rule.control)}" if rule.control else "a control (--control COL)"


def _made_for(rule: Rule) -> str:
    task = {"binary": "decisions that are yes or no", "regression": "answers that are numbers"}
    told = ", ".join(task.get(one, one) for one in rule.applies_to.task)
    return f"{told}{f'; {listed(rule.applies_to.domains)}' if rule.applies_to.domains else ''}"
