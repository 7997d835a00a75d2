"""Rules within a control: Berkeley's admissions, who a group is compared with, what the file of an audit holds, and how often fair people fail."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace as replace_struct

import fairaudit
from fairaudit.config import AuditConfig
from fairaudit.cube.counts import Counts
from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.errors import ConfigError
from fairaudit.evidence.strata import Tables
from fairaudit.gate.judged import rejudged
from fairaudit.reports.lookup import lookup
from fairaudit.reports.told import sentence_of
from fairaudit.result import from_json, to_json
from fairaudit.rules.finding import Finding, Outcome, Verdict
from fairaudit.rules.judge import judge, overall_verdict
from fairaudit.rules.library import load_rule, parse_rule
from fairaudit.rules.plan import Context
from fairaudit.rules.within import Within
from tests.builders import counts_from

# Bickel, Hammel & O'Connell (1975), Science 187:398, the six largest departments, as R's UCBAdmissions: admitted and applied, men and women.
BERKELEY = {"A": ((512, 825), (89, 108)), "B": ((353, 560), (17, 25)), "C": ((120, 325), (202, 593)), "D": ((138, 417), (131, 375)), "E": ((53, 191), (94, 393)), "F": ((22, 373), (24, 341))}
SEXES = ("male", "female")
Strata = dict[str, tuple[tuple[int, int], ...]]
RULE = "{schema: fairaudit/rule/1, id: trial, title: Trial, principle: Trial., source: [{cite: nobody, kind: convention, says_number: false, as_of: 2026-01-01}], limit_origin: ours, metric: selection_rate, comparison: ratio, reference: rest, limit: 0.8"


def _counted(strata: Strata, groups: tuple[str, ...]) -> tuple[Counts, Context]:
    """Counts of the groups, and within each stratum; nobody is labelled."""

    def table(some: dict[Slice, tuple[int, int]]) -> Counts:
        return counts_from({one: (0, 0, 0, 0) for one in some}, unlabelled={one: (applied - admitted, admitted) for one, (admitted, applied) in some.items()})

    crossed = {Slice([("sex", group), ("department", name)]): own for name, sides in strata.items() for group, own in zip(groups, sides, strict=True) if own[1]}
    whole = {Slice([("sex", group)]): tuple(sum(sides[place][part] for sides in strata.values()) for part in (0, 1)) for place, group in enumerate(groups)}
    everyone = {EVERYONE: tuple(sum(one[part] for one in whole.values()) for part in (0, 1))}
    counts = table({**everyone, **whole})  # type: ignore[dict-item]
    counts, within = (replace(one, rows=one.weight.astype(np.int64), has_labels=False) for one in (counts, table(crossed)))
    return counts, Context(slicings=(("sex",),), control=("department",), within=within)


def _judged(name: str, strata: Strata, groups: tuple[str, ...] = SEXES) -> dict[str, Finding]:
    counts, context = _counted(strata, groups)
    rule = parse_rule(name) if "{" in name else load_rule(name)
    return {str(one.group or "slicing"): one for one in judge([rule], counts, context)}


def test_berkeley_fails_four_fifths_and_passes_within_departments() -> None:
    plain = _judged("four-fifths", BERKELEY)
    assert plain["sex=female"].verdict is Verdict.FAIL and plain["sex=female"].value == pytest.approx(0.3035 / 0.4452, abs=1e-3)
    alike = _judged("conditional-parity", BERKELEY)
    found = alike["sex=female"]
    assert found.verdict is Verdict.PASS and found.control == ("department",)
    # Σ a m/N ÷ Σ c n/N by hand.
    top, bottom = (sum(one * two / (n + m) for one, two, n, m in side) for side in ([(a, m, n, m) for (_, m), (a, n) in ((s[0], s[1]) for s in BERKELEY.values())], [(c, n, n, m) for (c, m), (_, n) in ((s[0], s[1]) for s in BERKELEY.values())]))
    assert found.value == pytest.approx(top / bottom) and found.value > 1
    assert found.interval is not None and found.interval[0] < found.value < found.interval[1]
    assert alike["sex=male"].value == pytest.approx(bottom / top) and alike["sex=male"].verdict is Verdict.PASS


def test_a_difference_within_strata_is_found_which_the_whole_hides() -> None:
    """Simpson's other way round: in every department half as many women are admitted, and over all as many."""
    hidden: Strata = {"easy": ((160, 200), (400, 1000)), "hard": ((160, 1000), (16, 200))}
    assert _judged("four-fifths", hidden)["sex=female"].verdict is Verdict.PASS
    found = _judged("conditional-parity", hidden)["sex=female"]
    assert found.verdict is Verdict.FAIL and found.value == pytest.approx(0.5) and found.p_adjusted is not None and found.p_adjusted < 1e-6


