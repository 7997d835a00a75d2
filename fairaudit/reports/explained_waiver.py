"""The step behind the verdict: whether somebody answers for the violation, and how far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import msgspec

from fairaudit.gate.answers import Answer, answers
from fairaudit.gate.policy import Policy, can_be_waived
from fairaudit.gate.waiver import Waiver
from fairaudit.gate.waivers import WORSE, applied, is_low
from fairaudit.reports.characters import visible
from fairaudit.reports.gated import reason_of
from fairaudit.reports.numbers import apart
from fairaudit.reports.sentences import ended
from fairaudit.reports.steps import Explanation, Step, yes

_TITLE = "Is it waived?"
_SO = {
    "waived": "So it is waived: the gate lets it pass, and shows and counts it.",
    "worse than waived": "So the entry does not apply: to the gate it is violated as if nobody had waived it, and worse than waived.",
    "not in force": "So the entry does not apply: to the gate it is violated as if nobody had waived it, and the entry fails the build by itself.",
}


def with_waivers(found: Sequence[Explanation], waivers: Sequence[Waiver], *, as_of: date) -> tuple[Explanation, ...]:
    """The explanations, those of violations with who answers for them on that day and a step that says so."""
    answered = answers([one.finding for one in found], waivers, as_of=as_of)
    return tuple(
        replace(one, answer=answer, steps=partial(_steps, one, answer, as_of)) if can_be_waived(one.finding) else one for one, answer in zip(found, answered, strict=True)
    )


def remarked(found: Sequence[Explanation], waivers: Sequence[Waiver], *, as_of: date) -> tuple[str, ...]:
    """What the gate says of entries that do not apply, or not for long, a sentence each; what is worse than waived is told where it is listed."""
    return tuple(visible(one.sentence) for one in applied([one.finding for one in found], waivers, Policy(), as_of=as_of).remarks if one.id != WORSE)


def in_brief(one: Explanation) -> str:
    """What became of the entry that is for it, behind its value in a list; nothing where there is none."""
    if one.answer is None:
        return ""
    waiver = one.answer.waiver
    return f"; {one.answer.became}: {waiver.owner} answers for it until {waiver.expires}, as far as {_far(one, waiver)}"


def answered(one: Explanation) -> dict[str, Any]:
    """What data say of an entry that is for it; nothing where there is none."""
    return {} if one.answer is None else {"waiver": {"became": one.answer.became, **msgspec.to_builtins(one.answer.waiver)}}


def _steps(one: Explanation, answer: Answer | None, as_of: date) -> tuple[Step, ...]:
    return (*one.steps(), Step(id="waiver", title=_TITLE, lines=("No entry of the file of waivers is for it.",), numbers={"waiver": None}) if answer is None else _step(one, answer, as_of))


def _step(one: Explanation, answer: Answer, as_of: date) -> Step:
    waiver, finding = answer.waiver, one.finding
    value = "an infinite value" if finding.value is None else apart(finding.kind, finding.value, (waiver.holds_to, None))
    judged = f" ({waiver.metric})" if waiver.metric else ""
    lines = (
        f"The entry that is for it: {waiver.rule}{judged} on {waiver.whom}.",
        f"Who answers for it, and why: {ended(reason_of(waiver))}",
        f"It is in force from {waiver.created} to {waiver.expires}, both days included (UTC). On {as_of}: {yes(answer.became != 'not in force')}",
        *([] if answer.became == "not in force" else [f"It tolerates {'no less' if is_low(finding) else 'no more'} than {_far(one, waiver)}. Is {value} worse: {yes(not answer.applies)}"]),
        _SO[answer.became],
    )
    return Step(id="waiver", title=_TITLE, lines=tuple(map(visible, lines)), numbers={"waiver": waiver, "as_of": as_of, "became": answer.became})


def _far(one: Explanation, waiver: Waiver) -> str:
    return apart(one.finding.kind, waiver.holds_to, one.finding.limit)
