"""The verdict on the terminal and as an exit code: one path for `audit` and `gate`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import nullcontext, redirect_stdout
from pathlib import Path

from fairaudit.cli.console import say
from fairaudit.gate.policy import Ruling
from fairaudit.reports.lookup import Lookup
from fairaudit.reports.terminal import headline, summary_of


def shown(known: Lookup, ruling: Ruling | None, *, report: Path | None, quiet: bool, verbose: bool, written: Sequence[tuple[str, Path]] = ()) -> int:
    """Print the verdict; the exit code is the gate's, or 0 where none was asked. Where a file of the gate goes to standard output, the verdict goes beside it."""
    with redirect_stdout(sys.stderr) if any(str(path) == "/dev/stdout" for _, path in written) else nullcontext():
        _print(known, ruling, report=report, quiet=quiet, verbose=verbose, written=written)
    return ruling.exit_code if ruling else 0


def _print(known: Lookup, ruling: Ruling | None, *, report: Path | None, quiet: bool, verbose: bool, written: Sequence[tuple[str, Path]]) -> None:
    styled = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    if quiet:
        say(headline(known, ruling, styled=styled), color=styled)
        return
    text = summary_of(known, ruling, width=shutil.get_terminal_size((100, 24)).columns, styled=styled)
    say(text.rstrip("\n"), color=styled)
    if verbose:
        waived = {place for place, one in enumerate(ruling.standings) if one.waiver is not None} if ruling else ()
        for place, one in enumerate(known.audit.findings):
            became = f"{one.verdict}, waived" if place in waived else one.verdict
            say(f"  {one.by} · {one.group or ' × '.join(one.slicing)} · {one.metric} {one.kind}: {one.outcome}, {became}: {one.reason}")
        for gone in known.audit.left_out:
            say(f"  {gone.rule} · {gone.slice} · no verdict: {gone.reason}")
    for note in (one for one in known.audit.notes if one not in text):  # what the verdict must be read with stands there already
        say(f"Note: {note}")
    if report is not None:
        say(f"Report: {report}")
    for format, path in written:
        say(f"{format}: {path}")
