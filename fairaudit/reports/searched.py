"""What a search tried: the frontier on the terminal, and as a section of the report with a drawing for each rule."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fairaudit.cube.slices import EVERYONE
from fairaudit.evidence.measurement import Interval
from fairaudit.metrics.catalogue import CATALOGUE
from fairaudit.mitigations.card import Moved
from fairaudit.mitigations.frontier import Frontier, Number, Point, Unmet
from fairaudit.mitigations.names import AS_IS
from fairaudit.reports.characters import visible
from fairaudit.reports.chart import Label, written
from fairaudit.reports.numbers import apart, counted, interval_between, interval_of, measured, percent, significant
from fairaudit.reports.numbers import between as between_ends
from fairaudit.reports.sentences import at_start, in_sentence
from fairaudit.reports.wrapped import POINT, columns, indented, section

WIDTH, HEIGHT = 460, 300  # of a drawing, in its own units
LEFT, RIGHT, TOP, BOTTOM = 62, 446, 12, 250
_MOST = 3  # groups that are named for a point, to either side; and candidates for a reason
_BELOW = 0.5  # of the height of what stands out is drawn below it; what lies deeper would press the frontier flat
_ROOM = 0.06  # of what is drawn, left free at each end
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_TICKS = 4
_RADIUS = {"chosen": "6", "as-is": "4.5", "efficient": "4.5", "other": "3"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A candidate on a drawing; positions in its units, whiskers only where they are drawn."""

    x: str
    y: str
    kind: str  # "chosen", "as-is", "efficient" or "other"
    radius: str
    words: str
    across: str  # the path of the interval of the rule's number, or ""
    up: str  # and of the objective's


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    rule: str
    title: str
    words: str  # for those who cannot see it
    caption: str
    line: str  # the path through the efficient candidates
    limits: tuple[str, ...]  # x
    x_ticks: tuple[Label, ...]
    y_ticks: tuple[Label, ...]
    x_title: str
    y_title: str
    dots: tuple[Dot, ...]  # what is drawn last lies on top
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    text: str
    note: str
    sign: str  # "✓", "✗" or ""
    word: str  # what the sign means


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    id: str
    tag: str  # "chosen", "as it is" or ""
    objective: Cell
    rules: tuple[Cell, ...]
    better: str
    worse: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchView:
    lead: str
    how: str
    drawings: tuple[Drawing, ...]
    objective: str
    rules: tuple[str, ...]
    lines: tuple[Line, ...]  # of what is efficient, chosen or as it is
    others: tuple[Line, ...]
    alike: str
    unmet: tuple[tuple[str, str], ...]
    note: str


def search_view(frontier: Frontier) -> SearchView:
    """The section of the report."""
    shown = [one for one in frontier.points if one.same_as is None or one.id == frontier.chosen]
    first = [one for one in shown if _stands_out(one, frontier.chosen)]
    rows = frontier.rows
    return SearchView(
        lead=f"{counted(len(frontier.points), 'candidate')} {'was' if len(frontier.points) == 1 else 'were'} fitted on {rows.fitted:,} rows and judged on {rows.chosen_on:,} others. By “{frontier.criterion}” {frontier.chosen} was chosen there.",
        how=f"That it is the best of so many is partly luck: what it is worth is said above, on {rows.proven_on:,} rows that nothing was fitted on and nothing chosen by.",
        drawings=tuple(drawing for name in frontier.rules if (drawing := _drawing(frontier, name, shown)) is not None),
        objective=at_start(_called(frontier.objective)), rules=frontier.rules, lines=tuple(_line(one, frontier.chosen, frontier.objective) for one in _ordered(first)),
        others=tuple(_line(one, frontier.chosen, frontier.objective) for one in _ordered([one for one in shown if one not in first])), alike=_alike(frontier.points, frontier.chosen),
        unmet=_by_reason(frontier.unmet),
        note="Each number of a rule is its worst, among the groups that have rows enough, and its interval is the ordinary one of whichever group came out worst: of three groups or more both lean towards what is worse. An id says the method, and the rule, limit, cost or bound that it was fitted to. "
        "Who is better or worse off is against the model as it is, on the same rows, where it is told from no change.",
    )  # fmt: skip


