"""What a mitigation of decisions did: on the terminal, and as a section of the report on the model that it made."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from fairaudit.config import AuditConfig
from fairaudit.method_names import AS_IS
from fairaudit.mitigations.card import Inference, MitigationCard
from fairaudit.mitigations.exported import DECISION, SCORE
from fairaudit.mitigations.inferring import meaning_of
from fairaudit.mitigations.policy import Policy, Treatment
from fairaudit.reports.characters import visible
from fairaudit.reports.held_out import Outcome, Shifts, checked, cost, parts_words, said, shifts, unmoved, verdicts, warnings
from fairaudit.reports.numbers import counted, percent, significant
from fairaudit.reports.rules_met import RuleMet, rules_met
from fairaudit.reports.rules_met import lines as lines_of
from fairaudit.reports.using import auditing, calling
from fairaudit.reports.wrapped import POINT, columns, section

MODEL = "saved_model"  # beside the report


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    group: str
    rows: str  # fitted on
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    group: str
    label: str
    rows: str
    factor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochSeen:
    epoch: str
    training: str
    validation: str
    kept: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedView:
    """How a model was trained, where one was."""

    how: str
    weighed: tuple[Weighed, ...]
    epochs: tuple[EpochSeen, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MitigationView:
    lead: str
    what: str
    verdicts: str
    rules: tuple[RuleMet, ...]
    warnings: tuple[str, ...]
    how: str  # a title of what is decided
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
    audit: tuple[str, ...]  # lines of a command
    notes: tuple[str, ...]
    trained: TrainedView | None = None


def mitigation_view(card: MitigationCard) -> MitigationView:
    """The section of the report."""
    policy, outcome = card.export.policy, _outcome(card)
    warned = tuple(_warnings(card, outcome))
    return MitigationView(
        lead=f"The decisions that this report is about are those of a mitigated model: {card.export.original.name}, with {_method(card)}.",
        what=f"{card.what} {card.why}",
        verdicts=verdicts(outcome), rules=rules_met(card.holdout.rules), warnings=warned,
        how="How each group is decided" if policy.attributes else "How everybody is decided", decided=tuple(_decided(card)), fallback=_fallback(policy),
        cost=tuple(_cost(card, outcome)), shifts=tuple(shifts(outcome)), better=tuple(said(outcome, better=True)), worse=tuple(said(outcome, better=False)), unmoved=unmoved(outcome),
        parts=parts_words(card.parts), checked=checked(card.holdout), inputs=tuple((one.name, f"{one.dtype} {one.shape}") for one in card.export.inputs),
        outputs=tuple((one.name, f"{one.dtype} {one.shape}") for one in card.export.outputs), code=_code(card), audit=audit_of(card, MODEL), notes=tuple(one for one in card.notes if one not in warned),
    )  # fmt: skip


def _decided(card: MitigationCard) -> Iterator[Decided]:
    policy, rows = card.export.policy, card.fit.rows
    if card.inference is not None:
        for one in policy.groups:
            yield Decided(group=f"taken for {one.group}", rows=f"{card.inference.fitted.get(str(one.group), 0):,}", how=_treated(one.treatment))
        return
    if not policy.attributes:
        yield Decided(group="everyone", rows=f"{sum(rows.values()):,}", how=_treated(policy.fallback))
    for one in policy.groups:
        yield Decided(group=str(one.group), rows=f"{rows.get(str(one.group), 0):,}", how=_treated(one.treatment))


def _fallback(policy: Policy) -> str:
    if policy.is_inferred:
        return f"The model is not told a row's {' or '.join(policy.attributes)}: everybody is taken for one of these groups."
    if not policy.attributes:
        return "The model is not told a row's group. Groups were needed to fit it, and are needed to audit it."
    return f"A row whose {' or '.join(policy.attributes)} is missing, or was not among the rows that were fitted on, is decided as the model itself does: {_treated(policy.fallback)}."


def mitigation_words(card: MitigationCard, *, width: int) -> str:
    """What is shown on a terminal."""
    seen = mitigation_view(card)
    table = [("", "fitted on", "decided"), *((one.group, one.rows, one.how) for one in seen.decided)]
    lines = [
        seen.verdicts,
        *(f"  {line}" for line in lines_of(seen.rules)),
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
    drawn = ", some decisions drawn between thresholds" if card.export.policy.is_random else ""
    if card.inference is not None:
        return f"chances for each group, which the model infers from {', '.join(card.inference.features)}"
    return f"{'a threshold for each group' if card.export.policy.attributes else 'the same threshold for everybody'}{drawn}"


def _outcome(card: MitigationCard) -> Outcome:
    mean = " in the mean over what is drawn" if card.settings.get("drawn") else ""
    fitted = f"It holds{mean} on the rows that were fitted on, and these are others. " if card.method == "thresholds" and card.search is None and not card.fit.unfitted else ""
    return Outcome(held=card.holdout, judged=card.fit.judged, groups=frozenset(one.group for one in (card.export.policy.groups or card.fit.reached)), effect=str(card.config.get("effect", "helps")), unchanged="the exported model decides as the original does" if _is_unchanged(card) else "", fitted=fitted, search=card.search)


def _is_unchanged(card: MitigationCard) -> bool:
    """Whether everybody is decided by the original's own threshold."""
    policy = card.export.policy
    own = card.config.get("threshold", AuditConfig().threshold)
    return not policy.groups and policy.fallback.chances == (0.0, 1.0) and math.isclose(policy.fallback.cuts[0], own, rel_tol=1e-6, abs_tol=1e-9)  # the cut is in the type of the scores


