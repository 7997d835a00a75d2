"""What an explanation prints can be recomputed from what it prints: by arithmetic, and by other libraries from the counts."""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scipy import special, stats  # type: ignore[import-untyped]
from statsmodels.stats.contingency_tables import StratifiedTable  # type: ignore[import-untyped]

from fairaudit.cli import _run
from fairaudit.config import AuditConfig
from fairaudit.errors import ConfigError
from fairaudit.gate.judged import context_of
from fairaudit.metrics.catalogue import CATALOGUE
from fairaudit.reports.explained import as_data, as_text, explained, gone
from fairaudit.reports.named import chosen, listing, name_of
from fairaudit.reports.steps import Explanation
from fairaudit.result import Audit, counts_read, from_json, to_json
from fairaudit.rules.finding import DISAGREEMENT, Outcome, Verdict
from fairaudit.rules.judge import judge
from fairaudit.rules.library import load_rule, parse_rule
from fairaudit.rules.rule import Rule
from fairaudit.run import audit
from tests.rules.test_within import BERKELEY

EEOC = {"White": (48, 80), "Black": (12, 40)}
MANY = {"White": (300, 600), "Black": (120, 400), "Asian": (140, 300), "Other": (9, 20), "Latino": (3, 15)}
NUMBER = r"−?[\d,]+(?:\.\d+)?(?:×10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?"
_PLAIN = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def audited(rows: list[dict[str, Any]], *rules: str | Rule, **more: Any) -> Audit:
    """An audit as its file holds it; rules that are no shipped ones are put in afterwards."""
    names = tuple(one for one in rules if isinstance(one, str))
    kept = {name: [row[name] for row in rows] for name in rows[0]}
    types = {"y": pa.int8(), "d": pa.int8(), "w": pa.float64(), "s": pa.float64()}
    table = pa.table({name: pa.array(values, types.get(name, pa.string())) for name, values in kept.items()})
    given: dict[str, Any] = {"protected": ("race",), "engines": ("native",)} | ({} if "score_column" in more else {"decision_column": "d"}) | more
    found = audit(AuditConfig(rules=names, **given), data=table)
    own = tuple(one for one in rules if isinstance(one, Rule))
    if own:
        all_rules = (*found.rules, *own)
        found = msgspec.structs.replace(found, rules=all_rules, findings=judge(all_rules, counts_read(found), context_of(found)))
    return from_json(to_json(found), where="audit.json")


def decisions(groups: Mapping[str, tuple[int, int]], **more: Any) -> list[dict[str, Any]]:
    return [{"race": race, "d": int(place < selected), **more} for race, (selected, rows) in groups.items() for place in range(rows)]


def told(found: Audit, *words: str) -> str:
    (one,) = chosen(explained(found), words)
    return as_text(one, file="audit.json")


def rule(**fields: Any) -> Rule:
    given = {
        "schema": "fairaudit/rule/1", "id": "trial", "title": "Trial", "principle": "Trial.", "source": [{"cite": "nobody", "kind": "convention", "says_number": False, "as_of": "2026-01-01"}],
        "limit_origin": "ours", "metric": "selection_rate", "comparison": "ratio", "limit": 0.8,
    }  # fmt: skip
    return parse_rule(json.dumps(given | fields))


def value_of(text: str) -> float:
    mantissa, _, power = text.replace(",", "").replace("−", "-").partition("×10")
    return float(mantissa) * 10.0 ** int(power.translate(_PLAIN) or 0)


def numbers(pattern: str, text: str) -> list[float]:
    """The numbers in a text where the pattern, in which # is a number, first fits."""
    found = re.search(re.escape(pattern).replace(r"\#", "#").replace("#", f"({NUMBER})"), text)
    assert found is not None, f"{pattern!r} is not in\n{text}"
    return [value_of(one) for one in found.groups()]


def is_printed(printed: float, value: float, digits: int = 6) -> bool:
    """Whether a number is a value to so many digits."""
    if value == 0 or printed == 0:
        return abs(printed - value) < 1e-12
    return abs(printed - value) <= 0.501 * 10.0 ** (math.floor(math.log10(abs(value))) + 1 - digits)


def part(text: str, title: str) -> str:
    """One step of the text."""
    return text.split(f". {title}\n")[1].split("\n\n")[0]


