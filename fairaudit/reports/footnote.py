"""What a reader of a rule's tables must know once: what is drawn, which tests p comes from, and what it is held against."""

from __future__ import annotations

from collections.abc import Sequence

from fairaudit.metrics.catalogue import CATALOGUE, Shape
from fairaudit.reports.lookup import Lookup
from fairaudit.reports.numbers import significant
from fairaudit.rules.finding import Finding
from fairaudit.rules.rule import Comparing, Direction, Method, Rule

_WITH_REFERENCE = (Comparing.RATIO, Comparing.DIFFERENCE, Comparing.MIN_MAX_RATIO, Comparing.CHANGE)  # whose axes mark where there is no difference
_CORRECTION = {
    Method.TWO_LOOK: "with Holm's correction for their number",
    Method.HOLM: "with Holm's correction for their number",
    Method.BH: "with Benjamini and Hochberg's correction for their number",
    Method.NONE: "without a correction for their number",
}


def footnote_of(known: Lookup, rule: Rule, findings: Sequence[Finding]) -> str:
    """What lines mean, where p comes from, and what share of the run's error each table may spend."""
    dotted = ", a dotted one no difference" if rule.comparison in _WITH_REFERENCE else ""
    return f"In these tables a dashed line is the limit{dotted}, and whiskers are 95% intervals. {_tests(known, rule)}{_level(findings)}"


def _tests(known: Lookup, rule: Rule) -> str:
    match rule.comparison:
        case Comparing.GAP | Comparing.MIN_MAX_RATIO:
            return "p: how easily chance alone would set any two of so many slices as far apart (Tukey's test of their range)."
        case Comparing.VALUE:
            each = "" if _is_across(rule) else f", {_CORRECTION[rule.multiplicity.method]}"
            return f"p: how easily chance alone would put a value that is at the limit so far past it ({_test(known, rule)}{each})."
    if rule.comparison is Comparing.CHANGE:
        return f"p: how easily chance alone would change a slice as far{'' if rule.direction is Direction.EITHER else ' for the worse'} ({_test_of_change(known, rule)}, {_CORRECTION[rule.multiplicity.method]})."
    side = "on either side" if rule.direction is Direction.EITHER else "on the worse side"
    fixed = isinstance(rule.reference, dict) or rule.reference == "largest"
    first = f"{_test(known, rule)}, {_CORRECTION[rule.multiplicity.method]}"
    told = f"p: how easily chance alone would set a slice as far apart, {side}, from {'the reference' if fixed else 'everyone else'} ({first})"
    if rule.reference != "best":
        return f"{told}."
    pairs = ""
    if rule.multiplicity.method is Method.TWO_LOOK:
        pairs = " or, where that is stronger, from another slice with enough evidence (Tukey's test of all pairs); p pays for both looks"
    return f"{told}{pairs}. The interval is against the reference alone, so the two may differ: a small reference makes it wide and leaves p as it is."


def _test(known: Lookup, rule: Rule) -> str:
    """The test of one slice, by its name: of rates by their counts, of anything else by its standard error."""
    is_rate = {CATALOGUE[name].shape in (Shape.RATE, Shape.POPULATION) for name in rule.metrics}
    config, of_values = known.audit.manifest.config, rule.comparison is Comparing.VALUE
    if config.get("weight") or config.get("cluster"):
        counts = "a binomial tail of effective counts"
    else:
        counts = "an exact binomial test" if of_values else "Fisher's exact test"
    if is_rate == {True, False}:
        return f"{counts} for rates, a z-test by standard errors for what is no rate"
    return counts if True in is_rate else "a z-test by standard errors"


def _test_of_change(known: Lookup, rule: Rule) -> str:
    if known.audit.baseline is None or known.audit.baseline.matched is None:
        return f"{_test(known, rule)} of the rows of both audits"
    config = known.audit.manifest.config
    return "McNemar's exact test of the same rows" if not (config.get("weight") or config.get("cluster")) else "McNemar's test of the same rows, by effective counts"


def _is_across(rule: Rule) -> bool:
    return all(CATALOGUE[name].shape is Shape.ACROSS for name in rule.metrics)


def _level(findings: Sequence[Finding]) -> str:
    """What p is held against: the run's error, shared among its comparisons."""
    shares = dict.fromkeys(significant(one.alpha, 2) for one in findings if one.alpha is not None)
    if not shares:
        return ""
    return f" It is called more than chance where p is at most {' or '.join(shares)}, the share that each table has of the error that the whole run may make."
