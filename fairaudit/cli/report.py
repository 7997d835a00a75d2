"""`fairaudit report`."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from fairaudit.cli.gating import BASELINE, ruled, tells_more, with_gate_options
from fairaudit.cli.out import Out


@click.command("report")
@click.argument("audit", type=click.Path(path_type=Path), metavar="AUDIT.json")
@click.option("--out", type=Out(), metavar="FILE", help="Where the report goes. [default: report.html beside the audit]")
@click.option(*BASELINE[0], **BASELINE[1])
@partial(with_gate_options, writes=False)
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(audit: Path, out: Path | None, debug: bool, **asked: Any) -> int:
    """Render a finished audit's report again; by the flags of the gate, with what the gate makes of it.

    \b
    fairaudit report demo/audit/audit.json
    fairaudit report demo/audit/audit.json --waivers fairness-waivers.yaml
    """
    from fairaudit.cli.console import say
    from fairaudit.reports.html import render
    from fairaudit.result import read_audit
    from fairaudit.writing import REPORT, write_file

    target = out or (audit if audit.is_dir() else audit.parent) / REPORT
    found, day = read_audit(audit), asked["as_of"] or datetime.now(UTC).date()
    ruling = ruled(found, asked) if tells_more(asked) else None
    write_file(target, render(found, ruling, as_of=day).encode())
    say(f"Report: {target}")
    return 0
