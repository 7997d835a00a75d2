"""`fairaudit compare`."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from fairaudit.cli.gating import waived, with_waivers
from fairaudit.cli.out import Out
from fairaudit.errors import ConfigError


@click.command("compare")
@click.argument("before", type=click.Path(path_type=Path), metavar="OLD.json")
@click.argument("now", type=click.Path(path_type=Path), metavar="NEW.json")
@click.option("--out", type=Out(), metavar="FILE", help="A page of all of it: FILE.html, or FILE.md for a pull request. [default: none]")
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON.")
@with_waivers
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(before: Path, now: Path, out: Path | None, as_json: bool, waivers: str | None, as_of: date | None, debug: bool) -> int:
    """Set two audits beside each other: what differs.

    What was audited and how, the verdicts, the findings that are not what they were, and the metrics of each slice with their change; on the same rows too, with
    its interval, where both audits kept them (--save-scores). It judges nothing: for that there is --baseline of the gate. With --waivers
    it tells too which violations somebody answers for.

    \b
    fairaudit compare old/audit.json new/audit.json
    fairaudit compare old new --out change.md
    fairaudit compare old new --waivers fairness-waivers.yaml
    """
    from fairaudit.baselines import saved_beside
    from fairaudit.cli.console import say
    from fairaudit.cube.same_rows import match
    from fairaudit.cube.score_pairs import pair_scores
    from fairaudit.differences import differences, to_json
    from fairaudit.reports.side_by_side import FORMS, as_text, side_by_side
    from fairaudit.result import counts_read, read_audit
    from fairaudit.writing import write_file

    if out is not None and out.suffix not in FORMS:
        raise ConfigError(f"--out {out} is neither .html nor .md; give the file a name that says which.")
    asked = waived(waivers, as_of)
    old, new = read_audit(before), read_audit(now)
    rows = [saved_beside(path / "audit.json" if path.is_dir() else path, audit.scores) for path, audit in ((before, old), (now, new))]
    slices = counts_read(new).slices
    matched, scored = (match(rows[1], rows[0], slices), pair_scores(rows[1], rows[0], slices)) if rows[0] is not None and rows[1] is not None else (None, None)
    found, names = differences(old, new, matched, scored, waivers=asked), (str(before), str(now))
    say(to_json(found).decode().rstrip("\n") if as_json else as_text(side_by_side(found, names=names, briefly=True)))
    if out is not None:
        write_file(out, FORMS[out.suffix](side_by_side(found, names=names)).encode())
        if not as_json:
            say(f"\nPage: {out}")
    return 0
