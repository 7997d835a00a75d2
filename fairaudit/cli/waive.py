"""`fairaudit waive`."""

from __future__ import annotations

import shlex
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fairaudit.cli.gating import day
from fairaudit.errors import ConfigError, ContentError, FairauditError, UnknownName, raise_all

if TYPE_CHECKING:
    from fairaudit.gate.waiver import Waivers
    from fairaudit.gate.waiving import Terms
    from fairaudit.result import Audit
    from fairaudit.rules.finding import Finding

_DAYS = 90  # an exemption's usual life


@click.command("waive")
@click.argument("audit", type=click.Path(path_type=Path), metavar="AUDIT.json")
@click.option("--owner", metavar="NAME", help="Who answers for them. Required; asked for on a terminal.")
@click.option("--reason", metavar="TEXT", help="Why they are tolerated. Required; asked for on a terminal.")
@click.option("--rule", "rules", multiple=True, metavar="ID|FILE", help="Violations of this rule. Repeatable. [default: of all of the audit's rules that can fail it]")
@click.option("--slice", "slices", multiple=True, metavar="A=V", help="Violations on this slice, as findings name it: 'race=Black', or 'race=Black, sex=Female' of a cross, or 'all groups of race' of a gap. Repeatable. [default: on any]")
@click.option("--expires", callback=day, metavar="DATE", help=f"Their last day, UTC. [default: {_DAYS} days from now, or max_days of the file]")
@click.option("--days", type=int, metavar="N", help="The same in days from now.")
@click.option("--ticket", metavar="TEXT", help="Where it is being worked on.")
@click.option("--to", type=click.Path(path_type=Path), metavar="FILE", help="The file of waivers, which is added to. [default: fairness-waivers.yaml]")
@click.option("--tighten", is_flag=True, help="Write no new waivers, but move holds_to of those in the file whose violation has clearly improved: the worse end of its interval is better than holds_to.")
@click.option("--as-of", callback=day, metavar="DATE", help="The day on which they are created. [default: today, UTC]")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(audit: Path, rules: tuple[str, ...], slices: tuple[str, ...], to: Path | None, tighten: bool, as_of: date | None, debug: bool, **given: Any) -> int:
    """Write waivers of what is violated today.

    Each tolerates one violation up to the worse end of its interval: noise does not break it, and what gets truly worse fails again. Nothing
    that stands in the file is loosened, renewed or taken out: that is for a person to do.

    \b
    fairaudit waive demo/audit/audit.json --owner 'Ada L.' --reason 'new data are being collected' --days 60
    fairaudit waive demo/audit/audit.json --tighten
    """
    from fairaudit.gate.gating import today
    from fairaudit.gate.judged import rejudged
    from fairaudit.gate.waiver_file import FILE, parse_waivers
    from fairaudit.result import read_audit
    from fairaudit.yaml_nodes import text_of

    target = to or Path(FILE)
    found = read_audit(audit)
    is_its_own = bool(found.rules) and {rule.id for rule in found.rules} >= set(rules)
    judged = found if is_its_own else rejudged(found, rules)
    violations = _chosen(judged, rules, slices, of_any_rule=bool(rules) or tighten)
    text = text_of(target) if target.is_file() else None
    held = parse_waivers(text, file=str(target)) if text is not None else None
    if tighten:
        return _tighten(violations, target, text, held, [name for name, value in given.items() if value is not None])
    gate = shlex.join(["fairaudit", "gate", str(audit), *(word for rule in rules if not is_its_own for word in ("--rule", rule)), "--waivers", str(target)])
    return _write(judged, violations, target, text, held, _terms(given, as_of or today(), held), gate)


def _chosen(audit: Audit, rules: Sequence[str], slices: Sequence[str], *, of_any_rule: bool) -> list[Finding]:
    """The violations that are asked for.

    Args:
        of_any_rule: those too of rules that only warn or inform, which fail no build.

    Raises:
        ConfigError: nothing of what was named is violated.
        ContentError: engines disagree.
    """
    from fairaudit.gate.policy import can_be_waived
    from fairaudit.gate.waiver import whom
    from fairaudit.rules.finding import DISAGREEMENT, Severity

    if any(one.rule == DISAGREEMENT for one in audit.findings):
        raise ContentError("engines disagree on numbers of this audit, so none can be relied on, and nothing of it can be waived.")
    violations = [one for one in audit.findings if can_be_waived(one) and (of_any_rule or one.severity is Severity.FAIL)]
    if rules and {rule.id for rule in audit.rules} >= set(rules):  # else they are files, and it was judged by no others
        violations = [one for one in violations if one.rule in rules]
    known = {whom(one): _plainly(whom(one)) for one in violations}
    raise_all(UnknownName("violation on", name, list(known), where="--slice") for name in slices if _plainly(name) not in known.values())
    wanted = {_plainly(name) for name in slices}
    return [one for one in violations if not wanted or known[whom(one)] in wanted]


def _plainly(name: str) -> frozenset[str]:
    """A cross in whatever order."""
    return frozenset(part.strip() for part in name.split(","))


