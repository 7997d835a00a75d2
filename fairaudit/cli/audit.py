"""`fairaudit audit`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from fairaudit.bands import parsed
from fairaudit.cli.gating import BASELINE, idle, ruled, tells_more, unasked, with_gate_options
from fairaudit.cli.out import Out
from fairaudit.config import BATCH_SIZE, ENGINES
from fairaudit.errors import NO_DATA, ConfigError, FairauditError, raise_all

OPTIONS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("--model",), {"metavar": "DIR", "help": "A SavedModel to score the rows with."}),
    (("--score-column",), {"metavar": "COL", "help": "Scores are a column of the data, instead of --model."}),
    (("--decision-column",), {"metavar": "COL", "help": "Decisions are a column of the data, instead of --model."}),
    (("--positive-decision",), {"metavar": "VALUE", "help": "The decision's positive value. [default: 1, true, or the label's]"}),
    (("--data",), {"metavar": "PATH", "multiple": True, "help": "CSV or Parquet: a file, folder or glob. Repeatable."}),
    (("--label",), {"metavar": "COL", "help": "What turned out to be true. Without it only metrics that need none are computed."}),
    (("--positive",), {"metavar": "VALUE", "help": "The label's positive value. [default: 1 or true]"}),
    (("--protected",), {"metavar": "COL", "multiple": True, "help": "An attribute to slice by. Repeatable."}),
    (("--slice", "slices"), {"metavar": "A*B", "multiple": True, "help": "A cross of attributes to slice by, as 'sex*race'. Repeatable."}),
    (("--intersections",), {"type": int, "metavar": "K", "help": "Slice by every cross of up to K protected attributes. [default: 1, by none]"}),
    (("--reference",), {"metavar": "A=VALUE", "multiple": True, "help": "Compare with this slice, as 'race=White'. [default: the largest]"}),
    (("--threshold",), {"type": float, "metavar": "T", "multiple": True, "help": "A score above it is a positive decision. Repeated: the first decides, the others are described. [default: 0.5]"}),
    (("--threshold-sweep",), {"type": float, "metavar": "STEP", "help": "Describe every multiple of it below 1 as a threshold too, as 0.05."}),
    (("--group-threshold", "group_thresholds"), {"metavar": "A=VALUE:T", "multiple": True, "help": "A threshold for one group, as 'race=Black:0.4'. Repeatable."}),
    (("--at-threshold",), {"type": click.Choice(["negative", "positive"]), "help": "What a score exactly at the threshold is. [default: negative]"}),
    (("--effect",), {"type": click.Choice(["helps", "harms"]), "help": "What a positive decision does to a person. [default: helps]"}),
    (("--control",), {"metavar": "COL", "multiple": True, "help": "Compare groups among people alike in this column too. Repeatable: alike in all."}),
    (("--feature", "features"), {"metavar": "COL", "multiple": True, "help": "A number by which people are alike, for consistency. Repeatable."}),
    (("--weight",), {"metavar": "COL", "help": "Sampling weights, 0 or more."}),
    (("--count",), {"metavar": "COL", "help": "A line stands for so many rows, as in a table of counts."}),
    (("--cluster",), {"metavar": "COL", "help": "Rows alike in it belong together, as one person's, and are not independent."}),
    (("--id",), {"metavar": "COL", "help": "A column that tells rows apart; checked."}),
    (("--save-scores",), {"is_flag": True, "default": None, "help": "Keep ids, scores, decisions, labels and slices of the rows in scores.parquet, so that a later audit can be compared row by row. Needs --id."}),
    (("--bins",), {"metavar": "A=E,E", "multiple": True, "help": "Cut a numeric attribute: 'age=25,45,65', 'age=young:25,adult:65,old' or 'age=quantiles:4'. Repeatable."}),
    (("--calibration-bins",), {"metavar": "N|mass:N", "help": "Bins of calibration errors: N of equal width, or of about equal weight. [default: 10]"}),
    (("--other-below",), {"type": int, "metavar": "N", "help": "Categories with fewer rows are one slice, 'other'. [default: all are kept]"}),
    (("--missing",), {"metavar": "[COL=]TEXT", "multiple": True, "help": "A text that means a missing value, besides the empty one: in column COL, or without it in every column that is audited. Repeatable."}),
    (("--rule", "rules"), {"metavar": "ID|FILE|pack:ID", "multiple": True, "help": "Judge by this rule, or by a pack of them, as pack:hiring. Repeatable."}),
    (("--p-values", "p_values"), {"type": click.Choice(["fisher", "boschloo"]), "help": "Two-sided p-values of differences of rates by an exact test, one by one; Boschloo's takes long. [default: none]"}),
    (("--metric", "metrics"), {"metavar": "ID", "multiple": True, "help": "Compute this metric, and none that is not named or judged. Repeatable. [default: all]"}),
    (("--engine", "engines"), {"type": click.Choice(ENGINES), "multiple": True, "help": "Engines to check with. [default: all installed]"}),
    (("--signature",), {"metavar": "NAME", "help": "The model's signature. [default: serving_default]"}),
    (("--output",), {"metavar": "NAME", "help": "The signature's output, where it has several."}),
    (("--decision-output",), {"metavar": "NAME", "help": "The signature's output that decides, 0 or 1, instead of a threshold on the score."}),
    (("--activation",), {"type": click.Choice(["sigmoid", "softmax"]), "help": "Turns the model's logits into probabilities."}),
    (("--batch-size",), {"type": int, "metavar": "N", "help": f"Rows scored at once. [default: {BATCH_SIZE}]"}),
    (("--seed",), {"type": int, "metavar": "N", "help": "Seed of whatever is drawn. [default: 0]"}),
)
_GROUP_THRESHOLD = "A=VALUE:T, as 'race=Black:0.4'"
_PAIRS = {"reference": "A=VALUE, as 'race=White'", "bins": "A=EDGE,EDGE, as 'age=25,45,65'"}


def with_options(command: Callable[..., int], *, without: Collection[str] = (), only: Collection[str] | None = None) -> Callable[..., int]:
    """Give a command the flags that say what to audit, but for some of them, or only some."""
    for names, settings in reversed([one for one in OPTIONS if one[0][0] not in without and (only is None or one[0][0] in only)]):
        command = click.option(*names, **settings)(command)
    return command


@click.command("audit")
@with_options
@click.option(
    "--config", "config_file", type=click.Path(path_type=Path), metavar="FILE",
    help="The same fields as YAML; flags win. Paths in it are from the working directory, as on the command line.",
)  # fmt: skip
@click.option(
    "--out", type=Out(), metavar="DIR",
    help="Where audit.json, report.html and cube.parquet go; an earlier audit there stays until this one is whole.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Write into a folder that holds something else.")
@click.option(*BASELINE[0], **BASELINE[1])
@click.option("--gate", is_flag=True, help="Let the exit code be the verdict.")
@with_gate_options
@click.option("--quiet", is_flag=True, help="Print the verdict only; notes are in the report and in audit.json.")
@click.option("--verbose", is_flag=True, help="Print every finding and note.")
@click.option("--debug", is_flag=True, help="Show what the libraries say, and tracebacks.")
def command(config_file: Path | None, out: Path | None, force: bool, gate: bool, quiet: bool, verbose: bool, debug: bool, **given: Any) -> int:
    """Audit a model, or scores or decisions, and write the result.

    \b
    fairaudit audit --model demo/model --data demo/adult_test.csv --label income --positive '>50K' \\
        --protected sex --protected race --slice 'sex*race' --rule four-fifths --out demo/audit
    """
    from fairaudit.cli.console import progress_to, silenced
    from fairaudit.imports import uncollected
    from fairaudit.interrupts import in_background

    with uncollected():
        from fairaudit.cli.verdict import shown
        from fairaudit.cli.writes import as_flags, of_gate, write_all
        from fairaudit.cube.matched import SCORES
        from fairaudit.delivery import place, retract
        from fairaudit.gate.policy import Policy
        from fairaudit.gate.waiver_file import held_waivers
        from fairaudit.reports.formats import paths
        from fairaudit.reports.html import compile_templates
        from fairaudit.reports.lookup import lookup
        from fairaudit.run import audited
        from fairaudit.writing import check_out, direct, holds_audit, write_audit

    if quiet and verbose:
        raise ConfigError("--quiet and --verbose exclude each other; keep one.")
    config = _config(config_file, out, gate, given)
    target = direct(Path(str(config.out)))
    check_out(target, force=force)
    targets = of_gate(as_flags(config.write) if config.gate else ())
    retract(targets)
    for sentence in unasked(config):
        click.echo(f"fairaudit: {sentence}", err=True)
    waivers = held_waivers(config.waivers) if config.gate and config.waivers is not None else None  # now, so that a mistake in them costs no audit
    in_background(compile_templates)  # while DuckDB counts, which leaves Python nothing to do
    try:
        with TemporaryDirectory(prefix="fairaudit-") if config.save_scores else nullcontext() as aside:
            scores = None if aside is None else Path(aside) / SCORES
            with silenced(debug=debug) as stream, progress_to(stream, quiet=quiet) as progress:
                found = audited(config, scores=scores, progress=progress, sole=True, debug=debug)
            asked = {name: getattr(config, name) for name in (*Policy.__struct_fields__, "as_of", "baseline")} | {"waivers": waivers}
            ruling = ruled(found.audit, asked) if config.gate else None
            former = write_audit(found.audit, found.cube, target, scores=scores, ruling=ruling if tells_more(asked) else None, as_of=config.as_of or datetime.now(UTC).date())
    except FairauditError:
        if holds_audit(target):  # or somebody would take its verdict for this one's
            click.echo(f"fairaudit: {target} still holds the audit that was made before.", err=True)
        raise
    anew = {place(file) for format, path in targets for file in paths(format, path)}
    for path in (one for one in former if place(one) not in anew):
        click.echo(f"fairaudit: {path} was the gate's word on the audit that stood there before, and is taken away; `fairaudit gate {target} --write …` writes this one's.", err=True)
    known = lookup(found.audit)
    if ruling:
        write_all(targets, known, ruling, file=target / "audit.json", rules=config.rules, config=None if given["rules"] else config_file)
    return shown(known, ruling, report=target / "report.html", quiet=quiet, verbose=verbose, written=targets)


def _config(file: Path | None, out: Path | None, gate: bool, given: dict[str, Any]) -> Any:
    """The configuration: the file's, overridden by the flags that were given."""
    from fairaudit.cli.writes import unwritable_of
    from fairaudit.config import AuditConfig, overridden, read_config

    flags = flags_of(given)
    flags |= {"out": str(out)} if out else {}
    flags |= {"gate": True} if gate else {}
    base = read_config(file) if file else AuditConfig()
    config = overridden(base, flags)
    raise_all((*idle(given, config.gate), *_lacking(config), *unwritable_of(config, given["write"])))
    return config


