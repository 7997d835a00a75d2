"""What the user's own data add to the choice of rules: what they answer, which rules they cannot serve, and how many rows the others need."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from fairaudit.config import AuditConfig, overridden
from fairaudit.errors import FairauditError
from fairaudit.evidence.identity import base_rates, selected_share
from fairaudit.metrics.catalogue import metric
from fairaudit.rules.choosing import Answers, Choice, choose, rule_of, without
from fairaudit.rules.finding import Severity
from fairaudit.rules.library import load_rule
from fairaudit.rules.plan import plan
from fairaudit.rules.rule import Intersections
from fairaudit.rules.sized import USUAL_RATES, Need, Size, is_tested, look_alpha, need, sizes
from fairaudit.rules.tree import NEARLY_ALL_SELECTED, UNEQUAL_BASE_RATES
from fairaudit.survey import Survey

_FEW = 0.05  # of everyone, decided positively: the limit of predictive-equality, by which rates below it cannot differ
_NEARLY_ALL = 0.9  # selected: from here on a group can be rejected 2.8 times as often as another and pass four fifths
_USUAL_GROUPS = 6


def seen_already(config: AuditConfig, survey: Survey | None) -> dict[str, tuple[str, str]]:
    """What flags and data answer by themselves: question → the answer, and by what it is known."""
    seen: dict[str, tuple[str, str]] = {}
    for name, answer in (("decision_column", "decision"), ("score_column", "score"), ("model", "score")):
        if getattr(config, name):
            seen["gives"] = (answer, f"--{name.replace('_', '-')}")
    if config.data and config.label is None:
        seen["labels"] = ("none", "the data, of which no --label is named")
    if config.effect == "harms":
        seen["effect"] = ("harms", "the configuration")
    if survey is not None and survey.decided and (share := selected_share(survey.counts)) is not None:
        seen["flagged"] = ("few" if share <= _FEW else "many", f"the data, where {100 * share:.1f}% are decided positively")
    return seen


def suiting(answers: Answers, survey: Survey | None) -> Choice:
    """The rules that suit the answers and what the data say."""
    if survey is None:
        return choose(answers)
    share, rates = selected_share(survey.counts) if survey.decided else None, base_rates(survey.counts, decided=survey.decided)
    found = [NEARLY_ALL_SELECTED] if share is not None and share >= _NEARLY_ALL else []
    found += [UNEQUAL_BASE_RATES] if rates is not None and (rates.gap or 0.0) > load_rule("predictive-equality").limit else []
    return choose(answers, found)


def as_answered(config: AuditConfig, choice: Choice) -> AuditConfig:
    """The configuration with what the answers say of it: the effect, the control, and the crosses that rules judge."""
    crossed = max((rule.slices.intersections for rule in map(rule_of, choice.rules) if isinstance(rule.slices, Intersections)), default=1)
    most = len({*config.protected, *config.bins} - {*choice.answers.columns})
    effect = "harms" if choice.answers.the("effect") == "harms" else "helps"
    return overridden(config, {"effect": effect, "control": choice.answers.columns, "intersections": max(config.intersections, min(crossed, most))})


def servable(choice: Choice, survey: Survey) -> Choice:
    """The choice without rules that an audit of these data would refuse, each with the reason."""
    for one in choice.rules if choice.can_be_audited else ():
        try:
            plan((rule_of(one),), survey.to_plan, survey.context)
        except FairauditError as error:
            choice = without(choice, one.rule, str(error))
    return choice


def sized(choice: Choice, survey: Survey) -> tuple[Size, ...]:
    """How large groups must be for each rule, all rules together, and how large they are."""
    if not choice.can_be_audited:
        return ()
    return sizes(plan([rule_of(one) for one in choice.rules], survey.to_plan, survey.context), survey.counts, survey.context, decided=survey.decided)


def usual_needs(choice: Choice, effect: str) -> Iterator[tuple[str, str, tuple[Need, ...]]]:
    """What rules on rates need at usual rates, for six groups of one attribute, which is as much as can be said without data: rule, metric, rows."""
    rules = [rule_of(one) for one in choice.rules] if choice.can_be_audited else []
    for rule in rules:
        families = sum((other.severity is Severity.FAIL) == (rule.severity is Severity.FAIL) for other in rules)
        for name in rule.metrics:
            if is_tested(rule, metric(name)):
                share = float(1 - Decimal(str(rule.confidence))) / families / len(rule.metrics)
                alpha, better = look_alpha(rule, share, _USUAL_GROUPS), rule.better_of(name, effect)
                yield rule.id, name, tuple(need(rule, metric(name), better, alpha=alpha, rate=rate) for rate in USUAL_RATES)
