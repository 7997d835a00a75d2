"""Whatever an audit file that validates against the published schema holds, it gets a verdict or is refused in a sentence; and nothing passes by not being seen."""

from __future__ import annotations

import copy
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fairaudit.cli import _run
from fairaudit.cube.slices import Slice, Slicing
from fairaudit.errors import ConfigError
from fairaudit.evidence.measurement import Group, GroupKind
from fairaudit.gate.policy import Ruling
from fairaudit.metrics.catalogue import CATALOGUE, Shape, mask
from fairaudit.result import Audit, from_json
from fairaudit.rules.finding import DISAGREEMENT, Finding, Outcome, Severity, Verdict
from fairaudit.rules.rule import Rule
from tests.audit_files import ANY, SHAPES, VALIDATOR, at, peopled, real
from tests.whole_path import ASKED, TODAY, Asked, rulings

pytestmark = pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")  # of the schema's strategies, which are long to write out


def tries(number: int) -> Any:
    """So many in every run, and many more by `make fuzz`."""
    is_long = settings.default is not None and settings.default.max_examples > 100
    return settings(max_examples=number * 50 if is_long else number, deadline=None, suppress_health_check=list(HealthCheck))


# ---- A verdict, or a sentence


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_real_audits_validate_are_read_and_can_be_looked_at_in_every_way(name: str) -> None:
    assert VALIDATOR.is_valid(real(name))
    judged = rulings(real(name), Asked(rules=("four-fifths",), waivers=True, baseline=real("plain"), views=("table", "formats", "compare")))
    assert judged and {decided.exit_code for _, decided in judged} <= {0, 1, 3}


@tries(25)
@given(document=ANY, asked=ASKED)
def test_any_valid_file_gets_a_verdict_or_a_sentence(document: Any, asked: Asked) -> None:
    for audit, decided in rulings(document, asked):
        disagree = any(one.rule == DISAGREEMENT for one in audit.findings)
        assert decided.exit_code in ((2, 4) if not audit.findings or disagree else (0, 1, 3))


