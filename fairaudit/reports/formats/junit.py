"""JUnit XML, which every CI system shows: a suite for a rule on a slicing, a case for a finding.

What is violated is a `failure`. What is inconclusive and blocks is an `error`, JUnit's word for a test that could not be carried out: Jenkins shows it as failed
(CaseResult.java), and GitLab is as red for it and counts it apart (ci/parsers/test/junit.rb), so that nobody takes missing rows for a disparity; engines that disagree are
one too. JUnit has no warning: what warns, is waived or is only noted is `skipped` with the reason, since the text of a case that passes is shown nowhere. Messages stand
both in the attribute, which Jenkins shows first, and in the text, which GitLab shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

from fairaudit.gate.policy import Ruling, State
from fairaudit.gate.result import remarks_of
from fairaudit.reports.characters import visible
from fairaudit.reports.formats.standings import answered, grounds, headline, name
from fairaudit.reports.lookup import Lookup

_CHILD = {State.FAIL: "failure", State.ERROR: "error", State.INCONCLUSIVE: "error", State.WARN: "skipped", State.WAIVED: "skipped", State.NOTED: "skipped"}
_PLURALS = {"failure": "failures", "error": "errors", "skipped": "skipped"}
_GATE = "the gate itself"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    suite: str
    name: str
    state: State
    message: str = ""  # one sentence; of what passes nobody would see it
    text: str = ""


def junit(known: Lookup, ruling: Ruling) -> bytes:
    """The document, in the schema that Jenkins reads (junit-10.xsd); times are 0, and a suite's is the day that the gate was asked for."""
    suites: dict[str, list[_Case]] = {}
    for case in _told_apart([*_findings(known, ruling), *_remarks(ruling)]):
        suites.setdefault(case.suite, []).append(case)
    root = ElementTree.Element("testsuites", {"name": "fairaudit", "time": "0"} | _numbers([case for cases in suites.values() for case in cases], ("failure", "error")))
    for title, cases in suites.items():
        about = {"name": title, "timestamp": f"{ruling.as_of.isoformat()}T00:00:00", "time": "0"}
        suite = ElementTree.SubElement(root, "testsuite", about | _numbers(cases, tuple(_PLURALS)))
        for case in cases:
            # A dot would begin another package in Jenkins.
            made = ElementTree.SubElement(suite, "testcase", {"name": case.name, "classname": f"fairaudit.{title.replace('.', '_')}", "time": "0"})
            if case.state in _CHILD:
                ElementTree.SubElement(made, _CHILD[case.state], {"type": case.state.value, "message": case.message}).text = case.text
    ElementTree.indent(root)
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _findings(known: Lookup, ruling: Ruling) -> Iterator[_Case]:
    for standing in ruling.standings:
        one = standing.finding
        suite = visible(f"{one.rule} by {' × '.join(one.slicing) or 'everyone'}")
        said = headline(known, one) if standing.state in _CHILD else ""
        message = " ".join(filter(None, (said, answered(standing))))  # of what is skipped Jenkins shows the attribute alone
        yield _Case(suite=suite, name=name(one), state=standing.state, message=message, text="\n".join((f"{standing.state.value}: {said}", *grounds(standing))) if said else "")


def _remarks(ruling: Ruling) -> Iterator[_Case]:
    for remark in remarks_of(ruling):
        said = visible(remark.sentence)
        about = " of ".join(filter(None, (remark.rule, str(remark.slice) if remark.slice is not None else "")))
        yield _Case(suite=_GATE, name=visible(f"{remark.id}: {about}" if about else remark.id), state=remark.state, message=said, text=f"{remark.state.value}: {said}")


def _told_apart(cases: Iterable[_Case]) -> Iterator[_Case]:
    """The cases, each with a name of its own: GitLab takes two of one name for one."""
    seen: Counter[tuple[str, str]] = Counter()
    for case in cases:
        seen[case.suite, case.name] += 1
        number = seen[case.suite, case.name]
        yield case if number == 1 else _Case(suite=case.suite, name=f"{case.name} ({number})", state=case.state, message=case.message, text=case.text)


def _numbers(cases: list[_Case], children: Iterable[str]) -> dict[str, str]:
    found = Counter(_CHILD.get(case.state) for case in cases)
    return {"tests": str(len(cases))} | {_PLURALS[child]: str(found[child]) for child in children}
