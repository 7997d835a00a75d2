"""Two audits set beside each other: what of them differs, as values. Pure; the words are `reports`'."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Literal

import msgspec
import numpy as np

from fairaudit.cube.matched import Matched
from fairaudit.cube.score_pairs import ScorePairs
from fairaudit.cube.slices import Slice
from fairaudit.evidence.measurement import Interval, Measurement
from fairaudit.evidence.rates import LEVEL
from fairaudit.evidence.score_changes import NAMES as OF_SCORES
from fairaudit.evidence.score_changes import score_changes
from fairaudit.gate.answers import Answer, Became, answers
from fairaudit.gate.policy import can_be_waived
from fairaudit.gate.waiver import Waiver, whom
from fairaudit.metrics.catalogue import CATALOGUE
from fairaudit.result import Audit, counts_read, schema_of
from fairaudit.rules.baseline import Baseline
from fairaudit.rules.change import Paired, can_change, changed, changed_number, moves
from fairaudit.rules.finding import DISAGREEMENT, Finding

_TOLD_APART = ("data", "model", "rules")  # fields of the configuration that say less than what is told of their files
Params = tuple[tuple[str, float], ...]


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """Something of what was audited, and how, that is not the same in both; None where one of them has none."""

    name: str
    before: Any
    now: Any


class OnSameRows(msgspec.Struct, frozen=True, kw_only=True):
    """By how much a number changed on the rows that both audits have."""

    rows: int
    value: float | None
    interval: Interval | None  # 95 %: Newcombe's for paired rates; the delta method's of what is no rate of rows that are chosen whatever is decided of them; of numbers of scores by each row's share in the change


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """One metric of one slice in both audits."""

    metric: str
    params: dict[str, float] = {}
    slice: Slice
    before: float | None  # None where it is undefined, or not there
    now: float | None
    rows_before: int | None  # None: the former audit has no such number
    rows_now: int | None
    same_rows: OnSameRows | None = None  # of what follows from decisions and labels, and of most numbers of scores, where both audits kept their rows

    @property
    def change(self) -> float | None:
        return None if self.before is None or self.now is None else self.now - self.before


class Turned(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule says of somebody that it did not say before."""

    rule: str
    metric: str
    kind: str
    slicing: tuple[str, ...]
    group: str
    before: str | None  # outcome and verdict; None: nothing
    now: str | None
    value_before: float | None
    value_now: float | None


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an entry of waivers that is for a violation of one of the two."""

    rule: str
    metric: str
    kind: str
    whom: str
    before: Became | None  # None: not violated there
    now: Became | None
    value_before: float | None
    value_now: float | None
    waiver: Waiver


class Waived(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers for what is violated."""

    as_of: date  # the day on which waivers are judged, of both audits
    violated_before: int
    violated_now: int
    answered: tuple[Answered, ...]


class MatchedAccount(msgspec.Struct, frozen=True, kw_only=True):
    matched: int
    relabelled: int
    only_now: int
    only_before: int


class Differences(msgspec.Struct, frozen=True, kw_only=True):
    """All that differs between a former audit and a new one, and every number of both."""

    schema: Literal["fairaudit/comparison/1"] = "fairaudit/comparison/1"
    same_data: bool
    same_model: bool | None  # None: scores or decisions are a column of other data, and whose they are is not known
    rows_before: int  # audited
    rows_now: int
    matched: MatchedAccount | None  # where both audits kept their rows
    verdict_before: str | None
    verdict_now: str | None
    facts: tuple[Fact, ...]
    rules_only_before: tuple[str, ...]
    rules_only_now: tuple[str, ...]
    slices_only_before: tuple[Slice, ...]
    slices_only_now: tuple[Slice, ...]
    findings: tuple[Turned, ...]  # of the rules of both
    levels: tuple[Level, ...]
    waived: Waived | None = None  # where waivers were asked of


