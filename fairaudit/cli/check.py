"""`fairaudit check`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fairaudit.cli.audit import flags_of, with_options
from fairaudit.cli.gating import BASELINE, unasked, with_gate_options
from fairaudit.cli.out import Out
from fairaudit.errors import ConfigError, FairauditError, raise_all
from fairaudit.mitigations.names import DECIDING, MethodName

if TYPE_CHECKING:
    from fairaudit.config import AuditConfig
    from fairaudit.documents import Document
    from fairaudit.mitigations.foretold import Foretold


@click.command("check")
@click.argument("config_file", type=click.Path(path_type=Path), metavar="[FILE]", required=False)
@with_options
@click.option("--config", "also", type=click.Path(path_type=Path), metavar="FILE", help="The same as FILE, as audit has it.")
@click.option("--out", type=Out(), metavar="DIR", help="Where the audit would go.")
@click.option("--force", is_flag=True, help="It may go into a folder that holds something else.")
@click.option(*BASELINE[0], **BASELINE[1])
@click.option("--gate", is_flag=True, help="It would be gated.")
@click.option("--mitigate", "method", type=click.Choice(DECIDING), help="Whether such a mitigation could be made of the model, too.")
@with_gate_options
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--debug", is_flag=True, help="Show what the libraries say, and tracebacks.")
def command(config_file: Path | None, also: Path | None, out: Path | None, force: bool, gate: bool, method: MethodName | None, as_json: bool, debug: bool, **given: Any) -> int:
    """Tell everything that is wrong with an audit at once, or what it would do; nothing is scored and nothing written.

    Takes a configuration, or the flags of audit, or both. Exit code 2, or 4 where only the data's content is at fault.

    \b
    fairaudit check fairaudit.yaml
    fairaudit check fairaudit.yaml --mitigate thresholds
    fairaudit check --data people.csv --score-column score --label hired --protected sex --rule four-fifths
    """
    import shutil

    import msgspec

    from fairaudit.checked import mistakes
    from fairaudit.cli.console import say, silenced
    from fairaudit.foreseen import foreseen
    from fairaudit.imports import prepare_tensorflow
    from fairaudit.reports.check_words import check_words, mitigation_lines
    from fairaudit.result import json_of
    from fairaudit.survey import surveyed

    file, flags = _one_file(config_file, also), _flags(given, out, gate)
    with silenced(debug=debug):
        config, document, wrong = _read(file, flags)
        if config.model is not None:
            prepare_tensorflow()
        tell, unfit = (None, ()) if method is None else _mitigation(method, config)
        wrong = [*wrong, *_of_the_command_line(config, given, force), *mistakes(config), *unfit]
        raise_all(_in_place(list({str(error): error for error in reversed(wrong)}.values())[::-1], document))
        try:
            found, told = foreseen(surveyed(config)), None if tell is None else tell()
            found = msgspec.structs.replace(found, cautions=(*found.cautions, *unasked(config), *_of_waivers(config)))
        except FairauditError as error:  # what only counting tells, as too many slices
            raise_all(_in_place([error], document))
            raise
    if as_json:
        say(json_of(msgspec.structs.asdict(found) | ({} if told is None else {"mitigation": told})))
    else:
        width = min(shutil.get_terminal_size((100, 24)).columns, 120)
        say("\n".join((check_words(found, name=str(file) if file else "these flags", width=width), *(() if told is None else mitigation_lines(told, width=width)))))
    return 0


def _mitigation(method: MethodName, config: AuditConfig) -> tuple[Callable[[], Foretold] | None, tuple[FairauditError, ...]]:
    """What tells of a mitigation once nothing is wrong, and what is."""
    from fairaudit.mitigations import foretold
    from fairaudit.survey import surveyed

    chosen, asked, wrong = foretold.asked(method, config)
    return None if chosen is None else lambda: foretold.foretold(chosen, surveyed(asked)), wrong


def _one_file(file: Path | None, also: Path | None) -> Path | None:
    if file is not None and also is not None and file != also:
        raise ConfigError(f"{file} and --config {also} are two configurations; keep one.")
    return file or also


def _flags(given: dict[str, Any], out: Path | None, gate: bool) -> dict[str, Any]:
    return flags_of(given) | ({"out": str(out)} if out else {}) | ({"gate": True} if gate else {})


def _read(file: Path | None, flags: dict[str, Any]) -> tuple[AuditConfig, Document | None, list[FairauditError]]:
    """The configuration as far as it can be read, its nodes, and what is wrong with the file itself."""
    from fairaudit.config import AuditConfig, overridden
    from fairaudit.documents import opened, salvaged

    if file is None:
        return overridden(AuditConfig(), flags), None, []
    document = opened(file, kind="configuration")
    base, wrong = salvaged(document, AuditConfig, kind="configuration")
    return overridden(base, flags), document, list(wrong)


def _of_the_command_line(config: AuditConfig, given: dict[str, Any], force: bool) -> list[FairauditError]:
    """What the audit's command would refuse besides: where it goes, the gate, the waivers."""
    from fairaudit.cli.gating import idle
    from fairaudit.cli.writes import unwritable_of
    from fairaudit.gate.waiver_file import load_waivers
    from fairaudit.writing import check_out

    wrong: list[FairauditError] = [*idle(given, config.gate)]
    wrong += [] if config.out else [ConfigError("where should the audit go? Name a folder with --out DIR.")]
    wrong += [ConfigError("--gate has nothing to judge: name a rule with --rule ID, as four-fifths.")] if config.gate and not config.rules else []
    wrong += unwritable_of(config, given["write"])
    asked: list[Callable[[], object]] = [partial(check_out, Path(config.out), force=force)] if config.out else []
    asked += [partial(load_waivers, Path(config.waivers))] if config.waivers else []
    for ask in asked:
        try:
            ask()
        except FairauditError as error:
            wrong += getattr(error, "errors", (error,))
    return wrong


def _of_waivers(config: AuditConfig) -> tuple[str, ...]:
    """What the gate will say of the waivers, whatever the audit finds."""
    from fairaudit.gate.gating import today
    from fairaudit.gate.waiver_file import read_waivers
    from fairaudit.gate.waivers import foretold

    return () if config.waivers is None else foretold(read_waivers(config.waivers).waivers, as_of=config.as_of or today())


def _in_place(wrong: list[FairauditError], document: Document | None) -> list[FairauditError]:
    """The same, each in its place of the file where it has one, and those in the order of the file first."""
    from fairaudit.places import placed
    from fairaudit.yaml_nodes import DocumentError

    if document is None:
        return wrong
    found = [placed(error, document) for error in wrong]
    of_the_file = sorted((one for one in found if isinstance(one, DocumentError) and one.file == document.file), key=lambda one: (one.line or 0, one.column or 0))
    return [*of_the_file, *(one for one in found if one not in of_the_file)]

