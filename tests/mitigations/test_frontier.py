"""What no other candidate beats, and what is chosen: as trying all of them finds."""

from __future__ import annotations

import json
import math
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fairaudit
from fairaudit.cube.slices import Slice
from fairaudit.errors import ConfigError, Several
from fairaudit.mitigations.card import Condition
from fairaudit.mitigations.choice import OBJECTIVE, Choice, choice_of, choose, nearest
from fairaudit.mitigations.frontier import Aim, Number, Objective, Point, efficient, json_schema, marked
from fairaudit.mitigations.objective import objective_of
from fairaudit.mitigations.policy import Treatment, policy_of, policy_of_all, threshold_at
from fairaudit.rules.library import load_rules

ACCURACY = objective_of("accuracy")
RULES = ("four-fifths", "equal-opportunity")
OWN = load_rules(RULES)  # which ask for a ratio of 0.8 and for no more than 0.1 between true positive rates
VALUES = st.sampled_from([None, 0.0, 0.25, 0.5, 0.75])
PAST = st.sampled_from([None, -0.5, -0.125, 0.0, 0.25])


def number(rule: str, past: float | None, meets: bool) -> Number:
    value = None if past is None else 0.8 * math.exp(-past)
    return Number(rule=rule, metric="selection_rate", kind="ratio", slicing=("sex",), group=None, reference=None, value=value, interval=None, limit=(0.8, None), past=past, verdict="pass", meets=meets)


def of(kind: str, value: float, limit: tuple[float | None, float | None], rule: str = RULES[1]) -> Number:
    """What a rule says of a candidate, as it is met at the point."""
    low, high = limit
    is_met = (low is None or value >= low) and (high is None or value <= high)
    return msgspec.structs.replace(number(rule, 0.0, is_met), kind=kind, value=value, limit=limit)


def point(place: int, objective: float | None, *past: float | None) -> Point:
    return Point(
        id=f"one-{place}", method="thresholds", settings={}, needs_attribute=True, same_as=None, objective=Objective(value=objective, interval=None), aims=(),
        rules=tuple(number(rule, one, one is not None and one <= 0) for rule, one in zip(RULES, past, strict=True)), efficient=(), effects=(),
        policy=policy_of("thresholds", ("sex",), {Slice([("sex", "f")]): threshold_at(0.5)}, threshold_at(0.5)),
    )  # fmt: skip


POINTS = st.lists(st.tuples(VALUES, PAST, PAST), min_size=1, max_size=12).map(lambda many: [point(place, *one) for place, one in enumerate(many)])


KINDS = [(needs, drawn) for needs in (False, True) for drawn in (False, True)]


def asking(one: Point, needs_attribute: bool, is_drawn: bool) -> Point:
    """The same of another kind; what needs no attribute and draws nothing is a model that was trained on, which has no policy."""
    treatment = Treatment(cuts=(0.5,), chances=(0.0, 0.5)) if is_drawn else threshold_at(0.5)
    policy = policy_of("thresholds", ("sex",), {Slice([("sex", "f")]): treatment}, threshold_at(0.5)) if needs_attribute else policy_of_all("thresholds", treatment) if is_drawn else None
    return msgspec.structs.replace(one, needs_attribute=needs_attribute, policy=policy)


def test_the_published_schema_is_the_programs() -> None:
    """To publish a change: python -m fairaudit.mitigations.frontier > fairaudit/frontier.schema.json"""
    assert json.loads((Path(fairaudit.__file__).parent / "frontier.schema.json").read_text()) == json.loads(json.dumps(json_schema()))


@settings(max_examples=200)
@given(points=st.lists(st.tuples(st.sampled_from([math.nan, 0.0, 0.25, 0.5]), st.sampled_from([math.nan, math.inf, -0.5, 0.0, 0.25])), max_size=10))
def test_what_is_efficient_is_beaten_by_no_other(points: list[tuple[float, float]]) -> None:
    def beats(one: tuple[float, float], other: tuple[float, float]) -> bool:
        return one[0] >= other[0] and one[1] <= other[1] and one != other

    known = [one for one in points if not any(map(math.isnan, one))]
    wanted = [one in known and not any(beats(other, one) for other in known) for one in points]
    assert efficient(np.array([one for one, _ in points]), np.array([other for _, other in points])).tolist() == wanted