def test_rows_with_nobody_to_compare_are_left_out_and_said() -> None:
    lone: Strata = {**BERKELEY, "G": ((0, 0), (300, 400))}
    found = _judged("conditional-parity", lone)["sex=female"]
    assert found.value == pytest.approx(_judged("conditional-parity", BERKELEY)["sex=female"].value) and "400 of its rows left out: nobody else is alike in department" in found.notes
    apart: Strata = {"A": ((50, 100), (0, 0)), "B": ((0, 0), (50, 100))}
    nobody = _judged("conditional-parity", apart)
    assert nobody["sex=female"].outcome is Outcome.UNDEFINED and nobody["sex=female"].reason == "nobody else is alike in department"
    assert overall_verdict(nobody.values()) is Verdict.INCONCLUSIVE and nobody["slicing"].needed_for_pass
    hardly: Strata = {"A": ((500, 1000), (1, 2)), "B": ((1, 2), (500, 1000))}
    assert overall_verdict(_judged("conditional-parity", hardly).values()) is Verdict.INCONCLUSIVE


def test_groups_that_the_control_makes_small_are_judged_together() -> None:
    """Whole, b and c have 400 rows each; within the control hardly any of them has anybody to be compared with."""
    strata: Strata = {"x": ((300, 500), (11, 20), (13, 20)), "y": ((0, 0), (200, 380), (0, 0)), "z": ((0, 0), (0, 0), (190, 380))}
    found = _judged("conditional-parity", strata, ("a", "b", "c"))
    assert "small groups together" in found and found["sex=b"].verdict is not Verdict.PASS
    assert "20 of 400 rows can be compared with others alike in department, too few" in found["sex=b"].reason


def test_a_large_group_that_nobody_can_be_compared_with_blocks_a_pass() -> None:
    """a and b pass; c, of 2,000 rows, is in a stratum of its own, and nobody has looked at it."""
    strata: Strata = {"x": ((500, 1000), (500, 1000), (0, 0)), "y": ((0, 0), (0, 0), (100, 2000))}
    found = _judged("conditional-parity", strata, ("a", "b", "c"))
    assert found["sex=a"].verdict is found["sex=b"].verdict is Verdict.PASS
    assert found["sex=c"].outcome is Outcome.UNDEFINED and found["sex=c"].needed_for_pass and overall_verdict(found.values()) is Verdict.INCONCLUSIVE


def test_without_the_counts_within_it_nothing_is_judged() -> None:
    counts, context = _counted(BERKELEY, SEXES)
    with pytest.raises(ConfigError, match="judges within department, and the audit's file holds no counts within it; audit again"):
        judge([load_rule("conditional-parity")], counts, replace(context, within=None))


def test_against_a_group_and_by_differences() -> None:
    groups = ("a", "b", "c")
    strata: Strata = {"x": ((300, 500), (150, 500), (290, 500)), "y": ((200, 500), (100, 500), (210, 500))}
    of_largest = _judged(f"{RULE.replace('reference: rest', 'reference: {sex: a}')}, control: [department]}}", strata, groups)
    assert of_largest["sex=b"].verdict is Verdict.FAIL and of_largest["sex=b"].value == pytest.approx(0.5) and str(of_largest["sex=b"].reference) == "sex=a"
    assert of_largest["sex=a"].outcome is Outcome.WITHIN and of_largest["sex=c"].verdict is Verdict.PASS
    apart = _judged(f"{RULE.replace('comparison: ratio', 'comparison: difference').replace('limit: 0.8', 'limit: 0.1')}, needs: [control]}}", strata, groups)
    assert apart["sex=b"].verdict is Verdict.FAIL and apart["sex=b"].value == pytest.approx((0.3 - 0.59 + 0.2 - 0.41) / 2)


def test_without_a_control_or_by_another_it_is_refused() -> None:
    counts, context = _counted(BERKELEY, SEXES)
    with pytest.raises(ConfigError, match="judges groups among people who are alike in a control, and this audit has none; name it with --control COL"):
        judge([load_rule("conditional-parity")], counts, replace(context, control=()))
    other = parse_rule(f"{RULE}, control: [level]}}")
    with pytest.raises(ConfigError, match="judges within level, and this audit's control is department; give both the same"):
        judge([other], counts, context)


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("comparison: gap, control: [a]", "within a control groups are compared by their ratio or difference, and not by a gap"),
        ("metric: roc_auc, comparison: difference, limit: 0.1, reference: rest, control: [a]", "within a control rates are judged, and 'roc_auc' is none"),
        ("reference: best, needs: [control]", "add `reference: rest`, largest, or {attribute: value}"),
    ],
)
def test_what_cannot_be_judged_within_strata(field: str, told: str) -> None:
    own = dict(part.split(": ", 1) for part in field.split(", ") if not part.startswith(("control", "needs")))
    text = RULE
    for name, value in own.items():
        start = text.index(f"{name}: ")
        end = text.find(", ", start)
        text = text[:start] + f"{name}: {value}" + (text[end:] if end >= 0 else "")
    if own.get("comparison") == "gap":
        text = text.replace(", reference: rest", "").replace("limit: 0.8", "limit: 0.1")
    with pytest.raises(ConfigError) as raised:
        parse_rule(f"{text}, {'needs: [control]' if 'needs' in field else 'control: [a]'}}}")
    assert told in str(raised.value)


