"""`fairaudit waivers`."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from fairaudit.cli.gating import day
from fairaudit.errors import PASSED, VIOLATED, FairauditError, raise_all


@click.command("waivers")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@click.option("--as-of", callback=day, metavar="DATE", help="The day on which they are looked at. [default: today, UTC]")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(files: tuple[Path, ...], as_of: date | None, debug: bool) -> int:
    """Check files of waivers by themselves, without an audit.

    Every mistake is told at once, each in its place (exit code 2); and which entries are not in force, by which any gate would fail (1), or will soon
    not be. Whether what they are for is violated is asked of the gate. Without FILE it is fairness-waivers.yaml.

    \b
    fairaudit waivers
    fairaudit waivers ours/fairness-waivers.yaml --as-of 2026-12-31
    """
    from fairaudit.cli.console import say
    from fairaudit.gate.gating import today
    from fairaudit.gate.waiver_file import FILE, read_waivers
    from fairaudit.gate.waivers import foretold, not_in_force
    from fairaudit.reports.characters import visible
    from fairaudit.reports.numbers import counted

    on, wrong, stale = as_of or today(), list[FairauditError](), 0
    for path in dict.fromkeys(files or (Path(FILE),)):
        try:
            held = read_waivers(path).waivers
        except FairauditError as error:
            wrong.append(error)
            continue
        idle = sum(not_in_force(one, on) is not None for one in held)
        stale += idle
        in_force = f"{idle} of them not in force" if idle else "all in force"
        say(visible(f"{path}: {counted(len(held), 'waiver')}, {in_force} on {on}." if held else f"{path}: no waivers."))
        for sentence in foretold(held, as_of=on):
            say(f"  {visible(sentence)}")
    raise_all(wrong)
    return VIOLATED if stale else PASSED
