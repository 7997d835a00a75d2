"""`fairaudit table`."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from fairaudit.cli.gating import waived, with_waivers
from fairaudit.errors import ConfigError

_ADDED_BY = {"findings": "--rule ID", "sweeps": "--threshold-sweep STEP", "histograms": "--metric score_histogram"}  # what an audit may have been made without


@click.command("table")
@click.argument("audit", type=click.Path(path_type=Path), metavar="OUT")
@click.option("--write", "writes", multiple=True, metavar="FORMAT=PATH", help="csv=PATH or parquet=PATH. Repeatable. [default: CSV to standard output]")
@click.option(
    "--of", "name", type=click.Choice(["measurements", "comparisons", "findings", "sweeps", "histograms"]), default="measurements", show_default=True, help="Which numbers."
)
@with_waivers
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(audit: Path, writes: tuple[str, ...], name: str, waivers: str | None, as_of: date | None, debug: bool) -> int:
    """Write a finished audit's numbers as a table.

    With --waivers, the table of findings has columns of who answers for a violation, until when and how far.

    \b
    fairaudit table demo/audit --write csv=demo/measurements.csv --write parquet=demo/measurements.parquet
    fairaudit table demo/audit --of comparisons | head
    fairaudit table demo/audit --of findings --waivers fairness-waivers.yaml
    """
    from fairaudit import tables
    from fairaudit.cli.console import say
    from fairaudit.cli.writes import parsed
    from fairaudit.gate.answers import answers
    from fairaudit.gate.columns import columns
    from fairaudit.result import read_audit
    from fairaudit.writing import write_file

    targets = parsed(writes, tuple(tables.WRITERS), example="csv=table.csv")
    asked = waived(waivers, as_of)
    if asked is not None and name != "findings":
        raise ConfigError(f"--waivers is of findings, and the table is of {name}; add --of findings, or leave it out.")
    held = read_audit(audit)
    beside = None if asked is None else columns(held.findings, answers(held.findings, asked[0], as_of=asked[1]))
    found = tables.table(held, name, beside=beside)  # type: ignore[arg-type]
    if not found.num_rows and name in _ADDED_BY:
        click.echo(f"fairaudit: {audit} has no {name}; `fairaudit audit {_ADDED_BY[name]}` adds them.", err=True)
    if not targets:
        say(tables.as_csv(found).decode(), nl=False)
    for format, path in targets:
        write_file(path, tables.WRITERS[format](found))
        say(f"{path}: {found.num_rows:,} {name}")
    return 0
