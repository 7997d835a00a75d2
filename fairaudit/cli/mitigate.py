"""`fairaudit mitigate`: one subcommand a method."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import click

from fairaudit.cli.audit import with_options
from fairaudit.cli.out import Out
from fairaudit.cli.reading import READING, check_not_read, reading_of, width
from fairaudit.cli.retraining import Asked, configured, idle, parameters, retrained, with_training
from fairaudit.errors import NO_DATA, ConfigError, raise_all
from fairaudit.method_names import METHODS, SETTINGS

OUTPUT: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("--config", "config_file"), {"type": click.Path(path_type=Path), "metavar": "FILE", "help": "An audit's configuration, for what it says of the data; flags win."}),
    (("--out",), {"type": Out(), "metavar": "DIR", "help": "Where everything goes; an earlier mitigation there stays until this one is whole."}),
    (("--force",), {"is_flag": True, "help": "Write into a folder that holds something else."}),
    (("--json", "as_json"), {"is_flag": True, "help": "Print card.json."}),
    (("--debug",), {"is_flag": True, "help": "Show what the libraries say, and tracebacks."}),
)  # what every method takes


def with_output(command: Callable[..., int]) -> Callable[..., int]:
    for names, settings in reversed(OUTPUT):
        command = click.option(*names, **settings)(command)
    return command


_NOT_OURS = (
    "--score-column", "--decision-column", "--positive-decision", "--count", "--group-threshold", "--threshold-sweep", "--save-scores", "--decision-output", "--feature", "--control", "--p-values",
    "--calibration-bins",
)  # flags of an audit that say nothing of a mitigation


def _with_model(command: Callable[..., int]) -> Callable[..., int]:
    """What every method takes that changes a model's decisions."""
    return with_options(_with_parts(_with_share(command)), without=_NOT_OURS)


def _with_training_data(command: Callable[..., int]) -> Callable[..., int]:
    """The same, of a table of counts too: weights alone need no model."""
    return with_options(_with_parts(_with_share(command)), without=[one for one in _NOT_OURS if one != "--count"])


def _with_search(command: Callable[..., int]) -> Callable[..., int]:
    """As every method, but for how many parts there are."""
    return with_options(_with_parts(command), without=_NOT_OURS)


def _with_share(command: Callable[..., int]) -> Callable[..., int]:
    return click.option("--split", "share", type=float, metavar="SHARE", help="Hold out this share of the rows. [default: 0.5]")(command)


def _with_parts(command: Callable[..., int]) -> Callable[..., int]:
    command = click.option("--duplicates", type=click.Choice(["together", "apart"]), default="together", show_default=True, help="Whether rows that are alike are one person, who is never in both parts.")(command)
    return click.option("--holdout", metavar="PATH", help="Judge on these rows, instead of a part of --data.")(command)


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
@with_training
@with_output
def reweigh(
    weight_column: str | None, format: Any, fine_tune: bool, trainer: str | None, strength: float | None, without_attribute: bool, epochs: int | None, learning_rate: float | None, training_batch: int | None, patience: int | None,
    config_file: Path | None, out: Path | None, force: bool, as_json: bool, debug: bool, **given: Any,
) -> int:  # fmt: skip
    """Weigh training data so that the label is independent of the group (Kamiran and Calders 2012), and train with the weights.

    Writes all rows with a new column of weights, the weights alone, card.json and parity.md. Train with them: Keras' fit(sample_weight=…), scikit-learn's fit(…, sample_weight).

    With --fine-tune, or --trainer, a model is trained with them on one part of the data and judged on another. Writes what `mitigate thresholds` does.

    \b
    fairaudit mitigate reweigh --data train.csv --label income --positive '>50K' --protected sex --protected race --out reweighed
    fairaudit mitigate reweigh --fine-tune --model demo/model --data demo/adult_test.csv --label income --positive '>50K' \\
        --protected sex --duplicates apart --out fairer
    fairaudit mitigate reweigh --trainer 'python train.py --data {data} --out {out}' --data train.csv --label income --positive '>50K' \\
        --protected sex --out fairer
    """
    flags = {
        "--weight-column": weight_column, "--format": format, "--strength": strength, "--without-attribute": without_attribute or None, "--epochs": epochs, "--learning-rate": learning_rate, "--training-batch": training_batch, "--patience": patience,
    }  # fmt: skip
    asked = Asked(fine_tune=fine_tune, trainer=trainer, flags={name: value for name, value in flags.items() if value is not None})
    raise_all(idle(asked, given, _OF_ROWS))
    output: dict[str, Any] = {"config_file": config_file, "out": out, "force": force, "as_json": as_json, "debug": debug}
    return _retrain(asked, **output, **given) if asked.is_asked else _reweigh(weight_column, format, **output, **{name: given[name] for name in parameters(_OF_ROWS)})


