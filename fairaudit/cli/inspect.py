"""`fairaudit inspect`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fairaudit.data.source import Source
    from fairaudit.models import Match
    from fairaudit.models.signatures import Signature


@click.command("inspect")
@click.option("--model", required=True, type=click.Path(path_type=Path), metavar="DIR", help="A SavedModel.")
@click.option("--data", multiple=True, metavar="PATH", help="CSV or Parquet, to see how its columns would be matched. Repeatable.")
@click.option("--signature", metavar="NAME", help="Match this signature only. [default: all]")
@click.option("--debug", is_flag=True, help="Show what the libraries say, and tracebacks.")
def command(model: Path, data: tuple[str, ...], signature: str | None, debug: bool) -> int:
    """Show a SavedModel's signatures and how columns would be matched.

    \b
    fairaudit inspect --model demo/model
    fairaudit inspect --model demo/model --data demo/adult_test.csv
    """
    from fairaudit.cli.console import say, silenced
    from fairaudit.data.files import files_of
    from fairaudit.data.source import Source
    from fairaudit.errors import UnknownName
    from fairaudit.imports import prepare_tensorflow

    source = Source(files=files_of(data)) if data else None
    prepare_tensorflow()
    with silenced(debug=debug):
        from fairaudit import models

        found = models.describe(model)
        names = [one.name for one in found.signatures]
        if signature is not None and signature not in names:
            raise UnknownName("signature", signature, names, where=found.name)
        lines = [line for one in found.signatures if signature in (None, one.name) for line in _signature(one, source)]
    say(f"{found.name}  sha256 {found.sha256}")
    say("\n".join(lines))
    return 0


def _signature(one: Signature, source: Source | None) -> Iterator[str]:
    from fairaudit.errors import FairauditError
    from fairaudit.models import inputs_of, matches

    yield f"\nsignature {one.name}"
    for tensor in one.inputs:
        yield f"  input   {tensor}"
    for tensor in one.outputs:
        yield f"  output  {tensor}"
    for feature in one.parsed or ():
        yield f"  parses  {feature.name} ({feature.dtype}{', may be left out' if feature.optional else ''})"
    if source is None:
        return
    yield f"  with {source.name}:"
    try:
        inputs = inputs_of(one, source.schema, source.columns)
    except FairauditError as error:
        yield f"    {error}"
        return
    yield from (f"    {_matched(match)}" for match in matches(inputs.features, source.schema))
    yield from (f"    {note}" for note in inputs.notes)
    used = {feature.name for feature in inputs.features}
    yield f"    not used: {', '.join(name for name in source.columns if name not in used) or 'none'}"


def _matched(match: Match) -> str:
    wanted = f"{match.feature.name} ({match.feature.dtype})"
    if match.feature.unfit:
        return f"{wanted}: {match.feature.unfit}"
    if match.column is None:
        return f"{wanted}: no such column{f'; did you mean {match.near!r}?' if match.near else ''}"
    if match.how is None:
        return f"{wanted}: its column holds {match.column}, which cannot be given to it"
    return f"{wanted}: from {match.column}, {match.how}"