def flags_of(given: dict[str, Any]) -> dict[str, Any]:
    """The fields of the configuration that flags gave.

    Raises:
        ConfigError, Several: one cannot be read as what it should be.
    """
    from fairaudit.cli.writes import as_field

    own = (*_PAIRS, "threshold", "group_thresholds", "write")  # those that are no field as they are given
    flags: dict[str, Any] = {name: value for name, value in given.items() if value is not None and value != () and name not in own}
    if given["threshold"]:
        flags |= {"threshold": given["threshold"][0], "other_thresholds": given["threshold"][1:]}
    flags |= {"write": as_field(given["write"])} if given.get("write") else {}
    mistakes: list[FairauditError] = []
    try:
        flags |= {"group_thresholds": _group_thresholds(given["group_thresholds"])} if given["group_thresholds"] else {}
    except FairauditError as error:
        mistakes.append(error)
    for name in _PAIRS:
        try:
            flags |= {name: _pairs(name, given[name])} if given[name] else {}
        except FairauditError as error:
            mistakes.append(error)
    raise_all(mistakes)
    return flags


def _lacking(config: Any) -> Iterator[FairauditError]:
    """What the command line needs besides, and with it, so that all is told at once, what any audit needs."""
    from fairaudit.config import validate

    lacking = [
        *([ConfigError("where should the audit go? Name a folder with --out DIR.")] if config.out is None else []),
        *([ConfigError("--gate has nothing to judge: name a rule with --rule ID, as four-fifths.")] if config.gate and not config.rules else []),
    ]
    if not lacking:
        return
    yield from lacking
    if not config.data:
        yield ConfigError(NO_DATA)
    try:
        validate(config)
    except FairauditError as error:
        yield error


