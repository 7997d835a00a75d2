"""`fairaudit completion`."""

from __future__ import annotations

import click


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    """Print the shell completion script.

    \b
    eval "$(fairaudit completion bash)"
    """
    from click.shell_completion import get_completion_class

    from fairaudit.cli import cli
    from fairaudit.cli.console import say

    kind = get_completion_class(shell)
    if kind is not None:
        say(kind(cli, {}, "fairaudit", "_FAIRAUDIT_COMPLETE").source())
    return 0