def _reweigh(weight_column: str | None, format: Any, *, config_file: Path | None, out: Path | None, force: bool, as_json: bool, debug: bool, **given: Any) -> int:
    """The weights alone."""
    from fairaudit.cli.console import say, silenced
    from fairaudit.data.files import files_of
    from fairaudit.data.source import Source
    from fairaudit.data.written import format_of, mistaken_columns
    from fairaudit.mitigations import reweighed
    from fairaudit.mitigations import reweighing as method
    from fairaudit.mitigations.kept import in_place_of
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

    former = {*reweighed.names_of("csv"), *reweighed.names_of("parquet"), *(_OF_A_MODEL if (folder / _OF_A_MODEL[0]).is_dir() else ())} if holds(folder, A_MITIGATION) else set()
    with silenced(debug=debug), in_place_of(folder):
        made = method.reweigh(source, wanted_of(config), weight_column=method.WEIGHT if weight_column is None else weight_column)
        card = write_folder(folder, names, fill, gone=former)
    say(to_json(card).decode().rstrip("\n") if as_json else f"{reweighing_words(card, width=width())}\n\nRows with weights: {folder / names[1]}\nCard: {folder / reweighed.CARD}")
    return 0


_OF_ROWS = (*READING, "--weight", "--count")  # flags of an audit that weights need
_OF_A_MODEL = ("saved_model", "before", "after", "comparison.json", "report.html", "frontier.json")  # what the other methods leave beside their card


@command.command("thresholds")
@_with_model
@click.option("--objective", default="accuracy", show_default=True, metavar="NAME", help="What is made as good as the rules allow: accuracy, balanced_accuracy, or costs, as 'fp=1,fn=5'.")
@click.option("--drawn", is_flag=True, help="Draw some decisions between thresholds: the rules hold at less cost.")
@click.option("--without-attribute", is_flag=True, help="The same for everybody: the exported model asks for no group, unless the original does.")
@click.option("--infer-group", is_flag=True, help="With both: infer each row's group from its other features, and decide by that.")
@with_output
def thresholds(objective: str, drawn: bool, without_attribute: bool, infer_group: bool, **given: Any) -> int:
    """Give each group the threshold with which the rules hold, at the least cost, and export the model with them.

    Fitted on one part of the data, judged on another that was not looked at. Writes saved_model/, which loads with plain TensorFlow, report.html, card.json, and the audits before and after.

    \b
    fairaudit mitigate thresholds --model demo/model --data demo/adult_test.csv --label income --positive '>50K' \\
        --protected sex --rule equal-opportunity --out fairer
    """
    from fairaudit.mitigations.methods import by_thresholds

    return _postprocess(lambda config: by_thresholds(config, objective, drawn=drawn, without_attribute=without_attribute, infer_group=infer_group), **given)


@command.command("equalized-odds")
@_with_model
@with_output
def equalized_odds(**given: Any) -> int:
    """Draw some decisions anew, so that all groups have the same true and the same false positive rate (Hardt, Price and Srebro 2016).

    As `mitigate thresholds`. What is drawn is drawn by a hash of the row: the same applicant always gets the same answer.
    """
    from fairaudit.mitigations.methods import by_equalized_odds

    return _postprocess(lambda config: by_equalized_odds(), **given)


@command.command("calibrated-equalized-odds")
@_with_model
@click.option("--cost", type=click.Choice(["fnr", "fpr", "weighted"]), default="weighted", show_default=True, help="What is made equal: false negatives, false positives, or both, of scores.")
@with_output
def calibrated_equalized_odds(cost: str, **given: Any) -> int:
    """Score some rows by their group's base rate, so that all groups' scores cost the same and stay calibrated (Pleiss and others 2017).

    As `mitigate thresholds`. Which rows is drawn by a hash of the row.
    """
    from fairaudit.mitigations.methods import by_calibrated_equalized_odds

    return _postprocess(lambda config: by_calibrated_equalized_odds(cost), **given)


