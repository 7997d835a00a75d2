"""`fairaudit split`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fairaudit.cli.audit import with_options
from fairaudit.cli.out import Out
from fairaudit.cli.reading import READING, check_not_read, reading_of, width
from fairaudit.errors import NO_DATA, VIOLATED, ConfigError, raise_all

if TYPE_CHECKING:
    from fairaudit.config import AuditConfig


def _with_reading(command: Callable[..., int]) -> Callable[..., int]:
    return with_options(command, only=(*READING, "--cluster", "--seed"))


@click.command("split")
@click.argument("given_parts", nargs=-1, metavar="[PATH]...")
@click.option("--check", is_flag=True, help="Check given parts instead of making some: PATH is a file, folder or glob for each. Exit code 1 if rows leak.")
@_with_reading
@click.option("--parts", multiple=True, metavar="NAME=SHARE,…", help="The parts and their shares, as train=0.6,fit=0.2,test=0.2; thirds are 1/3.")
@click.option("--ignore", multiple=True, metavar="COL", help="Rows that differ in this column alone are alike all the same. Repeatable.")
@click.option("--duplicates", type=click.Choice(["together", "apart"]), default="together", show_default=True, help="Whether rows that are alike stay in one part.")
@click.option("--config", "config_file", type=click.Path(path_type=Path), metavar="FILE", help="An audit's configuration, for what it says of the data; flags win.")
@click.option("--out", type=Out(), metavar="DIR", help="Where the parts and split.json go; an earlier split there stays until this one is whole.")
@click.option("--format", type=click.Choice(["csv", "parquet"]), help="What the parts are written as. [default: what the data are]")
@click.option("--force", is_flag=True, help="Write into a folder that holds something else.")
@click.option("--json", "as_json", is_flag=True, help="Print split.json, or what was found, as JSON.")
@click.option("--debug", is_flag=True, help="Show what the libraries say, and tracebacks.")
def command(
    given_parts: tuple[str, ...], check: bool, parts: tuple[str, ...], ignore: tuple[str, ...], duplicates: str, config_file: Path | None, out: Path | None, format: Any, force: bool,
    as_json: bool, debug: bool, **given: Any,
) -> int:  # fmt: skip
    """Cut data into parts, or check given parts.

    The same rows and seed give the same parts, in whatever order and files the rows come. Each label and group is shared out as asked, to within one unit: a row, or rows of one cluster or that are alike, which stay together. With
    --check: which rows stand in several parts, and how differently these are made up.

    \b
    fairaudit split --data people.csv --label y --protected sex --parts train=0.6,fit=0.2,test=0.2 --out parts
    fairaudit split --check parts/train.csv parts/fit.csv parts/test.csv --label y --protected sex
    """
    config = reading_of(config_file, given)
    if check:
        _refuse_idle({"--parts": parts, "--out": out, "--format": format, "--force": force, "--data": given["data"], "--seed": given["seed"]})
        return _check(given_parts, config, ignore=ignore, together=duplicates == "together", as_json=as_json, debug=debug)
    return _split(given_parts, config, parts, ignore, out, format, together=duplicates == "together", force=force, as_json=as_json, debug=debug)


def _refuse_idle(flags: dict[str, Any]) -> None:
    raise_all(ConfigError(f"{flag} is for making parts, and --check looks at given ones; leave it out.") for flag, value in flags.items() if value not in (None, False, ()))


def _check(paths: tuple[str, ...], config: AuditConfig, *, ignore: tuple[str, ...], together: bool, as_json: bool, debug: bool) -> int:
    from fairaudit.cli.console import say, silenced
    from fairaudit.reports.split_words import check_words
    from fairaudit.result import json_of
    from fairaudit.splits.asked import wanted_of
    from fairaudit.splits.checking import check_parts

    with silenced(debug=debug):
        found = check_parts(paths, wanted_of(config), ignore=ignore, together=together)
    say(json_of(found) if as_json else check_words(found, width=width()))
    return VIOLATED if found.leaking else 0


def _split(
    given_parts: tuple[str, ...], config: AuditConfig, asked: tuple[str, ...], ignore: tuple[str, ...], out: Path | None, format: Any, *, together: bool, force: bool, as_json: bool, debug: bool
) -> int:
    from fairaudit.cli.console import say, silenced
    from fairaudit.data.files import files_of
    from fairaudit.data.source import Source
    from fairaudit.data.written import format_of, mistaken_columns
    from fairaudit.reports.split_words import split_words
    from fairaudit.splits.asked import wanted_of
    from fairaudit.splits.result import to_json
    from fairaudit.splits.shares import parts_of
    from fairaudit.splits.splitting import split
    from fairaudit.splits.written import former_files, names_of, write_split
    from fairaudit.writing import A_SPLIT, check_out, write_folder

    raise_all(
        [
            *([ConfigError(f"{given_parts[0]} is given without a flag; data are named with --data PATH, and given parts are checked with --check.")] if given_parts else []),
            *([ConfigError("into which parts? Name them with their shares, as --parts train=0.6,fit=0.2,test=0.2.")] if not asked else []),
            *([ConfigError("where should the parts go? Name a folder with --out DIR.")] if out is None else []),
            *([] if config.data or given_parts else [ConfigError(NO_DATA)]),
        ]
    )
    folder, parts = Path(str(out)), parts_of(asked)
    check_out(folder, force=force, kind=A_SPLIT)
    source = Source(files=files_of(config.data))
    written_as = format or format_of(source)
    raise_all(mistaken_columns(source, written_as))
    names = names_of(parts, written_as)
    check_not_read(source, folder, names)
    with silenced(debug=debug):
        found = split(source, wanted_of(config), parts, seed=config.seed, ignore=ignore, together=together)
        made = write_folder(folder, names, lambda aside: write_split(found, aside, written_as), gone=former_files(folder))
    say(to_json(made).decode().rstrip("\n") if as_json else f"{split_words(made, width=width())}\n\nParts: {folder}")
    return 0
