"""A violation that is tolerated up to a value, by someone, until a date."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

Text = Annotated[str, Meta(min_length=1)]


class Waiver(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of a file of waivers; it matches one rule and exactly one slice."""

    rule: Text
    slice: dict[str, str]  # attribute → value
    metric: Text | None = None  # of a rule on several
    owner: Text
    reason: Text
    created: date
    expires: date  # the last day on which it holds
    holds_to: float  # the worst value that is tolerated
    ticket: Text | None = None