@command.command("reject-option")
@_with_model
@click.option(
    "--parity", type=click.Choice(["statistical_parity_difference", "average_odds_difference", "equal_opportunity_difference"]), default="statistical_parity_difference", show_default=True,
    help="The difference to the best-off group that is bounded.",
)  # fmt: skip
@click.option("--bound", type=float, default=0.05, show_default=True, metavar="D", help="The most that it may be, to either side.")
@with_output
def reject_option(parity: str, bound: float, **given: Any) -> int:
    """Decide rows near the threshold in favour of groups that are worse off (Kamiran, Karim and Zhang 2012).

    As `mitigate thresholds`; nothing is drawn.
    """
    from fairaudit.mitigations.methods import by_reject_option

    return _postprocess(lambda config: by_reject_option(config, parity, bound), **given)


@command.command("search")
@_with_search
@click.option("--split", "shares", metavar="A,B,C", help="Shares of the rows to fit on, to choose by and to prove on; the first two with --holdout. [default: 0.5,0.25,0.25]")
@click.option("--objective", "objectives", multiple=True, metavar="NAME", help="What thresholds make as good as the rules allow; the first is what the frontier is of. Repeatable. [default: accuracy]")
@click.option("--methods", metavar="A,B", help=f"Try only these: {', '.join(METHODS)}. [default: all]")
@click.option("--settings", type=int, default=SETTINGS, show_default=True, metavar="N", help="Steps from the model's own disparity to nearly none.")
@click.option("--choose", metavar="TEXT", help="What must hold, with room to spare if that is said, and then what decides, as 'rule four-fifths within 0.9, then accuracy'. [default: all rules, then the objective]")
@click.option("--without-attribute", is_flag=True, help="Choose only of what needs no protected attribute when serving; from a model that takes one, it is withheld and the model trained on.")
@click.option("--anew", is_flag=True, help="Throw away what a search that was stopped had kept, and begin anew.")
@with_output
def search(
    shares: str | None, objectives: tuple[str, ...], methods: str | None, settings: int, choose: str | None, without_attribute: bool, anew: bool, holdout: str | None, duplicates: str, config_file: Path | None,
    out: Path | None, force: bool, as_json: bool, debug: bool, **given: Any,
) -> int:  # fmt: skip
    """Try all methods over their settings, draw what each costs beside what it brings, and export the one that you would choose.

    Fitted on one part of the data, chosen by a second, and proven on a third that nothing was chosen on. Writes what `mitigate thresholds` does, and frontier.json. What --infer-group and --trainer make is not tried. A search that is stopped goes on where it was when the same command runs again.

    \b
    fairaudit mitigate search --model demo/model --data demo/adult_test.csv --label income --positive '>50K' \\
        --protected sex --rule statistical-parity --choose 'rule statistical-parity, then accuracy' --out searched
    """
    from fairaudit.cli.audit import flags_of
    from fairaudit.cli.console import progress_to, say, silenced
    from fairaudit.config import AuditConfig, overridden, read_config, validate
    from fairaudit.ending import Ended
    from fairaudit.errors import FairauditError
    from fairaudit.mitigations import postprocessed, searching
    from fairaudit.mitigations.candidates import check_asked
    from fairaudit.mitigations.choice import choice_of
    from fairaudit.mitigations.kept import kept
    from fairaudit.mitigations.retrained_card import RetrainedCard
    from fairaudit.mitigations.solved import Unreachable
    from fairaudit.reports.mitigated import mitigation_words
    from fairaudit.reports.retrained import retrained_words
    from fairaudit.reports.searched import frontier_words
    from fairaudit.rules.library import load_rules
    from fairaudit.splits.result import to_json
    from fairaudit.writing import A_MITIGATION, check_out, holds, write_mitigation, write_tree

    config = overridden(read_config(config_file) if config_file else AuditConfig(), flags_of({"group_thresholds": ()} | given))
    mistakes: list[FairauditError] = [*([ConfigError(NO_DATA)] if not config.data else []), *([ConfigError("where should the model go? Name a folder with --out DIR.")] if out is None else [])]
    raise_all(mistakes)
    parts = _shares(shares, of_three=holdout is None)
    config = postprocessed.asked_of(config)
    validate(config)
    wanted = tuple(one.strip() for one in (methods or "").split(",") if one.strip())
    if methods is not None and not wanted:
        raise ConfigError(f"--methods {methods!r} names no method; name some, as thresholds,fine-tune, or leave it out to try all.")
    rules = load_rules(config.rules)
    aims = check_asked(rules, objectives or ("accuracy",), wanted, settings, without_attribute=without_attribute)
    asked = searching.Search(
        objectives=tuple(one.name for one in aims), methods=wanted, settings=settings, without_attribute=without_attribute, shares=parts, holdout=holdout, together=duplicates == "together",
    )  # fmt: skip
    choice = choice_of(choose, rules, aims[0], config.effect)
    folder = Path(str(out))
    check_out(folder, force=force, kind=A_MITIGATION)
    shown: list[str] = []

    with silenced(debug=debug):
        searching.check_model(config, asked)
    with silenced(debug=debug) as stream, kept(folder, searching.what_it_depends_on(config, asked), anew=anew) as state:
        for one in state.notes:
            print(f"fairaudit: {one}", file=stream)

        def fill(into: Path) -> Any:
            state.note(into)
            with progress_to(stream, quiet=as_json) as progress:
                found = searching.tried(config, asked, state, progress=progress)
                frontier = searching.frontier_of(config, asked, choice, found)
                shown.append(to_json(frontier).decode().rstrip("\n") if as_json else frontier_words(frontier.points, frontier.unmet, frontier.chosen, frontier.objective, width=width()))
                card, proof = searching.chosen_model(config, asked, found, frontier, choice, into, state.work, progress=progress)
            write_mitigation(card, proof, into, frontier=frontier)
            return card

        former = {one.name for one in folder.iterdir() if not one.name.startswith(".")} & _FORMER if holds(folder, A_MITIGATION) else set()
        try:
            card = write_tree(folder, searching.SEARCH_NAMES, fill, gone=former)
        except Unreachable:
            say(shown[0])
            raise
        except (KeyboardInterrupt, Ended):
            if state.has_any:
                print(f"fairaudit: what was done so far is kept in {folder}; the same command goes on from there.", file=stream)
            raise
    if as_json:
        say((folder / postprocessed.CARD).read_text(encoding="utf-8").rstrip("\n"))
    else:
        words = retrained_words if isinstance(card, RetrainedCard) else mitigation_words
        say(f"{shown[0]}\n\n{words(card, width=width())}\n\nModel: {folder / postprocessed.MODEL}\nReport: {folder / postprocessed.REPORT}\nFrontier: {folder / searching.SEARCH_NAMES[-2]}\nCard: {folder / postprocessed.CARD}\n{_audited_by(card, folder)}")
    return 0


