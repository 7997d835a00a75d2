"""What `fairaudit check` answers where nothing is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fairaudit.errors import listed
from fairaudit.foreseen import Cut, Foreseen
from fairaudit.reports.choice_words import DOES
from fairaudit.reports.numbers import whole
from fairaudit.reports.size_words import share_words, size_lines
from fairaudit.reports.wrapped import POINT, columns, section

if TYPE_CHECKING:
    from fairaudit.mitigations.foretold import Foretold

_MOST_GROUPS = 12


def check_words(found: Foreseen, *, name: str, width: int) -> str:
    """The whole answer.

    Args:
        name: what was checked, a file or flags.
    """
    lines = [
        f"{name}: nothing is wrong. An audit would:",
        *section("Read", _read(found), width=width),
        *section("Cut", ((" × ".join(one.slicing), _groups(one)) for one in found.slicings), width=width),
        *_families(found),
        *size_lines(found.sizes, width=width),
        *section("Take", _take(found), width=width),
        *section("Write", ((POINT, one) for one in found.writes), width=width),
        *section("Mind", ((POINT, one) for one in found.cautions), width=width),
    ]
    return "\n".join(lines)


def mitigation_lines(found: Foretold, *, width: int) -> Iterator[str]:
    """The same of a mitigation."""
    yield from section(f"Mitigate by {found.method}", _mitigation(found), width=width)


def _mitigation(found: Foretold) -> Iterator[tuple[str, str]]:
    yield "fit on", f"about {whole(found.fitted)} rows, and judge on about {whole(found.held_out)} others, where half are held out"
    yield "judge by", listed(found.rules)
    yield "groups", f"{len(found.groups)}: {listed([f'{one.group} ({whole(one.positives)} positive, {whole(one.negatives)} negative)' for one in found.groups], most=_MOST_GROUPS)}"
    if found.without_group:
        yield "no group", f"{whole(found.without_group)} rows lack a value, and are decided as the model does"
    yield "take", f"{listed(found.added)} besides what the model takes" if found.added else "what the model takes"
    yield from (("mind", one) for one in found.cautions)


def _read(found: Foreseen) -> Iterator[tuple[str, str]]:
    for one in found.files:
        yield "file", f"{one.name}: {one.format}, {whole(one.lines)} {'line' if one.lines == 1 else 'lines'}"
    excluded = "".join(f"; {whole(rows)} left out: {reason}" for reason, rows in found.excluded.items())
    yield "rows", f"{whole(found.read)}, of which {whole(found.audited)} are audited{excluded}"
    yield "labels", "" if not found.unlabelled else f"{whole(found.unlabelled)} rows have none"
    yield "decisions", found.decides


def _groups(one: Cut) -> str:
    return f"{len(one.groups)}: {listed([f'{group.slice.label} {whole(group.rows)}' for group in one.groups], most=_MOST_GROUPS)}"


def _families(found: Foreseen) -> Iterator[str]:
    if not found.families:
        yield "\nJudge nothing: no rule is named (--rule ID)."
        return
    yield "\nJudge"
    by_rule: dict[tuple[str, str, str], list[str]] = {}
    for one in found.families:
        by_rule.setdefault((one.rule, DOES[one.severity.value], share_words(one.share)), []).append(" × ".join(one.slicing))
    yield from columns([("rule", "a violation", "error of each", "by"), *((*facts, ", ".join(slicings)) for facts, slicings in by_rule.items())])
    others = len(found.families) - found.gating
    yield f"{found.gating} {'family shares' if found.gating == 1 else 'families share'} the error by which a build fails{f', {others} that warn or remark another' if others else ''}."


def _take(found: Foreseen) -> Iterator[tuple[str, str]]:
    yield "time", f"about {_rounded(found.seconds)} s, by a rough model of two shared cores and a small network; a large model takes what it takes"
    yield "memory", f"about {_rounded(found.mebibytes)} MiB, whatever the number of rows"
    engines = [f"{name} ({version})" if version else f"{name} (not installed, checks nothing)" for name, version in found.engines.items()]
    yield "engines", listed(engines)


def _rounded(value: float) -> str:
    """One significant digit below ten, else two."""
    return f"{value:.0f}" if value < 100 else whole(round(value, -1))


