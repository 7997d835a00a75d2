"""Findings by the words that name one: its rule, whom it is about, and its metric where a rule judges several."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from fairaudit.errors import ConfigError, UnknownName
from fairaudit.metrics.catalogue import known_names, metric
from fairaudit.reports.badges import GRAVEST_FIRST, REFERENCE, WAIVED, WARNING
from fairaudit.reports.explained_waiver import answered, in_brief
from fairaudit.reports.numbers import apart, compared
from fairaudit.reports.steps import Explanation
from fairaudit.rules.finding import Finding

_MOST = 20  # candidates that a sentence lists


def chosen(found: Sequence[Explanation], words: Sequence[str]) -> tuple[Explanation, ...]:
    """The findings that the words name: one, or those that bear the same name.

    Args:
        words: in whatever order: a rule's id; a metric's id or alias; what is left names people, as `race=Black`, `sex=Female race=Black` of a cross, or `all groups of race`.

    Raises:
        ConfigError: nothing bears this name, or several findings do; says which there are.
    """
    left, people = list(found), []
    for word in words:
        if any(one.finding.rule == word for one in found):
            left = [one for one in left if one.finding.rule == word]
        elif word in known_names():
            left = [one for one in left if one.finding.metric == metric(word).id]
        else:
            people.append(word)
    if people:
        left = _about(left, found, people)
    names = list(dict.fromkeys(name_of(one, found) for one in left))
    if not names:
        raise ConfigError(f"no finding is named {' '.join(words)!r}: each word names something, but not together; `fairaudit explain AUDIT.json` lists all.")
    if len(names) > 1:
        more = f"\n  and {len(names) - _MOST} more" if len(names) > _MOST else ""
        raise ConfigError(f"{' '.join(words)!r} names {len(names)} findings; name one of\n  " + "\n  ".join(names[:_MOST]) + more)
    return tuple(left)


def name_of(one: Explanation, found: Sequence[Explanation]) -> str:
    """The words that name a finding, as a shell takes them."""
    told = one.finding
    several = any(other.finding.rule == told.rule and other.whom == one.whom and other.finding.metric != told.metric for other in found)
    return " ".join(shlex.quote(word) for word in (told.rule, one.whom, *([told.metric] if several else [])))


def listing(found: Sequence[Explanation]) -> str:
    """Every finding that can be explained, a line each, gravest first."""
    order = {word: place for place, word in enumerate((*GRAVEST_FIRST, REFERENCE))} | {WAIVED: GRAVEST_FIRST.index(WARNING) + 0.5}
    lines = [(one.badge.word.lower(), name_of(one, found), f"{_value(one.finding)}{in_brief(one)}") for one in sorted(found, key=lambda one: (order.get(one.badge, len(order)), _p(one.finding)))]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)] if lines else []
    return "\n".join("  ".join(f"{text:<{width}}" for text, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def as_list(found: Sequence[Explanation]) -> list[dict[str, object]]:
    """The same as data, in the order of the audit."""
    return [{"name": name_of(one, found), "rule": one.finding.rule, "whom": one.whom, "metric": one.finding.metric, "verdict": one.finding.verdict.value, **answered(one)} for one in found]


def _about(left: list[Explanation], found: Sequence[Explanation], people: Sequence[str]) -> list[Explanation]:
    wanted = (_plainly(people), _plainly([" ".join(people)]))  # of `all groups of race` the quotes may be forgotten
    about = [one for one in left if _plainly([one.whom]) in wanted]
    if about:
        return about
    known, asked = list(dict.fromkeys(one.whom for one in left)), " ".join(people)
    if any(_plainly([one.whom]) in wanted for one in found):
        return []
    parts = {part for name in known for part in _plainly([name])}
    for word in people:
        if "=" not in word and word not in parts:  # it may have been meant for a rule or a metric
            raise UnknownName("rule, metric or slice", word, list(dict.fromkeys((*(one.finding.rule for one in found), *(one.finding.metric for one in found), *known))))
    raise UnknownName("finding on", asked, known, all_in="`fairaudit explain AUDIT.json`")


def _plainly(words: Sequence[str]) -> frozenset[str]:
    """A cross in whatever order, in one word or several."""
    return frozenset(part.strip() for word in words for part in word.split(","))


def _value(one: Finding) -> str:
    if one.value is None:
        return one.reason.split("; about ")[0]
    return f"{one.metric} {one.kind} {apart(one.kind, one.value, one.limit) if one.kind != 'difference' else compared(one.kind, one.value)}"


def _p(one: Finding) -> float:
    return 1.0 if one.p_adjusted is None else one.p_adjusted
