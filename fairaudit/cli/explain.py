"""`fairaudit explain`."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from fairaudit.cli.gating import waived, with_waivers


@click.command("explain")
@click.argument("audit", type=click.Path(path_type=Path), metavar="AUDIT.json")
@click.argument("words", nargs=-1, metavar="[FINDING]...")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON, every number in full.")
@with_waivers
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(audit: Path, words: tuple[str, ...], as_json: bool, waivers: str | None, as_of: date | None, debug: bool) -> int:
    """Explain a finding, from the counts to the verdict.

    FINDING is the rule and whom it is about, as race=Black, 'sex=Female, race=Black' of a cross, 'all groups of race' or 'the small groups of race',
    and the metric where the rule judges several; in any order. Without it the findings are listed, gravest first. With --waivers it is told of a violation who answers for it, until when and how far.

    \b
    fairaudit explain demo/audit
    fairaudit explain demo/audit four-fifths race=African-American
    fairaudit explain demo/audit four-fifths race=African-American --json
    fairaudit explain demo/audit --waivers fairness-waivers.yaml
    """
    import json

    from fairaudit.cli.console import say
    from fairaudit.imports import uncollected

    with uncollected():
        from fairaudit.reports.explained import as_data, as_text, explained, gone
        from fairaudit.reports.explained_waiver import remarked
        from fairaudit.reports.explained_waiver import with_waivers as answered
        from fairaudit.reports.named import as_list, chosen, listing
        from fairaudit.result import read_audit

        asked = waived(waivers, as_of)
        held = read_audit(audit)
        found = explained(held) if asked is None else answered(explained(held), asked[0], as_of=asked[1])
        if words:
            picked = chosen(found, words)
            data = [as_data(one) for one in picked] if as_json else []
            say(json.dumps(data if len(data) > 1 else data[0], indent=1, ensure_ascii=False) if as_json else "\n\n".join(as_text(one, file=str(audit)) for one in picked))
        elif as_json:
            say(json.dumps(as_list(found), indent=1, ensure_ascii=False))
        else:
            say(listing(found) or "This audit has no findings.")
            for sentence in () if asked is None else remarked(found, asked[0], as_of=asked[1]):
                say(sentence)
            for one in gone(held, found):
                say(f"The file also holds a finding that its counts do not give: {one}.")
    return 0
