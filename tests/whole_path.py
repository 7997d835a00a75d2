"""What is done with an audit file, as the commands do it: read, judged again, ruled on, written in all formats, explained, compared, tabled and shown."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import strategies as st

from fairaudit import tables
from fairaudit.differences import differences
from fairaudit.differences import to_json as differences_to_json
from fairaudit.errors import FairauditError, Several
from fairaudit.gate.answers import answers
from fairaudit.gate.columns import columns
from fairaudit.gate.gating import ruling
from fairaudit.gate.judged import judged
from fairaudit.gate.policy import Policy, Ruling
from fairaudit.gate.waiver_file import parse_waivers
from fairaudit.reports.explained import as_data, as_text, explained, gone
from fairaudit.reports.explained_waiver import remarked, with_waivers
from fairaudit.reports.formats import FORMATS, rendered
from fairaudit.reports.formats.interface import Gated
from fairaudit.reports.formats.places import places
from fairaudit.reports.html import render
from fairaudit.reports.lookup import lookup
from fairaudit.reports.named import as_list, listing
from fairaudit.reports.side_by_side import FORMS, side_by_side
from fairaudit.reports.side_by_side import as_text as beside_as_text
from fairaudit.reports.terminal import summary
from fairaudit.result import Audit, read_audit
from fairaudit.rules.library import shipped_rules
from tests.audit_files import ANY, SHAPES, real

T = TypeVar("T")
TODAY = date(2026, 11, 26)
VIEWS = ("explain", "compare", "table", "report", "formats")
TABLES = ("measurements", "comparisons", "findings", "sweeps", "histograms")
WAIVERS = """\
schema: fairaudit/waivers/1
waivers:
  - {rule: four-fifths, slice: {race: b}, owner: ada, reason: new data, created: 2026-11-01, expires: 2026-12-31, holds_to: 0.4}
  - {rule: equal-opportunity, slice: {sex: f}, owner: ada, reason: new data, created: 2026-11-01, expires: 2026-12-31, holds_to: -0.3}
  - {rule: four-fifths, small_groups: [race], owner: ada, reason: new data, created: 2026-10-01, expires: 2026-12-01, holds_to: 0.4}
