"""The command line: one module a command, imported when it is called."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import click

from fairaudit.errors import CONTENT_FAILED, INTERRUPTED, MISCONFIGURED, FairauditError

if TYPE_CHECKING:
    from fairaudit.ending import Ended

_COMMANDS = {
    "check": "Tell everything that is wrong with an audit at once, or what it would do.",
    "audit": "Audit a model, or scores or decisions, and write the result.",
    "gate": "Judge a finished audit; the exit code is the verdict.",
    "explain": "Explain a finding, from the counts to the verdict.",
    "waive": "Write waivers of what is violated today.",
    "waivers": "Check files of waivers by themselves, without an audit.",
    "compare": "Set two audits beside each other: what differs.",
    "report": "Render a finished audit's report again.",
    "table": "Write a finished audit's numbers as a table.",
    "split": "Cut data into parts, or check given parts.",
    "mitigate": "Do something about a model's unfairness.",
    "inspect": "Show a SavedModel's signatures and how columns would be matched.",
    "rules": "List, explain, choose, check and begin rules.",
    "metrics": "List what can be measured, and how other libraries differ.",
    "completion": "Print the shell completion script.",
}


class _Commands(click.Group):
    """A group that knows its commands' names and help without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"fairaudit.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            from fairaudit.errors import UnknownName

            raise UnknownName("command", args[0], list(_COMMANDS))
        return super().resolve_command(ctx, args)


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    from fairaudit.cli.versions import versions

    click.echo(versions())
    ctx.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_version, help="Show the versions of fairaudit and its engines.")
def cli() -> None:
    """Audit how a model treats groups of people, and gate on it.

    \b
    Exit codes: 0 pass, 1 a rule is violated, rows leak or a waiver is not in force, 2 to be mended in
    flags, config or paths, 3 not enough evidence, 4 the content failed, 130 interrupted,
    143 asked to end by SIGTERM, 129 asked to end by SIGHUP.
    """


def main() -> NoReturn:
    """Run the command line; one sentence an error, never a traceback unless --debug asks for it."""
    from fairaudit.ending import end_by_callers

    _open_streams()
    asked_to_end = end_by_callers()
    try:
        code = _run(sys.argv[1:], asked_to_end)
    except SystemExit as error:  # asked to end while an error was told
        if asked_to_end() is None:
            raise
        code = error.code if isinstance(error.code, int) else CONTENT_FAILED
    leave(code)


def _open_streams() -> None:
    """Standard output and error that take anything: a closed one is nowhere, and what an encoding lacks becomes a question mark."""
    for number in range(3):  # a file that is opened later must not stand in for a closed one
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 as long as the program runs
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _run(arguments: list[str], asked_to_end: Callable[[], Ended | None] = lambda: None) -> int:
    try:
        outcome = cli.main(args=arguments, prog_name="fairaudit", standalone_mode=False)
        return outcome if isinstance(outcome, int) else 0
    except FairauditError as error:
        if (ended := asked_to_end()) is not None:  # what a query that it cut short was told as
            return _ended(ended)
        return _told(error, debug="--debug" in arguments)
    except click.exceptions.Exit as exit:
        return exit.exit_code
    except click.exceptions.NoArgsIsHelpError as help:
        _say(help.format_message())
        return MISCONFIGURED
    except click.ClickException as error:
        _say(f"fairaudit: {error.format_message()}")
        return MISCONFIGURED
    except (KeyboardInterrupt, click.Abort):
        return _interrupted()
    except SystemExit:
        if (ended := asked_to_end()) is None:
            raise
        return _ended(ended)
    except Exception as error:
        if (ended := asked_to_end()) is not None:  # what a library made of it
            return _ended(ended)
        if type(error).__name__ == "InterruptException" or str(error) == "Query interrupted":  # DuckDB's, from wherever it was when Ctrl-C came
            return _interrupted()
        # Exit code 1 would say that a rule is violated, and a build would be red for it.
        if "--debug" in arguments:
            import traceback

            traceback.print_exception(error)
        _say(f"fairaudit: this was not foreseen ({type(error).__name__}: {error}); run again with --debug and report what it prints.")
        return CONTENT_FAILED


def _interrupted() -> int:
    _say("fairaudit: interrupted; no file is half-written.")
    return INTERRUPTED


def _ended(by: Ended) -> int:
    from signal import Signals

    _say(f"fairaudit: asked to end by {Signals(by.signum).name}; no file is half-written.")
    return 128 + by.signum


def _told(error: FairauditError, *, debug: bool) -> int:
    if debug:
        import traceback

        traceback.print_exception(error)
    for one in getattr(error, "errors", (error,)):
        _say(f"fairaudit: {one}")
    return error.exit_code


def _say(text: str) -> None:
    from contextlib import suppress

    with suppress(OSError):
        print(text, file=sys.stderr)


def leave(code: int) -> NoReturn:
    """End the process at once where a heavy library is loaded: its teardown takes two seconds and changes nothing."""
    from contextlib import suppress

    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    if "tensorflow" in sys.modules or "duckdb" in sys.modules:
        os._exit(code)
    sys.exit(code)


__all__: list[Any] = ["cli", "main"]
