"""A badge: the verdict in a word, as a drawing of its own or for shields.io to draw."""

from __future__ import annotations

import json

from fairaudit.gate.policy import Ruling, State, Word

_LABEL = "fairness"
_GREY = "#555555"
# White on each is read with a contrast of at least 4.5 to 1, WCAG 2.2's minimum.
_COLOURS: dict[Word, str] = {"pass": "#2e7d32", "fail": "#c62828", "inconclusive": "#8a5a00", "error": "#6a1b9a", "unjudged": _GREY}
_LETTER, _PADDING, _HEIGHT = 7, 6, 20  # px; a letter of Verdana at 11 px is 6.5 wide on average, and `textLength` makes it fit whatever font there is


def endpoint(ruling: Ruling) -> bytes:
    """What shields.io asks an endpoint for."""
    told = {"schemaVersion": 1, "label": _LABEL, "message": _message(ruling), "color": _COLOURS[ruling.verdict], "isError": ruling.verdict in ("error", "unjudged")}
    return json.dumps(told, indent=1).encode() + b"\n"


def svg(ruling: Ruling) -> bytes:
    """A flat badge that needs no font and no network, and says what it shows to those who cannot see it."""
    message = _message(ruling)
    left, right = (_LETTER * len(text) + 2 * _PADDING for text in (_LABEL, message))
    told = f"{_LABEL}: {message}"
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{_HEIGHT}" role="img" aria-label="{told}">
  <title>{told}</title>
  <rect width="{left}" height="{_HEIGHT}" fill="{_GREY}"/>
  <rect x="{left}" width="{right}" height="{_HEIGHT}" fill="{_COLOURS[ruling.verdict]}"/>
  <g fill="#ffffff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" aria-hidden="true">
    <text x="{left / 2:g}" y="14" textLength="{left - 2 * _PADDING}">{_LABEL}</text>
    <text x="{left + right / 2:g}" y="14" textLength="{right - 2 * _PADDING}">{message}</text>
  </g>
</svg>
""".encode()


def _message(ruling: Ruling) -> str:
    """The word; beside a pass what it owes to waivers, or it would be the same as one without."""
    waived = ruling.states.count(State.WAIVED)
    return f"pass, {waived} waived" if ruling.verdict == "pass" and waived else ruling.verdict
