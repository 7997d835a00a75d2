"""What a rule may say of its metrics' parameters, and what a metric is then given."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fairaudit.bands import SCORE_CELLS, score_bins
from fairaudit.documents import Mistake
from fairaudit.errors import UnknownName, nearest
from fairaudit.evidence.wanted import CALIBRATION_ERRORS, PARAMS, Params
from fairaudit.metrics.catalogue import known_names, metric
from fairaudit.metrics.engines.over_groups import POSITIVE_ONLY
from fairaudit.rules.rule import Rule

_OUTCOMES = ("both", "positive")  # of differential fairness: the furthest pair of either outcome, or of the positive decision as four-fifths has it


def taken_by(metric_id: str) -> tuple[str, ...]:
    """The names of the parameters that a rule may give to a metric."""
    names = tuple(name for name, _ in PARAMS.get(metric_id, ()))
    return (*names, "outcome") if metric_id == "differential_fairness" else names


def own_params(rule: Rule, metric_id: str) -> Params:
    """What a rule's own file gives to a metric, as numbers; nothing of what is the metric's default anyway."""
    given = {name: rule.params[name] for name in taken_by(metric_id) if name in rule.params}
    outcome = given.pop("outcome", "both")
    return (*((name, float(value)) for name, value in given.items()), *([(POSITIVE_ONLY, 1.0)] if outcome == "positive" else []))


def params_of(rule: Rule, metric_id: str, bins: Params) -> Params:
    """What a metric is given: the rule's own parameters, the audit's bins, and its defaults for the rest."""
    usual = bins if bins and metric_id in CALIBRATION_ERRORS else PARAMS.get(metric_id, ())
    own = own_params(rule, metric_id)
    return own if any(name == "bins" for name, _ in own) else tuple((dict(usual) | dict(own)).items())


def params_mistakes(rule: Rule) -> Iterator[Mistake]:
    metrics = [metric(name).id for name in rule.metric_names if name in known_names()]
    known = tuple(dict.fromkeys(name for one in metrics for name in taken_by(one)))
    for name, value in rule.params.items():
        if name not in known and metrics:
            yield Mistake(("params", name), str(UnknownName("parameter", name, known)) if known else f"{' and '.join(metrics)} take no parameters; leave {name!r} out.")
        elif name in known:
            yield from (Mistake(("params", name), sentence) for sentence in _CHECKS[name](value))


def _alpha(value: float | str) -> Iterator[str]:
    if isinstance(value, str) or not 0 < value <= 10 or value == 1:
        yield f"'alpha' must be a number above 0 and at most 10 other than 1, where the index is theil_index, and is {value}."


def _bins(value: float | str) -> Iterator[str]:
    try:
        score_bins("" if isinstance(value, str) else f"{value:g}")
    except ValueError:
        yield f"'bins' must be a whole number from 2 to 100 that divides {SCORE_CELLS:,}, the number of score cells, as 10, 16 or 20, and is {value}."


def _concentration(value: float | str) -> Iterator[str]:
    if isinstance(value, str) or value < 0:
        yield f"'concentration' must be a number of at least 0, and is {value}."


def _outcome(value: float | str) -> Iterator[str]:
    if value not in _OUTCOMES:
        near = nearest(str(value), _OUTCOMES)
        yield f"'outcome' must be one of {', '.join(_OUTCOMES)}, and is {value!r}{f'; did you mean {near!r}?' if near else '.'}"


_CHECKS: dict[str, Callable[[float | str], Iterator[str]]] = {"alpha": _alpha, "bins": _bins, "concentration": _concentration, "outcome": _outcome}
