"""`fairaudit report`."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import click


@click.command("report")
@click.argument("audit", type=click.Path(path_type=Path), metavar="AUDIT.json")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Where the report goes. [default: report.html beside the audit]")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="The day on which it is read: it says whose sources are over a year old then. [default: today]")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(audit: Path, out: Path | None, as_of: datetime | None, debug: bool) -> int:
    """Render a finished audit's report again.

    \b
    fairaudit report demo/audit/audit.json
    """
    from fairaudit.cli.console import say
    from fairaudit.reports.html import render
    from fairaudit.result import read_audit
    from fairaudit.writing import REPORT, write_file

    target = out or (audit if audit.is_dir() else audit.parent) / REPORT
    write_file(target, render(read_audit(audit), as_of=as_of.date() if as_of else date.today()).encode())
    say(f"Report: {target}")
    return 0
