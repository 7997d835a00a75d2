"""What `fairaudit split` says: the parts it made, or what it found in given ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fairaudit.errors import listed
from fairaudit.reports.characters import visible
from fairaudit.reports.numbers import counted, percent, probability, significant, whole
from fairaudit.reports.wrapped import POINT, columns, section
from fairaudit.splits.checking import Checked
from fairaudit.splits.leakage import Leak
from fairaudit.splits.result import PartGroup, SplitFile
from fairaudit.splits.skew import ColumnSkew, Distance, Shifted

_MOST_LINES = 40  # of a table; all are in the JSON
_ALPHA = 0.05


def split_words(made: SplitFile, *, width: int) -> str:
    """The parts: rows and units, the share of each slice, and its base rate."""
    head = ("", *(part.name for part in made.parts))
    sizes = [("rows", *(whole(part.rows) for part in made.parts)), ("share", *(percent(part.share) for part in made.parts))]
    sizes += [("units", *(whole(part.units) for part in made.parts))] if made.units != made.rows else []
    lines = [*columns([head, *sizes])]
    for heading, cell in (("share of rows", _share), ("base rate", _base_rate)):
        table = [(str(group.slice), *(cell(part.groups[place]) for part in made.parts)) for place, group in enumerate(made.parts[0].groups) if group.slice.values or cell is _base_rate]
        if table and any(text for _, *texts in table for text in texts):
            lines += ["", heading, *columns([head, *table[:_MOST_LINES]])]
            lines += [f"  and {counted(len(table) - _MOST_LINES, 'more slice')}, in split.json"] if len(table) > _MOST_LINES else []
    return visible_lines([*lines, *section("Mind", ((POINT, note) for note in made.notes), width=width)])


def check_words(found: Checked, *, width: int) -> str:
    """Leakage first, then labels and groups, then the columns, those that differ most first."""
    verdict = f"Leakage: {listed([_what(one) for one in found.leaking], most=4)}." if found.leaking else "No leakage was found."
    lines = [
        verdict,
        *section("Parts", ((part.name, counted(part.rows, "row")) for part in found.parts), width=width),
        *section("In several parts", (("", _leak(one, found)) for one in found.leaks), width=width),
        *_tests(found.tests),
        *_columns(found.columns, several=len(found.parts) > 2),
        *section("Mind", ((POINT, note) for note in found.notes), width=width),
    ]
    return visible_lines(lines)


def visible_lines(lines: Sequence[str]) -> str:
    return "\n".join(visible(line) for line in lines)


def _share(group: PartGroup) -> str:
    return percent(group.share)


def _base_rate(group: PartGroup) -> str:
    return "" if group.base_rate is None else percent(group.base_rate)


_KINDS = {"alike": "alike in everything", "alike_but_label": "alike but for the label", "id": "of the same id", "cluster": "of the same cluster"}
_NOUNS = {"alike": ("different row", ""), "alike_but_label": ("different row", ""), "id": ("id", ""), "cluster": ("cluster", "")}


def _what(one: Leak) -> str:
    return f"{counted(one.rows[1], 'row')} of {one.parts[1]} {'has its' if one.rows[1] == 1 else 'have their'} like in {one.parts[0]} ({_KINDS[one.kind]})"


def _leak(one: Leak, found: Checked) -> str:
    noun, plural = _NOUNS[one.kind]
    first = "; ".join(f"{theirs} is {_is(one)} {mine}" for mine, theirs in one.places)
    leak = "" if one in found.leaking else " (not called leakage)"
    return f"{counted(one.values, noun, plural)} {_KINDS[one.kind]}{leak}: {counted(one.rows[0], 'row')} of {one.parts[0]}, {counted(one.rows[1], 'row')} of {one.parts[1]}. First: {first}."


def _is(one: Leak) -> str:
    return {"alike": "alike to", "alike_but_label": "but for its label alike to", "id": "of the id of", "cluster": "of the cluster of"}[one.kind]


def _tests(tests: Sequence[Shifted]) -> Iterator[str]:
    """Everyone's base rate, and what differs by more than chance explains; the rest is counted."""
    if not tests:
        return
    differing = sorted((one for one in tests if _differs(one)), key=lambda one: one.p_adjusted or 0.0)[:_MOST_LINES]
    shown = [*(one for one in tests if one.of == "base_rate" and not one.slice.values and one not in differing), *differing]
    yield ""
    yield f"Labels and groups: {counted(sum(map(_differs, tests)), 'test')} of {len(tests)} {'finds' if sum(map(_differs, tests)) == 1 else 'find'} a difference that chance does not explain (5 % for all together, by Holm's correction)"
    if shown:
        yield from columns([("", "parts", "", "", "p", "by"), *map(_test, shown)])
    if len(tests) > len(shown):
        yield f"  and {counted(len(tests) - len(shown), 'more test')}, in --json"


def _differs(one: Shifted) -> bool:
    return one.p_adjusted is not None and one.p_adjusted <= _ALPHA


_METHODS = {"fisher": "Fisher's exact test", "chi-square": "chi-square test", None: "none: one value, or no rows"}


def _test(one: Shifted) -> tuple[str, ...]:
    what = f"base rate, {one.slice}" if one.of == "base_rate" else f"groups of {one.attribute}{f', as {one.group}' if one.group is not None else ''}"
    values = ("", "") if one.values is None else (percent(one.values[0]), percent(one.values[1]))
    return what, " and ".join(one.parts), *values, "" if one.p_adjusted is None else probability(one.p_adjusted), _METHODS[one.method]


def _columns(skews: Sequence[ColumnSkew], *, several: bool) -> Iterator[str]:
    worst = [(one, max(one.distances, key=_size)) for one in skews if one.distances]
    if worst:
        worst.sort(key=lambda pair: -_size(pair[1]))
        yield ""
        yield "Columns, those that differ most first"
        head = ("", "kind", *(["between"] if several else []), "distance", "Jensen–Shannon", "where")
        yield from columns([head, *(_column(one, far, several=several) for one, far in worst[:_MOST_LINES])])
        if len(worst) > _MOST_LINES:
            yield f"  and {counted(len(worst) - _MOST_LINES, 'more column')}, in --json"
        yield "  The distance of categories is the largest difference of their shares (L-infinity), that of numbers Kolmogorov and Smirnov's."
    for one in skews:
        if one.reason:
            yield f"  {one.column} is not compared: {one.reason}."


def _size(one: Distance) -> float:
    return max(one.largest_difference or 0.0, one.kolmogorov_smirnov or 0.0, one.missing_difference)


def _column(one: ColumnSkew, far: Distance, *, several: bool) -> tuple[str, ...]:
    distance = far.largest_difference if one.kind == "categories" else far.kolmogorov_smirnov
    where = f"missing: {percent(far.missing_difference)} apart" if far.missing_difference else ""
    if one.kind == "categories":
        where = "missing" if far.value is None else repr(far.value)
    return (
        one.column, one.kind, *([" and ".join(far.parts)] if several else []), "none known" if distance is None else significant(distance),
        "" if far.jensen_shannon is None else significant(far.jensen_shannon), where,
    )  # fmt: skip
