"""`fairaudit gate`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from fairaudit.cli.gating import BASELINE, ruled, split, with_gate_options


@click.command("gate")
@click.argument("audit", type=click.Path(path_type=Path), metavar="AUDIT.json")
@click.option("--rule", "rules", multiple=True, metavar="ID|FILE|pack:ID", help="Judge by this rule instead. Repeatable. [default: the audit's own]")
@click.option(*BASELINE[0], **BASELINE[1])
@with_gate_options
@click.option("--quiet", is_flag=True, help="Print the verdict only.")
@click.option("--verbose", is_flag=True, help="Print every finding.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(audit: Path, rules: tuple[str, ...], baseline: str | None, quiet: bool, verbose: bool, debug: bool, **given: Any) -> int:
    """Judge a finished audit; the exit code is the verdict.

    \b
    fairaudit gate demo/audit/audit.json
    fairaudit gate demo/audit/audit.json --rule four-fifths --rule ./our-rule.yaml
    fairaudit gate demo/audit/audit.json --waivers fairness-waivers.yaml
    fairaudit gate demo/audit/audit.json --write junit=junit.xml --write sarif=fairness.sarif
    fairaudit gate new/audit.json --baseline old/audit.json --rule no-worse-than-baseline
    """
    from fairaudit.errors import ConfigError
    from fairaudit.imports import uncollected

    if quiet and verbose:
        raise ConfigError("--quiet and --verbose exclude each other; keep one.")
    with uncollected():  # a large audit is a hundred thousand values that all stay
        from fairaudit.cli.verdict import shown
        from fairaudit.cli.writes import is_folder, of_gate, write_all
        from fairaudit.cube.matched import SCORES
        from fairaudit.delivery import retract
        from fairaudit.gate.judged import judged
        from fairaudit.reports.lookup import lookup
        from fairaudit.result import read_hashed
        from fairaudit.writing import OURS

        asked = split(given)[0]
        folder = audit if is_folder(audit) else audit.parent
        targets = of_gate(asked.pop("write", ()), taken=[folder / name for name in OURS])
        retract(targets)
        (found, sha256), file = read_hashed(audit), audit / "audit.json" if audit.is_dir() else audit
        if baseline is not None and os.path.realpath(file) == os.path.realpath(Path(baseline) / "audit.json" if is_folder(Path(baseline)) else baseline):
            raise ConfigError(f"--baseline {baseline} is the audit that is judged, and of itself nothing changes; name the former one.")
        kept = file.parent / SCORES
        again = judged(found, rules, baseline=baseline, scores=kept if baseline is not None and found.scores is not None and kept.is_file() else None)
        decided = ruled(again, asked | {"baseline": baseline})
        known = lookup(again)
        write_all(targets, known, decided, file=file, sha256=sha256, rules=rules)
        return shown(known, decided, report=None, quiet=quiet, verbose=verbose, written=targets)
