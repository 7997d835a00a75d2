"""Bands of a numeric attribute: between given edges, with names of one's own, or at quantiles of the data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

SCORE_CELLS = 3840  # a multiple of 10, 15 and 16, so that bins of the score are whole cells
_MOST_QUANTILES = 100
_MASS = "mass:"
_QUANTILES = "quantiles:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bands:
    """How a numeric attribute is cut: [edge, next edge), open at both ends."""

    edges: tuple[float, ...] = ()
    names: tuple[str, ...] = ()  # from the lowest band up, one more than edges; none: they follow from the edges
    quantiles: int = 0  # so many bands of about as many rows each, whose edges the data will tell

    def at(self, edges: tuple[float, ...], *, whole: bool) -> Bands:
        """These bands with their edges, and with the names that follow from the edges where they have none of their own.

        Args:
            whole: the column holds whole numbers, so that [25, 45) can be said as 25–44.
        """
        return Bands(edges=edges, names=self.names or band_names(edges, whole=whole))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreBins:
    """Over which bins of the score a calibration error is taken."""

    number: int
    of_mass: bool = False  # each holds about as much weight; otherwise each is as wide

    @property
    def params(self) -> tuple[tuple[str, float], ...]:
        """As a metric is given them."""
        return (("bins", float(self.number)), *((("mass", 1.0),) if self.of_mass else ()))


def score_bins(asked: str) -> ScoreBins:
    """10 of equal width; mass:10 of about equal weight.

    Raises:
        ValueError: it is neither, or so many of equal width would cut through score cells; says why.
    """
    text = asked.strip()
    of_mass = text.startswith(_MASS)
    number = text.removeprefix(_MASS).strip()
    if not number.isdecimal() or not 2 <= int(number) <= _MOST_QUANTILES:
        raise ValueError(f"give a whole number of bins from 2 to {_MOST_QUANTILES}, as in '10' or 'mass:10'")
    if not of_mass and SCORE_CELLS % int(number):
        whole = [one for one in range(2, _MOST_QUANTILES + 1) if SCORE_CELLS % one == 0]
        nearest = sorted(sorted(whole, key=lambda one: abs(one - int(number)))[:2])
        raise ValueError(f"scores are counted in {SCORE_CELLS:,} cells, which {number} bins of equal width would cut through; give {' or '.join(map(str, nearest))}, or 'mass:{number}'")
    return ScoreBins(number=int(number), of_mass=of_mass)


def parsed(asked: str | Sequence[float]) -> Bands:
    """25,45,65 or [25, 45, 65]; young:25,adult:65,old; quantiles:4; [], by which all numbers are one band.

    Raises:
        ValueError: it is none of these; says why.
    """
    if not isinstance(asked, str):
        return _rising(tuple(asked)) if asked else Bands()
    text = asked.strip()
    if text.startswith(_QUANTILES):
        number = text.removeprefix(_QUANTILES).strip()
        if not number.isdecimal() or not 2 <= int(number) <= _MOST_QUANTILES:
            raise ValueError(f"give a whole number of quantiles from 2 to {_MOST_QUANTILES}, as in 'quantiles:4'")
        return Bands(quantiles=int(number))
    parts = [part.strip() for part in text.split(",")]
    if not any(":" in part for part in parts):
        return _rising(tuple(map(_number, parts)))
    *named, last = parts
    pairs = [part.rpartition(":") for part in named]
    names = (*(name.strip() for name, _, _ in pairs), last)
    if ":" in last or not all(names) or not all(colon for _, colon, _ in pairs):
        raise ValueError("write each band as a name and the edge below which it ends, and the last as a name alone, as in 'young:25,adult:65,old'")
    if len(set(names)) < len(names):
        raise ValueError("two bands have the same name")
    return Bands(edges=_rising(tuple(_number(edge) for _, _, edge in pairs)).edges, names=names)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{text!r} is no number; give edges as '25,45,65', named bands as 'young:25,adult:65,old', or 'quantiles:4'") from None


def _rising(edges: tuple[float, ...]) -> Bands:
    if not edges or not all(map(math.isfinite, edges)) or list(edges) != sorted(set(edges)):
        raise ValueError("the edges must be finite and rise")
    return Bands(edges=edges)


def band_names(edges: Sequence[float], *, whole: bool) -> tuple[str, ...]:
    """What the bands between edges are called, from the lowest up: one more than there are edges, no two alike."""
    if not edges:
        return ("all",)
    said = [f"{edge:.15g}" for edge in edges]
    if len(set(said)) < len(said):  # else two bands would be one
        said = list(map(repr, edges))
    exact = whole and all(float(edge).is_integer() for edge in edges)
    between = (
        (low if int(end) - 1 == int(start) else f"{low}–{int(end) - 1}") if exact else f"{low} to under {high}"
        for start, end, low, high in zip(edges, edges[1:], said, said[1:], strict=False)
    )
    return (f"under {said[0]}", *between, f"{said[-1]} and over")