@tries(4)
@given(document=ANY, old=ANY, inconclusive=st.sampled_from(["fail", "warn", "pass"]))
def test_the_commands_end_by_a_documented_code(document: Any, old: Any, inconclusive: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        new, before = Path(folder) / "audit.json", Path(folder) / "old.json"
        new.write_text(json.dumps(document))
        before.write_text(json.dumps(old))
        flags = ("--inconclusive", inconclusive, "--write", f"junit={folder}/x.xml", "--write", f"sarif={folder}/x.sarif", "--as-of", str(TODAY))
        assert _quietly("gate", str(new), *flags) in (0, 1, 2, 3, 4)
        assert _quietly("gate", str(new), *flags, "--baseline", str(before)) in (0, 1, 2, 3, 4)
        assert {_quietly("explain", str(new)), _quietly("table", str(new)), _quietly("report", str(new), "--out", f"{folder}/r.html"), _quietly("compare", str(before), str(new))} <= {0, 2, 4}


def _quietly(*arguments: str) -> int:
    """The exit code; what it says is one sentence a line, and never that it was not foreseen."""
    from contextlib import redirect_stderr, redirect_stdout
    from io import StringIO

    said = StringIO()
    with redirect_stdout(StringIO()), redirect_stderr(said):
        code = _run(list(arguments))
    assert "not foreseen" not in said.getvalue() and "Traceback" not in said.getvalue(), said.getvalue()
    return code


# ---- Nothing passes by not being seen


@tries(20)
@given(document=ANY | peopled(), asked=ASKED)
def test_nothing_passes_that_was_not_seen(document: Any, asked: Asked) -> None:
    for audit, decided in rulings(document, Asked(rules=asked.rules, ours=asked.ours, policy=asked.policy, waivers=asked.waivers, baseline=asked.baseline, views=())):
        for one in audit.findings:
            if one.verdict is Verdict.PASS and one.rule != DISAGREEMENT:  # which errs whatever it says
                assert one.value is not None and (one.group is not None or one.kind == "value")
                assert one.outcome is Outcome.WITHIN or (one.outcome is Outcome.UNDECIDED and one.rows > 0)
                assert _is_seen(audit, one), one
        if decided.exit_code == 0:
            _check_that_all_was_looked_at(audit, decided)


def _is_seen(audit: Audit, one: Finding) -> bool:
    """Whether a rate that passes has rows on each side, and to pass without proof as many events as its rule asks for; counted here from the file's cells."""
    metric, rule = CATALOGUE[one.metric], next(rule for rule in audit.rules if rule.id == one.rule)
    if metric.shape is not Shape.RATE or one.kind == "change" or one.control or one.group is None:
        return True
    top, bottom = mask(metric.numerator), mask(metric.denominator)
    own, everyone = _rows_in(audit, one.group, bottom, one.slicing), _rows_in(audit, Group(kind=GroupKind.OVERALL), bottom, one.slicing)
    if one.reference is not None and _rows_in(audit, one.reference, bottom if one.kind != "ratio" else top, one.slicing) == 0:
        return False
    if own == 0 or one.outcome is not Outcome.UNDECIDED or rule.missing == "count" or rule.exclude_below is not None or audit.manifest.config.get("weight"):
        return own > 0
    share = _rows_in(audit, Group(kind=GroupKind.OVERALL), top, one.slicing) / everyone
    return own * share >= rule.minimum.events - 1e-6 and own * (1 - share) >= rule.minimum.non_events - 1e-6


def _rows_in(audit: Audit, group: Group, cells: Any, slicing: Slicing) -> int:
    own = set(group.members) or {group.slice}
    whole = {Slice()} if group.kind in (GroupKind.OVERALL, GroupKind.REST) else own
    sign = {one: 1 for one in whole} | ({one: -1 for one in own} if group.kind is GroupKind.REST else {})
    return sum(sign[one.slice] * cell.rows for one in audit.counts if one.slice in sign for cell in one.cells if cells[2 if cell.label is None else cell.label, cell.decision])


def _check_that_all_was_looked_at(audit: Audit, decided: Ruling) -> None:
    """Of a gate that passes: each rule that can fail it has a finding on each slicing, and on each group that is there or left out by rule; and none of those needed is undefined."""
    assert any(one.verdict is not Verdict.INCONCLUSIVE or not one.needed_for_pass or one.severity is not Severity.FAIL for one in audit.findings)
    for rule in (one for one in audit.rules if one.severity is Severity.FAIL):
        own = [one for one in audit.findings if one.rule == rule.id]
        assert own and not any(one.outcome is Outcome.UNDEFINED and one.needed_for_pass for one in own)
        for slicing in _judged_by(rule, audit):
            of_slicing = [one for one in own if one.slicing == slicing]
            assert {one.metric for one in of_slicing} == set(rule.metrics), (rule.id, slicing)
            if rule.comparison.is_extreme or any(CATALOGUE[name].shape in (Shape.ACROSS, Shape.POPULATION) for name in rule.metrics):
                continue
            there = {one.slice for one in audit.counts if one.slice.attributes == slicing and one.cells}
            assert there <= {one.group.slice for one in of_slicing if one.group} | {one.slice for one in audit.left_out if one.rule == rule.id}


def _judged_by(rule: Rule, audit: Audit) -> tuple[Slicing, ...]:
    return audit.slicings if rule.slices == "all" and not isinstance(rule.reference, dict) and not rule.needs_population else ()


@tries(15)
@given(name=st.sampled_from(sorted(SHAPES)), which=st.integers(0, 100), where=st.sampled_from(["counts", "strata", "before"]))
def test_a_file_that_lacks_a_slice_is_no_file(name: str, which: int, where: str) -> None:
    document = copy.deepcopy(real(name))
    held = (document["baseline"] or {"counts": []})["counts"] if where == "before" else document[where]
    if not held:
        return
    gone = held.pop(which % len(held))
    if held or where != "counts":
        with pytest.raises(ConfigError, match="add up|not counted|within a control|not cut as"):
            from_json(json.dumps(document).encode(), where="audit.json")
    assert gone


@tries(12)
@given(new=peopled(), asked=ASKED)
def test_no_gate_passes_while_what_kept_the_baseline_from_passing_is_gone(new: Any, asked: Asked) -> None:
    old = real("plain")
    for audit, decided in rulings(new, Asked(rules=asked.rules, ours=asked.ours, policy=asked.policy, baseline=old, views=())):
        known = {one.id for one in audit.rules}
        lost = {rule["id"] for rule in old["rules"] if rule["severity"] == "fail" and rule["id"] not in known}
        judged = {(one.rule, frozenset(one.group.slice.values)) for one in audit.findings if one.group}
        vanished = [one for one in old["findings"] if one["severity"] == "fail" and one["needed_for_pass"] and one["group"] and one["group"]["kind"] == "slice" and (one["rule"], frozenset(one["group"]["slice"].items())) not in judged]
        assert decided.exit_code != 0 or not (lost or vanished)
        assert not lost or [one.rule for one in decided.remarks if one.id == "missing-slice" and one.rule in lost and one.slice is None]


# ---- What was found so: each was an exception, or a number made of nothing


GONE = object()


def _changed(name: str, place: tuple[str | int, ...], new: Any) -> Any:
    document = copy.deepcopy(real(name))
    owner = at(document, place[:-1])
    if new is GONE:
        del owner[place[-1]]
    else:
        owner[place[-1]] = new(owner[place[-1]]) if callable(new) else new
    return document


REFUSED: dict[str, tuple[str, tuple[str | int, ...], Any, str]] = {
    "a sum of scores is missing, and is not 0": ("weighted", ("counts", 1, "cells", 0, "score"), GONE, "race=a lacks a sum of its scores - at `$.counts[1].cells`"),
    "a slice is counted twice": ("plain", ("counts",), lambda counts: [*counts, counts[1]], "race=a is counted twice - at `$.counts[18].slice`"),
    "everyone is missing": ("plain", ("counts",), lambda counts: counts[1:], "everyone is not counted - at `$.counts`"),
    "a cell is counted twice": ("plain", ("counts", 0, "cells"), lambda cells: [*cells, cells[0]], "everyone has two cells of one label and decision - at `$.counts[0]`"),
    "more rows than were audited": ("plain", ("rows",), lambda rows: rows | {"read": 400, "audited": 400}, "400 rows were audited, and 326 are counted - at `$.rows.audited`"),
    "a group under another name": ("decided", ("counts", 11, "slice", "race"), "zz", "sex=m, race=b, k=x is no slice of the audit within a value of its control - at `$.strata[30].slice`"),
    "more weight than rows": ("plain", ("counts", 17, "cells", 0, "weight"), 1e9, "the weights of the slices by sex × race do not add up to those of everyone - at `$.counts`"),
    "a weight that nothing can sum": ("plain", ("counts", 17, "cells", 0, "weight"), 1e308, "Expected `float` <= 140737488355328.0"),
    "a weight of nothing": ("plain", ("counts", 17, "cells", 0, "weight"), 0, "Expected `float` > "),
    "weights as even as they cannot be": ("weighted", ("counts", 1, "cells", 0, "weight_sq"), lambda sum: sum / 100, "do not add up to those of everyone"),
    "clusters that are gone": ("clustered", ("counts",), lambda counts: [one | {"clusters": None} for one in counts], "the configuration has clusters by 'who', and no slice tells of any - at `$.counts`"),
    "clusters of nobody's rows": ("clustered", ("counts", 0, "clusters", "products"), lambda sums: [0.0] * len(sums), "everyone: no clusters of its rows have such sums - at `$.counts[0].clusters`"),
    "a sum over clusters is missing": ("clustered", ("counts", 0, "clusters", "beside"), [], "Expected `array` of length >= 21 - at `$.counts[0].clusters.beside`"),
    "matched rows of other slices": ("same rows", ("baseline", "matched", "slices", 1, "slice", "race"), "zz", "the matched rows are not cut as the audit's are - at `$.baseline.matched.slices`"),
    "matched rows of negative weight": ("same rows", ("baseline", "matched", "slices", 2, "cells", 0, "weight"), -1, "Expected `float` > "),
    "a kept interval without its value": ("weighted", ("judged_by", 0, "rest", "value"), lambda some: some[1:], "values, ends of intervals and effective rows are not as many - at `$.judged_by[0].rest`"),
    "a kept value outside its interval": ("clustered", ("judged_by", 0, "groups", "upper", 1), -0.9, "a value is above its interval - at `$.judged_by[0].groups`"),
    "a kept value that the metric cannot have": ("clustered", ("judged_by", 0, "groups", "lower", 0), -1e308, "calibration_in_the_large lies between -1 and 1 - at `$.judged_by[0].groups`"),
    "more effective rows than rows": ("described", ("judged_by", 0, "groups", "trials", 0), 1e12, "of 326 rows no group has so many, or so few, effective ones - at `$.judged_by[0].groups.trials`"),
    "a metric of nobody": ("weighted", ("rules", 2, "metric", 1), "x", "there is no metric 'x'; `fairaudit metrics list` names all - at `$.rules[2].metric[1]`"),
    "two rules of one name": ("plain", ("rules",), lambda rules: [*rules, rules[0]], "'four-fifths' is the id of two rules - at `$.rules[4].id`"),
    "a rule that would be refused": ("plain", ("rules", 0, "limit"), 7.0, "the limit of a ratio is at most 1"),
    "a configuration of other types": ("plain", ("manifest", "config", "threshold"), "half", "Expected `float`, got `str` - at `$.manifest.config.threshold`"),
    "more rows than a table can hold": ("plain", ("measurements", 0, "rows"), 2**63, "Expected `int` <= 9007199254740992 - at `$.measurements[0].rows`"),
    "a finding of as many": ("plain", ("findings", 0, "rows"), 2**63, "Expected `int` <= 9007199254740992 - at `$.findings[0].rows`"),
    "as many that it needs": ("plain", ("findings", 0, "rows_needed"), {"group": {}, "rows": 2**63}, "Expected `int` <= 9223372036854775807 - at `$.findings[0].rows_needed.rows`"),
    "a group of less than nobody": ("plain", ("left_out",), [{"rule": "four-fifths", "slicing": ["race"], "slice": {"race": "a"}, "rows": -1, "share": 0.1, "reason": "few"}], "Expected `int` >= 0 - at `$.left_out[0].rows`"),
    "a finding of no kind of comparison": ("plain", ("findings", 0, "kind"), "", "Invalid enum value '' - at `$.findings[0].kind`"),
    "a threshold that is none": ("plain", ("manifest", "thresholds"), {" ": 0.5}, "' ' is no threshold - at `$.manifest.thresholds`"),
    "a curve that ends early": ("described", ("sweeps", 0, "metrics", "selection_rate", "values"), lambda some: some[1:], "is not as long as its"),
    "a histogram without edges": ("described", ("histograms", 0, "edges"), [], "is not as long as its bins - at `$.histograms[0]`"),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_what_cannot_be_is_refused_in_one_sentence_with_its_place(case: str) -> None:
    name, place, new, sentence = REFUSED[case]
    with pytest.raises(ConfigError) as told:
        from_json(json.dumps(_changed(name, place, new)).encode(), where="audit.json")
    assert sentence in str(told.value) and "\n" not in str(told.value)
    assert str(told.value).startswith("audit.json is not an audit file that fairaudit can read (") and str(told.value).endswith("; give the audit.json that `fairaudit audit` wrote.")


@pytest.mark.parametrize(("name", "field"), [("plain", "calibration_bins"), ("described", "threshold"), ("described", "bins"), ("plain", "rules"), ("decided", "slices")])
def test_a_field_that_a_file_of_another_version_lacks_is_its_default(name: str, field: str) -> None:
    (lacking,), (whole,) = (rulings(one, Asked(views=("report",))) for one in (_changed(name, ("manifest", "config", field), GONE), real(name)))
    assert lacking[1].exit_code == whole[1].exit_code


@pytest.mark.parametrize("kind", ["ratio", "difference", "gap", "value", "change"])
@pytest.mark.parametrize("number", [1.7976931348623157e308, -1.7976931348623157e308])
def test_the_largest_number_that_a_finding_can_have_is_drawn(kind: str, number: float) -> None:
    """Rounded up for an axis it was infinite, which no axis can show."""
    document = _changed("plain", ("findings", 0), lambda one: one | {"kind": kind, "limit": [number, None], "value": number, "interval": [number, number]})
    assert rulings(document, Asked(views=("report",)))


def test_a_baseline_in_which_nobody_was_counted_passes_nobody() -> None:
    nobody = _changed("unpaired", ("counts",), []) | {"baseline": None}
    for _, decided in rulings(real("unpaired"), Asked(rules=("no-worse-than-baseline",), baseline=nobody, views=("formats",))):
        assert decided.exit_code == 3


def test_many_of_these_files_are_judged_and_not_refused() -> None:
    """Where nothing was broken, or what was broken is nobody's, files are judged; else the properties above would be of sentences alone."""
    judged = 0

    @settings(max_examples=25, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(ANY)
    def count(document: Any) -> None:
        nonlocal judged
        judged += bool(rulings(document, Asked(views=())))

    count()
    assert judged >= 6
