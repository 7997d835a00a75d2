"""Where a rule's limit comes from, said so that nobody takes a convention for the law."""

from __future__ import annotations

from dataclasses import dataclass

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


def origin(rule: Rule) -> Origin:
    """The limit's standing, and every source with what it does and does not say."""
    return Origin(sentence=f"The limit {rule.limit:g} {_ORIGIN[rule.limit_origin]}.", sources=tuple(map(_source, rule.source)))


def _source(source: Source) -> str:
    prints = "prints the limit" if source.says_number else "gives the idea, not the number"
    status = f"; {source.status}" if source.status else ""
    return f"{source.cite} ({source.kind.value}, {prints}; as of {source.as_of.isoformat()}{status})"