def frontier_words(points: Sequence[Point], unmet: Sequence[Unmet], chosen: str | None, objective: str, *, width: int) -> str:
    """What is shown on a terminal.

    Args:
        chosen: None where nothing meets what was asked.
    """
    shown = [one for one in points if one.same_as is None or one.id == chosen]
    first = _ordered([one for one in shown if _stands_out(one, chosen)])
    names = [one.rule for one in points[0].rules] if points else []
    table = [("", "candidate", _called(objective), *names)]
    for one in first:
        line = _line(one, chosen, objective)
        table.append(("→" if one.id == chosen else " ", one.id, f"{line.objective.text} {line.objective.note}".strip(), *(f"{cell.text} {cell.note} {cell.sign}".strip() for cell in line.rules)))
    lines = [
        "What was tried, on the rows that the choice is made on",
        *columns(table),
        *indented(f"✓ meets the rule, ✗ does not; → is chosen. Of {counted(len(points), 'candidate')} those are shown that no other beats beside some rule, and the model as it is.", width=width),
        *section("Could not be fitted", ((POINT, f"{who}: {reason}") for who, reason in _by_reason(unmet)), width=width),
    ]
    return "\n".join(visible(line) for line in lines)


def _by_reason(unmet: Sequence[Unmet]) -> tuple[tuple[str, str], ...]:
    """Who could not be fitted, and why; those of one reason together."""
    found: dict[str, list[str]] = {}
    for one in unmet:
        found.setdefault(one.reason, []).append(one.id)
    return tuple((", ".join(ids[:_MOST]) + (f" and {len(ids) - _MOST} more" if len(ids) > _MOST else ""), reason) for reason, ids in found.items())


def _stands_out(one: Point, chosen: str | None) -> bool:
    return bool(one.efficient) or one.id == chosen or one.method == AS_IS


def _ordered(points: Sequence[Point]) -> list[Point]:
    """The best objective first; of equal ones in the order in which they were tried."""
    return sorted(points, key=lambda one: math.inf if one.objective.value is None else -one.objective.value)


def _called(objective: str) -> str:
    return in_sentence(objective) if objective in CATALOGUE else f"gain by {objective}"


def _line(one: Point, chosen: str | None, objective: str) -> Line:
    own = [effect for effect in one.effects if effect.slice != EVERYONE]
    return Line(
        id=one.id, tag="chosen" if one.id == chosen else "as it is" if one.method == AS_IS else "", objective=_objective(one, objective), rules=tuple(map(_number, one.rules)),
        better=_moved([effect for effect in own if effect.is_better]), worse=_moved([effect for effect in own if effect.is_better is False]),
    )  # fmt: skip


def _objective(one: Point, objective: str) -> Cell:
    if one.objective.value is None:
        return Cell(text="undefined", note="", sign="", word="")
    return Cell(text=_written(one.objective.value, objective), note=_interval(one.objective.interval, objective), sign="", word="")


def _written(value: float, objective: str) -> str:
    return measured(objective, value) if objective in CATALOGUE else significant(value)


def _interval(interval: Interval | None, objective: str) -> str:
    if interval is None:
        return ""
    return interval_of(objective, interval) if objective in CATALOGUE else between_ends(interval, significant)


def _number(one: Number) -> Cell:
    if one.metric is None or one.kind is None:
        return Cell(text="judges nobody", note="", sign="✗", word="not met")
    text = "infinite" if one.value is None else apart(one.kind, one.value, one.limit)
    return Cell(text=text, note=interval_between(one.kind, one.interval) if one.interval else "", sign="✓" if one.meets else "✗", word="met" if one.meets else "not met")


def _moved(effects: Sequence[Moved]) -> str:
    """Sex=Female: selection rate 9.1% → 14.0%; a dash of nobody."""
    found = sorted(effects, key=lambda one: -abs(one.change or 0.0))
    told = [f"{one.slice}: {in_sentence(one.metric)} {percent(one.before or 0.0)} → {percent(one.after or 0.0)}" for one in found[:_MOST]]
    return "; ".join([*told, *([f"and {len(found) - _MOST} more"] if len(found) > _MOST else [])]) or "–"


