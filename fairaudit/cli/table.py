"""`fairaudit table`."""

from __future__ import annotations

from pathlib import Path

import click

_ADDED_BY = {"findings": "--rule ID", "sweeps": "--threshold-sweep STEP", "histograms": "--metric score_histogram"}  # what an audit may have been made without


@click.command("table")
@click.argument("audit", type=click.Path(path_type=Path), metavar="OUT")
@click.option("--write", "writes", multiple=True, metavar="FORMAT=PATH", help="csv=PATH or parquet=PATH. Repeatable. [default: CSV to standard output]")
@click.option(
    "--of", "name", type=click.Choice(["measurements", "comparisons", "findings", "sweeps", "histograms"]), default="measurements", show_default=True, help="Which numbers."
)
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(audit: Path, writes: tuple[str, ...], name: str, debug: bool) -> int:
    """Write a finished audit's numbers as a table.

    \b
    fairaudit table demo/audit --write csv=demo/measurements.csv --write parquet=demo/measurements.parquet
    fairaudit table demo/audit --of comparisons | head
    """
    from fairaudit import tables
    from fairaudit.cli.console import say
    from fairaudit.cli.writes import parsed
    from fairaudit.result import read_audit
    from fairaudit.writing import write_file

    targets = parsed(writes, tuple(tables.WRITERS), example="csv=table.csv")
    found = tables.table(read_audit(audit), name)  # type: ignore[arg-type]
    if not found.num_rows and name in _ADDED_BY:
        click.echo(f"fairaudit: {audit} has no {name}; `fairaudit audit {_ADDED_BY[name]}` adds them.", err=True)
    if not targets:
        say(tables.as_csv(found).decode(), nl=False)
    for format, path in targets:
        write_file(path, tables.WRITERS[format](found))
        say(f"{path}: {found.num_rows:,} {name}")
    return 0
