"""`fairaudit rules choose`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fairaudit.cli.audit import flags_of, with_options
from fairaudit.errors import ConfigError

if TYPE_CHECKING:
    from fairaudit.config import AuditConfig
    from fairaudit.rules.choosing import Answers, Choice
    from fairaudit.survey import Survey

QUESTIONS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("--gives",), {"type": click.Choice(["decision", "score", "number", "class"]), "help": "What the model gives."}),
    (("--law",), {"type": click.Choice(["none", "us-employment", "nyc", "eu-high-risk", "us-health"]), "multiple": True, "help": "A law that reaches the use; adds rules, never removes any. Repeatable."}),
    (("--labels",), {"type": click.Choice(["sound", "selective", "proxy", "none"]), "help": "How good the labels are."}),
    (("--effect", "affects"), {"type": click.Choice(["helps", "harms", "both"]), "help": "What a positive decision does to a person."}),
    (("--worse-error",), {"type": click.Choice(["missed", "wrongly-flagged", "both"]), "help": "Which mistake is worse for the person."}),
    (("--use",), {"type": click.Choice(["yes-no", "probability", "top-k"]), "help": "How the answer is used."}),
    (("--flagged",), {"type": click.Choice(["few", "many"]), "help": "Whether about 1 in 20 or fewer are decided positively. [default: what the data say]"}),
    (("--justification",), {"metavar": "TEXT", "help": "Why the --control may fairly explain a difference, in a sentence; the configuration keeps it."}),
    (("--update/--no-update",), {"default": None, "help": "Whether there is a model in service that this one would replace."}),
)
_OF_OTHERS = ("--rule", "--effect")  # flags of audit whose place ours take


def with_questions(command: Callable[..., int]) -> Callable[..., int]:
    for names, settings in reversed(QUESTIONS):
        command = click.option(*names, **settings)(command)
    return command


def _with_flags_of_audit(command: Callable[..., int]) -> Callable[..., int]:
    return with_options(command, without=_OF_OTHERS)


@click.command("choose")
@with_questions
@_with_flags_of_audit
@click.option("--config", "config_file", type=click.Path(path_type=Path), metavar="FILE", help="What to audit, instead of flags; its rules are chosen anew.")
@click.option("--out", metavar="DIR", help="Where audits go, as the configuration will say. [default: fairness]")
@click.option("--write", "target", type=click.Path(path_type=Path), metavar="FILE", help="Write a configuration for `fairaudit audit --config`, with a comment at each rule.")
@click.option("--force", is_flag=True, help="Replace files that are there already.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(config_file: Path | None, out: str | None, target: Path | None, force: bool, as_json: bool, debug: bool, **given: Any) -> int:
    """Choose rules by nine questions: which, why, and what is traded away; with data, what they force and how many rows are needed.

    On a terminal what no flag answers is asked. Elsewhere the cautious answer is taken, and it is said so.

    \b
    fairaudit rules choose --labels sound --effect helps --worse-error missed
    fairaudit rules choose --data people.csv --label hired --score-column score --protected sex --write fairaudit.yaml
    """
    import shutil

    from fairaudit.cli.console import say, silenced
    from fairaudit.evidence.identity import base_rates
    from fairaudit.reports.choice_words import choice_words
    from fairaudit.result import json_of
    from fairaudit.suited import as_answered, servable, sized, suiting, usual_needs

    if target is not None and target.exists() and not force:
        raise ConfigError(f"{target} is there already; name another file, or add --force to replace it.")
    config = _config(config_file, out, given)
    with silenced(debug=debug):
        first = _surveyed(config)
    answers = _answers(config, first, given)
    choice = suiting(answers, first)
    config = as_answered(config, choice)
    with silenced(debug=debug):
        survey = first if first is not None and config == first.config else _surveyed(config)
    choice = servable(choice, survey) if survey else choice
    rates = base_rates(survey.counts, decided=survey.decided) if survey else None
    sizes = sized(choice, survey) if survey else ()
    usual = () if survey else tuple(usual_needs(choice, config.effect))
    if as_json:
        say(json_of({"choice": choice, "base_rates": rates, "forced_gap": rates.gap if rates else None, "sizes": sizes}))
    else:
        say(choice_words(choice, rates=rates, sizes=sizes, usual=usual, width=min(shutil.get_terminal_size((100, 24)).columns, 120)))
    if target is not None:
        click.echo(_write(target, config, choice, force=force), err=as_json)
    elif not as_json:
        say("\n--write fairaudit.yaml writes a configuration with these rules and the reasons for them.")
    return 0


def _config(file: Path | None, out: str | None, given: dict[str, Any]) -> AuditConfig:
    """What is audited, without rules."""
    from fairaudit.config import AuditConfig, overridden
    from fairaudit.documents import read_document

    own = {names[-1].split("/")[0].removeprefix("--").replace("-", "_") for names, _ in QUESTIONS}
    flags = flags_of({name: value for name, value in given.items() if name not in own})
    base = read_document(file, AuditConfig, kind="configuration") if file else AuditConfig()
    return overridden(base, {"rules": ()} | ({"out": out} if out else {}) | flags)


def _surveyed(config: AuditConfig) -> Survey | None:
    """A look at the data, where there are some."""
    if not config.data:
        return None
    from fairaudit.survey import surveyed

    return surveyed(config)


def _answers(config: AuditConfig, survey: Survey | None, given: dict[str, Any]) -> Answers:
    """What flags, data and whoever sits at the terminal answer."""
    from fairaudit.cli.asking import asked, asked_control, asked_justification, asks, is_terminal, possible
    from fairaudit.rules.choosing import answered
    from fairaudit.rules.tree import table
    from fairaudit.suited import seen_already

    own: dict[str, tuple[str, ...]] = {
        "gives": _one(given["gives"]), "law": given["law"], "labels": _one(given["labels"]), "effect": _one(given["affects"]), "worse-error": _one(given["worse_error"]),
        "use": _one(given["use"]), "flagged": _one(given["flagged"]), "control": ("given",) if config.control else (),
        "update": () if given["update"] is None else ("yes" if given["update"] else "no",),
    }  # fmt: skip
    seen, columns, justification = seen_already(config, survey), config.control, given["justification"] or ""
    if justification and not columns and not is_terminal():
        raise ConfigError("--justification says why a control may explain a difference, and no --control COL is given; name it, or leave the sentence out.")
    if is_terminal():
        for place, question in enumerate(table().questions, 1):
            if own[question.id] or question.id in seen or not asks(question, own, seen):
                continue
            if question.id == "control":
                columns = asked_control(question, place, len(table().questions), survey.source.columns if survey else ())
                own["control"] = ("given",) if columns else ("none",)
                justification = justification or (asked_justification(columns) if columns else "")
            else:
                own[question.id] = asked(possible(question, own, seen), place, len(table().questions), several=question.id == "law")
        justification = justification or (asked_justification(columns) if columns else "")
    if columns and not justification.strip():
        raise ConfigError(f"say with --justification, in a sentence, why {' and '.join(columns)} may fairly explain a difference; the configuration keeps it.")
    _contradicted(own, config)
    return answered({name: value for name, value in own.items() if value}, seen=seen, columns=columns, justification=" ".join(justification.split()))


def _one(value: str | None) -> tuple[str, ...]:
    return () if value is None else (value,)


def _contradicted(own: dict[str, tuple[str, ...]], config: AuditConfig) -> None:
    if config.data and config.label is None and own["labels"] and own["labels"] != ("none",):
        raise ConfigError(f"--labels {own['labels'][0]} says that there are labels, and their column is not named; add --label COL.")
    if config.decision_column is not None and own["gives"] == ("score",):
        raise ConfigError("--gives score says that the model gives scores, and --decision-column names decisions; name the scores with --score-column COL.")


def _write(target: Path, config: AuditConfig, choice: Choice, *, force: bool) -> str:
    """Write the configuration and the rules with other severities, all or nothing; a sentence of what was written."""
    from fairaudit.config import AuditConfig
    from fairaudit.documents import read_document
    from fairaudit.reports.config_text import config_text, extending_text
    from fairaudit.rules.choosing import id_of
    from fairaudit.writing import write_together

    if not choice.can_be_audited:
        raise ConfigError("--write has nothing to write: this version audits decisions that are yes or no. If the number is cut somewhere, audit that: --gives decision, with --score-column and --threshold.")
    if not choice.rules:
        raise ConfigError("--write has nothing to write: no rule is left that these data could be judged by; see what cannot be had, and why.")
    files = {f"{id_of(one)}.yaml": extending_text(one) for one in choice.rules if one.changes_severity}
    named = {one.rule: (target.parent / f"{id_of(one)}.yaml").as_posix() if one.changes_severity else one.rule for one in choice.rules}
    text = config_text(config, choice, name=target.as_posix(), rules=named)
    read_document(text, AuditConfig, kind="configuration", file=str(target))
    taken = [name for name, content in files.items() if (target.parent / name).exists() and (target.parent / name).read_bytes() != content.encode()]
    if taken and not force:
        raise ConfigError(f"{target.parent / taken[0]} is there already and is another rule; name another folder with --write, or add --force to replace it.")
    write_together({target.parent / name: content.encode() for name, content in {**files, target.name: text}.items()})
    beside = f", with {' and '.join(files)} beside it" if files else ""
    return f"{target}: written{beside}. `fairaudit check {target}` looks whether all is well."