def sums_that_hold(text: str) -> int:
    """Every sum in the text, worked out from its printed numbers; gives how many there are."""
    count = 0
    for line in text.splitlines():
        for left, right in re.findall(r"([\d(√][\d(),.√·²/×⁻⁰¹³⁴⁵⁶⁷⁸⁹ +−±]*) = (" + NUMBER + "(?: to " + NUMBER + ")?)", line):
            if not re.search(r"[+−±·×/²√]", left) or re.search(r"√(?!\()", left):  # a number alone, or a formula's letters before it
                continue
            sum_ = re.sub(r"×10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda found: f"e{found[1].translate(_PLAIN)}", left.replace(",", ""))
            for sign, printed in zip("-+" if "±" in sum_ else " ", right.split(" to "), strict=True):
                python = sum_.replace("±", sign).translate(str.maketrans({"·": "*", "×": "*", "−": "-", "²": "**2"})).replace("√", "math.sqrt")
                try:
                    worked_out = eval(python)
                except (ArithmeticError, ValueError):
                    raise AssertionError(f"this cannot be worked out: {line}") from None
                assert value_of(printed) == pytest.approx(worked_out, rel=2e-5, abs=2e-7), line
                count += 1
    return count


def wilson(events: float, trials: float, confidence: float) -> tuple[float, float]:
    """From the definition: the roots of (p̂ − p)² = z² p(1 − p)/n."""
    z2, rate = stats.norm.ppf(confidence) ** 2, events / trials
    a, b, c = 1 + z2 / trials, -(2 * rate + z2 / trials), rate**2
    root = math.sqrt(b * b - 4 * a * c)
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


def mover_r(one: tuple[float, float], other: tuple[float, float], confidence: float) -> tuple[float, float]:
    """In the usual form, as Fagerland and Newcombe print it."""
    (l1, u1), (l2, u2), p1, p2 = wilson(*one, confidence), wilson(*other, confidence), one[0] / one[1], other[0] / other[1]
    lower = (p1 * p2 - math.sqrt((p1 * p2) ** 2 - l1 * u2 * (2 * p1 - l1) * (2 * p2 - u2))) / (u2 * (2 * p2 - u2))
    return lower, (p1 * p2 + math.sqrt((p1 * p2) ** 2 - u1 * l2 * (2 * p1 - u1) * (2 * p2 - l2))) / (l2 * (2 * p2 - l2))


def test_the_example_of_the_eeoc_by_hand() -> None:
    """80 White applicants, 48 hired, and 40 Black, 12 hired: 60 and 30 %, a ratio of one half (44 FR 11996, question 21, in such numbers)."""
    text = told(audited(decisions(EEOC), "four-fifths"), "four-fifths", "race=Black")
    x, n = numbers("race=Black: # of # selected", text)
    y, m = numbers("race=White: # of # selected", text)
    assert (x, n, y, m) == (12, 40, 48, 80)
    assert "48 / 80 = 0.6 (60.0%)" in text and "12 / 40 = 0.3 (30.0%)" in text and "0.3 / 0.6 = 0.5" in text
    assert Fraction(12, 40) / Fraction(48, 80) == Fraction(1, 2)
    (p,) = numbers("fall to the 40 rows of race=Black: p = #", text)
    assert is_printed(p, stats.fisher_exact([[12, 28], [48, 32]], alternative="less").pvalue) and round(p, 4) == 0.0017
    raw, factor, holm = numbers("number 1: # × # = #", text)
    assert raw == p and factor == 2 and is_printed(holm, 2 * stats.fisher_exact([[12, 28], [48, 32]], alternative="less").pvalue)
    assert "The verdict: fail: past the limit" in text and "comes from official guidance, which is not law" in text


@pytest.mark.parametrize(("groups", "name"), [(EEOC, "Black"), (MANY, "Black"), (MANY, "Asian")])
def test_intervals_and_tests_of_counts_are_those_of_other_libraries(groups: dict[str, tuple[int, int]], name: str) -> None:
    text = told(audited(decisions(groups), "four-fifths"), "four-fifths", f"race={name}")
    reference = re.search(r"The reference is race=(\w+)", text)
    assert reference is not None
    own, other = (tuple(map(int, numbers(f"race={one}: # of # selected", text))) for one in (name, reference[1]))
    step = part(text, "Its 95 % interval")
    for one, counts in ((name, own), (reference[1], other)):
        lower, upper = re.findall(rf"race={one}, Wilson's limits: .* = ({NUMBER}) to ({NUMBER})", step)[0]
        ci = stats.binomtest(*counts).proportion_ci(0.95, method="wilson")
        assert is_printed(value_of(lower), ci.low, 8) and is_printed(value_of(upper), ci.high, 8)
    for end, value in zip(("lower", "upper"), mover_r(own, other, 0.975), strict=True):
        assert is_printed(value_of(re.findall(rf"{end}: .* = ({NUMBER})", step)[0]), value)
    rest = tuple(map(int, numbers(f"everyone but race={name}: # of # selected", text)))
    serious = part(text, "Is a serious violation excluded?")
    for end, value in zip(("lower", "upper"), mover_r(own, rest, 0.95), strict=True):
        assert is_printed(value_of(re.findall(rf"{end}: .* = ({NUMBER})", serious)[0]), value)
    test = part(text, "Is it more than chance?")
    few = stats.hypergeom.cdf(own[0], own[1] + rest[1], own[0] + rest[0], own[1])
    (p,) = numbers("p = #", test)
    assert is_printed(p, few)
    assert sums_that_hold(text) >= 8


def test_the_second_look_is_tukeys() -> None:
    text = told(audited(decisions(MANY), "four-fifths"), "four-fifths", "race=Black")
    step = part(text, "Is it more than chance?")
    (z,), (critical, _, _, groups), (p,) = numbers(") = #, at everyone's rate", step), numbers("q / √2 = #, q the upper # / # point of the studentized range of # groups", step), numbers("passes z·√2: p = #", step)
    assert groups == 3
    rate = Fraction(572, 1335)
    exact = (300 / 600 - 120 / 400) / math.sqrt(float(rate * (1 - rate) * (Fraction(1, 400) + Fraction(1, 600))))
    assert is_printed(z, exact)
    assert critical == pytest.approx(stats.studentized_range.ppf(1 - 0.025, 3, 1e6) / math.sqrt(2), rel=1e-4)
    assert p == pytest.approx(stats.studentized_range.sf(exact * math.sqrt(2), 3, 1e6), rel=0.02)
    assert "the small groups together" not in step.split("Second look")[0].split("table")[0]
    tests, first = numbers("There are # tests. Holm multiplies the smallest p by #", step)
    assert tests == first == 6, "five groups, and the small together"
    reported = numbers("at most 1: #", step)[0]
    assert reported == pytest.approx(2 * min(p, numbers("number 1: # × # = #", step)[2]), rel=1e-5)


def test_weighted_rows_are_worth_effective_ones_and_tested_by_them() -> None:
    rows = [row | {"w": (0.5, 1.0, 2.25)[place % 3]} for place, row in enumerate(decisions(MANY))]
    text = told(audited(rows, "four-fifths", weight="w"), "four-fifths", "race=Black")
    mine = [row for row in rows if row["race"] == "Black"]
    weight, square, selected = sum(row["w"] for row in mine), sum(row["w"] ** 2 for row in mine), sum(row["w"] for row in mine if row["d"])
    assert numbers("race=Black: weight # of # selected, of # rows", text) == pytest.approx([selected, weight, 400])
    size, events = numbers(f"race=Black: {weight:,.10g}² / {square:,.10g} = # effective rows; # effective events", text)
    assert is_printed(size, weight**2 / square, 10) and is_printed(events, selected / weight * weight**2 / square, 10)
    x, not_x = numbers("The table: race=Black: # events, # others", text)
    y, not_y = numbers("; everyone but race=Black: # events, # others", text)
    n, m = x + not_x, y + not_y
    (p,) = numbers("of so few events: p = #", text)
    trials = n * (n + m) / m
    missed = trials * (1 - x / n)
    assert is_printed(p, special.betainc(missed, trials - missed + 1, 1 - (x + y) / (n + m)))
    step = part(text, "Its 95 % interval")
    lower, upper = re.findall(rf"race=Black, Wilson's limits: .* = ({NUMBER}) to ({NUMBER})", step)[0]
    assert [is_printed(value_of(one), end, 8) for one, end in zip((lower, upper), wilson(events, size, 0.975), strict=True)] == [True, True]
    assert sums_that_hold(text) >= 12


def test_a_control_shows_its_strata_and_their_ratio_is_mantel_and_haenszels() -> None:
    rows = [{"race": sex, "department": name, "d": int(place < a)} for name, sides in BERKELEY.items() for sex, (a, n) in zip(("male", "female"), sides, strict=True) for place in range(n)]
    text = told(audited(rows, "conditional-parity", control=("department",)), "conditional-parity", "race=female")
    tables = [[int(value_of(one)) for one in found] for found in re.findall(rf"department=\w: ({NUMBER}) of ({NUMBER}) against ({NUMBER}) of ({NUMBER})", text)]
    assert tables == [[sides[1][0], sides[1][1], sides[0][0], sides[0][1]] for sides in BERKELEY.values()]
    ratio = sum(Fraction(a * m, n + m) for a, n, c, m in tables) / sum(Fraction(c * n, n + m) for a, n, c, m in tables)
    (printed,) = numbers("Σ a·m/N ÷ Σ c·n/N = #", text)
    assert is_printed(printed, float(ratio))
    top, bottom, variance = numbers("T = Σ a·m/N = #, B = Σ c·n/N = #; the variance of the ratio's logarithm, by Greenland and Robins: V = Σ (n·m·(a + c) − a·c·N)/N² ÷ (T·B) = #", text)
    log = StratifiedTable([np.array([[a, n - a], [c, m - c]]) for a, n, c, m in tables])
    assert top / bottom == pytest.approx(log.riskratio_pooled, rel=1e-7)
    exact = sum(Fraction(n * m * (a + c) - a * c * (n + m), (n + m) ** 2) for a, n, c, m in tables) / (
        sum(Fraction(a * m, n + m) for a, n, c, m in tables) * sum(Fraction(c * n, n + m) for a, n, c, m in tables)
    )
    assert is_printed(variance, float(exact), 8)
    for step, z in (("Its 95 % interval", stats.norm.ppf(0.975)), ("Is a serious violation excluded?", stats.norm.ppf(0.95))):
        for name, sign in (("lower", -1), ("upper", 1)):
            value, end = numbers(f"{name}: #·exp({'−' if sign < 0 else ''}{z:.7g}·√V) = #", part(text, step))
            assert is_printed(end, float(ratio) * math.exp(sign * z * math.sqrt(float(exact)))) and is_printed(value, float(ratio), 8)
    assert "The verdict: pass" in text


def test_where_nobody_is_selected_within_a_control_the_interval_is_made_of_two_means() -> None:
    rows = [row | {"department": "A" if place % 3 else "B"} for place, row in enumerate(decisions({"White": (48, 80), "Black": (0, 40)}))]
    text = told(audited(rows, "conditional-parity", control=("department",)), "conditional-parity", "race=Black")
    step = part(text, "Its 95 % interval")
    (p, low, high), (q, low2, high2) = numbers("here: #, from # to #", step), numbers("the reference: #, from # to #", step)
    assert p == low == 0
    (upper,) = numbers(") = #", step.split("upper: ")[2] if "upper: " in step.split("upper: ")[1] else step.split("upper: ")[1])
    assert upper == pytest.approx(math.sqrt(high**2 * low2 * (2 * q - low2)) / (low2 * (2 * q - low2)), rel=1e-5)
    assert "The verdict: fail" in text and high2 > q


def test_weighted_strata_are_tested_as_one_table_with_their_mean_and_variance() -> None:
    rows = [row | {"department": "ABC"[place % 3], "w": (0.5, 1.0, 2.25, 1.0)[place % 4]} for place, row in enumerate(decisions(MANY))]
    text = told(audited(rows, "conditional-parity", control=("department",), weight="w"), "conditional-parity", "race=Black")
    strata = [[value_of(one) for one in found] for found in re.findall(rf"department=\w: ({NUMBER}) of ({NUMBER}) against ({NUMBER}) of ({NUMBER}), s = ({NUMBER})", text)]
    assert len(strata) == 3
    (printed,) = numbers("Σ s·a·m/N ÷ Σ s·c·n/N = #", text)
    assert printed == pytest.approx(sum(s * a * m / (n + m) for a, n, c, m, s in strata) / sum(s * c * n / (n + m) for a, n, c, m, s in strata), rel=1e-5)
    x, n1, y, m1 = numbers("³: # of # here against # of #", text)
    assert n1 * (x + y) / (n1 + m1) == pytest.approx(sum(n * (a + c) / (n + m) for a, n, c, m, _ in strata), rel=1e-7)
    assert n1 * m1 * (x + y) * (n1 + m1 - x - y) / (n1 + m1) ** 3 == pytest.approx(sum(n * m * (a + c) * (n + m - a - c) / (n + m) ** 3 for a, n, c, m, _ in strata), rel=1e-7)
    (p,) = numbers("of so few events: p = #", text)
    trials = n1 * (n1 + m1) / m1
    assert p == pytest.approx(special.betainc(trials * (1 - x / n1), trials * x / n1 + 1, 1 - (x + y) / (n1 + m1)), rel=1e-5)


def since(folder: Path, cells: tuple[int, int, int, int], *flags: str, keeps: bool = True) -> Audit:
    """An audit beside a former one, of positives of race=Black by what was decided then and now: missed by both, now alone, then alone, and by none."""
    both, gained, lost, neither = cells
    people = [("Black", 1, then, now) for count, then, now in ((both, 0, 0), (gained, 1, 0), (lost, 0, 1), (neither, 1, 1)) for _ in range(count)]
    people += [("White", 1, place % 4 > 0, place % 4 > 0) for place in range(400)] + [(race, 0, 0, 0) for race in ("White", "Black") for _ in range(100)]
    for name, at in (("then", 2), ("now", 3)):
        lines = [f"{place},{one[0]},{one[1]},{0.9 if one[at] else 0.1},{(1, 2, 0.5)[place % 3]}" for place, one in enumerate(people)]
        (folder / f"{name}.csv").write_text("\n".join(["id,race,y,s,w", *lines]) + "\n")
        beside = ["--rule", "no-worse-than-baseline", "--baseline", str(folder / "then")] if name == "now" else []
        kept = ["--save-scores", "--id", "id"] if keeps else []
        given = ["--data", str(folder / f"{name}.csv"), "--label", "y", "--score-column", "s", "--protected", "race", "--engine", "native", "--out", str(folder / name)]
        assert _run(["audit", *given, *kept, *beside, *flags, "--quiet"]) == 0
    return from_json((folder / "now" / "audit.json").read_bytes(), where="audit.json")


def test_a_change_on_the_same_rows_is_mcnemars_and_newcombes(tmp_path: Path) -> None:
    both, gained, lost, neither = 40, 30, 8, 122
    text = told(since(tmp_path, (both, gained, lost, neither)), "no-worse-than-baseline", "race=Black", "fnr")
    assert "40 by both, 30 only now, 8 only before, 122 by neither" in text and "(30 − 8) / 200 = 0.11" in text
    (p,) = numbers("counted as 30 of 38: p = #", text)
    assert is_printed(p, stats.binomtest(gained, gained + lost, 0.5, alternative="greater").pvalue)
    (phi,) = numbers("φ = #", part(text, "Its 95 % interval"))
    assert is_printed(phi, (both * neither - gained * lost - 100) / math.sqrt(70 * 130 * 48 * 152), 8)
    for step, confidence in (("Its 95 % interval", 0.975), ("Is a serious violation excluded?", 0.95)):
        (l1, u1), (l2, u2) = wilson(70, 200, confidence), wilson(48, 200, confidence)
        for name, sign, (one, other) in (("lower", -1, (0.35 - l1, u2 - 0.24)), ("upper", 1, (0.24 - l2, u1 - 0.35))):
            exact = 0.11 + sign * math.sqrt(one**2 + other**2 - 2 * phi * one * other)
            assert is_printed(value_of(re.findall(rf"{name}: .* = ({NUMBER})", part(text, step))[0]), exact)
    assert sums_that_hold(text) >= 8


def test_a_change_of_rows_that_were_not_kept_is_fishers(tmp_path: Path) -> None:
    text = told(since(tmp_path, (40, 30, 8, 122), keeps=False), "no-worse-than-baseline", "race=Black", "fnr")
    assert "The table: race=Black: 70 events, 130 others; the baseline: 48 events, 152 others" in text
    (p,) = numbers("rows of race=Black: p = #", text)
    assert is_printed(p, stats.fisher_exact([[70, 130], [48, 152]], alternative="greater").pvalue)
    (l1, u1), (l2, u2) = wilson(70, 200, 0.975), wilson(48, 200, 0.975)
    for name, exact in (("lower", 0.11 - math.hypot(0.35 - l1, u2 - 0.24)), ("upper", 0.11 + math.hypot(u1 - 0.35, 0.24 - l2))):
        assert is_printed(value_of(re.findall(rf"{name}: .* = ({NUMBER})", part(text, "Its 95 % interval"))[0]), exact)
    assert sums_that_hold(text) >= 8


def test_a_change_of_weighted_rows_is_that_of_as_many_as_they_are_worth(tmp_path: Path) -> None:
    text = told(since(tmp_path, (40, 30, 8, 122), "--weight", "w"), "no-worse-than-baseline", "race=Black", "fnr")
    weights = [(1, 2, 0.5)[place % 3] for place in range(200)]
    (size, moved) = numbers("so they are worth # rows, and those that turned #", text)
    assert is_printed(size, sum(weights) ** 2 / sum(one**2 for one in weights), 10)
    assert is_printed(moved, sum(weights[40:78]) ** 2 / sum(one**2 for one in weights[40:78]), 10)
    x, n, p = numbers("counted as # of the # that they are worth: p = #", text)
    assert p == pytest.approx(special.betainc(x, n - x + 1, 0.5), rel=1e-5) and n == moved
    assert sums_that_hold(text) >= 8


def test_a_test_within_strata_of_one_stratum_is_fishers() -> None:
    rows = decisions(EEOC, department="A")
    text = told(audited(rows, "conditional-parity", control=("department",)), "conditional-parity", "race=Black")
    (p,) = numbers("fall to the group over all strata: p = #", text)
    assert is_printed(p, stats.fisher_exact([[12, 28], [48, 32]], alternative="less").pvalue)


def test_a_rule_on_a_value_is_tested_by_the_binomial_against_its_limit() -> None:
    text = told(audited(decisions(MANY), rule(comparison="value", limit=0.35, better="higher")), "trial", "race=Black")
    x, n = map(int, numbers("race=Black: # of # selected", text))
    (p,) = numbers("at a true rate of # have # events or fewer: p = #", text)[2:]
    assert is_printed(p, stats.binomtest(x, n, 0.35, alternative="less").pvalue)


VARIANTS = (
    {}, {"reference": "rest"}, {"reference": "overall"}, {"reference": "largest"}, {"direction": "either"}, {"reference": {"race": "a"}}, {"comparison": "difference", "limit": 0.1},
    {"comparison": "difference", "limit": 0.1, "reference": "overall", "direction": "either"}, {"comparison": "gap", "limit": 0.1}, {"comparison": "min_max_ratio"},
    {"comparison": "gap", "limit": 0.1, "metric": "mean_score", "needs": ["score"]}, {"comparison": "value", "limit": 0.4, "better": "higher"}, {"decide_on": "interval"}, {"decide_on": "point"},
    {"comparison": "gap", "limit": 0.1, "decide_on": "interval"}, {"severity": "warn", "multiplicity": {"method": "bh"}}, {"severity": "info", "multiplicity": {"method": "none"}},
    {"multiplicity": {"method": "holm", "family": "slicing"}}, {"multiplicity": {"method": "two-look", "family": "rule"}}, {"small_groups": "gate"}, {"small_groups": "report"}, {"missing": "count"},
    {"metric": "mean_score", "comparison": "difference", "limit": 0.1, "needs": ["score"]}, {"metric": "mean_score", "comparison": "difference", "limit": 0.1, "reference": "overall"},
    {"metric": "true_positive_rate"}, {"metric": ["false_positive_rate", "true_positive_rate"], "comparison": "difference", "limit": 0.1}, {"metric": "f1", "comparison": "value", "limit": 0.5},
    {"metric": "roc_auc", "comparison": "difference", "limit": 0.05}, {"metric": "calibration_ratio", "comparison": "value", "limit": 0.8}, {"minimum": {"events": 1, "non_events": 1}},
    {"minimum": {"events": 1, "non_events": 1}, "comparison": "difference", "limit": 0.1, "reference": "rest", "needs": ["control"]},
    {"minimum": {"events": 1, "non_events": 1}, "comparison": "min_max_ratio"}, {"minimum": {"events": 1, "non_events": 1}, "comparison": "gap", "limit": 0.2},
)  # fmt: skip


def _of_known_metrics(fields: dict[str, Any]) -> bool:
    names = fields.get("metric", "selection_rate")
    return {*([names] if isinstance(names, str) else names)} <= CATALOGUE.keys()


RULES = tuple(rule(id=f"trial-{place}", better="higher", **{name: value for name, value in fields.items() if name != "better"}) for place, fields in enumerate(VARIANTS) if _of_known_metrics(fields))
ROW = st.tuples(st.sampled_from(["a", "b", "c", None]), st.sampled_from(["x", "y"]), st.sampled_from([0, 1, None]), st.integers(0, 20).map(lambda k: k / 20), st.sampled_from([0.5, 1.0, 2.75]))
SHIPPED = ("four-fifths", "equalized-odds", "conditional-parity", "differential-fairness", "calibration-within-groups", "nyc-ll144-selection", "ranking-parity")


def _each_can_be_explained(found: Audit) -> None:
    every = explained(found)
    assert len(every) == len(found.findings) and gone(found, every) == ()
    for one in every:
        assert one.differs == ()
        text, data = as_text(one, file="audit.json"), as_data(one)
        assert [step["text"] for step in json.loads(json.dumps(data, allow_nan=False))["steps"]] == [list(step.lines) for step in one.steps()]
        assert not re.search(r"\b(nan|inf|None|array|np)\b", text), text
        sums_that_hold(text)
        assert one in chosen(every, shlex.split(name_of(one, every)))
    assert len(listing(every).splitlines()) == len(every)


@settings(max_examples=8, deadline=None, phases=(Phase.explicit, Phase.generate))  # an audit is slow to shrink
@given(rows=st.lists(ROW, min_size=1, max_size=40), how=st.sampled_from(["plain", "weights", "clusters"]), times=st.sampled_from([1, 30]))
def test_every_finding_of_any_audit_can_be_explained(rows: list[Any], how: str, times: int) -> None:
    names = ("race", "k", "y", "s", "w")
    made = [dict(zip(names, row, strict=True)) | {"cluster": str(place % 7)} for place, row in enumerate(rows * times)]
    own = [one for one in RULES if one.reference != {"race": "a"} or any(row[0] == "a" for row in rows)]
    more = {"plain": {}, "weights": {"weight": "w"}, "clusters": {"cluster": "cluster"}}[how]
    own = [one for one in own if all(CATALOGUE[name].shape.value == "rate" or (not CATALOGUE[name].needs_score and how != "clusters") for name in one.metrics)]
    _each_can_be_explained(audited(made, *SHIPPED, *own, score_column="s", label="y", control=("k",), **more))


def test_an_outcome_of_every_kind_is_explained() -> None:
    groups = {"a": (500, 1000), "b": (250, 1000), "c": (480, 1000), "d": (3, 8), "e": (0, 5)}
    found = audited(decisions(groups), "four-fifths", rule(metric="selection_rate", reference={"race": "e"}))
    outcomes = {one.finding.outcome for one in explained(found)}
    assert outcomes == set(Outcome)
    _each_can_be_explained(found)
    text = told(found, "trial", "race=a")
    assert "The verdict: inconclusive" in text and "undefined" in text
    small = told(found, "four-fifths", "the small groups of race")
    assert "The small groups are those too small to be judged alone: race=d; race=e." in small


def test_too_few_groups_of_a_slicing_are_explained() -> None:
    text = told(audited(decisions(EEOC), "four-fifths"), "four-fifths", "all groups of race")
    assert "race=Black: 12 of 40 selected; large enough to be judged alone: no" in text and "A verdict takes 2 groups" in text and "20 more rows of race=Black would be enough" in text


def test_a_file_whose_finding_is_not_what_its_counts_give_is_told() -> None:
    found = audited(decisions(EEOC), "four-fifths")
    forged = tuple(msgspec.structs.replace(one, verdict=Verdict.PASS, value=0.9) if str(one.group) == "race=Black" else one for one in found.findings)
    text = told(msgspec.structs.replace(found, findings=forged), "four-fifths", "race=Black")
    assert "AND THE FINDING STORED THERE SAYS OTHERWISE: verdict pass, and the counts give fail; value 0.9, and the counts give 0.5." in text
    assert "The verdict: fail" in text
    missing = msgspec.structs.replace(found, findings=tuple(one for one in found.findings if str(one.group) != "race=Black"))
    assert "SAYS OTHERWISE: there is no such finding" in told(missing, "four-fifths", "race=Black")
    more = (*found.findings, msgspec.structs.replace(found.findings[0], rule="gone"))
    held = msgspec.structs.replace(found, findings=more)
    assert gone(held, explained(held)) == ("gone on race=Black",)


def test_a_finding_is_named_by_rule_people_and_metric_in_any_order() -> None:
    rows = [row | {"sex": "fm"[place % 2], "y": place % 3 % 2} for place, row in enumerate(decisions(MANY))]
    every = explained(audited(rows, "four-fifths", "equalized-odds", label="y", protected=("race", "sex"), slices=("race*sex",)))

    def named(*words: str) -> Explanation:
        (one,) = chosen(every, words)
        return one

    crossed = named("four-fifths", "race=Black", "sex=f")
    assert crossed is named("sex=f, race=Black", "four-fifths") and str(crossed.finding.group) == "race=Black, sex=f"
    assert named("race=Black", "tpr").finding.metric == "true_positive_rate" and named("equalized-odds", "race=Black", "false_positive_rate").finding.rule == "equalized-odds"
    with pytest.raises(ConfigError, match="names 2 findings; name one of\n  equalized-odds race=Black true_positive_rate\n  equalized-odds race=Black false_positive_rate"):
        named("equalized-odds", "race=Black")
    for words, sentence in {
        ("four-fifths", "race=Blak"): "there is no finding on 'race=Blak'; did you mean 'race=Black'?", ("four-fiths", "race=Black"): "there is no rule, metric or slice 'four-fiths'; did you mean 'four-fifths'?",
        ("four-fifths", "tpr"): "no finding is named 'four-fifths tpr': each word names something, but not together", ("four-fifths", "sex=x=y"): "there is no finding on 'sex=x=y'; did you mean",
    }.items():  # fmt: skip
        with pytest.raises(ConfigError) as caught:
            named(*words)
        assert sentence in str(caught.value)


def test_without_rules_there_is_nothing_to_explain() -> None:
    with pytest.raises(ConfigError, match="made without rules"):
        explained(audited(decisions(EEOC)))


def test_the_list_is_gravest_first() -> None:
    words = [line.split()[0] for line in listing(explained(audited(decisions(EEOC), "four-fifths"))).splitlines()]
    assert words == ["fail", "inconclusive", "reference"]
    assert load_rule("four-fifths").limit == 0.8


def test_the_families_that_are_named_are_as_many_as_the_error_is_divided_by() -> None:
    rows = [row | {"sex": "fm"[place % 2]} for place, row in enumerate(decisions(MANY))]
    own = [rule(id=f"own-{family}", multiplicity={"method": "two-look", "family": family}) for family in ("run", "rule", "slicing")]
    found = audited(rows, "four-fifths", *own, rule(id="warns", severity="warn"), protected=("race", "sex"))
    for name, families in {"four-fifths": 8, "own-run": 8, "own-rule": 2, "own-slicing": 1, "warns": 2}.items():
        step = part(told(found, name, "race=Black"), "Is it more than chance?")
        error, divisor, alpha = numbers("This one may spend # / # = #", step)
        named = re.search(r"\((.* on .*)\)\.", step)
        assert named is not None and len(named[1].split("; ")) == divisor == families and is_printed(alpha, error / families)


def test_engines_that_disagree_are_explained_too() -> None:
    found = audited(decisions(EEOC), "four-fifths")
    differing = msgspec.structs.replace(found.findings[0], rule=DISAGREEMENT, verdict=Verdict.INCONCLUSIVE, outcome=Outcome.UNDEFINED, reason="native says 0.3 and tfma 0.4")
    text = told(msgspec.structs.replace(found, findings=(*found.findings, differing)), DISAGREEMENT)
    assert "1. The verdict\n   Native says 0.3 and tfma 0.4." in text and "no rule judges this" in text