@settings(max_examples=100)
@given(points=POINTS)
def test_each_rule_has_a_frontier_of_its_own(points: list[Point]) -> None:
    found = marked(points)
    for place, rule in enumerate(RULES):
        for one, is_found in zip(points, (rule in each.efficient for each in found), strict=True):
            beaten = any(
                other.objective.value is not None and one.objective.value is not None and _past(other, place) <= _past(one, place) and other.objective.value >= one.objective.value
                and (_past(other, place), other.objective.value) != (_past(one, place), one.objective.value)
                for other in points
            )  # fmt: skip
            assert is_found == (one.objective.value is not None and not beaten)


def _past(one: Point, place: int) -> float:
    past = one.rules[place].past
    return math.inf if past is None else past


@settings(max_examples=200)
@given(points=POINTS, rules=st.lists(st.sampled_from(RULES), unique=True), by=st.permutations([OBJECTIVE, "true_positive_rate", "false_positive_rate"]), seed=st.integers(0, 9), kinds=st.lists(st.sampled_from(KINDS), min_size=12, max_size=12))
def test_the_choice_is_the_best_of_those_that_meet_the_rules_and_of_equals_what_needs_least_and_the_first(points: list[Point], rules: list[str], by: list[str], seed: int, kinds: list[tuple[bool, bool]]) -> None:
    points = [asking(one, *kind) for one, kind in zip(points, kinds, strict=False)]
    values = {(one.id, name): float(value) for (one, name), value in zip(((one, name) for one in points for name in by), np.random.default_rng(seed).integers(0, 2, 3 * len(points)) / 2, strict=True)}
    asked = choice_of(", ".join([*(f"rule {one}" for one in rules), *(f"then {one}" for one in by)]), OWN, ACCURACY, "helps")
    told = [msgspec.structs.replace(one, aims=tuple(Aim(metric=name, value=values[one.id, name], interval=None) for name in by if name != OBJECTIVE)) for one in points]
    found = choose(told, asked)
    best: Point | None = None
    for one in points:
        if any(number.rule in rules and not number.meets for number in one.rules):
            continue
        if best is None:
            best = one
            continue
        for name in by:
            mine, theirs = ((each.objective.value if name == OBJECTIVE else values[each.id, name]) for each in (one, best))
            mine, theirs = (-math.inf if value is None else -value if name == "false_positive_rate" else value for value in (mine, theirs))
            if mine != theirs:
                best = one if mine > theirs else best
                break
        else:
            own, other = (kinds[points.index(each)] for each in (one, best))
            if (not own[0] and other[0]) or (own[0] == other[0] and not own[1] and other[1]):
                best = one
    assert (None if found is None else found.id) == (None if best is None else best.id)


def test_where_nothing_meets_the_rules_the_nearest_misses_the_fewest_by_the_least() -> None:
    asked = choice_of(None, OWN, ACCURACY, "helps")
    points = [point(0, 0.9, 0.25, 0.25), point(1, 0.5, 0.25, -0.5), point(2, 0.5, 0.125, -0.5), point(3, 0.9, None, -0.5)]
    assert choose(points, asked) is None and nearest(points, asked).id == "one-2"


@pytest.mark.parametrize(
    ("asked", "rules", "aims"),
    [
        (None, RULES, (OBJECTIVE,)),
        ("rule four-fifths, then accuracy", ("four-fifths",), (OBJECTIVE,)),
        ("rule  four-fifths ,rule equal-opportunity,then objective, then true_positive_rate", RULES, (OBJECTIVE, "true_positive_rate")),
        ("all rules, then balanced_accuracy", RULES, ("balanced_accuracy",)),
        ("all rules, accuracy", RULES, (OBJECTIVE,)),
        ("false_negative_rate", (), ("false_negative_rate",)),
        ("rule four-fifths within 0.9, then accuracy", ("four-fifths within 0.9",), (OBJECTIVE,)),
        ("all rules,  rule equal-opportunity  within 5e-2, then accuracy", ("four-fifths", "equal-opportunity within 0.05"), (OBJECTIVE,)),
        ("rule four-fifths within 0.80, then accuracy", ("four-fifths",), (OBJECTIVE,)),
    ],
)
def test_what_choices_say(asked: str | None, rules: tuple[str, ...], aims: tuple[str, ...]) -> None:
    found = choice_of(asked, OWN, ACCURACY, "helps")
    assert (tuple(one.text for one in found.conditions), found.aims) == (rules, aims)
    assert choice_of(found.text, OWN, ACCURACY, "helps") == found  # it is told in the words that it is asked in