def _alike(points: Sequence[Point], chosen: str | None) -> str:
    same = sum(one.same_as is not None and one.id != chosen for one in points)
    return f"{counted(same, 'other')} decide{'s' if same == 1 else ''} as one of these does." if same else ""


def _drawing(frontier: Frontier, name: str, shown: Sequence[Point]) -> Drawing | None:
    """One rule's; None where no candidate has a number to draw."""
    at = frontier.rules.index(name)
    pairs = [(one, one.rules[at], value, one.objective.value) for one in shown if (value := _along(one.rules[at])) is not None and one.objective.value is not None]
    if not pairs:
        return None
    numbers = [number for _, number, _, _ in pairs]
    kind, limit = str(numbers[0].kind), numbers[0].limit
    limits = tuple(dict.fromkeys(_folded(end, numbers[0]) for end in limit if end is not None))
    marked = [(one, number) for one, number, _, _ in pairs if one.id == frontier.chosen or one.method == AS_IS or name in one.efficient]
    across = _Axis.of([value for _, _, value, _ in pairs] + [end for _, number in marked for end in _ends(number)] + list(limits), LEFT, RIGHT)
    heights = [end for one, _ in marked for end in (one.objective.value, *(one.objective.interval or ())) if end is not None] or [height for *_, height in pairs]
    floor = min(heights) - _BELOW * (max(heights) - min(heights))
    below = [one for one, _, _, height in pairs if height < floor]
    pairs = [pair for pair in pairs if pair[0] not in below]
    up = _Axis.of([height for _, _, _, height in pairs] + heights, BOTTOM, TOP)
    path = sorted((value, height) for one, _, value, height in pairs if name in one.efficient)
    dots = sorted((_dot(one, number, value, height, frontier, name, across, up) for one, number, value, height in pairs), key=lambda dot: ("other", "efficient", "as-is", "chosen").index(dot.kind))
    falls = _falls(numbers[0])
    left_out = len(shown) - len(pairs) - len(below)
    return Drawing(
        rule=name, title=f"{at_start(_called(frontier.objective))} beside {name}", words=_words(frontier, name, pairs),
        caption=f"Up is better, and {'left' if falls else 'right'} is less disparity. The dashed line is the rule's limit. Lines through dots are 95% intervals of what no other candidate beats here."
        + (f" {counted(len(below), 'candidate')} {'lies' if len(below) == 1 else 'lie'} below what is drawn." if below else "")
        + (f" {counted(left_out, 'candidate')} without a finite number {'is' if left_out == 1 else 'are'} not drawn." if left_out else ""),
        line=f"M{' L'.join(f'{written(across.at(x))} {written(up.at(y))}' for x, y in path)}" if len(path) > 1 else "", limits=tuple(written(across.at(one)) for one in limits),
        x_ticks=tuple(Label(x=written(across.at(one)), y=str(BOTTOM + 18), text=significant(one)) for one in across.ticks),
        y_ticks=tuple(Label(x=str(LEFT - 8), y=written(up.at(one) + 4), text=_tick(one, frontier.objective)) for one in up.ticks),
        x_title=f"{_terms(numbers[0], kind)} ({name}) {'← less disparity' if falls else 'less disparity →'}", y_title=_called(frontier.objective), dots=tuple(dots),
        labels=tuple(
            Label(x=written(min(max(float(dot.x), LEFT + 30), RIGHT - 30)), y=written(float(dot.y) + (22 if dot.kind == "chosen" else -10)), text="chosen" if dot.kind == "chosen" else "as it is")
            for dot in dots if dot.kind in ("chosen", "as-is")
        ),
    )  # fmt: skip


def _tick(value: float, objective: str) -> str:
    return f"{round(100 * value, 6):g}%" if objective in CATALOGUE else significant(value)


