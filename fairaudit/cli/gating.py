"""What `gate` and `audit --gate` both take: how strict the gate is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fairaudit.errors import ConfigError, listed

if TYPE_CHECKING:
    from fairaudit.config import AuditConfig
    from fairaudit.gate.policy import Ruling
    from fairaudit.gate.waiver import Waiver
    from fairaudit.result import Audit


def day(ctx: click.Context, param: click.Parameter, value: str | None) -> date | None:
    """A date as it is typed, 2026-07-05."""
    try:
        return None if value is None else date.fromisoformat(value)
    except ValueError:
        raise ConfigError(f"{param.opts[-1]} {value!r} is no date; write it as 2026-07-05.") from None


OPTIONS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("--inconclusive",), {"type": click.Choice(["fail", "warn", "pass"]), "help": "What evidence that is missing where a pass needs it does to the build; what is undefined there always blocks. [default: fail, exit 3]"}),
    (("--fail-on",), {"type": click.Choice(["fail", "warn"]), "help": "warn: a rule that only warns fails the build too. [default: fail]"}),
    (("--waivers",), {"metavar": "FILE", "help": "Violations that are tolerated up to a value, until a date; `fairaudit waive` writes such a file. [default: none]"}),
    (("--as-of",), {"callback": day, "metavar": "DATE", "help": "The day on which waivers are judged. [default: today, UTC]"}),
    (("--unused-waivers",), {"type": click.Choice(["warn", "fail"]), "help": "What a waiver does for which nothing is violated: a stale one hides the next violation. [default: warn]"}),
    (("--write",), {"multiple": True, "metavar": "FORMAT=PATH", "help": "Write the gate's result as json, junit, sarif, markdown, a badge (.svg, .json) or a folder with a blessing. Repeatable."}),
)


def with_gate_options(command: Callable[..., int], *, writes: bool = True) -> Callable[..., int]:
    """Give a command the flags of the gate, with or without what it writes."""
    for names, settings in reversed(OPTIONS if writes else OPTIONS[:-1]):
        command = click.option(*names, **settings)(command)
    return command


def with_waivers(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command that judges nothing the gate's flags for waivers, and their day."""
    for names, settings in reversed([one for one in OPTIONS if one[0][0] in ("--waivers", "--as-of")]):
        command = click.option(*names, **settings)(command)
    return command


def waived(waivers: str | None, as_of: date | None) -> tuple[tuple[Waiver, ...], date] | None:
    """The waivers of a file and the day on which they are judged, as those flags have them; None where none are asked of.

    Raises:
        ConfigError: the file has mistakes, or a day is given without one.
    """
    if waivers is None and as_of is not None:
        raise ConfigError("--as-of is the day on which waivers are judged; name their file with --waivers FILE, or leave it out.")
    if waivers is None:
        return None
    from fairaudit.gate.gating import today
    from fairaudit.gate.waiver_file import read_waivers

    return read_waivers(waivers).waivers, as_of or today()


BASELINE: tuple[tuple[str, ...], dict[str, Any]] = (
    ("--baseline",), {"metavar": "AUDIT.json", "help": "A former audit, or its folder: rules on change are judged against it, and the gate says what was judged there and is not here. [default: none]"},
)  # fmt: skip
NAMES = tuple(names[-1].removeprefix("--").replace("-", "_") for names, _ in OPTIONS)  # as the command gets them


def split(given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was asked of the gate, and the rest."""
    return {name: given[name] for name in NAMES if given.get(name) not in (None, ())}, {name: value for name, value in given.items() if name not in NAMES}


def idle(given: dict[str, Any], gate: bool) -> Iterator[ConfigError]:
    """A mistake for each that was asked of a gate where there is none."""
    for name in () if gate else split(given)[0]:
        yield ConfigError(f"--{name.replace('_', '-')} is asked of the gate; add --gate, or leave it out.")


def unasked(config: AuditConfig) -> Iterator[str]:
    """A sentence where a configuration says what a gate is to do and none is asked: it may serve runs with a gate and without, but nobody should look for what is not written."""
    if config.gate or not (config.write or config.waivers):
        return
    advice = "add --gate, or `gate: true` to the configuration."
    from fairaudit.reports.formats import paths

    if not config.write:
        yield f"the configuration names waivers, and no gate is asked that would heed them; {advice}"
        return
    named = [(format, path) for format, given in config.write.items() for path in ((given,) if isinstance(given, str) else given)]
    there = [str(file) for format, path in named for file in paths(format, Path(path)) if os.path.exists(file)]
    former = f" (what is there already is of an earlier run: {listed(there)})" if there else ""
    yield f"the configuration has the gate write {listed([path for _, path in named])}, and no gate is asked, so none of it is written{former}; {advice}"


def tells_more(asked: dict[str, Any]) -> bool:
    """Whether a gate that was asked this may say anything that the audit itself does not."""
    import msgspec

    from fairaudit.gate.policy import Policy

    plain = msgspec.structs.asdict(Policy())
    return any(asked.get(name) is not None for name in ("waivers", "baseline")) or any(asked.get(name) not in (None, value) for name, value in plain.items())


def ruled(audit: Audit, asked: dict[str, Any]) -> Ruling:
    """The ruling on an audit, by what was asked of the gate."""
    from fairaudit.gate.gating import ruling
    from fairaudit.gate.policy import Policy

    of_policy = {name: value for name, value in asked.items() if name in Policy.__struct_fields__ and value is not None}
    return ruling(audit, Policy(**of_policy), waivers=() if asked.get("waivers") is None else asked["waivers"], as_of=asked.get("as_of"), baseline=asked.get("baseline"))
