"""Text that came from data, made safe to look at: characters that nobody can see, or that act, are written out."""

from __future__ import annotations

import re

# C0 and C1 controls (a terminal obeys them, HTML drops some), line separators, marks that turn the direction of the text
# around them (a value could make "fails" read otherwise), the byte order mark, tags, halves of surrogate pairs
# (no file can hold them) and the two that are no characters at all (no XML can).
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\U000e0000-\U000e007f\ud800-\udfff]")


def visible(text: str) -> str:
    """The text with every acting character as its escape: `\\x1b[2J` instead of a cleared screen. Idempotent; other text is unchanged."""
    return _UNSEEN.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
