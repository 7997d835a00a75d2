"""A threshold for each group: the best that meet the rules, against every combination tried one by one."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from fairaudit.cube.slices import Slice
from fairaudit.errors import ConfigError, ContentError
from fairaudit.mitigations.cells import Cells
from fairaudit.mitigations.constraints import constraints_of
from fairaudit.mitigations.objective import objective_of
from fairaudit.mitigations.policy import threshold_at
from fairaudit.mitigations.solved import Unreachable
from fairaudit.mitigations.thresholds import solve
from fairaudit.rules.library import load_rules
from fairaudit.rules.rule import Comparing, Rule

NAMES = ("four-fifths", "equal-opportunity", "predictive-equality", "equalized-odds", "predictive-parity", "statistical-parity")
RULES = {name: load_rules((name,))[0] for name in NAMES}


def changed(name: str, **fields: object) -> Rule:
    import msgspec

    return msgspec.structs.replace(RULES[name], **fields)


FLOOR = changed("equal-opportunity", id="floor", metric="true_positive_rate", comparison=Comparing.VALUE, reference="none", limit=0.5, better="higher")
NAMED = changed("equal-opportunity", id="named", reference={"g": "0"})
LARGEST = changed("four-fifths", id="largest", reference="largest")
OVERALL = changed("statistical-parity", id="overall", reference="overall")
ASKED = {**RULES, "floor": FLOOR, "named": NAMED, "largest": LARGEST, "overall": OVERALL}


def table(positive: list[list[int]], negative: list[list[int]]) -> Cells:
    pos, neg = np.array(positive, dtype=float), np.array(negative, dtype=float)
    scores = np.linspace(0.1, 0.9, pos.shape[1])
    return Cells(
        groups=tuple(Slice([("g", str(place))]) for place in range(len(pos))), positive=pos, negative=neg, positive_score=pos * scores, negative_score=neg * scores,
        rows=np.stack([neg.sum(axis=1), pos.sum(axis=1)], axis=1).astype(np.int64), lowest=scores, highest=scores,
    )  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> Cells:
    groups, cells = draw(st.integers(2, 3)), draw(st.integers(1, 4))
    rows = st.lists(st.lists(st.integers(0, 6), min_size=cells, max_size=cells), min_size=groups, max_size=groups)
    return table(draw(rows), draw(rows))


def rate(metric: str, tp: int, fp: int, p: int, n: int) -> Fraction | None:
    above, below = {
        "selection_rate": (tp + fp, p + n), "true_positive_rate": (tp, p), "false_positive_rate": (fp, n), "positive_predictive_value": (tp, tp + fp),
    }[metric]  # fmt: skip
    return Fraction(above, below) if below else None


def allowed(rule: Rule, counts: list[tuple[int, int, int, int]]) -> bool:
    """The rule at the point, read from its file; `counts` are tp, fp, positives, negatives of each group."""
    limit = Fraction(str(rule.limit))
    for metric in rule.metrics:
        rates = [rate(metric, *one) for one in counts]
        if None in rates:
            return False
        lower_is_better = metric == "false_positive_rate"
        best = min(rates) if lower_is_better else max(rates)
        sizes = [one[2] + one[3] for one in counts]
        for place, own in enumerate(rates):
            others = [sum(parts) for parts in zip(*(one for at, one in enumerate(counts) if at != place or rule.reference == "overall"), strict=True)]
            against = {
                "best": best, "largest": rates[sizes.index(max(sizes))], "rest": rate(metric, *others), "overall": rate(metric, *others), "none": Fraction(0),
            }[rule.reference] if isinstance(rule.reference, str) else rates[int(rule.reference["g"])]  # fmt: skip
            if against is None:
                return False
            match rule.comparison, rule.direction.value:
                case Comparing.VALUE, _:
                    fine = own >= limit
                case Comparing.RATIO, _:
                    fine = against > 0 and own / against >= limit
                case Comparing.DIFFERENCE, "either":
                    fine = abs(own - against) <= limit
                case Comparing.DIFFERENCE, _:
                    fine = (own - against if lower_is_better else against - own) <= limit
            if not fine:
                return False
    return True


def counts_at(cells: Cells, places: tuple[int, ...]) -> list[tuple[int, int, int, int]]:
    tp, fp = cells.selected()
    return [(int(tp[g, at]), int(fp[g, at]), int(cells.positive[g].sum()), int(cells.negative[g].sum())) for g, at in enumerate(places)]


def places_of(cells: Cells, solved: object) -> tuple[int, ...]:
    return tuple(int((cells.highest <= one.cuts[0]).sum()) if one.cuts else (0 if one.chances == (1.0,) else len(cells.highest)) for one in solved.treatments)


def fully_defined(cells: Cells) -> bool:
    return bool((cells.positive.sum(axis=1) > 0).all() and (cells.negative.sum(axis=1) > 0).all())


@given(cells=tables(), name=st.sampled_from(sorted(ASKED)), objective=st.sampled_from(["accuracy", "balanced_accuracy", "fp=1,fn=3"]))
@example(cells=table([[0, 4], [0, 5]], [[1, 0], [0, 0 + 1]]), name="four-fifths", objective="accuracy")
def test_no_combination_of_thresholds_is_better_and_meets_the_rule(cells, name, objective):
    assume(fully_defined(cells))
    rule = ASKED[name]
    constraints = constraints_of([rule], cells.groups, cells.rows.sum(axis=1).tolist(), "helps")
    positives, negatives = cells.positive.sum(axis=1), cells.negative.sum(axis=1)
    gain = objective_of(objective)
    tp, fp = cells.selected()
    of_all = gain.of(tp, fp, positives=positives, negatives=negatives)
    valid = [places for places in product(range(tp.shape[1]), repeat=len(cells.groups)) if allowed(rule, counts_at(cells, places))]
    best = max((sum(of_all[g, at] for g, at in enumerate(places)) for places in valid), default=None)
    try:
        solved = solve(cells, constraints, gain, threshold=0.5)
    except Unreachable:
        assert best is None or constraints[0].others
        return
    assert allowed(rule, counts_at(cells, places_of(cells, solved)))
    assert solved.objective <= best + 1e-12 and best <= solved.objective + solved.gap + 1e-9
    if not constraints[0].others:
        assert solved.gap == 0


@given(cells=tables(), names=st.lists(st.sampled_from(["four-fifths", "equal-opportunity", "equalized-odds", "floor", "named"]), min_size=2, max_size=2, unique=True))
def test_several_rules_are_met_together_and_no_better_thresholds_meet_them(cells, names):
    assume(fully_defined(cells))
    rules = [ASKED[name] for name in names]
    constraints = constraints_of(rules, cells.groups, cells.rows.sum(axis=1).tolist(), "helps")
    positives, negatives, gain = cells.positive.sum(axis=1), cells.negative.sum(axis=1), objective_of("accuracy")
    of_all = gain.of(*cells.selected(), positives=positives, negatives=negatives)
    valid = [one for one in product(range(of_all.shape[1]), repeat=len(cells.groups)) if all(allowed(rule, counts_at(cells, one)) for rule in rules)]
    best = max((sum(of_all[g, at] for g, at in enumerate(places)) for places in valid), default=None)
    try:
        solved = solve(cells, constraints, gain, threshold=0.5)
    except Unreachable:
        assert best is None
        return
    assert all(allowed(rule, counts_at(cells, places_of(cells, solved))) for rule in rules)
    assert solved.objective == pytest.approx(best, abs=1e-12)


@given(cells=tables(), name=st.sampled_from(["equalized-odds", "four-fifths"]))
def test_a_search_that_is_cut_short_says_how_much_better_the_best_could_be(cells, name):
    assume(fully_defined(cells))
    constraints = constraints_of([ASKED[name]], cells.groups, cells.rows.sum(axis=1).tolist(), "helps")
    try:
        whole = solve(cells, constraints, objective_of("accuracy"), threshold=0.5)
    except Unreachable:
        with pytest.raises(Unreachable):
            solve(cells, constraints, objective_of("accuracy"), threshold=0.5, most=1)
        return
    short = solve(cells, constraints, objective_of("accuracy"), threshold=0.5, most=1)
    assert allowed(ASKED[name], counts_at(cells, places_of(cells, short)))
    assert short.objective <= whole.objective + 1e-12 and whole.objective <= short.objective + short.gap + 1e-12


def test_a_model_that_is_best_and_meets_the_rule_keeps_its_threshold():
    cells = table([[0, 1, 5, 9], [0, 1, 5, 9]], [[9, 5, 1, 0], [9, 5, 1, 0]])
    solved = solve(cells, constraints_of([RULES["four-fifths"]], cells.groups, (30, 30), "helps"), objective_of("accuracy"), threshold=0.5)
    assert solved.treatments == (threshold_at(0.5),) * 2
    assert solved.objective == solved.before


def test_four_fifths_worked_by_hand():
    """Ten people a group. At 0.5 five of A and one of B are selected, ratio 0.2. The most accurate that meet four fifths: A above 0.5 loses nothing, B must have four, of which one was unqualified."""
    cells = table([[0, 0, 5], [0, 2, 1]], [[3, 2, 0], [6, 1, 0]])
    solved = solve(cells, constraints_of([RULES["four-fifths"]], cells.groups, (10, 10), "helps"), objective_of("accuracy"), threshold=0.7)
    assert [one.cuts for one in solved.treatments] == [(0.7,), (pytest.approx(0.3),)]
    assert solved.before == pytest.approx(18 / 20) and solved.objective == pytest.approx(19 / 20) and solved.rates[0].tolist() == [0.5, 0.4]


def test_a_group_without_the_rows_that_a_rate_is_of_keeps_its_threshold_and_is_told():
    cells = table([[0, 3], [0, 4], [0, 0]], [[3, 1], [2, 1], [2, 2]])
    solved = solve(cells, constraints_of([RULES["equal-opportunity"]], cells.groups, (7, 7, 4), "helps"), objective_of("accuracy"), threshold=0.5)
    assert solved.unfitted == (cells.groups[2],) and solved.treatments[2] == threshold_at(0.5)


def test_where_nothing_meets_a_rule_the_error_says_what_comes_nearest():
    cells = table([[3, 1], [1, 1]], [[1, 3], [1, 1]])
    strict = changed("equal-opportunity", id="floor", metric="accuracy", comparison=Comparing.VALUE, reference="none", limit=0.9, better="higher")
    with pytest.raises(Unreachable, match=r"accuracy from 0\.5000 to 0\.5000") as raised:
        solve(cells, constraints_of([strict], cells.groups, (8, 4), "helps"), objective_of("accuracy"), threshold=0.5)
    assert raised.value.exit_code == 1


def test_rows_of_one_label_are_refused():
    cells = table([[0, 0], [0, 0]], [[1, 3], [1, 1]])
    with pytest.raises(ContentError, match="none of the rows to fit on has a positive label"):
        solve(cells, constraints_of([RULES["four-fifths"]], cells.groups, (4, 2), "helps"), objective_of("accuracy"), threshold=0.5)


@pytest.mark.parametrize(("name", "why"), [("calibration-within-groups", "four counts"), ("no-worse-than-baseline", "a change since a baseline"), ("conditional-parity", "groups within a control")])
def test_rules_that_no_threshold_changes_are_refused(name, why):
    with pytest.raises(ConfigError, match=why):
        constraints_of(load_rules((name,)), (Slice([("g", "0")]),), (1,), "helps")


def test_a_reference_that_is_no_group_is_refused():
    with pytest.raises(ConfigError, match="compares with g=0, and the groups that get thresholds are g=1"):
        constraints_of([NAMED], (Slice([("g", "1")]),), (1,), "helps")


@pytest.mark.parametrize(("asked", "why"), [("acuracy", "did you mean 'accuracy'"), ("fp=x", "no number"), ("fp=1,fp=2", "each once"), ("fq=1", "not one of"), ("fp=nan", "finite"), ("fp=0,fn=0", "the same whatever"), ("tn=1,fp=1,tp=2,fn=2", "the same whatever")])
def test_objectives_that_cannot_be_are_refused(asked, why):
    with pytest.raises(ConfigError, match=why):
        objective_of(asked)