def _terms(given: dict[str, Any], created: date, held: Waivers | None) -> Terms:
    from fairaudit.gate.waiver import MAX_DAYS, later
    from fairaudit.gate.waiving import Terms

    most = held.max_days if held else MAX_DAYS
    raise_all(_mistaken(given, created, most))
    asked = {name: given[name] if (given[name] or "").strip() else _asked(name) for name in ("owner", "reason")}
    raise_all(error for error in asked.values() if isinstance(error, FairauditError))
    expires = given["expires"] or later(created, given["days"] or min(_DAYS, most))
    return Terms(owner=str(asked["owner"]).strip(), reason=str(asked["reason"]).strip(), created=created, expires=expires, ticket=(given["ticket"] or "").strip() or None)


def _mistaken(given: dict[str, Any], created: date, most: int) -> Iterator[FairauditError]:
    from fairaudit.gate.waiver import later

    expires, days = given["expires"], given["days"]
    if expires is not None and days is not None:
        yield ConfigError("--expires and --days say the same; keep one.")
    elif expires is not None and not 0 <= (expires - created).days <= most:
        yield ConfigError(f"--expires {expires} is not from {created} to {later(created, most)}, {most} days later, which is the most that the file's max_days allows.")
    elif days is not None and not 1 <= days <= most:
        yield ConfigError(f"--days is {days}; give a whole number from 1 to {most}, the most that the file's max_days allows.")


def _asked(name: str) -> str | FairauditError:
    """What a person on a terminal says; elsewhere a mistake."""
    import sys

    question = {"owner": "Who answers for these waivers", "reason": "Why are these violations tolerated"}[name]
    if sys.stdin.isatty():
        said: str = click.prompt(question, err=True)
        if said.strip():
            return said
    return ConfigError(f"a waiver needs {'an owner, who answers for it' if name == 'owner' else 'a reason, why it is tolerated'}; say it with --{name} {'NAME' if name == 'owner' else 'TEXT'}.")


def _write(audit: Audit, violations: Sequence[Finding], target: Path, text: str | None, held: Waivers | None, terms: Terms, gate: str) -> int:
    from fairaudit.gate.waiver import whom
    from fairaudit.gate.waiver_file import new_text, with_entries
    from fairaudit.gate.waiving import sorted_out
    from fairaudit.writing import write_file

    found = sorted_out(violations, held.waivers if held else (), terms, audit)
    raise_all(
        ConfigError(f"{target}: {one.rule} on {whom(one)} is violated, and {why}; what is there is loosened or renewed by hand only, so edit it, or leave this one out by --rule and --slice.")
        for one, why in found.unheld
    )
    for one, waiver in found.held:
        _tell(f"{one.rule} on {whom(one)}: waived already, by {waiver.owner} until {waiver.expires}.")
    for one in found.endless:
        _tell(f"{one.rule} on {whom(one)}: not waived: it is infinitely far off, which no holds_to tolerates.")
    if not found.new:
        _tell("Nothing is violated that could be waived." if not violations else f"{target} is left as it is.")
        return 0
    entries = [waiver for _, waiver in found.new]
    write_file(target, _mark(target) + (new_text(entries) if text is None else with_entries(text, entries, file=str(target))).encode())
    for one, waiver in found.new:
        bound = "" if one.interval else " It has no interval, so that is its value, and anything worse fails."
        _tell(f"{one.rule} on {whom(one)}: {one.metric} {one.kind} is {one.value:.6g}; waived to {waiver.holds_to:.6g} until {waiver.expires}.{bound}")
    _tell(f"Waivers: {target}\nGate:    {gate}")
    return 0


def _mark(target: Path) -> bytes:
    """The byte order mark that some editors begin a file with, where there is one: it stays."""
    return BOM_UTF8 if target.is_file() and target.read_bytes().startswith(BOM_UTF8) else b""


def _tighten(violations: Sequence[Finding], target: Path, text: str | None, held: Waivers | None, idle: Sequence[str]) -> int:
    from fairaudit.gate.waiver_file import with_holds_to
    from fairaudit.gate.waiving import tightened
    from fairaudit.writing import write_file

    raise_all(ConfigError(f"--{name} is of new waivers, and --tighten writes none; leave it out.") for name in idle)
    if held is None or text is None:
        raise ConfigError(f"there is no file {str(target)!r} to tighten; name one with --to FILE.")
    moved = tightened(violations, held.waivers)
    if not moved:
        _tell(f"No violation has clearly improved; {target} is left as it is.")
        return 0
    write_file(target, _mark(target) + with_holds_to(text, moved, file=str(target)).encode())
    for place, holds_to in moved.items():
        one = held.waivers[place]
        _tell(f"{one.rule} on {one.whom}: holds_to {one.holds_to:.6g} → {holds_to:.6g}.")
    _tell(f"Waivers: {target}")
    return 0


def _tell(text: str) -> None:
    """Print what names groups and owners: no text from data may act on the terminal."""
    from fairaudit.cli.console import say
    from fairaudit.reports.characters import visible

    for line in text.split("\n"):
        say(visible(line))
