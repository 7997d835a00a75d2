"""What `gate` and `audit --gate` both take: how strict the gate is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import click

from fairaudit.errors import ConfigError

OPTIONS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("--inconclusive",), {"type": click.Choice(["fail", "warn", "pass"]), "help": "What evidence that is missing where a pass needs it does to the build; what is undefined there always blocks. [default: fail, exit 3]"}),
    (("--fail-on",), {"type": click.Choice(["fail", "warn"]), "help": "warn: a rule that only warns fails the build too. [default: fail]"}),
    (("--write",), {"multiple": True, "metavar": "FORMAT=PATH", "help": "Write the gate's result as json, junit, sarif, markdown, a badge (.svg, .json) or a folder with a blessing. Repeatable."}),
)


def with_gate_options(command: Callable[..., int]) -> Callable[..., int]:
    for names, settings in reversed(OPTIONS):
        command = click.option(*names, **settings)(command)
    return command


NAMES = tuple(names[-1].removeprefix("--").replace("-", "_") for names, _ in OPTIONS)  # as the command gets them


def split(given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was asked of the gate, and the rest."""
    return {name: given[name] for name in NAMES if given.get(name) not in (None, ())}, {name: value for name, value in given.items() if name not in NAMES}


def idle(given: dict[str, Any], gate: bool) -> Iterator[ConfigError]:
    """A mistake for each that was asked of a gate where there is none."""
    for name in () if gate else split(given)[0]:
        yield ConfigError(f"--{name.replace('_', '-')} is asked of the gate; add --gate, or leave it out.")
