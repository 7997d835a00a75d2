"""What a mitigation of decisions did: on the terminal, and as a section of the report on the model that it made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fairaudit.cube.slices import EVERYONE
from fairaudit.mitigations.card import MitigationCard, Moved
from fairaudit.mitigations.methods import AS_IS
from fairaudit.mitigations.policy import Policy, Treatment
from fairaudit.reports.characters import visible
from fairaudit.reports.chart import Axis, rate_axis
from fairaudit.reports.numbers import counted, measured, percent, significant
from fairaudit.reports.numbers import interval_between as between
from fairaudit.reports.sentences import in_sentence, title_of
from fairaudit.reports.wrapped import POINT, columns, section

_MOST = 12  # changes that are named
_COSTS = ("accuracy", "error_rate", "true_positive_rate", "false_positive_rate", "selection_rate")
_WORDS = {"pass": "pass", "fail": "fail", "inconclusive": "inconclusive", None: "nothing judged"}
_STATES = {"fail": "violated", "inconclusive": "neither shown nor ruled out", None: "judged of nobody"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One group's rate before and after, in numbers and on an axis."""

    group: str
    rows: str
    before: str
    after: str
    change: str
    x_before: str
    x_after: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shifts:
    title: str
    axis: Axis
    rows: tuple[Shift, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    group: str
    rows: str  # fitted on
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MitigationView:
    lead: str
    what: str
    verdicts: str
    warnings: tuple[str, ...]
    how: str  # a title of what follows
    decided: tuple[Decided, ...]
    fallback: str
    cost: tuple[str, ...]
    shifts: tuple[Shifts, ...]
    better: tuple[str, ...]
    worse: tuple[str, ...]
    unmoved: str
    parts: str
    checked: str
    inputs: tuple[tuple[str, str], ...]
    outputs: tuple[tuple[str, str], ...]
    code: tuple[str, ...]  # lines
    notes: tuple[str, ...]


def mitigation_view(card: MitigationCard) -> MitigationView:
    """The section of the report."""
    policy = card.export.policy
    return MitigationView(
        lead=f"The decisions that this report is about are those of a mitigated model: {card.export.original.name}, with {_method(card)}.",
        what=f"{card.what} {card.why}",
        verdicts=_verdicts(card), warnings=tuple(_warnings(card)),
        how="How each group is decided" if policy.attributes else "How everybody is decided", decided=tuple(_decided(card)),
        fallback=_fallback(policy),
        cost=tuple(_cost(card)), shifts=tuple(_shifts(card)), better=tuple(_said(card, better=True)), worse=tuple(_said(card, better=False)), unmoved=_unmoved(card),
        parts=_parts(card), checked=_checked(card), inputs=tuple((one.name, f"{one.dtype} {one.shape}") for one in card.export.inputs),
        outputs=tuple((one.name, f"{one.dtype} {one.shape}") for one in card.export.outputs), code=_code(card), notes=card.notes,
    )  # fmt: skip


def _decided(card: MitigationCard) -> Iterator[Decided]:
    policy, rows = card.export.policy, card.fit.rows
    if not policy.attributes:
        yield Decided(group="everyone", rows=f"{sum(rows.values()):,}", how=_treated(policy.fallback))
    for one in policy.groups:
        yield Decided(group=str(one.group), rows=f"{rows.get(str(one.group), 0):,}", how=_treated(one.treatment))


def _fallback(policy: Policy) -> str:
    if not policy.attributes:
        return "The model is not told a row's group. Groups were needed to fit it, and are needed to audit it."
    return f"A row whose {' or '.join(policy.attributes)} is missing, or was not among the rows that were fitted on, is decided as the model itself does: {_treated(policy.fallback)}."


def mitigation_words(card: MitigationCard, *, width: int) -> str:
    """What is shown on a terminal."""
    seen = mitigation_view(card)
    table = [("", "fitted on", "decided"), *((one.group, one.rows, one.how) for one in seen.decided)]
    lines = [
        seen.verdicts,
        *section("Mind", ((POINT, one) for one in seen.warnings), width=width),
        "",
        seen.how,
        *(f"  {line}" for line in columns(table)),
        *section("Everyone, on the rows held out", ((POINT, one) for one in seen.cost), width=width),
        *section("Better off", ((POINT, one) for one in seen.better), width=width),
        *section("Worse off", ((POINT, one) for one in seen.worse), width=width),
        *section("Notes", ((POINT, one) for one in (seen.unmoved, seen.parts, seen.checked, *seen.notes)), width=width),
    ]
    return "\n".join(visible(line) for line in lines)


def _method(card: MitigationCard) -> str:
    if card.method == AS_IS:
        return "nothing changed"
    if card.method != "thresholds":
        return card.method.replace("-", " ")
    drawn = ", some decisions drawn between thresholds" if card.settings.get("drawn") else ""
    return f"{'a threshold for each group' if card.export.policy.attributes else 'the same threshold for everybody'}{drawn}"


def _verdicts(card: MitigationCard) -> str:
    held = card.holdout
    rules = "; ".join(f"{one.rule}: before {_WORDS[one.before]}, after {_WORDS[one.after]}" for one in held.rules)
    return f"On {counted(held.checked.rows, 'row')} that were not fitted on, {rules}."


def _warnings(card: MitigationCard) -> Iterator[str]:
    for name in card.holdout.levelled_down:
        yield f"Levelling down: groups were brought together in their {in_sentence(name)} by making some of them worse off, and nobody is better off in it on the rows that were held out."
    for one in card.holdout.rules:
        if one.after != "pass":
            fitted = "It holds on the rows that were fitted on, and on" if card.method == "thresholds" and card.search is None and not card.fit.unfitted else "On"
            yield f"{one.rule}: {_WORDS[one.after]} after the mitigation. {fitted} those that were held out it is {_STATES[one.after]}: see the findings."
    if card.export.policy.attributes:
        yield "People are decided differently for their group alone. Whether that is lawful is to be asked before the model is used: in many places it is not, in hiring and lending above all."


def _treated(one: Treatment) -> str:
    """Selected above 0.42."""
    if not one.cuts:
        told = {0.0: "nobody is selected", 1.0: "everybody is selected"}.get(one.chances[0], f"selected with chance {significant(one.chances[0])}")
    elif one.chances == (0.0, 1.0):
        told = f"selected above {significant(one.cuts[0], 6)}"
    else:
        ends = [significant(cut, 6) for cut in one.cuts]
        bands = [*(f"up to {end}" for end in ends), f"above {ends[-1]}"]
        told = "; ".join(f"{band} selected with chance {significant(chance)}" for band, chance in zip(bands, one.chances, strict=True))
    return told if one.constant is None else f"{told}; {percent(one.replaced)} of the rows, drawn, are decided as if their score were {significant(one.constant)}"


def _cost(card: MitigationCard) -> Iterator[str]:
    fit = card.fit
    gap = "which is the best that could be had" if fit.gap == 0 else f"and nothing could have more than {significant(fit.after + fit.gap, 4)}"
    by_metric = {one.metric: one for one in card.holdout.moved if one.slice == EVERYONE}
    for name in _COSTS:
        if name in by_metric:
            yield _change(by_metric[name], whose="")
    yield f"On the rows that were fitted on, {fit.objective} went from {significant(fit.before, 4)} to {significant(fit.after, 4)}, {gap}."


def _change(one: Moved, *, whose: str) -> str:
    if one.before is None or one.after is None:
        return f"{whose}{in_sentence(one.metric)}: undefined"
    if not one.change:
        told = "the same"
    else:
        interval = "no interval, since too few turned" if one.interval is None else f"95% interval {between('difference', one.interval)}"
        told = f"change {significant(one.change)}, {interval}"
    return f"{whose}{in_sentence(one.metric)} {measured(one.metric, one.before)} → {measured(one.metric, one.after)} ({told})"


def _own(card: MitigationCard) -> list[Moved]:
    """Changes of groups, of the metrics that rules judge and of what people feel of decisions."""
    names = dict.fromkeys((*card.fit.judged, "selection_rate", "true_positive_rate" if card.config.get("effect", "helps") == "helps" else "false_positive_rate"))
    return [one for one in card.holdout.moved if one.metric in names and one.slice != EVERYONE]


def _said(card: MitigationCard, *, better: bool) -> Iterator[str]:
    found = sorted((one for one in _own(card) if one.is_better is better), key=lambda one: -abs(one.change or 0.0))
    for one in found[:_MOST]:
        yield _change(one, whose=f"{one.slice}: ")
    if len(found) > _MOST:
        yield f"and {len(found) - _MOST} more, which comparison.json has"


def _unmoved(card: MitigationCard) -> str:
    quiet = [one for one in _own(card) if not one.is_told]
    return f"{counted(len(quiet), 'rate')} of groups did not change, or by no more than chance explains." if quiet else ""


def _shifts(card: MitigationCard) -> Iterator[Shifts]:
    groups = {one.group for one in (card.export.policy.groups or card.fit.reached)}
    for name in card.fit.judged:
        own = [one for one in card.holdout.moved if one.metric == name and one.slice in groups and one.before is not None and one.after is not None]
        if own:
            axis = rate_axis([value for one in own for value in (one.before, one.after) if value is not None], percent)
            yield Shifts(title=title_of(name), axis=axis, rows=tuple(_shift(one, axis) for one in own))


def _shift(one: Moved, axis: Axis) -> Shift:
    before, after = one.before or 0.0, one.after or 0.0
    change = "the same" if not one.change else between("difference", one.interval) if one.interval is not None else "too few turned to tell"
    return Shift(
        group=one.slice.label, rows=f"{one.rows:,}", before=measured(one.metric, before), after=measured(one.metric, after), change=change, x_before=f"{axis.x(before):.1f}",
        x_after=f"{axis.x(after):.1f}", words=f"{one.slice}: from {measured(one.metric, before)} to {measured(one.metric, after)}",
    )  # fmt: skip


def _parts(card: MitigationCard) -> str:
    how = card.parts
    chosen = "" if how.rows_chosen_on is None else f", chosen by {how.rows_chosen_on:,} others"
    if how.holdout is not None:
        return f"Fitted on {how.rows_fitted:,} rows{chosen} and judged on {how.rows_held_out:,} others, of {how.holdout}."
    return f"The data were split by what the rows hold and seed {how.seed}, in equal shares of labels and groups: fitted on {how.rows_fitted:,} rows{chosen}, judged on {how.rows_held_out:,} others."


def _checked(card: MitigationCard) -> str:
    seen = card.holdout.checked
    near = f"; {counted(seen.near_a_cut, 'row')} within a millionth of a cut may be rounded to either side, and {seen.differing:,} {'was' if seen.differing == 1 else 'were'}" if seen.near_a_cut else ""
    drawn = f" {seen.drawn:,} decisions are drawn, each by a hash of the row, so the same applicant always gets the same answer." if seen.drawn else ""
    return f"The exported model was loaded again in a fresh process and gives all {seen.rows:,} rows the same score and decision{near}.{drawn}"


def _code(card: MitigationCard) -> tuple[str, ...]:
    given = [f"{one.name}=…" if one.name.isidentifier() else f"**{{{one.name!r}: …}}" for one in card.export.inputs]
    return (
        "import tensorflow as tf", "", 'model = tf.saved_model.load("saved_model")', f'decide = model.signatures["{card.export.signature}"]',
        f"answer = decide({', '.join(given)})", 'answer["decision"]  # 0 or 1; answer["score"] is the score',
    )  # fmt: skip
