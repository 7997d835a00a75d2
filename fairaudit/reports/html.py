"""The report: one HTML file that needs neither network nor script."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from fairaudit.errors import listed
from fairaudit.gate.policy import Ruling
from fairaudit.given import of_kind, of_kind_or_none
from fairaudit.reports.characters import visible
from fairaudit.reports.numbers import counted
from fairaudit.reports.view import Page, view
from fairaudit.resources import names, resource
from fairaudit.result import Audit

if TYPE_CHECKING:  # a mitigation's rooms bring libraries that no audit needs
    from fairaudit.mitigations.card import MitigationCard
    from fairaudit.mitigations.frontier import Frontier
    from fairaudit.mitigations.retrained_card import RetrainedCard

FOLDER = "reports/templates"


def render(audit: Audit, ruling: Ruling | None = None, *, as_of: date | None = None, mitigation: MitigationCard | RetrainedCard | None = None, frontier: Frontier | None = None) -> str:
    """The report of an audit as text of one HTML file. Pure: the same audit, the same text.

    Args:
        ruling: what the gate made of it, to be shown too: what is waived depends on the day.
        as_of: the day on which it is read; then it says which rules' sources somebody looked at over a year before.
        mitigation: what made the model that was audited, to be shown with what it changed.
        frontier: of what it was chosen, where it was.
    """
    page = view(of_kind(audit, Audit, "audit"), of_kind_or_none(ruling, Ruling, "ruling"), as_of=of_kind_or_none(as_of, date, "as_of"))
    page = page if mitigation is None else _headed(page, mitigation)
    return environment().get_template("report.html.j2").render(page=page, mitigation=None if mitigation is None else _of_mitigation(mitigation), search=None if frontier is None else _of_search(frontier))


def _headed(page: Page, card: MitigationCard | RetrainedCard) -> Page:
    """The page with a mitigation's own verdict."""
    from fairaudit.method_names import AS_IS
    from fairaudit.mitigations.retrained_card import RetrainedCard
    from fairaudit.reports.rules_met import banner

    held = card.holdout
    by_trainer = isinstance(card, RetrainedCard) and card.trainer is not None and card.trainer.trained_before
    name, files = "the trainer's model" if by_trainer else card.export.original.name, [one.name for one in card.parts.given_holdout or card.parts.given]
    title = f"Fairness audit of {name}{', unchanged' if card.method == AS_IS else f', mitigated by {_METHODS.get(card.method, card.method)}'}"
    subject = f"on {'rows held out' if not card.parts.given_holdout else 'the rows'} of {listed(files, most=3)}" if files else page.subject
    return replace(page, title=title, subject=subject, verdict=banner(held.rules, counted(held.checked.rows, "row"), page.verdict))


_METHODS = {"reweigh-fine-tune": "training on under weights", "reweigh-trainer": "training under weights"}


def _of_mitigation(card: MitigationCard | RetrainedCard) -> object:
    from fairaudit.mitigations.card import MitigationCard
    from fairaudit.reports.mitigated import mitigation_view
    from fairaudit.reports.retrained import retrained_view

    return mitigation_view(card) if isinstance(card, MitigationCard) else retrained_view(card)


def _of_search(frontier: Frontier) -> object:
    from fairaudit.reports.searched import search_view

    return search_view(frontier)


def compile_templates() -> None:
    """What `render` would do first, done now."""
    for name in names(FOLDER, ".j2"):
        environment().get_template(f"{name}.j2")


@cache
def environment() -> Environment:
    """Everything placed is escaped, and a name that does not exist is an error: no template decides either."""
    return Environment(autoescape=True, undefined=StrictUndefined, loader=FunctionLoader(_template), finalize=_shown, trim_blocks=True, lstrip_blocks=True)


def _template(name: str) -> str | None:
    file = resource(FOLDER, name)
    return file.read_text(encoding="utf-8") if file.is_file() else None


def _shown(value: object) -> object:
    """What every placed value passes through, so that no text from data can act on the page; markup is ours, from macros."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
