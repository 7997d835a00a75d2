"""`fairaudit mitigate`: one subcommand a method."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from fairaudit.cli.audit import with_options
from fairaudit.cli.reading import READING, check_not_read, reading_of, width
from fairaudit.errors import NO_DATA, ConfigError, raise_all

OUTPUT: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("--config", "config_file"), {"type": click.Path(path_type=Path), "metavar": "FILE", "help": "An audit's configuration, for what it says of the data; flags win."}),
    (("--out",), {"type": click.Path(path_type=Path), "metavar": "DIR", "help": "Where everything goes; an earlier mitigation there stays until this one is whole."}),
    (("--force",), {"is_flag": True, "help": "Write into a folder that holds something else."}),
    (("--json", "as_json"), {"is_flag": True, "help": "Print card.json."}),
    (("--debug",), {"is_flag": True, "help": "Show what the libraries say, and tracebacks."}),
)  # what every method takes


def with_output(command: Callable[..., int]) -> Callable[..., int]:
    for names, settings in reversed(OUTPUT):
        command = click.option(*names, **settings)(command)
    return command


def _with_training_data(command: Callable[..., int]) -> Callable[..., int]:
    return with_options(command, only=(*READING, "--weight", "--count"))


@click.group("mitigate")
def command() -> None:
    """Do something about a model's unfairness.

    \b
    fairaudit mitigate reweigh --help
    """


@command.command("reweigh")
@_with_training_data
@click.option("--weight-column", default=None, metavar="COL", help="What the new column is called. [default: fairness_weight]")
@click.option("--format", type=click.Choice(["csv", "parquet"]), help="What the rows are written as. [default: what the data are]")
@with_output
def reweigh(
    weight_column: str | None, format: Any, config_file: Path | None, out: Path | None, force: bool, as_json: bool, debug: bool, **given: Any
) -> int:
    """Weigh training data so that the label is independent of the group (Kamiran and Calders 2012).

    Writes all rows with a new column of weights, the weights alone, card.json and parity.md. Train with them: Keras' fit(sample_weight=…), scikit-learn's fit(…, sample_weight).

    \b
    fairaudit mitigate reweigh --data train.csv --label income --positive '>50K' --protected sex --protected race --out reweighed
    """
    from fairaudit.cli.console import say, silenced
    from fairaudit.data.files import files_of
    from fairaudit.data.source import Source
    from fairaudit.data.written import format_of, mistaken_columns
    from fairaudit.mitigations import reweighed
    from fairaudit.mitigations import reweighing as method
    from fairaudit.reports.reweighing_words import reweighing_markdown, reweighing_words
    from fairaudit.splits.asked import wanted_of
    from fairaudit.splits.result import to_json
    from fairaudit.writing import A_MITIGATION, check_out, holds, write_folder

    config = reading_of(config_file, given)
    lacking = [*([ConfigError(NO_DATA)] if not config.data else []), *([ConfigError("where should the weights go? Name a folder with --out DIR.")] if out is None else [])]
    raise_all(lacking)
    folder = Path(str(out))
    check_out(folder, force=force, kind=A_MITIGATION)
    source = Source(files=files_of(config.data))
    written_as = format or format_of(source)
    raise_all(mistaken_columns(source, written_as))
    names = (reweighed.PARITY, *reweighed.names_of(written_as))
    check_not_read(source, folder, names)

    def fill(aside: Path) -> reweighed.ReweighingCard:
        card = reweighed.write_reweighing(made, aside, written_as)
        (aside / reweighed.PARITY).write_text(reweighing_markdown(card), encoding="utf-8")
        (aside / reweighed.CARD).write_bytes(to_json(card))
        return card

    former = {*reweighed.names_of("csv"), *reweighed.names_of("parquet")} if holds(folder, A_MITIGATION) else set()
    with silenced(debug=debug):
        made = method.reweigh(source, wanted_of(config), weight_column=method.WEIGHT if weight_column is None else weight_column)
        card = write_folder(folder, names, fill, gone=former)
    say(to_json(card).decode().rstrip("\n") if as_json else f"{reweighing_words(card, width=width())}\n\nRows with weights: {folder / names[1]}\nCard: {folder / reweighed.CARD}")
    return 0