def _audited_by(card: Any, folder: Path) -> str:
    """How the exported model is audited."""
    from fairaudit.mitigations import postprocessed
    from fairaudit.mitigations.retrained_card import RetrainedCard
    from fairaudit.reports.mitigated import audit_of
    from fairaudit.reports.retrained import retrained_audit_of
    from fairaudit.reports.using import one_line

    told = retrained_audit_of if isinstance(card, RetrainedCard) else audit_of
    return f"To audit the model on other rows: {one_line(told(card, str(folder / postprocessed.MODEL)))}"


def _shares(asked: str | None, *, of_three: bool) -> tuple[float, ...]:
    """The shares that --split names of the parts that --data are split in.

    Raises:
        ConfigError: they are not as many, or no shares.
    """
    from fairaudit.mitigations.parts import SEARCHED

    number, example = (3, "0.5,0.25,0.25") if of_three else (2, "0.6,0.4")
    if asked is None:
        return SEARCHED if of_three else (0.6, 0.4)
    try:
        found = tuple(float(one) for one in asked.split(","))
    except ValueError:
        raise ConfigError(f"--split {asked!r}: a search splits the data in {number} parts; give their shares as numbers, as {example}.") from None
    if len(found) != number or not all(0 < one < 1 for one in found) or abs(sum(found) - 1) > 1e-9:
        what = "to fit on, to choose by and to prove on" if of_three else "to fit on and to choose by, since --holdout has the last part"
        raise ConfigError(f"--split {asked!r}: a search splits the data in {number} parts, {what}; give {number} shares above 0 that add up to 1, as {example}.")
    return found