def _warnings(card: MitigationCard, outcome: Outcome) -> Iterator[str]:
    if card.inference is not None:
        yield from _of_inference(card.inference, card.export.policy)
    yield from warnings(outcome)
    if card.inference is None and card.export.policy.attributes:
        yield "People are decided differently for their group alone. Whether that is lawful is to be asked before the model is used: in many places it is not, in hiring and lending above all."


_SURE = 0.1  # of each group: whoever is mistaken more rarely is told, and does not infer


def _of_inference(inference: Inference, policy: Policy) -> Iterator[str]:
    shares = [one.mistaken / one.rows for one in inference.mistaken if one.rows]
    if shares and max(shares) < _SURE:
        yield (
            f"At most {percent(max(shares))} of a group are taken for another: some column that the model takes all but says the {' and '.join(policy.attributes)}, as being a husband says the sex. "
            "This is hardly an inference, but deciding by the group itself, whatever it is called."
        )
    yield meaning_of(policy.attributes)
    for one in inference.mistaken:
        if one.rows:
            yield f"{one.group}: {percent(one.mistaken / one.rows)} of its {counted(one.rows, 'row')} that were held out are taken for another group."


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


def _cost(card: MitigationCard, outcome: Outcome) -> Iterator[str]:
    fit = card.fit
    yield from cost(outcome)
    if card.method == AS_IS:
        yield f"On the rows that candidates were fitted on, {fit.objective} is {significant(fit.before, 4)}."
        return
    gap = "which is the best that could be had" if fit.gap == 0 else f"and nothing could have more than {significant(fit.after + fit.gap, 4)}"
    yield f"On the rows that were fitted on, {fit.objective} went from {significant(fit.before, 4)} to {significant(fit.after, 4)}, {gap}."


def _code(card: MitigationCard) -> tuple[str, ...]:
    made = card.export
    return (*calling(made.signature, made.inputs, made.usual, examples=made.examples, policy=made.policy), 'print(answer["decision"].numpy())  # 0 or 1', 'print(answer["score"].numpy())')


def audit_of(card: MitigationCard, model: str) -> tuple[str, ...]:
    """The command that audits the exported model by its own decisions."""
    return auditing(card.config, card.parts.holdout, model=model, flags=(f"--output {SCORE}", f"--decision-output {DECISION}"))
