"""Methods on people who are simulated: a model that is fair already is left as it is, but for noise."""

from __future__ import annotations

import numpy as np
import pytest

from fairaudit.config import AuditConfig
from fairaudit.mitigations.calibrated_equalized_odds import COSTS
from fairaudit.mitigations.methods import Method, by_calibrated_equalized_odds, by_equalized_odds, by_reject_option, by_thresholds, usual
from fairaudit.mitigations.names import DECIDING, MethodName
from fairaudit.mitigations.policy import threshold_at
from fairaudit.mitigations.reject_option import METRICS
from tests.mitigations.builders import Rows

SEEDS = 60


def simulated(seed: int, *, rows: int = 4_000, groups: int = 3, bias: float = 0.0) -> Rows:
    """Whose scores are their chances of a positive label, in all groups alike; with bias, the first group's chances are higher than its scores."""
    rng = np.random.default_rng(seed)
    score, group = rng.integers(1, 100, rows) / 100, rng.integers(0, groups, rows)
    return Rows(group=group, label=(rng.random(rows) < score + bias * (group == 0)).astype(int), score=score, weight=np.ones(rows))


def left_alone(method: Method, rows: Rows) -> bool:
    return all(one == threshold_at(0.5) for one in method.solve(rows.cells(), 0.5).treatments)


def test_thresholds_of_a_fair_model_stay_in_nearly_all_samples() -> None:
    for objective in ("accuracy", "balanced_accuracy"):
        method = by_thresholds(AuditConfig(rules=("equal-opportunity",)), objective)
        assert sum(left_alone(method, simulated(seed)) for seed in range(SEEDS)) >= 0.95 * SEEDS


def test_thresholds_of_an_unfair_model_do_not() -> None:
    method = by_thresholds(AuditConfig(rules=("equal-opportunity",)), "accuracy")
    assert not any(left_alone(method, simulated(seed, bias=0.3)) for seed in range(10))


def test_bounded_rates_of_a_fair_model_move_by_no_more_than_noise() -> None:
    """Reject option takes the best of 5,000 settings, so that its threshold may move a little; accuracy on other people is what it was."""
    method = by_reject_option(AuditConfig(), "statistical_parity_difference", 0.05)
    changes = []
    for seed in range(10):
        solved, others = method.solve(simulated(seed).cells(), 0.5), simulated(1_000 + seed)
        chance = np.array([one.chance(others.score) for one in solved.treatments])[others.group, np.arange(others.score.size)]
        changes.append(float(((chance > 0.5) == others.label).mean() - ((others.score > 0.5) == others.label).mean()))
    assert abs(np.mean(changes)) < 0.01


def changed(method: Method, rows: int, *, seeds: int, bias: float = 0.0) -> tuple[float, float]:
    """Of people that were not fitted on, the share that is decided or scored otherwise, expected over what is drawn, and by how much accuracy changes; means over the seeds."""
    found = []
    for seed in range(seeds):
        solved, others = method.solve(simulated(seed, rows=rows, bias=bias).cells(), 0.5), simulated(1_000 + seed, rows=rows, bias=bias)
        own = solved.treatments
        chance, replaced = np.array([one.chance(others.score) for one in own])[others.group, np.arange(others.score.size)], np.array([one.replaced for one in own])[others.group]
        decided = others.score > 0.5
        found.append((np.maximum(np.abs(chance - decided), replaced).mean(), (np.where(others.label == 1, chance, 1 - chance) - (decided == others.label)).mean()))
    turned, accuracy = np.array(found).mean(axis=0).tolist()
    return turned, accuracy


FITTED: dict[str, tuple[Method, float]] = {  # with the power of the rows by which noise falls: what is equalized is off by a standard error, and where the best of many thresholds lies by a cube root (Kim and Pollard 1990)
    "equalized-odds": (by_equalized_odds(), 1 / 2),
    **{f"calibrated-equalized-odds, {cost}": (by_calibrated_equalized_odds(cost), 1 / 2) for cost in COSTS},
    **{f"reject-option, {metric}": (by_reject_option(AuditConfig(), metric, 0.05), 1 / 3) for metric in METRICS},
}


@pytest.mark.parametrize("name", FITTED)
def test_what_a_method_changes_of_a_fair_model_is_noise_and_falls_with_the_rows_as_noise_does(name: str) -> None:
    method, power = FITTED[name]
    few, many = changed(method, 4_000, seeds=16), changed(method, 64_000, seeds=16)
    assert few[0] < 0.06 and many[0] < 0.02
    assert 0.6 * 16**power < few[0] / many[0] < 1.6 * 16**power
    assert abs(few[1]) < 0.02 and abs(many[1]) < 0.005


@pytest.mark.parametrize("name", sorted(FITTED.keys() - {"reject-option, statistical_parity_difference"}))
def test_what_a_method_changes_of_an_unfair_model_does_not_vanish(name: str) -> None:
    """Whose scores are alike in all groups, so that selection rates are, and say too little of one group's labels."""
    assert changed(FITTED[name][0], 64_000, seeds=3, bias=0.3)[0] > 0.04


@pytest.mark.parametrize("name", DECIDING)
def test_every_method_that_decides_of_a_score_has_a_usual_form_of_its_name(name: MethodName) -> None:
    assert usual(name, AuditConfig(protected=("sex",), rules=("equal-opportunity",))).name == name
