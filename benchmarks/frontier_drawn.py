"""The frontier as a picture: accuracy against a gap, a panel a criterion, readable on light and on dark ground."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

Point = tuple[float, float]  # gap, accuracy


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One criterion, on the rows held out."""

    title: str
    series: Mapping[str, Sequence[Point]]  # of each family
    model: Point  # the model as it is
    gap: tuple[float, float]  # the model's intervals
    accuracy: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """Where a panel lies, and what its edges are."""

    left: float
    widest: float  # gap at the right edge
    low: float  # accuracy at the lower edge
    high: float

    def x(self, gap: float) -> float:
        return self.left + _WIDE * min(gap, self.widest) / self.widest

    def y(self, accuracy: float) -> float:
        return _TOP + _TALL * (self.high - max(accuracy, self.low)) / (self.high - self.low)

    def holds(self, point: Point) -> bool:
        return point[0] <= self.widest and point[1] >= self.low


_WIDE, _TALL, _TOP, _APART, _MARGIN = 262.0, 260.0, 72.0, 58.0, 56.0
_SHOWN = 0.06  # of accuracy below the model's; what lies lower is counted and not drawn
_FURTHER = 1.5  # times the most that the model's own gap may be; likewise
_LOOKS = {  # colour and mark of each family
    "fairaudit": ("ours", "circle"),
    "fairaudit without attribute": ("ours", "ring"),
    "AIF360 EqOddsPostprocessing": ("aif360", "star"),
    "AIF360 CalibratedEqOddsPostprocessing": ("aif360", "down"),
    "AIF360 RejectOptionClassification": ("aif360", "square"),
    "Fairlearn ThresholdOptimizer": ("fairlearn", "diamond"),
    "Fairlearn ExponentiatedGradient": ("fairlearn", "triangle"),
    "Fairlearn ExponentiatedGradient without attribute": ("fairlearn", "plus"),
    "OxonFair FairPredictor": ("oxonfair", "cross"),
    "OxonFair FairPredictor without attribute": ("oxonfair", "box"),
}
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#24292f}.small{font-size:11px}.title{font-weight:600}.axis{stroke:#57606a;fill:none}.grid{stroke:#d0d7de;fill:none}.model{stroke:#24292f;fill:none;stroke-width:1.3}"
    ".ours{stroke:#0969da;fill:#0969da}.aif360{stroke:#bc4c00;fill:#bc4c00}.fairlearn{stroke:#1a7f37;fill:#1a7f37}.oxonfair{stroke:#8250df;fill:#8250df}.hollow{fill:none;stroke-width:1.6}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.axis{stroke:#8b949e}.grid{stroke:#30363d}.model{stroke:#e6edf3}.ours{stroke:#58a6ff;fill:#58a6ff}.aif360{stroke:#f0883e;fill:#f0883e}.fairlearn{stroke:#3fb950;fill:#3fb950}.oxonfair{stroke:#bc8cff;fill:#bc8cff}.hollow{fill:none}}"
)


def drawn(title: str, panels: Sequence[Panel]) -> str:
    """An SVG that brings its colours along; of equal panels equal bytes.

    Raises:
        KeyError: a family has no looks.
    """
    for family in {family for panel in panels for family in panel.series} - _LOOKS.keys():
        raise KeyError(family)
    families = [family for family in _LOOKS if any(family in panel.series for panel in panels)]
    wide = 2 * _MARGIN + len(panels) * _WIDE + (len(panels) - 1) * _APART - 30
    legend = list(_legend(families, wide))
    tall = _TOP + _TALL + 76 + 20 * math.ceil((len(families) + 1) / 3)
    told = f"{title}: accuracy against the gap between the groups, on the rows held out"
    return "\n".join((
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.0f} {tall:.0f}" width="{wide:.0f}" height="{tall:.0f}" role="img" aria-labelledby="title desc">',
        f'<title id="title">{escape(told)}</title>', '<desc id="desc">Up is more accurate, left is fairer. The numbers are in the tables of docs/mitigation.md.</desc>', f"<style>{_STYLE}</style>",
        f'<text x="{_MARGIN:.0f}" y="22" class="title">{escape(told)}</text>',
        *(line for place, panel in enumerate(panels) for line in _panel(panel, families, _MARGIN + place * (_WIDE + _APART))), *legend, "</svg>", "",
    ))  # fmt: skip


