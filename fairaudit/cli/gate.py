"""`fairaudit gate`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("gate")
@click.argument("audit", type=click.Path(path_type=Path), metavar="AUDIT.json")
@click.option("--rule", "rules", multiple=True, metavar="ID|FILE", help="Judge by this rule instead. Repeatable. [default: the audit's own]")
@click.option("--quiet", is_flag=True, help="Print the verdict only.")
@click.option("--verbose", is_flag=True, help="Print every finding.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(audit: Path, rules: tuple[str, ...], quiet: bool, verbose: bool, debug: bool) -> int:
    """Judge a finished audit; the exit code is the verdict.

    \b
    fairaudit gate demo/audit/audit.json
    fairaudit gate demo/audit/audit.json --rule four-fifths --rule ./our-rule.yaml
    """
    from fairaudit.cli.verdict import shown
    from fairaudit.gate.judged import rejudged
    from fairaudit.result import read_audit

    return shown(rejudged(read_audit(audit), rules), report=None, gate=True, quiet=quiet, verbose=verbose)
