"""Methods on people who are simulated: a model that is fair already is left as it is, but for noise."""

from __future__ import annotations

import numpy as np

from fairaudit.config import AuditConfig
from fairaudit.mitigations.methods import Method, by_reject_option, by_thresholds
from fairaudit.mitigations.policy import threshold_at
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