def differences(before: Audit, now: Audit, matched: Matched | None = None, scored: ScorePairs | None = None, *, waivers: tuple[Sequence[Waiver], date] | None = None) -> Differences:
    """What differs.

    Args:
        matched: the rows that both have, in the slices of `now`.
        scored: the same with their scores, where both have some.
        waivers: sound ones, and the day on which they are judged.
    """
    told = [_said_of(audit, waivers) for audit in (before, now)]
    account = None if matched is None else MatchedAccount(**{name: getattr(matched.account, name) for name in ("matched", "relabelled", "only_now", "only_before")})
    rules = [{one.id for one in audit.rules} for audit in (before, now)]
    slices = [{frozenset(one.slice.values): one.slice for one in audit.counts} for audit in (before, now)]
    return Differences(
        same_data=[one.sha256 for one in before.manifest.data] == [one.sha256 for one in now.manifest.data],
        same_model=_same_model(before, now),
        rows_before=before.rows.audited, rows_now=now.rows.audited, matched=account, verdict_before=before.verdict, verdict_now=now.verdict,
        facts=tuple(_facts(before, now)),
        rules_only_before=tuple(one.id for one in before.rules if one.id not in rules[1]), rules_only_now=tuple(one.id for one in now.rules if one.id not in rules[0]),
        slices_only_before=tuple(one for key, one in slices[0].items() if key not in slices[1]), slices_only_now=tuple(one for key, one in slices[1].items() if key not in slices[0]),
        findings=tuple(one for one in _turned(*told) if one.rule in rules[0] & rules[1]), levels=tuple(_levels(before, now, matched, scored)),
        waived=None if waivers is None else Waived(as_of=waivers[1], violated_before=_violated(before), violated_now=_violated(now), answered=tuple(_answered(*told))),
    )  # fmt: skip


def _same_model(before: Audit, now: Audit) -> bool | None:
    """A model is known by its files; a column of scores or decisions by its name, and where the data are the same."""
    old, new = before.manifest, now.manifest
    if old.model.sha256 is not None and new.model.sha256 is not None:
        return all(getattr(old.model, name) == getattr(new.model, name) for name in ("sha256", "signature", "output", "decision_output"))
    if (old.model.kind, old.model.name) != (new.model.kind, new.model.name):
        return False
    return True if [one.sha256 for one in old.data] == [one.sha256 for one in new.data] else None


def _facts(before: Audit, now: Audit) -> Iterator[Fact]:
    old, new = (dict(_said(audit)) for audit in (before, now))
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name):
            yield Fact(name=name, before=old.get(name), now=new.get(name))


def _said(audit: Audit) -> Iterator[tuple[str, Any]]:
    one = audit.manifest
    yield "version", one.version
    yield from ((f"model {name}", value) for name, value in msgspec.structs.asdict(one.model).items())
    yield "data", [held.name for held in one.data]
    yield "data sha256", [held.sha256 for held in one.data]
    yield "positive", one.positive
    yield "thresholds", one.thresholds
    yield from ((name, value) for name, value in one.config.items() if name not in _TOLD_APART)
    yield from ((f"edges of {name}", list(edges)) for name, edges in one.bands.items())
    yield from ((f"engine {name}", version) for name, version in one.engines.items())
    yield from ((f"package {name}", version) for name, version in one.packages.items())


_Key = tuple[Any, ...]
_Said = Mapping[_Key, tuple[Finding, Answer | None]]


def _said_of(audit: Audit, waivers: tuple[Sequence[Waiver], date] | None) -> _Said:
    """Every finding by whom it is about, with the entry that is for it."""
    answered = answers(audit.findings, waivers[0], as_of=waivers[1]) if waivers is not None else (None,) * len(audit.findings)
    return {_key(one): (one, answer) for one, answer in zip(audit.findings, answered, strict=True) if one.rule != DISAGREEMENT}


def _violated(audit: Audit) -> int:
    return sum(map(can_be_waived, audit.findings))


def _turned(old: _Said, new: _Said) -> Iterator[Turned]:
    """Where what is said, or that anything is, changed."""
    for key in dict.fromkeys((*old, *new)):
        (was, before), (is_, now) = old.get(key, (None, None)), new.get(key, (None, None))
        if _state(was, before) != _state(is_, now):
            one = is_ or was
            assert one is not None
            yield Turned(
                rule=one.rule, metric=one.metric, kind=one.kind, slicing=one.slicing, group=str(one.group) if one.group else " × ".join(one.slicing),
                before=_state(was, before), now=_state(is_, now), value_before=was.value if was else None, value_now=is_.value if is_ else None,
            )  # fmt: skip


def _answered(old: _Said, new: _Said) -> Iterator[Answered]:
    for key in dict.fromkeys((*old, *new)):
        (was, before), (is_, now) = old.get(key, (None, None)), new.get(key, (None, None))
        one, answer = is_ or was, now or before
        if one is not None and answer is not None:
            yield Answered(
                rule=one.rule, metric=one.metric, kind=one.kind, whom=whom(one), before=before.became if before else None, now=now.became if now else None,
                value_before=was.value if was else None, value_now=is_.value if is_ else None, waiver=answer.waiver,
            )  # fmt: skip


