"""Rules on what is no rate, and on values and gaps: the statistics against their own definitions, on rows that a test can count itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm, studentized_range
from sklearn.metrics import roc_auc_score

from fairaudit.cube.counts import Counts
from fairaudit.cube.joined import Part, joined
from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.errors import ConfigError
from fairaudit.evidence.estimates import estimate
from fairaudit.evidence.measurement import Group, GroupKind
from fairaudit.evidence.wanted import PARAMS
from fairaudit.metrics.catalogue import CATALOGUE, Better
from fairaudit.rules.finding import Finding, Outcome, Verdict
from fairaudit.rules.judge import judge, kept_for_the_gate, overall_verdict
from fairaudit.rules.limits import Line, line, serious_magnitude
from fairaudit.rules.plan import Context
from fairaudit.rules.sides import OF_CELLS, can_be_judged
from tests.builders import counts_from, counts_of_rows
from tests.rules.selections import CONTEXT, Table, by_group, qualified, rule, selections, slice_of

NAMES = ("a", "b", "c")


class Rows:
    """Rows with group, label and score; a score above a half is selected."""

    def __init__(self, sizes: tuple[int, ...], *, skill: tuple[float, ...] = (3.0, 3.0, 3.0), seed: int = 0, weighted: bool = False) -> None:
        rng = np.random.default_rng(seed)
        self.group = np.repeat(np.array(NAMES)[: len(sizes)], sizes)
        self.label = (rng.random(self.group.size) < 0.4).astype(int)
        of = np.array(dict(zip(NAMES, skill, strict=True))["a"] if len(set(skill)) == 1 else [dict(zip(NAMES, skill, strict=True))[one] for one in self.group])
        self.score = np.clip(np.round(np.where(self.label == 1, rng.beta(of, 2, self.group.size), rng.beta(2, 3, self.group.size)), 2), 0.01, 0.99)
        self.weight = rng.integers(1, 4, self.group.size).astype(float) if weighted else None

    @property
    def counts(self) -> Counts:
        masks = {slice_of(name): self.group == name for name in dict.fromkeys(self.group.tolist())}
        return counts_of_rows(
            masks, label=self.label.tolist(), decision=(self.score > 0.5).astype(int).tolist(), score=self.score.tolist(),
            weight=None if self.weight is None else self.weight.tolist(),
        )  # fmt: skip

    def of(self, name: str) -> Any:
        return self.group == name

    def auc(self, mask: Any) -> float:
        return float(roc_auc_score(self.label[mask], self.score[mask]))


def judged_by(counts: Counts, **changes: Any) -> dict[str, Finding]:
    return by_group(judge([rule(**({"serious": "null", "metric": "roc_auc", "comparison": "difference", "limit": 0.05} | changes))], counts, CONTEXT))


# What rules rest on.


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_slices_put_together_are_counted_as_their_rows_are(seed: int, weighted: bool) -> None:
    rows = Rows((30, 20, 10), seed=seed, weighted=weighted)
    found = rows.counts
    a, b, c = (found.index(slice_of(name)) for name in NAMES)
    both, rest = Slice([("part", "both")]), Slice([("part", "rest")])
    made = joined(found, [Part(slice=both, plus=(a, b)), Part(slice=rest, plus=(a, b, c), minus=(a,)), Part(slice=EVERYONE, plus=(a, b, c))])
    wanted = counts_of_rows(
        {both: rows.group != "c", rest: rows.group != "a"}, label=rows.label.tolist(), decision=(rows.score > 0.5).astype(int).tolist(),
        score=rows.score.tolist(), weight=None if rows.weight is None else rows.weight.tolist(),
    )  # fmt: skip
    for one in (both, rest, EVERYONE):
        mine, theirs = made.index(one), wanted.index(one)
        for name in ("rows", "weight", "weight_sq", "score", "score_sq"):
            assert np.allclose(getattr(made, name)[mine], getattr(wanted, name)[theirs])
    for name in ("roc_auc", "pr_auc", "log_loss", "ks_separation", "scoring_rate", "bpsn_auc"):
        found_, wanted_ = (estimate(CATALOGUE[name], counts) for counts in (made, wanted))
        assert found_ is not None and wanted_ is not None
        for part in ("value", "lower", "upper"):
            mine_, theirs_ = ([float(getattr(one, part)[counts.index(cut)]) for cut in (both, rest)] for one, counts in ((found_, made), (wanted_, wanted)))
            assert mine_ == pytest.approx(theirs_, nan_ok=True, abs=1e-9), (name, part)


@pytest.mark.parametrize("name", [one.id for one in CATALOGUE.values() if can_be_judged(one)])
def test_what_is_not_said_to_need_single_scores_does_not(name: str) -> None:
    counts = Rows((60, 40, 30)).counts
    without = replace(counts, score_cells=None, unlabelled_cells=None)
    whole, bare = (estimate(CATALOGUE[name], one, dict(PARAMS.get(name, ()))) for one in (counts, without))
    assert whole is not None and bare is not None
    same = all(np.allclose(getattr(whole, part), getattr(bare, part), equal_nan=True) for part in ("value", "lower", "upper"))
    assert same != (name in OF_CELLS)


# What is no rate, compared.


def test_an_auc_is_compared_with_the_best_and_tested_against_everyone_else() -> None:
    rows = Rows((300, 200, 150), skill=(3.0, 3.0, 1.6))
    found = judged_by(rows.counts)
    aucs = {name: rows.auc(rows.of(name)) for name in NAMES}
    best = max(aucs, key=lambda name: aucs[name])
    assert found["c"].value == pytest.approx(aucs["c"] - aucs[best]) and found["c"].reference == Group(slice=slice_of(best))
    rest = judged_by(rows.counts, reference="rest")
    assert rest["c"].value == pytest.approx(aucs["c"] - rows.auc(~rows.of("c"))) and rest["c"].reference == Group(kind=GroupKind.REST, slice=slice_of("c"))
    assert found["c"].verdict is Verdict.FAIL and found["c"].events is None


def test_an_auc_against_everyone_has_the_value_of_both() -> None:
    rows = Rows((300, 200, 150), skill=(3.0, 3.0, 1.6))
    overall = judged_by(rows.counts, reference="overall")["b"]
    assert overall.value == pytest.approx(rows.auc(rows.of("b")) - rows.auc(np.ones(rows.group.size, dtype=bool)))
    crossed = judged_by(rows.counts, metric="bpsn_auc", reference="overall")["b"]
    mine = (rows.of("b") & (rows.label == 0)) | (~rows.of("b") & (rows.label == 1))
    assert crossed.value == pytest.approx(rows.auc(mine) - rows.auc(np.ones(rows.group.size, dtype=bool)))


def test_mean_scores_are_tested_with_one_variance_for_all() -> None:
    rows = Rows((300, 200, 150), skill=(3.0, 3.0, 2.0))
    found = judged_by(rows.counts, metric="mean_score", better="higher", reference="{group: a}", multiplicity="{method: none}", severity="warn")
    a, c = (rows.score[rows.of(name)] for name in "ac")
    z = (c.mean() - a.mean()) / np.sqrt(rows.score.var() * (1 / a.size + 1 / c.size))
    assert found["c"].value == pytest.approx(c.mean() - a.mean())
    assert found["c"].p_adjusted == pytest.approx(norm.cdf(z), rel=0.01)  # the variance is read from an interval, which is Student's


def test_groups_too_small_for_a_standard_error_are_not_tested_one_by_one() -> None:
    found = judged_by(Rows((300, 200, 20)).counts, metric="balanced_accuracy")
    assert found["c"].p_adjusted is None and found["c"].verdict is Verdict.INCONCLUSIVE and not found["c"].needed_for_pass
    assert found["c"].rows_needed is not None and found["c"].rows_needed.group == Group(slice=slice_of("c"))


@pytest.mark.no_cover
def test_more_rows_of_the_group_are_what_an_undecided_difference_needs() -> None:
    """As many as it says, of people like these, and the serious violation is found in four of five data sets."""
    found = judged_by(Rows((4000, 4000, 120)).counts, serious=0.1)["c"]
    assert found.verdict is Verdict.INCONCLUSIVE and found.rows_needed is not None
    size = 120 + found.rows_needed.rows
    lowered = _skill_of(_auc(3.0) - 0.1)
    fails = [judged_by(Rows((4000, 4000, size), skill=(3.0, 3.0, lowered), seed=seed).counts, serious=0.1)["c"].verdict is Verdict.FAIL for seed in range(60)]
    assert 0.65 <= np.mean(fails) <= 1.0


def _auc(skill: float) -> float:
    rng = np.random.default_rng(1)
    return float((rng.beta(skill, 2, 10**6) > rng.beta(2, 3, 10**6)).mean())


def _skill_of(auc: float) -> float:
    low, high = 0.5, 3.0
    while high - low > 1e-3:
        middle = (low + high) / 2
        low, high = (middle, high) if _auc(middle) < auc else (low, middle)
    return low


# Values.


def test_a_rate_is_held_against_its_limit_by_the_binomial() -> None:
    groups: Table = {"a": (800, 1000), "b": (170, 250), "c": (790, 1000)}
    found = by_group(judge([rule("equal-opportunity", comparison="value", limit=0.75, serious=0.5)], qualified(groups), CONTEXT))
    assert found["b"].p_adjusted == pytest.approx(3 * float(binom.cdf(170, 250, 0.75)))
    assert found["b"].verdict is Verdict.FAIL and found["b"].limit == (0.75, None) and found["b"].reference is None
    assert found["a"].outcome is Outcome.WITHIN and found["c"].outcome is Outcome.WITHIN


def test_a_value_exactly_at_its_limit_is_not_past_it() -> None:
    way: dict[str, Any] = {"comparison": "value", "limit": 0.7, "serious": 0.5, "decide_on": "point", "severity": "warn"}
    at, under = (by_group(judge([rule("equal-opportunity", **way)], qualified({"a": (tp, 100), "b": (80, 100)}), CONTEXT))["a"] for tp in (70, 69))
    assert at.outcome is not Outcome.BEYOND and under.outcome is Outcome.BEYOND


def test_calibration_is_judged_on_both_sides_of_its_limit() -> None:
    rows = Rows((400, 400, 400))
    rows.score = np.where(rows.group == "a", np.clip(rows.score - 0.2, 0.01, 0.99), rows.score)
    means = {name: float((rows.score - rows.label)[rows.of(name)].mean()) for name in NAMES}
    assert means["a"] < -0.05 and means["b"] > 0.02
    found = judged_by(rows.counts, metric="calibration_in_the_large", comparison="value", limit=0.05, multiplicity="{method: none}", severity="warn")
    assert found["a"].limit == (-0.05, 0.05) and found["a"].value == pytest.approx(means["a"])
    residual = (rows.score - rows.label)[rows.of("a")]
    z = (residual.mean() + 0.05) / (residual.std(ddof=1) / np.sqrt(residual.size))
    assert found["a"].p_adjusted == pytest.approx(norm.cdf(z), rel=0.02)


def test_one_group_is_enough_to_be_held_against_a_limit() -> None:
    found = by_group(judge([rule("equal-opportunity", comparison="value", limit=0.7, serious=0.5)], qualified({"a": (90, 100)}), CONTEXT))
    assert overall_verdict(found.values()) is Verdict.PASS
    small = by_group(judge([rule("equal-opportunity", comparison="value", limit=0.7, serious=0.5)], qualified({"a": (9, 10)}), CONTEXT))
    assert overall_verdict(small.values()) is Verdict.INCONCLUSIVE and "to be judged; about" in small["slicing"].reason


# The two that are furthest apart.


def test_a_gap_is_between_the_lowest_and_the_highest_and_tested_by_tukey() -> None:
    groups: Table = {"a": (160, 500), "b": (150, 500), "c": (110, 500)}
    (found,) = judge([rule(comparison="gap", limit=0.05, serious="null")], selections(groups), CONTEXT)
    assert (found.value, found.kind, found.limit) == (pytest.approx(0.1), "gap", (None, 0.05))
    assert found.group == Group(slice=slice_of("c")) and found.reference == Group(slice=slice_of("a"))
    z = 0.1 / np.sqrt(0.28 * 0.72 * 2 / 500)
    assert found.p_adjusted == pytest.approx(float(studentized_range.sf(z * np.sqrt(2), 3, np.inf)), rel=1e-6)
    assert found.verdict is Verdict.FAIL


def test_the_smallest_over_the_largest_at_exactly_four_fifths_is_not_past_it() -> None:
    way: dict[str, Any] = {"comparison": "min_max_ratio", "decide_on": "point", "severity": "warn"}
    at, under = (judge([rule(**way)], selections({"a": (600, 1000), "b": (b, 1000)}), CONTEXT)[0] for b in (480, 479))
    assert at.value == pytest.approx(0.8) and at.outcome is not Outcome.BEYOND and under.outcome is Outcome.BEYOND


def test_small_groups_are_in_a_gap_together() -> None:
    groups: Table = {"a": (300, 1000), "b": (150, 500), "e": (5, 70), "f": (1, 70)}
    (found,) = judge([rule(comparison="gap", limit=0.05, serious="null")], selections(groups), CONTEXT)
    assert found.group is not None and found.group.kind is GroupKind.POOL and found.value == pytest.approx(0.3 - 6 / 140) and found.verdict is Verdict.FAIL


def test_a_gap_of_which_a_group_has_no_value_is_never_a_pass() -> None:
    """Nobody of b was selected, so it has no positive predictive value."""
    counts = counts_from({EVERYONE: (0, 0, 0, 0), slice_of("a"): (200, 100, 100, 600), slice_of("b"): (0, 0, 300, 700), slice_of("c"): (200, 100, 100, 600)})
    (found,) = judge([rule(metric="f1", comparison="gap", limit=0.9, serious=0.95)], replace(counts, weight=np.where(counts.weight == 300, 0.0, counts.weight)), CONTEXT)
    assert found.outcome is not Outcome.UNDEFINED
    partial = by_group(judge([rule(metric="matthews_correlation", comparison="gap", limit=0.9, serious=0.95)], counts, CONTEXT))
    (one,) = partial.values()
    assert one.verdict is Verdict.INCONCLUSIVE and "it is of some groups only" in one.reason and "group=b" in one.reason


def test_a_gap_of_fewer_than_two_groups_stays_open() -> None:
    found = judge([rule(comparison="gap", limit=0.1, serious="null")], selections({"a": (300, 1000), "b": (3, 10)}), CONTEXT)
    assert [one.group for one in found] == [None] and overall_verdict(found) is Verdict.INCONCLUSIVE


# One number over all groups.


def test_differential_fairness_is_judged_as_a_whole_and_names_its_pair() -> None:
    counts = selections({"a": (500, 1000), "b": (300, 1000), "c": (480, 1000)})
    (found,) = judge([rule(metric="differential_fairness", comparison="value", limit=0.223, serious="null")], counts, CONTEXT)
    assert found.value == pytest.approx(np.log(500.5 / 300.5)) and found.verdict is Verdict.FAIL
    assert found.group == Group(slice=slice_of("b")) and found.reference == Group(slice=slice_of("a"))
    (fair,) = judge([rule(metric="differential_fairness", comparison="value", limit=0.223, serious="null")], selections({"a": (500, 1000), "b": (490, 1000)}), CONTEXT)
    assert fair.outcome is Outcome.WITHIN
    (few,) = judge([rule(metric="differential_fairness", comparison="value", limit=0.223, serious="null")], selections({"a": (5, 10), "b": (5, 10)}), CONTEXT)
    assert few.verdict is Verdict.INCONCLUSIVE and few.rows_needed is not None


@pytest.mark.parametrize(("metric", "limit", "serious"), [("differential_fairness", 0.223, 3.0), ("equalized_odds_gap", 0.03, 0.9)])
def test_a_whole_whose_interval_holds_the_limit_is_never_failed(metric: str, limit: float, serious: float) -> None:
    """Fair groups of 1000 to 30 at a rate of 0.05: the value is far past the limit by chance alone, and its interval begins at 0, where it is cut."""
    rng, failed = np.random.default_rng(11), 0
    for _ in range(60):
        table = {EVERYONE: (0, 0, 0, 0)} | {
            slice_of(name): (float(tp := rng.binomial(size // 2, 0.05)), float(fp := rng.binomial(size // 2, 0.05)), size // 2 - tp, size // 2 - fp)
            for name, size in zip("abcdef", (1000, 500, 250, 150, 70, 30), strict=True)
        }
        failed += judge([rule(metric=metric, comparison="value", limit=limit, serious=serious)], counts_from(table), CONTEXT)[0].verdict is Verdict.FAIL
    assert failed <= 3


def test_calibration_errors_of_calibrated_scores_are_never_failed_by_what_chance_gives() -> None:
    rng = np.random.default_rng(12)
    for _ in range(20):
        score = np.round(rng.beta(2, 3, 100), 2)
        rows = counts_of_rows({slice_of("a"): np.ones(100, dtype=bool)}, label=(rng.random(100) < score).astype(int).tolist(), decision=(score > 0.5).astype(int).tolist(), score=score.tolist())
        way: dict[str, Any] = {"comparison": "value", "severity": "warn", "multiplicity": "{method: none}"}
        assert judged_by(rows, metric="expected_calibration_error", limit=0.01, **way)["a"].verdict is not Verdict.FAIL


@pytest.mark.parametrize("comparison", ["gap", "min_max_ratio"])
def test_a_large_group_with_an_infinite_value_is_never_left_out_of_a_pass(comparison: str) -> None:
    """Nobody of b is wrongly selected, so its likelihood ratio is undefined; with a log loss it would be infinite."""
    counts = counts_from({EVERYONE: (0, 0, 0, 0), **{slice_of(name): (80, fp, 20, 100 - fp) for name, fp in (("a", 20), ("b", 0), ("c", 21))}})
    found = judge([rule(metric="positive_likelihood_ratio", comparison=comparison, limit=0.5, serious=0.1 if comparison == "min_max_ratio" else 3.0)], counts, CONTEXT)
    assert overall_verdict(found) is Verdict.INCONCLUSIVE and "it is of some groups only" in found[0].reason and "group=b" in found[0].reason


def test_limits_on_either_side_of_1_are_one_rule() -> None:
    one, other = (rule(metric="calibration_ratio", comparison="value", limit=limit, serious="null") for limit in (0.8, 1.25))
    entry = CATALOGUE["calibration_ratio"]
    assert [line(each, entry, Better.NEITHER, each.limit) for each in (one, other)] == [Line(0.8, 1.25)] * 2
    assert [serious_magnitude(each, entry, Better.NEITHER) for each in (one, other)] == [0.5, 0.5]
    assert Line(0.8, 1.25).nearest(1.2) == 1.25 and Line(0.8, 1.25).nearest(0.9) == 0.8


# From a file, and whatever the data.


@pytest.mark.parametrize("name", ["log_loss", "mean_score", "roc_auc", "f1"])
@pytest.mark.parametrize("clustered", [False, True])
def test_the_gate_says_of_the_file_what_the_audit_said_of_the_rows(name: str, clustered: bool, tmp_path: Any) -> None:
    """Also where a score was surely wrong, and where clusters have rows in several groups."""
    import pandas as pd

    from fairaudit import AuditConfig, audit
    from fairaudit.gate.judged import rejudged
    from fairaudit.result import from_json, to_json

    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"group": rng.choice(list("abcd"), 900, p=[0.5, 0.3, 0.15, 0.05]), "label": rng.integers(0, 2, 900), "person": rng.integers(0, 300, 900)})
    frame["score"] = np.where((frame.index == 3), 1.0 - frame.label, np.round(rng.beta(2 + frame.label, 3 - frame.label), 3))
    files = []
    for kind, more in (("difference", "reference: best"), ("difference", "reference: overall"), ("value", ""), ("gap", "")):
        for way in ("significant", "point"):
            files.append(tmp_path / f"{kind}{len(files)}.yaml")
            files[-1].write_text(
                f"schema: fairaudit/rule/1\nid: r{len(files)}\ntitle: r{len(files)}\nprinciple: p\nsource: [{{cite: x, kind: convention, says_number: false, as_of: 2026-01-01}}]\n"
                f"limit_origin: ours\nmetric: {name}\ncomparison: {kind}\nlimit: 0.1\nserious: {0.05 if kind == 'value' and name != 'log_loss' else 0.5}\nbetter: {'lower' if name == 'log_loss' else 'higher'}\ndecide_on: {way}\n{more}\n"
            )
    config = AuditConfig(score_column="score", label="label", protected=("group",), rules=tuple(map(str, files)), engines=("native",), cluster="person" if clustered else None)
    found = audit(config, data=frame)
    assert rejudged(from_json(to_json(found), where="audit.json"), ()).findings == found.findings


def test_a_rule_on_scores_is_judged_again_from_what_the_audit_kept() -> None:
    counts = Rows((300, 200, 15)).counts
    rules = [rule(metric="roc_auc", comparison="difference", limit=0.05, serious="null"), rule(id="scored", metric="scoring_rate", better="higher", limit=0.8)]
    kept = kept_for_the_gate(rules, counts, CONTEXT)
    without = replace(counts, score_cells=None, unlabelled_cells=None)
    context = Context(slicings=CONTEXT.slicings, kept=kept)
    assert judge(rules, without, context) == judge(rules, counts, CONTEXT)
    with pytest.raises(ConfigError, match="pr_auc by group needs the scores themselves, which an audit file does not hold; audit again with a --rule on it"):
        judge([rule(metric="pr_auc", comparison="difference", limit=0.05, serious="null")], without, context)


KINDS: list[dict[str, Any]] = [
    {"metric": name, "comparison": kind, "reference": reference, "better": "higher", "limit": 0.1, "serious": 0.2}
    for name in ("true_positive_rate", "roc_auc", "f1", "mean_score", "calibration_in_the_large", "coefficient_of_discrimination", "log_loss")
    for kind, reference in (("difference", "best"), ("difference", "rest"), ("difference", "overall"), ("difference", "largest"), ("gap", "best"))
] + [{"metric": name, "comparison": "value", "limit": 0.2, "serious": 0.4} for name in ("false_positive_rate", "brier_score", "calibration_in_the_large", "equalized_odds_gap")]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(KINDS), st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2), st.sampled_from([0.0, 0.2, 0.5, 0.8, 1.0]), st.integers(1, 60)), max_size=12))
def test_nothing_passes_without_a_value_whatever_the_rows(way: dict[str, Any], rows: list[tuple[str, int, float, int]]) -> None:
    group, label, score = (np.repeat([one[place] for one in rows] or [x], [one[3] for one in rows] or [1]) for place, x in ((0, "a"), (1, 1), (2, 0.5)))
    masks = {slice_of(name): group == name for name in sorted(set(group.tolist()))}
    counts = counts_of_rows(masks, label=label.astype(int).tolist(), decision=(score > 0.5).astype(int).tolist(), score=score.astype(float).tolist())
    found = judge([rule(**way)], counts, CONTEXT)
    assert found
    for one in found:
        assert one.verdict is not Verdict.PASS or (one.value is not None and one.outcome in (Outcome.WITHIN, Outcome.UNDECIDED))
        assert (one.outcome is Outcome.UNDEFINED) <= (one.verdict is Verdict.INCONCLUSIVE) and one.reason


# Rows in clusters.


@pytest.mark.parametrize("sizes", [(300, 200), (300, 200, 150), (300, 200, 30, 25)])
def test_rules_of_every_kind_rest_on_clusters_whatever_groups_there_are(sizes: tuple[int, ...], tmp_path: Any) -> None:
    """Every row three times over, as one person's, says what the rows once say, but for the factors of few clusters; taken as independent it would say three times as much."""
    import pandas as pd

    from fairaudit import AuditConfig, audit
    from fairaudit.gate.judged import rejudged

    rng = np.random.default_rng(5)
    group = np.repeat(np.array(["a", "b", "c", "d"])[: len(sizes)], sizes)
    label = (rng.random(group.size) < 0.4).astype(int)
    frame = pd.DataFrame({"group": group, "label": label, "score": np.round(np.where(label == 1, rng.beta(3, 2, group.size), rng.beta(2, 3, group.size)), 2), "person": np.arange(group.size)})
    files = []
    for name, fields in {
        "auc": "metric: roc_auc\ncomparison: difference\nlimit: 0.05", "calibrated": "metric: calibration_in_the_large\ncomparison: value\nlimit: 0.05",
        "balanced": "metric: balanced_accuracy\ncomparison: difference\nlimit: 0.1", "gap": "metric: tpr\ncomparison: gap\nlimit: 0.1",
    }.items():  # fmt: skip
        files.append(tmp_path / f"{name}.yaml")
        files[-1].write_text(
            f"schema: fairaudit/rule/1\nid: {name}\ntitle: {name}\nprinciple: p\nsource: [{{cite: x, kind: convention, says_number: false, as_of: 2026-01-01}}]\nlimit_origin: ours\n{fields}\n"
        )
    config = AuditConfig(score_column="score", label="label", protected=("group",), rules=tuple(map(str, files)), engines=("native",))
    once = audit(config, data=frame)
    thrice = audit(AuditConfig(**{name: getattr(config, name) for name in config.__struct_fields__} | {"cluster": "person"}), data=pd.concat([frame] * 3))
    for one, other in zip(once.findings, thrice.findings, strict=True):
        assert (one.rule, one.group, one.value, one.interval is None) == (other.rule, other.group, pytest.approx(other.value), other.interval is None)
        if one.interval is not None and other.interval is not None:
            width, wider = (ends[1] - ends[0] for ends in (one.interval, other.interval))
            assert 0.97 <= wider / width <= (1.1 if one.rows > 100 else 1.35)  # of few people Student's point is taken twice
    assert rejudged(thrice, ()).findings == thrice.findings
