"""`fairaudit report`."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import click

from fairaudit.cli.gating import ruled, with_waiver_options


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
    found, day = read_audit(audit), as_of or datetime.now(UTC).date()
    ruling = ruled(found, {"waivers": waivers, "as_of": as_of}) if waivers is not None else None
    write_file(target, render(found, ruling, as_of=day).encode())
    say(f"Report: {target}")
    return 0