def _postprocess(chosen: Callable[[Any], Any], **given: Any) -> int:
    """By a method that changes decisions by group."""
    from fairaudit.config import validate
    from fairaudit.mitigations import postprocessed
    from fairaudit.reports.mitigated import mitigation_words

    def checked(config: Any) -> tuple[Any, _Work]:
        method = chosen(config)
        config = postprocessed.asked_of(config, method.rules)
        validate(config)

        def work(parts: Any, into: Path, aside: Path, stream: TextIO) -> tuple[Any, Any]:
            from fairaudit.cli.console import progress_to

            with progress_to(stream, quiet=given["as_json"]) as progress:
                return postprocessed.mitigate(config, method, parts, into, aside, progress=progress)

        return config, work

    return _judged(checked, mitigation_words, **given)


def _retrain(asked: Asked, **given: Any) -> int:
    """By training under weights."""
    from fairaudit.reports.retrained import retrained_words

    def checked(config: Any) -> tuple[Any, _Work]:
        config = configured(asked, config)
        return config, lambda parts, into, aside, stream: retrained(asked, config, parts, into, aside, together=given["duplicates"] == "together", stream=stream, quiet=given["as_json"])

    return _judged(checked, retrained_words, **given)


_Work = Callable[[Any, Path, Path, TextIO], tuple[Any, Any]]  # from the parts, the folder to fill, one aside and the user's stream to a card and its proof


def _judged(
    checked: Callable[[Any], tuple[Any, _Work]], words: Callable[..., str], *, holdout: str | None, share: float | None, duplicates: str, config_file: Path | None, out: Path | None, force: bool,
    as_json: bool, debug: bool, **given: Any,
) -> int:  # fmt: skip
    """Split, work, judge, and write all of it or nothing."""
    from tempfile import TemporaryDirectory

    from fairaudit.cli.audit import flags_of
    from fairaudit.cli.console import say, silenced
    from fairaudit.config import AuditConfig, overridden, read_config
    from fairaudit.mitigations import postprocessed
    from fairaudit.mitigations.kept import in_place_of
    from fairaudit.mitigations.parts import SHARE, given_parts, split_parts
    from fairaudit.writing import A_MITIGATION, check_out, holds, write_mitigation, write_tree

    config = overridden(read_config(config_file) if config_file else AuditConfig(), flags_of({"group_thresholds": ()} | given))
    lacking = [*([ConfigError(NO_DATA)] if not config.data else []), *([ConfigError("where should the model go? Name a folder with --out DIR.")] if out is None else [])]
    lacking += [ConfigError("--split divides --data, and --holdout names other rows to judge on; keep one.")] if holdout is not None and share is not None else []
    lacking += [ConfigError(f"--split {share:g} is no share of the rows; give one between 0 and 1, as 0.5.")] if share is not None and not 0 < share < 1 else []
    raise_all(lacking)
    config, work = checked(config)
    folder = Path(str(out))
    check_out(folder, force=force, kind=A_MITIGATION)
    together = duplicates == "together"

    def fill(into: Path) -> Any:
        with TemporaryDirectory(prefix="fairaudit-") as name, silenced(debug=debug) as stream:
            aside = Path(name)
            parts = split_parts(config, aside, share=SHARE if share is None else share, together=together) if holdout is None else given_parts(config, holdout, aside, together=together)
            card, proof = work(parts, into, aside, stream)
        write_mitigation(card, proof, into)
        return card

    former = {one.name for one in folder.iterdir() if not one.name.startswith(".")} & _FORMER if holds(folder, A_MITIGATION) else set()
    with in_place_of(folder):
        card = write_tree(folder, postprocessed.NAMES, fill, gone=former)
    if as_json:
        say((folder / postprocessed.CARD).read_text(encoding="utf-8").rstrip("\n"))
    else:
        say(f"{words(card, width=width())}\n\nModel: {folder / postprocessed.MODEL}\nReport: {folder / postprocessed.REPORT}\nCard: {folder / postprocessed.CARD}\n{_audited_by(card, folder)}")
    return 0


_FORMER = {"frontier.json", "reweighed.csv", "reweighed.parquet", "weights.csv", "weights.parquet", "parity.md"}  # of another method, which would stand beside this one's
