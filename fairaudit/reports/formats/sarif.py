"""SARIF 2.1.0, which code hosts show beside the code: an alert at the line where its rule is written.

Results that pass are left out, although SARIF has a kind for them: GitHub reads no `kind` and raises an alert for each (microsoft/PSRule#955). It reads no
`suppressions` either (github/codeql-action#1230), so what is waived is a `note` there; hosts that read them hide it.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

import msgspec

from fairaudit.gate.policy import Remark, Ruling, Standing, State
from fairaudit.gate.result import GRAVEST_FIRST, remarks_of
from fairaudit.gate.waiver import Waiver
from fairaudit.reports.characters import visible
from fairaudit.reports.formats.interface import UNKNOWN, Place, Places
from fairaudit.reports.formats.markdown import escaped
from fairaudit.reports.formats.standings import grounds, headline
from fairaudit.reports.lookup import Lookup
from fairaudit.reports.sentences import ended
from fairaudit.reports.sources import origin
from fairaudit.reports.told import is_pair
from fairaudit.reports.verdicts import strength
from fairaudit.rules.finding import DISAGREEMENT, Finding, Severity
from fairaudit.rules.rule import Rule
from fairaudit.version import VERSION

# What GitHub takes: docs.github.com, "SARIF support for code scanning"; a file beyond a limit is refused. Of the results it shows 5,000, the gravest.
MOST_RESULTS, MOST_TAGS = 25_000, 20
_LONGEST_NAME, _LONGEST_DESCRIPTION = 255, 1024  # characters
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

# What blocks is an error, since hosts that gate by themselves gate by errors.
LEVELS = {State.ERROR: "error", State.FAIL: "error", State.INCONCLUSIVE: "error", State.WARN: "warning", State.WAIVED: "note", State.NOTED: "note"}
_SEVERITIES = {Severity.FAIL: "error", Severity.WARN: "warning", Severity.INFO: "note"}
_PROBLEMS = {"error": "error", "warning": "warning", "note": "recommendation"}
_OF_THE_GATE = {
    DISAGREEMENT: ("Engines disagree", "Two engines computed the same number of the same rows differently, so that no verdict can rest on it."),
    "nothing-judged": ("Nothing was judged", "The rules made no finding of this audit, so that its gate says nothing."),
    "waiver-expired": ("A waiver is not in force", "A waiver is past its last day, or before its first; it tolerates nothing, and fails the build until it is removed or renewed."),
    "waiver-expiring": ("A waiver is about to expire", "What it tolerates fails the build in two weeks or sooner, unless somebody decides."),
    "waiver-unused": ("A waiver is not used", "A waiver matches no violation; it would hide the next one."),
    "worse-than-waived": ("Worse than waived", "A violation has become worse than what somebody answers for, so that it is not tolerated."),
    "missing-metric": ("A metric is missing", "A rule by which the baseline was judged does not judge one of its metrics any more."),
    "missing-slice": ("A slice is missing", "What the baseline judged, a slice, a slicing or all slices of a rule, is not judged any more."),
    "softened-rule": ("A rule was softened", "A rule that could fail the baseline can only warn or inform here."),
}


def sarif(known: Lookup, ruling: Ruling, places: Places = UNKNOWN) -> bytes:
    """The log of one run.

    Args:
        places: where rules are written; a result must point somewhere, and without it points at the audit.
    """
    found = sorted(ruling.standings, key=lambda one: (GRAVEST_FIRST.index(one.state), strength(one.finding)))
    told = [one for one in found if one.state is not State.PASS]
    remarks = remarks_of(ruling)
    room = max(0, MOST_RESULTS - len(remarks))
    ids = tuple(dict.fromkeys((*known.rules, *(one.finding.rule for one in told), *(one.id for one in remarks))))
    indices = {rule: index for index, rule in enumerate(ids)}
    results = _identified([*(_remark(one, indices, places) for one in remarks[:MOST_RESULTS]), *(_finding(known, one, indices, places) for one in told[:room])])
    log = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "fairaudit", "semanticVersion": VERSION, "rules": [_descriptor(known, rule) for rule in ids]}},
                "invocations": [{"executionSuccessful": True, "exitCode": ruling.exit_code, **_left_out(len(told) - room)}],
                "columnKind": "utf16CodeUnits",
                "properties": {"verdict": ruling.verdict, "asOf": ruling.as_of.isoformat()},
                "results": list(results),
            }
        ],
    }
    return msgspec.json.format(msgspec.json.encode(log), indent=1) + b"\n"


def _left_out(number: int) -> dict[str, Any]:
    text = f"{number:,} findings are left out, the least grave: a run may have {MOST_RESULTS:,} results. audit.json has all."
    return {"toolExecutionNotifications": [{"level": "warning", "message": {"text": text}}]} if number > 0 else {}


def _finding(known: Lookup, standing: Standing, indices: dict[str, int], places: Places) -> dict[str, Any]:
    one = standing.finding
    said = " ".join((f"{standing.state.value.capitalize()}: {headline(known, one)}", *grounds(standing)))
    made = _result(one.rule, standing.state, said, indices, places.of(one.rule), identity(one))
    return made | {"suppressions": [_suppression(standing.waiver)]} if standing.waiver is not None else made


def _suppression(waiver: Waiver) -> dict[str, Any]:
    ticket = f" ({waiver.ticket})" if waiver.ticket else ""
    return {"kind": "external", "status": "accepted", "justification": visible(f"{ended(waiver.reason)} {waiver.owner}, until {waiver.expires.isoformat()}{ticket}")}


def _remark(remark: Remark, indices: dict[str, int], places: Places) -> dict[str, Any]:
    about = (remark.id, remark.rule, [] if remark.slice is None else remark.slice.values)
    return _result(remark.id, remark.state, visible(remark.sentence), indices, places.of(remark.rule), about)


def _result(rule: str, state: State, said: str, indices: dict[str, int], place: Place, about: object) -> dict[str, Any]:
    region = {"startLine": place.line, "startColumn": 1, "endLine": place.line, "endColumn": 2}  # GitHub asks for all four
    return {
        "ruleId": visible(rule),
        "ruleIndex": indices[rule],
        "level": LEVELS.get(state, "note"),
        "message": {"text": said.replace("](", "] (")},  # or a value could make a link of itself
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": quote(visible(place.uri))}, "region": region}}],
        "partialFingerprints": {"primaryLocationLineHash": hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]},
        "properties": {"state": state.value},
    }


def identity(one: Finding) -> tuple[object, ...]:
    """What makes it the same finding in another run, whatever its numbers: the two groups furthest apart, the best-off group and who is small may change."""
    who = None if one.group is None or is_pair(one) else (one.group.kind.value, one.group.slice.values)
    return one.rule, one.metric, one.kind, one.slicing, who


def _identified(results: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The results, each with a fingerprint of its own: GitHub takes two of one fingerprint for one, and reads this one alone."""
    seen: Counter[str] = Counter()
    for one in results:
        print_ = one["partialFingerprints"]["primaryLocationLineHash"]
        seen[print_] += 1
        yield one | {"partialFingerprints": {"primaryLocationLineHash": f"{print_}:{seen[print_]}"}}