@pytest.mark.parametrize(
    ("objective", "said"),
    [("balanced_accuracy", "rule our-objective, then balanced_accuracy, then accuracy"), ("fp=1,fn=5", "rule our-objective, then objective, then accuracy")],
)
def test_a_criterion_is_told_as_it_could_be_asked_for_and_ids_of_rules_stay_as_they_are(objective: str, said: str) -> None:
    aim = objective_of(objective)
    rules = [msgspec.structs.replace(OWN[0], id="our-objective")]
    asked = choice_of("rule our-objective, then objective, then accuracy", rules, aim, "helps")
    assert asked.called(aim) == said and choice_of(said, rules, aim, "helps") == asked


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("", "--choose '' has nothing in it; write it as 'rule four-fifths, then accuracy'."),
        ("rule four-fifths,, then accuracy", "has nothing before a comma"),
        ("rule four-fifth, then accuracy", "--choose: there is no rule 'four-fifth'; did you mean 'four-fifths'?"),
        ("rule four-fifths", "says what must be met and not what decides among those that do; add what is made best, as 'then accuracy'."),
        ("accuracy, then rule four-fifths", "'rule four-fifths' must be met, so it stands before everything that comes with 'then'"),
        ("rule four-fifths, then acuracy", "--choose: there is no metric 'acuracy'; did you mean 'accuracy'?"),
        ("rule four-fifths, then selection_rate", "--choose: selection_rate is no number of everyone's decisions of which more, or less, is better; name one that is, as accuracy, or objective."),
        ("rule four-fifths, then roc_auc", "roc_auc is no number of everyone's decisions"),
        ("rule statistical-parity, then accuracy", "--choose: statistical-parity is not among this search's rules; add --rule statistical-parity."),
        ("rule equal-opportunity within 0.2, then accuracy", "--choose: equal-opportunity within 0.2 is looser than the rule, whose own limit is 0.1; give a tighter one, as 'rule equal-opportunity within 0.05', or leave 'within' out."),
        ("rule four-fifths within 0.7, then accuracy", "four-fifths within 0.7 is looser than the rule, whose own limit is 0.8; give a tighter one, as 'rule four-fifths within 0.9', or"),
        ("rule four-fifths within 1.25, then accuracy", "--choose: '1.25' is no limit of four-fifths, whose own is 0.8; give one that is tighter, as 'rule four-fifths within 0.9'."),
        ("rule four-fifths within, then accuracy", "--choose: '' is no limit of four-fifths, whose own is 0.8; give one that is tighter, as 'rule four-fifths within 0.9'."),
        ("rule equal-opportunity within half, then accuracy", "--choose: 'half' is no limit of equal-opportunity"),
        ("rule equal-opportunity within -0.05, then accuracy", "--choose: '-0.05' is no limit of equal-opportunity"),
        ("all rules within 0.05, then accuracy", "each rule has a limit in terms of its own; after 'all rules' name those that are to be met with room to spare, as 'all rules, rule four-fifths within 0.9, then accuracy'."),
        ("accuracy, balanced_accuracy", "'balanced_accuracy' follows 'accuracy' without saying which comes first; put 'then' before it."),
    ],
)
def test_what_cannot_be_chosen_by_is_told_in_one_sentence(asked: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        choice_of(asked, OWN, ACCURACY, "helps")
    assert said in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("kind", "limit", "asked", "able"),
    [  # the candidates' own numbers, as a rule would have it and as it would not
        ("ratio", (0.8, None), 0.9, {0.79: False, 0.8: False, 0.89: False, 0.9: True, 1.3: True}),
        ("ratio", (None, 1.25), 0.8, {1.26: False, 1.25: True, 0.5: True}),
        ("ratio", (0.8, 1.25), 0.9, {0.89: False, 0.9: True, 1.11: True, 1.12: False}),
        ("min_max_ratio", (0.8, None), 0.95, {0.94: False, 0.95: True}),
        ("difference", (-0.1, 0.1), 0.05, {-0.051: False, -0.05: True, 0.05: True, 0.06: False, 0.11: False}),
        ("difference", (-0.1, None), 0.05, {-0.06: False, -0.05: True, 0.3: True}),
        ("gap", (None, 0.1), 0.05, {0.06: False, 0.05: True}),
        ("value", (0.7, None), 0.8, {0.79: False, 0.8: True}),
        ("value", (None, 0.3), 0.2, {0.21: False, 0.2: True}),
    ],
)
def test_with_room_to_spare_only_what_reaches_the_tighter_limit_is_able(kind: str, limit: tuple[float | None, float | None], asked: float, able: dict[float, bool]) -> None:
    condition = Condition(rule=RULES[1], limit=asked, is_tighter=True, is_minimum=kind != "gap")
    wanted = Choice(conditions=(condition,), aims=(OBJECTIVE,))
    for value, is_able in able.items():
        one = msgspec.structs.replace(point(0, 0.5, 0.0, 0.0), rules=(number(RULES[0], 1.0, False), of(kind, value, limit)))
        assert (choose([one], wanted) is not None) == is_able, value


