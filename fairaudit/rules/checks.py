"""What a rule file can have wrong although each of its fields is sound by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from fairaudit.config import mistaken_shares
from fairaudit.documents import Mistake, Sound
from fairaudit.errors import UnknownName
from fairaudit.evidence.asked import OTHER_TASKS
from fairaudit.evidence.wanted import kinds_of
from fairaudit.metrics.catalogue import Better, Metric, Shape, known_names, metric
from fairaudit.metrics.engines.interface import Kind
from fairaudit.rules.change import can_change
from fairaudit.rules.finding import Severity
from fairaudit.rules.limits import is_around_one, is_minimum, serious_magnitude
from fairaudit.rules.params import params_mistakes
from fairaudit.rules.rule import ID, Comparing, Direction, LimitOrigin, Method, Rule
from fairaudit.rules.sides import AGAINST_EVERYONE, can_be_judged

LATER = {
    field: f"a rule cannot have {field!r} in this version; {instead}"
    for field, instead in {
        "threshold": "the audit's own threshold is judged.",
    }.items()
}


def mistakes(rule: Rule) -> Iterator[Mistake]:
    """What is wrong between fields that are each sound."""
    if not re.fullmatch(ID, rule.id):
        yield Mistake(("id",), f"the id {rule.id!r} must be lower-case words joined by hyphens, such as four-fifths.")
    if rule.limit_origin is LimitOrigin.LAW and not any(source.says_number for source in rule.source):
        yield Mistake(("limit_origin",), "a limit whose origin is law needs a source that prints it (says_number: true).")
    if rule.multiplicity.method in (Method.NONE, Method.BH) and rule.severity is Severity.FAIL:
        yield Mistake(("multiplicity", "method"), "a rule that can fail a build must pay for its number of groups: two-look or holm, or severity warn or info.")
    if isinstance(rule.slices, tuple) and any(len(set(slicing)) < len(slicing) for slicing in rule.slices):
        yield Mistake(("slices",), "a slicing names an attribute twice.")
    if isinstance(rule.reference, dict) and not rule.reference:
        yield Mistake(("reference",), "'reference' names no attribute; write {attribute: value}.")
    if (rule.comparison in (Comparing.VALUE, Comparing.CHANGE) or rule.comparison.is_extreme) and rule.reference not in ("best", "none"):
        yield Mistake(("reference",), f"a rule on a {rule.comparison.value} has no reference; leave it out, or write none.")
    elif rule.reference == "none" and rule.comparison in (Comparing.RATIO, Comparing.DIFFERENCE):
        yield Mistake(("reference",), f"a rule on a {rule.comparison.value} needs a reference: best, largest, overall, rest, or {{attribute: value}}.")
    if not rule.is_binary:
        yield from _of_another_task(rule)
        return
    yield from _metric_mistakes(rule)
    yield from _limit_mistakes(rule)
    yield from params_mistakes(rule)
    yield from _control_mistakes(rule)
    yield from _population_mistakes(rule)
    across = [name for name in rule.metric_names if name in known_names() and metric(name).shape in (Shape.ACROSS, Shape.POPULATION)]
    for field, given in (("missing", rule.missing == "count"), ("exclude_below", rule.exclude_below is not None)):
        if given and across:
            yield Mistake((field,), f"{field!r} leaves groups out, and {across[0]!r} is {'one number over all of them' if metric(across[0]).shape is Shape.ACROSS else 'about who is left out'}; leave it out.")


def _control_mistakes(rule: Rule) -> Iterator[Mistake]:
    """What cannot be judged within strata: what is no rate, and what has no opponent that is the same in all of them."""
    if not rule.within_control:
        return
    place: tuple[str, ...] = ("control",) if rule.control else ("needs",)
    if rule.comparison not in (Comparing.RATIO, Comparing.DIFFERENCE):
        leave = "leave `control` out" if rule.control else "leave `control` out of `needs`"
        yield Mistake(place, f"within a control groups are compared by their ratio or difference, and not by a {rule.comparison.value}; {leave}, or judge it by a rule of its own with `comparison: ratio` or difference.")
    elif rule.reference in ("best", "overall"):
        yield Mistake(place, "within a control a group is compared with everyone else or with one group: add `reference: rest`, largest, or {attribute: value}.")
    for name in rule.metric_names:
        if name in known_names() and metric(name).shape is not Shape.RATE:
            yield Mistake(place, f"within a control rates are judged, and {name!r} is none.")


def _population_mistakes(rule: Rule) -> Iterator[Mistake]:
    """Shares of a population that cannot be, or that nothing is held against."""
    of_population = [name for name in rule.metric_names if name in known_names() and metric(name).shape is Shape.POPULATION]
    for field, given in (("population", bool(rule.population)), ("needs", "population" in rule.needs)):
        if given and not of_population:
            yield Mistake((field,), "a population's shares are for the metric representation_ratio, which this rule does not judge; leave them out.")
    for attribute, shares in rule.population.items():
        for mistake in mistaken_shares(shares):
            yield Mistake(("population", attribute), f"the population's shares of {attribute!r}: {mistake}.")
    if of_population and rule.within_control:
        yield Mistake(("control",) if rule.control else ("needs",), "a representation ratio has no control: it is of all rows.")


def unknown_metrics(fields: Mapping[str, Any], sound: Sound) -> Iterator[Mistake]:
    """Of a rule that cannot be read as a whole: the names that no metric has."""
    named = fields.get("metric") if sound(("metric",)) else None
    for place, name in enumerate([named] if isinstance(named, str) else named or ()):
        try:
            metric("selection_rate" if name in OTHER_TASKS else name)
        except UnknownName as error:
            yield Mistake(("metric",) if isinstance(named, str) else ("metric", place), str(error))


def _of_another_task(rule: Rule) -> Iterator[Mistake]:
    """Of a rule for models that are not audited yet: its metrics must be of its task, and every audit refuses it (`plan`)."""
    able = [name for name, task in OTHER_TASKS.items() if task in rule.applies_to.task]
    for place, name in enumerate(rule.metric_names):
        at = ("metric",) if isinstance(rule.metric, str) else ("metric", place)
        if name in known_names():
            yield Mistake(at, f"the metric {name!r} is of decisions that are yes or no; the rule's task must name binary.")
        elif name not in able:
            yield Mistake(at, str(UnknownName(f"metric of {' or '.join(rule.applies_to.task)}", name, able)))


def _metric_mistakes(rule: Rule) -> Iterator[Mistake]:
    seen: set[str] = set()
    for place, name in enumerate(rule.metric_names):
        at = ("metric",) if isinstance(rule.metric, str) else ("metric", place)
        if name in OTHER_TASKS:
            yield Mistake(at, f"the metric {name!r} is of {OTHER_TASKS[name]}; the rule's task must name that, and not binary.")
            continue
        try:
            entry = metric(name)
        except UnknownName as error:
            yield Mistake(at, str(error))
            continue
        if entry.id in seen:
            yield Mistake(at, f"the metric {name!r} is named twice.")
        seen.add(entry.id)
        cannot = _cannot(rule, entry)
        if cannot:
            yield Mistake(at, f"the metric {name!r} {cannot}")
        elif _lacks_a_side(rule, entry):
            yield Mistake(at, f"{name!r} is neither good nor bad by itself; say which by `better: higher` or `better: lower`.")


def _cannot(rule: Rule, entry: Metric) -> str:
    """Why a metric cannot be judged so; nothing where it can."""
    if entry.shape is Shape.ACROSS:
        return "" if rule.comparison is Comparing.VALUE else "is one number over all groups, so there is nothing to compare it with; judge it with `comparison: value`."
    if entry.shape is Shape.PAIR:
        return "compares two groups by itself; judge the metrics that it is made of, with `comparison: difference`."
    if entry.shape is Shape.POPULATION:
        return "" if rule.comparison is Comparing.VALUE else "is a ratio to the population by itself; judge it with `comparison: value`."
    if entry.shape is Shape.DISTRIBUTION:
        return "is many numbers a slice, and a rule judges one; judge a calibration error, or calibration_in_the_large."
    if not can_be_judged(entry):
        return "has no interval of a slice, and without one there is no verdict."
    if rule.comparison is Comparing.VALUE:
        return ""
    if rule.comparison is Comparing.CHANGE:
        return "" if can_change(entry) else _CANNOT_CHANGE
    if entry.of_part:
        against = entry.id in AGAINST_EVERYONE and rule.comparison is Comparing.DIFFERENCE and rule.reference == "overall"
        other = ", or `difference` with `reference: overall`" if entry.id in AGAINST_EVERYONE else ""
        return "" if against else f"sets a group against everyone else by itself; judge it with `comparison: value`{other}."
    kind = Kind.RATIO if rule.comparison in (Comparing.RATIO, Comparing.MIN_MAX_RATIO) else Kind.DIFFERENCE
    if kind not in kinds_of(entry):
        return f"is not compared by its {kind.value}; judge {'its difference, or ' if Kind.DIFFERENCE in kinds_of(entry) else ''}`comparison: value`."
    return ""


_CANNOT_CHANGE = (
    "cannot be judged by its change: the rows that it is of must be the same whatever is decided, and decisions must move it; "
    "judge the change of false_negative_rate, false_positive_rate or another such rate."
)


def _lacks_a_side(rule: Rule, entry: Metric) -> bool:
    follows_effect = entry.id in ("selection_rate", "negative_rate") and rule.comparison is not Comparing.VALUE  # whether a value is too low or too high is not for the audit to say
    has_an_ideal = rule.comparison is Comparing.VALUE and entry.ideal is not None
    either_way = rule.direction is Direction.EITHER and rule.reference != "best"
    return entry.better is Better.NEITHER and not (follows_effect or has_an_ideal or either_way or rule.comparison.is_extreme) and rule.better is None


def _limit_mistakes(rule: Rule) -> Iterator[Mistake]:
    if rule.comparison in (Comparing.RATIO, Comparing.MIN_MAX_RATIO) and rule.limit > 1:
        yield Mistake(("limit",), f"the limit of a ratio is at most 1 (0.8 also stands for 1.25 where low is good), and is {rule.limit:g}.")
        return
    for name in rule.metric_names:
        try:
            entry = metric(name)
        except UnknownName:
            continue  # which is told of the metric
        mistake = _misplaced(rule, entry)
        if mistake is not None:
            yield mistake
            return


def _misplaced(rule: Rule, entry: Metric) -> Mistake | None:
    """A limit or a serious violation that a metric cannot have, or that do not go together."""
    better = Better(rule.better) if rule.better else entry.better
    if rule.comparison is Comparing.VALUE and is_around_one(entry) and rule.limit == 1:
        return Mistake(("limit",), f"{entry.id} is ideally 1, so a limit of 1 allows nothing else; give one such as 0.8, which also stands for 1.25.")
    serious, least_is_bad = serious_magnitude(rule, entry, better), is_minimum(rule, entry, better)
    widest = entry.bounds[1] - entry.bounds[0] if rule.comparison in (Comparing.DIFFERENCE, Comparing.GAP, Comparing.CHANGE) else entry.bounds[1]
    is_ratio = rule.comparison in (Comparing.RATIO, Comparing.MIN_MAX_RATIO)
    what = "a difference of rates" if entry.shape is Shape.RATE and not is_ratio and rule.comparison is not Comparing.VALUE else f"the {rule.comparison.value} of {entry.id}"
    if not is_ratio and rule.limit >= widest:
        return Mistake(("limit",), f"the limit of {what} is below {widest:g}{' (0.1 is ten points)' if widest == 1 else ''}, and is {rule.limit:g}.")
    limit = min(rule.limit, 1 / rule.limit) if rule.comparison is Comparing.VALUE and is_around_one(entry) else rule.limit
    if least_is_bad and serious >= limit:
        kind = "ratio" if is_ratio else "value"
        return Mistake(("serious",), f"'serious' must be a worse {kind} than the limit {rule.limit:g}, and is {serious:g}.")
    if not least_is_bad and serious <= rule.limit:
        return Mistake(("serious",), f"'serious' must be a larger {'value' if rule.comparison is Comparing.VALUE else 'difference'} than the limit {rule.limit:g}, and is {serious:g}.")
    if not least_is_bad and serious >= widest:
        return Mistake(("serious",), f"'serious' would be {serious:g}, which {entry.id} cannot have; give one below {widest:g}.")
    return None