@pytest.mark.no_cover
@pytest.mark.parametrize(("strata", "size"), [(3, 400), (30, 40)])
def test_fair_people_rarely_fail_though_groups_apply_where_few_are_selected(strata: int, size: int) -> None:
    """Four groups spread unevenly over strata whose rates run from 0.1 to 0.6: naive four-fifths would fail nearly always."""
    rng, groups = np.random.default_rng(5), ("a", "b", "c", "d")
    rule, failed, naive, runs = load_rule("conditional-parity"), 0, 0, 200
    rates = np.linspace(0.1, 0.6, strata)
    for _ in range(runs):
        shares = np.array([np.linspace(1 + lean, 1 - lean, strata) for lean in (0.8, 0.3, -0.3, -0.8)])
        rows = rng.poisson(shares * size)
        hits = rng.binomial(rows, rates)
        counts, context = _counted({str(one): tuple((int(hits[g, one]), int(rows[g, one])) for g in range(4)) for one in range(strata)}, groups)
        failed += any(one.verdict is Verdict.FAIL for one in judge([rule], counts, context))
        overall = hits.sum(axis=1) / rows.sum(axis=1)
        naive += overall.min() / overall.max() < 0.8
    assert failed <= 0.05 * runs + 2 * np.sqrt(runs * 0.05 * 0.95) and naive >= 0.9 * runs


def test_an_audit_and_the_gate_judge_alike_and_say_among_whom(tmp_path: Path) -> None:
    lines = ["sex,department,admitted"]
    for name, sides in BERKELEY.items():
        for sex, (admitted, applied) in zip(SEXES, sides, strict=True):
            lines += [f"{sex},{name},1"] * admitted + [f"{sex},{name},0"] * (applied - admitted)
    data = tmp_path / "berkeley.csv"
    data.write_text("\n".join(lines) + "\n")
    found = fairaudit.audit(AuditConfig(data=(str(data),), decision_column="admitted", protected=("sex",), control=("department",), rules=("four-fifths", "conditional-parity")))
    told = {(one.rule, str(one.group)): one for one in found.findings}
    assert told["four-fifths", "sex=female"].verdict is Verdict.FAIL and told["conditional-parity", "sex=female"].verdict is Verdict.PASS
    again = rejudged(from_json(to_json(found), where="audit.json"), ["conditional-parity", "four-fifths"])
    assert {(one.rule, str(one.group)): one for one in again.findings} == told
    assert sentence_of(lookup(found), told["conditional-parity", "sex=female"]).startswith("Among people alike in department: People whose sex is female are selected 1.")
    refused = replace_struct(found, strata=(), manifest=replace_struct(found.manifest, config={**found.manifest.config, "control": []}))
    with pytest.raises(ConfigError, match="this audit has none; name it with --control COL"):
        rejudged(refused, ["conditional-parity"])


def test_weights_say_one_in_a_thousand_as_often_as_it_is() -> None:
    """Rare events in three strata of 20 weighted rows: by a normal curve 0.001 came seven times as often."""
    rng, size, strata, runs = np.random.default_rng(9), 20, 3, 20_000

    def side(rows: int) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
        weight = rng.lognormal(0, 0.8, (runs, strata, rows))
        hits = (weight * (rng.random(weight.shape) < 0.05)).sum(axis=2)
        trials = weight.sum(axis=2) ** 2 / np.square(weight).sum(axis=2)
        return hits / weight.sum(axis=2) * trials, trials

    one, other = side(size), side(400)
    found = Within(control=("department",), tables=Tables(*one, *other), exact=False, outside=np.zeros(runs))
    assert np.mean(found.tails()[1] <= 0.001) <= 0.002 and np.mean(found.tails()[1] <= 0.05) <= 0.06


NOBODY = {"A": ((60, 100), (0, 40)), "B": ((150, 300), (0, 30))}  # of women nobody is admitted in either department


def test_a_group_of_whom_nobody_is_selected_is_convicted_by_the_interval_too() -> None:
    """At most 3.8 / 73.8 of seventy women (Wilson), against half of the men or more: far below four fifths."""
    found = _judged(RULE + ", decide_on: interval, needs: [control]}", NOBODY)["sex=female"]
    assert found.value == 0 and found.interval is not None and found.interval[0] == 0 and found.interval[1] < 0.2
    assert found.outcome is Outcome.BEYOND and found.verdict is Verdict.FAIL


def test_the_rows_that_an_interval_needs_within_a_control_are_more_than_one() -> None:
    """Three women of whom nobody is admitted, against half of the men: up to 3.8 / 6.8 of such may be, so nothing is shown yet; ten such women would be enough, as Wilson has it."""
    few = {"A": ((60, 120), (0, 2)), "B": ((150, 300), (0, 2))}
    found = _judged(RULE + ", decide_on: interval, needs: [control], minimum: {events: 1, non_events: 1}}", few)["sex=female"]
    assert found.outcome is Outcome.UNDECIDED and found.rows_needed is not None and 2 < found.rows_needed.rows < 40
