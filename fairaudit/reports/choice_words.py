"""What `fairaudit rules choose` answers, in words for a lawyer or an engineer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fairaudit.evidence.identity import BaseRate, BaseRates
from fairaudit.metrics.catalogue import metric
from fairaudit.reports.numbers import decimal, percent, whole
from fairaudit.reports.size_words import needs_words, size_lines
from fairaudit.reports.wrapped import POINT, section
from fairaudit.rules.choosing import Choice, Chosen, needs_of
from fairaudit.rules.library import load_rule
from fairaudit.rules.sized import Need, Size, rows_are
from fairaudit.rules.tree import table

DOES = {"fail": "fails", "warn": "warns", "info": "is remarked"}
IDENTITY = (
    "With base rates p that differ between groups, FPR = p / (1 − p) · (1 − PPV) / PPV · (1 − FNR) says that equal predictive values, false positive rates and "
    "misses cannot hold together, unless prediction is perfect (Chouldechova 2017)."
)


def choice_words(choice: Choice, *, rates: BaseRates | None, sizes: Sequence[Size], usual: Sequence[tuple[str, str, tuple[Need, ...]]], width: int) -> str:
    """The whole answer.

    Args:
        rates: base rates of the user's own data, where there are some.
        sizes: how large groups must be there.
        usual: without data, of each rule and rate, what six groups of one attribute need at usual rates.
    """
    lines = [
        *section("Answers", _answers(choice), width=width),
        *section("Rules" if choice.can_be_audited else "Rules (no audit of this version can be judged by them)", _rules(choice.rules), width=width),
        *section("Cannot be had", ((one.rule or POINT, one.why) for one in choice.not_had), width=width),
        *section("Traded away", ((POINT, one) for one in choice.traded), width=width),
        *section("What base rates force", ((POINT, one) for one in _forced(choice, rates)), width=width),
        *size_lines(sizes, width=width),
        *section("Rows that the rules need", ((rule, _usual(name, needs)) for rule, name, needs in usual), width=width),
    ]
    return "\n".join(lines).strip("\n")


def answer_words(choice: Choice) -> Iterator[tuple[str, str, str]]:
    """Each question with its answer and how it was had."""
    answers = choice.answers
    for question in table().questions:
        given = answers.given[question.id]
        said = ", ".join(answers.columns) if question.id == "control" and answers.columns else ", ".join(given)
        if question.id in answers.assumed:
            how = f"assumed, since nobody answered: {question.why} ({question.flag})"
        elif question.id in answers.seen:
            how = f"by {answers.seen[question.id]}"
        else:
            how = answers.justification if question.id == "control" and answers.justification else ""
        yield question.id, said, how


def _answers(choice: Choice) -> Iterator[tuple[str, str]]:
    for id, said, how in answer_words(choice):
        yield id, f"{said}; {how}" if how else said


def _rules(rules: Sequence[Chosen]) -> Iterator[tuple[str, str]]:
    for one in rules:
        severity = one.severity.value if one.severity else ""
        changed = f", where it {DOES[one.shipped.value]} by itself" if one.shipped and one.changes_severity else ""
        yield one.rule, f"{DOES[severity]}{changed}: {load_rule(one.rule).title}."
        yield from ((one.rule, f"Why: {why}") for why in one.why)
        if needs := needs_of(one.rule):
            yield one.rule, f"It needs {needs}."
        yield from ((one.rule, f"Not for: {warning}") for warning in one.not_for)


def _forced(choice: Choice, rates: BaseRates | None) -> Iterator[str]:
    if rates is None:
        if any(load_rule(one.rule).needs_label for one in choice.rules if choice.can_be_audited):
            yield f"{IDENTITY} With --data and --label it is computed on your own base rates."
        return
    yield f"How often the label is true: {'; '.join(_base(one) for one in rates.groups)}."
    labels = choice.answers.the("labels")
    if labels == "selective":
        yield "These are of people once chosen; what they are among the others is not known, and so neither is what they force."
        return
    if labels == "proxy":
        yield "All of this is by a label that stands in for what is meant: if it leans, so do these rates."
    whose = (
        f"With a predictive value of {percent(rates.predictive_value)} and {percent(rates.miss_rate)} missed in every group, "
        f"{'which are examples, since nothing is decided yet' if rates.is_example else 'which are everyone’s here'},"
    )
    forced = [one for one in rates.groups if one.forced is not None and one.is_compared]
    if rates.gap is None:
        yield "No two groups have enough labels of both kinds for their base rates to be compared."
        return
    yield f"{whose} false positive rates would have to be: {'; '.join(f'{one.slice} {percent(one.forced)}' for one in forced if one.forced is not None)}."
    yield f"So equal predictive values and equal misses of this size force false positive rates that are up to {decimal(rates.gap)} apart, whatever the model."
    if any(one.forced is not None and one.forced > 1 for one in forced):
        yield "A rate above 100% means that no model can have these values there."
    yield IDENTITY


def _base(one: BaseRate) -> str:
    rate = "undefined" if one.rate is None else percent(one.rate)
    return f"{one.slice} {rate} of {whole(one.rows)}{'' if one.is_compared else ' (too few to be compared)'}"


def _usual(name: str, needs: tuple[Need, ...]) -> str:
    return f"{metric(name).title}, of six groups of one attribute: {needs_words(needs, rows_are=rows_are(metric(name)))}."