def _dot(one: Point, number: Number, value: float, height: float, frontier: Frontier, name: str, across: _Axis, up: _Axis) -> Dot:
    kind = "chosen" if one.id == frontier.chosen else "as-is" if one.method == AS_IS else "efficient" if name in one.efficient else "other"
    x, y = across.at(value), up.at(height)
    ends, heights = (_ends(number), one.objective.interval or ()) if kind != "other" else ((), ())
    objective, rule = _objective(one, frontier.objective), _number(number)
    return Dot(
        x=written(x), y=written(y), kind=kind, radius=_RADIUS[kind], words=f"{one.id}: {_called(frontier.objective)} {objective.text}, {name} {rule.text}",
        across=f"M{written(across.at(ends[0]))} {written(y)}H{written(across.at(ends[1]))}" if ends else "", up=f"M{written(x)} {written(up.at(heights[0]))}V{written(up.at(heights[1]))}" if heights else "",
    )  # fmt: skip


def _words(frontier: Frontier, name: str, pairs: Sequence[tuple[Point, Number, float, float]]) -> str:
    """What the drawing shows, in a sentence or two; the table has every number."""
    told = [f"{'the chosen ' if one.id == frontier.chosen else ''}{one.id} with {_written(height, frontier.objective)} at {_number(number).text}" for one, number, _, height in pairs if one.id == frontier.chosen or one.method == AS_IS]
    line = sum(name in one.efficient for one, *_ in pairs)
    return f"{counted(len(pairs), 'candidate')}, {line} of them beaten by no other: {', '.join(told)}. The table below has every number."


def _terms(number: Number, kind: str) -> str:
    """What the axis is, in the rule's terms."""
    words = {"ratio": "lowest ratio" if not _falls(number) else "highest ratio", "min_max_ratio": "smallest over largest", "difference": "worst difference", "gap": "largest less smallest", "value": "worst value"}
    return f"{words.get(kind, kind)} of {in_sentence(number.metric or '')}"


def _two_sided(number: Number) -> bool:
    return None not in number.limit


def _falls(number: Number) -> bool:
    """Whether a smaller number on the axis is the better one."""
    if _two_sided(number):
        return number.kind not in ("ratio", "min_max_ratio") and not (number.limit[0] or 0) > 0
    return number.limit[0] is None


def _folded(value: float, number: Number) -> float:
    """Where a value lies on the axis: where both sides are bad, by how far it is off."""
    if not _two_sided(number):
        return value
    if number.kind in ("ratio", "min_max_ratio") or (number.limit[0] or 0) > 0:
        return min(value, 1 / value) if value > 0 else 0.0
    return abs(value)


def _along(number: Number) -> float | None:
    return None if number.value is None else _folded(number.value, number)


def _ends(number: Number) -> tuple[float, ...]:
    """The ends of an interval on the axis; none where it is unbounded."""
    if number.interval is None or not all(map(math.isfinite, number.interval)):
        return ()
    low, high = number.interval
    ends = [_folded(low, number), _folded(high, number)]
    if _two_sided(number) and number.kind not in ("ratio", "min_max_ratio") and low < 0 < high:
        ends.append(0.0)
    if _two_sided(number) and number.kind == "ratio" and low < 1 < high:
        ends.append(1.0)
    return min(ends), max(ends)


@dataclass(frozen=True, slots=True)
class _Axis:
    """From a value to its place on a drawing, and the round values that are marked."""

    low: float
    high: float
    start: float
    end: float

    @staticmethod
    def of(values: Sequence[float], start: float, end: float) -> _Axis:
        low, high = min(values), max(values)
        room = (high - low) * _ROOM or abs(high) * _ROOM or _ROOM
        return _Axis(low - room, high + room, start, end)

    def at(self, value: float) -> float:
        return self.start + (min(max(value, self.low), self.high) - self.low) / (self.high - self.low) * (self.end - self.start)

    @property
    def ticks(self) -> Iterator[float]:
        rough = (self.high - self.low) / _TICKS
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(one * power for one in _STEPS if one * power >= rough * (1 - 1e-9))
        place = math.ceil(self.low / step)
        while place * step <= self.high:
            yield round(place * step, 12) + 0.0
            place += 1
