"""An existing audit judged again, from its counts alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import msgspec

from fairaudit import baselines
from fairaudit.errors import ConfigError, raise_all
from fairaudit.given import of_kind, path_given, texts_of
from fairaudit.result import Audit, baseline_read, baseline_written, counts_read, strata_read
from fairaudit.rules.finding import DISAGREEMENT
from fairaudit.rules.judge import judge, not_judged, overall_verdict
from fairaudit.rules.library import left_out_of_packs, load_rules, warnings_of
from fairaudit.rules.plan import Context, cautions


def judged(audit: Audit, rules: str | Path | Sequence[str | Path] = (), *, baseline: Path | str | None = None, scores: Path | str | None = None) -> Audit:
    """An audit judged again, from its counts alone, as `fairaudit gate` does.

    Args:
        rules: ID, FILE or pack:ID, one or several. [default: its own]
        baseline: a former audit, or its folder, that rules on change are judged against, instead of the one that it was. [default: that one, if any]
        scores: the rows that the audit kept, with which those of the baseline are matched. [default: without them, the two are independent samples]

    Returns:
        The audit with other rules, findings and notes, and the verdict of these.

    Raises:
        ConfigError: there is no rule to judge by, one needs what the audit lacks, or the baseline or the rows are not what they should be.
    """
    if scores is not None and baseline is None:
        raise ConfigError("rows are matched with those of a baseline, and none is given; name one, or leave the scores out.")
    of_kind(audit, Audit, "audit")
    asked = texts_of(rules, "rules")
    kept = None if scores is None else baselines.saved_in(path_given(scores, "scores"), audit.scores, of="this audit")
    return rejudged(audit, asked, before=None if baseline is None else baselines.former(baseline), scores=kept)


def rejudged(audit: Audit, asked: Sequence[str], *, before: baselines.Former | None = None, scores: Path | None = None) -> Audit:
    """The audit with findings of these rules, or of its own where none are asked for; what engines disagreed on stays.

    Args:
        before: a former audit, instead of the one that it was judged against, if any.
        scores: the audit's own rows, where they were kept.

    Raises:
        ConfigError: there is no rule to judge by, or one needs what the file lacks.
    """
    had = frozenset((*audit_has(audit), *(() if before is None and audit.baseline is None else ("baseline",))))
    rules = load_rules(asked, had) if asked else audit.rules
    if not rules:
        raise ConfigError("this audit was made without rules; name one with --rule ID, as four-fifths.")
    context = context_of(audit)
    counts, against = counts_read(audit), audit.baseline
    if before is not None and any(rule.needs_baseline for rule in rules):
        raise_all(baselines.mistaken(before.audit.manifest, config=audit.manifest.config, positive=audit.manifest.positive))
        baseline = baselines.beside(scores, before, counts, before.baseline(keeps_rows=False))
        about = baselines.notes(audit.manifest, None if scores is None else audit.scores, before, baseline)
        against = baseline_written(baseline, before.audit, before.sha256, notes=about)
        context = replace(context, baseline=baseline)
    differing = tuple(one for one in audit.findings if one.rule == DISAGREEMENT)
    findings = (*judge(rules, counts, context), *differing)
    # What the audit warned of its own rules does not hold of others.
    of_its_own = audit.manifest.config.get("rules", ())
    stale = {*cautions(audit.rules, context), *((*warnings_of(of_its_own), *left_out_of_packs(of_its_own, had - {"baseline"}), *left_out_of_packs(of_its_own, had)) if asked else ()), *(audit.baseline.notes if audit.baseline else ())}
    told = (*warnings_of(asked), *left_out_of_packs(asked, had), *(against.notes if against and any(rule.needs_baseline for rule in rules) else ()))
    notes = (*(note for note in audit.notes if note not in stale), *cautions(rules, context), *told)
    return msgspec.structs.replace(audit, baseline=against, rules=tuple(rules), findings=findings, left_out=not_judged(rules, counts, context), verdict=overall_verdict(findings), notes=notes)


def context_of(audit: Audit) -> Context:
    """What its rules know of an audit besides its counts."""
    effect: Literal["helps", "harms"] = "harms" if audit.manifest.config.get("effect") == "harms" else "helps"
    threshold = audit.counts[0].threshold if audit.counts else None
    control = tuple(audit.manifest.config.get("control", ()))
    baseline = None if audit.baseline is None else baseline_read(audit)
    return Context(slicings=audit.slicings, effect=effect, threshold=threshold, control=control, within=strata_read(audit), baseline=baseline, population=audit.manifest.config.get("population") or {}, kept=audit.judged_by)


def audit_has(audit: Audit) -> tuple[str, ...]:
    """What rules of packs may need of an audit itself."""
    had = {"control": bool(audit.strata), "score": audit.manifest.model.kind != "decision_column", "label": audit.manifest.config.get("label") is not None, "population": bool(audit.manifest.config.get("population"))}
    return tuple(name for name, has in had.items() if has)
