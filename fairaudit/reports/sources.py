"""Where a rule's limit comes from, said so that nobody takes a convention for the law."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from fairaudit.rules.rule import LimitOrigin, Rule, Source

_ORIGIN = {
    LimitOrigin.LAW: "is set by law",
    LimitOrigin.GUIDANCE: "comes from official guidance, which is not law",
    LimitOrigin.CONVENTION: "is a convention of practice, and set by no law",
    LimitOrigin.OURS: "was chosen by the authors of this rule; no law or guidance prints it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    sentence: str
    sources: tuple[str, ...]


def origin(rule: Rule, as_of: date | None = None) -> Origin:
    """The limit's standing, and every source with what it does and does not say.

    Args:
        as_of: the day on which it is read, to which sources may be old; None: nothing is said of that.
    """
    return Origin(sentence=f"The limit {rule.limit:g} {_ORIGIN[rule.limit_origin]}.", sources=tuple(source_words(one, as_of) for one in rule.source))


def source_words(source: Source, as_of: date | None) -> str:
    """A source, whether it prints the limit, and as of when somebody looked."""
    prints = "prints the limit" if source.says_number else "gives the idea, not the number"
    status = f"; {source.status}" if source.status else ""
    old = ", which is over a year ago: look whether it still holds" if as_of is not None and source.is_old(as_of) else ""
    return f"{source.cite} ({source.kind.value}, {prints}; as of {source.as_of.isoformat()}{old}{status})"
