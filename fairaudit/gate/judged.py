"""An existing audit judged again, from its counts alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from fairaudit.errors import ConfigError
from fairaudit.result import Audit, counts_read, strata_read
from fairaudit.rules.finding import DISAGREEMENT
from fairaudit.rules.judge import judge, not_judged, overall_verdict
from fairaudit.rules.library import load_rules, warnings_of
from fairaudit.rules.plan import Context, cautions


def rejudged(audit: Audit, asked: Sequence[str]) -> Audit:
    """The audit with findings of these rules, or of its own where none are asked for; what engines disagreed on stays.

    Raises:
        ConfigError: there is no rule to judge by, or one needs what the file lacks.
    """
    rules = load_rules(asked) if asked else audit.rules
    if not rules:
        raise ConfigError("this audit was made without rules; name one with --rule ID, as four-fifths.")
    context = context_of(audit)
    differing = tuple(one for one in audit.findings if one.rule == DISAGREEMENT)
    counts = counts_read(audit)
    findings = (*judge(rules, counts, context), *differing)
    # What the audit warned of its own rules does not hold of others.
    stale = {*cautions(audit.rules, context), *(warnings_of(audit.manifest.config.get("rules", ())) if asked else ())}
    notes = (*(note for note in audit.notes if note not in stale), *cautions(rules, context), *warnings_of(asked))
    return msgspec.structs.replace(audit, rules=tuple(rules), findings=findings, left_out=not_judged(rules, counts, context), verdict=overall_verdict(findings), notes=notes)


def context_of(audit: Audit) -> Context:
    """What its rules know of an audit besides its counts."""
    effect: Literal["helps", "harms"] = "harms" if audit.manifest.config.get("effect") == "harms" else "helps"
    threshold = audit.counts[0].threshold if audit.counts else None
    return Context(slicings=audit.slicings, effect=effect, threshold=threshold, control=tuple(audit.manifest.config.get("control", ())), within=strata_read(audit), kept=audit.judged_by)
