"""`fairaudit report`."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from fairaudit.cli.gating import ruled, with_waiver_options
from fairaudit.errors import ConfigError


@click.command("report")
@click.argument("audit", type=click.Path(path_type=Path), metavar="AUDIT.json")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Where the report goes. [default: report.html beside the audit]")
@with_waiver_options
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(audit: Path, out: Path | None, waivers: str | None, as_of: date | None, debug: bool) -> int:
    """Render a finished audit's report again.

    \b
    fairaudit report demo/audit/audit.json
    fairaudit report demo/audit/audit.json --waivers fairness-waivers.yaml
    """
    from fairaudit.cli.console import say
    from fairaudit.reports.html import render
    from fairaudit.result import read_audit
    from fairaudit.writing import REPORT, write_file

    target = out or (audit if audit.is_dir() else audit.parent) / REPORT
    if as_of is not None and waivers is None:
        raise ConfigError("--as-of is the day on which waivers are judged; add --waivers FILE, or leave it out.")
    found = read_audit(audit)
    write_file(target, render(found, ruled(found, {"waivers": waivers, "as_of": as_of}) if waivers is not None else None).encode())
    say(f"Report: {target}")
    return 0
