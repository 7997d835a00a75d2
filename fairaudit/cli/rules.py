"""`fairaudit rules`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fairaudit.cli.choosing import command as choose
from fairaudit.cli.gating import day
from fairaudit.cli.out import Out

if TYPE_CHECKING:
    from fairaudit.errors import FairauditError
    from fairaudit.rules.rule import Rule

_AS_OF = click.option("--as-of", callback=day, metavar="DATE", help="The day on which it is read. [default: today]")


@click.group("rules")
def command() -> None:
    """List, explain, choose, check and begin rules.

    \b
    fairaudit rules choose
    fairaudit rules list
    fairaudit rules show four-fifths
    fairaudit rules validate our-rule.yaml
    fairaudit rules new our-rule
    """


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def listing(as_json: bool) -> int:
    """List every rule and pack that comes with fairaudit: its limit, whose it is, and what a violation does."""
    from fairaudit.cli.console import say
    from fairaudit.rules.library import load_rule, shipped_rules
    from fairaudit.rules.pack import load_pack, shipped_packs

    rules, packs = [load_rule(id) for id in shipped_rules()], [load_pack(id) for id in shipped_packs()]
    if as_json:
        say(_json({"rules": [_listed(one) for one in rules], "packs": [{"id": one.id, "title": one.title, "rules": [rule.rule for rule in one.rules]} for one in packs]}))
        return 0
    lines = [(one.id, one.severity.value, f"{one.limit:g} ({one.limit_origin.value})", one.title, ", ".join(one.applies_to.domains)) for one in rules]
    say("\n".join(_columns([("id", "severity", "limit (whose)", "title", "made for"), *lines])))
    say("\nPacks")
    say("\n".join(_columns([(f"pack:{one.id}", ", ".join(rule.rule for rule in one.rules)) for one in packs])))
    say("\nfairaudit rules show ID tells the rest; --rule ID, or --rule pack:ID, judges by them.")
    return 0


@command.command("show")
@click.argument("names", nargs=-1, required=True, metavar="ID|FILE|pack:ID...")
@click.option("--json", "as_json", is_flag=True, help="Every field as JSON, defaults included.")
@click.option("--yaml", "as_yaml", is_flag=True, help="The file as it is written.")
@_AS_OF
def show(names: tuple[str, ...], as_json: bool, as_yaml: bool, as_of: date | None) -> int:
    """Show a rule in words: its principle, how it judges, where its number comes from, and what it is not for.

    \b
    fairaudit rules show four-fifths
    fairaudit rules show our-rule.yaml --json
    """
    import shutil

    import msgspec

    from fairaudit.cli.console import say
    from fairaudit.errors import ConfigError
    from fairaudit.reports.rule_words import pack_words, rule_words
    from fairaudit.rules.library import load_rule, text_of_rule
    from fairaudit.rules.pack import PREFIX, load_pack, text_of_pack

    if as_json and as_yaml:
        raise ConfigError("--json and --yaml exclude each other; keep one.")
    packs = {name: load_pack(name.removeprefix(PREFIX)) for name in names if name.startswith(PREFIX)}
    rules = {name: load_rule(name) for name in names if name not in packs}
    if as_json:
        found = [msgspec.to_builtins(packs.get(name) or rules[name]) for name in names]
        say(_json(found if len(found) > 1 else found[0]))
    elif as_yaml:
        say("\n---\n".join((text_of_pack(name.removeprefix(PREFIX)) if name in packs else text_of_rule(name)).rstrip("\n") for name in names))
    else:
        on = as_of or date.today()
        width = min(shutil.get_terminal_size((100, 24)).columns, 120)
        say("\n\n".join(pack_words(packs[name], width=width) if name in packs else rule_words(rules[name], as_of=on, width=width) for name in names))
    return 0


@command.command("validate")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
def validate(paths: tuple[Path, ...]) -> int:
    """Check rule files, or all that lie in a folder; every mistake is told at once, each in its place.

    \b
    fairaudit rules validate our-rule.yaml
    fairaudit rules validate rules/
    """
    from fairaudit.cli.console import say
    from fairaudit.errors import ConfigError, raise_all
    from fairaudit.errors import FairauditError as Failure
    from fairaudit.rules.library import load_file

    wrong: list[FairauditError] = []
    sound: dict[str, Path] = {}
    for path in dict.fromkeys(file for one in paths for file in _files(one, wrong)):
        try:
            rule = load_file(path)
        except Failure as error:
            wrong.append(error)
            continue
        if rule.id in sound:
            wrong.append(ConfigError(f"{path}: its id {rule.id!r} is that of {sound[rule.id]} too; findings and waivers need ids of their own."))
        sound.setdefault(rule.id, path)
        say(f"{path}: {rule.id} is sound.")
    raise_all(wrong)
    return 0


@command.command("new")
@click.argument("id", metavar="ID")
@click.option("--extends", "base", metavar="ID|FILE", help="Begin from this rule and say only what differs.")
@click.option("--out", type=Out(), metavar="FILE", help="Where the file goes. [default: ID.yaml]")
def new(id: str, base: str | None, out: Path | None) -> int:
    """Begin a rule: a file with a comment at each field, which is already sound.

    \b
    fairaudit rules new our-selection
    fairaudit rules new our-nine-tenths --extends four-fifths
    """
    import os

    from fairaudit.cli.console import say
    from fairaudit.errors import ConfigError
    from fairaudit.rules.library import load_rule, shipped_rules
    from fairaudit.rules.skeleton import skeleton
    from fairaudit.writing import write_file

    if id in shipped_rules():
        raise ConfigError(f"{id!r} is a rule that comes with fairaudit; give yours an id of its own, as our-{id}.")
    target = out or Path(f"{id}.yaml")
    path = Path(os.path.relpath(base, target.parent)).as_posix() if base and base not in shipped_rules() else ""
    text = skeleton(id, today=date.today(), base=load_rule(base) if base else None, path=path if "/" in path else path and f"./{path}")
    if target.exists() and not target.is_dir():
        raise ConfigError(f"{target} is there already; name another file with --out.")
    write_file(target, text.encode())
    say(f"{target}: a rule to be filled in. Check it with `fairaudit rules validate {target}`.")
    return 0


command.add_command(choose)


@command.command("schema")
def schema() -> int:
    """Print the JSON Schema of rule files, by which editors complete and explain them.

    \b
    fairaudit rules schema > rule.schema.json
    """
    from fairaudit.cli.console import say
    from fairaudit.rules.schema import rule_schema

    say(_json(rule_schema()))
    return 0


def _files(path: Path, wrong: list[FairauditError]) -> list[Path]:
    """The file itself, or the YAML files of a folder."""
    from fairaudit.errors import ConfigError

    if not path.is_dir():
        return [path]
    found = sorted(one for one in path.iterdir() if one.suffix in (".yaml", ".yml") and one.is_file())
    if not found:
        wrong.append(ConfigError(f"{path} holds no file that ends in .yaml or .yml; name the folder where the rules are."))
    return found


def _listed(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id, "title": rule.title, "principle": rule.principle, "severity": rule.severity.value, "metric": list(rule.metric_names), "comparison": rule.comparison.value,
        "limit": rule.limit, "limit_origin": rule.limit_origin.value, "task": list(rule.applies_to.task), "domains": list(rule.applies_to.domains),
    }  # fmt: skip


def _columns(lines: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  " + "  ".join(f"{text:<{width}}" for text, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def _json(value: Any) -> str:
    import json

    return json.dumps(value, indent=1, ensure_ascii=False)