def _descriptor(known: Lookup, rule_id: str) -> dict[str, Any]:
    rule = known.rules.get(rule_id)
    if rule is None:
        title, meaning = _OF_THE_GATE.get(rule_id, (rule_id, "What the gate says besides its findings."))
        return _described(rule_id, title, meaning, "error", (f"{title}. {meaning}",), ())
    level = _SEVERITIES[rule.severity]
    return _described(rule_id, known.title_of_rule(rule_id), " ".join((rule.principle, *rule.rationale.split())), level, tuple(_help(rule)), _tags(rule))


def _described(rule_id: str, title: str, meaning: str, level: str, paragraphs: tuple[str, ...], tags: tuple[str, ...]) -> dict[str, Any]:
    return {
        "id": visible(rule_id),
        "name": _cut(title, _LONGEST_NAME),
        "shortDescription": {"text": _cut(title, _LONGEST_DESCRIPTION)},
        "fullDescription": {"text": _cut(meaning, _LONGEST_DESCRIPTION)},
        "help": {"text": "\n\n".join(map(visible, paragraphs)), "markdown": "\n\n".join(map(escaped, paragraphs))},
        "defaultConfiguration": {"level": level},
        "properties": {"tags": [visible(tag) for tag in ("fairness", *tags)][:MOST_TAGS], "problem.severity": _PROBLEMS[level]},
    }


def _help(rule: Rule) -> Iterator[str]:
    """What a reader of an alert should know: what the rule asks, what it is not for, and who says so."""
    yield rule.principle
    if rule.rationale.strip():
        yield " ".join(rule.rationale.split())
    told = origin(rule)
    yield told.sentence
    for one in rule.not_for:
        yield f"Not for {one}."
    for source in told.sources:
        yield f"Source: {source}"


def _tags(rule: Rule) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*rule.applies_to.domains, *rule.metric_names)))


def _cut(text: str, most: int) -> str:
    shown = visible(text)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"