def test_the_nearest_is_told_by_how_far_it_is_past_for_what_the_limit_allows() -> None:
    """A ratio of 0.72 is about half as far again from 1 as 0.8 is, in logarithms; a difference of 0.18 is four fifths as far again from 0 as 0.1."""
    by_ratio = msgspec.structs.replace(point(0, 0.5, 0.0, 0.0), id="ratio", rules=(of("ratio", 0.72, (0.8, None), RULES[0]), of("difference", -0.1, (-0.1, None))))
    by_difference = msgspec.structs.replace(by_ratio, id="difference", rules=(of("ratio", 0.8, (0.8, None), RULES[0]), of("difference", -0.18, (-0.1, None))))
    assert nearest([by_difference, by_ratio], choice_of(None, OWN, ACCURACY, "helps")).id == "ratio"
    tight = choice_of("rule four-fifths within 0.9, rule equal-opportunity, then accuracy", OWN, ACCURACY, "helps")
    assert nearest([by_difference, by_ratio], tight).id == "ratio"  # the other misses both


def test_more_room_is_halfway_to_no_disparity() -> None:
    one = choice_of(None, OWN, ACCURACY, "helps").conditions
    assert [each.roomier.text for each in one] == ["four-fifths within 0.9", "equal-opportunity within 0.05"]
    assert [each.roomier.roomier.text for each in one] == ["four-fifths within 0.95", "equal-opportunity within 0.025"]


def test_several_mistakes_are_told_at_once() -> None:
    with pytest.raises(Several) as error:
        choice_of("rule four-fifth, then acuracy", OWN, ACCURACY, "helps")
    assert len(error.value.errors) == 2


def test_a_number_that_is_met_by_more_than_can_be_said_is_the_best_and_not_the_worst() -> None:
    """Of a reference whose rate is 0 the ratio is infinite: within a lower limit however far."""
    infinite = Number(rule=RULES[0], metric="selection_rate", kind="ratio", slicing=("sex",), group=None, reference=None, value=None, interval=None, limit=(0.8, None), past=None, verdict="pass", meets=True)
    within = point(0, 0.5, -0.125, 0.0)
    further = point(1, 0.5, None, 0.0)
    both = marked([within, Point(**{name: getattr(further, name) for name in Point.__struct_fields__} | {"rules": (infinite, further.rules[1])})])
    assert [RULES[0] in one.efficient for one in both] == [False, True]