def _edges(text: str) -> tuple[float, ...] | str:
    """Edges as numbers, as a file has them; names and quantiles as they are written."""
    found = parsed(text)
    return text.strip() if found.names or found.quantiles else found.edges


def _pairs(flag: str, given: tuple[str, ...]) -> dict[str, Any]:
    pairs: dict[str, Any] = {}
    for one in given:
        attribute, equals, value = one.partition("=")
        if not equals or not attribute.strip() or not value.strip():
            raise ConfigError(f"--{flag} {one!r} is not of the form {_PAIRS[flag]}.")
        try:
            if attribute.strip() in pairs:
                raise ConfigError(f"--{flag} is given twice for {attribute.strip()!r}; keep one.")
            pairs[attribute.strip()] = _edges(value) if flag == "bins" else value.strip()
        except ValueError as error:
            raise ConfigError(f"--{flag} {one!r}: {error}.") from error
    return pairs


def _group_thresholds(given: tuple[str, ...]) -> dict[str, dict[str, float]]:
    asked: dict[str, dict[str, float]] = {}
    for one in given:
        group, colon, number = one.rpartition(":")
        attribute, equals, value = (part.strip() for part in group.partition("="))
        if not colon or not equals or not attribute or not value:
            raise ConfigError(f"--group-threshold {one!r} is not of the form {_GROUP_THRESHOLD}.")
        if value in asked.setdefault(attribute, {}):
            raise ConfigError(f"--group-threshold is given twice for {attribute}={value}; keep one.")
        try:
            asked[attribute][value] = float(number)
        except ValueError as error:
            raise ConfigError(f"--group-threshold {one!r}: {number!r} is no number; the form is {_GROUP_THRESHOLD}.") from error
    return asked