def _key(one: Finding) -> _Key:
    """Whom a finding is about; of a gap the whole slicing, since other groups may be furthest apart now."""
    about = None if one.group is None or one.kind in ("gap", "min_max_ratio") else (one.group.kind, frozenset(one.group.slice.values))
    return one.rule, one.metric, one.kind, frozenset(one.slicing), one.group is None, about


def _state(one: Finding | None, answer: Answer | None) -> str | None:
    waived = ", waived" if answer is not None and answer.applies else ""
    return None if one is None else f"{one.verdict.value}{waived} ({one.outcome.value})"


def _levels(before: Audit, now: Audit, matched: Matched | None, scored: ScorePairs | None) -> Iterator[Level]:
    old, new = (_measured(audit) for audit in (before, now))
    names = {metric for metric, _, _ in new}
    paired = ({} if matched is None else _on_same_rows(now, matched, names)) | ({} if scored is None else _of_scores(scored, names))
    for metric, params, values in dict.fromkeys((*new, *old)):
        was, is_ = old.get((metric, params, values)), new.get((metric, params, values))
        one = is_ or was
        assert one is not None
        yield Level(
            metric=metric, params=dict(params), slice=one.slice, before=was.value if was else None, now=is_.value if is_ else None,
            rows_before=was.rows if was else None, rows_now=is_.rows if is_ else None, same_rows=paired.get((metric, values)),
        )  # fmt: skip


def _measured(audit: Audit) -> Mapping[tuple[str, Params, frozenset[tuple[str, str | None]]], Measurement]:
    return {(one.metric, tuple(sorted(one.params.items())), frozenset(one.slice.values)): one for one in audit.measurements}


def _on_same_rows(now: Audit, matched: Matched, metrics: Iterable[str]) -> dict[tuple[str, frozenset[tuple[str, str | None]]], OnSameRows]:
    """Of every number that follows from the decisions on matched rows, in every slice."""
    counts, found = counts_read(now), {}
    every = np.arange(len(counts.slices))
    for name in sorted(metrics):
        if name in CATALOGUE and can_change(CATALOGUE[name]):
            sides, paired = changed(CATALOGUE[name], counts, every, (), Baseline(counts=counts, slicings=now.slicings, matched=matched))
            assert isinstance(paired, Paired)
            value, (lower, upper) = paired.change, paired.at_size(paired.size, level=LEVEL)
            for place, one in enumerate(counts.slices):
                known = bool(np.isfinite(value[place]))
                interval = (float(lower[place]), float(upper[place])) if known and np.isfinite(lower[place]) else None
                found[name, frozenset(one.values)] = OnSameRows(rows=int(sides.candidates.rows[place]), value=float(value[place]) if known else None, interval=interval)
        elif name in CATALOGUE and moves(CATALOGUE[name]):
            change, (below, above), rows = changed_number(CATALOGUE[name], matched)
            for place, one in enumerate(matched.slices):
                known = bool(np.isfinite(change[place]))
                interval = (float(below[place]), float(above[place])) if known and np.isfinite(below[place]) else None
                found[name, frozenset(one.values)] = OnSameRows(rows=int(rows[place]), value=float(change[place]) if known else None, interval=interval)
    return found


def _of_scores(scored: ScorePairs, metrics: Iterable[str]) -> dict[tuple[str, frozenset[tuple[str, str | None]]], OnSameRows]:
    """The same of numbers of scores."""
    found = {}
    for name in sorted(OF_SCORES & {*metrics}):
        for place, one in score_changes(name, scored).items():
            interval = (one.lower, one.upper) if np.isfinite(one.lower) else None
            found[name, frozenset(scored.slices[place].values)] = OnSameRows(rows=one.rows, value=one.value if np.isfinite(one.value) else None, interval=interval)
    return found


def to_json(found: Differences) -> bytes:
    return msgspec.json.format(msgspec.json.encode(found, enc_hook=lambda one: dict(one.values)), indent=1) + b"\n"


def json_schema() -> dict[str, Any]:
    """The JSON Schema of comparison.json, as it is published with the package."""
    return schema_of(Differences)


if __name__ == "__main__":
    import json

    print(json.dumps(json_schema(), indent=1))
