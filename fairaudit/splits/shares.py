"""`--parts train=0.6,fit=0.2,test=0.2`: the parts by name, and how much of the data each is to have."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from fairaudit.errors import ConfigError, FairauditError, raise_all

MOST_PARTS = 100
_FINEST = 1_000_000  # a share is a whole number of millionths, or a simple fraction
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_FORM = "NAME=SHARE,NAME=SHARE, as train=0.6,fit=0.2,test=0.2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the data."""

    name: str
    share: Fraction  # of the rows; above 0, and those of all parts add up to 1


def parts_of(asked: Iterable[str]) -> tuple[Part, ...]:
    """The parts that --parts names, once or several times.

    Raises:
        ConfigError, Several: they cannot be; one sentence a mistake.
    """
    mistakes: list[FairauditError] = []
    found: list[Part] = []
    for one in (text for many in asked for text in many.split(",")):
        name, equals, share = (piece.strip() for piece in one.partition("="))
        if not equals or not name or not share:
            mistakes.append(ConfigError(f"--parts {one!r} is not of the form {_FORM}."))
            continue
        try:
            found.append(Part(name=name, share=Fraction(share)))
        except (ValueError, ZeroDivisionError):
            mistakes.append(ConfigError(f"--parts {one!r}: {share!r} is no number; the form is {_FORM}."))
    raise_all(mistakes or _mistakes(found))
    return tuple(found)


def parts_by_share(names: Sequence[str], shares: Sequence[float]) -> tuple[Part, ...]:
    """Parts whose shares are numbers already, taken as they are written: 0.1 is a tenth."""
    found = [Part(name=name, share=Fraction(repr(float(share)))) for name, share in zip(names, shares, strict=True)]
    raise_all(_mistakes(found))
    return tuple(found)


def denominator(parts: Sequence[Part]) -> int:
    """The least number of which every share is a whole number of parts."""
    return math.lcm(*(part.share.denominator for part in parts))


def _mistakes(parts: Sequence[Part]) -> Iterator[FairauditError]:
    if not 2 <= len(parts) <= MOST_PARTS:
        yield ConfigError(f"--parts names {len(parts)} {'part' if len(parts) == 1 else 'parts'}; give from 2 to {MOST_PARTS}, in the form {_FORM}.")
    folded = [part.name.casefold() for part in parts]
    for name in dict.fromkeys(part.name for part in parts if folded.count(part.name.casefold()) > 1):
        yield ConfigError(f"--parts names {name!r} twice, or another that differs in upper and lower case alone; a part is a file, so give each a name of its own.")
    for part in parts:
        if not _NAME.fullmatch(part.name):
            yield ConfigError(f"--parts: {part.name!r} cannot be a file's name; use letters, digits, '_', '.' and '-', a letter or digit first.")
        if part.share <= 0:
            yield ConfigError(f"--parts: the share of {part.name!r} is {float(part.share):g}; give a number above 0.")
    total = sum((part.share for part in parts), Fraction())
    if total != 1 and all(part.share > 0 for part in parts) and len(parts) > 1:
        yield ConfigError(f"--parts: the shares add up to {float(total):g}, and all rows are to go somewhere; make them add up to 1, as thirds do when written 1/3.")
    elif total == 1 and denominator(parts) > _FINEST:
        yield ConfigError("--parts: the shares are finer than millionths; write them with at most six decimals.")