"""
HELD = parse_waivers(WAIVERS).waivers
RULE = "{{schema: fairaudit/rule/1, id: ours, title: Ours, principle: P., source: [{{cite: us, kind: convention, says_number: false, as_of: 2026-01-01}}], limit_origin: ours, {}}}"
OURS = (  # what no shipped rule asks for
    "metric: selection_rate, comparison: gap, limit: 0.2", "metric: true_positive_rate, comparison: min_max_ratio, limit: 0.8", "metric: selection_rate, comparison: ratio, limit: 0.8, decide_on: interval",
    "metric: [selection_rate, false_positive_rate], comparison: difference, reference: rest, direction: either, limit: 0.1", "metric: mean_score, comparison: difference, reference: largest, limit: 0.1, better: higher",
    "metric: accuracy, comparison: value, limit: 0.6", "metric: selection_rate, comparison: ratio, reference: {race: a}, limit: 0.8, small_groups: gate", "metric: selection_rate, comparison: difference, reference: overall, limit: 0.1, small_groups: report",
    "metric: positive_predictive_value, comparison: ratio, limit: 0.8, decide_on: point, missing: count, exclude_below: 0.02", "metric: differential_fairness, comparison: value, limit: 0.3, params: {outcome: positive}",
    "metric: false_positive_rate, comparison: change, limit: 0.02", "metric: balanced_accuracy, comparison: difference, limit: 0.1, minimum: {rows: 1, events: 0, non_events: 0}", "metric: selection_rate, comparison: ratio, reference: rest, limit: 0.8, needs: [control]",
)  # fmt: skip


_PLAIN = Policy()


@dataclass(frozen=True)
class Asked:
    """What is asked of the gate, and which of the views is looked at."""

    rules: tuple[str, ...] = ()
    ours: str = ""  # a rule of one's own
    policy: Policy = _PLAIN
    waivers: bool = False
    baseline: Any = None  # another audit's file
    views: tuple[str, ...] = VIEWS


ASKED = st.builds(
    Asked, rules=st.just(()) | st.lists(st.sampled_from(list(shipped_rules())), max_size=2, unique=True).map(tuple), ours=st.just("") | st.sampled_from(OURS),
    policy=st.builds(Policy, inconclusive=st.sampled_from(["fail", "warn", "pass"]), fail_on=st.sampled_from(["fail", "warn"]), unused_waivers=st.sampled_from(["warn", "fail"])),
    waivers=st.booleans(), baseline=st.none() | st.sampled_from(sorted(SHAPES)).map(real) | ANY, views=st.sampled_from(VIEWS).map(lambda one: (one,)),
)  # fmt: skip


def told(call: Callable[[], T]) -> T | None:
    """What it gives; None where it says why not, each mistake in one sentence."""
    try:
        return call()
    except FairauditError as error:
        assert error.exit_code in (2, 4)
        for one in error.errors if isinstance(error, Several) else (error,):
            assert str(one).strip() and "\n" not in str(one)
        return None


def rulings(document: Any, asked: Asked = Asked()) -> list[tuple[Audit, Ruling]]:
    """Everything that can be done with the file is done; the audit judged again by its own rules and by those asked for, with what the gate makes of it, where it is not refused."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        file, before, ours, waivers = (here / name for name in ("audit.json", "old.json", "ours.yaml", "waivers.yaml"))
        file.write_text(json.dumps(document))
        waivers.write_text(WAIVERS)
        ours.write_text(RULE.format(asked.ours))
        before.write_text(json.dumps(asked.baseline))
        found = told(lambda: read_audit(file))
        if found is None:
            return []
        baseline = None if asked.baseline is None else before
        _looked_at(found, asked.views)
        if "compare" in asked.views and baseline and (old := told(lambda: read_audit(before))):
            _compared(old, found)
        judgements = []
        for rules in dict.fromkeys(((), (*asked.rules, *([str(ours)] if asked.ours else [])))):
            again = told(lambda rules=rules: judged(found, rules, baseline=baseline))  # type: ignore[misc]
            decided = again and told(lambda again=again: ruling(again, asked.policy, waivers=waivers if asked.waivers else (), as_of=TODAY, baseline=baseline))  # type: ignore[misc]
            if again is None or decided is None:
                continue
            if "formats" in asked.views:
                gated = Gated(known=lookup(again), ruling=decided, places=places(again, file=file, rules=rules))
                for format, name in [*((one, "x") for one in FORMATS if one != "badge"), ("badge", "x.svg"), ("badge", "x.json")]:
                    rendered(format, here / name, gated)
            summary(again, decided, width=100, styled=False)
            _looked_at(again, asked.views, decided)
            judgements.append((again, decided))
        return judgements


def _looked_at(found: Audit, views: tuple[str, ...], decided: Ruling | None = None) -> None:
    if "report" in views:
        render(found, decided, as_of=TODAY)
    if "table" in views:
        for name in TABLES:
            for writer in tables.WRITERS.values():
                writer(tables.table(found, name))  # type: ignore[arg-type]
        for writer in tables.WRITERS.values():
            writer(tables.table(found, "findings", beside=columns(found.findings, answers(found.findings, HELD, as_of=TODAY))))
    if "explain" in views and (explanations := told(lambda: explained(found))):
        listing(explanations), as_list(explanations), gone(found, explanations), remarked(explanations, HELD, as_of=TODAY)
        for one in with_waivers(explanations, HELD, as_of=TODAY):
            as_text(one, file="audit.json")
            json.dumps(as_data(one), allow_nan=False)


def _compared(old: Audit, found: Audit) -> None:
    differing = differences(old, found, waivers=(HELD, TODAY))
    json.loads(differences_to_json(differing))
    beside_as_text(side_by_side(differing, names=("old", "new"), briefly=True))
    for form in FORMS.values():
        form(side_by_side(differing, names=("old", "new")))