def _panel(panel: Panel, families: Sequence[str], left: float) -> Iterator[str]:
    points = [point for own in panel.series.values() for point in own]
    frame = _Frame(
        left=left, widest=min(max(0.05, panel.gap[1], *(gap for gap, _ in points)) * 1.03, max(0.1, _FURTHER * panel.gap[1])),
        low=min(panel.accuracy[0], max(min(accuracy for _, accuracy in (*points, panel.model)), panel.model[1] - _SHOWN)) - 0.003, high=max(panel.accuracy[1], *(accuracy for _, accuracy in points)) + 0.003,
    )  # fmt: skip
    yield f'<text x="{left - 30:.1f}" y="{_TOP - 20:.1f}" class="title">{escape(panel.title)}</text><text x="{left - 30:.1f}" y="{_TOP - 6:.1f}" class="small">accuracy</text>'
    yield from _axes(frame)
    for family in families:
        for point in filter(frame.holds, panel.series.get(family, ())):
            yield _mark(family, frame.x(point[0]), frame.y(point[1]), f"<title>{escape(family)}: accuracy {point[1]:.4f}, gap {point[0]:.4f}</title>")
    outside = [point for point in points if not frame.holds(point)]
    if outside:
        yield f'<text x="{left + _WIDE / 2:.1f}" y="{_TOP + _TALL + 49:.1f}" class="small" text-anchor="middle">{len(outside)} outside: accuracy from {min(accuracy for _, accuracy in outside):.2f}, gap to {max(gap for gap, _ in outside):.2f}</text>'
    gap, accuracy = panel.model
    yield f'<path class="model" d="M{frame.x(panel.gap[0]):.1f} {frame.y(accuracy):.1f}H{frame.x(panel.gap[1]):.1f}M{frame.x(gap):.1f} {frame.y(panel.accuracy[0]):.1f}V{frame.y(panel.accuracy[1]):.1f}"/>'


def _axes(frame: _Frame) -> Iterator[str]:
    bottom = _TOP + _TALL
    for value in _ticks(frame.low, frame.high):
        yield f'<path class="grid" d="M{frame.left:.1f} {frame.y(value):.1f}h{_WIDE:.1f}"/><text x="{frame.left - 5:.1f}" y="{frame.y(value) + 4:.1f}" class="small" text-anchor="end">{value:.2f}</text>'
    for value in _ticks(0.0, frame.widest):
        yield f'<path class="grid" d="M{frame.x(value):.1f} {_TOP:.1f}v{_TALL:.1f}"/><text x="{frame.x(value):.1f}" y="{bottom + 16:.1f}" class="small" text-anchor="middle">{value:.2f}</text>'
    yield f'<path class="axis" d="M{frame.left:.1f} {_TOP:.1f}V{bottom:.1f}H{frame.left + _WIDE:.1f}"/>'
    yield f'<text x="{frame.left + _WIDE / 2:.1f}" y="{bottom + 34:.1f}" class="small" text-anchor="middle">gap: left is fairer</text>'


def _ticks(low: float, high: float) -> Iterator[float]:
    """Four to eight round numbers."""
    step = next(one for one in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if (high - low) / one <= 8)
    for place in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1):
        yield round(place * step, 10)


def _legend(families: Sequence[str], wide: float) -> Iterator[str]:
    top, column = _TOP + _TALL + 74, (wide - 2 * _MARGIN + 30) / 3
    for place, name in enumerate((*families, "the model as it is, with its 95 % intervals")):
        x, y = _MARGIN + column * (place % 3), top + 20 * (place // 3)
        if place < len(families):
            yield _mark(name, x, y - 4)
        else:
            yield f'<path class="model" d="M{x - 6:.1f} {y - 4:.1f}h12m-6 -6v12"/>'
        yield f'<text x="{x + 12:.1f}" y="{y:.1f}" class="small">{escape(name)}</text>'


def _mark(family: str, x: float, y: float, told: str = "") -> str:
    color, look = _LOOKS[family]

    def path(d: str, style: str = "") -> str:
        return f'<path {style}d="M{x:.1f} {y:.1f}{d}"/>'

    hollow = 'class="hollow" '
    shape = {
        "circle": f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2"/>', "ring": f'<circle {hollow}cx="{x:.1f}" cy="{y:.1f}" r="3.6"/>',
        "square": path("m-4 -4h8v8h-8z"), "box": path("m-3.5 -3.5h7v7h-7z", hollow), "diamond": path("m0 -4.5l4.5 4.5l-4.5 4.5l-4.5 -4.5z"), "triangle": path("m0 -5l5 9h-10z"),
        "plus": path("m-5 0h10m-5 -5v10", hollow), "cross": path("m-4 -4l8 8m0 -8l-8 8", hollow), "star": path("m-5 0h10m-5 -5v10m-3.5 -8.5l7 7m0 -7l-7 7", hollow), "down": path("m0 5l5 -9h-10z", hollow),
    }[look]  # fmt: skip
    return f'<g class="{color}">{told}{shape}</g>'
