"""Which metrics an audit is asked for, and whether it can have them."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from fairaudit.config import AuditConfig
from fairaudit.errors import ConfigError, FairauditError, UnknownName
from fairaudit.evidence.sweeps import is_swept
from fairaudit.metrics.catalogue import Metric, Shape, metric

_REGRESSION = (
    "mean_prediction", "mean_label", "mean_error", "mean_absolute_error", "mean_squared_error", "root_mean_squared_error", "r_squared", "squared_correlation",
    "residual_quantile", "standardized_mean_difference", "relative_mean_error", "relative_mean_absolute_error",
)  # fmt: skip
_MULTICLASS = ("multiclass_confusion", "multiclass_accuracy", "multiclass_log_loss", "multiclass_brier", "top_label_calibration_error")
OTHER_TASKS = dict.fromkeys(_REGRESSION, "regression") | dict.fromkeys(_MULTICLASS, "multiclass")  # metrics that no audit computes yet, and whose they are


def only_asked(config: AuditConfig, by_rules: Collection[str]) -> frozenset[str] | None:
    """The ids of the metrics to compute: those asked for, in which `mistaken_metrics` found nothing wrong, and those that rules judge; None where all are."""
    return frozenset((*(metric(name).id for name in config.metrics), *by_rules)) if config.metrics else None


def mistaken_metrics(config: AuditConfig) -> Iterator[FairauditError]:
    """A sentence for each metric asked for that is none, is of another task, or needs what the audit has not."""
    for name in config.metrics:
        if name in OTHER_TASKS:
            task = OTHER_TASKS[name]
            yield ConfigError(
                f"--metric {name} is of {f'{task} decisions' if task == 'multiclass' else task}, and this audit is of decisions that are yes or no; `fairaudit metrics list` has those."
            )
            continue
        try:
            entry = metric(name, where="--metric")
        except UnknownName as error:
            yield error
            continue
        for need in _lacking(config, entry):
            yield ConfigError(f"--metric {name} needs {need}.")


def idle_flags(config: AuditConfig, by_rules: Collection[str]) -> Iterator[FairauditError]:
    """A sentence for each flag that serves none of the metrics to compute, in which `mistaken_metrics` found nothing wrong.

    Args:
        by_rules: the metrics that rules judge.
    """
    only = only_asked(config, by_rules)
    if only is None:
        return
    chosen = [metric(name) for name in only]
    if config.features and not any(one.shape is Shape.INDIVIDUAL for one in chosen):
        yield ConfigError("--feature is for consistency, which --metric does not name; add --metric consistency, or leave --feature out.")
    if config.control and not any(one.shape in (Shape.RATE, Shape.CONDITIONAL) for one in chosen):
        yield ConfigError(
            "--control is for rates and for what is compared within a control, and --metric names neither; add --metric selection_rate, or leave --control out."
        )
    if config.described and not any(is_swept(one) for one in chosen):
        flag = "--threshold-sweep" if config.threshold_sweep is not None else "a second --threshold"
        yield ConfigError(
            f"{flag} describes metrics of decisions, and --metric names none that a threshold changes; add --metric selection_rate, or leave it out."
        )


def _lacking(config: AuditConfig, entry: Metric) -> Iterator[str]:
    if entry.needs_label and config.label is None:
        yield "labels, which this audit has not; name their column with --label COL"
    if entry.needs_score and config.decision_column is not None:
        yield "scores, and --decision-column holds decisions; audit a model or a --score-column"
    if entry.shape is Shape.CONDITIONAL and not config.control:
        yield "a control; name its column with --control COL"
    if entry.shape is Shape.INDIVIDUAL and not config.features:
        yield "features; name columns of numbers with --feature COL"
    if entry.shape is Shape.POPULATION:
        yield "a rule that judges it, as --rule representation"


def improbable(config: AuditConfig, scores: tuple[float, float]) -> Iterator[FairauditError]:
    """A sentence for each metric asked for by name that needs probabilities, where the scores are none.

    Args:
        scores: the lowest and the highest.
    """
    for name in config.metrics:
        if metric(name).needs_probability:
            yield ConfigError(
                f"--metric {name} needs probabilities, and the scores run from {scores[0]:g} to {scores[1]:g}; leave it out, or name a column of probabilities."
            )
